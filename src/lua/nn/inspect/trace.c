/* net:trace: z, a, delta, slope and gradients of every layer, as a table that prints its shapes. */
#include "lua/nn/inspect/trace.h"

#include "lua/nn/net.h"
#include "lua/embedded.h"
#include "lua/nn/examples.h"
#include "lua/nn/inspect/facts.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/keep.h"
#include "lua/nn/part.h"
#include "lua/state.h"
#include "lua/names.h"
#include "lua/result.h"
#include "nn/inspect/slope.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

/* ---- A layer's part ---- */

/* What the Jacobian is computed from. It hangs on the metatable of the layer's table; its user
 * value holds the functions of Lua that the runs point at. */
typedef struct place {
    nb_runs *runs; /* NULL: no neurons */
    nb_tensor *z;
    bool single; /* z of one example, without a dimension for it */
    char where[NB_WHERE_MAX];
} place;

static int place_gc(lua_State *L);

static const luaL_Reg place_meta[] = {{"__gc", place_gc}, {NULL, NULL}};
static const nbl_kind place_kind = {"nabla.trace place", 1, place_meta};

static int place_gc(lua_State *L)
{
    place *self = nbl_check_handle(L, 1, &place_kind, "a layer's part of a trace");
    nb_runs_release(nbl_ctx(L), self->runs);
    nb_tensor_release(nbl_ctx(L), self->z);
    *self = (place){.runs = NULL};
    return 0;
}

/* The place behind the table at 1, in whose slot it stays while the call lasts. */
static const place *check_place(lua_State *L)
{
    const place *self = NULL;
    if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
        lua_pushliteral(L, "of");
        lua_rawget(L, -2);
        self = nbl_test_handle(L, -1, &place_kind);
        if (self) lua_replace(L, 1);
        lua_pop(L, self ? 1 : 2);
    }
    if (!self) nbl_arg_error(L, 1, "a layer's part of a trace, t[l]");
    return self;
}

/* The dimension of z that counts neurons. */
static int neuron_dim(const place *self)
{
    return self->z->dims - 1 - self->runs->behind;
}

typedef struct jacobian_job {
    const place *of;
    int64_t index[NB_MAX_DIMS]; /* into all dimensions of z but that of the neurons, in order */
    nb_tensor **out;
} jacobian_job;

static nb_status run_jacobian(nb_ctx *ctx, void *data)
{
    jacobian_job *work = data;
    nb_tensor *z = nb_tensor_retain(work->of->z);
    int neurons = neuron_dim(work->of);
    for (int i = 0; z && z->dims > 1; i++) {
        nb_tensor *row = nb_tensor_select(ctx, z, i < neurons ? 0 : 1, work->index[i]);
        nb_tensor_release(ctx, z);
        z = row;
    }
    if (z) *work->out = nb_runs_jacobian(ctx, work->of->runs, z);
    nb_tensor_release(ctx, z);
    return *work->out ? NB_OK : ctx->status;
}

/* Index i of the call, from 0; a dimension of one entry needs none. */
static int64_t read_index(lua_State *L, const place *self, int i)
{
    static const char *const extents[] = {"column", "row"};
    int dim = i < neuron_dim(self) ? i : i + 1, behind = self->z->dims - 1 - dim;
    int64_t size = self->z->shape[dim];
    const char *what = self->runs->behind && i >= neuron_dim(self) ? extents[behind > 0]
                       : i || self->single                         ? "step"
                                                                   : "example";
    if (!lua_isnoneornil(L, 2 + i)) return nbl_check_index(L, 2 + i, size, what);
    if (size != 1)
        nbl_error(L, "which %s? t[l]:jacobian takes its number, from 1 to %I", what,
                  (LUAI_UACINT)size);
    return 0;
}

static int place_jacobian(lua_State *L)
{
    const place *self = check_place(L);
    jacobian_job work = {.of = self};
    if (!self->runs)
        return nbl_error(L, "%s has no neurons, so no activation whose Jacobian it could be",
                         self->where);
    int wanted = self->z->dims - 1;
    for (int i = 0; i < wanted; i++) work.index[i] = read_index(L, self, i);
    if (wanted == 0 && !lua_isnoneornil(L, 2)) {
        nbl_check_index(L, 2, 1, "example");
        wanted = 1;
    }
    nbl_no_more(L, 1 + wanted);
    work.out = nbl_new_tensor(L);
    nbl_run(L, run_jacobian, &work);
    return 1;
}

/* A layer may be without these; of other parameters it has d and their names. */
static const char *const place_fields[] = {"z",  "a",        "delta", "slope", "dw",
                                           "db", "jacobian", "show",  NULL};

