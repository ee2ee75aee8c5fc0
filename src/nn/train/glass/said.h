/* What the layers of a network say beside their numbers: activations neuron by neuron, what is
 * frozen, factors, masks, decay, their own options; the cost, and the scale in which x is seen.
 * Taken as it stands at one moment, held against the network later, and put back. Names are left
 * out: they change nothing that is learned. */
#ifndef NB_SAID_H
#define NB_SAID_H

#include "nn/net/net.h"

/* Counted; never changed once made. What the host owns (functions) is borrowed. */
typedef struct nb_said nb_said;

nb_said *nb_said_take(nb_ctx *ctx, const nb_net *net);
nb_said *nb_said_retain(nb_said *said);
/* NULL is allowed. */
void nb_said_release(nb_ctx *ctx, nb_said *said);
/* Whether the network, whose layers are those that it was taken from, still says that. */
bool nb_said_holds(const nb_said *said, const nb_net *net);
/* The first place where two of one network differ: "layer 2: activation"; or NULL. `text` has room
 * for NB_SAID_TEXT. */
enum { NB_SAID_TEXT = NB_WHERE_MAX + 32 };
const char *nb_said_difference(const nb_said *a, const nb_said *b, const nb_net *net, char *text);
size_t nb_said_bytes(const nb_said *said);

/* A said that is about to be put back: what that takes is there, so that it cannot fail. */
typedef struct nb_saying {
    nb_said *said;
    nb_tuning *tuning; /* of every layer */
} nb_saying;

/* On failure there is nothing. */
nb_status nb_saying_ready(nb_ctx *ctx, nb_saying *saying, nb_said *said);
/* What the network says already stays where it is; empties the saying. */
void nb_saying_put(nb_ctx *ctx, nb_saying *saying, nb_net *net);
void nb_saying_drop(nb_ctx *ctx, nb_saying *saying);

#endif
