/* Launchers, and the module that talks to the others. */
#include "base/processes/launcher.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "nabla-mpi.so"

/* How launchers say who a process is. A batch script that Slurm runs has no number of tasks in its
 * step, and is alone; a process that srun started without any MPI is one of several all the same.
 */
static const struct {
    const char *by, *rank, *ranks;
} launchers[] = {
    {"Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"mpirun", "PMI_RANK", "PMI_SIZE"},
    {"mpirun", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
    {"srun", "PMIX_RANK", "SLURM_STEP_NUM_TASKS"},
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
};

enum { LAUNCHERS = sizeof launchers / sizeof *launchers };

/* A whole number from `least` up, or -1. */
static int number_of(const char *name, int least)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text) return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && number >= least && number <= INT_MAX ? (int)number : -1;
}

nb_launch nb_launcher_look(void)
{
    for (int i = 0; i < LAUNCHERS; i++) {
        int rank = number_of(launchers[i].rank, 0), ranks = number_of(launchers[i].ranks, 1);
        if (rank >= 0 && ranks > rank) return (nb_launch){launchers[i].by, rank, ranks};
    }
    return (nb_launch){NULL, 0, 1};
}

static void forget_launchers(void)
{
    for (int i = 0; i < LAUNCHERS; i++) {
        unsetenv(launchers[i].rank);
        unsetenv(launchers[i].ranks);
    }
}

/* The module's function from the first folder that has the file; what is wrong with one that is
 * there is told. */
static nb_peers_open *load(nb_ctx *ctx, const nb_launch *launch, const char *const *folders)
{
    char path[PATH_MAX];
    for (; *folders; folders++) {
        if (snprintf(path, sizeof path, "%s/" MODULE, *folders) >= (int)sizeof path) continue;
        if (access(path, F_OK) != 0) continue;
        /* MPICH's UCX prints a page of calls where a process was killed; the launcher says it. */
        setenv("UCX_HANDLE_ERRORS", "none", 0);
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        nb_peers_open *open = NULL;
        if (module) *(void **)&open = dlsym(module, NB_PEERS_OPEN);
        if (!open) nb_fail(ctx, NB_EIO, "the MPI module cannot be loaded: %s", dlerror());
        return open;
    }
    nb_fail(ctx, NB_EIO,
            "%s started this as one of %d processes, and there is no MPI module (" MODULE
            "): nabla was built without it; on Debian: apt-get install libmpich-dev mpich, then "
            "configure and build anew",
            launch->by, launch->ranks);
    return NULL;
}

/* A library that was not met by its own launcher thinks that it is alone. */
static nb_status check_number(nb_ctx *ctx, const nb_launch *launch, const nb_peers *peers)
{
    if (peers->ranks == launch->ranks) return NB_OK;
    return nb_fail(ctx, NB_EIO,
                   "%s started %d processes and %s knows of %d: there are two MPI libraries, the "
                   "launcher's and the one that nabla was built with; use the mpirun that belongs "
                   "to that one (mpirun.mpich or mpirun.openmpi on Debian; srun --mpi=pmi2)",
                   launch->by, launch->ranks, peers->type->name, peers->ranks);
}

nb_status nb_launcher_join(nb_ctx *ctx, const nb_launch *launch, const char *const *folders)
{
    char said[NB_PEERS_SAID] = "";
    int cores = ctx->threads;
    nb_peers_open *open = load(ctx, launch, folders);
    if (!open) return ctx->status;
    nb_peers *peers = open(NB_VERSION, sizeof *ctx->peers, &cores, said);
    if (!peers) return nb_fail(ctx, NB_EIO, "the MPI module cannot be used: %s", said);
    nb_status status = check_number(ctx, launch, peers);
    if (status != NB_OK) return status;
    forget_launchers();
    ctx->peers = peers;
    if (cores < ctx->threads) ctx->threads = cores > 1 ? cores : 1;
    return NB_OK;
}
