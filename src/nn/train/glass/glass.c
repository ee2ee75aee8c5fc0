/* A run under glass: its steps, with what is kept of them, and the ways to go. */
#include "nn/train/glass/glass.h"

#include "base/clock.h"
#include "base/memory.h"
#include "nn/train/glass/look.h"
#include "nn/train/glass/travel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t nb_glass_at(const nb_glass *g)
{
    return nb_course_updates(&g->trainer->course);
}

int64_t nb_glass_first(const nb_glass *g)
{
    return nb_reel_first(&g->reel);
}

int64_t nb_glass_last(const nb_glass *g)
{
    return g->reel.last;
}

int64_t nb_glass_epoch_end(const nb_glass *g, int64_t epoch)
{
    nb_course at = g->trainer->course;
    at.epoch = epoch;
    at.examples = at.count;
    at.batch = (at.count + at.size - 1) / at.size;
    return nb_course_updates(&at);
}

/* ---- Behind a step ---- */

static double training_so_far(const nb_glass *g)
{
    return g->reel.training + (g->going ? nb_clock() - g->since : 0);
}

/* A frame of where the run stands, where one is due. What cannot be kept is made again from further
 * back. */
static void keep_frame(nb_ctx *ctx, nb_glass *g)
{
    nb_reel *r = &g->reel;
    if (!nb_reel_is_due(r, nb_glass_at(g), training_so_far(g))) return;
    double began = nb_clock();
    nb_frame *frame = nb_frame_take(ctx, g->trainer, g->said, r->frame[r->frames - 1]);
    if (frame) nb_reel_add_frame(ctx, r, frame);
    nb_reel_copied(r, nb_clock() - began);
}

/* Steps before cannot be made again. */
static nb_status begin_here(nb_ctx *ctx, nb_glass *g)
{
    nb_frame *frame = nb_frame_take(ctx, g->trainer, g->said, NULL);
    if (!frame) return ctx->status;
    nb_reel_begin(ctx, &g->reel, frame);
    g->reel.epochs = g->trainer->history.epochs;
    nb_left_note(g);
    return NB_OK;
}

/* A callback changed the set's numbers, which is said once. */
static nb_status forget_before(nb_ctx *ctx, nb_glass *g)
{
    char text[NB_MESSAGE_MAX];
    nb_status status = begin_here(ctx, g);
    if (status != NB_OK || g->noted) return status;
    snprintf(
        text, sizeof text,
        "a callback changed the numbers of the set: steps up to %lld cannot be made again with "
        "the same bits, and the record begins there",
        (long long)nb_glass_at(g));
    g->noted = true;
    if (g->user.on_note) g->user.on_note(g->user.self, text);
    return NB_OK;
}

/* What a step has left, before anybody is told of it. */
static nb_status keep_step(nb_ctx *ctx, nb_glass *g)
{
    nb_reel *r = &g->reel;
    const nb_trainer *t = g->trainer;
    r->last = nb_glass_at(g);
    r->trained++;
    g->tried = 0;
    while (nb_reel_join_edits(ctx, r)) continue; /* of the stop that the step was made from */
    if (t->pace.hook) nb_reel_keep_factor(ctx, r, t->factored, t->factor);
    bool changed = nb_look_set(g); /* by augment */
    nb_left_note(g);
    if (changed) return forget_before(ctx, g);
    keep_frame(ctx, g);
    return NB_OK;
}

/* ---- Hooks ---- */

/* The numbers in front of a callback, where there is a place for them. */
static void keep_before(nb_ctx *ctx, nb_glass *g)
{
    if (!g->wary) return;
    if (!g->before[0])
        nb_net_keep(ctx, g->trainer->net, g->before);
    else
        nb_net_copy(g->trainer->net, g->before);
}

/* What a callback changed is on record, whatever came of it. */
static nb_status look_behind(nb_ctx *ctx, nb_glass *g, nb_status status)
{
    bool set = nb_look_set(g), numbers = nb_look_numbers(g);
    if (nb_look_built(ctx, g) != NB_OK || !(set || nb_look_touched(g))) return status;
    nb_tensor **before = g->wary && g->before[0] ? g->before : NULL;
    nb_status looked = nb_look_touched(g) ? nb_look_keep(ctx, g, NB_BY_CALLBACK, before) : NB_OK;
    if (set && looked == NB_OK) looked = forget_before(ctx, g);
    g->wary = g->wary || numbers;
    return status == NB_OK ? looked : status;
}

