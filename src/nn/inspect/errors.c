/* Standard errors from the triangle R of the Jacobian, whose columns are brought to length 1:
 * (JᵀJ)⁻¹ = D⁻¹ R⁻¹ R⁻ᵀ D⁻¹. Whether R can be inverted is asked first; where it cannot, the
 * directions in which nothing changes name the parameters. */
#include "nn/inspect/errors.h"

#include "base/memory.h"
#include "kernel/kernel.h"
#include "kernel/lapack.h"
#include "nn/inspect/place.h"
#include "nn/train/batch.h"
#include "nn/train/search/places.h"
#include "nn/train/search/trust.h"
#include "nn/train/segments.h"
#include "nn/train/squares.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 6 }; /* parameters that a message names */

#define ROUNDING 16   /* of as many units in the last place as there are parameters */
#define PART_OF  1e-3 /* how much of a direction is a parameter that it moves */

typedef struct work {
    nb_ctx *ctx;
    nb_net *net;
    nb_places places;
    nb_trust trust;
    double *norm; /* of the Jacobian's columns */
    double sum;   /* Σ r² */
    double least; /* singular values that are below this share of the largest count as 0 */
} work;

/* ---- R --------------------------------------------------------------------------------------- */

static nb_status take(nb_ctx *ctx, void *self, int64_t rows)
{
    work *w = self;
    int64_t width = w->places.count + 1;
    for (int64_t i = 0; i < rows; i++) {
        double r = w->trust.beside[i * width + width - 1];
        w->sum += r * r;
    }
    return nb_trust_add(ctx, &w->trust, rows, w->trust.beside);
}

/* R with columns of length 1; those of zeros stay. */
static nb_status bring_to_one(work *w)
{
    int64_t n = w->places.count, width = n + 1;
    nb_status status = nb_trust_norms(w->ctx, &w->trust, w->norm);
    for (int64_t i = 0; i < n && status == NB_OK; i++) {
        for (int64_t j = i; j < n; j++)
            if (w->norm[j] > 0) w->trust.r[i * width + j] /= w->norm[j];
        status = nb_poll(w->ctx);
    }
    return status;
}

static nb_status look(work *w, const nb_set *set, nb_errors *e)
{
    nb_ctx *ctx = w->ctx;
    const nb_mode mode = {.learning = false};
    const nb_whole whole = {.net = w->net, .set = set, .mode = &mode};
    nb_squares squares;
    nb_status status = nb_squares_of(ctx, &whole, &squares, &e->residuals);
    if (status != NB_OK) return status;
    e->freedom = e->residuals - e->count;
    if (e->freedom < 1)
        return nb_fail(ctx, NB_EARG,
                       "%lld numbers to fit and %lld parameters that learn leave nothing to tell "
                       "errors by; take more examples, or freeze some",
                       (long long)e->residuals, (long long)e->count);
    const nb_row_taker rows = {
        w->places.at, w->places.count, w->trust.beside, w->trust.rows, take, w, NULL};
    status = squares.rows(ctx, squares.self, &rows);
    return status == NB_OK ? bring_to_one(w) : status;
}

/* ---- What is not identified ------------------------------------------------------------------ */

static nb_status name_all(work *w, const bool *loose)
{
    nb_ctx *ctx = w->ctx;
    char text[NB_MESSAGE_MAX] = "", name[NB_PLACE_TEXT];
    int64_t count = 0;
    size_t used = 0;
    for (int64_t j = 0; j < w->places.count; j++) {
        if (!loose[j] || count++ >= NAMED) continue;
        nb_param_text(w->net, w->places.at[j], name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", name);
    }
    if (count > NAMED)
        snprintf(text + used, sizeof text - used, " and %lld more", (long long)(count - NAMED));
    return nb_fail(ctx, NB_EVALUE,
                   "these examples do not determine %s: the outputs stay the same while %s; freeze "
                   "%s, or take fewer neurons",
                   text, count > 1 ? "they change together" : "it changes",
                   count > 1 ? "some of them" : "it");
}

/* The directions whose singular value is as good as 0, and the parameters that they move. */
static nb_status find_loose(work *w, double *a, double *s, double *vt, bool *loose, bool *any)
{
    int64_t n = w->places.count, width = n + 1;
    nb_fault fault;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) a[i * n + j] = j < i ? 0 : w->trust.r[i * width + j];
    nb_status status =
        nb_lapack_svd(w->ctx, (nb_stack){NB_F64, 1, n, n, a}, vt + n * n, s, vt, &fault);
    if (status == NB_EVALUE) return nb_fail(w->ctx, status, "the singular values were not found");
    for (int64_t k = 0; k < n && status == NB_OK; k++) {
        if (s[k] > w->least * s[0]) continue;
        *any = true;
        for (int64_t j = 0; j < n; j++)
            if (fabs(vt[k * n + j]) > PART_OF) loose[j] = true;
    }
    return status;
}

