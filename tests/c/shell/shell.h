/* A shell for tests of its parts, without a terminal. */
#ifndef SH_TEST_SHELL_H
#define SH_TEST_SHELL_H

#include "shell/session.h"
#include "shell/state.h"

#include <lauxlib.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static sh_shell shell;

static inline int open_shell(void **state)
{
    static sh_options options;
    static char name[] = "nabla", *arguments[] = {name, NULL};
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    options.script = 1;
    if (!sh_shell_open(&shell, &options, 1, arguments)) return -1;
    sh_session_begin(&shell);
    return 0;
}

static inline int close_shell(void **state)
{
    (void)state;
    sh_shell_close(&shell);
    return 0;
}

static inline void run(const char *code)
{
    if (luaL_dostring(shell.L, code) != LUA_OK) fail_msg("%s", lua_tostring(shell.L, -1));
}

/* The linker puts these in the place of malloc and realloc: request number `shortage` and all
 * behind it fail; below 0 none does. */
static long shortage = -1;

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *block, size_t size);

static inline bool runs_short(void)
{
    if (shortage > 0) shortage--;
    return shortage == 0;
}

void *__wrap_malloc(size_t size)
{
    return runs_short() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return size && runs_short() ? NULL : __real_realloc(block, size);
}

#endif
