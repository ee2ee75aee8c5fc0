/* Options that several optimizers have, for their lists. */
#ifndef NB_OPTIMIZER_OPTIONS_H
#define NB_OPTIMIZER_OPTIONS_H

#include "base/family.h"
#include "nn/train/optimizer.h"
#include "nn/train/update.h"

#define AT(field) offsetof(nb_optimizer_options, field)

/* Below 1 by enough that 1 - share is no rounding error. */
#define NB_SHARE_MOST 0.9999999

#define NB_LR(standard)                                                                            \
    {                                                                                              \
        .name = "lr", .help = "learning rate, the book's η (eta)", .range = "a number above 0",    \
        .value = (standard), .high = 1e30, .above = true, .kind = NB_NUMBER, .offset = AT(lr)      \
    }
#define NB_EPSILON(standard, words)                                                                \
    {                                                                                              \
        .name = "epsilon", .help = words, .range = "a number above 0", .value = (standard),        \
        .high = 1, .above = true, .kind = NB_NUMBER, .offset = AT(epsilon)                         \
    }
/* A share from 0, below 1. */
#define NB_SHARE(field, standard, words)                                                           \
    {                                                                                              \
        .name = #field, .help = words, .range = "a number from 0 to below 1", .value = (standard), \
        .high = NB_SHARE_MOST, .kind = NB_NUMBER, .offset = AT(field)                              \
    }
#define NB_FROM_ZERO(field, standard, words)                                                       \
    {                                                                                              \
        .name = #field, .help = words, .range = "a number from 0", .value = (standard),            \
        .high = 1e30, .kind = NB_NUMBER, .offset = AT(field)                                       \
    }
#define NB_ABOVE_ZERO(field, standard, words)                                                      \
    {                                                                                              \
        .name = #field, .help = words, .range = "a number above 0", .value = (standard),           \
        .high = 1e30, .above = true, .kind = NB_NUMBER, .offset = AT(field)                        \
    }
#define NB_FLAG(field, words)                                                                      \
    {                                                                                              \
        .name = #field, .help = words, .range = "true or false", .high = 1, .kind = NB_BOOLEAN,    \
        .offset = AT(field)                                                                        \
    }

#endif
