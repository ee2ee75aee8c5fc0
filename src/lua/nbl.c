/* The way into the core and out of it again, and how errors read. */
#include "lua/nbl.h"

#include "base/arith.h"
#include "lua/state.h"

#include <string.h>

enum {
    STACK_ROOM = 32, /* slots that a trampoline and its helpers may use */
    WORD_SHOWN = 40  /* longer strings are not quoted in messages */
};

/* Lua does not see the bytes behind its handles, so its own collector would come too late. What
 * dies should be used again while the caches hold it. Where Lua is generational, it is asked for
 * the young, which costs little whatever else it holds, as soon as the bytes have grown by
 * YOUNG_GROWTH; temporaries end there.
 *
 * What has grown old, and everything where Lua is not generational, takes a full collection, which
 * takes time in proportion to what Lua itself holds. So Lua is asked for that once the core has
 * worked WORK_PER_LUA_BYTE times that much, a stay in it taken for as many bytes as it could have
 * written meanwhile; at the latest when the bytes have grown by GROWTH_MOST or a quarter, and not
 * for less than GROWTH_LEAST. */
#define YOUNG_GROWTH      ((size_t)256 << 10)
#define GROWTH_LEAST      ((size_t)512 << 10)
#define GROWTH_MOST       ((size_t)48 << 20)
#define WORK_OF_STAY      ((size_t)10 << 10)
#define WORK_PER_LUA_BYTE ((size_t)32)

/* Not while Lua finalises either: there it refuses with -1. */
static bool may_collect(lua_State *L)
{
    return lua_gc(L, LUA_GCISRUNNING) == 1;
}

/* Should the user have made Lua incremental since, this is a step of that. */
static void collect_young(lua_State *L, nbl_state *state)
{
    const nb_memory *memory = &state->ctx->memory;
    state->young_low = nb_least_size(state->young_low, memory->live);
    if (memory->live - state->young_low <= YOUNG_GROWTH || !may_collect(L)) return;
    lua_gc(L, LUA_GCSTEP, 0);
    state->young_low = memory->live;
}

static bool under_pressure(nbl_state *state)
{
    size_t live = state->ctx->memory.live;
    state->low = nb_least_size(state->low, live);
    size_t grown = live - state->low, quarter = state->low / 4;
    if (grown > (quarter > GROWTH_MOST ? quarter : GROWTH_MOST)) return true;
    return grown > GROWTH_LEAST && grown + state->stays * WORK_OF_STAY > state->patience;
}

static void collect_under_pressure(lua_State *L, nbl_state *state)
{
    state->stays++;
    if (state->generational) collect_young(L, state);
    if (!under_pressure(state) || !may_collect(L)) return;
    lua_gc(L, LUA_GCCOLLECT);
    state->low = state->young_low = state->ctx->memory.live;
    state->stays = 0;
    state->patience = ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) * WORK_PER_LUA_BYTE;
}

static void stress(lua_State *L, nbl_state *state)
{
    if (state->stress && ++state->entries % state->stress == 0) lua_gc(L, LUA_GCCOLLECT);
}

void nbl_stress(lua_State *L)
{
    nbl_state *state = nbl_state_find(L);
    if (state) stress(L, state);
}

void nbl_enter(lua_State *L, nbl_stay *stay)
{
    nbl_state *state = nbl_state_get(L);
    collect_under_pressure(L, state);
    stress(L, state);
    luaL_checkstack(L, STACK_ROOM, NULL);
    lua_pushnil(L);
    *stay = (nbl_stay){L, state->ctx, state->ctx->host, lua_gettop(L), NULL};
    state->ctx->host = stay;
}

/* The stay is over, and with the outermost the work that somebody may have been told of. */
static void end_stay(const nbl_stay *stay)
{
    const nb_meter *meter = stay->ctx->meter;
    stay->ctx->host = stay->outer;
    if (meter && !stay->outer) meter->end(meter->self);
}

void nbl_leave(nbl_stay *stay)
{
    end_stay(stay);
    lua_settop(stay->L, stay->error_slot - 1);
}

/* Whether a word ends with the `length` letters of a name: "nn.net" with "net". */
static bool ends_with(const char *word, size_t size, const char *name, size_t length)
{
    return size >= length && memcmp(word + size - length, name, length) == 0;
}

/* The message on the stack's top with the function's name before it, where it does not begin with
 * it already: "zeros: …", "nn.net: …", "item needs …". The core knows the form in place by the name
 * of its op: "add: …" becomes "add_: …". */
