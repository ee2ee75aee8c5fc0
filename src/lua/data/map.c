/* set:map: a set in memory of what a function makes of each example. */
#include "lua/data/parts.h"

#include "lua/data/make.h"
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "nn/data/labels.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

typedef struct map_options {
    int classes;
} map_options;

static const nb_option map_fields[] = {
    {.name = "classes",
     .help = "the names of the classes that f gives as y, strings or integers",
     .standard = "the set's own",
     .kind = NB_HOST,
     .offset = offsetof(map_options, classes)},
    NB_OPTIONS_END,
};

/* The stack of a call, behind its arguments: the names that it was given, in what nbl_read_names
 * pushes; class numbers by name (a table, or nil where y is no class); the handles of all rows x
 * and y, empty before the first, of sequences lists; what f gives. */
enum { F = 2, OPTIONS, CLASSES, LIST, STRINGS, NUMBERS, ALL_X, ALL_Y, GIVEN_X, GIVEN_Y };

typedef struct mapping {
    nb_set *set;
    nb_tensor **x, **y;       /* NULL of sequences, which differ in their lengths */
    const char *const *names; /* of classes that were named anew, or NULL */
    int64_t classes;          /* so many of those, or of the set's own; 0: y is no class */
    nb_set **out;
} mapping;

/* ---- Rows ------------------------------------------------------------------------------------ */

/* One row on its way to its place among all. */
typedef struct store_job {
    nb_tensor **all, *one;
    int64_t i, count;
    const char *what;
} store_job;

static nb_status begin(nb_ctx *ctx, const store_job *work)
{
    int64_t shape[NB_MAX_DIMS] = {work->count};
    int dims = work->one->dims;
    if (dims == NB_MAX_DIMS)
        return nb_fail(ctx, NB_ESHAPE, "%s of an example has at most %d dimensions", work->what,
                       NB_MAX_DIMS - 1);
    memcpy(shape + 1, work->one->shape, (size_t)dims * sizeof *shape);
    *work->all = nb_tensor_new(ctx, work->one->dtype, dims + 1, shape);
    return *work->all ? NB_OK : ctx->status;
}

static nb_status check_like_first(nb_ctx *ctx, const store_job *work, const nb_tensor *row)
{
    char got[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    const nb_tensor *one = work->one;
    if (nb_tensor_same_shape(row, one) && row->dtype == one->dtype) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s of example %" PRId64 " is %s in %s, that of the first %s in %s", work->what,
                   work->i + 1, nb_shape_text(one->dims, one->shape, got),
                   nb_dtype_name(one->dtype), nb_shape_text(row->dims, row->shape, wanted),
                   nb_dtype_name(row->dtype));
}

static nb_status store(nb_ctx *ctx, void *data)
{
    const store_job *work = data;
    ctx->recording = false;
    if (!*work->all && begin(ctx, work) != NB_OK) return ctx->status;
    nb_tensor *row = nb_tensor_select(ctx, *work->all, 0, work->i);
    nb_status status = row ? check_like_first(ctx, work, row) : ctx->status;
    if (status == NB_OK) status = nb_tensor_copy(ctx, row, work->one);
    nb_tensor_release(ctx, row);
    return status;
}

/* The value at `at`, x or y of example i, becomes a tensor and goes to its place. */
static void keep(lua_State *L, const mapping *map, int at, int all, int64_t i, int dtype)
{
    nb_tensor **to = all == ALL_X ? map->x : map->y;
    store_job work = {.all = to, .i = i, .count = map->set->count};
    work.what = all == ALL_X ? "x" : "y";
    if (to && *to && dtype < 0) dtype = (int)(*to)->dtype;
    int type = lua_type(L, at);
    if (type != LUA_TTABLE && type != LUA_TNUMBER && type != LUA_TBOOLEAN &&
        !nbl_test_tensor(L, at))
        nbl_error(L, "%s of example %I must be a tensor, a table or a number, not %s", work.what,
                  (LUAI_UACINT)(i + 1), nbl_describe(L, at));
    work.one = nbl_to_tensor(L, at, dtype);
    if (to) {
        nbl_run(L, store, &work);
    } else {
        lua_pushvalue(L, at);
        lua_rawseti(L, all, i + 1);
    }
}

