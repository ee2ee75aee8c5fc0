/* Would catch: archives that other programs could not read, members read as others or twice, and
 * hostile directories that crash, hang, cost memory or pass. Run it under the sanitizers. */
#include "../files.h"

#include "io/zip/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Archives made for a test ---- */

typedef struct made {
    uint8_t *data;
    size_t size;
} made;

typedef struct part {
    const char *name;
    const char *content;
} part;

/* An archive of texts; sizes and places from `large` on are written as zip64. */
static made make(const part *parts, size_t count, bool deflated, uint64_t large)
{
    nb_zip_writer zip;
    nb_sink *sink = nb_sink_open(ctx, path_of("made.zip"));
    assert_non_null(sink);
    nb_zip_begin(&zip, ctx, sink);
    zip.large = large;
    for (size_t i = 0; i < count; i++) {
        const nb_span span = {parts[i].content, strlen(parts[i].content)};
        assert_int_equal(nb_zip_add(&zip, parts[i].name, &span, 1, deflated), NB_OK);
    }
    assert_int_equal(nb_zip_end(&zip), NB_OK);
    nb_zip_free(&zip);
    assert_int_equal(nb_sink_close(sink), NB_OK);
    made out;
    out.data = read_file(path_of("made.zip"), &out.size);
    return out;
}

static const part two[] = {{"first", "the content of the first"}, {"second", "and of the second"}};

/* Reads all members of an archive in memory and compares them with `parts` (NULL: with nothing);
 * NB_OK, or the first failure. */
static nb_status read_members(nb_zip *zip, const part *parts)
{
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < nb_zip_count(zip); i++) {
        char content[4096];
        nb_source *member = nb_zip_member(zip, i);
        if (!member) return ctx->status;
        uint64_t most = nb_source_most(member);
        size_t bytes = most < sizeof content ? (size_t)most : sizeof content;
        status = nb_source_read(member, content, bytes, "the test");
        if (!status && !nb_source_at_end(member)) status = nb_fail(ctx, NB_EFORMAT, "t.zip: more");
        if (!status) status = nb_source_read(member, NULL, 0, "the end");
        if (!status && parts) {
            assert_string_equal(nb_zip_name(zip, i), parts[i].name);
            assert_int_equal(bytes, strlen(parts[i].content));
            assert_memory_equal(content, parts[i].content, bytes);
        }
        nb_source_close(member);
    }
    return status;
}

static nb_status read_zip(const void *data, size_t size, const part *parts)
{
    nb_source *source = nb_source_memory(ctx, "t.zip", data, size);
    if (!source) return ctx->status;
    nb_zip *zip = nb_zip_open(ctx, source);
    nb_status status = zip ? read_members(zip, parts) : ctx->status;
    nb_zip_close(zip);
    nb_source_close(source);
    return status;
}

static void refuse_zip(const made *zip, const char *words)
{
    assert_int_equal(read_zip(zip->data, zip->size, NULL), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "t.zip");
    assert_failed(NB_EFORMAT, words);
}

/* Every form that the writer knows: zip64 for everything, for what lies behind a place, for
 * nothing. */
static void every_form_is_read_back(void **state)
{
    (void)state;
    const uint64_t larges[] = {0, 1, 30, 60, 100, 200, 400, NB_ZIP_32};
    for (int deflated = 0; deflated < 2; deflated++) {
        for (size_t i = 0; i < sizeof larges / sizeof *larges; i++) {
            for (size_t count = 0; count <= 2; count++) {
                made zip = make(two, count, deflated, larges[i]);
                nb_status status = read_zip(zip.data, zip.size, two);
                if (status) fail_msg("large %d: %s", (int)larges[i], ctx->message);
                free(zip.data);
            }
        }
    }
}

