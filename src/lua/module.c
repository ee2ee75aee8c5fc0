/* The module `nabla`: what require "nabla" gives. Opened once in a Lua state, however often it is
 * loaded. */
#include "lua/copies.h"
#include "lua/embedded.h"
#include "lua/fleet.h"
#include "lua/nn/inspect/facts.h"
#include "lua/nn/train/glass/questions.h"
#include "lua/nn/train/learned.h"
#include "lua/names.h"
#include "lua/pictures.h"
#include "lua/state.h"
#include "lua/result.h"

#include "base/machine.h"
#include "base/processes/peers.h"
#include "base/workers.h"

#include <string.h>
#include <unistd.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static int seed(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    if (lua_isnone(L, 1)) {
        lua_pushinteger(L, (lua_Integer)ctx->seed);
        return 1;
    }
    int64_t value = nbl_check_integer(L, 1, "seed");
    if (value < 0)
        return nbl_error(L, "seed must be a whole number from 0, not %I", (LUAI_UACINT)value);
    ctx->seed = (uint64_t)value;
    ctx->draws = 0;
    return 0;
}

static nb_status set_threads(nb_ctx *ctx, void *count)
{
    return nb_set_threads(ctx, *(int64_t *)count);
}

static int threads(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    if (lua_isnone(L, 1)) {
        lua_pushinteger(L, ctx->threads);
        return 1;
    }
    int64_t count = nbl_check_integer(L, 1, "threads");
    nbl_run(L, set_threads, &count);
    return 0;
}

static int ranks(lua_State *L)
{
    const nb_peers *peers = nbl_ctx(L)->peers;
    lua_pushinteger(L, peers ? peers->ranks : 1);
    return 1;
}

static int rank(lua_State *L)
{
    const nb_peers *peers = nbl_ctx(L)->peers;
    lua_pushinteger(L, peers ? peers->rank : 0);
    return 1;
}

static nb_status wait_for_all(nb_ctx *ctx, void *data)
{
    (void)data;
    return nb_peers_share(ctx, NB_PEERS_BARRIER, 0, NB_OK);
}

static int barrier(lua_State *L)
{
    nbl_no_more(L, 0);
    nbl_run(L, wait_for_all, NULL);
    return 0;
}

static int dtype(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    nb_dtype chosen = ctx->dtype;
    if (lua_isnone(L, 1)) {
        lua_pushstring(L, nb_dtype_name(chosen));
        return 1;
    }
    bool known = lua_type(L, 1) == LUA_TSTRING && nb_dtype_from_name(lua_tostring(L, 1), &chosen);
    if (!known || !nb_dtype_computes(chosen))
        return nbl_error(L, "dtype must be \"f32\" or \"f64\", not %s", nbl_describe(L, 1));
    ctx->dtype = chosen;
    return 0;
}

static int anomaly(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    nbl_no_more(L, 1);
    if (lua_isnone(L, 1)) {
        lua_pushboolean(L, !ctx->heedless);
        return 1;
    }
    if (!lua_isboolean(L, 1))
        return nbl_error(L, "it is true or false, not %s", nbl_describe(L, 1));
    ctx->heedless = !lua_toboolean(L, 1);
    return 0;
}

typedef struct memory_options {
    double limit;
} memory_options;

static const nb_option memory_option_list[] = {
    {.name = "limit",
     .help = "bytes that tensors may take altogether, in the program with Lua's own values; 0 for "
             "no limit",
     .range = "a number of bytes from 0",
     .standard = "the smaller of the machine's memory and the control group's, and never more "
                 "than the machine has left",
     .value = -1,
     .high = WHOLE_MAX,
     .kind = NB_NUMBER,
     .offset = offsetof(memory_options, limit)},
    NB_OPTIONS_END};

enum { MEMORY_FIELDS = 7 };

/* Lua's own bytes; in a Lua that is not the program's they are its host's business. */
static size_t lua_bytes(lua_State *L, const nb_memory *memory)
{
    if (memory->beside) return *memory->beside;
    return ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) + (size_t)lua_gc(L, LUA_GCCOUNTB);
}

/* Under a limit that is passed already nothing could be done, not even raise it again. */
static void check_limit(lua_State *L, const nb_memory *memory, double limit)
{
    char held[NB_SIZE_TEXT_MAX];
    size_t used = nb_memory_used(memory);
    if (limit <= 0 || (double)used <= limit + NB_MEMORY_ODDMENT) return;
    nbl_error(L,
              "the limit must be more than what is held already, %s; what is no longer needed "
              "goes by collectgarbage()",
              nb_size_text(used, held));
}