static bool is_place_field(const char *key)
{
    for (const char *const *name = place_fields; *name; name++)
        if (strcmp(*name, key) == 0) return true;
    return false;
}

/* The layer's table is behind the key. */
static int unknown_field(lua_State *L, const place *self)
{
    const char *whose = lua_pushfstring(L, "%s of a trace", self->where);
    nbl_look_elsewhere(L, "trace layer", whose, 2);
    return nbl_unknown_field(L, whose, 2, 3, place_fields);
}

/* Fields that the table has not. */
static int place_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    const place *self = check_place(L);
    const char *key = nbl_key(L);
    if (strcmp(key, "jacobian") == 0) {
        lua_pushvalue(L, lua_upvalueindex(1));
        return 1;
    }
    if (strcmp(key, "show") == 0) {
        nbl_state_push(L, NBL_MODULE);
        lua_getfield(L, -1, "plot");
        lua_getfield(L, -1, "show");
        return 1;
    }
    if (lua_type(L, 2) == LUA_TSTRING && !is_place_field(key)) return unknown_field(L, self);
    if (strcmp(key, "slope") != 0 || !self->runs) return 0;
    const char *name = nb_runs_main(self->runs).type->name;
    return nbl_error(L,
                     "%s: each output of %s depends on every z of its layer, so there is no slope "
                     "for each neuron; t[l]:jacobian(i) has all of it",
                     self->where, strcmp(name, NBL_NAMELESS) == 0 ? "its function" : name);
}

static const nbl_entry place_entries[] = {
    {":jacobian", place_jacobian, "t[l]:jacobian([i])",
     "How the outputs of layer l answer its z for example i: row j, column k is ∂a_j/∂z_k. For "
     "most activations that is the slope on the diagonal and 0 beside it; softmax fills it whole. "
     "BP1 then reads δ = Jᵀ ∇ₐC. i may be left out where the trace is of one example; on steps "
     "t[l]:jacobian(i, step), on space t[l]:jacobian(i, row, column), between channels.",
     "net = nn.net(\"2 - 3 softmax : cross_entropy\", {dtype = \"f64\"})\n"
     "t = net:trace({1, 2}, {0, 1, 0})\nJ = t[1]:jacobian()\n"
     "J:t():matmul(t.grad_a):allclose(t[1].delta)  → true",
     NULL},
    {.name = NULL},
};

/* What pictures need to know of a place, in the table on the stack's top. */
static void set_about(lua_State *L, const nb_trace *trace, const nb_trace_place *from)
{
    const nb_plan *plan = from->layer->plan;
    nbl_push_title(L, from->layer);
    lua_setfield(L, -2, "title");
    lua_pushstring(L, nbl_reading_name(&plan->out));
    lua_setfield(L, -2, "reading");
    lua_pushstring(L, nbl_reading_name(&plan->in));
    lua_setfield(L, -2, "into");
    lua_pushboolean(L, trace->single);
    lua_setfield(L, -2, "single");
    if (!from->lengths) return;
    nbl_push_tensor(L, from->lengths);
    lua_setfield(L, -2, "lengths");
}

/* Gives the table on the stack's top what its Jacobian needs. */
static void set_place(lua_State *L, const nb_trace *trace, const nb_trace_place *from)
{
    lua_createtable(L, 0, 4);
    place *self = nbl_new_handle(L, &place_kind, sizeof *self);
    lua_newtable(L);
    int held = lua_gettop(L);
    for (int64_t i = 0; from->runs && i < from->runs->count; i++) {
        const nb_host_function *host = from->runs->run[i].activation.type->host;
        if (!host) continue;
        nbl_recall(L, host);
        nbl_hold(L, held, -1);
        lua_pop(L, 1);
    }
    lua_setiuservalue(L, -2, 1);
    snprintf(self->where, sizeof self->where, "%s", from->layer->plan->where);
    self->z = nb_tensor_retain(from->z);
    self->single = trace->single;
    if (from->runs) self->runs = nb_runs_retain(from->runs);
    lua_setfield(L, -2, "of");
    set_about(L, trace, from);
    lua_pushliteral(L, "nabla.trace layer");
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, nbl_brief);
    lua_setfield(L, -2, "__tostring");
    luaL_getmetatable(L, place_kind.name);
    lua_getfield(L, -1, "index");
    lua_setfield(L, -3, "__index");
    lua_pop(L, 1);
    lua_setmetatable(L, -2);
}

/* ---- The whole ---- */

typedef struct trace_job {
    nb_net *net;
    nbl_examples examples;
    nb_trace *trace; /* in a box */
} trace_job;

