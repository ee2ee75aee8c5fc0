/* Passes through a network: evaluation, a recorded pass, cost, gradients, one step of learning. */
#include "lua/nn/net.h"
#include "lua/embedded.h"
#include "lua/nn/examples.h"
#include "lua/nn/part.h"
#include "lua/nn/train/optimizer.h"
#include "lua/nn/train/penalty.h"
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "lua/result.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/train/run/train.h"
#include "nn/train/judge/weights.h"
#include "tensor/shape.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* One method's work: what goes in, and where results go. */
typedef struct pass {
    nb_net *net;
    nbl_examples examples;
    nb_tensor **out;         /* a handle on the stack */
    nb_tensor ***piece;      /* or one for each of a list of sequences */
    nb_optimizer *optimizer; /* of step */
    nb_penalty penalty;      /* likewise, before n divides it */
    double cost;
    char *began; /* of cost: room for where one that is not finite began (NB_CULPRIT_TEXT) */
} pass;

/* ---- The output ---- */

/* The result of one example without the batch's dimension; takes `out` over. By op where there is a
 * tape to go through; what nobody else sees becomes it. */
static nb_tensor *first_of(nb_ctx *ctx, nb_tensor *out)
{
    if (nb_tensor_is_alone(out)) {
        size_t bytes = (size_t)--out->dims * sizeof *out->shape;
        memmove(out->shape, out->shape + 1, bytes);
        memmove(out->stride, out->stride + 1, bytes);
        return out;
    }
    nb_call call = {.op = nb_ops[NB_OP_select], .in = {out}, .inputs = 1};
    nb_tensor *first = out->link ? nb_op_call(ctx, &call) : nb_tensor_select(ctx, out, 0, 0);
    nb_tensor_release(ctx, out);
    return first;
}

/* Example i of an output, of padded steps the real ones. */
static nb_tensor *piece_of(nb_ctx *ctx, const nb_result *result, int64_t i)
{
    nb_call call = {.op = nb_ops[NB_OP_select], .in = {result->output}, .inputs = 1};
    call.attr.select.index = i;
    nb_tensor *one = nb_op_call(ctx, &call);
    if (!one || !result->lengths) return one;
    nb_call narrow = {.op = nb_ops[NB_OP_narrow], .in = {one}, .inputs = 1};
    narrow.attr.narrow =
        (struct nb_attr_narrow){.length = (int64_t)nb_tensor_get(result->lengths, &i), .step = 1};
    nb_tensor *real = nb_op_call(ctx, &narrow);
    nb_tensor_release(ctx, one);
    return real;
}

/* What is given back: all examples, the only one, or one by one. Takes the output over but in the
 * last case. */
static nb_status give(nb_ctx *ctx, pass *work, nb_result *result, bool single)
{
    nb_status status = NB_OK;
    if (work->piece) {
        for (int64_t i = 0; i < result->output->shape[0] && status == NB_OK; i++) {
            if (!*work->piece[i]) *work->piece[i] = piece_of(ctx, result, i);
            if (!*work->piece[i]) status = ctx->status;
        }
        return status;
    }
    nb_tensor *all = result->output;
    result->output = NULL;
    *work->out = single ? first_of(ctx, all) : all;
    return *work->out ? NB_OK : ctx->status;
}

static nb_status forward(nb_ctx *ctx, pass *work, nb_mode *mode)
{
    nbl_batch batch;
    nb_result result;
    ctx->recording = mode->taped;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    mode->lengths = batch.lengths;
    nb_status status = nb_net_run(ctx, work->net, batch.x, NULL, mode, NULL, &result);
    if (status == NB_OK) {
        status = give(ctx, work, &result, batch.single);
        nb_result_free(ctx, &result);
    }
    nbl_batch_free(ctx, &batch);
    return status;
}

static nb_status forward_plain(nb_ctx *ctx, void *data)
{
    pass *work = data;
    nb_tensor *x = work->examples.x;
    nb_mode mode = {.learning = false};
    if (!x || !nb_net_takes_alone(ctx, work->net, x)) return forward(ctx, work, &mode);
    *work->out = nb_net_forward_alone(ctx, work->net, x);
    return *work->out ? NB_OK : ctx->status;
}

