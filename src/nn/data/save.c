/* See save.h. */
#include "nn/data/save.h"

#include "base/arith.h"
#include "base/memory.h"
#include "io/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 1 << 16, COLUMN_NAME = 32 }; /* numbers that are gathered, and at least a row */

/* ---- Columns --------------------------------------------------------------------------------- */

/* x or y: what its columns are called and what stands in them. */
typedef struct side {
    const char *letter;
    nb_feed *rows;
    const nb_scale *scale;
    const nb_names *names;
    const nb_classes *classes; /* of y, or NULL */
    nb_dtype dtype;            /* of what is shown */
    int64_t width;
    double *numbers; /* of the examples at hand */
} side;

static side side_of(nb_ctx *ctx, const nb_set *set, bool y)
{
    side s = {.letter = y ? "y" : "x", .rows = y ? set->y : set->x};
    if (!s.rows) return s;
    s.scale = y ? NULL : set->scale;
    s.names = y ? set->schema.targets : set->schema.columns;
    s.classes = y ? set->schema.classes : NULL;
    s.width = nb_feed_width(s.rows);
    s.dtype = s.scale && !nb_dtype_computes(s.rows->dtype) ? ctx->dtype : s.rows->dtype;
    return s;
}

static void add_names(const side *s, nb_csv_writer *to)
{
    char text[COLUMN_NAME];
    for (int64_t i = 0; s->rows && i < s->width; i++) {
        bool named = s->names && s->names->count == s->width;
        if (s->width == 1)
            snprintf(text, sizeof text, "%s", s->letter);
        else
            snprintf(text, sizeof text, "%s%" PRId64, s->letter, i + 1);
        nb_csv_add_text(to, named ? s->names->name[i] : text);
    }
}

static nb_status check(nb_ctx *ctx, const side *s)
{
    if (!s->rows) return NB_OK;
    if (s->rows->length)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s holds sequences of different lengths, which are no rows of a table",
                       s->letter);
    if (s->classes && s->rows->dims > 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "y holds a class for every step, and a table one for every row; a .npz "
                       "takes it");
    return NB_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Numbers as set.x has them, so in its dtype first. */
static nb_status gather(nb_ctx *ctx, const nb_set *set, const side *s, int64_t start, int64_t n)
{
    nb_pick pick = nb_set_pick(set, NULL, start, n);
    const nb_room room = {s->numbers, NB_F64, s->width}, narrow = {s->numbers, NB_F32, s->width};
    if (!s->rows) return NB_OK;
    if (!s->scale || s->dtype == NB_F64)
        return nb_feed_gather(ctx, s->rows, &pick, s->scale, &room);
    nb_status status = nb_feed_gather(ctx, s->rows, &pick, s->scale, &narrow);
    for (int64_t i = n * s->width - 1; i >= 0; i--) { /* from the end: doubles are wider */
        float number;
        memcpy(&number, (const char *)s->numbers + (size_t)i * sizeof number, sizeof number);
        s->numbers[i] = (double)number;
    }
    return status;
}

static void add_numbers(const side *s, int64_t i, nb_csv_writer *to)
{
    const double *row = s->numbers + i * s->width;
    if (s->rows && s->classes) {
        nb_csv_add_text(to, s->classes->name[(int64_t)*row - 1]);
        return;
    }
    for (int64_t k = 0; s->rows && k < s->width; k++) nb_csv_add_number(to, row[k], s->dtype);
}

static nb_status add_rows(nb_ctx *ctx, const nb_set *set, const side sides[2], int64_t most,
                          const nb_beside *beside, nb_csv_writer *to)
{
    nb_status status = NB_OK;
    for (int64_t start = 0; start < set->count && status == NB_OK; start += most) {
        int64_t n = nb_least_i64(most, set->count - start);
        nb_tell(ctx, "writing", start, set->count);
        for (int k = 0; k < 2 && status == NB_OK; k++)
            status = gather(ctx, set, &sides[k], start, n);
        if (status == NB_OK && beside) status = beside->prepare(ctx, beside->self, start, n);
        for (int64_t i = 0; i < n && status == NB_OK; i++) {
            for (int k = 0; k < 2; k++) add_numbers(&sides[k], i, to);
            if (beside) beside->row(beside->self, i, to);
            status = nb_csv_end_line(to);
        }
    }
    return status;
}

static nb_status write_table(nb_ctx *ctx, const nb_set *set, const side sides[2], int64_t most,
                             const nb_beside *beside, const char *path)
{
    nb_csv_writer *to = nb_csv_writer_open(ctx, path);
    if (!to) return ctx->status;
    for (int k = 0; k < 2; k++) add_names(&sides[k], to);
    if (beside) beside->head(beside->self, to);
    nb_status status = nb_csv_end_line(to);
    if (status == NB_OK) status = add_rows(ctx, set, sides, most, beside, to);
    return nb_csv_writer_close(to, status);
}

nb_status nb_set_save_csv(nb_ctx *ctx, const nb_set *set, const char *path, const nb_beside *beside)
{
    side sides[2] = {side_of(ctx, set, false), side_of(ctx, set, true)};
    int64_t width = sides[0].width + sides[1].width, most = width < AT_ONCE ? AT_ONCE / width : 1;
    if (beside && beside->most < most) most = beside->most;
    nb_status status = check(ctx, &sides[0]);
    if (status == NB_OK) status = check(ctx, &sides[1]);
    if (status != NB_OK) return status;
    double *numbers = nb_alloc(ctx, (size_t)(most * width) * sizeof *numbers);
    if (!numbers) return ctx->status;
    sides[0].numbers = numbers;
    sides[1].numbers = numbers + most * sides[0].width;
    status = write_table(ctx, set, sides, most, beside, path);
    nb_free(ctx, numbers, (size_t)(most * width) * sizeof *numbers);
    return status;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

/* All of x or y under its name. */
static nb_status add_tensor(nb_ctx *ctx, const nb_set *set, bool y, nb_archive *archive)
{
    side s = side_of(ctx, set, y);
    if (!s.rows) return NB_OK;
    nb_tensor *all = y ? nb_set_y(ctx, set, s.dtype) : nb_set_x(ctx, set, s.dtype);
    nb_status status = all ? nb_archive_add(ctx, archive, s.letter, all) : ctx->status;
    nb_tensor_release(ctx, all);
    return status;
}

nb_status nb_set_save_tensors(nb_ctx *ctx, const nb_set *set, const char *path)
{
    nb_archive archive = {.count = 0};
    const nb_save_options options = {.compress = false};
    if (set->x->length)
        return nb_fail(ctx, NB_ESHAPE,
                       "x holds sequences of different lengths, which are no one tensor");
    nb_status status = add_tensor(ctx, set, false, &archive);
    if (status == NB_OK) status = add_tensor(ctx, set, true, &archive);
    if (status == NB_OK) status = nb_format_save(ctx, path, &archive, true, &options);
    nb_archive_free(ctx, &archive);
    return status;
}
