/* What Readline reads with. */
#include "shell/line/input.h"

#include "shell/line/answers.h"
#include "shell/line/character.h"
#include "shell/line/display/draw.h"
#include "shell/line/edit/vi.h"
#include "shell/line/keys.h"
#include "shell/line/paste.h"
#include "shell/line/tty.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

enum {
    CTRL_G = 7,
    ABORTS_MOST = 8, /* what Readline is at may lie in one another; it is never so deep */
    /* Bytes of a line with what is pasted: Readline is slow with more, and may not run out of
     * memory. */
    LINE_MOST = 4 << 20,
    SEARCH_MOST = 4096 /* bytes that are pasted into a search */
};

#define ESCAPE '\033'

/* Readline gives the function that reads no argument. */
static struct {
    bool ended;             /* the input */
    sh_character character; /* that comes, or is given */
    size_t given;           /* of its bytes */
    /* What is to be given where Readline takes commands, Ctrl-C or a paste's mark, and how often it
     * may still be aborted before. */
    const char *command;
    int aborts;
    /* What goes before anything else. */
    const char *owed;
    char *pasted; /* into a search, or NULL; from `searched` on it is still to be given */
    const char *searched;
    /* A paste that one of Readline's own functions reads goes on until its end is seen, whatever
     * is typed. How many bytes of its beginning or end were given; whether it may have begun. */
    size_t seen;
    bool pasting;
    bool judged; /* what comes next is a key, and no answer of the terminal's */
} input;

/* Twice: a byte may yet belong to the mark that begins the paste. What is too much does no harm to
 * a line that is dropped. */
static const char closing[] = SH_PASTE_ENDS SH_PASTE_ENDS;
static const char ctrl_c[] = {SH_CTRL_C, '\0'};

/* ---- What brings Readline back ---- */

static void forget_character(void)
{
    input.character = (sh_character){.length = 0};
    input.given = 0;
}

static void forget_pasted(void)
{
    free(input.pasted);
    input.pasted = NULL;
}

static void ask_for(const char *command)
{
    input.command = command;
    input.aborts = ABORTS_MOST;
    if (input.pasting) input.owed = closing;
}

static void drop(void)
{
    forget_pasted();
    forget_character();
    ask_for(ctrl_c);
}

/* Keys that were typed ahead came before it. */
static void drop_by_signal(void)
{
    input.judged = false;
    sh_keys_drop();
    drop();
}

static void end(void)
{
    input.ended = true;
    if (input.pasting) input.owed = closing;
}

/* What is left of a paste's end is for whoever asked for the paste. */
static void heed_end(sh_paste_end how)
{
    if (how == SH_PASTE_CTRL_C) drop();
    if (how == SH_PASTE_OVER) end();
}

/* ---- Keys ---- */

/* Follows what Readline is given, so that it is known when a paste begins and ends. Some of its
 * functions do not look at the last byte of the mark that begins one. */
static int give(int key)
{
    const char *wanted = input.pasting ? SH_PASTE_ENDS : SH_PASTE_BEGINS;
    size_t length = strlen(wanted) - !input.pasting;
    if (key != wanted[input.seen]) input.seen = 0;
    if (key == wanted[input.seen]) input.seen++;
    if (input.seen == length) {
        input.pasting = !input.pasting;
        input.seen = 0;
    }
    return key;
}

/* Is Readline where it takes a command, or where it looks whether more letters follow one that it
 * has inserted, and what is no letter becomes the next command? */
static bool takes_command(void)
{
    if (RL_ISSTATE(RL_STATE_READCMD)) return true;
    return RL_ISSTATE(RL_STATE_DISPATCHING) && !RL_ISSTATE(RL_STATE_MOREINPUT) &&
           rl_executing_keymap && rl_executing_key < KEYMAP_SIZE &&
           rl_executing_keymap[rl_executing_key].function == rl_insert;
}

static int give_command(void)
{
    if (!takes_command() && input.aborts-- > 0) return CTRL_G;
    input.owed = input.command;
    input.command = NULL;
    return give(*input.owed++);
}

/* What is pasted into a search is looked for: its first line. */
static void paste_into_search(void)
{
    forget_pasted();
    heed_end(sh_paste_read(SEARCH_MOST, &input.pasted));
    if (!input.pasted) return;
    input.pasted[strcspn(input.pasted, "\n")] = '\0';
    for (char *c = input.pasted; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = ' ';
    input.searched = input.pasted;
}

static bool is_searching(void)
{
    return !RL_ISSTATE(RL_STATE_READCMD) && RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH);
}

/* Takes an answer of the terminal's that comes next. Bytes wait while they may become one, and no
 * longer than a terminal needs for its next byte: they are keys then. False: a key comes next. */
