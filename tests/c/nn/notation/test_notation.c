/* Notation read: the grammar, every error with its place, hostile texts, and that what describe.h
 * writes reads back to the same network. */
#include "nn/notation/notation.h"

#include "../../support.h"
#include "base/random.h"
#include "nn/notation/describe.h"

#include <stdio.h>

/* ---- What is read --------------------------------------------------------------------------- */

static void read_net(const char *text, nb_net_spec *spec)
{
    *spec = (nb_net_spec){.layers = 0};
    if (nb_notation_parse(ctx, text, NULL, spec) != NB_OK) fail_msg("%s", ctx->message);
}

static void test_book(void **state)
{
    (void)state;
    nb_net_spec spec;
    static const char *const same[] = {"784-30-10", "784 - 30 - 10", " 784 -30\n-\t10 ",
                                       "784 - dense 30 - 10 : quadratic"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        read_net(same[i], &spec);
        assert_int_equal(spec.in_dims, 1);
        assert_int_equal(spec.in_shape[0], 784);
        assert_int_equal(spec.layers, 2);
        for (int l = 0; l < 2; l++) {
            const nb_layer_spec *layer = &spec.layer[l];
            assert_ptr_equal(layer->type, nb_layer_types[NB_LAYER_dense]);
            assert_int_equal(layer->sizes, 1);
            assert_int_equal(layer->size[0], l ? 10 : 30);
            assert_null(layer->activation);
            assert_null(layer->init);
            assert_int_equal(layer->run_count, 0);
            assert_string_equal(layer->name, "");
        }
        assert_ptr_equal(spec.cost, nb_costs[NB_COST_quadratic]);
        nb_net_spec_free(ctx, &spec);
        assert_int_equal(spec.layers, 0);
    }
}

static void test_everything(void **state)
{
    (void)state;
    nb_net_spec spec;
    read_net("1x28x28-30 relu6@7 tanh name=h_1 elu@9..12 init=he-dense 10 softmax:cross_entropy",
             &spec);
    assert_int_equal(spec.in_dims, 3);
    assert_int_equal(spec.in_shape[0], 1);
    assert_int_equal(spec.in_shape[2], 28);
    const nb_layer_spec *layer = &spec.layer[0];
    assert_ptr_equal(layer->activation, nb_activations[NB_ACT_tanh]);
    assert_ptr_equal(layer->init, nb_inits[NB_INIT_he]);
    assert_string_equal(layer->name, "h_1");
    assert_int_equal(layer->run_count, 2);
    assert_ptr_equal(layer->runs[0].activation, nb_activations[NB_ACT_relu6]);
    assert_int_equal(layer->runs[0].start, 6);
    assert_int_equal(layer->runs[0].count, 1);
    assert_int_equal(layer->runs[1].start, 8);
    assert_int_equal(layer->runs[1].count, 4);
    assert_ptr_equal(spec.layer[1].activation, nb_activations[NB_ACT_softmax]);
    assert_ptr_equal(spec.cost, nb_costs[NB_COST_cross_entropy]);
    nb_net_spec_free(ctx, &spec);
}

static void test_one_layer(void **state)
{
    (void)state;
    nb_layer_spec layer = {.type = NULL};
    assert_int_equal(nb_notation_parse_layer(ctx, " dense 30 relu ", NULL, &layer), NB_OK);
    assert_int_equal(layer.size[0], 30);
    assert_ptr_equal(layer.activation, nb_activations[NB_ACT_relu]);
    static const char *const bad[] = {"30 - 10", "30 : mse", "", "30 relu@2 - 10", "30 relu@2 x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        layer = (nb_layer_spec){.type = NULL};
        assert_int_equal(nb_notation_parse_layer(ctx, bad[i], NULL, &layer), NB_EARG);
        assert_null(layer.runs);
    }
}

/* ---- Errors --------------------------------------------------------------------------------- */

/* The mark stands below the first '!' of `text`, which is taken out before reading. */
static void assert_refused(const char *text, const char *words)
{
    char clean[256];
    size_t place = strcspn(text, "!");
    snprintf(clean, sizeof clean, "%.*s%s", (int)place, text, text + place + 1);
    nb_net_spec spec = {.layers = 0};
    assert_int_equal(nb_notation_parse(ctx, clean, NULL, &spec), NB_EARG);
    assert_null(spec.layer);
    assert_failed(NB_EARG, words);
    const char *mark = strrchr(ctx->message, '\n') + 1;
    if (strlen(mark) != place + 3) fail_msg("the mark is at the wrong place:\n%s", ctx->message);
}

