/* Would catch: archives of NumPy read as something else, names that reach beyond the file, and
 * arrays in archives that cost more than their bytes. */
#include "../files.h"

#include "io/format.h"
#include "io/numpy/npy.h"
#include "io/zip/zip.h"

#include <stdlib.h>
#include <string.h>

static nb_status load(const char *path, nb_archive *archive)
{
    const nb_format *format;
    *archive = (nb_archive){.count = 0};
    return nb_format_load(ctx, path, archive, &format);
}

static void refuse(const char *path, const char *words)
{
    nb_archive archive;
    assert_int_equal(load(path, &archive), NB_EFORMAT);
    assert_failed(NB_EFORMAT, path);
    assert_failed(NB_EFORMAT, words);
    assert_int_equal(archive.count, 0);
}

/* ---- What NumPy wrote ---- */

static void check_golden(const char *path)
{
    nb_archive archive;
    if (load(path, &archive) != NB_OK) fail_msg("%s (set srcdir)", ctx->message);
    assert_int_equal(archive.count, 3);
    const nb_tensor *a = nb_archive_find(&archive, "a"), *b = nb_archive_find(&archive, "b/c");
    const nb_tensor *s = nb_archive_find(&archive, "s");
    assert_true(a && b && s);
    assert_int_equal(a->dtype, NB_F32);
    assert_int_equal(a->shape[1], 3);
    assert_true(nb_tensor_get(a, (int64_t[]){1, 2}) == 1);
    assert_int_equal(b->dtype, NB_I32);
    assert_true(nb_tensor_get(b, (int64_t[]){0}) == -3);
    assert_int_equal(s->dims, 0);
    assert_true(nb_tensor_item(s) == -1.5);
    nb_archive_free(ctx, &archive);
}

static void stored_and_deflated_by_numpy(void **state)
{
    (void)state;
    nb_archive archive;
    check_golden(golden("npy/stored.npz"));
    check_golden(golden("npy/deflated.npz"));
    assert_int_equal(load(golden("npy/none.npz"), &archive), NB_OK);
    assert_int_equal(archive.count, 0);
    nb_archive_free(ctx, &archive);
    refuse(golden("npy/bzip2.npz"),
           "'a.npy' is packed by method 12 (bzip2); stored and deflated can be read");
}

/* ---- Round trips ---- */

static void add_number(nb_archive *archive, const char *name, double value)
{
    nb_tensor *x = nb_tensor_scalar(ctx, NB_F64, value);
    assert_non_null(x);
    assert_int_equal(nb_archive_push(ctx, archive, name, x), NB_OK);
    nb_tensor_release(ctx, x);
}

static void names_are_only_names(void **state)
{
    (void)state;
    static const char *const names[] = {"../up", "/root", "a/b",   "",    "ü",
                                        "a.npy", "a",     "C:\\x", "\x01"};
    enum { NAMES = sizeof names / sizeof *names };
    for (int compress = 0; compress < 2; compress++) {
        nb_archive archive = {0}, back;
        nb_save_options options = {.compress = compress};
        for (int i = 0; i < NAMES; i++) add_number(&archive, names[i], i);
        const char *path = path_of("x.npz");
        assert_int_equal(nb_format_save(ctx, path, &archive, true, &options), NB_OK);
        assert_int_equal(load(path, &back), NB_OK);
        assert_int_equal(back.count, NAMES);
        for (int i = 0; i < NAMES; i++) {
            const nb_tensor *x = nb_archive_find(&back, names[i]);
            assert_non_null(x);
            assert_true(nb_tensor_item(x) == i);
        }
        assert_int_equal(folder_count(), 1);
        nb_archive_free(ctx, &back);
        nb_archive_free(ctx, &archive);
    }
}

/* Equal tensors make equal files, and what deflate can pack gets smaller. */
static void a_file_holds_no_time(void **state)
{
    (void)state;
    size_t sizes[2];
    for (int compress = 0; compress < 2; compress++) {
        nb_archive archive = {0};
        nb_save_options options = {.compress = compress};
        nb_tensor *x = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){100 * 1000});
        assert_int_equal(nb_archive_push(ctx, &archive, "x", x), NB_OK);
        assert_int_equal(nb_format_save(ctx, path_of("a.npz"), &archive, true, &options), NB_OK);
        assert_int_equal(nb_format_save(ctx, path_of("b.npz"), &archive, true, &options), NB_OK);
        uint8_t *file = read_file(path_of("a.npz"), &sizes[compress]);
        assert_file(path_of("b.npz"), file, sizes[compress]);
        free(file);
        nb_tensor_release(ctx, x);
        nb_archive_free(ctx, &archive);
    }
    assert_in_range(sizes[0], 400 * 1000, 400 * 1000 + 1000);
    assert_in_range(sizes[1], 0, 4000);
}

/* ---- Archives of arrays ---- */

/* x.npz with members of these names, all of the same content. */
static void save_members(const char *const *names, size_t count, const void *data, size_t size,
                         bool deflated)
{
    nb_zip_writer zip;
    const nb_span span = {data, size};
    nb_sink *sink = nb_sink_open(ctx, path_of("x.npz"));
    assert_non_null(sink);
    nb_zip_begin(&zip, ctx, sink);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(nb_zip_add(&zip, names[i], &span, 1, deflated), NB_OK);
    }
    assert_int_equal(nb_zip_end(&zip), NB_OK);
    nb_zip_free(&zip);
    assert_int_equal(nb_sink_close(sink), NB_OK);
}

