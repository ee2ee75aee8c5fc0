/* See find.h. */
#include "io/csv/find.h"

#include "base/memory.h"
#include "io/csv/number.h"

#include <string.h>

enum { LOOKED_AT = 50 }; /* records */

static const char delimiters[] = {',', ';', '\t', '|'};

/* ---- Cells ---- */

static bool is_number(const nb_csv_cell *cell, char mark, double *value, bool *marked)
{
    const char *end = nb_csv_number(cell->text, mark, value, marked);
    return end == cell->text + cell->length && cell->length > 0;
}

bool nb_csv_cell_number(const nb_csv_cell *given, char *mark, double *value)
{
    bool marked;
    nb_csv_cell cell = *given;
    while (cell.length > 0 && *cell.text == ' ') cell.text++, cell.length--;
    while (cell.length > 0 && cell.text[cell.length - 1] == ' ') cell.length--;
    if (is_number(&cell, *mark ? *mark : '.', value, &marked)) {
        if (marked) *mark = *mark ? *mark : '.';
        return true;
    }
    if (*mark || !is_number(&cell, ',', value, &marked)) return false;
    *mark = ',';
    return true;
}

/* Which marks numbers may have before one was met: both where none of them is the delimiter. */
static char mark_of(const nb_csv_options *options, char delimiter)
{
    return options->decimal ? options->decimal : delimiter == ',' ? '.' : '\0';
}

typedef enum kind { MISSING, NUMBER, TEXT } kind;

static kind kind_of(const nb_csv_cell *cell, char mark)
{
    double value;
    if (nb_csv_is_missing(cell->text, cell->length)) return MISSING;
    return nb_csv_cell_number(cell, &mark, &value) ? NUMBER : TEXT;
}

/* ---- Delimiters ---- */

/* What the first records are under one delimiter. */
typedef struct sample {
    size_t records, columns; /* of the first */
    bool even;               /* all have as many cells */
    size_t numbers, cells;   /* behind the first record */
} sample;

static void count_kinds(const nb_csv_text *text, char mark, sample *s)
{
    for (size_t i = 0; i < text->cells; i++) {
        s->numbers += kind_of(&text->cell[i], mark) == NUMBER;
        s->cells++;
    }
}

/* Looks and goes back. What a wrong delimiter makes of the text is no error. */
static nb_status take_sample(nb_csv_text *text, const nb_csv_options *options, char delimiter,
                             sample *s)
{
    size_t at = text->at;
    int64_t line = text->line;
    bool more = true;
    nb_status status = NB_OK;
    *s = (sample){.even = true};
    nb_csv_delimit(text, delimiter);
    while (s->records < LOOKED_AT && s->even) {
        status = nb_csv_cut(text, true, &more);
        if (status != NB_OK || !more) break;
        if (s->records++ == 0) s->columns = text->cells;
        s->even = text->cells == s->columns;
        if (s->records > 1) count_kinds(text, mark_of(options, delimiter), s);
    }
    if (status == NB_EFORMAT) {
        s->even = false;
        status = NB_OK;
    }
    text->at = at;
    text->line = line;
    return status;
}

static bool is_better(const sample *a, const sample *b)
{
    double x = a->cells ? (double)a->numbers / (double)a->cells : 0;
    double y = b->cells ? (double)b->numbers / (double)b->cells : 0;
    return x > y || (x == y && a->columns > b->columns);
}

static nb_status find_delimiter(nb_csv_text *text, const nb_csv_options *options, char *found)
{
    sample best = {.columns = 1}, s;
    nb_status status = NB_OK;
    *found = options->delimiter ? options->delimiter : ',';
    if (options->delimiter) return NB_OK;
    for (size_t i = 0; i < sizeof delimiters && status == NB_OK; i++) {
        status = take_sample(text, options, delimiters[i], &s);
        if (status != NB_OK || !s.even || s.columns < 2 || !is_better(&s, &best)) continue;
        best = s;
        *found = delimiters[i];
    }
    return status;
}

/* ---- Columns ---- */

static void note_kinds(const nb_csv_text *text, char mark, bool head, nb_csv_layout *layout)
{
    for (size_t i = 0; i < text->cells && i < layout->columns; i++) {
        kind what = kind_of(&text->cell[i], mark);
        if (what == MISSING) continue;
        int flag = head ? NB_CSV_HEAD_TEXT : NB_CSV_TEXT;
        if (what == NUMBER) flag = head ? NB_CSV_HEAD_NUMBER : NB_CSV_NUMBER;
        layout->holds[i] = (uint8_t)(layout->holds[i] | flag);
    }
}

/* Goes through the first records once more and goes back. */
static nb_status look_at_columns(nb_csv_text *text, const nb_csv_options *options,
                                 nb_csv_layout *layout, size_t *records)
{
    size_t at = text->at;
    int64_t line = text->line;
    char mark = mark_of(options, text->delimiter);
    bool more;
    nb_status status = NB_OK;
    for (*records = 0; *records < LOOKED_AT; ++*records) {
        status = nb_csv_cut(text, true, &more);
        if (status != NB_OK || !more) break;
        if (*records == 0) {
            layout->columns = text->cells;
            layout->holds = nb_alloc_zero(text->ctx, text->cells, 1);
            if (!layout->holds) return NB_EMEMORY;
        }
        note_kinds(text, mark, *records == 0, layout);
    }
    if (*records > 0) layout->record_bytes = (double)(text->at - at) / (double)*records;
    text->at = at;
    text->line = line;
    return status;
}

static bool has_header(const nb_csv_layout *layout, size_t records)
{
    bool number = false;
    for (size_t i = 0; i < layout->columns; i++) {
        int holds = layout->holds[i];
        if ((holds & NB_CSV_HEAD_TEXT) && (holds & NB_CSV_NUMBER)) return true;
        number = number || (holds & NB_CSV_HEAD_NUMBER);
    }
    return records == 1 && !number;
}

/* Two records at least are at hand, where there are so many. */
static nb_status hold_two(nb_csv_text *text, const nb_csv_options *options, sample *s)
{
    for (;;) {
        nb_status status = take_sample(text, options, text->delimiter, s);
        if (status != NB_OK || s->records > 1 || text->last || !s->even) return status;
        status = nb_csv_fill(text);
        if (status != NB_OK) return status;
    }
}

nb_status nb_csv_find(nb_csv_text *text, const nb_csv_options *options, nb_csv_layout *layout)
{
    sample s;
    size_t records;
    char delimiter;
    *layout = (nb_csv_layout){.columns = 0};
    nb_csv_delimit(text, options->delimiter ? options->delimiter : ',');
    nb_status status = hold_two(text, options, &s);
    if (status == NB_OK) status = find_delimiter(text, options, &delimiter);
    if (status != NB_OK) return status;
    nb_csv_delimit(text, delimiter);
    status = look_at_columns(text, options, layout, &records);
    /* What is wrong in a later record is told when its turn comes. */
    if (status == NB_EFORMAT && records > 0) status = NB_OK;
    if (status == NB_OK && records == 0)
        status = nb_source_refuse(text->source, "it holds no table: there is no line with anything "
                                                "in it");
    if (status != NB_OK) {
        nb_csv_layout_free(text->ctx, layout);
        return status;
    }
    layout->header = options->header < 0 ? has_header(layout, records) : options->header;
    text->most = layout->columns;
    return NB_OK;
}

void nb_csv_layout_free(nb_ctx *ctx, nb_csv_layout *layout)
{
    nb_free(ctx, layout->holds, layout->columns);
    layout->holds = NULL;
}
