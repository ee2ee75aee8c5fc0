/* Steps over rows of non-zeros: the bits of a plain loop over all inputs in the order that
 * kernel/thin.h names; the same whoever looks on, also where memory ends; the parameters as
 * everybody knows them on every way out; and which networks, sets and batches take such steps. */
#include "../nets.h"

#include "base/workers.h"
#include "nn/train/judge/evaluate.h"
#include "nn/train/run/train.h"

#include "../../support.h"

#include "thin_sets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 70 };

/* ---- Runs ------------------------------------------------------------------------------------ */

typedef struct run {
    nb_net *net;
    nb_set *set;
    nb_optimizer optimizer;
    nb_trainer_options options;
    nb_trainer *trainer;
} run;

static void begin(run *r, nb_net *net, nb_set *set, const char *optimizer, int64_t batch)
{
    *r = (run){.net = net, .set = set};
    nb_optimizer_init(&r->optimizer,
                      nb_optimizer_find(!strcmp(optimizer, "adam") ? "adam" : "sgd"));
    r->optimizer.options.lr = !strcmp(optimizer, "adam") ? 0.01 : 0.5;
    if (!strcmp(optimizer, "momentum")) r->optimizer.options.momentum = 0.9;
    r->options = (nb_trainer_options){.batch = batch, .seed = 3, .optimizer = &r->optimizer};
    r->trainer = nb_trainer_new(ctx, net, set, &r->options);
    if (!r->trainer) fail_msg("%s", ctx->message);
}

static void end(run *r)
{
    nb_trainer_free(ctx, r->trainer);
    nb_optimizer_free(ctx, &r->optimizer);
    nb_net_release(ctx, r->net);
    nb_set_release(ctx, r->set);
}

static void step(run *r)
{
    double cost;
    if (nb_trainer_step(ctx, r->trainer, &cost) != NB_OK) fail_msg("%s", ctx->message);
}

/* ---- The order of sums ----------------------------------------------------------------------- */

static double term(nb_dtype dtype, double a, double b, double c)
{
    bool fused = nb_kernels_get()->thin[dtype]->fused;
    if (dtype == NB_F32)
        return fused ? (double)fmaf((float)a, (float)b, (float)c)
                     : (double)((float)((float)a * (float)b) + (float)c);
    return fused ? fma(a, b, c) : a * b + c;
}

static double rounded(nb_dtype dtype, double x)
{
    return dtype == NB_F32 ? (double)(float)x : x;
}

/* w (m, INPUTS) after a step of plain descent on n = 2^k rows of a layer without activation: 1 / n
 * and lr = 0.5 are exact. */
static void plain_step(nb_dtype dtype, int64_t m, int64_t n, int every, const double *w,
                       const double *b, const double *y, double *out)
{
    double *sum = calloc((size_t)(m * INPUTS), sizeof *sum);
    memcpy(out, w, (size_t)(m * INPUTS) * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < m; o++) {
            double z = b[o];
            for (int64_t j = 0; j < INPUTS; j++)
                z = term(dtype, rounded(dtype, number_at(i, j, every)), w[o * INPUTS + j], z);
            double delta = rounded(dtype, z - y[i * m + o]) / (double)n;
            for (int64_t j = 0; j < INPUTS; j++) {
                double x = rounded(dtype, number_at(i, j, every));
                double *to = (n > 64 ? sum : out) + o * INPUTS + j;
                *to = term(dtype, x, n > 64 ? delta : -0.5 * delta, *to);
            }
        }
    for (int64_t i = 0; n > 64 && i < m * INPUTS; i++)
        out[i] = rounded(dtype, out[i] + rounded(dtype, -0.5 * sum[i]));
    free(sum);
}

static double *read_all(nb_tensor *t)
{
    int64_t count = nb_tensor_count(t);
    double *out = malloc((size_t)count * sizeof *out);
    for (int64_t i = 0; i < count; i++)
        out[i] = t->dtype == NB_F32 ? (double)((float *)nb_tensor_data(t))[i]
                                    : ((double *)nb_tensor_data(t))[i];
    return out;
}

