/* A program in a pseudo terminal, with a home of its own that is removed at the end. What it writes
 * goes to the screen (screen.h). Nothing sleeps: what should come is waited for, until a deadline;
 * then the test has failed. */
#ifndef TESTS_SHELL_SESSION_H
#define TESTS_SHELL_SESSION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct session {
    void (*say_where)(void); /* prints where a test has failed, up to a colon and a blank */
    char program[PATH_MAX], home[64];
    pid_t pid; /* 0: not running */
    int pty;
    int status;
    long since;                 /* the screen's line that the steps look behind */
    char awaited[64], last[64]; /* what is to come; the bytes that came last */
};

extern struct session session;

/* The program is $NABLA, else ./nabla. */
void session_open(void (*say_where)(void));
/* Starts the program with these arguments, which are cut up. It may not set the window's size. */
void session_start(char *arguments);
/* Ends the program, removes the home, and exits with the status. */
void session_leave(int status);
/* Shows where, what, the screen, and what the program wrote last; leaves with 1. */
void session_fail(const char *what, const char *wanted);

double session_now(void);
/* Seconds that anything may take. */
double session_patience(void);
/* Takes what the program has written, waiting for it until the deadline; false: that is over. */
bool session_take(double deadline);
/* Waits until it holds, or fails with these words. */
typedef bool condition(const char *text);
void session_wait(condition *holds, const char *text, const char *what);
/* Looks for a text in all that is written from now on, and whether it has come. */
void session_await(const char *text);
bool session_has_come(const char *unused);
bool session_has_ended(const char *unused);
/* The terminal goes away, whatever the program is about; waits for its end. */
void session_hang_up(void);
/* Whether the program is at a prompt. */
bool session_reads_keys(const char *unused);
/* Types. */
void session_write(const char *bytes, size_t length);
/* Waits until the program has read everything that was typed. */
void session_settle(void);
/* The same, and until it has answered and sleeps: what it shows now it shows until something comes.
 * False: it does not come to rest, or has ended. */
bool session_rest(void);
/* How much the program has read since it began, as the kernel counts it; -1: it does not say. */
long session_bytes_read(void);
void session_resize(int rows, int columns);

#endif
