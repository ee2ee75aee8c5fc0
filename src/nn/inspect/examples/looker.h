/* Gradients of single examples, of C_x itself whatever the batch, as far as the network learns:
 * frozen layers and neurons and masked weights take no part. Evaluating: nothing is dropped, and
 * batch_norm goes by its running figures. */
#ifndef NB_LOOKER_H
#define NB_LOOKER_H

#include "nn/inspect/examples/shares.h"
#include "nn/train/batch.h"

typedef struct nb_looker {
    nb_net *net; /* both borrowed */
    const nb_set *set;
    uint8_t *mask;  /* of the network's numbers: 0 where one does not learn; NULL: all do */
    bool singly;    /* a pass for each example: a function of the host may mix those of a batch */
    int64_t most;   /* examples of a pass, about */
    int64_t offset; /* of the network's numbers in a vector of the whole storage's, `sum` below */
} nb_looker;

/* NB_EARG where nothing learns; and what nb_set_check says. */
nb_status nb_looker_begin(nb_ctx *ctx, nb_looker *looker, nb_net *net, const nb_set *set);
void nb_looker_end(nb_ctx *ctx, nb_looker *looker);
/* A vector of zeros for the gradients that are added up below. */
nb_tensor *nb_looker_vector(nb_ctx *ctx, const nb_looker *looker);
/* What of it is the network's, 0 where it does not learn. */
void *nb_looker_own(const nb_looker *looker, nb_tensor *vector);

/* Examples of a pass where there are `count`, so that passes are alike: a last one of a few would
 * go through all weights for them. */
int64_t nb_looker_share(const nb_looker *looker, int64_t count);
/* Examples order[0 … n - 1], about `most` of them, or from position `start` on where there is no
 * order: ‖g‖² of each, and their sum added to `sum`, or where that is `fresh` put there, as far as
 * it is the network's. NB_EVALUE names the example whose gradient is not finite. */
nb_status nb_looker_norms(nb_ctx *ctx, nb_looker *looker, const int32_t *order, int64_t start,
                          int64_t n, double *squares, bool fresh, nb_tensor *sum);
/* The product of each one's gradient with `v`, of which nb_looker_own was asked. steps: how often
 * each counts in the cost of a batch, once or at each of its steps; or NULL. */
nb_status nb_looker_dots(nb_ctx *ctx, nb_looker *looker, const int32_t *order, int64_t start,
                         int64_t n, nb_tensor *v, double *dots, double *steps);

#endif
