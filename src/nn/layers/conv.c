/* conv: a window of weights slides over space, or along steps; every place of it is a neuron of its
 * own, and those of one channel share their weights: z = w * x + b, a = f(z). conv_transpose: the
 * same window the other way, every number spread over the places under it. A channel counts as one
 * neuron. */
#include "nn/layers/pool.h"
#include "nn/layers/slide.h"
#include "nn/price.h"
#include "nn/sums.h"

#include "base/arith.h"
#include "base/family.h"

#include <assert.h>
#include <stddef.h>

typedef struct conv_settings {
    nb_layer_head head;
    int64_t channels, groups;
    nb_sizes kernel, stride, padding, dilation, output_padding;
    bool bias;
} conv_settings;

static const conv_settings *settings(const nb_layer *layer)
{
    static_assert(sizeof(conv_settings) <= NB_LAYER_SETTINGS, "a layer has room for its settings");
    return (const conv_settings *)layer->settings;
}

static nb_slide slide_of(const nb_layer *layer)
{
    const conv_settings *s = settings(layer);
    bool turned = layer->type == nb_layer_types[NB_LAYER_conv_transpose];
    return (nb_slide){.kernel = &s->kernel,
                      .stride = &s->stride,
                      .padding = &s->padding,
                      .dilation = &s->dilation,
                      .extra = turned ? &s->output_padding : NULL,
                      .groups = s->groups,
                      .turned = turned};
}

/* ---- Plan ------------------------------------------------------------------------------------ */

static nb_status check_groups(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan)
{
    const conv_settings *s = settings(layer);
    int64_t channels = nb_slide_channels(&plan->in);
    if (channels % s->groups == 0 && s->channels % s->groups == 0) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: groups=%lld must divide the channels that come, %lld, and those that it "
                   "gives, %lld; groups=%lld does",
                   plan->where, (long long)s->groups, (long long)channels, (long long)s->channels,
                   (long long)nb_divisor_near(nb_common_divisor(channels, s->channels), s->groups));
}

/* w as PyTorch's: (channels, inputs / groups, kernel…), of conv_transpose (inputs, channels /
 * groups, kernel…). */
static nb_status plan_params(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                             const struct nb_attr_window *attr)
{
    const conv_settings *s = settings(layer);
    bool turned = layer->type == nb_layer_types[NB_LAYER_conv_transpose];
    int64_t inputs = nb_slide_channels(&plan->in), numbers = 1;
    int64_t shape[4] = {turned ? inputs : s->channels, (turned ? s->channels : inputs) / s->groups};
    nb_param_plan w = {.name = "w", .dims = 2 + nb_slide_extents(&plan->in), .shape = shape};
    for (int i = 2; i < w.dims; i++) {
        shape[i] = attr->kernel[i - 2];
        numbers *= shape[i];
    }
    if (turned) w.neuron_dim = s->groups == 1 ? 1 : -1;
    nb_param *param = nb_plan_param(planner, layer, plan, &w);
    if (!param) return nb_plan_ctx(planner)->status;
    if (turned) {
        param->fan_in = inputs / s->groups * numbers;
        param->fan_out = s->channels / s->groups * numbers;
    }
    nb_param_plan b = {.name = "b", .dims = 1, .shape = &s->channels};
    b.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    bool whole = !s->bias || nb_plan_param(planner, layer, plan, &b);
    return whole ? NB_OK : nb_plan_ctx(planner)->status;
}

static nb_status plan_conv(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr;
    nb_status status = nb_slide_plan(planner, layer, plan, &slide, &attr);
    if (status == NB_OK) status = check_groups(nb_plan_ctx(planner), layer, plan);
    if (status != NB_OK) return status;
    int64_t channels = settings(layer)->channels;
    plan->out.size[nb_form_neuron_dim(&plan->out)] = channels;
    status = nb_plan_neurons(planner, layer, plan, channels);
    return status == NB_OK ? plan_params(planner, layer, plan, &attr) : status;
}

static int64_t steps(const nb_layer *layer, int64_t steps)
{
    nb_slide slide = slide_of(layer);
    return nb_slide_steps(layer->plan, &slide, steps);
}

/* ---- Forward --------------------------------------------------------------------------------- */

