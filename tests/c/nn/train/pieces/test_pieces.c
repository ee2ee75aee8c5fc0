/* Runs whose batches are cut: the same bits in any number of processes, with every kind of
 * optimizer and whatever else is done to a batch; and what becomes of one that fails in one of
 * them. */
#include "../../../base/processes/fake_peers.h"
#include "../../nets.h"

#include "nn/train/run/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CHECK(what)                                                                                \
    if (!(what)) return fprintf(stderr, "rank %d: %s\n", ctx->peers->rank, #what), false

enum {
    EXAMPLES = 53,
    WIDTH = 6,
    CLASSES = 3,
    PIECES = 8,
    STEPS = 9,
    NUMBERS_MOST = 256,
    FIGURES_MOST = 64
};

#define DENSE "6 - 5 tanh - 3 softmax : cross_entropy"
#define NORMS                                                                                      \
    "6 - 9 tanh - batch_norm - dropout 0.4 - residual[batch_norm - 9] - 3 softmax : cross_entropy"
#define SQUARES "6 - 3 tanh - 3 linear : quadratic"

/* One way to train. */
typedef struct way {
    const char *name, *notation, *optimizer;
    double lr, momentum;
    int64_t batch, accumulate;
    nb_penalty penalty;
    enum { NO_WEIGHTS, OF_EXAMPLES, OF_CLASSES } weights;
    bool augmented;
} way;

static const way ways[] = {
    {"plain", DENSE, "sgd", 0.3, .batch = 16},
    {"momentum, penalties, clip", DENSE, "sgd", 0.1, 0.9, .batch = 20,
     .penalty = {.l1 = 0.1, .l2 = 0.5, .clip_norm = 0.3}},
    {"adam, decay, clip by value", DENSE, "adam", 0.01, .batch = 16,
     .penalty = {.decay = 0.1, .clip_value = 0.05}},
    {"rmsprop, accumulated", DENSE, "rmsprop", 0.01, .batch = 7, .accumulate = 3},
    {"rprop", DENSE, "rprop", 0.01, .batch = 53},
    {"dropout", "6 - 9 relu - dropout 0.4 - 3 softmax : cross_entropy", "sgd", 0.1, .batch = 19},
    {"weights of examples", DENSE, "sgd", 0.3, 0.5, .batch = 16, .weights = OF_EXAMPLES},
    {"weights of classes, accumulated", DENSE, "sgd", 0.3, .batch = 16, .accumulate = 2,
     .weights = OF_CLASSES},
    {"batches smaller than pieces", DENSE, "nadam", 0.01, .batch = 3},
    {"figures of the batch", NORMS, "adam", 0.01, .batch = 16},
    {"figures of small batches", NORMS, "sgd", 0.1, 0.9, .batch = 3},
    {"figures of the batch, weights, accumulated", NORMS, "sgd", 0.1, .batch = 16, .accumulate = 2,
     .weights = OF_EXAMPLES},
    {"augmented", DENSE, "adam", 0.01, .batch = 16, .augmented = true},
    {"lbfgs", DENSE, .optimizer = "lbfgs"},
    {"lbfgs, weights", DENSE, "lbfgs", .weights = OF_EXAMPLES, .penalty = {.l2 = 0.5}},
    {"cg", DENSE, .optimizer = "cg"},
    {"lm", SQUARES, .optimizer = "lm"},
};

enum { WAYS = sizeof ways / sizeof *ways };

/* A run of it; filled where it stays. */
typedef struct lab {
    nb_net *net;
    nb_set *set;
    nb_tensor *x, *weights;
    nb_optimizer optimizer;
    nb_trainer *trainer;
} lab;

/* Every number a little larger, by one draw of the batch's own. */
static nb_status grow(nb_ctx *ctx, void *self, nb_batch *batch)
{
    nb_stream stream = nb_stream_next(ctx, NB_FOR_TENSOR);
    double more = nb_random_unit(&stream);
    (void)self;
    for (int64_t i = 0; i < batch->x->shape[0]; i++)
        for (int64_t j = 0; j < batch->x->shape[1]; j++) {
            const int64_t at[] = {i, j};
            nb_tensor_set(batch->x, at, nb_tensor_get(batch->x, at) + more / (double)(i + 1));
        }
    return NB_OK;
}

/* Some examples count nothing at all. */
static nb_tensor *weights_of(nb_ctx *ctx, const way *w)
{
    int64_t n = w->weights == OF_CLASSES ? CLASSES : EXAMPLES;
    nb_tensor *weights = w->weights ? nb_tensor_new(ctx, NB_F64, 1, &n) : NULL;
    for (int64_t i = 0; weights && i < n; i++)
        nb_tensor_set(weights, &i, i % 4 == 3 ? 0 : 0.5 + (double)(i % 3));
    return weights;
}

static void begin(lab *l, nb_ctx *ctx, const way *w, int64_t pieces)
{
    l->set = random_set_of(ctx, EXAMPLES, WIDTH, CLASSES, &l->x);
    l->net = net_of(ctx, w->notation, NB_F32);
    l->weights = weights_of(ctx, w);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(w->optimizer));
    if (w->lr > 0) l->optimizer.options.lr = w->lr;
    l->optimizer.options.momentum = w->momentum;
    const nb_trainer_options options = {.batch = w->batch ? w->batch : 1,
                                        .seed = 7,
                                        .shuffle = true,
                                        .optimizer = &l->optimizer,
                                        .penalty = w->penalty,
                                        .accumulate = w->accumulate,
                                        .pieces = pieces,
                                        .augment = w->augmented ? grow : NULL,
                                        .weights = {.numbers = l->weights}};
    l->trainer = nb_trainer_new(ctx, l->net, l->set, &options);
}

