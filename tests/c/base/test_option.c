/* Options: defaults, ranges, messages. */
#include "base/context.h"
#include "base/option.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct training {
    double lr, slope;
    int64_t epochs, seed;
    bool shuffle;
    const char *cost;
    int on_epoch;
} training;

#define AT(field) .offset = offsetof(training, field)

/* A family of two words, one with options of its own. */
typedef struct shape {
    const char *name;
    const nb_option *options;
} shape;

static const nb_option bell_options[] = {
    {.name = "width",
     .value = 1,
     .high = 9,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_chosen, number[0])},
    {.name = "height", .value = 2, .kind = NB_NUMBER, .offset = offsetof(nb_chosen, number[1])},
    NB_OPTIONS_END,
};

static const shape bell = {"bell", bell_options}, ramp = {"ramp", NULL};

static const char *shape_at(const void *list, size_t i)
{
    (void)list;
    return i == 0 ? bell.name : i == 1 ? ramp.name : NULL;
}

static const void *find_shape(const char *name)
{
    return !strcmp(name, "bell") ? &bell : !strcmp(name, "ramp") ? &ramp : NULL;
}

static const char *name_of(const void *type)
{
    return ((const shape *)type)->name;
}

static const nb_option *options_of(const void *type)
{
    return ((const shape *)type)->options;
}

static const nb_family shapes = {.noun = "outline",
                                 .find = find_shape,
                                 .name_at = shape_at,
                                 .name = name_of,
                                 .options = options_of};
static const char *const sides[] = {"left", "right", "middle", NULL};

/* A struct of nb_chosen's shape, as layers have them. */
typedef struct curve {
    const shape *type;
    double number[NB_CHOSEN_NUMBERS];
} curve;

typedef struct layer {
    char name[NB_NAME_MAX];
    int side;
    nb_sizes padding, kernel;
    int64_t units;
    curve curve;
    double rate;
    bool causal, bias;
    const char *cost;
    int f;
} layer;

#define IN(field) .offset = offsetof(layer, field)

static const nb_option layer_options[] = {
    {.name = "units", .low = 1, .high = 99, .kind = NB_INTEGER, .required = true, IN(units)},
    {.name = "kernel",
     .range = "a size from 1, or two as in 3x5",
     .value = 2,
     .low = 1,
     .high = 1e9,
     .kind = NB_SIZES,
     .most = 2,
     IN(kernel)},
    {.name = "side", .value = 1, .kind = NB_CHOICE, .words = sides, IN(side)},
    {.name = "padding", .high = 9, .kind = NB_SIZES, .most = 8, .words = sides, IN(padding)},
    {.name = "curve", .kind = NB_CHOSEN, .family = &shapes, IN(curve)},
    {.name = "rate", .value = 0.5, .kind = NB_NUMBER, IN(rate)},
    {.name = "causal", .kind = NB_BOOLEAN, IN(causal)},
    {.name = "bias", .value = 1, .kind = NB_BOOLEAN, IN(bias)},
    {.name = "name", .kind = NB_NAME, IN(name)},
    {.name = "cost", .kind = NB_WORD, IN(cost)},
    {.name = "f", .kind = NB_HOST, IN(f)},
    NB_OPTIONS_END,
};

static const nb_option options[] = {
    {.name = "lr",
     .range = "a number above 0",
     .value = 0.1,
     .high = INFINITY,
     .above = true,
     .kind = NB_NUMBER,
     AT(lr)},
    {.name = "slope", .value = -1.5, .kind = NB_NUMBER, AT(slope)},
    {.name = "epochs",
     .range = "a whole number from 1 to 100",
     .value = 30,
     .low = 1,
     .high = 100,
     .kind = NB_INTEGER,
     AT(epochs)},
    {.name = "seed", .kind = NB_INTEGER, AT(seed)},
    {.name = "shuffle", .value = 1, .kind = NB_BOOLEAN, AT(shuffle)},
    {.name = "cost", .kind = NB_WORD, AT(cost)},
    {.name = "on_epoch", .range = "a function", .kind = NB_HOST, AT(on_epoch)},
    NB_OPTIONS_END,
};

