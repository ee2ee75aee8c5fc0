/* Convolution and its transpose, each with bias and activations fused.
 *
 * Shapes: x (n, channels, extents…), one or two extents; b one number for each channel of z and a.
 * conv: w (channels of z, channels of x / groups, kernel…); conv_transpose: w (channels of x,
 * channels of z / groups, kernel…). What is the image for one is the maps of the other, so each
 * one's forward is the other's way back. */
#include "grad/channels.h"
#include "grad/convolve.h"
#include "grad/pooled.h"
#include "grad/support.h"
#include "grad/thin_maps.h"
#include "grad/weights.h"

#include "tensor/shape.h"

#include <string.h>

enum { DIMS_BEFORE = 2 }; /* examples and channels */

/* ---- The geometry ---------------------------------------------------------------------------- */

/* Between an image and its maps, both (n, channels, extents…), under a kernel. */
static nb_convolution geometry(const struct nb_attr_window *attr, const nb_tensor *w, int64_t n,
                               int64_t channels, const int64_t *image, const int64_t *maps)
{
    nb_convolution of = {.images = n,
                         .channels = channels,
                         .maps = w->shape[0],
                         .groups = attr->groups,
                         .dtype = w->dtype};
    for (int i = 0; i < NB_EXTENTS; i++) {
        bool there = i < w->dims - DIMS_BEFORE;
        of.window.size[i] = there ? image[i] : 1;
        of.window.out[i] = there ? maps[i] : 1;
        of.window.kernel[i] = there ? w->shape[DIMS_BEFORE + i] : 1;
        of.window.low[i] = there ? attr->low[i] : 0;
        of.window.dilation[i] = there ? attr->dilation[i] : 1;
        /* With one place there is no next one. */
        of.window.stride[i] = there && maps[i] > 1 ? attr->stride[i] : 1;
    }
    return of;
}

static int64_t reach_of(const struct nb_attr_window *attr, const nb_tensor *w, int i)
{
    return nb_window_reach(w->shape[DIMS_BEFORE + i], attr->dilation[i]);
}

static nb_status misfit(nb_ctx *ctx, const nb_call *call)
{
    char text[3][NB_SHAPE_TEXT];
    for (int i = 0; i < 3; i++) nb_shape_text(call->in[i]->dims, call->in[i]->shape, text[i]);
    return nb_fail(ctx, NB_ESHAPE, "%s: inputs %s, weights %s, biases %s do not fit",
                   call->op->name, text[0], text[1], text[2]);
}

/* Whether channels and groups agree: `of_w` is the dimension of w that stands for x's channels, all
 * of them or those of a group. */
static bool channels_fit(const nb_call *call, int of_w)
{
    const nb_tensor *x = call->in[0], *w = call->in[1], *b = call->in[2];
    int64_t groups = call->attr.window.groups;
    bool dims = x->dims > DIMS_BEFORE && x->dims <= DIMS_BEFORE + NB_EXTENTS && w->dims == x->dims;
    if (!dims || b->dims != 1 || groups < 1 || w->shape[0] % groups) return false;
    int64_t inputs = of_w ? w->shape[1] * groups : w->shape[0];
    int64_t outputs = of_w ? w->shape[0] : w->shape[1] * groups;
    for (int i = DIMS_BEFORE; i < w->dims; i++)
        if (w->shape[i] < 1) return false;
    return x->shape[1] == inputs && b->shape[0] == outputs;
}

/* ---- What both do ---------------------------------------------------------------------------- */

/* The inputs of a call, contiguous; all or none. */
static nb_status take_whole(nb_ctx *ctx, const nb_call *call, nb_tensor *whole[3])
{
    for (int i = 0; i < 3; i++) {
        whole[i] = nb_tensor_contiguous(ctx, call->in[i]);
        if (whole[i]) continue;
        while (i > 0) nb_tensor_release(ctx, whole[--i]);
        return ctx->status;
    }
    return NB_OK;
}

/* x is kept where a gradient of the weights will be asked for. */
static void keep_input(nb_call *call, nb_tensor *x)
{
    if (call->recording && call->needs[1]) call->saved[2] = nb_tensor_retain(x);
}

