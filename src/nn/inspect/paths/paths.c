/* Paths as neurons that they go through. */
#include "nn/inspect/paths/paths.h"

#include "base/memory.h"
#include "nn/inspect/paths/search.h"
#include "nn/learns.h"

#include <math.h>

/* ---- From steps to stops ---- */

/* The steps run from C to the weight; z of a neuron is a stop, and a before it tells where it
 * leaves. */
static int fill_stops(const nb_graph *graph, const nb_step *step, int steps, nb_waypoint *stop)
{
    int stops = 0;
    for (int i = steps - 1; i >= 0; i--) {
        const nb_level *level = &graph->level[step[i].level];
        bool activates = level->kind == NB_LEVEL_SLOPE || level->kind == NB_LEVEL_JACOBIAN;
        if (activates) stop[stops - 1].a = step[i].at;
        if (level->kind != NB_LEVEL_LAYER || !level->joint.layer->plan->runs) continue;
        stop[stops++] = (nb_waypoint){level->place, step[i].at, step[i].at};
    }
    return stops;
}

typedef struct collecting {
    const nb_graph *graph;
    nb_paths *out;
} collecting;

static nb_status collect(void *self, double value, const nb_step *step, int steps)
{
    collecting *c = self;
    nb_ctx *ctx = c->graph->again->ctx;
    nb_path *path = &c->out->path[c->out->paths];
    nb_waypoint *stop = nb_alloc(ctx, (size_t)steps * sizeof *stop);
    if (!stop) return ctx->status;
    int stops = fill_stops(c->graph, step, steps, stop);
    *path = (nb_path){value, stop, stops, steps};
    c->out->paths++;
    return NB_OK;
}

/* ---- Finding them ---- */

/* What backpropagation says of the same weight. */
static double gradient_of(const nb_paths *paths, int place)
{
    const nb_trace_place *at = &paths->again.trace.place[place];
    int i = 0;
    while (nb_trace_param(at, i) != paths->w) i++;
    return ((const double *)nb_tensor_data(at->grad[i]))[paths->weight];
}

static nb_status find(nb_graph *graph, const nb_weight *weight, int top, nb_paths *out)
{
    nb_ctx *ctx = out->again.ctx;
    nb_status status = nb_graph_make(graph, &out->again, weight);
    if (status != NB_OK) return status;
    out->total = graph->total[NB_TALLY_SUM];
    out->size = graph->total[NB_TALLY_SIZE];
    out->count = graph->total[NB_TALLY_WAYS];
    out->w = graph->w;
    out->weight = graph->weight;
    out->place = weight->place;
    out->gradient = gradient_of(out, weight->place);
    if (!isfinite(out->size))
        return nb_fail(ctx, NB_EVALUE, "the paths' sizes add up to more than the largest number");
    out->path = nb_alloc_zero(ctx, (size_t)top, sizeof *out->path);
    if (!out->path) return ctx->status;
    out->room = top;
    collecting c = {graph, out};
    return nb_graph_search(graph, top, collect, &c);
}

static nb_status check(nb_ctx *ctx, const nb_tensor *x, int top)
{
    if (x->shape[0] != 1)
        return nb_fail(ctx, NB_EARG,
                       "paths are those of one example, not of %lld; give one, as "
                       "set[3]",
                       (long long)x->shape[0]);
    if (top >= 1 && top <= NB_PATHS_MOST) return NB_OK;
    return nb_fail(ctx, NB_EARG, "top must be from 1 to %d, not %d", (int)NB_PATHS_MOST, top);
}

nb_status nb_paths_find(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                        const nb_weight *weight, int top, nb_paths *out)
{
    nb_dtype dtype = ctx->dtype;
    nb_again *again = &out->again;
    *out = (nb_paths){.again.ctx = ctx};
    if (check(ctx, x, top) != NB_OK) return ctx->status;
    nb_graph graph = {.again = again};
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    nb_status status = nb_again_begin(again, ctx, net, x, y, as);
    if (status == NB_OK) status = nb_again_trace(again);
    if (status == NB_OK) status = nb_trace_slopes(ctx, again->net, again->y, &again->trace);
    if (status == NB_OK) status = find(&graph, weight, top, out);
    ctx->dtype = dtype;
    nb_graph_free(&graph);
    return status;
}

void nb_paths_free(nb_paths *paths)
{
    nb_ctx *ctx = paths->again.ctx;
    if (!ctx) return;
    for (int i = 0; i < paths->paths; i++)
        nb_free(ctx, paths->path[i].stop, (size_t)paths->path[i].room * sizeof(nb_waypoint));
    if (paths->path) nb_free(ctx, paths->path, (size_t)paths->room * sizeof *paths->path);
    nb_again_end(&paths->again);
    *paths = (nb_paths){.total = 0};
}

/* ---- In words ---- */

int nb_waypoint_neuron(const nb_paths *paths, int place, int64_t at, int64_t *neuron,
                       int64_t where[NB_MAX_DIMS])
{
    const nb_trace_place *of = &paths->again.trace.place[place];
    int count = 0, own = of->z->dims - 1 - of->runs->behind;
    int64_t index[NB_MAX_DIMS];
    for (int i = of->z->dims - 1; i > 0; i--) {
        index[i] = at % of->z->shape[i];
        at /= of->z->shape[i];
    }
    for (int i = 1; i < of->z->dims; i++)
        if (i != own) where[count++] = index[i];
    *neuron = index[own];
    return count;
}

static void write_neuron(nb_text *text, const nb_layer *layer, int64_t neuron)
{
    const nb_tuned tuned = nb_layer_tuned(layer, neuron);
    if (*tuned.name)
        nb_text_add(text, "%s", tuned.name);
    else
        nb_text_add(text, "%lld", (long long)neuron + 1);
}

/* What the network calls the answer, at its last neurons. */
static void write_class(nb_text *text, const nb_paths *paths, const nb_waypoint *stop,
                        int64_t neuron)
{
    nb_net *net = paths->again.net;
    const nb_layer *layer = paths->again.trace.place[stop->place].layer;
    const nb_classes *classes = net->schema.classes;
    if (!classes || classes->count != layer->plan->neurons) return;
    if (layer != nb_layer_end(&net->layer)) return;
    nb_text_add(text, " = ");
    nb_classes_add_name(text, classes->name[neuron]);
}

void nb_waypoint_write(nb_text *text, const nb_paths *paths, const nb_waypoint *stop)
{
    const nb_layer *layer = paths->again.trace.place[stop->place].layer;
    int64_t neuron, left, where[NB_MAX_DIMS], other[NB_MAX_DIMS];
    int places = nb_waypoint_neuron(paths, stop->place, stop->z, &neuron, where);
    nb_waypoint_neuron(paths, stop->place, stop->a, &left, other);
    nb_text_add(text, "%s[", *layer->head.name ? layer->head.name : layer->plan->path);
    write_neuron(text, layer, neuron);
    if (left != neuron) {
        nb_text_add(text, "→");
        write_neuron(text, layer, left);
    }
    write_class(text, paths, stop, left);
    for (int i = 0; i < places; i++)
        nb_text_add(text, "%s%lld", i ? "," : " at ", (long long)where[i] + 1);
    nb_text_add(text, "]");
}
