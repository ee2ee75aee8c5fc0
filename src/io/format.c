/* The family of formats: choosing by content to read, by extension to write. */
#include "io/format.h"

#include "base/family.h"
#include "base/option.h"
#include "base/text.h"

#include <string.h>

enum { SHOWN_BYTES = 4 };

#define X(name) extern const nb_format nb_format_##name;
#include "io/formats.def"
#undef X

const nb_format *const nb_formats[NB_FORMATS] = {
#define X(name) &nb_format_##name,
#include "io/formats.def"
#undef X
};

NB_DEFINE_FAMILY(nb_format, nb_format, nb_formats, NB_FORMATS)

/* What stands behind the last dot of the path's last part; "" where there is none. */
static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash + 1 : path, '.');
    return dot ? dot + 1 : "";
}

/* ".npy, .npz and .safetensors": those that can be read, or written too. */
static void list_extensions(nb_text *text, bool written)
{
    int left = 0;
    for (int i = 0; i < NB_FORMATS; i++) left += !written || nb_formats[i]->save;
    for (int i = 0; i < NB_FORMATS; i++) {
        if (written && !nb_formats[i]->save) continue;
        left--;
        nb_text_add(text, ".%s%s", nb_formats[i]->name, left > 1 ? ", " : left == 1 ? " and " : "");
    }
}

/* ---- Loading ---- */

/* The format that the first bytes tell; where they tell none, the one that the name claims, which
 * then says what is wrong. */
static const nb_format *recognise(nb_source *source, const char *path)
{
    uint8_t head[NB_PEEK_MAX];
    size_t bytes = nb_source_peek(source, head, sizeof head);
    for (int i = 0; i < NB_FORMATS; i++) {
        if (nb_formats[i]->begins(head, bytes)) return nb_formats[i];
    }
    return nb_format_find(extension_of(path));
}

static nb_status refuse_content(nb_ctx *ctx, nb_source *source)
{
    uint8_t head[SHOWN_BYTES];
    nb_text text;
    if (nb_source_at_end(source)) {
        nb_status status = nb_source_read(source, NULL, 0, "its begin");
        if (status) return status;
        return nb_fail(ctx, NB_EFORMAT, "%s is empty", nb_source_name(source));
    }
    size_t bytes = nb_source_peek(source, head, sizeof head);
    nb_text_init(&text, ctx);
    for (size_t i = 0; i < bytes; i++) nb_text_add(&text, " %02x", head[i]);
    nb_text_add(&text, "; ");
    list_extensions(&text, false);
    nb_status status = NB_EMEMORY;
    if (!text.failed) {
        status = nb_fail(ctx, NB_EFORMAT,
                         "%s is no file of tensors that is known: it begins with bytes%s can be "
                         "read",
                         nb_source_name(source), nb_text_get(&text));
    }
    nb_text_free(&text);
    return status;
}

nb_status nb_format_load(nb_ctx *ctx, const char *path, nb_archive *archive,
                         const nb_format **format)
{
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return ctx->status;
    *format = recognise(source, path);
    nb_status status =
        *format ? (*format)->load(ctx, source, archive) : refuse_content(ctx, source);
    if (!status && archive->count == 0) status = nb_archive_check_read(ctx, archive);
    if (status) nb_archive_free(ctx, archive);
    nb_source_close(source);
    return status;
}

/* ---- Saving ---- */

static nb_status refuse_extension(nb_ctx *ctx, const char *path)
{
    const char *near = nb_nearest(extension_of(path), nb_format_name_at, NULL);
    if (near && !nb_format_find(near)->save) near = NULL;
    nb_text text;
    nb_text_init(&text, ctx);
    list_extensions(&text, true);
    nb_status status = NB_EMEMORY;
    if (!text.failed) {
        status = nb_fail(ctx, NB_EARG,
                         "the extension of '%s' names no format that can be written; those are %s"
                         "%s%s%s",
                         path, nb_text_get(&text), near ? "; did you mean '." : "",
                         near ? near : "", near ? "'?" : "");
    }
    nb_text_free(&text);
    return status;
}

nb_status nb_format_save(nb_ctx *ctx, const char *path, const nb_archive *archive, bool named,
                         const nb_save_options *options)
{
    const nb_format *format = nb_format_find(extension_of(path));
    if (!format || !format->save) return refuse_extension(ctx, path);
    if (format->named && !named) {
        return nb_fail(ctx, NB_EARG, "a .%s file holds tensors by name: tensor.save(path, {x = x})",
                       format->name);
    }
    if (!format->named && named) {
        return nb_fail(ctx, NB_EARG,
                       "a .%s file holds one tensor without a name: x:save(path); a .npz holds "
                       "several",
                       format->name);
    }
    if (options->compress && !format->compresses) {
        return nb_fail(ctx, NB_EARG, "a .%s file cannot be compressed; a .npz can", format->name);
    }
    return format->save(ctx, path, archive, options);
}
