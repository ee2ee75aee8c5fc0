/* Runs without an example, and the first-order estimate of what that changes.
 *
 * A step, of one batch or of several, goes by ∇C = Σ u_j g_j / U, U = Σ u_j over its examples,
 * u_j = w_j T_j: an example counts by its weight and by its steps where it is answered at each.
 * Without example i that is (U ∇C - u_i g_i) / (U - u_i). So without i the parameters of rate η f
 * would be η f (∇C - ∇C without i) elsewhere, and the test cost, by its slope v there, higher by
 * the product of that with v. The estimate is the sum over the steps in which the example stands
 * (TracIn: Pruthi and others 2020), as if later steps passed on what earlier ones changed; v is of
 * the epoch's beginning. What momentum, decay and clipping make of a step is left out. */
#include "nn/inspect/influence/rerun.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/train/segments.h"
#include "nn/train/whole.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Beginning and ending -------------------------------------------------------------------- */

void nb_rerun_end(nb_ctx *ctx, nb_rerun *r)
{
    nb_snapshot_free(ctx, r->at);
    nb_trainer_free(ctx, r->trainer);
    if (r->begun) nb_optimizer_free(ctx, &r->optimizer);
    nb_tensor_release(ctx, r->weights);
    nb_net_release(ctx, r->net);
    *r = (nb_rerun){.of = r->of};
}

/* The user's, or 1 for each; never his own numbers, for these change. */
static nb_tensor *make_weights(nb_ctx *ctx, const nb_course_of *of)
{
    nb_tensor *given = of->run->weights.numbers;
    nb_tensor *out = nb_tensor_new(ctx, NB_F64, 1, &of->set->count);
    nb_status status = !out    ? ctx->status
                       : given ? nb_tensor_copy(ctx, out, given)
                               : nb_tensor_fill(ctx, out, 1);
    return out ? nb_tensor_settle(ctx, out, status) : NULL;
}

nb_status nb_rerun_begin(nb_ctx *ctx, nb_rerun *r, uint64_t seed)
{
    const nb_course_of *of = r->of;
    nb_trainer_options run = *of->run;
    nb_rerun_end(ctx, r);
    r->seed = seed;
    r->net = nb_net_clone(ctx, of->net, of->net->dtype);
    nb_status status = r->net ? NB_OK : ctx->status;
    if (status == NB_OK && of->reset) status = nb_net_reset(ctx, r->net, seed);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &r->optimizer, run.optimizer);
    r->begun = status == NB_OK;
    if (status == NB_OK && !(r->weights = make_weights(ctx, of))) status = ctx->status;
    if (status != NB_OK) return status;
    run.seed = seed;
    run.optimizer = &r->optimizer;
    run.test = NULL;
    run.weights = (nb_weighing){.numbers = r->weights, .of = NB_OF_EXAMPLES};
    r->trainer = nb_trainer_new(ctx, r->net, of->set, &run);
    return r->trainer ? NB_OK : ctx->status;
}

/* ---- Without an example ---------------------------------------------------------------------- */

int64_t nb_rerun_step_of(const nb_rerun *r, int64_t place)
{
    const nb_course *course = &r->trainer->course;
    return place / (course->size * course->group);
}

static bool has_rate(const nb_rerun *r)
{
    return !r->optimizer.type->whole;
}

/* What has been learned, or a cost on the way, says nothing any more. */
static nb_status diverged(nb_ctx *ctx, const nb_rerun *r, const char *what)
{
    char hint[NB_NUMBER_MAX + 32] = "";
    if (has_rate(r))
        snprintf(hint, sizeof hint, "; a smaller lr than %g may help", r->optimizer.options.lr);
    return nb_fail(ctx, NB_EVALUE, "%s%s", what, hint);
}

static nb_status judge(nb_ctx *ctx, const nb_rerun *r, double *cost)
{
    nb_evaluation result;
    char number[NB_NUMBER_MAX], what[NB_NUMBER_MAX + 64];
    nb_status status = nb_evaluate(ctx, r->net, r->of->test, &result);
    if (status != NB_OK) return status;
    *cost = result.cost;
    if (isfinite(*cost)) return NB_OK;
    snprintf(what, sizeof what, "the run ends at a test cost of %s", nb_number_text(*cost, number));
    return diverged(ctx, r, what);
}

/* The rest of the run, and the cost of what it has learned. */
static nb_status finish(nb_ctx *ctx, nb_rerun *r, double *cost)
{
    nb_trainer *t = r->trainer;
    nb_status status = NB_OK;
    while (status == NB_OK && t->history.epochs < r->of->epochs && !nb_trainer_is_done(t))
        status = nb_trainer_epoch(ctx, t);
    if (status != NB_OK) return status;
    nb_trainer_take_best(t);
    return judge(ctx, r, cost);
}

