/* Dense layers one behind the other: what the op `dense` does layer by layer, with the same bits,
 * as one call and one record. What lies between the layers stands in an arena (grad/chain.h).
 *
 * Shapes: x (…, k), then for each layer w (neurons, inputs) and b (neurons); the output (…, neurons
 * of the last). */
#include "grad/chain.h"
#include "grad/thinned.h"
#include "grad/support.h"

#include "tensor/shape.h"

#include <string.h>

/* saved: x as it went into the product, and the last a where a slope is computed from it. */
enum { SAVED_X = 0, SAVED_A = NB_INPUTS_SAVED };

static int w_of(int layer)
{
    return 1 + 2 * layer;
}

static int b_of(int layer)
{
    return 2 + 2 * layer;
}

/* ---- Forward --------------------------------------------------------------------------------- */

static nb_status check_layer(nb_ctx *ctx, const nb_call *call, int i)
{
    const nb_tensor *x = call->in[0], *w = call->in[w_of(i)], *b = call->in[b_of(i)];
    const nb_tensor *before = i ? call->in[w_of(i - 1)] : NULL;
    char tx[NB_SHAPE_TEXT], tw[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    bool fits = w->dims == 2 && b->dims == 1 && b->shape[0] == w->shape[0] &&
                (before ? before->shape[0] : x->shape[x->dims - 1]) == w->shape[1];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "dense: inputs %s, weights %s, biases %s",
                   before ? nb_shape_text(1, before->shape, tx)
                          : nb_shape_text(x->dims, x->shape, tx),
                   nb_shape_text(w->dims, w->shape, tw), nb_shape_text(b->dims, b->shape, tb));
}

static nb_status check(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int layers = (call->inputs - 1) / 2;
    nb_status status = NB_OK;
    if (x->dims < 1 || layers < 1 || call->inputs != b_of(layers - 1) + 1)
        return nb_fail(ctx, NB_ESHAPE, "dense: x, then w and b of each layer are wanted");
    for (int i = 0; i < layers && status == NB_OK; i++) status = check_layer(ctx, call, i);
    return status;
}

/* The arena for a call: which layers a gradient flows through decides what is kept of them. */
static nb_arena *arena_for(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *x = call->in[0];
    bool flows = call->needs[0];
    nb_arena like; /* what says which arena is wanted, and no more */
    like.dtype = x->dtype;
    like.z = call->attr.chain.z;
    like.lives = 0;
    like.layers = (call->inputs - 1) / 2;
    like.rows = nb_shape_count(x->dims - 1, x->shape);
    for (int i = 0; i < like.layers; i++) {
        flows = flows || call->needs[w_of(i)] || call->needs[b_of(i)];
        like.lives |= (unsigned)flows << i;
        like.width[i] = call->in[w_of(i)]->shape[0];
    }
    return nb_arena_take(ctx, &call->attr, &like);
}

/* What comes into a layer, as the product reads it. */
static nb_status look(nb_ctx *ctx, const nb_call *call, int i, nb_tensor *x, nb_inputs *in)
{
    const nb_piled *rows = call->attr.chain.rows;
    int64_t neurons = call->in[w_of(i)]->shape[0];
    if (!rows)
        return i ? nb_inputs_look_again(ctx, x, neurons, in) : nb_inputs_look(ctx, x, neurons, in);
    nb_inputs_free(ctx, in);
    return nb_inputs_look_piled(ctx, x, neurons, rows, in);
}

static nb_status affine(nb_ctx *ctx, const nb_call *call, const nb_inputs *in, const nb_tensor *w,
                        const nb_tensor *b, nb_tensor *z)
{
    const nb_piled *rows = call->attr.chain.rows;
    return rows ? nb_affine_piled(ctx, in, w, b, rows, z) : nb_affine(ctx, in, w, b, z);
}

/* z of a layer from what came in, w and b contiguous. */
static nb_status layer_z(nb_ctx *ctx, const nb_call *call, int i, const nb_inputs *in, nb_tensor *z)
{
    nb_tensor *w = call->in[w_of(i)], *b = call->in[b_of(i)];
    if (nb_tensor_is_contiguous(w) && nb_tensor_is_contiguous(b))
        return affine(ctx, call, in, w, b, z);
    w = nb_tensor_contiguous(ctx, w);
    b = w ? nb_tensor_contiguous(ctx, call->in[b_of(i)]) : NULL;
    nb_status status = b ? affine(ctx, call, in, w, b, z) : ctx->status;
    nb_tensor_release(ctx, w);
    nb_tensor_release(ctx, b);
    return status;
}

