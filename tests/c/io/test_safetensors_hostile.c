/* Would catch: hostile files that crash, hang, cost memory or pass. Run it under the sanitizers. */
#include "files.h"

#include "io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_status load(const hand_made *file, nb_archive *archive)
{
    *archive = (nb_archive){0};
    return nb_safetensors_load(ctx, write_file("f.safetensors", file->data, file->size), archive);
}

static void refuse(const hand_made *file, const char *words)
{
    nb_archive archive;
    if (load(file, &archive) == NB_OK) fail_msg("accepted: %s", (const char *)file->data + 8);
    assert_failed(NB_EFORMAT, "f.safetensors");
    assert_failed(NB_EFORMAT, words);
    assert_int_equal(archive.count + archive.meta_count, 0);
    assert_null(archive.entry);
}

static const uint8_t zeros[256];

/* The header with `size` zero bytes of data behind it must be refused. */
static void refuse_header(const char *header, size_t size, const char *words)
{
    hand_made file = file_of(header, zeros, size);
    refuse(&file, words);
}

/* --- Refused files --- */

static void lengths_of_the_header(void **state)
{
    (void)state;
    hand_made file = file_of_length(0, "", 0, NULL, 0);
    refuse(&file, "its header of 0 bytes does not begin with '{'");
    file = file_of_length(3, "{}", 2, NULL, 0);
    refuse(&file, "its header would have 3 bytes; at most 2 can follow");
    file = file_of_length((uint64_t)1 << 63, "{}", 2, NULL, 0);
    refuse(&file, "its header would have 9223372036854775808 bytes; at most 2 can follow");
    file = file_of_length(UINT64_MAX, "{}", 2, NULL, 0);
    refuse(&file, "its header would have 18446744073709551615 bytes; at most 2 can follow");
    for (size_t n = 0; n < 8; n++) {
        char words[64];
        file.size = n;
        snprintf(words, sizeof words, "ends after %zu bytes; its header's length needs 8", n);
        refuse(&file, words);
    }
}

/* A packed file could hold as much as the limit allows: it is read, and ends; one byte more is not.
 */
static void the_limit_of_the_header(void **state)
{
    (void)state;
    enum { NOISE = 120 << 10 };
    static uint8_t raw[8 + NOISE];
    for (int over = 0; over < 2; over++) {
        uint64_t length = (uint64_t)NB_ST_HEADER_MAX + (uint64_t)over;
        uint32_t word = 1;
        for (int i = 0; i < 8; i++) raw[i] = (uint8_t)(length >> 8 * i);
        for (int i = 0; i < NOISE; i++) {
            word = word * 1664525 + 1013904223;
            raw[8 + i] = (uint8_t)(word >> 24);
        }
        size_t size;
        nb_archive archive = {0};
        uint8_t *packed = gzip(raw, sizeof raw, &size);
        write_file("f", packed, size);
        free(packed);
        assert_int_equal(nb_safetensors_load(ctx, path_of("f"), &archive), NB_EFORMAT);
        assert_failed(NB_EFORMAT, over ? "would have 100000001 bytes; at most 100000000 can follow"
                                       : "unpacked bytes; its header needs 100000008");
    }
}

static void headers_that_are_not_json(void **state)
{
    (void)state;
    refuse_header(" {}", 0, "does not begin with '{'");
    refuse_header("[]", 0, "does not begin with '{'");
    refuse_header("{", 0, "byte 2 of its header: expected a string, not the end");
    refuse_header("{} x", 0, "byte 4 of its header: expected nothing but blanks, not 'x'");
    refuse_header("{\"a\":1}", 0, "expected '{', not '1'");
    refuse_header("{\"a\":null}", 0, "expected '{', not 'n'");
    refuse_header("{\"\xff\":{}}", 0, "a string is not UTF-8");
    refuse_header("{\"a\xc3\":{}}", 0, "a string is not UTF-8");
    refuse_header("{\"a\\u0000\":{}}", 0, "a string holds a NUL character");
    hand_made nul = file_of_length(3, "{}\0", 3, NULL, 0);
    refuse(&nul, "expected nothing but blanks, not the byte 00");
}

/* A deep nest has no place in the header: refused where it begins, at any depth. */
static void headers_that_nest(void **state)
{
    (void)state;
    char header[HAND_MADE_MAX - 16] = "{\"a\":{\"shape\":";
    size_t begin = strlen(header);
    memset(header + begin, '[', sizeof header - begin - 1);
    header[sizeof header - 1] = '\0';
    refuse_header(header, 0, "byte 16 of its header: expected a whole number from 0, not '['");
    refuse_header("{\"a\":{\"a\":{\"a\":{}}}}", 0, "tensor 'a' has the unknown field 'a'");
}

static void texts_that_are_none(void **state)
{
    (void)state;
    refuse_header("{\"__metadata__\":[]}", 0, "expected '{', not '['");
    refuse_header("{\"__metadata__\":{\"k\":1}}", 0, "expected a string, not '1'");
    refuse_header("{\"__metadata__\":{\"k\":{}}}", 0, "expected a string, not '{'");
    refuse_header("{\"__metadata__\":{\"k\":\"1\",\"l\":\"2\",\"\\u006b\":\"3\"}}", 0,
                  "its header has twice the name 'k'");
    refuse_header("{\"__metadata__\":{},\"__metadata__\":{}}", 0,
                  "its header has twice the name '__metadata__'");
}

