/* The context: everything that a core call needs besides its arguments. One per Lua state; there is
 * no other global state. It is used by one thread at a time. */
#ifndef NB_CONTEXT_H
#define NB_CONTEXT_H

#include "base/dtype.h"
#include "base/memory.h"
#include "base/status.h"

#include <signal.h>

typedef struct nb_workers nb_workers;
typedef struct nb_peers nb_peers;

enum { NB_COLUMNS = 80 };

/* Who is told how far long work has come. */
typedef struct nb_meter {
    void (*tell)(void *self, const char *what, double share); /* what: "evaluating"; share: 0 … 1 */
    void (*end)(void *self); /* the work, if there was any, is over; cheap */
    void *self;
} nb_meter;

struct nb_ctx {
    nb_memory memory;
    nb_peers *peers;     /* others that run the same script (base/processes/peers.h); NULL: alone */
    nb_workers *workers; /* NULL until a loop is large enough */
    int threads;         /* how many threads, the caller's included; at least 1 */
    nb_status status;    /* of the last failure */
    char message[NB_MESSAGE_MAX];
    uint64_t seed;     /* key of every stream that is given no seed of its own */
    uint64_t draws;    /* such streams so far; the next one's step */
    int columns;       /* of the window that text is laid out for; NB_COLUMNS unless it is known */
    nb_dtype dtype;    /* of new tensors: NB_F32 or NB_F64 */
    bool recording;    /* ops on parameters leave records */
    uint64_t sequence; /* the last record's number */
    struct nb_tape_link *dying; /* links that wait to be released, one after the other */
    bool sweeping;              /* somebody is releasing them */
    struct nb_witness *witness; /* who looks on at ops (grad/witness.h); NULL: nobody */
    const struct nb_across *across; /* sums over a batch in pieces (grad/across.h); NULL: whole */
    bool apart;                 /* dense layers go one by one, by ops (NABLA_FUSE=0) */
    bool heedless;              /* what is not finite is not looked for (nabla.anomaly(false)) */
    const volatile sig_atomic_t *interrupt; /* not 0: stop; NULL: nobody can ask */
    const nb_meter *meter;                  /* NULL: nobody asks */
    void *host; /* of the entry under way; the core passes it on and never looks */
    /* What the error object says that a function of the host left; or NULL. */
    void (*host_error)(const struct nb_ctx *ctx, char *text, size_t size);
};

/* A context with threads = the processors that this process may use (NB_MAX_THREADS at most), limit
 * = nb_memory_available(), seed 0, so that runs repeat until someone asks otherwise. NULL when
 * memory ends. */
nb_ctx *nb_ctx_new(void);
/* Frees it; NULL is allowed. Every tensor, net and set made with it must be gone. */
void nb_ctx_free(nb_ctx *ctx);

static inline bool nb_interrupted(const nb_ctx *ctx)
{
    return ctx->interrupt && *ctx->interrupt;
}

/* Tells that `done` of `total` steps are done. Cheap enough for every step that takes a
 * microsecond. `what` is a constant: a new one, or a smaller share, begins new work. */
static inline void nb_tell(const nb_ctx *ctx, const char *what, int64_t done, int64_t total)
{
    if (ctx->meter) ctx->meter->tell(ctx->meter->self, what, (double)done / (double)total);
}

/* NB_OK, or NB_EINTERRUPT with its message when Ctrl-C was pressed. */
#define NB_INTERRUPTED "interrupted"
nb_status nb_say_interrupted(nb_ctx *ctx);
static inline nb_status nb_poll(nb_ctx *ctx)
{
    return nb_interrupted(ctx) ? nb_say_interrupted(ctx) : NB_OK;
}

#endif
