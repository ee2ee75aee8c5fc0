/* Where attention looks when memory ends or Ctrl-C is pressed. What it finds is held against
 * mathematics in tests/lua/looks_spec.lua. */
#include "../nets.h"

#include "nn/inspect/looks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static nb_status try_looks(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_looks looks = {.places = 0};
    nb_status status = nb_looks_find(ctx, net, arg, NULL, &looks);
    if (status == NB_OK) status = nb_looks_single(ctx, &looks);
    nb_looks_free(ctx, &looks);
    return status;
}

/* Two places with attention, one in a block, of more steps than a head has features. */
static nb_net *looking(nb_ctx *ctx)
{
    return net_of(ctx, "*x4 - residual[attention 2] - attention 4 causal - 2", NB_F32);
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = looking(ctx);
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 3, (const int64_t[]){1, 5, 4});
    (void)state;
    assert_int_equal(nb_tensor_fill(ctx, x, 0.5), NB_OK);
    sweep(ctx, net, try_looks, x);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void interrupt(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = looking(ctx);
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 3, (const int64_t[]){1, 5, 4});
    volatile sig_atomic_t pressed = 1;
    (void)state;
    assert_int_equal(nb_tensor_fill(ctx, x, 0.5), NB_OK);
    ctx->interrupt = &pressed;
    assert_int_equal(try_looks(ctx, net, x), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(try_looks(ctx, net, x), NB_OK);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void none(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "2 - 1", NB_F32);
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F32, 2, (const int64_t[]){1, 2});
    (void)state;
    assert_int_equal(try_looks(ctx, net, x), NB_EARG);
    assert_string_equal(ctx->message, "this network has no attention");
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(interrupt),
        cmocka_unit_test(none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
