/* Checkpoints: a run of training in a file, from which it goes on with the same bits. The file is
 * the network's (nn/model.h), so that nb_model_load reads it, and holds beside it, all but the
 * text f64 or of the network's dtype:
 *
 *   run                text: NB_CHECKPOINT_FORMAT, and the optimizer's name behind a space
 *   @run.NAME          a number of nb_course or nb_history (two for seeds: high and low word)
 *   @history.NAME      nb_epoch_fields, a number for every whole epoch; absent before the first
 *   @metric.NAME       of every whole epoch, of the metrics that were asked for
 *   @option.NAME       of the optimizer: as it is now, and as it was when the run began
 *   @state.NAME        the optimizer's vectors
 *   @best.0, @best.1   parameters and figures of the best epoch; absent where none are kept */
#ifndef NB_CHECKPOINT_H
#define NB_CHECKPOINT_H

#include "nn/train/run/trainer.h"

#define NB_CHECKPOINT_FORMAT "nabla run 1"

/* Writes the run as it stands between two steps; the file is the old one or the new one, never
 * half. */
nb_status nb_checkpoint_save(nb_ctx *ctx, const nb_trainer *trainer, const char *path);
/* Takes a trainer before its first step to where the run in the file was. Its options stand, but
 * those of the optimizer that the run changed on its way come from the file. On failure nothing has
 * changed. NB_EFORMAT: no such file of ours, or one of another network; NB_EARG: a run with another
 * optimizer, another set's size, batch, seed, pieces or order. *there = false, and nothing is done,
 * where there is no such file. */
nb_status nb_checkpoint_resume(nb_ctx *ctx, nb_trainer *trainer, const char *path, bool *there);
/* Whether a file can be written there: NB_EIO says why not. */
nb_status nb_checkpoint_try(nb_ctx *ctx, const char *path);

#endif
