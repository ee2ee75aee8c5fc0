/* Would catch: a file that other programs cannot read, numbers that come back changed, and a save
 * that costs the old file. What is refused is in test_safetensors_hostile.c. */
#include "files.h"

#include "io/safetensors.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static nb_status load(const hand_made *file, nb_archive *archive)
{
    *archive = (nb_archive){0};
    return nb_safetensors_load(ctx, write_file("f.safetensors", file->data, file->size), archive);
}

static void save(const nb_archive *archive)
{
    if (nb_safetensors_save(ctx, path_of("f.safetensors"), archive)) fail_msg("%s", ctx->message);
}

static void add_new(nb_archive *archive, const char *name, nb_tensor *tensor)
{
    assert_non_null(tensor);
    assert_int_equal(nb_archive_add(ctx, archive, name, tensor), NB_OK);
    nb_tensor_release(ctx, tensor);
}

static nb_tensor *vector(nb_dtype dtype, int64_t n, const double *values)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, 1, &n);
    assert_non_null(tensor);
    for (int64_t i = 0; i < n; i++) nb_tensor_set(tensor, &i, values[i]);
    return tensor;
}

/* --- The format, byte by byte --- */

/* From the public definition: u64 length, JSON, data; little-endian, packed, offsets from the
 * data's begin. Blanks, another order of fields, entries not in the data's order, an escape, and
 * padding. */
static void a_file_written_by_hand(void **state)
{
    (void)state;
    const char header[] =
        "{ \"b\" :\t{\"data_offsets\":[8,11],\"shape\":[1,3],\"dtype\":\"U8\"},\r\n"
        "\"__metadata__\":{\"made by\":\"h\\u00e4nd\"},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"c\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[11,19]},"
        "\"d\":{\"dtype\":\"I32\",\"shape\":[0,7],\"data_offsets\":[19,19]},"
        "\"e\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[19,23]}}   \n";
    const uint8_t data[] = {0,    0,    0x20, 0xc0, 0,    0,    0x80, 0x3f, 1,    2,    255, 0x9a,
                            0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f, 0xfe, 0xff, 0xff, 0xff};
    hand_made file = file_of(header, data, sizeof data);
    nb_archive archive;
    if (load(&file, &archive)) fail_msg("%s", ctx->message);
    assert_int_equal(archive.count, 5);
    assert_string_equal(archive.entry[0].name, "b"); /* the header's order */
    assert_string_equal(nb_archive_meta(&archive, "made by"), "h\xc3\xa4nd");
    const nb_tensor *a = nb_archive_find(&archive, "a"), *b = nb_archive_find(&archive, "b");
    assert_int_equal(a->dtype, NB_F32);
    assert_true(nb_tensor_get(a, (int64_t[]){0}) == -2.5);
    assert_true(nb_tensor_get(a, (int64_t[]){1}) == 1);
    assert_int_equal(b->dims, 2);
    assert_true(nb_tensor_get(b, (int64_t[]){0, 2}) == 255);
    assert_int_equal(nb_archive_find(&archive, "c")->dims, 0);
    assert_true(nb_tensor_item(nb_archive_find(&archive, "c")) == 0.1);
    assert_int_equal(nb_archive_find(&archive, "d")->shape[1], 7);
    assert_true(nb_tensor_item(nb_archive_find(&archive, "e")) == -2);
    nb_archive_free(ctx, &archive);
}

/* What we write, derived by hand: the header is padded with blanks to 120 = 2 * 64 - 8 bytes. */
static void a_file_written_by_us(void **state)
{
    (void)state;
    nb_archive archive = {0};
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "k", "v\""), NB_OK);
    add_new(&archive, "w", vector(NB_F32, 2, (double[]){-2.5, 1}));
    add_new(&archive, "n", nb_tensor_scalar(ctx, NB_I32, -2));
    save(&archive);
    nb_archive_free(ctx, &archive);
    const char json[] = "{\"__metadata__\":{\"k\":\"v\\\"\"},"
                        "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                        "\"n\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[8,12]}}";
    const uint8_t data[] = {0, 0, 0x20, 0xc0, 0, 0, 0x80, 0x3f, 0xfe, 0xff, 0xff, 0xff};
    char header[185];
    snprintf(header, sizeof header, "%-184s", json);
    hand_made file = file_of(header, data, sizeof data);
    assert_file(path_of("f.safetensors"), file.data, file.size);
}

