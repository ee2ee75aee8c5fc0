/* What ops on matrices share: checks, work copies for LAPACK, batches, the words of failures. */
#include "grad/matrices.h"

#include "grad/support.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

enum {
    CLEARED = 1 << 24, /* elements cleared between two looks for Ctrl-C */
    ROW_WORTH = 16     /* of them, what a row costs beside its elements */
};

nb_status nb_matrix_check(nb_ctx *ctx, const char *op, const nb_tensor *a, bool square)
{
    char text[NB_SHAPE_TEXT];
    nb_shape_text(a->dims, a->shape, text);
    if (a->dims < 2) return nb_fail(ctx, NB_ESHAPE, "%s takes matrices, not %s", op, text);
    if (!square || a->shape[a->dims - 2] == a->shape[a->dims - 1]) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s takes square matrices, not %s", op, text);
}

nb_stack nb_matrix_stack(const nb_tensor *a)
{
    int batch = a->dims - 2;
    return (nb_stack){.dtype = a->dtype,
                      .count = nb_shape_count(batch, a->shape),
                      .rows = a->shape[batch],
                      .columns = a->shape[batch + 1],
                      .data = nb_tensor_data(a)};
}

nb_tensor *nb_matrix_beside(nb_ctx *ctx, const nb_tensor *a, nb_dtype dtype, int dims,
                            const int64_t *size)
{
    int64_t shape[NB_MAX_DIMS];
    int batch = a->dims - 2;
    memcpy(shape, a->shape, (size_t)batch * sizeof *shape);
    memcpy(shape + batch, size, (size_t)dims * sizeof *shape);
    return nb_tensor_new(ctx, dtype, batch + dims, shape);
}

static int64_t within(int64_t x, int64_t most)
{
    return x < 0 ? 0 : x > most ? most : x;
}

/* The rows from `from` up to `to`, counted through all matrices. */
static void clear_rows(const nb_stack *stack, bool above, int64_t k, int64_t from, int64_t to)
{
    const nb_stack s = *stack;
    int64_t width = (int64_t)nb_dtype_size(s.dtype);
    char *row = (char *)s.data + from * s.columns * width;
    if (k < -s.rows) k = -s.rows;
    if (k > s.columns) k = s.columns;
    for (int64_t i = from; i < to; i++, row += s.columns * width) {
        int64_t diagonal = i % s.rows + k; /* its column, which may lie outside */
        int64_t first = above ? within(diagonal + 1, s.columns) : 0;
        int64_t last = above ? s.columns : within(diagonal, s.columns);
        memset(row + first * width, 0, (size_t)((last - first) * width));
    }
}

void nb_matrix_clear(nb_tensor *a, bool above, int64_t k)
{
    nb_stack s = nb_matrix_stack(a);
    clear_rows(&s, above, k, 0, s.count * s.rows);
}

nb_status nb_matrix_clear_polled(nb_ctx *ctx, nb_tensor *a, bool above, int64_t k)
{
    nb_stack s = nb_matrix_stack(a);
    int64_t rows = s.count * s.rows, most = CLEARED / (s.columns + ROW_WORTH) + 1;
    for (int64_t i = 0, end; i < rows; i = end) {
        if (i > 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        end = rows - i < most ? rows : i + most;
        clear_rows(&s, above, k, i, end);
    }
    return NB_OK;
}

/* "the matrix", or "matrix {2, 1} of the batch", counted from 1. */
static const char *name_matrix(const nb_tensor *a, int64_t i, char *text, size_t room)
{
    int64_t index[NB_MAX_DIMS];
    int batch = a->dims - 2, at = 0;
    snprintf(text, room, "the matrix");
    if (batch == 0) return text;
    for (int d = batch - 1; d >= 0; i /= a->shape[d--]) index[d] = i % a->shape[d] + 1;
    at = snprintf(text, room, batch > 1 ? "matrix {" : "matrix ");
    for (int d = 0; d < batch; d++)
        at += snprintf(text + at, room - (size_t)at, d ? ", %lld" : "%lld", (long long)index[d]);
    snprintf(text + at, room - (size_t)at, batch > 1 ? "} of the batch" : " of the batch");
    return text;
}

nb_status nb_matrix_fault(nb_ctx *ctx, const char *op, const nb_tensor *a, nb_status status,
                          nb_fault fault, const char *words)
{
    char name[NB_SHAPE_TEXT + 32], order[24], *mark = strchr(words, '#');
    if (status != NB_EVALUE) return status;
    int before = mark ? (int)(mark - words) : (int)strlen(words);
    snprintf(order, sizeof order, "%d", fault.order);
    return nb_fail(ctx, NB_EVALUE, "%s: %s %.*s%s%s", op,
                   name_matrix(a, fault.matrix, name, sizeof name), before, words,
                   mark ? order : "", mark ? mark + 1 : "");
}

nb_status nb_matrix_finite(nb_ctx *ctx, const char *op, const nb_tensor *a)
{
    nb_stack s = nb_matrix_stack(a);
    const nb_real_kernels *real = nb_real(s.dtype);
    size_t each = (size_t)(s.rows * s.columns), bytes = each * nb_dtype_size(s.dtype);
    if (real->finite((size_t)s.count * each, s.data)) return NB_OK;
    int64_t i = 0;
    while (real->finite(each, (char *)s.data + (size_t)i * bytes)) i++;
    return nb_matrix_fault(ctx, op, a, NB_EVALUE, (nb_fault){i, 0}, "holds NaN or infinity");
}

nb_tensor *nb_matrix_work(nb_ctx *ctx, const char *op, const nb_tensor *a, bool lower)
{
    nb_tensor *work = nb_tensor_clone(ctx, a);
    nb_status status = work ? NB_OK : ctx->status;
    if (status == NB_OK && lower) status = nb_matrix_clear_polled(ctx, work, true, 0);
    if (status == NB_OK) status = nb_matrix_finite(ctx, op, work);
    return nb_tensor_settle(ctx, work, status);
}

int64_t nb_matrix_number(int batch, const int64_t *shape, int64_t i, const nb_tensor *a)
{
    int64_t number = 0, step = 1;
    for (int d = batch - 1, own = a->dims - 3; d >= 0 && own >= 0; d--, own--) {
        if (a->shape[own] != 1) number += i % shape[d] * step;
        step *= a->shape[own];
        i /= shape[d];
    }
    return number;
}

nb_tensor *nb_matrix_columns(nb_ctx *ctx, nb_tensor *b)
{
    if (b->dims != 1) return nb_tensor_retain(b);
    return nb_tensor_reshape(ctx, b, 2, (const int64_t[]){-1, 1});
}

nb_status nb_matrix_system(nb_ctx *ctx, const char *op, const nb_tensor *a, bool square,
                           const nb_tensor *b, nb_system *out)
{
    bool vector = b->dims == 1;
    int rows = vector ? 0 : b->dims - 2;
    if (nb_matrix_check(ctx, op, a, square) != NB_OK) return ctx->status;
    bool fits = b->dims > 0 && b->shape[rows] == a->shape[a->dims - 2] &&
                nb_shape_broadcast(a->dims - 2, a->shape, rows, b->shape, &out->batch, out->shape);
    if (!fits) return nb_misfit(ctx, op, a, b);
    out->vector = vector;
    out->shape[out->batch] = b->shape[rows];
    out->shape[out->batch + 1] = vector ? 1 : b->shape[rows + 1];
    return NB_OK;
}
