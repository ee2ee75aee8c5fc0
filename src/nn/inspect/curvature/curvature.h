/* How a cost curves around a network's parameters: the eigenvalues of its Hessian, and of the
 * Gauss-Newton matrix, over all that learns and over each layer alone. */
#ifndef NB_CURVATURE_H
#define NB_CURVATURE_H

#include "nn/data/set.h"
#include "nn/inspect/curvature/hessian.h"
#include "nn/net/net.h"
#include "nn/train/judge/weights.h"

/* Up to so many parameters the whole spectrum is found; of more only its ends. */
enum { NB_CURVATURE_MOST = 4096 };

typedef struct nb_curvature_options {
    int64_t top;   /* how many eigenvalues from each end; 0: all */
    bool matrices; /* keep the matrices themselves; not with top */
} nb_curvature_options;

/* Eigenvalues, f64; owned. */
typedef struct nb_spectrum {
    nb_tensor *values;   /* falling: all, or the largest */
    nb_tensor *smallest; /* rising: the others' end; NULL where values are all */
    double error;        /* that none of them is off by more, as far as can be told */
    int64_t steps;       /* of Lanczos; 0: LAPACK */
    bool settled;        /* more steps would change nothing */
    double driven; /* the largest, with the factors of the rate that layers and neurons have of
                      their own: descent diverges above lr = 2 / driven (driven.h) */
} nb_spectrum;

typedef struct nb_curvature_layer {
    char path[NB_PATH_MAX]; /* "3.1" */
    char where[NB_WHERE_MAX];
    int64_t count; /* parameters that learn */
    nb_spectrum hessian;
} nb_curvature_layer;

typedef struct nb_curvature {
    int64_t count, examples; /* parameters that learn */
    double cost, slope;      /* there; the length of the gradient */
    double seconds;          /* that all of it took */
    nb_spectrum hessian;
    nb_hessian_error error;
    nb_spectrum gauss;                /* values NULL: not asked (top), or … */
    char missing[NB_MESSAGE_MAX];     /* … why it could not be had */
    nb_curvature_layer *layer;        /* a list of `layers`: those where something learns */
    int layers, parts;                /* parts: that there is room for */
    nb_tensor *matrix, *gauss_matrix; /* where they were asked */
    int64_t *place;                   /* where each stands in the flat parameters, from 0 */
    bool factors;                     /* some learn at a rate of their own */
    bool converted;                   /* the network computes in f32 */
    bool normalises, draws;           /* norms took their running figures; dropout was off */
} nb_curvature;

/* Of the cost of a set, which a fresh copy in f64 is asked for; the network stays as it is. weights
 * may be NULL. NB_EARG: an empty set, nothing learns; NB_ESHAPE: the set does not fit; NB_EMEMORY
 * where the whole spectrum is too much: what it would take, and what to ask instead. */
nb_status nb_curvature_find(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                            const nb_curvature_options *options, nb_curvature *out);
void nb_curvature_free(nb_ctx *ctx, nb_curvature *curvature);

#endif
