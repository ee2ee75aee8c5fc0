/* Size classes, the pool and the limit. The class of a block follows from its size alone, so blocks
 * carry no header: a block in use is its owner's whole, a pooled one holds the link to the next.
 *
 * Under AddressSanitizer pooled blocks and the unused ends of blocks are poisoned, so that it sees
 * what the pool would otherwise hide. */
#include "base/memory.h"

#include "base/arith.h"
#include "base/cgroup.h"
#include "base/context.h"
#include "base/machine.h"
#include "base/sanitized.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if NB_WITH_ASAN
#include <sanitizer/asan_interface.h>
#define hide(block, bytes) __asan_poison_memory_region(block, bytes)
#define show(block, bytes) __asan_unpoison_memory_region(block, bytes)
#else
#define hide(block, bytes) ((void)(block), (void)(bytes))
#define show(block, bytes) ((void)(block), (void)(bytes))
#endif

struct nb_block {
    nb_block *next;
};

/* What a request comes to: `bytes` after rounding, and its class's free list, NB_POOL_CLASSES for
 * none. */
typedef struct fit {
    size_t bytes;
    size_t slot;
} fit;

enum { ALIGN_SHIFT = 6, LARGE_PAGE = 1 << 21 /* bytes */ };
_Static_assert(NB_ALIGN == 1 << ALIGN_SHIFT, "sizes are counted in units of NB_ALIGN");
_Static_assert(NB_POOL_LARGEST == (size_t)NB_ALIGN << (NB_POOL_CLASSES / 4 + 1),
               "the last class is NB_POOL_LARGEST");
_Static_assert(sizeof(nb_block) <= NB_ALIGN, "the link fits the smallest block");

/* `last` is the number of the block's last unit, counted from 0. Its top three bits, rounded up,
 * are the rounded size: four classes to each doubling. Sizes under four units are classes of their
 * own. */
static inline fit fit_slot(size_t last)
{
    if (last < 8) return (fit){.bytes = (last + 1) << ALIGN_SHIFT, .slot = last};
    unsigned shift = (unsigned)(61 - __builtin_clzll(last));
    size_t head = last >> shift;
    return (fit){.bytes = (head + 1) << (shift + ALIGN_SHIFT), .slot = 4 * (size_t)shift + head};
}

/* The bytes of a class's blocks: fit_slot the other way. */
static size_t slot_bytes(size_t slot)
{
    size_t shift = slot < 8 ? 0 : slot / 4 - 1, head = slot - 4 * shift;
    return (head + 1) << (shift + ALIGN_SHIFT);
}

/* False when rounding `bytes` up overflows. */
static inline bool fit_request(size_t bytes, fit *out)
{
    size_t padded;
    if (!nb_add_size(bytes, NB_ALIGN - 1, &padded)) return false;
    if (bytes > NB_POOL_LARGEST) {
        *out = (fit){padded & ~(size_t)(NB_ALIGN - 1), NB_POOL_CLASSES};
    } else {
        *out = fit_slot(bytes ? (bytes - 1) >> ALIGN_SHIFT : 0);
    }
    return true;
}

/* A block that was pooled and now is live raises no peak of both. */
static void note_peak(nb_memory *memory, size_t fresh)
{
    size_t now = memory->live + memory->pooled + fresh;
    if (now > memory->peak) memory->peak = now;
}

/* What the pool may hold: its cap, or as much as was live at once where that is more. */
static size_t pool_most(const nb_memory *memory)
{
    bool more = memory->pool_cap > 0 && memory->most > memory->pool_cap;
    return more ? memory->most : memory->pool_cap;
}

/* Called last, so that those who do not ask for it pay one comparison. */
__attribute__((cold, noinline)) static void *poison(void *block, int byte, size_t bytes)
{
    return memset(block, byte, bytes);
}

static void *take_pooled(nb_memory *memory, fit size)
{
    if (size.slot == NB_POOL_CLASSES || !memory->free[size.slot]) return NULL;
    nb_block *block = memory->free[size.slot];
    show(block, size.bytes);
    memory->free[size.slot] = block->next;
    memory->pooled -= size.bytes;
    return block;
}

/* Gives one block of a class that has some back to the system. */
static void drop_pooled(nb_memory *memory, size_t slot)
{
    free(take_pooled(memory, (fit){slot_bytes(slot), slot}));
}

