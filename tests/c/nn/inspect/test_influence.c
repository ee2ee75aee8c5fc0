/* Retraining without examples where memory ends, and the agreement of ranks. */
#include "../nets.h"

#include "../../support.h"
#include "base/workers.h"
#include "nn/inspect/influence/influence.h"
#include "nn/inspect/influence/ranks.h"

#include <math.h>

enum { ROWS = 6, SEEDS = 2 };

typedef struct asked {
    nb_set *set;
    nb_optimizer optimizer;
    int64_t examples[2];
} asked;

static nb_status find(nb_ctx *c, nb_net *net, void *arg)
{
    asked *of = arg;
    static const uint64_t seeds[SEEDS] = {3, 4};
    const nb_trainer_options run = {.batch = 2, .shuffle = true, .optimizer = &of->optimizer};
    const nb_influence_task task = {
        .course =
            {.net = net, .set = of->set, .test = of->set, .run = &run, .epochs = 2, .reset = true},
        .seeds = seeds,
        .seed_count = SEEDS,
        .examples = of->examples,
        .count = 2};
    nb_influence found;
    nb_status status = nb_influence_find(c, &task, &found);
    if (status == NB_OK) nb_influence_free(c, &found);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "3 - 2 tanh - 2", NB_F32);
    asked of = {.set = random_set(ctx, ROWS, 3, 2), .examples = {4, 1}};
    nb_optimizer_init(&of.optimizer, nb_optimizer_types[NB_OPTIMIZER_adam]);
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    sweep(ctx, net, find, &of);
    nb_optimizer_free(ctx, &of.optimizer);
    nb_set_release(ctx, of.set);
    nb_net_release(ctx, net);
}

/* The optimizer that is given keeps its state, and the network what it was. */
static void test_nothing_moves(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "3 - 2 tanh - 2", NB_F32);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    asked of = {.set = random_set(ctx, ROWS, 3, 2), .examples = {4, 1}};
    nb_optimizer_init(&of.optimizer, nb_optimizer_types[NB_OPTIMIZER_adam]);
    assert_int_equal(find(ctx, net, &of), NB_OK);
    assert_int_equal(of.optimizer.steps, 0);
    assert_true(same_bits(ctx, before, net->values));
    assert_null(net->schema.classes);
    nb_tensor_release(ctx, before);
    nb_optimizer_free(ctx, &of.optimizer);
    nb_set_release(ctx, of.set);
    nb_net_release(ctx, net);
}

static double agreement(int64_t n, const double *a, const double *b)
{
    double out;
    assert_int_equal(nb_rank_agreement(ctx, n, a, b, &out), NB_OK);
    return out;
}

/* Ranks 0 1 2 3 against 1 0 3 2: differences of 1 each, 1 - 6 · 4 / (4 · 15) = 0.6. Against
 * 0, 1.5, 1.5, 3 (a tie): both 4.5, squares 5 and 4.5: 4.5 / √22.5. */
static void test_ranks(void **state)
{
    (void)state;
    static const double rising[] = {-2, 0.5, 3, 1e9}, swapped[] = {5, 4, 7, 6},
                        tied[] = {0, 1, 1, 2};
    static const double same[] = {1, 1, 1, 1}, falling[] = {4, 3, 2, 1}, bad[] = {0, 1, NAN, 2};
    assert_true(fabs(agreement(4, rising, swapped) - 0.6) <= 1e-15);
    assert_true(fabs(agreement(4, rising, tied) - 4.5 / sqrt(22.5)) <= 1e-15);
    assert_true(fabs(agreement(4, rising, falling) + 1) <= 1e-15);
    assert_true(fabs(agreement(4, tied, tied) - 1) <= 1e-15);
    assert_true(isnan(agreement(4, rising, same)));
    assert_true(isnan(agreement(4, bad, rising)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_ends),
        TEST(nothing_moves),
        TEST(ranks),
    };
    return cmocka_run_group_tests_name("influence", tests, NULL, NULL);
}
