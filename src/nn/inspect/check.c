/* Backpropagation against central differences, in f64.
 *
 * BP1 and BP2 are checked by moving z of one neuron for one example and going on from there; BP3
 * and BP4 by moving one parameter and starting anew. Each side is computed on its own: the
 * gradients by a trace, the differences by plain forward passes without a tape. */
#include "nn/inspect/check.h"

#include "nn/inspect/trace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct checking {
    nb_ctx *ctx;
    nb_net *net;      /* in f64 */
    nb_tensor *x, *y; /* in f64; y may be class numbers */
    nb_trace trace;
    int64_t forwards;
    const char *what; /* for who is told how far it is */
    int64_t done, differences;
} checking;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* C of the last layer's result. */
static nb_status finish(checking *c, nb_op_id fused, nb_tensor *last, double *cost)
{
    nb_tensor *out = nb_net_cost_from(c->ctx, c->net, fused, last, c->y);
    if (!out) return c->ctx->status;
    *cost = nb_tensor_item(out);
    nb_tensor_release(c->ctx, out);
    c->forwards++;
    return NB_OK;
}

/* C from z of layer l on. */
static nb_status cost_from(checking *c, int l, nb_tensor *z, double *cost)
{
    nb_net *net = c->net;
    nb_op_id fused = nb_net_fused(net);
    nb_tensor *now_at = nb_tensor_retain(z);
    for (int i = l; i < net->layers; i++) {
        bool last = i == net->layers - 1;
        nb_tensor *next;
        if (i > l)
            next = nb_layer_forward(c->ctx, &net->layer[i], now_at,
                                    last && fused != NB_OPS ? NB_GIVE_Z : NB_GIVE_A);
        else if (!net->layer[i].runs || (last && fused != NB_OPS))
            next = nb_tensor_retain(now_at);
        else
            next = nb_runs_apply(c->ctx, net->layer[i].runs, now_at);
        nb_tensor_release(c->ctx, now_at);
        now_at = next;
        if (!now_at) return c->ctx->status;
    }
    nb_status status = finish(c, fused, now_at, cost);
    nb_tensor_release(c->ctx, now_at);
    return status;
}

static nb_status whole_cost(checking *c, double *cost)
{
    nb_tensor *out = nb_net_cost(c->ctx, c->net, c->x, c->y, NULL);
    if (!out) return c->ctx->status;
    *cost = nb_tensor_item(out);
    nb_tensor_release(c->ctx, out);
    c->forwards++;
    return NB_OK;
}

/* What moving a number costs: whole_cost (l < 0), or cost_from z of layer l. */
static nb_status cost_of(checking *c, int l, nb_tensor *z, double *cost)
{
    return l < 0 ? whole_cost(c, cost) : cost_from(c, l, z, cost);
}

/* The central difference for the number at *at, which is put back. */
static nb_status difference(checking *c, int l, nb_tensor *z, double *at, double *slope)
{
    double value = *at, step = NB_CHECK_STEP * fmax(1, fabs(value)), above, below;
    nb_tell(c->ctx, c->what, c->done++, c->differences);
    *at = value + step;
    nb_status status = cost_of(c, l, z, &above);
    *at = value - step;
    if (status == NB_OK) status = cost_of(c, l, z, &below);
    *at = value;
    if (status == NB_OK) *slope = (above - below) / (2 * step);
    return status;
}

/* Compares one number; remembers the worst. NaN is worse than anything. */
static bool compare(const checking *c, nb_equation *equation, double g, double d)
{
    double error = fabs(g - d), size = fmax(fabs(g), fabs(d));
    double relative = error / fmax(1e-3, size);
    equation->compared++;
    if (!nb_check_agrees(g, d, c->trace.cost)) equation->wrong++;
    if (relative <= equation->worst && equation->compared > 1) return false;
    equation->worst = isnan(relative) ? INFINITY : relative;
    equation->analytic = g;
    equation->numeric = d;
    return true;
}

/* "w[2][4][17]": name, layer, then the index of element `at` of a tensor of this shape, from 1. */
static void name_place(nb_equation *equation, const char *name, int layer, int dims,
                       const int64_t *shape, int64_t at)
{
    int64_t index[NB_MAX_DIMS];
    int used = snprintf(equation->where, sizeof equation->where, "%s[%d]", name, layer);
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % shape[i] + 1;
        at /= shape[i];
    }
    for (int i = 0; i < dims && used < (int)sizeof equation->where; i++)
        used += snprintf(equation->where + used, sizeof equation->where - (size_t)used, "[%lld]",
                         (long long)index[i]);
}

/* δ of layer l against differences in its z. */
static nb_status check_delta(checking *c, int l, nb_equation *equation)
{
    const nb_trace_layer *layer = &c->trace.layer[l];
    nb_tensor *z = nb_tensor_clone(c->ctx, layer->z);
    nb_tensor *delta = z ? nb_tensor_contiguous(c->ctx, layer->delta) : NULL;
    nb_status status = delta ? NB_OK : c->ctx->status;
    for (int64_t i = 0; status == NB_OK && i < nb_tensor_count(z); i++) {
        double d = 0, g = ((double *)nb_tensor_data(delta))[i];
        status = difference(c, l, z, (double *)nb_tensor_data(z) + i, &d);
        if (status == NB_OK && compare(c, equation, g, d))
            name_place(equation, "delta", l + 1, z->dims, z->shape, i);
    }
    nb_tensor_release(c->ctx, z);
    nb_tensor_release(c->ctx, delta);
    return status;
}

