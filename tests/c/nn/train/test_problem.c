/* Problems without a network: what masks, frozen stretches and factors do to a step, that the cut
 * over threads does not show, and optimizers that ask for cost and gradient themselves. */
#include "../nets.h"

#include "base/tiny.h"
#include "base/workers.h"
#include "nn/train/optimizer.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum {
    VALUES = 70001, /* more than two pieces, and no multiple of anything */
    MANY = 300001,  /* so many that the workers are asked */
    KINDS = 13
};

/* An optimizer and the values that it works on. */
typedef struct lab {
    nb_ctx *ctx;
    nb_optimizer optimizer;
    nb_tensor *w, *g;
    nb_segment whole;
    nb_problem problem;
} lab;

static void choose(nb_optimizer *optimizer, int kind)
{
    static const char *const names[KINDS] = {"sgd",      "sgd",   "sgd",      "adam",    "adam",
                                             "adamw",    "nadam", "rmsprop",  "rmsprop", "adagrad",
                                             "adadelta", "rprop", "quickprop"};
    nb_optimizer_init(optimizer, nb_optimizer_find(names[kind]));
    optimizer->options.momentum = kind == 1 || kind == 2 || kind == 8 ? 0.9 : 0;
    optimizer->options.nesterov = kind == 2;
    optimizer->options.amsgrad = kind == 4;
    optimizer->options.decay = 0; /* what decays is told by hand */
    optimizer->options.centered = kind == 8;
}

/* The struct points into itself, so it is filled where it stays. */
static void begin(lab *l, nb_ctx *ctx, nb_dtype dtype, int64_t n, int kind)
{
    *l = (lab){.ctx = ctx, .whole = {.count = n, .factor = 1}};
    choose(&l->optimizer, kind);
    l->w = uniform(ctx, dtype, n, 1, -1, 1, 3);
    l->g = nb_tensor_clone(ctx, l->w);
    l->problem = (nb_problem){.dtype = dtype,
                              .count = n,
                              .values = nb_tensor_data(l->w),
                              .gradient = nb_tensor_data(l->g),
                              .segment = &l->whole,
                              .segments = 1,
                              .rate = 0.25};
}

static void end(lab *l)
{
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_tensor_release(l->ctx, l->w);
    nb_tensor_release(l->ctx, l->g);
}

/* Step t: a gradient that depends on t alone. */
static void step(lab *l, int t)
{
    const nb_real_kernels *real = nb_real(l->problem.dtype);
    nb_tensor *first = uniform(l->ctx, l->problem.dtype, l->problem.count, 1, -1, 1, 9);
    size_t n = (size_t)l->problem.count;
    real->unary[NB_U_scale](n, nb_tensor_data(first), 1, l->problem.gradient, 1, 1.0 / t, 0);
    nb_tensor_release(l->ctx, first);
    assert_int_equal(nb_optimizer_step(l->ctx, &l->optimizer, &l->problem), NB_OK);
}

/* Whether element i of two tensors has the same bits. */
static bool same_at(const nb_tensor *a, const nb_tensor *b, int64_t i)
{
    size_t width = nb_dtype_size(a->dtype);
    const char *p = nb_tensor_data(a), *q = nb_tensor_data(b);
    return memcmp(p + (size_t)i * width, q + (size_t)i * width, width) == 0;
}

static bool is_masked(int64_t i)
{
    return i % 7 == 0 || (i > 300 && i < 900);
}

/* A mask that comes when there is momentum already: what it holds back stays as it was to the bit,
 * state and all; the rest is as without. */
