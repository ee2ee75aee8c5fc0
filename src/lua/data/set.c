/* Handles of data sets: fields and examples by number. */
#include "lua/data/set.h"

#include "lua/data/schema.h"
#include "lua/data/words.h"
#include "lua/embedded.h"
#include "lua/names.h"
#include "lua/state.h"
#include "lua/result.h"
#include "nn/train/batch.h"

#include <stddef.h>
#include <string.h>

enum { KEPT = 1 }; /* user value: parts by name, always the same handles */
/* ---- The handle ---- */

static int set_gc(lua_State *L);
static int set_len(lua_State *L);
static int set_tostring(lua_State *L);
static int set_newindex(lua_State *L);

static const luaL_Reg meta[] = {
    {"__gc", set_gc},
    {"__len", set_len},
    {"__tostring", set_tostring},
    {"__newindex", set_newindex},
    {NULL, NULL},
};
static const nbl_kind set_kind = {"nabla.data set", KEPT, meta};

nb_set **nbl_new_set(lua_State *L)
{
    nb_set **handle = nbl_new_handle(L, &set_kind, sizeof *handle);
    lua_newtable(L);
    lua_setiuservalue(L, -2, KEPT);
    return handle;
}

nb_set *nbl_test_set(lua_State *L, int arg)
{
    nb_set **handle = nbl_test_handle(L, arg, &set_kind);
    if (handle && !*handle) nbl_error(L, "this data set was already released");
    return handle ? *handle : NULL;
}

nb_set *nbl_check_set(lua_State *L, int arg)
{
    nb_set *set = nbl_test_set(L, arg);
    if (!set) nbl_arg_error(L, arg, "a data set");
    return set;
}

static int set_gc(lua_State *L)
{
    nb_set **handle = nbl_check_handle(L, 1, &set_kind, "a data set");
    nb_set_release(nbl_ctx(L), *handle);
    *handle = NULL;
    return 0;
}

static int set_len(lua_State *L)
{
    lua_pushinteger(L, nbl_check_set(L, 1)->count);
    return 1;
}

