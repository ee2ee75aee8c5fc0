/* One walk over the words of notation, which knows at each what may stand there: by the tables that
 * the parser reads (nn/notation), and without its checks of numbers and shapes. */
#include "shell/colour/notation.h"

#include "lua/state.h"
#include "nn/cost.h"
#include "nn/layer.h"
#include "nn/notation/scan.h"
#include "nn/train/judge/metric.h"
#include "nn/train/optimizer.h"
#include "nn/train/run/schedule.h"
#include "shell/colour/palette.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

/* What may stand where the walk is. */
typedef enum place {
    SHAPE, /* of the input */
    ITEM,
    TAIL, /* of a layer: flags, options, activations */
    SHARED,
    COST,
    COST_TAIL,
    ARGUMENTS, /* of an activation or initialiser, in their brackets */
    VALUE,     /* of an option */
    ANYTHING   /* nobody knows */
} place;

typedef struct reader {
    lua_State *L;
    nb_scan scan;
    const char *cursor;
    unsigned char *style; /* of the text's bytes */
    place place;
    place behind; /* where a value leads back to */
    place outer;  /* … and the bracket behind arguments */
    const nb_option *options;
    const nb_option *arguments; /* of the last word with options of its own; NULL: it has none */
    const nb_option *value;     /* whose value comes; NULL: not known */
    const nb_layer_type *layer; /* whose tail it is; NULL: not known */
    const nb_layer_type *block[NB_LAYER_DEPTH]; /* the brackets around, NULL for repeats */
    int depth;
} reader;

/* ---- Words ---------------------------------------------------------------------------------- */

typedef struct word {
    char text[NB_NAME_MAX];
    size_t length;
    bool typed; /* the cursor stands behind it: it may become a longer one */
} word;

static word word_of(const reader *r, nb_token token)
{
    word w = {.length = token.length < NB_NAME_MAX ? token.length : NB_NAME_MAX - 1};
    memcpy(w.text, token.at, w.length);
    w.typed = token.at + token.length == r->cursor;
    return w;
}

static bool fits(const word *w, const char *name)
{
    return w->typed ? strncmp(name, w->text, w->length) == 0 : strcmp(name, w->text) == 0;
}

static bool is_among(const word *w, nb_name_at *next, const void *list)
{
    const char *name;
    for (size_t i = 0; (name = next(list, i)); i++)
        if (fits(w, name)) return true;
    return false;
}

