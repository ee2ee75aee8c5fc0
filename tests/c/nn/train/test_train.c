/* Optimizers against their formulas; the training loop: what it leaves behind when something goes
 * wrong. */
#include "../nets.h"

#include "nn/train/run/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* A net, its examples and gradients at them. */
typedef struct bench {
    nb_ctx *ctx;
    nb_net *net;
    nb_tensor *x, *y;
    nb_optimizer optimizer;
} bench;

static nb_status step(bench *b, nb_net *net, bool keep_grads, double *cost)
{
    nb_lesson lesson = {
        .x = b->x, .y = b->y, .rate = b->optimizer.options.lr, .keep_grads = keep_grads};
    return nb_learn(b->ctx, net, &b->optimizer, &lesson, cost);
}

static bench begin(const char *notation, nb_dtype dtype, const char *optimizer)
{
    bench b = {.ctx = nb_ctx_new()};
    b.net = net_of(b.ctx, notation, dtype);
    b.x = uniform(b.ctx, dtype, 6, nb_net_in(b.net)->size[0], 0, 1, 4);
    b.y = uniform(b.ctx, dtype, 6, nb_net_out(b.net)->size[0], 0, 1, 5);
    nb_optimizer_init(&b.optimizer, nb_optimizer_find(optimizer));
    return b;
}

static void end(bench *b)
{
    nb_optimizer_free(b->ctx, &b->optimizer);
    nb_tensor_release(b->ctx, b->x);
    nb_tensor_release(b->ctx, b->y);
    nb_net_release(b->ctx, b->net);
    assert_int_equal(b->ctx->memory.live, 0);
    nb_ctx_free(b->ctx);
}

/* The products that add straight into the weights give what gradient and update in two steps give.
 */
static void direct_equals_two_steps(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        bench b = begin("30 - 20 tanh - 10 softmax : cross_entropy", dtype, "sgd");
        nb_net *other = nb_net_clone(b.ctx, b.net, dtype);
        nb_optimizer_options *o = &b.optimizer.options;
        double cost, same, allowed = dtype == NB_F32 ? 1e-6 : 1e-15;
        o->lr = 0.5;
        for (int i = 0; i < 5; i++) {
            nb_status one = step(&b, b.net, false, &cost);
            nb_status two = step(&b, other, true, &same);
            assert_int_equal(one, NB_OK);
            assert_int_equal(two, NB_OK);
            assert_true(fabs(cost - same) < allowed);
        }
        for (int64_t i = 0; i < nb_net_count(other); i++) {
            double p = nb_tensor_get(b.net->values, &i), q = nb_tensor_get(other->values, &i);
            assert_true(fabs(p - q) <= allowed * 10);
        }
        nb_net_release(b.ctx, other);
        end(&b);
    }
}

/* Three steps of each kind, written out from its paper in double on one parameter after the other.
 */
static void follow(bench *b, void (*formula)(const nb_optimizer_options *, int t, double g,
                                             double *w, double *s1, double *s2))
{
    int64_t n = nb_net_count(b->net);
    nb_tensor *w = nb_tensor_clone(b->ctx, b->net->values);
    nb_tensor *s1 = nb_tensor_zeros(b->ctx, NB_F64, 1, &n),
              *s2 = nb_tensor_zeros(b->ctx, NB_F64, 1, &n);
    double *values = nb_tensor_data(w), *first = nb_tensor_data(s1), *second = nb_tensor_data(s2);
    for (int t = 1; t <= 3; t++) {
        double cost;
        nb_status status = step(b, b->net, true, &cost);
        assert_int_equal(status, NB_OK);
        for (int64_t i = 0; i < n; i++) {
            double g = nb_tensor_get(b->net->grads, &i);
            formula(&b->optimizer.options, t, g, &values[i], &first[i], &second[i]);
            assert_true(fabs(nb_tensor_get(b->net->values, &i) - values[i]) < 1e-13);
        }
    }
    nb_tensor_release(b->ctx, w);
    nb_tensor_release(b->ctx, s1);
    nb_tensor_release(b->ctx, s2);
}

static void sgd_formula(const nb_optimizer_options *o, int t, double g, double *w, double *v,
                        double *s)
{
    (void)t;
    (void)s;
    *v = o->momentum * *v - o->lr * g;
    *w += o->nesterov ? o->momentum * *v - o->lr * g : *v;
}

