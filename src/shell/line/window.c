/* The size of the terminal's window is the terminal's alone: it is read, and never set.
 *
 * Readline, where it takes the terminal over, reads the size and sets it at once to what it has
 * read, so that a program in the background is stopped there. A window that has become another
 * between the two got its old size back, and kept it: every line was then drawn in a window that
 * did not exist. Readline has no setting for it, so what it calls is this function, which goes
 * before the C library's. */
#include "shell/line/window.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
typedef unsigned long request;
#else
typedef int request;
#endif

int ioctl(int file, request what, ...)
{
    va_list rest;
    va_start(rest, what);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return what == (request)TIOCSWINSZ ? 0 : (int)syscall(SYS_ioctl, file, what, argument);
}

/* Here, so that this file is linked also where a library before the C library's has an ioctl, as
 * sanitizers' have. */
bool sh_window_size(int *rows, int *columns)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}
