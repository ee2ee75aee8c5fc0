/* Ops of two tensors, element by element, broadcast by NumPy's rules; comparisons; where
 * and lerp, which take three. */
#include "grad/support.h"

#include "tensor/shape.h"

static void apply(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    nb_binary_fn *fn = *(nb_binary_fn **)arg;
    fn(n, at[1], (ptrdiff_t)stride[1], at[2], (ptrdiff_t)stride[2], at[0], (ptrdiff_t)stride[0]);
}

static void apply_compare(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    nb_compare_fn *fn = *(nb_compare_fn **)arg;
    fn(n, at[1], (ptrdiff_t)stride[1], at[2], (ptrdiff_t)stride[2], (uint8_t *)at[0],
       (ptrdiff_t)stride[0]);
}

extern const nb_op nb_def_mul;

/* True for a (…, k) and b (k, …): they do not broadcast, but a matrix product exists. */
static bool would_multiply(const nb_tensor *a, const nb_tensor *b)
{
    return a->dims >= 1 && b->dims == 2 && a->shape[a->dims - 1] == b->shape[0];
}

static bool broadcast(nb_ctx *ctx, const nb_call *call, int *dims, int64_t *shape)
{
    const nb_tensor *a = call->in[0], *b = call->in[1];
    char ta[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    if (nb_shape_broadcast(a->dims, a->shape, b->dims, b->shape, dims, shape)) return true;
    if (call->op == &nb_def_mul && would_multiply(a, b))
        nb_fail(ctx, NB_ESHAPE,
                "mul: %s and %s do not fit element by element; a:matmul(b) is the matrix product",
                nb_shape_text(a->dims, a->shape, ta), nb_shape_text(b->dims, b->shape, tb));
    else
        nb_misfit(ctx, call->op->name, a, b);
    return false;
}

static nb_tensor *forward(nb_ctx *ctx, nb_call *call)
{
    int64_t shape[NB_MAX_DIMS];
    int dims;
    if (!broadcast(ctx, call, &dims, shape)) return NULL;
    nb_dtype dtype = call->in[0]->dtype;
    nb_binary_fn *fn = nb_real(dtype)->binary[call->op->kernel];
    return nb_map_call(ctx, call, dtype, dims, shape, apply, &fn);
}

/* A dtype that holds the numbers of both exactly, so that large integers compare as what they are.
 */
static nb_dtype meeting(nb_dtype a, nb_dtype b)
{
    if (a == b) return a;
    bool narrow = (a == NB_F32 && b == NB_U8) || (a == NB_U8 && b == NB_F32);
    return narrow ? NB_F32 : NB_F64;
}

static nb_compare_fn *comparison(nb_dtype dtype, int kernel)
{
    const nb_kernels *kernels = nb_kernels_get();
    if (dtype == NB_U8) return kernels->compare_u8[kernel];
    if (dtype == NB_I32) return kernels->compare_i32[kernel];
    return nb_real(dtype)->compare[kernel];
}

static nb_tensor *forward_compare(nb_ctx *ctx, nb_call *call)
{
    int64_t shape[NB_MAX_DIMS];
    int dims;
    if (!broadcast(ctx, call, &dims, shape)) return NULL;
    nb_dtype dtype = meeting(call->in[0]->dtype, call->in[1]->dtype);
    nb_compare_fn *fn = comparison(dtype, call->op->kernel);
    nb_tensor *a = nb_tensor_convert(ctx, call->in[0], dtype, 1), *out = NULL;
    nb_tensor *b = a ? nb_tensor_convert(ctx, call->in[1], dtype, 1) : NULL;
    if (b)
        out = nb_map_elements(ctx, NB_U8, dims, shape, (const nb_tensor *const[]){a, b}, 2,
                              apply_compare, &fn);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
    return out;
}

/* Stores factor (a new reference, or NULL after a failure) summed to the shape of input i. */
static nb_status give(nb_ctx *ctx, nb_record *record, int i, nb_tensor *factor, nb_tensor **grad)
{
    if (!factor) return ctx->status;
    grad[i] = nb_sum_to(ctx, factor, record->in[i]);
    nb_tensor_release(ctx, factor);
    return grad[i] ? NB_OK : ctx->status;
}

/* op(δ, y) or op(δ), on the way to the gradient of input i; written over δ where nobody else sees
 * it and no later input asks for it. */
static nb_tensor *with_delta(nb_ctx *ctx, nb_op_id op, const nb_record *record, int i,
                             nb_tensor *delta, nb_tensor *y)
{
    bool last = i == 1 || !record->needs[1];
    nb_call call = {.op = nb_ops[op], .in = {delta, y}, .inputs = y ? 2 : 1, .ends = last};
    return nb_op_call(ctx, &call);
}

/* y = a + b: da = δ, db = δ */
static nb_status add_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_status status = NB_OK;
    for (int i = 0; i < 2 && status == NB_OK; i++)
        if (record->needs[i]) status = give(ctx, record, i, nb_tensor_retain(delta), grad);
    return status;
}