static void check_step(nb_dtype dtype, int64_t m, int64_t n)
{
    char notation[64];
    run r;
    const int every = 6;
    snprintf(notation, sizeof notation, "%d - %d linear : quadratic", (int)INPUTS, (int)m);
    begin(&r, net_of(ctx, notation, dtype), set_of(n, INPUTS, m, every, true), "sgd", n);
    assert_true(nb_turned_suits(&r.trainer->turned, n));
    nb_tensor *targets = nb_set_y(ctx, r.set, dtype);
    double *w = read_all(value_of(r.net, 0, 0)), *b = read_all(value_of(r.net, 0, 1));
    double *y = read_all(targets), *wanted = malloc((size_t)(m * INPUTS) * sizeof *wanted);
    plain_step(dtype, m, n, every, w, b, y, wanted);
    step(&r);
    double *got = read_all(value_of(r.net, 0, 0));
    for (int64_t i = 0; i < m * INPUTS; i++)
        if (got[i] != wanted[i])
            fail_msg("%d neurons, %d rows: w %d is %.17g, not %.17g", (int)m, (int)n, (int)i,
                     got[i], wanted[i]);
    nb_tensor_release(ctx, targets);
    free(w);
    free(b);
    free(y);
    free(got);
    free(wanted);
    end(&r);
}

static void test_order(void **state)
{
    (void)state;
    for (int dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (int64_t m = 1; m <= 40; m++) check_step((nb_dtype)dtype, m, 4);
        check_step((nb_dtype)dtype, 300, 8);
        check_step((nb_dtype)dtype, 3, 64);
        check_step((nb_dtype)dtype, 30, 128);
    }
}

/* ---- Whoever looks on ------------------------------------------------------------------------ */

enum { EXAMPLES = 23, BATCH = 4, EPOCHS = 2 };
static const char *const kinds[] = {"sgd", "momentum", "adam"};
enum { KINDS = 3 };

static nb_net *small_net(void)
{
    return net_of(ctx, "70 - 9 tanh - 3 : quadratic", NB_F32);
}

static nb_tensor *trained(const char *kind, bool thin)
{
    run r;
    nb_history history = {.epochs = 0};
    begin(&r, small_net(), set_of(EXAMPLES, INPUTS, 3, 6, thin), kind, BATCH);
    nb_train_options options = {.run = r.options, .epochs = EPOCHS};
    if (nb_train(ctx, r.net, r.set, &options, &history) != NB_OK) fail_msg("%s", ctx->message);
    nb_history_free(ctx, &history);
    nb_tensor *values = nb_tensor_clone(ctx, r.net->values);
    end(&r);
    return values;
}

/* Steps that are watched; every second one prepared before it is made. */
static nb_tensor *stepped(const char *kind)
{
    run r;
    begin(&r, small_net(), set_of(EXAMPLES, INPUTS, 3, 6, true), kind, BATCH);
    for (int i = 0; i < EPOCHS * ((EXAMPLES + BATCH - 1) / BATCH); i++) {
        nb_step next;
        double cost;
        if (i % 2) {
            step(&r);
        } else {
            assert_int_equal(nb_trainer_prepare(ctx, r.trainer, &next), NB_OK);
            assert_null(nb_thinned_of(next.part->batch.x));
            assert_int_equal(nb_trainer_make(ctx, r.trainer, &next, &cost), NB_OK);
            nb_step_free(ctx, &next);
        }
        assert_false(r.trainer->turned.given.turned);
    }
    nb_tensor *values = nb_tensor_clone(ctx, r.net->values);
    end(&r);
    return values;
}

static void test_watched(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        nb_tensor *a = trained(kinds[i], true), *b = stepped(kinds[i]);
        nb_tensor *dense = trained(kinds[i], false);
        assert_true(same_bits(ctx, a, b));
        for (int64_t at = 0; at < nb_tensor_count(a); at++)
            assert_true(fabsf(((float *)nb_tensor_data(a))[at] -
                              ((float *)nb_tensor_data(dense))[at]) < 2e-5f);
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, b);
        nb_tensor_release(ctx, dense);
    }
}

/* The gradient that is left is that of the last step, where everybody looks for it. */
static void test_gradients(void **state)
{
    run r[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        begin(&r[i], small_net(), set_of(EXAMPLES, INPUTS, 3, 6, i == 0), "momentum", BATCH);
        step(&r[i]);
    }
    const float *a = nb_tensor_data(r[0].net->grads), *b = nb_tensor_data(r[1].net->grads);
    for (int64_t i = 0; i < nb_net_count(r[0].net); i++) assert_true(fabsf(a[i] - b[i]) < 1e-6f);
    end(&r[0]);
    end(&r[1]);
}

