/* How costs bend at the outputs. Of one example, z its outputs before a fused activation:
 *
 *     quadratic, mse    c I
 *     softmax           Σy (diag(a) - a aᵀ) = Σ_m Σy a_m (e_m - a)(e_m - a)ᵀ
 *     sigmoid, poisson  diag(a (1 - a)), diag(e^z)
 *     others            differences of the gradient, then eigenvectors
 *
 * each times what the example counts. */
#include "nn/inspect/curvature/outputs.h"

#include "base/arith.h"
#include "base/memory.h"
#include "kernel/lapack.h"

#include <math.h>
#include <string.h>

#define STEP  1e-5 /* of a difference, times the output's size, … */
#define LEAST 1e-2 /* … or this, where that is larger */

/* ---- What places count ------------------------------------------------------------------------
 */

/* Blocks of outputs out (n, …), of which each example has `blocks`. */
static void lay_out(nb_outputs *o, const nb_tensor *out, const nb_tensor *y)
{
    const nb_net *net = o->whole->net;
    bool places = nb_net_counts_places(net, y), space = nb_net_out(net)->reading == NB_SPACE;
    int64_t each = nb_tensor_count(out) / out->shape[0];
    o->units = !places ? each : out->shape[space ? 1 : out->dims - 1];
    o->blocks = each / o->units;
    o->unit_step = places && space ? o->blocks : 1;
    o->block_step = places && space ? 1 : o->units;
}

/* What block b of example i of a piece weighs, whose outputs have these lengths; 0 for padding. */
static double weight_of(const nb_portion *piece, const nb_tensor *lengths, int64_t i, int64_t b)
{
    const nb_tensor *w = piece->weights;
    if (lengths && !((double)b < nb_tensor_get(lengths, &i))) return 0;
    if (!w) return 1;
    int64_t at[NB_MAX_DIMS] = {i};
    for (int d = w->dims - 1; d > 0; d--) {
        at[d] = b % w->shape[d];
        b /= w->shape[d];
    }
    return nb_tensor_get(w, at);
}

