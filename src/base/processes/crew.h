/* Many tasks spread over copies of this process, one for each core. A copy has all that the process
 * has, functions of the host too, and changes none of it here; only answers come back. */
#ifndef NB_CREW_H
#define NB_CREW_H

#include "base/context.h"

enum { NB_CREW_ANSWER = 64 }; /* bytes of an answer at most */

typedef struct nb_crew {
    int64_t tasks;
    const char *what; /* for nb_tell */
    size_t bytes;     /* of an answer */
    /* Does a task, there or here. Each copy asks for its own in rising order; what a copy left
     * undone comes behind them, here. answer: NB_CREW_ANSWER bytes where any struct may stand. */
    nb_status (*work)(nb_ctx *ctx, void *self, int64_t task, void *answer);
    /* Takes an answer, here, in any order. */
    void (*take)(void *self, int64_t task, const void *answer);
    void *self;
} nb_crew;

/* Does them all, in as many copies as the context has threads; on one, or where no copy can be
 * made, here. The first task that fails ends all, and its message is the context's; where memory
 * ends in a copy, which has its share of it alone, half as many go on. A copy that somebody ends
 * from outside leaves its tasks to the others. However this ends, Ctrl-C too, no copy is left
 * behind. */
nb_status nb_crew_run(nb_ctx *ctx, const nb_crew *crew);

/* A block of zeros that the copies share with the process: for answers that are longer, each task
 * writes its own part. It counts as any block of the allocator does. NULL with NB_EMEMORY. */
void *nb_crew_block(nb_ctx *ctx, size_t bytes);
void nb_crew_free(nb_ctx *ctx, void *block, size_t bytes);

#endif