static bool take_answer(void)
{
    bool open = !input.judged && !input.pasting;
    const char *bytes;
    size_t count = open ? sh_keys_look(1, 0, &bytes) : 0;
    while (open && count > 0) {
        size_t length = sh_answer_length(bytes, count, &open);
        if (length > 0) {
            sh_answer_heed(bytes, length);
            sh_keys_skip(length);
            return true;
        }
        size_t more = open ? sh_keys_look(count + 1, sh_answer_patience(count), &bytes) : count;
        open = more > count;
        count = more;
    }
    input.judged = count > 0;
    return false;
}

/* Waits for a key, as sh_tty_wait does. */
static sh_waited wait_for_key(int milliseconds)
{
    sh_waited waited;
    do waited = sh_tty_wait(milliseconds);
    while (waited == SH_WAITED_KEY && take_answer());
    return waited;
}

/* A byte of the keyboard's. Only commands expect a NUL. */
static void take_byte(char byte)
{
    bool pastes = byte == ESCAPE && !input.pasting && sh_keys_follow(&SH_PASTE_BEGINS[1]);
    if (pastes && is_searching())
        paste_into_search();
    else if (pastes)
        ask_for(SH_PASTE_BEGINS);
    else if (byte == SH_CTRL_C)
        drop();
    else if (byte || RL_ISSTATE(RL_STATE_READCMD))
        sh_character_add(&input.character, byte);
}

static void read_byte(void)
{
    char byte;
    sh_answers_ask(rl_outstream);
    if (wait_for_key(-1) == SH_WAITED_CTRL_C) {
        drop_by_signal();
        return;
    }
    input.judged = false;
    ssize_t count = sh_keys_read(&byte, 1);
    if (count == 0) end();
    bool enter = count > 0 && (byte == '\r' || byte == '\n');
    if (enter && RL_ISSTATE(RL_STATE_READCMD)) sh_keys_settle();
    if (count > 0) take_byte(byte);
}

/* The next byte of what was pasted into a search that still goes on. */
static void take_pasted(void)
{
    if (is_searching() && *input.searched) {
        sh_character_add(&input.character, *input.searched++);
    } else {
        forget_pasted();
        forget_character();
    }
}

static int next_byte(void)
{
    unsigned char byte = (unsigned char)input.character.byte[input.given++];
    if (input.given == input.character.length) forget_character();
    return give(byte);
}

static int next_key(FILE *unused)
{
    (void)unused;
    if (RL_ISSTATE(RL_STATE_READCMD)) {
        input.pasting = false;
        input.seen = 0;
        input.owed = NULL;
        sh_vi_begin();
    }
    for (;;) {
        if (input.character.whole) return next_byte();
        if (input.owed && *input.owed) return give(*input.owed++);
        if (input.command) return give_command();
        if (input.ended) return RL_ISSTATE(RL_STATE_READCMD) ? READERR : EOF;
        if (input.pasted)
            take_pasted();
        else
            read_byte();
    }
}

/* Readline asks whether a key waits, as behind an Esc, for as long as it has set. */
static int key_waits(void)
{
    bool owes = input.owed && *input.owed;
    if (input.character.whole || owes || input.command || input.ended || input.pasted) return true;
    sh_waited waited = wait_for_key((rl_set_keyboard_input_timeout(-1) + 999) / 1000);
    if (waited == SH_WAITED_CTRL_C) drop_by_signal();
    return waited != SH_WAITED_LONG;
}

/* ---- Pastes ---- */

/* One change to undo. */
static void insert(const char *text)
{
    rl_mark = rl_point;
    rl_begin_undo_group();
    rl_insert_text(text);
    rl_end_undo_group();
#if RL_READLINE_VERSION >= 0x0801
    const char *shown = rl_variable_value("enable-active-region");
    if (shown && strcmp(shown, "on") == 0) rl_activate_mark();
#endif
}

static int on_paste(int count, int key)
{
    char *text;
    (void)count;
    (void)key;
    /* Of a paste that one of Readline's own functions has read the rest becomes keys: a mark among
     * them begins nothing. */
    if (!input.pasting) return 0;
    input.pasting = false;
    sh_paste_end how = sh_paste_read(rl_end < LINE_MOST ? (size_t)(LINE_MOST - rl_end) : 0, &text);
    heed_end(how);
    if (how == SH_PASTE_LONG) {
        sh_draw_below();
        fputs("the paste is too long for a line and is left out; .load reads a file\n",
              rl_outstream);
        fflush(rl_outstream);
        sh_draw_again();
    }
    if (text) insert(text);
    free(text);
    return 0;
}

/* ---- Setting up ---- */

void sh_input_open(sh_shell *shell)
{
    sh_answers_open(&shell->terminal, nbl_pictures_get(shell->L));
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        rl_bind_keyseq_in_map(SH_PASTE_BEGINS, on_paste, maps[i]);
    rl_getc_function = next_key;
    rl_input_available_hook = key_waits;
}

void sh_input_begin(void)
{
    input.ended = false;
    input.judged = false;
}
