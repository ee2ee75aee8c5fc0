/* Tasks spread over copies of this process (fleet.h) and, under a launcher, of all its processes
 * (peers.h), which all make the same calls and get the same answers in the same order. */
#ifndef NB_CONVOY_H
#define NB_CONVOY_H

#include "base/processes/fleet.h"
#include "base/processes/peers.h"

typedef struct nb_convoy_plan {
    int64_t tasks;
    /* What must be alike in all processes: digests, with a name for each; NULL: nothing. */
    const uint64_t *digest; /* NB_PEERS_DIGESTS */
    const char *const *names;
    const char *what; /* for nb_tell; NULL: nobody is told */
    nb_fleet_work *work;
    void *self;
} nb_convoy_plan;

typedef struct nb_convoy nb_convoy;

/* NULL with NB_EMEMORY. */
nb_convoy *nb_convoy_new(nb_ctx *ctx, const nb_convoy_plan *plan);
/* NULL is allowed. Ends the copies that are left. */
void nb_convoy_free(nb_convoy *convoy);
/* Waits for the next answer; its text stands until the next call. Task -1: all have come. On any
 * failure, of another process too, no copy is left behind; but after NB_EMEMORY, where this is the
 * only process, it can be called again. */
nb_status nb_convoy_next(nb_convoy *convoy, nb_fleet_answer *out);

#endif
