/* Evaluation piece by piece. */
#include "nn/train/pieces/run.h"

#include "nn/train/pieces/lanes.h"
#include "nn/train/pieces/together.h"

#include "base/arith.h"
#include "base/processes/peers.h"
#include "base/random.h"
#include "base/workers.h"
#include "kernel/kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What a piece gives beside its gradient: the sum of costs, each times its weight; the weights
 * themselves; and what no number of the gradient is above. */
enum { COST, WEIGHT, STEEPEST, NUMBERS };

enum { PIECE_BITS = 16 }; /* of a stream's step: the number of the piece */

_Static_assert(NB_PIECES_MAX <= 1 << PIECE_BITS, "a piece must fit beside the step");

typedef struct running {
    const nb_whole *whole;
    const nb_cut *cut;
    nb_tree tree;
    nb_staged staged; /* by the first piece */
    bool ran;
    /* The network normalises by the batch: a piece is one pass, and counts whatever it weighs. */
    bool lanes;
    bool told;  /* all processes have failed already */
    bool vague; /* nothing in the rows at hand tells where NaN began */
} running;

/* ---- One piece ------------------------------------------------------------------------------- */

/* Adds some examples' part, from `start` of those at hand on; `alone` where they are all of the
 * piece. */
static nb_status add_portion(nb_ctx *ctx, running *r, int64_t start, int64_t n, bool alone,
                             nb_staged *staged, double sums[NUMBERS])
{
    const nb_whole *whole = r->whole;
    nb_net *net = whole->net;
    const nb_sink sink = {
        .from = net->whole->storage, .into = net->home->grads, .alpha = 1, .beta = 1};
    nb_portion portion;
    double cost = 0;
    nb_status status = nb_whole_take(ctx, whole, start, n, &portion);
    if (status != NB_OK) return status;
    nb_mode mode = *whole->mode;
    mode.lengths = portion.batch.lengths;
    mode.weights = portion.weights;
    mode.staged = mode.staged ? staged : NULL;
    mode.before = r->cut->at + start;
    mode.delta = &portion.weight;
    mode.rows.start += start;
    if (portion.weight > 0 || r->lanes)
        status = nb_net_learn(ctx, net, portion.batch.x, portion.batch.y, &mode,
                              alone ? NULL : &sink, &cost);
    sums[COST] += cost * portion.weight;
    sums[WEIGHT] += portion.weight;
    nb_portion_free(ctx, &portion);
    return status;
}

/* The gradients of a piece, of which its home has the sum then, each example's times its weight. */
static nb_status add_portions(nb_ctx *ctx, running *r, int64_t start, int64_t end,
                              nb_staged *staged, double sums[NUMBERS])
{
    nb_home *home = r->whole->net->home;
    int64_t most = r->lanes ? end - start : nb_whole_size(r->whole);
    bool alone = end - start <= most;
    nb_status status = NB_OK;
    if (!alone) nb_home_clear(home);
    for (; start < end && status == NB_OK; start += most)
        status = add_portion(ctx, r, start, nb_least_i64(end - start, most), alone, staged, sums);
    bool known = home->steepest.version == home->grads->storage->version;
    sums[STEEPEST] = known ? home->steepest.size : INFINITY;
    return status;
}

/* What staging starts from, which is the same for every piece: a copy. */
static nb_status copy_staged(nb_ctx *ctx, const nb_staged *from, nb_staged *to)
{
    *to = (nb_staged){.count = 0};
    if (!from || !from->count) return NB_OK;
    to->figure = nb_alloc(ctx, (size_t)from->count * sizeof *to->figure);
    if (!to->figure) return ctx->status;
    to->room = to->count = from->count;
    for (int i = 0; i < from->count; i++) {
        to->figure[i] = from->figure[i];
        nb_tensor_retain(to->figure[i].value);
    }
    return NB_OK;
}

/* What functions of the host draw in a piece is a function of seed, step and piece, wherever it
 * runs. */
static nb_chance lend_chance(nb_ctx *ctx, const nb_mode *mode, int64_t piece)
{
    return nb_chance_lend(ctx, mode->seed, NB_FOR_PIECE,
                          mode->step << PIECE_BITS | (uint64_t)piece);
}

/* The pass of a piece, into the tree but for a ghost's; one that counts nothing is as if it were
 * empty. */
