/* See image.h. */
#include "io/image/image.h"

#include "io/image/png.h"
#include "io/image/pnm.h"

#include <string.h>

static const nb_image_format *const formats[] = {&nb_image_png, &nb_image_pnm};

/* What people have, and how it begins. */
static const struct stranger {
    const char *begin, *name;
} strangers[] = {
    {"\xff\xd8\xff", "a JPEG"}, {"GIF8", "a GIF"},        {"BM", "a BMP"},
    {"II*", "a TIFF"},          {"MM", "a TIFF"},         {"RIFF", "a WebP"},
    {"P1", "a bitmap (PBM)"},   {"P4", "a bitmap (PBM)"}, {"P7", "a PAM"},
};

static nb_status refuse_stranger(const nb_source *source, const uint8_t *head, size_t bytes)
{
    if (bytes == 0) return nb_source_refuse(source, "is empty; it should be an image");
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        size_t length = strlen(strangers[i].begin);
        if (bytes >= length && memcmp(head, strangers[i].begin, length) == 0)
            return nb_source_refuse(source, "is %s; images are read as PNG, PGM and PPM",
                                    strangers[i].name);
    }
    return nb_source_refuse(source, "is no image; PNG, PGM and PPM are read");
}

nb_status nb_image_begin(nb_ctx *ctx, nb_source *source, nb_image *image)
{
    uint8_t head[NB_PEEK_MAX];
    size_t bytes = nb_source_peek(source, head, sizeof head);
    *image = (nb_image){.ctx = ctx, .source = source};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i]->begins(head, bytes)) continue;
        image->format = formats[i];
        return formats[i]->open(image);
    }
    /* A read that failed shows when it is tried again. */
    nb_status status = bytes ? NB_OK : nb_source_read(source, NULL, 0, "its begin");
    return status ? status : refuse_stranger(source, head, bytes);
}

nb_status nb_image_open(nb_ctx *ctx, const char *path, nb_image *image)
{
    nb_source *source = nb_source_open(ctx, path);
    nb_status status = source ? nb_image_begin(ctx, source, image) : ctx->status;
    if (status == NB_OK)
        image->opened = source;
    else
        nb_source_close(source);
    return status;
}

nb_status nb_image_row(nb_image *image, uint8_t *pixels)
{
    nb_status status = nb_poll(image->ctx);
    return status ? status : image->format->row(image, pixels);
}

nb_status nb_image_end(nb_image *image)
{
    return image->format->end(image);
}

void nb_image_close(nb_image *image)
{
    image->format->close(image);
    nb_source_close(image->opened);
}
