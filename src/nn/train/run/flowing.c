/* Figures of a trace, as a run keeps them. */
#include "nn/train/run/flowing.h"

#include "nn/inspect/trace.h"

#include <math.h>

static nb_status norm_of(nb_ctx *ctx, nb_tensor *t, double *out)
{
    nb_call call = {.op = nb_ops[NB_OP_norm], .in = {t}, .inputs = 1};
    call.attr.norm.p = 2;
    nb_tensor *norm = nb_op_call(ctx, &call);
    if (!norm) return ctx->status;
    *out = nb_tensor_item(norm);
    nb_tensor_release(ctx, norm);
    return NB_OK;
}

/* The parameters' gradients as one vector. */
static nb_status gradient_size(nb_ctx *ctx, const nb_trace_place *place, double *out)
{
    double sum = 0, size;
    for (int i = 0; i < place->grads; i++) {
        if (norm_of(ctx, place->grad[i], &size) != NB_OK) return ctx->status;
        sum += size * size;
    }
    if (place->grads) *out = sqrt(sum);
    return NB_OK;
}

/* Padding has no neurons that could be saturated: small is (n, T, K), 0 there afterwards. */
static nb_tensor *without_padding(nb_ctx *ctx, nb_tensor *small, nb_tensor *lengths)
{
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {small}, .inputs = 1, .attr.dtype = NB_F32};
    nb_tensor *real = nb_op_call(ctx, &to);
    nb_tensor *masked = real ? nb_op2(ctx, NB_OP_mask_steps, real, lengths) : NULL;
    nb_tensor_release(ctx, real);
    return masked;
}

/* The numbers of a slope that are no padding. */
static nb_status count_real(nb_ctx *ctx, const nb_tensor *slope, nb_tensor *lengths, double *count)
{
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, lengths);
    if (!sum) return ctx->status;
    double steps = (double)(slope->shape[0] * slope->shape[1]);
    *count = (double)nb_tensor_count(slope) / steps * nb_tensor_item(sum);
    nb_tensor_release(ctx, sum);
    return NB_OK;
}

static nb_status saturated_share(nb_ctx *ctx, const nb_trace_place *place, double *out)
{
    double count = (double)nb_tensor_count(place->slope);
    nb_tensor *size = nb_op1(ctx, NB_OP_abs, place->slope);
    nb_tensor *small = size ? nb_op_number(ctx, NB_OP_lt, size, NB_FLOW_SLOPE) : NULL;
    nb_tensor *real = small && place->lengths ? without_padding(ctx, small, place->lengths)
                      : small                 ? nb_tensor_retain(small)
                                              : NULL;
    nb_tensor *sum = real ? nb_op1(ctx, NB_OP_sum, real) : NULL;
    nb_status status = sum ? NB_OK : ctx->status;
    if (status == NB_OK && place->lengths)
        status = count_real(ctx, place->slope, place->lengths, &count);
    if (status == NB_OK) *out = nb_tensor_item(sum) / count;
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, small);
    nb_tensor_release(ctx, size);
    return status;
}

static nb_status read_place(nb_ctx *ctx, const nb_trace_place *place, double *out)
{
    for (int i = 0; i < NB_FLOW_FIGURES; i++) out[i] = NAN;
    nb_status status = norm_of(ctx, place->delta, &out[NB_FLOW_DELTA]);
    if (status == NB_OK) status = gradient_size(ctx, place, &out[NB_FLOW_GRADIENT]);
    if (status == NB_OK && place->slope)
        status = saturated_share(ctx, place, &out[NB_FLOW_SATURATED]);
    return status;
}

/* Whether an example has a weight that counts. */
static bool counts(const nb_weights *weights, int64_t i)
{
    if (!weights || !weights->of || weights->by_class) return true;
    return ((const double *)nb_tensor_data(weights->of))[i] > 0;
}

/* Examples that stand evenly among those of a set that count: files are often sorted by class.
 * Their number. */
static int64_t choose(int32_t *order, int64_t examples, const nb_weights *weights)
{
    int64_t count = 0, seen = 0, n = 0;
    for (int64_t i = 0; i < examples; i++) count += counts(weights, i);
    int64_t most = count < NB_FLOW_EXAMPLES ? count : NB_FLOW_EXAMPLES;
    for (int64_t i = 0; i < examples && n < most; i++) {
        if (!counts(weights, i)) continue;
        if (seen++ == n * count / most) order[n++] = (int32_t)i;
    }
    return n;
}

static nb_status measure(nb_ctx *ctx, nb_net *net, const nb_batch *batch, nb_tensor *weights,
                         double *out)
{
    nb_trace trace = {.place = NULL};
    const nb_mode mode = {.lengths = batch->lengths, .weights = weights};
    nb_status status = nb_trace_run_as(ctx, net, batch->x, batch->y, &mode, &trace);
    if (status == NB_OK) status = nb_trace_slopes(ctx, net, batch->y, &trace);
    for (int i = 0; i < trace.places && status == NB_OK; i++)
        status = read_place(ctx, &trace.place[i], out + i * NB_FLOW_FIGURES);
    nb_trace_free(ctx, &trace);
    return status;
}

nb_status nb_flow_measure(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                          double *out)
{
    int32_t order[NB_FLOW_EXAMPLES];
    int64_t n = choose(order, set->count, weights);
    nb_tensor *x = NULL, *y = NULL, *weighed = NULL;
    nb_batch batch = {.x = NULL};
    nb_status status = nb_batch_new(ctx, net, set, n, &x, &y);
    if (status == NB_OK) status = nb_batch_gather(ctx, set, order, 0, n, 0, x, y, &batch);
    if (status == NB_OK)
        status = nb_weights_gather(ctx, weights, net, set, order, &batch, &weighed);
    if (status == NB_OK) status = measure(ctx, net, &batch, weighed, out);
    nb_tensor_release(ctx, weighed);
    nb_batch_free(ctx, &batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return status;
}
