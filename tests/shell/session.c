/* A program in a pseudo terminal. */
#define _GNU_SOURCE

#include "session.h"

#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
    ARGUMENTS_MOST = 16,
    PATIENCE = 30, /* seconds */
    PATIENCE_SLOW = 600,
    LEAVING = 10,
    RESTING = 2, /* seconds, until a program that is at no prompt is left alone */
    ABOUT_BYTES = 256,
    RECENT_BYTES = 600, /* that are shown where a test fails */
    AT_ONCE = 256,      /* bytes that are written */
    CALM = 3,           /* looks: what is written is not at once where it is counted */
    CALM_LONG = 8
};

#define GLANCE 0.002 /* seconds */

struct session session;

static struct {
    unsigned char byte[RECENT_BYTES];
    size_t taken; /* since it began */
} recent;

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

double session_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void reap(void)
{
    int status;
    close(session.pty);
    waitpid(session.pid, &status, 0);
    session.pid = 0;
    session.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whatever the screen makes of it. */
static void look_for(unsigned char byte)
{
    size_t length = strlen(session.awaited);
    if (length == 0) return;
    memmove(session.last, session.last + 1, sizeof session.last - 1);
    session.last[sizeof session.last - 1] = (char)byte;
    if (memcmp(session.last + sizeof session.last - length, session.awaited, length) == 0)
        session.awaited[0] = '\0';
}

void session_await(const char *text)
{
    memset(session.last, 0, sizeof session.last);
    snprintf(session.awaited, sizeof session.awaited, "%s", text);
}

bool session_has_come(const char *text)
{
    (void)text;
    return !session.awaited[0];
}

/* Takes what the program has written, waiting for it until the deadline; false: that is over. */
bool session_take(double deadline)
{
    unsigned char bytes[4096];
    double left = deadline - session_now();
    struct pollfd source = {session.pty, POLLIN, 0};
    if (session.pid == 0 || !(left > 0) || poll(&source, 1, (int)(left * 1000) + 1) <= 0)
        return false;
    ssize_t length = read(session.pty, bytes, sizeof bytes);
    for (ssize_t i = 0; i < length; i++) {
        recent.byte[recent.taken++ % RECENT_BYTES] = bytes[i];
        screen_take(bytes[i]);
        look_for(bytes[i]);
    }
    if (length <= 0) reap();
    return true;
}

/* Ends the program as a person would, so that it also writes what it keeps until its end; one that
 * does not leave in that time is killed. */
static void end_program(void)
{
    double end = session_now() + LEAVING;
    while (session.pid > 0 && session_now() < end) {
        double next = session_now() + 1;
        if (write(session.pty, "\003\004", 2) < 0) break;
        while (session_take(next)) continue;
    }
    if (session.pid > 0 && kill(session.pid, SIGKILL) == 0) reap();
}

void session_leave(int status)
{
    end_program();
    nftw(session.home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    exit(status);
}

/* What the program knows of the window, what the screen does, and the bytes that came last. */
static void show_terminal(void)
{
    struct winsize size;
    if (session.pid > 0 && ioctl(session.pty, TIOCGWINSZ, &size) == 0)
        printf("  the terminal has %d rows of %d columns\n", size.ws_row, size.ws_col);
    printf("  the screen has %ld rows of %d columns\n  it took ",
           screen_last() - screen_first() + 1, screen_columns());
    for (size_t i = recent.taken < RECENT_BYTES ? 0 : recent.taken - RECENT_BYTES; i < recent.taken;
         i++) {
        unsigned char byte = recent.byte[i % RECENT_BYTES];
        printf(byte < ' ' || byte == '\\' || byte > '~' ? "\\x%02x" : "%c", byte);
    }
    printf("\n");
}

void session_fail(const char *what, const char *wanted)
{
    long from = screen_first() < 20 ? 0 : screen_first() - 20;
    session.say_where();
    printf("%s %s\n", what, wanted);
    for (long i = from; i < screen_last() + 1; i++)
        if (i <= screen_cursor() || *screen_text(i)) printf("  | %s\n", screen_text(i));
    show_terminal();
    if (session.pid == 0) printf("  the program has ended, status %d\n", session.status);
    session_leave(1);
}

static void set_environment(void)
{
    static const char *const taken[] = {
        "LUA_INIT", "LUA_INIT_5_4", "LUA_PATH", "LUA_PATH_5_4", "LUA_CPATH",     "LUA_CPATH_5_4",
        "LINES",    "COLUMNS",      "TMUX",     "STY",          "XTERM_VERSION", NULL};
    static const char *const given[][2] = {{"INPUTRC", "/dev/null"}, {"TERM", "xterm"},
                                           {"LANG", "C.UTF-8"},      {"LC_ALL", "C.UTF-8"},
                                           {"NO_COLOR", "1"},        {"PAGER", "cat"}};
    static const char *const places[][2] = {{"HOME", ""},
                                            {"XDG_STATE_HOME", "/state"},
                                            {"XDG_CONFIG_HOME", "/config"},
                                            {"XDG_DATA_HOME", "/data"},
                                            {"XDG_CACHE_HOME", "/cache"}};
    for (int i = 0; taken[i]; i++) unsetenv(taken[i]);
    setenv("NABLA", session.program, 1);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) setenv(given[i][0], given[i][1], 1);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[sizeof session.home + 16];
        snprintf(path, sizeof path, "%s%s", session.home, places[i][1]);
        setenv(places[i][0], path, 1);
    }
}

