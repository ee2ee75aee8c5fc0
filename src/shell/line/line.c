/* A line from the keyboard. */
#include "shell/line/line.h"

#include "shell/complete/complete.h"
#include "shell/line/edit/block.h"
#include "shell/line/display/draw.h"
#include "shell/line/input.h"
#include "shell/line/keys.h"
#include "shell/line/letters.h"
#include "shell/line/edit/motion.h"
#include "shell/line/tty.h"
#include "shell/line/edit/undo.h"
#include "shell/line/edit/vi.h"
#include "shell/line/edit/vi_letters.h"
#include "shell/line/edit/vi_words.h"
#include "shell/line/edit/wrap.h"
#include "shell/screen/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

enum {
    LISTED_MOST = 200 /* candidates; more are only counted */
};

/* Readline has one line at a time and gives its callbacks no argument. */
static struct {
    sh_shell *shell;
    const char *pending;
    bool dropped, empty; /* by Ctrl-C; that nothing stood there */
    bool blocks;         /* an input is edited whole */
    rl_vintfunc_t *prepare;
    rl_voidfunc_t *release;
    sh_completion completion;
} reading;

/* Ctrl-C: the line ends as Enter ends it, so that Readline knows where the cursor is. */
static int on_ctrl_c(int count, int key)
{
    reading.dropped = true;
    reading.empty = rl_end == 0;
    rl_point = rl_end;
    if (!reading.blocks) fputs("^C", rl_outstream);
    return rl_newline(count, key);
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

static char **match(const char *prefix, int start)
{
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
    bool noted = reading.completion.list && reading.completion.list[0].note;
    (noted ? sh_draw_below : sh_draw_to_end)();
    if (noted) {
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
    fflush(rl_outstream);
    sh_draw_again();
}

/* A single one that is to be listed Readline would print without asking us. */
static char **find_matches(const char *prefix, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = '\0';
    char **matches = match(prefix, start);
    if (!matches || matches[1] || rl_completion_type != '?') return matches;
    sh_draw_below();
    fprintf(rl_outstream, "%s\n", matches[0]);
    fflush(rl_outstream);
    sh_draw_again();
    free(matches[0]);
    free(matches);
    return NULL;
}

/* Tab: at a line's beginning it indents, unless nothing has been typed, where who presses it wants
 * to know what there is; else the letter whose name stands there, or completion, which lists at a
 * second Tab in a row. */
static int on_tab(int count, int key)
{
    const char *letter;
    if (reading.blocks && sh_block_indent()) return 0;
    char *text = text_before_cursor();
    int length = text ? (int)sh_letter_before(text, &letter) : 0;
    free(text);
    /* Readline asks where the word begins only where it does not begin the line. */
    if (rl_point == 0) choose_word_breaks();
    if (length == 0) return sh_wrap_call(rl_complete, count, key);
    rl_begin_undo_group();
    rl_delete_text(rl_point - length, rl_point);
    rl_point -= length;
    rl_insert_text(letter);
    rl_end_undo_group();
    return 0;
}

/* ---- Setting up, reading ---- */

/* Readline calls it behind every command, and within some. */
static void show_line(void)
{
    bool searches = RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH);
    /* Within a command Readline has its changes in a state of its own. */
    if (!searches && !RL_ISSTATE(RL_STATE_DISPATCHING)) {
        if (reading.blocks) {
            sh_block_mend();
            sh_vi_letters_mend();
            sh_vi_mend();
        }
        sh_undo_mend();
    }
    sh_draw();
}

/* The screen is cleared by Readline, or, with a count, the line is drawn anew. */
static int on_clear(int count, int key)
{
    if (rl_explicit_arg) {
        sh_draw_anew();
        return 0;
    }
    sh_draw_cleared();
    return sh_wrap_call(rl_clear_screen, count, key);
}

static int on_clear_all(int count, int key)
{
    sh_draw_cleared();
    return sh_wrap_call(rl_clear_display, count, key);
}

static int on_refresh(int count, int key)
{
    (void)count;
    (void)key;
    sh_draw_anew();
    return 0;
}

/* What is wrong in the file is printed. */
static int on_read_init(int count, int key)
{
    sh_draw_below();
    int status = sh_wrap_call(rl_re_read_init_file, count, key);
    sh_wrap_bind();
    sh_draw_again();
    return status;
}

/* ---- Commands that print ---- */

static int on_functions(int count, int key)
{
    sh_draw_below();
    return sh_wrap_call(rl_dump_functions, count, key);
}

static int on_macros(int count, int key)
{
    sh_draw_below();
    return sh_wrap_call(rl_dump_macros, count, key);
}

static int on_variables(int count, int key)
{
    sh_draw_below();
    return sh_wrap_call(rl_dump_variables, count, key);
}

static int on_last_macro(int count, int key)
{
    sh_draw_below();
    return sh_wrap_call(rl_print_last_kbd_macro, count, key);
}

static void bind_keys(void)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        rl_bind_key_in_map(SH_CTRL_C, on_ctrl_c, maps[i]);
        /* Up looks for what begins like the line; an arrow has two codes. */
        rl_bind_keyseq_in_map("\033[A", rl_history_search_backward, maps[i]);
        rl_bind_keyseq_in_map("\033OA", rl_history_search_backward, maps[i]);
        rl_bind_keyseq_in_map("\033[B", rl_history_search_forward, maps[i]);
        rl_bind_keyseq_in_map("\033OB", rl_history_search_forward, maps[i]);
    }
}

