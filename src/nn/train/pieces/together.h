/* Several pieces of a batch in one pass. What a network of dense layers makes of an example hangs
 * on that example alone, and its products give a row the same bits among other rows as long as they
 * go the way of the piece's own (kernel/product.h): so forward and δ are of all rows at once, and
 * only the sums over examples, BP3 and BP4, are the pieces' own, added along their tree. It has the
 * bits of pieces one by one, and copies weights once instead of for each. */
#ifndef NB_TOGETHER_H
#define NB_TOGETHER_H

#include "nn/train/pieces/tree.h"
#include "nn/train/whole.h"

enum { NB_TOGETHER_ROWS = 2048 }; /* of a pass at most: products of more gain nothing */

/* Whether the examples at hand may go so: such a network without anything that rests or is shared,
 * whose cost is an op from z; examples that count alike, be they rows of non-zeros of a w that is
 * turned; nobody looks on. */
bool nb_together_can(const nb_ctx *ctx, const nb_whole *whole);
/* The pass of pieces lo … hi - 1, a node of the tree, none of which is empty: cost[i - lo] is piece
 * i's, and the home has the sum of their gradients, each example's counting once, none of whose
 * numbers is above *steepest. On failure, also where a piece would read its rows another way, it
 * has nothing; pieces one by one say then what there is to say. */
nb_status nb_together_learn(nb_ctx *ctx, const nb_whole *whole, const nb_cut *cut, int64_t lo,
                            int64_t hi, double *cost, double *steepest);

#endif
