/* What is solved with square matrices: solve, inverse, cholesky, and their gradients. */
#include "grad/matrices.h"
#include "grad/support.h"

#include "base/processes/errand.h"
#include "kernel/blas.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

/* ---- Factors -------------------------------------------------------------------------------- */

/* The LU factors of a's matrices and their pivots; new references, or nothing. */
static nb_status factor(nb_ctx *ctx, const char *op, const nb_tensor *a, nb_tensor **lu,
                        nb_tensor **pivot)
{
    nb_fault fault = {0, 0};
    *pivot = NULL;
    *lu = nb_matrix_work(ctx, op, a, false);
    if (*lu) *pivot = nb_matrix_beside(ctx, a, NB_I32, 1, &a->shape[a->dims - 1]);
    nb_status status = ctx->status;
    if (*pivot) {
        status = nb_lapack_lu(ctx, nb_matrix_stack(*lu), nb_tensor_data(*pivot), &fault);
        if (status == NB_OK) return NB_OK;
        nb_matrix_fault(ctx, op, a, status, fault, "is singular");
    }
    nb_tensor_release(ctx, *lu);
    nb_tensor_release(ctx, *pivot);
    *lu = *pivot = NULL;
    return status;
}

/* x = A^-1 x, or A^-T x, matrix by matrix; x is contiguous and A broadcasts to its batch. */
static nb_status solve_each(nb_ctx *ctx, const nb_tensor *lu, const nb_tensor *pivot,
                            bool transposed, nb_tensor *x)
{
    nb_stack s = nb_matrix_stack(x);
    int64_t width = (int64_t)nb_dtype_size(s.dtype), n = s.rows;
    const char *factors = nb_tensor_data(lu);
    const int *pivots = nb_tensor_data(pivot);
    char *to = s.data;
    for (int64_t i = 0; i < s.count; i++, to += n * s.columns * width) {
        int64_t k = nb_matrix_number(x->dims - 2, x->shape, i, lu);
        if (nb_interrupted(ctx)) return nb_poll(ctx);
        if (nb_lapack_lu_solve(ctx, s.dtype, n, s.columns, factors + k * n * n * width,
                               pivots + k * n, transposed, to) != NB_OK)
            return ctx->status;
    }
    return NB_OK;
}

/* ---- solve ---------------------------------------------------------------------------------- */

static nb_status check_system(nb_ctx *ctx, const nb_tensor *a, const nb_tensor *b, nb_system *s)
{
    if (nb_matrix_system(ctx, "solve", a, true, b, s) != NB_OK) return ctx->status;
    int64_t sides = s->shape[s->batch + 1];
    if (sides <= NB_BLAS_MOST) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "solve: %lld right sides are too many", (long long)sides);
}

/* A copy of b's columns for every matrix of the batch. */
static nb_tensor *spread(nb_ctx *ctx, nb_tensor *b, const nb_system *s)
{
    nb_tensor *columns = nb_matrix_columns(ctx, b);
    nb_tensor *wide = columns ? nb_tensor_expand(ctx, columns, s->batch + 2, s->shape) : NULL;
    nb_tensor *copy = wide ? nb_tensor_clone(ctx, wide) : NULL;
    nb_tensor_release(ctx, columns);
    nb_tensor_release(ctx, wide);
    return copy;
}

/* saved: the factors, their pivots, and x as columns. */
static nb_tensor *solve_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *a = call->in[0], *b = call->in[1], *lu, *pivot, *x, *out = NULL;
    nb_system s;
    if (check_system(ctx, a, b, &s) != NB_OK) return NULL;
    if (factor(ctx, "solve", a, &lu, &pivot) != NB_OK) return NULL;
    x = spread(ctx, b, &s);
    if (x && solve_each(ctx, lu, pivot, false, x) == NB_OK)
        out = nb_tensor_reshape(ctx, x, s.batch + 2 - s.vector, s.shape);
    if (out && call->recording) {
        call->saved[0] = nb_tensor_retain(lu);
        call->saved[1] = nb_tensor_retain(pivot);
        call->saved[2] = nb_tensor_retain(x);
    }
    nb_tensor_release(ctx, lu);
    nb_tensor_release(ctx, pivot);
    nb_tensor_release(ctx, x);
    return out;
}

/* X = A⁻¹ B: dB = A⁻ᵀ δ, dA = -dB Xᵀ (Giles 2008, "Collected matrix derivative results for forward
 * and reverse mode algorithmic differentiation", 2.3.1), by the factors of forward. */
