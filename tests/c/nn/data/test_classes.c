/* Class names: numbers among them, the one line for people, the one text for files. */
#include "nn/data/classes.h"

#include "../../support.h"

#include <stdio.h>

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void assert_described(nb_classes *classes, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_classes_describe(&text, classes);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
    nb_classes_release(ctx, classes);
}

static void test_describe(void **state)
{
    (void)state;
    const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    assert_described(nb_classes_new(ctx, digits, 10), "10 classes 0…9");
    assert_described(nb_classes_new(ctx, NULL, 3), "3 classes 1…3");
    assert_described(nb_classes_new(ctx, NULL, 2), "2 classes 1, 2");
    assert_described(nb_classes_new(ctx, NULL, 1), "1 class 1");
    assert_described(nb_classes_new(ctx, NAMES("1", "2", "4"), 3), "3 classes 1, 2, 4");
    assert_described(nb_classes_new(ctx, NAMES("setosa", "versicolor", "virginica"), 3),
                     "3 classes setosa, versicolor, virginica");
    assert_described(nb_classes_new(ctx, NAMES(NB_NUL_NAME, "\n"), 2), "2 classes \\0, \\n");
    const char *longer = "a name that is longer than all the room for names of classes";
    assert_described(nb_classes_new(ctx, NAMES("a", longer, "b"), 3), "3 classes a, …");
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool number;
    } cases[] = {{"0", true},   {"-12", true},  {"999999999999999999", true},
                 {"", false},   {"-", false},   {"1000000000000000000", false},
                 {"+1", false}, {"1.5", false}, {"1 ", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_classes *classes = nb_classes_new(ctx, NAMES("7", cases[i].name), 2);
        assert_true(classes->numbers == cases[i].number);
        nb_classes_release(ctx, classes);
    }
}

static void test_limits(void **state)
{
    (void)state;
    assert_null(nb_classes_new(ctx, NULL, 0));
    assert_failed(NB_EARG, "1 to 65536 classes, not 0");
    assert_null(nb_classes_new(ctx, NULL, NB_CLASSES_MAX + 1));
    assert_failed(NB_EARG, "not 65537");
    nb_classes *most = nb_classes_new(ctx, NULL, NB_CLASSES_MAX);
    assert_non_null(most);
    assert_string_equal(most->name[NB_CLASSES_MAX - 1], "65536");
    nb_classes_release(ctx, most);
}

static void test_written_and_read(void **state)
{
    (void)state;
    const char *const names[] = {"\\", "a b", "line\nbreak", "back\\slash", "\\n", "ä∇", ""};
    nb_classes *classes = nb_classes_new(ctx, names, 7);
    nb_text text;
    nb_text_init(&text, ctx);
    nb_classes_write(&text, classes);
    assert_string_equal(nb_text_get(&text), "\\\\\na b\nline\\nbreak\nback\\\\slash\n\\\\n\nä∇\n");
    nb_classes *read = nb_classes_read(ctx, nb_text_get(&text));
    assert_int_equal(read->count, 7);
    for (int i = 0; i < 7; i++) assert_string_equal(read->name[i], names[i]);
    nb_text_free(&text);
    nb_classes_release(ctx, classes);
    nb_classes_release(ctx, read);
}

/* Names are different; those of a file that an earlier version wrote are read as they are. */
static void test_twins(void **state)
{
    (void)state;
    assert_null(nb_classes_new(ctx, NAMES("a", "b", "c", "b"), 4));
    assert_failed(NB_EARG, "classes 2 and 4 have the same name, 'b'");
    assert_null(nb_classes_new(ctx, NAMES("", ""), 2));
    assert_failed(NB_EARG, "classes 1 and 2");
    nb_classes *read = nb_classes_read(ctx, "b\nb");
    assert_int_equal(read->count, 2);
    nb_classes_release(ctx, read);
}

static void test_hostile_text(void **state)
{
    (void)state;
    assert_null(nb_classes_read(ctx, "a\nb\\x\nc"));
    assert_failed(NB_EFORMAT, "class name 2");
    assert_null(nb_classes_read(ctx, "ends in \\"));
    assert_failed(NB_EFORMAT, "class name 1");
    char lines[NB_CLASSES_MAX + 1] = "";
    memset(lines, '\n', NB_CLASSES_MAX); /* one name more than lines end */
    assert_null(nb_classes_read(ctx, lines));
    assert_failed(NB_EARG, "65537");
}

static nb_status make_once(void *unused)
{
    (void)unused;
    nb_classes *classes = nb_classes_read(ctx, "a\nb\nc");
    if (!classes) return ctx->status;
    nb_classes_release(ctx, nb_classes_retain(classes));
    nb_classes_release(ctx, classes);
    classes = nb_classes_new(ctx, NAMES("a", "b", "c"), 3);
    if (!classes) return ctx->status;
    nb_classes_release(ctx, classes);
    classes = nb_classes_new(ctx, NULL, 3);
    if (!classes) return ctx->status;
    nb_classes_release(ctx, classes);
    return NB_OK;
}

static void test_memory_ends(void **state)
{
    (void)state;
    sweep(make_once, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(describe), TEST(numbers),      TEST(limits),      TEST(written_and_read),
        TEST(twins),    TEST(hostile_text), TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
