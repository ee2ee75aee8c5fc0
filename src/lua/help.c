/* The book of help: one table with an entry for everything public, filled from the descriptors and
 * from the lists of functions. stdlib/help.lua reads it to the user. */
#include "lua/embedded.h"
#include "lua/state.h"

#include "base/foreign.h"
#include "io/format.h"
#include "nn/activation.h"
#include "nn/cost.h"
#include "nn/init.h"
#include "nn/layer.h"
#include "nn/train/optimizer.h"
#include "nn/train/judge/metric.h"
#include "nn/train/run/schedule.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static void set_string(lua_State *L, const char *key, const char *value)
{
    if (!value) return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

/* The default in words, NULL where an option left out means that nothing is done. */
static const char *push_standard(lua_State *L, const nb_option *option)
{
    char number[NB_NUMBER_MAX];
    if (option->standard) return lua_pushstring(L, option->standard);
    if (option->required) return lua_pushstring(L, "must be given");
    switch (option->kind) {
    case NB_NUMBER:
        return lua_pushstring(L, nb_number_text(option->value, number));
    case NB_INTEGER:
    case NB_SIZES:
        return lua_pushfstring(L, "%I", (LUAI_UACINT)option->value);
    case NB_BOOLEAN:
        return lua_pushstring(L, option->value != 0 ? "true" : "false");
    case NB_CHOICE:
        return lua_pushstring(L, option->words[(int)option->value]);
    case NB_WORD:
    case NB_NAME:
    case NB_CHOSEN:
    case NB_HOST:
        break;
    }
    lua_pushnil(L);
    return NULL;
}

/* What it may be, in words; NULL where its kind says enough. */
static const char *range_of(const nb_option *option, char out[NB_RANGE_MAX])
{
    return option->words ? nb_option_range(option, out) : option->range;
}

/* A list of {name, text, range, standard}. */
static void push_options(lua_State *L, const nb_option *options)
{
    char range[NB_RANGE_MAX];
    lua_newtable(L);
    for (int i = 0; options[i].name; i++) {
        lua_newtable(L);
        set_string(L, "name", options[i].name);
        set_string(L, "text", options[i].help);
        set_string(L, "range", range_of(&options[i], range));
        push_standard(L, &options[i]);
        lua_setfield(L, -2, "standard");
        lua_rawseti(L, -2, i + 1);
    }
}

/* ---- Pages ---- */

/* Most pages are never read, and Lua's collector would go through all their strings every time. So
 * a page is one block, {packed, value = …}, until somebody asks for a field that is not there. The
 * block is a userdata, because it holds an address and a script can reach it. */

#define PAGE "nabla.page"

static const nbl_kind block_kind = {"nabla.block", 0, NULL};

static const char *const page_fields[] = {"name", "kind", "usage", "text", "example"};
enum { PAGE_FIELDS = sizeof page_fields / sizeof *page_fields, PACKED = 1 };

/* The options' address, then each field with its end; "" where there is none. */
static void push_packed(lua_State *L, const char *kind, const nbl_entry *entry)
{
    const char *values[PAGE_FIELDS] = {entry->name, kind, entry->usage, entry->help,
                                       entry->example};
    size_t room = sizeof entry->options;
    for (int i = 0; i < PAGE_FIELDS; i++) room += (values[i] ? strlen(values[i]) : 0) + 1;
    char *to = nbl_new_handle(L, &block_kind, room);
    memcpy(to, &entry->options, sizeof entry->options);
    to += sizeof entry->options;
    for (int i = 0; i < PAGE_FIELDS; i++) to = stpcpy(to, values[i] ? values[i] : "") + 1;
}

/* __index of a page: unfolds it, whichever field was asked for, and is not called again. */
static int unfold(lua_State *L)
{
    const nb_option *options;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_rawgeti(L, 1, PACKED);
    const char *packed = nbl_test_handle(L, 3, &block_kind);
    if (!packed) return 0;
    memcpy(&options, packed, sizeof options);
    const char *value = packed + sizeof options;
    lua_pushvalue(L, 1);
    for (int i = 0; i < PAGE_FIELDS; i++, value += strlen(value) + 1)
        set_string(L, page_fields[i], *value ? value : NULL);
    if (options) {
        push_options(L, options);
        lua_setfield(L, -2, "options");
    }
    lua_pushnil(L);
    lua_rawseti(L, -2, PACKED);
    lua_pushnil(L);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 2);
    lua_rawget(L, 1);
    return 1;
}

