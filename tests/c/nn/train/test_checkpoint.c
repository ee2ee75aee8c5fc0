/* Checkpoints: a run that was written and read at any step ends with the bits of one that was not;
 * what a file says wrongly is refused, and then nothing has changed. */
#include "../nets.h"

#include "io/safetensors.h"
#include "nn/model.h"
#include "nn/train/run/checkpoint.h"
#include "nn/train/run/snapshot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { EXAMPLES = 11, BATCH = 4, EPOCHS = 3, STEPS = 3 * EPOCHS };

static const char notation[] = "6 - 5 tanh - dropout 0.3 - batch_norm - 3 softmax : cross_entropy";

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "checkpoint-%ld.nabla", (long)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_optimizer optimizer;
    nb_trainer_options options;
    nb_trainer *trainer;
} lab;

static void begin(lab *l, nb_ctx *ctx, const nb_optimizer_type *type, bool patient)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set(ctx, EXAMPLES, 6, 3);
    l->net = net_of(ctx, notation, NB_F32);
    nb_optimizer_init(&l->optimizer, type);
    l->options = (nb_trainer_options){.batch = BATCH,
                                      .seed = 0xFEDCBA9876543210,
                                      .shuffle = true,
                                      .optimizer = &l->optimizer,
                                      .flow = patient,
                                      .valid = patient ? l->set : NULL,
                                      .patience = patient ? 2 : 0};
    l->trainer = nb_trainer_new(ctx, l->net, l->set, &l->options);
    if (!l->trainer) fail_msg("%s: %s", type->name, ctx->message);
}

static void end(lab *l)
{
    nb_trainer_free(l->ctx, l->trainer);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_net_release(l->ctx, l->net);
}

static void go(lab *l, int64_t steps)
{
    double cost;
    for (int64_t i = 0; i < steps; i++)
        if (nb_trainer_step(l->ctx, l->trainer, &cost) != NB_OK) fail_msg("%s", l->ctx->message);
}

static void finish(lab *l)
{
    go(l, STEPS - l->trainer->course.steps);
    assert_int_equal(nb_trainer_end_epoch(l->ctx, l->trainer), NB_OK);
}

static void save(const lab *l)
{
    if (nb_checkpoint_save(l->ctx, l->trainer, path) != NB_OK) fail_msg("%s", l->ctx->message);
}

static nb_status resume(lab *l)
{
    bool there;
    nb_status status = nb_checkpoint_resume(l->ctx, l->trainer, path, &there);
    assert_true(there);
    return status;
}

static void assert_same_numbers(const nb_history *p, const nb_history *q)
{
    assert_int_equal(p->epochs, q->epochs);
    assert_int_equal(p->examples, q->examples);
    for (int64_t i = 0; i < p->epochs; i++) {
        assert_true(p->epoch[i].cost == q->epoch[i].cost);
        assert_true(p->epoch[i].lr == q->epoch[i].lr);
        assert_int_equal(isnan(p->epoch[i].valid_cost), isnan(q->epoch[i].valid_cost));
        if (isnan(p->epoch[i].valid_cost)) continue;
        assert_true(p->epoch[i].valid_cost == q->epoch[i].valid_cost);
        assert_true(p->epoch[i].valid_accuracy == q->epoch[i].valid_accuracy);
    }
}

static void assert_same(const lab *a, const lab *b)
{
    const nb_course *p = &a->trainer->course, *q = &b->trainer->course;
    assert_true(same_bits(a->ctx, a->net->values, b->net->values));
    assert_true(same_bits(a->ctx, a->net->figures, b->net->figures));
    assert_int_equal(p->seed, q->seed);
    assert_int_equal(p->epoch, q->epoch);
    assert_int_equal(p->batch, q->batch);
    assert_int_equal(p->examples, q->examples);
    assert_int_equal(p->steps, q->steps);
    assert_int_equal(p->best, q->best);
    assert_true(p->sum == q->sum && p->weight == q->weight);
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_true(a->optimizer.evaluations > 0);
    assert_int_equal(a->optimizer.evaluations, b->optimizer.evaluations);
    assert_int_equal(a->optimizer.slots, b->optimizer.slots);
    for (int i = 0; i < a->optimizer.slots; i++)
        assert_true(same_bits(a->ctx, a->optimizer.slot[i].value, b->optimizer.slot[i].value));
    assert_int_equal(a->trainer->best[0] != NULL, b->trainer->best[0] != NULL);
    for (int i = 0; i < NB_NET_STATE && a->trainer->best[0]; i++)
        assert_true(same_bits(a->ctx, a->trainer->best[i], b->trainer->best[i]));
    assert_same_numbers(&a->trainer->history, &b->trainer->history);
}

