/* Edges of the graph. */
#include "nn/inspect/paths/graph.h"

#include "base/memory.h"
#include "nn/inspect/slope.h"

/* ---- Edges ---- */

typedef struct passing {
    int level;
    nb_arc_fn *see;
    void *self;
} passing;

static void pass_on(void *self, const nb_edge *edge)
{
    const passing *p = self;
    p->see(p->self, &(nb_arc){p->level, edge->in, edge->factor});
}

/* The Jacobian at one place of z, whose neurons lie `step` apart from `first` on. */
static nb_status take_matrix(nb_graph *graph, nb_level *level, int64_t stretch, int64_t first,
                             int64_t neurons, int64_t step)
{
    nb_ctx *ctx = graph->again->ctx;
    const nb_trace_place *place = &graph->again->trace.place[level->place];
    if (level->stretch == stretch) return NB_OK;
    nb_tensor *z = nb_tensor_contiguous(ctx, place->z);
    nb_tensor *own = z ? nb_tensor_view(ctx, z, 1, &neurons, &step, z->offset + first) : NULL;
    nb_tensor *matrix = own ? nb_runs_jacobian(ctx, place->runs, own) : NULL;
    nb_tensor *whole = matrix ? nb_tensor_contiguous(ctx, matrix) : NULL;
    nb_tensor *const all[] = {z, own, matrix};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    if (!whole) return ctx->status;
    nb_tensor_release(ctx, level->matrix);
    level->matrix = whole;
    level->stretch = stretch;
    return NB_OK;
}

static nb_status jacobian_arcs(nb_graph *graph, nb_level *level, int64_t at, nb_arc_fn *see,
                               void *self)
{
    const nb_runs *runs = graph->again->trace.place[level->place].runs;
    const nb_tensor *z = graph->again->trace.place[level->place].z;
    int64_t neurons = nb_runs_neurons(runs), step = 1;
    for (int i = 0; i < runs->behind; i++) step *= z->shape[z->dims - 1 - i];
    int64_t block = at / (neurons * step), behind = at % step, own = at / step % neurons;
    int64_t first = block * neurons * step + behind;
    nb_status status = take_matrix(graph, level, block * step + behind, first, neurons, step);
    if (status != NB_OK) return status;
    const double *row = (const double *)nb_tensor_data(level->matrix) + own * neurons;
    for (int64_t k = 0; k < neurons; k++)
        see(self, &(nb_arc){level->from, first + k * step, row[k]});
    return NB_OK;
}

static void sum_arcs(const nb_graph *graph, const nb_level *level, int64_t at, nb_arc_fn *see,
                     void *self)
{
    for (int b = 0; b < level->branches; b++)
        if (graph->level[level->of[b].level].live) see(self, &(nb_arc){level->of[b].level, at, 1});
}

/* A row is a stretch of each branch, one behind the other. */
static void side_arcs(const nb_graph *graph, const nb_level *level, int64_t at, nb_arc_fn *see,
                      void *self)
{
    int64_t whole = 0;
    for (int b = 0; b < level->branches; b++) whole += level->of[b].size;
    int64_t row = at / whole, inside = at % whole;
    int b = 0;
    for (; inside >= level->of[b].size; b++) inside -= level->of[b].size;
    if (graph->level[level->of[b].level].live)
        see(self, &(nb_arc){level->of[b].level, row * level->of[b].size + inside, 1});
}

nb_status nb_graph_arcs(nb_graph *graph, int l, int64_t at, nb_arc_fn *see, void *self)
{
    nb_level *level = &graph->level[l];
    passing p = {level->from, see, self};
    if (level->start && level->start[at] != 0) see(self, &(nb_arc){-1, 0, level->start[at]});
    if (level->kind == NB_LEVEL_SUM) return sum_arcs(graph, level, at, see, self), NB_OK;
    if (level->kind == NB_LEVEL_SIDE) return side_arcs(graph, level, at, see, self), NB_OK;
    if (level->from < 0 || !graph->level[level->from].live) return NB_OK;
    if (level->kind == NB_LEVEL_JACOBIAN) return jacobian_arcs(graph, level, at, see, self);
    if (level->kind == NB_LEVEL_SLOPE)
        see(self, &(nb_arc){level->from, at, ((const double *)nb_tensor_data(level->slope))[at]});
    else
        level->joint.layer->type->edges(&level->joint, at, pass_on, &p);
    return NB_OK;
}

void nb_graph_last_arcs(nb_graph *graph, nb_arc_fn *see, void *self)
{
    const double *gradient = nb_tensor_data(graph->gradient);
    if (!graph->level[graph->out].live) return;
    for (int64_t i = 0; i < graph->level[graph->out].count; i++)
        see(self, &(nb_arc){graph->out, i, gradient[i]});
}

/* ---- Its end ---- */

void nb_graph_free(nb_graph *graph)
{
    nb_ctx *ctx = graph->again->ctx;
    for (int i = 0; i < graph->levels; i++) {
        nb_level *level = &graph->level[i];
        size_t count = (size_t)level->count;
        nb_tensor *const all[] = {level->x, level->w, level->slope, level->matrix};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
        if (level->of) nb_free(ctx, level->of, (size_t)level->branches * sizeof *level->of);
        if (level->start) nb_free(ctx, level->start, count * sizeof *level->start);
        if (level->tally) nb_free(ctx, level->tally, NB_TALLIES * count * sizeof *level->tally);
    }
    nb_free(ctx, graph->level, (size_t)graph->room * sizeof *graph->level);
    nb_tensor_release(ctx, graph->gradient);
    *graph = (nb_graph){.again = graph->again};
}
