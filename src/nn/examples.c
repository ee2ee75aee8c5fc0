/* Examples as a network takes them: shapes, dtypes, class numbers as targets. */
#include "nn/examples.h"

#include "base/text.h"
#include "tensor/assign.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whether a tensor's last sizes are those of one example of the form. */
static bool ends_with(const nb_tensor *t, const nb_form *form)
{
    return t->dims >= form->dims && nb_form_takes(form, t->shape + t->dims - form->dims);
}

/* (n, sizes…) of a t off the tape; of one example a view with one size more. */
static nb_tensor *as_plain_examples(nb_ctx *ctx, nb_tensor *t, int64_t n, int dims,
                                    const int64_t *size)
{
    int64_t shape[NB_MAX_DIMS] = {n}, stride[NB_MAX_DIMS];
    bool one = n == 1 && dims == t->dims && !memcmp(size, t->shape, (size_t)dims * sizeof *size);
    memcpy(shape + 1, size, (size_t)dims * sizeof *size);
    stride[0] = dims > 0 ? t->shape[0] * t->stride[0] : 1;
    memcpy(stride + 1, t->stride, (size_t)dims * sizeof *stride);
    return one ? nb_tensor_view(ctx, t, dims + 1, shape, stride, t->offset)
               : nb_tensor_reshape(ctx, t, dims + 1, shape);
}

/* (n, sizes…). Gradients flow to t. */
static nb_tensor *as_examples(nb_ctx *ctx, nb_tensor *t, int64_t n, int dims, const int64_t *size)
{
    if (!ctx->recording || !t->link) return as_plain_examples(ctx, t, n, dims, size);
    nb_call reshape = {.op = nb_ops[NB_OP_reshape], .in = {t}, .inputs = 1};
    struct nb_attr_sizes *sizes = &reshape.attr.sizes;
    sizes->at[sizes->count++] = n;
    for (int i = 0; i < dims; i++) sizes->at[sizes->count++] = size[i];
    return nb_op_call(ctx, &reshape);
}

/* (n, the last `dims` sizes of t): one example as a batch of one. */
static nb_tensor *as_batch(nb_ctx *ctx, nb_tensor *t, int64_t n, int dims)
{
    return as_examples(ctx, t, n, dims, t->shape + t->dims - dims);
}

/* Names the place of the first number among words, (n, T) or (T), that is no whole one. */
static void place_word(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *real = t->dims <= 2 ? nb_tensor_convert(ctx, t, NB_F64, 1) : NULL;
    nb_tensor *whole = real ? nb_tensor_contiguous(ctx, real) : NULL;
    int64_t at = 0, count = whole ? nb_tensor_count(whole) : 0;
    const double *word = whole ? nb_tensor_data(whole) : NULL;
    while (at < count && word[at] == floor(word[at]) && fabs(word[at]) <= INT32_MAX) at++;
    if (at < count && t->dims == 2)
        nb_fail_in(ctx, "example %lld, step %lld", (long long)(at / t->shape[1]) + 1,
                   (long long)(at % t->shape[1]) + 1);
    else if (at < count)
        nb_fail_in(ctx, "step %lld", (long long)at + 1);
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, whole);
}

/* t in a dtype that must hold it. Gradients flow to t, unless it stores. */
static nb_tensor *in_dtype(nb_ctx *ctx, nb_dtype dtype, nb_tensor *t, const char *name)
{
    nb_tensor *fit = nb_tensor_fit(ctx, t, dtype);
    if (!fit && ctx->status == NB_EVALUE) {
        if (!nb_dtype_computes(dtype)) place_word(ctx, t);
        nb_fail_in(ctx, "%s", name);
    }
    if (!fit || !t->link || fit == t || !nb_dtype_computes(dtype)) return fit;
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {t}, .inputs = 1, .attr.dtype = dtype};
    nb_tensor_release(ctx, fit);
    return nb_op_call(ctx, &to);
}

nb_tensor *nb_net_inputs(nb_ctx *ctx, const nb_net *net, nb_tensor *x, bool *single)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    const nb_form *in = nb_net_in(net);
    bool fits = ends_with(x, in) && x->dims <= in->dims + 1;
    bool rows =
        !fits && (x->dims == 1 || x->dims == 2) && nb_form_takes_rows(in, x->shape[x->dims - 1]);
    if (!fits && !rows)
        return nb_fail_null(ctx, NB_ESHAPE,
                            "x is %s; the network takes examples of %s, so %s or nx%s%s",
                            nb_shape_text(x->dims, x->shape, given), nb_form_text(in, wanted),
                            wanted, wanted, nb_form_is_free(in) ? ", * at least 1" : "");
    *single = x->dims == (rows ? 1 : in->dims);
    nb_tensor *same = in_dtype(ctx, nb_net_in_dtype(net, x->dtype), x, "x");
    if (!same || (fits && !*single)) return same;
    nb_tensor *batch =
        as_examples(ctx, same, *single ? 1 : x->shape[0], in->dims, rows ? in->size : same->shape);
    nb_tensor_release(ctx, same);
    return batch;
}

int64_t nb_net_units(const nb_net *net)
{
    const nb_form *out = nb_net_out(net);
    return out->size[nb_form_neuron_dim(out)];
}

/* The output's sizes without its units: what class numbers stand at. */
static nb_form class_places(const nb_net *net)
{
    nb_form places = *nb_net_out(net);
    int units = nb_form_neuron_dim(&places);
    places.dims--;
    for (int i = units; i < places.dims; i++) places.size[i] = places.size[i + 1];
    return places;
}

