/* net:diagnose: checks what it is given; stdlib/diagnose.lua does the rest. */
#include "lua/data/set.h"
#include "lua/embedded.h"
#include "lua/nn/net.h"
#include "lua/nn/train/training.h"
#include "lua/result.h"

#include <stddef.h>
#include <string.h>

typedef struct diagnose_options {
    int budget, reset, progress;
} diagnose_options;

#define FIELD(field) offsetof(diagnose_options, field)

/* Beside those of train. */
static const nb_option diagnose_fields[] = {
    {.name = "budget",
     .help = "how many seconds it may take, for which runs are made shorter where they must be; or "
             "{runs = n}: whole runs, so many at most, which say the same anywhere. 0 only looks",
     .range = "a number from 0 or {runs = n}",
     .standard = "5",
     .kind = NB_HOST,
     .offset = FIELD(budget)},
    {.name = "reset",
     .help = "each run begins with parameters drawn anew by its seed; false: with those that the "
             "network has",
     .range = "true or false",
     .standard = "true where it has been trained",
     .kind = NB_HOST,
     .offset = FIELD(reset)},
    {.name = "progress",
     .help = "show how far it has come",
     .range = "true or false",
     .standard = "true",
     .kind = NB_HOST,
     .offset = FIELD(progress)},
    NB_OPTIONS_END,
};

enum { SET = 2, TARGETS, OPTIONS, WORDS, TRAINED };

static size_t count_of(const nb_option *list)
{
    size_t n = 0;
    while (list[n].name) n++;
    return n;
}

/* Our options and train's as one list, on the stack's top. */
static const nb_option *push_all(lua_State *L)
{
    size_t own = count_of(diagnose_fields), others = count_of(nbl_train_fields) + 1;
    nb_option *all = lua_newuserdatauv(L, (own + others) * sizeof *all, 0);
    memcpy(all, diagnose_fields, own * sizeof *all);
    memcpy(all + own, nbl_train_fields, others * sizeof *all);
    return all;
}

/* What the values must be is for train to say, which is called with them. */
static void check_names(lua_State *L)
{
    const nb_option *all = push_all(L);
    for (lua_pushnil(L); lua_next(L, OPTIONS); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            nbl_error(L, "options are written name = value; there is no name before %s",
                      nbl_describe(L, -1));
        const char *name = lua_tostring(L, -2);
        if (nb_option_find(all, name)) continue;
        nb_option_unknown(nbl_ctx(L), all, "net:diagnose", name);
        nbl_error(L, "%s", nbl_ctx(L)->message);
    }
    lua_pop(L, 1);
}

