/* The shell: what its parts share. */
#ifndef SH_SHELL_H
#define SH_SHELL_H

#include "base/context.h"
#include "shell/run/heap.h"
#include "shell/screen/progress.h"
#include "shell/screen/terminal.h"

#include <lua.h>

#define SH_PROGRAM "nabla"

typedef struct sh_shell {
    lua_State *L;
    nb_ctx *ctx;
    sh_heap heap; /* Lua's memory */
    sh_terminal terminal;
    sh_progress progress;
    bool at_prompt;           /* the prompt is open, or about to be */
    bool leaving;             /* .quit was typed */
    bool timing;              /* .time on */
    bool told_locals;         /* how a local at the prompt is kept was said */
    unsigned told_modules;    /* bit i: where sh_modules[i] is since its name was given away */
    int inputs;               /* at the prompt so far */
    int failed_line;          /* of the input that failed last, on which it did; 0: none of its */
    struct sh_record *record; /* those that .save writes; record.c knows them */
    size_t records;
    char *edited; /* an input from the editor that waits to be carried out, or NULL */
    void *work;   /* what the function that is about to be called is given; run/call.h */
} sh_shell;

/* The shell of a Lua state, known to all of its threads. */
static inline sh_shell *sh_shell_of(lua_State *L)
{
    return *(sh_shell **)lua_getextraspace(L);
}

#endif