static void a_comment_at_the_end(void **state)
{
    (void)state;
    enum { MOST = 65535 };
    made zip = make(two, 2, false, NB_ZIP_32);
    zip.data = realloc(zip.data, zip.size + MOST + 1);
    assert_non_null(zip.data);
    memset(zip.data + zip.size, 'c', MOST + 1);
    put_number(zip.data + zip.size - 2, 2, MOST);
    assert_int_equal(read_zip(zip.data, zip.size + MOST, two), NB_OK);
    assert_int_equal(read_zip(zip.data, zip.size + MOST - 1, two), NB_EFORMAT);
    assert_int_equal(read_zip(zip.data, zip.size + MOST + 1, two), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "not a zip archive, or cut short: it has no directory at its end");
    free(zip.data);
}

static nb_status add_one(nb_zip_writer *zip, const char *name)
{
    return nb_zip_add(zip, name, NULL, 0, false);
}

/* One member more than two bytes can count, and a name longer than they can say. */
static void the_limits_of_two_bytes(void **state)
{
    (void)state;
    enum { MOST = 65535 };
    char *name = malloc(MOST + 2);
    assert_non_null(name);
    for (int count = MOST - 1; count <= MOST; count++) {
        nb_zip_writer zip;
        nb_sink *sink = nb_sink_open(ctx, path_of("many.zip"));
        nb_zip_begin(&zip, ctx, sink);
        for (int i = 0; i < count; i++) {
            char short_name[16];
            snprintf(short_name, sizeof short_name, "%d", i);
            assert_int_equal(add_one(&zip, short_name), NB_OK);
        }
        assert_int_equal(nb_zip_end(&zip), NB_OK);
        nb_zip_free(&zip);
        assert_int_equal(nb_sink_close(sink), NB_OK);
        nb_source *source = nb_source_open(ctx, path_of("many.zip"));
        nb_zip *back = nb_zip_open(ctx, source);
        assert_non_null(back);
        assert_int_equal(nb_zip_count(back), count);
        nb_zip_close(back);
        nb_source_close(source);
    }
    nb_zip_writer zip;
    nb_sink *sink = nb_sink_open(ctx, path_of("names.zip"));
    nb_zip_begin(&zip, ctx, sink);
    memset(name, 'n', MOST + 1);
    name[MOST + 1] = '\0';
    assert_int_equal(add_one(&zip, name), NB_EARG);
    assert_failed(NB_EARG, "has 65536 bytes; a zip's have at most 65535");
    name[MOST] = '\0';
    assert_int_equal(add_one(&zip, name), NB_OK);
    nb_zip_free(&zip);
    nb_sink_drop(sink);
    free(name);
}

/* ---- Damage ---- */

static void cut_at_every_byte(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        made zip = make(two, 2, form & 1, form & 2 ? 0 : NB_ZIP_32);
        for (size_t n = 0; n < zip.size; n++) {
            uint8_t *cut = malloc(n + 1); /* of this size, so that the sanitizer sees */
            assert_non_null(cut);
            memcpy(cut, zip.data, n);
            assert_int_equal(read_zip(cut, n, NULL), NB_EFORMAT);
            assert_failed(NB_EFORMAT, "t.zip");
            free(cut);
        }
        free(zip.data);
    }
}

static void a_wrong_checksum(void **state)
{
    (void)state;
    made zip = make(two, 2, false, NB_ZIP_32);
    zip.data[30 + 5] ^= 1; /* the first byte of the first content */
    refuse_zip(&zip, "t.zip: first is damaged: its checksum is ");
    zip.data[30 + 5] ^= 1;
    size_t central = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 1),
           local = find_number(zip.data, zip.size, NB_ZIP_LOCAL, 1);
    zip.data[central + 16] ^= 1;
    refuse_zip(&zip, "the header of 'second' at byte 59 is not as the directory says");
    zip.data[local + 14] ^= 1;
    refuse_zip(&zip, "t.zip: second is damaged: its checksum is ");
    free(zip.data);
}

