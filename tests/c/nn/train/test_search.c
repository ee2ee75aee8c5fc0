/* Full-batch optimizers on problems without a network: Rosenbrock's valley and quadratic bowls, to
 * ten digits; that what does not learn keeps its bits; that a line that cannot go down changes
 * nothing; and that the state alone carries a run on. */
#include "../nets.h"

#include "../../support.h"
#include "nn/train/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 40 };

typedef double cost_fn(int64_t n, const double *w, double *g);

/* A problem over so many numbers, in f64. */
typedef struct lab {
    nb_optimizer optimizer;
    cost_fn *of;
    double w[MOST], g[MOST];
    uint8_t mask[MOST];
    nb_segment segment[2];
    nb_problem problem;
    int looks, bad_from; /* evaluations so far, and from which on they are NaN (0: never) */
} lab;

static nb_status evaluate(nb_ctx *on, void *self, double *cost)
{
    lab *l = self;
    l->looks++;
    *cost = l->of(l->problem.count, l->w, l->g);
    bool bad = !isfinite(*cost) || (l->bad_from && l->looks >= l->bad_from);
    return bad ? nb_fail(on, NB_EVALUE, "the cost is nan") : NB_OK;
}

static void begin(lab *l, const char *name, cost_fn *of, int64_t n, double start)
{
    *l = (lab){.of = of, .segment = {{.count = n, .factor = 1}}};
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(name));
    for (int64_t i = 0; i < n; i++) l->w[i] = start;
    l->problem = (nb_problem){.dtype = NB_F64,
                              .count = n,
                              .values = l->w,
                              .gradient = l->g,
                              .segment = l->segment,
                              .segments = 1,
                              .evaluate = evaluate,
                              .self = l};
}

static void end(lab *l)
{
    nb_optimizer_free(ctx, &l->optimizer);
}

static nb_status step(lab *l)
{
    nb_status status = evaluate(ctx, l, &l->problem.cost);
    return status == NB_OK ? nb_optimizer_step(ctx, &l->optimizer, &l->problem) : status;
}

/* Steps until it says that it is done; how many. */
static int run(lab *l)
{
    int steps = 0;
    while (steps < 2000 && !nb_optimizer_done(&l->optimizer)) {
        assert_int_equal(step(l), NB_OK);
        steps++;
    }
    assert_non_null(nb_optimizer_done(&l->optimizer));
    return steps;
}

/* Σ 100 (w[i+1] - w[i]²)² + (1 - w[i])², lowest, 0, at ones */
static double rosenbrock(int64_t n, const double *w, double *g)
{
    double sum = 0;
    memset(g, 0, (size_t)n * sizeof *g);
    for (int64_t i = 0; i + 1 < n; i++) {
        double a = w[i + 1] - w[i] * w[i], b = 1 - w[i];
        sum += 100 * a * a + b * b;
        g[i] += -400 * a * w[i] - 2 * b;
        g[i + 1] += 200 * a;
    }
    return sum;
}

/* 7 + ½ Σ (i + 1)² (w[i] - i)², whose lowest cost is not 0: the cost alone tells the place to
 * half of its digits. */
static double bowl(int64_t n, const double *w, double *g)
{
    double sum = 7;
    for (int64_t i = 0; i < n; i++) {
        double steep = (double)((i + 1) * (i + 1)), off = w[i] - (double)i;
        sum += 0.5 * steep * off * off;
        g[i] = steep * off;
    }
    return sum;
}

static const char *const searches[] = {"lbfgs", "cg"};

static void test_rosenbrock(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int64_t n = 2; n <= 20; n += 18) {
            lab l;
            begin(&l, searches[k], rosenbrock, n, -1.2);
            for (int64_t i = 1; i < n; i += 2) l.w[i] = 1;
            assert_true(run(&l) < 1000);
            for (int64_t i = 0; i < n; i++) assert_true(fabs(l.w[i] - 1) <= 1e-10);
            end(&l);
        }
}

static void test_bowl(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l;
        begin(&l, searches[k], bowl, MOST, 100);
        assert_true(run(&l) < 600);
        for (int64_t i = 0; i < MOST; i++) assert_true(fabs(l.w[i] - (double)i) <= 1e-10);
        end(&l);
    }
}

/* A cost with the noise of a long sum, some 1e-14 of it: from 1e-6 before the bottom slopes alone
 * tell the way. */
static double noisy_bowl(int64_t n, const double *w, double *g)
{
    double cost = bowl(n, w, g) + 1000, sum = 0;
    for (int64_t i = 0; i < n; i++) sum += w[i];
    return cost * (1 + 3e-14 * sin(1e12 * sum));
}

static void test_slopes_tell_where_costs_cannot(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l;
        begin(&l, searches[k], noisy_bowl, 10, 100);
        run(&l);
        for (int64_t i = 0; i < 10; i++) {
            if (!(fabs(l.w[i] - (double)i) <= 1e-9))
                fail_msg("%s: %g off", searches[k], l.w[i] - (double)i);
        }
        end(&l);
    }
}

