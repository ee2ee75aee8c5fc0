/* Splitting a set in two, the same share of every class. */
#include "nn/data/set.h"

#include <inttypes.h>
#include <math.h>

/* How many examples of one class the first part gets. */
typedef struct quota {
    int64_t members, first;
    double rest;   /* what rounding down took from the exact share */
    int64_t class; /* from 0 */
} quota;

/* The share of n, rounded down; a product that misses a whole number by its rounding counts as
 * whole. */
static int64_t share_of(int64_t n, double share)
{
    return (int64_t)floor((double)n * share + 1e-6);
}

static bool goes_before(const quota *a, const quota *b)
{
    return a->rest > b->rest || (a->rest == b->rest && a->class < b->class);
}

/* Shell's sort with Ciura's gaps, largest remainder first: K is small and qsort may allocate. */
static void sort_quotas(quota *list, int64_t count)
{
    static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        for (int64_t i = gaps[g]; i < count; i++) {
            quota moved = list[i];
            int64_t j = i;
            for (; j >= gaps[g] && goes_before(&moved, &list[j - gaps[g]]); j -= gaps[g]) {
                list[j] = list[j - gaps[g]];
            }
            list[j] = moved;
        }
    }
}

/* Largest remainders: every class gets its share rounded down, and those that lost most by it one
 * more until the share of all is reached. No class gets more than it has: the whole parts fall
 * short of the share of all by no more classes than lost something, and who lost something has one
 * more. Returns how many are given; list[c] is again the quota of class c. */
static int64_t apportion(quota *list, quota *sorted, int64_t classes, int64_t total, double share)
{
    int64_t given = 0;
    for (int64_t c = 0; c < classes; c++) {
        list[c].class = c;
        list[c].first = share_of(list[c].members, share);
        list[c].rest = (double)list[c].members * share - (double)list[c].first;
        given += list[c].first;
        sorted[c] = list[c];
    }
    sort_quotas(sorted, classes);
    for (int64_t i = 0; i < classes && given < total; i++) {
        list[sorted[i].class].first++;
        given++;
    }
    return given;
}

/* A split under way. */
typedef struct splitting {
    const nb_set *mixed; /* shuffled */
    double share;
    int32_t *class; /* from 1, of each example of `mixed` */
    quota *list;    /* two for each class */
    int64_t classes;
} splitting;

/* Deals the rows of `mixed` out in their order: to `first` while the class has a place there. */
static nb_status deal(nb_ctx *ctx, const splitting *s, nb_set *first, nb_set *rest)
{
    int64_t a = 0, b = 0;
    for (int64_t i = 0; i < s->mixed->count; i++) {
        if (i % NB_SET_BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        int32_t row = nb_part_rows(s->mixed)[i];
        quota *q = &s->list[s->class[i] - 1];
        if (q->first > 0)
            nb_part_rows(first)[a++] = row;
        else
            nb_part_rows(rest)[b++] = row;
        if (q->first > 0) q->first--;
    }
    return NB_OK;
}

static nb_status split_mixed(nb_ctx *ctx, const splitting *s, nb_set **first, nb_set **rest)
{
    int64_t count = s->mixed->count;
    for (int64_t i = 0; i < count; i++) {
        if (i % NB_SET_BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        s->list[s->class[i] - 1].members++;
    }
    int64_t total = share_of(count, s->share);
    int64_t given = apportion(s->list, s->list + s->classes, s->classes, total, s->share);
    if (given == 0 || given == count) {
        return nb_fail(ctx, NB_EARG, "a share of %g of %" PRId64 " examples leaves one part empty",
                       s->share, count);
    }
    *first = nb_set_part(ctx, s->mixed, given);
    *rest = *first ? nb_set_part(ctx, s->mixed, count - given) : NULL;
    nb_status status = *rest ? deal(ctx, s, *first, *rest) : ctx->status;
    if (status == NB_OK) return NB_OK;
    nb_set_release(ctx, *first);
    nb_set_release(ctx, *rest);
    *first = *rest = NULL;
    return status;
}

nb_status nb_set_check_apart(nb_ctx *ctx, const nb_set *set)
{
    if (set->x->reach == 0) return NB_OK;
    return nb_fail(
        ctx, NB_EARG,
        "the rows of this text overlap, so that parts would share what they hold; take a "
        "stride of steps, or data.text's test = …, which keeps the end of the text back");
}

int64_t nb_set_strata(const nb_set *set)
{
    return set->schema.classes && set->y->dims == 0 ? set->schema.classes->count : 1;
}

nb_status nb_set_read_strata(nb_ctx *ctx, const nb_set *set, int32_t *class)
{
    bool one = nb_set_strata(set) == 1;
    for (int64_t i = 0; one && i < set->count; i++) class[i] = 1;
    if (one) return NB_OK;
    nb_pick all = nb_set_pick(set, NULL, 0, set->count);
    return nb_feed_gather(ctx, set->y, &all, NULL, &(nb_room){class, NB_I32, 1});
}

nb_status nb_set_split(nb_ctx *ctx, const nb_set *set, double share, uint64_t seed, nb_set **first,
                       nb_set **rest)
{
    if (!(share > 0 && share < 1)) {
        return nb_fail(ctx, NB_EARG, "share must be a number between 0 and 1, not %g", share);
    }
    if (nb_set_check_apart(ctx, set) != NB_OK) return ctx->status;
    splitting s = {.share = share, .classes = nb_set_strata(set)};
    nb_set *mixed = nb_set_shuffled(ctx, set, seed, NB_FOR_SPLIT);
    size_t rows = (size_t)set->count, quotas = 2 * (size_t)s.classes;
    s.mixed = mixed;
    s.class = mixed ? nb_alloc(ctx, rows * sizeof *s.class) : NULL;
    s.list = s.class ? nb_alloc_zero(ctx, quotas, sizeof *s.list) : NULL;
    nb_status status = s.list ? nb_set_read_strata(ctx, mixed, s.class) : ctx->status;
    if (status == NB_OK) status = split_mixed(ctx, &s, first, rest);
    nb_free(ctx, s.list, quotas * sizeof *s.list);
    nb_free(ctx, s.class, rows * sizeof *s.class);
    nb_set_release(ctx, mixed);
    return status;
}