static nb_status run_trace(nb_ctx *ctx, void *data)
{
    trace_job *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    nb_trace_free(ctx, work->trace);
    *work->trace = (nb_trace){.place = NULL};
    const nb_mode as = {.lengths = batch.lengths, .weights = batch.weights};
    nb_status status = nb_trace_run_as(ctx, work->net, batch.x, batch.y, &as, work->trace);
    if (status == NB_OK) status = nb_trace_slopes(ctx, work->net, batch.y, work->trace);
    if (status == NB_OK && batch.single) status = nb_trace_single(ctx, work->trace);
    nbl_batch_free(ctx, &batch);
    return status;
}

static void release_trace(nb_ctx *ctx, void *trace)
{
    nb_trace_free(ctx, trace);
}

static void set_tensor(lua_State *L, const char *name, nb_tensor *tensor)
{
    if (!tensor) return;
    nbl_push_tensor(L, tensor);
    lua_setfield(L, -2, name);
}

/* Gradients are called after their parameters: dw, db. */
static void push_place(lua_State *L, const nb_trace *trace, const nb_trace_place *from)
{
    lua_createtable(L, 0, 4 + from->grads);
    set_tensor(L, "z", from->z);
    set_tensor(L, "a", from->a);
    set_tensor(L, "delta", from->delta);
    set_tensor(L, "slope", from->slope);
    for (int i = 0; i < from->grads; i++) {
        char name[NB_NAME_MAX + 1];
        snprintf(name, sizeof name, "d%s", nb_trace_param(from, i)->name);
        set_tensor(L, name, from->grad[i]);
    }
    set_place(L, trace, from);
}

/* Sets [1], [2], … of the table on the stack's top for the children of a block, whose places
 * begin at `first`. */
static void set_places(lua_State *L, const nb_layer *block, const nb_trace *from, int first)
{
    luaL_checkstack(L, 8, "layers too deep");
    for (int i = 0; i < block->children; i++) {
        const nb_trace_place *at = &from->place[first];
        push_place(L, from, at);
        set_places(L, at->layer, from, first + 1);
        lua_rawseti(L, -2, i + 1);
        first += at->layer->plan->places;
    }
}

/* One line a layer: the shapes of what it holds; then those in it. The trace, or a block's part of
 * it, is at `block`. */
static void add_layer(lua_State *L, nb_text *text, int block, const char *before, int number)
{
    static const char *const fields[] = {"z", "a", "slope", "delta", "dw", "db"};
    char shape[NB_SHAPE_TEXT], path[NB_PATH_MAX];
    luaL_checkstack(L, 4, "layers too deep");
    snprintf(path, sizeof path, "%s[%d]", before, number);
    nb_text_add(text, "\n%s", path);
    lua_rawgeti(L, block, number);
    int at = lua_gettop(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && lua_istable(L, -1); i++) {
        lua_pushstring(L, fields[i]);
        lua_rawget(L, -2); /* a field that is not there may be an error */
        const nb_tensor *tensor = nbl_test_tensor(L, -1);
        if (tensor)
            nb_text_add(text, "  %s %s", fields[i],
                        nb_shape_text(tensor->dims, tensor->shape, shape));
        lua_pop(L, 1);
    }
    int layers = lua_istable(L, at) ? (int)lua_rawlen(L, at) : 0;
    for (int i = 1; i <= layers; i++) add_layer(L, text, at, path, i);
    lua_pop(L, 1);
}

static int trace_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer layers = (lua_Integer)lua_rawlen(L, 1);
    nb_text *text = nbl_new_text(L);
    nbl_own_field(L, 1, "cost");
    nb_text_add(text, "cost %.6g", lua_tonumber(L, -1));
    for (int l = 0; l <= (int)layers; l++) add_layer(L, text, 1, "", l);
    nbl_push_text(L, text);
    return 1;
}

static const nbl_result input_kind = {
    .name = "nabla.trace input", .whose = "t[0], the input,", .text = nbl_brief};

/* Words take no gradient. */
static const char *const trace_lacks[] = {"grad_x", NULL};
static const nbl_result trace_kind = {
    .name = "nabla.trace", .whose = "a trace", .text = trace_tostring, .may_lack = trace_lacks};

void nbl_push_trace(lua_State *L, const nb_net *net, const nb_trace *from)
{
    lua_createtable(L, net->layer.children, 5);
    nbl_set_number(L, "cost", from->cost);
    set_tensor(L, "x", from->x);
    set_tensor(L, "grad_x", from->grad_x);
    set_tensor(L, "grad_a", from->grad_a);
    lua_createtable(L, 0, 1);
    set_tensor(L, "a", from->seen);
    nbl_dress(L, &input_kind);
    lua_rawseti(L, -2, 0);
    set_places(L, &net->layer, from, 0);
    nbl_dress(L, &trace_kind);
}

