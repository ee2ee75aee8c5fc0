/* The spectra of a network's curvature. What is whole is a matrix in f64, filled and handed to
 * LAPACK, first the Hessian with the blocks of its layers, then the Gauss-Newton matrix in the same
 * room; the ends of larger ones are found by products. */
#include "nn/inspect/curvature/curvature.h"

#include "base/arith.h"
#include "base/clock.h"
#include "base/processes/crew.h"
#include "base/memory.h"
#include "kernel/lapack.h"
#include "nn/inspect/curvature/driven.h"
#include "nn/inspect/curvature/gauss.h"
#include "nn/inspect/curvature/lanczos.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The parameters of one layer among the places, first … end - 1. */
typedef struct stretch {
    int64_t first, end;
} stretch;

typedef struct work {
    nb_ctx *ctx;
    nb_net *net; /* a copy in f64 */
    const nb_curvature_options *options;
    nb_probe probe;
    nb_curvature *out;
    stretch *stretch; /* of out->layer */
} work;

/* ---- What it would take -----------------------------------------------------------------------
 */

/* "40 s", "12 minutes", "3 hours" */
static const char *time_text(double seconds, char *out, size_t size)
{
    if (!(seconds >= 90))
        snprintf(out, size, "%.0f s", fmax(1, seconds));
    else if (seconds < 5400)
        snprintf(out, size, "%.0f minutes", seconds / 60);
    else if (seconds < 48 * 3600.0)
        snprintf(out, size, "%.0f hours", seconds / 3600);
    else
        snprintf(out, size, "%.0f days", seconds / 86400);
    return out;
}

#define EIGEN_RATE 5e9 /* operations a second of the eigenvalues' n³, at least */

static nb_status refuse_whole(const work *w, double bytes, double room)
{
    char wanted[NB_SIZE_TEXT_MAX], left[NB_SIZE_TEXT_MAX], time[40], but[80] = "";
    double n = (double)w->out->count;
    double seconds = 2 * n * w->probe.seconds + 4 * n * n * n / EIGEN_RATE;
    if (bytes > room) snprintf(but, sizeof but, " (%s are left)", nb_size_text((size_t)room, left));
    return nb_fail(w->ctx, NB_EMEMORY,
                   "the whole spectrum of %lld parameters would take %s%s and about %s; ask for "
                   "its ends, {top = 10}, or freeze layers until at most %d parameters learn",
                   (long long)w->out->count, nb_size_text((size_t)fmin(bytes, 9e18), wanted), but,
                   time_text(seconds, time, sizeof time), (int)NB_CURVATURE_MOST);
}

static nb_status check_whole(const work *w)
{
    double n = (double)w->out->count, room = nb_memory_room(&w->ctx->memory);
    double bytes = sizeof(double) * n * n * (w->options->matrices ? 3 : 2);
    if (w->out->count <= NB_CURVATURE_MOST && bytes <= room) return NB_OK;
    return refuse_whole(w, bytes, room);
}

static nb_status check_ends(const work *w)
{
    char wanted[NB_SIZE_TEXT_MAX], left[NB_SIZE_TEXT_MAX];
    double room = nb_memory_room(&w->ctx->memory);
    double bytes = nb_lanczos_bytes(w->out->count, nb_least_i64(w->options->top, w->out->count));
    if (bytes <= room) return NB_OK;
    return nb_fail(w->ctx, NB_EMEMORY,
                   "top = %lld of %lld parameters may take %s, and %s are left; ask for fewer, or "
                   "freeze layers",
                   (long long)w->options->top, (long long)w->out->count,
                   nb_size_text((size_t)fmin(bytes, 9e18), wanted),
                   nb_size_text((size_t)room, left));
}

/* ---- Layers -----------------------------------------------------------------------------------
 */

/* The places that lie in a layer's parameters; they follow one another. */
static stretch stretch_of(const nb_places *places, const nb_layer *layer)
{
    stretch s = {0, 0};
    const nb_plan *plan = layer->plan;
    for (int64_t j = 0; j < places->count; j++)
        for (int i = 0; i < plan->params; i++) {
            const nb_param *param = &plan->param[i];
            if (places->at[j] < param->start || places->at[j] >= param->start + param->count)
                continue;
            if (s.end == 0) s.first = j;
            s.end = j + 1;
        }
    return s;
}