bool nb_net_takes_classes(const nb_net *net, int dims, const int64_t *shape)
{
    nb_form places = class_places(net);
    return dims == places.dims && nb_net_units(net) > 1 && nb_form_takes(&places, shape);
}

bool nb_net_wants_classes(const nb_net *net)
{
    int64_t units = nb_net_units(net);
    if (nb_net_out(net)->reading == NB_SPACE) return units > 1;
    return nb_cost_takes_classes(&net->cost, nb_net_last_activation(net), units);
}

enum { PLACE_TEXT = 96 };

/* "example 2, step 3", "example 2, row 1, column 3": where number `at` of y (n, …) stands. */
static const char *name_place(const nb_net *net, const nb_tensor *y, int64_t at,
                              char text[PLACE_TEXT])
{
    bool space = nb_net_out(net)->reading == NB_SPACE;
    int64_t index[NB_MAX_DIMS];
    int used = 0;
    for (int i = y->dims - 1; i >= 0; at /= y->shape[i--]) index[i] = at % y->shape[i] + 1;
    for (int i = 0; i < y->dims; i++) {
        const char *what = i == 0            ? "example"
                           : !space          ? "step"
                           : i < y->dims - 1 ? "row"
                                             : "column";
        used += snprintf(text + used, (size_t)(PLACE_TEXT - used), "%s%s %lld", i ? ", " : "", what,
                         (long long)index[i]);
        if (used >= PLACE_TEXT) break;
    }
    return text;
}

/* Says what is wrong with class number `at`, and the usual reason for a 0. */
static nb_status bad_class(nb_ctx *ctx, const nb_net *net, const nb_tensor *y, int64_t at)
{
    char text[NB_NUMBER_MAX], place[PLACE_TEXT];
    double value = ((const double *)nb_tensor_data(y))[at];
    int64_t classes = nb_net_units(net);
    if (value == 0)
        return nb_fail(ctx, NB_EARG,
                       "y holds class 0, but classes count from 1 to %lld; add 1 to y",
                       (long long)classes);
    return nb_fail(ctx, NB_EARG, "y holds class %s at %s; the network has classes 1 to %lld",
                   nb_number_text(value, text), name_place(net, y, at, place), (long long)classes);
}

nb_tensor *nb_net_class_numbers(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    int64_t classes = nb_net_units(net);
    nb_tensor *real = nb_tensor_convert(ctx, y, NB_F64, 1);
    nb_tensor *rows = real ? as_batch(ctx, real, n, class_places(net).dims) : NULL;
    nb_tensor *whole = rows ? nb_tensor_contiguous(ctx, rows) : NULL;
    nb_status status = whole ? NB_OK : ctx->status;
    for (int64_t i = 0; whole && i < nb_tensor_count(whole) && status == NB_OK; i++) {
        double value = ((const double *)nb_tensor_data(whole))[i];
        bool fits = value >= 1 && value <= (double)classes && value == floor(value);
        if (!fits) status = bad_class(ctx, net, whole, i);
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
    nb_tensor *out = nb_one_hot(ctx, net->dtype, nb_net_units(net), numbers);
    nb_tensor_release(ctx, numbers);
    return out;
}

nb_tensor *nb_net_class_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    return as_wanted(ctx, net, nb_net_class_numbers(ctx, net, y, n));
}

static nb_status counts_differ(nb_ctx *ctx, const nb_net *net, const nb_tensor *y, int64_t n)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    const nb_form *out = nb_net_out(net);
    return nb_fail(ctx, NB_ESHAPE, "y is %s; %lld examples need targets %lldx%s%s",
                   nb_shape_text(y->dims, y->shape, given), (long long)n, (long long)n,
                   nb_form_text(out, wanted),
                   nb_net_units(net) == 1     ? ""
                   : out->dims == 1           ? " or as many class numbers"
                   : out->reading == NB_SPACE ? " or a class number for each place"
                                              : " or a class number for each step");
}

/* Whether y is targets for n examples: of the output's shape, or a number each of a single one. */
static bool are_targets(const nb_form *out, const nb_tensor *y, int64_t n)
{
    bool whole = y->dims == out->dims + 1 && y->shape[0] == n;
    bool one = n == 1 && y->dims == out->dims;
    bool number = y->dims == 0 ? n == 1 : y->dims == 1 && y->shape[0] == n;
    bool column = out->dims == 1 && out->size[0] == 1 && number;
    return ends_with(y, out) ? whole || one : column;
}

bool nb_net_given_classes(const nb_net *net, const nb_tensor *y, int64_t n)
{
    if (are_targets(nb_net_out(net), y, n)) return false;
    bool each = y->dims > 0 && y->shape[0] == n;
    return (each && nb_net_takes_classes(net, y->dims - 1, y->shape + 1)) ||
           (n == 1 && nb_net_takes_classes(net, y->dims, y->shape));
}

nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n)
{
    const nb_form *out = nb_net_out(net);
    if (are_targets(out, y, n)) {
        const int64_t single[2] = {n, 1};
        nb_tensor *same = in_dtype(ctx, net->dtype, y, "y");
        nb_tensor *batch = !same               ? NULL
                           : ends_with(y, out) ? as_batch(ctx, same, n, out->dims)
                                               : nb_tensor_reshape(ctx, same, 2, single);
        nb_tensor_release(ctx, same);
        return batch;
    }
    if (nb_net_given_classes(net, y, n)) return nb_net_class_targets(ctx, net, y, n);
    counts_differ(ctx, net, y, n);
    return NULL;
}
