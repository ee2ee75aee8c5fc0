/* Runs a command a number of times and prints, for each, the seconds that it took and the most
 * memory that it held, in KiB. With -p it runs on a terminal of its own, until the given text
 * appears there; then it is told to leave.
 *
 * usage: measure [-p TEXT] TIMES COMMAND [ARGUMENT...] */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SCREEN = 65536, PATIENCE = 20000 }; /* bytes; milliseconds */

static const char leave[] = "\004"; /* Ctrl-D */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *why)
{
    fprintf(stderr, "measure: %s: %s\n", why, strerror(errno));
    exit(1);
}

static void become(char **command)
{
    execvp(command[0], command);
    _exit(127);
}

/* Reads what the terminal shows until `text` is among it (NULL: until the end). False at its end.
 */
static int read_until(int terminal, const char *text)
{
    static char screen[SCREEN];
    size_t length = 0;
    for (;;) {
        struct pollfd ready = {.fd = terminal, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE) <= 0) return 0;
        if (length == SCREEN - 1) length = 0;
        ssize_t got = read(terminal, screen + length, SCREEN - 1 - length);
        if (got <= 0) return 0;
        length += (size_t)got;
        if (text && memmem(screen, length, text, strlen(text))) return 1;
    }
}

/* The seconds until `text` shows on the terminal of the command. */
static double run_on_terminal(char **command, const char *text, struct rusage *usage)
{
    int terminal, status = 0;
    double began = now();
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    if (child < 0) fail("forkpty");
    if (child == 0) become(command);
    int shown = read_until(terminal, text);
    double seconds = now() - began;
    if (write(terminal, leave, sizeof leave - 1) < 0) fail("write");
    read_until(terminal, NULL);
    close(terminal);
    if (wait4(child, &status, 0, usage) < 0) fail("wait");
    if (!shown) {
        fprintf(stderr, "measure: %s did not show '%s'\n", command[0], text);
        exit(1);
    }
    return seconds;
}

static double run(char **command, struct rusage *usage)
{
    int status = 0;
    double began = now();
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) become(command);
    if (wait4(child, &status, 0, usage) < 0) fail("wait");
    double seconds = now() - began;
    if (status != 0) {
        fprintf(stderr, "measure: %s failed\n", command[0]);
        exit(1);
    }
    return seconds;
}

int main(int argc, char **argv)
{
    int at = 1;
    const char *text = NULL;
    if (argc > 3 && strcmp(argv[1], "-p") == 0) {
        text = argv[2];
        at = 3;
    }
    if (argc < at + 2) {
        fprintf(stderr, "usage: measure [-p TEXT] TIMES COMMAND [ARGUMENT...]\n");
        return 2;
    }
    char **command = argv + at + 1;
    for (int left = atoi(argv[at]); left > 0; left--) {
        struct rusage usage;
        double seconds = text ? run_on_terminal(command, text, &usage) : run(command, &usage);
        printf("%.6f %ld\n", seconds, usage.ru_maxrss);
        fflush(stdout);
    }
    return 0;
}
