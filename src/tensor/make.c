/* Filling with numbers that follow a rule. */
#include "tensor/make.h"

#include "base/memory.h"
#include "base/text.h"
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

enum {
    BATCH = 512,   /* numbers made at a time; between batches Ctrl-C is looked for */
    LOOK = 1 << 16 /* steps counted between two looks */
};

/* Gives the numbers of elements first … first + n - 1. */
typedef void numbers_at(void *arg, int64_t first, int64_t n, double *to);

/* A batch is made in double and converted to the tensor's dtype by the kernel for that. */
static nb_status fill(nb_ctx *ctx, nb_tensor *tensor, numbers_at *numbers, void *arg)
{
    double batch[BATCH];
    nb_convert_fn *convert = nb_kernels_get()->convert[NB_F64][tensor->dtype];
    char *to = nb_tensor_data(tensor);
    int64_t count = nb_tensor_count(tensor);
    for (int64_t start = 0; start < count; start += BATCH) {
        int64_t n = count - start < BATCH ? count - start : BATCH;
        numbers(arg, start, n, batch);
        convert((size_t)n, batch, 1, to, 1, 1.0);
        to += n * (int64_t)nb_dtype_size(tensor->dtype);
        if (nb_poll(ctx) != NB_OK) return ctx->status;
    }
    return NB_OK;
}

/* ---- Ranges and lines ---- */

typedef struct line {
    double first, step, last;
    int64_t end; /* the place of `last` */
    double base; /* of powers */
} line;

static void on_range(void *arg, int64_t first, int64_t n, double *to)
{
    const line *of = arg;
    for (int64_t i = 0; i < n; i++) to[i] = of->first + (double)(first + i) * of->step;
}

/* As a for loop comes from one to the next; `first` is the number that is due. */
static void on_steps(void *arg, int64_t first, int64_t n, double *to)
{
    line *of = arg;
    (void)first;
    for (int64_t i = 0; i < n; i++, of->first += of->step) to[i] = of->first;
}

/* Whether so many steps of whole numbers are exact, so that they can be counted at once. */
static bool is_exact(double first, double step, double steps)
{
    const double top = 9007199254740992.0; /* 2^53 */
    return first == floor(first) && step == floor(step) && fabs(first) + fabs(step) * steps <= top;
}

nb_status nb_fill_range(nb_ctx *ctx, nb_tensor *tensor, double start, double step)
{
    line of = {.first = start, .step = step};
    bool exact = is_exact(start, step, (double)nb_tensor_count(tensor));
    return fill(ctx, tensor, exact ? on_range : on_steps, &of);
}

/* Counted from the nearer end, so that both are exact and the line is as even backwards. */
static void on_line(void *arg, int64_t first, int64_t n, double *to)
{
    const line *of = arg;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = first + i;
        to[i] = at <= of->end / 2 ? of->first + (double)at * of->step
                                  : of->last - (double)(of->end - at) * of->step;
    }
}

static line line_of(const nb_tensor *tensor, double first, double last)
{
    int64_t end = nb_tensor_count(tensor) - 1;
    double step = end > 0 ? last / (double)end - first / (double)end : 0;
    return (line){.first = first, .step = step, .last = last, .end = end};
}

nb_status nb_fill_line(nb_ctx *ctx, nb_tensor *tensor, double first, double last)
{
    line of = line_of(tensor, first, last);
    return fill(ctx, tensor, on_line, &of);
}

static void on_powers(void *arg, int64_t first, int64_t n, double *to)
{
    const line *of = arg;
    on_line(arg, first, n, to);
    for (int64_t i = 0; i < n; i++) to[i] = pow(of->base, to[i]);
}

nb_status nb_fill_powers(nb_ctx *ctx, nb_tensor *tensor, double base, double first, double last)
{
    line of = line_of(tensor, first, last);
    of.base = base;
    return fill(ctx, tensor, on_powers, &of);
}

