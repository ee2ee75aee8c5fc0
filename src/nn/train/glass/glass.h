/* A run of training that stops wherever its user likes, and can be gone back in. Where it stands is
 * the number of its updates. Going anywhere is a frame before (reel.h) and steps made again, which
 * have the same bits; what was changed by hand or by callbacks at a stop is found, kept and changed
 * again, and callbacks are not called a second time. After going back the record ahead stays until
 * something is changed: then the run goes another way from there.
 *
 * What depends on functions of the host that are no function of their arguments (augment with
 * chance of its own, say) is not made again with the same bits. */
#ifndef NB_GLASS_H
#define NB_GLASS_H

#include "nn/train/glass/pane.h"

typedef struct nb_glass_options {
    nb_train_options train; /* copied; what it points to is borrowed for the run's life */
    size_t memory;          /* bytes of the record; 0: NB_REEL_BYTES */
    double share;           /* of the training's time; 0: NB_REEL_SHARE */
} nb_glass_options;

/* A run before its first step, or where the file of keeping.resume left it. */
nb_glass *nb_glass_new(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_glass_options *options);
/* NULL is allowed. */
void nb_glass_free(nb_ctx *ctx, nb_glass *glass);

/* Updates behind it; the first and the last that it can be taken to. */
int64_t nb_glass_at(const nb_glass *glass);
int64_t nb_glass_first(const nb_glass *glass);
int64_t nb_glass_last(const nb_glass *glass);
/* Updates that the end of an epoch has behind it, epochs counted from 1. */
int64_t nb_glass_epoch_end(const nb_glass *glass, int64_t epoch);

/* All that follow first look for what was changed since the run stopped. NB_EARG, and nothing is
 * done: layers were replaced, or the dtype changed; once for each time: the network, its optimizer
 * learned elsewhere, or the set's numbers were changed: the same call again goes on with that. */

/* To a step ahead: recorded ones are made again, others are made, unless a hook asks to stop before
 * (loop.stop) or the optimizer has nothing to do. On failure, as by Ctrl-C, the run stands at its
 * last whole step. */
nb_status nb_glass_go(nb_ctx *ctx, nb_glass *glass, int64_t step);
/* In two halves: what stands before the next step is done, so that the trainer can prepare it; and
 * it is made from that. */
nb_status nb_glass_ready(nb_ctx *ctx, nb_glass *glass);
nb_status nb_glass_make(nb_ctx *ctx, nb_glass *glass, const nb_step *step);
/* The rest of the epoch, or a new one. */
nb_status nb_glass_epoch(nb_ctx *ctx, nb_glass *glass);
/* All epochs that the run has before it; then the checkpoint that is asked for and, with patience,
 * the best epoch's parameters. */
nb_status nb_glass_run(nb_ctx *ctx, nb_glass *glass);
/* To any step of the record. NB_EARG where it has none such. On failure nothing has changed. */
nb_status nb_glass_seek(nb_ctx *ctx, nb_glass *glass, int64_t step);
/* n steps back; 0: to what the run left or had changed, and all that was done since goes, without
 * looking. */
nb_status nb_glass_back(nb_ctx *ctx, nb_glass *glass, int64_t n);
/* Looks alone: what was changed becomes part of the record. */
nb_status nb_glass_look(nb_ctx *ctx, nb_glass *glass);
/* A checkpoint of the run as it stands, from which net:train goes on. */
nb_status nb_glass_save(nb_ctx *ctx, nb_glass *glass, const char *path);

#endif