static int set_tostring(lua_State *L)
{
    const nb_set *set = nbl_check_set(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_set_describe(text, set);
    nbl_push_text(L, text);
    return 1;
}

/* ---- Tensors of a set ---- */

typedef struct gather_job {
    nb_set *set;
    int64_t start; /* one example; -1: all */
    nb_tensor **x, **y;
} gather_job;

/* A tensor without its first dimension of size 1; takes `all` over. */
static nb_tensor *only_row(nb_ctx *ctx, nb_tensor *all, bool one)
{
    if (!all || !one) return all;
    nb_tensor *row = nb_tensor_select(ctx, all, 0, 0);
    nb_tensor_release(ctx, all);
    return row;
}

static nb_status gather(nb_ctx *ctx, void *data)
{
    const gather_job *work = data;
    bool one = work->start >= 0, whole = true;
    nb_dtype dtype = work->set->schema.words ? NB_I32 : ctx->dtype;
    nb_set *part = one ? nb_set_range(ctx, work->set, work->start, 1) : nb_set_retain(work->set);
    if (!part) return ctx->status;
    if (work->x && !*work->x) { /* a second try has it already */
        *work->x = only_row(ctx, nb_set_x(ctx, part, dtype), one);
        whole = *work->x;
    }
    if (work->y && whole) {
        *work->y = only_row(ctx, nb_set_y(ctx, part, ctx->dtype), one);
        whole = *work->y;
    }
    nb_set_release(ctx, part);
    return whole ? NB_OK : ctx->status;
}

/* What the example is called, on the stack's top in place of its y: a name, a number, or a tensor
 * of targets or of its steps' classes. */
static void name_example(lua_State *L, const nb_set *set, const nb_tensor *y)
{
    if (y->dims > 0) return;
    if (set->schema.classes)
        nbl_push_class(L, set->schema.classes, (int64_t)nb_tensor_item(y));
    else
        lua_pushnumber(L, nb_tensor_item(y));
    lua_replace(L, -2);
}

void nbl_push_example(lua_State *L, nb_set *set, int64_t i)
{
    gather_job work = {.set = set, .start = i, .x = nbl_new_tensor(L)};
    if (set->y) work.y = nbl_new_tensor(L);
    nbl_run(L, gather, &work);
    if (set->y)
        name_example(L, set, *work.y);
    else
        lua_pushnil(L);
}

/* Pushes the data set of the example at `arg`, which keeps it; NULL, and nil is pushed, without
 * one.
 */
static nb_set *push_set_of(lua_State *L, int arg)
{
    nbl_state_push(L, NBL_EXAMPLES);
    lua_pushvalue(L, arg);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    return nbl_test_set(L, -1);
}

/* A part of the example at 1, if it is a vector of words or of their classes, as text. */
static void add_text(lua_State *L, const char *part, const nb_classes *words, nb_text *text)
{
    lua_pushstring(L, part);
    lua_rawget(L, 1);
    nb_tensor *numbers = nbl_test_tensor(L, -1);
    if (numbers && numbers->dims == 1 && words) {
        nb_text_add(text, "%s%s: ", text->length ? "\n" : "", part);
        nbl_add_quoted(L, words, numbers, text);
    }
    lua_pop(L, 1);
}

/* An example of a text as text, others in brief. */
static int example_tostring(lua_State *L)
{
    lua_settop(L, 1);
    const nb_set *set = lua_istable(L, 1) ? push_set_of(L, 1) : NULL;
    if (!set || !set->schema.words || !set->y || set->schema.classes != set->schema.words) {
        lua_settop(L, 1);
        return nbl_brief(L);
    }
    nb_text *text = nbl_new_text(L);
    add_text(L, "x", set->schema.words, text);
    add_text(L, "y", set->schema.classes, text);
    nbl_push_text(L, text);
    return 1;
}

/* What the set shows of itself, on the stack's top, is a copy that must not be taken for it: a
 * change would be lost without a word. Batches are their loop's own. */
static int show_copy(lua_State *L)
{
    const nb_tensor *shown = nbl_test_tensor(L, -1);
    if (shown) shown->storage->copied = true;
    return 1;
}

static const char *const example_lacks[] = {"x", "y", NULL};
static const nbl_result example_kind = {.name = NBL_EXAMPLE,
                                        .whose = "an example",
                                        .text = example_tostring,
                                        .may_lack = example_lacks};

/* {x, name or target}, also under the names x and y. An index gives one value, hence a table. */
static int push_example(lua_State *L, nb_set *set, int64_t i)
{
    int x = lua_gettop(L) + 1;
    nbl_push_example(L, set, i);
    lua_createtable(L, 2, 2);
    static const char *const names[] = {"x", "y"};
    for (int k = 0; k < 2; k++) {
        lua_pushvalue(L, x + k);
        show_copy(L);
        lua_rawseti(L, -2, k + 1);
        lua_pushvalue(L, x + k);
        lua_setfield(L, -2, names[k]);
    }
    nbl_dress(L, &example_kind);
    nbl_state_push(L, NBL_EXAMPLES);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return 1;
}

static bool is_example(lua_State *L, int arg)
{
    if (!lua_istable(L, arg) || !lua_getmetatable(L, arg)) return false;
    bool is = luaL_getmetatable(L, NBL_EXAMPLE) == LUA_TTABLE && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

/* Pushes a field of the example at `arg`, past what hangs on its metatable. */
static bool push_part_of(lua_State *L, int arg, const char *field)
{
    lua_pushstring(L, field);
    return lua_rawget(L, arg) != LUA_TNIL;
}

typedef struct numbering {
    nb_tensor *from, **to;
    const nb_classes *given, *own;
    const char *what;
} numbering;

static nb_status number_anew(nb_ctx *ctx, void *data)
{
    numbering *work = data;
    *work->to = nb_numbers_in(ctx, work->from, work->given, work->own, work->what);
    return *work->to ? NB_OK : ctx->status;
}

/* Numbers of `given` in the tensor on the stack's top, if it is one, become those of `own`. */
static void translate(lua_State *L, const nb_classes *given, const nb_classes *own,
                      const char *what)
{
    numbering work = {nbl_test_tensor(L, -1), NULL, given, own, what};
    if (!work.from || !given || !own) return;
    work.to = nbl_new_tensor(L);
    nbl_run(L, number_anew, &work);
    lua_replace(L, -2);
}

/* The name of a class on the stack's top, of an example, becomes its number. */
static void number_class(lua_State *L, const nb_classes *classes, const nb_classes *own)
{
    bool others = own && !own->counted && !classes->counted;
    if (others && nbl_number_of_class(L, own)) return;
    if (!nbl_number_of_class(L, classes))
        nbl_error(L, "the set of this example has no class %s", nbl_describe(L, -1));
}

/* The number of a class on the stack's top, from 1, as the one output for two of them has it. */
static void count_from_0(lua_State *L)
{
    lua_pushinteger(L, lua_tointeger(L, -1) - 1);
    lua_replace(L, -2);
}

bool nbl_spread_example(lua_State *L, int arg, bool target, const nb_net *net)
{
    if (!is_example(L, arg)) return false;
    const nb_set *set = push_set_of(L, arg);
    const nb_schema given = set ? set->schema : (nb_schema){.columns = NULL}, *own = &net->schema;
    bool pair = set && set->y && nb_set_is_pair(net, set);
    lua_pop(L, 1); /* the example keeps the set */
    if (target) {
        if (!push_part_of(L, arg, "y")) nbl_error(L, "this example has no y");
        int type = lua_type(L, -1);
        bool named = given.classes && (type == LUA_TNUMBER || type == LUA_TSTRING);
        if (named) number_class(L, given.classes, own->classes);
        if (named && pair) count_from_0(L);
        translate(L, given.classes, own->classes, "class");
        lua_insert(L, arg + 1);
    }
    push_part_of(L, arg, "x");
    translate(L, given.words, own->words, "character");
    lua_replace(L, arg);
    return true;
}

/* ---- Fields ---- */

int nbl_push_set_x(lua_State *L, nb_set *set)
{
    gather_job work = {.set = set, .start = -1, .x = nbl_new_tensor(L)};
    nbl_run(L, gather, &work);
    return 1;
}

int nbl_push_set_y(lua_State *L, nb_set *set)
{
    if (!set->y) return 0;
    gather_job work = {.set = set, .start = -1, .y = nbl_new_tensor(L)};
    nbl_run(L, gather, &work);
    return 1;
}

typedef struct share_job {
    const nb_set *set;
    double share;
} share_job;

static nb_status look_for_zeros(nb_ctx *ctx, void *data)
{
    share_job *work = data;
    return nb_set_share(ctx, work->set, &work->share);
}

static int push_x(lua_State *L, nb_set *set)
{
    return nbl_push_set_x(L, set) ? show_copy(L) : 0;
}

static int push_y(lua_State *L, nb_set *set)
{
    return nbl_push_set_y(L, set) ? show_copy(L) : 0;
}

static int push_nonzero(lua_State *L, nb_set *set)
{
    share_job work = {.set = set};
    nbl_run(L, look_for_zeros, &work);
    lua_pushnumber(L, work.share);
    return 1;
}

/* The part that the field at index 2 names, the same handle every time. */
static int push_part(lua_State *L, nb_set *part)
{
    if (!part) return 0;
    lua_getiuservalue(L, 1, KEPT);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) return 1;
    *nbl_new_set(L) = nb_set_retain(part);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
    return 1;
}

static int push_train(lua_State *L, nb_set *set)
{
    return push_part(L, set->train);
}

static int push_valid(lua_State *L, nb_set *set)
{
    return push_part(L, set->valid);
}

static int push_test(lua_State *L, nb_set *set)
{
    return push_part(L, set->test);
}

static const char *const field_names[] = {"x",     "y",    "nonzero",         "train",
                                          "valid", "test", NBL_SCHEMA_FIELDS, NULL};

static int (*const field_pushers[])(lua_State *L, nb_set *set) = {
    push_x, push_y, push_nonzero, push_train, push_valid, push_test};

enum { OWN_FIELDS = sizeof field_pushers / sizeof *field_pushers };

static int set_index(lua_State *L)
{
    nb_set *set = nbl_check_set(L, 1);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        if (nbl_check_integer(L, 2, "an example's number") == set->count + 1) return 0;
        return push_example(L, set, nbl_check_index(L, 2, set->count, "example"));
    }
    const char *name = luaL_checkstring(L, 2);
    for (int i = 0; i < OWN_FIELDS; i++)
        if (strcmp(field_names[i], name) == 0) return field_pushers[i](L, set);
    if (nbl_push_schema_field(L, &set->schema, name)) return 1;
    if (nbl_push_method(L)) return 1;
    nbl_look_elsewhere(L, "set", "a data set", 2);
    return nbl_unknown_field(L, "a data set", 2, lua_upvalueindex(NBL_METHODS), field_names);
}

