/* Examples as methods are given them. */
#ifndef NBL_EXAMPLES_H
#define NBL_EXAMPLES_H

#include "lua/nbl.h"
#include "nn/data/set.h"
#include "nn/train/judge/weights.h"

/* Examples as a method is given them: x and y, or a data set. Borrowed from the stack. */
typedef struct nbl_examples {
    nb_set *set;    /* NULL: x and y */
    bool sequences; /* set is of a list of tensors that the call was given */
    nb_tensor *x, *y;
    nb_weighing weights;
    bool targets; /* y is wanted */
} nbl_examples;
/* What of them is wanted, and what for. */
typedef enum nbl_wanted {
    NBL_X,
    NBL_X_AND_Y,
    NBL_TO_LEARN /* both: names that the network does not know are new ones, no mistake */
} nbl_wanted;
/* Reads them from `arg` on and returns the argument behind them. Class and word numbers of a data
 * set become those of the network, by their names (nb_set_in_schema). */
int nbl_read_examples(lua_State *L, int arg, const nb_net *net, const char *whose,
                      nbl_wanted wanted, nbl_examples *out);
/* The data set at `arg` in the numbers of a schema; what had to be made takes its place there.
 * `what` it is, "test", begins the message of a failure. */
nb_set *nbl_set_in_schema(lua_State *L, int arg, const char *what, const nb_schema *schema);

/* How much they count, an option of all that takes their cost; its field is an int. */
#define NBL_WEIGHTS_OPTION(at)                                                                     \
    {                                                                                              \
        .name = "weights",                                                                         \
        .help = "how much examples count: numbers from 0, one for each class or each example, or " \
                "by the classes' names, {cat = 2}, where others count 1; where as many examples "  \
                "as classes leave it open, {classes = {…}} or {examples = {…}}; the cost is "  \
                "Σ w C_x / Σ w",                                                                   \
        .standard = "all count alike", .kind = NB_HOST, .offset = (at)                             \
    }
/* Reads that option's value, at `at` (0: not given), for examples that were read. */
void nbl_read_weights(lua_State *L, int at, nbl_examples *examples);
/* Reads a trailing table at `arg` that holds no other option, and nothing may follow. */
extern const nb_option nbl_weights_fields[];
void nbl_read_weights_table(lua_State *L, int arg, nbl_examples *examples);

/* The same prepared for the core. */
typedef struct nbl_batch {
    nb_tensor *x, *y;   /* y is NULL where there are no targets */
    nb_tensor *weights; /* of the examples, or of their places; NULL: all count alike */
    nb_tensor *lengths; /* of padded sequences, else NULL */
    bool single;        /* x was one example */
} nbl_batch;
nb_status nbl_prepare(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      nbl_batch *batch);
void nbl_batch_free(nb_ctx *ctx, nbl_batch *batch);
/* A data set of the examples: the one given (one more reference), or one of x and y as targets. */
nb_set *nbl_examples_set(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples);

#endif
