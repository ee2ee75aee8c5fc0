/* See half.h; the table is stdlib/trainer/half.lua's. */
#include "lua/nn/train/glass/half.h"

#include "lua/embedded.h"
#include "lua/nn/inspect/trace.h"

#include <stdio.h>

/* User values. */
enum { SEAL = 1, SHOWN, VALUES = SHOWN };

static int half_gc(lua_State *L);

static const luaL_Reg meta[] = {{"__gc", half_gc}, {NULL, NULL}};
static const nbl_kind half_kind = {"nabla.half done step", VALUES, meta};

static nbl_half *check(lua_State *L, int at)
{
    return nbl_check_handle(L, at, &half_kind, "a step that is half done");
}

static int half_gc(lua_State *L)
{
    nbl_half *self = check(L, 1);
    nb_half_free(nbl_ctx(L), self->half);
    self->half = NULL;
    return 0;
}

nbl_half *nbl_new_half(lua_State *L)
{
    nbl_half *self = nbl_new_handle(L, &half_kind, sizeof *self);
    self->seal = nbl_new_seal(L);
    lua_setiuservalue(L, -2, SEAL);
    return self;
}

/* ---- From stop to stop ---- */

nb_status nbl_half_begin(nb_ctx *ctx, nbl_half *self, nb_glass *glass)
{
    nb_status status = nb_glass_ready(ctx, glass);
    if (status != NB_OK) return status;
    self->half = nb_half_new(ctx, glass->trainer);
    self->step = nb_glass_at(glass) + 1;
    return self->half ? NB_OK : ctx->status;
}

nb_status nbl_half_next(nb_ctx *ctx, nbl_half *self)
{
    return nb_half_next(ctx, self->half);
}

static nb_status make(nb_ctx *ctx, void *self, const nb_step *step)
{
    return nb_glass_make(ctx, self, step);
}

static void drop(nb_ctx *ctx, nbl_half *self)
{
    nbl_seal_rest(self->seal, true);
    nb_half_free(ctx, self->half);
    self->half = NULL;
    self->over = true;
}

/* What hooks behind the step do is no change inside it. */
static nb_status finish(nb_ctx *ctx, nbl_half *self, nb_glass *glass)
{
    nbl_seal_rest(self->seal, true);
    nb_status status = nb_half_finish(ctx, self->half, make, glass);
    self->made = nb_glass_at(glass) >= self->step;
    bool again = status == NB_EINTERRUPT || status == NB_EMEMORY || status == NB_ECALLBACK;
    if (!self->made && again) {
        nbl_seal_rest(self->seal, false);
        return status;
    }
    drop(ctx, self);
    return status;
}

nb_status nbl_half_settle(nb_ctx *ctx, nbl_half *self, nbl_fate fate, nb_glass *glass)
{
    if (!self || !self->half || fate == NBL_STAYS) return NB_OK;
    if (fate == NBL_IS_MADE) return finish(ctx, self, glass);
    drop(ctx, self);
    return NB_OK;
}

/* ---- What must stay ---- */

static void seal_masks(lua_State *L, int seal, const nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_tuning *tuning = &net->part[i]->tuning;
        for (int k = 0; k < tuning->masks; k++) nbl_seal_numbers(L, seal, tuning->mask[k].learns);
    }
}

/* Functions of Lua may have kept both. */
static void seal_batch(lua_State *L, int seal, const nb_batch *batch)
{
    nbl_seal_numbers(L, seal, batch->x);
    nbl_seal_numbers(L, seal, batch->y);
}

/* What the update's batch is taken from. */
static void seal_set(lua_State *L, int seal, const nb_trainer *trainer)
{
    const nb_tensor *from[] = {nb_feed_tensor(trainer->set->x), nb_feed_tensor(trainer->set->y),
                               trainer->weights.of};
    for (int i = 0; i < 3; i++)
        if (from[i]) nbl_seal_numbers(L, seal, from[i]);
}