static void adam_formula(const nb_optimizer_options *o, int t, double g, double *w, double *m,
                         double *s)
{
    *m = o->beta1 * *m + (1 - o->beta1) * g;
    *s = o->beta2 * *s + (1 - o->beta2) * g * g;
    double mean = *m / (1 - pow(o->beta1, t)), square = *s / (1 - pow(o->beta2, t));
    *w -= o->lr * mean / (sqrt(square) + o->epsilon);
}

static void optimizers_follow_their_papers(void **state)
{
    (void)state;
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        bench b = begin("5 - 4 - 3", NB_F64, "sgd");
        b.optimizer.options.momentum = 0.9;
        b.optimizer.options.nesterov = nesterov;
        follow(&b, sgd_formula);
        end(&b);
    }
    bench b = begin("5 - 4 - 3", NB_F64, "adam");
    follow(&b, adam_formula);
    end(&b);
}

static void state_belongs_to_one_size(void **state)
{
    bench b = begin("5 - 4 - 3", NB_F32, "adam");
    nb_net *other = net_of(b.ctx, "5 - 3", NB_F32);
    (void)state;
    double cost;
    assert_int_equal(step(&b, b.net, false, &cost), NB_OK);
    assert_int_equal(step(&b, other, false, &cost), NB_EARG);
    assert_non_null(strstr(b.ctx->message, "39 parameters"));
    nb_net_release(b.ctx, other);
    end(&b);
}

/* NaN and infinity, in the cost or on the way to it, leave every parameter and its state as they
 * were. */
static void nothing_changes_for_nan(void **state)
{
    static const char *const kind[2] = {"sgd", "adam"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        bench b = begin("5 - 4 relu - 3", NB_F32, kind[i % 2]);
        double cost;
        if (i < 2)
            nb_tensor_set(b.y, (const int64_t[]){2, 1}, NAN);
        else
            nb_tensor_fill(b.ctx, b.x, 1e30);
        /* Finite cost, since sigmoid saturates, but products that overflow on the way back. */
        if (i >= 2) nb_tensor_fill(b.ctx, b.net->part[0]->plan->param[0].value, 1e-21);
        if (i >= 2) nb_tensor_fill(b.ctx, b.net->part[1]->plan->param[0].value, 1e-12);
        if (i >= 2) nb_tensor_fill(b.ctx, b.y, 1e38);
        nb_tensor *before = nb_tensor_clone(b.ctx, b.net->values);
        nb_status status = step(&b, b.net, false, &cost);
        assert_int_equal(status, NB_EVALUE);
        assert_true(same_bits(b.ctx, before, b.net->values));
        assert_int_equal(b.optimizer.steps, 0);
        nb_tensor_release(b.ctx, before);
        end(&b);
    }
}

/* The message says where infinity began: in x, in the layer that overflowed, or in the cost alone.
 */
static void the_first_overflow_is_named(void **state)
{
    static const char *const says[3] = {"the cost is nan: x of example 3, column 2 is nan",
                                        "layer 2, neuron 1, example 1: the sum of ",
                                        "the cost is inf: the cost, output "};
    (void)state;
    for (int i = 0; i < 3; i++) {
        bench b = begin("5 - 4 linear - 3 linear - 3 linear", NB_F32, "sgd");
        double cost;
        if (i == 0) nb_tensor_set(b.x, (const int64_t[]){2, 1}, NAN);
        if (i == 1) nb_tensor_fill(b.ctx, b.net->part[0]->plan->param[0].value, 1e25);
        if (i == 1) nb_tensor_fill(b.ctx, b.net->part[1]->plan->param[0].value, 1e25);
        if (i == 2) nb_tensor_fill(b.ctx, b.y, 3e38);
        nb_status status = step(&b, b.net, false, &cost);
        assert_int_equal(status, NB_EVALUE);
        if (!strstr(b.ctx->message, says[i])) fail_msg("%s", b.ctx->message);
        end(&b);
    }
}

/* Memory that ends in the search ends the search: what went wrong is still said, and nothing is
 * left behind, in the network or in memory. */
