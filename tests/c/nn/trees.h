/* Networks that chance draws, as notation. */
#ifndef TREES_H
#define TREES_H

#include "nn/net/net.h"

enum {
    TREE_TEXT_MAX = 4000,
    TREE_WORDS = 3 /* of the vocabulary where the input is words */
};

/* Writes network `number`, always the same, into `text` (TREE_TEXT_MAX bytes): on a vector, on
 * steps or on words, small, with a cost that suits its end. */
void draw_tree(char *text, uint64_t number);
/* n examples for such a network, or words where it takes them, with 3 steps where those are free;
 * and targets that its cost takes. f64. */
nb_tensor *tree_inputs(nb_ctx *ctx, const nb_net *net, int64_t n, uint64_t seed);
nb_tensor *tree_targets(nb_ctx *ctx, const nb_net *net, int64_t n);

#endif
