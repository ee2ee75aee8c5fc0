/* Every error of notation, with its words and its place. */
#include "nn/notation/notation.h"

#include "../../support.h"

#include <stdio.h>

/* The mark stands below the first '!' of `text`, which is taken out before reading. */
static void assert_refused(const char *text, const char *words)
{
    char clean[256];
    size_t place = strcspn(text, "!");
    assert_true(text[place] == '!');
    snprintf(clean, sizeof clean, "%.*s%s", (int)place, text, text + place + 1);
    if (nb_notation_parse(ctx, clean, NULL)) fail_msg("it was read: %s", clean);
    assert_failed(NB_EARG, words);
    const char *mark = strrchr(ctx->message, '\n') + 1;
    if (strlen(mark) != place + 3) fail_msg("the mark is at the wrong place:\n%s", ctx->message);
}

static void test_shape(void **state)
{
    (void)state;
    assert_refused("!",
                   "expected the input's shape first, such as 64, 1x28x28 or *x64, not the end");
    assert_refused("!dense 30 - 10", "not 'dense'");
    assert_refused("!- 30", "expected the input's shape");
    assert_refused("!@a - 30", "expected the input's shape");
    assert_refused("!0 - 10", "a size must be at least 1, not '0'");
    assert_refused("!-5 - 10", "a size must be at least 1, not '-5'");
    assert_refused("1x!0x28 - 10", "a size must be at least 1, not '0'");
    assert_refused("*x!0 - 10", "a size must be at least 1, not '0'");
    assert_refused("1x!2147483649 - 10", "a size must be at most 2147483648");
    assert_refused("!1x1x1x1x1x1x1x1 - 10", "a shape has at most 7 sizes");
    assert_refused("!6.4 - 10", "not '6.4'");
    assert_refused("64!", "expected '-' and a layer after the input's shape, not the end");
    assert_refused("64 !30", "expected '-' and a layer");
    assert_refused("4!*[30]", "expected '-' and a layer after the input's shape, not '*'");
}

static void test_layers(void **state)
{
    (void)state;
    assert_refused("64 -!", "expected a layer, such as 30 or dense 30 relu, not the end");
    assert_refused("64 - 30 - !", "expected a layer");
    assert_refused("64 - !, 30", "not ','");
    assert_refused("64 - !: mse", "expected a layer");
    assert_refused("64 - !0", "units must be a whole number from 1 to 2147483648, not 0");
    assert_refused("64 - !-30 - 10", "at least 1, not '-30'");
    assert_refused("64 - dense !-30", "units must be at least 1, not '-30'");
    assert_refused("64 - !2147483649", "from 1 to 2147483648, not 2147483649");
    assert_refused("64 - !99999999999999999999999999999", "from 1 to 2147483648, not 1e29");
    assert_refused("64 - !0.5", "units must be a whole number from 1 to 2147483648, not 0.5");
    assert_refused("64 - !3x4", "units must be a whole number from 1 to 2147483648, not '3x4'");
    assert_refused("64 - !1e999", "no number of 64 bits holds this one");
    assert_refused("64 - dense!", "expected the units of dense, not the end");
    assert_refused("64 - dense !relu", "expected the units of dense, not 'relu'");
    assert_refused("64 - dense init=he !- 10", "expected the units of dense, not '-'");
    assert_refused("64 - 30 !20", "dense takes no further number after its units");
    assert_refused("64 - 30 relu !20", "dense takes no further number after its units");
    assert_refused("64 - !dens 30", "unknown layer 'dens'; did you mean 'dense'?");
    assert_refused("64 - !relu 30", "relu is an activation; it stands after a layer's size");
    assert_refused("64 - 30 !dense 10", "expected '-' before the layer 'dense'");
    assert_refused("64 - !fn", "fn holds what notation cannot say; it needs the table form");
    assert_refused(
        "64 - 30!; 10",
        "expected an activation, an option such as init=he, '-', ':' or the end, not ';'");
}

static void test_free_sizes(void **state)
{
    (void)state;
    static const char words[] = "a layer needs its sizes; '*' is a free size of the input's shape";
    assert_refused("64 - !*", words);
    assert_refused("64 - dense !*", words);
    assert_refused("64 - !*x3", words);
    assert_refused("64 - dense !3x*", words);
    assert_refused("64 - dense units=!*", words);
    assert_refused("64 - residual[!*]", words);
}

