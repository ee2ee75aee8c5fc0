/* Curvature: Hessians and Gauss-Newton matrices worked out by hand, kinks, and what is refused. */
#include "curves.h"

#include "nn/learns.h"

/* 1-1-1, linear, C = e²/2, e = w2 (w1 x + b1) + b2 - y. With w1 = 2, b1 = 1, w2 = 3, b2 = -1, x = 2
 * and y = 10: a1 = 5, e = 15 - 1 - 10 = 4. The output's gradient in w1, b1, w2, b2 is J = (w2 x,
 * w2, a1, 1) = (6, 3, 5, 1); its second derivatives are x in (w1, w2) and 1 in (b1, w2). So the
 * Gauss-Newton matrix is J Jᵀ, of which one eigenvalue is |J|² = 71 and the others 0, and H = J Jᵀ
 * + e (2 in (w1, w2), 1 in (b1, w2)) = J Jᵀ + (8, 4). */
static void test_linear_by_hand(void **state)
{
    const double h[16] = {36, 18, 38, 6, 18, 9, 19, 3, 38, 19, 25, 5, 6, 3, 5, 1};
    const double g[16] = {36, 18, 30, 6, 18, 9, 15, 3, 30, 15, 25, 5, 6, 3, 5, 1};
    nb_net *net = net_with("1 - 1 linear - 1 linear : quadratic", VALUES(2, 1, 3, -1));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 1), VALUES(2)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(10)));
    nb_curvature c;
    (void)state;
    find_with(net, set, NULL, 0, &c);
    assert_int_equal(c.count, 4);
    assert_near(c.cost, 8, 1e-14);
    assert_near(c.slope, 4 * sqrt(71), 1e-12);
    assert_matrix(c.matrix, h, 1e-7);
    assert_matrix(c.gauss_matrix, g, 1e-12);
    assert_near(value_at(c.gauss.values, 0), 71, 1e-12);
    for (int i = 1; i < 4; i++) assert_near(value_at(c.gauss.values, i), 0, 1e-12);
    /* Their sum is the trace, 71, that of their squares Σ H_ij². */
    double sum = 0, squares = 0, all = 0;
    for (int i = 0; i < 4; i++) {
        sum += value_at(c.hessian.values, i);
        squares += value_at(c.hessian.values, i) * value_at(c.hessian.values, i);
    }
    for (int i = 0; i < 16; i++) all += h[i] * h[i];
    assert_near(sum, 71, 1e-6);
    assert_near(squares, all, 1e-4);
    assert_true(c.hessian.error < 1e-6 && c.error.kinks == 0);
    /* Of layer 1 alone: (36, 18; 18, 9), which is 9 (2, 1)ᵀ(2, 1): 45 and 0. Of layer 2: (25, 5; 5,
     * 1): 26 and 0. */
    assert_int_equal(c.layers, 2);
    assert_near(value_at(c.layer[0].hessian.values, 0), 45, 1e-7);
    assert_near(value_at(c.layer[0].hessian.values, 1), 0, 1e-7);
    assert_near(value_at(c.layer[1].hessian.values, 0), 26, 1e-7);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* 1-1-1 of sigmoids with x = 1, w1 = b1 = 0, w2 = 2, b2 = -1, y = 0: z1 = z2 = 0, so that σ = 1/2,
 * σ′ = 1/4 and σ″ = 0 at both, e = a2 - y = 1/2. z2's gradient is v = (w2 σ′ x, w2 σ′, a1, 1) =
 * (1/2, 1/2, 1/2, 1), its second derivatives are σ′ x = 1/4 in (w1, w2) and σ′ = 1/4 in (b1, w2)
 * (w2 σ″ = 0 in (w1, w1)). With σ″(z2) = 0: H = σ′² v vᵀ + e σ′ ∂²z2 = v vᵀ / 16 + (1/32 there);
 * Gauss-Newton is v vᵀ / 16. */
static void test_sigmoid_by_hand(void **state)
{
    const double v[4] = {0.5, 0.5, 0.5, 1};
    double h[16], g[16];
    nb_net *net = net_with("1 - 1 - 1 : quadratic", VALUES(0, 0, 2, -1));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 1), VALUES(1)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(0)));
    nb_curvature c;
    (void)state;
    for (int i = 0; i < 16; i++) h[i] = g[i] = v[i / 4] * v[i % 4] / 16;
    h[2] += 1.0 / 32, h[8] += 1.0 / 32, h[6] += 1.0 / 32, h[9] += 1.0 / 32;
    find_with(net, set, NULL, 0, &c);
    assert_matrix(c.matrix, h, 1e-9);
    assert_matrix(c.gauss_matrix, g, 1e-14);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* 2-2-1 with cross-entropy, x = (1, 1), rows of w1 (1, -1) and (-1, 1), b = 0, w2 = (1, -1), y = 0:
 * all z are 0. z2's gradient in (w1 by rows, b1, w2, b2) is v = (1, 1, -1, -1, 1, -1, 2, 2, 4) / 4,
 * its second derivatives are σ′ x_j = 1/4 in (w1_kj, w2_k) and 1/4 in (b1_k, w2_k). C's slope in z2
 * is a - y = 1/2 and its second derivative a (1 - a) = 1/4: H = v vᵀ / 4 + 1/8 there, Gauss-Newton
 * v vᵀ / 4. */
