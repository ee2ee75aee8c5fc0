/* How a layer learns: whole, neuron by neuron and number by number, as the user sets it. */
#ifndef NB_LEARNS_H
#define NB_LEARNS_H

#include "nn/layer.h"

/* The layer with all its neurons, and all below it. */
void nb_layer_freeze(nb_layer *layer, bool frozen);
/* True where all layers with parameters at and below it are, with all their neurons. */
bool nb_layer_is_frozen(const nb_layer *layer);
/* The factor of the learning rate, for it with all its neurons and all below it. */
void nb_layer_scale(nb_layer *layer, double factor);
/* Which parameters penalties touch, of it and all below it; and whether those of one layer touch a
 * parameter. */
void nb_layer_set_decay(nb_layer *layer, nb_decay decay);
bool nb_layer_decays(const nb_layer *layer, const nb_param *param);
/* No number of its own parameters learns: it is frozen, and no neuron was thawed. */
bool nb_layer_rests(const nb_layer *layer);
/* How one neuron learns, and its name. */
nb_tuned nb_layer_tuned(const nb_layer *layer, int64_t neuron);
/* Sets that for neuron as->neuron. NB_EARG for neurons that it has not, for what it has no part of
 * a parameter for, and for a name that another neuron of the layer has. */
nb_status nb_layer_tune(nb_ctx *ctx, nb_layer *layer, const nb_tuned *as);
/* Adds to `into` (the layer's tuning, or one that will be) that the parameter's numbers learn where
 * the mask is not 0. NB_EARG for a parameter
 * that it has not, NB_ESHAPE for a mask of another shape. */
nb_status nb_layer_add_mask(nb_ctx *ctx, const nb_layer *layer, nb_tuning *into, const char *name,
                            nb_tensor *mask);
/* Drops what was set of neurons and parameters that the layer has no longer. */
void nb_layer_fit_tuning(nb_ctx *ctx, nb_layer *layer);

#endif