/* The directory's sizes against what is there, packed and unpacked. */
static void sizes_that_lie(void **state)
{
    (void)state;
    made zip = make(two, 2, true, NB_ZIP_32);
    size_t central = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0);
    uint64_t packed = zip.data[central + 20], size = strlen(two[0].content);
    put_number(zip.data + central + 24, 4, size - 1);
    refuse_zip(&zip, "more");
    put_number(zip.data + central + 24, 4, size + 1);
    refuse_zip(&zip, "t.zip: first ends after 24 unpacked bytes");
    put_number(zip.data + central + 24, 4, size);
    put_number(zip.data + central + 20, 4, packed - 1);
    refuse_zip(&zip, "t.zip: first is cut short: its deflate data stop after ");
    put_number(zip.data + central + 20, 4, packed + 1);
    refuse_zip(&zip, "t.zip: first is damaged: its deflate data end after ");
    put_number(zip.data + central + 20, 4, 0xfffffffe);
    refuse_zip(&zip, "'first' (4294967294 bytes from byte 0) overlaps what begins at byte ");
    put_number(zip.data + central + 20, 4, 0xffffffff);
    put_number(zip.data + central + 24, 4, 0xffffffff);
    refuse_zip(&zip, "overlaps"); /* and no zip64 field is there to say more */
    free(zip.data);
    zip = make(two, 2, false, NB_ZIP_32);
    central = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0);
    put_number(zip.data + central + 24, 4, size + 1);
    refuse_zip(&zip, "'first' is stored, but the directory says 25 bytes of which 24 are there");
    free(zip.data);
}

/* Members that share bytes would unpack the same data many times over. */
static void members_that_overlap(void **state)
{
    (void)state;
    made zip = make(two, 2, false, NB_ZIP_32);
    size_t first = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0),
           second = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 1);
    put_number(zip.data + second + 42, 4, 0);
    refuse_zip(&zip, "overlaps what begins at byte 0");
    put_number(zip.data + second + 42, 4, 1);
    refuse_zip(&zip, "overlaps what begins at byte 1");
    put_number(zip.data + second + 42, 4, first); /* the directory itself */
    refuse_zip(&zip, "overlaps what begins at byte ");
    put_number(zip.data + second + 42, 4, 58);
    refuse_zip(&zip, "overlaps what begins at byte 58");
    put_number(zip.data + second + 42, 4, 60);
    refuse_zip(&zip, "overlaps what begins at byte ");
    put_number(zip.data + second + 42, 4, 59);
    assert_int_equal(read_zip(zip.data, zip.size, two), NB_OK);
    put_number(zip.data + second + 42, 4, 0xfffffffe);
    refuse_zip(&zip, "overlaps what begins at byte ");
    free(zip.data);
}

/* A directory that lists itself, or reaches beyond its end. */
static void directories_that_lie(void **state)
{
    (void)state;
    made zip = make(two, 2, false, NB_ZIP_32);
    size_t end = find_number(zip.data, zip.size, NB_ZIP_END, 0),
           begin = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0);
    put_number(zip.data + end + 16, 4, 0);
    refuse_zip(&zip, "does not end at byte ");
    put_number(zip.data + end + 16, 4, end);
    refuse_zip(&zip, "does not end at byte ");
    put_number(zip.data + end + 16, 4, begin - 1);
    put_number(zip.data + end + 12, 4, end - begin + 1);
    refuse_zip(&zip, "its directory is damaged at member 1");
    put_number(zip.data + end + 16, 4, begin);
    put_number(zip.data + end + 12, 4, end - begin);
    put_number(zip.data + end + 10, 2, 1);
    refuse_zip(&zip, "it is one part of an archive in several");
    put_number(zip.data + end + 8, 2, 1);
    refuse_zip(&zip, "its directory goes on after its 1 members");
    put_number(zip.data + end + 8, 4, 3 | 3 << 16);
    refuse_zip(&zip, "its directory of 103 bytes cannot list 3 members");
    put_number(zip.data + end + 8, 4, 2 | 2 << 16);
    put_number(zip.data + end + 4, 2, 1);
    refuse_zip(&zip, "it is one part of an archive in several");
    put_number(zip.data + end + 4, 2, 0);
    assert_int_equal(read_zip(zip.data, zip.size, two), NB_OK);
    put_number(zip.data + begin + 28, 2, 0xffff);
    refuse_zip(&zip, "ends after ");
    free(zip.data);
}

