/* Networks as trees: plans, one layer at several places, networks in networks, and what is refused.
 */
#include "nets.h"

#include "../support.h"
#include "nn/inspect/trace.h"
#include "nn/train/learn.h"

#include <math.h>
#include <stdio.h>

static double at(const nb_tensor *flat, int64_t i)
{
    return nb_tensor_get(flat, &i);
}

/* A network that was read and not built. */
static nb_net *read_net(const char *notation)
{
    nb_net *net = nb_notation_parse(ctx, notation, NULL);
    if (!net) fail_msg("%s", ctx->message);
    return net;
}

/* Refused, with the words in the message; the tree is as it was, with nothing planned. */
static void assert_no_net(const char *notation, nb_status status, const char *words)
{
    nb_net *net = read_net(notation);
    size_t live = ctx->memory.live;
    assert_int_equal(nb_net_build(ctx, net, NB_F32, 1), status);
    assert_failed(status, words);
    assert_null(net->layer.plan);
    assert_null(net->layer.child[0]->plan);
    assert_null(net->layer.child[0]->owner);
    assert_int_equal(ctx->memory.live, live);
    nb_net_release(ctx, net);
}

/* ---- Plans ---------------------------------------------------------------------------------- */

/* One row of a plan, in the order of the places. */
typedef struct row {
    const char *path, *where;
    int64_t in, out, params; /* params: numbers of its own */
    int place, places;
} row;

/* 8 - 16 - x + f(x) - three branches side by side, 4 + 16 + 3 - 2 */
static const char tree[] = "8 - 16 relu - residual[8 relu name=inner - 16 linear] name=r - "
                           "parallel[4 tanh | | net[6 - 3]] - 2";
static const row rows[] = {
    {"1", "layer 1", 8, 16, 8 * 16 + 16, 0, 1},
    {"2", "layer 2 (r)", 16, 16, 0, 1, 3},
    {"2.1", "layer 2.1 (inner)", 16, 8, 16 * 8 + 8, 2, 1},
    {"2.2", "layer 2.2", 8, 16, 8 * 16 + 16, 3, 1},
    {"3", "layer 3", 16, 23, 0, 4, 5},
    {"3.1", "layer 3.1", 16, 4, 16 * 4 + 4, 5, 1},
    {"3.2", "layer 3.2", 16, 3, 0, 6, 3},
    {"3.2.1", "layer 3.2.1", 16, 6, 16 * 6 + 6, 7, 1},
    {"3.2.2", "layer 3.2.2", 6, 3, 6 * 3 + 3, 8, 1},
    {"4", "layer 4", 23, 2, 23 * 2 + 2, 9, 1},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_row(const row *r, const nb_plan *plan)
{
    int64_t params = 0;
    assert_string_equal(plan->path, r->path);
    assert_string_equal(plan->where, r->where);
    assert_int_equal(plan->in.size[0], r->in);
    assert_int_equal(plan->out.size[0], r->out);
    assert_int_equal(plan->place, r->place);
    assert_int_equal(plan->places, r->places);
    assert_int_equal(plan->uses, 1);
    for (int i = 0; i < plan->params; i++) {
        assert_null(plan->param[i].value); /* no memory yet */
        params += plan->param[i].count;
    }
    assert_int_equal(params, r->params);
}

/* Shapes and places by hand; a plan asks for no storage and changes nothing of the tree. */
static void test_plan(void **state)
{
    (void)state;
    nb_net *net = read_net(tree);
    size_t live = ctx->memory.live;
    nb_plans *plans = nb_net_plan(ctx, net);
    assert_non_null(plans);
    assert_int_equal(plans->count, ROWS + 1);
    assert_ptr_equal(plans->list[0].layer, &net->layer);
    assert_int_equal(plans->list[0].plan->place, -1);
    assert_int_equal(plans->list[0].plan->places, ROWS + 1);
    for (int i = 0; i < ROWS; i++) {
        check_row(&rows[i], plans->list[i + 1].plan);
        assert_null(plans->list[i + 1].layer->plan);
        assert_null(plans->list[i + 1].layer->owner);
    }
    nb_plans_free(ctx, plans);
    assert_int_equal(ctx->memory.live, live);
    nb_plans_free(ctx, NULL);
    nb_net_release(ctx, net);
}

/* The flat vector follows the places, without gaps, and paths and names find their layers. */
static void test_storage_follows_the_plan(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, tree, NB_F32);
    int64_t next = 0;
    assert_int_equal(net->parts, ROWS);
    for (int i = 0; i < net->params; i++) {
        const nb_param *param = net->param[i];
        assert_int_equal(param->start, next);
        assert_int_equal(param->value->offset, next);
        assert_ptr_equal(param->value->storage, net->values->storage);
        assert_int_equal(nb_tensor_count(param->value), param->count);
        next += param->count;
    }
    assert_int_equal(next, nb_net_count(net));
    for (int i = 0; i < ROWS; i++) {
        nb_layer *layer = layer_at(ctx, net, rows[i].path);
        assert_ptr_equal(layer, net->part[i]);
        assert_string_equal(layer->plan->path, rows[i].path);
    }
    assert_ptr_equal(layer_at(ctx, net, "r.inner"), layer_at(ctx, net, "2.1"));
    assert_ptr_equal(layer_at(ctx, net, "r.2"), layer_at(ctx, net, "2.2"));
    static const char *const none[] = {"5", "0", "2.3", "1.1", "q", "r.q",
                                       "",  ".", "2.",  "-1",  "1x"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_null(nb_net_layer(ctx, net, none[i]));
        assert_failed(NB_EARG, "has no layer");
    }
    nb_net_release(ctx, net);
}

