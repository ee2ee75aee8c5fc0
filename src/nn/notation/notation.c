/* Reads notation, one function a rule of its grammar. No rule calls itself, so no text is too deep.
 */
#include "nn/notation/notation.h"

#include "base/memory.h"
#include "nn/notation/scan.h"

#include <stdio.h>
#include <string.h>

/* ---- Specifications ------------------------------------------------------------------------- */

enum { FIRST_LAYERS = 4 };

static size_t layers_bytes(int room)
{
    return (size_t)room * sizeof(nb_layer_spec);
}

nb_layer_spec *nb_net_spec_add(nb_ctx *ctx, nb_net_spec *spec)
{
    if (spec->layers == spec->room) {
        int room = spec->room ? 2 * spec->room : FIRST_LAYERS;
        nb_layer_spec *list =
            nb_resize(ctx, spec->layer, layers_bytes(spec->room), layers_bytes(room));
        if (!list) return NULL;
        spec->layer = list;
        spec->room = room;
    }
    nb_layer_spec *layer = &spec->layer[spec->layers++];
    *layer = (nb_layer_spec){.type = NULL};
    return layer;
}

static void free_runs(nb_ctx *ctx, nb_layer_spec *layer)
{
    nb_free(ctx, layer->runs, (size_t)layer->run_count * sizeof(nb_run));
    layer->runs = NULL;
    layer->run_count = 0;
}

void nb_net_spec_free(nb_ctx *ctx, nb_net_spec *spec)
{
    for (int i = 0; i < spec->layers; i++) free_runs(ctx, &spec->layer[i]);
    nb_free(ctx, spec->layer, layers_bytes(spec->room));
    *spec = (nb_net_spec){.layer = NULL};
}

/* ---- Names and sizes ------------------------------------------------------------------------ */

typedef struct parser {
    nb_scan scan;
    const nb_resolver *resolver;
    nb_layer_spec *layer; /* the one being read */
} parser;

static bool at_kind(const parser *p, nb_token_kind kind)
{
    return p->scan.token.kind == kind;
}

static bool at_sign(const parser *p, char sign)
{
    return nb_scan_at(&p->scan, sign);
}

/* The token to be read, and on to the next. */
static nb_token take(parser *p)
{
    nb_token token = p->scan.token;
    nb_scan_next(&p->scan);
    return token;
}

/* The token as a string; cut where it is longer than any name may be, so that it matches none. */
static const char *name_of(nb_token token, char out[NB_NAME_MAX + 1])
{
    size_t length = token.length < NB_NAME_MAX ? token.length : NB_NAME_MAX;
    memcpy(out, token.at, length);
    out[length] = '\0';
    return out;
}

/* "expected …, not 'x'" */
static nb_status expected(parser *p, const char *what)
{
    char quote[NB_QUOTE_MAX];
    nb_token token = p->scan.token;
    return nb_scan_fail(&p->scan, token, "expected %s, not %s", what, nb_scan_quote(token, quote));
}

