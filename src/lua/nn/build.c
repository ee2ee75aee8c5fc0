/* nn.net and nn.load: networks from notation, tables and files. */
#include "lua/nn/layer/host.h"
#include "lua/nn/keep.h"
#include "lua/nn/make.h"
#include "lua/names.h"
#include "lua/nn/net.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"
#include "nn/model.h"
#include "nn/net/pass.h"

#include <stddef.h>
#include <string.h>

typedef struct build_options {
    int cost;
    const char *dtype;
    int64_t seed; /* -1: not given */
} build_options;

static const nb_option build_fields[] = {
    {.name = "cost",
     .help = "a name, a function (a, y) → a number, or an nn.cost",
     .standard = "quadratic",
     .kind = NB_HOST,
     .offset = offsetof(build_options, cost)},
    {.name = "dtype",
     .help = "\"f32\" or \"f64\"",
     .standard = "nabla.dtype()",
     .kind = NB_WORD,
     .offset = offsetof(build_options, dtype)},
    {.name = "seed",
     .help = "of the parameters that are drawn",
     .range = "a whole number from 0",
     .standard = "from nabla.seed",
     .value = -1,
     .low = 0,
     .high = NB_WHOLE_MAX,
     .kind = NB_INTEGER,
     .offset = offsetof(build_options, seed)},
    NB_OPTIONS_END,
};

/* One network in the making. */
typedef struct build {
    lua_State *L;
    nbl_net *out;
    int held;         /* stack index of the set of what the network points into */
    const char *text; /* its notation */
    nb_dtype dtype;
    uint64_t seed;
} build;

/* ---- Steps that the core does ---- */

static nb_status parse(nb_ctx *ctx, void *data)
{
    build *work = data;
    nbl_names names;
    nbl_names_init(&names, work->L, work->held);
    work->out->net = nb_notation_parse(ctx, work->text, &names.resolver);
    return work->out->net ? NB_OK : ctx->status;
}

static nb_status make_empty(nb_ctx *ctx, void *data)
{
    build *work = data;
    work->out->net = nb_net_new(ctx);
    return work->out->net ? NB_OK : ctx->status;
}

static nb_status make(nb_ctx *ctx, void *data)
{
    build *work = data;
    nb_status status = nb_net_build(ctx, work->out->net, work->dtype, work->seed);
    return status == NB_OK ? nb_net_check_cost(ctx, work->out->net) : status;
}

/* ---- The table form ---- */

/* A size at the stack's top, of the first entry: a whole number, or "*", one that is free. */
static int64_t check_size(lua_State *L)
{
    int whole = 0;
    if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "*") == 0) return -1;
    int64_t size = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    if (!whole)
        nbl_error(L, "nn.net: entry 1: a size is a whole number or \"*\", not %s",
                  nbl_describe(L, -1));
    if (size < 1 || size > NB_SIZE_MAX)
        nbl_error(L, "nn.net: entry 1: a size is at least 1 and at most %I, not %I",
                  (LUAI_UACINT)NB_SIZE_MAX, (LUAI_UACINT)size);
    return size;
}

/* "space" or "steps" behind the sizes of the first entry, a table of so many on the stack's top:
 * how they are read. How many entries are sizes. */
static lua_Integer read_reading(lua_State *L, nb_net *net, lua_Integer entries)
{
    lua_rawgeti(L, -1, entries);
    const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    nb_reading reading = nb_reading_find(word);
    lua_pop(L, 1);
    if (reading == NB_OPEN) return entries;
    net->in_reading = reading;
    return entries - 1;
}

/* The first entry, on the stack's top: 784, "*", {1, 28, 28} or {8, 14, 14, "space"}. */
static void read_input(lua_State *L, nb_net *net)
{
    if (!lua_istable(L, -1)) {
        bool free = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "*") == 0;
        if (lua_type(L, -1) != LUA_TNUMBER && !free)
            nbl_error(L, "nn.net: entry 1 is the input's size, a number or {1, 28, 28}, not %s",
                      nbl_describe(L, -1));
        net->in_dims = 1;
        net->in_size[0] = check_size(L);
        return;
    }
    lua_Integer dims = read_reading(L, net, (lua_Integer)lua_rawlen(L, -1));
    if (dims < 1 || dims > NB_INPUT_DIMS_MAX)
        nbl_error(L, "nn.net: entry 1: an example has 1 to %d dimensions, not %I",
                  NB_INPUT_DIMS_MAX, (LUAI_UACINT)dims);
    for (int i = 0; i < (int)dims; i++) {
        lua_rawgeti(L, -1, i + 1);
        net->in_size[i] = check_size(L);
        lua_pop(L, 1);
    }
    net->in_dims = (int)dims;
}

