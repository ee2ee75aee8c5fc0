/* Lanes: pieces as fibers. Each runs until it asks for a sum over all pieces, or ends; when all
 * wait, the sum is made, in this process and with the others, and all go on. */
#include "nn/train/pieces/lanes.h"

#include "base/fiber.h"
#include "base/memory.h"
#include "base/processes/peers.h"
#include "grad/across.h"

#include <string.h>

/* What of a context belongs to a pass. Between a call of the host and its return no lane gives way,
 * so nothing that is the host's is interleaved. */
typedef struct pass_state {
    bool recording;
    struct nb_witness *witness;
    const struct nb_across *across;
    void *host;
    uint64_t seed, draws;
} pass_state;

typedef struct lane_group lane_group;

typedef struct lane {
    lane_group *group;
    nb_fiber *fiber; /* NULL: it has the caller's own stack */
    int64_t piece;
    nb_across across;
    int64_t ops;      /* that have asked */
    pass_state state; /* while it waits */
    nb_status status;
    bool ended;
    /* What it waits for; n is -1 where it does not wait. */
    int64_t which, n;
    double *numbers;
} lane;

struct lane_group {
    nb_ctx *ctx;
    const nb_lanes *lanes;
    lane *lane; /* a list of `count`, in the order of their pieces */
    int64_t count;
    const double **part; /* for every own piece, or NULL */
    bool ghost, told;
    pass_state outside;
    nb_status status; /* of the first lane that failed; its message stays in the context */
    char message[NB_MESSAGE_MAX];
};

bool nb_lanes_needed(const nb_net *net)
{
    for (int i = 0; i < net->parts; i++)
        if (net->part[i]->type->normalises && !net->part[i]->head.frozen) return true;
    return false;
}

/* ---- Taking turns ---------------------------------------------------------------------------- */

static pass_state state_of(const nb_ctx *ctx)
{
    return (pass_state){ctx->recording, ctx->witness, ctx->across,
                        ctx->host,      ctx->seed,    ctx->draws};
}

static void set_state(nb_ctx *ctx, const pass_state *state)
{
    ctx->recording = state->recording;
    ctx->witness = state->witness;
    ctx->across = state->across;
    ctx->host = state->host;
    ctx->seed = state->seed;
    ctx->draws = state->draws;
}

/* The first failure is that of all. */
static void fail(lane_group *g, nb_status status)
{
    if (g->status != NB_OK || status == NB_OK) return;
    g->status = status;
    memcpy(g->message, g->ctx->message, sizeof g->message);
}

static nb_status say_failure(const lane_group *g)
{
    g->ctx->status = g->status;
    memcpy(g->ctx->message, g->message, sizeof g->message);
    return g->status;
}

static nb_status call(lane *l)
{
    const nb_lanes *lanes = l->group->lanes;
    l->status = lanes->run(l->group->ctx, lanes->self, l->piece, l->group->ghost);
    l->ended = true;
    return l->status;
}

static void run_lane(void *arg)
{
    call(arg);
}

/* The lane goes on until it waits or has ended. */
static void enter(lane *l)
{
    lane_group *g = l->group;
    set_state(g->ctx, &l->state);
    l->n = -1;
    if (nb_fiber_enter(l->fiber)) fail(g, l->status);
    set_state(g->ctx, &g->outside);
}

/* ---- Sums ------------------------------------------------------------------------------------ */

/* Into `to`, of what the lanes wait for. */
static nb_status total(lane_group *g, int64_t which, int64_t n, double *to)
{
    const nb_cut *cut = g->lanes->cut;
    nb_head head;
    nb_head_begin(g->ctx, &head, NB_PEERS_SUM, g->lanes->step, NB_OK);
    head.digest[head.digests++] = (uint64_t)which;
    for (int64_t i = 0; i < g->count && !g->ghost; i++)
        g->part[g->lane[i].piece - cut->first] = g->lane[i].numbers;
    nb_status status = nb_tree_sum(g->ctx, cut, &head, g->part, n, to);
    g->told = status != NB_OK && g->ctx->peers;
    return status;
}

/* A lane by itself waits for nobody here. */
static nb_status sum_alone(nb_ctx *ctx, void *self, int64_t which, double *numbers, int64_t n)
{
    lane *l = self;
    (void)ctx;
    if (l->group->status != NB_OK) return say_failure(l->group);
    l->numbers = numbers;
    nb_status status = total(l->group, which, n, numbers);
    fail(l->group, status);
    return status;
}

static nb_status wait_for_sum(nb_ctx *ctx, void *self, int64_t which, double *numbers, int64_t n)
{
    lane *l = self;
    if (l->group->status != NB_OK) return say_failure(l->group);
    l->which = which;
    l->n = n;
    l->numbers = numbers;
    l->state = state_of(ctx);
    nb_fiber_leave(l->fiber);
    return l->group->status == NB_OK ? NB_OK : say_failure(l->group);
}

