/* Batches that outgrow a cache: how they are cut, and that their gradient is that of one pass. */
#include "../nets.h"

#include "../../support.h"
#include "base/workers.h"
#include "nn/train/learn.h"
#include "nn/train/slices.h"

#include <math.h>
#include <string.h>

enum { STEPS = 64, WIDTH = 12, CLASSES = 8, EXAMPLES = 50, SLICE = 25 };

/* An example is (12 + 24) 64 numbers to its widest layer, 18 KiB of f64: 42 of them take less than
 * 3 << 18 bytes, 43 more. */
#define WORDS "*x12 - 24 tanh - 8 softmax : cross_entropy"
#define LAYERS                                                                                     \
    "*x12 - dropout 0.3 - residual[layer_norm - attention 2 causal] - 24 gelu - 8 softmax : "      \
    "cross_entropy"

/* ---- Sizes ----------------------------------------------------------------------------------- */

static int64_t size_of(const char *notation, nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_net *net = net_of(ctx, notation, dtype);
    nb_tensor *x = nb_tensor_zeros(ctx, dtype, dims, shape);
    assert_non_null(x);
    int64_t size = nb_slice_size(net, x);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    return size;
}

static int64_t steps_of(const char *notation, nb_dtype dtype, int64_t n)
{
    return size_of(notation, dtype, 3, (const int64_t[]){n, STEPS, WIDTH});
}

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(steps_of(WORDS, NB_F64, 0), 0);
    assert_int_equal(steps_of(WORDS, NB_F64, 1), 1);
    assert_int_equal(steps_of(WORDS, NB_F64, 42), 42);
    assert_int_equal(steps_of(WORDS, NB_F64, 43), 22);
    assert_int_equal(steps_of(WORDS, NB_F64, 48), 24);
    assert_int_equal(steps_of(WORDS, NB_F64, 130), 33);
    assert_int_equal(steps_of(WORDS, NB_F32, 84), 84);
    assert_int_equal(steps_of(WORDS, NB_F32, 86), 43);
    assert_int_equal(steps_of(LAYERS, NB_F64, EXAMPLES), SLICE);
}

/* 180 KiB an example, of which 4 take less than 3 << 18 bytes; but each gives
 * 64 (120·240 + 240·8) / (120·240 + 240 + 240·8 + 8) = 63.5 rows, so that 6.05 are the least. */
static void test_least_rows(void **state)
{
    const char *notation = "*x120 - 240 tanh - 8 softmax : cross_entropy";
    (void)state;
    assert_int_equal(size_of(notation, NB_F64, 3, (const int64_t[]){12, STEPS, 120}), 12);
    assert_int_equal(size_of(notation, NB_F64, 3, (const int64_t[]){13, STEPS, 120}), 7);
    assert_int_equal(size_of(notation, NB_F64, 3, (const int64_t[]){90, STEPS, 120}), 7);
}

/* Weights that a slice would read and add to as often as it reads what layers give. */
static void test_many_weights(void **state)
{
    const char *notation = "16x8 steps - 512 relu - 512 relu - 8 softmax : cross_entropy";
    (void)state;
    /* 16 (520 + 1024 + 520) numbers an example, 271,368 parameters: 65.7 are the least. */
    assert_int_equal(size_of(notation, NB_F32, 3, (const int64_t[]){131, 16, 8}), 131);
    assert_int_equal(size_of(notation, NB_F32, 3, (const int64_t[]){132, 16, 8}), 66);
    assert_int_equal(size_of(notation, NB_F32, 3, (const int64_t[]){200, 16, 8}), 67);
}

/* What gains nothing, or would lose. */
static void test_whole_batches(void **state)
{
    const int64_t wide[] = {4096, 784}, image[] = {256, 1, 28, 28};
    (void)state;
    assert_int_equal(steps_of("*x12 - lstm 24 - 8 softmax : cross_entropy", NB_F64, 200), 200);
    assert_int_equal(
        steps_of("*x12 - 24 tanh - batch_norm - 8 softmax : cross_entropy", NB_F64, 200), 200);
    assert_int_equal(
        size_of("784 - 512 relu - 10 softmax : cross_entropy", NB_F32, 2, wide), 4096);
    assert_int_equal(size_of("1x28x28 - conv 20 5 relu - flatten - 10", NB_F32, 4, image), 256);
}

/* ---- The gradient ---------------------------------------------------------------------------- */

typedef struct lab {
    nb_net *net;
    nb_tensor *x, *y, *lengths, *weights;
    nb_mode mode;
} lab;

