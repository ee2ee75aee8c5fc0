/* Where NaN or infinity began: the pass is run again as it ran, watched. */
#ifndef NB_CULPRIT_H
#define NB_CULPRIT_H

#include "nn/net/spot.h"

/* The pass that went wrong. */
typedef struct nb_inquiry {
    nb_net *net;
    nb_tensor *x, *y;
    const nb_mode *mode;
    const nb_sink *sink; /* that its gradient was meant for, or NULL */
    uint64_t draws;      /* the context's, before it */
} nb_inquiry;

/* The culprit of a cost or a gradient that is not finite: the first op on the way to it whose
 * inputs are finite and whose output, or gradient, is not; else the number of the data or the
 * parameter, the lowest index first; else what the sink would have done to a parameter. "" where
 * all was finite this time. Nothing of the network changes: what layers stage is dropped, and the
 * gradient goes nowhere. NB_EINTERRUPT; other failures on the way end the search, no more. */
nb_status nb_find_culprit(nb_ctx *ctx, const nb_inquiry *ask, char text[NB_CULPRIT_TEXT]);

#endif
