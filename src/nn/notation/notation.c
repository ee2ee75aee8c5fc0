/* What notation is read into: networks, layers, lists, and values that stand alone. */
#include "nn/notation/notation.h"

#include "nn/notation/parser.h"

#include <string.h>

static nb_parser parser_of(nb_ctx *ctx, const char *text, const nb_resolver *resolver)
{
    nb_parser p = {.resolver = resolver};
    nb_scan_start(&p.scan, ctx, text);
    return p;
}

static nb_status stray_bracket(nb_parser *p)
{
    if (nb_parse_at_sign(p, ']'))
        return nb_scan_fail(&p->scan, p->scan.token, "no '[' is open before this ']'");
    return nb_scan_fail(&p->scan, p->scan.token,
                        "'|' stands between the branches of a block, as in residual[30 | 30]");
}

/* Nothing of a list stands behind its last item; `what` may. */
static nb_status end_of_list(nb_parser *p, const char *what)
{
    if (nb_parse_at_sign(p, ']') || nb_parse_at_sign(p, '|')) return stray_bracket(p);
    return nb_parse_expected(p, what);
}

/* ---- Networks ------------------------------------------------------------------------------- */

static const char an_input[] = "the input's shape first, such as 64, 1x28x28 or *x64";

/* One size of the shape, digits or '*', at *at. */
static nb_status read_size(nb_parser *p, nb_net *net, const char **at)
{
    int64_t *size = &net->in_size[net->in_dims];
    if (net->in_dims == NB_INPUT_DIMS_MAX)
        return nb_scan_fail(&p->scan, p->scan.token, "a shape has at most %d sizes",
                            NB_INPUT_DIMS_MAX);
    net->in_dims++;
    if (**at != '*') return nb_parse_digits(p, "a size", *at, size, at);
    *size = -1;
    ++*at;
    return NB_OK;
}

static nb_status read_shape(nb_parser *p, nb_net *net)
{
    nb_token token = p->scan.token;
    const char *at = token.at, *end = at + token.length;
    int64_t none;
    bool shape = token.kind == NB_TOKEN_SIZE || token.kind == NB_TOKEN_SHAPE;
    if (nb_parse_at_negative(p)) return nb_parse_whole(p, "a size", an_input, &none);
    if (!shape && !nb_parse_at_sign(p, '*')) return nb_parse_expected(p, an_input);
    for (; at < end; at++) { /* over the 'x' */
        nb_status status = read_size(p, net, &at);
        if (status != NB_OK) return status;
    }
    nb_scan_next(&p->scan);
    return NB_OK;
}

/* NAME option* */
static nb_status read_cost(nb_parser *p, nb_cost *cost)
{
    char name[NB_NAME_MAX + 1];
    static const nb_option none[] = {NB_OPTIONS_END};
    nb_token token = p->scan.token;
    if (!nb_parse_at(p, NB_TOKEN_NAME))
        return nb_parse_expected(p, "a cost after ':', such as quadratic");
    const nb_cost_type *type = nb_parse_find(p, &nb_cost_family, nb_parse_word(token, name));
    if (!type) {
        nb_unknown(p->scan.ctx, "cost", name, nb_cost_name_at, NULL);
        return nb_parse_marked(p, token);
    }
    nb_scan_next(&p->scan);
    *cost = nb_cost_make(type);
    nb_target target = {
        .whose = type->name, .options = type->options ? type->options : none, .fields = cost};
    while (nb_parse_at(p, NB_TOKEN_NAME)) {
        nb_status status = nb_parse_option(p, &target);
        if (status != NB_OK) return status;
    }
    if (nb_parse_at(p, NB_TOKEN_END)) return NB_OK;
    return nb_parse_expected(p, "an option of the cost or the end after it");
}

/* "space" or "steps", where the sizes alone leave it open. */
static nb_status read_reading(nb_parser *p, nb_net *net)
{
    char word[NB_NAME_MAX + 1];
    if (!nb_parse_at(p, NB_TOKEN_NAME)) return NB_OK;
    nb_token token = p->scan.token;
    nb_reading reading = nb_reading_find(nb_parse_word(token, word));
    if (reading == NB_OPEN)
        return nb_parse_expected(p, "'-' and a layer after the input's shape, or space or steps, "
                                    "as which it is read");
    if (!nb_reading_fits(reading, net->in_dims))
        return nb_scan_fail(&p->scan, token, "%s",
                            reading == NB_STEPS ? "steps have one size, or two, the features last"
                                                : "space is channels, then one or two extents");
    net->in_reading = reading;
    nb_scan_next(&p->scan);
    return NB_OK;
}

