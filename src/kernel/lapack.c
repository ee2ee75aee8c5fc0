/* LAPACK's own symbols, declared here: all arguments are pointers, and behind them stands a hidden
 * length for every string, as Fortran compilers pass it. */
#include "kernel/lapack.h"

#include "base/arith.h"
#include "base/processes/errand.h"
#include "kernel/blas.h"

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(sizeof(int) == sizeof(int32_t), "LAPACK's integers have 32 bits");

/* s… takes floats and d… doubles behind these pointers; the calls are the same. */
typedef void getrf_fn(const int *m, const int *n, void *a, const int *lda, int *pivot, int *info);
typedef void getrs_fn(const char *trans, const int *n, const int *nrhs, const void *a,
                      const int *lda, const int *pivot, void *b, const int *ldb, int *info,
                      size_t trans_length);
typedef void getri_fn(const int *n, void *a, const int *lda, const int *pivot, void *work,
                      const int *lwork, int *info);
typedef void potrf_fn(const char *uplo, const int *n, void *a, const int *lda, int *info,
                      size_t uplo_length);
typedef void gelqf_fn(const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
                      const int *lwork, int *info);
typedef void orglq_fn(const int *m, const int *n, const int *k, void *a, const int *lda,
                      const void *tau, void *work, const int *lwork, int *info);
typedef void tplqt2_fn(const int *m, const int *n, const int *l, void *a, const int *lda, void *b,
                       const int *ldb, void *t, const int *ldt, int *info);
typedef void tprfb_fn(const char *side, const char *trans, const char *direct, const char *storev,
                      const int *m, const int *n, const int *k, const int *l, const void *v,
                      const int *ldv, const void *t, const int *ldt, void *a, const int *lda,
                      void *b, const int *ldb, void *work, const int *ldwork, size_t side_length,
                      size_t trans_length, size_t direct_length, size_t storev_length);
typedef void syevd_fn(const char *jobz, const char *uplo, const int *n, void *a, const int *lda,
                      void *w, void *work, const int *lwork, int *iwork, const int *liwork,
                      int *info, size_t jobz_length, size_t uplo_length);
typedef void gesdd_fn(const char *jobz, const int *m, const int *n, void *a, const int *lda,
                      void *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work,
                      const int *lwork, int *iwork, int *info, size_t jobz_length);
typedef void gelsd_fn(const int *m, const int *n, const int *nrhs, void *a, const int *lda, void *b,
                      const int *ldb, void *s, const void *rcond, int *rank, void *work,
                      const int *lwork, int *iwork, int *info);

extern getrf_fn sgetrf_, dgetrf_;
extern getrs_fn sgetrs_, dgetrs_;
extern getri_fn sgetri_, dgetri_;
extern potrf_fn spotrf_, dpotrf_;
extern gelqf_fn sgelqf_, dgelqf_;
extern orglq_fn sorglq_, dorglq_;
extern tplqt2_fn dtplqt2_;
extern tprfb_fn dtprfb_;
extern syevd_fn ssyevd_, dsyevd_;
extern gesdd_fn sgesdd_, dgesdd_;
extern gelsd_fn sgelsd_, dgelsd_;

#define OF(dtype, name) ((dtype) == NB_F32 ? s##name##_ : d##name##_)

static const int ask = -1; /* as lwork: only say how much */

/* ---- Sizes and workspace -------------------------------------------------------------------- */

static int64_t shorter(nb_stack a)
{
    return nb_least_i64(a.rows, a.columns);
}

/* True when there is nothing to compute. */
static bool empty(nb_stack a)
{
    return a.count == 0 || shorter(a) == 0;
}

static char *matrix_at(nb_stack a, int64_t i)
{
    return (char *)a.data + i * a.rows * a.columns * (int64_t)nb_dtype_size(a.dtype);
}

/* Row i of a matrix or vector with `columns` entries a row, behind any pointer. */
static void *row_of(nb_dtype dtype, void *data, int64_t i, int64_t columns)
{
    return (char *)data + i * columns * (int64_t)nb_dtype_size(dtype);
}

static nb_status check_sides(nb_ctx *ctx, nb_stack a)
{
    nb_blas_prepare();
    if (a.rows <= NB_LAPACK_SIDE && a.columns <= NB_LAPACK_SIDE) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "a matrix with more than %lld rows or columns is too large",
                   (long long)NB_LAPACK_SIDE);
}