static nb_status call_hook(nb_ctx *ctx, nb_glass *g, nb_train_hook *hook, const nb_progress *p,
                           bool *stop)
{
    keep_before(ctx, g);
    nb_status status = hook(ctx, g->user.self, p, stop);
    return look_behind(ctx, g, status);
}

static nb_status on_batch(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    nb_glass *g = self;
    nb_status status = keep_step(ctx, g);
    if (status != NB_OK) return status;
    return g->user.on_batch ? call_hook(ctx, g, g->user.on_batch, p, stop) : NB_OK;
}

static nb_status on_epoch(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    nb_glass *g = self;
    g->reel.epochs = g->trainer->history.epochs;
    return g->user.on_epoch ? call_hook(ctx, g, g->user.on_epoch, p, stop) : NB_OK;
}

static nb_status on_progress(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    nb_glass *g = self;
    return g->user.on_progress ? g->user.on_progress(ctx, g->user.self, p, stop) : NB_OK;
}

static void on_note(void *self, const char *text)
{
    const nb_glass *g = self;
    if (g->user.on_note) g->user.on_note(g->user.self, text);
}

/* Asked in front of an epoch: what it changes is an edit of the step before. */
static nb_status find_rate(nb_ctx *ctx, void *self, int64_t epoch, double *factor)
{
    nb_glass *g = self;
    const nb_pace *pace = &g->user.run.pace;
    keep_before(ctx, g);
    nb_status status = pace->hook(ctx, pace->self, epoch, factor);
    return g->again ? status : look_behind(ctx, g, status);
}

/* ---- Begin and end ---- */

static void take_options(nb_glass *g, const nb_train_options *user)
{
    g->user = *user;
    g->options = *user;
    g->options.on_batch = on_batch;
    g->options.on_epoch = on_epoch;
    g->options.on_progress = on_progress;
    g->options.on_note = on_note;
    g->options.self = g;
    g->options.run.keep_grads = user->run.keep_grads || user->on_batch;
    if (user->run.pace.hook) {
        g->options.run.pace.hook = find_rate;
        g->options.run.pace.self = g;
    }
}

/* A quarter at most of what may still be asked for, which among processes differs. */
static size_t usual_bound(const nb_ctx *ctx)
{
    double room = nb_memory_room(&ctx->memory) / 4;
    return room < (double)NB_REEL_BYTES && !ctx->peers ? (size_t)room : NB_REEL_BYTES;
}

static nb_status begin_record(nb_ctx *ctx, nb_glass *g, const nb_glass_options *options)
{
    nb_reel *r = &g->reel;
    r->distance = 1;
    r->paced = ctx->peers != NULL;
    r->pace = r->paced ? NB_REEL_PACE : 1;
    r->share = options->share > 0 ? options->share : NB_REEL_SHARE;
    r->most = options->memory ? options->memory : usual_bound(ctx);
    r->last = nb_glass_at(g);
    r->epochs = g->trainer->history.epochs;
    g->values = nb_tensor_retain(g->trainer->net->values);
    nb_look_list(&g->parts, g->trainer->net);
    g->said = nb_said_take(ctx, g->trainer->net);
    g->sayings++;
    nb_frame *frame = g->said ? nb_frame_take(ctx, g->trainer, g->said, NULL) : NULL;
    if (!frame) return ctx->status;
    if (r->most < NB_REEL_LEAST * frame->bytes) r->most = NB_REEL_LEAST * frame->bytes;
    nb_status status = nb_reel_open(ctx, r, frame);
    nb_left_note(g);
    return g->parts.failed ? ctx->status : status;
}

nb_glass *nb_glass_new(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_glass_options *options)
{
    if (options->train.epochs < 1)
        return nb_fail_null(ctx, NB_EARG, "epochs must be at least 1, not %lld",
                            (long long)options->train.epochs);
    nb_glass *g = nb_alloc_zero(ctx, 1, sizeof *g);
    if (!g) return NULL;
    nb_text_init(&g->parts, ctx);
    take_options(g, &options->train);
    g->trainer = nb_trainer_new(ctx, net, set, &g->options.run);
    g->loop = (nb_loop){.trainer = g->trainer, .options = &g->options};
    nb_status status = g->trainer ? nb_loop_begin(ctx, &g->loop, &g->resumed) : ctx->status;
    if (status == NB_OK) status = begin_record(ctx, g, options);
    if (status == NB_OK) return g;
    nb_glass_free(ctx, g);
    return NULL;
}

