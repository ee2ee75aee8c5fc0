/* A run of training: its steps and the ends of its epochs. */
#include "nn/train/run/trainer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/processes/peers.h"
#include "kernel/kernel.h"
#include "nn/train/run/flowing.h"

#include <math.h>
#include <string.h>

/* A set that is only evaluated; or NULL. */
static nb_status check_other(nb_ctx *ctx, const nb_net *net, const nb_set *set, const char *name)
{
    nb_status status = set ? nb_set_check(ctx, net, set) : NB_OK;
    if (status != NB_OK) nb_fail_in(ctx, "%s", name);
    return status;
}

static int64_t pieces_of(const nb_ctx *ctx, const nb_trainer_options *options)
{
    return options->pieces ? options->pieces : ctx->peers ? NB_PIECES_SHARED : 1;
}

nb_status nb_trainer_check_pieces(nb_ctx *ctx, int64_t pieces)
{
    int ranks = ctx->peers ? ctx->peers->ranks : 1;
    if (pieces < 1 || pieces > NB_PIECES_MAX)
        return nb_fail(ctx, NB_EARG, "pieces must be from 1 to %d, not %lld", NB_PIECES_MAX,
                       (long long)pieces);
    if (ranks <= pieces) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%d processes cannot share %lld piece%s of a batch: each takes one at least; "
                   "set pieces = %d or more, or begin fewer processes",
                   ranks, (long long)pieces, pieces == 1 ? "" : "s", ranks);
}

/* What can be told from the options alone. */
static nb_status check_options(nb_ctx *ctx, const nb_trainer_options *options)
{
    const nb_optimizer *optimizer = options->optimizer;
    double lr = optimizer->options.lr;
    bool whole = optimizer->type->whole;
    const char *idle = options->accumulate > 1 ? "accumulate" : options->augment ? "augment" : NULL;
    if (options->batch < 1)
        return nb_fail(ctx, NB_EARG, "batch must be at least 1, not %lld",
                       (long long)options->batch);
    if (!whole && (!(lr > 0) || !isfinite(lr)))
        return nb_fail(ctx, NB_EARG, "lr must be a number above 0, not %g", lr);
    if (whole && idle)
        return nb_fail(ctx, NB_EARG, "%s works on the whole set: %s has no meaning for it",
                       optimizer->type->name, idle);
    if (nb_trainer_check_pieces(ctx, pieces_of(ctx, options)) != NB_OK) return ctx->status;
    if (options->patience && !options->valid)
        return nb_fail(ctx, NB_EARG,
                       "patience waits for a lower cost on valid, and there is no valid; "
                       "set:split(0.9) gives a part to hold back");
    if (options->metrics && !options->valid && !options->test)
        return nb_fail(ctx, NB_EARG,
                       "metrics are measured on valid, else on test, and there is neither");
    return NB_OK;
}

static nb_status check(nb_ctx *ctx, const nb_net *net, const nb_set *set,
                       const nb_trainer_options *options)
{
    nb_status status = check_options(ctx, options);
    if (status == NB_OK) status = nb_net_check_cost(ctx, net);
    if (status == NB_OK) status = nb_learn_check(ctx, net, options->optimizer, &options->penalty);
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    if (status == NB_OK) status = check_other(ctx, net, options->valid, "valid");
    if (status == NB_OK) status = check_other(ctx, net, options->test, "test");
    if (status == NB_OK)
        status = nb_optimizer_prepare(ctx, options->optimizer, net->dtype, nb_net_count(net));
    if (status == NB_OK && set->count > INT32_MAX)
        status = nb_fail(ctx, NB_EARG, "a set of more than %d examples", INT32_MAX);
    return status;
}

static void begin_history(nb_trainer *t, const nb_trainer_options *options)
{
    t->history.pieces = t->course.pieces;
    t->history.metrics = t->metrics ? t->metrics->count : 0;
    for (int i = 0; i < t->history.metrics; i++)
        memcpy(t->history.metric[i], options->metric_names[i], NB_NAME_MAX);
}

