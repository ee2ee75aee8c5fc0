/* Layers and neurons as arguments. */
#include "lua/nn/inspect/seat.h"

#include "lua/names.h"
#include "nn/inspect/place.h"

typedef struct place_job {
    nb_net *net;
    const char *path;
    int place;
} place_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    place_job *work = data;
    work->place = nb_net_place(ctx, work->net, work->path);
    return work->place < 0 ? ctx->status : NB_OK;
}

/* Counted from the network's first, also where it stands in another. */
static int place_within(const nb_net *net, const nb_layer *layer)
{
    return layer->plan->place - net->layer.plan->place - 1;
}

/* The layer at a place of those in a block. */
static nb_layer *layer_at(const nb_layer *block, int place)
{
    for (int i = 0; i < block->children; i++) {
        nb_layer *child = block->child[i];
        if (place == 0) return child;
        if (place < child->plan->places) return layer_at(child, place - 1);
        place -= child->plan->places;
    }
    return NULL;
}

static nb_layer *check_handle(lua_State *L, nb_layer *layer, nbl_net *self, int *place)
{
    const nb_net *of = layer->owner;
    while (of && of != self->net) of = of->outer;
    if (!of) nbl_error(L, "this layer is not one of the network's");
    *place = place_within(self->net, layer);
    return layer;
}

nb_layer *nbl_check_place(lua_State *L, int arg, nbl_net *self, int *place)
{
    const nb_layer *top = &self->net->layer;
    nb_layer *layer = nbl_test_layer(L, arg);
    place_job work = {.net = self->net};
    if (layer && layer != top) return check_handle(L, layer, self, place);
    if (lua_type(L, arg) == LUA_TNUMBER) {
        int l = (int)nbl_check_index(L, arg, top->children, "layer");
        *place = 0;
        for (int i = 0; i < l; i++) *place += top->child[i]->plan->places;
        return top->child[l];
    }
    if (lua_type(L, arg) != LUA_TSTRING)
        nbl_arg_error(L, arg, "a layer: its number, a path such as \"3.1\", or a name");
    work.path = nbl_check_text(L, arg);
    nbl_run(L, find, &work);
    *place = work.place;
    return layer_at(top, work.place);
}

int64_t nbl_check_neuron(lua_State *L, int arg, const nb_layer *layer)
{
    int64_t neurons = layer->plan->neurons;
    if (neurons == 0)
        nbl_error(L, "%s is %s, which has no neurons with a z", layer->plan->where,
                  layer->type->name);
    return nbl_check_index(L, arg, neurons, "neuron");
}
