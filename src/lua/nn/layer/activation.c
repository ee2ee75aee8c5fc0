/* Activations as functions: nn.sigmoid(z), nn.sigmoid.df(z), and the same of nn.activation's. */
#include "lua/nn/layer/host.h"

#include "lua/names.h"
#include "nn/inspect/slope.h"
#include "tensor/shape.h"

#include <string.h>

typedef struct activate_job {
    nb_activation activation;
    nb_tensor *z;
    nb_status (*run)(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor **out);
    nb_tensor **out; /* a handle on the stack */
} activate_job;

static nb_status apply(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor **out)
{
    *out = nb_runs_apply(ctx, runs, z);
    return *out ? NB_OK : ctx->status;
}

/* f'(z), or the Jacobian where one number is not enough. */
static nb_status derive(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor **out)
{
    char text[NB_SHAPE_TEXT];
    nb_status status = nb_runs_slope(ctx, runs, z, out);
    if (status != NB_OK || *out) return status;
    if (z->dims != 1)
        return nb_fail(ctx, NB_ESHAPE,
                       "each output depends on every z of its vector, so the derivative is a "
                       "Jacobian; give one vector, not %s",
                       nb_shape_text(z->dims, z->shape, text));
    *out = nb_runs_jacobian(ctx, runs, z);
    return *out ? NB_OK : ctx->status;
}

/* (), on the tape, as (1) and back; takes `t` over, which may be NULL. */
static nb_tensor *reshaped(nb_ctx *ctx, nb_tensor *t, int dims)
{
    if (!t) return NULL;
    nb_call call = {.op = nb_ops[NB_OP_reshape], .in = {t}, .inputs = 1};
    call.attr.sizes.at[0] = 1;
    call.attr.sizes.count = dims;
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_tensor_release(ctx, t);
    return out;
}

static nb_status activate(nb_ctx *ctx, void *data)
{
    activate_job *work = data;
    nb_tensor *z = nb_tensor_convert(ctx, work->z, nb_dtype_computing(ctx, work->z->dtype), 1);
    if (!z) return ctx->status;
    bool number = z->dims == 0;
    if (number) z = reshaped(ctx, z, 1);
    int64_t neurons = z ? z->shape[z->dims - 1] : 0;
    nb_runs *runs = NULL;
    nb_status status = z ? NB_OK : ctx->status;
    if (z && nb_tensor_count(z) == 0) {
        *work->out = nb_tensor_retain(z); /* nothing of nothing */
    } else if (z) {
        runs = nb_runs_new(ctx, neurons, 0, work->activation);
        status = runs ? work->run(ctx, runs, z, work->out) : ctx->status;
    }
    if (number && status == NB_OK) {
        *work->out = reshaped(ctx, *work->out, 0);
        if (!*work->out) status = ctx->status;
    }
    nb_runs_release(ctx, runs);
    nb_tensor_release(ctx, z);
    return status;
}

/* (z, [options]) below; the handle on the stack's top. A number gives a number. */
static int call(lua_State *L, activate_job *work)
{
    int handle = lua_gettop(L);
    const nb_activation_type *type = nbl_test_activation(L, handle);
    nb_chosen chosen = {.type = type};
    bool number = lua_type(L, 1) == LUA_TNUMBER;
    if (!type) return nbl_error(L, "this is no activation");
    work->activation = nb_activation_of(type);
    if (lua_isnoneornil(L, 1)) return nbl_error(L, "%s: z is missing", type->name);
    if (!lua_isnil(L, 2) && !type->options)
        return nbl_error(L, "%s takes z alone; it has no options", type->name);
    if (type->options) {
        nbl_options(L, 2, type->options, &chosen, false);
        memcpy(work->activation.number, chosen.number, sizeof chosen.number);
    }
    work->z = nbl_to_tensor(L, 1, number ? NB_F64 : -1);
    work->out = nbl_new_tensor(L);
    nbl_run(L, activate, work);
    if (number) lua_pushnumber(L, nb_tensor_item(*work->out));
    return 1;
}

static int activation_call(lua_State *L)
{
    activate_job work = {.run = apply};
    nbl_no_more(L, 3);
    lua_settop(L, 3);
    lua_rotate(L, 1, -1);
    return call(L, &work);
}

/* Upvalue: the activation. */
static int activation_df(lua_State *L)
{
    activate_job work = {.run = derive};
    nbl_no_more(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    return call(L, &work);
}

static int activation_index(lua_State *L)
{
    static const char *const fields[] = {"df", "name", NULL};
    const nb_activation_type *type = nbl_test_activation(L, 1);
    if (!type) return nbl_arg_error(L, 1, "an activation");
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(key, "df") == 0) {
        lua_pushvalue(L, 1);
        lua_pushcclosure(L, activation_df, 1);
        return 1;
    }
    if (strcmp(key, "name") == 0) {
        if (strcmp(type->name, NBL_NAMELESS) == 0) return 0;
        lua_pushstring(L, type->name);
        return 1;
    }
    lua_newtable(L);
    return nbl_unknown_field(L, "an activation", 2, lua_gettop(L), fields);
}

static const nbl_entry entries[] = {
    {"df", NULL, "nn.NAME.df(z, {options})",
     "The derivative of an activation: f'(z) of each number, off the tape. Where each output "
     "depends on every z (softmax, log_softmax), the Jacobian of one vector: row j, column k is "
     "∂a_j/∂z_k. What nn.activation gives has it too.",
     "nn.sigmoid.df(0)                     → 0.25\nnn.relu.df(tensor{-2, 3})            → 0 1\n"
     "nn.leaky_relu.df(-2, {slope = 0.2})  → 0.2\n"
     "nn.softmax.df(tensor{0, 0})          → 0.25 -0.25 / -0.25 0.25",
     NULL},
    {"name", NULL, "nn.NAME.name", "The word that notation knows an activation by, or nil.",
     "nn.tanh.name  → tanh", NULL},
    {.name = NULL},
};

void nbl_open_activations(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__call", activation_call}, {"__index", activation_index}, {NULL, NULL}};
    nbl_new_metatable(L, &nbl_activation_kind);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    lua_newtable(L);
    nbl_register(L, "activation", entries);
    lua_pop(L, 1);
    for (int i = 0; i < NB_ACTIVATIONS; i++) {
        nbl_new_built_in(L, nb_activations[i]);
        lua_setfield(L, -2, nb_activations[i]->name);
    }
}
