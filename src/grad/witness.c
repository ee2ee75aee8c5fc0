/* Calls that somebody looks on at. */
#include "grad/witness.h"

#include <string.h>

static void drop(nb_ctx *ctx, nb_call *call, nb_tensor **out)
{
    nb_tensor_release(ctx, *out);
    *out = NULL;
    nb_call_drop(ctx, call);
}

/* The same call, that writes over nothing; promotion would put other inputs into the call's own. */
nb_tensor *nb_witness_call(nb_ctx *ctx, nb_call *call)
{
    nb_witness *witness = ctx->witness;
    nb_call plain = *call;
    plain.into = NULL;
    plain.ends = 0;
    ctx->witness = NULL;
    nb_tensor *out = nb_op_call(ctx, &plain);
    ctx->witness = witness;
    memcpy(call->more, plain.more, sizeof call->more);
    bool told = out && witness->called && witness->inside == 0;
    if (told && witness->called(ctx, witness->self, call, out) != NB_OK) drop(ctx, call, &out);
    return out;
}

/* δ has one owner more, so that nobody takes its elements for his own. */
nb_status nb_witness_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_witness *witness = ctx->witness;
    nb_tensor_retain(delta);
    witness->delta = delta;
    witness->inside++;
    nb_status status = record->op->backward(ctx, record, delta, grad);
    witness->inside--;
    witness->delta = NULL;
    if (status == NB_OK && witness->returned)
        status = witness->returned(ctx, witness->self, record, delta, grad);
    nb_tensor_release(ctx, delta);
    return status;
}

nb_status nb_witness_product(nb_ctx *ctx, const nb_record *record, int input, nb_tensor *a,
                             nb_tensor *b)
{
    const nb_witness *witness = ctx->witness;
    return witness->product ? witness->product(ctx, witness->self, record, input, a, b) : NB_OK;
}