#define U8_AT(name, begin, end)                                                                    \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" begin "," end "]}"

static void names_that_come_twice(void **state)
{
    (void)state;
    refuse_header("{" U8_AT("w", "0", "4") "," U8_AT("v", "4", "8") "," U8_AT("w", "8", "12") "}",
                  12, "its header has twice the name 'w'");
    refuse_header("{" U8_AT("w", "0", "4") "," U8_AT("\\u0077", "0", "4") "}", 4,
                  "its header has twice the name 'w'");
}

static void fields_that_are_wrong(void **state)
{
    (void)state;
    const char *all = "{\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
    hand_made good = file_of(all, zeros, 4);
    nb_archive archive;
    assert_int_equal(load(&good, &archive), NB_OK);
    nb_archive_free(ctx, &archive);
    refuse_header("{\"w\":{}}", 0, "tensor 'w' has no dtype");
    refuse_header("{\"w\":{\"dtype\":\"U8\"}}", 0, "tensor 'w' has no shape");
    refuse_header("{\"w\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "tensor 'w' has no data_offsets");
    refuse_header("{\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4,
                  "tensor 'w' has the unknown field 'x'");
    refuse_header(
        "{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
        "tensor 'w' has twice the field 'dtype'");
    refuse_header("{\"w\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
                  "tensor 'w' has twice the field 'shape'");
    refuse_header("{\"w\":{\"data_offsets\":[],\"data_offsets\":[0,4]}}", 4,
                  "tensor 'w' has twice the field 'data_offsets'");
    refuse_header("{\"w\":{\"dtype\":4}}", 4, "expected a string, not '4'");
    refuse_header("{\"w\":{\"shape\":4}}", 4, "expected '[', not '4'");
    refuse_header("{\"w\":{\"shape\":[-4]}}", 4, "expected a whole number from 0, not '-'");
    refuse_header("{\"w\":{\"shape\":[4.0]}}", 4, "expected ',' or ']', not '.'");
}

static void dtypes_that_cannot_be_read(void **state)
{
    (void)state;
    const char *dtypes[] = {"C64", "F8_E4M3", "I128", "f32", "F3", "F322", ""};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        char header[128], words[64];
        snprintf(header, sizeof header,
                 "{\"w\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,8]}}", dtypes[i]);
        snprintf(words, sizeof words, "tensor 'w' is '%s'; F16, BF16, F32, F64, BOOL,", dtypes[i]);
        refuse_header(header, 8, words);
    }
}

static void refuse_tensor(const char *dtype, const char *shape, const char *offsets, size_t size,
                          const char *words)
{
    char header[512];
    snprintf(header, sizeof header,
             "{\"w\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s]}}", dtype, shape,
             offsets);
    refuse_header(header, size, words);
}

static void shapes_that_do_not_fit(void **state)
{
    (void)state;
    refuse_tensor("F32", "2,3", "0,20", 20,
                  "tensor 'w' (2x3, F32) takes 24 bytes; its data_offsets hold 20");
    refuse_tensor("F32", "2,3", "0,28", 28, "takes 24 bytes; its data_offsets hold 28");
    refuse_tensor("F64", "", "0,4", 4, "takes 8 bytes; its data_offsets hold 4");
    refuse_tensor("U8", "0", "0,4", 4, "takes 0 bytes; its data_offsets hold 4");
    refuse_tensor("U8", "1,1,1,1,1,1,1,1,1", "0,1", 1, "tensor 'w' has more than 8 dimensions");
    refuse_tensor("U8", "1,1,1,1,1,1,1,1,1,1,1,1", "0,1", 1, "has more than 8 dimensions");
    refuse_tensor("F32", "4294967296,4294967296", "0,0", 0, "has more elements than can be");
    refuse_tensor("F64", "2305843009213693952", "0,0", 0, "has more elements than can be");
    refuse_tensor("U8", "18446744073709551615", "0,4", 4, "has more elements than can be");
    refuse_tensor("U8", "0,18446744073709551615", "0,0", 0, "has more elements than can be");
    refuse_tensor("U8", "18446744073709551616", "0,4", 4, "a number beyond 64 bits");
}

static void offsets_that_are_wrong(void **state)
{
    (void)state;
    const char *not = "the data_offsets of tensor 'w' are not a begin and an end";
    refuse_tensor("U8", "4", "", 4, not );
    refuse_tensor("U8", "4", "0", 4, not );
    refuse_tensor("U8", "4", "0,4,4", 4, not );
    refuse_tensor("U8", "4", "0,4,4,4", 4, not );
    refuse_tensor("U8", "4", "4,0", 4, not );
    refuse_tensor("U8", "4", "18446744073709551615,3", 4,
                  not ); /* their difference is 4 in 64 bits */
    refuse_tensor("U8", "4", "0,8", 8, "takes 4 bytes; its data_offsets hold 8");
    refuse_tensor(
        "U8", "4", "18446744073709551611,18446744073709551615", 4,
        "tensor 'w' begins at byte 18446744073709551611 of the data, which leaves a hole");
    refuse_tensor("U8", "4", "0,4", 3,
                  "tensor 'w' ends at byte 4 of the data, of which there are 3");
    refuse_tensor("F32", "70368744177664", "0,281474976710656", 9,
                  "ends at byte 281474976710656 of the data, of which there are 9");
    refuse_tensor("U8", "4", "0,4", 5, "it goes on after its ");
}

