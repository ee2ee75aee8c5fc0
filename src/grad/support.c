/* What the files of ops share. */
#include "grad/support.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

const nb_option nb_keep_options[] = {NB_KEEP_OPTION, NB_OPTIONS_END};

nb_tensor *nb_map(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                  const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg)
{
    const nb_tensor *operand[NB_WALK_MAX];
    nb_walk walk;
    nb_tensor *out = nb_tensor_new(ctx, dtype, dims, shape);
    if (!out) return NULL;
    operand[0] = out;
    for (int i = 0; i < inputs; i++) operand[i + 1] = in[i];
    nb_walk_make(&walk, dims, shape, inputs + 1, operand);
    if (nb_walk_run(ctx, &walk, loop, arg) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* Whether no two elements of a tensor are one in memory. */
static bool is_simple(const nb_tensor *t)
{
    for (int i = 0; i < t->dims; i++)
        if (t->shape[i] > 1 && t->stride[i] == 0) return false;
    return true;
}

static bool same_places(const nb_tensor *a, const nb_tensor *b)
{
    size_t bytes = (size_t)a->dims * sizeof *a->stride;
    return a->dtype == b->dtype && a->offset == b->offset && nb_tensor_same_shape(a, b) &&
           memcmp(a->stride, b->stride, bytes) == 0;
}

static bool fits(const nb_call *call, const nb_tensor *to, nb_dtype dtype, int dims,
                 const int64_t *shape)
{
    if (to->dtype != dtype || to->dims != dims || !is_simple(to)) return false;
    if (memcmp(to->shape, shape, (size_t)dims * sizeof *shape) != 0) return false;
    for (int i = 0; i < call->inputs; i++)
        if (call->in[i]->storage == to->storage && !same_places(call->in[i], to)) return false;
    return true;
}

nb_tensor *nb_call_target(const nb_call *call, nb_dtype dtype, int dims, const int64_t *shape)
{
    if (call->recording) return NULL;
    if (call->into && fits(call, call->into, dtype, dims, shape)) return call->into;
    for (int i = 0; i < call->inputs; i++) {
        nb_tensor *in = call->in[i];
        bool free = call->ends >> i & 1 && nb_tensor_is_alone(in) && nb_tensor_is_contiguous(in);
        if (free && fits(call, in, dtype, dims, shape)) return in;
    }
    return NULL;
}

nb_tensor *nb_map_call(nb_ctx *ctx, const nb_call *call, nb_dtype dtype, int dims,
                       const int64_t *shape, nb_walk_fn *loop, void *arg)
{
    const nb_tensor *const *in = (const nb_tensor *const *)call->in;
    nb_tensor *out = nb_call_target(call, dtype, dims, shape);
    if (!out) return nb_map(ctx, dtype, dims, shape, in, call->inputs, loop, arg);
    const nb_tensor *operand[NB_WALK_MAX] = {out};
    nb_walk walk;
    for (int i = 0; i < call->inputs; i++) operand[i + 1] = in[i];
    nb_walk_make(&walk, dims, shape, call->inputs + 1, operand);
    return nb_walk_run(ctx, &walk, loop, arg) == NB_OK ? nb_tensor_retain(out) : NULL;
}

nb_status nb_delta_for_write(nb_ctx *ctx, nb_tensor *delta, nb_tensor **from, nb_tensor **to)
{
    *from = nb_tensor_contiguous(ctx, delta);
    if (!*from) return ctx->status;
    /* One owner is the pass, the second the reference just taken. */
    bool alone = *from != delta || delta->refs == 2;
    if (alone && (*from)->storage->refs == 1) {
        *to = nb_tensor_retain(*from);
        return NB_OK;
    }
    *to = nb_tensor_new(ctx, delta->dtype, delta->dims, delta->shape);
    if (*to) return NB_OK;
    nb_tensor_release(ctx, *from);
    *from = NULL;
    return ctx->status;
}

nb_status nb_misfit(nb_ctx *ctx, const char *op, const nb_tensor *a, const nb_tensor *b)
{
    char ta[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    return nb_fail(ctx, NB_ESHAPE, "%s: %s and %s do not fit", op,
                   nb_shape_text(a->dims, a->shape, ta), nb_shape_text(b->dims, b->shape, tb));
}

/* A sum under way: for each kept element, the walk over the reduced dimensions from there. */
typedef struct summing {
    const nb_real_kernels *real;
    const nb_walk *reduced;
    nb_dtype dtype;
    double scale;
} summing;

static void add_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    double *sum = ((void **)arg)[0];
    const nb_real_kernels *real = ((void **)arg)[1];
    *sum += real->sum(n, at[0], (ptrdiff_t)stride[0]);
}

static void sum_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const summing *how = arg;
    int64_t width = (int64_t)nb_dtype_size(how->dtype);
    nb_walk walk = *how->reduced;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        void *inner[2] = {&sum, (void *)(uintptr_t)how->real};
        walk.base[0] = at[1] + (int64_t)i * stride[1] * width;
        nb_walk_each(&walk, add_loop, inner);
        sum *= how->scale;
        nb_kernels_get()->convert[NB_F64][how->dtype](
            1, &sum, 1, at[0] + (int64_t)i * stride[0] * width, 1, 1.0);
    }
}

