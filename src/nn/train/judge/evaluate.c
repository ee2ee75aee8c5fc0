/* Cost and right answers of a network over a data set. */
#include "nn/train/judge/evaluate.h"

#include "base/arith.h"
#include "kernel/kernel.h"
#include "nn/price.h"

#include <math.h>

enum {
    CHUNK_BYTES =
        1 << 20,      /* what the widest layer reads and writes at a time: it stays in a cache */
    CHUNK_LEAST = 32, /* examples, so that products stay products of matrices */
    CHUNK_MOST = 1 << 14
};

/* A form counts free sizes as 1; the set says what they are. */
int64_t nb_portion_size(const nb_net *net, const nb_set *set)
{
    nb_extent e = nb_net_extent(net, nb_feed_width(set->x));
    double bytes = e.widest * (double)nb_dtype_size(net->dtype);
    double n = CHUNK_BYTES / bytes;
    return n < CHUNK_LEAST ? CHUNK_LEAST : n > CHUNK_MOST ? CHUNK_MOST : (int64_t)n;
}

/* The steps of a contiguous batch of outputs or targets. */
typedef struct steps {
    const char *data;
    const nb_real_kernels *real;
    size_t columns, bytes; /* numbers and bytes of one */
    int64_t count;
} steps;

static steps steps_of(const nb_tensor *t)
{
    int64_t columns = t->dims > 1 ? t->shape[t->dims - 1] : 1;
    const nb_real_kernels *real = nb_dtype_computes(t->dtype) ? nb_real(t->dtype) : NULL;
    return (steps){nb_tensor_data(t), real, (size_t)columns,
                   (size_t)columns * nb_dtype_size(t->dtype), nb_tensor_count(t) / columns};
}

/* Outputs whose largest value stands at the class. */
static int64_t right_classes(const steps *out, const nb_tensor *classes)
{
    const int32_t *class = nb_tensor_data(classes);
    const char *a = out->data;
    int64_t right = 0;
    for (int64_t i = 0; i < out->count; i++, a += out->bytes)
        right += (int64_t)out->real->argmax(out->columns, a, 1) == class[i] - 1;
    return right;
}

/* Outputs and targets whose largest values stand at the same place; a single output on the same
 * side of `middle` as its target is of one half. */
static int64_t right_targets(const steps *out, const steps *y, double middle)
{
    const nb_real_kernels *real = out->real;
    const char *a = out->data, *t = y->data;
    int64_t right = 0;
    for (int64_t i = 0; i < out->count; i++, a += out->bytes, t += y->bytes) {
        if (out->columns > 1) {
            right += real->argmax(out->columns, a, 1) == real->argmax(out->columns, t, 1);
            continue;
        }
        double given = real->sum(1, a, 1), wanted = real->sum(1, t, 1);
        right += (given > middle) == (wanted > 0.5);
    }
    return right;
}

/* True where targets say which answer is right: rows of 0 with one 1, a number that is 0 or 1, or
 * where `signs` -1 or 1. */
static bool are_one_hot(const steps *y, bool signs)
{
    const char *row = y->data;
    for (int64_t i = 0; i < y->count; i++, row += y->bytes) {
        double sum = y->real->sum(y->columns, row, 1);
        double squares = y->real->sum_squares(y->columns, row, 1);
        bool one = (sum == 1 || (y->columns == 1 && signs)) && squares == 1;
        if (!one && !(y->columns == 1 && !signs && sum == 0)) return false;
    }
    return true;
}

/* One chunk of examples. */
typedef struct chunk {
    int64_t start, n;
    nb_batch batch;
    nb_tensor *classes; /* y as numbers, NULL where there are none */
    nb_tensor *weights; /* NULL: all count alike */
} chunk;

/* Over the chunks: C times what counts, and what counts; right answers, and other metrics;
 * and how rows come. */
typedef struct sums {
    double cost, weight;
    nb_evaluation *out;
    nb_measure measure;
    nb_few few;
} sums;

