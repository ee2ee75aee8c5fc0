/* vi's commands in an input that may have several lines. */
#include "shell/line/edit/vi.h"

#include "shell/line/edit/motion.h"
#include "shell/line/edit/undo.h"
#include "shell/line/edit/wrap.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES_MOST = 1000000 };

/* Lines that d, c and y take with that of the cursor: so many from there on, all up to the first or
 * down to the last. */
typedef enum reach { REACH_COUNT, REACH_FIRST, REACH_LAST } reach;

static struct {
    bool redoing; /* "." */
    bool lines;   /* the last of d, c and y took whole lines, */
    reach reach;
    bool rest;  /* or all up to the line's end, */
    bool moves; /* or had a motion behind it */
    /* What Readline took for them then, or NULL, and they themselves, without the newline that ends
     * the last one. */
    char *taken, *text;
    /* What is typed for a c of ours began in the line that begins there, -1: none is under way, so
     * many bytes behind its blanks, which change where it becomes an "end". */
    int line, behind;
    char *typed; /* for the last one, for "." */
    /* J, with its count, changed the line last. The changes as they were after the last command. */
    bool joined;
    int joins;
    const UNDO_LIST *changes;
} vi = {.line = -1};

static bool has_lines(void)
{
    return memchr(rl_line_buffer, '\n', (size_t)rl_end) != NULL;
}

/* ---- Whole lines ---- */

typedef struct lines {
    int begin, end; /* without the newline that ends the last one */
} lines;

static lines lines_at(int point, int count)
{
    lines these = {sh_line_begin(point), sh_line_end(point)};
    if (vi.reach == REACH_FIRST) these.begin = 0;
    if (vi.reach == REACH_LAST) these.end = rl_end;
    if (vi.reach != REACH_COUNT) return these;
    for (; count > 1 && these.end < rl_end; count--) these.end = sh_line_end(these.end + 1);
    return these;
}

static char *copy(int from, int to)
{
    return strndup(rl_line_buffer + from, (size_t)(to - from));
}

/* Notes that Readline takes the text from `from` to `to` for these lines. */
static void note_taken(int from, int to, const lines *these)
{
    free(vi.taken);
    free(vi.text);
    vi.text = copy(these->begin, these->end);
    vi.taken = vi.text ? copy(from, to) : NULL;
}

/* The last of all lines goes with the newline before it. */
static void delete_lines(const lines *these)
{
    bool last = these->end == rl_end;
    int from = last && these->begin > 0 ? these->begin - 1 : these->begin;
    int to = last ? these->end : these->end + 1;
    note_taken(from, to, these);
    rl_kill_text(from, to);
    rl_point = sh_settled(sh_behind_blanks(sh_line_begin(from < rl_end ? these->begin : from)));
}

/* In the place of what c took comes what is typed, or was for the last one: both are one change.
 * Readline counts groups that are open; one that Ctrl-C or Enter leaves open must not be counted.
 */
static void change(int begin, int end, int count)
{
    rl_point = begin;
    rl_add_undo(UNDO_BEGIN, 0, 0, NULL);
    rl_kill_text(begin, end);
    rl_point = begin;
    if (!vi.redoing) {
        rl_vi_start_inserting('c', count, 1);
        vi.line = sh_line_begin(begin);
        vi.behind = begin - sh_behind_blanks(vi.line);
        return;
    }
    if (vi.typed) rl_insert_text(vi.typed);
    rl_add_undo(UNDO_END, 0, 0, NULL);
    if (rl_point > sh_line_begin(rl_point)) rl_point = sh_character_before(rl_point);
}

/* Esc: where the cursor went back before it began there is nothing to be typed again. */
static void note_typed(void)
{
    if (vi.line < 0) return;
    int begin = vi.line <= rl_end ? sh_behind_blanks(vi.line) + vi.behind : rl_point;
    free(vi.typed);
    vi.typed = begin < rl_point ? copy(begin, rl_point) : NULL;
    rl_add_undo(UNDO_END, 0, 0, NULL);
    vi.line = -1;
}

static void change_lines(const lines *these, int count)
{
    int first = sh_behind_blanks(these->begin);
    int begin = first < these->end ? first : these->end;
    note_taken(begin, these->end, these);
    change(begin, these->end, count);
}

static void copy_text(int begin, int end, int key)
{
    int point = rl_point, mark = rl_mark;
    rl_mark = begin;
    rl_point = end;
    rl_copy_region_to_kill(1, key);
    rl_point = point;
    rl_mark = mark;
}

static void copy_lines(const lines *these, int key)
{
    int end = these->end < rl_end ? these->end + 1 : these->end;
    note_taken(these->begin, end, these);
    copy_text(these->begin, end, key);
}

static int take_lines(int count, int key)
{
    lines these = lines_at(rl_point, count);
    vi.lines = true;
    if (key == 'd')
        delete_lines(&these);
    else if (key == 'y')
        copy_lines(&these, key);
    else
        change_lines(&these, count);
    return 0;
}

