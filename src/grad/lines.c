/* Lines of tensors along one dimension. */
#include "grad/lines.h"

#include "base/arith.h"
#include "kernel/sort.h"
#include "tensor/shape.h"

#include <string.h>

int nb_line_dim(const nb_dims *dims, const nb_tensor *x, int otherwise)
{
    if (x->dims == 0) return -1;
    return dims->count ? dims->at[0] : otherwise;
}

nb_tensor *nb_lines_named(nb_ctx *ctx, const nb_call *call, int *dim)
{
    nb_tensor *x = call->in[0];
    *dim = nb_line_dim(&call->attr.dims, x, -1);
    if (*dim >= 0) return nb_tensor_retain(x);
    *dim = 0;
    return nb_tensor_reshape(ctx, x, 1, (const int64_t[]){-1});
}

nb_tensor *nb_lines_result(nb_ctx *ctx, const nb_call *call, nb_tensor *found)
{
    static const int64_t ones[NB_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    const nb_tensor *x = call->in[0];
    int dim = nb_line_dim(&call->attr.dims, x, -1);
    bool keep = call->attr.reduce.keep;
    if (!found || (dim >= 0 && keep)) return found;
    nb_tensor *out = dim < 0 ? nb_tensor_reshape(ctx, found, keep ? x->dims : 0, ones)
                             : nb_tensor_select(ctx, found, dim, 0);
    nb_tensor_release(ctx, found);
    return out;
}

int64_t nb_line_length(const nb_tensor *x, int dim)
{
    return dim < 0 ? 1 : x->shape[dim];
}

ptrdiff_t nb_line_step(const nb_tensor *x, int dim)
{
    return dim < 0 ? 0 : (ptrdiff_t)x->stride[dim];
}

nb_status nb_lines_run(nb_ctx *ctx, int dim, int tensors, const nb_tensor *const *tensor,
                       int64_t cost, nb_walk_fn *fn, void *arg)
{
    nb_tensor first[NB_WALK_MAX];
    const nb_tensor *operand[NB_WALK_MAX];
    nb_walk walk;
    for (int i = 0; i < tensors; i++) {
        first[i] = *tensor[i];
        if (dim >= 0) first[i].shape[dim] = 1;
        operand[i] = &first[i];
    }
    nb_walk_make(&walk, first[0].dims, first[0].shape, tensors, operand);
    return nb_walk_rows(ctx, &walk, cost, fn, arg);
}

nb_tensor *nb_lines_new(nb_ctx *ctx, nb_dtype dtype, const nb_tensor *x, int dim, int64_t length)
{
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, x->shape, sizeof shape);
    if (dim >= 0) shape[dim] = length;
    return nb_tensor_new(ctx, dtype, x->dims, shape);
}

nb_status nb_lines_check(nb_ctx *ctx, const nb_tensor *x, int dim)
{
    int64_t length = nb_line_length(x, dim);
    if (length <= NB_ROW_MAX) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "a dimension of %lld is too long for indices",
                   (long long)length);
}

/* ---- By their places ------------------------------------------------------------------------ */

/* Lines of `length` places; the steps along them of places, of the elements they name and of the
 * values beside them. A long line looks at `stop` itself. */
typedef struct placing {
    const volatile sig_atomic_t *stop; /* or NULL */
    size_t length, width;
    ptrdiff_t place, element, value;
} placing;

enum { ROUND = 1 << 16 }; /* places between two looks at `stop` */

/* How many places the next round has behind `done`; 0: none, or Ctrl-C was pressed. */
static size_t next_round(const placing *how, size_t done)
{
    if (how->stop && *how->stop) return 0;
    return nb_least_size(ROUND, how->length - done);
}

#define TAKE(bytes, TYPE)                                                                          \
    static void take_##bytes(size_t n, const int32_t *place, ptrdiff_t sp, const TYPE *x,          \
                             ptrdiff_t sx, TYPE *y, ptrdiff_t sy)                                  \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[(ptrdiff_t)i * sy] = x[(place[(ptrdiff_t)i * sp] - 1) * sx];                         \
    }

TAKE(1, uint8_t)
TAKE(4, uint32_t)
TAKE(8, uint64_t)

static void take(const placing *how, size_t n, const int32_t *place, const void *x, void *y)
{
    if (how->width == 1)
        take_1(n, place, how->place, x, how->element, y, how->value);
    else if (how->width == 4)
        take_4(n, place, how->place, x, how->element, y, how->value);
    else
        take_8(n, place, how->place, x, how->element, y, how->value);
}

