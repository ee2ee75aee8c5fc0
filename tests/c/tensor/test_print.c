/* Tensors as text: layout, the one number format, and the bounds of what is shown. */
#include "tensor/print.h"

#include "../support.h"
#include "base/random.h"
#include "base/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

/* The text of a tensor, which it releases; freed with nb_text_free. */
static nb_text print_all(nb_tensor *tensor, bool all)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_tensor_print(&text, tensor, all);
    nb_tensor_release(ctx, tensor);
    assert_false(text.failed);
    return text;
}

static void assert_prints(nb_tensor *tensor, const char *expected)
{
    nb_text text = print_all(tensor, false);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
}

/* 1, 2, 3, … */
static nb_tensor *counting(nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, dims, shape);
    assert_non_null(tensor);
    int64_t count = nb_tensor_count(tensor);
    nb_tensor *flat = nb_tensor_reshape(ctx, tensor, 1, &count);
    for (int64_t i = 0; i < count; i++) nb_tensor_set(flat, &i, (double)(i + 1));
    nb_tensor_release(ctx, flat);
    return tensor;
}

static void test_numbers(void **state)
{
    (void)state;
    assert_prints(nb_tensor_scalar(ctx, NB_F32, 3), "3");
    assert_prints(nb_tensor_scalar(ctx, NB_F32, 0.1), "0.1");
    assert_prints(nb_tensor_scalar(ctx, NB_F64, 0.1), "0.1");
    assert_prints(nb_tensor_scalar(ctx, NB_F64, -2.5), "-2.5");
    assert_prints(nb_tensor_scalar(ctx, NB_F32, NAN), "nan");
    assert_prints(nb_tensor_scalar(ctx, NB_F32, -INFINITY), "-inf");
    assert_prints(nb_tensor_scalar(ctx, NB_U8, 255), "255");
}

static void test_whole_numbers(void **state)
{
    (void)state;
    assert_prints(counting(NB_F32, SHAPE(2, 3)), "2x3 f32\n  1  2  3\n  4  5  6");
    assert_prints(tensor_of(NB_I32, SHAPE(3), VALUES(-5, 0, 2147483647)),
                  "3 i32\n          -5           0  2147483647");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(9999999999, 1)),
                  "2 f64\n  9999999999           1");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(1e10, 1)), "2 f64\n  1e+10  1e+00");
    assert_prints(tensor_of(NB_F32, SHAPE(2), VALUES(0, -0.0)), "2 f32\n   0  -0");
    assert_prints(tensor_of(NB_F32, SHAPE(2), VALUES(-0.0, 0.5)), "2 f32\n  -0.0   0.5");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(-0.0, 1e-9)), "2 f64\n     -0  1e-09");
}

static void test_fixed(void **state)
{
    (void)state;
    assert_prints(tensor_of(NB_F32, SHAPE(2, 2), VALUES(0.5, -12, 0, 3)),
                  "2x2 f32\n    0.5  -12.0\n    0.0    3.0");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(1.0 / 3, 100)), "2 f64\n    0.3333  100.0000");
    /* Not whole, however near: a 1 without decimals would be a lie. */
    assert_prints(tensor_of(NB_F32, SHAPE(2), VALUES(1.00001, 2)), "2 f32\n  1.0000  2.0000");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(999999.5, 1)), "2 f64\n  999999.5       1.0");
}

static void test_scientific(void **state)
{
    (void)state;
    assert_prints(tensor_of(NB_F32, SHAPE(3), VALUES(2e-5, 1, 0)), "3 f32\n  2e-05  1e+00      0");
    assert_prints(tensor_of(NB_F64, SHAPE(2), VALUES(1000000.5, -1)),
                  "2 f64\n   1.0000e+06  -1.0000e+00");
    assert_prints(tensor_of(NB_F64, SHAPE(1), VALUES(-1.23456e-300)), "1 f64\n  -1.2346e-300");
    assert_prints(tensor_of(NB_F64, SHAPE(1), VALUES(5e-324)), "1 f64\n  5e-324");
    /* Both sides of where four decimals still show something. */
    assert_prints(tensor_of(NB_F64, SHAPE(1), VALUES(5.1e-5)), "1 f64\n  0.0001");
    assert_prints(tensor_of(NB_F64, SHAPE(1), VALUES(5e-5)), "1 f64\n  5e-05");
}

