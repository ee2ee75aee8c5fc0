/* Passes that begin where a number moved. */
#include "nn/inspect/check/again.h"

#include "nn/net/backprop.h"

#include <math.h>

/* Words and class numbers stay integers. */
static nb_tensor *in_f64(nb_ctx *ctx, nb_tensor *t)
{
    return nb_tensor_convert(ctx, t, nb_dtype_computes(t->dtype) ? NB_F64 : t->dtype, 1);
}

nb_status nb_again_begin(nb_again *again, nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                         const nb_mode *as)
{
    *again = (nb_again){.ctx = ctx};
    if (as) again->mode = (nb_mode){.lengths = as->lengths, .weights = as->weights};
    again->net = nb_net_clone(ctx, net, NB_F64);
    again->x = again->net ? in_f64(ctx, x) : NULL;
    again->y = again->x ? in_f64(ctx, y) : NULL;
    return again->y ? NB_OK : ctx->status;
}

nb_status nb_again_trace(nb_again *again)
{
    nb_ctx *ctx = again->ctx;
    const nb_inquiry ask = {
        .net = again->net, .x = again->x, .y = again->y, .mode = &again->mode, .draws = ctx->draws};
    nb_status status =
        nb_trace_run_as(ctx, again->net, again->x, again->y, &again->mode, &again->trace);
    if (status == NB_OK && !isfinite(again->trace.cost))
        status = nb_net_bad_cost(ctx, again->trace.cost);
    return nb_net_explain(ctx, &ask, status);
}

void nb_again_end(nb_again *again)
{
    nb_trace_free(again->ctx, &again->trace);
    nb_tensor_release(again->ctx, again->x);
    nb_tensor_release(again->ctx, again->y);
    nb_net_release(again->ctx, again->net);
}

/* ---- Where a pass begins ---- */

/* The network's layer that place p is in, *at: that layer's own place. */
static int layer_of(const nb_again *again, int p, int *at)
{
    const nb_layer *top = &again->net->layer;
    int l = 0;
    *at = 0;
    while (l < top->children - 1 && p >= *at + top->child[l]->plan->places)
        *at += top->child[l++]->plan->places;
    return l;
}

/* What a pass from layer l on begins with. Padded sequences begin anew: lengths are bound on the
 * way. */
static void begin_at(const nb_again *again, int l, nb_move *m)
{
    int place = 0;
    m->first = again->mode.lengths ? 0 : l;
    for (int i = 0; i < m->first - 1; i++) place += again->net->layer.child[i]->plan->places;
    m->x = m->first ? again->trace.place[place].a : again->x;
}

/* Behind the layer, where that is one of the network's and not its last. */
nb_status nb_again_move_z(const nb_again *again, int p, nb_move *move)
{
    const nb_trace_place *place = &again->trace.place[p];
    int at, l = layer_of(again, p, &at);
    *move = (nb_move){.place = p, .z = nb_tensor_clone(again->ctx, place->z)};
    if (!move->z) return again->ctx->status;
    begin_at(again, l, move);
    if (at != p || again->mode.lengths || l + 1 == again->net->layer.children) return NB_OK;
    move->own = place->layer;
    move->first = l + 1;
    move->x = NULL;
    return NB_OK;
}

/* Whether a layer is another, or has it inside. What is tied to one stands behind it. */
static bool reads(const nb_layer *layer, const nb_layer *other)
{
    if (layer == other) return true;
    for (int i = 0; i < layer->children; i++)
        if (reads(layer->child[i], other)) return true;
    return false;
}

nb_move nb_again_move_param(const nb_again *again, const nb_layer *layer)
{
    const nb_layer *top = &again->net->layer;
    nb_move move = {.z = NULL};
    int l = 0;
    while (l < top->children - 1 && !reads(top->child[l], layer)) l++;
    begin_at(again, l, &move);
    return move;
}

/* ---- The pass ---- */

/* Puts the moved z where the pass has made its own. */
static nb_status put_z(nb_walk *walk, void *self, nb_layer *layer, nb_tensor **z)
{
    const nb_move *move = self;
    (void)layer;
    if (walk->place != move->place) return NB_OK;
    nb_tensor_release(walk->ctx, *z);
    *z = nb_tensor_retain(move->z);
    return NB_OK;
}

/* a of the moved z, off the tape: what the layers behind it read. */
static nb_tensor *moved_output(const nb_again *again, const nb_move *move)
{
    const nb_plan *plan = move->own->plan;
    if (!plan->runs) return nb_tensor_retain(move->z);
    return nb_runs_apply_in(again->ctx, plan->runs, plan->where, move->z);
}

nb_status nb_again_cost(const nb_again *again, const nb_move *move, double *cost)
{
    nb_ctx *ctx = again->ctx;
    nb_move put = *move;
    const nb_observer observer = {.z = put_z, .self = &put};
    nb_mode mode = again->mode;
    nb_result pass;
    bool inside = move->z && move->x; /* z is put where its pass has made its own */
    nb_tensor *x = move->x ? nb_tensor_retain(move->x) : moved_output(again, move);
    if (!x) return ctx->status;
    mode.first = move->first;
    nb_status status =
        nb_net_run(ctx, again->net, x, again->y, &mode, inside ? &observer : NULL, &pass);
    nb_tensor_release(ctx, x);
    if (status != NB_OK) return status;
    *cost = nb_tensor_item(pass.cost);
    nb_result_free(ctx, &pass);
    return NB_OK;
}