static void members_that_are_no_arrays(void **state)
{
    (void)state;
    save_members((const char *const[]){"notes.txt"}, 1, "just text, and more of it", 25, false);
    refuse(path_of("x.npz"), "notes.txt is no .npy file: it does not begin with");
}

/* The directory and the header inside agree on a lie: the bytes that are there bound it. */
static void a_bomb_costs_nothing(void **state)
{
    (void)state;
    nb_text header;
    size_t size;
    nb_tensor *one = nb_tensor_scalar(ctx, NB_U8, 1);
    nb_tensor *claim = nb_tensor_expand(ctx, one, 1, (int64_t[]){2000000000});
    nb_text_init(&header, ctx);
    nb_npy_write_header(&header, claim);
    save_members((const char *const[]){"x.npy"}, 1, header.data, header.length, true);
    nb_text_free(&header);
    nb_tensor_release(ctx, claim);
    nb_tensor_release(ctx, one);
    uint8_t *data = read_file(path_of("x.npz"), &size);
    put_number(data + find_number(data, size, NB_ZIP_CENTRAL, 0) + 24, 4, 2000000128);
    size_t before = ctx->memory.peak;
    refuse(write_file("x.npz", data, size), "needs 2000000000 bytes after the header; at most ");
    assert_true(ctx->memory.peak < before + (256 << 10));
    free(data);
}

static void names_that_come_twice(void **state)
{
    (void)state;
    size_t size;
    uint8_t *array = read_file(golden("npy/shape-empty.npy"), &size);
    save_members((const char *const[]){"x.npy", "x.npy"}, 2, array, size, false);
    refuse(path_of("x.npz"), "x.npz has twice the name 'x'");
    save_members((const char *const[]){"x.npy", "x"}, 2, array, size, false);
    refuse(path_of("x.npz"), "x.npz has twice the name 'x'");
    free(array);
}

static void folders_are_passed_over(void **state)
{
    (void)state;
    size_t size;
    nb_archive archive;
    uint8_t *array = read_file(golden("npy/shape-empty.npy"), &size);
    save_members((const char *const[]){"x/", "x/y.npy"}, 2, array, size, false);
    assert_int_equal(load(path_of("x.npz"), &archive), NB_OK);
    assert_int_equal(archive.count, 1);
    assert_non_null(nb_archive_find(&archive, "x/y"));
    nb_archive_free(ctx, &archive);
    free(array);
}

static void an_archive_inside_a_gzip(void **state)
{
    (void)state;
    size_t size, packed_size;
    uint8_t *data = read_file(golden("npy/stored.npz"), &size);
    uint8_t *packed = gzip(data, size, &packed_size);
    refuse(write_file("x.npz.gz", packed, packed_size), "is a .npz inside a gzip; unpack it first");
    free(packed);
    free(data);
}

/* Damage may hit what nobody reads; else it must show. */
static void mutations(void **state)
{
    (void)state;
    enum { EACH = 1500 };
    static const char *const names[] = {"npy/stored.npz", "npy/deflated.npz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        uint8_t *data = read_file(golden(names[i]), &size);
        uint8_t *changed = malloc(2 * size);
        assert_non_null(changed);
        for (uint32_t seed = 0; seed < EACH; seed++) {
            size_t n = mutate(seed, data, size, changed);
            nb_archive archive = {0};
            nb_source *source = nb_source_memory(ctx, "t.npz", changed, n);
            assert_non_null(source);
            nb_status status = nb_formats[NB_FORMAT_npz]->load(ctx, source, &archive);
            if (status) assert_failed(NB_EFORMAT, "t.npz");
            nb_archive_free(ctx, &archive);
            nb_source_close(source);
        }
        free(changed);
        free(data);
    }
}

/* ---- Memory ---- */

static nb_status load_golden(void *name)
{
    nb_archive archive;
    nb_status status = load(golden(name), &archive);
    nb_archive_free(ctx, &archive);
    return status;
}

static nb_status save_both(void *data)
{
    nb_archive *archive = data;
    nb_save_options options = {.compress = true};
    return nb_format_save(ctx, path_of("x.npz"), archive, true, &options);
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char stored[] = "npy/stored.npz", deflated[] = "npy/deflated.npz";
    nb_archive archive = {0};
    sweep_failing_requests(load_golden, stored);
    sweep_failing_requests(load_golden, deflated);
    add_number(&archive, "x", 1);
    add_number(&archive, "y", 2);
    sweep_failing_requests(save_both, &archive);
    assert_int_equal(folder_count(), 1);
    nb_archive_free(ctx, &archive);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stored_and_deflated_by_numpy),
        TEST(names_are_only_names),
        TEST(a_file_holds_no_time),
        TEST(members_that_are_no_arrays),
        TEST(a_bomb_costs_nothing),
        TEST(names_that_come_twice),
        TEST(folders_are_passed_over),
        TEST(an_archive_inside_a_gzip),
        TEST(mutations),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
