/* Indices of users and the places that they name, on every instruction set. */
#include "numbers.h"

enum { MOST = 150, SIZE = 7 };

/* The place of an index of SIZE entries; below 0: it has none. */
static int32_t place_of(int32_t index)
{
    if (index >= 1 && index <= SIZE) return index - 1;
    if (index <= -1 && index >= -SIZE) return index + SIZE;
    return -1;
}

/* Every length up to MOST, with each kind of bad index at every position of it: catches a tail that
 * nobody looks at, and limits that are one off. */
static void indices_are_looked_at(void **state)
{
    static const int32_t bad[] = {0, SIZE + 1, -SIZE - 1, INT32_MAX, INT32_MIN};
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    (void)state;
    for (size_t t = 0; t < tables; t++)
        for (size_t n = 0; n < MOST; n++) {
            int32_t index[MOST], place[MOST + 1];
            for (size_t i = 0; i < n; i++) index[i] = (int32_t)(i % SIZE) + 1;
            assert_true(all[t]->counts(n, index, SIZE));
            for (size_t i = 0; i < n; i++) {
                int32_t was = index[i];
                for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
                    index[i] = bad[k];
                    assert_false(all[t]->counts(n, index, SIZE));
                    assert_false(all[t]->places(n, index, SIZE, place));
                }
                index[i] = -was; /* from the end: a place, and no count */
                assert_false(all[t]->counts(n, index, SIZE));
                place[n] = 99;
                assert_true(all[t]->places(n, index, SIZE, place));
                assert_int_equal(place[n], 99);
                for (size_t j = 0; j < n; j++) assert_int_equal(place[j], place_of(index[j]));
                index[i] = was;
            }
        }
}

/* Of nothing there is no place; the largest size has its last. */
static void sizes_at_their_ends(void **state)
{
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    (void)state;
    for (size_t t = 0; t < tables; t++) {
        const int32_t one[] = {1}, last[] = {INT32_MAX, -1};
        int32_t place[2];
        assert_false(all[t]->counts(1, one, 0));
        assert_false(all[t]->places(1, one, 0, place));
        assert_true(all[t]->counts(1, last, INT32_MAX));
        assert_true(all[t]->places(2, last, INT32_MAX, place));
        assert_int_equal(place[0], INT32_MAX - 1);
        assert_int_equal(place[1], INT32_MAX - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_are_looked_at),
        cmocka_unit_test(sizes_at_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
