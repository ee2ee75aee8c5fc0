/* Steps along lines. */
#include "nn/train/search/descent.h"

#include "base/memory.h"
#include "nn/train/search/line.h"
#include "nn/train/search/vectors.h"

#include <math.h>
#include <string.h>

enum {
    VECTORS = 4,
    STALE_MOST = 50 /* steps that lower neither cost nor slope: what is left is rounding */
};

enum { GOING, FLAT, LOWEST };

/* What a cost must fall by to be lower, of itself. */
#define NOISE_F64 1e-14
#define NOISE_F32 1e-7
#define FLATTER 0.9 /* … and the largest slope */

static double *state(const nb_optimizer *optimizer)
{
    return nb_tensor_data(optimizer->slot[0].value);
}

/* Against the gradient. */
static void turn_down(nb_descent *d)
{
    memcpy(d->direction, d->slope, nb_vector_bytes(d->problem));
    nb_vector_scale(d->problem, d->direction, -1);
}

/* Whether this step has better figures than all before. */
static void judge(nb_descent *d, double most)
{
    double *n = d->number;
    double cost = d->problem->cost, noise = d->problem->dtype == NB_F32 ? NOISE_F32 : NOISE_F64;
    bool first = n[NB_DESCENT_MOST] == 0;
    bool lower = cost < n[NB_DESCENT_COST] - noise * fabs(n[NB_DESCENT_COST]);
    bool flatter = most < FLATTER * n[NB_DESCENT_MOST];
    n[NB_DESCENT_STALE] = first || lower || flatter ? 0 : n[NB_DESCENT_STALE] + 1;
    if (first || lower) n[NB_DESCENT_COST] = cost;
    if (first || flatter) n[NB_DESCENT_MOST] = most;
}

nb_status nb_descent_begin(nb_descent *d, bool *over)
{
    const nb_problem *problem = d->problem;
    size_t bytes = nb_vector_bytes(problem);
    char *room = nb_alloc(d->ctx, VECTORS * bytes);
    if (!room) return d->ctx->status;
    d->from = room;
    d->slope = room + bytes;
    d->after = room + 2 * bytes;
    d->direction = room + 3 * bytes;
    memcpy(d->number, state(d->optimizer), sizeof d->number);
    memcpy(d->from, problem->values, bytes);
    nb_vector_slope(problem, d->slope);
    turn_down(d);
    double most = nb_vector_most(problem, d->slope);
    *over = most <= d->optimizer->options.tolerance;
    judge(d, most);
    if (*over) d->number[NB_DESCENT_DONE] = FLAT;
    if (d->number[NB_DESCENT_STALE] < STALE_MOST) return NB_OK;
    *over = true;
    d->number[NB_DESCENT_DONE] = LOWEST;
    return NB_OK;
}

void nb_descent_end(nb_descent *d)
{
    nb_free(d->ctx, d->from, VECTORS * nb_vector_bytes(d->problem));
}

static nb_status search(nb_descent *d, double step, double first, bool *found)
{
    const nb_optimizer_options *o = &d->optimizer->options;
    nb_line line = {.problem = d->problem,
                    .from = d->from,
                    .direction = d->direction,
                    .slopes = d->after,
                    .decrease = o->decrease,
                    .curvature = o->curvature,
                    .first = first,
                    .step = step};
    nb_status status = nb_line_search(d->ctx, &line, found);
    d->number[NB_DESCENT_STEP] = *found ? line.step : 0;
    d->number[NB_DESCENT_SLOPE] = first;
    return status;
}

/* How far the first step goes: all numbers of it together one, at most. */
static double careful(const nb_descent *d)
{
    double size = sqrt(nb_vector_dot(d->problem, d->slope, d->slope));
    return fmin(1, 1 / size);
}

nb_status nb_descent_go(nb_descent *d, double step, bool *against, bool *found)
{
    double first = nb_vector_dot(d->problem, d->slope, d->direction);
    nb_status status = NB_OK;
    *found = false;
    *against = step == 0;
    if (step > 0 && first < 0 && isfinite(first)) status = search(d, step, first, found);
    if (status != NB_OK || *found) return status;
    *against = true;
    turn_down(d);
    first = -nb_vector_dot(d->problem, d->slope, d->slope);
    if (first < 0) status = search(d, careful(d), first, found);
    if (status == NB_OK && !*found) d->number[NB_DESCENT_DONE] = LOWEST;
    return status;
}

void nb_descent_keep(const nb_descent *d)
{
    memcpy(state(d->optimizer), d->number, sizeof d->number);
}

const char *nb_descent_done(const nb_optimizer *optimizer)
{
    double why = state(optimizer)[NB_DESCENT_DONE];
    if (why == FLAT) return "the slope is within the tolerance";
    return why == LOWEST ? "no step lowers the cost further" : NULL;
}
