/* Whether somebody started this process as one of several, and the transport to the others: a
 * module of its own, which is loaded then and never else. */
#ifndef NB_LAUNCHER_H
#define NB_LAUNCHER_H

#include "base/processes/peers.h"

/* What the environment says. */
typedef struct nb_launch {
    const char *by;  /* the launcher, in the user's words; NULL: there is none */
    int rank, ranks; /* from 0; as the launcher counts them */
} nb_launch;

nb_launch nb_launcher_look(void);

/* What the module gives: itself by this name. NULL with the reason in `said`. `version` is the
 * program's, and `bytes` what it takes peers to be: a module of other sources may mean something
 * else by them. cores: those that belong to this process where several share a machine. */
typedef nb_peers *nb_peers_open(const char *version, size_t bytes, int *cores,
                                char said[NB_PEERS_SAID]);
#define NB_PEERS_OPEN "nb_mpi_open"

/* Loads the module and meets the others: ctx->peers, and ctx->threads are as many as this process
 * has cores of its own. `folders`, NULL behind the last, are where the module is looked for. Once
 * it has been met the environment does not name the launcher any more: a program that this one
 * starts is alone. NB_EIO: no module, or one of another MPI than the launcher's. */
nb_status nb_launcher_join(nb_ctx *ctx, const nb_launch *launch, const char *const *folders);

#endif
