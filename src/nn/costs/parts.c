/* What costs are composed with. */
#include "nn/costs/parts.h"

#include "base/text.h"
#include "kernel/kernel.h"

#include <math.h>
#include <stdio.h>

/* ---- Means ---------------------------------------------------------------------------------- */

/* (n, 1, …) of as many dimensions as `like`. */
static nb_tensor *beside(nb_ctx *ctx, nb_tensor *weights, const nb_tensor *like)
{
    nb_call reshape = {.op = nb_ops[NB_OP_reshape], .in = {weights}, .inputs = 1};
    struct nb_attr_sizes *sizes = &reshape.attr.sizes;
    sizes->at[sizes->count++] = weights->shape[0];
    while (sizes->count < like->dims) sizes->at[sizes->count++] = 1;
    return nb_op_call(ctx, &reshape);
}

/* terms, each example's times its weight; takes them over. */
static nb_tensor *weigh(nb_ctx *ctx, nb_tensor *terms, nb_tensor *weights)
{
    nb_tensor *column = beside(ctx, weights, terms);
    nb_tensor *real = column ? nb_tensor_convert(ctx, column, terms->dtype, 1) : NULL;
    nb_tensor *out = NULL;
    if (real)
        out = nb_then2(ctx, NB_OP_mul, terms, real);
    else
        nb_tensor_release(ctx, terms);
    nb_tensor_release(ctx, column);
    nb_tensor_release(ctx, real);
    return out;
}

/* What the sum over examples is divided by. Where none counts, C is 0. */
static nb_status total_of(nb_ctx *ctx, const nb_answers *y, int64_t examples, double *total)
{
    *total = examples ? (double)examples : 1;
    if (!y->weights) return NB_OK;
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, y->weights);
    if (!sum) return ctx->status;
    *total = nb_tensor_item(sum);
    if (!(*total > 0)) *total = 1;
    nb_tensor_release(ctx, sum);
    return NB_OK;
}

nb_tensor *nb_cost_mean(nb_ctx *ctx, nb_tensor *terms, const nb_answers *y, double factor)
{
    double total;
    if (!terms) return NULL;
    nb_status status = total_of(ctx, y, terms->dims ? terms->shape[0] : 1, &total);
    if (status != NB_OK) {
        nb_tensor_release(ctx, terms);
        return NULL;
    }
    if (y->weights) terms = weigh(ctx, terms, y->weights);
    return nb_then_number(ctx, NB_OP_mul, nb_then1(ctx, NB_OP_sum, terms), factor / total);
}

double nb_cost_outputs(const nb_tensor *a)
{
    return (double)nb_tensor_count(a) / (double)(a->dims && a->shape[0] ? a->shape[0] : 1);
}

/* ---- Classes -------------------------------------------------------------------------------- */

bool nb_answers_are_classes(const nb_answers *y)
{
    return !nb_dtype_computes(y->y->dtype);
}

nb_tensor *nb_at_classes(nb_ctx *ctx, nb_tensor *a, const nb_answers *y)
{
    nb_call column = {.op = nb_ops[NB_OP_unsqueeze], .in = {y->y}, .inputs = 1};
    column.attr.dim = a->dims - 1;
    nb_tensor *index = nb_op_call(ctx, &column);
    if (!index) return NULL;
    nb_call gather = {.op = nb_ops[NB_OP_gather], .in = {a, index}, .inputs = 2};
    gather.attr.dim = a->dims - 1;
    nb_tensor *out = nb_op_call(ctx, &gather);
    nb_tensor_release(ctx, index);
    return out;
}

/* ---- Ranges --------------------------------------------------------------------------------- */

/* What rounding may add to a sum that is 1. */
#define OUTSIDE_LEAST 1e-5

nb_status nb_check_range(nb_ctx *ctx, nb_tensor *t, double low, double high, const char *takes,
                         const char *way)
{
    char text[NB_NUMBER_MAX];
    if (nb_tensor_count(t) == 0) return NB_OK;
    nb_tensor *whole = nb_tensor_contiguous(ctx, t);
    if (!whole) return ctx->status;
    const nb_real_kernels *real = nb_real(whole->dtype);
    const char *data = nb_tensor_data(whole);
    size_t n = (size_t)nb_tensor_count(whole), width = nb_dtype_size(whole->dtype);
    double least = real->sum(1, data + real->argmin(n, data, 1) * width, 1);
    double most = real->sum(1, data + real->argmax(n, data, 1) * width, 1);
    nb_tensor_release(ctx, whole);
    bool below = least < low - OUTSIDE_LEAST;
    if (!below && !(most > high + OUTSIDE_LEAST)) return NB_OK;
    snprintf(text, sizeof text, "%.4g", below ? least : most);
    return nb_fail(ctx, NB_EARG, "%s, not %s%s", takes, text, way);
}

bool nb_range_is_unknown(nb_activation last)
{
    return !last.type || isnan(last.type->low) || last.type->host;
}

static bool is_whole_layer(nb_activation last, nb_op_id op)
{
    return last.type && last.type->whole_layer && last.type->op == op;
}

bool nb_is_elementwise(nb_activation last, nb_unary kernel)
{
    const nb_activation_type *type = last.type;
    return type && !type->whole_layer && !type->host && type->kernel == kernel;
}

bool nb_is_softmax(nb_activation last)
{
    return is_whole_layer(last, NB_OP_softmax);
}

bool nb_is_log_softmax(nb_activation last)
{
    return is_whole_layer(last, NB_OP_log_softmax);
}
