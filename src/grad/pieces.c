/* Rows cut into pieces of work. */
#include "grad/pieces.h"

#include "base/memory.h"
#include "grad/weights.h"
#include "tensor/make.h"

enum {
    PIECE = 1 << 14,   /* elements that are worth a piece of work */
    PIECES_MAX = 64,   /* each has sums of its own */
    PARALLEL = 1 << 16 /* elements from which on pieces go to the workers */
};

nb_pieces nb_pieces_of(int64_t rows, int64_t width)
{
    nb_pieces p = {.rows = width ? rows : 0, .width = width};
    int64_t worth = width ? PIECE / width : 0, least = (p.rows + PIECES_MAX - 1) / PIECES_MAX;
    p.piece = worth > least ? worth : least > 1 ? least : 1;
    p.count = (size_t)((p.rows + p.piece - 1) / p.piece);
    return p;
}

nb_pieces nb_pieces_of_examples(int64_t rows, int64_t width, int64_t n)
{
    nb_pieces p = {.rows = width ? rows : 0, .width = width};
    p.piece = n > 0 && p.rows >= n ? p.rows / n : 1;
    p.count = (size_t)(p.rows / p.piece);
    return p;
}

nb_status nb_pieces_run(nb_ctx *ctx, nb_pieces *p, nb_piece *work, void *arg)
{
    p->interrupt = p->count > 1 ? ctx->interrupt : NULL;
    if (p->rows * p->width >= PARALLEL)
        nb_parallel(ctx, p->count, work, arg);
    else
        for (size_t i = 0; i < p->count; i++) work(arg, i);
    return nb_poll(ctx);
}

int64_t nb_piece_start(const nb_pieces *p, size_t piece)
{
    return (int64_t)piece * p->piece;
}

int64_t nb_piece_end(const nb_pieces *p, size_t piece)
{
    int64_t end = ((int64_t)piece + 1) * p->piece;
    return end < p->rows ? end : p->rows;
}

bool nb_pieces_stopped(const nb_pieces *p)
{
    return p->interrupt && *p->interrupt;
}

double *nb_piece_sums(nb_ctx *ctx, const nb_pieces *p, int64_t each, size_t *bytes)
{
    *bytes = p->count * (size_t)each * sizeof(double);
    if (*bytes == 0) *bytes = 1;
    return nb_alloc_zero(ctx, 1, *bytes);
}

void nb_piece_total(const nb_pieces *p, const double *sums, int64_t each, int64_t first,
                    int64_t count, double *to)
{
    for (int64_t k = 0; k < count; k++) to[k] = 0;
    for (size_t piece = 0; piece < p->count; piece++) {
        const double *from = sums + (int64_t)piece * each + first;
        for (int64_t k = 0; k < count; k++) to[k] += from[k];
    }
}

/* (pieces, count) in the dtype of `like`. */
static nb_tensor *each_piece(nb_ctx *ctx, const nb_pieces *p, const double *sums, int64_t each,
                             int64_t first, const nb_tensor *like)
{
    const int64_t shape[] = {(int64_t)p->count, like->shape[0]};
    nb_tensor *out = nb_tensor_new(ctx, like->dtype, 2, shape);
    for (int64_t i = 0; out && i < shape[0]; i++)
        for (int64_t k = 0; k < shape[1]; k++)
            nb_tensor_set(out, (const int64_t[]){i, k}, sums[i * each + first + k]);
    return out;
}

nb_status nb_piece_gradient(nb_ctx *ctx, nb_record *record, int input, const nb_pieces *p,
                            const double *sums, int64_t each, int64_t first, nb_tensor **grad)
{
    const nb_tensor *like = record->in[input];
    if (nb_tape_is_observed(record)) {
        nb_tensor *rows = each_piece(ctx, p, sums, each, first, like);
        nb_status status = rows ? nb_sum_gradient(ctx, record, input, rows, grad) : ctx->status;
        nb_tensor_release(ctx, rows);
        return status;
    }
    nb_tensor *sum = nb_tensor_new(ctx, NB_F64, 1, like->shape);
    if (!sum) return ctx->status;
    nb_piece_total(p, sums, each, first, like->shape[0], nb_tensor_data(sum));
    grad[input] = nb_tensor_convert(ctx, sum, like->dtype, 1);
    nb_tensor_release(ctx, sum);
    return grad[input] ? NB_OK : ctx->status;
}
