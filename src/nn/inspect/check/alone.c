/* See alone.h. */
#include "nn/inspect/check/alone.h"

#include "base/memory.h"
#include "nn/inspect/check/differences.h"

#include <string.h>

bool nb_alone_can(const nb_again *all)
{
    return all->x->shape[0] > 1 && !all->trace.lengths && !all->mode.by_batch;
}

double nb_alone_weight(const nb_again *all, int64_t i)
{
    const nb_tensor *weights = all->mode.weights;
    if (!weights) return 1;
    int64_t places = nb_tensor_count(weights) / weights->shape[0];
    const double *own = (const double *)nb_tensor_data(weights) + i * places;
    double sum = 0;
    for (int64_t k = 0; k < places; k++) sum += own[k];
    return sum;
}

/* Row i of a tensor; *status: it could not be had. NULL has none. */
static nb_tensor *row_of(const nb_again *all, nb_tensor *t, int64_t i, nb_status *status)
{
    nb_tensor *row = t ? nb_tensor_narrow(all->ctx, t, 0, i, 1, 1) : NULL;
    if (t && !row) *status = all->ctx->status;
    return row;
}

/* Example i, with the network of all, so that a number moved there moves here. A weight of the
 * example says nothing of it alone, those of its places do. */
static nb_status take(const nb_again *all, int64_t i, nb_again *out)
{
    nb_tensor *weights = all->mode.weights;
    nb_status status = NB_OK;
    *out = (nb_again){.ctx = all->ctx, .net = nb_net_retain(all->net)};
    out->x = row_of(all, all->x, i, &status);
    out->y = row_of(all, all->y, i, &status);
    out->mode.lengths = row_of(all, all->mode.lengths, i, &status);
    if (weights && weights->dims > 1) out->mode.weights = row_of(all, weights, i, &status);
    return status;
}

static void drop(nb_again *one)
{
    nb_tensor_release(one->ctx, one->mode.lengths);
    nb_tensor_release(one->ctx, one->mode.weights);
    nb_again_end(one);
}

nb_status nb_alone_cost(const nb_again *all, int64_t i, double *cost)
{
    nb_again one;
    nb_result pass;
    nb_status status = take(all, i, &one);
    if (status == NB_OK)
        status = nb_net_run(one.ctx, one.net, one.x, one.y, &one.mode, NULL, &pass);
    if (status == NB_OK) {
        *cost = nb_tensor_item(pass.cost);
        nb_result_free(one.ctx, &pass);
    }
    drop(&one);
    return status;
}

/* ---- Kinks ----------------------------------------------------------------------------------- */

static nb_status prepare(nb_alone *alone, int64_t i)
{
    const nb_again *all = alone->all;
    if (!alone->one) {
        alone->one = nb_alloc_zero(all->ctx, (size_t)all->x->shape[0], sizeof *alone->one);
        if (!alone->one) return all->ctx->status;
    }
    if (i < alone->count) return NB_OK;
    nb_status status = take(all, i, &alone->one[i]);
    alone->count = i + 1;
    return status == NB_OK ? nb_again_trace(&alone->one[i]) : status;
}

/* An example's pass with a parameter moved. */
typedef struct moving {
    const nb_again *one;
    nb_move move;
} moving;

static nb_status cost_of(void *self, double *cost)
{
    const moving *m = self;
    return nb_again_cost(m->one, &m->move, cost);
}

/* The example's own gradient of the number; whether it is right, and C bends there. */
static nb_status look(const nb_again *one, const nb_alone_number *number, double *g, bool *right,
                      bool *kink)
{
    const nb_trace_place *place = &one->trace.place[number->place];
    nb_param *param = &place->layer->plan->param[number->param];
    double cost = one->trace.cost, d = 0;
    moving m = {one, nb_again_move_param(one, place->layer)};
    const nb_varied v = {.number = (double *)nb_tensor_data(param->value) + number->k,
                         .value = cost,
                         .scale = cost,
                         .value_of = cost_of,
                         .self = &m};
    *g = ((const double *)nb_tensor_data(place->grad[number->param]))[number->k];
    nb_status status = nb_difference_check(&v, *g, &d, kink);
    *right = *kink || nb_check_agrees(*g, d, cost);
    return status;
}

nb_status nb_alone_bends(nb_alone *alone, const nb_alone_number *number, bool *bends)
{
    const nb_again *all = alone->all;
    int64_t n = all->x->shape[0];
    double sum = 0, total = 0, g = 0;
    bool right = nb_alone_can(all) && n <= NB_ALONE_MOST, any = false, kink = false;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < n && right && status == NB_OK; i++) {
        double weight = nb_alone_weight(all, i);
        if (weight == 0) continue;
        status = prepare(alone, i);
        if (status == NB_OK) status = look(&alone->one[i], number, &g, &right, &kink);
        any = any || kink;
        sum += weight * g;
        total += weight;
    }
    *bends =
        status == NB_OK && right && any && nb_check_agrees(number->g, sum / total, all->trace.cost);
    return status;
}

void nb_alone_end(nb_alone *alone)
{
    nb_ctx *ctx = alone->all->ctx;
    for (int64_t i = 0; i < alone->count; i++)
        if (alone->one[i].ctx) drop(&alone->one[i]); /* one of weight 0 is not asked */
    if (alone->one) nb_free(ctx, alone->one, (size_t)alone->all->x->shape[0] * sizeof *alone->one);
    alone->one = NULL;
    alone->count = 0;
}
