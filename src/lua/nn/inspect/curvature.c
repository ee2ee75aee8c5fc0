/* net:curvature: the spectrum of the Hessian, as a value that prints itself (stdlib/curvature.lua).
 */
#include "lua/embedded.h"
#include "lua/nn/examples.h"
#include "lua/nn/net.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/inspect/curvature/curvature.h"

#include <stddef.h>

/* Options as they are read. */
typedef struct curvature_options {
    nb_curvature_options how;
    int weights;
} curvature_options;

static const nb_option fields[] = {
    {.name = "top",
     .help = "so many of the largest and of the smallest eigenvalues, by Lanczos' method, where "
             "all are too many",
     .range = "a whole number from 1 to 1,000",
     .standard = "all",
     .low = 1,
     .high = 1000,
     .kind = NB_INTEGER,
     .offset = offsetof(curvature_options, how.top)},
    {.name = "matrices",
     .help = "also gives the Hessian and the Gauss-Newton matrix themselves, as .hessian and "
             ".gauss_newton_matrix",
     .kind = NB_BOOLEAN,
     .offset = offsetof(curvature_options, how.matrices)},
    NBL_WEIGHTS_OPTION(offsetof(curvature_options, weights)),
    NB_OPTIONS_END,
};

typedef struct curvature_job {
    nb_net *net;
    nbl_examples examples;
    nb_curvature_options how;
    nb_curvature *found; /* in a box */
} curvature_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    curvature_job *work = data;
    nb_weights weights = {.of = NULL};
    nb_set *set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!set) return ctx->status;
    nb_status status = nb_set_check(ctx, work->net, set);
    if (status == NB_OK)
        status = nb_weights_read(ctx, work->net, set, work->examples.weights, &weights);
    if (status == NB_OK)
        status = nb_curvature_find(ctx, work->net, set, weights.of ? &weights : NULL, &work->how,
                                   work->found);
    nb_weights_free(ctx, &weights);
    nb_set_release(ctx, set);
    return status;
}

static void release(nb_ctx *ctx, void *value)
{
    nb_curvature_free(ctx, value);
}

/* ---- The value ---- */

