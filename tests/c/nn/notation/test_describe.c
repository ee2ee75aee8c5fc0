/* The table of a network: what its columns say, and how it fits windows. */
#include "written.h"

#include "../../support.h"
#include "nn/notation/describe.h"

static void describe_in(nb_text *text, const nb_net *net, int window)
{
    ctx->columns = window;
    nb_net_describe(text, net);
    ctx->columns = NB_COLUMNS;
}

static void describe(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 1000);
}

static void test_table(void **state)
{
    (void)state;
    assert_written(ctx, describe, "64 - 30 - 10",
                   "64 - 30 sigmoid - 10 sigmoid : quadratic\n"
                   "  #  layer        output  activation  parameters  multiply  memory\n"
                   "  1  dense            30  sigmoid          1,950    1.92 k   120 B\n"
                   "  2  dense            10  sigmoid            310       300    40 B\n"
                   "                                           2,260    2.22 k   160 B");
    /* Dense layers stand for themselves, however alike. */
    assert_written(ctx, describe, "10 - 4*[10]",
                   "10 - 4*[10 sigmoid] : quadratic\n"
                   "  #  layer        output  activation  parameters  multiply  memory\n"
                   "  1  dense            10  sigmoid            110       100    40 B\n"
                   "  2  dense            10  sigmoid            110       100    40 B\n"
                   "  3  dense            10  sigmoid            110       100    40 B\n"
                   "  4  dense            10  sigmoid            110       100    40 B\n"
                   "                                             440       400   160 B");
}

/* Columns grow with what stands in them; a list of activations does not grow beyond its limit. */
static void test_wide_table(void **state)
{
    (void)state;
    assert_written(ctx, describe, "1 - 1234567 relu@7",
                   "1 - 1234567 sigmoid relu@7 : quadratic\n"
                   "  #  layer         output  activation       parameters  multiply    memory\n"
                   "  1  dense        1234567  sigmoid, relu@7   2,469,134    1.23 M  4.71 MiB\n"
                   "                                             2,469,134    1.23 M  4.71 MiB");
    assert_written(
        ctx, describe, "3 - 20 relu@1 tanh@2 relu@3 tanh@4 relu@5 name=a_long_name",
        "3 - 20 sigmoid relu@1 tanh@2 relu@3 tanh@4 relu@5 name=a_long_name : quadratic\n"
        "  #  layer                output  activation                        parameters  multiply  "
        "memory\n"
        "  1  dense (a_long_name)      20  sigmoid, relu@1, tanh@2, relu@3…          80        60  "
        "  80 B\n"
        "                                                                            80        60  "
        "  80 B");
}

/* A block counts what is in it; the sum counts every number once. */
static void test_tree(void **state)
{
    (void)state;
    assert_written(ctx, describe, "*x4 - parallel[3 relu name=p | residual[4] |] - net[2] name=n",
                   "*x4 - parallel[3 relu name=p | residual[4 sigmoid] |] - net[2 sigmoid] name=n "
                   ": quadratic\n"
                   "      #  layer        output  activation  parameters  multiply  memory\n"
                   "      1  parallel       *x11                      35        28    88 B\n"
                   "    1.1    dense (p)     *x3  relu                15        12    12 B\n"
                   "    1.2    residual      *x4                      20        16    32 B\n"
                   "  1.2.1      dense       *x4  sigmoid             20        16    16 B\n"
                   "      2  net (n)         *x2                      24        22     8 B\n"
                   "    2.1    dense         *x2  sigmoid             24        22     8 B\n"
                   "                                                  59        50    96 B\n"
                   "  multiply and memory: of one step");
}

/* A list that repeats stands once, below a row that counts all of it. */
static void test_repeated_rows(void **state)
{
    (void)state;
    assert_written(ctx, describe, "4 - 3*[residual[2 relu - 4 tanh] - 4] - 1",
                   "4 - 3*[residual[2 relu - 4 tanh] - 4 sigmoid] - 1 sigmoid : quadratic\n"
                   "     #  layer        output  activation  parameters  multiply  memory\n"
                   "  1..6  3 ×                                     126        96   168 B\n"
                   "     1    residual        4                      22        16    40 B\n"
                   "   1.1      dense         2  relu                10         8     8 B\n"
                   "   1.2      dense         4  tanh                12         8    16 B\n"
                   "     2    dense           4  sigmoid             20        16    16 B\n"
                   "     7  dense             1  sigmoid              5         4     4 B\n"
                   "                                                131       100   172 B");
    /* The first block takes another shape, so it stands for itself. */
    assert_written(ctx, describe, "2 - 4*[net[4]]",
                   "2 - 4*[net[4 sigmoid]] : quadratic\n"
                   "     #  layer        output  activation  parameters  multiply  memory\n"
                   "     1  net               4                      12         8    16 B\n"
                   "   1.1    dense           4  sigmoid             12         8    16 B\n"
                   "  2..4  3 ×                                      60        48    48 B\n"
                   "     2    net             4                      20        16    16 B\n"
                   "   2.1      dense         4  sigmoid             20        16    16 B\n"
                   "                                                 72        56    64 B");
    assert_written(ctx, describe, "4 - net[3*[residual[4]]]",
                   "4 - net[3*[residual[4 sigmoid]]] : quadratic\n"
                   "       #  layer         output  activation  parameters  multiply  memory\n"
                   "       1  net                4                      60        48    96 B\n"
                   "  1.1..3    3 ×                                     60        48    96 B\n"
                   "     1.1      residual       4                      20        16    32 B\n"
                   "   1.1.1        dense        4  sigmoid             20        16    16 B\n"
                   "                                                    60        48    96 B");
}

static void describe_narrow(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 60);
}

