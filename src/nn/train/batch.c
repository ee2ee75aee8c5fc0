/* Batches: a set against a network, and buffers. */
#include "nn/train/batch.h"

#include "base/text.h"
#include "nn/data/labels.h"
#include "tensor/shape.h"

#include <string.h>

static bool fits(const nb_feed *rows, const nb_form *form)
{
    return rows->dims == form->dims && nb_form_takes(form, rows->shape);
}

/* Whether a network takes the set's examples: as they are, or as rows of as many numbers. */
static bool fits_x(const nb_set *set, const nb_form *form)
{
    const nb_feed *x = set->x;
    return fits(x, form) || (x->dims == 1 && nb_form_takes_rows(form, x->shape[0]));
}

/* One number an example for an output of one. */
static bool is_column(const nb_net *net, const nb_set *set)
{
    return !set->schema.classes && set->y->dims == 0 && nb_net_out(net)->dims == 1 &&
           nb_net_units(net) == 1;
}

bool nb_set_has_classes(const nb_net *net, const nb_set *set)
{
    return set->schema.classes || nb_net_takes_classes(net, set->y->dims, set->y->shape);
}

bool nb_set_is_pair(const nb_net *net, const nb_set *set)
{
    const nb_classes *classes = set->schema.classes;
    bool one = nb_net_out(net)->dims == 1 && nb_net_units(net) == 1 && !nb_net_wants_classes(net);
    return one && classes && classes->count == 2 && !classes->counted && set->y->dims == 0;
}

nb_tensor *nb_pair_targets(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    nb_tensor *y = nb_tensor_new(ctx, net->dtype, 2, (const int64_t[]){set->count, 1});
    if (!y || nb_set_gather(ctx, set, NULL, 0, set->count, 0, NULL, y) == NB_OK) return y;
    nb_tensor_release(ctx, y);
    return NULL;
}

static void take_names(nb_ctx *ctx, nb_names **own, nb_names *names)
{
    if (!names) return;
    nb_names_retain(names);
    nb_names_release(ctx, *own);
    *own = names;
}

static void take_classes(nb_ctx *ctx, nb_classes **own, nb_classes *classes)
{
    if (!classes) return;
    nb_classes_retain(classes);
    nb_classes_release(ctx, *own);
    *own = classes;
}

nb_status nb_net_take_schema(nb_ctx *ctx, nb_net *net, const nb_set *set)
{
    const nb_schema *from = &set->schema;
    nb_schema *to = &net->schema;
    bool named =
        from->classes && (from->classes->count == nb_net_units(net) || nb_set_is_pair(net, set));
    if (from->scale && !to->scale && nb_net_set_scale(ctx, net, from->scale) != NB_OK)
        return ctx->status;
    if (named) take_classes(ctx, &to->classes, from->classes);
    take_classes(ctx, &to->words, from->words);
    take_names(ctx, &to->columns, from->columns);
    take_names(ctx, &to->targets, from->targets);
    return NB_OK;
}

/* Whether the network has an output for each of the set's classes; of those that nobody named it
 * may have more. */
static bool has_outputs(const nb_net *net, const nb_classes *classes)
{
    int64_t outputs = nb_net_units(net);
    return outputs == classes->count || (classes->counted && outputs > classes->count);
}

/* Numbers of a y whose set does not know them for classes; the net does. */
static nb_status check_numbers(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    nb_survey seen;
    nb_pick all = nb_set_pick(set, NULL, 0, set->count);
    nb_status status = nb_survey_rows(ctx, set->y, &all, &seen);
    if (status != NB_OK) return status;
    return nb_survey_check(ctx, &seen, nb_net_units(net), "the network has");
}

static nb_status check_y(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    const nb_feed *y = set->y;
    bool classes = nb_net_takes_classes(net, y->dims, y->shape);
    nb_form_text(nb_net_out(net), wanted);
    nb_shape_text(y->dims, y->shape, given);
    if (set->schema.classes) {
        bool one = y->dims == 0 && nb_net_out(net)->dims == 1; /* also for a single class */
        if ((classes || one) && has_outputs(net, set->schema.classes)) return NB_OK;
        if (nb_set_is_pair(net, set)) return NB_OK;
        return nb_fail(ctx, NB_ESHAPE, "the set has %lld classes%s%s; the network gives %s",
                       (long long)set->schema.classes->count, y->dims ? " for each of " : "",
                       y->dims ? given : "", wanted);
    }
    if (classes) return check_numbers(ctx, net, set);
    if (is_column(net, set) || fits(y, nb_net_out(net))) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "the set's targets are %s; the network gives %s", given, wanted);
}

