/* Runs without an example, and the first-order estimate of what that changes.
 *
 * A step goes by ∇C = Σ w_j g_j / W, W = Σ w_j over its examples. Without example i it goes by
 * (W ∇C - w_i g_i) / (W - w_i), which is w_i (∇C - g_i) / (W - w_i) more; so the parameters would
 * be η w_i (g_i - ∇C) / (W - w_i) elsewhere, and the test cost, by its slope v there, η w_i (v·g_i
 * - v·∇C) / (W - w_i) higher. The estimate is the sum of that over the steps in which the example
 * stands (TracIn: Pruthi and others 2020), as if later steps passed on what earlier ones changed; v
 * is of the epoch's beginning. */
#include "nn/inspect/influence/rerun.h"

#include "base/arith.h"
#include "base/memory.h"
#include "nn/train/whole.h"

#include <math.h>
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

/* The rest of the run, and the cost of what it has learned. */
static nb_status finish(nb_ctx *ctx, nb_rerun *r, double *cost)
{
    nb_trainer *t = r->trainer;
    nb_evaluation result;
    nb_status status = NB_OK;
    while (status == NB_OK && t->history.epochs < r->of->epochs && !nb_trainer_is_done(t))
        status = nb_trainer_epoch(ctx, t);
    if (status != NB_OK) return status;
    nb_trainer_take_best(t);
    status = nb_evaluate(ctx, r->net, r->of->test, &result);
    *cost = result.cost;
    return status;
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

nb_status nb_rerun_without(nb_ctx *ctx, nb_rerun *r, int64_t example, int64_t place, double *cost)
{
    nb_status status = go_to(ctx, r, nb_rerun_step_of(r, place));
    if (status != NB_OK) return status;
    double *weight = (double *)nb_tensor_data(r->trainer->weights.of) + example, own = *weight;
    *weight = 0;
    status = finish(ctx, r, cost);
    *weight = own;
    if (status != NB_OK && status != NB_EINTERRUPT && status != NB_ECALLBACK)
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
    double *dots;     /* of the examples of a step */
    double *of;       /* each example's sum */
} estimate;

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
    if (status == NB_OK) nb_looker_own(&e->looker, e->slope);
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
                                e->slope, e->dots + at);
    return status;
}

static void add_step(estimate *e, const int32_t *order, int64_t n, double rate)
{
    const double *weight = nb_tensor_data(e->rerun->trainer->weights.of);
    double all = 0, mean = 0;
    for (int64_t j = 0; j < n; j++) {
        all += weight[order[j]];
        mean += weight[order[j]] * e->dots[j];
    }
    mean = all > 0 ? mean / all : 0;
    for (int64_t j = 0; j < n; j++) {
        double own = weight[order[j]], rest = all - own;
        double change = rest > 0 ? own * (e->dots[j] - mean) / rest : mean;
        e->of[order[j]] += rate * change;
    }
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
    nb_status status = begins ? find_slope(e) : NB_OK;
    if (status == NB_EVALUE)
        nb_fail_in(ctx, "test, before epoch %lld of seed %llu", (long long)epoch,
                   (unsigned long long)e->rerun->seed);
    if (status == NB_OK) status = nb_trainer_order(ctx, t, epoch);
    if (status == NB_OK) status = find_dots(e, t->order + done, n);
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
    bool rates = !r->optimizer.type->whole;
    size_t bytes = (size_t)count * sizeof *e.dots;
    nb_status status = nb_looker_begin(ctx, &e.looker, r->net, r->of->set);
    if (status == NB_OK) {
        e.slope = nb_looker_vector(ctx, &e.looker);
        e.dots = e.slope ? nb_alloc(ctx, bytes) : NULL;
        status = e.dots ? find_places(ctx, r->trainer, place) : ctx->status;
    }
    for (int64_t i = 0; i < count; i++) estimates[i] = rates ? 0 : NAN;
    if (status == NB_OK) status = run_whole(&e, rates);
    if (status == NB_OK) status = finish(ctx, r, cost);
    if (e.dots) nb_free(ctx, e.dots, bytes);
    nb_tensor_release(ctx, e.slope);
    nb_looker_end(ctx, &e.looker);
    return status;
}
