/* The way into the core and out of it again, and how errors read. */
#include "lua/nbl.h"

#include "base/arith.h"
#include "lua/state.h"

#include <string.h>

/* Where the registry keeps the last error object that came out of a callback. */
#define NOTED "nabla.noted"

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
    if (state->generational) collect_young(L, state);
    if (!under_pressure(state) || !may_collect(L)) return;
    lua_gc(L, LUA_GCCOLLECT);
    state->low = state->young_low = state->ctx->memory.live;
    state->stays = 0;
    state->patience = ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) * WORK_PER_LUA_BYTE;
}

void nbl_collect(lua_State *L)
{
    nbl_state *state = nbl_state_find(L);
    if (state && state->ctx) collect_under_pressure(L, state);
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

/* ---- Names in messages ---- */

/* Whether a word of `size` letters is the first `length` of a name. */
static bool is_word(const char *word, size_t size, const char *name, size_t length)
{
    return size == length && memcmp(word, name, length) == 0;
}

static bool is_of_tensors(const char *name)
{
    return strncmp(name, "tensor", strlen("tensor")) == 0;
}

/* A function that messages call by one word, "tril": what begins with that word tells of it. Behind
 * "net:" such a word can be a sentence's own first one. */
static bool is_named_by_a_word(const char *name)
{
    return is_of_tensors(name) || !strpbrk(name, ".:");
}

/* "train" of "net:train". */
static const char *bare_name(const char *name)
{
    const char *part = strpbrk(name, ".:");
    return part ? part + 1 : name;
}

/* Of a sentence that begins with a word of `word` letters: what that word needs or takes. */
static bool tells_of_word(const char *message, size_t word)
{
    return !strncmp(message + word, " needs ", 7) || !strncmp(message + word, " takes ", 7);
}

/* The message on the stack's top with the function's name before it, where it does not begin with
 * it already: "nn.net: …", "item needs …"; of tensors the bindings say "zeros: …", and what comes
 * from the core, which tells of files and memory, begins with "tensor.load: …". The core knows an
 * op by its bare name, and the form in place by that too: "add: …" becomes "add_: …". "tril
 * takes …" and "add_ would …" are of the op too, but "paths are those …" of net:paths begins as a
 * sentence does. "dense needs …" becomes "nn.dense needs …". */
static void put_name(lua_State *L, const char *name, bool from_core)
{
    const char *message = lua_tostring(L, -1), *bare = bare_name(name);
    size_t length = strlen(bare), word = strcspn(message, " ");
    bool of_it = word == length && tells_of_word(message, word) && !is_named_by_a_word(name);
    if (of_it && is_word(message, word, bare, length)) {
        lua_pushfstring(L, "%s%s", name, message + word);
        lua_remove(L, -2);
        return;
    }
    if (word > 0 && message[word - 1] == ':')
        word--;
    else if (word == length && !is_named_by_a_word(name))
        word = 0;
    /* Not where a file is called so, "own.csv: …" of data.csv. */
    if (is_word(message, word, bare, length) || is_word(message, word, name, strlen(name))) return;
    bool in_place = length > 1 && bare[length - 1] == '_';
    if (in_place && is_word(message, word, bare, length - 1)) {
        lua_pushlstring(L, message, word);
        lua_pushfstring(L, "_%s", message + word);
        lua_concat(L, 2);
    } else {
        bool plain = is_of_tensors(name) && !from_core;
        lua_pushfstring(L, "%s: %s", plain ? bare : name, message);
    }
    lua_remove(L, -2);
}

/* Puts what the book of help says of the function on the stack's top in its place, and gives it
 * back: "usage", "name"; NULL and nil of functions without a page. Only the page that is found is
 * unfolded. */
static const char *book_says(lua_State *L, const char *field)
{
    int function = lua_gettop(L);
    bool found = false;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    nbl_state_push(L, NBL_BOOK);
    lua_pushliteral(L, "value");
    for (lua_Integer i = 1; !found && lua_rawgeti(L, function + 1, i) == LUA_TTABLE; i++) {
        lua_pushvalue(L, function + 2);
        lua_rawget(L, -2);
        found = lua_rawequal(L, -1, function);
        if (!found) lua_settop(L, function + 2);
    }
    if (found)
        lua_getfield(L, function + 3, field);
    else
        lua_pushnil(L);
    lua_replace(L, function);
    lua_settop(L, function);
    return lua_tostring(L, function);
}

/* What the running function is called, in a slot of its own, and how in `call`: as the book has it,
 * "net:train", but "add" of "tensor:add", since nobody's tensor is called so; of what has no page,
 * as the user's line has it. NULL and nil of a metamethod, which nobody calls by name. */
static const char *name_of_call(lua_State *L, lua_Debug *call)
{
    *call = (lua_Debug){.name = NULL, .namewhat = ""};
    if (!lua_getstack(L, 0, call)) {
        lua_pushnil(L);
        return NULL;
    }
    lua_getinfo(L, "nf", call);
    const char *name = book_says(L, "name");
    if (!call->name || strcmp(call->name, "?") == 0) call->namewhat = "";
    if (name) return is_of_tensors(name) && strchr(name, ':') ? bare_name(name) : name;
    lua_pop(L, 1);
    bool told = *call->namewhat && strcmp(call->namewhat, "metamethod") != 0 &&
                strcmp(call->namewhat, "for iterator") != 0;
    return lua_pushstring(L, told ? call->name : NULL);
}

const char *nbl_push_name(lua_State *L)
{
    lua_Debug call;
    const char *name = name_of_call(L, &call);
    if (name) return name;
    lua_pop(L, 1);
    return lua_pushliteral(L, "this function");
}

/* ---- Raising ---- */

/* Raises the message on the stack's top with the function's name, as the user called it, and the
 * position of the user's line before that. */
/* Who called: behind a setter of many that asks the setters of each. */
static int level_of_caller(lua_State *L)
{
    lua_Debug by;
    int level = 1;
    while (lua_getstack(L, level, &by) && lua_getinfo(L, "Sn", &by) && *by.what == 'C' &&
           !strcmp(by.namewhat, "metamethod"))
        level++;
    return level;
}

static int raise_top(lua_State *L, bool from_core)
{
    lua_Debug call;
    const char *name = name_of_call(L, &call);
    lua_insert(L, -2);
    if (name) put_name(L, name, from_core);
    luaL_where(L, level_of_caller(L));
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
}

/* The message is copied first: what else allocates may run finalisers, which may fail in turn. */
static int raise_message(lua_State *L, nb_ctx *ctx)
{
    bool interrupted = ctx->status == NB_EINTERRUPT;
    lua_pushstring(L, ctx->message);
    return interrupted ? lua_error(L) : raise_top(L, true);
}

void nbl_poll(lua_State *L, nb_ctx *ctx)
{
    if (nb_poll(ctx) != NB_OK) raise_message(L, ctx);
}

void nbl_escape(lua_State *L, int at, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    size_t length;
    luaL_Buffer b;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    const char *text = lua_tolstring(L, at, &length);
    if (nb_is_plain(text, length, how)) {
        lua_pushvalue(L, at);
        return;
    }
    at = lua_absindex(L, at);
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < length;) {
        i += nb_escape(text + i, length - i, how, shown);
        luaL_addstring(&b, shown);
    }
    luaL_pushresult(&b);
}