static int64_t steps_of(const nb_feed *rows, int64_t row)
{
    return rows->length ? rows->length[row] : rows->shape[0];
}

/* Sequence i has its y at every step that the network gives of it; of one that is too short for a
 * window the pass says so. */
static nb_status check_steps(nb_ctx *ctx, const nb_net *net, const nb_set *set, int64_t i)
{
    int64_t row = nb_set_row(set, i), steps = steps_of(set->x, row), y = steps_of(set->y, row);
    int64_t given = nb_net_steps(net, steps);
    if (given == y || given < 1) return NB_OK;
    if (given == steps)
        return nb_fail(ctx, NB_ESHAPE, "sequence %lld has %lld step%s, its y %lld",
                       (long long)i + 1, (long long)steps, steps == 1 ? "" : "s", (long long)y);
    return nb_fail(ctx, NB_ESHAPE,
                   "sequence %lld has %lld steps, of which the network makes %lld, its y %lld",
                   (long long)i + 1, (long long)steps, (long long)given, (long long)y);
}

/* y of sequences of different lengths stands at steps. Where no lengths differ the shapes say all.
 */
static nb_status check_lengths_of_y(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    char given[NB_SHAPE_TEXT];
    const nb_form *in = nb_net_in(net), *out = nb_net_out(net);
    const nb_feed *y = set->y;
    bool steps = out->reading == NB_STEPS && out->size[0] < 0;
    bool stands = y->dims == out->dims || y->dims == out->dims - 1;
    nb_status status = NB_OK;
    if (y->length && !steps)
        return nb_fail(ctx, NB_ESHAPE,
                       "y holds sequences of different lengths; the network gives %s for each "
                       "example",
                       nb_form_text(out, given));
    if (!steps || !stands || in->size[0] >= 0 || (!set->x->length && !y->length)) return NB_OK;
    for (int64_t i = 0; i < set->count && status == NB_OK; i++)
        status = check_steps(ctx, net, set, i);
    return status;
}

nb_status nb_set_check_lengths(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    char wanted[NB_SHAPE_TEXT];
    const nb_form *in = nb_net_in(net);
    if (set->x->length && in->size[0] >= 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "sequences of different lengths need a free first size, *; the network "
                       "takes %s",
                       nb_form_text(in, wanted));
    return set->y ? check_lengths_of_y(ctx, net, set) : NB_OK;
}

/* Other names may be the same columns, called otherwise. */
nb_status nb_set_check_columns(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    const nb_names *own = net->schema.columns, *given = set->schema.columns;
    char shown[2][NB_SHOWN];
    int64_t i = 0, j = 0;
    if (!own || !given || own->count != given->count) return NB_OK;
    while (i < own->count && !strcmp(own->name[i], given->name[i])) i++;
    while (i < own->count && j < own->count && strcmp(own->name[i], given->name[j])) j++;
    if (i == own->count || j == own->count) return NB_OK;
    return nb_fail(
        ctx, NB_ESHAPE,
        "column %lld of the set is '%s', where the network learned '%s'; name the columns "
        "in its order (net.columns), or begin anew: net:reset()",
        (long long)i + 1, nb_text_shown(given->name[i], shown[0]),
        nb_text_shown(own->name[i], shown[1]));
}

