/* Parts of a pass, each with its own forward and backward. */
#include "nn/inspect/check/blame.h"

#include "base/memory.h"
#include "nn/inspect/check/judge_ops.h"

#include <stdio.h>

/* What is judged: what makes z of a place, what makes its a, or the cost. */
typedef struct part {
    const nb_again *again;
    nb_culprit kind;
    int place;
    nb_walk *walk;    /* of a layer, while it is under way */
    nb_tensor *x;     /* what comes in: a copy, a leaf unless it is words */
    nb_tensor **leaf; /* x and the parameters: `leaves` of them */
    int leaves;
    nb_blame *out;
} part;

static const nb_trace_place *place_of(const part *p)
{
    return &p->again->trace.place[p->place];
}

/* ---- What the parts make ---- */

/* The layer may bind lengths, in the walk's own list. */
static nb_tensor *make_z(nb_ctx *ctx, void *self)
{
    const part *p = self;
    nb_layer *layer = place_of(p)->layer;
    const nb_observer *observer = p->walk->observer;
    bool taped = p->walk->mode.taped;
    p->walk->observer = NULL;
    p->walk->mode.taped = ctx->recording;
    nb_tensor *z =
        layer->type->forward(p->walk, layer, p->x, layer->plan->runs ? NB_GIVE_Z : NB_GIVE_A);
    p->walk->observer = observer;
    p->walk->mode.taped = taped;
    return z;
}

static nb_tensor *make_a(nb_ctx *ctx, void *self)
{
    const nb_trace_place *place = place_of(self);
    return nb_runs_apply_in(ctx, place->runs, place->layer->plan->where, ((part *)self)->x);
}

/* A pass that begins behind the last layer. */
static nb_tensor *make_cost(nb_ctx *ctx, void *self)
{
    const part *p = self;
    const nb_again *again = p->again;
    nb_mode mode = again->mode;
    nb_result pass;
    mode.taped = ctx->recording;
    mode.first = again->net->layer.children;
    mode.lengths = NULL;
    if (nb_net_run(ctx, again->net, p->x, again->y, &mode, NULL, &pass) != NB_OK) return NULL;
    nb_tensor *cost = nb_tensor_retain(pass.cost);
    nb_result_free(ctx, &pass);
    return cost;
}

static nb_tensor *make(nb_ctx *ctx, void *self)
{
    switch (((const part *)self)->kind) {
    case NB_BLAMED_COST:
        return make_cost(ctx, self);
    case NB_BLAMED_ACTIVATION:
        return make_a(ctx, self);
    default:
        return make_z(ctx, self);
    }
}

/* ---- Judging one ---- */

/* Whose activation it is where a layer has several: that of the neuron whose z is the number. */
static const char *activation_at(const part *p, int64_t element)
{
    const nb_trace_place *place = place_of(p);
    int64_t inner = 1, neurons = nb_runs_neurons(place->runs);
    for (int i = 0; i < place->runs->behind; i++) inner *= place->z->shape[place->z->dims - 1 - i];
    return nb_runs_at(place->runs, element / inner % neurons).type->name;
}

static const char *name_of(const part *p, int64_t element)
{
    if (p->kind == NB_BLAMED_COST) return p->again->net->cost.type->name;
    if (p->kind == NB_BLAMED_ACTIVATION) return activation_at(p, element);
    return place_of(p)->layer->type->name;
}

/* found: of the part; of_op: of the op in it, where that is wrong. */
static void accuse(const part *p, const nb_judged *found, const nb_op *op, const nb_judged *of_op)
{
    nb_blame *out = p->out;
    const char *name = op ? op->name : name_of(p, found->element);
    const nb_judged *numbers = op ? of_op : found;
    out->who = op ? NB_BLAMED_OP : p->kind;
    if (op && p->kind == NB_BLAMED_ACTIVATION)
        snprintf(out->activation, sizeof out->activation, "%s", activation_at(p, found->element));
    out->backward = numbers->backward;
    out->differences = numbers->differences;
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->where, sizeof out->where, "%s",
             p->kind == NB_BLAMED_COST ? "" : place_of(p)->layer->plan->where);
}

/* The part as a whole, and where it is wrong its ops. */
static nb_status judge(nb_ctx *ctx, part *p)
{
    nb_judged found = {
        .f = make, .self = p, .in = p->leaf, .count = p->leaves, .params = p->again->net->whole};
    nb_judged of_op = {.f = NULL};
    const nb_op *op = NULL;
    bool recording = ctx->recording;
    nb_status status = nb_judge(ctx, &found);
    if (status != NB_OK || !found.wrong) return status;
    ctx->recording = true;
    nb_tensor *root = make(ctx, p);
    ctx->recording = false;
    status = root ? nb_judge_ops(ctx, root, &op, &of_op) : ctx->status;
    ctx->recording = recording;
    nb_tensor_release(ctx, root);
    if (status == NB_OK) accuse(p, &found, op, &of_op);
    return status;
}

