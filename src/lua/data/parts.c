/* Parts of data sets: some examples, all in another order, in two, in batches, in folds. */
#include "lua/data/parts.h"

#include "lua/data/schema.h"
#include "lua/data/set.h"

typedef struct part_job {
    const nb_set *set;
    double share;
    int64_t start, n;
    uint64_t seed;
    nb_set **out, **rest; /* handles on the stack */
} part_job;

static nb_status take(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    *work->out = nb_set_take(ctx, work->set, work->n);
    return *work->out ? NB_OK : ctx->status;
}

static int set_take(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, 1), .n = nbl_check_integer(L, 2, "the number")};
    work.out = nbl_new_set(L);
    nbl_run(L, take, &work);
    return 1;
}

static nb_status shuffle(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    *work->out = nb_set_shuffle(ctx, work->set, work->seed);
    return *work->out ? NB_OK : ctx->status;
}

static int set_shuffle(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, 1), .seed = nbl_check_seed(L, 2)};
    work.out = nbl_new_set(L);
    nbl_run(L, shuffle, &work);
    return 1;
}

static nb_status split(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    return nb_set_split(ctx, work->set, work->share, work->seed, work->out, work->rest);
}

static int set_split(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, 1)};
    if (lua_type(L, 2) != LUA_TNUMBER)
        return nbl_error(L, "the share must be a number between 0 and 1, not %s",
                         nbl_describe(L, 2));
    work.share = lua_tonumber(L, 2);
    work.seed = nbl_check_seed(L, 3);
    work.out = nbl_new_set(L);
    work.rest = nbl_new_set(L);
    nbl_run(L, split, &work);
    return 2;
}

/* ---- Leaving out ---- */

typedef struct without_job {
    const nb_set *set;
    int64_t *list, count;
    nb_set **out;
} without_job;

static nb_status without(nb_ctx *ctx, void *data)
{
    without_job *work = data;
    *work->out = nb_set_without(ctx, work->set, work->list, work->count);
    return *work->out ? NB_OK : ctx->status;
}

/* The number at 2, or those in the table there; the list is pushed. */
static void read_left_out(lua_State *L, without_job *work)
{
    bool one = !lua_istable(L, 2);
    work->count = one ? 1 : (int64_t)lua_rawlen(L, 2);
    work->list = lua_newuserdatauv(L, ((size_t)work->count + 1) * sizeof *work->list, 0);
    for (int64_t i = 0; i < work->count; i++) {
        if (one)
            lua_pushvalue(L, 2);
        else
            lua_rawgeti(L, 2, i + 1);
        work->list[i] = nbl_check_index(L, lua_gettop(L), work->set->count, "example");
        lua_pop(L, 1);
    }
}

static int set_without(lua_State *L)
{
    without_job work = {.set = nbl_check_set(L, 1)};
    nbl_no_more(L, 2);
    read_left_out(L, &work);
    work.out = nbl_new_set(L);
    nbl_run(L, without, &work);
    return 1;
}

/* ---- Batches ---- */

enum { SET = 1, BATCH, DONE }; /* upvalues of the iterator: handle, examples, how many were given */

static nb_status range(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    *work->out = nb_set_range(ctx, work->set, work->start, work->n);
    return *work->out ? NB_OK : ctx->status;
}

/* Pushes a list of the x of every example of a set, or of the y. */
static void push_list(lua_State *L, nb_set *part, int which)
{
    int top = lua_gettop(L);
    lua_createtable(L, (int)part->count, 0);
    for (int64_t i = 0; i < part->count; i++) {
        nbl_push_example(L, part, i);
        lua_pushvalue(L, which - 3);
        lua_rawseti(L, top + 1, i + 1);
        lua_settop(L, top + 1);
    }
}

/* x and y as a network takes them: of sequences lists. */
static int push_batch(lua_State *L, nb_set *part)
{
    if (part->x->length)
        push_list(L, part, 1);
    else
        nbl_push_set_x(L, part);
    if (!part->y) return 1;
    if (part->y->length)
        push_list(L, part, 2);
    else
        nbl_push_set_y(L, part);
    return 2;
}

static int next_batch(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, lua_upvalueindex(SET))};
    work.start = lua_tointeger(L, lua_upvalueindex(DONE));
    int64_t left = work.set->count - work.start;
    work.n = lua_tointeger(L, lua_upvalueindex(BATCH));
    if (left <= 0) return 0;
    if (work.n > left) work.n = left;
    work.out = nbl_new_set(L);
    nbl_run(L, range, &work);
    int given = push_batch(L, *work.out);
    lua_pushinteger(L, work.start + work.n);
    lua_replace(L, lua_upvalueindex(DONE));
    return given;
}

static int set_batches(lua_State *L)
{
    nbl_check_set(L, 1);
    int64_t n = nbl_check_integer(L, 2, "the number of examples in a batch");
    if (n < 1) return nbl_error(L, "a batch has at least 1 example, not %I", (LUAI_UACINT)n);
    nbl_no_more(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_batch, DONE);
    return 1;
}

/* ---- Folds ---- */

