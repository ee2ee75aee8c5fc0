/* Writing without signals. A pipe without a reader and a limit on the size of files answer a write
 * with SIGPIPE and SIGXFSZ, which end a process that has said nothing of them; what the core writes
 * fails with errno instead. Both signals go to the thread that writes, so they are held back in
 * that thread alone: what the host does with its signals stays as it is. */
#ifndef NB_HUSH_H
#define NB_HUSH_H

#include <signal.h>

typedef struct nb_hush {
    sigset_t mask;    /* of the thread before */
    sigset_t pending; /* that waited already, and are not ours to take */
} nb_hush;

/* Between the two, on one thread, writes end in EPIPE and EFBIG. errno is left alone. */
void nb_hush_begin(nb_hush *hush);
void nb_hush_end(const nb_hush *hush);

#endif