/* A gradient in the shape of `like`, made by one of the three products. */
static nb_tensor *empty_like(nb_ctx *ctx, const nb_tensor *like, nb_dtype dtype)
{
    return nb_tensor_new(ctx, dtype, like->dims, like->shape);
}

/* ---- conv ------------------------------------------------------------------------------------ */

static nb_convolution conv_geometry(const struct nb_attr_window *attr, const nb_tensor *x,
                                    const nb_tensor *w, const int64_t *places)
{
    return geometry(attr, w, x->shape[0], x->shape[1], x->shape + DIMS_BEFORE, places);
}

/* The shape of z; false where a window does not fit. */
static bool conv_shape(const nb_call *call, int64_t shape[NB_MAX_DIMS])
{
    const nb_tensor *x = call->in[0], *w = call->in[1];
    const struct nb_attr_window *attr = &call->attr.window;
    shape[0] = x->shape[0];
    shape[1] = w->shape[0];
    for (int i = 0; i < x->dims - DIMS_BEFORE; i++) {
        int64_t size = x->shape[DIMS_BEFORE + i] + attr->low[i] + attr->high[i];
        int64_t places = nb_window_places(size, reach_of(attr, w, i), attr->stride[i]);
        if (places < 1) return false;
        shape[DIMS_BEFORE + i] = places;
    }
    return true;
}

/* z and a of contiguous inputs: a over z, unless z must stay. */
static nb_tensor *convolved(nb_ctx *ctx, nb_call *call, nb_tensor *const in[3],
                            const int64_t *shape)
{
    const nb_kernel_runs *runs = nb_runs_of(&call->attr);
    nb_tensor *z = nb_tensor_new(ctx, in[0]->dtype, in[0]->dims, shape);
    bool apart = runs && call->recording && nb_runs_need_z(runs);
    nb_tensor *a = !z ? NULL : apart ? empty_like(ctx, z, z->dtype) : nb_tensor_retain(z);
    nb_convolution of = conv_geometry(&call->attr.window, in[0], in[1], shape + DIMS_BEFORE);
    nb_status status = a ? NB_OK : ctx->status;
    if (a)
        status = nb_convolve(ctx, &of, nb_tensor_data(in[0]), nb_tensor_data(in[1]),
                             nb_tensor_data(in[2]), nb_tensor_data(z), runs, nb_tensor_data(a));
    if (status == NB_OK && runs && call->recording) status = nb_keep_outputs(ctx, call, z, a);
    nb_tensor_release(ctx, z);
    return a ? nb_tensor_settle(ctx, a, status) : NULL;
}

/* The windows of a max_pool on maps of this shape, of which y gets its. A single extent lies along
 * rows. */
static nb_window pool_window(const struct nb_attr_window *attr, int dims, const int64_t *maps,
                             int64_t y[NB_MAX_DIMS])
{
    nb_window w;
    y[0] = maps[0];
    y[1] = maps[1];
    for (int i = 0; i < NB_EXTENTS; i++) {
        int k = i + dims - DIMS_BEFORE - NB_EXTENTS;
        w.size[i] = k >= 0 ? maps[DIMS_BEFORE + k] : 1;
        w.kernel[i] = k >= 0 ? attr->pool[k] : 1;
        w.stride[i] = k >= 0 ? attr->extra[k] : 1;
        w.dilation[i] = 1;
        w.low[i] = 0;
        w.out[i] = nb_window_places(w.size[i], w.kernel[i], w.stride[i]);
        if (k >= 0) y[DIMS_BEFORE + k] = w.out[i];
    }
    return w;
}

/* The largest of a under each window: kept are they, saved[0], their places, saved[1], and the
 * sizes of a map. */
