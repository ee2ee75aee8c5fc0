/* net:influence: options of a run of training, the runs without each example, and what they say, as
 * a value that prints itself. */
#include "nn/inspect/influence/influence.h"
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "lua/nn/examples.h"
#include "lua/nn/net.h"
#include "lua/nn/part.h"
#include "lua/nn/train/optimizer.h"
#include "lua/nn/train/penalty.h"
#include "lua/nn/train/schedule.h"
#include "lua/result.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    EPOCHS = 30, /* as of net:train */
    BATCH = 10,
    SHOWN = 5 /* examples that help most, and harm most */
};

typedef struct influence_options {
    int64_t epochs, batch, accumulate, patience;
    bool shuffle, reset;
    int seed, valid, test, weights, examples, schedule;
    nbl_optimizer_choice choice;
    nbl_penalty_choice penalty;
} influence_options;

#define FIELD(field) offsetof(influence_options, field)
#define WHOLE(field, words, standard_words, begin, most)                                           \
    {                                                                                              \
        .name = #field, .help = words, .range = "a whole number from 1",                           \
        .standard = standard_words, .value = begin, .low = 1, .high = most, .kind = NB_INTEGER,    \
        .offset = FIELD(field)                                                                     \
    }

static const nb_option influence_fields[] = {
    {.name = "test",
     .help = "the data set whose cost is asked for",
     .kind = NB_HOST,
     .offset = FIELD(test)},
    {.name = "seed",
     .help = "of the parameters and the order of each run, or a list of seeds, over which changes "
             "are averaged: one seed is chance",
     .kind = NB_HOST,
     .offset = FIELD(seed)},
    {.name = "examples",
     .help = "which ones are left out, each in turn: a list of their numbers",
     .standard = "all",
     .kind = NB_HOST,
     .offset = FIELD(examples)},
    {.name = "reset",
     .help = "each run begins with parameters drawn anew by its seed; false: with those that the "
             "network has",
     .value = true,
     .kind = NB_BOOLEAN,
     .offset = FIELD(reset)},
    WHOLE(epochs, "passes over the set", "30; the full-batch optimizers' own", -1, NB_WHOLE_MAX),
    WHOLE(batch, "examples in a mini-batch", "10", -1, INT32_MAX),
    NBL_LR_OPTION(FIELD(choice)),
    NBL_OPTIMIZER_OPTION(FIELD(choice)),
    NBL_MOMENTUM_OPTION(FIELD(choice)),
    {.name = "schedule",
     .help = "what multiplies lr on the way, a word as of net:train",
     .standard = "constant",
     .kind = NB_HOST,
     .offset = FIELD(schedule)},
    NBL_PENALTY_OPTIONS(FIELD(penalty)),
    WHOLE(accumulate, "batches that make one step together", NULL, 1, INT32_MAX),
    {.name = "valid",
     .help = "a data set to choose by, with patience",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(valid)},
    {.name = "patience",
     .help = "as of net:train",
     .range = "a whole number from 1",
     .standard = "none",
     .low = 1,
     .high = NB_WHOLE_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(patience)},
    NBL_WEIGHTS_OPTION(FIELD(weights)),
    {.name = "shuffle",
     .help = "another order in every epoch",
     .value = true,
     .kind = NB_BOOLEAN,
     .offset = FIELD(shuffle)},
    NB_OPTIONS_END,
};

typedef struct influence_job {
    nb_net *net;
    nbl_examples examples;
    nb_trainer_options run;
    nb_influence_task task;
    nb_set **set;
    nb_influence *found; /* in a box */
} influence_job;

/* ---- The job --------------------------------------------------------------------------------- */

/* A weight of a class would not go with an example. */
static nb_status check_weights(nb_ctx *ctx, const nb_weighing *weights, int64_t count)
{
    bool fit = !weights->numbers ||
               (weights->of != NB_OF_CLASSES && nb_tensor_count(weights->numbers) == count);
    if (fit) return NB_OK;
    return nb_fail(ctx, NB_EARG, "weights must hold a number for each of the %lld examples here",
                   (long long)count);
}

