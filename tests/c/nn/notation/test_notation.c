/* Notation read into networks without a plan: the grammar, its limits, the host's names, and values
 * that stand alone. Errors are in test_errors.c, hostile texts in test_hostile.c. */
#include "nn/notation/notation.h"

#include "../../support.h"

#include <math.h>
#include <stdio.h>

/* ---- What is read --------------------------------------------------------------------------- */

static nb_net *read_net(const char *text)
{
    nb_net *net = nb_notation_parse(ctx, text, NULL);
    if (!net) fail_msg("%s", ctx->message);
    return net;
}

static nb_layer *child(const nb_net *net, int i)
{
    assert_true(i < net->layer.children);
    return net->layer.child[i];
}

/* The i-th option's whole number: units of dense. */
static int64_t whole(const nb_layer *layer, const char *name)
{
    const nb_option *option = nb_option_find(layer->type->options, name);
    assert_non_null(option);
    assert_int_equal(option->kind, NB_INTEGER);
    return *(const int64_t *)(layer->settings + option->offset);
}

static void test_book(void **state)
{
    (void)state;
    static const char *const same[] = {"784-30-10",
                                       "784 - 30 - 10",
                                       " 784 -30\n-\t10 ",
                                       "784 - dense 30 - 10 : quadratic",
                                       "784 - dense units=30-10",
                                       "784 - 1*[30 - 10]",
                                       "784-1*[1 * [30]-10]"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        nb_net *net = read_net(same[i]);
        assert_int_equal(net->in_dims, 1);
        assert_int_equal(net->in_size[0], 784);
        assert_int_equal(net->layer.children, 2);
        for (int l = 0; l < 2; l++) {
            const nb_layer *layer = child(net, l);
            assert_ptr_equal(layer->type, nb_layer_types[NB_LAYER_dense]);
            assert_int_equal(whole(layer, "units"), l ? 10 : 30);
            assert_null(layer->head.activation.type);
            assert_null(layer->head.init.type);
            assert_int_equal(layer->differ_count, 0);
            assert_string_equal(layer->head.name, "");
            assert_false(layer->head.frozen);
            assert_int_equal(layer->refs, 1);
            assert_null(layer->plan);
        }
        assert_ptr_equal(net->cost.type, nb_costs[NB_COST_quadratic]);
        nb_net_release(ctx, net);
    }
}

