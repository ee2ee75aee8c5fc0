/* The search for where NaN began. Everything that a watched pass makes and that is not finite is
 * put on a list with the one who is to blame: whoever made it of finite numbers, or, where
 * something that went in was not finite already, the one to blame for that. So blame comes down to
 * the cost and to the gradients along the way that the numbers took, and what was not finite beside
 * that way (a masked score of -inf) is nobody's fault. */
#include "nn/net/culprit.h"

#include "base/memory.h"
#include "base/text.h"
#include "grad/met.h"
#include "grad/witness.h"
#include "nn/net/pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NOBODY = -1, BLAMES_MOST = 64 };

typedef struct blame {
    char text[NB_CULPRIT_TEXT];
} blame;

/* A tensor that is not finite. */
typedef struct odd {
    nb_tensor *tensor; /* owned */
    int blame;
} odd;

/* Where a record was made. */
typedef struct made {
    uint64_t sequence;
    const nb_layer *layer; /* NULL: behind the layers */
    const char *function;
    int blame; /* for what it gave or took; NOBODY: all that was finite */
} made;

/* A gradient that is not finite, on its way to a parameter. */
typedef struct share {
    const nb_tensor *leaf;
    int blame;
} share;

typedef struct list {
    void *at;
    size_t count, room;
} list;

typedef struct search {
    nb_ctx *ctx;
    const nb_inquiry *ask;
    nb_spots spots;
    const nb_walk *walk;  /* of the pass under way; NULL behind it */
    const nb_layer *last; /* behind it: where the record was made that ran last */
    list blames, odds, mades, shares;
} search;

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Room for one more at the end of a list, or NULL. */
static void *grow(nb_ctx *ctx, list *l, size_t size)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        void *at = nb_resize(ctx, l->at, l->room * size, room * size);
        if (!at) return NULL;
        l->at = at;
        l->room = room;
    }
    return (char *)l->at + l->count++ * size;
}

static void drop(nb_ctx *ctx, list *l, size_t size)
{
    nb_free(ctx, l->at, l->room * size);
}

static void free_search(search *s)
{
    odd *odds = s->odds.at;
    for (size_t i = 0; i < s->odds.count; i++) nb_tensor_release(s->ctx, odds[i].tensor);
    drop(s->ctx, &s->odds, sizeof(odd));
    drop(s->ctx, &s->blames, sizeof(blame));
    drop(s->ctx, &s->mades, sizeof(made));
    drop(s->ctx, &s->shares, sizeof(share));
}

static nb_status put_odd(search *s, nb_tensor *tensor, int by)
{
    odd *entry = grow(s->ctx, &s->odds, sizeof *entry);
    if (!entry) return s->ctx->status;
    *entry = (odd){nb_tensor_retain(tensor), by};
    return NB_OK;
}

/* A new one to be blamed, in *number; the last one's place where there are too many. */
static blame *new_blame(search *s, int *number)
{
    blame *entry = s->blames.count < BLAMES_MOST ? grow(s->ctx, &s->blames, sizeof *entry) : NULL;
    if (!entry) {
        *number = (int)s->blames.count - 1;
        return NULL;
    }
    entry->text[0] = '\0';
    *number = (int)s->blames.count - 1;
    return entry;
}

/* Who is to blame for a tensor that is not finite, as far as it is known: itself, or what has the
 * same elements. */
static int blame_of(const search *s, const nb_tensor *t)
{
    const odd *odds = s->odds.at;
    int found = NOBODY;
    for (size_t i = 0; i < s->odds.count; i++) {
        if (odds[i].tensor == t) return odds[i].blame;
        if (odds[i].tensor->storage == t->storage) found = odds[i].blame;
    }
    return found;
}

/* ---- Numbers that came from outside ---------------------------------------------------------- */

/* Where element `at` of a view lies in its storage. */
static int64_t place_in_storage(const nb_tensor *t, int64_t at)
{
    int64_t place = t->offset;
    for (int i = t->dims - 1; i >= 0; i--) {
        place += at % t->shape[i] * t->stride[i];
        at /= t->shape[i];
    }
    return place;
}