/* Fans of the weights are those of the notes: connections in and out. */
static void test_parameters(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "5 - 3", NB_F32);
    const nb_param *w = param_of(net, 0, 0), *b = param_of(net, 0, 1);
    assert_string_equal(w->name, "w");
    assert_int_equal(w->fan_in, 5);
    assert_int_equal(w->fan_out, 3);
    assert_int_equal(w->neuron_dim, 0);
    assert_true(w->decays && !b->decays);
    assert_ptr_equal(nb_layer_param(net->layer.child[0], "b"), b);
    assert_null(nb_layer_param(net->layer.child[0], "c"));
    nb_net_release(ctx, net);
}

/* ---- One layer at several places ------------------------------------------------------------- */

static const char shared_tree[] =
    "3 - 4 tanh - 4 tanh name=h - residual[@h - 4 linear] - net[4 tanh] - @h - 2 : mse";
static const char unshared_tree[] =
    "3 - 4 tanh - 4 tanh - residual[4 tanh - 4 linear] - net[4 tanh] - 4 tanh - 2 : mse";

static void copy_places(nb_net *from, nb_net *to)
{
    static const char *const places[] = {"1", "2", "3.1", "3.2", "4.1", "5", "6"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int p = 0; p < 2; p++)
            assert_int_equal(nb_tensor_copy(ctx, layer_at(ctx, to, places[i])->plan->param[p].value,
                                            layer_at(ctx, from, places[i])->plan->param[p].value),
                             NB_OK);
}

/* Gradients of parameter i: of the layer at a path. */
static nb_tensor *grad_at(nb_net *net, const char *path, int i)
{
    nb_tensor *value = layer_at(ctx, net, path)->plan->param[i].value;
    return nb_leaf_grad(nb_leaf_of(value));
}

static double number(const nb_tensor *t, int64_t i)
{
    return ((const double *)t->storage->data)[t->offset + i];
}