nb_trainer *nb_trainer_new(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_trainer_options *options)
{
    bool whole = options->optimizer->type->whole;
    if (check(ctx, net, set, options) != NB_OK) return NULL;
    nb_optimizer_begin(options->optimizer);
    nb_trainer *t = nb_alloc(ctx, sizeof *t);
    if (!t) return NULL;
    *t = (nb_trainer){.net = nb_net_retain(net),
                      .set = nb_set_retain(set),
                      .valid = options->valid ? nb_set_retain(options->valid) : NULL,
                      .test = options->test ? nb_set_retain(options->test) : NULL,
                      .optimizer = options->optimizer,
                      .options = options->optimizer->options,
                      .seed_told = options->seed_told,
                      .flow_told = options->flow_told,
                      .pieces_told = options->pieces > 0,
                      .course = {.count = set->count,
                                 .size = whole ? set->count : options->batch,
                                 .group = options->accumulate > 1 ? options->accumulate : 1,
                                 .pieces = pieces_of(ctx, options),
                                 .seed = options->seed,
                                 .shuffle = options->shuffle && !whole},
                      .metrics = options->metrics,
                      .augment = options->augment,
                      .augmenter = options->augmenter,
                      .patience = options->patience,
                      .penalty = nb_penalty_per(&options->penalty, set->count),
                      .pace = options->pace,
                      .began = nb_clock(),
                      .keep_grads = options->keep_grads};
    begin_history(t, options);
    t->before = nb_schema_retain(&net->schema);
    t->lessons = nb_net_root(net)->lessons;
    t->order = nb_alloc(ctx, (size_t)set->count * sizeof *t->order);
    bool takes = t->order &&
                 nb_weights_read(ctx, net, set, options->weights, &t->weights) == NB_OK &&
                 (!options->flow || nb_flow_begin(ctx, net, &t->history.flow) == NB_OK) &&
                 nb_net_take_schema(ctx, net, set) == NB_OK;
    t->taken = nb_schema_retain(&net->schema);
    if (takes && nb_turned_begin(ctx, &t->turned, t->net, set, t->optimizer) == NB_OK) return t;
    nb_trainer_free(ctx, t);
    return NULL;
}

/* The network is as the trainer found it, but for what it took from the set. */
static bool is_untouched(const nb_trainer *t)
{
    return t->course.steps == 0 && nb_net_root(t->net)->lessons == t->lessons &&
           !memcmp(&t->net->schema, &t->taken, sizeof t->taken);
}

/* What no step was made with the network has not learned. */
static void give_back(nb_ctx *ctx, nb_trainer *t)
{
    if (is_untouched(t)) {
        nb_schema_release(ctx, &t->net->schema);
        t->net->schema = nb_schema_retain(&t->before);
    }
    nb_schema_release(ctx, &t->before);
    nb_schema_release(ctx, &t->taken);
}

void nb_trainer_free(nb_ctx *ctx, nb_trainer *t)
{
    if (!t) return;
    nb_turned_end(ctx, &t->turned);
    give_back(ctx, t);
    nb_trainer_drop_buffers(ctx, t);
    if (t->order) nb_free(ctx, t->order, (size_t)t->course.count * sizeof *t->order);
    nb_weights_free(ctx, &t->weights);
    nb_history_free(ctx, &t->history);
    nb_net_release(ctx, t->net);
    nb_set_release(ctx, t->set);
    nb_set_release(ctx, t->valid);
    nb_set_release(ctx, t->test);
    nb_net_drop(ctx, t->best);
    nb_free(ctx, t, sizeof *t);
}

bool nb_trainer_is_whole(const nb_trainer *t)
{
    return t->course.epoch == 0 || t->course.examples == t->course.count;
}

double nb_course_cost(const nb_course *at)
{
    return at->weight > 0 ? at->sum / at->weight : 0;
}

double nb_trainer_seconds(const nb_trainer *t)
{
    return t->history.seconds + nb_clock() - t->began;
}

/* ---- Steps ---- */

static void count_batch(nb_course *at, int64_t n, double cost, double weight)
{
    at->batch++;
    at->steps++;
    at->examples += n;
    at->sum += cost * weight;
    at->weight += weight;
}

int64_t nb_course_updates(const nb_course *at)
{
    int64_t steps = nb_parts_of(nb_parts_of(at->count, at->size), at->group);
    return at->epoch ? (at->epoch - 1) * steps + nb_parts_of(at->batch, at->group) : 0;
}

static void count_prepared(nb_course *at, const nb_prepared *one, const nb_outcome *outcome)
{
    count_batch(at, one->n, outcome->cost, outcome->counts);
}

/* Of a lesson whose x and y were finite. No rate helps parameters that were not so before it. */
static nb_status diverged(nb_ctx *ctx, const nb_trainer *t, const nb_lesson *lesson,
                          nb_status status)
{
    const nb_tensor *values = t->net->values;
    size_t count = (size_t)nb_net_count(t->net);
    if (status != NB_EVALUE || nb_peers_were_told(ctx, t->joints)) return status;
    if (nb_real(values->dtype)->finite(count, nb_tensor_data(values)))
        nb_fail(ctx, status, "%s; a smaller lr than %g may help, after net:reset()", ctx->message,
                lesson->rate);
    return status;
}

