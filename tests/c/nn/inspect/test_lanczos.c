/* Lanczos on spectra that are known, and the ends of a network's beside LAPACK's. */
#include "curves.h"

#include "base/workers.h"
#include "nn/inspect/curvature/lanczos.h"

/* ---- Lanczos --------------------------------------------------------------------------------- */

typedef struct known {
    int64_t n;
    const double *a; /* NULL: the second difference, 2 on the diagonal and -1 beside it */
} known;

static nb_status times(nb_ctx *c, void *self, const double *v, double *out)
{
    const known *k = self;
    (void)c;
    for (int64_t i = 0; i < k->n; i++) {
        out[i] = k->a ? 0 : 2 * v[i] - (i ? v[i - 1] : 0) - (i < k->n - 1 ? v[i + 1] : 0);
        for (int64_t j = 0; k->a && j < k->n; j++) out[i] += k->a[i * k->n + j] * v[j];
    }
    return NB_OK;
}

/* The second difference has the eigenvalues 2 - 2 cos(π j / (n + 1)). */
static void test_lanczos_known(void **state)
{
    static const int64_t sizes[] = {1, 2, 7, 40};
    double largest[5], smallest[5];
    (void)state;
    for (int s = 0; s < 4; s++) {
        known k = {.n = sizes[s]};
        const nb_operator a = {.n = k.n, .apply = times, .self = &k, .what = "test"};
        nb_lanczos out = {.count = k.n < 5 ? k.n : 5, .largest = largest, .smallest = smallest};
        assert_int_equal(nb_lanczos_run(ctx, &a, &out), NB_OK);
        assert_true(out.settled);
        assert_true(out.asymmetry < 1e-13);
        for (int64_t j = 0; j < out.count; j++) {
            double turn = acos(-1) * (double)(j + 1) / (double)(k.n + 1);
            assert_near(smallest[j], 2 - 2 * cos(turn), 1e-6);
            assert_near(largest[j], 2 + 2 * cos(turn), 1e-6);
        }
    }
}

/* Of the identity every product lies in the basis at once, and it begins anew. */
static void test_lanczos_identity(void **state)
{
    double a[36] = {0}, largest[3], smallest[3];
    known k = {.n = 6, .a = a};
    const nb_operator of = {.n = 6, .apply = times, .self = &k, .what = "test"};
    nb_lanczos out = {.count = 3, .largest = largest, .smallest = smallest};
    (void)state;
    for (int i = 0; i < 6; i++) a[i * 7] = -3;
    assert_int_equal(nb_lanczos_run(ctx, &of, &out), NB_OK);
    for (int i = 0; i < 3; i++) {
        assert_near(largest[i], -3, 1e-12);
        assert_near(smallest[i], -3, 1e-12);
    }
    /* What is not symmetric is seen: (0, 1; 0, 0) beside the identity. */
    a[1] = 1;
    assert_int_equal(nb_lanczos_run(ctx, &of, &out), NB_OK);
    assert_true(out.asymmetry > 0.01);
}

/* Copies: diag(9, 9, 9, 8, 8, 4, …, 4, -2, -2, -5, -5) with 300 numbers. A power of A on one vector
 * holds one direction of each eigenvalue; counted as often as they are, the ends are 9 9 9 8 8 4
 * and -5 -5 -2 -2 4 4. */
static nb_status times_copies(nb_ctx *c, void *self, const double *v, double *out)
{
    static const double ends[] = {9, 9, 9, 8, 8, -2, -2, -5, -5};
    (void)c, (void)self;
    for (int64_t i = 0; i < 300; i++) out[i] = (i % 30 == 7 && i < 270 ? ends[i / 30] : 4) * v[i];
    return NB_OK;
}

static void test_lanczos_copies(void **state)
{
    static const double above[] = {9, 9, 9, 8, 8, 4}, below[] = {-5, -5, -2, -2, 4, 4};
    double largest[6], smallest[6];
    const nb_operator a = {.n = 300, .apply = times_copies, .what = "test"};
    (void)state;
    for (int count = 1; count <= 6; count++) {
        nb_lanczos out = {.count = count, .largest = largest, .smallest = smallest};
        assert_int_equal(nb_lanczos_run(ctx, &a, &out), NB_OK);
        assert_true(out.settled);
        for (int i = 0; i < count; i++) {
            assert_near(largest[i], above[i], 1e-9);
            assert_near(smallest[i], below[i], 1e-9);
        }
    }
}

