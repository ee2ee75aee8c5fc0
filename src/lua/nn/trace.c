/* net:trace: z, a, delta and gradients of every layer, as a table that prints its shapes. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/nn/part.h"
#include "nn/inspect/trace.h"
#include "tensor/shape.h"

#include <stdio.h>

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
    nb_status status = nb_trace_run(ctx, work->net, batch.x, batch.y, work->trace);
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
static void push_place(lua_State *L, const nb_trace_place *from)
{
    lua_createtable(L, 0, 3 + from->grads);
    set_tensor(L, "z", from->z);
    set_tensor(L, "a", from->a);
    set_tensor(L, "delta", from->delta);
    for (int i = 0; i < from->grads; i++) {
        char name[NB_NAME_MAX + 1];
        snprintf(name, sizeof name, "d%s", from->layer->plan->param[i].name);
        set_tensor(L, name, from->grad[i]);
    }
}

/* Sets [1], [2], … of the table on the stack's top for the children of a block; `place` is the
 * first one's. */
static void set_places(lua_State *L, const nb_layer *block, const nb_trace *from, int place)
{
    luaL_checkstack(L, 4, "layers too deep");
    for (int i = 0; i < block->children; i++) {
        const nb_trace_place *at = &from->place[place];
        push_place(L, at);
        set_places(L, at->layer, from, place + 1);
        lua_rawseti(L, -2, i + 1);
        place += at->layer->plan->places;
    }
}

/* One line a layer: the shapes of what it holds; then those in it. The trace, or a block's part of
 * it, is at `block`. */
static void add_layer(lua_State *L, nb_text *text, int block, const char *before, int number)
{
    static const char *const fields[] = {"z", "a", "delta", "dw", "db"};
    char shape[NB_SHAPE_TEXT], path[NB_PATH_MAX];
    luaL_checkstack(L, 4, "layers too deep");
    snprintf(path, sizeof path, "%s[%d]", before, number);
    nb_text_add(text, "\n%s", path);
    lua_rawgeti(L, block, number);
    int at = lua_gettop(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && lua_istable(L, -1); i++) {
        lua_getfield(L, -1, fields[i]);
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
    lua_getfield(L, 1, "cost");
    nb_text_add(text, "cost ");
    nb_text_add_number(text, lua_tonumber(L, -1));
    for (int l = 0; l <= (int)layers; l++) add_layer(L, text, 1, "", l);
    nbl_push_text(L, text);
    return 1;
}

static void push_trace(lua_State *L, const nb_net *net, const nb_trace *from)
{
    lua_createtable(L, net->layer.children, 2);
    nbl_set_number(L, "cost", from->cost);
    lua_createtable(L, 0, 1);
    set_tensor(L, "a", from->x);
    lua_rawseti(L, -2, 0);
    set_places(L, &net->layer, from, 0);
    nbl_set_printer(L, "nabla.trace", trace_tostring);
}

static int net_trace(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    trace_job work = {.net = self->net};
    nbl_read_examples(L, 2, self->net, "net:trace", true, &work.examples);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    work.trace = nbl_new_box(L, sizeof *work.trace, release_trace);
    int box = lua_gettop(L);
    nbl_net_run(L, self, run_trace, &work);
    push_trace(L, self->net, work.trace);
    nbl_close_box(L, box);
    nbl_close_box(L, pin);
    return 1;
}

static const nbl_entry entries[] = {
    {":trace", net_trace, "net:trace(x, y)",
     "Everything that one pass of backpropagation computes: t[l].z, .a, .delta, .dw, .db of every "
     "layer, t[0].a (the input) and t.cost, the same bits as training. x and y may be one data "
     "set.",
     "net = nn.net \"4 - 3 - 2\"\nt = net:trace(tensor.ones(5, 4), tensor.ones(5, 2))\n"
     "print(t[#net].delta)",
     NULL},
    {.name = NULL},
};

void nbl_open_trace(lua_State *L)
{
    nbl_register(L, "net", entries);
}