/* What all places of a piece weigh. */
static nb_status weigh(nb_ctx *ctx, nb_outputs *o, const nb_portion *piece)
{
    nb_mode mode = *o->whole->mode;
    nb_result pass;
    mode.lengths = piece->batch.lengths;
    mode.taped = false;
    nb_status status = nb_net_run(ctx, o->whole->net, piece->batch.x, NULL, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    lay_out(o, pass.output, piece->batch.y);
    o->places = 0;
    for (int64_t i = 0; i < pass.output->shape[0]; i++)
        for (int64_t b = 0; b < o->blocks; b++) o->places += weight_of(piece, pass.lengths, i, b);
    nb_result_free(ctx, &pass);
    return NB_OK;
}

/* Room for as many rows as the example has outputs. */
static nb_status make_room(nb_ctx *ctx, nb_outputs *o)
{
    size_t rows = (size_t)(o->units * o->blocks), units = (size_t)o->units, count;
    if (!nb_mul_size(rows, units + 2, &count)) return nb_fail(ctx, NB_EMEMORY, "out of memory");
    size_t bytes = count * sizeof(double);
    if (bytes > o->bytes) {
        double *grown = nb_resize(ctx, o->seed, o->bytes, bytes);
        if (!grown) return ctx->status;
        o->seed = grown;
        o->bytes = bytes;
    }
    o->sign = o->seed + rows * units;
    o->share = o->sign + rows;
    return NB_OK;
}

/* The share of each block in the cost of all examples; *any: one is above 0. */
static void take_shares(nb_outputs *o, const nb_row_example *example, const nb_tensor *lengths,
                        bool *any)
{
    double part = example->piece->weight / o->weight / o->places;
    *any = false;
    for (int64_t b = 0; b < o->blocks; b++) {
        int64_t own = 0; /* of this example alone, lengths holds one */
        bool real = !lengths || (double)b < nb_tensor_get(lengths, &own);
        double w = real ? weight_of(example->piece, NULL, example->at, b) : 0;
        o->share[b] = w > 0 ? w * part : 0;
        *any = *any || o->share[b] > 0;
    }
}

/* ---- Costs whose Hessian is known -------------------------------------------------------------
 */

static double sigmoid_slope(double z)
{
    double e = exp(-fabs(z));
    return e / ((1 + e) * (1 + e));
}

/* Entry (u, u) of a block's diagonal Hessian. */
static double diagonal(const nb_outputs *o, double out)
{
    const nb_cost *cost = &o->whole->net->cost;
    if (o->fused == NB_OP_sigmoid_cross_entropy) return sigmoid_slope(out);
    if (o->fused == NB_OP_poisson_likelihood) return exp(out);
    return 2 * cost->type->squares(cost, (double)o->units);
}

static void put_diagonal(const nb_outputs *o, const double *out, int64_t b)
{
    for (int64_t u = 0; u < o->units; u++) {
        double *row = o->seed + (b * o->units + u) * o->units;
        memset(row, 0, (size_t)o->units * sizeof *row);
        double z = out[b * o->block_step + u * o->unit_step];
        row[u] = sqrt(o->share[b] * diagonal(o, z));
        o->sign[b * o->units + u] = 1;
    }
}

/* Σ y of the row that a block is held against; y (1, …): classes count 1. */
static double sum_of_targets(const nb_outputs *o, const nb_tensor *y, int64_t b)
{
    if (!nb_dtype_computes(y->dtype)) return 1;
    const double *from = nb_tensor_data(y);
    double sum = 0;
    for (int64_t u = 0; u < o->units; u++) sum += from[b * o->block_step + u * o->unit_step];
    return sum;
}

static void put_softmax(const nb_outputs *o, const double *out, int64_t b, double targets)
{
    const double *z = out + b * o->block_step;
    double most = -INFINITY, sum = 0;
    for (int64_t u = 0; u < o->units; u++) most = fmax(most, z[u * o->unit_step]);
    for (int64_t u = 0; u < o->units; u++) sum += exp(z[u * o->unit_step] - most);
    for (int64_t m = 0; m < o->units; m++) {
        double *row = o->seed + (b * o->units + m) * o->units;
        double own = exp(z[m * o->unit_step] - most) / sum;
        double factor = sqrt(o->share[b] * fabs(targets) * own);
        for (int64_t u = 0; u < o->units; u++) {
            double a = exp(z[u * o->unit_step] - most) / sum;
            row[u] = factor * ((u == m) - a);
        }
        o->sign[b * o->units + m] = targets < 0 ? -1 : 1;
    }
}

/* ---- Others, by differences -------------------------------------------------------------------
 */

/* What the cost of one example is taken of. */
typedef struct alone {
    nb_tensor *y, *weights, *lengths; /* weights of its places, lengths of the outputs; or NULL */
} alone;

/* The gradient of the example's cost alone at outputs `at`, into g (f64, contiguous). */
static nb_status gradient_at(nb_ctx *ctx, const nb_outputs *o, const alone *of, nb_tensor *at,
                             double *g)
{
    bool recording = ctx->recording;
    const nb_answers y = {of->y, of->weights};
    nb_tensor *leaf = nb_tensor_clone(ctx, at), *cost = NULL;
    nb_status status = leaf ? nb_require_grad(ctx, leaf, true) : ctx->status;
    ctx->recording = true;
    if (status == NB_OK) cost = nb_net_cost_from(ctx, o->whole->net, leaf, &y, of->lengths);
    ctx->recording = recording;
    if (status == NB_OK && !cost) status = ctx->status;
    memset(g, 0, (size_t)nb_tensor_count(at) * sizeof *g);
    if (cost && cost->link) status = nb_backward(ctx, cost, NULL);
    nb_tensor *grad = status == NB_OK && cost->link ? nb_leaf_grad(nb_leaf_of(leaf)) : NULL;
    nb_tensor *whole = grad ? nb_tensor_contiguous(ctx, grad) : NULL;
    if (whole) memcpy(g, nb_tensor_data(whole), (size_t)nb_tensor_count(at) * sizeof *g);
    if (grad && !whole) status = ctx->status;
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, leaf);
    return status;
}