/* A training pass by hand; every one has draws of its own, which nabla.seed repeats. */
static nb_status forward_recorded(nb_ctx *ctx, void *data)
{
    nb_mode mode = {.learning = true, .taped = true, .seed = ctx->seed, .step = ctx->draws++};
    return forward(ctx, data, &mode);
}

/* A table of handles for the outputs of a list of sequences, on the stack's top. */
static void push_pieces(lua_State *L, pass *work)
{
    int64_t count = work->examples.set->count;
    work->piece = lua_newuserdatauv(L, (size_t)count * sizeof *work->piece, 0);
    lua_createtable(L, (int)count, 0);
    for (int64_t i = 0; i < count; i++) {
        work->piece[i] = nbl_new_tensor(L);
        lua_rawseti(L, -2, i + 1);
    }
}

static int push_output(lua_State *L, const char *whose, nbl_job *job)
{
    nbl_net *self = nbl_check_net(L, 1);
    pass work = {.net = self->net};
    nbl_no_more(L, 2);
    nbl_read_examples(L, 2, self->net, whose, NBL_X, &work.examples);
    if (work.examples.sequences)
        push_pieces(L, &work);
    else
        work.out = nbl_new_tensor(L);
    nbl_net_run(L, self, job, &work);
    return 1;
}

static int net_call(lua_State *L)
{
    return push_output(L, "net", forward_plain);
}

static int net_record(lua_State *L)
{
    return push_output(L, "net:record", forward_recorded);
}

/* ---- Cost and gradients ---- */

/* Examples with their y, and how much they count. */
static void read_weighted(lua_State *L, const char *whose, pass *work)
{
    int next = nbl_read_examples(L, 2, work->net, whose, NBL_X_AND_Y, &work->examples);
    nbl_read_weights_table(L, next, &work->examples);
}

static nb_status cost(nb_ctx *ctx, void *data)
{
    pass *work = data;
    nbl_batch batch;
    nb_result result;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode mode = {.lengths = batch.lengths, .weights = batch.weights};
    const nb_inquiry ask = {
        .net = work->net, .x = batch.x, .y = batch.y, .mode = &mode, .draws = ctx->draws};
    nb_status status = nb_net_run(ctx, work->net, batch.x, batch.y, &mode, NULL, &result);
    if (status == NB_OK) work->cost = nb_tensor_item(result.cost);
    nb_result_free(ctx, &result);
    if (status == NB_OK && !isfinite(work->cost) && !ctx->heedless)
        status = nb_find_culprit(ctx, &ask, work->began);
    nbl_batch_free(ctx, &batch);
    return status;
}

static int net_cost(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    char began[NB_CULPRIT_TEXT] = "";
    pass work = {.net = self->net, .began = began};
    read_weighted(L, "net:cost", &work);
    nbl_net_run(L, self, cost, &work);
    lua_pushnumber(L, work.cost);
    if (*began) lua_pushstring(L, began);
    return *began ? 2 : 1;
}

static nb_status backprop(nb_ctx *ctx, void *data)
{
    pass *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode mode = {.lengths = batch.lengths, .weights = batch.weights};
    nb_status status = nb_net_learn(ctx, work->net, batch.x, batch.y, &mode, NULL, &work->cost);
    nbl_batch_free(ctx, &batch);
    return status;
}

/* A copy of a parameter's part of a flat vector. */
typedef struct segment_job {
    const nb_tensor *flat;
    const nb_param *param;
    int64_t first; /* where the network's parameters begin in its root's */
    nb_tensor **out;
} segment_job;

static nb_status copy_segment(nb_ctx *ctx, void *data)
{
    const segment_job *work = data;
    const nb_param *param = work->param;
    nb_tensor *part =
        nb_tensor_narrow(ctx, work->flat, 0, param->start - work->first, param->count, 1);
    nb_tensor *view = part ? nb_tensor_reshape(ctx, part, param->dims, param->shape) : NULL;
    *work->out = view ? nb_tensor_clone(ctx, view) : NULL;
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, part);
    return *work->out ? NB_OK : ctx->status;
}

