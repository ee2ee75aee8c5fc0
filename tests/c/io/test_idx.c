/* Would catch: numbers in the wrong byte order or with a lost sign, headers that are believed
 * before they are checked, and files that are cut or go on without an error. */
#include "files.h"

#include "io/idx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static nb_tensor *read_bytes(const void *data, size_t size)
{
    nb_source *source = nb_source_memory(ctx, "t.idx", data, size);
    if (!source) return NULL;
    nb_tensor *tensor = nb_idx_read(ctx, source);
    nb_source_close(source);
    return tensor;
}

static void refuse(const void *data, size_t size, const char *words)
{
    assert_null(read_bytes(data, size));
    assert_failed(NB_EFORMAT, "t.idx");
    assert_failed(NB_EFORMAT, words);
}

/* A vector of n elements in the file, whose values must be `expected`. */
static void check_vector(const void *file, size_t size, nb_dtype dtype, const double *expected,
                         int64_t n)
{
    nb_tensor *tensor = read_bytes(file, size);
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->dims, 1);
    assert_int_equal(tensor->shape[0], n);
    for (int64_t i = 0; i < n; i++) assert_true(nb_tensor_get(tensor, &i) == expected[i]);
    nb_tensor_release(ctx, tensor);
}

/* The bytes by hand from the format's description: big-endian, IEEE 754, two's complement. */
static void every_type(void **state)
{
    (void)state;
    const uint8_t u8[] = {0, 0, 0x08, 1, 0, 0, 0, 3, 0, 127, 255};
    check_vector(u8, sizeof u8, NB_U8, (double[]){0, 127, 255}, 3);
    const uint8_t i8[] = {0, 0, 0x09, 1, 0, 0, 0, 5, 0, 127, 128, 255, 1};
    check_vector(i8, sizeof i8, NB_I32, (double[]){0, 127, -128, -1, 1}, 5);
    const uint8_t i16[] = {0,    0,    0x0B, 1,    0,    0, 0, 5, 0x7f,
                           0xff, 0x80, 0,    0xff, 0xfe, 1, 2, 0, 200};
    check_vector(i16, sizeof i16, NB_I32, (double[]){32767, -32768, -2, 258, 200}, 5);
    const uint8_t i32[] = {0, 0, 0x0C, 1, 0, 0, 0, 2, 0x80, 0, 0, 0, 1, 2, 3, 4};
    check_vector(i32, sizeof i32, NB_I32, (double[]){-2147483648.0, 16909060}, 2);
    const uint8_t f32[] = {0, 0, 0x0D, 1, 0, 0, 0, 2, 0xc0, 0x20, 0, 0, 0x7f, 0x80, 0, 0};
    check_vector(f32, sizeof f32, NB_F32, (double[]){-2.5, INFINITY}, 2);
    const uint8_t f64[] = {0,    0,    0x0E, 1,    0,    0,    0, 2, 0x3f, 0xb9, 0x99, 0x99,
                           0x99, 0x99, 0x99, 0x9a, 0xc0, 0x04, 0, 0, 0,    0,    0,    0};
    check_vector(f64, sizeof f64, NB_F64, (double[]){0.1, -2.5}, 2);
}

static void rows_come_in_the_order_of_c(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    nb_tensor *tensor = read_bytes(file, sizeof file);
    assert_non_null(tensor);
    assert_int_equal(tensor->dims, 2);
    assert_int_equal(tensor->shape[0], 2);
    assert_int_equal(tensor->shape[1], 3);
    assert_true(nb_tensor_get(tensor, (int64_t[]){1, 0}) == 4);
    assert_true(nb_tensor_get(tensor, (int64_t[]){0, 2}) == 3);
    nb_tensor_release(ctx, tensor);
}

static void sizes_of_nothing(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 9, 2, 0, 0, 0, 0, 0, 0, 0, 3};
    nb_tensor *tensor = read_bytes(file, sizeof file);
    assert_non_null(tensor);
    assert_int_equal(nb_tensor_count(tensor), 0);
    assert_int_equal(tensor->shape[1], 3);
    nb_tensor_release(ctx, tensor);
}

/* A header of `dims` sizes of 1, and the one element. */
static size_t ones(uint8_t *file, int dims)
{
    memcpy(file, (uint8_t[]){0, 0, 8, (uint8_t)dims}, 4);
    for (int i = 0; i < dims; i++) memcpy(file + 4 + 4 * i, (uint8_t[]){0, 0, 0, 1}, 4);
    file[4 + 4 * dims] = 7;
    return 5 + 4 * (size_t)dims;
}

static void as_many_dimensions_as_can_be(void **state)
{
    (void)state;
    uint8_t file[4 + 4 * 256 + 1];
    nb_tensor *tensor = read_bytes(file, ones(file, NB_MAX_DIMS));
    assert_non_null(tensor);
    assert_int_equal(tensor->dims, NB_MAX_DIMS);
    assert_true(nb_tensor_item(tensor) == 7);
    nb_tensor_release(ctx, tensor);
    refuse(file, ones(file, NB_MAX_DIMS + 1), "byte 4 says 9 dimensions; 1 to 8 can be read");
    refuse(file, ones(file, 255), "byte 4 says 255 dimensions");
    refuse(file, ones(file, 0), "byte 4 says 0 dimensions");
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    char words[64];
    for (size_t n = 0; n < 12; n++) {
        snprintf(words, sizeof words, "t.idx ends after %zu bytes; its header needs %d", n,
                 n < 4 ? 4 : 12);
        refuse(file, n, words);
    }
    for (size_t n = 12; n < sizeof file; n++) {
        snprintf(words, sizeof words, "its sizes 2x3 need 6 bytes after the header; at most %zu",
                 n - 12);
        refuse(file, n, words);
    }
}