static void read_table(lua_State *L, build *work)
{
    int entries = (int)lua_rawlen(L, 1);
    if (entries < 2)
        nbl_error(
            L, "nn.net: a network needs its input's size and at least one layer: nn.net{64, 10}");
    nbl_run(L, make_empty, work);
    lua_rawgeti(L, 1, 1);
    read_input(L, work->out->net);
    lua_pop(L, 1);
    for (int i = 2; i <= entries; i++) {
        lua_rawgeti(L, 1, i);
        nbl_add_entry(L, -1, &work->out->net->layer, work->held, i);
        lua_pop(L, 1);
    }
}

/* ---- Both forms ---- */

static void apply_options(lua_State *L, build *work, const build_options *options)
{
    if (options->cost) {
        work->out->net->cost = nbl_to_cost(L, options->cost);
        nbl_hold(L, work->held, options->cost);
    }
    if (options->dtype) {
        bool known = nb_dtype_from_name(options->dtype, &work->dtype);
        if (!known || !nb_dtype_computes(work->dtype))
            nbl_error(L, "nn.net: dtype must be \"f32\" or \"f64\", not '%s'", options->dtype);
    }
    if (options->seed >= 0) work->seed = (uint64_t)options->seed;
}

/* The options beside a table's entries, then those of the second argument. */
static void read_options(lua_State *L, build *work)
{
    build_options options;
    if (lua_istable(L, 1)) {
        nbl_options(L, 1, build_fields, &options, true);
        apply_options(L, work, &options);
    }
    nbl_options(L, 2, build_fields, &options, false);
    apply_options(L, work, &options);
}

/* (notation | table, options) */
static int build_net(lua_State *L)
{
    build work = {.L = L, .dtype = nbl_ctx(L)->dtype, .seed = UINT64_MAX};
    if (!lua_istable(L, 1) && lua_type(L, 1) != LUA_TSTRING)
        return nbl_arg_error(L, 1, "notation or a table, as in nn.net{64, 30, 10}");
    lua_settop(L, 2);
    work.out = nbl_new_net(L);
    int net = lua_gettop(L);
    lua_getiuservalue(L, net, NBL_HELD);
    work.held = net + 1;
    if (lua_istable(L, 1)) {
        read_table(L, &work);
    } else {
        work.text = nbl_check_text(L, 1);
        nbl_run(L, parse, &work);
    }
    read_options(L, &work);
    nbl_check_layers(L, &work.out->net->layer, NULL);
    if (work.seed == UINT64_MAX) work.seed = nbl_check_seed(L, lua_gettop(L) + 1);
    nbl_run(L, make, &work);
    lua_settop(L, net);
    nbl_know_net(L);
    nbl_net_adopt(L, net);
    return 1;
}

typedef struct load_job {
    lua_State *L;
    const char *path;
    nbl_net *out;
    int held;
} load_job;

static nb_status load(nb_ctx *ctx, void *data)
{
    load_job *work = data;
    nbl_names names;
    nbl_names_init(&names, work->L, work->held);
    work->out->net = nb_model_load(ctx, work->path, &names.resolver);
    return work->out->net ? NB_OK : ctx->status;
}

static int load_net(lua_State *L)
{
    load_job work = {.L = L, .path = nbl_check_path(L, 1)};
    work.out = nbl_new_net(L);
    int net = lua_gettop(L);
    lua_getiuservalue(L, net, NBL_HELD);
    work.held = net + 1;
    nbl_run(L, load, &work);
    lua_settop(L, net);
    nbl_know_net(L);
    nbl_net_adopt(L, net);
    return 1;
}

static const nbl_entry entries[] = {
    {"net", build_net, "nn.net(notation | table, {cost, dtype, seed})",
     "A network from notation, or from a table whose first entry is the input's shape and whose "
     "others are sizes of dense layers, layers, networks, strings of notation and functions. The "
     "pages notation, blocks and shapes say more.",
     "print(nn.net \"64 - 30 - 10\")\n"
     "print(nn.net{64, nn.dense{30, \"relu\"}, \"10 softmax\", cost = \"cross_entropy\"})",
     build_fields},
    {"load", load_net, "nn.load(path)",
     "The network in a file that net:save wrote. Activations and costs that were made in Lua must "
     "have been made again before, under the same names.",
     "path = os.tmpname()\nnn.net(\"4 - 3 - 2\"):save(path)\nprint(nn.load(path))\nos.remove(path)",
     NULL},
    {.name = NULL},
};

void nbl_open_net_build(lua_State *L)
{
    nbl_register(L, "nn", entries);
}
