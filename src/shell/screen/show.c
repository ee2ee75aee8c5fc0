/* Showing values. A table is first laid out on one line; when that is too wide it is laid out again
 * with a line for each item, or, where it is a list of numbers or of short strings, in columns. */
#include "shell/screen/show.h"

#include "base/escape.h"
#include "base/utf8.h"
#include "shell/run/interrupt.h"
#include "shell/run/tokens.h"
#include "shell/screen/describe.h"
#include "shell/screen/fold.h"
#include "shell/shell.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

enum {
    INDENT = 2,
    STACK_ROOM = 16,  /* slots for one table */
    SHORT = 24,       /* bytes of a string that may stand in a column */
    GAP = 2,          /* between two columns */
    LEAST_WIDTH = 20, /* columns of a window that what stands deep in tables is laid out for */
    NOTE_ROOM = 64    /* for the last line of what was cut */
};

typedef struct view {
    lua_State *L;
    nb_ctx *ctx;
    bool utf8;
    bool flat;    /* no new lines */
    bool folds;   /* lines of our own values break between words: on a terminal */
    size_t width; /* of the window */
    size_t stop;  /* the length at which the layout under way ends or gives up */
    int depth;
    const void *above[SH_SHOW_DEPTH]; /* the tables around */
    size_t length;
    char text[SH_SHOW_BYTES];
} view;

static bool is_full(const view *v)
{
    return v->length >= v->stop;
}

/* Cuts between characters, never inside one; what was cut stays full. */
static void add(view *v, const char *text, size_t length)
{
    size_t room = v->stop - v->length;
    bool cut = length > room;
    if (cut) length = nb_whole_letters(text, room);
    memcpy(v->text + v->length, text, length);
    v->length += length;
    if (cut) v->stop = v->length;
}

static void add_text(view *v, const char *text)
{
    add(v, text, strlen(text));
}

static void add_line(view *v)
{
    add_text(v, "\n");
    for (int i = 0; i < v->depth * INDENT; i++) add_text(v, " ");
}

static void add_escaped(view *v, const char *text, size_t length, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t i = 0; i < length && !is_full(v);) {
        i += nb_escape(text + i, length - i, how, shown);
        add_text(v, shown);
    }
}

static void add_quoted(view *v, const char *text, size_t length)
{
    add_text(v, "\"");
    add_escaped(v, text, length, NB_ESCAPE_QUOTED);
    add_text(v, "\"");
}

/* Text of a __tostring: its lines are indented, and do not go on one line. */
static void add_foreign(view *v, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')) && v->depth > 0; text = end + 1) {
        add_escaped(v, text, (size_t)(end - text), NB_ESCAPE_LINES);
        add_line(v);
        if (v->flat) v->stop = v->length;
    }
    add_escaped(v, text, strlen(text), NB_ESCAPE_LINES);
}

static void add_piece(void *self, const char *text, size_t length)
{
    add_escaped(self, text, length, NB_ESCAPE_LINES);
}

/* Sets and others of our kinds, whose names say so; not what users make. */
static bool is_ours(lua_State *L, int index)
{
    if (luaL_getmetafield(L, index, "__name") == LUA_TNIL) return false;
    bool ours = lua_type(L, -1) == LUA_TSTRING && !strncmp(lua_tostring(L, -1), "nabla.", 6);
    lua_pop(L, 1);
    return ours;
}

static void add_value(view *v, int index);

static bool is_name(const char *text, size_t length)
{
    sh_scanner scanner = sh_scan(text, length);
    sh_token token;
    return sh_scan_next(&scanner, &token) && token.kind == SH_NAME && token.length == length;
}

static void add_key(view *v, int index)
{
    size_t length = 0;
    bool word = lua_type(v->L, index) == LUA_TSTRING;
    const char *text = word ? lua_tolstring(v->L, index, &length) : "";
    if (word && is_name(text, length)) {
        add(v, text, length);
    } else {
        add_text(v, "[");
        add_value(v, index);
        add_text(v, "]");
    }
    add_text(v, " = ");
}

/* Numbers before strings before the rest. */
static int rank(lua_State *L, int index)
{
    int type = lua_type(L, index);
    return type == LUA_TNUMBER ? 0 : type == LUA_TSTRING ? 1 : 2;
}

static bool comes_before(lua_State *L, int a, int b)
{
    int rank_a = rank(L, a), rank_b = rank(L, b);
    return rank_a < rank_b || (rank_a == rank_b && rank_a < 2 && lua_compare(L, a, b, LUA_OPLT));
}

/* Puts the key on the stack's top, popped, in its place if it is among the first of those in the
 * list so far. */
