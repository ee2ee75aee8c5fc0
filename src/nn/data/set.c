/* Data sets: making them from what a user gives, their parts, and their one line for people. */
#include "nn/data/set.h"

#include "base/escape.h"
#include "base/memory.h"
#include "io/temporary.h"
#include "kernel/shuffle.h"
#include "nn/data/labels.h"
#include "nn/data/words.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <string.h>

/* ---- Making --------------------------------------------------------------------------------- */

static nb_set *alloc_set(nb_ctx *ctx)
{
    nb_set *set = nb_alloc(ctx, sizeof *set);
    if (set) *set = (nb_set){.refs = 1};
    return set;
}

static nb_status check_rows(nb_ctx *ctx, const nb_feed *x, const nb_scale *scale, const nb_feed *y)
{
    if (scale && scale->columns != 1 && scale->columns != nb_feed_width(x))
        return nb_fail(ctx, NB_ESHAPE, "x has %" PRId64 " columns, its scale %" PRId64,
                       nb_feed_width(x), scale->columns);
    if (y && y->count != x->count)
        return nb_fail(ctx, NB_ESHAPE, "x holds %" PRId64 " examples, y %" PRId64, x->count,
                       y->count);
    return NB_OK;
}

nb_set *nb_set_from(nb_ctx *ctx, nb_feed *x, nb_scale *scale, nb_feed *y, nb_classes *classes,
                    const char *name)
{
    nb_set *set = check_rows(ctx, x, scale, y) == NB_OK ? alloc_set(ctx) : NULL;
    if (!set) return NULL;
    set->x = nb_feed_retain(x);
    set->scale = nb_scale_retain(scale);
    set->y = y ? nb_feed_retain(y) : NULL;
    set->schema.classes = classes ? nb_classes_retain(classes) : NULL;
    set->count = x->count;
    set->name = name ? nb_copy_string(ctx, name) : NULL;
    if (!name || set->name) return set;
    nb_set_release(ctx, set);
    return NULL;
}

/* What a set is made of, on the way from tensors. */
typedef struct making {
    nb_feed *x, *y;
    nb_scale *scale;
    nb_classes *classes;
} making;

/* Whether y without names is meant as classes: one whole number from 1 for every example. Bytes and
 * integers that are not are a mistake to be told; others are targets. */
static bool looks_like_classes(const nb_feed *y, const nb_survey *seen)
{
    return !nb_dtype_computes(y->dtype) || (seen->odd < 0 && seen->low >= 1);
}

/* Makes y class numbers, in a copy of their own: who changes the tensor changes no class. */
static nb_status take_classes(nb_ctx *ctx, making *m, nb_tensor *y, const nb_survey *seen,
                              const char *const *names, int64_t count)
{
    const char *whose = names   ? "the names are those of"
                        : count ? "there are"
                                : "a set has at most";
    nb_status status = nb_survey_check(ctx, seen, count ? count : NB_CLASSES_MAX, whose);
    if (status != NB_OK) return status;
    m->classes = nb_classes_new(ctx, names, count ? count : (int64_t)seen->high);
    nb_tensor *numbers = m->classes ? nb_tensor_new(ctx, NB_I32, y->dims, y->shape) : NULL;
    status = numbers ? nb_tensor_copy(ctx, numbers, y) : ctx->status;
    nb_feed_release(ctx, m->y);
    m->y = status == NB_OK ? nb_feed_of_tensor(ctx, numbers, "y") : NULL;
    nb_tensor_release(ctx, numbers);
    return m->y ? NB_OK : ctx->status;
}

/* Classes of every step, or targets. */
static nb_status take_y_sequences(nb_ctx *ctx, making *m, nb_tensor *const *y, int64_t y_count,
                                  const char *const *names, int64_t count)
{
    nb_survey seen;
    m->y = nb_feed_of_sequences(ctx, y, y_count, NB_DTYPES, "y");
    if (!m->y || !names) return m->y ? NB_OK : ctx->status;
    if (m->y->dims != 1)
        return nb_fail(ctx, NB_ESHAPE, "class names need a class number for each step in y");
    nb_status status = nb_survey_rows(ctx, m->y, &(nb_pick){.n = y_count}, &seen);
    if (status == NB_OK) status = nb_survey_check(ctx, &seen, count, "the names are those of");
    if (status != NB_OK) return status;
    nb_feed_release(ctx, m->y);
    m->y = nb_feed_of_sequences(ctx, y, y_count, NB_I32, "y");
    m->classes = m->y ? nb_classes_new(ctx, names, count) : NULL;
    return m->classes ? NB_OK : ctx->status;
}

