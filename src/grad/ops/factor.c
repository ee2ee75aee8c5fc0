/* Factors of matrices by LAPACK, without gradients: lstsq, qr, svd, eigh. What comes of LAPACK by
 * columns is given as a transposed view. */
#include "grad/matrices.h"

#include "base/arith.h"
#include "grad/support.h"

#include <float.h>
#include <string.h>

static const char no_convergence[] = "is one with which LAPACK did not come to an end";

static int64_t rows_of(const nb_tensor *a)
{
    return a->shape[a->dims - 2];
}

static int64_t columns_of(const nb_tensor *a)
{
    return a->shape[a->dims - 1];
}

static int64_t shorter(const nb_tensor *a)
{
    return nb_least_i64(rows_of(a), columns_of(a));
}

static int64_t longer(const nb_tensor *a)
{
    return rows_of(a) > columns_of(a) ? rows_of(a) : columns_of(a);
}

/* A batch of rows x columns matrices beside a's. */
static nb_tensor *matrices(nb_ctx *ctx, const nb_tensor *a, int64_t rows, int64_t columns)
{
    return nb_matrix_beside(ctx, a, a->dtype, 2, (const int64_t[]){rows, columns});
}

/* Turns a tensor's matrices where they stand; takes and gives a reference, NULL for NULL. */
static nb_tensor *turned(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *view = t ? nb_tensor_transpose(ctx, t) : NULL;
    nb_tensor_release(ctx, t);
    return view;
}

/* ---- lstsq ---------------------------------------------------------------------------------- */

/* t's matrices turned and spread over the system's batch. */
static nb_tensor *spread(nb_ctx *ctx, const nb_system *s, const nb_tensor *t)
{
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, s->shape, sizeof shape);
    shape[s->batch] = rows_of(t);
    shape[s->batch + 1] = columns_of(t);
    return turned(ctx, nb_tensor_expand(ctx, t, s->batch + 2, shape));
}

/* The right sides by rows, each with room for x behind b or b behind x. */
static nb_tensor *right_sides(nb_ctx *ctx, const nb_system *s, const nb_tensor *a, nb_tensor *b)
{
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, s->shape, sizeof shape);
    shape[s->batch] = s->shape[s->batch + 1];
    shape[s->batch + 1] = longer(a);
    nb_tensor *columns = nb_matrix_columns(ctx, b);
    nb_tensor *from = columns ? spread(ctx, s, columns) : NULL;
    nb_tensor *out = from ? nb_tensor_zeros(ctx, from->dtype, s->batch + 2, shape) : NULL;
    nb_tensor *part = out ? nb_tensor_narrow(ctx, out, s->batch + 1, 0, rows_of(a), 1) : NULL;
    nb_status status = part ? nb_tensor_copy(ctx, part, from) : ctx->status;
    if (status == NB_OK) status = nb_matrix_finite(ctx, "lstsq", out);
    nb_tensor_release(ctx, columns);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, part);
    return nb_tensor_settle(ctx, out, status);
}

/* The first n numbers of every right side, as columns, or as a vector again. */
static nb_tensor *solution(nb_ctx *ctx, const nb_system *s, const nb_tensor *sides, int64_t n)
{
    nb_tensor *part = nb_tensor_narrow(ctx, sides, s->batch + 1, 0, n, 1);
    nb_tensor *out = NULL;
    if (part && s->vector)
        out = nb_tensor_select(ctx, part, s->batch, 0);
    else if (part)
        out = nb_tensor_transpose(ctx, part);
    nb_tensor *whole = out ? nb_tensor_clone(ctx, out) : NULL;
    nb_tensor_release(ctx, part);
    nb_tensor_release(ctx, out);
    return whole;
}

static nb_tensor *lstsq_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0];
    nb_system s;
    nb_fault fault = {0, 0};
    if (nb_matrix_system(ctx, "lstsq", a, false, call->in[1], &s) != NB_OK) return NULL;
    nb_tensor *x = NULL, *wide = spread(ctx, &s, a);
    nb_tensor *work = wide ? nb_matrix_work(ctx, "lstsq", wide, false) : NULL;
    nb_tensor *sides = work ? right_sides(ctx, &s, a, call->in[1]) : NULL;
    if (sides) {
        double epsilon = a->dtype == NB_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
        nb_status status = nb_lapack_lstsq(ctx, nb_matrix_stack(work), nb_matrix_stack(sides),
                                           epsilon * (double)longer(a), &fault);
        nb_matrix_fault(ctx, "lstsq", work, status, fault, no_convergence);
        if (status == NB_OK) x = solution(ctx, &s, sides, columns_of(a));
    }
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, work);
    nb_tensor_release(ctx, sides);
    return x;
}

NB_DEFINE_OP(lstsq) = {
    .name = "lstsq",
    .signature = "t",
    .usage = "a:lstsq(b)",
    .help = "The x for which a:matmul(x) is nearest to the vector or matrix b in least squares; "
            "where many are, the shortest. a has any shape and rank: singular values under the "
            "longer side times the dtype's precision times the largest count as 0. No gradient.",
    .example = "tensor{{1, 1}, {1, 2}, {1, 3}}:lstsq(tensor{1, 2, 3}) → 0 1",
    .promote = 3,
    .refuses = true,
    .forward = lstsq_forward,
    .errors = "3x2 4: 3x2 and 4 do not fit; 3 3: lstsq",
    .samples = "3x3g 3, 4x2 4, 2x4 2x3, 4x3t 4x2, 2x4x2 4, 4x2 2x4x1, 3x0 3, 0x3 0x2, 2x3 2x0",
    .low = -2,
    .high = 2,
};

