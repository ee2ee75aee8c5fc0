/* Filling with chance: element i is made of the words that Philox gives for its place. */
#include "tensor/random.h"

#include "base/text.h"
#include "base/workers.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

enum {
    BATCH = 1024,         /* elements made at a time, in the first-level cache */
    PIECE = 64 * BATCH,   /* of one hand-over between threads, and between looks for Ctrl-C */
    PARALLEL = 4 * PIECE, /* elements from which waking the workers pays */
    MOST_WORDS = 2,       /* of one element */
    BLOCK_WORDS = 4,      /* of one counter */
    AGAIN_SHIFT = 16      /* of the block number's high word: which attempt of an element it is */
};
_Static_assert(NB_MAX_ELEMENTS *MOST_WORDS / BLOCK_WORDS <= (INT64_C(1) << (32 + AGAIN_SHIFT)),
               "the numbers of blocks leave room for attempts");

typedef struct drawing drawing;

/* Makes n elements, number `first` and on, contiguous at `to`. */
typedef void make_fn(const drawing *how, const uint32_t *words, int64_t first, size_t n, void *to);

struct drawing {
    make_fn *make;
    nb_stream stream;
    nb_dtype dtype;
    char *to;
    int64_t count;
    int64_t before; /* elements of a larger fill, of which this is the part behind them */
    size_t words; /* of an element */
    const volatile sig_atomic_t *interrupt;

    nb_draw_fn *draw; /* a distribution of the kernels with its parameters */
    double a, b;
    int64_t low; /* whole numbers: low and how many there are */
    uint64_t range;
    const double *p; /* probabilities, contiguous or one for all */
    int64_t p_step;
};

/* ---- Running ---- */

/* The counter of block number `block`, at the given attempt. */
static void place(const nb_stream *stream, uint64_t block, uint32_t attempt, uint32_t counter[4])
{
    uint64_t at = ((uint64_t)stream->counter[1] << 32 | stream->counter[0]) + block;
    counter[0] = (uint32_t)at;
    counter[1] = (uint32_t)(at >> 32) + (attempt << AGAIN_SHIFT);
    counter[2] = stream->counter[2];
    counter[3] = stream->counter[3];
}

static void make_batch(const drawing *how, int64_t first, size_t n, char *to)
{
    uint32_t words[BATCH * MOST_WORDS + BLOCK_WORDS], counter[4];
    uint64_t at = (uint64_t)(how->before + first) * how->words;
    size_t skipped = (size_t)(at % BLOCK_WORDS);
    size_t blocks = (skipped + n * how->words + BLOCK_WORDS - 1) / BLOCK_WORDS;
    place(&how->stream, at / BLOCK_WORDS, 0, counter);
    nb_kernels_get()->philox(how->stream.key, counter, blocks, words);
    how->make(how, words + skipped, first, n, to);
}

static void make_piece(void *arg, size_t piece)
{
    const drawing *how = arg;
    int64_t first = (int64_t)piece * PIECE;
    int64_t end = how->count - first < PIECE ? how->count : first + PIECE;
    if (how->interrupt && *how->interrupt) return;
    for (; first < end; first += BATCH) {
        size_t n = end - first < BATCH ? (size_t)(end - first) : BATCH;
        make_batch(how, first, n, how->to + first * (int64_t)nb_dtype_size(how->dtype));
    }
}

static nb_status fill_contiguous(nb_ctx *ctx, nb_tensor *tensor, drawing *how)
{
    how->to = nb_tensor_data(tensor);
    how->count = nb_tensor_count(tensor);
    size_t pieces = (size_t)((how->count + PIECE - 1) / PIECE);
    /* A single piece is done whole. */
    how->interrupt = pieces > 1 ? ctx->interrupt : NULL;
    if (how->count >= PARALLEL)
        nb_parallel(ctx, pieces, make_piece, how);
    else
        for (size_t i = 0; i < pieces; i++) make_piece(how, i);
    return nb_poll(ctx);
}

/* What is not contiguous is drawn beside it. */
static nb_status fill(nb_ctx *ctx, nb_tensor *tensor, drawing *how)
{
    how->dtype = tensor->dtype;
    if (nb_tensor_is_contiguous(tensor)) return fill_contiguous(ctx, tensor, how);
    if (nb_tensor_check_write(ctx, tensor) != NB_OK) return ctx->status;
    nb_tensor *drawn = nb_tensor_new(ctx, tensor->dtype, tensor->dims, tensor->shape);
    nb_status status = drawn ? fill_contiguous(ctx, drawn, how) : ctx->status;
    if (status == NB_OK) status = nb_tensor_copy(ctx, tensor, drawn);
    nb_tensor_release(ctx, drawn);
    return status;
}

/* ---- Distributions of the kernels ---- */

static void make_real(const drawing *how, const uint32_t *words, int64_t first, size_t n, void *to)
{
    (void)first;
    how->draw(n, words, to, how->a, how->b);
}

static nb_status fill_real(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream,
                           nb_draw_fn *draw, double a, double b)
{
    drawing how = {.make = make_real,
                   .stream = *stream,
                   .words = nb_random_words(tensor->dtype),
                   .draw = draw,
                   .a = a,
                   .b = b};
    return fill(ctx, tensor, &how);
}

nb_status nb_fill_uniform(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double low,
                          double high)
{
    return fill_real(ctx, tensor, stream, nb_real(tensor->dtype)->draw_uniform, low, high);
}

