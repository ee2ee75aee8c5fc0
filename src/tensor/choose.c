/* Permutations and draws by weight. */
#include "tensor/choose.h"

#include "base/text.h"
#include "kernel/kernel.h"
#include "kernel/shuffle.h"

#include <math.h>

enum { BETWEEN_LOOKS = 1 << 16 }; /* things done before Ctrl-C is looked for */

nb_status nb_fill_permutation(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream)
{
    int32_t *index = nb_tensor_data(tensor);
    size_t count = (size_t)tensor->shape[0];
    for (size_t i = 0; i < count; i++) {
        if (i % BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        index[i] = (int32_t)(i + 1);
    }
    return nb_random_shuffle(ctx, stream, index, count);
}

/* ---- By weight ---- */

/* One row under way. */
typedef struct choice {
    nb_ctx *ctx;
    nb_stream *stream;
    const double *weight;
    int64_t row, count; /* the row's number, its weights */
    int64_t some;       /* weights that are not zero */
    double total;
    double *room; /* count numbers */
} choice;

static nb_status check_row(choice *of)
{
    char text[NB_NUMBER_MAX];
    of->some = 0;
    of->total = 0;
    for (int64_t i = 0; i < of->count; i++) {
        double w = of->weight[i];
        if (i % BETWEEN_LOOKS == 0 && nb_poll(of->ctx) != NB_OK) return of->ctx->status;
        if (!(w >= 0 && w < (double)INFINITY))
            return nb_fail(of->ctx, NB_EVALUE,
                           "weight %lld of row %lld is %s; weights are finite and not negative",
                           (long long)i + 1, (long long)of->row + 1, nb_number_text(w, text));
        of->some += w > 0;
        of->total += w;
    }
    if (!(of->total < (double)INFINITY))
        return nb_fail(of->ctx, NB_EVALUE, "the weights of row %lld add up to infinity",
                       (long long)of->row + 1);
    if (of->some == 0)
        return nb_fail(of->ctx, NB_EVALUE, "all weights of row %lld are zero",
                       (long long)of->row + 1);
    return NB_OK;
}

/* Again and again: the first whose running sum is above a uniform share of the total. A weight of
 * zero has its neighbour's sum, so it is never the first. */
static nb_status draw_with(choice *of, int32_t *out, int64_t n)
{
    double *sum = of->room, running = 0;
    int64_t last = 0; /* the last that can be drawn: rounding may give the total itself */
    for (int64_t i = 0; i < of->count; i++) {
        if (i % BETWEEN_LOOKS == 0 && nb_poll(of->ctx) != NB_OK) return of->ctx->status;
        running += of->weight[i];
        sum[i] = running;
        if (of->weight[i] > 0) last = i;
    }
    for (int64_t j = 0; j < n; j++) {
        double share = nb_random_unit(of->stream) * running;
        int64_t low = 0, high = last;
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            if (sum[middle] > share)
                high = middle;
            else
                low = middle + 1;
        }
        out[j] = (int32_t)(low + 1);
        if (j % BETWEEN_LOOKS == 0 && nb_poll(of->ctx) != NB_OK) return of->ctx->status;
    }
    return NB_OK;
}

/* Restores a heap of indices, latest arrival on top, below place i. */
static void sink(int32_t *heap, int64_t size, int64_t i, const double *arrival)
{
    int32_t moving = heap[i];
    for (int64_t child = 2 * i + 1; child < size; i = child, child = 2 * i + 1) {
        if (child + 1 < size && arrival[heap[child + 1]] > arrival[heap[child]]) child++;
        if (!(arrival[heap[child]] > arrival[moving])) break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

static void make_heap(int32_t *heap, int64_t size, const double *arrival)
{
    for (int64_t i = size / 2; i-- > 0;) sink(heap, size, i, arrival);
}

/* Puts a heap in order, earliest arrival first. */
static void unheap(int32_t *heap, int64_t size, const double *arrival)
{
    while (--size > 0) {
        int32_t latest = heap[0];
        heap[0] = heap[size];
        heap[size] = latest;
        sink(heap, size, 0, arrival);
    }
}

/* Each once: a race (Efraimidis and Spirakis 2006). Number i arrives after an exponential time of
 * rate weight[i]; i comes first with the probability of its share, and so on among the rest. The n
 * earliest so far are kept in a heap. */
static nb_status draw_without(choice *of, int32_t *out, int64_t n)
{
    double *arrival = of->room;
    int64_t held = 0;
    for (int64_t i = 0; i < of->count && n > 0; i++) {
        double u = 1 - nb_random_unit(of->stream); /* above 0 */
        if (i % BETWEEN_LOOKS == 0 && nb_poll(of->ctx) != NB_OK) return of->ctx->status;
        if (!(of->weight[i] > 0)) continue;
        arrival[i] = -log(u) / of->weight[i];
        if (held < n) {
            out[held++] = (int32_t)i;
            if (held == n) make_heap(out, n, arrival);
        } else if (arrival[i] < arrival[out[0]]) {
            out[0] = (int32_t)i;
            sink(out, n, 0, arrival);
        }
    }
    unheap(out, n, arrival);
    for (int64_t j = 0; j < n; j++) out[j]++;
    return NB_OK;
}

static nb_status draw_rows(choice *of, int64_t rows, int32_t *out, int64_t n, bool replacement)
{
    for (of->row = 0; of->row < rows; of->row++, of->weight += of->count, out += n) {
        nb_status status = check_row(of);
        if (status == NB_OK && !replacement && n > of->some)
            status = nb_fail(of->ctx, NB_EVALUE,
                             "row %lld: %lld indices without replacement are more than its weights "
                             "above zero (%lld)",
                             (long long)of->row + 1, (long long)n, (long long)of->some);
        if (status == NB_OK)
            status = replacement ? draw_with(of, out, n) : draw_without(of, out, n);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* Everything is checked and contiguous; out has the rows' n places. */
static nb_status draw_all(nb_ctx *ctx, const nb_tensor *weights, nb_tensor *out, bool replacement,
                          nb_stream *stream)
{
    int last = out->dims - 1;
    int64_t rows = 1, count = weights->shape[last];
    for (int i = 0; i < last; i++) rows *= out->shape[i];
    size_t bytes = (size_t)count * sizeof(double);
    choice of = {ctx, stream, nb_tensor_data(weights), 0, count, 0, 0, nb_alloc(ctx, bytes)};
    if (!of.room) return ctx->status;
    nb_status status = draw_rows(&of, rows, nb_tensor_data(out), out->shape[last], replacement);
    nb_free(ctx, of.room, bytes);
    return status;
}

nb_tensor *nb_multinomial(nb_ctx *ctx, nb_tensor *weights, int64_t n, bool replacement,
                          nb_stream *stream)
{
    int64_t shape[NB_MAX_DIMS];
    int last = weights->dims - 1;
    if (last < 0) return nb_fail_null(ctx, NB_ESHAPE, "the weights must be a row, or rows of them");
    for (int i = 0; i < last; i++) shape[i] = weights->shape[i];
    shape[last] = n;
    if (weights->shape[last] > INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "a row has at most %d weights", INT32_MAX);
    nb_tensor *wide = nb_tensor_convert(ctx, weights, NB_F64, 1);
    nb_tensor *flat = wide ? nb_tensor_contiguous(ctx, wide) : NULL;
    nb_tensor *out = flat ? nb_tensor_new(ctx, NB_I32, weights->dims, shape) : NULL;
    bool done = out && draw_all(ctx, flat, out, replacement, stream) == NB_OK;
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, flat);
    if (done) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}
