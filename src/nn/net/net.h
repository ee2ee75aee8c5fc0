/* A network: a tree of layers over three flat vectors, parameters, gradients and buffers.
 *
 * A network is itself a layer, of type `net`, whose children are its layers; so it can stand in
 * another, which then owns the storage: its own flat vectors become views of the other's, and it
 * still trains alone. Building is a plan (shapes and lists, no memory), then storage. A network
 * without storage is what notation and tables are read into. */
#ifndef NB_NET_H
#define NB_NET_H

#include "grad/tape.h"
#include "nn/cost.h"
#include "nn/data/schema.h"
#include "nn/layer.h"

enum { NB_INPUT_DIMS_MAX = NB_MAX_DIMS - 1 }; /* of one example: a batch has one more */

/* The largest size and neuron number that can be written. */
#define NB_SIZE_MAX ((int64_t)1 << 31)

struct nb_net {
    nb_layer layer; /* of type net; its children are the layers */
    int in_dims;    /* what the user said of the input; a nested network may leave it out (0) */
    int64_t in_size[NB_MAX_DIMS]; /* below 0: free */
    nb_reading in_reading; /* NB_STEPS or NB_SPACE where the user said it; else as the sizes say */
    nb_cost cost;
    nb_schema schema; /* of what it learned from; its scale is the first thing of every pass */
    nb_net *outer;    /* the network that this one stands in, NULL: none; borrowed */

    /* From the plan on. Lists of what is the layers', shared ones once. */
    nb_layer **part; /* every layer once, in the order of its first place; owned references */
    int parts;
    nb_param **param;
    int params;
    nb_param **buffer;
    int buffers;

    /* From the storage on. */
    nb_dtype dtype;
    nb_tensor *values;  /* flat parameters; of a nested network a view of its root's */
    nb_tensor *grads;   /* flat gradients, likewise */
    nb_tensor *figures; /* flat buffers, likewise */
    nb_tensor *whole;   /* the flat parameters that the storage holds: the root's */
    nb_home *home;      /* of their gradients; says what grads holds */
    uint64_t seed;      /* of the last reset */
    uint64_t lessons;   /* of a root: how often a step, or going back, gave it other parameters */
};

/* An empty one, not planned: add layers with nb_layer_add(&net->layer, …). */
nb_net *nb_net_new(nb_ctx *ctx);
nb_net *nb_net_retain(nb_net *net);
/* NULL is allowed. Layers and nested networks that others still hold stay whole, with the values
 * that they have. */
void nb_net_release(nb_ctx *ctx, nb_net *net);
/* The network that a layer of type net is, else NULL. */
nb_net *nb_net_of(const nb_layer *layer);
/* For a network that goes: its layers and nested networks that others hold stand alone now. */
void nb_net_let_go(nb_net *net);
/* Gives back lists and flat vectors of a network that has them. */
void nb_net_drop_lists(nb_ctx *ctx, nb_net *net);
/* The network whose storage holds this one's. */
nb_net *nb_net_root(nb_net *net);

/* What becomes of a tree: a plan for every layer, in the order of their first places (the network
 * itself first). */
typedef struct nb_planned {
    nb_layer *layer; /* borrowed from the tree */
    nb_plan *plan;
    nb_net *owner; /* NULL: the root */
    bool whole;    /* planned through, with all that stands in it */
} nb_planned;

typedef struct nb_plans {
    nb_planned *list;
    int count, room;
} nb_plans;

/* Shapes and lists of the whole tree, checked; no tensors, and nothing of the tree changes. NULL
 * with NB_ESHAPE or NB_EARG: the layer by its path, the shapes and the fix. A second parent is
 * refused, and so is a network that stands in itself, or whose values live records will read. */
nb_plans *nb_net_plan(nb_ctx *ctx, nb_net *net);
/* The same for storage in `dtype`, of a network whose layers are to be `top`'s children. Functions
 * of the host run meanwhile: they may use the network as it is, but change no layer that was
 * planned. */