nb_status nb_fill_normal(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double mean,
                         double deviation)
{
    return fill_real(ctx, tensor, stream, nb_real(tensor->dtype)->draw_normal, mean, deviation);
}

nb_status nb_fill_exponential(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double rate)
{
    return fill_real(ctx, tensor, stream, nb_real(tensor->dtype)->draw_exponential, 1 / rate, 0);
}

/* ---- Whole numbers ---- */

/* The words of one element at a later attempt: its own places in another block. */
static void draw_again(const drawing *how, int64_t element, uint32_t attempt, uint32_t *words)
{
    uint32_t counter[4], block[BLOCK_WORDS];
    uint64_t at = (uint64_t)element * how->words;
    place(&how->stream, at / BLOCK_WORDS, attempt, counter);
    nb_philox(counter, how->stream.key, block);
    memcpy(words, block + at % BLOCK_WORDS, how->words * sizeof *words);
}

/* Lemire's way, as nb_random_below: the upper half of word * range, once the words whose lower half
 * is under 2^32 mod range are drawn again. */
static void make_short(const drawing *how, const uint32_t *words, int64_t first, size_t n, void *to)
{
    const uint64_t range = how->range, excess = (UINT64_C(1) << 32) % range;
    double made[BATCH];
    for (size_t i = 0; i < n; i++) {
        uint64_t product = words[i] * range;
        for (uint32_t again = 1; (uint32_t)product < excess; again++) {
            uint32_t word;
            draw_again(how, first + (int64_t)i, again, &word);
            product = word * range;
        }
        made[i] = (double)(how->low + (int64_t)(product >> 32));
    }
    nb_kernels_get()->convert[NB_F64][how->dtype](n, made, 1, to, 1, 1.0);
}

/* As many bits as range - 1 has, until they are below it. */
static void make_long(const drawing *how, const uint32_t *words, int64_t first, size_t n, void *to)
{
    const uint64_t mask = UINT64_MAX >> __builtin_clzll(how->range - 1);
    double made[BATCH];
    for (size_t i = 0; i < n; i++) {
        uint64_t value = ((uint64_t)words[2 * i] << 32 | words[2 * i + 1]) & mask;
        for (uint32_t again = 1; value >= how->range; again++) {
            uint32_t pair[2];
            draw_again(how, first + (int64_t)i, again, pair);
            value = ((uint64_t)pair[0] << 32 | pair[1]) & mask;
        }
        made[i] = (double)(how->low + (int64_t)value);
    }
    nb_kernels_get()->convert[NB_F64][how->dtype](n, made, 1, to, 1, 1.0);
}

nb_status nb_fill_integers(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, int64_t low,
                           int64_t high)
{
    uint64_t range = (uint64_t)high - (uint64_t)low + 1;
    bool is_short = range <= UINT64_C(1) << 32;
    drawing how = {.make = is_short ? make_short : make_long,
                   .stream = *stream,
                   .words = is_short ? 1 : 2,
                   .low = low,
                   .range = range};
    return fill(ctx, tensor, &how);
}

/* ---- Yes or no ---- */

/* 53 bits against p: never where p is 0, always where it is 1. */
static void make_bernoulli(const drawing *how, const uint32_t *words, int64_t first, size_t n,
                           void *to)
{
    uint8_t made[BATCH];
    const double *p = how->p + first * how->p_step;
    for (size_t i = 0; i < n; i++) {
        double u =
            (double)(words[2 * i] >> 5) * 0x1p-27 + (double)(words[2 * i + 1] >> 6) * 0x1p-53;
        made[i] = u < p[(int64_t)i * how->p_step];
    }
    nb_kernels_get()->convert[NB_U8][how->dtype](n, made, 1, to, 1, 1.0);
}

static nb_status check_probabilities(nb_ctx *ctx, const nb_tensor *p)
{
    const double *value = nb_tensor_data(p);
    int64_t count = nb_tensor_count(p);
    char text[NB_NUMBER_MAX];
    for (int64_t i = 0; i < count; i++)
        if (!(value[i] >= 0 && value[i] <= 1))
            return nb_fail(ctx, NB_EVALUE, "a probability must lie within 0 and 1, not at %s",
                           nb_number_text(value[i], text));
    return NB_OK;
}

/* p as contiguous doubles of the tensor's shape; one number stays one. */
static nb_tensor *probabilities(nb_ctx *ctx, const nb_tensor *tensor, nb_tensor *p)
{
    nb_tensor *wide = nb_tensor_convert(ctx, p, NB_F64, 1);
    nb_tensor *all = NULL, *out = NULL;
    if (wide && p->dims > 0) all = nb_tensor_expand(ctx, wide, tensor->dims, tensor->shape);
    if (wide && p->dims == 0) all = nb_tensor_retain(wide);
    if (all) out = nb_tensor_contiguous(ctx, all);
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, all);
    return out;
}

nb_status nb_fill_bernoulli(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, nb_tensor *p)
{
    return nb_fill_bernoulli_part(ctx, tensor, stream, p, 0);
}

nb_status nb_fill_bernoulli_part(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream,
                                 nb_tensor *p, int64_t before)
{
    nb_tensor *all = probabilities(ctx, tensor, p);
    if (!all) return ctx->status;
    drawing how = {.make = make_bernoulli,
                   .stream = *stream,
                   .words = 2,
                   .before = before,
                   .p = nb_tensor_data(all),
                   .p_step = all->dims > 0};
    nb_status status = check_probabilities(ctx, all);
    if (status == NB_OK) status = fill(ctx, tensor, &how);
    nb_tensor_release(ctx, all);
    return status;
}
