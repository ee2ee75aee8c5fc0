/* Ops that find elements by indices: index_select, take, pick, gather, scatter_add, and the
 * diagonal. Indices are tensors of the user's numbers, counted from 1 or from the end; a tensor of
 * any dtype may hold them. */
#include "grad/support.h"

#include "tensor/assign.h"
#include "tensor/shape.h"
#include "tensor/spots.h"

#include <stdlib.h>

/* ---- Adding up ---- */

/* The dtype that sums into a tensor like x are made in: f64 for whole numbers, which are checked at
 * the end, and where more arrives than there are places, so that long sums keep their digits. */
static nb_dtype sums_in(const nb_tensor *x, const nb_spots *spots)
{
    bool many = nb_shape_count(spots->dims, spots->shape) > nb_tensor_count(x);
    return many || !nb_dtype_computes(x->dtype) ? NB_F64 : x->dtype;
}

/* Total, a contiguous tensor of the kind that sums_in says, plus what `from` brings to the spots;
 * in `dtype`. The reference to total is taken. `spots` were found in a tensor of total's shape. */
static nb_tensor *add_up(nb_ctx *ctx, nb_tensor *total, const nb_spots *spots, nb_tensor *from,
                         nb_dtype dtype)
{
    nb_spots in_total = *spots;
    nb_tensor *given = nb_tensor_fit(ctx, from, total->dtype), *out = NULL;
    in_total.x.storage = total->storage;
    in_total.x.dtype = total->dtype;
    if (given && nb_spots_add(ctx, &in_total, given) == NB_OK)
        out = nb_tensor_fit(ctx, total, dtype);
    nb_tensor_release(ctx, given);
    nb_tensor_release(ctx, total);
    return out;
}

/* A head of x with the strides that a contiguous tensor of its shape has: spots found in it are
 * those of a tensor that is yet to be made. */
static nb_tensor contiguous_head(const nb_tensor *x)
{
    nb_tensor head = *x;
    head.offset = 0;
    nb_shape_strides(head.dims, head.shape, head.stride);
    return head;
}

/* δ added into zeros of x's shape at the spots. */
static nb_status spread(nb_ctx *ctx, const nb_tensor *x, const nb_spots *spots, nb_tensor *delta,
                        nb_tensor **grad)
{
    nb_tensor *zeros = nb_tensor_zeros(ctx, sums_in(x, spots), x->dims, x->shape);
    grad[0] = zeros ? add_up(ctx, zeros, spots, delta, x->dtype) : NULL;
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- Entries of one dimension ---- */

/* The dimension that a call names, or an error where the tensor has none. */
static int indexed_dim(nb_ctx *ctx, const nb_call *call)
{
    int dim = call->attr.dim;
    if (dim < call->in[0]->dims) return dim;
    nb_fail(ctx, NB_ESHAPE, "%s: a tensor without dimensions has none to index", call->op->name);
    return -1;
}

/* What was read or written at the places, whose reference is taken: it is saved, or given back. */
static nb_tensor *with_places(nb_ctx *ctx, nb_call *call, nb_tensor *out, nb_tensor *places)
{
    if (out && call->recording)
        call->saved[0] = places;
    else
        nb_tensor_release(ctx, places);
    return out;
}

/* The entries of dimension dim at the places, whose reference is taken. */
static nb_tensor *entries(nb_ctx *ctx, nb_call *call, const nb_tensor *x, int dim,
                          nb_tensor *places)
{
    nb_spots spots;
    nb_tensor *out = NULL;
    if (!places) return NULL;
    if (nb_spots_pick(ctx, &spots, x, dim, places) == NB_OK) out = nb_spots_read(ctx, &spots);
    return with_places(ctx, call, out, places);
}

static nb_tensor *index_select_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *index = call->in[1];
    char text[NB_SHAPE_TEXT];
    int dim = indexed_dim(ctx, call);
    if (dim < 0) return NULL;
    if (index->dims != 1)
        return nb_fail_null(
            ctx, NB_ESHAPE,
            "index_select: the indices must have one dimension, not %s; x[index] takes any shape",
            nb_shape_text(index->dims, index->shape, text));
    return entries(ctx, call, x, dim, nb_places(ctx, index, x->shape[dim], dim, "index_select"));
}

/* y = x at the places: dx = δ there, added up where a place stands several times, else 0 */
static nb_status entries_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    const nb_tensor head = contiguous_head(x);
    nb_spots spots;
    nb_status status = nb_spots_pick(ctx, &spots, &head, record->attr.dim, record->saved[0]);
    return status == NB_OK ? spread(ctx, x, &spots, delta, grad) : status;
}