static int set_newindex(lua_State *L)
{
    return nbl_error(L, "a data set does not change; data.set{x = …, y = …} makes another");
}

/* ---- Registration ---- */

#define XOR "set = data.set{x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y = {1, 2, 2, 1}}\n"

static const nbl_entry method_entries[] = {
    {"x", NULL, "set.x",
     "All examples, one tensor. It is a copy, as set.y and set[i] are: what would write into it is "
     "an error, for the set would not change. set.x:clone() may be written into, and data.set{x = "
     "…, y = set.y} makes a set of it; set:map(f) changes every example.",
     XOR "x = set.x:clone()\nx[3][2] = 0.5\nprint(data.set({x = x, y = set.y}).x)", NULL},
    {"y", NULL, "set.y", "The class numbers, from 1, or the targets; a copy, as set.x is.",
     XOR "print(set.y)", NULL},
    {"nonzero", NULL, "set.nonzero",
     "The share of the numbers of x that are not 0, from 0 to 1. Where it is small, what "
     "data.mnist, "
     "data.csv, data.images or a path gives is kept as its non-zeros, and so are rows {index = "
     "value}; a set that prints its share is. In net:train and its trainers a network whose first "
     "layer is dense, be it behind flatten, then learns from the non-zeros alone, where fewer than "
     "28 of 100 numbers are (of layers of 64 neurons and more 20, where a batch, or a piece of it, "
     "has fewer than 32 rows) and inputs are 64 or more; and net:evaluate judges by them, where "
     "fewer than 35 of 100 are (from 64 neurons on 30) and examples 64 or more (from 64 neurons on "
     "256): faster, with other last bits than over the same rows with their zeros.",
     "print(data.digits().nonzero)", NULL},
    {"classes", NULL, "set.classes",
     "A table of the classes' names, or nil. It is a copy, of which data.set makes a set with "
     "other "
     "names; so are columns, targets and words.",
     XOR "names = {\"even\", \"odd\"}\nset = data.set{x = set.x, y = set.y, classes = names}\n"
         "names = set.classes\nnames[2] = \"uneven\"\n"
         "print(data.set{x = set.x, y = set.y, classes = names})",
     NULL},
    {"columns", NULL, "set.columns", "A table of the names of x's columns, or nil.",
     "print(table.concat(data.iris().columns, \", \"))", NULL},
    {"targets", NULL, "set.targets", "A table of the names of y's columns, or nil.",
     "print(data.iris().targets[1])", NULL},
    {"words", NULL, "set.words",
     "A table of the names of the words that x holds, of a text its characters, or nil.",
     XOR "print(set.words)", NULL},
    {"scale", NULL, "set.scale",
     "What the network that learns from it will see of x, (x - offset) * factor: a table of two "
     "vectors, or nil. See set:standardize.",
     "print(data.iris():standardize().scale.offset)", NULL},
    {"train", NULL, "set.train", "The part to learn from, where a set has parts.",
     "print(data.digits().train)", NULL},
    {"valid", NULL, "set.valid", "The part to choose by, where a set has one.",
     "print(data.digits().valid)", NULL},
    {"test", NULL, "set.test", "The part to judge by, where a set has parts.",
     "print(data.digits().test)", NULL},
    {.name = NULL},
};

void nbl_open_sets(lua_State *L)
{
    nbl_new_metatable(L, &set_kind);
    lua_newtable(L);
    nbl_register(L, "set", method_entries);
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    nbl_set_methods(L, set_index);
}
