/* The lists of names that the nearest is chosen from. */
#include "lua/names.h"

#include "base/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYS_MAX = 64,   /* fields beyond are not proposed */
    FEW = 8,         /* so many are listed where none is near, */
    LINE_MOST = 140, /* or as many as stand in so many letters */
    LIST_ROOM = 512
};

int nbl_unknown_name(lua_State *L, const char *what, const char *name, nb_name_at *names)
{
    nb_unknown(nbl_ctx(L), what, name, names, NULL);
    return nbl_error(L, "%s", nbl_ctx(L)->message);
}

/* Names that may be meant; those of them that are there come first, in the order of their letters.
 */
typedef struct key_list {
    const char *key[KEYS_MAX + 1]; /* ends with NULL */
    int count, there;
    bool whole; /* holds all of them */
} key_list;

static const char *key_at(const void *data, size_t i)
{
    return ((const key_list *)data)->key[i];
}

static void add_key(key_list *list, const char *key)
{
    if (list->count == KEYS_MAX)
        list->whole = false;
    else
        list->key[list->count++] = key;
}

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the keys from `first` on; each stands there once. */
static void sort_keys(key_list *list, int first)
{
    int kept = first;
    qsort(&list->key[first], (size_t)(list->count - first), sizeof *list->key, by_letters);
    for (int i = first; i < list->count; i++)
        if (i == first || strcmp(list->key[i], list->key[kept - 1]) != 0)
            list->key[kept++] = list->key[i];
    list->count = kept;
    list->key[kept] = NULL;
}

/* Keys of the table whose values are true, or not. */
static void add_keys(lua_State *L, key_list *list, int table, bool there)
{
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && lua_toboolean(L, -1) == there)
            add_key(list, lua_tostring(L, -2));
}

/* "; it has best, cost and epochs", or "" where they are many. */
static void list_names(const key_list *list, char out[LIST_ROOM])
{
    size_t used = (size_t)snprintf(out, LIST_ROOM, "; it has ");
    for (int i = 0; i < list->there && used < LIST_ROOM; i++) {
        const char *between = i == 0 ? "" : i == list->there - 1 ? " and " : ", ";
        used += (size_t)snprintf(out + used, LIST_ROOM - used, "%s%s", between, list->key[i]);
    }
    bool few = list->there <= FEW || used <= LINE_MOST;
    if (!list->whole || list->there == 0 || !few || used >= LIST_ROOM) out[0] = '\0';
}

/* Raises what a name of other tools is here. */
static void refuse_foreign(lua_State *L, const char *whose, const char *word)
{
    const nb_foreign *foreign = nb_foreign_find(NB_FOREIGN_NAME, word);
    if (foreign)
        nbl_error(L, "%s has no field '%s'; here that is %s", whose, foreign->word, foreign->here);
}

int nbl_unknown_field(lua_State *L, const char *whose, int key, int table,
                      const char *const *fields)
{
    key_list list = {.whole = true};
    char all[LIST_ROOM];
    const char *word = lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : NULL;
    if (word) refuse_foreign(L, whose, word);
    luaL_checktype(L, table, LUA_TTABLE);
    for (; fields && *fields; fields++) add_key(&list, *fields);
    add_keys(L, &list, table, true);
    sort_keys(&list, 0);
    list.there = list.count;
    add_keys(L, &list, table, false);
    sort_keys(&list, list.there);
    const char *here = word ? nb_foreign_in(NB_FOREIGN_OPTION, word, key_at, &list) : NULL;
    const char *nearest = word ? nb_nearest(word, key_at, &list) : NULL;
    const char *name = nbl_describe(L, key);
    if (here) return nbl_error(L, "%s has no field %s; here that is '%s'", whose, name, here);
    bool other = nearest && strcmp(nearest, word) != 0;
    if (other) return nbl_error(L, "%s has no field %s; did you mean '%s'?", whose, name, nearest);
    list_names(&list, all);
    return nbl_error(L, "%s has no field %s%s", whose, name, all);
}

/* ---- What stands elsewhere ---- */

/* Whether the table at 1 has the field that is told as "h.test", and something in it. */
static bool has_told(lua_State *L, const char *here)
{
    const char *dot = strrchr(here, '.');
    if (!lua_istable(L, 1) || !dot || !nb_is_name(dot + 1)) return false;
    lua_pushstring(L, dot + 1);
    int type = lua_rawget(L, 1);
    bool has = type != LUA_TNIL && (type != LUA_TTABLE || lua_rawlen(L, -1) > 0);
    lua_pop(L, 1);
    return has;
}

/* Pushes where the field "net.w" is told to stand: of several places those that the value at 1 has,
 * and where it has none of them the last. False, nothing pushed: nowhere. */
static bool push_told(lua_State *L, const char *field)
{
    const nb_foreign *entry;
    const char *last = NULL, *has = NULL;
    int top = lua_gettop(L);
    for (size_t i = 0; (entry = nb_foreign_at(i)); i++) {
        if (entry->kind != NB_FOREIGN_FIELD || strcmp(entry->word, field) != 0) continue;
        last = entry->here;
        if (!has_told(L, last)) continue;
        has = has ? lua_pushfstring(L, "%s or %s", has, last) : last;
    }
    if (last) lua_pushstring(L, has ? has : last);
    if (last) lua_insert(L, top + 1);
    lua_settop(L, last ? top + 1 : top);
    return last;
}

void nbl_look_elsewhere(lua_State *L, const char *kind, const char *whose, int key)
{
    if (lua_type(L, key) != LUA_TSTRING) return;
    const char *name = lua_tostring(L, key);
    const char *own = lua_pushfstring(L, "%s.%s", kind, name);
    const char *any = lua_pushfstring(L, "any.%s", name);
    if (push_told(L, own) || push_told(L, any))
        nbl_error(L, "%s has no field '%s'; here that is %s", whose, name, lua_tostring(L, -1));
    lua_pop(L, 2);
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
