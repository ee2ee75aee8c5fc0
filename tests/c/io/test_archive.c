/* Would catch: names taken twice, names that cannot be written, and references lost or kept. */
#include "files.h"

#include "io/archive.h"

#include <stdio.h>
#include <string.h>

static void tensors_are_found_by_name(void **state)
{
    (void)state;
    nb_archive archive = {0};
    nb_tensor *one = nb_tensor_scalar(ctx, NB_F32, 1), *two = nb_tensor_scalar(ctx, NB_F32, 2);
    char name[16] = "one";
    assert_int_equal(nb_archive_add(ctx, &archive, name, one), NB_OK);
    strcpy(name, "two"); /* names are copied */
    assert_int_equal(nb_archive_add(ctx, &archive, name, two), NB_OK);
    assert_int_equal(nb_archive_add(ctx, &archive, "", two), NB_OK);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, two);
    assert_true(nb_tensor_item(nb_archive_find(&archive, "one")) == 1);
    assert_true(nb_tensor_item(nb_archive_find(&archive, "two")) == 2);
    assert_ptr_equal(nb_archive_find(&archive, ""), nb_archive_find(&archive, "two"));
    assert_null(nb_archive_find(&archive, "thr"));
    nb_archive_free(ctx, &archive);
    assert_int_equal(archive.count, 0);
    nb_archive_free(ctx, &archive);
}

static void texts_are_found_by_key(void **state)
{
    (void)state;
    nb_archive archive = {0};
    assert_null(nb_archive_meta(&archive, "a"));
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "a", "1"), NB_OK);
    assert_int_equal(nb_archive_add_meta(ctx, &archive, NB_ARCHIVE_META, ""), NB_OK);
    assert_string_equal(nb_archive_meta(&archive, "a"), "1");
    assert_string_equal(nb_archive_meta(&archive, NB_ARCHIVE_META), "");
    nb_archive_free(ctx, &archive);
}

static void what_is_refused_changes_nothing(void **state)
{
    (void)state;
    nb_archive archive = {0};
    nb_tensor *t = nb_tensor_scalar(ctx, NB_F32, 1);
    assert_int_equal(nb_archive_add(ctx, &archive, "w", t), NB_OK);
    assert_int_equal(nb_archive_add(ctx, &archive, "w", t), NB_EARG);
    assert_failed(NB_EARG, "there is already a tensor called 'w'");
    assert_int_equal(nb_archive_add(ctx, &archive, NB_ARCHIVE_META, t), NB_EARG);
    assert_failed(NB_EARG, "a tensor cannot be called '__metadata__'");
    assert_int_equal(nb_archive_add(ctx, &archive, "\xff", t), NB_EARG);
    assert_failed(NB_EARG, "a tensor's name is not valid UTF-8");
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "k", "v"), NB_OK);
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "k", "v"), NB_EARG);
    assert_failed(NB_EARG, "there is already a text under 'k'");
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "\xff", "v"), NB_EARG);
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "l", "\xff"), NB_EARG);
    assert_int_equal(archive.count, 1);
    assert_int_equal(archive.meta_count, 1);
    assert_int_equal(t->refs, 2);
    nb_archive_free(ctx, &archive);
    nb_tensor_release(ctx, t);
}

static void more_than_fit_at_first(void **state)
{
    (void)state;
    enum { MANY = 100 };
    nb_archive archive = {0};
    char name[16];
    for (int i = 0; i < MANY; i++) {
        nb_tensor *t = nb_tensor_scalar(ctx, NB_I32, i);
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(nb_archive_add(ctx, &archive, name, t), NB_OK);
        assert_int_equal(nb_archive_add_meta(ctx, &archive, name, name), NB_OK);
        nb_tensor_release(ctx, t);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_true(nb_tensor_item(nb_archive_find(&archive, name)) == i);
        assert_string_equal(nb_archive_meta(&archive, name), name);
    }
    nb_archive_free(ctx, &archive);
}

static nb_status fill(void *tensor)
{
    nb_archive archive = {0};
    nb_status status = NB_OK;
    for (char name[] = "a"; !status && name[0] < 'k'; name[0]++) {
        status = nb_archive_add(ctx, &archive, name, tensor);
        if (!status) status = nb_archive_add_meta(ctx, &archive, name, "text");
    }
    nb_archive_free(ctx, &archive);
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    nb_tensor *t = nb_tensor_scalar(ctx, NB_F32, 1);
    sweep_failing_requests(fill, t);
    assert_int_equal(t->refs, 1);
    nb_tensor_release(ctx, t);
}

static void names_in_order_and_names_that_repeat(void **state)
{
    (void)state;
    nb_archive archive = {0};
    const char *const names[] = {"b", "", "a", "ab"};
    const char *list[] = {"b", "a", "c", "a"}, *none[] = {"b", "a"};
    nb_archive_sort(&archive);
    nb_tensor *t = nb_tensor_scalar(ctx, NB_F32, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(nb_archive_push(ctx, &archive, names[i], t), NB_OK);
    nb_tensor_release(ctx, t);
    nb_archive_sort(&archive);
    const char *const sorted[] = {"", "a", "ab", "b"};
    for (int i = 0; i < 4; i++) assert_string_equal(archive.entry[i].name, sorted[i]);
    nb_archive_free(ctx, &archive);
    assert_string_equal(nb_repeated_name(list, 4), "a");
    assert_null(nb_repeated_name(none, 2));
    assert_null(nb_repeated_name(NULL, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tensors_are_found_by_name),       TEST(texts_are_found_by_key),
        TEST(what_is_refused_changes_nothing), TEST(more_than_fit_at_first),
        TEST(memory_ending_at_every_request),  TEST(names_in_order_and_names_that_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
