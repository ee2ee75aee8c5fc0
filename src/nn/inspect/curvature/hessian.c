/* Columns by central differences, then the mean of H and Hᵀ. */
#include "nn/inspect/curvature/hessian.h"

#include "base/memory.h"

#include <math.h>

enum { TRIED_TWICE = 64 }; /* columns that are taken with twice the step too */

static const char telling[] = "taking differences";

static void make_symmetric(double *matrix, int64_t n, nb_hessian_error *error)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            double a = matrix[i * n + j], b = matrix[j * n + i], apart = a - b;
            sum += apart * apart / 2; /* two elements, each half of that from the mean */
            matrix[i * n + j] = matrix[j * n + i] = (a + b) / 2;
        }
    error->asymmetry = sqrt(sum);
}

/* The square of what twice the step changes in column j. */
static nb_status look_twice(nb_ctx *ctx, nb_probe *probe, int64_t j, const double *column,
                            double *room, double *sum)
{
    int64_t kinks = probe->kinks;
    nb_status status = nb_probe_along(ctx, probe, (nb_direction){NULL, j}, 2, room);
    probe->kinks = kinks;
    for (int64_t i = 0; i < probe->places.count && status == NB_OK; i++) {
        double apart = (room[i] - column[i]) / 3;
        *sum += apart * apart;
    }
    return status;
}

nb_status nb_hessian(nb_ctx *ctx, nb_probe *probe, double *matrix, nb_hessian_error *error)
{
    int64_t n = probe->places.count, every = (n + TRIED_TWICE - 1) / TRIED_TWICE, twice = 0;
    double *room = nb_alloc(ctx, (size_t)n * sizeof *room), sum = 0;
    nb_status status = room ? NB_OK : ctx->status;
    probe->kinks = 0;
    for (int64_t j = 0; j < n && status == NB_OK; j++) {
        nb_tell(ctx, telling, j, n);
        status = nb_probe_along(ctx, probe, (nb_direction){NULL, j}, 1, matrix + j * n);
        if (status != NB_OK || j % every) continue;
        status = look_twice(ctx, probe, j, matrix + j * n, room, &sum);
        twice++;
    }
    if (status == NB_OK) {
        error->step = sqrt(sum * (double)n / (double)twice);
        error->kinks = probe->kinks;
        make_symmetric(matrix, n, error);
    }
    if (room) nb_free(ctx, room, (size_t)n * sizeof *room);
    return status;
}
