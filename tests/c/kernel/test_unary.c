/* The functions of unary.def: values within 4 units in the last place of the exact ones, the edges
 * of their ranges, slopes against central differences, and one result whatever table and stride. */
#include "numbers.h"

enum { COUNT = 24000, SOME = 517 };

/* p and q of the functions that have parameters; exact in f32. A power of two scales, so that
 * adding q is the only rounding. */
static void parameters(nb_unary f, double *p, double *q)
{
    *p = f == NB_U_leaky_relu ? 0.0625 : (f == NB_U_clamp ? -1.5 : (f == NB_U_scale ? 2.0 : 1.5));
    *q = f == NB_U_clamp ? 2.25 : 0.5;
}

static long double clip(long double x, long double low, long double high)
{
    return x < low ? low : (x > high ? high : x);
}

static long double sigmoid(long double x)
{
    return 1.0L / (1.0L + expl(-x));
}

static long double mish(long double x)
{
    long double e = expl(clip(x, -20000.0L, 100.0L)), m = e * (e + 2.0L);
    return x * (m / (m + 2.0L));
}

static long double softplus(long double x)
{
    return (x > 0.0L ? x : 0.0L) + log1pl(expl(-fabsl(x)));
}

static long double circular(nb_unary f, long double x)
{
    switch (f) {
    case NB_U_sin:
        return sinl(x);
    case NB_U_cos:
        return cosl(x);
    case NB_U_tan:
        return tanl(x);
    case NB_U_asin:
        return asinl(x);
    case NB_U_acos:
        return acosl(x);
    case NB_U_atan:
        return atanl(x);
    case NB_U_sinh:
        return sinhl(x);
    case NB_U_cosh:
        return coshl(x);
    case NB_U_tanh:
        return tanhl(x);
    case NB_U_erf:
        return erfl(x);
    default:
        return rintl(x);
    }
}

static long double elementary(nb_unary f, long double x)
{
    switch (f) {
    case NB_U_copy:
        return x;
    case NB_U_neg:
        return -x;
    case NB_U_abs:
        return fabsl(x);
    case NB_U_sign:
        return x > 0.0L ? 1.0L : (x < 0.0L ? -1.0L : x);
    case NB_U_square:
        return x * x;
    case NB_U_reciprocal:
        return 1.0L / x;
    case NB_U_exp:
        return expl(x);
    case NB_U_expm1:
        return expm1l(x);
    case NB_U_log:
        return logl(x);
    case NB_U_log1p:
        return log1pl(x);
    case NB_U_sqrt:
        return sqrtl(x);
    case NB_U_rsqrt:
        return 1.0L / sqrtl(x);
    case NB_U_floor:
        return floorl(x);
    case NB_U_ceil:
        return ceill(x);
    default:
        return circular(f, x);
    }
}

/* The exact value, from the definitions and the C library's long double. */
static long double exact(nb_unary f, long double x, long double p, long double q)
{
    switch (f) {
    case NB_U_clamp:
        return clip(x, p, q);
    case NB_U_scale:
        return p * x + q;
    case NB_U_sigmoid:
        return sigmoid(x);
    case NB_U_relu:
        return x < 0.0L ? 0.0L : x;
    case NB_U_leaky_relu:
        return x < 0.0L ? p * x : x;
    case NB_U_elu:
        return x < 0.0L ? p * expm1l(x) : x;
    case NB_U_selu:
        return 1.0507009873554805L * (x < 0.0L ? 1.6732632423543772L * expm1l(x) : x);
    case NB_U_gelu:
        return x * 0.5L * erfcl(-x / sqrtl(2.0L));
    case NB_U_silu:
        return x * sigmoid(x);
    case NB_U_mish:
        return mish(x);
    case NB_U_softplus:
        return softplus(x);
    case NB_U_softsign:
        return x / (1.0L + fabsl(x));
    case NB_U_hard_sigmoid:
        return clip((x + 3.0L) / 6.0L, 0.0L, 1.0L);
    case NB_U_hard_tanh:
        return clip(x, -1.0L, 1.0L);
    case NB_U_hard_silu:
        return x * clip((x + 3.0L) / 6.0L, 0.0L, 1.0L);
    case NB_U_relu6:
        return clip(x, 0.0L, 6.0L);
    case NB_U_gaussian:
        return expl(-x * x);
    case NB_U_step:
        return x < 0.0L ? 0.0L : (x >= 0.0L ? 1.0L : x);
    case NB_U_elliot:
        return x < 0.0L ? 0.5L / (1.0L - x) : (0.5L + x) / (1.0L + x);
    default:
        return elementary(f, x);
    }
}