static int keep_key(lua_State *L, int list, int kept)
{
    int key = lua_gettop(L);
    int place = kept;
    for (; place > 0; place--) {
        lua_rawgeti(L, list, place);
        bool before = comes_before(L, key, key + 1);
        if (before && place < SH_SHOW_ITEMS)
            lua_rawseti(L, list, place + 1);
        else
            lua_pop(L, 1);
        if (!before) break;
    }
    if (place < SH_SHOW_ITEMS)
        lua_rawseti(L, list, place + 1);
    else
        lua_pop(L, 1);
    return kept < SH_SHOW_ITEMS ? kept + 1 : kept;
}

/* Pushes a list of the first keys behind 1 … length, in order; returns how many there are in all.
 */
static lua_Integer push_keys(lua_State *L, int table, lua_Integer length)
{
    lua_Integer count = 0;
    int kept = 0;
    lua_createtable(L, SH_SHOW_ITEMS, 0);
    int list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (sh_interrupted()) luaL_error(L, "interrupted");
        lua_pop(L, 1);
        lua_Integer i = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (i >= 1 && i <= length) continue;
        lua_pushvalue(L, -1);
        kept = keep_key(L, list, kept);
        count++;
    }
    return count;
}

static void begin_item(view *v, lua_Integer shown)
{
    if (shown > 0) add_text(v, ",");
    if (!v->flat)
        add_line(v);
    else if (shown > 0)
        add_text(v, " ");
}

static void add_rest(view *v, lua_Integer shown, lua_Integer all)
{
    char text[48];
    if (shown >= all) return;
    snprintf(text, sizeof text, "%s %lld more", v->utf8 ? "…" : "...", (long long)(all - shown));
    add_text(v, text);
}

/* The items of the table, whose other keys are in the list at `keys`. */
static void add_items(view *v, int table, int keys, lua_Integer length, lua_Integer all)
{
    lua_State *L = v->L;
    lua_Integer shown = 0;
    for (; shown < all && shown < SH_SHOW_ITEMS && !is_full(v); shown++) {
        begin_item(v, shown);
        if (shown < length) {
            lua_rawgeti(L, table, shown + 1);
        } else {
            lua_rawgeti(L, keys, shown - length + 1);
            add_key(v, lua_gettop(L));
            lua_rawget(L, table);
        }
        add_value(v, lua_gettop(L));
        lua_pop(L, 1);
    }
    if (shown < all) begin_item(v, shown);
    add_rest(v, shown, all);
}

/* ---- Columns ---- */

/* Is the table a list of numbers, or one of short strings, as far as it is shown? */
static bool is_packed(lua_State *L, int table, lua_Integer length, lua_Integer all)
{
    if (length != all) return false;
    lua_rawgeti(L, table, 1);
    int type = lua_type(L, -1);
    bool packed = type == LUA_TNUMBER || type == LUA_TSTRING;
    lua_pop(L, 1);
    for (lua_Integer i = 1; packed && i <= length && i <= SH_SHOW_ITEMS; i++) {
        packed = lua_rawgeti(L, table, i) == type;
        packed = packed && (type == LUA_TNUMBER || lua_rawlen(L, -1) <= SHORT);
        lua_pop(L, 1);
    }
    return packed;
}

/* Adds item i of a packed list; returns its letters. */
static size_t add_cell(view *v, int table, lua_Integer i)
{
    lua_rawgeti(v->L, table, i);
    size_t start = v->length;
    add_value(v, lua_gettop(v->L));
    lua_pop(v->L, 1);
    return nb_letters(v->text + start, v->length - start);
}

/* The letters of item i: it is written to be measured, and taken back. */
static size_t cell_width(view *v, int table, lua_Integer i)
{
    size_t start = v->length, stop = v->stop, letters = add_cell(v, table, i);
    v->length = start;
    v->stop = stop;
    return letters;
}

static void add_spaces(view *v, size_t count)
{
    for (; count > 0; count--) add_text(v, " ");
}

/* Numbers stand at the right of their columns, strings at the left. */
static void add_columns(view *v, int table, lua_Integer length)
{
    lua_Integer shown = length < SH_SHOW_ITEMS ? length : SH_SHOW_ITEMS;
    size_t widest = 0, indent = (size_t)(v->depth * INDENT);
    for (lua_Integer i = 1; i <= shown; i++) {
        size_t width = cell_width(v, table, i);
        if (width > widest) widest = width;
    }
    size_t room = v->width > indent ? v->width - indent : 1;
    lua_Integer columns = (lua_Integer)(room / (widest + GAP));
    bool right = lua_rawgeti(v->L, table, 1) == LUA_TNUMBER;
    lua_pop(v->L, 1);
    for (lua_Integer i = 1; i <= shown && !is_full(v); i++) {
        bool first = columns < 2 || i % columns == 1, last = i == length;
        size_t pad = widest - cell_width(v, table, i);
        if (first) add_line(v);
        if (right) add_spaces(v, pad);
        add_cell(v, table, i);
        add_text(v, last ? "" : ",");
        bool ends = columns < 2 || i % columns == 0 || i == shown;
        if (!ends) add_spaces(v, (right ? 0 : pad) + GAP - 1);
    }
    if (shown < length) add_line(v);
    add_rest(v, shown, length);
}