static nb_tensor *convolve(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give,
                           struct nb_attr_window attr)
{
    nb_ctx *ctx = walk->ctx;
    bool turned = layer->type == nb_layer_types[NB_LAYER_conv_transpose];
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(layer->plan->runs);
    bool fused = give == NB_GIVE_A && runs->kernels;
    nb_call call = {.op = nb_ops[turned ? NB_OP_conv_transpose : NB_OP_conv],
                    .in = {x, nb_walk_param(walk, layer, 0)},
                    .inputs = 3,
                    .attr.window = attr};
    nb_tensor *b = nb_walk_biases(walk, layer), *out = NULL;
    call.in[2] = b;
    call.attr.window.shared = fused ? &runs->kernels->head : NULL;
    if (b) out = nb_slide_call(walk, layer, &call, false, turned);
    if (out && give == NB_GIVE_A && !fused) {
        nb_tensor *a = nb_runs_apply_in(ctx, runs, layer->plan->where, out);
        nb_tensor_release(ctx, out);
        out = a;
    }
    nb_tensor_release(ctx, b);
    nb_runs_release(ctx, runs);
    return out;
}

/* The steps that came before, then x; what the next call needs of them is remembered. Before the
 * first they are zeros. */
static nb_tensor *behind_state(nb_walk *walk, nb_tensor *x, int64_t keep)
{
    nb_ctx *ctx = walk->ctx;
    const int64_t shape[3] = {x->shape[0], keep, x->shape[2]};
    nb_tensor *before = nb_walk_state(walk), *last = NULL;
    before = before ? nb_tensor_retain(before) : nb_tensor_zeros(ctx, x->dtype, 3, shape);
    nb_tensor *const both[] = {before, x};
    nb_tensor *all = before ? nb_op_cat(ctx, both, 2, 1) : NULL;
    if (all) last = nb_tensor_narrow(ctx, all, 1, all->shape[1] - keep, keep, 1);
    nb_tensor *own = last ? nb_tensor_clone(ctx, last) : NULL;
    nb_status status = own ? nb_walk_remember(walk, own) : ctx->status;
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, last);
    nb_tensor_release(ctx, own);
    return all ? nb_tensor_settle(ctx, all, status) : NULL;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr = nb_slide_attr(layer->plan, &slide);
    if (!walk->mode.state || attr.low[0] == 0) return convolve(walk, layer, x, give, attr);
    nb_tensor *all = behind_state(walk, x, attr.low[0]);
    attr.low[0] = 0;
    nb_tensor *out = all ? convolve(walk, layer, all, give, attr) : NULL;
    nb_tensor_release(walk->ctx, all);
    return out;
}

/* ---- With a max_pool behind it --------------------------------------------------------------- */

/* Windows that lie side by side, on sizes that are known, behind activations whose slopes are found
 * from a alone. */
static bool takes_pool(const nb_layer *layer, const nb_layer *next)
{
    const nb_kernel_runs *kernels = layer->plan->runs->kernels;
    if (next->type != nb_layer_types[NB_LAYER_max_pool] || !kernels) return false;
    if (layer->plan->in.reading == NB_STEPS || nb_form_is_free(&next->plan->in)) return false;
    const struct nb_attr_window pool = nb_pool_attr(next);
    int64_t places = 1;
    for (int i = 0; i < nb_slide_extents(&layer->plan->in); i++) {
        if (pool.low[i] || pool.high[i] || pool.stride[i] < pool.kernel[i]) return false;
        if (next->plan->in.size[1 + i] > INT32_MAX / places) return false;
        places *= next->plan->in.size[1 + i];
    }
    return !nb_runs_need_z(kernels);
}

static nb_tensor *forward_pooled(nb_walk *walk, nb_layer *layer, nb_layer *next, nb_tensor *x)
{
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr = nb_slide_attr(layer->plan, &slide), pool = nb_pool_attr(next);
    for (int i = 0; i < nb_slide_extents(&layer->plan->in); i++) {
        attr.pool[i] = pool.kernel[i];
        attr.extra[i] = pool.stride[i];
    }
    return convolve(walk, layer, x, NB_GIVE_A, attr);
}

/* ---- Single numbers -------------------------------------------------------------------------- */

/* Number (channel, input, 0, 0) of w, both counted within their group. */
static int64_t weight_at(const conv_settings *s, const nb_under *under, int64_t channel,
                         int64_t input)
{
    int64_t inputs = under->in.channels / s->groups, channels = s->channels / s->groups;
    int64_t group = channel / channels, own = channel % channels;
    int64_t kernel = under->window.kernel[NB_DOWN] * under->window.kernel[NB_ALONG];
    if (!under->turned) return (channel * inputs + input) * kernel;
    return ((group * inputs + input) * channels + own) * kernel;
}