static void a_file_of_nothing(void **state)
{
    (void)state;
    nb_archive archive = {0};
    save(&archive);
    char header[57];
    snprintf(header, sizeof header, "%-56s", "{}");
    hand_made file = file_of(header, NULL, 0);
    assert_file(path_of("f.safetensors"), file.data, file.size);
    assert_int_equal(load(&file, &archive), NB_OK);
    assert_int_equal(archive.count, 0);
    assert_int_equal(nb_archive_add_meta(ctx, &archive, "only", "texts"), NB_OK);
    save(&archive);
    nb_archive_free(ctx, &archive);
    snprintf(header, sizeof header, "%-56s", "{\"__metadata__\":{\"only\":\"texts\"}}");
    file = file_of(header, NULL, 0);
    assert_file(path_of("f.safetensors"), file.data, file.size);
}

/* --- Round trips --- */

static void assert_same_tensor(const nb_tensor *a, const nb_tensor *b)
{
    assert_non_null(a);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(nb_tensor_same_shape(a, b));
    nb_tensor *x = nb_tensor_clone(ctx, a), *y = nb_tensor_clone(ctx, b);
    size_t size = (size_t)nb_tensor_count(a) * nb_dtype_size(a->dtype);
    if (size) assert_memory_equal(nb_tensor_data(x), nb_tensor_data(y), size);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

/* Saves, loads, compares everything, frees. */
static void check_round_trip(nb_archive *archive)
{
    nb_archive back = {0};
    save(archive);
    if (nb_safetensors_load(ctx, path_of("f.safetensors"), &back)) fail_msg("%s", ctx->message);
    assert_int_equal(back.count, archive->count);
    assert_int_equal(back.meta_count, archive->meta_count);
    for (size_t i = 0; i < back.count; i++) {
        assert_string_equal(back.entry[i].name, archive->entry[i].name);
        assert_same_tensor(back.entry[i].tensor, archive->entry[i].tensor);
    }
    for (size_t i = 0; i < back.meta_count; i++) {
        assert_string_equal(back.meta[i].key, archive->meta[i].key);
        assert_string_equal(back.meta[i].value, archive->meta[i].value);
    }
    nb_archive_free(ctx, &back);
    nb_archive_free(ctx, archive);
}

static void every_dtype_comes_back(void **state)
{
    (void)state;
    nb_archive archive = {0};
    add_new(&archive, "u8",
            vector(NB_U8, 3, (double[]){0, 7, 255})); /* what follows is unaligned */
    add_new(&archive, "f32", vector(NB_F32, 4, (double[]){-0.0, INFINITY, NAN, 1e-40}));
    add_new(&archive, "f64", vector(NB_F64, 4, (double[]){-0.0, -INFINITY, NAN, 5e-324}));
    add_new(&archive, "i32", vector(NB_I32, 3, (double[]){-2147483648.0, 0, 2147483647}));
    check_round_trip(&archive);
}

static void every_rank_comes_back(void **state)
{
    (void)state;
    nb_archive archive = {0};
    const int64_t ones[NB_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1}, none[3] = {2, 0, 3};
    add_new(&archive, "scalar", nb_tensor_scalar(ctx, NB_F64, 3.25));
    add_new(&archive, "empty", nb_tensor_zeros(ctx, NB_F32, 3, none));
    add_new(&archive, "deep", nb_tensor_zeros(ctx, NB_U8, NB_MAX_DIMS, ones));
    add_new(&archive, "empty too", nb_tensor_zeros(ctx, NB_I32, 1, none + 1));
    check_round_trip(&archive);
}

/* A view is saved as its elements, not as the storage below it. */
static void views_come_back_packed(void **state)
{
    (void)state;
    nb_archive archive = {0};
    nb_tensor *line = vector(NB_F32, 6, (double[]){0, 1, 2, 3, 4, 5});
    nb_tensor *matrix = nb_tensor_reshape(ctx, line, 2, (int64_t[]){2, 3});
    add_new(&archive, "transposed", nb_tensor_transpose(ctx, matrix));
    add_new(&archive, "every second", nb_tensor_narrow(ctx, line, 0, 1, 3, 2));
    add_new(&archive, "backwards", nb_tensor_narrow(ctx, line, 0, 5, 6, -1));
    add_new(&archive, "expanded", nb_tensor_expand(ctx, line, 2, (int64_t[]){4, 6}));
    add_new(&archive, "row", nb_tensor_select(ctx, matrix, 0, 1));
    nb_tensor_release(ctx, line);
    nb_tensor_release(ctx, matrix);
    nb_tensor *t = nb_archive_find(&archive, "transposed");
    assert_true(nb_tensor_get(t, (int64_t[]){0, 1}) == 3);
    check_round_trip(&archive);
}

static void names_of_any_characters(void **state)
{
    (void)state;
    const char *names[] = {"",     "\"quoted\"",     "back\\slash\\",    "\x01\x1f\n\t\r\b\f\x7f",
                           "w'/.", "\xe2\x88\x87 w", "\xf0\x9f\x98\x80", "{\"dtype\":[1,2],}"};
    nb_archive archive = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        add_new(&archive, names[i], nb_tensor_scalar(ctx, NB_F32, (double)i));
        assert_int_equal(nb_archive_add_meta(ctx, &archive, names[i], names[i]), NB_OK);
    }
    check_round_trip(&archive);
}

