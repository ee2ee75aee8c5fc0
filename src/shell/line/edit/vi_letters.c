/* vi's commands that go over letters or change them: none leaves the line of the cursor by it. */
#include "shell/line/edit/vi_letters.h"

#include "base/utf8.h"
#include "shell/line/edit/motion.h"
#include "shell/line/edit/wrap.h"

#include <stdbool.h>

static bool is_newline(int point)
{
    return point < rl_end && rl_line_buffer[point] == '\n';
}

static int refuse(void)
{
    rl_ding();
    return 1;
}

/* How many letters there are from `begin` to `end`, at most so many. */
static int letters_between(int begin, int end, int most)
{
    int count = 0;
    for (int i = begin; i < end && count <= most; i++) count += !nb_is_tail(rl_line_buffer[i]);
    return count < most ? count : most;
}

/* ---- x X r ~ ---- */

static int on_delete(int count, int key)
{
    int begin = sh_line_begin(rl_point);
    int letters = letters_between(rl_point, sh_line_end(rl_point), count);
    if (rl_end == 0 || count < 1) return sh_wrap_call(rl_vi_delete, count, key);
    if (letters == 0) return refuse();
    int status = sh_wrap_call(rl_vi_delete, letters, key);
    /* At the end of all it goes back a letter. */
    if (rl_point < begin) rl_point = begin;
    rl_point = sh_settled(rl_point);
    return status;
}

static int on_rubout(int count, int key)
{
    int letters = letters_between(sh_line_begin(rl_point), rl_point, count);
    if (rl_point == 0 || count < 1) return sh_wrap_call(rl_vi_rubout, count, key);
    return letters > 0 ? sh_wrap_call(rl_vi_rubout, letters, key) : refuse();
}

/* Of more letters than there are none is changed; the new letter is read all the same. */
static int on_change_letter(int count, int key)
{
    bool there = letters_between(rl_point, sh_line_end(rl_point), count) == count;
    int point = rl_point, status = sh_wrap_call(rl_vi_change_char, there ? count : 0, key);
    if (there) return status;
    rl_point = point;
    return refuse();
}

static int on_change_case(int count, int key)
{
    int end = sh_line_end(rl_point), there = letters_between(rl_point, end, count);
    if (rl_end == 0 || count < 1) return sh_wrap_call(rl_vi_change_case, count, key);
    if (there == 0) return refuse();
    int status = sh_wrap_call(rl_vi_change_case, there, key);
    rl_point = sh_settled(rl_point);
    return status;
}

/* ---- a ---- */

static int on_append(int count, int key)
{
    rl_command_func_t *insert = rl_vi_insert_mode, *append = rl_vi_append_mode;
    return sh_wrap_call(is_newline(rl_point) ? insert : append, count, key);
}

/* ---- f | ---- */

static int on_search(int count, int key)
{
    int point = rl_point, begin = sh_line_begin(point), end = sh_line_end(point);
    int status = sh_wrap_call(rl_vi_char_search, count, key);
    if (rl_point >= begin && rl_point <= end) return status;
    rl_point = point;
    return refuse();
}

static int on_column(int count, int key)
{
    int end = sh_line_end(rl_point);
    (void)key;
    rl_point = sh_line_begin(rl_point);
    for (int before = count - 1; before > 0 && rl_point < end; before--)
        rl_point = sh_character_after(rl_point);
    rl_point = sh_settled(rl_point);
    return 0;
}

void sh_vi_letters_mend(void)
{
    bool before = rl_point == rl_end - 1 && is_newline(rl_point);
    if (before && sh_settled(rl_point) != rl_point) rl_point = rl_end;
}

void sh_vi_letters_open(void)
{
    static const sh_wrapped commands[] = {{rl_vi_delete, on_delete},
                                          {rl_vi_rubout, on_rubout},
                                          {rl_vi_change_char, on_change_letter},
                                          {rl_vi_change_case, on_change_case},
                                          {rl_vi_append_mode, on_append},
                                          {rl_vi_char_search, on_search},
                                          {rl_vi_column, on_column},
                                          {NULL, NULL}};
    sh_wrap_add(commands);
}
