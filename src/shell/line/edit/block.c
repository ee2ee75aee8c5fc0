/* An input of several lines, edited whole. */
#include "shell/line/edit/block.h"

#include "shell/line/keys.h"
#include "shell/line/edit/motion.h"
#include "shell/line/edit/wrap.h"
#include "shell/run/tokens.h"

#include <string.h>

enum { INDENT = 2 /* blanks for a block */ };

static struct {
    sh_shell *shell;
    sh_is_whole *is_whole;
    /* The line that was looked at last: where it begins, whether it began with the end of a block,
     * and was moved out for it. */
    int line;
    bool closes, moved;
} block;

/* ---- Blocks ---- */

/* How many blocks and brackets are open before `point`; -1 within a string or a comment. */
static int depth_at(int point)
{
    sh_scanner scanner = sh_scan(rl_line_buffer, (size_t)point);
    sh_token token;
    int depth = 0;
    while (sh_scan_next(&scanner, &token)) {
        bool cut = token.open && token.text + token.length == rl_line_buffer + point;
        if (cut) return -1;
        depth += sh_token_nests(&token);
        if (depth < 0) depth = 0;
    }
    return depth;
}

/* Does the text begin with what ends a block, or a part of one? */
static bool closes(int begin, int end)
{
    static const char *const words[] = {"end", "else", "elseif", "until", "}", ")", "]", NULL};
    sh_scanner scanner = sh_scan(rl_line_buffer + begin, (size_t)(end - begin));
    sh_token token;
    if (!sh_scan_next(&scanner, &token)) return false;
    for (size_t i = 0; words[i]; i++)
        if (sh_token_is(&token, words[i])) return true;
    return false;
}

static void insert_blanks(int count)
{
    for (int i = 0; i < count; i++) rl_insert_text(" ");
}

static void move_out(int begin)
{
    rl_begin_undo_group();
    rl_delete_text(begin, begin + INDENT);
    rl_point -= INDENT;
    rl_end_undo_group();
}

static void move_in(int begin)
{
    int point = rl_point;
    rl_begin_undo_group();
    rl_point = begin;
    insert_blanks(INDENT);
    rl_point = point + INDENT;
    rl_end_undo_group();
}

void sh_block_mend(void)
{
    int begin = sh_line_begin(rl_point), first = sh_behind_blanks(begin);
    bool same = block.line == begin, typed = rl_last_func == rl_insert && begin > 0;
    bool closing = typed && rl_point > first && closes(first, sh_line_end(first));
    bool moved = same && block.moved;
    if (closing && !(same && block.closes)) {
        int depth = depth_at(begin);
        moved = depth > 0 && first - begin == INDENT * depth;
        if (moved) move_out(begin);
    } else if (typed && !closing && same && block.closes && block.moved) {
        move_in(begin);
        moved = false;
    }
    block.line = typed ? begin : -1;
    block.closes = closing;
    block.moved = moved;
}

bool sh_block_indent(void)
{
    int begin = sh_line_begin(rl_point);
    if (rl_end == 0 || sh_behind_blanks(begin) < rl_point) return false;
    rl_begin_undo_group();
    insert_blanks(INDENT - (rl_point - begin) % INDENT);
    rl_end_undo_group();
    return true;
}

/* ---- Enter ---- */

/* Without its marks a paste is typed, with the blanks that it has. */
static bool is_pasted(void)
{
    const char *marked = rl_variable_value("enable-bracketed-paste");
    return marked && strcmp(marked, "on") != 0 && sh_keys_come();
}

static int on_further(int count, int key)
{
    (void)count;
    if (rl_editing_mode == 0 && rl_get_keymap() == vi_movement_keymap) {
        rl_vi_insertion_mode(1, key);
        rl_point = sh_line_end(rl_point);
    }
    int depth = is_pasted() ? 0 : depth_at(rl_point);
    rl_begin_undo_group();
    rl_insert_text("\n");
    insert_blanks(depth > 0 ? INDENT * depth : 0);
    rl_end_undo_group();
    return 0;
}

/* vi's o is as Enter where the input is unfinished; so is O, above the cursor's line. */
static int on_open_below(int count, int key)
{
    if (!block.shell) return rl_ding();
    rl_point = sh_line_end(rl_point);
    return on_further(count, key);
}

static int on_open_above(int count, int key)
{
    int begin = sh_line_begin(rl_point), blanks = depth_at(begin);
    (void)count;
    if (!block.shell) return rl_ding();
    rl_vi_insertion_mode(1, key);
    rl_begin_undo_group();
    rl_point = begin;
    insert_blanks(blanks > 0 ? INDENT * blanks : 0);
    rl_insert_text("\n");
    rl_point--;
    rl_end_undo_group();
    return 0;
}

static bool may_run(void)
{
    return rl_end == 0 || block.is_whole(block.shell, rl_line_buffer);
}

static int on_enter(int count, int key)
{
    return may_run() ? sh_wrap_call(rl_newline, count, key) : on_further(count, key);
}

static int on_operate(int count, int key)
{
    return may_run() ? sh_wrap_call(rl_operate_and_get_next, count, key) : on_further(count, key);
}

/* Ctrl-D in vi's command mode. */
static int on_eof(int count, int key)
{
    return may_run() ? sh_wrap_call(rl_vi_eof_maybe, count, key) : on_further(count, key);
}

static int on_newline(int count, int key)
{
    return block.shell ? on_further(count, key) : rl_newline(count, key);
}

static int on_enter_anyway(int count, int key)
{
    return rl_newline(count, key);
}

/* ---- Setting up ---- */

void sh_block_bind(sh_is_whole *is_whole)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    block.is_whole = is_whole;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        rl_bind_keyseq_in_map("\\e\\C-m", on_enter_anyway, maps[i]);
        rl_bind_keyseq_in_map("\\e\\C-j", on_newline, maps[i]);
    }
    rl_bind_key_in_map(CTRL('L'), rl_clear_screen, vi_insertion_keymap);
    rl_bind_key_in_map(RUBOUT, rl_backward_char, vi_movement_keymap);
    rl_bind_key_in_map('o', on_open_below, vi_movement_keymap);
    rl_bind_key_in_map('O', on_open_above, vi_movement_keymap);
}

void sh_block_open(sh_shell *shell)
{
    static const sh_wrapped commands[] = {{rl_newline, on_enter},
                                          {rl_operate_and_get_next, on_operate},
                                          {rl_vi_eof_maybe, on_eof},
                                          {NULL, NULL}};
    block.shell = shell;
    sh_wrap_add(commands);
}
