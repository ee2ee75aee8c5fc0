/* Masks: counting, packing, unpacking, choosing. */
#include "tensor/mask.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"
#include "tensor/walk.h"

#include <string.h>

enum { POLL_EVERY = 1 << 20 }; /* elements between two looks for Ctrl-C */

bool nb_mask_fits(const nb_tensor *mask, const nb_tensor *x)
{
    int64_t shape[NB_MAX_DIMS];
    int dims;
    return nb_shape_broadcast(mask->dims, mask->shape, x->dims, x->shape, &dims, shape) &&
           dims == x->dims && !memcmp(shape, x->shape, (size_t)dims * sizeof *shape);
}

/* ---- Counting ---- */

static void count_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const uint8_t *mask = (const uint8_t *)at[0];
    int64_t count = 0;
    for (int64_t i = 0; i < (int64_t)n; i++) count += mask[i * stride[0]] != 0;
    *(int64_t *)arg += count;
}

nb_status nb_mask_count(nb_ctx *ctx, const nb_tensor *mask, int64_t *count)
{
    nb_walk walk;
    *count = 0;
    nb_walk_make(&walk, mask->dims, mask->shape, 1, (const nb_tensor *const[]){mask});
    return nb_walk_in_order(ctx, &walk, count_loop, count);
}

/* A new 1-dimensional tensor of `count` elements with memory for one more: the loops that fill it
 * store before they know whether to go on. */
static nb_tensor *with_slack(nb_ctx *ctx, nb_dtype dtype, int64_t count)
{
    nb_tensor *out = nb_tensor_new(ctx, dtype, 1, (const int64_t[]){count + 1});
    if (out) out->shape[0] = count;
    return out;
}

/* ---- Packing ---- */

/* The cursor is in the packed side. Without a branch: masks are as good as random. */
#define PACK(width, T)                                                                             \
    static void pack_##width(void *arg, size_t n, char *const *at, const int64_t *stride)          \
    {                                                                                              \
        T *to = *(void **)arg;                                                                     \
        const T *x = (const T *)at[0];                                                             \
        const uint8_t *mask = (const uint8_t *)at[1];                                              \
        for (int64_t i = 0; i < (int64_t)n; i++) {                                                 \
            *to = x[i * stride[0]];                                                                \
            to += mask[i * stride[1]] != 0;                                                        \
        }                                                                                          \
        *(void **)arg = to;                                                                        \
    }                                                                                              \
    static void unpack_##width(void *arg, size_t n, char *const *at, const int64_t *stride)        \
    {                                                                                              \
        const T *from = *(void **)arg;                                                             \
        T *x = (T *)at[0];                                                                         \
        const uint8_t *mask = (const uint8_t *)at[1];                                              \
        for (int64_t i = 0; i < (int64_t)n; i++)                                                   \
            if (mask[i * stride[1]]) x[i * stride[0]] = *from++;                                   \
        *(const void **)arg = from;                                                                \
    }

PACK(1, uint8_t)
PACK(4, uint32_t)
PACK(8, uint64_t)

static nb_walk_fn *const pack_loops[NB_DTYPES] = {
    [NB_F32] = pack_4, [NB_F64] = pack_8, [NB_U8] = pack_1, [NB_I32] = pack_4};
static nb_walk_fn *const unpack_loops[NB_DTYPES] = {
    [NB_F32] = unpack_4, [NB_F64] = unpack_8, [NB_U8] = unpack_1, [NB_I32] = unpack_4};

