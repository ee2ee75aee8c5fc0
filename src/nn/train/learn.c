/* One step of a network's learning: evaluation, then the update. */
#include "nn/train/learn.h"

#include "base/processes/peers.h"
#include "base/text.h"
#include "grad/thinned.h"
#include "nn/net/spot.h"
#include "nn/train/search/places.h"
#include "nn/train/pieces/jacobian.h"
#include "nn/train/segments.h"
#include "nn/train/slices.h"
#include "nn/train/squares.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct task {
    nb_net *net;
    const nb_lesson *lesson;
    nb_problem problem;
    nb_staged staged; /* buffers that wait until the step has succeeded */
    double cost;      /* of the first evaluation, the data's alone */
    double counts;    /* likewise, where it is cut: how much all of its examples count */
    int64_t looks;    /* evaluations */
    const volatile sig_atomic_t *interrupt; /* the context's, where it is not asked for now */
} task;

/* How training runs a lesson; a trial is a look at other parameters, whose cost may be anything. */
static nb_mode mode_of(const nb_lesson *lesson, bool trial, nb_staged *staged)
{
    return (nb_mode){.learning = true,
                     .seed = lesson->seed,
                     .step = lesson->step,
                     .lengths = lesson->lengths,
                     .weights = lesson->weights,
                     .staged = staged,
                     .rows = lesson->rows,
                     .trial = trial};
}

/* The examples of a lesson that is not cut into pieces, or of one that is. */
static nb_whole whole_of(nb_net *net, const nb_lesson *lesson)
{
    if (lesson->whole) return *lesson->whole;
    return (nb_whole){.net = net,
                      .x = lesson->x,
                      .y = lesson->y,
                      .lengths = lesson->lengths,
                      .each = lesson->weights};
}

static nb_status run_cut(nb_ctx *ctx, nb_net *net, const nb_lesson *lesson, bool trial,
                         nb_staged *staged, nb_outcome *outcome)
{
    const nb_mode mode = mode_of(lesson, trial, staged);
    nb_whole whole = whole_of(net, lesson);
    whole.mode = &mode;
    return nb_pieces_learn(ctx, &whole, lesson->cut, outcome);
}

static nb_status run(nb_ctx *ctx, nb_net *net, const nb_lesson *lesson, bool trial,
                     nb_staged *staged, const nb_sink *sink, double *cost)
{
    const nb_mode mode = mode_of(lesson, trial, staged);
    if (lesson->whole) {
        nb_whole whole = *lesson->whole;
        whole.mode = &mode;
        return nb_whole_evaluate(ctx, &whole, cost);
    }
    int64_t size = nb_slice_size(net, lesson->x);
    if (size == lesson->x->shape[0])
        return nb_net_learn(ctx, net, lesson->x, lesson->y, &mode, sink, cost);
    nb_whole slices = whole_of(net, lesson);
    slices.mode = &mode;
    return nb_slices_learn(ctx, &slices, size, sink, cost);
}

/* A bound that still holds; 0: nobody knows. */
static double known(const nb_ceiling *ceiling, const nb_tensor *t)
{
    bool holds = ceiling->version == t->storage->version && isfinite(ceiling->size);
    return holds ? ceiling->size : 0;
}

/* Piece by piece. While an optimizer steps, Ctrl-C ends evaluations alone: those end in all
 * processes. */
static nb_status evaluate_cut(nb_ctx *ctx, task *t, double *cost)
{
    const volatile sig_atomic_t *interrupt = ctx->interrupt;
    nb_outcome outcome = {.cost = 0};
    if (t->interrupt) ctx->interrupt = t->interrupt;
    nb_status status = run_cut(ctx, t->net, t->lesson, t->looks > 1, &t->staged, &outcome);
    ctx->interrupt = interrupt;
    *cost = outcome.cost;
    t->counts = outcome.counts;
    return status;
}

