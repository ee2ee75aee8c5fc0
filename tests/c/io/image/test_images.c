/* Would catch: images that get another one's class or place, classes in another order, parts that
 * do not agree, files that are passed over in silence, sizes and colours that are mixed, and what a
 * failure leaves behind. */
#define _GNU_SOURCE
#include "../files.h"

#include "base/memory.h"
#include "io/image/images.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- A folder of images ---- */

static void add_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

/* A file in a folder that is made where it is not there. */
static void add(const char *name, const char *text)
{
    char folder[256];
    for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        mkdir(path_of(folder), 0700);
    }
    write_file(name, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)about;
    (void)kind;
    return at->level ? remove(path) : 0;
}

static int teardown_tree(void **state)
{
    nftw(path_of("."), remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return teardown(state);
}

static const nb_images_options plain = {.background = NB_NO_BACKGROUND};

/* All of a folder, with its pixels. */
typedef struct whole {
    nb_images of;
    nb_tensor *x, *y, *test_x, *test_y; /* y: of `of` */
} whole;

static void free_whole(whole *images)
{
    nb_tensor_release(ctx, images->x);
    nb_tensor_release(ctx, images->test_x);
    nb_images_free(ctx, &images->of);
    *images = (whole){.x = NULL};
}

static nb_status read_pixels(nb_images *of, int64_t count, nb_tensor **x)
{
    *x = nb_tensor_new(ctx, NB_U8, 4, (int64_t[]){count, of->channels, of->rows, of->columns});
    return *x ? nb_images_next(of, nb_tensor_data(*x), count) : ctx->status;
}

static nb_status read_whole(const nb_images_options *options, whole *images)
{
    *images = (whole){.x = NULL};
    nb_status status = nb_images_open(ctx, path_of("set"), options, &images->of);
    if (status) return status;
    status = read_pixels(&images->of, images->of.train + images->of.valid, &images->x);
    if (!status && images->of.test)
        status = read_pixels(&images->of, images->of.test, &images->test_x);
    images->y = images->of.y;
    images->test_y = images->of.test_y;
    if (status) free_whole(images);
    return status;
}

static whole read_with(const nb_images_options *options)
{
    whole images;
    if (read_whole(options, &images) != NB_OK) fail_msg("%s", ctx->message);
    return images;
}

static void refuse_with(const nb_images_options *options, nb_status status, const char *words)
{
    whole images;
    assert_int_equal(read_whole(options, &images), status);
    assert_failed(status, words);
    assert_null(images.of.reader);
}

static void refuse(nb_status status, const char *words)
{
    refuse_with(&plain, status, words);
}

static void check_classes(const nb_images *images, const char *names)
{
    char all[256] = "";
    for (int64_t i = 0; i < images->classes->count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", images->classes->name[i]);
    assert_string_equal(all, names);
}

/* Images of one pixel and one channel: each one's class and pixel. */
static void check_pixels(const nb_tensor *x, const nb_tensor *y, int count, const int *class,
                         const int *pixel)
{
    assert_int_equal(x->dtype, NB_U8);
    assert_int_equal(x->dims, 4);
    assert_int_equal(y->dtype, NB_I32);
    assert_int_equal(x->shape[0], count);
    assert_int_equal(nb_tensor_count(x), count);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal((int)nb_tensor_get(y, &i), class[i]);
        assert_int_equal((int)nb_tensor_get(x, (int64_t[]){i, 0, 0, 0}), pixel[i]);
    }
}

/* ---- Classes and files ---- */

static void names_in_order(void **state)
{
    (void)state;
    add("set/b/2.pgm", "P2 1 1 255 3");
    add("set/b/10.pgm", "P2 1 1 255 2");
    add("set/a/x.ppm", "P5 1 1 255 \x01");
    add("set/B/x", "P2 1 1 255 0");
    whole images = read_with(&plain);
    check_classes(&images.of, "B a b ");
    check_pixels(images.x, images.y, 4, (int[]){1, 2, 3, 3}, (int[]){0, 1, 2, 3});
    assert_false(images.of.parted);
    assert_int_equal(images.of.train, 4);
    assert_null(images.test_x);
    free_whole(&images);
}

static void numbers_in_order(void **state)
{
    (void)state;
    add("set/10/x", "P2 1 1 255 10");
    add("set/9/x", "P2 1 1 255 9");
    add("set/09/x", "P2 1 1 255 8");
    add("set/100000000000000000000000/x", "P2 1 1 255 11");
    whole images = read_with(&plain);
    check_classes(&images.of, "9 09 10 100000000000000000000000 ");
    check_pixels(images.x, images.y, 4, (int[]){1, 2, 3, 4}, (int[]){9, 8, 10, 11});
    free_whole(&images);
    add("set/9a/x", "P2 1 1 255 7"); /* not a number: the order of bytes */
    images = read_with(&plain);
    check_classes(&images.of, "09 10 100000000000000000000000 9 9a ");
    free_whole(&images);
}

static void what_is_passed_over(void **state)
{
    (void)state;
    add("set/a/x", "P2 1 1 255 1");
    add("set/a/.DS_Store", "?");
    add("set/a/Thumbs.db", "?");
    add("set/a/desktop.ini", "?");
    add("set/.git/x", "?");
    add("set/README", "about them");
    whole images = read_with(&plain);
    check_classes(&images.of, "a ");
    assert_int_equal(images.of.train, 1);
    free_whole(&images);
    add("set/a/README", "about them");
    refuse(NB_EFORMAT, "set/a/README: is no image; PNG, PGM and PPM are read");
}

static void what_is_refused(void **state)
{
    (void)state;
    refuse(NB_EIO, "set: No such file or directory");
    add_folder("set");
    refuse(NB_EARG, "set holds no folder; images lie in a folder for each class");
    add("set/x.pgm", "P2 1 1 255 1");
    refuse(NB_EARG, "set holds no folder");
    add_folder("set/a");
    refuse(NB_EARG, "set/a holds no file; a class has one image or more");
    add("set/a/b/x.pgm", "P2 1 1 255 1");
    refuse(NB_EIO, "set/a/b is a folder within the folder of a class, which holds images alone");
}

/* ---- Parts ---- */

static void parts(void **state)
{
    (void)state;
    add("set/train/10/x", "P2 1 1 255 3");
    add("set/train/9/x", "P2 1 1 255 1");
    add("set/train/9/y", "P2 1 1 255 2");
    add("set/test/10/x", "P2 1 1 255 5");
    add("set/val/9/x", "P2 1 1 255 4");
    add("set/notes.txt", "about them");
    whole images = read_with(&plain);
    check_classes(&images.of, "9 10 ");
    assert_true(images.of.parted);
    assert_int_equal(images.of.train, 3);
    assert_int_equal(images.of.valid, 1);
    check_pixels(images.x, images.y, 4, (int[]){1, 1, 2, 1}, (int[]){1, 2, 3, 4});
    check_pixels(images.test_x, images.test_y, 1, (int[]){2}, (int[]){5});
    free_whole(&images);
}

static void parts_that_do_not_agree(void **state)
{
    (void)state;
    add("set/train/1/x", "P2 1 1 255 1");
    add("set/train/2/x", "P2 1 1 255 1");
    add("set/train/10/x", "P2 1 1 255 1");
    add("set/test/1/x", "P2 1 1 255 1");
    add("set/test/10/x", "P2 1 1 255 1");
    add("set/test/2/x", "P2 1 1 255 1");
    add("set/test/zebra/x", "P2 1 1 255 1");
    refuse(NB_EARG, "set/test has the class zebra, which train does not have");
    rename(path_of("set/test/zebra"), path_of("set/other"));
    refuse(NB_EARG,
           "set has the folders train and other; beside train there may be valid and test");
    rename(path_of("set/other"), path_of("set/val"));
    refuse(NB_EARG, "set/val holds no folder");
    rename(path_of("set/test"), path_of("set/validation"));
    refuse(NB_EARG, "set has the folders val and validation, which mean the same");
}

/* Beside buses there are trains. */
static void a_class_called_train(void **state)
{
    (void)state;
    add("set/train/x", "P2 1 1 255 2");
    add("set/bus/x", "P2 1 1 255 1");
    whole images = read_with(&plain);
    check_classes(&images.of, "bus train ");
    assert_false(images.of.parted);
    free_whole(&images);
}

/* ---- Sizes and colours ---- */

static void sizes(void **state)
{
    (void)state;
    add("set/a/x", "P2 2 1 255 10 20");
    add("set/b/y", "P2 1 2 255 30 50");
    refuse(NB_ESHAPE, "set/a/x is 1x2 (rows x columns) and ");
    refuse(NB_ESHAPE, "set/b/y is 2x1; size = {1, 2} brings all to one size");
    whole images = read_with(&(nb_images_options){.rows = 1, .columns = 1, .background = -1});
    check_pixels(images.x, images.y, 2, (int[]){1, 2}, (int[]){15, 40});
    free_whole(&images);
    images = read_with(&(nb_images_options){.rows = 1, .columns = 2, .background = -1});
    static const uint8_t expected[] = {10, 20, 40, 40};
    assert_memory_equal(nb_tensor_data(images.x), expected, 4);
    free_whole(&images);
}

/* A test of another size or in colour is one too. */
static void parts_of_other_kinds(void **state)
{
    (void)state;
    add("set/train/a/x", "P2 1 1 255 10");
    add("set/test/a/x", "P3 1 1 255 1 2 3");
    whole images = read_with(&plain);
    assert_int_equal(images.x->shape[1], 3);
    assert_memory_equal(nb_tensor_data(images.x), "\x0a\x0a\x0a", 3);
    assert_memory_equal(nb_tensor_data(images.test_x), "\x01\x02\x03", 3);
    free_whole(&images);
    add("set/test/a/y", "P2 2 1 255 1 2");
    refuse(NB_ESHAPE, "set/test/a/y is 1x2; size = {1, 1}");
}

/* Planes lie one behind the other, in both ways of reading. */
static void colours(void **state)
{
    (void)state;
    add("set/a/x", "P3 2 2 255 1 2 3  4 5 6  7 8 9  10 11 12");
    add("set/a/y", "P2 2 2 255 1 2 3 4");
    static const uint8_t expected[] = {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12,
                                       1, 2, 3, 4,  1, 2, 3, 4,  1, 2, 3, 4};
    whole images = read_with(&plain);
    assert_int_equal(images.x->shape[1], 3);
    assert_memory_equal(nb_tensor_data(images.x), expected, sizeof expected);
    free_whole(&images);
    images = read_with(&(nb_images_options){.rows = 1, .columns = 2, .background = -1});
    static const uint8_t means[] = {4, 7, 5, 8, 6, 9, 2, 3, 2, 3, 2, 3};
    assert_memory_equal(nb_tensor_data(images.x), means, sizeof means);
    free_whole(&images);
    images = read_with(&(nb_images_options){.grey = true, .background = -1});
    static const uint8_t grey[] = {2, 5, 8, 11, 1, 2, 3, 4};
    assert_int_equal(images.x->shape[1], 1);
    assert_memory_equal(nb_tensor_data(images.x), grey, sizeof grey);
    free_whole(&images);
}

/* ---- Progress, Ctrl-C, memory ---- */

typedef struct told {
    int times;
    double last;
    bool falls;
} told;

static void note(void *self, const char *what, double share)
{
    told *t = self;
    assert_string_equal(what, "reading");
    t->falls |= share <= t->last;
    t->last = share;
    t->times++;
}

static void progress(void **state)
{
    (void)state;
    told t = {0};
    const nb_meter meter = {.tell = note, .self = &t};
    add("set/a/x", "P2 1 1 255 10");
    add("set/a/y", "P2 1 1 255 10");
    ctx->meter = &meter;
    whole images = read_with(&plain);
    ctx->meter = NULL;
    assert_int_equal(t.times, 4);
    assert_true(t.last == 1 && !t.falls);
    free_whole(&images);
}

/* Writes another image where all headers have been looked at. */
static void change(void *self, const char *what, double share)
{
    (void)what;
    if (share == 0.5) add("set/a/x", self);
}

static void changed_meanwhile(void **state)
{
    (void)state;
    static char taller[] = "P2 1 2 255 1 2", coloured[] = "P3 1 1 255 1 2 3", gone[] = "";
    static const struct {
        char *text;
        const char *words;
    } cases[] = {{taller, "set/a/x has changed while the folder was read"},
                 {coloured, "set/a/x has changed while the folder was read"},
                 {gone, "set/a/x: is empty"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const nb_meter meter = {.tell = change, .self = cases[i].text};
        add("set/a/x", "P2 1 1 255 10");
        ctx->meter = &meter;
        refuse(NB_EFORMAT, cases[i].words);
        ctx->meter = NULL;
    }
}

static nb_status attempt(void *options)
{
    whole images;
    nb_status status = read_whole(options, &images);
    if (!status) free_whole(&images);
    return status;
}

static void failing_and_stopped(void **state)
{
    (void)state;
    static volatile sig_atomic_t pressed = 1;
    nb_images_options small = {.rows = 1, .columns = 1, .background = NB_NO_BACKGROUND};
    add("set/train/a/x", "P2 2 1 255 10 20");
    add("set/train/b/x", "P2 1 2 255 10 20");
    add("set/valid/a/x", "P3 1 1 255 1 2 3");
    add("set/test/b/x", "P5 1 1 300 \x01\x01");
    sweep_failing_requests(attempt, &small);
    ctx->interrupt = &pressed;
    assert_int_equal(attempt(&small), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    add("set/test/b/y", "P5 1 1 300 \x02\x02");
    refuse_with(&small, NB_EFORMAT, "set/test/b/y: row 1, column 1 holds 514, and white is 300");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_in_order),
        TEST(numbers_in_order),
        TEST(what_is_passed_over),
        TEST(what_is_refused),
        TEST(parts),
        TEST(parts_that_do_not_agree),
        TEST(a_class_called_train),
        TEST(sizes),
        TEST(parts_of_other_kinds),
        TEST(colours),
        TEST(progress),
        TEST(changed_meanwhile),
        TEST(failing_and_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
