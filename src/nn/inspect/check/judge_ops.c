/* Records looked up, and their ops called anew with what they met. */
#include "nn/inspect/check/judge_ops.h"

#include "base/memory.h"

#include <stdlib.h>

/* Outputs with their records, borrowed: each is held by those behind it. */
typedef struct outputs {
    nb_ctx *ctx;
    nb_tensor **list;
    size_t count, room;
    uint64_t search; /* marks records that were found */
} outputs;

static nb_status add(outputs *all, nb_tensor *out)
{
    nb_record *record = out ? nb_record_of(out) : NULL;
    if (!record || record->mark == all->search) return NB_OK;
    record->mark = all->search;
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 64, size = sizeof *all->list;
        void *list = nb_resize(all->ctx, all->list, all->room * size, room * size);
        if (!list) return all->ctx->status;
        all->list = list;
        all->room = room;
    }
    all->list[all->count++] = out;
    return NB_OK;
}

static nb_status gather(outputs *all, nb_tensor *root)
{
    nb_status status = add(all, root);
    for (size_t i = 0; i < all->count && status == NB_OK; i++) {
        const nb_record *record = nb_record_of(all->list[i]);
        for (int k = 0; k < record->inputs && status == NB_OK; k++)
            status = add(all, record->in[k]);
    }
    return status;
}

static int later_first(const void *a, const void *b)
{
    uint64_t one = nb_record_of(*(nb_tensor *const *)a)->sequence;
    uint64_t other = nb_record_of(*(nb_tensor *const *)b)->sequence;
    return (one < other) - (one > other);
}

/* ---- One op ---- */

typedef struct op_call {
    nb_call call; /* with inputs of its own */
} op_call;

static nb_tensor *call_again(nb_ctx *ctx, void *self)
{
    nb_call call = ((const op_call *)self)->call;
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_call_drop(ctx, &call);
    return out;
}

/* Input i of the record again: a leaf where a gradient was asked for. What backward neither needs
 * nor reads is gone; zeros stand for it. */
static nb_tensor *input_again(nb_ctx *ctx, const nb_record *record, const nb_tensor *out, int i)
{
    const nb_tensor *in = record->in[i];
    if (!in) return nb_tensor_zeros(ctx, out->dtype, out->dims, out->shape);
    nb_tensor *own = nb_tensor_clone(ctx, in);
    if (!own || !record->needs[i] || nb_require_grad(ctx, own, true) == NB_OK) return own;
    nb_tensor_release(ctx, own);
    return NULL;
}

/* The derivative that slope_chain takes is given, not its own; and who holds what is not f64 says
 * nothing here. */
static bool can_be_judged(const nb_record *record, const nb_tensor *out)
{
    bool own = record->op != nb_ops[NB_OP_slope_chain] && !record->spent;
    for (int i = 0; i < record->inputs; i++)
        if (record->needs[i] && record->in[i]->dtype != NB_F64) own = false;
    return own && out->dtype == NB_F64;
}

/* Whether a failure says no more than that zeros do not stand for an input, as for words. */
static bool is_excused(const nb_record *record, nb_status status)
{
    bool gone = false;
    for (int i = 0; i < record->inputs; i++) gone = gone || !record->in[i];
    return gone && status != NB_EMEMORY && status != NB_EINTERRUPT;
}

static nb_status judge_op(nb_ctx *ctx, nb_tensor *out, nb_judged *judged)
{
    const nb_record *record = nb_record_of(out);
    op_call again = {.call = {.op = record->op, .inputs = record->inputs, .attr = record->attr}};
    nb_tensor *leaf[NB_MAX_INPUTS];
    nb_status status = NB_OK;
    *judged = (nb_judged){.f = call_again, .self = &again, .in = leaf};
    if (!can_be_judged(record, out)) return NB_OK;
    for (int i = 0; i < record->inputs && status == NB_OK; i++) {
        nb_tensor *in = again.call.in[i] = input_again(ctx, record, out, i);
        if (!in) status = ctx->status;
        if (in && record->needs[i]) leaf[judged->count++] = in;
    }
    if (status == NB_OK) status = nb_judge(ctx, judged);
    if (status != NB_OK && is_excused(record, status)) status = NB_OK;
    for (int i = 0; i < record->inputs; i++) nb_tensor_release(ctx, again.call.in[i]);
    return status;
}

nb_status nb_judge_ops(nb_ctx *ctx, nb_tensor *root, const nb_op **op, nb_judged *found)
{
    outputs all = {.ctx = ctx, .search = ++ctx->sequence};
    nb_status status = gather(&all, root);
    *op = NULL;
    if (all.count > 1) qsort(all.list, all.count, sizeof *all.list, later_first);
    for (size_t i = 0; i < all.count && status == NB_OK && !*op; i++) {
        status = judge_op(ctx, all.list[i], found);
        if (found->wrong) *op = nb_record_of(all.list[i])->op;
    }
    nb_free(ctx, all.list, all.room * sizeof *all.list);
    return status;
}