static nb_status find_layers(work *w)
{
    nb_curvature *out = w->out;
    size_t parts = (size_t)w->net->parts;
    out->layer = nb_alloc_zero(w->ctx, parts, sizeof *out->layer);
    w->stretch = out->layer ? nb_alloc_zero(w->ctx, parts, sizeof *w->stretch) : NULL;
    if (!w->stretch) return w->ctx->status;
    for (size_t i = 0; i < parts; i++) {
        const nb_layer *layer = w->net->part[i];
        stretch s = stretch_of(&w->probe.places, layer);
        if (s.end == s.first) continue;
        nb_curvature_layer *to = &out->layer[out->layers];
        w->stretch[out->layers++] = s;
        to->count = s.end - s.first;
        snprintf(to->path, sizeof to->path, "%s", nb_net_path(w->net, layer->plan));
        snprintf(to->where, sizeof to->where, "%s", layer->plan->where);
    }
    return NB_OK;
}

/* ---- The whole --------------------------------------------------------------------------------
 */

/* The eigenvalues of a matrix, which is overwritten, falling; rounding in LAPACK moves them too.
 * Its numbers are those of the places with these factors. */
static nb_status solve(nb_ctx *ctx, double *matrix, int64_t n, const double *factor, double error,
                       nb_spectrum *out)
{
    nb_fault fault;
    bool evenly = nb_driven_evenly(factor, n);
    nb_status status = NB_OK;
    if (!evenly) status = nb_driven_matrix(ctx, matrix, n, factor, &out->driven);
    if (status == NB_OK && !(out->values = nb_tensor_new(ctx, NB_F64, 1, &n))) status = ctx->status;
    if (status != NB_OK) return status;
    double *values = nb_tensor_data(out->values);
    status = nb_lapack_eigenvalues(ctx, (nb_stack){NB_F64, 1, n, n, matrix}, values, &fault);
    if (status == NB_EVALUE) return nb_fail(ctx, status, "the eigenvalues were not found");
    for (int64_t i = 0; i < n / 2; i++) {
        double held = values[i];
        values[i] = values[n - 1 - i];
        values[n - 1 - i] = held;
    }
    double size = fmax(fabs(values[0]), fabs(values[n - 1]));
    out->error = hypot(error, (double)n * DBL_EPSILON * size);
    out->settled = true;
    if (evenly) out->driven = factor[0] * values[0];
    return status;
}

/* Those of one layer's block of the Hessian. */
static nb_status solve_block(const work *w, const double *matrix, int layer, double error)
{
    const stretch *s = &w->stretch[layer];
    int64_t n = w->out->count, m = s->end - s->first;
    size_t bytes = (size_t)(m * m) * sizeof(double);
    double *block = nb_alloc(w->ctx, bytes);
    if (!block) return w->ctx->status;
    for (int64_t i = 0; i < m; i++)
        memcpy(block + i * m, matrix + (s->first + i) * n + s->first, (size_t)m * sizeof *block);
    const double *factor = w->probe.places.factor + s->first;
    nb_status status = solve(w->ctx, block, m, factor, error, &w->out->layer[layer].hessian);
    nb_free(w->ctx, block, bytes);
    return status;
}

static nb_status copy_spectrum(nb_ctx *ctx, const nb_spectrum *from, nb_spectrum *to)
{
    *to = *from;
    to->smallest = NULL;
    to->values = nb_tensor_clone(ctx, from->values);
    return to->values ? NB_OK : ctx->status;
}

static nb_status keep_matrix(const work *w, const double *matrix, nb_tensor **to)
{
    int64_t n = w->out->count;
    const int64_t shape[2] = {n, n};
    if (!w->options->matrices) return NB_OK;
    *to = nb_tensor_new(w->ctx, NB_F64, 2, shape);
    if (!*to) return w->ctx->status;
    memcpy(nb_tensor_data(*to), matrix, (size_t)(n * n) * sizeof *matrix);
    return NB_OK;
}

static nb_status whole_hessian(work *w, double *matrix)
{
    nb_curvature *out = w->out;
    nb_status status = nb_hessian(w->ctx, &w->probe, matrix, &out->error);
    double error = hypot(out->error.step, out->error.asymmetry);
    if (status == NB_OK) status = keep_matrix(w, matrix, &out->matrix);
    for (int i = 0; i < out->layers && out->layers > 1 && status == NB_OK; i++) {
        nb_tell(w->ctx, "eigenvalues", i, out->layers + 1);
        status = solve_block(w, matrix, i, error);
    }
    const double *factor = w->probe.places.factor;
    if (status == NB_OK) status = solve(w->ctx, matrix, out->count, factor, error, &out->hessian);
    if (status == NB_OK && out->layers == 1)
        status = copy_spectrum(w->ctx, &out->hessian, &out->layer[0].hessian);
    return status;
}

