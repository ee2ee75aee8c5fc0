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

sh_before sh_before_part(const sh_parts *parts, int i)
{
    sh_before all;
    int around = i < parts->count ? parts->part[i].around : parts->open;
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

/* Is it the name of a layer that has others in its brackets, a network's included? */
static bool is_block(const sh_token *token)
{
    for (int i = 0; i < NB_LAYERS; i++)
        if (nb_layer_types[i]->branches > 0 && sh_token_is(token, nb_layer_types[i]->name))
            return true;
    return false;
}

/* An entry of a table for a block, net:append(…), net:replace(…). */
static bool is_among_layers(const sh_before *before)
{
    const sh_token *last = before->last, *around = before->around;
    if (!sh_token_is(last, "{") && !sh_token_is(last, "(") && !sh_token_is(last, ",")) return false;
    if (sh_token_is(around, "{")) return is_block(called(around + 1));
    bool layers = sh_token_is(&around[1], "append") || sh_token_is(&around[1], "replace");
    return sh_token_is(around, "(") && layers && sh_token_is(&around[2], ":");
}

sh_holds sh_string_holds(const sh_before *before, const char **kind)
{
    const sh_token *name = called(before->last);
    *kind = sh_token_is(before->last, "=") ? kind_of_field(&before->last[1]) : NULL;
    if (*kind) return SH_HOLDS_KIND;
    if (sh_token_is(name, "require")) return SH_HOLDS_MODULE;
    if (sh_token_is(name, "net")) return SH_HOLDS_NET;
    if (sh_token_is(name, "help")) return SH_HOLDS_TOPIC;
    return is_among_layers(before) ? SH_HOLDS_LAYERS : SH_HOLDS_TEXT;
}