/* Puts the lines that were taken below or above that of the cursor. */
static void put_lines(int count, bool above)
{
    int at = above ? sh_line_begin(rl_point) : sh_line_end(rl_point);
    for (int i = 0; i < count; i++) {
        rl_point = at;
        if (!above) rl_insert_text("\n");
        rl_insert_text(vi.text);
        if (above) rl_insert_text("\n");
    }
    rl_point = sh_settled(sh_behind_blanks(above ? at : at + 1));
}

/* Whether the last that was taken is lines, Readline alone knows: it is asked for its text. */
static bool gives_lines(int key)
{
    int point = rl_point, mark = rl_mark;
    rl_yank(1, key);
    size_t length = strlen(vi.taken);
    bool same = (size_t)(rl_point - point) == length &&
                memcmp(rl_line_buffer + point, vi.taken, length) == 0;
    rl_delete_text(point, rl_point);
    rl_point = point;
    rl_mark = mark;
    return same;
}

static int on_put(int count, int key)
{
    int status = 0;
    if (!vi.taken) return sh_wrap_call(rl_vi_put, count, key);
    rl_begin_undo_group();
    if (gives_lines(key))
        put_lines(count, isupper(key));
    else
        status = sh_wrap_call(rl_vi_put, count, key);
    rl_end_undo_group();
    return status;
}

/* ---- d, c, y, S ---- */

static int read_key(void)
{
    RL_SETSTATE(RL_STATE_MOREINPUT);
    int key = rl_read_key();
    rl_readline_state &= ~(unsigned long)RL_STATE_MOREINPUT;
    return key;
}

/* The key behind an operator, and the count before it, as in d2w. Behind one Readline carries out
 * whatever comes, also what changes the text beneath the operator. */
static int read_motion(int *count)
{
    int times = 0, key;
    while (key = read_key(), isdigit(key) && (key != '0' || times > 0))
        if (times < TIMES_MOST) times = 10 * times + key - '0';
    if (times == 0) return key;
    int64_t all = (int64_t)times * (*count > 0 ? *count : 1);
    *count = rl_numeric_arg = all < TIMES_MOST ? (int)all : TIMES_MOST;
    rl_explicit_arg = 1;
    return key;
}

/* D, C and Y, and $ as a motion: in Readline that takes no letter that is the last one already. */
static int take_rest(int key)
{
    int end = sh_line_end(rl_point);
    key = tolower(key);
    if (key == 'y') copy_text(rl_point, end, key);
    if (key == 'c') change(rl_point, end, 1);
    if (key == 'd') rl_kill_text(rl_point, end);
    rl_point = sh_settled(rl_point);
    return 0;
}

void sh_vi_begin(void)
{
    vi.redoing = false;
    sh_operator_set(false);
}

void sh_vi_begin_line(void)
{
    vi.line = -1;
    vi.changes = NULL;
}

/* What Readline goes by behind an operator; every other key but that of the operator ends it. */
static bool is_motion(int key)
{
    return key > 0 && strchr(" hl^$0ftFT;,%wbeWBE|`", key);
}

/* How far lines are taken behind this key, of which a g has to come twice. */
static reach read_reach(int key)
{
    if (rl_explicit_arg || !has_lines()) return REACH_COUNT;
    if (key == 'G') return REACH_LAST;
    return key == 'g' && read_key() == 'g' ? REACH_FIRST : REACH_COUNT;
}

/* d, c and y take whole lines where they stand twice, or before gg and G. Readline reads the second
 * key itself; it is given back where it is another. Of one without a motion "." would make Readline
 * go by an older motion, and that of dd is a d: it takes text from beneath the other operator. */
static int operate(rl_command_func_t *theirs, int count, int key)
{
    if (!vi.redoing && isupper(key)) {
        vi.lines = false;
        vi.rest = true;
    } else if (!vi.redoing) {
        int next = read_motion(&count);
        vi.reach = read_reach(next);
        if (vi.reach != REACH_COUNT) next = key;
        vi.lines = next == key && has_lines();
        vi.rest = next == '$';
        vi.moves = next == key || is_motion(next);
        if (!vi.lines && !vi.rest && next > 0) rl_execute_next(next);
    }
    if (vi.lines) return take_lines(count, key);
    if (vi.rest) return take_rest(key);
    if (vi.redoing && !vi.moves) return rl_ding();
    sh_operator_set(true);
    int status = sh_wrap_call(theirs, count, key);
    sh_operator_set(false);
    rl_point = sh_settled(rl_point);
    return status;
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
    vi.reach = REACH_COUNT;
    if (isupper(key) && has_lines()) return take_lines(1, 'c');
    vi.lines = vi.rest = false;
    vi.moves = true;
    sh_operator_set(true); /* it is c with l, also to "." */
    int status = sh_wrap_call(rl_vi_subst, count, key);
    sh_operator_set(false);
    return status;
}

