/* Sums by ops over the rows of one piece, added up in f64. */
#include "nn/inspect/why/factors.h"

#include "base/arith.h"
#include "base/memory.h"
#include "grad/held.h"
#include "kernel/kernel.h"

#include <math.h>

const char *const nb_factor_names[NB_FACTOR_ALL] = {"inputs",      "demand",    "slope",
                                                    "coincidence", "agreement", "size"};

enum { VECTORS = 7 }; /* of a number for each neuron */

/* ---- The sums -------------------------------------------------------------------------------- */

static size_t numbers_of(const nb_tally *t)
{
    int64_t matrices = t->weights ? 3 : 1;
    return (size_t)(t->count * (VECTORS + matrices * t->family.inputs));
}

nb_status nb_tally_begin(nb_ctx *ctx, nb_tally *t, nb_neurons family, int64_t only, bool weights)
{
    *t = (nb_tally){.family = family, .only = only, .weights = weights};
    t->count = only < 0 ? family.count : 1;
    t->numbers = nb_alloc_zero(ctx, numbers_of(t), sizeof *t->numbers);
    if (!t->numbers) return ctx->status;
    double **const vectors[VECTORS] = {&t->a, &t->d, &t->s, &t->t, &t->z, &t->low, &t->none};
    double *at = t->numbers;
    for (int i = 0; i < VECTORS; i++, at += t->count) *vectors[i] = at;
    t->sum = at;
    t->a_each = weights ? at + t->count * family.inputs : NULL;
    t->t_each = weights ? at + 2 * t->count * family.inputs : NULL;
    return NB_OK;
}

void nb_tally_free(nb_ctx *ctx, nb_tally *t)
{
    if (t->numbers) nb_free(ctx, t->numbers, numbers_of(t) * sizeof *t->numbers);
    *t = (nb_tally){.count = 0};
}

/* ---- Adding ---------------------------------------------------------------------------------- */

typedef struct adding {
    nb_ctx *ctx;
    nb_tally *tally;
    nb_held held;
    nb_tensor *t;     /* d s (rows, count) */
    nb_tensor *sizes; /* |d s| */
    nb_tensor *norms; /* Σ a² (rows, 1), or (rows, count) where neurons see their own */
    nb_status status;
} adding;

/* Adds the columns of values (1 or `count` of them, broadcast) to a vector of the tally. */
static void add_vector(adding *at, nb_tensor *values, double *to)
{
    nb_tensor *sum = nb_held_sum(&at->held, values, 0);
    nb_tensor *whole = sum ? nb_hold(&at->held, nb_tensor_convert(at->ctx, sum, NB_F64, 1)) : NULL;
    whole = whole ? nb_hold(&at->held, nb_tensor_contiguous(at->ctx, whole)) : NULL;
    if (!whole) {
        at->status = at->ctx->status;
        return;
    }
    const double *from = nb_tensor_data(whole);
    int64_t width = whole->shape[1];
    for (int64_t i = 0; i < at->tally->count; i++) to[i] += from[width > 1 ? i : 0];
}

/* Adds leftᵀ right, (count or 1, m), to columns first … of a matrix of the tally. */
static void add_product(adding *at, nb_tensor *left, nb_tensor *right, int64_t first, double *to)
{
    nb_held *h = &at->held;
    nb_tensor *product = nb_held2(h, NB_OP_matmul, nb_held_turn(h, left), right);
    nb_tensor *whole = product ? nb_hold(h, nb_tensor_contiguous(at->ctx, product)) : NULL;
    if (!whole) {
        at->status = at->ctx->status;
        return;
    }
    int64_t m = whole->shape[1], inputs = at->tally->family.inputs;
    for (int64_t i = 0; i < at->tally->count; i++)
        nb_real(NB_F64)->axpy(
            (size_t)m, 1, (const double *)nb_tensor_data(whole) + (whole->shape[0] > 1 ? i * m : 0),
            to + i * inputs + first);
}

/* The column of the one neuron. */
static nb_tensor *column(adding *at, nb_tensor *t)
{
    const nb_tally *tally = at->tally;
    if (!t || tally->only < 0) return t;
    return nb_held_narrow(&at->held, t, 1, tally->only, 1);
}

/* Σ a² of every row. */
static void add_norms(adding *at, nb_tensor *in, nb_tensor *by)
{
    nb_held *h = &at->held;
    nb_tensor *length = nb_held_norm(h, in, 1), *squares = nb_held2(h, NB_OP_mul, length, length);
    if (by) squares = nb_held2(h, NB_OP_mul, squares, nb_held2(h, NB_OP_mul, by, by));
    at->norms = at->norms ? nb_held2(h, NB_OP_add, at->norms, squares) : squares;
    if (!at->norms) at->status = at->ctx->status;
}

