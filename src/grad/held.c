/* Temporaries of a formula. */
#include "grad/held.h"

#include "base/memory.h"

#include <string.h>

enum { ROOM = 32 };

nb_tensor *nb_hold(nb_held *held, nb_tensor *t)
{
    if (t && held->count == held->room) {
        size_t size = sizeof *held->list, before = (size_t)held->room * size;
        void *list = nb_resize(held->ctx, held->list, before, before + ROOM * size);
        if (!list) {
            nb_tensor_release(held->ctx, t);
            return NULL;
        }
        held->list = list;
        held->room += ROOM;
    }
    if (t) held->list[held->count++] = t;
    return t;
}

void nb_held_drop(nb_held *held)
{
    while (held->count > 0) nb_tensor_release(held->ctx, held->list[--held->count]);
}

void nb_held_free(nb_held *held)
{
    nb_held_drop(held);
    nb_free(held->ctx, held->list, (size_t)held->room * sizeof *held->list);
    held->list = NULL;
    held->room = 0;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static nb_tensor *run(nb_held *held, nb_call *call)
{
    for (int i = 0; i < call->inputs; i++)
        if (!call->in[i]) return NULL;
    return nb_hold(held, nb_op_call(held->ctx, call));
}

/* A call of one input, with the op's defaults. */
static nb_call call_of(nb_op_id op, nb_tensor *a)
{
    nb_call call = nb_call_make(nb_ops[op]);
    call.in[0] = a;
    call.inputs = 1;
    return call;
}

nb_tensor *nb_held1(nb_held *held, nb_op_id op, nb_tensor *a)
{
    nb_call call = call_of(op, a);
    return run(held, &call);
}

nb_tensor *nb_held2(nb_held *held, nb_op_id op, nb_tensor *a, nb_tensor *b)
{
    nb_call call = call_of(op, a);
    call.in[call.inputs++] = b;
    return run(held, &call);
}

nb_tensor *nb_held3(nb_held *held, nb_op_id op, nb_tensor *a, nb_tensor *b, nb_tensor *c)
{
    nb_call call = call_of(op, a);
    call.in[call.inputs++] = b;
    call.in[call.inputs++] = c;
    return run(held, &call);
}

nb_tensor *nb_held_number(nb_held *held, nb_op_id op, nb_tensor *a, double b)
{
    return a ? nb_hold(held, nb_op_number(held->ctx, op, a, b)) : NULL;
}

nb_tensor *nb_held_sum(nb_held *held, nb_tensor *a, int dim)
{
    nb_call call = call_of(NB_OP_sum, a);
    call.attr.reduce = (struct nb_attr_reduce){.dims = {.count = 1, .at = {dim}}, .keep = true};
    return run(held, &call);
}

nb_tensor *nb_held_norm(nb_held *held, nb_tensor *a, int dim)
{
    nb_call call = call_of(NB_OP_norm, a);
    call.attr.norm.over = (struct nb_attr_reduce){.dims = {.count = 1, .at = {dim}}, .keep = true};
    call.attr.norm.p = 2;
    return run(held, &call);
}

nb_tensor *nb_held_shape(nb_held *held, nb_tensor *a, int dims, const int64_t *shape)
{
    nb_call call = call_of(NB_OP_reshape, a);
    call.attr.sizes.count = dims;
    memcpy(call.attr.sizes.at, shape, (size_t)dims * sizeof *shape);
    return run(held, &call);
}

nb_tensor *nb_held_narrow(nb_held *held, nb_tensor *a, int dim, int64_t start, int64_t length)
{
    nb_call call = call_of(NB_OP_narrow, a);
    call.attr.narrow =
        (struct nb_attr_narrow){.dim = dim, .start = start, .length = length, .step = 1};
    return run(held, &call);
}

nb_tensor *nb_held_rows(nb_held *held, nb_tensor *a, nb_tensor *index)
{
    nb_call call = call_of(NB_OP_index_select, a);
    call.in[call.inputs++] = index;
    call.attr.dim = 0;
    return run(held, &call);
}

nb_tensor *nb_held_turn(nb_held *held, nb_tensor *a)
{
    nb_call call = call_of(NB_OP_t, a);
    return run(held, &call);
}
