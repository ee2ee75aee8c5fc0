/* Seals: which there are, and who asks. */
#include "lua/seal.h"

#include "base/memory.h"

#include <stdio.h>

enum { WHAT_MAX = 512 };

/* What it is closed on: storages, each with a reference and a reader, and other addresses. */
typedef struct entry {
    nb_storage *storage; /* or NULL */
    const void *address;
} entry;

struct nbl_seal {
    entry *list;
    int count, room;
    bool rests;
    char what[WHAT_MAX];
};

static int seal_gc(lua_State *L);

static const luaL_Reg meta[] = {{"__gc", seal_gc}, {NULL, NULL}};
static const nbl_kind seal_kind = {"nabla.seal", 0, meta};

static int seal_gc(lua_State *L)
{
    nbl_seal_break(L, nbl_check_handle(L, 1, &seal_kind, "a seal"));
    return 0;
}

/* Pushes the set of all seals, which keeps none of them. */
static void push_seals(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &seal_kind) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &seal_kind);
}

nbl_seal *nbl_new_seal(lua_State *L)
{
    nbl_seal *seal = nbl_new_handle(L, &seal_kind, sizeof *seal);
    push_seals(L);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return seal;
}

void nbl_seal_say(nbl_seal *seal, const char *what)
{
    snprintf(seal->what, sizeof seal->what, "%s", what);
}

static bool is_on(const nbl_seal *seal, const void *address)
{
    for (int i = 0; i < seal->count; i++)
        if (seal->list[i].address == address) return true;
    return false;
}

static nb_status make_room(nb_ctx *ctx, void *data)
{
    nbl_seal *seal = data;
    size_t size = sizeof *seal->list;
    if (seal->count < seal->room) return NB_OK;
    int room = seal->room ? 2 * seal->room : 8;
    void *list = nb_resize(ctx, seal->list, (size_t)seal->room * size, (size_t)room * size);
    if (!list) return ctx->status;
    seal->list = list;
    seal->room = room;
    return NB_OK;
}

/* All that can fail comes before the entry counts. */
static void close_on(lua_State *L, int at, nb_storage *storage, const void *address)
{
    nbl_seal *seal = nbl_check_handle(L, at, &seal_kind, "a seal");
    if (is_on(seal, address)) return;
    nbl_run(L, make_room, seal);
    seal->list[seal->count++] = (entry){storage ? nb_storage_retain(storage) : NULL, address};
    if (storage && !seal->rests) storage->readers++;
}

void nbl_seal_numbers(lua_State *L, int at, const nb_tensor *tensor)
{
    close_on(L, at, tensor->storage, tensor->storage);
}

void nbl_seal_address(lua_State *L, int at, const void *address)
{
    close_on(L, at, NULL, address);
}

void nbl_seal_rest(nbl_seal *seal, bool rests)
{
    if (seal->rests == rests) return;
    seal->rests = rests;
    for (int i = 0; i < seal->count; i++)
        if (seal->list[i].storage) seal->list[i].storage->readers += rests ? UINT32_MAX : 1;
}

void nbl_seal_break(lua_State *L, nbl_seal *seal)
{
    nb_ctx *ctx = nbl_ctx(L);
    for (int i = 0; i < seal->count; i++) {
        const entry *of = &seal->list[i];
        if (!of->storage) continue;
        of->storage->readers -= !seal->rests;
        nb_storage_release(ctx, of->storage);
    }
    if (seal->list) nb_free(ctx, seal->list, (size_t)seal->room * sizeof *seal->list);
    seal->list = NULL;
    seal->count = seal->room = 0;
    seal->rests = false;
}

/* A closed one on what lives at this address, or NULL, of several any; it is let go of, and what
 * nobody has goes with the next collection. */
static const nbl_seal *find_closed(lua_State *L, const void *address)
{
    const nbl_seal *found = NULL;
    push_seals(L);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const nbl_seal *seal = nbl_test_handle(L, -2, &seal_kind);
        if (seal && !seal->rests && is_on(seal, address)) found = seal;
    }
    lua_pop(L, 1);
    return found;
}

static void check(lua_State *L, const void *address, const char *format)
{
    if (!find_closed(L, address)) return;
    lua_gc(L, LUA_GCCOLLECT);
    const nbl_seal *seal = find_closed(L, address);
    if (seal) nbl_error(L, format, seal->what);
}

void nbl_check_seal(lua_State *L, const void *address)
{
    check(L, address, "%s: t:step() ends the step first");
}

void nbl_check_numbers(lua_State *L, const nb_tensor *tensor)
{
    if (tensor->storage->readers > 0) nbl_check_seal(L, tensor->storage);
}

void nbl_check_others(lua_State *L, const nb_tensor *tensor)
{
    if (tensor->storage->readers == 0) return;
    check(L, tensor->storage,
          "%s: the step of another trainer on this network, whose step() ends it first");
}
