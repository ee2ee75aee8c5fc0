/* Passes over some examples, whose rows are looked at on the way back. */
#include "nn/inspect/examples/looker.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/train/judge/evaluate.h"
#include "nn/train/segments.h"

#include <math.h>
#include <string.h>

/* What layers whose examples' gradients are made whole may take at a time. */
#define EACH_BYTES ((double)(64 << 20))

/* ---- What learns ----------------------------------------------------------------------------- */

/* Keeps *mask where it says anything. */
static nb_status find_mask(nb_ctx *ctx, nb_looker *l)
{
    int64_t count = nb_net_count(l->net), awake = 0;
    nb_problem p = {.dtype = l->net->dtype, .count = count};
    nb_status status = nb_segments_make(ctx, l->net, &p);
    uint8_t *mask = status == NB_OK ? nb_alloc(ctx, (size_t)count) : NULL;
    if (mask) memset(mask, 1, (size_t)count);
    if (mask && p.mask) memcpy(mask, p.mask, (size_t)count);
    for (int64_t i = 0; mask && i < p.segments; i++)
        if (p.segment[i].frozen) memset(mask + p.segment[i].start, 0, (size_t)p.segment[i].count);
    for (int64_t i = 0; mask && i < count; i++) awake += mask[i] != 0;
    nb_segments_free(ctx, &p);
    if (!mask) return ctx->status;
    if (awake < count)
        l->mask = mask;
    else
        nb_free(ctx, mask, (size_t)count);
    return awake ? NB_OK : nb_fail(ctx, NB_EARG, "no parameter learns: there is no gradient");
}

/* ---- Beginning ------------------------------------------------------------------------------- */

/* Functions of the host see a batch whole, and what they make of it is theirs. */
static bool mixes(const nb_net *net)
{
    if (net->cost.type->host) return true;
    for (int i = 0; i < net->parts; i++)
        if (net->part[i]->host) return true;
    return false;
}

/* Bytes that the gradients of one example take where they are made whole: of convolutions. */
static double bytes_of_each(const nb_net *net)
{
    double numbers = 1;
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        bool slides = layer->type == nb_layer_types[NB_LAYER_conv] ||
                      layer->type == nb_layer_types[NB_LAYER_conv_transpose];
        for (int p = 0; slides && p < layer->plan->params; p++)
            numbers += (double)layer->plan->param[p].count;
    }
    return numbers * (double)nb_dtype_size(net->dtype);
}

nb_status nb_looker_begin(nb_ctx *ctx, nb_looker *l, nb_net *net, const nb_set *set)
{
    *l = (nb_looker){.net = net, .set = set, .singly = mixes(net)};
    nb_status status = nb_net_check_cost(ctx, net);
    if (status == NB_OK) status = nb_set_check(ctx, net, set);
    if (status != NB_OK) return status;
    l->most = nb_portion_size(net, set);
    double few = EACH_BYTES / bytes_of_each(net);
    if (few < (double)l->most) l->most = few > 1 ? (int64_t)few : 1;
    l->offset = net->values->offset - net->whole->offset;
    return find_mask(ctx, l);
}

int64_t nb_looker_share(const nb_looker *l, int64_t count)
{
    int64_t room = l->most + l->most / 8, passes = (count + room - 1) / room;
    return passes > 1 ? (count + passes - 1) / passes : count;
}

void nb_looker_end(nb_ctx *ctx, nb_looker *l)
{
    if (l->mask) nb_free(ctx, l->mask, (size_t)nb_net_count(l->net));
    l->mask = NULL;
}

nb_tensor *nb_looker_vector(nb_ctx *ctx, const nb_looker *l)
{
    return nb_tensor_zeros(ctx, l->net->dtype, 1, l->net->whole->shape);
}

void *nb_looker_own(const nb_looker *l, nb_tensor *vector)
{
    size_t size = nb_dtype_size(vector->dtype);
    char *own = (char *)nb_tensor_data(vector) + (size_t)l->offset * size;
    for (int64_t i = 0; l->mask && i < nb_net_count(l->net); i++)
        if (!l->mask[i]) memset(own + (size_t)i * size, 0, size);
    return own;
}

/* ---- One pass -------------------------------------------------------------------------------- */

/* Examples of a pass. */
typedef struct group {
    const int32_t *order; /* or NULL */
    int64_t start, n;
} group;

