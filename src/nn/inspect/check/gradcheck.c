/* Backpropagation against central differences, in f64.
 *
 * BP1 and BP2 are checked by moving z of one neuron for one example and going on from there; BP3
 * and BP4 by moving one parameter and going on from the first layer that reads it: what stands
 * before is in the trace, with the same bits. Each side is computed on its own: the
 * gradients by a trace, the differences by plain forward passes without a tape. */
#include "nn/inspect/check/gradcheck.h"

#include "base/clock.h"
#include "nn/inspect/check/alone.h"
#include "nn/inspect/check/differences.h"
#include "nn/net/backprop.h"

#include <math.h>
#include <string.h>

typedef struct checking {
    nb_again again;
    nb_alone alone;   /* its examples, for kinks of theirs that cancel */
    const char *what; /* for who is told how far it is */
    int64_t done, differences;
} checking;

/* A move under way. */
typedef struct moving {
    const nb_again *again;
    const nb_move *move;
} moving;

static nb_status cost_of(void *self, double *cost)
{
    const moving *m = self;
    return nb_again_cost(m->again, m->move, cost);
}

/* A number that a move moves. */
static nb_varied vary(const checking *c, moving *m, double *number)
{
    double cost = c->again.trace.cost;
    return (nb_varied){
        .number = number, .value = cost, .scale = cost, .value_of = cost_of, .self = m};
}

static void tell(checking *c)
{
    nb_tell(c->again.ctx, c->what, c->done++, c->differences);
}

/* Compares one number; remembers the worst. NaN is worse than anything. */
static bool compare(const checking *c, nb_equation *equation, double g, double d)
{
    double error = fabs(g - d), size = fmax(fabs(g), fabs(d));
    double relative = error / fmax(1e-3, size);
    bool first = equation->compared == equation->kinks;
    equation->compared++;
    if (!nb_check_agrees(g, d, c->again.trace.cost)) equation->wrong++;
    if (relative <= equation->worst && !first) return false;
    equation->worst = isnan(relative) ? INFINITY : relative;
    equation->analytic = g;
    equation->numeric = d;
    return true;
}

/* One number's gradient g against its difference; *worst: none was worse so far. at: whose number
 * it is where it is a parameter's, or NULL. */
static nb_status check_number(checking *c, const nb_varied *v, double g, const nb_alone_number *at,
                              nb_equation *equation, bool *worst)
{
    double d = 0;
    bool kink = false;
    tell(c);
    nb_status status = nb_difference_check(v, g, &d, &kink);
    bool wrong = status == NB_OK && !kink && !nb_check_agrees(g, d, v->scale);
    if (wrong && at) status = nb_alone_bends(&c->alone, at, &kink);
    *worst = false;
    if (status != NB_OK) return status;
    equation->compared += kink;
    equation->kinks += kink;
    *worst = !kink && compare(c, equation, g, d);
    return NB_OK;
}

/* ---- The equations ---- */

/* All numbers of a move, `at` … , against the gradients g; where names the place of the worst. */
typedef struct numbers {
    double *at;
    const double *g;
    int64_t count;
    const char *name, *path; /* for the place of the worst */
    int dims;
    const int64_t *shape;
    int place, param; /* of the trace, and of its layer; param -1: it is z that moves */
} numbers;

static nb_status check_numbers(checking *c, const nb_move *move, const numbers *all,
                               nb_equation *equation)
{
    moving m = {&c->again, move};
    for (int64_t i = 0; i < all->count; i++) {
        bool worst;
        const nb_varied v = vary(c, &m, all->at + i);
        const nb_alone_number at = {all->place, all->param, i, all->g[i]};
        const nb_alone_number *own = all->param < 0 ? NULL : &at;
        nb_status status = check_number(c, &v, all->g[i], own, equation, &worst);
        if (status != NB_OK) return status;
        if (worst) nb_place_text(all->name, all->path, all->dims, all->shape, i, equation->where);
    }
    return NB_OK;
}

