/* f' and Jacobians, by the backward of the functions themselves: what training multiplies with. */
#include "nn/inspect/slope.h"

#include "grad/tape.h"
#include "tensor/make.h"

#include <math.h>

/* Of the largest number: what rounding in f32 may make of equal ones. */
static const double TOLERANCE = 1e-4;

/* Jᵀ d for each of `count` directions d of z's shape, into `out`: new references, all or none. */
static nb_status pull_back(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor *const *d,
                           int count, nb_tensor **out)
{
    bool recording = ctx->recording;
    nb_tensor *leaf = nb_tensor_alias(ctx, z);
    nb_status status = leaf ? nb_require_grad(ctx, leaf, true) : ctx->status;
    ctx->recording = true;
    nb_tensor *a = status == NB_OK ? nb_runs_apply(ctx, runs, leaf) : NULL;
    ctx->recording = recording;
    int made = 0;
    for (; a && made < count; made++) {
        const nb_backward_options options = {.keep = true, .delta = d[made], .only = leaf};
        if (a->link && nb_backward(ctx, a, &options) != NB_OK) break;
        nb_tensor *grad = nb_leaf_grad(nb_leaf_of(leaf));
        /* A constant has no slope anywhere. */
        out[made] =
            grad ? nb_tensor_retain(grad) : nb_tensor_zeros(ctx, z->dtype, z->dims, z->shape);
        if (!out[made]) break;
    }
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, leaf);
    if (made == count) return NB_OK;
    while (made > 0) nb_tensor_release(ctx, out[--made]);
    return ctx->status;
}

/* ---- Slopes ---------------------------------------------------------------------------------- */

static nb_tensor *ones_like(nb_ctx *ctx, const nb_tensor *z)
{
    nb_tensor *ones = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (ones) return nb_tensor_settle(ctx, ones, nb_tensor_fill(ctx, ones, 1));
    return NULL;
}

/* Numbers from 1 to 3 that differ from place to place: they tell a product by f' from a sum. */
static nb_tensor *varied_like(nb_ctx *ctx, const nb_tensor *z)
{
    nb_tensor *out = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (out) out = nb_tensor_settle(ctx, out, nb_fill_range(ctx, out, 1, 1));
    return nb_then_number(ctx, NB_OP_add, nb_then1(ctx, NB_OP_sin, out), 2);
}

/* The largest |t|; NaN and infinities, which say nothing here, count as 0. */
static double largest(nb_ctx *ctx, nb_tensor *t)
{
    double most = 0;
    nb_tensor *real = nb_tensor_convert(ctx, t, NB_F64, 1);
    nb_tensor *whole = real ? nb_tensor_contiguous(ctx, real) : NULL;
    for (int64_t i = 0; whole && i < nb_tensor_count(whole); i++) {
        double size = fabs(((const double *)nb_tensor_data(whole))[i]);
        if (size > most && isfinite(size)) most = size;
    }
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, whole);
    return most;
}

/* Whether Jᵀ r is not r ⊙ Jᵀ 1: then J has more than a diagonal. */
static nb_status compare(nb_ctx *ctx, nb_tensor *of_ones, nb_tensor *r, nb_tensor *of_r,
                         bool *mixes)
{
    nb_tensor *product = nb_op2(ctx, NB_OP_mul, of_ones, r);
    nb_tensor *off = product ? nb_op2(ctx, NB_OP_sub, of_r, product) : NULL;
    if (off)
        *mixes = largest(ctx, off) > TOLERANCE * fmax(largest(ctx, product), largest(ctx, of_r));
    nb_tensor_release(ctx, product);
    nb_tensor_release(ctx, off);
    return off ? NB_OK : ctx->status;
}

static bool has_host(const nb_runs *runs)
{
    for (int64_t i = 0; i < runs->count; i++)
        if (runs->run[i].activation.type->host) return true;
    return false;
}

nb_status nb_runs_slope(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor **slope)
{
    bool tried = has_host(runs), mixes = false;
    const nb_activation_type *all = nb_runs_uniform(runs).type;
    nb_tensor *d[2], *out[2];
    *slope = NULL;
    if (all && all->whole_layer) return NB_OK;
    d[0] = ones_like(ctx, z);
    d[1] = d[0] ? varied_like(ctx, z) : NULL;
    nb_status status = d[1] ? pull_back(ctx, runs, z, d, tried ? 2 : 1, out) : ctx->status;
    if (status == NB_OK && tried) {
        status = compare(ctx, out[0], d[1], out[1], &mixes);
        nb_tensor_release(ctx, out[1]);
        if (status != NB_OK || mixes) nb_tensor_release(ctx, out[0]);
    }
    if (status == NB_OK && !mixes) *slope = out[0];
    nb_tensor_release(ctx, d[0]);
    nb_tensor_release(ctx, d[1]);
    return status;
}

/* ---- Jacobians ------------------------------------------------------------------------------- */

/* (n, neurons) with the extents that the runs expect behind: one place of space. */
static nb_tensor *one_place(nb_ctx *ctx, const nb_runs *runs, nb_tensor *t)
{
    int64_t shape[NB_MAX_DIMS] = {t->shape[0], t->shape[1]};
    for (int i = 0; i < runs->behind; i++) shape[2 + i] = 1;
    return nb_tensor_reshape(ctx, t, 2 + runs->behind, shape);
}

/* As many copies of z as it has neurons, each answering for one output: Jᵀ e_j in row j. */
nb_tensor *nb_runs_jacobian(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z)
{
    const int64_t shape[2] = {z->shape[0], z->shape[0]};
    nb_tensor *rows = nb_tensor_expand(ctx, z, 2, shape), *out = NULL;
    nb_tensor *copies = rows ? nb_tensor_clone(ctx, rows) : NULL;
    nb_tensor *identity = copies ? nb_tensor_new(ctx, z->dtype, 2, shape) : NULL;
    if (identity) identity = nb_tensor_settle(ctx, identity, nb_fill_identity(ctx, identity));
    nb_tensor *each = identity ? one_place(ctx, runs, copies) : NULL;
    nb_tensor *d = each ? one_place(ctx, runs, identity) : NULL, *slopes = NULL;
    if (d) pull_back(ctx, runs, each, &d, 1, &slopes);
    if (slopes) out = nb_tensor_reshape(ctx, slopes, 2, shape);
    nb_tensor *const all[] = {rows, copies, identity, each, d, slopes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    return out;
}