/* A third each: any bit pattern, any magnitude around 1, and evenly over what networks see. */
static void fill_inputs(nb_dtype dtype, size_t n, void *x)
{
    for (size_t i = 0; i < n; i++) {
        double wide = random_unit() * exp2(10.0 * random_unit());
        double value =
            i % 3 == 0 ? random_pattern(dtype) : (i % 3 == 1 ? wide : 20.0 * random_unit());
        put(dtype, x, i, value);
    }
}

/* Units in the last place that y is off f(x). In x times a factor that vanishes, the factor's
 * rounding where it is denormal counts x times. */
static long double error_of(nb_unary f, nb_dtype dtype, double x, double y)
{
    double p, q;
    parameters(f, &p, &q);
    long double wanted = exact(f, x, p, q);
    if (wanted != wanted) return y != y ? 0.0L : INFINITY;
    if (same_number(y, rounded(dtype, wanted))) return 0.0L;
    bool product = f == NB_U_gelu || f == NB_U_silu || f == NB_U_mish;
    long double unit = ulp(dtype, wanted) + (product ? fabsl(x) * ulp(dtype, 0.0L) : 0.0L);
    return fabsl((long double)y - wanted) / unit;
}

/* Catches a wrong coefficient, a wrong reduction, a limit set too low, a NaN that is lost. */
static void values_are_within_4_ulp(void **state)
{
    (void)state;
    double *x = malloc(COUNT * MOST_BYTES), *y = malloc(COUNT * MOST_BYTES);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        fill_inputs(dtype, COUNT, x);
        for (nb_unary f = 0; f < NB_UNARIES; f++) {
            double p, q;
            parameters(f, &p, &q);
            nb_real(dtype)->unary[f](COUNT, x, 1, y, 1, p, q);
            for (size_t i = 0; i < COUNT; i++) {
                double in = get(dtype, x, i), out = get(dtype, y, i);
                if (error_of(f, dtype, in, out) <= 4.0L) continue;
                fail_msg("%s(%a) in %s is %a: %Lg ulp off", nb_unary_names[f], in,
                         nb_dtype_name(dtype), out, error_of(f, dtype, in, out));
            }
        }
    }
    free(x);
    free(y);
}

static double value_at(nb_unary f, nb_dtype dtype, double x)
{
    double in, out, p, q;
    parameters(f, &p, &q);
    put(dtype, &in, 0, x);
    nb_real(dtype)->unary[f](1, &in, 1, &out, 1, p, q);
    return get(dtype, &out, 0);
}

