/* Tensors: shapes over counted storage, and what needs no arithmetic. */
#include "tensor/tensor.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"
#include "tensor/walk.h"

#include <math.h>
#include <string.h>

/* Bytes written between two looks for Ctrl-C: fresh pages take some milliseconds. */
#define ZERO_STRETCH ((size_t)16 << 20)

nb_storage *nb_storage_new(nb_ctx *ctx, size_t bytes)
{
    /* Head and data are one block; the head takes one alignment unit, so that data stay aligned. */
    _Static_assert(sizeof(nb_storage) <= NB_ALIGN, "the head of a storage fits before its data");
    if (bytes > SIZE_MAX - NB_ALIGN)
        return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %zu bytes", bytes);
    nb_storage *storage = nb_alloc(ctx, NB_ALIGN + bytes);
    if (!storage) return NULL;
    *storage = (nb_storage){.data = (char *)storage + NB_ALIGN, .bytes = bytes, .refs = 1};
    return storage;
}

nb_storage *nb_storage_retain(nb_storage *storage)
{
    storage->refs++;
    return storage;
}

void nb_storage_release(nb_ctx *ctx, nb_storage *storage)
{
    if (!storage || --storage->refs) return;
    nb_free_string(ctx, storage->words);
    nb_free(ctx, storage, NB_ALIGN + storage->bytes);
}

/* A tensor without storage; the caller gives it one. */
static nb_tensor *new_head(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_tensor *tensor = nb_alloc(ctx, sizeof *tensor);
    if (!tensor) return NULL;
    *tensor = (nb_tensor){.refs = 1, .dtype = dtype, .dims = dims};
    for (int i = 0; i < dims; i++) tensor->shape[i] = shape[i];
    return tensor;
}

/* Says why a shape cannot be; 0 or more when it can: its elements. */
static int64_t check_shape(nb_ctx *ctx, int dims, const int64_t *shape)
{
    int64_t count = dims <= NB_MAX_DIMS ? nb_shape_count(dims, shape) : -1;
    char text[NB_SHAPE_TEXT];
    if (count >= 0) return count;
    if (dims > NB_MAX_DIMS) {
        nb_fail(ctx, NB_ESHAPE, "a tensor has at most %d dimensions, not %d", NB_MAX_DIMS, dims);
        return -1;
    }
    for (int i = 0; i < dims; i++)
        if (shape[i] < 0) {
            nb_fail(ctx, NB_ESHAPE, "a size must be 0 or more, not %lld", (long long)shape[i]);
            return -1;
        }
    nb_fail(ctx, NB_ESHAPE, "a tensor of %s has too many elements",
            nb_shape_text(dims, shape, text));
    return -1;
}

nb_tensor *nb_tensor_new(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape)
{
    int64_t count = check_shape(ctx, dims, shape);
    if (count < 0) return NULL;
    nb_tensor *tensor = new_head(ctx, dtype, dims, shape);
    if (!tensor) return NULL;
    tensor->storage = nb_storage_new(ctx, (size_t)count * nb_dtype_size(dtype));
    if (!tensor->storage) {
        nb_free(ctx, tensor, sizeof *tensor);
        return NULL;
    }
    nb_shape_strides(dims, tensor->shape, tensor->stride);
    return tensor;
}

nb_tensor *nb_tensor_zeros(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, dims, shape);
    if (!tensor) return NULL;
    char *to = tensor->storage->data;
    for (size_t left = tensor->storage->bytes, n; left > 0; left -= n, to += n) {
        n = left < ZERO_STRETCH ? left : ZERO_STRETCH;
        memset(to, 0, n);
        if (n == left || nb_poll(ctx) == NB_OK) continue;
        nb_tensor_release(ctx, tensor);
        return NULL;
    }
    return tensor;
}

nb_tensor *nb_tensor_scalar(nb_ctx *ctx, nb_dtype dtype, double value)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, 0, NULL);
    if (tensor) nb_tensor_set(tensor, NULL, value);
    return tensor;
}

void nb_tensor_end(nb_ctx *ctx, nb_tensor *tensor)
{
    nb_tape_link *link = tensor->link;
    nb_storage_release(ctx, tensor->storage);
    nb_free(ctx, tensor, sizeof *tensor);
    if (link) link->release(ctx, link);
}

