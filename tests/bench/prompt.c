/* Measures how soon the prompt answers: a program on a terminal of its own, keys in, screen out.
 * Times are those from the key to the moment when the screen shows what is waited for.
 *
 * usage: prompt TIMES COMMAND [ARGUMENT...]
 *        prompt keys TIMES COMMAND [ARGUMENT...]
 *
 * One line for each measure: its name, then the seconds of each time. The second form measures keys
 * alone: how long each takes to be seen, in a block of 40 lines, beside 10,000 globals. */
#define _GNU_SOURCE
#include "../shell/screen.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds */

static const char prompt[] = "∇", ctrl_c[] = "\003", tab[] = "\t", enter[] = "\r";

static struct {
    int terminal;
    pid_t child;
    long since; /* lines up to this one were there before the last key */
} session;

static void fail(const char *what, const char *wanted)
{
    fprintf(stderr, "prompt: %s %s\n", what, wanted);
    if (session.child > 0) kill(session.child, SIGKILL);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void start(char **command)
{
    struct winsize size = {.ws_row = SCREEN_ROWS, .ws_col = SCREEN_COLUMNS};
    screen_clear();
    session.since = -1;
    session.child = forkpty(&session.terminal, NULL, NULL, &size);
    if (session.child < 0) fail("no terminal:", strerror(errno));
    if (session.child > 0) return;
    execvp(command[0], command);
    _exit(127);
}

static void take_output(double deadline, const char *wanted)
{
    unsigned char bytes[65536];
    struct pollfd source = {session.terminal, POLLIN, 0};
    double left = deadline - now();
    if (!(left > 0) || poll(&source, 1, (int)(1000 * left) + 1) <= 0) fail("nothing shows", wanted);
    ssize_t length = read(session.terminal, bytes, sizeof bytes);
    if (length <= 0) fail("the program has ended before", wanted);
    for (ssize_t i = 0; i < length; i++) screen_take(bytes[i]);
}

static int shows(const char *text)
{
    for (long i = session.since + 1; i <= screen_cursor(); i++)
        if (strstr(screen_text(i), text)) return 1;
    return 0;
}

static int at_prompt(void)
{
    return screen_cursor() > session.since && strcmp(screen_text(screen_cursor()), prompt) == 0;
}

/* NULL: an empty prompt. */
static void wait_for(const char *text)
{
    double deadline = now() + PATIENCE;
    while (!(text ? shows(text) : at_prompt())) take_output(deadline, text ? text : prompt);
}

static void press(const char *keys)
{
    session.since = screen_cursor();
    if (write(session.terminal, keys, strlen(keys)) < 0) fail("cannot write:", strerror(errno));
}

/* Its echo is not taken for what comes of it. */
static void type_word(const char *word)
{
    press(word);
    session.since--;
    wait_for(word);
}

static void enter_line(const char *line)
{
    type_word(line);
    press(enter);
}

static void run_line(const char *line)
{
    enter_line(line);
    wait_for(NULL);
}

/* ---- What is measured ---- */

/* From Ctrl-C to the prompt, when the code has shown that it runs: at another moment each time. */
static double time_interrupt(const char *code, const char *running)
{
    static long milliseconds;
    enter_line(code);
    wait_for(running);
    milliseconds = (milliseconds + 37) % 100;
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
    double began = now();
    press(ctrl_c);
    wait_for(NULL);
    return now() - began;
}

static void drop_line(void)
{
    press(ctrl_c);
    wait_for(NULL);
}

/* From Tab to what it makes of the word. */
static double time_completion(const char *word, const char *completed)
{
    type_word(word);
    double began = now();
    press(tab);
    session.since--;
    wait_for(completed);
    double seconds = now() - began;
    drop_line();
    return seconds;
}

/* From the second Tab to the end of the list. */
static double time_list(const char *word, const char *listed)
{
    type_word(word);
    press(tab);
    double began = now();
    press(tab);
    wait_for(listed);
    double seconds = now() - began;
    drop_line();
    return seconds;
}

typedef double measure(const char *typed, const char *sign);

static void report(const char *name, int times, measure *take, const char *typed, const char *sign)
{
    printf("%s", name);
    for (int i = 0; i < times; i++) printf(" %.6f", take(typed, sign));
    printf("\n");
    fflush(stdout);
}

static void measure_interrupts(int times)
{
    report("loop", times, time_interrupt, "print('go') while true do end", "go");
    run_line("digits, net = data.digits(), nn.net '64 - 30 - 10'");
    report("training", times, time_interrupt, "net:train(digits.train, {epochs = 1e6})", "cost");
    run_line("x = tensor.ones(4000, 4000);");
    report("product", times, time_interrupt, "print('go') while true do x:matmul(x) end", "go");
    run_line("x, big = nil, {} for i = 1, 1e6 do big['k' .. i] = {i} end");
    report("show", times, time_interrupt, "print('go') return big", "go");
    report("print", times, time_interrupt, "print('go') while true do print(next(big)) end", "go");
    run_line("big = nil collectgarbage()");
}

/* ---- Keys ---- */

/* A key each; the line is the same behind the last as before the first. */
static const char *const keys[] = {
    "w",    "=",      " ",      "n",      "n",      ".",      "n",      "e",    "t",
    " ",    "'",      "6",      "4",      " ",      "-",      " ",      "3",    "0",
    "'",    "\033[D", "\033[D", "\033[D", "\033[C", "\033[C", "\033[C", "\177", "\177",
    "\177", "\177",   "\177",   "\177",   "\177",   "\177",   "\177",   "\177", "\177",
    "\177", "\177",   "\177",   "\177",   "\177",   "\177",   "\177",   "\177", "\r",
    "\037", "\033[A", "\033[A", "\033[A", "\033[A", "\033[H", "(",      "x",    ")",
    "\177", "\177",   "\177",   "\033[F", "p",      "r",      "i",      "\177", "\177",
    "\177", "\033[B", "\033[B", "\033[B", "\033[B", "\033[H", "\033[F"};

enum { KEYS = sizeof keys / sizeof *keys, BLOCK_LINES = 40 };

static void paste_block(void)
{
    static const char *const lines[] = {
        "  for epoch = 1, epochs do -- over the set", "    local net = nn.net '64 - 30 relu - 10'",
        "    if epoch % 10 == 0 then print(epoch, 'x', {1, 2, 3}) end",
        "    total = total + tensor.ones(3):sum():item()", "  end"};
    press("\033[200~function many(epochs, total)");
    for (int i = 1; i < BLOCK_LINES; i++) {
        press("\r");
        press(lines[(i - 1) % 5]);
    }
    press("\033[201~");
    session.since = -1;
    wait_for("total = total +");
}

static void take_frame(long after)
{
    double deadline = now() + PATIENCE;
    while (screen_count()->ended <= after) take_output(deadline, "a frame");
}

/* Waits until all is shown that is going to be. */
static void come_to_rest(void)
{
    struct pollfd source = {session.terminal, POLLIN, 0};
    while (poll(&source, 1, 300) > 0) take_output(now() + PATIENCE, "output");
}

static int measure_keys(int times)
{
    run_line("for i = 1, 10000 do _G['many_' .. i] = i end");
    paste_block();
    come_to_rest();
    printf("keys");
    for (int i = 0; i < times; i++) {
        const char *key = keys[i % KEYS];
        long before = screen_count()->ended;
        double began = now();
        if (write(session.terminal, key, strlen(key)) < 0) fail("cannot write:", strerror(errno));
        take_frame(before);
        printf(" %.6f", now() - began);
    }
    printf("\n");
    kill(session.child, SIGKILL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "keys") == 0) {
        start(argv + 3);
        wait_for(NULL);
        return measure_keys(atoi(argv[2]));
    }
    if (argc < 3) {
        fprintf(stderr, "usage: prompt TIMES COMMAND [ARGUMENT...]\n");
        return 2;
    }
    int times = atoi(argv[1]);
    start(argv + 2);
    wait_for(NULL);
    measure_interrupts(times);
    run_line("for i = 1, 10000 do _G['many_' .. i] = i end");
    report("completion", times, time_completion, "man", "many_");
    report("list", times, time_list, "many_", "more");
    if (write(session.terminal, "\004", 1) < 0) fail("cannot write:", strerror(errno));
    waitpid(session.child, NULL, 0);
    return 0;
}
