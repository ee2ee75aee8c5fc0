/* A line from the keyboard. While it waits, the terminal sends no signals: Ctrl-C is a key like any
 * other, so that keys before and after it keep their order and none is lost. SIGINT from elsewhere,
 * like the other signals that concern the line, is blocked and read from a signalfd, before the
 * keyboard. */
#include "shell/screen/line.h"

#include "shell/screen/complete.h"
#include "shell/screen/keys.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

enum {
    CTRL_Z = 26,
    LISTED_MOST = 200 /* candidates; more are only counted */
};

/* Readline has one line at a time and gives its callbacks no argument. */
static struct {
    sh_shell *shell;
    const char *pending;
    int signals; /* the signalfd */
    pthread_t thread;
    bool done, dropped;
    sh_got got;
    bool empty;
    char *line;
    sh_completion completion;
} reading = {.signals = -1};

static const int heeded[] = {SIGWINCH, SIGTERM, SIGHUP, SIGCONT};

/* ---- What ends a line ---- */

static void finish(sh_got got, char *line)
{
    reading.done = true;
    reading.got = got;
    reading.line = line;
    /* The terminal is as it was from here on. */
    rl_callback_handler_remove();
}

static void on_line(char *line)
{
    if (reading.dropped) {
        free(line);
        finish(SH_GOT_DROP, NULL);
    } else {
        finish(line ? SH_GOT_LINE : SH_GOT_END, line);
    }
}

/* Shows the whole line with ^C behind it. */
static void show_drop(void)
{
    reading.empty = rl_end == 0;
    rl_point = rl_end;
    rl_redisplay();
    fputs("^C", rl_outstream);
}

/* The key: the line ends as Enter ends it, so that Readline knows where the cursor is; on_line
 * drops it. */
static int on_ctrl_c(int count, int key)
{
    show_drop();
    reading.dropped = true;
    return rl_newline(count, key);
}

/* SIGINT from elsewhere, while Readline is not at work. */
static void drop(void)
{
    rl_callback_sigcleanup();
    show_drop();
    fputs("\r\n", rl_outstream);
    fflush(rl_outstream);
    rl_free_line_state();
    finish(SH_GOT_DROP, NULL);
}

/* ---- The terminal ---- */

static void prepare_terminal(int meta)
{
    struct termios settings;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
    settings.c_lflag &= ~(tcflag_t)ISIG;
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
    prepare_terminal(1);
    rl_resize_terminal();
    rl_forced_update_display();
}

static int on_ctrl_z(int count, int key)
{
    (void)count;
    (void)key;
    rl_deprep_terminal();
    putc('\n', rl_outstream);
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

/* Dies of the signal, as it would have, but leaves the terminal in order. */
static void die(int signal_number)
{
    sigset_t set;
    rl_callback_handler_remove();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void take_signal(void)
{
    struct signalfd_siginfo info;
    if (read(reading.signals, &info, sizeof info) != sizeof info) return;
    switch (info.ssi_signo) {
    case SIGINT:
        drop();
        break;
    case SIGWINCH:
        rl_resize_terminal();
        break;
    case SIGCONT:
        resume();
        break;
    default:
        die((int)info.ssi_signo);
    }
}

/* ---- Completion ---- */

/* The input up to the cursor. */
static char *text_before_cursor(void)
{
    size_t before = strlen(reading.pending);
    char *text = malloc(before + (size_t)rl_point + 2);
    if (!text) return NULL;
    memcpy(text, reading.pending, before);
    memcpy(text + before, rl_line_buffer, (size_t)rl_point);
    text[before + (size_t)rl_point] = '\0';
    return text;
}

/* Called first at every Tab: finds the candidates, and says where the word under way may begin. */
static char *choose_word_breaks(void)
{
    static char code[] = " \t\n\"\\'`@$><=;|&{}()[].:,+-*/%^#~?!", string[] = "\"'[",
                item[] = "\"' \t\n-:*[|=", topic[] = " \t?", word[] = " \t";
    char *text = text_before_cursor();
    sh_completion_free(&reading.completion);
    if (!text) return code;
    sh_complete(reading.shell, text, &reading.completion);
    free(text);
    switch (reading.completion.wanted) {
    case SH_WANT_PATH:
    case SH_WANT_WORD:
        return string;
    case SH_WANT_ITEM:
        return item;
    case SH_WANT_TOPIC:
        return topic;
    case SH_WANT_COMMAND:
    case SH_WANT_FILE:
        return word;
    default:
        return code;
    }
}

static char *next_candidate(const char *prefix, int state)
{
    static size_t next;
    const sh_completion *c = &reading.completion;
    (void)prefix;
    if (state == 0) next = 0;
    if (next >= c->count) return NULL;
    const char *name = c->list[next++].name;
    char *copy = malloc(strlen(name) + strlen(c->suffix) + 1);
    if (!copy) return NULL;
    strcpy(copy, name);
    return c->count == 1 ? strcat(copy, c->suffix) : copy;
}

static char **find_matches(const char *prefix, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = '\0';
    bool file = reading.completion.wanted == SH_WANT_FILE;
    if (!file && reading.completion.wanted != SH_WANT_PATH)
        return rl_completion_matches(prefix, next_candidate);
    rl_filename_completion_desired = 1;
    if (!file && start > 0 && rl_line_buffer[start - 1] != '[')
        rl_completion_append_character = rl_line_buffer[start - 1];
    return rl_completion_matches(prefix, rl_filename_completion_function);
}

static const char *note_of(const char *name)
{
    const sh_completion *c = &reading.completion;
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].note && strcmp(c->list[i].name, name) == 0) return c->list[i].note;
    return NULL;
}