/* With the terminal Readline takes over its keys, such as Ctrl-U, with commands of its own. What
 * was printed may not have ended with a newline; from here on nothing is echoed behind it. */
static void begin_line(int meta)
{
    reading.prepare(meta);
    sh_wrap_bind();
    if (reading.blocks) sh_fresh_line(reading.shell);
}

/* Behind this nothing is drawn, and the terminal is the program's again. */
static void end_line(void)
{
    sh_draw_finish(reading.dropped ? "^C" : "");
    reading.release();
}

static void take_over_display(sh_shell *shell)
{
    static const sh_wrapped commands[] = {{rl_complete, on_tab},
                                          {rl_clear_screen, on_clear},
                                          {rl_clear_display, on_clear_all},
                                          {rl_refresh_line, on_refresh},
                                          {rl_re_read_init_file, on_read_init},
                                          {rl_dump_functions, on_functions},
                                          {rl_dump_macros, on_macros},
                                          {rl_dump_variables, on_variables},
                                          {rl_print_last_kbd_macro, on_last_macro},
                                          {NULL, NULL}};
    reading.blocks = sh_draw_open(shell);
    sh_wrap_add(commands);
    sh_motion_open(shell, reading.blocks);
    sh_vi_open();
    sh_vi_words_open();
    sh_vi_letters_open();
    if (reading.blocks) sh_block_open(shell);
    /* Not before: with a function of somebody else's Readline would not look what the terminal can.
     */
    rl_redisplay_function = show_line;
    reading.prepare = rl_prep_term_function;
    reading.release = rl_deprep_term_function;
    rl_prep_term_function = begin_line;
    rl_deprep_term_function = end_line;
}

/* Keys are bound before Readline reads the user's inputrc, so that he has the last word. */
void sh_line_open(sh_shell *shell, sh_is_whole *is_whole)
{
    reading.shell = shell;
    if (!shell->terminal.input) return;
    rl_readline_name = SH_PROGRAM;
    rl_instream = stdin;
    rl_outstream = shell->terminal.output ? stdout : stderr;
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_variable_bind("page-completions", "off");
    rl_variable_bind("comment-begin", "--");
    sh_tty_open();
    sh_input_open(shell);
    bind_keys();
    rl_completion_word_break_hook = choose_word_breaks;
    rl_completer_quote_characters = "";
    rl_attempted_completion_function = find_matches;
    rl_completion_display_matches_hook = list_matches;
    sh_block_bind(is_whole);
    sh_vi_bind();
    rl_initialize();
    take_over_display(shell);
}

void sh_line_close(void)
{
    sh_undo_close();
    sh_draw_close();
}

bool sh_line_has_blocks(void)
{
    return reading.blocks;
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

sh_got sh_line_read(const sh_asked *asked, char **line, bool *empty)
{
    *empty = false;
    if (!reading.shell->terminal.input) return read_plain(line);
    reading.pending = asked->pending;
    reading.dropped = false;
    sh_input_begin();
    sh_undo_begin();
    sh_vi_begin_line();
    sh_tty_begin();
    sh_draw_begin(asked->further);
    *line = readline(asked->prompt);
    sh_tty_end();
    sh_completion_free(&reading.completion);
    if (!*line && !reading.blocks) putc('\n', rl_outstream);
    if (!reading.dropped) return *line ? SH_GOT_LINE : SH_GOT_END;
    free(*line);
    *line = NULL;
    *empty = reading.empty;
    return SH_GOT_DROP;
}
