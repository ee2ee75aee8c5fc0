/* Walking several tensors in step. */
#include "tensor/walk.h"

#include "base/arith.h"
#include "base/workers.h"
#include "kernel/kernel.h"

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

/* Behind the last step of dimension d: back to its beginning, and one step on of those before it.
 */
static void carry(const nb_walk *walk, int d, int64_t *index, char **at)
{
    for (; d >= 0 && index[d] == walk->size[d]; d--) {
        index[d] = 0;
        if (d > 0) index[d - 1]++;
        for (int i = 0; i < walk->operands; i++) {
            int64_t on = d > 0 ? walk->step[i][d - 1] : 0;
            at[i] += (on - walk->size[d] * walk->step[i][d]) * (int64_t)walk->width[i];
        }
    }
}

/* Inner loops of n from `begin` on, outer steps `row` to `end` - 1: run by run of the last outer
 * dimension, in which only pointers are moved from one to the next. */
static void do_rows(const job *work, int64_t begin, size_t n, int64_t row, int64_t end)
{
    const nb_walk *walk = work->walk;
    const int inner = walk->dims - 1, operands = walk->operands;
    int64_t index[NB_MAX_DIMS] = {0}, stride[NB_WALK_MAX], jump[NB_WALK_MAX];
    char *at[NB_WALK_MAX];
    seek(walk, row, index, at);
    for (int i = 0; i < operands; i++) {
        int64_t width = (int64_t)walk->width[i];
        stride[i] = walk->step[i][inner];
        jump[i] = inner ? walk->step[i][inner - 1] * width : 0;
        at[i] += begin * stride[i] * width;
    }
    while (row < end) {
        int64_t left = inner ? walk->size[inner - 1] - index[inner - 1] : 1;
        int64_t run = nb_least_i64(end - row, left);
        for (int64_t r = 0; r < run; r++) {
            work->fn(work->arg, n, at, stride);
            for (int i = 0; i < operands; i++) at[i] += jump[i];
        }
        row += run;
        if (inner) index[inner - 1] += run;
        carry(walk, inner - 1, index, at);
    }
}

