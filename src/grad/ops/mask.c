/* Ops that a mask (u8, as comparisons give it) steers: masked_select, masked_fill; and nonzero,
 * which makes indices of what a mask says. */
#include "grad/support.h"

#include "tensor/assign.h"
#include "tensor/mask.h"
#include "tensor/shape.h"

/* in[1] is u8 and broadcasts to the shape of x. */
static nb_status check_mask(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *x = call->in[0], *mask = call->in[1];
    const char *name = call->op->name;
    char tx[NB_SHAPE_TEXT], tm[NB_SHAPE_TEXT];
    if (mask->dtype != NB_U8)
        return nb_fail(ctx, NB_EARG, "%s: the mask must be u8, as :gt gives it, not %s", name,
                       nb_dtype_name(mask->dtype));
    if (nb_mask_fits(mask, x)) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s: a mask of %s does not broadcast to %s", name,
                   nb_shape_text(mask->dims, mask->shape, tm),
                   nb_shape_text(x->dims, x->shape, tx));
}

static nb_tensor *masked_select_forward(nb_ctx *ctx, nb_call *call)
{
    if (check_mask(ctx, call) != NB_OK) return NULL;
    return nb_mask_pack(ctx, call->in[0], call->in[1]);
}

/* dx = the next of δ where the mask says yes, else 0 */
static nb_status masked_select_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                        nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    nb_tensor *from = nb_tensor_contiguous(ctx, delta);
    nb_tensor *out = from ? nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape) : NULL;
    nb_status status = out ? nb_mask_unpack(ctx, out, record->in[1], from) : ctx->status;
    nb_tensor_release(ctx, from);
    grad[0] = nb_tensor_settle(ctx, out, status);
    return status;
}

NB_DEFINE_OP(masked_select) = {
    .name = "masked_select",
    .signature = "m",
    .usage = "x:masked_select(mask)",
    .help = "The elements where a mask that broadcasts to x is not 0, in one dimension; a copy.",
    .example = "x = tensor{1, 5, 3}\nx:masked_select(x:gt(2)) → 5 3",
    .reads = 2,
    .forward = masked_select_forward,
    .backward = masked_select_backward,
    .errors = "2x3 4c: a mask of 4 does not broadcast to 2x3",
    .samples = "- -c, 5 5c, 2x3 2x3c, 2x3 3c, 2x3 2x1c, 3x2t 3x2tc, 2x3x2 3x1c, 0x3 3c, 2x0 2x1c",
    .low = -2,
    .high = 2,
};

/* The value as a number of x's dtype. */
static nb_tensor *fill_value(nb_ctx *ctx, const nb_call *call)
{
    nb_tensor *value = call->in[2];
    char text[NB_SHAPE_TEXT];
    if (value->dims > 0)
        return nb_fail_null(
            ctx, NB_ESHAPE,
            "masked_fill: the value must be a number, not %s; tensor.where takes a tensor",
            nb_shape_text(value->dims, value->shape, text));
    nb_tensor *number = nb_tensor_fit(ctx, value, call->in[0]->dtype);
    if (!number && ctx->status == NB_EVALUE) nb_fail_in(ctx, "masked_fill");
    return number;
}

static nb_tensor *masked_fill_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    if (check_mask(ctx, call) != NB_OK) return NULL;
    nb_tensor *value = fill_value(ctx, call);
    nb_tensor *out = value ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    nb_status status = out ? nb_mask_choose(ctx, out, call->in[1], value, x) : ctx->status;
    nb_tensor_release(ctx, value);
    if (status == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* δ where the mask says yes (or, with yes false, no), else 0. */
static nb_tensor *part_of(nb_ctx *ctx, nb_tensor *mask, nb_tensor *delta, bool yes)
{
    nb_tensor *zero = nb_tensor_scalar(ctx, delta->dtype, 0), *out = NULL;
    nb_call where = {.op = nb_ops[NB_OP_where],
                     .in = {mask, yes ? delta : zero, yes ? zero : delta},
                     .inputs = 3};
    if (zero) out = nb_op_call(ctx, &where);
    nb_tensor_release(ctx, zero);
    return out;
}

/* dx = mask ? 0 : δ, dv = Σ mask ? δ : 0 */
static nb_status masked_fill_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                      nb_tensor **grad)
{
    nb_tensor *mask = record->in[1];
    if (record->needs[0] && !(grad[0] = part_of(ctx, mask, delta, false))) return ctx->status;
    if (!record->needs[2]) return NB_OK;
    nb_tensor *part = part_of(ctx, mask, delta, true);
    nb_tensor *sum = part ? nb_sum_to(ctx, part, record->in[2]) : NULL;
    grad[2] = sum ? nb_tensor_convert(ctx, sum, record->in[2]->dtype, 1) : NULL;
    nb_tensor_release(ctx, part);
    nb_tensor_release(ctx, sum);
    return grad[2] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(masked_fill) = {
    .name = "masked_fill",
    .signature = "mt",
    .usage = "x:masked_fill(mask, value)",
    .help = "x with one number wherever a mask that broadcasts to it is not 0.",
    .example = "x = tensor{1, -5, 3}\nx:masked_fill(x:lt(0), 0) → 1 0 3",
    .in_place = true,
    .reads = 2,
    .forward = masked_fill_forward,
    .backward = masked_fill_backward,
    .errors = "2x3 4c -: a mask of 4 does not broadcast to 2x3; 3 3c 3: ",
    .samples = "- -c -, 5 5c -, 2x3 2x3c -, 2x3 3c -, 2x3 2x1c -, 3x2t 3x2tc -, 0x3 3c -",
    .low = -2,
    .high = 2,
};

/* NaN is not 0. */
static nb_tensor *nonzero_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *zero = nb_tensor_scalar(ctx, x->dtype, 0);
    nb_tensor *mask = zero ? nb_op2(ctx, NB_OP_ne, x, zero) : NULL;
    nb_tensor *out = mask ? nb_mask_indices(ctx, mask) : NULL;
    nb_tensor_release(ctx, zero);
    nb_tensor_release(ctx, mask);
    return out;
}

NB_DEFINE_OP(nonzero) = {
    .name = "nonzero",
    .signature = "",
    .usage = "x:nonzero()",
    .help = "The indices of the elements that are not 0, one row each (i32, counted from 1).",
    .example = "tensor{{0, 7}, {8, 0}}:nonzero() → 1 2 / 2 1",
    .forward = nonzero_forward,
    .samples = "-, 5, 2x3, 3x2t, 2x3x2, 0x3",
    .low = -2,
    .high = 2,
};