static void test_activations(void **state)
{
    (void)state;
    assert_refused("1x8x8 - conv 4 3 !same relu", "'same' stands behind its option: padding=same");
    assert_refused("*x8 - conv 4 3 !causal", "'causal' stands behind its option: padding=causal");
    assert_refused("8 - dropout !-1", "rate must be a number from 0, below 1");
    assert_refused("64 - 30 !rleu - 10", "unknown activation 'rleu'; did you mean 'relu'?");
    assert_refused("64 - 30 !rleu@7 - 10", "unknown activation 'rleu'; did you mean 'relu'?");
    assert_refused("64 - 30 !wxyz - 10", "unknown activation 'wxyz'");
    assert_refused("64 - 30 relu !tanh", "neurons that differ are written as tanh@7");
    assert_refused("64 - 30 relu@!0", "a neuron's number must be at least 1, not '0'");
    assert_refused("64 - 30 relu@!-7", "a neuron's number must be at least 1, not '-7'");
    assert_refused("64 - 30 relu@!x", "expected a neuron's number after '@', not 'x'");
    assert_refused("64 - 30 relu@2..!", "expected the last neuron's number after '..'");
    assert_refused("64 - 30 relu@!5..4", "from the first to the last, not from 5 to 4");
    assert_refused("64 - 30 !softmax@3", "softmax belongs to a whole layer");
    assert_refused("64 - 30 softmax !relu@3", "softmax belongs to a whole layer");
    assert_refused("64 - 30 relu@3 !softmax", "softmax belongs to a whole layer");
    assert_refused("64 - residual[64] !relu", "residual has no neurons and takes no activation");
    assert_refused("64 - 30 leaky_relu(!)", "expected an option, such as slope=0.2, not ')'");
    assert_refused("64 - 30 leaky_relu(slope!)", "expected '=' and the option's value, not ')'");
    assert_refused("64 - 30 leaky_relu(slope=!)", "expected a number after 'slope=', not ')'");
    assert_refused("64 - 30 leaky_relu(slope=- !x)", "expected a number after '-', not 'x'");
    assert_refused("64 - 30 leaky_relu(slope=1!",
                   "expected ',' or ')' after the option, not the end");
    assert_refused("64 - 30 leaky_relu(slope=1, !slope=2)", "slope is given twice");
    assert_refused("64 - 30 leaky_relu(!slop=1)",
                   "leaky_relu has no option 'slop'; did you mean 'slope'?");
    assert_refused("64 - 30 relu(!slope=1)", "relu has no option 'slope'");
}

static void test_options(void **state)
{
    (void)state;
    assert_refused("64 - 30 !int=he", "dense has no option 'int'; did you mean 'init'?");
    assert_refused("64 - 30 !colour=red", "dense has no option 'colour'");
    assert_refused("64 - 30 !frozn", "dense has no option 'frozn'; did you mean 'frozen'?");
    assert_refused("64 - residual[64] !frozn",
                   "residual has no option 'frozn'; did you mean 'frozen'?");
    assert_refused("64 - residual[64] !init=he", "residual has no option 'init'");
    assert_refused("64 - 30 init=!hee", "unknown initialiser 'hee'; did you mean 'he'?");
    assert_refused("64 - 30 init=!", "expected the name of an initialiser, not the end");
    assert_refused("64 - 30 !init - 10", "init needs a value, as in init=…");
    assert_refused("64 - 30 init=he !init=he", "init is given twice");
    assert_refused("64 - 30 frozen !frozen", "frozen is given twice");
    assert_refused("64 - 30 frozen !frozen=false", "frozen is given twice");
    assert_refused("64 - 30 frozen=!maybe", "frozen must be true or false, not 'maybe'");
    assert_refused("64 - 30 frozen=!2", "frozen must be true or false, not 2");
    assert_refused("64 - 30 !units=2", "units is given twice");
    assert_refused("64 - dense units=!-2",
                   "units must be a whole number from 1 to 2147483648, not -2");
}

static void test_names(void **state)
{
    (void)state;
    char text[2 * NB_NAME_MAX + 32], name[NB_NAME_MAX + 1] = "";
    assert_refused("64 - 30 name=!1a", "name must be a name of letters, digits and _");
    assert_refused("64 - 30 name=!- 3", "name must be a name of letters, digits and _");
    assert_refused("64 - 30 name=a !name=b", "name is given twice");
    assert_refused("64 - 30 name=a - 3 name=!a", "'a' is the name of an earlier layer already");
    assert_refused("64 - parallel[3 name=a | 3 name=!a]", "'a' is the name of an earlier layer");
    assert_refused("64 - 2*[30 name=!a]", "a layer that is repeated has no name");
    assert_refused("64 - 2*[residual[30] name=!a]", "a layer that is repeated has no name");
    assert_refused("64 - 2*[residual[1*[30 name=!a]]]", "a layer that is repeated has no name");
    memset(name, 'n', NB_NAME_MAX);
    snprintf(text, sizeof text, "64 - 30 name=!%s", name);
    assert_refused(text, "at most 63");
}

