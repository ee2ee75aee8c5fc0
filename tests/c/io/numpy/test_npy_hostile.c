/* Would catch: hostile .npy files that crash, hang, cost memory or pass. Run it under the
 * sanitizers. */
#include "../files.h"

#include "io/numpy/npy.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_tensor *read_bytes(const void *data, size_t size)
{
    nb_source *source = nb_source_memory(ctx, "t.npy", data, size);
    if (!source) return NULL;
    nb_tensor *tensor = nb_npy_read(ctx, source);
    nb_source_close(source);
    return tensor;
}

static void refuse(const void *data, size_t size, const char *words)
{
    assert_null(read_bytes(data, size));
    assert_failed(NB_EFORMAT, "t.npy");
    assert_failed(NB_EFORMAT, words);
}

/* Magic, version and length in front of a header and `size` bytes of elements, each 7. */
static hand_made npy_of(int version, const char *header, size_t length, size_t size)
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    size_t width = version == 1 ? 2 : 4, at = sizeof magic + 2;
    hand_made file = {.size = at + width + strlen(header) + size};
    assert_true(file.size <= HAND_MADE_MAX);
    memcpy(file.data, magic, sizeof magic);
    file.data[6] = (uint8_t)version;
    for (size_t i = 0; i < width; i++) file.data[at + i] = (uint8_t)(length >> 8 * i);
    memcpy(file.data + at + width, header, strlen(header));
    memset(file.data + at + width + strlen(header), 7, size);
    return file;
}

static void refuse_header(const char *header, size_t size, const char *words)
{
    hand_made file = npy_of(1, header, strlen(header), size);
    refuse(file.data, file.size, words);
}

static void accept_header(const char *header, size_t size, nb_dtype dtype, const char *shape)
{
    char text[NB_SHAPE_TEXT];
    hand_made file = npy_of(1, header, strlen(header), size);
    nb_tensor *tensor = read_bytes(file.data, file.size);
    if (!tensor) fail_msg("%s: %s", header, ctx->message);
    assert_int_equal(tensor->dtype, dtype);
    assert_string_equal(nb_shape_text(tensor->dims, tensor->shape, text), shape);
    nb_tensor_release(ctx, tensor);
}

#define D(descr, order, shape)                                                                     \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

/* ---- The begin ---- */

static void magic_and_version(void **state)
{
    (void)state;
    hand_made file = npy_of(1, D("'|u1'", "False", "(2,)"), 57, 2);
    file.data[1] = 'n';
    refuse(file.data, file.size, "t.npy is no .npy file: it does not begin with \\x93NUMPY");
    file.data[1] = 'N';
    for (int major = 0; major < 256; major++) {
        file.data[6] = (uint8_t)major;
        if (major >= 1 && major <= 3) continue;
        refuse(file.data, file.size, "of .npy; 1.0, 2.0 and 3.0 can be read");
    }
    file.data[6] = 1;
    file.data[7] = 1;
    refuse(file.data, file.size, "is of version 1.1 of .npy");
}

static void lengths_of_the_header(void **state)
{
    (void)state;
    const char *header = D("'|u1'", "False", "(0,)");
    hand_made file = npy_of(1, header, 65535, 0);
    refuse(file.data, file.size, "its header would have 65535 bytes; at most 57 can follow");
    size_t before = ctx->memory.peak;
    file = npy_of(2, header, 0xffffffff, 0);
    refuse(file.data, file.size, "its header would have 4294967295 bytes; at most 57 can follow");
    file = npy_of(3, header, 0x80000000, 0);
    refuse(file.data, file.size, "its header would have 2147483648 bytes; at most 57 can follow");
    assert_true(ctx->memory.peak < before + 4096);
    file = npy_of(1, header, 0, 0);
    refuse(file.data, file.size, "byte 1 of its header: expected '{', not the end");
    file = npy_of(1, header, 40, 0);
    refuse(file.data, file.size, "byte 41 of its header: expected a key, not the end");
}

/* One byte more than the limit is refused although the file has it. */
static void the_limit_of_the_header(void **state)
{
    (void)state;
    static uint8_t raw[12 + NB_NPY_HEADER_MAX + 1];
    for (int over = 0; over < 2; over++) {
        hand_made begin =
            npy_of(2, D("'|u1'", "False", "(0,)"), NB_NPY_HEADER_MAX + (size_t)over, 0);
        memset(raw, ' ', sizeof raw);
        memcpy(raw, begin.data, begin.size);
        size_t size = 12 + (size_t)NB_NPY_HEADER_MAX + (size_t)over;
        if (over) {
            refuse(raw, size, "its header would have 1048577 bytes; at most 1048576 can follow");
        } else {
            nb_tensor *tensor = read_bytes(raw, size);
            assert_non_null(tensor);
            nb_tensor_release(ctx, tensor);
        }
    }
}

