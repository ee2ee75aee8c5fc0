/* What a network answers: a class for an example, by its outputs; and answers beside a data set in
 * a file. */
#ifndef NB_ANSWERS_H
#define NB_ANSWERS_H

#include "nn/data/save.h"
#include "nn/train/batch.h"

/* The names that a network answers with: its own, else those of the set (NULL: none) where they
 * fit; NULL: it has none. Borrowed. */
const nb_classes *nb_answer_classes(const nb_net *net, const nb_set *set);
/* Of outputs (n, K) of a network the place of the largest, from 1, (n, 1); of one output whether it
 * is above one half (of a logit: above 0), 0 or 1: what evaluation judges by. */
nb_tensor *nb_answer_places(nb_ctx *ctx, const nb_net *net, nb_tensor *out);

/* The k largest outputs of each example, or as many as there are, the largest first: (n, k) values
 * and places from 1. A single output a answers for two: a for the second, and for the first what is
 * as far on the other side of the middle, 1 - a (of a logit -a). */
nb_status nb_answer_top(nb_ctx *ctx, const nb_net *net, nb_tensor *out, int64_t k,
                        nb_tensor **values, nb_tensor **places);

/* Writes a set as nb_set_save_csv does and behind it the network's answers: where they are classes
 * `answer`, and the outputs as `answer_NAME`; else the outputs, `answer` or, of several,
 * `answer_NAME` by the targets' names. NB_ESHAPE for a network that takes no such examples, or
 * gives more than one answer for an example. */
nb_status nb_answers_save(nb_ctx *ctx, nb_net *net, nb_set *set, const char *path);

#endif
