/* What a network is as text, for the tests of notation and of the table. */
#ifndef WRITTEN_H
#define WRITTEN_H

#include "base/text.h"
#include "nn/net/net.h"

typedef void write_fn(nb_text *text, const nb_net *net);

/* The network that notation says, built in f32, or a failed test. */
nb_net *built(nb_ctx *ctx, const char *notation);
void assert_text(nb_ctx *ctx, write_fn *write, const nb_net *net, const char *expected);
/* Of the network that notation says. */
void assert_written(nb_ctx *ctx, write_fn *write, const char *notation, const char *expected);

#endif
