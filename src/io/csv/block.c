/* See block.h. */
#include "io/csv/block.h"

#include "base/memory.h"

#include <limits.h>

enum {
    ROOM_LEAST = 16,
    SPARE_SHARE = 8 /* room for more than 1/8 of the rows too many is given back */
};

nb_dtype nb_csv_narrowest(const double *value, size_t n, nb_dtype dtype, nb_dtype real)
{
    bool byte = true, whole = true;
    if (dtype == real) return real;
    for (size_t i = 0; i < n; i++) {
        double v = value[i];
        bool is_whole = v >= INT32_MIN && v <= INT32_MAX && (int32_t)v == v;
        whole = whole && is_whole;
        byte = byte && is_whole && v >= 0 && v <= UINT8_MAX;
    }
    if (!whole) return real;
    return byte ? dtype : NB_I32;
}

void nb_csv_store(const double *value, size_t n, nb_dtype dtype, void *to)
{
    switch (dtype) {
    case NB_U8:
        for (size_t i = 0; i < n; i++) ((uint8_t *)to)[i] = (uint8_t)value[i];
        break;
    case NB_I32:
        for (size_t i = 0; i < n; i++) ((int32_t *)to)[i] = (int32_t)value[i];
        break;
    case NB_F32:
        for (size_t i = 0; i < n; i++) ((float *)to)[i] = (float)value[i];
        break;
    default:
        for (size_t i = 0; i < n; i++) ((double *)to)[i] = value[i];
    }
}

static nb_tensor *make(nb_csv_block *block, nb_dtype dtype, int64_t room)
{
    return nb_tensor_new(block->ctx, dtype, 2, (int64_t[]){room, (int64_t)block->width});
}

nb_status nb_csv_block_init(nb_ctx *ctx, nb_csv_block *block, size_t width, nb_dtype dtype,
                            nb_dtype real, int64_t room)
{
    *block = (nb_csv_block){.ctx = ctx, .real = real, .width = width};
    block->all = make(block, dtype, room > ROOM_LEAST ? room : ROOM_LEAST);
    return block->all ? NB_OK : ctx->status;
}

/* The rows that are there in another tensor of this dtype and room. */
static nb_status move(nb_csv_block *block, nb_dtype dtype, int64_t room)
{
    nb_tensor *all = make(block, dtype, room);
    nb_tensor *to = all ? nb_tensor_narrow(block->ctx, all, 0, 0, block->rows, 1) : NULL;
    nb_tensor *from = to ? nb_tensor_narrow(block->ctx, block->all, 0, 0, block->rows, 1) : NULL;
    nb_status status = from ? nb_tensor_copy(block->ctx, to, from) : block->ctx->status;
    nb_tensor_release(block->ctx, to);
    nb_tensor_release(block->ctx, from);
    if (status == NB_OK) {
        nb_tensor_release(block->ctx, block->all);
        block->all = all;
    } else {
        nb_tensor_release(block->ctx, all);
    }
    return status;
}

nb_status nb_csv_block_add(nb_csv_block *block, const double *value)
{
    nb_status status = NB_OK;
    nb_dtype now = block->all->dtype,
             dtype = nb_csv_narrowest(value, block->width, now, block->real);
    int64_t room = block->all->shape[0];
    if (block->rows == room) room += room / 2;
    if (dtype != now || room != block->all->shape[0]) status = move(block, dtype, room);
    if (status != NB_OK) return status;
    size_t bytes = block->width * nb_dtype_size(dtype);
    nb_csv_store(value, block->width, dtype,
                 (char *)nb_tensor_data(block->all) + (size_t)block->rows * bytes);
    block->rows++;
    return NB_OK;
}

nb_tensor *nb_csv_block_take(const nb_csv_block *block)
{
    nb_tensor *rows = nb_tensor_narrow(block->ctx, block->all, 0, 0, block->rows, 1);
    int64_t spare = block->all->shape[0] - block->rows;
    if (!rows || spare <= block->rows / SPARE_SHARE) return rows;
    nb_tensor *copy = nb_tensor_clone(block->ctx, rows);
    nb_tensor_release(block->ctx, rows);
    return copy;
}

void nb_csv_block_free(nb_csv_block *block)
{
    nb_tensor_release(block->ctx, block->all);
    block->all = NULL;
}
