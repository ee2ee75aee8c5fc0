/* A run of training as an object: it makes steps. The loop over epochs (nb_train) stands on it, as
 * do snapshots, which take it back to where it was, and whatever else stops and goes on. */
#ifndef NB_TRAINER_H
#define NB_TRAINER_H

#include "nn/train/run/prepare.h"

/* A trainer before its first step. It keeps net and sets, and the network takes the set's schema
 * over, which it gives back where no step is made. NB_EARG, NB_ESHAPE: options out of range,
 * a set whose examples do not fit the net, an optimizer that serves another network. */
nb_trainer *nb_trainer_new(nb_ctx *ctx, nb_net *net, nb_set *set,
                           const nb_trainer_options *options);
/* NULL is allowed. */
void nb_trainer_free(nb_ctx *ctx, nb_trainer *trainer);

/* The next batch, or the next so many that make a step; *cost: their own, before the update. After
 * the last batch of an epoch a step ends that epoch, where nobody has, and begins the next. On any
 * failure nothing has changed, and trying again gives the same bits; NB_EVALUE names epoch, batch
 * and layer (or "cost"). */
nb_status nb_trainer_step(nb_ctx *ctx, nb_trainer *trainer, double *cost);
/* The same in two halves. Prepared until the trainer moves otherwise; NB_EARG for an optimizer that
 * works on the whole set: it has no batch. Made with the bits of nb_trainer_step; the step stays as
 * it is, also on failure, when the same call again gives the same bits. */
nb_status nb_trainer_prepare(nb_ctx *ctx, nb_trainer *trainer, nb_step *step);
nb_status nb_trainer_make(nb_ctx *ctx, nb_trainer *trainer, const nb_step *step, double *cost);
void nb_step_free(nb_ctx *ctx, nb_step *step);
/* Brings the network to what everybody else sees, where steps that nobody saw left it turned. */
void nb_trainer_settle(nb_trainer *trainer);
/* Evaluates valid and test and writes the history's entry, once all batches of an epoch are done;
 * otherwise, and the second time, it does nothing. */
nb_status nb_trainer_end_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* The rest of the epoch under way, or a new one; ends it. */
nb_status nb_trainer_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* Whether a batch can be cut into so many pieces, one at least for each process. */
nb_status nb_trainer_check_pieces(nb_ctx *ctx, int64_t pieces);
/* Between epochs: the last is whole, or there was none. */
bool nb_trainer_is_whole(const nb_trainer *trainer);
/* Whether patience is at its end: so many epochs in a row had no lower cost on valid. */
bool nb_trainer_is_done(const nb_trainer *trainer);
/* Puts the parameters (and running figures) of the epoch with the lowest cost on valid into the
 * network, where the trainer keeps them: with patience, once an epoch has ended. */
void nb_trainer_take_best(nb_trainer *trainer);
/* Ends an epoch whose batches are done as it ended before: its entry still stands in the history,
 * behind the last one. Nothing is evaluated. */
nb_status nb_trainer_recall_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* Updates so far: batches, but of those that make a step together one. */
int64_t nb_course_updates(const nb_course *at);
/* The mean cost of the epoch's batches so far. */
double nb_course_cost(const nb_course *at);
/* Since the run began. */
double nb_trainer_seconds(const nb_trainer *trainer);

#endif
