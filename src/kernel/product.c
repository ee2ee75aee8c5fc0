/* Which product goes where, and in what pieces: panels of C for the workers. */
#include "kernel/product.h"
#include "base/workers.h"
#include "base/arith.h"
#include "base/memory.h"
#include "kernel/blas.h"
#include "kernel/kernel.h"

#include <math.h>
#include <stdatomic.h>

/* Multiplications in a panel at most: a fraction of a millisecond, which outweighs handing it to a
 * worker and is small beside what one product leaves uneven at the end. The BLAS gets larger ones,
 * because it packs its operands afresh for each (cut so, 512^3 takes a fiftieth longer than whole,
 * in halves of those a tenth), and twice as large where there are many. */
#define OWN_PANEL_MOST  0x1p24
#define BLAS_PANEL_MOST 0x1p26
#define MANY            0x1p29
/* With our own loops a number's sum is the same in any panel, so that their number may depend on
 * the threads: as many for each, down to PANEL_LEAST, which takes some microseconds. Where they
 * copy B each panel makes its own copy: there are only as many as keep all threads busy to the end,
 * and more when one outgrows a few milliseconds. */
#define PANEL_LEAST       ((size_t)1 << 20)
#define OWN_PANELS        2
#define COPIED_PANELS     4
#define COPIED_PANEL_MOST 0x1p28
/* Rows and columns that a panel keeps: whole tiles of our own loops (60 rows), and enough to be
 * worth packing. */
#define OWN_PANEL_ROWS    ((size_t)60)
#define LOW_PANEL_ROWS    ((size_t)12) /* of products of few rows */
#define LOW               ((size_t)480)
#define COPIED_PANEL_ROWS ((size_t)120)
#define BLAS_PANEL_ROWS   ((size_t)64)
#define PANEL_COLUMNS     ((size_t)64)
#define COPIED_COLUMNS    ((size_t)256)
#define COLUMNS_LEAST     ((size_t)16)
#define OWN_TILE_ROWS     ((size_t)6)
/* Numbers from a panel's first to its last. Memory comes as it is first written, in large pages,
 * which a panel of few columns takes from all its rows at once: Ctrl-C would wait for them. */
#define SPAN_MOST ((double)(1 << 24))
/* About, of a panel to which is added again, by blocks of depth or along a tree: a few such tiles
 * stay in a second-level cache, and neither A is read nor B copied often. */
#define NEAR_ROWS    ((size_t)256)
#define NEAR_COLUMNS ((size_t)256)
#define NEAR_BYTES   ((size_t)1 << 20) /* of a C that stays without */
#define TREE_PANELS  2                 /* for each thread, at least */
/* Ctrl-C is looked for after so many multiplications (2 GFlop): a tenth of a second at most, in f64
 * on one core too. */
#define POLL_AFTER  0x1p30
#define WRITE_WORTH ((size_t)64)
/* A panel's numbers are written by one thread between two looks: it holds 2^22 at most. */
#define DEPTH_LEAST ((size_t)16)
/* Longer sums are cut, so that the smallest panel stays under that too. */
#define DEPTH_MOST ((size_t)1 << 18)

typedef struct work {
    nb_dtype dtype;
    size_t m, n, k, ldc;
    double alpha, beta;
    nb_matrix a, b;
    char *c;
    const char *row;      /* every row of C first, beta being 1; NULL: C is there */
    nb_product_way way;   /* of the whole, which its panels go too */
    size_t rows, columns; /* of a panel; the last of a row or column may be smaller */
    size_t across;        /* panels in a row */
    size_t first;         /* the panel that is piece 0 */
} work;

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static double multiplications(size_t m, size_t n, size_t k)
{
    return (double)m * (double)n * (double)k;
}

/* x from element (i, j) on */
static nb_matrix corner(nb_matrix x, nb_dtype dtype, size_t i, size_t j)
{
    size_t offset = x.transposed ? j * x.ld + i : i * x.ld + j;
    x.data = (const char *)x.data + offset * nb_dtype_size(dtype);
    return x;
}