static void end(lab *l, nb_ctx *ctx)
{
    nb_trainer_free(ctx, l->trainer);
    nb_optimizer_free(ctx, &l->optimizer);
    nb_tensor_release(ctx, l->weights);
    nb_set_release(ctx, l->set);
    nb_tensor_release(ctx, l->x);
    nb_net_release(ctx, l->net);
}

/* What a run leaves. */
typedef struct outcome {
    int64_t count;
    float values[NUMBERS_MOST], figures[FIGURES_MOST];
    double cost, sum, weight;
    uint64_t draws;
} outcome;

static void take_outcome(const lab *l, const nb_ctx *ctx, outcome *out)
{
    const nb_course *at = &l->trainer->course;
    memset(out, 0, sizeof *out);
    out->count = nb_net_count(l->net);
    memcpy(out->values, nb_tensor_data(l->net->values), (size_t)out->count * sizeof(float));
    memcpy(out->figures, nb_tensor_data(l->net->figures),
           (size_t)nb_tensor_count(l->net->figures) * sizeof(float));
    out->cost = at->cost;
    out->sum = at->sum;
    out->weight = at->weight;
    out->draws = ctx->draws;
}

static bool go(lab *l, nb_ctx *ctx, int steps)
{
    for (int i = 0; i < steps; i++) {
        double cost;
        if (nb_trainer_step(ctx, l->trainer, &cost) == NB_OK) continue;
        fprintf(stderr, "%s\n", ctx->message);
        return false;
    }
    return true;
}

static bool run(nb_ctx *ctx, const way *w, int64_t pieces, outcome *out)
{
    lab l;
    begin(&l, ctx, w, pieces);
    bool fine = l.trainer && go(&l, ctx, STEPS);
    if (fine) take_outcome(&l, ctx, out);
    end(&l, ctx);
    return fine;
}

/* ---- The same bits --------------------------------------------------------------------------- */

typedef struct wanted {
    const way *way;
    int64_t pieces;
    outcome outcome;
} wanted;

