/* Curvature: Hessians and Gauss-Newton matrices worked out by hand, spectra that are known, Lanczos
 * beside LAPACK, and what holds of networks of every kind. */
#include "../nets.h"
#include "../trees.h"

#include "../../support.h"
#include "base/workers.h"
#include "kernel/lapack.h"
#include "nn/inspect/curvature/curvature.h"
#include "nn/inspect/curvature/lanczos.h"
#include "nn/learns.h"

#include <math.h>
#include <stdio.h>

/* ---- Networks with values of their own ------------------------------------------------------- */

static nb_net *net_with(const char *notation, const double *values)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    memcpy(nb_tensor_data(net->values), values, (size_t)nb_net_count(net) * sizeof *values);
    return net;
}

static nb_set *set_with(nb_tensor *x, nb_tensor *y)
{
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    if (!set) fail_msg("%s", ctx->message);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

static void find_with(nb_net *net, const nb_set *set, const nb_weights *weights, int64_t top,
                      nb_curvature *out)
{
    const nb_curvature_options options = {.top = top, .matrices = top == 0};
    if (nb_curvature_find(ctx, net, set, weights, &options, out) != NB_OK)
        fail_msg("%s", ctx->message);
}

static double at(const nb_tensor *t, int64_t i, int64_t j)
{
    return ((const double *)nb_tensor_data(t))[i * t->shape[1] + j];
}

static double value_at(const nb_tensor *t, int64_t i)
{
    return ((const double *)nb_tensor_data(t))[i];
}

static void assert_near(double a, double b, double near)
{
    if (!(fabs(a - b) <= near)) fail_msg("%.17g is not %.17g", a, b);
}

static void assert_matrix(const nb_tensor *t, const double *wanted, double near)
{
    int64_t n = t->shape[0];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (!(fabs(at(t, i, j) - wanted[i * n + j]) <= near))
                fail_msg("element (%d, %d) is %.12g, not %.12g", (int)i + 1, (int)j + 1,
                         at(t, i, j), wanted[i * n + j]);
}

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

/* ---- Networks that chance draws -------------------------------------------------------------- */

enum { TREES = 200, EXAMPLES = 3, PARAMETERS = 150 };

static const char *drawn;

static void holds(bool condition, const char *what)
{
    if (!condition) fail_msg("%s\n%s: %s", drawn, what, ctx->message);
}

typedef struct tree {
    nb_net *net;
    nb_tensor *x, *y;
    nb_curvature c;
    double *v; /* a direction of length 1 */
} tree;

/* The values moved by t along v. */
static void move(const tree *t, double by)
{
    double *values = nb_tensor_data(t->net->values);
    for (int64_t j = 0; j < t->c.count; j++) values[t->c.place[j]] += by * t->v[j];
}

/* vᵀ M v */
static double form(const tree *t, const nb_tensor *m)
{
    double sum = 0;
    for (int64_t i = 0; i < t->c.count; i++)
        for (int64_t j = 0; j < t->c.count; j++) sum += t->v[i] * at(m, i, j) * t->v[j];
    return sum;
}

/* The derivative of C along v where the values are t further. */
static double slope_at(const tree *t, double by)
{
    double cost, sum = 0;
    move(t, by);
    holds(nb_net_backprop(ctx, t->net, t->x, t->y, &cost) == NB_OK, "it has a gradient");
    move(t, -by);
    const double *g = nb_tensor_data(t->net->grads);
    for (int64_t j = 0; j < t->c.count; j++) sum += t->v[j] * g[t->c.place[j]];
    return sum;
}

/* vᵀ H v by four gradients (of order h⁴), against the matrix. */
static void check_hessian(const tree *t)
{
    const double h = 1e-3;
    double near = 8 * (slope_at(t, h) - slope_at(t, -h));
    double wanted = (near - slope_at(t, 2 * h) + slope_at(t, -2 * h)) / (12 * h);
    double found = form(t, t->c.matrix);
    if (!(fabs(wanted - found) <= 1e-6 * (1 + fabs(wanted)) + t->c.hessian.error))
        fail_msg("%s\nvᵀHv is %.12g, by gradients %.12g", drawn, found, wanted);
}

/* What the cost goes on from: z where it is fused, else a. */
static nb_tensor *outputs_at(const tree *t, double by, bool fused)
{
    nb_result pass;
    move(t, by);
    holds(nb_net_run(ctx, t->net, t->x, fused ? t->y : NULL, NULL, NULL, &pass) == NB_OK,
          "it runs");
    move(t, -by);
    nb_tensor *out = nb_tensor_contiguous(ctx, pass.output);
    nb_result_free(ctx, &pass);
    return out;
}

/* C of outputs out + t d, by the unfused cost. */
static double cost_along(const tree *t, nb_tensor *out, const double *d, double by, bool fused)
{
    const nb_layer *end = nb_layer_end(&t->net->layer);
    nb_tensor *moved = nb_tensor_clone(ctx, out);
    double *to = nb_tensor_data(moved);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) to[i] += by * d[i];
    nb_tensor *a = fused ? nb_runs_apply_in(ctx, end->plan->runs, end->plan->where, moved)
                         : nb_tensor_retain(moved);
    nb_tensor *cost = nb_net_cost_from(ctx, t->net, a, &(nb_answers){t->y, NULL}, NULL);
    holds(cost != NULL, "it has a cost");
    double value = nb_tensor_item(cost);
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, moved);
    return value;
}

