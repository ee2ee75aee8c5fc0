/* Trainers: what a step is, where an epoch's order comes from, and that a run which was stopped,
 * saved, restored or failed anywhere ends with the bits of one that was not. */
#include "../nets.h"

#include "base/workers.h"
#include "nn/train/run/snapshot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { EXAMPLES = 23, BATCH = 4, BATCHES = 6, EPOCHS = 3, STEPS = EPOCHS * BATCHES, KINDS = 4 };

/* A run on a small set whose last batch is short. Filled where it stays: the trainer borrows the
 * optimizer. */
typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_tensor *x; /* that the set reads */
    nb_optimizer optimizer;
    nb_trainer_options options;
    nb_trainer *trainer;
} lab;

static void begin(lab *l, nb_ctx *ctx, int kind)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set_of(ctx, EXAMPLES, 6, 3, &l->x);
    l->net = net_of(ctx, "6 - 5 tanh - 3 softmax : cross_entropy", NB_F32);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(kind == 2 ? "adam" : "sgd"));
    l->optimizer.options.lr = kind == 2 ? 0.01 : 0.3;
    l->optimizer.options.momentum = kind == 1 ? 0.9 : 0;
    l->options = (nb_trainer_options){
        .batch = BATCH, .seed = 7, .shuffle = true, .optimizer = &l->optimizer, .test = l->set};
    l->options.flow = kind >= 2;
    if (kind == 3) {
        l->options.valid = l->set;
        l->options.patience = 2;
    }
    l->trainer = nb_trainer_new(ctx, l->net, l->set, &l->options);
    assert_non_null(l->trainer);
}

static void end(lab *l)
{
    nb_trainer_free(l->ctx, l->trainer);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_tensor_release(l->ctx, l->x);
    nb_net_release(l->ctx, l->net);
}

static void go(lab *l, int steps)
{
    double cost;
    for (int i = 0; i < steps; i++)
        if (nb_trainer_step(l->ctx, l->trainer, &cost) != NB_OK) fail_msg("%s", l->ctx->message);
}

/* To the end of the last epoch. */
static void finish(lab *l)
{
    go(l, STEPS - (int)l->trainer->course.steps);
    assert_int_equal(nb_trainer_end_epoch(l->ctx, l->trainer), NB_OK);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void assert_same_course(const nb_course *a, const nb_course *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->seed, b->seed);
    assert_int_equal(a->shuffle, b->shuffle);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->batch, b->batch);
    assert_int_equal(a->examples, b->examples);
    assert_int_equal(a->steps, b->steps);
    assert_true(a->sum == b->sum);
    assert_int_equal(a->best, b->best);
}

/* The places whose flow the history keeps: of the two layers, where it is asked. */
static int flow_places(const lab *l)
{
    return l->options.flow ? 2 : 0;
}

/* Every bit that is not a time. */
static void assert_same(const lab *a, const lab *b)
{
    const nb_history *p = &a->trainer->history, *q = &b->trainer->history;
    assert_true(same_bits(a->ctx, a->net->values, b->net->values));
    assert_same_course(&a->trainer->course, &b->trainer->course);
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_int_equal(a->optimizer.slots, b->optimizer.slots);
    for (int i = 0; i < a->optimizer.slots; i++)
        assert_true(same_bits(a->ctx, a->optimizer.slot[i].value, b->optimizer.slot[i].value));
    assert_int_equal(a->trainer->best[0] != NULL, b->trainer->best[0] != NULL);
    for (int i = 0; i < NB_NET_STATE && a->trainer->best[0]; i++)
        assert_true(same_bits(a->ctx, a->trainer->best[i], b->trainer->best[i]));
    assert_int_equal(p->epochs, q->epochs);
    assert_int_equal(p->examples, q->examples);
    for (int64_t i = 0; i < p->epochs; i++) {
        assert_true(same_number(p->epoch[i].cost, q->epoch[i].cost));
        assert_true(same_number(p->epoch[i].test_cost, q->epoch[i].test_cost));
        assert_true(same_number(p->epoch[i].accuracy, q->epoch[i].accuracy));
        assert_true(same_number(p->epoch[i].valid_cost, q->epoch[i].valid_cost));
        assert_true(same_number(p->epoch[i].valid_accuracy, q->epoch[i].valid_accuracy));
    }
    int64_t figures = p->epochs * p->flow.places * NB_FLOW_FIGURES;
    assert_int_equal(p->flow.places, q->flow.places);
    assert_int_equal(p->flow.places, flow_places(a));
    for (int64_t i = 0; i < figures; i++)
        assert_true(same_number(p->flow.number[i], q->flow.number[i]));
}