nb_tensor *nb_tensor_settle(nb_ctx *ctx, nb_tensor *tensor, nb_status status)
{
    if (status == NB_OK) return tensor;
    nb_tensor_release(ctx, tensor);
    return NULL;
}

nb_tensor *nb_tensor_view(nb_ctx *ctx, const nb_tensor *base, int dims, const int64_t *shape,
                          const int64_t *stride, int64_t offset)
{
    nb_tensor *view = new_head(ctx, base->dtype, dims, shape);
    if (!view) return NULL;
    for (int i = 0; i < dims; i++) view->stride[i] = stride[i];
    view->storage = nb_storage_retain(base->storage);
    view->offset = offset;
    return view;
}

nb_tensor *nb_tensor_alias(nb_ctx *ctx, const nb_tensor *tensor)
{
    return nb_tensor_view(ctx, tensor, tensor->dims, tensor->shape, tensor->stride, tensor->offset);
}

nb_tensor *nb_tensor_narrow(nb_ctx *ctx, const nb_tensor *tensor, int dim, int64_t start,
                            int64_t length, int64_t step)
{
    nb_tensor *view = nb_tensor_alias(ctx, tensor);
    if (!view) return NULL;
    view->offset += start * tensor->stride[dim];
    view->shape[dim] = length;
    view->stride[dim] *= step;
    return view;
}

nb_tensor *nb_tensor_select(nb_ctx *ctx, const nb_tensor *tensor, int dim, int64_t index)
{
    nb_tensor *view = nb_tensor_alias(ctx, tensor);
    if (!view) return NULL;
    view->offset += index * tensor->stride[dim];
    view->dims--;
    for (int i = dim; i < view->dims; i++) {
        view->shape[i] = tensor->shape[i + 1];
        view->stride[i] = tensor->stride[i + 1];
    }
    return view;
}

nb_tensor *nb_tensor_permute(nb_ctx *ctx, const nb_tensor *tensor, const int *order)
{
    nb_tensor *view = nb_tensor_alias(ctx, tensor);
    if (!view) return NULL;
    for (int i = 0; i < tensor->dims; i++) {
        view->shape[i] = tensor->shape[order[i]];
        view->stride[i] = tensor->stride[order[i]];
    }
    return view;
}

nb_tensor *nb_tensor_transpose(nb_ctx *ctx, const nb_tensor *tensor)
{
    int order[NB_MAX_DIMS];
    for (int i = 0; i < tensor->dims; i++) order[i] = i;
    if (tensor->dims >= 2) {
        order[tensor->dims - 2] = tensor->dims - 1;
        order[tensor->dims - 1] = tensor->dims - 2;
    }
    return nb_tensor_permute(ctx, tensor, order);
}

/* Fills in the one size of -1; NB_ESHAPE when the counts do not fit. */
static nb_status resolve_shape(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *want,
                               int64_t *shape)
{
    char from[NB_SHAPE_TEXT], to[NB_SHAPE_TEXT];
    int64_t count = nb_tensor_count(tensor);
    int open = -1;
    for (int i = 0; i < dims; i++) {
        shape[i] = want[i];
        if (want[i] != -1) continue;
        if (open >= 0) return nb_fail(ctx, NB_ESHAPE, "only one size of a reshape can be -1");
        open = i;
        shape[i] = 1;
    }
    int64_t known = check_shape(ctx, dims, shape);
    if (known < 0) return ctx->status;
    if (open >= 0 && known > 0 && count % known == 0) {
        shape[open] = count / known;
        return NB_OK;
    }
    if (open < 0 && known == count) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "cannot reshape %s (%lld elements) to %s",
                   nb_shape_text(tensor->dims, tensor->shape, from), (long long)count,
                   nb_shape_text(dims, want, to));
}

/* Strides that show the same elements under another shape. Groups of old dimensions that hold as
 * many elements as groups of new ones must each be contiguous within themselves. False: it takes a
 * copy. */
static bool reshape_strides(const nb_tensor *tensor, int dims, const int64_t *shape,
                            int64_t *stride)
{
    int64_t old_shape[NB_MAX_DIMS], old_stride[NB_MAX_DIMS];
    int old = 0;
    for (int i = 0; i < tensor->dims; i++) {
        if (tensor->shape[i] == 1) continue;
        old_shape[old] = tensor->shape[i];
        old_stride[old++] = tensor->stride[i];
    }
    int from = old, to = dims;
    while (from > 0) {
        int64_t have = old_shape[--from], want = 1, step = old_stride[from];
        while (want != have) {
            if (want > have) {
                from--;
                if (old_stride[from] != old_stride[from + 1] * old_shape[from + 1]) return false;
                have *= old_shape[from];
                continue;
            }
            if (to == 0) return false;
            want *= shape[--to];
            stride[to] = step;
            step *= shape[to];
        }
    }
    while (to > 0) stride[--to] = 1;
    return true;
}

