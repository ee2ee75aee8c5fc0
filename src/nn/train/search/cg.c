/* cg: conjugate gradients with the direction of Hager and Zhang (2005), which leads down whatever
 * the line search gave. */
#include "nn/train/search/descent.h"

#include "base/family.h"
#include "nn/train/search/options.h"
#include "nn/train/search/vectors.h"

#include <math.h>
#include <string.h>

enum { NUMBERS, SLOPE, DIRECTION };

#define LEAST 0.01 /* of the bound below β (their η) */

static void *kept(const nb_descent *d, int which)
{
    return nb_tensor_data(d->optimizer->slot[which].value);
}

/* direction = -slope + β (the last direction), with y what the slope changed by and
 * β = (y - 2 d ‖y‖² / dᵀy)ᵀ slope / dᵀy, bounded below. False where there is no last one. */
static bool find_direction(nb_descent *d)
{
    const nb_problem *p = d->problem;
    void *y = d->after, *last = kept(d, DIRECTION);
    if (d->number[NB_DESCENT_STEP] == 0) return false;
    memcpy(y, d->slope, nb_vector_bytes(p));
    nb_vector_add(p, y, -1, kept(d, SLOPE));
    double along = nb_vector_dot(p, last, y), change = nb_vector_dot(p, y, y);
    double most = nb_vector_dot(p, kept(d, SLOPE), kept(d, SLOPE));
    double length = sqrt(nb_vector_dot(p, last, last));
    double beta = (nb_vector_dot(p, y, d->slope) -
                   2 * change / along * nb_vector_dot(p, last, d->slope)) /
                  along;
    double least = -1 / (length * fmin(LEAST, sqrt(most)));
    if (!(along > 0) || !isfinite(beta)) return false;
    nb_vector_add(p, d->direction, fmax(beta, least), last);
    return true;
}

/* As far as the slope at the beginning says, if the cost falls as much as along the last line. */
static double first_step(const nb_descent *d)
{
    double along = nb_vector_dot(d->problem, d->slope, d->direction);
    double step = d->number[NB_DESCENT_STEP] * d->number[NB_DESCENT_SLOPE] / along;
    return step > 0 && isfinite(step) ? step : 0;
}

static void keep(nb_descent *d, bool found)
{
    size_t bytes = nb_vector_bytes(d->problem);
    nb_descent_keep(d);
    if (!found) return;
    memcpy(kept(d, SLOPE), d->slope, bytes);
    memcpy(kept(d, DIRECTION), d->direction, bytes);
}

static nb_status cg_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    nb_descent d = {.ctx = ctx, .optimizer = optimizer, .problem = problem};
    bool over, against, found = false;
    nb_status status = nb_descent_begin(&d, &over);
    if (status != NB_OK) return status;
    if (!over) {
        double step = find_direction(&d) ? first_step(&d) : 0;
        status = nb_descent_go(&d, step, &against, &found);
    }
    if (status == NB_OK) keep(&d, found);
    nb_descent_end(&d);
    return status;
}

static nb_slot_need cg_needs(const nb_optimizer *optimizer, int i)
{
    static const nb_slot_need needs[] = {
        [NUMBERS] = {.name = "course", .count = NB_DESCENT_NUMBERS},
        [SLOPE] = {.name = "slope"},
        [DIRECTION] = {.name = "direction"},
        {.name = NULL},
    };
    (void)optimizer;
    return needs[i];
}

static const nb_option cg_options[] = {
    NB_DESCENT_OPTIONS(0.1),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_cg) = {
    .name = "cg",
    .help = "Conjugate gradients (Hager and Zhang 2005) with a line search to the strong Wolfe "
            "conditions, on the whole set.",
    .example = "o = nn.cg()",
    .options = cg_options,
    .needs = cg_needs,
    .whole = true,
    .epochs = NB_DESCENT_EPOCHS,
    .done = nb_descent_done,
    .step = cg_step,
};