static nb_status read_net(nb_parser *p, nb_net *net)
{
    nb_status status = read_shape(p, net);
    if (status == NB_OK) status = read_reading(p, net);
    if (status != NB_OK) return status;
    if (!nb_parse_at_sign(p, '-'))
        return nb_parse_expected(p, "'-' and a layer after the input's shape");
    nb_scan_next(&p->scan);
    p->block[p->blocks++] = &net->layer;
    status = nb_parse_list(p);
    if (status != NB_OK || nb_parse_at(p, NB_TOKEN_END)) return status;
    if (!nb_parse_at_sign(p, ':'))
        return end_of_list(p, "an activation, an option such as init=he, '-', ':' or the end");
    nb_scan_next(&p->scan);
    return read_cost(p, &net->cost);
}

nb_net *nb_notation_parse(nb_ctx *ctx, const char *text, const nb_resolver *resolver)
{
    nb_parser p = parser_of(ctx, text, resolver);
    nb_net *net = nb_net_new(ctx);
    if (!net) return NULL;
    if (read_net(&p, net) == NB_OK) return net;
    nb_net_release(ctx, net);
    return NULL;
}

/* ---- Parts of tables ------------------------------------------------------------------------ */

nb_status nb_notation_parse_into(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                 nb_layer *block)
{
    nb_parser p = parser_of(ctx, text, resolver);
    p.block[p.blocks++] = block;
    nb_status status = nb_parse_list(&p);
    if (status != NB_OK || nb_parse_at(&p, NB_TOKEN_END)) return status;
    return end_of_list(&p, "an activation, an option such as init=he, '-' or the end");
}

nb_layer *nb_notation_parse_layer(nb_ctx *ctx, const char *text, const nb_resolver *resolver)
{
    nb_parser p = parser_of(ctx, text, resolver);
    nb_net *list = nb_net_new(ctx); /* for the item to stand in, alone */
    if (!list) return NULL;
    p.block[p.blocks++] = &list->layer;
    nb_layer *layer = nb_parse_layer(&p);
    if (layer && !nb_parse_at(&p, NB_TOKEN_END)) {
        nb_parse_expected(&p, "the end of this one layer");
        nb_layer_release(ctx, layer);
        layer = NULL;
    }
    nb_net_release(ctx, list);
    return layer;
}

/* ---- Values alone --------------------------------------------------------------------------- */

/* A word of the family with its options, and nothing behind it. */
static nb_status parse_chosen(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                              const nb_family *family, nb_chosen *chosen)
{
    nb_parser p = parser_of(ctx, text, resolver);
    p.scan.plain = true;
    nb_status status = nb_parse_chosen(&p, family, chosen);
    if (status != NB_OK || nb_parse_at(&p, NB_TOKEN_END)) return status;
    return nb_parse_expected(&p, "nothing more behind the name and its options");
}

nb_status nb_notation_option(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                             const nb_option *option, void *target)
{
    nb_wide value;
    nb_status status = parse_chosen(ctx, text, resolver, option->family, &value.chosen);
    if (status == NB_OK)
        memcpy((char *)target + option->offset, &value, nb_family_size(option->family));
    return status;
}

nb_status nb_notation_activation(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                 nb_activation *activation)
{
    nb_chosen chosen;
    nb_status status = parse_chosen(ctx, text, resolver, &nb_activation_family, &chosen);
    if (status != NB_OK) return status;
    activation->type = chosen.type;
    memcpy(activation->number, chosen.number, sizeof chosen.number);
    return NB_OK;
}

nb_status nb_notation_init(nb_ctx *ctx, const char *text, nb_init *init)
{
    nb_chosen chosen;
    nb_status status = parse_chosen(ctx, text, NULL, &nb_init_family, &chosen);
    if (status != NB_OK) return status;
    init->type = chosen.type;
    memcpy(init->number, chosen.number, sizeof chosen.number);
    return NB_OK;
}

nb_status nb_notation_cost(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                           nb_cost *cost)
{
    nb_cost read;
    nb_parser p = parser_of(ctx, text, resolver);
    p.scan.plain = true;
    nb_status status = read_cost(&p, &read);
    if (status == NB_OK) *cost = read;
    return status;
}

bool nb_notation_is_name(const char *name)
{
    return nb_is_name(name);
}