/* One segment, counted once; its gradient is the sum over the places of a copy without sharing. */
static void test_shared(void **state)
{
    (void)state;
    nb_net *one = net_of(ctx, shared_tree, NB_F64), *three = net_of(ctx, unshared_tree, NB_F64);
    nb_layer *h = layer_at(ctx, one, "h");
    nb_tensor *x = uniform(ctx, NB_F64, 5, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 5, 2, 0, 1, 3);
    double cost, same;
    assert_ptr_equal(layer_at(ctx, one, "3.1"), h);
    assert_ptr_equal(layer_at(ctx, one, "5"), h);
    assert_int_equal(h->plan->uses, 3);
    assert_int_equal(nb_net_count(one), nb_net_count(three) - 2 * 20);
    assert_int_equal(one->parts, three->parts - 2);
    assert_int_equal(one->layer.plan->places, three->layer.plan->places);
    copy_places(one, three);
    assert_int_equal(nb_net_backprop(ctx, one, x, y, &cost), NB_OK);
    assert_int_equal(nb_net_backprop(ctx, three, x, y, &same), NB_OK);
    assert_true(cost == same);
    for (int p = 0; p < 2; p++)
        for (int64_t i = 0; i < h->plan->param[p].count; i++) {
            double sum = number(grad_at(three, "2", p), i) + number(grad_at(three, "3.1", p), i) +
                         number(grad_at(three, "5", p), i);
            assert_true(fabs(number(grad_at(one, "2", p), i) - sum) < 1e-15);
        }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, one);
    nb_net_release(ctx, three);
}

/* Every place has z, a and δ of its own, and the gradients of the one layer. */
static void test_trace_of_shared(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, shared_tree, NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 5, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 5, 2, 0, 1, 3);
    nb_trace trace = {.cost = 0};
    double cost;
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    assert_true(trace.cost == cost);
    assert_int_equal(trace.places, 9);
    assert_ptr_equal(trace.place[1].layer, trace.place[3].layer);
    assert_ptr_equal(trace.place[1].layer, trace.place[7].layer);
    assert_false(same_bits(ctx, trace.place[1].a, trace.place[3].a));
    assert_false(same_bits(ctx, trace.place[3].delta, trace.place[7].delta));
    assert_true(same_bits(ctx, trace.place[1].grad[0], trace.place[7].grad[0]));
    assert_true(same_bits(ctx, trace.place[1].grad[0], grad_at(net, "h", 0)));
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* ---- Networks in networks -------------------------------------------------------------------- */

/* 4 - 4 tanh - inner - 1, built in f64. */
static nb_net *around(nb_net *inner)
{
    nb_net *net = empty_net(ctx, 4);
    add_item(ctx, net, "4 tanh");
    add_layer(ctx, net, &inner->layer);
    add_item(ctx, net, "1");
    if (nb_net_build(ctx, net, NB_F64, 5) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

/* The storage moves to the outer's; the inner's vectors are views of its stretch there. */
static void test_nested(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 3 tanh - 2", NB_F64);
    nb_tensor *before = nb_tensor_clone(ctx, inner->values);
    nb_net *outer = around(inner);
    assert_ptr_equal(inner->outer, outer);
    assert_ptr_equal(nb_net_root(inner), outer);
    assert_ptr_equal(inner->layer.owner, outer);
    assert_ptr_equal(inner->layer.child[0]->owner, inner);
    assert_ptr_equal(inner->values->storage, outer->values->storage);
    assert_ptr_equal(inner->grads->storage, outer->grads->storage);
    assert_ptr_equal(inner->home, outer->home);
    assert_int_equal(inner->values->offset, 20); /* behind 4 x 4 + 4 */
    assert_int_equal(nb_net_count(inner), 23);
    assert_int_equal(nb_net_count(outer), 20 + 23 + 3);
    assert_true(same_bits(ctx, inner->values, before));
    assert_int_equal(inner->params, 4);
    assert_ptr_equal(inner->param[0], outer->param[2]);
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, outer);
    nb_net_release(ctx, inner);
}

/* A step of the inner one alone moves its stretch and nothing else; a step of the outer one all. */
static void check_step(nb_net *outer, nb_net *inner, const char *kind, bool keep)
{
    nb_tensor *x = uniform(ctx, NB_F64, 5, 4, -1, 1, 2), *y = uniform(ctx, NB_F64, 5, 2, 0, 1, 3);
    nb_tensor *y1 = uniform(ctx, NB_F64, 5, 1, 0, 1, 3);
    nb_optimizer own, all;
    double cost;
    nb_optimizer_init(&own, nb_optimizer_find(kind));
    nb_optimizer_init(&all, nb_optimizer_find(kind));
    nb_tensor *before = nb_tensor_clone(ctx, outer->values);
    nb_lesson lesson = {.x = x, .y = y, .rate = 0.1, .keep_grads = keep};
    assert_int_equal(nb_learn(ctx, inner, &own, &lesson, &cost), NB_OK);
    for (int64_t i = 0; i < nb_net_count(outer); i++)
        assert_int_equal(at(before, i) != at(outer->values, i), i >= 20 && i < 43);
    assert_int_equal(nb_tensor_copy(ctx, before, outer->values), NB_OK);
    lesson.y = y1;
    assert_int_equal(nb_learn(ctx, outer, &all, &lesson, &cost), NB_OK);
    for (int64_t i = 0; i < nb_net_count(outer); i++)
        assert_true(at(before, i) != at(outer->values, i));
    nb_optimizer_free(ctx, &own);
    nb_optimizer_free(ctx, &all);
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, y1);
}

