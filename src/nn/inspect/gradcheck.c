/* Backpropagation against central differences, in f64.
 *
 * BP1 and BP2 are checked by moving z of one neuron for one example and going on from there; BP3
 * and BP4 by moving one parameter and going on from the first layer that reads it: what stands
 * before is in the trace, with the same bits. Each side is computed on its own: the
 * gradients by a trace, the differences by plain forward passes without a tape. */
#include "nn/inspect/gradcheck.h"

#include "base/clock.h"
#include "nn/inspect/trace.h"

#include <math.h>
#include <string.h>

typedef struct checking {
    nb_ctx *ctx;
    nb_net *net;      /* in f64 */
    nb_tensor *x, *y; /* in f64; x may be words, y class numbers */
    nb_mode mode;     /* of all passes: norms take the batch's figures, as while learning */
    nb_trace trace;
    const char *what; /* for who is told how far it is */
    int64_t done, differences;
} checking;

/* One number of z that is moved: at which place of the network, and to what. */
typedef struct moved {
    int place;
    nb_tensor *z;
} moved;

/* Puts the moved z where the pass has made its own. */
static nb_status put_z(nb_walk *walk, void *self, nb_layer *layer, nb_tensor **z)
{
    moved *at = self;
    (void)layer;
    if (walk->place != at->place) return NB_OK;
    nb_tensor_release(walk->ctx, *z);
    *z = nb_tensor_retain(at->z);
    return NB_OK;
}

/* What moves for a difference, and where the pass begins that feels it. */
typedef struct moving {
    double *number;
    int first;     /* layer of the network whose input stands before that */
    nb_tensor *x;  /* that input; NULL: `first` follows place at.place, whose a it is */
    moved at;      /* z NULL: a parameter moves */
    nb_layer *own; /* whose z moves, where x is NULL */
} moving;

/* a of the moved z, off the tape: what the layers behind it read. */
static nb_tensor *moved_output(checking *c, const moving *m)
{
    const nb_plan *plan = m->own->plan;
    if (!plan->runs) return nb_tensor_retain(m->at.z);
    return nb_runs_apply_in(c->ctx, plan->runs, plan->where, m->at.z);
}

static nb_status cost_of(checking *c, moving *m, double *cost)
{
    const nb_observer observer = {.z = put_z, .self = &m->at};
    nb_mode mode = c->mode;
    nb_result pass;
    bool inside = m->at.z && m->x; /* z is put where its pass has made its own */
    nb_tensor *x = m->x ? nb_tensor_retain(m->x) : moved_output(c, m);
    if (!x) return c->ctx->status;
    mode.first = m->first;
    nb_status status = nb_net_run(c->ctx, c->net, x, c->y, &mode, inside ? &observer : NULL, &pass);
    nb_tensor_release(c->ctx, x);
    if (status != NB_OK) return status;
    *cost = nb_tensor_item(pass.cost);
    nb_result_free(c->ctx, &pass);
    return NB_OK;
}

/* Slopes of C to both sides of a number, and between them. */
typedef struct sides {
    double above, below, central;
} sides;

/* With steps of `h` times max(1, |value|). The number is put back. */
static nb_status take_slopes(checking *c, moving *m, double h, sides *out)
{
    double value = *m->number, step = h * fmax(1, fabs(value)), above = 0, below = 0;
    *m->number = value + step;
    nb_status status = cost_of(c, m, &above);
    *m->number = value - step;
    if (status == NB_OK) status = cost_of(c, m, &below);
    *m->number = value;
    out->above = (above - c->trace.cost) / step;
    out->below = (c->trace.cost - below) / step;
    out->central = (above - below) / (2 * step);
    return status;
}

static nb_status difference(checking *c, moving *m, sides *out)
{
    nb_tell(c->ctx, c->what, c->done++, c->differences);
    return take_slopes(c, m, NB_CHECK_STEP, out);
}

#define ROUGHNESS 2e-8 /* a gap of which rounding, in the finest step, hides no third */

/* How far the slopes to both sides are apart. */
static double gap_of(const sides *s)
{
    return fabs(s->above - s->below);
}

/* Whether the gap of a step `finer` times as small is another than a smooth curve's, which is as
 * many times as small. */
static bool bends(double gap, double smaller, double finer)
{
    double ratio = smaller / gap * finer;
    return !(ratio > 0.6 && ratio < 1.4);
}

/* Whether C bends at the number or beside it, within the step, where g disagrees with the central
 * difference. Along a smooth curve the slopes to both sides come together in proportion to the
 * step; a bend holds them apart, or is no longer seen. g is right anywhere between the slopes that
 * the finest step finds. */
