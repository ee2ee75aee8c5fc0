/* Histories of training as tables. */
#include "lua/nn/train/history.h"
#include "lua/embedded.h"
#include "lua/result.h"

#include "io/csv/write.h"
#include "io/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SPARK_LEAST = 3, /* epochs from which a sparkline says something */
    SPARK_MOST = 40, /* letters; of more epochs it shows every so-manieth */
    ROWS_WHOLE = 12, /* a history of more epochs shows its first and last ones */
    ROWS_FIRST = 3,
    ROWS_LAST = 5
};

/* ---- The text ---- */

/* The number of this epoch in the list `field`, NaN where there is none. */
static double number_at(lua_State *L, const char *field, lua_Integer epoch)
{
    double value = NAN;
    if (nbl_own_field(L, 1, field) == LUA_TTABLE) {
        lua_rawgeti(L, -1, epoch);
        if (lua_isnumber(L, -1)) value = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return value;
}

/* What is told of a set that is evaluated: its share of right answers, else its cost. */
typedef struct judged {
    const char *title, *share, *cost;
} judged;

static const judged sets[] = {{"valid", "valid", "valid_cost"}, {"test", "test", "test_cost"}};
enum { SETS = sizeof sets / sizeof *sets };

static bool is_judged(lua_State *L, const judged *set)
{
    return !isnan(number_at(L, set->cost, 1));
}

static void add_row(lua_State *L, nb_text *text, lua_Integer epoch)
{
    nb_text_add(text, "\n%5lld  %10.4g", (long long)epoch, number_at(L, "cost", epoch));
    for (int i = 0; i < SETS; i++) {
        double share = number_at(L, sets[i].share, epoch);
        if (!is_judged(L, &sets[i])) continue;
        if (isnan(share))
            nb_text_add(text, "  %8.4g", number_at(L, sets[i].cost, epoch));
        else
            nb_text_add(text, "  %6.2f %%", 100 * share);
    }
}

/* The list `field` as a row of bars, the lowest value the lowest; nothing of NaN. */
static void add_spark(lua_State *L, nb_text *text, const char *field, lua_Integer epochs)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = INFINITY, high = -INFINITY;
    lua_Integer shown = epochs < SPARK_MOST ? epochs : SPARK_MOST;
    if (epochs < SPARK_LEAST || isnan(number_at(L, field, epochs))) return;
    for (lua_Integer i = 1; i <= epochs; i++) {
        low = fmin(low, number_at(L, field, i));
        high = fmax(high, number_at(L, field, i));
    }
    if (!(high - low < INFINITY)) return;
    nb_text_add(text, "\n%5s  ", field);
    for (lua_Integer i = 0; i < shown; i++) {
        double value = number_at(L, field, 1 + i * (epochs - 1) / (shown - 1));
        double level = high > low ? (value - low) / (high - low) : 0;
        nb_text_add(text, "%s", level >= 0 ? bars[(int)(level * 7 + 0.5)] : " ");
    }
}

static void add_rows(lua_State *L, nb_text *text, lua_Integer epochs)
{
    nb_text_add(text, "epoch        cost");
    for (int i = 0; i < SETS; i++)
        if (is_judged(L, &sets[i])) nb_text_add(text, "%10s", sets[i].title);
    for (lua_Integer epoch = 1; epoch <= epochs; epoch++) {
        if (epochs > ROWS_WHOLE && epoch == ROWS_FIRST + 1) {
            nb_text_add(text, "\n    …");
            epoch = epochs - ROWS_LAST + 1;
        }
        add_row(L, text, epoch);
    }
    add_spark(L, text, "cost", epochs);
    for (int i = 0; i < SETS; i++) add_spark(L, text, sets[i].share, epochs);
}

/* " · lr 3", or the first and the last where they differ. */
static void add_rate(lua_State *L, nb_text *text, lua_Integer epochs)
{
    double first = number_at(L, "lr", 1), last = number_at(L, "lr", epochs);
    if (isnan(first)) return;
    nb_text_add(text, " · lr %g", first);
    if (last != first && !isnan(last)) nb_text_add(text, " to %g", last);
}

