/* Bisection and comparison of runs: steps that were planted are found, a run stands afterwards
 * where it stood, whatever failed. */
#include "../nets.h"

#include "nn/train/glass/apart.h"
#include "nn/train/glass/bisect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { EXAMPLES = 23, BATCH = 4, BATCHES = 6, EPOCHS = 3, STEPS = EPOCHS * BATCHES };

/* A run of three epochs on a set whose last batch is short, with hardly a frame, so
 * that steps are made again. Filled where it stays. */
typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_optimizer optimizer;
    nb_glass_options options;
    nb_glass *glass;
} lab;

static void begin(lab *l, nb_ctx *ctx, const char *optimizer, int64_t accumulate)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set(ctx, EXAMPLES, 6, 3);
    l->net = net_of(ctx, "6 - 5 tanh - 3 softmax : cross_entropy", NB_F32);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(optimizer));
    l->optimizer.options.lr = 0.1;
    l->options = (nb_glass_options){.train = {.epochs = EPOCHS,
                                              .run = {.batch = BATCH,
                                                      .seed = 7,
                                                      .shuffle = true,
                                                      .accumulate = accumulate,
                                                      .optimizer = &l->optimizer}},
                                    .share = 1e-9};
    l->glass = nb_glass_new(ctx, l->net, l->set, &l->options);
    assert_non_null(l->glass);
    assert_int_equal(nb_glass_run(ctx, l->glass), NB_OK);
}

static void end(lab *l)
{
    nb_glass_free(l->ctx, l->glass);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_net_release(l->ctx, l->net);
}

/* What is asked: whether so many updates are behind the run. */
typedef struct asked {
    lab *l;
    int64_t step;      /* from which on it holds */
    int64_t fail_from; /* the question fails from then on; 0: never */
    nb_status failure;
    int64_t times;
} asked;

static nb_status by_step(nb_ctx *ctx, void *self, bool *holds)
{
    asked *a = self;
    a->times++;
    if (a->fail_from && a->times >= a->fail_from) return nb_fail(ctx, a->failure, "no");
    *holds = nb_glass_at(a->l->glass) >= a->step;
    return NB_OK;
}

static void finds_every_step(const char *optimizer, int64_t accumulate)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    begin(&l, ctx, optimizer, accumulate);
    int64_t last = nb_glass_at(l.glass);
    nb_tensor *values = nb_tensor_clone(ctx, l.net->values);
    for (int64_t step = 1; step <= last; step++) {
        for (int first = 0; first < 2; first++) {
            asked a = {.l = &l, .step = step};
            assert_int_equal(nb_glass_bisect(ctx, l.glass, first, by_step, &a, &found), NB_OK);
            assert_int_equal(found.finding, NB_HELD_AFTER);
            assert_int_equal(found.step, step);
            assert_int_equal(nb_course_updates(&found.course), step);
            assert_int_equal(found.asked, a.times);
            nb_bisection_free(ctx, &found);
            assert_int_equal(nb_glass_at(l.glass), last);
            assert_true(same_bits(ctx, values, l.net->values));
        }
    }
    nb_tensor_release(ctx, values);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void every_step_is_found(void **state)
{
    (void)state;
    finds_every_step("sgd", 1);
    finds_every_step("adam", 1);
    finds_every_step("sgd", 4);
    finds_every_step("lbfgs", 1);
}

static void never_and_from_the_start(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    (void)state;
    begin(&l, ctx, "sgd", 1);
    for (int first = 0; first < 2; first++) {
        asked never = {.l = &l, .step = STEPS + 1}, always = {.l = &l, .step = 0};
        assert_int_equal(nb_glass_bisect(ctx, l.glass, first, by_step, &never, &found), NB_OK);
        assert_int_equal(found.finding, NB_HELD_NEVER);
        assert_int_equal(never.times, first ? STEPS + 1 : 1);
        assert_int_equal(nb_glass_bisect(ctx, l.glass, first, by_step, &always, &found), NB_OK);
        assert_int_equal(found.finding, NB_HELD_BEFORE);
        assert_int_equal(found.step, 0);
        assert_int_equal(nb_glass_at(l.glass), STEPS);
    }
    end(&l);
    nb_ctx_free(ctx);
}