static void many_tensors(void **state)
{
    (void)state;
    nb_archive archive = {0};
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "layer.%d.w", i);
        add_new(&archive, name, nb_tensor_scalar(ctx, i % 2 ? NB_F32 : NB_U8, i % 200));
    }
    check_round_trip(&archive);
}

/* --- The world around --- */

static void what_cannot_be_opened(void **state)
{
    (void)state;
    nb_archive archive = {0};
    assert_int_equal(nb_safetensors_load(ctx, path_of("missing"), &archive), NB_EIO);
    assert_failed(NB_EIO, "No such file");
    assert_int_equal(nb_safetensors_load(ctx, path_of("."), &archive), NB_EIO);
    assert_failed(NB_EIO, "is a directory");
    assert_int_equal(nb_safetensors_load(ctx, "/dev/null", &archive), NB_EIO);
    assert_failed(NB_EIO, "is not a regular file");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(nb_safetensors_load(ctx, path_of("fifo"), &archive), NB_EIO);
    assert_int_equal(nb_safetensors_save(ctx, path_of("missing/f"), &archive), NB_EIO);
    assert_failed(NB_EIO, "No such file");
    assert_int_equal(nb_safetensors_save(ctx, path_of("."), &archive), NB_EIO);
    assert_failed(NB_EIO, "Is a directory");
}

/* The offsets would wrap: refused before anything is opened. Expanded numbers cost no memory. */
static void more_than_a_file_can_hold(void **state)
{
    (void)state;
    enum { COPIES = 1 << 13 }; /* times 2^48 elements of 8 bytes: 2^64 bytes */
    nb_archive archive = {0};
    nb_tensor *number = nb_tensor_scalar(ctx, NB_F64, 1);
    nb_tensor *huge = nb_tensor_expand(ctx, number, 1, (int64_t[]){NB_MAX_ELEMENTS});
    assert_non_null(huge);
    for (int i = 0; i < COPIES; i++) {
        assert_int_equal(nb_archive_push(ctx, &archive, "w", huge), NB_OK);
    }
    assert_int_equal(nb_safetensors_save(ctx, path_of("f"), &archive), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "the tensors have more bytes than a file can hold");
    assert_int_equal(folder_count(), 0);
    nb_archive_free(ctx, &archive);
    nb_tensor_release(ctx, huge);
    nb_tensor_release(ctx, number);
}