static void test_inner_trains_alone(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 3 tanh - 2", NB_F64);
    nb_net *outer = around(inner);
    check_step(outer, inner, "sgd", false);
    check_step(outer, inner, "sgd", true);
    check_step(outer, inner, "adam", true);
    nb_net_release(ctx, inner); /* the outer one keeps it */
    inner = nb_net_of(layer_at(ctx, outer, "2"));
    check_step(outer, inner, "adam", false);
    nb_net_release(ctx, outer);
}

/* What outlives the network around it stands alone, with the values that it has. */
static void test_outer_goes_first(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 3 tanh - 2", NB_F64);
    nb_net *outer = around(inner);
    nb_tensor *x = uniform(ctx, NB_F64, 5, 4, -1, 1, 2);
    nb_tensor *before = nb_net_forward(ctx, inner, x);
    nb_net_release(ctx, outer);
    assert_null(inner->outer);
    assert_null(inner->layer.owner);
    nb_tensor *after = nb_net_forward(ctx, inner, x);
    assert_true(same_bits(ctx, before, after));
    outer = around(inner); /* free for another */
    nb_tensor_release(ctx, after);
    after = nb_net_forward(ctx, inner, x);
    assert_true(same_bits(ctx, before, after));
    nb_net_release(ctx, inner);
    nb_net_release(ctx, outer);
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, after);
    nb_tensor_release(ctx, x);
}

