/* Calls with stacks of their own that take turns on one thread: who enters one goes on when it
 * leaves. To the system it is one thread throughout: signals, locks and copies of the process are
 * as without. */
#ifndef NB_FIBER_H
#define NB_FIBER_H

#include "base/context.h"

#include <stddef.h>

/* Bytes of a stack: memory as far as it is used, never a huge page, behind it what ends the
 * process.
 */
#define NB_FIBER_STACK (((size_t)2 << 20) - ((size_t)64 << 10))

typedef struct nb_fiber nb_fiber;

/* One that has not begun yet; NULL with NB_EMEMORY. */
nb_fiber *nb_fiber_new(nb_ctx *ctx, void (*run)(void *arg), void *arg);
/* Runs it on until it leaves or its function returns; true: it has returned. Not from within
 * another one that it entered itself. */
bool nb_fiber_enter(nb_fiber *fiber);
/* From within: back to who entered it. */
void nb_fiber_leave(nb_fiber *fiber);
/* One that has returned, or never begun; NULL is allowed. */
void nb_fiber_free(nb_fiber *fiber);

#endif
