/* Steps of padded sequences: x of shape (n, T, …), of which example i has lengths[i] real steps,
 * the others padding behind them. lengths: i32 (n), each from 1 to T. */
#include "grad/support.h"

#include "grad/lengths.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- What all ops of lengths check ----------------------------------------------------------- */

nb_status nb_lengths_check(nb_ctx *ctx, const char *name, const nb_tensor *x,
                           const nb_tensor *lengths)
{
    char text[2][NB_SHAPE_TEXT];
    bool fits = x->dims >= 2 && lengths->dims == 1 && lengths->dtype == NB_I32 &&
                lengths->shape[0] == x->shape[0];
    if (!fits)
        return nb_fail(ctx, NB_ESHAPE, "%s: %s needs a length for each example, not %s", name,
                       nb_shape_text(x->dims, x->shape, text[0]),
                       nb_shape_text(lengths->dims, lengths->shape, text[1]));
    for (int64_t i = 0; i < lengths->shape[0]; i++) {
        int64_t length = (int64_t)nb_tensor_get(lengths, &i);
        if (length < 1 || length > x->shape[1])
            return nb_fail(ctx, NB_EVALUE,
                           "%s: example %lld cannot have %lld steps; lengths are from 1 to %lld, "
                           "the steps of %s",
                           name, (long long)i + 1, (long long)length, (long long)x->shape[1],
                           nb_shape_text(x->dims, x->shape, text[0]));
    }
    return NB_OK;
}

/* For every example: `from` and `to` (contiguous) begin here, this many bytes are real, this many
 * padding. A side that is packed has no padding, and what is written as padding is 0. */
static void copy_real(const nb_tensor *lengths, int64_t T, size_t step, const char *from,
                      bool from_packed, char *to, bool to_packed)
{
    const int32_t *length = nb_tensor_data(lengths);
    for (int64_t i = 0; i < lengths->shape[0]; i++) {
        size_t real = (size_t)length[i] * step, padding = (size_t)T * step - real;
        if (real) memcpy(to, from, real);
        if (!to_packed && padding) memset(to + real, 0, padding);
        from += real + (from_packed ? 0 : padding);
        to += real + (to_packed ? 0 : padding);
    }
}

static nb_tensor *real_steps(nb_ctx *ctx, nb_tensor *x, nb_tensor *lengths, int dims,
                             const int64_t *shape, int64_t T, bool from_packed, bool to_packed)
{
    nb_tensor *from = nb_tensor_contiguous(ctx, x), *length = NULL, *out = NULL;
    int first = from_packed ? 1 : 2;
    size_t step =
        nb_dtype_size(x->dtype) * (size_t)nb_shape_count(x->dims - first, x->shape + first);
    if (from) length = nb_tensor_contiguous(ctx, lengths);
    if (length) out = nb_tensor_new(ctx, x->dtype, dims, shape);
    if (out)
        copy_real(length, T, step, nb_tensor_data(from), from_packed, nb_tensor_data(out),
                  to_packed);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, length);
    return out;
}

/* ---- mask_steps ------------------------------------------------------------------------------ */

/* x where a step is real, 0 where it is padding. */
static nb_tensor *mask_steps_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *lengths = call->in[1];
    if (nb_lengths_check(ctx, "mask_steps", x, lengths) != NB_OK) return NULL;
    return real_steps(ctx, x, lengths, x->dims, x->shape, x->shape[1], false, false);
}

/* dx = δ where a step is real, else 0 */
static nb_status mask_steps_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    grad[0] = real_steps(ctx, delta, record->in[1], x->dims, x->shape, x->shape[1], false, false);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(mask_steps) = {
    .name = "mask_steps",
    .help = "The steps of padded sequences, 0 where they are padding.",
    .hidden = true,
    .reads = 2,
    .forward = mask_steps_forward,
    .backward = mask_steps_backward,
    .errors = "3x2 2k: 3x2 needs a length for each example, not 2; 3 3k: 3 needs a length",
    .samples = "3x2 3k, 2x3 2k, 3x4x2 3k, 3x2x2x2 3k, 0x3 0k, 2x3t 2k",
    .low = -2,
    .high = 2,
};

/* ---- pack_steps ------------------------------------------------------------------------------ */

/* The real steps of all examples, one behind the other: (n, T, …) → (Σ lengths, …). */
static nb_tensor *pack_steps_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *lengths = call->in[1];
    int64_t shape[NB_MAX_DIMS] = {0};
    if (nb_lengths_check(ctx, "pack_steps", x, lengths) != NB_OK) return NULL;
    for (int64_t i = 0; i < lengths->shape[0]; i++) shape[0] += (int64_t)nb_tensor_get(lengths, &i);
    for (int i = 2; i < x->dims; i++) shape[i - 1] = x->shape[i];
    return real_steps(ctx, x, lengths, x->dims - 1, shape, x->shape[1], false, true);
}

/* dx = the next of δ where a step is real, else 0 */
static nb_status pack_steps_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    grad[0] = real_steps(ctx, delta, record->in[1], x->dims, x->shape, x->shape[1], true, false);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(pack_steps) = {
    .name = "pack_steps",
    .help = "The real steps of padded sequences, one behind the other.",
    .hidden = true,
    .reads = 2,
    .forward = pack_steps_forward,
    .backward = pack_steps_backward,
    .errors = "3x2 2k: 3x2 needs a length for each example, not 2; 3 3k: 3 needs a length",
    .samples = "3x2 3k, 2x3 2k, 3x4x2 3k, 3x2x2x2 3k, 0x3 0k, 2x3t 2k",
    .low = -2,
    .high = 2,
};