/* "unknown activation 'rleu'; did you mean 'relu'?" */
static nb_status unknown(parser *p, nb_token token, const char *kind, nb_name_at *next)
{
    char quote[NB_QUOTE_MAX], name[NB_NAME_MAX + 1];
    const char *near = nb_nearest(name_of(token, name), next, NULL);
    return nb_scan_fail(&p->scan, token, "unknown %s %s%s%s%s", kind, nb_scan_quote(token, quote),
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* True at "-30": a sign that stands before a digit where a number is wanted. */
static bool at_negative(const parser *p)
{
    nb_token next = nb_scan_peek(&p->scan);
    return at_sign(p, '-') && !next.spaced && next.length > 0 && next.at[0] >= '0' &&
           next.at[0] <= '9';
}

/* What a number is called in messages. */
static const char a_size[] = "a size", a_neuron[] = "a neuron's number";

static nb_status too_small(parser *p, nb_token token, const char *noun)
{
    char quote[NB_QUOTE_MAX];
    return nb_scan_fail(&p->scan, token, "%s must be at least 1, not %s", noun,
                        nb_scan_quote(token, quote));
}

static nb_status negative(parser *p, const char *noun)
{
    nb_token minus = p->scan.token, digits = nb_scan_peek(&p->scan);
    minus.length = (size_t)(digits.at - minus.at) + digits.length;
    return too_small(p, minus, noun);
}

/* The number that stands at `at` within a token; *end is what follows it. */
static nb_status number_at(parser *p, const char *noun, const char *at, int64_t *number,
                           const char **end)
{
    char quote[NB_QUOTE_MAX];
    int64_t value = nb_scan_digits(at, NB_SIZE_MAX, end);
    nb_token digits = {.kind = NB_TOKEN_SIZE, .at = at, .length = (size_t)(*end - at)};
    if (value > NB_SIZE_MAX) {
        return nb_scan_fail(&p->scan, digits, "%s must be at most %lld, not %s", noun,
                            (long long)NB_SIZE_MAX, nb_scan_quote(digits, quote));
    }
    if (value < 1) return too_small(p, digits, noun);
    *number = value;
    return NB_OK;
}

static bool at_number(const parser *p)
{
    return at_kind(p, NB_TOKEN_SIZE) || at_kind(p, NB_TOKEN_SHAPE) || at_kind(p, NB_TOKEN_NUMBER);
}

/* One whole number; `what` is expected. */
static nb_status read_number(parser *p, const char *noun, const char *what, int64_t *number)
{
    char quote[NB_QUOTE_MAX];
    const char *end;
    nb_token token = p->scan.token;
    if (token.spaced && at_negative(p)) return negative(p, noun);
    if (!at_number(p)) return expected(p, what);
    if (token.kind != NB_TOKEN_SIZE) {
        return nb_scan_fail(&p->scan, token, "%s must be one whole number, not %s", noun,
                            nb_scan_quote(token, quote));
    }
    nb_status status = number_at(p, noun, token.at, number, &end);
    if (status == NB_OK) nb_scan_next(&p->scan);
    return status;
}

/* ---- The activation ------------------------------------------------------------------------- */

static const nb_activation *find_activation(parser *p, nb_token token)
{
    char name[NB_NAME_MAX + 1];
    const nb_resolver *resolver = p->resolver;
    const nb_activation *found = nb_activation_find(name_of(token, name));
    if (found || !resolver || !resolver->activation || !nb_notation_is_name(name)) return found;
    return resolver->activation(p->scan.ctx, resolver->self, name);
}

static nb_status unknown_activation(parser *p, nb_token token)
{
    char name[NB_NAME_MAX + 1];
    if (!nb_layer_find(name_of(token, name))) {
        return unknown(p, token, "activation", nb_activation_name_at);
    }
    return nb_scan_fail(&p->scan, token, "expected '-' before the layer '%s'", name);
}

/* relu, for the whole layer */
static nb_status read_activation(parser *p, nb_token token, const nb_activation *found)
{
    if (p->layer->activation) {
        return nb_scan_fail(&p->scan, token,
                            "a layer has one activation; neurons that differ are written as %s@7",
                            found->name);
    }
    if (found->whole_layer && p->layer->run_count > 0) {
        return nb_scan_fail(&p->scan, token,
                            "%s belongs to a whole layer; no neuron of it can differ", found->name);
    }
    p->layer->activation = found;
    return NB_OK;
}

static nb_status add_run(parser *p, nb_run run)
{
    nb_layer_spec *layer = p->layer;
    size_t bytes = (size_t)layer->run_count * sizeof run;
    nb_run *runs = nb_resize(p->scan.ctx, layer->runs, bytes, bytes + sizeof run);
    if (!runs) return p->scan.ctx->status;
    layer->runs = runs;
    layer->runs[layer->run_count++] = run;
    return NB_OK;
}

/* @7 or @9..12, behind the name */
static nb_status read_neurons(parser *p, nb_token token, const nb_activation *found)
{
    const nb_activation *all = p->layer->activation;
    int64_t first, last;
    if (found->whole_layer || (all && all->whole_layer)) {
        return nb_scan_fail(&p->scan, token,
                            "%s belongs to a whole layer; no neuron of it can differ",
                            found->whole_layer ? found->name : all->name);
    }
    nb_scan_next(&p->scan);
    nb_token place = p->scan.token;
    nb_status status = read_number(p, a_neuron, "a neuron's number after '@'", &first);
    if (status != NB_OK) return status;
    last = first;
    if (at_kind(p, NB_TOKEN_RANGE)) {
        nb_scan_next(&p->scan);
        status = read_number(p, a_neuron, "the last neuron's number after '..'", &last);
        if (status != NB_OK) return status;
    }
    if (last < first) {
        return nb_scan_fail(&p->scan, place,
                            "neurons go from the first to the last, not from %lld to %lld",
                            (long long)first, (long long)last);
    }
    nb_run run = {.start = first - 1, .count = last - first + 1, .activation = found};
    return add_run(p, run);
}

static nb_status read_some_activation(parser *p)
{
    nb_token token = p->scan.token;
    const nb_activation *found = find_activation(p, token);
    if (!found) return unknown_activation(p, token);
    if (!p->layer->type->neurons) {
        return nb_scan_fail(&p->scan, token, "%s has no neurons and takes no activation",
                            p->layer->type->name);
    }
    nb_scan_next(&p->scan);
    return at_sign(p, '@') ? read_neurons(p, token, found) : read_activation(p, token, found);
}

/* ---- Options -------------------------------------------------------------------------------- */

static nb_status read_init(parser *p)
{
    char name[NB_NAME_MAX + 1];
    nb_token token = p->scan.token;
    if (p->layer->init) return nb_scan_fail(&p->scan, token, "init is given twice");
    p->layer->init = nb_init_find(name_of(token, name));
    if (!p->layer->init) return unknown(p, token, "initialiser", nb_init_name_at);
    return NB_OK;
}

static nb_status read_name(parser *p)
{
    nb_token token = p->scan.token;
    if (p->layer->name[0]) return nb_scan_fail(&p->scan, token, "name is given twice");
    if (token.length >= NB_NAME_MAX) {
        return nb_scan_fail(&p->scan, token, "a name has at most %d letters, not %zu",
                            NB_NAME_MAX - 1, token.length);
    }
    memcpy(p->layer->name, token.at, token.length);
    return NB_OK;
}

static const struct layer_option {
    const char *name;
    const char *value; /* what is expected after '=' */
    nb_status (*read)(parser *p);
} layer_options[] = {
    {"init", "an initialiser after 'init=', such as he", read_init},
    {"name", "a name of letters, digits and '_' after 'name='", read_name},
};

enum { LAYER_OPTIONS = sizeof layer_options / sizeof layer_options[0] };

static const char *option_name_at(const void *list, size_t i)
{
    (void)list;
    return i < LAYER_OPTIONS ? layer_options[i].name : NULL;
}

static nb_status unknown_option(parser *p, nb_token key)
{
    char name[NB_NAME_MAX + 1], quote[NB_QUOTE_MAX];
    const char *near = nb_nearest(name_of(key, name), option_name_at, NULL);
    return nb_scan_fail(&p->scan, key, "%s has no option %s%s%s%s", p->layer->type->name,
                        nb_scan_quote(key, quote), near ? "; did you mean '" : "",
                        near ? near : "; it has init and name", near ? "'?" : "");
}

static nb_status read_option(parser *p)
{
    char name[NB_NAME_MAX + 1];
    nb_token key = take(p);
    nb_scan_next(&p->scan); /* '=' */
    name_of(key, name);
    for (size_t i = 0; i < LAYER_OPTIONS; i++) {
        if (strcmp(layer_options[i].name, name) != 0) continue;
        if (!at_kind(p, NB_TOKEN_NAME)) return expected(p, layer_options[i].value);
        nb_status status = layer_options[i].read(p);
        if (status == NB_OK) nb_scan_next(&p->scan);
        return status;
    }
    return unknown_option(p, key);
}

/* ---- Layers --------------------------------------------------------------------------------- */

static int sizes_wanted(const nb_layer_type *type)
{
    int count = 0;
    while (type->size_names[count]) count++;
    return count;
}

static nb_status too_many_sizes(parser *p, int wanted)
{
    const nb_layer_type *type = p->layer->type;
    return nb_scan_fail(&p->scan, p->scan.token, "%s takes no %snumber%s%s", type->name,
                        wanted ? "further " : "", wanted ? " after its " : "",
                        wanted ? type->size_names[wanted - 1] : "");
}

static nb_status read_sizes(parser *p)
{
    nb_layer_spec *layer = p->layer;
    int wanted = sizes_wanted(layer->type);
    while (layer->sizes < wanted) {
        char what[2 * NB_NAME_MAX];
        snprintf(what, sizeof what, "the %s of %s", layer->type->size_names[layer->sizes],
                 layer->type->name);
        nb_status status = read_number(p, a_size, what, &layer->size[layer->sizes]);
        if (status != NB_OK) return status;
        layer->sizes++;
    }
    return at_number(p) ? too_many_sizes(p, wanted) : NB_OK;
}

static nb_status unknown_layer(parser *p, nb_token token)
{
    const nb_activation *found = find_activation(p, token);
    if (!found) return unknown(p, token, "layer", nb_layer_name_at);
    return nb_scan_fail(&p->scan, token,
                        "%s is an activation; it stands after a layer's size, as in 30 %s",
                        found->name, found->name);
}

/* The layer's word; a bare number is a dense layer. */
static nb_status read_type(parser *p)
{
    char name[NB_NAME_MAX + 1];
    nb_token token = p->scan.token;
    p->layer->type = nb_layer_types[NB_LAYER_dense];
    if (at_number(p)) return NB_OK;
    if (at_negative(p)) return negative(p, a_size);
    if (!at_kind(p, NB_TOKEN_NAME)) return expected(p, "a layer, such as 30 or dense 30 relu");
    p->layer->type = nb_layer_find(name_of(token, name));
    if (!p->layer->type) return unknown_layer(p, token);
    if (p->layer->type->table_only) {
        return nb_scan_fail(
            &p->scan, token,
            "a layer of type %s holds what notation cannot say; it needs the table form, "
            "such as nn.net{64, nn.%s{…}, 10}",
            name, name);
    }
    nb_scan_next(&p->scan);
    return NB_OK;
}

/* Everything up to '-', ':' or the end. */
static nb_status read_layer(parser *p, nb_layer_spec *layer)
{
    p->layer = layer;
    nb_status status = read_type(p);
    if (status == NB_OK) status = read_sizes(p);
    while (status == NB_OK && at_kind(p, NB_TOKEN_NAME)) {
        nb_token next = nb_scan_peek(&p->scan);
        bool option = next.kind == NB_TOKEN_SIGN && *next.at == '=';
        status = option ? read_option(p) : read_some_activation(p);
    }
    return status;
}

nb_status nb_notation_parse_layer(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                  nb_layer_spec *layer)
{
    parser p = {.resolver = resolver};
    nb_scan_start(&p.scan, ctx, text);
    nb_status status = read_layer(&p, layer);
    if (status == NB_OK && !at_kind(&p, NB_TOKEN_END)) {
        status = expected(&p, "the end of this one layer");
    }
    if (status != NB_OK) free_runs(ctx, layer);
    return status;
}

/* ---- Networks ------------------------------------------------------------------------------- */

/* 64 or 1x28x28 */
static nb_status read_shape(parser *p, nb_net_spec *spec)
{
    nb_token token = p->scan.token;
    if (at_negative(p)) return negative(p, a_size);
    if (!at_kind(p, NB_TOKEN_SIZE) && !at_kind(p, NB_TOKEN_SHAPE)) {
        return expected(p, "the input's shape first, such as 64 or 1x28x28");
    }
    const char *at = token.at, *end = token.at + token.length;
    for (; at < end; at++) { /* over the 'x' */
        if (spec->in_dims == NB_INPUT_DIMS_MAX) {
            return nb_scan_fail(&p->scan, token, "a shape has at most %d sizes", NB_INPUT_DIMS_MAX);
        }
        nb_status status = number_at(p, a_size, at, &spec->in_shape[spec->in_dims], &at);
        if (status != NB_OK) return status;
        spec->in_dims++;
    }
    nb_scan_next(&p->scan);
    return NB_OK;
}

static nb_status read_cost(parser *p, nb_net_spec *spec)
{
    char name[NB_NAME_MAX + 1];
    const nb_resolver *resolver = p->resolver;
    nb_token token = p->scan.token;
    if (!at_kind(p, NB_TOKEN_NAME)) return expected(p, "a cost after ':', such as quadratic");
    spec->cost = nb_cost_find(name_of(token, name));
    if (!spec->cost && resolver && resolver->cost && nb_notation_is_name(name)) {
        spec->cost = resolver->cost(p->scan.ctx, resolver->self, name);
    }
    if (!spec->cost) return unknown(p, token, "cost", nb_cost_name_at);
    nb_scan_next(&p->scan);
    return NB_OK;
}

static nb_status read_layers(parser *p, nb_net_spec *spec)
{
    if (!at_sign(p, '-')) return expected(p, "'-' and a layer after the input's shape");
    while (at_sign(p, '-')) {
        nb_layer_spec *layer = nb_net_spec_add(p->scan.ctx, spec);
        if (!layer) return p->scan.ctx->status;
        nb_scan_next(&p->scan);
        nb_status status = read_layer(p, layer);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

static nb_status read_net(parser *p, nb_net_spec *spec)
{
    nb_status status = read_shape(p, spec);
    if (status == NB_OK) status = read_layers(p, spec);
    if (status != NB_OK) return status;
    spec->cost = nb_costs[NB_COST_quadratic];
    if (at_sign(p, ':')) {
        nb_scan_next(&p->scan);
        status = read_cost(p, spec);
        if (status == NB_OK && !at_kind(p, NB_TOKEN_END))
            status = expected(p, "the end after the cost");
        return status;
    }
    if (at_kind(p, NB_TOKEN_END)) return NB_OK;
    return expected(p, "an activation, an option such as init=he, '-', ':' or the end");
}

nb_status nb_notation_parse(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                            nb_net_spec *spec)
{
    parser p = {.resolver = resolver};
    nb_scan_start(&p.scan, ctx, text);
    nb_status status = read_net(&p, spec);
    if (status != NB_OK) nb_net_spec_free(ctx, spec);
    return status;
}

bool nb_notation_is_name(const char *name)
{
    nb_scan scan;
    nb_scan_start(&scan, NULL, name);
    const nb_token *token = &scan.token;
    return token->kind == NB_TOKEN_NAME && token->at == name && token->length < NB_NAME_MAX &&
           name[token->length] == '\0';
}
