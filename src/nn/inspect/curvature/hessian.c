/* Columns by central differences, spread over copies of the process, which write them into the
 * matrix that they share; then the mean of H and Hᵀ. */
#include "nn/inspect/curvature/hessian.h"

#include "base/processes/crew.h"
#include "base/memory.h"

#include <math.h>

enum { TRIED_TWICE = 64 }; /* columns that are taken with twice the step too */

#define WORTH_COPIES 0.2 /* seconds of work from which copies of the process share it */

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

/* The columns under way. */
typedef struct filling {
    nb_probe *probe;
    double *matrix;
    double *room;  /* a column */
    double *twice; /* of each column that is taken twice, what that changed, squared */
    int64_t every; /* which those are: from 0, every so-manieth */
    int64_t kinks;
} filling;

/* What is told of a column, beside the column itself. */
typedef struct told {
    double twice;
    int64_t kinks;
} told;

_Static_assert(sizeof(told) <= NB_CREW_ANSWER, "a crew takes it");

static double squared_distance(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Column j, here or in a copy of the process. */
static nb_status fill(nb_ctx *ctx, void *self, int64_t j, void *answer)
{
    filling *f = self;
    nb_probe *probe = f->probe;
    int64_t n = probe->places.count;
    const nb_direction direction = {NULL, j};
    told *to = answer;
    probe->kinks = 0;
    nb_status status = nb_probe_along(ctx, probe, direction, 1, f->matrix + j * n);
    *to = (told){.kinks = probe->kinks};
    if (status != NB_OK || j % f->every) return status;
    status = nb_probe_along(ctx, probe, direction, 2, f->room);
    to->twice = squared_distance(f->room, f->matrix + j * n, n);
    probe->kinks = to->kinks;
    return status;
}

static nb_status fill_here(nb_ctx *ctx, const nb_crew *crew)
{
    nb_status status = NB_OK;
    for (int64_t j = 0; j < crew->tasks && status == NB_OK; j++) {
        told answer;
        nb_tell(ctx, crew->what, j, crew->tasks);
        status = crew->work(ctx, crew->self, j, &answer);
        if (status == NB_OK) crew->take(crew->self, j, &answer);
    }
    return status;
}

static void count(void *self, int64_t j, const void *answer)
{
    filling *f = self;
    const told *of = answer;
    f->twice[j] = of->twice;
    f->kinks += of->kinks;
}

static nb_status fill_all(nb_ctx *ctx, filling *f)
{
    const nb_probe *probe = f->probe;
    int64_t n = probe->places.count;
    const nb_crew crew = {.tasks = n,
                          .what = "taking differences",
                          .bytes = sizeof(told),
                          .work = fill,
                          .take = count,
                          .self = f};
    bool worth = 2 * probe->seconds * (double)n > WORTH_COPIES;
    return worth ? nb_crew_run(ctx, &crew) : fill_here(ctx, &crew);
}

nb_status nb_hessian(nb_ctx *ctx, nb_probe *probe, double *matrix, nb_hessian_error *error)
{
    int64_t n = probe->places.count, every = (n + TRIED_TWICE - 1) / TRIED_TWICE, twice = 0;
    double *room = nb_alloc_zero(ctx, (size_t)n, 2 * sizeof *room), sum = 0;
    filling f = {probe, matrix, room, room + n, every, 0};
    if (!room) return ctx->status;
    nb_status status = fill_all(ctx, &f);
    for (int64_t j = 0; j < n; j += every, twice++) sum += room[n + j];
    error->step = sqrt(sum * (double)n / (double)twice);
    error->kinks = f.kinks;
    if (status == NB_OK) make_symmetric(matrix, n, error);
    nb_free(ctx, room, 2 * (size_t)n * sizeof *room);
    return status;
}
