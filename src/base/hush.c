/* Writing without signals. */
#include "base/hush.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

static const int hushed[] = {SIGPIPE, SIGXFSZ};

enum { HUSHED = sizeof hushed / sizeof *hushed };

void nb_hush_begin(nb_hush *hush)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < HUSHED; i++) sigaddset(&set, hushed[i]);
    pthread_sigmask(SIG_BLOCK, &set, &hush->mask);
    sigpending(&hush->pending);
}

/* What came meanwhile is taken before it can be delivered; not waited for, since one that somebody
 * sent to the whole process may have gone to another thread. */
void nb_hush_end(const nb_hush *hush)
{
    int error = errno;
    sigset_t now;
    sigpending(&now);
    for (int i = 0; i < HUSHED; i++) {
        sigset_t one;
        if (!sigismember(&now, hushed[i]) || sigismember(&hush->pending, hushed[i])) continue;
        sigemptyset(&one);
        sigaddset(&one, hushed[i]);
        sigtimedwait(&one, NULL, &(struct timespec){0});
    }
    pthread_sigmask(SIG_SETMASK, &hush->mask, NULL);
    errno = error;
}