/* Where the cost cannot be bent at the outputs alone, that is told and no failure. */
static nb_status whole_gauss(work *w, double *matrix)
{
    nb_curvature *out = w->out;
    double error;
    nb_status status = nb_gauss_newton(w->ctx, &w->probe, matrix, &error);
    if (status == NB_EARG || status == NB_EVALUE) {
        snprintf(out->missing, sizeof out->missing, "%s", w->ctx->message);
        return NB_OK;
    }
    if (status == NB_OK) status = keep_matrix(w, matrix, &out->gauss_matrix);
    if (status != NB_OK) return status;
    return solve(w->ctx, matrix, out->count, w->probe.places.factor, error, &out->gauss);
}

static nb_status find_whole(work *w)
{
    nb_status status = check_whole(w);
    if (status != NB_OK) return status;
    size_t n = (size_t)w->out->count, bytes = n * n * sizeof(double);
    double *matrix = nb_crew_block(w->ctx, bytes);
    if (!matrix) return w->ctx->status;
    status = whole_hessian(w, matrix);
    if (status == NB_OK) status = whole_gauss(w, matrix);
    nb_crew_free(w->ctx, matrix, bytes);
    return status;
}

/* ---- The ends ---------------------------------------------------------------------------------
 */

/* The Hessian of a stretch of the parameters. */
typedef struct part {
    nb_probe *probe;
    stretch of;
    double *v, *hv; /* of all */
} part;

static nb_status multiply(nb_ctx *ctx, void *self, const double *v, double *out)
{
    const part *p = self;
    size_t n = (size_t)p->probe->places.count;
    size_t bytes = (size_t)(p->of.end - p->of.first) * sizeof *out;
    memset(p->v, 0, n * sizeof *p->v);
    memcpy(p->v + p->of.first, v, bytes);
    nb_status status = nb_probe_along(ctx, p->probe, (nb_direction){p->v, 0}, 1, p->hv);
    if (status == NB_OK) memcpy(out, p->hv + p->of.first, bytes);
    return status;
}

/* Those of part p from both ends. */
static nb_status lanczos(work *w, part *p, const char *what, nb_spectrum *out, double *asymmetry)
{
    nb_ctx *ctx = w->ctx;
    const nb_operator h = {
        .n = p->of.end - p->of.first, .apply = multiply, .self = p, .what = what};
    int64_t count = nb_least_i64(w->options->top, h.n);
    out->values = nb_tensor_new(ctx, NB_F64, 1, &count);
    out->smallest = out->values ? nb_tensor_new(ctx, NB_F64, 1, &count) : NULL;
    if (!out->smallest) return ctx->status;
    nb_lanczos found = {.count = count,
                        .largest = nb_tensor_data(out->values),
                        .smallest = nb_tensor_data(out->smallest)};
    nb_status status = nb_lanczos_run(ctx, &h, &found);
    out->error = hypot(found.residual, found.asymmetry);
    out->steps = found.steps;
    out->settled = found.settled;
    *asymmetry = found.asymmetry;
    const double *factor = w->probe.places.factor + p->of.first;
    if (status == NB_OK && !nb_driven_evenly(factor, h.n))
        return nb_driven_run(ctx, &h, factor, &out->driven);
    out->driven = factor[0] * found.largest[0];
    return status;
}

/* What twice the step changes of the product with the gradient's own direction, or a random one. */
static nb_status look_twice(work *w, const part *p)
{
    int64_t n = w->out->count;
    nb_probe *probe = &w->probe;
    double *twice = p->hv, *once = p->hv + n, sum = 0;
    for (int64_t j = 0; j < n; j++)
        p->v[j] = w->out->slope > 0 ? probe->slope[j] / w->out->slope : 1 / sqrt((double)n);
    nb_status status = nb_probe_along(w->ctx, probe, (nb_direction){p->v, 0}, 1, once);
    if (status == NB_OK) status = nb_probe_along(w->ctx, probe, (nb_direction){p->v, 0}, 2, twice);
    for (int64_t j = 0; j < n && status == NB_OK; j++)
        sum += (twice[j] - once[j]) * (twice[j] - once[j]);
    w->out->error.step = sqrt(sum);
    return status;
}

static nb_status all_ends(work *w, part *p)
{
    nb_curvature *out = w->out;
    double own;
    nb_status status = look_twice(w, p);
    w->probe.kinks = 0;
    p->of = (stretch){0, out->count};
    if (status == NB_OK)
        status = lanczos(w, p, "the ends of the spectrum", &out->hessian, &out->error.asymmetry);
    out->hessian.error = hypot(out->hessian.error, out->error.step);
    out->error.kinks = w->probe.kinks;
    for (int i = 0; i < out->layers && out->layers > 1 && status == NB_OK; i++) {
        p->of = w->stretch[i];
        status = lanczos(w, p, out->layer[i].where, &out->layer[i].hessian, &own);
        out->layer[i].hessian.error = hypot(out->layer[i].hessian.error, out->error.step);
    }
    if (status != NB_OK || out->layers > 1) return status;
    status = copy_spectrum(w->ctx, &out->hessian, &out->layer[0].hessian);
    if (status == NB_OK)
        out->layer[0].hessian.smallest = nb_tensor_clone(w->ctx, out->hessian.smallest);
    return w->out->layer[0].hessian.smallest ? status : w->ctx->status;
}

