/* From the places of a trace to rows. */
#include "nn/inspect/why/terms.h"

#include "grad/held.h"
#include "nn/inspect/slope.h"

/* One look at a place. */
typedef struct looking {
    nb_ctx *ctx;
    nb_held held;
    nb_tensor *lengths; /* of the steps; NULL: none is padded */
    int64_t step;       /* -1: all of them */
} looking;

/* ---- d and s --------------------------------------------------------------------------------- */

/* ‖∂C/∂a‖ over the neurons, dimension `dim`, in the shape of δ; and δ divided by it, 0 where it is
 * 0. */
static void mixed(looking *at, nb_tensor *demand, nb_tensor *delta, int dim, nb_terms *out)
{
    nb_held *h = &at->held;
    nb_tensor *squares = nb_held2(h, NB_OP_mul, demand, demand);
    nb_tensor *norm = nb_held1(h, NB_OP_sqrt, nb_held_sum(h, squares, dim));
    nb_tensor *none = nb_held_number(h, NB_OP_eq, norm, 0);
    nb_tensor *divisor = nb_held2(h, NB_OP_add, norm, none);
    out->s = nb_held2(h, NB_OP_div, delta, divisor);
    out->d = nb_held2(h, NB_OP_add, nb_held_number(h, NB_OP_mul, delta, 0), norm);
}

