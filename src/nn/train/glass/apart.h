/* Where two runs part: the first step after which their networks' numbers differ, taking it that
 * they stay apart, and by what. Both stand afterwards where they stood. */
#ifndef NB_APART_H
#define NB_APART_H

#include "nn/net/spot.h"
#include "nn/train/glass/glass.h"

/* A parameter, or a buffer, that differs. */
typedef struct nb_apart_part {
    char where[NB_SPOT_TEXT]; /* of the number that differs most: "layer 2: w[3][5]" */
    int64_t count, differing; /* numbers in all; that differ */
    double most, number[2];   /* the largest difference, and that number in either */
} nb_apart_part;

typedef struct nb_apart {
    int64_t from, to; /* the steps that were looked at: both runs have them */
    int64_t step;     /* after which they differ; below 0: after none */
    int64_t epoch, batch;
    bool unlike;         /* the networks have other parameters: nothing was looked at */
    nb_apart_part *part; /* a list of `parts`, the largest difference first; owned */
    int parts;
    int32_t *example[2]; /* of that step in either run, places in the set from 0; owned */
    int64_t examples[2];
    int64_t changed[2]; /* the step up to that one behind which something was changed last, by hand
                           or by a callback; below 0: none */
    int32_t other;      /* the first of the examples, the same places in either run, that is another
                           one in the other's set; below 0: none */
    bool by_end;        /* they part by the best epoch's parameters, which came back behind it */
} nb_apart;

/* options: what differs of them where they part, or as they stand (differ.h); or NULL. NB_EARG:
 * both train one network, or networks of two dtypes; no step is in both records. */
nb_status nb_glass_apart(nb_ctx *ctx, nb_glass *const of[2], nb_text *options, nb_apart *out);
void nb_apart_free(nb_ctx *ctx, nb_apart *apart);
/* Whether both took examples from the same places in that step. */
bool nb_apart_same_places(const nb_apart *apart);

#endif
