/* Standardizing: mean and standard deviation of every column of x, for the network to come. */
#include "nn/data/set.h"

#include "grad/columns.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { AT_ONCE = 1 << 16 }; /* numbers of a piece, which has at least an example */

/* What is known of the columns so far, of numbers from which the first one of their column is
 * taken: what does not vary has squares of exactly 0. */
typedef struct moments {
    int64_t columns, inner;         /* nb_columns_fit */
    int64_t count;                  /* numbers of each column */
    double *first, *mean, *squares; /* lists of `columns`; squares of what differs from the mean */
    double *sum, *rest;             /* of one piece: the same */
} moments;

enum { LISTS = 5 };

static nb_status start(nb_ctx *ctx, moments *m, int64_t columns, int64_t inner)
{
    double *list = nb_alloc_zero(ctx, LISTS * (size_t)columns, sizeof *list);
    if (!list) return ctx->status;
    *m = (moments){.columns = columns, .inner = inner, .first = list};
    double **const part[] = {&m->mean, &m->squares, &m->sum, &m->rest};
    for (int i = 0; i < LISTS - 1; i++) *part[i] = list + (i + 1) * columns;
    return NB_OK;
}

static void finish(nb_ctx *ctx, moments *m)
{
    if (m->first) nb_free(ctx, m->first, LISTS * (size_t)m->columns * sizeof *m->first);
}

/* For each column of a line: adds what `add` makes of its numbers. */
static void add_line(const moments *m, const double *x, bool squares)
{
    for (int64_t c = 0; c < m->columns; c++) {
        double first = m->first[c], middle = squares ? m->sum[c] : 0;
        double *to = squares ? &m->rest[c] : &m->sum[c];
        for (int64_t i = 0; i < m->inner; i++) {
            double d = *x++ - first;
            *to += squares ? (d - middle) * (d - middle) : d;
        }
    }
}

/* One more piece of whole lines (Chan, Golub and LeVeque 1979: moments of two parts joined). */
static void add_piece(moments *m, const double *x, int64_t numbers)
{
    int64_t line = m->columns * m->inner, n = numbers / m->columns, all = m->count + n;
    if (m->count == 0)
        for (int64_t c = 0; c < m->columns; c++) m->first[c] = x[c * m->inner];
    memset(m->sum, 0, 2 * (size_t)m->columns * sizeof *m->sum);
    for (int64_t i = 0; i < numbers; i += line) add_line(m, x + i, false);
    for (int64_t c = 0; c < m->columns; c++) m->sum[c] /= (double)n;
    for (int64_t i = 0; i < numbers; i += line) add_line(m, x + i, true);
    for (int64_t c = 0; c < m->columns; c++) {
        double step = m->sum[c] - m->mean[c], share = (double)n / (double)all;
        m->mean[c] += step * share;
        m->squares[c] += m->rest[c] + step * step * share * (double)m->count;
    }
    m->count = all;
}

/* ---- Going through a set --------------------------------------------------------------------- */

static nb_status check_numbers(nb_ctx *ctx, const double *x, int64_t n, int64_t example,
                               int64_t width)
{
    char text[NB_NUMBER_MAX];
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return nb_fail(ctx, NB_EVALUE,
                           "x holds %s in example %" PRId64
                           "; what is standardized must be numbers",
                           nb_number_text(x[i], text), example + i / width + 1);
    return NB_OK;
}

/* Examples from `at` on, as many as a piece takes and, of sequences, one: each has its length. */
static nb_status add_examples(nb_ctx *ctx, const nb_set *set, int64_t *at, double *room,
                              int64_t width, moments *m)
{
    int64_t shape[NB_MAX_DIMS], n = width < AT_ONCE ? AT_ONCE / width : 1;
    if (n > set->count - *at) n = set->count - *at;
    if (set->x->length) n = 1;
    nb_pick pick = nb_set_pick(set, NULL, *at, n);
    nb_feed_shape(set->x, &pick, shape);
    int64_t each = nb_shape_count(set->x->dims, shape);
    nb_status status =
        nb_feed_gather(ctx, set->x, &pick, set->scale, &(nb_room){room, NB_F64, each});
    if (status == NB_OK) status = check_numbers(ctx, room, n * each, *at, each);
    if (status != NB_OK) return status;
    add_piece(m, room, n * each);
    *at += n;
    return nb_poll(ctx);
}

static nb_status measure(nb_ctx *ctx, const nb_set *set, moments *m)
{
    int64_t width = nb_feed_width(set->x), at = 0;
    size_t numbers = (size_t)(width < AT_ONCE ? AT_ONCE : width);
    double *room = nb_alloc(ctx, numbers * sizeof *room);
    nb_status status = room ? NB_OK : ctx->status;
    while (status == NB_OK && at < set->count) status = add_examples(ctx, set, &at, room, width, m);
    nb_free(ctx, room, numbers * sizeof *room);
    return status;
}

/* ---- The scale ------------------------------------------------------------------------------- */

/* Of a column that does not vary only the mean is taken away. */
static nb_scale *scale_of(nb_ctx *ctx, moments *m)
{
    for (int64_t c = 0; c < m->columns; c++) {
        if (!isfinite(m->squares[c]))
            return nb_fail_null(ctx, NB_EVALUE,
                                "column %" PRId64 " of x has numbers so far apart that their "
                                "deviation is no number of f64",
                                c + 1);
        double deviation = sqrt(m->squares[c] / (double)m->count);
        m->mean[c] += m->first[c];
        m->rest[c] = deviation > 0 ? 1 / deviation : 1;
    }
    return nb_scale_new(ctx, m->columns, m->mean, m->rest);
}

static nb_scale *learn(nb_ctx *ctx, const nb_set *set)
{
    const nb_feed *x = set->x;
    moments m = {.count = 0};
    /* Sequences of single numbers have one column, whatever their lengths. */
    int64_t columns = x->length && x->dims == 1 ? 1 : nb_columns_of(x->dims, x->shape), inner;
    nb_columns_fit(x->dims, x->shape, columns, &inner);
    nb_status status = start(ctx, &m, columns, inner ? inner : 1);
    if (status == NB_OK) status = measure(ctx, set, &m);
    nb_scale *scale = status == NB_OK ? scale_of(ctx, &m) : NULL;
    finish(ctx, &m);
    return scale;
}

/* The same examples under the same name, which a network sees in another scale. */
static nb_set *seen_in(nb_ctx *ctx, const nb_set *set, nb_scale *scale)
{
    nb_set *out = nb_set_copy(ctx, set);
    if (!out) return NULL;
    nb_scale_release(ctx, out->schema.scale);
    out->schema.scale = nb_scale_retain(scale);
    return out;
}

nb_set *nb_set_standardize(nb_ctx *ctx, const nb_set *set)
{
    const nb_set *const from[] = {set->train, set->valid, set->test};
    if (set->schema.words) return nb_fail_null(ctx, NB_EARG, "x holds words, which have no scale");
    nb_scale *scale = learn(ctx, set->train ? set->train : set);
    nb_set *out = scale ? seen_in(ctx, set, scale) : NULL;
    nb_set **const to[] = {out ? &out->train : NULL, out ? &out->valid : NULL,
                           out ? &out->test : NULL};
    bool whole = out;
    for (int i = 0; i < 3 && whole; i++)
        if (from[i]) whole = (*to[i] = seen_in(ctx, from[i], scale));
    nb_scale_release(ctx, scale);
    if (whole) return out;
    nb_set_release(ctx, out);
    return NULL;
}
