/* A function of Lua in copies of the process. The numbers that it gives go through the crew's pipe;
 * nothing else of what it does is seen here. */
#include "lua/copies.h"

#include "base/clock.h"
#include "base/processes/crew.h"
#include "lua/nbl.h"
#include "lua/nn/keep.h"

enum {
    VALUES = NB_CREW_ANSWER / sizeof(double) - 1, /* numbers of one call */
    CALLS_MOST = 100000
};

typedef struct answer {
    double count;
    double value[VALUES];
} answer;

_Static_assert(sizeof(answer) <= NB_CREW_ANSWER, "a crew brings it whole");

/* User values of the handle by which a call finds its function. */
enum { FUNCTION = 1 };

static const nbl_kind copies_kind = {"nabla.copies", FUNCTION, NULL};

typedef struct work {
    int64_t calls;
    const char *what;   /* NULL: nobody is told */
    double done, total; /* calls; or when it all began, and the seconds that it may take */
    bool by_clock;
    const nb_meter *meter; /* who is told */
    answer *all;           /* of every call */
    answer *at;            /* of the one under way */
    int64_t task;          /* its number from 0 */
} work;

/* ---- A call ---------------------------------------------------------------------------------- */

static int nothing(lua_State *L)
{
    (void)L;
    return 0;
}

static void read_values(lua_State *L, int first, answer *to)
{
    int count = lua_gettop(L) - first + 1;
    if (count > VALUES) luaL_error(L, "at most %d numbers, not %d", VALUES, count);
    for (int i = 0; i < count; i++) to->value[i] = luaL_checknumber(L, first + i);
    to->count = count;
}

/* A hook gives one value; here are several, so all is done while it is pushed. */
static int push_call(lua_State *L, const void *self, const void *data)
{
    const work *w = self;
    (void)data;
    int top = lua_gettop(L);
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, FUNCTION);
    lua_pushinteger(L, w->task + 1);
    lua_call(L, 1, LUA_MULTRET);
    read_values(L, top + 2, w->at);
    lua_settop(L, top);
    lua_pushcfunction(L, nothing);
    return 0;
}

/* What the function calls in the core has nothing of its own to tell. */
static nb_status call(nb_ctx *ctx, void *self, int64_t task, void *to)
{
    work *w = self;
    answer own = {.count = 0};
    bool stop;
    const nb_meter *meter = ctx->meter;
    w->task = task;
    w->at = &own;
    ctx->meter = NULL;
    nb_status status = nbl_call_hook(ctx, push_call, w, NULL, &stop);
    ctx->meter = meter;
    if (status == NB_OK) status = nb_poll(ctx);
    if (status == NB_OK) memcpy(to, &own, sizeof own);
    return status;
}

static void take(void *self, int64_t task, const void *from)
{
    memcpy(&((work *)self)->all[task], from, sizeof(answer));
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void tell(void *self, const char *what, double share)
{
    const work *w = self;
    double done = w->by_clock ? nb_clock() - w->done : w->done + share * (double)w->calls;
    share = done / w->total;
    if (w->meter) w->meter->tell(w->meter->self, what, share < 1 ? share : 1);
}

static nb_status run(nb_ctx *ctx, void *data)
{
    work *w = data;
    const nb_meter part = {.tell = tell, .self = w};
    const nb_crew crew = {.tasks = w->calls,
                          .what = w->what,
                          .bytes = sizeof(answer),
                          .work = call,
                          .take = take,
                          .self = w};
    w->meter = ctx->meter;
    ctx->meter = w->what ? &part : NULL;
    nb_tell(ctx, w->what, 0, 1);
    nb_status status = nb_crew_run(ctx, &crew);
    ctx->meter = w->meter;
    return status;
}

static void push_answer(lua_State *L, const answer *of)
{
    lua_createtable(L, (int)of->count, 0);
    for (int i = 0; i < (int)of->count; i++) {
        lua_pushnumber(L, of->value[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

int nbl_in_copies(lua_State *L)
{
    lua_settop(L, 6);
    int64_t calls = nbl_check_integer(L, 1, "n");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_argcheck(L, calls >= 0 && calls <= CALLS_MOST, 1, "calls");
    answer *all = lua_newuserdatauv(L, (size_t)(calls + 1) * sizeof *all, 0);
    work *w = nbl_new_handle(L, &copies_kind, sizeof *w);
    *w = (work){.calls = calls,
                .what = luaL_optstring(L, 3, NULL),
                .done = luaL_optnumber(L, 4, 0),
                .total = luaL_optnumber(L, 5, (lua_Number)calls),
                .by_clock = lua_toboolean(L, 6),
                .all = all};
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, FUNCTION);
    nbl_remember(L);
    nbl_run(L, run, w);
    lua_createtable(L, (int)calls, 0);
    for (int64_t i = 0; i < calls; i++) {
        push_answer(L, &all[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* ---- Beside it ------------------------------------------------------------------------------- */

int nbl_clock(lua_State *L)
{
    lua_pushnumber(L, nb_clock());
    return 1;
}

int nbl_chance(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    if (lua_isnone(L, 1)) {
        lua_pushinteger(L, (lua_Integer)ctx->seed);
        lua_pushinteger(L, (lua_Integer)ctx->draws);
        return 2;
    }
    uint64_t seed = (uint64_t)luaL_checkinteger(L, 1);
    ctx->draws = (uint64_t)luaL_checkinteger(L, 2);
    ctx->seed = seed;
    return 0;
}