/* Brings the run to where `step` is the next of its first epoch, and keeps it there. */
static nb_status go_to(nb_ctx *ctx, nb_rerun *r, int64_t step)
{
    double cost;
    nb_status status = NB_OK;
    if (r->steps > step) status = nb_rerun_begin(ctx, r, r->seed);
    if (r->at && r->steps == step) return nb_trainer_restore(ctx, r->trainer, r->at);
    if (r->at) status = nb_trainer_restore(ctx, r->trainer, r->at);
    for (; r->steps < step && status == NB_OK; r->steps++)
        status = nb_trainer_step(ctx, r->trainer, &cost);
    nb_snapshot_free(ctx, r->at);
    r->at = status == NB_OK ? nb_trainer_save(ctx, r->trainer) : NULL;
    return r->at ? NB_OK : ctx->status;
}

/* Ctrl-C and errors of callbacks stay as they are. */
static bool fails_here(nb_status status)
{
    return status != NB_OK && status != NB_EINTERRUPT && status != NB_ECALLBACK;
}

nb_status nb_rerun_without(nb_ctx *ctx, nb_rerun *r, int64_t example, int64_t place, double *cost)
{
    nb_status status = go_to(ctx, r, nb_rerun_step_of(r, place));
    if (status != NB_OK) return status;
    double *weight = (double *)nb_tensor_data(r->trainer->weights.of) + example, own = *weight;
    *weight = 0;
    status = finish(ctx, r, cost);
    *weight = own;
    if (fails_here(status))
        nb_fail_in(ctx, "without example %lld, seed %llu", (long long)example + 1,
                   (unsigned long long)r->seed);
    return status;
}

/* ---- The estimate ---------------------------------------------------------------------------- */

typedef struct estimate {
    nb_ctx *ctx;
    nb_rerun *rerun;
    nb_looker looker;
    nb_tensor *slope; /* v: of the test cost, as a looker's vector */
    double *dots;     /* of the examples of a step, … */
    double *steps;    /* … and how often each counts in its cost */
    double *of;       /* each example's sum */
} estimate;

/* Leaves of v what learns, each times its layer's or neuron's own factor of the rate. */
static nb_status take_rates(estimate *e)
{
    nb_net *net = e->rerun->net;
    nb_problem p = {.dtype = net->dtype, .count = nb_net_count(net)};
    const nb_real_kernels *real = nb_real(net->dtype);
    nb_status status = nb_segments_make(e->ctx, net, &p);
    char *own = nb_looker_own(&e->looker, e->slope);
    for (int64_t i = 0; i < p.segments && status == NB_OK; i++) {
        const nb_segment *s = &p.segment[i];
        void *v = own + (size_t)s->start * nb_dtype_size(net->dtype);
        real->unary[NB_U_scale]((size_t)s->count, v, 1, v, 1, s->factor, 0);
    }
    nb_segments_free(e->ctx, &p);
    return status;
}

/* v as the network now is. */
static nb_status find_slope(estimate *e)
{
    nb_ctx *ctx = e->ctx;
    nb_net *net = e->rerun->net;
    const nb_mode mode = {.learning = false};
    const nb_whole whole = {.net = net, .set = e->rerun->of->test, .mode = &mode};
    double cost;
    nb_status status = nb_whole_evaluate(ctx, &whole, &cost);
    if (status == NB_OK) status = nb_tensor_copy(ctx, e->slope, net->home->grads);
    if (status == NB_OK) status = take_rates(e);
    nb_home_forget(net->home);
    return status;
}

/* The products of v with the gradients of the step's n examples, the next in the order. */
static nb_status find_dots(estimate *e, const int32_t *order, int64_t n)
{
    nb_status status = NB_OK;
    int64_t most = e->looker.most;
    for (int64_t at = 0; at < n && status == NB_OK; at += most)
        status = nb_looker_dots(e->ctx, &e->looker, order + at, 0, nb_least_i64(n - at, most),
                                e->slope, e->dots + at, e->steps + at);
    return status;
}

/* Of the examples of a step: Σ u_j and Σ u_j v·g_j. */
typedef struct sums {
    double counts, dots;
} sums;

static double mean(sums of)
{
    return of.counts > 0 ? of.dots / of.counts : 0;
}

static sums part_of(const estimate *e, const int32_t *order, int64_t j)
{
    const double *weight = nb_tensor_data(e->rerun->trainer->weights.of);
    double counts = weight[order[j]] * e->steps[j];
    return (sums){counts, counts * e->dots[j]};
}