/* ---- Ways out -------------------------------------------------------------------------------- */

/* One step, on all examples. */
static nb_status train_once(nb_ctx *context, nb_net *net, void *of)
{
    nb_set *set = of;
    nb_optimizer optimizer;
    nb_history history = {.epochs = 0};
    nb_optimizer_init(&optimizer, nb_optimizer_find("adam"));
    nb_train_options options = {.run = {.batch = set->count, .seed = 1, .optimizer = &optimizer},
                                .epochs = 1};
    nb_status status = nb_train(context, net, set, &options, &history);
    nb_history_free(context, &history);
    nb_optimizer_free(context, &optimizer);
    return status;
}

/* Of few rows, and of so many that BP4 goes by their transpose. */
static void test_memory(void **state)
{
    const char *const notation[] = {"70 - 9 tanh - 3 : quadratic", "70 - 120 - 3 : quadratic"};
    const int64_t rows[] = {EXAMPLES, 64};
    (void)state;
    for (int i = 0; i < 2; i++) {
        nb_net *net = net_of(ctx, notation[i], NB_F32);
        nb_set *set = set_of(rows[i], INPUTS, 3, 6, true);
        sweep(ctx, net, train_once, set);
        nb_net_release(ctx, net);
        nb_set_release(ctx, set);
    }
}

static volatile sig_atomic_t pressed;

static nb_status press(nb_ctx *context, void *self, const nb_progress *progress, bool *stop)
{
    (void)context, (void)self, (void)stop;
    pressed = progress->batch == 3;
    return NB_OK;
}

/* Ctrl-C between two steps that nobody saw: those three are in the parameters, turned back. */
static void test_interrupt(void **state)
{
    run r, other;
    nb_history history = {.epochs = 0};
    (void)state;
    begin(&r, small_net(), set_of(EXAMPLES, INPUTS, 3, 6, true), "momentum", BATCH);
    begin(&other, small_net(), set_of(EXAMPLES, INPUTS, 3, 6, true), "momentum", BATCH);
    for (int i = 0; i < 3; i++) step(&other);
    nb_train_options options = {.run = r.options, .epochs = EPOCHS, .on_progress = press};
    ctx->interrupt = &pressed;
    assert_int_equal(nb_train(ctx, r.net, r.set, &options, &history), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    pressed = 0;
    nb_history_free(ctx, &history);
    assert_true(same_bits(ctx, r.net->values, other.net->values));
    for (int i = 0; i < r.optimizer.slots; i++)
        assert_true(same_bits(ctx, r.optimizer.slot[i].value, other.optimizer.slot[i].value));
    end(&r);
    end(&other);
}

/* A first step that ends in numbers that are not finite, as it is told; it changes nothing. */
static void told_of(const char *kind, bool thin, char text[NB_MESSAGE_MAX])
{
    run r;
    double cost;
    begin(&r, net_of(ctx, "70 - 9 linear - 3 linear : quadratic", NB_F32),
          set_of(EXAMPLES, INPUTS, 3, 6, thin), kind, BATCH);
    for (int64_t i = 0; i < nb_net_count(r.net); i++)
        ((float *)nb_tensor_data(r.net->values))[i] = i / INPUTS == 4 ? 3e38f : 1;
    nb_tensor_touch(r.net->values, "test");
    nb_tensor *before = nb_tensor_clone(ctx, r.net->values);
    assert_int_equal(nb_trainer_step(ctx, r.trainer, &cost), NB_EVALUE);
    snprintf(text, NB_MESSAGE_MAX, "%s", ctx->message);
    assert_true(same_bits(ctx, before, r.net->values));
    nb_tensor_release(ctx, before);
    end(&r);
}

/* The words are those of rows with their zeros. */
static void test_not_finite(void **state)
{
    char told[2][NB_MESSAGE_MAX];
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        for (int thin = 0; thin < 2; thin++) told_of(kinds[i], thin, told[thin]);
        assert_string_equal(told[0], told[1]);
    }
}

/* ---- Which steps ----------------------------------------------------------------------------- */

/* Whether steps on such batches are made so. */
static bool suits(const char *notation, int64_t inputs, int every, int64_t batch)
{
    run r;
    begin(&r, net_of(ctx, notation, NB_F32), set_of(EXAMPLES, inputs, 3, every, true), "sgd", 4);
    bool yes = nb_turned_suits(&r.trainer->turned, batch);
    end(&r);
    return yes;
}