static bool same_run(nb_ctx *ctx, void *arg)
{
    const wanted *w = arg;
    outcome got;
    CHECK(run(ctx, w->way, w->pieces, &got));
    if (!memcmp(&got, &w->outcome, sizeof got)) return true;
    fprintf(stderr, "%s, %d processes: cost %.17g, not %.17g\n", w->way->name, ctx->peers->ranks,
            got.cost, w->outcome.cost);
    return false;
}

static void every_number_of_processes_has_the_same_bits(void **state)
{
    static const int ranks[] = {1, 2, 3, 4, 8};
    (void)state;
    for (int i = 0; i < WAYS; i++) {
        nb_ctx *ctx = nb_ctx_new();
        wanted w = {.way = &ways[i], .pieces = PIECES};
        assert_true(run(ctx, w.way, PIECES, &w.outcome));
        nb_ctx_free(ctx);
        for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++)
            assert_true(fake_peers_run(ranks[k], same_run, &w));
    }
}

/* Pieces that no processes share evenly. */
static void odd_pieces_too(void **state)
{
    (void)state;
    for (int64_t pieces = 3; pieces <= 7; pieces += 2) {
        nb_ctx *ctx = nb_ctx_new();
        wanted w = {.way = &ways[1], .pieces = pieces};
        assert_true(run(ctx, w.way, pieces, &w.outcome));
        nb_ctx_free(ctx);
        for (int ranks = 2; ranks <= 3; ranks++) assert_true(fake_peers_run(ranks, same_run, &w));
    }
}

/* And but for rounding the numbers of whole batches: pieces change how a sum is taken, nothing
 * else, dropout's draws included. */
static void pieces_are_the_whole_but_for_rounding(void **state)
{
    (void)state;
    for (int i = 0; i < WAYS; i++) {
        nb_ctx *ctx = nb_ctx_new();
        outcome whole, cut;
        bool searches = ways[i].lr == 0; /* what it finds may hang on a bit */
        assert_true(run(ctx, &ways[i], 1, &whole));
        ctx->draws = 0;
        assert_true(run(ctx, &ways[i], PIECES, &cut));
        double most = searches ? 1e-2 : 2e-5;
        assert_true(fabs(whole.cost - cut.cost) <= most);
        assert_true(fabs(whole.sum - cut.sum) <= 1e-4 * fabs(whole.sum) + most);
        assert_true(fabs(whole.weight - cut.weight) < 1e-9);
        for (int64_t k = 0; k < whole.count && !searches; k++)
            assert_true(fabsf(whole.values[k] - cut.values[k]) <= 2e-4f);
        for (int64_t k = 0; k < FIGURES_MOST; k++)
            assert_true(fabsf(whole.figures[k] - cut.figures[k]) <= 2e-4f);
        nb_ctx_free(ctx);
    }
}

/* ---- Runs that are kept ---------------------------------------------------------------------- */

enum { KEPT = 4 }; /* steps before the checkpoint */

typedef struct kept {
    const way *way;
    char path[64];
    outcome outcome;
} kept;

/* The run up to its checkpoint, which one process writes. */
static bool keep(nb_ctx *ctx, void *arg)
{
    const kept *k = arg;
    lab l;
    begin(&l, ctx, k->way, 0);
    bool fine = l.trainer && go(&l, ctx, KEPT);
    if (fine && nb_is_first(ctx)) fine = nb_checkpoint_save(ctx, l.trainer, k->path) == NB_OK;
    end(&l, ctx);
    return fine;
}

/* And on from there. */
static bool go_on(nb_ctx *ctx, void *arg)
{
    const kept *k = arg;
    outcome got;
    lab l;
    bool there = false;
    begin(&l, ctx, k->way, 0);
    bool fine = l.trainer && nb_checkpoint_resume(ctx, l.trainer, k->path, &there) == NB_OK &&
                go(&l, ctx, STEPS - KEPT);
    if (fine) take_outcome(&l, ctx, &got);
    end(&l, ctx);
    return fine && there && !memcmp(&got, &k->outcome, sizeof got);
}

