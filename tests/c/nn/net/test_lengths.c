/* Lengths of padded sequences in a pass: where they are bound, what they must be, and that a cost
 * over steps counts the real ones alone. */
#include "../nets.h"

#include "../../support.h"
#include "nn/net/stream.h"
#include "nn/train/judge/evaluate.h"

#include <math.h>

/* i32 (count) of these. */
static nb_tensor *lengths_of(int64_t count, const int32_t *length)
{
    nb_tensor *t = nb_tensor_new(ctx, NB_I32, 1, &count);
    assert_non_null(t);
    memcpy(nb_tensor_data(t), length, (size_t)count * sizeof *length);
    return t;
}

/* (n, T, k) in f64 of numbers in -1 … 1. */
static nb_tensor *sequences(int64_t n, int64_t T, int64_t k, uint64_t seed)
{
    nb_tensor *flat = uniform(ctx, NB_F64, n * T, k, -1, 1, seed);
    nb_tensor *t = nb_tensor_reshape(ctx, flat, 3, (const int64_t[]){n, T, k});
    nb_tensor_release(ctx, flat);
    assert_non_null(t);
    return t;
}

/* Example i alone, of its real steps. */
static nb_tensor *alone(nb_tensor *x, int64_t i, int64_t length)
{
    nb_tensor *one = nb_tensor_narrow(ctx, x, 0, i, 1, 1);
    nb_tensor *real = nb_tensor_narrow(ctx, one, 1, 0, length, 1);
    nb_tensor_release(ctx, one);
    return real;
}

static double cost_of(nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor *lengths)
{
    const nb_mode mode = {.lengths = lengths};
    nb_result pass;
    if (nb_net_run(ctx, net, x, y, &mode, NULL, &pass) != NB_OK) fail_msg("%s", ctx->message);
    double cost = nb_tensor_item(pass.cost);
    nb_result_free(ctx, &pass);
    return cost;
}

/* The cost, and its gradient at every parameter: a copy. */
static nb_tensor *gradient_of(nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor *lengths,
                              double *cost)
{
    const nb_mode mode = {.lengths = lengths};
    if (nb_net_learn(ctx, net, x, y, &mode, NULL, cost) != NB_OK) fail_msg("%s", ctx->message);
    nb_tensor *grads = nb_tensor_clone(ctx, net->grads);
    assert_non_null(grads);
    return grads;
}

/* Whether cost and gradient are those means over 4 + 1 + 2 real steps that sequences alone give;
 * what stands in the padding is nobody's, infinities of targets too. */
static void check_real_steps(const char *notation)
{
    static const int32_t length[] = {4, 1, 2};
    nb_net *net = net_of(ctx, notation, NB_F64);
    nb_tensor *x = sequences(3, 4, 3, 1), *y = sequences(3, 4, 2, 2);
    nb_tensor *lengths = lengths_of(3, length);
    double sum = 0, real, cost;
    nb_tensor *whole = gradient_of(net, x, y, lengths, &real);
    double *rest = nb_tensor_data(whole);
    for (int64_t i = 0; i < 3; i++) {
        nb_tensor *one = alone(x, i, length[i]), *target = alone(y, i, length[i]);
        nb_tensor *part = gradient_of(net, one, target, NULL, &cost);
        const double *g = nb_tensor_data(part);
        for (int64_t k = 0; k < part->shape[0]; k++) rest[k] -= length[i] * g[k] / 7;
        sum += length[i] * cost;
        nb_tensor_release(ctx, one);
        nb_tensor_release(ctx, target);
        nb_tensor_release(ctx, part);
    }
    assert_true(fabs(real - sum / 7) < 1e-14);
    for (int64_t k = 0; k < whole->shape[0]; k++) assert_true(fabs(rest[k]) < 1e-14);
    assert_true(fabs(real - cost_of(net, x, y, NULL)) > 1e-5);
    nb_tensor_set(x, (const int64_t[]){1, 1, 0}, 50);
    nb_tensor_set(y, (const int64_t[]){2, 2, 0}, INFINITY);
    assert_true(cost_of(net, x, y, lengths) == real);
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, lengths);
    nb_net_release(ctx, net);
}

static void test_cost_of_real_steps(void **state)
{
    (void)state;
    check_real_steps("*x3 - 5 tanh - 2 : mse");
    check_real_steps("*x3 - positions - 2 tanh : mse");
    check_real_steps("*x3 - positions 6 - attention 3 - 2 tanh : mse");
    check_real_steps("*x3 - residual[attention 1 causal] - attention 3 - 2 : mse");
}