static bool is_copied(nb_product_way way)
{
    return way == NB_PRODUCT_COPIED || way == NB_PRODUCT_DEEP;
}

static void multiply_panel(void *arg, size_t piece)
{
    const work *whole = arg;
    size_t i = (whole->first + piece) / whole->across * whole->rows;
    size_t j = (whole->first + piece) % whole->across * whole->columns;
    size_t m = nb_least_size(whole->rows, whole->m - i);
    size_t n = nb_least_size(whole->columns, whole->n - j);
    nb_matrix a = corner(whole->a, whole->dtype, i, 0), b = corner(whole->b, whole->dtype, 0, j);
    void *c = whole->c + (i * whole->ldc + j) * nb_dtype_size(whole->dtype);
    const nb_products *own = nb_kernels_get()->products[whole->dtype];
    const char *row = whole->row ? whole->row + j * nb_dtype_size(whole->dtype) : NULL;
    if (own->multiply(whole->way, m, n, whole->k, whole->alpha, a, b, whole->beta, row, c,
                      whole->ldc))
        return;
    if (row) nb_real(whole->dtype)->repeat_row(m, n, row, c, (ptrdiff_t)whole->ldc);
    nb_blas_product(whole->dtype, m, n, whole->k, whole->alpha, a, b, whole->beta, c, whole->ldc);
}

static double own_panel_most(double count, int threads)
{
    if (threads == 1) return OWN_PANEL_MOST;
    return fmin(fmax(count / (OWN_PANELS * threads), (double)PANEL_LEAST), OWN_PANEL_MOST);
}

static double panel_most(const work *job, int threads)
{
    double count = multiplications(job->m, job->n, job->k);
    if (is_copied(job->way)) {
        double share = threads > 1 ? count / (COPIED_PANELS * threads) : count;
        return fmin(fmax(share, (double)PANEL_LEAST), COPIED_PANEL_MOST);
    }
    if (job->way != NB_PRODUCT_BLAS) return own_panel_most(count, threads);
    return count > MANY ? 2 * BLAS_PANEL_MOST : BLAS_PANEL_MOST;
}

/* Narrower panels would go another way. */
static void widen(work *job)
{
    while (job->n % job->columns > 0 && job->n % job->columns < COLUMNS_LEAST)
        job->columns += PANEL_COLUMNS;
}

static size_t count_panels(work *job)
{
    job->across = (job->n + job->columns - 1) / job->columns;
    return job->across * ((job->m + job->rows - 1) / job->rows);
}

/* As many of `size` as parts of about `most` have that are alike. */
static size_t share_of(size_t size, size_t most, size_t unit)
{
    size_t parts = (size + most / 2) / most;
    return parts > 1 ? round_up((size + parts - 1) / parts, unit) : size;
}

static void cut_near(work *job)
{
    job->rows = share_of(job->m, NEAR_ROWS, OWN_TILE_ROWS);
    job->columns = share_of(job->n, NEAR_COLUMNS, COLUMNS_LEAST);
    widen(job);
}

/* Whether all of a large C would be gone through for every block of depth. Where A is not turned
 * deeper blocks are taken for that, and what several threads share is cut small enough. */
static bool leaves_cache(const work *job, int threads)
{
    size_t once = nb_kernels_get()->products[job->dtype]->once[NB_PRODUCT_COPIED];
    return threads == 1 && job->way == NB_PRODUCT_COPIED && job->a.transposed && job->k > once &&
           job->m * job->n > NEAR_BYTES / nb_dtype_size(job->dtype);
}

/* Halves the longer side, or of a B that is copied first the columns, each of which is then copied
 * for all its rows, until a panel is small enough. */
