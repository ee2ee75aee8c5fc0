/* The cells of recurrent layers as ops. What a formula makes is held until its step is over. */
#include "nn/layers/unrolled.h"

#include "base/memory.h"
#include "grad/held.h"

enum { GATES_MOST = 4 };

typedef struct unrolling {
    const nb_unrolled *of;
    nb_ctx *ctx;
    nb_held all, now;       /* for the whole, and for one step */
    nb_runs *squash, *pass; /* sigmoid of the gates; tanh, or rnn's own */
    int64_t n, T, step;
    /* Of each gate (units, …); x as (n T, inputs); zeros where a product has no bias */
    nb_tensor *wx[GATES_MOST], *wh[GATES_MOST], *b[GATES_MOST], *flat, *none;
    nb_tensor *x;     /* of the step */
    nb_tensor *h, *c; /* behind the step before; owned */
    nb_tensor *real;  /* (n, 1): who has this step; NULL: all */
} unrolling;

/* ---- Gates ----------------------------------------------------------------------------------- */

/* a = f(z) of gate g, z = x wxᵀ + b + inner, shown; `by` is what each neuron sees h times. */
static nb_tensor *gate(unrolling *u, int g, nb_runs *runs, nb_tensor *inner, nb_tensor *by)
{
    nb_held *now = &u->now;
    nb_tensor *brought = nb_held3(now, NB_OP_dense, u->x, u->wx[g], u->b[g]), *a = NULL;
    nb_tensor *z = nb_held2(now, NB_OP_add, brought, inner);
    if (z) a = nb_hold(now, nb_runs_apply_in(u->ctx, runs, u->of->layer->plan->where, z));
    const nb_sum sum = {.family = u->of->family + g,
                        .in = {u->x, u->h},
                        .by = {NULL, by},
                        .z = z,
                        .a = a,
                        .runs = runs,
                        .lengths = u->of->lengths,
                        .step = u->step};
    if (!a || nb_walk_show(u->of->walk, u->of->layer, &sum) != NB_OK) return NULL;
    return a;
}

/* What the state brings to gate g: h whᵀ. */
static nb_tensor *state(unrolling *u, int g)
{
    return nb_held3(&u->now, NB_OP_dense, u->h, u->wh[g], u->none);
}

static nb_tensor *rnn_step(unrolling *u)
{
    return gate(u, 0, u->pass, state(u, 0), NULL);
}

/* c = f c + i g, h = o tanh(c) */
static nb_tensor *lstm_step(unrolling *u, nb_tensor **c)
{
    nb_tensor *i = gate(u, 0, u->squash, state(u, 0), NULL);
    nb_tensor *f = gate(u, 1, u->squash, state(u, 1), NULL);
    nb_tensor *g = gate(u, 2, u->pass, state(u, 2), NULL);
    nb_tensor *o = gate(u, 3, u->squash, state(u, 3), NULL);
    nb_tensor *stays = nb_held2(&u->now, NB_OP_mul, f, u->c);
    *c = nb_held2(&u->now, NB_OP_add, stays, nb_held2(&u->now, NB_OP_mul, i, g));
    return nb_held2(&u->now, NB_OP_mul, o, nb_held1(&u->now, NB_OP_tanh, *c));
}