static nb_status run_piece(nb_ctx *ctx, void *self, int64_t piece, bool ghost)
{
    running *r = self;
    int64_t start = nb_cut_start(r->cut, piece), end = nb_cut_start(r->cut, piece + 1);
    double sums[NUMBERS] = {0};
    nb_staged staged;
    if (start == end) return NB_OK;
    nb_status status = nb_poll(ctx);
    if (status == NB_OK) status = copy_staged(ctx, r->whole->mode->staged, &staged);
    if (status != NB_OK) return status;
    nb_chance was = lend_chance(ctx, r->whole->mode, piece);
    status = add_portions(ctx, r, start - r->cut->at, end - r->cut->at, &staged, sums);
    nb_chance_back(ctx, was);
    if (status == NB_OK && !ghost && (sums[WEIGHT] > 0 || r->lanes))
        status = nb_tree_put(ctx, &r->tree, piece, sums, nb_tensor_data(r->whole->net->grads));
    if (status != NB_OK || r->ran) {
        nb_staged_drop(ctx, &staged);
        return status;
    }
    r->ran = true;
    r->staged = staged;
    return NB_OK;
}

/* ---- Several at once ------------------------------------------------------------------------- */

/* Σ cost times weight over the pieces lo … hi - 1 of a node, along the tree. */
static double sum_costs(const nb_cut *cut, int64_t lo, int64_t hi, const double *cost)
{
    int64_t half = 1;
    if (hi - lo == 1) return *cost * (double)(nb_cut_start(cut, hi) - nb_cut_start(cut, lo));
    while (2 * half < hi - lo) half *= 2;
    return sum_costs(cut, lo, lo + half, cost) + sum_costs(cut, lo + half, hi, cost + half);
}

/* A node of the tree in one pass; where that cannot be, or fails, piece by piece. */
static nb_status run_node(nb_ctx *ctx, running *r, int64_t lo, int64_t hi)
{
    size_t bytes = (size_t)(hi - lo) * sizeof(double);
    double *cost = nb_alloc(ctx, bytes), sums[NUMBERS];
    if (!cost) return ctx->status;
    nb_status status = nb_together_learn(ctx, r->whole, r->cut, lo, hi, cost, &sums[STEEPEST]);
    if (status == NB_OK) {
        sums[COST] = sum_costs(r->cut, lo, hi, cost);
        sums[WEIGHT] = (double)(nb_cut_start(r->cut, hi) - nb_cut_start(r->cut, lo));
        status =
            nb_tree_put_node(ctx, &r->tree, lo, hi, sums, nb_tensor_data(r->whole->net->grads));
    } else if (status != NB_EINTERRUPT) {
        status = NB_OK;
        for (int64_t i = lo; i < hi && status == NB_OK; i++) status = run_piece(ctx, r, i, false);
    }
    nb_free(ctx, cost, bytes);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Where NaN began in pieces that knew of each other: the rows at hand are run again as one batch.
 */
static nb_status explain(nb_ctx *ctx, running *r, nb_status status)
{
    const nb_whole *whole = r->whole;
    nb_portion rows;
    if (status != NB_EVALUE) return status;
    char message[NB_MESSAGE_MAX];
    memcpy(message, ctx->message, sizeof message);
    int64_t from, to;
    nb_pieces_rows(whole->net, r->cut, &from, &to);
    if (nb_whole_take(ctx, whole, from - r->cut->at, to - from, &rows) != NB_OK)
        return nb_fail(ctx, status, "%s", message);
    nb_mode mode = *whole->mode;
    mode.lengths = rows.batch.lengths;
    mode.weights = rows.weights;
    mode.staged = NULL;
    mode.before = from;
    mode.rows.start += from - r->cut->at;
    const nb_inquiry ask = {.net = whole->net,
                            .x = rows.batch.x,
                            .y = rows.batch.y,
                            .mode = &mode,
                            .draws = ctx->draws};
    nb_fail(ctx, status, "%s", message);
    status = nb_net_explain(ctx, &ask, status);
    r->vague = strcmp(message, ctx->message) == 0;
    nb_portion_free(ctx, &rows);
    return status;
}

static nb_status run_lanes(nb_ctx *ctx, running *r)
{
    const nb_lanes lanes = {
        .cut = r->cut, .step = r->whole->mode->step, .run = run_piece, .self = r};
    nb_status status = nb_lanes_run(ctx, &lanes, &r->told);
    return r->told ? status : explain(ctx, r, status);
}

static nb_status run_pieces(nb_ctx *ctx, running *r)
{
    nb_status status = NB_OK;
    if (r->lanes) return run_lanes(ctx, r);
    bool together = nb_together_can(ctx, r->whole) && r->cut->rows >= r->cut->pieces;
    for (int64_t i = r->cut->first, end; i < r->cut->end && status == NB_OK; i = end) {
        end = together ? nb_cut_node(r->cut, i, r->cut->end, NB_TOGETHER_ROWS) : i + 1;
        status = end - i > 1 ? run_node(ctx, r, i, end) : run_piece(ctx, r, i, false);
    }
    return status;
}

void nb_pieces_rows(const nb_net *net, const nb_cut *cut, int64_t *from, int64_t *to)
{
    int64_t first = cut->first, end = cut->end;
    *from = nb_cut_start(cut, first);
    *to = nb_cut_start(cut, end);
    if (*from < *to || cut->rows == 0 || !nb_lanes_needed(net)) return;
    for (first = 0; nb_cut_start(cut, first + 1) == 0;) first++;
    *from = 0;
    *to = nb_cut_start(cut, first + 1);
}

/* ---- The sum --------------------------------------------------------------------------------- */

typedef struct scaling {
    const nb_net *net;
    const char *from;
    double factor;
} scaling;

enum { PART = 1 << 15, PARALLEL = 1 << 17 };

static void scale_part(void *arg, size_t part)
{
    const scaling *job = arg;
    const nb_tensor *to = job->net->grads;
    size_t each = nb_dtype_size(to->dtype), at = part * PART;
    size_t n = (size_t)nb_tensor_count(to) - at;
    nb_real(to->dtype)->unary[NB_U_scale](n < PART ? n : PART, job->from + at * each, 1,
                                          (char *)nb_tensor_data(to) + at * each, 1, job->factor,
                                          0);
}

/* The mean of all gradients becomes the network's. */
static void put_gradient(nb_ctx *ctx, nb_net *net, const void *from, double factor)
{
    scaling job = {.net = net, .from = from, .factor = factor};
    size_t count = (size_t)nb_tensor_count(net->grads), parts = (count + PART - 1) / PART;
    if (!from || count < (size_t)nb_tensor_count(net->home->grads)) nb_home_clear(net->home);
    if (!from) return;
    if (count >= PARALLEL)
        nb_parallel(ctx, parts, scale_part, &job);
    else
        for (size_t i = 0; i < parts; i++) scale_part(&job, i);
    nb_tensor_touch(net->home->grads, "backward");
    net->home->state = NB_HOME_FILLED;
}

/* Each piece is finite, so their sum is where a bound says so. */
static nb_status check_gradient(nb_ctx *ctx, const nb_net *net, double steepest)
{
    double most = net->dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX;
    const nb_tensor *grads = net->grads;
    if (steepest <= most / 2) return NB_OK;
    if (nb_real(grads->dtype)->finite((size_t)nb_tensor_count(grads), nb_tensor_data(grads)))
        return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "the sum of the pieces' gradients is not finite");
}