static void test_two_by_hand(void **state)
{
    const double v[9] = {0.25, 0.25, -0.25, -0.25, 0.25, -0.25, 0.5, 0.5, 1};
    static const int pairs[6][2] = {{0, 6}, {1, 6}, {4, 6}, {2, 7}, {3, 7}, {5, 7}};
    double h[81], g[81];
    nb_net *net = net_with("2 - 2 - 1 : cross_entropy", VALUES(1, -1, -1, 1, 0, 0, 1, -1, 0));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 2), VALUES(1, 1)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(0)));
    nb_curvature c;
    (void)state;
    for (int i = 0; i < 81; i++) h[i] = g[i] = v[i / 9] * v[i % 9] / 4;
    for (int i = 0; i < 6; i++) {
        h[pairs[i][0] * 9 + pairs[i][1]] += 0.125;
        h[pairs[i][1] * 9 + pairs[i][0]] += 0.125;
    }
    find_with(net, set, NULL, 0, &c);
    assert_matrix(c.matrix, h, 1e-8);
    assert_matrix(c.gauss_matrix, g, 1e-14);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* Softmax of a linear layer with w = b = 0: a = 1/2 each, diag(a) - a aᵀ = (1, -1; -1, 1) / 4 with
 * eigenvalues 1/2 and 0. H is that times the mean of x̃ x̃ᵀ over examples, x̃ = (x, 1), wherever y
 * is, and z is linear in the parameters, so Gauss-Newton is H. Of the one example x = (1, 2): 1/2
 * |x̃|² = 3. With a second, x = (0, 0), weighing 3 to its 1: x̃ x̃ᵀ → (1/4) (1, 2, 1)(…)ᵀ + (3/4) (0,
 * 0, 1)(…)ᵀ, whose trace is 6/4 + 3/4 = 9/4 and whose largest two eigenvalues have the product
 * (6 · 3 - 3) / 16 = 15/16; so H has half of (9/4 ± √(81/16 - 15/4)) / 2. */
static void test_softmax_by_hand(void **state)
{
    const double zeros[6] = {0};
    nb_net *net = net_with("2 - 2 softmax : cross_entropy", zeros);
    nb_tensor *y = tensor_of(NB_F64, SHAPE(1, 2), VALUES(0, 1));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 2), VALUES(1, 2)), y);
    nb_curvature c;
    (void)state;
    find_with(net, set, NULL, 0, &c);
    assert_near(value_at(c.hessian.values, 0), 3, 1e-8);
    assert_near(value_at(c.gauss.values, 0), 3, 1e-13);
    for (int i = 1; i < 6; i++) assert_near(value_at(c.gauss.values, i), 0, 1e-13);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_tensor *of = tensor_of(NB_F64, SHAPE(2), VALUES(1, 3));
    const nb_weights weights = {.of = of};
    set = set_with(tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 2, 0, 0)),
                   tensor_of(NB_F64, SHAPE(2, 2), VALUES(0, 1, 1, 0)));
    find_with(net, set, &weights, 0, &c);
    double root = sqrt(81.0 / 16 - 15.0 / 4);
    assert_near(value_at(c.gauss.values, 0), (9.0 / 4 + root) / 4, 1e-13);
    assert_near(value_at(c.gauss.values, 1), (9.0 / 4 - root) / 4, 1e-13);
    assert_near(value_at(c.hessian.values, 0), (9.0 / 4 + root) / 4, 1e-8);
    assert_near(value_at(c.hessian.values, 1), (9.0 / 4 - root) / 4, 1e-8);
    nb_curvature_free(ctx, &c);
    nb_tensor_release(ctx, of);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* Least squares of a linear layer: H = Gauss-Newton = (2/K) mean of x̃ x̃ᵀ for each of K outputs with
 * mse, whatever y. x = ±1, ±2 without correlation: mean x² = (1 + 1 + 4 + 4)/4 = 5/2, mean x = 0,
 * K = 1: eigenvalues 5 and 2. Of an f32 network the same, converted. With b frozen 5 alone; with w
 * masked 2 alone. */