void nb_trainer_settle(nb_trainer *t)
{
    nb_turned_settle(&t->turned);
}

/* A step on a batch, of rows as they were given, or as it was prepared to be looked at. */
static nb_status learn_rows(nb_ctx *ctx, nb_trainer *t, const nb_lesson *given, nb_outcome *outcome)
{
    nb_lesson lesson = *given;
    nb_tensor *rows = NULL;
    nb_status status = NB_OK;
    bool none = !lesson.x; /* of the pieces' this process has none */
    bool takes = nb_takes_rows(t, lesson.cut ? lesson.cut->rows : lesson.x->shape[0]);
    if (takes && !none && !nb_thinned_of(lesson.x))
        rows = lesson.x = nb_turned_rows_of(ctx, &t->turned, lesson.x);
    if (!takes)
        nb_trainer_settle(t);
    else
        status = none || lesson.x ? nb_turned_take(ctx, &t->turned, &lesson) : ctx->status;
    if (status == NB_OK)
        status =
            diverged(ctx, t, &lesson,
                     lesson.cut ? nb_learn_cut(ctx, t->net, t->optimizer, &lesson, outcome)
                                : nb_learn(ctx, t->net, t->optimizer, &lesson, &outcome->cost));
    if (!t->unseen || status != NB_OK) nb_trainer_settle(t);
    nb_tensor_release(ctx, rows);
    return status;
}

/* The next batch is a step; it was prepared already where `step` is one. */
static nb_status learn_batch(nb_ctx *ctx, nb_trainer *t, nb_course *at, const nb_step *step,
                             double *cost)
{
    nb_prepared own = {.weight = 0};
    nb_status status = step ? NB_OK : nb_prepare(ctx, t, at, false, &own);
    const nb_prepared *one = step ? step->part : &own;
    nb_outcome outcome = {.counts = one->weight};
    if (status == NB_OK) status = learn_rows(ctx, t, &one->lesson, &outcome);
    if (status == NB_OK) count_prepared(at, one, &outcome);
    *cost = outcome.cost;
    nb_prepared_free(ctx, &own);
    return status;
}

/* All examples, for an optimizer that works on the whole set. */
static nb_status learn_whole(nb_ctx *ctx, nb_trainer *t, nb_course *at, double *cost)
{
    const nb_whole whole = {.net = t->net,
                            .set = t->set,
                            .order = t->order,
                            .weights = t->weights.of ? &t->weights : NULL};
    const nb_cut cut = nb_cut_of(ctx, at->count, at->pieces);
    const nb_lesson lesson = {.whole = &whole,
                              .cut = at->pieces > 1 ? &cut : NULL,
                              .penalty = t->penalty,
                              .seed = at->seed,
                              .step = (uint64_t)at->steps,
                              .keep_grads = true};
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = nb_learn(ctx, t->net, t->optimizer, &lesson, cost);
    if (status == NB_OK) count_batch(at, at->count, *cost, 1);
    return status;
}

static nb_status add_batch(nb_ctx *ctx, nb_trainer *t, nb_course *at, const nb_step *step,
                           nb_group *group)
{
    nb_prepared own = {.weight = 0};
    nb_status status = step ? NB_OK : nb_prepare(ctx, t, at, false, &own);
    const nb_prepared *one = step ? step->part + group->lessons : &own;
    const nb_lesson *lesson = &one->lesson;
    nb_outcome outcome = {.counts = one->weight};
    if (status == NB_OK)
        status = diverged(
            ctx, t, lesson,
            lesson->cut ? nb_group_add_cut(ctx, t->net, group, lesson, &outcome)
                        : nb_group_add(ctx, t->net, group, lesson, one->weight, &outcome.cost));
    if (status == NB_OK) count_prepared(at, one, &outcome);
    nb_prepared_free(ctx, &own);
    return status;
}

/* The next batches are a step: as many as make one, or as the epoch has. */
static nb_status learn_group(nb_ctx *ctx, nb_trainer *t, nb_course *at, const nb_step *step,
                             double *cost)
{
    const nb_course before = *at;
    nb_group group = {.lessons = 0};
    const nb_lesson as = {.rate = at->rate, .penalty = t->penalty};
    nb_status status = NB_OK;
    while (status == NB_OK && group.lessons < at->group && at->examples < at->count)
        status = add_batch(ctx, t, at, step, &group);
    double weight = at->weight - before.weight;
    *cost = weight > 0 ? (at->sum - before.sum) / weight : 0;
    if (status == NB_OK)
        return diverged(ctx, t, &as, nb_group_step(ctx, t->net, t->optimizer, &group, &as));
    nb_group_drop(ctx, t->net, &group);
    return status;
}

