/* net:evaluate and what it gives. */
#include "lua/nn/examples.h"
#include "lua/nn/train/metric.h"
#include "lua/nn/net.h"
#include "lua/nn/part.h"
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "lua/result.h"
#include "nn/train/judge/evaluate.h"
#include "nn/train/whole.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum {
    TABLE_MOST = 1000, /* classes: of more no table is counted */
    ROWS_MOST = 20     /* classes that are shown one by one */
};

typedef struct evaluate_options {
    int weights, metrics;
} evaluate_options;

static const nb_option evaluate_fields[] = {
    NBL_WEIGHTS_OPTION(offsetof(evaluate_options, weights)),
    NBL_METRICS_OPTION(offsetof(evaluate_options, metrics)),
    NB_OPTIONS_END,
};

typedef struct evaluate_job {
    nb_net *net;
    nbl_examples examples;
    nbl_metrics *metrics;
    nb_evaluation result;
    char began[NB_MESSAGE_MAX]; /* where a cost that is not finite began, or "" */
    nb_tensor **confusion;      /* a handle; stays empty where there is no such table */
    const nb_classes *classes;  /* of the set or the net, or NULL */
} evaluate_job;

/* Adds the table of classes to what is asked for, where there is room; its place, or -1. */
static int ask_for_table(const nb_net *net, const nb_set *set, nb_metrics_asked *asked)
{
    bool classes = nb_set_has_classes(net, set) && !nb_set_is_pair(net, set);
    int64_t k = nb_net_units(net);
    if (!classes || k < 2 || k > TABLE_MOST || asked->count == NB_METRICS_MAX) return -1;
    asked->metric[asked->count] = (nb_metric){.type = nb_metrics[NB_METRIC_confusion]};
    return asked->count++;
}

/* The figures stand as they are; beside them is told where the cost's began. */
static nb_status explain(nb_ctx *ctx, evaluate_job *work, const nb_set *set,
                         const nb_weights *weights)
{
    static const nb_mode evaluating = {.learning = false};
    const nb_whole whole = {
        .net = work->net, .set = set, .weights = weights->of ? weights : NULL, .mode = &evaluating};
    if (isfinite(work->result.cost) || ctx->heedless) return NB_OK;
    nb_status status = nb_whole_explain(ctx, &whole);
    if (status != NB_EVALUE) return status;
    memcpy(work->began, ctx->message, sizeof work->began);
    return NB_OK;
}

static nb_status run(nb_ctx *ctx, evaluate_job *work, const nb_set *set, const nb_weights *weights)
{
    nb_metrics_asked asked = work->metrics->asked;
    int table = ask_for_table(work->net, set, &asked);
    nb_status status = nb_evaluate_with(ctx, work->net, set, weights, &asked, &work->result);
    if (status != NB_OK) return status;
    memcpy(work->metrics->asked.value, asked.value, sizeof asked.value);
    if (table >= 0) *work->confusion = asked.table[table];
    return explain(ctx, work, set, weights);
}

static nb_status evaluate(nb_ctx *ctx, void *data)
{
    evaluate_job *work = data;
    nb_set *set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!set) return ctx->status;
    nb_weights weights = {.of = NULL};
    nb_status status = nb_set_check(ctx, work->net, set);
    if (status == NB_OK)
        status = nb_weights_read(ctx, work->net, set, work->examples.weights, &weights);
    if (status == NB_OK) status = run(ctx, work, set, &weights);
    nb_weights_free(ctx, &weights);
    nb_set_release(ctx, set);
    return status;
}

/* ---- What it gives ---- */

static double field_at(lua_State *L, const char *list, lua_Integer i)
{
    double value = NAN;
    if (nbl_own_field(L, 1, list) == LUA_TTABLE) {
        if (lua_rawgeti(L, -1, i) == LUA_TNUMBER) value = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return value;
}

/* "      –", or a share in percent. */
static void add_share(nb_text *text, double value)
{
    if (isnan(value))
        nb_text_add(text, "%9s  ", "–");
    else
        nb_text_add(text, "%7.1f %%", 100 * value);
}

static void add_classes(lua_State *L, nb_text *text)
{
    if (nbl_own_field(L, 1, "classes") != LUA_TTABLE) return;
    int classes = lua_gettop(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, classes);
    nb_text_add(text, "\nprecision     recall  class");
    for (lua_Integer i = 1; i <= count && i <= ROWS_MOST; i++) {
        nb_text_add(text, "\n");
        add_share(text, field_at(L, "precision", i));
        nb_text_add(text, "  ");
        add_share(text, field_at(L, "recall", i));
        lua_rawgeti(L, classes, i);
        nb_text_add(text, "  ");
        char shown[NB_SHOWN];
        nb_text_add(text, "%s", nb_text_shown(luaL_tolstring(L, -1, NULL), shown));
        lua_pop(L, 2);
    }
    if (count > ROWS_MOST)
        nb_text_add(text, "\n… and %lld classes more", (long long)(count - ROWS_MOST));
    lua_pop(L, 1);
}

static void add_metrics(lua_State *L, nb_text *text)
{
    if (nbl_own_field(L, 1, "metrics") != LUA_TTABLE) return;
    int metrics = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, metrics); lua_pop(L, 1)) {
        nb_text_add(text, " · %s %.4g", lua_tostring(L, -2), lua_tonumber(L, -1));
    }
}