static void test_which(void **state)
{
    (void)state;
    assert_true(suits("70 - 9 - 3 : quadratic", 70, 6, 4));
    assert_true(suits("64 - 3 : quadratic", 64, 6, 4));
    assert_false(suits("63 - 3 : quadratic", 63, 6, 4));
    assert_false(suits("70 - 3 : quadratic", 70, 2, 4));
    assert_false(suits("70 - 9 frozen=true - 3 : quadratic", 70, 6, 4));
    assert_false(suits("70 - 70 name=a - 70 tied=a - 3 : quadratic", 70, 6, 4));
    assert_false(suits("70 - 70 name=a - @a - 3 : quadratic", 70, 6, 4));
    assert_false(suits("70 - dropout 0.5 - 3 : quadratic", 70, 6, 4));
    assert_true(suits("70 - 64 - 3 : quadratic", 70, 6, 31));
    assert_false(suits("70 - 64 - 3 : quadratic", 70, 4, 31));
    assert_true(suits("70 - 64 - 3 : quadratic", 70, 4, 32));
    assert_true(suits("70 - 63 - 3 : quadratic", 70, 4, 31));
    assert_false(suits("70 - 63 - 3 : quadratic", 70, 3, 64));
    assert_false(suits("70 - 64 - 3 : quadratic", 70, 3, 64));
    assert_true(suits("70 - 64 - 3 : quadratic", 70, 20, 65));
}

/* Behind flatten the rows are the same: as one vector, and in the sizes of the images. */
static void test_flatten(void **state)
{
    nb_tensor *w[2];
    double cost[2];
    const char *const notation[] = {"70 - 9 tanh - 3 : quadratic",
                                    "7x10 - flatten - 9 tanh - 3 : quadratic"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        run r;
        nb_evaluation seen;
        begin(&r, net_of(ctx, notation[i], NB_F32), set_of(90, INPUTS, 3, 6, true), "momentum", 4);
        for (int64_t k = 0; k < nb_net_count(r.net); k++)
            ((float *)nb_tensor_data(r.net->values))[k] = (float)(k * 37 % 101) / 101 - 0.5f;
        nb_tensor_touch(r.net->values, "test");
        assert_true(nb_turned_suits(&r.trainer->turned, 4));
        for (int k = 0; k < 30; k++) step(&r);
        assert_int_equal(nb_evaluate(ctx, r.net, r.set, &seen), NB_OK);
        cost[i] = seen.cost;
        w[i] = nb_tensor_clone(ctx, r.net->values);
        end(&r);
    }
    assert_true(same_bits(ctx, w[0], w[1]));
    assert_true(cost[0] == cost[1]);
    nb_tensor_release(ctx, w[0]);
    nb_tensor_release(ctx, w[1]);
    assert_false(suits("7x10 - conv 2 3 - flatten - 3 : quadratic", 70, 6, 4));
}

/* ---- Evaluation ------------------------------------------------------------------------------ */

/* a of a layer without activation, all of whose rows are asked in two portions. */
static void check_outputs(nb_dtype dtype, int64_t m, int64_t n)
{
    char notation[64];
    nb_few few;
    snprintf(notation, sizeof notation, "%d - %d linear : quadratic", (int)INPUTS, (int)m);
    nb_net *net = net_of(ctx, notation, dtype);
    nb_set *set = set_of(n, INPUTS, m, 6, true);
    double *w = read_all(value_of(net, 0, 0)), *b = read_all(value_of(net, 0, 1));
    assert_int_equal(nb_few_begin(ctx, &few, net, set), NB_OK);
    assert_non_null(few.w);
    for (int64_t first = 0; first < n; first += n / 2) {
        nb_batch batch;
        nb_result pass;
        assert_int_equal(nb_few_gather(ctx, &few, set, first, n / 2, NULL, &batch), NB_OK);
        assert_int_equal(nb_net_run(ctx, net, batch.x, NULL, NULL, NULL, &pass), NB_OK);
        double *a = read_all(pass.output);
        for (int64_t i = 0; i < n / 2; i++)
            for (int64_t o = 0; o < m; o++) {
                double z = b[o];
                for (int64_t j = 0; j < INPUTS; j++)
                    z = term(dtype, rounded(dtype, number_at(first + i, j, 6)), w[o * INPUTS + j],
                             z);
                assert_true(a[i * m + o] == z);
            }
        free(a);
        nb_result_free(ctx, &pass);
        nb_batch_free(ctx, &batch);
    }
    nb_few_end(ctx, &few);
    free(w);
    free(b);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
}