static nb_status check_area(nb_ctx *ctx, nb_stack a, int64_t right)
{
    int64_t k = shorter(a);
    if (check_sides(ctx, a) != NB_OK) return ctx->status;
    if (right <= NB_LAPACK_SIDE && 4 * k * (k + right) <= NB_LAPACK_AREA) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "a %lldx%lld matrix is too large", (long long)a.rows,
                   (long long)a.columns);
}

/* A number of either dtype, as LAPACK takes and gives it. */
typedef union number {
    float f32;
    double f64;
} number;

/* Workspace: numbers and integers. */
typedef struct workspace {
    void *numbers;
    int *integers;
    size_t number_bytes, integer_bytes;
    int length; /* of numbers */
} workspace;

static void drop(nb_ctx *ctx, workspace *work)
{
    nb_free(ctx, work->numbers, work->number_bytes);
    nb_free(ctx, work->integers, work->integer_bytes);
}

/* As much as the query answered, `wanted`, and `integers`. The answer is a real number, which f32
 * may have rounded down. */
static nb_status take(nb_ctx *ctx, nb_dtype dtype, number wanted, int integers, workspace *work)
{
    double length =
        dtype == NB_F32 ? ceil((double)wanted.f32 * (1 + (double)FLT_EPSILON)) : wanted.f64;
    *work = (workspace){.length = length < INT32_MAX ? (int)length : INT32_MAX};
    work->number_bytes = (size_t)work->length * nb_dtype_size(dtype);
    work->integer_bytes = (size_t)integers * sizeof(int);
    work->numbers = nb_alloc(ctx, work->number_bytes);
    work->integers = work->numbers ? nb_alloc(ctx, work->integer_bytes) : NULL;
    if (work->integers) return NB_OK;
    drop(ctx, work);
    *work = (workspace){.length = 0};
    return ctx->status;
}

/* A call about matrix i: how many operations of a product take as long, what it writes beside the
 * matrix. */
static nb_errand call_of(nb_stack a, int64_t i, double operations, int *info)
{
    size_t bytes = (size_t)(a.rows * a.columns) * nb_dtype_size(a.dtype);
    return (nb_errand){.operations = operations,
                       .written = {{matrix_at(a, i), bytes}, {info, sizeof *info}}};
}

static void writes(nb_errand *call, int at, nb_dtype dtype, void *data, int64_t count)
{
    call->written[at].data = data;
    call->written[at].bytes = (size_t)count * nb_dtype_size(dtype);
}

/* Between two matrices: Ctrl-C, and what LAPACK said of the last. */
static nb_status after(nb_ctx *ctx, nb_errand *call, int64_t matrix, int info, nb_fault *fault)
{
    if (nb_errand_end(ctx, call) != NB_OK) return ctx->status;
    if (info == 0) return nb_poll(ctx);
    *fault = (nb_fault){matrix, info};
    ctx->status = NB_EVALUE;
    return NB_EVALUE;
}

static double cube(int64_t n)
{
    return (double)n * (double)n * (double)n;
}

/* ---- LU: solve and inverse ------------------------------------------------------------------ */

/* LAPACK sees A^T = P L U. */
nb_status nb_lapack_lu(nb_ctx *ctx, nb_stack a, int *pivot, nb_fault *fault)
{
    nb_status status = check_sides(ctx, a);
    int n = (int)a.rows, info = 0;
    if (empty(a)) return status;
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        nb_errand call = call_of(a, i, cube(n), &info);
        writes(&call, 2, NB_I32, pivot + i * n, n);
        if (nb_errand_begin(ctx, &call))
            OF(a.dtype, getrf)(&n, &n, matrix_at(a, i), &n, pivot + i * n, &info);
        status = after(ctx, &call, i, info, fault);
    }
    return status;
}

static void swap_rows(char *x, char *y, size_t bytes)
{
    char block[256];
    for (size_t at = 0, part; at < bytes; at += part) {
        part = bytes - at < sizeof block ? bytes - at : sizeof block;
        memcpy(block, x + at, part);
        memcpy(x + at, y + at, part);
        memcpy(y + at, block, part);
    }
}

/* The interchanges of rows that the pivots tell, in their order or backwards. */
static void interchange(int64_t n, const int *pivot, bool backwards, char *x, size_t row)
{
    for (int64_t step = 0; step < n; step++) {
        int64_t i = backwards ? n - 1 - step : step, j = pivot[i] - 1;
        if (i != j) swap_rows(x + i * (int64_t)row, x + j * (int64_t)row, row);
    }
}