/* ---- Steps and epochs ---- */

static void an_epoch_is_its_batches(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    double cost, sum = 0;
    (void)state;
    begin(&l, ctx, 0);
    const nb_course *at = &l.trainer->course;
    assert_true(nb_trainer_is_whole(l.trainer));
    for (int i = 1; i <= BATCHES; i++) {
        assert_int_equal(nb_trainer_step(ctx, l.trainer, &cost), NB_OK);
        assert_int_equal(at->epoch, 1);
        assert_int_equal(at->batch, i);
        assert_int_equal(at->examples, i < BATCHES ? i * BATCH : EXAMPLES);
        assert_int_equal(nb_trainer_is_whole(l.trainer), i == BATCHES);
        sum += cost * (i < BATCHES ? BATCH : EXAMPLES - BATCH * (BATCHES - 1));
    }
    assert_int_equal(l.trainer->history.epochs, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nb_trainer_end_epoch(ctx, l.trainer), NB_OK);
        assert_int_equal(l.trainer->history.epochs, 1);
    }
    assert_true(fabs(l.trainer->history.epoch[0].cost - sum / EXAMPLES) < 1e-12);
    assert_int_equal(nb_trainer_epoch(ctx, l.trainer), NB_OK);
    go(&l, 2);
    assert_int_equal(nb_trainer_epoch(ctx, l.trainer), NB_OK);
    assert_int_equal(at->epoch, 3);
    assert_int_equal(at->steps, STEPS);
    assert_int_equal(l.trainer->history.epochs, 3);
    assert_int_equal(l.trainer->history.examples, 3 * EXAMPLES);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* With steps too small to move anything an epoch's cost is the set's. */
static void the_cost_of_an_epoch_is_that_of_its_examples(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_evaluation out;
    lab l;
    (void)state;
    begin(&l, ctx, 0);
    l.optimizer.options.lr = 1e-30;
    assert_int_equal(nb_evaluate(ctx, l.net, l.set, &out), NB_OK);
    assert_int_equal(nb_trainer_epoch(ctx, l.trainer), NB_OK);
    const nb_epoch *epoch = &l.trainer->history.epoch[0];
    assert_true(fabs(epoch->cost - out.cost) < 1e-6 * out.cost);
    assert_true(epoch->test_cost == out.cost);
    assert_true(epoch->accuracy == (double)out.correct / EXAMPLES);
    end(&l);
    nb_ctx_free(ctx);
}

/* The order of an epoch: all examples, shuffled by seed and epoch, whatever came before. */
static void an_order_is_a_function_of_seed_and_epoch(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    int32_t seen[EPOCHS][EXAMPLES];
    (void)state;
    begin(&l, ctx, 0);
    for (int e = 0; e < EPOCHS; e++) {
        int32_t wanted[EXAMPLES];
        nb_stream stream = nb_stream_make(7, NB_FOR_SHUFFLE, (uint64_t)e + 1);
        for (int32_t i = 0; i < EXAMPLES; i++) wanted[i] = i;
        assert_int_equal(nb_random_shuffle(ctx, &stream, wanted, EXAMPLES), NB_OK);
        assert_int_equal(nb_trainer_epoch(ctx, l.trainer), NB_OK);
        memcpy(seen[e], l.trainer->order, sizeof wanted);
        assert_memory_equal(seen[e], wanted, sizeof wanted);
        for (int earlier = 0; earlier < e; earlier++)
            assert_memory_not_equal(seen[earlier], seen[e], sizeof wanted);
    }
    end(&l);
    nb_ctx_free(ctx);
}

static void without_shuffle_the_set_is_the_order(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, 0);
    l.trainer->course.shuffle = false;
    for (int e = 0; e < 2; e++) {
        assert_int_equal(nb_trainer_epoch(ctx, l.trainer), NB_OK);
        for (int32_t i = 0; i < EXAMPLES; i++) assert_int_equal(l.trainer->order[i], i);
    }
    end(&l);
    nb_ctx_free(ctx);
}

/* Whoever keeps a batch, or a view of one, keeps its numbers. */
static void a_kept_batch_is_not_written_again(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int way = 0; way < 3; way++) {
        lab l;
        begin(&l, ctx, 0);
        go(&l, 1);
        nb_tensor *from = way == 2 ? l.trainer->y : l.trainer->x;
        nb_tensor *kept = way == 1 ? nb_tensor_alias(ctx, from) : nb_tensor_retain(from);
        nb_tensor *copy = nb_tensor_clone(ctx, kept);
        go(&l, 3);
        assert_true(same_bits(ctx, kept, copy));
        nb_tensor_release(ctx, kept);
        nb_tensor_release(ctx, copy);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void steady_steps_ask_for_nothing(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        lab l;
        begin(&l, ctx, kind);
        /* From here on both pairs of buffers are there. */
        go(&l, BATCHES + 1);
        uint64_t before = ctx->memory.requests;
        finish(&l);
        assert_int_equal(ctx->memory.requests, before);
        end(&l);
    }
    nb_ctx_free(ctx);
}