static nb_tensor *pooled(nb_ctx *ctx, nb_call *call, nb_tensor *const in[3], const int64_t *shape)
{
    const nb_kernel_runs *runs = nb_runs_of(&call->attr);
    int64_t out[NB_MAX_DIMS];
    nb_pooling pool = {.window = pool_window(&call->attr.window, in[0]->dims, shape, out)};
    nb_tensor *place = nb_tensor_new(ctx, NB_I32, in[0]->dims, out);
    nb_tensor *y = place ? nb_tensor_new(ctx, in[0]->dtype, in[0]->dims, out) : NULL;
    nb_convolution of = conv_geometry(&call->attr.window, in[0], in[1], shape + DIMS_BEFORE);
    nb_status status = y ? NB_OK : ctx->status;
    if (y) {
        pool.y = nb_tensor_data(y);
        pool.place = nb_tensor_data(place);
        status = nb_convolve_pooled(ctx, &of, nb_tensor_data(in[0]), nb_tensor_data(in[1]),
                                    nb_tensor_data(in[2]), runs, &pool);
    }
    if (status == NB_OK && runs && call->recording) status = nb_keep_outputs(ctx, call, NULL, y);
    if (status == NB_OK && call->recording) call->saved[1] = nb_tensor_retain(place);
    for (int i = 0; i < in[0]->dims - DIMS_BEFORE; i++)
        call->attr.window.kernel[i] = (int32_t)shape[DIMS_BEFORE + i];
    nb_tensor_release(ctx, place);
    return y ? nb_tensor_settle(ctx, y, status) : NULL;
}

static nb_tensor *conv_forward(nb_ctx *ctx, nb_call *call)
{
    int64_t shape[NB_MAX_DIMS];
    nb_tensor *in[3], *a;
    if (!channels_fit(call, 1) || !conv_shape(call, shape)) {
        misfit(ctx, call);
        return NULL;
    }
    if (take_whole(ctx, call, in) != NB_OK) return NULL;
    a = (call->attr.window.pool[0] ? pooled : convolved)(ctx, call, in, shape);
    if (a) keep_input(call, in[0]);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, in[i]);
    return a;
}

static bool is_finite(const nb_tensor *t)
{
    return nb_real(t->dtype)->finite((size_t)nb_tensor_count(t), nb_tensor_data(t));
}

/* Zeros may be left out before numbers that are all finite. */
static bool leaves_zeros_out(const nb_convolution *of, const nb_tensor *dz, const nb_tensor *by)
{
    return nb_maps_are_thin(of, (nb_maps){.data = nb_tensor_data(dz)}) && is_finite(by);
}

/* BP2: every δ goes back through w to what stood under its window. */
static nb_tensor *conv_input_gradient(nb_ctx *ctx, const nb_record *record, const nb_tensor *dz)
{
    const nb_tensor *x = record->in[0];
    nb_tensor *w = nb_tensor_contiguous(ctx, record->in[1]);
    nb_tensor *dx = w ? nb_tensor_zeros(ctx, dz->dtype, x->dims, x->shape) : NULL;
    if (dx) {
        nb_convolution of = conv_geometry(&record->attr.window, x, w, dz->shape + DIMS_BEFORE);
        const nb_maps maps = {.data = nb_tensor_data(dz)};
        const void *at_w = nb_tensor_data(w);
        void *at = nb_tensor_data(dx);
        dx = nb_tensor_settle(ctx, dx,
                              leaves_zeros_out(&of, dz, w)
                                  ? nb_thin_maps_back(ctx, &of, maps, at_w, at)
                                  : nb_convolve_back(ctx, &of, maps.data, at_w, at));
    }
    nb_tensor_release(ctx, w);
    return dx;
}

/* BP4 into dw: the sum over all places of δ times what stood under the window. */
static nb_status conv_weight_gradient(nb_ctx *ctx, const nb_record *record, const nb_tensor *x,
                                      const nb_tensor *dz, void *dw)
{
    const nb_tensor *w = record->in[1];
    nb_convolution of = conv_geometry(&record->attr.window, x, w, dz->shape + DIMS_BEFORE);
    const nb_maps maps = {.data = nb_tensor_data(dz)};
    const void *at_x = nb_tensor_data(x);
    return leaves_zeros_out(&of, dz, x) ? nb_thin_maps_weights(ctx, &of, at_x, maps, dw)
                                        : nb_convolve_weights(ctx, &of, at_x, maps.data, dw);
}

/* A product of one example's. */
typedef nb_status conv_gradient(nb_ctx *ctx, const nb_record *record, const nb_tensor *x,
                                const nb_tensor *dz, void *dw);