/* The examples of a step are those that a plain trainer takes in it. */
static void the_examples_are_the_steps(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    double cost;
    (void)state;
    begin(&l, ctx, "sgd", 4);
    nb_net *net = net_of(ctx, "6 - 5 tanh - 3 softmax : cross_entropy", NB_F32);
    nb_trainer_options run = l.options.train.run;
    nb_optimizer optimizer;
    nb_optimizer_init(&optimizer, nb_optimizer_find("sgd"));
    run.optimizer = &optimizer;
    nb_trainer *t = nb_trainer_new(ctx, net, l.set, &run);
    for (int64_t step = 1; step <= 2 * EPOCHS; step++) {
        asked a = {.l = &l, .step = step};
        /* Four batches of four examples, then the other two batches, of four and three. */
        int64_t n = step % 2 ? 16 : 7, start = step % 2 ? 0 : 16;
        assert_int_equal(nb_trainer_step(ctx, t, &cost), NB_OK);
        assert_int_equal(nb_glass_bisect(ctx, l.glass, false, by_step, &a, &found), NB_OK);
        assert_int_equal(found.examples, n);
        assert_memory_equal(found.example, t->order + start, (size_t)n * sizeof *found.example);
        nb_bisection_free(ctx, &found);
    }
    nb_trainer_free(ctx, t);
    nb_optimizer_free(ctx, &optimizer);
    nb_net_release(ctx, net);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void a_question_that_fails_leaves_the_run(void **state)
{
    static const nb_status failures[] = {NB_ECALLBACK, NB_EINTERRUPT, NB_EMEMORY};
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    (void)state;
    begin(&l, ctx, "adam", 1);
    nb_tensor *values = nb_tensor_clone(ctx, l.net->values);
    for (int64_t from = 1; from < 11; from++) {
        asked a = {.l = &l, .step = 8, .fail_from = from, .failure = failures[from % 3]};
        assert_int_equal(nb_glass_bisect(ctx, l.glass, false, by_step, &a, &found),
                         failures[from % 3]);
        assert_int_equal(nb_glass_at(l.glass), STEPS);
        assert_true(same_bits(ctx, values, l.net->values));
    }
    nb_tensor_release(ctx, values);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static nb_status meddle(nb_ctx *ctx, void *self, bool *holds)
{
    asked *a = self;
    *holds = nb_glass_at(a->l->glass) >= a->step;
    return nb_tensor_fill(ctx, a->l->net->values, 1);
}

static void a_question_may_not_change_the_network(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    (void)state;
    begin(&l, ctx, "sgd", 1);
    nb_tensor *values = nb_tensor_clone(ctx, l.net->values);
    asked a = {.l = &l, .step = 8};
    assert_int_equal(nb_glass_bisect(ctx, l.glass, false, meddle, &a, &found), NB_EARG);
    assert_non_null(strstr(ctx->message, "changed the network"));
    assert_true(same_bits(ctx, values, l.net->values));
    assert_int_equal(nb_glass_bisect(ctx, l.glass, false, by_step, &a, &found), NB_OK);
    assert_int_equal(found.step, 8);
    nb_bisection_free(ctx, &found);
    nb_tensor_release(ctx, values);
    end(&l);
    nb_ctx_free(ctx);
}

static nb_status bisects(nb_ctx *ctx, nb_net *net, void *arg)
{
    asked *a = arg;
    nb_bisection found;
    (void)net;
    nb_status status = nb_glass_bisect(ctx, a->l->glass, false, by_step, a, &found);
    if (status == NB_OK) nb_bisection_free(ctx, &found);
    return status;
}

static void memory_may_end_anywhere(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, "adam", 1);
    asked a = {.l = &l, .step = 8};
    sweep(ctx, l.net, bisects, &a);
    assert_int_equal(nb_glass_at(l.glass), STEPS);
    end(&l);
    nb_ctx_free(ctx);
}

/* ---- By hand, and without one ---------------------------------------------------------------- */

/* Whether the first weight is above a bound. */
static nb_status by_weight(nb_ctx *ctx, void *self, bool *holds)
{
    const lab *l = self;
    const int64_t first[] = {0};
    (void)ctx;
    *holds = nb_tensor_get(l->net->values, first) > 100;
    return NB_OK;
}

static void a_change_by_hand_is_no_step(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_bisection found;
    lab l;
    (void)state;
    begin(&l, ctx, "sgd", 1);
    assert_int_equal(nb_glass_seek(ctx, l.glass, 7), NB_OK);
    const int64_t first[] = {0};
    nb_tensor_set(l.net->values, first, 1000);
    nb_tensor_touch(l.net->values, "a test");
    assert_int_equal(nb_glass_bisect(ctx, l.glass, false, by_weight, &l, &found), NB_OK);
    assert_int_equal(found.finding, NB_HELD_BY_HAND);
    assert_int_equal(found.step, 7);
    nb_bisection_free(ctx, &found);
    assert_true(nb_tensor_get(l.net->values, first) == 1000);
    assert_int_equal(nb_glass_run(ctx, l.glass), NB_OK);
    assert_int_equal(nb_glass_bisect(ctx, l.glass, false, by_weight, &l, &found), NB_OK);
    assert_int_equal(found.finding, NB_HELD_BY_HAND);
    assert_int_equal(found.step, 7);
    nb_bisection_free(ctx, &found);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Two runs -------------------------------------------------------------------------------- */

static void runs_part_where_one_was_changed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_apart apart;
    lab a, b;
    (void)state;
    begin(&a, ctx, "adam", 1);
    begin(&b, ctx, "adam", 1);
    nb_glass *const both[] = {a.glass, b.glass};
    assert_int_equal(nb_glass_apart(ctx, both, NULL, &apart), NB_OK);
    assert_int_equal(apart.step, -1);
    assert_int_equal(apart.to, STEPS);
    nb_apart_free(ctx, &apart);
    assert_int_equal(nb_glass_seek(ctx, b.glass, 9), NB_OK);
    b.optimizer.options.lr = 0.2;
    assert_int_equal(nb_glass_run(ctx, b.glass), NB_OK);
    nb_tensor *values = nb_tensor_clone(ctx, b.net->values);
    assert_int_equal(nb_glass_apart(ctx, both, NULL, &apart), NB_OK);
    assert_int_equal(apart.step, 10);
    assert_int_equal(apart.examples[0], BATCH);
    assert_memory_equal(apart.example[0], apart.example[1], BATCH * sizeof **apart.example);
    assert_true(apart.changed[0] < 0);
    assert_true(apart.changed[1] >= 0);
    assert_true(apart.part[0].differing > 0 && apart.part[0].most > 0);
    for (int i = 1; i < apart.parts; i++) assert_true(apart.part[i].most <= apart.part[i - 1].most);
    nb_apart_free(ctx, &apart);
    assert_true(same_bits(ctx, values, b.net->values));
    assert_int_equal(nb_glass_at(a.glass), STEPS);
    nb_tensor_release(ctx, values);
    end(&a);
    end(&b);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static nb_status compares(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_apart apart;
    nb_text options;
    (void)net;
    nb_text_init(&options, ctx);
    nb_status status = nb_glass_apart(ctx, arg, &options, &apart);
    if (status == NB_OK) {
        assert_non_null(strstr(nb_text_get(&options), "optimizer\tadam\tsgd\n"));
        nb_apart_free(ctx, &apart);
    }
    nb_text_free(&options);
    return status;
}

static void comparing_may_fail_anywhere(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab a, b;
    (void)state;
    begin(&a, ctx, "adam", 1);
    begin(&b, ctx, "sgd", 1);
    nb_glass *both[] = {a.glass, b.glass};
    sweep(ctx, a.net, compares, both);
    assert_int_equal(nb_glass_at(b.glass), STEPS);
    end(&a);
    end(&b);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_found),
        cmocka_unit_test(never_and_from_the_start),
        cmocka_unit_test(the_examples_are_the_steps),
        cmocka_unit_test(a_question_that_fails_leaves_the_run),
        cmocka_unit_test(a_question_may_not_change_the_network),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(a_change_by_hand_is_no_step),
        cmocka_unit_test(runs_part_where_one_was_changed),
        cmocka_unit_test(comparing_may_fail_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
