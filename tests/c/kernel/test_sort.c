/* The orders of sort.h against insertion by comparison: every dtype, NaN, zeros of both signs,
 * equal elements, strides, lengths on both sides of every limit. */
#include "numbers.h"

#include "kernel/sort.h"

enum { MOST = 3000, STRIDE = 2 };

static double value_at(nb_dtype dtype, const void *x, size_t i)
{
    if (dtype == NB_U8) return ((const uint8_t *)x)[i];
    if (dtype == NB_I32) return ((const int32_t *)x)[i];
    return get(dtype, x, i);
}

/* Few different values, so that many are equal, and the awkward ones; or all bits. */
static void fill(nb_dtype dtype, size_t n, bool any, void *x)
{
    static const double awkward[] = {NAN, 0.0, -0.0, INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = random_bits();
        if (dtype == NB_U8)
            ((uint8_t *)x)[i] = (uint8_t)(any ? bits : bits % 3);
        else if (dtype == NB_I32)
            ((int32_t *)x)[i] = any ? (int32_t)(uint32_t)bits : (int32_t)(bits % 7) - 3;
        else if (any)
            put(dtype, x, i, random_pattern(dtype));
        else
            put(dtype, x, i, bits % 5 ? (double)(bits % 11) - 5 : awkward[bits / 5 % 5]);
    }
}

/* True when a comes before b, NaN last; turned round where the order falls. */
static bool before(bool descending, double a, double b)
{
    if (descending) return isnan(a) ? !isnan(b) : a > b;
    return isnan(b) ? !isnan(a) : a < b;
}

/* Places that are in order, each once, equal elements as they stood. */
static void check_order(nb_dtype dtype, bool descending, const void *x, size_t stride, size_t n,
                        const int32_t *place, size_t k)
{
    static bool seen[MOST];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < k; i++) {
        assert_true(place[i] >= 0 && (size_t)place[i] < n && !seen[place[i]]);
        seen[place[i]] = true;
        if (i == 0) continue;
        double a = value_at(dtype, x, (size_t)place[i - 1] * stride);
        double b = value_at(dtype, x, (size_t)place[i] * stride);
        assert_false(before(descending, b, a));
        if (!before(descending, a, b)) assert_true(place[i - 1] < place[i]);
    }
}

static void check_one(nb_dtype dtype, bool descending, bool any, size_t n, size_t stride)
{
    static double x[MOST * STRIDE];
    static int32_t place[MOST], top[MOST];
    nb_order order = {dtype, descending, NULL};
    fill(dtype, n * stride, any, x);
    void *room = malloc(nb_sort_room(dtype, n) + 1);
    nb_sort_places(&order, n, x, (ptrdiff_t)stride, place, room);
    free(room);
    check_order(dtype, descending, x, stride, n, place, n);
    const size_t some[] = {0, 1, 31, 32, 33, n / 3, n / 2, n};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        size_t k = some[i];
        if (k > n) continue;
        room = malloc(nb_top_room(dtype, n, k) + 1);
        nb_top_places(&order, n, x, (ptrdiff_t)stride, k, top, room);
        free(room);
        assert_memory_equal(top, place, k * sizeof *top);
        if (k == n) continue;
        room = malloc(nb_rank_room(dtype, n));
        size_t at = nb_rank_place(&order, n, x, (ptrdiff_t)stride, k, room);
        free(room);
        double found = value_at(dtype, x, at * stride);
        double wanted = value_at(dtype, x, (size_t)place[k] * stride);
        assert_true(found == wanted || (isnan(found) && isnan(wanted)));
        for (size_t j = 0; j < at; j++) {
            double earlier = value_at(dtype, x, j * stride);
            assert_false(earlier == wanted || (isnan(earlier) && isnan(wanted)));
        }
    }
}

/* Catches a byte that is passed over, a sign, an order that is not stable, and the k-th one off. */
static void orders(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 1024, 1025, MOST};
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (int way = 0; way < 8; way++)
                check_one(dtype, way & 1, way & 2, lengths[i], way & 4 ? STRIDE : 1);
}

/* Candidates are thinned again and again where every element is better than those before. */
static void top_of_rising_numbers(void **state)
{
    (void)state;
    static float x[MOST];
    static int32_t place[MOST];
    nb_order order = {NB_F32, true, NULL};
    for (size_t i = 0; i < MOST; i++) x[i] = (float)i;
    void *room = malloc(nb_top_room(NB_F32, MOST, 3));
    nb_top_places(&order, MOST, x, 1, 3, place, room);
    free(room);
    for (int i = 0; i < 3; i++) assert_int_equal(place[i], MOST - 1 - i);
}

/* Catches a loop that goes on after Ctrl-C, or waits for what it left undone. */
static void stops(void **state)
{
    (void)state;
    static double x[MOST];
    static int32_t place[MOST];
    volatile sig_atomic_t pressed = 1;
    nb_order order = {NB_F64, false, &pressed};
    void *room = malloc(nb_sort_room(NB_F64, MOST));
    fill(NB_F64, MOST, true, x);
    memset(place, -1, sizeof place);
    nb_top_places(&order, MOST, x, 1, 10, place, room);
    assert_int_equal(place[0], -1);
    memset(room, 0, nb_sort_room(NB_F64, MOST));
    nb_sort_places(&order, MOST, x, 1, place, room);
    nb_rank_place(&order, MOST, x, 1, MOST / 2, room);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(top_of_rising_numbers),
        cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
