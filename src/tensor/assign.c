/* Writing into a tensor what a user gives. */
#include "tensor/assign.h"

#include "tensor/shape.h"
#include "tensor/walk.h"

#include <math.h>

/* What a dtype that stores holds, and the first element that does not fit. */
typedef struct fitting {
    double low, high;
    bool failed;
    double misfit;
} fitting;

/* Comparisons come first: a number outside, or NaN, is never converted to an integer. */
#define FIT(dtype, T)                                                                              \
    static void fit_##dtype(void *arg, size_t n, char *const *at, const int64_t *stride)           \
    {                                                                                              \
        fitting *f = arg;                                                                          \
        const T *x = (const T *)at[0];                                                             \
        const double low = f->low, high = f->high;                                                 \
        for (int64_t i = 0; i < (int64_t)n && !f->failed; i++) {                                   \
            double v = (double)x[i * stride[0]];                                                   \
            double inside = v >= low && v <= high ? v : 0.5;                                       \
            if ((double)(int32_t)inside == inside) continue;                                       \
            f->failed = true;                                                                      \
            f->misfit = v == v ? v : NAN; /* without a sign */                                     \
        }                                                                                          \
    }

FIT(f32, float)
FIT(f64, double)
FIT(i32, int32_t)

/* f64 into f32, which holds infinity and NaN, but no finite number from NB_F32_END on. */
static void fit_single(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    fitting *f = arg;
    const double *x = (const double *)at[0];
    for (int64_t i = 0; i < (int64_t)n && !f->failed; i++) {
        double v = x[i * stride[0]];
        if (!isfinite(v) || fabs(v) < NB_F32_END) continue;
        f->failed = true;
        f->misfit = v;
    }
}

/* The loop that looks for a misfit; NULL where there can be none. */
static nb_walk_fn *fit_of(nb_dtype from, nb_dtype to)
{
    static nb_walk_fn *const loops[NB_DTYPES] = {
        [NB_F32] = fit_f32, [NB_F64] = fit_f64, [NB_I32] = fit_i32};
    if (to == NB_F32 && from == NB_F64) return fit_single;
    return nb_dtype_computes(to) || to == from ? NULL : loops[from];
}

static nb_status check_fit(nb_ctx *ctx, const nb_tensor *from, nb_dtype dtype)
{
    nb_walk_fn *loop = fit_of(from->dtype, dtype);
    fitting f = {.failed = false};
    nb_walk walk;
    if (!loop) return NB_OK;
    nb_dtype_range(dtype, &f.low, &f.high);
    nb_walk_make(&walk, from->dims, from->shape, 1, &from);
    nb_status status = nb_walk_in_order(ctx, &walk, loop, &f);
    if (status != NB_OK || !f.failed) return status;
    if (dtype == NB_F32) return nb_fail(ctx, NB_EVALUE, "%.7g does not fit into f32", f.misfit);
    return nb_fail(ctx, NB_EVALUE,
                   "%.7g does not fit into %s, which holds whole numbers from %.0f "
                   "to %.0f",
                   f.misfit, nb_dtype_name(dtype), f.low, f.high);
}

nb_tensor *nb_tensor_fit(nb_ctx *ctx, nb_tensor *from, nb_dtype dtype)
{
    if (check_fit(ctx, from, dtype) != NB_OK) return NULL;
    return nb_tensor_convert(ctx, from, dtype, 1);
}

nb_status nb_tensor_assign(nb_ctx *ctx, nb_tensor *to, const nb_tensor *from)
{
    if (check_fit(ctx, from, to->dtype) != NB_OK) return ctx->status;
    if (to->storage != from->storage) return nb_tensor_copy(ctx, to, from);
    nb_tensor *copy = nb_tensor_clone(ctx, from);
    if (!copy) return ctx->status;
    nb_status status = nb_tensor_copy(ctx, to, copy);
    nb_tensor_release(ctx, copy);
    return status;
}
