/* Networks as text: the canonical notation, that it reads back to the same network, and the table.
 */
#include "nn/notation/describe.h"
#include "nn/notation/write.h"

#include "../../support.h"
#include "base/random.h"
#include "nn/notation/notation.h"

#include <stdio.h>

static nb_net *net_of(const char *notation)
{
    nb_net *net = nb_notation_parse(ctx, notation, NULL);
    if (!net || nb_net_build(ctx, net, NB_F32, 9) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

typedef void write_fn(nb_text *text, const nb_net *net);

static void assert_text(write_fn *write, const nb_net *net, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    write(&text, net);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
}

static void assert_written(write_fn *write, const char *notation, const char *expected)
{
    nb_net *net = net_of(notation);
    assert_text(write, net, expected);
    nb_net_release(ctx, net);
}

/* ---- Notation ------------------------------------------------------------------------------- */

static void test_notation(void **state)
{
    (void)state;
    assert_written(nb_notation_write, "64-30-10", "64 - 30 sigmoid - 10 sigmoid : quadratic");
    assert_written(nb_notation_write,
                   "4 - dense 3 name=h relu init=glorot - 2 softmax : cross_entropy",
                   "4 - 3 relu init=glorot name=h - 2 softmax : cross_entropy");
    /* An initialiser that the activation has anyway is not worth a word. */
    assert_written(nb_notation_write, "4 - 3 relu init=he", "4 - 3 relu : quadratic");
    assert_written(nb_notation_write, "4 - 3 relu init=constant(value=2) frozen=true",
                   "4 - 3 relu init=constant(value=2) frozen : quadratic");
    assert_written(nb_notation_write, "4 - 9 tanh@2 relu@4..5 tanh@6",
                   "4 - 9 sigmoid tanh@2 relu@4..5 tanh@6 : quadratic");
    /* The activation of most neurons comes first, whatever was said. */
    assert_written(nb_notation_write, "4 - 9 relu@3..9", "4 - 9 relu sigmoid@1..2 : quadratic");
    assert_written(nb_notation_write, "4 - 3 leaky_relu(slope=0.2) leaky_relu(slope=0.01)@2",
                   "4 - 3 leaky_relu(slope=0.2) leaky_relu@2 : quadratic");
    assert_written(nb_notation_write, "*x4 - 3", "*x4 - 3 sigmoid : quadratic");
}

static void test_blocks(void **state)
{
    (void)state;
    assert_written(nb_notation_write, "4 - residual[3 - 4 linear] frozen name=r - 2",
                   "4 - residual[3 sigmoid - 4 linear] name=r frozen - 2 sigmoid : quadratic");
    /* Frozen is what all layers of a block are. */
    assert_written(nb_notation_write, "4 - net[residual[4 relu frozen] - 4 tanh frozen=true]",
                   "4 - net[residual[4 relu] - 4 tanh] frozen : quadratic");
    assert_written(nb_notation_write, "4 - net[residual[4 relu] frozen - 4 tanh]",
                   "4 - net[residual[4 relu] frozen - 4 tanh] : quadratic");
    assert_written(nb_notation_write, "4 - 4 relu name=a - residual[residual[@a - 4 relu]] frozen",
                   "4 - 4 relu name=a frozen - residual[residual[@a - 4 relu]] frozen : quadratic");
    assert_written(nb_notation_write, "4-parallel[|3 relu||2 relu|]-net[2 relu]",
                   "4 - parallel[| 3 relu | | 2 relu |] - net[2 relu] : quadratic");
    assert_written(nb_notation_write, "4 - residual[4 relu|4 tanh]",
                   "4 - residual[4 relu | 4 tanh] : quadratic");
}

/* Equal neighbours, lists of them, and lists in lists; not what has a name or is shared. */
static void test_repeats(void **state)
{
    (void)state;
    assert_written(nb_notation_write, "8 - 3 relu - 3 relu - 3 relu", "8 - 3*[3 relu] : quadratic");
    assert_written(nb_notation_write, "8 - 1 - 3 relu - 2 relu - 3 relu - 2 relu - 5",
                   "8 - 1 sigmoid - 2*[3 relu - 2 relu] - 5 sigmoid : quadratic");
    assert_written(nb_notation_write, "8 - 2*[3 relu - 3 relu - 2 relu]",
                   "8 - 2*[2*[3 relu] - 2 relu] : quadratic");
    assert_written(nb_notation_write, "8 - 4*[residual[8 relu] - residual[3 relu - 8 relu]]",
                   "8 - 4*[residual[8 relu] - residual[3 relu - 8 relu]] : quadratic");
    assert_written(nb_notation_write, "8 - residual[2*[8 relu] | 8 relu - 8 relu]",
                   "8 - residual[2*[8 relu] | 2*[8 relu]] : quadratic");
    assert_written(nb_notation_write, "8 - 3 relu - 3 relu name=a - 3 relu",
                   "8 - 3 relu - 3 relu name=a - 3 relu : quadratic");
    assert_written(nb_notation_write,
                   "8 - 2*[net[8 relu]] - net[8 relu name=a] - net[8 relu name=a]",
                   "8 - 2*[net[8 relu]] - net[8 relu name=a] - net[8 relu name=a] : quadratic");
    assert_written(nb_notation_write, "8 - 8 relu name=a - @a - @a - residual[@a] - residual[@a]",
                   "8 - 8 relu name=a - @a - @a - residual[@a] - residual[@a] : quadratic");
    assert_written(nb_notation_write, "8 - 3 relu relu6@2 - 3 relu relu6@2 - 3 relu relu6@3",
                   "8 - 2*[3 relu relu6@2] - 3 relu relu6@3 : quadratic");
}

/* A repeat opens a bracket too: none is written where reading would refuse it. */
static void test_deep_repeats(void **state)
{
    (void)state;
    for (int depth = NB_LAYER_DEPTH - 2; depth <= NB_LAYER_DEPTH - 1; depth++) {
        char notation[1200] = "8 - ";
        for (int i = 0; i < depth; i++) strcat(notation, "residual[");
        strcat(notation, "net[8 relu] - net[8 relu]");
        for (int i = 0; i < depth; i++) strcat(notation, "]");
        nb_net *net = nb_notation_parse(ctx, notation, NULL);
        assert_non_null(net);
        nb_text text;
        nb_text_init(&text, ctx);
        nb_notation_write(&text, net);
        assert_int_equal(strstr(nb_text_get(&text), "2*[net") != NULL, depth == NB_LAYER_DEPTH - 2);
        nb_net *again = nb_notation_parse(ctx, nb_text_get(&text), NULL);
        assert_non_null(again);
        nb_text_free(&text);
        nb_net_release(ctx, again);
        nb_net_release(ctx, net);
    }
}

/* By name where that reaches the layer, else by path. */
static void test_sharing(void **state)
{
    (void)state;
    static const char *const same[] = {
        "8 - 8 relu name=a - residual[@a] - @a : quadratic",
        "8 - 8 relu - @1 : quadratic",
        "8 - residual[8 relu] - residual[8 relu] - @1 : quadratic",
        "8 - residual[8 relu name=a] - @1.1 : quadratic",
        "8 - residual[8 relu name=a] - 8 relu - residual[@1.1] : quadratic",
        "8 - 8 relu name=a - residual[8 tanh name=a - residual[@1] - residual[@a]] : quadratic",
        "8 - residual[8 relu - residual[@1.1 | 8 tanh] - @1.2] : quadratic",
        "8 - 8 relu - net[8 tanh - @2.1 - residual[@2.1]] : quadratic",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_written(nb_notation_write, same[i], same[i]);
}

/* A layer that is in no network yet. */
static void test_layer(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"30", "30 sigmoid"},
        {"dense 30 relu@2..3 tanh name=a", "30 tanh relu@2..3 name=a"},
        {"residual[3-3|]name=r", "residual[2*[3 sigmoid] |] name=r"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_text text;
        nb_text_init(&text, ctx);
        nb_layer *layer = nb_notation_parse_layer(ctx, cases[i][0], NULL);
        assert_non_null(layer);
        nb_notation_write_layer(&text, layer);
        assert_string_equal(nb_text_get(&text), cases[i][1]);
        nb_text_free(&text);
        nb_layer_release(ctx, layer);
    }
}

/* ---- There and back ------------------------------------------------------------------------- */

static nb_activation random_activation(nb_stream *stream)
{
    nb_activation f = nb_activation_of(nb_activations[nb_random_below(stream, NB_ACT_softmax)]);
    if (f.type->options && nb_random_below(stream, 2)) f.number[0] = 0.25;
    return f;
}

static void set_units(nb_layer *layer, int64_t units)
{
    const nb_option *option = nb_option_find(layer->type->options, "units");
    assert_int_equal(nb_option_set(ctx, option, layer->settings, (double)units), NB_OK);
}

static nb_layer *random_dense(nb_stream *stream, int64_t units)
{
    nb_layer *layer = nb_layer_new(ctx, nb_layer_types[NB_LAYER_dense]);
    assert_non_null(layer);
    set_units(layer, units);
    if (nb_random_below(stream, 2)) layer->head.activation = random_activation(stream);
    if (nb_random_below(stream, 3) == 0)
        layer->head.init = nb_init_of(nb_inits[nb_random_below(stream, NB_INITS)]);
    layer->head.frozen = nb_random_below(stream, 4) == 0;
    for (uint64_t n = nb_random_below(stream, 6); n > 3; n--) {
        int64_t start = (int64_t)nb_random_below(stream, (uint64_t)units);
        int64_t count = 1 + (int64_t)nb_random_below(stream, (uint64_t)(units - start));
        assert_int_equal(nb_layer_differ(ctx, layer, start, count, random_activation(stream)),
                         NB_OK);
    }
    return layer;
}

enum { WIDTH = 4, SHARED_MOST = 40 };

/* Layers of one network that may stand once more: they take and give WIDTH numbers. */
typedef struct pool {
    nb_layer *layer[SHARED_MOST];
    int count;
} pool;

static void fill(nb_stream *stream, nb_layer *block, int depth, pool *shared);

static nb_layer *random_block(nb_stream *stream, int depth, pool *shared)
{
    pool own = {.count = 0};
    bool net = nb_random_below(stream, 3) == 0;
    nb_layer *block;
    if (net) {
        nb_net *inner = nb_net_new(ctx);
        assert_non_null(inner);
        block = &inner->layer;
    } else {
        block = nb_layer_new(ctx, nb_layer_types[NB_LAYER_residual]);
        assert_non_null(block);
    }
    fill(stream, block, depth + 1, net ? &own : shared);
    if (!net && nb_random_below(stream, 2)) {
        assert_int_equal(nb_layer_add_branch(ctx, block), NB_OK);
        if (nb_random_below(stream, 2)) fill(stream, block, depth + 1, shared);
    }
    return block;
}

static int names; /* given so far */

/* Several layers of WIDTH; some the same again, some shared, some with names. */
static void fill(nb_stream *stream, nb_layer *block, int depth, pool *shared)
{
    int count = 1 + (int)nb_random_below(stream, 4);
    for (int i = 0; i < count; i++) {
        uint64_t kind = nb_random_below(stream, 8);
        bool again = kind == 0 && shared->count > 0;
        nb_layer *layer;
        if (again)
            layer =
                nb_layer_retain(shared->layer[nb_random_below(stream, (uint64_t)shared->count)]);
        else if (kind < 4 && depth < 3)
            layer = random_block(stream, depth, shared);
        else
            layer = random_dense(stream, WIDTH);
        if (!again && nb_random_below(stream, 4) == 0) {
            char name[NB_NAME_MAX];
            snprintf(name, sizeof name, "l_%d", ++names);
            assert_int_equal(nb_layer_set_name(ctx, layer, name), NB_OK);
        }
        if (!again && shared->count < SHARED_MOST) shared->layer[shared->count++] = layer;
        assert_int_equal(nb_layer_add(ctx, block, layer), NB_OK);
        if (!again && !layer->head.name[0] && kind > 5) {
            nb_layer *copy = nb_layer_copy(ctx, layer, false);
            assert_non_null(copy);
            assert_int_equal(nb_layer_add(ctx, block, copy), NB_OK);
            nb_layer_release(ctx, copy);
        }
        nb_layer_release(ctx, layer);
    }
}

static void assert_same_layer(const nb_layer *a, const nb_layer *b)
{
    assert_ptr_equal(a->type, b->type);
    assert_string_equal(a->head.name, b->head.name);
    if (a->children == 0) assert_int_equal(a->head.frozen, b->head.frozen);
    assert_int_equal(a->children, b->children);
    assert_int_equal(a->branches, b->branches);
    if (a->branches > 0)
        assert_memory_equal(a->branch, b->branch, (size_t)a->branches * sizeof *a->branch);
    assert_int_equal(a->plan->uses, b->plan->uses);
    assert_int_equal(a->plan->place, b->plan->place);
    assert_true(nb_form_same(&a->plan->out, &b->plan->out));
    if (a->plan->runs) assert_true(nb_runs_same(a->plan->runs, b->plan->runs));
}

/* Every layer in the order of its first place, and every bit of the parameters: the same seed
 * through the same initialisers. */
static void assert_same_net(const nb_net *a, const nb_net *b)
{
    assert_int_equal(a->parts, b->parts);
    for (int i = 0; i < a->parts; i++) assert_same_layer(a->part[i], b->part[i]);
    assert_int_equal(nb_net_count(a), nb_net_count(b));
    assert_memory_equal(nb_tensor_data(a->values), nb_tensor_data(b->values),
                        (size_t)nb_net_count(a) * nb_dtype_size(a->dtype));
}

/* Whatever a network is made of, its notation is that of what is read from it. */
static void test_there_and_back(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 500; round++) {
        pool shared = {.count = 0};
        nb_net *net = nb_net_new(ctx);
        assert_non_null(net);
        net->in_dims = 1;
        net->in_size[0] = WIDTH;
        net->cost = nb_cost_make(nb_costs[nb_random_below(&stream, NB_COSTS)]);
        fill(&stream, &net->layer, 0, &shared);
        if (nb_net_build(ctx, net, NB_F32, 9) != NB_OK) fail_msg("%s", ctx->message);
        nb_text text;
        nb_text_init(&text, ctx);
        nb_notation_write(&text, net);
        nb_net *again = net_of(nb_text_get(&text));
        assert_same_net(net, again);
        assert_text(nb_notation_write, again, nb_text_get(&text));
        nb_text_free(&text);
        nb_net_release(ctx, net);
        nb_net_release(ctx, again);
    }
}

/* ---- The table ------------------------------------------------------------------------------ */

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
    assert_written(describe, "64 - 30 - 10",
                   "64 - 30 sigmoid - 10 sigmoid : quadratic\n"
                   "  #  layer        output  activation  parameters  multiply  memory\n"
                   "  1  dense            30  sigmoid          1,950    1.92 k   120 B\n"
                   "  2  dense            10  sigmoid            310       300    40 B\n"
                   "                                           2,260    2.22 k   160 B");
    /* Dense layers stand for themselves, however alike. */
    assert_written(describe, "10 - 4*[10]",
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
    assert_written(describe, "1 - 1234567 relu@7",
                   "1 - 1234567 sigmoid relu@7 : quadratic\n"
                   "  #  layer         output  activation       parameters  multiply    memory\n"
                   "  1  dense        1234567  sigmoid, relu@7   2,469,134    1.23 M  4.71 MiB\n"
                   "                                             2,469,134    1.23 M  4.71 MiB");
    assert_written(
        describe, "3 - 20 relu@1 tanh@2 relu@3 tanh@4 relu@5 name=a_long_name",
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
    assert_written(describe, "*x4 - parallel[3 relu name=p | residual[4] |] - net[2] name=n",
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
    assert_written(describe, "4 - 3*[residual[2 relu - 4 tanh] - 4] - 1",
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
    assert_written(describe, "2 - 4*[net[4]]",
                   "2 - 4*[net[4 sigmoid]] : quadratic\n"
                   "     #  layer        output  activation  parameters  multiply  memory\n"
                   "     1  net               4                      12         8    16 B\n"
                   "   1.1    dense           4  sigmoid             12         8    16 B\n"
                   "  2..4  3 ×                                      60        48    48 B\n"
                   "     2    net             4                      20        16    16 B\n"
                   "   2.1      dense         4  sigmoid             20        16    16 B\n"
                   "                                                 72        56    64 B");
    assert_written(describe, "4 - net[3*[residual[4]]]",
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
    assert_written(describe_narrow, "*x4 - 30 gelu",
                   "*x4 - 30 gelu : quadratic\n"
                   "  #  layer        output  activation  parameters  multiply\n"
                   "  1  dense          *x30  gelu               150       120\n"
                   "                                             150       120\n"
                   "  multiply: of one step");
    assert_written(describe_bare, "4 - 3",
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
            nb_net *net = net_of(nets[n]);
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
        describe_in_80, net,
        "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
        "  #  layer                      output  activation  parameters  multiply  memory\n"
        "  1  rnn (the_state_that_goes…     *x8  relu               112       104   116 B\n"
        "  2  lstm                          *x3                     144       132   116 B\n"
        "                                                           256       236   232 B\n"
        "  multiply and memory: of one step");
    assert_written(describe_in_40, net,
                   "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
                   "  #  layer            output  parameters\n"
                   "  1  rnn (the_state…     *x8         112\n"
                   "  2  lstm                *x3         144\n"
                   "                                     256");
    assert_written(describe_in_20, net,
                   "*x5 - rnn 8 relu name=the_state_that_goes_through - lstm 3 : quadratic\n"
                   "  #  layer\n"
                   "  1  rnn (the_state…\n"
                   "  2  lstm");
}

/* Of long paths the last numbers stay; a window that has room for them has them whole. */
static void test_cut_paths(void **state)
{
    (void)state;
    assert_written(describe_in_20, DEEP,
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
    assert_written(describe, "4 - 4 name=a - residual[@a] - @a - @2",
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
    nb_net *net = net_of("64 - 30 relu@7 tanh@9 name=a - 10 - 10 - 10 - residual[10 | 10] - 10 - "
                         "10 name=b - @b - 3*[residual[@b - net[10]]]");
    sweep(describe_once, net);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notation),     TEST(blocks),  TEST(repeats),        TEST(deep_repeats),
        TEST(sharing),      TEST(layer),   TEST(there_and_back), TEST(table),
        TEST(wide_table),   TEST(tree),    TEST(repeated_rows),  TEST(shared_rows),
        TEST(narrow_table), TEST(windows), TEST(cut_names),      TEST(many_layers),
        TEST(memory_ends),  TEST(cut_paths),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
