/* Trainers: what a step is, where an epoch's order comes from, and that a run which was stopped,
 * saved or restored anywhere ends with the bits of one that was not. */
#include "lab.h"

#include "kernel/shuffle.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