static nb_status find_ends(work *w)
{
    nb_status status = check_ends(w);
    if (status != NB_OK) return status;
    size_t n = (size_t)w->out->count;
    double *room = nb_alloc_zero(w->ctx, n, 3 * sizeof *room);
    if (!room) return w->ctx->status;
    part p = {.probe = &w->probe, .v = room, .hv = room + n};
    status = all_ends(w, &p);
    nb_free(w->ctx, room, 3 * n * sizeof *room);
    return status;
}

/* ---- All --------------------------------------------------------------------------------------
 */

static void drop_spectrum(nb_ctx *ctx, nb_spectrum *s)
{
    nb_tensor_release(ctx, s->values);
    nb_tensor_release(ctx, s->smallest);
    *s = (nb_spectrum){.values = NULL};
}

static void free_lists(nb_ctx *ctx, nb_curvature *c, size_t parts)
{
    for (int i = 0; i < c->layers; i++) drop_spectrum(ctx, &c->layer[i].hessian);
    if (c->layer) nb_free(ctx, c->layer, parts * sizeof *c->layer);
    if (c->place) nb_free(ctx, c->place, (size_t)c->count * sizeof *c->place);
}

void nb_curvature_free(nb_ctx *ctx, nb_curvature *c)
{
    drop_spectrum(ctx, &c->hessian);
    drop_spectrum(ctx, &c->gauss);
    nb_tensor_release(ctx, c->matrix);
    nb_tensor_release(ctx, c->gauss_matrix);
    free_lists(ctx, c, (size_t)c->parts);
    *c = (nb_curvature){.count = 0};
}

static bool has_factors(const nb_places *places)
{
    for (int64_t j = 0; j < places->count; j++)
        if (places->factor[j] != 1) return true;
    return false;
}

static void look_at_layers(const nb_net *net, nb_curvature *out)
{
    out->converted = net->dtype == NB_F32;
    for (int i = 0; i < net->parts; i++) {
        out->normalises = out->normalises || net->part[i]->type->normalises;
        out->draws = out->draws || net->part[i]->type->draws;
    }
}

static nb_status begin(work *w, const nb_set *set, const nb_weights *weights)
{
    static const nb_mode evaluating = {.learning = false};
    nb_ctx *ctx = w->ctx;
    nb_curvature *out = w->out;
    const nb_whole whole = {.net = w->net, .set = set, .weights = weights, .mode = &evaluating};
    nb_status status = nb_probe_begin(ctx, &w->probe, &whole);
    if (status != NB_OK) return status;
    const nb_places *places = &w->probe.places;
    out->count = places->count;
    out->factors = has_factors(places);
    out->examples = set->count;
    out->cost = w->probe.cost;
    double square = 0;
    for (int64_t j = 0; j < places->count; j++) square += w->probe.slope[j] * w->probe.slope[j];
    out->slope = sqrt(square);
    out->place = nb_alloc(ctx, (size_t)places->count * sizeof *out->place);
    if (!out->place) return ctx->status;
    memcpy(out->place, places->at, (size_t)places->count * sizeof *out->place);
    return find_layers(w);
}

static nb_status find(work *w, const nb_set *set, const nb_weights *weights)
{
    nb_status status = begin(w, set, weights);
    if (status == NB_OK) status = w->options->top ? find_ends(w) : find_whole(w);
    if (w->stretch) nb_free(w->ctx, w->stretch, (size_t)w->out->parts * sizeof *w->stretch);
    nb_probe_end(w->ctx, &w->probe);
    return status;
}

nb_status nb_curvature_find(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                            const nb_curvature_options *options, nb_curvature *out)
{
    work w = {.ctx = ctx, .options = options, .out = out};
    nb_dtype dtype = ctx->dtype;
    double start = nb_clock();
    *out = (nb_curvature){.parts = net->parts};
    nb_status status = nb_net_check_cost(ctx, net);
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    if (status != NB_OK) return status;
    look_at_layers(net, out);
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    w.net = nb_net_clone(ctx, net, NB_F64);
    status = w.net ? find(&w, set, weights) : ctx->status;
    ctx->dtype = dtype;
    out->seconds = nb_clock() - start;
    nb_net_release(ctx, w.net);
    if (status != NB_OK) nb_curvature_free(ctx, out);
    return status;
}
