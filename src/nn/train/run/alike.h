/* What processes that train together must have alike: each says what it has in a digest, and where
 * one differs none of them begins. */
#ifndef NB_ALIKE_H
#define NB_ALIKE_H

#include "nn/train/run/trainer.h"

/* What a loop has beside its trainer. */
typedef struct nb_alike {
    int64_t epochs;
    bool on_batch, on_epoch, flow;
    bool kept; /* in a checkpoint, after so many epochs or seconds */
    int64_t every_epochs;
    double every_seconds;
} nb_alike;

/* At a run's beginning, with this process's status; gives the same in all. NB_EARG: "the seed of
 * the run differs between process 0 and process 2". Alone it is the status that is given. */
nb_status nb_alike_check(nb_ctx *ctx, const nb_trainer *trainer, const nb_alike *loop,
                         nb_status status);

/* Later in it, with this process's status: all have stopped, or none, and, behind an epoch, all
 * still have the same network, rate and parameters, whatever functions of the host have changed. */
nb_status nb_alike_still(nb_ctx *ctx, nb_trainer *trainer, bool stopped, bool epoch,
                         nb_status status);

#endif
