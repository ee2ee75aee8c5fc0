/* Would catch: a file taken for another format, an extension that writes something else than it
 * says, and options that are silently not done. */
#include "files.h"

#include "io/format.h"

#include <stdlib.h>
#include <string.h>

static void formats_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(nb_format_find("npz"), nb_formats[NB_FORMAT_npz]);
    assert_null(nb_format_find("np"));
    for (int i = 0; i < NB_FORMATS; i++) {
        assert_string_equal(nb_format_name_at(NULL, (size_t)i), nb_formats[i]->name);
        assert_true(nb_formats[i]->help && nb_formats[i]->example);
        assert_true(nb_formats[i]->begins && nb_formats[i]->load);
    }
    assert_null(nb_format_name_at(NULL, NB_FORMATS));
}

/* Content decides, not the name. */
static void a_format_is_told_by_its_begin(void **state)
{
    (void)state;
    static const struct sample {
        const char *path;
        nb_format_id format;
    } samples[] = {{"npy/f4-big.npy", NB_FORMAT_npy},
                   {"npy/stored.npz", NB_FORMAT_npz},
                   {"npy/none.npz", NB_FORMAT_npz}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        nb_archive archive = {0};
        const nb_format *format;
        size_t size;
        uint8_t *data = read_file(golden(samples[i].path), &size);
        const char *path = write_file("x.safetensors", data, size);
        assert_int_equal(nb_format_load(ctx, path, &archive, &format), NB_OK);
        assert_ptr_equal(format, nb_formats[samples[i].format]);
        nb_archive_free(ctx, &archive);
        free(data);
    }
    const uint8_t idx[] = {0, 0, 8, 1, 0, 0, 0, 1, 42};
    hand_made safetensors = file_of("{}", NULL, 0);
    nb_archive archive = {0};
    const nb_format *format;
    write_file("x.npy", idx, sizeof idx);
    assert_int_equal(nb_format_load(ctx, path_of("x.npy"), &archive, &format), NB_OK);
    assert_ptr_equal(format, nb_formats[NB_FORMAT_idx]);
    nb_archive_free(ctx, &archive);
    write_file("x.npy", safetensors.data, safetensors.size);
    assert_int_equal(nb_format_load(ctx, path_of("x.npy"), &archive, &format), NB_OK);
    assert_ptr_equal(format, nb_formats[NB_FORMAT_safetensors]);
    nb_archive_free(ctx, &archive);
}

static void refuse_load(const char *path, nb_status status, const char *words)
{
    nb_archive archive = {0};
    const nb_format *format;
    assert_int_equal(nb_format_load(ctx, path, &archive, &format), status);
    assert_failed(status, words);
    assert_int_equal(archive.count, 0);
}

static void what_is_no_file_of_tensors(void **state)
{
    (void)state;
    refuse_load(write_file("x.txt", "hello", 5), NB_EFORMAT,
                "it begins with bytes 68 65 6c 6c; .npy, .npz, .safetensors and .idx can be read");
    refuse_load(write_file("x.txt", "", 0), NB_EFORMAT, "x.txt is empty");
    refuse_load(write_file("x.npy", "\x93NUM", 4), NB_EFORMAT,
                "x.npy ends after 4 bytes; its magic needs 8");
    refuse_load(write_file("x.npz", "PK", 2), NB_EFORMAT, "not a zip archive, or cut short");
    refuse_load(path_of("missing.npy"), NB_EIO, "No such file");
    refuse_load(path_of("."), NB_EIO, "is a directory");
}

static void refuse_save(const char *name, bool named, bool compress, const char *words)
{
    nb_archive archive = {0};
    const nb_save_options options = {.compress = compress};
    nb_tensor *x = nb_tensor_scalar(ctx, NB_F32, 1);
    assert_int_equal(nb_archive_push(ctx, &archive, named ? "x" : "", x), NB_OK);
    assert_int_equal(nb_format_save(ctx, path_of(name), &archive, named, &options), NB_EARG);
    assert_failed(NB_EARG, words);
    assert_int_equal(folder_count(), 0);
    nb_tensor_release(ctx, x);
    nb_archive_free(ctx, &archive);
}

static void what_cannot_be_saved_like_this(void **state)
{
    (void)state;
    refuse_save("x.txt", false, false,
                "names no format that can be written; those are .npy, .npz and .safetensors");
    refuse_save("x.np", false, false, "did you mean '.npy'?");
    refuse_save("x.idx", false, false, "names no format that can be written");
    refuse_save("x", true, false, "names no format that can be written");
    refuse_save("x.npy/y", true, false, "names no format that can be written");
    refuse_save("x.npz", false, false, "holds tensors by name: tensor.save(path, {x = x})");
    refuse_save("x.safetensors", false, false, "holds tensors by name");
    refuse_save("x.npy", true, false, "holds one tensor without a name: x:save(path)");
    refuse_save("x.npy", false, true, "a .npy file cannot be compressed; a .npz can");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(formats_are_found_by_name),
        TEST(a_format_is_told_by_its_begin),
        TEST(what_is_no_file_of_tensors),
        TEST(what_cannot_be_saved_like_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
