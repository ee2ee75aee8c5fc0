/* Rows kept in the smaller way: would catch rows that come back otherwise than they came, whichever
 * way they are kept and wherever it is decided; zeros that are kept; files that are cut, damaged or
 * given up half way; memory that ends. */
#include "base/memory.h"
#include "kernel/nonzeros.h"
#include "nn/data/read/pack.h"
#include "nn/data/rows/nonzeros.h"

#include "../../io/files.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows out of memory; the read of number `fails` (from 1) does. */
typedef struct given {
    const char *at;
    size_t row_bytes;
    int reads, fails;
} given;

static nb_status next(nb_ctx *of, void *self, void *into, int64_t n)
{
    given *g = self;
    if (++g->reads == g->fails) return nb_fail(of, NB_EIO, "the reader has had enough");
    memcpy(into, g->at, (size_t)n * g->row_bytes);
    g->at += (size_t)n * g->row_bytes;
    return NB_OK;
}

/* `rows` rows whose numbers are not 0 at every `every`-th place: of the first half of them, and of
 * the others. */
static char *numbers(nb_dtype dtype, int64_t rows, int64_t width, int first, int rest)
{
    size_t size = nb_dtype_size(dtype), all = (size_t)(rows * width);
    char *data = calloc(all, size);
    for (size_t i = 0; i < all; i++) {
        size_t every = (size_t)(i < all / 2 ? first : rest);
        if (every && (i * 7 + 3) % every == 0) memset(data + i * size, (int)(i % 120) + 1, size);
    }
    return data;
}

static nb_elements sizes(nb_dtype dtype, int64_t rows, int64_t a, int64_t b)
{
    return (nb_elements){.dtype = dtype, .dims = 3, .shape = {rows, a, b}};
}

static bool is_thin(const nb_feed *feed)
{
    return feed->type->thin;
}

/* The rows, and every row by itself from the last to the first, are what was given. */
static void check_rows(nb_feed *feed, const char *data, int64_t rows, int64_t width)
{
    size_t row = (size_t)width * nb_dtype_size(feed->dtype), bytes = (size_t)rows * row;
    char *back = malloc(bytes);
    const nb_pick all = {.n = rows};
    assert_int_equal(feed->count, rows);
    assert_int_equal(nb_feed_width(feed), width);
    assert_int_equal(nb_feed_gather(ctx, feed, &all, NULL, &(nb_room){back, feed->dtype, width}),
                     NB_OK);
    assert_memory_equal(back, data, bytes);
    for (int64_t i = rows - 1; i >= 0; i--) {
        const nb_pick one = {.start = i, .n = 1};
        nb_room room = {back, feed->dtype, width};
        assert_int_equal(nb_feed_gather(ctx, feed, &one, NULL, &room), NB_OK);
        assert_memory_equal(back, data + (size_t)i * row, row);
    }
    free(back);
}

/* Packs; the peak of memory meanwhile is at most `most` bytes. */
static void check(nb_dtype dtype, int64_t rows, int first, int rest, bool thin, size_t most)
{
    enum { A = 28, B = 29 };
    char *data = numbers(dtype, rows, A * B, first, rest);
    nb_elements of = sizes(dtype, rows, A, B);
    given g = {data, A * B * nb_dtype_size(dtype), 0, 0};
    nb_pool_trim(ctx);
    ctx->memory.peak = ctx->memory.live;
    nb_feed *feed = nb_feed_pack(ctx, &of, next, &g, "x");
    assert_non_null(feed);
    assert_int_equal(is_thin(feed), thin);
    assert_int_equal(feed->dims, 2);
    assert_int_equal(feed->shape[1], B);
    assert_in_range(ctx->memory.peak, 0, most);
    check_rows(feed, data, rows, A * B);
    nb_feed_release(ctx, feed);
    free(data);
}

/* Rows of 812 numbers; beside what is kept a piece of the reader's is held, and the last block
 * twice. */