/* at: places, x, y */
static void take_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const placing *how = arg;
    ptrdiff_t width = (ptrdiff_t)how->width;
    for (size_t i = 0; i < n; i++) {
        const int32_t *place = (const int32_t *)(const void *)at[0] + (int64_t)i * stride[0];
        const void *x = at[1] + (int64_t)i * stride[1] * width;
        char *y = at[2] + (int64_t)i * stride[2] * width;
        for (size_t done = 0, m; (m = next_round(how, done)) > 0; done += m) {
            take(how, m, place + (ptrdiff_t)done * how->place, x,
                 y + (ptrdiff_t)done * how->value * width);
        }
    }
}

/* at: places, x, values; gradients are f32 or f64 */
static void put_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const placing *how = arg;
    ptrdiff_t width = (ptrdiff_t)how->width;
    for (size_t i = 0; i < n; i++) {
        const int32_t *place = (const int32_t *)(const void *)at[0] + (int64_t)i * stride[0];
        char *x = at[1] + (int64_t)i * stride[1] * width;
        const char *value = at[2] + (int64_t)i * stride[2] * width;
        for (size_t k = 0, m; (m = next_round(how, k)) > 0;) {
            for (size_t end = k + m; k < end; k++) {
                ptrdiff_t to = (place[(ptrdiff_t)k * how->place] - 1) * how->element;
                memcpy(x + to * width, value + (ptrdiff_t)k * how->value * width, how->width);
            }
        }
    }
}

static placing placing_of(const nb_ctx *ctx, int dim, const nb_tensor *place,
                          const nb_tensor *element, const nb_tensor *value)
{
    return (placing){
        ctx->interrupt,           (size_t)nb_line_length(place, dim), nb_dtype_size(value->dtype),
        nb_line_step(place, dim), nb_line_step(element, dim),         nb_line_step(value, dim)};
}

nb_tensor *nb_lines_take(nb_ctx *ctx, const nb_tensor *x, int dim, const nb_tensor *place)
{
    nb_tensor *y = nb_tensor_new(ctx, x->dtype, place->dims, place->shape);
    if (!y || nb_tensor_count(y) == 0) return y;
    placing how = placing_of(ctx, dim, place, x, y);
    const nb_tensor *const all[] = {place, x, y};
    nb_status status = nb_lines_run(ctx, dim, 3, all, (int64_t)how.length, take_loop, &how);
    if (status == NB_OK) status = nb_poll(ctx);
    return nb_tensor_settle(ctx, y, status);
}

nb_tensor *nb_lines_put(nb_ctx *ctx, const nb_tensor *x, int dim, const nb_tensor *place,
                        const nb_tensor *value)
{
    nb_tensor *out = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    if (!out || nb_tensor_count(value) == 0) return out;
    placing how = placing_of(ctx, dim, place, out, value);
    const nb_tensor *const all[] = {place, out, value};
    nb_status status = nb_lines_run(ctx, dim, 3, all, (int64_t)how.length, put_loop, &how);
    if (status == NB_OK) status = nb_poll(ctx);
    return nb_tensor_settle(ctx, out, status);
}

/* ---- Rooms ---------------------------------------------------------------------------------- */

nb_status nb_rooms_make(nb_ctx *ctx, nb_rooms *rooms, size_t bytes, int64_t lines)
{
    size_t count = lines < ctx->threads ? (size_t)(lines > 1 ? lines : 1) : (size_t)ctx->threads;
    size_t whole = (bytes + NB_ALIGN - 1) / NB_ALIGN * NB_ALIGN, all;
    *rooms = (nb_rooms){.count = count, .bytes = whole};
    if (!nb_mul_size(whole, count, &all))
        return nb_fail(ctx, NB_EMEMORY, "out of memory: %zu bytes of working room", bytes);
    rooms->taken = nb_alloc_zero(ctx, count, sizeof(int));
    rooms->blocks = rooms->taken ? nb_alloc(ctx, all) : NULL;
    if (rooms->blocks) return NB_OK;
    nb_rooms_free(ctx, rooms);
    return ctx->status;
}

void nb_rooms_free(nb_ctx *ctx, nb_rooms *rooms)
{
    nb_free(ctx, rooms->taken, rooms->count * sizeof(int));
    nb_free(ctx, rooms->blocks, rooms->count * rooms->bytes);
    *rooms = (nb_rooms){.count = 0};
}

void *nb_rooms_take(nb_rooms *rooms)
{
    for (size_t i = 0;; i = (i + 1) % rooms->count)
        if (!__atomic_exchange_n(&rooms->taken[i], 1, __ATOMIC_ACQUIRE))
            return rooms->blocks + i * rooms->bytes;
}

void nb_rooms_give(nb_rooms *rooms, void *room)
{
    size_t i = (size_t)((char *)room - rooms->blocks) / (rooms->bytes ? rooms->bytes : 1);
    __atomic_store_n(&rooms->taken[i], 0, __ATOMIC_RELEASE);
}
