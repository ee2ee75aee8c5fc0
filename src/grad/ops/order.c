/* Ops that put elements in order: sort, topk, median. Values in the dtype that was given, places
 * counted from 1; equal elements keep their order, NaN is above every number. */
#include "grad/lines.h"
#include "grad/support.h"

#include "kernel/sort.h"

/* Lines to be ordered: the first `wanted` of `length` elements each. */
typedef struct ordering {
    nb_order order;
    size_t length, wanted;
    ptrdiff_t from, to; /* steps along a line of elements and of places */
    void (*line)(const struct ordering *how, const void *x, int32_t *place, void *room);
    size_t room; /* bytes that `line` needs */
    nb_rooms rooms;
} ordering;

static void sort_line(const ordering *how, const void *x, int32_t *place, void *room)
{
    nb_sort_places(&how->order, how->length, x, how->from, place, room);
}

static void top_line(const ordering *how, const void *x, int32_t *place, void *room)
{
    nb_top_places(&how->order, how->length, x, how->from, how->wanted, place, room);
}

/* The lower of the two middle elements; in a line with NaN, which is last, the first of those. */
static void median_line(const ordering *how, const void *x, int32_t *place, void *room)
{
    const nb_real_kernels *real = nb_real(how->order.dtype);
    size_t n = how->length;
    if (real) {
        double most = nb_fold_rules[NB_FOLD_largest].start;
        nb_kernels_get()->folds[how->order.dtype]->row[NB_FOLD_largest](n, x, how->from, 0, &most);
        if (most != most) {
            *place = (int32_t)real->argmax(n, x, how->from);
            return;
        }
    }
    *place = (int32_t)nb_rank_place(&how->order, n, x, how->from, (n - 1) / 2, room);
}

/* at: places, x */
static void order_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    ordering *how = arg;
    int64_t width = (int64_t)nb_dtype_size(how->order.dtype);
    char *room = nb_rooms_take(&how->rooms);
    int32_t *found = (int32_t *)(void *)(room + how->room);
    for (size_t i = 0; i < n && !(how->order.stop && *how->order.stop); i++) {
        int32_t *place = (int32_t *)(void *)at[0] + (int64_t)i * stride[0];
        how->line(how, at[1] + (int64_t)i * stride[1] * width, found, room);
        if (how->order.stop && *how->order.stop) break; /* and found may be unwritten */
        for (size_t k = 0; k < how->wanted; k++) place[(ptrdiff_t)k * how->to] = found[k] + 1;
    }
    nb_rooms_give(&how->rooms, room);
}

/* The places (from 1) of the first `wanted` in order of every line along `dim`. */
static nb_tensor *order_lines(nb_ctx *ctx, const nb_tensor *x, int dim, ordering *how)
{
    nb_tensor *place = nb_lines_new(ctx, NB_I32, x, dim, (int64_t)how->wanted);
    if (!place || nb_tensor_count(place) == 0) return place;
    how->from = nb_line_step(x, dim);
    how->to = nb_line_step(place, dim);
    how->order.dtype = x->dtype;
    how->order.stop = ctx->interrupt;
    how->room = (how->room + 7) / 8 * 8;
    int64_t lines = nb_tensor_count(place) / (int64_t)how->wanted;
    nb_status status =
        nb_rooms_make(ctx, &how->rooms, how->room + how->wanted * sizeof(int32_t), lines);
    if (status == NB_OK) {
        status = nb_lines_run(ctx, dim, 2, (const nb_tensor *const[]){place, x},
                              (int64_t)how->length, order_loop, how);
        nb_rooms_free(ctx, &how->rooms);
    }
    /* A single line is not polled behind its back. */
    if (status == NB_OK) status = nb_poll(ctx);
    return nb_tensor_settle(ctx, place, status);
}

/* The elements that the places name, and the places as second result; the reference is taken. */
static nb_tensor *values_at(nb_ctx *ctx, nb_call *call, int dim, nb_tensor *place)
{
    nb_tensor *value = place ? nb_lines_take(ctx, call->in[0], dim, place) : NULL;
    if (!value) {
        nb_tensor_release(ctx, place);
        return NULL;
    }
    if (call->recording) call->saved[0] = nb_tensor_retain(place);
    call->more[0] = place;
    return value;
}

static nb_tensor *sort_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int dim = nb_line_dim(&call->attr.dims, x, x->dims - 1);
    size_t n = (size_t)nb_line_length(x, dim);
    if (nb_lines_check(ctx, x, dim) != NB_OK) return NULL;
    ordering how = {.order.descending = call->attr.sort.descending,
                    .length = n,
                    .wanted = n,
                    .line = sort_line,
                    .room = nb_sort_room(x->dtype, n)};
    return values_at(ctx, call, dim, order_lines(ctx, x, dim, &how));
}

static nb_tensor *topk_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int dim = nb_line_dim(&call->attr.dims, x, x->dims - 1);
    int64_t n = nb_line_length(x, dim), k = call->attr.topk.k;
    if (nb_lines_check(ctx, x, dim) != NB_OK) return NULL;
    if (k < 0 || k > n || (dim < 0 && k != 1))
        return nb_fail_null(ctx, NB_EARG, "topk: there are %lld elements to choose from, not %lld",
                            (long long)n, (long long)k);
    ordering how = {.order.descending = !call->attr.topk.smallest,
                    .length = (size_t)n,
                    .wanted = (size_t)k,
                    .line = top_line,
                    .room = nb_top_room(x->dtype, (size_t)n, (size_t)k)};
    return values_at(ctx, call, dim, order_lines(ctx, x, dim, &how));
}

