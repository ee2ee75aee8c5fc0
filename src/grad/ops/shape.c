/* Ops that move no number: other shapes of the same elements, parts, copies. */
#include "grad/support.h"

#include "tensor/shape.h"

#include <string.h>

static nb_tensor *reshape_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_reshape(ctx, call->in[0], call->attr.sizes.count, call->attr.sizes.at);
}

/* Backward of all that keep the number of elements and their order. */
static nb_status reshape_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    grad[0] = nb_tensor_reshape(ctx, delta, record->in[0]->dims, record->in[0]->shape);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(reshape) = {
    .name = "reshape",
    .signature = "s",
    .usage = "x:reshape(sizes…)",
    .help = "The same elements in another shape: a view where it can be. One size may be -1.",
    .example = "tensor.range(1, 6):reshape(2, -1).shape → {2, 3}",
    .forward = reshape_forward,
    .backward = reshape_backward,
    .errors = "2x3 /4 /2: cannot reshape 2x3 (6 elements) to 4x2; 2x3 /-1 /-1: only one size",
    .samples = "- /1, 2x3 /3 /2, 3x2t /6, 0x3 /3 /0",
    .low = -2,
    .high = 2,
};

static nb_tensor *flatten_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_reshape(ctx, call->in[0], 1, (const int64_t[]){-1});
}

NB_DEFINE_OP(flatten) = {
    .name = "flatten",
    .signature = "",
    .usage = "x:flatten()",
    .help = "All elements in one dimension.",
    .example = "tensor.ones(2, 3):flatten().shape → {6}",
    .forward = flatten_forward,
    .backward = reshape_backward,
    .samples = "-, 2x3, 3x2t, 0x3",
    .low = -2,
    .high = 2,
};

static nb_tensor *squeeze_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int64_t shape[NB_MAX_DIMS];
    int dims = 0;
    for (int i = 0; i < x->dims; i++) {
        bool asked = call->attr.dims.count == 0 || call->attr.dims.at[0] == i;
        if (!asked || x->shape[i] != 1) shape[dims++] = x->shape[i];
    }
    return nb_tensor_reshape(ctx, x, dims, shape);
}

NB_DEFINE_OP(squeeze) = {
    .name = "squeeze",
    .signature = "D",
    .usage = "x:squeeze(dim)",
    .help = "Without the dimensions of size 1, or without that one.",
    .example = "tensor.ones(1, 3):squeeze().shape → {3}",
    .forward = squeeze_forward,
    .backward = reshape_backward,
    .samples = "-, 1x3, 2x1x3 /2, 2x3 /2, 0x1",
    .low = -2,
    .high = 2,
};

static nb_tensor *unsqueeze_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int64_t shape[NB_MAX_DIMS + 1];
    for (int i = 0, from = 0; i <= x->dims; i++)
        shape[i] = i == call->attr.dim ? 1 : x->shape[from++];
    return nb_tensor_reshape(ctx, x, x->dims + 1, shape);
}

NB_DEFINE_OP(unsqueeze) = {
    .name = "unsqueeze",
    .signature = "u",
    .usage = "x:unsqueeze(dim)",
    .help = "With a dimension of size 1 more, at that place.",
    .example = "tensor{1, 2, 3}:unsqueeze(1).shape → {1, 3}",
    .forward = unsqueeze_forward,
    .backward = reshape_backward,
    .samples = "- /1, 3 /1, 3 /2, 2x3 /2, 3x2t /1, 0x3 /1",
    .low = -2,
    .high = 2,
};

static nb_tensor *t_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_transpose(ctx, call->in[0]);
}

static nb_status t_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    (void)record;
    grad[0] = nb_tensor_transpose(ctx, delta);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(t) = {
    .name = "t",
    .signature = "",
    .usage = "x:t()",
    .help = "The transpose: the last two dimensions swapped, a view.",
    .example = "tensor.ones(2, 3):t().shape → {3, 2}",
    .forward = t_forward,
    .backward = t_backward,
    .samples = "-, 3, 2x3, 2x3x4, 0x3",
    .low = -2,
    .high = 2,
};

static nb_tensor *permute_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int order[NB_MAX_DIMS];
    unsigned seen = 0;
    const nb_dims *named = &call->attr.dims;
    bool whole = named->count == x->dims;
    for (int i = 0; whole && i < x->dims; i++) {
        whole = named->at[i] >= 0 && named->at[i] < x->dims;
        if (!whole) break;
        order[i] = named->at[i];
        seen |= 1u << order[i];
    }
    if (!whole || seen != (1u << x->dims) - 1)
        return nb_fail_null(ctx, NB_EARG, "permute names each of the %d dimensions once", x->dims);
    return nb_tensor_permute(ctx, x, order);
}

static nb_status permute_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    int order[NB_MAX_DIMS];
    for (int i = 0; i < delta->dims; i++) order[record->attr.dims.at[i]] = i;
    grad[0] = nb_tensor_permute(ctx, delta, order);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(permute) = {
    .name = "permute",
    .signature = "L",
    .usage = "x:permute(dims…)",
    .help = "The dimensions in another order, a view.",
    .example = "tensor.ones(2, 3, 4):permute(3, 1, 2).shape → {4, 2, 3}",
    .forward = permute_forward,
    .backward = permute_backward,
    .errors = "2x3 /1 /1: each of the 2 dimensions once",
    .samples = "-, 2x3x4 /3 /1 /2, 2x3 /2 /1, 0x3 /2 /1",
    .low = -2,
    .high = 2,
};

static nb_tensor *expand_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_expand(ctx, call->in[0], call->attr.sizes.count, call->attr.sizes.at);
}

