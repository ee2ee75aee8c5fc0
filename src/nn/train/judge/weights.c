/* How much examples count in costs and their gradients. */
#include "nn/train/judge/weights.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <math.h>

/* Classes of the set for the net; 0: it holds targets. */
static int64_t class_count(const nb_net *net, const nb_set *set)
{
    if (nb_set_is_pair(net, set)) return 2;
    return nb_set_has_classes(net, set) ? nb_net_units(net) : 0;
}

static nb_status check_numbers(nb_ctx *ctx, const nb_tensor *of)
{
    const double *weight = nb_tensor_data(of);
    double sum = 0;
    for (int64_t i = 0; i < nb_tensor_count(of); i++) {
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return nb_fail(ctx, NB_EARG, "weights must be numbers from 0; number %lld is %g",
                           (long long)i + 1, weight[i]);
        sum += weight[i];
    }
    return sum > 0 ? NB_OK : nb_fail(ctx, NB_EARG, "weights are all 0: nothing would count");
}

/* Which of both the numbers are. */
static nb_status sort_out(nb_ctx *ctx, const nb_set *set, int64_t classes, nb_weighing given,
                          nb_weights *out)
{
    char text[NB_SHAPE_TEXT];
    const nb_tensor *of = out->of;
    int64_t n = of->dims == 1 ? of->shape[0] : -1;
    bool examples = n == set->count && given.of != NB_OF_CLASSES;
    out->by_class = classes > 0 && n == classes && given.of != NB_OF_EXAMPLES;
    if (examples && out->by_class)
        return nb_fail(
            ctx, NB_EARG,
            "weights holds %lld numbers, and there are as many examples as classes: write "
            "{classes = {…}} or {examples = {…}}",
            (long long)n);
    if (examples || out->by_class) return NB_OK;
    nb_shape_text(of->dims, of->shape, text);
    if (classes == 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "weights is %s; the set has targets, so it takes a weight for each of the "
                       "%lld examples",
                       text, (long long)set->count);
    return nb_fail(ctx, NB_ESHAPE,
                   "weights is %s; it takes a weight for each of the %lld classes or of the %lld "
                   "examples",
                   text, (long long)classes, (long long)set->count);
}

nb_status nb_weights_read(nb_ctx *ctx, const nb_net *net, const nb_set *set, nb_weighing given,
                          nb_weights *out)
{
    *out = (nb_weights){.of = NULL};
    if (!given.numbers) return NB_OK;
    nb_tensor *real = nb_tensor_convert(ctx, given.numbers, NB_F64, 1);
    out->of = real ? nb_tensor_contiguous(ctx, real) : NULL;
    nb_tensor_release(ctx, real);
    nb_status status = out->of ? NB_OK : ctx->status;
    if (status == NB_OK && net->cost.type->host)
        status = nb_fail(ctx, NB_EARG,
                         "cost %s gives one number for all examples, so weights cannot enter; let "
                         "it weigh them itself",
                         net->cost.type->name);
    if (status == NB_OK) status = sort_out(ctx, set, class_count(net, set), given, out);
    if (status == NB_OK) status = check_numbers(ctx, out->of);
    if (status != NB_OK) nb_weights_free(ctx, out);
    return status;
}

void nb_weights_free(nb_ctx *ctx, nb_weights *weights)
{
    nb_tensor_release(ctx, weights->of);
    weights->of = NULL;
}

/* ---- Of a batch -------------------------------------------------------------------------------
 */

/* Which examples of a set: order[0 … n - 1], or without an order those from `start` on. */
typedef struct pick {
    const int32_t *order;
    int64_t start, n;
} pick;

static double weight_at(const nb_weights *weights, const pick *of, int64_t i)
{
    return ((const double *)nb_tensor_data(weights->of))[of->order ? of->order[i] : of->start + i];
}

/* Where every example counts 1 they count alike: a gradient's bits are the same without weights,
 * and it takes less. */
static bool count_alike(const nb_weights *weights, const pick *of)
{
    int64_t i = 0;
    while (i < of->n && weight_at(weights, of, i) == 1) i++;
    return i == of->n;
}

static nb_tensor *of_examples(nb_ctx *ctx, const nb_weights *weights, const pick *of)
{
    nb_tensor *out = nb_tensor_new(ctx, NB_F64, 1, &of->n);
    double *to = out ? nb_tensor_data(out) : NULL;
    for (int64_t i = 0; out && i < of->n; i++) to[i] = weight_at(weights, of, i);
    return out;
}