/* y = a - b: da = δ, db = -δ */
static nb_status sub_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_status status = NB_OK;
    if (record->needs[0]) status = give(ctx, record, 0, nb_tensor_retain(delta), grad);
    if (status == NB_OK && record->needs[1])
        status = give(ctx, record, 1, with_delta(ctx, NB_OP_neg, record, 1, delta, NULL), grad);
    return status;
}

/* y = a b: da = δ b, db = δ a */
static nb_status mul_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_status status = NB_OK;
    for (int i = 0; i < 2 && status == NB_OK; i++)
        if (record->needs[i])
            status = give(ctx, record, i,
                          with_delta(ctx, NB_OP_mul, record, i, delta, record->in[1 - i]), grad);
    return status;
}

/* y = a / b: da = δ / b, db = -(δ a / b) / b */
static nb_status div_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *a = record->in[0], *b = record->in[1];
    nb_status status = NB_OK;
    if (record->needs[0])
        status = give(ctx, record, 0, with_delta(ctx, NB_OP_div, record, 0, delta, b), grad);
    if (status != NB_OK || !record->needs[1]) return status;
    nb_tensor *t = with_delta(ctx, NB_OP_mul, record, 1, delta, a);
    t = nb_then2(ctx, NB_OP_div, nb_then2(ctx, NB_OP_div, t, b), b);
    return give(ctx, record, 1, nb_then1(ctx, NB_OP_neg, t), grad);
}

/* b a^(b-1), taken as 0 where b is 0: a^0 is 1 for every a, 0 too */
static nb_tensor *slope_of_base(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *less = nb_op_number(ctx, NB_OP_sub, b, 1);
    nb_tensor *power = less ? nb_op2(ctx, NB_OP_pow, a, less) : NULL;
    nb_tensor_release(ctx, less);
    return nb_zero_where(ctx, b, nb_then2(ctx, NB_OP_mul, power, b));
}

/* Not 0, but where a is 0 and b is not negative: max(|a|, -b) */
static nb_tensor *beside_zero(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *minus = nb_op1(ctx, NB_OP_neg, b);
    nb_tensor *out = minus ? nb_then2(ctx, NB_OP_maximum, nb_op1(ctx, NB_OP_abs, a), minus) : NULL;
    nb_tensor_release(ctx, minus);
    return out;
}

/* a^b log a, taken as 0 where a is 0 and b is not negative */
static nb_tensor *slope_of_exponent(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *beside = beside_zero(ctx, a, b), *slope = NULL;
    nb_tensor *log = beside ? nb_op1(ctx, NB_OP_log, a) : NULL;
    if (log) slope = nb_then2(ctx, NB_OP_mul, nb_op2(ctx, NB_OP_pow, a, b), log);
    nb_tensor_release(ctx, log);
    slope = nb_zero_where(ctx, beside, slope);
    nb_tensor_release(ctx, beside);
    return slope;
}

/* y = a^b: da = δ b a^(b-1), db = δ a^b log a */
static nb_status pow_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *a = record->in[0], *b = record->in[1];
    nb_status status = NB_OK;
    for (int i = 0; i < 2 && status == NB_OK; i++) {
        if (!record->needs[i]) continue;
        nb_tensor *slope = i ? slope_of_exponent(ctx, a, b) : slope_of_base(ctx, a, b);
        status = give(ctx, record, i, nb_then2(ctx, NB_OP_mul, slope, delta), grad);
    }
    return status;
}

/* To input i δ where the condition is not 0, to the next input δ elsewhere, and 0 in the other
 * places: chosen, not multiplied, because 0 times an infinite δ is NaN. */
static nb_status deal(nb_ctx *ctx, nb_record *record, nb_tensor *condition, int i, nb_tensor *delta,
                      nb_tensor **grad)
{
    nb_tensor *zero = nb_tensor_scalar(ctx, delta->dtype, 0);
    nb_status status = zero ? NB_OK : ctx->status;
    for (int second = 0; second < 2 && status == NB_OK; second++) {
        if (!record->needs[i + second]) continue;
        nb_call where = {.op = nb_ops[NB_OP_where],
                         .in = {condition, second ? zero : delta, second ? delta : zero},
                         .inputs = 3};
        status = give(ctx, record, i + second, nb_op_call(ctx, &where), grad);
    }
    nb_tensor_release(ctx, zero);
    return status;
}