void nb_glass_free(nb_ctx *ctx, nb_glass *g)
{
    if (!g) return;
    nb_reel_free(ctx, &g->reel);
    nb_said_release(ctx, g->said);
    nb_tensor_release(ctx, g->values);
    nb_net_drop(ctx, g->before);
    nb_text_free(&g->parts);
    nb_trainer_free(ctx, g->trainer);
    nb_free(ctx, g, sizeof *g);
}

/* ---- Looking ---- */

/* The record ahead ends. */
static void cut_here(nb_ctx *ctx, nb_glass *g)
{
    const nb_trainer *t = g->trainer;
    bool ended = nb_trainer_is_whole(t) && t->history.epochs >= t->course.epoch;
    nb_reel_cut(ctx, &g->reel, nb_glass_at(g), ended);
    g->reel.epochs = t->history.epochs;
}

/* Epochs ahead were judged by other numbers: they are made anew. */
static void judge_anew(nb_ctx *ctx, nb_glass *g)
{
    cut_here(ctx, g);
    g->left.judged = g->told.judged;
}

static nb_status look(nb_ctx *ctx, nb_glass *g)
{
    nb_elsewhere found = {.trained = false};
    nb_status status = nb_look_built(ctx, g);
    if (status == NB_OK) status = nb_look_elsewhere(ctx, g, &found);
    if (status != NB_OK) return status;
    if (found.trained) status = nb_look_keep(ctx, g, NB_BY_TRAINING, NULL);
    if (status == NB_OK && found.set && nb_look_touched(g))
        status = nb_look_keep(ctx, g, NB_BY_HAND, NULL);
    if (status == NB_OK && found.set) status = begin_here(ctx, g);
    if (status == NB_OK && found.judged) judge_anew(ctx, g);
    if (status != NB_OK || !nb_look_touched(g)) return status;
    return nb_look_numbers(g) ? nb_travel_compare(ctx, g) : nb_look_keep(ctx, g, NB_BY_HAND, NULL);
}

/* What is found more than once at a stop is one edit, but for what a step is tried with. */
nb_status nb_glass_look(nb_ctx *ctx, nb_glass *g)
{
    int64_t at = nb_glass_at(g), edits = nb_reel_edits_from(&g->reel, at + 1);
    nb_status status = look(ctx, g);
    if (nb_reel_edits_from(&g->reel, at + 1) > edits) nb_reel_join_edits(ctx, &g->reel);
    return status;
}

/* ---- Going ---- */

/* What was asked has changed something: that goes. */
static nb_status refuse_change(nb_ctx *ctx, nb_glass *g)
{
    nb_status status = nb_travel(ctx, g, nb_glass_at(g), true);
    if (status != NB_OK) return status;
    return nb_fail(ctx, NB_EARG,
                   "what is watched or asked behind a step may change nothing, and it changed the "
                   "network or its optimizer; on_batch may");
}

/* What is asked behind a step. */
static nb_status ask(nb_ctx *ctx, nb_glass *g)
{
    bool stop = false;
    if (!g->asker.after) return NB_OK;
    keep_before(ctx, g);
    nb_status status = g->asker.after(ctx, g->asker.self, &stop);
    g->loop.stop = g->loop.stop || stop;
    bool known = status == NB_OK && !nb_look_set(g) && nb_look_built(ctx, g) == NB_OK;
    if (known && nb_look_touched(g)) return refuse_change(ctx, g);
    return look_behind(ctx, g, status);
}

/* Of a step that could not be made; where it is asked for that is a stop. */
static nb_status excuse(nb_ctx *ctx, nb_glass *g, nb_status status)
{
    if (status != NB_EVALUE || !g->asker.after || !g->asker.failed(ctx, g->asker.self))
        return status;
    g->loop.stop = true;
    return NB_OK;
}

static nb_status check_done(nb_ctx *ctx, const nb_glass *g)
{
    const char *done = nb_optimizer_done(g->trainer->optimizer);
    if (!done) return NB_OK;
    return nb_fail(ctx, NB_EARG, "%s has converged: %s; there is nothing more to do",
                   g->trainer->optimizer->type->name, done);
}

static void begin_stretch(nb_glass *g)
{
    g->loop.stop = false;
    g->since = nb_clock();
    g->trainer->began = g->since;
    g->going = true;
}

/* The time at the prompt does not count. */
static void end_stretch(nb_glass *g)
{
    double now = nb_clock();
    g->reel.training += now - g->since;
    g->trainer->history.seconds += now - g->trainer->began;
    g->trainer->began = now;
    g->going = false;
}

static bool wants_more(const nb_glass *g, int64_t step)
{
    const nb_trainer *t = g->trainer;
    bool ends = nb_trainer_is_whole(t) && t->history.epochs < t->course.epoch;
    return !g->loop.stop && (ends || (nb_glass_at(g) < step && !nb_optimizer_done(t->optimizer)));
}

