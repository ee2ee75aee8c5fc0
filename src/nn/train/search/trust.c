/* Moré's step: from the triangle R alone, whatever the number of residuals. λ is found by Newton's
 * method on 1/‖D p(λ)‖, between bounds; every trial is the R of [R; √λ D]. */
#include "nn/train/search/trust.h"

#include "base/arith.h"
#include "base/memory.h"
#include "kernel/kernel.h"
#include "kernel/lapack.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    TRIALS = 10,     /* of λ: so many bring ‖D p‖ near enough for a step */
    ROWS_LEAST = 16, /* of J at a time */
    ROWS_MOST = 4096
};

#define NEAR       0.1 /* how far ‖D p‖ may be from the radius, of it */
#define FLOPS_MOST 5e8 /* of rows that are taken at once: that is room */

/* ---- Room ------------------------------------------------------------------------------------ */

static int64_t rows_of(int64_t n)
{
    double width = (double)(n + 1), rows = FLOPS_MOST / (2 * width * width);
    return rows < ROWS_LEAST ? ROWS_LEAST : rows > ROWS_MOST ? ROWS_MOST : (int64_t)rows;
}

double nb_trust_bytes(int64_t n)
{
    double width = (double)(n + 1);
    return sizeof(double) * (width * (2 * width + (double)rows_of(n)) + 3 * (double)n);
}

static double *numbers(nb_ctx *ctx, int64_t rows, int64_t columns)
{
    return nb_alloc_zero(ctx, (size_t)rows * (size_t)columns, sizeof(double));
}

/* Room for R, which is not written: at some thousand parameters that alone takes longer than
 * somebody who presses Ctrl-C should wait. */
static double *triangle(nb_ctx *ctx, int64_t n)
{
    size_t bytes, width = (size_t)n + 1;
    if (nb_mul_size(width, width, &bytes) && nb_mul_size(bytes, sizeof(double), &bytes))
        return nb_alloc(ctx, bytes);
    return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %zu parameters", width - 1);
}

nb_status nb_trust_new(nb_ctx *ctx, nb_trust *t, int64_t n)
{
    *t = (nb_trust){.n = n, .rows = rows_of(n)};
    t->r = triangle(ctx, n);
    t->damped = t->r ? triangle(ctx, n) : NULL;
    t->beside = t->damped ? numbers(ctx, t->rows, n + 1) : NULL;
    t->scale = t->beside ? numbers(ctx, n, 1) : NULL;
    t->room = t->scale ? numbers(ctx, n, 2) : NULL;
    if (t->room && nb_trust_clear(ctx, t) == NB_OK) return NB_OK;
    nb_trust_free(ctx, t);
    return ctx->status;
}

void nb_trust_free(nb_ctx *ctx, nb_trust *t)
{
    size_t n = (size_t)t->n, width = n + 1, bytes = sizeof(double);
    nb_free(ctx, t->r, width * width * bytes);
    nb_free(ctx, t->damped, width * width * bytes);
    nb_free(ctx, t->beside, (size_t)t->rows * width * bytes);
    nb_free(ctx, t->scale, n * bytes);
    nb_free(ctx, t->room, 2 * n * bytes);
    *t = (nb_trust){.n = 0};
}

/* ---- R --------------------------------------------------------------------------------------- */

nb_status nb_trust_clear(nb_ctx *ctx, nb_trust *t)
{
    nb_status status = NB_OK;
    int64_t width = t->n + 1;
    for (int64_t i = 0; i < width && status == NB_OK; i++) {
        memset(t->r + i * width, 0, (size_t)width * sizeof *t->r);
        status = nb_poll(ctx);
    }
    return status;
}

nb_status nb_trust_add(nb_ctx *ctx, nb_trust *t, int64_t rows, double *row)
{
    return nb_lapack_qr_add(ctx, t->n + 1, t->r, t->n + 1, rows, row, t->n + 1);
}

static double length(int64_t n, const double *x)
{
    return sqrt(nb_real(NB_F64)->sum_squares((size_t)n, x, 1));
}

nb_status nb_trust_norms(nb_ctx *ctx, const nb_trust *t, double *norm)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    nb_status status = NB_OK;
    int64_t width = t->n + 1;
    for (int64_t j = 0; j < t->n && status == NB_OK; j++) {
        norm[j] = sqrt(real->sum_squares((size_t)j + 1, t->r + j, width));
        status = nb_poll(ctx);
    }
    return status;
}

/* Jᵀr = Rᵀ Qᵀr, element j */
static double slope(const nb_trust *t, int64_t j)
{
    int64_t width = t->n + 1;
    return nb_real(NB_F64)->dot((size_t)j + 1, t->r + j, width, t->r + t->n, width);
}

nb_status nb_trust_cosine(nb_ctx *ctx, const nb_trust *t, const double *norm, double *cosine)
{
    int64_t width = t->n + 1;
    double all = sqrt(nb_real(NB_F64)->sum_squares((size_t)width, t->r + t->n, width)), most = 0;
    nb_status status = NB_OK;
    for (int64_t j = 0; j < t->n && status == NB_OK; j++) {
        if (norm[j] > 0 && all > 0) most = fmax(most, fabs(slope(t, j)) / (norm[j] * all));
        status = nb_poll(ctx);
    }
    *cosine = most;
    return status;
}

double nb_trust_change(const nb_trust *t, const double *p)
{
    int64_t width = t->n + 1;
    double sum = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const double *row = t->r + i * width + i;
        double one = nb_real(NB_F64)->dot((size_t)(t->n - i), row, 1, p + i, 1);
        sum += one * one;
    }
    return sqrt(sum);
}