static void a_search_that_fails_says_less(void **state)
{
    static const char *const kind[2] = {"sgd", "adam"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        bench b = begin("5 - 4 tanh - 3 linear", NB_F32, kind[i % 2]);
        nb_memory *memory = &b.ctx->memory;
        bool whole = false;
        double cost;
        nb_tensor_set(b.net->part[0]->plan->param[0].value, (const int64_t[]){2, 1},
                      i < 2 ? NAN : 3e38);
        if (i >= 2) nb_tensor_fill(b.ctx, b.x, 0);
        if (i >= 2) nb_tensor_fill(b.ctx, b.y, 100);
        if (i >= 2) b.optimizer.options.lr = 3e38;
        nb_tensor *before = nb_tensor_clone(b.ctx, b.net->values);
        assert_int_equal(nb_optimizer_prepare(b.ctx, &b.optimizer, NB_F32, nb_net_count(b.net)),
                         NB_OK);
        nb_pool_trim(b.ctx);
        memory->pool_cap = 0;
        for (uint64_t n = 1; !whole; n++) {
            size_t live = memory->live;
            uint64_t requests = memory->requests;
            memory->fail_at = requests + n;
            nb_status status = step(&b, b.net, false, &cost);
            memory->fail_at = 0;
            whole = memory->requests < requests + n;
            assert_true(status == NB_EVALUE || (status == NB_EMEMORY && !whole));
            assert_int_equal(memory->live, live);
            assert_null(b.ctx->witness);
            assert_true(same_bits(b.ctx, before, b.net->values));
            if (status != NB_EVALUE) continue;
            if (!strstr(b.ctx->message, i < 2 ? "the cost is nan" : "step"))
                fail_msg("%s", b.ctx->message);
        }
        if (!strstr(b.ctx->message, i < 2 ? "layer 1: w[3][2] is nan" : "layer "))
            fail_msg("%s", b.ctx->message);
        nb_tensor_release(b.ctx, before);
        end(&b);
    }
}

/* A run of training on a set of 60 examples, 5 a batch. */
typedef struct course {
    nb_train_options options;
    nb_history history;
    int batches, epochs;
    int fail_at; /* the batch whose hook fails; 0: none */
    bool stop;   /* it stops instead */
    volatile sig_atomic_t interrupt;
    nb_tensor *after; /* parameters when the hook ran last */
    nb_net *net;
} course;

static nb_status on_batch(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    course *c = self;
    assert_true(isfinite(p->cost));
    nb_tensor_release(ctx, c->after);
    c->after = nb_tensor_clone(ctx, c->net->values);
    if (++c->batches != c->fail_at) return NB_OK;
    if (c->stop) {
        *stop = true;
        return NB_OK;
    }
    return nb_fail(ctx, NB_ECALLBACK, "callback failed");
}

static nb_status on_epoch(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    course *c = self;
    (void)ctx;
    (void)stop;
    assert_int_equal(p->epoch, ++c->epochs);
    assert_int_equal(p->examples, 60);
    assert_int_equal(p->batch, 0);
    return NB_OK;
}

static course course_of(bench *b, nb_set *test)
{
    course c = {.net = b->net};
    c.options = (nb_train_options){
        .epochs = 3,
        .run = {.batch = 5, .seed = 7, .shuffle = true, .optimizer = &b->optimizer, .test = test}};
    return c;
}

static nb_status run(bench *b, nb_set *set, course *c)
{
    c->options.self = c;
    return nb_train(b->ctx, b->net, set, &c->options, &c->history);
}

static void training_learns_and_repeats(void **state)
{
    nb_tensor *first = NULL;
    bench b = begin("8 - 12 - 3", NB_F32, "sgd");
    nb_set *set = random_set(b.ctx, 60, 8, 3);
    (void)state;
    for (int i = 0; i < 3; i++) {
        course c = course_of(&b, set);
        b.optimizer.options.lr = 3;
        c.options.epochs = 200;
        c.options.on_epoch = on_epoch;
        c.options.run.seed = i == 2 ? 8 : 7;
        assert_int_equal(nb_net_reset(b.ctx, b.net, 1), NB_OK);
        assert_int_equal(run(&b, set, &c), NB_OK);
        assert_int_equal(c.history.epochs, 200);
        assert_int_equal(c.history.examples, 200 * 60);
        assert_true(c.history.epoch[199].cost < 0.5 * c.history.epoch[0].cost);
        assert_true(c.history.epoch[199].accuracy > 0.6);
        if (!first) first = nb_tensor_clone(b.ctx, b.net->values);
        /* Same seed, same bits; another seed, another order, other bits. */
        assert_int_equal(same_bits(b.ctx, first, b.net->values), i < 2);
        nb_history_free(b.ctx, &c.history);
    }
    nb_tensor_release(b.ctx, first);
    nb_set_release(b.ctx, set);
    end(&b);
}