/* n = tanh(x wxᵀ + b + r (h whᵀ + bh)), h = n + z (h - n) */
static nb_tensor *gru_step(unrolling *u)
{
    nb_tensor *r = gate(u, 0, u->squash, state(u, 0), NULL);
    nb_tensor *z = gate(u, 1, u->squash, state(u, 1), NULL);
    nb_tensor *inner = nb_held3(&u->now, NB_OP_dense, u->h, u->wh[2], u->of->bh);
    nb_tensor *n = gate(u, 2, u->pass, nb_held2(&u->now, NB_OP_mul, r, inner), r);
    nb_tensor *apart = nb_held2(&u->now, NB_OP_sub, u->h, n);
    return nb_held2(&u->now, NB_OP_add, n, nb_held2(&u->now, NB_OP_mul, z, apart));
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static int64_t length_of(const unrolling *u, int64_t i)
{
    const int32_t *length = u->of->lengths ? nb_tensor_data(u->of->lengths) : NULL;
    return length ? length[i] : u->T;
}

/* Where example i reads at step s, from 0; padding stays behind what is real. The same the other
 * way: at which step it reads place s. */
static int64_t place_of(const unrolling *u, int64_t i, int64_t s)
{
    int64_t length = length_of(u, i);
    return u->of->back && s < length ? length - 1 - s : s;
}

static nb_tensor *new_index(nb_ctx *ctx, int64_t count)
{
    if (count > INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "%lld steps at a time are too many", (long long)count);
    return nb_tensor_new(ctx, NB_I32, 1, &count);
}

/* The inputs of the step, and who has it. */
static nb_status begin_step(unrolling *u)
{
    nb_tensor *index = nb_hold(&u->now, new_index(u->ctx, u->n));
    int32_t *at = index ? nb_tensor_data(index) : NULL;
    for (int64_t i = 0; at && i < u->n; i++)
        at[i] = (int32_t)(i * u->T + place_of(u, i, u->step) + 1);
    u->x = nb_held_rows(&u->now, u->flat, index);
    u->real = NULL;
    if (!u->x || !u->of->lengths) return u->x ? NB_OK : u->ctx->status;
    const int64_t column[2] = {u->n, 1};
    nb_tensor *lengths = nb_held_shape(&u->now, u->of->lengths, 2, column);
    u->real = nb_held_number(&u->now, NB_OP_gt, lengths, (double)u->step);
    return u->real ? NB_OK : u->ctx->status;
}

/* What stands behind the step: padding hands on what was there. */
static nb_status put_state(unrolling *u, nb_tensor **state, nb_tensor *now)
{
    if (u->real) now = nb_held3(&u->now, NB_OP_where, u->real, now, *state);
    if (!now) return u->ctx->status;
    nb_tensor_release(u->ctx, *state);
    *state = nb_tensor_retain(now);
    return NB_OK;
}

static nb_status step(unrolling *u)
{
    nb_tensor *c = NULL, *h = NULL;
    nb_status status = begin_step(u);
    if (status == NB_OK)
        h = u->of->op == NB_OP_rnn    ? rnn_step(u)
            : u->of->op == NB_OP_lstm ? lstm_step(u, &c)
                                      : gru_step(u);
    if (status == NB_OK && c) status = put_state(u, &u->c, c);
    if (status == NB_OK) status = put_state(u, &u->h, h);
    nb_held_drop(&u->now);
    return status;
}

/* ---- The output -------------------------------------------------------------------------------
 */

/* States in the order of the steps, T of (n, units), where they belong: (n, T, units), 0 where
 * there is padding. */
static nb_tensor *in_place(unrolling *u, nb_tensor *const *states)
{
    nb_held *all = &u->all;
    const int64_t flat[2] = {u->T * u->n, u->of->units}, whole[3] = {u->n, u->T, u->of->units};
    nb_tensor *index = nb_hold(all, new_index(u->ctx, flat[0])), *stacked = NULL;
    int32_t *at = index ? nb_tensor_data(index) : NULL;
    for (int64_t i = 0; at && i < u->n; i++)
        for (int64_t t = 0; t < u->T; t++)
            at[i * u->T + t] = (int32_t)(place_of(u, i, t) * u->n + i + 1);
    if (index) stacked = nb_hold(all, nb_op_stack(u->ctx, states, (size_t)u->T, 0));
    nb_tensor *rows = nb_held_rows(all, nb_held_shape(all, stacked, 2, flat), index);
    nb_tensor *out = nb_held_shape(all, rows, 3, whole);
    if (u->of->lengths) out = nb_held2(all, NB_OP_mask_steps, out, u->of->lengths);
    return out ? nb_tensor_retain(out) : NULL;
}

static nb_tensor *all_steps(unrolling *u)
{
    nb_ctx *ctx = u->ctx;
    nb_tensor **states = nb_alloc_zero(ctx, (size_t)u->T, sizeof *states), *out = NULL;
    if (!states) return NULL;
    for (u->step = 0; u->step < u->T; u->step++) {
        if (step(u) != NB_OK) break;
        states[u->step] = nb_tensor_retain(u->h);
    }
    if (u->step == u->T) out = u->of->last ? nb_tensor_retain(u->h) : in_place(u, states);
    for (int64_t s = 0; s < u->step; s++) nb_tensor_release(ctx, states[s]);
    nb_free(ctx, states, (size_t)u->T * sizeof *states);
    return out;
}

/* ---- Beginning and end ------------------------------------------------------------------------
 */

static bool take_gates(unrolling *u)
{
    const nb_unrolled *of = u->of;
    int64_t units = of->units;
    bool whole = true;
    for (int g = 0; whole && g < of->wx->shape[0] / units; g++) {
        u->wx[g] = nb_held_narrow(&u->all, of->wx, 0, g * units, units);
        u->wh[g] = nb_held_narrow(&u->all, of->wh, 0, g * units, units);
        u->b[g] = nb_held_narrow(&u->all, of->b, 0, g * units, units);
        whole = u->wx[g] && u->wh[g] && u->b[g];
    }
    return whole;
}

static nb_status begin(unrolling *u, nb_tensor *x)
{
    nb_ctx *ctx = u->ctx;
    const nb_unrolled *of = u->of;
    const int64_t flat[2] = {u->n * u->T, x->shape[2]}, first[2] = {u->n, of->units};
    const nb_activation sigmoid = {.type = nb_activations[NB_ACT_sigmoid]};
    const nb_activation tanh_of = {.type = nb_activations[NB_ACT_tanh]};
    bool own = of->activation.type != NULL;
    u->squash = nb_runs_new(ctx, of->units, 0, sigmoid);
    u->pass = nb_runs_new(ctx, of->units, 0, own ? of->activation : tanh_of);
    bool whole = u->squash && u->pass && take_gates(u) &&
                 (u->flat = nb_held_shape(&u->all, x, 2, flat)) &&
                 (u->none = nb_hold(&u->all, nb_tensor_zeros(ctx, x->dtype, 1, first + 1))) &&
                 (u->h = nb_tensor_zeros(ctx, x->dtype, 2, first)) &&
                 (u->c = nb_tensor_zeros(ctx, x->dtype, 2, first));
    return whole ? NB_OK : ctx->status;
}

nb_tensor *nb_unroll(const nb_unrolled *of, nb_tensor *x)
{
    nb_ctx *ctx = of->walk->ctx;
    unrolling u = {.of = of, .ctx = ctx, .all.ctx = ctx, .now.ctx = ctx};
    u.n = x->shape[0];
    u.T = x->shape[1];
    nb_tensor *out = begin(&u, x) == NB_OK ? all_steps(&u) : NULL;
    nb_held_free(&u.now);
    nb_held_free(&u.all);
    nb_runs_release(ctx, u.squash);
    nb_runs_release(ctx, u.pass);
    nb_tensor_release(ctx, u.h);
    nb_tensor_release(ctx, u.c);
    return out;
}
