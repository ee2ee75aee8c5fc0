/* net:gradcheck: the four equations against differences, as a value that prints itself. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/inspect/check/gradcheck.h"

typedef struct check_job {
    nb_net *net;
    nbl_examples examples;
    nb_gradcheck result;
} check_job;

static nb_status check(nb_ctx *ctx, void *data)
{
    check_job *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode as = {.lengths = batch.lengths, .weights = batch.weights};
    nb_status status = nb_gradcheck_run(ctx, work->net, batch.x, batch.y, &as, &work->result);
    nbl_batch_free(ctx, &batch);
    return status;
}

/* ---- The text ---- */

/* "41 µs", "62 ms", "1.2 s" */
static void add_time(nb_text *text, double seconds)
{
    if (seconds < 1e-3)
        nb_text_add(text, "%.3g µs", 1e6 * seconds);
    else if (seconds < 1)
        nb_text_add(text, "%.3g ms", 1e3 * seconds);
    else
        nb_text_add(text, "%.3g s", seconds);
}

/* Where C bends no difference is its slope, and nothing is wrong. */
static void add_kinks(nb_text *text, int64_t kinks)
{
    if (kinks == 0) return;
    nb_text_add(text, ", ");
    nb_text_add_grouped(text, kinks);
    nb_text_add(text, kinks == 1 ? " kink" : " kinks");
}

static void add_equation(nb_text *text, const nb_equation *equation)
{
    if (equation->compared == 0) {
        nb_text_add(text, "%s –", equation->name);
    } else if (equation->wrong == 0) {
        nb_text_add(text, "%s ok %.0e", equation->name, equation->worst);
        add_kinks(text, equation->kinks);
    } else {
        nb_text_add(text, "%s wrong in ", equation->name);
        nb_text_add_grouped(text, equation->wrong);
        nb_text_add(text, " of ");
        nb_text_add_grouped(text, equation->compared);
        add_kinks(text, equation->kinks);
    }
}

enum { EQUATIONS = 4 };

/* The equation with the largest difference; NaN is larger than any. */
static const nb_equation *worst_of(const nb_gradcheck *result)
{
    const nb_equation *worst = NULL;
    for (int i = 0; i < EQUATIONS; i++) {
        const nb_equation *here = &result->equation[i];
        if (here->compared > 0 && !(worst && here->worst <= worst->worst)) worst = here;
    }
    return worst;
}

static void add_worst(nb_text *text, const nb_equation *worst)
{
    nb_text_add(text, "   worst %s", worst->where);
    if (worst->wrong == 0) return;
    nb_text_add(text, ": backprop ");
    nb_text_add_number(text, worst->analytic);
    nb_text_add(text, ", differences ");
    nb_text_add_number(text, worst->numeric);
}

/* A ratio with two figures: "1,500", "8.3". */
static void add_ratio(nb_text *text, double ratio)
{
    double unit = 1;
    if (!(ratio < 1e15)) ratio = 1e15;
    if (ratio < 10) {
        nb_text_add(text, "%.1f", ratio);
        return;
    }
    while (ratio / unit >= 100) unit *= 10;
    nb_text_add_grouped(text, (int64_t)(ratio / unit + 0.5) * (int64_t)unit);
}

/* What differences cost: as many passes, each as long as the quickest of a few measured ones. */
static double seconds_of_differences(const nb_gradcheck *result)
{
    return (double)result->forwards * result->forward_seconds;
}

#define WORTH_TELLING 0.1 /* seconds that a user has noticed */

static void add_prices(nb_text *text, const nb_gradcheck *result)
{
    nb_text_add(text, "\nbackprop 1 forward + 1 backward, ");
    add_time(text, result->backprop_seconds);
    nb_text_add(text, "\ndifferences ");
    nb_text_add_grouped(text, result->forwards);
    nb_text_add(text, " forwards, ");
    add_time(text, seconds_of_differences(result));
    if (result->backprop_seconds > 0) {
        nb_text_add(text, " · ");
        add_ratio(text, seconds_of_differences(result) / result->backprop_seconds);
        nb_text_add(text, " times slower");
    }
    if (!(result->taken_seconds >= WORTH_TELLING)) return;
    nb_text_add(text, "\nhere they took ");
    add_time(text, result->taken_seconds);
    nb_text_add(text, ": each ran from its own layer on");
}