static void push_segment(lua_State *L, const nb_net *net, const nb_tensor *flat,
                         const nb_param *param)
{
    segment_job work = {.flat = flat, .param = param, .first = net->param[0]->start};
    work.out = nbl_new_tensor(L);
    nbl_run(L, copy_segment, &work);
}

static const nbl_result gradients_kind = {
    .name = "nabla.gradients", .whose = "a list of gradients", .text = nbl_brief};

/* Pushes a table by layer of a block: the part of the flat vector that belongs to its parameter
 * `name`, a table of its own for a block, false where it has none. */
static void push_by_layer(lua_State *L, const nb_net *net, const nb_layer *block,
                          const nb_tensor *flat, const char *name)
{
    luaL_checkstack(L, 8, "layers too deep");
    lua_createtable(L, block->children, 0);
    for (int i = 0; i < block->children; i++) {
        const nb_layer *layer = block->child[i];
        const nb_param *param = nb_layer_param(layer, name);
        if (layer->children)
            push_by_layer(L, net, layer, flat, name);
        else if (param)
            push_segment(L, net, flat, param);
        else
            lua_pushboolean(L, false);
        lua_rawseti(L, -2, i + 1);
    }
    nbl_dress(L, &gradients_kind);
}

static void push_nablas(lua_State *L, nb_net *net, const nb_tensor *flat)
{
    push_by_layer(L, net, &net->layer, flat, "w");
    push_by_layer(L, net, &net->layer, flat, "b");
}

static int net_backprop(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    pass work = {.net = self->net};
    read_weighted(L, "net:backprop", &work);
    nbl_pin_net(L, self);
    int box = lua_gettop(L);
    nbl_net_derive(L, self, "net:backprop", backprop, &work);
    push_nablas(L, self->net, self->net->grads);
    nbl_close_box(L, box);
    return 2;
}

static nb_status differences(nb_ctx *ctx, void *data)
{
    pass *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode mode = {.lengths = batch.lengths, .weights = batch.weights};
    *work->out = nb_numeric_gradient(ctx, work->net, batch.x, batch.y, &mode);
    nbl_batch_free(ctx, &batch);
    return *work->out ? NB_OK : ctx->status;
}

static int net_numeric_gradient(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    pass work = {.net = self->net};
    read_weighted(L, "net:numeric_gradient", &work);
    work.out = nbl_new_tensor(L);
    nbl_pin_net(L, self);
    int box = lua_gettop(L);
    nbl_net_run(L, self, differences, &work);
    push_nablas(L, self->net, *work.out);
    nbl_close_box(L, box);
    return 2;
}

/* ---- One step ---- */

typedef struct step_options {
    nbl_optimizer_choice choice;
    nbl_penalty_choice penalty;
    int weights;
} step_options;

static const nb_option step_fields[] = {
    NBL_LR_OPTION(offsetof(step_options, choice)),
    NBL_OPTIMIZER_OPTION(offsetof(step_options, choice)),
    NBL_PENALTY_OPTIONS(offsetof(step_options, penalty)),
    NBL_WEIGHTS_OPTION(offsetof(step_options, weights)),
    NB_OPTIONS_END,
};

static nb_status learn_step(nb_ctx *ctx, pass *work)
{
    nbl_batch batch;
    nb_status status = nbl_prepare(ctx, work->net, &work->examples, &batch);
    if (status != NB_OK) return status;
    nb_lesson lesson = {.x = batch.x,
                        .y = batch.y,
                        .lengths = batch.lengths,
                        .weights = batch.weights,
                        .rate = work->optimizer->options.lr,
                        .penalty = nb_penalty_per(&work->penalty, batch.x->shape[0]),
                        .seed = work->net->seed,
                        .step = (uint64_t)work->optimizer->steps,
                        .keep_grads = true};
    status = nb_learn(ctx, work->net, work->optimizer, &lesson, &work->cost);
    nbl_batch_free(ctx, &batch);
    return status;
}

/* The network takes over what a set says of its examples, as in training, where the step succeeds.
 */