static void a_mask_holds_the_update(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    uint8_t *mask = nb_alloc(ctx, VALUES);
    (void)state;
    for (int64_t i = 0; i < VALUES; i++) mask[i] = !is_masked(i);
    for (int kind = 0; kind < 2 * KINDS; kind++) {
        nb_dtype dtype = kind < KINDS ? NB_F32 : NB_F64;
        lab masked, free;
        nb_optimizer before;
        begin(&masked, ctx, dtype, VALUES, kind % KINDS);
        begin(&free, ctx, dtype, VALUES, kind % KINDS);
        for (int t = 1; t <= 3; t++) step(&masked, t), step(&free, t);
        nb_tensor *held = nb_tensor_clone(ctx, masked.w);
        assert_int_equal(nb_optimizer_copy(ctx, &before, &masked.optimizer), NB_OK);
        masked.problem.mask = mask;
        for (int t = 4; t <= 6; t++) step(&masked, t), step(&free, t);
        for (int64_t i = 0; i < VALUES; i++) {
            assert_true(same_at(masked.w, is_masked(i) ? held : free.w, i));
            assert_int_equal(same_at(held, free.w, i), 0);
            for (int s = 0; s < before.slots && before.slot[s].value->shape[0] > 1; s++) {
                const nb_optimizer *like = is_masked(i) ? &before : &free.optimizer;
                assert_true(same_at(masked.optimizer.slot[s].value, like->slot[s].value, i));
            }
        }
        nb_optimizer_free(ctx, &before);
        nb_tensor_release(ctx, held);
        end(&masked);
        end(&free);
    }
    nb_free(ctx, mask, VALUES);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Borders inside pieces, at none, and an empty segment between two. */
static nb_segment parts[] = {
    {.start = 0, .count = 1, .factor = 1},
    {.start = 1, .count = 299, .factor = 1, .decays = true},
    {.start = 300, .count = 40000, .factor = 1, .frozen = true},
    {.start = 40300, .count = 700, .factor = 0.5},
    {.start = 41000, .count = 0, .factor = 3},
    {.start = 41000, .count = 28000, .factor = 0.5},
    {.start = 69000, .count = VALUES - 69000, .factor = 1},
};

static const nb_segment *part_of(int64_t i)
{
    const nb_segment *s = parts;
    while (i >= s->start + s->count) s++;
    return s;
}

/* Frozen stretches keep every bit though there is momentum; a factor is a rate of one's own. */
static void segments_have_rates_of_their_own(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        lab cut, full, half;
        begin(&cut, ctx, NB_F32, VALUES, kind);
        begin(&full, ctx, NB_F32, VALUES, kind);
        begin(&half, ctx, NB_F32, VALUES, kind);
        nb_tensor *held = nb_tensor_clone(ctx, cut.w);
        cut.problem.segment = parts;
        cut.problem.segments = sizeof parts / sizeof parts[0];
        half.problem.rate = 0.125;
        for (int t = 1; t <= 3; t++) step(&cut, t), step(&full, t), step(&half, t);
        for (int64_t i = 0; i < VALUES; i++) {
            const nb_segment *s = part_of(i);
            const nb_tensor *like = s->frozen ? held : s->factor == 1 ? full.w : half.w;
            assert_true(same_at(cut.w, like, i));
        }
        nb_tensor_release(ctx, held);
        end(&cut);
        end(&full);
        end(&half);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* The same rule in one call on all values. */
static void in_one_call(lab *l, nb_tensor *const state[2], int t)
{
    const nb_real_kernels *real = nb_real(l->problem.dtype);
    const nb_optimizer_options *o = &l->optimizer.options;
    void *list[] = {nb_tensor_data(state[0]), nb_tensor_data(state[1])};
    double c[NB_RULE_NUMBERS] = {o->momentum};
    nb_rule_id id = o->nesterov       ? NB_RULE_nesterov
                    : o->momentum > 0 ? NB_RULE_momentum
                                      : NB_RULE_descend;
    if (l->optimizer.type == nb_optimizer_types[NB_OPTIMIZER_adam]) {
        id = NB_RULE_adam;
        c[0] = o->beta1;
        c[1] = o->beta2;
        c[2] = 1 / (1 - pow(o->beta1, t));
        c[3] = 1 / (1 - pow(o->beta2, t));
        c[4] = o->epsilon;
    }
    real->rule[id]((size_t)l->problem.count, l->problem.values, l->problem.gradient, list,
                   l->problem.rate, c);
}

static void the_cut_does_not_show(void **unused)
{
    const int64_t n = MANY;
    nb_ctx *ctx = nb_ctx_new();
    (void)unused;
    for (int kind = 0; kind < 4; kind++) {
        lab whole;
        nb_tensor *state[2] = {nb_tensor_zeros(ctx, NB_F32, 1, &n),
                               nb_tensor_zeros(ctx, NB_F32, 1, &n)};
        begin(&whole, ctx, NB_F32, n, kind);
        for (int t = 1; t <= 2; t++) in_one_call(&whole, state, t);
        for (int threads = 1; threads <= 3; threads++) {
            lab l;
            begin(&l, ctx, NB_F32, n, kind);
            assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
            for (int t = 1; t <= 2; t++)
                assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_OK);
            assert_true(same_bits(ctx, l.w, whole.w));
            end(&l);
        }
        nb_tensor_release(ctx, state[0]);
        nb_tensor_release(ctx, state[1]);
        end(&whole);
    }
    nb_workers_stop(ctx);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Penalties by hand: 3 values, of which the second is frozen, the third masked, the last two decay
 * not; the norm counts what learns alone. */
static void penalties_by_hand(void **unused)
{
    nb_ctx *ctx = nb_ctx_new();
    uint8_t mask[] = {1, 1, 0, 1};
    nb_segment list[] = {{.start = 0, .count = 1, .factor = 1, .decays = true},
                         {.start = 1, .count = 1, .factor = 1, .decays = true, .frozen = true},
                         {.start = 2, .count = 1, .factor = 1},
                         {.start = 3, .count = 1, .factor = 0.5}};
    lab l;
    double cost = 10;
    (void)unused;
    begin(&l, ctx, NB_F64, 4, 0);
    double *w = nb_tensor_data(l.w), *g = nb_tensor_data(l.g);
    for (int i = 0; i < 4; i++) w[i] = -2, g[i] = 4;
    l.problem.segment = list;
    l.problem.segments = 4;
    l.problem.mask = mask;
    l.problem.rate = 0.5;
    l.problem.penalty = (nb_penalty){.l1 = 0.5, .l2 = 0.25, .decay = 0.125, .clip_norm = 2.5};
    /* Halved, g is 2; the first becomes 2 - 0.5 - 0.5 = 1, the last stays: √(1 + 4). */
    assert_int_equal(nb_penalise(ctx, &l.problem, 0.5, &cost), NB_OK);
    assert_true(cost == 10 + 0.5 * 2 + 0.125 * 4);
    assert_true(fabs(l.problem.norm - sqrt(5)) < 1e-15);
    assert_true(g[0] == 1 && g[1] == 2 && g[2] == 2 && g[3] == 2);
    assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_OK);
    /* w - 0.5 · 0.125 w - 0.5 g; the last at half the rate. The norm was below 2.5. */
    assert_true(w[0] == -2 + 0.125 - 0.5 && w[1] == -2 && w[2] == -2 && w[3] == -2 - 0.5);
    l.problem.norm = 5;
    assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_OK);
    assert_true(w[3] == -2.5 - 0.25);
    g[0] = INFINITY;
    assert_int_equal(nb_penalise(ctx, &l.problem, 1, &cost), NB_EVALUE);
    end(&l);
    nb_ctx_free(ctx);
}

