/* See columns.h. */
#include "io/csv/columns.h"

#include "base/escape.h"
#include "base/memory.h"
#include "base/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Names ---- */

static bool is_utf8(const nb_csv_cell *cell)
{
    for (size_t i = 0, n; i < cell->length; i += n)
        if ((n = nb_utf8_length(cell->text + i, cell->length - i)) == 0) return false;
    return true;
}

static nb_status read_header(nb_csv_columns *columns, nb_csv_text *text)
{
    bool more;
    nb_text packed;
    nb_status status = nb_csv_cut(text, false, &more);
    if (status != NB_OK) return status;
    nb_text_init(&packed, columns->ctx);
    for (size_t i = 0; i < text->cells && status == NB_OK; i++) {
        if (!is_utf8(&text->cell[i]))
            status = nb_source_refuse(text->source,
                                      "the name of column %zu, in line %" PRId64
                                      ", is not UTF-8; save the file as UTF-8",
                                      i + 1, text->began);
        nb_text_add_bytes(&packed, text->cell[i].text, text->cell[i].length);
        nb_text_add_bytes(&packed, "", 1);
    }
    if (status == NB_OK)
        columns->header = nb_names_new(columns->ctx, &packed, (int64_t)text->cells);
    nb_text_free(&packed);
    return status == NB_OK && !columns->header ? NB_EMEMORY : status;
}

static const char *name_at(const void *list, size_t i)
{
    const nb_names *names = list;
    return i < (size_t)names->count ? names->name[i] : NULL;
}

const char *nb_csv_named(const nb_csv_columns *columns, size_t column, char out[NB_CSV_NAMED])
{
    char shown[NB_SHOWN];
    *out = '\0';
    if (columns->header && column < columns->count && *columns->header->name[column])
        snprintf(out, NB_CSV_NAMED, " (%s)", nb_text_shown(columns->header->name[column], shown));
    return out;
}

/* ---- Which column is meant ---- */

static nb_status by_name(nb_csv_columns *columns, const char *name, size_t *column)
{
    char shown[NB_SHOWN];
    size_t found = 0;
    const char *file = columns->file;
    if (!columns->header)
        return nb_fail(columns->ctx, NB_EARG,
                       "%s has no header, so there is no column '%s'; its columns have the numbers "
                       "1 to %zu (header = true takes the first line for names)",
                       file, nb_text_shown(name, shown), columns->count);
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(columns->header->name[i], name) != 0) continue;
        if (found++ > 0)
            return nb_fail(columns->ctx, NB_EARG,
                           "%s has two columns '%s', %zu and %zu; say which by number", file,
                           nb_text_shown(name, shown), *column + 1, i + 1);
        *column = i;
    }
    if (found) return NB_OK;
    nb_unknown(columns->ctx, "column", name, name_at, columns->header);
    nb_fail_in(columns->ctx, "%s", file);
    return NB_EARG;
}

static nb_status find_column(nb_csv_columns *columns, const nb_csv_column *wanted, size_t *column)
{
    int64_t count = (int64_t)columns->count, number = wanted->number;
    if (wanted->name) return by_name(columns, wanted->name, column);
    if (number == 0) return nb_fail(columns->ctx, NB_EARG, "columns count from 1, not from 0");
    if (number > count || number < -count)
        return nb_fail(columns->ctx, NB_EARG,
                       "%s has %" PRId64 " columns; there is no column %" PRId64, columns->file,
                       count, number);
    *column = (size_t)(number > 0 ? number - 1 : count + number);
    return NB_OK;
}

/* Gives a column its place in the row's numbers. */
static nb_status take(nb_csv_columns *columns, size_t column, int32_t slot, size_t place)
{
    char named[NB_CSV_NAMED];
    if (columns->slot[column] != NB_CSV_SKIP)
        return nb_fail(columns->ctx, NB_EARG, "column %zu%s is asked for twice in x and y",
                       column + 1, nb_csv_named(columns, column, named));
    columns->slot[column] = slot;
    columns->from[place] = column;
    return NB_OK;
}

/* Whether y is names: so it was said, or so the first records look. */
static nb_status tell_classes(nb_csv_columns *columns, const nb_csv_layout *layout, const size_t *y)
{
    char named[NB_CSV_NAMED];
    const nb_csv_options *o = columns->options;
    bool text = false;
    int beside = layout->header ? NB_CSV_TEXT : NB_CSV_TEXT | NB_CSV_HEAD_TEXT;
    for (size_t i = 0; i < o->y_count; i++) {
        if (!(layout->holds[y[i]] & beside)) continue;
        text = true;
        if (o->y_count > 1)
            return nb_fail(columns->ctx, NB_EFORMAT,
                           "%s: column %zu%s of y holds text: classes come from one column",
                           columns->file, y[i] + 1, nb_csv_named(columns, y[i], named));
    }
    if (o->classes && o->y_count != 1)
        return nb_fail(columns->ctx, NB_EARG, "classes come from one column, y = \"…\"; y has %zu",
                       o->y_count);
    columns->classes = o->classes || text;
    return NB_OK;
}

