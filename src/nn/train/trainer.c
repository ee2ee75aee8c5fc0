/* A run of training: its steps, the ends of its epochs, and its snapshots. */
#include "nn/train/trainer.h"

#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* ---- History ---- */

void nb_history_free(nb_ctx *ctx, nb_history *history)
{
    nb_free(ctx, history->epoch, (size_t)history->room * sizeof *history->epoch);
    *history = (nb_history){.epochs = 0};
}

static nb_status copy_history(nb_ctx *ctx, nb_history *to, const nb_history *from)
{
    size_t bytes = (size_t)from->epochs * sizeof *from->epoch;
    *to = *from;
    to->room = from->epochs;
    to->epoch = NULL;
    if (!bytes) return NB_OK;
    to->epoch = nb_alloc(ctx, bytes);
    if (!to->epoch) return ctx->status;
    memcpy(to->epoch, from->epoch, bytes);
    return NB_OK;
}

/* Room for one epoch more. */
static nb_status reserve_epoch(nb_ctx *ctx, nb_history *history)
{
    size_t size = sizeof *history->epoch;
    if (history->epochs < history->room) return NB_OK;
    int64_t room = history->room ? 2 * history->room : 16;
    nb_epoch *list =
        nb_resize(ctx, history->epoch, (size_t)history->room * size, (size_t)room * size);
    if (!list) return ctx->status;
    history->epoch = list;
    history->room = room;
    return NB_OK;
}

/* ---- A trainer ---- */

static nb_status check(nb_ctx *ctx, const nb_net *net, const nb_set *set,
                       const nb_trainer_options *options)
{
    double lr = options->optimizer->options.lr;
    if (options->batch < 1)
        return nb_fail(ctx, NB_EARG, "batch must be at least 1, not %lld",
                       (long long)options->batch);
    if (!(lr > 0) || !isfinite(lr))
        return nb_fail(ctx, NB_EARG, "lr must be a number above 0, not %g", lr);
    nb_status status = nb_net_check_cost(ctx, net);
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    if (status == NB_OK && options->test) {
        status = nb_set_check(ctx, net, options->test);
        if (status != NB_OK) nb_fail_in(ctx, "test");
    }
    if (status == NB_OK)
        status = nb_optimizer_prepare(ctx, options->optimizer, net->dtype, nb_net_count(net));
    if (status == NB_OK && set->count > INT32_MAX)
        status = nb_fail(ctx, NB_EARG, "a set of more than %d examples", INT32_MAX);
    return status;
}

nb_trainer *nb_trainer_new(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_trainer_options *options)
{
    if (check(ctx, net, set, options) != NB_OK) return NULL;
    nb_trainer *t = nb_alloc(ctx, sizeof *t);
    if (!t) return NULL;
    *t = (nb_trainer){.net = nb_net_retain(net),
                      .set = nb_set_retain(set),
                      .test = options->test ? nb_set_retain(options->test) : NULL,
                      .optimizer = options->optimizer,
                      .course = {.count = set->count,
                                 .size = options->batch,
                                 .seed = options->seed,
                                 .shuffle = options->shuffle},
                      .began = nb_clock(),
                      .keep_grads = options->keep_grads};
    t->order = nb_alloc(ctx, (size_t)set->count * sizeof *t->order);
    if (t->order && nb_weights_read(ctx, net, set, options->weights, &t->weights) == NB_OK)
        return t;
    nb_trainer_free(ctx, t);
    return NULL;
}

static void drop_buffers(nb_ctx *ctx, nb_tensor **x, nb_tensor **y)
{
    nb_tensor_release(ctx, *x);
    nb_tensor_release(ctx, *y);
    *x = *y = NULL;
}

