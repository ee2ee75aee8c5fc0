/* See cut.h. A record is looked through without a change, anew where it was not all at hand; only
 * when it is whole are quotes taken out of its cells. */
#include "io/csv/cut.h"

#include "base/arith.h"
#include "base/text.h"
#include "io/csv/number.h"

#include <inttypes.h>
#include <string.h>

enum {
    BUFFER = 256 << 10, /* bytes at hand; more where a record is longer */
    CELLS = 64
};

nb_status nb_csv_open(nb_ctx *ctx, nb_source *source, nb_csv_text *text)
{
    *text = (nb_csv_text){.ctx = ctx, .source = source, .line = 1, .began = 1};
    text->room = nb_least_size(nb_source_most(source), BUFFER) + NB_CSV_AHEAD;
    text->buffer = nb_alloc(ctx, text->room);
    nb_status status = text->buffer ? nb_csv_fill(text) : NB_EMEMORY;
    const uint8_t *head = (const uint8_t *)text->buffer;
    if (status == NB_OK && text->end >= 2 && head[0] + head[1] == 0xFE + 0xFF && head[0] >= 0xFE)
        status = nb_source_refuse(source, "this is UTF-16; save it as UTF-8");
    if (status == NB_OK && text->end >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0) text->at = 3;
    if (status != NB_OK) nb_csv_close(text);
    return status;
}

void nb_csv_close(nb_csv_text *text)
{
    nb_free(text->ctx, text->buffer, text->room);
    nb_free(text->ctx, text->cell, text->cell_room * sizeof *text->cell);
    text->buffer = NULL;
    text->cell = NULL;
    text->cell_room = 0;
}

void nb_csv_delimit(nb_csv_text *text, char delimiter)
{
    memset(text->stops, 0, sizeof text->stops);
    text->delimiter = delimiter;
    text->stops[(unsigned char)delimiter] = true;
    text->stops['\n'] = text->stops['\r'] = text->stops[0] = true;
}

/* ---- Bytes at hand ---- */

static nb_status make_room(nb_csv_text *text)
{
    if (text->end > NB_CSV_RECORD_MAX)
        return nb_source_refuse(text->source,
                                "the record that begins in line %" PRId64
                                " has no end within %d MiB; is a quote not closed?",
                                text->line, NB_CSV_RECORD_MAX >> 20);
    char *grown = nb_resize(text->ctx, text->buffer, text->room, 2 * text->room);
    if (!grown) return NB_EMEMORY;
    text->buffer = grown;
    text->room *= 2;
    return NB_OK;
}

nb_status nb_csv_fill(nb_csv_text *text)
{
    size_t got, left = text->end - text->at;
    int64_t done, total;
    nb_status status = nb_poll(text->ctx);
    if (status != NB_OK) return status;
    nb_source_progress(text->source, &done, &total);
    nb_tell(text->ctx, "reading", done, total);
    memmove(text->buffer, text->buffer + text->at, left);
    text->at = 0;
    text->end = left;
    if (left > text->room / 2 && !text->last) status = make_room(text);
    if (status != NB_OK) return status;
    size_t wanted = text->room - NB_CSV_AHEAD - left;
    status = nb_source_read_some(text->source, text->buffer + left, wanted, &got);
    if (status != NB_OK) return status;
    text->end = left + got;
    memset(text->buffer + text->end, 0, NB_CSV_AHEAD);
    text->last = got < wanted || nb_source_at_end(text->source);
    uint64_t whole = nb_source_raw_size(text->source);
    if (text->last) status = nb_source_read(text->source, NULL, 0, "its end");
    if (status == NB_OK && text->last && nb_source_position(text->source) < whole)
        status = nb_source_refuse(text->source, "it became shorter while it was read");
    return status;
}

/* ---- Lines ---- */

const char *nb_csv_line_end(const nb_csv_text *text, const char *end)
{
    const char *all = text->buffer + text->end;
    if (*end == '\n') return end + 1;
    if (*end == '\0') return end == all && text->last ? end : NULL;
    if (end + 1 == all && !text->last) return NULL;
    return end + 1 + (end[1] == '\n');
}

static bool is_blank(const nb_csv_text *text, char c)
{
    return c == ' ' || (c == '\t' && text->delimiter != '\t');
}

static const char *pass_blanks(const nb_csv_text *text, const char *at)
{
    while (is_blank(text, *at)) at++;
    return at;
}

/* Passes over blank lines and comments. *all: up to the end of the text; false from the function:
 * more bytes are needed to tell. */
static bool pass_lines(nb_csv_text *text, bool *all)
{
    const char *last = text->buffer + text->end;
    for (;;) {
        const char *begin = text->buffer + text->at, *at = pass_blanks(text, begin);
        if (text->comment && *begin == text->comment) {
            at = begin;
            while (*at != '\n' && *at != '\r' && at < last) at++;
        }
        *all = at == last && text->last;
        if (*all) return true;
        if (*at != '\n' && *at != '\r') return at < last;
        const char *next = nb_csv_line_end(text, at);
        if (!next) return false;
        text->at = (size_t)(next - text->buffer);
        text->line++;
    }
}

/* ---- Cells ---- */

typedef enum outcome { MORE, BAD, CELL, RECORD } outcome;

/* A record that is being looked through. */
typedef struct looking {
    nb_csv_text *text;
    const char *at;
    int64_t lines; /* that its quotes hold */
} looking;

