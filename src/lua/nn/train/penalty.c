/* Penalties and bounds on the gradient, from options. */
#include "lua/nn/train/penalty.h"

#include <string.h>

static double check_bound(lua_State *L, const char *whose, int at, const char *name)
{
    double bound = lua_type(L, at) == LUA_TNUMBER ? lua_tonumber(L, at) : -1;
    if (!(bound > 0) || !isfinite(bound))
        nbl_error(L, "%s: %s must be a number above 0, not %s", whose, name, nbl_describe(L, at));
    return bound;
}

static void read_clip(lua_State *L, const char *whose, int at, nb_penalty *out)
{
    if (lua_type(L, at) == LUA_TNUMBER) {
        out->clip_norm = check_bound(L, whose, at, "clip");
        return;
    }
    if (lua_type(L, at) != LUA_TTABLE)
        nbl_error(L,
                  "%s: clip must be a number, of the whole gradient's length, or {value = 1}, "
                  "not %s",
                  whose, nbl_describe(L, at));
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
        bool value = lua_type(L, -2) == LUA_TSTRING && !strcmp(lua_tostring(L, -2), "value");
        if (!value)
            nbl_error(L, "%s: clip knows {value = 1} only, not %s", whose,
                      nbl_describe(L, lua_gettop(L) - 1));
        out->clip_value = check_bound(L, whose, lua_gettop(L), "clip's value");
    }
    if (out->clip_value == 0) nbl_error(L, "%s: clip is an empty table; {value = 1}", whose);
}

static void set_decay(lua_State *L, const char *whose, double decay, nb_optimizer *optimizer,
                      bool made, nb_penalty *out)
{
    if (isnan(decay)) return;
    const nb_option *own = nb_option_find(optimizer->type->options, "decay");
    if (!own) {
        out->decay = decay;
        return;
    }
    if (!made)
        nbl_error(L, "%s: decay beside %s, which has its own; set it on the object: o.decay = …",
                  whose, optimizer->type->name);
    if (nb_option_set(nbl_ctx(L), own, &optimizer->options, decay) != NB_OK)
        nbl_error(L, "%s: %s", whose, nbl_ctx(L)->message);
}

nb_penalty nbl_read_penalty(lua_State *L, const char *whose, const nbl_penalty_choice *choice,
                            nb_optimizer *optimizer, bool made)
{
    nb_penalty penalty = {.l1 = choice->l1, .l2 = choice->l2};
    set_decay(L, whose, choice->decay, optimizer, made, &penalty);
    if (choice->clip) read_clip(L, whose, choice->clip, &penalty);
    return penalty;
}
