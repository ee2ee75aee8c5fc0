/* Layers: a descriptor per kind, and the layer itself, which exists before it is part of a network:
 * what the user said of it (its settings, its children), and, once it is part of one, its plan.
 *
 * Layers are counted: their parents' and their handles' references keep them. A layer is part of
 * one network at most, its owner; within that it may stand at several places and is then shared. */
#ifndef NB_LAYER_H
#define NB_LAYER_H

#include "base/option.h"
#include "nn/edges.h"
#include "nn/form.h"
#include "nn/init.h"
#include "nn/runs.h"
#include "nn/tuning.h"

enum {
    NB_LAYER_DEPTH = 64,     /* of networks and blocks in one another */
    NB_LAYER_PLACES = 10000, /* of layers in one another and beside, shared ones at each place */
    NB_LAYER_SETTINGS = 512, /* bytes of a type's settings */
    NB_PATH_MAX = 320,       /* "3.1.4": numbers of a layer and of those that it stands in */
    NB_WHERE_MAX = NB_PATH_MAX + NB_NAME_MAX + 16
};

typedef struct nb_layer nb_layer;
typedef struct nb_layer_type nb_layer_type;
typedef struct nb_net nb_net;
typedef struct nb_walk nb_walk;
typedef struct nb_planner nb_planner;
typedef struct nb_sums_type nb_sums_type; /* nn/sums.h */

/* A parameter, or a buffer: figures of a layer that are saved and cloned and never learned. Its
 * place is a stretch of the network's flat vector of either. */
typedef struct nb_param {
    char name[NB_NAME_MAX];
    int dims;
    int64_t shape[NB_MAX_DIMS];
    int64_t start, count;    /* in the flat vector of the network that owns the storage */
    nb_init init;            /* how it begins */
    nb_tensor *begin;        /* the values that it begins with instead, or NULL; owned */
    bool once;               /* … when it is stored first, not at a reset */
    int64_t fan_in, fan_out; /* connections into and out of a neuron */
    int neuron_dim;          /* the dimension that counts the neurons; -1: none */
    bool decays;             /* weight decay touches it: weights, not biases */
    nb_tensor *value;        /* a view of the flat vector; a leaf with a home, but of buffers */
    nb_tensor *still;        /* value without its leaf: what a frozen layer computes with */
} nb_param;

/* What a layer is at its place: shapes and lists, without storage until the plan is installed. */
typedef struct nb_plan {
    char path[NB_PATH_MAX];   /* "3.1", of its first place */
    char where[NB_WHERE_MAX]; /* "layer 3.1 (name)", for messages */
    nb_form in, out;
    int64_t neurons; /* 0: none */
    nb_runs *runs;   /* NULL where there are no neurons */
    nb_param *param; /* a list of `params`, in the order of the flat vector */
    int params;
    nb_param *buffer;
    int buffers;
    nb_layer *tied;   /* whose w is this layer's too, and is listed, counted and kept there; a
                         reference of its own; NULL: none */
    nb_shared *chain; /* what one op for the dense layers from here on needs (nn/net/chain.h), or
                         NULL */
    int place;  /* number of its first place, depth first through the root, from 0; -1: the root */
    int places; /* that it and its children take */
    int uses;   /* places at which it stands */
} nb_plan;

/* Gives back a plan. NULL is allowed. */
void nb_plan_drop(nb_ctx *ctx, nb_plan *plan);
/* Puts a new name into its `where`. */
void nb_plan_name(nb_plan *plan, const char *name);

/* What every kind of layer may be told. A type's settings begin with it. */
typedef struct nb_layer_head {
    char name[NB_NAME_MAX];   /* "" for none */
    nb_init init;             /* type NULL: the activation's */
    nb_activation activation; /* type NULL: the type's default, sigmoid */
    bool frozen;              /* training leaves its parameters as they are */
} nb_layer_head;

/* What the user says of one parameter: its shape, where the layer is a function, and how it begins.
 */
