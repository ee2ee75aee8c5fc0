/* Segments: layer by layer, parameter by parameter, and where neurons were tuned their parts. */
#include "nn/train/segments.h"

#include "base/memory.h"
#include "nn/learns.h"

#include <string.h>

/* A parameter whose segments are being written. */
typedef struct writing {
    nb_ctx *ctx;
    nb_problem *problem;
    const nb_layer *layer;
    const nb_param *param;
    int64_t at; /* the next number */
} writing;

static nb_status make_room(nb_ctx *ctx, nb_problem *p)
{
    enum { FIRST_ROOM = 16 };
    if (p->segments < p->segment_room) return NB_OK;
    int64_t room = p->segment_room ? 2 * p->segment_room : FIRST_ROOM;
    size_t size = sizeof *p->segment;
    nb_segment *list =
        nb_resize(ctx, p->segment, (size_t)p->segment_room * size, (size_t)room * size);
    if (!list) return ctx->status;
    p->segment = list;
    p->segment_room = room;
    return NB_OK;
}

/* The next `count` numbers learn so. */
static nb_status write(writing *w, int64_t count, bool frozen, double factor)
{
    nb_problem *p = w->problem;
    if (count == 0) return NB_OK;
    if (make_room(w->ctx, p) != NB_OK) return w->ctx->status;
    p->segment[p->segments++] = (nb_segment){.start = w->at,
                                             .count = count,
                                             .factor = factor,
                                             .frozen = frozen,
                                             .decays = nb_layer_decays(w->layer, w->param)};
    w->at += count;
    return NB_OK;
}

/* Of one stretch of `neurons` of them, from number `first`, with `each` numbers of every one. */
static nb_status write_neurons(writing *w, int64_t first, int64_t neurons, int64_t each)
{
    const nb_layer *layer = w->layer;
    const nb_tuning *tuning = &layer->tuning;
    nb_status status = NB_OK;
    int64_t done = 0;
    for (int64_t i = 0; i < tuning->neurons && status == NB_OK; i++) {
        const nb_tuned *own = &tuning->neuron[i];
        int64_t number = own->neuron - first;
        if (number < 0 || number >= neurons) continue;
        status = write(w, (number - done) * each, layer->head.frozen, layer->factor);
        if (status == NB_OK) status = write(w, each, own->frozen, own->factor);
        done = number + 1;
    }
    if (status != NB_OK) return status;
    return write(w, (neurons - done) * each, layer->head.frozen, layer->factor);
}

/* The dimensions before the neurons' one are stretches of them, which take turns with the neurons
 * where there are groups: of (inputs, neurons / groups, …) those of group g stand at the g-th part
 * of the inputs. */
static nb_status write_parts(writing *w)
{
    const nb_param *param = w->param;
    int64_t before = 1, here = param->shape[param->neuron_dim], neurons = w->layer->plan->neurons;
    for (int i = 0; i < param->neuron_dim; i++) before *= param->shape[i];
    int64_t each = before * here > 0 ? param->count / (before * here) : 0;
    int64_t groups = here ? neurons / here : 1;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < before && status == NB_OK; i++)
        status = write_neurons(w, i * groups / before * here, here, each);
    return status;
}

static nb_status write_param(writing *w)
{
    const nb_layer *layer = w->layer;
    if (layer->tuning.neurons && w->param->neuron_dim >= 0) return write_parts(w);
    return write(w, w->param->count, layer->head.frozen, layer->factor);
}

/* ---- The mask -------------------------------------------------------------------------------- */

static bool has_masks(const nb_net *net)
{
    for (int l = 0; l < net->parts; l++)
        if (net->part[l]->tuning.masks) return true;
    return false;
}

static void put_masks(const nb_net *net, const nb_layer *layer, uint8_t *mask)
{
    for (int i = 0; i < layer->plan->params; i++) {
        const nb_param *param = &layer->plan->param[i];
        const nb_tensor *learns = nb_tuning_mask(&layer->tuning, param->name);
        if (!learns) continue;
        memcpy(mask + (param->start - net->param[0]->start), nb_tensor_data(learns),
               (size_t)param->count);
    }
}

static nb_status make_mask(nb_ctx *ctx, const nb_net *net, nb_problem *problem)
{
    if (!has_masks(net)) return NB_OK;
    problem->mask = nb_alloc(ctx, (size_t)problem->count);
    if (!problem->mask) return ctx->status;
    memset(problem->mask, 1, (size_t)problem->count);
    for (int l = 0; l < net->parts; l++) put_masks(net, net->part[l], problem->mask);
    return NB_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

nb_status nb_segments_make(nb_ctx *ctx, const nb_net *net, nb_problem *problem)
{
    writing w = {.ctx = ctx, .problem = problem};
    nb_status status = NB_OK;
    for (int l = 0; l < net->parts; l++) {
        w.layer = net->part[l];
        for (int i = 0; i < w.layer->plan->params && status == NB_OK; i++) {
            w.param = &w.layer->plan->param[i];
            status = write_param(&w);
        }
    }
    return status == NB_OK ? make_mask(ctx, net, problem) : status;
}

void nb_segments_free(nb_ctx *ctx, nb_problem *problem)
{
    nb_free(ctx, problem->segment, (size_t)problem->segment_room * sizeof *problem->segment);
    if (problem->mask) nb_free(ctx, problem->mask, (size_t)problem->count);
    problem->segment = NULL;
    problem->mask = NULL;
}

bool nb_learns_alike(const nb_net *net)
{
    for (int l = 0; l < net->parts; l++) {
        const nb_layer *layer = net->part[l];
        const nb_tuning *tuning = &layer->tuning;
        if (!layer->plan->params) continue;
        if (layer->head.frozen || layer->factor != 1 || tuning->masks) return false;
        for (int64_t i = 0; i < tuning->neurons; i++)
            if (tuning->neuron[i].frozen || tuning->neuron[i].factor != 1) return false;
    }
    return true;
}