static void tensors_that_do_not_tile_the_data(void **state)
{
    (void)state;
    refuse_header("{" U8_AT("a", "0", "4") "," U8_AT("b", "0", "4") "}", 8,
                  "begins at byte 0 of the data, inside another that ends at 4");
    refuse_header("{" U8_AT("a", "3", "7") "," U8_AT("b", "0", "4") "}", 7,
                  "tensor 'a' begins at byte 3 of the data, inside another that ends at 4");
    refuse_header("{" U8_AT("a", "0", "4") "," U8_AT("b", "5", "9") "}", 9,
                  "tensor 'b' begins at byte 5 of the data, which leaves a hole from 4");
    refuse_header("{" U8_AT("a", "1", "5") "}", 5, "which leaves a hole from 0");
    refuse_header(
        "{\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}," U8_AT("a", "0", "4") "}",
        4, "tensor 'e' begins at byte 2 of the data, inside another that ends at 4");
}

/* What comes from the file is cut and cleaned before it reaches a terminal. */
static void messages_with_hostile_names(void **state)
{
    (void)state;
    refuse_header("{\"\\u001b[2J\\n\x7f\":{}}", 0, "tensor '\\027[2J\\n\\127' has no dtype");
    char header[256], words[128], name[101] = "";
    for (int i = 0; i < 50; i++) strcat(name, "\xc3\xa4");
    snprintf(header, sizeof header, "{\"%s\":{}}", name);
    snprintf(words, sizeof words, "tensor '%.62s' has no dtype", name); /* 31 whole characters */
    refuse_header(header, 0, words);
}

/* --- Damage everywhere --- */

static hand_made small_file(void)
{
    const char header[] = "{\"__metadata__\":{\"k\":\"v\"},"
                          "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                          "\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[8,9]}} ";
    return file_of(header, "123456789", 9);
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    hand_made file = small_file();
    nb_archive archive;
    assert_int_equal(load(&file, &archive), NB_OK);
    nb_archive_free(ctx, &archive);
    while (file.size-- > 0) refuse(&file, "");
}

/* The file is read or refused; what is read is no larger than the file. */
static void any_byte_changed(void **state)
{
    (void)state;
    const uint8_t values[] = {0,   1,   ' ', '"',  '0', '1',  '9',  ',',  '[',
                              ']', '{', '}', '\\', 'u', 0x7f, 0x80, 0xc3, 0xff};
    hand_made file = small_file();
    for (size_t at = 0; at < file.size; at++) {
        uint8_t old = file.data[at];
        for (size_t i = 0; i < 8 + sizeof values; i++) {
            file.data[at] = (uint8_t)(i < 8 ? old ^ 1u << i : values[i - 8]);
            nb_archive archive;
            if (load(&file, &archive) != NB_OK) assert_failed(NB_EFORMAT, "f.safetensors");
            for (size_t k = 0; k < archive.count; k++) {
                assert_in_range(nb_tensor_count(archive.entry[k].tensor), 0, 9);
            }
            nb_archive_free(ctx, &archive);
        }
        file.data[at] = old;
    }
}

/* Two bytes at a time exchanged, removed or doubled: the grammar is broken in other places. */
static void any_two_bytes_moved(void **state)
{
    (void)state;
    for (size_t at = 8; at + 1 < small_file().size; at++) {
        for (int how = 0; how < 3; how++) {
            hand_made file = small_file();
            uint8_t *p = file.data + at, first = p[0];
            size_t behind = file.size - at - 1;
            if (how == 0) p[0] = p[1], p[1] = first;
            if (how == 1) memmove(p, p + 1, behind), file.size--;
            if (how == 2) memmove(p + 1, p, behind + 1), file.size++;
            nb_archive archive;
            if (load(&file, &archive) != NB_OK) assert_failed(NB_EFORMAT, "f.safetensors");
            nb_archive_free(ctx, &archive);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lengths_of_the_header),
        TEST(the_limit_of_the_header),
        TEST(headers_that_are_not_json),
        TEST(headers_that_nest),
        TEST(texts_that_are_none),
        TEST(names_that_come_twice),
        TEST(fields_that_are_wrong),
        TEST(dtypes_that_cannot_be_read),
        TEST(shapes_that_do_not_fit),
        TEST(offsets_that_are_wrong),
        TEST(tensors_that_do_not_tile_the_data),
        TEST(messages_with_hostile_names),
        TEST(cut_at_every_byte),
        TEST(any_byte_changed),
        TEST(any_two_bytes_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