/* A batch that does not divide the set leaves a short one at the end, which counts by its size. */
static void short_last_batch(void **state)
{
    bench b = begin("8 - 3", NB_F32, "sgd");
    nb_set *set = random_set(b.ctx, 60, 8, 3);
    course c = course_of(&b, NULL);
    (void)state;
    c.options.run.batch = 7;
    c.options.epochs = 1;
    c.options.on_batch = on_batch;
    c.options.on_epoch = on_epoch;
    assert_int_equal(run(&b, set, &c), NB_OK);
    assert_int_equal(c.batches, 9);
    assert_int_equal(c.history.examples, 60);
    nb_tensor_release(b.ctx, c.after);
    nb_history_free(b.ctx, &c.history);
    nb_set_release(b.ctx, set);
    end(&b);
}

/* After an error in a callback, a stop, or Ctrl-C: the parameters of the last whole batch. */
static void ended_early(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        bench b = begin("8 - 12 - 3", NB_F32, "adam");
        nb_set *set = random_set(b.ctx, 60, 8, 3);
        course c = course_of(&b, NULL);
        c.options.on_batch = on_batch;
        c.fail_at = 17;
        c.stop = way == 1;
        c.interrupt = way == 2;
        if (way == 2) {
            b.ctx->interrupt = &c.interrupt;
            assert_int_equal(run(&b, set, &c), NB_EINTERRUPT);
            assert_int_equal(c.batches, 0);
            assert_int_equal(c.history.stopped, 1);
            c.interrupt = 0;
        } else {
            assert_int_equal(run(&b, set, &c), way == 1 ? NB_OK : NB_ECALLBACK);
            assert_int_equal(c.batches, 17);
            assert_int_equal(c.history.epochs, 1);
            assert_int_equal(c.history.stopped, way == 1 ? 0 : 2);
            assert_true(c.history.epoch[0].lr == b.optimizer.options.lr);
            assert_true(same_bits(b.ctx, c.after, b.net->values));
        }
        b.ctx->interrupt = NULL;
        nb_tensor_release(b.ctx, c.after);
        nb_history_free(b.ctx, &c.history);
        nb_set_release(b.ctx, set);
        end(&b);
    }
}

static nb_tensor *with_nan(nb_ctx *ctx)
{
    nb_tensor *x = uniform(ctx, NB_F32, 60, 8, 0, 1, 5);
    nb_tensor_set(x, (const int64_t[]){30, 2}, NAN);
    return x;
}

/* NaN in the data stops at its batch, says where, and keeps what the batches before have learned.
 */
static void nan_in_the_data(void **state)
{
    bench b = begin("8 - 3", NB_F32, "sgd");
    nb_tensor *x = with_nan(b.ctx), *y = classes_in_turn(b.ctx, 60, 3);
    nb_set *set = nb_set_new(b.ctx, x, 1, y, NULL, 0, NULL);
    course c = course_of(&b, NULL);
    (void)state;
    c.options.run.shuffle = false;
    c.options.on_batch = on_batch;
    assert_int_equal(run(&b, set, &c), NB_EVALUE);
    assert_int_equal(c.batches, 6);
    assert_non_null(strstr(b.ctx->message, "epoch 1, batch 7"));
    assert_non_null(strstr(b.ctx->message, "31"));
    assert_true(same_bits(b.ctx, c.after, b.net->values));
    nb_tensor_release(b.ctx, c.after);
    nb_history_free(b.ctx, &c.history);
    nb_set_release(b.ctx, set);
    nb_tensor_release(b.ctx, x);
    nb_tensor_release(b.ctx, y);
    end(&b);
}

static void refused_before_the_first_batch(void **state)
{
    bench b = begin("8 - 3", NB_F32, "sgd");
    nb_set *wide = random_set(b.ctx, 6, 9, 3), *many = random_set(b.ctx, 8, 8, 4);
    nb_set *good = random_set(b.ctx, 6, 8, 3);
    static const double bad_lr[4] = {0, -1, NAN, INFINITY};
    (void)state;
    course c = course_of(&b, NULL);
    assert_int_equal(run(&b, wide, &c), NB_ESHAPE);
    assert_string_equal(b.ctx->message, "the set's examples are 9; the network takes 8");
    assert_int_equal(run(&b, many, &c), NB_ESHAPE);
    assert_non_null(strstr(b.ctx->message, "4 classes"));
    c.options.run.test = wide;
    assert_int_equal(run(&b, good, &c), NB_ESHAPE);
    assert_non_null(strstr(b.ctx->message, "test: "));
    c.options.run.test = NULL;
    for (int i = 0; i < 4; i++) {
        b.optimizer.options.lr = bad_lr[i];
        assert_int_equal(run(&b, good, &c), NB_EARG);
        assert_non_null(strstr(b.ctx->message, "lr must be a number above 0"));
    }
    b.optimizer.options.lr = 1;
    c.options.run.batch = 0;
    assert_int_equal(run(&b, good, &c), NB_EARG);
    c.options.run.batch = 1;
    c.options.epochs = 0;
    assert_int_equal(run(&b, good, &c), NB_EARG);
    assert_int_equal(c.history.examples, 0);
    nb_set_release(b.ctx, wide);
    nb_set_release(b.ctx, many);
    nb_set_release(b.ctx, good);
    end(&b);
}

