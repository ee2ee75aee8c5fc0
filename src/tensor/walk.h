/* Walking several tensors in step: dimensions that can be folded are folded, so that a contiguous
 * operand of any shape is one loop, and what remains is an odometer over inner loops. */
#ifndef NB_WALK_H
#define NB_WALK_H

#include "tensor/tensor.h"

enum { NB_WALK_MAX = 4 };

typedef struct nb_walk {
    int operands;
    int dims;                               /* after folding; at least 1 */
    int64_t size[NB_MAX_DIMS];              /* innermost is the last */
    int64_t step[NB_WALK_MAX][NB_MAX_DIMS]; /* in elements */
    char *base[NB_WALK_MAX];
    size_t width[NB_WALK_MAX]; /* bytes of an element */
} nb_walk;

/* One inner loop: n elements of each operand at at[i], stride[i] elements apart. */
typedef void nb_walk_fn(void *arg, size_t n, char *const *at, const int64_t *stride);

/* Each operand is walked as if expanded to `shape`; the caller has checked that it broadcasts. */
void nb_walk_make(nb_walk *walk, int dims, const int64_t *shape, int operands,
                  const nb_tensor *const *tensor);
/* Runs the inner loop over everything, long ones cut into fixed pieces over the workers, polling
 * for Ctrl-C in between. The pieces touch disjoint elements of the first operand only when no
 * operand that is written has stride 0. NB_OK or NB_EINTERRUPT. */
nb_status nb_walk_run(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg);
/* The same for inner loops of which every element stands for a row of `cost` elements: pieces are
 * cut by those. */
nb_status nb_walk_rows(nb_ctx *ctx, const nb_walk *walk, int64_t cost, nb_walk_fn *fn, void *arg);
/* As nb_walk_run for loops that see each element alone: operand 0 is written and no more, the
 * others are read. They may be given copies, and dimensions in another order, where that is faster.
 */
nb_status nb_walk_elements(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg);
/* As nb_walk_run on the calling thread, in row-major order: for loops that carry something along.
 */
nb_status nb_walk_in_order(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg);

#endif
