/* Rows given as their non-zeros, as tensors and as products. */
#include "grad/thinned.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/workers.h"
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

enum {
    PIECE_COLUMNS = 256,  /* of z, or of w, for one worker */
    PIECE_TERMS = 1 << 19 /* and of z alone rows of so many and more */
};

/* Sizes of the rows with their zeros; gives how many. */
static int shape_of(const nb_thinned *given, int64_t shape[NB_MAX_DIMS])
{
    shape[0] = given->rows.rows;
    shape[1] = given->rows.columns;
    if (given->dims) memcpy(shape + 1, given->shape, (size_t)given->dims * sizeof *shape);
    return given->dims ? given->dims + 1 : 2;
}

nb_tensor *nb_thinned_tensor(nb_ctx *ctx, nb_thinned *given)
{
    const nb_thin *rows = &given->rows;
    const int64_t room = sizeof(nb_thinned_data) / sizeof(float), still[NB_MAX_DIMS] = {0};
    int64_t shape[NB_MAX_DIMS];
    int dims = shape_of(given, shape);
    nb_tensor *one = nb_tensor_new(ctx, rows->dtype, 1, &room);
    nb_tensor *x = one ? nb_tensor_view(ctx, one, dims, shape, still, 0) : NULL;
    if (x) {
        nb_real(rows->dtype)->fill(1, nb_tensor_data(x), 1, NAN);
        ((nb_thinned_data *)x->storage->data)->given = given;
        x->storage->given = true;
    }
    nb_tensor_release(ctx, one);
    return x;
}

nb_thinned nb_thinned_part(const nb_thinned *given, int64_t start, int64_t n)
{
    nb_thinned part = *given;
    part.rows.start += start;
    part.rows.rows = n;
    return part;
}

nb_tensor *nb_thinned_or_contiguous(nb_ctx *ctx, nb_tensor *tensor)
{
    return nb_thinned_of(tensor) ? nb_tensor_retain(tensor) : nb_tensor_contiguous(ctx, tensor);
}

nb_tensor *nb_thinned_numbers(nb_ctx *ctx, const nb_thinned *given)
{
    const nb_thin *rows = &given->rows;
    size_t size = nb_dtype_size(rows->dtype);
    int64_t shape[NB_MAX_DIMS];
    int dims = shape_of(given, shape);
    nb_tensor *x = nb_tensor_zeros(ctx, rows->dtype, dims, shape);
    char *to = x ? nb_tensor_data(x) : NULL;
    for (int64_t i = 0; x && i < rows->rows; i++, to += (size_t)rows->columns * size)
        for (int32_t at = rows->start[i]; at < rows->start[i + 1]; at++)
            memcpy(to + (size_t)rows->index[at] * size,
                   (const char *)rows->value + (size_t)at * size, size);
    return x;
}

int64_t nb_thinned_place(const nb_thinned *given, int64_t place)
{
    int64_t at = place - given->start, count = given->neurons * given->inputs;
    if (!given->turned || at < 0 || at >= count) return place;
    return given->start + at % given->neurons * given->inputs + at / given->neurons;
}

double nb_thinned_magnitude(const nb_thinned *given)
{
    if (given->rows.most > 0) return given->rows.most;
    return nb_real(given->rows.dtype)->magnitude((size_t)given->rows.count, given->rows.value);
}

/* ---- Where w lies ---------------------------------------------------------------------------- */

static void copy_rows(const nb_thinned *given, const void *from, int64_t from_ld, void *to,
                      int64_t to_ld)
{
    size_t size = nb_dtype_size(given->rows.dtype);
    nb_kernels_get()->copy_matrix(size, (size_t)given->inputs, (size_t)given->neurons, from,
                                  from_ld, 1, to, to_ld, 1);
}

void nb_thinned_home(nb_thinned *given, void *place)
{
    if (!given->w) return;
    copy_rows(given, given->w, given->ld, place, given->neurons);
    given->w = NULL;
}

void nb_thinned_away(nb_thinned *given, const void *place, void *w, int64_t ld)
{
    copy_rows(given, place, given->neurons, w, ld);
    given->w = w;
    given->ld = ld;
}

nb_turned_w nb_thinned_w(const nb_thinned *given, void *place)
{
    int64_t m = given->neurons;
    return (nb_turned_w){.data = given->w ? given->w : place,
                         .m = m,
                         .ld = given->w ? given->ld : m,
                         .padded = given->w};
}

/* ---- Products -------------------------------------------------------------------------------- */

typedef struct job {
    const nb_thin *x;
    double alpha;
    const char *delta;     /* NULL: forward */
    const nb_thin *turned; /* x, turned; NULL: x itself goes */
    nb_turned_w w;
    char *z;
    size_t across; /* pieces side by side; the others stand below */
    int64_t rows;  /* of one */
} job;

