/* What a training is told: its options, and the functions of the user that it calls. */
#include "lua/nn/train/training.h"

#include "lua/data/set.h"
#include "lua/nn/keep.h"
#include "lua/nn/net.h"
#include "lua/nn/train/history.h"
#include "lua/nn/train/optimizer.h"
#include "lua/nn/train/penalty.h"
#include "lua/nn/train/schedule.h"
#include "tensor/shape.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MOST 1e9 /* of the unit of a time between checkpoints */

typedef struct train_options {
    int64_t epochs, batch, seed, patience; /* seed -1: not given */
    bool shuffle, progress, flow;
    int valid, test, metrics, weights, on_epoch, on_batch, every, augment;
    const char *checkpoint, *resume;
    nbl_optimizer_choice choice;
    nbl_penalty_choice penalty;
    int64_t accumulate, pieces;
    int schedule;
} train_options;

enum { EPOCHS = 30, BATCH = 10 }; /* unless the user says */

#define FIELD(field) offsetof(train_options, field)

const nb_option nbl_train_fields[] = {
    {.name = "epochs",
     .help = "passes over the set; of a full-batch optimizer the most iterations",
     .range = "a whole number from 1",
     .standard = "30; lbfgs and cg 1,000, lm 10,000: they end where they have converged",
     .value = -1,
     .low = 1,
     .high = NB_WHOLE_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(epochs)},
    {.name = "batch",
     .help = "examples in a mini-batch; lbfgs, cg and lm take the whole set",
     .range = "a whole number from 1",
     .standard = "10",
     .value = -1,
     .low = 1,
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(batch)},
    NBL_LR_OPTION(FIELD(choice)),
    NBL_OPTIMIZER_OPTION(FIELD(choice)),
    NBL_MOMENTUM_OPTION(FIELD(choice)),
    {.name = "schedule",
     .help = "what multiplies lr on the way: a word such as step(every=10, factor=0.5) or "
             "warmup(epochs=5, then=cosine), see help \"schedules\"; or a function of the epoch",
     .standard = "constant",
     .kind = NB_HOST,
     .offset = FIELD(schedule)},
    NBL_PENALTY_OPTIONS(FIELD(penalty)),
    {.name = "accumulate",
     .help = "batches that make one step together; those that are left at the end of an epoch "
             "make one too",
     .range = "a whole number from 1",
     .value = 1,
     .low = 1,
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(accumulate)},
    {.name = "pieces",
     .help = "that a batch is cut into, each a pass of its own; their gradients are added along "
             "one tree, so that processes share them with the bits of one (help \"pieces\")",
     .range = "a whole number from 1 to 65536",
     .standard = "1; 8 where several processes run the script",
     .value = 0,
     .low = 1,
     .high = NB_PIECES_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(pieces)},
    {.name = "seed",
     .help = "of the shuffling",
     .range = "a whole number from 0",
     .standard = "from nabla.seed",
     .value = -1,
     .high = NB_WHOLE_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(seed)},
    {.name = "valid",
     .help = "a data set to choose by, evaluated after every epoch",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(valid)},
    {.name = "patience",
     .help =
         "so many epochs without a lower cost on valid end the training; then, and when it ends "
         "otherwise but by Ctrl-C or an error, the parameters of the best epoch come back",
     .range = "a whole number from 1",
     .standard = "none",
     .low = 1,
     .high = NB_WHOLE_MAX,
     .kind = NB_INTEGER,
     .offset = FIELD(patience)},
    {.name = "test",
     .help = "a data set to judge by, evaluated after every epoch",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(test)},
    NBL_METRICS_OPTION(FIELD(metrics)),
    NBL_WEIGHTS_OPTION(FIELD(weights)),
    {.name = "flow",
     .help = "the history keeps, by layer, the sizes of δ and of the gradient and the share of "
             "saturated neurons: history.flow. It takes one pass of backpropagation more an "
             "epoch, over 100 of the examples. A run that is resumed keeps it if it kept it",
     .kind = NB_BOOLEAN,
     .offset = FIELD(flow)},
    {.name = "augment",
     .help = "a function (x, y) → x that changes every batch before it is learned from, as the "
             "network sees it; it may change y in place. What it draws from tensors' chance "
             "(tensor.randn, x:bernoulli_, …) is a function of seed and step",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(augment)},
    {.name = "checkpoint",
     .help =
         "a file in which the run is kept: parameters, optimizer, history, place; it is written "
         "whole or not at all, and nn.load reads the network from it, as the last step left it: "
         "what patience brings back at the end net:save writes",
     .range = "a path",
     .standard = "none",
     .kind = NB_WORD,
     .offset = FIELD(checkpoint)},
    {.name = "every",
     .help = "when it is written: a number of epochs, or a time, \"10 s\" or \"5 min\"; at the end "
             "and after Ctrl-C in any case",
     .standard = "1",
     .kind = NB_HOST,
     .offset = FIELD(every)},
    {.name = "resume",
     .help = "a checkpoint with which the run goes on, with the same bits as if it had never "
             "stopped; where there is no such file yet it begins. Set, seed, batch and pieces are "
             "those of the run; lr, schedule and penalties may be others from there on. What "
             "augment, layers and costs of yours draw from tensors' chance comes again; from "
             "math.random it is drawn anew",
     .range = "a path",
     .standard = "none",
     .kind = NB_WORD,
     .offset = FIELD(resume)},
    {.name = "shuffle",
     .help = "the examples come in another order in every epoch",
     .value = true,
     .kind = NB_BOOLEAN,
     .offset = FIELD(shuffle)},
    {.name = "progress",
     .help = "show progress while it trains",
     .value = true,
     .kind = NB_BOOLEAN,
     .offset = FIELD(progress)},
    {.name = "on_epoch",
     .help =
         "a function called after every epoch with a table: epoch, cost, test, net, …; false stops",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(on_epoch)},
    {.name = "on_batch",
     .help = "a function called after every batch likewise; with it plain sgd has every gradient "
             "written out, so that the last bits may be others than without",
     .standard = "none",
     .kind = NB_HOST,
     .offset = FIELD(on_batch)},
    NB_OPTIONS_END,
};

