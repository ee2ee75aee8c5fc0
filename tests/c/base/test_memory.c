/* The allocator: sizes, pool, limit, and the hook that lets requests fail. */
#include "fixture.h"

#include "base/sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if NB_WITH_ASAN
#include <sanitizer/asan_interface.h>
#define poisoned(at) __asan_address_is_poisoned(at)
#else
#define poisoned(at) ((void)(at), 0)
#endif

/* Catches misalignment and blocks smaller than what was asked for (under ASan). */
static void test_alignment(void **state)
{
    nb_ctx *ctx = *state;
    for (size_t bytes = 0; bytes < 5000; bytes += 37) {
        char *block = nb_alloc(ctx, bytes);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % NB_ALIGN, 0);
        memset(block, 0xA5, bytes);
        nb_free(ctx, block, bytes);
    }
    nb_free(ctx, NULL, 100);
}

/* The classes as documented: multiples of 64 up to 256, then four to each doubling. */
static void test_classes(void **state)
{
    static const struct {
        size_t bytes, rounded;
    } rows[] = {
        {0, 64},
        {1, 64},
        {64, 64},
        {65, 128},
        {128, 128},
        {129, 192},
        {192, 192},
        {193, 256},
        {256, 256},
        {257, 320},
        {320, 320},
        {321, 384},
        {448, 448},
        {449, 512},
        {512, 512},
        {513, 640},
        {640, 640},
        {641, 768},
        {896, 896},
        {897, 1024},
        {1024, 1024},
        {1025, 1280},
        {65536, 65536},
        {65537, 81920},
        {1000000, 1048576},
        {1048577, 1310720},
    };
    nb_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *block = nb_alloc(ctx, rows[i].bytes);
        assert_non_null(block);
        assert_int_equal(ctx->memory.live, rows[i].rounded);
        nb_free(ctx, block, rows[i].bytes);
        assert_int_equal(ctx->memory.live, 0);
    }
}

/* No class loses more than a quarter of what was asked for. */
static void test_rounding_is_bounded(void **state)
{
    nb_ctx *ctx = *state;
    size_t last = 0;
    for (size_t bytes = 256; bytes < 100000; bytes += 61) {
        void *block = nb_alloc(ctx, bytes);
        size_t rounded = ctx->memory.live;
        assert_true(rounded >= bytes && rounded <= bytes + bytes / 4 + NB_ALIGN);
        assert_true(rounded >= last);
        last = rounded;
        nb_free(ctx, block, bytes);
    }
}

/* The largest class and the first size behind it, which is rounded to NB_ALIGN only and not pooled.
 */
static void test_largest_class(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.limit = 0;
    ctx->memory.pool_cap = SIZE_MAX;
    void *block = nb_alloc(ctx, NB_POOL_LARGEST);
    assert_non_null(block);
    assert_int_equal(ctx->memory.live, NB_POOL_LARGEST);
    nb_free(ctx, block, NB_POOL_LARGEST);
    assert_int_equal(ctx->memory.pooled, NB_POOL_LARGEST);
    nb_pool_trim(ctx);
    block = nb_alloc(ctx, NB_POOL_LARGEST + 1);
    assert_non_null(block);
    assert_int_equal(ctx->memory.live, NB_POOL_LARGEST + NB_ALIGN);
    nb_free(ctx, block, NB_POOL_LARGEST + 1);
    assert_int_equal(ctx->memory.pooled, 0);
}