/* vᵀ Jᵀ H_L J v: the second derivative of C where the outputs go straight on, J v. */
static void check_gauss(const tree *t)
{
    const double h = 1e-3, s = 1e-3;
    bool fused = nb_net_fused(t->net) != NB_OPS;
    nb_tensor *out = outputs_at(t, 0, fused);
    nb_tensor *p = outputs_at(t, h, fused), *m = outputs_at(t, -h, fused);
    nb_tensor *pp = outputs_at(t, 2 * h, fused), *mm = outputs_at(t, -2 * h, fused);
    double *d = nb_tensor_data(p), size = 0;
    for (int64_t i = 0; i < nb_tensor_count(out); i++) {
        d[i] = (8 * (d[i] - value_at(m, i)) - value_at(pp, i) + value_at(mm, i)) / (12 * h);
        size = fmax(size, fabs(d[i]));
    }
    double by = s / fmax(1, size), base = cost_along(t, out, d, 0, fused);
    double near = cost_along(t, out, d, by, fused) + cost_along(t, out, d, -by, fused);
    double far = cost_along(t, out, d, 2 * by, fused) + cost_along(t, out, d, -2 * by, fused);
    double wanted = (16 * near - far - 30 * base) / (12 * by * by);
    double found = form(t, t->c.gauss_matrix);
    if (!(fabs(wanted - found) <=
          1e-5 * (1 + fabs(base)) * fmax(1, size * size) + 1e-5 * fabs(wanted)))
        fail_msg("%s\nvᵀGv is %.12g, along the outputs %.12g", drawn, found, wanted);
    nb_tensor *const all[] = {out, p, m, pp, mm};
    for (int i = 0; i < 5; i++) nb_tensor_release(ctx, all[i]);
}

/* Costs that are convex in what they are taken from. */
static bool is_convex(const nb_net *net)
{
    return net->cost.type->squares || nb_net_fused(net) != NB_OPS;
}

static void check_spectra(const tree *t)
{
    const nb_curvature *c = &t->c;
    double trace = 0, sum = 0, sum_of_layers = 0;
    for (int64_t i = 0; i < c->count; i++) {
        trace += at(c->matrix, i, i);
        sum += value_at(c->hessian.values, i);
    }
    for (int l = 0; l < c->layers; l++)
        for (int64_t i = 0; i < c->layer[l].count; i++)
            sum_of_layers += value_at(c->layer[l].hessian.values, i);
    double size =
        1 + fabs(value_at(c->hessian.values, 0)) + fabs(value_at(c->hessian.values, c->count - 1));
    holds(fabs(trace - sum) <= 1e-10 * size * (double)c->count, "the eigenvalues sum to the trace");
    holds(fabs(trace - sum_of_layers) <= 1e-10 * size * (double)c->count, "those of layers too");
    holds(c->hessian.error <= 1e-4 * size, "the Hessian is as good as symmetric");
    holds(!*c->missing, c->missing);
    if (is_convex(t->net))
        holds(value_at(c->gauss.values, c->count - 1) >=
                  -1e-12 * (1 + value_at(c->gauss.values, 0)),
              "Gauss-Newton is positive semidefinite");
}

static int looked_at;

static void check_tree(uint64_t number)
{
    static char text[TREE_TEXT_MAX];
    tree t = {.net = NULL};
    nb_stream stream = nb_stream_make(number, NB_FOR_TENSOR, 1);
    draw_tree(text, number);
    drawn = text;
    t.net = net_of(ctx, text, NB_F64);
    double *values = nb_tensor_data(t.net->values);
    for (int64_t i = 0; i < nb_net_count(t.net); i++) values[i] = nb_random_normal(&stream) / 2;
    if (nb_net_count(t.net) <= PARAMETERS && nb_net_count(t.net) > 0) {
        t.x = tree_inputs(ctx, t.net, EXAMPLES, 11);
        t.y = tree_targets(ctx, t.net, EXAMPLES);
        nb_set *set = nb_set_new(ctx, t.x, 1, t.y, NULL, 0, NULL);
        const nb_curvature_options options = {.matrices = true};
        nb_status status = nb_curvature_find(ctx, t.net, set, NULL, &options, &t.c);
        if (status != NB_OK && strstr(ctx->message, "no parameter learns")) status = NB_OK;
        holds(status == NB_OK, "its curvature is found");
        if (t.c.count && t.c.error.kinks == 0) {
            size_t bytes = (size_t)t.c.count * sizeof *t.v;
            double sum = 0;
            t.v = nb_alloc(ctx, bytes);
            for (int64_t j = 0; j < t.c.count; j++) t.v[j] = nb_random_normal(&stream);
            for (int64_t j = 0; j < t.c.count; j++) sum += t.v[j] * t.v[j];
            for (int64_t j = 0; j < t.c.count; j++) t.v[j] /= sqrt(sum);
            check_spectra(&t);
            check_hessian(&t);
            check_gauss(&t);
            nb_free(ctx, t.v, bytes);
            looked_at++;
        }
        nb_curvature_free(ctx, &t.c);
        nb_set_release(ctx, set);
        nb_tensor_release(ctx, t.x);
        nb_tensor_release(ctx, t.y);
    }
    nb_net_release(ctx, t.net);
    holds(ctx->memory.live == 0, "all memory is given back");
}

static void test_trees(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < TREES; i++) check_tree(i);
    assert_true(looked_at > TREES / 2);
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
        TEST(linear_by_hand),
        TEST(sigmoid_by_hand),
        TEST(two_by_hand),
        TEST(softmax_by_hand),
        TEST(least_squares),
        TEST(kink_beside),
        TEST(kink_at),
        TEST(lanczos_known),
        TEST(lanczos_identity),
        TEST(lanczos_copies),
        TEST(ends_of_outputs),
        TEST(large_inputs),
        TEST(ends),
        TEST(copies),
        TEST(trees),
        TEST(refused),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("curvature", tests, NULL, NULL);
}
