/* What a string in the code is for. */
#include "shell/complete/strings.h"

#include "nn/layer.h"

#include <stddef.h>
#include <string.h>

/* Those before part i, the nearest first. */
static void take_before(const sh_parts *parts, int i, sh_token *out, int count)
{
    for (int k = 0; k < count; k++) {
        const sh_part *part = i < 0 ? NULL : sh_part_before(parts, i);
        i = part ? (int)(part - parts->part) : -1;
        out[k] = part ? part->token : (sh_token){.kind = SH_STRANGE, .text = ""};
    }
}

/* Is it the bracket of a table that stands in another without a name? */
static bool is_entry(const sh_parts *parts, int bracket)
{
    if (bracket < 1 || parts->part[bracket].around < 0) return false;
    const sh_part *before = sh_part_before(parts, bracket);
    return sh_part_is(&parts->part[bracket], "{") &&
           sh_part_is(&parts->part[parts->part[bracket].around], "{") &&
           (sh_part_is(before, "{") || sh_part_is(before, ","));
}

sh_before sh_before_part(const sh_parts *parts, int i)
{
    sh_before all;
    int around = i < parts->count ? parts->part[i].around : parts->open;
    if (is_entry(parts, around)) around = parts->part[around].around;
    take_before(parts, i, all.last, SH_TOKENS_BEFORE);
    take_before(parts, around < 0 ? -1 : around + 1, all.around, SH_TOKENS_BEFORE);
    return all;
}

/* The name of the function that the place is the first argument of, with a bracket or without. */
static const sh_token *called(const sh_token *nearest)
{
    return sh_token_is(nearest, "(") ? nearest + 1 : nearest;
}

/* The kind of the words that a field takes, NULL for other fields. */
static const char *kind_of_field(const sh_token *field)
{
    static const char *const fields[][2] = {{"activation", "activation"},
                                            {"cost", "cost"},
                                            {"optimizer", "optimizer"},
                                            {"init", "initialiser"},
                                            {"schedule", "schedule"},
                                            {"kernel", "initialiser"},
                                            {NULL, NULL}};
    for (int i = 0; fields[i][0]; i++)
        if (sh_token_is(field, fields[i][0])) return fields[i][1];
    return NULL;
}

/* The layer that a constructor's name makes, NULL: it is none. */
static const nb_layer_type *layer_of(const sh_token *name)
{
    for (int i = 0; i < NB_LAYERS; i++)
        if (sh_token_is(name, nb_layer_types[i]->name)) return nb_layer_types[i];
    return NULL;
}

/* Does it stand first in a bracket, or behind another argument or entry? */
static bool is_positional(const sh_before *before)
{
    const sh_token *last = before->last;
    return sh_token_is(last, "{") || sh_token_is(last, "(") || sh_token_is(last, ",");
}

/* An argument of net:append(…), net:replace(…). */
static bool is_added(const sh_before *before)
{
    const sh_token *around = before->around;
    bool layers = sh_token_is(&around[1], "append") || sh_token_is(&around[1], "replace");
    return sh_token_is(around, "(") && layers && sh_token_is(&around[2], ":");
}

/* An entry of a table for a layer: of a block's, an activation; of metrics' a metric. */
static sh_holds entry_holds(const sh_before *before, const char **kind)
{
    const sh_token *around = before->around, *name = called(around + 1);
    const nb_layer_type *layer = layer_of(name);
    if (sh_token_is(&around[1], "=") && sh_token_is(&around[2], "metrics")) *kind = "metric";
    if (layer && layer->branches > 0) return SH_HOLDS_LAYERS;
    if (layer && sh_token_is(name + 1, ".") && nb_option_find(layer->options, "activation"))
        *kind = "activation";
    return *kind ? SH_HOLDS_KIND : SH_HOLDS_TEXT;
}

sh_holds sh_string_holds(const sh_before *before, const char **kind)
{
    const sh_token *name = called(before->last);
    *kind = sh_token_is(before->last, "=") ? kind_of_field(&before->last[1]) : NULL;
    if (*kind) return SH_HOLDS_KIND;
    if (sh_token_is(name, "require")) return SH_HOLDS_MODULE;
    if (sh_token_is(name, "net")) return SH_HOLDS_NET;
    if (sh_token_is(name, "help")) return SH_HOLDS_TOPIC;
    if (!is_positional(before)) return SH_HOLDS_TEXT;
    if (is_added(before)) return SH_HOLDS_LAYERS;
    return sh_token_is(before->around, "{") ? entry_holds(before, kind) : SH_HOLDS_TEXT;
}
