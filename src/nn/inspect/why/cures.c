/* Changes of one neuron, each on a copy of its own. */
#include "nn/inspect/why/cures.h"

#include "grad/held.h"
#include "kernel/kernel.h"
#include "nn/net/pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const nb_cure_names[NB_CURES] = {"activation", "cost", "bias", "weights"};

/* One under way. */
typedef struct trial {
    nb_ctx *ctx;
    const nb_survey *of;
    const nb_patient *patient;
    nb_net *net;     /* the copy */
    nb_layer *layer; /* of it */
    nb_cure *cure;
    bool fits; /* the neuron can have it */
} trial;

/* ---- Another activation -----------------------------------------------------------------------
 */

/* One that does not flatten where this one does; type NULL: it has none better. */
static nb_activation other_activation(const trial *t, const nb_activation_type *now)
{
    const nb_activation_type *relu = nb_activations[NB_ACT_relu];
    const nb_activation_type *leaky = nb_activations[NB_ACT_leaky_relu];
    if (now->whole_layer || now == leaky || now == nb_activations[NB_ACT_linear])
        return (nb_activation){.type = NULL};
    return nb_activation_of(now == relu || t->patient->dead ? leaky : relu);
}

static nb_status change_activation(trial *t)
{
    const nb_sums_type *sums = t->layer->type->sums;
    nb_neuron_place neuron = t->patient->neuron;
    if (!t->layer->plan->runs) return NB_OK;
    int64_t k = sums->family(t->layer, neuron.family).first + neuron.k;
    nb_activation to = other_activation(t, nb_runs_at(t->layer->plan->runs, k).type);
    if (!to.type) return NB_OK;
    snprintf(t->cure->to, sizeof t->cure->to, "%s", to.type->name);
    t->fits = true;
    return nb_layer_set_activation(t->ctx, t->layer, k, 1, to);
}

/* ---- Another cost -----------------------------------------------------------------------------
 */

static nb_status change_cost(trial *t)
{
    const nb_cost_type *to = nb_costs[NB_COST_cross_entropy];
    if (!t->net->cost.type->squares) return NB_OK;
    t->net->cost = nb_cost_make(to);
    snprintf(t->cure->to, sizeof t->cure->to, "%s", to->name);
    t->fits = true;
    return NB_OK;
}

/* ---- Other numbers ----------------------------------------------------------------------------
 */

/* view = view * factor + added, in the copy's parameters. */
static nb_status write(nb_ctx *ctx, nb_tensor *view, double factor, double added)
{
    nb_held h = {.ctx = ctx};
    nb_tensor *scaled = nb_held_number(&h, NB_OP_mul, view, factor);
    nb_tensor *moved = nb_held_number(&h, NB_OP_add, scaled, added);
    nb_status status = moved ? nb_tensor_copy(ctx, view, moved) : ctx->status;
    nb_held_free(&h);
    return status;
}

/* The neuron's part of a parameter, off the tape; *param, where not NULL, is all of it. */
static nb_tensor *part_of(trial *t, const nb_stretch *stretch, const nb_param **param)
{
    const nb_param *all = nb_layer_param(t->layer, stretch->param);
    nb_tensor *still = nb_tensor_alias(t->ctx, all->value), *part = NULL;
    if (param) *param = all;
    if (still) part = nb_stretch_of(t->ctx, still, stretch);
    nb_tensor_release(t->ctx, still);
    return part;
}