/* "op conv in layer 2", "op mul in activation swish of layer 2", "activation swish of layer 2",
 * "layer 2 (mine), fn", "cost mine" */
static void add_culprit(nb_text *text, const nb_blame *blame)
{
    const char *where = *blame->where ? blame->where : "the cost";
    if (blame->who == NB_BLAMED_OP && *blame->activation)
        nb_text_add(text, "op %s in activation %s of %s", blame->name, blame->activation, where);
    else if (blame->who == NB_BLAMED_OP)
        nb_text_add(text, "op %s in %s", blame->name, where);
    else if (blame->who == NB_BLAMED_ACTIVATION)
        nb_text_add(text, "activation %s of %s", blame->name, where);
    else if (blame->who == NB_BLAMED_COST)
        nb_text_add(text, "cost %s", blame->name);
    else
        nb_text_add(text, "%s, %s", where, blame->name);
}

static void add_blame(nb_text *text, const nb_gradcheck *result)
{
    const nb_blame *blame = &result->blame;
    if (!result->blames) return;
    if (blame->who == NB_NOBODY) {
        nb_text_add(text, "\nto blame: no op, layer, activation or cost by itself");
        return;
    }
    nb_text_add(text, "\nto blame: ");
    add_culprit(text, blame);
    nb_text_add(text, ": by itself its backward gives %.6g, differences %.6g", blame->backward,
                blame->differences);
}

/* Only what is wrong is told. */
static void add_mean(nb_text *text, const nb_mean_check *mean)
{
    if (mean->ok) return;
    nb_text_add(text, "\nthe cost is no mean: of all ");
    nb_text_add_grouped(text, mean->examples);
    nb_text_add(text, " examples it is %.6g, the mean of each one's own %.6g", mean->cost,
                mean->mean);
    if (mean->sums)
        nb_text_add(text, "; it sums over them: divide by their number, a.shape[1], or lr means "
                          "another thing for every batch");
}

static int push_report(lua_State *L, const nb_gradcheck *result)
{
    nb_text *text = nbl_new_text(L);
    for (int i = 0; i < EQUATIONS; i++) {
        if (i > 0) nb_text_add(text, " · ");
        add_equation(text, &result->equation[i]);
    }
    const nb_equation *worst = worst_of(result);
    if (worst) add_worst(text, worst);
    add_blame(text, result);
    add_mean(text, &result->mean);
    if (result->by_batch)
        nb_text_add(text, "\nbatch_norm took the mean and variance of these examples, as while "
                          "learning");
    add_prices(text, result);
    nbl_push_text(L, text);
    lua_remove(L, -2);
    return 1;
}

/* ---- The value ---- */

static void push_equation(lua_State *L, const nb_equation *equation)
{
    lua_createtable(L, 0, 8);
    lua_pushboolean(L, equation->wrong == 0);
    lua_setfield(L, -2, "ok");
    nbl_set_integer(L, "compared", equation->compared);
    nbl_set_integer(L, "wrong", equation->wrong);
    nbl_set_integer(L, "kinks", equation->kinks);
    lua_pushstring(L, equation->where);
    lua_setfield(L, -2, "where");
    nbl_set_number(L, "worst", equation->worst);
    nbl_set_number(L, "backprop", equation->analytic);
    nbl_set_number(L, "differences", equation->numeric);
}

static int check_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushliteral(L, "text");
    lua_rawget(L, 1);
    return 1;
}

static void push_seconds(lua_State *L, const nb_gradcheck *result)
{
    lua_createtable(L, 0, 4);
    nbl_set_number(L, "backprop", result->backprop_seconds);
    nbl_set_number(L, "forward", result->forward_seconds);
    nbl_set_number(L, "differences", seconds_of_differences(result));
    nbl_set_number(L, "taken", result->taken_seconds);
}

