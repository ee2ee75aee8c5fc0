/* The one allocator of the core: it knows sizes, keeps a limit, and hands freed blocks back from a
 * pool. Blocks are aligned to NB_ALIGN bytes. A request that the pool serves is not a request to
 * the allocator; `requests` counts only what went further. */
#ifndef NB_MEMORY_H
#define NB_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NB_ALIGN = 64,
    NB_POOL_CLASSES = 92 /* 64, 128, 192, 256 bytes, then four sizes to each doubling */
};

/* The last class. Larger blocks are rounded to NB_ALIGN and never pooled. */
#define NB_POOL_LARGEST ((size_t)1 << 30)

/* Bytes that the pool may hold; what is freed beyond goes back to the system. Where more than that
 * was live at once the pool may hold as much again: what a loop takes and gives back at every turn
 * comes from the pool, and the process is never more than twice what it needed. */
#define NB_POOL_CAP ((size_t)64 << 20)

/* What nb_memory_lend lends: enough to say that memory has ended, to look at what there is and to
 * let go of it. */
#define NB_MEMORY_RESERVE ((size_t)1 << 20)

/* The host goes on a little where the core is refused: what it holds while it deals with that, such
 * as a table that sets another limit, is small. */
#define NB_MEMORY_ODDMENT ((size_t)64 << 10)

/* What every byte of a block holds under `poison`, where nobody has written yet (NaN as f32 and
 * f64, -1 as i32) and after it was freed. */
enum { NB_POISON_FRESH = 0xFF, NB_POISON_FREED = 0xDD };

typedef struct nb_block nb_block;

typedef struct nb_memory {
    size_t live;          /* bytes handed out and not freed, rounded up to their class */
    size_t peak;          /* the most that live + pooled has been */
    size_t pooled;        /* bytes waiting in the pool */
    size_t most;          /* the most that live has been since the pool was trimmed */
    size_t pool_cap;      /* NB_POOL_CAP; 0 keeps nothing (the sweeps of failing requests set it) */
    size_t limit;         /* live + pooled + *beside stay at or under it; 0: none */
    size_t lent;          /* up to here they may go whatever the limit says */
    size_t (*left)(void); /* bytes that the machine has left; NULL: nobody asks */
    size_t asked;         /* up to here it was asked, and had them */
    const size_t *beside; /* bytes that the host's own allocator holds; NULL: they do not count */
    nb_ctx **bound;       /* where the host keeps the context, emptied when it is freed; or NULL */
    uint64_t requests;    /* to the system since the start */
    uint64_t fail_at; /* test hook: the request with this number fails (counted from 1; 0: none) */
    bool fail_on;     /* test hook: every request after fail_at fails too */
    bool poison;      /* tests: fresh and freed blocks are filled as above */
    nb_block *free[NB_POOL_CLASSES];
} nb_memory;

/* `bytes` uninitialised bytes (0 gives a valid pointer to nothing), or NULL with NB_EMEMORY. A
 * block belongs to the caller, who gives it back with the same size. Before it says no it empties
 * the pool and, when that gave anything back, asks the system once more. */
void *nb_alloc(nb_ctx *ctx, size_t bytes);
/* The same, zeroed; `count * size` is checked. */
void *nb_alloc_zero(nb_ctx *ctx, size_t count, size_t size);
/* Brings a block from `old_bytes` to `new_bytes`, moving it if need be; on failure returns NULL and
 * the old block stands. A NULL block is one of 0 bytes. */
void *nb_resize(nb_ctx *ctx, void *block, size_t old_bytes, size_t new_bytes);
/* NULL is allowed. */
void nb_free(nb_ctx *ctx, void *block, size_t bytes);
/* A copy of a string; freed with nb_free_string (NULL is allowed), which measures it: do not
 * shorten it. */
char *nb_copy_string(nb_ctx *ctx, const char *text);
void nb_free_string(nb_ctx *ctx, char *text);
/* Gives the pool's blocks back to the system. */
void nb_pool_trim(nb_ctx *ctx);
/* Lets what is held grow by NB_MEMORY_RESERVE even past the limit; what was lent before ends. */
void nb_memory_lend(nb_ctx *ctx);
/* Whether the host may hold `bytes` more beside what is held, which may pass the limit by
 * NB_MEMORY_ODDMENT; the pool makes room where it can. */
bool nb_memory_has_room(nb_ctx *ctx, size_t bytes);
/* Bytes that may still be asked for, as far as limit and machine tell; infinite where neither does.
 */
double nb_memory_room(const nb_memory *memory);
/* What counts against the limit and cannot be given back: live + *beside. */
size_t nb_memory_used(const nb_memory *memory);

/* "12.3 MB": three digits and the unit. */
enum { NB_SIZE_TEXT_MAX = 16 };
const char *nb_size_text(size_t bytes, char out[NB_SIZE_TEXT_MAX]);

/* A memory's `left`: that of the machine. */
size_t nb_memory_left(void);
/* The smaller of the machine's memory and the control group's limit, in bytes; SIZE_MAX when
 * neither can be learned. */
size_t nb_memory_available(void);

#endif