static void tell(const nb_meter *meter, int64_t done, int64_t total)
{
    if (meter && total > 1) meter->tell(meter->self, "training", (double)done / (double)total);
}

/* How far one goes: epochs tell of themselves, and a run ends where it has nothing before it. */
typedef enum going { STEPS, EPOCH, RUN } going;

/* The next step; where it fails for want of memory the record gives way and it is tried again, but
 * not what comes behind it once a callback was told. */
static nb_status make_step(nb_ctx *ctx, nb_glass *g)
{
    int64_t at = nb_glass_at(g), epochs = g->trainer->history.epochs;
    nb_status status = nb_loop_step(&g->loop);
    while (status == NB_EMEMORY && !g->loop.prepared && nb_glass_at(g) == at &&
           g->trainer->history.epochs == epochs && nb_reel_give_way(ctx, &g->reel))
        status = nb_loop_step(&g->loop);
    return status;
}

/* Steps that nobody made yet. */
static nb_status advance(nb_ctx *ctx, nb_glass *g, int64_t step, going as)
{
    /* Evaluations on the way are part of the training, which tells of itself. */
    const nb_meter *meter = ctx->meter;
    int64_t from = nb_glass_at(g);
    nb_status status = NB_OK;
    ctx->meter = NULL;
    begin_stretch(g);
    while (status == NB_OK && wants_more(g, step) && (as != RUN || nb_loop_goes_on(&g->loop))) {
        g->trainer->history.best = 0;
        nb_status made = make_step(ctx, g);
        if (as == STEPS) tell(meter, nb_glass_at(g) - from, step - from);
        status = made == NB_OK ? ask(ctx, g) : excuse(ctx, g, made);
    }
    end_stretch(g);
    ctx->meter = meter;
    return status;
}

/* Where a way to a step of the record comes by somebody who asks, or where a run may end. */
static int64_t next_stop(const nb_glass *g, int64_t step, going as)
{
    const nb_trainer *t = g->trainer;
    if (g->asker.after) return nb_glass_at(g) + 1;
    if (as != RUN) return step;
    int64_t end = nb_glass_epoch_end(g, t->course.epoch + (nb_trainer_is_whole(t) ? 1 : 0));
    return end < step ? end : step;
}

/* Steps of the record. */
static nb_status retrace(nb_ctx *ctx, nb_glass *g, int64_t step, going as)
{
    nb_status status = NB_OK;
    g->loop.stop = false;
    while (status == NB_OK && !g->loop.stop && nb_glass_at(g) < step &&
           nb_glass_at(g) < g->reel.last && (as != RUN || nb_loop_goes_on(&g->loop))) {
        status = nb_travel(ctx, g, next_stop(g, step, as), false);
        if (status == NB_OK) status = ask(ctx, g);
    }
    return status;
}

static nb_status go(nb_ctx *ctx, nb_glass *g, int64_t step, going as)
{
    int64_t last = g->reel.last, known = step < last ? step : last;
    nb_status status = retrace(ctx, g, known, as);
    return status == NB_OK && !g->loop.stop ? advance(ctx, g, step, as) : status;
}

static nb_status look_and_go(nb_ctx *ctx, nb_glass *g, int64_t step, going as)
{
    int64_t at = nb_glass_at(g), edits = nb_reel_edits_from(&g->reel, at + 1);
    nb_status status = look(ctx, g);
    int64_t found = nb_reel_edits_from(&g->reel, at + 1) - edits;
    g->tried = found < 0 ? 0 : g->tried + found;
    while (g->tried > 1 && nb_reel_join_edits(ctx, &g->reel)) g->tried--;
    if (status == NB_OK && as != RUN && at == g->reel.last) status = check_done(ctx, g);
    return status == NB_OK ? go(ctx, g, step, as) : status;
}

nb_status nb_glass_go(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    return look_and_go(ctx, g, step, STEPS);
}

nb_status nb_glass_ready(nb_ctx *ctx, nb_glass *g)
{
    nb_status status = nb_glass_go(ctx, g, nb_glass_at(g));
    if (status == NB_OK) nb_travel_recall(g);
    return status;
}

nb_status nb_glass_make(nb_ctx *ctx, nb_glass *g, const nb_step *step)
{
    g->loop.prepared = step;
    nb_status status = nb_glass_go(ctx, g, nb_glass_at(g) + 1);
    g->loop.prepared = NULL;
    return status;
}