static outcome bad(const looking *look, const char *what)
{
    nb_source_refuse(look->text->source, "line %" PRId64 ": %s", look->text->line + look->lines,
                     what);
    return BAD;
}

/* What ends the cell; look->at is behind it. */
static outcome end_cell(looking *look, const char *end)
{
    const nb_csv_text *text = look->text;
    if (*end == text->delimiter) {
        look->at = end + 1;
        return CELL;
    }
    if (*end == '\0' && end < text->buffer + text->end)
        return bad(look, "a byte 0 stands there; this is no text");
    look->at = nb_csv_line_end(text, end);
    return look->at ? RECORD : MORE;
}

static int64_t count_lines(const char *from, const char *to)
{
    int64_t lines = 0;
    for (; from < to; from++) lines += *from == '\n' || (*from == '\r' && from[1] != '\n');
    return lines;
}

/* The quote that closes the cell which begins at `at`; NULL: none is at hand. */
static const char *find_quote(const nb_csv_text *text, const char *at, nb_csv_cell *cell)
{
    const char *last = text->buffer + text->end;
    for (;; at += 2) {
        at = memchr(at, '"', (size_t)(last - at));
        if (!at || (at + 1 == last && !text->last)) return NULL;
        if (at[1] != '"') return at;
        cell->doubled = true;
    }
}

static outcome quoted_cell(looking *look, const char *begin, nb_csv_cell *cell)
{
    const nb_csv_text *text = look->text;
    const char *quote = find_quote(text, begin, cell);
    if (!quote) return text->last ? bad(look, "a quote opens there and is never closed") : MORE;
    cell->text = begin;
    cell->length = (size_t)(quote - begin);
    cell->quoted = true;
    if (memchr(begin, 0, cell->length)) return bad(look, "a byte 0 stands there; this is no text");
    look->lines += count_lines(begin, quote);
    const char *end = pass_blanks(text, quote + 1);
    if (text->stops[(unsigned char)*end]) return end_cell(look, end);
    return bad(look, "something follows the quote that closes a cell; a quote inside a cell stands "
                     "there twice");
}

static outcome look_at_cell(looking *look, nb_csv_cell *cell)
{
    const nb_csv_text *text = look->text;
    const char *begin = pass_blanks(text, look->at), *end = begin;
    *cell = (nb_csv_cell){.text = begin};
    if (*begin == '"') return quoted_cell(look, begin + 1, cell);
    while (!text->stops[(unsigned char)*end]) end++;
    outcome how = end_cell(look, end);
    while (end > begin && is_blank(text, end[-1])) end--;
    cell->length = (size_t)(end - begin);
    return how;
}

static bool keep_cell(nb_csv_text *text, const nb_csv_cell *cell)
{
    if (text->cells == text->cell_room && (!text->most || text->cells < text->most)) {
        size_t room = text->cell_room ? 2 * text->cell_room : CELLS;
        if (text->most && room > text->most) room = text->most;
        nb_csv_cell *grown =
            nb_resize(text->ctx, text->cell, text->cell_room * sizeof *grown, room * sizeof *grown);
        if (!grown) return false;
        text->cell = grown;
        text->cell_room = room;
    }
    if (text->cells < text->cell_room) text->cell[text->cells] = *cell;
    text->cells++;
    return true;
}

/* All cells of the record; *status where it is BAD. */
static outcome look_through(looking *look, nb_status *status)
{
    nb_csv_text *text = look->text;
    nb_csv_cell cell;
    outcome how = CELL;
    for (text->cells = 0; how == CELL;) {
        how = look_at_cell(look, &cell);
        *status = how == BAD ? NB_EFORMAT : NB_OK;
        if (how != CELL && how != RECORD) break;
        if (text->cells == NB_CSV_COLUMNS_MAX) {
            *status = NB_EFORMAT;
            return bad(look, "it has more cells than a table can have columns, 1048576");
        }
        if (keep_cell(text, &cell)) continue;
        *status = NB_EMEMORY;
        return BAD;
    }
    return how;
}

static void take_quotes_out(nb_csv_cell *cell)
{
    char *to = (char *)(uintptr_t)cell->text;
    size_t length = 0;
    for (size_t i = 0; i < cell->length; i++) {
        to[length++] = cell->text[i];
        if (cell->text[i] == '"') i++;
    }
    cell->length = length;
}

static void settle(nb_csv_text *text, const looking *look, bool held)
{
    size_t kept = text->cells < text->cell_room ? text->cells : text->cell_room;
    for (size_t i = 0; i < kept && !held; i++)
        if (text->cell[i].doubled) take_quotes_out(&text->cell[i]);
    text->began = text->line;
    text->line += look->lines + 1;
    text->at = (size_t)(look->at - text->buffer);
}

nb_status nb_csv_cut(nb_csv_text *text, bool held, bool *more)
{
    nb_status status = NB_OK;
    *more = false;
    while (status == NB_OK) {
        bool all;
        outcome how = MORE;
        if (pass_lines(text, &all)) {
            looking look = {text, text->buffer + text->at, 0};
            if (all) return NB_OK;
            how = look_through(&look, &status);
            *more = how == RECORD;
            if (*more) settle(text, &look, held);
        }
        if (how != MORE || held) return status;
        status = nb_csv_fill(text);
    }
    return status;
}
