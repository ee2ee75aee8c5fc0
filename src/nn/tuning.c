/* Lists of tuned neurons and of masks. */
#include "nn/tuning.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void nb_tuning_free(nb_ctx *ctx, nb_tuning *tuning)
{
    nb_tuning_drop_masks(ctx, tuning);
    nb_free(ctx, tuning->neuron, (size_t)tuning->room * sizeof *tuning->neuron);
    *tuning = (nb_tuning){.neurons = 0};
}

nb_status nb_tuning_copy(nb_ctx *ctx, nb_tuning *to, const nb_tuning *from)
{
    size_t bytes = (size_t)from->neurons * sizeof *from->neuron;
    nb_status status = NB_OK;
    *to = (nb_tuning){.room = from->neurons, .neurons = from->neurons, .awake = from->awake};
    to->neuron = bytes ? nb_alloc(ctx, bytes) : NULL;
    if (bytes && !to->neuron) {
        *to = (nb_tuning){.neurons = 0};
        return ctx->status;
    }
    if (bytes) memcpy(to->neuron, from->neuron, bytes);
    for (int i = 0; i < from->masks && status == NB_OK; i++) {
        nb_tensor *same = nb_tensor_clone(ctx, from->mask[i].learns);
        status = same ? nb_tuning_add_mask(ctx, to, from->mask[i].name, same) : ctx->status;
        nb_tensor_release(ctx, same);
    }
    if (status != NB_OK) nb_tuning_free(ctx, to);
    return status;
}

/* ---- Neurons --------------------------------------------------------------------------------- */

/* Where the neuron stands in the list, or would. */
static int64_t place_of(const nb_tuning *tuning, int64_t neuron)
{
    int64_t low = 0, high = tuning->neurons;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (tuning->neuron[middle].neuron < neuron)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const nb_tuning *tuning, int64_t place, int64_t neuron)
{
    return place < tuning->neurons && tuning->neuron[place].neuron == neuron;
}

const nb_tuned *nb_tuning_find(const nb_tuning *tuning, int64_t neuron)
{
    int64_t place = place_of(tuning, neuron);
    return is_at(tuning, place, neuron) ? &tuning->neuron[place] : NULL;
}

/* Nothing that is not the layer's. */
static bool is_plain(const nb_tuned *tuned, const nb_tuned *layer)
{
    return tuned->frozen == layer->frozen && tuned->factor == layer->factor && !*tuned->name;
}

static nb_status make_room(nb_ctx *ctx, nb_tuning *tuning)
{
    if (tuning->neurons < tuning->room) return NB_OK;
    int64_t room = tuning->room ? 2 * tuning->room : 4;
    size_t size = sizeof *tuning->neuron;
    nb_tuned *list =
        nb_resize(ctx, tuning->neuron, (size_t)tuning->room * size, (size_t)room * size);
    if (!list) return ctx->status;
    tuning->neuron = list;
    tuning->room = room;
    return NB_OK;
}

static void take_out(nb_tuning *tuning, int64_t place)
{
    nb_tuned *at = &tuning->neuron[place];
    tuning->awake -= !at->frozen;
    tuning->neurons--;
    memmove(at, at + 1, (size_t)(tuning->neurons - place) * sizeof *at);
}

nb_status nb_tuning_set(nb_ctx *ctx, nb_tuning *tuning, const nb_tuned *as, const nb_tuned *layer)
{
    int64_t place = place_of(tuning, as->neuron);
    bool plain = is_plain(as, layer), there = is_at(tuning, place, as->neuron);
    if (!there && plain) return NB_OK;
    if (!plain && !there && make_room(ctx, tuning) != NB_OK) return ctx->status;
    if (there) take_out(tuning, place);
    if (plain) return NB_OK;
    nb_tuned *at = &tuning->neuron[place];
    memmove(at + 1, at, (size_t)(tuning->neurons - place) * sizeof *at);
    *at = *as;
    tuning->neurons++;
    tuning->awake += !as->frozen;
    return NB_OK;
}

void nb_tuning_level(nb_tuning *tuning, const nb_tuned *layer)
{
    for (int64_t i = tuning->neurons - 1; i >= 0; i--) {
        nb_tuned *at = &tuning->neuron[i];
        tuning->awake += (int64_t)at->frozen - (int64_t)layer->frozen;
        at->frozen = layer->frozen;
        at->factor = layer->factor;
        if (is_plain(at, layer)) take_out(tuning, i);
    }
}

void nb_tuning_cut(nb_tuning *tuning, int64_t neurons)
{
    while (tuning->neurons && tuning->neuron[tuning->neurons - 1].neuron >= neurons)
        take_out(tuning, tuning->neurons - 1);
}

/* ---- Masks ----------------------------------------------------------------------------------- */

nb_tensor *nb_tuning_mask(const nb_tuning *tuning, const char *name)
{
    for (int i = 0; i < tuning->masks; i++)
        if (!strcmp(tuning->mask[i].name, name)) return tuning->mask[i].learns;
    return NULL;
}

nb_status nb_tuning_add_mask(nb_ctx *ctx, nb_tuning *tuning, const char *name, nb_tensor *learns)
{
    size_t size = sizeof *tuning->mask, bytes = (size_t)tuning->masks * size;
    nb_mask *list = nb_resize(ctx, tuning->mask, bytes, bytes + size);
    if (!list) return ctx->status;
    tuning->mask = list;
    nb_mask *mask = &list[tuning->masks++];
    snprintf(mask->name, sizeof mask->name, "%s", name);
    mask->learns = nb_tensor_retain(learns);
    return NB_OK;
}

void nb_tuning_swap_masks(nb_tuning *a, nb_tuning *b)
{
    const nb_tuning had = *a;
    a->mask = b->mask;
    a->masks = b->masks;
    b->mask = had.mask;
    b->masks = had.masks;
}

void nb_tuning_drop_masks(nb_ctx *ctx, nb_tuning *tuning)
{
    for (int i = 0; i < tuning->masks; i++) nb_tensor_release(ctx, tuning->mask[i].learns);
    nb_free(ctx, tuning->mask, (size_t)tuning->masks * sizeof *tuning->mask);
    tuning->mask = NULL;
    tuning->masks = 0;
}
