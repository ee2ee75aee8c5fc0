/* Examples as methods are given them, x and y or a data set, and prepared for the core. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/data/make.h"
#include "lua/data/set.h"
#include "lua/data/words.h"
#include "nn/examples.h"

#include <math.h>
#include <string.h>

/* Whether an example is followed by a y of the call's own: numbers, no options. */
static bool gives_y(lua_State *L, int arg)
{
    if (lua_istable(L, arg)) return lua_rawlen(L, arg) > 0;
    return lua_type(L, arg) == LUA_TNUMBER || nbl_test_tensor(L, arg);
}

/* Names and no row: the options, which somebody took for the first argument. */
static bool is_options(lua_State *L, int arg)
{
    if (!lua_istable(L, arg) || lua_rawlen(L, arg) > 0) return false;
    lua_pushnil(L);
    if (!lua_next(L, arg)) return false;
    bool named = lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, 2);
    return named;
}

typedef struct naming {
    const nb_net *net; /* whose columns it must have; or NULL */
    nb_set *set, **out;
    const nb_schema *schema;
    const char *what; /* or NULL */
    bool lenient;
} naming;

static nb_status name_alike(nb_ctx *ctx, void *data)
{
    naming *work = data;
    if (work->net && nb_set_check_columns(ctx, work->net, work->set) != NB_OK) return ctx->status;
    *work->out = nb_set_in_schema(ctx, work->set, work->schema);
    if (*work->out) return NB_OK;
    if (work->what) nb_fail_in(ctx, "%s", work->what);
    if (!work->lenient || ctx->status != NB_EARG) return ctx->status;
    *work->out = nb_set_retain(work->set);
    return NB_OK;
}

/* The set at `arg` as it is named, in its place. */
static nb_set *in_schema(lua_State *L, int arg, naming *work)
{
    work->set = nbl_test_set(L, arg);
    const nb_schema *schema = work->schema;
    if (!schema->classes && !schema->words && !schema->columns) return work->set;
    work->out = nbl_new_set(L);
    nbl_run(L, name_alike, work);
    if (*work->out == work->set)
        lua_pop(L, 1);
    else
        lua_replace(L, arg);
    return nbl_test_set(L, arg);
}

nb_set *nbl_set_in_schema(lua_State *L, int arg, const char *what, const nb_schema *schema)
{
    naming work = {.schema = schema, .what = what};
    return in_schema(L, arg, &work);
}

static void check_x(lua_State *L, int arg, const char *whose)
{
    if (lua_isnoneornil(L, arg))
        nbl_error(L, "%s: x is missing: a tensor, a table or a data set", whose);
    if (is_options(L, arg))
        nbl_error(L,
                  "%s: x is missing before the options: a tensor, a table or a data set, as in "
                  "%s(set, {…})",
                  whose, whose);
}

int nbl_read_examples(lua_State *L, int arg, const nb_net *net, const char *whose,
                      nbl_wanted wanted, nbl_examples *out)
{
    bool targets = wanted != NBL_X;
    nb_tensor *given = targets ? NULL : nbl_test_tensor(L, arg);
    if (given) {
        *out = (nbl_examples){.x = given};
        return arg + 1;
    }
    *out = (nbl_examples){.set = nbl_test_set(L, arg), .targets = targets};
    if (out->set) {
        if (targets && !out->set->y) nbl_error(L, "%s: the data set has no y", whose);
        nb_schema own = net->schema;
        naming work = {.net = net, .schema = &own, .lenient = wanted == NBL_TO_LEARN};
        if (!targets) own.classes = NULL;
        out->set = in_schema(L, arg, &work);
        return arg + 1;
    }
    check_x(L, arg, whose);
    nbl_spread_example(L, arg, targets && !gives_y(L, arg + 1), net);
    nbl_read_text(L, arg, net->schema.words, nb_layer_takes_words(&net->layer) ? "x" : NULL);
    if (targets && net->schema.words) nbl_read_text(L, arg + 1, net->schema.classes, "y");
    if (nbl_is_sequences(L, arg) && nb_net_in(net)->size[0] < 0) {
        if (targets && lua_isnoneornil(L, arg + 1)) nbl_error(L, "%s: y is missing", whose);
        out->set = nbl_push_sequences(L, arg, targets ? arg + 1 : 0, NULL, 0);
        out->sequences = true;
        lua_replace(L, arg);
        return targets ? arg + 2 : arg + 1;
    }
    out->x = nbl_to_tensor(L, arg, (int)net->dtype);
    if (!targets) return arg + 1;
    if (lua_isnoneornil(L, arg + 1)) nbl_error(L, "%s: y is missing", whose);
    if (is_options(L, arg + 1)) nbl_error(L, "%s: y is missing before the options", whose);
    out->y = nbl_to_tensor(L, arg + 1, (int)net->dtype);
    return arg + 2;
}

