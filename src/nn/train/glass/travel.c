/* Steps made again. Edits are done again where they were done; epochs end as they ended, out of the
 * history, whose entries ahead are still there; functions that give rates are not asked again. */
#include "nn/train/glass/travel.h"

#include "nn/train/glass/look.h"

#include <math.h>

static int64_t place_of(const nb_glass *g)
{
    return nb_course_updates(&g->trainer->course);
}

static nb_status apply(nb_ctx *ctx, nb_glass *g, const nb_edit *edit)
{
    nb_status status = nb_edit_apply(ctx, edit, g->trainer);
    if (status == NB_OK && edit->said) nb_look_says(ctx, g, edit->said);
    return status;
}

/* At the stop, once the step and its callbacks were through. */
static bool is_by_others(const nb_edit *edit)
{
    return edit->by != NB_BY_CALLBACK;
}

/* The edits of where the run stands. */
static nb_status apply_edits(nb_ctx *ctx, nb_glass *g, bool ended)
{
    const nb_reel *r = &g->reel;
    int64_t at = place_of(g);
    nb_status status = NB_OK;
    for (int64_t i = nb_reel_edits_from(r, at);
         i < r->edits && r->edit[i]->step == at && status == NB_OK; i++) {
        bool left_away = at == g->before_end && r->edit[i]->by == NB_BY_END;
        left_away = left_away || (g->bare && is_by_others(r->edit[i]));
        if (r->edit[i]->ended != ended || left_away) continue;
        status = apply(ctx, g, r->edit[i]);
    }
    return status;
}

/* What came behind a step, or a frame: edits and the end of the epoch. */
static nb_status settle(nb_ctx *ctx, nb_glass *g)
{
    nb_trainer *t = g->trainer;
    bool whole = nb_trainer_is_whole(t), ended = whole && t->history.epochs >= t->course.epoch;
    nb_status status = ended ? NB_OK : apply_edits(ctx, g, false);
    if (status == NB_OK && whole && !ended && g->reel.epochs > t->history.epochs) {
        status = nb_trainer_recall_epoch(ctx, t);
        ended = true;
    }
    return status == NB_OK && ended ? apply_edits(ctx, g, true) : status;
}

void nb_travel_recall(nb_glass *g)
{
    nb_trainer *t = g->trainer;
    int64_t epoch = t->course.epoch + (nb_trainer_is_whole(t) ? 1 : 0);
    double factor = nb_reel_factor(&g->reel, epoch);
    if (!t->pace.hook || t->factored == epoch || isnan(factor)) return;
    t->factor = factor;
    t->factored = epoch;
}

static nb_status make_again(nb_ctx *ctx, nb_glass *g)
{
    double cost;
    nb_travel_recall(g);
    g->trainer->history.best = 0;
    return nb_trainer_step(ctx, g->trainer, &cost);
}

static nb_status repeat(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    int64_t from = place_of(g);
    nb_status status = NB_OK;
    for (int64_t at = from; at < step && status == NB_OK; at++) {
        status = make_again(ctx, g);
        if (status == NB_OK) status = settle(ctx, g);
        if (step - from > 1) nb_tell(ctx, "making steps again", at + 1 - from, step - from);
    }
    return status;
}

nb_status nb_travel_put(nb_ctx *ctx, nb_glass *g, const nb_frame *frame)
{
    nb_status status = nb_frame_put(ctx, g->trainer, frame);
    if (status == NB_OK) nb_look_says(ctx, g, frame->said);
    return status;
}

/* Whether a frame stands right at a step is a matter of time, and a frame has no gradient: the way
 * begins before the step, which leaves the gradient that it left the first time. What is put anew
 * has none. */
static nb_status begin(nb_ctx *ctx, nb_glass *g, int64_t step, bool anew)
{
    bool stays = anew || step == nb_reel_first(&g->reel);
    const nb_frame *frame = nb_reel_nearest(&g->reel, stays ? step : step - 1);
    int64_t at = place_of(g);
    if (!anew && at <= step && at >= nb_frame_step(frame)) return NB_OK;
    nb_status status = nb_travel_put(ctx, g, frame);
    return status == NB_OK ? settle(ctx, g) : status;
}