typedef struct fixture {
    nb_ctx *ctx;
    training target;
} fixture;

static int setup(void **state)
{
    fixture *f = malloc(sizeof *f);
    if (!f) return -1;
    memset(f, 0x55, sizeof *f);
    f->ctx = nb_ctx_new();
    nb_option_defaults(options, &f->target);
    *state = f;
    return f->ctx ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    nb_ctx_free(f->ctx);
    free(f);
    return 0;
}

static nb_status set(fixture *f, const char *name, double value)
{
    return nb_option_set(f->ctx, nb_option_find(options, name), &f->target, value);
}

static void refused(fixture *f, const char *name, double value, const char *message)
{
    training before = f->target;
    assert_int_equal(set(f, name, value), NB_EARG);
    assert_string_equal(f->ctx->message, message);
    assert_memory_equal(&before, &f->target, sizeof before);
}

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(nb_option_find(options, "lr"), &options[0]);
    assert_ptr_equal(nb_option_find(options, "on_epoch"), &options[6]);
    assert_null(nb_option_find(options, "l"));
    assert_null(nb_option_find(options, "LR"));
    assert_null(nb_option_find(options, ""));
}

static void test_defaults(void **state)
{
    fixture *f = *state;
    assert_true(f->target.lr == 0.1);
    assert_true(f->target.slope == -1.5);
    assert_true(f->target.epochs == 30);
    assert_true(f->target.seed == 0);
    assert_true(f->target.shuffle);
    assert_null(f->target.cost);
    assert_int_equal(f->target.on_epoch, 0);
}

static void test_numbers(void **state)
{
    fixture *f = *state;
    assert_int_equal(set(f, "lr", 5e-324), NB_OK);
    assert_true(f->target.lr == 5e-324);
    assert_int_equal(set(f, "lr", 1e300), NB_OK);
    refused(f, "lr", 0, "lr must be a number above 0, not 0");
    refused(f, "lr", -1, "lr must be a number above 0, not -1");
    refused(f, "lr", NAN, "lr must be a number above 0, not nan");
    refused(f, "lr", INFINITY, "lr must be a number above 0, not inf");
}

/* A bound that the words of the range do not name is named. */
static void test_largest_number(void **state)
{
    fixture *f = *state;
    static const nb_option rate = {.name = "rate",
                                   .range = "a number above 0",
                                   .high = 1e30,
                                   .above = true,
                                   .kind = NB_NUMBER};
    double x = 0;
    assert_int_equal(nb_option_set(f->ctx, &rate, &x, 1e30), NB_OK);
    assert_int_equal(nb_option_set(f->ctx, &rate, &x, 1e31), NB_EARG);
    assert_string_equal(f->ctx->message, "rate must be at most 1e30, not 1e31");
    assert_int_equal(nb_option_set(f->ctx, &rate, &x, 0), NB_EARG);
    assert_string_equal(f->ctx->message, "rate must be a number above 0, not 0");
    assert_true(x == 1e30);
}

/* Without a range any finite number will do, and the message says the kind. */
static void test_any_number(void **state)
{
    fixture *f = *state;
    assert_int_equal(set(f, "slope", -1e300), NB_OK);
    assert_int_equal(set(f, "slope", 0), NB_OK);
    refused(f, "slope", -INFINITY, "slope must be a number, not -inf");
    refused(f, "slope", NAN, "slope must be a number, not nan");
}

static void test_integers(void **state)
{
    fixture *f = *state;
    assert_int_equal(set(f, "epochs", 1), NB_OK);
    assert_int_equal(set(f, "epochs", 100), NB_OK);
    assert_true(f->target.epochs == 100);
    refused(f, "epochs", 0, "epochs must be a whole number from 1 to 100, not 0");
    refused(f, "epochs", 101, "epochs must be a whole number from 1 to 100, not 101");
    refused(f, "epochs", 2.5, "epochs must be a whole number from 1 to 100, not 2.5");
    refused(f, "epochs", NAN, "epochs must be a whole number from 1 to 100, not nan");
}

