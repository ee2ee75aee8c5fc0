/* attention: every step looks at the steps of its sequence, in several heads (Vaswani et al. 2017):
 * y = core(x wqᵀ + bq, x wkᵀ + bk, x wvᵀ + bv) woᵀ + bo. */
#include "nn/layers/attention.h"

#include "nn/net/plan.h"
#include "nn/net/walk.h"
#include "nn/sums.h"

#include "base/arith.h"
#include "base/family.h"
#include "nn/price.h"

#include <stddef.h>
#include <stdio.h>

typedef struct attention_settings {
    nb_layer_head head;
    int64_t heads;
    bool causal;
} attention_settings;

enum { QUERY, KEY, VALUE, OUT, PROJECTIONS };

static const attention_settings *settings(const nb_layer *layer)
{
    return (const attention_settings *)layer->settings;
}

/* Weights first, so that each kind is one stretch. */
static nb_status plan_params(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    static const char *const names[2][PROJECTIONS] = {{"wq", "wk", "wv", "wo"},
                                                      {"bq", "bk", "bv", "bo"}};
    int64_t features = plan->in.size[1];
    const int64_t shape[2] = {features, features};
    for (int biases = 0; biases < 2; biases++) {
        for (int i = 0; i < PROJECTIONS; i++) {
            nb_param_plan param = {
                .name = names[biases][i], .dims = biases ? 1 : 2, .shape = shape, .neuron_dim = -1};
            if (biases) param.init = nb_init_of(nb_inits[NB_INIT_zeros]);
            if (!nb_plan_param(planner, layer, plan, &param)) return nb_plan_ctx(planner)->status;
        }
    }
    return NB_OK;
}

static nb_status plan_attention(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    int64_t heads = settings(layer)->heads;
    if (nb_plan_steps(planner, layer, plan) != NB_OK) return ctx->status;
    if (plan->in.size[1] % heads == 0) return plan_params(planner, layer, plan);
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: attention cuts the features into heads of one size; %lld heads do not "
                   "divide %lld features, %lld would",
                   plan->where, (long long)heads, (long long)plan->in.size[1],
                   (long long)nb_divisor_near(plan->in.size[1], heads));
}

/* x w[i]ᵀ + b[i], where a family of neurons is each projection. */
static nb_tensor *project(nb_walk *walk, nb_layer *layer, nb_tensor *x, int i)
{
    nb_call call = {
        .op = nb_ops[NB_OP_dense],
        .in = {x, nb_walk_param(walk, layer, i), nb_walk_param(walk, layer, PROJECTIONS + i)},
        .inputs = 3};
    nb_tensor *z = nb_op_call(walk->ctx, &call);
    if (!z || !nb_walk_opens(walk, layer)) return z;
    const nb_sum sum = {.family = i,
                        .in = {x},
                        .z = z,
                        .a = z,
                        .lengths = nb_walk_lengths(walk, layer->plan->in.size[0]),
                        .step = -1};
    return nb_tensor_settle(walk->ctx, z, nb_walk_show(walk, layer, &sum));
}

/* Keys and values of the steps before, in front of these: (2, n, S, features), kept. */
static nb_status go_on(nb_walk *walk, nb_tensor *part[PROJECTIONS])
{
    nb_ctx *ctx = walk->ctx;
    nb_tensor *before = nb_walk_state(walk), *both[2] = {NULL, NULL};
    if (!walk->mode.state) return NB_OK;
    nb_tensor *all = nb_op_stack(ctx, part + KEY, 2, 0);
    both[0] = before;
    both[1] = all;
    nb_tensor *longer = !all ? NULL : before ? nb_op_cat(ctx, both, 2, 2) : nb_tensor_retain(all);
    nb_status status = longer ? nb_walk_remember(walk, longer) : ctx->status;
    for (int i = 0; i < 2 && status == NB_OK; i++) {
        nb_tensor *whole = nb_tensor_select(ctx, longer, 0, i);
        if (!whole) status = ctx->status;
        nb_tensor_release(ctx, part[KEY + i]);
        part[KEY + i] = whole;
    }
    nb_tensor_release(ctx, all);
    nb_tensor_release(ctx, longer);
    return status;
}