/* Of three, the outermost goes: the middle one is free, the innermost still the middle one's. */
static void test_three_deep(void **state)
{
    (void)state;
    nb_net *c = net_of(ctx, "4 - 4", NB_F64), *b = empty_net(ctx, 4), *a;
    add_layer(ctx, b, &c->layer);
    add_item(ctx, b, "2");
    a = around(b);
    assert_ptr_equal(c->outer, b);
    assert_ptr_equal(nb_net_root(c), a);
    assert_ptr_equal(c->values->storage, a->values->storage);
    nb_net_release(ctx, a);
    assert_null(b->outer);
    assert_ptr_equal(c->outer, b);
    assert_ptr_equal(c->layer.owner, b);
    assert_int_equal(nb_net_convert(ctx, c, NB_F32), NB_EARG);
    assert_failed(NB_EARG, "this network is layer 2.1 of another");
    assert_int_equal(nb_net_convert(ctx, b, NB_F32), NB_OK);
    assert_int_equal(c->dtype, NB_F32);
    assert_ptr_equal(c->values->storage, b->values->storage);
    nb_net_release(ctx, b);
    nb_net_release(ctx, c);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void test_second_parent(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 2", NB_F64), *outer = around(inner), *other;
    other = empty_net(ctx, 4);
    add_layer(ctx, other, &inner->layer);
    size_t live = ctx->memory.live;
    assert_int_equal(nb_net_build(ctx, other, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "layer 1 is part of another network already (layer 2 there); give this "
                           "one a copy, net:clone()");
    assert_int_equal(ctx->memory.live, live);
    assert_ptr_equal(inner->outer, outer);
    nb_net_release(ctx, other);
    other = empty_net(ctx, 4);
    add_layer(ctx, other, outer->layer.child[0]);
    assert_int_equal(nb_net_build(ctx, other, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "layer:clone()");
    nb_net_release(ctx, other);
    other = empty_net(ctx, 4); /* a layer of the inner one, beside it */
    add_layer(ctx, other, inner->layer.child[0]);
    assert_int_equal(nb_net_build(ctx, other, NB_F64, 1), NB_EARG);
    nb_net_release(ctx, other);
    nb_net_release(ctx, outer);
    nb_net_release(ctx, inner);
}

/* A layer of a nested network is not shared with what stands around it. */
static void test_sharing_across_networks(void **state)
{
    (void)state;
    nb_net *inner = empty_net(ctx, 4), *outer = empty_net(ctx, 4);
    add_item(ctx, inner, "4");
    add_layer(ctx, outer, &inner->layer);
    add_layer(ctx, outer, inner->layer.child[0]);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "layer 2 shares layer 1.1 of another network");
    nb_net_release(ctx, outer);
    nb_net_release(ctx, inner);
}

static void test_inside_itself(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 4", NB_F64), *outer = empty_net(ctx, 4);
    add_layer(ctx, net, &net->layer);
    assert_int_equal(nb_net_build(ctx, net, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "this network stands in itself");
    nb_layer_drop_children(ctx, &net->layer, 1); /* a circle of references would never end */
    add_layer(ctx, outer, &net->layer);
    add_layer(ctx, net, &outer->layer);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "stands in itself");
    nb_layer_drop_children(ctx, &net->layer, 1);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_OK);
    nb_net_release(ctx, outer);
    nb_net_release(ctx, net);
}

/* A live record will read the values; nesting would move them away. */
static void test_nesting_under_a_record(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 2", NB_F64), *outer = empty_net(ctx, 4);
    nb_tensor *x = uniform(ctx, NB_F64, 5, 4, -1, 1, 2);
    const nb_mode mode = {.taped = true};
    nb_result pass;
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    assert_int_equal(nb_net_run(ctx, inner, x, NULL, &mode, NULL, &pass), NB_OK);
    add_layer(ctx, outer, &inner->layer);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "layer 1 is a network whose values a gradient still needs");
    assert_null(inner->outer);
    nb_result_free(ctx, &pass);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_OK);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, outer);
    nb_net_release(ctx, inner);
}