static void test_nan_and_inf(void **state)
{
    (void)state;
    assert_prints(tensor_of(NB_F32, SHAPE(2, 3), VALUES(1, NAN, 2.5, INFINITY, -INFINITY, 3)),
                  "2x3 f32\n   1.0   nan   2.5\n   inf  -inf   3.0");
    assert_prints(tensor_of(NB_F32, SHAPE(2), VALUES(NAN, NAN)), "2 f32\n  nan  nan");
}

static void test_empty(void **state)
{
    (void)state;
    assert_prints(nb_tensor_zeros(ctx, NB_F32, SHAPE(0, 3)), "0x3 f32 (empty)");
    assert_prints(nb_tensor_zeros(ctx, NB_U8, SHAPE(0)), "0 u8 (empty)");
}

static void test_slices(void **state)
{
    (void)state;
    assert_prints(counting(NB_U8, SHAPE(2, 1, 2)),
                  "2x1x2 u8\n[1, :, :]\n  1  2\n[2, :, :]\n  3  4");
    assert_prints(counting(NB_U8, SHAPE(1, 2, 1, 1)),
                  "1x2x1x1 u8\n[1, 1, :, :]\n  1\n[1, 2, :, :]\n  2");
}

/* A view is printed by its own shape and strides. */
static void test_view(void **state)
{
    (void)state;
    nb_tensor *base = counting(NB_F32, SHAPE(2, 3));
    nb_tensor *view = nb_tensor_transpose(ctx, base);
    nb_tensor_release(ctx, base);
    assert_prints(view, "3x2 f32\n  1  4\n  2  5\n  3  6");
}

/* Long rows: vectors wrap under the index of their first element, matrices are cut into blocks. */
static void test_long_rows(void **state)
{
    (void)state;
    nb_text text = print_all(counting(NB_F32, SHAPE(30)), false);
    const char *wrapped = strstr(nb_text_get(&text), "\n  [19]  19");
    assert_non_null(wrapped);
    assert_non_null(strstr(nb_text_get(&text), "\n  [ 1]   1   2"));
    nb_text_free(&text);
    text = print_all(counting(NB_F32, SHAPE(2, 30)), false);
    assert_non_null(strstr(nb_text_get(&text), "\n[:, 1..20]\n   1   2"));
    assert_non_null(strstr(nb_text_get(&text), "\n[:, 21..30]\n  21  22"));
    nb_text_free(&text);
    text = print_all(counting(NB_F32, SHAPE(2, 1, 30)), false);
    assert_non_null(strstr(nb_text_get(&text), "\n[2, :, 21..30]\n  51  52"));
    nb_text_free(&text);
}

/* NB_PRINT_WHOLE elements are shown whole, one more is not. */
static void test_cut(void **state)
{
    (void)state;
    nb_text text = print_all(counting(NB_F32, SHAPE(NB_PRINT_WHOLE)), false);
    assert_null(strstr(nb_text_get(&text), "…"));
    assert_non_null(strstr(nb_text_get(&text), " 500 "));
    nb_text_free(&text);
    assert_prints(counting(NB_F32, SHAPE(NB_PRINT_WHOLE + 1)),
                  "1001 f32\n     1     2     3  …   999  1000  1001");
    assert_prints(counting(NB_F32, SHAPE(200, 7)), "200x7 f32\n"
                                                   "     1     2     3  …     5     6     7\n"
                                                   "     8     9    10  …    12    13    14\n"
                                                   "    15    16    17  …    19    20    21\n"
                                                   "     …\n"
                                                   "  1380  1381  1382  …  1384  1385  1386\n"
                                                   "  1387  1388  1389  …  1391  1392  1393\n"
                                                   "  1394  1395  1396  …  1398  1399  1400");
}