static int history_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    nbl_own_field(L, 1, "epochs");
    lua_Integer epochs = lua_tointeger(L, -1);
    if (epochs > 0)
        add_rows(L, text, epochs);
    else
        nb_text_add(text, "no whole epoch");
    nbl_own_field(L, 1, "seconds");
    nbl_own_field(L, 1, "examples_per_second");
    nb_text_add(text, "\n%.3g s · ", lua_tonumber(L, -2));
    nb_text_add_grouped(text, (int64_t)lua_tonumber(L, -1));
    nb_text_add(text, " examples/s");
    add_rate(L, text, epochs);
    if (nbl_own_field(L, 1, "pieces") == LUA_TNUMBER && lua_tointeger(L, -1) > 1) {
        nb_text_add(text, " · pieces ");
        nb_text_add_grouped(text, (int64_t)lua_tointeger(L, -1));
    }
    if (nbl_own_field(L, 1, "stopped") == LUA_TNUMBER) {
        nb_text_add(text, " · stopped in epoch ");
        nb_text_add_grouped(text, (int64_t)lua_tonumber(L, -1));
    }
    if (nbl_own_field(L, 1, "best") == LUA_TNUMBER) {
        nb_text_add(text, " · parameters of epoch ");
        nb_text_add_grouped(text, (int64_t)lua_tonumber(L, -1));
    }
    if (nbl_own_field(L, 1, "converged") == LUA_TSTRING)
        nb_text_add(text, " · converged: %s", lua_tostring(L, -1));
    if (nbl_own_field(L, 1, "note") == LUA_TSTRING) nb_text_add(text, "\n%s", lua_tostring(L, -1));
    nbl_push_text(L, text);
    return 1;
}

/* "30 epochs · cost 0.0123 · test 96.10 %", of the last one. */
static int history_brief(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    nbl_own_field(L, 1, "epochs");
    lua_Integer epochs = lua_tointeger(L, -1);
    nb_text_add_grouped(text, epochs);
    nb_text_add(text, epochs == 1 ? " epoch" : " epochs");
    if (epochs > 0) nb_text_add(text, " · cost %.4g", number_at(L, "cost", epochs));
    for (int i = 0; epochs > 0 && i < SETS; i++) {
        double share = number_at(L, sets[i].share, epochs);
        if (!isnan(share)) nb_text_add(text, " · %s %.2f %%", sets[i].title, 100 * share);
    }
    nbl_push_text(L, text);
    return 1;
}

const char *nbl_common_note(int64_t common, int64_t tested, char out[NBL_NOTE_MAX])
{
    if (common == tested)
        snprintf(out, NBL_NOTE_MAX, "all %lld", (long long)tested);
    else
        snprintf(out, NBL_NOTE_MAX, "%lld of %lld", (long long)common, (long long)tested);
    size_t used = strlen(out);
    snprintf(out + used, NBL_NOTE_MAX - used,
             " test examples are among those trained on, so test tells what was remembered; "
             "set.train or set:split(share) keeps them apart");
    return out;
}

/* ---- As a file ---- */

/* The columns of a history's file stand in a table that is on the stack: name 1, list 1, name 2, …
 */

typedef struct save_job {
    const char *path, *data;
    size_t length;
} save_job;

static nb_status save(nb_ctx *ctx, void *data)
{
    const save_job *work = data;
    nb_sink *sink = nb_sink_open(ctx, work->path);
    if (!sink) return ctx->status;
    nb_sink_write(sink, work->data, work->length);
    return nb_sink_close(sink);
}

/* Takes the list on the stack's top as a column, where it has a number; pops it. */
static void add_column(lua_State *L, int columns, const char *name)
{
    bool filled = false;
    int list = lua_gettop(L);
    lua_Integer last = (lua_Integer)lua_rawlen(L, columns);
    if (lua_istable(L, list)) {
        lua_pushnil(L);
        filled = lua_next(L, list);
        lua_settop(L, list);
    }
    if (filled) {
        lua_rawseti(L, columns, last + 2);
        lua_pushstring(L, name);
        lua_rawseti(L, columns, last + 1);
    }
    lua_settop(L, list - 1);
}

/* Metrics in the order of their names. */
static void add_metric_columns(lua_State *L, int columns)
{
    const char *name[NB_METRICS_MAX];
    int count = 0;
    if (nbl_own_field(L, 1, "metrics") != LUA_TTABLE) return;
    int metrics = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, metrics); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || count == NB_METRICS_MAX) continue;
        const char *own = lua_tostring(L, -2);
        int at = count++;
        for (; at > 0 && strcmp(name[at - 1], own) > 0; at--) name[at] = name[at - 1];
        name[at] = own;
    }
    for (int i = 0; i < count; i++) {
        lua_getfield(L, metrics, name[i]);
        add_column(L, columns, name[i]);
    }
}

