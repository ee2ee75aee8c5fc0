/* Lists of what flows through layers. */
#include "nn/train/run/flow.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

const char *const nb_flow_names[NB_FLOW_FIGURES] = {"delta", "gradient", "saturated"};

static size_t bytes(const nb_flow *flow, int64_t epochs)
{
    return (size_t)epochs * (size_t)flow->places * NB_FLOW_FIGURES * sizeof *flow->number;
}

void nb_flow_free(nb_ctx *ctx, nb_flow *flow)
{
    nb_free(ctx, flow->place, (size_t)flow->places * sizeof *flow->place);
    nb_free(ctx, flow->number, bytes(flow, flow->room));
    *flow = (nb_flow){.places = 0};
}

/* "dense 30 sigmoid" */
static void write_title(const nb_layer *layer, char title[NB_FLOW_TITLE])
{
    const nb_plan *plan = layer->plan;
    nb_activation all = plan->runs ? nb_runs_uniform(plan->runs) : (nb_activation){.type = NULL};
    int used = snprintf(title, NB_FLOW_TITLE, "%s", layer->type->name);
    if (plan->neurons)
        used +=
            snprintf(title + used, NB_FLOW_TITLE - (size_t)used, " %lld", (long long)plan->neurons);
    if (plan->runs)
        snprintf(title + used, NB_FLOW_TITLE - (size_t)used, " %s",
                 all.type ? all.type->name : "mixed");
}

/* The places of a block's children, from `place` on; `before`: its own path with a point. */
static void name_places(const nb_layer *block, const char *before, nb_flow_place *place)
{
    for (int i = 0; i < block->children; i++) {
        const nb_layer *child = block->child[i];
        char path[NB_PATH_MAX + 1];
        int used = snprintf(place->path, NB_PATH_MAX, "%s%d", before, i + 1);
        if (used < NB_PATH_MAX) snprintf(path, sizeof path, "%s.", place->path);
        write_title(child, place->title);
        if (child->children) name_places(child, path, place + 1);
        place += child->plan->places;
    }
}

nb_status nb_flow_begin(nb_ctx *ctx, const nb_net *net, nb_flow *flow)
{
    int places = net->layer.plan->places - 1; /* without the network's own */
    flow->place = nb_alloc_zero(ctx, (size_t)places, sizeof *flow->place);
    if (!flow->place) return ctx->status;
    flow->places = places;
    name_places(&net->layer, "", flow->place);
    return NB_OK;
}

nb_status nb_flow_reserve(nb_ctx *ctx, nb_flow *flow, int64_t epochs)
{
    if (!flow->places || epochs <= flow->room) return NB_OK;
    double *number = nb_resize(ctx, flow->number, bytes(flow, flow->room), bytes(flow, epochs));
    if (!number) return ctx->status;
    flow->number = number;
    flow->room = epochs;
    return NB_OK;
}

nb_status nb_flow_copy(nb_ctx *ctx, nb_flow *to, const nb_flow *from, int64_t epochs)
{
    *to = (nb_flow){.places = 0};
    if (!from->places) return NB_OK;
    to->place = nb_alloc(ctx, (size_t)from->places * sizeof *to->place);
    if (!to->place) return ctx->status;
    to->places = from->places;
    memcpy(to->place, from->place, (size_t)from->places * sizeof *to->place);
    nb_status status = nb_flow_reserve(ctx, to, epochs);
    if (status == NB_OK && epochs) memcpy(to->number, from->number, bytes(from, epochs));
    if (status != NB_OK) nb_flow_free(ctx, to);
    return status;
}
