/* A function's products with its Jacobian, by backward and by differences. */
#include "nn/inspect/check/judge.h"

#include "nn/inspect/check/differences.h"

#include <math.h>
#include <string.h>

typedef struct judging {
    nb_ctx *ctx;
    nb_judged *judged;
    nb_tensor *out;   /* as it is */
    nb_tensor *delta; /* how much each of its numbers counts */
    nb_tensor *grads; /* of params */
} judging;

/* Numbers of both signs, from 0.5 to 1.5 without them, that differ from place to place. */
static nb_tensor *varied_like(nb_ctx *ctx, const nb_tensor *out)
{
    nb_tensor *t = nb_tensor_new(ctx, NB_F64, out->dims, out->shape);
    double *number = t ? nb_tensor_data(t) : NULL;
    for (int64_t i = 0; t && i < nb_tensor_count(t); i++)
        number[i] = (i % 3 == 1 ? -1 : 1) * (1 + 0.5 * sin((double)i));
    return t;
}

static nb_tensor *call(const judging *j, bool record)
{
    nb_ctx *ctx = j->ctx;
    bool recording = ctx->recording;
    ctx->recording = record;
    nb_tensor *out = j->judged->f(ctx, j->judged->self);
    ctx->recording = recording;
    if (!out || out->dtype == NB_F64) return out;
    nb_fail(ctx, NB_EARG, "a gradient is checked in f64, not %s", nb_dtype_name(out->dtype));
    nb_tensor_release(ctx, out);
    return NULL;
}

/* By how much the outputs, as they count, are away from what they are. */
static nb_status change(void *self, double *value)
{
    const judging *j = self;
    nb_tensor *out = call(j, false);
    nb_tensor *now = out ? nb_tensor_contiguous(j->ctx, out) : NULL;
    nb_tensor_release(j->ctx, out);
    if (!now) return j->ctx->status;
    const double *a = nb_tensor_data(now), *b = nb_tensor_data(j->out);
    const double *d = nb_tensor_data(j->delta);
    int64_t count = nb_tensor_count(j->out);
    double sum = nb_tensor_count(now) == count ? 0 : NAN;
    for (int64_t i = 0; !isnan(sum) && i < count; i++) sum += d[i] * (a[i] - b[i]);
    nb_tensor_release(j->ctx, now);
    *value = sum;
    return NB_OK;
}

/* What rounding in the sum of changes may be a part of. */
static double scale_of(const nb_tensor *out)
{
    const double *a = nb_tensor_data(out);
    double most = 0, count = (double)nb_tensor_count(out);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) most = fmax(most, fabs(a[i]));
    return most * sqrt(count);
}

/* The leaf's gradient after the pass, contiguous; NULL: it has none, 0. */
static const double *gradient_of(const judging *j, const nb_tensor *in)
{
    const nb_leaf *leaf = nb_leaf_of(in);
    if (leaf->home)
        return (const double *)nb_tensor_data(j->grads) + (in->offset - j->judged->params->offset);
    return leaf->grad ? nb_tensor_data(leaf->grad) : NULL;
}

static nb_status compare_input(judging *j, int input, double scale)
{
    nb_judged *judged = j->judged;
    nb_tensor *in = judged->in[input];
    const double *g = gradient_of(j, in);
    for (int64_t i = 0; i < nb_tensor_count(in) && !judged->wrong; i++) {
        const nb_varied v = {.number = (double *)nb_tensor_data(in) + i,
                             .scale = scale,
                             .value_of = change,
                             .self = j};
        double own = g ? g[i] : 0, d = 0;
        bool kink = false;
        nb_status status = nb_difference_check(&v, own, &d, &kink);
        if (status != NB_OK) return status;
        if (kink || !isfinite(d) || nb_check_agrees(own, d, scale)) continue;
        judged->wrong = true;
        judged->input = input;
        judged->element = i;
        judged->backward = own;
        judged->differences = d;
    }
    return NB_OK;
}

static nb_status run_backward(judging *j, nb_tensor *root)
{
    const nb_tensor *params = j->judged->params;
    nb_sink sink = {.from = params ? params->storage : NULL, .alpha = 1};
    if (params) j->grads = nb_tensor_zeros(j->ctx, NB_F64, 1, params->shape);
    if (params && !j->grads) return j->ctx->status;
    sink.into = j->grads;
    const nb_backward_options options = {
        .delta = j->delta, .sinks = &sink, .sink_count = params ? 1 : 0};
    return root->link ? nb_backward(j->ctx, root, &options) : NB_OK;
}

nb_status nb_judge(nb_ctx *ctx, nb_judged *judged)
{
    judging j = {.ctx = ctx, .judged = judged};
    judged->wrong = false;
    nb_tensor *root = call(&j, true);
    /* A copy: where f gives a view of its input, what is moved must not move it. */
    j.out = root ? nb_tensor_clone(ctx, root) : NULL;
    j.delta = j.out ? varied_like(ctx, j.out) : NULL;
    nb_status status = j.delta ? run_backward(&j, root) : ctx->status;
    nb_tensor_release(ctx, root);
    double scale = status == NB_OK ? scale_of(j.out) : 0;
    for (int i = 0; i < judged->count && status == NB_OK && !judged->wrong; i++)
        status = compare_input(&j, i, scale);
    nb_tensor_release(ctx, j.out);
    nb_tensor_release(ctx, j.delta);
    nb_tensor_release(ctx, j.grads);
    return status;
}