/* ---- Going on ---- */

static void try_type(nb_ctx *ctx, const nb_optimizer_type *type, bool patient)
{
    lab straight;
    begin(&straight, ctx, type, patient);
    finish(&straight);
    for (int at = 0; at <= STEPS; at++) {
        lab killed, l;
        begin(&killed, ctx, type, patient);
        go(&killed, at);
        save(&killed);
        end(&killed);
        begin(&l, ctx, type, patient);
        /* What the fresh one holds counts for nothing. */
        l.trainer->course.seed = 1;
        assert_int_equal(nb_net_reset(ctx, l.net, 99), NB_OK);
        if (resume(&l) != NB_OK) fail_msg("%s", ctx->message);
        assert_int_equal(l.trainer->course.steps, at);
        finish(&l);
        assert_same(&straight, &l);
        end(&l);
    }
    end(&straight);
}

static void every_optimizer_goes_on(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < NB_OPTIMIZERS; i++) {
        /* Those of the whole set refuse batches and chance: tests/lua/fit_spec.lua has them. */
        if (nb_optimizer_types[i]->whole) continue;
        for (int patient = 0; patient < 2; patient++) try_type(ctx, nb_optimizer_types[i], patient);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Momentum, which sgd keeps only where it has some, and a rate that the run changed on its way. */
static void options_come_from_the_run(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int told = 0; told < 2; told++) {
        lab straight, l;
        begin(&straight, ctx, nb_optimizer_find("adam"), false);
        go(&straight, 4);
        straight.optimizer.options.lr = 0.5;
        save(&straight);
        begin(&l, ctx, nb_optimizer_find("adam"), false);
        l.optimizer.options.beta1 = 0.75;
        if (told) l.trainer->options.lr = l.optimizer.options.lr = 0.25;
        l.trainer->options.beta1 = 0.75;
        assert_int_equal(resume(&l), NB_OK);
        assert_true(l.optimizer.options.lr == (told ? 0.25 : 0.5));
        assert_true(l.optimizer.options.beta1 == 0.75);
        end(&straight);
        end(&l);
    }
    nb_ctx_free(ctx);
}

static void patience_may_come_later(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab plain, l;
    (void)state;
    begin(&plain, ctx, nb_optimizer_find("sgd"), false);
    finish(&plain);
    save(&plain);
    begin(&l, ctx, nb_optimizer_find("sgd"), true);
    assert_int_equal(resume(&l), NB_OK);
    assert_int_equal(l.trainer->course.best, EPOCHS);
    assert_false(nb_trainer_is_done(l.trainer));
    assert_null(l.trainer->best[0]);
    end(&plain);
    end(&l);
    nb_ctx_free(ctx);
}

static void a_file_that_is_not_there(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    bool there = true;
    (void)state;
    begin(&l, ctx, nb_optimizer_find("sgd"), false);
    assert_int_equal(nb_checkpoint_resume(ctx, l.trainer, "no-such-file", &there), NB_OK);
    assert_false(there);
    assert_int_equal(nb_checkpoint_resume(ctx, l.trainer, "/dev/null/x", &there), NB_EIO);
    assert_int_equal(nb_checkpoint_try(ctx, "no-such-folder/x"), NB_EIO);
    end(&l);
    nb_ctx_free(ctx);
}

/* ---- What is refused ---- */

/* The file with the tensor `name` (or the text "run") gone where `number` is NaN, else holding that
 * number in its first place. */