enum {
    FOLDS = 1,
    COUNT,
    TESTED
}; /* upvalues of the iterator: handle, folds, how many were given */

static nb_status lay_out(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    *work->out = nb_set_folds(ctx, work->set, work->n, work->seed);
    return *work->out ? NB_OK : ctx->status;
}

static nb_status fold(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    return nb_set_fold(ctx, work->set, work->n, work->start, work->out, work->rest);
}

static int next_fold(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, lua_upvalueindex(FOLDS))};
    work.n = lua_tointeger(L, lua_upvalueindex(COUNT));
    work.start = lua_tointeger(L, lua_upvalueindex(TESTED));
    if (work.start == work.n) return 0;
    work.out = nbl_new_set(L);
    work.rest = nbl_new_set(L);
    nbl_run(L, fold, &work);
    lua_pushinteger(L, work.start + 1);
    lua_replace(L, lua_upvalueindex(TESTED));
    return 2;
}

static int set_kfold(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, 1),
                     .n = nbl_check_integer(L, 2, "the number of folds")};
    nbl_no_more(L, 3);
    work.seed = nbl_check_seed(L, 3);
    work.out = nbl_new_set(L);
    nbl_run(L, lay_out, &work);
    lua_pushinteger(L, work.n);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_fold, TESTED);
    return 1;
}

/* ---- Names ---- */

static int set_name(lua_State *L)
{
    const nb_classes *classes = nbl_check_set(L, 1)->schema.classes;
    nbl_no_more(L, 2);
    if (!classes) return nbl_error(L, "the classes of this set have no names; its y is targets");
    nbl_push_class(L, classes, nbl_check_index(L, 2, classes->count, "class") + 1);
    return 1;
}

/* ---- Scale ---- */

static nb_status standardize(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    *work->out = nb_set_standardize(ctx, work->set);
    return *work->out ? NB_OK : ctx->status;
}

static int set_standardize(lua_State *L)
{
    part_job work = {.set = nbl_check_set(L, 1)};
    work.out = nbl_new_set(L);
    nbl_run(L, standardize, &work);
    return 1;
}

/* ---- Registration ---- */

#define XOR "set = data.set{x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y = {1, 2, 2, 1}}\n"

static const nbl_entry entries[] = {
    {":take", set_take, "set:take(n)", "The first n examples, or the last -n, as a set.",
     "print(data.digits():take(5))", NULL},
    {":split", set_split, "set:split(share, [seed])",
     "Two sets: a share of the examples, the same of every class, and the rest.",
     "most, rest = data.digits():split(0.9, 1)\nprint(most, rest)", NULL},
    {":shuffle", set_shuffle, "set:shuffle([seed])", "The same examples in another order.",
     XOR "print(set:shuffle(1).y)", NULL},
    {":without", set_without, "set:without(i)",
     "The set without example i, or without those whose numbers are in a table; negative numbers "
     "count from the end.",
     XOR "print(set:without(2).x)\nprint(#set:without {1, -1})", NULL},
    {":batches", set_batches, "set:batches(n)",
     "For a loop: x and y of n examples at a time, in the set's order, the last time of those that "
     "are left. y is class numbers or targets; of sequences x is a list of tensors. They are "
     "plain numbers, those of the set: the names of classes and words, and set.scale, do not go "
     "with them.",
     "net, o = nn.net \"64 - 10\", nn.sgd {lr = 0.5}\n"
     "for x, y in data.digits().train:batches(100) do net:step(x, y, o) end",
     NULL},
    {":kfold", set_kfold, "set:kfold(k, [seed])",
     "For a loop: k times two sets, train and test. Every example is in test once; the test sets "
     "differ by one example at most, and have the same share of every class. A scale is that of "
     "the whole set: train:standardize() in the loop learns one without the test.",
     "for train, test in data.iris():kfold(3, 1) do\n"
     "    net = nn.net \"4 - 3 softmax : cross_entropy\"\n"
     "    net:train(train, {epochs = 10, lr = 0.05})\n"
     "    print(net:evaluate(test).accuracy)\nend",
     NULL},
    {":name", set_name, "set:name(k)", "The name of class number k.",
     "data.iris():name(2)  → versicolor", NULL},
    {":standardize", set_standardize, "set:standardize()",
     "The same examples with set.scale, which the network that learns from them takes over, unless "
     "it has one: of every column it sees (x - mean) / deviation. set.x stays as it is, and so do "
     "the values that net(x) takes, of a loaded network too. A column is a number of a row, a "
     "feature of steps, or a channel; one that does not vary has only its mean taken away. Where "
     "the set has a part to train on, mean and deviation (Σ (x - mean)² / n) are of that part, and "
     "all parts have the same.",
     "iris = data.iris():standardize()\nprint(iris.scale)\n"
     "net = nn.net \"4 - 8 tanh - 3 softmax : cross_entropy\"\n"
     "net:train(iris, {epochs = 2, progress = false})\nprint(net.scale)",
     NULL},
    {.name = NULL},
};

void nbl_open_set_parts(lua_State *L)
{
    nbl_register(L, "set", entries);
}
