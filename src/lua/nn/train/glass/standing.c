/* See standing.h. */
#include "lua/nn/train/glass/standing.h"

#include "lua/nn/keep.h"
#include "lua/nn/train/glass/trainer.h"

enum { QUICK_KILOBYTES = 64 * 1024 }; /* of Lua's own, which are looked through in a blink */

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

/* The handle on the stack's top, or nothing: NULL. */
static const nbl_trainer *find_trainer(lua_State *L)
{
    const nbl_state *state = nbl_state_find(L); /* scripts may have taken it away */
    if (!state || !state->ctx || !state->standing || !nbl_find(L, state->standing)) return NULL;
    const nbl_trainer *trainer = nbl_test_trainer(L, -1);
    if (!trainer) lua_pop(L, 1);
    return trainer;
}

/* That nobody has one any more is seen by a collection, which takes no time that is felt unless a
 * script keeps much. */
static void collect(lua_State *L)
{
    if (lua_gc(L, LUA_GCCOUNT) < QUICK_KILOBYTES) lua_gc(L, LUA_GCCOLLECT);
}

bool nbl_get_standing(lua_State *L, nbl_standing *at)
{
    if (!find_trainer(L)) return false;
    lua_pop(L, 1);
    collect(L);
    const nbl_trainer *trainer = find_trainer(L);
    if (!trainer) return false;
    bool on = fill(trainer, at);
    lua_pop(L, 1);
    return on;
}