/* Row u of every block's Hessian, by moving unit u of all blocks at once. room: two gradients. */
static nb_status difference(nb_ctx *ctx, const nb_outputs *o, const alone *of, nb_tensor *out,
                            int64_t u, double *room)
{
    int64_t each = o->units * o->blocks;
    double *moved = nb_tensor_data(out), *above = room, *below = room + each;
    nb_status status = NB_OK;
    for (int side = 0; side < 2 && status == NB_OK; side++) {
        for (int64_t b = 0; b < o->blocks; b++) {
            double *at = moved + b * o->block_step + u * o->unit_step;
            o->sign[b] = *at;
            *at += (side ? -STEP : STEP) * o->wider * fmax(LEAST, fabs(*at));
        }
        status = gradient_at(ctx, o, of, out, side ? below : above);
        for (int64_t b = 0; b < o->blocks; b++)
            moved[b * o->block_step + u * o->unit_step] = o->sign[b];
    }
    for (int64_t b = 0; b < o->blocks; b++) {
        double at = moved[b * o->block_step + u * o->unit_step];
        double step = 2 * STEP * o->wider * fmax(LEAST, fabs(at));
        for (int64_t v = 0; v < o->units; v++) {
            int64_t to = b * o->block_step + v * o->unit_step;
            o->seed[(b * o->units + u) * o->units + v] = (above[to] - below[to]) / step;
        }
    }
    return status;
}

/* A block's Hessian H, over it √|λ| times its eigenvectors. */
static nb_status factor(nb_ctx *ctx, const nb_outputs *o, int64_t b, double share)
{
    nb_fault fault;
    int64_t n = o->units;
    double *h = o->seed + b * n * n, *values = o->sign + b * n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) h[i * n + j] = (h[i * n + j] + h[j * n + i]) / 2;
    nb_status status = nb_lapack_eigh(ctx, (nb_stack){NB_F64, 1, n, n, h}, values, &fault);
    if (status == NB_EVALUE)
        return nb_fail(ctx, status, "the cost's Hessian at the outputs was not found");
    for (int64_t i = 0; i < n && status == NB_OK; i++) {
        double size = sqrt(share * fabs(values[i]));
        for (int64_t j = 0; j < n; j++) h[i * n + j] *= size;
        values[i] = values[i] < 0 ? -1 : 1;
    }
    return status;
}

/* ---- Whether a host's cost is a mean ----------------------------------------------------------
 */

/* Block b of steps, or all of an example: its part of a tensor (1, T, …). */
static nb_tensor *block_of(nb_ctx *ctx, const nb_outputs *o, nb_tensor *t, int64_t b)
{
    return o->blocks > 1 ? nb_tensor_narrow(ctx, t, 1, b, 1, 1) : nb_tensor_retain(t);
}

static nb_status add_cost_of(nb_ctx *ctx, nb_outputs *o, const alone *of, nb_tensor *out, int64_t b)
{
    nb_tensor *a = block_of(ctx, o, out, b), *cost = NULL;
    nb_tensor *y = a ? block_of(ctx, o, of->y, b) : NULL;
    if (y) cost = nb_net_cost_from(ctx, o->whole->net, a, &(nb_answers){y, NULL}, NULL);
    if (cost) o->mean += o->share[b] * nb_tensor_item(cost);
    nb_status status = cost ? NB_OK : ctx->status;
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, cost);
    return status;
}

/* The costs of the example's blocks, each alone. */
static nb_status add_costs(nb_ctx *ctx, nb_outputs *o, const alone *of, nb_tensor *out)
{
    bool recording = ctx->recording;
    nb_status status = NB_OK;
    ctx->recording = false;
    for (int64_t b = 0; b < o->blocks && status == NB_OK; b++)
        if (o->share[b] > 0) status = add_cost_of(ctx, o, of, out, b);
    ctx->recording = recording;
    return status;
}

nb_status nb_outputs_check(nb_ctx *ctx, const nb_outputs *o, double cost)
{
    /* Rounding is all that may part them. */
    double near = 1e-9 * fmax(1, fmax(fabs(cost), fabs(o->mean)));
    if (!o->whole->net->cost.type->host || fabs(cost - o->mean) <= near) return NB_OK;
    return nb_fail(
        ctx, NB_EARG,
        "the cost of all examples is %.6g and the mean of each one's own %.6g, so what it "
        "does at the outputs is not the sum of what it does at each",
        cost, o->mean);
}

/* ---- Rows of others ---------------------------------------------------------------------------
 */

