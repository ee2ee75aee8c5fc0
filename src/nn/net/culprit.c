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
#include "nn/net/faults.h"
#include "nn/net/overstep.h"
#include "nn/net/pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    NOBODY = NB_UNMARKED,
    BLAMES_EACH = 16, /* of one call; the others that it made have the last one's */
};

typedef struct blame {
    char *text; /* owned */
    size_t size;
} blame;

/* Where a record was made. */
typedef struct made {
    uint64_t sequence;
    const nb_layer *layer; /* NULL: behind the layers */
    const char *function;
    int32_t blame;  /* for what it gave or took; NOBODY: all that was finite */
    int32_t *given; /* owned: of each number that it gave; NULL: all were finite */
    int64_t count;
} made;

/* A gradient that is not finite, on its way to a parameter. */
typedef struct share {
    const nb_tensor *leaf;
    int32_t blame;
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
    list blames, mades, shares;
    nb_marks marks;
    nb_faults faults; /* by them */
    int fresh;        /* blames of the call or record that is judged */
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
    const blame *blames = s->blames.at;
    for (size_t i = 0; i < s->blames.count; i++) nb_free(s->ctx, blames[i].text, blames[i].size);
    const made *mades = s->mades.at;
    for (size_t i = 0; i < s->mades.count; i++)
        nb_free(s->ctx, mades[i].given, (size_t)mades[i].count * sizeof *mades[i].given);
    nb_marks_free(s->ctx, &s->marks);
    drop(s->ctx, &s->blames, sizeof(blame));
    drop(s->ctx, &s->mades, sizeof(made));
    drop(s->ctx, &s->shares, sizeof(share));
}

/* Whether the call or record that is judged has had its share of blames: *by is then the last. */
static bool is_enough(const search *s, int32_t *by)
{
    if (s->fresh < BLAMES_EACH) return false;
    *by = (int32_t)s->blames.count - 1;
    return true;
}

/* A new one to be blamed. */
static nb_status put_blame(search *s, const char *text, int32_t *by)
{
    size_t size = strlen(text) + 1;
    char *copy = nb_alloc(s->ctx, size);
    blame *entry = copy ? grow(s->ctx, &s->blames, sizeof *entry) : NULL;
    if (!entry) {
        nb_free(s->ctx, copy, size);
        return s->ctx->status;
    }
    memcpy(copy, text, size);
    *entry = (blame){copy, size};
    *by = (int32_t)s->blames.count - 1;
    s->fresh++;
    return NB_OK;
}

/* ---- Numbers that came from outside ---------------------------------------------------------- */

