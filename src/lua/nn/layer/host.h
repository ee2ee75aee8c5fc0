/* Functions of Lua where the core expects its own: activations, costs and layers.
 *
 * The core's struct lives in the userdata of a handle, the Lua function in its uservalue. The core
 * holds the address of the struct only, so whoever gives it to the core keeps the handle: a network
 * has a table of those that it uses (keep.h).
 */
#ifndef NBL_HOST_H
#define NBL_HOST_H

#include "lua/nbl.h"
#include "nn/notation/notation.h"

/* The name of a function that was given without one. */
#define NBL_NAMELESS "<function>"

/* The activation at `arg`: a name, a function or a handle. What had to be found or made replaces
 * the argument, so that it lives as long as the call. Raises for names that nobody knows, with the
 * nearest. */
nb_activation nbl_to_activation(lua_State *L, int arg);
/* A handle for a built-in one on the stack's top; and what a handle at `arg` stands for, or NULL.
 */
extern const nbl_kind nbl_activation_kind;
void nbl_new_built_in(lua_State *L, const nb_activation_type *type);
const nb_activation_type *nbl_test_activation(lua_State *L, int arg);
/* The cost at `arg` likewise. */
nb_cost nbl_to_cost(lua_State *L, int arg);
/* The function at `arg` as a metric, (a, y) → number; the handle is pushed. */
const nb_cost_type *nbl_new_metric(lua_State *L, int arg, const char *name);
/* The function at `arg` as a layer's; the handle is pushed. `name` may be "". */
const nb_host_function *nbl_new_layer_function(lua_State *L, int arg, const char *name);

/* Pushes what the user calls an activation (a cost): the name of one that is built in or
 * registered, the function that was given without a name, else the handle. */
void nbl_push_activation(lua_State *L, nb_activation activation);

/* Raises unless `name` is one that notation can hold. */
void nbl_check_word(lua_State *L, const char *whose, const char *name);
/* Names that were registered, for notation and files. Whatever it finds is added to the set at
 * stack index `found` of the state that is in the core. */
typedef struct nbl_names {
    lua_State *L;
    int found;
    nb_resolver resolver;
} nbl_names;
/* Fills `names`, which must stay where it is while its resolver is used. */
void nbl_names_init(nbl_names *names, lua_State *L, int found);

/* Adds nn.activation and nn.cost to the table on the stack's top. */
void nbl_open_host(lua_State *L);
/* Adds nn.sigmoid and all other built-in activations, as functions, and lets handles be called. */
void nbl_open_activations(lua_State *L);

#endif
