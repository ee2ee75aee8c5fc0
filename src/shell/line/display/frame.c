/* The rows of an input as they stand on the terminal. */
#include "shell/line/display/frame.h"

#include "shell/colour/colour.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

enum { NO_COLUMN = -1, ROWS_FIRST = 8, ROOM_FIRST = 512, MOVE_BYTES = 32 };

#define SYNCHRONISED_BEGINS "\033[?2026h"
#define SYNCHRONISED_ENDS   "\033[?2026l"

/* A byte as it is written: in its style, at its column. Those that go on with a character, or are
 * drawn over it, have none. */
typedef struct cell {
    char byte;
    unsigned char style;
    int column;
} cell;

typedef struct line {
    size_t begin, end; /* cells */
    int width;
} line;

typedef struct frame {
    cell *cell;
    size_t cells, cells_room;
    line *line;
    size_t lines, lines_room;
} frame;

static struct {
    frame shown, next;
    size_t row; /* where the cursor is, from the frame's first */
    int column;
    size_t top; /* the layout's row that is the frame's first */
    char *out;  /* to be written */
    size_t length, room;
    unsigned char style; /* that the terminal writes in */
    bool failed;         /* memory ended: nothing of this is written */
    size_t row_before;   /* where the cursor is then */
    int column_before;
} paper;

/* ---- What is to be written ---- */

static void put(const char *bytes, size_t count)
{
    if (paper.room - paper.length < count) {
        size_t room = 2 * paper.room + count + ROOM_FIRST;
        char *wider = realloc(paper.out, room);
        if (!wider) {
            paper.failed = true;
            return;
        }
        paper.out = wider;
        paper.room = room;
    }
    memcpy(paper.out + paper.length, bytes, count);
    paper.length += count;
}

static void put_text(const char *text)
{
    put(text, strlen(text));
}

static void put_move(size_t count, char direction)
{
    char text[MOVE_BYTES];
    if (count > 0) put(text, (size_t)snprintf(text, sizeof text, "\033[%zu%c", count, direction));
}

static void put_style(unsigned char style)
{
    if (style == paper.style) return;
    put_text(sh_style_code(style));
    paper.style = style;
}

static void begin_output(void)
{
    paper.length = 0;
    paper.failed = false;
    paper.style = SH_STYLE_PLAIN;
    paper.row_before = paper.row;
    paper.column_before = paper.column;
    put_text(SYNCHRONISED_BEGINS);
}

