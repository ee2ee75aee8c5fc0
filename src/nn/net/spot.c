/* Places as words. */
#include "nn/net/spot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(char out[NB_SPOT_TEXT], const char *format,
                                                      ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, NB_SPOT_TEXT - used, format, args);
    va_end(args);
}

static void index_of(int dims, const int64_t *shape, int64_t at, int64_t index[NB_MAX_DIMS])
{
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % shape[i];
        at /= shape[i];
    }
}

/* "[3][5]" of indices from number `first` on */
static void add_index(char out[NB_SPOT_TEXT], const int64_t *index, int first, int dims)
{
    for (int i = first; i < dims; i++) add(out, "[%" PRId64 "]", index[i] + 1);
}

static void add_example(const nb_spots *s, int64_t i, char out[NB_SPOT_TEXT])
{
    int64_t number = s->rows.order ? s->rows.order[s->rows.start + i] : s->rows.start + i;
    add(out, ", example %" PRId64, number + 1);
}

/* Whether a step is one that its example has not; of other steps than the outputs' nobody knows. */
static bool is_padding(const nb_spots *s, const nb_form *form, const int64_t *index)
{
    bool known = s->lengths && form->size[0] == s->net->layer.plan->out.size[0];
    return known && (double)index[1] >= nb_tensor_get(s->lengths, index);
}

/* An element of (n, form…), its unit called `unit`. */
static void add_formed(const nb_spots *s, const nb_form *form, const char *unit,
                       const int64_t *index, char out[NB_SPOT_TEXT])
{
    const int64_t *own = index + 1;
    bool words = form->reading == NB_STEPS && form->dims == 1;
    if (form->reading != NB_OPEN && !words)
        add(out, ", %s %" PRId64, unit, own[nb_form_neuron_dim(form)] + 1);
    add_example(s, index[0], out);
    if (form->reading == NB_STEPS) add(out, ", step %" PRId64, own[0] + 1);
    if (form->reading == NB_STEPS && is_padding(s, form, index)) add(out, " (padding)");
    if (form->reading == NB_SPACE) add(out, ", at ");
    if (form->reading == NB_SPACE) add_index(out, own, 1, form->dims);
    if (form->reading == NB_OPEN) add(out, ", at ");
    if (form->reading == NB_OPEN) add_index(out, own, 0, form->dims);
}

static bool has_form(const nb_spots *s, const nb_form *form, const nb_tensor *t)
{
    return t->dims == form->dims + 1 && t->shape[0] == s->n && nb_form_takes(form, t->shape + 1);
}

static const char *unit_of(const nb_plan *plan)
{
    return plan->neurons || plan->params ? "neuron" : "feature";
}

/* ---- The cost -------------------------------------------------------------------------------- */

/* A row of all examples' real steps, one after the other; of `rows` that are as many as there are.
 */
static bool find_step(const nb_spots *s, int64_t rows, int64_t row, int64_t *example, int64_t *step)
{
    int64_t all = 0;
    for (int64_t i = 0; s->lengths && i < s->n; i++) {
        int64_t own = (int64_t)nb_tensor_get(s->lengths, &i);
        if (row >= all && row < all + own) {
            *example = i;
            *step = row - all;
        }
        all += own;
    }
    if (s->lengths) return all == rows;
    if (s->n == 0 || rows % s->n) return false;
    *example = row / (rows / s->n);
    *step = row % (rows / s->n);
    return true;
}

/* The example of a row, and its step or, of space, its place where rows are more than examples. */
static void add_row(const nb_spots *s, const nb_form *form, int64_t rows, int64_t row,
                    char out[NB_SPOT_TEXT])
{
    int64_t example = row, step = 0, index[NB_MAX_DIMS];
    bool places = form->reading == NB_STEPS || form->reading == NB_SPACE;
    if (rows == s->n && !(places && s->lengths)) {
        add_example(s, row, out);
    } else if (places && find_step(s, rows, row, &example, &step)) {
        add_example(s, example, out);
        if (form->reading == NB_STEPS) add(out, ", step %" PRId64, step + 1);
        index_of(form->dims - 1, form->size + 1, step, index);
        if (form->reading == NB_SPACE) add(out, ", at ");
        if (form->reading == NB_SPACE) add_index(out, index, 0, form->dims - 1);
    } else {
        add(out, ", row %" PRId64, row + 1);
    }
}