/* y = max(a, b) or min(a, b): δ goes to the input that was taken, to the first where they are equal
 * and to the second where one is NaN */
static nb_status extreme_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_op_id first = record->op->kernel == NB_B_maximum ? NB_OP_ge : NB_OP_le;
    nb_tensor *taken = nb_op2(ctx, first, record->in[0], record->in[1]);
    nb_status status = taken ? deal(ctx, record, taken, 0, delta, grad) : ctx->status;
    nb_tensor_release(ctx, taken);
    return status;
}

#define BINARY(word, text, call, back, read, ...)                                                  \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "t",                                                        \
                          .usage = call,                                                           \
                          .help = text,                                                            \
                          .kernel = NB_B_##word,                                                   \
                          .in_place = true,                                                        \
                          .promote = 3,                                                            \
                          .reads = read,                                                           \
                          .forward = forward,                                                      \
                          .backward = back,                                                        \
                          .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 3 2: 3 and 2 do not fit",    \
                          .samples = "- -, 2x3 2x3, 2x3 3, 3 2x1, - 4, 3x2t 3x2, 0x3 3",           \
                          __VA_ARGS__}

BINARY(add, "The sum, element by element; x + y is the same.", "x:add(y)", add_backward, 0,
       .example = "tensor{1, 2}:add(10) → 11 12", .low = -2, .high = 2);
BINARY(sub, "The difference, element by element; x - y is the same.", "x:sub(y)", sub_backward, 0,
       .example = "tensor{1, 2}:sub(10) → -9 -8", .low = -2, .high = 2);
BINARY(mul, "The product, element by element (the notes' ⊙); x * y is the same.", "x:mul(y)",
       mul_backward, 3, .example = "tensor{1, 2}:mul(tensor{3, 4}) → 3 8", .crosswise = true,
       .low = -2, .high = 2);
BINARY(div, "The quotient, element by element; x / y is the same.", "x:div(y)", div_backward, 3,
       .example = "tensor{1, 2}:div(4) → 0.25 0.5", .low = 0.5, .high = 2);
BINARY(pow, "x to the power of y, element by element; x ^ y is the same.", "x:pow(y)", pow_backward,
       3, .example = "tensor{2, 3}:pow(2) → 4 9", .low = 0.5, .high = 2);
BINARY(maximum,
       "The larger of each pair of elements; NaN where either is. Where they are equal the "
       "gradient goes to x.",
       "x:maximum(y)", extreme_backward, 3, .example = "tensor{1, 5}:maximum(3) → 3 5", .low = -2,
       .high = 2);
BINARY(minimum,
       "The smaller of each pair of elements; NaN where either is. Where they are equal the "
       "gradient goes to x.",
       "x:minimum(y)", extreme_backward, 3, .example = "tensor{1, 5}:minimum(3) → 1 3", .low = -2,
       .high = 2);

#define COMPARE(word, text, show)                                                                  \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "t",                                                        \
                          .usage = "x:" #word "(y)",                                               \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = NB_C_##word,                                                   \
                          .forward = forward_compare,                                              \
                          .errors = "2x3 2x4: 2x3 and 2x4 do not fit",                             \
                          .samples = "- -, 2x3 2x3, 2x3 3, 3x2t 3x2, 0x3 3",                       \
                          .low = -2,                                                               \
                          .high = 2}

COMPARE(eq, "1 where the elements are equal, else 0; a u8 tensor.", "tensor{1, 2}:eq(2) → 0 1");
COMPARE(ne, "1 where the elements differ, else 0.", "tensor{1, 2}:ne(2) → 1 0");
COMPARE(lt, "1 where x < y, else 0.", "tensor{1, 2}:lt(2) → 1 0");
COMPARE(le, "1 where x <= y, else 0.", "tensor{1, 2}:le(2) → 1 1");
COMPARE(gt, "1 where x > y, else 0.", "tensor{1, 2}:gt(1) → 0 1");
COMPARE(ge, "1 where x >= y, else 0.", "tensor{1, 2}:ge(2) → 0 1");

static void select_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    nb_select_fn *fn = *(nb_select_fn **)arg;
    fn(n, (const uint8_t *)at[1], (ptrdiff_t)stride[1], at[2], (ptrdiff_t)stride[2], at[3],
       (ptrdiff_t)stride[3], at[0], (ptrdiff_t)stride[0]);
}

