/* The table, and the blocks that it watches. */
#include "shell/run/threads.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

/* Open addressing with linear steps; room is a power of two and never more than half full. */
typedef struct table {
    size_t room, count;
    void *slot[];
} table;

/* Replaced as a whole when it grows, so that a handler sees the old one or the new one. */
static table *volatile threads;
/* The main thread's block is larger than the others'; all others are alike. */
static size_t main_size, thread_size;

/* The compiler must not move a change of the table across this; handlers run on the same thread. */
static void settle(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static size_t home(const table *t, const void *block)
{
    return (size_t)(((uintptr_t)block >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (t->room - 1);
}

/* The slot that holds `block`, or the free one where it belongs. */
static size_t find(const table *t, const void *block)
{
    size_t i = home(t, block);
    while (t->slot[i] && t->slot[i] != block) i = (i + 1) & (t->room - 1);
    return i;
}

static void put(table *t, void *block)
{
    t->slot[find(t, block)] = block;
    t->count++;
}

static table *grown(const table *old)
{
    size_t room = old ? old->room * 2 : FIRST_ROOM;
    table *t = calloc(1, sizeof *t + room * sizeof *t->slot);
    if (!t) return NULL;
    t->room = room;
    for (size_t i = 0; old && i < old->room; i++)
        if (old->slot[i]) put(t, old->slot[i]);
    return t;
}

static int add(void *block)
{
    table *old = threads;
    if (!old || old->count >= old->room / 2) {
        table *t = grown(old);
        if (!t) return 0;
        settle();
        threads = t;
        settle();
        free(old);
    }
    put(threads, block);
    settle();
    return 1;
}

/* Entries behind the hole that could not stay at home move up: first the copy, then the new hole.
 */
static void take_out(table *t, size_t hole)
{
    for (size_t i = (hole + 1) & (t->room - 1); t->slot[i]; i = (i + 1) & (t->room - 1)) {
        size_t from_home = (i - home(t, t->slot[i])) & (t->room - 1);
        if (from_home < ((i - hole) & (t->room - 1))) continue;
        t->slot[hole] = t->slot[i];
        settle();
        hole = i;
    }
    t->slot[hole] = NULL;
    t->count--;
    settle();
}

static void drop(const void *block)
{
    table *t = threads;
    size_t i = find(t, block);
    if (t->slot[i]) take_out(t, i);
    if (t->count > 0) return;
    threads = NULL;
    settle();
    free(t);
}

/* Zeros, so that a handler that finds a thread half made sees one without calls. */
static void *new_thread(size_t size)
{
    void *block = calloc(1, size);
    if (!block || !add(block)) {
        free(block);
        return NULL;
    }
    if (main_size)
        thread_size = size;
    else
        main_size = size;
    return block;
}

void *sh_threads_alloc(void *block, size_t old_size, size_t size)
{
    if (size > 0 && block) return realloc(block, size);
    if (size > 0) return old_size == LUA_TTHREAD ? new_thread(size) : malloc(size);
    if (block && threads && (old_size == thread_size || old_size == main_size)) drop(block);
    free(block);
    return NULL;
}

void sh_threads_each(void (*visit)(lua_State *L))
{
    const table *t = threads;
    for (size_t i = 0; t && i < t->room; i++)
        if (t->slot[i]) visit((lua_State *)(void *)((char *)t->slot[i] + LUA_EXTRASPACE));
}