/* What an evaluation before this one staged is dropped. */
static nb_status evaluate(nb_ctx *ctx, void *self, double *cost)
{
    task *t = self;
    const nb_lesson *lesson = t->lesson;
    nb_staged_drop(ctx, &t->staged);
    t->looks++;
    nb_status status = lesson->cut ? evaluate_cut(ctx, t, cost)
                                   : run(ctx, t->net, lesson, t->looks > 1, &t->staged, NULL, cost);
    const nb_home *home = t->net->home;
    t->cost = *cost;
    t->problem.steepest = lesson->whole && !lesson->cut ? 0 : known(&home->steepest, home->grads);
    return status == NB_OK ? nb_penalise(ctx, &t->problem, 1, cost) : status;
}

/* The network as a problem, but for its cost; nb_segments_free takes back what it holds. */
static nb_status pose(nb_ctx *ctx, task *t)
{
    nb_net *net = t->net;
    t->problem = (nb_problem){.dtype = net->dtype,
                              .count = nb_net_count(net),
                              .values = nb_tensor_data(net->values),
                              .gradient = nb_tensor_data(net->grads),
                              .rate = t->lesson->rate,
                              .penalty = t->lesson->penalty,
                              .largest = known(&net->home->largest, net->values),
                              .evaluate = evaluate,
                              .self = t};
    return nb_segments_make(ctx, net, &t->problem);
}

static void shrink(nb_ctx *ctx, void *self)
{
    const task *t = self;
    nb_problem_shrink(ctx, &t->problem);
    nb_tensor_touch(t->net->values, "step");
}

/* What decay makes of a weight of 1. */
static double swell_of(const task *t)
{
    const nb_penalty *by = &t->lesson->penalty;
    return fmax(1, fabs(1 - t->lesson->rate * (by->decay + by->l2)));
}

/* The gradient's products straight into the weights: where nobody reads a gradient, and the step is
 * its multiple for every parameter. What the penalty takes of the weights goes when all δ are
 * known. */
static nb_status descend(nb_ctx *ctx, task *t, nb_optimizer *optimizer)
{
    nb_tensor *whole = t->net->whole;
    bool shrinks = nb_penalty_shrinks(&t->lesson->penalty);
    const nb_sink sink = {.from = whole->storage,
                          .into = whole,
                          .alpha = -t->lesson->rate,
                          .beta = 1,
                          .swell = swell_of(t),
                          .shift = t->lesson->rate * t->lesson->penalty.l1,
                          .before = shrinks ? shrink : NULL,
                          .self = t};
    nb_status status = shrinks ? pose(ctx, t) : NB_OK;
    if (status == NB_OK) status = run(ctx, t->net, t->lesson, false, &t->staged, &sink, &t->cost);
    if (status != NB_OK) return status;
    optimizer->steps++;
    optimizer->evaluations++;
    return NB_OK;
}

/* Which vector of an optimizer's state it is: "adam's square of ". */
static void name_state(const nb_optimizer *optimizer, char *text, size_t size)
{
    const nb_reach *reach = &optimizer->reach;
    for (int i = 0; reach->state_of && i < optimizer->slots; i++)
        if (optimizer->slot[i].value == reach->state_of)
            snprintf(text, size, "%s's %s of ", optimizer->type->name, optimizer->slot[i].name);
}

/* Says which number a step would have made infinite or NaN, of what. */
static nb_status bad_step(nb_ctx *ctx, const task *t, const nb_optimizer *optimizer,
                          nb_status status)
{
    const nb_reach *reach = &optimizer->reach;
    const nb_problem *p = &t->problem;
    char spot[NB_SPOT_TEXT], was[NB_NUMBER_MAX], would[NB_NUMBER_MAX], state[96] = "";
    if (status != NB_EVALUE || reach->odd < 0) return status;
    const nb_thinned *given = t->lesson->x ? nb_thinned_of(t->lesson->x) : NULL;
    int64_t place = t->net->values->offset + reach->odd;
    if (given) place = nb_thinned_place(given, place);
    if (!nb_spot_param(t->net, place, false, spot)) return status;
    name_state(optimizer, state, sizeof state);
    nb_number_text(reach->was, was);
    if (!isfinite(reach->was))
        return nb_fail(ctx, status, "the step is not finite: %s%s is %s", state, spot, was);
    return nb_fail(ctx, status,
                   "the step is not finite: %s%s goes from %s to %s, with the gradient %.4g and "
                   "lr %.4g (%s)",
                   state, spot, was, nb_number_text(reach->would, would),
                   nb_number_at(p->dtype, p->gradient, reach->odd), p->rate, optimizer->type->name);
}

