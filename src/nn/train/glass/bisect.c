/* Bisection of a run: the search, and the step that was found made again without its examples. */
#include "nn/train/glass/bisect.h"

#include "base/memory.h"
#include "nn/train/glass/look.h"
#include "nn/train/glass/travel.h"

#include <stdio.h>

typedef struct search {
    nb_glass *glass;
    nb_question *ask;
    void *self;
    nb_bisection *out;
    bool ends;     /* the end of the epoch belongs to the step */
    nb_frame *low; /* the last state that was found in which it does not hold; or NULL */
} search;

void nb_bisection_free(nb_ctx *ctx, nb_bisection *found)
{
    size_t n = (size_t)found->examples;
    if (found->example) nb_free(ctx, found->example, n * sizeof *found->example);
    if (found->needed) nb_free(ctx, found->needed, n * sizeof *found->needed);
    found->example = NULL;
    found->needed = NULL;
    found->examples = 0;
}

int64_t nb_trainer_last(const nb_trainer *t, int64_t *start)
{
    const nb_course *at = &t->course;
    bool whole = t->optimizer->type->whole;
    int64_t batch = at->batch > 0 ? (at->batch - 1) / at->group * at->group : 0;
    *start = whole ? 0 : batch * at->size;
    return at->examples - *start;
}

/* ---- The search ------------------------------------------------------------------------------ */

static int64_t place_of(const search *s)
{
    return nb_glass_at(s->glass);
}

/* As it stands now. A question that changes the network would have another run found. */
static nb_status ask(nb_ctx *ctx, search *s, bool *holds)
{
    s->out->asked++;
    nb_left_note(s->glass);
    nb_status status = s->ask(ctx, s->self, holds);
    if (status == NB_OK && (nb_look_built(ctx, s->glass) != NB_OK || nb_look_touched(s->glass)))
        status =
            nb_fail(ctx, NB_EARG, "what is asked may change nothing, and it changed the network");
    return status;
}

/* From `low`, where the run has gone past the step. */
static nb_status go_to(nb_ctx *ctx, search *s, int64_t step)
{
    bool past = s->low && nb_frame_step(s->low) <= step && place_of(s) > step;
    nb_status status = past ? nb_travel_put(ctx, s->glass, s->low) : NB_OK;
    return status == NB_OK ? nb_travel_to(ctx, s->glass, step) : status;
}

static nb_status ask_at(nb_ctx *ctx, search *s, int64_t step, bool *holds)
{
    nb_status status = go_to(ctx, s, step);
    return status == NB_OK ? ask(ctx, s, holds) : status;
}

/* Without a copy, for which memory may be short, it takes longer. */
static void keep_low(nb_ctx *ctx, search *s)
{
    nb_frame_free(ctx, s->low);
    s->low = nb_frame_take(ctx, s->glass->trainer, s->glass->said, NULL);
}

/* Between two steps, a frame where there is one: nothing is made again on the way there. */
static int64_t middle_of(const search *s, int64_t low, int64_t high)
{
    const nb_reel *reel = &s->glass->reel;
    int64_t middle = low + (high - low) / 2;
    int64_t before = nb_frame_step(nb_reel_nearest(reel, middle));
    int64_t last = nb_frame_step(nb_reel_nearest(reel, high - 1));
    if (before > low) return before;
    return last > low ? last : middle;
}

/* It does not hold at `low`, and does at `high`: brings them together. */
static nb_status halve(nb_ctx *ctx, search *s, int64_t low, int64_t high)
{
    nb_status status = NB_OK;
    while (status == NB_OK && high - low > 1) {
        int64_t middle = middle_of(s, low, high);
        bool holds = false;
        status = ask_at(ctx, s, middle, &holds);
        *(holds ? &high : &low) = middle;
        if (status == NB_OK && !holds) keep_low(ctx, s);
    }
    s->out->step = high;
    return status;
}

/* At a stop as the step left it (*holds), and where it does not, as it was changed there. */
static nb_status ask_twice(nb_ctx *ctx, search *s, int64_t step, bool *holds)
{
    s->out->step = step;
    nb_status status = nb_travel_bare(ctx, s->glass, step);
    if (status == NB_OK) status = ask(ctx, s, holds);
    if (status != NB_OK || !nb_travel_is_changed(s->glass, step)) return status;
    status = nb_travel_rest(ctx, s->glass);
    if (status != NB_OK || *holds) return status;
    status = ask(ctx, s, holds);
    if (*holds) s->out->finding = NB_HELD_BY_HAND;
    return status;
}

/* Every step, until it holds. */
static nb_status walk(nb_ctx *ctx, search *s, int64_t low, int64_t high)
{
    nb_status status = NB_OK;
    bool holds = false;
    const int64_t from = low;
    while (status == NB_OK && !holds && low < high) {
        status = ask_twice(ctx, s, ++low, &holds);
        nb_tell(ctx, "looking behind every step", low - from, high - from);
    }
    if (!holds) s->out->finding = NB_HELD_NEVER;
    return status;
}