static const nbl_kind training_kind = {"nabla.training", NBL_TRAINING_VALUES, NULL};

/* ---- Hooks ---- */

/* NaN leaves the field out. */
static void set_known(lua_State *L, const char *name, double value)
{
    if (!isnan(value)) nbl_set_number(L, name, value);
}

/* Of the last epoch, as the field metrics of the table on the stack's top. */
static void push_metrics(lua_State *L, const nb_history *history)
{
    const nb_epoch *last = &history->epoch[history->epochs - 1];
    if (!history->metrics) return;
    lua_createtable(L, 0, history->metrics);
    for (int i = 0; i < history->metrics; i++)
        nbl_set_number(L, history->metric[i], last->metric[i]);
    lua_setfield(L, -2, "metrics");
}

/* The table that callbacks get; the network's handle is on the stack's top and becomes its field.
 */
static void push_info(lua_State *L, const nb_progress *progress)
{
    lua_createtable(L, 0, 14);
    lua_insert(L, -2);
    lua_setfield(L, -2, "net");
    nbl_set_integer(L, "epoch", progress->epoch);
    nbl_set_integer(L, "epochs", progress->epochs);
    nbl_set_integer(L, "batch", progress->batch);
    nbl_set_integer(L, "batches", progress->batches);
    nbl_set_integer(L, "examples", progress->examples);
    nbl_set_number(L, "cost", progress->cost);
    set_known(L, "valid", progress->valid_accuracy);
    set_known(L, "valid_cost", progress->valid_cost);
    set_known(L, "test", progress->accuracy);
    set_known(L, "test_cost", progress->test_cost);
    if (progress->history) push_metrics(L, progress->history);
    set_known(L, "seconds", progress->seconds);
    set_known(L, "rate", progress->rate);
    nbl_set_number(L, "lr", progress->lr);
}

static int push_hook(lua_State *L, const void *self, const nb_progress *progress, int which)
{
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, which);
    lua_getiuservalue(L, -2, NBL_LEARNER);
    push_info(L, progress);
    lua_remove(L, -3);
    return 1;
}

static int push_on_epoch(lua_State *L, const void *self, const void *progress)
{
    return push_hook(L, self, progress, NBL_ON_EPOCH);
}

