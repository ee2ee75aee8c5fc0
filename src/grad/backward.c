/* The one backward loop.
 *
 * Records are taken in falling order of their numbers, from a heap: whatever uses a record's output has a
 * higher number, so its δ is whole when its turn comes. Gradients of parameters are put aside until every
 * δ is known; then they are checked, and only then written: nothing after the check can fail. */
#include "grad/tape.h"

#include "base/arith.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <float.h>
#include <math.h>

/* One contribution to a parameter's gradient: a tensor, or the product A^T B. */
typedef struct contribution {
    nb_tensor *leaf;
    nb_tensor *a, *b; /* b NULL: a is the gradient itself */
} contribution;

struct nb_pass {
    nb_ctx *ctx;
    const nb_backward_options *options;
    uint64_t number; /* marks records and leaves that this pass reached */
    size_t count, room;
    nb_tensor **heap;
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
        if (child + 1 < last &&
            number_of(pass->heap[child + 1]) > number_of(pass->heap[child]))
            child++;
        if (number_of(pass->heap[i]) >= number_of(pass->heap[child])) break;
        swap(pass->heap, i, child);
        i = child;
    }
    return top;
}

/* sum += more, in place where nobody else sees it. */
static nb_status add_delta(nb_ctx *ctx, nb_tensor **sum, nb_tensor *more)
{
    if (!*sum) {
        *sum = nb_tensor_retain(more);
        return NB_OK;
    }
    nb_tensor *total = nb_op2(ctx, NB_OP_add, *sum, more);
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
    return put_aside(record->pass, (contribution){record->in[input], a, b});
}

/* Hands a gradient to what made the input: another record, or a leaf. */
static nb_status hand_on(nb_pass *pass, nb_tensor *input, nb_tensor *gradient)
{
    nb_record *record = nb_record_of(input);
    if (!record) {
        nb_tensor *whole = nb_tensor_contiguous(pass->ctx, gradient);
        if (!whole) return pass->ctx->status;
        nb_status status = put_aside(pass, (contribution){input, whole, NULL});
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
    bool keep = pass->options && pass->options->keep;
    while (status == NB_OK && pass->count) {
        nb_tensor *tensor = heap_pop(pass);
        nb_record *record = nb_record_of(tensor);
        status = run_record(pass, record);
        if (status == NB_OK && !keep) nb_record_spend(pass->ctx, record);
        nb_tensor_release(pass->ctx, record->delta);
        record->delta = NULL;
        nb_tensor_release(pass->ctx, tensor);
    }
    return status;
}

/* Whether every element of a contribution will be finite. A product's element is a sum of products, at
 * most |column of A| |column of B| by Cauchy and Schwarz, so two sums of squares bound them all. */
static bool is_finite(const contribution *entry)
{
    const nb_real_kernels *real = nb_real(entry->a->dtype);
    size_t na = (size_t)nb_tensor_count(entry->a);
    if (!entry->b) return real->finite(na, nb_tensor_data(entry->a));
    size_t nb = (size_t)nb_tensor_count(entry->b);
    double most = entry->a->dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX;
    double a = real->sum_squares(na, nb_tensor_data(entry->a), 1);
    double b = real->sum_squares(nb, nb_tensor_data(entry->b), 1);
    return sqrt(a) * sqrt(b) < most;
}

static nb_status not_finite(nb_ctx *ctx, const nb_leaf *leaf)
{
    if (leaf->where) return nb_fail(ctx, NB_EVALUE, "the gradient of %s is not finite", leaf->where);
    return nb_fail(ctx, NB_EVALUE, "a gradient is not finite");
}

/* The parameters of a network take finite gradients only; NaN passes through other tensors, as IEEE says. */
static nb_status check_finite(nb_pass *pass)
{
    for (size_t i = 0; i < pass->put; i++) {
        const contribution *entry = &pass->aside[i];
        const nb_leaf *leaf = nb_leaf_of(entry->leaf);
        if (leaf->into && !is_finite(entry)) return not_finite(pass->ctx, leaf);
    }
    return NB_OK;
}

/* The tensor that a leaf's gradient goes to, and what becomes of the numbers in it. A leaf without one
 * gets a fresh tensor at its first contribution in this pass: the old gradient may be in a user's hands. */
static nb_tensor *destination(nb_pass *pass, nb_tensor *tensor, nb_tensor **made, double *beta)
{
    nb_leaf *leaf = nb_leaf_of(tensor);
    bool first = leaf->pass != pass->number;
    bool accumulate = pass->options && pass->options->accumulate;
    *beta = 1;
    if (leaf->into) {
        if (first && !accumulate) *beta = leaf->beta;
        return leaf->into;
    }
    if (!first) return leaf->grad;
    if (accumulate && leaf->grad) {
        *made = nb_tensor_clone(pass->ctx, leaf->grad);
    } else {
        *made = nb_tensor_new(pass->ctx, tensor->dtype, tensor->dims, tensor->shape);
        *beta = 0;
    }
    return *made;
}

static void write_product(nb_ctx *ctx, nb_tensor *into, double alpha, double beta,
                          const contribution *entry)
{
    nb_rows a, b, c;
    nb_tensor_rows(entry->a, &a);
    nb_tensor_rows(entry->b, &b);
    nb_tensor_rows(into, &c);
    nb_product(ctx, into->dtype, (size_t)a.columns, (size_t)b.columns, (size_t)a.rows, alpha,
               (nb_matrix){a.data, (size_t)a.ld, true}, (nb_matrix){b.data, (size_t)b.ld, false},
               beta, c.data, (size_t)c.ld);
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

/* into = alpha gradient + beta into, for one contribution. Only making a fresh tensor can fail. */
static nb_status write_one(nb_pass *pass, const contribution *entry)
{
    nb_leaf *leaf = nb_leaf_of(entry->leaf);
    nb_tensor *made = NULL;
    double beta, alpha = leaf->into ? leaf->alpha : 1;
    nb_tensor *into = destination(pass, entry->leaf, &made, &beta);
    if (!into) return pass->ctx->status;
    if (entry->b) write_product(pass->ctx, into, alpha, beta, entry);
    else write_tensor(into, alpha, beta, entry->a);
    nb_tensor_touch(into, "backward");
    leaf->pass = pass->number;
    if (made) {
        nb_tensor_release(pass->ctx, leaf->grad);
        leaf->grad = made;
    }
    return NB_OK;
}

/* Writes all gradients. Ctrl-C waits until they are whole. */
static nb_status write_all(nb_pass *pass)
{
    nb_ctx *ctx = pass->ctx;
    const volatile sig_atomic_t *interrupt = ctx->interrupt;
    nb_status status = check_finite(pass);
    ctx->interrupt = NULL;
    for (size_t i = 0; i < pass->put && status == NB_OK; i++)
        status = write_one(pass, &pass->aside[i]);
    ctx->interrupt = interrupt;
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
        return nb_fail_null(ctx, NB_ESHAPE,
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
        return nb_fail(ctx, NB_EARG, "no gradient flows here: nothing that led to this tensor has "
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
    ctx->recording = recording;
    free_pass(&pass);
    return status;
}