/* Every parameter that a layer reads: its own, and a w that it is tied to. */
static int take_params(const nb_layer *layer, nb_tensor **leaf)
{
    const nb_plan *plan = layer->plan;
    int count = 0;
    for (int i = 0; i < plan->params; i++) leaf[count++] = plan->param[i].value;
    if (plan->tied) leaf[count++] = nb_layer_param(layer, "w")->value;
    return count;
}

/* With `layer`'s parameters where there is one. */
static nb_status judge_from(nb_ctx *ctx, part *p, nb_tensor *x, const nb_layer *layer)
{
    size_t most = 2 + (layer ? (size_t)layer->plan->params : 0);
    nb_status status = NB_OK;
    p->x = nb_tensor_clone(ctx, x);
    p->leaf = p->x ? nb_alloc_zero(ctx, most, sizeof *p->leaf) : NULL;
    p->leaves = 0;
    if (!p->leaf) {
        status = ctx->status;
    } else if (nb_dtype_computes(x->dtype)) {
        status = nb_require_grad(ctx, p->x, true);
        p->leaf[p->leaves++] = p->x;
    }
    if (status == NB_OK && layer) p->leaves += take_params(layer, p->leaf + p->leaves);
    if (status == NB_OK) status = judge(ctx, p);
    nb_tensor_release(ctx, p->x);
    if (p->leaf) nb_free(ctx, p->leaf, most * sizeof *p->leaf);
    return status;
}

/* ---- One after the other ---- */

/* Before the layer runs in its turn: lengths are bound as they are for it. */
static nb_status look(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *x)
{
    part *p = self;
    if (walk->place != p->place) return NB_OK;
    p->walk = walk;
    /* What stands in a block has been judged by itself. */
    return judge_from(walk->ctx, p, x, layer->children ? NULL : layer);
}

static nb_status judge_layer(const nb_again *again, int place, nb_blame *out)
{
    part p = {.again = again, .kind = NB_BLAMED_LAYER, .place = place, .out = out};
    const nb_observer observer = {.in = look, .self = &p};
    nb_mode mode = again->mode;
    nb_result pass;
    nb_status status = nb_net_run(again->ctx, again->net, again->x, NULL, &mode, &observer, &pass);
    if (status == NB_OK) nb_result_free(again->ctx, &pass);
    return status;
}

/* The number of the place from whose z the cost goes on; -1: it takes a. */
static int fused_place(const nb_again *again)
{
    const nb_activation_type *last = nb_net_last_activation(again->net).type;
    const nb_layer *end = nb_layer_end(&again->net->layer);
    int p = again->trace.places - 1;
    if (nb_net_fused(again->net) == NB_OPS || !last || last->host) return -1;
    while (p > 0 && again->trace.place[p].layer != end) p--;
    return p;
}

static nb_status judge_cost(const nb_again *again, int fused, nb_blame *out)
{
    const nb_trace *trace = &again->trace;
    part p = {.again = again, .kind = NB_BLAMED_COST, .place = -1, .out = out};
    nb_tensor *last = fused >= 0 ? trace->place[fused].z : trace->out;
    return judge_from(again->ctx, &p, last, NULL);
}

static nb_status judge_activation(const nb_again *again, int place, nb_blame *out)
{
    part p = {.again = again, .kind = NB_BLAMED_ACTIVATION, .place = place, .out = out};
    return judge_from(again->ctx, &p, again->trace.place[place].z, NULL);
}

nb_status nb_blame_find(const nb_again *again, nb_blame *out)
{
    const nb_trace *trace = &again->trace;
    int fused = fused_place(again), places = trace->places;
    *out = (nb_blame){.who = NB_NOBODY};
    nb_status status = judge_cost(again, fused, out);
    /* First the layers in which no others stand, then the blocks. */
    for (int i = 2 * places - 1; i >= 0 && status == NB_OK && !out->who; i--) {
        const nb_trace_place *at = &trace->place[i % places];
        nb_tell(again->ctx, "looking for who is to blame", 2 * places - 1 - i, 2 * places);
        if ((at->layer->children > 0) != (i < places)) continue;
        if (at->runs && i % places != fused) status = judge_activation(again, i % places, out);
        if (status == NB_OK && !out->who) status = judge_layer(again, i % places, out);
    }
    return status;
}