static int net_trace(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    trace_job work = {.net = self->net};
    int next = nbl_read_examples(L, 2, self->net, "net:trace", NBL_X_AND_Y, &work.examples);
    nbl_read_weights_table(L, next, &work.examples);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    work.trace = nbl_new_box(L, sizeof *work.trace, release_trace);
    int box = lua_gettop(L);
    nbl_net_run(L, self, run_trace, &work);
    nbl_push_trace(L, self->net, work.trace);
    nbl_close_box(L, box);
    nbl_close_box(L, pin);
    return 1;
}

#define TRACED "net = nn.net \"4 - 3 - 2\"\nt = net:trace({1, 0, 1, 0}, {0, 1})\n"

static const nbl_entry entries[] = {
    {":trace", net_trace, "net:trace(x, y [, {weights}])",
     "Everything that one pass of backpropagation computes, the same bits as training: t[l].z, .a, "
     ".slope, .delta, .dw and .db of every layer, t[0].a (the input; t.x as it was given), t.cost, "
     "t.grad_a, "
     "t.grad_x. One example gives vectors, a batch a row for each. x and y may be a data set, or "
     "one example of it. delta and the gradients are those of C, the mean over the examples, and "
     "so hold its 1/n. t[l] shows itself in brief, t[l].a whole; a neuron counts as saturated "
     "where "
     "its slope is below 0.01.",
     "net = nn.net \"4 - 3 - 2\"\nt = net:trace({1, 0, 1, 0}, {0, 1})\n"
     "z = net[2].w:matmul(t[1].a) + net[2].b\nz:allclose(t[2].z)  → true\n"
     "delta = t.grad_a * t[2].slope\ndelta:allclose(t[2].delta)  → true\n"
     "net:trace(tensor.ones(5, 4), tensor.ones(5, 2))[2].delta.shape  → {5, 2}",
     nbl_weights_fields},
    {.name = NULL},
};

/* What the table has. */
static const nbl_entry fields[] = {
    {"cost", NULL, "t.cost", "C, averaged over the examples.", TRACED "print(t.cost)", NULL},
    {"x", NULL, "t.x",
     "The input as it was given; t[0].a is the same in the scale that the network sees it in "
     "(set:standardize).",
     TRACED "t.x  → 1 0 1 0", NULL},
    {"grad_a", NULL, "t.grad_a",
     "∇ₐC: how C answers the network's outputs. With quadratic it is (a - y)/n.",
     TRACED "t.grad_a:allclose(t[2].a - tensor{0, 1})  → true", NULL},
    {"grad_x", NULL, "t.grad_x",
     "∂C/∂x: how C answers the inputs. Before a dense layer 1 it is wᵀ δ of that layer, times the "
     "factors of net.scale where there is one.",
     TRACED "t.grad_x:allclose(net[1].w:t():matmul(t[1].delta))  → true", NULL},
    {"z", NULL, "t[l].z", "The weighted inputs of layer l; of a layer without neurons its output.",
     TRACED "t[1].z.shape  → {3}", NULL},
    {"a", NULL, "t[l].a", "The outputs of layer l; t[0].a is the input.",
     TRACED "t[2].a:allclose(net({1, 0, 1, 0}))  → true", NULL},
    {"delta", NULL, "t[l].delta",
     "δ: how C answers the z of layer l, ∂C/∂z. C is a mean, so over n examples each row holds its "
     "1/n.",
     TRACED "t[1].delta:allclose(net[2].w:t():matmul(t[2].delta) * t[1].slope)  → true", NULL},
    {"slope", NULL, "t[l].slope",
     "f'(z) of every neuron of layer l, each with its own f. Not for softmax, log_softmax and "
     "functions of Lua that mix neurons: see t[l]:jacobian(i).",
     TRACED "t[1].slope:allclose(t[1].a * (1 - t[1].a))  → true", NULL},
    {"dw", NULL, "t[l].dw",
     "∂C/∂w of layer l; likewise t[l].db and, of other parameters, d and their name.",
     TRACED "t[2].dw:allclose(t[2].delta:outer(t[1].a))  → true", NULL},
    {"db", NULL, "t[l].db", "∂C/∂b of layer l: δ, summed over the examples.",
     TRACED "t[2].db:allclose(t[2].delta)  → true", NULL},
    {.name = NULL},
};

void nbl_open_trace(lua_State *L)
{
    nbl_register(L, "net", entries);
    nbl_new_metatable(L, &place_kind);
    lua_newtable(L);
    nbl_register(L, "trace", fields);
    nbl_register(L, "trace", place_entries);
    lua_getfield(L, -1, "jacobian");
    lua_pushcclosure(L, place_index, 1);
    lua_setfield(L, -3, "index");
    lua_pop(L, 2);
}
