/* Tasks each in a copy of this process of its own, so many at once, whose answers are texts of any
 * length and come one by one while the others go on. Nothing that one task does is seen by another:
 * each begins from what the process is when it is its turn. convoy.h spreads them further. */
#ifndef NB_FLEET_H
#define NB_FLEET_H

#include "base/text.h"

/* Does a task, in its copy. NB_EMEMORY: its share of the memory was too small, and it comes again
 * behind all others, alone; what it says then is the answer. */
typedef nb_status nb_fleet_work(nb_ctx *ctx, void *self, int64_t task, bool alone, nb_text *answer);

/* What came of a task. */
typedef struct nb_fleet_answer {
    int64_t task;     /* -1: none */
    bool failed;      /* its copy gave no answer: the text says why */
    const char *text; /* no NUL need follow */
    size_t length;
} nb_fleet_answer;

typedef struct nb_fleet nb_fleet;

/* As many copies at once as the context has threads; no tasks yet. NULL with NB_EMEMORY. */
nb_fleet *nb_fleet_new(nb_ctx *ctx, nb_fleet_work *work, void *self);
/* Ends the copies that are left. NULL is allowed. */
void nb_fleet_free(nb_fleet *fleet);
void nb_fleet_end_copies(nb_fleet *fleet);

/* Gives it the tasks first … first + count - 1, which begin behind those that it has. */
nb_status nb_fleet_give(nb_fleet *fleet, int64_t first, int64_t count);
/* How many copies it has room for, and how many tasks that have not been answered. */
int nb_fleet_room(const nb_fleet *fleet);
int64_t nb_fleet_load(const nb_fleet *fleet);

/* Waits so many milliseconds for an answer, in whatever order they come; its text stands until the
 * next call. After NB_EMEMORY it can be called again. */
nb_status nb_fleet_wait(nb_fleet *fleet, int ms, nb_fleet_answer *out);

#endif