/* (n, …), (rows, outputs) or (rows) on the way from outputs to the cost. */
static void add_output(const nb_spots *s, const nb_tensor *t, int64_t at, char out[NB_SPOT_TEXT])
{
    int64_t index[NB_MAX_DIMS];
    const nb_form *form = &s->net->layer.plan->out;
    int64_t units = form->size[nb_form_neuron_dim(form)];
    index_of(t->dims, t->shape, at, index);
    if (t->dims == 0) return;
    if (has_form(s, form, t)) {
        add_formed(s, form, "output", index, out);
        return;
    }
    bool outputs = t->dims > 1 && t->shape[t->dims - 1] == units;
    if (outputs) add(out, ", output %" PRId64, index[t->dims - 1] + 1);
    int64_t rows = 1, row = 0;
    for (int i = 0; i < t->dims - (outputs ? 1 : 0); i++) {
        rows *= t->shape[i];
        row = row * t->shape[i] + index[i];
    }
    add_row(s, form, rows, row, out);
}

/* ---- Tensors of a pass ----------------------------------------------------------------------- */

static void add_layer_spot(const nb_spots *s, const nb_layer *layer, bool before,
                           const nb_tensor *t, int64_t at, char out[NB_SPOT_TEXT])
{
    const nb_plan *plan = layer->plan;
    int64_t index[NB_MAX_DIMS];
    bool is_out = has_form(s, &plan->out, t), is_in = has_form(s, &plan->in, t);
    index_of(t->dims, t->shape, at, index);
    if (is_in && (before || !is_out)) {
        add_formed(s, &plan->in, "input", index, out);
    } else if (is_out) {
        add_formed(s, &plan->out, unit_of(plan), index, out);
    } else if (t->dims > 0) {
        bool examples = t->shape[0] == s->n;
        if (examples) add_example(s, index[0], out);
        if (t->dims > examples) add(out, ", at ");
        add_index(out, index, examples, t->dims);
    }
}

void nb_spot_text(const nb_spots *s, const nb_layer *layer, bool before, const nb_tensor *t,
                  int64_t at, char out[NB_SPOT_TEXT])
{
    snprintf(out, NB_SPOT_TEXT, "%s", layer ? layer->plan->where : "the cost");
    if (layer)
        add_layer_spot(s, layer, before, t, at, out);
    else
        add_output(s, t, at, out);
}

void nb_spot_row(const nb_spots *s, const nb_layer *layer, int64_t rows, int64_t row,
                 char out[NB_SPOT_TEXT])
{
    out[0] = '\0';
    add_row(s, &layer->plan->out, rows, row, out);
}

/* ---- Data and parameters --------------------------------------------------------------------- */

static void add_data(const nb_spots *s, const nb_form *form, const nb_tensor *t, int64_t at,
                     const char *unit, char out[NB_SPOT_TEXT])
{
    int64_t index[NB_MAX_DIMS];
    index_of(t->dims, t->shape, at, index);
    if (t->dims == 0) return;
    int64_t number =
        s->rows.order ? s->rows.order[s->rows.start + index[0]] : s->rows.start + index[0];
    add(out, " of example %" PRId64, number + 1);
    bool fits = t->dims == form->dims + 1;
    bool steps = fits && form->reading == NB_STEPS;
    if (steps) add(out, ", step %" PRId64, index[1] + 1);
    if (fits && (form->reading == NB_VECTOR || (steps && form->dims == 2)))
        add(out, ", %s %" PRId64, unit, index[t->dims - 1] + 1);
    else if (!steps && t->dims > 1) {
        add(out, ", at ");
        add_index(out, index, 1, t->dims);
    }
}

void nb_spot_x(const nb_spots *s, const nb_tensor *x, int64_t at, char out[NB_SPOT_TEXT])
{
    snprintf(out, NB_SPOT_TEXT, "x");
    add_data(s, &s->net->layer.plan->in, x, at, "column", out);
}

