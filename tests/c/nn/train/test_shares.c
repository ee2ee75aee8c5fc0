/* From which share of non-zeros on each shape of layer and batch takes dense rows: one non-zero
 * less and exactly those of the limit. The limits are written out here, for they were measured. */
#include "../nets.h"

#include "nn/data/rows/nonzeros.h"
#include "nn/train/judge/few.h"

#include "../../support.h"

#include "thin_sets.h"

#include <stdio.h>

enum { COLUMNS = 100 };

/* A set of n rows of which exactly `count` numbers are not 0. */
static nb_set *set_with(int64_t n, int64_t count)
{
    nb_nonzeros list;
    nb_tensor *y = uniform(ctx, NB_F64, n, 3, 0, 1, 3);
    assert_int_equal(nb_nonzeros_begin(ctx, n, COLUMNS, NB_F64, &list), NB_OK);
    assert_int_equal(nb_nonzeros_reserve(ctx, &list, count), NB_OK);
    for (int64_t i = 0; i < n; i++) {
        int64_t of_row = count * (i + 1) / n - count * i / n;
        for (int64_t j = 0; j < of_row; j++) nb_nonzeros_put(&list, j, 1);
        nb_nonzeros_end_row(&list);
    }
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    nb_set *set = nb_set_of_rows(ctx, feed, 1, y, NULL, 0, NULL);
    if (!set) fail_msg("%s", ctx->message);
    nb_feed_release(ctx, feed);
    nb_tensor_release(ctx, y);
    return set;
}

static nb_net *net_with(int64_t neurons)
{
    char notation[64];
    snprintf(notation, sizeof notation, "%d - %d - 3 : quadratic", COLUMNS, (int)neurons);
    return net_of(ctx, notation, NB_F32);
}

static bool training_takes(int64_t neurons, int64_t batch, int64_t n, int64_t count)
{
    return steps_take(net_with(neurons), set_with(n, count), batch);
}

static bool evaluations_take(int64_t neurons, int64_t batch, int64_t n, int64_t count)
{
    (void)batch;
    nb_net *net = net_with(neurons);
    nb_set *set = set_with(n, count);
    nb_few few;
    assert_int_equal(nb_few_begin(ctx, &few, net, set), NB_OK);
    bool take = few.w;
    nb_few_end(ctx, &few);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
    return take;
}

typedef struct limit {
    int64_t neurons, batch, n, hundredths;
} limit;

typedef bool takes(int64_t neurons, int64_t batch, int64_t n, int64_t count);

static void check(takes *take, size_t limits, const limit *of)
{
    for (size_t i = 0; i < limits; i++) {
        int64_t from = of[i].hundredths * of[i].n * COLUMNS / 100;
        bool below = take(of[i].neurons, of[i].batch, of[i].n, from - 1);
        bool at = take(of[i].neurons, of[i].batch, of[i].n, from);
        if (!below || at) fail_msg("limit %d: %d below, %d at it", (int)i, below, at);
    }
}

static void test_steps(void **state)
{
    (void)state;
    static const limit limits[] = {{3, 4, 64, 28},   {63, 64, 64, 28},   {63, 65, 64, 28},
                                   {64, 1, 64, 20},  {512, 31, 64, 20},  {64, 32, 64, 28},
                                   {64, 65, 64, 28}, {512, 1024, 64, 28}};
    check(training_takes, sizeof limits / sizeof *limits, limits);
}

static void test_evaluations(void **state)
{
    (void)state;
    static const limit limits[] = {
        {3, 0, 64, 35}, {63, 0, 64, 35}, {64, 0, 256, 30}, {1024, 0, 256, 30}};
    check(evaluations_take, sizeof limits / sizeof *limits, limits);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(steps), TEST(evaluations)};
    return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
