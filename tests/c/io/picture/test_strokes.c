/* Would catch: strokes that are thicker, thinner or longer than they are told, that lie beside
 * their points, cover a pixel twice where they cross, go through gaps, or write beside the pixels;
 * points far outside that move what is seen; Ctrl-C that waits for a million strokes; memory that
 * is lost. */
#include "../../support.h"

#include "base/context.h"
#include "base/memory.h"
#include "io/picture/strokes.h"

#include <math.h>
#include <signal.h>

enum { ROWS = 60, COLUMNS = 90 };

static const uint8_t black[3] = {0, 0, 0}, white[3] = {255, 255, 255};

static nb_strokes drawn;

/* Strokes in white on black. */
static void draw(size_t count, const double *points, double width)
{
    nb_strokes_close(&drawn);
    assert_int_equal(nb_strokes_open(ctx, &drawn, ROWS, COLUMNS, black), NB_OK);
    assert_int_equal(nb_strokes_path(&drawn, points, count, width), NB_OK);
    nb_strokes_end(&drawn, white);
}

static int pixel(int row, int column)
{
    return drawn.pixels[3 * (row * COLUMNS + column)];
}

/* How many pixels are covered, in parts too, of those between two columns. */
static double area(int first, int last)
{
    double sum = 0;
    for (int i = 0; i < ROWS; i++)
        for (int j = first; j <= last; j++) sum += pixel(i, j) / 255.0;
    return sum;
}

static double all(void)
{
    return area(0, COLUMNS - 1);
}

static void close_all(void)
{
    nb_strokes_close(&drawn);
}

static void lies_where_it_is_told(void **state)
{
    (void)state;
    draw(2, (double[]){10, 20, 50, 20}, 4);
    for (int column = 12; column < 48; column++)
        for (int row = 0; row < ROWS; row++)
            assert_int_equal(pixel(row, column), row >= 18 && row < 22 ? 255 : 0);
    assert_int_equal((int)area(0, 7), 0);
    assert_int_equal((int)area(53, COLUMNS - 1), 0);
    draw(2, (double[]){30, 5, 30, 40}, 4);
    for (int row = 7; row < 38; row++)
        for (int column = 0; column < COLUMNS; column++)
            assert_int_equal(pixel(row, column), column >= 28 && column < 32 ? 255 : 0);
    close_all();
}

/* A stroke covers its length times its width, and a round end on either side. */
static void covers_what_it_should(void **state)
{
    (void)state;
    for (int degrees = 0; degrees < 360; degrees += 7) {
        double angle = degrees * 3.14159265358979 / 180, width = 3, length = 22;
        draw(2, (double[]){45, 30, 45 + length * cos(angle), 30 + length * sin(angle)}, width);
        double wanted = length * width + 3.14159265 * width * width / 4;
        assert_true(fabs(all() - wanted) < 0.03 * wanted);
    }
    draw(1, (double[]){45.3, 30.2}, 10);
    assert_true(fabs(all() - 3.14159265 * 25) < 3);
    close_all();
}

/* Where strokes meet a pixel is covered as much as by the one that covers more of it. */
static void crosses_without_a_mark(void **state)
{
    (void)state;
    static uint8_t alone[2][3 * ROWS * COLUMNS];
    double one[] = {10, 10, 60, 40}, other[] = {10, 12.3, 61, 38},
           both[] = {10, 10, 60, 40, NAN, 0, 10, 12.3, 61, 38};
    draw(2, one, 2);
    memcpy(alone[0], drawn.pixels, sizeof alone[0]);
    draw(2, other, 2);
    memcpy(alone[1], drawn.pixels, sizeof alone[1]);
    draw(5, both, 2);
    for (size_t i = 0; i < sizeof alone[0]; i++)
        assert_int_equal(drawn.pixels[i], alone[0][i] > alone[1][i] ? alone[0][i] : alone[1][i]);
    close_all();
}

static void leaves_gaps(void **state)
{
    (void)state;
    double points[] = {5, 30, 20, 30, NAN, 30, 40, 30, INFINITY, 30, 60, 30, 70, 30};
    draw(7, points, 2);
    assert_true(area(8, 17) == 20);
    assert_true(area(23, 37) == 0);
    assert_true(area(39, 40) > 1); /* a point alone */
    assert_true(area(43, 57) == 0);
    assert_true(area(62, 68) == 14);
    draw(0, points, 2);
    assert_true(all() == 0);
    close_all();
}