static int evaluation_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    nb_text *text = nbl_new_text(L);
    nbl_own_field(L, 1, "cost");
    nb_text_add(text, "cost %.4g", lua_tonumber(L, -1));
    if (nbl_own_field(L, 1, "accuracy") != LUA_TNIL) {
        nb_text_add(text, " · accuracy %.1f %% · ", 100 * lua_tonumber(L, -1));
        nbl_own_field(L, 1, "correct");
        nb_text_add_grouped(text, lua_tointeger(L, -1));
        nb_text_add(text, " right of ");
        nbl_own_field(L, 1, "answers");
    } else {
        nb_text_add(text, " · examples ");
        nbl_own_field(L, 1, "examples");
    }
    nb_text_add_grouped(text, lua_tointeger(L, -1));
    add_metrics(L, text);
    if (nbl_own_field(L, 1, "began") == LUA_TSTRING) nb_text_add(text, "\n%s", lua_tostring(L, -1));
    add_classes(L, text);
    nbl_push_text(L, text);
    return 1;
}

/* .precision and .recall by class, NaN left out: of a class that was never answered, or is not
 * there. */
static void set_shares(lua_State *L, const nb_tensor *table)
{
    int64_t k = table->shape[0];
    const int32_t *count = nb_tensor_data(table);
    static const char *const names[2] = {"precision", "recall"};
    for (int side = 0; side < 2; side++) {
        lua_createtable(L, (int)k, 0);
        for (int64_t i = 0; i < k; i++) {
            double of = 0;
            for (int64_t j = 0; j < k; j++) of += side ? count[i * k + j] : count[j * k + i];
            if (!(of > 0)) continue;
            lua_pushnumber(L, count[i * k + i] / of);
            lua_rawseti(L, -2, i + 1);
        }
        lua_setfield(L, -2, names[side]);
    }
}

static void set_classes(lua_State *L, const nb_classes *classes, int64_t k)
{
    lua_createtable(L, (int)k, 0);
    for (int64_t i = 1; i <= k; i++) {
        nbl_push_class(L, classes, i);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "classes");
}

static void set_metrics(lua_State *L, const nbl_metrics *metrics)
{
    if (!metrics->asked.count) return;
    lua_createtable(L, 0, metrics->asked.count);
    for (int i = 0; i < metrics->asked.count; i++)
        nbl_set_number(L, metrics->name[i], metrics->asked.value[i]);
    lua_setfield(L, -2, "metrics");
}

static const char *const evaluation_lacks[] = {"answers",   "correct",   "accuracy", "began",
                                               "metrics",   "precision", "recall",   "classes",
                                               "confusion", NULL};
static const nbl_result evaluation_kind = {.name = "nabla.evaluation",
                                           .whose = "an evaluation",
                                           .text = evaluation_tostring,
                                           .may_lack = evaluation_lacks};

/* The handle of the table of classes is at `table`. */
static void push_evaluation(lua_State *L, const evaluate_job *work, int table)
{
    const nb_evaluation *from = &work->result;
    lua_createtable(L, 0, 11);
    nbl_set_number(L, "cost", from->cost);
    nbl_set_integer(L, "examples", from->examples);
    if (from->correct >= 0) {
        nbl_set_integer(L, "answers", from->answers);
        nbl_set_integer(L, "correct", from->correct);
        nbl_set_number(L, "accuracy", nb_evaluation_accuracy(from));
    }
    if (*work->began) lua_pushstring(L, work->began);
    if (*work->began) lua_setfield(L, -2, "began");
    set_metrics(L, work->metrics);
    if (*work->confusion) {
        set_shares(L, *work->confusion);
        set_classes(L, work->classes, (*work->confusion)->shape[0]);
        lua_pushvalue(L, table);
        lua_setfield(L, -2, "confusion");
    }
    nbl_dress(L, &evaluation_kind);
}

/* Names for the K answers, where someone has as many. */
static const nb_classes *classes_of(const nbl_net *self, const nb_set *set)
{
    int64_t k = nb_net_units(self->net);
    const nb_classes *own = self->net->schema.classes;
    if (own && own->count == k) return own;
    const nb_classes *classes = set ? set->schema.classes : NULL;
    return classes && classes->count == k ? classes : NULL;
}

static int net_evaluate(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    nbl_metrics metrics;
    evaluate_options options;
    evaluate_job work = {.net = self->net, .metrics = &metrics};
    int next = nbl_read_examples(L, 2, self->net, "net:evaluate", NBL_X_AND_Y, &work.examples);
    nbl_no_more(L, next);
    nbl_options(L, next, evaluate_fields, &options, false);
    nbl_read_weights(L, options.weights, &work.examples);
    nbl_read_metrics(L, options.metrics, "net:evaluate", &metrics);
    work.confusion = nbl_new_tensor(L);
    int table = lua_gettop(L);
    nbl_net_run(L, self, evaluate, &work);
    work.classes = classes_of(self, work.examples.set);
    push_evaluation(L, &work, table);
    return 1;
}

static const nbl_entry entries[] = {
    {":evaluate", net_evaluate, "net:evaluate(set | x, y [, {weights, metrics}])",
     "Cost and, where y holds classes, accuracy over all answers, one an example, one a "
     "step, or one a place of space, whose channels are its classes: .cost .accuracy .correct "
     ".answers .examples. Weights enter the cost; answers are counted as they are. Of classes also "
     ".confusion, how often "
     "each class (a row) was answered by each (a column), and .precision and .recall by class. "
     "Where the cost is not finite, .began says where that began (nabla.anomaly).",
     "digits = data.digits()\nprint(nn.net(\"64 - 10\"):evaluate(digits.test))", evaluate_fields},
    {.name = NULL},
};

void nbl_open_evaluate(lua_State *L)
{
    nbl_register(L, "net", entries);
}
