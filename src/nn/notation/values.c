/* Options in notation: name=value, values in their places, and words with options of their own. */
#include "nn/notation/parser.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- Words ---------------------------------------------------------------------------------- */

const void *nb_parse_find(nb_parser *p, const nb_family *family, const char *name)
{
    const nb_resolver *host = p->resolver;
    const void *type = family->find(name);
    if (type || !host || !nb_is_name(name)) return type;
    if (family == &nb_activation_family && host->activation)
        return host->activation(p->scan.ctx, host->self, name);
    if (family == &nb_cost_family && host->cost) return host->cost(p->scan.ctx, host->self, name);
    return NULL;
}

/* "(" NAME "=" value ("," NAME "=" value)* ")" */
static nb_status read_args(nb_parser *p, const nb_family *family, nb_chosen *chosen)
{
    static const nb_option none[] = {NB_OPTIONS_END};
    const nb_option *options = family->options(chosen->type);
    nb_target target = {
        .whose = family->name(chosen->type), .options = options ? options : none, .fields = chosen};
    do {
        nb_scan_next(&p->scan); /* over '(' or ',' */
        if (!nb_parse_at(p, NB_TOKEN_NAME))
            return nb_parse_expected(p, "an option, such as slope=0.2");
        nb_status status = nb_parse_option(p, &target);
        if (status != NB_OK) return status;
    } while (nb_parse_at_sign(p, ','));
    if (!nb_parse_at_sign(p, ')')) return nb_parse_expected(p, "',' or ')' after the option");
    nb_scan_next(&p->scan);
    return NB_OK;
}

nb_status nb_parse_chosen(nb_parser *p, const nb_family *family, nb_chosen *chosen)
{
    char name[NB_NAME_MAX + 1], what[2 * NB_NAME_MAX], range[NB_RANGE_MAX];
    const nb_option whole = {.name = family->noun, .kind = NB_CHOSEN, .family = family};
    nb_token token = p->scan.token;
    if (!nb_parse_at(p, NB_TOKEN_NAME)) {
        snprintf(what, sizeof what, "%.100s", nb_option_range(&whole, range));
        return nb_parse_expected(p, what);
    }
    const void *type = nb_parse_find(p, family, nb_parse_word(token, name));
    if (!type) {
        nb_unknown(p->scan.ctx, family->noun, name, family->name_at, NULL);
        return nb_parse_marked(p, token);
    }
    nb_option_choose(&whole, chosen, type);
    nb_scan_next(&p->scan);
    return nb_parse_at_sign(p, '(') ? read_args(p, family, chosen) : NB_OK;
}

/* True of the option for a layer's own name. */
static bool is_layer_name(const nb_target *target, const nb_option *option)
{
    return target->layer && option->kind == NB_NAME &&
           option->offset == offsetof(nb_layer_head, name);
}

/* The layer's name: one in its list, and none in a list that is repeated. */
static nb_status name_layer(nb_parser *p, nb_token token, nb_layer *layer, const char *name)
{
    const nb_layer *block = p->block[p->blocks - 1];
    if (p->repeats > 0)
        return nb_scan_fail(&p->scan, token,
                            "a layer that is repeated has no name; it would be there many times");
    for (int i = 0; i < block->children; i++) {
        if (strcmp(block->child[i]->head.name, name) == 0)
            return nb_scan_fail(&p->scan, token, "'%s' is the name of an earlier layer already",
                                name);
    }
    if (nb_layer_set_name(p->scan.ctx, layer, name) == NB_OK) return NB_OK;
    return nb_parse_marked(p, token);
}

static nb_status read_word(nb_parser *p, nb_target *target, const nb_option *option)
{
    char name[NB_NAME_MAX + 1];
    nb_ctx *ctx = p->scan.ctx;
    nb_token token = nb_parse_take(p);
    nb_parse_word(token, name);
    if (is_layer_name(target, option)) return name_layer(p, token, target->layer, name);
    if (nb_option_set_word(ctx, option, target->fields, name) == NB_OK) return NB_OK;
    return nb_parse_marked(p, token);
}

/* ---- Numbers -------------------------------------------------------------------------------- */