static void put_name(lua_State *L, const char *name)
{
    const char *message = lua_tostring(L, -1);
    size_t length = strlen(name), word = strcspn(message, " ");
    if (word > 0 && message[word - 1] == ':') word--;
    if (ends_with(message, word, name, length)) return;
    bool in_place = length > 1 && name[length - 1] == '_';
    if (in_place && ends_with(message, word, name, length - 1)) {
        lua_pushlstring(L, message, word);
        lua_pushfstring(L, "_%s", message + word);
        lua_concat(L, 2);
    } else {
        lua_pushfstring(L, "%s: %s", name, message);
    }
    lua_remove(L, -2);
}

/* Puts what the book of help says of the function on the stack's top in its place, and gives it
 * back: "usage", "name"; NULL and nil of functions without a page. */
static const char *book_says(lua_State *L, const char *field)
{
    int function = lua_gettop(L);
    bool found = false;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_pushnil(L);
    nbl_state_push(L, NBL_BOOK);
    for (lua_Integer i = 1; !found && lua_rawgeti(L, function + 2, i) == LUA_TTABLE; i++) {
        lua_getfield(L, -1, field);
        lua_getfield(L, -2, "value");
        found = lua_rawequal(L, -1, function);
        if (found) lua_copy(L, -2, function + 1);
        lua_settop(L, function + 2);
    }
    lua_copy(L, function + 1, function);
    lua_settop(L, function);
    return lua_tostring(L, function);
}

/* What the running function was called, in a slot of its own, and how in `call`. Where Lua does not
 * know, after a tail call or x[name](x), it is the book's name: "add" of "tensor:add". NULL and nil
 * of a metamethod, which nobody calls by name. */
static const char *name_of_call(lua_State *L, lua_Debug *call)
{
    *call = (lua_Debug){.name = NULL, .namewhat = ""};
    if (!lua_getstack(L, 0, call)) {
        lua_pushnil(L);
        return NULL;
    }
    lua_getinfo(L, "nf", call);
    bool implied =
        strcmp(call->namewhat, "metamethod") == 0 || strcmp(call->namewhat, "for iterator") == 0;
    if (call->name && strcmp(call->name, "?") != 0) {
        lua_pop(L, 1);
        if (!implied) return lua_pushstring(L, call->name);
        lua_pushnil(L);
        return NULL;
    }
    call->namewhat = "";
    const char *name = book_says(L, "name"), *part = name ? strpbrk(name, ".:") : NULL;
    return part ? part + 1 : name;
}

/* Raises the message on the stack's top with the function's name, as the user called it, and the
 * position of the user's line before that. */
static int raise_top(lua_State *L)
{
    lua_Debug call;
    const char *name = name_of_call(L, &call);
    lua_insert(L, -2);
    if (name) put_name(L, name);
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
}

/* The message is copied first: what else allocates may run finalisers, which may fail in turn. */
static int raise_message(lua_State *L, nb_ctx *ctx)
{
    bool interrupted = ctx->status == NB_EINTERRUPT;
    lua_pushstring(L, ctx->message);
    return interrupted ? lua_error(L) : raise_top(L);
}

void nbl_poll(lua_State *L, nb_ctx *ctx)
{
    if (nb_poll(ctx) != NB_OK) raise_message(L, ctx);
}

bool nbl_fail(nbl_stay *stay, int *tries)
{
    lua_State *L = stay->L;
    nb_ctx *ctx = stay->ctx;
    nb_status status = ctx->status;
    if (status == NB_EMEMORY && (*tries)++ == 0) {
        /* Twice: what a finaliser frees may have kept more alive. */
        lua_gc(L, LUA_GCCOLLECT);
        lua_gc(L, LUA_GCCOLLECT);
        nb_pool_trim(ctx);
        return true;
    }
    end_stay(stay);
    if (status != NB_ECALLBACK) return raise_message(L, ctx);
    lua_settop(L, stay->error_slot);
    return lua_error(L);
}

int nbl_error(lua_State *L, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    return raise_top(L);
}

static const char *with_article(lua_State *L, const char *noun)
{
    return lua_pushfstring(L, "%s %s", strchr("aeiou", *noun) ? "an" : "a", noun);
}