int nbl_shown(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    nbl_escape(L, -1, NB_ESCAPE_WORD);
    return 1;
}

/* Like the core's, the message shows names and words of the user's escaped. */
int nbl_error(lua_State *L, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    nbl_escape(L, -1, NB_ESCAPE_LINES);
    return raise_top(L, false);
}

static const char *with_article(lua_State *L, const char *noun)
{
    return lua_pushfstring(L, "%s %s", strchr("aeiou", *noun) ? "an" : "a", noun);
}

/* The noun of a handle is its metatable's name behind "nabla.", before what advises. */
static const char *describe_object(lua_State *L, int arg)
{
    int type = luaL_getmetafield(L, arg, "__name");
    if (type == LUA_TNIL) return with_article(L, luaL_typename(L, arg));
    const char *name = type == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, arg);
    const char *dot = strrchr(name, '.');
    name = dot && dot[1] ? dot + 1 : name;
    with_article(L, lua_pushlstring(L, name, strcspn(name, ";")));
    lua_replace(L, -3);
    lua_pop(L, 1);
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
        if (lua_rawlen(L, arg) > WORD_SHOWN) return lua_pushliteral(L, "a string");
        nbl_escape(L, arg, NB_ESCAPE_WORD);
        lua_pushfstring(L, "'%s'", lua_tostring(L, -1));
        lua_remove(L, -2);
        return lua_tostring(L, -1);
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

