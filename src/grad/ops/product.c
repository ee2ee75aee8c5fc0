/* The matrix product, for vectors, matrices and batches of them. */
#include "grad/support.h"

#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

/* A matrix seen by the product loops: rows or columns must be contiguous. */
static bool as_matrix(const nb_tensor *t, nb_matrix *matrix)
{
    const int64_t *shape = t->shape + t->dims - 2, *stride = t->stride + t->dims - 2;
    matrix->data = nb_tensor_data(t);
    if ((stride[1] == 1 || shape[1] <= 1) && (stride[0] >= shape[1] || shape[0] <= 1)) {
        matrix->ld = (size_t)(shape[0] <= 1 ? (shape[1] ? shape[1] : 1) : stride[0]);
        matrix->transposed = false;
        return true;
    }
    if ((stride[0] == 1 || shape[0] <= 1) && (stride[1] >= shape[0] || shape[1] <= 1)) {
        matrix->ld = (size_t)(shape[1] <= 1 ? (shape[0] ? shape[0] : 1) : stride[1]);
        matrix->transposed = true;
        return true;
    }
    return false;
}

/* The tensor with strides that as_matrix takes: itself, or a copy. */
static nb_tensor *usable(nb_ctx *ctx, nb_tensor *t)
{
    nb_matrix ignored;
    return as_matrix(t, &ignored) ? nb_tensor_retain(t) : nb_tensor_clone(ctx, t);
}

/* A vector as a matrix: a row on the left, a column on the right. */
static nb_tensor *as_two(nb_ctx *ctx, nb_tensor *t, bool left)
{
    if (t->dims != 1) return nb_tensor_retain(t);
    const int64_t row[2] = {1, t->shape[0]}, column[2] = {t->shape[0], 1};
    return nb_tensor_reshape(ctx, t, 2, left ? row : column);
}

