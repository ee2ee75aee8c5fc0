/* Evaluation: which answers are right, and means over sets of several chunks. */
#include "../nets.h"

#include "../../support.h"
#include "nn/train/judge/evaluate.h"

#include <math.h>

/* A network that gives its input to its activation: w is the unit matrix, b is 0. */
static nb_net *identity_net(const char *notation, int64_t n)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    assert_int_equal(nb_tensor_fill(ctx, net->values, 0), NB_OK);
    for (int64_t i = 0; i < n; i++) nb_tensor_set(value_of(net, 0, 0), (const int64_t[]){i, i}, 1);
    return net;
}

/* The part of right answers, or NaN. */
static double accuracy(const char *notation, nb_tensor *x, nb_tensor *y)
{
    nb_net *net = identity_net(notation, x->shape[1]);
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    nb_evaluation out;
    if (!set || nb_evaluate(ctx, net, set, &out) != NB_OK) fail_msg("%s", ctx->message);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
    return nb_evaluation_accuracy(&out);
}

/* A single output answers yes above one half: of a, whether the cost goes on from z or not. z = 0.3
 * and 0.45 are a = 0.57 and 0.61 after sigmoid; z = -0.2 is a = 0.45. */
static void test_one_output(void **state)
{
    (void)state;
    nb_tensor *z = tensor_of(NB_F64, SHAPE(4, 1), VALUES(0.3, 0.45, -0.2, 0.7)),
              *after = tensor_of(NB_F64, SHAPE(4, 1), VALUES(1, 1, 0, 1)),
              *linear = tensor_of(NB_F64, SHAPE(4, 1), VALUES(0, 0, 0, 1));
    assert_true(accuracy("1 - 1 sigmoid : cross_entropy", z, after) == 1);
    assert_true(accuracy("1 - 1 sigmoid : quadratic", z, after) == 1);
    assert_true(accuracy("1 - 1 sigmoid : cross_entropy", z, linear) == 0.5);
    assert_true(accuracy("1 - 1 linear : cross_entropy logits=true", z, after) == 1);
    assert_true(accuracy("1 - 1 linear : cross_entropy logits=true", z, linear) == 0.5);
    assert_true(accuracy("1 - 1 linear : quadratic", z, linear) == 1);
    assert_true(accuracy("1 - 1 linear : quadratic", z, after) == 0.5);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, after);
    nb_tensor_release(ctx, linear);
}

/* Targets that name no answer have none: rows whose sum is 1, whose sum of squares is, and others;
 * one row is enough. */
static void test_targets_without_answers(void **state)
{
    (void)state;
    static const double rows[4][2] = {{0.5, 0.5}, {0.6, 0.8}, {1, 1}, {0, 0}};
    nb_tensor *x = tensor_of(NB_F64, SHAPE(3, 2), VALUES(3, 1, 1, 3, 3, 1));
    for (int i = -1; i < 4; i++) {
        nb_tensor *y = tensor_of(NB_F64, SHAPE(3, 2), VALUES(1, 0, 0, 1, 0, 1));
        for (int64_t k = 0; i >= 0 && k < 2; k++)
            nb_tensor_set(y, (const int64_t[]){1, k}, rows[i][k]);
        double part = accuracy("2 - 2 linear : quadratic", x, y);
        if (i < 0)
            assert_true(part == 2 / 3.0);
        else
            assert_true(isnan(part));
        nb_tensor_release(ctx, y);
    }
    nb_tensor_release(ctx, x);
}

/* More examples than one chunk holds, the last one short: the mean is over all examples. */
static void test_chunks(void **state)
{
    enum { EXAMPLES = 1203 };
    (void)state;
    nb_net *net = identity_net("2 - 2 linear : quadratic", 2);
    nb_tensor *x = uniform(ctx, NB_F64, EXAMPLES, 2, -1, 1, 2),
              *y = nb_tensor_zeros(ctx, NB_F64, SHAPE(EXAMPLES, 2));
    double wanted = 0, right = 0;
    for (int64_t i = 0; i < EXAMPLES; i++) {
        double a = nb_tensor_get(x, (const int64_t[]){i, 0}),
               b = nb_tensor_get(x, (const int64_t[]){i, 1});
        nb_tensor_set(y, (const int64_t[]){i, 0}, 1);
        wanted += ((a - 1) * (a - 1) + b * b) / 2 / EXAMPLES;
        right += a >= b;
    }
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    nb_evaluation out;
    assert_int_equal(nb_evaluate(ctx, net, set, &out), NB_OK);
    assert_int_equal(out.examples, EXAMPLES);
    assert_true(fabs(out.cost - wanted) < 1e-13);
    assert_true(nb_evaluation_accuracy(&out) == right / EXAMPLES);
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* Metrics with memory that ends at every request: what was asked for is there whole or not at all.
 */
static void test_metrics_without_memory(void **state)
{
    nb_memory *memory = &ctx->memory;
    (void)state;
    nb_net *net = identity_net("3 - 3 softmax : cross_entropy", 3);
    nb_set *set = random_set(ctx, 70, 3, 3);
    nb_metrics_asked asked = {.count = 2};
    asked.metric[0] = (nb_metric){.type = nb_metrics[NB_METRIC_top_k], .number = {2}};
    asked.metric[1] = (nb_metric){.type = nb_metrics[NB_METRIC_confusion]};
    nb_evaluation out;
    nb_status status = NB_EMEMORY;
    size_t n = 1;
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    for (; status != NB_OK; n++) {
        size_t live = memory->live;
        memory->fail_at = memory->requests + n;
        status = nb_evaluate_with(ctx, net, set, NULL, &asked, &out);
        if (status == NB_OK) break;
        assert_int_equal(memory->live, live);
        assert_null(asked.table[1]);
    }
    memory->fail_at = 0;
    assert_true(n > 10);
    assert_non_null(asked.table[1]);
    double sum = 0, right = 0;
    for (int64_t i = 0; i < 3; i++)
        for (int64_t k = 0; k < 3; k++) {
            double count = nb_tensor_get(asked.table[1], (const int64_t[]){i, k});
            sum += count;
            right += i == k ? count : 0;
        }
    assert_true(sum == 70);
    assert_true(right == (double)out.correct);
    assert_true(asked.value[0] >= right / 70 && asked.value[0] <= 1);
    nb_tensor_release(ctx, asked.table[1]);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_output),
        TEST(targets_without_answers),
        TEST(chunks),
        TEST(metrics_without_memory),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