/* Of the table of options: true where it is left out. */
static bool read_flag(lua_State *L, const char *name)
{
    int type = lua_getfield(L, OPTIONS, name);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        nbl_error(L, "%s must be true or false, not %s", name, nbl_describe(L, -1));
    bool value = type == LUA_TNIL || lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* The network, a set or x and y, options: each in its place. */
static void read_arguments(lua_State *L)
{
    nbl_check_net(L, 1);
    bool set = nbl_test_set(L, SET);
    if (!set && lua_isnoneornil(L, TARGETS))
        nbl_arg_error(L, SET, "a data set, or x with y behind it");
    nbl_no_more(L, set ? OPTIONS - 1 : OPTIONS);
    lua_settop(L, set ? OPTIONS - 1 : OPTIONS);
    if (set) lua_pushnil(L);
    if (set) lua_insert(L, TARGETS);
    if (lua_isnil(L, OPTIONS)) lua_newtable(L);
    if (lua_gettop(L) > OPTIONS) lua_replace(L, OPTIONS);
    if (!lua_istable(L, OPTIONS))
        nbl_error(L, "options must be a table such as {epochs = 30}, not %s",
                  nbl_describe(L, OPTIONS));
}

/* By a run, or by steps of somebody's own loop. */
static bool is_trained(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    return self->trained || nb_net_root(self->net)->lessons > 0;
}

/* The figures are what the looks work on, modules and networks among them. */
static const char *const diagnosis_lacks[] = {"base",
                                              "fails",
                                              "figures",
                                              "layers",
                                              "looked",
                                              "measured",
                                              "refused",
                                              "run",
                                              "budget.runs",
                                              "budget.seconds",
                                              "figures.*",
                                              "layers.cost",
                                              "layers[i].one.*",
                                              "layers[i].dead",
                                              "layers[i].delta",
                                              "layers[i].equal",
                                              "layers[i].flat",
                                              "layers[i].gradient",
                                              "layers[i].input",
                                              "layers[i].ratio",
                                              "layers[i].relative",
                                              "layers[i].saturated",
                                              "layers[i].size",
                                              "layers[i].slope",
                                              "layers[i].update",
                                              "layers[i].width",
                                              "layers[i].z",
                                              NULL};
static const nbl_result diagnosis_kind = {.name = "nabla.diagnosis",
                                          .whose = "a diagnosis",
                                          .text = nbl_brief,
                                          .may_lack = diagnosis_lacks};

static const char *const cause_lacks[] = {
    "base", "beat", "certain", "confirmed", "cure",   "cured", "gain",  "longer",
    "null", "p",    "place",   "price",     "spread", "why",   "where", NULL};
static const nbl_result cause_kind = {
    .name = "nabla.cause", .whose = "a cause", .may_lack = cause_lacks};

/* One that was tried stands in two lists. */
static void dress_causes(lua_State *L, int list)
{
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) == LUA_TTABLE; i++) {
        nbl_dress(L, &cause_kind);
        lua_pop(L, 1);
    }
    lua_settop(L, list);
}

/* Of the table on the stack's top. */
static void dress_diagnosis(lua_State *L)
{
    static const char *const lists[] = {"tried", "noticed"};
    int top = lua_gettop(L);
    dress_causes(L, top);
    for (int i = 0; i < 2; i++) {
        if (nbl_own_field(L, top, lists[i]) == LUA_TTABLE) dress_causes(L, top + 1);
        lua_settop(L, top);
    }
    nbl_dress(L, &diagnosis_kind);
}

static int net_diagnose(lua_State *L)
{
    read_arguments(L);
    check_names(L);
    read_flag(L, "reset");
    lua_pushstring(L, read_flag(L, "progress") ? "trying cures" : NULL);
    lua_pushboolean(L, is_trained(L));
    nbl_push_embedded(L, "diagnose");
    lua_insert(L, 1);
    lua_call(L, TRAINED, 2);
    if (lua_isnil(L, -2)) return nbl_error(L, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    dress_diagnosis(L);
    return 1;
}

static const nbl_entry entries[] = {
    {":diagnose", net_diagnose, "net:diagnose(set | x, y [, {budget, reset, …}])",
     "What is wrong with this training, found by experiment. The options are those that net:train "
     "was or will be given, and our own. What looks wrong has a cure; the program applies it to a "
     "copy, trains both, and compares how good they are on examples held out (set.test, test, else "
     "a fifth): 3 seeds to look, 8 fresh ones to confirm a gain of 0.05 at least, which an exact "
     "permutation test tells from chance. Prints itself; fields: [i].kind .where .evidence .cure "
     "(Lua that runs, on net, set and o, the table of options) .gain .spread .p .confirmed, the "
     "confirmed ones; .noticed, likewise, with .why they are not; .layers, figures of each layer; "
     ".tried .base .chance .quality .runs .seconds .notes. Quality is balanced accuracy where y "
     "tells classes apart, else R² (-1 at least, and that of a run that fails), never the cost. A "
     "network that was not trained begins each run as it stands; one from a file counts as such. "
     "Nothing of yours changes: "
     "callbacks are not called, no checkpoint is written.",
     "digits = data.digits()\nnet = nn.net(\"64 - 10\", {seed = 1})\n"
     "d = net:diagnose(digits, {epochs = 2, lr = 0.001, budget = {runs = 30}})\nprint(#d.tried)",
     diagnose_fields},
    {.name = NULL},
};

void nbl_open_diagnose(lua_State *L)
{
    nbl_register(L, "net", entries);
}