/* out = a b for each matrix of a batch. out is contiguous; a and b have its batch shape. */
static nb_status multiply(nb_ctx *ctx, nb_tensor *a, nb_tensor *b, nb_tensor *out)
{
    int batch = out->dims - 2;
    nb_matrix ma, mb;
    int64_t m = out->shape[batch], n = out->shape[batch + 1], k = a->shape[batch + 1];
    int64_t count = nb_shape_count(batch, out->shape), width = (int64_t)nb_dtype_size(out->dtype);
    if (!as_matrix(a, &ma) || !as_matrix(b, &mb))
        return nb_fail(ctx, NB_ESHAPE, "matmul: strides that no product takes");
    for (int64_t i = 0; i < count; i++) {
        int64_t at_a = 0, at_b = 0, rest = i;
        for (int d = batch - 1; d >= 0; d--) {
            int64_t index = rest % out->shape[d];
            rest /= out->shape[d];
            at_a += index * a->stride[d];
            at_b += index * b->stride[d];
        }
        nb_matrix one = {(const char *)ma.data + at_a * width, ma.ld, ma.transposed};
        nb_matrix two = {(const char *)mb.data + at_b * width, mb.ld, mb.transposed};
        char *to = (char *)nb_tensor_data(out) + i * m * n * width;
        nb_status status = nb_product(ctx, out->dtype, (size_t)m, (size_t)n, (size_t)k, 1, one, two,
                                      0, to, (size_t)(n ? n : 1));
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* The product of two tensors of at least two dimensions, without a record. */
static nb_tensor *product(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    int64_t shape[NB_MAX_DIMS], of_a[NB_MAX_DIMS], of_b[NB_MAX_DIMS];
    int dims;
    nb_tensor *wide_a = NULL, *wide_b = NULL, *out = NULL;
    bool fits = a->shape[a->dims - 1] == b->shape[b->dims - 2] &&
                nb_shape_broadcast(a->dims - 2, a->shape, b->dims - 2, b->shape, &dims, shape);
    if (!fits) {
        nb_misfit(ctx, "matmul", a, b);
        return NULL;
    }
    memcpy(of_a, shape, sizeof shape);
    memcpy(of_b, shape, sizeof shape);
    for (int i = 0; i < 2; i++) {
        of_a[dims + i] = a->shape[a->dims - 2 + i];
        of_b[dims + i] = b->shape[b->dims - 2 + i];
    }
    shape[dims] = of_a[dims];
    shape[dims + 1] = of_b[dims + 1];
    nb_tensor *plain_a = usable(ctx, a), *plain_b = plain_a ? usable(ctx, b) : NULL;
    if (plain_b) wide_a = nb_tensor_expand(ctx, plain_a, dims + 2, of_a);
    if (wide_a) wide_b = nb_tensor_expand(ctx, plain_b, dims + 2, of_b);
    if (wide_b) out = nb_tensor_new(ctx, a->dtype, dims + 2, shape);
    if (out && multiply(ctx, wide_a, wide_b, out) != NB_OK) {
        nb_tensor_release(ctx, out);
        out = NULL;
    }
    nb_tensor_release(ctx, plain_a);
    nb_tensor_release(ctx, plain_b);
    nb_tensor_release(ctx, wide_a);
    nb_tensor_release(ctx, wide_b);
    return out;
}

/* Without the dimensions that as_two added. */
static nb_tensor *drop_added(nb_ctx *ctx, nb_tensor *out, bool left, bool right)
{
    int64_t shape[NB_MAX_DIMS];
    int dims = 0;
    if (!out || (!left && !right)) return out;
    for (int i = 0; i < out->dims; i++) {
        bool added = (left && i == out->dims - 2) || (right && i == out->dims - 1);
        if (!added) shape[dims++] = out->shape[i];
    }
    nb_tensor *dropped = nb_tensor_reshape(ctx, out, dims, shape);
    nb_tensor_release(ctx, out);
    return dropped;
}

static nb_tensor *forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *a = call->in[0], *b = call->in[1];
    if (a->dims == 0 || b->dims == 0)
        return nb_fail_null(ctx, NB_ESHAPE, "matmul takes vectors and matrices; use * for numbers");
    nb_tensor *two_a = as_two(ctx, a, true), *two_b = two_a ? as_two(ctx, b, false) : NULL;
    nb_tensor *out = two_b ? product(ctx, two_a, two_b) : NULL;
    nb_tensor_release(ctx, two_a);
    nb_tensor_release(ctx, two_b);
    return drop_added(ctx, out, a->dims == 1, b->dims == 1);
}

/* Y = A B: dA = δ Bᵀ, dB = Aᵀ δ, summed over the batch dimensions in which each was broadcast. */
static nb_status backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *in[2] = {record->in[0], record->in[1]}, *two[2] = {NULL, NULL};
    nb_status status = NB_OK;
    int64_t shape[NB_MAX_DIMS];
    int dims = 0, batch = delta->dims - (in[0]->dims > 1) - (in[1]->dims > 1);
    for (; dims < batch; dims++) shape[dims] = delta->shape[dims];
    for (int i = 0; i < 2; i++) two[i] = as_two(ctx, in[i], i == 0);
    nb_tensor *wide = NULL;
    if (two[0] && two[1]) {
        shape[dims] = two[0]->shape[two[0]->dims - 2];
        shape[dims + 1] = two[1]->shape[two[1]->dims - 1];
        wide = nb_tensor_reshape(ctx, delta, dims + 2, shape);
    }
    if (!wide) status = ctx->status;
    for (int i = 0; i < 2 && status == NB_OK; i++) {
        if (!record->needs[i]) continue;
        nb_tensor *turned = nb_tensor_transpose(ctx, two[1 - i]);
        nb_tensor *g = !turned ? NULL : i ? product(ctx, turned, wide) : product(ctx, wide, turned);
        nb_tensor *summed = g ? nb_sum_to(ctx, g, two[i]) : NULL;
        if (summed) grad[i] = nb_tensor_reshape(ctx, summed, in[i]->dims, in[i]->shape);
        nb_tensor_release(ctx, turned);
        nb_tensor_release(ctx, g);
        nb_tensor_release(ctx, summed);
        if (!grad[i]) status = ctx->status;
    }
    nb_tensor_release(ctx, two[0]);
    nb_tensor_release(ctx, two[1]);
    nb_tensor_release(ctx, wide);
    return status;
}

extern const nb_op nb_def_matmul;
const nb_op nb_def_matmul = {
    .name = "matmul",
    .signature = "t",
    .usage = "a:matmul(b)",
    .help =
        "The matrix product; vectors count as a row on the left, a column on the right; further "
        "dimensions are batches and broadcast.",
    .example = "tensor{{1, 2}, {3, 4}}:matmul(tensor{1, 1}) → 3 7",
    .promote = 3,
    .reads = 3,
    .crosswise = true,
    .forward = forward,
    .backward = backward,
    .samples = "2x3 3x4, 3x2t 2x4, 3 3, 2x3 3, 3 3x2, 2x2x3 3x4, 2x1x3 2x3x2, 0x3 3x4",
    .low = -2,
    .high = 2,
};