/* ---- qr ------------------------------------------------------------------------------------- */

static nb_tensor *qr_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0];
    if (nb_matrix_check(ctx, "qr", a, false) != NB_OK) return NULL;
    int64_t k = shorter(a), n = columns_of(a);
    nb_tensor *work = nb_matrix_work(ctx, "qr", a, false);
    nb_tensor *q = !work ? NULL : k == n ? nb_tensor_retain(work) : matrices(ctx, a, k, k);
    nb_tensor *r = q ? matrices(ctx, a, k, n) : NULL;
    bool done = r && nb_lapack_qr(ctx, nb_matrix_stack(work), nb_tensor_data(r),
                                  nb_tensor_data(q)) == NB_OK;
    nb_tensor_release(ctx, work);
    if (done) {
        call->more[0] = r;
        return q;
    }
    nb_tensor_release(ctx, q);
    nb_tensor_release(ctx, r);
    return NULL;
}

NB_DEFINE_OP(qr) = {
    .name = "qr",
    .signature = "",
    .usage = "q, r = a:qr()",
    .help = "q with orthonormal columns and an upper triangle r with q:matmul(r) = a; for an m x n "
            "matrix q has min(m, n) columns. Batches likewise. No gradient.",
    .example = "q, r = tensor{{3, 1}, {4, 2}}:qr()\nq:matmul(r) → 3 1 / 4 2",
    .promote = 1,
    .results = 2,
    .refuses = true,
    .forward = qr_forward,
    .errors = "3: qr",
    .samples = "3x3g, 4x2, 2x4, 2x4t, 2x3x2, 1x1, 0x3, 3x0, 0x2x2",
    .low = -2,
    .high = 2,
};

/* ---- svd ------------------------------------------------------------------------------------ */

static nb_tensor *svd_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0];
    nb_fault fault = {0, 0};
    nb_tensor *u = NULL, *s = NULL, *vt = NULL;
    nb_status status = nb_matrix_check(ctx, "svd", a, false);
    int64_t k = status == NB_OK ? shorter(a) : 0;
    nb_tensor *work = status == NB_OK ? nb_matrix_work(ctx, "svd", a, false) : NULL;
    if (work) u = matrices(ctx, a, rows_of(a), k);
    if (u) s = nb_matrix_beside(ctx, a, a->dtype, 1, &k);
    if (s) vt = matrices(ctx, a, k, columns_of(a));
    if (vt) {
        status = nb_lapack_svd(ctx, nb_matrix_stack(work), nb_tensor_data(u), nb_tensor_data(s),
                               nb_tensor_data(vt), &fault);
        nb_matrix_fault(ctx, "svd", a, status, fault, no_convergence);
    }
    nb_tensor_release(ctx, work);
    call->more[0] = s;
    call->more[1] = turned(ctx, vt);
    if (status == NB_OK && call->more[1]) return u;
    nb_tensor_release(ctx, u);
    return NULL;
}

NB_DEFINE_OP(svd) = {
    .name = "svd",
    .signature = "",
    .usage = "u, s, v = a:svd()",
    .help = "Singular values s, from the largest, and u and v with orthonormal columns, with (u * "
            "s):matmul(v:t()) = a; v is not transposed. For an m x n matrix s has min(m, n) "
            "numbers, u and v as many columns. Batches likewise. No gradient.",
    .example =
        "u, s, v = tensor{{3, 0}, {0, 4}}:svd()\ns → 4 3\nu:mul(s):matmul(v:t()) → 3 0 / 0 4",
    .promote = 1,
    .results = 3,
    .refuses = true,
    .forward = svd_forward,
    .errors = "3: svd",
    .samples = "3x3, 4x2, 2x4, 3x4t, 2x3x2, 1x1, 0x3, 3x0, 0x2x2",
    .low = -2,
    .high = 2,
};

/* ---- eigh ----------------------------------------------------------------------------------- */

static nb_tensor *eigh_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0];
    nb_fault fault = {0, 0};
    if (nb_matrix_check(ctx, "eigh", a, true) != NB_OK) return NULL;
    nb_tensor *vectors = nb_matrix_work(ctx, "eigh", a, true);
    nb_tensor *values =
        vectors ? nb_matrix_beside(ctx, a, a->dtype, 1, &a->shape[a->dims - 1]) : NULL;
    nb_status status = ctx->status;
    if (values) {
        status = nb_lapack_eigh(ctx, nb_matrix_stack(vectors), nb_tensor_data(values), &fault);
        nb_matrix_fault(ctx, "eigh", a, status, fault, no_convergence);
    }
    call->more[0] = turned(ctx, vectors);
    if (values && status == NB_OK && call->more[0]) return values;
    nb_tensor_release(ctx, values);
    return NULL;
}

NB_DEFINE_OP(eigh) = {
    .name = "eigh",
    .signature = "",
    .usage = "values, vectors = a:eigh()",
    .help = "Eigenvalues of a symmetric matrix, ascending, and its orthonormal eigenvectors, in "
            "columns. Only the lower triangle is read. Batches likewise. No gradient.",
    .example = "values, vectors = tensor{{2, 1}, {1, 2}}:eigh()\nvalues → 1 3",
    .promote = 1,
    .results = 2,
    .refuses = true,
    .forward = eigh_forward,
    .errors = "2x3: 2x3",
    .samples = "3x3, 3x3s, 2x2t, 2x2x2, 1x1, 0x0, 0x2x2",
    .low = -2,
    .high = 2,
};