/* "delta[3.1]" of every layer in the table on the stack's top, what flow = true kept; pops it. */
static void add_flow_columns(lua_State *L, int columns, const char *before)
{
    char path[NB_PATH_MAX], name[NB_PATH_MAX + NB_NAME_MAX];
    int flow = lua_gettop(L);
    luaL_checkstack(L, 8, "history");
    for (int l = 1; lua_istable(L, flow) && lua_rawgeti(L, flow, l) == LUA_TTABLE; l++) {
        snprintf(path, sizeof path, "%s%d", before, l);
        for (int i = 0; i < NB_FLOW_FIGURES; i++) {
            snprintf(name, sizeof name, "%s[%s]", nb_flow_names[i], path);
            lua_getfield(L, -1, nb_flow_names[i]);
            add_column(L, columns, name);
        }
        snprintf(path, sizeof path, "%s%d.", before, l);
        add_flow_columns(L, columns, path);
    }
    lua_settop(L, flow - 1);
}

static void add_cells(lua_State *L, nb_text *text, int columns, lua_Integer epoch)
{
    int count = (int)lua_rawlen(L, columns), top = lua_gettop(L);
    nb_text_add(text, "%lld", (long long)epoch);
    for (int i = 2; i <= count; i += 2) {
        nb_text_add(text, ",");
        bool there =
            lua_rawgeti(L, columns, i) == LUA_TTABLE && lua_rawgeti(L, -1, epoch) == LUA_TNUMBER;
        if (there && !isnan(lua_tonumber(L, -1))) nb_text_add_number(text, lua_tonumber(L, -1));
        lua_settop(L, top);
    }
    nb_text_add(text, "\n");
}

