/* The training loop: the book's algorithm, epoch by epoch, batch by batch. */
#include "nn/train/train.h"

#include <math.h>
#include <time.h>

typedef struct run {
    nb_ctx *ctx;
    nb_net *net;
    const nb_set *set;
    const nb_train_options *options;
    nb_history *history;
    int32_t *order;             /* positions in the set, shuffled anew in every epoch */
    nb_tensor *x, *y;           /* of a whole batch */
    nb_tensor *rest_x, *rest_y; /* of the last, shorter one */
    nb_progress progress;
    double began;
    double sum; /* of costs times examples in this epoch */
    bool stop;
} run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void nb_history_free(nb_ctx *ctx, nb_history *history)
{
    nb_free(ctx, history->epoch, (size_t)history->room * sizeof *history->epoch);
    *history = (nb_history){.epochs = 0};
}

/* Room for one epoch more, made before it begins: what was learned is then never without its entry.
 */
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

static nb_status check_options(nb_ctx *ctx, const nb_train_options *options)
{
    double lr = options->optimizer->options.lr;
    if (options->epochs < 1)
        return nb_fail(ctx, NB_EARG, "epochs must be at least 1, not %lld",
                       (long long)options->epochs);
    if (options->batch < 1)
        return nb_fail(ctx, NB_EARG, "batch must be at least 1, not %lld",
                       (long long)options->batch);
    if (!(lr > 0) || !isfinite(lr))
        return nb_fail(ctx, NB_EARG, "lr must be a number above 0, not %g", lr);
    return NB_OK;
}

/* A buffer that somebody kept (a function of the host may) is not written again. */
static bool is_ours(const nb_tensor *t)
{
    return t && t->refs == 1 && t->storage->refs == 1;
}

static nb_status make_buffers(run *r, int64_t n, nb_tensor **x, nb_tensor **y)
{
    if (is_ours(*x) && is_ours(*y)) return NB_OK;
    nb_tensor_release(r->ctx, *x);
    nb_tensor_release(r->ctx, *y);
    *x = *y = NULL;
    return nb_batch_new(r->ctx, r->net, r->set, n, x, y);
}

static nb_status start(run *r)
{
    nb_ctx *ctx = r->ctx;
    int64_t n = r->set->count;
    nb_status status = check_options(ctx, r->options);
    if (status == NB_OK) status = nb_set_check(ctx, r->net, r->set);
    if (status == NB_OK && r->options->test) {
        status = nb_set_check(ctx, r->net, r->options->test);
        if (status != NB_OK) nb_fail_in(ctx, "test");
    }
    if (status == NB_OK) status = nb_optimizer_prepare(ctx, r->options->optimizer, r->net);
    if (status != NB_OK) return status;
    if (n > INT32_MAX) return nb_fail(ctx, NB_EARG, "a set of more than %d examples", INT32_MAX);
    r->order = nb_alloc(ctx, (size_t)n * sizeof *r->order);
    if (!r->order) return ctx->status;
    for (int64_t i = 0; i < n; i++) r->order[i] = (int32_t)i;
    r->progress.epochs = r->options->epochs;
    r->progress.batches = (n + r->options->batch - 1) / r->options->batch;
    r->began = now();
    return NB_OK;
}

static void finish(run *r)
{
    nb_ctx *ctx = r->ctx;
    nb_tensor_release(ctx, r->x);
    nb_tensor_release(ctx, r->y);
    nb_tensor_release(ctx, r->rest_x);
    nb_tensor_release(ctx, r->rest_y);
    if (r->order) nb_free(ctx, r->order, (size_t)r->set->count * sizeof *r->order);
    r->history->seconds = now() - r->began;
}

static nb_status report(run *r, nb_train_hook *hook)
{
    r->progress.seconds = now() - r->began;
    r->progress.rate = (double)r->history->examples / fmax(r->progress.seconds, 1e-9);
    return hook(r->ctx, r->options->self, &r->progress, &r->stop);
}

/* Hooks after a batch. The mean so far goes to whoever shows progress, the batch's own cost to
 * on_batch. */
