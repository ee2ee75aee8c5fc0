#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/processes/copy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

/* Whatever the process does at signals is no business of a copy's. */
static void calm(pid_t process)
{
    static const int usual[] = {SIGTERM, SIGHUP,  SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH,
                                SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) signal(usual[i], SIG_DFL);
    signal(SIGINT, SIG_IGN);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != process) _exit(1);
}

#ifdef __GLIBC__
/* A function of the host that ends its process ends the copy alone: what the process has for its
 * own end (its host's handlers, a search for leaks) is not to run once more. */
static void end_alone(int status, void *unused)
{
    (void)unused;
    fflush(NULL);
    _exit(status);
}
#endif

static void share_memory(nb_ctx *ctx, int share)
{
    nb_memory *m = &ctx->memory;
    size_t used = nb_memory_used(m);
    if (m->limit > used) m->limit = used + (m->limit - used) / (size_t)share;
}

pid_t nb_copy_make(nb_ctx *ctx, int share)
{
    pid_t process = getpid();
    fflush(NULL); /* a copy would write it once more */
    pid_t copy = fork();
    if (copy != 0) return copy;
    calm(process);
#ifdef __GLIBC__
    on_exit(end_alone, NULL);
#endif
    share_memory(ctx, share);
    ctx->interrupt = NULL;
    ctx->meter = NULL;
    ctx->peers = NULL;
    ctx->threads = 1;
    return 0;
}

void nb_copy_leave(void)
{
    fflush(NULL); /* what functions of the host have printed */
    _exit(0);
}

/* A host that ignores SIGCHLD has nobody to wait for. */
int nb_copy_wait(pid_t copy)
{
    int how = 0;
    pid_t ended;
    do ended = waitpid(copy, &how, 0);
    while (ended < 0 && errno == EINTR);
    return ended == copy ? how : 0;
}
