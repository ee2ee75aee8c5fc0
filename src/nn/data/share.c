/* How much of a set's x is not 0. */
#include "nn/data/set.h"

#include "tensor/shape.h"

enum { AT_ONCE = 1 << 14 }; /* numbers of a piece, which has at least an example */

/* Goes through examples from `at` on, as many as a piece takes and, of sequences, one. */
static nb_status look_at(nb_ctx *ctx, const nb_set *set, int64_t *at, double *room, int64_t sum[2])
{
    int64_t shape[NB_MAX_DIMS], width = nb_feed_width(set->x);
    int64_t n = set->x->length || width > AT_ONCE ? 1 : AT_ONCE / width;
    if (n > set->count - *at) n = set->count - *at;
    nb_pick pick = nb_set_pick(set, NULL, *at, n);
    nb_feed_shape(set->x, &pick, shape);
    int64_t each = nb_shape_count(set->x->dims, shape);
    nb_status status = nb_feed_gather(ctx, set->x, &pick, NULL, &(nb_room){room, NB_F64, each});
    for (int64_t i = 0; i < n * each && status == NB_OK; i++) sum[0] += room[i] != 0;
    sum[1] += n * each;
    *at += n;
    return status == NB_OK ? nb_poll(ctx) : status;
}

static nb_status go_through(nb_ctx *ctx, const nb_set *set, int64_t sum[2])
{
    int64_t width = nb_feed_width(set->x), at = 0;
    size_t numbers = (size_t)(width < AT_ONCE ? AT_ONCE : width);
    double *room = nb_alloc(ctx, numbers * sizeof *room);
    nb_status status = room ? NB_OK : ctx->status;
    while (status == NB_OK && at < set->count) status = look_at(ctx, set, &at, room, sum);
    nb_free(ctx, room, numbers * sizeof *room);
    return status;
}

nb_status nb_set_share(nb_ctx *ctx, const nb_set *set, double *share)
{
    nb_pick all = nb_set_pick(set, NULL, 0, set->count);
    int64_t sum[2] = {0, set->count * nb_feed_width(set->x)}; /* not 0, and all */
    nb_status status = NB_OK;
    if (set->x->type->count) {
        sum[0] = set->x->type->count(set->x, &all);
    } else {
        sum[1] = 0;
        status = go_through(ctx, set, sum);
    }
    *share = (double)sum[0] / (double)sum[1];
    return status;
}
