/* Two runs side by side: the search for the step where they part, and what differs there. */
#include "nn/train/glass/apart.h"

#include "base/memory.h"
#include "nn/train/glass/bisect.h"
#include "nn/train/glass/differ.h"
#include "nn/train/glass/travel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void nb_apart_free(nb_ctx *ctx, nb_apart *a)
{
    if (a->part) nb_free(ctx, a->part, (size_t)a->parts * sizeof *a->part);
    for (int k = 0; k < 2; k++)
        if (a->example[k])
            nb_free(ctx, a->example[k], (size_t)a->examples[k] * sizeof *a->example[k]);
    *a = (nb_apart){.step = -1};
}

/* ---- The search ------------------------------------------------------------------------------ */

/* NaN is as NaN: bits are held against bits. */
static bool same_bits(const nb_tensor *a, const nb_tensor *b)
{
    size_t bytes = (size_t)nb_tensor_count(a) * nb_dtype_size(a->dtype);
    return memcmp(nb_tensor_data(a), nb_tensor_data(b), bytes) == 0;
}

static bool are_same(nb_glass *const of[2])
{
    nb_tensor *state[2][NB_NET_STATE];
    bool same = true;
    for (int k = 0; k < 2; k++) nb_net_state(of[k]->trainer->net, state[k]);
    for (int i = 0; same && i < NB_NET_STATE; i++) same = same_bits(state[0][i], state[1][i]);
    return same;
}

typedef nb_status way(nb_ctx *ctx, nb_glass *glass, int64_t step);

static nb_status same_at(nb_ctx *ctx, nb_glass *const of[2], way *go, int64_t step, bool *same)
{
    nb_status status = go(ctx, of[0], step);
    if (status == NB_OK) status = go(ctx, of[1], step);
    *same = status == NB_OK && are_same(of);
    return status;
}

/* Same at the first of both, apart at the last. */
static nb_status halve(nb_ctx *ctx, nb_glass *const of[2], int64_t low, int64_t high, nb_apart *out)
{
    nb_status status = NB_OK;
    while (status == NB_OK && high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        bool same;
        status = same_at(ctx, of, nb_travel_before_end, middle, &same);
        *(same ? &low : &high) = middle;
    }
    out->step = high;
    return status;
}

/* Runs that were apart may end alike, with the parameters of a best epoch before that; and those
 * that were not may end apart. */
static nb_status search(nb_ctx *ctx, nb_glass *const of[2], nb_apart *out)
{
    bool same;
    nb_status status = same_at(ctx, of, nb_travel_before_end, out->to, &same);
    if (status == NB_OK && same) {
        status = same_at(ctx, of, nb_travel_to, out->to, &same);
        out->by_end = status == NB_OK && !same;
        if (out->by_end) out->step = out->to;
        return status;
    }
    if (status == NB_OK) status = same_at(ctx, of, nb_travel_before_end, out->from, &same);
    if (status == NB_OK && same) return halve(ctx, of, out->from, out->to, out);
    out->step = out->from;
    return status;
}

/* ---- What differs ---------------------------------------------------------------------------- */

static double at(const nb_tensor *t, int64_t i)
{
    return nb_tensor_get(t, &i);
}

/* A difference with NaN on one side is the largest of all. */
static double gap(double x, double y)
{
    if (x == y || (isnan(x) && isnan(y))) return 0;
    double size = fabs(x - y);
    return isnan(size) ? INFINITY : size;
}

/* Of the stretch of the flat vectors a and b that one parameter is. */
static nb_apart_part compare(const nb_net *net, const nb_param *param, bool buffer,
                             const nb_tensor *a, const nb_tensor *b)
{
    nb_apart_part part = {.count = param->count};
    int64_t start = param->start - (buffer ? net->figures : net->values)->offset, most = start;
    for (int64_t i = start; i < start + param->count; i++) {
        double size = gap(at(a, i), at(b, i));
        part.differing += size > 0;
        if (!(size > part.most)) continue;
        part.most = size;
        most = i;
    }
    part.number[0] = at(a, most);
    part.number[1] = at(b, most);
    nb_spot_param(net, param->start + most - start, buffer, part.where);
    return part;
}