static void test_errors_of_shape(void **state)
{
    (void)state;
    assert_refused("!", "expected the input's shape first, such as 64 or 1x28x28, not the end");
    assert_refused("!dense 30 - 10", "not 'dense'");
    assert_refused("!- 30", "expected the input's shape");
    assert_refused("!0 - 10", "a size must be at least 1, not '0'");
    assert_refused("!-5 - 10", "a size must be at least 1, not '-5'");
    assert_refused("1x!0x28 - 10", "a size must be at least 1, not '0'");
    assert_refused("1x!2147483649 - 10", "a size must be at most 2147483648");
    assert_refused("!1x1x1x1x1x1x1x1 - 10", "a shape has at most 7 sizes");
    assert_refused("!6.4 - 10", "not '6.4'");
    assert_refused("64!", "expected '-' and a layer after the input's shape, not the end");
    assert_refused("64 !30", "expected '-' and a layer");
}

static void test_errors_of_layers(void **state)
{
    (void)state;
    assert_refused("64 -!", "expected a layer, such as 30 or dense 30 relu, not the end");
    assert_refused("64 - 30 - !", "expected a layer");
    assert_refused("64 - !, 30", "not ','");
    assert_refused("64 - !0", "at least 1, not '0'");
    assert_refused("64 - !-30 - 10", "at least 1, not '-30'");
    assert_refused("64 - dense !-30", "at least 1, not '-30'");
    assert_refused("64 - !2147483649", "at most 2147483648, not '2147483649'");
    assert_refused("64 - !99999999999999999999999999999", "a size must be at most");
    assert_refused("64 - !0.5", "a size must be one whole number, not '0.5'");
    assert_refused("64 - !3x4", "a size must be one whole number, not '3x4'");
    assert_refused("64 - dense!", "expected the units of dense, not the end");
    assert_refused("64 - dense !relu", "expected the units of dense, not 'relu'");
    assert_refused("64 - 30 !20", "dense takes no further number after its units");
    assert_refused("64 - !dens 30", "unknown layer 'dens'; did you mean 'dense'?");
    assert_refused("64 - !relu 30", "relu is an activation; it stands after a layer's size");
    assert_refused("64 - 30 !dense 10", "expected '-' before the layer 'dense'");
    assert_refused("64 - !fn", "fn holds what notation cannot say; it needs the table form");
    assert_refused("64 - 30!; 10",
                   "expected an activation, an option such as init=he, '-', ':' or");
}

static void test_errors_of_activations(void **state)
{
    (void)state;
    assert_refused("64 - 30 !rleu - 10", "unknown activation 'rleu'; did you mean 'relu'?");
    assert_refused("64 - 30 !rleu@7 - 10", "unknown activation 'rleu'; did you mean 'relu'?");
    assert_refused("64 - 30 relu !tanh", "neurons that differ are written as tanh@7");
    assert_refused("64 - 30 relu@!0", "a neuron's number must be at least 1, not '0'");
    assert_refused("64 - 30 relu@!x", "expected a neuron's number after '@', not 'x'");
    assert_refused("64 - 30 relu@2..!", "expected the last neuron's number after '..'");
    assert_refused("64 - 30 relu@!5..4", "from the first to the last, not from 5 to 4");
    assert_refused("64 - 30 !softmax@3", "softmax belongs to a whole layer");
    assert_refused("64 - 30 softmax !relu@3", "softmax belongs to a whole layer");
    assert_refused("64 - 30 relu@3 !softmax", "softmax belongs to a whole layer");
}

static void test_errors_of_options(void **state)
{
    (void)state;
    assert_refused("64 - 30 !int=he", "dense has no option 'int'; did you mean 'init'?");
    assert_refused("64 - 30 !colour=red", "dense has no option 'colour'; it has init and name");
    assert_refused("64 - 30 init=!hee", "unknown initialiser 'hee'; did you mean 'he'?");
    assert_refused("64 - 30 init=!",
                   "expected an initialiser after 'init=', such as he, not the end");
    assert_refused("64 - 30 init=he init=!he", "init is given twice");
    assert_refused("64 - 30 name=!1a", "expected a name of letters, digits and '_'");
    assert_refused("64 - 30 name=a name=!b", "name is given twice");
}

static void test_errors_of_costs(void **state)
{
    (void)state;
    assert_refused("64 - 30 :!", "expected a cost after ':', such as quadratic, not the end");
    assert_refused("64 - 30 : !7", "expected a cost after ':'");
    assert_refused("64 - 30 : !quadratc", "unknown cost 'quadratc'; did you mean 'quadratic'?");
    assert_refused("64 - 30 : mse !- 10", "expected the end after the cost, not '-'");
}

