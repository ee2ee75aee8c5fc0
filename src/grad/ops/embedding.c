/* Words as vectors: each is a row of a table.
 *
 * Shapes: w (words, features), x (…) whole numbers from 1, y (…, features). */
#include "grad/support.h"

#include "base/text.h"
#include "base/workers.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PIECE = 1 << 14,   /* elements that are worth a piece of work */
    PIECES_MAX = 64,   /* of backward: each has sums of its own */
    PARALLEL = 1 << 16 /* elements from which on pieces go to the workers */
};

/* ---- The words ------------------------------------------------------------------------------- */

/* Names the place as a user counts, and the usual reason for a 0. */
static nb_status bad_word(nb_ctx *ctx, const nb_tensor *x, int64_t at, double word, int64_t words)
{
    char text[NB_NUMBER_MAX], place[64];
    if (x->dims == 2)
        snprintf(place, sizeof place, "example %lld, step %lld", (long long)(at / x->shape[1]) + 1,
                 (long long)(at % x->shape[1]) + 1);
    else
        snprintf(place, sizeof place, "place %lld", (long long)at + 1);
    nb_number_text(word, text);
    if (word == 0)
        return nb_fail(ctx, NB_EARG, "%s holds 0: words count from 1 to %lld; add 1 to x", place,
                       (long long)words);
    return nb_fail(ctx, NB_EARG, "%s holds %s; words are whole numbers from 1 to %lld", place, text,
                   (long long)words);
}

static nb_status check_words(nb_ctx *ctx, nb_tensor *x, int64_t words)
{
    const int32_t *word = nb_tensor_data(x);
    for (int64_t i = 0, n = nb_tensor_count(x); i < n; i++)
        if (word[i] < 1 || word[i] > words) return bad_word(ctx, x, i, word[i], words);
    return NB_OK;
}

/* Numbers of a kind that may hold others than whole ones, looked at before they become integers. */
static nb_status check_numbers(nb_ctx *ctx, nb_tensor *x, int64_t words)
{
    nb_tensor *whole = nb_tensor_convert(ctx, x, NB_F64, 1);
    nb_tensor *flat = whole ? nb_tensor_contiguous(ctx, whole) : NULL;
    nb_status status = flat ? NB_OK : ctx->status;
    const double *word = flat ? nb_tensor_data(flat) : NULL;
    for (int64_t i = 0, n = nb_tensor_count(x); i < n && status == NB_OK; i++) {
        bool fits = word[i] >= 1 && word[i] <= (double)words && word[i] == floor(word[i]);
        if (!fits) status = bad_word(ctx, x, i, word[i], words);
    }
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, flat);
    return status;
}

