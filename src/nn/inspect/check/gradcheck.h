/* Backpropagation against central differences: the four equations each alone, and both prices. */
#ifndef NB_NET_GRADCHECK_H
#define NB_NET_GRADCHECK_H

#include "nn/inspect/check/blame.h"
#include "nn/inspect/place.h"
#include "grad/gradcheck.h"
#include "nn/net/walk.h"

/* One equation's outcome. */
typedef struct nb_equation {
    const char *name; /* "BP1" */
    int64_t compared;
    int64_t wrong;             /* beyond the tolerance, NaN included */
    int64_t kinks;             /* not counted as wrong, nor for the worst: C bends there, and g lies
                                  between its slopes to both sides */
    double worst;              /* largest |g - d| / max(1e-3, |g|, |d|) */
    char where[NB_PLACE_TEXT]; /* "w[2][4][17]" (counted from 1) of the worst */
    double analytic, numeric;  /* there */
} nb_equation;

/* Whether C of several examples is the mean of their own. */
typedef struct nb_mean_check {
    int64_t examples; /* 0: not looked at, as with a single one */
    double cost;      /* of all at once */
    double mean;      /* of the costs of each alone */
    bool ok, sums;    /* sums: the cost is their sum */
} nb_mean_check;

typedef struct nb_gradcheck {
    nb_equation equation[4];
    nb_mean_check mean;
    bool by_batch; /* norms took the figures of these examples, as while learning */
    bool ok;       /* the equations and the mean */
    bool blames;   /* an equation is wrong, and it was looked for who is to blame: */
    nb_blame blame;
    double backprop_seconds;
    double forward_seconds; /* one pass through all layers */
    int64_t forwards;       /* passes that differences take for all parameters (BP3 and BP4) */
    double taken_seconds;   /* by these here: each began at its own layer */
} nb_gradcheck;

/* The network in f64 whatever its dtype. BP1: δ of the last layer; BP2: δ of the others; BP3, BP4:
 * the parameters. Gradients of a cost that sums over the examples may be right and the learning
 * rate means another thing for every batch: that it is a mean is checked on its own. as: lengths
 * of x and weights; NULL: neither. */
nb_status nb_gradcheck_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                           nb_gradcheck *out);
/* dC/dparams by central differences, flat, in the net's dtype (computed in f64). */
nb_tensor *nb_numeric_gradient(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                               const nb_mode *as);

#endif
