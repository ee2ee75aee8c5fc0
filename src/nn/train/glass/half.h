/* A step that is half done: its batch goes forward through the layers and back through them, stop
 * by stop, then comes the update. Nothing may change meanwhile, so the whole pass is run at the
 * first stop, as training runs it, and each stop says what is known of it by then. */
#ifndef NB_HALF_H
#define NB_HALF_H

#include "nn/inspect/trace.h"
#include "nn/train/run/trainer.h"

/* When what is known of a place: numbers of stops, from 1. */
typedef struct nb_known {
    int forward; /* z and a */
    int back;    /* δ */
    int *grad;   /* of its parameters, as many as the trace has: gradients add over all places, so
                    at the last one that is gone back through */
} nb_known;

typedef struct nb_half {
    nb_trainer *trainer; /* borrowed */
    nb_step step;
    int64_t part; /* which of its batches, from 0 */
    nb_trace trace;
    int at;          /* the stop, from 1; forward through all places, then back through all */
    nb_known *known; /* a list of the trace's places */
    int *place;      /* places in the order in which forward is done with them: what stands in a
                        block comes before it */
    int places;
} nb_half;

/* At the first stop of the trainer's next step; NULL: NB_EARG as nb_trainer_prepare. */
nb_half *nb_half_new(nb_ctx *ctx, nb_trainer *trainer);
/* NULL is allowed. What is not finished has never been. */
void nb_half_free(nb_ctx *ctx, nb_half *half);
/* Whether nothing but the update is left. */
bool nb_half_is_last(const nb_half *half);
/* To the next stop, which may be the first of the next batch; not from the last. On failure it
 * stays where it is. */
nb_status nb_half_next(nb_ctx *ctx, nb_half *half);
/* The update, from wherever it stands: the bits of nb_trainer_step. `make` makes the step, as
 * nb_trainer_make does. On failure it stays there. */
typedef nb_status nb_half_maker(nb_ctx *ctx, void *self, const nb_step *step);
nb_status nb_half_finish(nb_ctx *ctx, nb_half *half, nb_half_maker *make, void *self);
/* The place that the stop is at, from 0; whether it goes back by then; and its path, "3.1". */
int nb_half_place(const nb_half *half);
bool nb_half_is_back(const nb_half *half);
const char *nb_half_path(const nb_half *half, char text[NB_PATH_MAX]);

#endif
