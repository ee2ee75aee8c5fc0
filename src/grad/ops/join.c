/* Ops that put tensors together: one after the other, one again and again; and lists of parts. */
#include "grad/support.h"

#include "base/arith.h"
#include "tensor/join.h"
#include "tensor/shape.h"

/* ---- cat ---- */

/* Where an input begins backward asks of those too that are not kept. */
static nb_tensor *cat_forward(nb_ctx *ctx, nb_call *call)
{
    struct nb_attr_cat *at = &call->attr.cat;
    nb_tensor *out = nb_tensor_cat(ctx, call->in, (size_t)call->inputs, at->dim);
    if (!out) return NULL;
    at->start[0] = 0;
    for (int i = 1; i < call->inputs; i++)
        at->start[i] = at->start[i - 1] + call->in[i - 1]->shape[at->dim];
    return out;
}

/* Each input gets its part of δ. */
static nb_status cat_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const struct nb_attr_cat *at = &record->attr.cat;
    for (int i = 0; i < record->inputs; i++) {
        if (!record->needs[i]) continue;
        grad[i] =
            nb_tensor_narrow(ctx, delta, at->dim, at->start[i], record->in[i]->shape[at->dim], 1);
        if (!grad[i]) return ctx->status;
    }
    return NB_OK;
}

NB_DEFINE_OP(cat) = {
    .name = "cat",
    .signature = "ti",
    .usage = "tensor.cat({a, b, …}, dim)",
    .help = "Tensors one after the other along a dimension, by default the first.",
    .example = "tensor.cat({tensor{1, 2}, tensor{3}}) → 1 2 3",
    .hidden = true,
    .promote = (1u << NB_MAX_INPUTS) - 1,
    .stores = true,
    .forward = cat_forward,
    .backward = cat_backward,
    .errors = "2x3 3x4 /1: 2x3 and 3x4; 2 2x2 /1: 2 and 2x2",
    .samples = "3 /1, 2 3 /1, 2x3 2x1 2x2 /2, 2x3t 1x3 3x3 /1, 1 2 0 3 /1, 0x3 2x3 /1",
    .low = -2,
    .high = 2,
};

/* Groups are joined first, so that n tensors cost n log n and not n * n. */
static nb_tensor *cat_groups(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim)
{
    nb_call call = {.op = &nb_def_cat, .attr.cat.dim = dim};
    size_t groups = count < NB_MAX_INPUTS ? count : NB_MAX_INPUTS, start = 0;
    nb_tensor *out = NULL;
    for (size_t i = 0; i < groups; i++) {
        size_t n = (count - start) / (groups - i);
        nb_tensor *part =
            n == 1 ? nb_tensor_retain(list[start]) : cat_groups(ctx, list + start, n, dim);
        if (!part) break;
        call.in[call.inputs++] = part;
        start += n;
    }
    if (start == count) out = nb_op_call(ctx, &call);
    for (int i = 0; i < call.inputs; i++) nb_tensor_release(ctx, call.in[i]);
    return out;
}

/* The dtype that all are brought to: the one that they share, or where they meet to compute. */
static nb_dtype joined_dtype(const nb_ctx *ctx, nb_tensor *const *list, size_t count)
{
    bool has[NB_DTYPES] = {false}, shared = true;
    for (size_t i = 0; i < count; i++) {
        has[list[i]->dtype] = true;
        shared &= list[i]->dtype == list[0]->dtype;
    }
    return shared ? list[0]->dtype : nb_dtype_meeting(ctx, has);
}

/* A tensor in another dtype and, unless place is negative, with a new dimension there. */
static nb_tensor *brought_to(nb_ctx *ctx, nb_tensor *tensor, nb_dtype dtype, int place)
{
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {tensor}, .inputs = 1};
    to.attr.dtype = dtype;
    nb_tensor *out = tensor->dtype == dtype ? nb_tensor_retain(tensor) : nb_op_call(ctx, &to);
    if (!out || place < 0) return out;
    nb_call unsqueeze = {.op = nb_ops[NB_OP_unsqueeze], .in = {out}, .inputs = 1};
    unsqueeze.attr.dim = place;
    nb_tensor *placed = nb_op_call(ctx, &unsqueeze);
    nb_tensor_release(ctx, out);
    return placed;
}

/* In one pass where no gradient needs a record. */
static nb_tensor *cat_alike(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim)
{
    bool flows = false;
    for (size_t i = 0; i < count; i++) flows |= ctx->recording && list[i]->link;
    return flows ? cat_groups(ctx, list, count, dim) : nb_tensor_cat(ctx, list, count, dim);
}

static nb_tensor *cat_brought(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim, int place)
{
    size_t made = 0, bytes;
    if (!nb_mul_size(count, sizeof *list, &bytes))
        return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %zu tensors", count);
    nb_tensor *out = NULL, **brought = nb_alloc(ctx, bytes);
    if (!brought) return NULL;
    nb_dtype dtype = joined_dtype(ctx, list, count);
    while (made < count && (brought[made] = brought_to(ctx, list[made], dtype, place))) made++;
    if (made == count) out = cat_alike(ctx, brought, count, dim);
    for (size_t i = 0; i < made; i++) nb_tensor_release(ctx, brought[i]);
    nb_free(ctx, brought, bytes);
    return out;
}

nb_tensor *nb_op_cat(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim)
{
    int64_t shape[NB_MAX_DIMS];
    if (nb_cat_shape(ctx, "cat", list, count, dim, shape) != NB_OK) return NULL;
    return cat_brought(ctx, list, count, dim, -1);
}

