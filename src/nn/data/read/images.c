/* See images.h. */
#include "nn/data/read/images.h"

#include "io/temporary.h"
#include "nn/data/read/pack.h"

#include <string.h>

#define WHITE (1.0 / 255)

/* "digits" of "data/digits/"; NULL with NB_EMEMORY. */
static char *name_of(nb_ctx *ctx, const char *path)
{
    nb_text text;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    nb_text_init(&text, ctx);
    nb_text_add_bytes(&text, path, length);
    const char *whole = nb_text_get(&text);
    char *name = text.failed ? NULL : nb_copy_string(ctx, whole + nb_folder_length(whole));
    nb_text_free(&text);
    return name;
}

static nb_set *set_of(nb_ctx *ctx, nb_tensor *x, nb_tensor *y, const nb_names *classes,
                      const char *name)
{
    nb_feed *rows = nb_feed_pack_tensor(ctx, x, "x");
    nb_set *set = rows ? nb_set_of_rows(ctx, rows, WHITE, y, (const char *const *)classes->name,
                                        classes->count, name)
                       : NULL;
    nb_feed_release(ctx, rows);
    return set;
}

static nb_status add_parts(nb_ctx *ctx, nb_set *set, const nb_images *images, const char *name)
{
    if (!images->parted) return NB_OK;
    set->train = nb_set_range(ctx, set, 0, images->train);
    if (set->train && images->valid)
        set->valid = nb_set_range(ctx, set, images->train, images->valid);
    if (!set->train || (images->valid && !set->valid)) return ctx->status;
    if (!images->test_x) return NB_OK;
    set->test = set_of(ctx, images->test_x, images->test_y, images->classes, name);
    return set->test ? NB_OK : ctx->status;
}

static nb_set *make_set(nb_ctx *ctx, const nb_images *images, const char *path)
{
    char *name = name_of(ctx, path);
    nb_set *set = name ? set_of(ctx, images->x, images->y, images->classes, name) : NULL;
    if (set && add_parts(ctx, set, images, name) != NB_OK) {
        nb_set_release(ctx, set);
        set = NULL;
    }
    nb_free_string(ctx, name);
    return set;
}

nb_set *nb_set_read_images(nb_ctx *ctx, const char *path, const nb_images_options *options)
{
    nb_images images;
    if (nb_images_read(ctx, path, options, &images) != NB_OK) return NULL;
    nb_set *set = make_set(ctx, &images, path);
    nb_images_free(ctx, &images);
    return set;
}
