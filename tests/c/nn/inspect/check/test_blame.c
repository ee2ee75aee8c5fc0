/* Who is to blame for a wrong gradient: errors planted in an op, in a layer that loses a gradient
 * though its ops are right, in a derivative that comes with an activation; and nobody where all is
 * right. */
#include "../../nets.h"

#include "grad/tape.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/net/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* What is planted: the op's backward times this (2 is right), or its layer squares a copy off the
 * tape with the number itself, so that half of the gradient is lost. */
static double factor;
static bool loses, from_third, twice; /* twice: another such op behind the first */

/* ---- An op, x² ---- */

static nb_tensor *square(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = nb_tensor_contiguous(ctx, call->in[0]);
    nb_tensor *out = x ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    for (int64_t i = 0; out && i < nb_tensor_count(out); i++) {
        double number = ((double *)nb_tensor_data(x))[i];
        ((double *)nb_tensor_data(out))[i] = number * number;
    }
    nb_tensor_release(ctx, x);
    return out;
}

/* Where from_third, only the third number is wrong. */
static nb_status square_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *x = nb_tensor_contiguous(ctx, record->in[0]);
    nb_tensor *d = x ? nb_tensor_contiguous(ctx, delta) : NULL;
    grad[0] = d ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    for (int64_t i = 0; grad[0] && i < nb_tensor_count(x); i++) {
        double by = from_third && i != 2 ? 2 : factor;
        ((double *)nb_tensor_data(grad[0]))[i] =
            by * ((double *)nb_tensor_data(x))[i] * ((double *)nb_tensor_data(d))[i];
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, d);
    return grad[0] ? NB_OK : ctx->status;
}

static const nb_op square_op = {
    .name = "planted_square", .forward = square, .backward = square_backward, .reads = 1};

static const nb_op later_op = {
    .name = "planted_later", .forward = square, .backward = square_backward, .reads = 1};

/* ---- A layer of it ---- */

static nb_status plan(nb_planner *planner, const nb_layer *layer, nb_plan *p)
{
    (void)planner, (void)layer;
    p->out = p->in;
    return NB_OK;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_call call = {.op = &square_op, .in = {x}, .inputs = 1};
    nb_tensor *first = loses ? NULL : nb_op_call(walk->ctx, &call);
    nb_call later = {.op = &later_op, .in = {first}, .inputs = 1};
    (void)layer, (void)give;
    if (first && twice) {
        nb_tensor *second = nb_op_call(walk->ctx, &later);
        nb_tensor_release(walk->ctx, first);
        return second;
    }
    if (!loses) return first;
    nb_tensor *apart = nb_tensor_alias(walk->ctx, x);
    nb_tensor *out = apart ? nb_op2(walk->ctx, NB_OP_mul, x, apart) : NULL;
    nb_tensor_release(walk->ctx, apart);
    return out;
}

static const nb_option options[] = {NB_LAYER_OPTIONS, NB_OPTIONS_END};
static const nb_layer_type planted = {.name = "planted",
                                      .options = options,
                                      .streaming = NB_STREAM_EACH,
                                      .plan = plan,
                                      .forward = forward};

/* 3 - 4 tanh - residual[4 - planted] - 2, or with the planted one by itself. */
static nb_net *planted_net(nb_ctx *ctx, bool within)
{
    nb_net *net = empty_net(ctx, 3);
    nb_layer *layer = nb_layer_new(ctx, &planted), *block = NULL, *dense = NULL;
    add_item(ctx, net, "4 tanh");
    if (within) {
        block = nb_layer_new(ctx, nb_layer_types[NB_LAYER_residual]);
        assert_int_equal(nb_layer_add(ctx, block, layer), NB_OK);
        add_layer(ctx, net, block);
    } else {
        add_layer(ctx, net, layer);
    }
    add_item(ctx, net, "2");
    nb_layer_release(ctx, layer);
    nb_layer_release(ctx, block);
    nb_layer_release(ctx, dense);
    assert_int_equal(nb_net_build(ctx, net, NB_F64, 1), NB_OK);
    return net;
}

