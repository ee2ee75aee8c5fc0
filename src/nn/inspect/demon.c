/* One z moved, and how far δ says what comes of it. */
#include "nn/inspect/demon.h"

#include "nn/inspect/check/again.h"

#include "tensor/shape.h"

#include <math.h>

typedef struct haunting {
    nb_again again;
    nb_move move;
    double *number; /* in the moved z */
    nb_demon *out;
} haunting;

/* What becomes of C where z moves by dz, and what δ says; a sum of both is rounded, so *moved says
 * by how much z did move. */
static nb_status measure(haunting *h, double dz, double *moved, double *measured)
{
    double cost = 0;
    *h->number = h->out->z + dz;
    *moved = *h->number - h->out->z;
    nb_status status = nb_again_cost(&h->again, &h->move, &cost);
    *h->number = h->out->z;
    *measured = cost - h->out->cost;
    return status;
}

static nb_status try_at(haunting *h, double dz, bool *holds)
{
    double moved = 0, measured = 0;
    nb_status status = measure(h, dz, &moved, &measured);
    double predicted = h->out->delta * moved;
    *holds = fabs(measured - predicted) <= NB_DEMON_WRONG * fabs(predicted);
    return status;
}

/* Between `good`, where it holds, and `bad`, where it does not. */
static nb_status bisect(haunting *h, double sign, double good, double bad, double *radius)
{
    nb_status status = NB_OK;
    while (status == NB_OK && bad - good > 1e-12 * good) {
        double middle = good + (bad - good) / 2;
        bool holds = false;
        if (!(middle > good && middle < bad)) break;
        status = try_at(h, sign * middle, &holds);
        if (holds)
            good = middle;
        else
            bad = middle;
    }
    *radius = good;
    return status;
}

static nb_status find_radius(haunting *h, double sign, double *radius)
{
    const nb_demon *out = h->out;
    double good = 0, at = out->least;
    double steps = log(out->most / out->least) / log1p(NB_DEMON_STEP);
    for (int64_t i = 0; at < out->most; i++) {
        bool holds = false;
        nb_tell(h->again.ctx, "moving z", i, (int64_t)steps + 1);
        nb_status status = try_at(h, sign * at, &holds);
        if (status != NB_OK) return status;
        if (!holds && good == 0) break;
        if (!holds) return bisect(h, sign, good, at, radius);
        good = at;
        at *= 1 + NB_DEMON_STEP;
    }
    *radius = good == 0 ? 0 : INFINITY;
    return NB_OK;
}

/* ---- The seat ---- */

/* What the places of a layer's neurons are counted by. */
static const char *extent_name(const nb_plan *plan, int i, int extents)
{
    if (plan->out.reading == NB_STEPS) return "step";
    return extents == 1 ? "place" : i ? "column" : "row";
}

static nb_status no_seat(nb_ctx *ctx, const nb_plan *plan, const nb_tensor *z, int extents)
{
    char text[NB_SHAPE_TEXT];
    bool steps = plan->out.reading == NB_STEPS;
    if (!extents)
        return nb_fail(ctx, NB_EARG, "each neuron of %s has one z; leave `at` out", plan->where);
    return nb_fail(ctx, NB_EARG, "a neuron of %s has a z at each of %s %s; say at which: {at = %s}",
                   plan->where, nb_shape_text(extents, z->shape + (steps ? 1 : 2), text),
                   steps ? "steps" : "places", extents == 1 ? "3" : "{row, column}");
}

/* The number in z, row by row, of one example. */
static nb_status find_number(nb_ctx *ctx, const nb_trace_place *place, const nb_seat *seat,
                             int64_t *number)
{
    const nb_plan *plan = place->layer->plan;
    const nb_tensor *z = place->z;
    int extents = z->dims - 2, own = 1 + nb_form_neuron_dim(&plan->out);
    if (!place->runs)
        return nb_fail(ctx, NB_EARG, "%s is %s, which has no neurons with a z", plan->where,
                       place->layer->type->name);
    if (seat->ats != extents) return no_seat(ctx, plan, z, extents);
    *number = 0;
    for (int i = 1, k = 0; i < z->dims; i++) {
        int64_t index = i == own ? seat->neuron : seat->at[k];
        const char *name = i == own ? "neuron" : extent_name(plan, k, extents);
        if (index < 0 || index >= z->shape[i])
            return nb_fail(ctx, NB_EARG, "%s has no %s %lld; it has %lld", plan->where, name,
                           (long long)index + 1, (long long)z->shape[i]);
        *number = *number * z->shape[i] + index;
        k += i != own;
    }
    return NB_OK;
}

/* ---- The whole ---- */

/* The smallest change of C that says something is so many times its rounding. */
#define ROUNDING 1e-12
/* The largest dz that is tried, for a z of 1. */
#define FARTHEST 1e6

static nb_status haunt(haunting *h, const nb_seat *seat, double dz)
{
    nb_demon *out = h->out;
    nb_ctx *ctx = h->again.ctx;
    const nb_trace_place *place = &h->again.trace.place[seat->place];
    int64_t number = 0;
    if (find_number(ctx, place, seat, &number) != NB_OK) return ctx->status;
    nb_tensor *delta = nb_tensor_contiguous(ctx, place->delta);
    if (!delta) return ctx->status;
    out->delta = ((const double *)nb_tensor_data(delta))[number];
    nb_tensor_release(ctx, delta);
    h->number = (double *)nb_tensor_data(h->move.z) + number;
    out->z = *h->number;
    out->cost = h->again.trace.cost;
    nb_status status = measure(h, dz, &out->dz, &out->measured);
    out->predicted = out->delta * dz;
    out->flat = out->delta == 0;
    out->least = ROUNDING * (1 + fabs(out->cost)) / fabs(out->delta);
    out->most = FARTHEST * fmax(1, fabs(out->z));
    for (int i = 0; i < 2 && status == NB_OK && !out->flat; i++)
        status = find_radius(h, i ? -1 : 1, &out->radius[i]);
    return status;
}

nb_status nb_demon_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                       const nb_seat *seat, double dz, nb_demon *out)
{
    haunting h = {.out = out};
    nb_dtype dtype = ctx->dtype;
    *out = (nb_demon){.z = 0};
    if (x->shape[0] != 1)
        return nb_fail(ctx, NB_EARG,
                       "the demon comes to one example, not to %lld; give one, as set[3]",
                       (long long)x->shape[0]);
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    nb_status status = nb_again_begin(&h.again, ctx, net, x, y, as);
    if (status == NB_OK) status = nb_again_trace(&h.again);
    if (status == NB_OK) status = nb_again_move_z(&h.again, seat->place, &h.move);
    if (status == NB_OK) status = haunt(&h, seat, dz);
    ctx->dtype = dtype;
    nb_tensor_release(ctx, h.move.z);
    nb_again_end(&h.again);
    return status;
}
