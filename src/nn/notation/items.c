/* Lists of items: layers, shared ones, repeats, and the branches of a block. */
#include "nn/notation/parser.h"

#include <stdio.h>
#include <string.h>

/* ---- Limits --------------------------------------------------------------------------------- */

static nb_status too_deep(nb_parser *p, nb_token token)
{
    return nb_scan_fail(&p->scan, token, "layers stand at most %d deep in one another",
                        NB_LAYER_DEPTH);
}

static nb_status count_places(nb_parser *p, nb_token token, int64_t places)
{
    p->places += places;
    if (p->places <= NB_LAYER_PLACES) return NB_OK;
    return nb_scan_fail(&p->scan, token, "notation has room for %d layers", NB_LAYER_PLACES);
}

/* ---- Sharing -------------------------------------------------------------------------------- */

static nb_layer *find_named(const nb_parser *p, const char *name)
{
    int before[NB_LAYER_DEPTH + 1];
    for (int b = 0; b < p->blocks; b++) before[b] = p->block[b]->children;
    return nb_layer_find_name(p->block, before, p->blocks, name);
}

/* The i-th of all that @name could find, "" for those without a name. */
static const char *name_at(const void *list, size_t i)
{
    const nb_parser *p = list;
    for (int b = p->blocks - 1; b >= 0; b--) {
        const nb_layer *block = p->block[b];
        if (i < (size_t)block->children) return block->child[i]->head.name;
        i -= (size_t)block->children;
        if (nb_net_of(block)) break;
    }
    return NULL;
}

static bool is_word(nb_token token, const char *word)
{
    return token.kind == NB_TOKEN_NAME && token.length == strlen(word) &&
           memcmp(token.at, word, token.length) == 0;
}

/* Whether one of the open brackets is that of the layer called `name`: its name stands behind. */
static bool is_inside(const nb_parser *p, const char *name)
{
    nb_scan scan = p->scan;
    int depth = 0;       /* of the brackets opened from here on */
    bool behind = false; /* an enclosing block's bracket, in its tail */
    for (; scan.token.kind != NB_TOKEN_END; nb_scan_next(&scan)) {
        bool key = behind && is_word(scan.token, "name");
        if (nb_scan_at(&scan, '[')) depth++;
        if (nb_scan_at(&scan, ']')) {
            behind = depth == 0;
            if (!behind) depth--;
        }
        if (nb_scan_at(&scan, '-') || nb_scan_at(&scan, '|')) behind = behind && depth > 0;
        if (!key) continue;
        nb_scan_next(&scan);
        if (nb_scan_at(&scan, '=') && is_word(nb_scan_peek(&scan), name)) return true;
    }
    return false;
}

/* Whether a layer of that name stands anywhere before, where @name does not look. */
static bool is_hidden(const nb_layer *block, const char *name)
{
    for (int i = 0; i < block->children; i++) {
        const nb_layer *child = block->child[i];
        if (strcmp(child->head.name, name) == 0 || is_hidden(child, name)) return true;
    }
    return false;
}