/* A = U^T L^T P^T, where by rows U^T is a lower and L^T an upper triangle; so A^-1 = P L^-T U^-T,
 * and A^-T = U^-1 L^-1 P^T. One right side is the same by rows and by columns. */
static void solve(nb_dtype dtype, int64_t n, int64_t columns, const void *lu, const int *pivot,
                  bool transposed, void *x)
{
    size_t row = (size_t)columns * nb_dtype_size(dtype);
    int order = (int)n, one = 1, info;
    nb_triangle lower = {.data = lu, .n = (size_t)n, .transposed = transposed};
    nb_triangle upper = lower;
    upper.upper = upper.unit = true;
    if (columns == 1) {
        OF(dtype, getrs)
        (transposed ? "N" : "T", &order, &one, lu, &order, pivot, x, &order, &info, 1);
        return;
    }
    if (transposed) interchange(n, pivot, false, x, row);
    nb_blas_triangle(dtype, transposed ? upper : lower, (size_t)columns, x);
    nb_blas_triangle(dtype, transposed ? lower : upper, (size_t)columns, x);
    if (!transposed) interchange(n, pivot, true, x, row);
}

nb_status nb_lapack_lu_solve(nb_ctx *ctx, nb_dtype dtype, int64_t n, int64_t columns,
                             const void *lu, const int *pivot, bool transposed, void *x)
{
    nb_errand call = {.operations = 2 * (double)n * (double)n * (double)columns};
    if (n == 0 || columns == 0) return NB_OK;
    nb_blas_prepare();
    writes(&call, 0, dtype, x, n * columns);
    if (nb_errand_begin(ctx, &call)) solve(dtype, n, columns, lu, pivot, transposed, x);
    return nb_errand_end(ctx, &call);
}

nb_status nb_lapack_lu_invert(nb_ctx *ctx, nb_stack lu, const int *pivot)
{
    nb_status status = check_sides(ctx, lu);
    nb_fault never;
    workspace work;
    number wanted;
    int n = (int)lu.rows, info;
    if (status != NB_OK || empty(lu)) return status;
    OF(lu.dtype, getri)(&n, NULL, &n, NULL, &wanted, &ask, &info);
    status = take(ctx, lu.dtype, wanted, 0, &work);
    if (status != NB_OK) return status;
    for (int64_t i = 0; i < lu.count && status == NB_OK; i++) {
        nb_errand call = call_of(lu, i, 2 * cube(n), &info);
        if (nb_errand_begin(ctx, &call)) OF(lu.dtype, getri)
        (&n, matrix_at(lu, i), &n, pivot + i * n, work.numbers, &work.length, &info);
        status = after(ctx, &call, i, info, &never);
    }
    drop(ctx, &work);
    return status;
}

/* ---- Cholesky and QR ------------------------------------------------------------------------ */

/* The lower triangle by rows is the upper one by columns, and A = U^T U there. */
nb_status nb_lapack_cholesky(nb_ctx *ctx, nb_stack a, nb_fault *fault)
{
    nb_status status = check_sides(ctx, a);
    int n = (int)a.rows, info;
    if (empty(a)) return status;
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        nb_errand call = call_of(a, i, cube(n), &info);
        if (nb_errand_begin(ctx, &call)) OF(a.dtype, potrf)("U", &n, matrix_at(a, i), &n, &info, 1);
        status = after(ctx, &call, i, info, fault);
    }
    return status;
}

/* R is the upper triangle of the first k rows of what gelqf left. */
static void take_r(nb_stack a, int64_t i, void *r)
{
    int64_t k = shorter(a), n = a.columns, width = (int64_t)nb_dtype_size(a.dtype);
    char *to = row_of(a.dtype, r, i, k * n);
    const char *from = matrix_at(a, i);
    for (int64_t row = 0; row < k; row++, to += n * width, from += n * width) {
        memset(to, 0, (size_t)(row * width));
        memcpy(to + row * width, from + row * width, (size_t)((n - row) * width));
    }
}

/* Q is the first k columns of what orglq left. */
static void take_q(nb_stack a, int64_t i, void *q)
{
    int64_t k = shorter(a), width = (int64_t)nb_dtype_size(a.dtype);
    char *to = row_of(a.dtype, q, i, a.rows * k);
    const char *from = matrix_at(a, i);
    if (q == a.data) return;
    for (int64_t row = 0; row < a.rows; row++)
        memcpy(to + row * k * width, from + row * a.columns * width, (size_t)(k * width));
}

