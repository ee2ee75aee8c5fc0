/* The terminal while a line is read. */
#include "shell/line/tty.h"

#include "shell/line/display/draw.h"
#include "shell/line/keys.h"
#include "shell/line/window.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <readline/readline.h>

enum {
    CTRL_Z = 26,
    /* In less Readline counts the prompt's lines wrong and writes beside its buffers. */
    ROWS_LEAST = 4,
    COLUMNS_LEAST = 8,
    USUAL_ROWS = 24, /* where nobody knows */
    USUAL_COLUMNS = 80
};

static int signals = -1; /* the signalfd */
static pthread_t reader;

static const int heeded[] = {SIGWINCH, SIGTERM, SIGHUP, SIGCONT};

enum { HEEDED = sizeof heeded / sizeof *heeded };

/* ---- The terminal ---- */

/* Tells the display and Readline the window's size, but Readline no less than it can draw in. It
 * must not ask for itself: the window may change between two looks. */
static void look_at_window(void)
{
    int rows, columns;
    if (!sh_window_size(&rows, &columns)) return;
    if (rows == 0) rows = USUAL_ROWS;
    if (columns == 0) columns = USUAL_COLUMNS;
    sh_draw_window(rows, columns);
    rl_set_screen_size(rows < ROWS_LEAST ? ROWS_LEAST : rows,
                       columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns);
}

static void resize(void)
{
    look_at_window();
    sh_draw_anew();
}

/* Ctrl-C, Ctrl-S and Ctrl-Q are keys. */
static void prepare_terminal(int meta)
{
    struct termios settings;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
    settings.c_lflag &= ~(tcflag_t)ISIG;
    settings.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

/* At the end of input Readline would start a new line here, but only with bracketed pastes on, and
 * again at every line from then on; the prompt does it itself. */
static void release_terminal(void)
{
    rl_eof_found = 0;
    rl_deprep_terminal();
}

/* Back from the background, where the terminal was somebody else's. */
static void resume(void)
{
    rl_deprep_terminal();
    rl_prep_term_function(1);
    look_at_window();
    sh_draw_again();
}

static int on_ctrl_z(int count, int key)
{
    (void)count;
    (void)key;
    sh_draw_below();
    rl_deprep_terminal();
    fflush(rl_outstream);
    kill(0, SIGTSTP);
    resume();
    /* Where there was a shell to come back from, it has sent this too. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 0});
    return 0;
}

/* ---- Signals ---- */

static void open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    for (size_t i = 0; i < HEEDED; i++) sigaddset(&set, heeded[i]);
    signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* On a thread of some library, which does not block them: to where they are read. */
static void pass_on(int signal_number)
{
    pthread_kill(reader, signal_number);
}

/* The signals that concern a line, but for SIGINT: that one stays blocked (interrupt.h). */
static void heed_signals(bool on)
{
    static struct sigaction before[HEEDED];
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < HEEDED; i++) sigaddset(&set, heeded[i]);
    if (on) pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < HEEDED; i++) {
        if (on)
            sigaction(heeded[i], &action, &before[i]);
        else
            sigaction(heeded[i], &before[i], NULL);
    }
    if (!on) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Dies of the signal, as it would have, but leaves the terminal in order. */
static void die(int signal_number)
{
    sigset_t set;
    sh_draw_below();
    release_terminal();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Sees to one signal; true: it was SIGINT. */
static bool take_signal(void)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != sizeof info) return false;
    switch (info.ssi_signo) {
    case SIGINT:
        return true;
    case SIGWINCH:
        resize();
        break;
    case SIGCONT:
        resume();
        break;
    default:
        die((int)info.ssi_signo);
    }
    return false;
}

sh_waited sh_tty_wait(int milliseconds)
{
    struct pollfd source[] = {{signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    for (;;) {
        if (!sh_keys_wait() && poll(source, 2, 0) == 0) sh_draw_now();
        int ready = poll(source, 2, sh_keys_wait() ? 0 : milliseconds);
        if (ready > 0 && source[0].revents) {
            if (take_signal()) return SH_WAITED_CTRL_C;
        } else if (ready > 0 || sh_keys_wait()) {
            return SH_WAITED_KEY;
        } else if (ready == 0) {
            return SH_WAITED_LONG;
        }
    }
}

static void bind_ctrl_z(void)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        rl_bind_key_in_map(CTRL_Z, on_ctrl_z, maps[i]);
}

void sh_tty_open(void)
{
    open_signals();
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = prepare_terminal;
    rl_deprep_term_function = release_terminal;
    bind_ctrl_z();
}

void sh_tty_begin(void)
{
    reader = pthread_self();
    heed_signals(true);
    look_at_window();
}

void sh_tty_end(void)
{
    heed_signals(false);
}