/* A freed block serves the next request of its class, the last one freed first, and no other's. */
static void test_pool_reuse(void **state)
{
    nb_ctx *ctx = *state;
    void *a = nb_alloc(ctx, 1000), *b = nb_alloc(ctx, 900);
    uint64_t requests = ctx->memory.requests;
    assert_int_equal(requests, 2);
    nb_free(ctx, a, 1000);
    nb_free(ctx, b, 900);
    assert_int_equal(ctx->memory.pooled, 2048);
    assert_int_equal(ctx->memory.live, 0);
    assert_ptr_equal(nb_alloc(ctx, 1024), b);
    assert_ptr_equal(nb_alloc(ctx, 897), a);
    assert_int_equal(ctx->memory.pooled, 0);
    assert_int_equal(ctx->memory.requests, requests);
    void *c = nb_alloc(ctx, 1024);
    assert_int_equal(ctx->memory.requests, requests + 1);
    nb_free(ctx, c, 1024);
    void *d = nb_alloc(ctx, 1025);
    assert_int_equal(ctx->memory.requests, requests + 2);
    nb_free(ctx, d, 1025);
    nb_free(ctx, a, 897);
    nb_free(ctx, b, 1024);
    assert_int_equal(ctx->memory.peak, 1024 * 3 + 1280);
}

/* The pool takes blocks up to its cap and not a byte beyond. */
static void test_pool_cap(void **state)
{
    nb_ctx *ctx = *state;
    void *a = nb_alloc(ctx, 512), *b = nb_alloc(ctx, 512), *c = nb_alloc(ctx, 512);
    ctx->memory.pool_cap = 1024;
    ctx->memory.most = 0;
    nb_free(ctx, a, 512);
    nb_free(ctx, b, 512);
    assert_int_equal(ctx->memory.pooled, 1024);
    nb_free(ctx, c, 512);
    assert_int_equal(ctx->memory.pooled, 1024);
    nb_pool_trim(ctx);
    assert_int_equal(ctx->memory.pooled, 0);
    ctx->memory.pool_cap = 0;
    nb_free(ctx, nb_alloc(ctx, 10), 10);
    assert_int_equal(ctx->memory.pooled, 0);
}

/* Where more than the cap was live at once, the pool takes that much, and no more: a loop over
 * large blocks goes on without the system. After a trim the past is forgotten. */
static void test_pool_follows(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.pool_cap = 64;
    uint64_t requests = 3;
    for (int round = 0; round < 5; round++) {
        void *a = nb_alloc(ctx, 4096), *b = nb_alloc(ctx, 4096), *c = nb_alloc(ctx, 8192);
        nb_free(ctx, a, 4096);
        nb_free(ctx, b, 4096);
        nb_free(ctx, c, 8192);
        assert_int_equal(ctx->memory.pooled, 16384);
        assert_int_equal(ctx->memory.requests, requests);
    }
    /* One block more: it takes the place of another. */
    void *d = nb_alloc(ctx, 64);
    nb_free(ctx, d, 64);
    assert_int_equal(ctx->memory.pooled, 16384 - 8192 + 64);
    nb_pool_trim(ctx);
    d = nb_alloc(ctx, 64);
    void *e = nb_alloc(ctx, 128);
    nb_free(ctx, e, 128);
    nb_free(ctx, d, 64);
    assert_int_equal(ctx->memory.pooled, 192);
}

/* What nobody has written, and what was freed, is seen: NaN, and a pattern that is none. */
static void test_patterns(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.poison = true;
    float *fresh = nb_alloc(ctx, 64);
    assert_true(fresh[0] != fresh[0] && fresh[15] != fresh[15]);
    memset(fresh, 0, 64);
    nb_free(ctx, fresh, 64);
    if (!NB_WITH_ASAN) {
        const unsigned char *freed = (const unsigned char *)fresh;
        assert_int_equal(freed[63], NB_POISON_FREED);
    }
    double *again = nb_alloc(ctx, 60);
    assert_ptr_equal(again, fresh);
    assert_true(again[0] != again[0] && again[6] != again[6]);
    nb_free(ctx, again, 60);
    assert_int_equal(*(int *)nb_alloc_zero(ctx, 1, 4), 0);
    nb_free(ctx, again, 4);
}

/* Catches a pool that blocks of other sizes keep full, so that what is freed and asked for in turn
 * comes from the system every time; and one that gives back more than it must. */