/* Values at the ends of the ranges, infinities and zeros, which random numbers do not meet. */
static const struct {
    nb_unary f;
    double x, y;
} edges[] = {
    {NB_U_exp, INFINITY, INFINITY},
    {NB_U_exp, -INFINITY, 0.0},
    {NB_U_exp, -0.0, 1.0},
    {NB_U_exp, 1e4, INFINITY},
    {NB_U_exp, -1e4, 0.0},
    {NB_U_expm1, INFINITY, INFINITY},
    {NB_U_expm1, -INFINITY, -1.0},
    {NB_U_expm1, -0.0, -0.0},
    {NB_U_expm1, 0.0, 0.0},
    {NB_U_log, 0.0, -INFINITY},
    {NB_U_log, -0.0, -INFINITY},
    {NB_U_log, -1.0, NAN},
    {NB_U_log, INFINITY, INFINITY},
    {NB_U_log, -INFINITY, NAN},
    {NB_U_log, 1.0, 0.0},
    {NB_U_log1p, -1.0, -INFINITY},
    {NB_U_log1p, -2.0, NAN},
    {NB_U_log1p, INFINITY, INFINITY},
    {NB_U_log1p, -0.0, -0.0},
    {NB_U_sqrt, -0.0, -0.0},
    {NB_U_sqrt, -1.0, NAN},
    {NB_U_rsqrt, 0.0, INFINITY},
    {NB_U_sin, -0.0, -0.0},
    {NB_U_sin, INFINITY, NAN},
    {NB_U_cos, -INFINITY, NAN},
    {NB_U_cos, 0.0, 1.0},
    {NB_U_tan, -0.0, -0.0},
    {NB_U_tan, INFINITY, NAN},
    {NB_U_asin, 0.0, 0.0},
    {NB_U_asin, -0.0, -0.0},
    {NB_U_asin, 0x1.000002p0, NAN},
    {NB_U_asin, -0x1.000002p0, NAN},
    {NB_U_asin, INFINITY, NAN},
    {NB_U_acos, 1.0, 0.0},
    {NB_U_acos, 0x1.000002p0, NAN},
    {NB_U_acos, -0x1.000002p0, NAN},
    {NB_U_acos, -INFINITY, NAN},
    {NB_U_atan, 0.0, 0.0},
    {NB_U_atan, -0.0, -0.0},
    {NB_U_sinh, 0.0, 0.0},
    {NB_U_sinh, -0.0, -0.0},
    {NB_U_sinh, 0x1p-149, 0x1p-149},
    {NB_U_sinh, INFINITY, INFINITY},
    {NB_U_sinh, -INFINITY, -INFINITY},
    {NB_U_cosh, -0.0, 1.0},
    {NB_U_cosh, INFINITY, INFINITY},
    {NB_U_cosh, -INFINITY, INFINITY},
    {NB_U_erf, 0.0, 0.0},
    {NB_U_erf, -0.0, -0.0},
    {NB_U_erf, 6.0, 1.0},
    {NB_U_erf, INFINITY, 1.0},
    {NB_U_erf, -INFINITY, -1.0},
    {NB_U_sigmoid, INFINITY, 1.0},
    {NB_U_sigmoid, -INFINITY, 0.0},
    {NB_U_sigmoid, 0.0, 0.5},
    {NB_U_tanh, INFINITY, 1.0},
    {NB_U_tanh, -INFINITY, -1.0},
    {NB_U_tanh, -0.0, -0.0},
    {NB_U_round, 0.5, 0.0},
    {NB_U_round, 1.5, 2.0},
    {NB_U_round, 2.5, 2.0},
    {NB_U_round, -0.5, -0.0},
    {NB_U_floor, -0.0, -0.0},
    {NB_U_ceil, -0.5, -0.0},
    {NB_U_sign, -3.0, -1.0},
    {NB_U_sign, 0.0, 0.0},
    {NB_U_gelu, INFINITY, INFINITY},
    {NB_U_gelu, -INFINITY, -0.0},
    {NB_U_silu, INFINITY, INFINITY},
    {NB_U_silu, -INFINITY, -0.0},
    {NB_U_mish, INFINITY, INFINITY},
    {NB_U_mish, -INFINITY, -0.0},
    {NB_U_softplus, -INFINITY, 0.0},
    {NB_U_softplus, INFINITY, INFINITY},
    {NB_U_softsign, INFINITY, 1.0},
    {NB_U_softsign, -INFINITY, -1.0},
    {NB_U_elliot, INFINITY, 1.0},
    {NB_U_elliot, -INFINITY, 0.0},
    {NB_U_hard_silu, -INFINITY, -0.0},
    {NB_U_hard_silu, INFINITY, INFINITY},
    {NB_U_gaussian, INFINITY, 0.0},
    {NB_U_gaussian, 0.0, 1.0},
    {NB_U_step, 0.0, 1.0},
    {NB_U_step, -0.0, 1.0},
    {NB_U_elu, -INFINITY, -1.5},
    {NB_U_relu, -INFINITY, 0.0},
    {NB_U_clamp, INFINITY, 2.25},
    {NB_U_clamp, -INFINITY, -1.5},
};

static void edges_are_exact(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            double y = value_at(edges[i].f, dtype, edges[i].x);
            if (same_number(y, edges[i].y)) continue;
            fail_msg("%s(%g) in %s is %g, not %g", nb_unary_names[edges[i].f], edges[i].x,
                     nb_dtype_name(dtype), y, edges[i].y);
        }
    }
}

static void nan_stays_nan(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (nb_unary f = 0; f < NB_UNARIES; f++) {
            if (!isnan(value_at(f, dtype, NAN))) fail_msg("%s(NaN)", nb_unary_names[f]);
        }
    }
}

/* The largest finite and the smallest denormal results of exp and its overflow and underflow, one
 * number to either side. */