/* δ of one place against differences in its z. Words take no gradient. */
static nb_status check_delta(checking *c, int p, nb_equation *equation)
{
    nb_ctx *ctx = c->again.ctx;
    const nb_trace_place *place = &c->again.trace.place[p];
    nb_move move;
    if (!nb_dtype_computes(place->z->dtype)) return NB_OK;
    nb_status status = nb_again_move_z(&c->again, p, &move);
    nb_tensor *delta = status == NB_OK ? nb_tensor_contiguous(ctx, place->delta) : NULL;
    if (delta) {
        const numbers all = {.at = nb_tensor_data(move.z),
                             .g = nb_tensor_data(delta),
                             .count = nb_tensor_count(move.z),
                             .name = "delta",
                             .path = place->layer->plan->path,
                             .dims = move.z->dims,
                             .shape = move.z->shape,
                             .param = -1};
        status = check_numbers(c, &move, &all, equation);
    } else {
        status = ctx->status;
    }
    nb_tensor_release(ctx, move.z);
    nb_tensor_release(ctx, delta);
    return status;
}

/* One parameter's gradient. Weights are BP4, biases BP3. */
static nb_status check_param(checking *c, int p, int i, nb_gradcheck *out)
{
    const nb_trace_place *place = &c->again.trace.place[p];
    nb_param *param = &place->layer->plan->param[i];
    const nb_move move = nb_again_move_param(&c->again, place->layer);
    const numbers all = {.at = nb_tensor_data(param->value),
                         .g = nb_tensor_data(place->grad[i]),
                         .count = param->count,
                         .name = param->name,
                         .path = place->layer->plan->path,
                         .dims = param->dims,
                         .shape = param->shape,
                         .place = p,
                         .param = i};
    return check_numbers(c, &move, &all, &out->equation[param->dims > 1 ? 3 : 2]);
}

/* All of a place, unless its layer was looked at where it stands first. */
static nb_status check_params(checking *c, int p, nb_gradcheck *out)
{
    const nb_trace_place *place = &c->again.trace.place[p];
    for (int i = 0; i < p; i++)
        if (c->again.trace.place[i].layer == place->layer) return NB_OK;
    nb_status status = NB_OK;
    for (int i = 0; i < place->layer->plan->params && status == NB_OK; i++)
        status = check_param(c, p, i, out);
    return status;
}

/* Whether δ of place p is that of the network's last z: BP1. */
static bool is_last(const checking *c, int p)
{
    const nb_layer *top = &c->again.net->layer;
    int place = 0;
    for (int i = 0; i < top->children - 1; i++) place += top->child[i]->plan->places;
    const nb_layer *last = top->child[top->children - 1];
    /* A network at the end is what its last layer is. */
    for (; place < p && nb_net_of(last); last = last->child[last->children - 1]) {
        place++;
        for (int i = 0; i < last->children - 1; i++) place += last->child[i]->plan->places;
    }
    return place == p;
}

/* The prices of all gradients at once, and of one pass forward: the quickest of a few, as the first
 * one fills caches. */
static nb_status take_prices(nb_again *again, nb_gradcheck *out)
{
    enum { TIMES = 5 };
    out->backprop_seconds = out->forward_seconds = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        nb_result pass;
        double cost, start = nb_clock();
        nb_status status =
            nb_net_learn(again->ctx, again->net, again->x, again->y, &again->mode, NULL, &cost);
        double between = nb_clock();
        if (status == NB_OK)
            status =
                nb_net_run(again->ctx, again->net, again->x, again->y, &again->mode, NULL, &pass);
        if (status != NB_OK) return status;
        nb_result_free(again->ctx, &pass);
        out->backprop_seconds = fmin(out->backprop_seconds, between - start);
        out->forward_seconds = fmin(out->forward_seconds, nb_clock() - between);
    }
    return NB_OK;
}