static nb_status look_for_kink(checking *c, moving *m, double g, const sides *wide, bool *kink)
{
    enum { FINER = 2, FINEST = 8 };
    sides finer, finest;
    double gap = gap_of(wide), value = c->trace.cost;
    *kink = false;
    if (!(gap > ROUGHNESS * (1 + fabs(value)))) return NB_OK;
    nb_status status = take_slopes(c, m, NB_CHECK_STEP / FINER, &finer);
    if (status == NB_OK) status = take_slopes(c, m, NB_CHECK_STEP / FINEST, &finest);
    if (status != NB_OK) return status;
    double low = fmin(finest.above, finest.below), high = fmax(finest.above, finest.below);
    bool between = (g >= low && g <= high) || nb_check_agrees(g, low, value) ||
                   nb_check_agrees(g, high, value);
    *kink = between && (bends(gap, gap_of(&finer), FINER) || bends(gap, gap_of(&finest), FINEST));
    return NB_OK;
}

/* Compares one number; remembers the worst. NaN is worse than anything. */
static bool compare(const checking *c, nb_equation *equation, double g, double d)
{
    double error = fabs(g - d), size = fmax(fabs(g), fabs(d));
    double relative = error / fmax(1e-3, size);
    bool first = equation->compared == equation->kinks;
    equation->compared++;
    if (!nb_check_agrees(g, d, c->trace.cost)) equation->wrong++;
    if (relative <= equation->worst && !first) return false;
    equation->worst = isnan(relative) ? INFINITY : relative;
    equation->analytic = g;
    equation->numeric = d;
    return true;
}

/* One number's gradient g against its difference; *worst: none was worse so far. */
static nb_status check_number(checking *c, moving *m, double g, nb_equation *equation, bool *worst)
{
    sides s;
    bool kink = false;
    nb_status status = difference(c, m, &s);
    *worst = false;
    if (status == NB_OK && !nb_check_agrees(g, s.central, c->trace.cost))
        status = look_for_kink(c, m, g, &s, &kink);
    if (status != NB_OK) return status;
    equation->compared += kink;
    equation->kinks += kink;
    *worst = !kink && compare(c, equation, g, s.central);
    return NB_OK;
}

/* ---- Where a pass begins ---- */

/* The network's layer that place p is in, *at: that layer's own place. */
static int layer_of(const checking *c, int p, int *at)
{
    const nb_layer *top = &c->net->layer;
    int l = 0;
    *at = 0;
    while (l < top->children - 1 && p >= *at + top->child[l]->plan->places)
        *at += top->child[l++]->plan->places;
    return l;
}

/* What a pass from layer l on begins with. Padded sequences begin anew: lengths are bound on the
 * way. */
static void begin_at(const checking *c, int l, moving *m)
{
    int place = 0;
    m->first = c->mode.lengths ? 0 : l;
    for (int i = 0; i < m->first - 1; i++) place += c->net->layer.child[i]->plan->places;
    m->x = m->first ? c->trace.place[place].a : c->x;
}

/* For z of place p: behind its layer, where that is one of the network's and not its last. */
static void begin_behind(const checking *c, int p, moving *m)
{
    int at, l = layer_of(c, p, &at);
    begin_at(c, l, m);
    if (at != p || c->mode.lengths || l + 1 == c->net->layer.children) return;
    m->own = c->trace.place[p].layer;
    m->first = l + 1;
    m->x = NULL;
}

/* Whether a layer is another, or has it inside. What is tied to one stands behind it. */
static bool reads(const nb_layer *layer, const nb_layer *other)
{
    if (layer == other) return true;
    for (int i = 0; i < layer->children; i++)
        if (reads(layer->child[i], other)) return true;
    return false;
}

static int first_reader(const checking *c, const nb_layer *layer)
{
    const nb_layer *top = &c->net->layer;
    int l = 0;
    while (l < top->children - 1 && !reads(top->child[l], layer)) l++;
    return l;
}

/* ---- The equations ---- */

/* δ of one place against differences in its z. Words take no gradient. */
static nb_status check_delta(checking *c, int p, nb_equation *equation)
{
    const nb_trace_place *place = &c->trace.place[p];
    if (!nb_dtype_computes(place->z->dtype)) return NB_OK;
    moving m = {.at = {.place = p, .z = nb_tensor_clone(c->ctx, place->z)}};
    nb_tensor *delta = m.at.z ? nb_tensor_contiguous(c->ctx, place->delta) : NULL;
    nb_status status = delta ? NB_OK : c->ctx->status;
    begin_behind(c, p, &m);
    for (int64_t i = 0; status == NB_OK && i < nb_tensor_count(m.at.z); i++) {
        bool worst;
        m.number = (double *)nb_tensor_data(m.at.z) + i;
        status = check_number(c, &m, ((double *)nb_tensor_data(delta))[i], equation, &worst);
        if (status == NB_OK && worst)
            nb_place_text("delta", place->layer->plan->path, m.at.z->dims, m.at.z->shape, i,
                          equation->where);
    }
    nb_tensor_release(c->ctx, m.at.z);
    nb_tensor_release(c->ctx, delta);
    return status;
}

