/* One question: survey, factors, medians, cures. */
#include "nn/inspect/why/why.h"

#include "base/memory.h"
#include "nn/net/pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Who can be asked -------------------------------------------------------------------------
 */

enum { NAMED = 8 }; /* layers that a message names */

/* The layer whose table of words is this one's w too, to which it is tied; or NULL. */
static const nb_layer *table_of(const nb_layer *layer)
{
    while (layer->plan->tied) layer = layer->plan->tied;
    return layer->type->sums ? NULL : layer;
}

/* "1, 3, 4.2": those that can be asked, first places. */
static void list_layers(const nb_net *net, char *out, size_t room)
{
    size_t used = 0;
    int count = 0;
    out[0] = '\0';
    for (int i = 0; i < net->parts && used < room; i++) {
        const nb_layer *layer = net->part[i];
        if (!layer->type->sums || count++ >= NAMED) continue;
        used += (size_t)snprintf(out + used, room - used, "%s%s", used ? ", " : "",
                                 nb_net_path(net, layer->plan));
    }
    if (count > NAMED && used < room) snprintf(out + used, room - used, ", …");
}

nb_status nb_why_check(nb_ctx *ctx, const nb_net *net, const nb_layer *layer)
{
    char layers[NB_MESSAGE_MAX / 2];
    if (layer->type->sums) return NB_OK;
    list_layers(net, layers, sizeof layers);
    if (!*layers)
        return nb_fail(ctx, NB_EARG, "%s is %s, which computes no z = w a + b; no layer here does",
                       layer->plan->where, layer->type->name);
    return nb_fail(ctx, NB_EARG, "%s is %s, which computes no z = w a + b; those that do: %s",
                   layer->plan->where, layer->type->name, layers);
}

/* ---- Medians ----------------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of `count` > 0 numbers, which are put in order. */
static double median(double *number, int64_t count)
{
    qsort(number, (size_t)count, sizeof *number, ascending);
    return count % 2 ? number[count / 2] : (number[count / 2 - 1] + number[count / 2]) / 2;
}

/* The families of one name, and what they add up to. */
typedef struct looked {
    nb_ctx *ctx;
    const nb_question *question;
    int first, last;
    nb_tally *tally; /* a list of last - first */
    nb_counts counts;
    int64_t neurons, inputs;
    double *room; /* for as many numbers as a median is of */
} looked;

/* Factor f of all neurons, or of all their weights where `each`. */
static double median_over(const looked *l, nb_factor f, bool each)
{
    double factors[NB_FACTOR_ALL];
    int64_t count = 0;
    for (int i = 0; i < l->last - l->first; i++) {
        const nb_tally *tally = &l->tally[i];
        for (int64_t k = 0; k < tally->count; k++) {
            int64_t j = each ? 0 : l->question->input;
            do {
                nb_factors_of(tally, &l->counts, k, j, factors);
                l->room[count++] = factors[f];
            } while (each && ++j < l->inputs);
        }
    }
    return median(l->room, count);
}

/* A of the neuron's inputs. */
static double median_input(const looked *l)
{
    double factors[NB_FACTOR_ALL];
    const nb_neuron_place *at = &l->question->neuron;
    for (int64_t j = 0; j < l->inputs; j++) {
        nb_factors_of(&l->tally[at->family - l->first], &l->counts, at->k, j, factors);
        l->room[j] = factors[NB_FACTOR_INPUTS];
    }
    return median(l->room, l->inputs);
}

static void take_medians(const looked *l, nb_why *out)
{
    bool weight = l->question->input >= 0;
    for (int f = 0; f < NB_FACTOR_ALL; f++)
        out->median[f] =
            median_over(l, (nb_factor)f, weight && f != NB_FACTOR_DEMAND && f != NB_FACTOR_SLOPE);
    if (weight) out->median[NB_FACTOR_INPUTS] = median_input(l);
}

/* ---- What it says -----------------------------------------------------------------------------
 */

static double ratio(double own, double median)
{
    return own == median ? 1 : own / median;
}

static void compare(const looked *l, nb_why *out)
{
    bool weight = l->question->input >= 0;
    out->alone = l->neurons == 1;
    for (int f = 0; f < NB_FACTORS; f++)
        out->relative[f] = out->alone ? out->own[f] : ratio(out->own[f], out->median[f]);
    if (!weight)
        out->relative[NB_FACTOR_INPUTS] = out->own[NB_FACTOR_INPUTS] / sqrt((double)l->inputs);
    else if (l->inputs > 1)
        out->relative[NB_FACTOR_INPUTS] = ratio(out->own[0], out->median[0]);
    /* What all neurons see alike says nothing of one among them, unless it is quiet for all. */
    bool quiet = weight || out->alone || out->relative[NB_FACTOR_INPUTS] < NB_QUIET;
    out->smallest = quiet ? NB_FACTOR_INPUTS : NB_FACTOR_DEMAND;
    for (int f = 1; f < NB_FACTORS; f++)
        if (out->relative[f] < out->relative[out->smallest]) out->smallest = (nb_factor)f;
}

