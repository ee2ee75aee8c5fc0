/* The one backward loop.
 *
 * Records are taken in falling order of their numbers, from a heap: whatever uses a record's output
 * has a higher number, so its δ is whole when its turn comes. Gradients of parameters are put aside
 * until every δ is known; then they are checked, and only then written: nothing after the check can
 * fail. Records are spent when all is written: a pass that failed has changed nothing, and can be
 * tried again. */
#include "grad/tape.h"

#include "base/arith.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <float.h>

/* One contribution to a parameter's gradient: a tensor, or the product A^T B. */
typedef struct contribution {
    nb_tensor *leaf;
    nb_tensor *a, *b; /* b NULL: a is the gradient itself */
    bool first;       /* of this pass for its leaf */
    bool shares;      /* a or b lies in a storage that this pass will write to */
    uint32_t seen;    /* sum of the versions of a and b */
} contribution;

struct nb_pass {
    nb_ctx *ctx;
    const nb_backward_options *options;
    uint64_t number; /* marks records and leaves that this pass reached */
    size_t count, room;
    nb_tensor **heap;
    nb_tape_link *done; /* records that have run, the last first, by their next */
    size_t put, put_room;
    contribution *aside;
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

/* Room for one more entry of `size` bytes in a list that doubles. */
static nb_status grow(nb_ctx *ctx, void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room) return NB_OK;
    size_t wider = *room ? *room * 2 : 16, bytes;
    if (!nb_mul_size(wider, size, &bytes)) return nb_fail(ctx, NB_EMEMORY, "graph too large");
    void *moved = nb_resize(ctx, *list, *room * size, bytes);
    if (!moved) return ctx->status;
    *list = moved;
    *room = wider;
    return NB_OK;
}

static nb_status heap_push(nb_pass *pass, nb_tensor *tensor)
{
    void *list = pass->heap;
    nb_status status = grow(pass->ctx, &list, pass->count, &pass->room, sizeof *pass->heap);
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

static nb_status put_aside(nb_pass *pass, contribution entry)
{
    void *list = pass->aside;
    nb_status status = grow(pass->ctx, &list, pass->put, &pass->put_room, sizeof *pass->aside);
    pass->aside = list;
    if (status != NB_OK) return status;
    nb_tensor_retain(entry.leaf);
    nb_tensor_retain(entry.a);
    if (entry.b) nb_tensor_retain(entry.b);
    pass->aside[pass->put++] = entry;
    return NB_OK;
}

nb_status nb_tape_product(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b)
{
    (void)ctx;
    return put_aside(record->pass, (contribution){.leaf = record->in[input], .a = a, .b = b});
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
        nb_status status = put_aside(pass, (contribution){.leaf = input, .a = whole});
        nb_tensor_release(pass->ctx, whole);
        return status;
    }
    if (record->mark != pass->number) {
        nb_status status = heap_push(pass, input);
        if (status != NB_OK) return status;
        record->mark = pass->number;
    }
    return add_delta(pass->ctx, &record->delta, gradient);
}