/* Σ t of every weight, and where they are asked alone Σ a² and Σ |t|. */
static void add_weights(adding *at, nb_tensor *in, nb_tensor *by, int64_t first)
{
    nb_held *h = &at->held;
    nb_tally *tally = at->tally;
    add_product(at, by ? nb_held2(h, NB_OP_mul, at->t, by) : at->t, in, first, tally->sum);
    if (!tally->weights) return;
    nb_tensor *size = nb_held1(h, NB_OP_abs, in), *squares = nb_held2(h, NB_OP_mul, in, in);
    nb_tensor *sizes = at->sizes, *factor = by ? nb_held2(h, NB_OP_mul, by, by) : NULL;
    if (by) sizes = nb_held2(h, NB_OP_mul, sizes, nb_held1(h, NB_OP_abs, by));
    if (!by) factor = nb_held_number(h, NB_OP_add, nb_held_number(h, NB_OP_mul, at->sizes, 0), 1);
    add_product(at, factor, squares, first, tally->a_each);
    add_product(at, sizes, size, first, tally->t_each);
}

static void add_slopes(adding *at, nb_tensor *s, int64_t rows)
{
    nb_held *h = &at->held;
    nb_tally *tally = at->tally;
    if (!s) {
        for (int64_t i = 0; i < tally->count; i++) tally->s[i] += (double)rows;
        return;
    }
    nb_tensor *size = nb_held1(h, NB_OP_abs, s);
    add_vector(at, nb_held2(h, NB_OP_mul, s, s), tally->s);
    add_vector(at, nb_held_number(h, NB_OP_lt, size, NB_SATURATED), tally->low);
    add_vector(at, nb_held_number(h, NB_OP_eq, size, 0), tally->none);
}

static void add_all(adding *at, const nb_terms *terms, double scale)
{
    nb_held *h = &at->held;
    nb_tally *tally = at->tally;
    nb_tensor *s = column(at, terms->s), *by[2] = {column(at, terms->by[0]), NULL};
    nb_tensor *d = nb_held_number(h, NB_OP_mul, column(at, terms->d), scale);
    by[1] = column(at, terms->by[1]);
    at->t = s ? nb_held2(h, NB_OP_mul, d, s) : d;
    at->sizes = nb_held1(h, NB_OP_abs, at->t);
    int64_t rows = terms->d->shape[0], first = 0;
    for (int i = 0; i < 2 && terms->in[i]; first += terms->in[i]->shape[1], i++) {
        add_norms(at, terms->in[i], by[i]);
        add_weights(at, terms->in[i], by[i], first);
    }
    add_vector(at, at->norms, tally->a);
    add_vector(at, nb_held2(h, NB_OP_mul, d, d), tally->d);
    add_slopes(at, s, rows);
    nb_tensor *lengths = nb_held1(h, NB_OP_sqrt, at->norms);
    add_vector(at, nb_held2(h, NB_OP_mul, at->sizes, lengths), tally->t);
    if (terms->own) add_vector(at, column(at, terms->z), tally->z);
    tally->terms += (double)rows;
    tally->own += terms->own ? (double)rows : 0;
}

nb_status nb_tally_add(nb_ctx *ctx, nb_tally *tally, const nb_terms *terms, double scale)
{
    adding at = {.ctx = ctx, .tally = tally, .held.ctx = ctx};
    add_all(&at, terms, scale);
    nb_held_free(&at.held);
    return at.status;
}

/* ---- The factors ----------------------------------------------------------------------------- */

/* a / b, 1 where there is nothing to compare. */
static double share(double a, double b)
{
    return b == 0 ? 1 : a / b;
}

void nb_factors_of(const nb_tally *tally, const nb_counts *counts, int64_t at, int64_t j,
                   double out[NB_FACTOR_ALL])
{
    int64_t inputs = tally->family.inputs;
    const double *sum = tally->sum + at * inputs;
    double n = tally->terms > 0 ? tally->terms : 1, scale = counts->scale;
    double a = j < 0 ? tally->a[at] : tally->a_each[at * inputs + j];
    double t = j < 0 ? tally->t[at] : tally->t_each[at * inputs + j];
    double whole =
        j < 0 ? sqrt(nb_real(NB_F64)->sum_squares((size_t)inputs, sum, 1)) : fabs(sum[j]);
    out[NB_FACTOR_INPUTS] = sqrt(a / n);
    out[NB_FACTOR_DEMAND] = scale * sqrt(tally->d[at] / n);
    out[NB_FACTOR_SLOPE] = sqrt(tally->s[at] / n);
    out[NB_FACTOR_COINCIDENCE] = share(scale * t / n, out[0] * out[1] * out[2]);
    out[NB_FACTOR_AGREEMENT] = share(whole, t);
    out[NB_FACTOR_SIZE] = scale * whole / counts->examples;
}