static void cut(work *job, int threads)
{
    double most = panel_most(job, threads);
    size_t unit = job->way == NB_PRODUCT_BLAS ? BLAS_PANEL_ROWS
                  : job->m < LOW              ? LOW_PANEL_ROWS
                                              : OWN_PANEL_ROWS;
    size_t least = is_copied(job->way) ? COPIED_PANEL_ROWS : unit;
    size_t depth = job->k > DEPTH_LEAST ? job->k : DEPTH_LEAST;
    job->rows = job->m;
    job->columns = job->n;
    if (leaves_cache(job, threads)) cut_near(job);
    while (multiplications(job->rows, job->columns, depth) > most) {
        bool wide = is_copied(job->way) ? job->columns > COPIED_COLUMNS : job->columns >= job->rows;
        if (job->columns > PANEL_COLUMNS && wide) {
            job->columns = round_up((job->columns + 1) / 2, PANEL_COLUMNS);
        } else if (job->rows > least) {
            job->rows = round_up((job->rows + 1) / 2, unit);
        } else if (job->columns > PANEL_COLUMNS) {
            job->columns = round_up((job->columns + 1) / 2, PANEL_COLUMNS);
        } else {
            break;
        }
    }
    while (job->rows > least && multiplications(job->rows, job->ldc, 1) > SPAN_MOST)
        job->rows = round_up((job->rows + 1) / 2, unit);
    widen(job);
}

/* All panels of a product whose depth is at most DEPTH_MOST. */
static nb_status multiply(nb_ctx *ctx, work *job)
{
    cut(job, ctx->threads);
    size_t panels = count_panels(job);
    /* To write a number takes as long as WRITE_WORTH multiplications. */
    size_t worth = job->k > WRITE_WORTH ? job->k : WRITE_WORTH;
    double round = POLL_AFTER / multiplications(job->rows, job->columns, worth);
    size_t group = round >= (double)panels ? panels : (round > 1.0 ? (size_t)round : 1);
    for (size_t first = 0; first < panels; first += group) {
        if (first > 0 && nb_interrupted(ctx)) return nb_poll(ctx);
        job->first = first;
        nb_parallel(ctx, nb_least_size(group, panels - first), multiply_panel, job);
    }
    return NB_OK;
}

/* C = beta C: what is left when there is nothing to add. `stop` may be NULL. */
static void scale_rows(nb_dtype dtype, size_t m, size_t n, double beta, char *c, size_t ldc,
                       const volatile sig_atomic_t *stop)
{
    const nb_real_kernels *real = nb_real(dtype);
    for (size_t i = 0; i < m && !(stop && *stop); i++, c += ldc * nb_dtype_size(dtype)) {
        if (beta == 0.0) {
            real->fill(n, c, 1, 0.0);
        } else {
            real->unary[NB_U_scale](n, c, 1, c, 1, beta, 0.0);
        }
    }
}

static bool too_wide(size_t rows, size_t ld)
{
    return rows > 1 && ld > NB_BLAS_MOST;
}

/* Whether a product is one panel of our own loops, as most are: counted in whole numbers, which
 * takes less than they do. */
static bool is_small(size_t m, size_t n, size_t k)
{
    const size_t side = (size_t)1 << 16;
    return m < side && n < side && k < side && m * n * k <= PANEL_LEAST;
}

static nb_product_way way_of(const nb_products *own, size_t m, size_t n, size_t k, nb_matrix a,
                             nb_matrix b)
{
    nb_product_way way = own->way(m, n, k, a, b);
    bool ours = is_copied(way) || multiplications(m, n, k) <= own->most;
    return ours ? way : NB_PRODUCT_BLAS;
}

/* Any product, in parts of its depth. */
static nb_status multiply_parts(nb_ctx *ctx, const work *whole)
{
    work part = *whole;
    nb_status status = NB_OK;
    for (size_t p = 0; p < whole->k && status == NB_OK; p += DEPTH_MOST) {
        if (p > 0 && nb_interrupted(ctx)) return nb_poll(ctx);
        part.k = nb_least_size(DEPTH_MOST, whole->k - p);
        part.a = corner(whole->a, part.dtype, 0, p);
        part.b = corner(whole->b, part.dtype, p, 0);
        part.beta = p == 0 ? whole->beta : 1.0;
        part.row = p == 0 ? whole->row : NULL;
        status = multiply(ctx, &part);
    }
    return status;
}

