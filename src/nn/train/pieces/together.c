/* Pieces in one pass. */
#include "nn/train/pieces/together.h"

#include "base/arith.h"
#include "base/memory.h"
#include "grad/aside.h"
#include "grad/thinned.h"
#include "grad/weights.h"
#include "kernel/kernel.h"
#include "nn/learns.h"
#include "nn/net/chain.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- Whether they may ------------------------------------------------------------------------ */

/* The last layer gives z: what makes its a does not matter. */
static bool is_plain(const nb_layer *layer, bool last)
{
    const nb_plan *plan = layer->plan;
    return layer->type == nb_layer_types[NB_LAYER_dense] && (plan->runs->kernels || last) &&
           plan->uses == 1 && !plan->tied && !nb_layer_rests(layer);
}

static bool is_chain(const nb_net *net)
{
    const nb_layer *top = &net->layer;
    bool plain = top->children > 0 && nb_net_count(net) == nb_tensor_count(net->home->grads);
    for (int i = 0; i < top->children && plain; i++)
        plain = is_plain(top->child[i], i == top->children - 1);
    return plain;
}

bool nb_together_can(const nb_ctx *ctx, const nb_whole *whole)
{
    const nb_net *net = whole->net;
    const nb_tensor *x = whole->x;
    bool prepared = !whole->set && !whole->size && !whole->each && !whole->lengths;
    return prepared && x && x->dims == 2 && x->dtype == net->dtype && !ctx->apart &&
           !ctx->witness && is_chain(net) && nb_net_fused(net) != NB_OPS;
}

/* ---- Sums over examples ---------------------------------------------------------------------- */

typedef struct joined {
    nb_net *net;
    nb_piled rows;
    int64_t reached; /* numbers of the gradient */
    double steepest;
    nb_look look;
} joined;

static nb_status go_alone(nb_ctx *ctx)
{
    return nb_fail(ctx, NB_EARG, "these pieces go one by one");
}

/* As a pass bounds what it writes (grad/aside.h). */
static bool is_finite(joined *j, const nb_share *share)
{
    double most = j->net->dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX;
    double size = nb_look_at(&j->look, share->a, share->b);
    j->steepest = fmax(j->steepest, size);
    return size <= most / 2;
}

/* to (m) += from, by numbers of the network's. */
static void add_to(const joined *j, int64_t m, const void *from, void *to)
{
    nb_real(j->net->dtype)->axpy((size_t)m, 1, from, to);
}

/* BP3 of the pieces lo … hi - 1 into `to` (m), along the tree; `spare`: vectors of as many numbers
 * for the right halves. */
static void sum_columns(const joined *j, const nb_tensor *delta, int64_t lo, int64_t hi,
                        double *room, char *to, char *spare)
{
    int64_t m = delta->shape[1], half = 1, start = j->rows.start[lo];
    size_t width = nb_dtype_size(delta->dtype) * (size_t)m;
    if (hi - lo == 1) {
        nb_add_columns(delta->dtype, j->rows.start[hi] - start, m, m,
                       (const char *)nb_tensor_data(delta) + (size_t)start * width, room, to);
        return;
    }
    while (2 * half < hi - lo) half *= 2;
    sum_columns(j, delta, lo, lo + half, room, to, spare);
    sum_columns(j, delta, lo + half, hi, room, spare, spare + width);
    add_to(j, m, spare, to);
}

static nb_status add_biases(nb_ctx *ctx, const joined *j, const nb_tensor *delta, void *to)
{
    enum { LEVELS = 17 }; /* of a tree, and f64 room for a vector */
    size_t m = (size_t)delta->shape[1], bytes = (LEVELS + 1) * m * sizeof(double);
    double *room = nb_alloc(ctx, bytes);
    if (!room) return ctx->status;
    sum_columns(j, delta, 0, (int64_t)j->rows.pieces, room, to, (char *)(room + m));
    nb_free(ctx, room, bytes);
    return NB_OK;
}

/* BP4 of given rows, as sum_columns: dC/dw of a turned w (k, m) into `to`. */
static nb_status sum_given(nb_ctx *ctx, const joined *j, const nb_share *share, int64_t lo,
                           int64_t hi, char *to, char *spare)
{
    const nb_thinned *given = nb_thinned_of(share->b);
    int64_t m = share->a->shape[1], start = j->rows.start[lo], half = 1;
    size_t width = nb_dtype_size(share->a->dtype), count = (size_t)nb_tensor_count(share->leaf);
    if (lo + 1 == hi) {
        const nb_thinned piece = nb_thinned_part(given, start, j->rows.start[hi] - start);
        memset(to, 0, count * width);
        return nb_thin_back(ctx, &piece.rows, 1,
                            (const char *)nb_tensor_data(share->a) + (size_t)(start * m) * width,
                            (nb_turned_w){.data = to, .m = m, .ld = m});
    }
    while (2 * half < hi - lo) half *= 2;
    nb_status status = sum_given(ctx, j, share, lo, lo + half, to, spare);
    if (status == NB_OK)
        status = sum_given(ctx, j, share, lo + half, hi, spare, spare + count * width);
    if (status == NB_OK) add_to(j, (int64_t)count, spare, to);
    return status;
}