static nb_tensor *drawn(int64_t n)
{
    nb_tensor *flat = uniform(ctx, NB_F64, n, (int64_t)STEPS * WIDTH, -1, 1, 5);
    nb_tensor *x = nb_tensor_reshape(ctx, flat, 3, (const int64_t[]){n, STEPS, WIDTH});
    nb_tensor_release(ctx, flat);
    return x;
}

static void begin(lab *l, const char *notation)
{
    const int64_t n = EXAMPLES;
    nb_tensor *classes = classes_in_turn(ctx, n * STEPS, CLASSES);
    *l = (lab){.net = net_of(ctx, notation, NB_F64), .x = drawn(n)};
    l->y = nb_tensor_reshape(ctx, classes, 2, (const int64_t[]){n, STEPS});
    nb_tensor_release(ctx, classes);
    assert_true(l->x && l->y);
    l->mode = (nb_mode){.learning = true, .seed = 3, .step = 2};
}

static void add_lengths(lab *l)
{
    const int64_t n = EXAMPLES;
    l->lengths = l->mode.lengths = nb_tensor_new(ctx, NB_I32, 1, &n);
    assert_non_null(l->lengths);
    for (int64_t i = 0; i < n; i++)
        nb_tensor_set(l->lengths, &i, (double)(i == 0 ? STEPS : 1 + i * 7 % STEPS));
}

/* Of examples, or of all of their steps: those of the first slice count nothing where `late`. */
static void add_weights(lab *l, bool steps, bool late)
{
    const int64_t shape[] = {EXAMPLES, STEPS};
    l->weights = l->mode.weights = nb_tensor_new(ctx, NB_F64, steps ? 2 : 1, shape);
    assert_non_null(l->weights);
    double *w = nb_tensor_data(l->weights);
    int64_t each = steps ? STEPS : 1;
    for (int64_t i = 0; i < EXAMPLES * each; i++)
        w[i] = late && i / each < SLICE ? 0 : (double)(1 + i % 4) / 2;
}

static void end(lab *l)
{
    nb_tensor_release(ctx, l->x);
    nb_tensor_release(ctx, l->y);
    nb_tensor_release(ctx, l->lengths);
    nb_tensor_release(ctx, l->weights);
    nb_net_release(ctx, l->net);
}

static nb_whole whole_of(const lab *l)
{
    return (nb_whole){.net = l->net,
                      .x = l->x,
                      .y = l->y,
                      .lengths = l->lengths,
                      .each = l->weights,
                      .mode = &l->mode};
}

static nb_status in_slices(nb_ctx *c, nb_net *net, void *arg)
{
    const lab *l = arg;
    const nb_whole whole = whole_of(l);
    double cost;
    (void)net;
    return nb_slices_learn(c, &whole, SLICE, NULL, &cost);
}

static void check_near(nb_tensor *a, nb_tensor *b, double times)
{
    for (int64_t i = 0; i < nb_tensor_count(a); i++) {
        double wanted = nb_tensor_get(b, &i) * times;
        assert_true(fabs(nb_tensor_get(a, &i) - wanted) <= 1e-13 * (1 + fabs(wanted)));
    }
}

/* That of nb_net_learn, and once more onto a sum. */
static void check_gradient(lab *l)
{
    const nb_whole whole = whole_of(l);
    nb_home *home = l->net->home;
    const nb_sink sum = {
        .from = l->net->whole->storage, .into = home->grads, .alpha = 3, .beta = 1};
    double wanted, cost;
    assert_int_equal(nb_net_learn(ctx, l->net, l->x, l->y, &l->mode, NULL, &wanted), NB_OK);
    nb_tensor *once = nb_tensor_clone(ctx, l->net->grads);
    assert_int_equal(nb_slices_learn(ctx, &whole, SLICE, NULL, &cost), NB_OK);
    assert_true(fabs(cost - wanted) <= 1e-13);
    assert_int_equal(home->state, NB_HOME_FILLED);
    check_near(l->net->grads, once, 1);
    assert_int_equal(nb_slices_learn(ctx, &whole, SLICE, &sum, &cost), NB_OK);
    assert_true(fabs(cost - wanted) <= 1e-13);
    check_near(l->net->grads, once, 4);
    nb_tensor_release(ctx, once);
    end(l);
}

static void test_gradient(void **state)
{
    lab l;
    (void)state;
    begin(&l, WORDS);
    check_gradient(&l);
    begin(&l, LAYERS);
    check_gradient(&l);
    begin(&l, LAYERS);
    add_lengths(&l);
    check_gradient(&l);
    for (int k = 0; k < 4; k++) {
        begin(&l, LAYERS);
        if (k & 1) add_lengths(&l);
        add_weights(&l, k & 2, k == 0);
        check_gradient(&l);
    }
}