static nb_status solve_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *lu = record->saved[0], *x = record->saved[2], *turned = NULL, *wide = NULL;
    nb_tensor *d = nb_tensor_reshape(ctx, delta, x->dims, x->shape);
    nb_tensor *db = d ? nb_tensor_clone(ctx, d) : NULL;
    nb_status status = db ? solve_each(ctx, lu, record->saved[1], true, db) : ctx->status;
    if (status == NB_OK && record->needs[0]) {
        turned = nb_tensor_transpose(ctx, x);
        wide = turned ? nb_matrix_product(ctx, -1, db, turned) : NULL;
        grad[0] = wide ? nb_sum_to(ctx, wide, record->in[0]) : NULL;
        if (!grad[0]) status = ctx->status;
    }
    if (status == NB_OK && record->needs[1]) {
        nb_tensor *columns = nb_matrix_columns(ctx, record->in[1]);
        nb_tensor *sum = columns ? nb_sum_to(ctx, db, columns) : NULL;
        if (sum) grad[1] = nb_tensor_reshape(ctx, sum, record->in[1]->dims, record->in[1]->shape);
        nb_tensor_release(ctx, columns);
        nb_tensor_release(ctx, sum);
        if (!grad[1]) status = ctx->status;
    }
    nb_tensor_release(ctx, d);
    nb_tensor_release(ctx, db);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, wide);
    return status;
}

NB_DEFINE_OP(solve) = {
    .name = "solve",
    .signature = "t",
    .usage = "a:solve(b)",
    .help = "The x with a:matmul(x) = b, for a square matrix a and a vector or a matrix b; further "
            "dimensions are batches and broadcast. A singular a is an error; lstsq takes it.",
    .example = "tensor{{2, 0}, {0, 4}}:solve(tensor{2, 2}) → 1 0.5",
    .promote = 3,
    .forward = solve_forward,
    .backward = solve_backward,
    .errors = "2x3 2: 2x3; 3x3g 2: 3x3 and 2 do not fit",
    .samples = "3x3g 3, 3x3tg 3x2, 3x3g 2x3x2, 2x3x3g 3, 2x1x2x2g 3x2x3, 1x1g 1, 0x0 0x3, 0x2x2 2, "
               "2x2g 2x0",
    .low = -1,
    .high = 1,
};

/* ---- inverse -------------------------------------------------------------------------------- */

static nb_tensor *inverse_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *a = call->in[0], *lu, *pivot;
    if (nb_matrix_check(ctx, "inverse", a, true) != NB_OK) return NULL;
    if (factor(ctx, "inverse", a, &lu, &pivot) != NB_OK) return NULL;
    nb_status status = nb_lapack_lu_invert(ctx, nb_matrix_stack(lu), nb_tensor_data(pivot));
    nb_tensor_release(ctx, pivot);
    return nb_save_output(ctx, call, nb_tensor_settle(ctx, lu, status));
}

/* Y = A⁻¹: dA = -Yᵀ δ Yᵀ (Giles 2008, 2.2.3) */
static nb_status inverse_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_tensor *turned = nb_tensor_transpose(ctx, record->saved[0]);
    nb_tensor *first = turned ? nb_matrix_product(ctx, 1, turned, delta) : NULL;
    grad[0] = first ? nb_matrix_product(ctx, -1, first, turned) : NULL;
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, first);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(inverse) = {
    .name = "inverse",
    .signature = "",
    .usage = "a:inverse()",
    .help = "The inverse of a square matrix, or of each of a batch. a:solve(b) is faster and more "
            "exact than a:inverse():matmul(b).",
    .example = "tensor{{2, 0}, {0, 4}}:inverse() → 0.5 0 / 0 0.25",
    .promote = 1,
    .forward = inverse_forward,
    .backward = inverse_backward,
    .errors = "2x3: 2x3",
    .samples = "3x3g, 3x3tg, 2x2x2g, 1x1g, 0x0, 0x2x2",
    .low = -1,
    .high = 1,
};

/* ---- cholesky ------------------------------------------------------------------------------- */

static nb_tensor *cholesky_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *a = call->in[0];
    nb_fault fault = {0, 0};
    if (nb_matrix_check(ctx, "cholesky", a, true) != NB_OK) return NULL;
    nb_tensor *l = nb_matrix_work(ctx, "cholesky", a, true);
    nb_status status = l ? nb_lapack_cholesky(ctx, nb_matrix_stack(l), &fault) : ctx->status;
    if (l && status == NB_EVALUE)
        nb_matrix_fault(ctx, "cholesky", a, status, fault,
                        "is not positive definite (its leading minor of order # is not positive)");
    return nb_save_output(ctx, call, nb_tensor_settle(ctx, l, status));
}

