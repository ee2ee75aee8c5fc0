/* Layers whose window slides along steps: padded sequences give what each gives alone, lengths
 * follow T, and a causal convolution goes on where a stream stopped. */
#include "nets.h"

#include "../support.h"

enum { SEQUENCES = 3, STEPS = 9, FEATURES = 4 };
static const int32_t lengths[SEQUENCES] = {9, 4, 6};

static nb_tensor *sequences(void)
{
    nb_tensor *flat = uniform(ctx, NB_F64, SEQUENCES * STEPS, FEATURES, -1, 1, 5);
    nb_tensor *t = nb_tensor_reshape(ctx, flat, SHAPE(SEQUENCES, STEPS, FEATURES));
    nb_tensor_release(ctx, flat);
    return t;
}

static nb_tensor *run(nb_net *net, nb_tensor *x, const nb_mode *mode)
{
    nb_result pass;
    if (nb_net_run(ctx, net, x, NULL, mode, NULL, &pass) != NB_OK) fail_msg("%s", ctx->message);
    nb_tensor *out = nb_tensor_retain(pass.output);
    nb_result_free(ctx, &pass);
    return out;
}

/* What stands at the beginning of a row of `all` is `one`, up to one's own size. */
static void assert_begins(const char *text, const nb_tensor *all, int64_t row, const nb_tensor *one)
{
    int64_t steps = one->dims > 2 ? one->shape[1] : 1, features = one->shape[one->dims - 1];
    for (int64_t t = 0; t < steps; t++)
        for (int64_t k = 0; k < features; k++) {
            bool vector = one->dims == 2;
            const int64_t here[3] = {0, vector ? k : t, k}, there[3] = {row, vector ? k : t, k};
            double got = nb_tensor_get(all, there), want = nb_tensor_get(one, here);
            if (!(got - want <= 1e-13 && want - got <= 1e-13))
                fail_msg("%s: sequence %d, step %d is %.17g, not %.17g", text, (int)row, (int)t,
                         got, want);
        }
}

/* Padding is filled with numbers that would show. */
static void check_padded(const char *text)
{
    nb_net *net = net_of(ctx, text, NB_F64);
    nb_tensor *x = sequences(), *length = nb_tensor_new(ctx, NB_I32, SHAPE(SEQUENCES));
    memcpy(nb_tensor_data(length), lengths, sizeof lengths);
    for (int64_t i = 0; i < SEQUENCES; i++)
        for (int64_t t = lengths[i]; t < STEPS; t++)
            for (int64_t k = 0; k < FEATURES; k++)
                nb_tensor_set(x, (const int64_t[]){i, t, k}, 1e3);
    const nb_mode mode = {.lengths = length};
    nb_tensor *all = run(net, x, &mode);
    for (int64_t i = 0; i < SEQUENCES; i++) {
        nb_tensor *own = nb_tensor_narrow(ctx, x, 0, i, 1, 1);
        nb_tensor *real = nb_tensor_narrow(ctx, own, 1, 0, lengths[i], 1);
        nb_tensor *alone = run(net, real, NULL);
        assert_begins(text, all, i, alone);
        nb_tensor_release(ctx, own);
        nb_tensor_release(ctx, real);
        nb_tensor_release(ctx, alone);
    }
    nb_tensor_release(ctx, all);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, length);
    nb_net_release(ctx, net);
}

static void test_padded(void **state)
{
    static const char *const list[] = {
        "*x4 - conv 3 3 tanh",
        "*x4 - conv 3 3 tanh padding=same - conv 2 2 padding=causal",
        "*x4 - conv 3 2 stride=2 padding=1 - conv 2 3 padding=2",
        "*x4 - conv_transpose 3 3 stride=2 output_padding=1 - conv 2 3 padding=same",
        "*x4 - conv_transpose 3 4 stride=3 padding=1 - max_pool 2 - conv 2 2",
        "*x4 - max_pool 2 - 3 - conv 2 2",
        "*x4 - max_pool 3 stride=2 padding=1 - 3 tanh - max_pool 2 stride=1 padding=1 - 2",
        "*x4 - avg_pool 3 stride=2 padding=1 - conv 2 2",
        "*x4 - conv 3 3 - global_avg_pool - 2",
        "*x4 - max_pool 2 padding=1 - global_avg_pool",
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) check_padded(list[i]);
}

/* A sequence that is too short for the window is named, with the layer. */
static void test_too_short(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "*x4 - conv 3 3 dilation=2", NB_F64);
    nb_tensor *x = sequences(), *length = nb_tensor_new(ctx, NB_I32, SHAPE(SEQUENCES));
    memcpy(nb_tensor_data(length), lengths, sizeof lengths);
    const nb_mode mode = {.lengths = length};
    nb_result pass;
    assert_true(nb_net_run(ctx, net, x, NULL, &mode, NULL, &pass) != NB_OK);
    assert_string_equal(ctx->message, "layer 1: example 2 has 4 steps, too few for a window of 5");
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, length);
    nb_net_release(ctx, net);
}

/* Step by step, two at once, then the rest: the whole again. */
static void test_stream(void **state)
{
    (void)state;
    const char *text = "*x4 - conv 3 3 tanh padding=causal dilation=2 - conv 2 1 - conv 3 2 "
                       "padding=causal";
    static const int64_t cut[] = {0, 1, 2, 4, 5, STEPS};
    nb_net *net = net_of(ctx, text, NB_F64);
    nb_tensor *x = sequences(), *whole = run(net, x, NULL);
    nb_state kept = {.places = 0};
    const nb_mode mode = {.state = &kept};
    for (size_t i = 0; i + 1 < sizeof cut / sizeof *cut; i++) {
        nb_tensor *part = nb_tensor_narrow(ctx, x, 1, cut[i], cut[i + 1] - cut[i], 1);
        nb_tensor *out = run(net, part, &mode);
        nb_tensor *of_whole = nb_tensor_narrow(ctx, whole, 1, cut[i], cut[i + 1] - cut[i], 1);
        nb_tensor *off = nb_op2(ctx, NB_OP_sub, out, of_whole);
        nb_tensor *size = nb_op1(ctx, NB_OP_abs, off), *most = nb_op1(ctx, NB_OP_sum, size);
        assert_true(nb_tensor_item(most) < 1e-12);
        nb_tensor *const all[] = {part, out, of_whole, off, size, most};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
    }
    nb_state_free(ctx, &kept);
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(padded),
        TEST(too_short),
        TEST(stream),
    };
    return cmocka_run_group_tests_name("slide", tests, NULL, NULL);
}