/* A terminal that is gone is noticed where keys are read. */
static void write_all(const char *bytes, size_t count)
{
    int to = fileno(rl_outstream);
    fflush(rl_outstream);
    while (count > 0) {
        ssize_t written = write(to, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

/* In one write. False: memory has ended, and nothing was. */
static bool end_output(void)
{
    put_style(SH_STYLE_PLAIN);
    bool anything = paper.length > strlen(SYNCHRONISED_BEGINS);
    put_text(SYNCHRONISED_ENDS);
    if (!paper.failed && anything) write_all(paper.out, paper.length);
    if (paper.failed) {
        paper.row = paper.row_before;
        paper.column = paper.column_before;
    }
    return !paper.failed;
}

/* ---- Moving ---- */

/* To a row that stands there. */
static void go_to_row(size_t row)
{
    if (row < paper.row) put_move(paper.row - row, 'A');
    if (row > paper.row) put_move(row - paper.row, 'B');
    paper.row = row;
}

/* The left edge is where nobody can be wrong about the column. */
static void go_to_column(int column)
{
    if (column == paper.column) return;
    put_text("\r");
    put_move((size_t)column, 'C');
    paper.column = column;
}

/* To the left edge of a new row below the last, where the cursor is. */
static void go_below(void)
{
    put_style(SH_STYLE_PLAIN);
    put_text("\r\n");
    paper.row++;
    paper.column = 0;
}

/* ---- Rows ---- */

/* Makes room for one more element of `size` bytes; false where there is none. */
static bool make_room(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room) return true;
    size_t more = 2 * *room + ROWS_FIRST;
    void *wider = realloc(*array, more * size);
    if (!wider) return false;
    *array = wider;
    *room = more;
    return true;
}

static bool add_cell(frame *f, cell c)
{
    void *array = f->cell;
    bool fits = make_room(&array, f->cells, &f->cells_room, sizeof *f->cell);
    f->cell = array;
    if (fits) f->cell[f->cells++] = c;
    return fits;
}

static bool add_glyph(frame *f, const sh_glyph *glyph, unsigned char style, int column)
{
    for (size_t i = 0; i < glyph->shown_length; i++) {
        bool begins = i == 0 && glyph->width > 0;
        cell c = {glyph->shown[i], style, begins ? column : NO_COLUMN};
        if (!add_cell(f, c)) return false;
    }
    return true;
}

/* Adds a row of the layout. */
static bool add_line(frame *f, const sh_window *window, const sh_page *page, const sh_scene *scene,
                     const sh_row *row)
{
    void *array = f->line;
    bool fits = make_room(&array, f->lines, &f->lines_room, sizeof *f->line);
    f->line = array;
    if (!fits) return false;
    line new = {.begin = f->cells};
    for (size_t at = row->begin; at < row->end;) {
        sh_glyph glyph = sh_glyph_at(page, scene->byte + at, row->end - at, new.width);
        unsigned char style = window->colour ? scene->style[at] : SH_STYLE_PLAIN;
        if (!add_glyph(f, &glyph, style, new.width)) return false;
        new.width += glyph.width;
        at += glyph.length;
    }
    new.end = f->cells;
    f->line[f->lines++] = new;
    return true;
}

static bool same(const cell *a, const cell *b)
{
    return a->byte == b->byte && a->style == b->style;
}

/* How many cells at the beginning of two rows are the same, up to a character that differs: one
 * over which something is drawn is written with it. */
static size_t count_same(const frame *f, const line *a, const frame *g, const line *b)
{
    const cell *one = f->cell + a->begin, *other = g->cell + b->begin;
    size_t ones = a->end - a->begin, others = b->end - b->begin, i = 0;
    while (i < ones && i < others && same(&one[i], &other[i])) i++;
    bool inside =
        (i < ones && one[i].column == NO_COLUMN) || (i < others && other[i].column == NO_COLUMN);
    if (!inside) return i;
    while (i > 0 && (one[--i].column == NO_COLUMN || other[i].column == NO_COLUMN)) continue;
    return i;
}

/* Writes a row from cell `from` on; the cursor is there, and ends behind it. */
static void put_cells(const frame *f, const line *l, size_t from)
{
    for (size_t i = l->begin + from; i < l->end; i++) {
        put_style(f->cell[i].style);
        put(&f->cell[i].byte, 1);
    }
    paper.column = l->width;
}

static void put_rest_blank(void)
{
    put_style(SH_STYLE_PLAIN);
    put_text("\033[K");
}

/* Row i of the new frame in the place of the one that is shown. */
static void change_line(size_t i)
{
    const frame *now = &paper.shown, *next = &paper.next;
    const line *old = &now->line[i], *new = &next->line[i];
    size_t kept = count_same(now, old, next, new), length = new->end - new->begin;
    if (kept == length && kept == old->end - old->begin) return;
    go_to_row(i);
    go_to_column(kept == length ? new->width : next->cell[new->begin + kept].column);
    put_cells(next, new, kept);
    if (old->width > new->width) put_rest_blank();
}

/* Row i of the new frame, below what is shown. What stood on the screen there goes. */
static void append_line(size_t i)
{
    const line *new = &paper.next.line[i];
    if (i > 0) {
        go_to_row(i - 1);
        go_below();
    }
    go_to_column(0);
    put_rest_blank();
    put_cells(&paper.next, new, 0);
}

/* ---- Frames ---- */

static bool render(const sh_window *window, const sh_page *page, const sh_scene *scene,
                   const sh_layout *layout, size_t from, size_t count)
{
    frame *f = &paper.next;
    f->cells = f->lines = 0;
    for (size_t i = 0; i < count; i++)
        if (!add_line(f, window, page, scene, &layout->row[from + i])) return false;
    return true;
}

static void swap_frames(void)
{
    frame shown = paper.shown;
    paper.shown = paper.next;
    paper.next = shown;
}

/* The layout's row that is the first one shown, so that the cursor's is, moved as little as can be.
 */
static size_t choose_top(const sh_layout *layout, size_t most)
{
    size_t top = paper.top;
    if (layout->rows <= most) return 0;
    if (top + most > layout->rows) top = layout->rows - most;
    if (layout->cursor_row < top) top = layout->cursor_row;
    if (layout->cursor_row >= top + most) top = layout->cursor_row - most + 1;
    return top;
}

void sh_frame_draw(const sh_window *window, const sh_page *page, const sh_scene *scene,
                   const sh_layout *layout)
{
    size_t most = window->rows > 0 ? (size_t)window->rows : 1;
    size_t top = choose_top(layout, most), count = layout->rows < most ? layout->rows : most;
    if (layout->failed || !render(window, page, scene, layout, top, count)) return;
    begin_output();
    /* Rows of the input before may stand below, where Ctrl-C met a window that had just grown. */
    if (paper.shown.lines == 0) put_text("\033[J");
    for (size_t i = 0; i < count && i < paper.shown.lines; i++) change_line(i);
    for (size_t i = paper.shown.lines; i < count; i++) append_line(i);
    if (count < paper.shown.lines) {
        go_to_row(count);
        go_to_column(0);
        put_style(SH_STYLE_PLAIN);
        put_text("\033[J");
    }
    go_to_row(layout->cursor_row - top);
    go_to_column(layout->cursor_column);
    if (!end_output()) return;
    paper.top = top;
    swap_frames();
}

void sh_frame_print(const sh_window *window, const sh_page *page, const sh_scene *scene,
                    const sh_layout *layout)
{
    if (layout->failed || !render(window, page, scene, layout, 0, layout->rows)) return;
    begin_output();
    go_to_row(0);
    /* Row by row: what is cleared at once from the top some terminals keep as scrolled away. */
    for (size_t i = 0; i < layout->rows; i++) append_line(i);
    if (end_output()) swap_frames();
}

void sh_frame_begin(void)
{
    paper.shown.lines = paper.shown.cells = 0;
    paper.row = paper.top = 0;
    paper.column = 0;
}

void sh_frame_leave(void)
{
    if (paper.shown.lines == 0) return;
    const line *last = &paper.shown.line[paper.shown.lines - 1];
    begin_output();
    go_to_row(paper.shown.lines - 1);
    go_to_column(last->width);
    end_output();
    sh_frame_begin();
}

/* Columns that the terminal keeps together from that cell on. */
static int step_of(const frame *f, const line *l, size_t at)
{
    const cell *c = f->cell;
    if ((unsigned char)c[at].byte < 0x80) return 1;
    size_t next = at + 1;
    while (next < l->end && c[next].column == NO_COLUMN) next++;
    return (next < l->end ? c[next].column : l->width) - c[at].column;
}

/* A terminal of so many columns lets a row flow anew: how many rows of it come before the one that
 * holds this column. What is behind the end stays on the last. */
static size_t rows_before(const frame *f, const line *l, int column, int columns)
{
    size_t rows = 0;
    int at = 0, left = 0; /* where the terminal's row begins */
    for (size_t i = l->begin; i < l->end && at <= column; i++) {
        bool ascii = (unsigned char)f->cell[i].byte < 0x80;
        if (f->cell[i].column == NO_COLUMN && !ascii) continue;
        int step = step_of(f, l, i);
        if (at + step > left + columns && at > left) {
            rows++;
            left = at;
        }
        at += step;
    }
    return rows;
}

/* How many rows more come before the cursor's then. */
static size_t more_by_flow(const frame *f, int columns)
{
    size_t more = rows_before(f, &f->line[paper.row], paper.column, columns);
    for (size_t i = 0; i < paper.row; i++)
        more += rows_before(f, &f->line[i], f->line[i].width, columns);
    return more;
}

void sh_frame_erase(const sh_window *window)
{
    const frame *f = &paper.shown;
    if (f->lines == 0) return;
    size_t above = paper.row;
    if (!window->keeps) above += more_by_flow(f, window->columns > 0 ? window->columns : 1);
    begin_output();
    put_text("\r");
    put_move(above, 'A');
    put_text("\033[J");
    end_output();
    sh_frame_begin();
}

static void free_frame(frame *f)
{
    free(f->cell);
    free(f->line);
    *f = (frame){.cell = NULL};
}

void sh_frame_free(void)
{
    free_frame(&paper.shown);
    free_frame(&paper.next);
    free(paper.out);
    paper.out = NULL;
    paper.length = paper.room = 0;
}