typedef struct nb_param_spec {
    char name[NB_NAME_MAX];
    int dims; /* -1: the layer knows its shape */
    int64_t shape[NB_MAX_DIMS];
    nb_init init;     /* type NULL: the layer's, or zeros where it has one dimension */
    nb_tensor *value; /* or NULL; owned */
    bool once;        /* value is of a copied layer: a reset draws anew */
} nb_param_spec;

/* Which parameters penalties on large weights touch. */
typedef enum nb_decay { NB_DECAY_WEIGHTS, NB_DECAY_ALL, NB_DECAY_NONE } nb_decay;

struct nb_layer {
    size_t refs;
    const nb_layer_type *type;
    union { /* the type's settings, which begin with the head */
        nb_layer_head head;
        unsigned char settings[NB_LAYER_SETTINGS];
    };
    nb_run *differs; /* neurons with activations of their own, before they have runs; owned */
    int64_t differ_count;
    const nb_host_function *host; /* of type fn: borrowed from the host */
    nb_param_spec *spec;          /* a list of `specs`, owned */
    int specs;
    nb_layer **child; /* of all branches, in order; owned references */
    int children, room;
    int height;  /* of the blocks and networks in one another, its own included; 0: it has no
                    children */
    int places;  /* that it and all below it take */
    int *branch; /* the number of each branch's first child; branches may be empty */
    int branches;
    nb_net *owner; /* the network that it is part of, NULL: none yet; borrowed */
    nb_plan *plan; /* NULL before it was part of one; owned */
    bool planning; /* a plan under way counts on it: it stays where it is, and so do its children */
    double factor; /* of the learning rate */
    nb_decay decay;
    nb_tuning tuning; /* of single neurons and weights */
};

/* Which of a layer's two results forward gives. */
typedef enum nb_output { NB_GIVE_A, NB_GIVE_Z } nb_output;

/* What one example costs a layer by itself, without what stands in it; free sizes count as 1. */
typedef struct nb_price {
    double products; /* multiplications of its weights with what comes to it, forward */
    double kept;     /* numbers that a training pass makes of it and keeps for backward */
} nb_price;

/* Whether a layer can answer step by step (net:stream()), with what came before in mind. */
typedef enum nb_streaming {
    NB_STREAM_EACH = 1, /* it works on each step alone, or on what its children give */
    NB_STREAM_STATE,    /* it goes on from what it keeps: nb_walk_state and nb_walk_remember, one
                           tensor for a place, where mode.state is not NULL */
    NB_STREAM_NEVER     /* it needs the whole sequence */
} nb_streaming;