static int push_on_batch(lua_State *L, const void *self, const void *progress)
{
    return push_hook(L, self, progress, NBL_ON_BATCH);
}

static nb_status call_hook(nb_ctx *ctx, nbl_push_call *push, nbl_training *work,
                           const nb_progress *progress, bool *stop)
{
    nb_status status = nbl_call_hook(ctx, push, work, progress, stop);
    return status == NB_OK && work->behind ? work->behind(ctx, work->trainer) : status;
}

static nb_status on_epoch(nb_ctx *ctx, void *self, const nb_progress *progress, bool *stop)
{
    const nbl_progress_shower *shower = ((nbl_training *)self)->shower;
    if (shower && shower->clear) shower->clear(shower->self);
    return call_hook(ctx, push_on_epoch, self, progress, stop);
}

static nb_status on_batch(nb_ctx *ctx, void *self, const nb_progress *progress, bool *stop)
{
    return call_hook(ctx, push_on_batch, self, progress, stop);
}

static void push_schedule(lua_State *L, const void *self)
{
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, NBL_SCHEDULE);
    lua_remove(L, -2);
}

static nb_status find_factor(nb_ctx *ctx, void *self, int64_t epoch, double *factor)
{
    return nbl_call_schedule(ctx, push_schedule, self, epoch, factor);
}

static nb_status on_progress(nb_ctx *ctx, void *self, const nb_progress *progress, bool *stop)
{
    nbl_training *work = self;
    const nbl_progress_shower *shower = work->shower;
    char note[NBL_NOTE_MAX];
    (void)ctx;
    (void)stop;
    bool remark = !work->begun && work->common && shower && shower->say;
    if (remark) shower->say(shower->self, nbl_common_note(work->common, work->tested, note));
    work->last = *progress;
    work->begun = true;
    if (work->lr_told) work->last.lr = NAN;
    if (shower && shower->show) shower->show(shower->self, &work->last);
    return NB_OK;
}

static void push_augment(lua_State *L, const void *self)
{
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, NBL_AUGMENT);
    lua_remove(L, -2);
}

static nb_status augment(nb_ctx *ctx, void *self, nb_batch *batch)
{
    char wanted[NB_SHAPE_TEXT], got[NB_SHAPE_TEXT];
    nb_tensor *const in[] = {batch->x, batch->y};
    nb_tensor *x = nbl_call_function(ctx, push_augment, self, "augment", in, 2, false);
    if (!x) return ctx->status;
    if (x->dtype == batch->x->dtype && nb_tensor_same_shape(x, batch->x)) {
        nb_tensor_release(ctx, batch->x);
        batch->x = x;
        return NB_OK;
    }
    nb_fail(ctx, NB_ESHAPE, "augment must give an x like its own, %s in %s, not %s in %s",
            nb_shape_text(batch->x->dims, batch->x->shape, wanted), nb_dtype_name(batch->x->dtype),
            nb_shape_text(x->dims, x->shape, got), nb_dtype_name(x->dtype));
    nb_tensor_release(ctx, x);
    return ctx->status;
}

void nbl_training_say(const nbl_training *training, const char *text)
{
    const nbl_progress_shower *shower = training->shower;
    if (shower && shower->say) shower->say(shower->self, text);
}

static void on_note(void *self, const char *text)
{
    nbl_training_say(self, text);
}

/* ---- Reading ---- */

/* "10 s", "5 min", "1 h" in seconds; 0: it is none of these. */
static double read_time(const char *text)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || !(number > 0) || !(number <= EVERY_MOST)) return 0;
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) return number * units[i].seconds;
    return 0;
}

static void read_every(lua_State *L, const char *whose, int at, nb_keeping *keeping)
{
    int64_t epochs = 1;
    if (at && !keeping->path)
        nbl_error(
            L, "%s: every says when the checkpoint is written, and there is no checkpoint = path",
            whose);
    if (at && lua_type(L, at) == LUA_TSTRING)
        keeping->seconds = read_time(lua_tostring(L, at));
    else if (at)
        epochs = lua_isinteger(L, at) ? lua_tointeger(L, at) : 0;
    keeping->epochs = epochs;
    if (epochs < 1 || (at && lua_type(L, at) == LUA_TSTRING && !(keeping->seconds > 0)))
        nbl_error(L,
                  "%s: every must be a whole number of epochs from 1 or a time such as \"10 s\", "
                  "not %s",
                  whose, nbl_describe(L, at));
}

