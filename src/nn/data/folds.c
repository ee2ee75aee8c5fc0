/* Folds: every example is tested once, by a network that was trained on the other folds. */
#include "nn/data/set.h"

#include <inttypes.h>

/* A division under way: all examples in a drawn order, and of each its class (from 1), which gives
 * way to its fold (from 0). */
typedef struct folding {
    const nb_set *mixed;
    int64_t k;
    int32_t *of;    /* class, then fold, of each example */
    int64_t *place; /* by class, then by fold: where the next one goes; room for the more of both */
} folding;

/* place[c - 1] becomes where class c begins when the classes lie one behind the other. */
static void begin_classes(const folding *f, int64_t classes)
{
    int64_t at = 0;
    for (int64_t i = 0; i < f->mixed->count; i++) f->place[f->of[i] - 1]++;
    for (int64_t c = 0; c < classes; c++) {
        int64_t members = f->place[c];
        f->place[c] = at;
        at += members;
    }
}

/* Deals classes out like cards, one behind the other: example number p of that order goes to fold
 * p mod k. So folds differ by one at most, and a class, which is a run of the order, too. */
static void deal(const folding *f, int64_t classes)
{
    begin_classes(f, classes);
    for (int64_t i = 0; i < f->mixed->count; i++)
        f->of[i] = (int32_t)(f->place[f->of[i] - 1]++ % f->k);
}

static int64_t fold_start(int64_t count, int64_t k, int64_t i)
{
    int64_t longer = count % k; /* the first ones have one more */
    return i * (count / k) + (i < longer ? i : longer);
}

static nb_set *lay_out(nb_ctx *ctx, const folding *f)
{
    int64_t count = f->mixed->count;
    nb_set *folds = nb_set_part(ctx, f->mixed, count);
    if (!folds) return NULL;
    for (int64_t j = 0; j < f->k; j++) f->place[j] = fold_start(count, f->k, j);
    for (int64_t i = 0; i < count; i++)
        nb_part_rows(folds)[f->place[f->of[i]]++] = nb_part_rows(f->mixed)[i];
    return folds;
}

nb_set *nb_set_folds(nb_ctx *ctx, const nb_set *set, int64_t k, uint64_t seed)
{
    int64_t classes = nb_set_strata(set);
    if (k < 2 || k > set->count)
        return nb_fail_null(ctx, NB_EARG,
                            "%" PRId64 " examples can be in 2 to %" PRId64 " folds, not %" PRId64,
                            set->count, set->count, k);
    if (nb_set_check_apart(ctx, set) != NB_OK) return NULL;
    size_t places = (size_t)(classes > k ? classes : k), rows = (size_t)set->count;
    nb_set *mixed = nb_set_shuffled(ctx, set, seed, NB_FOR_FOLDS), *folds = NULL;
    folding f = {.mixed = mixed, .k = k};
    if (mixed) f.place = nb_alloc_zero(ctx, places, sizeof *f.place);
    if (f.place) f.of = nb_alloc(ctx, rows * sizeof *f.of);
    if (f.of && nb_set_read_strata(ctx, mixed, f.of) == NB_OK) {
        deal(&f, classes);
        folds = nb_poll(ctx) == NB_OK ? lay_out(ctx, &f) : NULL;
    }
    nb_free(ctx, f.of, rows * sizeof *f.of);
    nb_free(ctx, f.place, places * sizeof *f.place);
    nb_set_release(ctx, mixed);
    return folds;
}

/* All examples but the n from `start` on. */
static nb_set *around(nb_ctx *ctx, const nb_set *set, int64_t start, int64_t n)
{
    nb_set *part = nb_set_part(ctx, set, set->count - n);
    for (int64_t i = 0; part && i < part->count; i++)
        nb_part_rows(part)[i] = (int32_t)nb_set_row(set, i < start ? i : i + n);
    return part;
}

nb_status nb_set_fold(nb_ctx *ctx, const nb_set *folds, int64_t k, int64_t i, nb_set **train,
                      nb_set **test)
{
    int64_t start = fold_start(folds->count, k, i);
    int64_t n = fold_start(folds->count, k, i + 1) - start;
    nb_set *rest = around(ctx, folds, start, n);
    nb_set *fold = rest ? nb_set_range(ctx, folds, start, n) : NULL;
    if (!fold) {
        nb_set_release(ctx, rest);
        return ctx->status;
    }
    *train = rest;
    *test = fold;
    return NB_OK;
}