nb_tensor *nb_mask_pack(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *mask)
{
    int64_t count, own = nb_tensor_count(mask);
    nb_walk walk;
    if (nb_mask_count(ctx, mask, &count) != NB_OK) return NULL;
    if (own > 0) count *= nb_tensor_count(x) / own;
    nb_tensor *out = with_slack(ctx, x->dtype, count);
    if (!out) return NULL;
    void *cursor = nb_tensor_data(out);
    nb_walk_make(&walk, x->dims, x->shape, 2, (const nb_tensor *const[]){x, mask});
    if (nb_walk_in_order(ctx, &walk, pack_loops[x->dtype], &cursor) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_status nb_mask_unpack(nb_ctx *ctx, nb_tensor *x, const nb_tensor *mask, const nb_tensor *from)
{
    void *cursor = nb_tensor_data(from);
    nb_walk walk;
    nb_walk_make(&walk, x->dims, x->shape, 2, (const nb_tensor *const[]){x, mask});
    return nb_walk_in_order(ctx, &walk, unpack_loops[x->dtype], &cursor);
}

/* ---- Choosing ---- */

static void choose_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    nb_select_fn *fn = *(nb_select_fn **)arg;
    fn(n, (const uint8_t *)at[1], (ptrdiff_t)stride[1], at[2], (ptrdiff_t)stride[2], at[3],
       (ptrdiff_t)stride[3], at[0], (ptrdiff_t)stride[0]);
}

nb_status nb_mask_choose(nb_ctx *ctx, nb_tensor *to, const nb_tensor *mask, const nb_tensor *yes,
                         const nb_tensor *no)
{
    nb_select_fn *fn = nb_kernels_get()->select[to->dtype];
    nb_walk walk;
    nb_walk_make(&walk, to->dims, to->shape, 4, (const nb_tensor *const[]){to, mask, yes, no});
    return nb_walk_elements(ctx, &walk, choose_loop, &fn);
}

/* ---- Places ---- */

typedef struct search {
    int32_t *next;
    int32_t at; /* the row-major element that the inner loop begins with */
} search;

static void search_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    search *s = arg;
    const uint8_t *mask = (const uint8_t *)at[0];
    int32_t *next = s->next;
    for (int32_t i = 0; i < (int32_t)n; i++) {
        *next = s->at + i;
        next += mask[i * stride[0]] != 0;
    }
    s->next = next;
    s->at += (int32_t)n;
}

nb_tensor *nb_mask_places(nb_ctx *ctx, const nb_tensor *mask)
{
    int64_t count, own = nb_tensor_count(mask);
    nb_walk walk;
    if (own > INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "%lld entries are too many for indices",
                            (long long)own);
    if (nb_mask_count(ctx, mask, &count) != NB_OK) return NULL;
    nb_tensor *out = with_slack(ctx, NB_I32, count);
    if (!out) return NULL;
    search s = {nb_tensor_data(out), 0};
    nb_walk_make(&walk, mask->dims, mask->shape, 1, (const nb_tensor *const[]){mask});
    if (nb_walk_in_order(ctx, &walk, search_loop, &s) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* Each place becomes a row of `to`: its remainders by the sizes, from the last. */
static nb_status unravel(nb_ctx *ctx, const nb_tensor *places, const nb_tensor *mask, nb_tensor *to)
{
    const int32_t *place = nb_tensor_data(places);
    int32_t *row = nb_tensor_data(to);
    for (int64_t i = 0; i < places->shape[0]; i++, row += mask->dims) {
        int32_t rest = place[i];
        if (i % POLL_EVERY == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        for (int d = mask->dims - 1; d > 0; d--) {
            row[d] = rest % (int32_t)mask->shape[d] + 1;
            rest /= (int32_t)mask->shape[d];
        }
        if (mask->dims > 0) row[0] = rest + 1;
    }
    return NB_OK;
}

nb_tensor *nb_mask_indices(nb_ctx *ctx, const nb_tensor *mask)
{
    nb_tensor *places = nb_mask_places(ctx, mask);
    if (!places) return NULL;
    const int64_t shape[2] = {places->shape[0], mask->dims};
    nb_tensor *out = nb_tensor_new(ctx, NB_I32, 2, shape);
    if (out && unravel(ctx, places, mask, out) != NB_OK) {
        nb_tensor_release(ctx, out);
        out = NULL;
    }
    nb_tensor_release(ctx, places);
    return out;
}
