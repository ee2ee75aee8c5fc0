/* Central differences of gradients. With steps of 1e-5 what the fourth derivative adds and what
 * rounding takes are about alike, some 1e-10 of the gradient's size. */
#include "nn/inspect/curvature/probe.h"

#include "base/clock.h"
#include "base/memory.h"
#include "kernel/kernel.h"
#include "nn/train/segments.h"

#include <math.h>
#include <string.h>

#define STEP     1e-5
#define FINER    8     /* how many times finer the next step is, where the gradient leaps */
#define FINEST   512   /* and for the quieter side of a kink */
#define LEVELS   14    /* so often at most: down to inputs of 1e12 */
#define QUIET    1e-3  /* what the slopes to both sides may differ by, of their size, unasked */
#define SMALL    1e-2  /* of the steepest slope: a change that tells nothing of the step */
#define AGREE    1e-6  /* what a finer step may change, of the size */
#define LOUD     1e-4  /* of the size: rounding above it hides what finer steps say */
#define ROUNDING 1e-13 /* of a gradient whose size is 1 */

#define HELD_BYTES 67108864.0 /* of examples in f64 */

enum { ABOVE, BELOW, VECTORS };

static double *vector(const nb_probe *probe, int i)
{
    return probe->room + i * probe->places.count;
}

/* ---- Gradients ------------------------------------------------------------------------------- */

static double *values(const nb_probe *probe)
{
    return nb_tensor_data(probe->whole.net->values);
}

/* out += factor times the gradient that was taken last. */
static void take(const nb_probe *probe, double factor, double *out)
{
    const double *from = nb_tensor_data(probe->whole.net->grads);
    for (int64_t j = 0; j < probe->places.count; j++) out[j] += factor * from[probe->places.at[j]];
}

/* The mean over the pieces that are held, by their weights. */
static nb_status gradient_of_held(nb_ctx *ctx, nb_probe *probe, double *out, double *cost)
{
    nb_status status = NB_OK;
    for (int64_t i = 0; i < probe->pieces && status == NB_OK; i++) {
        const nb_portion *piece = &probe->held[i];
        const nb_whole whole = {.net = probe->whole.net,
                                .x = piece->batch.x,
                                .y = piece->batch.y,
                                .lengths = piece->batch.lengths,
                                .each = piece->weights,
                                .mode = probe->whole.mode};
        double own, share = piece->weight / probe->weight;
        if (!(share > 0)) continue;
        status = nb_whole_evaluate(ctx, &whole, &own);
        *cost += share * own;
        if (status == NB_OK) take(probe, share, out);
    }
    return status;
}

/* The gradient at the values as they stand now. */
static nb_status gradient(nb_ctx *ctx, nb_probe *probe, double *out, double *cost)
{
    nb_status status = nb_poll(ctx);
    *cost = 0;
    memset(out, 0, (size_t)probe->places.count * sizeof *out);
    if (status != NB_OK) return status;
    if (probe->held) return gradient_of_held(ctx, probe, out, cost);
    status = nb_whole_evaluate(ctx, &probe->whole, cost);
    if (status == NB_OK) take(probe, 1, out);
    return status;
}

/* Moves by `by` along a direction and tells by how much that was; back where it is 0. */
static double move(const nb_probe *probe, nb_direction direction, double by)
{
    double *to = values(probe);
    const int64_t *at = probe->places.at;
    if (!direction.v) {
        double still = probe->still[direction.at];
        to[at[direction.at]] = still + by * fmax(1, fabs(still));
        return to[at[direction.at]] - still;
    }
    for (int64_t j = 0; j < probe->places.count; j++)
        to[at[j]] = by == 0 ? probe->still[j] : probe->still[j] + by * direction.v[j];
    return by;
}

/* ---- Slopes of the gradient ------------------------------------------------------------------ */

/* What a step found: the largest change a unit of length, and how far the changes to both sides are
 * apart. */
typedef struct found {
    double size, gap;
    bool upper; /* the changes above are the smaller ones */
} found;