/* A network in f32 does not become one in f64 in silence, nor does its input another. */
static void test_misfits_of_nested(void **state)
{
    (void)state;
    nb_net *inner = net_of(ctx, "4 - 2", NB_F32), *outer = empty_net(ctx, 4);
    add_layer(ctx, outer, &inner->layer);
    assert_int_equal(nb_net_build(ctx, outer, NB_F64, 1), NB_EARG);
    assert_failed(NB_EARG, "layer 1 is a network in f32, this one is in f64");
    outer->in_size[0] = 5;
    assert_int_equal(nb_net_build(ctx, outer, NB_F32, 1), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "layer 1: the network takes 4; 5 comes to it here");
    assert_null(inner->outer);
    nb_net_release(ctx, outer);
    nb_net_release(ctx, inner);
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    assert_no_net("3 - 4 name=h - @h", NB_ESHAPE,
                  "layer 2 shares layer 1 (h), which takes 3; 4 comes to it here");
    assert_no_net("4 - residual[5]", NB_ESHAPE,
                  "layer 1: residual adds its input, 4, to what its layers give, 5");
    assert_no_net("4 - residual[5 | 3 - 6]", NB_ESHAPE,
                  "layer 1: branch 1 (up to layer 1.1) gives 5, branch 2 (up to layer 1.3) 6");
    assert_no_net("4 - residual[5 | ]", NB_ESHAPE,
                  "layer 1: branch 1 (up to layer 1.1) gives 5, branch 2 (empty) 4");
    assert_no_net("4 - 2 - residual[2 - net[residual[3]] - 2]", NB_ESHAPE, "layer 2.2.1: residual");
    assert_no_net("7x4 - 3", NB_ESHAPE, "layer 1: dense takes a vector, or steps of features");
    assert_no_net("7x4 - residual[3]", NB_ESHAPE,
                  "put flatten before it for one vector, or write *x4 for steps");
    assert_no_net("7x4 - parallel[3 | 3]", NB_ESHAPE,
                  "layer 1: parallel takes a vector, steps of features or space; 7x4 could be read "
                  "either way");
    assert_no_net("* - 3", NB_ESHAPE, "layer 1: dense needs the number of its inputs");
    assert_no_net("3 - 4 relu@5", NB_EARG, "layer 1 has neurons 1 to 4, not 5");
    assert_no_net("3 - 2 - net[4 - 3 tanh@2..9]", NB_EARG, "layer 2.2 has neurons 1 to 3, not 9");
    assert_no_net("2147483648 - 2147483648", NB_ESHAPE, "parameter w of 2147483648x2147483648");
}

/* Blocks made by hand may hold nothing. */
static void test_empty_blocks(void **state)
{
    (void)state;
    static const char *const kind[3] = {"residual", "parallel", "net"};
    for (int i = 0; i < 3; i++)
        for (int branches = 0; branches < 3; branches++) {
            nb_net *net = empty_net(ctx, 4), *nested = i == 2 ? nb_net_new(ctx) : NULL;
            nb_layer *block = nested ? &nested->layer : nb_layer_new(ctx, nb_layer_find(kind[i]));
            for (int b = 0; b < branches; b++)
                assert_int_equal(nb_layer_add_branch(ctx, block), NB_OK);
            add_layer(ctx, net, block);
            nb_layer_release(ctx, block);
            assert_int_equal(nb_net_build(ctx, net, NB_F32, 1), NB_EARG);
            assert_failed(NB_EARG, "needs at least one layer in its brackets");
            nb_net_release(ctx, net);
        }
}

/* ---- When memory ends ------------------------------------------------------------------------ */

/* Nesting that fails leaves the inner network its own storage. */
static nb_status try_nesting(nb_ctx *c, nb_net *inner, void *arg)
{
    nb_net *outer = nb_net_new(c);
    nb_storage *storage = inner->values->storage;
    (void)arg;
    if (!outer) return c->status;
    outer->in_dims = 1;
    outer->in_size[0] = 4;
    nb_status status = nb_layer_add(c, &outer->layer, &inner->layer);
    if (status == NB_OK) status = nb_net_build(c, outer, NB_F64, 1);
    if (status != NB_OK) {
        assert_ptr_equal(inner->values->storage, storage);
        assert_null(inner->outer);
        assert_null(inner->layer.owner);
    }
    nb_net_release(c, outer);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *inner =
        net_of(ctx, "4 - 4 tanh relu@2 name=h - residual[4 | @h] - parallel[@h | 1]", NB_F64);
    sweep(ctx, inner, try_nesting, NULL);
    nb_net_release(ctx, inner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plan),
        TEST(storage_follows_the_plan),
        TEST(parameters),
        TEST(shared),
        TEST(trace_of_shared),
        TEST(nested),
        TEST(inner_trains_alone),
        TEST(outer_goes_first),
        TEST(three_deep),
        TEST(second_parent),
        TEST(sharing_across_networks),
        TEST(inside_itself),
        TEST(nesting_under_a_record),
        TEST(misfits_of_nested),
        TEST(shapes_that_do_not_fit),
        TEST(empty_blocks),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