/* Half of the values are frozen, and of the others some are masked; a factor only bends the way. */
static void test_what_rests(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l;
        begin(&l, searches[k], bowl, MOST, -0.0);
        l.segment[0] = (nb_segment){.count = MOST / 2, .factor = 0.25};
        l.segment[1] =
            (nb_segment){.start = MOST / 2, .count = MOST / 2, .factor = 1, .frozen = true};
        l.problem.segments = 2;
        for (int i = 0; i < MOST; i++) l.mask[i] = i % 3 != 0;
        l.problem.mask = l.mask;
        run(&l);
        for (int64_t i = 0; i < MOST; i++) {
            bool rests = i >= MOST / 2 || i % 3 == 0;
            assert_true(rests ? l.w[i] == 0 && signbit(l.w[i])
                              : fabs(l.w[i] - (double)i) <= 1e-10);
        }
        end(&l);
    }
}

/* A gradient that points the wrong way: no step goes down, and it says so. */
static double lying(int64_t n, const double *w, double *g)
{
    double cost = bowl(n, w, g);
    for (int64_t i = 0; i < n; i++) g[i] = -g[i];
    return cost;
}

static void test_cannot_go_down(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l;
        begin(&l, searches[k], lying, 5, 3.5);
        assert_int_equal(step(&l), NB_OK);
        assert_string_equal(nb_optimizer_done(&l.optimizer), "no step lowers the cost further");
        for (int i = 0; i < 5; i++) assert_true(l.w[i] == 3.5);
        end(&l);
    }
}

/* Behind 2 there is nothing: the search stays before it. */
static double cliff(int64_t n, const double *w, double *g)
{
    double cost = bowl(n, w, g);
    for (int64_t i = 0; i < n; i++)
        if (w[i] > 2) return NAN;
    return cost;
}

static void test_nan_is_too_high(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l;
        begin(&l, searches[k], cliff, 2, -50);
        run(&l);
        assert_true(fabs(l.w[0]) <= 1e-10 && fabs(l.w[1] - 1) <= 1e-10);
        end(&l);
    }
}

/* Every step from a copy of values and state alone has the same bits. */
static void test_goes_on(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l, other;
        begin(&l, searches[k], rosenbrock, 6, -1);
        for (int i = 0; i < 30; i++) {
            begin(&other, searches[k], rosenbrock, 6, 0);
            memcpy(other.w, l.w, sizeof l.w);
            assert_int_equal(nb_optimizer_copy(ctx, &other.optimizer, &l.optimizer), NB_OK);
            assert_int_equal(step(&l), NB_OK);
            assert_int_equal(step(&other), NB_OK);
            assert_memory_equal(l.w, other.w, sizeof l.w);
            end(&other);
        }
        end(&l);
    }
}

/* A request that fails, and Ctrl-C, at any place: values and state are as before, and the next step
 * is the one that would have been. */
static nb_status interrupt_at(nb_ctx *on, void *self, double *cost)
{
    lab *l = self;
    nb_status status = evaluate(on, self, cost);
    return l->bad_from < 0 && l->looks >= -l->bad_from ? NB_EINTERRUPT : status;
}

static void test_failures_change_nothing(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        lab l, copy;
        begin(&l, searches[k], rosenbrock, 6, -1);
        for (int i = 0; i < 5; i++) assert_int_equal(step(&l), NB_OK);
        begin(&copy, searches[k], rosenbrock, 6, 0);
        memcpy(copy.w, l.w, sizeof l.w);
        assert_int_equal(nb_optimizer_copy(ctx, &copy.optimizer, &l.optimizer), NB_OK);
        assert_int_equal(evaluate(ctx, &l, &l.problem.cost), NB_OK);
        l.problem.evaluate = interrupt_at;
        l.bad_from = -1;
        assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_EINTERRUPT);
        assert_memory_equal(l.w, copy.w, sizeof l.w);
        l.problem.evaluate = evaluate;
        l.bad_from = 0;
        assert_int_equal(step(&l), NB_OK);
        assert_int_equal(step(&copy), NB_OK);
        assert_memory_equal(l.w, copy.w, sizeof l.w);
        end(&l);
        end(&copy);
    }
}

/* Done, a run that begins starts anew: the problem may be another. */
static void test_begins_anew(void **state)
{
    (void)state;
    lab l;
    begin(&l, "lbfgs", bowl, 3, 5);
    run(&l);
    nb_optimizer_begin(&l.optimizer);
    assert_null(nb_optimizer_done(&l.optimizer));
    l.of = rosenbrock;
    run(&l);
    for (int i = 0; i < 3; i++) assert_true(fabs(l.w[i] - 1) <= 1e-10);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rosenbrock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bowl, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slopes_tell_where_costs_cannot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_rests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_go_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nan_is_too_high, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begins_anew, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