double nb_memory_room(const nb_memory *memory)
{
    double used = (double)nb_memory_used(memory);
    double room = memory->limit ? fmax(0, (double)memory->limit - used) : INFINITY;
    return memory->left ? fmin(room, (double)memory->left()) : room;
}

size_t nb_memory_used(const nb_memory *memory)
{
    return memory->live + (memory->beside ? *memory->beside : 0);
}

static size_t held(const nb_memory *memory)
{
    return nb_memory_used(memory) + memory->pooled;
}

static bool fits(const nb_memory *memory, size_t bytes, size_t limit)
{
    return bytes <= limit && held(memory) <= limit - bytes;
}

/* The machine is asked once for a good stretch of what it had left, for it may take as long as a
 * thousand small blocks. */
static bool machine_has(nb_memory *memory, size_t bytes)
{
    if (!memory->left || fits(memory, bytes, memory->asked)) return true;
    size_t left = memory->left();
    if (bytes > left) return false;
    size_t stretch = (left - bytes) / 4;
    if (stretch < NB_MEMORY_RESERVE) stretch = NB_MEMORY_RESERVE;
    memory->asked = held(memory) + bytes + stretch;
    return true;
}

static bool within(nb_memory *memory, size_t bytes, size_t limit)
{
    if (!memory->limit || fits(memory, bytes, memory->lent)) return true;
    return fits(memory, bytes, limit) && machine_has(memory, bytes);
}

/* Whether the test hook lets the request just counted fail. */
static bool told_to_fail(const nb_memory *memory)
{
    if (!memory->fail_at) return false;
    return memory->requests == memory->fail_at ||
           (memory->fail_on && memory->requests > memory->fail_at);
}

/* Large pages for what fills any: without them rows of a set that are taken in any order cost a
 * walk through the page tables each, and the processor, which fetches ahead within a page, waits at
 * the beginning of every 4 kB of weights. The rest of a block, less than one, stays in small ones.
 * A wish: whoever cannot, does not. */
static void *with_large_pages(size_t bytes)
{
    void *block;
    if (posix_memalign(&block, LARGE_PAGE, bytes) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    (void)madvise(block, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#endif
    return block;
}

static void *request(nb_memory *memory, fit size)
{
    if (!within(memory, size.bytes, memory->limit)) return NULL;
    memory->requests++;
    if (told_to_fail(memory)) return NULL;
    return size.bytes < LARGE_PAGE ? aligned_alloc(NB_ALIGN, size.bytes)
                                   : with_large_pages(size.bytes);
}

const char *nb_size_text(size_t bytes, char out[NB_SIZE_TEXT_MAX])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    size_t unit = 0;
    for (; size >= 999.5; size /= 1000) unit++;
    snprintf(out, NB_SIZE_TEXT_MAX, "%.3g %s", size, units[unit]);
    return out;
}

static void *refuse(nb_ctx *ctx, size_t bytes)
{
    char wanted[NB_SIZE_TEXT_MAX], limit[NB_SIZE_TEXT_MAX], used[NB_SIZE_TEXT_MAX];
    nb_size_text(bytes, wanted);
    nb_size_text(ctx->memory.limit, limit);
    nb_size_text(nb_memory_used(&ctx->memory), used);
    if (!ctx->memory.limit || fits(&ctx->memory, bytes, ctx->memory.limit)) {
        return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %s (in use %s)", wanted, used);
    }
    return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %s (limit %s, in use %s)", wanted,
                        limit, used);
}

/* What the pool does not have. */
__attribute__((noinline)) static void *take_new(nb_ctx *ctx, fit size)
{
    void *block = request(&ctx->memory, size);
    if (!block && ctx->memory.pooled > 0) {
        nb_pool_trim(ctx);
        block = request(&ctx->memory, size);
    }
    if (block) note_peak(&ctx->memory, size.bytes);
    return block;
}

void *nb_alloc(nb_ctx *ctx, size_t bytes)
{
    nb_memory *memory = &ctx->memory;
    fit size;
    if (!fit_request(bytes, &size)) return refuse(ctx, bytes);
    void *block = take_pooled(memory, size);
    if (!block) block = take_new(ctx, size);
    if (!block) return refuse(ctx, bytes);
    memory->live += size.bytes;
    if (memory->live > memory->most) memory->most = memory->live;
    hide((char *)block + bytes, size.bytes - bytes);
    return memory->poison ? poison(block, NB_POISON_FRESH, bytes) : block;
}

