/* Keys that were typed ahead of the line that they are for. */
#define _GNU_SOURCE /* memmem */

#include "shell/line/keys.h"

#include "shell/line/answers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <readline/readline.h>

enum {
    KEYS_AT_ONCE = 4096, /* that is how many a terminal keeps */
    LOOKS_MOST = 8
};

/* Keys that were typed before the code that has run meanwhile, and those that were given back. */
static struct {
    char *key;
    size_t next, count, room;
    bool behind; /* they were typed behind a Ctrl-C that is still to be seen to */
} early;

bool sh_keys_wait(void)
{
    return early.next < early.count;
}

bool sh_keys_come(void)
{
    struct pollfd source = {STDIN_FILENO, POLLIN, 0};
    return sh_keys_wait() || (poll(&source, 1, 0) > 0 && (source.revents & POLLIN));
}

ssize_t sh_keys_read(char *to, size_t most)
{
    size_t waiting = early.count - early.next;
    if (waiting == 0) {
        ssize_t length = read(STDIN_FILENO, to, most);
        bool later = length < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
        return length >= 0 ? length : later ? -1 : 0;
    }
    if (waiting > most) waiting = most;
    memcpy(to, early.key + early.next, waiting);
    early.next += waiting;
    return (ssize_t)waiting;
}

/* Makes room for more keys behind those that wait; false where there is none. */
static bool make_room(size_t more)
{
    if (early.next == early.count) early.next = early.count = 0;
    if (early.room - early.count >= more) return true;
    size_t room = 2 * early.room + more;
    char *wider = realloc(early.key, room);
    if (!wider) return false;
    early.key = wider;
    early.room = room;
    return true;
}

void sh_keys_give_back(const char *bytes, size_t count)
{
    if (count == 0 || !make_room(count)) return;
    size_t waiting = early.count - early.next;
    memmove(early.key + count, early.key + early.next, waiting);
    memcpy(early.key, bytes, count);
    early.next = 0;
    early.count = waiting + count;
}

size_t sh_keys_look(size_t most, int milliseconds, const char **bytes)
{
    struct pollfd source = {STDIN_FILENO, POLLIN, 0};
    while (early.count - early.next < most && make_room(most) &&
           poll(&source, 1, milliseconds) > 0) {
        size_t missing = most - (early.count - early.next);
        ssize_t count = read(STDIN_FILENO, early.key + early.count, missing);
        if (count <= 0) break;
        early.count += (size_t)count;
    }
    *bytes = early.key + early.next;
    size_t waiting = early.count - early.next;
    return waiting < most ? waiting : most;
}

void sh_keys_skip(size_t count)
{
    early.next += count;
}

bool sh_keys_follow(const char *text)
{
    const char *bytes;
    size_t length = strlen(text);
    if (sh_keys_look(length, 0, &bytes) < length || memcmp(bytes, text, length) != 0) return false;
    sh_keys_skip(length);
    return true;
}

/* Takes the keys that wait on the terminal. */
static void take_early(void)
{
    struct pollfd source = {STDIN_FILENO, POLLIN, 0};
    while (make_room(KEYS_AT_ONCE) && poll(&source, 1, 0) > 0 && (source.revents & POLLIN)) {
        ssize_t length = read(STDIN_FILENO, early.key + early.count, KEYS_AT_ONCE);
        if (length <= 0) break;
        early.count += (size_t)length;
    }
}

static bool is_enter(char key)
{
    return key == '\r' || key == '\n';
}

/* How many bytes belong together here: a paste, in which nothing is a key, or one. Of a paste that
 * has not ended it is the mark; `open` tells. */
static size_t unit_at(size_t at, bool *open)
{
    const size_t mark = sizeof SH_PASTE_BEGINS - 1;
    const char *from = early.key + at;
    size_t left = early.count - at;
    if (left < mark || memcmp(from, SH_PASTE_BEGINS, mark) != 0) return 1;
    const char *end = memmem(from, left, SH_PASTE_ENDS, mark);
    *open = !end;
    return end ? (size_t)(end - from) + mark : mark;
}

