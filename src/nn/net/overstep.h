/* The parameter that a step straight into the parameters would make infinite or NaN. */
#ifndef NB_OVERSTEP_H
#define NB_OVERSTEP_H

#include "grad/tape.h"
#include "nn/net/spot.h"

/* text: the first such parameter, what `before` of the sink makes of it and what the gradient, of
 * which all numbers are finite, then does; as it was where there is none. Parameters stay. */
nb_status nb_judge_step(nb_ctx *ctx, const nb_net *net, const nb_sink *sink, const nb_tensor *grads,
                        char text[NB_CULPRIT_TEXT]);

#endif