NB_DEFINE_OP(index_select) = {
    .name = "index_select",
    .signature = "dx",
    .usage = "x:index_select(dim, index)",
    .help = "The entries of a dimension that a list of indices names, in its order; a copy.",
    .example = "tensor{{1, 2}, {3, 4}}:index_select(2, {2, 2, 1}) → 2 2 1 / 4 4 3",
    .forward = index_select_forward,
    .backward = entries_backward,
    .errors = "3 2x2i /1: one dimension, not 2x2",
    .samples = "3 4i /1, 2x3 5i /2, 2x3 3i /1, 3x2t 4i /1, 2x3x2 4i /2, 2x3 0i /2, "
               "0x3 4i /2",
    .low = -2,
    .high = 2,
};

/* in[1]: places from 0, of any shape, which stands where the dimension was. For x[key]. */
static nb_tensor *pick_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *places = nb_tensor_retain(call->in[1]);
    return entries(ctx, call, call->in[0], call->attr.dim, places);
}

NB_DEFINE_OP(pick) = {
    .name = "pick",
    .signature = "d",
    .usage = "x[index]",
    .help = "The entries at indices of any shape.",
    .example = "tensor{1, 2, 3}[tensor{{3, 1}}] → 3 1",
    .hidden = true,
    .forward = pick_forward,
    .backward = entries_backward,
    .samples = "3 -p /1, 3 2x4p /1, 2x3 2x2p /2, 2x3 3p /1, 3x2t 2x3tp /1, 2x3x2 2x2p /2, "
               "2x3 2x0p /2, 0x3 2x2p /2",
    .low = -2,
    .high = 2,
};

static nb_tensor *as_row(nb_ctx *ctx, const nb_tensor *x)
{
    return nb_tensor_reshape(ctx, x, 1, (const int64_t[]){nb_tensor_count(x)});
}

static nb_tensor *take_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    nb_tensor *places = nb_places(ctx, call->in[1], nb_tensor_count(x), -1, "take");
    nb_tensor *row = places ? as_row(ctx, x) : NULL;
    if (!row) {
        nb_tensor_release(ctx, places);
        return NULL;
    }
    nb_tensor *out = entries(ctx, call, row, 0, places);
    nb_tensor_release(ctx, row);
    return out;
}

/* As of entries, with x as a row. */
static nb_status take_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    nb_tensor row = *x;
    nb_spots spots;
    row.dims = 1;
    row.shape[0] = nb_tensor_count(x);
    row = contiguous_head(&row);
    nb_status status = nb_spots_pick(ctx, &spots, &row, 0, record->saved[0]);
    return status == NB_OK ? spread(ctx, x, &spots, delta, grad) : status;
}

NB_DEFINE_OP(take) = {
    .name = "take",
    .signature = "x",
    .usage = "x:take(index)",
    .help = "The elements at places counted through all of x, row by row; the index's shape.",
    .example = "tensor{{1, 2}, {3, 4}}:take({4, 1}) → 4 1",
    .forward = take_forward,
    .backward = take_backward,
    .samples = "- -i, - 2i, 3 4i, 2x3 2x4i, 3x2t 5i, 2x3 -i, 2x3 0i, 0x3 0x2i",
    .low = -2,
    .high = 2,
};

/* ---- Element by element ---- */

/* Places of an index with as many dimensions as x and, but for dimension dim, no larger sizes.
 * *one: they count from 1, which is quicker and nothing to keep for a record. */
static nb_tensor *element_places(nb_ctx *ctx, const nb_call *call, int dim, bool *one)
{
    const nb_tensor *x = call->in[0];
    nb_tensor *index = call->in[1], *places = NULL;
    const char *name = call->op->name;
    char tx[NB_SHAPE_TEXT], ti[NB_SHAPE_TEXT];
    bool fits = index->dims == x->dims;
    for (int i = 0; fits && i < x->dims; i++) fits = i == dim || index->shape[i] <= x->shape[i];
    if (fits && !call->recording) places = nb_places_as_they_are(ctx, index, x->shape[dim]);
    *one = places != NULL;
    if (places || nb_poll(ctx) != NB_OK) return places;
    if (fits) return nb_places(ctx, index, x->shape[dim], dim, name);
    return nb_fail_null(ctx, NB_ESHAPE,
                        "%s: an index of %s does not fit %s; it has as many dimensions, and but "
                        "for dimension %d no larger sizes",
                        name, nb_shape_text(index->dims, index->shape, ti),
                        nb_shape_text(x->dims, x->shape, tx), dim + 1);
}