/* z and a of a layer; z stands in a's place where nobody needs it beside. */
static nb_status layer_forward(nb_ctx *ctx, const nb_call *call, const nb_arena *arena, int i,
                               const nb_inputs *in, nb_tensor *a)
{
    const nb_kernel_runs *runs = nb_chain_runs(&call->attr, arena->layers, i);
    bool lives = arena->lives >> i & 1;
    nb_tensor *z = arena->layer[i].z ? arena->layer[i].z : a;
    nb_status status = layer_z(ctx, call, i, in, z);
    if (status != NB_OK || !runs) return status;
    bool slopes = lives && nb_runs_give_slopes(runs, arena->dtype);
    return nb_runs_activate(ctx, runs, z->dims - 1, z, a, slopes ? z : NULL);
}

/* The layers behind the first, each from what the arena has of the one before. */
static nb_status others_forward(nb_ctx *ctx, const nb_call *call, nb_arena *arena, nb_tensor *out)
{
    nb_status status = NB_OK;
    for (int i = 1; i < arena->layers && status == NB_OK; i++) {
        nb_arena_layer *layer = &arena->layer[i];
        status = nb_poll(ctx);
        if (status == NB_OK) status = look(ctx, call, i, layer[-1].a, &layer->in);
        if (status == NB_OK)
            status = layer_forward(ctx, call, arena, i, &layer->in, layer->a ? layer->a : out);
    }
    return status;
}

static nb_status all_forward(nb_ctx *ctx, nb_call *call, nb_arena *arena, nb_tensor *out)
{
    nb_inputs in = {.x = NULL};
    nb_tensor *x = nb_thinned_or_contiguous(ctx, call->in[0]);
    nb_status status = x ? look(ctx, call, 0, x, &in) : ctx->status;
    if (status == NB_OK)
        status =
            layer_forward(ctx, call, arena, 0, &in, arena->layer[0].a ? arena->layer[0].a : out);
    if (status == NB_OK) status = others_forward(ctx, call, arena, out);
    if (status == NB_OK && (call->needs[w_of(0)] || call->needs[b_of(0)]))
        nb_inputs_save(&in, call->saved + SAVED_X);
    nb_inputs_free(ctx, &in);
    nb_tensor_release(ctx, x);
    return status;
}

/* Keeps the arena for backward, and the last a where a slope needs it. */
static nb_status keep(nb_ctx *ctx, nb_call *call, nb_arena *arena, nb_tensor *out)
{
    const nb_kernel_runs *runs = nb_chain_runs(&call->attr, arena->layers, arena->layers - 1);
    if (!call->recording) {
        nb_shared_release(ctx, &arena->head);
        return NB_OK;
    }
    call->kept = &arena->head;
    if (!runs || nb_runs_give_slopes(runs, arena->dtype)) return NB_OK;
    call->saved[SAVED_A] = nb_tensor_alias(ctx, out);
    return call->saved[SAVED_A] ? NB_OK : ctx->status;
}

static nb_tensor *forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int64_t shape[NB_MAX_DIMS];
    if (check(ctx, call) != NB_OK) return NULL;
    memcpy(shape, x->shape, sizeof shape);
    shape[x->dims - 1] = call->in[call->inputs - 1]->shape[0];
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, shape);
    nb_arena *arena = out ? arena_for(ctx, call) : NULL;
    nb_status status = arena ? all_forward(ctx, call, arena, out) : ctx->status;
    if (status == NB_OK) return nb_tensor_settle(ctx, out, keep(ctx, call, arena, out));
    if (arena) nb_shared_release(ctx, &arena->head);
    nb_tensor_release(ctx, out);
    return NULL;
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* δ at the last layer's z; a new reference. */
static nb_tensor *last_delta(nb_ctx *ctx, const nb_record *record, const nb_arena *arena,
                             nb_tensor *delta)
{
    int last = arena->layers - 1;
    const nb_kernel_runs *runs = nb_chain_runs(&record->attr, arena->layers, last);
    nb_tensor *from, *to;
    if (!runs) return nb_tensor_contiguous(ctx, delta);
    if (nb_delta_for_write(ctx, delta, &from, &to) != NB_OK) return NULL;
    const nb_tensor *z = arena->layer[last].z, *a = record->saved[SAVED_A];
    nb_status status = nb_runs_delta(ctx, runs, (a ? a : z)->dims - 1, z, a, from, to);
    nb_tensor_release(ctx, from);
    return nb_tensor_settle(ctx, to, status);
}

