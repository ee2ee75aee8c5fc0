/* Windows on forms: their sizes checked, the ops called. */
#include "nn/layers/slide.h"

#include "base/arith.h"
#include "grad/lengths.h"
#include "tensor/make.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>

enum { COPIES_MOST = 8 /* times what stands under windows, more than any layout of it takes */ };

const char *const nb_padding_words[] = {"same", "valid", "causal", NULL};
const char *const nb_padding_words_plain[] = {"same", "valid", NULL};

/* ---- Forms ----------------------------------------------------------------------------------- */

int nb_slide_extents(const nb_form *in)
{
    bool space = in->reading == NB_SPACE || in->reading == NB_OPEN;
    if (in->reading == NB_STEPS) return in->dims == 2 ? 1 : 0;
    return space && in->dims >= 2 && in->dims <= 1 + NB_EXTENTS ? in->dims - 1 : 0;
}

/* What was not read yet is space from here on. */
static nb_reading reading_of(const nb_form *in)
{
    return in->reading == NB_OPEN ? NB_SPACE : in->reading;
}

static int channel_dim(const nb_form *in)
{
    return in->reading == NB_STEPS ? in->dims - 1 : 0;
}

int64_t nb_slide_channels(const nb_form *in)
{
    return in->size[channel_dim(in)];
}

static int extent_dim(const nb_form *in, int i)
{
    return in->reading == NB_STEPS ? 0 : 1 + i;
}

static nb_status check_form(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan)
{
    char text[NB_SHAPE_TEXT];
    const nb_form *in = &plan->in;
    const char *name = layer->type->name;
    nb_form_text(in, text);
    if (in->reading == NB_VECTOR)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: %s takes space (channels, then one or two extents) or steps, not the "
                       "vector %s; put reshape 1x%s before it",
                       plan->where, name, text, text);
    if (!nb_slide_extents(in))
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: %s takes channels and one or two extents, as in 1x28x28, or steps of "
                       "features; not %s",
                       plan->where, name, text);
    if (nb_slide_channels(in) < 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: %s needs the number of its channels, which stand %s; that of %s is "
                       "free",
                       plan->where, name, in->reading == NB_STEPS ? "last" : "first", text);
    return NB_OK;
}

/* ---- Settings -------------------------------------------------------------------------------- */

/* One size counts for all extents. */
static int64_t size_at(const nb_sizes *sizes, int i)
{
    return sizes->size[sizes->count > 1 ? i : 0];
}

static int64_t stride_at(const nb_slide *slide, int i)
{
    int64_t stride = size_at(slide->stride, i);
    return slide->strides && stride == 0 ? size_at(slide->kernel, i) : stride;
}

static int64_t reach_at(const nb_slide *slide, int i)
{
    return nb_window_reach(size_at(slide->kernel, i),
                           slide->dilation ? size_at(slide->dilation, i) : 1);
}

/* `same` puts what is odd behind, as PyTorch does. */
static void padding_at(const nb_slide *slide, int i, int64_t *low, int64_t *high)
{
    int64_t total = reach_at(slide, i) - 1;
    *low = *high = 0;
    if (slide->padding->word == NB_PAD_SAME) {
        *low = total / 2;
        *high = total - *low;
    } else if (slide->padding->word == NB_PAD_CAUSAL) {
        *low = total;
    } else if (slide->padding->word < 0) {
        *low = *high = size_at(slide->padding, i);
    }
}

static nb_status check_counts(nb_ctx *ctx, const nb_plan *plan, const nb_slide *slide)
{
    const struct {
        const char *name;
        const nb_sizes *sizes;
    } all[] = {{"kernel", slide->kernel},
               {"stride", slide->stride},
               {"padding", slide->padding},
               {"dilation", slide->dilation},
               {"output_padding", slide->extra}};
    char text[NB_SHAPE_TEXT];
    int extents = nb_slide_extents(&plan->in);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].sizes && all[i].sizes->word < 0 && all[i].sizes->count > extents)
            return nb_fail(ctx, NB_ESHAPE,
                           "%s: %s=%lldx%lld has a size for each of two extents; %s has one",
                           plan->where, all[i].name, (long long)all[i].sizes->size[0],
                           (long long)all[i].sizes->size[1], nb_form_text(&plan->in, text));
    return NB_OK;
}