void nbl_book_add(lua_State *L, const char *kind, const nbl_entry *entry)
{
    luaL_checkstack(L, 8, NULL);
    int value = lua_gettop(L);
    nbl_state_push(L, NBL_BOOK);
    lua_newtable(L);
    if (!lua_isnil(L, value)) {
        lua_pushvalue(L, value);
        lua_setfield(L, -2, "value");
    }
    push_packed(L, kind, entry);
    lua_rawseti(L, -2, PACKED);
    if (luaL_newmetatable(L, PAGE)) {
        lua_pushcfunction(L, unfold);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_settop(L, value - 1);
}

/* Whether the page on the stack's top is of that name; it stays folded. */
static bool is_named(lua_State *L, const char *name)
{
    lua_rawgeti(L, -1, PACKED);
    const char *packed = nbl_test_handle(L, -1, &block_kind);
    const char *own = packed ? packed + sizeof(const nb_option *) : NULL;
    lua_pop(L, 1);
    lua_pushliteral(L, "name");
    if (!own && lua_rawget(L, -2) == LUA_TSTRING) own = lua_tostring(L, -1);
    bool same = own && strcmp(own, name) == 0;
    lua_pop(L, 1);
    return same;
}

const char *nbl_push_method_usage(lua_State *L, const char *const *kinds, const char *name)
{
    int top = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    nbl_state_push(L, NBL_BOOK);
    for (; *kinds; kinds++) {
        const char *whole = lua_pushfstring(L, "%s:%s", *kinds, name);
        for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) == LUA_TTABLE; i++) {
            if (is_named(L, whole) && lua_getfield(L, -1, "usage") == LUA_TSTRING) {
                lua_replace(L, top + 1);
                lua_settop(L, top + 1);
                return lua_tostring(L, -1);
            }
            lua_settop(L, top + 2);
        }
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return NULL;
}

void nbl_register(lua_State *L, const char *prefix, const nbl_entry *entries)
{
    for (const nbl_entry *entry = entries; entry->name; entry++) {
        bool method = entry->name[0] == ':';
        nbl_entry page = *entry;
        page.name = lua_pushfstring(L, "%s%s%s", prefix, method ? "" : ".", entry->name);
        if (entry->function) {
            lua_pushcfunction(L, entry->function);
            lua_pushvalue(L, -1);
            lua_setfield(L, -4, entry->name + method);
        } else {
            lua_pushnil(L);
        }
        nbl_book_add(L, method ? "method" : entry->function ? "function" : "field", &page);
        lua_pop(L, 1);
    }
}

void nbl_open_kind(lua_State *L, const nbl_kind *kind, const luaL_Reg *meta, lua_CFunction index,
                   const char *prefix, const nbl_entry *help)
{
    nbl_new_metatable(L, kind);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    nbl_register(L, prefix, help);
    nbl_set_methods(L, index);
}

/* ---- The descriptors of the core ---- */

static void add_page(lua_State *L, const char *kind, nbl_entry page)
{
    lua_pushnil(L);
    nbl_book_add(L, kind, &page);
}

/* "1 / (1 + e^-z), from 0 to 1" */
static const char *push_formula(lua_State *L, const nb_activation_type *of)
{
    char low[NB_NUMBER_MAX], high[NB_NUMBER_MAX];
    return lua_pushfstring(L, "%s, from %s to %s", of->formula,
                           isinf(of->low) ? "-∞" : nb_number_text(of->low, low),
                           isinf(of->high) ? "∞" : nb_number_text(of->high, high));
}