/* There, from wherever; where it fails the caller goes back. */
static nb_status go(nb_ctx *ctx, nb_glass *g, int64_t step, bool anew)
{
    g->again = true;
    nb_status status = begin(ctx, g, step, anew);
    if (status == NB_OK) status = repeat(ctx, g, step);
    if (status == NB_OK && anew) nb_home_forget(g->trainer->net->home);
    g->again = false;
    return status;
}

nb_status nb_travel_leave(nb_ctx *ctx, nb_glass *g, nb_stay *s)
{
    nb_status status = nb_return_ready(ctx, &s->here, g->trainer);
    if (status != NB_OK) return status;
    s->said = nb_said_retain(g->said);
    s->left = g->left;
    s->touched = nb_look_touched(g);
    s->lessons = nb_net_root(g->trainer->net)->lessons;
    return NB_OK;
}

/* As before: also what was changed and is not on record. The way itself is nobody's training. */
void nb_travel_return(nb_ctx *ctx, nb_glass *g, nb_stay *s)
{
    nb_return_take(ctx, &s->here, g->trainer);
    nb_look_says(ctx, g, s->said);
    nb_said_release(ctx, s->said);
    nb_left_note(g);
    if (!s->touched) return;
    uint64_t made = g->left.lessons - s->lessons;
    g->left = s->left;
    g->left.lessons += made;
    g->told.lessons += made;
}

bool nb_travel_ends(const nb_glass *g, int64_t step)
{
    const nb_reel *r = &g->reel;
    for (int64_t i = nb_reel_edits_from(r, step); i < r->edits && r->edit[i]->step == step; i++)
        if (r->edit[i]->by == NB_BY_END) return true;
    return false;
}

nb_status nb_travel_to(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    return go(ctx, g, step, nb_travel_ends(g, step));
}

nb_status nb_travel_before_end(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    g->before_end = step;
    nb_status status = nb_travel_to(ctx, g, step);
    g->before_end = 0;
    return status;
}

nb_status nb_travel_bare(nb_ctx *ctx, nb_glass *g, int64_t step)
{
    bool begins = step == nb_reel_first(&g->reel);
    nb_status status = begins ? NB_OK : go(ctx, g, step - 1, false);
    g->bare = true;
    if (status == NB_OK) status = go(ctx, g, step, begins);
    g->bare = false;
    return status;
}

nb_status nb_travel_rest(nb_ctx *ctx, nb_glass *g)
{
    const nb_reel *r = &g->reel;
    int64_t at = place_of(g);
    nb_status status = NB_OK;
    for (int64_t i = nb_reel_edits_from(r, at);
         i < r->edits && r->edit[i]->step == at && status == NB_OK; i++)
        if (is_by_others(r->edit[i])) status = apply(ctx, g, r->edit[i]);
    return status;
}

bool nb_travel_is_changed(const nb_glass *g, int64_t step)
{
    const nb_reel *r = &g->reel;
    int64_t i = nb_reel_edits_from(r, step);
    while (i < r->edits && r->edit[i]->step == step && !is_by_others(r->edit[i])) i++;
    return i < r->edits && r->edit[i]->step == step;
}

nb_status nb_travel_step(nb_ctx *ctx, nb_glass *g)
{
    g->again = true;
    nb_status status = make_again(ctx, g);
    g->again = false;
    return status;
}

nb_status nb_travel(nb_ctx *ctx, nb_glass *g, int64_t step, bool anew)
{
    nb_stay s;
    nb_status status = nb_travel_leave(ctx, g, &s);
    if (status != NB_OK) return status;
    status = go(ctx, g, step, anew);
    g->loop.kept_steps = -1;
    if (status != NB_OK) {
        nb_travel_return(ctx, g, &s);
        return status;
    }
    nb_return_drop(ctx, &s.here);
    nb_said_release(ctx, s.said);
    nb_left_note(g);
    g->tried = 0;
    return NB_OK;
}

nb_status nb_travel_compare(nb_ctx *ctx, nb_glass *g)
{
    nb_tensor *before[NB_NET_STATE];
    nb_stay s;
    nb_status status = nb_travel_leave(ctx, g, &s);
    if (status != NB_OK) return status;
    status = go(ctx, g, place_of(g), true);
    if (status == NB_OK) status = nb_net_keep(ctx, g->trainer->net, before);
    nb_travel_return(ctx, g, &s);
    if (status != NB_OK) return status;
    status = nb_look_keep(ctx, g, NB_BY_HAND, before);
    nb_net_drop(ctx, before);
    return status;
}
