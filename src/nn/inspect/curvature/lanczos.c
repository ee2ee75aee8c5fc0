/* Lanczos' method (1950): an orthonormal basis q_1, q_2, … of A's powers on a random vector, in
 * which A is tridiagonal. All of the basis is kept, and every product made orthogonal to all of it,
 * twice: what that finds beside the tridiagonal is how far A is from symmetric.
 *
 * From one vector an eigenvalue shows once, whatever its copies. So what a round found is locked,
 * and the next begins at random in what is orthogonal to it, until one brings nothing more. */
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

/* An eigenvector that was found, of length 1. */
typedef struct locked {
    double value, residual;
    double *v;
} locked;

/* What was found at one end, times `sign` falling: at the lower end values count negative. */
typedef struct end {
    double sign;
    locked *list;
    int64_t count;
} end;

typedef struct basis {
    nb_ctx *ctx;
    const nb_operator *a;
    int64_t wanted;      /* at each end */
    end end[2];          /* the upper, the lower */
    int64_t most, count; /* vectors */
    double **q;
    double *alpha, *beta; /* the diagonal, and what stands beside it behind each */
    double *w, *with;     /* a product, and what it has of each vector */
    double size;          /* of A: the largest that was met */
    double asymmetry;
    double coupling;     /* what A may have between the locked and the others: their residuals */
    double residual;     /* of this round */
    double known;        /* the largest locked, without its sign */
    bool settled, whole; /* this round; it left nothing out */
    int64_t steps;       /* of all rounds */
    nb_stream chance;
} basis;

static int64_t steps_most(int64_t n, int64_t count)
{
    return nb_least_i64(n, STEPS_LEAST + STEPS_EACH * count);
}

double nb_lanczos_bytes(int64_t n, int64_t count)
{
    double most = (double)steps_most(n, count);
    return sizeof(double) * ((most + 1 + 2 * (double)count) * (double)n + 4 * most * most);
}

/* ---- The basis ------------------------------------------------------------------------------- */

static double length(const basis *b, const double *v)
{
    return sqrt(nb_real(NB_F64)->sum_squares((size_t)b->a->n, v, 1));
}

/* Takes what w has of what is locked out of it. */
static void leave_locked(basis *b)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    size_t n = (size_t)b->a->n;
    for (int e = 0; e < 2; e++)
        for (int64_t i = 0; i < b->end[e].count; i++) {
            const double *v = b->end[e].list[i].v;
            real->axpy(n, -real->dot(n, v, 1, b->w, 1), v, b->w);
        }
}