nb_tensor *nb_op_stack(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim)
{
    char a[NB_SHAPE_TEXT], b[NB_SHAPE_TEXT];
    const nb_tensor *first = list[0];
    for (size_t i = 0; i < count; i++)
        if (!nb_tensor_same_shape(first, list[i]))
            return nb_fail_null(ctx, NB_ESHAPE, "stack: %s and %s (entry %zu) do not fit",
                                nb_shape_text(first->dims, first->shape, a),
                                nb_shape_text(list[i]->dims, list[i]->shape, b), i + 1);
    return cat_brought(ctx, list, count, dim, dim);
}

/* ---- cut ---- */

enum { BETWEEN_LOOKS = 1 << 16 }; /* pieces before Ctrl-C is looked for */

static nb_tensor *part_of(nb_ctx *ctx, nb_tensor *x, int dim, int64_t start, int64_t end)
{
    nb_call call = {.op = nb_ops[NB_OP_narrow],
                    .in = {x},
                    .inputs = 1,
                    .attr.narrow = {dim, start, end - start, 1}};
    return nb_op_call(ctx, &call);
}

/* Cuts x, which is all of the pieces together. Halves first, for the gradient of a view is as long
 * as what it views: so n pieces cost n log n and not n * n. */
static nb_status cut_halves(nb_ctx *ctx, nb_tensor *x, int dim, const int64_t *start, size_t pieces,
                            nb_tensor **out)
{
    size_t half = pieces / 2;
    if (pieces == 1) {
        *out = nb_tensor_retain(x);
        return NB_OK;
    }
    int64_t middle = start[half] - start[0], end = start[pieces] - start[0];
    nb_tensor *low = part_of(ctx, x, dim, 0, middle);
    nb_tensor *high = low ? part_of(ctx, x, dim, middle, end) : NULL;
    nb_status status = high ? cut_halves(ctx, low, dim, start, half, out) : ctx->status;
    if (status == NB_OK)
        status = cut_halves(ctx, high, dim, start + half, pieces - half, out + half);
    nb_tensor_release(ctx, low);
    nb_tensor_release(ctx, high);
    return status;
}

nb_status nb_op_cut(nb_ctx *ctx, nb_tensor *x, int dim, const int64_t *start, size_t pieces,
                    nb_tensor **out)
{
    for (size_t i = 0; i < pieces; i++) {
        if (i % BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        out[i] = NULL;
    }
    nb_tensor *whole = part_of(ctx, x, dim, 0, start[pieces]);
    nb_status status = whole ? cut_halves(ctx, whole, dim, start, pieces, out) : ctx->status;
    nb_tensor_release(ctx, whole);
    if (status == NB_OK) return NB_OK;
    for (size_t i = 0; i < pieces; i++) {
        nb_tensor_release(ctx, out[i]);
        out[i] = NULL;
    }
    return status;
}

/* ---- rep ---- */

static nb_tensor *rep_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_repeat(ctx, call->in[0], call->attr.sizes.count, call->attr.sizes.at);
}

/* The sum over the repeats of dimension `dim`, whose own size it has then. With all dimensions
 * before it and behind it folded into one each, the repeats are a dimension of their own. */
static nb_tensor *sum_repeats(nb_ctx *ctx, nb_tensor *x, int dim, int64_t times)
{
    int64_t shape[NB_MAX_DIMS], fold[3] = {1, times, 1};
    for (int i = 0; i < x->dims; i++) shape[i] = x->shape[i];
    if (times == 1) return nb_tensor_retain(x);
    shape[dim] /= times;
    for (int i = 0; i < dim; i++) fold[0] *= shape[i];
    for (int i = dim; i < x->dims; i++) fold[2] *= shape[i];
    nb_tensor *folded = nb_tensor_reshape(ctx, x, 3, fold), *out = NULL;
    nb_tensor *sum = folded ? nb_sum_dims(ctx, folded, 1u << 1) : NULL;
    if (sum) out = nb_tensor_reshape(ctx, sum, x->dims, shape);
    nb_tensor_release(ctx, folded);
    nb_tensor_release(ctx, sum);
    return out;
}

/* dx = the sum of δ over all repeats */
static nb_status rep_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    if (nb_tensor_count(delta) == 0) {
        grad[0] = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
        return grad[0] ? NB_OK : ctx->status;
    }
    nb_tensor *sum = nb_tensor_retain(delta);
    for (int dim = 0; dim < delta->dims && sum; dim++) {
        nb_tensor *less = sum_repeats(ctx, sum, dim, record->attr.sizes.at[dim]);
        nb_tensor_release(ctx, sum);
        sum = less;
    }
    if (sum) grad[0] = nb_tensor_reshape(ctx, sum, x->dims, x->shape);
    nb_tensor_release(ctx, sum);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(rep) = {
    .name = "rep",
    .signature = "s",
    .usage = "x:rep(times…)",
    .help = "The whole tensor so many times along each dimension, a copy; more numbers than x has "
            "dimensions put new ones in front.",
    .example = "tensor{1, 2}:rep(2, 2) → 1 2 1 2 / 1 2 1 2",
    .forward = rep_forward,
    .backward = rep_backward,
    .samples = "- /3, 2 /3, 2x3 /3 /2, 3x2t /1 /5, 2x3 /2 /1 /2, 0x3 /2 /2",
    .low = -2,
    .high = 2,
};