static void bytes_left_over(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3};
    refuse(file, sizeof file, "t.idx goes on after its 10 bytes of header and elements");
}

static void a_wrong_magic(void **state)
{
    (void)state;
    const uint8_t png[] = {0x89, 'P', 'N', 'G', 0, 0, 0, 0}, second[] = {0, 1, 8, 1, 0, 0, 0, 0};
    refuse(png, sizeof png, "t.idx is not an IDX file: it begins with bytes 89 50, not 00 00");
    refuse(second, sizeof second, "bytes 00 01, not 00 00");
}

static void every_type_that_is_none(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++) {
        if (type == 8 || type == 9 || (type >= 0x0B && type <= 0x0E)) continue;
        const uint8_t file[] = {0, 0, (uint8_t)type, 1, 0, 0, 0, 0};
        char words[32];
        snprintf(words, sizeof words, "byte 3 says type %02x;", (unsigned)type);
        refuse(file, sizeof file, words);
    }
}

/* 2^16 to the fourth power is 0 in 64 bits, and 2^31 to the third -2^93: a plain product is wrong.
 */
static void sizes_that_overflow(void **state)
{
    (void)state;
    const uint8_t zero[] = {0, 0, 8, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    refuse(zero, sizeof zero, "its sizes 65536x65536x65536x65536 are more than a tensor can have");
    const uint8_t most[] = {0,    0,    0x0E, 3,    0xff, 0xff, 0xff, 0xff,
                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    refuse(most, sizeof most, "more than a tensor can have");
    const uint8_t within[] = {0, 0, 0x0E, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    refuse(within, sizeof within, "need 2251799813685248 bytes after the header; at most 0");
}

/* What a header claims is not believed: neither plain nor packed does it cost memory. */
static void a_claim_allocates_nothing(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 1, 2};
    size_t size, before = ctx->memory.peak;
    uint8_t *packed = gzip(file, sizeof file, &size);
    refuse(file, sizeof file, "need 2147483647 bytes after the header; at most 2 can follow");
    refuse(packed, size, "need 2147483647 bytes after the header; at most ");
    assert_true(ctx->memory.peak < before + (256 << 10));
    free(packed);
}

static void a_gzip_cut_at_every_byte(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    size_t size;
    uint8_t *packed = gzip(file, sizeof file, &size);
    for (size_t n = 0; n < size; n++) refuse(packed, n, "");
    nb_tensor *tensor = read_bytes(packed, size);
    assert_non_null(tensor);
    nb_tensor_release(ctx, tensor);
    packed[size - 6] ^= 0x10;
    refuse(packed, size, "t.idx is damaged");
    free(packed);
}

/* Whatever a byte becomes, there is a tensor that fits in the file or an error. */
static void any_byte_changed(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 3,
                            1, 2, 3,    4, 5, 6, 7, 8, 9, 0, 1, 2};
    for (size_t at = 0; at < sizeof file; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t changed[sizeof file];
            memcpy(changed, file, sizeof file);
            changed[at] = (uint8_t)value;
            nb_tensor *tensor = read_bytes(changed, sizeof file);
            if (tensor) assert_in_range(nb_tensor_count(tensor), 0, 12);
            if (!tensor) assert_failed(NB_EFORMAT, "t.idx");
            nb_tensor_release(ctx, tensor);
        }
    }
}

static void from_a_path(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 1, 0, 0, 0, 1, 42};
    size_t size;
    uint8_t *packed = gzip(file, sizeof file, &size);
    write_file("plain", file, sizeof file);
    write_file("packed", packed, size);
    free(packed);
    for (int i = 0; i < 2; i++) {
        nb_tensor *tensor = nb_idx_load(ctx, path_of(i == 0 ? "plain" : "packed"));
        assert_non_null(tensor);
        assert_true(nb_tensor_item(tensor) == 42);
        nb_tensor_release(ctx, tensor);
    }
    assert_null(nb_idx_load(ctx, path_of("missing")));
    assert_failed(NB_EIO, "No such file");
    assert_null(nb_idx_load(ctx, path_of(".")));
    assert_failed(NB_EIO, "is a directory");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_null(nb_idx_load(ctx, path_of("fifo")));
    assert_failed(NB_EIO, "is not a regular file");
}

static nb_status load(void *path)
{
    nb_tensor *tensor = nb_idx_load(ctx, path);
    if (!tensor) return ctx->status;
    nb_tensor_release(ctx, tensor);
    return NB_OK;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 0x0D, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4};
    size_t size;
    uint8_t *packed = gzip(file, sizeof file, &size);
    char path[600];
    strcpy(path, write_file("packed", packed, size));
    free(packed);
    sweep_failing_requests(load, path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type),
        TEST(rows_come_in_the_order_of_c),
        TEST(sizes_of_nothing),
        TEST(as_many_dimensions_as_can_be),
        TEST(cut_at_every_byte),
        TEST(bytes_left_over),
        TEST(a_wrong_magic),
        TEST(every_type_that_is_none),
        TEST(sizes_that_overflow),
        TEST(a_claim_allocates_nothing),
        TEST(a_gzip_cut_at_every_byte),
        TEST(any_byte_changed),
        TEST(from_a_path),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
