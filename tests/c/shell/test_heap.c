/* Lua's allocator: contents stay whichever sizes a block goes through, and what is counted is what
 * Lua holds, spare blocks or none. */
#include "shell/run/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 300, ROUNDS = 60000, SIZES = 400 };

typedef struct block {
    unsigned char *at;
    size_t size;
} block;

/* As malloc takes them. */
static size_t taken(size_t size)
{
    size_t whole = (size + 8 + 15) / 16 * 16;
    return size == 0 ? 0 : whole < 32 ? 32 : whole;
}

static void change(sh_heap *heap, block *b, size_t size, unsigned char mark)
{
    size_t kept = size < b->size ? size : b->size;
    unsigned char old = b->size ? b->at[0] : 0;
    unsigned char *moved = sh_heap_alloc(heap, b->at, b->size, size);
    assert_true(size == 0 ? !moved : moved && (uintptr_t)moved % 16 == 0);
    for (size_t i = 0; i < kept; i++) assert_int_equal(moved[i], old);
    if (size) memset(moved, mark, size);
    *b = (block){moved, size};
}

/* Sizes on both sides of what counts as small, grown, shrunk and given back at random: catches a
 * spare block that is given out twice, is too short for its size, or is counted still. */
static void blocks_keep_what_they_hold(void **state)
{
    static block all[BLOCKS];
    sh_heap heap = {.ctx = NULL};
    uint32_t random = 7;
    size_t held = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525 + 1013904223;
        block *b = &all[(random >> 8) % BLOCKS];
        size_t size = random % 3 ? (random >> 16) % SIZES : 0;
        held += taken(size) - taken(b->size);
        change(&heap, b, size, (unsigned char)i);
        assert_int_equal(heap.held, held);
        assert_true(heap.spare_bytes <= SH_SPARE_MOST);
    }
    for (int i = 0; i < BLOCKS; i++) change(&heap, &all[i], 0, 0);
    assert_int_equal(heap.held, 0);
    sh_heap_trim(&heap);
    assert_int_equal(heap.spare_bytes, 0);
}

/* A burst of blocks that go is kept to its limit, and no further. */
static void spare_blocks_have_a_limit(void **state)
{
    enum { MANY = 20000, SIZE = 40 };
    static block all[MANY];
    sh_heap heap = {.ctx = NULL};
    (void)state;
    for (int i = 0; i < MANY; i++) change(&heap, &all[i], SIZE, 1);
    for (int i = 0; i < MANY; i++) change(&heap, &all[i], 0, 0);
    assert_true(heap.spare_bytes <= SH_SPARE_MOST);
    sh_heap_trim(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_they_hold),
        cmocka_unit_test(spare_blocks_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