static void test_threads(void **state)
{
    lab l;
    (void)state;
    begin(&l, LAYERS);
    nb_set_threads(ctx, 1);
    assert_int_equal(in_slices(ctx, l.net, &l), NB_OK);
    nb_tensor *one = nb_tensor_clone(ctx, l.net->grads);
    nb_set_threads(ctx, 3);
    assert_int_equal(in_slices(ctx, l.net, &l), NB_OK);
    nb_set_threads(ctx, 1);
    assert_true(same_bits(ctx, one, l.net->grads));
    nb_tensor_release(ctx, one);
    end(&l);
}

/* ---- Learning -------------------------------------------------------------------------------- */

static nb_lesson lesson_of(const lab *l, bool keep)
{
    return (nb_lesson){.x = l->x,
                       .y = l->y,
                       .lengths = l->lengths,
                       .weights = l->weights,
                       .rate = 0.1,
                       .seed = l->mode.seed,
                       .step = l->mode.step,
                       .keep_grads = keep};
}

/* A step goes by that gradient, also where it would else go straight into the parameters. */
static void test_step(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        lab l;
        nb_optimizer sgd;
        double cost;
        begin(&l, LAYERS);
        nb_optimizer_init(&sgd, nb_optimizer_find("sgd"));
        const nb_lesson lesson = lesson_of(&l, keep);
        assert_int_equal(in_slices(ctx, l.net, &l), NB_OK);
        nb_tensor *slope = nb_tensor_clone(ctx, l.net->grads);
        nb_tensor *was = nb_tensor_clone(ctx, l.net->values);
        assert_int_equal(nb_learn(ctx, l.net, &sgd, &lesson, &cost), NB_OK);
        assert_true(same_bits(ctx, slope, l.net->grads));
        for (int64_t i = 0; i < nb_net_count(l.net); i++) {
            double wanted = nb_tensor_get(was, &i) - 0.1 * nb_tensor_get(slope, &i);
            assert_true(fabs(nb_tensor_get(l.net->values, &i) - wanted) <= 1e-15);
        }
        nb_tensor_release(ctx, was);
        nb_tensor_release(ctx, slope);
        nb_optimizer_free(ctx, &sgd);
        end(&l);
    }
}

/* The mean of two lessons that count 3 and 1, which are the same: that of one. */
static void test_group(void **state)
{
    lab l;
    nb_group group = {.lessons = 0};
    double cost;
    (void)state;
    begin(&l, LAYERS);
    const nb_lesson lesson = lesson_of(&l, true);
    assert_int_equal(in_slices(ctx, l.net, &l), NB_OK);
    nb_tensor *slope = nb_tensor_clone(ctx, l.net->grads);
    assert_int_equal(nb_group_add(ctx, l.net, &group, &lesson, 3, &cost), NB_OK);
    assert_int_equal(nb_group_add(ctx, l.net, &group, &lesson, 1, &cost), NB_OK);
    check_near(l.net->grads, slope, 4);
    nb_group_drop(ctx, l.net, &group);
    nb_tensor_release(ctx, slope);
    end(&l);
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

/* In the second slice, called by its place in the batch. */
static void test_not_finite(void **state)
{
    lab l;
    (void)state;
    begin(&l, WORDS);
    nb_tensor_set(l.x, (const int64_t[]){SLICE + 5, 3, 7}, (double)NAN);
    nb_tensor *was = nb_tensor_clone(ctx, l.net->values);
    assert_int_equal(in_slices(ctx, l.net, &l), NB_EVALUE);
    assert_non_null(strstr(ctx->message, "example 31"));
    assert_int_equal(l.net->home->state, NB_HOME_NEW);
    assert_true(same_bits(ctx, was, l.net->values));
    nb_tensor_release(ctx, was);
    end(&l);
}

/* The same as one pass says. */
static void test_no_weight(void **state)
{
    lab l;
    double cost;
    (void)state;
    begin(&l, WORDS);
    add_weights(&l, false, false);
    memset(nb_tensor_data(l.weights), 0, EXAMPLES * sizeof(double));
    nb_status wanted = nb_net_learn(ctx, l.net, l.x, l.y, &l.mode, NULL, &cost);
    assert_int_equal(in_slices(ctx, l.net, &l), wanted);
    end(&l);
}

static void test_memory(void **state)
{
    lab l;
    (void)state;
    begin(&l, LAYERS);
    add_lengths(&l);
    add_weights(&l, true, false);
    sweep(ctx, l.net, in_slices, &l);
    end(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes),      TEST(least_rows), TEST(many_weights), TEST(whole_batches),
        TEST(gradient),   TEST(threads),    TEST(step),         TEST(group),
        TEST(not_finite), TEST(no_weight),  TEST(memory),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