static nb_status take_y(nb_ctx *ctx, making *m, nb_tensor *y, const char *const *names,
                        int64_t count)
{
    nb_survey seen;
    if (!y && names) return nb_fail(ctx, NB_EARG, "class names need class numbers: y is missing");
    if (!y) return NB_OK;
    if (y->dims == 0 || y->shape[0] != m->x->count) {
        return nb_fail(ctx, NB_ESHAPE, "x holds %" PRId64 " examples, y %" PRId64, m->x->count,
                       y->dims ? y->shape[0] : 1);
    }
    m->y = nb_feed_of_tensor(ctx, y, "y");
    if (!m->y) return ctx->status;
    bool given = names || count;
    if (!given && y->dims > 1) return NB_OK;
    nb_status status = nb_survey_rows(ctx, m->y, &(nb_pick){.n = m->y->count}, &seen);
    if (status != NB_OK || !(given || looks_like_classes(m->y, &seen))) return status;
    return take_classes(ctx, m, y, &seen, names, count);
}

/* The set, where all went well; what it was made of is given back. */
static nb_set *made(nb_ctx *ctx, making *m, nb_status status, const char *name)
{
    nb_set *set = NULL;
    if (status == NB_OK) set = nb_set_from(ctx, m->x, m->scale, m->y, m->classes, name);
    nb_feed_release(ctx, m->x);
    nb_feed_release(ctx, m->y);
    nb_scale_release(ctx, m->scale);
    nb_classes_release(ctx, m->classes);
    return set;
}

nb_set *nb_set_of_rows(nb_ctx *ctx, nb_feed *x, double scale, nb_tensor *y,
                       const char *const *names, int64_t count, const char *set_name)
{
    making m = {.x = nb_feed_retain(x)};
    nb_status status = NB_OK;
    if (scale != 1) {
        m.scale = nb_scale_new(ctx, 1, NULL, &scale);
        if (!m.scale) status = ctx->status;
    }
    if (status == NB_OK) status = take_y(ctx, &m, y, names, count);
    return made(ctx, &m, status, set_name);
}

nb_set *nb_set_new(nb_ctx *ctx, nb_tensor *x, double scale, nb_tensor *y, const char *const *names,
                   int64_t count, const char *set_name)
{
    nb_feed *rows = nb_feed_of_tensor(ctx, x, "x");
    if (!rows) return NULL;
    nb_set *set = nb_set_of_rows(ctx, rows, scale, y, names, count, set_name);
    nb_feed_release(ctx, rows);
    return set;
}

nb_set *nb_set_of_sequences(nb_ctx *ctx, const nb_sequences *of)
{
    making m = {.x = nb_feed_of_sequences(ctx, of->x, of->count, NB_DTYPES, "x")};
    nb_status status = m.x ? NB_OK : ctx->status;
    if (status == NB_OK && of->y_list)
        status = take_y_sequences(ctx, &m, of->y_list, of->y_count, of->names, of->classes);
    else if (status == NB_OK)
        status = take_y(ctx, &m, of->y, of->names, of->classes);
    return made(ctx, &m, status, NULL);
}

char *nb_set_name_of(nb_ctx *ctx, const char *path)
{
    nb_text text;
    const char *base = path + nb_folder_length(path);
    size_t length = strcspn(base, ".");
    nb_text_init(&text, ctx);
    nb_text_add_bytes(&text, base, length ? length : strlen(base));
    char *name = text.failed ? NULL : nb_copy_string(ctx, nb_text_get(&text));
    nb_text_free(&text);
    return name;
}

nb_set *nb_set_retain(nb_set *set)
{
    set->refs++;
    return set;
}