nb_status nb_product(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k, double alpha,
                     nb_matrix a, nb_matrix b, double beta, void *c, size_t ldc)
{
    if (m == 0 || n == 0) return NB_OK;
    if (k == 0 || alpha == 0.0) {
        scale_rows(dtype, m, n, beta, c, ldc, ctx->interrupt);
        return nb_poll(ctx);
    }
    if (too_wide(a.transposed ? k : m, a.ld) || too_wide(b.transposed ? n : k, b.ld) ||
        too_wide(m, ldc))
        return nb_fail(ctx, NB_ESHAPE, "a product takes matrices with rows of at most %d elements",
                       NB_BLAS_MOST);
    const nb_products *own = nb_kernels_get()->products[dtype];
    nb_product_way way = way_of(own, m, n, k, a, b);
    if (is_small(m, n, k) && own->multiply(way, m, n, k, alpha, a, b, beta, NULL, c, ldc))
        return NB_OK;
    return multiply_parts(ctx, &(work){.dtype = dtype,
                                       .m = m,
                                       .n = n,
                                       .k = k,
                                       .ldc = ldc,
                                       .alpha = alpha,
                                       .beta = beta,
                                       .a = a,
                                       .b = b,
                                       .c = c,
                                       .way = way});
}

/* C = A B, or where row is not NULL, added to it. */
static nb_status multiply_onto(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k,
                               nb_matrix a, nb_matrix b, const void *row, void *c, size_t ldc,
                               nb_product_way way)
{
    return multiply_parts(ctx, &(work){.dtype = dtype,
                                       .m = m,
                                       .n = n,
                                       .k = k,
                                       .ldc = ldc,
                                       .alpha = 1.0,
                                       .beta = row ? 1.0 : 0.0,
                                       .a = a,
                                       .b = b,
                                       .c = c,
                                       .row = row,
                                       .way = way});
}

nb_status nb_product_onto(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k, nb_matrix a,
                          nb_matrix b, const void *row, void *c, size_t ldc)
{
    if (m == 0 || n == 0) return NB_OK;
    bool wide = too_wide(m, a.ld) || too_wide(n, b.ld) || too_wide(m, ldc);
    if (wide) return nb_product(ctx, dtype, m, n, k, 1.0, a, b, 1.0, c, ldc);
    const nb_products *own = nb_kernels_get()->products[dtype];
    nb_product_way way = way_of(own, m, n, k, a, b);
    if (is_small(m, n, k) && own->multiply(way, m, n, k, 1.0, a, b, 1.0, row, c, ldc)) return NB_OK;
    return multiply_onto(ctx, dtype, m, n, k, a, b, row, c, ldc, way);
}

void nb_product_piece(nb_dtype dtype, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                      nb_matrix b, double beta, void *c, size_t ldc)
{
    const nb_products *own = nb_kernels_get()->products[dtype];
    if (m == 0 || n == 0) return;
    if (k == 0 || alpha == 0.0)
        scale_rows(dtype, m, n, beta, c, ldc, NULL);
    else if (!own->multiply(way_of(own, m, n, k, a, b), m, n, k, alpha, a, b, beta, NULL, c, ldc))
        nb_blas_product(dtype, m, n, k, alpha, a, b, beta, c, ldc);
}

/* ---- Rows in pieces -------------------------------------------------------------------------- */

static size_t piece_rows(const nb_piled *rows, size_t i)
{
    return (size_t)(rows->start[i + 1] - rows->start[i]);
}

/* The way that products of all pieces go, if it is one in which rows may stand among others. */
static nb_product_way common_way(nb_dtype dtype, const nb_piled *rows, size_t n, size_t k,
                                 nb_matrix a, nb_matrix b)
{
    const nb_products *own = nb_kernels_get()->products[dtype];
    nb_product_way way = way_of(own, piece_rows(rows, 0), n, k, a, b);
    for (size_t i = 1; i < rows->pieces; i++)
        if (way_of(own, piece_rows(rows, i), n, k, a, b) != way) return NB_PRODUCT_BLAS;
    return way == NB_PRODUCT_NARROW ? NB_PRODUCT_BLAS : way;
}

