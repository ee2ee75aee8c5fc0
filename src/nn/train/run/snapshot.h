/* Snapshots: a run of training as it was at one moment, to go back to. */
#ifndef NB_SNAPSHOT_H
#define NB_SNAPSHOT_H

#include "nn/train/run/trainer.h"

/* All that a run has changed, at one moment. */
typedef struct nb_snapshot {
    nb_tensor *net[NB_NET_STATE];
    nb_tensor *best[NB_NET_STATE]; /* or NULL, as the trainer's */
    nb_optimizer optimizer;        /* options and state */
    nb_course course;
    nb_history history;
} nb_snapshot;

/* An empty one, to be filled. */
nb_snapshot *nb_snapshot_new(nb_ctx *ctx);
nb_snapshot *nb_trainer_save(nb_ctx *ctx, const nb_trainer *trainer);
/* Puts a trainer where another (or it) was when it was saved: what it does then has the same bits.
 * On failure nothing has changed; NB_EARG: a snapshot of another network, optimizer or set. */
nb_status nb_trainer_restore(nb_ctx *ctx, nb_trainer *trainer, const nb_snapshot *snapshot);
/* NULL is allowed. */
void nb_snapshot_free(nb_ctx *ctx, nb_snapshot *snapshot);

#endif
