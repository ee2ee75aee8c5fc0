/* The one backward loop.
 *
 * Records are taken in falling order of their numbers, from a heap: whatever uses a record's output
 * has a higher number, so its δ is whole when its turn comes. Gradients of parameters are put aside
 * until every δ is known. */
#include "grad/aside.h"
#include "grad/witness.h"

#include "base/tiny.h"
#include "tensor/assign.h"
#include "tensor/shape.h"

enum { FEW = 8 };

struct nb_pass {
    nb_ctx *ctx;
    uint64_t number; /* marks records that this pass reached */
    size_t count, room;
    nb_tensor **heap; /* `few` while they are no more */
    nb_tensor *few[FEW];
    nb_tape_link *done; /* records that have run, the last first, by their next */
    nb_aside aside;
};

static uint64_t number_of(const nb_tensor *tensor)
{
    return nb_record_of(tensor)->sequence;
}

static void swap(nb_tensor **heap, size_t i, size_t j)
{
    nb_tensor *t = heap[i];
    heap[i] = heap[j];
    heap[j] = t;
}

static nb_status heap_push(nb_pass *pass, nb_tensor *tensor)
{
    void *list = pass->heap;
    nb_status status =
        nb_aside_grow(pass->ctx, &list, pass->few, pass->count, &pass->room, sizeof *pass->heap);
    pass->heap = list;
    if (status != NB_OK) return status;
    size_t i = pass->count++;
    pass->heap[i] = nb_tensor_retain(tensor);
    for (; i && number_of(pass->heap[(i - 1) / 2]) < number_of(pass->heap[i]); i = (i - 1) / 2)
        swap(pass->heap, i, (i - 1) / 2);
    return NB_OK;
}

static nb_tensor *heap_pop(nb_pass *pass)
{
    nb_tensor *top = pass->heap[0];
    pass->heap[0] = pass->heap[--pass->count];
    for (size_t i = 0;;) {
        size_t child = 2 * i + 1, last = pass->count;
        if (child >= last) break;
        if (child + 1 < last && number_of(pass->heap[child + 1]) > number_of(pass->heap[child]))
            child++;
        if (number_of(pass->heap[i]) >= number_of(pass->heap[child])) break;
        swap(pass->heap, i, child);
        i = child;
    }
    return top;
}

/* sum += more, in place where nobody else sees one of the two */
static nb_status add_delta(nb_ctx *ctx, nb_tensor **sum, nb_tensor *more)
{
    if (!*sum) {
        *sum = nb_tensor_retain(more);
        return NB_OK;
    }
    nb_call add = {.op = nb_ops[NB_OP_add], .in = {*sum, more}, .inputs = 2, .ends = 3};
    nb_tensor *total = nb_op_call(ctx, &add);
    if (!total) return ctx->status;
    nb_tensor_release(ctx, *sum);
    *sum = total;
    return NB_OK;
}

/* ---- Who looks on -----------------------------------------------------------------------------
 */

static const nb_tape_observer *observer_of(const nb_record *record)
{
    const nb_backward_options *options = record->pass->aside.options;
    return options ? options->observer : NULL;
}

bool nb_tape_is_observed(const nb_record *record)
{
    return observer_of(record) != NULL;
}

nb_status nb_tape_share(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b)
{
    const nb_tape_observer *observer = observer_of(record);
    const nb_share share = {
        .leaf = record->in[input], .a = a, .b = b, .by_steps = record->op->by_steps};
    if (!observer || !nb_leaf_of(share.leaf)) return NB_OK;
    record->shared |= 1u << input;
    return observer->share(ctx, observer->self, &share);
}

bool nb_tape_wants(const nb_record *record, int input)
{
    const nb_tape_observer *observer = observer_of(record);
    return !(observer && observer->alone && nb_leaf_of(record->in[input]));
}