/* Where the record begins: it may have come to hold by what was changed there, and what held before
 * that does not count unless it stays, or the first time is asked for. */
static nb_status ask_first(nb_ctx *ctx, search *s, int64_t step, bool first, bool *holds)
{
    bool after = false, changed = nb_travel_is_changed(s->glass, step);
    nb_status status = nb_travel_bare(ctx, s->glass, step);
    if (status == NB_OK) status = ask(ctx, s, holds);
    if (status != NB_OK || !changed) return status;
    status = nb_travel_rest(ctx, s->glass);
    if (status != NB_OK || (first && *holds)) return status;
    status = ask(ctx, s, &after);
    if (after && !*holds) s->out->finding = NB_HELD_BY_HAND;
    *holds = after;
    return status;
}

/* Where the run stands first: nothing is made again where it does not hold there. */
static nb_status find(nb_ctx *ctx, search *s, bool first)
{
    int64_t low = nb_glass_first(s->glass), high = place_of(s);
    bool holds = false;
    s->out->finding = NB_HELD_AFTER;
    s->out->step = high;
    nb_status status = first ? NB_OK : ask(ctx, s, &holds);
    if (status == NB_OK && !first && !holds) s->out->finding = NB_HELD_NEVER;
    if (status != NB_OK || s->out->finding == NB_HELD_NEVER) return status;
    status = ask_first(ctx, s, low, first, &holds);
    if (status != NB_OK) return status;
    if (!holds) return first ? walk(ctx, s, low, high) : halve(ctx, s, low, high);
    if (s->out->finding != NB_HELD_BY_HAND) s->out->finding = NB_HELD_BEFORE;
    s->out->step = low;
    return NB_OK;
}

/* ---- Without one example --------------------------------------------------------------------- */

/* A weight for each example of the set, that of the run or 1. */
static nb_tensor *weights_of(nb_ctx *ctx, const nb_trainer *t)
{
    const int64_t n = t->course.count;
    if (t->weights.of && !t->weights.by_class) return nb_tensor_clone(ctx, t->weights.of);
    nb_tensor *of = nb_tensor_new(ctx, NB_F64, 1, &n);
    double *to = of ? nb_tensor_data(of) : NULL;
    for (int64_t i = 0; of && i < n; i++) to[i] = 1;
    return of;
}

static void say(nb_bisection *out, const char *why)
{
    snprintf(out->untried, sizeof out->untried, "%s", why);
}

static bool may_leave_out(const nb_trainer *t, nb_bisection *out)
{
    if (t->net->cost.type->host)
        say(out, "the cost is a function, which knows no weights");
    else if (out->examples > NB_BISECT_EXAMPLES)
        snprintf(out->untried, sizeof out->untried,
                 "%lld are too many to leave out one by one, which is done with %d at most",
                 (long long)out->examples, NB_BISECT_EXAMPLES);
    return !*out->untried;
}

/* Of a run that weighs classes, the weights of the step's examples. */
static nb_status weigh_classes(nb_ctx *ctx, const nb_trainer *t, nb_bisection *out, double *weight)
{
    const double *by_class = nb_tensor_data(t->weights.of);
    nb_tensor *room = nb_batch_classes(ctx, t->set, out->examples);
    nb_batch batch;
    nb_status status =
        room ? nb_batch_gather(ctx, t->set, out->example, 0, out->examples, 0, NULL, room, &batch)
             : ctx->status;
    nb_tensor_release(ctx, room);
    if (status != NB_OK) return status;
    if (batch.y->dims != 1) say(out, "the run weighs the classes of steps or places");
    for (int64_t i = 0; i < out->examples && !*out->untried; i++)
        weight[out->example[i]] = by_class[(int64_t)nb_tensor_get(batch.y, &i) - 1];
    nb_batch_free(ctx, &batch);
    return NB_OK;
}

/* Where other examples count in it. */
static bool anything_left(const double *weight, const int32_t *example, int64_t n)
{
    int64_t i = 0;
    while (i < n && !(weight[example[i]] > 0)) i++;
    return i < n;
}

/* The step made from `before` with the weights as they are; one that cannot be made changes
 * nothing, and so does one of nothing. */
static nb_status remake(nb_ctx *ctx, search *s, const nb_frame *before, bool any, bool *holds)
{
    nb_trainer *t = s->glass->trainer;
    nb_status status = nb_frame_put(ctx, t, before);
    if (status == NB_OK && any) {
        status = nb_travel_step(ctx, s->glass);
        if (status == NB_OK && s->ends) status = nb_trainer_end_epoch(ctx, t);
        if (status == NB_EVALUE) status = NB_OK;
    }
    return status == NB_OK ? ask(ctx, s, holds) : status;
}

static nb_status leave_out(nb_ctx *ctx, search *s, const nb_frame *before, double *weight)
{
    nb_bisection *out = s->out;
    nb_status status = NB_OK;
    for (int64_t i = 0; status == NB_OK && i < out->examples; i++) {
        bool holds = false;
        double was = weight[out->example[i]];
        weight[out->example[i]] = 0;
        status = remake(ctx, s, before, anything_left(weight, out->example, out->examples), &holds);
        weight[out->example[i]] = was;
        out->needed[i] = !holds;
        nb_tell(ctx, "leaving out examples", i + 1, out->examples);
        if (status == NB_OK) status = nb_poll(ctx);
    }
    return status;
}