void *nb_alloc_zero(nb_ctx *ctx, size_t count, size_t size)
{
    size_t bytes;
    if (!nb_mul_size(count, size, &bytes)) {
        return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for %zu times %zu bytes", count,
                            size);
    }
    void *block = nb_alloc(ctx, bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void *nb_resize(nb_ctx *ctx, void *block, size_t old_bytes, size_t new_bytes)
{
    fit old_size, new_size;
    if (!block) return nb_alloc(ctx, new_bytes);
    if (!fit_request(new_bytes, &new_size)) return refuse(ctx, new_bytes);
    if (fit_request(old_bytes, &old_size) && old_size.bytes == new_size.bytes) {
        show(block, new_bytes);
        hide((char *)block + new_bytes, new_size.bytes - new_bytes);
        return block;
    }
    void *moved = nb_alloc(ctx, new_bytes);
    if (!moved) return NULL;
    memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    nb_free(ctx, block, old_bytes);
    return moved;
}

/* Makes room in the pool for a block of this size by giving blocks of other sizes back, the largest
 * first: what is freed now is wanted again sooner than what has been waiting. False where it does
 * not fit. */
__attribute__((noinline)) static bool make_room(nb_memory *memory, fit size)
{
    size_t most = pool_most(memory);
    if (size.slot == NB_POOL_CLASSES || size.bytes > most) return false;
    most -= size.bytes;
    for (size_t slot = NB_POOL_CLASSES; slot-- > 0 && memory->pooled > most;)
        while (slot != size.slot && memory->free[slot] && memory->pooled > most)
            drop_pooled(memory, slot);
    return memory->pooled <= most;
}

void nb_free(nb_ctx *ctx, void *block, size_t bytes)
{
    nb_memory *memory = &ctx->memory;
    fit size;
    if (!block || !fit_request(bytes, &size)) return;
    memory->live -= size.bytes;
    show(block, size.bytes);
    bool fits = size.slot < NB_POOL_CLASSES && memory->pooled + size.bytes <= memory->pool_cap;
    if (!fits && !make_room(memory, size)) {
        if (memory->poison) poison(block, NB_POISON_FREED, size.bytes);
        free(block);
        return;
    }
    nb_block *pooled = block;
    pooled->next = memory->free[size.slot];
    memory->free[size.slot] = pooled;
    memory->pooled += size.bytes;
    if (memory->poison) poison(pooled + 1, NB_POISON_FREED, size.bytes - sizeof *pooled);
    hide(block, size.bytes);
}

char *nb_copy_string(nb_ctx *ctx, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = nb_alloc(ctx, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void nb_free_string(nb_ctx *ctx, char *text)
{
    if (text) nb_free(ctx, text, strlen(text) + 1);
}

void nb_pool_trim(nb_ctx *ctx)
{
    nb_memory *memory = &ctx->memory;
    for (size_t slot = 0; slot < NB_POOL_CLASSES; slot++)
        while (memory->free[slot]) drop_pooled(memory, slot);
    memory->most = memory->live;
}

void nb_memory_lend(nb_ctx *ctx)
{
    ctx->memory.lent = nb_memory_used(&ctx->memory) + NB_MEMORY_RESERVE;
}

bool nb_memory_has_room(nb_ctx *ctx, size_t bytes)
{
    nb_memory *memory = &ctx->memory;
    size_t limit = memory->limit;
    if (!nb_add_size(limit, NB_MEMORY_ODDMENT, &limit)) limit = SIZE_MAX;
    if (within(memory, bytes, limit)) return true;
    if (memory->pooled == 0) return false;
    nb_pool_trim(ctx);
    return within(memory, bytes, limit);
}

size_t nb_memory_left(void)
{
    return nb_machine_left("/proc/meminfo");
}

size_t nb_memory_available(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    size_t group = nb_cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup");
    size_t machine;
    if (pages <= 0 || page <= 0 || !nb_mul_size((size_t)pages, (size_t)page, &machine))
        return group;
    return nb_least_size(machine, group);
}