/* BP4 of a batch, or where somebody looks on of one example after the other: (n, numbers of w). */
static nb_status weight_gradient(nb_ctx *ctx, nb_record *record, const nb_tensor *dz,
                                 conv_gradient *of, nb_tensor **grad)
{
    const nb_tensor *x = record->saved[2];
    const int64_t count = nb_tensor_count(record->in[1]), shape[] = {dz->shape[0], count};
    size_t bytes = (size_t)count * nb_dtype_size(dz->dtype);
    if (!nb_tape_is_observed(record)) {
        grad[1] = empty_like(ctx, record->in[1], dz->dtype);
        return grad[1] ? of(ctx, record, x, dz, nb_tensor_data(grad[1])) : ctx->status;
    }
    nb_tensor *each = nb_tensor_new(ctx, dz->dtype, 2, shape);
    nb_status status = each ? NB_OK : ctx->status;
    for (int64_t i = 0; i < shape[0] && status == NB_OK; i++) {
        nb_tensor *one_x = nb_tensor_narrow(ctx, x, 0, i, 1, 1);
        nb_tensor *one_dz = one_x ? nb_tensor_narrow(ctx, dz, 0, i, 1, 1) : NULL;
        char *one = (char *)nb_tensor_data(each) + (size_t)i * bytes;
        status = one_dz ? of(ctx, record, one_x, one_dz, one) : ctx->status;
        nb_tensor_release(ctx, one_x);
        nb_tensor_release(ctx, one_dz);
    }
    if (status == NB_OK) status = nb_sum_gradient(ctx, record, 1, each, grad);
    nb_tensor_release(ctx, each);
    return status;
}

/* BP3: where somebody looks on, of each example too: (n, channels). */
static nb_status bias_gradient(nb_ctx *ctx, nb_record *record, const nb_tensor *dz,
                               nb_tensor **grad)
{
    const int64_t shape[] = {dz->shape[0], dz->shape[1]};
    if (!nb_tape_is_observed(record)) {
        grad[2] = nb_sum_by_channel(ctx, dz, 1);
        return grad[2] ? NB_OK : ctx->status;
    }
    nb_tensor *each = nb_tensor_new(ctx, dz->dtype, 2, shape);
    int64_t rows = shape[0] * shape[1], width = (int64_t)nb_dtype_size(dz->dtype);
    int64_t places = rows ? nb_tensor_count(dz) / rows : 0;
    for (int64_t i = 0; each && i < rows; i++)
        nb_tensor_set(each, (const int64_t[]){i / shape[1], i % shape[1]},
                      nb_real(dz->dtype)->sum((size_t)places,
                                              (const char *)nb_tensor_data(dz) + i * places * width,
                                              1));
    nb_status status = each ? nb_sum_gradient(ctx, record, 2, each, grad) : ctx->status;
    nb_tensor_release(ctx, each);
    return status;
}

/* BP2, BP3 and BP4, as far as they are asked for. Takes the reference to dz, which may be NULL
 * after an error. */
static nb_status gradients(nb_ctx *ctx, nb_record *record, nb_tensor *dz, nb_tensor **grad,
                           nb_tensor *(*of_input)(nb_ctx *, const nb_record *, const nb_tensor *),
                           conv_gradient *of_weights)
{
    nb_status status = dz ? NB_OK : ctx->status;
    if (dz && record->needs[0] && !(grad[0] = of_input(ctx, record, dz))) status = ctx->status;
    if (status == NB_OK && record->needs[1])
        status = weight_gradient(ctx, record, dz, of_weights, grad);
    if (status == NB_OK && record->needs[2]) status = bias_gradient(ctx, record, dz, grad);
    nb_tensor_release(ctx, dz);
    return status;
}

/* δ at z, of the numbers that the pool took alone. */
static nb_tensor *pooled_delta(nb_ctx *ctx, const nb_record *record, nb_tensor *delta)
{
    nb_tensor *from, *to;
    if (!record->attr.shared) return nb_tensor_contiguous(ctx, delta);
    if (nb_delta_for_write(ctx, delta, &from, &to) != NB_OK) return NULL;
    nb_status status =
        nb_runs_delta(ctx, nb_runs_of(&record->attr), 1, NULL, record->saved[0], from, to);
    nb_tensor_release(ctx, from);
    return nb_tensor_settle(ctx, to, status);
}

/* What a pool found in the maps of image i. */
static nb_maps maps_of_image(const nb_convolution *of, nb_maps maps, int64_t i)
{
    const nb_window *pool = maps.pool;
    int64_t at = i * of->maps * pool->out[0] * pool->out[1];
    maps.data = (const char *)maps.data + at * (int64_t)nb_dtype_size(of->dtype);
    maps.place += at;
    return maps;
}

