/* Keys that move, kill and take what is suggested. */
#include "shell/line/edit/motion.h"

#include "base/utf8.h"
#include "shell/line/display/draw.h"
#include "shell/line/display/layout.h"
#include "shell/complete/suggest.h"
#include "shell/line/edit/wrap.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

static struct {
    bool utf8;
    bool walked; /* the last command moved by lines, towards this column */
    int column;
    bool operates;
} motion;

/* ---- Lines ---- */

int sh_line_begin(int point)
{
    while (point > 0 && rl_line_buffer[point - 1] != '\n') point--;
    return point;
}

int sh_line_end(int point)
{
    while (point < rl_end && rl_line_buffer[point] != '\n') point++;
    return point;
}

int sh_behind_blanks(int point)
{
    while (point < rl_end && (rl_line_buffer[point] == ' ' || rl_line_buffer[point] == '\t'))
        point++;
    return point;
}

static int width(int begin, int end)
{
    return sh_width_of(motion.utf8, rl_line_buffer + begin, (size_t)(end - begin), 0);
}

/* What combines with a letter is no letter of its own. */
int sh_character_before(int point)
{
    int end = point;
    do point--;
    while (point > 0 && (nb_is_tail(rl_line_buffer[point]) ||
                         (rl_line_buffer[point - 1] != '\n' && width(point, end) == 0)));
    return point;
}

static sh_glyph glyph_at(int point)
{
    const sh_page page = {INT_MAX, motion.utf8};
    return sh_glyph_at(&page, rl_line_buffer + point, (size_t)(rl_end - point), 0);
}

int sh_character_after(int point)
{
    if (rl_line_buffer[point] == '\n') return point + 1;
    do point += (int)glyph_at(point).length;
    while (point < rl_end && rl_line_buffer[point] != '\n' && glyph_at(point).width == 0);
    return point;
}

void sh_operator_set(bool works)
{
    motion.operates = works;
}

bool sh_operator_works(void)
{
    return motion.operates;
}

/* As in vi's command mode, but where an operator takes what the cursor goes over. */
static bool stands_on_letters(void)
{
    return rl_editing_mode == 0 && rl_get_keymap() == vi_movement_keymap && !motion.operates;
}

int sh_settled(int point)
{
    bool behind = point == sh_line_end(point) && point > sh_line_begin(point);
    return behind && stands_on_letters() ? sh_character_before(point) : point;
}

/* The place in the line that begins there nearest to a column. */
static int place_at(int begin, int column)
{
    int end = sh_line_end(begin), point = begin;
    const sh_page page = {INT_MAX, motion.utf8};
    for (int at = 0; point < end;) {
        sh_glyph glyph = sh_glyph_at(&page, rl_line_buffer + point, (size_t)(end - point), at);
        if (at + glyph.width > column) break;
        at += glyph.width;
        point += (int)glyph.length;
    }
    return sh_settled(point);
}

/* ---- Up and down ---- */

static bool searches(rl_command_func_t *command)
{
    return command == rl_history_search_backward || command == rl_history_search_forward;
}

/* Moves so many lines up (negative) or down, or as many as there are; false: there is none. */
static bool move_lines(int lines)
{
    int begin = sh_line_begin(rl_point), start = begin;
    if (!motion.walked) motion.column = width(begin, rl_point);
    for (; lines < 0 && begin > 0; lines++) begin = sh_line_begin(begin - 1);
    for (; lines > 0 && sh_line_end(begin) < rl_end; lines--) begin = sh_line_end(begin) + 1;
    if (begin == start) return false;
    rl_point = place_at(begin, motion.column);
    return true;
}

static bool is_walk(rl_command_func_t *command);

/* A search by prefix goes on behind a walk through the lines of what it has found: with its own
 * prefix, not with what stands before the cursor then. */
static int walk(rl_command_func_t *theirs, int lines, int count, int key)
{
    rl_command_func_t *last = sh_wrap_last();
    motion.walked = motion.walked && is_walk(rl_last_func);
    motion.walked = move_lines(lines * count);
    if (!motion.walked) return sh_wrap_call(theirs, count, key);
    sh_wrap_pose(searches(last) ? last : NULL);
    return 0;
}

static int on_search_up(int count, int key)
{
    return walk(rl_history_search_backward, -1, count, key);
}

static int on_search_down(int count, int key)
{
    return walk(rl_history_search_forward, 1, count, key);
}

static int on_up(int count, int key)
{
    return walk(rl_get_previous_history, -1, count, key);
}

static int on_down(int count, int key)
{
    return walk(rl_get_next_history, 1, count, key);
}

/* vi's G: to the last line; there, and with a count, to the history. */
static int on_fetch(int count, int key)
{
    int last = sh_line_begin(rl_end);
    if (rl_explicit_arg || sh_line_begin(rl_point) == last)
        return sh_wrap_call(rl_vi_fetch_history, count, key);
    rl_point = sh_settled(sh_behind_blanks(last));
    return 0;
}