/* x as contiguous NB_I32, every number a word of the table. */
static nb_tensor *words_of(nb_ctx *ctx, nb_tensor *x, int64_t words)
{
    nb_status status = nb_dtype_computes(x->dtype) ? check_numbers(ctx, x, words) : NB_OK;
    nb_tensor *whole = status == NB_OK ? nb_tensor_convert(ctx, x, NB_I32, 1) : NULL;
    nb_tensor *out = whole ? nb_tensor_contiguous(ctx, whole) : NULL;
    nb_tensor_release(ctx, whole);
    return out ? nb_tensor_settle(ctx, out, check_words(ctx, out, words)) : NULL;
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* Rows that are copied or summed, all contiguous. */
typedef struct row_job {
    const int32_t *word; /* of each place */
    int64_t places, piece;
    size_t bytes; /* of a row */
    const char *table;
    char *y;
} row_job;

static void copy_piece(void *arg, size_t piece)
{
    const row_job *job = arg;
    int64_t start = (int64_t)piece * job->piece, end = start + job->piece;
    if (end > job->places) end = job->places;
    for (int64_t i = start; i < end; i++)
        memcpy(job->y + (size_t)i * job->bytes,
               job->table + (size_t)(job->word[i] - 1) * job->bytes, job->bytes);
}

static nb_tensor *rows_of(nb_ctx *ctx, const nb_tensor *w, const nb_tensor *words)
{
    int64_t shape[NB_MAX_DIMS], features = w->shape[1];
    memcpy(shape, words->shape, (size_t)words->dims * sizeof *shape);
    shape[words->dims] = features;
    nb_tensor *y = nb_tensor_new(ctx, w->dtype, words->dims + 1, shape);
    if (!y || nb_tensor_count(y) == 0) return y;
    row_job job = {.word = nb_tensor_data(words),
                   .places = nb_tensor_count(words),
                   .piece = features < PIECE ? PIECE / features : 1,
                   .bytes = (size_t)features * nb_dtype_size(w->dtype),
                   .table = nb_tensor_data(w),
                   .y = nb_tensor_data(y)};
    size_t pieces = (size_t)((job.places + job.piece - 1) / job.piece);
    nb_status status =
        nb_run_pieces(ctx, pieces, job.places * features >= PARALLEL, copy_piece, &job);
    return nb_tensor_settle(ctx, y, status);
}

static nb_status check_shapes(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *w = call->in[0], *x = call->in[1];
    char tw[NB_SHAPE_TEXT], tx[NB_SHAPE_TEXT];
    if (w->dims == 2 && x->dims < NB_MAX_DIMS) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "embedding: a table %s, words %s",
                   nb_shape_text(w->dims, w->shape, tw), nb_shape_text(x->dims, x->shape, tx));
}

