/* Records and leaves: how they are made, and how they go. */
#include "grad/tape.h"

#include <string.h>

/* Whether backward will read the elements of input i. */
static bool reads(const nb_op *op, const bool *needs, int i)
{
    if (!(op->reads >> i & 1)) return false;
    if (!op->crosswise) return true;
    for (int k = 0; k < NB_MAX_INPUTS; k++)
        if (k != i && needs[k]) return true;
    return false;
}

/* Gives back what a record holds on to, but not the record. */
static void empty_record(nb_ctx *ctx, nb_record *record)
{
    for (int i = 0; i < NB_MAX_INPUTS; i++) {
        if (record->in[i] && reads(record->op, record->needs, i)) record->in[i]->storage->readers--;
        nb_tensor_release(ctx, record->in[i]);
        record->in[i] = NULL;
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        if (record->saved[i]) record->saved[i]->storage->readers--;
        nb_tensor_release(ctx, record->saved[i]);
        record->saved[i] = NULL;
    }
    if (!record->op->shares) return;
    nb_shared_release(ctx, record->attr.shared);
    record->attr.shared = NULL;
}

void nb_record_spend(nb_ctx *ctx, nb_record *record)
{
    empty_record(ctx, record);
    record->spent = true;
}

static void free_record(nb_ctx *ctx, nb_record *record)
{
    empty_record(ctx, record);
    nb_tensor_release(ctx, record->delta);
    nb_tensor_release(ctx, record->watched);
    nb_free(ctx, record, sizeof *record);
}

/* Releasing a record releases its inputs, whose records may go too, and so on down a graph of any
 * depth: whoever comes first works off the list, those that it triggers only queue. */
static void release_record(nb_ctx *ctx, nb_tape_link *link)
{
    link->next = ctx->dying;
    ctx->dying = link;
    if (ctx->sweeping) return;
    ctx->sweeping = true;
    while (ctx->dying) {
        nb_tape_link *first = ctx->dying;
        ctx->dying = first->next;
        free_record(ctx, (nb_record *)first);
    }
    ctx->sweeping = false;
}

/* A leaf's gradient may be a leaf itself, and so on: each goes before what hangs on it. */
static void release_leaf(nb_ctx *ctx, nb_tape_link *link)
{
    while (link) {
        nb_leaf *leaf = (nb_leaf *)link;
        nb_tensor *grad = leaf->grad;
        link = NULL;
        if (grad && grad->refs == 1 && nb_leaf_of(grad)) {
            link = grad->link;
            grad->link = NULL;
        }
        nb_tensor_release(ctx, grad);
        nb_free(ctx, leaf, sizeof *leaf);
    }
}

nb_leaf *nb_leaf_of(const nb_tensor *tensor)
{
    bool is = tensor->link && tensor->link->release == release_leaf;
    return is ? (nb_leaf *)tensor->link : NULL;
}

nb_record *nb_record_of(const nb_tensor *tensor)
{
    bool is = tensor->link && tensor->link->release == release_record;
    return is ? (nb_record *)tensor->link : NULL;
}

nb_status nb_require_grad(nb_ctx *ctx, nb_tensor *tensor, bool require)
{
    if (!nb_dtype_computes(tensor->dtype))
        return nb_fail(ctx, NB_EARG, "a gradient needs f32 or f64, not %s",
                       nb_dtype_name(tensor->dtype));
    if (nb_record_of(tensor))
        return nb_fail(ctx, NB_EARG, "this tensor is the result of %s; detach it first",
                       nb_record_of(tensor)->op->name);
    if (require && !tensor->link) {
        nb_leaf *leaf = nb_alloc_zero(ctx, 1, sizeof *leaf);
        if (!leaf) return ctx->status;
        leaf->link.release = release_leaf;
        tensor->link = &leaf->link;
    } else if (!require && tensor->link) {
        if (nb_leaf_of(tensor)->where)
            return nb_fail(ctx, NB_EARG, "a parameter of %s always takes a gradient",
                           nb_leaf_of(tensor)->where);
        tensor->link->release(ctx, tensor->link);
        tensor->link = NULL;
    }
    return NB_OK;
}

nb_status nb_record_call(nb_ctx *ctx, nb_call *call, nb_tensor *out)
{
    nb_record *record = nb_alloc(ctx, sizeof *record);
    if (!record) return ctx->status;
    *record = (nb_record){.link = {.release = release_record}, .op = call->op};
    record->inputs = call->inputs;
    record->sequence = ++ctx->sequence;
    for (int i = 0; i < call->inputs; i++) {
        nb_storage *storage = call->in[i]->storage;
        bool read = reads(call->op, call->needs, i);
        record->needs[i] = call->needs[i];
        if (!call->needs[i] && !read) continue;
        record->in[i] = nb_tensor_retain(call->in[i]);
        record->version[i] = storage->version;
        storage->readers += read;
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        record->saved[i] = call->saved[i];
        call->saved[i] = NULL;
        if (!record->saved[i]) continue;
        record->version[NB_MAX_INPUTS + i] = record->saved[i]->storage->version;
        record->saved[i]->storage->readers++;
    }
    record->attr = call->attr;
    if (call->op->shares) nb_shared_retain(record->attr.shared);
    out->link = &record->link;
    return NB_OK;
}

static nb_status changed(nb_ctx *ctx, const nb_record *record, const nb_tensor *tensor)
{
    return nb_fail(ctx, NB_EARG,
                   "%s needs values for its gradient that %s changed in place since; call backward "
                   "before it, or change a clone",
                   record->op->name, nb_tensor_changer(tensor));
}

nb_status nb_record_check(nb_ctx *ctx, const nb_record *record)
{
    if (record->spent)
        return nb_fail(
            ctx, NB_EARG,
            "this graph was released by an earlier backward; give that one {keep = true}");
    for (int i = 0; i < record->inputs; i++) {
        const nb_tensor *in = record->in[i];
        if (in && reads(record->op, record->needs, i) && in->storage->version != record->version[i])
            return changed(ctx, record, in);
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        const nb_tensor *saved = record->saved[i];
        if (saved && saved->storage->version != record->version[NB_MAX_INPUTS + i])
            return changed(ctx, record, saved);
    }
    return NB_OK;
}

void nb_watch(nb_tensor *tensor)
{
    nb_record *record = nb_record_of(tensor);
    if (record) record->watch = true;
}

nb_tensor *nb_watched(const nb_tensor *tensor)
{
    nb_record *record = nb_record_of(tensor);
    return record ? record->watched : NULL;
}