/* The upper triangle becomes the mirror of the lower one. */
static void mirror(nb_tensor *a)
{
    nb_stack s = nb_matrix_stack(a);
    nb_convert_fn *copy = nb_kernels_get()->convert[s.dtype][s.dtype];
    int64_t n = s.rows, width = (int64_t)nb_dtype_size(s.dtype);
    for (int64_t k = 0; k < s.count; k++) {
        char *matrix = (char *)s.data + k * n * n * width;
        for (int64_t i = 0; i + 1 < n; i++) {
            char *diagonal = matrix + i * (n + 1) * width;
            copy((size_t)(n - 1 - i), diagonal + n * width, (ptrdiff_t)n, diagonal + width, 1, 1.0);
        }
    }
}

/* a = L⁻ᵀ a for every matrix */
static nb_status solve_transposed(nb_ctx *ctx, const nb_tensor *l, nb_tensor *a)
{
    nb_stack s = nb_matrix_stack(a);
    int64_t bytes = s.rows * s.rows * (int64_t)nb_dtype_size(s.dtype);
    nb_status status = NB_OK;
    for (int64_t i = 0; i < s.count && bytes > 0 && status == NB_OK; i++) {
        void *x = (char *)s.data + i * bytes;
        nb_triangle t = {.data = (const char *)nb_tensor_data(l) + i * bytes,
                         .n = (size_t)s.rows,
                         .transposed = true};
        nb_errand solving = {.operations = pow((double)s.rows, 3), .written = {{x, (size_t)bytes}}};
        if (nb_errand_begin(ctx, &solving)) nb_blas_triangle(s.dtype, t, (size_t)s.rows, x);
        status = nb_errand_end(ctx, &solving);
    }
    return status;
}

/* Φ: the lower triangle with half its diagonal */
static void take_lower(nb_tensor *a)
{
    nb_stack s = nb_matrix_stack(a);
    int64_t n = s.rows, bytes = n * n * (int64_t)nb_dtype_size(s.dtype);
    nb_unary_fn *scale = nb_real(s.dtype)->unary[NB_U_scale];
    nb_matrix_clear(a, true, 0);
    for (int64_t i = 0; i < s.count; i++) {
        char *at = (char *)s.data + i * bytes;
        scale((size_t)n, at, (ptrdiff_t)(n + 1), at, (ptrdiff_t)(n + 1), 0.5, 0);
    }
}

/* A = L Lᵀ: with P = Φ(Lᵀ δ), dA = Φ(L⁻ᵀ (P + Pᵀ) L⁻¹), where Φ takes the lower triangle and halves
 * its diagonal (Murray 2016, "Differentiation of the Cholesky decomposition", arXiv:1602.07527,
 * equations 9 and 10): the slopes of what is read, so that there is none above the diagonal.
 * P + Pᵀ is Lᵀ δ with its lower triangle mirrored; it is symmetric, so that its right side is
 * solved as its transpose's left. */
static nb_status cholesky_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                   nb_tensor **grad)
{
    nb_tensor *l = record->saved[0], *d = nb_tensor_clone(ctx, delta);
    nb_tensor *turned = d ? nb_tensor_transpose(ctx, l) : NULL, *back = NULL;
    if (d) nb_matrix_clear(d, true, 0);
    nb_tensor *p = turned ? nb_matrix_product(ctx, 1, turned, d) : NULL;
    if (p) {
        mirror(p);
        if (solve_transposed(ctx, l, p) == NB_OK) back = nb_tensor_transpose(ctx, p);
    }
    nb_tensor *out = back ? nb_tensor_clone(ctx, back) : NULL;
    if (out && solve_transposed(ctx, l, out) == NB_OK) {
        take_lower(out);
        grad[0] = nb_tensor_retain(out);
    }
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, d);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, p);
    nb_tensor_release(ctx, back);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(cholesky) = {
    .name = "cholesky",
    .signature = "",
    .usage = "a:cholesky()",
    .help = "The lower triangle l with l:matmul(l:t()) = a, for a symmetric positive definite "
            "matrix, or each of a batch. Only a's lower triangle is read, and its gradient stands "
            "there.",
    .example = "tensor{{4, 2}, {2, 5}}:cholesky() → 2 0 / 1 2",
    .promote = 1,
    .forward = cholesky_forward,
    .backward = cholesky_backward,
    .errors = "2x3: 2x3",
    .samples = "3x3s, 3x3ts, 2x2x2s, 1x1s, 0x0, 0x2x2",
    .low = -1,
    .high = 1,
};
