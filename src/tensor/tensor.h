/* A tensor: a shape over counted storage. Views share the storage of what they view. Core
 * dimensions and indices count from 0; the bindings count from 1.
 *
 * A function that makes a tensor returns a new reference, which its caller gives back with
 * nb_tensor_release, or NULL with the context's message set. Tensors that it is given are borrowed.
 *
 * What every op asks several times of small tensors (owners, counts, whether elements lie one after
 * the other) is written out here, to be compiled into its place. */
#ifndef NB_TENSOR_H
#define NB_TENSOR_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NB_MAX_DIMS = 8 };

/* Elements of one tensor; keeps every byte count and offset within ptrdiff_t. */
#define NB_MAX_ELEMENTS ((int64_t)1 << 48)

typedef struct nb_storage {
    void *data;
    size_t bytes;
    size_t refs;
    uint32_t version;    /* rises at every change in place */
    uint32_t readers;    /* live records that will read the elements as they were */
    const char *changer; /* the op that made the last such change; a constant */
    char *words;         /* the same in the user's words, or NULL: "add_ in script.lua:12" */
    uint32_t told;       /* the version that words speak of */
    bool parameters;     /* a network's own: they change in place where nobody reads, although
                            gradients flow to them */
    bool given;          /* stands for rows of non-zeros, which grad/thinned.h knows */
    bool copied;         /* out of a set, which a change in place would not reach */
    float most;          /* no element is larger in size, … */
    uint32_t bounded;    /* … at this version, while `most` is above 0; else nobody knows */
} nb_storage;

/* Uninitialised, aligned to NB_ALIGN; retain returns its argument; release allows NULL. */
nb_storage *nb_storage_new(nb_ctx *ctx, size_t bytes);
nb_storage *nb_storage_retain(nb_storage *storage);
void nb_storage_release(nb_ctx *ctx, nb_storage *storage);

typedef struct nb_tensor nb_tensor;

/* What hangs on a tensor that takes part in a gradient; grad/tape.h defines it. The tensor owns it
 * and gives it back through `release` when it goes. */
typedef struct nb_tape_link {
    void (*release)(nb_ctx *ctx, struct nb_tape_link *link);
    struct nb_tape_link *next; /* of those to be released, or that a backward has run */
} nb_tape_link;

struct nb_tensor {
    nb_storage *storage;
    int64_t offset; /* in elements, of element (0, …, 0) */
    size_t refs;
    nb_dtype dtype;
    int dims; /* 0 for a single number */
    int64_t shape[NB_MAX_DIMS];
    int64_t
        stride[NB_MAX_DIMS]; /* in elements; 0 where a dimension was expanded, may be negative */
    nb_tape_link *link;      /* NULL: no gradient flows here */
};

/* An uninitialised contiguous tensor. NB_ESHAPE for negative sizes, more than NB_MAX_DIMS
 * dimensions or NB_MAX_ELEMENTS elements. Sizes of 0 are allowed. */
nb_tensor *nb_tensor_new(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape);
nb_tensor *nb_tensor_zeros(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape);
/* A 0-dimensional tensor that holds `value`. */
nb_tensor *nb_tensor_scalar(nb_ctx *ctx, nb_dtype dtype, double value);
/* One more owner; returns its argument. */
static inline nb_tensor *nb_tensor_retain(nb_tensor *tensor)
{
    tensor->refs++;
    return tensor;
}
/* What the last owner's release does; called by that alone. */
void nb_tensor_end(nb_ctx *ctx, nb_tensor *tensor);
/* NULL is allowed. */
static inline void nb_tensor_release(nb_ctx *ctx, nb_tensor *tensor)
{
    if (tensor && --tensor->refs == 0) nb_tensor_end(ctx, tensor);
}
/* How filling a new tensor ends: the tensor, or NULL where status is not NB_OK; then the reference
 * is given back. */
nb_tensor *nb_tensor_settle(nb_ctx *ctx, nb_tensor *tensor, nb_status status);

/* Views: same storage, no link (the ops of grad/ give them one). */
nb_tensor *nb_tensor_view(nb_ctx *ctx, const nb_tensor *base, int dims, const int64_t *shape,
                          const int64_t *stride, int64_t offset);
/* The whole of it again, without its link: what "detach" means. */
nb_tensor *nb_tensor_alias(nb_ctx *ctx, const nb_tensor *tensor);
/* `length` entries of dimension `dim` from `start`, `step` apart (step may be negative, not 0). The
 * caller has checked the range. */
nb_tensor *nb_tensor_narrow(nb_ctx *ctx, const nb_tensor *tensor, int dim, int64_t start,
                            int64_t length, int64_t step);