static int by_size(const void *a, const void *b)
{
    double x = ((const nb_apart_part *)a)->most, y = ((const nb_apart_part *)b)->most;
    return (x < y) - (x > y);
}

static nb_status list_parts(nb_ctx *ctx, nb_glass *const of[2], nb_apart *out)
{
    const nb_net *net = of[0]->trainer->net;
    nb_tensor *state[2][NB_NET_STATE];
    for (int k = 0; k < 2; k++) nb_net_state(of[k]->trainer->net, state[k]);
    int most = net->params + net->buffers, found = 0;
    nb_apart_part *list = nb_alloc_zero(ctx, (size_t)most, sizeof *list);
    if (!list) return ctx->status;
    for (int i = 0; i < most; i++) {
        bool buffer = i >= net->params;
        const nb_param *param = buffer ? net->buffer[i - net->params] : net->param[i];
        list[found] = compare(net, param, buffer, state[0][buffer], state[1][buffer]);
        found += list[found].differing > 0;
    }
    qsort(list, (size_t)found, sizeof *list, by_size);
    out->part = list;
    out->parts = most;
    return NB_OK;
}

/* Of the step behind which the run stands. */
static nb_status list_examples(nb_ctx *ctx, nb_trainer *t, int32_t **list, int64_t *count)
{
    int64_t start, n = nb_trainer_last(t, &start);
    nb_status status = n > 0 ? nb_trainer_order(ctx, t, t->course.epoch) : NB_OK;
    if (status != NB_OK || n == 0) return status;
    *list = nb_alloc(ctx, (size_t)n * sizeof **list);
    if (!*list) return ctx->status;
    *count = n;
    memcpy(*list, t->order + start, (size_t)n * sizeof **list);
    return NB_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Behind which step up to this one something was changed last; below 0: nothing was. */
static int64_t last_change(const nb_glass *g, int64_t step)
{
    for (int64_t i = g->reel.edits - 1; i >= 0; i--)
        if (g->reel.edit[i]->step <= step && g->reel.edit[i]->by != NB_BY_END)
            return g->reel.edit[i]->step;
    return -1;
}

/* What networks take in two ways, as classes and as outputs, cannot be held side by side. */
static bool same_rows(const nb_tensor *a, const nb_tensor *b)
{
    if (!a || !b || a->dtype != b->dtype || a->dims != b->dims) return true;
    size_t bytes = (size_t)a->dims * sizeof *a->shape;
    return memcmp(a->shape, b->shape, bytes) == 0 && same_bits(a, b);
}

/* One example out of either set, the same place. */
static nb_status same_example(nb_ctx *ctx, nb_glass *const of[2], nb_tensor *const room[2][2],
                              const int32_t *place, bool *same)
{
    nb_batch got[2] = {{NULL, NULL, NULL}, {NULL, NULL, NULL}};
    nb_status status = NB_OK;
    for (int k = 0; k < 2 && status == NB_OK; k++)
        status = nb_batch_gather(ctx, of[k]->trainer->set, place, 0, 1, 0, room[k][0], room[k][1],
                                 &got[k]);
    *same = status == NB_OK && same_rows(got[0].x, got[1].x) && same_rows(got[0].y, got[1].y);
    for (int k = 0; k < 2; k++) nb_batch_free(ctx, &got[k]);
    return status;
}

/* The first of the step's examples that is another one in the other set, where both took the same
 * places. */
static nb_status hold_examples(nb_ctx *ctx, nb_glass *const of[2], nb_apart *out)
{
    nb_tensor *room[2][2] = {{NULL, NULL}, {NULL, NULL}};
    nb_status status = NB_OK;
    bool same = true;
    for (int k = 0; k < 2 && status == NB_OK; k++)
        status = nb_batch_new(ctx, of[k]->trainer->net, of[k]->trainer->set, 1, &room[k][0],
                              &room[k][1]);
    for (int64_t i = 0; i < out->examples[0] && same && status == NB_OK; i++) {
        status = same_example(ctx, of, room, &out->example[0][i], &same);
        if (status == NB_OK && !same) out->other = out->example[0][i];
    }
    for (int k = 0; k < 4; k++) nb_tensor_release(ctx, room[k / 2][k % 2]);
    return status;
}

bool nb_apart_same_places(const nb_apart *a)
{
    size_t bytes = (size_t)a->examples[0] * sizeof *a->example[0];
    return a->examples[0] == a->examples[1] &&
           (bytes == 0 || memcmp(a->example[0], a->example[1], bytes) == 0);
}

static nb_status tell(nb_ctx *ctx, nb_glass *const of[2], nb_apart *out)
{
    bool same;
    way *go = out->by_end ? nb_travel_to : nb_travel_before_end;
    nb_status status = same_at(ctx, of, go, out->step, &same);
    out->epoch = of[0]->trainer->course.epoch;
    out->batch = of[0]->trainer->course.batch;
    if (status == NB_OK) status = list_parts(ctx, of, out);
    for (int k = 0; k < 2 && status == NB_OK; k++) {
        status = list_examples(ctx, of[k]->trainer, &out->example[k], &out->examples[k]);
        out->changed[k] = last_change(of[k], out->step);
    }
    bool held = status == NB_OK && nb_apart_same_places(out);
    return held ? hold_examples(ctx, of, out) : status;
}

static bool fit(nb_param *const *a, int m, nb_param *const *b, int n)
{
    int i = 0;
    while (i < m && i < n && a[i]->dims == b[i]->dims &&
           !memcmp(a[i]->shape, b[i]->shape, (size_t)a[i]->dims * sizeof *a[i]->shape))
        i++;
    return m == n && i == n;
}

static nb_status check(nb_ctx *ctx, nb_glass *const of[2], nb_apart *out)
{
    nb_net *a = of[0]->trainer->net, *b = of[1]->trainer->net;
    int64_t first[] = {nb_glass_first(of[0]), nb_glass_first(of[1])};
    int64_t last[] = {nb_glass_at(of[0]), nb_glass_at(of[1])};
    *out = (nb_apart){.step = -1,
                      .other = -1,
                      .from = first[0] > first[1] ? first[0] : first[1],
                      .to = last[0] < last[1] ? last[0] : last[1]};
    if (nb_net_root(a) == nb_net_root(b))
        return nb_fail(ctx, NB_EARG,
                       "both runs train one network, so one would move with the other; give the "
                       "second one net:clone()");
    if (a->dtype != b->dtype)
        return nb_fail(ctx, NB_EARG, "one network is %s, the other %s", nb_dtype_name(a->dtype),
                       nb_dtype_name(b->dtype));
    out->unlike = !fit(a->param, a->params, b->param, b->params) ||
                  !fit(a->buffer, a->buffers, b->buffer, b->buffers);
    if (out->from > out->to)
        return nb_fail(ctx, NB_EARG, "the records of the two runs have no step in common");
    return NB_OK;
}

nb_status nb_glass_apart(nb_ctx *ctx, nb_glass *const of[2], nb_text *options, nb_apart *out)
{
    nb_stay here[2];
    int left = 0;
    nb_status status = check(ctx, of, out);
    for (int k = 0; k < 2 && status == NB_OK; k++) status = nb_glass_look(ctx, of[k]);
    for (; left < 2 && status == NB_OK; left += status == NB_OK)
        status = nb_travel_leave(ctx, of[left], &here[left]);
    if (status == NB_OK && !out->unlike) status = search(ctx, of, out);
    if (status == NB_OK && out->step >= 0) status = tell(ctx, of, out);
    if (status == NB_OK && options) nb_options_differ(options, of[0], of[1]);
    if (status == NB_OK && options && options->failed) status = ctx->status;
    while (left > 0) {
        left--;
        nb_travel_return(ctx, of[left], &here[left]);
    }
    if (status != NB_OK) nb_apart_free(ctx, out);
    return status;
}