static nb_status find(nb_ctx *ctx, void *data)
{
    influence_job *work = data;
    nb_influence_task task = work->task;
    if (!*work->set) *work->set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!*work->set) return ctx->status;
    task.course.set = *work->set;
    if (!task.examples) task.count = task.course.set->count;
    nb_status status = check_weights(ctx, &work->run.weights, task.course.set->count);
    return status == NB_OK ? nb_influence_find(ctx, &task, work->found) : status;
}

static void release(nb_ctx *ctx, void *value)
{
    nb_influence_free(ctx, value);
}

/* ---- The text -------------------------------------------------------------------------------- */

static double number_field(lua_State *L, int at, const char *name)
{
    double number = nbl_own_field(L, at, name) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    lua_pop(L, 1);
    return number;
}

/* "    12  +0.00123  ± 0.0004   estimate +0.0009  eight" of the entry on the stack's top. */
static void add_entry(lua_State *L, nb_text *text)
{
    char shown[NB_SHOWN];
    int at = lua_gettop(L);
    double spread = number_field(L, at, "spread"), estimate = number_field(L, at, "estimate");
    nb_text_add(text, "%6.0f  %+10.3e", number_field(L, at, "example"),
                number_field(L, at, "change"));
    if (!isnan(spread)) nb_text_add(text, "  ± %.1e", spread);
    if (!isnan(estimate)) nb_text_add(text, "  estimate %+10.3e", estimate);
    if (nbl_own_field(L, at, "class") != LUA_TNIL)
        nb_text_add(text, "  %s", nb_text_shown(luaL_tolstring(L, -1, NULL), shown));
    lua_settop(L, at);
}

static int entry_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    lua_pushvalue(L, 1);
    nb_text_add(text, "example");
    add_entry(L, text);
    nbl_push_text(L, text);
    return 1;
}

/* Of the places in the list `name` the entries of the value at 1. */
static void add_list(lua_State *L, nb_text *text, const char *title, const char *name)
{
    bool any = false;
    if (nbl_own_field(L, 1, name) == LUA_TTABLE) {
        int list = lua_gettop(L);
        for (lua_Integer k = 1; k <= SHOWN && lua_rawgeti(L, list, k) == LUA_TTABLE; k++) {
            if (!any) nb_text_add(text, "\n%s", title);
            any = true;
            nb_text_add(text, "\n");
            add_entry(L, text);
            lua_settop(L, list);
        }
        lua_settop(L, list);
    }
    lua_pop(L, 1);
}

static void add_agreement(lua_State *L, nb_text *text)
{
    double estimate = number_field(L, 1, "agreement"), between = number_field(L, 1, "between");
    if (!isnan(estimate))
        nb_text_add(text, "\nrank agreement with the first-order estimate %.2f", estimate);
    if (!isnan(between)) nb_text_add(text, "\nrank agreement between two seeds %.2f", between);
    if (isnan(between))
        nb_text_add(text, "\none seed, so much of this is chance: seed = {1, 2, 3} shows how much");
}

static int influence_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_text_add_grouped(text, (int64_t)lua_rawlen(L, 1));
    nb_text_add(text, " examples left out, one at a time · test cost %.4g with all",
                number_field(L, 1, "cost"));
    add_list(L, text, "helped most: without it the test cost is higher by", "helped");
    add_list(L, text, "harmed most", "harmed");
    add_agreement(L, text);
    nbl_push_text(L, text);
    return 1;
}

/* ---- The value ------------------------------------------------------------------------------- */

static int64_t example_at(const influence_job *work, int64_t k)
{
    return work->task.examples ? work->task.examples[k] : k;
}