static nb_status gather_batch(nb_ctx *ctx, const nb_net *net, const nb_set *set, nb_few *few,
                              chunk *c)
{
    nb_tensor *x = NULL, *y;
    nb_status status = nb_batch_new(ctx, net, set, c->n, few->w ? NULL : &x, &y);
    if (status != NB_OK) return status;
    if (few->w)
        status = nb_few_gather(ctx, few, set, c->start, c->n, y, &c->batch);
    else
        status = nb_batch_gather(ctx, set, NULL, c->start, c->n, 0, x, y, &c->batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return status;
}

static nb_status gather(nb_ctx *ctx, const nb_net *net, const nb_set *set, nb_few *few, chunk *c)
{
    nb_batch numbers;
    nb_status status = gather_batch(ctx, net, set, few, c);
    if (status != NB_OK || !nb_set_has_classes(net, set)) return status;
    if (nb_net_wants_classes(net)) {
        c->classes = nb_tensor_retain(c->batch.y);
        return NB_OK;
    }
    nb_tensor *classes = nb_batch_classes(ctx, set, c->n);
    if (!classes) return ctx->status;
    status = nb_batch_gather(ctx, set, NULL, c->start, c->n, 0, NULL, classes, &numbers);
    nb_tensor_release(ctx, classes);
    if (status != NB_OK) return status;
    c->classes = nb_tensor_retain(numbers.y);
    nb_batch_free(ctx, &numbers);
    return NB_OK;
}

/* Where yes begins for one output: a fused cost has left z of a sigmoid, whose half is at 0. */
static double middle_of(const nb_net *net)
{
    return nb_net_fused(net) != NB_OPS ? 0 : nb_cost_middle(&net->cost);
}

/* Contiguous, of padded steps the real ones alone. */
static nb_tensor *real_rows(nb_ctx *ctx, nb_tensor *t, nb_tensor *lengths)
{
    return lengths ? nb_op2(ctx, NB_OP_pack_steps, t, lengths) : nb_tensor_contiguous(ctx, t);
}

/* The same of outputs or targets: an answer in the last dimension, of space the channels. */
static nb_tensor *answer_rows(nb_ctx *ctx, const nb_net *net, nb_tensor *t, nb_tensor *lengths)
{
    bool space = nb_net_out(net)->reading == NB_SPACE && nb_dtype_computes(t->dtype);
    nb_tensor *turned = space ? nb_channels_last(ctx, t) : nb_tensor_retain(t);
    nb_tensor *rows = turned ? real_rows(ctx, turned, lengths) : NULL;
    nb_tensor_release(ctx, turned);
    return rows;
}

static void count_rows(const nb_net *net, bool numbers, const nb_tensor *rows, const nb_tensor *y,
                       const nb_tensor *classes, nb_evaluation *out)
{
    steps given = steps_of(rows), wanted = steps_of(y);
    out->answers += given.count;
    if (classes && (given.columns > 1 || numbers))
        out->correct += right_classes(&given, classes);
    else if (out->correct >= 0 && (classes || are_one_hot(&wanted, net->cost.type->signs)))
        out->correct += right_targets(&given, &wanted, middle_of(net));
    else
        out->correct = -1;
}

/* The outputs a where the cost has gone on from z and a metric is of a itself, else those of the
 * pass. */
static nb_tensor *outputs_of(nb_ctx *ctx, nb_net *net, const chunk *c, const nb_result *pass,
                             const nb_measure *measure)
{
    nb_result again;
    const nb_mode mode = {.lengths = c->batch.lengths};
    if (!measure->values || nb_net_fused(net) == NB_OPS) return nb_tensor_retain(pass->output);
    if (nb_net_run(ctx, net, c->batch.x, NULL, &mode, NULL, &again) != NB_OK) return NULL;
    nb_tensor *a = nb_tensor_retain(again.output);
    nb_result_free(ctx, &again);
    return a;
}

/* (answers, K), whatever stood before K; of one dimension the numbers are answers of their own. */
static nb_tensor *as_rows(nb_ctx *ctx, const nb_tensor *t)
{
    const int64_t shape[2] = {-1, t->dims > 1 ? t->shape[t->dims - 1] : 1};
    return nb_tensor_reshape(ctx, t, 2, shape);
}

static nb_status measure(nb_ctx *ctx, nb_net *net, const chunk *c, const nb_result *pass,
                         const nb_tensor *y, nb_tensor *classes, nb_measure *into)
{
    if (!into->asked || !into->asked->count) return NB_OK;
    nb_tensor *a = outputs_of(ctx, net, c, pass, into);
    nb_tensor *rows = a ? answer_rows(ctx, net, a, pass->lengths) : NULL;
    nb_judged answers = {.given = rows ? as_rows(ctx, rows) : NULL};
    const int64_t all = -1;
    nb_tensor *numbers = classes ? nb_tensor_reshape(ctx, classes, 1, &all) : NULL;
    nb_tensor *targets = classes ? NULL : as_rows(ctx, y);
    bool there = answers.given && (numbers || targets);
    answers.classes = numbers;
    answers.wanted = targets;
    nb_status status = there ? nb_measure_add(ctx, into, &answers) : ctx->status;
    nb_tensor_release(ctx, (nb_tensor *)(uintptr_t)answers.given);
    nb_tensor_release(ctx, numbers);
    nb_tensor_release(ctx, targets);
    nb_tensor_release(ctx, rows);
    nb_tensor_release(ctx, a);
    return status;
}

static nb_status judge(nb_ctx *ctx, nb_net *net, const chunk *c, const nb_result *pass, sums *all)
{
    nb_tensor *lengths = pass->lengths, *classes = NULL;
    nb_tensor *rows = answer_rows(ctx, net, pass->output, lengths);
    nb_tensor *y = rows ? answer_rows(ctx, net, c->batch.y, lengths) : NULL;
    if (y && c->classes) classes = real_rows(ctx, c->classes, lengths);
    nb_status status = y && (classes || !c->classes) ? NB_OK : ctx->status;
    if (status == NB_OK) {
        count_rows(net, c->classes == c->batch.y, rows, y, classes, all->out);
        status = measure(ctx, net, c, pass, y, classes, &all->measure);
    }
    nb_tensor_release(ctx, rows);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, classes);
    return status;
}