static void test_pool_makes_room(void **state)
{
    nb_ctx *ctx = *state;
    void *small[8], *large;
    ctx->memory.pool_cap = 1024;
    for (int i = 0; i < 8; i++) small[i] = nb_alloc(ctx, 128);
    large = nb_alloc(ctx, 512);
    ctx->memory.most = 0;
    for (int i = 0; i < 8; i++) nb_free(ctx, small[i], 128);
    assert_int_equal(ctx->memory.pooled, 1024);
    nb_free(ctx, large, 512);
    assert_int_equal(ctx->memory.pooled, 1024);
    uint64_t requests = ctx->memory.requests;
    large = nb_alloc(ctx, 512);
    for (int i = 0; i < 4; i++) small[i] = nb_alloc(ctx, 128);
    assert_int_equal(ctx->memory.requests, requests);
    assert_int_equal(ctx->memory.pooled, 0);
    for (int i = 0; i < 4; i++) nb_free(ctx, small[i], 128);
    nb_free(ctx, large, 512);
    /* What is larger than the pool leaves it as it is. */
    large = nb_alloc(ctx, 1025);
    ctx->memory.most = 0;
    nb_free(ctx, large, 1025);
    assert_int_equal(ctx->memory.pooled, 1024);
}

/* Catches a pool that hides use after free and overruns from AddressSanitizer. */
static void test_poison(void **state)
{
    nb_ctx *ctx = *state;
    if (!NB_WITH_ASAN) skip();
    char *block = nb_alloc(ctx, 100);
    assert_false(poisoned(block + 99));
    assert_true(poisoned(block + 100));
    assert_true(poisoned(block + 127));
    nb_free(ctx, block, 100);
    assert_true(poisoned(block));
    assert_true(poisoned(block + 64));
    assert_ptr_equal(nb_alloc(ctx, 120), block);
    assert_false(poisoned(block));
    assert_false(poisoned(block + 119));
    assert_true(poisoned(block + 120));
    assert_ptr_equal(nb_resize(ctx, block, 120, 70), block);
    assert_false(poisoned(block + 69));
    assert_true(poisoned(block + 70));
    assert_ptr_equal(nb_resize(ctx, block, 70, 128), block);
    assert_false(poisoned(block + 127));
    nb_free(ctx, block, 128);
}

static void test_zero(void **state)
{
    nb_ctx *ctx = *state;
    unsigned char *block = nb_alloc(ctx, 300);
    memset(block, 0xFF, 300);
    nb_free(ctx, block, 300);
    block = nb_alloc_zero(ctx, 100, 3);
    for (int i = 0; i < 300; i++) assert_int_equal(block[i], 0);
    nb_free(ctx, block, 300);
    block = nb_alloc_zero(ctx, 0, 8);
    assert_non_null(block);
    nb_free(ctx, block, 0);
}

/* A product that wraps around must not come back as a small block. */
static void test_overflow(void **state)
{
    nb_ctx *ctx = *state;
    assert_null(nb_alloc_zero(ctx, SIZE_MAX / 4 + 1, 4));
    assert_int_equal(ctx->status, NB_EMEMORY);
    assert_string_equal(ctx->message, "not enough memory for 4611686018427387904 times 4 bytes");
    for (size_t below = 0; below < 2 * NB_ALIGN; below++) {
        ctx->status = NB_OK;
        assert_null(nb_alloc(ctx, SIZE_MAX - below));
        assert_int_equal(ctx->status, NB_EMEMORY);
    }
    char *block = nb_alloc(ctx, 10);
    assert_null(nb_resize(ctx, block, 10, SIZE_MAX));
    nb_free(ctx, block, 10);
    assert_int_equal(ctx->memory.requests, 1);
}

static void fill(unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) block[i] = (unsigned char)(i * 7 + 1);
}

static void check(const unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) assert_int_equal(block[i], (unsigned char)(i * 7 + 1));
}