/* The lengths of the outputs: those of the inputs, unless layers between make others of them. */
static nb_status find_lengths(nb_ctx *ctx, nb_net *net, const nb_batch *batch, nb_tensor **lengths)
{
    nb_result pass;
    const nb_mode mode = {.lengths = batch->lengths};
    *lengths = NULL;
    if (!batch->lengths || nb_net_out(net)->reading != NB_STEPS) return NB_OK;
    if (nb_net_out(net)->size[0] == nb_net_in(net)->size[0]) {
        *lengths = nb_tensor_retain(batch->lengths);
        return NB_OK;
    }
    nb_status status = nb_net_run(ctx, net, batch->x, NULL, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    if (pass.lengths) *lengths = nb_tensor_retain(pass.lengths);
    nb_result_free(ctx, &pass);
    return NB_OK;
}

/* Weights that make every example count alike, however many steps it has: the cost is then
 * 1/n Σ C_x. NULL where it is so anyway. */
static nb_status find_weights(nb_ctx *ctx, nb_net *net, const nb_batch *batch, nb_tensor **weights)
{
    nb_tensor *lengths;
    *weights = NULL;
    nb_status status = find_lengths(ctx, net, batch, &lengths);
    if (status != NB_OK || !lengths) return status;
    *weights = nb_tensor_new(ctx, NB_F64, 1, lengths->shape);
    for (int64_t i = 0; *weights && i < lengths->shape[0]; i++)
        nb_tensor_set(*weights, &i, 1 / nb_tensor_get(lengths, &i));
    nb_tensor_release(ctx, lengths);
    return *weights ? NB_OK : ctx->status;
}

/* How often each example of a batch counts in its cost: once, or at each of its steps. */
static void count_steps(const nb_net *net, const nb_batch *batch, const nb_tensor *weights,
                        double *steps)
{
    bool all = nb_net_out(net)->reading == NB_STEPS;
    for (int64_t i = 0; i < batch->x->shape[0]; i++)
        steps[i] = weights ? 1 / nb_tensor_get(weights, &i) : all ? (double)batch->y->shape[1] : 1;
}

/* As nb_net_learn: of a cost that is no number no gradient is asked. */
static nb_status check_cost(nb_ctx *ctx, const nb_tensor *cost)
{
    char text[NB_NUMBER_MAX];
    double c = nb_tensor_item(cost);
    if (isfinite(c)) return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "the cost is %s", nb_number_text(c, text));
}

/* Where gradients are added up. */
typedef struct total {
    nb_tensor *sum; /* NULL: nowhere */
    bool fresh;     /* nothing is there yet */
} total;

/* From δ = n at the cost, so that 1/n is gone. */
static nb_status backward(nb_ctx *ctx, const nb_looker *l, nb_tensor *cost, int64_t n, total to,
                          const nb_tape_observer *observer)
{
    const nb_sink sink = {
        .from = l->net->whole->storage, .into = to.sum, .alpha = 1, .beta = to.fresh ? 0 : 1};
    nb_backward_options options = {.observer = observer};
    if (to.sum) options.sinks = &sink;
    options.sink_count = to.sum != NULL;
    if (!cost->link) return NB_OK;
    options.delta = nb_tensor_new(ctx, cost->dtype, cost->dims, cost->shape);
    if (!options.delta) return ctx->status;
    nb_status status = nb_tensor_fill(ctx, options.delta, (double)n);
    if (status == NB_OK) status = nb_backward(ctx, cost, &options);
    nb_tensor_release(ctx, options.delta);
    return status;
}

/* steps: of each example, or NULL. */
static nb_status run(nb_ctx *ctx, const nb_looker *l, const nb_batch *batch, total to,
                     const nb_tape_observer *observer, double *steps)
{
    nb_result pass;
    nb_mode mode = {.taped = true, .by_example = observer != NULL, .lengths = batch->lengths};
    nb_status status = find_weights(ctx, l->net, batch, &mode.weights);
    if (status == NB_OK) status = nb_net_run(ctx, l->net, batch->x, batch->y, &mode, NULL, &pass);
    if (status == NB_OK && steps) count_steps(l->net, batch, mode.weights, steps);
    nb_tensor_release(ctx, mode.weights);
    if (status != NB_OK) return status;
    status = check_cost(ctx, pass.cost);
    if (status == NB_OK) status = backward(ctx, l, pass.cost, batch->x->shape[0], to, observer);
    nb_result_free(ctx, &pass);
    return status;
}

