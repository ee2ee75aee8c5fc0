/* One tensor after the other, one tensor again and again: copies into parts of the result. */
#include "tensor/join.h"

#include "base/arith.h"
#include "tensor/shape.h"

/* ---- One after the other ---- */

nb_status nb_cat_shape(nb_ctx *ctx, const char *whose, nb_tensor *const *list, size_t count,
                       int dim, int64_t *shape)
{
    const nb_tensor *first = list[0];
    char a[NB_SHAPE_TEXT], b[NB_SHAPE_TEXT];
    if (dim >= first->dims)
        return nb_fail(ctx, NB_ESHAPE, "%s: %s has no dimension %d", whose,
                       nb_shape_text(first->dims, first->shape, a), dim + 1);
    for (int i = 0; i < first->dims; i++) shape[i] = i == dim ? 0 : first->shape[i];
    for (size_t k = 0; k < count; k++) {
        bool fits = list[k]->dims == first->dims;
        for (int i = 0; fits && i < first->dims; i++)
            fits = i == dim || list[k]->shape[i] == first->shape[i];
        if (!fits)
            return nb_fail(ctx, NB_ESHAPE, "%s: %s and %s (entry %zu) do not fit", whose,
                           nb_shape_text(first->dims, first->shape, a),
                           nb_shape_text(list[k]->dims, list[k]->shape, b), k + 1);
        /* Expanded tensors may be larger than memory; the sum stays within range all the same. */
        shape[dim] += list[k]->shape[dim];
        if (shape[dim] > NB_MAX_ELEMENTS)
            return nb_fail(ctx, NB_ESHAPE, "%s: too many elements", whose);
    }
    return NB_OK;
}

nb_tensor *nb_tensor_cat(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim)
{
    int64_t shape[NB_MAX_DIMS], start = 0;
    if (nb_cat_shape(ctx, "cat", list, count, dim, shape) != NB_OK) return NULL;
    nb_tensor *out = nb_tensor_new(ctx, list[0]->dtype, list[0]->dims, shape);
    bool done = out != NULL;
    for (size_t k = 0; k < count && done; k++) {
        nb_tensor *part = nb_tensor_narrow(ctx, out, dim, start, list[k]->shape[dim], 1);
        done = part && nb_tensor_copy(ctx, part, list[k]) == NB_OK;
        start += list[k]->shape[dim];
        nb_tensor_release(ctx, part);
        if (done) done = nb_poll(ctx) == NB_OK;
    }
    if (done) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* ---- Again and again ---- */

static nb_status repeated_shape(nb_ctx *ctx, const nb_tensor *tensor, int dims,
                                const int64_t *times, int64_t *shape)
{
    char a[NB_SHAPE_TEXT], b[NB_SHAPE_TEXT];
    int added = dims - tensor->dims;
    if (added < 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "rep: %s has %d dimensions and takes at least as many numbers, not %d",
                       nb_shape_text(tensor->dims, tensor->shape, a), tensor->dims, dims);
    for (int i = 0; i < dims; i++) {
        int64_t own = i < added ? 1 : tensor->shape[i - added];
        if (times[i] < 0)
            return nb_fail(ctx, NB_EARG, "rep: nothing can be repeated %lld times",
                           (long long)times[i]);
        if (!nb_mul_i64(own, times[i], &shape[i]))
            return nb_fail(ctx, NB_ESHAPE, "rep: %s times %s has too many elements",
                           nb_shape_text(tensor->dims, tensor->shape, a),
                           nb_shape_text(dims, times, b));
    }
    return NB_OK;
}

/* Copies the first `length` entries of a dimension to where `start` is. */
static nb_status copy_behind(nb_ctx *ctx, const nb_tensor *part, int dim, int64_t start,
                             int64_t length)
{
    nb_tensor *from = nb_tensor_narrow(ctx, part, dim, 0, length, 1);
    nb_tensor *to = from ? nb_tensor_narrow(ctx, part, dim, start, length, 1) : NULL;
    nb_status status = to ? nb_tensor_copy(ctx, to, from) : ctx->status;
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, to);
    return status;
}

/* What is there of a dimension is doubled until it is full. */
static nb_status fill_dim(nb_ctx *ctx, const nb_tensor *part, int dim, int64_t there)
{
    nb_status status = NB_OK;
    for (int64_t size = part->shape[dim]; there < size && status == NB_OK; there *= 2)
        status = copy_behind(ctx, part, dim, there, size - there < there ? size - there : there);
    return status;
}

/* The tensor stands in the corner of the result. From the last dimension to the first, each is
 * filled where those before it are still the tensor's own. */
static nb_status fill_from_corner(nb_ctx *ctx, nb_tensor *out, const int64_t *own)
{
    nb_status status = NB_OK;
    for (int dim = out->dims - 1; dim >= 0 && status == NB_OK; dim--) {
        nb_tensor *part = nb_tensor_alias(ctx, out);
        if (!part) return ctx->status;
        for (int i = 0; i < dim; i++) part->shape[i] = own[i];
        status = fill_dim(ctx, part, dim, own[dim]);
        nb_tensor_release(ctx, part);
    }
    return status;
}

nb_tensor *nb_tensor_repeat(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *times)
{
    int64_t shape[NB_MAX_DIMS], own[NB_MAX_DIMS];
    if (repeated_shape(ctx, tensor, dims, times, shape) != NB_OK) return NULL;
    nb_tensor *out = nb_tensor_new(ctx, tensor->dtype, dims, shape);
    if (!out || nb_tensor_count(out) == 0) return out;
    nb_tensor *corner = nb_tensor_alias(ctx, out);
    for (int i = 0, added = dims - tensor->dims; i < dims; i++)
        own[i] = i < added ? 1 : tensor->shape[i - added];
    for (int i = 0; corner && i < dims; i++) corner->shape[i] = own[i];
    nb_status status = corner ? nb_tensor_copy(ctx, corner, tensor) : ctx->status;
    nb_tensor_release(ctx, corner);
    if (status == NB_OK) status = fill_from_corner(ctx, out, own);
    if (status == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}