static void the_smaller_way(void **state)
{
    (void)state;
    const size_t all = 812000, piece = 600 << 10;
    check(NB_U8, 8000, 5, 5, true, 8 * all * 2 / 3 + piece);
    check(NB_U8, 1000, 4, 4, true, all + piece);
    check(NB_U8, 1000, 3, 3, false, 3 * all + piece);
    check(NB_U8, 8000, 1, 1, false, 12 * all);
    check(NB_U8, 1000, 0, 0, true, all / 4 + piece);
    check(NB_U8, 1000, 50, 2, true, all + piece);
    check(NB_U8, 1000, 50, 1, false, 3 * all + piece);
    check(NB_U8, 8000, 2, 50, false, 12 * all);
    check(NB_F32, 200, 2, 2, true, all + piece);
    check(NB_F32, 200, 1, 1, false, 3 * all);
    check(NB_F64, 100, 2, 2, true, all + piece);
    check(NB_I32, 200, 2, 3, true, all + piece);
    check(NB_U8, 80, 50, 50, false, all);
    check(NB_U8, 81, 50, 50, true, all);
}

static void wide_rows(void **state)
{
    (void)state;
    const int64_t widths[] = {NB_NONZEROS_NARROW, NB_NONZEROS_NARROW + 1, 300000};
    for (int i = 0; i < 3; i++) {
        char *data = numbers(NB_U8, 3, widths[i], 7, 9);
        nb_elements of = {.dtype = NB_U8, .dims = 2, .shape = {3, widths[i]}};
        given g = {data, (size_t)widths[i], 0, 0};
        nb_feed *feed = nb_feed_pack(ctx, &of, next, &g, "x");
        assert_true(is_thin(feed));
        check_rows(feed, data, 3, widths[i]);
        nb_feed_release(ctx, feed);
        free(data);
    }
}

/* Of one that is mostly zeros a copy, else itself. */
static void tensors(void **state)
{
    (void)state;
    const int64_t shape[] = {400, 28, 29};
    for (int every = 1; every < 6; every += 4) {
        char *data = numbers(NB_U8, 400, 28 * 29, every, every);
        nb_tensor *x = nb_tensor_new(ctx, NB_U8, 3, shape);
        memcpy(nb_tensor_data(x), data, 400 * 28 * 29);
        nb_feed *feed = nb_feed_pack_tensor(ctx, x, "x");
        assert_int_equal(is_thin(feed), every == 5);
        assert_true((nb_feed_tensor(feed) == x) == (every == 1));
        check_rows(feed, data, 400, 28 * 29);
        nb_feed_release(ctx, feed);
        nb_tensor_release(ctx, x);
        free(data);
    }
}

/* Of every length around the pieces they are counted in, none of them 0 and every third. */
static void counts(void **state)
{
    enum { MOST = 600 };
    static const size_t sizes[] = {1, 4, 8};
    uint8_t bytes[8 * MOST];
    (void)state;
    for (size_t s = 0; s < 3; s++)
        for (size_t every = 1; every <= 3; every += 2)
            for (size_t n = 0; n <= MOST; n++) {
                memset(bytes, 0, sizeof bytes);
                for (size_t i = 0; i < n; i += every) bytes[(i + 1) * sizes[s] - 1] = 128;
                bytes[n * sizes[s] % sizeof bytes] |= n < MOST; /* one more does not count */
                size_t expected = (n + every - 1) / every;
                assert_int_equal(nb_count_nonzeros(sizes[s], bytes, n), expected);
            }
}

static void nothing_is_refused(void **state)
{
    (void)state;
    nb_elements of = sizes(NB_U8, 0, 28, 28);
    given g = {NULL, 784, 0, 0};
    assert_null(nb_feed_pack(ctx, &of, next, &g, "x"));
    assert_failed(NB_ESHAPE, "x holds nothing: its shape is 0x28x28");
}

static void readers_that_fail(void **state)
{
    (void)state;
    for (int every = 1; every < 6; every += 4) {
        char *data = numbers(NB_U8, 4000, 812, every, every);
        nb_elements of = sizes(NB_U8, 4000, 28, 29);
        for (int fails = 1; fails < 3; fails++) {
            given g = {data, 812, 0, fails};
            size_t live = ctx->memory.live;
            assert_null(nb_feed_pack(ctx, &of, next, &g, "x"));
            assert_failed(NB_EIO, "the reader has had enough");
            assert_int_equal(ctx->memory.live, live);
        }
        free(data);
    }
}