/* Whether the running function is what calling its first argument means, as in net(x): who wrote
 * that counts x as the first. */
static bool is_called_value(lua_State *L)
{
    lua_Debug call;
    if (luaL_getmetafield(L, 1, "__call") == LUA_TNIL) return false;
    bool called = lua_getstack(L, 0, &call) && lua_getinfo(L, "f", &call);
    int pushed = called ? 2 : 1;
    called = called && lua_rawequal(L, -1, -2);
    lua_pop(L, pushed);
    return called;
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

/* Behind a message that wants a tensor where a plain table stands. */
static const char *advise_table(lua_State *L, int arg, const char *expected)
{
    bool wanted = strstr(expected, "a tensor") && !strstr(expected, "table");
    bool plain = lua_istable(L, arg) && !luaL_getmetafield(L, arg, "__name");
    return wanted && plain ? "; tensor(t) makes one of a table" : "";
}

int nbl_arg_error(lua_State *L, int arg, const char *expected)
{
    lua_Debug call;
    const char *got = nbl_describe(L, arg), *name = name_of_call(L, &call);
    if (strcmp(call.namewhat, "metamethod") == 0)
        return nbl_error(L, "the value must be %s, not %s", expected, got);
    bool called = arg > 1 && is_called_value(L);
    if (!name) return nbl_error(L, "argument %d must be %s, not %s", arg - called, expected, got);
    bool method = is_method(L), told = *call.namewhat != '\0';
    bool colon = told ? strcmp(call.namewhat, "method") == 0 : method;
    if (colon && arg == 1) return nbl_error(L, "%s belongs to %s, not %s", name, expected, got);
    const char *advice = advise_table(L, arg, expected);
    if (method && !colon)
        advice = lua_pushfstring(L, "; a method is called with a colon, x:%s(…)", bare_name(name));
    return nbl_error(L, "argument %d must be %s, not %s%s", arg - (colon || called), expected, got,
                     advice);
}

/* ---- Into the core ---- */

/* The stay is over, and with the outermost the work that somebody may have been told of. */
static void end_stay(const nbl_stay *stay)
{
    const nb_meter *meter = stay->ctx->meter;
    stay->ctx->host = stay->outer;
    if (meter && !stay->outer) meter->end(meter->self);
}

/* How many bytes of an error's text are the position that Lua puts before it, "net.lua:3: ". */
static size_t position_length(const char *text)
{
    for (const char *p = strchr(text, ':'); p && strcspn(text, "\n") > (size_t)(p - text);
         p = strchr(p + 1, ':')) {
        size_t digits = strspn(p + 1, "0123456789");
        if (digits && strncmp(p + 1 + digits, ": ", 2) == 0)
            return (size_t)(p - text) + 1 + digits + 2;
    }
    return 0;
}

/* Where there is a text, as raise_again gives it. */
static void say_error(const nb_ctx *ctx, char *text, size_t size)
{
    const nbl_stay *stay = ctx->host;
    int known = (int)(strlen(ctx->message) - strlen(NBL_CALLBACK_FAILED));
    if (lua_type(stay->L, stay->error_slot) != LUA_TSTRING) return;
    const char *error = lua_tostring(stay->L, stay->error_slot);
    size_t position = position_length(error);
    snprintf(text, size, "%.*s%.*s%s", (int)position, error, known, ctx->message, error + position);
}

/* A callback's error, the object on the stack's top. A text gets what the core knows of the place,
 * "layer 2: neuron 3: ", behind its position. */
static int raise_again(lua_State *L, const nb_ctx *ctx)
{
    size_t known = strlen(ctx->message) - strlen(NBL_CALLBACK_FAILED);
    if (known > 0 && lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tostring(L, -1);
        size_t position = position_length(text);
        lua_pushlstring(L, text, position);
        lua_pushlstring(L, ctx->message, known);
        lua_pushstring(L, text + position);
        lua_concat(L, 3);
    }
    const nbl_state *state = nbl_state_find(L);
    if (state && state->note) {
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, NOTED);
    }
    return lua_error(L);
}

