/* Streams for Lua: a network that remembers between calls. */
#include "lua/nn/net.h"

#include "lua/data/words.h"
#include "lua/nn/part.h"
#include "lua/names.h"
#include "nn/net/stream.h"
#include "nn/notation/write.h"

enum { NETWORK = 1 }; /* user value: the network's handle, which keeps it alive */

static int stream_gc(lua_State *L);
static int stream_call(lua_State *L);
static int stream_tostring(lua_State *L);

static const luaL_Reg meta[] = {
    {"__gc", stream_gc},
    {"__call", stream_call},
    {"__tostring", stream_tostring},
    {NULL, NULL},
};
static const nbl_kind stream_kind = {"nabla.stream", NETWORK, meta};

static nb_net_stream *check_stream(lua_State *L, int arg)
{
    return nbl_check_handle(L, arg, &stream_kind, "a stream");
}

/* Pushes an empty stream, which keeps the handle at `net`. */
static nb_net_stream *new_stream(lua_State *L, int net)
{
    nb_net_stream *stream = nbl_new_handle(L, &stream_kind, sizeof *stream);
    lua_pushvalue(L, net);
    lua_setiuservalue(L, -2, NETWORK);
    return stream;
}

static int stream_gc(lua_State *L)
{
    nb_net_stream *stream = check_stream(L, 1);
    stream->net = NULL;
    nb_net_stream_reset(nbl_ctx(L), stream);
    return 0;
}

static int stream_tostring(lua_State *L)
{
    const nb_net_stream *stream = check_stream(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "stream of ");
    nb_notation_write(text, stream->net);
    nb_text_add(text, " · ");
    nb_text_add_grouped(text, stream->steps);
    nb_text_add(text, stream->steps == 1 ? " step" : " steps");
    nbl_push_text(L, text);
    return 1;
}

/* ---- Steps ---- */

typedef struct stream_job {
    nb_net_stream *stream, *from;
    nb_net *net;
    nb_tensor *x, **out;
} stream_job;

static nb_status run(nb_ctx *ctx, void *data)
{
    stream_job *work = data;
    *work->out = nb_net_stream_run(ctx, work->stream, work->x);
    return *work->out ? NB_OK : ctx->status;
}

static int stream_call(lua_State *L)
{
    stream_job work = {.stream = check_stream(L, 1)};
    if (lua_isnoneornil(L, 2)) return nbl_error(L, "stream: x is missing: one step, or several");
    lua_settop(L, 2);
    const nb_net *net = work.stream->net;
    nbl_read_text(L, 2, net->schema.words, nb_layer_takes_words(&net->layer) ? "x" : NULL);
    work.x = nbl_to_tensor(L, 2, (int)net->dtype);
    work.out = nbl_new_tensor(L);
    lua_getiuservalue(L, 1, NETWORK);
    nbl_net *self = nbl_check_net(L, -1);
    nbl_net_run(L, self, run, &work);
    lua_settop(L, 3);
    return 1;
}

static int stream_reset(lua_State *L)
{
    nb_net_stream_reset(nbl_ctx(L), check_stream(L, 1));
    return 0;
}

static nb_status copy(nb_ctx *ctx, void *data)
{
    stream_job *work = data;
    return nb_net_stream_copy(ctx, work->stream, work->from);
}

static int stream_clone(lua_State *L)
{
    stream_job work = {.from = check_stream(L, 1)};
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, NETWORK);
    work.stream = new_stream(L, 2);
    nbl_run(L, copy, &work);
    return 1;
}

static nb_status begin(nb_ctx *ctx, void *data)
{
    stream_job *work = data;
    return nb_net_stream_begin(ctx, work->net, work->stream);
}

static int net_stream(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    nbl_no_more(L, 1);
    stream_job work = {.net = self->net, .stream = new_stream(L, 1)};
    nbl_run(L, begin, &work);
    return 1;
}

/* ---- Registration ---- */

#define STREAM "net = nn.net \"*x3 - lstm 4 - 2\"\ns = net:stream()\n"

static const nbl_entry method_entries[] = {
    {":reset", stream_reset, "s:reset()", "Forgets all steps.", STREAM "s({1, 2, 3})\ns:reset()",
     NULL},
    {":clone", stream_clone, "s:clone()",
     "A second stream that remembers the same steps and goes on alone.",
     STREAM "s({1, 2, 3})\nt = s:clone()\nprint(s({4, 5, 6}), t({7, 8, 9}))", NULL},
    {.name = NULL},
};

static const nbl_entry net_entries[] = {
    {":stream", net_stream, "net:stream()",
     "A stream: the network with a memory of the steps before. s(x) answers the next step, or "
     "several, one a row: together what net(x) gives for the whole sequence. Of words x is a "
     "number, or a vector of them; text, where the network learned from data.text, is several "
     "steps. s:reset() forgets, s:clone() goes on twice. It evaluates: "
     "dropout is the identity, batch_norm takes its running figures. Layers that need the whole "
     "sequence are refused by name; an nn.fn says per_step = true.",
     "net = nn.net \"*x3 - lstm 4 - 2\"\ns = net:stream()\n"
     "for t = 1, 5 do print(s(tensor.ones(3))) end",
     NULL},
    {.name = NULL},
};

static int stream_index(lua_State *L)
{
    static const char *const fields[] = {NULL};
    check_stream(L, 1);
    if (nbl_push_method(L)) return 1;
    return nbl_unknown_field(L, "a stream", 2, lua_upvalueindex(NBL_METHODS), fields);
}

void nbl_open_net_stream(lua_State *L)
{
    nbl_register(L, "net", net_entries);
}

void nbl_open_streams(lua_State *L)
{
    nbl_open_kind(L, &stream_kind, meta, stream_index, "stream", method_entries);
}
