/* net:errors: parameters beside their standard errors, as a value that prints itself. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/inspect/errors.h"
#include "nn/inspect/place.h"

#include <math.h>

enum { ROWS_MOST = 40 }; /* of a longer list the first are shown */

typedef struct errors_job {
    nb_net *net;
    nbl_examples examples;
    nb_errors found;
    nb_tensor **value, **error, **covariance; /* boxes on the stack, which take them over */
} errors_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    errors_job *work = data;
    nb_set *set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!set) return ctx->status;
    nb_status status = nb_errors_find(ctx, work->net, set, &work->found);
    nb_set_release(ctx, set);
    if (status != NB_OK) return status;
    *work->value = work->found.value;
    *work->error = work->found.error;
    *work->covariance = work->found.covariance;
    work->found.value = work->found.error = work->found.covariance = NULL;
    return NB_OK;
}

/* ---- The text ---- */

/* Number i of the tensor that is field `name` of the value at 1. */
static double number_at(lua_State *L, const char *name, int64_t i)
{
    nbl_own_field(L, 1, name);
    double number = nb_tensor_get(nbl_check_tensor(L, -1), &i);
    lua_pop(L, 1);
    return number;
}

static void add_rows(lua_State *L, nb_text *text, int64_t count)
{
    for (int64_t i = 0; i < count && i < ROWS_MOST; i++) {
        nbl_own_field(L, 1, "names");
        lua_rawgeti(L, -1, i + 1);
        nb_text_add(text, "%-16s %14.7g  ± %.3g\n", lua_tostring(L, -1), number_at(L, "value", i),
                    number_at(L, "error", i));
        lua_pop(L, 2);
    }
    if (count > ROWS_MOST) {
        nb_text_add(text, "… and ");
        nb_text_add_grouped(text, count - ROWS_MOST);
        nb_text_add(text, " more\n");
    }
}

static int errors_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    nbl_own_field(L, 1, "residuals");
    nbl_own_field(L, 1, "freedom");
    nbl_own_field(L, 1, "variance");
    int64_t residuals = lua_tointeger(L, -3), freedom = lua_tointeger(L, -2);
    double variance = lua_tonumber(L, -1);
    add_rows(L, text, residuals - freedom);
    nb_text_add(text, "s %.4g · ", sqrt(variance));
    nb_text_add_grouped(text, residuals);
    nb_text_add(text, " numbers fitted, ");
    nb_text_add_grouped(text, residuals - freedom);
    nb_text_add(text, " parameters");
    nbl_push_text(L, text);
    return 1;
}

/* ---- The value ---- */

static void push_places(lua_State *L, const errors_job *work)
{
    char name[NB_PLACE_TEXT];
    const nb_errors *found = &work->found;
    lua_createtable(L, (int)found->count, 0);
    lua_createtable(L, (int)found->count, 0);
    for (int64_t i = 0; i < found->count; i++) {
        lua_pushinteger(L, found->place[i] + 1);
        lua_rawseti(L, -3, i + 1);
        lua_pushstring(L, nb_param_text(work->net, found->place[i], name));
        lua_rawseti(L, -2, i + 1);
    }
}

static const nbl_result errors_kind = {
    .name = "nabla.errors", .whose = "what net:errors gives", .text = errors_tostring};

/* The three tensors are below the top. */
static int push_errors(lua_State *L, const errors_job *work, int first)
{
    static const char *const names[] = {"value", "error", "covariance"};
    const nb_errors *found = &work->found;
    push_places(L, work);
    lua_createtable(L, 0, 8);
    lua_insert(L, -3);
    lua_setfield(L, -3, "names");
    lua_setfield(L, -2, "places");
    for (int i = 0; i < 3; i++) {
        lua_pushvalue(L, first + i);
        lua_setfield(L, -2, names[i]);
    }
    nbl_set_integer(L, "residuals", found->residuals);
    nbl_set_integer(L, "freedom", found->freedom);
    nbl_set_number(L, "variance", found->variance);
    nbl_dress(L, &errors_kind);
    return 1;
}

static int net_errors(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    errors_job work = {.net = self->net};
    nbl_read_examples(L, 2, self->net, "net:errors", NBL_X_AND_Y, &work.examples);
    int first = lua_gettop(L) + 1;
    work.value = nbl_new_tensor(L);
    work.error = nbl_new_tensor(L);
    work.covariance = nbl_new_tensor(L);
    nbl_net_run(L, self, find, &work);
    int pushed = push_errors(L, &work, first);
    nb_errors_free(nbl_ctx(L), &work.found);
    return pushed;
}

static const nbl_entry entries[] = {
    {":errors", net_errors, "net:errors(set | x, y)",
     "How well the examples determine the parameters that learn, after a fit by least squares (lm, "
     "or another optimizer at its end): each with its standard error, from s² (JᵀJ)⁻¹, where J has "
     "the slopes of all outputs and s² = Σ (a - y)² over the outputs of all examples less the "
     "parameters. What is frozen or masked is left out. Prints itself; fields: .value .error "
     ".covariance, tensors in the order of .places, their numbers in net:params(); .names "
     ".variance (s²) .residuals .freedom. Parameters that the examples do not determine are an "
     "error which names them. For the costs quadratic and mse.",
     "x = tensor.linspace(0, 1, 20, {dtype = \"f64\"}):reshape(20, 1)\n"
     "net = nn.net(\"1 - 1 linear\", {dtype = \"f64\"})\n"
     "net:train(x, 3 * x + 0.01 * (40 * x):sin(), {optimizer = \"lm\"})\n"
     "print(net:errors(x, 3 * x + 0.01 * (40 * x):sin()))",
     NULL},
    {.name = NULL},
};

void nbl_open_errors(lua_State *L)
{
    nbl_register(L, "net", entries);
}
