/* Hostile notation: whatever bytes come, they are a network or a marked error, soon, and nothing is
 * left behind. */
#include "nn/notation/notation.h"

#include "../../support.h"
#include "base/random.h"
#include "nn/notation/write.h"

#include <stdio.h>

/* What was read can be written, without a plan too, and what is written is read and written again
 * likewise. */
static void write_anything(const nb_net *net)
{
    nb_text text, second;
    nb_text_init(&text, ctx);
    nb_text_init(&second, ctx);
    nb_notation_write(&text, net);
    nb_net *again = nb_notation_parse(ctx, nb_text_get(&text), NULL);
    if (!again) fail_msg("%s", ctx->message);
    nb_notation_write(&second, again);
    assert_string_equal(nb_text_get(&text), nb_text_get(&second));
    nb_text_free(&text);
    nb_text_free(&second);
    nb_net_release(ctx, again);
}

static void read_anything(const char *text)
{
    nb_net *net = nb_notation_parse(ctx, text, NULL);
    if (net) {
        assert_true(net->layer.children > 0 && net->in_dims > 0 && net->cost.type);
        write_anything(net);
        nb_net_release(ctx, net);
    } else {
        assert_int_equal(ctx->status, NB_EARG);
        assert_int_equal(ctx->message[strlen(ctx->message) - 1], '^');
    }
    nb_layer_release(ctx, nb_notation_parse_layer(ctx, text, NULL));
}

/* Words of the grammar in any order reach further into it than bytes do. */
static void test_words(void **state)
{
    (void)state;
    static const char *const words[] = {
        "64",  "-",   "30",     " ",    "1x28", "relu",   "@",       "7",           "..",   "12",
        ":",   "mse", "init",   "=",    "he",   "name",   "a",       "dense",       "fn",   "-30",
        "0",   "\n",  "[",      "]",    "|",    "*",      "2*[",     "residual[",   "net[", "@a",
        "1.1", "(",   ")",      ",",    "]",    " - ",    "name=a",  "99999999999", "\xFF", ".",
        "@1",  "*x",  "frozen", "true", "]]",   "slope=", "softmax", "parallel",    "3*[",  "1e3"};
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 50000; round++) {
        char text[500] = "64 - 30 ";
        int count = (int)nb_random_below(&stream, 24);
        for (int i = 0; i < count; i++) {
            strcat(text, words[nb_random_below(&stream, sizeof words / sizeof words[0])]);
            if (nb_random_below(&stream, 3) == 0) strcat(text, " ");
        }
        read_anything(text);
    }
}

static const char whole[] =
    "*x64 - 64 relu@7 tanh@9..12 init=constant(value=-2) name=e - 3*[residual[@e - 64 "
    "leaky_relu(slope=0.2) | parallel[30 frozen | 34 | ] name=] name=r frozen=false] - net[dense "
    "10 "
    "softmax] - @e : cross_entropy";

static void test_bytes(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(6, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 50000; round++) {
        char text[sizeof whole];
        strcpy(text, whole);
        for (int i = 0; i < 3; i++) {
            text[nb_random_below(&stream, sizeof text - 1)] = (char)nb_random_below(&stream, 256);
        }
        read_anything(text);
    }
}

/* A text that ends early, and one that begins late. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole; i++) {
        char text[sizeof whole];
        snprintf(text, i + 1, "%s", whole);
        read_anything(text);
        read_anything(whole + i);
    }
}

/* A hundred thousand letters, layers, sizes, neurons or brackets: time and stack stay small. */
static void test_long(void **state)
{
    (void)state;
    static const char *const parts[] = {"a",         "-",
                                        "64 - 30",   " - 30",
                                        "9",         "x1",
                                        " ",         " relu@7",
                                        "\xE2",      "[",
                                        "residual[", " - net[30",
                                        "2*[",       "]",
                                        "|",         "(slope=1",
                                        "@1",        " - @1",
                                        "*x",        "1.",
                                        "*",         "-residual[30]",
                                        "-2*[3]"};
    enum { TIMES = 100000, LONGEST = 16 };
    char *text = malloc(TIMES * LONGEST + 16);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t length = (size_t)sprintf(text, "64 - 30");
        for (int n = 0; n < TIMES; n++) {
            memcpy(text + length, parts[i], strlen(parts[i]));
            length += strlen(parts[i]);
        }
        text[length] = '\0';
        read_anything(text);
    }
    free(text);
}

/* The most layers that a text may say, all with names, are read and written in good time. */
static void test_many_names(void **state)
{
    (void)state;
    enum { EACH = 20 };
    char *text = malloc(NB_LAYER_PLACES * EACH + 16);
    assert_non_null(text);
    size_t length = (size_t)sprintf(text, "1");
    for (int i = 0; i < NB_LAYER_PLACES; i++)
        length += (size_t)sprintf(text + length, "-1 name=n%d", i);
    read_anything(text);
    free(text);
}

static nb_status parse_once(void *text)
{
    nb_net *net = nb_notation_parse(ctx, text, NULL);
    nb_net_release(ctx, net);
    return net ? NB_OK : ctx->status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    char text[] =
        "4 - 3 relu@1 tanh@2 relu@3 name=a - 2*[3] - residual[3 | 3 elu@1] - net[@1 - 3] - @a";
    sweep(parse_once, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words), TEST(bytes), TEST(cut), TEST(long), TEST(many_names), TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