static void sees_what_is_inside(void **state)
{
    (void)state;
    static const double far[] = {1e3, 1e6, 1e12, 1e100, 1e300};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        draw(2, (double[]){-far[i], 30, far[i], 30}, 4);
        assert_true(all() == 4 * COLUMNS);
        draw(2, (double[]){45, far[i], 45, -far[i]}, 4);
        assert_true(all() == 4 * ROWS);
        draw(2, (double[]){far[i], far[i], far[i] + 1, -far[i]}, 4);
        assert_true(all() == 0);
    }
    draw(2, (double[]){-1.7e308, 30, 1.7e308, 30}, 4); /* no number is so long: nothing, no harm */
    draw(4, (double[]){-1, -1, 90, -1, 90, 60, -1, 60}, 2);
    close_all();
}

static void dots_are_not_joined(void **state)
{
    (void)state;
    assert_int_equal(nb_strokes_open(ctx, &drawn, ROWS, COLUMNS, black), NB_OK);
    double points[] = {10, 30, NAN, NAN, 30, 30, 1e300, 1};
    assert_int_equal(nb_strokes_dots(&drawn, points, 4, 4), NB_OK);
    nb_strokes_end(&drawn, white);
    assert_true(area(5, 15) > 11 && area(25, 35) > 11);
    assert_true(area(16, 24) == 0 && area(36, COLUMNS - 1) == 0);
    close_all();
}

/* A half covered pixel is half of both colours; later strokes lie on earlier ones. */
static void mixes_colours(void **state)
{
    (void)state;
    static const uint8_t ground[3] = {100, 0, 200}, first[3] = {200, 100, 0}, second[3] = {0, 0, 9};
    assert_int_equal(nb_strokes_open(ctx, &drawn, 3, 9, ground), NB_OK);
    assert_int_equal(nb_strokes_path(&drawn, (double[]){-9, 1.5, 20, 1.5}, 2, 2), NB_OK);
    nb_strokes_end(&drawn, first);
    assert_memory_equal(drawn.pixels + 3 * 13, first, 3);
    const uint8_t *edge = drawn.pixels + 3 * 4;
    assert_in_range(edge[0], 149, 151);
    assert_in_range(edge[1], 49, 51);
    assert_in_range(edge[2], 99, 101);
    assert_int_equal(nb_strokes_path(&drawn, (double[]){4.5, -9, 4.5, 9}, 2, 1), NB_OK);
    nb_strokes_end(&drawn, second);
    assert_memory_equal(drawn.pixels + 3 * 13, second, 3);
    assert_memory_equal(drawn.pixels + 3 * 11, first, 3);
    close_all();
}

static void checks_and_gives_back(void **state)
{
    (void)state;
    nb_strokes one;
    assert_int_equal(nb_strokes_open(ctx, &one, 0, 5, black), NB_EARG);
    assert_int_equal(nb_strokes_open(ctx, &one, 5, 0, black), NB_EARG);
    assert_int_equal(nb_strokes_open(ctx, &one, 2, NB_PICTURE_MOST / 2 + 1, black), NB_EARG);
    ctx->memory.pool_cap = 0;
    for (int i = 1; i <= 2; i++) {
        ctx->memory.fail_at = ctx->memory.requests + (uint64_t)i;
        assert_int_equal(nb_strokes_open(ctx, &one, 50, 50, black), NB_EMEMORY);
        nb_strokes_close(&one);
    }
    ctx->memory.fail_at = 0;
}

static void heeds_ctrl_c(void **state)
{
    (void)state;
    static volatile sig_atomic_t pressed = 1;
    double points[] = {1, 1, 2, 2};
    assert_int_equal(nb_strokes_open(ctx, &drawn, ROWS, COLUMNS, black), NB_OK);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_strokes_path(&drawn, points, 2, 1), NB_EINTERRUPT);
    assert_int_equal(nb_strokes_dots(&drawn, points, 2, 1), NB_EINTERRUPT);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lies_where_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(covers_what_it_should, setup, teardown),
        cmocka_unit_test_setup_teardown(crosses_without_a_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(sees_what_is_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(dots_are_not_joined, setup, teardown),
        cmocka_unit_test_setup_teardown(mixes_colours, setup, teardown),
        cmocka_unit_test_setup_teardown(checks_and_gives_back, setup, teardown),
        cmocka_unit_test_setup_teardown(heeds_ctrl_c, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