/* The classes of the set, where each example has one; the handle of set.y is pushed, or nil. */
static const nb_classes *push_classes(lua_State *L, nb_set *set)
{
    const nb_classes *classes = set->schema.classes;
    if (!classes || set->y->dims > 0 || nbl_push_set_y(L, set) == 0) {
        lua_pushnil(L);
        return NULL;
    }
    return classes;
}

static const char *const entry_lacks[] = {"spread", "estimate", "class", NULL};
static const nbl_result entry_kind = {.name = "nabla.influence of one",
                                      .whose = "an influence",
                                      .text = entry_tostring,
                                      .may_lack = entry_lacks};

static void push_entry(lua_State *L, const influence_job *work, int64_t k,
                       const nb_classes *classes, const nb_tensor *y)
{
    const nb_influence *found = work->found;
    int64_t example = example_at(work, k);
    lua_createtable(L, 0, 5);
    nbl_set_integer(L, "example", example + 1);
    nbl_set_number(L, "change", found->change[k]);
    if (found->seeds > 1) nbl_set_number(L, "spread", found->spread[k]);
    if (!isnan(found->estimate[k])) nbl_set_number(L, "estimate", found->estimate[k]);
    if (classes && y) {
        nbl_push_class(L, classes, (int64_t)nb_tensor_get(y, &example));
        lua_setfield(L, -2, "class");
    }
    nbl_dress(L, &entry_kind);
}

typedef struct ranked {
    double change;
    int64_t k;
} ranked;

static int by_change(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->change != y->change) return x->change < y->change ? -1 : 1;
    return (x->k > y->k) - (x->k < y->k);
}

/* Entries of the list on the stack's top by their changes: those above 0 from the largest down,
 * those below from the smallest up. */
static void set_sides(lua_State *L, const nb_influence *found)
{
    int64_t n = found->count;
    ranked *list = lua_newuserdatauv(L, (size_t)n * sizeof *list, 0);
    lua_insert(L, -2);
    for (int64_t k = 0; k < n; k++) list[k] = (ranked){found->change[k], k};
    qsort(list, (size_t)n, sizeof *list, by_change);
    for (int side = 0; side < 2; side++) {
        lua_newtable(L);
        for (int64_t j = 0; j < n && j < SHOWN; j++) {
            const ranked *of = &list[side ? j : n - 1 - j];
            if (!(side ? of->change < 0 : of->change > 0)) break;
            lua_rawgeti(L, -2, of->k + 1);
            lua_rawseti(L, -2, j + 1);
        }
        lua_setfield(L, -2, side ? "harmed" : "helped");
    }
    lua_remove(L, -2);
}

/* (seeds, count) */
static void set_changes(lua_State *L, const nb_influence *found)
{
    lua_createtable(L, (int)found->seeds, 0);
    for (int64_t s = 0; s < found->seeds; s++) {
        lua_createtable(L, (int)found->count, 0);
        for (int64_t k = 0; k < found->count; k++) {
            lua_pushnumber(L, found->each[s * found->count + k]);
            lua_rawseti(L, -2, k + 1);
        }
        lua_rawseti(L, -2, s + 1);
    }
    lua_setfield(L, -2, "changes");
}

static double mean_cost(const nb_influence *found)
{
    double sum = 0;
    for (int64_t s = 0; s < found->seeds; s++) sum += found->cost[s];
    return sum / (double)found->seeds;
}

static const char *const influence_lacks[] = {"agreement", "between", NULL};
static const nbl_result influence_kind = {.name = "nabla.influence",
                                          .whose = "what net:influence gives",
                                          .text = influence_tostring,
                                          .may_lack = influence_lacks};

