/* See means.h. */
#include "io/csv/means.h"

#include "base/memory.h"

#include <math.h>

nb_status nb_csv_means_init(const nb_csv_rows *rows, nb_csv_means *means)
{
    *means = (nb_csv_means){.ctx = rows->ctx, .width = rows->columns.x};
    if (rows->options->missing != NB_MISSING_MEAN) return NB_OK;
    means->sum = nb_alloc_zero(rows->ctx, rows->columns.x, sizeof *means->sum);
    means->count =
        means->sum ? nb_alloc_zero(rows->ctx, rows->columns.x, sizeof *means->count) : NULL;
    if (means->count) return NB_OK;
    nb_csv_means_free(means);
    return NB_EMEMORY;
}

void nb_csv_means_free(nb_csv_means *means)
{
    nb_free(means->ctx, means->sum, means->width * sizeof *means->sum);
    nb_free(means->ctx, means->count, means->width * sizeof *means->count);
    means->sum = NULL;
    means->count = NULL;
}

void nb_csv_means_add(nb_csv_means *means, const double *value)
{
    for (size_t i = 0; i < means->width && means->sum; i++) {
        bool there = !isnan(value[i]);
        if (there) means->sum[i] += value[i];
        means->count[i] += there;
        means->missing += !there;
    }
}

nb_status nb_csv_means_settle(const nb_csv_rows *rows, nb_csv_means *means)
{
    char named[NB_CSV_NAMED];
    for (size_t i = 0; i < means->width && means->missing; i++) {
        if (means->count[i] == 0)
            return nb_source_refuse(rows->text.source,
                                    "column %zu%s has no mean: all its values are missing",
                                    rows->columns.from[i] + 1,
                                    nb_csv_named(&rows->columns, rows->columns.from[i], named));
        means->sum[i] /= (double)means->count[i];
    }
    return NB_OK;
}

void nb_csv_means_fill(const nb_csv_means *means, nb_tensor *x)
{
    size_t count = (size_t)nb_tensor_count(x);
    float *f32 = nb_tensor_data(x);
    double *f64 = nb_tensor_data(x);
    if (!means->missing) return;
    for (size_t i = 0; i < count && x->dtype == NB_F32; i++)
        if (isnan(f32[i])) f32[i] = (float)means->sum[i % means->width];
    for (size_t i = 0; i < count && x->dtype == NB_F64; i++)
        if (isnan(f64[i])) f64[i] = means->sum[i % means->width];
}
