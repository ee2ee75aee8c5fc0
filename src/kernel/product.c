/* Which product goes where, and in what pieces: panels of C for the workers. */
#include "kernel/product.h"
#include "base/workers.h"
#include "base/arith.h"
#include "kernel/blas.h"
#include "kernel/kernel.h"

#include <math.h>

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
    /* Narrower ones would go another way. */
    while (job->n % job->columns > 0 && job->n % job->columns < COLUMNS_LEAST)
        job->columns += PANEL_COLUMNS;
}

/* All panels of a product whose depth is at most DEPTH_MOST. */
static nb_status multiply(nb_ctx *ctx, work *job)
{
    cut(job, ctx->threads);
    job->across = (job->n + job->columns - 1) / job->columns;
    size_t panels = job->across * ((job->m + job->rows - 1) / job->rows);
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

nb_status nb_product_onto(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k, nb_matrix a,
                          nb_matrix b, const void *row, void *c, size_t ldc)
{
    if (m == 0 || n == 0) return NB_OK;
    bool wide = too_wide(m, a.ld) || too_wide(n, b.ld) || too_wide(m, ldc);
    if (wide) return nb_product(ctx, dtype, m, n, k, 1.0, a, b, 1.0, c, ldc);
    const nb_products *own = nb_kernels_get()->products[dtype];
    nb_product_way way = way_of(own, m, n, k, a, b);
    if (is_small(m, n, k) && own->multiply(way, m, n, k, 1.0, a, b, 1.0, row, c, ldc)) return NB_OK;
    return multiply_parts(ctx, &(work){.dtype = dtype,
                                       .m = m,
                                       .n = n,
                                       .k = k,
                                       .ldc = ldc,
                                       .alpha = 1.0,
                                       .beta = 1.0,
                                       .a = a,
                                       .b = b,
                                       .c = c,
                                       .row = row,
                                       .way = way});
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