/* Parameters, figures, masks, the set, its batches, the optimizer. */
static void hold(lua_State *L, const nbl_half *self, int seal)
{
    char path[NB_PATH_MAX], what[NB_PATH_MAX + 64];
    const nb_half *half = self->half;
    const nb_trainer *trainer = half->trainer;
    snprintf(what, sizeof what, "layer %s of step %lld is half done", nb_half_path(half, path),
             (long long)self->step);
    nbl_seal_say(self->seal, what);
    nbl_seal_numbers(L, seal, trainer->net->values);
    nbl_seal_numbers(L, seal, trainer->net->figures);
    for (int64_t i = 0; i < half->step.parts; i++) seal_batch(L, seal, &half->step.part[i].batch);
    seal_set(L, seal, trainer);
    seal_masks(L, seal, trainer->net);
    nbl_seal_address(L, seal, trainer->optimizer);
}

/* ---- What is shown ---- */

/* Pushes a function of stdlib/trainer/half.lua. */
static void push_function(lua_State *L, const char *name)
{
    nbl_push_embedded(L, "trainer/half");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* Pushes, for every place, the stops at which its fields come. */
static void push_known(lua_State *L, const nb_half *half)
{
    char name[NB_NAME_MAX + 1];
    lua_createtable(L, half->places, 0);
    for (int p = 0; p < half->places; p++) {
        const nb_known *known = &half->known[p];
        const nb_trace_place *place = &half->trace.place[p];
        lua_createtable(L, 0, 2 + place->grads);
        nbl_set_integer(L, "forward", known->forward);
        nbl_set_integer(L, "back", known->back);
        for (int i = 0; i < place->grads; i++) {
            snprintf(name, sizeof name, "d%s", nb_trace_param(place, i)->name);
            nbl_set_integer(L, name, known->grad[i]);
        }
        lua_rawseti(L, -2, p + 1);
    }
}

/* Fills the table that is shown to its end, or says that there will be no more. */
static void close_shown(lua_State *L, int at, const char *how)
{
    push_function(L, "close");
    lua_getiuservalue(L, at, SHOWN);
    lua_pushstring(L, how);
    lua_call(L, 2, 0);
}

/* The table of the batch under way, where there is another's. */
static void renew_shown(lua_State *L, int at, nbl_half *self)
{
    const nb_half *half = self->half;
    if (self->shown == half->part + 1) return;
    if (self->shown) close_shown(L, at, "whole");
    push_function(L, "new");
    nbl_push_trace(L, half->trainer->net, &half->trace);
    push_known(L, half);
    lua_call(L, 2, 1);
    lua_setiuservalue(L, at, SHOWN);
    self->shown = half->part + 1;
}

/* Where it stands, as a table. */
static void push_about(lua_State *L, const nbl_half *self)
{
    const nb_half *half = self->half;
    const nb_course *course = &half->step.at;
    char path[NB_PATH_MAX];
    lua_createtable(L, 0, 10);
    nbl_set_integer(L, "step", self->step);
    nbl_set_integer(L, "epoch", course->epoch);
    nbl_set_integer(L, "batch", course->batch + half->part + 1);
    nbl_set_integer(L, "part", half->part + 1);
    nbl_set_integer(L, "parts", half->step.parts);
    nbl_set_integer(L, "stop", half->at);
    nbl_set_integer(L, "stops", 2 * (int64_t)half->places);
    lua_pushstring(L, nb_half_is_back(half) ? "back" : "forward");
    lua_setfield(L, -2, "way");
    lua_pushstring(L, nb_half_path(half, path));
    lua_setfield(L, -2, "layer");
}

void nbl_push_half(lua_State *L, int at)
{
    nbl_half *self = check(L, at);
    at = lua_absindex(L, at);
    lua_getiuservalue(L, at, SEAL);
    hold(L, self, lua_gettop(L));
    lua_pop(L, 1);
    renew_shown(L, at, self);
    push_function(L, "show");
    lua_getiuservalue(L, at, SHOWN);
    push_about(L, self);
    lua_call(L, 2, 1);
}

void nbl_push_shown(lua_State *L, int at)
{
    check(L, at);
    lua_getiuservalue(L, at, SHOWN);
}

void nbl_close_half(lua_State *L, int at)
{
    const nbl_half *self = check(L, at);
    if (self->shown) close_shown(L, lua_absindex(L, at), self->made ? "whole" : "dropped");
}