static nb_status check_words(nb_ctx *ctx, const nb_plan *plan, const nb_slide *slide)
{
    char text[NB_SHAPE_TEXT];
    int extents = nb_slide_extents(&plan->in);
    if (slide->padding->word == NB_PAD_CAUSAL && extents > 1)
        return nb_fail(ctx, NB_EARG,
                       "%s: padding=causal is along one extent, before its first number; %s has "
                       "two: same or a number",
                       plan->where, nb_form_text(&plan->in, text));
    for (int i = 0; i < extents; i++)
        if (slide->padding->word == NB_PAD_SAME && stride_at(slide, i) != 1)
            return nb_fail(ctx, NB_EARG,
                           "%s: padding=same keeps the sizes, which takes stride=1, not %lld; give "
                           "padding a number",
                           plan->where, (long long)stride_at(slide, i));
    return NB_OK;
}

/* A word may stand for more padding than can be counted. */
static nb_status check_padding(nb_ctx *ctx, const nb_plan *plan, const nb_slide *slide)
{
    for (int i = 0; i < nb_slide_extents(&plan->in); i++) {
        int64_t low, high;
        padding_at(slide, i, &low, &high);
        if (high <= NB_SLIDE_MOST && low <= NB_SLIDE_MOST) continue;
        return nb_fail(ctx, NB_EARG,
                       "%s: padding=%s around a window that reaches over %lld is more than %d; a "
                       "smaller kernel or dilation",
                       plan->where, nb_padding_words[slide->padding->word],
                       (long long)reach_at(slide, i), NB_SLIDE_MOST);
    }
    return NB_OK;
}

/* What a convolution may copy of an example is counted in 64 bits. */
static nb_status check_padded(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                              const nb_slide *slide)
{
    char text[NB_SHAPE_TEXT];
    int64_t count = nb_slide_channels(&plan->in) * COPIES_MOST;
    bool fits = true;
    for (int i = 0; i < nb_slide_extents(&plan->in); i++) {
        int64_t low, high, size = plan->in.size[extent_dim(&plan->in, i)];
        padding_at(slide, i, &low, &high);
        fits &= nb_mul_i64(count, (size < 0 ? 1 : size) + low + high, &count) &&
                nb_mul_i64(count, size_at(slide->kernel, i), &count);
    }
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: %s of %s with its padding, under a kernel of %lld, is too large; a smaller "
                   "padding or kernel",
                   plan->where, layer->type->name, nb_form_text(&plan->in, text),
                   (long long)size_at(slide->kernel, 0));
}

/* Pools: padding is no number, so every window stands on at least one that is. */
static nb_status check_within(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                              const nb_slide *slide, int i)
{
    int64_t low, high, kernel = size_at(slide->kernel, i);
    padding_at(slide, i, &low, &high);
    if (!slide->within || low < kernel) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s: %s with padding=%lld and a window of %lld would see padding alone; padding "
                   "must be smaller than the window",
                   plan->where, layer->type->name, (long long)low, (long long)kernel);
}

struct nb_attr_window nb_slide_attr(const nb_plan *plan, const nb_slide *slide)
{
    struct nb_attr_window attr = {.groups = (int32_t)slide->groups};
    for (int i = 0; i < nb_slide_extents(&plan->in); i++) {
        int64_t low, high;
        padding_at(slide, i, &low, &high);
        attr.kernel[i] = (int32_t)size_at(slide->kernel, i);
        attr.stride[i] = (int32_t)stride_at(slide, i);
        attr.dilation[i] = slide->dilation ? (int32_t)size_at(slide->dilation, i) : 1;
        attr.extra[i] = slide->extra ? (int32_t)size_at(slide->extra, i) : 0;
        attr.low[i] = (int32_t)low;
        attr.high[i] = (int32_t)high;
    }
    return attr;
}

/* ---- Sizes of the output --------------------------------------------------------------------- */

/* Places along extent i of `size` numbers; below 1 where there are none. */
static int64_t places_of(const struct nb_attr_window *attr, int64_t kernel, bool turned, int i,
                         int64_t size)
{
    int64_t reach = nb_window_reach(kernel, attr->dilation[i]);
    int64_t padding = (int64_t)attr->low[i] + attr->high[i];
    if (turned) return (size - 1) * attr->stride[i] + reach - padding + attr->extra[i];
    return nb_window_places(size + padding, reach, attr->stride[i]);
}