/* What no op of the pass made. */
static void name_outside(const search *s, const nb_tensor *t, int64_t at, const char *function,
                         char spot[NB_SPOT_TEXT])
{
    const nb_net *net = s->ask->net;
    const nb_mode *mode = s->ask->mode;
    int64_t place = place_in_storage(t, at);
    const nb_layer *layer = s->walk ? s->walk->layer : NULL;
    if (t->storage == net->values->storage && nb_spot_param(net, place, false, spot)) return;
    if (net->figures && t->storage == net->figures->storage &&
        nb_spot_param(net, place, true, spot))
        return;
    if (t->storage == s->ask->x->storage)
        nb_spot_x(&s->spots, s->ask->x, at, spot);
    else if (t->storage == s->ask->y->storage)
        nb_spot_y(&s->spots, s->ask->y, at, spot);
    else if (mode->weights && t->storage == mode->weights->storage)
        snprintf(spot, NB_SPOT_TEXT, "a weight of the examples");
    else if (function)
        snprintf(spot, NB_SPOT_TEXT, "%s: a number that %s brings along",
                 layer ? layer->plan->where : "the cost", function);
    else
        snprintf(spot, NB_SPOT_TEXT, "%s: a number",
                 layer ? layer->plan->where : "between network and cost");
}

/* Blames the number itself. */
static nb_status blame_outside(search *s, nb_tensor *t, const char *function, int *by)
{
    char spot[NB_SPOT_TEXT], number[NB_NUMBER_MAX];
    int64_t at = nb_first_odd(t);
    blame *entry = new_blame(s, by);
    if (!entry) return *by < 0 ? s->ctx->status : put_odd(s, t, *by);
    name_outside(s, t, at, function, spot);
    snprintf(entry->text, sizeof entry->text, "%s is %s", spot,
             nb_number_text(nb_element(t, at), number));
    return put_odd(s, t, *by);
}