/* Parts have no parts with names of their own, so this goes one level deep. */
void nb_set_release(nb_ctx *ctx, nb_set *set)
{
    if (!set || --set->refs > 0) return;
    nb_set_release(ctx, set->train);
    nb_set_release(ctx, set->valid);
    nb_set_release(ctx, set->test);
    nb_feed_release(ctx, set->x);
    nb_feed_release(ctx, set->y);
    nb_scale_release(ctx, set->scale);
    nb_schema_release(ctx, &set->schema);
    nb_storage_release(ctx, set->part);
    nb_free_string(ctx, set->name);
    nb_free(ctx, set, sizeof *set);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

nb_set *nb_set_copy(nb_ctx *ctx, const nb_set *set)
{
    nb_set *out = nb_set_from(ctx, set->x, set->scale, set->y, NULL, set->name);
    if (!out) return NULL;
    out->schema = nb_schema_retain(&set->schema);
    out->count = set->count;
    out->part = set->part ? nb_storage_retain(set->part) : NULL;
    return out;
}

nb_set *nb_set_part(nb_ctx *ctx, const nb_set *set, int64_t count)
{
    nb_set *part = nb_set_from(ctx, set->x, set->scale, set->y, NULL, NULL);
    if (!part) return NULL;
    part->schema = nb_schema_retain(&set->schema);
    part->count = count;
    part->part = nb_storage_new(ctx, (size_t)count * sizeof(int32_t));
    if (part->part) return part;
    nb_set_release(ctx, part);
    return NULL;
}

int64_t nb_set_row(const nb_set *set, int64_t i)
{
    return set->part ? nb_part_rows(set)[i] : i;
}

nb_pick nb_set_pick(const nb_set *set, const int32_t *order, int64_t start, int64_t n)
{
    return (nb_pick){
        .part = set->part ? nb_part_rows(set) : NULL, .order = order, .start = start, .n = n};
}

/* The part, or NULL where filling it failed. */
static nb_set *settle(nb_ctx *ctx, nb_set *part, nb_status status)
{
    if (status == NB_OK) return part;
    nb_set_release(ctx, part);
    return NULL;
}

nb_set *nb_set_range(nb_ctx *ctx, const nb_set *set, int64_t start, int64_t count)
{
    if (start < 0 || count < 1 || start > set->count || count > set->count - start) {
        return nb_fail_null(ctx, NB_EARG,
                            "the set has %" PRId64 " examples; it cannot give %" PRId64
                            " behind the first %" PRId64,
                            set->count, count, start);
    }
    nb_set *part = nb_set_part(ctx, set, count);
    if (!part) return NULL;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < count && status == NB_OK; i++) {
        nb_part_rows(part)[i] = (int32_t)nb_set_row(set, start + i);
        if (i % NB_SET_BETWEEN_LOOKS == 0) status = nb_poll(ctx);
    }
    return settle(ctx, part, status);
}

nb_set *nb_set_take(nb_ctx *ctx, const nb_set *set, int64_t n)
{
    if (n == 0 || n > set->count || n < -set->count) {
        return nb_fail_null(ctx, NB_EARG,
                            "take needs a number from 1 to %" PRId64 ", or negative for the last "
                            "ones, not %" PRId64,
                            set->count, n);
    }
    return n > 0 ? nb_set_range(ctx, set, 0, n) : nb_set_range(ctx, set, set->count + n, -n);
}

nb_set *nb_set_shuffled(nb_ctx *ctx, const nb_set *set, uint64_t seed, nb_purpose purpose)
{
    nb_stream stream = nb_stream_make(seed, purpose, 0);
    nb_set *part = nb_set_range(ctx, set, 0, set->count);
    if (!part) return NULL;
    return settle(ctx, part,
                  nb_random_shuffle(ctx, &stream, nb_part_rows(part), (size_t)part->count));
}

nb_set *nb_set_shuffle(nb_ctx *ctx, const nb_set *set, uint64_t seed)
{
    return nb_set_shuffled(ctx, set, seed, NB_FOR_SHUFFLE);
}

static nb_status mark_left_out(nb_ctx *ctx, const nb_set *set, const int64_t *list, int64_t count,
                               bool *out)
{
    for (int64_t k = 0; k < count; k++) {
        if (list[k] < 0 || list[k] >= set->count)
            return nb_fail(ctx, NB_EARG, "no example %" PRId64 "; there are %" PRId64, list[k] + 1,
                           set->count);
        out[list[k]] = true;
    }
    return NB_OK;
}