void nb_spot_y(const nb_spots *s, const nb_tensor *y, int64_t at, char out[NB_SPOT_TEXT])
{
    snprintf(out, NB_SPOT_TEXT, "y");
    add_data(s, &s->net->layer.plan->out, y, at, "output", out);
}

/* The one that has a place of the flat vector, and where it stands; NULL: none has. */
static const nb_param *find_param(const nb_net *net, int64_t place, bool buffers,
                                  const nb_plan **at)
{
    for (int l = 0; l < net->parts; l++) {
        const nb_plan *plan = *at = net->part[l]->plan;
        int count = buffers ? plan->buffers : plan->params;
        for (int i = 0; i < count; i++) {
            const nb_param *param = buffers ? &plan->buffer[i] : &plan->param[i];
            int64_t inside = place - param->start;
            if (inside >= 0 && inside < param->count) return param;
        }
    }
    return NULL;
}

bool nb_spot_param(const nb_net *net, int64_t place, bool buffers, char out[NB_SPOT_TEXT])
{
    int64_t index[NB_MAX_DIMS];
    const nb_plan *plan;
    const nb_param *param = find_param(net, place, buffers, &plan);
    if (!param) return false;
    snprintf(out, NB_SPOT_TEXT, "%s: %s", plan->where, param->name);
    index_of(param->dims, param->shape, place - param->start, index);
    add_index(out, index, 0, param->dims);
    return true;
}

/* ---- Views ---- */

/* The flat places of a view's first and last numbers. */
static void reach_of(const nb_tensor *view, int64_t *low, int64_t *high)
{
    *low = *high = view->offset;
    for (int i = 0; i < view->dims; i++) {
        int64_t way = (view->shape[i] - 1) * view->stride[i];
        *(way < 0 ? low : high) += way;
    }
}

/* Whether its numbers lie one behind the other as those of the vector do. */
static bool is_in_order(const nb_tensor *view)
{
    int64_t before = INT64_MAX;
    for (int i = 0; i < view->dims; i++) {
        if (view->shape[i] == 1) continue;
        if (view->stride[i] <= 0 || view->stride[i] > before) return false;
        before = view->stride[i];
    }
    return true;
}

/* "[2][3…5]", without what is whole at the end; false: the view is no such box. */
static bool add_box(char out[NB_SPOT_TEXT], const nb_param *param, int64_t low, int64_t high,
                    int64_t count)
{
    int64_t from[NB_MAX_DIMS], to[NB_MAX_DIMS], all = 1;
    int dims = param->dims;
    index_of(dims, param->shape, low, from);
    index_of(dims, param->shape, high, to);
    for (int i = 0; i < dims; i++) all *= to[i] - from[i] + 1;
    if (all != count) return false;
    while (dims > 0 && from[dims - 1] == 0 && to[dims - 1] == param->shape[dims - 1] - 1) dims--;
    for (int i = 0; i < dims; i++)
        if (from[i] == to[i])
            add(out, "[%" PRId64 "]", from[i] + 1);
        else
            add(out, "[%" PRId64 "…%" PRId64 "]", from[i] + 1, to[i] + 1);
    return true;
}

static bool is_all(const nb_net *net, bool buffers, int64_t count)
{
    return count > 1 && count == nb_tensor_count(buffers ? net->figures : net->values);
}

bool nb_spot_view(const nb_net *net, const nb_tensor *view, bool buffers, char out[NB_SPOT_TEXT])
{
    int64_t low, high, count = nb_tensor_count(view);
    const nb_plan *plan;
    if (count == 0) return false;
    reach_of(view, &low, &high);
    const nb_param *param = find_param(net, low, buffers, &plan);
    if (!param) return false;
    snprintf(out, NB_SPOT_TEXT, "%s: %s", plan->where, param->name);
    bool inside = high < param->start + param->count;
    if (inside && is_in_order(view) &&
        add_box(out, param, low - param->start, high - param->start, count))
        return true;
    if (is_all(net, buffers, count) && is_in_order(view)) {
        snprintf(out, NB_SPOT_TEXT, "all %s", buffers ? "buffers" : "parameters");
        return true;
    }
    nb_spot_param(net, view->offset, buffers, out);
    add(out, " and %" PRId64 " more", count - 1);
    return true;
}
