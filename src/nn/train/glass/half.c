/* See half.h. */
#include "nn/train/glass/half.h"

#include "base/memory.h"

#include <stdio.h>

/* ---- When what is known ---- */

/* Puts the places of a block's children, which begin at `first`, into the order. */
static int order_places(nb_half *half, const nb_layer *block, int first, int done)
{
    for (int i = 0; i < block->children; i++) {
        const nb_layer *child = block->child[i];
        done = order_places(half, child, first + 1, done);
        half->place[done++] = first;
        first += child->plan->places;
    }
    return done;
}

static bool has_param(const nb_trace_place *place, const nb_param *param)
{
    for (int i = 0; i < place->grads; i++)
        if (nb_trace_param(place, i) == param) return true;
    return false;
}

/* The last stop at a place whose gradients add to this parameter's. */
static int last_stop(const nb_half *half, const nb_param *param)
{
    int last = 0;
    for (int p = 0; p < half->places; p++) {
        int back = half->known[p].back;
        if (back > last && has_param(&half->trace.place[p], param)) last = back;
    }
    return last;
}

static nb_status know_grads(nb_ctx *ctx, nb_half *half, int p)
{
    const nb_trace_place *place = &half->trace.place[p];
    nb_known *known = &half->known[p];
    if (!place->grads) return NB_OK;
    known->grad = nb_alloc_zero(ctx, (size_t)place->grads, sizeof *known->grad);
    for (int i = 0; known->grad && i < place->grads; i++)
        known->grad[i] = last_stop(half, nb_trace_param(place, i));
    return known->grad ? NB_OK : ctx->status;
}

static nb_status know(nb_ctx *ctx, nb_half *half)
{
    int places = half->trace.places;
    half->place = nb_alloc_zero(ctx, (size_t)places, sizeof *half->place);
    half->known = nb_alloc_zero(ctx, (size_t)places, sizeof *half->known);
    if (!half->place || !half->known) return ctx->status;
    order_places(half, &half->trainer->net->layer, 0, 0);
    for (int k = 0; k < places; k++) {
        half->known[half->place[k]].forward = k + 1;
        half->known[half->place[k]].back = 2 * places - k;
    }
    nb_status status = NB_OK;
    for (int p = 0; p < places && status == NB_OK; p++) status = know_grads(ctx, half, p);
    return status;
}

/* ---- The pass ---- */

/* As training runs the batch, but that its figures are dropped and its gradients the trace's own.
 * What functions of the host draw is what they draw in training. */
static nb_status run_pass(nb_ctx *ctx, nb_half *half, int64_t part, nb_trace *trace)
{
    const nb_lesson *lesson = &half->step.part[part].lesson;
    nb_net *net = half->trainer->net;
    nb_staged staged = {.count = 0};
    const nb_mode mode = {.learning = true,
                          .seed = lesson->seed,
                          .step = lesson->step,
                          .lengths = lesson->lengths,
                          .weights = lesson->weights,
                          .staged = &staged,
                          .rows = lesson->rows};
    nb_chance was = nb_lesson_chance(ctx, lesson);
    nb_status status = nb_trace_run_as(ctx, net, lesson->x, lesson->y, &mode, trace);
    if (status == NB_OK) status = nb_trace_slopes(ctx, net, lesson->y, trace);
    nb_chance_back(ctx, was);
    nb_staged_drop(ctx, &staged);
    if (status != NB_OK) nb_trace_free(ctx, trace);
    return status;
}

static nb_status begin(nb_ctx *ctx, nb_half *half)
{
    nb_status status = nb_trainer_prepare(ctx, half->trainer, &half->step);
    if (status == NB_OK) status = run_pass(ctx, half, 0, &half->trace);
    half->places = half->trace.places;
    half->at = 1;
    return status == NB_OK ? know(ctx, half) : status;
}

nb_half *nb_half_new(nb_ctx *ctx, nb_trainer *trainer)
{
    nb_half *half = nb_alloc_zero(ctx, 1, sizeof *half);
    if (!half) return NULL;
    half->trainer = trainer;
    if (begin(ctx, half) == NB_OK) return half;
    nb_half_free(ctx, half);
    return NULL;
}

static void free_known(nb_ctx *ctx, nb_half *half)
{
    for (int p = 0; half->known && p < half->places; p++) {
        size_t grads = (size_t)half->trace.place[p].grads;
        if (half->known[p].grad)
            nb_free(ctx, half->known[p].grad, grads * sizeof *half->known[p].grad);
    }
    if (half->known) nb_free(ctx, half->known, (size_t)half->places * sizeof *half->known);
    if (half->place) nb_free(ctx, half->place, (size_t)half->places * sizeof *half->place);
}

void nb_half_free(nb_ctx *ctx, nb_half *half)
{
    if (!half) return;
    free_known(ctx, half);
    nb_trace_free(ctx, &half->trace);
    nb_step_free(ctx, &half->step);
    nb_free(ctx, half, sizeof *half);
}

/* ---- From stop to stop ---- */

int nb_half_place(const nb_half *half)
{
    int at = half->at <= half->places ? half->at : 2 * half->places + 1 - half->at;
    return half->place[at - 1];
}

bool nb_half_is_back(const nb_half *half)
{
    return half->at > half->places;
}

/* Down to the child that has the place, from block to block. A shared layer's plan knows the path
 * of its first place alone. */
const char *nb_half_path(const nb_half *half, char text[NB_PATH_MAX])
{
    const nb_layer *block = &half->trainer->net->layer;
    int first = -1, place = nb_half_place(half);
    size_t used = 0;
    text[0] = '\0';
    while (first != place) {
        int i = 0;
        for (first++; first + block->child[i]->plan->places <= place; i++)
            first += block->child[i]->plan->places;
        block = block->child[i];
        used += (size_t)snprintf(text + used, NB_PATH_MAX - used, "%s%d", used ? "." : "", i + 1);
    }
    return text;
}

bool nb_half_is_last(const nb_half *half)
{
    return half->at == 2 * half->places && half->part == half->step.parts - 1;
}

nb_status nb_half_next(nb_ctx *ctx, nb_half *half)
{
    if (half->at < 2 * half->places) {
        half->at++;
        return NB_OK;
    }
    nb_trace next = {.cost = 0};
    nb_status status = run_pass(ctx, half, half->part + 1, &next);
    if (status != NB_OK) return status;
    nb_trace_free(ctx, &half->trace);
    half->trace = next;
    half->part++;
    half->at = 1;
    return NB_OK;
}

nb_status nb_half_finish(nb_ctx *ctx, nb_half *half, nb_half_maker *make, void *self)
{
    return make(ctx, self, &half->step);
}