/* Rows summed into one: a contiguous matrix whose first dimensions go. Much faster than a strided
 * sum for every column. False where the case is another. */
static bool sum_rows(nb_ctx *ctx, const nb_tensor *x, unsigned dims, double scale, nb_tensor *out,
                     nb_status *status)
{
    int first = 0;
    while (first < x->dims && dims >> first & 1) first++;
    if (first == 0 || dims >> first || !nb_tensor_is_contiguous(x)) return false;
    int64_t columns = nb_tensor_count(out), count = nb_tensor_count(x);
    if (columns < 2 || count == 0) return false;
    double *sums = nb_alloc_zero(ctx, (size_t)columns, sizeof *sums);
    *status = sums ? NB_OK : ctx->status;
    if (!sums) return true;
    nb_real(x->dtype)->add_columns((size_t)(count / columns), (size_t)columns, nb_tensor_data(x),
                                   (ptrdiff_t)columns, sums);
    nb_kernels_get()->convert[NB_F64][x->dtype]((size_t)columns, sums, 1, nb_tensor_data(out), 1,
                                                scale);
    nb_free(ctx, sums, (size_t)columns * sizeof *sums);
    return true;
}

nb_tensor *nb_sum_dims(nb_ctx *ctx, const nb_tensor *x, unsigned dims, double scale)
{
    int64_t shape[NB_MAX_DIMS], kept[NB_MAX_DIMS], gone[NB_MAX_DIMS];
    nb_status status = NB_OK;
    nb_walk reduced, outer;
    for (int i = 0; i < x->dims; i++) {
        bool goes = dims >> i & 1;
        shape[i] = kept[i] = goes ? 1 : x->shape[i];
        gone[i] = goes ? x->shape[i] : 1;
    }
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, shape);
    if (!out || sum_rows(ctx, x, dims, scale, out, &status)) goto done;
    nb_tensor from_gone = *x, from_kept = *x;
    memcpy(from_gone.shape, gone, sizeof gone);
    memcpy(from_kept.shape, kept, sizeof kept);
    nb_walk_make(&reduced, x->dims, gone, 1, (const nb_tensor *const[]){&from_gone});
    nb_walk_make(&outer, x->dims, kept, 2, (const nb_tensor *const[]){out, &from_kept});
    summing how = {nb_real(x->dtype), &reduced, x->dtype, scale};
    status = nb_walk_run(ctx, &outer, sum_loop, &how);
done:
    if (out && status == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_tensor *nb_sum_to(nb_ctx *ctx, nb_tensor *gradient, const nb_tensor *input)
{
    if (nb_tensor_same_shape(gradient, input)) return nb_tensor_retain(gradient);
    int added = gradient->dims - input->dims;
    unsigned dims = 0;
    for (int i = 0; i < gradient->dims; i++) {
        bool broadcast = i < added || (input->shape[i - added] == 1 && gradient->shape[i] != 1);
        if (broadcast) dims |= 1u << i;
    }
    nb_tensor *sum = nb_sum_dims(ctx, gradient, dims, 1);
    if (!sum) return NULL;
    nb_tensor *out = nb_tensor_reshape(ctx, sum, input->dims, input->shape);
    nb_tensor_release(ctx, sum);
    return out;
}