static nb_status take_y(nb_csv_columns *columns, const nb_csv_layout *layout)
{
    const nb_csv_options *o = columns->options;
    nb_status status = NB_OK;
    size_t *y = columns->from + columns->count; /* set aside until x is counted */
    for (size_t i = 0; i < o->y_count && status == NB_OK; i++)
        status = find_column(columns, &o->y[i], &y[i]);
    if (status == NB_OK) status = tell_classes(columns, layout, y);
    if (status != NB_OK) return status;
    columns->y = columns->classes ? 0 : o->y_count;
    columns->x = o->x_count ? o->x_count : columns->count - o->y_count;
    for (size_t i = 0; i < o->y_count && status == NB_OK; i++)
        status = take(columns, y[i], columns->classes ? NB_CSV_CLASS : (int32_t)(columns->x + i),
                      columns->x + i);
    return status;
}

static nb_status take_x(nb_csv_columns *columns)
{
    const nb_csv_options *o = columns->options;
    nb_status status = NB_OK;
    size_t column, place = 0;
    for (size_t i = 0; i < o->x_count && status == NB_OK; i++) {
        status = find_column(columns, &o->x[i], &column);
        if (status == NB_OK) status = take(columns, column, (int32_t)i, i);
    }
    for (size_t i = 0; i < columns->count && o->x_count == 0; i++) {
        if (columns->slot[i] != NB_CSV_SKIP) continue;
        columns->slot[i] = (int32_t)place;
        columns->from[place++] = i;
    }
    if (status == NB_OK && columns->x == 0)
        status = nb_fail(columns->ctx, NB_EARG, "%s has no column for x beside y", columns->file);
    return status;
}

nb_status nb_csv_columns_find(nb_csv_text *text, const nb_csv_layout *layout,
                              const nb_csv_options *o, nb_csv_columns *columns)
{
    size_t count = layout->columns;
    *columns = (nb_csv_columns){
        .ctx = text->ctx, .file = nb_source_name(text->source), .options = o, .count = count};
    nb_status status = layout->header ? read_header(columns, text) : NB_OK;
    if (status != NB_OK) return status;
    if (o->x_count > count || o->y_count > count)
        return nb_fail(text->ctx, NB_EARG, "%s has %zu columns; x and y ask for more",
                       columns->file, count);
    columns->slot = nb_alloc(text->ctx, count * sizeof *columns->slot);
    columns->from = columns->slot ? nb_alloc(text->ctx, 2 * count * sizeof *columns->from) : NULL;
    if (!columns->from) return NB_EMEMORY;
    for (size_t i = 0; i < count; i++) columns->slot[i] = NB_CSV_SKIP;
    status = take_y(columns, layout);
    return status == NB_OK ? take_x(columns) : status;
}

void nb_csv_columns_free(nb_csv_columns *columns)
{
    nb_names_release(columns->ctx, columns->header);
    nb_free(columns->ctx, columns->slot, columns->count * sizeof *columns->slot);
    nb_free(columns->ctx, columns->from, 2 * columns->count * sizeof *columns->from);
    columns->header = NULL;
    columns->slot = NULL;
    columns->from = NULL;
}

static nb_names *names_of(const nb_csv_columns *columns, size_t first, size_t count)
{
    nb_text packed;
    nb_text_init(&packed, columns->ctx);
    for (size_t i = first; i < first + count; i++) {
        const char *name = columns->header->name[columns->from[i]];
        nb_text_add_bytes(&packed, name, strlen(name) + 1);
    }
    nb_names *names = nb_names_new(columns->ctx, &packed, (int64_t)count);
    nb_text_free(&packed);
    return names;
}

nb_status nb_csv_columns_names(const nb_csv_columns *columns, nb_names **x, nb_names **y)
{
    size_t count = columns->options->y_count;
    *x = *y = NULL;
    if (!columns->header) return NB_OK;
    *x = names_of(columns, 0, columns->x);
    *y = *x && count ? names_of(columns, columns->x, count) : NULL;
    if (*x && (*y || !count)) return NB_OK;
    nb_names_release(columns->ctx, *x);
    *x = NULL;
    return NB_EMEMORY;
}