/* Rounding is all that may part them. */
static bool agree(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

static nb_status check_mean(const nb_again *again, nb_mean_check *out)
{
    int64_t n = again->x->shape[0];
    double sum = 0, total = 0;
    nb_status status = NB_OK;
    *out = (nb_mean_check){.ok = true};
    if (!nb_alone_can(again)) return NB_OK;
    for (int64_t i = 0; i < n && status == NB_OK; i++) {
        double cost = 0;
        status = nb_alone_cost(again, i, &cost);
        sum += cost * nb_alone_weight(again, i);
        total += nb_alone_weight(again, i);
    }
    out->examples = n;
    out->cost = again->trace.cost;
    out->mean = total > 0 ? sum / total : 0;
    out->ok = agree(out->cost, out->mean);
    out->sums = !out->ok && agree(out->cost, sum);
    return status;
}

static nb_status check_all(checking *c, nb_gradcheck *out)
{
    const nb_trace *trace = &c->again.trace;
    nb_status status = nb_again_trace(&c->again);
    c->what = "checking gradients";
    c->differences = nb_net_count(c->again.net);
    for (int p = 0; p < trace->places && status == NB_OK; p++)
        if (nb_dtype_computes(trace->place[p].z->dtype))
            c->differences += nb_tensor_count(trace->place[p].z);
    for (int p = trace->places - 1; p >= 0 && status == NB_OK; p--)
        status = check_delta(c, p, &out->equation[is_last(c, p) ? 0 : 1]);
    double start = nb_clock();
    for (int p = 0; p < trace->places && status == NB_OK; p++) status = check_params(c, p, out);
    out->taken_seconds = nb_clock() - start;
    out->forwards = 2 * (out->equation[2].compared + out->equation[3].compared);
    return status == NB_OK ? check_mean(&c->again, &out->mean) : status;
}

static bool normalises(const nb_net *net)
{
    for (int i = 0; i < net->parts; i++)
        if (net->part[i]->type->normalises) return true;
    return false;
}

nb_status nb_gradcheck_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                           nb_gradcheck *out)
{
    static const char *const names[4] = {"BP1", "BP2", "BP3", "BP4"};
    checking c = {.done = 0};
    nb_dtype dtype = ctx->dtype;
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    c.alone.all = &c.again;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 4; i++) out->equation[i].name = names[i];
    nb_status status = nb_again_begin(&c.again, ctx, net, x, y, as);
    if (status == NB_OK) out->by_batch = c.again.mode.by_batch = normalises(c.again.net);
    if (status == NB_OK) status = take_prices(&c.again, out);
    if (status == NB_OK) status = check_all(&c, out);
    nb_alone_end(&c.alone);
    for (int i = 0; i < 4; i++) out->blames = out->blames || out->equation[i].wrong > 0;
    if (status == NB_OK && out->blames) status = nb_blame_find(&c.again, &out->blame);
    ctx->dtype = dtype;
    nb_again_end(&c.again);
    out->ok = out->mean.ok && !out->blames;
    return status;
}

nb_tensor *nb_numeric_gradient(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                               const nb_mode *as)
{
    checking c = {.done = 0};
    nb_dtype dtype = ctx->dtype;
    nb_tensor *out = NULL;
    ctx->dtype = NB_F64;
    nb_status status = nb_again_begin(&c.again, ctx, net, x, y, as);
    int64_t count = status == NB_OK ? nb_net_count(c.again.net) : 0;
    c.what = "taking differences";
    c.differences = count;
    nb_tensor *slopes = status == NB_OK ? nb_tensor_new(ctx, NB_F64, 1, &count) : NULL;
    status = slopes ? NB_OK : ctx->status;
    for (int64_t i = 0; i < count && status == NB_OK; i++) {
        const nb_move move = {.x = c.again.x};
        moving m = {&c.again, &move};
        const nb_varied v = vary(&c, &m, (double *)nb_tensor_data(c.again.net->values) + i);
        tell(&c);
        status = nb_difference(&v, (double *)nb_tensor_data(slopes) + i);
    }
    ctx->dtype = dtype;
    if (status == NB_OK) out = nb_tensor_convert(ctx, slopes, net->dtype, 1);
    nb_tensor_release(ctx, slopes);
    nb_again_end(&c.again);
    return out;
}
