/* Would catch: rows of another place in the file, bytes in the wrong order, files that change,
 * shrink or go without a word, and rows that are promised ahead and are others. */
#include "../files.h"

#include "base/random.h"
#include "io/rows/ahead.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* (rows, 3) u8 as .idx: element k of row i is 3 i + k, of 256. */
static const char *write_idx(const char *name, int rows)
{
    size_t size = 12 + 3 * (size_t)rows;
    uint8_t *data = malloc(size);
    memcpy(data, (uint8_t[]){0, 0, 8, 2, 0, 0, (uint8_t)(rows >> 8), (uint8_t)rows, 0, 0, 0, 3},
           12);
    for (size_t i = 12; i < size; i++) data[i] = (uint8_t)(i - 12);
    const char *path = write_file(name, data, size);
    free(data);
    return path;
}

static void refuse(const char *path, nb_status status, const char *words)
{
    assert_null(nb_row_file_open(ctx, path));
    assert_int_equal(ctx->status, status);
    if (!strstr(ctx->message, words)) fail_msg("'%s' lacks '%s'", ctx->message, words);
}

static void rows_of_an_idx_file(void **state)
{
    (void)state;
    uint8_t rows[9];
    nb_row_file *file = nb_row_file_open(ctx, write_idx("a.idx", 300));
    assert_non_null(file);
    assert_int_equal(file->rows, 300);
    assert_int_equal(file->row_bytes, 3);
    assert_int_equal(nb_row_file_read(file, 41, 3, rows), NB_ROW_READ);
    for (int i = 0; i < 9; i++) assert_int_equal(rows[i], 123 + i);
    assert_int_equal(nb_row_file_read(file, 299, 1, rows), NB_ROW_READ);
    assert_int_equal(rows[2], 899 % 256);
    nb_row_file_close(file);
}

static void both_orders_of_bytes(void **state)
{
    (void)state;
    float row[2];
    const uint8_t idx[] = {0, 0, 0x0D, 2,    0, 0, 0,    1,    0, 0,
                           0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0};
    nb_row_file *file = nb_row_file_open(ctx, write_file("f.idx", idx, sizeof idx));
    assert_non_null(file);
    assert_int_equal(nb_row_file_read(file, 0, 1, row), NB_ROW_READ);
    assert_true(row[0] == 1 && row[1] == -2.5f);
    nb_row_file_close(file);
    file = nb_row_file_open(ctx, golden("npy/f8-big.npy"));
    assert_non_null(file);
    assert_true(file->of.swapped);
    nb_row_file_close(file);
    file = nb_row_file_open(ctx, golden("npy/f8-little.npy"));
    assert_non_null(file);
    assert_false(file->of.swapped);
    nb_row_file_close(file);
}

static void what_cannot_stay_in_its_file(void **state)
{
    (void)state;
    size_t size, packed_size;
    uint8_t *data = read_file(write_idx("a.idx", 9), &size);
    uint8_t *packed = gzip(data, size, &packed_size);
    refuse(write_file("a.gz", packed, packed_size), NB_EFORMAT, "is packed, so that no row");
    refuse(write_file("cut", data, size - 1), NB_EFORMAT, "at most 26 can follow");
    refuse(golden("npy/i8-little.npy"), NB_EFORMAT, "converted as they are read; u8, i32, f32");
    refuse(golden("npy/b1-little.npy"), NB_EFORMAT, "converted as they are read");
    refuse(golden("npy/version1-F.npy"), NB_EFORMAT, "numpy.ascontiguousarray");
    refuse(golden("npy/shape-empty.npy"), NB_EFORMAT, "holds no rows");
    refuse(golden("npy/shape-scalar.npy"), NB_EFORMAT, "holds no rows");
    refuse(path_of("none"), NB_EIO, "No such file");
    refuse(path_of("."), NB_EIO, "is a directory");
    refuse(write_file("text", "abcd", 4), NB_EFORMAT, "is not an IDX file");
    data[2] = 9;
    refuse(write_file("i8", data, size), NB_EFORMAT, "converted as they are read");
    free(packed);
    free(data);
}