/* The order of sums, also where rows are cut for several workers. */
static void test_outputs(void **state)
{
    (void)state;
    for (int dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (int64_t m = 1; m <= 40; m++) check_outputs((nb_dtype)dtype, m, 64);
        check_outputs((nb_dtype)dtype, 300, 3000);
    }
}

static nb_status evaluate_once(nb_ctx *context, nb_net *net, void *set)
{
    nb_evaluation seen;
    return nb_evaluate(context, net, set, &seen);
}

/* Cost and answers are those of rows with their zeros but for rounding; no memory, no answer. */
static void test_evaluate(void **state)
{
    nb_evaluation seen[2];
    (void)state;
    for (int thin = 0; thin < 2; thin++) {
        nb_net *net = small_net();
        nb_set *set = set_of(100, INPUTS, 3, 6, thin);
        assert_int_equal(nb_evaluate(ctx, net, set, &seen[thin]), NB_OK);
        if (thin) sweep(ctx, net, evaluate_once, set);
        nb_net_release(ctx, net);
        nb_set_release(ctx, set);
    }
    assert_true(fabs(seen[0].cost - seen[1].cost) < 1e-6 * seen[0].cost);
    assert_int_equal(seen[0].correct, seen[1].correct);
}

static bool few_takes(const char *notation, int64_t n, int64_t inputs, int every)
{
    nb_few few;
    nb_net *net = net_of(ctx, notation, NB_F32);
    nb_set *set = set_of(n, inputs, 3, every, true);
    assert_int_equal(nb_few_begin(ctx, &few, net, set), NB_OK);
    bool takes = few.w;
    nb_few_end(ctx, &few);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
    return takes;
}

static void test_which_evaluations(void **state)
{
    (void)state;
    assert_true(few_takes("70 - 9 - 3 : quadratic", 64, 70, 6));
    assert_false(few_takes("70 - 9 - 3 : quadratic", 63, 70, 6));
    assert_false(few_takes("63 - 9 - 3 : quadratic", 64, 63, 6));
    assert_true(few_takes("70 - 63 - 3 : quadratic", 64, 70, 3));
    assert_false(few_takes("70 - 63 - 3 : quadratic", 64, 70, 2));
    assert_false(few_takes("70 - 64 - 3 : quadratic", 255, 70, 6));
    assert_true(few_takes("70 - 64 - 3 : quadratic", 256, 70, 6));
    assert_false(few_takes("70 - 64 - 3 : quadratic", 256, 70, 3));
    assert_true(few_takes("70 - 1024 - 3 : quadratic", 256, 70, 6));
    assert_true(few_takes("70 - 9 frozen=true - 3 : quadratic", 64, 70, 6));
    assert_false(few_takes("70 - dropout 0.5 - 3 : quadratic", 64, 70, 6));
}

/* inf in w: 0 times it is NaN, as everybody knows it. */
static void test_infinite(void **state)
{
    run r;
    (void)state;
    begin(&r, small_net(), set_of(EXAMPLES, INPUTS, 3, 6, true), "sgd", BATCH);
    assert_true(nb_turned_suits(&r.trainer->turned, BATCH));
    ((float *)nb_tensor_data(r.net->values))[5] = INFINITY;
    nb_tensor_touch(r.net->values, "test");
    assert_false(nb_turned_suits(&r.trainer->turned, BATCH));
    nb_set *more = set_of(64, INPUTS, 3, 6, true);
    nb_few few;
    assert_int_equal(nb_few_begin(ctx, &few, r.net, more), NB_OK);
    assert_null(few.w);
    nb_set_release(ctx, more);
    ((float *)nb_tensor_data(r.net->values))[5] = NAN;
    nb_tensor_touch(r.net->values, "test");
    assert_false(nb_turned_suits(&r.trainer->turned, BATCH));
    end(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(order),     TEST(watched),    TEST(gradients), TEST(memory),
        TEST(interrupt), TEST(not_finite), TEST(which),     TEST(infinite),
        TEST(flatten),   TEST(outputs),    TEST(evaluate),  TEST(which_evaluations),
    };
    return cmocka_run_group_tests_name("turned", tests, NULL, NULL);
}