static void test_resize(void **state)
{
    nb_ctx *ctx = *state;
    unsigned char *block = nb_resize(ctx, NULL, 0, 50);
    fill(block, 50);
    assert_ptr_equal(nb_resize(ctx, block, 50, 64), block);
    check(block, 50);
    block = nb_resize(ctx, block, 64, 5000);
    check(block, 50);
    fill(block, 5000);
    block = nb_resize(ctx, block, 5000, 333);
    check(block, 333);
    assert_int_equal(ctx->memory.live, 384);
    nb_free(ctx, block, 333);
}

static void test_failing_resize(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.pool_cap = 0;
    unsigned char *block = nb_alloc(ctx, 100);
    fill(block, 100);
    ctx->memory.fail_at = ctx->memory.requests + 1;
    assert_null(nb_resize(ctx, block, 100, 1000));
    assert_int_equal(ctx->status, NB_EMEMORY);
    check(block, 100);
    assert_int_equal(ctx->memory.live, 128);
    block = nb_resize(ctx, block, 100, 1000);
    check(block, 100);
    nb_free(ctx, block, 1000);
}

/* The hook's request fails, the one before and the one after do not. */
static void test_fail_once(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.fail_at = 2;
    void *a = nb_alloc(ctx, 100);
    void *b = nb_alloc(ctx, 100);
    void *c = nb_alloc(ctx, 100);
    assert_non_null(a);
    assert_null(b);
    assert_int_equal(ctx->status, NB_EMEMORY);
    assert_non_null(c);
    assert_int_equal(ctx->memory.requests, 3);
    assert_int_equal(ctx->memory.live, 256);
    nb_free(ctx, a, 100);
    nb_free(ctx, c, 100);
}

static void test_fail_on(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.fail_at = 2;
    ctx->memory.fail_on = true;
    void *a = nb_alloc(ctx, 100);
    assert_non_null(a);
    assert_null(nb_alloc(ctx, 100));
    assert_null(nb_alloc(ctx, 100));
    ctx->memory.fail_at = 0;
    void *b = nb_alloc(ctx, 100);
    assert_non_null(b);
    nb_free(ctx, a, 100);
    nb_free(ctx, b, 100);
}

/* The pool serves without asking, so the hook does not see it; where the pool had something to give
 * back, a failed request is tried once more. */
static void test_fail_with_pool(void **state)
{
    nb_ctx *ctx = *state;
    nb_free(ctx, nb_alloc(ctx, 100), 100);
    ctx->memory.fail_at = 2;
    ctx->memory.fail_on = true;
    void *a = nb_alloc(ctx, 100);
    assert_non_null(a);
    nb_free(ctx, a, 100);
    assert_null(nb_alloc(ctx, 5000));
    assert_int_equal(ctx->memory.pooled, 0);
    assert_int_equal(ctx->memory.requests, 3);
    ctx->memory.fail_at = 0;
    nb_free(ctx, nb_alloc(ctx, 100), 100);
    ctx->memory.fail_on = false;
    ctx->memory.fail_at = ctx->memory.requests + 1;
    a = nb_alloc(ctx, 5000);
    assert_non_null(a);
    nb_free(ctx, a, 5000);
}

static void test_strings(void **state)
{
    nb_ctx *ctx = *state;
    char *copy = nb_copy_string(ctx, "sigmoid");
    char *empty = nb_copy_string(ctx, "");
    assert_string_equal(copy, "sigmoid");
    assert_string_equal(empty, "");
    nb_free_string(ctx, copy);
    nb_free_string(ctx, empty);
    nb_free_string(ctx, NULL);
    nb_pool_trim(ctx);
    ctx->memory.fail_at = ctx->memory.requests + 1;
    assert_null(nb_copy_string(ctx, "tanh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alignment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_classes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounding_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_class, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_reuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poison, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resize, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_resize, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_with_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