void nb_trainer_free(nb_ctx *ctx, nb_trainer *t)
{
    if (!t) return;
    drop_buffers(ctx, &t->x, &t->y);
    drop_buffers(ctx, &t->rest_x, &t->rest_y);
    if (t->order) nb_free(ctx, t->order, (size_t)t->course.count * sizeof *t->order);
    nb_weights_free(ctx, &t->weights);
    nb_history_free(ctx, &t->history);
    nb_net_release(ctx, t->net);
    nb_set_release(ctx, t->set);
    nb_set_release(ctx, t->test);
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

/* The rate of the step to come. */
static double rate_of(const nb_trainer *t)
{
    return t->optimizer->options.lr;
}

/* Of an order that Ctrl-C left half made nothing is used. */
static nb_status make_order(nb_ctx *ctx, nb_trainer *t, int64_t epoch)
{
    nb_status status = NB_OK;
    if (t->ordered == epoch) return NB_OK;
    t->ordered = 0;
    for (int64_t i = 0; i < t->course.count; i++) t->order[i] = (int32_t)i;
    if (t->course.shuffle) {
        nb_stream stream = nb_stream_make(t->course.seed, NB_FOR_SHUFFLE, (uint64_t)epoch);
        status = nb_random_shuffle(ctx, &stream, t->order, (size_t)t->course.count);
    }
    if (status == NB_OK) t->ordered = epoch;
    return status;
}

/* A buffer that somebody kept (a function of the host may) is not written again. */
static bool is_ours(const nb_tensor *t, int64_t n)
{
    return t && t->refs == 1 && t->storage->refs == 1 && t->shape[0] == n;
}

static nb_status make_buffers(nb_ctx *ctx, const nb_trainer *t, int64_t n, nb_tensor **x,
                              nb_tensor **y)
{
    if (is_ours(*x, n) && is_ours(*y, n)) return NB_OK;
    drop_buffers(ctx, x, y);
    return nb_batch_new(ctx, t->net, t->set, n, x, y);
}

/* The batch of n examples behind those that `at` has done; *weight: how much it counts. */
static nb_status learn_batch(nb_ctx *ctx, nb_trainer *t, const nb_course *at, int64_t n,
                             double *cost, double *weight)
{
    int64_t left = at->count - at->examples - n;
    nb_tensor **x = n == at->size ? &t->x : &t->rest_x, **y = n == at->size ? &t->y : &t->rest_y;
    nb_batch batch;
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = make_buffers(ctx, t, n, x, y);
    if (status == NB_OK)
        status = nb_batch_gather(ctx, t->set, t->order + at->examples, 0, n, left < n ? left : n,
                                 *x, *y, &batch);
    if (status != NB_OK) return status;
    nb_lesson lesson = {.x = batch.x,
                        .y = batch.y,
                        .lengths = batch.lengths,
                        .rate = rate_of(t),
                        .seed = at->seed,
                        .step = (uint64_t)at->steps,
                        .keep_grads = t->keep_grads};
    status = nb_weights_gather(ctx, &t->weights, t->net, t->set, t->order + at->examples, &batch,
                               &lesson.weights, weight);
    if (status == NB_OK) status = nb_learn(ctx, t->net, t->optimizer, &lesson, cost);
    nb_tensor_release(ctx, lesson.weights);
    nb_batch_free(ctx, &batch);
    /* x and y were finite. */
    if (status == NB_EVALUE)
        nb_fail(ctx, status, "%s; a smaller lr than %g may help, after net:reset()", ctx->message,
                lesson.rate);
    return status;
}

/* Where it happened goes before the message; Ctrl-C and errors of callbacks stay as they are. */
static nb_status placed(nb_ctx *ctx, const nb_course *at, nb_status status)
{
    if (status == NB_OK || status == NB_EINTERRUPT || status == NB_ECALLBACK) return status;
    nb_fail_in(ctx, "epoch %lld, batch %lld", (long long)at->epoch, (long long)at->batch + 1);
    return status;
}

nb_status nb_trainer_step(nb_ctx *ctx, nb_trainer *t, double *cost)
{
    nb_status status = nb_trainer_end_epoch(ctx, t);
    if (status != NB_OK) return status;
    nb_course at = t->course;
    double weight;
    if (nb_trainer_is_whole(t)) {
        at.epoch++;
        at.batch = at.examples = 0;
        at.sum = at.weight = 0;
    }
    int64_t left = at.count - at.examples, n = left < at.size ? left : at.size;
    /* What is learned is never without its entry. */
    status = reserve_epoch(ctx, &t->history);
    if (status == NB_OK) status = make_order(ctx, t, at.epoch);
    if (status == NB_OK) status = learn_batch(ctx, t, &at, n, cost, &weight);
    if (status != NB_OK) return placed(ctx, &at, status);
    at.batch++;
    at.steps++;
    at.examples += n;
    at.sum += *cost * weight;
    at.weight += weight;
    t->course = at;
    t->history.examples += n;
    return NB_OK;
}

nb_status nb_trainer_end_epoch(nb_ctx *ctx, nb_trainer *t)
{
    const nb_course *at = &t->course;
    nb_epoch epoch = {.cost = nb_course_cost(at), .test_cost = NAN, .accuracy = NAN};
    if (!nb_trainer_is_whole(t) || t->history.epochs == at->epoch) return NB_OK;
    nb_status status = reserve_epoch(ctx, &t->history);
    if (status == NB_OK && t->test) {
        nb_evaluation test;
        status = nb_evaluate(ctx, t->net, t->test, &test);
        epoch.test_cost = test.cost;
        epoch.accuracy = nb_evaluation_accuracy(&test);
    }
    if (status != NB_OK) return status;
    epoch.seconds = nb_trainer_seconds(t);
    epoch.lr = rate_of(t);
    t->history.epoch[t->history.epochs++] = epoch;
    return NB_OK;
}

nb_status nb_trainer_epoch(nb_ctx *ctx, nb_trainer *t)
{
    double cost;
    nb_status status;
    do status = nb_trainer_step(ctx, t, &cost);
    while (status == NB_OK && !nb_trainer_is_whole(t));
    return status == NB_OK ? nb_trainer_end_epoch(ctx, t) : status;
}

/* ---- Snapshots ---- */

void nb_snapshot_free(nb_ctx *ctx, nb_snapshot *s)
{
    if (!s) return;
    for (int i = 0; i < NB_NET_STATE; i++) nb_tensor_release(ctx, s->net[i]);
    nb_optimizer_free(ctx, &s->optimizer);
    nb_history_free(ctx, &s->history);
    nb_free(ctx, s, sizeof *s);
}

nb_snapshot *nb_trainer_save(nb_ctx *ctx, const nb_trainer *t)
{
    nb_snapshot *s = nb_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return NULL;
    s->course = t->course;
    nb_status status = nb_net_keep(ctx, t->net, s->net);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &s->optimizer, t->optimizer);
    if (status == NB_OK) status = copy_history(ctx, &s->history, &t->history);
    s->history.seconds = nb_trainer_seconds(t);
    if (status == NB_OK) return s;
    nb_snapshot_free(ctx, s);
    return NULL;
}

