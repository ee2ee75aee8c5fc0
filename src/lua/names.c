/* The lists of names that the nearest is chosen from. */
#include "lua/names.h"

#include "base/foreign.h"

#include <string.h>

enum { KEYS_MAX = 64 }; /* fields beyond are not proposed */

int nbl_unknown_name(lua_State *L, const char *what, const char *name, nb_name_at *names)
{
    nb_unknown(nbl_ctx(L), what, name, names, NULL);
    return nbl_error(L, "%s", nbl_ctx(L)->message);
}

typedef struct key_list {
    const char *key[KEYS_MAX + 1]; /* ends with NULL */
} key_list;

static const char *key_at(const void *data, size_t i)
{
    return ((const key_list *)data)->key[i];
}

int nbl_unknown_field(lua_State *L, const char *whose, int key, int table,
                      const char *const *fields)
{
    key_list list = {{NULL}};
    int count = 0;
    const nb_foreign *foreign = lua_type(L, key) == LUA_TSTRING
                                    ? nb_foreign_find(NB_FOREIGN_NAME, lua_tostring(L, key))
                                    : NULL;
    if (foreign)
        return nbl_error(L, "%s has no field '%s'; here that is %s", whose, foreign->word,
                         foreign->here);
    for (; fields && *fields && count < KEYS_MAX; fields++) list.key[count++] = *fields;
    luaL_checktype(L, table, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        if (count < KEYS_MAX && lua_type(L, -1) == LUA_TSTRING)
            list.key[count++] = lua_tostring(L, -1);
    }
    const char *word = lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : NULL;
    const char *here = word ? nb_foreign_in(NB_FOREIGN_OPTION, word, key_at, &list) : NULL;
    const char *nearest = word ? nb_nearest(word, key_at, &list) : NULL;
    const char *name = nbl_describe(L, key);
    if (here) return nbl_error(L, "%s has no field %s; here that is '%s'", whose, name, here);
    bool other = nearest && strcmp(nearest, word) != 0;
    if (!other) return nbl_error(L, "%s has no field %s", whose, name);
    return nbl_error(L, "%s has no field %s; did you mean '%s'?", whose, name, nearest);
}

/* What field `name` of a kind is here, or NULL. */
static const nb_foreign *field_of(lua_State *L, const char *kind, const char *name)
{
    const nb_foreign *entry =
        nb_foreign_find(NB_FOREIGN_FIELD, lua_pushfstring(L, "%s.%s", kind, name));
    lua_pop(L, 1);
    return entry;
}

void nbl_look_elsewhere(lua_State *L, const char *kind, const char *whose, int key)
{
    if (lua_type(L, key) != LUA_TSTRING) return;
    const char *name = lua_tostring(L, key);
    const nb_foreign *entry = field_of(L, kind, name);
    if (!entry) entry = field_of(L, "any", name);
    if (entry) nbl_error(L, "%s has no field '%s'; here that is %s", whose, name, entry->here);
}

const char *nbl_check_text(lua_State *L, int arg)
{
    size_t length;
    const char *text = lua_tolstring(L, arg, &length);
    if (strlen(text) != length)
        nbl_error(L, "'%s' is followed by a NUL (\\0), which ends no text", text);
    return text;
}

const char *nbl_key(lua_State *L)
{
    return lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
}
