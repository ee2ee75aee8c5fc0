/* Training that needs more than a pass and a rule: whole sets cut into pieces, fits, groups of
 * batches, penalties, what a run keeps besides. Their sums are right however they are cut; a
 * request for memory that fails at any place changes nothing; a steady step makes no request. */
#include "../nets.h"

#include "../../support.h"
#include "nn/inspect/errors.h"
#include "nn/train/run/train.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const char wave[] = "2 - 3 tanh - 1 linear";
static const char classes[] = "8 - 4 - batch_norm - 3 softmax : cross_entropy";

/* (n, 2) of x with waves of them as targets. */
static nb_set *wave_set(int64_t n)
{
    nb_tensor *x = uniform(ctx, NB_F64, n, 2, -1, 1, 4);
    nb_tensor *y = nb_tensor_new(ctx, NB_F64, 2, (const int64_t[]){n, 1});
    assert_non_null(y);
    for (int64_t i = 0; i < n; i++) {
        double a = nb_tensor_get(x, (const int64_t[]){i, 0});
        nb_tensor_set(y, (const int64_t[]){i, 0},
                      sin(3 * a) + nb_tensor_get(x, (const int64_t[]){i, 1}));
    }
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    assert_non_null(set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* Cost and gradient of all in one pass, and of the set piece by piece, the last of them shorter. */
static void test_pieces(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, wave, NB_F64);
    nb_set *probe = wave_set(1);
    int64_t piece = nb_whole_size(&(nb_whole){.net = net, .set = probe}), n = 2 * piece + 7;
    nb_set *set = wave_set(n);
    nb_tensor *x, *y, *all;
    nb_batch batch;
    double cost, wanted;
    const nb_mode mode = {.learning = true};
    const nb_whole whole = {.net = net, .set = set, .mode = &mode};
    assert_int_equal(nb_batch_new(ctx, net, set, n, &x, &y), NB_OK);
    assert_int_equal(nb_batch_gather(ctx, set, NULL, 0, n, 0, x, y, &batch), NB_OK);
    assert_int_equal(nb_net_backprop(ctx, net, batch.x, batch.y, &wanted), NB_OK);
    all = nb_tensor_clone(ctx, net->grads);
    assert_int_equal(nb_whole_evaluate(ctx, &whole, &cost), NB_OK);
    assert_true(fabs(cost - wanted) <= 1e-14);
    for (int64_t i = 0; i < nb_net_count(net); i++) {
        double g = nb_tensor_get(all, &i);
        assert_true(fabs(g) > 1e-6 && fabs(nb_tensor_get(net->grads, &i) - g) <= 1e-13);
    }
    nb_tensor_release(ctx, all);
    nb_batch_free(ctx, &batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
    nb_set_release(ctx, probe);
    nb_net_release(ctx, net);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* A run by its parts; the metrics are asked for where there is a valid set. */
typedef struct course {
    const char *optimizer, *notation;
    nb_dtype dtype;
    nb_penalty penalty;
    int64_t accumulate;
    const char *schedule;
    int64_t patience;
    bool keeps; /* a checkpoint */
} course;

static const course courses[] = {
    {.optimizer = "lm", .notation = wave, .dtype = NB_F64},
    {"lm", wave, NB_F32, .patience = 3, .keeps = true},
    {"lbfgs", wave, NB_F64, .penalty = {.l1 = 0.01, .l2 = 0.1}},
    {"cg", wave, NB_F64, .penalty = {.l2 = 0.1}, .keeps = true},
    {"sgd", classes, NB_F32, .penalty = {.l1 = 0.01, .l2 = 0.1}},
    {"sgd", classes, NB_F32, .penalty = {.decay = 0.1, .clip_norm = 1}, .schedule = "cosine"},
    {"adamw", classes, NB_F32, .penalty = {.clip_value = 0.1}, .schedule = "plateau", .patience = 3,
     .keeps = true},
    {"nadam", classes, NB_F32, .penalty = {.l2 = 0.1}, .accumulate = 2},
    {"rmsprop", classes, NB_F32, .accumulate = 2, .penalty = {.clip_norm = 1}, .keeps = true},
    {"adagrad", classes, NB_F32, .schedule = "one_cycle"},
    {"adadelta", classes, NB_F32, .penalty = {.l1 = 0.01}},
    {"rprop", classes, NB_F32, .penalty = {.decay = 0.1}},
    {"quickprop", classes, NB_F32, .accumulate = 3, .schedule = "step"},
};
enum { COURSES = sizeof courses / sizeof *courses, EXAMPLES = 60 };

typedef struct bench {
    const course *course;
    nb_net *net;
    nb_set *set;
    nb_tensor *was; /* the parameters as they began */
    int64_t epochs, batch;
    char path[64];
} bench;

static void begin(bench *b, const course *c)
{
    *b = (bench){.course = c, .epochs = 1, .batch = EXAMPLES};
    b->net = net_of(ctx, c->notation, c->dtype);
    b->set = c->notation == wave ? wave_set(EXAMPLES) : random_set(ctx, EXAMPLES, 8, 3);
    b->was = nb_tensor_clone(ctx, b->net->values);
    snprintf(b->path, sizeof b->path, "whole-%ld.nabla", (long)getpid());
}

static void end(bench *b)
{
    unlink(b->path);
    nb_tensor_release(ctx, b->was);
    nb_set_release(ctx, b->set);
    nb_net_release(ctx, b->net);
}

static void ask(nb_metrics_asked *asked, bool answers)
{
    *asked = (nb_metrics_asked){.count = 1};
    asked->metric[0].type = nb_metrics[answers ? NB_METRIC_confusion : NB_METRIC_r2];
}

static nb_trainer_options options_of(const bench *b, nb_optimizer *optimizer,
                                     nb_metrics_asked *asked)
{
    static const char names[1][NB_NAME_MAX] = {"figure"};
    const course *c = b->course;
    return (nb_trainer_options){.batch = b->batch,
                                .shuffle = true,
                                .optimizer = optimizer,
                                .penalty = c->penalty,
                                .accumulate = c->accumulate,
                                .patience = c->patience,
                                .pace = {.epochs = b->epochs},
                                .valid = c->patience ? b->set : NULL,
                                .metrics = c->patience ? asked : NULL,
                                .metric_names = names};
}

static void choose_schedule(nb_schedule *schedule, const char *name)
{
    *schedule = (nb_schedule){.type = nb_schedule_find(name)};
    assert_non_null(schedule->type);
    for (const nb_option *o = schedule->type->options; o && o->name; o++)
        if (o->kind == NB_NUMBER) nb_option_set(ctx, o, schedule, o->value);
}

static nb_status train(nb_ctx *c, nb_net *net, void *arg)
{
    bench *b = arg;
    nb_optimizer optimizer;
    nb_metrics_asked asked;
    nb_history history = {.epochs = 0};
    nb_optimizer_init(&optimizer, nb_optimizer_find(b->course->optimizer));
    ask(&asked, b->course->notation == classes);
    nb_train_options o = {.epochs = b->epochs, .run = options_of(b, &optimizer, &asked)};
    if (b->course->schedule) choose_schedule(&o.run.pace.schedule, b->course->schedule);
    if (b->course->keeps) o.keeping = (nb_keeping){.path = b->path, .epochs = b->epochs};
    nb_status status = nb_train(c, net, b->set, &o, &history);
    /* Where the epoch's step is done, what failed came after it: evaluating, writing. */
    if (status != NB_OK && history.examples > 0)
        assert_int_equal(nb_tensor_copy(c, net->values, b->was), NB_OK);
    for (int i = 0; i < asked.count; i++) nb_tensor_release(c, asked.table[i]);
    nb_history_free(c, &history);
    nb_optimizer_free(c, &optimizer);
    return status;
}

/* ---- Without memory -------------------------------------------------------------------------- */

/* An epoch is one step of all examples, so that no batch before the failure can have moved the
 * parameters; but of accumulated ones, where all batches make the step. */
static void test_without_memory(void **state)
{
    (void)state;
    for (int i = 0; i < COURSES; i++) {
        bench b;
        begin(&b, &courses[i]);
        if (courses[i].accumulate) b.batch = EXAMPLES / courses[i].accumulate;
        sweep(ctx, b.net, train, &b);
        end(&b);
    }
}

static nb_status find_errors(nb_ctx *c, nb_net *net, void *arg)
{
    nb_errors errors;
    nb_status status = nb_errors_find(c, net, arg, &errors);
    if (status == NB_OK) nb_errors_free(c, &errors);
    return status;
}

static void test_errors_without_memory(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, wave, NB_F64);
    nb_set *set = wave_set(EXAMPLES);
    sweep(ctx, net, find_errors, set);
    nb_set_release(ctx, set);
    nb_net_release(ctx, net);
}

/* ---- Steady ---------------------------------------------------------------------------------- */

/* Once the first epochs have filled the pool, a step asks the allocator for nothing. */
static void test_steady(void **state)
{
    (void)state;
    for (int i = 0; i < COURSES; i++) {
        bench b;
        double cost;
        nb_optimizer optimizer;
        begin(&b, &courses[i]);
        b.batch = 7;
        b.epochs = 50;
        nb_optimizer_init(&optimizer, nb_optimizer_find(courses[i].optimizer));
        nb_trainer_options o = options_of(&b, &optimizer, NULL);
        if (courses[i].schedule) choose_schedule(&o.pace.schedule, courses[i].schedule);
        o.valid = NULL;
        o.metrics = NULL;
        o.patience = 0;
        nb_trainer *trainer = nb_trainer_new(ctx, b.net, b.set, &o);
        if (!trainer) fail_msg("%s: %s", courses[i].optimizer, ctx->message);
        for (int k = 0; k < 2; k++) assert_int_equal(nb_trainer_epoch(ctx, trainer), NB_OK);
        uint64_t before = ctx->memory.requests;
        for (int k = 0; k < 5; k++) assert_int_equal(nb_trainer_step(ctx, trainer, &cost), NB_OK);
        if (ctx->memory.requests != before)
            fail_msg("%s asks %d times", courses[i].optimizer,
                     (int)(ctx->memory.requests - before));
        nb_trainer_free(ctx, trainer);
        nb_optimizer_free(ctx, &optimizer);
        end(&b);
    }
}

/* ---- Ctrl-C ---------------------------------------------------------------------------------- */

/* Pressed inside a callback: what it was stopped in the middle of is not written, so that whoever
 * goes on sees that batch again. */
static nb_status press(nb_ctx *c, void *self, const nb_progress *p, bool *stop)
{
    (void)self;
    (void)stop;
    bool now = p->epoch == 2 && p->batch == 3;
    return now ? nb_fail(c, NB_EINTERRUPT, "interrupted") : NB_OK;
}

static void test_stopped_in_a_callback(void **state)
{
    static const course plain = {.optimizer = "sgd", .notation = classes};
    (void)state;
    bench b;
    bool there;
    nb_optimizer optimizer;
    begin(&b, &plain);
    b.batch = 10;
    nb_optimizer_init(&optimizer, nb_optimizer_find("sgd"));
    nb_train_options o = {.epochs = 4, .run = options_of(&b, &optimizer, NULL), .on_batch = press};
    o.keeping = (nb_keeping){.path = b.path, .epochs = 1};
    nb_history history = {.epochs = 0};
    assert_int_equal(nb_train(ctx, b.net, b.set, &o, &history), NB_EINTERRUPT);
    nb_trainer *trainer = nb_trainer_new(ctx, b.net, b.set, &o.run);
    assert_int_equal(nb_checkpoint_resume(ctx, trainer, b.path, &there), NB_OK);
    assert_int_equal(trainer->course.steps, 6);
    nb_trainer_free(ctx, trainer);
    nb_history_free(ctx, &history);
    nb_optimizer_free(ctx, &optimizer);
    end(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces), TEST(without_memory),        TEST(errors_without_memory),
        TEST(steady), TEST(stopped_in_a_callback),
    };
    return cmocka_run_group_tests_name("whole", tests, NULL, NULL);
}
