/* A trainer's steps, epoch by epoch, the hooks after them, and the files between. */
#include "nn/train/run/loop.h"

#include "base/clock.h"
#include "base/processes/peers.h"
#include "nn/train/run/alike.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    NOTE_MAX = NB_MESSAGE_MAX + 80,
    SMALL_BATCH = 64 /* examples, under which pieces do not pay */
};

static nb_progress progress_of(const nb_loop *l)
{
    const nb_trainer *t = l->trainer;
    const nb_course *at = &t->course;
    nb_progress p = {.epoch = at->epoch,
                     .epochs = l->options->epochs,
                     .batch = at->batch,
                     .batches = (at->count + at->size - 1) / at->size,
                     .examples = at->examples,
                     .cost = nb_course_cost(at),
                     .accuracy = NAN,
                     .test_cost = NAN,
                     .valid_accuracy = NAN,
                     .valid_cost = NAN,
                     .seconds = nb_trainer_seconds(t),
                     .lr = at->rate};
    p.rate = (double)t->history.examples / fmax(p.seconds, 1e-9);
    return p;
}

/* Whoever shows progress is told first and has no say. */
static nb_status report(nb_loop *l, const nb_progress *p, nb_train_hook *hook, double cost)
{
    bool ignored = false;
    if (l->options->on_progress) l->options->on_progress(l->ctx, l->options->self, p, &ignored);
    if (!hook) return NB_OK;
    nb_trainer_settle(l->trainer);
    nb_progress own = *p;
    own.cost = cost;
    return hook(l->ctx, l->options->self, &own, &l->stop);
}

/* ---- Checkpoints ---- */

static void note(const nb_loop *l, const char *text)
{
    if (l->options->on_note) l->options->on_note(l->options->self, text);
}

/* Ctrl-C has ended the training by then, or ends it after this. Of several processes the first
 * writes, and all hear what came of it. */
static nb_status write_run(nb_loop *l)
{
    const nb_keeping *keeping = &l->options->keeping;
    const nb_trainer *t = l->trainer;
    const volatile sig_atomic_t *interrupt = l->ctx->interrupt;
    l->ctx->interrupt = NULL;
    nb_trainer_settle(l->trainer);
    nb_status status = nb_is_first(l->ctx) ? nb_checkpoint_save(l->ctx, t, keeping->path) : NB_OK;
    status = nb_peers_share(l->ctx, NB_PEERS_FILE, (uint64_t)t->course.steps, status);
    l->ctx->interrupt = interrupt;
    l->kept_at = nb_clock();
    if (status != NB_OK) return status;
    l->kept_steps = t->course.steps;
    l->kept_epochs = t->history.epochs;
    return NB_OK;
}

/* One that fails is no reason to lose the run. */
static void keep_run(nb_loop *l)
{
    char text[NOTE_MAX];
    if (write_run(l) == NB_OK) return;
    snprintf(text, sizeof text, "no checkpoint: %s; training goes on", l->ctx->message);
    note(l, text);
}

static bool is_due(const nb_loop *l)
{
    const nb_keeping *keeping = &l->options->keeping;
    if (!keeping->path || l->stop) return false;
    if (keeping->seconds > 0) return nb_clock() - l->kept_at >= keeping->seconds;
    return l->trainer->history.epochs - l->kept_epochs >= keeping->epochs;
}

/* Processes have clocks of their own; the first's counts. */
static nb_status keep_if_due(nb_loop *l)
{
    const nb_keeping *keeping = &l->options->keeping;
    bool due = is_due(l);
    nb_status status = NB_OK;
    if (keeping->path && keeping->seconds > 0 && !l->stop)
        status = nb_peers_decide(l->ctx, NB_PEERS_FILE, (uint64_t)l->trainer->course.steps, &due);
    if (status == NB_OK && due) keep_run(l);
    return status;
}

/* What it was stopped in the middle of is not written. A message that there is stays. */
nb_status nb_loop_end(nb_loop *l, nb_status status)
{
    char message[NB_MESSAGE_MAX];
    const nb_trainer *t = l->trainer;
    nb_trainer_settle(l->trainer);
    bool ended = status == NB_OK || status == NB_EINTERRUPT;
    bool kept = l->kept_steps == t->course.steps && l->kept_epochs == t->history.epochs;
    if (!l->options->keeping.path || !ended || !l->settled || kept) return status;
    memcpy(message, l->ctx->message, sizeof message);
    nb_status written = write_run(l);
    if (status == NB_OK) return written;
    if (written != NB_OK) keep_run(l);
    memcpy(l->ctx->message, message, sizeof message);
    return l->ctx->status = status;
}

/* ---- Steps ---- */

