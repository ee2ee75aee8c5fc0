/* Writing into a tensor what a user gives. */
#include "tensor/assign.h"

#include "tensor/shape.h"
#include "tensor/walk.h"

#include <math.h>

/* What a dtype holds, and the first element that it does not. */
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

static nb_status check_fit(nb_ctx *ctx, const nb_tensor *from, nb_dtype dtype)
{
    static nb_walk_fn *const loops[NB_DTYPES] = {
        [NB_F32] = fit_f32, [NB_F64] = fit_f64, [NB_I32] = fit_i32};
    fitting f = {.failed = false};
    nb_walk walk;
    if (nb_dtype_computes(dtype) || dtype == from->dtype || from->dtype == NB_U8) return NB_OK;
    nb_dtype_range(dtype, &f.low, &f.high);
    nb_walk_make(&walk, from->dims, from->shape, 1, &from);
    nb_status status = nb_walk_in_order(ctx, &walk, loops[from->dtype], &f);
    if (status != NB_OK || !f.failed) return status;
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