static int memory(lua_State *L)
{
    memory_options options;
    nb_memory *memory = &nbl_ctx(L)->memory;
    nbl_options(L, 1, memory_option_list, &options, false);
    check_limit(L, memory, options.limit);
    lua_createtable(L, 0, MEMORY_FIELDS); /* while the limit is the old one */
    if (options.limit >= 0) {
        memory->limit = (size_t)options.limit;
        memory->left = NULL; /* who says how much is allowed knows his machine */
        memory->lent = 0;
    }
    nbl_set_integer(L, "live", (int64_t)memory->live);
    nbl_set_integer(L, "peak", (int64_t)memory->peak);
    nbl_set_integer(L, "lua", (int64_t)lua_bytes(L, memory));
    nbl_set_integer(L, "used", (int64_t)nb_memory_used(memory));
    nbl_set_integer(L, "pooled", (int64_t)memory->pooled);
    nbl_set_integer(L, "limit", (int64_t)memory->limit);
    nbl_set_integer(L, "requests", (int64_t)memory->requests);
    return 1;
}

static const nbl_entry functions[] = {{"seed", seed, "nabla.seed(n)",
                                       "Begins chance anew: after the same seed come the same "
                                       "numbers, at any number of threads. Without n it "
                                       "gives the seed in force.",
                                       "nabla.seed(42)\ntensor.rand(3)", NULL},
                                      {"threads", threads, "nabla.threads(n)",
                                       "How many threads large products and loops may use; results "
                                       "do not depend on it. Without n it gives "
                                       "the number.",
                                       "nabla.threads(nabla.threads())", NULL},
                                      {"ranks", ranks, "nabla.ranks()",
                                       "How many processes run this script: as many as mpirun "
                                       "started, else 1. See help \"ranks\".",
                                       "nabla.ranks()  → 1", NULL},
                                      {"rank", rank, "nabla.rank()",
                                       "Which of those processes this is: 0, the one that prints "
                                       "and writes files, to nabla.ranks() - 1. As with MPI, and "
                                       "unlike all else here, the count begins at 0.",
                                       "nabla.rank()  → 0", NULL},
                                      {"barrier", barrier, "nabla.barrier()",
                                       "Waits until all processes that run this script have come "
                                       "to it: what the first has saved before it, all can load "
                                       "behind it. Every process must call it; where one ends its "
                                       "script or trains meanwhile, all are told so. One process "
                                       "alone waits for nobody.",
                                       "nabla.barrier()\nprint \"all have come\"", NULL},
                                      {"dtype", dtype, "nabla.dtype(name)",
                                       "The kind of numbers that new tensors and networks hold, "
                                       "\"f32\" or \"f64\". Without a name it gives "
                                       "the one in force.",
                                       "nabla.dtype()  → f32", NULL},
                                      {"anomaly", anomaly, "nabla.anomaly(true | false)",
                                       "Whether NaN and infinity are looked for, as they are "
                                       "unless told: where a cost, δ, a gradient or a weight is "
                                       "not finite, the pass is run again, watched, and the error "
                                       "says where it began: the first op whose inputs are finite "
                                       "and whose result is not, with layer, neuron, example and "
                                       "step, the numbers that met, and whether that was forward "
                                       "or backward; or the number of the data or the parameter "
                                       "that was not finite already. Nothing is learned from such "
                                       "a pass either way. Without an argument it gives the "
                                       "setting in force.",
                                       "nabla.anomaly()  → true\nnabla.anomaly(true)", NULL},
                                      {"memory", memory, "nabla.memory{limit}",
                                       "Bytes: live, those of tensors; peak, the most so far; "
                                       "pooled, kept for reuse; lua, those of Lua's own values; "
                                       "limit, which may be set to more than "
                                       "is held, and used, what counts against it "
                                       "and is not for reuse. Past the limit comes the error "
                                       "\"not enough memory\", and what was there stays. Also "
                                       "requests, how many the system got so far.",
                                       "nabla.memory().live", memory_option_list},
                                      {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry version_help[] = {
    {"version", NULL, "nabla.version", "The version of the program.", "nabla.version", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

/* Pages of the modules that no other file describes. */
static const nbl_entry modules[] = {
    {"nn", NULL, NULL, "Networks, what they are made of, and how they learn.",
     "net = nn.net \"2 - 3 - 1\"\nnet(tensor{0, 1})", NULL},
    {"data", NULL, NULL, "Sets of examples: those that come along, those in files, your own.",
     "data.digits()", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry module_help = {
    "nabla",
    NULL,
    NULL,
    "The program itself: its version, chance, threads, memory; it holds all modules.",
    "nabla.version",
    NULL};

static void add_module_pages(lua_State *L)
{
    for (const nbl_entry *entry = modules; entry->name; entry++) {
        lua_getfield(L, -1, entry->name);
        nbl_book_add(L, "module", entry);
    }
    lua_pushvalue(L, -1);
    nbl_book_add(L, "module", &module_help);
}

/* Upvalues: the function that describes, the module's name. */
static int module_tostring(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/* The kinds whose methods may be looked for in a module; ends with NULL. */
static const char *const *kinds_of(const char *module)
{
    static const struct {
        const char *module, *kind[3];
    } all[] = {{"tensor", {"tensor"}}, {"nn", {"net", "layer"}}, {"data", {"set"}}, {NULL, {NULL}}};
    size_t i = 0;
    while (all[i].module && strcmp(all[i].module, module) != 0) i++;
    return all[i].kind;
}

/* Upvalue: the module's name. A slip of the hand is an error where it is made. */
static int module_index(lua_State *L)
{
    const char *module = lua_tostring(L, lua_upvalueindex(1));
    nbl_look_elsewhere(L, module, module, 2);
    const char *usage = nbl_push_method_usage(L, kinds_of(module), nbl_key(L));
    if (usage)
        return nbl_error(L, "%s has no field '%s'; it is a method: %s", module, nbl_key(L), usage);
    return nbl_unknown_field(L, module, 2, 1, NULL);
}

/* A module shows its names, not the addresses of its functions, and knows which it has not. */
static void dress_module(lua_State *L, int nabla, int module, const char *name)
{
    if (!lua_getmetatable(L, module)) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setmetatable(L, module);
    }
    lua_getfield(L, nabla, "_help");
    lua_getfield(L, -1, "module_text");
    lua_remove(L, -2);
    lua_pushstring(L, name);
    lua_pushcclosure(L, module_tostring, 2);
    lua_setfield(L, -2, "__tostring");
    lua_pushstring(L, name);
    lua_pushcclosure(L, module_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

static void dress_modules(lua_State *L)
{
    static const char *const parts[] = {"tensor", "nn", "data", "plot", "learn"};
    int nabla = lua_gettop(L);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        lua_getfield(L, nabla, parts[i]);
        dress_module(L, nabla, nabla + 1, parts[i]);
        lua_pop(L, 1);
    }
    dress_module(L, nabla, nabla, "nabla");
}

/* The columns and rows of the terminal that standard output is, nothing where it is none, or a
 * launcher's (shell/screen/terminal.h). For stdlib. */
static int terminal(lua_State *L)
{
    int columns = 80, rows = 24;
    if (!isatty(STDOUT_FILENO) || nbl_ctx(L)->peers) return 0;
    nb_machine_window(STDOUT_FILENO, &columns, &rows);
    lua_pushinteger(L, columns);
    lua_pushinteger(L, rows);
    return 2;
}

/* What stdlib alone calls, into the module's table on the stack's top. */
static void add_private(lua_State *L)
{
    static const luaL_Reg functions_of_stdlib[] = {
        {"_terminal", terminal},
        {"_shown", nbl_shown},
        {"_facts", nbl_facts},
        {"_place", nbl_place},
        {"_give_method", nbl_give_method},
        {"_fields", nbl_fields},
        {"_learned_set", nbl_learned_set},
        {"_panels", nbl_panels},
        {"_write_by", nbl_write_by},
        {"_keep", nbl_keep},
        {"_in_copies", nbl_in_copies},
        {"_fleet", nbl_new_fleet},
        {"_next_answer", nbl_next_answer},
        {"_alone", nbl_alone},
        {"_swap_seconds", nbl_swap_seconds},
        {"_learned", nbl_learned},
        {"_learned_history", nbl_learned_history},
        {"_learn_again", nbl_learn_again},
        {"_digest", nbl_digest},
        {"_say", nbl_say},
        {"_under_way", nbl_under_way},
        {"_clock", nbl_clock},
        {"_chance", nbl_chance},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions_of_stdlib, 0);
}

/* nn.sweep, which is written in Lua. */
static void add_sweep(lua_State *L)
{
    lua_getfield(L, -1, "nn");
    lua_pushvalue(L, -2);
    nbl_run_embedded(L, "sweep");
    lua_setfield(L, -2, "sweep");
    lua_pop(L, 1);
}

/* The module's table is on the stack's top. */
static void add_parts(lua_State *L)
{
    nbl_open_tensor(L);
    lua_setfield(L, -2, "tensor");
    nbl_open_nn(L);
    nbl_open_tape(L);
    lua_setfield(L, -2, "nn");
    nbl_open_data(L);
    lua_setfield(L, -2, "data");
    nbl_state_push(L, NBL_BOOK);
    lua_pushcfunction(L, terminal);
    lua_setfield(L, -2, "window");
    lua_pop(L, 1);
    nbl_open_help(L);
    lua_getfield(L, -1, "help");
    lua_setfield(L, -3, "help");
    lua_setfield(L, -2, "_help");
    nbl_state_push(L, NBL_BOOK);
    lua_setfield(L, -2, "_book");
    add_private(L);
    nbl_open_pictures(L);
    lua_pushvalue(L, -1);
    nbl_run_embedded(L, "plot");
    lua_setfield(L, -2, "plot");
    lua_pushvalue(L, -1);
    nbl_run_embedded(L, "learn");
    lua_setfield(L, -2, "learn");
    add_sweep(L);
    add_module_pages(L);
    dress_modules(L);
}

int luaopen_nabla(lua_State *L)
{
    if (nbl_state_find(L)) {
        nbl_state_push(L, NBL_MODULE);
        return 1;
    }
    nbl_state_open(L);
    nbl_open_embedded(L);
    lua_newtable(L);
    lua_pushliteral(L, NB_VERSION);
    lua_setfield(L, -2, "version");
    nbl_register(L, "nabla", version_help);
    nbl_register(L, "nabla", functions);
    add_parts(L);
    lua_pushvalue(L, -1);
    nbl_state_set(L, NBL_MODULE);
    return 1;
}