/* Ctrl-C before the values change: nothing has happened, and the step can be made again. */
static void interrupted_before_the_update(void **state)
{
    volatile sig_atomic_t pressed = 1;
    nb_ctx *ctx = nb_ctx_new();
    lab l, other;
    (void)state;
    begin(&l, ctx, NB_F64, 100, 3);
    begin(&other, ctx, NB_F64, 100, 3);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_EINTERRUPT);
    assert_true(same_bits(ctx, l.w, other.w));
    assert_int_equal(l.optimizer.steps, 0);
    ctx->interrupt = NULL;
    step(&l, 1);
    step(&other, 1);
    assert_int_equal(l.optimizer.steps, 1);
    assert_true(same_bits(ctx, l.w, other.w));
    end(&l);
    end(&other);
    nb_ctx_free(ctx);
}

/* ---- An optimizer that evaluates ---- */

/* ½ Σ (i + 1) w_i², whose gradient is (i + 1) w_i. */
typedef struct bowl {
    nb_tensor *w, *g;
    int asked, fail_at;
} bowl;

static nb_status evaluate_bowl(nb_ctx *ctx, void *self, double *cost)
{
    bowl *b = self;
    double *w = nb_tensor_data(b->w), *g = nb_tensor_data(b->g);
    *cost = 0;
    if (++b->asked == b->fail_at) return nb_fail(ctx, NB_EVALUE, "no cost here");
    for (int64_t i = 0; i < b->w->shape[0]; i++) {
        g[i] = (double)(i + 1) * w[i];
        *cost += 0.5 * g[i] * w[i];
    }
    return NB_OK;
}

static nb_slot_need search_needs(const nb_optimizer *optimizer, int i)
{
    static const nb_slot_need list[] = {
        {.name = "start"}, {.name = "descent"}, {.name = "length", .count = 1}, {.name = NULL}};
    (void)optimizer;
    return list[i];
}

static bool search_plain(const nb_optimizer *optimizer)
{
    (void)optimizer;
    return false;
}