void nbl_set_note(lua_State *L, lua_CFunction note)
{
    nbl_state_get(L)->note = note;
}

bool nbl_was_noted(lua_State *L, int at)
{
    at = lua_absindex(L, at);
    lua_getfield(L, LUA_REGISTRYINDEX, NOTED);
    bool same = !lua_isnil(L, -1) && lua_rawequal(L, -1, at);
    lua_pop(L, 1);
    if (same) lua_pushnil(L);
    if (same) lua_setfield(L, LUA_REGISTRYINDEX, NOTED);
    return same;
}

void nbl_collect_all(lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
}

/* The first shortage of memory is mended, and the job tried again; what else failed is raised. */
static void mend_or_raise(nbl_stay *stay, bool first)
{
    lua_State *L = stay->L;
    nb_ctx *ctx = stay->ctx;
    if (ctx->status == NB_EMEMORY && first) {
        nbl_collect_all(L);
        nb_pool_trim(ctx);
        return;
    }
    end_stay(stay);
    if (ctx->status != NB_ECALLBACK) raise_message(L, ctx);
    lua_settop(L, stay->error_slot);
    raise_again(L, ctx);
}

/* Between the first and the last line of the loop nothing may raise but mend_or_raise. */
void nbl_run(lua_State *L, nbl_job *job, void *data)
{
    nbl_state *state = nbl_state_get(L);
    nb_ctx *ctx = state->ctx;
    state->stays++;
    collect_under_pressure(L, state);
    stress(L, state);
    luaL_checkstack(L, STACK_ROOM, NULL);
    lua_pushnil(L);
    nbl_stay stay = {L, ctx, ctx->host, lua_gettop(L), NULL};
    bool recording = ctx->recording;
    ctx->host = &stay;
    ctx->host_error = say_error;
    for (bool first = true; job(ctx, data) != NB_OK; first = false) {
        ctx->recording = recording;
        mend_or_raise(&stay, first);
    }
    ctx->recording = recording;
    end_stay(&stay);
    lua_settop(L, stay.error_slot - 1);
}

/* ---- The context ---- */

nb_ctx *nbl_ctx(lua_State *L)
{
    return nbl_state_get(L)->ctx;
}

void nbl_push_owner(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, NBL_STATE_KEY);
}

void nbl_set_progress_shower(lua_State *L, const nbl_progress_shower *shower)
{
    nbl_state_get(L)->shower = shower;
}

const nbl_progress_shower *nbl_get_progress_shower(lua_State *L)
{
    return nbl_state_get(L)->shower;
}

int nbl_say(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    const nbl_progress_shower *shower = nbl_get_progress_shower(L);
    bool shown = shower && shower->say;
    if (shown) shower->say(shower->self, text);
    lua_pushboolean(L, shown);
    return 1;
}
