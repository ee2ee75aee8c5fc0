/* Would catch: a kind of number, an order of bytes or of dimensions read as another, numbers that
 * lose their value on the way, and files that NumPy would not take for its own. */
#include "../files.h"

#include "io/format.h"
#include "io/numpy/npy.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_tensor *read_golden(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "npy/%s.npy", name);
    nb_source *source = nb_source_open(ctx, golden(path));
    if (!source) fail_msg("%s (set srcdir to the source tree)", ctx->message);
    nb_tensor *tensor = nb_npy_read(ctx, source);
    if (!tensor) print_message("%s: %s\n", name, ctx->message);
    nb_source_close(source);
    return tensor;
}

/* The rule of scripts/goldens-npy.py: element i of a golden whose letter is `kind`. */
static double golden_value(char kind, int64_t i)
{
    switch (kind) {
    case 'f':
        return (double)(i - 3) / 2;
    case 'i':
        return (double)(i - 3);
    case 'b':
        return (double)(i % 2);
    default:
        return (double)i;
    }
}

/* Every element, by its full index, is what the rule says. */
static void check_values(const nb_tensor *tensor, char kind)
{
    int64_t index[NB_MAX_DIMS] = {0}, count = nb_tensor_count(tensor);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        for (int d = tensor->dims - 1; d >= 0; d--) {
            index[d] = rest % tensor->shape[d];
            rest /= tensor->shape[d];
        }
        double expected = golden_value(kind, i);
        if (nb_tensor_get(tensor, index) != expected) fail_msg("element %d is wrong", (int)i);
    }
}

static void check_shape(const nb_tensor *tensor, int dims, const int64_t *shape)
{
    assert_int_equal(tensor->dims, dims);
    for (int i = 0; i < dims; i++) assert_int_equal(tensor->shape[i], shape[i]);
}

#define SHAPE(...)                                                                                 \
    (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[])                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* ---- Reading what NumPy wrote ---- */

static void every_kind_in_both_orders_of_bytes(void **state)
{
    (void)state;
    static const struct sample {
        const char *name;
        nb_dtype dtype;
    } samples[] = {{"f2", NB_F32}, {"f4", NB_F32}, {"f8", NB_F64}, {"i1", NB_I32},
                   {"i2", NB_I32}, {"i4", NB_I32}, {"i8", NB_I32}, {"u1", NB_U8},
                   {"u2", NB_I32}, {"u4", NB_I32}, {"u8", NB_I32}, {"b1", NB_U8}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        for (int big = 0; big < 2; big++) {
            char name[32];
            if (big && samples[i].name[1] == '1') continue;
            snprintf(name, sizeof name, "%s-%s", samples[i].name, big ? "big" : "little");
            nb_tensor *tensor = read_golden(name);
            assert_non_null(tensor);
            assert_int_equal(tensor->dtype, samples[i].dtype);
            check_shape(tensor, SHAPE(2, 3));
            check_values(tensor, samples[i].name[0]);
            nb_tensor_release(ctx, tensor);
        }
    }
}

static void every_version_in_both_orders_of_dimensions(void **state)
{
    (void)state;
    for (int version = 1; version <= 3; version++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            char name[32];
            snprintf(name, sizeof name, "version%d-%c", version, fortran ? 'F' : 'C');
            nb_tensor *tensor = read_golden(name);
            assert_non_null(tensor);
            assert_int_equal(tensor->dtype, NB_F64);
            check_shape(tensor, SHAPE(2, 3, 4));
            check_values(tensor, 'f');
            assert_int_equal(nb_tensor_is_contiguous(tensor), !fortran);
            nb_tensor_release(ctx, tensor);
        }
    }
}

static void shapes_from_none_to_eight_dimensions(void **state)
{
    (void)state;
    static const struct sample {
        const char *name;
        int dims;
        int64_t shape[NB_MAX_DIMS];
    } samples[] = {{"shape-scalar", 0, {0}},
                   {"shape-one", 1, {1}},
                   {"shape-empty", 1, {0}},
                   {"shape-empty3", 3, {3, 0, 2}},
                   {"shape-eight", 8, {1, 2, 1, 2, 1, 2, 1, 2}}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        nb_tensor *tensor = read_golden(samples[i].name);
        assert_non_null(tensor);
        check_shape(tensor, samples[i].dims, samples[i].shape);
        check_values(tensor, 'f');
        nb_tensor_release(ctx, tensor);
    }
}