/* Whether all lanes wait for the same; those that have all ended wait for nothing. */
static nb_status check_meeting(lane_group *g)
{
    const lane *first = g->lane;
    for (int64_t i = 1; i < g->count; i++) {
        const lane *l = &g->lane[i];
        if (l->n == first->n && (l->n < 0 || l->which == first->which)) continue;
        return nb_fail(g->ctx, NB_EARG,
                       "pieces of the batch go different ways through the network: a function that "
                       "looks at its numbers cannot decide whether a batch_norm takes part");
    }
    return NB_OK;
}

/* All wait: they get what they asked for. */
static nb_status meet(lane_group *g)
{
    lane *first = g->lane;
    nb_status status = check_meeting(g);
    if (status != NB_OK || first->n < 0) return status;
    /* The sum is taken aside: each lane's numbers are a part of it. */
    size_t bytes = (size_t)first->n * sizeof(double);
    double *sum = nb_alloc(g->ctx, bytes);
    if (!sum) return g->ctx->status;
    status = total(g, first->which, first->n, sum);
    for (int64_t i = 0; i < g->count && status == NB_OK; i++)
        memcpy(g->lane[i].numbers, sum, bytes);
    nb_free(g->ctx, sum, bytes);
    return status;
}

/* ---- Together -------------------------------------------------------------------------------- */

/* Once one has failed, those that wait get its status and end. */
static void end_all(lane_group *g)
{
    for (int64_t i = 0; i < g->count; i++) {
        lane *l = &g->lane[i];
        while (l->n >= 0) enter(l);
    }
}

static nb_status take_turns(lane_group *g)
{
    for (bool on = true; on && g->status == NB_OK;) {
        for (int64_t i = 0; i < g->count && g->status == NB_OK; i++) enter(&g->lane[i]);
        if (g->status == NB_OK) fail(g, meet(g));
        on = !g->lane[0].ended;
    }
    end_all(g);
    return g->status;
}

static nb_status run_alone(lane_group *g)
{
    lane *l = g->lane;
    l->across.sum = sum_alone;
    set_state(g->ctx, &l->state);
    fail(g, call(l));
    set_state(g->ctx, &g->outside);
    return g->status;
}

static nb_status run_together(lane_group *g)
{
    nb_status status = NB_OK;
    for (int64_t i = 0; i < g->count && status == NB_OK; i++) {
        g->lane[i].across.sum = wait_for_sum;
        g->lane[i].fiber = nb_fiber_new(g->ctx, run_lane, &g->lane[i]);
        if (!g->lane[i].fiber) status = g->ctx->status;
    }
    fail(g, status);
    if (status == NB_OK) take_turns(g);
    for (int64_t i = 0; i < g->count; i++) nb_fiber_free(g->lane[i].fiber);
    return g->status;
}

/* ---- Which pieces ---------------------------------------------------------------------------- */

static bool is_empty(const nb_cut *cut, int64_t piece)
{
    return nb_cut_start(cut, piece) == nb_cut_start(cut, piece + 1);
}

/* Those from `first` to `end` - 1 that have rows: `most` at most, into the list, or NULL. */
static int64_t choose(lane_group *g, int64_t first, int64_t end, int64_t most, lane *list)
{
    int64_t count = 0;
    for (int64_t i = first; i < end && count < most; i++) {
        if (is_empty(g->lanes->cut, i)) continue;
        if (list) {
            lane *l = &list[count];
            *l = (lane){.group = g, .piece = i, .state = g->outside, .n = -1};
            l->across = (nb_across){.self = l, .ops = &l->ops};
            l->state.across = &l->across;
        }
        count++;
    }
    return count;
}

nb_status nb_lanes_run(nb_ctx *ctx, const nb_lanes *lanes, bool *told)
{
    const nb_cut *cut = lanes->cut;
    int64_t own = cut->end - cut->first, from = cut->first, to = cut->end;
    lane_group g = {.ctx = ctx, .lanes = lanes, .outside = state_of(ctx)};
    *told = false;
    g.count = choose(&g, from, to, own, NULL);
    g.ghost = g.count == 0;
    if (g.ghost) {
        from = 0;
        to = cut->pieces;
        g.count = choose(&g, from, to, 1, NULL);
    }
    if (g.count == 0) return NB_OK;
    g.lane = nb_alloc_zero(ctx, (size_t)g.count, sizeof *g.lane);
    if (g.lane) g.part = nb_alloc_zero(ctx, (size_t)own + 1, sizeof *g.part);
    fail(&g, g.part ? NB_OK : ctx->status);
    if (g.status == NB_OK) {
        choose(&g, from, to, g.count, g.lane);
        if (g.count == 1)
            run_alone(&g);
        else
            run_together(&g);
    }
    nb_free(ctx, g.part, ((size_t)own + 1) * sizeof *g.part);
    nb_free(ctx, g.lane, (size_t)g.count * sizeof *g.lane);
    *told = g.told;
    return g.status == NB_OK ? NB_OK : say_failure(&g);
}