static nb_status put_others(nb_ctx *ctx, nb_outputs *o, const alone *of, nb_tensor *out)
{
    size_t bytes = 2 * (size_t)nb_tensor_count(out) * sizeof(double);
    nb_tensor *moved = nb_tensor_clone(ctx, out);
    double *room = moved ? nb_alloc(ctx, bytes) : NULL, share = 0;
    nb_status status = room ? NB_OK : ctx->status;
    if (status == NB_OK && o->whole->net->cost.type->host) status = add_costs(ctx, o, of, out);
    for (int64_t u = 0; u < o->units && status == NB_OK; u++)
        status = difference(ctx, o, of, moved, u, room);
    for (int64_t b = 0; b < o->blocks; b++) share += o->share[b];
    for (int64_t b = 0; b < o->blocks && status == NB_OK; b++) status = factor(ctx, o, b, share);
    if (room) nb_free(ctx, room, bytes);
    nb_tensor_release(ctx, moved);
    return status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

bool nb_outputs_are_exact(const nb_outputs *o)
{
    return o->fused != NB_OPS || o->whole->net->cost.type->squares;
}

static nb_status seed(nb_ctx *ctx, nb_outputs *o, const alone *of, nb_tensor *out)
{
    const double *z = nb_tensor_data(out);
    if (!nb_outputs_are_exact(o)) return put_others(ctx, o, of, out);
    for (int64_t b = 0; b < o->blocks; b++) {
        if (o->fused == NB_OP_softmax_cross_entropy)
            put_softmax(o, z, b, sum_of_targets(o, of->y, b));
        else
            put_diagonal(o, z, b);
    }
    return NB_OK;
}

static nb_status begin_example(nb_ctx *ctx, void *self, const nb_row_example *example,
                               const nb_result *pass, int64_t *rows)
{
    nb_outputs *o = self;
    bool any;
    nb_status status = example->at ? NB_OK : weigh(ctx, o, example->piece);
    if (status == NB_OK) lay_out(o, pass->output, example->piece->batch.y);
    if (status == NB_OK) status = make_room(ctx, o);
    if (status != NB_OK) return status;
    take_shares(o, example, pass->lengths, &any);
    *rows = any ? o->units * o->blocks : 0;
    if (!any) return NB_OK;
    const nb_portion *piece = example->piece;
    bool each = piece->weights && piece->weights->dims > 1;
    alone of = {.lengths = pass->lengths};
    nb_tensor *y = nb_tensor_narrow(ctx, piece->batch.y, 0, example->at, 1, 1);
    nb_tensor *out = y ? nb_tensor_contiguous(ctx, pass->output) : NULL;
    of.y = out ? nb_tensor_contiguous(ctx, y) : NULL;
    if (of.y && each) of.weights = nb_tensor_narrow(ctx, piece->weights, 0, example->at, 1, 1);
    status = of.y && each == (of.weights != NULL) ? seed(ctx, o, &of, out) : ctx->status;
    nb_tensor_release(ctx, of.weights);
    nb_tensor_release(ctx, of.y);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, y);
    return status;
}

static void put_seed(void *self, int64_t k, nb_tensor *delta, nb_row *row)
{
    const nb_outputs *o = self;
    double *to = nb_tensor_data(delta);
    int64_t b = k / o->units;
    for (int64_t u = 0; u < o->units; u++)
        to[b * o->block_step + u * o->unit_step] = o->seed[k * o->units + u];
    row->beside = o->sign[k];
}

nb_row_source nb_outputs_rows(nb_outputs *o)
{
    return (nb_row_source){
        .to_cost = o->fused != NB_OPS, .begin = begin_example, .row = put_seed, .self = o};
}

static nb_status add_weight(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, void *self)
{
    double *sum = self;
    (void)ctx;
    (void)whole;
    *sum += piece->weight;
    return NB_OK;
}

nb_status nb_outputs_begin(nb_ctx *ctx, nb_outputs *o, const nb_whole *whole)
{
    o->whole = whole;
    o->fused = nb_net_fused(whole->net);
    return nb_whole_each(ctx, whole, add_weight, &o->weight);
}

void nb_outputs_end(nb_ctx *ctx, nb_outputs *o)
{
    nb_free(ctx, o->seed, o->bytes);
    *o = (nb_outputs){.units = 0};
}