static nb_status learn(nb_ctx *ctx, nb_trainer *t, nb_course *at, const nb_step *step, double *cost)
{
    if (t->optimizer->type->whole) return learn_whole(ctx, t, at, cost);
    return at->group > 1 ? learn_group(ctx, t, at, step, cost)
                         : learn_batch(ctx, t, at, step, cost);
}

/* Where it happened goes before the message; Ctrl-C and errors of callbacks stay as they are. */
static nb_status placed(nb_ctx *ctx, const nb_trainer *t, const nb_course *at, nb_status status)
{
    if (status == NB_OK || status == NB_EINTERRUPT || status == NB_ECALLBACK) return status;
    if (nb_peers_were_told(ctx, t->joints)) return status;
    nb_fail_in(ctx, "epoch %lld, batch %lld", (long long)at->epoch, (long long)at->batch + 1);
    return status;
}

/* What the next step begins with: the last epoch has ended, and where this is the first step of
 * one, that has an order. */
static nb_status begin_step(nb_ctx *ctx, nb_trainer *t, nb_course *at)
{
    nb_status status = nb_trainer_end_epoch(ctx, t);
    if (status != NB_OK) return status;
    *at = t->course;
    if (nb_trainer_is_whole(t)) {
        at->epoch++;
        at->batch = at->examples = 0;
        at->sum = at->weight = 0;
    }
    /* What is learned is never without its entry. */
    status = nb_history_reserve(ctx, &t->history, 1);
    if (status == NB_OK) status = nb_trainer_order(ctx, t, at->epoch);
    if (status == NB_OK) status = nb_trainer_rate(ctx, t, at);
    return placed(ctx, t, at, status);
}

static nb_status make_step(nb_ctx *ctx, nb_trainer *t, nb_course *at, const nb_step *step,
                           double *cost)
{
    nb_status status = learn(ctx, t, at, step, cost);
    if (status != NB_OK) return placed(ctx, t, at, status);
    t->history.examples += at->examples - (nb_trainer_is_whole(t) ? 0 : t->course.examples);
    t->course = *at;
    t->course.cost = *cost;
    return NB_OK;
}

/* In several processes all make the step, or none does. */
static nb_status settle(nb_ctx *ctx, const nb_trainer *t, nb_status status)
{
    return nb_peers_settle(ctx, t->joints, NB_PEERS_STEP, (uint64_t)t->course.steps, status);
}

nb_status nb_trainer_step(nb_ctx *ctx, nb_trainer *t, double *cost)
{
    nb_course at;
    t->joints = nb_peers_joints(ctx);
    nb_status status = begin_step(ctx, t, &at);
    if (status == NB_OK) status = make_step(ctx, t, &at, NULL, cost);
    return settle(ctx, t, status);
}

nb_status nb_trainer_make(nb_ctx *ctx, nb_trainer *t, const nb_step *step, double *cost)
{
    nb_course at = step->at;
    t->joints = nb_peers_joints(ctx);
    return settle(ctx, t, make_step(ctx, t, &at, step, cost));
}

/* Room for as many batches as the step has. */
static nb_status begin_parts(nb_ctx *ctx, nb_step *step)
{
    const nb_course *at = &step->at;
    int64_t left = nb_parts_of(at->count - at->examples, at->size);
    step->room = left < at->group ? left : at->group;
    step->part = nb_alloc_zero(ctx, (size_t)step->room, sizeof *step->part);
    return step->part ? NB_OK : ctx->status;
}

nb_status nb_trainer_prepare(nb_ctx *ctx, nb_trainer *t, nb_step *step)
{
    *step = (nb_step){.parts = 0};
    t->joints = nb_peers_joints(ctx);
    if (t->optimizer->type->whole)
        return nb_fail(ctx, NB_EARG,
                       "%s looks at the whole set several times in a step, so a step has no batch "
                       "to go through layer by layer",
                       t->optimizer->type->name);
    nb_status status = begin_step(ctx, t, &step->at);
    if (status == NB_OK) status = begin_parts(ctx, step);
    nb_course ahead = step->at;
    while (status == NB_OK && step->parts < step->room) {
        nb_prepared *one = &step->part[step->parts++];
        status = nb_prepare(ctx, t, &ahead, true, one);
        if (status == NB_OK) count_prepared(&ahead, one, &(nb_outcome){.counts = one->weight});
        placed(ctx, t, &ahead, status);
    }
    if (status != NB_OK) nb_step_free(ctx, step);
    return status;
}