/* Keeps a callback in the run on the stack's top. */
static bool set_hook(lua_State *L, const char *whose, int at, const char *name, int which)
{
    if (!at) return false;
    if (!lua_isfunction(L, at))
        nbl_error(L, "%s: %s must be a function, not %s", whose, name, nbl_describe(L, at));
    lua_pushvalue(L, at);
    lua_setiuservalue(L, -2, which);
    return true;
}

/* A set to evaluate, in the numbers of what is learned from; or NULL. */
static nb_set *check_other(lua_State *L, const char *whose, int at, const char *name,
                           const nb_schema *schema)
{
    nb_set *set = at ? nbl_test_set(L, at) : NULL;
    if (at && !set)
        nbl_error(L, "%s: %s must be a data set, not %s", whose, name, nbl_describe(L, at));
    if (set && !set->y) nbl_error(L, "%s: the data set %s has no y", whose, name);
    return set ? nbl_set_in_schema(L, at, name, schema) : NULL;
}

/* Of the training on the stack's top. */
static nb_pace read_pace(lua_State *L, const char *whose, const train_options *options,
                         nbl_training *work)
{
    nb_pace pace = {.epochs = work->options.epochs};
    if (nbl_read_schedule(L, whose, options->schedule, &pace.schedule)) {
        lua_pushvalue(L, options->schedule);
        lua_setiuservalue(L, -2, NBL_SCHEDULE);
        pace.hook = find_factor;
        pace.self = work;
    }
    return pace;
}

static void check_whole(lua_State *L, const char *whose, const train_options *options,
                        const nb_optimizer_type *type)
{
    if (!type->whole) return;
    if (options->batch > 0)
        nbl_error(L, "%s: %s works on the whole set, so batch has no meaning for it", whose,
                  type->name);
    if (options->schedule)
        nbl_error(L, "%s: %s has no lr that a schedule could change", whose, type->name);
}

/* What is said in numbers and words. */
static void read_plain(const train_options *options, const nb_optimizer_type *type,
                       nb_train_options *out)
{
    out->run.batch = options->batch > 0 ? options->batch : BATCH;
    out->run.shuffle = options->shuffle;
    out->run.flow = options->flow;
    out->run.patience = options->patience;
    out->run.accumulate = options->accumulate;
    out->run.pieces = options->pieces;
    out->epochs = options->epochs > 0 ? options->epochs : type->whole ? type->epochs : EPOCHS;
}

/* The user's functions, of the training on the stack's top. */
static void read_hooks(lua_State *L, const char *whose, const train_options *options,
                       nbl_training *work)
{
    nb_train_options *out = &work->options;
    out->on_progress = on_progress;
    out->on_note = on_note;
    out->self = work;
    if (set_hook(L, whose, options->on_epoch, "on_epoch", NBL_ON_EPOCH)) out->on_epoch = on_epoch;
    if (set_hook(L, whose, options->on_batch, "on_batch", NBL_ON_BATCH)) out->on_batch = on_batch;
    if (set_hook(L, whose, options->augment, "augment", NBL_AUGMENT)) {
        out->run.augment = augment;
        out->run.augmenter = work;
    }
}