int64_t nb_slide_places(const struct nb_attr_window *attr, bool turned, int i, int64_t size)
{
    return places_of(attr, attr->kernel[i], turned, i, size);
}

int64_t nb_slide_steps(const nb_plan *plan, const nb_slide *slide, int64_t steps)
{
    const struct nb_attr_window attr = nb_slide_attr(plan, slide);
    return nb_slide_places(&attr, slide->turned, 0, steps);
}

/* `of`: the sizes of an example, of which extent i has `size`. */
static nb_status no_place(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                          const struct nb_attr_window *attr, bool turned, int i, int64_t size,
                          const char *of)
{
    long long low = attr->low[i], high = attr->high[i], kernel = attr->kernel[i];
    long long reach = nb_window_reach(kernel, attr->dilation[i]);
    if (turned)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: %s of %s leaves nothing: padding=%lld takes all of what %lld and a "
                       "kernel of %lld give; a smaller padding",
                       plan->where, layer->type->name, of, low, (long long)size, kernel);
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: %s of %s: the window reaches over %lld, but with padding there are %lld; a "
                   "smaller kernel, or padding=%lld",
                   plan->where, layer->type->name, of, reach, (long long)size + low + high,
                   (reach - (long long)size + 1) / 2);
}

/* A size that stays what it is, also where it is free. */
static bool keeps_size(const struct nb_attr_window *attr, int64_t reach, int i)
{
    return attr->stride[i] == 1 &&
           (int64_t)attr->low[i] + attr->high[i] - attr->extra[i] == reach - 1;
}

static nb_status plan_extent(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                             const nb_slide *slide, const struct nb_attr_window *attr, int i)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    char text[NB_SHAPE_TEXT];
    int64_t *size = &plan->out.size[extent_dim(&plan->in, i)], given = *size;
    nb_status status = check_within(ctx, layer, plan, slide, i);
    if (status != NB_OK) return status;
    if (attr->extra[i] >= attr->stride[i] && attr->extra[i] > 0)
        return nb_fail(ctx, NB_EARG, "%s: output_padding=%d must be smaller than the stride, %d",
                       plan->where, (int)attr->extra[i], (int)attr->stride[i]);
    if (keeps_size(attr, reach_at(slide, i), i)) return NB_OK;
    if (*size < 0) {
        *size = nb_plan_free(planner);
        return NB_OK;
    }
    *size = nb_slide_places(attr, slide->turned, i, given);
    if (*size >= 1) return NB_OK;
    return no_place(ctx, layer, plan, attr, slide->turned, i, given, nb_form_text(&plan->in, text));
}

nb_status nb_slide_plan(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                        const nb_slide *slide, struct nb_attr_window *attr)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    nb_status status = check_form(ctx, layer, plan);
    if (status == NB_OK) status = check_counts(ctx, plan, slide);
    if (status == NB_OK) status = check_words(ctx, plan, slide);
    if (status == NB_OK) status = check_padding(ctx, plan, slide);
    if (status == NB_OK) status = check_padded(ctx, layer, plan, slide);
    if (status != NB_OK) return status;
    *attr = nb_slide_attr(plan, slide);
    plan->out = plan->in;
    plan->out.reading = reading_of(&plan->in);
    for (int i = 0; i < nb_slide_extents(&plan->in) && status == NB_OK; i++)
        status = plan_extent(planner, layer, plan, slide, attr, i);
    if (status == NB_OK && nb_form_count(&plan->out) < 0)
        status = nb_fail(ctx, NB_ESHAPE, "%s: its output has too many elements", plan->where);
    return status;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* (n, T, features) as (n, features, T), and back: the same exchange. */
static nb_tensor *exchange(nb_ctx *ctx, nb_tensor *x)
{
    nb_call call = {.op = nb_ops[NB_OP_permute], .in = {x}, .inputs = 1};
    call.attr.dims = (nb_dims){.count = 3, .at = {0, 2, 1}};
    return nb_op_call(ctx, &call);
}

