/* Planning: what a type's `plan` may ask and say. */
#ifndef NB_PLAN_H
#define NB_PLAN_H

#include "nn/net/net.h"

/* One more free size with an identity of its own. */
int64_t nb_plan_free(nb_planner *planner);
/* Plans the children of branch b of the layer that is being planned, one after the other, beginning
 * with `in`; *out is what the last one gives, `in` itself where the branch is empty. */
nb_status nb_plan_branch(nb_planner *planner, const nb_layer *block, int b, const nb_form *in,
                         nb_form *out);
/* plan->in and out as steps of features, which an open form of two sizes becomes; NB_ESHAPE for
 * what cannot be read so. */
nb_status nb_plan_steps(nb_planner *planner, const nb_layer *layer, nb_plan *plan);
nb_ctx *nb_plan_ctx(const nb_planner *planner);

/* Declares a parameter: its shape, how it begins where the user said nothing, its fans, which of
 * its dimensions counts neurons (-1: none). The result is valid until the next; NULL: failed. */
typedef struct nb_param_plan {
    const char *name;
    int dims;
    const int64_t *shape;
    nb_init init; /* type NULL: the layer's initialiser, and weight decay touches it */
    int neuron_dim;
} nb_param_plan;
nb_param *nb_plan_param(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                        const nb_param_plan *of);
/* Instead of a parameter w: that of the layer called `name`, found as notation reads @name. NB_EARG
 * where there is none, NB_ESHAPE where it has another shape. */
nb_status nb_plan_tie(nb_planner *planner, nb_plan *plan, const char *name, int dims,
                      const int64_t *shape);
/* As nb_plan_param a buffer, which begins as `init` says. */
nb_param *nb_plan_buffer(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                         const nb_param_plan *of);
/* Says that the layer has neurons, before its parameters and once `out` is set, whose neuron
 * dimension they are: their activations are laid out. */
nb_status nb_plan_neurons(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                          int64_t neurons);

#endif
