/* Levels from layers: the way of a pass, with what each number is made of. */
#include "nn/inspect/paths/build.h"

#include "base/memory.h"

#include <string.h>

static nb_ctx *ctx_of(const nb_graph *graph)
{
    return graph->again->ctx;
}

/* ---- One level ---- */

/* The new level's number, or -1. */
static int add_level(nb_graph *graph, nb_level_kind kind, int place, int from, int64_t count)
{
    if (graph->levels == graph->room) {
        int room = graph->room ? 2 * graph->room : 16;
        size_t size = sizeof *graph->level;
        void *list =
            nb_resize(ctx_of(graph), graph->level, (size_t)graph->room * size, (size_t)room * size);
        if (!list) return -1;
        graph->level = list;
        graph->room = room;
    }
    graph->level[graph->levels] =
        (nb_level){.kind = kind, .place = place, .from = from, .count = count, .stretch = -1};
    if (from >= 0) graph->level[graph->levels].live = graph->level[from].live;
    return graph->levels++;
}

static const nb_trace_place *place_of(const nb_graph *graph, int p)
{
    return &graph->again->trace.place[p];
}

/* ---- Where the weight stands ---- */

/* What it gives to the numbers of z that it is connected with. */
typedef struct starting {
    const nb_graph *graph;
    const nb_level *level;
    double *to;
} starting;

static void start_with(void *self, const nb_edge *edge)
{
    const starting *s = self;
    if (edge->weight == s->graph->weight) *s->to += s->level->joint.x[edge->in];
}

/* An embedding's w is looked up, not multiplied with: each of its numbers is one of z wherever its
 * word stands. */
static nb_status start_at_words(nb_graph *graph, nb_level *level, nb_tensor *words)
{
    nb_ctx *ctx = ctx_of(graph);
    int64_t features = graph->w->shape[1], word = graph->weight / features + 1;
    nb_tensor *all = nb_tensor_convert(ctx, words, NB_F64, 1);
    if (!all) return ctx->status;
    const double *number = nb_tensor_data(all);
    for (int64_t i = 0; i < nb_tensor_count(all); i++)
        if (number[i] == (double)word) level->start[i * features + graph->weight % features] = 1;
    nb_tensor_release(ctx, all);
    return NB_OK;
}

/* ---- Layers ---- */

static nb_status no_way(const nb_graph *graph, const nb_layer *layer, const char *why)
{
    return nb_fail(ctx_of(graph), NB_EARG,
                   "%s is %s, %s; paths go through dense, conv, conv_transpose, pools, act, "
                   "flatten, reshape, dropout, positions and blocks of them",
                   layer->plan->where, layer->type->name, why);
}

/* Of a level whose layer has the weight, as its own or tied. */
static nb_status start(nb_graph *graph, nb_level *level, nb_tensor *x)
{
    nb_ctx *ctx = ctx_of(graph);
    const nb_layer *layer = level->joint.layer;
    const nb_layer_type *type = layer->type;
    if (!type->neurons && !type->words)
        return no_way(graph, layer, "which has the same weight and no neurons");
    level->start = nb_alloc_zero(ctx, (size_t)level->count, sizeof *level->start);
    if (!level->start) return ctx->status;
    level->live = true;
    if (type->words) return start_at_words(graph, level, x);
    for (int64_t i = 0; i < level->count; i++) {
        starting s = {graph, level, &level->start[i]};
        type->edges(&level->joint, i, start_with, &s);
    }
    return NB_OK;
}

/* z of a place as numbers that hang on those of level `from`, whose values are x. */
static int add_z(nb_graph *graph, int p, int from, nb_tensor *x)
{
    nb_ctx *ctx = ctx_of(graph);
    const nb_trace_place *place = place_of(graph, p);
    nb_param *w = nb_layer_param(place->layer, "w");
    int at = add_level(graph, NB_LEVEL_LAYER, p, from, nb_tensor_count(place->z));
    if (at < 0) return -1;
    nb_level *level = &graph->level[at];
    bool begins = w && w == graph->w;
    level->joint = (nb_joint){.layer = place->layer, .z_shape = place->z->shape + 1};
    if (!level->live && !begins) return at;
    if (level->live && !place->layer->type->edges)
        return no_way(graph, place->layer, "of which no output hangs on single numbers"), -1;
    level->x = nb_tensor_contiguous(ctx, x);
    level->w = level->x && w ? nb_tensor_contiguous(ctx, w->value) : NULL;
    if (!level->x || (w && !level->w)) return -1;
    level->joint.x_shape = level->x->shape + 1;
    level->joint.x = nb_dtype_computes(x->dtype) ? nb_tensor_data(level->x) : NULL;
    level->joint.w = level->w ? nb_tensor_data(level->w) : NULL;
    return !begins || start(graph, level, level->x) == NB_OK ? at : -1;
}

/* a of a place whose z is level `from`: by f' of each neuron where there is one. */
static int add_a(nb_graph *graph, int p, int from)
{
    const nb_trace_place *place = place_of(graph, p);
    nb_level_kind kind = place->slope ? NB_LEVEL_SLOPE : NB_LEVEL_JACOBIAN;
    int at = add_level(graph, kind, p, from, graph->level[from].count);
    if (at < 0 || !place->slope || !graph->level[at].live) return at;
    graph->level[at].slope = nb_tensor_contiguous(ctx_of(graph), place->slope);
    return graph->level[at].slope ? at : -1;
}