static void add_layout(view *v, int table, int keys, lua_Integer length, lua_Integer all)
{
    char count[48];
    bool packed = !v->flat && is_packed(v->L, table, length, all);
    snprintf(count, sizeof count, "%lld items ", (long long)all);
    add_text(v, packed ? count : "");
    add_text(v, "{");
    v->depth++;
    if (packed)
        add_columns(v, table, length);
    else
        add_items(v, table, keys, length, all);
    v->depth--;
    if (!v->flat) add_line(v);
    add_text(v, "}");
}

/* What is left of the line under way. */
static size_t rest_of_line(const view *v)
{
    size_t column = 0;
    while (column < v->length && v->text[v->length - 1 - column] != '\n') column++;
    return column < v->width ? v->width - column : 0;
}

static void add_fitting(view *v, int table, int keys, lua_Integer length, lua_Integer all)
{
    size_t start = v->length, stop = v->stop, rest = rest_of_line(v);
    if (!v->flat) {
        if (start + rest < stop) v->stop = start + rest;
        v->flat = true;
        add_layout(v, table, keys, length, all);
        v->flat = false;
        bool fits = !is_full(v);
        v->stop = stop;
        if (fits) return;
        v->length = start;
    }
    add_layout(v, table, keys, length, all);
}

static void add_table(view *v, int table)
{
    lua_State *L = v->L;
    const void *self = lua_topointer(L, table);
    for (int i = 0; i < v->depth; i++)
        if (v->above[i] == self) {
            add_text(v, "<cycle>");
            return;
        }
    lua_Integer length = (lua_Integer)lua_rawlen(L, table);
    lua_Integer all = length + push_keys(L, table, length);
    if (all == 0)
        add_text(v, "{}");
    else if (v->depth == SH_SHOW_DEPTH)
        add_text(v, v->utf8 ? "{…}" : "{...}");
    else {
        v->above[v->depth] = self;
        add_fitting(v, table, lua_gettop(L), length, all);
    }
    lua_pop(L, 1);
}

/* Values that lay themselves out are told what the indent leaves of the window. */
static void narrow(const view *v)
{
    int left = (int)v->width - v->depth * INDENT;
    v->ctx->columns = left > LEAST_WIDTH ? left : LEAST_WIDTH;
}

static void add_value(view *v, int index)
{
    lua_State *L = v->L;
    int type = lua_type(L, index);
    luaL_checkstack(L, STACK_ROOM, NULL);
    if (type == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        add_quoted(v, text, length);
    } else if (type == LUA_TFUNCTION) {
        sh_push_function(L, index);
        add_foreign(v, lua_tostring(L, -1));
        lua_pop(L, 1);
    } else if (type == LUA_TTABLE && !luaL_getmetafield(L, index, "__tostring")) {
        add_table(v, index);
    } else {
        if (type == LUA_TTABLE) lua_pop(L, 1);
        narrow(v);
        bool alone = v->folds && v->depth == 0 && is_ours(L, index);
        const char *text = luaL_tolstring(L, index, NULL);
        /* Where it comes from decides about its sign, which means nothing. */
        if (type == LUA_TNUMBER && !lua_rawequal(L, index, index)) text = "nan";
        if (alone)
            sh_fold(text, &(sh_lie){.width = v->width}, add_piece, v);
        else
            add_foreign(v, text);
        lua_pop(L, 1);
        v->ctx->columns = (int)v->width;
    }
}

void sh_show_push(lua_State *L, int index, const sh_terminal *terminal)
{
    index = lua_absindex(L, index);
    view *v = lua_newuserdatauv(L, sizeof *v, 0);
    v->L = L;
    v->ctx = sh_shell_of(L)->ctx;
    v->utf8 = terminal->utf8;
    v->flat = false;
    v->folds = terminal->output;
    v->width = (size_t)sh_terminal_columns();
    v->depth = 0;
    v->length = 0;
    v->stop = sizeof v->text - NOTE_ROOM;
    add_value(v, index);
    if (is_full(v)) {
        v->stop = sizeof v->text;
        add_text(v, v->utf8 ? "\n… cut at 20 KiB" : "\n... cut at 20 KiB");
    }
    lua_pushlstring(L, v->text, v->length);
    lua_remove(L, -2);
}