/* Of K linear outputs with mse H is (2/K) mean x̃ x̃ᵀ for each, so that every λ is there K times.
 * Columns of the sizes 1 … 20 that do not meet, x = ±j √20 in column j of a pair of examples: mean
 * x̃ x̃ᵀ is diag(1, 4, … 400) beside b's 1 (40 examples, of which 2 have column j: (2/40) 20 j² =
 * j²). K = 4: 200 four times, then 19²/2 = 180.5; the least are those of column 1 and of b, 1/2. */
static void test_ends_of_outputs(void **state)
{
    double x[40 * 20] = {0}, y[40 * 4] = {0};
    nb_curvature c;
    (void)state;
    for (int j = 0; j < 20; j++) {
        x[2 * j * 20 + j] = (j + 1) * sqrt(20);
        x[(2 * j + 1) * 20 + j] = -(j + 1) * sqrt(20);
    }
    nb_net *net = net_of(ctx, "20 - 4 linear : mse", NB_F64);
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(40, 20), x), tensor_of(NB_F64, SHAPE(40, 4), y));
    find_with(net, set, NULL, 6, &c);
    assert_true(c.hessian.settled);
    for (int i = 0; i < 6; i++) {
        assert_near(value_at(c.hessian.values, i), i < 4 ? 200 : 180.5, 1e-4);
        assert_near(value_at(c.hessian.smallest, i), 0.5, 1e-4);
        assert_near(value_at(c.hessian.values, i), i < 4 ? 200 : 180.5, c.hessian.error);
    }
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* Ends by products against LAPACK's of the same network. */
static void test_ends(void **state)
{
    nb_net *net = net_of(ctx, "5 - 6 tanh - 4 softmax : cross_entropy", NB_F64);
    nb_set *set = random_set(ctx, 30, 5, 4);
    nb_curvature all, ends;
    (void)state;
    find_with(net, set, NULL, 0, &all);
    find_with(net, set, NULL, 4, &ends);
    int64_t n = all.count;
    assert_int_equal(n, 64);
    assert_true(ends.hessian.settled && ends.hessian.steps > 0);
    assert_true(ends.hessian.error < 1e-5);
    assert_null(ends.gauss.values);
    for (int64_t i = 0; i < 4; i++) {
        double near = all.hessian.error + ends.hessian.error;
        assert_near(value_at(ends.hessian.values, i), value_at(all.hessian.values, i), near);
        assert_near(value_at(ends.hessian.smallest, i), value_at(all.hessian.values, n - 1 - i),
                    near);
    }
    assert_int_equal(ends.layers, 2);
    for (int l = 0; l < 2; l++) {
        const nb_spectrum *a = &all.layer[l].hessian, *b = &ends.layer[l].hessian;
        int64_t last = all.layer[l].count - 1;
        assert_near(value_at(b->values, 0), value_at(a->values, 0), a->error + b->error);
        assert_near(value_at(b->smallest, 0), value_at(a->values, last), a->error + b->error);
    }
    nb_curvature_free(ctx, &all);
    nb_curvature_free(ctx, &ends);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* Columns that copies of the process find have the bits of those that are found here; more than a
 * fifth of a second of them is worth copies. */
static void test_copies(void **state)
{
    nb_net *net = net_of(ctx, "20 - 10 tanh - 3 softmax : cross_entropy", NB_F64);
    nb_set *set = random_set(ctx, 4000, 20, 3);
    nb_curvature one, two;
    (void)state;
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    find_with(net, set, NULL, 0, &one);
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    find_with(net, set, NULL, 0, &two);
    assert_true(same_bits(ctx, one.matrix, two.matrix));
    assert_true(same_bits(ctx, one.hessian.values, two.hessian.values));
    assert_true(one.error.step == two.error.step && one.error.kinks == two.error.kinks);
    nb_curvature_free(ctx, &one);
    nb_curvature_free(ctx, &two);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lanczos_known), TEST(lanczos_identity), TEST(lanczos_copies), TEST(ends_of_outputs),
        TEST(ends),          TEST(copies),
    };
    return cmocka_run_group_tests_name("lanczos", tests, NULL, NULL);
}