/* One parameter's gradient. Weights are BP4, biases BP3. */
static nb_status check_param(checking *c, const nb_trace_place *place, int i, nb_gradcheck *out)
{
    nb_param *param = &place->layer->plan->param[i];
    nb_equation *equation = &out->equation[param->dims > 1 ? 3 : 2];
    const double *g = nb_tensor_data(place->grad[i]);
    moving m = {.at.z = NULL};
    begin_at(c, first_reader(c, place->layer), &m);
    for (int64_t k = 0; k < param->count; k++) {
        bool worst;
        m.number = (double *)nb_tensor_data(param->value) + k;
        nb_status status = check_number(c, &m, g[k], equation, &worst);
        if (status != NB_OK) return status;
        if (worst)
            nb_place_text(param->name, place->layer->plan->path, param->dims, param->shape, k,
                          equation->where);
    }
    return NB_OK;
}

/* All of a place, unless its layer was looked at where it stands first. */
static nb_status check_params(checking *c, int p, nb_gradcheck *out)
{
    const nb_trace_place *place = &c->trace.place[p];
    for (int i = 0; i < p; i++)
        if (c->trace.place[i].layer == place->layer) return NB_OK;
    nb_status status = NB_OK;
    for (int i = 0; i < place->layer->plan->params && status == NB_OK; i++)
        status = check_param(c, place, i, out);
    return status;
}

/* Whether δ of place p is that of the network's last z: BP1. */
static bool is_last(const checking *c, int p)
{
    const nb_layer *top = &c->net->layer;
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

/* Words and class numbers stay integers. */
static nb_tensor *in_f64(nb_ctx *ctx, nb_tensor *t)
{
    return nb_tensor_convert(ctx, t, nb_dtype_computes(t->dtype) ? NB_F64 : t->dtype, 1);
}

static nb_status begin(checking *c, nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                       const nb_mode *as)
{
    *c = (checking){.ctx = ctx};
    if (as) c->mode = (nb_mode){.lengths = as->lengths, .weights = as->weights};
    c->net = nb_net_clone(ctx, net, NB_F64);
    c->x = c->net ? in_f64(ctx, x) : NULL;
    c->y = c->x ? in_f64(ctx, y) : NULL;
    return c->y ? NB_OK : ctx->status;
}

static void end(checking *c)
{
    nb_trace_free(c->ctx, &c->trace);
    nb_tensor_release(c->ctx, c->x);
    nb_tensor_release(c->ctx, c->y);
    nb_net_release(c->ctx, c->net);
}

/* The prices of all gradients at once, and of one pass forward: the quickest of a few, as the first
 * one fills caches. */
static nb_status take_prices(checking *c, nb_gradcheck *out)
{
    enum { TIMES = 5 };
    out->backprop_seconds = out->forward_seconds = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        nb_result pass;
        double cost, start = nb_clock();
        nb_status status = nb_net_learn(c->ctx, c->net, c->x, c->y, &c->mode, NULL, &cost);
        double between = nb_clock();
        if (status == NB_OK) status = nb_net_run(c->ctx, c->net, c->x, c->y, &c->mode, NULL, &pass);
        if (status != NB_OK) return status;
        nb_result_free(c->ctx, &pass);
        out->backprop_seconds = fmin(out->backprop_seconds, between - start);
        out->forward_seconds = fmin(out->forward_seconds, nb_clock() - between);
    }
    return NB_OK;
}

/* What example i counts: a weight of its own, or those of all its places. */
static double weight_of(const checking *c, int64_t i)
{
    const nb_tensor *weights = c->mode.weights;
    if (!weights) return 1;
    int64_t places = nb_tensor_count(weights) / weights->shape[0];
    const double *own = (const double *)nb_tensor_data(weights) + i * places;
    double sum = 0;
    for (int64_t k = 0; k < places; k++) sum += own[k];
    return sum;
}

/* Of one example alone they say nothing, but for those of its places. */
static nb_tensor *own_weights(checking *c, int64_t i)
{
    nb_tensor *all = c->mode.weights;
    return all && all->dims > 1 ? nb_tensor_narrow(c->ctx, all, 0, i, 1, 1) : NULL;
}