/* A Ctrl-S while code runs would stop the program, as it should. */
static void without_flow_control(void)
{
    struct termios settings;
    if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
    settings.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

/* The window is the terminal's: who sets its size ends by SIGSYS. It could be one that was read
 * before the window became another, which would not be seen but by luck. Where the kernel has no
 * such filters nothing is forbidden. */
static void forbid_windows(void)
{
    enum { LOW_HALF = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSWINSZ, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {sizeof steps / sizeof *steps, steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

void session_start(char *arguments)
{
    char *argv[ARGUMENTS_MOST + 2] = {session.program};
    int argc = 1;
    for (char *word = strtok(arguments, " "); word && argc <= ARGUMENTS_MOST;
         word = strtok(NULL, " "))
        argv[argc++] = word;
    screen_clear();
    struct winsize size = {.ws_row = SCREEN_ROWS, .ws_col = SCREEN_COLUMNS};
    session.since = -1;
    session.pid = forkpty(&session.pty, NULL, NULL, &size);
    if (session.pid < 0) session_fail("there is no pseudo terminal:", strerror(errno));
    if (session.pid > 0) return;
    without_flow_control();
    forbid_windows();
    if (chdir(session.home) == 0) execv(session.program, argv);
    _exit(127);
}

double session_patience(void)
{
    const char *sanitized = getenv("NABLA_SANITIZED");
    return sanitized && strcmp(sanitized, "yes") == 0 ? PATIENCE_SLOW : PATIENCE;
}

void session_wait(condition *holds, const char *text, const char *what)
{
    double deadline = session_now() + session_patience();
    while (!holds(text))
        if (!session_take(deadline)) session_fail(what, text);
}

/* A program that is busy reads nothing: its output is taken meanwhile. */
void session_write(const char *bytes, size_t length)
{
    double deadline = session_now() + session_patience();
    while (length > 0) {
        if (session.pid == 0) session_fail("the program has ended before", "this step");
        struct pollfd way = {session.pty, POLLOUT | POLLIN, 0};
        if (!(session_now() < deadline) || poll(&way, 1, 1000) < 0)
            session_fail("the program takes no keys", "");
        if (way.revents & POLLIN)
            session_take(deadline);
        else if (way.revents & POLLHUP)
            reap();
        if (!(way.revents & POLLOUT)) continue;
        ssize_t written = write(session.pty, bytes, length < AT_ONCE ? length : AT_ONCE);
        if (written < 0) session_fail("cannot write:", strerror(errno));
        bytes += written;
        length -= (size_t)written;
    }
}

void session_open(void (*say_where)(void))
{
    const char *program = getenv("NABLA"), *temporary = getenv("TMPDIR");
    session.say_where = say_where;
    screen_clear();
    snprintf(session.home, sizeof session.home, "%s/nabla-XXXXXX", temporary ? temporary : "/tmp");
    if (!realpath(program ? program : "./nabla", session.program) || !mkdtemp(session.home)) {
        perror("no program, or no home for it");
        exit(2);
    }
    set_environment();
}

void session_resize(int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    struct winsize is = {.ws_row = 0};
    screen_resize(rows, columns);
    if (ioctl(session.pty, TIOCSWINSZ, &size) != 0 || ioctl(session.pty, TIOCGWINSZ, &is) != 0 ||
        is.ws_row != size.ws_row || is.ws_col != size.ws_col)
        session_fail("the window does not get another size", strerror(errno));
}

/* The terminal keeps none any more. */
static bool keys_are_taken(void)
{
    int waiting = 0;
    if (session.pid == 0) return true;
    int terminal = open(ptsname(session.pty), O_RDONLY | O_NOCTTY | O_CLOEXEC);
    bool known = terminal >= 0 && ioctl(terminal, FIONREAD, &waiting) == 0;
    if (terminal >= 0) close(terminal);
    return !known || waiting == 0;
}

void session_settle(void)
{
    double deadline = session_now() + session_patience();
    for (int calm = 0; calm < CALM; calm = keys_are_taken() ? calm + 1 : 0) {
        session_take(session_now() + GLANCE);
        if (!(session_now() < deadline)) session_fail("the program reads no keys", "");
    }
}

/* The first line of what the kernel knows of the program; "" where it does not say. */
static void read_about(const char *what, char line[ABOUT_BYTES])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)session.pid, what);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, ABOUT_BYTES, file)) line[0] = '\0';
    if (file) fclose(file);
}