/* Of leaves that an op gave a whole sum and no rows. */
static nb_status tell_whole(nb_ctx *ctx, const nb_record *record, nb_tensor *const *gradient)
{
    const nb_tape_observer *observer = observer_of(record);
    nb_status status = NB_OK;
    for (int i = 0; observer && i < record->inputs && status == NB_OK; i++) {
        const nb_share share = {.leaf = record->in[i]};
        bool told = record->shared >> i & 1;
        if (!told && record->needs[i] && gradient[i] && nb_leaf_of(share.leaf))
            status = observer->share(ctx, observer->self, &share);
    }
    return status;
}

nb_status nb_tape_product(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b)
{
    char first[NB_SHAPE_TEXT], second[NB_SHAPE_TEXT], whole[NB_SHAPE_TEXT];
    nb_tensor *leaf = record->in[input];
    bool fits = a->dims == 2 && b->dims == 2 && a->shape[0] == b->shape[0] &&
                a->dtype == leaf->dtype && b->dtype == leaf->dtype;
    const int64_t shape[2] = {fits ? a->shape[1] : 0, fits ? b->shape[1] : 0};
    if (fits && nb_shape_count(2, shape) == nb_tensor_count(leaf)) {
        nb_status status = nb_tape_share(ctx, record, input, a, b);
        if (status == NB_OK && ctx->witness) status = nb_witness_product(ctx, record, input, a, b);
        return status == NB_OK ? nb_aside_put(&record->pass->aside, leaf, a, b) : status;
    }
    return nb_fail(ctx, NB_ESHAPE, "%s: the product of %s, turned, and %s is no gradient of %s",
                   record->op->name, nb_shape_text(a->dims, a->shape, first),
                   nb_shape_text(b->dims, b->shape, second),
                   nb_shape_text(leaf->dims, leaf->shape, whole));
}

/* Hands a gradient to what made the input: another record, or a leaf; to nobody where the leaf has
 * stopped to require one since. */
static nb_status hand_on(nb_pass *pass, nb_tensor *input, nb_tensor *gradient)
{
    nb_record *record = nb_record_of(input);
    if (!input->link) return NB_OK;
    if (!record) {
        nb_tensor *whole = nb_tensor_contiguous(pass->ctx, gradient);
        if (!whole) return pass->ctx->status;
        nb_status status = nb_aside_put(&pass->aside, input, whole, NULL);
        nb_tensor_release(pass->ctx, whole);
        return status;
    }
    if (record->mark != pass->number) {
        if (record->pass || record->delta)
            return nb_fail(pass->ctx, NB_EARG,
                           "a tensor that a function kept from another piece of the batch takes "
                           "part in this one");
        nb_status status = heap_push(pass, input);
        if (status != NB_OK) return status;
        record->mark = pass->number;
    }
    return add_delta(pass->ctx, &record->delta, gradient);
}

nb_status nb_tape_hand(nb_record *record, int input, nb_tensor *gradient)
{
    return hand_on(record->pass, record->in[input], gradient);
}

/* One record: its op's backward, and what it gives handed on. */
static nb_status run_record(nb_pass *pass, nb_record *record)
{
    nb_ctx *ctx = pass->ctx;
    nb_tensor *gradient[NB_MAX_INPUTS];
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = nb_record_check(ctx, record);
    if (status != NB_OK) return status;
    nb_tensor *delta = record->delta;
    record->delta = NULL;
    for (int i = 0; i < record->inputs; i++) gradient[i] = NULL;
    if (record->watch) {
        nb_tensor_release(ctx, record->watched);
        record->watched = nb_tensor_retain(delta);
    }
    record->pass = pass;
    record->shared = 0;
    status = ctx->witness ? nb_witness_backward(ctx, record, delta, gradient)
                          : record->op->backward(ctx, record, delta, gradient);
    if (status == NB_OK) status = tell_whole(ctx, record, gradient);
    record->pass = NULL;
    nb_tensor_release(ctx, delta);
    for (int i = 0; i < record->inputs; i++) {
        if (status == NB_OK && record->needs[i] && gradient[i])
            status = hand_on(pass, record->in[i], gradient[i]);
        nb_tensor_release(ctx, gradient[i]);
    }
    return status;
}