static void exp_ends_where_it_must(void **state)
{
    (void)state;
    assert_true(isfinite(value_at(NB_U_exp, NB_F32, 0x1.62e42ep6)));
    assert_true(isinf(value_at(NB_U_exp, NB_F32, 0x1.62e430p6)));
    assert_true(isfinite(value_at(NB_U_exp, NB_F64, 0x1.62e42fefa39efp9)));
    assert_true(isinf(value_at(NB_U_exp, NB_F64, 0x1.62e42fefa39f0p9)));
    assert_true(value_at(NB_U_exp, NB_F32, -103.97) == 0x1p-149);
    assert_true(value_at(NB_U_exp, NB_F32, -103.98) == 0.0);
    assert_true(value_at(NB_U_exp, NB_F64, -745.13) == 0x1p-1074);
    assert_true(value_at(NB_U_exp, NB_F64, -745.14) == 0.0);
}

/* sinh and cosh overflow where half of e^x does, not where e^x does. */
static void sinh_and_cosh_end_where_they_must(void **state)
{
    (void)state;
    const nb_unary both[] = {NB_U_sinh, NB_U_cosh};
    for (size_t i = 0; i < 2; i++) {
        assert_true(isfinite(value_at(both[i], NB_F32, 0x1.65a9f8p6)));
        assert_true(isinf(value_at(both[i], NB_F32, 0x1.65a9fap6)));
        assert_true(isfinite(value_at(both[i], NB_F64, 0x1.633ce8fb9f87dp9)));
        assert_true(isinf(value_at(both[i], NB_F64, 0x1.633ce8fb9f87ep9)));
    }
}

/* Where one formula gives way to the next, the ends of the domain and the numbers to either side
 * of each, which random numbers seldom meet. */
static void inverses_and_erf_at_their_joints(void **state)
{
    (void)state;
    enum { AROUND = 200 };
    const nb_unary all[] = {NB_U_asin, NB_U_acos, NB_U_atan, NB_U_sinh, NB_U_cosh, NB_U_erf};
    const double joints[] = {
        0x1p-27, 0x1p-13, 0.41421356237309503, 0.5, 1.0, 1.5, 2.414213562373095, 4.0, 6.0, 1e30};
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (size_t i = 0; i < sizeof joints / sizeof *joints * AROUND; i++) {
            int k = (int)(i % AROUND) - AROUND / 2;
            double unit = dtype == NB_F32 ? FLT_EPSILON : DBL_EPSILON;
            double x = rounded(dtype, joints[i / AROUND] * (1.0 + k * unit));
            for (size_t f = 0; f < 2 * (sizeof all / sizeof *all); f++) {
                double in = f % 2 ? -x : x, out = value_at(all[f / 2], dtype, in);
                if (error_of(all[f / 2], dtype, in, out) <= 4.0L) continue;
                fail_msg("%s(%a) in %s is %a", nb_unary_names[all[f / 2]], in, nb_dtype_name(dtype),
                         out);
            }
        }
}

/* Arguments next to multiples of pi / 2, where reduction loses digits, and huge ones, which libm
 * does; both in one block. 6381956970095103 * 2^797 is the double nearest to a multiple of pi / 2.
 */
static void sine_of_awkward_arguments(void **state)
{
    (void)state;
    const nb_unary trio[] = {NB_U_sin, NB_U_cos, NB_U_tan};
    double x[SOME], y[SOME];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (size_t i = 0; i < SOME; i++) {
            double near = (double)(i * 127) * 1.57079632679489661923;
            put(dtype, x, i, i % 7 == 3 ? random_unit() * 0x1p100 : near);
        }
        put(dtype, x, 0, 99999.99);
        put(dtype, x, 1, 1e5);
        put(dtype, x, 2, nextafterf(1e5f, INFINITY));
        if (dtype == NB_F64) put(dtype, x, 4, ldexp(6381956970095103.0, 797));
        for (size_t t = 0; t < 3; t++) {
            nb_real(dtype)->unary[trio[t]](SOME, x, 1, y, 1, 0, 0);
            for (size_t i = 0; i < SOME; i++) {
                double in = get(dtype, x, i), out = get(dtype, y, i);
                if (fabs(in) > 1e15 && dtype == NB_F64) {
                    double wanted = t == 0 ? sin(in) : (t == 1 ? cos(in) : tan(in));
                    assert_true(same_number(out, wanted));
                } else {
                    assert_true(error_of(trio[t], dtype, in, out) <= 4.0L);
                }
            }
        }
    }
}

static double slope_at(nb_unary f, double x, double dy)
{
    double y, dx, p, q;
    parameters(f, &p, &q);
    nb_real(NB_F64)->unary[f](1, &x, 1, &y, 1, p, q);
    nb_real(NB_F64)->slope[f](1, nb_unary_needs[f] == NB_FROM_X ? &x : NULL,
                              nb_unary_needs[f] == NB_FROM_Y ? &y : NULL, &dy, &dx, p, q);
    return dx;
}