/* The examples that are not marked. */
static nb_set *keep_others(nb_ctx *ctx, const nb_set *set, const bool *out)
{
    int64_t left = 0, at = 0;
    for (int64_t i = 0; i < set->count; i++) left += !out[i];
    if (left == 0) return nb_fail_null(ctx, NB_EARG, "no example is left");
    nb_set *part = nb_set_part(ctx, set, left);
    for (int64_t i = 0; part && i < set->count; i++)
        if (!out[i]) nb_part_rows(part)[at++] = (int32_t)nb_set_row(set, i);
    return part;
}

nb_set *nb_set_without(nb_ctx *ctx, const nb_set *set, const int64_t *left_out, int64_t count)
{
    bool *out = nb_alloc_zero(ctx, (size_t)set->count, sizeof *out);
    if (!out) return NULL;
    nb_status status = mark_left_out(ctx, set, left_out, count, out);
    nb_set *part = status == NB_OK ? keep_others(ctx, set, out) : NULL;
    nb_free(ctx, out, (size_t)set->count * sizeof *out);
    return part;
}

int64_t nb_set_common(nb_ctx *ctx, const nb_set *set, const nb_set *others)
{
    if (set->x != others->x) return 0;
    int64_t common = 0;
    size_t rows = (size_t)set->x->count;
    bool *taken = nb_alloc_zero(ctx, rows, sizeof *taken);
    if (!taken) return -1;
    for (int64_t i = 0; i < others->count; i++) taken[nb_set_row(others, i)] = true;
    for (int64_t i = 0; i < set->count; i++) common += taken[nb_set_row(set, i)];
    nb_free(ctx, taken, rows * sizeof *taken);
    return common;
}

/* ---- For people ----------------------------------------------------------------------------- */

enum { NB_SET_LISTED = 60 }; /* bytes of columns' names that a description lists */

/* " · x 1x28x28": the shape of one example. */
static void describe_part(nb_text *text, const char *what, const nb_feed *rows)
{
    char shape[NB_SHAPE_TEXT];
    const char *sizes = rows->dims ? nb_shape_text(rows->dims, rows->shape, shape) : "1";
    nb_text_add(text, rows->length ? " · %s up to %s" : " · %s %s", what, sizes);
}

/* The names of the columns, as many as a line takes. */
static void describe_columns(nb_text *text, const nb_names *columns)
{
    size_t listed = 0;
    for (int64_t i = 0; columns && i < columns->count; i++) {
        listed += strlen(columns->name[i]);
        nb_text_add(text, i ? ", " : " (");
        if (listed > NB_SET_LISTED) {
            nb_text_add(text, "…)");
            return;
        }
        nb_text_add_escaped(text, columns->name[i], strlen(columns->name[i]), NB_ESCAPE_WORD);
    }
    if (columns && columns->count) nb_text_add(text, ")");
}

/* Where the rows are kept as their non-zeros it is known, and worth knowing. */
static void describe_share(nb_text *text, const nb_set *set)
{
    nb_pick all = nb_set_pick(set, NULL, 0, set->count);
    if (!set->x->type->count) return;
    double few = (double)set->x->type->count(set->x, &all), one = (double)nb_feed_width(set->x);
    nb_text_add(text, " · %.3g %% non-zero", 100 * few / (one * (double)set->count));
}

static void describe_count(nb_text *text, const char *what, const nb_set *part)
{
    if (!part) return;
    nb_text_add(text, " · %s ", what);
    nb_text_add_grouped(text, part->count);
}

void nb_set_describe(nb_text *text, const nb_set *set)
{
    if (set->name) {
        nb_text_add_escaped(text, set->name, strlen(set->name), NB_ESCAPE_WORD);
        nb_text_add(text, ": ");
    }
    nb_text_add_grouped(text, set->count);
    nb_text_add(text, set->count == 1 ? " example" : " examples");
    describe_part(text, "x", set->x);
    describe_columns(text, set->schema.columns);
    describe_share(text, set);
    if (set->schema.words && set->schema.words == set->schema.classes) {
        nb_text_add(text, " · ");
        nb_words_describe(text, set->schema.words);
    } else if (set->schema.classes) {
        nb_text_add(text, " · ");
        nb_classes_describe(text, set->schema.classes);
    } else if (set->y) {
        describe_part(text, "y", set->y);
        describe_columns(text, set->schema.targets);
    }
    if (set->schema.scale) nb_text_add(text, " · standardized");
    describe_count(text, "train", set->train);
    describe_count(text, "valid", set->valid);
    describe_count(text, "test", set->test);
}
