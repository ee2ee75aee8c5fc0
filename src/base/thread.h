/* Threads of the core: signals stay with those of the host. */
#ifndef NB_THREAD_H
#define NB_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts one that takes no signals, all but the faults, which belong to the thread that makes them.
 * False where the system gives none. */
bool nb_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
