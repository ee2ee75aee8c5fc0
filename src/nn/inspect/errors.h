/* How well data determine a network's parameters: standard errors, from the Jacobian of its
 * residuals at the values as they stand, which should be those of least squares. */
#ifndef NB_ERRORS_H
#define NB_ERRORS_H

#include "nn/data/set.h"
#include "nn/net/net.h"

/* Of the parameters that learn, `count` of them, f64; all owned. */
typedef struct nb_errors {
    int64_t count;
    int64_t residuals, freedom; /* the outputs of all examples, and how many more than count */
    double variance;            /* s² = Σ r² / freedom */
    int64_t *place;             /* where each stands in the flat parameters, from 0 */
    nb_tensor *value, *error;   /* (count) */
    nb_tensor *covariance;      /* (count, count): s² (Jᵀ J)⁻¹ */
} nb_errors;

/* NB_EARG: a cost that is no sum of squares, no parameter that learns, no more residuals than
 * parameters; NB_EVALUE: the data do not tell parameters apart, which are named. */
nb_status nb_errors_find(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_errors *errors);
void nb_errors_free(nb_ctx *ctx, nb_errors *errors);

#endif
