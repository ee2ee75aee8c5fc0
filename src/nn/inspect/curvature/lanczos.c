/* Lanczos' method (1950): an orthonormal basis q_1, q_2, … of A's powers on a random vector, in
 * which A is tridiagonal. All of the basis is kept, and every product made orthogonal to all of it,
 * twice: what that finds beside the tridiagonal is how far A is from symmetric. */
#include "nn/inspect/curvature/lanczos.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/random.h"
#include "kernel/kernel.h"
#include "kernel/lapack.h"

#include <math.h>
#include <string.h>

enum {
    STEPS_LEAST = 200, /* what a few eigenvalues may take, … */
    STEPS_EACH = 10,   /* … and each more */
    LOOK_FIRST = 8     /* steps after which the eigenvalues are looked at first */
};

#define EMPTY 1e-12 /* of A's size: what is left of a product that lies in the basis */

typedef struct basis {
    nb_ctx *ctx;
    const nb_operator *a;
    int64_t most, count; /* vectors */
    double **q;
    double *alpha, *beta; /* the diagonal, and what stands beside it behind each */
    double *w, *with;     /* a product, and what it has of each vector */
    double size;          /* of A: the largest that was met */
    double asymmetry;
    nb_stream chance;
} basis;

static int64_t steps_most(int64_t n, int64_t count)
{
    return nb_least_i64(n, STEPS_LEAST + STEPS_EACH * count);
}

double nb_lanczos_bytes(int64_t n, int64_t count)
{
    double most = (double)steps_most(n, count);
    return sizeof(double) * ((most + 1) * (double)n + 4 * most * most);
}

/* ---- The basis ------------------------------------------------------------------------------- */

static double length(const basis *b, const double *v)
{
    return sqrt(nb_real(NB_F64)->sum_squares((size_t)b->a->n, v, 1));
}

/* Takes what w has of all the basis out of it, twice, and adds it up in `with`. */
static void make_orthogonal(basis *b)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    size_t n = (size_t)b->a->n;
    memset(b->with, 0, (size_t)b->most * sizeof *b->with);
    for (int times = 0; times < 2; times++)
        for (int64_t i = 0; i < b->count; i++) {
            double part = real->dot(n, b->q[i], 1, b->w, 1);
            b->with[i] += part;
            real->axpy(n, -part, b->q[i], b->w);
        }
}

/* w as the next vector, of length `size` before. */
static nb_status append(basis *b, double size)
{
    size_t n = (size_t)b->a->n;
    double *q = nb_alloc(b->ctx, n * sizeof *q);
    if (!q) return b->ctx->status;
    for (size_t i = 0; i < n; i++) q[i] = b->w[i] / size;
    b->q[b->count++] = q;
    return NB_OK;
}

/* A random vector orthogonal to the basis as the next one. */
static nb_status begin_anew(basis *b)
{
    for (int64_t i = 0; i < b->a->n; i++) b->w[i] = nb_random_normal(&b->chance);
    make_orthogonal(b);
    return append(b, length(b, b->w));
}

/* Products of which a symmetric matrix has 0, or what stood beside the diagonal already. */
static void compare(basis *b)
{
    int64_t last = b->count - 1;
    for (int64_t i = 0; i < last; i++) {
        double apart = fabs(b->with[i] - (i == last - 1 ? b->beta[i] : 0));
        if (!(apart <= b->asymmetry)) b->asymmetry = apart;
    }
}

/* One product: a row of the tridiagonal, and the next vector where there is room for one. */
static nb_status step(basis *b)
{
    int64_t last = b->count - 1;
    nb_status status = nb_poll(b->ctx);
    if (status == NB_OK) status = b->a->apply(b->ctx, b->a->self, b->q[last], b->w);
    if (status != NB_OK) return status;
    double size = length(b, b->w);
    if (!isfinite(size)) return nb_fail(b->ctx, NB_EVALUE, "a product is not finite");
    b->size = fmax(b->size, size);
    make_orthogonal(b);
    compare(b);
    b->alpha[last] = b->with[last];
    double rest = length(b, b->w);
    b->beta[last] = rest > EMPTY * b->size ? rest : 0;
    if (b->count == b->most) return NB_OK;
    return b->beta[last] > 0 ? append(b, rest) : begin_anew(b);
}