/* BP2: δ at the z of layer i, in the arena, from that behind it. */
static nb_status delta_of(nb_ctx *ctx, const nb_record *record, const nb_arena *arena, int i,
                          const nb_tensor *behind)
{
    const nb_arena_layer *layer = &arena->layer[i];
    const nb_kernel_runs *runs = nb_chain_runs(&record->attr, arena->layers, i);
    nb_status status = nb_delta_before(ctx, behind, record->in[w_of(i + 1)],
                                       record->attr.chain.rows, layer->delta);
    if (status != NB_OK || !runs) return status;
    bool slopes = nb_runs_give_slopes(runs, arena->dtype);
    return nb_runs_delta(ctx, runs, 1, layer->z, slopes ? NULL : layer->a, layer->delta,
                         layer->delta);
}

/* The same at x. */
static nb_tensor *delta_at_x(nb_ctx *ctx, const nb_record *record, const nb_tensor *behind)
{
    const nb_tensor *x = record->in[0];
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    if (!out) return NULL;
    return nb_tensor_settle(
        ctx, out, nb_delta_before(ctx, behind, record->in[w_of(0)], record->attr.chain.rows, out));
}

static nb_status hand(nb_ctx *ctx, nb_record *record, int input, nb_tensor **grad)
{
    nb_status status = grad[input] ? nb_tape_hand(record, input, grad[input]) : NB_OK;
    nb_tensor_release(ctx, grad[input]);
    grad[input] = NULL;
    return status;
}

/* BP3 of layer i: the sums stand in the arena. */
static nb_status b_gradient(nb_ctx *ctx, nb_record *record, const nb_arena *arena, int i,
                            nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *db = arena->layer[i].db;
    nb_status status = nb_tape_share(ctx, record, b_of(i), delta, NULL);
    if (status != NB_OK || !nb_tape_wants(record, b_of(i))) return status;
    nb_add_columns(arena->dtype, arena->rows, arena->width[i], arena->width[i],
                   nb_tensor_data(delta), arena->room, nb_tensor_data(db));
    grad[b_of(i)] = nb_tensor_retain(db);
    return NB_OK;
}

/* BP3 and BP4 of layer i, handed on in the order of single layers: w, then b. */
static nb_status parameters(nb_ctx *ctx, nb_record *record, const nb_arena *arena, int i,
                            nb_tensor *delta, nb_tensor **grad)
{
    const nb_inputs in = i ? arena->layer[i].in : nb_inputs_saved(record->saved + SAVED_X);
    nb_status status = NB_OK;
    if (record->needs[b_of(i)]) status = b_gradient(ctx, record, arena, i, delta, grad);
    if (status == NB_OK && record->needs[w_of(i)])
        status = nb_inputs_gradient(ctx, record, w_of(i), delta, &in, grad);
    if (status == NB_OK) status = hand(ctx, record, w_of(i), grad);
    return status == NB_OK ? hand(ctx, record, b_of(i), grad) : status;
}

static nb_status backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_arena *arena = (const nb_arena *)record->kept;
    nb_tensor *last = last_delta(ctx, record, arena, delta), *own = last;
    nb_status status = last ? NB_OK : ctx->status;
    for (int i = arena->layers - 1; i >= 0 && status == NB_OK && arena->lives >> i & 1; i--) {
        bool before = i > 0 && arena->lives >> (i - 1) & 1;
        status = nb_poll(ctx);
        if (status == NB_OK && before) status = delta_of(ctx, record, arena, i - 1, own);
        if (status == NB_OK && i == 0 && record->needs[0]) {
            grad[0] = delta_at_x(ctx, record, own);
            if (!grad[0]) status = ctx->status;
        }
        if (status == NB_OK) status = parameters(ctx, record, arena, i, own, grad);
        if (before) own = arena->layer[i - 1].delta;
    }
    nb_tensor_release(ctx, last);
    return status;
}

NB_DEFINE_OP(dense_chain) = {
    .name = "dense_chain",
    .says = "dense",
    .help = "Layers of neurons one behind the other: a = f(x wᵀ + b) of each.",
    .hidden = true,
    .shares = true,
    .reads = 0x2A, /* every w */
    .forward = forward,
    .backward = backward,
    .errors = "2x3 4x2 4: inputs 2x3, weights 4x2, biases 4; 2x3 4x3 3: biases 3; "
              "2x3 4x3 4 5x3 5: inputs 4, weights 5x3; 2x3 4x3 4 5x4: are wanted",
    .samples = "2x3 4x3 4, 2x3 4x3 4 2x4 2, 3 4x3 4 2x4 2, 2x3t 2x3 2 3x2 3 1x3 1, "
               "0x3 4x3 4 2x4 2, 2x2x3 1x3 1 2x1 2",
    .low = -2,
    .high = 2,
};

_Static_assert(NB_CHAIN_LAYERS == 3, "reads names the w of as many");
_Static_assert((int)SAVED_A < (int)NB_MAX_SAVED, "a record saves as much");
