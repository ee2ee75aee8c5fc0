/* Options: defaults, ranges, messages; and the nearest name. */
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
    refused(f, "seed", NB_WHOLE_MAX + 2, "seed must be a whole number, not 9007199254740994");
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
    refused(f, "cost", 1, "cost must be a word, not 1");
    refused(f, "on_epoch", 0, "on_epoch must be a function, not 0");
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

static const char *name_at(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {"relu", "relu6",     "tanh",      "sigmoid",
                                        "w",    "softmax",   "silu",      "cross_entropy",
                                        "conv", "quadratic", "quickprop", NULL};
    const char *found = nb_nearest(word, name_at, names);
    return found ? found : "";
}

/* One slip of each kind: swap, omission, insertion, replacement. */
static void test_slips(void **state)
{
    (void)state;
    assert_string_equal(nearest("rleu"), "relu");
    assert_string_equal(nearest("rlu"), "relu");
    assert_string_equal(nearest("tanhh"), "tanh");
    assert_string_equal(nearest("tamh"), "tanh");
    assert_string_equal(nearest("relu"), "relu");
    assert_string_equal(nearest("ReLU"), "relu");
    assert_string_equal(nearest("Sigmiod"), "sigmoid");
}

/* Each bound of slips on both sides: one to four letters, two to eight, three beyond. */
static void test_slips_allowed(void **state)
{
    (void)state;
    assert_string_equal(nearest("tanx"), "tanh");
    assert_string_equal(nearest("taxx"), "");
    assert_string_equal(nearest("coxxv"), "conv");
    assert_string_equal(nearest("sigmxxd"), "sigmoid");
    assert_string_equal(nearest("sigxxxd"), "");
    assert_string_equal(nearest("cross_entxxxy"), "cross_entropy");
    assert_string_equal(nearest("cross_enxxxxy"), "");
    assert_string_equal(nearest("quadrxxx"), "");
    assert_string_equal(nearest("quadraxxx"), "quadratic");
    assert_string_equal(nearest("tahnh"), "tanh");
}

/* A word of one letter is near nothing: any other letter would be as good. */
static void test_short_words(void **state)
{
    (void)state;
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("b"), "");
    assert_string_equal(nearest("W"), "w");
    assert_string_equal(nearest("wb"), "w");
}

/* The nearer name wins over the earlier one, and the earlier one over an equally near. */
static void test_best(void **state)
{
    static const char *const names[] = {"bats", "cats", "cat", NULL};
    (void)state;
    assert_string_equal(nb_nearest("catt", name_at, names), "cats");
    assert_string_equal(nb_nearest("rats", name_at, names), "bats");
    assert_string_equal(nb_nearest("cta", name_at, names), "cat");
}

/* Words and names of NB_NEAREST_MAX letters are compared, longer ones are not. */
static void test_long_words(void **state)
{
    char word[NB_NEAREST_MAX + 2], name[NB_NEAREST_MAX + 2];
    const char *const names[] = {name, NULL};
    (void)state;
    memset(word, 'x', sizeof word);
    memset(name, 'x', sizeof name);
    word[NB_NEAREST_MAX] = name[NB_NEAREST_MAX] = '\0';
    assert_ptr_equal(nb_nearest(word, name_at, names), name);
    word[NB_NEAREST_MAX] = 'x';
    word[NB_NEAREST_MAX + 1] = '\0';
    assert_null(nb_nearest(word, name_at, names));
    word[NB_NEAREST_MAX] = '\0';
    name[NB_NEAREST_MAX] = 'x';
    name[NB_NEAREST_MAX + 1] = '\0';
    assert_null(nb_nearest(word, name_at, names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_integer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_booleans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_slips_allowed),
        cmocka_unit_test(test_short_words),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
