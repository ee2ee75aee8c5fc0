/* net:train: a run of training at one go, and what it leaves. */
#include "lua/nn/net.h"
#include "lua/nn/train/history.h"
#include "lua/nn/train/training.h"
#include "lua/nn/keep.h"

#include <stdio.h>

enum { NOTE_MAX = 160 }; /* bytes of what is told of a run */

/* The network's history is that of the last run that learned something. */
static void take_history(nb_ctx *ctx, nbl_training *work, nb_history history)
{
    nbl_net *self = work->self;
    work->state->stopped = work->begun && history.stopped ? self->net : NULL;
    if (work->begun) {
        nb_history_free(ctx, &self->history);
        self->history = history;
        self->trained = true;
    } else {
        nb_history_free(ctx, &history);
    }
}

/* What the last line of progress does not say: whose parameters the network has. */
static void tell_best(nbl_training *work, const nb_history *history)
{
    char text[NOTE_MAX];
    if (!history->best || history->best == history->epochs) return;
    snprintf(text, sizeof text,
             "the parameters are those of epoch %lld, whose cost on valid was "
             "the lowest",
             (long long)history->best);
    nbl_training_say(work, text);
}

static nb_status train(nb_ctx *ctx, void *data)
{
    nbl_training *work = data;
    if (work->begun)
        return nb_fail(
            ctx, NB_EMEMORY,
            "not enough memory to go on; the network is as its last whole batch left it");
    nb_set *set = nbl_training_set(ctx, work);
    if (!set) return ctx->status;
    /* Evaluations on the way are part of the training, which tells of itself. */
    const nb_meter *meter = ctx->meter;
    ctx->meter = NULL;
    nb_history history = {.epochs = 0};
    nb_status status = nb_train(ctx, work->self->net, set, &work->options, &history);
    ctx->meter = meter;
    work->begun = work->begun || history.resumed;
    history.common = work->common;
    history.tested = work->tested;
    take_history(ctx, work, history);
    bool shown = work->last.epoch > 0;
    if (shown && work->shower && work->shower->done)
        work->shower->done(work->shower->self, &work->last, status == NB_OK);
    if (status == NB_OK && work->begun) tell_best(work, &work->self->history);
    nb_set_release(ctx, set);
    return status;
}

static int net_train(lua_State *L)
{
    nbl_training *work = nbl_read_training(L, "net:train");
    nbl_net_learn(L, work->self, "net:train", train, work);
    nbl_push_history(L, &work->self->history);
    return 1;
}

int nbl_under_way(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    nbl_state_set(L, NBL_UNDER_WAY);
    return 0;
}

/* Pushes what was under way, or nothing. */
static bool push_under_way(lua_State *L)
{
    nbl_state_push(L, NBL_UNDER_WAY);
    lua_pushnil(L);
    nbl_state_set(L, NBL_UNDER_WAY);
    if (!lua_isnil(L, -1)) return true;
    lua_pop(L, 1);
    return false;
}

/* The network may be gone meanwhile, and its place another's. */
bool nbl_push_stopped(lua_State *L)
{
    nbl_state *state = nbl_state_find(L);
    if (!state) return false;
    if (push_under_way(L)) return true;
    const void *address = state->stopped;
    state->stopped = NULL;
    if (!address || !nbl_find(L, address)) return false;
    const nbl_net *self = nbl_test_net(L, -1);
    bool stopped = self && self->trained && self->history.stopped;
    if (stopped) nbl_push_history(L, &self->history);
    lua_remove(L, stopped ? -2 : -1);
    return stopped;
}

void nbl_forget_stopped(lua_State *L)
{
    nbl_state *state = nbl_state_find(L); /* scripts may have taken it away */
    if (!state) return;
    state->stopped = NULL;
    lua_pushnil(L);
    nbl_state_set(L, NBL_UNDER_WAY);
}

static const nbl_entry entries[] = {
    {":train", net_train, "net:train(set | x, y, {epochs, batch, lr, …})",
     "Learns from a data set by mini-batches. Gives a history that prints itself: .epochs .cost "
     ".valid .valid_cost .test .test_cost .lr .elapsed (seconds since it began) .seconds "
     ".examples_per_second, and .best, the epoch whose parameters patience brought back. Ctrl-C or "
     "an error stops it: what whole "
     "batches learned stays, and net.history has the whole epochs so far and .stopped, the epoch "
     "that was not finished; at the prompt that history is also in _ and in the variable that the "
     "line assigns.",
     "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"
     "net:train(digits.train, {epochs = 2, lr = 3.0, test = digits.test})",
     nbl_train_fields},
    {.name = NULL},
};

void nbl_open_train(lua_State *L)
{
    nbl_register(L, "net", entries);
}
