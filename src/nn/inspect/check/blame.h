/* Who is to blame where an equation does not hold: the op, layer, activation or cost whose backward
 * does not fit its own forward. */
#ifndef NB_BLAME_H
#define NB_BLAME_H

#include "nn/inspect/check/again.h"

typedef enum nb_culprit {
    NB_NOBODY, /* each by itself is right */
    NB_BLAMED_OP,
    NB_BLAMED_LAYER, /* though its ops are right */
    NB_BLAMED_ACTIVATION,
    NB_BLAMED_COST
} nb_culprit;

typedef struct nb_blame {
    nb_culprit who;
    char name[NB_NAME_MAX];       /* of the op, the type of layer, the activation, the cost */
    char where[NB_WHERE_MAX];     /* "layer 2 (hidden)"; "" at the cost */
    char activation[NB_NAME_MAX]; /* an op: in that activation of the layer; "": elsewhere */
    double backward, differences; /* the first numbers that are not one */
} nb_blame;

/* Looks at each by itself with the numbers that it met in the traced pass, in the order in which
 * backward comes to them: the first that is wrong. An op is named before what it is part of, and
 * layers before the blocks that they stand in. */
nb_status nb_blame_find(const nb_again *again, nb_blame *out);

#endif
