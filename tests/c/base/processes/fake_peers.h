/* Processes that talk through sockets, for tests of what several do, without a launcher. */
#ifndef NB_TEST_FAKE_PEERS_H
#define NB_TEST_FAKE_PEERS_H

#include "base/processes/peers.h"

enum { FAKE_PEERS_MOST = 16, FAKE_PEERS_SECONDS = 120 };

/* Forks `ranks` children. Each has a context of its own whose peers are the others (with one, too),
 * runs `body`, and gives back all memory. A body says false, and prints why, where it is not
 * content. True if all were; a hang is none. Nothing of `arg` comes back: what bodies tell each
 * other they tell through messages, or through memory that they share. */
bool fake_peers_run(int ranks, bool (*body)(nb_ctx *ctx, void *arg), void *arg);

#endif