/* The lengths of what the layer gives: an error for a sequence that has no place for a window. */
static nb_tensor *new_lengths(nb_ctx *ctx, const nb_plan *plan, const nb_call *call,
                              nb_tensor *lengths, bool turned)
{
    const struct nb_attr_window *attr = &call->attr.window;
    int64_t kernel = call->inputs > 1 ? call->in[1]->shape[2] : attr->kernel[0];
    nb_tensor *out = nb_tensor_clone(ctx, lengths);
    int32_t *length = out ? nb_tensor_data(out) : NULL;
    for (int64_t i = 0; out && i < out->shape[0]; i++) {
        int64_t places = places_of(attr, kernel, turned, 0, length[i]);
        if (places >= 1 && places <= INT32_MAX) {
            length[i] = (int32_t)places;
            continue;
        }
        nb_fail(ctx, NB_ESHAPE, "%s: example %lld has %d steps, too few for a window of %lld",
                plan->where, (long long)i + 1, (int)length[i],
                (long long)nb_window_reach(kernel, attr->dilation[0]));
        nb_tensor_release(ctx, out);
        return NULL;
    }
    return out;
}

/* -∞ where a step is padding, which no maximum takes. */
static nb_tensor *lowest(nb_ctx *ctx, nb_tensor *x, nb_tensor *lengths)
{
    const int64_t along[3] = {1, x->shape[1], 1}, of_each[3] = {x->shape[0], 1, 1};
    nb_tensor *step = nb_tensor_new(ctx, NB_F64, 3, along), *mask = NULL;
    if (step) step = nb_tensor_settle(ctx, step, nb_fill_range(ctx, step, 1, 1));
    nb_tensor *length = step ? nb_tensor_reshape(ctx, lengths, 3, of_each) : NULL;
    if (length) mask = nb_op2(ctx, NB_OP_gt, step, length);
    nb_tensor *value = mask ? nb_tensor_scalar(ctx, x->dtype, -INFINITY) : NULL, *out = NULL;
    if (value) {
        nb_call call = nb_call_make(nb_ops[NB_OP_masked_fill]);
        call.in[0] = x;
        call.in[1] = mask;
        call.in[2] = value;
        call.inputs = 3;
        out = nb_op_call(ctx, &call);
    }
    nb_tensor *const all[] = {step, length, mask, value};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    return out;
}

/* Free sizes are known when a batch comes. */
static nb_status check_places(nb_ctx *ctx, const nb_layer *layer, const nb_call *call,
                              const nb_tensor *x, bool turned)
{
    char of[NB_SHAPE_TEXT];
    const nb_form *in = &layer->plan->in;
    for (int i = 0; i < nb_slide_extents(in); i++) {
        int64_t size = x->shape[1 + extent_dim(in, i)];
        if (nb_slide_places(&call->attr.window, turned, i, size) >= 1) continue;
        return no_place(ctx, layer, layer->plan, &call->attr.window, turned, i, size,
                        nb_shape_text(x->dims - 1, x->shape + 1, of));
    }
    return NB_OK;
}

static nb_tensor *call_at(nb_walk *walk, const nb_layer *layer, nb_call *call)
{
    nb_tensor *out = nb_op_call(walk->ctx, call);
    if (!out && walk->ctx->status == NB_ESHAPE) nb_fail_in(walk->ctx, "%s", layer->plan->where);
    return out;
}

/* Steps without padding, or with what the op is to read there. */
static nb_tensor *call_on_steps(nb_walk *walk, const nb_layer *layer, nb_call *call, nb_tensor *x)
{
    nb_ctx *ctx = walk->ctx;
    nb_tensor *turned = x ? exchange(ctx, x) : NULL, *out = NULL;
    if (turned) {
        call->in[0] = turned;
        nb_tensor *given = call_at(walk, layer, call);
        out = given ? nb_then1(ctx, NB_OP_contiguous, exchange(ctx, given)) : NULL;
        nb_tensor_release(ctx, given);
    }
    nb_tensor_release(ctx, turned);
    return out;
}

/* Binds new lengths where T is another size now; a maximum of padding alone becomes 0. */
static nb_tensor *with_lengths(nb_walk *walk, const nb_layer *layer, const nb_call *call,
                               nb_tensor *out, nb_tensor *lengths, bool masks, bool turned)
{
    nb_ctx *ctx = walk->ctx;
    const nb_plan *plan = layer->plan;
    nb_tensor *shorter = new_lengths(ctx, plan, call, lengths, turned), *masked = NULL;
    nb_status status = shorter ? NB_OK : ctx->status;
    if (status == NB_OK && plan->out.size[0] < 0 && plan->out.size[0] != plan->in.size[0])
        status = nb_walk_bind_lengths(walk, plan->out.size[0], shorter);
    if (status == NB_OK)
        masked = masks ? nb_op2(ctx, NB_OP_mask_steps, out, shorter) : nb_tensor_retain(out);
    nb_tensor_release(ctx, shorter);
    nb_tensor_release(ctx, out);
    return masked;
}

