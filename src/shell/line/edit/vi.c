/* vi's commands in an input that may have several lines. */
#include "shell/line/edit/vi.h"

#include "shell/line/edit/motion.h"
#include "shell/line/edit/wrap.h"

#include <ctype.h>
#include <string.h>

static struct {
    bool redoing; /* "." */
    bool lines;   /* the last of d, c and y took whole lines */
} vi;

static bool has_lines(void)
{
    return memchr(rl_line_buffer, '\n', (size_t)rl_end) != NULL;
}

/* The end of so many lines from `begin` on, with the last one's newline. */
static int lines_end(int begin, int count)
{
    int end = sh_line_end(begin);
    for (; count > 1 && end < rl_end; count--) end = sh_line_end(end + 1);
    return end < rl_end ? end + 1 : end;
}

/* The last of all lines goes with the newline before it. */
static void delete_lines(int begin, int end)
{
    bool last = end == rl_end && begin > 0 && rl_line_buffer[end - 1] != '\n';
    rl_kill_text(last ? begin - 1 : begin, end);
    if (last) begin = sh_line_begin(begin - 1);
    rl_point = sh_behind_blanks(begin);
}

static void change_lines(int begin, int end, int key)
{
    if (end > begin && rl_line_buffer[end - 1] == '\n') end--;
    rl_point = sh_behind_blanks(begin);
    if (rl_point > end) rl_point = end;
    rl_kill_text(rl_point, end);
    rl_vi_insertion_mode(1, key);
}

static void copy_lines(int begin, int end, int key)
{
    int point = rl_point, mark = rl_mark;
    rl_mark = begin;
    rl_point = end;
    rl_copy_region_to_kill(1, key);
    rl_point = point;
    rl_mark = mark;
}

static int take_lines(int count, int key)
{
    int begin = sh_line_begin(rl_point), end = lines_end(begin, count);
    vi.lines = true;
    if (key == 'd')
        delete_lines(begin, end);
    else if (key == 'y')
        copy_lines(begin, end, key);
    else
        change_lines(begin, end, key);
    return 0;
}

/* d, c and y take whole lines where they stand twice. Readline reads the second key itself; it is
 * given back where it is another. */
static int operate(rl_command_func_t *theirs, int count, int key)
{
    if (!has_lines() || isupper(key)) {
        vi.lines = false;
    } else if (!vi.redoing) {
        RL_SETSTATE(RL_STATE_MOREINPUT);
        int next = rl_read_key();
        rl_readline_state &= ~(unsigned long)RL_STATE_MOREINPUT;
        vi.lines = next == key;
        if (!vi.lines && next > 0) rl_execute_next(next);
    }
    return vi.lines ? take_lines(count, key) : sh_wrap_call(theirs, count, key);
}

static int on_delete(int count, int key)
{
    return operate(rl_vi_delete_to, count, key);
}

static int on_change(int count, int key)
{
    return operate(rl_vi_change_to, count, key);
}

static int on_yank(int count, int key)
{
    return operate(rl_vi_yank_to, count, key);
}

static int on_substitute(int count, int key)
{
    bool whole = isupper(key) && has_lines();
    return whole ? take_lines(1, 'c') : sh_wrap_call(rl_vi_subst, count, key);
}

static int on_redo(int count, int key)
{
    vi.redoing = true;
    int status = sh_wrap_call(rl_vi_redo, count, key);
    vi.redoing = false;
    return status;
}

/* Esc goes back a letter, but not into the line before. */
static int on_escape(int count, int key)
{
    bool begins = rl_point > 0 && rl_line_buffer[rl_point - 1] == '\n';
    int status = sh_wrap_call(rl_vi_movement_mode, count, key);
    if (begins) rl_point++;
    return status;
}

/* A and I: Readline goes to the ends of all. */
static int on_append(int count, int key)
{
    int end = sh_line_end(rl_point);
    int status = sh_wrap_call(rl_vi_append_eol, count, key);
    rl_point = end;
    return status;
}

static int on_insert(int count, int key)
{
    int begin = sh_line_begin(rl_point);
    int status = sh_wrap_call(rl_vi_insert_beg, count, key);
    rl_point = begin;
    return status;
}

void sh_vi_open(void)
{
    static const sh_wrapped commands[] = {{rl_vi_delete_to, on_delete},
                                          {rl_vi_change_to, on_change},
                                          {rl_vi_yank_to, on_yank},
                                          {rl_vi_subst, on_substitute},
                                          {rl_vi_redo, on_redo},
                                          {rl_vi_movement_mode, on_escape},
                                          {rl_vi_append_eol, on_append},
                                          {rl_vi_insert_beg, on_insert},
                                          {NULL, NULL}};
    sh_wrap_add(commands);
}