/* ---- Snapshots ---- */

/* Saved behind step `at`, gone on, put back, and finished; then the same by a trainer that has
 * trained something else before. */
static void resume_at(const lab *straight, int kind, int at)
{
    nb_ctx *ctx = straight->ctx;
    lab back, fresh;
    begin(&back, ctx, kind);
    begin(&fresh, ctx, kind);
    go(&back, at);
    nb_snapshot *s = nb_trainer_save(ctx, back.trainer);
    assert_non_null(s);
    go(&back, 5);
    back.optimizer.options.lr *= 2;
    assert_int_equal(nb_trainer_restore(ctx, back.trainer, s), NB_OK);
    assert_int_equal(back.trainer->course.steps, at);
    finish(&back);
    assert_same(straight, &back);
    fresh.trainer->course.seed = 99;
    assert_int_equal(nb_net_reset(ctx, fresh.net, 99), NB_OK);
    go(&fresh, 2);
    assert_int_equal(nb_trainer_restore(ctx, fresh.trainer, s), NB_OK);
    finish(&fresh);
    assert_same(straight, &fresh);
    nb_snapshot_free(ctx, s);
    end(&back);
    end(&fresh);
}

static void a_restored_run_ends_with_the_same_bits(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        lab straight;
        assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
        begin(&straight, ctx, kind);
        finish(&straight);
        for (int threads = 1; threads <= 2; threads++) {
            assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
            for (int at = 0; at <= STEPS; at++) resume_at(&straight, kind, at);
        }
        end(&straight);
    }
    nb_workers_stop(ctx);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* A snapshot holds the run's seed, batch size and options, so that a trainer which was told
 * otherwise goes on as the saved one would. */
static void a_snapshot_says_how_the_run_goes(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab straight, other;
    (void)state;
    begin(&straight, ctx, 2);
    begin(&other, ctx, 2);
    go(&straight, 8);
    nb_snapshot *s = nb_trainer_save(ctx, straight.trainer);
    finish(&straight);
    nb_trainer_free(ctx, other.trainer);
    other.options.batch = 5;
    other.options.shuffle = false;
    other.optimizer.options.beta1 = 0.5;
    other.trainer = nb_trainer_new(ctx, other.net, other.set, &other.options);
    go(&other, 7);
    assert_int_equal(nb_trainer_restore(ctx, other.trainer, s), NB_OK);
    finish(&other);
    assert_same(&straight, &other);
    nb_snapshot_free(ctx, s);
    end(&straight);
    end(&other);
    nb_ctx_free(ctx);
}

/* After going back the gradients there were are not those of the network. */
static void gradients_are_forgotten(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, 2);
    nb_snapshot *s = nb_trainer_save(ctx, l.trainer);
    go(&l, 1);
    assert_int_equal(l.net->home->state, NB_HOME_FILLED);
    assert_int_equal(nb_trainer_restore(ctx, l.trainer, s), NB_OK);
    assert_int_equal(l.net->home->state, NB_HOME_NEW);
    nb_snapshot_free(ctx, s);
    end(&l);
    nb_ctx_free(ctx);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const char *const says[3] = {"a run with sgd; this one has adam",
                                        "a network with 53 numbers in f32; this network has 21",
                                        "a run on 23 examples; this one has 9"};
    nb_ctx *ctx = nb_ctx_new();
    lab l, adam;
    (void)state;
    begin(&l, ctx, 0);
    begin(&adam, ctx, 2);
    nb_snapshot *s = nb_trainer_save(ctx, l.trainer);
    nb_net *small = net_of(ctx, "6 - 3 softmax : cross_entropy", NB_F32);
    nb_set *few = nb_set_take(ctx, l.set, 9);
    nb_trainer *other[3] = {adam.trainer, nb_trainer_new(ctx, small, l.set, &l.options),
                            nb_trainer_new(ctx, l.net, few, &l.options)};
    for (int i = 0; i < 3; i++) {
        nb_tensor *before = nb_tensor_clone(ctx, other[i]->net->values);
        assert_int_equal(nb_trainer_restore(ctx, other[i], s), NB_EARG);
        if (!strstr(ctx->message, says[i])) fail_msg("%s", ctx->message);
        assert_true(same_bits(ctx, before, other[i]->net->values));
        nb_tensor_release(ctx, before);
    }
    nb_trainer_free(ctx, other[1]);
    nb_trainer_free(ctx, other[2]);
    nb_set_release(ctx, few);
    nb_net_release(ctx, small);
    nb_snapshot_free(ctx, s);
    end(&l);
    end(&adam);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Failures ---- */

