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

static nb_status next(nb_ctx *ctx, void *self, void *into, int64_t n)
{
    (void)ctx;
    return nb_images_next(self, into, n);
}

/* The next `count` images. */
static nb_set *set_of(nb_ctx *ctx, nb_images *images, int64_t count, nb_tensor *y, const char *name)
{
    const nb_elements of = {.dtype = NB_U8,
                            .dims = 4,
                            .shape = {count, images->channels, images->rows, images->columns}};
    const nb_names *classes = images->classes;
    nb_feed *rows = nb_feed_pack(ctx, &of, next, images, "x");
    nb_set *set = rows ? nb_set_of_rows(ctx, rows, WHITE, y, (const char *const *)classes->name,
                                        classes->count, name)
                       : NULL;
    nb_feed_release(ctx, rows);
    return set;
}

static nb_status add_parts(nb_ctx *ctx, nb_set *set, nb_images *images, const char *name)
{
    if (!images->parted) return NB_OK;
    set->train = nb_set_range(ctx, set, 0, images->train);
    if (set->train && images->valid)
        set->valid = nb_set_range(ctx, set, images->train, images->valid);
    if (!set->train || (images->valid && !set->valid)) return ctx->status;
    if (!images->test) return NB_OK;
    set->test = set_of(ctx, images, images->test, images->test_y, name);
    return set->test ? NB_OK : ctx->status;
}

static nb_set *make_set(nb_ctx *ctx, nb_images *images, const char *path)
{
    char *name = name_of(ctx, path);
    int64_t learned = images->train + images->valid;
    nb_set *set = name ? set_of(ctx, images, learned, images->y, name) : NULL;
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
    if (nb_images_open(ctx, path, options, &images) != NB_OK) return NULL;
    nb_set *set = make_set(ctx, &images, path);
    nb_images_free(ctx, &images);
    return set;
}