static void test_sharing(void **state)
{
    (void)state;
    assert_refused("64 - @!", "expected a layer's name after '@', not the end");
    assert_refused("64 - @!-", "expected a layer's name after '@', not '-'");
    assert_refused("64 - 30 name=head - @!haed", "no layer called 'haed' stands before this place; "
                                                 "did you mean 'head'?");
    assert_refused("64 - @!a - 64 name=a", "no layer called 'a' stands before this place");
    assert_refused("64 - residual[64 name=a] - @!a", "'a' is none of them");
    assert_refused("64 - 64 name=a - net[@!a]", "as far as its network goes; 'a' is none of them");
    assert_refused("64 - residual[64 - @!r] name=r", "@r stands inside the layer 'r' itself");
    assert_refused("64 - residual[@!r | 3*[64] - 64 init=constant(value=-1)] frozen name = r - 2",
                   "@r stands inside the layer 'r' itself");
    assert_refused("64 - net[residual[@!r - 64] frozen] frozen=false name=r",
                   "@r stands inside the layer 'r' itself");
    assert_refused("64 - residual[@!r - 64] - 64 name=r", "no layer called 'r' stands before");
    assert_refused("64 - residual[@!r - residual[64] name=r]", "no layer called 'r' stands before");
    assert_refused("64 - 64 name=a - @a !relu", "expected an activation, an option such");
    assert_refused("64 - 64 - @!2", "no whole layer stands at '2'");
    assert_refused("64 - 64 - @!0", "no whole layer stands at '0'");
    assert_refused("64 - 64 - @!1.1", "no whole layer stands at '1.1'");
    assert_refused("64 - residual[64 - @!1]", "no whole layer stands at '1'");
    assert_refused("64 - residual[64 - @!1.2]", "no whole layer stands at '1.2'");
    assert_refused("64 - 64 - @!1e0", "no whole layer stands at '1e0'");
}

static void test_repeats(void **state)
{
    (void)state;
    assert_refused("64 - !0*[30]", "a list is repeated from 1 to 10000 times, not '0'");
    assert_refused("64 - !1000000*[30]", "a list is repeated from 1 to 10000 times, not '1000000'");
    assert_refused("64 - 4*!30", "expected '[' and a list to be repeated, as in 4*[30], not '30'");
    assert_refused("64 - 4*[!]", "expected a layer, such as 30 or dense 30 relu, not ']'");
    assert_refused("64 - 4*[30 - !]", "expected a layer");
    assert_refused("64 - 4*[30 !| 30]", "expected '-' or ']' in the repeated list, not '|'");
    assert_refused("64 - 4*[30!", "expected '-' or ']' in the repeated list, not the end");
    assert_refused("64 - 4*[30] !relu", "expected an activation, an option such");
}

static void test_blocks(void **state)
{
    (void)state;
    assert_refused("64 - residual!",
                   "expected '[' and the layers of residual, as in residual[30 - 30]");
    assert_refused("64 - residual !30", "expected '[' and the layers of residual");
    assert_refused("64 - residual![]", "residual has no layer in its brackets");
    assert_refused("64 - parallel![ | | ]", "parallel has no layer in its brackets");
    assert_refused("64 - net![]", "net has no layer in its brackets");
    assert_refused("64 - residual[1 | 2 !| 3]", "residual has at most 2 branches");
    assert_refused("64 - net[1 !| 2]", "net has one list of layers; no '|' stands in it");
    assert_refused("64 - residual[30!", "expected an activation, an option, '-', '|' or ']' in "
                                        "residual[…], not the end");
    assert_refused("64 - net[30!: mse]", "an option, '-' or ']' in net[…], not ':'");
    assert_refused("64 - residual[30 - !]", "expected a layer");
    assert_refused("64 - residual[!- 3", "expected a layer");
    assert_refused("64 - residual[30]!]", "no '[' is open before this ']'");
    assert_refused("64 - 30 !| 30", "'|' stands between the branches of a block");
    assert_refused("64 - residual[30] !30", "residual takes no number");
    assert_refused("64 - 30![20]", "expected an activation, an option such as init=he");
}

static void test_costs(void **state)
{
    (void)state;
    assert_refused("64 - 30 :!", "expected a cost after ':', such as quadratic, not the end");
    assert_refused("64 - 30 : !7", "expected a cost after ':'");
    assert_refused("64 - 30 : !quadratc", "unknown cost 'quadratc'; did you mean 'quadratic'?");
    assert_refused("64 - 30 : mse !- 10",
                   "expected an option of the cost or the end after it, not '-'");
    assert_refused("64 - 30 : mse !delta=1", "mse has no option 'delta'");
    assert_refused("64 - 30 : mse !delta", "mse has no option 'delta'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shape), TEST(layers),  TEST(free_sizes), TEST(activations), TEST(options),
        TEST(names), TEST(sharing), TEST(repeats),    TEST(blocks),      TEST(costs),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