static void check_refused(const char *notation, int64_t count, const int32_t *length,
                          const char *message)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    nb_tensor *x = sequences(2, 4, 3, 1), *lengths = lengths_of(count, length);
    const nb_mode mode = {.lengths = lengths};
    nb_result pass;
    assert_true(nb_net_run(ctx, net, x, NULL, &mode, NULL, &pass) != NB_OK);
    assert_string_equal(ctx->message, message);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, lengths);
    nb_net_release(ctx, net);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("*x3 - 2", 2, (const int32_t[]){0, 4},
                  "x: example 1 cannot have 0 steps; lengths are from 1 to 4, the steps of 2x4x3");
    check_refused("*x3 - 2", 2, (const int32_t[]){1, 5},
                  "x: example 2 cannot have 5 steps; lengths are from 1 to 4, the steps of 2x4x3");
    check_refused("*x3 - 2", 3, (const int32_t[]){1, 2, 3},
                  "x: 2x4x3 needs a length for each example, not 3");
    check_refused("4x3 - flatten - 2", 2, (const int32_t[]){1, 2},
                  "sequences of different lengths need a free first size, *; the network takes "
                  "4x3");
}

/* ---- When memory ends ------------------------------------------------------------------------ */

enum { LIST = 3 };

typedef struct lists {
    nb_tensor *x[LIST], *y[LIST];
} lists;

/* A set of sequences, evaluated, and one pass of backpropagation over all of it. */
static nb_status try_sequences(nb_ctx *c, nb_net *net, void *arg)
{
    const lists *of = arg;
    const nb_sequences from = {.x = of->x, .count = LIST, .y_list = of->y, .y_count = LIST};
    nb_set *set = nb_set_of_sequences(c, &from);
    nb_evaluation evaluation;
    nb_batch batch = {.x = NULL};
    nb_tensor *x = NULL, *y = NULL;
    double cost;
    nb_status status = set ? nb_evaluate(c, net, set, &evaluation) : c->status;
    if (status == NB_OK) status = nb_batch_new(c, net, set, LIST, &x, &y);
    if (status == NB_OK) status = nb_batch_gather(c, set, NULL, 0, LIST, 0, x, y, &batch);
    const nb_mode mode = {.learning = true, .lengths = batch.lengths};
    if (status == NB_OK) {
        assert_non_null(batch.lengths);
        status = nb_net_learn(c, net, batch.x, batch.y, &mode, NULL, &cost);
    }
    nb_batch_free(c, &batch);
    nb_tensor_release(c, x);
    nb_tensor_release(c, y);
    nb_set_release(c, set);
    return status;
}

/* Three steps of a stream, the last by a copy. */
static nb_status try_stream(nb_ctx *c, nb_net *net, void *arg)
{
    const lists *of = arg;
    nb_net_stream stream, copy = {.net = NULL};
    nb_status status = nb_net_stream_begin(c, net, &stream);
    for (int i = 0; i < 2 && status == NB_OK; i++) {
        nb_tensor *out = nb_net_stream_run(c, &stream, of->x[i]);
        status = out ? NB_OK : c->status;
        nb_tensor_release(c, out);
    }
    if (status == NB_OK) status = nb_net_stream_copy(c, &copy, &stream);
    nb_tensor *out = status == NB_OK ? nb_net_stream_run(c, &copy, of->x[2]) : NULL;
    if (status == NB_OK && !out) status = c->status;
    nb_tensor_release(c, out);
    nb_net_stream_reset(c, &stream);
    nb_net_stream_reset(c, &copy);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "*x3 - gru 2 both - lstm 2 layers=2 - 2 : mse", NB_F64);
    nb_net *steps = net_of(ctx, "*x3 - gru 2 - lstm 2 layers=2 - 2 : mse", NB_F64);
    lists of;
    for (int i = 0; i < LIST; i++) {
        of.x[i] = uniform(ctx, NB_F64, i + 1, 3, -1, 1, (uint64_t)i);
        of.y[i] = uniform(ctx, NB_F64, i + 1, 2, 0, 1, (uint64_t)i);
    }
    sweep(ctx, net, try_sequences, &of);
    sweep(ctx, steps, try_stream, &of);
    for (int i = 0; i < LIST; i++) {
        nb_tensor_release(ctx, of.x[i]);
        nb_tensor_release(ctx, of.y[i]);
    }
    nb_net_release(ctx, net);
    nb_net_release(ctx, steps);
}

/* Every kind of layer says whether it can answer step by step, and why where it never can. */
static void test_streaming_is_said(void **state)
{
    (void)state;
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *type = nb_layer_types[i];
        if (!type->streaming || (type->streaming == NB_STREAM_NEVER && !type->whole))
            fail_msg("%s does not say whether it can answer step by step", type->name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cost_of_real_steps),
        TEST(refused),
        TEST(memory_ends),
        TEST(streaming_is_said),
    };
    return cmocka_run_group_tests_name("lengths", tests, NULL, NULL);
}
