/* Steps over rows of non-zeros where not all batches take them, where a batch is cut into pieces,
 * and where memory for the rows' transpose ends. */
#include "../nets.h"

#include "nn/train/run/train.h"

#include "../../support.h"

#include "thin_sets.h"

#include <math.h>
#include <string.h>

enum { INPUTS = 70 };

typedef struct course {
    const char *notation;
    int every;
    int64_t examples, batch, pieces;
    bool whole; /* its pieces take rows with their zeros */
} course;

/* The parameters behind two epochs; `apart`: of single ops, whose pieces go one by one. */
static nb_tensor *values_after(const course *c, bool thin, bool apart)
{
    nb_net *net = net_of(ctx, c->notation, NB_F32);
    nb_set *set = set_of(c->examples, INPUTS, 3, c->every, thin);
    nb_optimizer optimizer;
    nb_history history = {.epochs = 0};
    nb_optimizer_init(&optimizer, nb_optimizer_find("sgd"));
    optimizer.options.momentum = 0.9;
    optimizer.options.lr = 0.05;
    nb_train_options options = {
        .run = {.batch = c->batch, .seed = 3, .optimizer = &optimizer, .pieces = c->pieces},
        .epochs = 2};
    ctx->apart = apart;
    if (nb_train(ctx, net, set, &options, &history) != NB_OK) fail_msg("%s", ctx->message);
    ctx->apart = false;
    nb_tensor *values = nb_tensor_clone(ctx, net->values);
    nb_history_free(ctx, &history);
    nb_optimizer_free(ctx, &optimizer);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
    return values;
}

static void assert_near(nb_tensor *a, nb_tensor *b)
{
    const float *x = nb_tensor_data(a), *y = nb_tensor_data(b);
    for (int64_t i = 0; i < nb_tensor_count(a); i++) assert_true(fabsf(x[i] - y[i]) < 1e-5f);
}

static bool suits(const course *c, int64_t batch)
{
    nb_net *net = net_of(ctx, c->notation, NB_F32);
    return steps_take(net, set_of(c->examples, INPUTS, 3, c->every, true), batch);
}

/* The rows of a last batch may be too few for what the others take. */
static void test_mixed(void **state)
{
    static const course c = {"70 - 64 tanh - 3 : quadratic", 4, 50, 40, 1, false};
    (void)state;
    assert_true(suits(&c, 40));
    assert_false(suits(&c, 10));
    nb_tensor *thin = values_after(&c, true, false), *dense = values_after(&c, false, false);
    assert_false(same_bits(ctx, thin, dense));
    assert_near(thin, dense);
    nb_tensor_release(ctx, thin);
    nb_tensor_release(ctx, dense);
}

/* Pieces take such rows too, each its own, in one pass or one by one. */
static void test_pieces(void **state)
{
    static const course courses[] = {
        {"70 - 9 tanh - 3 sigmoid : cross_entropy", 6, 250, 96, 8, false},
        {"70 - 120 relu - 3 sigmoid : cross_entropy", 6, 250, 96, 3, false},
        {"70 - 120 relu - 3 sigmoid : cross_entropy", 4, 250, 64, 2, false},
        {"70 - 120 relu - 3 : quadratic", 4, 240, 62, 2, true},
        {"70 - 9 tanh - dropout 0.2 - 3 : quadratic", 6, 90, 60, 4, false},
        {"70 - 9 tanh - batch_norm - 3 : quadratic", 6, 90, 60, 4, true}};
    (void)state;
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        const course *c = &courses[i];
        nb_tensor *together = values_after(c, true, false), *apart = values_after(c, true, true);
        nb_tensor *dense = values_after(c, false, false);
        if (!same_bits(ctx, together, apart)) fail_msg("%s", c->notation);
        assert_int_equal(same_bits(ctx, together, dense), c->whole);
        assert_near(together, dense);
        nb_tensor_release(ctx, together);
        nb_tensor_release(ctx, apart);
        nb_tensor_release(ctx, dense);
    }
}

/* BP4 of many rows goes by their transpose: without memory for it w stays what it was. */
static void test_transpose(void **state)
{
    enum { ROWS = 64, NEURONS = 120, REQUESTS = 3 };
    nb_set *set = set_of(ROWS, INPUTS, 3, 6, true);
    nb_thin x = {.dtype = NB_F32, .columns = INPUTS};
    nb_tensor *delta = uniform(ctx, NB_F32, ROWS, NEURONS, 0, 1, 3);
    nb_tensor *out = nb_tensor_zeros(ctx, NB_F32, SHAPE(INPUTS, NEURONS));
    const nb_turned_w w = {.data = nb_tensor_data(out), .m = NEURONS, .ld = NEURONS};
    const nb_real_kernels *real = nb_real(NB_F32);
    (void)state;
    assert_int_equal(nb_set_gather_thin(ctx, set, NULL, 0, ROWS, 0, &x), NB_OK);
    nb_pool_trim(ctx);
    ctx->memory.pool_cap = 0;
    for (uint64_t n = 1; n <= REQUESTS; n++) {
        size_t live = ctx->memory.live;
        ctx->memory.fail_at = ctx->memory.requests + n;
        assert_int_equal(nb_thin_back(ctx, &x, 1, nb_tensor_data(delta), w), NB_EMEMORY);
        assert_int_equal(ctx->memory.live, live);
        assert_true(real->magnitude(INPUTS * NEURONS, w.data) == 0);
    }
    ctx->memory.fail_at = 0;
    ctx->memory.pool_cap = NB_POOL_CAP;
    assert_int_equal(nb_thin_back(ctx, &x, 1, nb_tensor_data(delta), w), NB_OK);
    assert_true(real->magnitude(INPUTS * NEURONS, w.data) > 0);
    nb_thin_free(ctx, &x);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, delta);
    nb_set_release(ctx, set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(mixed), TEST(pieces), TEST(transpose)};
    return cmocka_run_group_tests_name("mixed", tests, NULL, NULL);
}
