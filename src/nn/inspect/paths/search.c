/* Best first, from the cost down to the weight.
 *
 * A beginning is a way from C to some number; the largest path that it can still become is its
 * product times the tally NB_TALLY_BEST of that number, exactly. All beginnings on the list stand
 * for different paths, and each for one at least of that size: so beside the `left` largest no
 * other can become one of the `left` paths that are still wanted, and the list is that short. */
#include "nn/inspect/paths/search.h"

#include "base/arith.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

typedef struct beginning {
    double value; /* the product so far */
    double bound; /* the largest |value| that it can have at its end */
    int steps;
    bool whole;
    nb_step *step; /* room for `most` */
} beginning;

typedef struct search {
    nb_graph *graph;
    beginning *list; /* rising by bound */
    int count, left;
    int most;
    nb_step *steps; /* of all beginnings, and of the one that is gone on from */
    beginning from;
} search;

/* Where a bound belongs on the list: behind all that are smaller, before its equals, so that those
 * that came first go on first. */
static int place_for(const search *s, double bound)
{
    int low = 0, high = s->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (s->list[middle].bound < bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room at `at` of the list, or at what was before it where the smallest has to go. */
static beginning *make_room(search *s, int at)
{
    size_t size = sizeof *s->list;
    beginning gone = s->list[0];
    if (s->count < s->left) {
        gone = s->list[s->count];
        memmove(s->list + at + 1, s->list + at, (size_t)(s->count - at) * size);
        s->count++;
    } else {
        at--;
        memmove(s->list, s->list + 1, (size_t)at * size);
    }
    s->list[at] = gone;
    return &s->list[at];
}

static void consider(void *self, const nb_arc *arc)
{
    search *s = self;
    const beginning *from = &s->from;
    bool whole = arc->level < 0;
    double value = from->value * arc->factor, rest = 1;
    if (!whole) rest = nb_level_tally(&s->graph->level[arc->level], NB_TALLY_BEST, arc->at);
    double bound = fabs(value) * rest;
    if (!(bound > 0)) return;
    int at = place_for(s, bound);
    if (at == 0 && s->count == s->left) return;
    beginning *to = make_room(s, at);
    nb_step *step = to->step;
    memcpy(step, from->step, (size_t)from->steps * sizeof *step);
    *to = (beginning){value, bound, from->steps + !whole, whole, step};
    if (!whole) step[from->steps] = (nb_step){arc->level, arc->at};
}

/* Takes the best off the list; its room is kept for others. */
static void take_best(search *s)
{
    beginning *best = &s->list[--s->count];
    nb_step *room = s->from.step;
    s->from = *best;
    best->step = room;
}

static nb_status run(search *s, nb_path_fn *found, void *self)
{
    nb_status status = NB_OK;
    s->from.value = 1;
    nb_graph_last_arcs(s->graph, consider, s);
    while (status == NB_OK && s->count && s->left) {
        take_best(s);
        const beginning *best = &s->from;
        if (best->whole) {
            s->left--;
            status = found(self, best->value, best->step, best->steps);
            continue;
        }
        const nb_step *last = &best->step[best->steps - 1];
        status = nb_poll(s->graph->again->ctx);
        if (status == NB_OK) status = nb_graph_arcs(s->graph, last->level, last->at, consider, s);
    }
    return status;
}

nb_status nb_graph_search(nb_graph *graph, int top, nb_path_fn *found, void *self)
{
    nb_ctx *ctx = graph->again->ctx;
    search s = {.graph = graph, .left = top, .most = graph->levels};
    size_t room = (size_t)top + 1, steps = 0, bytes = 0;
    /* A path holds at most as many as there are; otherwise it would be no path. */
    double ways = graph->total[NB_TALLY_WAYS];
    if (ways < (double)top) room = (size_t)ways + 1;
    s.left = (int)room - 1;
    if (!nb_mul_size(room, (size_t)s.most, &steps) || !nb_mul_size(steps, sizeof *s.steps, &bytes))
        return nb_fail(ctx, NB_EMEMORY, "so many paths do not fit into memory");
    s.list = nb_alloc_zero(ctx, room, sizeof *s.list);
    s.steps = s.list ? nb_alloc(ctx, bytes) : NULL;
    nb_status status = s.steps ? NB_OK : ctx->status;
    for (size_t i = 0; status == NB_OK && i < room; i++)
        s.list[i].step = s.steps + i * (size_t)s.most;
    if (status == NB_OK) {
        s.from.step = s.list[room - 1].step;
        status = run(&s, found, self);
    }
    if (s.steps) nb_free(ctx, s.steps, bytes);
    if (s.list) nb_free(ctx, s.list, room * sizeof *s.list);
    return status;
}
