/* Arguments that are plain values: option tables, whole numbers, dimensions, indices, paths. */
#include "lua/nbl.h"

#include "base/arith.h"
#include "base/random.h"
#include "nn/notation/notation.h"

#include <string.h>

/* Options are read before the core is entered, but the core's tables write the message. */
static void raise_option(lua_State *L)
{
    nbl_error(L, "%s", nbl_ctx(L)->message);
}

static void wrong_kind(lua_State *L, const nb_option *option)
{
    nb_option_wrong(nbl_ctx(L), option, nbl_describe(L, -1));
    raise_option(L);
}

static void check_set(lua_State *L, nb_status status)
{
    if (status != NB_OK) raise_option(L);
}

static void set_number(lua_State *L, const nb_option *option, void *target)
{
    if (lua_type(L, -1) != LUA_TNUMBER) wrong_kind(L, option);
    check_set(L, nb_option_set(nbl_ctx(L), option, target, lua_tonumber(L, -1)));
}

/* A string without a NUL within, which the core would take for its end. */
static const char *to_word(lua_State *L, const nb_option *option)
{
    size_t length = 0;
    const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (!word || strlen(word) != length) wrong_kind(L, option);
    return word;
}

static void set_word(lua_State *L, const nb_option *option, void *target)
{
    check_set(L, nb_option_set_word(nbl_ctx(L), option, target, to_word(L, option)));
}

/* {3, 5} */
static void set_list(lua_State *L, const nb_option *option, void *target)
{
    double size[NB_SIZES_MAX + 1];
    int count = (int)nb_least_size(lua_rawlen(L, -1), NB_SIZES_MAX + 1);
    for (int i = 0; i < count; i++) {
        if (lua_rawgeti(L, -1, i + 1) != LUA_TNUMBER) wrong_kind(L, option);
        size[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    if (!count) wrong_kind(L, option);
    check_set(L, nb_option_set_sizes(nbl_ctx(L), option, target, count, size));
}

/* 3, {3, 5}, or a word where there are any. */
static void set_sizes(lua_State *L, const nb_option *option, void *target)
{
    if (lua_istable(L, -1))
        set_list(L, option, target);
    else if (option->words && lua_type(L, -1) == LUA_TSTRING)
        set_word(L, option, target);
    else
        set_number(L, option, target);
}

/* The value is on the stack's top and popped, but for NB_HOST, whose values stay. */
static void set_option(lua_State *L, const nb_option *option, void *target)
{
    void *field = (char *)target + option->offset;
    switch (option->kind) {
    case NB_NUMBER:
    case NB_INTEGER:
        set_number(L, option, target);
        break;
    case NB_BOOLEAN:
        if (!lua_isboolean(L, -1)) wrong_kind(L, option);
        *(bool *)field = lua_toboolean(L, -1);
        break;
    case NB_WORD:
        if (lua_type(L, -1) != LUA_TSTRING) wrong_kind(L, option);
        *(const char **)field = lua_tostring(L, -1);
        break;
    case NB_NAME:
    case NB_CHOICE:
        set_word(L, option, target);
        break;
    case NB_SIZES:
        set_sizes(L, option, target);
        break;
    case NB_CHOSEN:
        check_set(L, nb_notation_option(nbl_ctx(L), to_word(L, option), NULL, option, target));
        break;
    case NB_HOST:
        *(int *)field = lua_gettop(L);
        return;
    }
    lua_pop(L, 1);
}

/* Raises unless every key is the name of an option. */
static void check_keys(lua_State *L, int arg, const nb_option *options, bool positional)
{
    lua_pushnil(L);
    for (; lua_next(L, arg); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            const char *name = lua_tostring(L, -2);
            if (nb_option_find(options, name)) continue;
            nb_option_unknown(nbl_ctx(L), options, nbl_push_name(L), name);
            raise_option(L);
        }
        if (!positional || !lua_isinteger(L, -2))
            nbl_error(L, "options are written name = value; there is no name before %s",
                      nbl_describe(L, -1));
    }
}

void nbl_options(lua_State *L, int arg, const nb_option *options, void *target, bool positional)
{
    arg = lua_absindex(L, arg);
    nb_option_defaults(options, target);
    if (lua_isnoneornil(L, arg)) return;
    if (!lua_istable(L, arg))
        nbl_error(L, "options must be a table, not %s: {%s = …}", nbl_describe(L, arg),
                  options->name);
    check_keys(L, arg, options, positional);
    for (const nb_option *option = options; option->name; option++) {
        luaL_checkstack(L, 4, NULL);
        lua_pushstring(L, option->name);
        if (lua_rawget(L, arg) == LUA_TNIL)
            lua_pop(L, 1);
        else
            set_option(L, option, target);
    }
}

int64_t nbl_check_integer(lua_State *L, int arg, const char *what)
{
    int whole = 0;
    int64_t value = 0;
    if (lua_type(L, arg) == LUA_TNUMBER) value = lua_tointegerx(L, arg, &whole);
    if (!whole) nbl_error(L, "%s must be a whole number, not %s", what, nbl_describe(L, arg));
    return value;
}

int64_t nbl_check_index(lua_State *L, int arg, int64_t n, const char *what)
{
    int64_t index = nbl_check_integer(L, arg, what);
    if (index == 0) nbl_error(L, "there is no %s 0; counting starts at 1", what);
    if (index < -n || index > n)
        nbl_error(L, "there is no %s %I; there are %I", what, (LUAI_UACINT)index, (LUAI_UACINT)n);
    return index > 0 ? index - 1 : n + index;
}

int nbl_check_dim(lua_State *L, int arg, int dims)
{
    return (int)nbl_check_index(L, arg, dims, "dimension");
}

uint64_t nbl_check_seed(lua_State *L, int arg)
{
    if (!lua_isnoneornil(L, arg)) return (uint64_t)nbl_check_integer(L, arg, "a seed");
    nb_stream stream = nb_stream_next(nbl_ctx(L), NB_FOR_INIT);
    uint64_t high = nb_random_word(&stream);
    return high << 32 | nb_random_word(&stream);
}

const char *nbl_check_path(lua_State *L, int arg)
{
    size_t length = 0;
    const char *path = lua_type(L, arg) == LUA_TSTRING ? lua_tolstring(L, arg, &length) : NULL;
    if (!path || strlen(path) != length) nbl_arg_error(L, arg, "a path");
    return path;
}