static nb_status run_records(nb_pass *pass)
{
    nb_status status = NB_OK;
    while (status == NB_OK && pass->count) {
        nb_tensor *tensor = heap_pop(pass);
        nb_record *record = nb_record_of(tensor);
        status = run_record(pass, record);
        record->link.next = pass->done;
        pass->done = &record->link;
        nb_tensor_release(pass->ctx, record->delta);
        record->delta = NULL;
        nb_tensor_release(pass->ctx, tensor);
    }
    return status;
}

/* Gives back what the records hold. Until its turn a record is held by those that use its output,
 * which have higher numbers: so those with the lowest go first. */
static void spend_records(nb_pass *pass)
{
    while (pass->done) {
        nb_record *record = (nb_record *)pass->done;
        pass->done = record->link.next;
        nb_record_spend(pass->ctx, record);
    }
}

static void free_pass(nb_pass *pass)
{
    nb_ctx *ctx = pass->ctx;
    while (pass->count) {
        nb_tensor *tensor = heap_pop(pass);
        nb_record *record = nb_record_of(tensor);
        nb_tensor_release(ctx, record->delta);
        record->delta = NULL;
        nb_tensor_release(ctx, tensor);
    }
    if (pass->heap != pass->few) nb_free(ctx, pass->heap, pass->room * sizeof *pass->heap);
    nb_aside_free(&pass->aside);
}

/* The root's δ: what the caller gives, or 1 for a cost. */
static nb_tensor *first_delta(nb_ctx *ctx, nb_tensor *root, const nb_backward_options *options)
{
    char text[NB_SHAPE_TEXT], other[NB_SHAPE_TEXT];
    nb_tensor *delta = options ? options->delta : NULL;
    if (delta && !nb_tensor_same_shape(delta, root))
        return nb_fail_null(ctx, NB_ESHAPE, "delta is %s, the tensor %s",
                            nb_shape_text(delta->dims, delta->shape, text),
                            nb_shape_text(root->dims, root->shape, other));
    if (delta) return nb_tensor_fit(ctx, delta, root->dtype);
    if (nb_tensor_count(root) != 1)
        return nb_fail_null(
            ctx, NB_ESHAPE,
            "backward starts from one number, not %s; take its sum, or give a delta",
            nb_shape_text(root->dims, root->shape, text));
    nb_tensor *one = nb_tensor_new(ctx, root->dtype, root->dims, root->shape);
    static const int64_t first[NB_MAX_DIMS] = {0};
    if (one) nb_tensor_set(one, first, 1);
    return one;
}

/* Gradients that vanish are 0 from where they are no normal numbers any more. */
static nb_status go_back(nb_pass *pass)
{
    unsigned was = nb_tiny_skip();
    nb_status status = run_records(pass);
    if (status == NB_OK) status = nb_aside_write(&pass->aside);
    nb_tiny_set(was);
    return status;
}

nb_status nb_backward(nb_ctx *ctx, nb_tensor *root, const nb_backward_options *options)
{
    if (!root->link)
        return nb_fail(ctx, NB_EARG,
                       "no gradient flows here: nothing that led to this tensor has "
                       "requires_grad, or nn.no_grad was on");
    nb_tensor *delta = first_delta(ctx, root, options);
    if (!delta) return ctx->status;
    nb_pass pass; /* field by field, for the lists that begin in it are long */
    pass.ctx = ctx;
    pass.number = ++ctx->sequence;
    pass.count = 0;
    pass.room = FEW;
    pass.heap = pass.few;
    pass.done = NULL;
    nb_aside_begin(&pass.aside, ctx, options, pass.number);
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_status status = hand_on(&pass, root, delta);
    nb_tensor_release(ctx, delta);
    if (status == NB_OK) status = go_back(&pass);
    if (status == NB_OK && !(options && options->keep)) spend_records(&pass);
    ctx->recording = recording;
    free_pass(&pass);
    return status;
}
