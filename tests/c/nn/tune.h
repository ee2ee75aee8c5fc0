/* A layer of which neurons and numbers learn by rules of their own. A header alone, because every
 * test is one program. */
#ifndef TUNE_H
#define TUNE_H

#include "nn/learns.h"
#include "nn/net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Of layer number `layer` (from 1) the second neuron is frozen, and every other number of w. */
static inline void tune(nb_ctx *c, nb_net *net, int layer)
{
    nb_layer *at = net->layer.child[layer - 1];
    const nb_param *w = nb_layer_param(at, "w");
    const nb_tuned second = {.neuron = 1, .frozen = true, .factor = 1, .name = "second"};
    nb_tensor *mask = nb_tensor_zeros(c, NB_U8, w->dims, w->shape);
    assert_int_equal(nb_layer_tune(c, at, &second), NB_OK);
    assert_int_equal(nb_layer_add_mask(c, at, &at->tuning, "w", mask), NB_OK);
    nb_tensor_release(c, mask);
    mask = nb_tuning_mask(&at->tuning, "w");
    for (int64_t i = 0; i < nb_tensor_count(mask); i += 2) ((uint8_t *)nb_tensor_data(mask))[i] = 1;
}

#endif
