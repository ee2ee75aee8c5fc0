/* The table of kinds, and what layers of all kinds share: their life, children, names,
 * activations. */
#include "nn/layer.h"

#include "base/family.h"
#include "base/memory.h"
#include "grad/tape.h"

#include <stdio.h>
#include <string.h>

#define X(name) extern const nb_layer_type nb_layer_##name;
#include "nn/layers.def"
#undef X

const nb_layer_type *const nb_layer_types[NB_LAYERS] = {
#define X(name) &nb_layer_##name,
#include "nn/layers.def"
#undef X
};

NB_DEFINE_FAMILY(nb_layer_type, nb_layer, nb_layer_types, NB_LAYERS)

/* ---- Plans ---------------------------------------------------------------------------------- */

/* Somebody may hold on to a parameter beyond its layer, which has no name then. */
static void drop_params(nb_ctx *ctx, nb_param *list, int count)
{
    for (int i = 0; i < count; i++) {
        nb_param *param = &list[i];
        nb_leaf *leaf = param->value ? nb_leaf_of(param->value) : NULL;
        if (leaf) leaf->where = NULL;
        nb_tensor_release(ctx, param->value);
        nb_tensor_release(ctx, param->still);
        nb_tensor_release(ctx, param->begin);
    }
    nb_free(ctx, list, (size_t)count * sizeof *list);
}

void nb_plan_drop(nb_ctx *ctx, nb_plan *plan)
{
    if (!plan) return;
    drop_params(ctx, plan->param, plan->params);
    drop_params(ctx, plan->buffer, plan->buffers);
    nb_layer_release(ctx, plan->tied);
    nb_runs_release(ctx, plan->runs);
    nb_shared_release(ctx, plan->chain);
    nb_free(ctx, plan, sizeof *plan);
}

