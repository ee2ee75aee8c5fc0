/* Neurons by name and number, and what belongs to them. */
#include "nn/sums.h"

#include <stdio.h>
#include <string.h>

int nb_sums_one(const nb_layer *layer)
{
    (void)layer;
    return 1;
}

int nb_sums_stretches(const nb_layer *layer, int64_t k, nb_stretch out[NB_STRETCHES])
{
    out[0] = (nb_stretch){.param = "w", .dims = 1, .start = {k}, .count = {1}};
    if (!nb_layer_param(layer, "b")) return 1;
    out[1] = (nb_stretch){.param = "b", .bias = true, .dims = 1, .start = {k}, .count = {1}};
    return 2;
}

void nb_sums_alike(const nb_layer *layer, int i, int *first, int *last)
{
    const nb_sums_type *sums = layer->type->sums;
    nb_neurons of = sums->family(layer, i);
    int count = sums->families(layer);
    for (*first = i; *first > 0; --*first)
        if (strcmp(sums->family(layer, *first - 1).name, of.name) != 0) break;
    for (*last = i + 1; *last < count; ++*last)
        if (strcmp(sums->family(layer, *last).name, of.name) != 0) break;
}

int64_t nb_sums_count(const nb_layer *layer, const char *name)
{
    const nb_sums_type *sums = layer->type->sums;
    int64_t count = 0;
    for (int i = 0; i < sums->families(layer); i++) {
        nb_neurons family = sums->family(layer, i);
        if (strcmp(family.name, name) == 0) count += family.count;
    }
    return count;
}

/* "input 1…4, forget 1…4", one name after the other; what does not fit is cut. */
static void list_names(const nb_layer *layer, char *out, size_t room)
{
    const nb_sums_type *sums = layer->type->sums;
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0, last = 0, first; i < sums->families(layer) && used < room; i = last) {
        const char *between = i ? ", " : "";
        nb_neurons family = sums->family(layer, i);
        nb_sums_alike(layer, i, &first, &last);
        used += (size_t)snprintf(out + used, room - used, "%s%s 1…%lld", between, family.name,
                                 (long long)nb_sums_count(layer, family.name));
    }
}

static nb_status not_there(nb_ctx *ctx, const nb_layer *layer, const char *name, int64_t k)
{
    char names[NB_MESSAGE_MAX / 2];
    const char *where = layer->plan->where;
    bool numbers = layer->type->sums->family(layer, 0).name[0] == '\0';
    int64_t count = nb_sums_count(layer, name);
    if (numbers && *name)
        return nb_fail(ctx, NB_EARG,
                       "%s has no neuron \"%s %lld\"; its neurons go by numbers, 1…%lld", where,
                       name, (long long)k + 1, (long long)nb_sums_count(layer, ""));
    if (numbers)
        return nb_fail(ctx, NB_EARG, "%s has no neuron %lld; it has %lld", where, (long long)k + 1,
                       (long long)count);
    list_names(layer, names, sizeof names);
    if (!*name)
        return nb_fail(ctx, NB_EARG, "%s is %s, whose neurons have names: %s", where,
                       layer->type->name, names);
    return nb_fail(ctx, NB_EARG, "%s has no neuron \"%s %lld\"; it has %s", where, name,
                   (long long)k + 1, names);
}

nb_status nb_sums_find(nb_ctx *ctx, const nb_layer *layer, const char *name, int64_t k,
                       nb_neuron_place *out)
{
    const nb_sums_type *sums = layer->type->sums;
    for (int i = 0; i < sums->families(layer); i++) {
        nb_neurons family = sums->family(layer, i);
        bool called = strcmp(family.name, name) == 0;
        if (!called || k < family.first || k >= family.first + family.count) continue;
        *out = (nb_neuron_place){i, k - family.first};
        return NB_OK;
    }
    return not_there(ctx, layer, name, k);
}

nb_tensor *nb_stretch_of(nb_ctx *ctx, nb_tensor *param, const nb_stretch *stretch)
{
    nb_tensor *out = nb_tensor_retain(param);
    for (int i = 0; i < stretch->dims && out; i++) {
        nb_tensor *part = nb_tensor_narrow(ctx, out, i, stretch->start[i], stretch->count[i], 1);
        nb_tensor_release(ctx, out);
        out = part;
    }
    return out;
}