/* Nobody says how many pieces: 8 on several processes, and those of the file. */
static void a_run_goes_on_with_other_processes(void **state)
{
    static const int before[] = {1, 2, 4, 8}, behind[] = {4, 3, 1, 2};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        kept k = {.way = &ways[i == 3 ? 5 : i]};
        nb_ctx *ctx = nb_ctx_new();
        snprintf(k.path, sizeof k.path, "pieces-%ld.run", (long)getpid());
        assert_true(run(ctx, k.way, PIECES, &k.outcome));
        assert_true(fake_peers_run(before[i], keep, &k));
        assert_true(fake_peers_run(behind[i], go_on, &k));
        /* In one process, of which nobody says that it has 8 pieces, too. */
        ctx->draws = 0;
        assert_true(go_on(ctx, &k));
        nb_ctx_free(ctx);
        unlink(k.path);
    }
}

static bool too_many(nb_ctx *ctx, void *arg)
{
    lab l;
    (void)arg;
    begin(&l, ctx, &ways[0], ctx->peers->ranks - 1);
    CHECK(l.trainer == NULL && strstr(ctx->message, "set pieces = 4 or more"));
    end(&l, ctx);
    begin(&l, ctx, &ways[0], ctx->peers->ranks);
    CHECK(l.trainer != NULL);
    end(&l, ctx);
    return true;
}

static void more_processes_than_pieces_are_refused(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    assert_true(fake_peers_run(4, too_many, NULL));
    static const int64_t bad[] = {-1, NB_PIECES_MAX + 1};
    for (int i = 0; i < 2; i++) {
        begin(&l, ctx, &ways[0], bad[i]);
        assert_null(l.trainer);
        assert_non_null(strstr(ctx->message, "pieces must be from 1 to 65536"));
        end(&l, ctx);
    }
    begin(&l, ctx, &ways[0], NB_PIECES_MAX);
    assert_true(go(&l, ctx, 1));
    end(&l, ctx);
    nb_ctx_free(ctx);
}

