/* Which of several processes speaks. */
#include "shell/run/speaker.h"

#include "base/processes/peers.h"
#include "shell/run/interrupt.h"
#include "shell/screen/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    READ_MS = 300, /* for the launcher to pass on what was said: it drops the rest when all end */
    YIELD_MS = 2000,
    RANK_MS = 100,
    RANKS_TOLD = 20
};

static bool is_joint(const nb_peers *peers, const char *text)
{
    return peers->joint[0] && strstr(text, peers->joint);
}

static void wait_ms(long milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
}

/* A fault in the script is met by all; the lowest rank tells it, and ends the others while they
 * wait. */
static void give_way(const nb_peers *peers)
{
    int rank = peers->rank < RANKS_TOLD ? peers->rank : RANKS_TOLD;
    if (rank > 0) wait_ms(YIELD_MS + (long)rank * RANK_MS);
}

static void complain(const sh_shell *shell, const nb_peers *peers, const char *text)
{
    char said[2 * NB_MESSAGE_MAX];
    if (peers->rank == 0) {
        sh_complain(shell, text);
        return;
    }
    snprintf(said, sizeof said, "process %d: ", peers->rank);
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s", text);
    sh_complain(shell, said);
}

void sh_ranks_complain(const sh_shell *shell, const char *text)
{
    nb_peers *peers = shell->ctx ? shell->ctx->peers : NULL;
    if (!peers || peers->gone) {
        if (!peers || peers->rank == 0) sh_complain(shell, text);
        return;
    }
    if (is_joint(peers, text)) {
        if (peers->culprit == peers->rank) complain(shell, peers, text);
        return;
    }
    sh_interrupt_close(); /* a launcher that ends the others does it by SIGTERM */
    give_way(peers);
    complain(shell, peers, text);
    fflush(NULL);
    wait_ms(READ_MS);
    peers->type->abort(peers, EXIT_FAILURE);
}

bool sh_ranks_tell_interrupted(const sh_shell *shell)
{
    const nb_peers *peers = shell->ctx ? shell->ctx->peers : NULL;
    if (!peers) return true;
    return peers->rank == (strcmp(peers->joint, NB_INTERRUPTED) == 0 ? peers->culprit : 0);
}

bool sh_ranks_was_interrupted(const sh_shell *shell, const char *text)
{
    const nb_peers *peers = shell->ctx ? shell->ctx->peers : NULL;
    return peers && strcmp(peers->joint, NB_INTERRUPTED) == 0 && is_joint(peers, text);
}