/* NB_WHOLE_MAX on both sides: beyond it a double no longer says which number was meant. */
static void test_largest_integer(void **state)
{
    fixture *f = *state;
    assert_int_equal(set(f, "seed", NB_WHOLE_MAX), NB_OK);
    assert_true(f->target.seed == INT64_C(1) << 53);
    assert_int_equal(set(f, "seed", -NB_WHOLE_MAX), NB_OK);
    assert_true(f->target.seed == -(INT64_C(1) << 53));
    refused(f, "seed", NB_WHOLE_MAX + 2,
            "seed must be at most 9007199254740992, not 9007199254740994");
    refused(f, "seed", -1e300, "seed must be a whole number, not -1e300");
}

static void test_booleans(void **state)
{
    fixture *f = *state;
    assert_int_equal(set(f, "shuffle", 0), NB_OK);
    assert_false(f->target.shuffle);
    assert_int_equal(set(f, "shuffle", 1), NB_OK);
    assert_true(f->target.shuffle);
    refused(f, "shuffle", 2, "shuffle must be true or false, not 2");
    refused(f, "shuffle", 0.5, "shuffle must be true or false, not 0.5");
    refused(f, "shuffle", NAN, "shuffle must be true or false, not nan");
}

/* A number never lands in a field that holds a pointer. */
static void test_not_numbers(void **state)
{
    fixture *f = *state;
    refused(f, "cost", 1, "cost must be a string, not 1");
    refused(f, "on_epoch", 0, "on_epoch must be a function, not 0");
}

/* ---- The kinds of layers' options ----------------------------------------------------------- */

static nb_status set_word(fixture *f, layer *to, const char *name, const char *word)
{
    return nb_option_set_word(f->ctx, nb_option_find(layer_options, name), to, word);
}

static void refused_word(fixture *f, const char *name, const char *word, const char *message)
{
    layer to, before;
    memset(&to, 0, sizeof to);
    nb_option_defaults(layer_options, &to);
    before = to;
    assert_int_equal(set_word(f, &to, name, word), NB_EARG);
    assert_string_equal(f->ctx->message, message);
    assert_memory_equal(&before, &to, sizeof to);
}

static void test_layer_defaults(void **state)
{
    (void)state;
    layer to;
    memset(&to, 0x55, sizeof to);
    nb_option_defaults(layer_options, &to);
    assert_string_equal(to.name, "");
    assert_int_equal(to.side, 1);
    assert_true(to.padding.word == -1 && to.padding.size[0] == 0);
    assert_true(to.kernel.count == 1 && to.kernel.size[0] == 2);
    assert_null(to.curve.type);
    for (const nb_option *option = layer_options; option->name; option++)
        assert_int_equal(nb_option_is_default(option, &to), !option->required);
}

static void test_words(void **state)
{
    fixture *f = *state;
    layer to;
    nb_option_defaults(layer_options, &to);
    assert_int_equal(set_word(f, &to, "side", "middle"), NB_OK);
    assert_int_equal(to.side, 2);
    assert_int_equal(set_word(f, &to, "padding", "left"), NB_OK);
    assert_int_equal(to.padding.word, 0);
    assert_int_equal(set_word(f, &to, "causal", "true"), NB_OK);
    assert_true(to.causal);
    assert_int_equal(set_word(f, &to, "bias", "false"), NB_OK);
    assert_false(to.bias);
    assert_int_equal(set_word(f, &to, "name", "My_1"), NB_OK);
    assert_string_equal(to.name, "My_1");
    assert_int_equal(set_word(f, &to, "curve", "bell"), NB_OK);
    assert_ptr_equal(to.curve.type, &bell);
    assert_true(to.curve.number[0] == 1 && to.curve.number[1] == 2);
    const char *const changed = "side padding causal bias name curve";
    for (const nb_option *option = layer_options; option->name; option++)
        assert_int_equal(nb_option_is_default(option, &to),
                         !option->required && !strstr(changed, option->name));
}

