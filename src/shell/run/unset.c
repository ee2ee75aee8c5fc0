/* Names without a value that an input hands on. */
#include "shell/run/unset.h"

#include "nn/activation.h"
#include "nn/cost.h"
#include "nn/init.h"
#include "nn/layer.h"
#include "nn/train/judge/metric.h"
#include "nn/train/optimizer.h"
#include "nn/train/run/schedule.h"
#include "shell/globals.h"
#include "shell/run/errors.h"
#include "shell/run/tokens.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MOST = 64 }; /* brackets deeper than that are not looked into */

/* The tokens before the one that is looked at, the nearest first, and the brackets that are open:
 * '{', 'm' of a method's call, any other. */
typedef struct reader {
    sh_scanner scanner;
    sh_token before[3], token, next;
    char open[DEPTH_MOST];
    int depth;
    bool more;
} reader;

static reader begin(const char *source)
{
    reader r = {.scanner = sh_scan(source, strlen(source))};
    for (int i = 0; i < 3; i++) r.before[i] = (sh_token){.kind = SH_COMMENT, .text = ""};
    r.token = r.before[0];
    r.more = sh_scan_next(&r.scanner, &r.next);
    return r;
}

static void nest(reader *r)
{
    const sh_token *token = &r->token;
    if (token->kind != SH_SYMBOL || token->length != 1) return;
    bool method = r->before[0].kind == SH_NAME && sh_token_is(&r->before[1], ":");
    if (strchr("([{", *token->text)) {
        if (r->depth < DEPTH_MOST)
            r->open[r->depth] = *token->text == '(' && method ? 'm' : *token->text;
        r->depth++;
    } else if (strchr(")]}", *token->text) && r->depth > 0) {
        r->depth--;
    }
}

static bool step(reader *r)
{
    if (!r->more) return false;
    nest(r);
    memmove(&r->before[1], &r->before[0], 2 * sizeof r->before[0]);
    r->before[0] = r->token;
    r->token = r->next;
    r->more = sh_scan_next(&r->scanner, &r->next);
    if (!r->more) r->next = (sh_token){.kind = SH_COMMENT, .text = ""};
    return true;
}

static char around(const reader *r)
{
    return r->depth > 0 && r->depth <= DEPTH_MOST ? r->open[r->depth - 1] : ' ';
}

/* ---- What is handed on ---- */

static bool is_field(const reader *r)
{
    return around(r) == '{' && sh_token_is(&r->before[0], "=") && r->before[1].kind == SH_NAME &&
           (sh_token_is(&r->next, ",") || sh_token_is(&r->next, ";") || sh_token_is(&r->next, "}"));
}

static bool is_argument(const reader *r)
{
    return around(r) == 'm' &&
           (sh_token_is(&r->before[0], "(") || sh_token_is(&r->before[0], ",")) &&
           (sh_token_is(&r->next, ",") || sh_token_is(&r->next, ")"));
}

/* A variable, not a field or a method of one, nor a table's key. */
static bool is_variable(const reader *r)
{
    bool key = around(r) == '{' && sh_token_is(&r->next, "=");
    return r->token.kind == SH_NAME && !key && !sh_token_is(&r->before[0], ".") &&
           !sh_token_is(&r->before[0], ":");
}

static bool is_same(const sh_token *a, const sh_token *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool is_alone(const char *source, const sh_token *name)
{
    int count = 0;
    for (reader r = begin(source); step(&r);) count += is_variable(&r) && is_same(&r.token, name);
    return count == 1;
}

/* Pushes the name where it is true. */
static bool push_if_unset(lua_State *L, const sh_token *name)
{
    sh_push_globals(L);
    bool has_index = luaL_getmetafield(L, -1, "__index") != LUA_TNIL;
    if (has_index) lua_pop(L, 1);
    lua_pushlstring(L, name->text, name->length);
    lua_pushvalue(L, -1);
    bool unset = lua_rawget(L, -3) == LUA_TNIL && !has_index;
    lua_pop(L, 1);
    lua_remove(L, -2);
    if (!unset) lua_pop(L, 1);
    return unset;
}

/* ---- Words of options, which stand in quotes ---- */

/* The name of the list that is this one in any case, or NULL. */
static const char *find_word(nb_name_at *next, const void *list, const char *name)
{
    const char *word;
    for (size_t i = 0; (word = next(list, i)); i++)
        if (strcasecmp(word, name) == 0) return word;
    return NULL;
}

/* Options whose words are a family's names. */
static const struct {
    const char *option;
    nb_name_at *next;
} families[] = {
    {"optimizer", nb_optimizer_name_at},
    {"schedule", nb_schedule_name_at},
    {"cost", nb_cost_name_at},
    {"init", nb_init_name_at},
    {"activation", nb_activation_name_at},
    {"metrics", nb_metric_name_at},
};

enum { FAMILIES = sizeof families / sizeof *families };

static const char *choice_at(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

/* The word of a layer's option that has words of its own, as padding. */
static const char *word_of_layers(const char *option, const char *name)
{
    const char *word = NULL;
    for (int i = 0; i < NB_LAYERS && !word; i++) {
        const nb_option *list = nb_layer_types[i]->options;
        const nb_option *of = list ? nb_option_find(list, option) : NULL;
        if (of && of->words) word = find_word(choice_at, of->words, name);
    }
    return word;
}

/* The word of this option that the name is in any case, or NULL. */
static const char *word_of(const char *option, const char *name)
{
    for (int i = 0; i < FAMILIES; i++)
        if (strcmp(families[i].option, option) == 0) return find_word(families[i].next, NULL, name);
    return word_of_layers(option, name);
}

/* A word of some option. */
static bool is_word(const char *name)
{
    bool is = false;
    for (int i = 0; i < FAMILIES && !is; i++) {
        const char *word = find_word(families[i].next, NULL, name);
        is = word && strcmp(word, name) == 0;
    }
    return is;
}

/* `option` is the field that it is handed on as, or NULL. */
static void push_message(lua_State *L, const char *name, const char *option)
{
    const char *word = option ? word_of(option, name) : NULL;
    lua_pushfstring(L, "%s has no value", name);
    if (word)
        lua_pushfstring(L, "; words of %s are strings: %s = \"%s\"", option, option, word);
    else if (option && is_word(name))
        lua_pushfstring(L, "; did you mean \"%s\"?", name);
    else
        sh_push_meant(L, name, false);
    if (!*lua_tostring(L, -1)) {
        lua_pop(L, 1);
        lua_pushliteral(L, "; write nil where none is meant");
    }
    lua_concat(L, 2);
}

bool sh_push_unset(lua_State *L, const char *source, const char **place)
{
    for (reader r = begin(source); step(&r);) {
        bool field = is_field(&r);
        if (sh_token_is(&r.token, "function")) return false;
        if (r.token.kind != SH_NAME || !(field || is_argument(&r))) continue;
        if (!is_alone(source, &r.token) || !push_if_unset(L, &r.token)) continue;
        *place = r.token.text;
        const char *name = lua_tostring(L, -1), *option = NULL;
        if (field) option = lua_pushlstring(L, r.before[1].text, r.before[1].length);
        push_message(L, name, option);
        lua_replace(L, field ? -3 : -2);
        lua_settop(L, field ? -2 : -1);
        return true;
    }
    return false;
}
