/* What train and step are told of penalties on large weights and of bounds on the gradient. */
#ifndef NBL_PENALTY_H
#define NBL_PENALTY_H

#include "lua/nbl.h"
#include "nn/train/optimizer.h"

#include <math.h>
#include <stddef.h>

typedef struct nbl_penalty_choice {
    double l1, l2, decay; /* decay NaN: not given */
    int clip;             /* stack index of a number or {value = number}; 0: none */
} nbl_penalty_choice;

#define NBL_PENALTY_NUMBER(at, field, standard_words, begin, words)                                \
    {                                                                                              \
        .name = #field, .help = words, .range = "a number from 0", .standard = standard_words,     \
        .value = begin, .high = 1e30, .kind = NB_NUMBER,                                           \
        .offset = (at) + offsetof(nbl_penalty_choice, field)                                       \
    }
/* The options that train and step share, into an nbl_penalty_choice at `at`. */
#define NBL_PENALTY_OPTIONS(at)                                                                    \
    NBL_PENALTY_NUMBER(                                                                            \
        at, l2, NULL, 0,                                                                           \
        "λ of the book: the gradient of a weight w is greater by λ/n w, where n is "             \
        "the number of examples; biases are left alone, and costs that are shown "                 \
        "are the data's (net[l].decay says otherwise)"),                                           \
        NBL_PENALTY_NUMBER(at, l1, NULL, 0, "likewise λ/n times the sign of w"),                   \
        NBL_PENALTY_NUMBER(at, decay, "none, or the optimizer's own", NAN,                         \
                           "weights shrink by lr * decay of themselves beside the step"),          \
    {                                                                                              \
        .name = "clip",                                                                            \
        .help = "the gradient as a whole is made no longer than this; {value = 1}: no number of "  \
                "it larger",                                                                       \
        .standard = "none", .kind = NB_HOST, .offset = (at) + offsetof(nbl_penalty_choice, clip)   \
    }

/* The penalty that was chosen, for an optimizer that was `made` for it or is the user's object. One
 * with a decay of its own takes what was given; an object beside it is an error that says where to
 * set it. */
nb_penalty nbl_read_penalty(lua_State *L, const char *whose, const nbl_penalty_choice *choice,
                            nb_optimizer *optimizer, bool made);

#endif