/* The module's table is on the stack's top: activations are found by their handles too. */
static void add_parts(lua_State *L)
{
    lua_getfield(L, -1, "nn");
    int nn = lua_gettop(L);
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *of = nb_layer_types[i];
        add_page(L, "layer",
                 (nbl_entry){of->name, NULL, of->usage, of->help, of->example, of->options});
    }
    for (int i = 0; i < NB_ACTIVATIONS; i++) {
        const nb_activation_type *of = nb_activations[i];
        const nbl_entry page = {of->name, NULL,        push_formula(L, of),
                                of->help, of->example, of->options};
        lua_getfield(L, nn, of->name);
        nbl_book_add(L, "activation", &page);
        lua_pop(L, 1);
    }
    for (int i = 0; i < NB_COSTS; i++) {
        const nb_cost_type *of = nb_costs[i];
        add_page(L, "cost",
                 (nbl_entry){of->name, NULL, of->formula, of->help, of->example, of->options});
    }
    lua_settop(L, nn - 1);
}

static void add_choices(lua_State *L)
{
    for (int i = 0; i < NB_INITS; i++) {
        const nb_init_type *of = nb_inits[i];
        const char *usage = lua_pushfstring(L, "dense UNITS init=%s", of->name);
        add_page(L, "initialiser",
                 (nbl_entry){of->name, NULL, usage, of->help, of->example, of->options});
        lua_pop(L, 1);
    }
    for (int i = 0; i < NB_SCHEDULES; i++) {
        const nb_schedule_type *of = nb_schedules[i];
        const char *usage = lua_pushfstring(L, "net:train(set, {schedule = \"%s\"})", of->name);
        add_page(L, "schedule",
                 (nbl_entry){of->name, NULL, usage, of->help, of->example, of->options});
        lua_pop(L, 1);
    }
    for (int i = 0; i < NB_METRICS; i++) {
        const nb_metric_type *of = nb_metrics[i];
        const char *usage = lua_pushfstring(L, "net:evaluate(set, {metrics = {\"%s\"}})", of->name);
        if (of->add && !of->value) usage = lua_pushfstring(L, "net:evaluate(set).%s", of->name);
        add_page(L, "metric",
                 (nbl_entry){of->name, NULL, usage, of->help, of->example, of->options});
        lua_pop(L, of->add && !of->value ? 2 : 1);
    }
    for (int i = 0; i < NB_OPTIMIZERS; i++) {
        const nb_optimizer_type *of = nb_optimizer_types[i];
        const char *usage = lua_pushfstring(L, "nn.%s{…}", of->name);
        add_page(L, "optimizer",
                 (nbl_entry){of->name, NULL, usage, of->help, of->example, of->options});
        lua_pop(L, 1);
    }
}

static void add_formats(lua_State *L)
{
    for (int i = 0; i < NB_FORMATS; i++) {
        const nb_format *of = nb_formats[i];
        const char *usage = lua_pushfstring(L, "tensor.load \"file.%s\"", of->name);
        add_page(L, "file format", (nbl_entry){of->name, NULL, usage, of->help, of->example, NULL});
        lua_pop(L, 1);
    }
}

/* ---- Words of other tools ---- */

/* (i) gives word, what it is here, the page that says more, or nothing behind the last. */
static int foreign_at(lua_State *L)
{
    lua_Integer i = luaL_checkinteger(L, 1);
    const nb_foreign *entry = i >= 1 ? nb_foreign_at((size_t)i - 1) : NULL;
    if (!entry) return 0;
    lua_pushstring(L, entry->word);
    lua_pushstring(L, entry->here);
    lua_pushstring(L, entry->topic);
    return 3;
}

/* ---- Near names ---- */

static const char *name_in(const void *data, size_t i)
{
    lua_State *L = *(lua_State *const *)data;
    const char *name =
        lua_rawgeti(L, 2, (lua_Integer)i + 1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1); /* the list holds it */
    return name;
}

/* (word, names) gives the nearest of them, nil where none is near. */
static int nearest_of(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushstring(L, nb_nearest(word, name_in, &L));
    return 1;
}

void nbl_open_help(lua_State *L)
{
    add_parts(L);
    add_choices(L);
    add_formats(L);
    nbl_state_push(L, NBL_BOOK);
    lua_pushcfunction(L, foreign_at);
    lua_setfield(L, -2, "foreign");
    lua_pushcfunction(L, nearest_of);
    lua_setfield(L, -2, "nearest_of");
    lua_pushcfunction(L, nbl_shown);
    lua_setfield(L, -2, "shown");
    nbl_run_embedded(L, "help");
}