static void test_everything(void **state)
{
    (void)state;
    nb_net *net = read_net("1x28x28-30 relu6@7 tanh name=h_1 frozen elu(alpha=0.5)@9..12 "
                           "init=constant(value=-2)-dense 10 softmax:cross_entropy");
    assert_int_equal(net->in_dims, 3);
    assert_int_equal(net->in_size[0], 1);
    assert_int_equal(net->in_size[2], 28);
    const nb_layer *layer = child(net, 0);
    assert_ptr_equal(layer->head.activation.type, nb_activations[NB_ACT_tanh]);
    assert_ptr_equal(layer->head.init.type, nb_inits[NB_INIT_constant]);
    assert_true(layer->head.init.number[0] == -2);
    assert_string_equal(layer->head.name, "h_1");
    assert_true(layer->head.frozen);
    assert_int_equal(layer->differ_count, 2);
    assert_ptr_equal(layer->differs[0].activation.type, nb_activations[NB_ACT_relu6]);
    assert_int_equal(layer->differs[0].start, 6);
    assert_int_equal(layer->differs[0].count, 1);
    assert_ptr_equal(layer->differs[1].activation.type, nb_activations[NB_ACT_elu]);
    assert_true(layer->differs[1].activation.number[0] == 0.5);
    assert_int_equal(layer->differs[1].start, 8);
    assert_int_equal(layer->differs[1].count, 4);
    assert_ptr_equal(child(net, 1)->head.activation.type, nb_activations[NB_ACT_softmax]);
    assert_ptr_equal(net->cost.type, nb_costs[NB_COST_cross_entropy]);
    nb_net_release(ctx, net);
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int dims;
        int64_t size[3];
    } cases[] = {
        {"* - 2", 1, {-1}},
        {"*x64-2", 2, {-1, 64}},
        {"3x*x* - 2", 3, {3, -1, -1}},
        {"*x* - 2", 2, {-1, -1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_net *net = read_net(cases[i].text);
        assert_int_equal(net->in_dims, cases[i].dims);
        for (int d = 0; d < net->in_dims; d++) assert_int_equal(net->in_size[d], cases[i].size[d]);
        nb_net_release(ctx, net);
    }
}

/* "a, b | c": the units of every branch's layers. */
static void assert_branches(const nb_layer *block, const char *expected)
{
    char got[128] = "";
    size_t used = 0;
    for (int b = 0; b < block->branches; b++) {
        used += (size_t)snprintf(got + used, sizeof got - used, "%s", b ? "|" : "");
        for (int i = nb_branch_first(block, b); i < nb_branch_end(block, b); i++)
            used += (size_t)snprintf(got + used, sizeof got - used, " %lld",
                                     (long long)whole(block->child[i], "units"));
    }
    assert_string_equal(got, expected);
}

static void test_blocks(void **state)
{
    (void)state;
    nb_net *net = read_net("8 - residual [30 - 8 linear] name=r frozen - residual[1|2-3]\n"
                           "- parallel[|4|]-parallel[5] - net[6-7]name=n");
    assert_int_equal(net->layer.children, 5);
    assert_branches(child(net, 0), " 30 8");
    assert_string_equal(child(net, 0)->head.name, "r");
    assert_true(child(net, 0)->head.frozen);
    assert_true(child(net, 0)->child[0]->head.frozen && child(net, 0)->child[1]->head.frozen);
    assert_false(child(net, 1)->head.frozen || child(net, 1)->child[0]->head.frozen);
    assert_branches(child(net, 1), " 1| 2 3");
    assert_branches(child(net, 2), "| 4|");
    assert_branches(child(net, 3), " 5");
    assert_branches(child(net, 4), " 6 7");
    assert_non_null(nb_net_of(child(net, 4)));
    assert_non_null(nb_net_of(child(net, 4))->cost.type);
    assert_string_equal(child(net, 4)->head.name, "n");
    nb_net_release(ctx, net);
}

/* Repeats are flat, and every turn has layers of its own. */
static void test_repeats(void **state)
{
    (void)state;
    nb_net *net = read_net("8 - 3 * [ 2*[1 - 2] - 3 ] - residual[2*[4] - 5 | 2*[6]]");
    assert_int_equal(net->layer.children, 3 * 5 + 1);
    for (int i = 0; i < 15; i++) {
        static const int64_t units[] = {1, 2, 1, 2, 3};
        assert_int_equal(whole(child(net, i), "units"), units[i % 5]);
        assert_int_equal(child(net, i)->refs, 1);
    }
    assert_branches(child(net, 15), " 4 4 5| 6 6");
    nb_net_release(ctx, net);
}

/* The innermost list first, then outward. */
static void test_sharing(void **state)
{
    (void)state;
    nb_net *net = read_net("8 - 8 name=a - residual[8 name=a - @a - residual[8 - @a]] - @a");
    const nb_layer *outer = child(net, 0), *block = child(net, 1);
    assert_ptr_not_equal(block->child[0], outer);
    assert_ptr_equal(block->child[1], block->child[0]);
    assert_ptr_equal(block->child[2]->child[1], block->child[0]);
    assert_int_equal(block->child[0]->refs, 3);
    assert_ptr_equal(child(net, 2), outer);
    assert_int_equal(outer->refs, 2);
    nb_net_release(ctx, net);
    /* Through a repeat, from an earlier branch, and a block with all that is in it. */
    net = read_net("8 - 8 name=a - 2*[residual[@a]] - parallel[8 name=b | @b] name=p - @p");
    assert_ptr_equal(child(net, 1)->child[0], child(net, 0));
    assert_ptr_equal(child(net, 2)->child[0], child(net, 0));
    assert_ptr_not_equal(child(net, 1), child(net, 2));
    assert_ptr_equal(child(net, 3)->child[0], child(net, 3)->child[1]);
    assert_ptr_equal(child(net, 4), child(net, 3));
    nb_net_release(ctx, net);
}

/* What no name reaches: numbers of layers from 1, through blocks that are whole and open ones. */
static void test_paths(void **state)
{
    (void)state;
    nb_net *net = read_net("8 - residual[8 - residual[7] - @1.1] - @1.2.1 - @2 - @1");
    const nb_layer *block = child(net, 0);
    assert_ptr_equal(block->child[2], block->child[0]);
    assert_ptr_equal(child(net, 1), block->child[1]->child[0]);
    assert_ptr_equal(child(net, 2), child(net, 1));
    assert_ptr_equal(child(net, 3), block);
    nb_net_release(ctx, net);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static void test_one_layer(void **state)
{
    (void)state;
    nb_layer *layer = nb_notation_parse_layer(ctx, " dense 30 relu name=x ", NULL);
    assert_non_null(layer);
    assert_int_equal(whole(layer, "units"), 30);
    assert_ptr_equal(layer->head.activation.type, nb_activations[NB_ACT_relu]);
    assert_string_equal(layer->head.name, "x");
    nb_layer_release(ctx, layer);
    layer = nb_notation_parse_layer(ctx, "residual[8 name=a - @a]", NULL);
    assert_non_null(layer);
    assert_ptr_equal(layer->child[0], layer->child[1]);
    nb_layer_release(ctx, layer);
    static const char *const bad[] = {"30 - 10",        "30 : mse",    "",
                                      "30 relu@2 - 10", "30 relu@2 x", "2*[30]",
                                      "30 | 30",        "30]",         "@a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(nb_notation_parse_layer(ctx, bad[i], NULL));
        assert_int_equal(ctx->status, NB_EARG);
    }
}

static void test_into(void **state)
{
    (void)state;
    nb_net *net = nb_net_new(ctx);
    assert_int_equal(nb_notation_parse_into(ctx, "30 name=a", NULL, &net->layer), NB_OK);
    assert_int_equal(nb_notation_parse_into(ctx, "2*[20] - @a", NULL, &net->layer), NB_OK);
    assert_int_equal(net->layer.children, 4);
    assert_ptr_equal(child(net, 3), child(net, 0));
    assert_int_equal(nb_notation_parse_into(ctx, "5 name=a", NULL, &net->layer), NB_EARG);
    assert_failed(NB_EARG, "'a' is the name of an earlier layer already");
    assert_int_equal(nb_notation_parse_into(ctx, "5 : mse", NULL, &net->layer), NB_EARG);
    assert_failed(NB_EARG, "expected an activation, an option such as init=he, '-' or the end");
    nb_net_release(ctx, net);
}

static void test_values(void **state)
{
    (void)state;
    nb_activation activation = {.type = NULL};
    nb_init init = {.type = NULL};
    nb_cost cost = {.type = NULL};
    assert_int_equal(nb_notation_activation(ctx, "leaky_relu", NULL, &activation), NB_OK);
    assert_ptr_equal(activation.type, nb_activations[NB_ACT_leaky_relu]);
    assert_true(activation.number[0] == 0.01);
    assert_int_equal(
        nb_notation_activation(ctx, " leaky_relu ( slope = -2e-1 ) ", NULL, &activation), NB_OK);
    assert_true(activation.number[0] == -0.2);
    assert_int_equal(nb_notation_init(ctx, "normal(deviation=3)", &init), NB_OK);
    assert_true(init.number[0] == 3);
    assert_int_equal(nb_notation_cost(ctx, "mse", NULL, &cost), NB_OK);
    assert_ptr_equal(cost.type, nb_costs[NB_COST_mse]);
    assert_int_equal(nb_notation_activation(ctx, "rleu", NULL, &activation), NB_EARG);
    assert_string_equal(ctx->message, "unknown activation 'rleu'; did you mean 'relu'?");
    assert_true(activation.number[0] == -0.2);
    assert_int_equal(nb_notation_init(ctx, "he he", &init), NB_EARG);
    assert_int_equal(nb_notation_init(ctx, "constant(valu=1)", &init), NB_EARG);
    assert_string_equal(ctx->message, "constant has no option 'valu'; did you mean 'value'?");
    assert_int_equal(nb_notation_cost(ctx, "mse delta=2", NULL, &cost), NB_EARG);
    assert_string_equal(ctx->message, "mse has no option 'delta'");
    assert_int_equal(nb_notation_cost(ctx, "", NULL, &cost), NB_EARG);
    assert_string_equal(ctx->message, "expected a cost after ':', such as quadratic, not the end");
    assert_ptr_equal(cost.type, nb_costs[NB_COST_mse]);
    assert_ptr_equal(init.type, nb_inits[NB_INIT_normal]);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static void test_limits(void **state)
{
    (void)state;
    char text[2 * NB_NAME_MAX + 32], name[NB_NAME_MAX + 1] = "";
    nb_net *net = read_net("2147483648 - 2147483648 relu@2147483648");
    assert_int_equal(whole(child(net, 0), "units"), NB_SIZE_MAX);
    nb_net_release(ctx, net);
    net = read_net("1x1x1x1x1x1x1 - 10");
    assert_int_equal(net->in_dims, NB_INPUT_DIMS_MAX);
    nb_net_release(ctx, net);
    memset(name, 'n', NB_NAME_MAX - 1);
    snprintf(text, sizeof text, "64 - 30 name=%s", name);
    net = read_net(text);
    assert_string_equal(child(net, 0)->head.name, name);
    nb_net_release(ctx, net);
    assert_true(nb_notation_is_name(name));
    name[NB_NAME_MAX - 1] = 'n';
    assert_false(nb_notation_is_name(name));
}

/* NB_LAYER_PLACES layers in one text, and one more; by repeats, and by sharing, which needs few
 * letters for more places than could be walked. */
static void test_places(void **state)
{
    (void)state;
    nb_net *net = read_net("1 - 100*[100*[1]]");
    assert_int_equal(net->layer.children, NB_LAYER_PLACES);
    nb_net_release(ctx, net);
    assert_null(nb_notation_parse(ctx, "1 - 100*[100*[1]] - 1", NULL));
    assert_failed(NB_EARG, "notation has room for 10000 layers");
    char text[2000] = "1 - residual[1] name=a0";
    for (int i = 1; i < 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 " - residual[@a%d - @a%d] name=a%d", i - 1, i - 1, i);
    assert_null(nb_notation_parse(ctx, text, NULL));
    assert_failed(NB_EARG, "notation has room for 10000 layers");
}

/* Brackets NB_LAYER_DEPTH deep, and one more: in the text, and through a shared layer. */
static void test_depth(void **state)
{
    (void)state;
    static const char *const opens[] = {"residual[", "net[", "1*["};
    for (size_t k = 0; k < sizeof opens / sizeof opens[0]; k++) {
        for (int depth = NB_LAYER_DEPTH; depth <= NB_LAYER_DEPTH + 1; depth++) {
            char text[2000] = "1 - ";
            for (int i = 0; i < depth; i++) strcat(text, opens[k]);
            strcat(text, "1");
            for (int i = 0; i < depth; i++) strcat(text, "]");
            nb_net *net = nb_notation_parse(ctx, text, NULL);
            assert_int_equal(net != NULL, depth == NB_LAYER_DEPTH);
            if (!net) assert_failed(NB_EARG, "layers stand at most 64 deep in one another");
            nb_net_release(ctx, net);
        }
    }
    for (int depth = NB_LAYER_DEPTH; depth <= NB_LAYER_DEPTH + 1; depth++) {
        char text[2000] = "1 - residual[residual[1]] name=a - ";
        for (int i = 0; i < depth - 2; i++) strcat(text, opens[0]);
        strcat(text, "@a");
        for (int i = 0; i < depth - 2; i++) strcat(text, "]");
        nb_net *net = nb_notation_parse(ctx, text, NULL);
        assert_int_equal(net != NULL, depth == NB_LAYER_DEPTH);
        if (!net) assert_failed(NB_EARG, "layers stand at most 64 deep in one another");
        nb_net_release(ctx, net);
    }
}

/* A repeat reads its list again; a long list not for ever. */
static void test_again(void **state)
{
    (void)state;
    enum { BLANKS = NB_NOTATION_AGAIN / 16 };
    char *text = malloc(BLANKS + 64);
    assert_non_null(text);
    for (int turns = 17; turns <= 18; turns++) {
        size_t used = (size_t)sprintf(text, "1 - %d*[1", turns);
        memset(text + used, ' ', BLANKS - 1);
        strcpy(text + used + BLANKS - 1, "]");
        nb_net *net = nb_notation_parse(ctx, text, NULL);
        assert_int_equal(net != NULL, turns == 17);
        if (!net) assert_failed(NB_EARG, "this list is too long to be repeated");
        nb_net_release(ctx, net);
    }
    free(text);
}

static void test_is_name(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "_", "relu6", "My_f"};
    static const char *const bad[] = {"",    "6a",  " a",       "a ", "a b",
                                      "a-b", "a.b", "\xC3\xA9", "a=", "-"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(nb_notation_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(nb_notation_is_name(bad[i]));
}

/* ---- The tables ----------------------------------------------------------------------------- */

/* A bare word in a layer's tail means one thing: no flag is an activation or a layer. */
static void test_words_are_disjoint(void **state)
{
    (void)state;
    for (int i = 0; i < NB_ACTIVATIONS; i++) assert_null(nb_layer_find(nb_activations[i]->name));
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_option *option = nb_layer_types[i]->options;
        for (; option->name; option++) {
            assert_null(nb_activation_find(option->name));
            assert_null(nb_layer_find(option->name));
        }
    }
}

/* What the parser relies on: 64 options at most, and places without gaps, the needed ones first. */
static void test_lists(void **state)
{
    (void)state;
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_option *options = nb_layer_types[i]->options;
        int count = 0, places = 0, found = 0;
        for (; options[count].name; count++)
            if (options[count].place > places) places = options[count].place;
        for (int place = 1; place <= places; place++)
            for (int k = 0; k < count; k++) found += options[k].place == place;
        assert_int_equal(found, places);
        assert_true(count <= 64);
    }
}

/* ---- The host's names ----------------------------------------------------------------------- */

static const nb_host_function host;
static const nb_activation_type custom_activation = {.name = "bump", .host = &host};
static const nb_cost_type custom_cost = {.name = "worst", .host = &host};

static const nb_activation_type *find_activation(nb_ctx *c, void *self, const char *name)
{
    (void)c;
    ++*(int *)self;
    return strcmp(name, "bump") == 0 ? &custom_activation : NULL;
}

static const nb_cost_type *find_cost(nb_ctx *c, void *self, const char *name)
{
    (void)c;
    ++*(int *)self;
    return strcmp(name, "worst") == 0 ? &custom_cost : NULL;
}

static void test_resolver(void **state)
{
    (void)state;
    int asked = 0;
    const nb_resolver both = {find_activation, find_cost, &asked};
    const nb_resolver neither = {.self = &asked};
    nb_activation alone;
    nb_cost cost;
    const char *text = "4 - 3 bump relu@2 - 2 relu bump@1 : worst";
    nb_net *net = nb_notation_parse(ctx, text, &both);
    assert_non_null(net);
    assert_ptr_equal(child(net, 0)->head.activation.type, &custom_activation);
    assert_ptr_equal(child(net, 1)->differs[0].activation.type, &custom_activation);
    assert_ptr_equal(net->cost.type, &custom_cost);
    nb_net_release(ctx, net);
    asked = 0;
    assert_non_null(net = nb_notation_parse(ctx, "4 - 3 relu init=he : mse", &both));
    assert_int_equal(asked, 0); /* built-in names are not asked for */
    nb_net_release(ctx, net);
    assert_null(nb_notation_parse(ctx, text, &neither));
    assert_failed(NB_EARG, "unknown activation 'bump'");
    assert_null(nb_notation_parse(ctx, "4 - 3 bumb", &both));
    assert_failed(NB_EARG, "unknown activation 'bumb'");
    assert_int_equal(nb_notation_activation(ctx, "bump", &both, &alone), NB_OK);
    assert_ptr_equal(alone.type, &custom_activation);
    assert_int_equal(nb_notation_cost(ctx, "worst", &both, &cost), NB_OK);
    assert_ptr_equal(cost.type, &custom_cost);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(book),    TEST(everything), TEST(shapes),  TEST(blocks),
        TEST(repeats), TEST(sharing),    TEST(paths),   TEST(one_layer),
        TEST(into),    TEST(values),     TEST(limits),  TEST(places),
        TEST(depth),   TEST(again),      TEST(is_name), TEST(words_are_disjoint),
        TEST(lists),   TEST(resolver),
    };
    return cmocka_run_group_tests_name("notation", tests, NULL, NULL);
}