nb_tensor *nb_slide_call(nb_walk *walk, const nb_layer *layer, nb_call *call, bool leaves_out,
                         bool turned)
{
    nb_ctx *ctx = walk->ctx;
    const nb_form *in = &layer->plan->in;
    nb_tensor *x = call->in[0];
    if (check_places(ctx, layer, call, x, turned) != NB_OK) return NULL;
    if (in->reading != NB_STEPS) return call_at(walk, layer, call);
    nb_tensor *lengths = nb_walk_lengths(walk, in->size[0]);
    if (lengths) nb_tensor_retain(lengths);
    nb_tensor *read = !lengths     ? nb_tensor_retain(x)
                      : leaves_out ? lowest(ctx, x, lengths)
                                   : nb_walk_masked(walk, in, x);
    nb_tensor *out = call_on_steps(walk, layer, call, read);
    if (out && lengths) out = with_lengths(walk, layer, call, out, lengths, leaves_out, turned);
    nb_tensor_release(ctx, read);
    nb_tensor_release(ctx, lengths);
    call->in[0] = x;
    return out;
}

/* ---- Single numbers -------------------------------------------------------------------------- */

static nb_planes planes_of(const nb_form *form, const int64_t *shape)
{
    bool flat = form->dims == 2;
    if (form->reading == NB_STEPS) return (nb_planes){shape[1], 1, shape[0], true};
    return (nb_planes){shape[0], flat ? 1 : shape[1], shape[flat ? 1 : 2], false};
}

/* A single extent lies along rows, of which there is one. */
nb_under nb_slide_under(const nb_joint *joint, const nb_slide *slide)
{
    const nb_plan *plan = joint->layer->plan;
    const struct nb_attr_window attr = nb_slide_attr(plan, slide);
    int extents = nb_slide_extents(&plan->in);
    nb_under under = {.in = planes_of(&plan->in, joint->x_shape),
                      .out = planes_of(&plan->out, joint->z_shape),
                      .turned = slide->turned};
    nb_window *w = &under.window;
    for (int i = 0; i < NB_EXTENTS; i++) {
        int k = i - (NB_EXTENTS - extents);
        w->size[i] = i == NB_DOWN ? under.in.rows : under.in.columns;
        w->out[i] = i == NB_DOWN ? under.out.rows : under.out.columns;
        w->kernel[i] = k < 0 ? 1 : attr.kernel[k];
        w->stride[i] = k < 0 ? 1 : attr.stride[k];
        w->dilation[i] = k < 0 ? 1 : attr.dilation[k];
        w->low[i] = k < 0 ? 0 : attr.low[k];
    }
    return under;
}

nb_window_at nb_under_at(const nb_under *under, int64_t out)
{
    const nb_planes *to = &under->out;
    int64_t plane = to->rows * to->columns;
    if (to->steps) return (nb_window_at){out % to->channels, {0, out / to->channels}};
    return (nb_window_at){out / plane, {out % plane / to->columns, out % to->columns}};
}

/* Along one extent. */
static int64_t meets(const nb_under *under, int extent, int64_t place, int64_t k)
{
    const nb_window *w = &under->window;
    int64_t by = k * w->dilation[extent] - w->low[extent], at = place * w->stride[extent] + by;
    if (under->turned) {
        at = place - by;
        if (at % w->stride[extent] != 0) return -1;
        at /= w->stride[extent];
    }
    return at >= 0 && at < w->size[extent] ? at : -1;
}

int64_t nb_under_number(const nb_under *under, const nb_window_at *place, int64_t channel,
                        int64_t down, int64_t along)
{
    const nb_planes *in = &under->in;
    int64_t row = meets(under, NB_DOWN, place->at[NB_DOWN], down);
    int64_t column = meets(under, NB_ALONG, place->at[NB_ALONG], along);
    if (row < 0 || column < 0) return -1;
    return in->steps ? column * in->channels + channel
                     : (channel * in->rows + row) * in->columns + column;
}
