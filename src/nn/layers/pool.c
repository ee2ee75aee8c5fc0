/* Pools: the largest number or the mean of what stands under a window, channel by channel; and the
 * mean of a whole channel. */
#include "nn/layers/pool.h"

#include "nn/layers/slide.h"

#include "base/family.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

/* ---- max_pool and avg_pool ------------------------------------------------------------------- */

typedef struct pool_settings {
    nb_layer_head head;
    nb_sizes kernel, stride, padding;
} pool_settings;

static nb_slide slide_of(const nb_layer *layer)
{
    static_assert(sizeof(pool_settings) <= NB_LAYER_SETTINGS, "a layer has room for its settings");
    const pool_settings *s = (const pool_settings *)layer->settings;
    return (nb_slide){.kernel = &s->kernel,
                      .stride = &s->stride,
                      .padding = &s->padding,
                      .groups = 1,
                      .strides = true,
                      .within = true};
}

static nb_status plan_pool(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_slide slide = slide_of(layer);
    struct nb_attr_window attr;
    return nb_slide_plan(planner, layer, plan, &slide, &attr);
}

static int64_t steps(const nb_layer *layer, int64_t steps)
{
    nb_slide slide = slide_of(layer);
    return nb_slide_steps(layer->plan, &slide, steps);
}

struct nb_attr_window nb_pool_attr(const nb_layer *layer)
{
    nb_slide slide = slide_of(layer);
    return nb_slide_attr(layer->plan, &slide);
}

static nb_tensor *pool(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_op_id op)
{
    nb_call call = {.op = nb_ops[op], .in = {x}, .inputs = 1};
    call.attr.window = nb_pool_attr(layer);
    return nb_slide_call(walk, layer, &call, op == NB_OP_max_pool, false);
}

static nb_tensor *forward_max(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    (void)give;
    return pool(walk, layer, x, NB_OP_max_pool);
}

static nb_tensor *forward_avg(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    (void)give;
    return pool(walk, layer, x, NB_OP_avg_pool);
}

/* Whether number `in` is the window's largest so far: the first of equals, the last NaN. */
static bool is_larger(const double *x, int64_t in, int64_t best)
{
    return best < 0 || x[in] > x[best] || isnan(x[in]);
}

/* What a window sees; of a maximum that is one number. */
static void edges_under(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self, bool most)
{
    const nb_slide slide = slide_of(joint->layer);
    const nb_under under = nb_slide_under(joint, &slide);
    const nb_window_at place = nb_under_at(&under, out);
    int64_t along = under.window.kernel[NB_ALONG], count = under.window.kernel[NB_DOWN] * along;
    int64_t best = -1;
    for (int64_t k = 0; k < count; k++) {
        int64_t in = nb_under_number(&under, &place, place.channel, k / along, k % along);
        if (in < 0) continue;
        if (!most) see(self, &(nb_edge){in, 1 / (double)count, -1, k});
        if (most && is_larger(joint->x, in, best)) best = in;
    }
    if (best >= 0) see(self, &(nb_edge){best, 1, -1, 0});
}

static void edges_max(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    edges_under(joint, out, see, self, true);
}

static void edges_avg(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    edges_under(joint, out, see, self, false);
}

static const char *pool_whole(const nb_layer *layer)
{
    (void)layer;
    return "makes one step of several";
}

static const nb_option options[] = {
    {NB_SLIDE_SIZES(kernel, "sizes of the window", 1, 1, pool_settings), .required = true},
    {.name = "stride",
     .help = "from one place of the window to the next",
     .range = NB_SLIDE_RANGE,
     .standard = "the window's size",
     .low = 1,
     .high = NB_SLIDE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .offset = offsetof(pool_settings, stride)},
    {.name = "padding",
     .help = "numbers around the extents: left out of a maximum, 0 in a mean",
     .range = "same, valid, a whole number from 0 to 16777216 or two as in 1x2",
     .low = 0,
     .high = NB_SLIDE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .words = nb_padding_words_plain,
     .offset = offsetof(pool_settings, padding)},
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_max_pool) = {
    .name = "max_pool",
    .help = "The largest number under a window that slides over each channel, or along steps.",
    .usage = "max_pool KERNEL [OPTIONS]; nn.max_pool{kernel, option =, …}",
    .example = "net = nn.net \"1x28x28 - conv 8 5 relu - max_pool 2 - flatten - 10\"\nprint(net)",
    .samples = "2x5x4 - max_pool 2 - flatten - 3; 2x5x5 - conv 2 2 tanh - max_pool 3x2 stride=1 "
               "padding=1; *x3 - 4 tanh - max_pool 3 stride=1 padding=same - 2",
    .options = options,
    .gradual = true,
    .streaming = NB_STREAM_NEVER,
    .whole = pool_whole,
    .steps = steps,
    .plan = plan_pool,
    .forward = forward_max,
    .edges = edges_max,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_avg_pool) = {
    .name = "avg_pool",
    .help = "The mean of what stands under a window that slides over each channel, or along steps; "
            "padding counts as zeros.",
    .usage = "avg_pool KERNEL [OPTIONS]; nn.avg_pool{kernel, option =, …}",
    .example = "net = nn.net \"*x3 - conv 8 5 relu padding=same - avg_pool 2 - 4\"\nprint(net)",
    .samples = "2x5x4 - avg_pool 2 - flatten - 3; 2x5x5 - conv 2 2 tanh - avg_pool 3x2 stride=1 "
               "padding=1; *x3 - 4 tanh - avg_pool 3 stride=1 padding=same - 2",
    .options = options,
    .gradual = true,
    .streaming = NB_STREAM_NEVER,
    .whole = pool_whole,
    .steps = steps,
    .plan = plan_pool,
    .forward = forward_avg,
    .edges = edges_avg,
};

