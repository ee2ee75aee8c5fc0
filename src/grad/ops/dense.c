/* A layer of neurons: the affine map, the activations run by run, and both fused.
 *
 * Shapes: x (…, k), w (neurons, k), b (neurons), z and a (…, neurons); the dimensions before the
 * last are the examples. */
#include "grad/activate.h"
#include "grad/thinned.h"
#include "grad/support.h"
#include "grad/weights.h"

#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

static int neuron_dim(const nb_attr *attr, const nb_tensor *z)
{
    return z->dims - 1 - nb_runs_of(attr)->behind;
}

static nb_tensor *activate_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *z = nb_tensor_contiguous(ctx, call->in[0]);
    return z ? nb_activated(ctx, call, z, neuron_dim(&call->attr, z), false) : NULL;
}

static nb_status activate_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                   nb_tensor **grad)
{
    grad[0] = nb_delta_at_z(ctx, record, delta, neuron_dim(&record->attr, delta));
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(activate) = {
    .name = "activate",
    .help = "Activations of a layer's neurons, run by run.",
    .hidden = true,
    .shares = true,
    .promote = 1,
    .forward = activate_forward,
    .backward = activate_backward,
};

static nb_status check_dense(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *x = call->in[0], *w = call->in[1], *b = call->in[2];
    char tx[NB_SHAPE_TEXT], tw[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    bool fits = x->dims >= 1 && w->dims == 2 && b->dims == 1 &&
                x->shape[x->dims - 1] == w->shape[1] && b->shape[0] == w->shape[0];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "dense: inputs %s, weights %s, biases %s",
                   nb_shape_text(x->dims, x->shape, tx), nb_shape_text(w->dims, w->shape, tw),
                   nb_shape_text(b->dims, b->shape, tb));
}

/* Z = X Wᵀ + b, by rows. All three contiguous; `inputs` are x's. */
static nb_tensor *affine(nb_ctx *ctx, const nb_tensor *x, const nb_inputs *inputs,
                         const nb_tensor *w, const nb_tensor *b)
{
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, x->shape, sizeof shape);
    shape[x->dims - 1] = w->shape[0];
    nb_tensor *z = nb_tensor_new(ctx, x->dtype, x->dims, shape);
    return z ? nb_tensor_settle(ctx, z, nb_affine(ctx, inputs, w, b, z)) : NULL;
}

/* attr.shared NULL: z itself. saved: a, z as for activate, then x as it went into the product. */
enum { SAVED_X = 2 };

static nb_tensor *dense_forward(nb_ctx *ctx, nb_call *call)
{
    if (check_dense(ctx, call) != NB_OK) return NULL;
    nb_tensor *in[3] = {NULL, NULL, NULL}, *z = NULL;
    nb_inputs inputs = {.x = NULL};
    bool whole = true;
    for (int i = 0; i < 3 && whole; i++) {
        in[i] = nb_thinned_or_contiguous(ctx, call->in[i]);
        whole = in[i];
    }
    if (whole && nb_inputs_look(ctx, in[0], in[1]->shape[0], &inputs) == NB_OK)
        z = affine(ctx, in[0], &inputs, in[1], in[2]);
    bool learns = call->recording && (call->needs[1] || call->needs[2]);
    if (z && learns) nb_inputs_save(&inputs, call->saved + SAVED_X);
    nb_inputs_free(ctx, &inputs);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, in[i]);
    if (!z || !call->attr.shared) return z;
    return nb_activated(ctx, call, z, z->dims - 1, true);
}

/* What the layer before is asked for. */
static nb_tensor *delta_before(nb_ctx *ctx, const nb_tensor *delta, nb_tensor *w)
{
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, delta->shape, sizeof shape);
    shape[delta->dims - 1] = w->shape[1];
    nb_tensor *out = nb_tensor_new(ctx, delta->dtype, delta->dims, shape);
    return out ? nb_tensor_settle(ctx, out, nb_delta_before(ctx, delta, w, NULL, out)) : NULL;
}

static nb_status dense_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *dz = nb_delta_at_z(ctx, record, delta, delta->dims - 1);
    if (!dz) return ctx->status;
    nb_status status = NB_OK;
    if (record->needs[0]) {
        grad[0] = delta_before(ctx, dz, record->in[1]);
        if (!grad[0]) status = ctx->status;
    }
    if (status == NB_OK && record->needs[2]) status = nb_sum_gradient(ctx, record, 2, dz, grad);
    if (status == NB_OK && record->needs[1]) {
        const nb_inputs x = nb_inputs_saved(record->saved + SAVED_X);
        status = nb_inputs_gradient(ctx, record, 1, dz, &x, grad);
    }
    nb_tensor_release(ctx, dz);
    return status;
}

NB_DEFINE_OP(dense) = {
    .name = "dense",
    .help = "A layer of neurons: a = f(x wᵀ + b).",
    .hidden = true,
    .shares = true,
    .promote = 7,
    .reads = 2,
    .forward = dense_forward,
    .backward = dense_backward,
    .errors = "2x3 4x2 4: inputs 2x3, weights 4x2, biases 4; 2x3 4x3 3: biases 3",
    .samples = "2x3 4x3 4, 3 4x3 4, 2x3t 4x3 4, 0x3 4x3 4, 2x2x3 1x3 1",
    .low = -2,
    .high = 2,
};

/* a = f(z) of a function of the host that brought its own derivative: in = z, a, f'(z). */
static nb_tensor *chain_forward(nb_ctx *ctx, nb_call *call)
{
    if (nb_tensor_same_shape(call->in[0], call->in[1]) &&
        nb_tensor_same_shape(call->in[0], call->in[2]))
        return nb_tensor_alias(ctx, call->in[1]);
    nb_misfit(ctx, "f and df", call->in[1], call->in[2]);
    return NULL;
}

/* dz = δ ⊙ f'(z) */
static nb_status chain_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_call call = {.op = nb_ops[NB_OP_mul], .in = {delta, record->in[2]}, .inputs = 2, .ends = 1};
    if (record->needs[0]) grad[0] = nb_op_call(ctx, &call);
    return !record->needs[0] || grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(slope_chain) = {
    .name = "slope_chain",
    .help = "f(z) with a derivative that came with it.",
    .hidden = true,
    .promote = 7,
    .reads = 4,
    .forward = chain_forward,
    .backward = chain_backward,
};