/* y = x at its places: dx = δ there, 0 elsewhere */
static nb_status order_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    int dim = nb_line_dim(&record->attr.dims, x, x->dims - 1);
    grad[0] = nb_lines_put(ctx, x, dim, record->saved[0], delta);
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- median --------------------------------------------------------------------------------- */

static nb_tensor *median_places(nb_ctx *ctx, const nb_tensor *x, int dim)
{
    size_t n = (size_t)nb_line_length(x, dim);
    if (nb_lines_check(ctx, x, dim) != NB_OK) return NULL;
    if (n == 0 && nb_tensor_count(x) == 0) {
        nb_tensor *none = nb_lines_new(ctx, NB_I32, x, dim, 1);
        if (!none || nb_tensor_count(none) == 0) return none;
        nb_tensor_release(ctx, none);
        return nb_fail_null(ctx, NB_ESHAPE, "median of no elements");
    }
    ordering how = {
        .length = n, .wanted = 1, .line = median_line, .room = nb_rank_room(x->dtype, n)};
    return order_lines(ctx, x, dim, &how);
}

/* Of all elements as one line the place is no result, for it counts in that line. */
static nb_tensor *median_forward(nb_ctx *ctx, nb_call *call)
{
    int dim;
    bool all = nb_line_dim(&call->attr.dims, call->in[0], -1) < 0;
    nb_tensor *lines = nb_lines_named(ctx, call, &dim);
    nb_tensor *place = lines ? median_places(ctx, lines, dim) : NULL;
    nb_tensor *value = place ? nb_lines_take(ctx, lines, dim, place) : NULL;
    nb_tensor_release(ctx, lines);
    if (value && call->recording) call->saved[0] = nb_tensor_retain(place);
    value = nb_lines_result(ctx, call, value);
    if (value && !all) {
        call->more[0] = nb_lines_result(ctx, call, nb_tensor_retain(place));
        value = nb_tensor_settle(ctx, value, call->more[0] ? NB_OK : ctx->status);
    }
    nb_tensor_release(ctx, place);
    return value;
}

/* y = x at the median's place: dx = δ there, 0 elsewhere */
static nb_status median_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *x = record->in[0], *place = record->saved[0];
    int dim = nb_line_dim(&record->attr.dims, x, -1);
    nb_tensor *given = nb_tensor_reshape(ctx, delta, place->dims, place->shape);
    nb_tensor line = *x;
    if (dim < 0) {
        line.shape[0] = nb_tensor_count(x);
        line.dims = 1;
        dim = 0;
    }
    nb_tensor *put = given ? nb_lines_put(ctx, &line, dim, place, given) : NULL;
    grad[0] = put ? nb_tensor_reshape(ctx, put, x->dims, x->shape) : NULL;
    nb_tensor_release(ctx, given);
    nb_tensor_release(ctx, put);
    return grad[0] ? NB_OK : ctx->status;
}

static const nb_option sort_options[] = {{.name = "descending",
                                          .help = "the largest first",
                                          .kind = NB_BOOLEAN,
                                          .offset = offsetof(nb_attr, sort.descending)},
                                         NB_OPTIONS_END};

static const nb_option topk_options[] = {{.name = "smallest",
                                          .help = "the smallest elements, not the largest",
                                          .kind = NB_BOOLEAN,
                                          .offset = offsetof(nb_attr, topk.smallest)},
                                         NB_OPTIONS_END};

NB_DEFINE_OP(sort) = {
    .name = "sort",
    .signature = "D",
    .options = sort_options,
    .usage = "x:sort(dim, {descending})",
    .help =
        "The elements in order along a dimension, by default the last, and the places where they "
        "stood, counted from 1. Equal elements keep their order. NaN counts as larger than every "
        "number: "
        "last, and first where descending.",
    .example = "tensor{3, 1, 2}:sort() → 1 2 3",
    .results = 2,
    .forward = sort_forward,
    .backward = order_backward,
    .samples = "-, 5, 40, 2x3, 3x2t, 2x3 /1, 2x3x2 /2, 0x3, 0x3 /1",
    .low = -2,
    .high = 2,
};

NB_DEFINE_OP(topk) = {
    .name = "topk",
    .signature = "cD",
    .fills = {offsetof(nb_attr, topk.k), offsetof(nb_attr, topk.dims)},
    .options = topk_options,
    .usage = "x:topk(k, dim, {smallest})",
    .help = "The k largest elements along a dimension, by default the last, the largest first, and "
            "their places, counted from 1. NaN counts as larger than every number, so it comes "
            "first, and last among the smallest.",
    .example = "tensor{3, 1, 2}:topk(2) → 3 2",
    .results = 2,
    .forward = topk_forward,
    .backward = order_backward,
    .errors = "3 /4: 3 elements to choose from, not 4",
    .samples = "- /1, 5 /2, 40 /7, 2x3 /2, 3x2t /1, 2x3 /1 /1, 2x3x2 /2 /2, 0x3 /2",
    .low = -2,
    .high = 2,
};

NB_DEFINE_OP(median) = {
    .name = "median",
    .signature = "D",
    .options = nb_keep_options,
    .usage = "x:median(dim, {keep})",
    .help = "The middle element, the lower of two, NaN if there is one; along a dimension: the "
            "values and their places, counted from 1.",
    .example = "tensor{9, 1, 5, 7}:median() → 5",
    .results = 2,
    .alone = true,
    .forward = median_forward,
    .backward = median_backward,
    .errors = "0x3 /1: median of no elements",
    .samples = "-, 5, 4, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /2, 0x3 /2",
    .low = -2,
    .high = 2,
};