/* The first one to blame of several tensors, of which some may be NULL; NOBODY: all are finite. */
static nb_status blame_inputs(search *s, nb_tensor *const *in, int count, const char *function,
                              int *by)
{
    nb_status status = NB_OK;
    *by = NOBODY;
    for (int i = 0; i < count && status == NB_OK; i++) {
        if (!in[i] || nb_first_odd(in[i]) < 0) continue;
        int own = blame_of(s, in[i]);
        if (own == NOBODY) status = blame_outside(s, in[i], function, &own);
        if (*by == NOBODY || own < *by) *by = own;
    }
    return status;
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* What an op is called here: a layer's activations by the neuron's own. */
static const char *name_of(const nb_op *op, const nb_layer *layer, const nb_tensor *t, int64_t at)
{
    const nb_runs *runs = layer ? layer->plan->runs : NULL;
    if (op != nb_ops[NB_OP_activate] || !runs) return op->name;
    int dim = t->dims - 1 - runs->behind;
    for (int i = t->dims - 1; i > dim; i--) at /= t->shape[i];
    int64_t neuron = at % t->shape[dim];
    bool whole = t->shape[dim] == nb_runs_neurons(runs);
    return whole ? nb_runs_at(runs, neuron).type->name : op->name;
}

/* "layer 2, neuron 3, example 17: exp(800) is inf (exp in activation mine, forward)" */
static void write_blame(blame *entry, const char *spot, const nb_met *met, const char *name,
                        const char *function, const char *way)
{
    snprintf(entry->text, sizeof entry->text, "%s: %s (%s%s%s, %s)", spot, met->text, name,
             function ? " in " : "", function ? function : "", way);
}

static nb_status blame_call(search *s, const nb_call *call, nb_tensor *out, const nb_layer *layer,
                            int *by)
{
    char spot[NB_SPOT_TEXT];
    nb_met met;
    const nb_witness *witness = s->ctx->witness;
    int64_t at = nb_first_odd(out);
    blame *entry = new_blame(s, by);
    if (!entry) return *by < 0 ? s->ctx->status : NB_OK;
    const char *name = name_of(call->op, layer, out, at);
    nb_met_forward(call, out, at, name, &met);
    nb_spot_text(&s->spots, layer, met.of != out, met.of, met.at, spot);
    write_blame(entry, spot, &met, name, witness->function, s->walk ? "forward" : "backward");
    return NB_OK;
}

static nb_status note_made(search *s, const nb_tensor *out, const nb_layer *layer, int by)
{
    const nb_record *record = nb_record_of(out);
    if (!record) return NB_OK;
    made *entry = grow(s->ctx, &s->mades, sizeof *entry);
    if (!entry) return s->ctx->status;
    *entry = (made){record->sequence, layer, s->ctx->witness->function, by};
    return NB_OK;
}

static const made *where_made(const search *s, const nb_record *record)
{
    static const made nowhere = {.blame = NOBODY};
    const made *mades = s->mades.at;
    size_t low = 0, high = s->mades.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (mades[middle].sequence < record->sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->mades.count && mades[low].sequence == record->sequence ? &mades[low] : &nowhere;
}

/* Blame for one of the tensors that a call gave; `fed` is that for what went in. */
static nb_status judge_result(search *s, const nb_call *call, nb_tensor *given,
                              const nb_layer *layer, int fed, int *by)
{
    *by = fed;
    if (nb_first_odd(given) < 0) return NB_OK;
    nb_status status = fed == NOBODY ? blame_call(s, call, given, layer, by) : NB_OK;
    return status == NB_OK ? put_odd(s, given, *by) : status;
}

static nb_status called(nb_ctx *ctx, void *self, const nb_call *call, nb_tensor *out)
{
    search *s = self;
    const nb_layer *layer = s->walk ? s->walk->layer : s->last;
    int fed, by = NOBODY, other;
    if (s->walk) s->spots.lengths = nb_walk_lengths(s->walk, nb_net_out(s->ask->net)->size[0]);
    nb_status status = blame_inputs(s, call->in, call->inputs, ctx->witness->function, &fed);
    if (status == NB_OK) status = judge_result(s, call, out, layer, fed, &by);
    for (int i = 0; i < NB_MAX_RESULTS - 1 && call->more[i] && status == NB_OK; i++)
        status = judge_result(s, call, call->more[i], layer, fed, &other);
    if (status == NB_OK && call->into && by != NOBODY) status = put_odd(s, call->into, by);
    return status == NB_OK ? note_made(s, out, layer, by) : status;
}

static void begin(const nb_walk *walk, void *self)
{
    search *s = self;
    s->walk = walk;
}

/* ---- Backward -------------------------------------------------------------------------------- */

static nb_status put_share(search *s, const nb_tensor *leaf, int by)
{
    share *entry = grow(s->ctx, &s->shares, sizeof *entry);
    if (!entry) return s->ctx->status;
    *entry = (share){leaf, by};
    return NB_OK;
}

/* Who is to blame for what a record's backward reads: δ, then what it gave and took forward. */
static nb_status blame_record(search *s, const nb_record *record, nb_tensor *delta, int *by)
{
    const char *function = where_made(s, record)->function;
    nb_status status = blame_inputs(s, &delta, 1, function, by);
    if (*by == NOBODY) *by = where_made(s, record)->blame;
    if (status == NB_OK && *by == NOBODY)
        status = blame_inputs(s, record->in, record->inputs, function, by);
    if (status == NB_OK && *by == NOBODY)
        status = blame_inputs(s, record->saved, NB_MAX_SAVED, function, by);
    return status;
}

static nb_status blame_backward(search *s, const nb_record *record, const nb_tensor *delta,
                                const nb_tensor *gradient, const nb_tensor *input, int *by)
{
    char spot[NB_SPOT_TEXT];
    nb_met met;
    const made *where = where_made(s, record);
    int64_t at = nb_first_odd(gradient);
    blame *entry = new_blame(s, by);
    if (!entry) return *by < 0 ? s->ctx->status : NB_OK;
    const char *name = name_of(record->op, where->layer, gradient, at);
    nb_met_backward(record, delta, gradient, at, name, &met);
    bool before = record->inputs > 1 && record->op != nb_ops[NB_OP_slope_chain];
    const nb_net *net = s->ask->net;
    bool param = nb_leaf_of(input) && input->storage == net->values->storage &&
                 nb_spot_param(net, place_in_storage(input, at), false, spot);
    if (!param) nb_spot_text(&s->spots, where->layer, before, gradient, at, spot);
    write_blame(entry, spot, &met, name, where->function, "backward");
    return NB_OK;
}

static nb_status returned(nb_ctx *ctx, void *self, const nb_record *record, nb_tensor *delta,
                          nb_tensor *const *gradient)
{
    search *s = self;
    nb_status status = NB_OK;
    (void)ctx;
    s->last = where_made(s, record)->layer;
    for (int i = 0; i < record->inputs && status == NB_OK; i++) {
        int by;
        if (!record->needs[i] || !gradient[i] || nb_first_odd(gradient[i]) < 0) continue;
        status = blame_record(s, record, delta, &by);
        if (status == NB_OK && by == NOBODY)
            status = blame_backward(s, record, delta, gradient[i], record->in[i], &by);
        if (status == NB_OK) status = put_odd(s, gradient[i], by);
        if (status == NB_OK && nb_leaf_of(record->in[i])) status = put_share(s, record->in[i], by);
    }
    return status;
}

/* aᵀ b; a new reference. */
static nb_tensor *multiply(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *turned = nb_tensor_transpose(ctx, a);
    nb_tensor *out = turned ? nb_op2(ctx, NB_OP_matmul, turned, b) : NULL;
    nb_tensor_release(ctx, turned);
    return out;
}

/* Of finite factors: "layer 2: w[3][5], example 17: 1e30 · 1e20 is inf (dense, backward)". */
static nb_status blame_product(search *s, const nb_record *record, const nb_tensor *leaf,
                               const nb_tensor *a, const nb_tensor *b, const nb_tensor *product,
                               int *by)
{
    char spot[NB_SPOT_TEXT], row_spot[NB_SPOT_TEXT] = "";
    nb_met met;
    int64_t row = 0, at = nb_first_odd(product);
    const made *where = where_made(s, record);
    blame *entry = new_blame(s, by);
    if (!entry) return *by < 0 ? s->ctx->status : NB_OK;
    nb_met_product(a, b, at, nb_element(product, at), &row, &met);
    if (leaf->storage != s->ask->net->values->storage ||
        !nb_spot_param(s->ask->net, leaf->offset + at, false, spot))
        snprintf(spot, sizeof spot, "%s", where->layer ? where->layer->plan->where : "the cost");
    if (where->layer) nb_spot_row(&s->spots, where->layer, a->shape[0], row, row_spot);
    snprintf(entry->text, sizeof entry->text, "%s%s: %s (%s, backward)", spot, row_spot, met.text,
             record->op->name);
    return NB_OK;
}

static nb_status product(nb_ctx *ctx, void *self, const nb_record *record, int input, nb_tensor *a,
                         nb_tensor *b)
{
    search *s = self;
    nb_tensor *leaf = record->in[input], *both[] = {a, b}, *all = multiply(ctx, a, b);
    int by = NOBODY;
    if (!all) return ctx->status;
    nb_status status = NB_OK;
    if (nb_first_odd(all) >= 0) {
        if (nb_first_odd(a) >= 0 || nb_first_odd(b) >= 0)
            status = blame_record(s, record, ctx->witness->delta, &by);
        if (status == NB_OK && by == NOBODY) status = blame_inputs(s, both, 2, NULL, &by);
        if (status == NB_OK && by == NOBODY)
            status = blame_product(s, record, leaf, a, b, all, &by);
        if (status == NB_OK) status = put_share(s, leaf, by);
    }
    nb_tensor_release(ctx, all);
    return status;
}

/* ---- Judging --------------------------------------------------------------------------------- */

static void quote(const search *s, int by, char text[NB_CULPRIT_TEXT])
{
    const blame *blames = s->blames.at;
    if (by >= 0) snprintf(text, NB_CULPRIT_TEXT, "%s", blames[by].text);
}

/* Whose share of a parameter's gradient came first; where all are finite, their sum. */
static void judge_gradient(const search *s, int64_t at, char text[NB_CULPRIT_TEXT])
{
    const share *shares = s->shares.at;
    char spot[NB_SPOT_TEXT];
    int first = NOBODY;
    for (size_t i = 0; i < s->shares.count; i++) {
        const nb_tensor *leaf = shares[i].leaf;
        bool here = leaf->storage == s->ask->net->values->storage && at >= leaf->offset &&
                    at < leaf->offset + nb_tensor_count(leaf);
        if (here && (first == NOBODY || shares[i].blame < first)) first = shares[i].blame;
    }
    quote(s, first, text);
    if (first == NOBODY && nb_spot_param(s->ask->net, at, false, spot))
        snprintf(text, NB_CULPRIT_TEXT,
                 "%s: its gradient of several uses adds up to more than "
                 "there are numbers (backward)",
                 spot);
}

/* What beta w + alpha g is for number `at`, in the network's dtype. */
static double moved(const nb_sink *sink, const nb_tensor *grads, int64_t at, double *w, double *g)
{
    *w = nb_element(sink->into, at);
    *g = nb_element(grads, at);
    double after = sink->beta * *w + sink->alpha * *g;
    return grads->dtype == NB_F32 ? (double)(float)after : after;
}

/* All gradients are finite, and a step straight into the parameters is not. */
static void judge_step(const search *s, const nb_tensor *grads, char text[NB_CULPRIT_TEXT])
{
    const nb_sink *sink = s->ask->sink;
    char spot[NB_SPOT_TEXT], number[3][NB_NUMBER_MAX];
    bool moves = sink && sink->into->storage == s->ask->net->values->storage;
    for (int64_t i = 0; moves && i < nb_tensor_count(sink->into); i++) {
        double w, g, after = moved(sink, grads, i, &w, &g);
        if (isfinite(after) || !nb_spot_param(s->ask->net, i, false, spot)) continue;
        if (!isfinite(w))
            snprintf(text, NB_CULPRIT_TEXT, "%s is %s", spot, nb_number_text(w, number[0]));
        else
            snprintf(text, NB_CULPRIT_TEXT, "%s: %s - %s · %s is %s (the step)", spot,
                     nb_number_text(w, number[0]), nb_number_text(-sink->alpha, number[1]),
                     nb_number_text(g, number[2]),
                     after > 0   ? "inf"
                     : after < 0 ? "-inf"
                                 : "nan");
        return;
    }
}

/* Backward into a vector of its own; leaves of others keep what they have. */
static nb_status watch_backward(search *s, nb_tensor *cost, char text[NB_CULPRIT_TEXT])
{
    nb_ctx *ctx = s->ctx;
    const nb_net *net = s->ask->net;
    nb_tensor *grads = nb_tensor_zeros(ctx, net->dtype, 1, net->whole->shape);
    if (!grads) return ctx->status;
    const nb_sink sink = {.from = net->whole->storage, .into = grads, .alpha = 1, .beta = 0};
    nb_status status = nb_backward(
        ctx, cost, &(nb_backward_options){.sinks = &sink, .sink_count = 1, .sinks_only = true});
    int64_t at = status == NB_OK ? nb_first_odd(grads) : -1;
    if (at >= 0)
        judge_gradient(s, at, text);
    else if (status == NB_OK)
        judge_step(s, grads, text);
    nb_tensor_release(ctx, grads);
    return status;
}

static nb_status watch(search *s, const nb_mode *mode, char text[NB_CULPRIT_TEXT])
{
    nb_ctx *ctx = s->ctx;
    const nb_observer observer = {.begin = begin, .self = s};
    const nb_inquiry *ask = s->ask;
    nb_result pass;
    nb_status status = nb_net_run(ctx, ask->net, ask->x, ask->y, mode, &observer, &pass);
    s->walk = NULL;
    /* An op may have refused what it was given. */
    if (status == NB_EVALUE && s->blames.count) quote(s, 0, text);
    if (status != NB_OK) return status;
    s->spots.lengths = pass.lengths;
    if (nb_first_odd(pass.cost) >= 0)
        quote(s, blame_of(s, pass.cost), text);
    else if (pass.cost->link)
        status = watch_backward(s, pass.cost, text);
    s->spots.lengths = NULL;
    nb_result_free(ctx, &pass);
    return status;
}

nb_status nb_find_culprit(nb_ctx *ctx, const nb_inquiry *ask, char text[NB_CULPRIT_TEXT])
{
    nb_staged staged = {.count = 0};
    nb_mode mode = *ask->mode;
    search s = {.ctx = ctx, .ask = ask};
    nb_witness own = {.called = called, .returned = returned, .product = product, .self = &s};
    nb_witness *outer = ctx->witness;
    uint64_t draws = ctx->draws;
    s.spots = (nb_spots){.net = ask->net, .rows = mode.rows, .n = ask->x->shape[0]};
    mode.taped = true;
    mode.staged = mode.staged ? &staged : NULL;
    mode.state = NULL;
    text[0] = '\0';
    ctx->draws = ask->draws;
    ctx->witness = &own;
    nb_status status = watch(&s, &mode, text);
    ctx->witness = outer;
    ctx->draws = draws;
    nb_staged_drop(ctx, &staged);
    free_search(&s);
    return status == NB_EINTERRUPT ? status : NB_OK;
}
