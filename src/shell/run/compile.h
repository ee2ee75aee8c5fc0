/* From text to a Lua function: expressions need no `return`, unfinished input is told from wrong
 * input, and a syntax error knows its place. */
#ifndef SH_COMPILE_H
#define SH_COMPILE_H

#include <lua.h>
#include <stddef.h>

typedef enum sh_compiled {
    SH_WHOLE,      /* the function is on the stack's top */
    SH_UNFINISHED, /* nothing is */
    SH_WRONG       /* the message is; it may have several lines */
} sh_compiled;

/* Compiles `source` as the chunk `name`. *shown, where it is not NULL, becomes the place from which
 * a whole source is an expression whose values are given; its length where there is none. May raise
 * when memory ends. */
sh_compiled sh_compile(lua_State *L, const char *source, const char *name, size_t *shown);
/* Pushes a line break, the source line with the place, and a mark below it. */
void sh_push_mark(lua_State *L, const char *source, const char *place);

#endif