/* A dimension of twice the edge is shown whole also where others are cut. */
static void test_cut_keeps_short_dimensions(void **state)
{
    (void)state;
    nb_text text = print_all(counting(NB_F32, SHAPE(7, 600, 6)), false);
    const char *got = nb_text_get(&text);
    assert_non_null(strstr(got, "\n[1, :, :]\n      1      2      3      4      5      6\n"));
    assert_non_null(strstr(got, "\n[3, :, :]"));
    assert_null(strstr(got, "[4, :, :]"));
    assert_non_null(strstr(got, "\n…\n[5, :, :]"));
    assert_non_null(strstr(got, "\n[7, :, :]"));
    nb_text_free(&text);
}

/* The widest line of a text, in characters. */
static int widest_line(const char *text)
{
    int widest = 0, width = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + ((unsigned char)(*text & 0xC0) != 0x80);
        if (width > widest) widest = width;
    }
    return widest;
}

/* Catches a row that the window breaks: of vectors and matrices, whole and with their ends only, of
 * whole numbers and of those that take an exponent. */
static void test_window(void **state)
{
    (void)state;
    static const int windows[] = {32, 33, 47, 79, 80, 81, 132, 250};
    static const int64_t shapes[][2] = {{1, 1}, {3, 60}, {40, 40}, {2, 600}, {1, 5000}};
    static const double factors[] = {1, 1e-9};
    static const int64_t flat[] = {-1};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (size_t f = 0; f < 2; f++)
                for (int dims = 1; dims <= 2; dims++) {
                    ctx->columns = windows[w];
                    nb_tensor *whole = counting(NB_F64, SHAPE(shapes[s][0], shapes[s][1]));
                    nb_tensor *scaled = nb_tensor_convert(ctx, whole, NB_F32, -factors[f]);
                    nb_tensor *shaped =
                        nb_tensor_reshape(ctx, scaled, dims, dims == 1 ? flat : shapes[s]);
                    nb_tensor_release(ctx, whole);
                    nb_tensor_release(ctx, scaled);
                    nb_text text = print_all(shaped, false);
                    if (!(widest_line(nb_text_get(&text)) <= windows[w]))
                        fail_msg("wider than %d:\n%s", windows[w], nb_text_get(&text));
                    nb_text_free(&text);
                }
}

static void test_all(void **state)
{
    (void)state;
    nb_text text = print_all(counting(NB_F64, SHAPE(100, 100)), true);
    assert_null(strstr(nb_text_get(&text), "…"));
    assert_non_null(strstr(nb_text_get(&text), " 5050 "));
    assert_true(text.length > NB_PRINT_BYTES);
    nb_text_free(&text);
}

/* One number of `shape`, seen everywhere: as many elements as a tensor may have, without the
 * memory. */
static nb_tensor *everywhere(double value, int dims, const int64_t *shape)
{
    nb_tensor *one = nb_tensor_scalar(ctx, NB_F64, value);
    nb_tensor *tensor = nb_tensor_expand(ctx, one, dims, shape);
    assert_non_null(tensor);
    nb_tensor_release(ctx, one);
    return tensor;
}

/* The widest number there is, in shapes that have the longest labels and the most of them. */
static void test_bytes_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int dims;
        int64_t shape[NB_MAX_DIMS];
    } shapes[] = {
        {1, {1000}},
        {1, {(int64_t)1 << 48}},
        {2, {1, 1000}},
        {2, {1000, 1}},
        {2, {1 << 24, 1 << 24}},
        {8, {1, 1, 1, 1, 1, 1, 1, 1000}},
        {8, {1000, 1, 1, 1, 1, 1, 1, 1}},
        {8, {1, 1, 1, 1, 1, 1000, 1, 1}},
        {8, {64, 64, 64, 64, 64, 64, 64, 64}},
        {8, {64, 64, 64, 64, 64, 64, 1, 1}},
        {8, {(int64_t)1 << 40, 1, 1, 1, 1, 1, 1, 256}},
        {8, {7, 7, 7, 7, 7, 7, 7, 7}},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        nb_text text = print_all(everywhere(-1.23456e-300, shapes[i].dims, shapes[i].shape), false);
        assert_true(text.length <= NB_PRINT_BYTES);
        assert_true(text.length > 20);
        nb_text_free(&text);
    }
}