/* BP4 from few numbers, of one image after the other: (n, numbers of w). */
static nb_status each_weight_gradient(nb_ctx *ctx, nb_record *record, const nb_convolution *of,
                                      nb_maps maps, nb_tensor **grad)
{
    const nb_tensor *x = record->saved[2], *w = record->in[1];
    const int64_t shape[] = {of->images, nb_tensor_count(w)};
    size_t width = nb_dtype_size(x->dtype), image = width;
    nb_convolution one = *of;
    one.images = 1;
    for (int i = 1; i < x->dims; i++) image *= (size_t)x->shape[i];
    nb_tensor *each = nb_tensor_new(ctx, w->dtype, 2, shape);
    nb_status status = each ? NB_OK : ctx->status;
    for (int64_t i = 0; i < of->images && status == NB_OK; i++)
        status =
            nb_thin_maps_weights(ctx, &one, (const char *)nb_tensor_data(x) + (size_t)i * image,
                                 maps_of_image(of, maps, i),
                                 (char *)nb_tensor_data(each) + (size_t)(i * shape[1]) * width);
    if (status == NB_OK) status = nb_sum_gradient(ctx, record, 1, each, grad);
    nb_tensor_release(ctx, each);
    return status;
}

/* BP3 likewise: (n, channels). */
static nb_status each_bias_gradient(nb_ctx *ctx, nb_record *record, const nb_convolution *of,
                                    nb_maps maps, nb_tensor **grad)
{
    const int64_t shape[] = {of->images, of->maps};
    size_t bytes = (size_t)of->maps * nb_dtype_size(of->dtype);
    nb_tensor *each = nb_tensor_new(ctx, of->dtype, 2, shape);
    nb_status status = each ? NB_OK : ctx->status;
    for (int64_t i = 0; i < of->images && status == NB_OK; i++) {
        nb_tensor *sums = nb_pooled_sums(ctx, maps_of_image(of, maps, i), of->dtype, 1, of->maps);
        if (sums)
            memcpy((char *)nb_tensor_data(each) + (size_t)i * bytes, nb_tensor_data(sums), bytes);
        status = sums ? NB_OK : ctx->status;
        nb_tensor_release(ctx, sums);
    }
    if (status == NB_OK) status = nb_sum_gradient(ctx, record, 2, each, grad);
    nb_tensor_release(ctx, each);
    return status;
}

/* Where somebody looks on, of each example too. */
static nb_status parameters_of_few(nb_ctx *ctx, nb_record *record, const nb_convolution *of,
                                   nb_maps maps, const nb_tensor *w, nb_tensor **grad)
{
    bool each = nb_tape_is_observed(record);
    nb_status status = NB_OK;
    if (record->needs[1] && each) status = each_weight_gradient(ctx, record, of, maps, grad);
    if (record->needs[1] && !each) {
        nb_tensor *dw = grad[1] = empty_like(ctx, w, w->dtype);
        const void *x = nb_tensor_data(record->saved[2]);
        status = dw ? nb_thin_maps_weights(ctx, of, x, maps, nb_tensor_data(dw)) : ctx->status;
    }
    if (status != NB_OK || !record->needs[2]) return status;
    if (each) return each_bias_gradient(ctx, record, of, maps, grad);
    grad[2] = nb_pooled_sums(ctx, maps, w->dtype, of->images, of->maps);
    return grad[2] ? NB_OK : ctx->status;
}

/* From the numbers that are no zeros alone. */
static nb_status gradients_of_few(nb_ctx *ctx, nb_record *record, const nb_convolution *of,
                                  nb_maps maps, const nb_tensor *w, nb_tensor **grad)
{
    nb_status status = NB_OK;
    if (record->needs[0]) {
        const nb_tensor *in = record->in[0];
        nb_tensor *dx = grad[0] = nb_tensor_zeros(ctx, w->dtype, in->dims, in->shape);
        status = dx ? nb_thin_maps_back(ctx, of, maps, nb_tensor_data(w), nb_tensor_data(dx))
                    : ctx->status;
    }
    return status == NB_OK ? parameters_of_few(ctx, record, of, maps, w, grad) : status;
}