/* It waits for a key, and not only for a while, as behind an Esc, until it takes that for a key. */
static bool program_sleeps(void)
{
    char about[ABOUT_BYTES];
    read_about("syscall", about);
    return strstr(about, " 0xffffffff ");
}

long session_bytes_read(void)
{
    char about[ABOUT_BYTES];
    long count;
    read_about("io", about);
    return sscanf(about, "rchar: %ld", &count) == 1 ? count : -1;
}

bool session_rest(void)
{
    double end = session_now() + RESTING;
    int calm = 0;
    session_settle();
    while (calm < CALM_LONG && session.pid > 0 && session_now() < end) {
        bool took = session_take(session_now() + GLANCE);
        calm = !took && program_sleeps() && keys_are_taken() ? calm + 1 : 0;
    }
    return session.pid > 0 && calm == CALM_LONG;
}

bool session_has_ended(const char *unused)
{
    (void)unused;
    return session.pid == 0;
}

/* At the prompt alone a carriage return stays what it is. */
bool session_reads_keys(const char *unused)
{
    /* Until ISIG goes, a Ctrl-C is a signal, and nobody knows whether it comes before the keys. */
    struct termios settings;
    (void)unused;
    session_take(session_now() + GLANCE);
    return session.pid == 0 || (tcgetattr(session.pty, &settings) == 0 &&
                                !(settings.c_iflag & ICRNL) && !(settings.c_lflag & ISIG));
}

void session_hang_up(void)
{
    double deadline = session_now() + session_patience();
    int status;
    pid_t ended = 0;
    close(session.pty);
    session.pty = -1;
    while (ended == 0 && session_now() < deadline) {
        ended = waitpid(session.pid, &status, WNOHANG);
        if (ended == 0) poll(NULL, 0, (int)(GLANCE * 1000));
    }
    if (ended != session.pid) {
        kill(session.pid, SIGKILL);
        waitpid(session.pid, &status, 0);
    }
    session.pid = 0;
    session.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