static nb_tensor *gather_forward(nb_ctx *ctx, nb_call *call)
{
    nb_spots spots;
    bool one;
    int dim = indexed_dim(ctx, call);
    nb_tensor *places = dim < 0 ? NULL : element_places(ctx, call, dim, &one);
    if (!places) return NULL;
    nb_spots_gather(&spots, call->in[0], dim, places);
    if (one) nb_spots_from_one(&spots);
    nb_tensor *out = nb_spots_read(ctx, &spots);
    return with_places(ctx, call, out, places);
}

/* y[i][j] = x[p[i][j]][j]: dx[p[i][j]][j] += δ[i][j] */
static nb_status gather_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    const nb_tensor head = contiguous_head(x);
    nb_spots spots;
    nb_spots_gather(&spots, &head, record->attr.dim, record->saved[0]);
    return spread(ctx, x, &spots, delta, grad);
}

NB_DEFINE_OP(gather) = {
    .name = "gather",
    .signature = "dx",
    .usage = "x:gather(dim, index)",
    .help = "For every element of the index the element of x at the same place, but for one "
            "dimension, in which the index says where.",
    .example = "tensor{{1, 2}, {3, 4}}:gather(2, {{2}, {1}}) → 2 / 3",
    .forward = gather_forward,
    .backward = gather_backward,
    .errors =
        "3 2x2i /1: an index of 2x2 does not fit 3; 2x3 3x3i /2: an index of 3x3 does not fit 2x3",
    .samples = "3 5i /1, 2x3 2x4i /2, 2x3 1x2i /2, 3x2t 4x2i /1, 2x3x2 2x2x1i /2, 2x3 0x3i /1, "
               "0x3 0x2i /2",
    .low = -2,
    .high = 2,
};

/* What is added, in the shape of the index: source broadcast. */
static nb_tensor *source_of(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *index = call->in[1], *source = call->in[2];
    nb_tensor *wide = nb_tensor_expand(ctx, source, index->dims, index->shape);
    if (!wide && ctx->status == NB_ESHAPE) nb_misfit(ctx, "scatter_add", index, source);
    return wide;
}

/* x + what the source brings; the places are borrowed, and count from 1 where `one`. */
static nb_tensor *scattered(nb_ctx *ctx, nb_call *call, int dim, nb_tensor *places, bool one)
{
    nb_tensor *x = call->in[0], *source = source_of(ctx, call), *total = NULL, *out = NULL;
    const nb_tensor head = contiguous_head(x);
    nb_spots spots;
    nb_spots_gather(&spots, &head, dim, places);
    if (one) nb_spots_from_one(&spots);
    if (source && sums_in(x, &spots) == x->dtype)
        total = nb_tensor_clone(ctx, x);
    else if (source)
        total = nb_tensor_convert(ctx, x, NB_F64, 1);
    if (total) out = add_up(ctx, total, &spots, source, x->dtype);
    if (!out && ctx->status == NB_EVALUE) nb_fail_in(ctx, "scatter_add");
    nb_tensor_release(ctx, source);
    return out;
}

static nb_tensor *scatter_add_forward(nb_ctx *ctx, nb_call *call)
{
    bool one;
    int dim = indexed_dim(ctx, call);
    nb_tensor *places = dim < 0 ? NULL : element_places(ctx, call, dim, &one);
    nb_tensor *out = places ? scattered(ctx, call, dim, places, one) : NULL;
    return with_places(ctx, call, out, places);
}