/* d, s and z as they stood in the network; neurons stand in dimension `dim`. */
static nb_status answers(looking *at, nb_runs *runs, nb_tensor *demand, nb_tensor *delta,
                         nb_tensor *z, int dim, nb_terms *out)
{
    nb_tensor *slope = NULL;
    out->d = delta;
    out->z = z;
    out->s = NULL;
    if (!demand || !runs) return NB_OK;
    nb_status status = nb_runs_slope(at->ctx, runs, z, &slope);
    if (status != NB_OK) return status;
    if (slope) {
        out->d = demand;
        out->s = nb_hold(&at->held, slope);
        return out->s ? NB_OK : at->ctx->status;
    }
    mixed(at, demand, delta, dim, out);
    return out->d && out->s ? NB_OK : at->ctx->status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The examples, from 1, that have the step. */
static nb_tensor *those_with(looking *at)
{
    const int32_t *length = nb_tensor_data(at->lengths);
    int64_t n = at->lengths->shape[0], count = 0;
    for (int64_t i = 0; i < n; i++) count += length[i] > at->step;
    nb_tensor *index = nb_hold(&at->held, nb_tensor_new(at->ctx, NB_I32, 1, &count));
    int32_t *to = index ? nb_tensor_data(index) : NULL;
    for (int64_t i = 0; to && i < n; i++)
        if (length[i] > at->step) *to++ = (int32_t)i + 1;
    return index;
}

/* (n, places, m), or (n, m) of one step, as (rows, m) without padding. */
static nb_tensor *rows_of(looking *at, nb_tensor *t)
{
    if (!t) return NULL;
    const int64_t flat[2] = {-1, t->shape[t->dims - 1]};
    if (!at->lengths) return nb_held_shape(&at->held, t, 2, flat);
    if (at->step < 0) return nb_held2(&at->held, NB_OP_pack_steps, t, at->lengths);
    return nb_held_rows(&at->held, t, those_with(at));
}

/* (n, …neurons…) as (n, places, count) of the neurons from `first` on. */
static nb_tensor *by_places(looking *at, const nb_form *form, nb_tensor *t, int64_t first,
                            int64_t count)
{
    nb_held *h = &at->held;
    if (!t) return NULL;
    if (form->reading == NB_SPACE) t = nb_hold(h, nb_channels_last(at->ctx, t));
    if (!t) return NULL;
    const int64_t shape[3] = {t->shape[0], -1, t->shape[t->dims - 1]};
    t = nb_held_shape(h, t, 3, shape);
    return count == shape[2] ? t : nb_held_narrow(h, t, 2, first, count);
}

static nb_status give(looking *at, nb_terms *terms, nb_terms_taker *take, void *self)
{
    nb_tensor **const all[] = {&terms->in[0], &terms->in[1], &terms->by[0], &terms->by[1],
                               &terms->d,     &terms->s,     &terms->z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!*all[i]) continue;
        *all[i] = rows_of(at, *all[i]);
        if (!*all[i]) return at->ctx->status;
    }
    return take(at->ctx, self, terms);
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Of a place whose neurons are the layer's outputs. */
static nb_status of_place(looking *at, const nb_trace_place *place, int i, nb_terms *terms,
                          nb_terms_taker *take, void *self)
{
    nb_ctx *ctx = at->ctx;
    nb_held *h = &at->held;
    const nb_layer *layer = place->layer;
    const nb_form *form = &layer->plan->out;
    const nb_sums_type *sums = layer->type->sums;
    nb_neurons family = sums->family(layer, i);
    nb_tensor *in = place->in;
    at->lengths = place->lengths;
    at->step = -1;
    nb_status status = answers(at, place->runs, place->demand, place->delta, place->z,
                               1 + nb_form_neuron_dim(form), terms);
    if (status != NB_OK) return status;
    if (place->in_lengths) in = nb_held2(h, NB_OP_mask_steps, in, place->in_lengths);
    terms->in[0] = in ? nb_hold(h, sums->rows(ctx, layer, i, in)) : NULL;
    terms->d = by_places(at, form, terms->d, family.first, family.count);
    terms->z = by_places(at, form, terms->z, family.first, family.count);
    bool slopes = terms->s != NULL;
    terms->s = by_places(at, form, terms->s, family.first, family.count);
    bool whole = terms->in[0] && terms->d && terms->z && (terms->s || !slopes);
    return whole ? give(at, terms, take, self) : ctx->status;
}

/* Of a sum that the layer showed. */
static nb_status of_sum(looking *at, const nb_trace_sum *sum, nb_terms *terms, nb_terms_taker *take,
                        void *self)
{
    const nb_sum *of = &sum->of;
    at->lengths = of->lengths;
    at->step = of->step;
    for (int i = 0; i < 2; i++) {
        terms->in[i] = of->in[i];
        terms->by[i] = of->by[i];
    }
    nb_status status =
        answers(at, of->runs, sum->demand, sum->delta, of->z, of->z->dims - 1, terms);
    return status == NB_OK ? give(at, terms, take, self) : status;
}

/* Whether the weights of both are the same numbers, and b multiplies by them. */
static bool share_weights(const nb_layer *a, const nb_layer *b)
{
    const nb_param *w = nb_layer_param(a, "w");
    return a == b || (w && w == nb_layer_param(b, "w") && b->type->sums);
}

nb_status nb_terms_each(nb_ctx *ctx, const nb_trace *trace, const nb_layer *layer, int i,
                        nb_terms_taker *take, void *self)
{
    looking at = {.ctx = ctx, .held.ctx = ctx};
    bool shown = layer->type->sums->rows == NULL, recording = ctx->recording;
    nb_status status = NB_OK;
    ctx->recording = false;
    for (int p = 0; p < trace->places && status == NB_OK; p++) {
        const nb_trace_place *place = &trace->place[p];
        nb_terms terms = {.own = place->layer == layer};
        if (!share_weights(layer, place->layer)) continue;
        if (!shown) status = of_place(&at, place, i, &terms, take, self);
        for (int s = 0; shown && s < place->sums && status == NB_OK; s++) {
            terms = (nb_terms){.own = true};
            if (place->sum[s].of.family == i)
                status = of_sum(&at, &place->sum[s], &terms, take, self);
            nb_held_drop(&at.held);
        }
        nb_held_drop(&at.held);
    }
    nb_held_free(&at.held);
    ctx->recording = recording;
    return status;
}