static void describe_bare(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 1);
}

/* In a narrow window the last columns go, and what is said of them. */
static void test_narrow_table(void **state)
{
    (void)state;
    assert_written(ctx, describe_narrow, "*x4 - 30 gelu",
                   "*x4 - 30 gelu : quadratic\n"
                   "  #  layer        output  activation  parameters  multiply\n"
                   "  1  dense          *x30  gelu               150       120\n"
                   "                                             150       120\n"
                   "  multiply: of one step");
    assert_written(ctx, describe_bare, "4 - 3",
                   "4 - 3 sigmoid : quadratic\n"
                   "  #  layer\n"
                   "  1  dense");
}

/* The widest row of a table, behind the notation. */
static int widest_row(const char *table)
{
    int most = 0;
    for (const char *at = strchr(table, '\n'); at && *at;) {
        int width = 0;
        for (at++; *at && *at != '\n'; at++) width += ((unsigned char)*at & 0xC0) != 0x80;
        if (width > most) most = width;
    }
    return most;
}

/* Its deepest layer has a path of 13 letters. */
#define DEEP                                                                                       \
    "4 - residual[residual[residual[residual[residual[residual[4 tanh]]]]]] - 2 softmax : "        \
    "cross_entropy"

/* No row is wider than the window: names are cut, then columns go, and names are cut again. */
static void test_windows(void **state)
{
    (void)state;
    static const int windows[] = {20, 24, 40, 80, 200};
    static const char *const nets[] = {
        "*x5 - rnn 8 relu name=the_state_that_goes_through_all_steps_of_a_sequence - 3000000",
        "4 - residual[4*[4 tanh] - net[parallel[3 | 1] name=a_block_of_two_branches - 4]] - 2",
        "1x28x28 - conv 20 5 leaky_relu(slope=0.3) relu@1..7 tanh@9 name=edges - flatten - 10",
        DEEP,
    };
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
            nb_net *net = built(ctx, nets[n]);
            nb_text text;
            nb_text_init(&text, ctx);
            describe_in(&text, net, windows[w]);
            if (text.failed || widest_row(nb_text_get(&text)) > windows[w])
                fail_msg("in %d columns:\n%s", windows[w], nb_text_get(&text));
            nb_text_free(&text);
            nb_net_release(ctx, net);
        }
    }
}

static void describe_in_40(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 40);
}

static void describe_in_80(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 80);
}

static void describe_in_20(nb_text *text, const nb_net *net)
{
    describe_in(text, net, 20);
}

/* What is cut, and that rnn shows its activation. */
static void test_cut_names(void **state)
{
    (void)state;
    const char *net = "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3";
    assert_written(
        ctx, describe_in_80, net,
        "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
        "  #  layer                      output  activation  parameters  multiply  memory\n"
        "  1  rnn (the_state_that_goes…     *x8  relu               112       104   116 B\n"
        "  2  lstm                          *x3                     144       132   116 B\n"
        "                                                           256       236   232 B\n"
        "  multiply and memory: of one step");
    assert_written(ctx, describe_in_40, net,
                   "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
                   "  #  layer            output  parameters\n"
                   "  1  rnn (the_state…     *x8         112\n"
                   "  2  lstm                *x3         144\n"
                   "                                     256");
    assert_written(ctx, describe_in_20, net,
                   "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
                   "  #  layer\n"
                   "  1  rnn (the_state…\n"
                   "  2  lstm");
}

/* Of long paths the last numbers stay; a window that has room for them has them whole. */
static void test_cut_paths(void **state)
{
    (void)state;
    assert_written(ctx, describe_in_20, DEEP,
                   DEEP "\n"
                        "            #  layer\n"
                        "            1  resi…\n"
                        "          1.1  resi…\n"
                        "        1.1.1  resi…\n"
                        "      1.1.1.1  resi…\n"
                        "    1.1.1.1.1  resi…\n"
                        "  1.1.1.1.1.1  resi…\n"
                        "  ….1.1.1.1.1  dense\n"
                        "            2  dense");
}

static void test_shared_rows(void **state)
{
    (void)state;
    assert_written(ctx, describe, "4 - 4 name=a - residual[@a] - @a - @2",
                   "4 - 4 sigmoid name=a - residual[@a] - @a - @2 : quadratic\n"
                   "    #  layer        output  activation  parameters  multiply  memory\n"
                   "    1  dense (a)         4  sigmoid             20        16    16 B\n"
                   "    2  residual          4                       0        16    32 B\n"
                   "  2.1    @a              4  sigmoid                       16    16 B\n"
                   "    3  @a                4  sigmoid                       16    16 B\n"
                   "    4  @2                4                                16    32 B\n"
                   "                                                20        64    96 B");
}

/* Of more rows than NB_DESCRIBE_LAYERS the first and the last stand in the table. */
static void test_many_layers(void **state)
{
    (void)state;
    for (int layers = NB_DESCRIBE_LAYERS; layers <= NB_DESCRIBE_LAYERS + 1; layers++) {
        char notation[8 * NB_DESCRIBE_LAYERS] = "1";
        for (int i = 0; i < layers; i++) strcat(notation, "-1");
        nb_net *net = built(ctx, notation);
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
    nb_net *net =
        built(ctx, "64 - 30 relu@7 tanh@9 name=a - 10 - 10 - 10 - residual[10 | 10] - 10 - "
                   "10 name=b - @b - 3*[residual[@b - net[10]]]");
    sweep(describe_once, net);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table),       TEST(wide_table),   TEST(tree),        TEST(repeated_rows),
        TEST(shared_rows), TEST(narrow_table), TEST(windows),     TEST(cut_names),
        TEST(cut_paths),   TEST(many_layers),  TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