nb_plans *nb_net_plan_of(nb_ctx *ctx, nb_net *net, const nb_layer *top, nb_dtype dtype);
/* NULL is allowed. */
void nb_plans_free(nb_ctx *ctx, nb_plans *plans);
/* Storage in `dtype` for a tree that is planned; every parameter as it begins, but layers that had
 * values keep them where shapes fit. Takes the plans over. On failure nothing has changed. */
nb_status nb_net_store(nb_ctx *ctx, nb_net *net, nb_plans *plans, nb_dtype dtype, uint64_t seed);
/* Both, of the layers that it has. */
nb_status nb_net_build(nb_ctx *ctx, nb_net *net, nb_dtype dtype, uint64_t seed);
/* The input that it has, or would have, alone: what the user said of it, else, planned in another,
 * what comes to it there. Free sizes are -1, -2, … */
nb_form nb_net_input(const nb_net *net);
/* The forms of one example of a planned network. */
const nb_form *nb_net_in(const nb_net *net);
const nb_form *nb_net_out(const nb_net *net);
/* Of a network that takes and gives steps of a free number: how many it gives for so many; below 1
 * where they are too few for a window. */
int64_t nb_net_steps(const nb_net *net, int64_t steps);
/* What inputs that are given in a dtype come in: NB_I32 where they are words
 * (nb_layer_takes_words); NB_F64 where they are scaled and f32 might not hold them before; else the
 * network's dtype. */
nb_dtype nb_net_in_dtype(const nb_net *net, nb_dtype given);

/* A deep copy with its own parameters and buffers, in `dtype`: layers, activations' runs, nested
 * networks. Of a nested network: one that stands alone. */
nb_net *nb_net_clone(nb_ctx *ctx, nb_net *net, nb_dtype dtype);
/* Brings a network (the root) to another dtype; the storage moves. */
nb_status nb_net_convert(nb_ctx *ctx, nb_net *net, nb_dtype dtype);
/* Begins all parameters and buffers anew, and forgets what it learned from: its schema. */
nb_status nb_net_reset(nb_ctx *ctx, nb_net *net, uint64_t seed);
/* The scale in which it sees x from now on; NULL: x as it is. NB_ESHAPE where that does not fit its
 * examples, NB_EARG where those are words. */
nb_status nb_net_set_scale(nb_ctx *ctx, nb_net *net, nb_scale *scale);
/* The path of one of its layers below it: "3.1", also where the network stands in another. */
const char *nb_net_path(const nb_net *net, const nb_plan *plan);
/* Numbers in the flat vector of parameters. */
int64_t nb_net_count(const nb_net *net);

/* Changes of a network that stands alone, layers counted from 0. What fits keeps its values, the
 * rest begins as `seed` draws it. On failure nothing has changed. */
nb_status nb_net_append(nb_ctx *ctx, nb_net *net, nb_layer *const *layer, int count, uint64_t seed);
nb_status nb_net_replace(nb_ctx *ctx, nb_net *net, int at, nb_layer *layer, uint64_t seed);
/* Takes layers first … last out. */
nb_status nb_net_cut(nb_ctx *ctx, nb_net *net, int first, int last, uint64_t seed);

/* The layer called `name` as notation reads @name from a place whose enclosing blocks are
 * list[0] … list[depth - 1]: in the innermost first, then outward up to the nearest network; among
 * the first before[i] children of each. NULL: none. */
nb_layer *nb_layer_find_name(nb_layer *const *list, const int *before, int depth, const char *name);
/* Gives a layer another name, "" for none. NB_EARG for one that notation could not hold, or that
 * another layer beside it has. */
nb_status nb_net_rename(nb_ctx *ctx, nb_layer *layer, const char *name);
/* The layer at a path of numbers from 1 and names, "3.1" or "head.2", or NULL with NB_EARG. */
nb_layer *nb_net_layer(nb_ctx *ctx, nb_net *net, const char *path);

#endif