static void spoil(nb_ctx *ctx, const char *name, double number)
{
    nb_archive from = {.count = 0}, to = {.count = 0};
    assert_int_equal(nb_safetensors_load(ctx, path, &from), NB_OK);
    for (size_t i = 0; i < from.meta_count; i++)
        if (!(isnan(number) && strcmp(from.meta[i].key, name) == 0))
            nb_archive_add_meta(ctx, &to, from.meta[i].key, from.meta[i].value);
    for (size_t i = 0; i < from.count; i++) {
        bool it = strcmp(from.entry[i].name, name) == 0;
        if (it && isnan(number)) continue;
        if (it) nb_tensor_set(from.entry[i].tensor, (const int64_t[]){0}, number);
        nb_archive_add(ctx, &to, from.entry[i].name, from.entry[i].tensor);
    }
    assert_int_equal(nb_safetensors_save(ctx, path, &to), NB_OK);
    nb_archive_free(ctx, &from);
    nb_archive_free(ctx, &to);
}

/* Refused with a message that holds `message`, and nothing has changed. */
static void assert_refused(lab *l, const char *message)
{
    nb_ctx *ctx = l->ctx;
    lab other = *l;
    nb_snapshot *was = nb_trainer_save(ctx, l->trainer);
    size_t live = ctx->memory.live;
    assert_int_not_equal(resume(l), NB_OK);
    if (!strstr(ctx->message, message)) fail_msg("%s", ctx->message);
    assert_int_equal(ctx->memory.live, live);
    assert_true(same_bits(ctx, l->net->values, was->net[0]));
    assert_int_equal(l->trainer->course.steps, other.trainer->course.steps);
    assert_int_equal(l->optimizer.steps, was->optimizer.steps);
    nb_snapshot_free(ctx, was);
}

static void what_is_missing_or_wrong(void **state)
{
    static const struct {
        const char *name;
        double number;
        const char *message;
    } cases[] = {
        {"run", NAN, "holds no run of training"},
        {"1.w", NAN, "1.w is missing"},
        {"3.mean", NAN, "3.mean is missing"},
        {"@run.epoch", NAN, "@run.epoch is missing"},
        {"@run.seed", NAN, "@run.seed is missing"},
        {"@run.steps", NAN, "@run.steps is missing"},
        {"@history.cost", NAN, "epoch 2 has"},
        {"@history.lr", NAN, "@history.lr is missing"},
        {"@option.lr", NAN, "@option.lr is missing"},
        {"@state.mean", NAN, "@state.mean is missing"},
        {"@best.1", NAN, "@best.1 is missing"},
        {"@run.epoch", 1.5, "@run.epoch is 1.5"},
        {"@run.epoch", -1, "@run.epoch is -1"},
        {"@run.epoch", INFINITY, "@run.epoch is inf"},
        {"@run.epoch", 7, "epoch 7 has 4 of 11"},
        {"@run.epoch", 0, "epoch 0 has 4 of 11"},
        {"@run.batch", 3, "epoch 2 has 4 of 11"},
        {"@run.examples", 12, "epoch 2 has 12 of 11"},
        {"@run.examples", 3, "epoch 2 has 3 of 11"},
        {"@run.steps", 0, "epoch 2 has 4 of 11"},
        {"@run.best", 5, "epoch 2 has 4 of 11"},
        {"@run.batch_size", 0, "epoch 2 has 4 of 11"},
        {"@run.count", 12, "a set of 12, this one 11"},
        {"@run.shuffle", 0, "does not shuffle its examples"},
        {"@run.shuffle", 2, "@run.shuffle is 2"},
        {"@run.seed", 0.5, "@run.seed is 0.5"},
        {"@run.sum", INFINITY, "@run.sum is inf"},
        {"@option.lr", -1, "lr must be a number above 0"},
    };
    nb_ctx *ctx = nb_ctx_new();
    lab written, l;
    (void)state;
    begin(&written, ctx, nb_optimizer_find("adam"), true);
    go(&written, 4);
    begin(&l, ctx, nb_optimizer_find("adam"), true);
    go(&l, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        save(&written);
        spoil(ctx, cases[i].name, cases[i].number);
        assert_refused(&l, cases[i].message);
    }
    end(&written);
    end(&l);
    nb_ctx_free(ctx);
}

