/* The choice of the table. The environment is set before the first call, which is the one that
 * counts: a name that is none leaves the best table in use, with a complaint. */
#include "numbers.h"

static void unknown_name_is_reported(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    assert_true(tables >= 1);
    assert_ptr_equal(nb_kernels_get(), all[tables - 1]);
    const char *complaint = nb_kernels_complaint();
    assert_non_null(complaint);
    assert_non_null(strstr(complaint, "NABLA_ISA=avx9"));
    assert_non_null(strstr(complaint, all[0]->isa));
    assert_non_null(strstr(complaint, nb_kernels_get()->isa));
}

/* Catches a function left out of a table, or a name out of step with its function. */
static void tables_are_full(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++) {
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
            const nb_real_kernels *real = all[t]->real[dtype];
            for (nb_unary f = 0; f < NB_UNARIES; f++) {
                assert_non_null(real->unary[f]);
                assert_non_null(real->slope[f]);
            }
            for (nb_binary f = 0; f < NB_BINARIES; f++) assert_non_null(real->binary[f]);
            for (nb_compare f = 0; f < NB_COMPARES; f++) assert_non_null(real->compare[f]);
            assert_non_null(all[t]->products[dtype]);
        }
        for (nb_compare f = 0; f < NB_COMPARES; f++) {
            assert_non_null(all[t]->compare_u8[f]);
            assert_non_null(all[t]->compare_i32[f]);
        }
        for (nb_dtype from = 0; from < NB_DTYPES; from++) {
            for (nb_dtype to = 0; to < NB_DTYPES; to++) assert_non_null(all[t]->convert[from][to]);
        }
    }
    assert_string_equal(nb_unary_names[NB_U_sigmoid], "sigmoid");
    assert_int_equal(nb_unary_needs[NB_U_sigmoid], NB_FROM_Y);
    assert_int_equal(nb_unary_needs[NB_U_gelu], NB_FROM_X);
}

static void only_f32_and_f64_compute(void **state)
{
    (void)state;
    assert_non_null(nb_real(NB_F32));
    assert_non_null(nb_real(NB_F64));
    assert_null(nb_real(NB_U8));
    assert_null(nb_real(NB_I32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_name_is_reported),
        cmocka_unit_test(tables_are_full),
        cmocka_unit_test(only_f32_and_f64_compute),
    };
    setenv("NABLA_ISA", "avx9", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
