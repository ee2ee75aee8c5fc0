/* Formulas in C as they read: what they make on the way is held and let go together, and a failure
 * makes all that follows NULL. */
#ifndef NB_HELD_H
#define NB_HELD_H

#include "grad/op.h"

/* {.ctx = ctx} begins one. */
typedef struct nb_held {
    nb_ctx *ctx;
    nb_tensor **list; /* of `count`, owned */
    int count, room;
} nb_held;

/* Takes the reference over (NULL stays NULL) and returns it, borrowed until all are let go; NULL
 * when memory ends. */
nb_tensor *nb_hold(nb_held *held, nb_tensor *t);
/* Lets go of what is held; the next formula may use the same room. */
void nb_held_drop(nb_held *held);
void nb_held_free(nb_held *held);

/* Each gives a tensor that is held; NULL where an input is. */
nb_tensor *nb_held1(nb_held *held, nb_op_id op, nb_tensor *a);
nb_tensor *nb_held2(nb_held *held, nb_op_id op, nb_tensor *a, nb_tensor *b);
nb_tensor *nb_held3(nb_held *held, nb_op_id op, nb_tensor *a, nb_tensor *b, nb_tensor *c);
nb_tensor *nb_held_number(nb_held *held, nb_op_id op, nb_tensor *a, double b);
/* Sums over one dimension, which stays with size 1. */
nb_tensor *nb_held_sum(nb_held *held, nb_tensor *a, int dim);
/* … or the root of the sum of squares. */
nb_tensor *nb_held_norm(nb_held *held, nb_tensor *a, int dim);
nb_tensor *nb_held_shape(nb_held *held, nb_tensor *a, int dims, const int64_t *shape);
/* Entries start … start + length - 1 of a dimension. */
nb_tensor *nb_held_narrow(nb_held *held, nb_tensor *a, int dim, int64_t start, int64_t length);
/* Entries of the first dimension by their numbers, from 1: NB_I32 (count). */
nb_tensor *nb_held_rows(nb_held *held, nb_tensor *a, nb_tensor *index);
/* aᵀ, the last two dimensions exchanged. */
nb_tensor *nb_held_turn(nb_held *held, nb_tensor *a);

#endif