static nb_status run_batch(nb_loop *l)
{
    double cost;
    nb_status status = l->prepared ? nb_trainer_make(l->ctx, l->trainer, l->prepared, &cost)
                                   : nb_trainer_step(l->ctx, l->trainer, &cost);
    if (status != NB_OK) return status;
    l->settled = false;
    nb_progress p = progress_of(l);
    status = report(l, &p, l->options->on_batch, cost);
    if (l->options->on_batch) status = nb_alike_still(l->ctx, l->trainer, l->stop, false, status);
    if (status != NB_OK || nb_trainer_is_whole(l->trainer)) return status;
    l->settled = true;
    return l->options->keeping.seconds > 0 ? keep_if_due(l) : NB_OK;
}

static nb_status end_epoch(nb_loop *l)
{
    nb_status status = nb_trainer_end_epoch(l->ctx, l->trainer);
    status = nb_alike_still(l->ctx, l->trainer, l->stop, true, status);
    if (status != NB_OK) return status;
    const nb_history *history = &l->trainer->history;
    const nb_epoch *last = &history->epoch[history->epochs - 1];
    nb_progress p = progress_of(l);
    p.batch = 0;
    p.history = history;
    p.accuracy = last->accuracy;
    p.test_cost = last->test_cost;
    p.valid_accuracy = last->valid_accuracy;
    p.valid_cost = last->valid_cost;
    status = report(l, &p, l->options->on_epoch, last->cost);
    if (l->options->on_epoch) status = nb_alike_still(l->ctx, l->trainer, l->stop, true, status);
    if (status != NB_OK) return status;
    l->settled = true;
    return keep_if_due(l);
}

/* An epoch whose batches are done, and whose end is not. */
static bool is_due_to_end(const nb_loop *l)
{
    const nb_trainer *t = l->trainer;
    return nb_trainer_is_whole(t) && t->history.epochs < t->course.epoch;
}

nb_status nb_loop_step(nb_loop *l)
{
    l->epoch = l->trainer->history.epochs + 1;
    nb_status status = is_due_to_end(l) ? NB_OK : run_batch(l);
    return status == NB_OK && is_due_to_end(l) ? end_epoch(l) : status;
}

bool nb_loop_goes_on(const nb_loop *l)
{
    return !l->stop && l->trainer->history.epochs < l->options->epochs &&
           !nb_trainer_is_done(l->trainer);
}

/* The run from its file, where there is one. */
static nb_status resume(nb_loop *l, bool *resumed)
{
    const char *path = l->options->keeping.resume;
    char text[NOTE_MAX];
    *resumed = false;
    if (!path) return NB_OK;
    nb_status status = nb_checkpoint_resume(l->ctx, l->trainer, path, resumed);
    if (status != NB_OK) return status;
    const nb_course *at = &l->trainer->course;
    int64_t epochs = l->trainer->history.epochs;
    if (!*resumed)
        snprintf(text, sizeof text, "there is no %s yet: training begins anew", path);
    else if (nb_trainer_is_whole(l->trainer))
        snprintf(text, sizeof text, "%s goes on after epoch %lld", path, (long long)epochs);
    else
        snprintf(text, sizeof text, "%s goes on in epoch %lld, after batch %lld", path,
                 (long long)at->epoch, (long long)at->batch);
    note(l, text);
    return NB_OK;
}

static nb_status check_alike(const nb_loop *l, nb_status status)
{
    const nb_train_options *o = l->options;
    const nb_alike alike = {.epochs = o->epochs,
                            .on_batch = o->on_batch,
                            .on_epoch = o->on_epoch,
                            .flow = o->run.flow,
                            .kept = o->keeping.path,
                            .every_epochs = o->keeping.epochs,
                            .every_seconds = o->keeping.seconds};
    return nb_alike_check(l->ctx, l->trainer, &alike, status);
}

/* Once in a run. */
static void note_pieces(const nb_loop *l)
{
    char text[NOTE_MAX];
    const nb_course *at = &l->trainer->course;
    if (at->pieces < 2 || at->size >= SMALL_BATCH) return;
    snprintf(text, sizeof text,
             "batches of %lld examples in %lld pieces are slower than whole: a product of few rows "
             "takes about as long as one of more",
             (long long)at->size, (long long)at->pieces);
    note(l, text);
}

nb_status nb_loop_begin(nb_ctx *ctx, nb_loop *l, bool *resumed)
{
    *l = (nb_loop){.ctx = ctx, .trainer = l->trainer, .options = l->options};
    const nb_keeping *keeping = &l->options->keeping;
    nb_status status = resume(l, resumed);
    if (status == NB_OK && keeping->path && nb_is_first(ctx))
        status = nb_checkpoint_try(l->ctx, keeping->path);
    status = check_alike(l, status);
    if (status != NB_OK) return status;
    note_pieces(l);
    l->settled = true;
    l->kept_at = nb_clock();
    /* What was read there need not be written there again. */
    bool there = *resumed && keeping->path && !strcmp(keeping->path, keeping->resume);
    l->kept_steps = there ? l->trainer->course.steps : -1;
    l->kept_epochs = l->trainer->history.epochs;
    return NB_OK;
}
