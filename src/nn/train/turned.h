/* Runs over rows of non-zeros: the first dense layer's w lies input-major, (inputs, neurons), while
 * steps are made and nobody looks, so that a step adds up the rows of w that non-zeros name.
 *
 * It is a matter of the run alone. w is turned at its place among the parameters, and with it its
 * gradient and what the optimizer keeps; it is turned back whenever somebody could look: before a
 * function of the host runs, before evaluation and files, and on every way out. Whether a step goes
 * so depends on the set, the network, the batch and the optimizer, never on who looks on: a run
 * that is watched at every step has the same bits. */
#ifndef NB_TURNED_H
#define NB_TURNED_H

#include "grad/thinned.h"
#include "nn/train/learn.h"

typedef struct nb_turned {
    nb_thinned given; /* the rows of the batch under way */
    nb_net *net;      /* borrowed, and so is the optimizer */
    nb_optimizer *optimizer;
    double share;    /* of the set's numbers that are not 0; above 1: it is not asked for rows */
    nb_tensor *room; /* in which w is turned; NULL before the first time */
    uint64_t pass;   /* that had reached the gradients when w was turned */
} nb_turned;

/* Shares of non-zeros below which such steps are the faster ones, measured on 784 inputs, whole
 * steps against the products of dense rows. Wide layers lose earlier where rows are so few that
 * what is read of w, and what BP4 adds to, does not stay near. */
#define NB_THIN_SHARE      0.28
#define NB_THIN_SHARE_WIDE 0.20
enum {
    NB_THIN_INPUTS = 64, /* fewer inputs are left to the products */
    NB_THIN_WIDE = 64,   /* neurons from which on a layer is wide */
    NB_THIN_MANY = 32    /* rows from which on that is all the same */
};

/* What the run's steps on `set` may be; nothing is held yet. */
nb_status nb_turned_begin(nb_ctx *ctx, nb_turned *turned, nb_net *net, const nb_set *set,
                          nb_optimizer *optimizer);
void nb_turned_end(nb_ctx *ctx, nb_turned *turned);
/* Whether a step on n examples is made so, as network and optimizer are now: also, no neuron of
 * the layer learns in a way of its own. */
bool nb_turned_suits(const nb_turned *turned, int64_t n);
/* The rows of examples order[0 … n - 1]; or of a batch that has been gathered. Gives what stands
 * for them, a new reference. */
nb_tensor *nb_turned_gather(nb_ctx *ctx, nb_turned *turned, const nb_set *set, const int32_t *order,
                            int64_t n, int64_t ahead);
nb_tensor *nb_turned_rows_of(nb_ctx *ctx, nb_turned *turned, nb_tensor *x);
/* Turns w for a step on that lesson, unless it is; and back, likewise. Where the step goes straight
 * into w and asks nothing else of it, w lies in rows of whole vectors. */
nb_status nb_turned_take(nb_ctx *ctx, nb_turned *turned, const nb_lesson *lesson);
void nb_turned_settle(nb_turned *turned);

#endif
