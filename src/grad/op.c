/* The table of ops and the one way to call them. */
#include "grad/op.h"

#include "grad/witness.h"

#include <string.h>

#define X(name) extern const nb_op nb_def_##name;
#include "grad/ops.def"
#undef X

const nb_op *const nb_ops[NB_OPS] = {
#define X(name) &nb_def_##name,
#include "grad/ops.def"
#undef X
};

NB_DEFINE_FIND(nb_op, nb_op, nb_ops, NB_OPS)

_Static_assert(sizeof(nb_attr) == sizeof(struct nb_attr_sizes),
               "the first struct is the widest: without arguments all is zero");

nb_shared *nb_shared_new(nb_ctx *ctx, size_t bytes)
{
    nb_shared *shared = nb_alloc_zero(ctx, 1, bytes);
    if (!shared) return NULL;
    *shared = (nb_shared){.refs = 1, .bytes = bytes};
    return shared;
}

void nb_shared_end(nb_ctx *ctx, nb_shared *shared)
{
    if (shared->free) shared->free(ctx, shared);
    nb_free(ctx, shared, shared->bytes);
}

nb_call nb_call_make(const nb_op *op)
{
    nb_call call = {.op = op, .attr = op->attr};
    if (op->options) nb_option_defaults(op->options, &call.attr);
    return call;
}

void nb_call_drop(nb_ctx *ctx, nb_call *call)
{
    for (int i = 0; i < NB_MAX_RESULTS - 1; i++) {
        nb_tensor_release(ctx, call->more[i]);
        call->more[i] = NULL;
    }
}

nb_dtype nb_dtype_meeting(const nb_ctx *ctx, const bool has[NB_DTYPES])
{
    if (has[NB_F64]) return NB_F64;
    if (has[NB_F32]) return NB_F32;
    return has[NB_I32] ? NB_F64 : ctx->dtype;
}

nb_dtype nb_dtype_computing(const nb_ctx *ctx, nb_dtype dtype)
{
    bool has[NB_DTYPES] = {false};
    has[dtype] = true;
    return nb_dtype_meeting(ctx, has);
}

nb_dtype nb_dtype_adding(nb_dtype dtype)
{
    return nb_dtype_computes(dtype) ? dtype : NB_F64;
}

/* The dtype that the promoted inputs of a call meet in. */
static nb_dtype common_dtype(const nb_ctx *ctx, const nb_call *call)
{
    bool has[NB_DTYPES] = {false};
    for (int i = 0; i < call->inputs; i++)
        if (call->op->promote >> i & 1) has[call->in[i]->dtype] = true;
    if (call->op->adds_up && !has[NB_F32]) return NB_F64;
    return nb_dtype_meeting(ctx, has);
}

/* True when the inputs that would be promoted are of one dtype already. */
static bool share_dtype(const nb_call *call)
{
    const nb_tensor *first = NULL;
    for (int i = 0; i < call->inputs; i++) {
        if (!(call->op->promote >> i & 1)) continue;
        if (first && first->dtype != call->in[i]->dtype) return false;
        first = call->in[i];
    }
    return true;
}

/* Brings inputs to their common dtype, by an op of its own where a gradient flows. Fills `made`
 * with the tensors that it made. */
static nb_status promote(nb_ctx *ctx, nb_call *call, nb_tensor **made)
{
    nb_dtype dtype = common_dtype(ctx, call);
    if (call->op->stores && share_dtype(call)) return NB_OK;
    for (int i = 0; i < call->inputs; i++) {
        if (!(call->op->promote >> i & 1) || call->in[i]->dtype == dtype) continue;
        nb_call to = {.op = &nb_def_to, .in = {call->in[i]}, .inputs = 1};
        to.attr.dtype = dtype;
        made[i] = nb_op_call(ctx, &to);
        if (!made[i]) return ctx->status;
        call->in[i] = made[i];
        call->ends |= 1u << i;
    }
    return NB_OK;
}

/* Finds the inputs through which a gradient flows; an error where the op has none to hand on. */
static nb_status find_needs(nb_ctx *ctx, nb_call *call)
{
    const nb_op *op = call->op;
    call->recording = false;
    memset(call->needs, 0, sizeof call->needs);
    for (int i = 0; i < call->inputs && ctx->recording; i++) {
        bool flows = call->in[i]->link;
        if (flows && op->refuses)
            return nb_fail(ctx, NB_EARG, "%s has no gradient; give it x:detach()", op->name);
        call->needs[i] = flows && op->backward;
        call->recording |= call->needs[i];
    }
    return NB_OK;
}

static nb_tensor *forward_and_record(nb_ctx *ctx, nb_call *call)
{
    if (find_needs(ctx, call) != NB_OK) return NULL;
    nb_tensor *out = call->op->forward(ctx, call);
    if (!out || !call->recording || nb_record_call(ctx, call, out) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* What forward saved and no record took over. */
static void drop_saved(nb_ctx *ctx, nb_call *call)
{
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        if (!call->saved[i]) continue;
        nb_tensor_release(ctx, call->saved[i]);
        call->saved[i] = NULL;
    }
    nb_shared_release(ctx, call->kept);
    call->kept = NULL;
}

nb_tensor *nb_op_call(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *made[NB_MAX_INPUTS];
    nb_tensor *out = NULL;
    if (ctx->witness) return nb_witness_call(ctx, call);
    if (nb_poll(ctx) != NB_OK) return NULL;
    int promoted = call->op->promote ? call->inputs : 0;
    for (int i = 0; i < promoted; i++) made[i] = NULL;
    if (!promoted || promote(ctx, call, made) == NB_OK) out = forward_and_record(ctx, call);
    drop_saved(ctx, call);
    for (int i = 0; i < promoted; i++) nb_tensor_release(ctx, made[i]);
    if (!out) nb_call_drop(ctx, call);
    return out;
}

/* op(a), or op(a, b), further results dropped. */
static nb_tensor *short_form(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b, unsigned ends)
{
    nb_call call = nb_call_make(nb_ops[op]);
    call.in[0] = a;
    call.in[1] = b;
    call.inputs = b ? 2 : 1;
    call.ends = ends;
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_call_drop(ctx, &call);
    return out;
}

nb_tensor *nb_op1(nb_ctx *ctx, nb_op_id op, nb_tensor *a)
{
    return short_form(ctx, op, a, NULL, 0);
}

nb_tensor *nb_op2(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b)
{
    return short_form(ctx, op, a, b, 0);
}

nb_tensor *nb_then1(nb_ctx *ctx, nb_op_id op, nb_tensor *a)
{
    return nb_then2(ctx, op, a, NULL);
}

nb_tensor *nb_then2(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *out = a ? short_form(ctx, op, a, b, 1) : NULL;
    nb_tensor_release(ctx, a);
    return out;
}

nb_tensor *nb_op_number(nb_ctx *ctx, nb_op_id op, nb_tensor *a, double b)
{
    /* Of two owners neither lets go: nothing is written over. */
    return nb_then_number(ctx, op, nb_tensor_retain(a), b);
}

nb_tensor *nb_then_number(nb_ctx *ctx, nb_op_id op, nb_tensor *a, double b)
{
    if (!a) return NULL;
    nb_dtype dtype = nb_dtype_computing(ctx, a->dtype);
    nb_tensor *number = nb_tensor_scalar(ctx, dtype, b);
    nb_tensor *out = number ? short_form(ctx, op, a, number, 1) : NULL;
    nb_tensor_release(ctx, number);
    nb_tensor_release(ctx, a);
    return out;
}