/* y = x, y[p[i][j]][j] += s[i][j]: dx = δ, ds[i][j] = δ[p[i][j]][j] */
static nb_status scatter_add_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                      nb_tensor **grad)
{
    nb_spots spots;
    if (record->needs[0]) grad[0] = nb_tensor_retain(delta);
    if (!record->needs[2]) return NB_OK;
    nb_spots_gather(&spots, delta, record->attr.dim, record->saved[0]);
    nb_tensor *there = nb_spots_read(ctx, &spots);
    nb_tensor *summed = there ? nb_sum_to(ctx, there, record->in[2]) : NULL;
    grad[2] = summed ? nb_tensor_convert(ctx, summed, record->in[2]->dtype, 1) : NULL;
    nb_tensor_release(ctx, there);
    nb_tensor_release(ctx, summed);
    return grad[2] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(scatter_add) = {
    .name = "scatter_add",
    .signature = "dxt",
    .usage = "x:scatter_add(dim, index, source)",
    .help = "x with every element of the source (a number, or of the index's shape) added at the "
            "place that gather would read: repeated indices add up.",
    .example = "tensor.zeros(3):scatter_add(1, {1, 3, 3}, 1) → 1 0 2",
    .in_place = true,
    .forward = scatter_add_forward,
    .backward = scatter_add_backward,
    .errors = "3 2x2i - /1: an index of 2x2 does not fit 3; 3 2i 3 /1: 2 and 3 do not fit",
    .samples = "3 5i 5 /1, 2x3 2x5i 2x5 /2, 2x3 1x2i 2 /2, 3x2t 4x2i 4x2 /1, 2x3x2 2x2x1i - /2, "
               "5 2i 2 /1, 2x3 0x3i 0x3 /1, 0x3 0x2i - /2",
    .low = -2,
    .high = 2,
};

/* ---- The diagonal ---- */

/* The diagonal k of a matrix, k above the main one (below, where negative): a view. */
static nb_tensor *diagonal(nb_ctx *ctx, const nb_tensor *x, int64_t k)
{
    int64_t row = k < 0 ? -k : 0, column = k > 0 ? k : 0;
    int64_t down = x->shape[0] - row, right = x->shape[1] - column;
    int64_t length = down < right ? down : right;
    if (length <= 0) return nb_tensor_view(ctx, x, 1, (int64_t[]){0}, (int64_t[]){1}, x->offset);
    int64_t stride = x->stride[0] + x->stride[1];
    return nb_tensor_view(ctx, x, 1, &length, &stride,
                          x->offset + row * x->stride[0] + column * x->stride[1]);
}

/* A matrix of zeros, as small as can be, with the vector on its diagonal k. */
static nb_tensor *with_diagonal(nb_ctx *ctx, const nb_tensor *x, int64_t k)
{
    int64_t size = x->shape[0] + llabs(k);
    nb_tensor *out = nb_tensor_zeros(ctx, x->dtype, 2, (const int64_t[]){size, size});
    nb_tensor *view = out ? diagonal(ctx, out, k) : NULL;
    nb_status status = view ? nb_tensor_copy(ctx, view, x) : ctx->status;
    nb_tensor_release(ctx, view);
    return nb_tensor_settle(ctx, out, status);
}

static nb_tensor *diag_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int64_t k = call->attr.diagonal;
    char text[NB_SHAPE_TEXT];
    if (x->dims != 1 && x->dims != 2)
        return nb_fail_null(ctx, NB_ESHAPE, "diag takes a vector or a matrix, not %s",
                            nb_shape_text(x->dims, x->shape, text));
    if (k > NB_MAX_ELEMENTS || k < -NB_MAX_ELEMENTS)
        return nb_fail_null(ctx, NB_EARG, "diag: there is no diagonal %lld", (long long)k);
    return x->dims == 1 ? with_diagonal(ctx, x, k) : diagonal(ctx, x, k);
}

/* Of a vector: dx = the diagonal of δ. Of a matrix: dx = zeros with δ on the diagonal */
static nb_status diag_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    bool vector = x->dims == 1;
    nb_tensor *out =
        vector ? nb_tensor_retain(delta) : nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *view = out ? diagonal(ctx, out, record->attr.diagonal) : NULL;
    nb_status status = view ? NB_OK : ctx->status;
    if (view && !vector) status = nb_tensor_copy(ctx, view, delta);
    grad[0] = vector ? view : out;
    nb_tensor_release(ctx, vector ? out : view);
    if (status == NB_OK) return NB_OK;
    nb_tensor_release(ctx, grad[0]);
    grad[0] = NULL;
    return status;
}

NB_DEFINE_OP(diag) = {
    .name = "diag",
    .signature = "b",
    .usage = "x:diag(k)",
    .help = "The diagonal of a matrix, a view; of a vector the square matrix that has it on its "
            "diagonal. k counts diagonals above the main one, negative below.",
    .example = "tensor{{1, 2}, {3, 4}}:diag() → 1 4",
    .forward = diag_forward,
    .backward = diag_backward,
    .errors = "2x2x2: a vector or a matrix, not 2x2x2",
    .samples = "3, 3 /2, 3 /-1, 2x3, 2x3 /1, 2x3 /-1, 3x2t /1, 0, 0 /1, 0x3",
    .low = -2,
    .high = 2,
};