static nb_status take_sum(nb_ctx *ctx, running *r, nb_outcome *outcome)
{
    static const double nothing[NUMBERS] = {0};
    nb_net *net = r->whole->net;
    const double *sums = nb_tree_numbers(&r->tree);
    if (!sums) sums = nothing;
    double weight = sums[WEIGHT] > 0 ? sums[WEIGHT] : 1;
    *outcome = (nb_outcome){.cost = sums[COST] / weight, .counts = sums[WEIGHT]};
    nb_tree_return(ctx, &r->tree);
    put_gradient(ctx, net, nb_tree_data(&r->tree), 1 / weight);
    if (!isfinite(outcome->cost)) return nb_net_bad_cost(ctx, outcome->cost);
    nb_status status = check_gradient(ctx, net, sums[STEEPEST]);
    if (isfinite(sums[STEEPEST]))
        net->home->steepest =
            (nb_ceiling){sums[STEEPEST] / weight, net->home->grads->storage->version};
    return status;
}

nb_status nb_pieces_learn(nb_ctx *ctx, const nb_whole *whole, const nb_cut *cut,
                          nb_outcome *outcome)
{
    nb_net *net = whole->net;
    running r = {.whole = whole, .cut = cut, .lanes = nb_lanes_needed(net)};
    nb_head head;
    nb_tree_begin(&r.tree, cut, NUMBERS, net->dtype, nb_net_count(net));
    nb_tree_lend(ctx, &r.tree, net->home->grads->storage);
    nb_status status = run_pieces(ctx, &r);
    if (!r.told) {
        nb_head_begin(ctx, &head, NB_PEERS_STEP, whole->mode->step, status);
        head.vague = r.vague;
        status = nb_tree_total(ctx, &r.tree, &head);
    }
    if (status == NB_OK) status = take_sum(ctx, &r, outcome);
    nb_tree_free(ctx, &r.tree);
    if (status != NB_OK) {
        nb_home_forget(net->home);
        nb_staged_drop(ctx, &r.staged);
        return status;
    }
    if (r.ran && whole->mode->staged) {
        nb_staged_drop(ctx, whole->mode->staged);
        *whole->mode->staged = r.staged;
    }
    return NB_OK;
}