static void edges(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    const conv_settings *s = settings(joint->layer);
    const nb_slide slide = slide_of(joint->layer);
    const nb_under under = nb_slide_under(joint, &slide);
    const nb_window_at place = nb_under_at(&under, out);
    const int64_t *kernel = under.window.kernel;
    int64_t inputs = under.in.channels / s->groups, number = 0;
    int64_t first = place.channel / (s->channels / s->groups) * inputs;
    for (int64_t i = 0; i < inputs; i++) {
        int64_t w = weight_at(s, &under, place.channel, i);
        for (int64_t k = 0; k < kernel[NB_DOWN] * kernel[NB_ALONG]; k++, w++, number++) {
            int64_t in = nb_under_number(&under, &place, first + i, k / kernel[NB_ALONG],
                                         k % kernel[NB_ALONG]);
            if (in >= 0) see(self, &(nb_edge){in, joint->w[w], w, number});
        }
    }
}

/* A window that ends at its own step, one for each. */
static const char *conv_whole(const nb_layer *layer)
{
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr = nb_slide_attr(layer->plan, &slide);
    int64_t reach = nb_window_reach(attr.kernel[0], attr.dilation[0]);
    bool steps = layer->plan->in.reading == NB_STEPS;
    if (!steps) return "slides over space";
    if (attr.stride[0] == 1 && attr.high[0] == 0 && attr.low[0] == reach - 1) return NULL;
    return "does not give each step from those up to it; a causal one of stride 1 does "
           "(padding=causal)";
}

static const char *turned_whole(const nb_layer *layer)
{
    (void)layer;
    return "spreads each step over others";
}

/* Every number that comes is multiplied with all weights of its channel. */
static nb_price turned_price(const nb_layer *layer)
{
    const nb_form *in = &layer->plan->in;
    nb_price price = nb_price_usual(layer);
    double places = (double)nb_form_count(in) / (double)nb_slide_channels(in);
    price.products = nb_price_products(layer, places);
    return price;
}

/* ---- z = w a + b: a family for each group of channels -----------------------------------------
 */

static int families(const nb_layer *layer)
{
    return (int)settings(layer)->groups;
}

/* Channels that come to each group. */
static int64_t group_inputs(const nb_layer *layer)
{
    return nb_slide_channels(&layer->plan->in) / settings(layer)->groups;
}

static nb_neurons family(const nb_layer *layer, int i)
{
    const conv_settings *s = settings(layer);
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr = nb_slide_attr(layer->plan, &slide);
    int64_t count = s->channels / s->groups, inputs = group_inputs(layer);
    for (int e = 0; e < nb_slide_extents(&layer->plan->in); e++) inputs *= attr.kernel[e];
    return (nb_neurons){.first = i * count, .count = count, .inputs = inputs};
}

static int stretches(const nb_layer *layer, int i, int64_t k, nb_stretch out[NB_STRETCHES])
{
    int64_t each = group_inputs(layer), channel = family(layer, i).first + k;
    int count = nb_sums_stretches(layer, channel, out);
    if (layer->type != nb_layer_types[NB_LAYER_conv_transpose]) return count;
    out[0] = (nb_stretch){.param = "w", .dims = 2, .start = {i * each, k}, .count = {each, 1}};
    return count;
}

static nb_tensor *rows(nb_ctx *ctx, const nb_layer *layer, int i, nb_tensor *in)
{
    nb_slide slide = slide_of(layer);
    int64_t each = group_inputs(layer);
    return nb_slide_rows(ctx, layer->plan, &slide, in, i * each, each);
}

static const nb_sums_type sums = {families, family, stretches, rows};

/* ---- The descriptors ------------------------------------------------------------------------- */

#define CHANNELS                                                                                   \
    {                                                                                              \
        .name = "channels", .help = "that it gives, each a neuron",                                \
        .range = "a whole number from 1 to 2147483647", .low = 1, .high = INT32_MAX,               \
        .kind = NB_INTEGER, .place = 1, .required = true,                                          \
        .offset = offsetof(conv_settings, channels)                                                \
    }
#define KERNEL                                                                                     \
    {                                                                                              \
        NB_SLIDE_SIZES(kernel, "sizes of the window", 2, 1, conv_settings), .required = true       \
    }
#define STRIDE                                                                                     \
    {                                                                                              \
        NB_SLIDE_SIZES(stride, "from one place of the window to the next", 0, 1, conv_settings)    \
    }
