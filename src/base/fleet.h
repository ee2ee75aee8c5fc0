/* Tasks each in a copy of this process of its own, so many at once, whose answers are texts of any
 * length and come one by one while the others go on. Nothing that one task does is seen by another:
 * each begins from what the process is when it is its turn. */
#ifndef NB_FLEET_H
#define NB_FLEET_H

#include "base/text.h"

typedef struct nb_fleet_plan {
    int64_t tasks;
    const char *what; /* for nb_tell; NULL: nobody is told */
    /* Does a task, in its copy; they begin in rising order. NB_EMEMORY: its share of the memory was
     * too small, and it comes again behind all others, alone. */
    nb_status (*work)(nb_ctx *ctx, void *self, int64_t task, bool alone, nb_text *answer);
    void *self;
} nb_fleet_plan;

/* What came of a task. */
typedef struct nb_fleet_answer {
    int64_t task; /* -1: all have been answered */
    bool failed;  /* its copy gave no answer: the text says why */
    const char *text;
    size_t length;
} nb_fleet_answer;

typedef struct nb_fleet nb_fleet;

/* As many copies at once as the context has threads. NULL with NB_EMEMORY. */
nb_fleet *nb_fleet_new(nb_ctx *ctx, const nb_fleet_plan *plan);
/* Waits for the next answer, in whatever order they come; its text stands until the next call.
 * Interrupted, no copy is left behind; after NB_EMEMORY it can be called again. */
nb_status nb_fleet_next(nb_fleet *fleet, nb_fleet_answer *out);
/* Ends the copies that are left. NULL is allowed. */
void nb_fleet_free(nb_fleet *fleet);

#endif