/* The class called by the key at the stack's top, from 1; 0: none is. */
static int64_t class_called(lua_State *L, const nb_classes *classes)
{
    int64_t at = 0;
    lua_pushvalue(L, -1);
    const char *name = lua_tostring(L, -1);
    for (int64_t i = 0; name && i < classes->count && !at; i++)
        if (strcmp(classes->name[i], name) == 0) at = i + 1;
    lua_pop(L, 1);
    return at;
}

/* Weights by the classes' names, of the table at `arg`: pushes them, others 1. */
static nb_tensor *named_weights(lua_State *L, int arg, const nb_set *set)
{
    if (!set || !set->schema.classes)
        nbl_error(L, "weights by name need a data set whose classes have names");
    const nb_classes *classes = set->schema.classes;
    lua_createtable(L, (int)classes->count, 0);
    for (int64_t i = 1; i <= classes->count; i++) {
        lua_pushnumber(L, 1);
        lua_rawseti(L, -2, i);
    }
    for (lua_pushnil(L); lua_next(L, arg);) {
        lua_Number weight = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : NAN;
        lua_pop(L, 1);
        int64_t at = class_called(L, classes);
        if (!at)
            nbl_error(L, "weights name the class %s, which the set has not", nbl_describe(L, -1));
        lua_pushnumber(L, weight);
        lua_rawseti(L, -3, at);
    }
    return nbl_to_tensor(L, lua_gettop(L), NB_F64);
}

/* Whether the table at `arg` says of what its only entry's numbers are; they are pushed then. */
static bool says_of_what(lua_State *L, int arg, const char *of)
{
    lua_pushstring(L, of);
    lua_rawget(L, arg);
    bool numbers = lua_istable(L, -1) || nbl_test_tensor(L, -1);
    if (!numbers) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushnil(L);
    lua_next(L, arg);
    lua_pop(L, 1);
    if (lua_next(L, arg)) nbl_error(L, "weights of %s stand alone in their table", of);
    return true;
}

void nbl_read_weights(lua_State *L, int at, nbl_examples *examples)
{
    nb_weighing *out = &examples->weights;
    bool named = at && lua_istable(L, at) && lua_rawlen(L, at) == 0;
    if (!at) return;
    if (!lua_istable(L, at) && !nbl_test_tensor(L, at))
        nbl_error(L,
                  "weights must be numbers in a table or a tensor, one for each class or each "
                  "example, not %s",
                  nbl_describe(L, at));
    if (named && says_of_what(L, at, "classes"))
        out->of = NB_OF_CLASSES;
    else if (named && says_of_what(L, at, "examples"))
        out->of = NB_OF_EXAMPLES;
    else if (named)
        *out = (nb_weighing){named_weights(L, at, examples->set), NB_OF_CLASSES};
    else
        lua_pushvalue(L, at);
    if (!out->numbers) out->numbers = nbl_to_tensor(L, lua_gettop(L), NB_F64);
}

const nb_option nbl_weights_fields[] = {
    NBL_WEIGHTS_OPTION(0),
    NB_OPTIONS_END,
};

void nbl_read_weights_table(lua_State *L, int arg, nbl_examples *examples)
{
    int at;
    nbl_no_more(L, arg);
    nbl_options(L, arg, nbl_weights_fields, &at, false);
    nbl_read_weights(L, at, examples);
}

/* Both take `raw` over. */
static nb_tensor *inputs_of(nb_ctx *ctx, const nb_net *net, nb_tensor *raw, bool *single)
{
    nb_tensor *x = raw ? nb_net_inputs(ctx, net, raw, single) : NULL;
    nb_tensor_release(ctx, raw);
    return x;
}

static nb_tensor *raw_x(nb_ctx *ctx, const nb_net *net, const nbl_examples *of)
{
    return of->set ? nb_set_x(ctx, of->set, nb_net_in_dtype(net, of->set->x->dtype))
                   : nb_tensor_retain(of->x);
}

static nb_tensor *raw_y(nb_ctx *ctx, const nb_net *net, const nbl_examples *of)
{
    if (of->set && nb_set_is_pair(net, of->set)) return nb_pair_targets(ctx, net, of->set);
    return of->set ? nb_set_y(ctx, of->set, net->dtype) : nb_tensor_retain(of->y);
}