double nb_trust_length(const nb_trust *t, const double *p)
{
    double sum = 0;
    for (int64_t j = 0; j < t->n; j++) sum += t->scale[j] * p[j] * t->scale[j] * p[j];
    return sqrt(sum);
}

/* ---- Triangles ------------------------------------------------------------------------------- */

/* x = U⁻¹ x for the upper triangle u, rows `width` apart. False where it is singular. */
static bool solve(int64_t n, const double *u, int64_t width, double *x)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        const double *row = u + i * width;
        double rest = nb_real(NB_F64)->dot((size_t)(n - 1 - i), row + i + 1, 1, x + i + 1, 1);
        if (row[i] == 0) return false;
        x[i] = (x[i] - rest) / row[i];
    }
    return true;
}

/* x = U⁻ᵀ x */
static void solve_turned(int64_t n, const double *u, int64_t width, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        const double *row = u + i * width;
        x[i] /= row[i];
        nb_real(NB_F64)->axpy((size_t)(n - 1 - i), -x[i], row + i + 1, x + i + 1);
    }
}

/* p = -U⁻¹ of the last column */
static bool step_of(const nb_trust *t, const double *u, double *p)
{
    int64_t width = t->n + 1;
    for (int64_t i = 0; i < t->n; i++) p[i] = -u[i * width + t->n];
    return solve(t->n, u, width, p);
}

bool nb_trust_full(const nb_trust *t, double *p)
{
    return step_of(t, t->r, p);
}

static nb_status copy_triangle(nb_ctx *ctx, nb_trust *t)
{
    nb_status status = NB_OK;
    int64_t width = t->n + 1;
    for (int64_t i = 0; i < width && status == NB_OK; i++) {
        memcpy(t->damped + i * width, t->r + i * width, (size_t)width * sizeof *t->r);
        status = nb_poll(ctx);
    }
    return status;
}

/* The damped triangle from R and √λ D, whose rows come in stretches: those of the last parameters
 * have zeros before them. */
static nb_status damp(nb_ctx *ctx, nb_trust *t, double lambda)
{
    int64_t n = t->n, width = n + 1;
    double root = sqrt(lambda);
    nb_status status = copy_triangle(ctx, t);
    for (int64_t at = 0; at < n && status == NB_OK; at += t->rows) {
        int64_t rows = nb_least_i64(n - at, t->rows), columns = width - at;
        memset(t->beside, 0, (size_t)(rows * columns) * sizeof *t->beside);
        for (int64_t i = 0; i < rows; i++) t->beside[i * columns + i] = root * t->scale[at + i];
        status = nb_lapack_qr_add(ctx, columns, t->damped + at * width + at, width, rows, t->beside,
                                  columns);
    }
    return status;
}

/* ---- λ --------------------------------------------------------------------------------------- */

/* How fast the length of p falls with λ, of itself: ‖U⁻ᵀ D² p / ‖D p‖‖², U with Uᵀ U = Jᵀ J + λ D².
 */
static double fall(const nb_trust *t, const double *u, const double *p, double size)
{
    double *q = t->room;
    for (int64_t j = 0; j < t->n; j++) q[j] = t->scale[j] * (t->scale[j] * p[j] / size);
    solve_turned(t->n, u, t->n + 1, q);
    double norm = length(t->n, q);
    return norm * norm;
}

typedef struct bounds {
    double low, high;
} bounds;

/* Where λ must be: `over` is how much too long the full step p is, of `size`; without one the lower
 * bound is 0. */
static nb_status bound(nb_ctx *ctx, const nb_trust *t, double radius, bool full, const double *p,
                       double size, bounds *b)
{
    double *g = t->room;
    nb_status status = NB_OK;
    b->low = full ? (size - radius) / radius / fall(t, t->r, p, size) : 0;
    for (int64_t j = 0; j < t->n && status == NB_OK; j++) {
        g[j] = slope(t, j) / t->scale[j];
        status = nb_poll(ctx);
    }
    if (status != NB_OK) return status;
    b->high = length(t->n, g) / radius;
    if (b->high == 0) b->high = DBL_MIN / fmin(radius, NEAR);
    return NB_OK;
}

nb_status nb_trust_step(nb_ctx *ctx, nb_trust *t, double radius, double *lambda, double *p)
{
    bool full = step_of(t, t->r, p);
    double size = full ? nb_trust_length(t, p) : INFINITY, over = size - radius;
    bounds b;
    if (over <= NEAR * radius) {
        *lambda = 0;
        return NB_OK;
    }
    full = full && isfinite(size);
    nb_status status = bound(ctx, t, radius, full, p, size, &b);
    if (status != NB_OK) return status;
    double at = fmin(fmax(*lambda, b.low), b.high);
    if (at == 0 && full) at = b.high * radius / size;
    for (int i = 0; i < TRIALS; i++) {
        if (at == 0) at = fmax(DBL_MIN, 1e-3 * b.high);
        *lambda = at;
        status = damp(ctx, t, at);
        if (status != NB_OK || !step_of(t, t->damped, p)) break;
        double before = over;
        size = nb_trust_length(t, p);
        over = size - radius;
        bool shrinks = b.low == 0 && over <= before && before < 0;
        if (fabs(over) <= NEAR * radius || shrinks) break;
        double change = over / radius / fall(t, t->damped, p, size);
        if (over > 0) b.low = fmax(b.low, at);
        if (over < 0) b.high = fmin(b.high, at);
        at = fmax(b.low, at + change);
    }
    return status;
}
