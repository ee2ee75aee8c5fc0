/* Optimizers as objects: nn.sgd{lr = 3}, with fields that can be read and set. */
#ifndef NBL_OPTIMIZER_H
#define NBL_OPTIMIZER_H

#include "lua/nbl.h"
#include "nn/train/optimizer.h"

/* What train and step say of their optimizer. */
typedef struct nbl_optimizer_choice {
    int optimizer;       /* stack index of a name or an object; 0: sgd */
    double lr, momentum; /* NaN: not given */
} nbl_optimizer_choice;

/* The object at `arg`, or NULL. */
nb_optimizer *nbl_test_optimizer(lua_State *L, int arg);
/* The object that was chosen, on the stack's top: the one given, or a fresh one with lr and
 * momentum. An object together with lr or momentum is an error that says where to set it. */
nb_optimizer *nbl_choose_optimizer(lua_State *L, const char *whose,
                                   const nbl_optimizer_choice *choice);

/* Adds a constructor for every optimizer to the table on the stack's top. */
void nbl_open_optimizers(lua_State *L);

#endif