void nb_plan_name(nb_plan *plan, const char *name)
{
    snprintf(plan->where, sizeof plan->where, *name ? "layer %s (%s)" : "layer %s", plan->path,
             name);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static size_t bytes_of(const nb_layer_type *type)
{
    return type->bytes ? type->bytes : sizeof(nb_layer);
}

nb_layer *nb_layer_new(nb_ctx *ctx, const nb_layer_type *type)
{
    nb_layer *layer = nb_alloc_zero(ctx, 1, bytes_of(type));
    if (!layer) return NULL;
    layer->refs = 1;
    layer->places = 1;
    layer->type = type;
    layer->factor = 1;
    nb_option_defaults(type->options, layer->settings);
    return layer;
}

nb_layer *nb_layer_retain(nb_layer *layer)
{
    layer->refs++;
    return layer;
}

static void free_layer(nb_ctx *ctx, nb_layer *layer)
{
    if (layer->type->free) layer->type->free(ctx, layer);
    nb_plan_drop(ctx, layer->plan);
    for (int i = 0; i < layer->children; i++) nb_layer_release(ctx, layer->child[i]);
    for (int i = 0; i < layer->specs; i++) nb_tensor_release(ctx, layer->spec[i].value);
    nb_free(ctx, layer->child, (size_t)layer->room * sizeof *layer->child);
    nb_free(ctx, layer->branch, (size_t)layer->branches * sizeof *layer->branch);
    nb_free(ctx, layer->spec, (size_t)layer->specs * sizeof *layer->spec);
    nb_free(ctx, layer->differs, (size_t)layer->differ_count * sizeof *layer->differs);
    nb_tuning_free(ctx, &layer->tuning);
    nb_free(ctx, layer, bytes_of(layer->type));
}

void nb_layer_release(nb_ctx *ctx, nb_layer *layer)
{
    if (layer && --layer->refs == 0) free_layer(ctx, layer);
}

/* ---- Lists ---------------------------------------------------------------------------------- */

/* A list of `count` entries with room for one more. They grow one by one: these are short. */
static void *grown(nb_ctx *ctx, void *list, int count, size_t size)
{
    return nb_resize(ctx, list, (size_t)count * size, ((size_t)count + 1) * size);
}

nb_status nb_layer_add_branch(nb_ctx *ctx, nb_layer *block)
{
    int *list = grown(ctx, block->branch, block->branches, sizeof *list);
    if (!list) return ctx->status;
    block->branch = list;
    block->branch[block->branches++] = block->children;
    return NB_OK;
}

static void count_child(nb_layer *block, const nb_layer *child)
{
    if (child->height >= block->height) block->height = child->height + 1;
    block->places += child->places;
}

void nb_layer_measure(nb_layer *block)
{
    block->height = 0;
    block->places = 1;
    for (int i = 0; i < block->children; i++) count_child(block, block->child[i]);
}

nb_status nb_too_many_layers(nb_ctx *ctx)
{
    return nb_fail(ctx, NB_EARG,
                   "a network has room for %d layers; a shared one counts at each of its places",
                   NB_LAYER_PLACES);
}

/* What walks through layers calls itself for what stands in them, at every place of a shared one.
 */
static nb_status check_limits(nb_ctx *ctx, const nb_layer *block, const nb_layer *child)
{
    if (child->height > NB_LAYER_DEPTH)
        return nb_fail(ctx, NB_EARG, "layers stand at most %d deep in one another", NB_LAYER_DEPTH);
    if (child->places > NB_LAYER_PLACES + 1 - block->places) return nb_too_many_layers(ctx);
    return NB_OK;
}

nb_status nb_layer_add(nb_ctx *ctx, nb_layer *block, nb_layer *child)
{
    if (check_limits(ctx, block, child) != NB_OK) return ctx->status;
    if (!block->branches && nb_layer_add_branch(ctx, block) != NB_OK) return ctx->status;
    if (block->children == block->room) {
        int room = block->room ? 2 * block->room : 4;
        size_t size = sizeof(nb_layer *);
        nb_layer **list =
            nb_resize(ctx, block->child, (size_t)block->room * size, (size_t)room * size);
        if (!list) return ctx->status;
        block->child = list;
        block->room = room;
    }
    block->child[block->children++] = nb_layer_retain(child);
    count_child(block, child);
    return NB_OK;
}

void nb_layer_drop_children(nb_ctx *ctx, nb_layer *block, int count)
{
    while (block->children > count) nb_layer_release(ctx, block->child[--block->children]);
    nb_layer_measure(block);
}

int nb_branch_first(const nb_layer *block, int b)
{
    return block->branch[b];
}

int nb_branch_end(const nb_layer *block, int b)
{
    return b + 1 < block->branches ? block->branch[b + 1] : block->children;
}

nb_param_spec *nb_layer_add_spec(nb_ctx *ctx, nb_layer *layer)
{
    nb_param_spec *list = grown(ctx, layer->spec, layer->specs, sizeof *list);
    if (!list) return NULL;
    layer->spec = list;
    nb_param_spec *spec = &layer->spec[layer->specs++];
    *spec = (nb_param_spec){.dims = -1};
    return spec;
}

nb_status nb_layer_differ(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                          nb_activation activation)
{
    size_t size = sizeof *layer->differs, bytes = (size_t)layer->differ_count * size;
    nb_run *list = nb_resize(ctx, layer->differs, bytes, bytes + size);
    if (!list) return ctx->status;
    layer->differs = list;
    layer->differs[layer->differ_count++] = (nb_run){start, count, activation};
    return NB_OK;
}

/* ---- Copies --------------------------------------------------------------------------------- */

/* The spec of `copy` for a parameter, made where there is none. */
static nb_param_spec *spec_for(nb_ctx *ctx, nb_layer *copy, const char *name)
{
    for (int i = 0; i < copy->specs; i++)
        if (!strcmp(copy->spec[i].name, name)) return &copy->spec[i];
    nb_param_spec *spec = nb_layer_add_spec(ctx, copy);
    if (spec) snprintf(spec->name, sizeof spec->name, "%s", name);
    return spec;
}

static nb_status copy_values(nb_ctx *ctx, const nb_param *list, int count, nb_layer *copy)
{
    for (int i = 0; i < count; i++) {
        if (!list[i].value) continue;
        nb_param_spec *spec = spec_for(ctx, copy, list[i].name);
        nb_tensor *value = spec ? nb_tensor_clone(ctx, list[i].value) : NULL;
        if (!value) return ctx->status;
        nb_tensor_release(ctx, spec->value);
        spec->value = value;
        spec->once = true;
    }
    return NB_OK;
}

static nb_status copy_specs(nb_ctx *ctx, const nb_layer *layer, nb_layer *copy)
{
    for (int i = 0; i < layer->specs; i++) {
        nb_param_spec *spec = nb_layer_add_spec(ctx, copy);
        if (!spec) return ctx->status;
        *spec = layer->spec[i];
        if (spec->value) nb_tensor_retain(spec->value);
    }
    return NB_OK;
}

/* The activations in force become what the copy is told. */
static nb_status copy_runs(nb_ctx *ctx, const nb_layer *layer, nb_layer *copy)
{
    const nb_runs *runs = layer->plan ? layer->plan->runs : NULL;
    nb_status status = NB_OK;
    if (runs) copy->head.activation = nb_runs_main(runs);
    const nb_run *list = runs ? runs->run : layer->differs;
    int64_t count = runs ? runs->count : layer->differ_count;
    for (int64_t i = 0; i < count && status == NB_OK; i++) {
        bool main = runs && nb_activation_same(list[i].activation, copy->head.activation);
        if (!main)
            status = nb_layer_differ(ctx, copy, list[i].start, list[i].count, list[i].activation);
    }
    return status;
}

/* What was copied already: originals and copies, so that what is shared stays so. */
typedef struct copies {
    nb_ctx *ctx;
    bool values;
    struct {
        const nb_layer *of;
        nb_layer *copy;
    } * list;
    int count, room;
} copies;

static nb_layer *copy_tree(copies *c, const nb_layer *layer);

static nb_status copy_children(copies *c, const nb_layer *layer, nb_layer *copy)
{
    nb_status status = NB_OK;
    for (int b = 0; b < layer->branches && status == NB_OK; b++) {
        status = nb_layer_add_branch(c->ctx, copy);
        for (int i = nb_branch_first(layer, b); i < nb_branch_end(layer, b) && status == NB_OK;
             i++) {
            nb_layer *child = copy_tree(c, layer->child[i]);
            status = child ? nb_layer_add(c->ctx, copy, child) : c->ctx->status;
            nb_layer_release(c->ctx, child);
        }
    }
    return status;
}

static nb_status remember(copies *c, const nb_layer *of, nb_layer *copy)
{
    if (c->count == c->room) {
        int room = c->room ? 2 * c->room : 16;
        size_t size = sizeof *c->list;
        void *list = nb_resize(c->ctx, c->list, (size_t)c->room * size, (size_t)room * size);
        if (!list) return c->ctx->status;
        c->list = list;
        c->room = room;
    }
    c->list[c->count].of = of;
    c->list[c->count++].copy = copy;
    return NB_OK;
}

/* A layer of the same settings, without children. */
static nb_layer *copy_alone(nb_ctx *ctx, const nb_layer *layer, bool values)
{
    nb_layer *copy = nb_layer_new(ctx, layer->type);
    if (!copy) return NULL;
    memcpy(copy->settings, layer->settings, sizeof copy->settings);
    copy->host = layer->host;
    copy->factor = layer->factor;
    copy->decay = layer->decay;
    if (layer->type->copy) layer->type->copy(copy, layer);
    nb_status status = nb_tuning_copy(ctx, &copy->tuning, &layer->tuning);
    if (status == NB_OK) status = copy_specs(ctx, layer, copy);
    if (status == NB_OK) status = copy_runs(ctx, layer, copy);
    if (status == NB_OK && values && layer->plan) {
        status = copy_values(ctx, layer->plan->param, layer->plan->params, copy);
        if (status == NB_OK)
            status = copy_values(ctx, layer->plan->buffer, layer->plan->buffers, copy);
    }
    if (status == NB_OK) return copy;
    nb_layer_release(ctx, copy);
    return NULL;
}

static nb_layer *copy_tree(copies *c, const nb_layer *layer)
{
    for (int i = 0; i < c->count; i++)
        if (c->list[i].of == layer) return nb_layer_retain(c->list[i].copy);
    nb_layer *copy = copy_alone(c->ctx, layer, c->values);
    if (copy && copy_children(c, layer, copy) == NB_OK && remember(c, layer, copy) == NB_OK)
        return copy;
    nb_layer_release(c->ctx, copy);
    return NULL;
}

nb_layer *nb_layer_copy(nb_ctx *ctx, const nb_layer *layer, bool values)
{
    copies c = {.ctx = ctx, .values = values};
    nb_layer *copy = copy_tree(&c, layer);
    nb_free(ctx, c.list, (size_t)c.room * sizeof *c.list);
    return copy;
}

/* ---- What users set ------------------------------------------------------------------------- */

static nb_status no_neurons(nb_ctx *ctx, const nb_layer *layer)
{
    return nb_fail(ctx, NB_EARG, "%s has no neurons, so no activation", nb_layer_where(layer));
}

/* Before it has runs: the whole layer's. */
static nb_status set_whole(nb_ctx *ctx, nb_layer *layer, nb_activation activation)
{
    if (!layer->type->neurons && !layer->type->accepts) return no_neurons(ctx, layer);
    layer->head.activation = activation;
    nb_free(ctx, layer->differs, (size_t)layer->differ_count * sizeof *layer->differs);
    layer->differs = NULL;
    layer->differ_count = 0;
    return NB_OK;
}

nb_status nb_layer_set_activation(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                                  nb_activation activation)
{
    nb_plan *plan = layer->plan;
    if (!plan) return set_whole(ctx, layer, activation);
    if (layer->type->accepts) {
        nb_status status = layer->type->accepts(ctx, layer, plan, activation);
        if (status == NB_OK) layer->head.activation = activation;
        return status;
    }
    if (!plan->runs) return no_neurons(ctx, layer);
    if (start < 0 || count < 1 || start > plan->neurons - count)
        return nb_fail(ctx, NB_EARG, "%s has neurons 1 to %lld, not %lld", plan->where,
                       (long long)plan->neurons,
                       (long long)(start < 0 || count < 1 ? start + 1 : start + count));
    nb_runs *changed = nb_runs_with(ctx, plan->runs, start, count, activation);
    if (!changed) return ctx->status;
    nb_runs_release(ctx, plan->runs);
    plan->runs = changed;
    return NB_OK;
}

nb_status nb_layer_set_name(nb_ctx *ctx, nb_layer *layer, const char *name)
{
    if (*name && !nb_is_name(name))
        return nb_fail(ctx, NB_EARG,
                       "a name is letters, digits and _, begins with a letter and has at most %d "
                       "characters; not '%s'",
                       NB_NAME_MAX - 1, name);
    snprintf(layer->head.name, sizeof layer->head.name, "%s", name);
    if (layer->plan) nb_plan_name(layer->plan, name);
    return NB_OK;
}

/* ---- What a planned layer has ---------------------------------------------------------------- */

nb_param *nb_layer_param(const nb_layer *layer, const char *name)
{
    nb_plan *plan = layer->plan;
    if (plan && plan->tied && !strcmp(name, "w")) return nb_layer_param(plan->tied, name);
    for (int i = 0; plan && i < plan->params; i++)
        if (!strcmp(plan->param[i].name, name)) return &plan->param[i];
    for (int i = 0; plan && i < plan->buffers; i++)
        if (!strcmp(plan->buffer[i].name, name)) return &plan->buffer[i];
    return NULL;
}

/* A tied w has the rows that the layer planned, whatever they are where it was taken from. */
int nb_layer_neuron_dim(const nb_layer *layer, const nb_param *param)
{
    const nb_plan *plan = layer->plan;
    bool own = param >= plan->param && param < plan->param + plan->params;
    return own || !plan->tied ? param->neuron_dim : 0;
}

/* A shared layer's parameters are counted at its first place, `place`: others have its number too.
 */
static int64_t count_at(const nb_layer *layer, int place)
{
    const nb_plan *plan = layer->plan;
    int64_t count = 0;
    if (plan->place != place) return 0;
    for (int i = 0; i < plan->params; i++) count += plan->param[i].count;
    place++;
    for (int i = 0; i < layer->children; i++) {
        count += count_at(layer->child[i], place);
        place += layer->child[i]->plan->places;
    }
    return count;
}

int64_t nb_layer_count(const nb_layer *layer)
{
    return layer->plan ? count_at(layer, layer->plan->place) : 0;
}

const char *nb_layer_where(const nb_layer *layer)
{
    return layer->plan ? layer->plan->where : "this layer";
}

nb_layer *nb_layer_end(nb_layer *layer)
{
    while (layer->type == nb_layer_types[NB_LAYER_net] && layer->children)
        layer = layer->child[layer->children - 1];
    return layer->plan && layer->plan->runs ? layer : NULL;
}

bool nb_layer_takes_words(const nb_layer *layer)
{
    if (layer->type->words || !layer->children) return layer->type->words;
    for (int b = 0; b < layer->branches; b++) {
        int at = nb_branch_first(layer, b), end = nb_branch_end(layer, b);
        while (at < end && layer->child[at]->type->moves) at++;
        if (at == end || !nb_layer_takes_words(layer->child[at])) return false;
    }
    return true;
}

char *nb_layer_tied_name(nb_layer *layer)
{
    const nb_option *option = nb_option_find(layer->type->options, "tied");
    return option ? (char *)layer->settings + option->offset : NULL;
}