/* Pushes the optimizer and the training, which is filled but for its examples and files. */
static nbl_training *new_training(lua_State *L, const char *whose, const train_options *options,
                                  nbl_net *self, const nb_schema *schema)
{
    nb_set *valid = check_other(L, whose, options->valid, "valid", schema);
    nb_set *test = check_other(L, whose, options->test, "test", schema);
    nb_optimizer *optimizer = nbl_choose_optimizer(L, whose, &options->choice, self->net);
    int chosen = lua_gettop(L), object = options->choice.optimizer;
    bool own = object && nbl_test_optimizer(L, object);
    nbl_training *work = nbl_new_handle(L, &training_kind, sizeof *work);
    *work = (nbl_training){.self = self, .state = nbl_state_get(L), .valid = valid, .test = test};
    work->lr_told = !options->schedule && (!isnan(options->choice.lr) || own);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, NBL_LEARNER);
    lua_pushvalue(L, chosen);
    lua_setiuservalue(L, -2, NBL_OPTIMIZER);
    nbl_remember(L);
    check_whole(L, whose, options, optimizer->type);
    work->options.run.optimizer = optimizer;
    work->options.run.valid = valid;
    work->options.run.test = test;
    read_plain(options, optimizer->type, &work->options);
    work->options.run.pace = read_pace(L, whose, options, work);
    work->options.run.penalty = nbl_read_penalty(L, whose, &options->penalty, optimizer, !own);
    read_hooks(L, whose, options, work);
    if (options->progress) work->shower = nbl_get_progress_shower(L);
    return work;
}

/* Numbers in the order of other tools are told with their names. */
static void refuse_numbers(lua_State *L, const char *whose, int first)
{
    static const char *const names[] = {"epochs", "batch", "lr"};
    nb_text *text = nbl_new_text(L);
    for (int i = 0; i < 3 && lua_type(L, first + i) == LUA_TNUMBER; i++) {
        nb_text_add(text, "%s%s = ", i ? ", " : "", names[i]);
        nb_text_add_number(text, lua_tonumber(L, first + i));
    }
    nbl_push_text(L, text);
    nbl_error(L, "options are written by name in a table: %s(set, {%s})", whose,
              lua_tostring(L, -1));
}

/* A string that stays where it is: on the stack's top. NULL of NULL. */
static const char *push_path(lua_State *L, const char *path)
{
    lua_pushstring(L, path);
    return lua_tostring(L, -1);
}

/* All that is on the stack stays as long as the training at `handle`. */
static void hold_given(lua_State *L, int handle)
{
    int top = lua_gettop(L);
    lua_createtable(L, top, 0);
    for (int i = 2; i <= top; i++) {
        if (i == handle) continue;
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i - 1);
    }
    lua_setiuservalue(L, handle, NBL_GIVEN);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, handle, NBL_SET);
}

nbl_training *nbl_read_training(lua_State *L, const char *whose)
{
    nbl_net *self = nbl_check_net(L, 1);
    nbl_examples examples;
    train_options options;
    int next = nbl_read_examples(L, 2, self->net, whose, NBL_TO_LEARN, &examples);
    if (lua_type(L, next) == LUA_TNUMBER) refuse_numbers(L, whose, next);
    nbl_no_more(L, next);
    lua_settop(L, next);
    nbl_options(L, next, nbl_train_fields, &options, false);
    uint64_t seed =
        options.seed >= 0 ? (uint64_t)options.seed : nbl_check_seed(L, lua_gettop(L) + 1);
    nbl_read_weights(L, options.weights, &examples);
    const nb_schema *schema = examples.set ? &examples.set->schema : &self->net->schema;
    nbl_training *work = new_training(L, whose, &options, self, schema);
    int handle = lua_gettop(L);
    work->examples = examples;
    work->options.run.weights = examples.weights;
    work->options.run.seed = seed;
    work->options.run.seed_told = options.seed >= 0;
    work->options.run.flow_told = lua_istable(L, next) && lua_getfield(L, next, "flow") != LUA_TNIL;
    nbl_read_metrics(L, options.metrics, whose, &work->metrics);
    work->options.run.metrics = work->metrics.asked.count ? &work->metrics.asked : NULL;
    work->options.run.metric_names = work->metrics.name;
    work->options.keeping.path = push_path(L, options.checkpoint);
    work->options.keeping.resume = push_path(L, options.resume);
    read_every(L, whose, options.every, &work->options.keeping);
    hold_given(L, handle);
    lua_settop(L, handle);
    return work;
}

nb_set *nbl_training_set(nb_ctx *ctx, nbl_training *work)
{
    nb_set *set = nbl_examples_set(ctx, work->self->net, &work->examples);
    if (!set) return NULL;
    work->tested = work->test ? work->test->count : 0;
    work->common = work->test ? nb_set_common(ctx, work->test, set) : 0;
    if (work->common >= 0) return set;
    nb_set_release(ctx, set);
    return NULL;
}
