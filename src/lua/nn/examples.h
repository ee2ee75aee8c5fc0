/* Examples as methods are given them. */
#ifndef NBL_EXAMPLES_H
#define NBL_EXAMPLES_H

#include "lua/nbl.h"
#include "nn/data/set.h"
#include "nn/examples.h"

/* Examples as a method is given them: x and y, or a data set. Borrowed from the stack. */
typedef struct nbl_examples {
    nb_set *set;    /* NULL: x and y */
    bool sequences; /* set is of a list of tensors that the call was given */
    nb_tensor *x, *y;
    bool targets; /* y is wanted */
} nbl_examples;
/* Reads them from `arg` on and returns the argument behind them. */
int nbl_read_examples(lua_State *L, int arg, const nb_net *net, const char *whose, bool targets,
                      nbl_examples *out);

/* The same prepared for the core. */
typedef struct nbl_batch {
    nb_tensor *x, *y;   /* y is NULL where there are no targets */
    nb_tensor *lengths; /* of padded sequences, else NULL */
    bool single;        /* x was one example */
} nbl_batch;
nb_status nbl_prepare(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      nbl_batch *batch);
void nbl_batch_free(nb_ctx *ctx, nbl_batch *batch);
/* A data set of the examples: the one given (one more reference), or one of x and y as targets. */
nb_set *nbl_examples_set(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples);

#endif