/* Whether that is done: of the biases alone it gives the same. */
static bool goes_by_few(const nb_record *record, const nb_convolution *of, nb_maps maps,
                        const nb_tensor *w)
{
    const nb_tensor *x = record->saved[2];
    if (!record->needs[0] && !record->needs[1]) return true;
    return nb_maps_are_thin(of, maps) && is_finite(w) && (!x || is_finite(x));
}

/* What goes to the convolution is mostly zeros, and stays unwritten where it is. */
static nb_status pooled_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const struct nb_attr_window *attr = &record->attr.window;
    const nb_tensor *x = record->saved[2] ? record->saved[2] : record->in[0];
    nb_tensor *w = nb_tensor_contiguous(ctx, record->in[1]);
    nb_tensor *d = w ? pooled_delta(ctx, record, delta) : NULL, *dz;
    nb_status status = d ? NB_OK : ctx->status;
    if (d) {
        const int64_t maps_shape[] = {d->shape[0], w->shape[0], attr->kernel[0], attr->kernel[1]};
        int64_t y[NB_MAX_DIMS];
        const nb_window window = pool_window(attr, d->dims, maps_shape, y);
        const nb_maps maps = {nb_tensor_data(d), nb_tensor_data(record->saved[1]), &window};
        nb_convolution of = {.dtype = w->dtype, .images = d->shape[0], .maps = w->shape[0]};
        if (x) of = conv_geometry(attr, x, w, maps_shape + DIMS_BEFORE);
        if (goes_by_few(record, &of, maps, w)) {
            status = gradients_of_few(ctx, record, &of, maps, w, grad);
        } else {
            dz = nb_tensor_new(ctx, d->dtype, d->dims, maps_shape);
            if (dz) dz = nb_tensor_settle(ctx, dz, nb_pooled_spread(ctx, maps, dz));
            status = gradients(ctx, record, dz, grad, conv_input_gradient, conv_weight_gradient);
        }
    }
    nb_tensor_release(ctx, d);
    nb_tensor_release(ctx, w);
    return status;
}

static nb_status conv_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    if (record->attr.window.pool[0]) return pooled_backward(ctx, record, delta, grad);
    return gradients(ctx, record, nb_delta_at_z(ctx, record, delta, 1), grad, conv_input_gradient,
                     conv_weight_gradient);
}

NB_DEFINE_OP(conv) = {
    .name = "conv",
    .help = "Convolution of (n, channels, extents…) with bias and activations: a = f(w * x + b).",
    .hidden = true,
    .shares = true,
    .promote = 7,
    .reads = 2,
    .attr = {.window = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1}},
    .forward = conv_forward,
    .backward = conv_backward,
    .errors = "2x3x5 4x2x3 4: inputs 2x3x5, weights 4x2x3, biases 4; 2x3x5 4x3x3 3: biases 3; "
              "2x3x2 4x3x3 4: inputs 2x3x2; 2x3 4x3 4: inputs 2x3; 2x3x5 4x3x0 4: weights 4x3x0",
    .samples = "2x3x5 4x3x3 4, 1x2x5x4 3x2x3x2 3, 0x2x5x4 3x2x3x2 3, 2x1x11x9 2x1x2x3 2, "
               "2x2x3x3 9x2x1x1 9, 2x2x4 3x2x4 3, 2x2x4x5t 3x2x2x3 3",
    .low = -2,
    .high = 2,
};

/* ---- conv_transpose -------------------------------------------------------------------------- */

static nb_convolution turned_geometry(const struct nb_attr_window *attr, const nb_tensor *x,
                                      const nb_tensor *w, const int64_t *image)
{
    return geometry(attr, w, x->shape[0], w->shape[1] * attr->groups, image,
                    x->shape + DIMS_BEFORE);
}

static bool turned_shape(const nb_call *call, int64_t shape[NB_MAX_DIMS])
{
    const nb_tensor *x = call->in[0], *w = call->in[1];
    const struct nb_attr_window *attr = &call->attr.window;
    shape[0] = x->shape[0];
    shape[1] = w->shape[1] * attr->groups;
    for (int i = 0; i < x->dims - DIMS_BEFORE; i++) {
        int64_t size = (x->shape[DIMS_BEFORE + i] - 1) * attr->stride[i] + reach_of(attr, w, i);
        size += attr->extra[i] - attr->low[i] - attr->high[i];
        if (size < 1 || x->shape[DIMS_BEFORE + i] < 1) return false;
        shape[DIMS_BEFORE + i] = size;
    }
    return true;
}

