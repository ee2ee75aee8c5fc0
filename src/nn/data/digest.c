/* Eight bytes at a time: a product spreads each over the high bits, a shift brings those down. */
#include "nn/data/digest.h"

#include "base/arith.h"

#include <string.h>

enum { STRETCH_BYTES = 1 << 20 };

uint64_t nb_digest(uint64_t digest, const void *data, size_t bytes)
{
    const char *at = data;
    digest ^= bytes;
    for (; bytes > 0; at += sizeof digest) {
        uint64_t word = 0;
        size_t count = bytes < sizeof word ? bytes : sizeof word;
        memcpy(&word, at, count);
        digest = (digest ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        digest ^= digest >> 32;
        bytes -= count;
    }
    return digest;
}

/* Numbers of each of the picked rows, where the longest of them decides. */
static int64_t width_of(const nb_feed *rows, const nb_pick *pick)
{
    int64_t shape[NB_MAX_DIMS], width = 1;
    nb_feed_shape(rows, pick, shape);
    for (int i = 0; i < rows->dims; i++) width *= shape[i];
    return width;
}

/* Rows start … start + n - 1 of a set, as they are kept. */
static nb_status digest_rows(nb_ctx *ctx, const nb_set *set, nb_feed *rows, int64_t start,
                             int64_t n, void *block, uint64_t *digest)
{
    nb_pick pick = nb_set_pick(set, NULL, start, n);
    nb_room room = {block, rows->dtype, width_of(rows, &pick)};
    nb_status status = nb_feed_gather(ctx, rows, &pick, NULL, &room);
    if (status != NB_OK) return status;
    size_t bytes = (size_t)(n * room.width) * nb_dtype_size(rows->dtype);
    *digest = nb_digest(*digest, block, bytes);
    return NB_OK;
}

/* Stretch after stretch; of a large set every so many. */
static nb_status digest_feed(nb_ctx *ctx, const nb_set *set, nb_feed *rows, uint64_t *digest)
{
    size_t row = (size_t)nb_feed_width(rows) * nb_dtype_size(rows->dtype);
    int64_t at_once = row < STRETCH_BYTES ? STRETCH_BYTES / (int64_t)(row ? row : 1) : 1;
    int64_t most = NB_DIGEST_BYTES / STRETCH_BYTES, step = at_once;
    nb_status status = NB_OK;
    if (at_once > set->count) at_once = set->count;
    if (set->count / at_once > most) step = set->count / most;
    size_t room = row * (size_t)at_once;
    void *block = nb_alloc(ctx, room ? room : 1);
    if (!block) return ctx->status;
    for (int64_t start = 0; start < set->count && status == NB_OK; start += step) {
        int64_t n = nb_least_i64(at_once, set->count - start);
        status = digest_rows(ctx, set, rows, start, n, block, digest);
    }
    nb_free(ctx, block, room ? room : 1);
    return status;
}

static uint64_t digest_names(uint64_t digest, const nb_classes *names)
{
    for (int64_t i = 0; names && i < names->count; i++)
        digest = nb_digest(digest, names->name[i], strlen(names->name[i]));
    return digest;
}

static uint64_t digest_scale(uint64_t digest, const nb_scale *scale)
{
    for (int64_t i = 0; scale && i < scale->columns; i++) {
        digest = nb_digest_number(digest, nb_scale_offset(scale, i));
        digest = nb_digest_number(digest, nb_scale_factor(scale, i));
    }
    return digest;
}

nb_status nb_set_digest(nb_ctx *ctx, const nb_set *set, uint64_t *digest)
{
    *digest = nb_digest_number(NB_DIGEST_EMPTY, (double)set->count);
    *digest = nb_digest_number(*digest, (double)set->x->dtype);
    *digest = nb_digest(*digest, set->x->shape, (size_t)set->x->dims * sizeof *set->x->shape);
    *digest = digest_names(*digest, set->schema.classes);
    *digest = digest_names(*digest, set->schema.words);
    *digest = digest_scale(*digest, set->scale);
    *digest = digest_scale(*digest, set->schema.scale);
    nb_status status = digest_feed(ctx, set, set->x, digest);
    if (status != NB_OK || !set->y) return status;
    return digest_feed(ctx, set, set->y, digest);
}