/* Without each of the step's examples. */
static void add_step(estimate *e, const int32_t *order, int64_t n, double rate)
{
    sums all = {.counts = 0};
    for (int64_t j = 0; j < n; j++) {
        sums own = part_of(e, order, j);
        all.counts += own.counts;
        all.dots += own.dots;
    }
    for (int64_t j = 0; j < n; j++) {
        sums own = part_of(e, order, j), others = {all.counts - own.counts, all.dots - own.dots};
        if (own.counts > 0) e->of[order[j]] += rate * (mean(all) - mean(others));
    }
}

/* Training says more of a gradient that is not finite: layer and op, where it fails too. */
static nb_status fail_as_training(estimate *e, int64_t epoch)
{
    char message[NB_MESSAGE_MAX], what[NB_MESSAGE_MAX + 32];
    double cost;
    memcpy(message, e->ctx->message, sizeof message);
    nb_status status = nb_trainer_step(e->ctx, e->rerun->trainer, &cost);
    if (status != NB_OK) return status;
    snprintf(what, sizeof what, "epoch %lld: %s", (long long)epoch, message);
    return diverged(e->ctx, e->rerun, what);
}

static nb_status look(estimate *e, int64_t epoch, bool begins, const int32_t *order, int64_t n)
{
    nb_ctx *ctx = e->ctx;
    char what[NB_MESSAGE_MAX];
    nb_status status = begins ? find_slope(e) : NB_OK;
    if (status == NB_EVALUE) {
        nb_fail_in(ctx, "test, before epoch %lld", (long long)epoch);
        memcpy(what, ctx->message, sizeof what);
        return diverged(ctx, e->rerun, what);
    }
    if (status == NB_OK) status = find_dots(e, order, n);
    return status == NB_EVALUE ? fail_as_training(e, epoch) : status;
}

/* One step of the run; what leaving each of its examples out would change. */
static nb_status look_and_step(estimate *e)
{
    nb_ctx *ctx = e->ctx;
    nb_trainer *t = e->rerun->trainer;
    double cost;
    bool begins = nb_trainer_is_whole(t);
    int64_t epoch = t->course.epoch + begins, done = begins ? 0 : t->course.examples;
    int64_t n = nb_least_i64(t->course.count - done, t->course.size * t->course.group);
    nb_status status = nb_trainer_order(ctx, t, epoch);
    if (status == NB_OK) status = look(e, epoch, begins, t->order + done, n);
    if (status == NB_OK) status = nb_trainer_step(ctx, t, &cost);
    if (status == NB_OK) add_step(e, t->order + done, n, t->course.rate);
    return status;
}

static nb_status run_whole(estimate *e, bool estimates)
{
    nb_ctx *ctx = e->ctx;
    nb_trainer *t = e->rerun->trainer;
    int64_t epochs = e->rerun->of->epochs;
    nb_status status = NB_OK;
    while (estimates && status == NB_OK && t->history.epochs < epochs && !nb_trainer_is_done(t)) {
        nb_tell(ctx, "the run with all examples", t->history.epochs, epochs);
        do status = look_and_step(e);
        while (status == NB_OK && !nb_trainer_is_whole(t));
        if (status == NB_OK) status = nb_trainer_end_epoch(ctx, t);
    }
    return status;
}

static nb_status find_places(nb_ctx *ctx, nb_trainer *t, int32_t *place)
{
    nb_status status = nb_trainer_order(ctx, t, 1);
    for (int64_t j = 0; j < t->course.count && status == NB_OK; j++)
        place[t->order[j]] = (int32_t)j;
    return status;
}

nb_status nb_rerun_whole(nb_ctx *ctx, nb_rerun *r, double *cost, double *estimates, int32_t *place)
{
    estimate e = {.ctx = ctx, .rerun = r, .of = estimates};
    int64_t count = r->of->set->count;
    bool rates = has_rate(r);
    size_t bytes = 2 * (size_t)count * sizeof *e.dots;
    nb_status status = nb_looker_begin(ctx, &e.looker, r->net, r->of->set);
    if (status == NB_OK) {
        e.slope = nb_looker_vector(ctx, &e.looker);
        e.dots = e.slope ? nb_alloc(ctx, bytes) : NULL;
        e.steps = e.dots ? e.dots + count : NULL;
        status = e.dots ? find_places(ctx, r->trainer, place) : ctx->status;
    }
    for (int64_t i = 0; i < count; i++) estimates[i] = rates ? 0 : NAN;
    if (status == NB_OK) status = run_whole(&e, rates);
    if (status == NB_OK) status = finish(ctx, r, cost);
    if (fails_here(status)) nb_fail_in(ctx, "seed %llu", (unsigned long long)r->seed);
    if (e.dots) nb_free(ctx, e.dots, bytes);
    nb_tensor_release(ctx, e.slope);
    nb_looker_end(ctx, &e.looker);
    return status;
}
