/* For stdlib: what pictures need to know of a layer. */
#include "lua/nn/inspect/facts.h"

#include "lua/data/schema.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"
#include "nn/net/net.h"

#include <string.h>

/* A form as a list of sizes, free ones 0, in the field `name` of the table on the stack's top. */
static void set_sizes(lua_State *L, const char *name, const nb_form *form)
{
    lua_createtable(L, form->dims, 0);
    for (int i = 0; i < form->dims; i++) {
        lua_pushinteger(L, form->size[i] > 0 ? (lua_Integer)form->size[i] : 0);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, name);
}

const char *nbl_reading_name(const nb_form *form)
{
    static const char *const names[] = {"vector", "steps", "space", "open"};
    return names[form->reading];
}

/* The list of children in which a layer stands for the first time below `block`, and where. */
static const nb_layer *find_parent(const nb_layer *block, const nb_layer *layer, int *at)
{
    for (int i = 0; i < block->children; i++) {
        const nb_layer *child = block->child[i];
        const nb_layer *found = child == layer ? block : find_parent(child, layer, at);
        if (child == layer) *at = i;
        if (found) return found;
    }
    return NULL;
}

/* The first child of the branch that child `at` is in. */
static int branch_begin(const nb_layer *block, int at)
{
    int first = 0;
    for (int b = 0; b < block->branches; b++)
        if (block->branch[b] <= at) first = block->branch[b];
    return first;
}

/* The picture whose numbers a layer reads as one vector: what flatten made it of, through layers
 * that change nothing of which number is which. NULL: none. */
static const nb_form *picture_before(const nb_layer *layer)
{
    int at;
    const nb_layer *block =
        layer->owner ? find_parent(&nb_net_root(layer->owner)->layer, layer, &at) : NULL;
    for (int i = block ? at - 1 : -1, first = block ? branch_begin(block, at) : 0; i >= first;
         i--) {
        const nb_layer *child = block->child[i];
        if (child->type == nb_layer_types[NB_LAYER_flatten]) return &child->plan->in;
        bool same = child->type == nb_layer_types[NB_LAYER_act] ||
                    child->type == nb_layer_types[NB_LAYER_dropout];
        if (!same) return NULL;
    }
    return NULL;
}

static void set_picture(lua_State *L, const nb_layer *layer)
{
    const nb_form *form = picture_before(layer);
    if (form && (form->dims == 2 || form->dims == 3) && !nb_form_is_free(form))
        set_sizes(L, "picture", form);
}

static void add_name(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* A w that is another layer's too is one of the layer's. */
static void set_params(lua_State *L, const nb_plan *plan)
{
    lua_createtable(L, plan->params, 0);
    if (plan->tied) add_name(L, "w");
    for (int i = 0; i < plan->params; i++) add_name(L, plan->param[i].name);
    lua_setfield(L, -2, "params");
}

static void set_string(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* What its network learned from, and whether the layer is the first or the last of it. */
static void set_network(lua_State *L, const nb_layer *layer)
{
    static const char *const fields[] = {"columns", "classes", "words"};
    const nb_net *net = layer->owner;
    if (!net) return;
    for (int i = 0; i < 3; i++)
        if (nbl_push_schema_field(L, &net->schema, fields[i])) lua_setfield(L, -2, fields[i]);
    lua_pushboolean(L, net->layer.children && net->layer.child[0] == layer);
    lua_setfield(L, -2, "first");
    lua_pushboolean(L, net->layer.children && net->layer.child[net->layer.children - 1] == layer);
    lua_setfield(L, -2, "last");
}

int nbl_facts(lua_State *L)
{
    const nb_layer *layer = nbl_test_layer(L, 1);
    if (!layer || !layer->plan) return 0;
    const nb_plan *plan = layer->plan;
    lua_createtable(L, 0, 16);
    set_string(L, "where", plan->where);
    set_string(L, "path", plan->path);
    set_string(L, "type", layer->type->name);
    set_string(L, "reading", nbl_reading_name(&plan->in));
    set_sizes(L, "into", &plan->in);
    nbl_push_title(L, layer);
    lua_setfield(L, -2, "title");
    lua_pushinteger(L, layer->children);
    lua_setfield(L, -2, "children");
    if (plan->runs) {
        nb_activation all = nb_runs_uniform(plan->runs);
        if (all.type) set_string(L, "activation", all.type->name);
    }
    set_params(L, plan);
    set_picture(L, layer);
    set_network(L, layer);
    return 1;
}