static void set_tensor(lua_State *L, const char *name, nb_tensor *tensor)
{
    if (!tensor) return;
    nbl_push_tensor(L, tensor);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* Into the table on the stack's top. */
static void set_spectrum(lua_State *L, const nb_spectrum *s, int64_t parameters)
{
    int64_t last = s->values->shape[0] - 1;
    const double *values = nb_tensor_data(s->values);
    double least = s->smallest ? *(const double *)nb_tensor_data(s->smallest) : values[last];
    set_tensor(L, "values", s->values);
    set_tensor(L, "smallest", s->smallest);
    nbl_set_integer(L, "parameters", parameters);
    nbl_set_number(L, "error", s->error);
    nbl_set_number(L, "largest", values[0]);
    nbl_set_number(L, "least", least);
    set_flag(L, "settled", s->settled);
    if (s->steps) nbl_set_integer(L, "products", s->steps);
    if (values[0] > s->error) nbl_set_number(L, "lr", 2 / s->driven);
}

static void set_layers(lua_State *L, const nb_curvature *found)
{
    lua_createtable(L, found->layers, 0);
    for (int i = 0; i < found->layers; i++) {
        const nb_curvature_layer *layer = &found->layer[i];
        lua_createtable(L, 0, 9);
        lua_pushstring(L, layer->path);
        lua_setfield(L, -2, "path");
        lua_pushstring(L, layer->where);
        lua_setfield(L, -2, "name");
        set_spectrum(L, &layer->hessian, layer->count);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "layers");
}

static void set_places(lua_State *L, const nb_curvature *found)
{
    lua_createtable(L, (int)(found->count < NBL_LIST_ROOM ? found->count : NBL_LIST_ROOM), 0);
    for (int64_t i = 0; i < found->count; i++) {
        lua_pushinteger(L, found->place[i] + 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "places");
}

static void set_gauss(lua_State *L, const nb_curvature *found)
{
    set_tensor(L, "gauss_newton", found->gauss.values);
    set_tensor(L, "hessian", found->matrix);
    set_tensor(L, "gauss_newton_matrix", found->gauss_matrix);
    if (found->gauss.values) nbl_set_number(L, "gauss_newton_error", found->gauss.error);
    if (found->gauss.driven > 0) nbl_set_number(L, "gauss_newton_lr", 2 / found->gauss.driven);
    if (!*found->missing) return;
    lua_pushstring(L, found->missing);
    lua_setfield(L, -2, "missing");
}

static const char *const curvature_lacks[] = {"smallest",
                                              "products",
                                              "lr",
                                              "gauss_newton",
                                              "gauss_newton_error",
                                              "gauss_newton_lr",
                                              "gauss_newton_matrix",
                                              "hessian",
                                              "places",
                                              "missing",
                                              "layers[i].smallest",
                                              "layers[i].products",
                                              "layers[i].lr",
                                              NULL};
static const nbl_result curvature_kind = {.name = "nabla.curvature",
                                          .whose = "a curvature",
                                          .text = nbl_brief,
                                          .may_lack = curvature_lacks};

static void push_curvature(lua_State *L, const nb_curvature *found)
{
    lua_createtable(L, 0, 26);
    set_spectrum(L, &found->hessian, found->count);
    set_gauss(L, found);
    set_layers(L, found);
    if (found->matrix) set_places(L, found);
    nbl_set_integer(L, "examples", found->examples);
    nbl_set_number(L, "cost", found->cost);
    nbl_set_number(L, "seconds", found->seconds);
    nbl_set_number(L, "slope", found->slope);
    nbl_set_number(L, "step", found->error.step);
    nbl_set_number(L, "asymmetry", found->error.asymmetry);
    nbl_set_integer(L, "kinks", found->error.kinks);
    set_flag(L, "factors", found->factors);
    set_flag(L, "converted", found->converted);
    set_flag(L, "running", found->normalises);
    set_flag(L, "still", found->draws);
    nbl_dress(L, &curvature_kind);
}

static int net_curvature(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    curvature_job work = {.net = self->net};
    curvature_options asked;
    int next = nbl_read_examples(L, 2, self->net, "net:curvature", NBL_X_AND_Y, &work.examples);
    nbl_no_more(L, next);
    nbl_options(L, next, fields, &asked, false);
    if (asked.how.top && asked.how.matrices)
        return nbl_error(L, "top finds the ends without any matrix; leave out top or matrices");
    nbl_read_weights(L, asked.weights, &work.examples);
    work.how = asked.how;
    work.found = nbl_new_box(L, sizeof *work.found, release);
    int box = lua_gettop(L);
    nbl_net_run(L, self, find, &work);
    push_curvature(L, work.found);
    nbl_close_box(L, box);
    return 1;
}

static const nbl_entry entries[] = {
    {":curvature", net_curvature, "net:curvature(set | x, y [, {top, matrices, weights}])",
     "How the cost of these examples curves around the parameters that learn, in f64: the "
     "eigenvalues λ of its Hessian, largest first, by central differences of exact gradients. "
     "Above lr = 2/λ of the largest, .lr, plain gradient descent on all of them diverges along "
     "that direction; where layers or neurons learn at a rate of their own (factor), λ is there "
     "that of F½ H F½. Prints itself, plot draws it; fields: .values, a tensor, with .error, by "
     "how much any of them may be off: .step, what twice the step changes, and .asymmetry, ‖H "
     "- Hᵀ‖/2; .kinks counts the directions along which the gradient leaps, as relu's does at "
     "0; .largest .least .lr .parameters .examples .cost .seconds .slope (the gradient's "
     "length); .layers, of every layer alone, with .name .path .values .largest .least .lr "
     ".parameters; .gauss_newton, the eigenvalues (± .gauss_newton_error) of Jᵀ H_L J, exactly "
     "from the rows of the outputs' Jacobian J, where H_L is the cost's own Hessian at the "
     "outputs (softmax and sigmoid belong to a cost that is fused with them). With matrices = "
     "true also .hessian and .gauss_newton_matrix, in the order of .places, numbers in "
     "net:params(). What is frozen or masked is left out. Of more than 4,096 parameters ask "
     "for the ends, {top = 10}: .values are then the largest, .smallest the others' end. "
     "batch_norm takes its running figures, dropout drops nothing. Where the cost's own Hessian "
     "is by differences .gauss_newton_error is what twice their step changes; a function of Lua "
     "that is no mean of its examples' costs has no such matrix (.missing says so). Ctrl-C waits "
     "for the end of one LAPACK call, the eigenvalues of one matrix: for 4,096 parameters that may "
     "take a minute.",
     "net = nn.net(\"2 - 2 - 1\", {seed = 1})\nc = net:curvature(data.xor())\nprint(c)\n"
     "c.largest > 0  → true\nplot(c)",
     fields},
    {.name = NULL},
};

void nbl_open_curvature(lua_State *L)
{
    nbl_register(L, "net", entries);
}