/* ---- Files ----------------------------------------------------------------------------------- */

enum { ROWS = 120, SIDE = 28, HEAD = 16, BYTES = HEAD + ROWS * SIDE * SIDE };

static void file_of_images(uint8_t file[BYTES], int every)
{
    const uint8_t head[HEAD] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    char *data = numbers(NB_U8, ROWS, SIDE * SIDE, every, every);
    memcpy(file, head, HEAD);
    memcpy(file + HEAD, data, BYTES - HEAD);
    free(data);
}

static nb_feed *read_bytes(const void *data, size_t size)
{
    nb_source *source = nb_source_memory(ctx, "t.idx", data, size);
    nb_feed *feed = source ? nb_feed_read_idx(ctx, source, "images") : NULL;
    nb_source_close(source);
    return feed;
}

static void plain_and_packed(void **state)
{
    (void)state;
    uint8_t *file = malloc(BYTES);
    for (int every = 1; every < 6; every += 4) {
        size_t size;
        file_of_images(file, every);
        uint8_t *packed = gzip(file, BYTES, &size);
        for (int k = 0; k < 2; k++) {
            nb_feed *feed = read_bytes(k ? packed : file, k ? size : BYTES);
            assert_non_null(feed);
            assert_int_equal(is_thin(feed), every == 5);
            check_rows(feed, (const char *)file + HEAD, ROWS, SIDE * SIDE);
            nb_feed_release(ctx, feed);
        }
        free(packed);
    }
    free(file);
}

static void cut_and_damaged(void **state)
{
    (void)state;
    uint8_t *file = malloc(BYTES + 1);
    size_t size;
    file_of_images(file, 5);
    file[BYTES] = 1;
    uint8_t *packed = gzip(file, BYTES, &size);
    for (size_t n = 0; n < size; n += 1 + size / 100) {
        assert_null(read_bytes(packed, n));
        assert_int_equal(ctx->status, NB_EFORMAT);
    }
    packed[size - 6] ^= 0x10;
    assert_null(read_bytes(packed, size));
    assert_failed(NB_EFORMAT, "t.idx is damaged");
    free(packed);
    packed = gzip(file, BYTES - 1, &size);
    assert_null(read_bytes(packed, size));
    assert_failed(NB_EFORMAT,
                  "t.idx ends after 94095 unpacked bytes; its header and elements needs "
                  "94096");
    free(packed);
    assert_null(read_bytes(file, BYTES + 1));
    assert_failed(NB_EFORMAT, "t.idx goes on after its 94096 bytes of header and elements");
    free(file);
}

/* ---- .npy ------------------------------------------------------------------------------------ */

enum { NPY_HEAD = 128, NPY_ROWS = 700, NPY_WIDTH = 812, NPY_COUNT = NPY_ROWS * NPY_WIDTH };

static size_t npy_of(uint8_t *file, const char *descr, bool columns, const void *data, size_t bytes)
{
    char text[NPY_HEAD];
    memset(file, ' ', NPY_HEAD);
    memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': (%d, 28, 29), }",
             descr, columns ? "True" : "False", NPY_ROWS);
    memcpy(file + 10, text, strlen(text));
    file[NPY_HEAD - 1] = '\n';
    memcpy(file + NPY_HEAD, data, bytes);
    return NPY_HEAD + bytes;
}

static nb_feed *read_npy(const void *data, size_t size)
{
    nb_source *source = nb_source_memory(ctx, "t.npy", data, size);
    nb_feed *feed = source ? nb_feed_read_npy(ctx, source, "x") : NULL;
    nb_source_close(source);
    return feed;
}

/* Rows are listed as they come: what is held never is all of them with their zeros. */
static void npy_rows(void **state)
{
    (void)state;
    uint8_t *file = malloc(NPY_HEAD + (size_t)4 * NPY_COUNT);
    for (int every = 1; every < 6; every += 4) {
        char *data = numbers(NB_F32, NPY_ROWS, NPY_WIDTH, every, every);
        size_t size = npy_of(file, "<f4", false, data, (size_t)4 * NPY_COUNT);
        nb_pool_trim(ctx);
        ctx->memory.peak = ctx->memory.live;
        nb_feed *feed = read_npy(file, size);
        assert_non_null(feed);
        assert_int_equal(is_thin(feed), every == 5);
        if (every == 5) assert_in_range(ctx->memory.peak, 0, (size_t)3 * NPY_COUNT);
        check_rows(feed, data, NPY_ROWS, NPY_WIDTH);
        nb_feed_release(ctx, feed);
        free(data);
    }
    free(file);
}

