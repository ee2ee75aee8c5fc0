/* One of several processes. */
#define _GNU_SOURCE
#include "shell/run/ranks.h"

#include "base/processes/launcher.h"
#include "base/workers.h"
#include "shell/run/interrupt.h"
#include "shell/screen/say.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the module stands in the tree that it was built in, from the program's folder. */
#define BUILT "/src/mpi"

/* ---- Joining --------------------------------------------------------------------------------- */

/* What all have met the first tells; launchers end all where one fails, so the others wait for it.
 */
static bool tell_first(const sh_shell *shell, const nb_launch *launch, const char *text)
{
    if (launch->rank == 0)
        sh_complain(shell, text);
    else
        sleep(2);
    return false;
}

static bool refuse(const sh_shell *shell, const nb_launch *launch, const char *why)
{
    char text[NB_MESSAGE_MAX];
    snprintf(text, sizeof text, "%s started %d %s of nabla, %s: mpirun -n 4 nabla train.lua",
             launch->by, launch->ranks, launch->ranks == 1 ? "process" : "processes", why);
    return tell_first(shell, launch, text);
}

/* The folder of the program's file; empty where the system does not say. */
static void find_built(char *folder, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", folder, size - sizeof BUILT);
    folder[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)n == size - sizeof BUILT)
        folder[0] = '\0';
    else
        memcpy(slash, BUILT, sizeof BUILT);
}

/* Others print nothing: neither print nor io.write, nor what the script starts. Nor do they read:
 * what a launcher gives them is a pipe that nobody writes into and, at MPICH's, nobody closes. */
static void be_silent(sh_shell *shell)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    fflush(stdout);
    if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDIN_FILENO) >= 0)
        close(nowhere);
    sh_terminal_look(&shell->terminal);
    lua_setwarnf(shell->L, NULL, NULL);
}

/* os.exit, which leaves the others first. */
static int leave_and_exit(lua_State *L)
{
    sh_shell *shell = sh_shell_of(L);
    int arguments = lua_gettop(L);
    sh_ranks_leave(shell, SH_OK);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, arguments, 0);
    return 0;
}

static int guard_exit(lua_State *L)
{
    lua_getglobal(L, "os");
    lua_getfield(L, -1, "exit");
    lua_pushcclosure(L, leave_and_exit, 1);
    lua_setfield(L, -2, "exit");
    return 0;
}

bool sh_ranks_join(sh_shell *shell, const sh_options *options, sh_running what)
{
    char built[PATH_MAX];
    const char *const folders[] = {built, NB_MODULES, NULL};
    nb_launch launch = nb_launcher_look();
    if (!launch.by) return true;
    if (what == SH_RUNS_PROMPT)
        return refuse(shell, &launch, "and a prompt has no place there; give them a script");
    if (what == SH_RUNS_INPUT && launch.ranks > 1)
        return refuse(shell, &launch,
                      "and standard input comes to the first alone; give them a script in a file");
    find_built(built, sizeof built);
    if (nb_launcher_join(shell->ctx, &launch, folders) != NB_OK)
        return tell_first(shell, &launch, shell->ctx->message);
    /* The share of a process is for those who do not say. */
    if (options->has_threads) nb_set_threads(shell->ctx, options->threads);
    sh_interrupt_launched();
    if (!nb_is_first(shell->ctx)) be_silent(shell);
    sh_terminal_passed_on(&shell->terminal);
    lua_pushcfunction(shell->L, guard_exit);
    return sh_call(shell, 0, 0) == SH_OK;
}

/* ---- Leaving --------------------------------------------------------------------------------- */

/* Others may still begin to train, each time with an error; what came of a transport that fails is
 * its launcher's matter. */
static void wait_for_all(nb_ctx *ctx, nb_status status)
{
    status = nb_peers_share(ctx, NB_PEERS_LEAVE, 0, status);
    while (status != NB_OK && status != NB_EIO)
        status = nb_peers_share(ctx, NB_PEERS_LEAVE, 0, NB_OK);
}

void sh_ranks_leave(sh_shell *shell, sh_status status)
{
    nb_peers *peers = shell->ctx ? shell->ctx->peers : NULL;
    if (!peers || peers->gone) return;
    fflush(NULL);
    if (status == SH_STOPPED) nb_fail(shell->ctx, NB_EINTERRUPT, NB_INTERRUPTED);
    wait_for_all(shell->ctx, status == SH_STOPPED ? NB_EINTERRUPT : NB_OK);
    peers->gone = true;
    peers->type->end(peers);
}