/* ---- Classes --------------------------------------------------------------------------------- */

/* The name at `at` becomes a key: what is a whole number as its digits. */
static void push_key(lua_State *L, int at)
{
    lua_Integer whole;
    if (lua_type(L, at) == LUA_TNUMBER && lua_numbertointeger(lua_tonumber(L, at), &whole))
        lua_pushinteger(L, whole);
    else
        lua_pushvalue(L, at);
    lua_tostring(L, -1);
}

/* Class numbers by name, or nil where nothing has a name: on the stack's top. */
static void push_numbers(lua_State *L, const mapping *map)
{
    if (map->classes)
        lua_createtable(L, 0, (int)map->classes);
    else
        lua_pushnil(L);
    for (int64_t k = 0; k < map->classes; k++) {
        lua_pushstring(L, map->names ? map->names[k] : map->set->schema.classes->name[k]);
        lua_pushinteger(L, k + 1);
        lua_rawset(L, -3);
    }
}

/* A class's name at `at` becomes its number; what is no name stays. */
static void number_class(lua_State *L, const mapping *map, int at, int64_t i)
{
    int type = lua_type(L, at);
    if (!map->classes || (type != LUA_TSTRING && type != LUA_TNUMBER)) return;
    push_key(L, at);
    if (lua_rawget(L, NUMBERS) == LUA_TNIL)
        nbl_error(L, "y of example %I is %s, which is none of the %I classes", (LUAI_UACINT)(i + 1),
                  nbl_describe(L, at), (LUAI_UACINT)map->classes);
    lua_replace(L, at);
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* x and y as f gives them, or y as it was where f gives none, at GIVEN_X and GIVEN_Y. */
static void call(lua_State *L, const mapping *map, int64_t i)
{
    lua_settop(L, ALL_Y);
    lua_pushvalue(L, F);
    nbl_push_example(L, map->set, i);
    lua_pushvalue(L, -1);
    lua_insert(L, GIVEN_X);
    lua_call(L, 2, 2);
    if (lua_isnil(L, -1)) lua_copy(L, GIVEN_X, -1);
    lua_remove(L, GIVEN_X);
}

static void take_y(lua_State *L, const mapping *map, int64_t i)
{
    bool have = i > 0 && (map->y ? *map->y != NULL : lua_rawlen(L, ALL_Y) > 0);
    if (lua_isnil(L, GIVEN_Y) && !have) return;
    if (lua_isnil(L, GIVEN_Y) || (i > 0 && !have))
        nbl_error(L, "f gives %sy for example %I, but %sfor those before",
                  lua_isnil(L, GIVEN_Y) ? "no " : "", (LUAI_UACINT)(i + 1), have ? "" : "none ");
    number_class(L, map, GIVEN_Y, i);
    keep(L, map, GIVEN_Y, ALL_Y, i, map->classes ? NB_I32 : -1);
}

static void map_all(lua_State *L, const mapping *map)
{
    for (int64_t i = 0; i < map->set->count; i++) {
        nbl_poll(L, nbl_ctx(L));
        call(L, map, i);
        if (lua_isnil(L, GIVEN_X))
            nbl_error(L, "f gives nil for example %I; it must give x, or x and y",
                      (LUAI_UACINT)(i + 1));
        keep(L, map, GIVEN_X, ALL_X, i, -1);
        take_y(L, map, i);
    }
}

/* ---- The set --------------------------------------------------------------------------------- */

static nb_status check_classes(nb_ctx *ctx, nb_feed *y, int64_t classes)
{
    nb_survey seen;
    nb_status status = nb_survey_rows(ctx, y, &(nb_pick){.n = y->count}, &seen);
    return status == NB_OK ? nb_survey_check(ctx, &seen, classes, "the set has") : status;
}

/* y means what it meant: numbers of classes, or targets, which are not guessed to be some. */
static nb_set *made(nb_ctx *ctx, const mapping *map, nb_feed *x, nb_feed *y)
{
    nb_set *set = NULL;
    nb_classes *classes = NULL;
    if (map->names)
        classes = nb_classes_new(ctx, map->names, map->classes);
    else if (map->set->schema.classes)
        classes = nb_classes_retain(map->set->schema.classes);
    bool whole = classes || !map->names;
    if (whole && classes && y) whole = check_classes(ctx, y, classes->count) == NB_OK;
    if (whole) set = nb_set_from(ctx, x, NULL, y, y ? classes : NULL, NULL);
    nb_classes_release(ctx, classes);
    return set;
}

static bool as_wide(const nb_feed *a, const nb_feed *b)
{
    return a && b && a->dims == b->dims && nb_feed_width(a) == nb_feed_width(b);
}

static nb_status settle(nb_ctx *ctx, void *data)
{
    const mapping *map = data;
    const nb_set *from = map->set;
    nb_feed *x = nb_feed_of_tensor(ctx, *map->x, "x");
    nb_feed *y = x && *map->y ? nb_feed_of_tensor(ctx, *map->y, "y") : NULL;
    bool whole = x && (y || !*map->y);
    if (whole && y && !from->y && !map->names)
        *map->out = nb_set_of_rows(ctx, x, 1.0, *map->y, NULL, 0, NULL);
    else if (whole)
        *map->out = made(ctx, map, x, y);
    nb_set *set = *map->out;
    if (set && as_wide(set->x, from->x))
        set->schema.columns = nb_names_retain(from->schema.columns);
    if (set && from->schema.words && x->dtype == NB_I32)
        set->schema.words = nb_classes_retain(from->schema.words);
    if (set && as_wide(set->y, from->y))
        set->schema.targets = nb_names_retain(from->schema.targets);
    nb_feed_release(ctx, x);
    nb_feed_release(ctx, y);
    return set ? NB_OK : ctx->status;
}

/* Pushes the set of the lists. */
static void push_sequences(lua_State *L, const mapping *map)
{
    const nb_classes *own = map->set->schema.classes;
    const char *const *names = map->names || !own ? map->names : (const char *const *)own->name;
    bool have = lua_rawlen(L, ALL_Y) > 0;
    nbl_push_sequences(L, ALL_X, have ? ALL_Y : 0, have ? names : NULL, have ? map->classes : 0);
}

/* Arguments and all that stands behind them before the first example. */
static void prepare(lua_State *L, mapping *map)
{
    map_options options;
    nbl_no_more(L, OPTIONS);
    lua_settop(L, OPTIONS);
    nbl_options(L, OPTIONS, map_fields, &options, false);
    if (options.classes) map->names = nbl_read_names(L, options.classes, &map->classes);
    if (!map->names && map->set->schema.classes) map->classes = map->set->schema.classes->count;
    lua_settop(L, STRINGS);
    push_numbers(L, map);
    if (map->set->x->length) {
        lua_newtable(L);
        lua_newtable(L);
    } else {
        map->x = nbl_new_tensor(L);
        map->y = nbl_new_tensor(L);
    }
}

static int set_map(lua_State *L)
{
    mapping map = {.set = nbl_check_set(L, 1)};
    if (!lua_isfunction(L, F))
        return nbl_error(L, "f must be a function of x, or of x and y, not %s", nbl_describe(L, F));
    prepare(L, &map);
    map_all(L, &map);
    lua_settop(L, ALL_Y);
    if (!map.x) {
        push_sequences(L, &map);
        return 1;
    }
    map.out = nbl_new_set(L);
    nbl_run(L, settle, &map);
    return 1;
}

static const nbl_entry entries[] = {
    {":map", set_map, "set:map(f, [{classes}])",
     "A set in memory of what f makes of every example: f(x) gives x, f(x, y) may give y too. x is "
     "a tensor, y what set[i].y is, a class's name or a target; where f gives no y it stays. All x "
     "must be alike, and all y; of sequences they may differ in their steps. With classes = {…} y "
     "gets other names. Parts (set.train) and set.scale do not go with it.",
     "digits = data.digits().train\n"
     "ink = digits:map(function(x) return {x:sum(), x:max()} end)\nprint(ink)\n"
     "parity = digits:map(function(x, y) return x, y % 2 == 0 and \"even\" or \"odd\" end,\n"
     "    {classes = {\"even\", \"odd\"}})\nprint(parity)",
     map_fields},
    {.name = NULL},
};

void nbl_open_set_map(lua_State *L)
{
    nbl_register(L, "set", entries);
}