/* observer NULL: nobody looks on. */
static nb_status take(nb_ctx *ctx, const nb_looker *l, group of, total to,
                      const nb_tape_observer *observer, double *steps)
{
    nb_tensor *x, *y;
    nb_batch batch;
    nb_status status = nb_batch_new(ctx, l->net, l->set, of.n, &x, &y);
    if (status != NB_OK) return status;
    status = nb_batch_gather(ctx, l->set, of.order, of.start, of.n, 0, x, y, &batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    if (status == NB_OK) status = run(ctx, l, &batch, to, observer, steps);
    if (status == NB_OK || batch.x) nb_batch_free(ctx, &batch);
    return status;
}

static nb_shares shares_of(const nb_looker *l, int64_t n)
{
    return (nb_shares){.n = n,
                       .dtype = l->net->dtype,
                       .offset = l->net->values->offset,
                       .count = nb_net_count(l->net),
                       .mask = l->mask};
}

static group one_of(group of, int64_t i)
{
    return (group){of.order ? of.order + i : NULL, of.order ? 0 : of.start + i, 1};
}

/* ---- Norms ----------------------------------------------------------------------------------- */

static nb_status norms_singly(nb_ctx *ctx, const nb_looker *l, group of, double *squares, total to)
{
    const nb_real_kernels *real = nb_real(l->net->dtype);
    size_t count = (size_t)nb_net_count(l->net), all = (size_t)nb_tensor_count(to.sum);
    nb_tensor *own = nb_looker_vector(ctx, l);
    nb_status status = own ? NB_OK : ctx->status;
    if (to.fresh) memset(nb_tensor_data(to.sum), 0, all * nb_dtype_size(to.sum->dtype));
    for (int64_t i = 0; i < of.n && status == NB_OK; i++) {
        memset(nb_tensor_data(own), 0, all * nb_dtype_size(own->dtype));
        status = take(ctx, l, one_of(of, i), (total){.sum = own}, NULL, NULL);
        if (status != NB_OK) break;
        squares[i] = real->sum_squares(count, nb_looker_own(l, own), 1);
        real->axpy(all, 1, nb_tensor_data(own), nb_tensor_data(to.sum));
    }
    nb_tensor_release(ctx, own);
    return status;
}

static nb_status norms_together(nb_ctx *ctx, nb_looker *l, group of, double *squares, total to)
{
    nb_shares shares = shares_of(l, of.n);
    const nb_tape_observer observer = {.share = nb_shares_take, .self = &shares};
    memset(squares, 0, (size_t)of.n * sizeof *squares);
    nb_status status = take(ctx, l, of, to, &observer, NULL);
    if (status == NB_OK) status = nb_shares_norms(ctx, &shares, squares);
    if (status == NB_OK && to.fresh)
        nb_shares_clear_others(&shares, (char *)nb_tensor_data(to.sum) +
                                            (size_t)l->offset * nb_dtype_size(to.sum->dtype));
    l->singly = shares.whole;
    nb_shares_free(ctx, &shares);
    return status;
}

static nb_status check_finite(nb_ctx *ctx, group of, const double *numbers)
{
    for (int64_t i = 0; i < of.n; i++)
        if (!isfinite(numbers[i]))
            return nb_fail(ctx, NB_EVALUE, "the gradient of example %lld is not finite",
                           (long long)(of.order ? of.order[i] : of.start + i) + 1);
    return NB_OK;
}

nb_status nb_looker_norms(nb_ctx *ctx, nb_looker *l, const int32_t *order, int64_t start, int64_t n,
                          double *squares, bool fresh, nb_tensor *sum)
{
    const group of = {order, start, n};
    const total to = {sum, fresh};
    nb_status status = NB_OK;
    if (!l->singly) status = norms_together(ctx, l, of, squares, to);
    if (l->singly) status = norms_singly(ctx, l, of, squares, to);
    return status == NB_OK ? check_finite(ctx, of, squares) : status;
}

/* ---- Products -------------------------------------------------------------------------------- */

static nb_status dots_singly(nb_ctx *ctx, const nb_looker *l, group of, nb_tensor *v, double *dots,
                             double *steps)
{
    size_t all = (size_t)nb_tensor_count(v);
    nb_tensor *own = nb_looker_vector(ctx, l);
    nb_status status = own ? NB_OK : ctx->status;
    for (int64_t i = 0; i < of.n && status == NB_OK; i++) {
        memset(nb_tensor_data(own), 0, all * nb_dtype_size(own->dtype));
        status = take(ctx, l, one_of(of, i), (total){.sum = own}, NULL, steps ? steps + i : NULL);
        if (status == NB_OK)
            dots[i] = nb_real(v->dtype)->dot(all, nb_tensor_data(own), 1, nb_tensor_data(v), 1);
    }
    nb_tensor_release(ctx, own);
    return status;
}

static nb_status dots_together(nb_ctx *ctx, nb_looker *l, group of, nb_tensor *v, double *dots,
                               double *steps)
{
    nb_shares shares = shares_of(l, of.n);
    const nb_tape_observer observer = {.share = nb_shares_take, .self = &shares, .alone = true};
    const char *own = nb_tensor_data(v);
    memset(dots, 0, (size_t)of.n * sizeof *dots);
    nb_status status = take(ctx, l, of, (total){.sum = NULL}, &observer, steps);
    own += (size_t)l->offset * nb_dtype_size(v->dtype);
    if (status == NB_OK) status = nb_shares_dots(ctx, &shares, own, dots);
    l->singly = shares.whole;
    nb_shares_free(ctx, &shares);
    return status;
}

nb_status nb_looker_dots(nb_ctx *ctx, nb_looker *l, const int32_t *order, int64_t start, int64_t n,
                         nb_tensor *v, double *dots, double *steps)
{
    const group of = {order, start, n};
    nb_status status = NB_OK;
    if (!l->singly) status = dots_together(ctx, l, of, v, dots, steps);
    if (l->singly) status = dots_singly(ctx, l, of, v, dots, steps);
    return status == NB_OK ? check_finite(ctx, of, dots) : status;
}