/* b at every place of its channel. */
static void fill_biases(nb_tensor *z, const nb_tensor *b)
{
    int64_t inner = nb_shape_count(z->dims - DIMS_BEFORE, z->shape + DIMS_BEFORE);
    int64_t rows = z->shape[0] * z->shape[1], width = (int64_t)nb_dtype_size(z->dtype);
    for (int64_t i = 0; i < rows; i++) {
        int64_t channel = i % z->shape[1];
        nb_real(z->dtype)->fill((size_t)inner, (char *)nb_tensor_data(z) + i * inner * width, 1,
                                nb_tensor_get(b, &channel));
    }
}

static nb_tensor *turned_forward(nb_ctx *ctx, nb_call *call)
{
    int64_t shape[NB_MAX_DIMS];
    nb_tensor *in[3], *z;
    if (!channels_fit(call, 0) || !turned_shape(call, shape)) {
        misfit(ctx, call);
        return NULL;
    }
    if (take_whole(ctx, call, in) != NB_OK) return NULL;
    z = nb_tensor_new(ctx, in[0]->dtype, in[0]->dims, shape);
    if (z) {
        nb_convolution of = turned_geometry(&call->attr.window, in[0], in[1], shape + DIMS_BEFORE);
        fill_biases(z, in[2]);
        z = nb_tensor_settle(ctx, z,
                             nb_convolve_back(ctx, &of, nb_tensor_data(in[0]),
                                              nb_tensor_data(in[1]), nb_tensor_data(z)));
    }
    if (z) keep_input(call, in[0]);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, in[i]);
    return z && call->attr.shared ? nb_activated(ctx, call, z, 1, true) : z;
}

static nb_tensor *turned_input_gradient(nb_ctx *ctx, const nb_record *record, const nb_tensor *dz)
{
    const nb_tensor *x = record->in[0];
    nb_tensor *w = nb_tensor_contiguous(ctx, record->in[1]);
    nb_tensor *dx = w ? empty_like(ctx, x, dz->dtype) : NULL;
    if (dx) {
        nb_convolution of = turned_geometry(&record->attr.window, x, w, dz->shape + DIMS_BEFORE);
        dx = nb_tensor_settle(ctx, dx,
                              nb_convolve(ctx, &of, nb_tensor_data(dz), nb_tensor_data(w), NULL,
                                          nb_tensor_data(dx), NULL, NULL));
    }
    nb_tensor_release(ctx, w);
    return dx;
}

static nb_status turned_weight_gradient(nb_ctx *ctx, const nb_record *record, const nb_tensor *x,
                                        const nb_tensor *dz, void *dw)
{
    const nb_tensor *w = record->in[1];
    nb_convolution of = turned_geometry(&record->attr.window, x, w, dz->shape + DIMS_BEFORE);
    return nb_convolve_weights(ctx, &of, nb_tensor_data(dz), nb_tensor_data(x), dw);
}

static nb_status turned_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    return gradients(ctx, record, nb_delta_at_z(ctx, record, delta, 1), grad, turned_input_gradient,
                     turned_weight_gradient);
}

NB_DEFINE_OP(conv_transpose) = {
    .name = "conv_transpose",
    .help = "What goes back through a convolution, as a layer: every number of x, times w, where "
            "its window stands.",
    .hidden = true,
    .shares = true,
    .promote = 7,
    .reads = 2,
    .attr = {.window = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1}},
    .forward = turned_forward,
    .backward = turned_backward,
    .errors = "2x3x5 4x3x3 3: inputs 2x3x5, weights 4x3x3, biases 3; 2x3x5 3x4x3 3: biases 3; "
              "2x3x0 3x4x3 4: inputs 2x3x0",
    .samples = "2x3x5 3x4x3 4, 1x2x4x3 2x3x3x2 3, 0x2x4x3 2x3x3x2 3, 2x1x7x9 1x2x2x3 2, "
               "2x2x3x3 2x9x1x1 9, 2x2x3x4t 2x3x2x3 3",
    .low = -2,
    .high = 2,
};