/* With weights of the trainer's own for as long as it takes. */
static nb_status try_each(nb_ctx *ctx, search *s, const nb_frame *before)
{
    nb_trainer *t = s->glass->trainer;
    const nb_weights own = t->weights;
    if (!may_leave_out(t, s->out)) return NB_OK;
    nb_tensor *of = weights_of(ctx, t);
    nb_status status = of ? NB_OK : ctx->status;
    if (status == NB_OK && own.by_class) status = weigh_classes(ctx, t, s->out, nb_tensor_data(of));
    if (status == NB_OK && !*s->out->untried) {
        t->weights = (nb_weights){.of = of};
        status = leave_out(ctx, s, before, nb_tensor_data(of));
        t->weights = own;
    }
    nb_tensor_release(ctx, of);
    return status;
}

/* Which examples the step had, behind which the run stands. */
static nb_status list_examples(nb_ctx *ctx, search *s)
{
    nb_trainer *t = s->glass->trainer;
    nb_bisection *out = s->out;
    int64_t start, n = nb_trainer_last(t, &start);
    nb_status status = nb_trainer_order(ctx, t, t->course.epoch);
    if (status != NB_OK) return status;
    out->course = t->course;
    out->example = nb_alloc(ctx, (size_t)n * sizeof *out->example);
    if (!out->example) return ctx->status;
    out->examples = n;
    out->needed = nb_alloc_zero(ctx, (size_t)n, sizeof *out->needed);
    if (!out->needed) return ctx->status;
    for (int64_t i = 0; i < n; i++) out->example[i] = t->order[start + i];
    return NB_OK;
}

/* Whether it holds as the run stands, and without which examples it would not. */
static nb_status ask_whose(nb_ctx *ctx, search *s, const nb_frame *before, bool *holds)
{
    nb_status status = ask(ctx, s, holds);
    return status == NB_OK && *holds ? try_each(ctx, s, before) : status;
}

/* With the end of the epoch, which is evaluated in a history of its own. */
static nb_status ask_at_end(nb_ctx *ctx, search *s, const nb_frame *before, bool *holds)
{
    nb_trainer *t = s->glass->trainer;
    const nb_history own = t->history;
    nb_status status = nb_history_copy(ctx, &t->history, &own);
    if (status == NB_OK) {
        s->ends = true;
        status = nb_trainer_end_epoch(ctx, t);
        if (status == NB_OK) status = ask_whose(ctx, s, before, holds);
        s->ends = false;
        nb_history_free(ctx, &t->history);
    }
    t->history = own;
    return status;
}

/* By neither the step nor the end of its epoch. */
static void blame_others(const search *s)
{
    const nb_reel *r = &s->glass->reel;
    int64_t i = nb_reel_edits_from(r, s->out->step);
    if (i < r->edits && r->edit[i]->step == s->out->step)
        s->out->finding = NB_HELD_BY_HAND;
    else
        say(s->out, "it does not hold where the step is made again");
}

static bool ends_epoch(const nb_glass *g)
{
    const nb_trainer *t = g->trainer;
    return nb_trainer_is_whole(t) && g->reel.epochs > t->history.epochs;
}

/* Of the step that was found: what was changed at the stop behind it is left away first. */
static nb_status explain(nb_ctx *ctx, search *s)
{
    nb_glass *g = s->glass;
    bool holds = false;
    nb_status status = go_to(ctx, s, s->out->step - 1);
    nb_frame *before = status == NB_OK ? nb_frame_take(ctx, g->trainer, g->said, NULL) : NULL;
    if (status == NB_OK && !before) status = ctx->status;
    if (status == NB_OK) status = nb_travel_step(ctx, g);
    if (status == NB_OK) status = list_examples(ctx, s);
    if (status == NB_OK) status = ask_whose(ctx, s, before, &holds);
    if (status == NB_OK && !holds && ends_epoch(g)) status = ask_at_end(ctx, s, before, &holds);
    if (status == NB_OK && !holds) blame_others(s);
    nb_frame_free(ctx, before);
    return status;
}

nb_status nb_glass_bisect(nb_ctx *ctx, nb_glass *g, bool first, nb_question *asked, void *self,
                          nb_bisection *out)
{
    search s = {.glass = g, .ask = asked, .self = self, .out = out};
    nb_stay here;
    *out = (nb_bisection){.step = 0};
    nb_status status = nb_glass_look(ctx, g);
    if (status == NB_OK) status = nb_travel_leave(ctx, g, &here);
    if (status != NB_OK) return status;
    status = find(ctx, &s, first);
    if (status == NB_OK && out->finding == NB_HELD_AFTER) status = explain(ctx, &s);
    nb_frame_free(ctx, s.low);
    nb_travel_return(ctx, g, &here);
    if (status != NB_OK) nb_bisection_free(ctx, out);
    return status;
}