static nb_tensor *attend(nb_walk *walk, nb_layer *layer, nb_tensor *const part[PROJECTIONS])
{
    const attention_settings *of = settings(layer);
    nb_tensor *lengths = nb_walk_lengths(walk, layer->plan->in.size[0]);
    nb_call call = {.op = nb_ops[NB_OP_attention_core],
                    .in = {part[QUERY], part[KEY], part[VALUE], lengths},
                    .inputs = lengths ? 4 : 3};
    call.attr.attention = (struct nb_attr_attention){of->heads, of->causal};
    return nb_op_call(walk->ctx, &call);
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    nb_tensor *part[PROJECTIONS] = {NULL}, *out = NULL;
    nb_status status = NB_OK;
    (void)give;
    for (int i = QUERY; i < OUT && status == NB_OK; i++) {
        part[i] = project(walk, layer, x, i);
        if (!part[i]) status = ctx->status;
    }
    if (status == NB_OK) status = go_on(walk, part);
    nb_tensor *core = status == NB_OK ? attend(walk, layer, part) : NULL;
    if (core) out = project(walk, layer, core, OUT);
    for (int i = QUERY; i < OUT; i++) nb_tensor_release(ctx, part[i]);
    nb_tensor_release(ctx, core);
    return out;
}

/* ---- What the heads look at ---- */

/* Values that say of each step which it is: those of the steps first … first + size - 1 of each
 * head have a 1 at their place, (n, T, features). */
static nb_tensor *marks(nb_ctx *ctx, const nb_tensor *x, int64_t heads, int64_t first)
{
    nb_tensor *v = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    int64_t size = x->shape[2] / heads;
    for (int64_t i = 0; v && i < x->shape[0]; i++)
        for (int64_t j = 0; j < size && first + j < x->shape[1]; j++)
            for (int64_t h = 0; h < heads; h++)
                nb_tensor_set(v, (const int64_t[]){i, first + j, h * size + j}, 1);
    return v;
}

/* What the heads give for such values: their shares of these steps, (n, T, heads, size). */
static nb_tensor *shares_of(nb_walk *walk, nb_layer *layer, nb_tensor *const looking[2],
                            int64_t first)
{
    nb_ctx *ctx = walk->ctx;
    const nb_tensor *q = looking[QUERY];
    int64_t heads = settings(layer)->heads;
    nb_tensor *part[PROJECTIONS] = {
        [QUERY] = looking[QUERY], [KEY] = looking[KEY], [VALUE] = marks(ctx, q, heads, first)};
    nb_tensor *core = part[VALUE] ? attend(walk, layer, part) : NULL;
    const int64_t shape[4] = {q->shape[0], q->shape[1], heads, q->shape[2] / heads};
    nb_tensor *out = core ? nb_tensor_reshape(ctx, core, 4, shape) : NULL;
    nb_tensor_release(ctx, core);
    nb_tensor_release(ctx, part[VALUE]);
    return out;
}

/* Side by side, (n, T, heads, steps and what the last piece has more), as (n, heads, T, T). */
static nb_tensor *in_order(nb_ctx *ctx, const nb_tensor *all, int64_t steps)
{
    nb_tensor *real = nb_tensor_narrow(ctx, all, 3, 0, steps, 1);
    nb_tensor *turned = real ? nb_tensor_permute(ctx, real, (const int[]){0, 2, 1, 3}) : NULL;
    nb_tensor *out = turned ? nb_tensor_clone(ctx, turned) : NULL;
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, turned);
    return out;
}

static nb_tensor *all_shares(nb_walk *walk, nb_layer *layer, nb_tensor *const looking[2])
{
    nb_ctx *ctx = walk->ctx;
    int64_t steps = looking[QUERY]->shape[1];
    int64_t size = looking[QUERY]->shape[2] / settings(layer)->heads;
    nb_tensor *all = NULL;
    for (int64_t first = 0; first < steps; first += size) {
        nb_tensor *next = shares_of(walk, layer, looking, first), *both[2] = {all, next};
        nb_tensor *longer = !next ? NULL
                            : all ? nb_op_cat(ctx, both, 2, 3)
                                  : nb_tensor_retain(next);
        nb_tensor_release(ctx, next);
        nb_tensor_release(ctx, all);
        all = longer;
        if (!all) return NULL;
    }
    nb_tensor *out = in_order(ctx, all, steps);
    nb_tensor_release(ctx, all);
    return out;
}

