/* Arenas: how they are laid out, kept and found. */
#include "grad/chain.h"

#include "base/memory.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- Laying out ------------------------------------------------------------------------------ */

/* Elements so far; each part begins at a multiple of NB_ALIGN bytes. */
typedef struct layout {
    nb_ctx *ctx;
    nb_arena *arena;
    int64_t used; /* -1: too many */
} layout;

static int64_t take_room(layout *to, int64_t count)
{
    int64_t at = to->used, unit = NB_ALIGN / (int64_t)nb_dtype_size(to->arena->dtype);
    if (at < 0 || count < 0 || count > NB_MAX_ELEMENTS - at - unit) return to->used = -1;
    to->used += (count + unit - 1) / unit * unit;
    return at;
}

/* A part of the arena; before there is storage its room alone is counted. */
static nb_status put(layout *to, nb_tensor **out, int dims, const int64_t *shape)
{
    int64_t stride[NB_MAX_DIMS], at = take_room(to, nb_shape_count(dims, shape));
    if (!to->arena->flat) return NB_OK;
    nb_shape_strides(dims, shape, stride);
    *out = nb_tensor_view(to->ctx, to->arena->flat, dims, shape, stride, at);
    return *out ? NB_OK : to->ctx->status;
}

/* Whether layer i keeps z, or f'(z) in its place. */
static bool keeps_z(const nb_arena *arena, const nb_kernel_runs *runs, int i)
{
    bool lives = arena->lives >> i & 1;
    return lives && runs && (nb_runs_give_slopes(runs, arena->dtype) || nb_runs_need_z(runs));
}

static nb_status put_layer(layout *to, const nb_attr *attr, int i)
{
    nb_arena *arena = to->arena;
    nb_arena_layer *layer = &arena->layer[i];
    const int64_t shape[2] = {arena->rows, arena->width[i]};
    bool last = i == arena->layers - 1, lives = arena->lives >> i & 1;
    nb_status status = NB_OK;
    if (keeps_z(arena, nb_chain_runs(attr, arena->layers, i), i))
        status = put(to, &layer->z, 2, shape);
    if (status == NB_OK && !last) status = put(to, &layer->a, 2, shape);
    if (status == NB_OK && !last && lives) status = put(to, &layer->delta, 2, shape);
    if (status == NB_OK && lives) status = put(to, &layer->db, 1, shape + 1);
    return status;
}

static nb_status put_layers(layout *to, const nb_attr *attr)
{
    nb_status status = NB_OK;
    int64_t widest = 0, each = (int64_t)(sizeof(double) / nb_dtype_size(to->arena->dtype));
    for (int i = 0; i < to->arena->layers && status == NB_OK; i++) {
        if (to->arena->width[i] > widest) widest = to->arena->width[i];
        status = put_layer(to, attr, i);
    }
    int64_t at = take_room(to, to->arena->lives ? widest * each : 0);
    if (to->arena->flat)
        to->arena->room = (double *)(void *)((char *)nb_tensor_data(to->arena->flat) +
                                             at * (int64_t)nb_dtype_size(to->arena->dtype));
    return status;
}

static nb_status lay_out(nb_ctx *ctx, nb_arena *arena, const nb_attr *attr)
{
    layout to = {ctx, arena, 0};
    put_layers(&to, attr);
    if (to.used < 0)
        return nb_fail(ctx, NB_ESHAPE, "a batch of %lld examples has too many numbers",
                       (long long)arena->rows);
    arena->flat = nb_tensor_new(ctx, arena->dtype, 1, &to.used);
    to.used = 0;
    return arena->flat ? put_layers(&to, attr) : ctx->status;
}

static void free_arena(nb_ctx *ctx, nb_shared *block)
{
    nb_arena *arena = (nb_arena *)block;
    for (int i = 0; i < arena->layers; i++) {
        nb_arena_layer *layer = &arena->layer[i];
        nb_inputs_free(ctx, &layer->in);
        nb_tensor_release(ctx, layer->a);
        nb_tensor_release(ctx, layer->z);
        nb_tensor_release(ctx, layer->delta);
        nb_tensor_release(ctx, layer->db);
    }
    nb_tensor_release(ctx, arena->flat);
}

static nb_arena *make_arena(nb_ctx *ctx, const nb_attr *attr, const nb_arena *like)
{
    nb_arena *arena = (nb_arena *)nb_shared_new(ctx, sizeof *arena);
    if (!arena) return NULL;
    arena->head.free = free_arena;
    arena->dtype = like->dtype;
    arena->rows = like->rows;
    arena->z = like->z;
    arena->lives = like->lives;
    arena->layers = like->layers;
    memcpy(arena->width, like->width, sizeof arena->width);
    if (lay_out(ctx, arena, attr) == NB_OK) return arena;
    nb_shared_release(ctx, &arena->head);
    return NULL;
}

/* ---- Keeping --------------------------------------------------------------------------------- */

bool nb_arenas_stay(const nb_ctx *ctx)
{
    return ctx->memory.pool_cap > 0;
}

static bool is_like(const nb_arena *arena, const nb_arena *like)
{
    return arena && arena->rows == like->rows && arena->dtype == like->dtype &&
           arena->z == like->z && arena->lives == like->lives && arena->layers == like->layers &&
           !memcmp(arena->width, like->width, (size_t)like->layers * sizeof *like->width);
}

/* The place of a new arena: that of one that is held elsewhere, else the next. */
static nb_arena **place_for(nb_chain *chain, const nb_arena *like)
{
    for (int i = 0; i < NB_CHAIN_ARENAS; i++)
        if (is_like(chain->arena[i], like)) return &chain->arena[i];
    chain->next = (chain->next + 1) % NB_CHAIN_ARENAS;
    return &chain->arena[chain->next];
}

nb_arena *nb_arena_take(nb_ctx *ctx, const nb_attr *attr, const nb_arena *like)
{
    nb_chain *chain = (nb_chain *)attr->chain.shared;
    for (int i = 0; chain && i < NB_CHAIN_ARENAS; i++)
        if (is_like(chain->arena[i], like) && chain->arena[i]->head.refs == 1)
            return (nb_arena *)nb_shared_retain(&chain->arena[i]->head);
    nb_arena *arena = make_arena(ctx, attr, like);
    bool stays = arena && chain && arena->flat->storage->bytes <= NB_ARENA_KEPT;
    if (!stays || !nb_arenas_stay(ctx)) return arena;
    nb_arena **place = place_for(chain, like);
    if (*place) nb_shared_release(ctx, &(*place)->head);
    *place = (nb_arena *)nb_shared_retain(&arena->head);
    return arena;
}

static void free_chain(nb_ctx *ctx, nb_shared *block)
{
    nb_chain *chain = (nb_chain *)block;
    for (int i = 0; i < chain->layers; i++) nb_shared_release(ctx, chain->runs[i]);
    for (int i = 0; i < NB_CHAIN_ARENAS; i++)
        if (chain->arena[i]) nb_shared_release(ctx, &chain->arena[i]->head);
}

nb_chain *nb_chain_new(nb_ctx *ctx, nb_shared *const *runs, int layers)
{
    nb_chain *chain = (nb_chain *)nb_shared_new(ctx, sizeof *chain);
    if (!chain) return NULL;
    chain->head.free = free_chain;
    chain->layers = layers;
    for (int i = 0; i < layers; i++) chain->runs[i] = nb_shared_retain(runs[i]);
    return chain;
}