/* y = c ? a : b */
static nb_tensor *where_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *c = call->in[0], *a = call->in[1], *b = call->in[2];
    nb_tensor pair = {.dims = 0}; /* the shape of both */
    int64_t shape[NB_MAX_DIMS];
    int dims;
    if (c->dtype != NB_U8)
        return nb_fail_null(ctx, NB_EARG,
                            "where: the condition must be u8, as :gt gives it, not %s",
                            nb_dtype_name(c->dtype));
    if (!nb_shape_broadcast(a->dims, a->shape, b->dims, b->shape, &pair.dims, pair.shape)) {
        nb_misfit(ctx, "where", a, b);
        return NULL;
    }
    if (!nb_shape_broadcast(c->dims, c->shape, pair.dims, pair.shape, &dims, shape)) {
        nb_misfit(ctx, "where", c, &pair);
        return NULL;
    }
    nb_select_fn *fn = nb_kernels_get()->select[a->dtype];
    return nb_map_call(ctx, call, a->dtype, dims, shape, select_loop, &fn);
}

/* da = c ? δ : 0, db = c ? 0 : δ */
static nb_status where_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    return deal(ctx, record, record->in[0], 1, delta, grad);
}

NB_DEFINE_OP(where) = {
    .name = "where",
    .signature = "tt",
    .usage = "tensor.where(condition, a, b), or condition:where(a, b)",
    .help = "a's elements where the condition (u8) is not 0, else b's.",
    .example = "tensor.where(tensor{1, 5}:gt(3), 100, 0) → 0 100",
    .promote = 6,
    .stores = true,
    .reads = 1,
    .forward = where_forward,
    .backward = where_backward,
    .errors = "2x3 2x3 2x3: the condition must be u8; 2x3c 2x4 2x3: 2x4 and 2x3 do not fit; 4c 2x3 "
              "-: 4 and 2x3 do not fit",
    .samples = "2x3c 2x3 2x3, 3c 2x3 -, 2x3c 3 2x1, 0x3c 3 -",
    .low = -2,
    .high = 2,
};

static void lerp_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const nb_real_kernels *real = arg;
    real->lerp(n, at[1], (ptrdiff_t)stride[1], at[2], (ptrdiff_t)stride[2], at[3],
               (ptrdiff_t)stride[3], at[0], (ptrdiff_t)stride[0]);
}

/* z = x + w (y - x) */
static nb_tensor *lerp_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0], *w = call->in[2];
    int64_t pair[NB_MAX_DIMS], shape[NB_MAX_DIMS];
    int pair_dims, dims;
    if (!broadcast(ctx, call, &pair_dims, pair)) return NULL;
    if (!nb_shape_broadcast(pair_dims, pair, w->dims, w->shape, &dims, shape)) {
        nb_misfit(ctx, "lerp", x, w);
        return NULL;
    }
    return nb_map_call(ctx, call, x->dtype, dims, shape, lerp_loop,
                       (void *)(uintptr_t)nb_real(x->dtype));
}

/* dx = δ - δ w, dy = δ w, dw = δ (y - x) */
static nb_status lerp_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *x = record->in[0], *y = record->in[1], *w = record->in[2];
    nb_status status = NB_OK;
    if (record->needs[0] || record->needs[1]) {
        nb_tensor *part = nb_op2(ctx, NB_OP_mul, delta, w);
        if (!part) return ctx->status;
        if (record->needs[0])
            status = give(ctx, record, 0, nb_op2(ctx, NB_OP_sub, delta, part), grad);
        if (record->needs[1] && status == NB_OK)
            status = give(ctx, record, 1, nb_tensor_retain(part), grad);
        nb_tensor_release(ctx, part);
    }
    if (record->needs[2] && status == NB_OK)
        status = give(ctx, record, 2, nb_then2(ctx, NB_OP_mul, nb_op2(ctx, NB_OP_sub, y, x), delta),
                      grad);
    return status;
}

NB_DEFINE_OP(lerp) = {
    .name = "lerp",
    .signature = "tt",
    .usage = "x:lerp(y, weight)",
    .help = "x + weight (y - x), element by element: x where the weight is 0, y where it is 1.",
    .example = "tensor{0, 10}:lerp(tensor{4, 20}, 0.5) → 2 15",
    .in_place = true,
    .promote = 7,
    .reads = 7,
    .forward = lerp_forward,
    .backward = lerp_backward,
    .errors = "2x3 2x4 -: 2x3 and 2x4 do not fit; 2x3 2x3 4: do not fit",
    .samples = "- - -, 2x3 2x3 2x3, 2x3 3 -, 3 2x1 2x3, - 4 2x1, 3x2t 3x2 3x2, 0x3 3 -",
    .low = -2,
    .high = 2,
};
