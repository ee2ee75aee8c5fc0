/* Tables whose rows are kept in the smaller way while they are read: would catch rows that come
 * back otherwise than a tensor has them, whatever dtypes and shares of zeros follow one another;
 * more memory than the smaller way takes; memory that ends. */
#include "base/memory.h"
#include "io/csv/csv.h"
#include "nn/data/read/table.h"

#include "../../io/files.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 120 };

/* What is written from a row on. */
typedef struct stretch {
    int rows, every; /* one number in so many is not 0; 0: none is */
    const char *number;
} stretch;

static char *table_of(const stretch *parts, int count, size_t *size)
{
    size_t room = 0, at = 0;
    for (int p = 0; p < count; p++) room += (size_t)parts[p].rows * WIDTH * 8;
    char *text = malloc(room);
    for (int p = 0; p < count; p++)
        for (int i = 0; i < parts[p].rows * WIDTH; i++) {
            bool zero = !parts[p].every || (i * 7 + 3) % parts[p].every;
            const char *number = zero ? "0" : parts[p].number;
            memcpy(text + at, number, strlen(number));
            at += strlen(number);
            text[at++] = i % WIDTH == WIDTH - 1 ? '\n' : ',';
        }
    *size = at;
    return text;
}

static const nb_csv_options options = {.header = 0, .dtype = NB_F32, .missing = NB_MISSING_MEAN};

static nb_tensor *as_tensor(const char *text, size_t size)
{
    nb_table table = {.x = NULL};
    nb_source *source = nb_source_memory(ctx, "t.csv", text, size);
    assert_int_equal(nb_csv_read(ctx, source, &options, &table), NB_OK);
    nb_source_close(source);
    nb_tensor *x = nb_tensor_retain(table.x);
    nb_table_free(ctx, &table);
    return x;
}

static nb_set *as_set(const char *text, size_t size)
{
    nb_source *source = nb_source_memory(ctx, "t.csv", text, size);
    nb_set *set = source ? nb_set_read_csv(ctx, source, &options) : NULL;
    nb_source_close(source);
    return set;
}

/* The set has the tensor's numbers and dtype, in the smaller way. */
static void check(const stretch *parts, int count, bool thin, size_t most)
{
    size_t size;
    char *text = table_of(parts, count, &size);
    nb_tensor *x = as_tensor(text, size);
    nb_pool_trim(ctx);
    size_t live = ctx->memory.peak = ctx->memory.live;
    nb_set *set = as_set(text, size);
    if (!set) fail_msg("%s", ctx->message);
    if (most) assert_in_range(ctx->memory.peak - live, 0, most);
    assert_int_equal(set->x->type->thin != NULL, thin);
    assert_int_equal(set->x->dtype, x->dtype);
    nb_tensor *back = nb_set_x(ctx, set, x->dtype);
    assert_int_equal(nb_tensor_count(back), nb_tensor_count(x));
    assert_memory_equal(nb_tensor_data(back), nb_tensor_data(x), nb_tensor_bytes(x));
    nb_tensor_release(ctx, back);
    nb_tensor_release(ctx, x);
    nb_set_release(ctx, set);
    free(text);
}

#define CHECK(thin, most, ...)                                                                     \
    check((const stretch[]){__VA_ARGS__},                                                          \
          (int)(sizeof((const stretch[]){__VA_ARGS__}) / sizeof(stretch)), thin, most)

static void the_smaller_way(void **state)
{
    (void)state;
    CHECK(true, 0, {2000, 5, "7"});
    CHECK(false, 0, {2000, 1, "7"});
    CHECK(false, 0, {20, 5, "7"});
    CHECK(true, 0, {2000, 0, "7"});
    /* The reader's own buffers take some 500 KB; with zeros the numbers take 9.6 MB. */
    CHECK(true, (size_t)5 << 20, {20000, 9, "0.25"});
}

/* Each wider dtype comes when blocks are full, and in the first row. */
static void dtypes(void **state)
{
    (void)state;
    CHECK(true, 0, {4000, 6, "200"}, {10, 5, "300"}, {100, 6, "9"});
    CHECK(true, 0, {4000, 6, "200"}, {10, 5, "-3"}, {10, 5, "0.5"}, {100, 6, "9"});
    CHECK(true, 0, {4000, 6, "200"}, {10, 5, "0.5"});
    CHECK(true, 0, {1, 5, "0.5"}, {4000, 6, "200"});
    CHECK(true, 0, {700, 8, "-0"}, {700, 8, "1"});
}

/* Rows are guessed by the first ones' bytes: more come. */
static void more_rows(void **state)
{
    (void)state;
    CHECK(true, 0, {60, 1, "0.123"}, {4000, 30, "4"});
    CHECK(false, 0, {60, 0, "4"}, {5000, 1, "4"}, {100, 1, "0.5"});
    CHECK(false, 0, {3000, 20, "4"}, {9000, 1, "255"}, {5, 5, "-1"});
}

/* Means stand where numbers are missing. */
static void missing(void **state)
{
    (void)state;
    CHECK(true, 0, {900, 5, "7"}, {10, 9, "?"}, {10, 5, "0.5"});
}

typedef struct bytes {
    const char *text;
    size_t size;
} bytes;

static nb_status attempt(void *self)
{
    const bytes *of = self;
    nb_set *set = as_set(of->text, of->size);
    nb_status status = set ? NB_OK : ctx->status;
    nb_set_release(ctx, set);
    return status;
}

static void memory_that_ends(void **state)
{
    (void)state;
    const stretch wide[] = {{60, 1, "0.123"}, {2000, 9, "200"}, {5, 5, "0.5"}};
    const stretch many[] = {{60, 5, "4"}, {2200, 1, "200"}, {5, 5, "-1"}};
    const stretch *const tables[] = {wide, many};
    for (int i = 0; i < 2; i++) {
        bytes of;
        char *text = table_of(tables[i], 3, &of.size);
        of.text = text;
        sweep_failing_requests(attempt, &of);
        free(text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_smaller_way), TEST(dtypes), TEST(more_rows),
                                       TEST(missing), TEST(memory_that_ends)};
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