static void test_wrong_words(void **state)
{
    fixture *f = *state;
    refused_word(f, "side", "lfet", "unknown side 'lfet'; did you mean 'left'?");
    refused_word(f, "side", "above", "side must be left, right or middle, not 'above'");
    refused_word(f, "padding", "above",
                 "padding must be left, right, middle or a whole number, not 'above'");
    refused_word(f, "curve", "bel", "unknown outline 'bel'; did you mean 'bell'?");
    refused_word(f, "curve", "square", "unknown outline 'square'");
    refused_word(f, "causal", "yes", "causal must be true or false, not 'yes'");
    refused_word(f, "rate", "fast", "rate must be a number, not 'fast'");
    refused_word(f, "kernel", "big\x1B",
                 "kernel must be a size from 1, or two as in 3x5, not 'big\\027'");
    refused_word(f, "name", "a.b",
                 "name must be a name of letters, digits and _, at most 63 of them, not 'a.b'");
}

/* NB_NAME_MAX on both sides: the name and its end fill the field. */
static void test_longest_name(void **state)
{
    fixture *f = *state;
    char name[NB_NAME_MAX + 1];
    layer to;
    memset(name, 'n', sizeof name);
    name[NB_NAME_MAX] = '\0';
    assert_false(nb_is_name(name));
    assert_int_equal(set_word(f, &to, "name", name), NB_EARG);
    name[NB_NAME_MAX - 1] = '\0';
    assert_true(nb_is_name(name));
    assert_int_equal(set_word(f, &to, "name", name), NB_OK);
    assert_string_equal(to.name, name);
    assert_false(nb_is_name("") || nb_is_name("6a") || nb_is_name("a b") || nb_is_name("\xC3\xA9"));
}

static void test_sizes(void **state)
{
    fixture *f = *state;
    const nb_option *kernel = nb_option_find(layer_options, "kernel");
    layer to;
    nb_option_defaults(layer_options, &to);
    assert_true(to.kernel.word < 0 && to.kernel.count == 1 && to.kernel.size[0] == 2);
    assert_true(nb_option_is_default(kernel, &to));
    assert_int_equal(nb_option_set_sizes(f->ctx, kernel, &to, 2, (double[]){3, 5}), NB_OK);
    assert_true(to.kernel.count == 2 && to.kernel.size[0] == 3 && to.kernel.size[1] == 5);
    assert_false(nb_option_is_default(kernel, &to));
    assert_int_equal(nb_option_set_sizes(f->ctx, kernel, &to, 2, (double[]){2, 2.5}), NB_EARG);
    assert_string_equal(f->ctx->message,
                        "kernel must be a size from 1, or two as in 3x5, not 2x2.5");
    assert_int_equal(nb_option_set_sizes(f->ctx, kernel, &to, 2, (double[]){0, 2}), NB_EARG);
    assert_int_equal(nb_option_set_sizes(f->ctx, kernel, &to, 3, (double[]){1, 2, 3}), NB_EARG);
    assert_string_equal(f->ctx->message,
                        "kernel must be a size from 1, or two as in 3x5, not 1x2x3");
    assert_true(to.kernel.size[0] == 3 && to.kernel.size[1] == 5);
    assert_int_equal(nb_option_set(f->ctx, kernel, &to, 4), NB_OK);
    assert_true(to.kernel.count == 1 && to.kernel.size[0] == 4);
    assert_int_equal(nb_option_set(f->ctx, kernel, &to, 0), NB_EARG);
    assert_int_equal(nb_option_set_sizes(f->ctx, nb_option_find(layer_options, "units"), &to, 2,
                                         (double[]){3, 5}),
                     NB_EARG);
    assert_string_equal(f->ctx->message, "units must be a whole number, not 3x5");
}

