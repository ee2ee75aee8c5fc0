/* Optimizers as objects: nn.sgd{lr = 3}, with fields that can be read and set. */
#ifndef NBL_OPTIMIZER_H
#define NBL_OPTIMIZER_H

#include "lua/nbl.h"
#include "nn/net/net.h"
#include "nn/train/optimizer.h"

#include <math.h>
#include <stddef.h>

/* What train and step say of their optimizer. */
typedef struct nbl_optimizer_choice {
    int optimizer;       /* stack index of a name or an object; 0: sgd */
    double lr, momentum; /* NaN: not given */
} nbl_optimizer_choice;

/* The options that train and step share, into an nbl_optimizer_choice at `at`. */
#define NBL_LR_OPTION(at)                                                                          \
    {                                                                                              \
        .name = "lr", .help = "learning rate, the book's η (eta)", .range = "a number above 0",    \
        .standard = "what suits network and cost", .value = NAN, .high = HUGE_VAL, .above = true,  \
        .kind = NB_NUMBER, .offset = (at) + offsetof(nbl_optimizer_choice, lr)                     \
    }
#define NBL_OPTIMIZER_OPTION(at)                                                                   \
    {                                                                                              \
        .name = "optimizer",                                                                       \
        .help = "a name, for a fresh one, or an object such as nn.adam(), which keeps its state",  \
        .standard = "sgd", .kind = NB_HOST,                                                        \
        .offset = (at) + offsetof(nbl_optimizer_choice, optimizer)                                 \
    }
/* Of runs alone, likewise. */
#define NBL_MOMENTUM_OPTION(at)                                                                    \
    {                                                                                              \
        .name = "momentum", .help = "of the optimizer", .range = "a number from 0, below 1",       \
        .standard = "the optimizer's own", .value = NAN, .high = 1 - 0x1p-53, .kind = NB_NUMBER,   \
        .offset = (at) + offsetof(nbl_optimizer_choice, momentum)                                  \
    }

/* The object at `arg`, or NULL. */
nb_optimizer *nbl_test_optimizer(lua_State *L, int arg);
/* The object that was chosen, on the stack's top: the one given, or a fresh one with lr and
 * momentum, and with the lr that suits the network where none is given. An object together with lr
 * or momentum is an error that says where to set it. */
nb_optimizer *nbl_choose_optimizer(lua_State *L, const char *whose,
                                   const nbl_optimizer_choice *choice, const nb_net *net);

/* Adds a constructor for every optimizer to the table on the stack's top. */
void nbl_open_optimizers(lua_State *L);

#endif