static nb_status change_bias(trial *t)
{
    nb_stretch stretch[NB_STRETCHES];
    nb_neuron_place neuron = t->patient->neuron;
    int count = t->layer->type->sums->stretches(t->layer, neuron.family, neuron.k, stretch);
    for (int i = 0; i < count && !t->fits; i++) {
        if (!stretch[i].bias) continue;
        nb_tensor *b = part_of(t, &stretch[i], NULL);
        t->cure->change = -t->patient->mean_z;
        t->fits = true;
        nb_status status = b ? write(t->ctx, b, 1, t->cure->change) : t->ctx->status;
        nb_tensor_release(t->ctx, b);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

static double mean_square(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *whole = nb_tensor_contiguous(ctx, t);
    if (!whole) return NAN;
    int64_t count = nb_tensor_count(whole);
    double sum = nb_real(NB_F64)->sum_squares((size_t)count, nb_tensor_data(whole), 1);
    nb_tensor_release(ctx, whole);
    return sum / (double)count;
}

/* The neuron's part of one parameter as large as its initialiser makes it. */
static nb_status rescale(trial *t, const nb_stretch *stretch)
{
    const nb_param *param;
    nb_tensor *w = part_of(t, stretch, &param);
    if (!w) return t->ctx->status;
    double now = sqrt(mean_square(t->ctx, w));
    double then = nb_init_spread(param->init, param->value, param->fan_in, param->fan_out);
    nb_status status = NB_OK;
    if (now > 0 && then > 0 && isfinite(now)) {
        if (!t->fits) {
            t->cure->change = then / now;
            snprintf(t->cure->to, sizeof t->cure->to, "%s", param->init.type->name);
        }
        t->fits = true;
        status = write(t->ctx, w, then / now, 0);
    }
    nb_tensor_release(t->ctx, w);
    return status;
}

static nb_status change_weights(trial *t)
{
    nb_stretch stretch[NB_STRETCHES];
    nb_neuron_place neuron = t->patient->neuron;
    nb_status status = NB_OK;
    int count = t->layer->type->sums->stretches(t->layer, neuron.family, neuron.k, stretch);
    for (int i = 0; i < count && status == NB_OK; i++)
        if (!stretch[i].bias) status = rescale(t, &stretch[i]);
    return status;
}

/* ---- Measuring --------------------------------------------------------------------------------
 */

static nb_status measure(trial *t, int64_t done)
{
    nb_ctx *ctx = t->ctx;
    const nb_patient *p = t->patient;
    nb_survey survey = *t->of;
    nb_counts counts;
    nb_tally tally;
    double factors[NB_FACTOR_ALL];
    survey.net = t->net;
    survey.layer = t->layer;
    survey.done = done;
    nb_neurons family = t->layer->type->sums->family(t->layer, p->neuron.family);
    nb_status status = nb_tally_begin(ctx, &tally, family, p->neuron.k, p->input >= 0);
    if (status != NB_OK) return status;
    int f = p->neuron.family;
    status = nb_survey_run(ctx, &survey, &tally, f, f + 1, &counts);
    if (status == NB_OK) {
        nb_factors_of(&tally, &counts, 0, p->input, factors);
        t->cure->size = factors[NB_FACTOR_SIZE];
        t->cure->factor = t->cure->size == p->size ? 1 : t->cure->size / p->size;
    }
    nb_tally_free(ctx, &tally);
    return status;
}

/* What only says that this change is none for this network. */
static bool is_refusal(nb_status status)
{
    return status == NB_EARG || status == NB_EVALUE || status == NB_ESHAPE;
}

static nb_status attempt(trial *t, int64_t done)
{
    static nb_status (*const changes[NB_CURES])(trial *) = {change_activation, change_cost,
                                                            change_bias, change_weights};
    const nb_net *from = t->of->net;
    int at = 0;
    while (from->part[at] != t->of->layer) at++;
    t->net = nb_net_clone(t->ctx, t->of->net, NB_F64);
    if (!t->net) return t->ctx->status;
    t->layer = t->net->part[at];
    nb_status status = changes[t->cure->kind](t);
    if (status == NB_OK && t->fits) status = measure(t, done);
    if (is_refusal(status)) {
        t->fits = false;
        status = NB_OK;
    }
    nb_net_release(t->ctx, t->net);
    return status;
}

nb_status nb_cures_try(nb_ctx *ctx, nb_survey *survey, const nb_patient *patient,
                       nb_cure out[NB_CURES], int *count)
{
    nb_status status = NB_OK;
    *count = 0;
    for (int kind = 0; kind < NB_CURES && status == NB_OK; kind++) {
        nb_cure *cure = &out[*count];
        *cure = (nb_cure){.kind = (nb_cure_kind)kind};
        trial t = {.ctx = ctx, .of = survey, .patient = patient, .cure = cure};
        status = attempt(&t, (kind + 1) * survey->set->count);
        if (status == NB_OK && t.fits && isfinite(cure->size)) ++*count;
    }
    return status;
}