/* ["-"] (INT | NUMBER) */
static nb_status read_number(nb_parser *p, nb_target *target, const nb_option *option)
{
    double number;
    nb_token place = p->scan.token;
    bool negative = nb_parse_at_sign(p, '-');
    if (negative) nb_scan_next(&p->scan);
    nb_token token = p->scan.token;
    if (token.kind != NB_TOKEN_SIZE && token.kind != NB_TOKEN_NUMBER)
        return nb_parse_expected(p, "a number after '-'");
    if (!nb_scan_number(token, &number))
        return nb_scan_fail(&p->scan, token, "no number of 64 bits holds this one");
    nb_scan_next(&p->scan);
    if (nb_option_set(p->scan.ctx, option, target->fields, negative ? -number : number) == NB_OK)
        return NB_OK;
    return nb_parse_marked(p, place);
}

/* INT ("x" INT)+ */
static nb_status read_sizes(nb_parser *p, nb_target *target, const nb_option *option)
{
    double size[NB_SIZES_MAX];
    char quote[NB_QUOTE_MAX];
    int count = 0;
    nb_token token = nb_parse_take(p);
    if (memchr(token.at, '*', token.length)) return nb_parse_no_free(p, token);
    const char *at = token.at, *end = token.at + token.length;
    for (; at < end && count < NB_SIZES_MAX; at++) /* over the 'x' */
        size[count++] = (double)nb_scan_digits(at, NB_SIZE_MAX, &at);
    bool fits = option->kind == NB_SIZES && count <= option->most && at >= end;
    if (!fits) nb_option_wrong(p->scan.ctx, option, nb_scan_quote(token, quote));
    if (fits && nb_option_set_sizes(p->scan.ctx, option, target->fields, count, size) == NB_OK)
        return NB_OK;
    return nb_parse_marked(p, token);
}

/* ---- Options -------------------------------------------------------------------------------- */

nb_status nb_parse_value(nb_parser *p, nb_target *target, const nb_option *option)
{
    if (option->kind == NB_CHOSEN) {
        nb_wide value;
        nb_status status = nb_parse_chosen(p, option->family, &value.chosen);
        if (status == NB_OK)
            memcpy((char *)target->fields + option->offset, &value,
                   nb_family_size(option->family));
        return status;
    }
    if (nb_parse_at(p, NB_TOKEN_NAME)) return read_word(p, target, option);
    if (nb_parse_at(p, NB_TOKEN_SHAPE)) return read_sizes(p, target, option);
    if (nb_parse_at_number(p) || nb_parse_at_sign(p, '-')) return read_number(p, target, option);
    if (nb_parse_at_sign(p, '*')) return nb_parse_no_free(p, p->scan.token);
    char what[NB_RANGE_MAX + NB_NAME_MAX], range[NB_RANGE_MAX];
    snprintf(what, sizeof what, "%s after '%s='", nb_option_range(option, range), option->name);
    return nb_parse_expected(p, what);
}

nb_status nb_parse_give(nb_parser *p, nb_token token, nb_target *target, const nb_option *option)
{
    uint64_t bit = UINT64_C(1) << (option - target->options);
    if (target->given & bit)
        return nb_scan_fail(&p->scan, token, "%s is given twice", option->name);
    target->given |= bit;
    return NB_OK;
}

/* An option of the activation stands behind its name, not among the layer's. */
static nb_status unknown_option(nb_parser *p, nb_token key, const nb_target *target,
                                const char *name)
{
    const nb_activation_type *type = target->layer ? target->layer->head.activation.type : NULL;
    const nb_option *options = type ? nb_activation_family.options(type) : NULL;
    if (options && nb_option_find(options, name))
        return nb_scan_fail(&p->scan, key, "%s is an option of %s, written %s(%s=…)", name,
                            type->name, type->name, name);
    nb_option_unknown(p->scan.ctx, target->options, target->whose, name);
    return nb_parse_marked(p, key);
}

nb_status nb_parse_option(nb_parser *p, nb_target *target)
{
    char name[NB_NAME_MAX + 1];
    nb_token key = nb_parse_take(p);
    const nb_option *option = nb_option_find(target->options, nb_parse_word(key, name));
    if (!option) return unknown_option(p, key, target, name);
    if (option->kind == NB_WORD || option->kind == NB_HOST)
        return nb_scan_fail(&p->scan, key,
                            "%s holds what notation cannot say; it needs the table form", name);
    if (!nb_parse_at_sign(p, '=')) return nb_parse_expected(p, "'=' and the option's value");
    nb_scan_next(&p->scan);
    nb_status status = nb_parse_give(p, key, target, option);
    return status == NB_OK ? nb_parse_value(p, target, option) : status;
}