static void push_mean(lua_State *L, const nb_mean_check *mean)
{
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, mean->ok);
    lua_setfield(L, -2, "ok");
    nbl_set_integer(L, "examples", mean->examples);
    nbl_set_number(L, "cost", mean->cost);
    nbl_set_number(L, "mean", mean->mean);
}

/* Sets .blame of the table on the stack's top, where somebody is to blame. */
static void set_blame(lua_State *L, const nb_blame *blame)
{
    static const char *const kinds[] = {[NB_BLAMED_OP] = "op",
                                        [NB_BLAMED_LAYER] = "layer",
                                        [NB_BLAMED_ACTIVATION] = "activation",
                                        [NB_BLAMED_COST] = "cost"};
    if (blame->who == NB_NOBODY) return;
    lua_createtable(L, 0, 6);
    lua_pushstring(L, kinds[blame->who]);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, blame->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, *blame->where ? blame->where : "the cost");
    lua_setfield(L, -2, "where");
    if (*blame->activation) {
        lua_pushstring(L, blame->activation);
        lua_setfield(L, -2, "activation");
    }
    nbl_set_number(L, "backward", blame->backward);
    nbl_set_number(L, "differences", blame->differences);
    lua_setfield(L, -2, "blame");
}

static const char *const check_lacks[] = {"blame", "blame.activation", NULL};
static const nbl_result check_kind = {.name = "nabla.gradcheck",
                                      .whose = "what net:gradcheck gives",
                                      .text = check_tostring,
                                      .may_lack = check_lacks};

static int push_check(lua_State *L, const nb_gradcheck *result)
{
    const nb_equation *worst = worst_of(result);
    lua_createtable(L, 0, 10);
    for (int i = 0; i < EQUATIONS; i++) {
        push_equation(L, &result->equation[i]);
        lua_setfield(L, -2, result->equation[i].name);
    }
    push_mean(L, &result->mean);
    lua_setfield(L, -2, "mean");
    lua_pushboolean(L, result->ok);
    lua_setfield(L, -2, "ok");
    lua_pushstring(L, worst ? worst->where : "");
    lua_setfield(L, -2, "worst");
    set_blame(L, &result->blame);
    nbl_set_integer(L, "forwards", result->forwards);
    push_seconds(L, result);
    lua_setfield(L, -2, "seconds");
    push_report(L, result);
    lua_setfield(L, -2, "text");
    nbl_dress(L, &check_kind);
    return 1;
}

static int net_gradcheck(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    check_job work = {.net = self->net};
    int next = nbl_read_examples(L, 2, self->net, "net:gradcheck", NBL_X_AND_Y, &work.examples);
    nbl_read_weights_table(L, next, &work.examples);
    nbl_net_run(L, self, check, &work);
    return push_check(L, &work.result);
}

static const nbl_entry entries[] = {
    {":gradcheck", net_gradcheck, "net:gradcheck(x, y [, {weights}])",
     "Compares backpropagation with central differences, in f64: each of the four equations alone, "
     "and what both cost. Of several examples it also checks that the cost is the mean of their "
     "own: one that sums is found and told. Where C bends, as at relu's 0 or where two inputs of "
     "max_pool are equal, no "
     "difference is its slope: a gradient between the slopes to both sides counts as a kink, not "
     "as "
     "wrong. A difference runs from its own layer on; its price is told as a whole pass forward, "
     "measured. Fields: .ok .BP1 … .BP4 (.ok .compared .wrong .kinks .worst .where .backprop "
     ".differences) .mean .worst .seconds .forwards. Where an equation is wrong, each op, layer, "
     "activation and cost is held against differences of its own forward, from the cost down: the "
     "first that is wrong is named, in .blame (.kind .name .where .backward .differences); nil: "
     "none is by itself. x and y may be one data set.",
     "digits = data.digits()\nnet = nn.net \"64 - 5 - "
     "10\"\nprint(net:gradcheck(digits.test:take(5)))",
     nbl_weights_fields},
    {.name = NULL},
};

void nbl_open_gradcheck(lua_State *L)
{
    nbl_register(L, "net", entries);
}
