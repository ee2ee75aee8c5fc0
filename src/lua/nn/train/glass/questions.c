/* Questions to a run under glass: what is watched and what stops it, since which step something
 * holds, and where two runs part. What needs no C is in stdlib/trainer/. */
#include "lua/nn/train/glass/questions.h"

#include "lua/data/set.h"
#include "lua/embedded.h"
#include "lua/nn/keep.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/net/spot.h"
#include "nn/notation/write.h"
#include "nn/train/glass/apart.h"
#include "nn/train/glass/bisect.h"
#include "nn/train/glass/travel.h"

#include <stddef.h>
#include <string.h>

#define PART "trainer/questions"

/* ---- Into stdlib/trainer/questions.lua ------------------------------------------------------- */

static void push_part(lua_State *L, const char *name)
{
    nbl_push_embedded(L, PART);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* Pushes the state of the questions to the trainer at `at`. */
static void push_state(lua_State *L, int at)
{
    if (lua_getiuservalue(L, at, NBL_QUESTIONS) == LUA_TTABLE) return;
    lua_pop(L, 1);
    push_part(L, "new");
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, at, NBL_QUESTIONS);
}

/* Pushes a function of the part, the state and the trainer that a hook knows by its address. */
static int push_call(lua_State *L, const void *self, const char *name)
{
    nbl_recall(L, self);
    int trainer = lua_gettop(L);
    push_part(L, name);
    push_state(L, trainer);
    lua_pushvalue(L, trainer);
    lua_remove(L, trainer);
    return 2;
}

static int push_after(lua_State *L, const void *self, const void *data)
{
    (void)data;
    return push_call(L, self, "after");
}

static int push_failed(lua_State *L, const void *self, const void *message)
{
    int count = push_call(L, self, "failed");
    lua_pushstring(L, message);
    return count + 1;
}

static int push_not_yet(lua_State *L, const void *self, const void *data)
{
    (void)data;
    return push_call(L, self, "not_yet");
}

static nb_status after(nb_ctx *ctx, void *self, bool *stop)
{
    return nbl_call_hook(ctx, push_after, self, NULL, stop);
}

/* The message stays, where it is an error after all. */
static bool failed(nb_ctx *ctx, void *self)
{
    char message[NB_MESSAGE_MAX];
    bool stop = false;
    nb_status was = ctx->status;
    memcpy(message, ctx->message, sizeof message);
    nb_status status = nbl_call_hook(ctx, push_failed, self, message, &stop);
    memcpy(ctx->message, message, sizeof message);
    ctx->status = was;
    return status == NB_OK && stop;
}

/* Whether the core asks behind every step: only where somebody wants to know. */
static void listen(lua_State *L, nbl_trainer *self)
{
    push_part(L, "any");
    push_state(L, 1);
    lua_call(L, 1, 1);
    self->glass->asker = (nb_asker){NULL, NULL, NULL};
    if (lua_toboolean(L, -1)) self->glass->asker = (nb_asker){after, failed, self};
    lua_pop(L, 1);
}

