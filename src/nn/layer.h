/* Layers: a descriptor per kind, a specification as notation or a table gives it, and the layer
 * that a net builds from it. */
#ifndef NB_LAYER_H
#define NB_LAYER_H

#include "base/option.h"
#include "base/random.h"
#include "nn/activation.h"
#include "nn/init.h"

enum { NB_LAYER_SIZES = 4, NB_LAYER_PARAMS = 4, NB_NAME_MAX = 64 };

typedef struct nb_layer nb_layer;
typedef struct nb_layer_type nb_layer_type;

/* A parameter of a layer of the host, as its maker declares it. */
typedef struct nb_param_spec {
    char name[NB_NAME_MAX];
    int dims;
    int64_t shape[NB_MAX_DIMS];
} nb_param_spec;

/* What the user said of a layer, before its input's shape is known. A plain value. */
typedef struct nb_layer_spec {
    const nb_layer_type *type;
    int64_t size[NB_LAYER_SIZES]; /* the numbers after the word */
    int sizes;
    const nb_activation *activation; /* NULL: the type's default */
    nb_run *runs;                    /* or NULL: neurons that differ, owned by the spec's list */
    int64_t run_count;
    const nb_init *init;          /* NULL: the activation's */
    char name[NB_NAME_MAX];       /* "" for none */
    const nb_host_function *host; /* of type fn */
    nb_param_spec param[NB_LAYER_PARAMS];
    int params;
} nb_layer_spec;

/* A parameter tensor of a built layer. */
typedef struct nb_param {
    char name[NB_NAME_MAX];
    nb_tensor *value; /* a leaf; a view into the net's flat parameters */
    int dims;
    int64_t shape[NB_MAX_DIMS];
    int64_t start; /* in the flat vector */
    bool weight; /* two dimensions or more: drawn by the initialiser; else a bias, which begins at 0
                  */
} nb_param;

struct nb_layer {
    nb_layer_spec spec;           /* its runs are NULL here; `runs` is in force */
    int number;                   /* from 1, for messages */
    char where[16 + NB_NAME_MAX]; /* "layer 2" or "layer 2 (name)" */
    int in_dims, out_dims;        /* of one example */
    int64_t in_shape[NB_MAX_DIMS], out_shape[NB_MAX_DIMS];
    nb_param param[NB_LAYER_PARAMS];
    int params;
    int64_t neurons; /* 0: none */
    nb_runs *runs;   /* NULL where there are no neurons */
};

/* Which of a layer's two results forward gives. */
typedef enum nb_output { NB_GIVE_A, NB_GIVE_Z } nb_output;

struct nb_layer_type {
    const char *name;
    const char *help;    /* one line */
    const char *usage;   /* "dense UNITS [ACTIVATION] [init=NAME] [name=NAME]" */
    const char *example; /* Lua that runs */
    const char *size_names[NB_LAYER_SIZES + 1]; /* of the numbers after the word, ends with NULL */
    bool neurons;                               /* takes an activation */
    bool table_only;                            /* needs what notation cannot say */
    /* in_shape is set: sets out_shape, neurons and the params' shapes, or NB_ESHAPE. */
    nb_status (*build)(nb_ctx *ctx, nb_layer *layer);
    /* x: (n, in_shape…) → (n, out_shape…), by ops. NB_GIVE_Z is asked of layers with neurons only.
     */
    nb_tensor *(*forward)(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, nb_output give);
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

/* type->forward with its result checked: dtype, number of examples and shape are what the layer
 * promises (a function of the host may give anything). Errors name the layer. */
nb_tensor *nb_layer_forward(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, nb_output give);
/* Declares a parameter in a type's build; it gets its tensors when the net is whole. */
nb_status nb_layer_declare(nb_ctx *ctx, nb_layer *layer, const char *name, int dims,
                           const int64_t *shape);
/* Draws the parameters anew. */
nb_status nb_layer_reset(nb_ctx *ctx, nb_layer *layer, nb_stream *stream);
/* Gives neurons start … start + count - 1 (from 0) an activation. NB_EARG for a layer without
 * neurons or neurons it has not. */
nb_status nb_layer_set_activation(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                                  const nb_activation *activation);
nb_param *nb_layer_param(nb_layer *layer, const char *name);
/* "" takes the name away. NB_EARG for one that notation could not hold. */
nb_status nb_layer_set_name(nb_ctx *ctx, nb_layer *layer, const char *name);

#endif
