/* Walking several tensors in step. */
#include "tensor/walk.h"

#include "base/workers.h"

#include <string.h>

enum {
    PIECE =
        1 << 16, /* elements of one piece: its inner loop is worth a hand-over between threads */
    PARALLEL =
        1 << 18 /* elements from which the workers are asked: below, waking them costs more */
};

/* The step of operand dimension d when the tensor is expanded to `dims` dimensions. */
static int64_t expanded_step(const nb_tensor *tensor, int dims, int d)
{
    int own = d - (dims - tensor->dims);
    if (own < 0 || tensor->shape[own] == 1) return 0;
    return tensor->stride[own];
}

/* True when dimension `outer` steps on exactly where the innermost folded dimension ends. */
static bool folds(const nb_walk *walk, const int64_t *step)
{
    for (int i = 0; i < walk->operands; i++)
        if (step[i] != walk->step[i][0] * walk->size[0]) return false;
    return true;
}

/* Puts a dimension in front of those that the walk has (built from the last to the first). */
static void push_dimension(nb_walk *walk, int64_t size, const int64_t *step)
{
    if (walk->dims && folds(walk, step)) {
        walk->size[0] *= size;
        return;
    }
    memmove(walk->size + 1, walk->size, (size_t)walk->dims * sizeof(int64_t));
    walk->size[0] = size;
    for (int i = 0; i < walk->operands; i++) {
        memmove(walk->step[i] + 1, walk->step[i], (size_t)walk->dims * sizeof(int64_t));
        walk->step[i][0] = step[i];
    }
    walk->dims++;
}

void nb_walk_make(nb_walk *walk, int dims, const int64_t *shape, int operands,
                  const nb_tensor *const *tensor)
{
    walk->operands = operands;
    walk->dims = 0;
    for (int i = 0; i < operands; i++) {
        walk->base[i] = nb_tensor_data(tensor[i]);
        walk->width[i] = nb_dtype_size(tensor[i]->dtype);
    }
    for (int d = dims - 1; d >= 0; d--) {
        int64_t step[NB_WALK_MAX] = {0};
        if (shape[d] == 1) continue;
        for (int i = 0; i < operands; i++) step[i] = expanded_step(tensor[i], dims, d);
        push_dimension(walk, shape[d], step);
    }
    if (walk->dims == 0) {
        const int64_t still[NB_WALK_MAX] = {0};
        push_dimension(walk, 1, still);
    }
}

/* A walk cut into pieces: `rows` outer steps times one of `cuts` parts of the inner loop. */
typedef struct job {
    const nb_walk *walk;
    nb_walk_fn *fn;
    void *arg;
    const volatile sig_atomic_t *interrupt;
    int64_t outer; /* product of all sizes but the innermost */
    int64_t inner, chunk, cuts, rows;
} job;

/* Sets each operand's pointer to the start of outer step `row`, and the odometer with it. */
static void seek(const nb_walk *walk, int64_t row, int64_t *index, char **at)
{
    for (int i = 0; i < walk->operands; i++) at[i] = walk->base[i];
    for (int d = walk->dims - 2; d >= 0; d--) {
        index[d] = row % walk->size[d];
        row /= walk->size[d];
        for (int i = 0; i < walk->operands; i++)
            at[i] += index[d] * walk->step[i][d] * (int64_t)walk->width[i];
    }
}

/* One outer step on. */
static void advance(const nb_walk *walk, int64_t *index, char **at)
{
    for (int d = walk->dims - 2; d >= 0; d--) {
        bool carry = ++index[d] == walk->size[d];
        int64_t by = carry ? 1 - walk->size[d] : 1;
        if (carry) index[d] = 0;
        for (int i = 0; i < walk->operands; i++)
            at[i] += by * walk->step[i][d] * (int64_t)walk->width[i];
        if (!carry) return;
    }
}

static void do_piece(void *arg, size_t piece)
{
    const job *work = arg;
    const nb_walk *walk = work->walk;
    if (work->interrupt && *work->interrupt) return;
    int64_t group = (int64_t)piece / work->cuts;
    int64_t begin = (int64_t)piece % work->cuts * work->chunk;
    int64_t n = work->inner - begin < work->chunk ? work->inner - begin : work->chunk;
    int64_t row = group * work->rows;
    int64_t end = row + work->rows < work->outer ? row + work->rows : work->outer;
    int64_t index[NB_MAX_DIMS], stride[NB_WALK_MAX];
    char *at[NB_WALK_MAX], *here[NB_WALK_MAX];
    for (int i = 0; i < walk->operands; i++) stride[i] = walk->step[i][walk->dims - 1];
    for (seek(walk, row, index, at); row < end; row++, advance(walk, index, at)) {
        for (int i = 0; i < walk->operands; i++)
            here[i] = at[i] + begin * stride[i] * (int64_t)walk->width[i];
        work->fn(work->arg, (size_t)n, here, stride);
    }
}

/* Pieces of about PIECE elements, where each step of the inner loop is worth `cost` of them. */
static job plan(const nb_ctx *ctx, const nb_walk *walk, int64_t cost, nb_walk_fn *fn, void *arg)
{
    int64_t piece = cost < PIECE ? PIECE / (cost > 0 ? cost : 1) : 1;
    job work = {
        .walk = walk, .fn = fn, .arg = arg, .interrupt = ctx ? ctx->interrupt : NULL, .outer = 1};
    for (int d = 0; d < walk->dims - 1; d++) work.outer *= walk->size[d];
    work.inner = walk->size[walk->dims - 1];
    if (work.inner == 0) work.outer = 0;
    work.chunk = work.inner < piece ? work.inner : piece;
    if (work.outer == 0) return work;
    work.cuts = (work.inner + work.chunk - 1) / work.chunk;
    work.rows = work.inner < piece ? piece / work.inner : 1;
    return work;
}

static size_t piece_count(const job *work)
{
    if (work->outer == 0) return 0;
    return (size_t)(work->cuts * ((work->outer + work->rows - 1) / work->rows));
}

nb_status nb_walk_rows(nb_ctx *ctx, const nb_walk *walk, int64_t cost, nb_walk_fn *fn, void *arg)
{
    job work = plan(ctx, walk, cost, fn, arg);
    size_t pieces = piece_count(&work);
    /* A single piece is done whole: what is skipped must be told, and nobody polls behind it. */
    if (pieces <= 1) work.interrupt = NULL;
    if (pieces > 1 && (double)(work.outer * work.inner) * (double)cost >= PARALLEL) {
        nb_parallel(ctx, pieces, do_piece, &work);
        return nb_poll(ctx);
    }
    for (size_t i = 0; i < pieces; i++) do_piece(&work, i);
    return pieces > 1 ? nb_poll(ctx) : NB_OK;
}

nb_status nb_walk_run(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    return nb_walk_rows(ctx, walk, 1, fn, arg);
}

void nb_walk_each(const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    job work = plan(NULL, walk, 1, fn, arg);
    /* Whole inner loops, so that rows come in order. */
    work.chunk = work.inner;
    work.cuts = 1;
    work.rows = work.outer;
    if (work.outer > 0) do_piece(&work, 0);
}

/* The pieces of a plan are numbered in row-major order. */
nb_status nb_walk_in_order(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    job work = plan(ctx, walk, 1, fn, arg);
    nb_status status = NB_OK;
    work.interrupt = NULL;
    for (size_t i = 0, pieces = piece_count(&work); i < pieces && status == NB_OK; i++) {
        do_piece(&work, i);
        if (pieces > 1) status = nb_poll(ctx);
    }
    return status;
}
