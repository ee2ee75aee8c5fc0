/* Rates, orders and batches of a run. */
#include "nn/train/run/prepare.h"

#include "kernel/shuffle.h"
#include "nn/train/pieces/lanes.h"

#include <math.h>

/* When the step behind what `at` has done is made. */
static nb_moment moment_of(const nb_trainer *t, const nb_course *at)
{
    int64_t steps = nb_parts_of(nb_parts_of(at->count, at->size), at->group);
    double step = 1 / (double)steps, done = (double)(at->batch / at->group);
    return (nb_moment){.at = (double)(at->epoch - 1) + done * step,
                       .step = step,
                       .epochs = (double)t->pace.epochs,
                       .history = &t->history};
}

static nb_status bad_factor(nb_ctx *ctx, double factor)
{
    char text[NB_NUMBER_MAX];
    return nb_fail(ctx, NB_EARG,
                   "the schedule gives %s; lr is multiplied by it, so it must be a number from 0",
                   nb_number_text(factor, text));
}

/* What multiplies the rate, asked once in an epoch where it stays the same. */
static nb_status find_factor(nb_ctx *ctx, nb_trainer *t, const nb_course *at)
{
    const nb_schedule_type *type = t->pace.schedule.type;
    const nb_moment moment = moment_of(t, at);
    bool by_epoch = t->pace.hook || !type || type->by_epoch;
    nb_status status = NB_OK;
    double factor;
    if (by_epoch && t->factored == at->epoch) return NB_OK;
    if (t->pace.hook)
        status = t->pace.hook(ctx, t->pace.self, at->epoch, &factor);
    else
        factor = nb_schedule_factor(&t->pace.schedule, &moment);
    if (status != NB_OK) return status;
    if (!(factor >= 0) || !isfinite(factor)) return bad_factor(ctx, factor);
    t->factor = factor;
    t->factored = at->epoch;
    return NB_OK;
}

nb_status nb_trainer_rate(nb_ctx *ctx, nb_trainer *t, nb_course *at)
{
    at->rate = 0;
    if (t->optimizer->type->whole) return NB_OK;
    nb_status status = find_factor(ctx, t, at);
    at->rate = t->optimizer->options.lr * t->factor;
    return status;
}

/* Of an order that Ctrl-C left half made nothing is used. */
nb_status nb_trainer_order(nb_ctx *ctx, nb_trainer *t, int64_t epoch)
{
    nb_status status = NB_OK;
    if (t->ordered == epoch) return NB_OK;
    t->ordered = 0;
    for (int64_t i = 0; i < t->course.count; i++) t->order[i] = (int32_t)i;
    if (t->course.shuffle) {
        nb_stream stream = nb_stream_make(t->course.seed, NB_FOR_SHUFFLE, (uint64_t)epoch);
        status = nb_random_shuffle(ctx, &stream, t->order, (size_t)t->course.count);
    }
    if (status == NB_OK) t->ordered = epoch;
    return status;
}

static void drop_buffers(nb_ctx *ctx, nb_tensor **x, nb_tensor **y)
{
    nb_tensor_release(ctx, *x);
    nb_tensor_release(ctx, *y);
    *x = *y = NULL;
}

void nb_trainer_drop_buffers(nb_ctx *ctx, nb_trainer *t)
{
    drop_buffers(ctx, &t->x, &t->y);
    drop_buffers(ctx, &t->rest_x, &t->rest_y);
}

/* A buffer that somebody kept (a function of the host may) is not written again. */
static bool is_ours(const nb_tensor *t, int64_t n)
{
    return t && t->refs == 1 && t->storage->refs == 1 && t->shape[0] == n;
}

static nb_status make_buffers(nb_ctx *ctx, const nb_trainer *t, int64_t n, nb_tensor **x,
                              nb_tensor **y)
{
    if ((!x || is_ours(*x, n)) && is_ours(*y, n)) return NB_OK;
    nb_tensor *none = NULL;
    drop_buffers(ctx, x ? x : &none, y);
    return nb_batch_new(ctx, t->net, t->set, n, x, y);
}

