/* How many elements fall between evenly spaced edges. */
#include "base/text.h"
#include "grad/support.h"

#include <float.h>
#include <math.h>

enum { BLOCK = 256 };

/* Bins from low to high; the last holds high too. */
typedef struct bins {
    double low, high, scale; /* bins per unit */
    int64_t count;
    const double *edge; /* count + 1 */
    double *counts;
    nb_convert_fn *widen;
    int64_t width;
} bins;

/* Rounding may give the neighbour of the bin whose edges hold x. */
static void put(const bins *b, double x)
{
    if (!(x >= b->low && x <= b->high)) return;
    int64_t at = (int64_t)((x - b->low) * b->scale);
    if (at >= b->count) at = b->count - 1;
    if (at > 0 && x < b->edge[at])
        at--;
    else if (at + 1 < b->count && x >= b->edge[at + 1])
        at++;
    b->counts[at]++;
}

static void count_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const bins *b = arg;
    double block[BLOCK];
    for (size_t start = 0; start < n; start += BLOCK) {
        size_t m = n - start < BLOCK ? n - start : BLOCK;
        b->widen(m, at[0] + (int64_t)start * stride[0] * b->width, (ptrdiff_t)stride[0], block, 1,
                 1.0);
        for (size_t i = 0; i < m; i++) put(b, block[i]);
    }
}

/* One fold of all elements of x. */
static nb_status extreme(nb_ctx *ctx, const nb_tensor *x, nb_fold fold, double *out)
{
    nb_fold_plan plan;
    nb_fold_plan_make(&plan, x, (1u << x->dims) - 1);
    return nb_fold_run(ctx, &plan, fold, NULL, out);
}

/* The range that the call names, else the data's; of nothing 0 to 1. A range of one value gets a
 * half on either side, or so much that the edges of its bins differ. */
static nb_status find_range(nb_ctx *ctx, const nb_call *call, double *low, double *high)
{
    const nb_tensor *x = call->in[0];
    char of_low[NB_NUMBER_MAX], of_high[NB_NUMBER_MAX];
    bool any = nb_tensor_count(x) > 0;
    *low = call->attr.histogram.min;
    *high = call->attr.histogram.max;
    if (isnan(*low)) {
        *low = 0;
        if (any && extreme(ctx, x, NB_FOLD_smallest, low) != NB_OK) return ctx->status;
    }
    if (isnan(*high)) {
        *high = 1;
        if (any && extreme(ctx, x, NB_FOLD_largest, high) != NB_OK) return ctx->status;
    }
    if (!isfinite(*high - *low))
        return nb_fail(ctx, NB_EVALUE,
                       "histogram: the range of the data, %s to %s, is not finite; give {min, max}",
                       nb_number_text(*low, of_low), nb_number_text(*high, of_high));
    if (*low > *high)
        return nb_fail(ctx, NB_EARG, "histogram: min, %g, is above max, %g", *low, *high);
    if (*low == *high) {
        double half = fmax(0.5, fabs(*low) * DBL_EPSILON * (double)call->attr.histogram.bins);
        *low -= half;
        *high += half;
    }
    return NB_OK;
}

/* Each edge is above the one before, or there are fewer numbers than bins. */
static nb_status fill_edges(nb_ctx *ctx, const bins *b, double *edge)
{
    const int64_t between_looks = 1 << 20;
    bool rise = isfinite(b->scale);
    for (int64_t i = 0; rise && i <= b->count; i++) {
        if (i % between_looks == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        double share = (double)i / (double)b->count;
        edge[i] = i == b->count ? b->high : b->low + (b->high - b->low) * share;
        rise = i == 0 || edge[i] > edge[i - 1];
    }
    if (rise) return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "histogram: %.17g to %.17g is too narrow for %lld bins", b->low,
                   b->high, (long long)b->count);
}

/* In f64: counts are whole numbers that no dtype here holds better. Always on one thread and in
 * pieces, for a count is a few cycles and the wait for Ctrl-C must not be long. */
static nb_status count_all(nb_ctx *ctx, const nb_tensor *x, bins *b)
{
    enum { PIECE = 1 << 20 };
    nb_tensor *flat = nb_tensor_reshape(ctx, x, 1, (const int64_t[]){-1});
    if (!flat) return ctx->status;
    nb_status status = NB_OK;
    b->widen = nb_kernels_get()->convert[x->dtype][NB_F64];
    b->width = (int64_t)nb_dtype_size(x->dtype);
    for (int64_t at = 0; at < flat->shape[0] && status == NB_OK; at += PIECE) {
        int64_t left = flat->shape[0] - at, n = left < PIECE ? left : PIECE;
        char *from = (char *)nb_tensor_data(flat) + at * flat->stride[0] * b->width;
        count_loop(b, (size_t)n, &from, flat->stride);
        status = nb_poll(ctx);
    }
    nb_tensor_release(ctx, flat);
    return status;
}

static nb_tensor *histogram_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    bins b = {.count = call->attr.histogram.bins};
    if (b.count < 1) return nb_fail_null(ctx, NB_EARG, "histogram needs at least 1 bin, not 0");
    if (b.count >= NB_MAX_ELEMENTS)
        return nb_fail_null(ctx, NB_EARG, "histogram: %lld bins are too many", (long long)b.count);
    if (find_range(ctx, call, &b.low, &b.high) != NB_OK) return NULL;
    b.scale = (double)b.count / (b.high - b.low);
    nb_tensor *counts = nb_tensor_zeros(ctx, NB_F64, 1, &b.count);
    int64_t places = b.count + 1;
    nb_tensor *edges = counts ? nb_tensor_new(ctx, NB_F64, 1, &places) : NULL;
    nb_status status = edges ? NB_OK : ctx->status;
    if (edges) status = fill_edges(ctx, &b, nb_tensor_data(edges));
    if (status == NB_OK) {
        b.edge = nb_tensor_data(edges);
        b.counts = nb_tensor_data(counts);
        status = count_all(ctx, x, &b);
    }
    if (status == NB_OK)
        call->more[0] = nb_tensor_convert(ctx, edges, nb_dtype_computing(ctx, x->dtype), 1);
    nb_tensor_release(ctx, edges);
    if (call->more[0]) return counts;
    nb_tensor_release(ctx, counts);
    return NULL;
}

static const nb_option histogram_options[] = {{.name = "min",
                                               .help = "the lowest edge",
                                               .kind = NB_NUMBER,
                                               .standard = "the smallest element",
                                               .value = NAN,
                                               .offset = offsetof(nb_attr, histogram.min)},
                                              {.name = "max",
                                               .help = "the highest edge",
                                               .kind = NB_NUMBER,
                                               .standard = "the largest element",
                                               .value = NAN,
                                               .offset = offsetof(nb_attr, histogram.max)},
                                              NB_OPTIONS_END};

NB_DEFINE_OP(histogram) = {
    .name = "histogram",
    .signature = "c",
    .options = histogram_options,
    .usage = "x:histogram(bins, {min, max})",
    .help = "How many elements lie in each of so many equal bins from min to max, in f64, and the "
            "bins + 1 edges. A bin holds its lower edge, the last one both; what lies outside, and "
            "NaN, is not counted.",
    .example = "tensor{1, 2, 2, 5}:histogram(4) → 1 2 0 1",
    .results = 2,
    .forward = histogram_forward,
    .errors = "5 /0: at least 1 bin; 5 /281474976710656: bins are too many",
    .samples = "- /1, 5 /3, 2x3 /4, 3x2t /2, 0x3 /2",
    .low = -2,
    .high = 2,
};
