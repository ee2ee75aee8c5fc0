/* Frames, as of a film: all that a run changes, at one moment, but its history, of which a frame
 * has so many entries from the first on. */
#ifndef NB_FRAME_H
#define NB_FRAME_H

#include "nn/train/glass/said.h"
#include "nn/train/run/trainer.h"

typedef struct nb_frame {
    nb_tensor *net[NB_NET_STATE];
    nb_tensor *best[NB_NET_STATE]; /* or NULL, as the trainer's */
    nb_optimizer optimizer;
    nb_course course;
    double factor; /* of the rate in epoch `factored` */
    int64_t factored;
    int64_t epochs, examples, took; /* of the history: entries, trained on, best */
    nb_said *said;
    size_t bytes; /* that were taken for it */
} nb_frame;

/* What the trainer is now; the layers say `said` (one more reference). What is as in `like`,
 * another frame of the run or NULL, is shared with it. */
nb_frame *nb_frame_take(nb_ctx *ctx, const nb_trainer *trainer, nb_said *said,
                        const nb_frame *like);
/* Gives it back, and returns the bytes that this frees. NULL is allowed. */
size_t nb_frame_free(nb_ctx *ctx, nb_frame *frame);
/* Brings the trainer there, on failure nothing has changed. Its history must hold what the frame's
 * has. */
nb_status nb_frame_put(nb_ctx *ctx, nb_trainer *trainer, const nb_frame *frame);

/* A way back that cannot fail. */
typedef struct nb_return {
    nb_frame *frame;
    nb_saying saying;
} nb_return;
/* To what the trainer is now. */
nb_status nb_return_ready(nb_ctx *ctx, nb_return *back, const nb_trainer *trainer);
/* Goes there, and ends it. */
void nb_return_take(nb_ctx *ctx, nb_return *back, nb_trainer *trainer);
void nb_return_drop(nb_ctx *ctx, nb_return *back);

#endif