/* ---- Eigenvalues ----------------------------------------------------------------------------- */

/* Those of the tridiagonal of the first m steps, rising, over room (m x (m + 1)): values, and
 * behind them their vectors by rows. */
static nb_status solve(const basis *b, int64_t m, double *room)
{
    nb_fault fault;
    double *t = room + m;
    memset(t, 0, (size_t)(m * m) * sizeof *t);
    for (int64_t i = 0; i < m; i++) {
        t[i * m + i] = b->alpha[i];
        if (i) t[i * m + i - 1] = t[(i - 1) * m + i] = b->beta[i - 1];
    }
    nb_status status = nb_lapack_eigh(b->ctx, (nb_stack){NB_F64, 1, m, m, t}, room, &fault);
    if (status == NB_EVALUE) return nb_fail(b->ctx, status, "the eigenvalues were not found");
    return status;
}

/* Both ends of the m that were found, and how far they may be off. */
static void read_ends(const basis *b, int64_t m, const double *room, nb_lanczos *out)
{
    double last = b->beta[m - 1], size = fmax(fabs(room[0]), fabs(room[m - 1]));
    out->residual = 0;
    for (int64_t i = 0; i < out->count; i++) {
        const double *low = room + m + i * m, *high = room + m + (m - 1 - i) * m;
        out->smallest[i] = room[i];
        out->largest[i] = room[m - 1 - i];
        out->residual = fmax(out->residual, last * fmax(fabs(low[m - 1]), fabs(high[m - 1])));
    }
    out->steps = m;
    out->settled = out->residual <= NB_LANCZOS_NEAR * size;
}

static nb_status look(const basis *b, int64_t m, nb_lanczos *out)
{
    size_t bytes = (size_t)(m * (m + 1)) * sizeof(double);
    double *room = nb_alloc(b->ctx, bytes);
    if (!room) return b->ctx->status;
    nb_status status = solve(b, m, room);
    if (status == NB_OK) read_ends(b, m, room, out);
    nb_free(b->ctx, room, bytes);
    return status;
}

static nb_status iterate(basis *b, nb_lanczos *out)
{
    int64_t next = nb_least_i64(b->most, LOOK_FIRST + 2 * out->count);
    nb_status status = begin_anew(b);
    for (int64_t m = 1; m <= b->most && status == NB_OK; m++) {
        nb_tell(b->ctx, b->a->what, m - 1, b->most);
        status = step(b);
        if (status != NB_OK || m < next) continue;
        status = look(b, m, out);
        if (status == NB_OK && out->settled) break;
        next = nb_least_i64(b->most, m + m / 4);
    }
    out->asymmetry = b->asymmetry;
    return status;
}

nb_status nb_lanczos_run(nb_ctx *ctx, const nb_operator *a, nb_lanczos *out)
{
    basis b = {.ctx = ctx, .a = a, .most = steps_most(a->n, out->count)};
    b.chance = nb_stream_make(1, NB_FOR_LANCZOS, (uint64_t)a->n);
    size_t most = (size_t)b.most, bytes = (3 * most + (size_t)a->n) * sizeof(double);
    b.q = nb_alloc_zero(ctx, most, sizeof *b.q);
    b.alpha = b.q ? nb_alloc(ctx, bytes) : NULL;
    nb_status status = b.alpha ? NB_OK : ctx->status;
    if (b.alpha) {
        b.beta = b.alpha + most;
        b.with = b.beta + most;
        b.w = b.with + most;
        status = iterate(&b, out);
        nb_free(ctx, b.alpha, bytes);
    }
    for (int64_t i = 0; i < b.count; i++) nb_free(ctx, b.q[i], (size_t)a->n * sizeof(double));
    if (b.q) nb_free(ctx, b.q, most * sizeof *b.q);
    return status;
}
