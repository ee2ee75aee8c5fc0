/* Runs under glass where something goes wrong: others meddle, Ctrl-C, memory ends, the bound. */
#include "glasses.h"

#include "base/processes/peers.h"
#include "nn/train/run/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- Others ---- */

static void train_elsewhere(lab *l)
{
    nb_train_options options = l->options.train;
    nb_history history = {.epochs = 0};
    options.epochs = 1;
    ok(l, nb_train(l->ctx, l->net, l->set, &options, &history));
    nb_history_free(l->ctx, &history);
}

/* Said once; then the run goes on from there, and that is on record; or it goes back. */
static void training_elsewhere_is_noticed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&straight, nb_glass_go(ctx, straight.glass, 8));
    ok(&l, nb_glass_go(ctx, l.glass, 8));
    train_elsewhere(&l);
    fails(&l, nb_glass_go(ctx, l.glass, 9), "learned elsewhere since this run stopped at step 8");
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    assert_same(&l, &straight);
    train_elsewhere(&l);
    /* A change by hand besides hides nothing. */
    change(ctx, l.net, &l.optimizer, 0);
    fails(&l, nb_glass_back(ctx, l.glass, 2), "learned elsewhere");
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
    ok(&l, nb_glass_seek(ctx, l.glass, 3));
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    assert_true(same_bits(ctx, l.net->values, then));
    nb_tensor_release(ctx, then);
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void another_build_is_refused(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, &kinds[0]);
    ok(&l, nb_glass_go(ctx, l.glass, 3));
    assert_int_equal(nb_net_convert(ctx, l.net, NB_F64), NB_OK);
    for (int i = 0; i < 2; i++)
        fails(&l, nb_glass_go(ctx, l.glass, 4), "since step 3: f32 is now f64");
    fails(&l, nb_glass_back(ctx, l.glass, 0), "f32 is now f64");
    fails(&l, nb_glass_seek(ctx, l.glass, 0), "f32 is now f64");
    assert_int_equal(nb_net_convert(ctx, l.net, NB_F32), NB_OK);
    fails(&l, nb_glass_go(ctx, l.glass, 4), "built anew");
    assert_int_equal(nb_net_cut(ctx, l.net, 0, 0, 1), NB_OK);
    fails(&l, nb_glass_go(ctx, l.glass, 4), "layer 1, dense 5 is now layer 1, dense 3");
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void a_changed_set_is_noticed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    nb_tensor *x;
    (void)state;
    prepare(&l, ctx, &kinds[0]);
    nb_set_release(ctx, l.set);
    l.set = random_set_of(ctx, EXAMPLES, 6, 3, &x);
    l.options.train.run.valid = NULL;
    l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
    assert_non_null(l.glass);
    ok(&l, nb_glass_go(ctx, l.glass, 8));
    nb_tensor_set(x, (const int64_t[]){2, 2}, 3);
    nb_tensor_touch(x, "test");
    fails(&l, nb_glass_go(ctx, l.glass, 9), "numbers of the set were changed since step 8");
    ok(&l, nb_glass_go(ctx, l.glass, 10));
    assert_int_equal(nb_glass_first(l.glass), 8);
    fails(&l, nb_glass_back(ctx, l.glass, 3), "can go back 2 at most");
    ok(&l, nb_glass_back(ctx, l.glass, 2));
    fails(&l, nb_glass_seek(ctx, l.glass, 7), "the record begins at step 8");
    nb_tensor_release(ctx, x);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Where steps would be made again with other numbers, nothing is dropped; where none is, all is. */
