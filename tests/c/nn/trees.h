/* Networks that chance draws, as notation. */
#ifndef TREES_H
#define TREES_H

#include <stdint.h>

enum {
    TREE_TEXT_MAX = 4000,
    TREE_WORDS = 3 /* of the vocabulary where the input is words */
};

/* Writes network `number`, always the same, into `text` (TREE_TEXT_MAX bytes): on a vector, on
 * steps or on words, small, with a cost that suits its end. */
void draw_tree(char *text, uint64_t number);

#endif
