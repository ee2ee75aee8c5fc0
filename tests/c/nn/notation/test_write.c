/* Networks as canonical notation, and that it reads back to the same network. */
#include "written.h"

#include "../../support.h"
#include "base/random.h"
#include "nn/notation/notation.h"
#include "nn/notation/write.h"

#include <stdio.h>

/* ---- Notation ------------------------------------------------------------------------------- */

static void test_notation(void **state)
{
    (void)state;
    assert_written(ctx, nb_notation_write, "64-30-10", "64 - 30 sigmoid - 10 sigmoid : quadratic");
    assert_written(ctx, nb_notation_write,
                   "4 - dense 3 name=h relu init=glorot - 2 softmax : cross_entropy",
                   "4 - 3 relu init=glorot name=h - 2 softmax : cross_entropy");
    /* An initialiser that the activation has anyway is not worth a word. */
    assert_written(ctx, nb_notation_write, "4 - 3 relu init=he", "4 - 3 relu : quadratic");
    assert_written(ctx, nb_notation_write, "4 - 3 relu init=constant(value=2) frozen=true",
                   "4 - 3 relu init=constant(value=2) frozen : quadratic");
    assert_written(ctx, nb_notation_write, "4 - 9 tanh@2 relu@4..5 tanh@6",
                   "4 - 9 sigmoid tanh@2 relu@4..5 tanh@6 : quadratic");
    /* The activation of most neurons comes first, whatever was said. */
    assert_written(ctx, nb_notation_write, "4 - 9 relu@3..9",
                   "4 - 9 relu sigmoid@1..2 : quadratic");
    assert_written(ctx, nb_notation_write, "4 - 3 leaky_relu(slope=0.2) leaky_relu(slope=0.01)@2",
                   "4 - 3 leaky_relu(slope=0.2) leaky_relu@2 : quadratic");
    assert_written(ctx, nb_notation_write, "*x4 - 3", "*x4 - 3 sigmoid : quadratic");
}

static void test_blocks(void **state)
{
    (void)state;
    assert_written(ctx, nb_notation_write, "4 - residual[3 - 4 linear] frozen name=r - 2",
                   "4 - residual[3 sigmoid - 4 linear] name=r frozen - 2 sigmoid : quadratic");
    /* Frozen is what all layers of a block are. */
    assert_written(ctx, nb_notation_write, "4 - net[residual[4 relu frozen] - 4 tanh frozen=true]",
                   "4 - net[residual[4 relu] - 4 tanh] frozen : quadratic");
    assert_written(ctx, nb_notation_write, "4 - net[residual[4 relu] frozen - 4 tanh]",
                   "4 - net[residual[4 relu] frozen - 4 tanh] : quadratic");
    assert_written(ctx, nb_notation_write,
                   "4 - 4 relu name=a - residual[residual[@a - 4 relu]] frozen",
                   "4 - 4 relu name=a frozen - residual[residual[@a - 4 relu]] frozen : quadratic");
    assert_written(ctx, nb_notation_write, "4-parallel[|3 relu||2 relu|]-net[2 relu]",
                   "4 - parallel[| 3 relu | | 2 relu |] - net[2 relu] : quadratic");
    assert_written(ctx, nb_notation_write, "4 - residual[4 relu|4 tanh]",
                   "4 - residual[4 relu | 4 tanh] : quadratic");
}

/* Equal neighbours, lists of them, and lists in lists; not what has a name or is shared. */
static void test_repeats(void **state)
{
    (void)state;
    assert_written(ctx, nb_notation_write, "8 - 3 relu - 3 relu - 3 relu",
                   "8 - 3*[3 relu] : quadratic");
    assert_written(ctx, nb_notation_write, "8 - 1 - 3 relu - 2 relu - 3 relu - 2 relu - 5",
                   "8 - 1 sigmoid - 2*[3 relu - 2 relu] - 5 sigmoid : quadratic");
    assert_written(ctx, nb_notation_write, "8 - 2*[3 relu - 3 relu - 2 relu]",
                   "8 - 2*[2*[3 relu] - 2 relu] : quadratic");
    assert_written(ctx, nb_notation_write, "8 - 4*[residual[8 relu] - residual[3 relu - 8 relu]]",
                   "8 - 4*[residual[8 relu] - residual[3 relu - 8 relu]] : quadratic");
    assert_written(ctx, nb_notation_write, "8 - residual[2*[8 relu] | 8 relu - 8 relu]",
                   "8 - residual[2*[8 relu] | 2*[8 relu]] : quadratic");
    assert_written(ctx, nb_notation_write, "8 - 3 relu - 3 relu name=a - 3 relu",
                   "8 - 3 relu - 3 relu name=a - 3 relu : quadratic");
    assert_written(ctx, nb_notation_write,
                   "8 - 2*[net[8 relu]] - net[8 relu name=a] - net[8 relu name=a]",
                   "8 - 2*[net[8 relu]] - net[8 relu name=a] - net[8 relu name=a] : quadratic");
    assert_written(ctx, nb_notation_write,
                   "8 - 8 relu name=a - @a - @a - residual[@a] - residual[@a]",
                   "8 - 8 relu name=a - @a - @a - residual[@a] - residual[@a] : quadratic");
    assert_written(ctx, nb_notation_write, "8 - 3 relu relu6@2 - 3 relu relu6@2 - 3 relu relu6@3",
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
        assert_written(ctx, nb_notation_write, same[i], same[i]);
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
        nb_net *again = built(ctx, nb_text_get(&text));
        assert_same_net(net, again);
        assert_text(ctx, nb_notation_write, again, nb_text_get(&text));
        nb_text_free(&text);
        nb_net_release(ctx, net);
        nb_net_release(ctx, again);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notation), TEST(blocks), TEST(repeats),        TEST(deep_repeats),
        TEST(sharing),  TEST(layer),  TEST(there_and_back),
    };
    return cmocka_run_group_tests_name("notation written", tests, NULL, NULL);
}