static void conclude(const looked *l, nb_why *out, nb_patient *patient)
{
    const nb_question *q = l->question;
    const nb_tally *own = &l->tally[q->neuron.family - l->first];
    int64_t k = q->neuron.k;
    nb_factors_of(own, &l->counts, k, q->input, out->own);
    take_medians(l, out);
    compare(l, out);
    out->places = own->terms / l->counts.examples;
    out->saturated = own->low[k] / own->terms;
    out->dead = own->none[k] / own->terms;
    *patient = (nb_patient){.neuron = q->neuron,
                            .input = q->input,
                            .size = out->own[NB_FACTOR_SIZE],
                            .mean_z = own->own > 0 ? own->z[k] / own->own : 0,
                            .dead = out->dead > 0 && out->dead >= out->saturated / 2};
}

/* ---- Asking -----------------------------------------------------------------------------------
 */

static nb_status begin(looked *l, const nb_layer *layer)
{
    nb_ctx *ctx = l->ctx;
    bool weight = l->question->input >= 0;
    nb_sums_alike(layer, l->question->neuron.family, &l->first, &l->last);
    int count = l->last - l->first;
    l->tally = nb_alloc_zero(ctx, (size_t)count, sizeof *l->tally);
    if (!l->tally) return ctx->status;
    for (int i = 0; i < count; i++) {
        nb_neurons family = layer->type->sums->family(layer, l->first + i);
        if (nb_tally_begin(ctx, &l->tally[i], family, -1, weight) != NB_OK) return ctx->status;
        l->neurons += family.count;
        l->inputs = family.inputs;
    }
    l->room = nb_alloc_zero(ctx, (size_t)(l->neurons * l->inputs), sizeof *l->room);
    return l->room ? NB_OK : ctx->status;
}

static void end(looked *l)
{
    int count = l->last - l->first;
    for (int i = 0; l->tally && i < count; i++) nb_tally_free(l->ctx, &l->tally[i]);
    nb_free(l->ctx, l->room, (size_t)(l->neurons * l->inputs) * sizeof *l->room);
    nb_free(l->ctx, l->tally, (size_t)count * sizeof *l->tally);
}

static nb_status ask(nb_ctx *ctx, nb_survey *survey, const nb_question *question, nb_why *out)
{
    looked l = {.ctx = ctx, .question = question};
    nb_patient patient;
    nb_status status = begin(&l, survey->layer);
    if (status == NB_OK) status = nb_survey_run(ctx, survey, l.tally, l.first, l.last, &l.counts);
    if (status == NB_OK) conclude(&l, out, &patient);
    end(&l);
    if (status != NB_OK) return status;
    return nb_cures_try(ctx, survey, &patient, out->cure, &out->cures);
}

static nb_status check(nb_ctx *ctx, const nb_net *net, const nb_set *set, const nb_question *q)
{
    nb_status status = nb_why_check(ctx, net, q->layer);
    if (status == NB_OK) status = nb_net_check_cost(ctx, net);
    if (status == NB_OK && set->count == 0) status = nb_fail(ctx, NB_EARG, "the set is empty");
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    return status;
}

nb_status nb_why_ask(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_question *question,
                     nb_why *out)
{
    nb_weights weights = {.of = NULL};
    int at = 0;
    *out = (nb_why){.table = table_of(question->layer)};
    nb_status status = check(ctx, net, set, question);
    if (status != NB_OK) return status;
    while (net->part[at] != question->layer) at++;
    if (question->weights.numbers)
        status = nb_weights_read(ctx, net, set, question->weights, &weights);
    nb_net *copy = status == NB_OK ? nb_net_clone(ctx, net, NB_F64) : NULL;
    nb_survey survey = {.net = copy, .set = set, .total = (1 + NB_CURES) * set->count};
    survey.weights = weights.of ? &weights : NULL;
    if (copy) {
        survey.layer = copy->part[at];
        status = ask(ctx, &survey, question, out);
    } else if (status == NB_OK) {
        status = ctx->status;
    }
    nb_net_release(ctx, copy);
    nb_weights_free(ctx, &weights);
    return status;
}