/* The changes to both sides of a step, in ABOVE and BELOW. */
static nb_status take_sides(nb_ctx *ctx, nb_probe *probe, nb_direction direction, double step,
                            found *out)
{
    double *above = vector(probe, ABOVE), *below = vector(probe, BELOW), cost, up, down;
    up = move(probe, direction, step);
    nb_status status = gradient(ctx, probe, above, &cost);
    down = -move(probe, direction, -step);
    if (status == NB_OK) status = gradient(ctx, probe, below, &cost);
    move(probe, direction, 0);
    double most_above = 0, most_below = 0;
    *out = (found){.size = 0};
    for (int64_t j = 0; j < probe->places.count && status == NB_OK; j++) {
        above[j] = (above[j] - probe->slope[j]) / up;
        below[j] = (probe->slope[j] - below[j]) / down;
        most_above = fmax(most_above, fabs(above[j]));
        most_below = fmax(most_below, fabs(below[j]));
        out->gap = fmax(out->gap, fabs(above[j] - below[j]));
    }
    out->size = fmin(most_above, most_below);
    out->upper = most_above < most_below;
    return status;
}

/* What rounding makes of the changes in a step. */
static double noise(const nb_probe *probe, double step)
{
    return ROUNDING * probe->size / step;
}

/* Whether a gap is as good as none. */
static bool is_quiet(const nb_probe *probe, const found *f, double step)
{
    return f->gap <= QUIET * f->size + noise(probe, step);
}

/* Whether the gradient hardly changed in a step. Where it did, as with large inputs or at a
 * minimum, the changes to both sides say nothing: about a point where all is even they are equal.
 */
static bool is_small(const nb_probe *probe, const found *f, double step)
{
    return f->size * step <= SMALL * probe->steepest;
}

/* Whether the gap is that of a smooth gradient, which is in proportion to the step. */
static bool shrinks(const found *wide, const found *fine)
{
    double ratio = fine->gap / wide->gap * FINER;
    return ratio > 0.6 && ratio < 1.4;
}

static void mean_of_sides(const nb_probe *probe, double *out)
{
    const double *above = vector(probe, ABOVE), *below = vector(probe, BELOW);
    for (int64_t j = 0; j < probe->places.count; j++) out[j] = (above[j] + below[j]) / 2;
}

/* How far the mean of both sides is from what a wider step gave. */
static double apart_from(const nb_probe *probe, const double *out)
{
    const double *above = vector(probe, ABOVE), *below = vector(probe, BELOW);
    double most = 0;
    for (int64_t j = 0; j < probe->places.count; j++)
        most = fmax(most, fabs((above[j] + below[j]) / 2 - out[j]));
    return most;
}

/* Along a kink, the quieter side. */
static nb_status take_quieter(nb_ctx *ctx, nb_probe *probe, nb_direction direction, double step,
                              double *out)
{
    found f;
    nb_status status = take_sides(ctx, probe, direction, step, &f);
    if (status != NB_OK) return status;
    probe->kinks++;
    memcpy(out, vector(probe, f.upper ? ABOVE : BELOW), (size_t)probe->places.count * sizeof *out);
    return NB_OK;
}