static nb_status multiply_one(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k,
                              nb_matrix a, nb_matrix b, const void *row, void *c, size_t ldc)
{
    return row ? nb_product_onto(ctx, dtype, m, n, k, a, b, row, c, ldc)
               : nb_product(ctx, dtype, m, n, k, 1, a, b, 0, c, ldc);
}

nb_status nb_product_piled(nb_ctx *ctx, nb_dtype dtype, const nb_piled *rows, size_t n, size_t k,
                           nb_matrix a, nb_matrix b, const void *row, void *c, size_t ldc)
{
    size_t m = (size_t)rows->start[rows->pieces], width = nb_dtype_size(dtype);
    bool wide = too_wide(m, a.ld) || too_wide(b.transposed ? n : k, b.ld) || too_wide(m, ldc);
    nb_product_way way = n && k && !wide ? common_way(dtype, rows, n, k, a, b) : NB_PRODUCT_BLAS;
    nb_status status = NB_OK;
    for (size_t i = 0; way == NB_PRODUCT_BLAS && i < rows->pieces && status == NB_OK; i++) {
        size_t at = (size_t)rows->start[i];
        status = multiply_one(ctx, dtype, piece_rows(rows, i), n, k, corner(a, dtype, at, 0), b,
                              row, (char *)c + at * ldc * width, ldc);
    }
    if (way == NB_PRODUCT_BLAS) return status;
    return multiply_onto(ctx, dtype, m, n, k, a, b, row, c, ldc, way);
}

/* ---- Sums along a tree ----------------------------------------------------------------------- */

/* The product of one piece. */
static work work_of(const nb_tree_product *of, size_t i, void *c)
{
    size_t start = (size_t)of->rows->start[i], k = piece_rows(of->rows, i);
    const nb_products *own = nb_kernels_get()->products[of->dtype];
    nb_matrix a = {of->a, of->m, true}, b = {of->b, of->n, false};
    return (work){.dtype = of->dtype,
                  .m = of->m,
                  .n = of->n,
                  .k = k,
                  .ldc = of->n,
                  .alpha = 1.0,
                  .a = corner(a, of->dtype, 0, start),
                  .b = corner(b, of->dtype, start, 0),
                  .c = c,
                  .way = way_of(own, of->m, of->n, k, a, b)};
}

bool nb_product_has_tree(const nb_tree_product *of)
{
    bool has = of->m > 0 && of->n > 0 && of->m <= NB_BLAS_MOST && of->n <= NB_BLAS_MOST;
    for (size_t i = 0; i < of->rows->pieces && has; i++) {
        work piece = work_of(of, i, NULL);
        bool whole = multiplications(piece.m, piece.n, piece.k) <= BLAS_PANEL_MOST;
        has = piece.k > 0 && piece.k <= DEPTH_MOST && (piece.way != NB_PRODUCT_BLAS || whole);
    }
    return has;
}

/* Panels on their way, each summed up by one thread, in its own tiles. */
typedef struct summing {
    const nb_tree_product *of;
    work like; /* how panels are cut */
    char *tiles;
    size_t each; /* bytes of a thread's tiles */
    size_t panels;
    atomic_size_t next; /* the first panel that nobody has taken */
    const volatile sig_atomic_t *stop;
} summing;

/* A panel, from (i, j) on, and where it is summed up. */
typedef struct panel {
    size_t i, j, m, n;
    char *to;
    size_t ld;
} panel;

/* Where the BLAS takes part there is one panel. */
static void cut_for_tree(work *job, int threads)
{
    size_t wanted = threads > 1 ? TREE_PANELS * (size_t)threads : 1;
    job->rows = job->m;
    job->columns = job->n;
    if (job->way == NB_PRODUCT_BLAS) return;
    cut_near(job);
    while (count_panels(job) < wanted && job->rows > COPIED_PANEL_ROWS)
        job->rows = round_up((job->rows + 1) / 2, OWN_PANEL_ROWS);
    while (count_panels(job) < wanted && job->columns > PANEL_COLUMNS)
        job->columns = round_up((job->columns + 1) / 2, PANEL_COLUMNS);
    widen(job);
}