#define DILATION                                                                                   \
    {                                                                                              \
        NB_SLIDE_SIZES(dilation, "from one number under the window to the next", 0, 1,             \
                       conv_settings)                                                              \
    }
#define GROUPS                                                                                     \
    {                                                                                              \
        .name = "groups", .help = "of channels that are convolved apart",                          \
        .range = "a whole number from 1 to 2147483647", .value = 1, .low = 1, .high = INT32_MAX,   \
        .kind = NB_INTEGER, .offset = offsetof(conv_settings, groups)                              \
    }

static const nb_option conv_options[] = {
    CHANNELS,
    KERNEL,
    STRIDE,
    {.name = "padding",
     .help = "zeros around the extents",
     .range = "same, valid, causal, a whole number from 0 to 16777216 or two as in 1x2",
     .low = 0,
     .high = NB_SLIDE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .words = nb_padding_words,
     .offset = offsetof(conv_settings, padding)},
    DILATION,
    GROUPS,
    NB_OPTION_BIAS(conv_settings),
    NB_OPTION_ACTIVATION,
    NB_LAYER_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_conv) = {
    .name = "conv",
    .help = "Convolution: a window of weights slides over space (channels first, one or two "
            "extents) or along steps, a = f(w * x + b); a channel is a neuron. padding may be same "
            "(sizes stay), valid (none) or causal (before the first step alone).",
    .usage = "conv CHANNELS KERNEL [ACTIVATION] [OPTIONS]; nn.conv{channels, kernel, …}",
    .example = "net = nn.net \"1x28x28 - conv 20 5 relu - max_pool 2 - flatten - 10 softmax : "
               "cross_entropy\"\nnet[1].w.shape[3]  → 5",
    .samples = "2x4x5 - conv 3 3x2 tanh padding=1x2 stride=2x1 - flatten - 2; "
               "4x5x5 - conv 4 2 softplus dilation=2 groups=2 bias=false padding=same - conv 2 3 "
               "softmax; 3x6 - conv 2 3 gelu padding=causal - conv 2 2 tanh@2 stride=3; "
               "*x3 - conv 4 2 tanh padding=same - conv 2 3 padding=causal dilation=2 - 2",
    .options = conv_options,
    .neurons = true,
    .gradual = true,
    .streaming = NB_STREAM_STATE,
    .whole = conv_whole,
    .sums = &sums,
    .steps = steps,
    .plan = plan_conv,
    .forward = forward,
    .takes = takes_pool,
    .forward_both = forward_pooled,
    .edges = edges,
};

static const nb_option turned_options[] = {
    CHANNELS,
    KERNEL,
    STRIDE,
    {.name = "padding",
     .help = "numbers taken away at both ends of the extents",
     .range = "same, valid, a whole number from 0 to 16777216 or two as in 1x2",
     .low = 0,
     .high = NB_SLIDE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .words = nb_padding_words_plain,
     .offset = offsetof(conv_settings, padding)},
    DILATION,
    GROUPS,
    NB_OPTION_BIAS(conv_settings),
    {.name = "output_padding",
     .help = "numbers more at the end, below the stride",
     .range = "a whole number from 0 to 16777216, or two as in 1x0",
     .low = 0,
     .high = NB_SLIDE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .offset = offsetof(conv_settings, output_padding)},
    NB_OPTION_ACTIVATION,
    NB_LAYER_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_conv_transpose) = {
    .name = "conv_transpose",
    .help = "The way back through a convolution as a layer: every number, times w, is added where "
            "its window stands, so that with a stride sizes grow.",
    .usage = "conv_transpose CHANNELS KERNEL [ACTIVATION] [OPTIONS]; nn.conv_transpose{channels, "
             "kernel, …}",
    .example = "net = nn.net \"4x7x7 - conv_transpose 1 4 stride=2 padding=1 sigmoid\"\n"
               "print(net)",
    .samples = "2x3x3 - conv_transpose 3 3x2 tanh stride=2 padding=1 output_padding=1x0 - flatten "
               "- 2; 4x3x2 - conv_transpose 4 2 softplus dilation=2 groups=2 bias=false; "
               "*x3 - conv_transpose 4 3 tanh padding=1 - 2",
    .options = turned_options,
    .neurons = true,
    .gradual = true,
    .streaming = NB_STREAM_NEVER,
    .whole = turned_whole,
    .price = turned_price,
    .sums = &sums,
    .steps = steps,
    .plan = plan_conv,
    .forward = forward,
    .edges = edges,
};