/* Catches a slope of the wrong sign, factor or argument; the functions' kinks are not among the x.
 */
static void slopes_equal_differences(void **state)
{
    (void)state;
    const double h = 1e-5;
    for (nb_unary f = 0; f < NB_UNARIES; f++) {
        bool positive = f == NB_U_log || f == NB_U_log1p || f == NB_U_sqrt || f == NB_U_rsqrt;
        bool arc = f == NB_U_asin || f == NB_U_acos;
        for (double at = -6.9137; at < 7.0; at += 0.2371) {
            double x = positive ? fabs(at) : (arc ? at / 8.0 : at);
            double rise = value_at(f, NB_F64, x + h) - value_at(f, NB_F64, x - h);
            double difference = rise / (2.0 * h), slope = slope_at(f, x, 1.0);
            double size = fabs(difference) + fabs(value_at(f, NB_F64, x)) + 1e-3;
            if (f == NB_U_tan && fabs(cos(x)) < 0.2) continue;
            if (fabs(slope - difference) <= 2e-8 * size + 1e-6 * fabs(slope)) continue;
            fail_msg("%s'(%g) is %g, differences give %g", nb_unary_names[f], x, slope, difference);
        }
    }
}

/* What no difference tells: the value chosen at a kink. */
static void slopes_at_kinks(void **state)
{
    (void)state;
    const struct {
        nb_unary f;
        double x, slope;
    } kinks[] = {
        {NB_U_relu, 0.0, 0.0},
        {NB_U_leaky_relu, 0.0, 0.0625},
        {NB_U_clamp, -1.5, 1.0},
        {NB_U_clamp, 2.25, 1.0},
        {NB_U_abs, 0.0, 0.0},
        {NB_U_relu6, 0.0, 0.0},
        {NB_U_relu6, 6.0, 0.0},
        {NB_U_hard_tanh, 1.0, 0.0},
        {NB_U_hard_tanh, -1.0, 0.0},
        {NB_U_hard_sigmoid, 3.0, 0.0},
        {NB_U_hard_silu, 3.0, 1.5},
        {NB_U_hard_silu, -3.0, -0.5},
        {NB_U_step, 0.0, 0.0},
        {NB_U_elu, 0.0, 1.5},
        {NB_U_gelu, INFINITY, 1.0},
        {NB_U_silu, -INFINITY, 0.0},
        {NB_U_mish, INFINITY, 1.0},
        {NB_U_softsign, INFINITY, 0.0},
        {NB_U_gaussian, INFINITY, 0.0},
        {NB_U_mish, -INFINITY, 0.0},
        {NB_U_gelu, -INFINITY, 0.0},
        {NB_U_asin, 1.0, INFINITY},
        {NB_U_acos, -1.0, -INFINITY},
        {NB_U_atan, INFINITY, 0.0},
        {NB_U_sinh, -INFINITY, INFINITY},
        {NB_U_cosh, -INFINITY, -INFINITY},
        {NB_U_erf, -INFINITY, 0.0},
    };
    for (size_t i = 0; i < sizeof kinks / sizeof *kinks; i++) {
        double slope = slope_at(kinks[i].f, kinks[i].x, 1.0);
        if (slope == kinks[i].slope) continue;
        fail_msg("%s'(%g) is %g, not %g", nb_unary_names[kinks[i].f], kinks[i].x, slope,
                 kinks[i].slope);
    }
}

/* A gradient of 0 stays 0 where the slope is infinite or NaN: 0 times infinity would poison the
 * rest. */
static void no_demand_gives_no_gradient(void **state)
{
    (void)state;
    const double awkward[] = {0.0, -0.0, -1.0, INFINITY, -INFINITY, NAN};
    for (nb_unary f = 0; f < NB_UNARIES; f++) {
        for (size_t i = 0; i < sizeof awkward / sizeof *awkward; i++) {
            assert_true(slope_at(f, awkward[i], 0.0) == 0.0);
            assert_true(slope_at(f, awkward[i], -0.0) == 0.0);
        }
    }
}

