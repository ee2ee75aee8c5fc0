/* What layers that normalise share. */
#ifndef NB_LAYER_NORMS_H
#define NB_LAYER_NORMS_H

#include "nn/net/plan.h"
#include "nn/net/walk.h"

#define NB_OPTION_EPSILON(settings)                                                                \
    {                                                                                              \
        .name = "epsilon", .help = "added to the variance under the root",                         \
        .range = "a number above 0", .value = 1e-5, .low = 0, .high = 1e30, .above = true,         \
        .kind = NB_NUMBER, .offset = offsetof(settings, epsilon)                                   \
    }

/* Declares gain, ones, and shift, zeros, of so many channels. */
nb_status nb_plan_gain_and_shift(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                                 int64_t channels);
/* Where norms of channels stand: what is open becomes space, and plan->out is set. Into *dim the
 * dimension of one example that holds the channels. NB_ESHAPE where their number is not known, or
 * the sizes are none of a vector, steps or space. */
nb_status nb_plan_channels(nb_planner *planner, const nb_layer *layer, nb_plan *plan, int *dim);
/* The same dimension of a planned layer. */
int nb_channel_dim(const nb_layer *layer);

#endif
