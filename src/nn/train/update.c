/* Steps that would leave the finite numbers are not made. */
#include "nn/train/update.h"

#include "base/memory.h"
#include "nn/train/reach.h"
#include "nn/train/search/places.h"

#include <string.h>

static size_t bytes_of(const nb_problem *p)
{
    return (size_t)p->count * nb_dtype_size(p->dtype);
}

/* Vector i of what a step writes: -1: the values, else of the state. */
static void *vector(const nb_problem *p, const nb_rule *rule, int i)
{
    return i < 0 ? p->values : nb_tensor_data(rule->state[i]);
}

/* Looks at what a step made; false where a number is not finite: the first one is told, beside what
 * it was, and all are put back. */
static bool check_step(const nb_problem *p, const nb_rule *rule, const char *copy)
{
    const nb_real_kernels *real = nb_real(p->dtype);
    size_t bytes = bytes_of(p), width = nb_dtype_size(p->dtype);
    int states = nb_rule_states[rule->id], bad = -1;
    while (bad < states && real->finite((size_t)p->count, vector(p, rule, bad))) bad++;
    if (bad == states) return true;
    int64_t at = 0;
    while (real->finite(1, (const char *)vector(p, rule, bad) + (size_t)at * width)) at++;
    p->reach->odd = at;
    p->reach->state_of = bad < 0 ? NULL : rule->state[bad];
    p->reach->was = nb_number_at(p->dtype, copy + (size_t)(bad + 1) * bytes, at);
    p->reach->would = nb_number_at(p->dtype, vector(p, rule, bad), at);
    for (int i = -1; i < states; i++)
        memcpy(vector(p, rule, i), copy + (size_t)(i + 1) * bytes, bytes);
    return false;
}

/* Of a step that may go anywhere what was is kept. */
static nb_status step_carefully(nb_ctx *ctx, const nb_problem *p, const nb_rule *rule)
{
    int states = nb_rule_states[rule->id];
    size_t bytes = bytes_of(p), all = bytes * (size_t)(1 + states);
    char *copy = nb_alloc(ctx, all);
    if (!copy) return ctx->status;
    for (int i = -1; i < states; i++)
        memcpy(copy + (size_t)(i + 1) * bytes, vector(p, rule, i), bytes);
    nb_problem_apply(ctx, p, rule);
    bool finite = check_step(p, rule, copy);
    nb_free(ctx, copy, all);
    nb_reach_forget(p->reach);
    return finite ? NB_OK : nb_fail(ctx, NB_EVALUE, "the step is not finite");
}

nb_status nb_problem_update(nb_ctx *ctx, const nb_problem *problem, const nb_rule *rule)
{
    nb_reach none = {.odd = 0};
    nb_problem own = *problem;
    nb_reach_forget(&none);
    if (!own.reach) own.reach = &none;
    if (!nb_reach_grow(&own, rule)) return step_carefully(ctx, &own, rule);
    nb_problem_apply(ctx, &own, rule);
    return NB_OK;
}
