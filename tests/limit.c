/* Runs a test as every test is to be run: with the signals as a terminal's programs have them,
 * whatever the caller ignores or blocks, nothing on standard input, and an end after so many
 * seconds, for it and all that it started.
 *
 * usage: limit SECONDS COMMAND [ARGUMENT...]
 *
 * The status is the command's, 128 and the signal that ended it, or 124 when the time was up. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIME_IS_UP = 124, NO_COMMAND = 127 };

static void start(char **command)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    if (nothing > STDIN_FILENO) close(nothing);
    execvp(command[0], command);
    fprintf(stderr, "limit: %s: %s\n", command[0], strerror(errno));
    _exit(NO_COMMAND);
}

static time_t seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* What a terminal or make sends goes on to all of the command's group. */
static int watch(pid_t child, time_t seconds, const sigset_t *heeded)
{
    const time_t end = seconds_now() + seconds;
    int status;
    while (waitpid(child, &status, WNOHANG) != child) {
        struct timespec left = {.tv_sec = end - seconds_now()};
        if (left.tv_sec <= 0) {
            printf("limit: no end after %lld seconds\n", (long long)seconds);
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            return TIME_IS_UP;
        }
        int signal_number = sigtimedwait(heeded, NULL, &left);
        if (signal_number > 0 && signal_number != SIGCHLD) kill(-child, signal_number);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    static const int heeded[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    long seconds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    sigset_t set;
    if (seconds <= 0) {
        fprintf(stderr, "usage: limit SECONDS COMMAND [ARGUMENT...]\n");
        return 2;
    }
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++) {
        sigaddset(&set, heeded[i]);
        /* One that is ignored would not be waited for either. */
        signal(heeded[i], SIG_DFL);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t child = fork();
    if (child == 0) start(argv + 2);
    if (child < 0) {
        perror("limit");
        return NO_COMMAND;
    }
    setpgid(child, child);
    return watch(child, seconds, &set);
}