/* Down the gradient from the start, half as far every time until the cost is lower. */
static nb_status search_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *p)
{
    double *start = nb_tensor_data(optimizer->slot[0].value);
    double *down = nb_tensor_data(optimizer->slot[1].value);
    double *length = nb_tensor_data(optimizer->slot[2].value);
    size_t bytes = (size_t)p->count * sizeof *start;
    double cost = INFINITY, rate = p->rate;
    memcpy(start, p->values, bytes);
    memcpy(down, p->gradient, bytes);
    for (; !(cost < p->cost); rate /= 2) {
        memcpy(p->values, start, bytes);
        nb_real(p->dtype)->axpy((size_t)p->count, -rate, down, p->values);
        if (p->evaluate(ctx, p->self, &cost) == NB_OK) continue;
        memcpy(p->values, start, bytes);
        return ctx->status;
    }
    *length = 2 * rate;
    return NB_OK;
}

static const nb_option search_options[] = {NB_OPTIONS_END};
static const nb_optimizer_type search = {.name = "search",
                                         .options = search_options,
                                         .needs = search_needs,
                                         .plain = search_plain,
                                         .step = search_step};

/* A bowl of 4 values, all 1. */
static void begin_search(lab *l, bowl *b, nb_ctx *ctx)
{
    begin(l, ctx, NB_F64, 4, 0);
    nb_optimizer_init(&l->optimizer, &search);
    nb_tensor_fill(ctx, l->w, 1);
    *b = (bowl){.w = l->w, .g = l->g};
    l->problem.evaluate = evaluate_bowl;
    l->problem.self = b;
    l->problem.rate = 8;
    assert_int_equal(evaluate_bowl(ctx, b, &l->problem.cost), NB_OK);
}

/* ½ is the first of 8, 4, 2, … whose step goes down: by hand, the cost is 5 before, ½ (0 + 2 + 12 +
 * 36) behind a step of 1, and ½ (¼ + 0 + ¾ + 4) behind ½. */
static void a_search_asks_as_often_as_it_needs(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    bowl b;
    (void)state;
    begin_search(&l, &b, ctx);
    assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_OK);
    assert_int_equal(b.asked, 1 + 5);
    for (int64_t i = 0; i < 4; i++) {
        double w = nb_tensor_get(l.w, (const int64_t[]){i, 0});
        assert_true(w == 1 - 0.5 * (double)(i + 1));
    }
    assert_true(nb_tensor_get(l.optimizer.slot[2].value, (const int64_t[]){0}) == 0.5);
    assert_int_equal(l.optimizer.slot[2].value->shape[0], 1);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void a_search_that_fails_moves_nothing(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    bowl b;
    (void)state;
    begin_search(&l, &b, ctx);
    nb_tensor *before = nb_tensor_clone(ctx, l.w);
    b.fail_at = 4;
    assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_EVALUE);
    assert_true(same_bits(ctx, before, l.w));
    assert_int_equal(l.optimizer.steps, 0);
    nb_tensor_release(ctx, before);
    end(&l);
    nb_ctx_free(ctx);
}

/* ---- State ---- */

static void state_is_named_and_copied(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    nb_optimizer copy;
    (void)state;
    begin(&l, ctx, NB_F32, 50, 3);
    step(&l, 1);
    assert_int_equal(nb_optimizer_copy(ctx, &copy, &l.optimizer), NB_OK);
    assert_int_equal(copy.slots, 2);
    assert_string_equal(copy.slot[0].name, "mean");
    assert_string_equal(copy.slot[1].name, "square");
    assert_int_equal(copy.steps, 1);
    for (int i = 0; i < 2; i++) {
        assert_true(same_bits(ctx, copy.slot[i].value, l.optimizer.slot[i].value));
        assert_ptr_not_equal(copy.slot[i].value->storage, l.optimizer.slot[i].value->storage);
    }
    nb_optimizer_free(ctx, &copy);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Momentum that is set later begins with velocity 0, and only then asks for room. */
static void state_comes_when_it_is_needed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, other;
    (void)state;
    begin(&l, ctx, NB_F32, 50, 0);
    begin(&other, ctx, NB_F32, 50, 0);
    step(&l, 1);
    assert_int_equal(l.optimizer.slots, 0);
    l.optimizer.options.momentum = 0.5;
    step(&l, 2);
    assert_int_equal(l.optimizer.slots, 1);
    assert_string_equal(l.optimizer.slot[0].name, "velocity");
    /* The first step with momentum is the one without. */
    step(&other, 1);
    step(&other, 2);
    for (int64_t i = 0; i < 50; i++) {
        const int64_t at[2] = {i, 0};
        assert_true(fabs(nb_tensor_get(l.w, at) - nb_tensor_get(other.w, at)) < 1e-6);
    }
    end(&l);
    end(&other);
    nb_ctx_free(ctx);
}

