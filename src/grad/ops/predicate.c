/* Questions whose answer is yes or no: of elements (isnan, isfinite), of many of them (all, any),
 * of two tensors (equal, allclose). Of every dtype, and no digit is lost. */
#include "grad/support.h"

#include "tensor/shape.h"

#include <math.h>

/* ---- Element by element --------------------------------------------------------------------- */

/* at: y, x */
static void nan_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const nb_real_kernels *real = arg;
    real->compare[NB_C_ne](n, at[1], (ptrdiff_t)stride[1], at[1], (ptrdiff_t)stride[1],
                           (uint8_t *)at[0], (ptrdiff_t)stride[0]);
}

static void finite_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const nb_real_kernels *real = arg;
    real->finite_each(n, at[1], (ptrdiff_t)stride[1], (uint8_t *)at[0], (ptrdiff_t)stride[0]);
}

/* Whole numbers are finite. */
static nb_tensor *element_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    bool finite = call->op->kernel;
    nb_real_kernels *real = (nb_real_kernels *)(uintptr_t)nb_real(x->dtype);
    if (real)
        return nb_map(ctx, NB_U8, x->dims, x->shape, &x, 1, finite ? finite_loop : nan_loop, real);
    nb_tensor *out = nb_tensor_new(ctx, NB_U8, x->dims, x->shape);
    return out ? nb_tensor_settle(ctx, out, nb_tensor_fill(ctx, out, finite)) : NULL;
}

/* ---- all and any ---------------------------------------------------------------------------- */

static nb_status find_truth(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    bool every = call->op->kernel;
    nb_status status = nb_fold_run(ctx, plan, NB_FOLD_nonzero, NULL, acc);
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++)
        acc[i] = every ? acc[i] == (double)plan->reduced : acc[i] > 0;
    return status;
}

static nb_tensor *truth_forward(nb_ctx *ctx, nb_call *call)
{
    return nb_reduce(ctx, call, NB_U8, false, find_truth);
}

/* ---- Two tensors ---------------------------------------------------------------------------- */

enum { BLOCK = 256 };

/* f64 holds the numbers of every dtype exactly. */
typedef struct likeness {
    nb_convert_fn *widen[2];
    int64_t width[2];
    double relative, absolute;
    bool nan;
    int different; /* atomic */
} likeness;

static bool close(const likeness *how, double a, double b)
{
    if (a == b) return true;
    if (how->nan && a != a && b != b) return true;
    return isfinite(a) && isfinite(b) && fabs(a - b) <= how->absolute + how->relative * fabs(b);
}

static void likeness_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    likeness *how = arg;
    double block[2][BLOCK];
    for (size_t start = 0; start < n; start += BLOCK) {
        size_t m = n - start < BLOCK ? n - start : BLOCK;
        bool like = true;
        if (__atomic_load_n(&how->different, __ATOMIC_RELAXED)) return;
        for (int i = 0; i < 2; i++)
            how->widen[i](m, at[i] + (int64_t)start * stride[i] * how->width[i],
                          (ptrdiff_t)stride[i], block[i], 1, 1.0);
        for (size_t i = 0; i < m; i++) like &= close(how, block[0][i], block[1][i]);
        if (!like) __atomic_store_n(&how->different, 1, __ATOMIC_RELAXED);
    }
}

/* A boolean: whether all elements of a and b, walked with this shape, are alike. */
static nb_tensor *alike(nb_ctx *ctx, const nb_call *call, int dims, const int64_t *shape,
                        likeness *how)
{
    nb_walk walk;
    for (int i = 0; i < 2; i++) {
        how->widen[i] = nb_kernels_get()->convert[call->in[i]->dtype][NB_F64];
        how->width[i] = (int64_t)nb_dtype_size(call->in[i]->dtype);
    }
    nb_walk_make(&walk, dims, shape, 2, (const nb_tensor *const *)call->in);
    if (nb_walk_run(ctx, &walk, likeness_loop, how) != NB_OK) return NULL;
    return nb_tensor_scalar(ctx, NB_U8, !how->different);
}

static nb_tensor *equal_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0];
    likeness how = {.nan = false};
    if (!nb_tensor_same_shape(a, call->in[1])) return nb_tensor_scalar(ctx, NB_U8, 0);
    return alike(ctx, call, a->dims, a->shape, &how);
}