void nb_step_free(nb_ctx *ctx, nb_step *step)
{
    for (int64_t i = 0; i < step->parts; i++) nb_prepared_free(ctx, &step->part[i]);
    if (step->part) nb_free(ctx, step->part, (size_t)step->room * sizeof *step->part);
    *step = (nb_step){.parts = 0};
}

/* NaN twice where there is no set. */
static nb_status judge(nb_ctx *ctx, const nb_trainer *t, const nb_set *set,
                       nb_metrics_asked *metrics, double *cost, double *accuracy)
{
    nb_evaluation result;
    *cost = *accuracy = NAN;
    if (!set) return NB_OK;
    nb_status status = nb_evaluate_with(ctx, t->net, set, NULL, metrics, &result);
    if (status != NB_OK) return status;
    *cost = result.cost;
    *accuracy = nb_evaluation_accuracy(&result);
    return NB_OK;
}

/* Whether patience keeps what the network is after this epoch. */
static bool is_best(const nb_trainer *t, const nb_epoch *epoch)
{
    if (!t->patience) return false;
    if (!t->best[0]) return !isnan(epoch->valid_cost);
    return epoch->valid_cost < t->history.epoch[t->course.best - 1].valid_cost;
}

/* The only step that can fail is the first one. */
static nb_status keep_best(nb_ctx *ctx, nb_trainer *t, int64_t epoch)
{
    nb_status status = NB_OK;
    if (t->best[0])
        nb_net_copy(t->net, t->best);
    else
        status = nb_net_keep(ctx, t->net, t->best);
    if (status == NB_OK) t->course.best = epoch;
    return status;
}

nb_status nb_trainer_end_epoch(nb_ctx *ctx, nb_trainer *t)
{
    const nb_course *at = &t->course;
    nb_history *history = &t->history;
    bool whole = t->optimizer->type->whole;
    nb_epoch epoch = {.cost = nb_course_cost(at), .lr = whole ? NAN : at->rate};
    nb_metrics_asked *of_test = t->valid ? NULL : t->metrics;
    if (!nb_trainer_is_whole(t) || history->epochs == at->epoch) return NB_OK;
    nb_trainer_settle(t);
    nb_status status = nb_history_reserve(ctx, history, 1);
    if (status == NB_OK)
        status = judge(ctx, t, t->valid, t->metrics, &epoch.valid_cost, &epoch.valid_accuracy);
    if (status == NB_OK)
        status = judge(ctx, t, t->test, of_test, &epoch.test_cost, &epoch.accuracy);
    if (status == NB_OK && history->flow.places)
        status = nb_flow_measure(ctx, t->net, t->set, &t->weights,
                                 nb_flow_at(&history->flow, history->epochs, 0));
    if (status == NB_OK && is_best(t, &epoch)) status = keep_best(ctx, t, at->epoch);
    if (status != NB_OK) return status;
    for (int i = 0; i < history->metrics; i++) epoch.metric[i] = t->metrics->value[i];
    epoch.elapsed = nb_trainer_seconds(t);
    history->epoch[history->epochs++] = epoch;
    return NB_OK;
}

nb_status nb_trainer_recall_epoch(nb_ctx *ctx, nb_trainer *t)
{
    nb_history *history = &t->history;
    nb_status status = NB_OK;
    if (is_best(t, &history->epoch[history->epochs])) status = keep_best(ctx, t, t->course.epoch);
    if (status == NB_OK) history->epochs++;
    return status;
}

bool nb_trainer_is_done(const nb_trainer *t)
{
    bool waited = t->patience && t->history.epochs - t->course.best >= t->patience;
    return waited || nb_optimizer_done(t->optimizer);
}

void nb_trainer_take_best(nb_trainer *t)
{
    if (!t->best[0]) return;
    nb_net_put_back(t->net, t->best);
    t->history.best = t->course.best;
}

nb_status nb_trainer_epoch(nb_ctx *ctx, nb_trainer *t)
{
    double cost;
    nb_status status;
    do status = nb_trainer_step(ctx, t, &cost);
    while (status == NB_OK && !nb_trainer_is_whole(t));
    return status == NB_OK ? nb_trainer_end_epoch(ctx, t) : status;
}