nb_tensor *nb_tensor_reshape(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *want)
{
    int64_t shape[NB_MAX_DIMS] = {0}, stride[NB_MAX_DIMS];
    if (dims > NB_MAX_DIMS) {
        check_shape(ctx, dims, want);
        return NULL;
    }
    if (resolve_shape(ctx, tensor, dims, want, shape) != NB_OK) return NULL;
    if (nb_tensor_count(tensor) == 0) {
        nb_shape_strides(dims, shape, stride);
        return nb_tensor_view(ctx, tensor, dims, shape, stride, tensor->offset);
    }
    if (reshape_strides(tensor, dims, shape, stride))
        return nb_tensor_view(ctx, tensor, dims, shape, stride, tensor->offset);
    nb_tensor *copy = nb_tensor_clone(ctx, tensor);
    if (!copy) return NULL;
    copy->dims = dims;
    memcpy(copy->shape, shape, sizeof shape);
    nb_shape_strides(dims, copy->shape, copy->stride);
    return copy;
}

nb_tensor *nb_tensor_expand(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *shape)
{
    char from[NB_SHAPE_TEXT], to[NB_SHAPE_TEXT];
    int64_t stride[NB_MAX_DIMS];
    if (check_shape(ctx, dims, shape) < 0) return NULL;
    int added = dims - tensor->dims;
    bool fits = added >= 0;
    for (int i = 0; fits && i < dims; i++) {
        int64_t size = i < added ? 1 : tensor->shape[i - added];
        stride[i] = size == 1 ? 0 : tensor->stride[i - added];
        fits = size == shape[i] || size == 1;
    }
    if (!fits)
        return nb_fail_null(ctx, NB_ESHAPE, "cannot expand %s to %s",
                            nb_shape_text(tensor->dims, tensor->shape, from),
                            nb_shape_text(dims, shape, to));
    return nb_tensor_view(ctx, tensor, dims, shape, stride, tensor->offset);
}

/* A contiguous tensor of `dtype` with scale times the elements of `tensor`. */
static nb_tensor *converted(nb_ctx *ctx, const nb_tensor *tensor, nb_dtype dtype, double scale);

nb_tensor *nb_tensor_clone(nb_ctx *ctx, const nb_tensor *tensor)
{
    return converted(ctx, tensor, tensor->dtype, 1.0);
}

nb_tensor *nb_tensor_convert(nb_ctx *ctx, nb_tensor *tensor, nb_dtype dtype, double scale)
{
    if (tensor->dtype == dtype && scale == 1.0) return nb_tensor_retain(tensor);
    return converted(ctx, tensor, dtype, scale);
}

typedef struct conversion {
    nb_convert_fn *fn;
    double scale;
} conversion;

static void convert_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const conversion *how = arg;
    how->fn(n, at[1], (ptrdiff_t)stride[1], at[0], (ptrdiff_t)stride[0], how->scale);
}

static nb_status convert_into(nb_ctx *ctx, nb_tensor *to, const nb_tensor *from, double scale)
{
    conversion how = {nb_kernels_get()->convert[from->dtype][to->dtype], scale};
    nb_walk walk;
    nb_walk_make(&walk, to->dims, to->shape, 2, (const nb_tensor *const[]){to, from});
    return nb_walk_elements(ctx, &walk, convert_loop, &how);
}

static nb_tensor *converted(nb_ctx *ctx, const nb_tensor *tensor, nb_dtype dtype, double scale)
{
    nb_tensor *copy = nb_tensor_new(ctx, dtype, tensor->dims, tensor->shape);
    if (copy && convert_into(ctx, copy, tensor, scale) != NB_OK) {
        nb_tensor_release(ctx, copy);
        return NULL;
    }
    return copy;
}

