/* One function of tensors, its backward against differences of its own forward: is it right by
 * itself, whatever stands before and behind it? */
#ifndef NB_JUDGE_H
#define NB_JUDGE_H

#include "grad/tape.h"

typedef struct nb_judged {
    /* The function of what `in` holds now, in f64; recorded where the context records. */
    nb_tensor *(*f)(nb_ctx *ctx, void *self);
    void *self;
    nb_tensor **in; /* `count` leaves, contiguous in f64: their numbers are moved and put back */
    int count;
    nb_tensor *params; /* where leaves that have homes live, flat; or NULL */
    /* What was found first. */
    bool wrong;
    int input;
    int64_t element;
    double backward, differences;
} nb_judged;

/* Fills the findings. The outputs count by numbers of both signs that differ, so that all of the
 * Jacobian is seen at once; kinks are right. */
nb_status nb_judge(nb_ctx *ctx, nb_judged *judged);

#endif
