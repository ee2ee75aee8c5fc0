/* Would catch: a conversion that holds other numbers than the table, one that is taken for that of
 * another table or of other options, hostile ones that are believed, and what is left behind. */
#include "../files.h"

#include "io/csv/convert.h"
#include "io/csv/csv.h"
#include "io/source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static const char text[] = "a,b,kind\n1,2,x\n300,4,y\nNA,5.5,x\n0.25,6,w\n";
static char table_path[600], cache[600], saved[1200];

static int start(void **state)
{
    if (setup(state) != 0) return -1;
    strcpy(table_path, write_file("t.csv", text, sizeof text - 1));
    strcpy(cache, path_of("nabla"));
    return setenv("XDG_CACHE_HOME", path_of("."), 1);
}

/* Files in the cache; the last one's path goes to `saved`. */
static int count_saved(bool removing)
{
    int count = 0;
    DIR *dir = opendir(cache);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' && strncmp(entry->d_name, ".nabla-", 7) != 0) continue;
        snprintf(saved, sizeof saved, "%s/%s", cache, entry->d_name);
        if (removing) remove(saved);
        count++;
    }
    if (dir) closedir(dir);
    return count;
}

static int end(void **state)
{
    count_saved(true);
    return teardown(state);
}

static nb_csv_options options(void)
{
    static const nb_csv_column kind = {.name = "kind"};
    return (nb_csv_options){
        .header = -1, .dtype = NB_F32, .y = &kind, .y_count = 1, .missing = NB_MISSING_MEAN};
}

/* Converts, and compares with what is read into memory. */
static nb_status convert(const nb_csv_options *o)
{
    nb_table held = {.x = NULL}, table = {.x = NULL};
    nb_row_file *x;
    nb_status status = nb_csv_convert(ctx, table_path, o, &table, &x);
    if (status != NB_OK) return status;
    nb_source *source = nb_source_open(ctx, table_path);
    status = source ? nb_csv_read(ctx, source, o, &held) : ctx->status;
    size_t bytes = x->row_bytes * (size_t)x->rows;
    char *rows = malloc(bytes);
    if (status == NB_OK) {
        assert_int_equal(nb_row_file_read(x, 0, (size_t)x->rows, rows), NB_ROW_READ);
        assert_int_equal(x->of.dtype, held.x->dtype);
        assert_int_equal(x->rows, held.x->shape[0]);
        assert_memory_equal(rows, nb_tensor_data(held.x), bytes);
        assert_null(table.x);
        assert_int_equal(table.y == NULL, held.y == NULL);
        if (held.y)
            assert_memory_equal(nb_tensor_data(table.y), nb_tensor_data(held.y),
                                4 * (size_t)held.y->shape[0]);
        assert_string_equal(table.columns->name[0], held.columns->name[0]);
        if (held.classes) assert_string_equal(table.classes->name[0], held.classes->name[0]);
    }
    free(rows);
    nb_source_close(source);
    nb_row_file_close(x);
    nb_table_free(ctx, &table);
    nb_table_free(ctx, &held);
    return status;
}

static void the_same_as_in_memory(void **state)
{
    (void)state;
    nb_csv_options o = options();
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 1);
    o.missing = NB_MISSING_DROP; /* other options: a file beside it */
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 2);
    o.x = (const nb_csv_column[]){{.name = "b"}};
    o.x_count = 1;
    o.y_count = 0;
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 3);
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 3);
}

/* The one that is there is used, not made anew; one of another content is removed. */
static void made_once(void **state)
{
    (void)state;
    struct stat first, second;
    nb_csv_options o = options();
    assert_int_equal(convert(&o), NB_OK);
    count_saved(false);
    stat(saved, &first);
    assert_int_equal(convert(&o), NB_OK);
    stat(saved, &second);
    assert_int_equal(first.st_ino, second.st_ino);
    write_file("t.csv", "a,b,kind\n7,8,z\n", 15);
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 1);
    assert_int_equal(utime(table_path, &(struct utimbuf){1000, 1000}), 0);
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 1);
}

static void a_table_that_is_none(void **state)
{
    (void)state;
    nb_table table = {.x = NULL};
    nb_row_file *x;
    nb_csv_options o = options();
    write_file("t.csv", "a,b,kind\n7,8,z\n7,e,z\n", 21);
    assert_int_equal(nb_csv_convert(ctx, table_path, &o, &table, &x), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "row 2 (line 3), column 2 (b): 'e' is no number");
    assert_int_equal(count_saved(false), 0);
    assert_int_equal(nb_csv_convert(ctx, path_of("none"), &o, &table, &x), NB_EIO);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "", 1);
    assert_int_equal(nb_csv_convert(ctx, table_path, &o, &table, &x), NB_EIO);
    assert_failed(NB_EIO, "neither XDG_CACHE_HOME nor HOME");
    setenv("XDG_CACHE_HOME", table_path, 1);
    assert_int_equal(nb_csv_convert(ctx, table_path, &o, &table, &x), NB_EIO);
    assert_failed(NB_EIO, "for what is converted: ");
}

/* Whatever stands in the cache, what comes is the table. `upto`: x's own bytes are not looked at.
 */
static void hostile_files(void **state)
{
    (void)state;
    size_t size;
    nb_csv_options o = options();
    assert_int_equal(convert(&o), NB_OK);
    count_saved(false);
    uint8_t *good = read_file(saved, &size);
    size_t head = size - 4 * 2 * sizeof(float);
    const char *name = strrchr(saved, '/') + 1;
    char path[1300];
    snprintf(path, sizeof path, "nabla/%s", name);
    for (size_t at = 0; at < head; at++) {
        for (int value = 0; value < 256; value += at < 96 ? 51 : 255) {
            uint8_t *changed = malloc(size);
            memcpy(changed, good, size);
            changed[at] = (uint8_t)value;
            write_file(path, changed, size);
            assert_int_equal(convert(&o), NB_OK);
            free(changed);
        }
    }
    for (size_t n = 0; n < size; n += 7) {
        write_file(path, good, n);
        assert_int_equal(convert(&o), NB_OK);
        assert_file(path_of(path), good, size);
    }
    remove(path_of(path));
    assert_int_equal(symlink(write_file("other", good, size), path_of(path)), 0);
    assert_int_equal(convert(&o), NB_OK);
    assert_int_equal(count_saved(false), 1);
    free(good);
}

static nb_status attempt(void *arg)
{
    count_saved(true);
    nb_status status = convert(arg);
    assert_in_range(count_saved(false), 0, 1); /* no temporary is left */
    if (status != NB_OK && count_saved(false) == 1) assert_null(strstr(saved, ".nabla-"));
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    nb_csv_options o = options();
    sweep_failing_requests(attempt, &o);
}

static void interrupted(void **state)
{
    (void)state;
    static volatile sig_atomic_t stop = 1;
    nb_table table = {.x = NULL};
    nb_row_file *x;
    nb_csv_options o = options();
    ctx->interrupt = &stop;
    assert_int_equal(nb_csv_convert(ctx, table_path, &o, &table, &x), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(count_saved(false), 0);
    assert_int_equal(convert(&o), NB_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_as_in_memory), TEST(made_once),   TEST(a_table_that_is_none),
        TEST(hostile_files),         TEST(interrupted), TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