nb_status nb_set_check(nb_ctx *ctx, const nb_net *net, const nb_set *set)
{
    char given[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    const nb_form *in = nb_net_in(net);
    if (set->count < 1) return nb_fail(ctx, NB_EARG, "the set has no examples");
    if (!set->y) return nb_fail(ctx, NB_EARG, "the set has no y to learn from");
    if (!fits_x(set, in)) {
        bool flat = in->dims == 1 && in->size[0] == nb_feed_width(set->x);
        nb_shape_text(set->x->dims, set->x->shape, given);
        return nb_fail(ctx, NB_ESHAPE, "the set's examples are %s; the network takes %s%s%s%s",
                       given, nb_form_text(in, wanted), flat ? ": begin it with \"" : "",
                       flat ? given : "", flat ? " - flatten - …\"" : "");
    }
    nb_status status = nb_set_check_columns(ctx, net, set);
    if (status == NB_OK) status = nb_set_check_lengths(ctx, net, set);
    return status == NB_OK ? check_y(ctx, net, set) : status;
}

/* (n, a row…) and, behind it, `more` where that is not 0. */
static nb_tensor *buffer(nb_ctx *ctx, nb_dtype dtype, const nb_feed *rows, int64_t n, int64_t more)
{
    int64_t shape[NB_MAX_DIMS] = {n};
    int dims = rows->dims + 1;
    memcpy(shape + 1, rows->shape, (size_t)rows->dims * sizeof *shape);
    if (more) shape[dims++] = more;
    return nb_tensor_new(ctx, dtype, dims, shape);
}

nb_tensor *nb_batch_classes(nb_ctx *ctx, const nb_set *set, int64_t n)
{
    return buffer(ctx, NB_I32, set->y, n, 0);
}

static nb_tensor *y_buffer(nb_ctx *ctx, const nb_net *net, const nb_set *set, int64_t n)
{
    bool classes = nb_set_has_classes(net, set);
    if (classes && nb_net_wants_classes(net)) return nb_batch_classes(ctx, set, n);
    bool longer = classes || is_column(net, set);
    return buffer(ctx, net->dtype, set->y, n, longer ? nb_net_units(net) : 0);
}

/* Rows of as many numbers as the network's examples are gathered as those. */
static nb_tensor *x_buffer(nb_ctx *ctx, const nb_net *net, const nb_set *set, int64_t n)
{
    const nb_form *in = nb_net_in(net);
    int64_t shape[NB_MAX_DIMS] = {n};
    if (fits(set->x, in)) return buffer(ctx, nb_net_in_dtype(net, set->x->dtype), set->x, n, 0);
    memcpy(shape + 1, in->size, (size_t)in->dims * sizeof *shape);
    return nb_tensor_new(ctx, nb_net_in_dtype(net, set->x->dtype), in->dims + 1, shape);
}

nb_status nb_batch_new(nb_ctx *ctx, const nb_net *net, const nb_set *set, int64_t n, nb_tensor **x,
                       nb_tensor **y)
{
    nb_tensor *own = x ? x_buffer(ctx, net, set, n) : NULL;
    *y = own || !x ? y_buffer(ctx, net, set, n) : NULL;
    if (!*y) {
        nb_tensor_release(ctx, own);
        own = NULL;
    }
    if (x) *x = own;
    return *y ? NB_OK : ctx->status;
}

/* The beginning of a buffer as (n, a row…, more…) of these rows: the buffer itself unless they are
 * sequences. */
static nb_tensor *begin_of(nb_ctx *ctx, nb_tensor *buffer, const nb_feed *rows, const nb_pick *pick)
{
    int64_t sizes[NB_MAX_DIMS], shape[NB_MAX_DIMS], stride[NB_MAX_DIMS];
    if (!buffer || !rows->length) return buffer ? nb_tensor_retain(buffer) : NULL;
    nb_feed_shape(rows, pick, sizes);
    memcpy(shape, buffer->shape, (size_t)buffer->dims * sizeof *shape);
    shape[1] = sizes[0];
    nb_shape_strides(buffer->dims, shape, stride);
    return nb_tensor_view(ctx, buffer, buffer->dims, shape, stride, 0);
}

nb_status nb_batch_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                          int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y, nb_batch *batch)
{
    nb_pick pick = nb_set_pick(set, order, start, n);
    bool none = true;
    *batch = (nb_batch){.x = begin_of(ctx, x, set->x, &pick)};
    if (y) batch->y = begin_of(ctx, y, set->y, &pick);
    nb_status status = (batch->x || !x) && (batch->y || !y) ? NB_OK : ctx->status;
    if (status == NB_OK && x) batch->lengths = nb_feed_lengths(ctx, set->x, &pick, &none);
    if (status == NB_OK && !batch->lengths && !none) status = ctx->status;
    if (status == NB_OK)
        status = nb_set_gather(ctx, set, order, start, n, ahead, batch->x, batch->y);
    if (status != NB_OK) nb_batch_free(ctx, batch);
    return status;
}

void nb_batch_free(nb_ctx *ctx, nb_batch *batch)
{
    nb_tensor_release(ctx, batch->x);
    nb_tensor_release(ctx, batch->y);
    nb_tensor_release(ctx, batch->lengths);
    *batch = (nb_batch){.x = NULL};
}
