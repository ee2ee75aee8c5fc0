/* A batch slice by slice. */
#include "nn/train/slices.h"

#include "base/arith.h"
#include "grad/thinned.h"
#include "kernel/kernel.h"
#include "nn/price.h"

#include <math.h>

/* A step of the transformer of make bench (64 steps, 32 examples, of which each is 80 KiB to the
 * widest layer) takes about 0.86 of its time in four slices, 0.9 in two or eight; by plain descent,
 * which goes straight into the weights where a batch is whole, 0.75. */
enum {
    SLICE_BYTES = 3 << 18, /* that the widest layer reads and writes: they stay in a cache */
    ROWS_LEAST = 384,      /* that a slice gives to the products, which are as fast as whole */
    REUSE_LEAST = 8,       /* rows that an example does: where it is one, weights are most of what a
                              pass reads */
    READS_LEAST = 8        /* numbers that the layers of a slice read and write, to a parameter */
};

/* Whether a batch cannot be cut, or need not. */
static bool is_one(const nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_layer_type *type = net->part[i]->type;
        if (type->gradual || type->normalises) return true;
    }
    return nb_net_has_functions(net);
}

int64_t nb_slice_size(const nb_net *net, const nb_tensor *x)
{
    int64_t n = x->shape[0];
    if (n < 2 || nb_thinned_of(x)) return n;
    nb_extent e = nb_net_extent(net, nb_tensor_count(x) / n);
    double bytes = e.widest * (double)nb_dtype_size(net->dtype);
    if ((double)n * bytes <= SLICE_BYTES || is_one(net)) return n;
    double reuse = nb_net_reuse(net, &e);
    if (reuse < REUSE_LEAST) return n;
    double least = fmax(ROWS_LEAST / reuse, READS_LEAST * (double)nb_net_count(net) / e.all);
    double slices = fmin(ceil((double)n * bytes / SLICE_BYTES), floor((double)n / least));
    return slices > 1 ? (n + (int64_t)slices - 1) / (int64_t)slices : n;
}

/* The sums of a batch under way. */
typedef struct running {
    const nb_sink *sink;
    double weight; /* of the whole batch */
    double cost;
    int64_t start; /* examples that were before */
} running;

static nb_status add_slice(nb_ctx *ctx, const nb_whole *whole, const nb_portion *slice, void *self)
{
    running *r = self;
    double share = slice->weight / r->weight, cost = 0;
    nb_mode mode = *whole->mode;
    mode.lengths = slice->batch.lengths;
    mode.weights = slice->weights;
    mode.before += r->start;
    mode.rows.start += r->start;
    mode.delta = &share;
    nb_status status = nb_poll(ctx);
    if (status == NB_OK && share > 0)
        status =
            nb_net_learn(ctx, whole->net, slice->batch.x, slice->batch.y, &mode, r->sink, &cost);
    r->cost += share * cost;
    r->start += slice->batch.x->shape[0];
    return status;
}

/* Backward looks at what it adds to, unless nobody knows how large that is. */
static nb_status check_sum(nb_ctx *ctx, const nb_net *net)
{
    const nb_tensor *grads = net->home->grads;
    const nb_ceiling *bound = &net->home->steepest;
    if (bound->version == grads->storage->version && isfinite(bound->size)) return NB_OK;
    if (nb_real(grads->dtype)->finite((size_t)nb_tensor_count(grads), nb_tensor_data(grads)))
        return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "the gradient is not finite");
}

static nb_status learn_whole(nb_ctx *ctx, const nb_whole *whole, const nb_sink *sink, double *cost)
{
    return nb_net_learn(ctx, whole->net, whole->x, whole->y, whole->mode, sink, cost);
}

nb_status nb_slices_learn(nb_ctx *ctx, const nb_whole *whole, int64_t size, const nb_sink *sink,
                          double *cost)
{
    nb_home *home = whole->net->home;
    const nb_sink mean = {
        .from = whole->net->whole->storage, .into = home->grads, .alpha = 1, .beta = 1};
    nb_portion all;
    nb_status status = nb_whole_take(ctx, whole, 0, whole->x->shape[0], &all);
    if (status != NB_OK) return status;
    running r = {.sink = sink ? sink : &mean, .weight = all.weight};
    nb_portion_free(ctx, &all);
    /* What becomes of examples that all count nothing is not ours to say. */
    if (!(r.weight > 0)) return learn_whole(ctx, whole, sink, cost);
    if (!sink) nb_home_clear(home);
    nb_whole parts = *whole;
    parts.size = size;
    status = nb_whole_each(ctx, &parts, add_slice, &r);
    if (status == NB_OK) status = check_sum(ctx, whole->net);
    if (status != NB_OK) nb_home_forget(home);
    *cost = r.cost;
    return status;
}