/* All that a failed call must leave as it was. */
static void assert_unchanged(const lab *l, const nb_snapshot *was)
{
    assert_true(same_bits(l->ctx, l->net->values, was->net[0]));
    assert_same_course(&l->trainer->course, &was->course);
    assert_int_equal(l->optimizer.steps, was->optimizer.steps);
    assert_int_equal(l->optimizer.slots, was->optimizer.slots);
    for (int i = 0; i < l->optimizer.slots; i++)
        assert_true(same_bits(l->ctx, l->optimizer.slot[i].value, was->optimizer.slot[i].value));
    assert_int_equal(l->trainer->history.examples, was->history.examples);
}

static void step_fails(lab *l, nb_status wanted)
{
    double cost;
    nb_snapshot *was = nb_trainer_save(l->ctx, l->trainer);
    assert_non_null(was);
    assert_int_equal(nb_trainer_step(l->ctx, l->trainer, &cost), wanted);
    assert_unchanged(l, was);
    nb_snapshot_free(l->ctx, was);
}

static void interrupt_a_step(lab *l)
{
    volatile sig_atomic_t pressed = 1;
    l->ctx->interrupt = &pressed;
    step_fails(l, NB_EINTERRUPT);
    l->ctx->interrupt = NULL;
}

/* One number of every example is NaN for the time of the step. */
static void spoil_a_step(lab *l)
{
    char place[64];
    nb_tensor *x = nb_tensor_clone(l->ctx, l->x);
    for (int64_t i = 0; i < EXAMPLES; i++) nb_tensor_set(l->x, (const int64_t[]){i, 2}, NAN);
    const nb_course *at = &l->trainer->course;
    bool next = nb_trainer_is_whole(l->trainer);
    snprintf(place, sizeof place, "epoch %d, batch %d", (int)at->epoch + next,
             next ? 1 : (int)at->batch + 1);
    step_fails(l, NB_EVALUE);
    if (!strstr(l->ctx->message, place)) fail_msg("%s", l->ctx->message);
    assert_int_equal(nb_tensor_copy(l->ctx, l->x, x), NB_OK);
    nb_tensor_release(l->ctx, x);
}

/* The step with request n of the allocator failing, for n = 1, 2, … until it succeeds. */
static void starve_a_step(lab *l, bool on)
{
    nb_memory *memory = &l->ctx->memory;
    nb_snapshot *was = nb_trainer_save(l->ctx, l->trainer);
    size_t cap = memory->pool_cap;
    nb_status status = NB_EMEMORY;
    double cost;
    nb_pool_trim(l->ctx);
    memory->pool_cap = 0;
    for (uint64_t n = 1; status != NB_OK; n++) {
        memory->fail_at = memory->requests + n;
        memory->fail_on = on;
        status = nb_trainer_step(l->ctx, l->trainer, &cost);
        memory->fail_at = 0;
        memory->fail_on = false;
        if (status == NB_OK) break;
        assert_int_equal(status, NB_EMEMORY);
        assert_unchanged(l, was);
        assert_true(n < 10000);
    }
    memory->pool_cap = cap;
    nb_snapshot_free(l->ctx, was);
}

/* Before every step of a run it fails in every way; nothing has changed then, and the run ends as
 * if nothing had been. */
static void a_failed_step_is_none(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int kind = 0; kind < 2 * KINDS; kind++) {
        lab straight, l;
        assert_int_equal(nb_set_threads(ctx, kind < KINDS ? 1 : 2), NB_OK);
        begin(&straight, ctx, kind % KINDS);
        begin(&l, ctx, kind % KINDS);
        finish(&straight);
        for (int i = 0; i < STEPS; i++) {
            /* An epoch that ends has its entry whether or not the step behind it succeeds. */
            assert_int_equal(nb_trainer_end_epoch(ctx, l.trainer), NB_OK);
            interrupt_a_step(&l);
            spoil_a_step(&l);
            starve_a_step(&l, i % 2);
        }
        finish(&l);
        assert_same(&straight, &l);
        end(&straight);
        end(&l);
    }
    nb_workers_stop(ctx);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* The evaluation meets NaN, then has no memory. */
