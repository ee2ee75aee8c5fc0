/* See rows.h. A row of plain numbers is read straight from the bytes at hand; what is anything else
 * goes the slow way through its cells, which knows all messages. */
#include "io/csv/rows.h"

#include "base/escape.h"
#include "base/memory.h"
#include "io/csv/number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REASON_MAX = 512 };

/* What lies under it f32 rounds to a finite number: its largest and half a step. */
#define F32_MOST 0x1.ffffffp+127

/* ---- Messages ---- */

static nb_status refuse(const nb_csv_rows *rows, size_t column, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

static nb_status refuse(const nb_csv_rows *rows, size_t column, const char *reason, ...)
{
    char text[REASON_MAX], named[NB_CSV_NAMED];
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    return nb_source_refuse(
        rows->text.source, "row %" PRId64 " (line %" PRId64 "), column %zu%s: %s", rows->count,
        rows->text.began, column + 1, nb_csv_named(&rows->columns, column, named), text);
}

/* A cell as a message shows it. */
static const char *shown(const nb_csv_cell *cell, char out[NB_SHOWN])
{
    char text[NB_SHOWN];
    size_t length = cell->length < sizeof text - 1 ? cell->length : sizeof text - 1;
    memcpy(text, cell->text, length);
    text[length] = '\0';
    return nb_text_shown(text, out);
}

static const char *cure_of(const nb_csv_rows *rows, const nb_csv_cell *cell, size_t column)
{
    char other = rows->mark == ',' ? '.' : ',';
    double value;
    if (rows->columns.slot[column] >= (int32_t)rows->columns.x)
        return "; the rows that were looked at have numbers there: classes = true takes all of "
               "them as names";
    if (nb_csv_cell_number(cell, &other, &value))
        return rows->mark == ',' ? ": numbers have a comma here; decimal = \".\" says that they "
                                   "have a point"
                                 : ": numbers have a point here; decimal = \",\" says that they "
                                   "have a comma";
    if (rows->options->y_count == 0)
        return "; y = makes a column the classes, x = {…} says which columns are wanted";
    return "; x = {…} says which columns are wanted";
}

static nb_status no_number(const nb_csv_rows *rows, const nb_csv_cell *cell, size_t column)
{
    char text[NB_SHOWN];
    if (nb_csv_is_date(cell->text, cell->length))
        return refuse(rows, column,
                      "'%s' looks like a date, which is no number; write days or years as numbers, "
                      "or leave the column out with x = {…}",
                      shown(cell, text));
    return refuse(rows, column, "'%s' is no number%s", shown(cell, text),
                  cure_of(rows, cell, column));
}

static nb_status missing_cell(nb_csv_rows *rows, const nb_csv_cell *cell, size_t column, bool *drop)
{
    char text[NB_SHOWN];
    int32_t slot = rows->columns.slot[column];
    bool in_x = slot >= 0 && slot < (int32_t)rows->columns.x;
    nb_csv_missing how = rows->options->missing;
    const char *what = cell->length ? shown(cell, text) : "an empty cell";
    *drop = how == NB_MISSING_DROP;
    if (*drop) return NB_OK;
    if (in_x && how != NB_MISSING_REFUSE) {
        rows->value[slot] = how == NB_MISSING_MEAN ? NAN : rows->options->fill;
        return NB_OK;
    }
    return refuse(rows, column,
                  "%s: the value is missing; missing = \"drop\" leaves such rows out%s", what,
                  in_x ? ", \"mean\" takes the column's mean, a number stands for them" : "");
}

/* ---- Cells, the slow way ---- */

static nb_status take_number(nb_csv_rows *rows, const nb_csv_cell *cell, size_t column)
{
    double value;
    char text[NB_SHOWN];
    if (!nb_csv_cell_number(cell, &rows->mark, &value)) return no_number(rows, cell, column);
    if (!(fabs(value) < rows->most) && strcspn(cell->text, "0123456789") < cell->length)
        return refuse(rows, column, "'%s' is larger than any %s%s", shown(cell, text),
                      nb_dtype_name(rows->options->dtype),
                      rows->options->dtype == NB_F32 ? "; dtype = \"f64\" takes it" : "");
    rows->value[rows->columns.slot[column]] = value;
    return NB_OK;
}

static nb_status unknown_class(const nb_csv_rows *rows, const nb_csv_cell *cell, size_t column)
{
    char text[NB_SHOWN], first[NB_SHOWN];
    nb_text_shown(nb_labels_text(&rows->labels, 0), first);
    return refuse(rows, column, "'%s' is none of the %d classes given, '%s' the first",
                  shown(cell, text), (int)rows->labels.count, first);
}

static nb_status take_class(nb_csv_rows *rows, const nb_csv_cell *cell, size_t column)
{
    rows->class = nb_labels_find(&rows->labels, cell->text, cell->length);
    if (rows->class >= 0) return NB_OK;
    if (rows->labels.closed) return unknown_class(rows, cell, column);
    for (size_t i = 0, n; i < cell->length; i += n)
        if ((n = nb_utf8_length(cell->text + i, cell->length - i)) == 0)
            return refuse(rows, column, "the name of a class is not UTF-8; save the file as UTF-8");
    nb_status status = nb_labels_add(&rows->labels, cell->text, cell->length);
    if (status == NB_EARG)
        return refuse(rows, column, "there are more than %d different names; these are no classes",
                      NB_CSV_LABELS_MAX);
    rows->class = rows->labels.count - 1;
    return status;
}

static nb_status take_cell(nb_csv_rows *rows, const nb_csv_cell *cell, size_t column, bool *drop)
{
    int32_t slot = rows->columns.slot[column];
    *drop = false;
    if (slot == NB_CSV_SKIP) return NB_OK;
    if (nb_csv_is_missing(cell->text, cell->length) &&
        !(slot == NB_CSV_CLASS && nb_labels_find(&rows->labels, cell->text, cell->length) >= 0))
        return missing_cell(rows, cell, column, drop);
    return slot == NB_CSV_CLASS ? take_class(rows, cell, column) : take_number(rows, cell, column);
}

/* The next record. *kept false: it is left out. */
static nb_status take_slow(nb_csv_rows *rows, bool *more, bool *kept)
{
    const nb_csv_text *text = &rows->text;
    nb_status status = nb_csv_cut(&rows->text, false, more);
    *kept = false;
    if (status != NB_OK || !*more) return status;
    rows->count++;
    if (text->cells != rows->layout.columns)
        return nb_source_refuse(text->source,
                                "row %" PRId64 " (line %" PRId64 ") has %zu cell%s; the table "
                                "has %zu column%s",
                                rows->count, text->began, text->cells, text->cells == 1 ? "" : "s",
                                rows->layout.columns, rows->layout.columns == 1 ? "" : "s");
    bool drop = false;
    for (size_t i = 0; i < text->cells && status == NB_OK && !drop; i++)
        status = take_cell(rows, &text->cell[i], i, &drop);
    rows->dropped += drop;
    *kept = !drop;
    return status;
}

/* ---- Plain rows ---- */

/* The end of a number that is all of its cell but for blanks before it; NULL: that is not sure. */
static const char *plain_number(nb_csv_rows *rows, const char *at, int32_t slot)
{
    double value;
    bool marked;
    while (*at == ' ') at++;
    const char *end = nb_csv_number(at, rows->mark ? rows->mark : '.', &value, &marked);
    if (!end || (marked && !rows->mark) || !(fabs(value) < rows->most)) return NULL;
    rows->value[slot] = value;
    return end;
}

/* The end of a cell without quotes, which is passed over or holds a class that is known. */
static const char *plain_text(nb_csv_rows *rows, const char *at, bool class)
{
    const bool *stops = rows->text.stops;
    const char *end = at;
    if (*at == '"' || *at == ' ' || (*at == '\t' && rows->text.delimiter != '\t')) return NULL;
    while (!stops[(unsigned char)*end]) end++;
    if (class) rows->class = nb_labels_find(&rows->labels, at, (size_t)(end - at));
    return class && rows->class < 0 ? NULL : end;
}

/* The line's end behind cells that are plain; NULL: not all are. */
static const char *pass_plain(nb_csv_rows *rows, const char *at)
{
    const int32_t *slot = rows->columns.slot;
    char delimiter = rows->text.delimiter;
    const char *end = NULL;
    size_t last = rows->layout.columns - 1;
    for (size_t i = 0; i <= last; i++) {
        i += nb_csv_numbers(&at, delimiter, rows->mark, slot + i, last - i, rows->value);
        if (i == last && nb_csv_numbers(&at, '\n', rows->mark, slot + i, 1, rows->value))
            return at - 1;
        end = slot[i] >= 0 ? plain_number(rows, at, slot[i])
                           : plain_text(rows, at, slot[i] == NB_CSV_CLASS);
        if (!end || (i < last && *end != delimiter)) return NULL;
        at = end + 1;
    }
    return end + (*end == '\r' && end[1] == '\n');
}

/* Reads a row of plain cells that lies at hand whole; else false, and nothing has happened. */
static bool take_plain(nb_csv_rows *rows)
{
    nb_csv_text *text = &rows->text;
    const char *at = text->buffer + text->at;
    const char *end = text->comment && *at == text->comment ? NULL : pass_plain(rows, at);
    if (!end || *end != '\n') return false;
    rows->count++;
    text->began = text->line++;
    text->at = (size_t)(end + 1 - text->buffer);
    return true;
}

nb_status nb_csv_rows_next(nb_csv_rows *rows, bool *more)
{
    bool kept = false;
    *more = true;
    if (take_plain(rows)) return NB_OK;
    while (*more && !kept) {
        nb_status status = take_slow(rows, more, &kept);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* ---- Begin and end ---- */

static nb_status take_names(nb_csv_rows *rows)
{
    const nb_csv_options *o = rows->options;
    nb_status status = NB_OK;
    if (!o->names || !rows->columns.classes) return NB_OK;
    for (size_t i = 0; i < o->name_count && status == NB_OK; i++) {
        char text[NB_SHOWN];
        size_t length = strlen(o->names[i]);
        if (nb_labels_find(&rows->labels, o->names[i], length) >= 0)
            return nb_fail(rows->ctx, NB_EARG, "classes hold '%s' twice",
                           nb_text_shown(o->names[i], text));
        status = nb_labels_add(&rows->labels, o->names[i], length);
    }
    rows->labels.closed = true;
    return status;
}

nb_status nb_csv_rows_open(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                           nb_csv_rows *rows)
{
    *rows = (nb_csv_rows){.ctx = ctx, .options = options, .columns.ctx = ctx};
    nb_labels_init(&rows->labels, ctx);
    rows->most = options->dtype == NB_F32 ? F32_MOST : INFINITY;
    nb_status status = nb_csv_open(ctx, source, &rows->text);
    if (status != NB_OK) return status;
    rows->text.comment = options->comment;
    status = nb_csv_find(&rows->text, options, &rows->layout);
    if (status == NB_OK)
        status = nb_csv_columns_find(&rows->text, &rows->layout, options, &rows->columns);
    if (status == NB_OK) status = take_names(rows);
    if (status == NB_OK)
        rows->value = nb_alloc(ctx, (rows->columns.x + rows->columns.y) * sizeof *rows->value);
    if (status == NB_OK && !rows->value) status = NB_EMEMORY;
    rows->mark = options->decimal ? options->decimal : rows->text.delimiter == ',' ? '.' : '\0';
    if (status != NB_OK) nb_csv_rows_close(rows);
    return status;
}

void nb_csv_rows_close(nb_csv_rows *rows)
{
    nb_ctx *ctx = rows->ctx;
    nb_csv_close(&rows->text);
    nb_csv_layout_free(ctx, &rows->layout);
    nb_labels_free(&rows->labels);
    nb_csv_columns_free(&rows->columns);
    nb_free(ctx, rows->value, (rows->columns.x + rows->columns.y) * sizeof *rows->value);
    rows->value = NULL;
}
