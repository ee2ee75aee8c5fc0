/* Networks from networks: copies, other dtypes, other layers; and layers by name and path. */
#include "nn/net/net.h"

#include "base/memory.h"
#include "base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Copies ---------------------------------------------------------------------------------- */

static nb_status copy_numbers(nb_ctx *ctx, const nb_net *from, nb_net *to)
{
    nb_status status = nb_tensor_copy(ctx, to->values, from->values);
    return status == NB_OK ? nb_tensor_copy(ctx, to->figures, from->figures) : status;
}

/* A nested network that is to stand alone takes the input that it had at its place. */
static void give_input(nb_net *copy, const nb_net *net)
{
    const nb_form in = nb_net_input(net);
    copy->in_dims = in.dims;
    memcpy(copy->in_size, in.size, sizeof copy->in_size);
    if (nb_form_word(&in)) copy->in_reading = in.reading;
}

nb_net *nb_net_clone(nb_ctx *ctx, nb_net *net, nb_dtype dtype)
{
    nb_layer *layer = nb_layer_copy(ctx, &net->layer, false);
    nb_net *copy = layer ? nb_net_of(layer) : NULL;
    if (!copy) return NULL;
    give_input(copy, net);
    nb_status status = nb_net_build(ctx, copy, dtype, net->seed);
    if (status == NB_OK) status = copy_numbers(ctx, net, copy);
    if (status == NB_OK) return copy;
    nb_net_release(ctx, copy);
    return NULL;
}

/* ---- Changes --------------------------------------------------------------------------------- */

static nb_status check_alone(nb_ctx *ctx, const nb_net *net)
{
    if (net->outer)
        return nb_fail(ctx, NB_EARG,
                       "this network is %s of another; change that one, or a clone of this",
                       net->layer.plan->where);
    if (net->layer.planning)
        return nb_fail(ctx, NB_EARG,
                       "this network is being built into another, which calls this function");
    if (net->values->storage->readers > 0)
        return nb_fail(ctx, NB_EARG,
                       "a gradient still needs the network's values; call backward first, or let "
                       "go of what net:record gave");
    return NB_OK;
}

nb_status nb_net_convert(nb_ctx *ctx, nb_net *net, nb_dtype dtype)
{
    nb_status status = check_alone(ctx, net);
    if (status != NB_OK || net->dtype == dtype) return status;
    return nb_net_build(ctx, net, dtype, net->seed);
}

static void drop_list(nb_ctx *ctx, nb_layer **list, int count, int room)
{
    for (int i = 0; i < count; i++) nb_layer_release(ctx, list[i]);
    nb_free(ctx, list, (size_t)room * sizeof(nb_layer *));
}

/* Builds a network anew with other children, a list that it takes where that succeeds. */
static nb_status build_with(nb_ctx *ctx, nb_net *net, nb_layer **list, int children, uint64_t seed)
{
    nb_layer top = net->layer;
    uint64_t last_seed = net->seed;
    top.child = list;
    top.children = top.room = children;
    nb_plans *plans = nb_net_plan_of(ctx, net, &top, net->dtype);
    nb_status status = plans ? nb_net_store(ctx, net, plans, net->dtype, seed) : ctx->status;
    if (status != NB_OK) return status;
    net->seed = last_seed;
    drop_list(ctx, net->layer.child, net->layer.children, net->layer.room);
    net->layer.child = list;
    net->layer.children = net->layer.room = children;
    nb_layer_measure(&net->layer);
    return NB_OK;
}

/* Gives a network `count` layers in place of those from `first` to before `end`. */
static nb_status splice(nb_ctx *ctx, nb_net *net, int first, int end, nb_layer *const *layer,
                        int count, uint64_t seed)
{
    nb_layer *const *old = net->layer.child;
    int before = net->layer.children, children = before - (end - first) + count;
    nb_layer **list = nb_alloc(ctx, (size_t)children * sizeof(nb_layer *));
    if (!list) return ctx->status;
    memcpy(list, old, (size_t)first * sizeof(nb_layer *));
    if (count) memcpy(list + first, layer, (size_t)count * sizeof(nb_layer *));
    memcpy(list + first + count, old + end, (size_t)(before - end) * sizeof(nb_layer *));
    for (int i = 0; i < children; i++) nb_layer_retain(list[i]);
    nb_status status = build_with(ctx, net, list, children, seed);
    if (status != NB_OK) drop_list(ctx, list, children, children);
    return status;
}

nb_status nb_net_append(nb_ctx *ctx, nb_net *net, nb_layer *const *layer, int count, uint64_t seed)
{
    nb_status status = check_alone(ctx, net);
    int end = net->layer.children;
    return status == NB_OK ? splice(ctx, net, end, end, layer, count, seed) : status;
}

nb_status nb_net_replace(nb_ctx *ctx, nb_net *net, int at, nb_layer *layer, uint64_t seed)
{
    nb_status status = check_alone(ctx, net);
    return status == NB_OK ? splice(ctx, net, at, at + 1, &layer, 1, seed) : status;
}

nb_status nb_net_cut(nb_ctx *ctx, nb_net *net, int first, int last, uint64_t seed)
{
    nb_status status = check_alone(ctx, net);
    return status == NB_OK ? splice(ctx, net, first, last + 1, NULL, 0, seed) : status;
}

/* ---- Layers by name and path ----------------------------------------------------------------- */

static nb_layer *named_child(const nb_layer *block, int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++) {
        const char *own = block->child[i]->head.name;
        if (strlen(own) == length && !memcmp(own, name, length)) return block->child[i];
    }
    return NULL;
}