static nb_status unknown_name(nb_parser *p, nb_token token, const char *name)
{
    for (int b = 0; b < p->blocks; b++)
        if (is_hidden(p->block[b], name))
            return nb_scan_fail(&p->scan, token,
                                "@%s finds the layers before it in its own list and in those "
                                "around it, as far as its network goes; '%s' is none of them",
                                name, name);
    const char *near = nb_nearest(name, name_at, p);
    if (is_inside(p, name))
        return nb_scan_fail(&p->scan, token, "@%s stands inside the layer '%s' itself", name, name);
    return nb_scan_fail(&p->scan, token, "no layer called '%s' stands before this place%s%s%s",
                        name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* "@" NAME: the layer, or NULL. */
static nb_layer *read_name(nb_parser *p, nb_token token)
{
    char name[NB_NAME_MAX + 1];
    nb_layer *layer = find_named(p, nb_parse_word(token, name));
    if (!layer) unknown_name(p, token, name);
    return layer;
}

/* One step of a path: the child with this number, which may be the block that is being read. */
static nb_layer *step(const nb_parser *p, const nb_layer *at, int depth, int64_t number)
{
    if (number >= 1 && number <= at->children) return at->child[number - 1];
    bool open = depth + 1 < p->blocks && at == p->block[depth];
    return open && number == at->children + 1 ? p->block[depth + 1] : NULL;
}

/* "@" path, for layers that no name reaches: the numbers of a layer and of those it stands in. */
static nb_layer *read_path(nb_parser *p, nb_token token)
{
    char quote[NB_QUOTE_MAX];
    const char *end = token.at - 1;
    nb_layer *at = p->block[0];
    for (int depth = 0; at && end < token.at + token.length; depth++)
        at = step(p, at, depth, nb_scan_digits(end + 1, NB_LAYER_PLACES, &end));
    bool open = end != token.at + token.length;
    for (int b = 0; b < p->blocks; b++) open = open || at == p->block[b];
    if (at && !open) return at;
    nb_scan_fail(&p->scan, token, "no whole layer stands at %s", nb_scan_quote(token, quote));
    return NULL;
}

/* "@" (NAME | path) */
static nb_status read_shared(nb_parser *p)
{
    nb_scan_next(&p->scan);
    nb_token token = p->scan.token;
    bool path = token.kind == NB_TOKEN_SIZE || token.kind == NB_TOKEN_NUMBER;
    if (!path && token.kind != NB_TOKEN_NAME)
        return nb_parse_expected(p, "a layer's name after '@'");
    nb_scan_next(&p->scan);
    nb_layer *layer = path ? read_path(p, token) : read_name(p, token);
    if (!layer) return p->scan.ctx->status;
    if (p->brackets + layer->height > NB_LAYER_DEPTH) return too_deep(p, token);
    nb_status status = count_places(p, token, layer->places);
    if (status != NB_OK) return status;
    return nb_layer_add(p->scan.ctx, p->block[p->blocks - 1], layer);
}

/* ---- Repeats -------------------------------------------------------------------------------- */

static nb_status open_bracket(nb_parser *p)
{
    if (p->brackets == NB_LAYER_DEPTH) return too_deep(p, p->scan.token);
    p->brackets++;
    nb_scan_next(&p->scan);
    return NB_OK;
}

/* The list in brackets, the bracket at its end not included. */
static nb_status read_turns(nb_parser *p, int64_t turns)
{
    const nb_scan start = p->scan;
    nb_status status = nb_parse_list(p);
    for (int64_t turn = 1; turn < turns && status == NB_OK; turn++) {
        p->again += (size_t)(p->scan.token.at - start.token.at);
        if (p->again > NB_NOTATION_AGAIN)
            return nb_scan_fail(&p->scan, start.token, "this list is too long to be repeated");
        p->scan = start;
        status = nb_parse_list(p);
    }
    return status;
}

/* INT "*" "[" list "]" */
static nb_status read_repeat(nb_parser *p)
{
    char quote[NB_QUOTE_MAX];
    const char *end;
    nb_token token = nb_parse_take(p);
    int64_t turns = nb_scan_digits(token.at, NB_LAYER_PLACES, &end);
    nb_scan_next(&p->scan);
    if (turns < 1 || turns > NB_LAYER_PLACES)
        return nb_scan_fail(&p->scan, token, "a list is repeated from 1 to %d times, not %s",
                            NB_LAYER_PLACES, nb_scan_quote(token, quote));
    if (!nb_parse_at_sign(p, '['))
        return nb_parse_expected(p, "'[' and a list to be repeated, as in 4*[30]");
    nb_status status = open_bracket(p);
    if (status != NB_OK) return status;
    p->repeats += turns > 1;
    status = read_turns(p, turns);
    p->repeats -= turns > 1;
    if (status != NB_OK) return status;
    p->brackets--;
    if (!nb_parse_at_sign(p, ']')) return nb_parse_expected(p, "'-' or ']' in the repeated list");
    nb_scan_next(&p->scan);
    return NB_OK;
}

/* ---- Blocks --------------------------------------------------------------------------------- */

static nb_status too_many_branches(nb_parser *p, const nb_layer_type *type)
{
    if (type->branches == 1)
        return nb_scan_fail(&p->scan, p->scan.token,
                            "%s has one list of layers; no '|' stands in it", type->name);
    return nb_scan_fail(&p->scan, p->scan.token, "%s has at most %d branches", type->name,
                        type->branches);
}

/* [list] ("|" [list])* */
static nb_status read_branches(nb_parser *p, nb_layer *block)
{
    for (int branches = 1;; branches++) {
        nb_status status = nb_layer_add_branch(p->scan.ctx, block);
        bool empty = nb_parse_at_sign(p, '|') || nb_parse_at_sign(p, ']');
        if (status == NB_OK && !empty) status = nb_parse_list(p);
        if (status != NB_OK || !nb_parse_at_sign(p, '|')) return status;
        if (branches == block->type->branches) return too_many_branches(p, block->type);
        nb_scan_next(&p->scan);
    }
}

nb_status nb_parse_branches(nb_parser *p, nb_layer *block)
{
    char what[3 * NB_NAME_MAX];
    const char *name = block->type->name;
    nb_token token = p->scan.token;
    if (!nb_parse_at_sign(p, '[')) {
        snprintf(what, sizeof what, "'[' and the layers of %s, as in %s[30 - 30]", name, name);
        return nb_parse_expected(p, what);
    }
    nb_status status = open_bracket(p);
    if (status != NB_OK) return status;
    p->block[p->blocks++] = block;
    status = read_branches(p, block);
    p->blocks--;
    p->brackets--;
    if (status != NB_OK) return status;
    if (!nb_parse_at_sign(p, ']')) {
        snprintf(what, sizeof what, "an activation, an option, '-'%s or ']' in %s[…]",
                 block->type->branches > 1 ? ", '|'" : "", name);
        return nb_parse_expected(p, what);
    }
    if (block->children == 0)
        return nb_scan_fail(&p->scan, token, "%s has no layer in its brackets", name);
    nb_scan_next(&p->scan);
    return NB_OK;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static nb_status read_item(nb_parser *p)
{
    nb_token token = p->scan.token, next = nb_scan_peek(&p->scan);
    nb_ctx *ctx = p->scan.ctx;
    if (nb_parse_at_sign(p, '@')) return read_shared(p);
    if (token.kind == NB_TOKEN_SIZE && next.kind == NB_TOKEN_SIGN && *next.at == '*')
        return read_repeat(p);
    nb_layer *layer = nb_parse_layer(p);
    if (!layer) return ctx->status;
    nb_status status = count_places(p, token, 1);
    if (status == NB_OK) status = nb_layer_add(ctx, p->block[p->blocks - 1], layer);
    nb_layer_release(ctx, layer);
    return status;
}

nb_status nb_parse_list(nb_parser *p)
{
    nb_status status = read_item(p);
    while (status == NB_OK && nb_parse_at_sign(p, '-')) {
        nb_scan_next(&p->scan);
        status = read_item(p);
    }
    return status;
}