/* Whole numbers that are converted piece by piece; columns before rows, as NumPy may have them. */
static void npy_others(void **state)
{
    (void)state;
    uint8_t *file = malloc(NPY_HEAD + (size_t)8 * NPY_COUNT);
    int64_t *whole = calloc(NPY_COUNT, sizeof *whole);
    int32_t *rows = calloc(NPY_COUNT, sizeof *rows);
    for (int columns = 0; columns < 2; columns++) {
        for (int i = 0; i < NPY_COUNT; i++) {
            int row = i / NPY_WIDTH, a = i % NPY_WIDTH / 29, b = i % NPY_WIDTH % 29;
            rows[i] = i % 9 ? 0 : i - 1000;
            whole[columns ? row + NPY_ROWS * (a + 28 * b) : i] = rows[i];
        }
        size_t size = npy_of(file, "<i8", columns, whole, (size_t)8 * NPY_COUNT);
        nb_feed *feed = read_npy(file, size);
        assert_non_null(feed);
        assert_true(is_thin(feed));
        check_rows(feed, (const char *)rows, NPY_ROWS, NPY_WIDTH);
        nb_feed_release(ctx, feed);
    }
    free(whole);
    free(rows);
    free(file);
}

static void npy_damaged(void **state)
{
    (void)state;
    const size_t bytes = (size_t)8 * NPY_COUNT;
    uint8_t *file = malloc(NPY_HEAD + bytes + 1);
    int64_t *whole = calloc(NPY_COUNT, sizeof *whole);
    size_t size, last = npy_of(file, "<i8", false, whole, bytes);
    file[last] = 0;
    uint8_t *packed = gzip(file, last - 1, &size);
    assert_null(read_npy(packed, size));
    assert_failed(NB_EFORMAT,
                  "t.npy ends after 4547327 unpacked bytes; its header and elements needs "
                  "4547328");
    free(packed);
    assert_null(read_npy(file, last + 1));
    assert_failed(NB_EFORMAT, "t.npy goes on after its 4547328 bytes of header and elements");
    whole[NPY_COUNT - 5] = INT64_MAX;
    npy_of(file, "<i8", false, whole, bytes);
    assert_null(read_npy(file, last));
    assert_failed(NB_EFORMAT, "element 568396 (in the order of the file) is 9223372036854775807");
    free(whole);
    free(file);
}

static nb_status attempt(void *file)
{
    nb_feed *feed = read_bytes(file, BYTES);
    nb_status status = feed ? NB_OK : ctx->status;
    nb_feed_release(ctx, feed);
    return status;
}

static void memory_that_ends(void **state)
{
    (void)state;
    uint8_t *file = malloc(BYTES);
    file_of_images(file, 5);
    sweep_failing_requests(attempt, file);
    file_of_images(file, 1);
    sweep_failing_requests(attempt, file);
    free(file);
}

static void stops(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    uint8_t *file = malloc(BYTES);
    size_t size;
    file_of_images(file, 5);
    uint8_t *packed = gzip(file, BYTES, &size);
    nb_source *source = nb_source_memory(ctx, "t.idx", packed, size);
    ctx->interrupt = &pressed;
    assert_null(nb_feed_read_idx(ctx, source, "images"));
    assert_int_equal(ctx->status, NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_source_close(source);
    free(packed);
    free(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_smaller_way),
                                       TEST(wide_rows),
                                       TEST(tensors),
                                       TEST(nothing_is_refused),
                                       TEST(readers_that_fail),
                                       TEST(plain_and_packed),
                                       TEST(cut_and_damaged),
                                       TEST(memory_that_ends),
                                       TEST(stops),
                                       TEST(npy_rows),
                                       TEST(npy_others),
                                       TEST(npy_damaged),
                                       TEST(counts)};
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
