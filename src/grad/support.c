/* What the files of ops share. */
#include "grad/support.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

const nb_option nb_keep_options[] = {NB_KEEP_OPTION, NB_OPTIONS_END};

typedef nb_status run_walk(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg);

static nb_tensor *map_by(run_walk *run, nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                         const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg)
{
    const nb_tensor *operand[NB_WALK_MAX];
    nb_walk walk;
    nb_tensor *out = nb_tensor_new(ctx, dtype, dims, shape);
    if (!out) return NULL;
    operand[0] = out;
    for (int i = 0; i < inputs; i++) operand[i + 1] = in[i];
    nb_walk_make(&walk, dims, shape, inputs + 1, operand);
    return nb_tensor_settle(ctx, out, run(ctx, &walk, loop, arg));
}

nb_tensor *nb_map(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                  const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg)
{
    return map_by(nb_walk_run, ctx, dtype, dims, shape, in, inputs, loop, arg);
}

nb_tensor *nb_map_elements(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                           const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg)
{
    return map_by(nb_walk_elements, ctx, dtype, dims, shape, in, inputs, loop, arg);
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
    if (to->dtype != dtype || to->dims != dims || !nb_tensor_is_simple(to)) return false;
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
    if (!out) return nb_map_elements(ctx, dtype, dims, shape, in, call->inputs, loop, arg);
    const nb_tensor *operand[NB_WALK_MAX] = {out};
    nb_walk walk;
    for (int i = 0; i < call->inputs; i++) operand[i + 1] = in[i];
    nb_walk_make(&walk, dims, shape, call->inputs + 1, operand);
    return nb_walk_elements(ctx, &walk, loop, arg) == NB_OK ? nb_tensor_retain(out) : NULL;
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

unsigned nb_named_dims(const nb_dims *dims, const nb_tensor *x)
{
    unsigned bits = 0;
    if (dims->count == 0) return (1u << x->dims) - 1;
    for (int i = 0; i < dims->count; i++) bits |= 1u << dims->at[i];
    return bits;
}

nb_tensor *nb_keep_dims(nb_ctx *ctx, const nb_record *record, const nb_tensor *reduced)
{
    const nb_tensor *x = record->in[0];
    unsigned dims = nb_named_dims(&record->attr.dims, x);
    int64_t shape[NB_MAX_DIMS];
    for (int i = 0; i < x->dims; i++) shape[i] = dims >> i & 1 ? 1 : x->shape[i];
    return nb_tensor_reshape(ctx, reduced, x->dims, shape);
}

/* As nb_reduce, over the dimensions of a plan. */
static nb_tensor *reduce(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, nb_dtype dtype,
                         bool saves, nb_reduce_fn *fill)
{
    size_t bytes = (size_t)plan->count * sizeof(double);
    double *acc = nb_alloc(ctx, bytes);
    nb_tensor *out = NULL;
    if (!acc) return NULL;
    nb_status status = fill(ctx, call, plan, acc);
    if (status == NB_OK && saves && call->recording) {
        call->saved[0] = nb_fold_tensor(ctx, plan, acc, dtype, 1, true);
        if (!call->saved[0]) status = ctx->status;
    }
    if (status == NB_OK) out = nb_fold_tensor(ctx, plan, acc, dtype, 1, call->attr.reduce.keep);
    nb_free(ctx, acc, bytes);
    return out;
}

nb_tensor *nb_reduce(nb_ctx *ctx, nb_call *call, nb_dtype dtype, bool saves, nb_reduce_fn *fill)
{
    const nb_tensor *x = call->in[0];
    nb_fold_plan plan;
    nb_fold_plan_make(&plan, x, nb_named_dims(&call->attr.dims, x));
    return reduce(ctx, call, &plan, dtype, saves, fill);
}

nb_status nb_reduce_fold(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    return nb_fold_run(ctx, plan, (nb_fold)call->op->kernel, NULL, acc);
}

nb_tensor *nb_sum_dims(nb_ctx *ctx, const nb_tensor *x, unsigned dims)
{
    nb_call call = {.op = nb_ops[NB_OP_sum], .attr.reduce.keep = true};
    nb_fold_plan plan;
    nb_fold_plan_make(&plan, x, dims);
    return reduce(ctx, &call, &plan, nb_dtype_computing(ctx, x->dtype), false, nb_reduce_fold);
}

nb_tensor *nb_save_output(nb_ctx *ctx, nb_call *call, nb_tensor *y)
{
    if (!y || !call->recording) return y;
    call->saved[0] = nb_tensor_alias(ctx, y);
    return nb_tensor_settle(ctx, y, call->saved[0] ? NB_OK : ctx->status);
}

nb_tensor *nb_zero_where(nb_ctx *ctx, nb_tensor *x, nb_tensor *value)
{
    if (!value) return NULL;
    nb_tensor *nothing = nb_tensor_scalar(ctx, value->dtype, 0), *out = NULL;
    nb_tensor *zero = nothing ? nb_op2(ctx, NB_OP_eq, x, nothing) : NULL;
    nb_call where = {
        .op = nb_ops[NB_OP_where], .in = {zero, nothing, value}, .inputs = 3, .ends = 1 << 2};
    if (zero) out = nb_op_call(ctx, &where);
    nb_tensor_release(ctx, nothing);
    nb_tensor_release(ctx, zero);
    nb_tensor_release(ctx, value);
    return out;
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
    nb_tensor *sum = nb_sum_dims(ctx, gradient, dims);
    if (!sum) return NULL;
    nb_tensor *out = nb_tensor_reshape(ctx, sum, input->dims, input->shape);
    nb_tensor_release(ctx, sum);
    return out;
}

nb_status nb_run_pieces(nb_ctx *ctx, size_t pieces, bool worth, nb_piece *piece, void *job)
{
    if (worth)
        nb_parallel(ctx, pieces, piece, job);
    else
        for (size_t i = 0; i < pieces; i++) piece(job, i);
    return nb_poll(ctx);
}