/* One parameter's gradient. Weights are BP4, biases BP3. */
static nb_status check_param(checking *c, int l, int p, nb_gradcheck *out)
{
    nb_param *param = &c->net->layer[l].param[p];
    nb_equation *equation = &out->equation[param->weight ? 3 : 2];
    const double *g = nb_tensor_data(c->trace.layer[l].grad[p]);
    double *value = nb_tensor_data(param->value);
    int64_t count = nb_tensor_count(param->value);
    for (int64_t i = 0; i < count; i++) {
        double d = 0;
        nb_status status = difference(c, -1, NULL, value + i, &d);
        if (status != NB_OK) return status;
        if (compare(c, equation, g[i], d))
            name_place(equation, param->name, l + 1, param->dims, param->shape, i);
    }
    return NB_OK;
}

static nb_status begin(checking *c, nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y)
{
    *c = (checking){.ctx = ctx};
    c->net = nb_net_clone(ctx, net, NB_F64);
    c->x = c->net ? nb_tensor_convert(ctx, x, NB_F64, 1) : NULL;
    /* Class numbers stay integers. */
    c->y =
        c->x ? nb_tensor_convert(ctx, y, nb_dtype_computes(y->dtype) ? NB_F64 : y->dtype, 1) : NULL;
    return c->y ? NB_OK : ctx->status;
}

static void end(checking *c)
{
    nb_trace_free(c->ctx, &c->trace);
    nb_tensor_release(c->ctx, c->x);
    nb_tensor_release(c->ctx, c->y);
    nb_net_release(c->ctx, c->net);
}

/* The price of all gradients at once: the quickest of a few, as the first one fills caches. */
static nb_status price_backprop(checking *c, double *seconds)
{
    enum { TIMES = 5 };
    *seconds = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        double cost, start = now();
        nb_status status = nb_net_backprop(c->ctx, c->net, c->x, c->y, &cost);
        if (status != NB_OK) return status;
        *seconds = fmin(*seconds, now() - start);
    }
    return NB_OK;
}

static nb_status check_all(checking *c, nb_gradcheck *out)
{
    nb_net *net = c->net;
    nb_status status = nb_trace_run(c->ctx, net, c->x, c->y, &c->trace);
    c->ctx->recording = false;
    c->what = "checking gradients";
    c->differences = nb_net_count(net);
    for (int l = 0; l < net->layers && status == NB_OK; l++)
        c->differences += nb_tensor_count(c->trace.layer[l].z);
    for (int l = net->layers - 1; l >= 0 && status == NB_OK; l--)
        status = check_delta(c, l, &out->equation[l == net->layers - 1 ? 0 : 1]);
    c->forwards = 0;
    double start = now();
    for (int l = 0; l < net->layers && status == NB_OK; l++)
        for (int p = 0; p < net->layer[l].params && status == NB_OK; p++)
            status = check_param(c, l, p, out);
    out->difference_seconds = now() - start;
    out->forwards = c->forwards;
    return status;
}

nb_status nb_gradcheck_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_gradcheck *out)
{
    static const char *const names[4] = {"BP1", "BP2", "BP3", "BP4"};
    checking c;
    bool recording = ctx->recording;
    nb_dtype dtype = ctx->dtype;
    ctx->dtype = NB_F64; /* constants that a function of the host makes */
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 4; i++) out->equation[i].name = names[i];
    nb_status status = begin(&c, ctx, net, x, y);
    if (status == NB_OK) status = price_backprop(&c, &out->backprop_seconds);
    if (status == NB_OK) status = check_all(&c, out);
    ctx->recording = recording;
    ctx->dtype = dtype;
    end(&c);
    out->ok = true;
    for (int i = 0; i < 4; i++) out->ok = out->ok && out->equation[i].wrong == 0;
    return status;
}

nb_tensor *nb_numeric_gradient(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y)
{
    checking c;
    bool recording = ctx->recording;
    nb_dtype dtype = ctx->dtype;
    nb_tensor *out = NULL;
    ctx->dtype = NB_F64;
    nb_status status = begin(&c, ctx, net, x, y);
    ctx->recording = false;
    int64_t count = status == NB_OK ? nb_net_count(c.net) : 0;
    c.what = "taking differences";
    c.differences = count;
    nb_tensor *slopes = status == NB_OK ? nb_tensor_new(ctx, NB_F64, 1, &count) : NULL;
    status = slopes ? NB_OK : ctx->status;
    for (int64_t i = 0; i < count && status == NB_OK; i++)
        status = difference(&c, -1, NULL, (double *)nb_tensor_data(c.net->params) + i,
                            (double *)nb_tensor_data(slopes) + i);
    ctx->recording = recording;
    ctx->dtype = dtype;
    if (status == NB_OK) out = nb_tensor_convert(ctx, slopes, net->dtype, 1);
    nb_tensor_release(ctx, slopes);
    end(&c);
    return out;
}