static nb_tensor *allclose_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0], *b = call->in[1];
    int64_t shape[NB_MAX_DIMS];
    int dims;
    const struct nb_attr_allclose *given = &call->attr.allclose;
    likeness how = {.relative = given->rtol, .absolute = given->atol, .nan = given->nan};
    if (nb_shape_broadcast(a->dims, a->shape, b->dims, b->shape, &dims, shape))
        return alike(ctx, call, dims, shape, &how);
    nb_misfit(ctx, "allclose", a, b);
    return NULL;
}

static const nb_option close_options[] = {{.name = "rtol",
                                           .help = "the difference allowed, as a share of |y|",
                                           .range = "a number from 0",
                                           .kind = NB_NUMBER,
                                           .value = 1e-5,
                                           .high = HUGE_VAL,
                                           .offset = offsetof(nb_attr, allclose.rtol)},
                                          {.name = "atol",
                                           .help = "the difference allowed beside that",
                                           .range = "a number from 0",
                                           .kind = NB_NUMBER,
                                           .value = 1e-8,
                                           .high = HUGE_VAL,
                                           .offset = offsetof(nb_attr, allclose.atol)},
                                          {.name = "nan",
                                           .help = "NaN is close to NaN",
                                           .kind = NB_BOOLEAN,
                                           .offset = offsetof(nb_attr, allclose.nan)},
                                          NB_OPTIONS_END};

#define ELEMENT(word, finite, text, show)                                                          \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "",                                                         \
                          .usage = "x:" #word "()",                                                \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = finite,                                                        \
                          .forward = element_forward,                                              \
                          .samples = "-, 5, 2x3, 3x2t, 0x3",                                       \
                          .low = -2,                                                               \
                          .high = 2}

ELEMENT(isnan, 0, "1 where an element is NaN, else 0; a u8 tensor.",
        "tensor{1, 0 / 0}:isnan() → 0 1");
ELEMENT(isfinite, 1, "1 where an element is neither infinite nor NaN, else 0; a u8 tensor.",
        "tensor{1, math.huge}:isfinite() → 1 0");

#define COUNT(word, every, text, show)                                                             \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "L",                                                        \
                          .options = nb_keep_options,                                              \
                          .usage = "x:" #word "(dims…, {keep})",                                   \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = every,                                                         \
                          .plain = NB_PLAIN_BOOLEAN,                                               \
                          .forward = truth_forward,                                                \
                          .samples = "-, 5, 2x3, 3x2t, 2x3c /1, 2x3x2 /1 /3, 0x3, 0x3 /1",         \
                          .low = -2,                                                               \
                          .high = 2}

COUNT(all, 1,
      "Whether every element is other than 0: true or false, or over the dimensions named a u8 "
      "tensor; true of nothing.",
      "tensor{1, 2}:gt(0):all() → true");
COUNT(
    any, 0,
    "Whether an element is other than 0: true or false, or over the dimensions named a u8 tensor; "
    "false of nothing.",
    "tensor{1, 2}:gt(1):any() → true");

NB_DEFINE_OP(equal) = {
    .name = "equal",
    .signature = "t",
    .usage = "x:equal(y)",
    .help = "Whether two tensors have the same shape and equal elements; NaN is equal to nothing.",
    .example = "tensor{1, 2}:equal(tensor{1, 2}) → true",
    .plain = NB_PLAIN_BOOLEAN,
    .forward = equal_forward,
    .samples = "- -, 2x3 2x3, 2x3 3, 3x2t 3x2, 0x3 0x3",
    .low = -2,
    .high = 2,
};

NB_DEFINE_OP(allclose) = {
    .name = "allclose",
    .signature = "t",
    .options = close_options,
    .usage = "tensor.allclose(x, y, {rtol, atol, nan}), or x:allclose(y, …)",
    .help = "Whether |x - y| <= atol + rtol |y| everywhere; an infinity is close to itself.",
    .example = "tensor.allclose(tensor{1, 2}, tensor{1, 2 + 1e-9}) → true",
    .plain = NB_PLAIN_BOOLEAN,
    .forward = allclose_forward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit",
    .samples = "- -, 2x3 2x3, 2x3 3, 3x2t 3x2, 0x3 3",
    .low = -2,
    .high = 2,
};
