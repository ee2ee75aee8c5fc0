/* See pack.h. */
#include "nn/data/read/pack.h"

#include "base/memory.h"
#include "io/idx.h"
#include "io/numpy/npy.h"
#include "kernel/nonzeros.h"
#include "nn/data/rows/nonzeros.h"
#include "tensor/shape.h"

#include <string.h>

enum { PIECE = 256 << 10 }; /* bytes that are read at a time, and at least a row */

typedef struct packing {
    nb_ctx *ctx;
    const nb_elements *of;
    nb_next_rows *next;
    void *self;
    int64_t rows, done, width; /* width: numbers of a row */
    size_t row_bytes;
    nb_nonzeros list;
    char *piece;
    int64_t piece_rows;
} packing;

bool nb_pack_is_small(int64_t nonzeros, int64_t numbers, int64_t width, nb_dtype dtype)
{
    size_t few = nb_nonzeros_bytes(nonzeros, width, dtype);
    return few / NB_PACK_SHARE * 100 <= (size_t)numbers * nb_dtype_size(dtype);
}

/* The feed of rows of one dimension gets the sizes that they have. */
static nb_feed *shaped(nb_feed *feed, const nb_elements *of)
{
    if (!feed) return NULL;
    feed->dims = of->dims - 1;
    memcpy(feed->shape, of->shape + 1, (size_t)feed->dims * sizeof *feed->shape);
    return feed;
}

/* ---- As non-zeros ---------------------------------------------------------------------------- */

static nb_status add_piece(packing *p)
{
    int64_t n = p->rows - p->done < p->piece_rows ? p->rows - p->done : p->piece_rows;
    nb_status status = p->next(p->ctx, p->self, p->piece, n);
    for (int64_t i = 0; i < n && status == NB_OK; i++)
        status = nb_nonzeros_add(p->ctx, &p->list, p->piece + (size_t)i * p->row_bytes);
    p->done += n;
    return status;
}

/* Adds rows to the list until there are no more or they are too many. */
static nb_status add_rows(packing *p)
{
    nb_status status = NB_OK;
    while (p->done < p->rows && status == NB_OK) {
        status = add_piece(p);
        if (nb_nonzeros_bytes(p->list.count, p->width, p->of->dtype) >
            (size_t)p->done * p->row_bytes + NB_PACK_SLACK)
            break;
    }
    return status;
}

static nb_status begin(packing *p)
{
    size_t rows = PIECE / p->row_bytes;
    p->piece_rows = rows ? (int64_t)rows : 1;
    if (nb_nonzeros_begin(p->ctx, p->rows, p->width, p->of->dtype, &p->list) != NB_OK)
        return p->ctx->status;
    p->piece = nb_alloc(p->ctx, (size_t)p->piece_rows * p->row_bytes);
    return p->piece ? NB_OK : p->ctx->status;
}

static void end(packing *p)
{
    nb_free(p->ctx, p->piece, (size_t)p->piece_rows * p->row_bytes);
    p->piece = NULL;
    nb_nonzeros_free(p->ctx, &p->list);
}

/* ---- With their zeros ------------------------------------------------------------------------ */

/* The rows of the list, which goes, to the begin of the tensor. */
static nb_status unpack(packing *p, nb_tensor *to)
{
    if (p->done == 0) return NB_OK;
    nb_feed *feed = nb_feed_of_nonzeros(p->ctx, &p->list);
    if (!feed) return p->ctx->status;
    const nb_pick all = {.n = p->done};
    const nb_room room = {nb_tensor_data(to), p->of->dtype, p->width};
    nb_status status = nb_feed_gather(p->ctx, feed, &all, NULL, &room);
    nb_feed_release(p->ctx, feed);
    return status;
}

static nb_feed *read_on(packing *p, const char *what)
{
    nb_ctx *ctx = p->ctx;
    nb_tensor *all = nb_tensor_new(ctx, p->of->dtype, p->of->dims, p->of->shape);
    if (!all) return NULL;
    nb_status status = unpack(p, all);
    char *at = (char *)nb_tensor_data(all) + (size_t)p->done * p->row_bytes;
    if (status == NB_OK && p->done < p->rows) status = p->next(ctx, p->self, at, p->rows - p->done);
    nb_feed *feed = status == NB_OK ? nb_feed_of_tensor(ctx, all, what) : NULL;
    nb_tensor_release(ctx, all);
    return feed;
}

/* ---- Either ---------------------------------------------------------------------------------- */

nb_feed *nb_feed_pack(nb_ctx *ctx, const nb_elements *of, nb_next_rows *next, void *self,
                      const char *what)
{
    if (nb_feed_check_sizes(ctx, of->dims, of->shape, what) != NB_OK) return NULL;
    packing p = {.ctx = ctx, .of = of, .next = next, .self = self, .rows = of->shape[0]};
    p.width = nb_shape_count(of->dims - 1, of->shape + 1);
    p.row_bytes = (size_t)p.width * nb_dtype_size(of->dtype);
    bool large = (size_t)p.rows * p.row_bytes >= NB_PACK_LEAST;
    if (!large || p.width > NB_NONZEROS_COLUMNS_MAX) return read_on(&p, what);
    nb_status status = begin(&p);
    if (status == NB_OK) status = add_rows(&p);
    bool few =
        p.done == p.rows && nb_pack_is_small(p.list.count, p.rows * p.width, p.width, of->dtype);
    nb_feed *feed = NULL;
    if (status == NB_OK) feed = few ? nb_feed_of_nonzeros(ctx, &p.list) : read_on(&p, what);
    end(&p);
    return few ? shaped(feed, of) : feed;
}