static number larger(nb_dtype dtype, number a, number b)
{
    bool first = dtype == NB_F32 ? a.f32 > b.f32 : a.f64 > b.f64;
    return first ? a : b;
}

/* LAPACK sees A^T = L Q, which is A = Q^T L^T. */
nb_status nb_lapack_qr(nb_ctx *ctx, nb_stack a, void *r, void *q)
{
    nb_status status = check_sides(ctx, a);
    nb_fault never;
    workspace work, tau;
    number wanted, also, kept;
    int m = (int)a.rows, n = (int)a.columns, k = (int)shorter(a), info;
    if (status != NB_OK || empty(a)) return status;
    OF(a.dtype, gelqf)(&n, &m, NULL, &n, NULL, &wanted, &ask, &info);
    OF(a.dtype, orglq)(&k, &m, &k, NULL, &n, NULL, &also, &ask, &info);
    kept = a.dtype == NB_F32 ? (number){.f32 = (float)k} : (number){.f64 = k};
    status = take(ctx, a.dtype, larger(a.dtype, wanted, also), 0, &work);
    if (status != NB_OK) return status;
    status = take(ctx, a.dtype, kept, 0, &tau);
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        char *at = matrix_at(a, i);
        nb_errand call = call_of(a, i, 8 * (double)m * n * k, &info);
        writes(&call, 2, a.dtype, row_of(a.dtype, r, i, (int64_t)k * n), (int64_t)k * n);
        if (nb_errand_begin(ctx, &call)) {
            OF(a.dtype, gelqf)(&n, &m, at, &n, tau.numbers, work.numbers, &work.length, &info);
            take_r(a, i, r);
            OF(a.dtype, orglq)(&k, &m, &k, at, &n, tau.numbers, work.numbers, &work.length, &info);
        }
        status = after(ctx, &call, i, info, &never);
        take_q(a, i, q);
    }
    drop(ctx, &tau);
    drop(ctx, &work);
    return status;
}

enum { STRETCH = 32 }; /* rows of r whose reflections are applied together */

/* Reflections that take the columns of b where a stretch of r's diagonal stands, and what they do
 * to all that stands behind; r and b begin there, `left` columns before their end. By columns r is
 * a lower triangle L and b stands beside it: [L B] = L' Q. */
static void reflect(int left, double *r, int ld, int rows, double *b, int ldb, double *room)
{
    static const int none = 0;
    int count = left < STRETCH ? left : STRETCH, behind = left - count, info;
    double *t = room, *work = room + count * count;
    dtplqt2_(&count, &rows, &none, r, &ld, b, &ldb, t, &count, &info);
    if (behind == 0) return;
    dtprfb_("R", "N", "F", "R", &behind, &rows, &count, &none, b, &ldb, t, &count, r + count, &ld,
            b + count, &ldb, work, &behind, 1, 1, 1, 1);
}

/* As LAPACK's dtplqt does it, with its bits, and Ctrl-C between two stretches. */
nb_status nb_lapack_qr_add(nb_ctx *ctx, int64_t n, double *r, int64_t ld, int64_t rows, double *b,
                           int64_t ldb)
{
    nb_status status = check_sides(ctx, (nb_stack){NB_F64, 1, rows, ld > ldb ? ld : ldb, b});
    if (status != NB_OK || n == 0 || rows == 0) return status;
    size_t bytes = STRETCH * (size_t)(STRETCH + n) * sizeof(double);
    double *room = nb_alloc(ctx, bytes);
    if (!room) return ctx->status;
    for (int64_t i = 0; i < n && status == NB_OK; i += STRETCH) {
        reflect((int)(n - i), r + i * ld + i, (int)ld, (int)rows, b + i, (int)ldb, room);
        status = nb_poll(ctx);
    }
    nb_free(ctx, room, bytes);
    return status;
}

/* ---- Eigenvalues, singular values, least squares -------------------------------------------- */

/* The lower triangle by rows is the upper one by columns; the vectors come by columns, which are
 * rows here. */