static nb_status step(nb_ctx *ctx, void *data)
{
    pass *work = data;
    const nb_set *set = work->examples.set;
    nb_schema before = nb_schema_retain(&work->net->schema);
    nb_status status = set ? nb_net_take_schema(ctx, work->net, set) : NB_OK;
    if (status == NB_OK) status = learn_step(ctx, work);
    if (status == NB_OK) {
        nb_schema_release(ctx, &before);
        return NB_OK;
    }
    nb_schema_release(ctx, &work->net->schema);
    work->net->schema = before;
    return status;
}

/* An optimizer alone, before a table of the rest, or in it. */
static nb_optimizer *read_step(lua_State *L, int arg, pass *work)
{
    bool object = nbl_test_optimizer(L, arg);
    int table = object ? arg + 1 : arg;
    step_options options;
    nbl_no_more(L, table);
    nbl_options(L, table, step_fields, &options, false);
    nbl_optimizer_choice *choice = &options.choice;
    if (object && choice->optimizer) nbl_error(L, "net:step: two optimizers; one of them goes");
    if (object) choice->optimizer = arg;
    choice->momentum = NAN;
    nbl_read_weights(L, options.weights, &work->examples);
    bool own = choice->optimizer && nbl_test_optimizer(L, choice->optimizer);
    nb_optimizer *optimizer = nbl_choose_optimizer(L, "net:step", choice, work->net);
    work->penalty = nbl_read_penalty(L, "net:step", &options.penalty, optimizer, !own);
    return optimizer;
}

static int net_step(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    pass work = {.net = self->net};
    int next = nbl_read_examples(L, 2, self->net, "net:step", NBL_TO_LEARN, &work.examples);
    work.optimizer = read_step(L, next, &work);
    nbl_net_learn(L, self, "net:step", step, &work);
    lua_pushnumber(L, work.cost);
    return 1;
}

/* ---- Registration ---- */

static const nbl_entry entries[] = {
    {":record", net_record, "net:record(x)",
     "The output as net(x) gives it, recorded on the tape, for costs and gradients by hand.",
     "net = nn.net \"4 - 3 - 2\"\nnet:record(tensor.ones(5, 4)):sum():backward()", NULL},
    {":cost", net_cost, "net:cost(x, y [, {weights}])",
     "The cost, averaged over the examples. x and y may be a data set or one of its examples. "
     "Where "
     "it is not finite, a second value says where that began (nabla.anomaly).",
     "net = nn.net \"4 - 3 - 2\"\nx, y = tensor.rand(3, 4), tensor.rand(3, 2)\n"
     "print(net:cost(x, y))\n"
     "net:cost(x, y, {weights = {1, 0, 0}}) == net:cost(x[1], y[1])  → true",
     nbl_weights_fields},
    {":backprop", net_backprop, "net:backprop(x, y [, {weights}])",
     "The gradients of the cost by backpropagation: nabla_w, nabla_b, tables by layer; false for a "
     "layer that has no such parameter. The tables show themselves in brief, nabla_w[1] whole.",
     "net = nn.net \"4 - 3 - 2\"\nnabla_w, nabla_b = net:backprop(tensor.ones(5, 4), "
     "tensor.ones(5, 2))\n"
     "print(nabla_w[2])",
     nbl_weights_fields},
    {":numeric_gradient", net_numeric_gradient, "net:numeric_gradient(x, y [, {weights}])",
     "The same gradients by central differences: two passes forward for every parameter.",
     "net = nn.net \"4 - 3 - 2\"\nprint((net:numeric_gradient(tensor.ones(5, 4), tensor.ones(5, "
     "2)))[2])",
     nbl_weights_fields},
    {":step", net_step, "net:step(x, y, {lr, optimizer, weights, …} | optimizer [, {weights, …}])",
     "One step of learning on these examples; gives the cost before it, without penalties. n of l1 "
     "and l2 is the number of these examples.",
     "net = nn.net \"4 - 3 - 2\"\no = nn.sgd{lr = 3}\n"
     "for i = 1, 10 do print(net:step(tensor.ones(5, 4), tensor.ones(5, 2), o)) end",
     step_fields},
    {.name = NULL},
};

void nbl_open_net_pass(lua_State *L)
{
    nbl_register(L, "net", entries);
    lua_pushcfunction(L, net_call);
    lua_setfield(L, -3, "__call");
}
