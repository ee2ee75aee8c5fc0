#include "lua/fleet.h"

#include "base/clock.h"
#include "base/processes/convoy.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/processes/peers.h"
#include "lua/nbl.h"
#include "lua/nn/keep.h"

/* User values of the handle by which a call finds its function. */
enum { FUNCTION = 1, WORDS, WHAT, VALUES = WHAT };

typedef struct ships {
    nb_convoy *convoy; /* NULL before it is made and once it is ended */
    nb_convoy_plan plan;
    uint64_t digest[NB_PEERS_DIGESTS];
    const char *names[NB_PEERS_DIGESTS];
    nb_fleet_answer answer;
} ships;

static int fleet_gc(lua_State *L);

static const luaL_Reg meta[] = {{"__gc", fleet_gc}, {"__close", fleet_gc}, {NULL, NULL}};
static const nbl_kind fleet_kind = {"nabla.fleet", VALUES, meta};

static ships *check_fleet(lua_State *L)
{
    return nbl_check_handle(L, 1, &fleet_kind, "a fleet");
}

static int fleet_gc(lua_State *L)
{
    ships *self = check_fleet(L);
    nb_convoy *convoy = self->convoy;
    self->convoy = NULL;
    nb_convoy_free(convoy);
    return 0;
}

/* ---- A task, in its copy ---- */

typedef struct call {
    int64_t task;
    bool alone, scant;
    nb_text *answer;
} call;

static int nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* A hook gives no string, so all is done while it is pushed. */
static int push_call(lua_State *L, const void *self, const void *data)
{
    call *c = *(call *const *)data;
    size_t length;
    int top = lua_gettop(L);
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, FUNCTION);
    lua_pushinteger(L, c->task + 1);
    lua_pushboolean(L, c->alone);
    lua_call(L, 2, 1);
    c->scant = lua_isnil(L, -1);
    const char *text = c->scant ? NULL : luaL_checklstring(L, -1, &length);
    if (text) nb_text_add_bytes(c->answer, text, length);
    lua_settop(L, top);
    lua_pushcfunction(L, nothing);
    return 0;
}

static nb_status do_task(nb_ctx *ctx, void *self, int64_t task, bool alone, nb_text *answer)
{
    call c = {.task = task, .alone = alone, .answer = answer}, *at = &c;
    bool stop;
    nb_status status = nbl_call_hook(ctx, push_call, self, &at, &stop);
    return status == NB_OK && c.scant ? nb_fail(ctx, NB_EMEMORY, "not enough memory") : status;
}

/* ---- All of them ---- */

static nb_status begin(nb_ctx *ctx, void *data)
{
    ships *self = data;
    self->convoy = nb_convoy_new(ctx, &self->plan);
    return self->convoy ? NB_OK : ctx->status;
}

/* From the list {name, text, …} at 3; those that are too many count with the last one. */
static void read_words(lua_State *L, ships *self)
{
    lua_Integer pairs = (lua_Integer)lua_rawlen(L, 3) / 2;
    for (lua_Integer i = 0; i < pairs; i++) {
        size_t length;
        lua_Integer k = i < NB_PEERS_DIGESTS ? i : NB_PEERS_DIGESTS - 1;
        lua_rawgeti(L, 3, 2 * i + 1);
        lua_rawgeti(L, 3, 2 * i + 2);
        const char *text = luaL_checklstring(L, -1, &length);
        self->names[k] = luaL_checkstring(L, -2);
        self->digest[k] = self->digest[k] * 31 + nb_hash(text, length);
        lua_pop(L, 2);
    }
}

int nbl_new_fleet(lua_State *L)
{
    lua_settop(L, 4);
    int64_t tasks = nbl_check_integer(L, 1, "n");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checktype(L, 3, LUA_TTABLE);
    const char *what = luaL_optstring(L, 4, NULL);
    luaL_argcheck(L, tasks >= 0 && tasks < INT32_MAX, 1, "tasks");
    ships *self = nbl_new_handle(L, &fleet_kind, sizeof *self);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, FUNCTION);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, WORDS);
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, WHAT);
    nbl_remember(L);
    read_words(L, self);
    self->plan = (nb_convoy_plan){.tasks = tasks,
                                  .digest = self->digest,
                                  .names = self->names,
                                  .what = what,
                                  .work = do_task,
                                  .self = self};
    nbl_run(L, begin, self);
    return 1;
}

static nb_status wait_for_next(nb_ctx *ctx, void *data)
{
    ships *self = data;
    (void)ctx;
    return nb_convoy_next(self->convoy, &self->answer);
}

int nbl_next_answer(lua_State *L)
{
    ships *self = check_fleet(L);
    if (!self->convoy) return 0;
    nbl_run(L, wait_for_next, self);
    const nb_fleet_answer *answer = &self->answer;
    if (answer->task < 0) return 0;
    lua_pushinteger(L, answer->task + 1);
    if (answer->failed) lua_pushnil(L);
    lua_pushlstring(L, answer->text, answer->length);
    return answer->failed ? 3 : 2;
}

/* ---- Without peers ---- */

int nbl_alone(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    nb_peers *peers = ctx->peers;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    ctx->peers = NULL;
    int outcome = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    ctx->peers = peers;
    return outcome == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* ---- What a message takes ---- */

typedef struct swap_job {
    size_t bytes;
    int64_t times;
    double seconds; /* of one */
} swap_job;

static nb_status swap_some(nb_ctx *ctx, const swap_job *work, void *out, void *in)
{
    size_t came;
    int with = ctx->peers->rank ^ 1;
    nb_status status = nb_peers_share(ctx, NB_PEERS_SWEEP, 0, NB_OK);
    for (int64_t i = 0; i < work->times && status == NB_OK && with < ctx->peers->ranks; i++)
        status = nb_peers_swap(ctx, with, out, work->bytes, in, work->bytes, &came);
    return status;
}

static nb_status time_swaps(nb_ctx *ctx, void *data)
{
    swap_job *work = data;
    if (!ctx->peers) return nb_fail(ctx, NB_EARG, "there is no other process");
    void *out = nb_alloc_zero(ctx, 1, work->bytes), *in = nb_alloc_zero(ctx, 1, work->bytes);
    nb_status status = out && in ? swap_some(ctx, work, out, in) : NB_EMEMORY;
    double began = nb_clock(); /* the first round was to warm up */
    if (status == NB_OK) status = swap_some(ctx, work, out, in);
    work->seconds = (nb_clock() - began) / (double)work->times;
    nb_free(ctx, out, work->bytes);
    nb_free(ctx, in, work->bytes);
    return status;
}

int nbl_swap_seconds(lua_State *L)
{
    swap_job work = {.bytes = (size_t)nbl_check_integer(L, 1, "bytes"),
                     .times = nbl_check_integer(L, 2, "times")};
    luaL_argcheck(L, work.bytes > 0 && work.bytes < INT32_MAX, 1, "bytes");
    luaL_argcheck(L, work.times > 0, 2, "times");
    nbl_run(L, time_swaps, &work);
    lua_pushnumber(L, work.seconds);
    return 1;
}