/* One record: its op's backward, and what it gives handed on. */
static nb_status run_record(nb_pass *pass, nb_record *record)
{
    nb_ctx *ctx = pass->ctx;
    nb_tensor *gradient[NB_MAX_INPUTS] = {NULL};
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = nb_record_check(ctx, record);
    if (status != NB_OK) return status;
    nb_tensor *delta = record->delta;
    record->delta = NULL;
    if (record->watch) {
        nb_tensor_release(ctx, record->watched);
        record->watched = nb_tensor_retain(delta);
    }
    record->pass = pass;
    status = record->op->backward(ctx, record, delta, gradient);
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

/* Whether every element of a contribution will be finite. A product's element is a sum of as many
 * products as a has rows, none larger than the largest magnitudes' product, so two passes over the
 * factors bound them all. A NaN in either fails the comparison. */
static bool is_finite(const contribution *entry)
{
    const nb_real_kernels *real = nb_real(entry->a->dtype);
    double most = entry->a->dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX;
    double a = real->magnitude((size_t)nb_tensor_count(entry->a), nb_tensor_data(entry->a));
    if (!entry->b) return a <= most;
    double b = real->magnitude((size_t)nb_tensor_count(entry->b), nb_tensor_data(entry->b));
    return (double)entry->a->shape[0] * a * b <= most;
}

static nb_status not_finite(nb_ctx *ctx, const nb_leaf *leaf)
{
    if (leaf->where)
        return nb_fail(ctx, NB_EVALUE, "the gradient of %s is not finite", leaf->where);
    return nb_fail(ctx, NB_EVALUE, "a gradient is not finite");
}

/* The parameters of a network take finite gradients only; NaN passes through other tensors, as IEEE
 * says. */
static nb_status check_finite(nb_pass *pass)
{
    for (size_t i = 0; i < pass->put; i++) {
        const contribution *entry = &pass->aside[i];
        const nb_leaf *leaf = nb_leaf_of(entry->leaf);
        if (leaf->into && !is_finite(entry)) return not_finite(pass->ctx, leaf);
    }
    return NB_OK;
}

static uint32_t versions(const contribution *entry)
{
    return entry->a->storage->version + (entry->b ? entry->b->storage->version : 0);
}

/* Raises the version of everything that will be written, or lowers it again. */
static void shift_versions(const nb_pass *pass, bool up)
{
    for (size_t i = 0; i < pass->put; i++) {
        const nb_tensor *into = nb_leaf_of(pass->aside[i].leaf)->into;
        if (!into) continue;
        if (up)
            into->storage->version++;
        else
            into->storage->version--;
    }
}

/* Finds what would be read after it was overwritten: a parameter that is also an input of a
 * product. */
static void find_sharing(nb_pass *pass)
{
    for (size_t i = 0; i < pass->put; i++) pass->aside[i].seen = versions(&pass->aside[i]);
    shift_versions(pass, true);
    for (size_t i = 0; i < pass->put; i++)
        pass->aside[i].shares = versions(&pass->aside[i]) != pass->aside[i].seen;
    shift_versions(pass, false);
}

static nb_status own_copy(nb_ctx *ctx, nb_tensor **tensor)
{
    nb_tensor *copy = *tensor ? nb_tensor_clone(ctx, *tensor) : NULL;
    if (*tensor && !copy) return ctx->status;
    nb_tensor_release(ctx, *tensor);
    *tensor = copy;
    return NB_OK;
}

/* Whether a contribution may become a gradient: nobody else sees it, and it keeps no more memory
 * alive than its elements take. */
static bool can_be_gradient(const contribution *entry)
{
    size_t bytes = (size_t)nb_tensor_count(entry->a) * nb_dtype_size(entry->a->dtype);
    return !entry->b && nb_tensor_is_alone(entry->a) && entry->a->storage->bytes == bytes;
}

/* A leaf without `into` gets a fresh tensor at its first contribution, the old gradient may be in a
 * user's hands: the contribution itself where nobody else sees it. */
static nb_status make_fresh(nb_pass *pass, contribution *entry, nb_tensor **fresh)
{
    const nb_leaf *leaf = nb_leaf_of(entry->leaf);
    const nb_tensor *like = entry->leaf;
    if (!entry->first || leaf->into) return NB_OK;
    bool add = pass->options && pass->options->accumulate && leaf->grad;
    if (add)
        *fresh = nb_tensor_clone(pass->ctx, leaf->grad);
    else if (can_be_gradient(entry))
        *fresh = nb_tensor_retain(entry->a);
    else
        *fresh = nb_tensor_new(pass->ctx, like->dtype, like->dims, like->shape);
    return *fresh ? NB_OK : pass->ctx->status;
}

/* All that can fail before the first number is written. */
static nb_status prepare(nb_pass *pass, nb_tensor **fresh)
{
    nb_status status = NB_OK;
    find_sharing(pass);
    for (size_t i = 0; i < pass->put && status == NB_OK; i++) {
        contribution *entry = &pass->aside[i];
        nb_leaf *leaf = nb_leaf_of(entry->leaf);
        entry->first = leaf->pass != pass->number;
        leaf->pass = pass->number;
        if (entry->shares) status = own_copy(pass->ctx, &entry->a);
        if (entry->shares && status == NB_OK) status = own_copy(pass->ctx, &entry->b);
        if (status == NB_OK) status = make_fresh(pass, entry, &fresh[i]);
    }
    return status;
}

/* A factor as the product loops take it. */
static nb_matrix factor(const nb_tensor *t)
{
    bool turned = !nb_tensor_is_contiguous(t);
    int64_t ld = t->shape[turned ? 0 : 1];
    return (nb_matrix){nb_tensor_data(t), (size_t)(ld > 0 ? ld : 1), turned};
}

static nb_status write_product(nb_ctx *ctx, nb_tensor *into, double alpha, double beta,
                               const contribution *entry)
{
    nb_matrix a = factor(entry->a), b = factor(entry->b);
    nb_rows c;
    a.transposed = !a.transposed;
    nb_tensor_rows(into, &c);
    return nb_product(ctx, into->dtype, (size_t)entry->a->shape[1], (size_t)entry->b->shape[1],
                      (size_t)entry->a->shape[0], alpha, a, b, beta, c.data, (size_t)c.ld);
}

static void write_tensor(nb_tensor *into, double alpha, double beta, const nb_tensor *gradient)
{
    const nb_real_kernels *real = nb_real(into->dtype);
    size_t n = (size_t)nb_tensor_count(into);
    void *to = nb_tensor_data(into);
    if (beta == 0) {
        real->unary[NB_U_scale](n, nb_tensor_data(gradient), 1, to, 1, alpha, 0);
        return;
    }
    if (beta != 1) real->unary[NB_U_scale](n, to, 1, to, 1, beta, 0);
    real->axpy(n, alpha, nb_tensor_data(gradient), to);
}

/* into = alpha gradient + beta into, for one contribution. Takes the reference to `fresh`. */
static nb_status write_one(nb_pass *pass, const contribution *entry, nb_tensor **fresh)
{
    nb_leaf *leaf = nb_leaf_of(entry->leaf);
    bool accumulate = pass->options && pass->options->accumulate;
    double alpha = leaf->into ? leaf->alpha : 1, beta = 1;
    nb_status status = NB_OK;
    if (*fresh) {
        if (!accumulate || !leaf->grad) beta = 0;
        nb_tensor_release(pass->ctx, leaf->grad);
        leaf->grad = *fresh;
        *fresh = NULL;
    } else if (entry->first && !accumulate) {
        beta = leaf->beta;
    }
    nb_tensor *into = leaf->into ? leaf->into : leaf->grad;
    if (into == entry->a) return NB_OK;
    if (entry->b)
        status = write_product(pass->ctx, into, alpha, beta, entry);
    else
        write_tensor(into, alpha, beta, entry->a);
    nb_tensor_touch(into, "backward");
    return status;
}

/* Writes all gradients; memory is asked for before the first. Ctrl-C waits until they are whole. */
static nb_status write_all(nb_pass *pass)
{
    nb_ctx *ctx = pass->ctx;
    const volatile sig_atomic_t *interrupt = ctx->interrupt;
    nb_status status = check_finite(pass);
    if (status != NB_OK || pass->put == 0) return status;
    nb_tensor **fresh = nb_alloc_zero(ctx, pass->put, sizeof *fresh);
    if (!fresh) return ctx->status;
    ctx->interrupt = NULL;
    status = prepare(pass, fresh);
    for (size_t i = 0; i < pass->put && status == NB_OK; i++)
        status = write_one(pass, &pass->aside[i], &fresh[i]);
    ctx->interrupt = interrupt;
    for (size_t i = 0; i < pass->put; i++) nb_tensor_release(ctx, fresh[i]);
    nb_free(ctx, fresh, pass->put * sizeof *fresh);
    return status;
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
    for (size_t i = 0; i < pass->put; i++) {
        nb_tensor_release(ctx, pass->aside[i].leaf);
        nb_tensor_release(ctx, pass->aside[i].a);
        nb_tensor_release(ctx, pass->aside[i].b);
    }
    nb_free(ctx, pass->heap, pass->room * sizeof *pass->heap);
    nb_free(ctx, pass->aside, pass->put_room * sizeof *pass->aside);
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
    if (delta) return nb_tensor_convert(ctx, delta, root->dtype, 1);
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

nb_status nb_backward(nb_ctx *ctx, nb_tensor *root, const nb_backward_options *options)
{
    if (!root->link)
        return nb_fail(ctx, NB_EARG,
                       "no gradient flows here: nothing that led to this tensor has "
                       "requires_grad, or nn.no_grad was on");
    nb_tensor *delta = first_delta(ctx, root, options);
    if (!delta) return ctx->status;
    nb_pass pass = {.ctx = ctx, .options = options, .number = ++ctx->sequence};
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_status status = hand_on(&pass, root, delta);
    nb_tensor_release(ctx, delta);
    if (status == NB_OK) status = run_records(&pass);
    if (status == NB_OK) status = write_all(&pass);
    if (status == NB_OK && !(options && options->keep)) spend_records(&pass);
    ctx->recording = recording;
    free_pass(&pass);
    return status;
}