struct nb_layer_type {
    const char *name;
    const char *help;    /* one line */
    const char *usage;   /* "dense UNITS [ACTIVATION] [OPTIONS]" */
    const char *example; /* Lua that runs */
    /* Networks in notation, "; " between them, in which the layer stands with each of its options:
     * for the gradient check. Required but of table_only ones. */
    const char *samples;
    const nb_option *options; /* of its settings, the head's included (NB_LAYER_OPTIONS) */
    bool neurons;             /* takes an activation */
    bool words;               /* takes whole numbers, which stay integers up to it */
    bool moves;               /* gives its input's numbers as they are, integers too */
    bool table_only;          /* needs what notation cannot say */
    bool normalises;          /* by the figures of the batch, while learning */
    bool draws;               /* by chance, while learning */
    bool gradual;             /* what it reads and writes at a time is small, however large a batch
                                 is: image by image, or step by step */
    int branches;             /* the most that it may have; 0: no children */
    bool adds;                /* what its branches give is added, else put side by side */
    nb_streaming streaming;   /* required */
    /* Of a planned layer: why it cannot answer step by step, behind its place: "reads each sequence
     * from its end too (both)", and behind "; " what would; NULL: it can. Required of
     * NB_STREAM_NEVER; of the others where their settings decide. */
    const char *(*whole)(const nb_layer *layer);
    /* Of a planned layer: the steps that it makes of so many, below 1 for none. NULL: as many. */
    int64_t (*steps)(const nb_layer *layer, int64_t steps);
    /* Of a planned layer. NULL: that of nb_price_usual. */
    nb_price (*price)(const nb_layer *layer);
    /* How it computes z = w a + b. NULL: it does not. */
    const nb_sums_type *sums;
    size_t bytes; /* of a struct that begins with nb_layer; 0: nb_layer itself */
    /* Gives back what the struct holds besides a layer; or NULL. */
    void (*free)(nb_ctx *ctx, nb_layer *layer);
    /* Copies what the struct says besides a layer's settings; or NULL. */
    void (*copy)(nb_layer *copy, const nb_layer *of);
    /* plan->in and where are set: sets out, neurons and the parameters' shapes (nb_plan_param), or
     * says why not: NB_ESHAPE, NB_EARG with plan->where. Changes nothing of the layer. */
    nb_status (*plan)(nb_planner *planner, const nb_layer *layer, nb_plan *plan);
    /* Whether its one activation, an option of the head, may be this: else NB_EARG with
     * plan->where. NULL: it has none, or its neurons have one each. */
    nb_status (*accepts)(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                         nb_activation activation);
    /* x: (n, in…) → (n, out…), by ops. NB_GIVE_Z is asked of layers with neurons, and of networks
     * that end in one. */
    nb_tensor *(*forward)(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give);
    /* Whether it may do what `next`, the layer behind it, does along with its own where nobody
     * looks on, with the same bits; and both. NULL: never. */
    bool (*takes)(const nb_layer *layer, const nb_layer *next);
    nb_tensor *(*forward_both)(nb_walk *walk, nb_layer *layer, nb_layer *next, nb_tensor *x);
    /* Evaluating, of a layer without children: calls `see` for all that number `out` of z hangs on,
     * row by row and, of a neuron, input by input. NULL: its z is not so made of single numbers. */
    void (*edges)(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self);
};

typedef enum nb_layer_id {
#define X(name) NB_LAYER_##name,
#include "nn/layers.def"
#undef X
    NB_LAYERS
} nb_layer_id;

extern const nb_layer_type *const nb_layer_types[NB_LAYERS];
const nb_layer_type *nb_layer_find(const char *name);
const char *nb_layer_name_at(const void *list, size_t i);

/* The head's options: of all layers, and of those whose weights are drawn as their activation has
 * it. `init` stands in the list of a type where it changes how something begins, nowhere else. */
#define NB_LAYER_PLAIN_OPTIONS NB_OPTION_NAME, NB_OPTION_FROZEN
#define NB_LAYER_OPTIONS       NB_OPTION_INIT("the activation's own"), NB_LAYER_PLAIN_OPTIONS
#define NB_OPTION_ACTIVATION                                                                       \
    {                                                                                              \
        .name = "activation",                                                                      \
        .help = "a name, with options such as leaky_relu(slope=0.2); in tables also a function",   \
        .standard = "sigmoid", .kind = NB_CHOSEN, .family = &nb_activation_family,                 \
        .offset = offsetof(nb_layer_head, activation)                                              \
    }
#define NB_OPTION_INIT(usual)                                                                      \
    {                                                                                              \
        .name = "init", .help = "how the weights begin", .standard = usual, .kind = NB_CHOSEN,     \
        .family = &nb_init_family, .offset = offsetof(nb_layer_head, init)                         \
    }
#define NB_OPTION_NAME                                                                             \
    {                                                                                              \
        .name = "name", .help = "the layer's name", .standard = "none", .kind = NB_NAME,           \
        .offset = offsetof(nb_layer_head, name)                                                    \
    }
/* Of a type whose settings, of type `type`, have a bool called bias. */
#define NB_OPTION_BIAS(type)                                                                       \
    {                                                                                              \
        .name = "bias", .help = "false: the layer has no b", .value = 1, .kind = NB_BOOLEAN,       \
        .offset = offsetof(type, bias)                                                             \
    }