static nb_status expand_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    grad[0] = nb_sum_to(ctx, delta, record->in[0]);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(expand) = {
    .name = "expand",
    .signature = "s",
    .usage = "x:expand(sizes…)",
    .help = "Dimensions of size 1 repeated to these sizes: a view, which cannot be written to "
            "where places share an element.",
    .example = "tensor{1, 2}:expand(3, 2).shape → {3, 2}",
    .forward = expand_forward,
    .backward = expand_backward,
    .errors = "2x3 /4 /3: cannot expand 2x3 to 4x3; 2x3 /3: cannot expand 2x3 to 3",
    .samples = "- /2 /2, 3 /2 /3, 2x1 /2 /4, 0x1 /0 /4",
    .low = -2,
    .high = 2,
};

/* δ written into the part of a gradient of zeros that `part` shows. */
static nb_status into_zeros(nb_ctx *ctx, const nb_record *record, nb_tensor *delta,
                            nb_tensor **grad,
                            nb_tensor *(*part)(nb_ctx *, const nb_tensor *, const nb_attr *))
{
    const nb_tensor *x = record->in[0];
    nb_tensor *whole = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *view = whole ? part(ctx, whole, &record->attr) : NULL;
    nb_status status = view ? nb_tensor_copy(ctx, view, delta) : ctx->status;
    nb_tensor_release(ctx, view);
    grad[0] = nb_tensor_settle(ctx, whole, status);
    return status;
}

static nb_tensor *narrowed(nb_ctx *ctx, const nb_tensor *x, const nb_attr *attr)
{
    const struct nb_attr_narrow *part = &attr->narrow;
    return nb_tensor_narrow(ctx, x, part->dim, part->start, part->length, part->step);
}

static nb_tensor *narrow_forward(nb_ctx *ctx, nb_call *call)
{
    return narrowed(ctx, call->in[0], &call->attr);
}

static nb_status narrow_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    return into_zeros(ctx, record, delta, grad, narrowed);
}

NB_DEFINE_OP(narrow) = {
    .name = "narrow",
    .signature = "w",
    .usage = "x:narrow(dim, start, length)",
    .help = "`length` entries of a dimension from `start` on, a view.",
    .example = "tensor{1, 2, 3, 4}:narrow(1, 2, 2) → 2 3",
    .forward = narrow_forward,
    .backward = narrow_backward,
    .samples = "5 /1 /2 /3, 2x3 /2 /1 /2, 3x2t /1 /2 /1, 0x3 /2 /1 /2",
    .low = -2,
    .high = 2,
};

static nb_tensor *selected(nb_ctx *ctx, const nb_tensor *x, const nb_attr *attr)
{
    return nb_tensor_select(ctx, x, attr->select.dim, attr->select.index);
}

static nb_tensor *select_forward(nb_ctx *ctx, nb_call *call)
{
    return selected(ctx, call->in[0], &call->attr);
}

static nb_status select_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    return into_zeros(ctx, record, delta, grad, selected);
}

NB_DEFINE_OP(select) = {
    .name = "select",
    .signature = "e",
    .usage = "x:select(dim, index)",
    .help = "One entry of a dimension, which goes; a view.",
    .example = "tensor{{1, 2}, {3, 4}}:select(2, 1) → 1 3",
    .forward = select_forward,
    .backward = select_backward,
    .samples = "5 /1 /2, 2x3 /2 /3, 3x2t /1 /1, 0x3 /2 /1",
    .low = -2,
    .high = 2,
};

static nb_status pass_on(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    (void)ctx;
    (void)record;
    grad[0] = nb_tensor_retain(delta);
    return NB_OK;
}

static nb_tensor *contiguous_forward(nb_ctx *ctx, nb_call *call)
{
    if (nb_tensor_is_contiguous(call->in[0])) return nb_tensor_alias(ctx, call->in[0]);
    return nb_tensor_clone(ctx, call->in[0]);
}

NB_DEFINE_OP(contiguous) = {
    .name = "contiguous",
    .signature = "",
    .usage = "x:contiguous()",
    .help = "The same tensor with its elements in row-major order: a copy where they are not.",
    .example = "tensor.ones(2, 3):t():contiguous():is_contiguous() → true",
    .forward = contiguous_forward,
    .backward = pass_on,
    .samples = "-, 2x3, 3x2t, 0x3",
    .low = -2,
    .high = 2,
};

static nb_tensor *clone_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_tensor_clone(ctx, call->in[0]);
}

NB_DEFINE_OP(clone) = {
    .name = "clone",
    .signature = "",
    .usage = "x:clone()",
    .help = "A copy in memory of its own; gradients flow through it.",
    .example = "tensor{1, 2}:clone() → 1 2",
    .forward = clone_forward,
    .backward = pass_on,
    .samples = "-, 2x3, 3x2t, 0x3",
    .low = -2,
    .high = 2,
};

static nb_tensor *to_forward(nb_ctx *ctx, nb_call *call)
{
    nb_dtype dtype = call->attr.dtype;
    if (call->in[0]->dtype == dtype) return nb_tensor_alias(ctx, call->in[0]);
    /* What only stores takes no part in a gradient. */
    if (!nb_dtype_computes(dtype)) call->recording = false;
    return nb_tensor_convert(ctx, call->in[0], dtype, 1);
}

static nb_status to_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    grad[0] = nb_tensor_convert(ctx, delta, record->in[0]->dtype, 1);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(to) = {
    .name = "to",
    .signature = "y",
    .usage = "x:to(dtype)",
    .help =
        "The same numbers as f32, f64, u8 or i32; to integers towards zero, within their range.",
    .example = "tensor{1.7, 300}:to(\"u8\") → 1 255",
    .forward = to_forward,
    .backward = to_backward,
    .samples = "-, 2x3, 3x2t, 0x3",
    .low = -2,
    .high = 2,
};