/* ---- The dictionary ---- */

static void headers_that_differ_in_form_alone(void **state)
{
    (void)state;
    accept_header(D("'|u1'", "False", "(2,)"), 2, NB_U8, "2");
    accept_header("{\"shape\":(2,3),\"fortran_order\":True,\"descr\":\"<f4\"}", 24, NB_F32, "2x3");
    accept_header(" \t{ 'descr' :\n'<i4' , 'shape':( 2 , 3 , ) ,'fortran_order' : False}\n\n", 24,
                  NB_I32, "2x3");
    accept_header(D("'<f8'", "False", "(2L, 3L)"), 48, NB_F64, "2x3"); /* Python 2 */
    accept_header(D("'<f8'", "False", "()"), 8, NB_F64, "a number");
    accept_header(D("'=f4'", "False", "(1,)"), 4, NB_F32, "1");
    accept_header(D("'f4'", "False", "(1,)"), 4, NB_F32, "1");
    accept_header(D("'|b1'", "False", "(00002,)"), 2, NB_U8, "2");
}

static void headers_that_are_no_dictionary(void **state)
{
    (void)state;
    refuse_header("", 0, "byte 1 of its header: expected '{', not the end");
    refuse_header("[]", 0, "expected '{', not '['");
    refuse_header("{", 0, "byte 2 of its header: expected a key, not the end");
    refuse_header("{,}", 0, "expected a key, not ','");
    refuse_header("{}", 0, "its header has no 'descr'");
    refuse_header("{'descr': '<f4', 'shape': ()}", 4, "its header has no 'fortran_order'");
    refuse_header("{'descr': '<f4', 'fortran_order': False}", 4, "its header has no 'shape'");
    refuse_header(D("'<f4'", "False", "()") "x", 4, "expected nothing but blanks, not 'x'");
    refuse_header(D("'<f4'", "False", "()") " \1", 4,
                  "expected nothing but blanks, not the byte 01");
    refuse_header("{'descr': '<f4' 'shape': ()}", 4, "expected ',' or '}', not '''");
    refuse_header("{'descr' '<f4'}", 4, "expected ':', not '''");
    refuse_header("{'descr': '<f4', 'descr': '<f4'}", 4, "its header has twice the key 'descr'");
    refuse_header("{'descr': '<f4', 'colour': 1}", 4, "its header has the unknown key 'colour'");
    refuse_header("{b'descr': '<f4'}", 4, "expected a key, not 'b'");
    refuse_header("{'descr", 4, "expected the end of a string, not the end");
    refuse_header("{'d\\x65scr': '<f4'}", 4, "expected a plain character, not '\\'");
    refuse_header("{'d\xc3\xa9scr': '<f4'}", 4, "expected a plain character, not the byte c3");
}

/* A deep nest has no place: refused where it begins, at any depth. */
static void headers_that_nest_or_compute(void **state)
{
    (void)state;
    char header[HAND_MADE_MAX - 16] = "{'shape':";
    size_t begin = strlen(header);
    memset(header + begin, '(', sizeof header - begin - 1);
    header[sizeof header - 1] = '\0';
    refuse_header(header, 0, "byte 11 of its header: expected a size, not '('");
    memset(header + begin, '{', sizeof header - begin - 1);
    refuse_header(header, 0, "byte 10 of its header: expected a tuple of sizes, not '{'");
    refuse_header(D("'<f4'", "__import__('os')", "()"), 4, "expected True or False, not '_'");
    refuse_header(D("'<f4'", "1", "()"), 4, "expected True or False, not '1'");
    refuse_header(D("'<f4'", "Falsehood", "()"), 4, "expected ',' or '}', not 'h'");
}

