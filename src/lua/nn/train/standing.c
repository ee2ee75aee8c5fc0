/* See standing.h. */
#include "lua/nn/train/standing.h"

#include "lua/nn/keep.h"
#include "lua/nn/train/trainer.h"

static bool is_done(const nb_glass *glass)
{
    return glass->trainer->history.epochs >= glass->options.epochs ||
           nb_trainer_is_done(glass->trainer);
}

static bool fill(const nbl_trainer *of, nbl_standing *at)
{
    if (is_done(of->glass)) return false;
    *at = (nbl_standing){.epoch = of->glass->trainer->course.epoch, .step = nb_glass_at(of->glass)};
    if (!nbl_trainer_is_inside(of)) return true;
    const nb_half *half = of->half->half;
    at->epoch = half->step.at.epoch;
    at->step = of->half->step;
    at->back = nb_half_is_back(half);
    nb_half_path(half, at->layer);
    return true;
}

bool nbl_get_standing(lua_State *L, nbl_standing *at)
{
    const nbl_state *state = nbl_state_find(L); /* scripts may have taken it away */
    if (!state || !state->ctx || !state->standing || !nbl_find(L, state->standing)) return false;
    const nbl_trainer *trainer = nbl_test_trainer(L, -1);
    bool on = trainer && fill(trainer, at);
    lua_pop(L, 1);
    return on;
}
