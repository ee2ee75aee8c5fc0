/* Where a network's attention looks: one pass, evaluating, that keeps the shares of every head. */
#ifndef NB_LOOKS_H
#define NB_LOOKS_H

#include "nn/net/walk.h"

/* The shares of each place of the network, (n, heads, T, T); NULL where no attention stands. */
typedef struct nb_looks {
    int places; /* depth first */
    nb_tensor **shares;
    int count; /* of places with attention */
} nb_looks;

/* Fills *looks (zeroed by the caller) for prepared inputs. NB_EARG: the network has none. */
nb_status nb_looks_find(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *lengths,
                        nb_looks *looks);
/* Of one example: its dimension goes. */
nb_status nb_looks_single(nb_ctx *ctx, nb_looks *looks);
void nb_looks_free(nb_ctx *ctx, nb_looks *looks);

#endif
