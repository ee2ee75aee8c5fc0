/* One layer in notation: its word, the values in their places, its branches, its tail. */
#include "nn/notation/parser.h"
#include "nn/learns.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- Activations ---------------------------------------------------------------------------- */

static nb_status belongs_to_all(nb_parser *p, nb_token token, const char *name)
{
    return nb_scan_fail(&p->scan, token, "%s belongs to a whole layer; no neuron of it can differ",
                        name);
}

/* relu, for the whole layer */
static nb_status give_activation(nb_parser *p, nb_token token, nb_target *target,
                                 nb_activation found)
{
    nb_layer *layer = target->layer;
    if (layer->head.activation.type) {
        return nb_scan_fail(&p->scan, token,
                            "a layer has one activation; neurons that differ are written as %s@7",
                            found.type->name);
    }
    if (found.type->whole_layer && layer->differ_count > 0)
        return belongs_to_all(p, token, found.type->name);
    layer->head.activation = found;
    return nb_parse_give(p, token, target, nb_option_find(target->options, "activation"));
}

/* @7 or @9..12, behind the word */
static nb_status read_neurons(nb_parser *p, nb_token token, nb_layer *layer, nb_activation found)
{
    static const char noun[] = "a neuron's number";
    const nb_activation_type *all = layer->head.activation.type;
    int64_t first, last;
    if (found.type->whole_layer) return belongs_to_all(p, token, found.type->name);
    if (all && all->whole_layer) return belongs_to_all(p, token, all->name);
    nb_scan_next(&p->scan);
    nb_token place = p->scan.token;
    nb_status status = nb_parse_whole(p, noun, "a neuron's number after '@'", &first);
    if (status != NB_OK) return status;
    last = first;
    if (nb_parse_at(p, NB_TOKEN_RANGE)) {
        nb_scan_next(&p->scan);
        status = nb_parse_whole(p, noun, "the last neuron's number after '..'", &last);
        if (status != NB_OK) return status;
    }
    if (last < first) {
        return nb_scan_fail(&p->scan, place,
                            "neurons go from the first to the last, not from %lld to %lld",
                            (long long)first, (long long)last);
    }
    if (nb_layer_differ(p->scan.ctx, layer, first - 1, last - first + 1, found) == NB_OK)
        return NB_OK;
    return nb_parse_marked(p, token);
}

static nb_status read_activation(nb_parser *p, nb_target *target)
{
    nb_chosen chosen;
    nb_activation found;
    nb_token token = p->scan.token;
    nb_status status = nb_parse_chosen(p, &nb_activation_family, &chosen);
    if (status != NB_OK) return status;
    found.type = chosen.type;
    memcpy(found.number, chosen.number, sizeof found.number);
    if (!nb_parse_at_sign(p, '@')) return give_activation(p, token, target, found);
    return read_neurons(p, token, target->layer, found);
}

/* ---- The tail ------------------------------------------------------------------------------- */

static nb_status unknown_word(nb_parser *p, nb_token token, const nb_target *target, bool takes)
{
    char name[NB_NAME_MAX + 1];
    if (nb_layer_find(nb_parse_word(token, name)))
        return nb_scan_fail(&p->scan, token, "expected '-' before the layer '%s'", name);
    const nb_option *option = nb_option_of_word(target->options, name);
    if (option)
        return nb_scan_fail(&p->scan, token, "'%s' stands behind its option: %s=%s", name,
                            option->name, name);
    if (takes && nb_nearest(name, nb_activation_name_at, NULL)) {
        nb_unknown(p->scan.ctx, "activation", name, nb_activation_name_at, NULL);
        return nb_parse_marked(p, token);
    }
    if (takes && !nb_nearest(name, nb_option_name_at, target->options))
        nb_unknown(p->scan.ctx, "activation", name, nb_activation_name_at, NULL);
    else
        nb_option_unknown(p->scan.ctx, target->options, target->whose, name);
    return nb_parse_marked(p, token);
}

/* FLAG, option or act */
static nb_status read_word(nb_parser *p, nb_target *target)
{
    char name[NB_NAME_MAX + 1];
    nb_token token = p->scan.token, next = nb_scan_peek(&p->scan);
    const nb_option *option = nb_option_find(target->options, nb_parse_word(token, name));
    bool takes = nb_option_find(target->options, "activation") != NULL;
    if (next.kind == NB_TOKEN_SIGN && *next.at == '=') return nb_parse_option(p, target);
    if (option && option->kind == NB_BOOLEAN) {
        nb_scan_next(&p->scan);
        nb_option_set(p->scan.ctx, option, target->fields, 1);
        return nb_parse_give(p, token, target, option);
    }
    if (option) return nb_scan_fail(&p->scan, token, "%s needs a value, as in %s=…", name, name);
    const nb_activation_type *found = nb_parse_find(p, &nb_activation_family, name);
    if (!found) return unknown_word(p, token, target, takes);
    if (!takes)
        return nb_scan_fail(&p->scan, token, "%s has no neurons and takes no activation",
                            target->whose);
    return read_activation(p, target);
}

/* ---- Values in their places ----------------------------------------------------------------- */

static const nb_option *option_at(const nb_option *options, int place)
{
    for (; options->name; options++)
        if (options->place == place) return options;
    return NULL;
}