/* The place from whose z the cost goes on, -1: it takes what the network gives. */
static int end_place(const nb_graph *graph)
{
    const nb_net *net = graph->again->net;
    const nb_activation_type *last = nb_net_last_activation(net).type;
    int p = graph->again->trace.places - 1;
    if (nb_net_fused(net) == NB_OPS || !last || last->host) return -1;
    const nb_layer *end = nb_layer_end((nb_layer *)(uintptr_t)&net->layer);
    while (p > 0 && place_of(graph, p)->layer != end) p--;
    return p;
}

static int add_layer(nb_graph *graph, int p, int from, nb_tensor *x);

/* What a list of layers makes of level `from`; *x: its values, borrowed. */
typedef struct chain {
    int level;
    nb_tensor *x;
} chain;

/* Children first … end - 1 of a block whose first child stands at place `p`. */
static bool follow(nb_graph *graph, const nb_layer *block, int p, int first, int end, chain *at)
{
    for (int i = 0; i < end; i++) {
        const nb_layer *child = block->child[i];
        if (i >= first) {
            at->level = add_layer(graph, p, at->level, at->x);
            if (at->level < 0) return false;
            at->x = place_of(graph, p)->a;
        }
        p += child->plan->places;
    }
    return true;
}

/* Room for what `branches` branches give. */
static nb_branch_at *branches_of(nb_graph *graph, int branches)
{
    return nb_alloc_zero(ctx_of(graph), (size_t)branches, sizeof(nb_branch_at));
}

/* Numbers of a in one row of what is put side by side: its joint, and the extents behind. */
static int64_t row_of(const nb_tensor *a, const nb_form *form)
{
    int64_t row = 1;
    for (int i = 1 + nb_form_neuron_dim(form); i < a->dims; i++) row *= a->shape[i];
    return row;
}

/* A block of branches: residual adds them, with its input where there is one; parallel puts them
 * side by side. */
static int add_block(nb_graph *graph, const nb_layer *block, int p, int from, nb_tensor *x)
{
    bool adds = block->type->adds;
    int branches = adds ? 2 : block->branches;
    nb_branch_at *of = branches_of(graph, branches);
    bool whole = of != NULL, live = false;
    for (int b = 0; whole && b < branches; b++) {
        chain end = {from, x};
        if (b < block->branches)
            whole = follow(graph, block, p + 1, nb_branch_first(block, b), nb_branch_end(block, b),
                           &end);
        of[b] = (nb_branch_at){end.level, row_of(end.x, &block->plan->out)};
        live = live || (whole && graph->level[end.level].live);
    }
    int at = whole ? add_level(graph, adds ? NB_LEVEL_SUM : NB_LEVEL_SIDE, p, -1,
                               nb_tensor_count(place_of(graph, p)->a))
                   : -1;
    if (at < 0) {
        if (of) nb_free(ctx_of(graph), of, (size_t)branches * sizeof *of);
        return -1;
    }
    graph->level[at].of = of;
    graph->level[at].branches = branches;
    graph->level[at].live = live;
    return at;
}

/* A network in another may see its input in a scale of its own. */
static int add_net(nb_graph *graph, const nb_layer *layer, int p, int from, nb_tensor *x)
{
    chain at = {from, x};
    if (nb_net_of(layer)->schema.scale && graph->level[from].live)
        return no_way(graph, layer, "which sees what comes to it in a scale of its own"), -1;
    return follow(graph, layer, p + 1, 0, layer->children, &at) ? at.level : -1;
}

static int add_layer(nb_graph *graph, int p, int from, nb_tensor *x)
{
    const nb_trace_place *place = place_of(graph, p);
    if (nb_poll(ctx_of(graph)) != NB_OK) return -1;
    if (nb_net_of(place->layer)) return add_net(graph, place->layer, p, from, x);
    if (place->layer->children) return add_block(graph, place->layer, p, from, x);
    int z = add_z(graph, p, from, x);
    if (p == graph->end) graph->out = z;
    return z >= 0 && place->runs ? add_a(graph, p, z) : z;
}

nb_status nb_graph_build(nb_graph *graph)
{
    const nb_again *again = graph->again;
    const nb_trace *trace = &again->trace;
    nb_ctx *ctx = again->ctx;
    graph->out = -1;
    graph->end = end_place(graph);
    chain at = {add_level(graph, NB_LEVEL_INPUT, -1, -1, nb_tensor_count(trace->seen)),
                trace->seen};
    if (at.level < 0 || !follow(graph, &again->net->layer, 0, 0, again->net->layer.children, &at))
        return ctx->status;
    bool fused = graph->out >= 0;
    if (!fused) graph->out = at.level;
    graph->gradient = nb_tensor_contiguous(
        ctx, fused ? place_of(graph, graph->level[graph->out].place)->delta : trace->grad_a);
    return graph->gradient ? NB_OK : ctx->status;
}