/* What is known of the values behind a step, where they are all that the storage holds. */
static void keep_bound(const task *t, const nb_optimizer *optimizer)
{
    const nb_net *net = t->net;
    bool all = nb_tensor_count(net->values) == nb_tensor_count(net->whole);
    if (all)
        net->home->largest = (nb_ceiling){optimizer->reach.values, net->values->storage->version};
}

/* What the processes have evaluated together all of them step by. */
static nb_status step(nb_ctx *ctx, task *t, nb_optimizer *optimizer)
{
    if (!ctx->peers) return nb_optimizer_step(ctx, optimizer, &t->problem);
    t->interrupt = ctx->interrupt;
    ctx->interrupt = NULL;
    nb_status status = nb_optimizer_step(ctx, optimizer, &t->problem);
    ctx->interrupt = t->interrupt;
    t->interrupt = NULL;
    return status;
}

static nb_status update(nb_ctx *ctx, task *t, nb_optimizer *optimizer)
{
    nb_status status = step(ctx, t, optimizer);
    if (status != NB_OK) return bad_step(ctx, t, optimizer, status);
    optimizer->evaluations += t->looks;
    nb_tensor_touch(t->net->values, optimizer->type->name);
    keep_bound(t, optimizer);
    return NB_OK;
}

/* A step on the residuals: it looks at them itself. */
static nb_status fit(nb_ctx *ctx, task *t, nb_optimizer *optimizer, double *cost)
{
    const nb_lesson *lesson = t->lesson;
    const nb_mode mode = {.learning = true, .seed = lesson->seed, .step = lesson->step};
    nb_squares squares;
    nb_whole whole = whole_of(t->net, lesson);
    nb_cut_squares parts = {.whole = &whole, .cut = lesson->cut, .step = lesson->step};
    whole.mode = &mode;
    nb_status status = pose(ctx, t);
    if (status == NB_OK) status = nb_squares_of(ctx, &whole, &squares, NULL);
    if (status != NB_OK) return status;
    nb_squares_cut(ctx, &squares, &parts);
    t->problem.squares = &squares;
    status = update(ctx, t, optimizer);
    if (status == NB_OK) optimizer->evaluations += squares.evaluations;
    *cost = squares.cost;
    return status;
}

/* The order of a step: the gradient, what is done to it as a whole, the update. */
static nb_status learn(nb_ctx *ctx, task *t, nb_optimizer *optimizer, double *cost)
{
    nb_status status = pose(ctx, t);
    if (status == NB_OK) status = evaluate(ctx, t, &t->problem.cost);
    *cost = t->cost;
    return status == NB_OK ? update(ctx, t, optimizer) : status;
}

/* Gives back what a task holds; what was staged counts if the step has succeeded. */
static void end(nb_ctx *ctx, task *t, nb_status status)
{
    if (status == NB_OK) nb_staged_commit(ctx, &t->staged);
    nb_staged_drop(ctx, &t->staged);
    nb_segments_free(ctx, &t->problem);
}

bool nb_learns_straight(const nb_net *net, const nb_optimizer *optimizer, const nb_lesson *lesson)
{
    const nb_optimizer_type *type = optimizer->type;
    bool plain = type->plain && type->plain(optimizer);
    return plain && !lesson->keep_grads && !lesson->cut && !nb_penalty_clips(&lesson->penalty) &&
           nb_learns_alike(net) && nb_slice_size(net, lesson->x) == lesson->x->shape[0];
}

