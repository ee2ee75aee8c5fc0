/* A copy of this process: it has all that the process has and changes none of it. What a copy is
 * asked to do, and how its answers come, is its maker's business (crew.h, fleet.h). */
#ifndef NB_COPY_H
#define NB_COPY_H

#include "base/context.h"

#include <sys/types.h>

/* Above 0: of the copy that was made; 0: this is the copy; below 0: the system makes none. A copy
 * does without workers, peers and the terminal: Ctrl-C goes to the process, and when that goes
 * itself its copies go with it. It has one of `share` parts of the memory that is left, and must
 * end by nb_copy_leave. */
pid_t nb_copy_make(nb_ctx *ctx, int share);
/* Ends a copy, from within. */
_Noreturn void nb_copy_leave(void);
/* Waits until a copy has ended; what waitpid tells of it, or 0 where the host waits for nobody. */
int nb_copy_wait(pid_t copy);

#endif