/* How many numbers a loop takes that adds the step until it is past the end. */
static nb_status count_steps(nb_ctx *ctx, double first, double last, double step, int64_t *count)
{
    double at = first;
    while (step > 0 ? at <= last : at >= last) {
        double next = at + step;
        if (++*count % LOOK == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        if (next == at && at != last)
            return nb_fail(ctx, NB_EARG, "a step of %g leads no further from %.17g", step, at);
        if (next == at) break;
        at = next;
    }
    return NB_OK;
}

nb_status nb_range_count(nb_ctx *ctx, double first, double last, double step, int64_t *count)
{
    double span = last - first;
    /* Halves are exact where the span of two finite numbers is infinite. */
    double steps = isfinite(span) ? span / step : (last / 2 - first / 2) / (step / 2);
    *count = 0;
    if (steps < 0) return NB_OK;
    if (!(steps < (double)NB_MAX_ELEMENTS))
        return nb_fail(ctx, NB_EARG, "too many numbers for one tensor");
    if (!is_exact(first, step, steps)) return count_steps(ctx, first, last, step, count);
    *count = (int64_t)steps + 1;
    return NB_OK;
}

/* ---- Ones among zeros ---- */

nb_status nb_fill_identity(nb_ctx *ctx, nb_tensor *tensor)
{
    nb_status status = nb_tensor_fill(ctx, tensor, 0);
    int64_t n = tensor->shape[0] < tensor->shape[1] ? tensor->shape[0] : tensor->shape[1];
    for (int64_t i = 0; i < n && status == NB_OK; i++)
        nb_tensor_set(tensor, (const int64_t[]){i, i}, 1);
    return status;
}

/* Visits the labels in row-major order as whole numbers, which it has checked to be such from 1 to
 * `most`. */
typedef void label_fn(void *arg, int64_t place, int64_t label);

static nb_status bad_label(nb_ctx *ctx, double label, int64_t place, int64_t most)
{
    if (label == 0) return nb_fail(ctx, NB_EVALUE, "there is no class 0; counting starts at 1");
    if (label > (double)most && label < (double)INFINITY && label == floor(label))
        return nb_fail(ctx, NB_EVALUE, "label %lld is class %.0f; there are %lld",
                       (long long)place + 1, label, (long long)most);
    char text[NB_NUMBER_MAX];
    return nb_fail(ctx, NB_EVALUE, "label %lld must be a whole number from 1, not %s",
                   (long long)place + 1, nb_number_text(label, text));
}

static nb_status each_label(nb_ctx *ctx, nb_tensor *labels, int64_t most, label_fn *visit,
                            void *arg)
{
    double batch[BATCH];
    nb_tensor *flat = nb_tensor_contiguous(ctx, labels);
    if (!flat) return ctx->status;
    nb_convert_fn *convert = nb_kernels_get()->convert[flat->dtype][NB_F64];
    const char *from = nb_tensor_data(flat);
    int64_t count = nb_tensor_count(flat);
    nb_status status = NB_OK;
    for (int64_t start = 0; start < count && status == NB_OK; start += BATCH) {
        int64_t n = count - start < BATCH ? count - start : BATCH;
        convert((size_t)n, from + start * (int64_t)nb_dtype_size(flat->dtype), 1, batch, 1, 1.0);
        for (int64_t i = 0; i < n && status == NB_OK; i++) {
            double label = batch[i];
            if (label >= 1 && label <= (double)most && label == floor(label))
                visit(arg, start + i, (int64_t)label);
            else
                status = bad_label(ctx, label, start + i, most);
        }
        if (status == NB_OK) status = nb_poll(ctx);
    }
    nb_tensor_release(ctx, flat);
    return status;
}

/* Where the ones go, and what one is in the tensor's dtype. */
typedef struct ones {
    char *to;
    int64_t classes;
    size_t width;
    char one[sizeof(double)];
} ones;

static void set_one(void *arg, int64_t place, int64_t label)
{
    const ones *of = arg;
    memcpy(of->to + (place * of->classes + label - 1) * (int64_t)of->width, of->one, of->width);
}

nb_status nb_fill_one_hot(nb_ctx *ctx, nb_tensor *tensor, nb_tensor *labels)
{
    ones of = {.to = nb_tensor_data(tensor),
               .classes = tensor->shape[tensor->dims - 1],
               .width = nb_dtype_size(tensor->dtype)};
    const double one = 1;
    nb_kernels_get()->convert[NB_F64][tensor->dtype](1, &one, 1, of.one, 1, 1.0);
    nb_status status = nb_tensor_fill(ctx, tensor, 0);
    return status == NB_OK ? each_label(ctx, labels, of.classes, set_one, &of) : status;
}

static void raise_largest(void *arg, int64_t place, int64_t label)
{
    int64_t *largest = arg;
    (void)place;
    if (label > *largest) *largest = label;
}

nb_status nb_largest_label(nb_ctx *ctx, nb_tensor *labels, int64_t *largest)
{
    *largest = 0;
    return each_label(ctx, labels, NB_MAX_ELEMENTS, raise_largest, largest);
}

/* ---- Waves ---- */

typedef struct waves {
    int64_t start, features;
    const double *rate; /* of each pair of columns */
} waves;

static void on_waves(void *arg, int64_t first, int64_t n, double *to)
{
    const waves *of = arg;
    int64_t row = first / of->features, column = first % of->features;
    for (int64_t i = 0; i < n; i++) {
        double angle = (double)(of->start + row) * of->rate[column / 2];
        to[i] = column % 2 ? cos(angle) : sin(angle);
        if (++column == of->features) row++, column = 0;
    }
}

nb_status nb_fill_waves(nb_ctx *ctx, nb_tensor *tensor, int64_t start)
{
    const double slowest = 1e-4;
    int64_t features = tensor->shape[1], pairs = (features + 1) / 2;
    double *rate = nb_alloc(ctx, (size_t)pairs * sizeof *rate);
    if (!rate) return ctx->status;
    for (int64_t k = 0; k < pairs; k++) rate[k] = pow(slowest, (double)(2 * k) / (double)features);
    nb_status status = fill(ctx, tensor, on_waves, &(waves){start, features, rate});
    nb_free(ctx, rate, (size_t)pairs * sizeof *rate);
    return status;
}
