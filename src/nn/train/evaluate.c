/* Cost and right answers of a network over a data set. */
#include "nn/train/evaluate.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

enum { CHUNK = 500 }; /* examples at a time: large products, small buffers */

nb_status nb_batch_new(nb_ctx *ctx, const nb_net *net, int64_t n, nb_tensor **x, nb_tensor **y)
{
    int64_t shape[NB_MAX_DIMS] = {n};
    memcpy(shape + 1, nb_net_in(net)->size, (size_t)nb_net_in(net)->dims * sizeof *shape);
    *x = nb_tensor_new(ctx, net->dtype, nb_net_in(net)->dims + 1, shape);
    memcpy(shape + 1, nb_net_out(net)->size, (size_t)nb_net_out(net)->dims * sizeof *shape);
    *y = *x ? nb_tensor_new(ctx, net->dtype, nb_net_out(net)->dims + 1, shape) : NULL;
    if (*y) return NB_OK;
    nb_tensor_release(ctx, *x);
    *x = NULL;
    return ctx->status;
}

/* Shapes of one example, without the number of examples. */
static bool same_examples(const nb_tensor *all, int dims, const int64_t *shape)
{
    return all->dims == dims + 1 && !memcmp(all->shape + 1, shape, (size_t)dims * sizeof *shape);
}

nb_status nb_set_check(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    nb_shape_text(nb_net_in(net)->dims, nb_net_in(net)->size, wanted);
    if (set->count < 1) return nb_fail(ctx, NB_EARG, "the set has no examples");
    if (!set->y) return nb_fail(ctx, NB_EARG, "the set has no y to learn from");
    if (!same_examples(set->x, nb_net_in(net)->dims, nb_net_in(net)->size))
        return nb_fail(ctx, NB_ESHAPE, "the set's examples are %s; the network takes %s",
                       nb_shape_text(set->x->dims - 1, set->x->shape + 1, given), wanted);
    nb_shape_text(nb_net_out(net)->dims, nb_net_out(net)->size, wanted);
    if (set->classes) {
        bool fits = nb_net_out(net)->dims == 1 && nb_net_out(net)->size[0] == set->classes->count;
        if (fits) return NB_OK;
        return nb_fail(ctx, NB_ESHAPE, "the set has %lld classes; the network gives %s",
                       (long long)set->classes->count, wanted);
    }
    bool column = set->y->dims == 1 && nb_net_out(net)->dims == 1 && nb_net_out(net)->size[0] == 1;
    if (column || same_examples(set->y, nb_net_out(net)->dims, nb_net_out(net)->size)) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "the set's targets are %s; the network gives %s",
                   nb_shape_text(set->y->dims - 1, set->y->shape + 1, given), wanted);
}

/* Right answers among rows of output and target: the largest at the same place; a single output on
 * the same side of one half. `is_z`: the output is z of a sigmoid, whose half is at 0. */
static int64_t count_right(const nb_tensor *out, const nb_tensor *y, bool is_z)
{
    const nb_real_kernels *real = nb_real(out->dtype);
    int64_t n = out->shape[0], columns = nb_tensor_count(out) / n, right = 0;
    size_t width = nb_dtype_size(out->dtype);
    for (int64_t i = 0; i < n; i++) {
        const char *a = (const char *)nb_tensor_data(out) + (size_t)(i * columns) * width;
        const char *t = (const char *)nb_tensor_data(y) + (size_t)(i * columns) * width;
        if (columns > 1) {
            right += real->argmax((size_t)columns, a, 1) == real->argmax((size_t)columns, t, 1);
            continue;
        }
        double given = real->sum(1, a, 1), wanted = real->sum(1, t, 1);
        right += (given > (is_z ? 0 : 0.5)) == (wanted > 0.5);
    }
    return right;
}

/* True where y says which answer is right: class numbers, or rows of 0 with one 1. */
static bool has_classes(const nb_set *set, const nb_tensor *y)
{
    if (set->classes) return true;
    const nb_real_kernels *real = nb_real(y->dtype);
    int64_t n = y->shape[0], columns = nb_tensor_count(y) / n;
    size_t width = nb_dtype_size(y->dtype);
    for (int64_t i = 0; i < n; i++) {
        const char *row = (const char *)nb_tensor_data(y) + (size_t)(i * columns) * width;
        double sum = real->sum((size_t)columns, row, 1);
        double squares = real->sum_squares((size_t)columns, row, 1);
        bool one = sum == 1 && squares == 1;
        if (!one && !(columns == 1 && sum == 0)) return false;
    }
    return true;
}

/* Adds examples start … start + n - 1. */
static nb_status add_chunk(nb_ctx *ctx, nb_net *net, const nb_set *set, int64_t start, int64_t n,
                           nb_evaluation *out, double *sum)
{
    nb_tensor *x, *y;
    nb_result pass;
    nb_status status = nb_batch_new(ctx, net, n, &x, &y);
    if (status != NB_OK) return status;
    status = nb_set_gather(ctx, set, NULL, start, n, 0, x, y);
    if (status == NB_OK) status = nb_net_run(ctx, net, x, y, NULL, NULL, &pass);
    if (status == NB_OK) {
        nb_tensor *rows = nb_tensor_contiguous(ctx, pass.output);
        *sum += nb_tensor_item(pass.cost) * (double)n;
        out->examples += n;
        if (!rows)
            status = ctx->status;
        else if (!has_classes(set, y))
            out->correct = -1;
        else if (out->correct >= 0)
            out->correct += count_right(rows, y, nb_net_fused(net) != NB_OPS);
        nb_tensor_release(ctx, rows);
        nb_result_free(ctx, &pass);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return status;
}

nb_status nb_evaluate(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_evaluation *out)
{
    double sum = 0;
    nb_status status = nb_set_check(ctx, net, set);
    *out = (nb_evaluation){.examples = 0};
    for (int64_t i = 0; i < set->count && status == NB_OK; i += CHUNK) {
        int64_t n = set->count - i < CHUNK ? set->count - i : CHUNK;
        nb_tell(ctx, "evaluating", i, set->count);
        status = add_chunk(ctx, net, set, i, n, out, &sum);
    }
    out->cost = out->examples ? sum / (double)out->examples : 0;
    return status;
}