static void another_run(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab written, l;
    (void)state;
    begin(&written, ctx, nb_optimizer_find("adam"), false);
    go(&written, 4);
    save(&written);
    begin(&l, ctx, nb_optimizer_find("sgd"), false);
    assert_refused(&l, "its run has the optimizer adam, this one sgd");
    end(&l);
    begin(&l, ctx, nb_optimizer_find("adam"), false);
    l.trainer->course.size = 5;
    assert_refused(&l, "its run has batch 4, this one 5");
    l.trainer->course.size = BATCH;
    l.trainer->course.seed = 3;
    l.trainer->seed_told = true;
    assert_refused(&l, "its run has seed");
    l.trainer->seed_told = false;
    l.net->part[0]->factor = 0.5;
    assert_refused(&l, "learn otherwise");
    l.net->part[0]->factor = 1;
    assert_int_equal(resume(&l), NB_OK);
    end(&l);
    begin(&l, ctx, nb_optimizer_find("adam"), false);
    nb_net *other = net_of(ctx, "6 - 4 tanh - 3 softmax : cross_entropy", NB_F32);
    nb_trainer *own = l.trainer;
    l.trainer = nb_trainer_new(ctx, other, l.set,
                               &(nb_trainer_options){.batch = BATCH, .optimizer = &l.optimizer});
    assert_null(l.trainer); /* the optimizer serves another network */
    l.trainer = own;
    end(&l);
    nb_net_release(ctx, other);
    end(&written);
    nb_ctx_free(ctx);
}

/* A file that is cut anywhere is no file of ours. */
static void cut_short(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, nb_optimizer_find("adam"), true);
    go(&l, 4);
    save(&l);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    for (long at = size - 1; at >= 0; at -= at > 64 ? 97 : 1) {
        assert_int_equal(truncate(path, at), 0);
        assert_refused(&l, "");
    }
    end(&l);
    nb_ctx_free(ctx);
}

static void without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_memory *memory = &ctx->memory;
    lab written, l;
    nb_status status = NB_EMEMORY;
    size_t n;
    (void)state;
    begin(&written, ctx, nb_optimizer_find("adam"), true);
    go(&written, 4);
    begin(&l, ctx, nb_optimizer_find("adam"), true);
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    for (n = 1; status != NB_OK; n++) {
        size_t live = memory->live;
        memory->fail_at = memory->requests + n;
        status = nb_checkpoint_save(ctx, written.trainer, path);
        if (status != NB_OK) assert_int_equal(memory->live, live);
    }
    assert_true(n > 20);
    memory->fail_at = 0;
    nb_snapshot *was = nb_trainer_save(ctx, l.trainer);
    status = NB_EMEMORY;
    for (n = 1; status != NB_OK; n++) {
        size_t live = memory->live;
        memory->fail_at = memory->requests + n;
        status = resume(&l);
        if (status == NB_OK) break;
        assert_int_equal(memory->live, live);
        assert_true(same_bits(ctx, l.net->values, was->net[0]));
        assert_int_equal(l.trainer->course.steps, 0);
    }
    assert_true(n > 20);
    memory->fail_at = 0;
    assert_true(same_bits(ctx, l.net->values, written.net->values));
    nb_snapshot_free(ctx, was);
    end(&written);
    end(&l);
    nb_ctx_free(ctx);
}

/* Who only wants the network finds it there. */
static void the_network_is_loaded_from_it(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, nb_optimizer_find("adam"), true);
    go(&l, 4);
    save(&l);
    nb_net *net = nb_model_load(ctx, path, NULL);
    assert_non_null(net);
    assert_true(same_bits(ctx, l.net->values, net->values));
    nb_net_release(ctx, net);
    end(&l);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_goes_on),
        cmocka_unit_test(options_come_from_the_run),
        cmocka_unit_test(patience_may_come_later),
        cmocka_unit_test(a_file_that_is_not_there),
        cmocka_unit_test(what_is_missing_or_wrong),
        cmocka_unit_test(another_run),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(the_network_is_loaded_from_it),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
