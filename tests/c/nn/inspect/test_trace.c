/* The trace of layers without parameters, and what it leaves on the tape: nothing. */
#include "../nets.h"

#include "../../support.h"
#include "grad/tape.h"
#include "nn/inspect/trace.h"

#include <math.h>

/* f(x) = x ⊙ x, a layer of the host. */
static nb_tensor *square(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self;
    (void)count;
    return nb_op2(c, NB_OP_mul, in[0], in[0]);
}

static void add_square(nb_net *net)
{
    static const nb_host_function function = {.call = square};
    nb_layer *layer = nb_layer_new(ctx, nb_layer_types[NB_LAYER_fn]);
    assert_non_null(layer);
    layer->host = &function;
    add_layer(ctx, net, layer);
    nb_layer_release(ctx, layer);
}

/* 3 - square - square - 2 sigmoid */
static nb_net *squares(void)
{
    nb_net *net = empty_net(ctx, 3);
    add_square(net);
    add_square(net);
    add_item(ctx, net, "2");
    if (nb_net_build(ctx, net, NB_F64, 1) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

static double at(const nb_tensor *t, int64_t i, int64_t j)
{
    return nb_tensor_get(t, (const int64_t[]){i, j});
}

/* δ goes on below the first parameters: wᵀ δ of the dense layer, then 2 z of that. */
static void test_delta_without_parameters(void **state)
{
    (void)state;
    nb_net *net = squares();
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 4, 2, 0, 1, 3);
    nb_trace trace = {.cost = 0};
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    assert_int_equal(trace.places, 3);
    const nb_trace_place *first = &trace.place[0], *second = &trace.place[1];
    for (int64_t i = 0; i < 4; i++) {
        for (int64_t k = 0; k < 3; k++) {
            double delta = 0;
            for (int64_t j = 0; j < 2; j++)
                delta += at(trace.place[2].delta, i, j) * at(value_of(net, 2, 0), j, k);
            assert_true(fabs(delta) > 1e-9);
            assert_true(fabs(at(second->delta, i, k) - delta) < 1e-15);
            assert_true(fabs(at(first->delta, i, k) - 2 * at(first->z, i, k) * delta) < 1e-15);
        }
    }
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

static bool same_numbers(nb_tensor *a, nb_tensor *b)
{
    for (int64_t i = 0; i < a->shape[0]; i++)
        for (int64_t j = 0; j < a->shape[1]; j++)
            if (!(fabs(at(a, i, j) - at(b, i, j)) < 1e-15)) return false;
    return true;
}

/* What comes into a place is what the one before gave; δ is its demand times its slope, and of the
 * output the demand is (a - y)/n. A lean trace has no gradient of parameters, and the same δ. */
static void test_inputs_and_demand(void **state)
{
    (void)state;
    nb_net *net = squares();
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 4, 2, 0, 1, 3);
    nb_trace trace = {.cost = 0}, lean = {.lean = true};
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &lean), NB_OK);
    const nb_trace_place *first = &trace.place[0], *second = &trace.place[1], *last = second + 1;
    assert_true(same_numbers(first->in, x) && same_numbers(second->in, first->a));
    assert_true(same_numbers(last->in, second->a) && same_numbers(second->demand, second->delta));
    for (int64_t i = 0; i < 4; i++) {
        for (int64_t k = 0; k < 2; k++) {
            double a = at(last->a, i, k), demand = (a - at(y, i, k)) / 4;
            assert_true(fabs(at(last->demand, i, k) - demand) < 1e-15);
            assert_true(fabs(at(last->delta, i, k) - demand * a * (1 - a)) < 1e-15);
        }
    }
    assert_true(same_numbers(lean.place[2].delta, last->delta));
    assert_true(same_numbers(lean.place[2].demand, last->demand));
    assert_int_equal(lean.place[2].grads, 0);
    assert_null(lean.grad_x);
    nb_trace_free(ctx, &lean);
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* Who keeps a part of a trace keeps no graph, and may change the parameters. */
static void test_off_the_tape(void **state)
{
    (void)state;
    nb_net *net = squares();
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 4, 2, 0, 1, 3);
    nb_trace trace = {.cost = 0};
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    assert_null(trace.x->link);
    for (int p = 0; p < trace.places; p++) {
        const nb_trace_place *place = &trace.place[p];
        assert_true(!place->z->link && !place->a->link && !place->delta->link);
        for (int i = 0; i < place->grads; i++) assert_null(place->grad[i]->link);
    }
    assert_int_equal(net->values->storage->readers, 0);
    assert_null(x->link);
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delta_without_parameters),
        TEST(inputs_and_demand),
        TEST(off_the_tape),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
