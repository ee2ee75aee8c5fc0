/* What learns of a layer: settings of the whole, of neurons, of numbers. */
#include "nn/learns.h"

#include "grad/op.h"
#include "tensor/shape.h"

#include <string.h>

/* What a neuron is of which nothing was set. */
static nb_tuned common(const nb_layer *layer)
{
    return (nb_tuned){.frozen = layer->head.frozen, .factor = layer->factor};
}

/* All its neurons are as the layer is now. */
static void level(nb_layer *layer)
{
    const nb_tuned as = common(layer);
    nb_tuning_level(&layer->tuning, &as);
}

void nb_layer_freeze(nb_layer *layer, bool frozen)
{
    layer->head.frozen = frozen;
    level(layer);
    for (int i = 0; i < layer->children; i++) nb_layer_freeze(layer->child[i], frozen);
}

bool nb_layer_rests(const nb_layer *layer)
{
    return layer->head.frozen && layer->tuning.awake == 0;
}

/* What a block adds to the answer: whether any layer below has parameters, and whether one of
 * those learns. */
static void look_for_learning(const nb_layer *layer, bool *any, bool *learns)
{
    if (layer->plan && layer->plan->params) {
        *any = true;
        if (!nb_layer_rests(layer)) *learns = true;
    }
    for (int i = 0; i < layer->children; i++) look_for_learning(layer->child[i], any, learns);
}

bool nb_layer_is_frozen(const nb_layer *layer)
{
    bool any = false, learns = false;
    look_for_learning(layer, &any, &learns);
    return any ? !learns : layer->head.frozen;
}

void nb_layer_scale(nb_layer *layer, double factor)
{
    layer->factor = factor;
    level(layer);
    for (int i = 0; i < layer->children; i++) nb_layer_scale(layer->child[i], factor);
}

void nb_layer_set_decay(nb_layer *layer, nb_decay decay)
{
    layer->decay = decay;
    for (int i = 0; i < layer->children; i++) nb_layer_set_decay(layer->child[i], decay);
}

bool nb_layer_decays(const nb_layer *layer, const nb_param *param)
{
    return layer->decay == NB_DECAY_WEIGHTS ? param->decays : layer->decay == NB_DECAY_ALL;
}

/* ---- Neurons --------------------------------------------------------------------------------- */

nb_tuned nb_layer_tuned(const nb_layer *layer, int64_t neuron)
{
    const nb_tuned *own = nb_tuning_find(&layer->tuning, neuron);
    nb_tuned tuned = own ? *own : common(layer);
    tuned.neuron = neuron;
    return tuned;
}

/* Whether a parameter has a part for every neuron. */
static bool has_parts(const nb_layer *layer)
{
    for (int i = 0; i < layer->plan->params; i++)
        if (layer->plan->param[i].neuron_dim >= 0) return true;
    return false;
}

static nb_status check_name(nb_ctx *ctx, const nb_layer *layer, const nb_tuned *as)
{
    const nb_tuning *tuning = &layer->tuning;
    if (!*as->name) return NB_OK;
    if (!nb_is_name(as->name))
        return nb_fail(ctx, NB_EARG,
                       "a name is letters, digits and _, begins with a letter and has at most %d "
                       "characters; not '%s'",
                       NB_NAME_MAX - 1, as->name);
    for (int64_t i = 0; i < tuning->neurons; i++)
        if (tuning->neuron[i].neuron != as->neuron && !strcmp(tuning->neuron[i].name, as->name))
            return nb_fail(ctx, NB_EARG, "neuron %lld of %s has the name %s already",
                           (long long)tuning->neuron[i].neuron + 1, nb_layer_where(layer),
                           as->name);
    return NB_OK;
}

nb_status nb_layer_tune(nb_ctx *ctx, nb_layer *layer, const nb_tuned *as)
{
    const nb_tuned all = common(layer);
    const nb_plan *plan = layer->plan;
    if (!plan || as->neuron < 0 || as->neuron >= plan->neurons)
        return nb_fail(ctx, NB_EARG, "%s has no neuron %lld", nb_layer_where(layer),
                       (long long)as->neuron + 1);
    bool tuned = as->frozen != all.frozen || as->factor != all.factor;
    if (tuned && !has_parts(layer))
        return nb_fail(ctx, NB_EARG, "%s has no weights; nothing of its neurons learns",
                       plan->where);
    if (check_name(ctx, layer, as) != NB_OK) return ctx->status;
    return nb_tuning_set(ctx, &layer->tuning, as, &all);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static bool fits(const nb_param *param, const nb_tensor *mask)
{
    return mask->dims == param->dims &&
           !memcmp(mask->shape, param->shape, (size_t)param->dims * sizeof *param->shape);
}

/* The parameter, or NULL: buffers do not learn. */
static const nb_param *learned(const nb_layer *layer, const char *name)
{
    const nb_plan *plan = layer->plan;
    for (int i = 0; plan && i < plan->params; i++)
        if (!strcmp(plan->param[i].name, name)) return &plan->param[i];
    return NULL;
}

nb_status nb_layer_add_mask(nb_ctx *ctx, const nb_layer *layer, nb_tuning *into, const char *name,
                            nb_tensor *mask)
{
    char has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT];
    const nb_param *param = learned(layer, name);
    if (!param && layer->plan && layer->plan->tied && !strcmp(name, "w"))
        return nb_fail(ctx, NB_EARG, "mask: w of %s is that of %s; give that one the mask",
                       layer->plan->where, nb_layer_where(layer->plan->tied));
    if (!param)
        return nb_fail(ctx, NB_EARG, "mask: %s has no parameter %s", nb_layer_where(layer), name);
    if (!fits(param, mask))
        return nb_fail(ctx, NB_ESHAPE, "mask: %s is %s; %s of %s is %s", name,
                       nb_shape_text(mask->dims, mask->shape, has), name, nb_layer_where(layer),
                       nb_shape_text(param->dims, param->shape, needs));
    nb_tensor *learns = nb_op_number(ctx, NB_OP_ne, mask, 0);
    nb_status status = learns ? nb_tuning_add_mask(ctx, into, param->name, learns) : ctx->status;
    nb_tensor_release(ctx, learns);
    return status;
}

void nb_layer_fit_tuning(nb_ctx *ctx, nb_layer *layer)
{
    nb_tuning *tuning = &layer->tuning;
    bool whole = true;
    nb_tuning_cut(tuning, layer->plan->neurons);
    for (int i = 0; i < tuning->masks; i++) {
        const nb_param *param = learned(layer, tuning->mask[i].name);
        whole = whole && param && fits(param, tuning->mask[i].learns);
    }
    if (!whole) nb_tuning_drop_masks(ctx, tuning);
}