/* The text ends at the last line that fits, and says that it does. */
static void test_bytes_cut_says_so(void **state)
{
    (void)state;
    nb_text text = print_all(everywhere(-1.23456e-300, SHAPE(1, 1, 1, 1, 1, 1000, 1, 1)), false);
    assert_string_equal(nb_text_get(&text) + text.length - strlen("\n…"), "\n…");
    nb_text_free(&text);
}

/* Every number of a line, read back: none that is not 0 may show as 0, and all rows are equally
 * long. */
static void check_lines(const nb_text *text, const nb_tensor *tensor)
{
    int64_t index = 0;
    size_t length = 0;
    char *at = strchr(text->data, '\n');
    for (char *line = at; line; line = at) {
        at = strchr(line + 1, '\n');
        size_t now = at ? (size_t)(at - line) : strlen(line);
        if (length) assert_int_equal(now, length);
        length = now;
        for (char *end = line;;) {
            double read = strtod(line = end, &end);
            if (end == line || (at && end > at)) break;
            double value = nb_tensor_get(tensor, (int64_t[]){index / 4, index % 4});
            assert_true((read == 0) == (value == 0));
            assert_true(fabs(read - value) <= 0.5e-4 * fmax(1, fabs(value)));
            index++;
        }
    }
    assert_int_equal(index, 16);
}

static void test_random_magnitudes(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 500; round++) {
        double values[16], spread = (double)nb_random_below(&stream, 40);
        for (int i = 0; i < 16; i++) {
            double power = spread * (2 * nb_random_unit(&stream) - 1);
            values[i] =
                nb_random_below(&stream, 8) ? nb_random_normal(&stream) * pow(10, power) : 0;
        }
        nb_dtype dtype = round % 2 ? NB_F32 : NB_F64;
        nb_tensor *tensor = tensor_of(dtype, SHAPE(4, 4), values);
        nb_text text = print_all(nb_tensor_retain(tensor), false);
        check_lines(&text, tensor);
        nb_text_free(&text);
        nb_tensor_release(ctx, tensor);
    }
}

/* A host that speaks German must not turn 0.5 into 0,5. */
static void test_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "de_DE")) skip();
    nb_text fixed = print_all(tensor_of(NB_F32, SHAPE(1), VALUES(0.5)), false);
    nb_text scientific = print_all(tensor_of(NB_F32, SHAPE(1), VALUES(2.5e-9)), false);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(nb_text_get(&fixed), "1 f32\n  0.5");
    assert_string_equal(nb_text_get(&scientific), "1 f32\n  2.5e-09");
    nb_text_free(&fixed);
    nb_text_free(&scientific);
}

/* Ctrl-C ends the print of everything. */
static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_tensor *tensor = counting(NB_F32, SHAPE(10, 10));
    nb_text text;
    nb_text_init(&text, ctx);
    ctx->interrupt = &pressed;
    nb_tensor_print(&text, tensor, true);
    ctx->interrupt = NULL;
    assert_true(text.failed);
    assert_int_equal(ctx->status, NB_EINTERRUPT);
    nb_text_free(&text);
    nb_tensor_release(ctx, tensor);
}

static nb_status print_once(void *tensor)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_tensor_print(&text, tensor, false);
    nb_status status = text.failed ? ctx->status : NB_OK;
    nb_text_free(&text);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_tensor *tensor = counting(NB_F32, SHAPE(20, 20));
    sweep(print_once, tensor);
    nb_tensor_release(ctx, tensor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers),
        TEST(whole_numbers),
        TEST(fixed),
        TEST(scientific),
        TEST(nan_and_inf),
        TEST(empty),
        TEST(slices),
        TEST(view),
        TEST(long_rows),
        TEST(cut),
        TEST(cut_keeps_short_dimensions),
        TEST(window),
        TEST(all),
        TEST(bytes_are_bounded),
        TEST(bytes_cut_says_so),
        TEST(random_magnitudes),
        TEST(locale),
        TEST(interrupt),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