/* saved: the words. */
static nb_tensor *embedding_forward(nb_ctx *ctx, nb_call *call)
{
    if (check_shapes(ctx, call) != NB_OK) return NULL;
    nb_tensor *w = nb_tensor_contiguous(ctx, call->in[0]);
    nb_tensor *words = w ? words_of(ctx, call->in[1], w->shape[0]) : NULL;
    nb_tensor *y = words ? rows_of(ctx, w, words) : NULL;
    if (y && call->recording)
        call->saved[0] = words;
    else
        nb_tensor_release(ctx, words);
    nb_tensor_release(ctx, w);
    return y;
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* δ by words: places in the order of their words, those of one word in their own. */
typedef struct sum_job {
    const nb_kernels *kernels;
    nb_dtype dtype;
    const int64_t *first; /* of each word's places in `place`; one more behind the last */
    const int64_t *place;
    int64_t words, features;
    size_t pieces;
    const char *delta;
    char *grad;
    double *sums; /* features for each piece */
} sum_job;

static void sum_piece(void *arg, size_t piece)
{
    const sum_job *job = arg;
    size_t features = (size_t)job->features, bytes = features * nb_dtype_size(job->dtype);
    int64_t word = job->words * (int64_t)piece / (int64_t)job->pieces;
    int64_t end = job->words * ((int64_t)piece + 1) / (int64_t)job->pieces;
    double *sum = job->sums + piece * features;
    for (; word < end; word++) {
        if (job->first[word] == job->first[word + 1]) continue;
        memset(sum, 0, features * sizeof *sum);
        for (int64_t i = job->first[word]; i < job->first[word + 1]; i++)
            job->kernels->folds[job->dtype]->columns[NB_FOLD_sum](
                1, features, job->delta + (size_t)job->place[i] * bytes, 0, 1, NULL, sum);
        job->kernels->convert[NB_F64][job->dtype](features, sum, 1,
                                                  job->grad + (size_t)word * bytes, 1, 1.0);
    }
}

/* Counts the words, then lists their places. */
static void sort_places(const nb_tensor *x, int64_t words, int64_t *first, int64_t *place)
{
    const int32_t *word = nb_tensor_data(x);
    int64_t n = nb_tensor_count(x), sum = 0;
    memset(first, 0, (size_t)(words + 1) * sizeof *first);
    for (int64_t i = 0; i < n; i++) first[word[i] - 1]++;
    for (int64_t w = 0; w <= words; w++) {
        int64_t count = first[w];
        first[w] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) place[first[word[i] - 1]++] = i;
    memmove(first + 1, first, (size_t)words * sizeof *first);
    first[0] = 0;
}

/* Zeros but for the rows of the words that were met. */
static nb_tensor *sum_rows(nb_ctx *ctx, const nb_tensor *w, const nb_tensor *words,
                           const nb_tensor *delta)
{
    int64_t n = nb_tensor_count(words), features = w->shape[1], count = w->shape[0];
    sum_job job = {.kernels = nb_kernels_get(),
                   .dtype = w->dtype,
                   .words = count,
                   .features = features,
                   .pieces = (size_t)(count < PIECES_MAX ? count : PIECES_MAX),
                   .delta = nb_tensor_data(delta)};
    size_t first_bytes = (size_t)(count + 1) * sizeof *job.first;
    size_t place_bytes = (size_t)n * sizeof *job.place;
    size_t sum_bytes = job.pieces * (size_t)features * sizeof *job.sums;
    char *room = nb_alloc(ctx, first_bytes + place_bytes + sum_bytes + sizeof(double));
    nb_tensor *grad = room ? nb_tensor_zeros(ctx, w->dtype, 2, w->shape) : NULL;
    if (grad) {
        job.sums = (double *)(void *)room;
        job.first = (int64_t *)(void *)(room + sum_bytes);
        job.place = (int64_t *)(void *)(room + sum_bytes + first_bytes);
        job.grad = nb_tensor_data(grad);
        sort_places(words, count, (int64_t *)(uintptr_t)job.first, (int64_t *)(uintptr_t)job.place);
        bool parallel = n * features >= PARALLEL;
        grad =
            nb_tensor_settle(ctx, grad, nb_run_pieces(ctx, job.pieces, parallel, sum_piece, &job));
    }
    nb_free(ctx, room, first_bytes + place_bytes + sum_bytes + sizeof(double));
    return grad;
}

/* Who looks on learns the words and what stands at each. */
static nb_status tell_words(nb_ctx *ctx, nb_record *record, nb_tensor *delta)
{
    const int64_t column[] = {-1, 1}, rows[] = {-1, record->in[0]->shape[1]};
    if (!nb_tape_is_observed(record) || nb_tensor_count(delta) == 0) return NB_OK;
    nb_tensor *words = nb_tensor_reshape(ctx, record->saved[0], 2, column);
    nb_tensor *at = words ? nb_tensor_reshape(ctx, delta, 2, rows) : NULL;
    nb_status status = at ? nb_tape_share(ctx, record, 0, words, at) : ctx->status;
    nb_tensor_release(ctx, words);
    nb_tensor_release(ctx, at);
    return status;
}

/* Row k of dw = Σ δ over the places that hold k, in their order, in f64 inside. Words do not move:
 * what there is before them gets zeros. */
static nb_status embedding_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                    nb_tensor **grad)
{
    const nb_tensor *x = record->in[1];
    nb_tensor *whole = record->needs[0] ? nb_tensor_contiguous(ctx, delta) : NULL;
    if (record->needs[0] && !whole) return ctx->status;
    nb_status status = record->needs[0] ? tell_words(ctx, record, whole) : NB_OK;
    bool wanted = status == NB_OK && record->needs[0] && nb_tape_wants(record, 0);
    if (wanted && !(grad[0] = sum_rows(ctx, record->in[0], record->saved[0], whole)))
        status = ctx->status;
    nb_tensor_release(ctx, whole);
    if (status != NB_OK) return status;
    if (record->needs[1]) grad[1] = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    return record->needs[1] && !grad[1] ? ctx->status : NB_OK;
}

NB_DEFINE_OP(embedding) = {
    .name = "embedding",
    .help = "Rows of a table by their numbers, counted from 1.",
    .hidden = true,
    .promote = 1,
    .forward = embedding_forward,
    .backward = embedding_backward,
    .errors = "3 2w: a table 3, words 2",
    .samples = "5x3 2x4w, 3x5t 7w, 4x2 -w, 4x3 0x2w, 1x1 3w, 6x0 2w",
    .low = -2,
    .high = 2,
};