nb_status nb_tensor_copy(nb_ctx *ctx, nb_tensor *to, const nb_tensor *from)
{
    char text_from[NB_SHAPE_TEXT], text_to[NB_SHAPE_TEXT];
    int64_t shape[NB_MAX_DIMS];
    int dims;
    bool fits = nb_shape_broadcast(to->dims, to->shape, from->dims, from->shape, &dims, shape) &&
                dims == to->dims && !memcmp(shape, to->shape, (size_t)dims * sizeof *shape);
    if (!fits)
        return nb_fail(ctx, NB_ESHAPE, "cannot copy %s into %s",
                       nb_shape_text(from->dims, from->shape, text_from),
                       nb_shape_text(to->dims, to->shape, text_to));
    nb_tensor_touch(to, "copy_");
    return convert_into(ctx, to, from, 1.0);
}

nb_status nb_tensor_fill(nb_ctx *ctx, nb_tensor *tensor, double value)
{
    nb_tensor *one = nb_tensor_scalar(ctx, tensor->dtype, value);
    if (!one) return ctx->status;
    nb_status status = nb_tensor_copy(ctx, tensor, one);
    nb_tensor_release(ctx, one);
    return status;
}

void nb_tensor_touch(nb_tensor *tensor, const char *changer)
{
    tensor->storage->version++;
    tensor->storage->changer = changer;
}

void nb_tensor_bound(nb_tensor *tensor, double most)
{
    tensor->storage->most = (float)most < most ? nextafterf((float)most, INFINITY) : (float)most;
    tensor->storage->bounded = tensor->storage->version;
}

double nb_tensor_bounded(const nb_tensor *tensor)
{
    const nb_storage *storage = tensor->storage;
    bool holds = storage->most > 0 && storage->bounded == storage->version;
    return holds ? (double)storage->most : -1;
}

void nb_tensor_explain(nb_ctx *ctx, nb_tensor *tensor, const char *words)
{
    nb_storage *storage = tensor->storage;
    if (storage->readers == 0) return;
    nb_free_string(ctx, storage->words);
    storage->words = nb_copy_string(ctx, words);
    storage->told = storage->version;
}

const char *nb_tensor_changer(const nb_tensor *tensor)
{
    const nb_storage *storage = tensor->storage;
    if (storage->words && storage->told == storage->version) return storage->words;
    return storage->changer ? storage->changer : "an assignment";
}

bool nb_tensor_is_gapless(const nb_tensor *tensor)
{
    int64_t step = 1;
    for (int i = tensor->dims - 1; i >= 0; i--) {
        if (tensor->shape[i] == 0) return true;
        if (tensor->shape[i] != 1 && tensor->stride[i] != step) return false;
        step *= tensor->shape[i];
    }
    return true;
}

bool nb_tensor_same_shape(const nb_tensor *a, const nb_tensor *b)
{
    if (a->dims != b->dims) return false;
    for (int i = 0; i < a->dims; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

static void *element(const nb_tensor *tensor, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < tensor->dims; i++) at += index[i] * tensor->stride[i];
    return (char *)nb_tensor_data(tensor) + at * (int64_t)nb_dtype_size(tensor->dtype);
}

bool nb_tensor_is_simple(const nb_tensor *tensor)
{
    for (int i = 0; i < tensor->dims; i++)
        if (tensor->shape[i] > 1 && tensor->stride[i] == 0) return false;
    return true;
}

nb_status nb_tensor_check_write(nb_ctx *ctx, const nb_tensor *tensor)
{
    if (nb_tensor_is_simple(tensor)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "an expanded tensor shows one element several times; x:clone() has one for each "
                   "place");
}

double nb_tensor_get(const nb_tensor *tensor, const int64_t *index)
{
    const void *at = element(tensor, index);
    double value;
    if (tensor->dtype == NB_F32) return (double)*(const float *)at;
    nb_kernels_get()->convert[tensor->dtype][NB_F64](1, at, 1, &value, 1, 1.0);
    return value;
}

void nb_tensor_set(nb_tensor *tensor, const int64_t *index, double value)
{
    void *at = element(tensor, index);
    if (tensor->dtype == NB_F32)
        *(float *)at = (float)value;
    else
        nb_kernels_get()->convert[NB_F64][tensor->dtype](1, &value, 1, at, 1, 1.0);
}

double nb_tensor_item(const nb_tensor *tensor)
{
    static const int64_t first[NB_MAX_DIMS] = {0};
    return nb_tensor_get(tensor, first);
}