static nb_status after_batch(run *r, double cost)
{
    bool ignored = r->stop;
    r->progress.cost = r->sum / (double)r->progress.examples;
    if (r->options->on_progress) {
        report(r, r->options->on_progress);
        r->stop = ignored;
    }
    r->progress.cost = cost;
    return r->options->on_batch ? report(r, r->options->on_batch) : NB_OK;
}

static nb_status run_batch(run *r, int64_t first, int64_t n)
{
    nb_ctx *ctx = r->ctx;
    bool whole = n == r->options->batch;
    nb_tensor **x = whole ? &r->x : &r->rest_x, **y = whole ? &r->y : &r->rest_y;
    double cost = 0;
    int64_t ahead = r->set->count - first - n < n ? r->set->count - first - n : n;
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = make_buffers(r, n, x, y);
    if (status == NB_OK) status = nb_set_gather(ctx, r->set, r->order + first, 0, n, ahead, *x, *y);
    if (status == NB_OK)
        status = nb_optimizer_step(ctx, r->options->optimizer, r->net, *x, *y,
                                   r->options->on_batch != NULL, &cost);
    if (status != NB_OK) return status;
    r->progress.examples += n;
    r->history->examples += n;
    r->sum += cost * (double)n;
    return after_batch(r, cost);
}

/* Where it happened goes before the message; Ctrl-C and errors of callbacks stay as they are. */
static nb_status placed(run *r, nb_status status)
{
    if (status == NB_OK || status == NB_EINTERRUPT || status == NB_ECALLBACK) return status;
    nb_fail_in(r->ctx, "epoch %lld, batch %lld", (long long)r->progress.epoch,
               (long long)r->progress.batch);
    return status;
}

static nb_status end_epoch(run *r)
{
    nb_epoch epoch = {r->sum / (double)r->set->count, NAN, NAN, 0};
    nb_progress *p = &r->progress;
    p->accuracy = p->test_cost = NAN;
    if (r->options->test) {
        nb_evaluation test;
        nb_status status = nb_evaluate(r->ctx, r->net, r->options->test, &test);
        if (status != NB_OK) return status;
        epoch.test_cost = p->test_cost = test.cost;
        epoch.accuracy = p->accuracy = nb_evaluation_accuracy(&test);
    }
    epoch.seconds = now() - r->began;
    r->history->epoch[r->history->epochs++] = epoch;
    p->batch = 0;
    p->cost = epoch.cost;
    bool stop = r->stop;
    if (r->options->on_progress) {
        report(r, r->options->on_progress);
        r->stop = stop;
    }
    return r->options->on_epoch ? report(r, r->options->on_epoch) : NB_OK;
}

static nb_status run_epoch(run *r)
{
    int64_t n = r->set->count, batch = r->options->batch;
    nb_status status = reserve_epoch(r->ctx, r->history);
    if (r->options->shuffle) {
        nb_stream stream =
            nb_stream_make(r->options->seed, NB_FOR_SHUFFLE, (uint64_t)r->progress.epoch);
        nb_random_shuffle(&stream, r->order, (size_t)n);
    }
    r->sum = 0;
    r->progress.examples = 0;
    r->progress.batch = 0;
    r->progress.accuracy = r->progress.test_cost = NAN;
    for (int64_t first = 0; first < n && status == NB_OK && !r->stop; first += batch) {
        r->progress.batch++;
        status = placed(r, run_batch(r, first, n - first < batch ? n - first : batch));
    }
    if (status != NB_OK || (r->stop && r->progress.examples < n)) return status;
    return end_epoch(r);
}

nb_status nb_train(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_train_options *options,
                   nb_history *history)
{
    run r = {.ctx = ctx, .net = net, .set = set, .options = options, .history = history};
    r.began = now();
    nb_status status = start(&r);
    while (status == NB_OK && !r.stop && r.progress.epoch < options->epochs) {
        r.progress.epoch++;
        status = run_epoch(&r);
    }
    finish(&r);
    return status;
}