static void zip64_that_lies(void **state)
{
    (void)state;
    made zip = make(two, 2, false, 0);
    size_t locator = find_number(zip.data, zip.size, NB_ZIP_LOCATOR, 0),
           end = find_number(zip.data, zip.size, NB_ZIP_LARGE_END, 0);
    put_number(zip.data + locator + 8, 8, locator); /* an end that points to itself */
    refuse_zip(&zip, "the file has ");
    put_number(zip.data + locator + 8, 8, end - 8);
    refuse_zip(&zip, "its directory's end at byte ");
    put_number(zip.data + locator + 8, 8, UINT64_MAX - 3);
    refuse_zip(&zip, "would be at byte 18446744073709551612; the file has ");
    put_number(zip.data + locator + 8, 8, end);
    put_number(zip.data + end + 32, 8, UINT64_MAX);
    put_number(zip.data + end + 24, 8, UINT64_MAX);
    refuse_zip(&zip, "cannot list 18446744073709551615 members");
    put_number(zip.data + end + 32, 8, 2);
    put_number(zip.data + end + 24, 8, 2);
    put_number(zip.data + end + 40, 8, UINT64_MAX);
    refuse_zip(&zip, "does not end at byte ");
    put_number(zip.data + end + 40, 8, end - find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0));
    assert_int_equal(read_zip(zip.data, zip.size, two), NB_OK);
    size_t extra = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0) + 46 + 5;
    put_number(zip.data + extra + 2, 2, 25);
    refuse_zip(&zip, "the extra fields of 'first' are damaged");
    put_number(zip.data + extra + 2, 2, 16); /* no place for the third number */
    refuse_zip(&zip, "the extra fields of 'first' are damaged");
    free(zip.data);
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    made zip = make(two, 2, false, NB_ZIP_32);
    size_t central = find_number(zip.data, zip.size, NB_ZIP_CENTRAL, 0);
    const unsigned flags[] = {1 << 0, 1 << 5, 1 << 6, 1 << 13};
    for (size_t i = 0; i < 4; i++) {
        put_number(zip.data + central + 8, 2, flags[i]);
        refuse_zip(&zip, "'first' is encrypted; save it without a password");
    }
    put_number(zip.data + central + 8, 2, 0);
    put_number(zip.data + central + 10, 2, 14);
    refuse_zip(&zip, "'first' is packed by method 14 (lzma); stored and deflated can be read");
    put_number(zip.data + central + 10, 2, 77);
    refuse_zip(&zip, "packed by method 77 (unknown)");
    put_number(zip.data + central + 10, 2, 0);
    zip.data[central + 46] = 0xff;
    refuse_zip(&zip, "the name of member 1 is not UTF-8");
    zip.data[central + 46] = 0;
    refuse_zip(&zip, "the name of member 1 is not UTF-8");
    zip.data[central + 46] = 'F';
    refuse_zip(&zip, "the header of 'First' at byte 0 is not as the directory says");
    free(zip.data);
}

/* Damage may hit what nobody reads; else it must show. */
static void mutations(void **state)
{
    (void)state;
    enum { EACH = 1500 };
    for (unsigned form = 0; form < 4; form++) {
        made zip = make(two, 2, form & 1, form & 2 ? 0 : NB_ZIP_32);
        uint8_t *changed = malloc(2 * zip.size);
        assert_non_null(changed);
        for (uint32_t seed = 0; seed < EACH; seed++) {
            size_t n = mutate(seed, zip.data, zip.size, changed);
            nb_status status = read_zip(changed, n, NULL);
            if (status) assert_failed(NB_EFORMAT, "t.zip");
        }
        free(changed);
        free(zip.data);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form_is_read_back),
        TEST(a_comment_at_the_end),
        TEST(the_limits_of_two_bytes),
        TEST(cut_at_every_byte),
        TEST(a_wrong_checksum),
        TEST(sizes_that_lie),
        TEST(members_that_overlap),
        TEST(directories_that_lie),
        TEST(zip64_that_lies),
        TEST(what_is_not_read_is_named),
        TEST(mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