nb_status nb_glass_epoch(nb_ctx *ctx, nb_glass *g)
{
    const nb_trainer *t = g->trainer;
    bool ended = nb_trainer_is_whole(t) && t->history.epochs >= t->course.epoch;
    int64_t epoch = t->course.epoch + (ended ? 1 : 0);
    return look_and_go(ctx, g, nb_glass_epoch_end(g, epoch), EPOCH);
}

/* The best epoch's parameters, as they come at the end of net:train. */
static nb_status take_best(nb_ctx *ctx, nb_glass *g)
{
    nb_trainer *t = g->trainer;
    if (!t->best[0] || t->history.best || g->loop.stop) return NB_OK;
    nb_edit *edit = nb_edit_new(ctx, NB_BY_END);
    if (!edit) return ctx->status;
    nb_trainer_take_best(t);
    cut_here(ctx, g);
    return nb_look_add(ctx, g, edit);
}

nb_status nb_glass_run(nb_ctx *ctx, nb_glass *g)
{
    nb_status status = look_and_go(ctx, g, nb_glass_epoch_end(g, g->options.epochs), RUN);
    bool whole = status == NB_OK;
    status = nb_loop_end(&g->loop, status);
    return whole && status == NB_OK ? take_best(ctx, g) : status;
}

nb_status nb_glass_seek(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    nb_status status = nb_glass_look(ctx, g);
    int64_t first = nb_glass_first(g), last = nb_glass_last(g);
    if (status != NB_OK) return status;
    if (step > last)
        return nb_fail(ctx, NB_EARG, "step %lld is in the future: the run has come to step %lld",
                       (long long)step, (long long)last);
    if (step < first)
        return nb_fail(ctx, NB_EARG,
                       first ? "step %lld is gone: the record begins at step %lld"
                             : "step %lld is before the beginning, which is step %lld",
                       (long long)step, (long long)first);
    return step == nb_glass_at(g) ? NB_OK : nb_travel(ctx, g, step, false);
}

/* The set's numbers are others by now, so no step can be made again to get there. */
static nb_status cannot_drop(nb_ctx *ctx, const nb_glass *g)
{
    return nb_fail(ctx, NB_EARG,
                   "what was changed since step %lld cannot be dropped: that takes steps made "
                   "again, and the numbers of the set were changed too; t:step() goes on with "
                   "what there is",
                   (long long)nb_glass_at(g));
}

/* Without the changes that no step was made with, on record or not. */
static nb_status travel_here(nb_ctx *ctx, nb_glass *g)
{
    nb_reel *r = &g->reel;
    int64_t at = nb_glass_at(g), tried = at == r->last && g->tried <= r->edits ? g->tried : 0;
    r->edits -= tried;
    nb_status status = nb_travel(ctx, g, at, true);
    r->edits += tried;
    if (status == NB_OK) nb_reel_drop_edits(ctx, r, tried);
    return status;
}

/* To what the run left here. */
static nb_status drop_changes(nb_ctx *ctx, nb_glass *g)
{
    int64_t at = nb_glass_at(g);
    bool near = nb_frame_step(nb_reel_nearest(&g->reel, at)) == at;
    nb_elsewhere found = {.trained = false};
    if (!nb_look_set(g)) return travel_here(ctx, g);
    nb_left told = g->told;
    nb_status status = nb_look_elsewhere(ctx, g, &found);
    if (!near && (found.trained || nb_look_touched(g))) {
        g->told = told;
        return cannot_drop(ctx, g);
    }
    if (status == NB_OK && near) status = travel_here(ctx, g);
    return status == NB_OK ? begin_here(ctx, g) : status;
}

nb_status nb_glass_back(nb_ctx *ctx, nb_glass *g, int64_t n)
{
    int64_t at = nb_glass_at(g), first = nb_glass_first(g);
    nb_status status = n ? nb_glass_look(ctx, g) : nb_look_built(ctx, g);
    if (status != NB_OK) return status;
    if (n == 0) return drop_changes(ctx, g);
    if (n > at - first)
        return nb_fail(ctx, NB_EARG,
                       "the run stands at step %lld, and %s step %lld: it can go back %lld at most",
                       (long long)at, first ? "its record begins at" : "it began at",
                       (long long)first, (long long)(at - first));
    return nb_travel(ctx, g, at - n, false);
}

nb_status nb_glass_save(nb_ctx *ctx, nb_glass *g, const char *path)
{
    nb_status status = nb_glass_look(ctx, g);
    g->trainer->began = nb_clock();
    return status == NB_OK ? nb_checkpoint_save(ctx, g->trainer, path) : status;
}