/* Every kind of binary16, against what NumPy makes of them, bit for bit. */
static void halves(void **state)
{
    (void)state;
    nb_tensor *half = read_golden("halves"), *whole = read_golden("halves-as-f4");
    assert_non_null(half);
    assert_non_null(whole);
    assert_int_equal(half->dtype, NB_F32);
    assert_int_equal(nb_tensor_count(half), 10);
    assert_memory_equal(nb_tensor_data(half), nb_tensor_data(whole), 10 * sizeof(float));
    nb_tensor_release(ctx, half);
    nb_tensor_release(ctx, whole);
}

static void what_no_tensor_holds_is_named(void **state)
{
    (void)state;
    static const char *const samples[][2] = {
        {"object", "refused-object.npy holds Python objects, which only Python can read; save "},
        {"bytes", "refused-bytes.npy holds strings; "},
        {"text", "refused-text.npy holds strings; "},
        {"complex", "refused-complex.npy holds complex numbers; "},
        {"records", "refused-records.npy holds records; "},
        {"date", "refused-date.npy holds dates; "},
        {"span", "refused-span.npy holds spans of time; "},
        {"long", "refused-long.npy has elements of the kind '<f16'; f2, f4, f8, "},
        {"nine", "refused-nine.npy has more than 8 dimensions"},
        {"large-i8", "element 2 (in the order of the file) is 2147483648, which i32 cannot hold"},
        {"large-u4", "element 2 (in the order of the file) is 2147483648, which i32 cannot hold"},
        {"small-i8", "element 2 (in the order of the file) is -2147483649, which i32 cannot hold"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char path[64];
        snprintf(path, sizeof path, "npy/refused-%s.npy", samples[i][0]);
        nb_source *source = nb_source_open(ctx, golden(path));
        assert_non_null(source);
        assert_null(nb_npy_read(ctx, source));
        assert_failed(NB_EFORMAT, samples[i][1]);
        nb_source_close(source);
    }
}

/* ---- Through the family of formats ---- */

static nb_tensor *load_one(const char *path)
{
    nb_archive archive = {0};
    const nb_format *format;
    if (nb_format_load(ctx, path, &archive, &format) != NB_OK) fail_msg("%s", ctx->message);
    assert_ptr_equal(format, nb_formats[NB_FORMAT_npy]);
    assert_int_equal(archive.count, 1);
    assert_string_equal(archive.entry[0].name, "");
    nb_tensor *tensor = nb_tensor_retain(archive.entry[0].tensor);
    nb_archive_free(ctx, &archive);
    return tensor;
}

static nb_status save_one(const char *path, nb_tensor *tensor)
{
    nb_archive archive = {0};
    nb_save_options options = {.compress = false};
    nb_status status = nb_archive_push(ctx, &archive, "", tensor);
    if (!status) status = nb_format_save(ctx, path, &archive, false, &options);
    nb_archive_free(ctx, &archive);
    return status;
}

static void assert_same(const nb_tensor *a, nb_tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_true(nb_tensor_same_shape(a, b));
    nb_tensor *packed = nb_tensor_contiguous(ctx, b);
    assert_memory_equal(nb_tensor_data(a), nb_tensor_data(packed), nb_tensor_bytes(a));
    nb_tensor_release(ctx, packed);
}

/* The same bytes as numpy.save's, so that NumPy takes them for its own. */
static void written_as_numpy_writes(void **state)
{
    (void)state;
    static const char *const names[] = {
        "f4-little", "f8-little",   "i4-little",    "u1-little",   "version1-C",  "shape-scalar",
        "shape-one", "shape-empty", "shape-empty3", "shape-eight", "halves-as-f4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        size_t size;
        nb_tensor *tensor = read_golden(names[i]);
        assert_non_null(tensor);
        assert_int_equal(save_one(path_of("x.npy"), tensor), NB_OK);
        snprintf(path, sizeof path, "npy/%s.npy", names[i]);
        uint8_t *expected = read_file(golden(path), &size);
        assert_file(path_of("x.npy"), expected, size);
        free(expected);
        nb_tensor_release(ctx, tensor);
    }
}

static nb_tensor *numbers(nb_dtype dtype, int dims, const int64_t *shape)
{
    int64_t count = nb_shape_count(dims, shape);
    nb_tensor *flat = nb_tensor_new(ctx, dtype, 1, &count);
    assert_non_null(flat);
    for (int64_t i = 0; i < count; i++) nb_tensor_set(flat, &i, (double)i);
    nb_tensor *tensor = nb_tensor_reshape(ctx, flat, dims, shape);
    nb_tensor_release(ctx, flat);
    return tensor;
}

/* A view is written as its elements, in the order of its dimensions. */
static void views_are_written_as_their_elements(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = numbers((nb_dtype)dtype, SHAPE(4, 6));
        nb_tensor *column = nb_tensor_narrow(ctx, x, 1, 2, 1, 1);
        nb_tensor *views[] = {nb_tensor_transpose(ctx, x), nb_tensor_narrow(ctx, x, 0, 1, 2, 1),
                              nb_tensor_narrow(ctx, x, 1, 4, 3, -2),
                              nb_tensor_expand(ctx, column, SHAPE(3, 4, 5)),
                              nb_tensor_narrow(ctx, x, 0, 2, 0, 1)};
        for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
            assert_non_null(views[i]);
            assert_int_equal(save_one(path_of("view.npy"), views[i]), NB_OK);
            nb_tensor *back = load_one(path_of("view.npy"));
            assert_true(nb_tensor_is_contiguous(back));
            assert_same(back, views[i]);
            nb_tensor_release(ctx, back);
            nb_tensor_release(ctx, views[i]);
        }
        nb_tensor_release(ctx, column);
        nb_tensor_release(ctx, x);
    }
}