/* The noun of a handle is its metatable's name behind "nabla.". */
static const char *describe_object(lua_State *L, int arg)
{
    int type = luaL_getmetafield(L, arg, "__name");
    if (type == LUA_TNIL) return with_article(L, luaL_typename(L, arg));
    const char *name = type == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, arg);
    const char *dot = strrchr(name, '.');
    with_article(L, dot && dot[1] ? dot + 1 : name);
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

const char *nbl_describe(lua_State *L, int arg)
{
    arg = lua_absindex(L, arg);
    switch (lua_type(L, arg)) {
    case LUA_TNONE:
        return lua_pushliteral(L, "nothing");
    case LUA_TNIL:
        return lua_pushliteral(L, "nil");
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, arg) ? "true" : "false");
    case LUA_TNUMBER:
        if (!lua_rawequal(L, arg, arg)) return lua_pushliteral(L, "nan"); /* without a sign */
        return luaL_tolstring(L, arg, NULL);
    case LUA_TSTRING:
        if (lua_rawlen(L, arg) <= WORD_SHOWN)
            return lua_pushfstring(L, "'%s'", lua_tostring(L, arg));
        return lua_pushliteral(L, "a string");
    default:
        return describe_object(L, arg);
    }
}

/* Whether the book has the running function as a method. tensor.where and the like are both, and
 * their usage begins with the dot. */
static bool is_method(lua_State *L)
{
    lua_Debug call;
    if (!lua_getstack(L, 0, &call) || !lua_getinfo(L, "f", &call)) return false;
    const char *usage = book_says(L, "usage");
    bool method = usage && usage[strcspn(usage, ".:(")] == ':';
    lua_pop(L, 1);
    return method;
}

void nbl_no_more(lua_State *L, int last)
{
    if (lua_gettop(L) <= last) return;
    const char *extra = nbl_describe(L, last + 1), *usage = NULL;
    lua_Debug call;
    if (lua_getstack(L, 0, &call) && lua_getinfo(L, "f", &call)) usage = book_says(L, "usage");
    nbl_error(L, "%s is one argument too many%s%s", extra, usage ? "; write " : "",
              usage ? usage : "");
}

int nbl_arg_error(lua_State *L, int arg, const char *expected)
{
    lua_Debug call;
    const char *got = nbl_describe(L, arg), *name = name_of_call(L, &call);
    if (strcmp(call.namewhat, "metamethod") == 0)
        return nbl_error(L, "the value must be %s, not %s", expected, got);
    if (!name) return nbl_error(L, "argument %d must be %s, not %s", arg, expected, got);
    bool method = is_method(L), told = *call.namewhat != '\0';
    bool colon = told ? strcmp(call.namewhat, "method") == 0 : method;
    if (colon && arg == 1) return nbl_error(L, "%s belongs to %s, not %s", name, expected, got);
    const char *advice = "";
    if (method && !colon)
        advice = lua_pushfstring(L, "; a method is called with a colon, x:%s(…)", name);
    return nbl_error(L, "%s: argument %d must be %s, not %s%s", name, arg - colon, expected, got,
                     advice);
}

bool nbl_new_metatable(lua_State *L, const char *kind)
{
    if (!luaL_newmetatable(L, kind)) return false;
    lua_createtable(L, 0, 1);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "__name");
    lua_setfield(L, -2, "__metatable");
    return true;
}

void nbl_push_kept(lua_State *L, int at, int which)
{
    if (lua_getiuservalue(L, at, which) != LUA_TTABLE)
        nbl_error(L, "what nabla keeps for itself was taken away");
}

bool nbl_push_method(lua_State *L, int methods)
{
    if (!lua_istable(L, methods)) nbl_error(L, "the methods of this type were taken away");
    lua_pushvalue(L, 2);
    return lua_rawget(L, methods) != LUA_TNIL;
}

#define TEXT "nabla.text"

static int free_text(lua_State *L)
{
    nb_text *text = luaL_checkudata(L, 1, TEXT);
    if (text->ctx) nb_text_free(text);
    text->ctx = NULL;
    return 0;
}

nb_text *nbl_new_text(lua_State *L)
{
    nbl_stress(L);
    nb_ctx *ctx = nbl_ctx(L);
    nb_text *text = lua_newuserdatauv(L, sizeof *text, 0);
    nb_text_init(text, ctx);
    if (nbl_new_metatable(L, TEXT)) {
        lua_pushcfunction(L, free_text);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return text;
}

void nbl_push_text(lua_State *L, nb_text *text)
{
    if (text->failed) nbl_error(L, "%s", text->ctx->message);
    lua_pushlstring(L, nb_text_get(text), text->length);
}
