/* Examples as a network takes them: shapes, dtypes, and what y holds for it. */
#ifndef NB_EXAMPLES_H
#define NB_EXAMPLES_H

#include "nn/net/pass.h"

/* x as (n, in_shape…) in the dtype that the net's inputs come in (nb_net_in_dtype), which must hold
 * its numbers; words take no gradient. *single says that x was one example. NULL with NB_ESHAPE
 * "x is 60; the network takes examples of 64, so 64 or nx64". */
nb_tensor *nb_net_inputs(nb_ctx *ctx, const nb_net *net, nb_tensor *x, bool *single);

/* Numbers of one answer of the net: its units, of space the channels at one place. */
int64_t nb_net_units(const nb_net *net);
/* Whether y of so many dimensions, sizes of one example, is classes for the net: numbers 1…K for
 * outputs (…, K), of space (K, …), one dimension fewer and more than one unit. */
bool nb_net_takes_classes(const nb_net *net, int dims, const int64_t *shape);
/* Whether the net's cost takes class numbers as they are (NB_I32), so that nobody makes them rows
 * of a 1 among zeros; on space it always does. */
bool nb_net_wants_classes(const nb_net *net);
/* Whether y is read as class numbers for n examples, one for each answer. */
bool nb_net_given_classes(const nb_net *net, const nb_tensor *y, int64_t n);
/* Those numbers checked, as NB_I32 (n, …); NB_EARG as below. */
nb_tensor *nb_net_class_numbers(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n);
/* Such numbers as the cost takes them: what nb_net_targets makes of y where it is class numbers for
 * sure, also where its shape could be that of one example's targets. */
nb_tensor *nb_net_class_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n);
/* Targets (n, out_shape…) in the net's dtype, or class numbers for a cost that takes them, from
 * targets or class numbers 1…K of any dtype. NB_EARG for classes outside, which names example and
 * place, with a word about counting from 0. */
nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n);

#endif
