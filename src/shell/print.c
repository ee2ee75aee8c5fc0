/* print as Lua has it, but for values whose text has several lines: tensors, networks, traces stand
 * on lines of their own, where Lua would put a tab between the last line of one and the first of
 * the next. Strings, also those with lines, and numbers are printed as everywhere. */
#include "shell/print.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int print(lua_State *L)
{
    int count = lua_gettop(L);
    bool had_lines = false;
    for (int i = 1; i <= count; i++) {
        size_t length;
        bool word = lua_type(L, i) == LUA_TSTRING;
        const char *text = luaL_tolstring(L, i, &length);
        bool has_lines = !word && memchr(text, '\n', length);
        if (i > 1) fputc(had_lines || has_lines ? '\n' : '\t', stdout);
        fwrite(text, 1, length, stdout);
        had_lines = has_lines;
        lua_pop(L, 1);
    }
    fputc('\n', stdout);
    fflush(stdout);
    return 0;
}

void sh_print_open(lua_State *L)
{
    lua_pushcfunction(L, print);
    lua_setglobal(L, "print");
}
