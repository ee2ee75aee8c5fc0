/* The training loop: epochs over mini-batches (the book's algorithm), and who is told of them. */
#ifndef NB_TRAIN_H
#define NB_TRAIN_H

#include "nn/train/run/loop.h"

/* Trains, or goes on with the run of keeping.resume, whose history comes with it; a run that has
 * all its epochs is given back as it ended. A checkpoint that cannot be written is told and tried
 * again at the next; only the last one is an error. With patience the best parameters are there at
 * the end, whatever ended it but an error or Ctrl-C. On an error or Ctrl-C the parameters are those
 * of the last whole batch and the history, whatever it held before, holds the whole epochs before
 * and in which one it was stopped; NB_EVALUE names layer (or "cost"), epoch and batch. What is
 * refused before the first batch, as a set whose examples do not fit the net, leaves the history as
 * it was. */
nb_status nb_train(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_train_options *options,
                   nb_history *history);

#endif
