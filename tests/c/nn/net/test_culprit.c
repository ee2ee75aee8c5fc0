/* The search for where NaN began, with memory that ends anywhere in it: what it says then is less,
 * and nothing else is lost. What it says at all is held in tests/lua/anomaly_spec.lua. */
#include "../nets.h"

#include "../../support.h"
#include "base/memory.h"
#include "nn/net/culprit.h"
#include "nn/train/learn.h"

#include <math.h>

/* A step of learning that cannot be made, and what is to be said of it. */
typedef struct plant {
    nb_net *net;
    nb_tensor *x, *y;
    nb_optimizer optimizer;
    double rate;
    nb_penalty penalty;
    const char *says, *where;
} plant;

static nb_status try_step(plant *p)
{
    double cost;
    const nb_lesson lesson = {.x = p->x, .y = p->y, .rate = p->rate, .penalty = p->penalty};
    return nb_learn(ctx, p->net, &p->optimizer, &lesson, &cost);
}

/* Whether request number n, and all behind it where `on`, was reached. */
static bool fail_once(plant *p, uint64_t n, bool on, nb_tensor *before)
{
    nb_memory *memory = &ctx->memory;
    size_t live = memory->live;
    uint64_t draws = ctx->draws;
    memory->fail_at = memory->requests + n;
    memory->fail_on = on;
    nb_status status = try_step(p);
    bool reached = memory->requests >= memory->fail_at;
    memory->fail_at = 0;
    memory->fail_on = false;
    assert_true(status == NB_EVALUE || status == NB_EMEMORY);
    if (status == NB_EVALUE && !strstr(ctx->message, p->says))
        fail_msg("request %d: %s", (int)n, ctx->message);
    if (status == NB_EVALUE && !reached && !strstr(ctx->message, p->where))
        fail_msg("%s has no %s", ctx->message, p->where);
    assert_int_equal(memory->live, live);
    assert_true(ctx->draws == draws);
    assert_null(ctx->witness);
    assert_true(same_bits(ctx, p->net->values, before));
    return reached;
}

/* One that is NaN has other bits than itself, so bits are compared. */
static void sweep_plant(plant *p)
{
    nb_tensor *before = nb_tensor_clone(ctx, p->net->values);
    assert_int_equal(try_step(p), NB_EVALUE);
    assert_failed(NB_EVALUE, p->says);
    assert_failed(NB_EVALUE, p->where);
    nb_pool_trim(ctx);
    ctx->memory.pool_cap = 0;
    for (int on = 0; on < 2; on++) {
        uint64_t n = 1;
        while (fail_once(p, n, on, before)) n++;
        assert_true(n > 20);
    }
    ctx->memory.pool_cap = NB_POOL_CAP;
    nb_tensor_release(ctx, before);
}

static void set_value(nb_net *net, int64_t i, float value)
{
    ((float *)nb_tensor_data(net->values))[i] = value;
}

static void check(const char *notation, const double *x, const double *y, int64_t columns,
                  int64_t outputs, void (*spoil)(nb_net *net), plant p)
{
    p.net = net_of(ctx, notation, NB_F32);
    p.x = tensor_of(NB_F32, SHAPE(2, columns), x);
    p.y = tensor_of(NB_F32, SHAPE(2, outputs), y);
    nb_optimizer_init(&p.optimizer, nb_optimizer_find("sgd"));
    for (int64_t i = 0; i < nb_net_count(p.net); i++) set_value(p.net, i, 0.5F);
    if (spoil) spoil(p.net);
    sweep_plant(&p);
    nb_optimizer_free(ctx, &p.optimizer);
    nb_tensor_release(ctx, p.x);
    nb_tensor_release(ctx, p.y);
    nb_net_release(ctx, p.net);
}

static void spoil_first(nb_net *net)
{
    set_value(net, 1, NAN);
}

/* w[2][1] is NaN: marks go with it through dense and softmax by trials. */
static void test_parameter(void **state)
{
    (void)state;
    check("1 - 2 tanh - 2 softmax : mse", VALUES(1, 2), VALUES(1, 0, 0, 1), 1, 2, spoil_first,
          (plant){.rate = 0.1, .says = "the cost is nan", .where = "layer 1: w[2][1] is nan"});
}

/* exp(1e3) is beyond f32; marks go on number by number. */
static void test_forward(void **state)
{
    (void)state;
    check("1 - 2 exp - 2 linear : mse", VALUES(1, 2000), VALUES(1, 0, 0, 1), 1, 2, NULL,
          (plant){.rate = 0.1,
                  .says = "the cost is inf",
                  .where = "layer 1, neuron 1, example 2: exp(1000.5) is inf"});
}

static void spoil_backward(nb_net *net)
{
    set_value(net, 0, 1e30F); /* a = 1e30 */
    set_value(net, 1, 0);
    set_value(net, 2, 1e-25F); /* the output 1e5 */
    set_value(net, 3, 0);
}

/* δ = (1e5 + 1e10) / 2 and a = 1e30 make a gradient beyond f32 of a finite cost. */
static void test_backward(void **state)
{
    (void)state;
    check(
        "1 - 1 linear - 1 linear : quadratic", VALUES(1, 0), VALUES(-1e10, 0), 1, 1, spoil_backward,
        (plant){
            .rate = 0.1, .says = "layer 2 is not finite", .where = "layer 2: w[1][1], example 1"});
}

/* The gradient 1e5 · 1 with a rate of 1e35 leaves f32, with decay beside it. */
static void test_step(void **state)
{
    (void)state;
    check("1 - 1 linear : quadratic", VALUES(1, 1), VALUES(-1e5, -1e5), 1, 1, NULL,
          (plant){.rate = 1e35,
                  .penalty = {.decay = 1e-37},
                  .says = "the step",
                  .where = "layer 1: w[1][1]"});
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parameter),
        TEST(forward),
        TEST(backward),
        TEST(step),
    };
    return cmocka_run_group_tests_name("culprit", tests, NULL, NULL);
}
