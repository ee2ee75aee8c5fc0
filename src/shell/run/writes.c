/* Signals of writes. They are handled, not ignored: what the program starts gets the default back,
 * so that `!yes | head` ends too. */
#include "shell/run/writes.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Whether nobody reads standard output any more. Only what may be called in a handler. */
static bool output_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP));
}

/* No handler is told which write it was. Where standard output is gone too, the program ends, even
 * if it was another. */
static void on_broken_pipe(int signal_number)
{
    int error = errno;
    if (output_is_gone()) {
        signal(signal_number, SIG_DFL);
        raise(signal_number); /* when the handler returns */
    }
    errno = error;
}

static void on_large_file(int signal_number)
{
    (void)signal_number;
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, &before);
    if (before.sa_handler == SIG_IGN) sigaction(signal_number, &before, NULL);
}

void sh_writes_install(void)
{
    handle(SIGPIPE, on_broken_pipe);
    handle(SIGXFSZ, on_large_file);
}
