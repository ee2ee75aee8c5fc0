/* Examples as a network takes them: shapes, dtypes, class numbers as targets. */
#include "nn/examples.h"

#include "base/text.h"
#include "tensor/make.h"
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
    bool fits = ends_with(x, net->in_dims, net->in_shape) && x->dims <= net->in_dims + 1;
    if (!fits)
        return nb_fail_null(ctx, NB_ESHAPE,
                            "x is %s; the network takes examples of %s, so %s or nx%s",
                            nb_shape_text(x->dims, x->shape, given),
                            nb_shape_text(net->in_dims, net->in_shape, wanted), wanted, wanted);
    *single = x->dims == net->in_dims;
    nb_tensor *same = nb_tensor_convert(ctx, x, net->dtype, 1);
    if (!same || !*single) return same;
    int64_t shape[NB_MAX_DIMS] = {1};
    memcpy(shape + 1, net->in_shape, (size_t)net->in_dims * sizeof *shape);
    nb_tensor *batch = nb_tensor_reshape(ctx, same, net->in_dims + 1, shape);
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

/* Numbers that one step of an output holds. */
static int64_t units(const nb_net *net)
{
    return net->out_dims ? net->out_shape[net->out_dims - 1] : 1;
}

bool nb_net_takes_classes(const nb_net *net, int dims, const int64_t *shape)
{
    return dims == net->out_dims - 1 && units(net) > 1 &&
           !memcmp(shape, net->out_shape, (size_t)dims * sizeof *shape);
}

bool nb_net_wants_classes(const nb_net *net)
{
    return nb_net_fused(net) == NB_OP_softmax_cross_entropy;
}

/* Every number of y checked, as NB_I32 (n, …). */
static nb_tensor *class_numbers(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    int64_t shape[NB_MAX_DIMS] = {n}, classes = units(net);
    memcpy(shape + 1, net->out_shape, (size_t)(net->out_dims - 1) * sizeof *shape);
    nb_tensor *real = nb_tensor_convert(ctx, y, NB_F64, 1);
    nb_tensor *rows = real ? nb_tensor_reshape(ctx, real, net->out_dims, shape) : NULL;
    nb_tensor *whole = rows ? nb_tensor_contiguous(ctx, rows) : NULL;
    nb_status status = whole ? NB_OK : ctx->status;
    for (int64_t i = 0; whole && i < nb_tensor_count(whole) && status == NB_OK; i++) {
        double value = ((const double *)nb_tensor_data(whole))[i];
        bool fits = value >= 1 && value <= (double)classes && value == floor(value);
        if (!fits) status = bad_class(ctx, value, classes);
    }
    nb_tensor *out = status == NB_OK ? nb_tensor_convert(ctx, whole, NB_I32, 1) : NULL;
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, rows);
    nb_tensor_release(ctx, whole);
    return out;
}

/* Checked class numbers as the net's cost takes them; takes `numbers` over. */
static nb_tensor *as_wanted(nb_ctx *ctx, const nb_net *net, nb_tensor *numbers)
{
    if (!numbers || nb_net_wants_classes(net)) return numbers;
    int64_t shape[NB_MAX_DIMS] = {numbers->shape[0]};
    memcpy(shape + 1, net->out_shape, (size_t)net->out_dims * sizeof *shape);
    nb_tensor *out = nb_tensor_new(ctx, net->dtype, net->out_dims + 1, shape);
    if (out && nb_fill_one_hot(ctx, out, numbers) != NB_OK) {
        nb_tensor_release(ctx, out);
        out = NULL;
    }
    nb_tensor_release(ctx, numbers);
    return out;
}

static nb_status counts_differ(nb_ctx *ctx, const nb_net *net, const nb_tensor *y, int64_t n)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    int64_t shape[NB_MAX_DIMS] = {n};
    memcpy(shape + 1, net->out_shape, (size_t)net->out_dims * sizeof *shape);
    return nb_fail(ctx, NB_ESHAPE, "y is %s; %lld examples need targets %s%s",
                   nb_shape_text(y->dims, y->shape, given), (long long)n,
                   nb_shape_text(net->out_dims + 1, shape, wanted),
                   units(net) == 1      ? ""
                   : net->out_dims == 1 ? " or as many class numbers"
                                        : " or a class number for each step");
}

nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    int64_t shape[NB_MAX_DIMS] = {n};
    memcpy(shape + 1, net->out_shape, (size_t)net->out_dims * sizeof *shape);
    bool whole = y->dims == net->out_dims + 1 && y->shape[0] == n;
    bool one = n == 1 && y->dims == net->out_dims;
    bool column = net->out_dims == 1 && net->out_shape[0] == 1 && y->dims == 1 && y->shape[0] == n;
    if (ends_with(y, net->out_dims, net->out_shape) ? whole || one : column) {
        nb_tensor *same = nb_tensor_convert(ctx, y, net->dtype, 1);
        nb_tensor *batch = same ? nb_tensor_reshape(ctx, same, net->out_dims + 1, shape) : NULL;
        nb_tensor_release(ctx, same);
        return batch;
    }
    bool classes =
        y->dims > 0 && y->shape[0] == n && nb_net_takes_classes(net, y->dims - 1, y->shape + 1);
    if (classes || (n == 1 && nb_net_takes_classes(net, y->dims, y->shape)))
        return as_wanted(ctx, net, class_numbers(ctx, net, y, n));
    counts_differ(ctx, net, y, n);
    return NULL;
}