nb_status nb_learn_check(nb_ctx *ctx, const nb_net *net, const nb_optimizer *optimizer,
                         const nb_penalty *penalty)
{
    const nb_optimizer_type *type = optimizer->type;
    if (!type->whole) return NB_OK;
    if (nb_penalty_clips(penalty) || penalty->decay != 0)
        return nb_fail(ctx, NB_EARG,
                       "%s finds how far its steps go by the cost, so clip and decay have no "
                       "place in it; l2 is part of the cost of lbfgs and cg",
                       type->name);
    if (type->squares && (penalty->l1 != 0 || penalty->l2 != 0))
        return nb_fail(ctx, NB_EARG, "%s knows squares of residuals alone; l1 and l2 go with lbfgs",
                       type->name);
    nb_status status = nb_whole_check(ctx, net, type->name);
    return status == NB_OK && type->squares ? nb_squares_check(ctx, net, type->name) : status;
}

nb_chance nb_lesson_chance(nb_ctx *ctx, const nb_lesson *lesson)
{
    return nb_chance_lend(ctx, lesson->seed, NB_FOR_PASS, lesson->step);
}

static nb_status learn_drawing(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer,
                               const nb_lesson *lesson, nb_outcome *outcome)
{
    double *cost = &outcome->cost;
    task t = {.net = net, .lesson = lesson};
    nb_status status = nb_optimizer_prepare(ctx, optimizer, net->dtype, nb_net_count(net));
    if (status == NB_OK) status = nb_learn_check(ctx, net, optimizer, &lesson->penalty);
    if (status != NB_OK) return status;
    if (optimizer->type->squares) {
        status = fit(ctx, &t, optimizer, cost);
    } else if (nb_learns_straight(net, optimizer, lesson)) {
        status = descend(ctx, &t, optimizer);
        *cost = t.cost;
    } else {
        status = learn(ctx, &t, optimizer, cost);
    }
    end(ctx, &t, status);
    if (status == NB_OK) nb_net_root(net)->lessons++;
    outcome->counts = t.counts;
    return status;
}

static nb_status learn_from(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer,
                            const nb_lesson *lesson, nb_outcome *outcome)
{
    nb_chance was = nb_lesson_chance(ctx, lesson);
    nb_status status = learn_drawing(ctx, net, optimizer, lesson, outcome);
    nb_chance_back(ctx, was);
    return status;
}

nb_status nb_learn(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                   double *cost)
{
    nb_outcome outcome = {.cost = 0};
    nb_status status = learn_from(ctx, net, optimizer, lesson, &outcome);
    *cost = outcome.cost;
    return status;
}

nb_status nb_learn_cut(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                       nb_outcome *outcome)
{
    return learn_from(ctx, net, optimizer, lesson, outcome);
}

/* ---- A step from several lessons ---- */

nb_status nb_group_add(nb_ctx *ctx, nb_net *net, nb_group *group, const nb_lesson *lesson,
                       double weight, double *cost)
{
    const nb_sink sink = {
        .from = net->whole->storage, .into = net->home->grads, .alpha = weight, .beta = 1};
    if (group->lessons == 0) nb_home_clear(net->home);
    nb_chance was = nb_lesson_chance(ctx, lesson);
    nb_status status = run(ctx, net, lesson, false, &group->staged, &sink, cost);
    nb_chance_back(ctx, was);
    if (status != NB_OK) {
        nb_home_forget(net->home);
        return status;
    }
    group->lessons++;
    group->weight += weight;
    return NB_OK;
}