static nb_status check_identified(work *w)
{
    nb_ctx *ctx = w->ctx;
    size_t n = (size_t)w->places.count, bytes = (3 * n * n + n) * sizeof(double);
    double *room = nb_alloc(ctx, bytes);
    bool *loose = room ? nb_alloc_zero(ctx, n, sizeof *loose) : NULL, any = false;
    nb_status status = loose ? NB_OK : ctx->status;
    if (loose) status = find_loose(w, room, room + 3 * n * n, room + n * n, loose, &any);
    if (status == NB_OK && any) status = name_all(w, loose);
    if (loose) nb_free(ctx, loose, n * sizeof *loose);
    nb_free(ctx, room, bytes);
    return status;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* x = R⁻¹, of which only the upper triangle is written. *whole: false where R is singular. */
static nb_status invert(const work *w, double *x, int64_t n, bool *whole)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    int64_t width = n + 1;
    for (int64_t i = n - 1; i >= 0; i--) {
        const double *row = w->trust.r + i * width;
        double *out = x + i * n;
        *whole = fabs(row[i]) > 0;
        if (!*whole) return NB_OK;
        memset(out, 0, (size_t)n * sizeof *out);
        out[i] = 1;
        for (int64_t k = i + 1; k < n; k++)
            real->axpy((size_t)(n - k), -row[k], x + k * n + k, out + k);
        for (int64_t j = i; j < n; j++) out[j] /= row[i];
        if (nb_poll(w->ctx) != NB_OK) return w->ctx->status;
    }
    return NB_OK;
}

/* From R⁻¹ in the covariance's place. Row i of it is needed by the rows up to i alone, so that the
 * product is written over it from above. */
static nb_status fill(work *w, nb_errors *e)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    int64_t n = e->count;
    double *x = nb_tensor_data(e->covariance), *error = nb_tensor_data(e->error);
    double *value = nb_tensor_data(e->value), *row = w->trust.room;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i; j < n; j++)
            row[j] = real->dot((size_t)(n - j), x + i * n + j, 1, x + j * n + j, 1) * e->variance /
                     (w->norm[i] * w->norm[j]);
        memcpy(x + i * n + i, row + i, (size_t)(n - i) * sizeof *x);
        error[i] = sqrt(row[i]);
        value[i] = nb_number_at(w->net->dtype, nb_tensor_data(w->net->values), w->places.at[i]);
        e->place[i] = w->places.at[i];
        if (nb_poll(w->ctx) != NB_OK) return w->ctx->status;
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++) x[i * n + j] = x[j * n + i];
        if (nb_poll(w->ctx) != NB_OK) return w->ctx->status;
    }
    return NB_OK;
}

static double length(const double *x, int64_t n, int64_t width)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += nb_real(NB_F64)->sum_squares((size_t)(n - i), x + i * width + i, 1);
    return sqrt(sum);
}

static nb_status finish(work *w, nb_errors *e)
{
    nb_ctx *ctx = w->ctx;
    int64_t n = e->count;
    const int64_t square[2] = {n, n};
    e->value = nb_tensor_new(ctx, NB_F64, 1, &n);
    e->error = nb_tensor_new(ctx, NB_F64, 1, &n);
    e->covariance = nb_tensor_new(ctx, NB_F64, 2, square);
    e->place = nb_alloc(ctx, (size_t)n * sizeof *e->place);
    if (!e->value || !e->error || !e->covariance || !e->place) return ctx->status;
    double *x = nb_tensor_data(e->covariance);
    bool inverted = false;
    nb_status status = invert(w, x, n, &inverted);
    if (status != NB_OK) return status;
    /* These lengths are at most √n times the largest singular values: who passes is identified. */
    double both = inverted ? length(x, n, n) * length(w->trust.r, n, n + 1) : INFINITY;
    if (!(both < 1 / w->least)) status = check_identified(w);
    e->variance = w->sum / (double)e->freedom;
    return status == NB_OK ? fill(w, e) : status;
}

void nb_errors_free(nb_ctx *ctx, nb_errors *e)
{
    nb_tensor_release(ctx, e->value);
    nb_tensor_release(ctx, e->error);
    nb_tensor_release(ctx, e->covariance);
    nb_free(ctx, e->place, (size_t)e->count * sizeof *e->place);
    *e = (nb_errors){.count = 0};
}

static nb_status find(work *w, const nb_set *set, nb_errors *e)
{
    nb_ctx *ctx = w->ctx;
    double unit = w->net->dtype == NB_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    e->count = w->places.count;
    w->least = ROUNDING * (double)e->count * unit;
    if (e->count == 0) return nb_fail(ctx, NB_EARG, "no parameter learns: all are frozen");
    nb_status status = nb_trust_new(ctx, &w->trust, e->count);
    if (status != NB_OK) return status;
    w->norm = w->trust.scale;
    status = look(w, set, e);
    return status == NB_OK ? finish(w, e) : status;
}

nb_status nb_errors_find(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_errors *e)
{
    work w = {.ctx = ctx, .net = net};
    nb_problem problem = {.dtype = net->dtype, .count = nb_net_count(net)};
    *e = (nb_errors){.count = 0};
    nb_status status = nb_squares_check(ctx, net, "errors");
    if (status == NB_OK) status = nb_net_check_cost(ctx, net);
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    if (status == NB_OK) status = nb_segments_make(ctx, net, &problem);
    if (status == NB_OK) status = nb_places_find(ctx, &problem, &w.places);
    if (status == NB_OK) status = find(&w, set, e);
    nb_trust_free(ctx, &w.trust);
    nb_places_free(ctx, &w.places);
    nb_segments_free(ctx, &problem);
    if (status != NB_OK) nb_errors_free(ctx, e);
    return status;
}
