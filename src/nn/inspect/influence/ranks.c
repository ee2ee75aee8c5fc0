/* See ranks.h. */
#include "nn/inspect/influence/ranks.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

typedef struct ranked {
    double value;
    int64_t place;
} ranked;

static int by_value(const void *a, const void *b)
{
    double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x > y) - (x < y);
}

/* False where there is a NaN, which has no place in any order. */
static bool rank(int64_t n, const double *values, ranked *list, double *ranks)
{
    for (int64_t i = 0; i < n; i++) {
        if (isnan(values[i])) return false;
        list[i] = (ranked){values[i], i};
    }
    qsort(list, (size_t)n, sizeof *list, by_value);
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && list[end].value == list[i].value; end++) continue;
        for (int64_t j = i; j < end; j++) ranks[list[j].place] = (double)(i + end - 1) / 2;
    }
    return true;
}

/* Both have the mean (n - 1) / 2. */
static double correlation(int64_t n, const double *x, const double *y)
{
    double mean = (double)(n - 1) / 2, both = 0, xs = 0, ys = 0;
    for (int64_t i = 0; i < n; i++) {
        both += (x[i] - mean) * (y[i] - mean);
        xs += (x[i] - mean) * (x[i] - mean);
        ys += (y[i] - mean) * (y[i] - mean);
    }
    return xs > 0 && ys > 0 ? both / sqrt(xs * ys) : NAN;
}

nb_status nb_rank_agreement(nb_ctx *ctx, int64_t n, const double *a, const double *b, double *out)
{
    size_t room = (size_t)n * (sizeof(ranked) + 2 * sizeof(double));
    ranked *list = nb_alloc(ctx, room);
    if (!list) return ctx->status;
    double *x = (double *)(void *)(list + n), *y = x + n;
    bool ordered = rank(n, a, list, x) && rank(n, b, list, y);
    *out = ordered ? correlation(n, x, y) : NAN;
    nb_free(ctx, list, room);
    return NB_OK;
}
