/* Networks that chance draws, as notation. */
#ifndef TREES_H
#define TREES_H

#include <stdint.h>

enum { TREE_TEXT_MAX = 4000 };

/* Writes network `number`, always the same, into `text` (TREE_TEXT_MAX bytes): on a vector or on
 * steps, small, with a cost that suits its end. */
void draw_tree(char *text, uint64_t number);

#endif
