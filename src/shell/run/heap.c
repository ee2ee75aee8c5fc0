/* Lua's bytes are counted as malloc takes them, so that a table of a million small ones does not
 * hold half as much again unseen. Small blocks that Lua gives back are kept for those that it asks
 * for next: its collector frees thousands in a row, more than malloc keeps at hand. */
#include "shell/run/heap.h"

#include "base/sanitized.h"
#include "shell/run/threads.h"

#include <lua.h>
#include <stdlib.h>
#include <string.h>

enum { MALLOC_HEAD = 8, MALLOC_UNIT = 16, MALLOC_LEAST = 32 };

/* A spare block holds the link to the next of its size. */
struct sh_spare {
    sh_spare *next;
};

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

/* Threads are larger, which threads.h looks after. Sanitizers see every block come and go. */
static bool is_small(size_t bytes)
{
#if NB_WITH_ASAN || NB_WITH_TSAN
    return bytes == 0;
#else
    return bytes <= SH_SMALL_MOST;
#endif
}

static sh_spare **spares_of(sh_heap *heap, size_t bytes)
{
    return &heap->spare[bytes / MALLOC_UNIT - 1];
}

/* As many bytes as malloc takes for what was asked, head included. */
static void *new_small(sh_heap *heap, size_t bytes)
{
    sh_spare **spare = spares_of(heap, bytes), *block = *spare;
    if (!block) return malloc(bytes - MALLOC_HEAD);
    *spare = block->next;
    heap->spare_bytes -= bytes;
    return block;
}

static void free_small(sh_heap *heap, void *block, size_t bytes)
{
    sh_spare **spare = spares_of(heap, bytes), *first = block;
    if (heap->spare_bytes + bytes > SH_SPARE_MOST) {
        free(block);
        return;
    }
    first->next = *spare;
    *spare = first;
    heap->spare_bytes += bytes;
}

/* From or to a small block: what fits neither is left where it is while it only shrinks. */
static void *move(sh_heap *heap, void *block, size_t old_size, size_t size)
{
    size_t before = taken(old_size), after = taken(size);
    void *moved = is_small(after) ? new_small(heap, after) : malloc(size);
    if (!moved) return size < old_size ? block : NULL;
    memcpy(moved, block, size < old_size ? size : old_size);
    if (is_small(before))
        free_small(heap, block, before);
    else
        free(block);
    return moved;
}

static void *change(sh_heap *heap, void *block, size_t old_size, size_t size)
{
    size_t before = block ? taken(old_size) : 0, after = taken(size);
    bool was = before && is_small(before), is = after && is_small(after);
    bool thread = !block && old_size == LUA_TTHREAD;
    if (thread || (!was && !is)) return sh_threads_alloc(block, old_size, size);
    if (before == after) return block;
    if (after && before) return move(heap, block, old_size, size);
    if (after) return new_small(heap, after);
    free_small(heap, block, before);
    return NULL;
}

/* Lua relies on it that no block fails to shrink. */
void *sh_heap_alloc(void *self, void *block, size_t old_size, size_t size)
{
    sh_heap *heap = self;
    size_t before = block ? taken(old_size) : 0, after = taken(size);
    if (after > before && !may_grow(heap, after - before)) return NULL;
    void *moved = change(heap, block, old_size, size);
    if (moved || size == 0) heap->held += after - before;
    return moved;
}

void sh_heap_bind(sh_heap *heap, nb_ctx *ctx)
{
    heap->ctx = ctx;
    ctx->memory.beside = &heap->held;
    ctx->memory.bound = &heap->ctx;
}

void sh_heap_trim(sh_heap *heap)
{
    for (size_t i = 0; i < SH_SMALL_SIZES; i++)
        while (heap->spare[i]) {
            sh_spare *first = heap->spare[i];
            heap->spare[i] = first->next;
            free(first);
        }
    heap->spare_bytes = 0;
}
