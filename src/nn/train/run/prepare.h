/* What a step is made from, before it is made: its learning rate, the order of its epoch, the
 * batches with their pieces and weights. */
#ifndef NB_PREPARE_H
#define NB_PREPARE_H

#include "nn/train/run/course.h"

/* Makes trainer->order that of an epoch, from 1. */
nb_status nb_trainer_order(nb_ctx *ctx, nb_trainer *trainer, int64_t epoch);
/* The rate of the step behind what `at` has done; 0 where the optimizer finds its own. */
nb_status nb_trainer_rate(nb_ctx *ctx, nb_trainer *trainer, nb_course *at);
/* Whether a step over n examples takes rows of non-zeros. */
bool nb_takes_rows(const nb_trainer *trainer, int64_t n);
/* The batch behind those that `at` has done. `whole`: to be looked at, with all examples, also
 * where other processes learn from some of them, and no rows of non-zeros. What it holds is given
 * back also after failure. */
nb_status nb_prepare(nb_ctx *ctx, nb_trainer *trainer, const nb_course *at, bool whole,
                     nb_prepared *one);
void nb_prepared_free(nb_ctx *ctx, nb_prepared *one);
/* Of the trainer: what batches are gathered into. */
void nb_trainer_drop_buffers(nb_ctx *ctx, nb_trainer *trainer);

#endif