static void changes_beside_a_changed_set(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int near = 0; near < 2; near++) {
        lab l;
        nb_tensor *x;
        prepare(&l, ctx, &kinds[0]);
        nb_set_release(ctx, l.set);
        l.set = random_set_of(ctx, EXAMPLES, 6, 3, &x);
        l.options.train.run.valid = NULL;
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        l.glass->reel.distance = 8;
        int64_t at = near ? 8 : 7;
        ok(&l, nb_glass_go(ctx, l.glass, at));
        nb_tensor *left = nb_tensor_clone(ctx, l.net->values);
        nb_tensor_touch(x, "test");
        change(ctx, l.net, &l.optimizer, 0);
        if (near) fails(&l, nb_glass_back(ctx, l.glass, 0), "numbers of the set were changed");
        for (int i = 0; i < 2 && !near; i++)
            fails(&l, nb_glass_back(ctx, l.glass, 0), "since step 7 cannot be dropped");
        if (near) ok(&l, nb_glass_back(ctx, l.glass, 0));
        assert_int_equal(same_bits(ctx, l.net->values, left), near);
        if (!near) fails(&l, nb_glass_go(ctx, l.glass, at + 1), "numbers of the set were changed");
        ok(&l, nb_glass_go(ctx, l.glass, at + 1));
        assert_int_equal(nb_glass_first(l.glass), at);
        nb_tensor_release(ctx, left);
        nb_tensor_release(ctx, x);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Failures ---- */

/* Ctrl-C at the n-th batch, wherever that is learned from. */
typedef struct presser {
    int left;
    volatile sig_atomic_t pressed;
} presser;

static nb_status press(nb_ctx *ctx, void *self, nb_batch *batch)
{
    presser *p = self;
    (void)ctx;
    (void)batch;
    if (p->left > 0 && --p->left == 0) p->pressed = 1;
    return NB_OK;
}

/* Stopped anywhere on its way a journey has not been made; what was changed and not on record yet
 * is there as well. */
static void a_stopped_way_is_none(void **state)
{
    enum { LAST = 15 };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int changed = 0; changed < 2; changed++)
        for (int n = 1; n < 8; n++) {
            lab l;
            presser p = {.left = 0};
            prepare(&l, ctx, &kinds[2]);
            l.options.train.run.augment = press;
            l.options.train.run.augmenter = &p;
            l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
            l.glass->reel.distance = 8;
            ok(&l, nb_glass_go(ctx, l.glass, LAST));
            if (changed) change(ctx, l.net, &l.optimizer, 0);
            nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
            int64_t steps = l.optimizer.steps;
            p.left = n;
            ctx->interrupt = &p.pressed;
            assert_int_equal(nb_glass_seek(ctx, l.glass, 7), NB_EINTERRUPT);
            ctx->interrupt = NULL;
            assert_int_equal(nb_glass_at(l.glass), LAST);
            assert_true(same_bits(ctx, l.net->values, then));
            assert_int_equal(l.optimizer.steps, steps);
            assert_int_equal(l.glass->trainer->history.epochs, 2);
            ok(&l, nb_glass_seek(ctx, l.glass, 7));
            assert_int_equal(l.glass->reel.edits, changed);
            if (changed) assert_int_equal(l.glass->reel.edit[0]->by, NB_BY_HAND);
            ok(&l, nb_glass_go(ctx, l.glass, LAST));
            assert_true(same_bits(ctx, l.net->values, then));
            nb_tensor_release(ctx, then);
            end(&l);
        }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static nb_status press_at_the_end(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    presser *at = self;
    (void)ctx;
    (void)stop;
    if (at->left && p->batch == p->batches) at->pressed = 1;
    return NB_OK;
}

/* One that stops between the last batch of the first epoch and its end, and one that does not. */
static void begin_pressed(lab *l, nb_ctx *ctx, presser *p)
{
    prepare(l, ctx, &kinds[2]);
    l->options.train.on_batch = press_at_the_end;
    l->options.train.self = p;
    l->glass = nb_glass_new(ctx, l->net, l->set, &l->options);
    assert_non_null(l->glass);
}

/* What is made up for is the end, whichever way goes on. */
static void an_end_is_made_up_for(void **state)
{
    enum { BATCHES = 6 };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int go = 0; go < 3; go++) {
        lab l, straight;
        presser p = {.left = 1}, none = {.left = 0};
        begin_pressed(&l, ctx, &p);
        begin_pressed(&straight, ctx, &none);
        ok(&straight, nb_glass_go(ctx, straight.glass, go == 0 ? BATCHES + 1 : BATCHES));
        ctx->interrupt = &p.pressed;
        assert_int_equal(nb_glass_epoch(ctx, l.glass), NB_EINTERRUPT);
        ctx->interrupt = NULL;
        p.left = 0;
        assert_int_equal(nb_glass_at(l.glass), BATCHES);
        assert_int_equal(l.glass->trainer->history.epochs, 0);
        if (go == 2) {
            ok(&l, nb_glass_seek(ctx, l.glass, 2));
            ok(&l, nb_glass_seek(ctx, l.glass, BATCHES));
            ok(&l, nb_glass_back(ctx, l.glass, 0));
        }
        if (go == 0)
            ok(&l, nb_glass_go(ctx, l.glass, BATCHES + 1));
        else
            ok(&l, nb_glass_epoch(ctx, l.glass));
        assert_same(&l, &straight);
        ok(&l, nb_glass_seek(ctx, l.glass, 1));
        ok(&l, nb_glass_seek(ctx, l.glass, BATCHES));
        assert_int_equal(l.glass->trainer->history.epochs, 1);
        end(&straight);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

typedef nb_status way(nb_ctx *ctx, nb_glass *glass, int64_t n);

static nb_status look(nb_ctx *ctx, nb_glass *g, int64_t n)
{
    (void)n;
    return nb_glass_look(ctx, g);
}

/* With request n failing, for n = 1, 2, …, until it is done: each time nothing has changed. */
static void try_without_memory(lab *l, way *go, int64_t n, uint64_t least)
{
    nb_ctx *ctx = l->ctx;
    nb_memory *memory = &ctx->memory;
    size_t cap = memory->pool_cap;
    nb_tensor *then = nb_tensor_clone(ctx, l->net->values);
    int64_t at = nb_glass_at(l->glass), steps = l->optimizer.steps;
    int64_t epochs = l->glass->trainer->history.epochs;
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    uint64_t request = 1;
    for (;; request++) {
        size_t live = memory->live;
        memory->fail_at = memory->requests + request;
        nb_status status = go(ctx, l->glass, n);
        bool whole = memory->requests < memory->fail_at;
        memory->fail_at = 0;
        if (status == NB_OK && whole) break;
        if (status == NB_OK) { /* what may be left out: a frame */
            ok(l, nb_glass_seek(ctx, l->glass, at));
            continue;
        }
        assert_int_equal(status, NB_EMEMORY);
        assert_int_equal(nb_glass_at(l->glass), at);
        assert_true(same_bits(ctx, l->net->values, then));
        assert_int_equal(l->optimizer.steps, steps);
        assert_int_equal(l->glass->trainer->history.epochs, epochs);
        assert_true(memory->live <= live);
    }
    memory->pool_cap = cap;
    if (!(request > least)) fail_msg("%d %d", (int)request, (int)least);
    nb_tensor_release(ctx, then);
}

static void without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < 3; i++) {
        lab l, straight;
        begin(&l, ctx, &kinds[i]);
        begin(&straight, ctx, &kinds[i]);
        l.glass->reel.distance = 4;
        go_with_changes(&straight, 3, 11);
        go_with_changes(&l, 3, 9);
        change(ctx, l.net, &l.optimizer, 9 / 3 - 1);
        try_without_memory(&l, look, 0, 2);
        try_without_memory(&l, nb_glass_back, 6, 10);
        try_without_memory(&l, nb_glass_seek, 9, 10);
        try_without_memory(&l, nb_glass_go, 10, 1);
        ok(&l, nb_glass_go(ctx, l.glass, 11));
        assert_same(&l, &straight);
        end(&straight);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Where memory is short later than the run began, the record gives way before a step fails: just
 * as much is left as one frame takes, which the first frames ahead take up. */
static void the_record_gives_way(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&straight, ctx, &kinds[2]);
    ok(&straight, nb_glass_go(ctx, straight.glass, 24));
    begin(&l, ctx, &kinds[2]);
    l.glass->reel.share = 1e9;
    ok(&l, nb_glass_go(ctx, l.glass, 8));
    assert_int_equal(l.glass->reel.frames, 9);
    nb_pool_trim(ctx);
    ctx->memory.limit = ctx->memory.live + 64;
    ok(&l, nb_glass_go(ctx, l.glass, 24));
    ctx->memory.limit = 0;
    assert_int_equal(nb_glass_first(l.glass), 0);
    assert_in_range(l.glass->reel.frames, 1, 8);
    assert_same(&l, &straight);
    ok(&l, nb_glass_seek(ctx, l.glass, 0));
    ok(&l, nb_glass_seek(ctx, l.glass, 24));
    assert_same(&l, &straight);
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* A run that cannot begin gives all back. */
static nb_status begin_and_end(nb_ctx *ctx, nb_net *net, void *arg)
{
    lab *l = arg;
    nb_glass *glass = nb_glass_new(ctx, net, l->set, &l->options);
    if (!glass) return ctx->status;
    nb_glass_free(ctx, glass);
    return NB_OK;
}

static void beginning_without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    prepare(&l, ctx, &kinds[2]);
    ok(&l, begin_and_end(ctx, l.net, &l)); /* the optimizer has its state then */
    sweep(ctx, l.net, begin_and_end, &l);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- The bound ---- */

/* Bytes that frames 0 … n - 1 at distance 1 take. */
static size_t bytes_of(nb_ctx *ctx, int64_t n)
{
    lab l;
    begin(&l, ctx, &kinds[1]);
    ok(&l, nb_glass_go(ctx, l.glass, n - 1));
    size_t bytes = l.glass->reel.bytes;
    assert_int_equal(l.glass->reel.frames, n);
    end(&l);
    return bytes;
}

/* As many frames as the bound holds stand at every step; with one byte less their distance is
 * doubled, and bits are the same. */
static void the_bound_has_two_sides(void **state)
{
    enum { FRAMES = 9 };
    nb_ctx *ctx = nb_ctx_new();
    size_t bytes = bytes_of(ctx, FRAMES);
    lab l, straight;
    (void)state;
    begin(&straight, ctx, &kinds[1]);
    ok(&straight, nb_glass_go(ctx, straight.glass, FRAMES - 1));
    for (size_t less = 0; less < 2; less++) {
        prepare(&l, ctx, &kinds[1]);
        l.options.memory = bytes - less;
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        ok(&l, nb_glass_go(ctx, l.glass, FRAMES - 1));
        assert_int_equal(l.glass->reel.distance, 1 + less);
        assert_int_equal(l.glass->reel.frames, less ? (FRAMES + 1) / 2 : FRAMES);
        assert_true(l.glass->reel.bytes <= bytes - less);
        ok(&l, nb_glass_seek(ctx, l.glass, 3));
        ok(&l, nb_glass_seek(ctx, l.glass, FRAMES - 1));
        assert_same(&l, &straight);
        end(&l);
    }
    end(&straight);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* A copy that takes 1/4 of what a step takes is made at every step of a share of 1/4, at every 4th
 * of 1/16; and never where all copies so far, with this one, take more than the share. In numbers
 * that doubles hold. */
static void frames_keep_to_their_share(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, &kinds[0]);
    nb_reel *r = &l.glass->reel;
    r->trained = 128;
    r->copy = 0.25;
    for (int64_t every = 1; every <= 4; every += 3)
        for (int64_t step = 1; step < 9; step++) {
            r->share = 0.25 / (double)every;
            assert_int_equal(nb_reel_is_due(r, step, 128), step % every == 0);
            assert_int_equal(nb_reel_spacing(r), every);
        }
    assert_int_equal(nb_reel_spacing(r), 4);
    r->copying = 7.75; /* with this one 8, which is 1/16 of 128 */
    assert_true(nb_reel_is_due(r, 8, 128));
    r->copying = 8;
    assert_false(nb_reel_is_due(r, 8, 128));
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Frames between give way, so that the run can go back to its start whatever the bound. */
static void the_first_frame_stays(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int64_t frames = 4; frames <= 6; frames++) {
        lab l;
        prepare(&l, ctx, &kinds[1]);
        l.options.memory = bytes_of(ctx, frames);
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        ok(&l, nb_glass_go(ctx, l.glass, 23));
        assert_int_equal(nb_glass_first(l.glass), 0);
        assert_true(l.glass->reel.bytes <= l.glass->reel.most);
        ok(&l, nb_glass_seek(ctx, l.glass, 0));
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Edits that fill the bound push the beginning on; what is still there is exact. */
static void edits_push_the_beginning_on(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    prepare(&l, ctx, &kinds[1]);
    l.options.memory = bytes_of(ctx, 6);
    l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
    for (int64_t step = 1; step <= 23; step++) {
        ok(&l, nb_glass_go(ctx, l.glass, step));
        assert_int_equal(nb_tensor_fill(ctx, l.net->values, 0.01 * (double)step), NB_OK);
        ok(&l, nb_glass_look(ctx, l.glass));
        assert_true(l.glass->reel.bytes <= l.options.memory);
    }
    int64_t first = nb_glass_first(l.glass);
    assert_true(first > 0);
    assert_true(first < 23);
    fails(&l, nb_glass_seek(ctx, l.glass, first - 1), "the record begins at step");
    fails(&l, nb_glass_back(ctx, l.glass, 24 - first), "its record begins at step");
    ok(&l, nb_glass_go(ctx, l.glass, 24));
    first = nb_glass_first(l.glass); /* one step more may push it on */
    assert_true(first < 24);
    nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
    for (int64_t step = first; step < 24; step++) {
        ok(&l, nb_glass_seek(ctx, l.glass, step));
        ok(&l, nb_glass_seek(ctx, l.glass, 24));
        assert_true(same_bits(ctx, l.net->values, then));
    }
    nb_tensor_release(ctx, then);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void where_there_is_nothing(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, &kinds[0]);
    fails(&l, nb_glass_back(ctx, l.glass, 1), "stands at step 0, and it began at step 0");
    ok(&l, nb_glass_go(ctx, l.glass, 5));
    fails(&l, nb_glass_back(ctx, l.glass, 6), "it can go back 5 at most");
    fails(&l, nb_glass_seek(ctx, l.glass, 6), "the run has come to step 5");
    fails(&l, nb_glass_seek(ctx, l.glass, -1), "before the beginning");
    assert_int_equal(nb_glass_at(l.glass), 5);
    end(&l);
    nb_ctx_free(ctx);
}

/* One of several processes takes frames by its steps, whatever its clock says: here two, at a pace
 * at which time would have it take one or all. */
static void frames_of_processes(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_peers others = {.ranks = 1, .local = 1};
    (void)state;
    for (int i = 0; i < 2; i++) {
        lab l;
        prepare(&l, ctx, &kinds[0]);
        ctx->peers = &others;
        l.options.share = i ? 1e9 : 1e-9;
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        assert_non_null(l.glass);
        ok(&l, nb_glass_go(ctx, l.glass, NB_REEL_PACE + 3));
        const nb_reel *reel = &l.glass->reel;
        assert_int_equal(reel->frames, 2);
        assert_int_equal(nb_frame_step(reel->frame[1]), NB_REEL_PACE);
        ok(&l, nb_glass_back(ctx, l.glass, 1));
        ctx->peers = NULL;
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_elsewhere_is_noticed),
        cmocka_unit_test(another_build_is_refused),
        cmocka_unit_test(a_changed_set_is_noticed),
        cmocka_unit_test(changes_beside_a_changed_set),
        cmocka_unit_test(a_stopped_way_is_none),
        cmocka_unit_test(an_end_is_made_up_for),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(the_record_gives_way),
        cmocka_unit_test(beginning_without_memory),
        cmocka_unit_test(the_bound_has_two_sides),
        cmocka_unit_test(frames_keep_to_their_share),
        cmocka_unit_test(the_first_frame_stays),
        cmocka_unit_test(edits_push_the_beginning_on),
        cmocka_unit_test(where_there_is_nothing),
        cmocka_unit_test(frames_of_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