static nb_status check_snapshot(nb_ctx *ctx, const nb_trainer *t, const nb_snapshot *s)
{
    const char *was = s->optimizer.type->name, *is = t->optimizer->type->name;
    if (s->optimizer.type != t->optimizer->type)
        return nb_fail(ctx, NB_EARG, "this is a snapshot of a run with %s; this one has %s", was,
                       is);
    if (s->course.count != t->course.count)
        return nb_fail(ctx, NB_EARG,
                       "this is a snapshot of a run on %lld examples; this one has %lld",
                       (long long)s->course.count, (long long)t->course.count);
    return nb_net_check_kept(ctx, t->net, s->net);
}

nb_status nb_trainer_restore(nb_ctx *ctx, nb_trainer *t, const nb_snapshot *s)
{
    nb_optimizer optimizer;
    nb_history history;
    nb_status status = check_snapshot(ctx, t, s);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &optimizer, &s->optimizer);
    if (status != NB_OK) return status;
    status = copy_history(ctx, &history, &s->history);
    if (status != NB_OK) {
        nb_optimizer_free(ctx, &optimizer);
        return status;
    }
    nb_net_put_back(t->net, s->net);
    nb_optimizer_free(ctx, t->optimizer);
    *t->optimizer = optimizer;
    nb_history_free(ctx, &t->history);
    t->history = history;
    t->course = s->course;
    t->ordered = 0;
    t->began = nb_clock();
    return NB_OK;
}
