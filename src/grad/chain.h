/* Dense layers one behind the other as one op takes them (ops/dense_chain.c): what it does with
 * each, and the arenas in which all that lies between the layers stands.
 *
 * An arena is made for one number of rows, one dtype and one way through backward, and is used
 * again where nobody else holds it: records do, until backward has released them. It is found by
 * these sizes alone and remembers nothing else from one call to the next: weights, biases,
 * activations and threads are the call's own. So a network that was changed in whatever way needs
 * none dropped. */
#ifndef NB_CHAIN_H
#define NB_CHAIN_H

#include "grad/activate.h"
#include "grad/weights.h"

enum {
    NB_CHAIN_LAYERS = (NB_MAX_INPUTS - 1) / 2, /* the most of one call: x, then w and b of each */
    NB_CHAIN_ARENAS = 4                        /* that are kept: of batch, rest, evaluation, one */
};

/* Larger ones are not kept: there the calls that they save are nothing beside the numbers. */
#define NB_ARENA_KEPT ((size_t)1 << 18)

/* What stands between layer i and the next. Tensors (rows, neurons), contiguous, in one storage. */
typedef struct nb_arena_layer {
    nb_tensor *a; /* the outputs; NULL of the last, whose outputs are the call's */
    nb_tensor *z; /* f'(z) where the activations give it along with a; else z where a slope needs
                     it; or NULL */
    nb_tensor *delta; /* δ at z; NULL of the last, which has the caller's, and where none flows */
    nb_tensor *db;    /* (neurons): BP3 */
    nb_inputs in;     /* what came in as the product read it; nothing of the first */
} nb_arena_layer;

typedef struct nb_arena {
    nb_shared head;
    nb_dtype dtype;
    int64_t rows;
    bool z;         /* the last layer gives z */
    unsigned lives; /* bit i: a gradient flows through layer i */
    int layers;
    int64_t width[NB_CHAIN_LAYERS];
    nb_tensor *flat; /* the storage */
    double *room;    /* in it, for the sums of the widest layer's b */
    nb_arena_layer layer[NB_CHAIN_LAYERS];
} nb_arena;

/* attr.chain.shared of dense_chain; NULL there: all is linear and no arena kept. Once made, its
 * arenas alone change. */
typedef struct nb_chain {
    nb_shared head;
    int layers;
    nb_shared *runs[NB_CHAIN_LAYERS]; /* nb_kernel_runs of each; NULL: z itself. Counted */
    nb_arena *arena[NB_CHAIN_ARENAS]; /* or NULL; counted */
    int next;                         /* the one that goes for another */
} nb_chain;

/* A chain of layers with such runs. */
nb_chain *nb_chain_new(nb_ctx *ctx, nb_shared *const *runs, int layers);
/* What a call, of so many layers, does behind z of layer i; NULL: nothing. */
static inline const nb_kernel_runs *nb_chain_runs(const nb_attr *attr, int layers, int i)
{
    const nb_chain *chain = (const nb_chain *)attr->chain.shared;
    bool none = !chain || (attr->chain.z && i == layers - 1);
    return none ? NULL : (const nb_kernel_runs *)chain->runs[i];
}

/* Whether what is spare is kept at all, as freed blocks are in the pool. */
bool nb_arenas_stay(const nb_ctx *ctx);

/* An arena for a call whose chain may be NULL, of what `like` says (dtype, rows, z, lives, layers,
 * width): one of the chain's, or a new one. A reference. */
nb_arena *nb_arena_take(nb_ctx *ctx, const nb_attr *attr, const nb_arena *like);

#endif