/* The largest size among a vector's numbers, infinite where one is not finite. */
static double size_of(const nb_tensor *t)
{
    return nb_real(t->dtype)->magnitude((size_t)nb_tensor_count(t), nb_tensor_data(t));
}

/* Whether values and state have the bits of a copy. */
static bool are_as(const lab *l, nb_tensor *w, const nb_optimizer *before)
{
    bool same = same_bits(l->ctx, w, l->w);
    for (int i = 0; i < before->slots; i++)
        same = same && same_bits(l->ctx, before->slot[i].value, l->optimizer.slot[i].value);
    return same;
}

static void check_bounds(const lab *l)
{
    const nb_reach *reach = &l->optimizer.reach;
    assert_true(isfinite(size_of(l->w)));
    assert_true(size_of(l->w) <= reach->values);
    for (int i = 0; i < l->optimizer.slots; i++)
        assert_true(isfinite(size_of(l->optimizer.slot[i].value)));
}

/* Gradients of all sizes: a step ends in finite numbers, values and state, none larger than what is
 * said of them, or changes nothing and says which number it was. */
static void a_step_stays_finite(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    int made = 0, refused = 0;
    (void)state;
    for (int kind = 0; kind < 2 * KINDS; kind++) {
        nb_dtype dtype = kind < KINDS ? NB_F32 : NB_F64;
        double most = dtype == NB_F32 ? 38 : 308;
        lab l;
        begin(&l, ctx, dtype, 50, kind % KINDS);
        for (int t = 0; t < 120; t++) {
            nb_optimizer before;
            nb_tensor *w = nb_tensor_clone(ctx, l.w);
            double power = most * (t * 37 % 101 / 50.0 - 1);
            for (int64_t i = 0; i < 50; i++)
                nb_tensor_set(l.g, (const int64_t[]){i, 0},
                              pow(10, power) * sin(1.0 + (double)(i * t)));
            l.problem.rate = t % 3 ? 1e-3 : pow(10, most * 0.6);
            l.problem.penalty.decay = t % 5 ? 0 : 0.5;
            assert_int_equal(nb_optimizer_prepare(ctx, &l.optimizer, dtype, 50), NB_OK);
            assert_int_equal(nb_optimizer_copy(ctx, &before, &l.optimizer), NB_OK);
            nb_status status = nb_optimizer_step(ctx, &l.optimizer, &l.problem);
            made += status == NB_OK;
            refused += status == NB_EVALUE;
            assert_true(status == NB_OK || status == NB_EVALUE);
            if (status == NB_OK) check_bounds(&l);
            assert_true((status == NB_EVALUE) == (l.optimizer.reach.odd >= 0));
            if (status == NB_EVALUE) assert_true(are_as(&l, w, &before));
            /* As the caller of a problem says what it knows of the values. */
            l.problem.largest = isfinite(l.optimizer.reach.values) ? l.optimizer.reach.values : 0;
            nb_tensor_release(ctx, w);
            nb_optimizer_free(ctx, &before);
        }
        end(&l);
    }
    assert_true(made > 1000 && refused > 100);
    nb_ctx_free(ctx);
}

/* Momentum of a slope that is 0 from now on ends at 0 where the processor can skip tiny
 * numbers, not among them, where 0.9 of the smallest is itself. */
static void what_fades_ends(void **state)
{
    enum { FEW = 5, STEPS = 3000 };
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, NB_F32, FEW, 1);
    step(&l, 1);
    nb_real(NB_F32)->fill(FEW, l.problem.gradient, 1, 0.0);
    for (int t = 0; t < STEPS; t++)
        assert_int_equal(nb_optimizer_step(ctx, &l.optimizer, &l.problem), NB_OK);
    const float *v = nb_tensor_data(nb_optimizer_slot(&l.optimizer, "velocity"));
    volatile float smallest = FLT_MIN, half;
    unsigned was = nb_tiny_skip();
    half = smallest / 2;
    nb_tiny_set(was);
    for (int i = 0; i < FEW; i++) assert_true(half > 0 || v[i] == 0);
    end(&l);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_holds_the_update),
        cmocka_unit_test(a_step_stays_finite),
        cmocka_unit_test(segments_have_rates_of_their_own),
        cmocka_unit_test(the_cut_does_not_show),
        cmocka_unit_test(what_fades_ends),
        cmocka_unit_test(penalties_by_hand),
        cmocka_unit_test(interrupted_before_the_update),
        cmocka_unit_test(a_search_asks_as_often_as_it_needs),
        cmocka_unit_test(a_search_that_fails_moves_nothing),
        cmocka_unit_test(state_is_named_and_copied),
        cmocka_unit_test(state_comes_when_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
