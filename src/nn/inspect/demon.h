/* The demon of the notes: it sits at a neuron and adds dz to its z; C changes by δ dz, as long as
 * dz is small. */
#ifndef NB_DEMON_H
#define NB_DEMON_H

#include "nn/net/walk.h"

/* Where the demon sits: a neuron of the layer at place `place` of the network; of steps at one of
 * them, of space at a row and a column. All from 0. */
typedef struct nb_seat {
    int place;
    int64_t neuron;
    int64_t at[NB_MAX_DIMS]; /* `ats` of them */
    int ats;
} nb_seat;

/* How large the prediction may be wrong, of itself; the next |dz| that is looked at is larger by as
 * much of the last. */
#define NB_DEMON_WRONG 0.1
#define NB_DEMON_STEP  0.1

typedef struct nb_demon {
    double z, delta, cost; /* before */
    double dz;             /* by which z moved: dz as it was given, rounded with z */
    double predicted;      /* δ dz */
    double measured;       /* C with it less C without */
    bool flat;             /* δ is 0: the rest is not looked for */
    /* For dz above 0 and below: the largest |dz| up to which |measured - predicted| is within
     * NB_DEMON_WRONG |predicted| wherever it was looked at: from `least` on, where C's rounding no
     * longer hides it, each |dz| NB_DEMON_STEP larger than the one before, the end by bisection.
     * 0: it does not hold at `least`; infinity: it does up to `most`, where looking ends. */
    double radius[2];
    double least, most;
} nb_demon;

/* In f64 whatever the net's dtype; NB_EARG for a seat that there is not, which says what there is.
 * x and y are one example. as: lengths and weights, NULL:
 * neither. The net is as before. */
nb_status nb_demon_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                       const nb_seat *seat, double dz, nb_demon *out);

#endif
