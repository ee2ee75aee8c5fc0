/* The program's Lua allocator. What Lua holds counts against the context's limit as tensors do:
 * past it comes Lua's own error, "not enough memory". */
#ifndef SH_HEAP_H
#define SH_HEAP_H

#include "base/context.h"

typedef struct sh_heap {
    nb_ctx *ctx; /* whose limit binds; NULL before it is there and when it is freed, as by a script
                    that closes the state: nothing binds */
    size_t held; /* bytes, as malloc takes them */
} sh_heap;

/* A lua_Alloc; `heap` is the sh_heap. */
void *sh_heap_alloc(void *heap, void *block, size_t old_size, size_t size);
/* From now on the context's limit binds, and the context knows what Lua holds. */
void sh_heap_bind(sh_heap *heap, nb_ctx *ctx);

#endif
