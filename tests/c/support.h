/* What tests above the kernels share: a context whose memory is counted, tensors from values, words
 * of a message, and a sweep of failing requests. A header alone, because every test is one program.
 */
#ifndef NB_TEST_SUPPORT_H
#define NB_TEST_SUPPORT_H

#include "tensor/tensor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The context of the test under way. */
static nb_ctx *ctx;

static inline int setup(void **state)
{
    (void)state;
    ctx = nb_ctx_new();
    if (ctx) ctx->memory.poison = true;
    return ctx ? 0 : -1;
}

/* Fails the test that left memory behind. */
static inline int teardown(void **state)
{
    (void)state;
    bool left = ctx->memory.live != 0;
    nb_ctx_free(ctx);
    if (left) print_error("the test left memory behind\n");
    return left ? -1 : 0;
}

/* Arguments of the functions below: a shape and values written in place. */
#define SHAPE(...)                                                                                 \
    (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[])                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define VALUES(...) ((double[]){__VA_ARGS__})

static inline nb_tensor *tensor_of(nb_dtype dtype, int dims, const int64_t *shape,
                                   const double *values)
{
    int64_t count = 1;
    for (int i = 0; i < dims; i++) count *= shape[i];
    nb_tensor *flat = nb_tensor_new(ctx, dtype, 1, &count);
    assert_non_null(flat);
    for (int64_t i = 0; i < count; i++) nb_tensor_set(flat, &i, values[i]);
    nb_tensor *tensor = nb_tensor_reshape(ctx, flat, dims, shape);
    assert_non_null(tensor);
    nb_tensor_release(ctx, flat);
    return tensor;
}

/* The last failure has this status, and its message holds these words. */
static inline void assert_failed(nb_status status, const char *words)
{
    if (!strstr(ctx->message, words)) fail_msg("'%s' is not in: %s", words, ctx->message);
    assert_int_equal(ctx->status, status);
}

#ifndef NB_TEST_SWEEP /* nets.h brings another */
/* Runs `attempt` with request 1, 2, … failing until it succeeds: first that one and all after it,
 * then that one alone. Every failure must be NB_EMEMORY and give back what it took. */
static inline void sweep(nb_status (*attempt)(void *arg), void *arg)
{
    nb_memory *memory = &ctx->memory;
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    for (int on = 1; on >= 0; on--) {
        nb_status status = NB_EMEMORY;
        for (uint64_t n = 1; status != NB_OK; n++) {
            size_t live = memory->live;
            memory->fail_at = memory->requests + n;
            memory->fail_on = on;
            status = attempt(arg);
            if (status != NB_OK) assert_int_equal(status, NB_EMEMORY);
            assert_int_equal(memory->live, live);
        }
    }
    memory->fail_at = 0;
    memory->fail_on = false;
    memory->pool_cap = NB_POOL_CAP;
}
#endif

#endif
