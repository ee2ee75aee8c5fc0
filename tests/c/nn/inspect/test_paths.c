/* The demon and paths where memory ends, and the core's own limits. What they find is held against
 * mathematics in tests/lua/demon_spec.lua and paths_spec.lua. */
#include "../nets.h"

#include "nn/inspect/demon.h"
#include "nn/inspect/paths/paths.h"
#include "nn/inspect/place.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* One example and its targets; borrowed. */
typedef struct example {
    nb_tensor *x, *y;
} example;

static nb_status try_demon(nb_ctx *ctx, nb_net *net, void *arg)
{
    const example *at = arg;
    nb_demon out;
    return nb_demon_run(ctx, net, at->x, at->y, NULL, &(nb_seat){.place = 0}, 0.1, &out);
}

static nb_status try_paths(nb_ctx *ctx, nb_net *net, void *arg)
{
    const example *at = arg;
    nb_paths out;
    nb_status status =
        nb_paths_find(ctx, net, at->x, at->y, NULL, &(nb_weight){.place = 0}, 3, &out);
    nb_paths_free(&out);
    return status;
}

/* Blocks, a Jacobian, several levels; and a demon that is told it is flat, as its neuron is dead.
 */
static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net =
        net_of(ctx, "2 - 2 softmax - residual[2] - parallel[1 | ] - 2 : quadratic", NB_F32);
    nb_net *dead = net_of(ctx, "2 - 1 relu - 2", NB_F32);
    example at = {uniform(ctx, NB_F32, 1, 2, 0.5, 1, 1), uniform(ctx, NB_F32, 1, 2, 0, 1, 2)};
    (void)state;
    for (int64_t i = 0; i < 2; i++) ((float *)nb_tensor_data(value_of(dead, 0, 0)))[i] = -1;
    sweep(ctx, net, try_paths, &at);
    sweep(ctx, dead, try_demon, &at);
    nb_tensor_release(ctx, at.x);
    nb_tensor_release(ctx, at.y);
    nb_net_release(ctx, net);
    nb_net_release(ctx, dead);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Both ends of top; a weight that there is not, which the core says itself. */
static void limits(void **state)
{
    static const struct {
        nb_weight weight;
        int top;
        const char *says;
    } wrong[] = {
        {{0, 0, 0}, 0, "top must be from 1 to 10000, not 0"},
        {{0, 0, 0}, NB_PATHS_MOST + 1, "top must be from 1 to 10000"},
        {{0, 2, 0}, 1, "layer 1 has no neuron 3; it has 2"},
        {{0, 0, 3}, 1, "a neuron of layer 1 has no input 4; it has 3"},
    };
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 2 - 2", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 1, 3, 0, 1, 1), *y = uniform(ctx, NB_F64, 1, 2, 0, 1, 2);
    nb_paths out;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(nb_paths_find(ctx, net, x, y, NULL, &wrong[i].weight, wrong[i].top, &out),
                         NB_EARG);
        assert_non_null(strstr(ctx->message, wrong[i].says));
        nb_paths_free(&out);
    }
    assert_int_equal(
        nb_paths_find(ctx, net, x, y, NULL, &(nb_weight){0, 1, 2}, NB_PATHS_MOST, &out), NB_OK);
    assert_int_equal(out.paths, 2);
    assert_true(fabs(out.total - out.gradient) <= 1e-15);
    nb_paths_free(&out);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Where Ctrl-C was pressed nothing is found, and nothing is lost. */
static void interrupt(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 2 - 2", NB_F64);
    example at = {uniform(ctx, NB_F64, 1, 3, 0, 1, 1), uniform(ctx, NB_F64, 1, 2, 0, 1, 2)};
    volatile sig_atomic_t pressed = 1;
    (void)state;
    ctx->interrupt = &pressed;
    assert_int_equal(try_paths(ctx, net, &at), NB_EINTERRUPT);
    assert_int_equal(try_demon(ctx, net, &at), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(try_paths(ctx, net, &at), NB_OK);
    nb_tensor_release(ctx, at.x);
    nb_tensor_release(ctx, at.y);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Paths of numbers lead to every use of a shared layer, its name to the first. */
static void places(void **state)
{
    static const struct {
        const char *path;
        int place;
    } are[] = {{"1", 0}, {"2", 1},     {"2.1", 2}, {"2.2", 3},  {"2.2.1", 4},  {"3", 5},  {"4", 6},
               {"a", 0}, {"b.2.1", 4}, {"9", -1},  {"2.3", -1}, {"2.1.1", -1}, {"c", -1}, {"", -1}};
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 3 name=a - residual[3 - net[3]] name=b - @a - 2", NB_F32);
    (void)state;
    for (size_t i = 0; i < sizeof are / sizeof *are; i++)
        assert_int_equal(nb_net_place(ctx, net, are[i].path), are[i].place);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(limits),
        cmocka_unit_test(interrupt),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
