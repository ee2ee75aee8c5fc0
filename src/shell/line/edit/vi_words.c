/* See vi_words.h. Words are runs of letters, digits and _, and runs of what is neither these nor
 * blank; of W, B and E all that is not blank. An empty line is a word to w and b. */
#include "shell/line/edit/vi_words.h"

#include "shell/line/edit/motion.h"
#include "shell/line/edit/wrap.h"

#include <ctype.h>
#include <stdbool.h>

typedef enum word_kind { BLANK, WORD, SIGN } word_kind;

static word_kind kind_at(int point, bool large)
{
    unsigned char byte = (unsigned char)rl_line_buffer[point];
    if (byte == ' ' || byte == '\t' || byte == '\n') return BLANK;
    return large || isalnum(byte) || byte == '_' || byte >= 0x80 ? WORD : SIGN;
}

static bool is_empty_line(int point)
{
    bool ends = point == rl_end || rl_line_buffer[point] == '\n';
    return ends && point > 0 && rl_line_buffer[point - 1] == '\n';
}

static int run_end(int point, bool large)
{
    word_kind kind = point < rl_end ? kind_at(point, large) : BLANK;
    while (point < rl_end && kind_at(point, large) == kind) point++;
    return point;
}

static int blanks_end(int point, bool newlines)
{
    while (point < rl_end && kind_at(point, true) == BLANK &&
           (newlines || rl_line_buffer[point] != '\n'))
        point++;
    return point;
}

/* ---- One word on ---- */

/* An operator takes the last word up to its line's end. */
static int next_word(int point, bool large, bool last)
{
    if (point < rl_end && kind_at(point, large) != BLANK) point = run_end(point, large);
    if (last && sh_operator_works()) return blanks_end(point, false);
    for (;;) {
        point = blanks_end(point, false);
        if (point == rl_end || rl_line_buffer[point] != '\n') return point;
        point++;
        if (is_empty_line(point)) return point;
    }
}

static int end_of_word(int point, bool large, bool last)
{
    (void)last;
    if (point < rl_end) point = sh_character_after(point);
    point = run_end(blanks_end(point, true), large);
    return point > 0 ? sh_character_before(point) : 0;
}

static int previous_word(int point, bool large, bool last)
{
    (void)last;
    while (point > 0 && kind_at(point - 1, true) == BLANK)
        if (is_empty_line(--point)) return point;
    if (point == 0) return 0;
    word_kind kind = kind_at(point - 1, large);
    while (point > 0 && kind_at(point - 1, large) == kind) point--;
    return point;
}

/* ---- Commands ---- */

typedef int walk(int point, bool large, bool last);

static int over_words(rl_command_func_t *theirs, walk *one, int count, int key)
{
    int before = rl_point;
    for (int i = 1; i <= count; i++) {
        int point = one(rl_point, isupper(key), i == count);
        if (point == rl_point) break;
        rl_point = point;
    }
    rl_point = sh_settled(rl_point);
    sh_wrap_pose(theirs);
    return rl_point == before ? rl_ding() : 0;
}

static int on_next_word(int count, int key)
{
    return over_words(rl_vi_next_word, next_word, count, key);
}

static int on_previous_word(int count, int key)
{
    return over_words(rl_vi_prev_word, previous_word, count, key);
}

static int on_end_of_word(int count, int key)
{
    return over_words(rl_vi_end_word, end_of_word, count, key);
}

void sh_vi_words_open(void)
{
    static const sh_wrapped commands[] = {{rl_vi_next_word, on_next_word},
                                          {rl_vi_prev_word, on_previous_word},
                                          {rl_vi_end_word, on_end_of_word},
                                          {NULL, NULL}};
    sh_wrap_add(commands);
}