/* Of least squares in pieces, wherever memory ends: the step has not happened, nothing is lost. */
static void squares_where_memory_ends(void **state)
{
    lab l;
    double cost;
    nb_ctx *ctx = nb_ctx_new();
    const way *lm = &ways[WAYS - 1];
    nb_status status = NB_EMEMORY;
    (void)state;
    assert_string_equal(lm->name, "lm");
    begin(&l, ctx, lm, 8);
    nb_pool_trim(ctx);
    ctx->memory.pool_cap = 0;
    for (uint64_t n = 1; status != NB_OK; n++) {
        ctx->memory.fail_at = ctx->memory.requests + n;
        status = nb_trainer_step(ctx, l.trainer, &cost);
        if (status != NB_OK) assert_int_equal(status, NB_EMEMORY);
        assert_true(n > 1 || status != NB_OK);
    }
    ctx->memory.fail_at = 0;
    end(&l, ctx);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void count_note(void *self, const char *text)
{
    *(int *)self += strstr(text, "slower than whole") != NULL;
}

/* Once in a run, however many epochs it has. */
static void small_batches_are_said_to_be_slower(void **state)
{
    static const struct {
        int64_t batch, pieces;
        int notes;
    } cases[] = {{63, 2, 1}, {64, 2, 0}, {3, 1, 0}};
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int notes = 0;
        lab l;
        begin(&l, ctx, &ways[0], 1);
        nb_train_options options = {.epochs = 3, .on_note = count_note, .self = &notes};
        options.run = (nb_trainer_options){.batch = cases[i].batch,
                                           .pieces = cases[i].pieces,
                                           .optimizer = &l.optimizer};
        nb_history history = {.epochs = 0};
        assert_int_equal(nb_train(ctx, l.net, l.set, &options, &history), NB_OK);
        assert_int_equal(notes, cases[i].notes);
        assert_int_equal(history.pieces, cases[i].pieces);
        nb_history_free(ctx, &history);
        end(&l, ctx);
    }
    nb_ctx_free(ctx);
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* How a run fails in one process, in which step, and what the others say. */
typedef struct failing {
    enum { BAD_NUMBER, INTERRUPT, FUNCTION, MEMORY } by;
    int culprit;
    nb_status status;
    const char *says;
    outcome before; /* of the run up to there */
} failing;

static volatile sig_atomic_t stop;

static nb_status refuse_fourth(nb_ctx *ctx, void *self, nb_batch *batch)
{
    int *calls = self;
    (void)batch;
    return ++*calls == 4 ? nb_fail(ctx, NB_ECALLBACK, "the function is tired") : NB_OK;
}

/* Before the step in which it fails. */
static void spoil(const failing *f, nb_ctx *ctx, lab *l, const int32_t *order)
{
    const int64_t at[] = {order[3 * 16 + 1], 2};
    if (f->by == BAD_NUMBER) nb_tensor_set(l->x, at, NAN);
    if (f->by == INTERRUPT) stop = 1;
    if (f->by == MEMORY) ctx->memory.fail_at = ctx->memory.requests + 1;
    ctx->memory.fail_on = f->by == MEMORY;
}

static bool same_values(const lab *l, const outcome *o)
{
    return !memcmp(nb_tensor_data(l->net->values), o->values, (size_t)o->count * sizeof(float));
}

static bool fails_alike(nb_ctx *ctx, void *arg)
{
    const failing *f = arg;
    bool own = ctx->peers->rank == f->culprit;
    int calls = 0;
    double cost;
    lab l;
    stop = 0;
    ctx->interrupt = &stop;
    begin(&l, ctx, &ways[0], PIECES);
    if (own && f->by == FUNCTION) {
        l.trainer->augment = refuse_fourth;
        l.trainer->augmenter = &calls;
    }
    CHECK(go(&l, ctx, 3));
    if (own || f->by == BAD_NUMBER) spoil(f, ctx, &l, l.trainer->order);
    nb_status status = nb_trainer_step(ctx, l.trainer, &cost);
    ctx->memory.fail_at = 0;
    ctx->memory.fail_on = false;
    stop = 0;
    bool hidden = !own && f->status == NB_ECALLBACK; /* its error object is not here */
    CHECK(status == (hidden ? NB_EARG : f->status));
    CHECK(strstr(ctx->message, f->says) != NULL);
    CHECK(l.trainer->course.steps == 3 && same_values(&l, &f->before));
    end(&l, ctx);
    return true;
}

static void one_failure_ends_all_at_the_last_whole_batch(void **state)
{
    static const failing cases[] = {
        {.by = BAD_NUMBER, .status = NB_EVALUE, .says = "nan"},
        {.by = INTERRUPT, .status = NB_EINTERRUPT, .says = ""},
        {.by = FUNCTION, .status = NB_ECALLBACK, .says = "the function is tired"},
        {.by = MEMORY, .status = NB_EMEMORY, .says = "memory"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        failing f = cases[i];
        lab l;
        nb_ctx *ctx = nb_ctx_new();
        begin(&l, ctx, &ways[0], PIECES);
        assert_true(go(&l, ctx, 3));
        take_outcome(&l, ctx, &f.before);
        end(&l, ctx);
        nb_ctx_free(ctx);
        for (int ranks = 1; ranks <= 4; ranks++)
            for (f.culprit = 0; f.culprit < ranks; f.culprit++) {
                if (f.by == BAD_NUMBER && f.culprit > 0) continue; /* whose row it is */
                assert_true(fake_peers_run(ranks, fails_alike, &f));
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_processes_has_the_same_bits),
        cmocka_unit_test(odd_pieces_too),
        cmocka_unit_test(pieces_are_the_whole_but_for_rounding),
        cmocka_unit_test(a_run_goes_on_with_other_processes),
        cmocka_unit_test(more_processes_than_pieces_are_refused),
        cmocka_unit_test(squares_where_memory_ends),
        cmocka_unit_test(small_batches_are_said_to_be_slower),
        cmocka_unit_test(one_failure_ends_all_at_the_last_whole_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