/* C of example i alone. */
static nb_status cost_alone(checking *c, int64_t i, double *cost)
{
    nb_mode mode = {.lengths = NULL};
    nb_result pass;
    nb_tensor *x = nb_tensor_narrow(c->ctx, c->x, 0, i, 1, 1);
    nb_tensor *y = x ? nb_tensor_narrow(c->ctx, c->y, 0, i, 1, 1) : NULL;
    nb_tensor *length =
        y && c->mode.lengths ? nb_tensor_narrow(c->ctx, c->mode.lengths, 0, i, 1, 1) : NULL;
    nb_status status = y && (length || !c->mode.lengths) ? NB_OK : c->ctx->status;
    mode.lengths = length;
    mode.weights = status == NB_OK ? own_weights(c, i) : NULL;
    if (!mode.weights && c->mode.weights && c->mode.weights->dims > 1) status = c->ctx->status;
    if (status == NB_OK) status = nb_net_run(c->ctx, c->net, x, y, &mode, NULL, &pass);
    if (status == NB_OK) {
        *cost = nb_tensor_item(pass.cost);
        nb_result_free(c->ctx, &pass);
    }
    nb_tensor_release(c->ctx, mode.weights);
    nb_tensor_release(c->ctx, length);
    nb_tensor_release(c->ctx, x);
    nb_tensor_release(c->ctx, y);
    return status;
}

/* Rounding is all that may part them. */
static bool agree(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

static nb_status check_mean(checking *c, nb_mean_check *out)
{
    int64_t n = c->x->shape[0];
    double sum = 0, total = 0;
    nb_status status = NB_OK;
    *out = (nb_mean_check){.ok = true};
    /* Where sequences of other lengths have a cost at every step the mean is over the steps; and
     * what a norm makes of an example hangs on the others. */
    if (n < 2 || c->trace.lengths || c->mode.by_batch) return NB_OK;
    for (int64_t i = 0; i < n && status == NB_OK; i++) {
        double cost = 0;
        status = cost_alone(c, i, &cost);
        sum += cost * weight_of(c, i);
        total += weight_of(c, i);
    }
    out->examples = n;
    out->cost = c->trace.cost;
    out->mean = total > 0 ? sum / total : 0;
    out->ok = agree(out->cost, out->mean);
    out->sums = !out->ok && agree(out->cost, sum);
    return status;
}

static nb_status check_all(checking *c, nb_gradcheck *out)
{
    nb_net *net = c->net;
    nb_status status = nb_trace_run_as(c->ctx, net, c->x, c->y, &c->mode, &c->trace);
    c->what = "checking gradients";
    c->differences = nb_net_count(net);
    for (int p = 0; p < c->trace.places && status == NB_OK; p++)
        if (nb_dtype_computes(c->trace.place[p].z->dtype))
            c->differences += nb_tensor_count(c->trace.place[p].z);
    for (int p = c->trace.places - 1; p >= 0 && status == NB_OK; p--)
        status = check_delta(c, p, &out->equation[is_last(c, p) ? 0 : 1]);
    double start = nb_clock();
    for (int p = 0; p < c->trace.places && status == NB_OK; p++) status = check_params(c, p, out);
    out->taken_seconds = nb_clock() - start;
    out->forwards = 2 * (out->equation[2].compared + out->equation[3].compared);
    return status == NB_OK ? check_mean(c, &out->mean) : status;
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
    checking c;
    nb_dtype dtype = ctx->dtype;
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 4; i++) out->equation[i].name = names[i];
    nb_status status = begin(&c, ctx, net, x, y, as);
    if (status == NB_OK) out->by_batch = c.mode.by_batch = normalises(c.net);
    if (status == NB_OK) status = take_prices(&c, out);
    if (status == NB_OK) status = check_all(&c, out);
    ctx->dtype = dtype;
    end(&c);
    out->ok = out->mean.ok;
    for (int i = 0; i < 4; i++) out->ok = out->ok && out->equation[i].wrong == 0;
    return status;
}

nb_tensor *nb_numeric_gradient(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                               const nb_mode *as)
{
    checking c;
    nb_dtype dtype = ctx->dtype;
    nb_tensor *out = NULL;
    ctx->dtype = NB_F64;
    nb_status status = begin(&c, ctx, net, x, y, as);
    int64_t count = status == NB_OK ? nb_net_count(c.net) : 0;
    c.what = "taking differences";
    c.differences = count;
    nb_tensor *slopes = status == NB_OK ? nb_tensor_new(ctx, NB_F64, 1, &count) : NULL;
    status = slopes ? NB_OK : ctx->status;
    for (int64_t i = 0; i < count && status == NB_OK; i++) {
        moving m = {.number = (double *)nb_tensor_data(c.net->values) + i, .x = c.x};
        sides s = {.central = 0};
        status = difference(&c, &m, &s);
        ((double *)nb_tensor_data(slopes))[i] = s.central;
    }
    ctx->dtype = dtype;
    if (status == NB_OK) out = nb_tensor_convert(ctx, slopes, net->dtype, 1);
    nb_tensor_release(ctx, slopes);
    end(&c);
    return out;
}
