/* Results: tables of our own that print themselves and know which fields they have. One that is
 * asked for a field which no such result has raises an error with the nearest name, as handles do;
 * one that this result lacks is nil. They are plain tables else: fields may be added. So are the
 * tables that stand in them, their parts, which know their fields too and are shown as they are. */
#ifndef NBL_RESULT_H
#define NBL_RESULT_H

#include "lua/nbl.h"

/* A kind of results: one constant. */
typedef struct nbl_result {
    const char *name;    /* of its metatable: "nabla.history" */
    const char *whose;   /* in messages: "a history" */
    lua_CFunction text;  /* __tostring, or NULL: it is shown as a plain table */
    lua_CFunction brief; /* what a table that holds one shows of it, or NULL */
    /* Fields that not every one has, ends with NULL; or NULL. Of parts with their paths,
     * "cures[i].to"; "figures.*": what stands there is not ours, and is left as it is. Lists in a
     * list are one part, "[i]". */
    const char *const *may_lack;
} nbl_result;

/* Makes the table on the stack's top a result, and all in it that has no metatable yet its parts:
 * it is whole before. */
void nbl_dress(lua_State *L, const nbl_result *kind);
/* Pushes the field of the table at `at`, nil where somebody took it away; returns its type. For
 * texts, which must not fail. */
int nbl_own_field(lua_State *L, int at, const char *name);
/* Gives results of a kind methods, with their help under `prefix`. */
void nbl_give_methods(lua_State *L, const nbl_result *kind, const char *prefix,
                      const nbl_entry *entries);
/* For stdlib: (kind, name, function) gives all values of a kind, "nabla.trace layer", a method. */
int nbl_give_method(lua_State *L);
/* For stdlib: (kind, whose, methods or nil, names of fields that may be lacking or nil) gives the
 * function (value, key) that is the __index of results made in Lua, or of a part. Behind a function
 * of Lua that asks it, it is called by pcall, so that its message names no line of ours. */
int nbl_fields(lua_State *L);

#endif
