/* Where completion finds its candidates: globals, members of values, and the book of help.
 * Everything is read raw. A member that cannot be read without running code is known by its type's
 * name in the book. */
#ifndef SH_MEMBERS_H
#define SH_MEMBERS_H

#include "shell/run/tokens.h"
#include "shell/complete/candidates.h"

#include <lua.h>

/* What a chain of names has come to. */
typedef struct sh_member {
    int value;        /* its place on the stack, 0 when only the type is known */
    const char *type; /* in the book of help: "net", "layer"; NULL for others */
} sh_member;

/* Steps along a chain; false: nothing is known behind it. They leave values on the stack. */
bool sh_member_global(lua_State *L, sh_member *m, const sh_token *name);
bool sh_member_field(lua_State *L, sh_member *m, const sh_token *name);
/* literal: the number or string between the brackets, NULL when it is something else. */
bool sh_member_index(lua_State *L, sh_member *m, const sh_token *literal);
/* What a call gives is only known by the last field's name. */
bool sh_member_call(lua_State *L, sh_member *m);

/* Each adds the candidates that begin with `prefix`. */
void sh_list_globals(lua_State *L, sh_completion *to, const char *prefix);
/* method: what may stand behind a ":". */
void sh_list_members(lua_State *L, sh_completion *to, const sh_member *m, bool method,
                     const char *prefix);
void sh_list_options(lua_State *L, sh_completion *to, const sh_token *function, const char *prefix);
/* Names of the book; kinds: words between blanks, NULL for all of them. */
void sh_list_kinds(lua_State *L, sh_completion *to, const char *kinds, const char *prefix);
/* What help can be asked for: names of the book, whole and without what they belong to. */
void sh_list_topics(lua_State *L, sh_completion *to, const char *prefix);
/* The prompt's commands. */
void sh_list_commands(sh_completion *to, const char *prefix);
/* What require finds. */
void sh_list_modules(lua_State *L, sh_completion *to, const char *prefix);

#endif