/* ---- Of a tensor ----------------------------------------------------------------------------- */

typedef struct tensor_rows {
    nb_tensor *tensor;
    int64_t done;
} tensor_rows;

static nb_status next_of_tensor(nb_ctx *ctx, void *self, void *into, int64_t n)
{
    tensor_rows *rows = self;
    nb_tensor *some = nb_tensor_narrow(ctx, rows->tensor, 0, rows->done, n, 1);
    nb_tensor *whole = some ? nb_tensor_contiguous(ctx, some) : NULL;
    nb_tensor_release(ctx, some);
    if (!whole) return ctx->status;
    memcpy(into, nb_tensor_data(whole),
           (size_t)nb_tensor_count(whole) * nb_dtype_size(whole->dtype));
    nb_tensor_release(ctx, whole);
    rows->done += n;
    return nb_poll(ctx);
}

/* Whether the numbers of a tensor lie without gaps, rows before columns or columns before rows. */
static bool is_whole(const nb_tensor *tensor)
{
    int64_t step = 1;
    int i = 0;
    for (; i < tensor->dims && tensor->stride[i] == step; i++) step *= tensor->shape[i];
    return i == tensor->dims || nb_tensor_is_contiguous(tensor);
}

/* Whether few of a tensor's numbers are not 0; looks no further than the first too many. */
static nb_status look_for_few(nb_ctx *ctx, const nb_tensor *tensor, bool *few)
{
    enum { AT_ONCE = 1 << 15 };
    int64_t all = nb_tensor_count(tensor), width = all / tensor->shape[0], count = 0;
    size_t size = nb_dtype_size(tensor->dtype);
    const char *at = nb_tensor_data(tensor);
    nb_status status = NB_OK;
    *few = true;
    for (int64_t left = all, n; left > 0 && status == NB_OK && *few; left -= n) {
        n = left < AT_ONCE ? left : AT_ONCE;
        count += (int64_t)nb_count_nonzeros(size, at, (size_t)n);
        at += (size_t)n * size;
        *few = nb_pack_is_small(count, all, width, tensor->dtype);
        status = nb_poll(ctx);
    }
    return status;
}

nb_feed *nb_feed_pack_tensor(nb_ctx *ctx, nb_tensor *tensor, const char *what)
{
    bool few;
    size_t bytes = (size_t)nb_tensor_count(tensor) * nb_dtype_size(tensor->dtype);
    if (tensor->dims < 1 || bytes < NB_PACK_LEAST || !is_whole(tensor))
        return nb_feed_of_tensor(ctx, tensor, what);
    if (look_for_few(ctx, tensor, &few) != NB_OK) return NULL;
    if (!few) return nb_feed_of_tensor(ctx, tensor, what);
    nb_elements of = {.dtype = tensor->dtype, .dims = tensor->dims};
    memcpy(of.shape, tensor->shape, sizeof of.shape);
    tensor_rows rows = {.tensor = tensor};
    return nb_feed_pack(ctx, &of, next_of_tensor, &rows, what);
}

/* The feed of a file in which nothing may follow it; else NULL, as where there is none. */
static nb_feed *at_end(nb_ctx *ctx, nb_source *source, nb_feed *feed)
{
    if (feed && nb_source_check_end(source) == NB_OK) return feed;
    nb_feed_release(ctx, feed);
    return NULL;
}

/* ---- Of an IDX file -------------------------------------------------------------------------- */

static nb_status next_of_idx(nb_ctx *ctx, void *self, void *into, int64_t n)
{
    nb_idx *idx = self;
    (void)ctx;
    return nb_idx_next(idx, into, n * nb_shape_count(idx->of.dims - 1, idx->of.shape + 1));
}

nb_feed *nb_feed_read_idx(nb_ctx *ctx, nb_source *source, const char *what)
{
    nb_idx idx;
    if (nb_idx_open(ctx, source, &idx) != NB_OK) return NULL;
    return at_end(ctx, source, nb_feed_pack(ctx, &idx.of, next_of_idx, &idx, what));
}

/* ---- Of a .npy file -------------------------------------------------------------------------- */

static nb_status next_of_npy(nb_ctx *ctx, void *self, void *into, int64_t n)
{
    nb_npy *npy = self;
    return nb_npy_next(ctx, npy, into, n * nb_shape_count(npy->of.dims - 1, npy->of.shape + 1));
}

/* Of one that has columns before rows no row is whole before the last column has come. */
static nb_feed *read_columns(nb_ctx *ctx, nb_npy *npy, const char *what)
{
    nb_tensor *tensor = nb_npy_all(ctx, npy);
    nb_feed *feed = tensor ? nb_feed_pack_tensor(ctx, tensor, what) : NULL;
    nb_tensor_release(ctx, tensor);
    return feed;
}

nb_feed *nb_feed_read_npy(nb_ctx *ctx, nb_source *source, const char *what)
{
    nb_npy npy;
    if (nb_npy_open(ctx, source, &npy) != NB_OK) return NULL;
    if (npy.of.column_major) return read_columns(ctx, &npy, what);
    return at_end(ctx, source, nb_feed_pack(ctx, &npy.of, next_of_npy, &npy, what));
}
