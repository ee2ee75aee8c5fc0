/* What the examples of one pass give to the parameters, kept as rows until the pass is over: their
 * gradients' norms, and their products with a vector, without the gradients. */
#ifndef NB_SHARES_H
#define NB_SHARES_H

#include "grad/tape.h"

/* One row's part in a gradient, of those that the network's parameters are given. */
typedef struct nb_given {
    nb_share share; /* owned references */
    int64_t start;  /* of the parameter among the network's numbers */
    int64_t rows, m, k;
    double *squares; /* (rows): of a's, once they are known; owned, or NULL */
} nb_given;

typedef struct nb_shares {
    int64_t n;      /* examples of the pass */
    nb_dtype dtype; /* of the network whose numbers these are: */
    int64_t offset; /* where in their storage the first stands, */
    int64_t count;  /* and how many there are */
    const uint8_t
        *mask; /* count: where 0 a number does not learn and takes no part; NULL: all do */
    nb_given *list;
    size_t given, room;
    bool whole; /* an op gave a whole sum: of single examples nothing is known */
} nb_shares;

/* A pass's observer, of which these are `self`. A whole sum ends the pass: NB_EARG, and `whole`. */
nb_status nb_shares_take(nb_ctx *ctx, void *self, const nb_share *share);
/* squares[i] += ‖g‖² of example i. */
nb_status nb_shares_norms(nb_ctx *ctx, nb_shares *shares, double *squares);
/* dots[i] += g · v of example i; v: the network's numbers, 0 where they do not learn. */
nb_status nb_shares_dots(nb_ctx *ctx, const nb_shares *shares, const void *v, double *dots);
/* 0 for all of the network's numbers that were given nothing; after nb_shares_norms. */
void nb_shares_clear_others(const nb_shares *shares, void *numbers);
/* Lets go of the rows. */
void nb_shares_free(nb_ctx *ctx, nb_shares *shares);

#endif