/* Padding has no class and counts nothing. */
static nb_tensor *of_classes(nb_ctx *ctx, const nb_weights *weights, nb_tensor *classes)
{
    const double *from = nb_tensor_data(weights->of);
    nb_tensor *whole = nb_tensor_contiguous(ctx, classes);
    nb_tensor *out = whole ? nb_tensor_new(ctx, NB_F64, whole->dims, whole->shape) : NULL;
    for (int64_t i = 0; out && i < nb_tensor_count(out); i++) {
        int32_t class = ((const int32_t *)nb_tensor_data(whole))[i];
        bool known = class >= 1 && class <= weights->of->shape[0];
        ((double *)nb_tensor_data(out))[i] = known ? from[class - 1] : 0;
    }
    nb_tensor_release(ctx, whole);
    return out;
}

/* The class numbers of a batch whose y is targets. */
static nb_tensor *numbers_of(nb_ctx *ctx, const nb_set *set, const pick *of)
{
    nb_batch batch;
    nb_tensor *room = nb_batch_classes(ctx, set, of->n), *out = NULL;
    if (room &&
        nb_batch_gather(ctx, set, of->order, of->start, of->n, 0, NULL, room, &batch) == NB_OK) {
        out = nb_tensor_retain(batch.y);
        nb_batch_free(ctx, &batch);
    }
    nb_tensor_release(ctx, room);
    return out;
}

static nb_status gather(nb_ctx *ctx, const nb_weights *weights, const nb_net *net,
                        const nb_set *set, const pick *of, const nb_batch *batch, nb_tensor **out)
{
    *out = NULL;
    if (!weights->of) return NB_OK;
    if (!weights->by_class && count_alike(weights, of)) return NB_OK;
    if (!weights->by_class) {
        *out = of_examples(ctx, weights, of);
    } else {
        nb_tensor *classes =
            nb_net_wants_classes(net) ? nb_tensor_retain(batch->y) : numbers_of(ctx, set, of);
        if (classes) *out = of_classes(ctx, weights, classes);
        nb_tensor_release(ctx, classes);
    }
    return *out ? NB_OK : ctx->status;
}

nb_status nb_weights_gather(nb_ctx *ctx, const nb_weights *weights, const nb_net *net,
                            const nb_set *set, const int32_t *order, const nb_batch *batch,
                            nb_tensor **out)
{
    const pick of = {.order = order, .n = batch->x->shape[0]};
    return gather(ctx, weights, net, set, &of, batch, out);
}

nb_status nb_weights_of_rows(nb_ctx *ctx, const nb_weights *weights, const nb_net *net,
                             const nb_set *set, int64_t start, const nb_batch *batch,
                             nb_tensor **out)
{
    const pick of = {.start = start, .n = batch->x->shape[0]};
    return gather(ctx, weights, net, set, &of, batch, out);
}

/* ---- How much a batch counts ----------------------------------------------------------------- */

int64_t nb_batch_steps(const nb_net *net, const nb_batch *batch, int64_t i)
{
    if (!batch->lengths) return batch->y->shape[1];
    return nb_net_steps(net, (int64_t)nb_tensor_get(batch->lengths, &i));
}

/* The weight of padded steps counts nothing. */
static double weigh_steps(const nb_net *net, const nb_batch *batch, const nb_tensor *w)
{
    double sum = 0;
    for (int64_t i = 0; i < batch->x->shape[0]; i++) {
        int64_t real = nb_batch_steps(net, batch, i);
        if (!w || w->dims == 1) sum += (double)real * (w ? nb_tensor_get(w, &i) : 1);
        for (int64_t t = 0; w && w->dims > 1 && t < real; t++)
            sum += nb_tensor_get(w, (const int64_t[]){i, t});
    }
    return sum;
}

double nb_batch_weight(const nb_net *net, const nb_batch *batch, const nb_tensor *weights)
{
    if (nb_net_out(net)->reading == NB_STEPS) return weigh_steps(net, batch, weights);
    if (!weights) return (double)batch->x->shape[0];
    return nb_real(NB_F64)->sum((size_t)nb_tensor_count(weights), nb_tensor_data(weights), 1);
}