static void run(nb_ctx *ctx, nb_net *net, nb_gradcheck *out)
{
    nb_tensor *x = uniform(ctx, NB_F64, 3, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 3, 2, 0, 1, 3);
    assert_int_equal(nb_gradcheck_run(ctx, net, x, y, NULL, out), NB_OK);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

/* A wrong sign, factor, nothing at all, a millionth's thousandfold, and of one number alone. */
static void an_op_is_named(void **state)
{
    static const double factors[] = {-2, 1, 0, 2.001, 5};
    nb_ctx *ctx = nb_ctx_new();
    nb_gradcheck out;
    (void)state;
    loses = false;
    for (int within = 0; within < 2; within++) {
        nb_net *net = planted_net(ctx, within);
        factor = 2;
        run(ctx, net, &out);
        assert_true(out.ok && !out.blames && out.blame.who == NB_NOBODY);
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
            factor = factors[i];
            from_third = i == 4;
            run(ctx, net, &out);
            assert_true(!out.ok && out.blames);
            assert_int_equal(out.blame.who, NB_BLAMED_OP);
            assert_string_equal(out.blame.name, "planted_square");
            assert_string_equal(out.blame.where, within ? "layer 2.1" : "layer 2");
            assert_string_equal(out.blame.activation, "");
            assert_true(fabs(out.blame.backward / out.blame.differences - factor / 2) < 1e-5);
        }
        from_third = false;
        nb_net_release(ctx, net);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* d(x · x') / dx is x, where it should be 2 x: the op mul is right. */
static void a_layer_is_named_where_its_ops_are_right(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_gradcheck out;
    (void)state;
    loses = true;
    for (int within = 0; within < 2; within++) {
        nb_net *net = planted_net(ctx, within);
        run(ctx, net, &out);
        assert_int_equal(out.blame.who, NB_BLAMED_LAYER);
        assert_string_equal(out.blame.name, "planted");
        assert_string_equal(out.blame.where, within ? "layer 2.1" : "layer 2");
        assert_true(fabs(out.blame.backward / out.blame.differences - 0.5) < 1e-6);
        nb_net_release(ctx, net);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Activations ---- */

static nb_tensor *tripled_slope(nb_ctx *ctx, const nb_host_function *self, nb_tensor *const *in,
                                int count)
{
    (void)self, (void)count;
    nb_tensor *a = nb_op1(ctx, NB_OP_tanh, in[0]);
    nb_tensor *apart = a ? nb_tensor_alias(ctx, a) : NULL;
    nb_tensor *slope = apart ? nb_op_number(ctx, NB_OP_mul, apart, 3) : NULL;
    nb_call call = {.op = nb_ops[NB_OP_slope_chain], .in = {in[0], apart, slope}, .inputs = 3};
    nb_tensor *out = slope ? nb_op_call(ctx, &call) : NULL;
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, apart);
    nb_tensor_release(ctx, slope);
    return out;
}

static nb_tensor *wrong_inside(nb_ctx *ctx, const nb_host_function *self, nb_tensor *const *in,
                               int count)
{
    nb_call call = {.op = &square_op, .in = {in[0]}, .inputs = 1};
    (void)self, (void)count;
    return nb_op_call(ctx, &call);
}

/* Of one neuron alone, in a hidden and in the last layer: the one that has it is named; an op that
 * it is made of before it. */
static void an_activation_is_named(void **state)
{
    static const nb_host_function slope = {.call = tripled_slope}, inside = {.call = wrong_inside};
    static const nb_activation_type types[] = {
        {.name = "tripled", .init = "lecun", .host = &slope},
        {.name = "squared", .init = "lecun", .host = &inside}};
    nb_ctx *ctx = nb_ctx_new();
    nb_gradcheck out;
    (void)state;
    factor = 3;
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < 2; i++) {
            nb_net *net = net_of(ctx, "3 - 4 tanh - 2 tanh", NB_F64);
            nb_activation own = nb_activation_of(&types[i]);
            assert_int_equal(nb_layer_set_activation(ctx, net->layer.child[l], 1, 1, own), NB_OK);
            run(ctx, net, &out);
            assert_int_equal(out.blame.who, i ? NB_BLAMED_OP : NB_BLAMED_ACTIVATION);
            assert_string_equal(out.blame.name, i ? "planted_square" : "tripled");
            assert_string_equal(out.blame.where, l ? "layer 2" : "layer 1");
            assert_string_equal(out.blame.activation, i ? "squared" : "");
            nb_net_release(ctx, net);
        }
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* The first that backward comes to, of two. */
static void the_first_is_named(void **state)
{
    static const nb_host_function slope = {.call = tripled_slope};
    static const nb_activation_type type = {.name = "tripled", .init = "lecun", .host = &slope};
    nb_ctx *ctx = nb_ctx_new();
    nb_gradcheck out;
    nb_net *net = net_of(ctx, "3 - 4 tanh - 3 tanh - 2 tanh", NB_F64);
    (void)state;
    for (int l = 0; l < 2; l++)
        assert_int_equal(
            nb_layer_set_activation(ctx, net->layer.child[l], 0, 3, nb_activation_of(&type)),
            NB_OK);
    run(ctx, net, &out);
    assert_string_equal(out.blame.where, "layer 2");
    nb_net_release(ctx, net);
    /* And of two ops in a layer. */
    net = planted_net(ctx, false);
    factor = 3;
    loses = false;
    twice = true;
    run(ctx, net, &out);
    twice = false;
    assert_string_equal(out.blame.name, "planted_later");
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Memory ---- */

static nb_status try_check(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_tensor *const *xy = arg;
    nb_gradcheck out;
    nb_status status = nb_gradcheck_run(ctx, net, xy[0], xy[1], NULL, &out);
    if (status == NB_OK) assert_int_equal(out.blame.who, NB_BLAMED_OP);
    return status;
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = empty_net(ctx, 1);
    nb_layer *layer = nb_layer_new(ctx, &planted);
    (void)state;
    factor = 1;
    loses = false;
    add_item(ctx, net, "1");
    add_layer(ctx, net, layer);
    add_item(ctx, net, "1");
    nb_layer_release(ctx, layer);
    assert_int_equal(nb_net_build(ctx, net, NB_F64, 1), NB_OK);
    nb_tensor *xy[2] = {uniform(ctx, NB_F64, 1, 1, 0.5, 1, 1), uniform(ctx, NB_F64, 1, 1, 0, 1, 2)};
    sweep(ctx, net, try_check, xy);
    nb_tensor_release(ctx, xy[0]);
    nb_tensor_release(ctx, xy[1]);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_is_named),
        cmocka_unit_test(a_layer_is_named_where_its_ops_are_right),
        cmocka_unit_test(an_activation_is_named),
        cmocka_unit_test(the_first_is_named),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