static bool is_walk(rl_command_func_t *command)
{
    return command == on_search_up || command == on_search_down || command == on_up ||
           command == on_down;
}

/* ---- What is suggested ---- */

/* Takes the first bytes of what is suggested, as one change; false: nothing is. */
static bool take(size_t (*how_many)(const char *))
{
    char text[SH_SUGGESTED_BYTES];
    const char *suggested = sh_draw_suggested();
    size_t length = how_many(suggested);
    if (length == 0 || length >= sizeof text) return false;
    memcpy(text, suggested, length);
    text[length] = '\0';
    rl_begin_undo_group();
    rl_insert_text(text);
    rl_end_undo_group();
    return true;
}

static bool is_in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t first_word(const char *text)
{
    size_t length = 0;
    while (text[length] && !is_in_word(text[length])) length++;
    while (is_in_word(text[length])) length++;
    return length;
}

/* vi's h and l do not leave their line, nor do arrows there; blank and backspace do. */
static int step(rl_command_func_t *theirs, int count, int key)
{
    int begin = sh_line_begin(rl_point), end = sh_line_end(rl_point);
    int status = sh_wrap_call(theirs, count, key);
    if (rl_editing_mode != 0 || rl_get_keymap() != vi_movement_keymap) return status;
    if (isalpha(key)) {
        if (rl_point < begin) rl_point = begin;
        if (rl_point > end) rl_point = end;
    } else if (rl_point >= end && rl_point < rl_end && sh_settled(rl_point) != rl_point) {
        rl_point++;
    }
    rl_point = sh_settled(rl_point);
    return status;
}

static int on_right(int count, int key)
{
    return take(strlen) ? 0 : step(rl_forward_char, count, key);
}

static int on_left(int count, int key)
{
    return step(rl_backward_char, count, key);
}

static int on_right_byte(int count, int key)
{
    return take(strlen) ? 0 : sh_wrap_call(rl_forward_byte, count, key);
}

static int on_right_word(int count, int key)
{
    return take(first_word) ? 0 : sh_wrap_call(rl_forward_word, count, key);
}

/* ---- Within a line ---- */

static int on_home(int count, int key)
{
    (void)count;
    (void)key;
    rl_point = sh_line_begin(rl_point);
    return 0;
}

static int on_first_letter(int count, int key)
{
    int begin = sh_line_begin(rl_point);
    if (begin == 0 && !memchr(rl_line_buffer, '\n', (size_t)rl_end))
        return sh_wrap_call(rl_vi_first_print, count, key);
    rl_point = sh_settled(sh_behind_blanks(begin));
    return 0;
}

static int on_end(int count, int key)
{
    (void)count;
    (void)key;
    if (!take(strlen)) rl_point = sh_settled(sh_line_end(rl_point));
    return 0;
}

/* In a line that ends, its newline. */
static int on_kill(int count, int key)
{
    int end = sh_line_end(rl_point);
    if (count < 1 || end == rl_end) return sh_wrap_call(rl_kill_line, count, key);
    return rl_kill_text(rl_point, end > rl_point ? end : end + 1);
}

/* In a line that begins, the newline before it. */
static int on_kill_back(rl_command_func_t *theirs, int count, int key)
{
    int begin = sh_line_begin(rl_point), end = rl_point;
    if (count < 1 || begin == 0) return sh_wrap_call(theirs, count, key);
    if (begin == end) begin--;
    rl_kill_text(end, begin);
    rl_point = begin;
    return 0;
}

static int on_discard(int count, int key)
{
    return on_kill_back(rl_unix_line_discard, count, key);
}

static int on_kill_to_begin(int count, int key)
{
    return on_kill_back(rl_backward_kill_line, count, key);
}

void sh_motion_open(sh_shell *shell, bool blocks)
{
    static const sh_wrapped commands[] = {{rl_history_search_backward, on_search_up},
                                          {rl_history_search_forward, on_search_down},
                                          {rl_get_previous_history, on_up},
                                          {rl_get_next_history, on_down},
                                          {rl_vi_fetch_history, on_fetch},
                                          {rl_forward_char, on_right},
                                          {rl_backward_char, on_left},
                                          {rl_forward_byte, on_right_byte},
                                          {rl_forward_word, on_right_word},
                                          {rl_beg_of_line, on_home},
                                          {rl_vi_first_print, on_first_letter},
                                          {rl_end_of_line, on_end},
                                          {rl_kill_line, on_kill},
                                          {rl_unix_line_discard, on_discard},
                                          {rl_backward_kill_line, on_kill_to_begin},
                                          {NULL, NULL}};
    motion.utf8 = shell->terminal.utf8;
    if (blocks) sh_wrap_add(commands);
}