/* Catches contraction, another order of operations, or a main loop that differs from its tail. */
static void every_table_gives_the_same_bits(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    double x[SOME], dy[SOME], y[SOME], y0[SOME], dx[SOME], dx0[SOME];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        fill_inputs(dtype, SOME, x);
        fill_inputs(dtype, SOME, dy);
        for (nb_unary f = 0; f < NB_UNARIES; f++) {
            double p, q;
            parameters(f, &p, &q);
            all[0]->real[dtype]->unary[f](SOME, x, 1, y0, 1, p, q);
            all[0]->real[dtype]->slope[f](SOME, x, y0, dy, dx0, p, q);
            for (size_t t = 1; t < tables; t++) {
                all[t]->real[dtype]->unary[f](SOME, x, 1, y, 1, p, q);
                all[t]->real[dtype]->slope[f](SOME, x, y, dy, dx, p, q);
                assert_same(nb_unary_names[f], dtype, SOME, y, y0);
                assert_same(nb_unary_names[f], dtype, SOME, dx, dx0);
            }
        }
    }
}

/* In one pass as alone, also where the slope takes x's place; and dy times it as the slope alone.
 */
static void values_and_slopes_together(void **state)
{
    (void)state;
    size_t tables, found = 0;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    double x[SOME], dy[SOME], y[SOME], y0[SOME], dx[SOME], dx0[SOME];
    for (size_t i = 0; i < 2 * tables * NB_UNARIES; i++) {
        nb_unary f = (nb_unary)(i / 2 / tables);
        nb_dtype dtype = i % 2 ? NB_F64 : NB_F32;
        const nb_real_kernels *real = all[i / 2 % tables]->real[dtype];
        if (!real->with_slope[f]) continue;
        fill_inputs(dtype, SOME, x);
        fill_inputs(dtype, SOME, dy);
        put(dtype, dy, 1, 0);
        real->unary[f](SOME, x, 1, y0, 1, 0, 0);
        real->slope[f](SOME, x, y0, dy, dx0, 0, 0);
        real->with_slope[f](SOME, x, y, dx);
        real->with_slope[f](SOME, x, y, x);
        assert_same("slope in x's place", dtype, SOME, x, dx);
        real->chain(SOME, dx, dy, dx);
        assert_same(nb_unary_names[f], dtype, SOME, y, y0);
        assert_same(nb_unary_names[f], dtype, SOME, dx, dx0);
        found++;
    }
    assert_true(found > 0);
}

/* A view gives what its copy gives; an output may be its input; nothing beside an output is
 * written. */
static void strides_change_nothing(void **state)
{
    (void)state;
    enum { WIDE = 3 * SOME };
    double x[WIDE], y[SOME], spread[WIDE], packed[SOME];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        char *last = (char *)x + (SOME - 1) * 3 * width(dtype);
        fill_inputs(dtype, WIDE, x);
        for (size_t i = 0; i < SOME; i++) put(dtype, packed, i, get(dtype, x, 3 * (SOME - 1 - i)));
        for (nb_unary f = 0; f < NB_UNARIES; f++) {
            nb_unary_fn *loop = nb_real(dtype)->unary[f];
            loop(SOME, packed, 1, y, 1, 1.5, 2.5);
            for (size_t i = 0; i < WIDE; i++) put(dtype, spread, i, 7.0);
            loop(SOME, last, -3, spread, 2, 1.5, 2.5);
            for (size_t i = 0; i < SOME; i++) {
                assert_true(same_number(get(dtype, y, i), get(dtype, spread, 2 * i)));
                assert_true(get(dtype, spread, 2 * i + 1) == 7.0);
            }
            memcpy(spread, packed, sizeof packed);
            loop(SOME, spread, 1, spread, 1, 1.5, 2.5);
            assert_same(nb_unary_names[f], dtype, SOME, spread, y);
            loop(SOME, packed, 0, spread, 1, 1.5, 2.5);
            assert_true(same_number(get(dtype, spread, SOME - 1), get(dtype, y, 0)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_within_4_ulp),
        cmocka_unit_test(edges_are_exact),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(exp_ends_where_it_must),
        cmocka_unit_test(sinh_and_cosh_end_where_they_must),
        cmocka_unit_test(inverses_and_erf_at_their_joints),
        cmocka_unit_test(sine_of_awkward_arguments),
        cmocka_unit_test(slopes_equal_differences),
        cmocka_unit_test(slopes_at_kinks),
        cmocka_unit_test(no_demand_gives_no_gradient),
        cmocka_unit_test(every_table_gives_the_same_bits),
        cmocka_unit_test(values_and_slopes_together),
        cmocka_unit_test(strides_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