/* Entry `index` of dimension `dim`, which goes. */
nb_tensor *nb_tensor_select(nb_ctx *ctx, const nb_tensor *tensor, int dim, int64_t index);
/* order[i] is the old dimension that becomes dimension i. */
nb_tensor *nb_tensor_permute(nb_ctx *ctx, const nb_tensor *tensor, const int *order);
/* Swaps the last two dimensions (fewer than two: an alias). */
nb_tensor *nb_tensor_transpose(nb_ctx *ctx, const nb_tensor *tensor);
/* The same elements in row-major order under another shape: a view where strides allow, else a
 * copy. At most one size may be -1: what is left over. NB_ESHAPE "cannot reshape 2x3 (6 elements)
 * to 4x2". */
nb_tensor *nb_tensor_reshape(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *shape);
/* Repeats dimensions of size 1 (and adds leading ones) by stride 0. NB_ESHAPE where it does not
 * fit. */
nb_tensor *nb_tensor_expand(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *shape);

/* A contiguous copy in storage of its own. */
nb_tensor *nb_tensor_clone(nb_ctx *ctx, const nb_tensor *tensor);
/* A copy in another dtype times `scale`; the tensor itself where dtype and scale (1) change
 * nothing. */
nb_tensor *nb_tensor_convert(nb_ctx *ctx, nb_tensor *tensor, nb_dtype dtype, double scale);

/* to = from, broadcast and converted. Raises to's version. NB_ESHAPE. `to` and `from` may overlap
 * only when they are the same elements in the same order. */
nb_status nb_tensor_copy(nb_ctx *ctx, nb_tensor *to, const nb_tensor *from);
/* Every element = value. */
nb_status nb_tensor_fill(nb_ctx *ctx, nb_tensor *tensor, double value);
/* Marks that an op changed the elements in place. */
void nb_tensor_touch(nb_tensor *tensor, const char *changer);
/* Says that no element of the whole storage is larger in size than `most`, until it changes; 0:
 * that this is not known any more. Who writes elements without nb_tensor_touch says one or the
 * other. */
void nb_tensor_bound(nb_tensor *tensor, double most);
/* What was said and still holds, or -1. */
double nb_tensor_bounded(const nb_tensor *tensor);
/* Says in the user's words what made the last change, for the message of a record that needed the
 * old values. Keeps nothing where no record does, or when memory ends. */
void nb_tensor_explain(nb_ctx *ctx, nb_tensor *tensor, const char *words);
/* What made the last change in place, in the words that are known. */
const char *nb_tensor_changer(const nb_tensor *tensor);

static inline void *nb_tensor_data(const nb_tensor *tensor)
{
    char *data = (char *)tensor->storage->data;
    return data + tensor->offset * (int64_t)nb_dtype_size(tensor->dtype);
}

static inline int64_t nb_tensor_count(const nb_tensor *tensor)
{
    int64_t count = 1;
    for (int i = 0; i < tensor->dims; i++) count *= tensor->shape[i];
    return count;
}

/* The same question where strides differ from those of a new tensor, which they may where no
 * element is found by them. */
bool nb_tensor_is_gapless(const nb_tensor *tensor);
static inline bool nb_tensor_is_contiguous(const nb_tensor *tensor)
{
    int64_t step = 1;
    int at = tensor->dims;
    while (at > 0 && tensor->stride[at - 1] == step) step *= tensor->shape[--at];
    return at == 0 || nb_tensor_is_gapless(tensor);
}

/* A contiguous tensor with the same elements: the tensor itself where it is contiguous already. */
static inline nb_tensor *nb_tensor_contiguous(nb_ctx *ctx, nb_tensor *tensor)
{
    return nb_tensor_is_contiguous(tensor) ? nb_tensor_retain(tensor)
                                           : nb_tensor_clone(ctx, tensor);
}

bool nb_tensor_same_shape(const nb_tensor *a, const nb_tensor *b);
/* Nobody but the one owner of `tensor` sees its elements: it has no second owner, no view and no
 * link. */
static inline bool nb_tensor_is_alone(const nb_tensor *tensor)
{
    return tensor->refs == 1 && tensor->storage->refs == 1 && !tensor->link;
}
/* NB_EARG where one element in memory stands at several places, as an expanded dimension shows it:
 * which of the values written to them would stay is nobody's to say. */
nb_status nb_tensor_check_write(nb_ctx *ctx, const nb_tensor *tensor);
/* Whether no two elements are one in memory. */
bool nb_tensor_is_simple(const nb_tensor *tensor);
/* The element at a full index (dims numbers), as a double; likewise written. */
double nb_tensor_get(const nb_tensor *tensor, const int64_t *index);
void nb_tensor_set(nb_tensor *tensor, const int64_t *index, double value);
/* The value of a tensor with one element. */
double nb_tensor_item(const nb_tensor *tensor);

#endif
