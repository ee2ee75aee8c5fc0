/* dropout: while learning, each number is 0 with probability `rate` and else divided by 1 - rate,
 * so that its mean stays; evaluating, it is the identity (Srivastava and others, 2014). */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "nn/price.h"
#include "tensor/random.h"

#include <assert.h>
#include <stddef.h>

typedef struct dropout_settings {
    nb_layer_head head;
    double rate;
} dropout_settings;

static double rate_of(const nb_layer *layer)
{
    return ((const dropout_settings *)layer->settings)->rate;
}

static nb_status plan_dropout(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    (void)planner;
    (void)layer;
    plan->out = plan->in;
    return NB_OK;
}

/* The draws of this place in this step: 2^56 numbers of streams are enough for 2^42 steps. */
static nb_stream stream_of(const nb_walk *walk)
{
    static_assert(NB_LAYER_PLACES <= 1 << 14, "a place must fit beside the step");
    return nb_stream_make(walk->mode.seed, NB_FOR_DROPOUT,
                          walk->mode.step << 14 | (uint64_t)walk->place);
}

/* 1 with probability `keep`, else 0, in x's shape. */
static nb_tensor *draw(nb_walk *walk, const nb_tensor *x, double keep)
{
    nb_ctx *ctx = walk->ctx;
    nb_stream stream = stream_of(walk);
    nb_tensor *mask = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *p = mask ? nb_tensor_scalar(ctx, NB_F64, keep) : NULL;
    int64_t each = x->shape[0] ? nb_tensor_count(x) / x->shape[0] : 0;
    nb_status status =
        p ? nb_fill_bernoulli_part(ctx, mask, &stream, p, walk->mode.before * each) : ctx->status;
    nb_tensor_release(ctx, p);
    if (status == NB_OK) return mask;
    nb_tensor_release(ctx, mask);
    return NULL;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    double keep = 1 - rate_of(layer);
    (void)give;
    if (!walk->mode.learning || keep == 1) return nb_tensor_retain(x);
    nb_tensor *mask = draw(walk, x, keep);
    nb_tensor *grown = mask ? nb_tensor_scalar(ctx, x->dtype, 1 / keep) : NULL;
    nb_tensor *scaled = grown ? nb_op2(ctx, NB_OP_mul, mask, grown) : NULL;
    nb_tensor *out = scaled ? nb_op2(ctx, NB_OP_mul, x, scaled) : NULL;
    nb_tensor_release(ctx, mask);
    nb_tensor_release(ctx, grown);
    nb_tensor_release(ctx, scaled);
    return out;
}

/* The draws stay beside what they leave. */
static nb_price price(const nb_layer *layer)
{
    return nb_price_of_output(layer, 2);
}

static const nb_option options[] = {
    {.name = "rate",
     .help = "the share of numbers that are dropped",
     .range = "a number from 0, below 1",
     .low = 0,
     .high = 0x1.fffffffffffffp-1,
     .kind = NB_NUMBER,
     .place = 1,
     .required = true,
     .offset = offsetof(dropout_settings, rate)},
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_dropout) = {
    .name = "dropout",
    .help = "While learning, drops each number with a probability and enlarges the others to keep "
            "the mean; else it changes nothing. The draws are a function of seed, step and place.",
    .usage = "dropout RATE [OPTIONS]; nn.dropout(0.5)",
    .example = "nn.net \"784 - 100 relu - dropout 0.5 - 10 softmax : cross_entropy\"",
    .samples = "4 - 5 tanh - dropout 0.5 - 2",
    .options = options,
    .draws = true,
    .streaming = NB_STREAM_EACH,
    .price = price,
    .plan = plan_dropout,
    .forward = forward,
    .edges = nb_edges_same,
};
