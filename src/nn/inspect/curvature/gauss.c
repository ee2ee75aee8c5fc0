/* Jᵀ H_L J as a sum over rows: of a stretch of them R each, its products RᵀR, in stripes of which
 * none goes far beyond the diagonal. */
#include "nn/inspect/curvature/gauss.h"

#include "base/arith.h"
#include "base/memory.h"
#include "kernel/product.h"
#include "nn/inspect/curvature/outputs.h"

#include <math.h>
#include <string.h>

enum {
    ROWS_BYTES = 8 << 20, /* of rows that are multiplied at once, about */
    STRIPES = 8
};

typedef struct adding {
    double *matrix, *room;
    int64_t n, most;    /* sides of the matrix; rows of the room */
    int64_t done, rows; /* of the whole Jacobian, about */
} adding;

/* Rows whose sign is 1 before the others; gives their number. */
static int64_t sort_signs(double *room, int64_t rows, int64_t n)
{
    int64_t first = 0;
    for (int64_t i = 0; i < rows; i++) {
        double *row = room + i * (n + 1), *to = room + first * (n + 1);
        if (row[n] < 0) continue;
        for (int64_t j = 0; i != first && j <= n; j++) {
            double held = to[j];
            to[j] = row[j];
            row[j] = held;
        }
        first++;
    }
    return first;
}

/* The lower triangle, and a little beside it, grows by alpha RᵀR. */
static nb_status add(nb_ctx *ctx, const adding *to, const double *rows, int64_t count, double alpha)
{
    size_t n = (size_t)to->n, stripe = (n + STRIPES - 1) / STRIPES, ld = n + 1;
    nb_status status = NB_OK;
    for (size_t at = 0; at < n && status == NB_OK && count > 0; at += stripe) {
        size_t m = nb_least_size(stripe, n - at);
        status = nb_product(ctx, NB_F64, m, at + m, (size_t)count, alpha,
                            (nb_matrix){rows + at, ld, true}, (nb_matrix){rows, ld, false}, 1,
                            to->matrix + at * n, n);
    }
    return status;
}

static nb_status take(nb_ctx *ctx, void *self, int64_t rows)
{
    adding *to = self;
    int64_t positive = sort_signs(to->room, rows, to->n);
    nb_status status = add(ctx, to, to->room, positive, 1);
    if (status == NB_OK)
        status = add(ctx, to, to->room + positive * (to->n + 1), rows - positive, -1);
    to->done += rows;
    nb_tell(ctx, "Gauss-Newton", nb_least_i64(to->done, to->rows), to->rows);
    return status == NB_OK ? nb_poll(ctx) : status;
}

static void mirror(double *matrix, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j];
}

static nb_status sum(nb_ctx *ctx, const nb_probe *probe, nb_outputs *outputs, adding *to)
{
    const nb_whole *whole = nb_probe_whole(probe);
    nb_status status = nb_outputs_begin(ctx, outputs, whole);
    if (status != NB_OK) return status;
    const nb_row_source source = nb_outputs_rows(outputs);
    const nb_row_taker taker = {probe->places.at, to->n, to->room, to->most, take, to, NULL};
    status = nb_rows_make(ctx, whole, &source, &taker);
    if (status == NB_OK) status = nb_outputs_check(ctx, outputs, probe->cost);
    if (status == NB_OK) mirror(to->matrix, to->n);
    return status;
}

/* With steps `wider` times the usual ones where H_L is by differences; *exact: it is not. */
static nb_status make(nb_ctx *ctx, const nb_probe *probe, double wider, double *matrix, bool *exact)
{
    size_t n = (size_t)probe->places.count, row = (n + 1) * sizeof(double);
    size_t rows = ROWS_BYTES / row < 1 ? 1 : ROWS_BYTES / row;
    nb_outputs outputs = {.wider = wider};
    const nb_whole *whole = nb_probe_whole(probe);
    adding to = {.matrix = matrix, .n = (int64_t)n, .most = (int64_t)rows};
    to.rows = nb_whole_count(whole) * nb_form_count(nb_net_out(whole->net));
    to.room = nb_alloc(ctx, rows * row);
    if (!to.room) return ctx->status;
    memset(matrix, 0, n * n * sizeof *matrix);
    nb_status status = sum(ctx, probe, &outputs, &to);
    *exact = nb_outputs_are_exact(&outputs);
    nb_outputs_end(ctx, &outputs);
    nb_free(ctx, to.room, rows * row);
    return status;
}

/* ‖A - B‖, a matrix of errors' length. */
static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

nb_status nb_gauss_newton(nb_ctx *ctx, const nb_probe *probe, double *matrix, double *error)
{
    bool exact;
    size_t n = (size_t)probe->places.count, bytes = n * n * sizeof *matrix;
    *error = 0;
    nb_status status = make(ctx, probe, 1, matrix, &exact);
    if (status != NB_OK || exact) return status;
    double *twice = nb_alloc(ctx, bytes);
    if (!twice) return ctx->status;
    status = make(ctx, probe, 2, twice, &exact);
    if (status == NB_OK) *error = distance(matrix, twice, n * n);
    nb_free(ctx, twice, bytes);
    return status;
}
