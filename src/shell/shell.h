/* The shell: what its parts share, and the Lua state's life. */
#ifndef SH_SHELL_H
#define SH_SHELL_H

#include "base/context.h"
#include "shell/options.h"
#include "shell/screen/progress.h"
#include "shell/screen/terminal.h"

#include <lua.h>

#define SH_PROGRAM "nabla"

typedef struct sh_shell {
    lua_State *L;
    nb_ctx *ctx;
    sh_terminal terminal;
    sh_progress progress;
    bool at_prompt;           /* the prompt is open, or about to be */
    bool leaving;             /* .quit was typed */
    bool timing;              /* .time on */
    bool told_locals;         /* how a local at the prompt is kept was said */
    unsigned told_modules;    /* bit i: where sh_modules[i] is since its name was given away */
    int inputs;               /* at the prompt so far */
    struct sh_record *record; /* those that .save writes; record.c knows them */
    size_t records;
    char *edited; /* an input from the editor that waits to be carried out, or NULL */
    void *work;   /* what the function that is about to be called is given; errors.h */
} sh_shell;

/* Opens the Lua state with its libraries and nabla, and sets what the command line asks for. False:
 * the reason was printed. */
bool sh_shell_open(sh_shell *shell, const sh_options *options, int argc, char **argv);
void sh_shell_close(sh_shell *shell);
/* The shell of a Lua state, known to all of its threads. */
sh_shell *sh_shell_of(lua_State *L);
/* Pushes the table of globals; raises when debug.getregistry was used to put another value in its
 * place. */
void sh_push_globals(lua_State *L);

/* The names of the modules that are globals: "tensor" …; ends with NULL. */
extern const char *const sh_modules[];

#endif