/* The mean over no examples is no cost. A set knows whether it holds classes, and has a row for
 * each example; of a tensor the shape says it. */
static nb_tensor *targets(nb_ctx *ctx, const nb_net *net, const nbl_examples *of, int64_t n)
{
    if (n == 0) return nb_fail_null(ctx, NB_EARG, "x holds no examples");
    bool pair = of->set && nb_set_is_pair(net, of->set);
    bool classes = of->set && !pair && nb_set_has_classes(net, of->set);
    nb_tensor *raw = raw_y(ctx, net, of), *y = NULL;
    if (raw)
        y = classes ? nb_net_class_targets(ctx, net, raw, n) : nb_net_targets(ctx, net, raw, n);
    nb_tensor_release(ctx, raw);
    return y;
}

static nb_status take_lengths(nb_ctx *ctx, const nb_net *net, const nbl_examples *of,
                              nbl_batch *batch)
{
    bool none;
    if (!of->set) return NB_OK;
    nb_pick all = nb_set_pick(of->set, NULL, 0, of->set->count);
    if (nb_set_check_lengths(ctx, net, of->set) != NB_OK) return ctx->status;
    if (!of->set->x->length) return NB_OK;
    batch->lengths = nb_feed_lengths(ctx, of->set->x, &all, &none);
    return batch->lengths || none ? NB_OK : ctx->status;
}

/* y as a set takes it: class numbers where it is some, whatever the cost makes of them. */
static nb_tensor *set_y(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                        const nbl_batch *batch, int64_t *classes)
{
    int64_t n = batch->x->shape[0];
    *classes = nb_net_given_classes(net, examples->y, n) ? nb_net_units(net) : 0;
    return *classes ? nb_net_class_numbers(ctx, net, examples->y, n) : nb_tensor_retain(batch->y);
}

static nb_set *set_of(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      const nbl_batch *batch)
{
    int64_t classes;
    if (examples->set) return nb_set_retain(examples->set);
    nb_tensor *y = set_y(ctx, net, examples, batch, &classes);
    nb_set *set = y ? nb_set_new(ctx, batch->x, 1.0, y, NULL, classes, NULL) : NULL;
    nb_tensor_release(ctx, y);
    return set;
}

static nb_status take_weights(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                              nbl_batch *batch)
{
    nb_weights weights;
    if (!examples->weights.numbers || !batch->y) return NB_OK;
    const nb_batch rows = {.x = batch->x, .y = batch->y, .lengths = batch->lengths};
    nb_set *set = set_of(ctx, net, examples, batch);
    if (!set) return ctx->status;
    nb_status status = nb_weights_read(ctx, net, set, examples->weights, &weights);
    if (status == NB_OK)
        status = nb_weights_of_rows(ctx, &weights, net, set, 0, &rows, &batch->weights);
    nb_weights_free(ctx, &weights);
    nb_set_release(ctx, set);
    return status;
}

nb_status nbl_prepare(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      nbl_batch *batch)
{
    bool recording = ctx->recording;
    *batch = (nbl_batch){.x = NULL};
    batch->x = inputs_of(ctx, net, raw_x(ctx, net, examples), &batch->single);
    ctx->recording = false; /* y takes no gradient */
    if (batch->x && examples->targets) batch->y = targets(ctx, net, examples, batch->x->shape[0]);
    nb_status status = batch->x && (batch->y || !examples->targets) ? NB_OK : ctx->status;
    if (status == NB_OK) status = take_lengths(ctx, net, examples, batch);
    if (status == NB_OK) status = take_weights(ctx, net, examples, batch);
    ctx->recording = recording;
    if (status != NB_OK) nbl_batch_free(ctx, batch);
    return status;
}

void nbl_batch_free(nb_ctx *ctx, nbl_batch *batch)
{
    nb_tensor_release(ctx, batch->x);
    nb_tensor_release(ctx, batch->y);
    nb_tensor_release(ctx, batch->lengths);
    nb_tensor_release(ctx, batch->weights);
    *batch = (nbl_batch){.x = NULL};
}

nb_set *nbl_examples_set(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples)
{
    nbl_batch batch;
    nbl_examples alone = *examples;
    alone.weights.numbers = NULL;
    if (examples->set) return nb_set_retain(examples->set);
    if (nbl_prepare(ctx, net, &alone, &batch) != NB_OK) return NULL;
    nb_set *set = set_of(ctx, net, examples, &batch);
    nbl_batch_free(ctx, &batch);
    return set;
}