static void spoil_the_end(lab *l, int epochs)
{
    nb_memory *memory = &l->ctx->memory;
    nb_tensor *x = nb_tensor_clone(l->ctx, l->x);
    size_t cap = memory->pool_cap;
    nb_tensor_set(l->x, (const int64_t[]){3, 2}, NAN);
    assert_int_equal(nb_trainer_end_epoch(l->ctx, l->trainer), NB_EVALUE);
    assert_int_equal(nb_tensor_copy(l->ctx, l->x, x), NB_OK);
    nb_tensor_release(l->ctx, x);
    memory->pool_cap = 0;
    nb_pool_trim(l->ctx);
    memory->fail_at = memory->requests + 1;
    memory->fail_on = true;
    assert_int_equal(nb_trainer_end_epoch(l->ctx, l->trainer), NB_EMEMORY);
    memory->fail_at = 0;
    memory->fail_on = false;
    memory->pool_cap = cap;
    assert_int_equal(l->trainer->history.epochs, epochs);
}

/* An epoch whose end fails ends at the next try. */
static void an_epoch_ends_at_the_next_try(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab straight, l;
    (void)state;
    begin(&straight, ctx, 2);
    begin(&l, ctx, 2);
    finish(&straight);
    for (int e = 0; e < EPOCHS; e++) {
        go(&l, BATCHES);
        spoil_the_end(&l, e);
    }
    finish(&l);
    assert_same(&straight, &l);
    end(&straight);
    end(&l);
    nb_ctx_free(ctx);
}

/* The end of an epoch with request n failing, for n = 1, 2, …: the entry is whole or not there. */
static void an_end_without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_memory *memory = &ctx->memory;
    lab straight, l;
    (void)state;
    begin(&straight, ctx, 2);
    begin(&l, ctx, 2);
    finish(&straight);
    go(&l, BATCHES);
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    size_t live = memory->live;
    nb_status status = NB_EMEMORY;
    uint64_t n;
    for (n = 1; status != NB_OK; n++) {
        memory->fail_at = memory->requests + n;
        status = nb_trainer_end_epoch(ctx, l.trainer);
        if (status == NB_OK) break;
        assert_int_equal(status, NB_EMEMORY);
        assert_int_equal(memory->live, live);
        assert_int_equal(l.trainer->history.epochs, 0);
    }
    assert_true(n > 20);
    memory->fail_at = 0;
    finish(&l);
    assert_same(&straight, &l);
    end(&straight);
    end(&l);
    assert_int_equal(memory->live, 0);
    nb_ctx_free(ctx);
}

/* Saving and restoring with request n failing, for n = 1, 2, …: no leak, nothing changed. */
static void snapshots_without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_memory *memory = &ctx->memory;
    lab l;
    (void)state;
    begin(&l, ctx, 2);
    go(&l, 8);
    nb_snapshot *then = nb_trainer_save(ctx, l.trainer), *s = NULL;
    go(&l, 5);
    nb_snapshot *was = nb_trainer_save(ctx, l.trainer);
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    size_t live = memory->live;
    uint64_t n = 1;
    for (; !s; n++) {
        memory->fail_at = memory->requests + n;
        s = nb_trainer_save(ctx, l.trainer);
        if (!s) assert_int_equal(memory->live, live);
    }
    assert_true(n > 5);
    memory->fail_at = 0;
    nb_snapshot_free(ctx, s);
    nb_status status = NB_EMEMORY;
    for (n = 1; status != NB_OK; n++) {
        memory->fail_at = memory->requests + n;
        status = nb_trainer_restore(ctx, l.trainer, then);
        if (status != NB_OK) assert_unchanged(&l, was);
    }
    assert_true(n > 4);
    memory->fail_at = 0;
    assert_unchanged(&l, then);
    nb_snapshot_free(ctx, then);
    nb_snapshot_free(ctx, was);
    end(&l);
    assert_int_equal(memory->live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_is_its_batches),
        cmocka_unit_test(the_cost_of_an_epoch_is_that_of_its_examples),
        cmocka_unit_test(an_order_is_a_function_of_seed_and_epoch),
        cmocka_unit_test(without_shuffle_the_set_is_the_order),
        cmocka_unit_test(a_kept_batch_is_not_written_again),
        cmocka_unit_test(steady_steps_ask_for_nothing),
        cmocka_unit_test(a_restored_run_ends_with_the_same_bits),
        cmocka_unit_test(a_snapshot_says_how_the_run_goes),
        cmocka_unit_test(gradients_are_forgotten),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_failed_step_is_none),
        cmocka_unit_test(an_epoch_ends_at_the_next_try),
        cmocka_unit_test(an_end_without_memory),
        cmocka_unit_test(snapshots_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