nb_status nb_probe_along(nb_ctx *ctx, nb_probe *probe, nb_direction direction, double wider,
                         double *out)
{
    double step = wider * STEP;
    found wide, fine;
    nb_status status = take_sides(ctx, probe, direction, step, &wide);
    if (status != NB_OK) return status;
    mean_of_sides(probe, out);
    if (is_quiet(probe, &wide, step) && is_small(probe, &wide, step)) return NB_OK;
    for (int level = 0; level < LEVELS; level++) {
        bool quiet = is_quiet(probe, &wide, step);
        step /= FINER;
        status = take_sides(ctx, probe, direction, step, &fine);
        if (status != NB_OK) return status;
        if (!(noise(probe, step) <= LOUD * fine.size)) {
            if (quiet) return NB_OK; /* finer steps tell nothing */
            break;
        }
        double apart = apart_from(probe, out), unseen = noise(probe, step);
        bool near = apart <= AGREE * fine.size + unseen;
        bool done = near && (is_quiet(probe, &fine, step) || shrinks(&wide, &fine));
        if (done && apart <= unseen) return NB_OK;
        mean_of_sides(probe, out);
        if (done) return NB_OK;
        wide = fine;
    }
    return take_quieter(ctx, probe, direction, wider * STEP / FINEST, out);
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

static nb_status keep(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, void *self)
{
    nb_probe *probe = self;
    nb_portion *to = &probe->held[probe->pieces++];
    (void)ctx;
    (void)whole;
    *to = *piece;
    nb_tensor *const all[] = {to->batch.x, to->batch.y, to->batch.lengths, to->weights};
    for (int i = 0; i < 4; i++)
        if (all[i]) nb_tensor_retain(all[i]);
    probe->weight += piece->weight;
    return NB_OK;
}

static int64_t pieces_of(const nb_whole *whole)
{
    int64_t size = nb_whole_size(whole);
    return (nb_whole_count(whole) + size - 1) / size;
}

/* Gathers all examples once, where they are not too many. */
static nb_status hold(nb_ctx *ctx, nb_probe *probe)
{
    const nb_whole *whole = &probe->whole;
    const nb_set *set = whole->set;
    double numbers = (double)nb_feed_width(set->x) + (double)nb_form_count(nb_net_out(whole->net));
    if (!(numbers * (double)set->count * sizeof(double) <= HELD_BYTES)) return NB_OK;
    probe->held = nb_alloc_zero(ctx, (size_t)pieces_of(whole), sizeof *probe->held);
    return probe->held ? nb_whole_each(ctx, whole, keep, probe) : ctx->status;
}

static void let_go(nb_ctx *ctx, nb_probe *probe)
{
    if (!probe->held) return;
    for (int64_t i = 0; i < probe->pieces; i++) nb_portion_free(ctx, &probe->held[i]);
    nb_free(ctx, probe->held, (size_t)pieces_of(&probe->whole) * sizeof *probe->held);
}

static nb_status find_places(nb_ctx *ctx, nb_probe *probe)
{
    const nb_net *net = probe->whole.net;
    nb_problem problem = {.dtype = net->dtype, .count = nb_net_count(net)};
    nb_status status = nb_segments_make(ctx, net, &problem);
    if (status == NB_OK) status = nb_places_find(ctx, &problem, &probe->places);
    nb_segments_free(ctx, &problem);
    if (status == NB_OK && probe->places.count == 0)
        status = nb_fail(ctx, NB_EARG, "no parameter learns: all are frozen or masked");
    return status;
}

nb_status nb_probe_begin(nb_ctx *ctx, nb_probe *probe, const nb_whole *whole)
{
    probe->whole = *whole;
    nb_status status = find_places(ctx, probe);
    if (status == NB_OK) status = hold(ctx, probe);
    if (status != NB_OK) return status;
    size_t n = (size_t)probe->places.count;
    double *room = nb_alloc_zero(ctx, n, (VECTORS + 2) * sizeof *room);
    if (!room) return ctx->status;
    probe->room = room;
    probe->still = room + VECTORS * n;
    probe->slope = probe->still + n;
    for (size_t j = 0; j < n; j++) probe->still[j] = values(probe)[probe->places.at[j]];
    double start = nb_clock();
    status = gradient(ctx, probe, probe->slope, &probe->cost);
    probe->seconds = nb_clock() - start;
    probe->size = fmax(1, fabs(probe->cost));
    for (size_t j = 0; j < n; j++) probe->steepest = fmax(probe->steepest, fabs(probe->slope[j]));
    probe->size = fmax(probe->size, probe->steepest);
    return status;
}

void nb_probe_end(nb_ctx *ctx, nb_probe *probe)
{
    size_t n = (size_t)probe->places.count;
    nb_free(ctx, probe->room, n * (VECTORS + 2) * sizeof *probe->room);
    let_go(ctx, probe);
    nb_places_free(ctx, &probe->places);
    *probe = (nb_probe){.kinks = 0};
}
