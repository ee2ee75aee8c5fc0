/* What all paths from the weight to each number come to, level after level. */
#include "nn/inspect/paths/tally.h"

#include "base/memory.h"
#include "nn/inspect/paths/build.h"

#include <math.h>

/* ---- Tallies ---- */

typedef struct tallying {
    const nb_graph *graph;
    double to[NB_TALLIES];
} tallying;

/* A path that is 0 counts as none. */
static void tally_arc(void *self, const nb_arc *arc)
{
    tallying *f = self;
    double own[NB_TALLIES] = {1, 1, 1, 1};
    for (int i = 0; arc->level >= 0 && i < NB_TALLIES; i++)
        own[i] = nb_level_tally(&f->graph->level[arc->level], (nb_tally)i, arc->at);
    if (arc->factor == 0) return;
    f->to[NB_TALLY_BEST] = fmax(f->to[NB_TALLY_BEST], fabs(arc->factor) * own[NB_TALLY_BEST]);
    f->to[NB_TALLY_SUM] += arc->factor * own[NB_TALLY_SUM];
    f->to[NB_TALLY_SIZE] += fabs(arc->factor) * own[NB_TALLY_SIZE];
    f->to[NB_TALLY_WAYS] += own[NB_TALLY_WAYS];
}

static nb_status tally_level(nb_graph *graph, int l)
{
    nb_ctx *ctx = graph->again->ctx;
    nb_level *level = &graph->level[l];
    level->tally = nb_alloc_zero(ctx, NB_TALLIES * (size_t)level->count, sizeof *level->tally);
    nb_status status = level->tally ? NB_OK : ctx->status;
    for (int64_t i = 0; i < level->count && status == NB_OK; i++) {
        tallying f = {.graph = graph};
        if ((i & 63) == 0) status = nb_poll(ctx);
        if (status == NB_OK) status = nb_graph_arcs(graph, l, i, tally_arc, &f);
        for (int k = 0; k < NB_TALLIES; k++) level->tally[k * level->count + i] = f.to[k];
    }
    return status;
}

/* ---- The weight ---- */

/* Its number in w, which is (neurons, inputs…), of conv_transpose (inputs, neurons of a group,
 * kernel…). */
static int64_t number_in(const nb_layer *layer, const nb_param *w, const nb_weight *weight)
{
    int64_t units = layer->plan->neurons, kernel = 1;
    if (nb_layer_neuron_dim(layer, w) == 0)
        return weight->neuron * (w->count / units) + weight->input;
    for (int i = 2; i < w->dims; i++) kernel *= w->shape[i];
    int64_t of_group = w->shape[1], inputs = w->shape[0] / (units / of_group);
    int64_t input = weight->neuron / of_group * inputs + weight->input / kernel;
    return (input * of_group + weight->neuron % of_group) * kernel + weight->input % kernel;
}

int64_t nb_layer_inputs(const nb_layer *layer)
{
    const nb_param *w = layer->plan->neurons ? nb_layer_param(layer, "w") : NULL;
    return w ? w->count / layer->plan->neurons : 0;
}

static nb_status find_weight(nb_graph *graph, const nb_weight *weight)
{
    nb_ctx *ctx = graph->again->ctx;
    const nb_layer *layer = graph->again->trace.place[weight->place].layer;
    const nb_plan *plan = layer->plan;
    int64_t inputs = nb_layer_inputs(layer);
    if (!inputs)
        return nb_fail(ctx, NB_EARG, "%s is %s, which has no weights of neurons, z = w a + b",
                       plan->where, layer->type->name);
    if (weight->neuron < 0 || weight->neuron >= plan->neurons)
        return nb_fail(ctx, NB_EARG, "%s has no neuron %lld; it has %lld", plan->where,
                       (long long)weight->neuron + 1, (long long)plan->neurons);
    if (weight->input < 0 || weight->input >= inputs)
        return nb_fail(ctx, NB_EARG, "a neuron of %s has no input %lld; it has %lld", plan->where,
                       (long long)weight->input + 1, (long long)inputs);
    graph->w = nb_layer_param(layer, "w");
    graph->weight = number_in(layer, graph->w, weight);
    return NB_OK;
}

nb_status nb_graph_make(nb_graph *graph, const nb_again *again, const nb_weight *weight)
{
    *graph = (nb_graph){.again = again};
    nb_status status = find_weight(graph, weight);
    if (status == NB_OK) status = nb_graph_build(graph);
    for (int l = 0; l < graph->levels && status == NB_OK; l++) {
        nb_tell(again->ctx, "following paths", l, graph->levels);
        if (graph->level[l].live) status = tally_level(graph, l);
    }
    if (status != NB_OK) return status;
    tallying f = {.graph = graph};
    nb_graph_last_arcs(graph, tally_arc, &f);
    for (int k = 0; k < NB_TALLIES; k++) graph->total[k] = f.to[k];
    return NB_OK;
}