/* Built-in layers ask the allocator for nothing once the first batches have filled the pool. */
static void steady_steps_ask_for_no_memory(void **state)
{
    static const char *const kind[2] = {"sgd", "adam"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench b = begin("8 - 12 relu gelu@3 - 3 softmax : cross_entropy", NB_F32, kind[i]);
        nb_set *set = random_set(b.ctx, 60, 8, 3);
        course c = course_of(&b, NULL);
        assert_int_equal(run(&b, set, &c), NB_OK);
        uint64_t before = b.ctx->memory.requests;
        nb_history_free(b.ctx, &c.history);
        assert_int_equal(run(&b, set, &c), NB_OK);
        assert_int_equal(b.ctx->memory.requests, before);
        nb_history_free(b.ctx, &c.history);
        nb_set_release(b.ctx, set);
        end(&b);
    }
}

/* Right answers by hand: a linear layer that copies its input, and inputs that are the classes or
 * not. */
static void evaluation_counts(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 3 linear", NB_F32);
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F32, 2, (const int64_t[]){1200, 3});
    nb_tensor *y = classes_in_turn(ctx, 1200, 3);
    nb_evaluation out;
    (void)state;
    nb_tensor_fill(ctx, net->values, 0);
    for (int64_t i = 0; i < 3; i++)
        nb_tensor_set(net->part[0]->plan->param[0].value, (const int64_t[]){i, i}, 1);
    for (int64_t i = 0; i < 1200; i++) {
        int64_t shown = i < 900 ? i % 3 : (i + 1) % 3;
        nb_tensor_set(x, (const int64_t[]){i, shown}, 1);
    }
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    assert_int_equal(nb_evaluate(ctx, net, set, &out), NB_OK);
    assert_int_equal(out.examples, 1200);
    assert_int_equal(out.correct, 900);
    /* A wrong example costs ½ (1 + 1). */
    assert_true(fabs(out.cost - 0.25) < 1e-6);
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

typedef struct swept {
    nb_set *set;
    nb_optimizer optimizer;
} swept;

/* One batch of one example, so that a whole batch before the failure cannot be missed. */
static nb_status try_train(nb_ctx *ctx, nb_net *net, void *arg)
{
    swept *s = arg;
    nb_train_options options = {.epochs = 1, .run = {.batch = 60, .optimizer = &s->optimizer}};
    nb_history history = {.epochs = 0};
    nb_status status = nb_train(ctx, net, s->set, &options, &history);
    nb_history_free(ctx, &history);
    nb_optimizer_free(ctx, &s->optimizer);
    return status;
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "8 - 4 gelu - 3 softmax : cross_entropy", NB_F32);
    swept s = {.set = random_set(ctx, 60, 8, 3)};
    (void)state;
    nb_optimizer_init(&s.optimizer, nb_optimizer_find("adam"));
    sweep(ctx, net, try_train, &s);
    nb_set_release(ctx, s.set);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_equals_two_steps),
        cmocka_unit_test(optimizers_follow_their_papers),
        cmocka_unit_test(state_belongs_to_one_size),
        cmocka_unit_test(nothing_changes_for_nan),
        cmocka_unit_test(the_first_overflow_is_named),
        cmocka_unit_test(a_search_that_fails_says_less),
        cmocka_unit_test(training_learns_and_repeats),
        cmocka_unit_test(short_last_batch),
        cmocka_unit_test(ended_early),
        cmocka_unit_test(nan_in_the_data),
        cmocka_unit_test(refused_before_the_first_batch),
        cmocka_unit_test(steady_steps_ask_for_no_memory),
        cmocka_unit_test(evaluation_counts),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