/* Both sides of every limit. */
static void test_limits(void **state)
{
    (void)state;
    char text[2 * NB_NAME_MAX + 32], name[NB_NAME_MAX + 1] = "";
    nb_net_spec spec;
    read_net("2147483648 - 2147483648 relu@2147483648", &spec);
    assert_int_equal(spec.layer[0].size[0], NB_SIZE_MAX);
    nb_net_spec_free(ctx, &spec);
    read_net("1x1x1x1x1x1x1 - 10", &spec);
    assert_int_equal(spec.in_dims, NB_INPUT_DIMS_MAX);
    nb_net_spec_free(ctx, &spec);
    memset(name, 'n', NB_NAME_MAX - 1);
    snprintf(text, sizeof text, "64 - 30 name=%s", name);
    read_net(text, &spec);
    assert_string_equal(spec.layer[0].name, name);
    nb_net_spec_free(ctx, &spec);
    assert_true(nb_notation_is_name(name));
    name[NB_NAME_MAX - 1] = 'n';
    snprintf(text, sizeof text, "64 - 30 name=!%s", name);
    assert_refused(text, "a name has at most 63 letters, not 64");
    assert_false(nb_notation_is_name(name));
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

/* ---- The host's names ----------------------------------------------------------------------- */

static const nb_host_function host;
static const nb_activation custom_activation = {.name = "bump", .host = &host};
static const nb_cost custom_cost = {.name = "worst", .host = &host};

static const nb_activation *find_activation(nb_ctx *c, void *self, const char *name)
{
    (void)c;
    ++*(int *)self;
    return strcmp(name, "bump") == 0 ? &custom_activation : NULL;
}

static const nb_cost *find_cost(nb_ctx *c, void *self, const char *name)
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
    nb_net_spec spec = {.layers = 0};
    const char *text = "4 - 3 bump relu@2 - 2 relu bump@1 : worst";
    assert_int_equal(nb_notation_parse(ctx, text, &both, &spec), NB_OK);
    assert_ptr_equal(spec.layer[0].activation, &custom_activation);
    assert_ptr_equal(spec.layer[1].runs[0].activation, &custom_activation);
    assert_ptr_equal(spec.cost, &custom_cost);
    assert_int_equal(asked, 3); /* built-in names are not asked for */
    nb_net_spec_free(ctx, &spec);
    assert_int_equal(nb_notation_parse(ctx, text, &neither, &spec), NB_EARG);
    assert_failed(NB_EARG, "unknown activation 'bump'");
    assert_int_equal(nb_notation_parse(ctx, "4 - 3 bumb", &both, &spec), NB_EARG);
    assert_failed(NB_EARG, "unknown activation 'bumb'");
}

/* ---- There and back ------------------------------------------------------------------------- */

static const nb_activation *random_activation(nb_stream *stream)
{
    return nb_activations[nb_random_below(stream, NB_ACT_softmax)];
}

static void random_layer(nb_stream *stream, nb_layer_spec *layer)
{
    int64_t units = 1 + (int64_t)nb_random_below(stream, 20);
    layer->type = nb_layer_types[NB_LAYER_dense];
    layer->size[0] = units;
    layer->sizes = 1;
    if (nb_random_below(stream, 2)) layer->activation = random_activation(stream);
    if (nb_random_below(stream, 2)) layer->init = nb_inits[nb_random_below(stream, NB_INITS)];
    if (nb_random_below(stream, 4) == 0)
        layer->activation = nb_activations[NB_ACT_softmax];
    else if (nb_random_below(stream, 2))
        layer->run_count = (int64_t)nb_random_below(stream, 5);
    if (layer->run_count > 0) {
        layer->runs = nb_alloc(ctx, (size_t)layer->run_count * sizeof(nb_run));
        assert_non_null(layer->runs);
    }
    for (int64_t i = 0; i < layer->run_count; i++) {
        int64_t start = (int64_t)nb_random_below(stream, (uint64_t)units);
        int64_t count = 1 + (int64_t)nb_random_below(stream, (uint64_t)(units - start));
        layer->runs[i] = (nb_run){start, count, random_activation(stream)};
    }
}

static void random_spec(nb_stream *stream, nb_net_spec *spec)
{
    *spec = (nb_net_spec){.in_dims = 1, .in_shape = {1 + (int64_t)nb_random_below(stream, 30)}};
    int layers = 1 + (int)nb_random_below(stream, 6);
    for (int l = 0; l < layers; l++) {
        nb_layer_spec *layer = nb_net_spec_add(ctx, spec);
        assert_non_null(layer);
        random_layer(stream, layer);
        if (nb_random_below(stream, 3) == 0) snprintf(layer->name, sizeof layer->name, "l_%d", l);
    }
    spec->cost = nb_costs[nb_random_below(stream, NB_COSTS)];
}

static void assert_same_layer(const nb_layer *a, const nb_layer *b)
{
    assert_int_equal(a->spec.size[0], b->spec.size[0]);
    assert_string_equal(a->spec.name, b->spec.name);
    assert_int_equal(a->runs->count, b->runs->count);
    assert_memory_equal(a->runs->run, b->runs->run, (size_t)a->runs->count * sizeof(nb_run));
}