/* What an example's weight counts for: 1, or its steps where sequences differ in length. */
static double steps_of_example(const nb_set *set, const nb_tensor *out, const nb_tensor *lengths,
                               int64_t i)
{
    if (lengths) return nb_tensor_get(lengths, &i);
    return set->x->length && out->dims > 2 ? (double)out->shape[1] : 1;
}

double nb_portion_weight(const nb_set *set, const nb_tensor *out, const nb_tensor *lengths,
                         const nb_tensor *weights)
{
    const double *own = weights ? nb_tensor_data(weights) : NULL;
    double sum = 0;
    for (int64_t i = 0; weights && weights->dims > 1 && i < nb_tensor_count(weights); i++)
        sum += own[i];
    if (weights && weights->dims > 1) return sum;
    for (int64_t i = 0; i < out->shape[0]; i++)
        sum += steps_of_example(set, out, lengths, i) * (weights ? own[i] : 1);
    return sum;
}

static nb_status add_chunk(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                           chunk *c, sums *all)
{
    nb_status status = gather(ctx, net, set, &all->few, c);
    if (status == NB_OK && weights)
        status = nb_weights_of_rows(ctx, weights, net, set, c->start, &c->batch, &c->weights);
    if (status != NB_OK) return status;
    const nb_mode mode = {.lengths = c->batch.lengths, .weights = c->weights};
    nb_result pass;
    status = nb_net_run(ctx, net, c->batch.x, c->batch.y, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    double weight = nb_portion_weight(set, pass.output, pass.lengths, c->weights);
    all->cost += nb_tensor_item(pass.cost) * weight;
    all->weight += weight;
    all->out->examples += c->n;
    status = judge(ctx, net, c, &pass, all);
    nb_result_free(ctx, &pass);
    return status;
}

static void drop(nb_ctx *ctx, chunk *c)
{
    nb_batch_free(ctx, &c->batch);
    nb_tensor_release(ctx, c->classes);
    nb_tensor_release(ctx, c->weights);
}

nb_status nb_evaluate(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_evaluation *out)
{
    return nb_evaluate_with(ctx, net, set, NULL, NULL, out);
}

nb_status nb_evaluate_with(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                           nb_metrics_asked *metrics, nb_evaluation *out)
{
    sums all = {.out = out};
    *out = (nb_evaluation){.examples = 0};
    nb_status status = nb_set_check(ctx, net, set);
    if (status == NB_OK) status = nb_measure_begin(ctx, &all.measure, metrics, net, set);
    if (status != NB_OK) return status;
    status = nb_few_begin(ctx, &all.few, net, set);
    int64_t most = nb_portion_size(net, set);
    for (int64_t i = 0; i < set->count && status == NB_OK; i += most) {
        chunk c = {.start = i, .n = nb_least_i64(set->count - i, most)};
        nb_tell(ctx, "evaluating", i, set->count);
        status = add_chunk(ctx, net, set, weights, &c, &all);
        drop(ctx, &c);
    }
    nb_few_end(ctx, &all.few);
    out->cost = all.weight > 0 ? all.cost / all.weight : 0;
    return nb_measure_end(ctx, &all.measure, status, nb_evaluation_accuracy(out));
}

double nb_evaluation_accuracy(const nb_evaluation *evaluation)
{
    if (evaluation->correct < 0 || evaluation->answers == 0) return NAN;
    return (double)evaluation->correct / (double)evaluation->answers;
}
