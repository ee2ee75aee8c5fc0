/* What a run leaves, as bytes for another process of the same program: its history, and the numbers
 * of its network. They are no file: sizes and order are this machine's. */
#ifndef NB_PARCEL_H
#define NB_PARCEL_H

#include "base/text.h"
#include "nn/net/net.h"
#include "nn/train/run/history.h"

void nb_parcel_add_history(nb_text *to, const nb_history *history);
/* The history that bytes hold, into an empty one; its `converged` points into them. NB_EFORMAT:
 * they hold none. */
nb_status nb_parcel_history(nb_ctx *ctx, const char *bytes, size_t length, nb_history *out);

/* Parameters and running figures. */
void nb_parcel_add_numbers(nb_text *to, const nb_net *net);
/* Gives them to a network. NB_EFORMAT: they are those of another, and nothing has changed. */
nb_status nb_parcel_numbers(nb_ctx *ctx, const char *bytes, size_t length, nb_net *net);

#endif
