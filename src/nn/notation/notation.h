/* clang-format off */
/* The notation of networks, "64 - 30 - 10 : quadratic", and the networks that it is read into.
 *
 *   net    = shape [READ] ("-" item)+ [":" NAME option*]
 *   shape  = size ("x" size)*                      one word; size = INT | "*", a size that is free
 *   READ   = "space" | "steps"                     how it is read, where its sizes leave it open
 *   list   = item ("-" item)*
 *   item   = INT tail | LAYER arg* tail            a bare size is a dense layer
 *          | "@" (NAME | INT ("." INT)*)           the layer of that name or path again, shared
 *          | INT "*" "[" list "]" | BLOCK "[" [list] ("|" [list])* "]" (FLAG | option)*
 *   arg    = INT | NUMBER | INT ("x" INT)+
 *   tail   = (FLAG | option | act ["@" INT [".." INT]])*    relu@7: neurons that differ, from 1
 *   act    = NAME [args]
 *   option = NAME "=" value
 *   value  = ["-"] (INT | NUMBER) | INT "x" INT | NAME [args]
 *   args   = "(" NAME "=" value ("," NAME "=" value)* ")"
 *
 * Names begin with a letter or '_' and go on with those and digits. White space, newlines included,
 * may stand between any two parts, and must where two would read as one. '-' is a sign only behind
 * '='. FLAG is the bare name of a yes-or-no option of the layer. Words of layers, flags and
 * activations are disjoint.
 *
 * @name is the layer of that name that stands before in the same list, or before the list in the
 * one around it, and so on outward; a network in brackets ends the search. A path, @3.1, is what
 * texts say that are written from networks, of layers that no name reaches: the numbers of the
 * layer and of those that it stands in, from 1. */
/* clang-format on */
#ifndef NB_NOTATION_H
#define NB_NOTATION_H

#include "nn/net/net.h"
#include "nn/notation/resolver.h"

/* A network without a plan; the cost is the quadratic one where none is written. NULL with NB_EARG
 * shows the text with the place marked and says what was expected. resolver may be NULL. */
nb_net *nb_notation_parse(nb_ctx *ctx, const char *text, const nb_resolver *resolver);
/* One item of it ("dense 30 relu", "residual[30 - 30]"), for tables that hold strings. */
nb_layer *nb_notation_parse_layer(nb_ctx *ctx, const char *text, const nb_resolver *resolver);
/* A list of items ("30", "30 - 10", "4*[30]"), added to the block's last branch, whose layers @name
 * finds. Where it fails some may have been added. */
nb_status nb_notation_parse_into(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                 nb_layer *block);

/* A value alone: "leaky_relu(slope=0.2)", "constant(value=2)", "huber delta=2" as it stands behind
 * ':'. NB_EARG in the same words, without the text. */
nb_status nb_notation_activation(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                 nb_activation *activation);
nb_status nb_notation_init(nb_ctx *ctx, const char *text, nb_init *init);
nb_status nb_notation_cost(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                           nb_cost *cost);
/* The same for the field of any option of kind NB_CHOSEN; on failure it is untouched. */
nb_status nb_notation_option(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                             const nb_option *option, void *target);

/* True for what notation reads as one name of at most NB_NAME_MAX - 1 letters: names of layers, and
 * of the host's activations and costs. */
bool nb_notation_is_name(const char *name);

#endif