/* A piece's rows and, in `at`, those of z before it. */
static nb_thin rows_of(const job *j, size_t piece, size_t *at)
{
    int64_t first = (int64_t)(piece / j->across) * j->rows;
    nb_thin rows = *j->x;
    rows.rows = nb_least_i64(rows.rows - first, j->rows);
    rows.start += first;
    *at = (size_t)first;
    return rows;
}

static void run(void *arg, size_t piece)
{
    const job *j = arg;
    const nb_thin_kernels *thin = nb_kernels_get()->thin[j->x->dtype];
    int64_t first = (int64_t)(piece % j->across) * PIECE_COLUMNS, left = j->w.m - first;
    size_t size = nb_dtype_size(j->x->dtype), at = (size_t)first * size, above;
    size_t m = (size_t)(left < PIECE_COLUMNS ? left : PIECE_COLUMNS);
    size_t ld = (size_t)j->w.m, ldw = (size_t)j->w.ld;
    const nb_thin rows = rows_of(j, piece, &above);
    char *w = (char *)j->w.data + at;
    if (j->turned)
        thin->back_turned(j->turned, m, j->alpha, j->delta + at, ld, w, ldw, j->w.padded);
    else if (j->delta)
        thin->back(&rows, m, j->alpha, j->delta + at, ld, w, ldw, j->w.padded);
    else
        thin->forward(&rows, m, w, ldw, j->w.padded, true, j->z + at + above * ld * size, ld);
}

/* Rows are summed by themselves, but what is added to w comes from all of them. They are cut where
 * threads would have nothing to do: the more rows, the less is to be read of w for each. */
static int64_t piece_rows(nb_ctx *ctx, const job *j)
{
    const nb_thin *x = j->x;
    int64_t across = (int64_t)j->across, wanted = (ctx->threads + across - 1) / across;
    int64_t terms = x->rows ? (int64_t)(x->start[x->rows] - x->start[0]) * j->w.m : 0;
    int64_t pieces = j->delta ? 1 : nb_least_i64(terms / across / PIECE_TERMS, wanted);
    return pieces > 1 ? (x->rows + pieces - 1) / pieces : x->rows;
}

static void run_all(nb_ctx *ctx, job *j)
{
    j->across = (size_t)((j->w.m + PIECE_COLUMNS - 1) / PIECE_COLUMNS);
    if (j->across == 0) return;
    j->rows = piece_rows(ctx, j);
    size_t down = j->rows ? (size_t)((j->x->rows + j->rows - 1) / j->rows) : 1;
    nb_parallel(ctx, j->across * down, run, j);
}

void nb_thin_forward(nb_ctx *ctx, const nb_thin *x, nb_turned_w w, void *z)
{
    run_all(ctx, &(job){.x = x, .w = w, .z = z});
}

/* The transpose of x, in buffers of its own. */
typedef struct transpose {
    nb_thin lists;
    size_t bytes[3];
} transpose;

static void drop_transpose(nb_ctx *ctx, transpose *t)
{
    nb_free(ctx, t->lists.value, t->bytes[2]);
    nb_free(ctx, t->lists.index, t->bytes[1]);
    nb_free(ctx, t->lists.start, t->bytes[0]);
}

static nb_status transpose_of(nb_ctx *ctx, const nb_thin *x, transpose *t)
{
    size_t count = (size_t)(x->start[x->rows] - x->start[0]);
    *t = (transpose){.lists = {.dtype = x->dtype, .rows = x->columns, .columns = x->rows},
                     .bytes = {((size_t)x->columns + 2) * sizeof *x->start,
                               count * sizeof *x->index, count * nb_dtype_size(x->dtype)}};
    nb_thin *lists = &t->lists;
    lists->start = nb_alloc(ctx, t->bytes[0]);
    lists->index = lists->start ? nb_alloc(ctx, t->bytes[1]) : NULL;
    lists->value = lists->index ? nb_alloc(ctx, t->bytes[2]) : NULL;
    if (lists->value) {
        nb_kernels_get()->thin[x->dtype]->turn(x, lists);
        return NB_OK;
    }
    drop_transpose(ctx, t);
    return ctx->status;
}

nb_status nb_thin_back(nb_ctx *ctx, const nb_thin *x, double alpha, const void *delta,
                       nb_turned_w w)
{
    transpose turned = {.bytes = {0}};
    job j = {.x = x, .alpha = alpha, .delta = delta, .w = w};
    if (nb_kernels_get()->thin[x->dtype]->repeats(x, (size_t)w.m)) {
        if (transpose_of(ctx, x, &turned) != NB_OK) return ctx->status;
        j.turned = &turned.lists;
    }
    run_all(ctx, &j);
    if (j.turned) drop_transpose(ctx, &turned);
    return NB_OK;
}

void nb_turn(nb_dtype dtype, int64_t rows, int64_t columns, const void *from, void *to)
{
    nb_kernels_get()->copy_matrix(nb_dtype_size(dtype), (size_t)rows, (size_t)columns, from, 1,
                                  rows, to, columns, 1);
}