static nb_status add_given(nb_ctx *ctx, const joined *j, const nb_share *share, void *to)
{
    size_t bytes = (size_t)nb_tensor_count(share->leaf) * nb_dtype_size(share->leaf->dtype);
    size_t levels = 0;
    while ((size_t)1 << levels < j->rows.pieces) levels++;
    char *spare = nb_alloc(ctx, levels * bytes);
    if (!spare) return ctx->status;
    nb_status status = sum_given(ctx, j, share, 0, (int64_t)j->rows.pieces, to, spare);
    nb_free(ctx, spare, levels * bytes);
    return status == NB_OK ? nb_poll(ctx) : status;
}

/* The gradient of one parameter, into its place of the home. */
static nb_status take_share(nb_ctx *ctx, void *self, const nb_share *share)
{
    joined *j = self;
    const nb_tensor *a = share->a, *b = share->b, *leaf = share->leaf;
    bool fits = a && a->dims == 2 && nb_tensor_is_contiguous(a) &&
                a->shape[0] == j->rows.start[j->rows.pieces] &&
                (!b || nb_thinned_of(b) || (b->dims == 2 && nb_tensor_is_contiguous(b))) &&
                is_finite(j, share);
    char *to = (char *)nb_tensor_data(j->net->home->grads) +
               (size_t)leaf->offset * nb_dtype_size(leaf->dtype);
    if (!fits) return go_alone(ctx);
    j->reached += nb_tensor_count(leaf);
    if (!b) return add_biases(ctx, j, a, to);
    if (nb_thinned_of(b)) return add_given(ctx, j, share, to);
    const nb_tree_product product = {.dtype = leaf->dtype,
                                     .m = (size_t)a->shape[1],
                                     .n = (size_t)b->shape[1],
                                     .rows = &j->rows,
                                     .a = nb_tensor_data(a),
                                     .b = nb_tensor_data(b)};
    return nb_product_has_tree(&product) ? nb_product_along_tree(ctx, &product, to) : go_alone(ctx);
}

/* ---- The pass -------------------------------------------------------------------------------- */

/* The cost of each piece, as its own pass would give it. */
static nb_status find_costs(nb_ctx *ctx, const joined *j, nb_tensor *last, nb_tensor *y,
                            double *cost)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < j->rows.pieces && status == NB_OK; i++) {
        int64_t start = j->rows.start[i], n = j->rows.start[i + 1] - start;
        nb_tensor *own = nb_tensor_narrow(ctx, last, 0, start, n, 1), *c = NULL;
        nb_tensor *wanted = own ? nb_tensor_narrow(ctx, y, 0, start, n, 1) : NULL;
        if (wanted) c = nb_net_cost_of(ctx, j->net, own, wanted);
        cost[i] = c ? nb_tensor_item(c) : NAN;
        status = !c ? ctx->status : isfinite(cost[i]) ? NB_OK : go_alone(ctx);
        nb_tensor_release(ctx, own);
        nb_tensor_release(ctx, wanted);
        nb_tensor_release(ctx, c);
    }
    return status;
}

static nb_status run(nb_ctx *ctx, joined *j, const nb_whole *whole, const nb_portion *rows,
                     double *cost)
{
    const nb_tape_observer observer = {.share = take_share, .self = j, .alone = true};
    const nb_backward_options options = {.observer = &observer};
    nb_mode mode = *whole->mode;
    nb_result pass;
    mode.taped = true;
    mode.piled = &j->rows;
    mode.delta = &rows->weight;
    if (rows->weight != (double)rows->batch.x->shape[0]) return go_alone(ctx);
    nb_status status = nb_net_run(ctx, j->net, rows->batch.x, rows->batch.y, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    status = find_costs(ctx, j, pass.output, rows->batch.y, cost);
    if (status == NB_OK)
        status = pass.cost->link ? nb_net_back(ctx, pass.cost, &mode, &options) : go_alone(ctx);
    nb_result_free(ctx, &pass);
    bool whole_gradient = j->reached == nb_net_count(j->net);
    return status == NB_OK && !whole_gradient ? go_alone(ctx) : status;
}

nb_status nb_together_learn(nb_ctx *ctx, const nb_whole *whole, const nb_cut *cut, int64_t lo,
                            int64_t hi, double *cost, double *steepest)
{
    joined j = {.net = whole->net, .rows.pieces = (size_t)(hi - lo)};
    size_t bytes = (j.rows.pieces + 1) * sizeof *j.rows.start;
    int64_t first = nb_cut_start(cut, lo), *start = nb_alloc(ctx, bytes);
    nb_portion rows;
    nb_status status = start ? nb_poll(ctx) : ctx->status;
    for (int64_t i = lo; start && i <= hi; i++) start[i - lo] = nb_cut_start(cut, i) - first;
    j.rows.start = start;
    if (status == NB_OK)
        status = nb_whole_take(ctx, whole, first - cut->at, nb_cut_start(cut, hi) - first, &rows);
    if (status == NB_OK) {
        status = run(ctx, &j, whole, &rows, cost);
        nb_portion_free(ctx, &rows);
    }
    if (start) nb_free(ctx, start, bytes);
    *steepest = j.steepest;
    return status;
}
