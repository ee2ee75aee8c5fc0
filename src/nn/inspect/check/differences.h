/* Slopes of a value along one number by differences, held against a gradient; and the bends that no
 * difference sees. */
#ifndef NB_DIFFERENCES_H
#define NB_DIFFERENCES_H

#include "grad/gradcheck.h"

/* A number, and what hangs on it. */
typedef struct nb_varied {
    double *number; /* moved, and put back */
    double value;   /* where it is as it is */
    double scale;   /* of what numbers the rounding of the value is a part */
    nb_status (*value_of)(void *self, double *value); /* where it is what it is now */
    void *self;
} nb_varied;

/* The central difference with steps of NB_CHECK_STEP times max(1, |number|). */
nb_status nb_difference(const nb_varied *v, double *slope);
/* The same in *d, and whether the value bends there or beside it, within the step, so that *d is no
 * slope, and a gradient g that disagrees with it lies between those to both sides. */
nb_status nb_difference_check(const nb_varied *v, double g, double *d, bool *kink);

#endif