static void files_that_change(void **state)
{
    (void)state;
    uint8_t rows[3];
    char path[600];
    strcpy(path, write_idx("a.idx", 300));
    nb_row_file *file = nb_row_file_open(ctx, path);
    assert_int_equal(nb_row_file_check(file), NB_ROW_READ);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(nb_row_file_check(file), NB_ROW_CHANGED);
    nb_row_outcome outcome = nb_row_file_read(file, 29, 1, rows);
    assert_int_equal(outcome, NB_ROW_SHORT);
    nb_row_file_fail(file, outcome, 0, 29);
    assert_failed(NB_EIO,
                  "has changed since it was opened: it has 100 bytes and had 912; row 30 (up "
                  "to byte 102) is not read");
    nb_row_file_close(file);
    file = nb_row_file_open(ctx, strcpy(path, write_idx("b.idx", 300)));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(nb_row_file_check(file), NB_ROW_CHANGED);
    nb_row_file_fail(file, NB_ROW_CHANGED, 0, 2);
    assert_failed(NB_EIO, "b.idx was removed or replaced after it was opened; row 3 is not read");
    nb_row_file_fail(file, NB_ROW_FAILED, EIO, 2);
    assert_failed(NB_EIO, "cannot read row 3 of");
    nb_row_file_close(file);
}

/* Takes what is planned, in its order; rows that are not there yet are no rows. */
static int take_planned(nb_ahead *ahead, const int32_t *wanted, size_t count)
{
    int there = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(nb_ahead_next(ahead), wanted[i]);
        const uint8_t *row = nb_ahead_take(ahead);
        for (int k = 0; row && k < 3; k++) assert_int_equal(row[k], (uint8_t)(3 * wanted[i] + k));
        there += row != NULL;
    }
    return there;
}

/* Plans are taken at once, later, and left in the middle; what comes is always what was planned. */
static void rows_ahead(void **state)
{
    (void)state;
    enum { ROWS = 60000 };
    static int32_t wanted[ROWS];
    size_t room;
    int there = 0;
    nb_stream stream = nb_stream_make(3, NB_FOR_SHUFFLE, 0);
    nb_row_file *file = nb_row_file_open(ctx, write_idx("a.idx", ROWS));
    nb_ahead *ahead = nb_ahead_new(file);
    assert_non_null(ahead);
    assert_int_equal(nb_ahead_next(ahead), -1);
    for (int round = 0; round < 200 || there == 0; round++) {
        int32_t *list = nb_ahead_room(ahead, &room);
        if (!list) continue; /* the thread has not let go of it yet */
        assert_int_equal(room, ROWS);
        size_t count = 1 + (size_t)nb_random_below(&stream, 2000);
        size_t before = nb_ahead_planned(ahead);
        for (size_t i = 0; i < count; i++)
            list[i] = wanted[i] = (int32_t)nb_random_below(&stream, ROWS);
        nb_ahead_plan(ahead, count);
        assert_int_equal(nb_ahead_planned(ahead), before + count);
        if (round % 3 == 0) usleep(2000);
        there += take_planned(ahead, wanted, round % 2 ? count : count / 2);
        if (round % 2 == 0) nb_ahead_forget(ahead);
        assert_int_equal(nb_ahead_next(ahead), -1);
    }
    nb_ahead_free(ahead);
    nb_row_file_close(file);
}

static nb_status attempt(void *path)
{
    nb_row_file *file = nb_row_file_open(ctx, path);
    if (!file) return ctx->status;
    nb_ahead *ahead = nb_ahead_new(file);
    nb_status status = ahead ? NB_OK : NB_EMEMORY;
    nb_ahead_free(ahead);
    nb_row_file_close(file);
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char path[600];
    strcpy(path, write_idx("a.idx", 9));
    sweep_failing_requests(attempt, path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_an_idx_file), TEST(both_orders_of_bytes), TEST(what_cannot_stay_in_its_file),
        TEST(files_that_change),   TEST(rows_ahead),           TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