static nb_status too_many(nb_parser *p, const nb_target *target)
{
    const nb_option *last = NULL, *next;
    for (int place = 1; (next = option_at(target->options, place)); place++) last = next;
    if (!last) return nb_scan_fail(&p->scan, p->scan.token, "%s takes no number", target->whose);
    return nb_scan_fail(&p->scan, p->scan.token, "%s takes no further number after its %s",
                        target->whose, last->name);
}

/* Nothing stands in a place that needs a value. */
static nb_status missing(nb_parser *p, const nb_target *target, const nb_option *option)
{
    char what[3 * NB_NAME_MAX];
    int64_t none;
    if (nb_parse_at_sign(p, '*')) return nb_parse_no_free(p, p->scan.token);
    snprintf(what, sizeof what, "the %s of %s", option->name, target->whose);
    bool below = p->scan.token.spaced && nb_parse_at_negative(p);
    if (below && option->kind == NB_NUMBER && option->range) {
        nb_token number = nb_parse_negative(p);
        return nb_scan_fail(&p->scan, number, "%s must be %s, not %.*s", option->name,
                            option->range, (int)number.length, number.at);
    }
    if (below) return nb_parse_whole(p, option->name, what, &none);
    return nb_parse_expected(p, what);
}

/* "units=" may stand behind instead. */
static bool at_option(const nb_parser *p)
{
    nb_token next = nb_scan_peek(&p->scan);
    return nb_parse_at(p, NB_TOKEN_NAME) && next.kind == NB_TOKEN_SIGN && *next.at == '=';
}

static nb_status read_arguments(nb_parser *p, nb_target *target)
{
    for (int place = 1;; place++) {
        const nb_option *option = option_at(target->options, place);
        if (!nb_parse_at_number(p)) {
            bool needed = option && option->required && !at_option(p);
            return needed ? missing(p, target, option) : NB_OK;
        }
        if (!option) return too_many(p, target);
        nb_status status = nb_parse_give(p, p->scan.token, target, option);
        if (status == NB_OK) status = nb_parse_value(p, target, option);
        if (status != NB_OK) return status;
    }
}

/* ---- The layer ------------------------------------------------------------------------------ */

static nb_status check_required(nb_parser *p, const nb_target *target)
{
    for (const nb_option *option = target->options; option->name; option++) {
        uint64_t bit = UINT64_C(1) << (option - target->options);
        if (option->required && !(target->given & bit)) return missing(p, target, option);
    }
    return NB_OK;
}

static nb_status read_parts(nb_parser *p, nb_layer *layer)
{
    nb_status status;
    nb_target target = {.whose = layer->type->name,
                        .options = layer->type->options,
                        .fields = layer->settings,
                        .layer = layer};
    if (layer->type->branches > 0)
        status = nb_parse_branches(p, layer);
    else
        status = read_arguments(p, &target);
    while (status == NB_OK && nb_parse_at(p, NB_TOKEN_NAME)) status = read_word(p, &target);
    if (status != NB_OK) return status;
    if (layer->head.frozen) nb_layer_freeze(layer, true); /* with all that stands in it */
    return nb_parse_at_number(p) ? too_many(p, &target) : check_required(p, &target);
}

static nb_status unknown_layer(nb_parser *p, nb_token token, const char *name)
{
    const nb_activation_type *found = nb_parse_find(p, &nb_activation_family, name);
    if (found)
        return nb_scan_fail(&p->scan, token,
                            "%s is an activation; it stands after a layer's size, as in 30 %s",
                            found->name, found->name);
    nb_unknown(p->scan.ctx, "layer", name, nb_layer_name_at, NULL);
    return nb_parse_marked(p, token);
}

/* The type that the layer's word names; a number means dense. NULL: none. */
static const nb_layer_type *read_type(nb_parser *p)
{
    char name[NB_NAME_MAX + 1];
    int64_t none;
    nb_token token = p->scan.token;
    const nb_layer_type *type = nb_layer_types[NB_LAYER_dense];
    if (nb_parse_at_number(p)) return type;
    if (nb_parse_at_sign(p, '*')) {
        nb_parse_no_free(p, token);
        return NULL;
    }
    if (!nb_parse_at(p, NB_TOKEN_NAME)) {
        nb_parse_whole(p, "a size", "a layer, such as 30 or dense 30 relu", &none);
        return NULL;
    }
    type = nb_layer_find(nb_parse_word(token, name));
    if (!type) {
        unknown_layer(p, token, name);
        return NULL;
    }
    if (type->table_only) {
        nb_scan_fail(&p->scan, token,
                     "a layer of type %s holds what notation cannot say; it needs the table form, "
                     "such as nn.net{64, nn.%s{…}, 10}",
                     name, name);
        return NULL;
    }
    nb_scan_next(&p->scan);
    return type;
}

static nb_layer *new_layer(nb_ctx *ctx, const nb_layer_type *type)
{
    if (type != nb_layer_types[NB_LAYER_net]) return nb_layer_new(ctx, type);
    nb_net *net = nb_net_new(ctx);
    return net ? &net->layer : NULL;
}

nb_layer *nb_parse_layer(nb_parser *p)
{
    const nb_layer_type *type = read_type(p);
    nb_layer *layer = type ? new_layer(p->scan.ctx, type) : NULL;
    if (!layer) return NULL;
    if (read_parts(p, layer) == NB_OK) return layer;
    nb_layer_release(p->scan.ctx, layer);
    return NULL;
}