static void multiply_piece(const nb_tree_product *of, size_t i, const panel *p, double beta)
{
    work piece = work_of(of, i, p->to);
    const nb_products *own = nb_kernels_get()->products[of->dtype];
    nb_matrix a = corner(piece.a, of->dtype, p->i, 0), b = corner(piece.b, of->dtype, 0, p->j);
    if (!own->multiply(piece.way, p->m, p->n, piece.k, 1, a, b, beta, NULL, p->to, p->ld))
        nb_blas_product(of->dtype, p->m, p->n, piece.k, 1, a, b, beta, p->to, p->ld);
}

/* Whether a product with beta = 1 has the bits of one that is written and then added: its numbers
 * are added to what was there when they are whole. */
static bool adds_once(const nb_tree_product *of, size_t i)
{
    const work piece = work_of(of, i, NULL);
    return piece.k <= nb_kernels_get()->products[of->dtype]->once[piece.way];
}

/* Σ over the pieces lo … hi - 1; the right half in the first of the tiles, unless it is added as it
 * is made. */
static void sum_node(const nb_tree_product *of, size_t lo, size_t hi, const panel *p, char *tiles)
{
    size_t half = 1, width = nb_dtype_size(of->dtype);
    panel right = *p;
    if (hi - lo == 1) {
        multiply_piece(of, lo, p, 0);
        return;
    }
    while (2 * half < hi - lo) half *= 2;
    right.to = tiles;
    right.ld = p->n;
    sum_node(of, lo, lo + half, p, tiles);
    if (hi - lo == 2 && adds_once(of, lo + 1)) {
        multiply_piece(of, lo + 1, p, 1);
        return;
    }
    sum_node(of, lo + half, hi, &right, tiles + p->m * p->n * width);
    for (size_t i = 0; i < p->m; i++)
        nb_real(of->dtype)->axpy(p->n, 1, tiles + i * p->n * width, p->to + i * p->ld * width);
}

static void sum_panels(void *arg, size_t thread)
{
    summing *job = arg;
    const work *like = &job->like;
    size_t at;
    while ((at = atomic_fetch_add(&job->next, 1)) < job->panels && !(job->stop && *job->stop)) {
        panel p = {.i = at / like->across * like->rows, .j = at % like->across * like->columns};
        p.m = nb_least_size(like->rows, like->m - p.i);
        p.n = nb_least_size(like->columns, like->n - p.j);
        p.to = like->c + (p.i * like->ldc + p.j) * nb_dtype_size(like->dtype);
        p.ld = like->ldc;
        sum_node(job->of, 0, job->of->rows->pieces, &p, job->tiles + thread * job->each);
    }
}

/* As many panels at once as there are threads, so that their tiles stay in caches. */
nb_status nb_product_along_tree(nb_ctx *ctx, const nb_tree_product *of, void *c)
{
    summing job = {.of = of, .like = work_of(of, 0, c), .stop = ctx->interrupt};
    size_t levels = 0, threads = (size_t)ctx->threads;
    for (size_t i = 1; i < of->rows->pieces && job.like.way != NB_PRODUCT_BLAS; i++)
        if (work_of(of, i, c).way == NB_PRODUCT_BLAS) job.like.way = NB_PRODUCT_BLAS;
    cut_for_tree(&job.like, ctx->threads);
    job.panels = count_panels(&job.like);
    threads = nb_least_size(threads, job.panels);
    while ((size_t)1 << levels < of->rows->pieces) levels++;
    job.each = levels * job.like.rows * job.like.columns * nb_dtype_size(of->dtype);
    job.tiles = nb_alloc(ctx, threads * job.each);
    if (!job.tiles) return ctx->status;
    nb_parallel(ctx, threads, sum_panels, &job);
    nb_free(ctx, job.tiles, threads * job.each);
    return nb_poll(ctx);
}
