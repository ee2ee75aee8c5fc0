/* lbfgs: a model of the cost's curvature from the last steps and what they changed in the gradient
 * (Nocedal 1980; Liu and Nocedal 1989). */
#include "nn/train/search/descent.h"

#include "base/family.h"
#include "nn/train/search/options.h"
#include "nn/train/search/vectors.h"

#include <math.h>
#include <string.h>

enum { NUMBERS, STEPS, CHANGES };

/* Pair number i, counted from when it began anew, of what is kept: the last `history`. */
static char *pair(const nb_descent *d, int which, int64_t i)
{
    int64_t kept = d->optimizer->options.history;
    char *all = nb_tensor_data(d->optimizer->slot[which].value);
    return all + (size_t)(i % kept) * nb_vector_bytes(d->problem);
}

/* direction = -H slope, H by the pairs, the last first (Nocedal's two loops). */
static void find_direction(nb_descent *d)
{
    const nb_problem *p = d->problem;
    int64_t pairs = (int64_t)d->number[NB_DESCENT_PAIRS], kept = d->optimizer->options.history;
    int64_t first = pairs > kept ? pairs - kept : 0;
    double share[NB_HISTORY_MOST], product[NB_HISTORY_MOST];
    for (int64_t i = pairs - 1; i >= first; i--) {
        const void *s = pair(d, STEPS, i), *y = pair(d, CHANGES, i);
        product[i - first] = nb_vector_dot(p, s, y);
        share[i - first] = nb_vector_dot(p, s, d->direction) / product[i - first];
        nb_vector_add(p, d->direction, -share[i - first], y);
    }
    if (pairs > 0) {
        const void *y = pair(d, CHANGES, pairs - 1);
        nb_vector_scale(p, d->direction, product[pairs - 1 - first] / nb_vector_dot(p, y, y));
    }
    for (int64_t i = first; i < pairs; i++) {
        const void *s = pair(d, STEPS, i), *y = pair(d, CHANGES, i);
        double more = nb_vector_dot(p, y, d->direction) / product[i - first];
        nb_vector_add(p, d->direction, share[i - first] - more, s);
    }
}

/* The pair of this step, where its curvature is above 0 and more than rounding. */
static void add_pair(nb_descent *d)
{
    const nb_problem *p = d->problem;
    double unit = p->dtype == NB_F32 ? 0x1p-23 : 0x1p-52;
    nb_vector_add(p, d->after, -1, d->slope);
    nb_vector_scale(p, d->direction, d->number[NB_DESCENT_STEP]);
    double product = nb_vector_dot(p, d->direction, d->after);
    if (!(product > unit * nb_vector_dot(p, d->after, d->after))) return;
    int64_t i = (int64_t)d->number[NB_DESCENT_PAIRS]++;
    memcpy(pair(d, STEPS, i), d->direction, nb_vector_bytes(p));
    memcpy(pair(d, CHANGES, i), d->after, nb_vector_bytes(p));
}

static nb_status lbfgs_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    nb_descent d = {.ctx = ctx, .optimizer = optimizer, .problem = problem};
    bool over, against, found;
    nb_status status = nb_descent_begin(&d, &over);
    if (status != NB_OK) return status;
    if (!over) {
        find_direction(&d);
        status = nb_descent_go(&d, d.number[NB_DESCENT_PAIRS] > 0, &against, &found);
    }
    if (status == NB_OK && !over && against) d.number[NB_DESCENT_PAIRS] = 0;
    if (status == NB_OK && !over && found) add_pair(&d);
    if (status == NB_OK) nb_descent_keep(&d);
    nb_descent_end(&d);
    return status;
}

static nb_slot_need lbfgs_needs(const nb_optimizer *optimizer, int i)
{
    const nb_slot_need needs[] = {
        [NUMBERS] = {.name = "course", .count = NB_DESCENT_NUMBERS},
        [STEPS] = {.name = "steps", .each = optimizer->options.history},
        [CHANGES] = {.name = "changes", .each = optimizer->options.history},
        {.name = NULL},
    };
    return needs[i];
}

static const nb_option lbfgs_options[] = {
    {.name = "history",
     .help = "steps that it remembers",
     .range = "a whole number from 1 to 100",
     .value = 10,
     .low = 1,
     .high = NB_HISTORY_MOST,
     .kind = NB_INTEGER,
     .offset = offsetof(nb_optimizer_options, history)},
    NB_DESCENT_OPTIONS(0.9),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_lbfgs) = {
    .name = "lbfgs",
    .help = "Limited-memory BFGS (Nocedal 1980) with a line search to the strong Wolfe conditions "
            "(Hager and Zhang 2005), on the whole set.",
    .example = "o = nn.lbfgs{history = 20}",
    .options = lbfgs_options,
    .needs = lbfgs_needs,
    .whole = true,
    .epochs = NB_DESCENT_EPOCHS,
    .done = nb_descent_done,
    .step = lbfgs_step,
};