static void test_least_squares(void **state)
{
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(4, 1), VALUES(1, -1, 2, -2)),
                           tensor_of(NB_F64, SHAPE(4, 1), VALUES(3, 1, 4, 1)));
    nb_curvature c;
    (void)state;
    for (int i = 0; i < 2; i++) {
        nb_net *net = net_of(ctx, "1 - 1 linear : mse", i ? NB_F32 : NB_F64);
        find_with(net, set, NULL, 0, &c);
        assert_int_equal(c.converted, i);
        assert_near(value_at(c.hessian.values, 0), 5, 1e-9);
        assert_near(value_at(c.hessian.values, 1), 2, 1e-9);
        assert_near(value_at(c.gauss.values, 0), 5, 1e-13);
        assert_near(value_at(c.gauss.values, 1), 2, 1e-13);
        nb_curvature_free(ctx, &c);
        nb_net_release(ctx, net);
    }
    nb_net *net = net_of(ctx, "1 - 1 linear : mse", NB_F64);
    nb_tensor *mask = tensor_of(NB_F64, SHAPE(1, 1), VALUES(0));
    assert_int_equal(nb_layer_add_mask(ctx, net->part[0], &net->part[0]->tuning, "w", mask), NB_OK);
    find_with(net, set, NULL, 0, &c);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.place[0], 1);
    assert_near(value_at(c.hessian.values, 0), 2, 1e-9);
    nb_curvature_free(ctx, &c);
    nb_tensor_release(ctx, mask);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
}

/* ---- Large inputs ---------------------------------------------------------------------------- */

/* 1 - 1 with cross-entropy: H = mean a (1 - a) x̃ x̃ᵀ, x̃ = (x, 1), whatever y is. Inputs of 10^k
 * leave the sigmoid within any step of 1e-5: only finer ones see it. With w = b = 0, where all is
 * even about w for x = ±s, ±2s, a (1 - a) = 1/4 and H11 = s² (1 + 4)/2/4 = 5/8 s², H22 = 1/4. Else
 * w = 0.7/s, b = 0.3, of x = 0, s/4, … s: by the formula. */
static void check_large(double s, bool even)
{
    double x[5], y[5] = {0, 1, 1, 0, 1}, h[3] = {0}, w = even ? 0 : 0.7 / s, b = even ? 0 : 0.3;
    int64_t n = even ? 4 : 5;
    nb_curvature c, ends;
    for (int i = 0; i < n; i++) {
        x[i] = even ? (i < 2 ? s : 2 * s) * (i % 2 ? 1 : -1) : s * i / 4;
        double a = 1 / (1 + exp(-(w * x[i] + b))), bend = a * (1 - a) / (double)n;
        h[0] += bend * x[i] * x[i], h[1] += bend * x[i], h[2] += bend;
    }
    if (even) assert_near(h[0], 5.0 / 8 * s * s, 1e-12 * s * s);
    nb_net *net = net_with("1 - 1 : cross_entropy", VALUES(w, b));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(n, 1), x), tensor_of(NB_F64, SHAPE(n, 1), y));
    double middle = (h[0] + h[2]) / 2, largest = middle + hypot((h[0] - h[2]) / 2, h[1]);
    find_with(net, set, NULL, 0, &c);
    assert_int_equal(c.error.kinks, 0);
    assert_near(at(c.matrix, 0, 0), h[0], 1e-5 * h[0]);
    assert_near(at(c.matrix, 1, 1), h[2], 1e-5 * h[2]);
    assert_near(value_at(c.hessian.values, 0), largest, 1e-5 * largest);
    assert_near(value_at(c.hessian.values, 0), largest, 2 * c.hessian.error + 1e-9 * largest);
    assert_true(c.hessian.error < 1e-4 * largest);
    find_with(net, set, NULL, 1, &ends);
    assert_near(value_at(ends.hessian.values, 0), largest, 1e-5 * largest);
    nb_curvature_free(ctx, &ends);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

static void test_large_inputs(void **state)
{
    (void)state;
    for (double s = 1; s < 1e10; s *= 10) {
        check_large(s, true);
        check_large(s, false);
    }
}

/* ---- Kinks ----------------------------------------------------------------------------------- */

/* relu of z = w x + b, then quadratic with y = 0: C = z²/2 above 0, else 0. At w = 1, b = -1 + t
 * with x = 1 z is t. With t = 1e-6 a step of 1e-5 meets the kink and one of 1e-5/64 does not: the
 * Hessian is that above 0, x̃ x̃ᵀ with eigenvalues 2 and 0. */
