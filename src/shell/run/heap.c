/* Lua's bytes are counted as malloc takes them, so that a table of a million small ones does not
 * hold half as much again unseen. */
#include "shell/run/heap.h"

#include "shell/run/threads.h"

enum { MALLOC_HEAD = 8, MALLOC_UNIT = 16, MALLOC_LEAST = 32 };

/* Lua asks for no size so large that this overflows. */
static size_t taken(size_t size)
{
    size_t whole = (size + MALLOC_HEAD + MALLOC_UNIT - 1) & ~(size_t)(MALLOC_UNIT - 1);
    if (size == 0) return 0;
    return whole > MALLOC_LEAST ? whole : MALLOC_LEAST;
}

static bool may_grow(sh_heap *heap, size_t bytes)
{
    return !heap->ctx || nb_memory_has_room(heap->ctx, bytes);
}

/* Lua relies on it that no block fails to shrink. */
void *sh_heap_alloc(void *self, void *block, size_t old_size, size_t size)
{
    sh_heap *heap = self;
    size_t before = block ? taken(old_size) : 0, after = taken(size);
    if (after > before && !may_grow(heap, after - before)) return NULL;
    void *moved = sh_threads_alloc(block, old_size, size);
    if (moved || size == 0) heap->held += after - before;
    return moved;
}

void sh_heap_bind(sh_heap *heap, nb_ctx *ctx)
{
    heap->ctx = ctx;
    ctx->memory.beside = &heap->held;
    ctx->memory.bound = &heap->ctx;
}