/* matches[0] is what they have in common; the rest are the candidates. */
static void list_matches(char **matches, int count, int longest)
{
    rl_crlf();
    if (reading.completion.list && reading.completion.list[0].note) {
        int columns = sh_terminal_columns() - longest - 5;
        for (int i = 1; i <= count; i++) {
            const char *note = note_of(matches[i]);
            fprintf(rl_outstream, "  %-*s  %.*s\n", longest, matches[i], columns > 0 ? columns : 0,
                    note ? note : "");
        }
    } else {
        rl_display_match_list(matches, count < LISTED_MOST ? count : LISTED_MOST, longest);
        if (count > LISTED_MOST) fprintf(rl_outstream, "and %d more\n", count - LISTED_MOST);
    }
    rl_forced_update_display();
}

/* ---- Setting up, reading ---- */

static void bind_keys(void)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        rl_bind_key_in_map(SH_CTRL_C, on_ctrl_c, maps[i]);
        rl_bind_key_in_map(CTRL_Z, on_ctrl_z, maps[i]);
        /* Up looks for what begins like the line; an arrow has two codes. */
        rl_bind_keyseq_in_map("\033[A", rl_history_search_backward, maps[i]);
        rl_bind_keyseq_in_map("\033OA", rl_history_search_backward, maps[i]);
        rl_bind_keyseq_in_map("\033[B", rl_history_search_forward, maps[i]);
        rl_bind_keyseq_in_map("\033OB", rl_history_search_forward, maps[i]);
    }
}

static void open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++) sigaddset(&set, heeded[i]);
    reading.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Keys are bound before Readline reads the user's inputrc, so that he has the last word. */
void sh_line_open(sh_shell *shell)
{
    reading.shell = shell;
    if (!shell->terminal.input) return;
    open_signals();
    rl_readline_name = SH_PROGRAM;
    rl_instream = stdin;
    rl_outstream = shell->terminal.output ? stdout : stderr;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = sh_next_key;
    rl_prep_term_function = prepare_terminal;
    rl_deprep_term_function = release_terminal;
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_variable_bind("page-completions", "off");
    bind_keys();
    rl_completion_word_break_hook = choose_word_breaks;
    rl_completer_quote_characters = "";
    rl_attempted_completion_function = find_matches;
    rl_completion_display_matches_hook = list_matches;
}

/* On a thread of some library, which does not block them: to where they are read. */
static void pass_on(int signal_number)
{
    pthread_kill(reading.thread, signal_number);
}

/* The signals that concern a line, but for SIGINT: that one stays blocked (interrupt.h). */
static void heed_signals(bool on)
{
    static struct sigaction before[sizeof heeded / sizeof *heeded];
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++) sigaddset(&set, heeded[i]);
    if (on) pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++) {
        if (on)
            sigaction(heeded[i], &action, &before[i]);
        else
            sigaction(heeded[i], &before[i], NULL);
    }
    if (!on) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void wait_for_key(void)
{
    struct pollfd source[] = {{reading.signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(source, 2, sh_keys_wait() ? 0 : -1) < 0) return;
    if (source[0].revents)
        take_signal();
    else if (source[1].revents || sh_keys_wait())
        rl_callback_read_char();
}

static sh_got read_plain(char **line)
{
    size_t room = 0;
    *line = NULL;
    ssize_t length = getline(line, &room, stdin);
    if (length < 0) {
        free(*line);
        *line = NULL;
        return SH_GOT_END;
    }
    if (length > 0 && (*line)[length - 1] == '\n') (*line)[length - 1] = '\0';
    return SH_GOT_LINE;
}

sh_got sh_line_read(const char *prompt, const char *pending, char **line, bool *empty)
{
    *empty = false;
    if (!reading.shell->terminal.input) return read_plain(line);
    reading.pending = pending;
    reading.done = reading.dropped = false;
    reading.thread = pthread_self();
    heed_signals(true);
    rl_callback_handler_install(prompt, on_line);
    while (!reading.done) wait_for_key();
    heed_signals(false);
    sh_completion_free(&reading.completion);
    *line = reading.line;
    *empty = reading.empty;
    reading.empty = false;
    return reading.got;
}
