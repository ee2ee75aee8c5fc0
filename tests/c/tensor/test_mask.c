/* Masks: packing and unpacking at random, in every layout, against a loop; and Ctrl-C. */
#include "tensor/mask.h"

#include "../support.h"

#include "base/random.h"

enum { ROWS = 37, COLUMNS = 53 };

/* Catches an element that is left out, doubled or out of order, for elements of each width; memory
 * behind the last one is the tensor's own. */
static void test_pack(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(3, NB_FOR_TENSOR, 0);
    const int64_t shape[2] = {ROWS, COLUMNS};
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++)
        for (int turned = 0; turned < 2; turned++) {
            nb_tensor *base = nb_tensor_new(ctx, dtype, 2, shape);
            nb_tensor *bits = nb_tensor_new(ctx, NB_U8, 2, shape);
            for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
                const int64_t at[2] = {i / COLUMNS, i % COLUMNS};
                nb_tensor_set(base, at, (double)(i % 251));
                nb_tensor_set(bits, at, (double)(nb_random_word(&stream) % 3));
            }
            nb_tensor *x = turned ? nb_tensor_transpose(ctx, base) : nb_tensor_retain(base);
            nb_tensor *mask = turned ? nb_tensor_transpose(ctx, bits) : nb_tensor_retain(bits);
            nb_tensor *packed = nb_mask_pack(ctx, x, mask), *places = nb_mask_places(ctx, mask);
            nb_tensor *back = nb_tensor_zeros(ctx, dtype, 2, x->shape);
            assert_int_equal(nb_mask_unpack(ctx, back, mask, packed), NB_OK);
            int64_t found = 0;
            for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
                const int64_t at[2] = {i / x->shape[1], i % x->shape[1]};
                bool yes = nb_tensor_get(mask, at) != 0;
                double v = nb_tensor_get(x, at);
                assert_true(nb_tensor_get(back, at) == (yes ? v : 0));
                if (!yes) continue;
                assert_true(nb_tensor_get(packed, &found) == v);
                assert_true(nb_tensor_get(places, &found) == (double)i);
                found++;
            }
            assert_true(found == packed->shape[0] && found == places->shape[0]);
            nb_tensor *const all[] = {base, bits, x, mask, packed, places, back};
            for (int i = 0; i < 7; i++) nb_tensor_release(ctx, all[i]);
        }
}

/* Catches a long search that Ctrl-C cannot stop. */
static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_tensor *mask = nb_tensor_zeros(ctx, NB_U8, 1, (const int64_t[]){1 << 20});
    int64_t count;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_mask_count(ctx, mask, &count), NB_EINTERRUPT);
    assert_null(nb_mask_pack(ctx, mask, mask));
    assert_null(nb_mask_places(ctx, mask));
    assert_null(nb_mask_indices(ctx, mask));
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, mask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(pack), TEST(interrupt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