/* ---- global_avg_pool ------------------------------------------------------------------------- */

static nb_status plan_global(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    const nb_form *in = &plan->in;
    char text[NB_SHAPE_TEXT], readings[NB_READINGS_TEXT];
    (void)layer;
    if (in->reading == NB_OPEN)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: global_avg_pool takes space, as conv gives it, or steps of features; "
                       "%s",
                       plan->where, nb_form_readings(in, NB_AS_STEPS | NB_AS_SPACE, readings));
    if (in->reading == NB_VECTOR || in->dims < 2)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: global_avg_pool takes space or steps of features, not %s", plan->where,
                       nb_form_text(in, text));
    if (nb_slide_channels(in) < 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: global_avg_pool needs the number of its channels; that of %s is free",
                       plan->where, nb_form_text(in, text));
    plan->out = nb_form_vector(nb_slide_channels(in));
    return NB_OK;
}

/* The sum over the real steps by their number. */
static nb_tensor *mean_of_steps(nb_ctx *ctx, nb_tensor *x, nb_tensor *lengths)
{
    const int64_t column[2] = {x->shape[0], 1};
    nb_call sum = {.op = nb_ops[NB_OP_sum], .inputs = 1};
    sum.attr.reduce.dims = (nb_dims){.count = 1, .at = {1}};
    nb_tensor *real = sum.in[0] = nb_op2(ctx, NB_OP_mask_steps, x, lengths);
    nb_tensor *total = real ? nb_op_call(ctx, &sum) : NULL;
    nb_tensor *number = total ? nb_tensor_convert(ctx, lengths, x->dtype, 1) : NULL;
    nb_tensor *of_each = number ? nb_tensor_reshape(ctx, number, 2, column) : NULL;
    nb_tensor *mean = of_each ? nb_op2(ctx, NB_OP_div, total, of_each) : NULL;
    nb_tensor *const all[] = {real, total, number, of_each};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    return mean;
}

static nb_tensor *forward_global(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    const nb_form *in = &layer->plan->in;
    bool steps = in->reading == NB_STEPS;
    nb_tensor *lengths = steps ? nb_walk_lengths(walk, in->size[0]) : NULL;
    nb_call mean = {.op = nb_ops[NB_OP_mean], .in = {x}, .inputs = 1};
    (void)give;
    if (lengths) return mean_of_steps(walk->ctx, x, lengths);
    for (int i = steps ? 1 : 2; i < (steps ? 2 : x->dims); i++)
        mean.attr.reduce.dims.at[mean.attr.reduce.dims.count++] = i;
    return nb_op_call(walk->ctx, &mean);
}

/* Every number of a channel, each alike. */
static void edges_global(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    const nb_form *in = &joint->layer->plan->in;
    bool steps = in->reading == NB_STEPS;
    int64_t channels = joint->z_shape[0], count = steps ? joint->x_shape[0] : 1;
    for (int i = 1; !steps && i < in->dims; i++) count *= joint->x_shape[i];
    for (int64_t k = 0; k < count; k++)
        see(self,
            &(nb_edge){steps ? k * channels + out : out * count + k, 1 / (double)count, -1, k});
}

static const char *global_whole(const nb_layer *layer)
{
    (void)layer;
    return "takes the mean over all steps";
}

static const nb_option global_options[] = {NB_LAYER_PLAIN_OPTIONS, NB_OPTIONS_END};

NB_DESCRIPTOR(nb_layer_type, nb_layer_global_avg_pool) = {
    .name = "global_avg_pool",
    .help = "The mean of each channel over all of space, or of each feature over the steps that "
            "are real: a vector, whatever the sizes.",
    .usage = "global_avg_pool [OPTIONS]; nn.global_avg_pool()",
    .example = "net = nn.net \"3x*x* - conv 8 3 relu - global_avg_pool - 4\"\nprint(net)",
    .samples = "2x4x3 - conv 3 2 tanh - global_avg_pool - 2; *x3 - 4 tanh - global_avg_pool - 2",
    .options = global_options,
    .streaming = NB_STREAM_NEVER,
    .whole = global_whole,
    .plan = plan_global,
    .forward = forward_global,
    .edges = edges_global,
};
