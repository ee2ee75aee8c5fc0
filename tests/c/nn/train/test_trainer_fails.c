/* Steps, ends of epochs and snapshots that fail: by Ctrl-C, NaN, and memory that ends. Nothing has
 * changed then, and the run ends as if nothing had been. */
#include "lab.h"

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
        cmocka_unit_test(a_failed_step_is_none),
        cmocka_unit_test(an_epoch_ends_at_the_next_try),
        cmocka_unit_test(an_end_without_memory),
        cmocka_unit_test(snapshots_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