static nb_status find_eigenvalues(nb_ctx *ctx, nb_stack a, const char *job, void *values,
                                  nb_fault *fault)
{
    nb_status status = check_area(ctx, a, 0);
    workspace work;
    number wanted;
    int n = (int)a.rows, integers, info;
    double operations = (*job == 'V' ? 8 : 4) * cube(n);
    if (status != NB_OK || empty(a)) return status;
    OF(a.dtype, syevd)
    (job, "U", &n, NULL, &n, NULL, &wanted, &ask, &integers, &ask, &info, 1, 1);
    status = take(ctx, a.dtype, wanted, integers, &work);
    if (status != NB_OK) return status;
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        nb_errand call = call_of(a, i, operations, &info);
        writes(&call, 2, a.dtype, row_of(a.dtype, values, i, n), n);
        if (nb_errand_begin(ctx, &call)) OF(a.dtype, syevd)
        (job, "U", &n, matrix_at(a, i), &n, row_of(a.dtype, values, i, n), work.numbers,
         &work.length, work.integers, &integers, &info, 1, 1);
        status = after(ctx, &call, i, info, fault);
    }
    drop(ctx, &work);
    return status;
}

nb_status nb_lapack_eigh(nb_ctx *ctx, nb_stack a, void *values, nb_fault *fault)
{
    return find_eigenvalues(ctx, a, "V", values, fault);
}

nb_status nb_lapack_eigenvalues(nb_ctx *ctx, nb_stack a, void *values, nb_fault *fault)
{
    return find_eigenvalues(ctx, a, "N", values, fault);
}

/* LAPACK sees A^T = V S U^T: its first factor by columns is vt by rows, and its second one u. */
nb_status nb_lapack_svd(nb_ctx *ctx, nb_stack a, void *u, void *s, void *vt, nb_fault *fault)
{
    nb_status status = check_area(ctx, a, 0);
    workspace work;
    number wanted;
    int m = (int)a.rows, n = (int)a.columns, k = (int)shorter(a), info;
    if (status != NB_OK || empty(a)) return status;
    OF(a.dtype, gesdd)
    ("S", &n, &m, NULL, &n, NULL, NULL, &n, NULL, &k, &wanted, &ask, NULL, &info, 1);
    status = take(ctx, a.dtype, wanted, 8 * k, &work);
    if (status != NB_OK) return status;
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        void *si = row_of(a.dtype, s, i, k), *vi = row_of(a.dtype, vt, i, (int64_t)k * n);
        void *ui = row_of(a.dtype, u, i, (int64_t)m * k);
        nb_errand call = call_of(a, i, 16 * (double)m * n * k, &info);
        writes(&call, 0, a.dtype, ui, (int64_t)m * k);
        writes(&call, 2, a.dtype, si, k);
        writes(&call, 3, a.dtype, vi, (int64_t)k * n);
        if (nb_errand_begin(ctx, &call)) OF(a.dtype, gesdd)
        ("S", &n, &m, matrix_at(a, i), &n, si, vi, &n, ui, &k, work.numbers, &work.length,
         work.integers, &info, 1);
        status = after(ctx, &call, i, info, fault);
    }
    drop(ctx, &work);
    return status;
}

nb_status nb_lapack_lstsq(nb_ctx *ctx, nb_stack a, nb_stack b, double threshold, nb_fault *fault)
{
    nb_status status = check_area(ctx, a, b.rows);
    workspace work, values;
    number wanted, kept, least = {.f64 = threshold};
    int m = (int)a.columns, n = (int)a.rows, right = (int)b.rows, longer = (int)b.columns;
    int k = (int)shorter(a), integers, rank, info;
    if (status != NB_OK || empty(a) || right == 0) return status;
    kept = a.dtype == NB_F32 ? (number){.f32 = (float)k} : (number){.f64 = k};
    if (a.dtype == NB_F32) least.f32 = (float)threshold;
    OF(a.dtype, gelsd)
    (&m, &n, &right, NULL, &m, NULL, &longer, NULL, &least, &rank, &wanted, &ask, &integers, &info);
    status = take(ctx, a.dtype, wanted, integers, &work);
    if (status != NB_OK) return status;
    status = take(ctx, a.dtype, kept, 0, &values);
    for (int64_t i = 0; i < a.count && status == NB_OK; i++) {
        nb_errand call = call_of(b, i, 16 * (double)m * n * (k + right), &info);
        if (nb_errand_begin(ctx, &call)) OF(a.dtype, gelsd)
        (&m, &n, &right, matrix_at(a, i), &m, matrix_at(b, i), &longer, values.numbers, &least,
         &rank, work.numbers, &work.length, work.integers, &info);
        status = after(ctx, &call, i, info, fault);
    }
    drop(ctx, &values);
    drop(ctx, &work);
    return status;
}
