/* Runs under glass: going back and forward again has the bits of a run that never stopped, whatever
 * it learns with and whatever was changed on the way, and those of a plain run besides. */
#include "../trees.h"
#include "glasses.h"

#include "nn/learns.h"
#include "nn/train/run/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- Plain runs ---- */

/* A trainer's run is net:train's, bit by bit, with its history. */
static void a_run_is_a_plain_run(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < kinds_count; i++) {
        lab l, plain;
        nb_history history = {.epochs = 0};
        begin(&l, ctx, &kinds[i]);
        prepare(&plain, ctx, &kinds[i]);
        ok(&plain, nb_train(ctx, plain.net, plain.set, &plain.options.train, &history));
        ok(&l, nb_glass_run(ctx, l.glass));
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
        assert_same_history(&l.glass->trainer->history, &history);
        assert_int_equal(l.glass->trainer->history.best, history.best);
        nb_history_free(ctx, &history);
        end(&l);
        end(&plain);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Back and forward ---- */

/* At every step of the run: to the last, back to it, to the last again. */
static void back_and_forward(nb_ctx *ctx, const kind *k, int64_t distance)
{
    lab l, straight;
    begin(&l, ctx, k);
    l.glass->reel.distance = distance;
    int64_t most = nb_glass_epoch_end(l.glass, EPOCHS) - 1, last = 0;
    ok(&l, nb_glass_go(ctx, l.glass, most));
    last = nb_glass_at(l.glass);
    assert_true(last > 0);
    for (int64_t step = 0; step <= last; step++) {
        begin(&straight, ctx, k);
        ok(&straight, nb_glass_go(ctx, straight.glass, step));
        ok(&l, nb_glass_back(ctx, l.glass, last - step));
        assert_same(&l, &straight);
        if (step < last) ok(&straight, nb_glass_go(ctx, straight.glass, last));
        if (step < last) ok(&l, nb_glass_go(ctx, l.glass, last));
        assert_same(&l, &straight);
        end(&straight);
    }
    end(&l);
}

static void back_has_the_bits(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < kinds_count; i++)
        for (int64_t distance = 1; distance <= 8; distance *= 8)
            back_and_forward(ctx, &kinds[i], distance);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Networks that chance draws, on vectors, steps and words: as a plain run, also from a frame in the
 * middle. */
static void tree(nb_ctx *ctx, uint64_t number)
{
    char text[TREE_TEXT_MAX];
    lab l, plain;
    nb_history history = {.epochs = 0};
    draw_tree(text, number);
    kind k = {text, number % 2 ? "adam" : "sgd", 0.01, 0, 1, 0, NB_F64, false};
    for (int i = 0; i < 2; i++) {
        lab *at = i ? &plain : &l;
        prepare(at, ctx, &k);
        nb_tensor *x = tree_inputs(ctx, at->net, 9, number), *y = tree_targets(ctx, at->net, 9);
        nb_set_release(ctx, at->set);
        at->set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
        at->options.train.epochs = 2;
        at->options.train.run.valid = NULL;
    }
    l.glass = l.set ? nb_glass_new(ctx, l.net, l.set, &l.options) : NULL;
    if (!l.glass) fail_msg("%s: %s", text, ctx->message);
    l.glass->reel.distance = 2;
    nb_status status = nb_train(ctx, plain.net, plain.set, &plain.options.train, &history);
    if (status == NB_OK) {
        ok(&l, nb_glass_run(ctx, l.glass));
        for (int64_t step = 5; step >= 0; step--) {
            ok(&l, nb_glass_seek(ctx, l.glass, step));
            ok(&l, nb_glass_seek(ctx, l.glass, 6));
            assert_true(same_bits(ctx, l.net->values, plain.net->values));
            assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
        }
    } else {
        assert_int_equal(nb_glass_run(ctx, l.glass), status);
    }
    nb_history_free(ctx, &history);
    end(&plain);
    end(&l);
}

static void drawn_networks(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (uint64_t number = 0; number < 100; number++) tree(ctx, number);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Changes by hand ---- */

/* A trainer alone, changed between the same steps: what a run under glass must come to. */
static void plain_with_changes(lab *l, nb_ctx *ctx, const kind *k, int64_t every, int64_t steps)
{
    double cost;
    prepare(l, ctx, k);
    nb_trainer *t = nb_trainer_new(ctx, l->net, l->set, &l->options.train.run);
    assert_non_null(t);
    for (int64_t i = 0; i < steps; i++) {
        if (i && i % every == 0) change(ctx, l->net, &l->optimizer, (int)(i / every - 1) % CHANGES);
        ok(l, nb_trainer_step(ctx, t, &cost));
        if (nb_trainer_is_whole(t)) ok(l, nb_trainer_end_epoch(ctx, t));
    }
    nb_trainer_free(ctx, t);
}

/* With a change of every kind on the way: as a plain run; then back to every step, from the start
 * and from the end, and to the end again. */
static void changes_are_made_again(void **state)
{
    enum { EVERY = 2, STEPS = 20 };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 1; i <= 3; i++) {
        lab l, plain;
        begin(&l, ctx, &kinds[i]);
        l.glass->reel.distance = i == 1 ? 1 : 6;
        plain_with_changes(&plain, ctx, &kinds[i], EVERY, STEPS);
        go_with_changes(&l, EVERY, STEPS);
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
        for (int64_t step = 0; step < STEPS; step++) {
            lab part;
            plain_with_changes(&part, ctx, &kinds[i], EVERY, step);
            ok(&l, nb_glass_seek(ctx, l.glass, step));
            /* Where something was changed it is changed. */
            if (step && step % EVERY == 0)
                change(ctx, part.net, &part.optimizer, (int)(step / EVERY - 1) % CHANGES);
            assert_true(same_bits(ctx, l.net->values, part.net->values));
            assert_true(l.optimizer.options.lr == part.optimizer.options.lr);
            assert_int_equal(nb_glass_last(l.glass), STEPS);
            if (step % 3) ok(&l, nb_glass_seek(ctx, l.glass, 0));
            ok(&l, nb_glass_go(ctx, l.glass, STEPS));
            assert_true(same_bits(ctx, l.net->values, plain.net->values));
            assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
            end(&part);
        }
        end(&plain);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Numbers of which nothing is another were not changed, whatever their version says; and what is
 * changed after going back ends what was ahead, from there. */
static void a_change_ends_what_is_ahead(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&straight, nb_glass_go(ctx, straight.glass, 12));
    ok(&l, nb_glass_go(ctx, l.glass, 12));
    ok(&l, nb_glass_back(ctx, l.glass, 5));
    nb_tensor_touch(l.net->values, "test");
    ok(&l, nb_glass_look(ctx, l.glass));
    assert_int_equal(nb_glass_last(l.glass), 12);
    assert_int_equal(l.glass->reel.edits, 0);
    change(ctx, l.net, &l.optimizer, 0);
    ok(&l, nb_glass_look(ctx, l.glass));
    assert_int_equal(nb_glass_last(l.glass), 7);
    assert_int_equal(l.glass->reel.edits, 1);
    assert_int_equal(l.glass->reel.edit[0]->net[0].count, 1); /* one number, not all */
    assert_int_equal(nb_glass_seek(ctx, l.glass, 8), NB_EARG);
    ok(&l, nb_glass_go(ctx, l.glass, 12));
    assert_false(same_bits(ctx, l.net->values, straight.net->values));
    /* Without the change it is the same run again. */
    ok(&l, nb_glass_seek(ctx, l.glass, 6));
    change(ctx, l.net, &l.optimizer, 3);
    l.optimizer.options.lr *= 2;
    ok(&l, nb_glass_go(ctx, l.glass, 7));
    change(ctx, l.net, &l.optimizer, 1);
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* back(0) drops what was done since the run stopped. */
static void back_to_what_was_left(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&l, nb_glass_go(ctx, l.glass, 9));
    nb_said *was = nb_said_take(ctx, l.net);
    assert_non_null(was);
    for (int which = 0; which < CHANGES; which++) change(ctx, l.net, &l.optimizer, which);
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    ok(&straight, nb_glass_go(ctx, straight.glass, 9));
    assert_same(&l, &straight);
    assert_true(nb_said_holds(was, l.net));
    nb_said_release(ctx, was);
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    ok(&straight, nb_glass_go(ctx, straight.glass, 14));
    assert_same(&l, &straight);
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Hooks ---- */

typedef struct meddler {
    lab *l;
    int batches, epochs, rates;
    bool gently; /* a few numbers, not all */
} meddler;

static nb_status meddle(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    meddler *m = self;
    const int64_t at = m->batches % 7;
    (void)stop;
    m->batches++;
    if (p->batch % 3) return NB_OK;
    nb_tensor_set(m->l->net->values, &at, 0.125);
    if (!m->gently) return nb_tensor_fill(ctx, m->l->net->values, 0.01 * m->batches);
    nb_tensor_touch(m->l->net->values, "test");
    return NB_OK;
}

static nb_status meddle_at_the_end(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    meddler *m = self;
    (void)stop;
    m->epochs++;
    if (p->epoch == 2) nb_layer_freeze(m->l->net->part[0], true);
    if (p->epoch == 3) change(ctx, m->l->net, &m->l->optimizer, 0);
    m->l->optimizer.options.lr *= 0.75;
    return NB_OK;
}

static nb_status rate_of(nb_ctx *ctx, void *self, int64_t epoch, double *factor)
{
    meddler *m = self;
    *factor = 1 / (double)(epoch + m->rates);
    m->rates++;
    if (epoch == 3) change(ctx, m->l->net, &m->l->optimizer, 4);
    return NB_OK;
}

/* What callbacks and schedules change is done again without them; as a plain run with them. */
static void hooks_are_not_called_again(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int gently = 0; gently < 2; gently++) {
        lab l, plain;
        nb_history history = {.epochs = 0};
        meddler mine = {.l = &l, .gently = gently}, other = {.l = &plain, .gently = gently};
        for (int i = 0; i < 2; i++) {
            lab *at = i ? &plain : &l;
            prepare(at, ctx, &kinds[2]);
            at->options.train.run.patience = 3;
            at->options.train.on_batch = meddle;
            at->options.train.on_epoch = meddle_at_the_end;
            at->options.train.run.pace.hook = rate_of;
            at->options.train.run.pace.self = at->options.train.self = i ? &other : &mine;
        }
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        assert_non_null(l.glass);
        l.glass->reel.distance = 7;
        ok(&plain, nb_train(ctx, plain.net, plain.set, &plain.options.train, &history));
        ok(&l, nb_glass_run(ctx, l.glass));
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        int64_t last = nb_glass_at(l.glass);
        int batches = mine.batches, epochs = mine.epochs, rates = mine.rates;
        assert_int_equal(batches, other.batches);
        for (int64_t step = 0; step <= last; step++) {
            ok(&l, nb_glass_seek(ctx, l.glass, step));
            ok(&l, nb_glass_seek(ctx, l.glass, last));
            assert_true(same_bits(ctx, l.net->values, plain.net->values));
            assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
            assert_same_history(&l.glass->trainer->history, &history);
            assert_int_equal(l.glass->trainer->history.best, history.best);
        }
        assert_int_equal(mine.batches, batches);
        assert_int_equal(mine.epochs, epochs);
        assert_int_equal(mine.rates, rates);
        nb_history_free(ctx, &history);
        end(&plain);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_a_plain_run),
        cmocka_unit_test(back_has_the_bits),
        cmocka_unit_test(drawn_networks),
        cmocka_unit_test(changes_are_made_again),
        cmocka_unit_test(a_change_ends_what_is_ahead),
        cmocka_unit_test(back_to_what_was_left),
        cmocka_unit_test(hooks_are_not_called_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
