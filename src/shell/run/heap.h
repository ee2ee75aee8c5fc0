/* The program's Lua allocator. What Lua holds counts against the context's limit as tensors do:
 * past it comes Lua's own error, "not enough memory". */
#ifndef SH_HEAP_H
#define SH_HEAP_H

#include "base/context.h"

/* Small blocks are of so many bytes at most, in steps of 16; spare ones hold no more together. */
enum { SH_SMALL_MOST = 128, SH_SMALL_SIZES = SH_SMALL_MOST / 16, SH_SPARE_MOST = 1 << 18 };

typedef struct sh_spare sh_spare;

typedef struct sh_heap {
    nb_ctx *ctx; /* whose limit binds; NULL before it is there and when it is freed, as by a script
                    that closes the state: nothing binds */
    size_t held; /* bytes, as malloc takes them; spare ones are not Lua's */
    sh_spare *spare[SH_SMALL_SIZES]; /* by size: blocks that Lua gave back */
    size_t spare_bytes;
} sh_heap;

/* A lua_Alloc; `heap` is the sh_heap. */
void *sh_heap_alloc(void *heap, void *block, size_t old_size, size_t size);
/* From now on the context's limit binds, and the context knows what Lua holds. */
void sh_heap_bind(sh_heap *heap, nb_ctx *ctx);
/* Gives back what is spare; Lua's blocks stay. */
void sh_heap_trim(sh_heap *heap);

#endif
