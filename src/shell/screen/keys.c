/* Keys that were typed ahead of the line that they are for. */
#include "shell/screen/keys.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <readline/readline.h>

enum { KEYS_AT_ONCE = 4096 /* that is how many a terminal keeps */ };

/* Keys that were typed before the code that has run meanwhile. */
static struct {
    char *key;
    size_t next, count, room;
} early;

bool sh_keys_wait(void)
{
    return early.next < early.count;
}

/* Readline asks whether a key waits, as in the middle of an escape sequence, by looking at the
 * terminal alone. */
static int answer_early(void)
{
    return 1;
}

int sh_next_key(FILE *from)
{
    if (!sh_keys_wait()) return rl_getc(from);
    unsigned char key = (unsigned char)early.key[early.next++];
    if (!sh_keys_wait()) rl_input_available_hook = NULL;
    return key;
}

/* Makes room for more keys; false where there is none. */
static bool make_room(void)
{
    if (early.next == early.count) early.next = early.count = 0;
    if (early.room - early.count >= KEYS_AT_ONCE) return true;
    size_t room = 2 * early.room + KEYS_AT_ONCE;
    char *wider = realloc(early.key, room);
    if (!wider) return false;
    early.key = wider;
    early.room = room;
    return true;
}

/* Takes the keys that wait on the terminal. */
static void take_early(void)
{
    struct pollfd source = {STDIN_FILENO, POLLIN, 0};
    while (make_room() && poll(&source, 1, 0) > 0 && (source.revents & POLLIN)) {
        ssize_t length = read(STDIN_FILENO, early.key + early.count, KEYS_AT_ONCE);
        if (length <= 0) break;
        early.count += (size_t)length;
    }
    if (sh_keys_wait()) rl_input_available_hook = answer_early;
}

/* Takes the last Ctrl-C out, with those before it and the keys of the line that it drops; false:
 * there is none. */
static bool take_ctrl_c(void)
{
    size_t kept = early.next;
    bool found = false;
    for (size_t i = early.next; i < early.count; i++) {
        char key = early.key[i];
        if (key == SH_CTRL_C) {
            found = true;
            while (kept > early.next && !strchr("\r\n", early.key[kept - 1])) kept--;
        } else {
            early.key[kept++] = key;
        }
    }
    early.count = kept;
    if (!sh_keys_wait()) rl_input_available_hook = NULL;
    return found;
}

void sh_keys_take(const sh_terminal *terminal)
{
    struct termios usual, settings;
    if (!terminal->input || tcgetattr(STDIN_FILENO, &usual) != 0) return;
    settings = usual;
    /* Every key can be read, and none vanishes when a Ctrl-C becomes a signal. */
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    settings.c_lflag |= ISIG | NOFLSH;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
    take_early();
    tcsetattr(STDIN_FILENO, TCSANOW, &usual);
    if (take_ctrl_c()) raise(SIGINT);
}