/* What we write we must be able to read. /dev/null takes the header that just fits. */
static void a_header_beyond_the_limit_is_not_written(void **state)
{
    (void)state;
    const size_t around = strlen("{\"__metadata__\":{\"k\":\"\"}}");
    const size_t most = NB_ST_HEADER_MAX / 64 * 64 + 56 - 64 - around; /* padded: 8 below a 64 */
    char *text = malloc(most + 2);
    assert_non_null(text);
    for (size_t more = 0; more < 2; more++) {
        nb_archive archive = {0};
        memset(text, 'x', most + more);
        text[most + more] = '\0';
        assert_int_equal(nb_archive_push_meta(ctx, &archive, "k", text), NB_OK);
        assert_int_equal(nb_safetensors_save(ctx, "/dev/null", &archive), more ? NB_EARG : NB_OK);
        if (more)
            assert_failed(NB_EARG, "names and texts come to a header of 100000056 bytes; at most");
        nb_archive_free(ctx, &archive);
    }
    free(text);
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk(void **state)
{
    (void)state;
    struct rlimit old, tiny;
    nb_archive archive = {0};
    add_new(&archive, "w", nb_tensor_zeros(ctx, NB_F64, 1, (int64_t[]){1000}));
    const char *path = write_file("f", "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny = old;
    tiny.rlim_cur = 1000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    nb_status status = nb_safetensors_save(ctx, path, &archive);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, NB_EIO);
    assert_failed(NB_EIO, "; the old file is as it was");
    assert_file(path, "old", 3);
    assert_int_equal(folder_count(), 1);
    nb_archive_free(ctx, &archive);
}

static nb_status load_it(void *path)
{
    nb_archive archive = {0};
    nb_status status = nb_safetensors_load(ctx, path, &archive);
    if (status) assert_int_equal(archive.count + archive.meta_count, 0);
    nb_archive_free(ctx, &archive);
    return status;
}

static nb_status save_it(void *archive)
{
    nb_status status = nb_safetensors_save(ctx, path_of("f"), archive);
    assert_int_equal(folder_count(), 1);
    if (status) assert_file(path_of("f"), "old", 3);
    if (!status) write_file("f", "old", 3);
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    nb_archive archive = {0};
    char name[] = "a", path[600];
    for (; name[0] < 'l'; name[0]++) { /* more than there is room for at first */
        assert_int_equal(nb_archive_add_meta(ctx, &archive, name, "text"), NB_OK);
        add_new(&archive, name, nb_tensor_scalar(ctx, NB_F32, 1));
    }
    nb_tensor *line = vector(NB_F32, 3, (double[]){1, 2, 3});
    add_new(&archive, "view", nb_tensor_narrow(ctx, line, 0, 2, 3, -1));
    nb_tensor_release(ctx, line);
    write_file("f", "old", 3);
    sweep_failing_requests(save_it, &archive);
    assert_int_equal(nb_safetensors_save(ctx, path_of("f"), &archive), NB_OK);
    nb_archive_free(ctx, &archive);
    strcpy(path, path_of("f"));
    sweep_failing_requests(load_it, path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_written_by_hand),
        TEST(a_file_written_by_us),
        TEST(a_file_of_nothing),
        TEST(every_dtype_comes_back),
        TEST(every_rank_comes_back),
        TEST(views_come_back_packed),
        TEST(names_of_any_characters),
        TEST(many_tensors),
        TEST(what_cannot_be_opened),
        TEST(more_than_a_file_can_hold),
        TEST(a_header_beyond_the_limit_is_not_written),
        TEST(a_full_disk),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