static void do_piece(void *arg, size_t piece)
{
    const job *work = arg;
    if (work->interrupt && *work->interrupt) return;
    int64_t group = (int64_t)piece / work->cuts;
    int64_t begin = (int64_t)piece % work->cuts * work->chunk;
    int64_t row = group * work->rows;
    do_rows(work, begin, (size_t)nb_least_i64(work->inner - begin, work->chunk), row,
            nb_least_i64(row + work->rows, work->outer));
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

/* Calls `piece` for each, on the workers where there is enough to do: elements, or their cost. */
static nb_status run_pieces(nb_ctx *ctx, size_t pieces, double elements, nb_piece *piece,
                            void *work)
{
    if (elements >= PARALLEL)
        nb_parallel(ctx, pieces, piece, work);
    else
        for (size_t i = 0; i < pieces; i++) piece(work, i);
    return nb_poll(ctx);
}

nb_status nb_walk_rows(nb_ctx *ctx, const nb_walk *walk, int64_t cost, nb_walk_fn *fn, void *arg)
{
    job work = plan(ctx, walk, cost, fn, arg);
    size_t pieces = piece_count(&work);
    double elements = (double)(work.outer * work.inner) * (double)cost;
    if (pieces > 1) return run_pieces(ctx, pieces, elements, do_piece, &work);
    /* A single piece is done whole: what is skipped must be told, and nobody polls behind it. */
    work.interrupt = NULL;
    if (pieces == 1) do_piece(&work, 0);
    return NB_OK;
}

nb_status nb_walk_run(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    return nb_walk_rows(ctx, walk, 1, fn, arg);
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

/* ---- Tiles ---- */

/* Where the innermost dimension is short, or an operand lies across it, element by element would
 * be call by call or cache line by cache line. Then the two innermost dimensions are walked in
 * tiles, and operands that do not lie along them are copied to a room in a cache and back. */
enum {
    SHORT = 64,          /* innermost sizes below are tiled with another dimension */
    SHORT_ROOM = 1024,   /* elements of such a tile: one call */
    CROSS_ROWS = 16,     /* elements of a cache line of the widest use */
    CROSS_COLUMNS = 256, /* a tile across: CROSS_ROWS calls of so many elements */
    ROOM = CROSS_ROWS * CROSS_COLUMNS,
    WIDEST = 8 /* bytes of an element */
};
_Static_assert((int)SHORT_ROOM <= (int)ROOM && (int)SHORT <= (int)SHORT_ROOM, "tiles fit the room");

typedef struct tiling {
    nb_walk walk; /* the tiles' two dimensions innermost */
    nb_walk_fn *fn;
    void *arg;
    const volatile sig_atomic_t *interrupt;
    int64_t rows, columns; /* of a tile; those at an end may be smaller */
    bool single;           /* a tile is one call: its columns are the whole dimension */
    bool packed[NB_WALK_MAX];
    int64_t tiles, per_piece;
} tiling;

typedef struct room {
    _Alignas(NB_ALIGN) char bytes[ROOM * WIDEST];
    const char *from; /* what was packed last, and how much of it */
    int64_t rows, columns;
} room;

static bool along(int64_t step)
{
    return step == 1 || step == -1;
}

/* The dimension along which some operand lies that lies across the innermost; -1: none does. */
static int crossing(const nb_walk *walk)
{
    int inner = walk->dims - 1;
    for (int i = 0; i < walk->operands; i++) {
        if (walk->step[i][inner] == 0 || along(walk->step[i][inner])) continue;
        for (int d = inner - 1; d >= 0; d--)
            if (along(walk->step[i][d])) return d;
    }
    return -1;
}

static int largest_outer(const nb_walk *walk)
{
    int best = walk->dims - 2;
    for (int d = best - 1; d >= 0; d--)
        if (walk->size[d] > walk->size[best]) best = d;
    return best;
}

static void swap_dimensions(nb_walk *walk, int a, int b)
{
    int64_t size = walk->size[a];
    walk->size[a] = walk->size[b];
    walk->size[b] = size;
    for (int i = 0; i < walk->operands; i++) {
        int64_t step = walk->step[i][a];
        walk->step[i][a] = walk->step[i][b];
        walk->step[i][b] = step;
    }
}

/* Cuts a walk into tiles; false where plain inner loops are as good. */
static bool tile(const nb_walk *walk, tiling *work)
{
    int inner = walk->dims - 1;
    if (inner == 0) return false;
    int64_t columns = walk->size[inner];
    int partner = columns < SHORT ? largest_outer(walk) : crossing(walk);
    if (partner < 0) return false;
    work->walk = *walk;
    swap_dimensions(&work->walk, partner, inner - 1);
    work->single = columns < SHORT;
    work->columns = work->single ? columns : nb_least_i64(columns, CROSS_COLUMNS);
    int64_t most = work->single ? SHORT_ROOM / (columns > 0 ? columns : 1) : CROSS_ROWS;
    work->rows = nb_least_i64(work->walk.size[inner - 1], most);
    for (int i = 0; i < walk->operands; i++) {
        const int64_t *step = work->walk.step[i];
        bool across = !along(step[inner]) && along(step[inner - 1]);
        work->packed[i] = work->single ? step[inner - 1] != columns * step[inner] : across;
    }
    return true;
}

static int64_t cut(int64_t size, int64_t part)
{
    return (size + part - 1) / part;
}

/* Where tile number `index` begins in each operand, and what of it there is. */
static void locate(const tiling *work, int64_t index, char **at, int64_t *rows, int64_t *columns)
{
    const nb_walk *walk = &work->walk;
    int inner = walk->dims - 1;
    int64_t start[NB_MAX_DIMS];
    for (int d = inner; d >= 0; d--) {
        int64_t part = d == inner ? work->columns : (d == inner - 1 ? work->rows : 1);
        int64_t parts = cut(walk->size[d], part);
        start[d] = index % parts * part;
        index /= parts;
    }
    *rows = nb_least_i64(work->rows, walk->size[inner - 1] - start[inner - 1]);
    *columns = nb_least_i64(work->columns, walk->size[inner] - start[inner]);
    for (int i = 0; i < walk->operands; i++) {
        int64_t offset = 0;
        for (int d = 0; d <= inner; d++) offset += start[d] * walk->step[i][d];
        at[i] = walk->base[i] + offset * (int64_t)walk->width[i];
    }
}

static void pack(const tiling *work, int i, const char *from, int64_t rows, int64_t columns,
                 room *to)
{
    const int64_t *step = work->walk.step[i] + work->walk.dims - 2;
    if (to->from == from && to->rows == rows && to->columns == columns) return;
    nb_kernels_get()->copy_matrix(work->walk.width[i], (size_t)rows, (size_t)columns, from,
                                  (ptrdiff_t)step[0], (ptrdiff_t)step[1], to->bytes,
                                  (ptrdiff_t)columns, 1);
    to->from = from;
    to->rows = rows;
    to->columns = columns;
}

static void unpack(const tiling *work, const room *from, int64_t rows, int64_t columns, char *to)
{
    const int64_t *step = work->walk.step[0] + work->walk.dims - 2;
    nb_kernels_get()->copy_matrix(work->walk.width[0], (size_t)rows, (size_t)columns, from->bytes,
                                  (ptrdiff_t)columns, 1, to, (ptrdiff_t)step[0],
                                  (ptrdiff_t)step[1]);
}

static void do_tile(const tiling *work, int64_t index, room *rooms)
{
    const nb_walk *walk = &work->walk;
    int64_t rows, columns, stride[NB_WALK_MAX], down[NB_WALK_MAX];
    char *at[NB_WALK_MAX], *here[NB_WALK_MAX];
    locate(work, index, at, &rows, &columns);
    for (int i = 0; i < walk->operands; i++) {
        bool packed = work->packed[i];
        if (packed && i > 0) pack(work, i, at[i], rows, columns, &rooms[i]);
        here[i] = packed ? rooms[i].bytes : at[i];
        stride[i] = packed ? 1 : walk->step[i][walk->dims - 1];
        down[i] = (packed ? columns : walk->step[i][walk->dims - 2]) * (int64_t)walk->width[i];
    }
    if (work->single) work->fn(work->arg, (size_t)(rows * columns), here, stride);
    for (int64_t row = 0; !work->single && row < rows; row++) {
        work->fn(work->arg, (size_t)columns, here, stride);
        for (int i = 0; i < walk->operands; i++) here[i] += down[i];
    }
    if (work->packed[0]) unpack(work, &rooms[0], rows, columns, at[0]);
}

static void do_tiles(void *arg, size_t piece)
{
    const tiling *work = arg;
    room rooms[NB_WALK_MAX];
    if (work->interrupt && *work->interrupt) return;
    for (int i = 0; i < work->walk.operands; i++) rooms[i].from = NULL;
    int64_t first = (int64_t)piece * work->per_piece;
    int64_t end = nb_least_i64(first + work->per_piece, work->tiles);
    for (int64_t index = first; index < end; index++) do_tile(work, index, rooms);
}

static nb_status run_tiles(nb_ctx *ctx, tiling *work, int64_t elements)
{
    const nb_walk *walk = &work->walk;
    int inner = walk->dims - 1;
    work->tiles = cut(walk->size[inner - 1], work->rows) * cut(walk->size[inner], work->columns);
    for (int d = 0; d < inner - 1; d++) work->tiles *= walk->size[d];
    work->per_piece = cut(PIECE, work->rows * work->columns);
    size_t pieces = (size_t)cut(work->tiles, work->per_piece);
    work->interrupt = pieces > 1 ? ctx->interrupt : NULL;
    if (pieces > 1) return run_pieces(ctx, pieces, (double)elements, do_tiles, work);
    do_tiles(work, 0);
    return NB_OK;
}

/* ---- Past the caches ---- */

/* A result of so many bytes pushes out of the caches what is read next, and each of its lines is
 * read before it is written. It is made piece by piece in a room and goes from there straight to
 * memory: a quarter faster, and no slower where the next op reads it. Below, the next op finds it
 * in a cache. */
enum { STREAM_FROM = 16 << 20, STREAM_ROOM = 1 << 10, STREAM_AHEAD = 512 };

typedef struct streaming {
    const nb_walk *walk;
    nb_walk_fn *fn;
    void *arg;
} streaming;

/* Written over an input it would be in a cache already. */
static bool streams(const nb_walk *walk, int64_t elements)
{
    if ((double)elements * (double)walk->width[0] < STREAM_FROM) return false;
    for (int i = 1; i < walk->operands; i++)
        if (walk->base[i] == walk->base[0]) return false;
    return walk->step[0][walk->dims - 1] == 1;
}

/* Memory is asked for what is read soon, where it is asked at all; the loops ask by themselves
 * where they are longer. */
static void ask(const char *from, size_t bytes)
{
    if (!nb_asks_ahead) return;
    for (size_t at = 0; at < bytes; at += NB_ALIGN)
        __builtin_prefetch((const void *)((uintptr_t)from + STREAM_AHEAD + at));
}

static void stream_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const streaming *work = arg;
    const nb_kernels *kernels = nb_kernels_get();
    const size_t *width = work->walk->width, most = STREAM_ROOM / width[0];
    _Alignas(NB_ALIGN) char made[STREAM_ROOM];
    char *here[NB_WALK_MAX] = {made};
    for (size_t done = 0; done < n; done += most) {
        size_t m = nb_least_size(most, n - done);
        for (int i = 1; i < work->walk->operands; i++) {
            here[i] = at[i] + (int64_t)done * stride[i] * (int64_t)width[i];
            if (stride[i] == 1) ask(here[i], m * width[i]);
        }
        work->fn(work->arg, m, here, stride);
        kernels->stream(m * width[0], made, at[0] + done * width[0]);
    }
    kernels->streamed_all();
}

/* What is small and one loop is not worth a plan. */
static bool run_line(const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    int64_t stride[NB_WALK_MAX];
    if (walk->dims > 1 || walk->size[0] > PIECE) return false;
    for (int i = 0; i < walk->operands; i++) stride[i] = walk->step[i][0];
    if (walk->size[0] > 0) fn(arg, (size_t)walk->size[0], walk->base, stride);
    return true;
}

nb_status nb_walk_elements(nb_ctx *ctx, const nb_walk *walk, nb_walk_fn *fn, void *arg)
{
    tiling work;
    int64_t elements = 1;
    if (run_line(walk, fn, arg)) return NB_OK;
    for (int d = 0; d < walk->dims; d++) elements *= walk->size[d];
    if (elements == 0) return NB_OK;
    bool tiled = tile(walk, &work);
    streaming past = {walk, fn, arg};
    if (streams(walk, elements) && !(tiled && work.packed[0])) {
        fn = stream_loop;
        arg = &past;
    }
    if (!tiled) return nb_walk_run(ctx, walk, fn, arg);
    work.fn = fn;
    work.arg = arg;
    return run_tiles(ctx, &work, elements);
}