/* Among the names that the session registered: NBL_ACTIVATIONS, NBL_COSTS. */
static bool is_registered(lua_State *L, const word *w, int which)
{
    int top = lua_gettop(L);
    bool found = false;
    nbl_state_push(L, which);
    lua_pushnil(L);
    while (!found && lua_next(L, top + 1)) {
        found = lua_type(L, -2) == LUA_TSTRING && fits(w, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    lua_settop(L, top);
    return found;
}

static bool is_layer(const word *w)
{
    for (int i = 0; i < NB_LAYERS; i++)
        if (!nb_layer_types[i]->table_only && fits(w, nb_layer_types[i]->name)) return true;
    return false;
}

static bool is_activation(const reader *r, const word *w)
{
    return is_among(w, nb_activation_name_at, NULL) || is_registered(r->L, w, NBL_ACTIVATIONS);
}

static bool is_cost(const reader *r, const word *w)
{
    return is_among(w, nb_cost_name_at, NULL) || is_registered(r->L, w, NBL_COSTS);
}

static bool is_option(const nb_option *options, const word *w)
{
    return options && is_among(w, nb_option_name_at, options);
}

/* A flag stands bare; another option may be on its way to its '='. */
static bool is_flag(const nb_option *options, const word *w)
{
    for (; options && options->name; options++)
        if ((w->typed || options->kind == NB_BOOLEAN) && fits(w, options->name)) return true;
    return false;
}

static bool is_choice(const nb_option *option, const word *w)
{
    for (int i = 0; option->words && option->words[i]; i++)
        if (fits(w, option->words[i])) return true;
    return false;
}

static bool is_value(const reader *r, const nb_option *option, const word *w)
{
    switch (option->kind) {
    case NB_NUMBER:
    case NB_INTEGER:
        return false;
    case NB_BOOLEAN:
        return fits(w, "true") || fits(w, "false");
    case NB_CHOICE:
    case NB_SIZES:
        return is_choice(option, w);
    case NB_CHOSEN:
        if (option->family == &nb_activation_family) return is_activation(r, w);
        return is_among(w, option->family->name_at, NULL);
    case NB_WORD:
    case NB_NAME:
    case NB_HOST:
        break;
    }
    return true;
}

/* ---- Names in their places ------------------------------------------------------------------ */

static const nb_option *options_of(const nb_family *family, const word *w)
{
    const void *type = family->find(w->text);
    return type ? family->options(type) : NULL;
}

static bool see_item(reader *r, const word *w)
{
    r->layer = nb_layer_find(w->text);
    r->options = r->layer ? r->layer->options : NULL;
    r->place = TAIL;
    return is_layer(w);
}

static bool see_key(reader *r, const word *w, const nb_option *options)
{
    r->value = options ? nb_option_find(options, w->text) : NULL;
    return !options || is_option(options, w);
}

static bool see_tail(reader *r, const word *w)
{
    nb_token next = nb_scan_peek(&r->scan);
    bool takes = r->layer && nb_option_find(r->options, "activation");
    if (next.kind == NB_TOKEN_SIGN && *next.at == '=') return see_key(r, w, r->options);
    r->arguments = options_of(&nb_activation_family, w);
    return !r->layer || is_flag(r->options, w) || (takes && is_activation(r, w));
}

static bool see_value(reader *r, const word *w)
{
    r->place = r->behind;
    if (!r->value) return true;
    r->arguments = r->value->kind == NB_CHOSEN ? options_of(r->value->family, w) : NULL;
    return is_value(r, r->value, w);
}

static bool see_cost(reader *r, const word *w)
{
    const nb_cost_type *type = nb_cost_find(w->text);
    static const nb_option none[] = {NB_OPTIONS_END};
    r->options = type && type->options ? type->options : none;
    r->place = COST_TAIL;
    return is_cost(r, w);
}

/* Whether the word at the walk's place is known. */
static bool see_name(reader *r, nb_token token)
{
    word w = word_of(r, token);
    switch (r->place) {
    case SHAPE:
    case ITEM:
        return see_item(r, &w);
    case TAIL:
        return see_tail(r, &w);
    case VALUE:
        return see_value(r, &w);
    case COST:
        return see_cost(r, &w);
    case COST_TAIL:
        return see_key(r, &w, r->options);
    case ARGUMENTS:
        return see_key(r, &w, r->arguments);
    case SHARED:
        r->place = ANYTHING;
        break;
    case ANYTHING:
        break;
    }
    return true;
}

/* ---- Numbers and signs ---------------------------------------------------------------------- */

static void see_number(reader *r)
{
    nb_token next = nb_scan_peek(&r->scan);
    bool repeat = next.kind == NB_TOKEN_SIGN && *next.at == '*';
    if (r->place == VALUE) r->place = r->behind;
    if (r->place == SHAPE || r->place == SHARED) r->place = ANYTHING;
    if (r->place != ITEM) return;
    r->layer = repeat ? NULL : nb_layer_types[NB_LAYER_dense];
    r->options = repeat ? NULL : r->layer->options;
    r->place = TAIL;
}

static void open_bracket(reader *r)
{
    if (r->depth < NB_LAYER_DEPTH) r->block[r->depth++] = r->layer;
    r->place = ITEM;
}

static void close_bracket(reader *r)
{
    r->layer = r->depth > 0 ? r->block[--r->depth] : NULL;
    r->options = r->layer ? r->layer->options : NULL;
    r->place = TAIL;
}

static void see_sign(reader *r, char sign)
{
    switch (sign) {
    case '[':
        open_bracket(r);
        break;
    case ']':
        close_bracket(r);
        break;
    case '|':
        r->place = ITEM;
        break;
    case ':':
        r->place = COST;
        break;
    case '-':
        if (r->place != VALUE) r->place = ITEM;
        break;
    case '@':
        if (r->place == ITEM) r->place = SHARED;
        break;
    case '=':
        if (r->place != VALUE) r->behind = r->place;
        r->place = VALUE;
        break;
    case '(':
        r->outer = r->place;
        r->place = ARGUMENTS;
        break;
    case ')':
        r->place = r->outer;
        break;
    default:
        break;
    }
}

static unsigned char see(reader *r, nb_token token)
{
    switch (token.kind) {
    case NB_TOKEN_NAME:
        return see_name(r, token) ? SH_STYLE_NOTATION : SH_STYLE_STRING | SH_STYLE_UNKNOWN;
    case NB_TOKEN_SIGN:
        see_sign(r, *token.at);
        return SH_STYLE_STRING;
    case NB_TOKEN_OTHER:
        return SH_STYLE_STRING | SH_STYLE_UNKNOWN;
    case NB_TOKEN_SIZE:
    case NB_TOKEN_SHAPE:
    case NB_TOKEN_NUMBER:
        see_number(r);
        return SH_STYLE_NUMBER;
    case NB_TOKEN_RANGE:
    case NB_TOKEN_END:
        break;
    }
    return SH_STYLE_STRING;
}

/* ---- The string ----------------------------------------------------------------------------- */

static const void *find_none(const char *name)
{
    (void)name;
    return NULL;
}

/* Optimizers are no values of options: they have none of their own here. */
static const nb_family optimizers = {.find = find_none, .name_at = nb_optimizer_name_at};

/* Words that stand alone, by what the book of help calls their kind. */
static const struct {
    const char *kind;
    nb_option option;
} kinds[] = {
    {"activation", {.kind = NB_CHOSEN, .family = &nb_activation_family}},
    {"initialiser", {.kind = NB_CHOSEN, .family = &nb_init_family}},
    {"metric", {.kind = NB_CHOSEN, .family = &nb_metric_family}},
    {"optimizer", {.kind = NB_CHOSEN, .family = &optimizers}},
    {"schedule", {.kind = NB_CHOSEN, .family = &nb_schedule_family}},
};

static void begin(reader *r, sh_holds holds, const char *kind)
{
    r->place = holds == SH_HOLDS_NET ? SHAPE : holds == SH_HOLDS_LAYERS ? ITEM : ANYTHING;
    r->behind = r->outer = ANYTHING;
    if (holds != SH_HOLDS_KIND) return;
    if (strcmp(kind, "cost") == 0) r->place = COST;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0) {
            r->value = &kinds[i].option;
            r->place = VALUE;
        }
}

/* The bracket that ends or begins at the cursor, what was typed last first, and its other. */
static void mark_match(const char *text, const char *cursor, unsigned char *style)
{
    static const char brackets[] = "([)]";
    size_t at = cursor ? (size_t)(cursor - text) : SIZE_MAX, length = strlen(text);
    if (!cursor || cursor < text || at > length) return;
    if (at > 0 && strchr(brackets, text[at - 1]))
        at--;
    else if (!text[at] || !strchr(brackets, text[at]))
        return;
    bool opens = text[at] == '(' || text[at] == '[';
    char other = text[at] == '(' ? ')' : text[at] == ')' ? '(' : text[at] == '[' ? ']' : '[';
    int depth = 0;
    for (size_t i = at; i < length; i += opens ? 1 : SIZE_MAX) { /* SIZE_MAX: one back */
        depth += text[i] == text[at] ? 1 : text[i] == other ? -1 : 0;
        if (depth > 0) continue;
        style[at] |= SH_STYLE_MATCH;
        style[i] |= SH_STYLE_MATCH;
        return;
    }
}

void sh_colour_notation(lua_State *L, sh_holds holds, const char *kind, const char *text,
                        const char *cursor, unsigned char *style)
{
    reader r = {.L = L, .cursor = cursor, .style = style};
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    begin(&r, holds, kind);
    nb_scan_start(&r.scan, NULL, text);
    for (; r.scan.token.kind != NB_TOKEN_END; nb_scan_next(&r.scan))
        memset(style + (r.scan.token.at - text), see(&r, r.scan.token), r.scan.token.length);
    mark_match(text, cursor, style);
}