nb_tensor *nb_attention_shares(nb_walk *walk, nb_layer *layer, nb_tensor *x)
{
    nb_ctx *ctx = walk->ctx;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *looking[2] = {project(walk, layer, x, QUERY), NULL}, *out = NULL;
    if (looking[QUERY]) looking[KEY] = project(walk, layer, x, KEY);
    if (looking[KEY]) out = all_shares(walk, layer, looking);
    ctx->recording = recording;
    nb_tensor_release(ctx, looking[QUERY]);
    nb_tensor_release(ctx, looking[KEY]);
    return out;
}

static const char *whole(const nb_layer *layer)
{
    return settings(layer)->causal ? NULL
                                   : "looks at steps that are yet to come; attention with "
                                     "causal looks back alone";
}

/* Beside the projections every step of T meets T others, twice; queries, keys, values, what the
 * heads give, the output and the shares that a step gives each other one are kept. */
static nb_price price(const nb_layer *layer)
{
    const nb_plan *plan = layer->plan;
    double steps = plan->in.size[0] > 0 ? (double)plan->in.size[0] : 1;
    double features = (double)plan->in.size[1], heads = (double)settings(layer)->heads;
    return (nb_price){
        .products = nb_price_products(layer, steps) + 2 * steps * steps * features,
        .kept = (PROJECTIONS + 1) * steps * features + heads * steps * steps,
    };
}

/* ---- z = w a + b ------------------------------------------------------------------------------
 */

static int families(const nb_layer *layer)
{
    (void)layer;
    return PROJECTIONS;
}

static nb_neurons family(const nb_layer *layer, int i)
{
    static const char *const names[PROJECTIONS] = {"query", "key", "value", "out"};
    int64_t features = layer->plan->in.size[1];
    nb_neurons of = {.count = features, .inputs = features};
    snprintf(of.name, sizeof of.name, "%s", names[i]);
    return of;
}

static int stretches(const nb_layer *layer, int i, int64_t k, nb_stretch out[NB_STRETCHES])
{
    for (int p = 0; p < 2; p++) {
        out[p] = (nb_stretch){.bias = p == 1, .dims = 1, .start = {k}, .count = {1}};
        snprintf(out[p].param, sizeof out[p].param, "%s",
                 layer->plan->param[p * PROJECTIONS + i].name);
    }
    return 2;
}

static const nb_sums_type sums = {families, family, stretches, NULL};

/* ---- The descriptor ---------------------------------------------------------------------------
 */

static const nb_option options[] = {
    {.name = "heads",
     .help = "that look at once, each at its share of the features",
     .range = "a whole number from 1",
     .low = 1,
     .high = (double)NB_SIZE_MAX,
     .kind = NB_INTEGER,
     .place = 1,
     .required = true,
     .offset = offsetof(attention_settings, heads)},
    {.name = "causal",
     .help = "no step looks at those behind it",
     .kind = NB_BOOLEAN,
     .offset = offsetof(attention_settings, causal)},
    NB_OPTION_INIT("lecun"),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_attention) = {
    .name = "attention",
    .help = "Every step as a mean of what the steps of its sequence say, weighted by how well "
            "their keys fit its query: softmax(q kᵀ / √size) v in each head, then wo and bo.",
    .usage = "attention HEADS [causal] [OPTIONS]; nn.attention{heads, causal = true}",
    .example = "net = nn.net \"*x8 - residual[layer_norm - attention 2 causal] - 3\"\n"
               "print(net(tensor.randn(5, 8)))",
    .samples = "*x4 - attention 2 - 2; *x4 - attention 1 causal - 2",
    .options = options,
    .streaming = NB_STREAM_STATE,
    .whole = whole,
    .price = price,
    .sums = &sums,
    .plan = plan_attention,
    .forward = forward,
};
