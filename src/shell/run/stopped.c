/* Training that was cut off. */
#include "shell/run/stopped.h"

#include "lua/nbl.h"
#include "shell/globals.h"
#include "shell/run/tokens.h"
#include "shell/screen/say.h"
#include "shell/shell.h"

#include <string.h>

/* A token of the input, and the lines on which it and the one before it end. */
typedef struct cursor {
    sh_scanner scanner;
    const char *seen; /* up to here lines are counted */
    sh_token token;
    int line, line_before;
    bool more; /* there is a token */
} cursor;

static void step(cursor *at)
{
    at->line_before = at->line;
    at->more = sh_scan_next(&at->scanner, &at->token);
    const char *end = at->more ? at->token.text + at->token.length : at->seen;
    for (; at->seen < end; at->seen++) at->line += *at->seen == '\n';
}

static bool is(const cursor *at, const char *text)
{
    return at->more && sh_token_is(&at->token, text);
}

static bool opens(const cursor *at)
{
    return is(at, "(") || is(at, "[") || is(at, "{");
}

/* Over a bracket and all up to the one that closes it. */
static void skip_brackets(cursor *at)
{
    int depth = 0;
    do {
        depth += opens(at) - (is(at, ")") || is(at, "]") || is(at, "}"));
        step(at);
    } while (at->more && depth > 0);
}

/* Whether a call of this name can leave something when it is cut off: net:train, nn.sweep. */
static bool is_long(const cursor *at, bool method)
{
    return method ? is(at, "train") : is(at, "sweep");
}

/* Over names, fields, indices and calls, `nets[1]:train(set)`: true where the last of them calls
 * what can be cut off. */
static bool skip_chain(cursor *at)
{
    bool wants_name = true, method = false, train = false, trained = false;
    while (at->more) {
        bool call = opens(at) || at->token.kind == SH_STRING;
        if (call) {
            trained = train && !is(at, "[");
            wants_name = train = false;
            opens(at) ? skip_brackets(at) : step(at);
        } else if (wants_name && at->token.kind == SH_NAME) {
            train = is_long(at, method);
            wants_name = trained = false;
            step(at);
        } else if (!wants_name && (is(at, ".") || is(at, ":"))) {
            method = is(at, ":");
            wants_name = true;
            train = trained = false;
            step(at);
        } else {
            break;
        }
    }
    return trained;
}

/* Whether no expression goes on here. */
static bool ends_statement(const cursor *at)
{
    if (!at->more || is(at, ";") || at->token.kind == SH_NAME) return true;
    return at->token.kind == SH_KEYWORD && !is(at, "and") && !is(at, "or");
}

bool sh_stopped_target(const char *source, int line, nb_text *name)
{
    cursor at = {.scanner = sh_scan(source, strlen(source)), .seen = source, .line = 1};
    sh_token before = {.text = "", .kind = SH_SYMBOL};
    int depth = 0;
    step(&at);
    while (at.more) {
        sh_token token = at.token;
        int first = at.line;
        bool alone = !sh_token_is(&before, ",") && !sh_token_is(&before, ".");
        depth += sh_token_nests(&token);
        before = token;
        step(&at);
        if (depth > 0 || !alone || token.kind != SH_NAME || !is(&at, "=")) continue;
        step(&at);
        cursor value = at;
        bool whole = skip_chain(&value) && ends_statement(&value);
        if (!whole || line < first || line > value.line_before) continue;
        nb_text_add_bytes(name, token.text, token.length);
        return !name->failed;
    }
    return false;
}

static lua_Integer number_of(lua_State *L, int history, const char *field)
{
    lua_pushstring(L, field);
    lua_rawget(L, history);
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number;
}

/* What was cut off says of itself how far it came, or has numbers of epochs. */
static bool add_own_words(lua_State *L, int value, nb_text *text)
{
    lua_pushliteral(L, "stopped");
    bool said = lua_rawget(L, value) == LUA_TSTRING;
    if (said) nb_text_add(text, "%s kept in _", lua_tostring(L, -1));
    lua_pop(L, 1);
    return said;
}

static void add_epochs(nb_text *text, lua_Integer stopped, lua_Integer whole)
{
    nb_text_add(text, "stopped in epoch ");
    nb_text_add_grouped(text, stopped);
    nb_text_add(text, "; ");
    if (whole)
        nb_text_add_grouped(text, whole);
    else
        nb_text_add(text, "no");
    nb_text_add(text, " whole epoch%s kept in _", whole > 1 ? "s" : "");
}

void sh_stopped_tell(lua_State *L, const char *source, int line)
{
    int history = lua_gettop(L);
    nb_text *name = nbl_new_text(L), *text = nbl_new_text(L);
    if (!add_own_words(L, history, text))
        add_epochs(text, number_of(L, history, "stopped"), number_of(L, history, "epochs"));
    if (sh_stopped_target(source, line, name)) {
        sh_push_globals(L);
        lua_pushstring(L, nb_text_get(name));
        lua_pushvalue(L, history);
        lua_rawset(L, -3);
        nb_text_add(text, " and %s", nb_text_get(name));
    }
    if (text->failed) luaL_error(L, "not enough memory");
    sh_remark(sh_shell_of(L), "%s", nb_text_get(text));
    lua_settop(L, history);
}
