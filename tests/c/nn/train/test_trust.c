/* The step of a trust region where Ctrl-C comes: each pass over the triangle R, which of some
 * thousand parameters takes a tenth of a second, looks for it on its way. */
#include "../../support.h"

#include "nn/train/search/trust.h"

enum { N = 3 };

/* R of J, three rows that are far from singular, and residuals beside them. */
static nb_trust made(void)
{
    static const double rows[N][N + 1] = {{4, 1, 2, 1}, {0, 3, 1, -2}, {1, 0, 5, 3}};
    nb_trust t;
    assert_int_equal(nb_trust_new(ctx, &t, N), NB_OK);
    for (int i = 0; i < N; i++) {
        t.scale[i] = 1;
        for (int j = 0; j <= N; j++) t.beside[i * (N + 1) + j] = rows[i][j];
    }
    assert_int_equal(nb_trust_add(ctx, &t, N, t.beside), NB_OK);
    return t;
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    double norm[N], p[N], lambda = 0, cosine;
    nb_trust t = made(), none;
    assert_int_equal(nb_trust_norms(ctx, &t, norm), NB_OK);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_trust_norms(ctx, &t, norm), NB_EINTERRUPT);
    assert_int_equal(nb_trust_cosine(ctx, &t, norm, &cosine), NB_EINTERRUPT);
    assert_int_equal(nb_trust_step(ctx, &t, 1e-3, &lambda, p), NB_EINTERRUPT);
    assert_true(lambda == 0); /* before a trial of it */
    assert_int_equal(nb_trust_clear(ctx, &t), NB_EINTERRUPT);
    assert_int_equal(nb_trust_new(ctx, &none, N), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_trust_free(ctx, &t);
}

/* A step within the radius, and R of no row once it was cleared. */
static void test_step(void **state)
{
    (void)state;
    double norm[N], p[N], lambda = 0, cosine;
    nb_trust t = made();
    assert_int_equal(nb_trust_step(ctx, &t, 0.1, &lambda, p), NB_OK);
    assert_true(lambda > 0 && nb_trust_length(&t, p) <= 0.11);
    assert_int_equal(nb_trust_clear(ctx, &t), NB_OK);
    assert_int_equal(nb_trust_norms(ctx, &t, norm), NB_OK);
    assert_int_equal(nb_trust_cosine(ctx, &t, norm, &cosine), NB_OK);
    assert_true(norm[0] == 0 && norm[2] == 0 && cosine == 0);
    nb_trust_free(ctx, &t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(interrupt), TEST(step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