/* Takes what w has of all the basis out of it, twice, and adds it up in `with`. */
static void make_orthogonal(basis *b)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    size_t n = (size_t)b->a->n;
    memset(b->with, 0, (size_t)b->most * sizeof *b->with);
    for (int times = 0; times < 2; times++) {
        leave_locked(b);
        for (int64_t i = 0; i < b->count; i++) {
            double part = real->dot(n, b->q[i], 1, b->w, 1);
            b->with[i] += part;
            real->axpy(n, -part, b->q[i], b->w);
        }
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

/* Pair i from one end of the m that were found. */
typedef struct pair {
    double value, residual;
    const double *v; /* in the basis */
} pair;

static pair pair_at(const basis *b, const end *e, int64_t m, const double *room, int64_t i)
{
    int64_t k = e->sign > 0 ? m - 1 - i : i;
    const double *v = room + m + k * m;
    return (pair){room[k], b->beta[m - 1] * fabs(v[m - 1]), v};
}

/* The pair as an eigenvector of A, in its place; the last falls out where there are enough. */
static nb_status lock(basis *b, end *e, int64_t m, const pair *of)
{
    size_t n = (size_t)b->a->n, bytes = n * sizeof(double);
    bool full = e->count == b->wanted;
    double *v = full ? e->list[e->count - 1].v : nb_alloc(b->ctx, bytes);
    if (!v) return b->ctx->status;
    memset(v, 0, bytes);
    for (int64_t i = 0; i < m; i++) nb_real(NB_F64)->axpy(n, of->v[i], b->q[i], v);
    int64_t at = full ? e->count - 1 : e->count++;
    for (; at > 0 && e->sign * e->list[at - 1].value < e->sign * of->value; at--)
        e->list[at] = e->list[at - 1];
    e->list[at] = (locked){of->value, hypot(of->residual, b->coupling), v};
    return NB_OK;
}

/* Whether a value belongs among those of an end: further out than the last by more than they are
 * told apart. */
static bool is_news(const basis *b, const end *e, double value, double near)
{
    if (e->count < b->wanted) return true;
    return e->sign * (value - e->list[e->count - 1].value) > near;
}

/* How many of the m found belong to an end. They, and the first in any case, must be near. */
static int64_t news(basis *b, const end *e, int64_t m, const double *room)
{
    int64_t most = nb_least_i64(m, b->wanted), i = 0;
    double near = NB_LANCZOS_NEAR * b->size;
    for (; i < most; i++) {
        pair p = pair_at(b, e, m, room, i);
        bool belongs = is_news(b, e, p.value, near);
        if (belongs || i == 0) b->residual = fmax(b->residual, p.residual);
        if (!belongs) break;
    }
    return i;
}

static nb_status lock_news(basis *b, int64_t m, const double *room, const int64_t *count)
{
    nb_status status = NB_OK;
    for (int e = 0; e < 2; e++)
        for (int64_t i = 0; i < count[e] && status == NB_OK; i++) {
            pair p = pair_at(b, &b->end[e], m, room, i);
            if (is_news(b, &b->end[e], p.value, 0)) status = lock(b, &b->end[e], m, &p);
        }
    return status;
}

/* Looks at the ends after m steps: whether the round has settled, and then, or where it is the last
 * look, what it brings. */
static nb_status look(basis *b, int64_t m, bool last)
{
    size_t bytes = (size_t)(m * (m + 1)) * sizeof(double);
    double *room = nb_alloc(b->ctx, bytes);
    if (!room) return b->ctx->status;
    nb_status status = solve(b, m, room);
    b->residual = 0;
    if (status == NB_OK) {
        int64_t count[2];
        for (int e = 0; e < 2; e++) count[e] = news(b, &b->end[e], m, room);
        b->settled =
            b->residual <= NB_LANCZOS_NEAR * fmax(fabs(room[0]), fmax(fabs(room[m - 1]), b->known));
        b->whole = b->whole || count[0] + count[1] == 0;
        if (b->settled || last) status = lock_news(b, m, room, count);
    }
    nb_free(b->ctx, room, bytes);
    return status;
}

static void drop_basis(basis *b)
{
    for (int64_t i = 0; i < b->count; i++)
        nb_free(b->ctx, b->q[i], (size_t)b->a->n * sizeof(double));
    b->count = 0;
}

/* One round, orthogonal to what is locked. */
static nb_status iterate(basis *b, int64_t left)
{
    b->most = nb_least_i64(left, steps_most(b->a->n, b->wanted));
    b->settled = b->whole = false;
    int64_t next = nb_least_i64(b->most, LOOK_FIRST + 2 * b->wanted);
    nb_status status = begin_anew(b);
    for (int64_t m = 1; m <= b->most && status == NB_OK && !b->settled; m++) {
        nb_tell(b->ctx, b->a->what, m - 1, b->most);
        status = step(b);
        b->steps++;
        if (status != NB_OK || m < next) continue;
        b->whole = m == left;
        status = look(b, m, m == b->most);
        next = nb_least_i64(b->most, m + m / 4);
    }
    drop_basis(b);
    return status;
}

/* The locked, as the residuals of a round's begin from. */
static void measure(basis *b)
{
    double sum = 0;
    for (int e = 0; e < 2; e++)
        for (int64_t i = 0; i < b->end[e].count; i++)
            sum += b->end[e].list[i].residual * b->end[e].list[i].residual;
    b->coupling = sqrt(sum);
    b->known = fmax(fabs(b->end[0].list[0].value), fabs(b->end[1].list[0].value));
}

static nb_status all_rounds(basis *b)
{
    int64_t left = b->a->n;
    /* Every round brings one at least, or is the last: more are none of a symmetric A. */
    for (int64_t round = 0; round < 2 * b->wanted + 2 && left > 0; round++) {
        nb_status status = iterate(b, left);
        if (status != NB_OK) return status;
        measure(b);
        if (!b->settled || b->whole) return NB_OK;
        left = b->a->n - b->end[0].count - b->end[1].count;
    }
    b->settled = left <= 0;
    return NB_OK;
}

static void tell_ends(const basis *b, nb_lanczos *out)
{
    out->residual = b->residual;
    for (int64_t i = 0; i < b->wanted; i++) {
        out->largest[i] = b->end[0].list[i].value;
        out->smallest[i] = b->end[1].list[i].value;
        for (int e = 0; e < 2; e++) out->residual = fmax(out->residual, b->end[e].list[i].residual);
    }
    out->steps = b->steps;
    out->asymmetry = b->asymmetry;
    out->settled = b->settled;
}

static nb_status begin(basis *b)
{
    size_t most = (size_t)steps_most(b->a->n, b->wanted);
    b->q = nb_alloc_zero(b->ctx, most, sizeof *b->q);
    b->alpha = b->q ? nb_alloc(b->ctx, (3 * most + (size_t)b->a->n) * sizeof(double)) : NULL;
    if (!b->alpha) return b->ctx->status;
    b->beta = b->alpha + most;
    b->with = b->beta + most;
    b->w = b->with + most;
    b->end[0] = (end){.sign = 1};
    b->end[1] = (end){.sign = -1};
    for (int e = 0; e < 2; e++) {
        b->end[e].list = nb_alloc_zero(b->ctx, (size_t)b->wanted, sizeof *b->end[e].list);
        if (!b->end[e].list) return b->ctx->status;
    }
    return NB_OK;
}

static void finish(basis *b)
{
    size_t most = (size_t)steps_most(b->a->n, b->wanted), n = (size_t)b->a->n;
    for (int e = 0; e < 2; e++) {
        for (int64_t i = 0; i < b->end[e].count; i++)
            nb_free(b->ctx, b->end[e].list[i].v, n * sizeof(double));
        if (b->end[e].list)
            nb_free(b->ctx, b->end[e].list, (size_t)b->wanted * sizeof *b->end[e].list);
    }
    if (b->alpha) nb_free(b->ctx, b->alpha, (3 * most + n) * sizeof(double));
    if (b->q) nb_free(b->ctx, b->q, most * sizeof *b->q);
}

nb_status nb_lanczos_run(nb_ctx *ctx, const nb_operator *a, nb_lanczos *out)
{
    basis b = {.ctx = ctx, .a = a, .wanted = out->count};
    b.chance = nb_stream_make(1, NB_FOR_LANCZOS, (uint64_t)a->n);
    nb_status status = begin(&b);
    if (status == NB_OK) status = all_rounds(&b);
    if (status == NB_OK) tell_ends(&b, out);
    finish(&b);
    return status;
}