static void kinds_of_elements(void **state)
{
    (void)state;
    refuse_header(D("'|O'", "False", "(1,)"), 8, "t.npy holds Python objects, which only Python");
    refuse_header(D("'|O8'", "False", "(1,)"), 8, "t.npy holds Python objects");
    refuse_header(D("'<U3'", "False", "(1,)"), 12, "t.npy holds strings");
    refuse_header(D("[('a', '<f4')]", "False", "(1,)"), 4, "t.npy holds records");
    refuse_header(D("('<f4', (2,))", "False", "(1,)"), 8, "t.npy holds records");
    refuse_header(D("''", "False", "(1,)"), 4, "has elements of the kind ''");
    refuse_header(D("'<'", "False", "(1,)"), 4, "has elements of the kind '<'");
    refuse_header(D("'<<f4'", "False", "(1,)"), 4, "has elements of the kind '<<f4'");
    refuse_header(D("'<f'", "False", "(1,)"), 4, "has elements of the kind '<f'");
    refuse_header(D("'<f3'", "False", "(1,)"), 4, "has elements of the kind '<f3'");
    refuse_header(D("'<f4 '", "False", "(1,)"), 4, "has elements of the kind '<f4 '");
    refuse_header(D("'<f4294967300'", "False", "(1,)"), 4, "has elements of the kind");
    refuse_header(D("'<f04'", "True", "(1,)"), 3, "needs 4 bytes after the header; at most 3");
    refuse_header(D("'<f4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "False", "(1,)"), 4,
                  "has elements of the kind '<f4aaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
    refuse_header(D("None", "False", "(1,)"), 4, "expected a string, not 'N'");
}

static void shapes_that_are_wrong(void **state)
{
    (void)state;
    refuse_header(D("'<f4'", "False", "1"), 4, "expected a tuple of sizes, not '1'");
    refuse_header(D("'<f4'", "False", "[1]"), 4, "expected a tuple of sizes, not '['");
    refuse_header(D("'<f4'", "False", "(1)"), 4, "expected ',', not ')'");
    refuse_header(D("'<f4'", "False", "(,)"), 4, "expected a size, not ','");
    refuse_header(D("'<f4'", "False", "(1,,)"), 4, "expected a size, not ','");
    refuse_header(D("'<f4'", "False", "(1 2)"), 4, "expected ',', not '2'");
    refuse_header(D("'<f4'", "False", "(1, 2 3)"), 4, "expected ',' or ')', not '3'");
    refuse_header(D("'<f4'", "False", "(-1,)"), 4, "expected a size, not '-'");
    refuse_header(D("'<f4'", "False", "(1.5,)"), 4, "expected ',', not '.'");
    refuse_header(D("'<f4'", "False", "(1"), 4, "expected a size, not '}'");
    accept_header(D("'|u1'", "False", "(1, 1, 1, 1, 1, 1, 1, 1)"), 1, NB_U8, "1x1x1x1x1x1x1x1");
    refuse_header(D("'|u1'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 1,
                  "t.npy has more than 8 dimensions");
}

/* 2^32 squared is 0 in 64 bits: a plain product is wrong. */
static void shapes_that_overflow(void **state)
{
    (void)state;
    refuse_header(D("'|u1'", "False", "(4294967296, 4294967296)"), 1,
                  "more than a tensor can have");
    refuse_header(D("'|u1'", "False", "(18446744073709551616,)"), 1, "more than a tensor can have");
    refuse_header(D("'|u1'", "False", "(99999999999999999999999999999999999999,)"), 1,
                  "more than a tensor can have");
    refuse_header(
        D("'<f8'", "False", "(281474976710656,)"), 8,
        "its shape 281474976710656 needs 2251799813685248 bytes after the header; at most "
        "8 can follow");
    refuse_header(D("'<f8'", "False", "(281474976710657,)"), 8, "more than a tensor can have");
}

/* ---- The elements ---- */

static void cut_at_every_byte(void **state)
{
    (void)state;
    static const char *const descrs[] = {D("'<f4'", "True", "(2, 3)"),
                                         D("'>i8'", "True", "(1, 3)")};
    for (int k = 0; k < 2; k++) {
        hand_made file = npy_of(2, descrs[k], strlen(descrs[k]), 24);
        if (k == 1) memset(file.data + file.size - 24, 0, 24);
        for (size_t n = 0; n < file.size; n++) {
            /* A copy of just this size, so that the sanitizer sees a step beyond it. */
            uint8_t *cut = malloc(n + 1);
            assert_non_null(cut);
            memcpy(cut, file.data, n);
            refuse(cut, n, "");
            free(cut);
        }
        nb_tensor *tensor = read_bytes(file.data, file.size);
        assert_non_null(tensor);
        nb_tensor_release(ctx, tensor);
    }
}

static void bytes_left_over(void **state)
{
    (void)state;
    refuse_header(D("'<f4'", "False", "(2,)"), 9, "t.npy goes on after its 75 bytes of header and");
    refuse_header(D("'<f4'", "False", "(0,)"), 1, "t.npy goes on after its 67 bytes of header and");
}

/* What a header claims is not believed: neither plain nor packed does it cost memory. */
static void a_claim_allocates_nothing(void **state)
{
    (void)state;
    const char *header = D("'<f8'", "False", "(1000000000,)");
    hand_made file = npy_of(1, header, strlen(header), 8);
    size_t size, before = ctx->memory.peak;
    uint8_t *packed = gzip(file.data, file.size, &size);
    refuse(file.data, file.size, "needs 8000000000 bytes after the header; at most 8 can follow");
    refuse(packed, size, "needs 8000000000 bytes after the header; at most ");
    assert_true(ctx->memory.peak < before + (256 << 10));
    free(packed);
}

/* Booleans of other bytes than 0 and 1 are true, as Python would have them. */
static void booleans_become_0_and_1(void **state)
{
    (void)state;
    const char *header = D("'|b1'", "False", "(3,)");
    hand_made file = npy_of(1, header, strlen(header), 3);
    memcpy(file.data + file.size - 3, (uint8_t[]){0, 1, 200}, 3);
    nb_tensor *tensor = read_bytes(file.data, file.size);
    assert_non_null(tensor);
    assert_memory_equal(nb_tensor_data(tensor), ((uint8_t[]){0, 1, 1}), 3);
    nb_tensor_release(ctx, tensor);
}

/* The last number that fits and the first that does not, at either end. */
static void whole_numbers_at_the_limits(void **state)
{
    (void)state;
    static const struct sample {
        const char *descr;
        uint64_t bits;
        int32_t value; /* 0: refused */
    } samples[] = {{D("'<i8'", "False", "()"), 2147483647, 2147483647},
                   {D("'<i8'", "False", "()"), 2147483648, 0},
                   {D("'<i8'", "False", "()"), (uint64_t)-2147483648LL, INT32_MIN},
                   {D("'<i8'", "False", "()"), (uint64_t)-2147483649LL, 0},
                   {D("'<u8'", "False", "()"), 2147483647, 2147483647},
                   {D("'<u8'", "False", "()"), 2147483648, 0},
                   {D("'<u8'", "False", "()"), UINT64_MAX, 0}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        hand_made file = npy_of(1, samples[i].descr, strlen(samples[i].descr), 8);
        for (int k = 0; k < 8; k++) {
            file.data[file.size - 8 + (size_t)k] = (uint8_t)(samples[i].bits >> 8 * k);
        }
        if (samples[i].value == 0) {
            refuse(file.data, file.size, "which i32 cannot hold; save it as float64");
            continue;
        }
        nb_tensor *tensor = read_bytes(file.data, file.size);
        assert_non_null(tensor);
        assert_true(nb_tensor_item(tensor) == samples[i].value);
        nb_tensor_release(ctx, tensor);
    }
}

/* Whatever a byte becomes, there is a tensor that fits in the file or an error. */
static void any_byte_changed(void **state)
{
    (void)state;
    const char *header = D("'<i8'", "False", "(2, 3)");
    hand_made file = npy_of(1, header, strlen(header), 48);
    memset(file.data + file.size - 48, 0, 48);
    for (size_t at = 0; at < file.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            hand_made changed = file;
            changed.data[at] = (uint8_t)value;
            nb_tensor *tensor = read_bytes(changed.data, changed.size);
            if (tensor) assert_in_range(nb_tensor_count(tensor), 0, 48);
            if (!tensor) assert_failed(NB_EFORMAT, "t.npy");
            nb_tensor_release(ctx, tensor);
        }
    }
}

static void mutations(void **state)
{
    (void)state;
    enum { EACH = 2000 };
    static const char *const names[] = {"npy/f4-big.npy", "npy/i8-little.npy", "npy/version2-F.npy",
                                        "npy/refused-records.npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        uint8_t *data = read_file(golden(names[i]), &size);
        uint8_t *changed = malloc(2 * size);
        assert_non_null(changed);
        for (uint32_t seed = 0; seed < EACH; seed++) {
            size_t n = mutate(seed, data, size, changed);
            nb_tensor *tensor = read_bytes(changed, n);
            if (!tensor) assert_failed(NB_EFORMAT, "t.npy");
            nb_tensor_release(ctx, tensor);
        }
        free(changed);
        free(data);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(magic_and_version),
        TEST(lengths_of_the_header),
        TEST(the_limit_of_the_header),
        TEST(headers_that_differ_in_form_alone),
        TEST(headers_that_are_no_dictionary),
        TEST(headers_that_nest_or_compute),
        TEST(kinds_of_elements),
        TEST(shapes_that_are_wrong),
        TEST(shapes_that_overflow),
        TEST(cut_at_every_byte),
        TEST(bytes_left_over),
        TEST(a_claim_allocates_nothing),
        TEST(booleans_become_0_and_1),
        TEST(whole_numbers_at_the_limits),
        TEST(any_byte_changed),
        TEST(mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