/* Its mean gradient comes to net->grads, from where the group's sum takes it. */
nb_status nb_group_add_cut(nb_ctx *ctx, nb_net *net, nb_group *group, const nb_lesson *lesson,
                           nb_outcome *outcome)
{
    if (!group->sum) group->sum = nb_tensor_zeros(ctx, net->dtype, 1, net->grads->shape);
    if (!group->sum) return ctx->status;
    nb_status status = run_cut(ctx, net, lesson, false, &group->staged, outcome);
    if (status != NB_OK) return status;
    nb_real(net->dtype)
        ->axpy((size_t)nb_net_count(net), outcome->counts, nb_tensor_data(net->grads),
               nb_tensor_data(group->sum));
    group->lessons++;
    group->weight += outcome->counts;
    return NB_OK;
}

static void copy_numbers(nb_tensor *to, const nb_tensor *from)
{
    size_t bytes = (size_t)nb_tensor_count(from) * nb_dtype_size(from->dtype);
    memcpy(nb_tensor_data(to), nb_tensor_data(from), bytes);
}

/* What lessons that are cut have given, in the network's home. */
static void take_sum(nb_ctx *ctx, nb_net *net, nb_tensor *sum)
{
    if (!sum) return;
    copy_numbers(net->grads, sum);
    nb_tensor_touch(net->home->grads, "backward");
    nb_tensor_release(ctx, sum);
}

nb_status nb_group_step(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, nb_group *group,
                        const nb_lesson *lesson)
{
    task t = {.net = net, .lesson = lesson, .staged = group->staged, .looks = group->lessons};
    double scale = group->weight > 0 ? 1 / group->weight : 0;
    take_sum(ctx, net, group->sum);
    *group = (nb_group){.lessons = 0};
    nb_status status = pose(ctx, &t);
    if (status == NB_OK) status = nb_penalise(ctx, &t.problem, scale, &t.problem.cost);
    if (status == NB_OK) status = update(ctx, &t, optimizer);
    if (status != NB_OK) nb_home_forget(net->home);
    end(ctx, &t, status);
    if (status == NB_OK) nb_net_root(net)->lessons++;
    return status;
}

void nb_group_drop(nb_ctx *ctx, nb_net *net, nb_group *group)
{
    if (group->lessons) nb_home_forget(net->home);
    nb_staged_drop(ctx, &group->staged);
    nb_tensor_release(ctx, group->sum);
    *group = (nb_group){.lessons = 0};
}

/* ---- The network whole ---- */

void nb_net_state(const nb_net *net, nb_tensor *list[NB_NET_STATE])
{
    list[0] = net->values;
    list[1] = net->figures;
}

nb_status nb_net_keep(nb_ctx *ctx, const nb_net *net, nb_tensor *copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    memset(copy, 0, NB_NET_STATE * sizeof *copy);
    for (int i = 0; i < NB_NET_STATE; i++) {
        copy[i] = nb_tensor_clone(ctx, state[i]);
        if (copy[i]) continue;
        nb_net_drop(ctx, copy);
        return ctx->status;
    }
    return NB_OK;
}

nb_status nb_net_check_kept(nb_ctx *ctx, const nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        const nb_tensor *was = copy[i], *now = state[i];
        if (was->dtype == now->dtype && nb_tensor_same_shape(was, now)) continue;
        return nb_fail(ctx, NB_EARG,
                       "this is a snapshot of a network with %lld numbers in %s; this network has "
                       "%lld in %s",
                       (long long)nb_tensor_count(was), nb_dtype_name(was->dtype),
                       (long long)nb_tensor_count(now), nb_dtype_name(now->dtype));
    }
    return NB_OK;
}

/* The gradients there are of other parameters. */
void nb_net_put_back(nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        copy_numbers(state[i], copy[i]);
        nb_tensor_touch(state[i], "restore");
    }
    nb_net_root(net)->lessons++;
    nb_home_forget(net->home);
}

void nb_net_copy(const nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) copy_numbers(copy[i], state[i]);
}

void nb_net_drop(nb_ctx *ctx, nb_tensor *copy[NB_NET_STATE])
{
    for (int i = 0; i < NB_NET_STATE; i++) {
        nb_tensor_release(ctx, copy[i]);
        copy[i] = NULL;
    }
}
