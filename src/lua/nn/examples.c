/* Examples as methods are given them, x and y or a data set, and prepared for the core. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/data/set.h"
#include "nn/examples.h"
#include "nn/train/batch.h"

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

int nbl_read_examples(lua_State *L, int arg, const nb_net *net, const char *whose, bool targets,
                      nbl_examples *out)
{
    *out = (nbl_examples){.set = nbl_test_set(L, arg), .targets = targets};
    if (out->set) {
        if (targets && !out->set->y) nbl_error(L, "%s: the data set has no y", whose);
        return arg + 1;
    }
    if (lua_isnoneornil(L, arg))
        nbl_error(L, "%s: x is missing: a tensor, a table or a data set", whose);
    if (is_options(L, arg))
        nbl_error(L,
                  "%s: x is missing before the options: a tensor, a table or a data set, as in "
                  "%s(set, {…})",
                  whose, whose);
    nbl_spread_example(L, arg, targets && !gives_y(L, arg + 1));
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
    out->y = nbl_to_tensor(L, arg + 1, (int)net->dtype);
    return arg + 2;
}

/* Both take `raw` over. */
static nb_tensor *inputs_of(nb_ctx *ctx, const nb_net *net, nb_tensor *raw, bool *single)
{
    nb_tensor *x = raw ? nb_net_inputs(ctx, net, raw, single) : NULL;
    nb_tensor_release(ctx, raw);
    return x;
}

static nb_tensor *targets_of(nb_ctx *ctx, const nb_net *net, nb_tensor *raw, int64_t n)
{
    nb_tensor *y = raw ? nb_net_targets(ctx, net, raw, n) : NULL;
    nb_tensor_release(ctx, raw);
    return y;
}

static nb_tensor *raw_x(nb_ctx *ctx, const nb_net *net, const nbl_examples *of)
{
    return of->set ? nb_set_x(ctx, of->set, nb_net_in_dtype(net)) : nb_tensor_retain(of->x);
}

static nb_tensor *raw_y(nb_ctx *ctx, const nb_net *net, const nbl_examples *of)
{
    if (of->set && nb_set_is_pair(net, of->set)) return nb_pair_targets(ctx, net, of->set);
    return of->set ? nb_set_y(ctx, of->set, net->dtype) : nb_tensor_retain(of->y);
}

/* The mean over no examples is no cost. */
static nb_tensor *targets(nb_ctx *ctx, const nb_net *net, const nbl_examples *of, int64_t n)
{
    if (n == 0) return nb_fail_null(ctx, NB_EARG, "x holds no examples");
    return targets_of(ctx, net, raw_y(ctx, net, of), n);
}

static nb_status take_lengths(nb_ctx *ctx, const nb_net *net, const nbl_examples *of,
                              nbl_batch *batch)
{
    bool none;
    if (!of->set || !of->set->x->length) return NB_OK;
    nb_pick all = nb_set_pick(of->set, NULL, 0, of->set->count);
    if (nb_set_check_lengths(ctx, net, of->set) != NB_OK) return ctx->status;
    batch->lengths = nb_feed_lengths(ctx, of->set->x, &all, &none);
    return batch->lengths || none ? NB_OK : ctx->status;
}

nb_status nbl_prepare(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      nbl_batch *batch)
{
    bool recording = ctx->recording;
    *batch = (nbl_batch){.x = NULL};
    batch->x = inputs_of(ctx, net, raw_x(ctx, net, examples), &batch->single);
    ctx->recording = false; /* y takes no gradient */
    if (batch->x && examples->targets) batch->y = targets(ctx, net, examples, batch->x->shape[0]);
    ctx->recording = recording;
    bool whole = batch->x && (batch->y || !examples->targets);
    if (whole && take_lengths(ctx, net, examples, batch) == NB_OK) return NB_OK;
    nbl_batch_free(ctx, batch);
    return ctx->status;
}

void nbl_batch_free(nb_ctx *ctx, nbl_batch *batch)
{
    nb_tensor_release(ctx, batch->x);
    nb_tensor_release(ctx, batch->y);
    nb_tensor_release(ctx, batch->lengths);
    *batch = (nbl_batch){.x = NULL};
}

/* y as a set takes it: class numbers where it is some, whatever the cost makes of them. */
static nb_tensor *set_y(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                        const nbl_batch *batch, int64_t *classes)
{
    int64_t n = batch->x->shape[0];
    *classes = nb_net_given_classes(net, examples->y, n) ? nb_net_units(net) : 0;
    return *classes ? nb_net_class_numbers(ctx, net, examples->y, n) : nb_tensor_retain(batch->y);
}

nb_set *nbl_examples_set(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples)
{
    nbl_batch batch;
    int64_t classes;
    if (examples->set) return nb_set_retain(examples->set);
    if (nbl_prepare(ctx, net, examples, &batch) != NB_OK) return NULL;
    nb_tensor *y = set_y(ctx, net, examples, &batch, &classes);
    nb_set *set = y ? nb_set_new(ctx, batch.x, 1.0, y, NULL, classes, NULL) : NULL;
    nb_tensor_release(ctx, y);
    nbl_batch_free(ctx, &batch);
    return set;
}