/* Takes out the terminal's answers (answers.h), but not out of pastes. */
static void take_answers(void)
{
    size_t kept = early.next, length;
    bool open = false;
    for (size_t i = early.next; i < early.count; i += length) {
        bool begun;
        length = unit_at(i, &open);
        size_t answer = open ? 0 : sh_answer_length(early.key + i, early.count - i, &begun);
        if (answer) {
            sh_answer_heed(early.key + i, answer);
            length = answer;
            continue;
        }
        memmove(early.key + kept, early.key + i, length);
        kept += length;
    }
    early.count = kept;
}

void sh_keys_settle(void)
{
    struct pollfd source = {STDIN_FILENO, POLLIN, 0};
    for (int left; (left = sh_answers_due()) > 0 && poll(&source, 1, left) > 0;) {
        size_t before = early.count - early.next;
        take_early();
        if (early.count - early.next == before) return;
        take_answers();
    }
}

/* Drops the line that Enter has not ended. A paste of which more is to come stays, without whose
 * beginning the rest would be keys; behind it stands the Ctrl-C then, as if it was typed there. */
static void drop_last_line(void)
{
    size_t line = early.next, length;
    bool open = false;
    for (size_t i = early.next; i < early.count && !open; i += length) {
        length = unit_at(i, &open);
        if (length == 1 && is_enter(early.key[i])) line = i + 1;
    }
    if (!open)
        early.count = line;
    else if (make_room(1))
        early.key[early.count++] = SH_CTRL_C;
}

/* Takes out every Ctrl-C with the keys of the line that it drops; true: there was one. */
static bool take_ctrl_c(void)
{
    size_t kept = early.next, line = kept, length;
    bool found = false, open = false;
    for (size_t i = early.next; i < early.count; i += length) {
        char key = early.key[i];
        length = unit_at(i, &open);
        if (length == 1 && key == SH_CTRL_C) {
            found = true;
            open = false;
            kept = line;
            continue;
        }
        memmove(early.key + kept, early.key + i, length);
        kept += length;
        if (length == 1 && !open && is_enter(key)) line = kept;
    }
    early.count = kept;
    return found;
}

static bool is_on_its_way(void)
{
    sigset_t set;
    return sigpending(&set) == 0 && sigismember(&set, SIGINT) == 1;
}

/* Takes the keys that wait, while Ctrl-C is one of them. One that comes between two looks and the
 * setting back would be no signal: what waits then is taken too. */
static void take_all(const struct termios *usual)
{
    struct termios settings = *usual;
    int waiting = 1;
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    for (int looks = 0; waiting > 0 && looks < LOOKS_MOST; looks++) {
        tcsetattr(STDIN_FILENO, TCSANOW, &settings);
        take_early();
        tcsetattr(STDIN_FILENO, TCSANOW, usual);
        if (ioctl(STDIN_FILENO, FIONREAD, &waiting) != 0) break;
    }
}

void sh_keys_take(const sh_terminal *terminal)
{
    struct termios usual;
    if (!terminal->input || tcgetattr(STDIN_FILENO, &usual) != 0) return;
    /* What the terminal still has then was typed behind it. */
    bool on_its_way = is_on_its_way();
    if (on_its_way) drop_last_line();
    take_all(&usual);
    take_answers();
    bool found = take_ctrl_c();
    early.behind = on_its_way || found;
    if (found) raise(SIGINT);
}

void sh_keys_drop(void)
{
    /* Readline has the keys of a macro that is carried out, which may end lines. */
    if (rl_executing_macro) memset(rl_executing_macro, 0, strlen(rl_executing_macro));
    /* A Ctrl-C among them is the same, or came later: what stands behind it stays. */
    if (!early.behind && !take_ctrl_c()) drop_last_line();
    early.behind = false;
}