static void add_heading(lua_State *L, nb_text *text, int columns)
{
    int count = (int)lua_rawlen(L, columns);
    nb_text_add(text, "epoch");
    for (int i = 1; i <= count; i += 2) {
        nb_text_add(text, ",");
        lua_rawgeti(L, columns, i);
        nb_csv_put_text(text, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    nb_text_add(text, "\n");
}

static int history_save(lua_State *L)
{
    if (!lua_istable(L, 1) || nbl_own_field(L, 1, "epochs") != LUA_TNUMBER)
        return nbl_error(L, "history:save takes a history and a path: h:save \"run.csv\"");
    lua_Integer epochs = lua_tointeger(L, -1);
    save_job work = {.path = nbl_check_path(L, 2)};
    nb_text *text = nbl_new_text(L);
    lua_newtable(L);
    int columns = lua_gettop(L);
    for (const nb_epoch_field *field = nb_epoch_fields; field->name; field++) {
        nbl_own_field(L, 1, field->name);
        add_column(L, columns, field->name);
    }
    add_metric_columns(L, columns);
    nbl_own_field(L, 1, "flow");
    add_flow_columns(L, columns, "");
    add_heading(L, text, columns);
    for (lua_Integer i = 1; i <= epochs && lua_rawlen(L, columns) > 0; i++)
        add_cells(L, text, columns, i);
    nbl_push_text(L, text);
    work.data = lua_tolstring(L, -1, &work.length);
    nbl_run(L, save, &work);
    return 0;
}

static const nbl_entry entries[] = {
    {":save", history_save, "history:save(path)",
     "Writes what training left as a table, CSV: a row an epoch with its costs, shares of right "
     "answers, metrics, learning rate and seconds. data.csv reads it.",
     "digits = data.digits()\nh = nn.net \"64 - 10\":train(digits.train, {epochs = 3})\n"
     "path = os.tmpname()\nh:save(path)\nprint(io.open(path):read \"a\")\nos.remove(path)",
     NULL},
    {.name = NULL},
};

/* ---- The value ---- */

/* A list with one number an epoch under `name`; NaN leaves it out altogether. */
static void set_list(lua_State *L, const nb_history *from, const char *name, size_t offset)
{
    lua_createtable(L, (int)(from->epochs < 1024 ? from->epochs : 1024), 0);
    for (int64_t i = 0; i < from->epochs; i++) {
        double value = *nb_epoch_number(&from->epoch[i], offset);
        if (isnan(value)) continue;
        lua_pushnumber(L, value);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, name);
}

/* ---- What flows through layers ---- */

/* A list with one figure of a place an epoch, NaN of those that nobody looked at, so that it has no
 * holes; none where it has no such figure in any epoch. */
static void set_figure(lua_State *L, const nb_history *from, int place, int figure)
{
    bool any = false;
    lua_newtable(L);
    for (int64_t i = 0; i < from->epochs; i++) {
        double value = nb_flow_at(&from->flow, i, place)[figure];
        any = any || !isnan(value);
        lua_pushnumber(L, value);
        lua_rawseti(L, -2, i + 1);
    }
    if (any)
        lua_setfield(L, -2, nb_flow_names[figure]);
    else
        lua_pop(L, 1);
}

static bool stands_in(const char *path, const char *block)
{
    size_t length = strlen(block);
    return strncmp(path, block, length) == 0 && path[length] == '.';
}

/* Sets [1], [2], … of the table on the stack's top for the places from `place` on whose paths
 * stand in `block`; returns the first that does not. */
static int set_flow_places(lua_State *L, const nb_history *from, int place, const char *block)
{
    const nb_flow *flow = &from->flow;
    luaL_checkstack(L, 8, "layers too deep");
    for (int l = 1; place < flow->places; l++) {
        const nb_flow_place *at = &flow->place[place];
        if (block && !stands_in(at->path, block)) break;
        lua_newtable(L);
        lua_pushstring(L, at->title);
        lua_setfield(L, -2, "title");
        for (int i = 0; i < NB_FLOW_FIGURES; i++) set_figure(L, from, place, i);
        place = set_flow_places(L, from, place + 1, at->path);
        lua_rawseti(L, -2, l);
    }
    return place;
}

/* Those that nobody looked at in any epoch. */
static const char *const flow_lacks[] = {"[i].delta", "[i].gradient", "[i].saturated", NULL};
static const nbl_result flow_kind = {
    .name = "nabla.flow", .whose = "a flow", .text = nbl_brief, .may_lack = flow_lacks};

static void set_flow(lua_State *L, const nb_history *from)
{
    lua_newtable(L);
    nbl_set_integer(L, "epochs", from->epochs);
    set_flow_places(L, from, 0, NULL);
    nbl_dress(L, &flow_kind);
    lua_setfield(L, -2, "flow");
}

/* A list for every metric, by its name. */
static void set_metrics(lua_State *L, const nb_history *from)
{
    lua_createtable(L, 0, from->metrics);
    for (int k = 0; k < from->metrics; k++) set_list(L, from, from->metric[k], nb_metric_offset(k));
    lua_setfield(L, -2, "metrics");
}

static const char *const history_lacks[] = {"metrics",   "flow",    "note", "best",
                                            "converged", "stopped", NULL};
static const nbl_result history_kind = {.name = "nabla.history",
                                        .whose = "a history",
                                        .text = history_tostring,
                                        .may_lack = history_lacks,
                                        .brief = history_brief};

void nbl_push_history(lua_State *L, const nb_history *from)
{
    lua_createtable(L, 0, 9);
    nbl_set_integer(L, "epochs", from->epochs);
    nbl_set_number(L, "seconds", from->seconds);
    nbl_set_number(L, "examples_per_second",
                   from->seconds > 0 ? (double)from->examples / from->seconds : 0);
    for (const nb_epoch_field *field = nb_epoch_fields; field->name; field++)
        set_list(L, from, field->name, field->offset);
    if (from->common) {
        char note[NBL_NOTE_MAX];
        lua_pushstring(L, nbl_common_note(from->common, from->tested, note));
        lua_setfield(L, -2, "note");
    }
    if (from->metrics) set_metrics(L, from);
    if (from->flow.places) set_flow(L, from);
    nbl_set_integer(L, "pieces", from->pieces);
    if (from->best) nbl_set_integer(L, "best", from->best);
    if (from->converged) {
        lua_pushstring(L, from->converged);
        lua_setfield(L, -2, "converged");
    }
    if (from->stopped) nbl_set_integer(L, "stopped", from->stopped);
    nbl_dress(L, &history_kind);
}

void nbl_open_history(lua_State *L)
{
    nbl_give_methods(L, &history_kind, "history", entries);
}
