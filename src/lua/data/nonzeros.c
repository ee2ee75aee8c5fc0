/* Tables {index = value} as rows of non-zeros. Tables are read raw, so that nothing of the user's
 * runs meanwhile but finalisers, between the two looks at them. */
#include "lua/data/nonzeros.h"

#include "lua/data/set.h"
#include "nn/data/rows/nonzeros.h"

#include <math.h>

enum { BETWEEN_LOOKS = 1024 }; /* rows before Ctrl-C is looked for */

/* ---- Telling them from lists of numbers ------------------------------------------------------ */

/* Whether the table on the stack's top has whole numbers as keys that are not 1, 2, 3, …, also such
 * as are below 1; what other keys it has is a fault of the row. */
static bool has_holes(lua_State *L)
{
    lua_Integer count = 0, largest = 0;
    bool below = false;
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2)) continue;
        lua_Integer key = lua_tointeger(L, -2);
        if (key > largest) largest = key;
        below = below || key < 1;
        count += key > 0;
    }
    return below || largest > count;
}

bool nbl_is_nonzeros(lua_State *L, int at)
{
    bool are = false, tables = lua_istable(L, at);
    lua_Integer count = tables ? (lua_Integer)lua_rawlen(L, at) : 0;
    for (lua_Integer i = 1; i <= count && tables && !are; i++) {
        if (i % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        tables = lua_rawgeti(L, at, i) == LUA_TTABLE;
        are = tables && has_holes(L);
        lua_pop(L, 1);
    }
    return are;
}

int64_t nbl_check_list(lua_State *L, int at, const char *what)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, at), seen = 0;
    int key = lua_gettop(L) + 1;
    lua_pushnil(L);
    for (; lua_next(L, at); lua_pop(L, 1)) {
        if (++seen % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        bool inside = lua_isinteger(L, key) && lua_tointeger(L, key) >= 1;
        if (!inside || lua_tointeger(L, key) > count)
            nbl_error(L, "%s is a list that ends with entry %I; what stands at [%s] is not in it",
                      what, (LUAI_UACINT)count, nbl_describe(L, key));
    }
    return (int64_t)count;
}

#define CHANGED "x has changed while it was read"

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct reading {
    int64_t rows, row;
    int64_t columns, largest; /* columns 0: as many as the largest index says */
    int64_t count;            /* non-zeros so far */
    int64_t counted;          /* those of the first look */
    nb_dtype dtype;
    nb_nonzeros *to; /* NULL at the first look, which counts */
} reading;

static int64_t check_index(lua_State *L, const reading *at, int key)
{
    LUAI_UACINT row = (LUAI_UACINT)at->row;
    int64_t most = at->columns ? at->columns : NB_NONZEROS_COLUMNS_MAX;
    if (!lua_isinteger(L, key))
        nbl_error(L, "row %I of x has the index %s; indices are whole numbers from 1", row,
                  nbl_describe(L, key));
    lua_Integer index = lua_tointeger(L, key);
    if (index < 1)
        nbl_error(L, "row %I of x has the index %I; they count from 1", row, (LUAI_UACINT)index);
    if (index > most)
        nbl_error(L, "row %I of x has the index %I; %s %I columns", row, (LUAI_UACINT)index,
                  at->columns ? "there are" : "rows have at most", (LUAI_UACINT)most);
    return index;
}

static double check_value(lua_State *L, const reading *at, int64_t index, int value)
{
    double number = lua_type(L, value) == LUA_TNUMBER ? lua_tonumber(L, value) : NAN;
    if (!isfinite(number))
        nbl_error(L, "row %I of x holds %s at index %I, which is no number", (LUAI_UACINT)at->row,
                  nbl_describe(L, value), (LUAI_UACINT)index);
    if (!nb_dtype_holds(at->dtype, number))
        nbl_error(L, "row %I of x holds %s at index %I, which does not fit into %s",
                  (LUAI_UACINT)at->row, nbl_describe(L, value), (LUAI_UACINT)index,
                  nb_dtype_name(at->dtype));
    return number;
}

/* The row on the stack's top. */
static void read_row(lua_State *L, reading *at)
{
    if (!lua_istable(L, -1))
        nbl_error(L, "row %I of x must be {index = value} like others, not %s",
                  (LUAI_UACINT)at->row, nbl_describe(L, lua_gettop(L)));
    int key = lua_gettop(L) + 1;
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) {
        int64_t index = check_index(L, at, key);
        double value = check_value(L, at, index, key + 1);
        if (index > at->largest) at->largest = index;
        if (value == 0) continue;
        if (at->to && at->count == at->counted) nbl_error(L, CHANGED);
        if (at->to) nb_nonzeros_put(at->to, index - 1, value);
        at->count++;
    }
}

static void read_rows(lua_State *L, int table, reading *at)
{
    at->count = 0;
    for (at->row = 1; at->row <= at->rows; at->row++) {
        if (at->row % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        lua_rawgeti(L, table, at->row);
        read_row(L, at);
        lua_pop(L, 1);
        if (at->to) nb_nonzeros_end_row(at->to);
    }
}

/* ---- The set --------------------------------------------------------------------------------- */

/* What Lua owns while work goes on; a job that runs twice finds what the first time has made. */
typedef struct made {
    nb_nonzeros list;
    nb_feed *feed;
} made;

static void free_made(nb_ctx *ctx, void *value)
{
    made *of = value;
    nb_nonzeros_free(ctx, &of->list);
    nb_feed_release(ctx, of->feed);
    of->feed = NULL;
}

typedef struct nonzeros_job {
    const reading *from;
    made *made;
    nb_tensor *y;
    const char *const *names;
    int64_t classes;
    nb_set **out;
} nonzeros_job;

static nb_status make_list(nb_ctx *ctx, void *data)
{
    const nonzeros_job *work = data;
    const reading *from = work->from;
    nb_nonzeros *list = &work->made->list;
    int64_t columns = from->columns ? from->columns : from->largest;
    nb_nonzeros_free(ctx, list);
    nb_status status = nb_nonzeros_begin(ctx, from->rows, columns, from->dtype, list);
    return status == NB_OK ? nb_nonzeros_reserve(ctx, list, from->count) : status;
}

static nb_status make_set(nb_ctx *ctx, void *data)
{
    nonzeros_job *work = data;
    made *of = work->made;
    if (!of->feed) of->feed = nb_feed_of_nonzeros(ctx, &of->list);
    if (!of->feed) return ctx->status;
    *work->out = nb_set_of_rows(ctx, of->feed, 1.0, work->y, work->names, work->classes, NULL);
    return *work->out ? NB_OK : ctx->status;
}

void nbl_push_nonzeros(lua_State *L, int x, int64_t columns, nb_tensor *y, const char *const *names,
                       int64_t classes)
{
    reading at = {.rows = nbl_check_list(L, x, "x"), .columns = columns};
    nonzeros_job work = {.from = &at, .y = y, .names = names, .classes = classes};
    at.dtype = nbl_ctx(L)->dtype;
    read_rows(L, x, &at);
    work.made = nbl_new_box(L, sizeof *work.made, free_made);
    int box = lua_gettop(L);
    nbl_run(L, make_list, &work);
    at.to = &work.made->list;
    at.counted = at.count;
    at.columns = at.to->columns;
    read_rows(L, x, &at);
    if (at.count != at.counted) nbl_error(L, CHANGED);
    work.out = nbl_new_set(L);
    nbl_run(L, make_set, &work);
    nbl_close_box(L, box);
    lua_remove(L, box);
}