/* More elements than are converted at a time, so that a seam would show. */
static void long_arrays_are_converted_without_seams(void **state)
{
    (void)state;
    enum { COUNT = 100 * 1000 + 7, HEADER = 128 };
    static uint8_t file[HEADER + 2 * COUNT];
    memset(file, ' ', HEADER);
    memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
    file[10 + snprintf((char *)file + 10, HEADER - 10,
                       "{'descr': '>u2', 'fortran_order': False, 'shape': (%d,), }", COUNT)] = ' ';
    for (int i = 0; i < COUNT; i++) {
        file[HEADER + 2 * i] = (uint8_t)(i >> 8);
        file[HEADER + 2 * i + 1] = (uint8_t)i;
    }
    nb_tensor *tensor = load_one(write_file("long.npy", file, sizeof file));
    for (int64_t i = 0; i < COUNT; i++) {
        if (nb_tensor_get(tensor, &i) != (double)(i & 0xffff)) fail_msg("element %d", (int)i);
    }
    nb_tensor_release(ctx, tensor);
}

static void a_packed_file_is_unpacked(void **state)
{
    (void)state;
    size_t size, packed_size;
    uint8_t *data = read_file(golden("npy/f4-big.npy"), &size);
    uint8_t *packed = gzip(data, size, &packed_size);
    nb_tensor *tensor = load_one(write_file("x.npy.gz", packed, packed_size));
    check_values(tensor, 'f');
    nb_tensor_release(ctx, tensor);
    free(packed);
    free(data);
}

/* What cannot be written leaves the old file and nothing beside it. */
static void an_interrupted_save_keeps_the_old_file(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_tensor *x = numbers(NB_F32, SHAPE(3));
    write_file("x.npy", "old", 3);
    ctx->interrupt = &pressed;
    assert_int_equal(save_one(path_of("x.npy"), x), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_file(path_of("x.npy"), "old", 3);
    assert_int_equal(folder_count(), 1);
    nb_tensor_release(ctx, x);
}

/* ---- Memory ---- */

static nb_status load_golden(void *name)
{
    nb_archive archive = {0};
    const nb_format *format;
    nb_status status = nb_format_load(ctx, golden(name), &archive, &format);
    nb_archive_free(ctx, &archive);
    return status;
}

static nb_status save_view(void *x)
{
    return save_one(path_of("x.npy"), x);
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char names[][32] = {"npy/f8-big.npy", "npy/f2-big.npy", "npy/version2-F.npy",
                        "npy/shape-scalar.npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sweep_failing_requests(load_golden, names[i]);
    }
    nb_tensor *x = numbers(NB_F32, SHAPE(2, 3));
    nb_tensor *view = nb_tensor_transpose(ctx, x);
    sweep_failing_requests(save_view, view);
    assert_int_equal(folder_count(), 1);
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, x);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_in_both_orders_of_bytes),
        TEST(every_version_in_both_orders_of_dimensions),
        TEST(shapes_from_none_to_eight_dimensions),
        TEST(halves),
        TEST(what_no_tensor_holds_is_named),
        TEST(written_as_numpy_writes),
        TEST(views_are_written_as_their_elements),
        TEST(long_arrays_are_converted_without_seams),
        TEST(a_packed_file_is_unpacked),
        TEST(an_interrupted_save_keeps_the_old_file),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
