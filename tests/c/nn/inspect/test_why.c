/* net:why when memory ends, at every request, and when Ctrl-C is pressed; and how its medians and
 * marks are found. */
#include "../nets.h"

#include "../../support.h"
#include "nn/inspect/why/why.h"

#include <math.h>

/* A question that is asked again and again. */
typedef struct asking {
    const char *layer; /* by its path */
    nb_neuron_place neuron;
    int64_t input;
    nb_set *set;
} asking;

static nb_status ask(nb_ctx *c, nb_net *net, void *arg)
{
    const asking *of = arg;
    nb_layer *layer = nb_net_layer(c, net, of->layer);
    nb_why why;
    if (!layer) return c->status;
    const nb_question question = {.layer = layer, .neuron = of->neuron, .input = of->input};
    return nb_why_ask(c, net, of->set, &question, &why);
}

/* Two examples of a network with no free size but the first. */
static nb_set *set_for(const nb_net *net, int64_t steps)
{
    const nb_form *form[2] = {nb_net_in(net), nb_net_out(net)};
    nb_tensor *t[2];
    for (int i = 0; i < 2; i++) {
        int64_t shape[NB_MAX_DIMS] = {2};
        for (int d = 0; d < form[i]->dims; d++)
            shape[d + 1] = form[i]->size[d] < 0 ? steps : form[i]->size[d];
        int64_t width = shape[form[i]->dims], rows = nb_shape_count(form[i]->dims, shape);
        nb_tensor *flat = uniform(ctx, NB_F32, rows, width, 0, 1, (uint64_t)i + 1);
        t[i] = nb_tensor_reshape(ctx, flat, form[i]->dims + 1, shape);
        nb_tensor_release(ctx, flat);
    }
    nb_set *set = nb_set_new(ctx, t[0], 1.0, t[1], NULL, 0, NULL);
    assert_non_null(set);
    nb_tensor_release(ctx, t[0]);
    nb_tensor_release(ctx, t[1]);
    return set;
}

static void sweep_one(const char *notation, asking of)
{
    nb_net *net = net_of(ctx, notation, NB_F32);
    of.set = set_for(net, 2);
    sweep(ctx, net, ask, &of);
    nb_set_release(ctx, of.set);
    nb_net_release(ctx, net);
}

static void test_memory(void **state)
{
    (void)state;
    sweep_one("2 - 2 relu tanh@2 - 1", (asking){"1", {0, 1}, -1, NULL});
    sweep_one("2 - 2 softmax - 1 : mse", (asking){"1", {0, 1}, 0, NULL});
    sweep_one("2x3 - conv 2 2 groups=2 - flatten - 1", (asking){"1", {1, 0}, -1, NULL});
    sweep_one("*x2 - gru 1 - 1", (asking){"1", {2, 0}, 1, NULL});
    sweep_one("*x2 - lstm 1 last - 1", (asking){"1", {1, 0}, -1, NULL});
    sweep_one("*x2 - attention 1 - 1", (asking){"1", {3, 1}, -1, NULL});
}

static void test_interrupt(void **state)
{
    static volatile sig_atomic_t pressed;
    (void)state;
    nb_net *net = net_of(ctx, "2 - 2 - 1", NB_F32);
    asking of = {"1", {0, 1}, -1, set_for(net, 1)};
    ctx->interrupt = &pressed;
    pressed = 1;
    assert_int_equal(ask(ctx, net, &of), NB_EINTERRUPT);
    pressed = 0;
    assert_int_equal(ask(ctx, net, &of), NB_OK);
    ctx->interrupt = NULL;
    nb_set_release(ctx, of.set);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory),
        TEST(interrupt),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
