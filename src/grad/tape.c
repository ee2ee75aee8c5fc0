/* Records and leaves: how they are made, and how they go. */
#include "grad/tape.h"

#include <string.h>

/* Whether backward will read the elements of input i. */
static bool reads(const nb_op *op, const bool *needs, int inputs, int i)
{
    if (!(op->reads >> i & 1)) return false;
    if (!op->crosswise) return true;
    for (int k = 0; k < inputs; k++)
        if (k != i && needs[k]) return true;
    return false;
}

/* Gives back what a record holds on to, but not the record. */
static void empty_record(nb_ctx *ctx, nb_record *record)
{
    for (int i = 0; i < record->inputs; i++) {
        if (record->in[i] && reads(record->op, record->needs, record->inputs, i))
            record->in[i]->storage->readers--;
        nb_tensor_release(ctx, record->in[i]);
        record->in[i] = NULL;
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        if (!record->saved[i]) continue;
        record->saved[i]->storage->readers--;
        nb_tensor_release(ctx, record->saved[i]);
        record->saved[i] = NULL;
    }
    nb_shared_release(ctx, record->kept);
    record->kept = NULL;
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
    if (!record->spent) empty_record(ctx, record);
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
        nb_home_release(ctx, leaf->home);
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

nb_status nb_require_grad_in(nb_ctx *ctx, nb_tensor *tensor, nb_home *home)
{
    nb_tensor *grads = home->grads;
    int64_t end = tensor->offset + nb_tensor_count(tensor);
    if (tensor->link || !nb_tensor_is_contiguous(tensor) || tensor->dtype != grads->dtype ||
        end > nb_tensor_count(grads))
        return nb_fail(ctx, NB_EARG, "this tensor has no place in that home");
    nb_tensor *grad = nb_tensor_view(ctx, grads, tensor->dims, tensor->shape, tensor->stride,
                                     grads->offset + tensor->offset);
    if (!grad) return ctx->status;
    nb_status status = nb_require_grad(ctx, tensor, true);
    if (status != NB_OK) {
        nb_tensor_release(ctx, grad);
        return status;
    }
    nb_leaf *leaf = nb_leaf_of(tensor);
    leaf->grad = grad;
    leaf->home = nb_home_retain(home);
    tensor->storage->parameters = true;
    return NB_OK;
}

nb_tensor *nb_leaf_grad(const nb_leaf *leaf)
{
    return leaf->home && leaf->home->state != NB_HOME_FILLED ? NULL : leaf->grad;
}

/* The call's inputs become the record's, where they are needed or read. */
static void record_inputs(nb_record *record, const nb_call *call)
{
    record->inputs = call->inputs;
    memcpy(record->needs, call->needs, sizeof record->needs);
    for (int i = 0; i < call->inputs; i++) {
        nb_storage *storage = call->in[i]->storage;
        bool read = reads(call->op, call->needs, call->inputs, i);
        record->in[i] = call->needs[i] || read ? nb_tensor_retain(call->in[i]) : NULL;
        record->in_version[i] = storage->version;
        storage->readers += read;
    }
}

static void record_saved(nb_record *record, nb_call *call)
{
    memcpy(record->saved, call->saved, sizeof record->saved);
    memset(call->saved, 0, sizeof call->saved);
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        if (!record->saved[i]) continue;
        record->saved_version[i] = record->saved[i]->storage->version;
        record->saved[i]->storage->readers++;
    }
}

nb_status nb_record_call(nb_ctx *ctx, nb_call *call, nb_tensor *out)
{
    nb_record *record = nb_alloc(ctx, sizeof *record);
    if (!record) return ctx->status;
    record->link = (nb_tape_link){.release = release_record};
    record->op = call->op;
    record->pass = NULL;
    record->sequence = ++ctx->sequence;
    record->mark = 0;
    record->delta = record->watched = NULL;
    record->watch = record->spent = false;
    record->shared = 0;
    record_inputs(record, call);
    record_saved(record, call);
    record->kept = call->kept;
    call->kept = NULL;
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
                   record->op->says ? record->op->says : record->op->name,
                   nb_tensor_changer(tensor));
}

nb_status nb_record_check(nb_ctx *ctx, const nb_record *record)
{
    if (record->spent)
        return nb_fail(
            ctx, NB_EARG,
            "this graph was released by an earlier backward; give that one {keep = true}");
    for (int i = 0; i < record->inputs; i++) {
        const nb_tensor *in = record->in[i];
        if (in && in->storage->version != record->in_version[i] &&
            reads(record->op, record->needs, record->inputs, i))
            return changed(ctx, record, in);
    }
    for (int i = 0; i < NB_MAX_SAVED; i++) {
        const nb_tensor *saved = record->saved[i];
        if (saved && saved->storage->version != record->saved_version[i])
            return changed(ctx, record, saved);
    }
    return NB_OK;
}

/* Puts the record of a tensor on a list of those to be looked at, once in a search. */
static void look_at(const nb_tensor *tensor, uint64_t search, nb_tape_link **list)
{
    nb_record *record = tensor ? nb_record_of(tensor) : NULL;
    if (!record || record->mark == search) return;
    record->mark = search;
    record->link.next = *list;
    *list = &record->link;
}

/* How often a record reads a storage. */
static uint32_t count_reads(const nb_record *record, const nb_storage *storage)
{
    uint32_t count = 0;
    for (int i = 0; i < record->inputs; i++)
        count += record->in[i] && record->in[i]->storage == storage &&
                 reads(record->op, record->needs, record->inputs, i);
    for (int i = 0; i < NB_MAX_SAVED; i++)
        count += record->saved[i] && record->saved[i]->storage == storage;
    return count;
}

bool nb_is_read(nb_ctx *ctx, const nb_storage *storage, nb_tensor *const *but, int count)
{
    uint64_t search = ++ctx->sequence;
    uint32_t theirs = 0;
    nb_tape_link *list = NULL;
    if (storage->readers == 0) return false;
    for (int i = 0; i < count; i++) look_at(but[i], search, &list);
    while (list) {
        const nb_record *record = (const nb_record *)list;
        list = list->next;
        theirs += count_reads(record, storage);
        for (int i = 0; i < record->inputs; i++) look_at(record->in[i], search, &list);
    }
    return storage->readers > theirs;
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