/* Calls a function of the part with the state and all arguments; pushes its result. */
static void ask_part(lua_State *L, const char *name)
{
    int count = lua_gettop(L);
    push_part(L, name);
    push_state(L, 1);
    for (int i = 1; i <= count; i++) lua_pushvalue(L, i);
    lua_call(L, count + 1, 2);
    if (lua_isnil(L, -2) && lua_isstring(L, -1)) nbl_error(L, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
}

void nbl_questions_begin(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    if (nbl_net_is_running(L, self->net)) return; /* then it goes nowhere */
    push_part(L, "begin");
    push_state(L, 1);
    lua_call(L, 1, 0);
    listen(L, self);
}

void nbl_questions_text(lua_State *L)
{
    push_part(L, "lines");
    push_state(L, 1);
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
}

int nbl_questions_stopped(lua_State *L)
{
    push_state(L, 1);
    lua_getfield(L, -1, "stopped");
    return 1;
}

void nbl_questions_say(lua_State *L, const nbl_trainer *self)
{
    int top = lua_gettop(L);
    push_state(L, 1);
    lua_getfield(L, -1, "only");
    lua_getfield(L, -2, "stopped");
    if (lua_isnil(L, -2) && !lua_isnil(L, -1)) {
        nbl_questions_text(L);
        nbl_training_say(self->training, lua_tostring(L, -1));
    }
    lua_settop(L, top);
}

/* Also where x and y were given by themselves. */
int nbl_learned_set(lua_State *L)
{
    nb_set *learned = nbl_check_trainer(L, 1)->glass->trainer->set;
    nb_set **set = nbl_new_set(L);
    *set = nb_set_retain(learned);
    return 1;
}

int nbl_panels(lua_State *L)
{
    const nbl_trainer *self = nbl_check_trainer(L, 1);
    lua_settop(L, 1);
    lua_pushinteger(L, nb_glass_epoch_end(self->glass, 1));
    ask_part(L, "panels");
    return 1;
}

/* ---- Watching and stopping ------------------------------------------------------------------- */

/* Nothing at 2 is a question, nil what does not exist. */
static void check_given(lua_State *L)
{
    nbl_no_more(L, 3);
    if (lua_gettop(L) > 1 && lua_isnil(L, 2))
        nbl_error(L, "nil is nothing that could be asked for");
}

static int trainer_watch(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    check_given(L);
    ask_part(L, "watch");
    listen(L, self);
    return 1;
}

static int trainer_stop_when(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    check_given(L);
    ask_part(L, "stop_when");
    listen(L, self);
    return 1;
}

static void check_condition(lua_State *L)
{
    if (lua_isnoneornil(L, 2))
        nbl_error(L, "say a condition: a function, or an expression such as \"cost > 2\"");
}

void nbl_questions_wait(lua_State *L)
{
    nbl_no_more(L, 2);
    check_condition(L);
    ask_part(L, "wait_for");
    lua_settop(L, 1);
}

/* (net, tensor): what the tensor holds of the network's, "layer 2: w[3]"; nil where it is none
 * of its parameters and buffers. */
int nbl_place(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    const nb_tensor *x = nbl_check_tensor(L, 2);
    nb_tensor *state[NB_NET_STATE];
    char text[NB_SPOT_TEXT];
    nb_net_state(self->net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        if (x->storage != state[i]->storage) continue;
        if (!nb_spot_view(self->net, x, i > 0, text)) continue;
        lua_pushstring(L, text);
        return 1;
    }
    return 0;
}

/* ---- Since when ------------------------------------------------------------------------------ */

typedef struct bisect_options {
    bool first;
} bisect_options;

static const nb_option bisect_fields[] = {
    {.name = "first",
     .help = "every step is made again and looked behind, until it holds: the first time also of "
             "what does not stay so",
     .kind = NB_BOOLEAN,
     .offset = offsetof(bisect_options, first)},
    NB_OPTIONS_END,
};

typedef struct bisect_job {
    nbl_trainer_job job;
    bool first;
    nb_bisection *found; /* in a box */
} bisect_job;

static nb_status holds_now(nb_ctx *ctx, void *self, bool *holds)
{
    return nbl_call_hook(ctx, push_not_yet, self, NULL, holds);
}

static nb_status bisect(nb_ctx *ctx, nbl_trainer_job *job)
{
    bisect_job *work = (bisect_job *)job;
    nbl_trainer *self = job->trainer;
    nb_bisection_free(ctx, work->found);
    return nb_glass_bisect(ctx, self->glass, work->first, holds_now, self, work->found);
}

static void release_bisection(nb_ctx *ctx, void *found)
{
    nb_bisection_free(ctx, found);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* Places in the set, from 1. */
static void push_places(lua_State *L, const int32_t *list, const bool *which, int64_t n)
{
    lua_Integer k = 0;
    lua_newtable(L);
    for (int64_t i = 0; i < n; i++) {
        if (which && !which[i]) continue;
        lua_pushinteger(L, list[i] + 1);
        lua_rawseti(L, -2, ++k);
    }
}

static void set_examples(lua_State *L, const nb_bisection *found)
{
    push_places(L, found->example, NULL, found->examples);
    lua_setfield(L, -2, "examples");
    push_places(L, found->example, found->needed, found->examples);
    lua_setfield(L, -2, "without");
    lua_getfield(L, -1, "without");
    if (lua_rawlen(L, -1) == 1) {
        lua_rawgeti(L, -1, 1);
        lua_setfield(L, -3, "example");
    }
    lua_pop(L, 1);
}

static const char *const bisection_lacks[] = {
    "step",    "epoch", "batch", "examples",     "without", "example", "before",
    "by_hand", "never", "last",  "brought_back", "untried", NULL};
static const nbl_result bisection_kind = {.name = "nabla.bisection",
                                          .whose = "a bisection",
                                          .text = nbl_brief,
                                          .may_lack = bisection_lacks};

static void push_bisection(lua_State *L, const bisect_job *work)
{
    const nb_bisection *found = work->found;
    lua_createtable(L, 0, 12);
    nbl_set_integer(L, "asked", found->asked);
    set_flag(L, "first", work->first);
    if (found->finding == NB_HELD_NEVER) {
        const nb_glass *glass = work->job.trainer->glass;
        set_flag(L, "never", true);
        nbl_set_integer(L, "last", nb_glass_at(glass));
        if (nb_travel_ends(glass, nb_glass_at(glass))) set_flag(L, "brought_back", true);
    } else {
        nbl_set_integer(L, "step", found->step);
    }
    if (found->finding == NB_HELD_BEFORE) set_flag(L, "before", true);
    if (found->finding == NB_HELD_BY_HAND) set_flag(L, "by_hand", true);
    if (found->finding == NB_HELD_AFTER) {
        nbl_set_integer(L, "epoch", found->course.epoch);
        nbl_set_integer(L, "batch", found->course.batch);
        set_examples(L, found);
    }
    if (*found->untried) {
        lua_pushstring(L, found->untried);
        lua_setfield(L, -2, "untried");
    }
    nbl_dress(L, &bisection_kind);
}

static int trainer_bisect(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    bisect_options options;
    check_condition(L);
    nbl_no_more(L, 3);
    nbl_options(L, 3, bisect_fields, &options, false);
    lua_settop(L, 2);
    ask_part(L, "seek_for");
    bisect_job work = {.job = {.trainer = self, .work = bisect, .half = NBL_IS_DROPPED},
                       .first = options.first};
    work.found = nbl_new_box(L, sizeof *work.found, release_bisection);
    int box = lua_gettop(L);
    nbl_trainer_run(L, "trainer:bisect", &work.job);
    push_bisection(L, &work);
    nbl_close_box(L, box);
    return 1;
}

/* ---- Two runs -------------------------------------------------------------------------------- */

typedef struct compare_job {
    nbl_trainer_job job;
    nb_glass *of[2];
    nb_apart *apart; /* in a box */
    nb_text *options;
} compare_job;

static nb_status compare(nb_ctx *ctx, nbl_trainer_job *job)
{
    compare_job *work = (compare_job *)job;
    nb_apart_free(ctx, work->apart);
    nb_text_free(work->options);
    return nb_glass_apart(ctx, work->of, work->options, work->apart);
}

static void release_apart(nb_ctx *ctx, void *apart)
{
    nb_apart_free(ctx, apart);
}

/* {{name =, one, other}, …} of lines with tabs. */
static void set_options(lua_State *L, const nb_text *text)
{
    lua_Integer n = 0;
    lua_newtable(L);
    for (const char *at = nb_text_get(text); *at; at += strcspn(at, "\n") + 1) {
        const char *one = strchr(at, '\t') + 1, *other = strchr(one, '\t') + 1;
        lua_createtable(L, 2, 1);
        lua_pushlstring(L, at, (size_t)(one - at) - 1);
        lua_setfield(L, -2, "name");
        lua_pushlstring(L, one, (size_t)(other - one) - 1);
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, other, strcspn(other, "\n"));
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "options");
}

static void push_difference(lua_State *L, const nb_apart_part *part)
{
    lua_createtable(L, 2, 4);
    lua_pushstring(L, part->where);
    lua_setfield(L, -2, "where");
    nbl_set_integer(L, "count", part->count);
    nbl_set_integer(L, "differing", part->differing);
    nbl_set_number(L, "most", part->most);
    for (int k = 0; k < 2; k++) {
        lua_pushnumber(L, part->number[k]);
        lua_rawseti(L, -2, k + 1);
    }
}

static void set_step(lua_State *L, const nb_apart *apart)
{
    nbl_set_integer(L, "step", apart->step);
    nbl_set_integer(L, "epoch", apart->epoch);
    nbl_set_integer(L, "batch", apart->batch);
    set_flag(L, "same_examples", nb_apart_same_places(apart) && apart->other < 0);
    if (apart->other >= 0) nbl_set_integer(L, "other", (int64_t)apart->other + 1);
    if (apart->by_end) set_flag(L, "by_end", true);
    lua_createtable(L, 2, 0);
    lua_createtable(L, 2, 0);
    for (int k = 0; k < 2; k++) {
        push_places(L, apart->example[k], NULL, apart->examples[k]);
        lua_rawseti(L, -3, k + 1);
        if (apart->changed[k] < 0)
            lua_pushboolean(L, false);
        else
            lua_pushinteger(L, apart->changed[k]);
        lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -3, "by_hand");
    lua_setfield(L, -2, "examples");
    for (int i = 0; i < apart->parts && apart->part[i].differing > 0; i++) {
        push_difference(L, &apart->part[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* Where they are not the same. */
static void set_notations(lua_State *L, const nb_glass *const of[2])
{
    lua_createtable(L, 2, 0);
    for (int k = 0; k < 2; k++) {
        nb_text *text = nbl_new_text(L);
        nb_notation_write(text, of[k]->trainer->net);
        nbl_push_text(L, text);
        lua_rawseti(L, -3, k + 1);
        lua_pop(L, 1);
    }
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (same)
        lua_pop(L, 1);
    else
        lua_setfield(L, -2, "notation");
}

static const char *const comparison_lacks[] = {"step",     "epoch",    "batch", "same_examples",
                                               "examples", "by_hand",  "other", "by_end",
                                               "unlike",   "notation", NULL};
static const nbl_result comparison_kind = {.name = "nabla.comparison",
                                           .whose = "a comparison",
                                           .text = nbl_brief,
                                           .may_lack = comparison_lacks};

static int trainer_compare(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1), *other = nbl_check_trainer(L, 2);
    nbl_no_more(L, 2);
    if (nbl_trainer_is_inside(other))
        return nbl_error(L, "a step of the other run is half done; u:step() makes it");
    compare_job work = {.job = {.trainer = self, .work = compare, .half = NBL_IS_DROPPED},
                        .of = {self->glass, other->glass},
                        .options = nbl_new_text(L)};
    work.apart = nbl_new_box(L, sizeof *work.apart, release_apart);
    int box = lua_gettop(L);
    nbl_pin_net(L, other->training->self);
    nbl_trainer_run(L, "trainer:compare", &work.job);
    lua_createtable(L, 0, 12);
    nbl_set_integer(L, "from", work.apart->from);
    nbl_set_integer(L, "to", work.apart->to);
    if (work.apart->unlike) set_flag(L, "unlike", true);
    set_options(L, work.options);
    set_notations(L, (const nb_glass *const *)work.of);
    if (work.apart->step >= 0) set_step(L, work.apart);
    nbl_dress(L, &comparison_kind);
    nbl_close_box(L, box);
    return 1;
}

/* ---- Registration ---------------------------------------------------------------------------- */

#define TRAINER                                                                                    \
    "digits = data.digits()\nnet = nn.net(\"64 - 30 - 10\", {seed = 1})\n"                         \
    "t = net:trainer(digits.train, {lr = 3, seed = 1})\n"

static const nbl_entry entries[] = {
    {":watch", trainer_watch, "t:watch(v [, name])",
     "Watches a view of the network's numbers, such as net[1].w[{5, {17, 17}}], or a function "
     "(t) → number or tensor: it is read behind every step, print(t) has a line for it, plot(t) "
     "draws it beside the cost. Of more than 8 numbers the root of their mean square is kept. Of "
     "at "
     "most 4,096 steps each is kept, of a longer run every 2nd, 4th … one. t:watch() lists what is "
     "watched, t:watch(v, false) takes one away (by the view, the function, its name or what "
     "t:watch gave), t:watch(false) all. A view that the network no longer holds, as when a layer "
     "was replaced, is dropped, and print(t) says so. An error in a function stops the run behind "
     "a whole step; a function that changes network or optimizer is such an error, and its change "
     "is undone.",
     TRAINER "t:watch(net[1].w[{5, {17, 17}}])\n"
             "t:watch(function() return net[2].w:norm() end, \"size of w\")\n"
             "t:step(20)\nprint(t)\nplot(t)",
     NULL},
    {":stop_when", trainer_stop_when, "t:stop_when(f | \"nan\" | \"cost > 2\" | …)",
     "Stops every run where a condition holds behind a step: a function (t) → true, or words that "
     "say why; an expression over numbers of the run, such as \"cost > 2 and epoch > 1\"; \"nan\", "
     "a step that would leave NaN or infinity, which is not made; \"saturated\" or \"dead\", a "
     "neuron that is so and was not told before: its slope is below 0.01, or 0, in each of a "
     "hundred of the set's examples. print(t) and t.stopped say what stopped it and where. Numbers "
     "are cost (of the last step's examples), mean_cost (of the epoch so far), step, epoch, batch, "
     "lr, gradient (its length over a hundred examples), weights (length of all parameters), and "
     "of the last whole epoch valid, valid_cost, test, test_cost, with abs, ceil, exp, floor, "
     "huge, "
     "log, max, min, pi, sqrt. Words and gradient take a pass over the hundred at every step. "
     "t:stop_when() lists the conditions, t:stop_when(c, false) takes one away, t:stop_when(false) "
     "all.",
     TRAINER "t:stop_when(\"cost < 0.2\")\nt:stop_when(\"nan\")\nt:epoch()\nprint(t.stopped)",
     NULL},
    {":bisect", trainer_bisect, "t:bisect(f [, {first}])",
     "The step since which f holds, taking it that it stays so: f, as t:stop_when takes it, is "
     "asked of the network as it stood behind some of the steps from the beginning of the record "
     "to "
     "where the run stands. Then the step is made again without each of its examples in turn (with "
     "weight 0), of 512 at most: without which would f not hold there? Prints itself; fields: "
     ".step .epoch .batch, "
     ".examples (their places in the set), .without (those without which it would not hold), "
     ".example where that is one, .untried, why none was left out, .asked, how often f was; or "
     ".never, .before (it held from the start, .step), .by_hand (by what was changed at the stop "
     "behind .step). f must change nothing. The run stands afterwards where it stood.",
     TRAINER "t:step(100)\nb = t:bisect(function() return net[2].b:norm() > 0.5 end)\nprint(b)",
     bisect_fields},
    {":compare", trainer_compare, "t:compare(u)",
     "Holds two runs side by side, as far as both have come: the first step behind which their "
     "networks differ, taking it that they stay apart, and what differs: options, the step's "
     "examples, changes by hand, the parameters and by how much. Prints itself; fields: .step "
     "(nil: none) .epoch .batch .from .to, .options, a list of {name =, one, other}, .notation, "
     "{one, other}, where the networks are described otherwise, .examples, {list, list}, "
     ".same_examples, .other, an example that is not the same in both sets, .by_hand, {one, "
     "other}, "
     "the step behind which either run was changed last, or false, and [i], the parameters by the "
     "size of their "
     "difference: .where .most .differing .count, [1] and [2], the numbers that differ most. "
     ".unlike "
     "where the networks have other parameters. Both runs stand afterwards where they stood.",
     TRAINER "u = net:clone():trainer(digits.train, {lr = 2, seed = 1})\nt:step(9)\nu:step(9)\n"
             "print(t:compare(u))\nt:compare(u).step → 1",
     NULL},
    {.name = NULL},
};

void nbl_open_questions(lua_State *L)
{
    nbl_register(L, "trainer", entries);
}