/* What no op of the pass made. */
static void name_outside(const search *s, const nb_tensor *t, int64_t at, const char *function,
                         char spot[NB_SPOT_TEXT])
{
    const nb_net *net = s->ask->net;
    const nb_mode *mode = s->ask->mode;
    int64_t place = nb_place_in_storage(t, at);
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
static nb_status blame_outside(search *s, nb_tensor *t, int64_t at, const char *function)
{
    char spot[NB_SPOT_TEXT], number[NB_NUMBER_MAX], text[NB_CULPRIT_TEXT];
    int32_t by;
    nb_status status = NB_OK;
    if (!is_enough(s, &by)) {
        name_outside(s, t, at, function, spot);
        snprintf(text, sizeof text, "%s is %s", spot, nb_number_text(nb_element(t, at), number));
        status = put_blame(s, text, &by);
    }
    return status == NB_OK ? nb_marks_set(s->ctx, &s->marks, t, at, by) : status;
}

/* Marks what is not finite in a tensor and has no mark; *by: the first one to blame. */
static nb_status mark_input(search *s, nb_tensor *t, const char *function, int32_t *by)
{
    nb_status status = NB_OK;
    int64_t count = nb_tensor_count(t), at = nb_first_odd(t);
    s->fresh = 0;
    for (; at >= 0 && at < count && status == NB_OK; at++) {
        if (isfinite(nb_element(t, at))) continue;
        if (nb_marks_get(&s->marks, t, at) == NOBODY) status = blame_outside(s, t, at, function);
        *by = nb_earlier(*by, nb_marks_get(&s->marks, t, at));
    }
    return status;
}

/* The first one to blame of several tensors, of which some may be NULL; NOBODY: all are finite. */
static nb_status blame_inputs(search *s, nb_tensor *const *in, int count, const char *function,
                              int32_t *by)
{
    nb_status status = NB_OK;
    *by = NOBODY;
    for (int i = 0; i < count && status == NB_OK; i++)
        if (in[i]) status = mark_input(s, in[i], function, by);
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
static nb_status write_blame(search *s, const char *spot, const nb_met *met, const char *name,
                             const char *function, const char *way, int32_t *by)
{
    char text[NB_CULPRIT_TEXT];
    snprintf(text, sizeof text, "%s: %s (%s%s%s, %s)", spot, met->text, name,
             function ? " in " : "", function ? function : "", way);
    return put_blame(s, text, by);
}

static nb_status blame_call(search *s, const nb_call *call, nb_tensor *out, int64_t at,
                            const nb_layer *layer, int32_t *by)
{
    char spot[NB_SPOT_TEXT];
    nb_met met;
    if (is_enough(s, by)) return NB_OK;
    const char *name = name_of(call->op, layer, out, at);
    nb_met_forward(call, out, at, name, &met);
    nb_spot_text(&s->spots, layer, met.of != out, met.of, met.at, spot);
    return write_blame(s, spot, &met, name, s->ctx->witness->function,
                       s->walk ? "forward" : "backward", by);
}

static nb_status note_made(search *s, const nb_tensor *out, const nb_layer *layer, int32_t by)
{
    const nb_record *record = nb_record_of(out);
    if (!record) return NB_OK;
    made *entry = grow(s->ctx, &s->mades, sizeof *entry);
    if (!entry) return s->ctx->status;
    *entry = (made){record->sequence, layer, s->ctx->witness->function, by, NULL, 0};
    if (nb_first_odd(out) < 0) return NB_OK;
    int64_t count = nb_tensor_count(out);
    entry->given = nb_alloc(s->ctx, (size_t)count * sizeof *entry->given);
    if (!entry->given) return s->ctx->status;
    entry->count = count;
    for (int64_t i = 0; i < count; i++) entry->given[i] = nb_marks_get(&s->marks, out, i);
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

/* Blame for every number of a tensor that a call gave, in by; `fed` is the first for what went in.
 */
static nb_status blame_numbers(search *s, const nb_call *call, int which, nb_tensor *given,
                               const nb_layer *layer, int32_t fed, int32_t *by)
{
    int64_t count = nb_tensor_count(given);
    nb_status status = nb_faults_forward(&s->faults, call, which, given, fed, by);
    s->fresh = 0;
    for (int64_t i = 0; i < count && status == NB_OK; i++)
        if (by[i] == NOBODY && !isfinite(nb_element(given, i)))
            status = blame_call(s, call, given, i, layer, &by[i]);
    return status;
}

/* Marks one of the tensors that a call gave, and what is written over with it. *first: the first
 * one to blame. */
static nb_status judge_result(search *s, const nb_call *call, int which, nb_tensor *given,
                              const nb_layer *layer, int32_t fed, int32_t *first)
{
    nb_ctx *ctx = s->ctx;
    nb_tensor *into = which ? NULL : call->into;
    int64_t count = nb_tensor_count(given);
    *first = fed;
    if (into && nb_tensor_count(into) != count) into = NULL;
    if (nb_first_odd(given) < 0) return into ? nb_marks_put(ctx, &s->marks, into, NULL) : NB_OK;
    int32_t *by = nb_alloc(ctx, (size_t)count * sizeof *by);
    if (!by) return ctx->status;
    nb_status status = blame_numbers(s, call, which, given, layer, fed, by);
    if (status == NB_OK) status = nb_marks_put(ctx, &s->marks, given, by);
    if (status == NB_OK && into) status = nb_marks_put(ctx, &s->marks, into, by);
    *first = NOBODY;
    for (int64_t i = 0; i < count; i++) *first = nb_earlier(*first, by[i]);
    nb_free(ctx, by, (size_t)count * sizeof *by);
    return status;
}

static nb_status called(nb_ctx *ctx, void *self, const nb_call *call, nb_tensor *out)
{
    search *s = self;
    const nb_layer *layer = s->walk ? s->walk->layer : s->last;
    int32_t fed, by = NOBODY, other;
    if (s->walk) s->spots.lengths = nb_walk_lengths(s->walk, nb_net_out(s->ask->net)->size[0]);
    nb_status status = blame_inputs(s, call->in, call->inputs, ctx->witness->function, &fed);
    if (status == NB_OK) status = judge_result(s, call, 0, out, layer, fed, &by);
    for (int i = 0; i < NB_MAX_RESULTS - 1 && call->more[i] && status == NB_OK; i++)
        status = judge_result(s, call, i + 1, call->more[i], layer, fed, &other);
    return status == NB_OK ? note_made(s, out, layer, by) : status;
}

static void begin(const nb_walk *walk, void *self)
{
    search *s = self;
    s->walk = walk;
}

/* ---- Backward -------------------------------------------------------------------------------- */

static nb_status put_share(search *s, const nb_tensor *leaf, int32_t by)
{
    share *entry = grow(s->ctx, &s->shares, sizeof *entry);
    if (!entry) return s->ctx->status;
    *entry = (share){leaf, by};
    return NB_OK;
}

/* Who is to blame for what a record's backward reads: δ, then what it gave and took forward. */
static nb_status blame_record(search *s, const nb_record *record, nb_tensor *delta, int32_t *by)
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

/* Who is to blame for element `at` of a gradient, as far as it came from what backward read. */
static nb_status blame_read(search *s, const nb_record *record, nb_tensor *delta,
                            const nb_tensor *gradient, int64_t at, int32_t *by)
{
    bool odd = false;
    *by = NOBODY;
    for (int i = 0; i <= record->inputs + NB_MAX_SAVED; i++) {
        const nb_tensor *t = i == 0                ? delta
                             : i <= record->inputs ? record->in[i - 1]
                                                   : record->saved[i - 1 - record->inputs];
        if (!t || nb_first_odd(t) < 0) continue;
        *by = nb_earlier(*by, nb_fault_there(&s->faults, t,
                                             nb_fault_span(record, t, delta, gradient, at), &odd));
    }
    const made *where = where_made(s, record);
    bool gave = where->given && where->count == nb_tensor_count(delta);
    nb_fault_range own =
        gave ? nb_fault_span(record, delta, delta, gradient, at) : (nb_fault_range){0, 0};
    for (int64_t i = own.from; *by == NOBODY && i < own.from + own.count; i++)
        *by = where->given[i];
    if (*by != NOBODY || (!odd && nb_stays_there(record, delta, gradient))) return NB_OK;
    return blame_record(s, record, delta, by);
}

static nb_status blame_backward(search *s, const nb_record *record, const nb_tensor *delta,
                                const nb_tensor *gradient, int64_t at, const nb_tensor *input,
                                int32_t *by)
{
    char spot[NB_SPOT_TEXT];
    nb_met met;
    const made *where = where_made(s, record);
    if (is_enough(s, by)) return NB_OK;
    const char *name = name_of(record->op, where->layer, gradient, at);
    nb_met_backward(record, delta, gradient, at, name, &met);
    bool before = record->inputs > 1 && record->op != nb_ops[NB_OP_slope_chain];
    const nb_net *net = s->ask->net;
    bool param = nb_leaf_of(input) && input->storage == net->values->storage &&
                 nb_spot_param(net, nb_place_in_storage(input, at), false, spot);
    if (!param) nb_spot_text(&s->spots, where->layer, before, gradient, at, spot);
    return write_blame(s, spot, &met, name, where->function, "backward", by);
}

/* Marks a gradient that a record's backward gave. */
static nb_status judge_returned(search *s, const nb_record *record, nb_tensor *delta,
                                nb_tensor *gradient, nb_tensor *input)
{
    int64_t count = nb_tensor_count(gradient), first = nb_first_odd(gradient);
    nb_status status = NB_OK;
    for (int64_t at = first; at < count && status == NB_OK; at++) {
        int32_t by;
        if (isfinite(nb_element(gradient, at))) continue;
        status = blame_read(s, record, delta, gradient, at, &by);
        if (status == NB_OK && by == NOBODY)
            status = blame_backward(s, record, delta, gradient, at, input, &by);
        if (status == NB_OK) status = nb_marks_set(s->ctx, &s->marks, gradient, at, by);
    }
    if (status != NB_OK || !nb_leaf_of(input)) return status;
    return put_share(s, input, nb_marks_get(&s->marks, gradient, first));
}

static nb_status returned(nb_ctx *ctx, void *self, const nb_record *record, nb_tensor *delta,
                          nb_tensor *const *gradient)
{
    search *s = self;
    const char *function = where_made(s, record)->function;
    int32_t by;
    (void)ctx;
    s->last = where_made(s, record)->layer;
    nb_status status = NB_OK;
    for (int i = 0; i < record->inputs && status == NB_OK; i++) {
        if (!record->needs[i] || !gradient[i] || nb_first_odd(gradient[i]) < 0) continue;
        status = blame_inputs(s, &delta, 1, function, &by);
        s->fresh = 0;
        if (status == NB_OK) status = judge_returned(s, record, delta, gradient[i], record->in[i]);
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
                               int32_t *by)
{
    char spot[NB_SPOT_TEXT], row_spot[NB_SPOT_TEXT] = "", text[NB_CULPRIT_TEXT];
    nb_met met;
    int64_t row = 0, at = nb_first_odd(product);
    const made *where = where_made(s, record);
    nb_met_product(a, b, at, nb_element(product, at), &row, &met);
    if (leaf->storage != s->ask->net->values->storage ||
        !nb_spot_param(s->ask->net, leaf->offset + at, false, spot))
        snprintf(spot, sizeof spot, "%s", where->layer ? where->layer->plan->where : "the cost");
    if (where->layer) nb_spot_row(&s->spots, where->layer, a->shape[0], row, row_spot);
    snprintf(text, sizeof text, "%s%s: %s (%s, backward)", spot, row_spot, met.text,
             record->op->name);
    return put_blame(s, text, by);
}

/* Who is to blame for the factors of element `at` of aᵀ b; *odd: one is not finite. */
static int32_t blame_factors(const search *s, const nb_tensor *a, const nb_tensor *b, int64_t at,
                             bool *odd)
{
    int64_t rows = a->shape[0], wide = a->shape[1], columns = b->shape[1];
    int32_t by = NOBODY;
    for (int64_t r = 0; r < rows; r++) {
        by = nb_earlier(
            by, nb_fault_there(&s->faults, a, (nb_fault_range){r * wide + at / columns, 1}, odd));
        by = nb_earlier(by, nb_fault_there(&s->faults, b,
                                           (nb_fault_range){r * columns + at % columns, 1}, odd));
    }
    return by;
}

static nb_status product(nb_ctx *ctx, void *self, const nb_record *record, int input, nb_tensor *a,
                         nb_tensor *b)
{
    search *s = self;
    nb_tensor *leaf = record->in[input], *both[] = {a, b}, *all = multiply(ctx, a, b);
    bool odd = false;
    if (!all) return ctx->status;
    nb_status status = NB_OK;
    int64_t at = nb_first_odd(all);
    if (at >= 0) {
        int32_t by = blame_factors(s, a, b, at, &odd);
        if (odd && by == NOBODY) status = blame_record(s, record, ctx->witness->delta, &by);
        if (status == NB_OK && odd && by == NOBODY) status = blame_inputs(s, both, 2, NULL, &by);
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
    int32_t first = NOBODY;
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

/* Backward into a vector of its own; leaves of others keep what they have. */
static nb_status watch_backward(search *s, nb_tensor *cost, char text[NB_CULPRIT_TEXT])
{
    nb_ctx *ctx = s->ctx;
    const nb_net *net = s->ask->net;
    nb_tensor *grads = nb_tensor_zeros(ctx, net->dtype, 1, net->whole->shape);
    if (!grads) return ctx->status;
    const nb_sink sink = {.from = net->whole->storage, .into = grads, .alpha = 1, .beta = 0};
    const nb_backward_options options = {.sinks = &sink, .sink_count = 1, .sinks_only = true};
    nb_status status = nb_net_back(ctx, cost, s->ask->mode, &options);
    int64_t at = status == NB_OK ? nb_first_odd(grads) : -1;
    if (at >= 0)
        judge_gradient(s, at, text);
    else if (status == NB_OK)
        status = nb_judge_step(ctx, net, s->ask->sink, grads, text);
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
        quote(s, nb_marks_get(&s->marks, pass.cost, nb_first_odd(pass.cost)), text);
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
    s.faults = (nb_faults){ctx, &s.marks};
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