static void test_kink_beside(void **state)
{
    nb_net *net = net_with("1 - 1 relu : quadratic", VALUES(1, -1 + 1e-6));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 1), VALUES(1)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(-1)));
    nb_curvature c;
    (void)state;
    find_with(net, set, NULL, 0, &c);
    assert_int_equal(c.error.kinks, 0);
    assert_near(value_at(c.hessian.values, 0), 2, 1e-6);
    assert_near(value_at(c.hessian.values, 1), 0, 1e-6);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* The same at the kink itself, z = 0, where y = -1 makes the gradient leap from 0 to 1: both
 * directions are counted, and below, where nothing changes, the curvature is 0. */
static void test_kink_at(void **state)
{
    nb_net *net = net_with("1 - 1 relu : quadratic", VALUES(1, -1));
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 1), VALUES(1)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(-1)));
    nb_curvature c;
    (void)state;
    find_with(net, set, NULL, 0, &c);
    assert_int_equal(c.error.kinks, 2);
    assert_near(value_at(c.hessian.values, 0), 0, 1e-6);
    assert_near(value_at(c.hessian.values, 1), 0, 1e-6);
    nb_curvature_free(ctx, &c);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* ---- What is refused, and failures ----------------------------------------------------------- */

static void refused(const char *notation, const nb_set *set, int64_t top, const char *words)
{
    nb_net *net = net_of(ctx, notation, NB_F32);
    const nb_curvature_options options = {.top = top};
    nb_curvature c;
    assert_true(nb_curvature_find(ctx, net, set, NULL, &options, &c) != NB_OK);
    if (!strstr(ctx->message, words)) fail_msg("%s\nhas no %s", ctx->message, words);
    nb_net_release(ctx, net);
}

/* 4,097 parameters are too many to be found whole, 3 - 1,024 has just 4,096: then it begins, and is
 * stopped where it tells how far it is. */
static volatile sig_atomic_t stop;

static void stop_now(void *self, const char *what, double share)
{
    (void)self, (void)what, (void)share;
    stop = 1;
}

static void nothing(void *self)
{
    (void)self;
}

static void test_refused(void **state)
{
    nb_set *set = set_with(tensor_of(NB_F64, SHAPE(1, 3), VALUES(1, 2, 3)),
                           tensor_of(NB_F64, SHAPE(1, 1), VALUES(1)));
    const nb_meter meter = {stop_now, nothing, NULL};
    (void)state;
    refused("3 - 820 - 1", set, 0,
            "the whole spectrum of 4101 parameters would take 269 MB and about");
    refused("3 - 820 - 1", set, 0, "{top = 10}");
    refused("3 - 5 - 1 frozen", set, -1, "");
    ctx->meter = &meter;
    ctx->interrupt = &stop;
    refused("3 - 819 - 1", set, 0, "nterrupted");
    stop = 0;
    refused("3 - 820 - 1", set, 1, "nterrupted");
    ctx->meter = NULL;
    ctx->interrupt = NULL;
    ctx->memory.limit = ctx->memory.live + ((size_t)1 << 20);
    refused("3 - 200 - 1", set, 0, "are left");
    ctx->memory.limit = 0;
    nb_set_release(ctx, set);
}

typedef struct swept {
    const nb_set *set;
    int64_t top;
} swept;

static nb_status try_curvature(nb_ctx *c, nb_net *net, void *arg)
{
    const swept *of = arg;
    const nb_curvature_options options = {.top = of->top, .matrices = of->top == 0};
    nb_curvature found;
    nb_status status = nb_curvature_find(c, net, of->set, NULL, &options, &found);
    if (status == NB_OK) nb_curvature_free(c, &found);
    return status;
}

static void test_memory_ends(void **state)
{
    nb_set *set = random_set(ctx, 3, 2, 2);
    nb_net *net = net_of(ctx, "2 - 2 - 2 : cross_entropy", NB_F32);
    nb_net *other = net_of(ctx, "2 - 2 softmax : cosine", NB_F32);
    (void)state;
    sweep(ctx, net, try_curvature, &(swept){set, 0});
    sweep(ctx, net, try_curvature, &(swept){set, 2});
    sweep(ctx, other, try_curvature, &(swept){set, 0});
    nb_net_release(ctx, net);
    nb_net_release(ctx, other);
    nb_set_release(ctx, set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(linear_by_hand), TEST(sigmoid_by_hand), TEST(two_by_hand), TEST(softmax_by_hand),
        TEST(least_squares),  TEST(large_inputs),    TEST(kink_beside), TEST(kink_at),
        TEST(refused),        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("curvature", tests, NULL, NULL);
}
