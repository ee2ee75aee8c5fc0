/* Fields of layers and neurons: activations, parameters, how they learn. */
#include "lua/nn/layer/field.h"

#include "lua/names.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/part.h"
#include "lua/seal.h"
#include "nn/net/net.h"
#include "tensor/assign.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Jobs ---- */

void nbl_layer_run(lua_State *L, nb_layer *layer, nbl_job *job, void *data)
{
    if (!layer->owner) {
        nbl_run(L, job, data);
        return;
    }
    nbl_net_run(L, nbl_push_net(L, layer->owner), job, data);
    lua_pop(L, 1);
}

/* ---- Activations ---- */

typedef struct activation_job {
    nb_layer *layer;
    int64_t start, count;
    nb_activation activation;
} activation_job;

static nb_status set_activation(nb_ctx *ctx, void *data)
{
    activation_job *work = data;
    return nb_layer_set_activation(ctx, work->layer, work->start, work->count, work->activation);
}

/* The function is held before the core points into it. */
void nbl_assign_activation(lua_State *L, nb_layer *layer, int handle, int64_t start, int64_t count)
{
    activation_job work = {layer, start, count, nbl_to_activation(L, 3)};
    nbl_layer_hold(L, handle, layer, 3);
    nbl_layer_run(L, layer, set_activation, &work);
    nbl_layer_adopt(L, handle, layer);
}

/* ---- Parameters ---- */

typedef struct copy_job {
    const nb_layer *layer;
    const char *key;
    int64_t neuron; /* below 0: all of them */
    nb_tensor *to;
    const nb_tensor *from;
} copy_job;

/* What w that is turned round is told: other programs keep inputs × units. */
static const char *turned(const nb_tensor *to, const nb_tensor *from)
{
    bool other = to->dims == 2 && from->dims == 2 && to->shape[0] == from->shape[1] &&
                 to->shape[1] == from->shape[0];
    return other ? "; x:t() turns x round" : "";
}

/* A number fills a parameter. What has dimensions must have its own: rows that are repeated were
 * never learned so, and nobody sees it. */
static nb_status copy_values(nb_ctx *ctx, void *data)
{
    copy_job *work = data;
    const nb_tensor *to = work->to, *from = work->from;
    if (!from->dims || nb_tensor_same_shape(to, from)) return nb_tensor_assign(ctx, work->to, from);
    char has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT], neuron[32] = "";
    if (work->neuron >= 0)
        snprintf(neuron, sizeof neuron, "neuron %lld of ", (long long)work->neuron + 1);
    return nb_fail(ctx, NB_ESHAPE, "%s of %s%s is %s; what it is given is %s%s", work->key, neuron,
                   nb_layer_where(work->layer), nb_shape_text(to->dims, to->shape, needs),
                   nb_shape_text(from->dims, from->shape, has), turned(to, from));
}

/* A parameter of a layer, or one neuron's part of it. It is looked for when it is needed: whenever
 * Lua makes something a finaliser may give the layer another one. */
typedef struct part_job {
    const nb_layer *layer;
    const char *key;
    int64_t neuron; /* below 0: all of it */
    nb_tensor **out;
} part_job;

static nb_status take_part(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    const nb_param *param = nb_layer_param(work->layer, work->key);
    int dim = param ? nb_layer_neuron_dim(work->layer, param) : -1;
    bool has = param && (work->neuron < 0 || (dim >= 0 && work->neuron < param->shape[dim]));
    if (!has)
        return nb_fail(ctx, NB_EARG, "%s has no such %s any more", nb_layer_where(work->layer),
                       work->key);
    *work->out = work->neuron < 0 ? nb_tensor_retain(param->value)
                                  : nb_tensor_select(ctx, param->value, dim, work->neuron);
    return *work->out ? NB_OK : ctx->status;
}

nb_tensor *nbl_push_part(lua_State *L, const nb_layer *layer, const char *key, int64_t number)
{
    part_job work = {layer, key, number, nbl_new_tensor(L)};
    nbl_run(L, take_part, &work);
    return *work.out;
}

/* A truth value, or a table that begins with one, would become ones and zeros: a slip, where a mask
 * was meant. Numbers may be NaN or infinite, as in every tensor: that is how one sees where a run
 * would meet them. */
static void check_no_truth(lua_State *L, const char *key)
{
    enum { DEEPEST = 16 };
    int top = lua_gettop(L);
    luaL_checkstack(L, DEEPEST, NULL);
    lua_pushvalue(L, 3);
    for (int i = 0; i < DEEPEST && lua_istable(L, -1); i++) {
        lua_rawgeti(L, -1, 1);
        lua_remove(L, -2);
    }
    if (lua_isboolean(L, -1))
        nbl_error(L, "%s must be a tensor, a number or a table of numbers, not %s%s", key,
                  lua_istable(L, 3) ? "a table of " : "", nbl_describe(L, -1));
    lua_settop(L, top);
}

void nbl_assign_part(lua_State *L, nb_layer *layer, const char *key, int64_t number)
{
    check_no_truth(L, key);
    nb_tensor *from = nbl_to_tensor(L, 3, (int)nb_layer_param(layer, key)->value->dtype);
    copy_job work = {layer, key, number, nbl_push_part(L, layer, key, number), from};
    nbl_check_numbers(L, work.to);
    nbl_layer_run(L, layer, copy_values, &work);
    nbl_changed(L, work.to, "an assignment");
}

/* ---- How they learn ---- */

bool nbl_check_frozen(lua_State *L)
{
    if (!lua_isboolean(L, 3))
        nbl_error(L, "frozen must be true or false, not %s", nbl_describe(L, 3));
    return lua_toboolean(L, 3);
}

double nbl_check_factor(lua_State *L)
{
    double factor = lua_type(L, 3) == LUA_TNUMBER ? lua_tonumber(L, 3) : -1;
    if (!(factor >= 0) || !isfinite(factor))
        nbl_error(L, "factor must be a number from 0, not %s", nbl_describe(L, 3));
    return factor;
}

const char *nbl_check_name(lua_State *L)
{
    if (lua_isnil(L, 3)) return "";
    if (lua_type(L, 3) != LUA_TSTRING)
        nbl_error(L, "name must be a string, not %s", nbl_describe(L, 3));
    return nbl_check_text(L, 3);
}
