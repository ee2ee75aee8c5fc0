/* What stands under a window at each of its places, as rows: every number of them is looked up in
 * the example, whose numbers stand one after the other with a 0 behind the last for padding. */
#include "nn/layers/slide.h"

#include "base/arith.h"

#include <string.h>

/* One example as the window sees it; an extent that it has not is 1. */
typedef struct layout {
    struct nb_attr_window attr;
    bool turned;
    int64_t size[2], step[2]; /* of the extents: how many, and from one to the next in x */
    int64_t out[2];           /* places */
    int64_t channel;          /* from one channel to the next */
    int64_t count;            /* numbers of the example; so the number of the 0 */
} layout;

static layout layout_of(const nb_plan *plan, const nb_slide *slide, const nb_tensor *x)
{
    layout of = {.attr = nb_slide_attr(plan, slide), .turned = slide->turned};
    bool steps = plan->in.reading == NB_STEPS;
    int extents = nb_slide_extents(&plan->in);
    int64_t step = steps ? x->shape[2] : 1;
    for (int i = 1; i >= 0; i--) {
        of.size[i] = of.step[i] = of.out[i] = 1;
        if (i >= extents) {
            of.attr.kernel[i] = of.attr.stride[i] = of.attr.dilation[i] = 1;
            of.attr.low[i] = 0;
            continue;
        }
        of.size[i] = x->shape[steps ? 1 : 2 + i];
        of.step[i] = step;
        of.out[i] = nb_slide_places(&of.attr, of.turned, i, of.size[i]);
        step *= of.size[i];
    }
    of.channel = steps ? 1 : of.size[0] * of.size[1];
    of.count = nb_shape_count(x->dims - 1, x->shape + 1);
    return of;
}

/* Where number `under` of the window at place `place` stands along extent i, from 0; below 0 where
 * there is none. A turned window was spread from there. */
static int64_t along(const layout *of, int i, int64_t place, int64_t under)
{
    int64_t stride = of->attr.stride[i], reach = under * of->attr.dilation[i];
    int64_t at =
        of->turned ? place + of->attr.low[i] - reach : place * stride - of->attr.low[i] + reach;
    if (of->turned && at >= 0) at = at % stride ? -1 : at / stride;
    return at >= 0 && at < of->size[i] ? at : -1;
}

/* Indices from 1, for one place. */
static int32_t *look_up(const layout *of, int64_t first, int64_t channels, const int64_t place[2],
                        int32_t *to)
{
    for (int64_t c = first; c < first + channels; c++) {
        for (int64_t i = 0; i < of->attr.kernel[0]; i++) {
            int64_t row = along(of, 0, place[0], i);
            for (int64_t j = 0; j < of->attr.kernel[1]; j++) {
                int64_t column = along(of, 1, place[1], j);
                bool none = row < 0 || column < 0;
                int64_t at = c * of->channel + row * of->step[0] + column * of->step[1];
                *to++ = (int32_t)(none ? of->count : at) + 1;
            }
        }
    }
    return to;
}

/* (places × numbers under the window), NB_I32. */
static nb_tensor *indices(nb_ctx *ctx, const layout *of, int64_t first, int64_t channels)
{
    int64_t all = of->out[0] * of->out[1];
    bool fits = nb_mul_i64(all, channels * of->attr.kernel[0] * of->attr.kernel[1], &all);
    if (!fits || of->count >= INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "the windows of one example hold too many numbers");
    nb_tensor *index = nb_tensor_new(ctx, NB_I32, 1, &all);
    int32_t *to = index ? nb_tensor_data(index) : NULL;
    int64_t place[2];
    for (place[0] = 0; to && place[0] < of->out[0]; place[0]++)
        for (place[1] = 0; place[1] < of->out[1]; place[1]++)
            to = look_up(of, first, channels, place, to);
    return index;
}

/* (n, count + 1) */
static nb_tensor *with_zero(nb_ctx *ctx, nb_tensor *x, int64_t count)
{
    const int64_t flat[2] = {x->shape[0], count}, one[2] = {x->shape[0], 1};
    nb_tensor *both[2] = {nb_tensor_reshape(ctx, x, 2, flat), NULL}, *out = NULL;
    if (both[0]) both[1] = nb_tensor_zeros(ctx, x->dtype, 2, one);
    if (both[1]) out = nb_op_cat(ctx, both, 2, 1);
    nb_tensor_release(ctx, both[0]);
    nb_tensor_release(ctx, both[1]);
    return out;
}

nb_tensor *nb_slide_rows(nb_ctx *ctx, const nb_plan *plan, const nb_slide *slide, nb_tensor *x,
                         int64_t first, int64_t channels)
{
    layout of = layout_of(plan, slide, x);
    const int64_t shape[3] = {x->shape[0], of.out[0] * of.out[1],
                              channels * of.attr.kernel[0] * of.attr.kernel[1]};
    nb_call call = nb_call_make(nb_ops[NB_OP_index_select]);
    nb_tensor *flat = with_zero(ctx, x, of.count), *out = NULL;
    nb_tensor *index = flat ? indices(ctx, &of, first, channels) : NULL;
    call.in[0] = flat;
    call.in[1] = index;
    call.inputs = 2;
    call.attr.dim = 1;
    nb_tensor *found = index ? nb_op_call(ctx, &call) : NULL;
    if (found) out = nb_tensor_reshape(ctx, found, 3, shape);
    nb_tensor_release(ctx, flat);
    nb_tensor_release(ctx, index);
    nb_tensor_release(ctx, found);
    return out;
}