static void push_influence(lua_State *L, const influence_job *work)
{
    const nb_influence *found = work->found;
    const nb_classes *classes = push_classes(L, *work->set);
    const nb_tensor *y = classes ? nbl_test_tensor(L, -1) : NULL;
    lua_createtable(L, (int)found->count, 8);
    for (int64_t k = 0; k < found->count; k++) {
        push_entry(L, work, k, classes, y);
        lua_rawseti(L, -2, k + 1);
    }
    set_sides(L, found);
    set_changes(L, found);
    nbl_set_number(L, "cost", mean_cost(found));
    if (!isnan(found->agreement)) nbl_set_number(L, "agreement", found->agreement);
    if (!isnan(found->between)) nbl_set_number(L, "between", found->between);
    nbl_dress(L, &influence_kind);
}

/* ---- Options --------------------------------------------------------------------------------- */

/* Numbers of a list, or one alone, at `at`, in a userdata on the stack's top. */
static int64_t *read_list(lua_State *L, int at, const char *what, int64_t most, int64_t *count)
{
    bool list = lua_istable(L, at);
    *count = list ? (int64_t)lua_rawlen(L, at) : 1;
    if (*count > most)
        nbl_error(L, "%s must be a number or a list of 1 to %I of them, not of %I", what, most,
                  *count);
    if (*count < 1)
        nbl_error(L, "%s must be a number or a list of them, not %s", what, nbl_describe(L, at));
    int64_t *numbers = lua_newuserdatauv(L, (size_t)*count * sizeof *numbers, 0);
    for (int64_t i = 0; i < *count; i++) {
        if (list)
            lua_rawgeti(L, at, i + 1);
        else
            lua_pushvalue(L, at);
        numbers[i] = nbl_check_integer(L, lua_gettop(L), what);
        lua_pop(L, 1);
    }
    return numbers;
}

/* Without one the runs could not be made again, and of several the user knows. */
static void read_seeds(lua_State *L, int at, nb_influence_task *task)
{
    int64_t count;
    if (!at)
        nbl_error(L, "runs need a seed to be made again: seed = 1, or seed = {1, 2, 3}, for one "
                     "seed is chance");
    const int64_t *given = read_list(L, at, "seed", NB_INFLUENCE_SEEDS, &count);
    uint64_t *seeds = lua_newuserdatauv(L, (size_t)count * sizeof *seeds, 0);
    for (int64_t i = 0; i < count; i++) {
        if (given[i] < 0) nbl_error(L, "seed must be a whole number from 0, not %I", given[i]);
        for (int64_t j = 0; j < i; j++)
            if (given[j] == given[i])
                nbl_error(L, "seed holds %I twice: both runs would be the same", given[i]);
        seeds[i] = (uint64_t)given[i];
    }
    task->seeds = seeds;
    task->seed_count = count;
}

static void read_which(lua_State *L, int at, nb_influence_task *task)
{
    if (!at) return;
    int64_t *given = read_list(L, at, "examples", INT32_MAX, &task->count);
    for (int64_t i = 0; i < task->count; i++) given[i]--;
    task->examples = given;
}

/* A set that is evaluated, in the numbers of the one that is learned from; or NULL. */
static nb_set *read_set(lua_State *L, int at, const char *name, const nb_schema *schema)
{
    if (!at) return NULL;
    nb_set *set = nbl_test_set(L, at);
    if (!set) nbl_error(L, "%s must be a data set, not %s", name, nbl_describe(L, at));
    if (!set->y) nbl_error(L, "the data set %s has no y", name);
    return nbl_set_in_schema(L, at, name, schema);
}

static void read_schedule(lua_State *L, int at, nb_pace *pace)
{
    if (nbl_read_schedule(L, "net:influence", at, &pace->schedule))
        nbl_error(L, "schedule must be a word here, such as \"cosine(low=0.1)\"");
}