nb_layer *nb_layer_find_name(nb_layer *const *list, const int *before, int depth, const char *name)
{
    for (int i = depth - 1; i >= 0; i--) {
        nb_layer *found = named_child(list[i], before[i], name, strlen(name));
        if (found) return found;
        if (nb_net_of(list[i])) break; /* a network's layers are its own */
    }
    return NULL;
}

/* Which step of a path led nowhere, and what stands there. */
static nb_layer *no_step(nb_ctx *ctx, const nb_layer *block, const char *path, const char *piece)
{
    char has[64] = "no layers stand in it";
    size_t before = piece > path ? (size_t)(piece - path) - 1 : 0;
    if (block->children == 1) snprintf(has, sizeof has, "it has 1 layer");
    if (block->children > 1) snprintf(has, sizeof has, "it has %d layers", block->children);
    if (!before) return nb_fail_null(ctx, NB_EARG, "the network has no layer '%s'; %s", path, has);
    return nb_fail_null(ctx, NB_EARG, "the network has no layer '%s': '%s' is not in '%.*s', %s",
                        path, piece, (int)before, path, has);
}

/* The child that one piece of a path names, a number from 1 or a name. */
static nb_layer *step_into(const nb_layer *block, const char *piece, size_t length)
{
    char *end;
    if (*piece < '0' || *piece > '9') return named_child(block, block->children, piece, length);
    long number = strtol(piece, &end, 10);
    bool is = end == piece + length && number >= 1 && number <= block->children;
    return is ? block->child[number - 1] : NULL;
}

nb_layer *nb_net_layer(nb_ctx *ctx, nb_net *net, const char *path)
{
    nb_layer *at = &net->layer;
    for (const char *piece = path;;) {
        size_t length = strcspn(piece, ".");
        nb_layer *next = length ? step_into(at, piece, length) : NULL;
        if (!next) return no_step(ctx, at, path, piece);
        at = next;
        if (!piece[length]) return at;
        piece += length + 1;
    }
}

/* The child of that name beside `layer` in a block, or NULL. */
static const nb_layer *namesake(const nb_layer *block, const nb_layer *layer, const char *name)
{
    bool beside = false;
    for (int i = 0; i < block->children; i++) beside |= block->child[i] == layer;
    const nb_layer *found = beside ? named_child(block, block->children, name, strlen(name)) : NULL;
    return found == layer ? NULL : found;
}

/* What takes this layer's weight knows it by its name. */
static nb_status name_to_ties(nb_ctx *ctx, const nb_net *net, const nb_layer *layer,
                              const char *name)
{
    for (int i = 0; net && i < net->parts; i++) {
        nb_layer *other = net->part[i];
        if (other->plan->tied != layer) continue;
        if (!nb_is_name(name))
            return nb_fail(ctx, NB_EARG, "%s takes the weight of %s by its name; it needs one",
                           nb_layer_where(other), nb_layer_where(layer));
        snprintf(nb_layer_tied_name(other), NB_NAME_MAX, "%s", name);
    }
    return NB_OK;
}

/* The way to a place: the blocks around it, and the children of each in front of it. */
typedef struct way {
    nb_layer *block[NB_LAYER_DEPTH + 1];
    int before[NB_LAYER_DEPTH + 1];
    int depth;
} way;

/* The layer in a block whose tie leads elsewhere by the name that it is told, or NULL. */
static nb_layer *stray_tie(way *at, nb_layer *block)
{
    nb_layer *found = NULL;
    int level = at->depth++;
    at->block[level] = block;
    for (int i = 0; i < block->children && !found; i++) {
        nb_layer *child = block->child[i], *of = child->plan->tied;
        at->before[level] = i;
        if (of && nb_layer_find_name(at->block, at->before, at->depth,
                                     nb_layer_tied_name(child)) != of)
            found = child;
        else if (child->children && at->depth <= NB_LAYER_DEPTH)
            found = stray_tie(at, child);
    }
    at->depth = level;
    return found;
}

/* Puts a name where no layer with it stands in the way of a tie; else the old one is back. */
static nb_status put_name(nb_ctx *ctx, nb_layer *layer, const char *name)
{
    nb_net *net = layer->owner;
    char old[NB_NAME_MAX], stray[NB_WHERE_MAX];
    way at = {.depth = 0};
    snprintf(old, sizeof old, "%s", layer->head.name);
    nb_status status = name_to_ties(ctx, net, layer, name);
    if (status == NB_OK) status = nb_layer_set_name(ctx, layer, name);
    nb_layer *found = status == NB_OK && net ? stray_tie(&at, &net->layer) : NULL;
    if (!found) return status;
    snprintf(stray, sizeof stray, "%s", nb_layer_where(found));
    name_to_ties(ctx, net, layer, old);
    nb_layer_set_name(ctx, layer, old);
    return nb_fail(ctx, NB_EARG,
                   "%s takes a weight by its layer's name, and with the name %s another layer "
                   "would stand nearer",
                   stray, name);
}

nb_status nb_net_rename(nb_ctx *ctx, nb_layer *layer, const char *name)
{
    const nb_net *net = layer->owner;
    for (int i = -1; net && *name && i < net->parts; i++) {
        const nb_layer *other = namesake(i < 0 ? &net->layer : net->part[i], layer, name);
        if (other)
            return nb_fail(ctx, NB_EARG, "%s has the name %s already", nb_layer_where(other), name);
    }
    return put_name(ctx, layer, name);
}
