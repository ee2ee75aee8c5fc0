/* Examples as a network takes them: shapes, dtypes, class numbers as targets. */
#include "nn/examples.h"

#include "base/text.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

static bool ends_with(const nb_tensor *t, int dims, const int64_t *shape)
{
    return t->dims >= dims &&
           !memcmp(t->shape + t->dims - dims, shape, (size_t)dims * sizeof *shape);
}

nb_tensor *nb_net_inputs(nb_ctx *ctx, const nb_net *net, nb_tensor *x, bool *single)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    bool fits = ends_with(x, nb_net_in(net)->dims, nb_net_in(net)->size) &&
                x->dims <= nb_net_in(net)->dims + 1;
    if (!fits)
        return nb_fail_null(
            ctx, NB_ESHAPE, "x is %s; the network takes examples of %s, so %s or nx%s",
            nb_shape_text(x->dims, x->shape, given),
            nb_shape_text(nb_net_in(net)->dims, nb_net_in(net)->size, wanted), wanted, wanted);
    *single = x->dims == nb_net_in(net)->dims;
    nb_tensor *same = nb_tensor_convert(ctx, x, net->dtype, 1);
    if (!same || !*single) return same;
    int64_t shape[NB_MAX_DIMS] = {1};
    memcpy(shape + 1, nb_net_in(net)->size, (size_t)nb_net_in(net)->dims * sizeof *shape);
    nb_tensor *batch = nb_tensor_reshape(ctx, same, nb_net_in(net)->dims + 1, shape);
    nb_tensor_release(ctx, same);
    return batch;
}

/* Says what is wrong with a class number, and with the usual reason for a 0. */
static nb_status bad_class(nb_ctx *ctx, double value, int64_t classes)
{
    char text[NB_NUMBER_MAX];
    if (value == 0)
        return nb_fail(ctx, NB_EARG,
                       "y holds class 0, but classes count from 1 to %lld; add 1 to y",
                       (long long)classes);
    return nb_fail(ctx, NB_EARG, "y holds class %s; the network has classes 1 to %lld",
                   nb_number_text(value, text), (long long)classes);
}

/* (n) class numbers as (n, K) with a 1 at each. */
static nb_tensor *one_hot(nb_ctx *ctx, const nb_net *net, const nb_tensor *y, int64_t n)
{
    int64_t classes = nb_net_out(net)->size[0];
    const int64_t shape[2] = {n, classes};
    nb_tensor *out = nb_tensor_zeros(ctx, net->dtype, 2, shape);
    for (int64_t i = 0; out && i < n; i++) {
        double value = nb_tensor_get(y, &i);
        if (value >= 1 && value <= (double)classes && value == floor(value)) {
            nb_tensor_set(out, (const int64_t[]){i, (int64_t)value - 1}, 1);
            continue;
        }
        bad_class(ctx, value, classes);
        nb_tensor_release(ctx, out);
        out = NULL;
    }
    return out;
}

static nb_status counts_differ(nb_ctx *ctx, const nb_net *net, const nb_tensor *y, int64_t n)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    int64_t shape[NB_MAX_DIMS] = {n};
    memcpy(shape + 1, nb_net_out(net)->size, (size_t)nb_net_out(net)->dims * sizeof *shape);
    return nb_fail(ctx, NB_ESHAPE, "y is %s; %lld examples need targets %s%s",
                   nb_shape_text(y->dims, y->shape, given), (long long)n,
                   nb_shape_text(nb_net_out(net)->dims + 1, shape, wanted),
                   nb_net_out(net)->dims == 1 && nb_net_out(net)->size[0] > 1
                       ? " or as many class numbers"
                       : "");
}

nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    bool classes = nb_net_out(net)->dims == 1 && nb_net_out(net)->size[0] > 1;
    int64_t shape[NB_MAX_DIMS] = {n};
    memcpy(shape + 1, nb_net_out(net)->size, (size_t)nb_net_out(net)->dims * sizeof *shape);
    bool whole = y->dims == nb_net_out(net)->dims + 1 && y->shape[0] == n;
    bool one = n == 1 && y->dims == nb_net_out(net)->dims;
    bool column = !classes && nb_net_out(net)->dims == 1 && y->dims == 1 && y->shape[0] == n;
    if (ends_with(y, nb_net_out(net)->dims, nb_net_out(net)->size) ? whole || one : column) {
        nb_tensor *same = nb_tensor_convert(ctx, y, net->dtype, 1);
        nb_tensor *batch =
            same ? nb_tensor_reshape(ctx, same, nb_net_out(net)->dims + 1, shape) : NULL;
        nb_tensor_release(ctx, same);
        return batch;
    }
    if (classes && nb_tensor_count(y) == n && (y->dims == 1 || (y->dims == 0 && n == 1))) {
        nb_tensor *list = nb_tensor_reshape(ctx, y, 1, &n);
        nb_tensor *out = list ? one_hot(ctx, net, list, n) : NULL;
        nb_tensor_release(ctx, list);
        return out;
    }
    counts_differ(ctx, net, y, n);
    return NULL;
}
