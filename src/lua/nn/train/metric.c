/* Metrics from a table: names in their order, then functions by the order of their names. */
#include "lua/nn/train/metric.h"

#include "lua/names.h"
#include "lua/nn/layer/host.h"
#include "nn/notation/notation.h"

#include <stdio.h>
#include <string.h>

static const nb_option metric_option = {
    .name = "metric", .kind = NB_CHOSEN, .family = &nb_metric_family};

/* The value on the stack's top as the metric called `name`; a function's handle takes its place. */
static void read_metric(lua_State *L, const char *whose, const char *name, nb_metric *metric)
{
    nb_ctx *ctx = nbl_ctx(L);
    *metric = (nb_metric){.type = NULL};
    if (lua_isfunction(L, -1)) {
        metric->host.type = nbl_new_metric(L, -1, name);
        lua_replace(L, -2);
        return;
    }
    if (lua_type(L, -1) != LUA_TSTRING)
        nbl_error(L, "%s: a metric is a name or a function, not %s", whose, nbl_describe(L, -1));
    nb_chosen chosen = {.type = NULL};
    if (nb_notation_option(ctx, lua_tostring(L, -1), NULL, &metric_option, &chosen) != NB_OK)
        nbl_error(L, "%s: %s", whose, ctx->message);
    metric->type = chosen.type;
    if (metric->type->add && !metric->type->value)
        nbl_error(L, "%s: %s is a table and no number; net:evaluate(set).%s holds it", whose,
                  metric->type->name, metric->type->name);
    memcpy(metric->number, chosen.number, sizeof metric->number);
}

/* Takes the value on the stack's top as the next one, and keeps it there. */
static void add_metric(lua_State *L, const char *whose, const char *name, nbl_metrics *out)
{
    int at = out->asked.count;
    if (at == NB_METRICS_MAX)
        nbl_error(L, "%s: at most %d metrics at a time", whose, NB_METRICS_MAX);
    for (int i = 0; i < at; i++)
        if (strcmp(out->name[i], name) == 0)
            nbl_error(L, "%s: the metric %s is asked for twice", whose, name);
    if (strlen(name) >= NB_NAME_MAX)
        nbl_error(L, "%s: a metric's name has at most %d letters", whose, NB_NAME_MAX - 1);
    read_metric(L, whose, name, &out->asked.metric[at]);
    snprintf(out->name[at], NB_NAME_MAX, "%s", name);
    out->asked.count++;
}

/* The next name behind `last` in alphabetical order among the keys of the table at `at`, pushed. */
static const char *push_next_name(lua_State *L, int at, const char *whose, const char *last)
{
    const char *best = NULL;
    lua_pushnil(L);
    int slot = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
        if (lua_isinteger(L, -2)) continue;
        if (lua_type(L, -2) != LUA_TSTRING)
            nbl_error(L, "%s: a metric is called by a name, not %s", whose, nbl_describe(L, -2));
        const char *name = lua_tostring(L, -2);
        if (strcmp(name, last) <= 0 || (best && strcmp(name, best) >= 0)) continue;
        best = name;
        lua_pushvalue(L, -2);
        lua_replace(L, slot);
    }
    return best;
}

void nbl_read_metrics(lua_State *L, int at, const char *whose, nbl_metrics *out)
{
    *out = (nbl_metrics){.asked.count = 0};
    if (!at) return;
    if (!lua_istable(L, at))
        nbl_error(L, "%s: metrics must be a list, {\"accuracy\", f1 = f}, not %s", whose,
                  nbl_describe(L, at));
    luaL_checkstack(L, 4 * NB_METRICS_MAX, "metrics");
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, at); i++) {
        lua_rawgeti(L, at, i);
        if (lua_isfunction(L, -1))
            nbl_error(L, "%s: a function needs a name: metrics = {name = f}", whose);
        add_metric(L, whose, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "", out);
    }
    for (const char *last = ""; (last = push_next_name(L, at, whose, last));) {
        lua_getfield(L, at, last);
        add_metric(L, whose, last, out);
    }
}