/* ---- gg J ---- */

/* To the input's first line, or the one that the count is of. */
static int on_line(int count, int key)
{
    int begin = 0;
    (void)key;
    for (; count > 1 && sh_line_end(begin) < rl_end; count--) begin = sh_line_end(begin) + 1;
    rl_point = sh_settled(sh_behind_blanks(begin));
    return 0;
}

/* Brings the next line behind that of the cursor, which goes where they meet: at a blank, but not
 * beside another, beside nothing or before a ")". */
static void join(void)
{
    int end = sh_line_end(rl_point), next = sh_behind_blanks(end + 1);
    bool ends = end == sh_line_begin(end) || isblank((unsigned char)rl_line_buffer[end - 1]);
    bool begins = next < rl_end && !memchr("\n)", rl_line_buffer[next], 2);
    rl_delete_text(end, next);
    rl_point = end;
    if (!ends && begins) rl_insert_text(" ");
    rl_point = end;
}

/* Of two lines, or so many. */
static int on_join(int count, int key)
{
    (void)key;
    if (sh_line_end(rl_point) == rl_end) return rl_ding();
    vi.joins = count;
    rl_begin_undo_group();
    do join();
    while (--count > 1 && sh_line_end(rl_point) < rl_end);
    rl_end_undo_group();
    rl_point = sh_settled(rl_point);
    return 0;
}

/* ---- . Esc A I R ---- */

/* Made again, A and I put their text behind and before all lines. It goes to the line that the
 * cursor was in. */
static void bring_back(const char *before, int length, int point)
{
    int more = rl_end - length;
    bool behind = more > 0 && memcmp(rl_line_buffer, before, (size_t)length) == 0;
    bool ahead = more > 0 && memcmp(rl_line_buffer + more, before, (size_t)length) == 0;
    bool last = !memchr(before + point, '\n', (size_t)(length - point));
    bool first = !memchr(before, '\n', (size_t)point);
    if (!(behind && !last) && !(ahead && !first)) return;
    int from = behind && !last ? length : 0;
    char *text = copy(from, from + more);
    if (!text) return;
    rl_do_undo(); /* so that undoing what is put in does not lead there */
    rl_point = from == length ? sh_line_end(point) : sh_line_begin(point);
    rl_insert_text(text);
    rl_point = sh_character_before(rl_point);
    free(text);
}

static int on_redo(int count, int key)
{
    int length = rl_end, point = rl_point;
    if (vi.joined) return on_join(rl_explicit_arg ? count : vi.joins, key);
    char *before = has_lines() ? copy(0, length) : NULL;
    vi.redoing = true;
    rl_begin_undo_group();
    int status = sh_wrap_call(rl_vi_redo, count, key);
    rl_end_undo_group();
    if (before) bring_back(before, length, point);
    vi.redoing = false;
    free(before);
    return status;
}

void sh_vi_mend(void)
{
    bool again = rl_last_func == on_redo || sh_undo_is(rl_last_func);
    if (rl_undo_list != vi.changes && !again) vi.joined = rl_last_func == on_join;
    vi.changes = rl_undo_list;
}

/* Esc goes back a letter, but not into the line before. */
static int on_escape(int count, int key)
{
    bool begins = rl_point > 0 && rl_line_buffer[rl_point - 1] == '\n';
    note_typed();
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

/* R has a map of its own, which Readline makes when it is first typed, with its own commands. */
static int on_replace(int count, int key)
{
    int status = sh_wrap_call(rl_vi_replace, count, key);
    sh_wrap_bind_in(rl_get_keymap());
    return status;
}

/* A letter is put in the place of no newline. */
static int on_overstrike(int count, int key)
{
    if (rl_point == rl_end || rl_line_buffer[rl_point] != '\n')
        return sh_wrap_call(rl_vi_overstrike, count, key);
    rl_vi_overstrike(0, key); /* begins a group of its own at the first letter */
    rl_begin_undo_group();
    rl_insert_text(" ");
    rl_point--;
    int status = sh_wrap_call(rl_vi_overstrike, count, key);
    rl_end_undo_group();
    return status;
}

void sh_vi_bind(void)
{
    rl_bind_keyseq_in_map("gg", on_line, vi_movement_keymap);
    rl_bind_key_in_map('J', on_join, vi_movement_keymap);
}

void sh_vi_open(void)
{
    static const sh_wrapped commands[] = {
        {rl_vi_delete_to, on_delete},     {rl_vi_change_to, on_change},
        {rl_vi_yank_to, on_yank},         {rl_vi_put, on_put},
        {rl_vi_replace, on_replace},      {rl_vi_overstrike, on_overstrike},
        {rl_vi_subst, on_substitute},     {rl_vi_redo, on_redo},
        {rl_vi_movement_mode, on_escape}, {rl_vi_append_eol, on_append},
        {rl_vi_insert_beg, on_insert},    {NULL, NULL}};
    sh_wrap_add(commands);
}