/* What the function draws is the step's own. */
static nb_status augment(nb_ctx *ctx, const nb_trainer *t, const nb_course *at, nb_batch *batch)
{
    if (!t->augment) return NB_OK;
    nb_chance was = nb_chance_lend(ctx, at->seed, NB_FOR_AUGMENT, (uint64_t)at->steps);
    nb_status status = t->augment(ctx, t->augmenter, batch);
    nb_chance_back(ctx, was);
    return status;
}

/* Whether a batch is there with all of its examples: where functions of the host look at it, and
 * where its longest sequence says how long all are. */
static bool is_at_hand(const nb_trainer *t, bool whole)
{
    return whole || t->course.pieces == 1 || t->augment || t->set->x->length;
}

bool nb_takes_rows(const nb_trainer *t, int64_t n)
{
    const nb_course *at = &t->course;
    int64_t each = n / at->pieces; /* of the smallest piece */
    if (t->augment || at->group > 1 || each == 0) return false;
    if (at->pieces > 1 && nb_lanes_needed(t->net)) return false;
    return nb_turned_suits(&t->turned, each);
}

/* Rows of non-zeros are gathered as such, where the step takes them. */
static nb_status gather(nb_ctx *ctx, nb_trainer *t, const int32_t *order, int64_t n, int64_t ahead,
                        bool rows, bool rest, nb_batch *batch)
{
    nb_tensor **x = rest ? &t->rest_x : &t->x;
    nb_tensor **y = rest ? &t->rest_y : &t->y;
    nb_status status = make_buffers(ctx, t, n, rows ? NULL : x, y);
    if (status != NB_OK) return status;
    if (!rows) return nb_batch_gather(ctx, t->set, order, 0, n, ahead, *x, *y, batch);
    nb_tensor *given = nb_turned_gather(ctx, &t->turned, t->set, order, n, ahead);
    status =
        given ? nb_batch_gather(ctx, t->set, order, 0, n, ahead, NULL, *y, batch) : ctx->status;
    if (status == NB_OK)
        batch->x = given;
    else
        nb_tensor_release(ctx, given);
    return status;
}

/* Examples from … to - 1 of the batch behind those that `at` has done, and their weights. */
static nb_status take(nb_ctx *ctx, nb_trainer *t, const nb_course *at, bool whole, int64_t from,
                      int64_t to, nb_prepared *one)
{
    int64_t n = to - from, ahead = n == one->n ? at->count - at->examples - to : 0;
    const int32_t *order = t->order + at->examples + from;
    bool rows = !whole && nb_takes_rows(t, one->n);
    if (n == 0) return NB_OK;
    nb_status status = gather(ctx, t, order, n, ahead, rows, one->n < at->size, &one->batch);
    if (status == NB_OK) status = augment(ctx, t, at, &one->batch);
    if (status != NB_OK) return status;
    status = nb_weights_gather(ctx, &t->weights, t->net, t->set, order, &one->batch,
                               &one->lesson.weights);
    if (status == NB_OK) one->weight = nb_batch_weight(t->net, &one->batch, one->lesson.weights);
    return status;
}

nb_status nb_prepare(nb_ctx *ctx, nb_trainer *t, const nb_course *at, bool whole, nb_prepared *one)
{
    int64_t all = at->count - at->examples, from = 0, to;
    nb_status status = nb_poll(ctx);
    *one = (nb_prepared){.n = all < at->size ? all : at->size};
    to = one->n;
    if (at->pieces > 1) one->cut = nb_cut_of(ctx, one->n, at->pieces);
    if (!is_at_hand(t, whole)) nb_pieces_rows(t->net, &one->cut, &from, &to);
    one->cut.at = from;
    if (status == NB_OK) status = take(ctx, t, at, whole, from, to, one);
    nb_lesson *lesson = &one->lesson;
    *lesson = (nb_lesson){.x = one->batch.x,
                          .y = one->batch.y,
                          .lengths = one->batch.lengths,
                          .weights = lesson->weights,
                          .cut = at->pieces > 1 ? &one->cut : NULL,
                          .rate = at->rate,
                          .penalty = t->penalty,
                          .seed = at->seed,
                          .step = (uint64_t)at->steps,
                          .rows = {t->order, at->examples + from},
                          .keep_grads = t->keep_grads};
    return status;
}

void nb_prepared_free(nb_ctx *ctx, nb_prepared *one)
{
    nb_tensor_release(ctx, one->lesson.weights);
    nb_batch_free(ctx, &one->batch);
}