/* Every bit of the parameters too: the same seed through the same initialisers. */
static void assert_same_net(const nb_net *a, const nb_net *b)
{
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->in_shape[0], b->in_shape[0]);
    assert_ptr_equal(a->cost, b->cost);
    for (int l = 0; l < a->layers; l++) assert_same_layer(&a->layer[l], &b->layer[l]);
    assert_int_equal(nb_net_count(a), nb_net_count(b));
    assert_memory_equal(nb_tensor_data(a->params), nb_tensor_data(b->params),
                        (size_t)nb_net_count(a) * nb_dtype_size(a->dtype));
}

static void test_there_and_back(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 500; round++) {
        nb_net_spec spec, again;
        random_spec(&stream, &spec);
        nb_net *net = nb_net_new(ctx, &spec, NB_F32, 9);
        assert_non_null(net);
        nb_text text, second;
        nb_text_init(&text, ctx);
        nb_text_init(&second, ctx);
        nb_notation_write(&text, net);
        read_net(nb_text_get(&text), &again);
        nb_net *copy = nb_net_new(ctx, &again, NB_F32, 9);
        assert_non_null(copy);
        assert_same_net(net, copy);
        nb_notation_write(&second, copy);
        assert_string_equal(nb_text_get(&text), nb_text_get(&second));
        nb_text_free(&text);
        nb_text_free(&second);
        nb_net_release(ctx, net);
        nb_net_release(ctx, copy);
        nb_net_spec_free(ctx, &spec);
        nb_net_spec_free(ctx, &again);
    }
}

/* ---- Hostile texts -------------------------------------------------------------------------- */

/* Reads; whatever comes, it is a spec or a marked error, and nothing is left behind (teardown). */
static void read_anything(const char *text)
{
    nb_net_spec spec = {.layers = 0};
    nb_layer_spec layer = {.type = NULL};
    nb_status status = nb_notation_parse(ctx, text, NULL, &spec);
    if (status == NB_OK) {
        assert_true(spec.layers > 0 && spec.in_dims > 0 && spec.cost);
        nb_net_spec_free(ctx, &spec);
    } else {
        assert_int_equal(status, NB_EARG);
        assert_int_equal(ctx->message[strlen(ctx->message) - 1], '^');
    }
    status = nb_notation_parse_layer(ctx, text, NULL, &layer);
    if (status == NB_OK) nb_free(ctx, layer.runs, (size_t)layer.run_count * sizeof(nb_run));
}

/* Words of the grammar in any order reach further into it than bytes do. */
static void test_random_words(void **state)
{
    (void)state;
    static const char *const words[] = {
        "64",    "-",       "30",  " ",   "1x28", "relu",        "@",    "7",    "..",
        "12",    "softmax", ":",   "mse", "init", "=",           "he",   "name", "a",
        "dense", "fn",      "-30", "0",   "\n",   "99999999999", "\xFF", "."};
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 50000; round++) {
        char text[400] = "64 - 30 ";
        int count = (int)nb_random_below(&stream, 24);
        for (int i = 0; i < count; i++) {
            strcat(text, words[nb_random_below(&stream, sizeof words / sizeof words[0])]);
            if (nb_random_below(&stream, 3) == 0) strcat(text, " ");
        }
        read_anything(text);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(6, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 50000; round++) {
        char text[] = "64 - 30 relu@7 tanh@9..12 init=he - dense 10 softmax : cross_entropy";
        for (int i = 0; i < 3; i++) {
            text[nb_random_below(&stream, sizeof text - 1)] = (char)nb_random_below(&stream, 256);
        }
        read_anything(text);
    }
}

/* A million letters, layers, sizes or neurons: time and stack stay small. */
static void test_long_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"a",  "-", "64 - 30", " - 30", "9",
                                        "x1", " ", " relu@7", "\xE2"};
    enum { TIMES = 100000, LONGEST = 8 };
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

static nb_status parse_once(void *text)
{
    nb_net_spec spec = {.layers = 0};
    nb_status status = nb_notation_parse(ctx, text, NULL, &spec);
    if (status != NB_OK) assert_null(spec.layer);
    nb_net_spec_free(ctx, &spec);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    char text[] = "4 - 3 relu@1 tanh@2 relu@3 - 3 - 3 - 3 - 3 elu@1 - 2";
    sweep(parse_once, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(book),
        TEST(everything),
        TEST(one_layer),
        TEST(errors_of_shape),
        TEST(errors_of_layers),
        TEST(errors_of_activations),
        TEST(errors_of_options),
        TEST(errors_of_costs),
        TEST(limits),
        TEST(is_name),
        TEST(resolver),
        TEST(there_and_back),
        TEST(random_words),
        TEST(random_bytes),
        TEST(long_texts),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("notation", tests, NULL, NULL);
}