/* The run of training; the optimizer is pushed. */
static void read_run(lua_State *L, const influence_options *options, influence_job *work)
{
    nb_optimizer *optimizer = nbl_choose_optimizer(L, "net:influence", &options->choice, work->net);
    bool made = !options->choice.optimizer || !nbl_test_optimizer(L, options->choice.optimizer);
    bool whole = optimizer->type->whole;
    if (whole && (options->batch > 0 || options->schedule))
        nbl_error(L, "%s works on the whole set: batch and schedule have no meaning for it",
                  optimizer->type->name);
    int64_t epochs = whole ? optimizer->type->epochs : EPOCHS;
    if (options->epochs > 0) epochs = options->epochs;
    work->task.course.epochs = epochs;
    work->run.batch = options->batch > 0 ? options->batch : BATCH;
    work->run.shuffle = options->shuffle;
    work->run.optimizer = optimizer;
    work->run.patience = options->patience;
    work->run.accumulate = options->accumulate;
    work->run.weights = work->examples.weights;
    work->run.pace.epochs = epochs;
    work->run.penalty = nbl_read_penalty(L, "net:influence", &options->penalty, optimizer, made);
    read_schedule(L, options->schedule, &work->run.pace);
}

static void read_sets(lua_State *L, const influence_options *options, influence_job *work)
{
    const nb_set *set = work->examples.set;
    const nb_schema *schema = set ? &set->schema : &work->net->schema;
    if (!options->test)
        nbl_error(L, "net:influence: influence is on a test cost: test = set, as in {test = "
                     "digits.test, seed = 1}");
    work->task.course.test = read_set(L, options->test, "test", schema);
    work->run.valid = read_set(L, options->valid, "valid", schema);
}

static int net_influence(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    influence_options options;
    influence_job work = {.net = self->net};
    int next = nbl_read_examples(L, 2, self->net, "net:influence", NBL_TO_LEARN, &work.examples);
    nbl_no_more(L, next);
    nbl_options(L, next, influence_fields, &options, false);
    nbl_read_weights(L, options.weights, &work.examples);
    read_sets(L, &options, &work);
    read_run(L, &options, &work);
    read_seeds(L, options.seed, &work.task);
    read_which(L, options.examples, &work.task);
    work.task.course.net = self->net;
    work.task.course.run = &work.run;
    work.task.course.reset = options.reset;
    work.set = nbl_new_set(L);
    int box = lua_gettop(L) + 1;
    work.found = nbl_new_box(L, sizeof *work.found, release);
    nbl_net_run(L, self, find, &work);
    push_influence(L, &work);
    nbl_close_box(L, box);
    return 1;
}

static const nbl_entry entries[] = {
    {":influence", net_influence, "net:influence(set | x, y, {test, seed, …})",
     "What each training example does to the test cost: the network is trained again without it, "
     "from the beginning, its weight 0, so that order and batches stay: what comes out is, bit for "
     "bit, what net:reset(seed) and net:train with {weights = …, seed = …} give. The runs are "
     "spread over the cores, in copies of the process; Ctrl-C ends them, and the network stays as "
     "it is. Options are those of net:train. Over several seeds changes are averaged, for one is "
     "chance. Beside them stands the first-order estimate: the products of the example's gradient "
     "with that of the test cost, as if by plain descent, added up along the run (TracIn), with "
     "the "
     "layers' and neurons' factors; it leaves out what momentum, decay and clipping do, drops "
     "nothing and goes by batch_norm's running figures. Prints "
     "itself; [i].example .class, .change, what leaving it out adds to the test cost (above 0: it "
     "helped), .spread, its standard deviation over the seeds, .estimate; .cost with all examples, "
     ".helped and .harmed, the foremost of either side, .agreement of the ranks of changes and "
     "estimates, .between two seeds', .changes[seed][i].",
     "digits = data.digits()\nnet = nn.net \"64 - 10\"\n"
     "o = {test = digits.test, epochs = 3, lr = 3.0, seed = {1, 2}}\n"
     "print(net:influence(digits.train:take(60), o))",
     influence_fields},
    {.name = NULL},
};

void nbl_open_influence(lua_State *L)
{
    nbl_register(L, "net", entries);
}