#define NB_OPTION_FROZEN                                                                           \
    {                                                                                              \
        .name = "frozen", .help = "training leaves its parameters as they are",                    \
        .kind = NB_BOOLEAN, .offset = offsetof(nb_layer_head, frozen)                              \
    }

/* A layer with the type's defaults, or NULL. */
nb_layer *nb_layer_new(nb_ctx *ctx, const nb_layer_type *type);
/* One more owner; returns its argument. */
nb_layer *nb_layer_retain(nb_layer *layer);
/* NULL is allowed. */
void nb_layer_release(nb_ctx *ctx, nb_layer *layer);
/* Begins one more branch; and adds a child, one more reference, to the last one. A layer without
 * branches gets its first. A child is whole when it is added: NB_EARG for one that reaches deeper
 * than NB_LAYER_DEPTH, or where all places are more than NB_LAYER_PLACES. */
nb_status nb_layer_add_branch(nb_ctx *ctx, nb_layer *block);
nb_status nb_layer_add(nb_ctx *ctx, nb_layer *block, nb_layer *child);
/* Takes the children from number `count` on away again. */
void nb_layer_drop_children(nb_ctx *ctx, nb_layer *block, int count);
/* Fails for what has more than NB_LAYER_PLACES. */
nb_status nb_too_many_layers(nb_ctx *ctx);
/* Counts height and places anew, from what the children have. */
void nb_layer_measure(nb_layer *block);
/* The children of branch b are first … end - 1. */
int nb_branch_first(const nb_layer *block, int b);
int nb_branch_end(const nb_layer *block, int b);
/* A layer of the same settings, children copied likewise (a child that stands twice stays shared),
 * without a plan; its parameters will begin with the values that this one's have now where
 * `values`. */
nb_layer *nb_layer_copy(nb_ctx *ctx, const nb_layer *layer, bool values);

/* Neurons start … start + count - 1 (from 0) get an activation of their own when it is planned. */
nb_status nb_layer_differ(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                          nb_activation activation);
/* Room for one more spec of a parameter; NULL when memory ends. */
nb_param_spec *nb_layer_add_spec(nb_ctx *ctx, nb_layer *layer);

/* Gives neurons start … start + count - 1 (from 0) an activation, now. NB_EARG for a layer without
 * neurons or neurons it has not. A layer without a plan takes it for all of its neurons, one whose
 * type has a single activation (accepts) always. */
nb_status nb_layer_set_activation(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                                  nb_activation activation);
/* "" takes the name away. NB_EARG for one that notation could not hold. */
nb_status nb_layer_set_name(nb_ctx *ctx, nb_layer *layer, const char *name);

/* Of a planned layer: the parameter or buffer called `name`, or NULL; a tied w is that of the layer
 * that it was taken from. */
nb_param *nb_layer_param(const nb_layer *layer, const char *name);
/* Which dimension of a parameter, its own or tied, counts the layer's neurons; -1: none. */
int nb_layer_neuron_dim(const nb_layer *layer, const nb_param *param);
/* Numbers in the parameters of it and all below it, shared ones once. */
int64_t nb_layer_count(const nb_layer *layer);
/* "layer 3.1 (name)", or "this layer" before it has a plan. */
const char *nb_layer_where(const nb_layer *layer);
/* The name by which a layer takes another's weight, "" for none; NULL where its type takes none. */
char *nb_layer_tied_name(nb_layer *layer);
/* Whether all that it does with its input is to take it as words: it is of such a type, or a block
 * or network in which every branch begins so, behind layers that move numbers at most. */
bool nb_layer_takes_words(const nb_layer *layer);
/* The layer whose activation makes this one's output: itself, or the last of a network's; NULL
 * where none does. */
nb_layer *nb_layer_end(nb_layer *layer);

#endif