/* NB_SIZES_MAX on both sides. */
static void test_most_sizes(void **state)
{
    fixture *f = *state;
    const nb_option *padding = nb_option_find(layer_options, "padding");
    const double size[NB_SIZES_MAX + 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    layer to;
    nb_option_defaults(layer_options, &to);
    assert_int_equal(nb_option_set_sizes(f->ctx, padding, &to, NB_SIZES_MAX, size), NB_OK);
    assert_true(to.padding.count == NB_SIZES_MAX && to.padding.size[NB_SIZES_MAX - 1] == 8);
    assert_int_equal(nb_option_set_sizes(f->ctx, padding, &to, NB_SIZES_MAX + 1, size), NB_EARG);
    assert_string_equal(
        f->ctx->message,
        "padding must be left, right, middle or a whole number, not 1x2x3x4x5x6x7x8x9");
}

static void test_words_or_sizes(void **state)
{
    fixture *f = *state;
    const nb_option *padding = nb_option_find(layer_options, "padding");
    layer to;
    nb_option_defaults(layer_options, &to);
    assert_int_equal(nb_option_set(f->ctx, padding, &to, 9), NB_OK);
    assert_true(to.padding.word == -1 && to.padding.size[0] == 9);
    assert_int_equal(nb_option_set_word(f->ctx, padding, &to, "middle"), NB_OK);
    assert_true(to.padding.word == 2 && !nb_option_is_default(padding, &to));
    assert_int_equal(nb_option_set(f->ctx, padding, &to, 10), NB_EARG);
    assert_string_equal(f->ctx->message,
                        "padding must be left, right, middle or a whole number, not 10");
    assert_int_equal(nb_option_set(f->ctx, nb_option_find(layer_options, "side"), &to, 1), NB_EARG);
    assert_string_equal(f->ctx->message, "side must be left, right or middle, not 1");
}

/* As notation writes them, in the list's order; what the host alone knows is left out. */
static void test_write(void **state)
{
    fixture *f = *state;
    layer to;
    nb_text text;
    nb_text_init(&text, f->ctx);
    nb_option_defaults(layer_options, &to);
    to.units = 30;
    nb_options_write(&text, layer_options, &to);
    assert_string_equal(nb_text_get(&text), " units=30");
    to = (layer){.name = "x",
                 .side = 2,
                 .padding = {.word = 1},
                 .kernel = {.word = -1, .count = 2, .size = {3, 5}},
                 .units = 7,
                 .curve = {&bell, {3, 2}},
                 .rate = 1e-3,
                 .causal = true,
                 .cost = "c",
                 .f = 1};
    nb_options_write(&text, layer_options, &to);
    assert_string_equal(nb_text_get(&text),
                        " units=30 units=7 kernel=3x5 side=middle padding=right "
                        "curve=bell(width=3) rate=0.001 causal=true bias=false name=x");
    text.length = 0;
    to.kernel.size[1] = 3;
    nb_option_write(&text, nb_option_find(layer_options, "kernel"), &to);
    to.padding = (nb_sizes){.word = -1, .count = 1, .size = {4}};
    nb_option_write(&text, nb_option_find(layer_options, "padding"), &to);
    to.curve.number[1] = -1;
    nb_option_write(&text, nb_option_find(layer_options, "curve"), &to);
    to.curve.type = &ramp;
    nb_option_write(&text, nb_option_find(layer_options, "curve"), &to);
    assert_string_equal(nb_text_get(&text), "3x34bell(width=3, height=-1)ramp");
    nb_option_choose(nb_option_find(layer_options, "curve"), &to, NULL);
    assert_null(to.curve.type);
    nb_text_free(&text);
}

static void test_unknown(void **state)
{
    fixture *f = *state;
    assert_int_equal(nb_option_unknown(f->ctx, options, "train", "epoch"), NB_EARG);
    assert_string_equal(f->ctx->message, "train has no option 'epoch'; did you mean 'epochs'?");
    assert_int_equal(nb_option_unknown(f->ctx, options, "train", "colour"), NB_EARG);
    assert_string_equal(f->ctx->message, "train has no option 'colour'");
    assert_int_equal(nb_option_unknown(f->ctx, &options[7], "flatten", "lr"), NB_EARG);
    assert_string_equal(f->ctx->message, "flatten has no option 'lr'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_integer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_booleans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_layer_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_most_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words_or_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
