/* Networks as text: the canonical notation and the table. That it reads back is in test_notation.c.
 */
#include "nn/notation/describe.h"

#include "../../support.h"

#include <stdio.h>

static nb_net *net_of(const char *notation)
{
    nb_net_spec spec = {.layers = 0};
    if (nb_notation_parse(ctx, notation, NULL, &spec) != NB_OK) fail_msg("%s", ctx->message);
    nb_net *net = nb_net_new(ctx, &spec, NB_F32, 1);
    assert_non_null(net);
    nb_net_spec_free(ctx, &spec);
    return net;
}

typedef void write_fn(nb_text *text, const nb_net *net);

static void assert_written(write_fn *write, const char *notation, const char *expected)
{
    nb_net *net = net_of(notation);
    nb_text text;
    nb_text_init(&text, ctx);
    write(&text, net);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
    nb_net_release(ctx, net);
}

static void test_notation(void **state)
{
    (void)state;
    assert_written(nb_notation_write, "64-30-10", "64 - 30 sigmoid - 10 sigmoid : quadratic");
    assert_written(nb_notation_write,
                   "4 - dense 3 name=h relu init=glorot - 2 softmax : cross_entropy",
                   "4 - 3 relu init=glorot name=h - 2 softmax : cross_entropy");
    /* An initialiser that the activation has anyway is not worth a word. */
    assert_written(nb_notation_write, "4 - 3 relu init=he", "4 - 3 relu : quadratic");
    assert_written(nb_notation_write, "4 - 9 tanh@2 relu@4..5 tanh@6",
                   "4 - 9 sigmoid tanh@2 relu@4..5 tanh@6 : quadratic");
    /* The activation of most neurons comes first, whatever was said. */
    assert_written(nb_notation_write, "4 - 9 relu@3..9", "4 - 9 relu sigmoid@1..2 : quadratic");
}

static void test_table(void **state)
{
    (void)state;
    assert_written(nb_net_describe, "64 - 30 - 10",
                   "64 - 30 sigmoid - 10 sigmoid : quadratic\n"
                   "  #  layer        output  activation  parameters\n"
                   "  1  dense            30  sigmoid          1,950\n"
                   "  2  dense            10  sigmoid            310\n"
                   "                                           2,260");
}

/* Columns grow with what stands in them; a list of activations does not grow beyond its limit. */
static void test_wide_table(void **state)
{
    (void)state;
    assert_written(nb_net_describe, "1 - 1234567 relu@7",
                   "1 - 1234567 sigmoid relu@7 : quadratic\n"
                   "  #  layer         output  activation       parameters\n"
                   "  1  dense        1234567  sigmoid, relu@7   2,469,134\n"
                   "                                             2,469,134");
    assert_written(
        nb_net_describe, "3 - 20 relu@1 tanh@2 relu@3 tanh@4 relu@5 name=a_long_name",
        "3 - 20 sigmoid relu@1 tanh@2 relu@3 tanh@4 relu@5 name=a_long_name : quadratic\n"
        "  #  layer                output  activation                        parameters\n"
        "  1  dense (a_long_name)      20  sigmoid, relu@1, tanh@2, relu@3…          80\n"
        "                                                                            80");
}

/* Of more layers than NB_DESCRIBE_LAYERS the first and the last stand in the table. */
static void test_many_layers(void **state)
{
    (void)state;
    for (int layers = NB_DESCRIBE_LAYERS; layers <= NB_DESCRIBE_LAYERS + 1; layers++) {
        char notation[8 * NB_DESCRIBE_LAYERS] = "1";
        for (int i = 0; i < layers; i++) strcat(notation, "-1");
        nb_net *net = net_of(notation);
        nb_text text;
        nb_text_init(&text, ctx);
        nb_net_describe(&text, net);
        bool cut = layers > NB_DESCRIBE_LAYERS;
        assert_true((strstr(nb_text_get(&text), "\n  …\n") != NULL) == cut);
        assert_true((strstr(nb_text_get(&text), "\n   51  dense") == NULL) == cut);
        assert_non_null(strstr(nb_text_get(&text), "\n   50  dense"));
        assert_non_null(strstr(nb_text_get(&text), "\n   52  dense"));
        nb_text_free(&text);
        nb_net_release(ctx, net);
    }
}

static nb_status describe_once(void *net)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_net_describe(&text, net);
    nb_status status = text.failed ? ctx->status : NB_OK;
    nb_text_free(&text);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = net_of("64 - 30 relu@7 tanh@9 - 10 - 10 - 10 - 10 - 10 - 10");
    sweep(describe_once, net);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notation), TEST(table), TEST(wide_table), TEST(many_layers), TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
