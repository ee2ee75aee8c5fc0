/* The table of ops and the one way to call them. */
#include "grad/op.h"

#include "grad/tape.h"

#include <string.h>

#define X(name) extern const nb_op nb_def_##name;
#include "grad/ops.def"
#undef X

const nb_op *const nb_ops[NB_OPS] = {
#define X(name) &nb_def_##name,
#include "grad/ops.def"
#undef X
};

const nb_op *nb_op_find(const char *name)
{
    for (size_t i = 0; i < NB_OPS; i++)
        if (!strcmp(nb_ops[i]->name, name)) return nb_ops[i];
    return NULL;
}

nb_shared *nb_shared_new(nb_ctx *ctx, size_t bytes)
{
    nb_shared *shared = nb_alloc_zero(ctx, 1, bytes);
    if (!shared) return NULL;
    *shared = (nb_shared){.refs = 1, .bytes = bytes};
    return shared;
}

nb_shared *nb_shared_retain(nb_shared *shared)
{
    if (shared) shared->refs++;
    return shared;
}

void nb_shared_release(nb_ctx *ctx, nb_shared *shared)
{
    if (shared && --shared->refs == 0) nb_free(ctx, shared, shared->bytes);
}

/* The dtype that the promoted inputs of a call meet in: the widest that computes, and the context's
 * when none of them does. */
static nb_dtype common_dtype(const nb_ctx *ctx, const nb_call *call)
{
    bool any = false, wide = false;
    for (int i = 0; i < call->inputs; i++) {
        if (!(call->op->promote >> i & 1) || !nb_dtype_computes(call->in[i]->dtype)) continue;
        any = true;
        wide |= call->in[i]->dtype == NB_F64;
    }
    if (!any) return ctx->dtype;
    return wide ? NB_F64 : NB_F32;
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
        to.attr.list[0] = dtype;
        made[i] = nb_op_call(ctx, &to);
        if (!made[i]) return ctx->status;
        call->in[i] = made[i];
    }
    return NB_OK;
}

static void find_needs(const nb_ctx *ctx, nb_call *call)
{
    call->recording = false;
    for (int i = 0; i < call->inputs; i++) {
        call->needs[i] = ctx->recording && call->op->backward && call->in[i]->link;
        call->recording |= call->needs[i];
    }
}

nb_tensor *nb_op_call(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *made[NB_MAX_INPUTS] = {NULL};
    nb_tensor *out = NULL;
    if (nb_poll(ctx) != NB_OK) return NULL;
    if (!call->op->promote || promote(ctx, call, made) == NB_OK) {
        find_needs(ctx, call);
        out = call->op->forward(ctx, call);
        if (out && call->recording && nb_record_call(ctx, call, out) != NB_OK) {
            nb_tensor_release(ctx, out);
            out = NULL;
        }
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        nb_tensor_release(ctx, call->saved[i]);
        call->saved[i] = NULL;
    }
    for (int i = 0; i < NB_MAX_INPUTS; i++) nb_tensor_release(ctx, made[i]);
    if (!out) {
        nb_tensor_release(ctx, call->second);
        call->second = NULL;
    }
    return out;
}

nb_tensor *nb_op1(nb_ctx *ctx, nb_op_id op, nb_tensor *a)
{
    nb_call call = {.op = nb_ops[op], .in = {a}, .inputs = 1};
    memcpy(call.attr.number, call.op->number, sizeof call.attr.number);
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_tensor_release(ctx, call.second);
    return out;
}

nb_tensor *nb_op2(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b)
{
    nb_call call = {.op = nb_ops[op], .in = {a, b}, .inputs = 2};
    return nb_op_call(ctx, &call);
}

nb_tensor *nb_op_number(nb_ctx *ctx, nb_op_id op, nb_tensor *a, double b)
{
    nb_dtype dtype = nb_dtype_computes(a->dtype) ? a->dtype : ctx->dtype;
    nb_tensor *number = nb_tensor_scalar(ctx, dtype, b);
    if (!number) return NULL;
    nb_tensor *out = nb_op2(ctx, op, a, number);
    nb_tensor_release(ctx, number);
    return out;
}
