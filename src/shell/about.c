/* What the prompt tells of a value of the session's. */
#include "shell/about.h"

#include "base/escape.h"
#include "base/text.h"
#include "base/utf8.h"
#include "lua/data/set.h"
#include "lua/nn/part.h"
#include "shell/run/source.h"
#include "shell/screen/describe.h"
#include "shell/screen/show.h"
#include "shell/shell.h"
#include "tensor/shape.h"

#include <lauxlib.h>
#include <string.h>

enum { TEXT_SHOWN = 60, COMMENT_LINES = 20 };

/* ---- One line ---- */

static int64_t feed_bytes(const nb_feed *feed)
{
    return feed ? feed->count * nb_feed_width(feed) * (int64_t)nb_dtype_size(feed->dtype) : 0;
}

/* "network", "data set" of a handle; of others the type. */
static const char *noun_of(lua_State *L, int value)
{
    static const char ours[] = "nabla.";
    const char *noun = luaL_typename(L, value);
    if (nbl_test_handle(L, value, &nbl_tensor_kind)) return "tensor";
    if (luaL_getmetafield(L, value, "__name") == LUA_TNIL) return noun;
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : noun;
    if (strncmp(name, ours, sizeof ours - 1) == 0) noun = name + sizeof ours - 1;
    lua_pop(L, 1); /* the metatable holds the name */
    return noun;
}

/* Adds the line that the value has for it, or the first of what the prompt would show, cut. */
static void add_shown(lua_State *L, nb_text *out, int value, const sh_terminal *terminal)
{
    const sh_terminal whole = {.utf8 = terminal->utf8}; /* its lines do not break */
    if (!luaL_callmeta(L, value, "__brief")) sh_show_push(L, value, &whole);
    const char *text = luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    size_t length = strcspn(text, "\n");
    bool cut = length > TEXT_SHOWN;
    if (cut) length = nb_whole_letters(text, TEXT_SHOWN);
    const char *noun = noun_of(L, value);
    nb_text_add_escaped(out, noun, strlen(noun), NB_ESCAPE_WORD);
    nb_text_add(out, " ");
    nb_text_add_bytes(out, text, length);
    nb_text_add(out, "%s", cut ? terminal->utf8 ? "…" : "..." : "");
    lua_pop(L, 1);
}

static void add_bytes(nb_text *out, int64_t bytes)
{
    nb_text_add(out, ", ");
    nb_text_add_grouped(out, bytes);
    nb_text_add(out, " bytes");
}

static void add_tensor(nb_text *out, const nb_tensor *t)
{
    char shape[NB_SHAPE_TEXT];
    nb_text_add(out, "tensor %s %s", nb_shape_text(t->dims, t->shape, shape),
                nb_dtype_name(t->dtype));
    add_bytes(out, nb_tensor_count(t) * (int64_t)nb_dtype_size(t->dtype));
}

static void add_brief(lua_State *L, nb_text *out, int value, const sh_terminal *terminal)
{
    const nb_tensor *tensor = nbl_test_tensor(L, value);
    const nbl_net *net = tensor ? NULL : nbl_test_net(L, value);
    const nb_set *set = tensor || net ? NULL : nbl_test_set(L, value);
    if (tensor) {
        add_tensor(out, tensor);
    } else if (lua_isfunction(L, value)) {
        size_t length;
        sh_push_function(L, value);
        const char *text = lua_tolstring(L, -1, &length);
        nb_text_add_escaped(out, text, length, NB_ESCAPE_WORD);
        lua_pop(L, 1);
    } else {
        add_shown(L, out, value, terminal);
    }
    if (net) add_bytes(out, nb_net_count(net->net) * (int64_t)nb_dtype_size(net->net->dtype));
    if (set) add_bytes(out, feed_bytes(set->x) + feed_bytes(set->y));
}

void sh_push_brief(lua_State *L, int value, const sh_terminal *terminal)
{
    value = lua_absindex(L, value);
    nb_text *out = nbl_new_text(L);
    add_brief(L, out, value, terminal);
    nbl_push_text(L, out);
    lua_remove(L, -2);
}

/* ---- A few ---- */

/* Where the comment that stands right above line `line` begins; `line` itself where there is none.
 */
static int first_of_comment(lua_State *L, const char *source, int line)
{
    int first = line;
    while (line - first < COMMENT_LINES && sh_source_lines(L, source, first - 1, first - 1)) {
        const char *text = lua_tostring(L, -1);
        bool comment = strncmp(text + strspn(text, " \t"), "--", 2) == 0;
        lua_pop(L, 1);
        if (!comment) break;
        first--;
    }
    return first;
}

/* Adds lines first … last of the source to the text on the stack's top, an empty line before. */
static void add_lines(lua_State *L, const char *source, int first, int last)
{
    if (last < first || !sh_source_lines(L, source, first, last)) return;
    lua_pushfstring(L, "\n\n%s", lua_tostring(L, -1));
    lua_remove(L, -2);
    lua_concat(L, 2);
}

static bool is_written_in_lua(lua_State *L, int value, lua_Debug *ar)
{
    if (!lua_isfunction(L, value)) return false;
    lua_pushvalue(L, value);
    return lua_getinfo(L, ">S", ar) && *ar->what != 'C';
}

void sh_add_source(lua_State *L, int value)
{
    lua_Debug ar;
    if (is_written_in_lua(L, value, &ar))
        add_lines(L, ar.source, ar.linedefined, ar.lastlinedefined);
}

void sh_push_about(lua_State *L, int value, const sh_terminal *terminal, bool with_source)
{
    lua_Debug ar;
    value = lua_absindex(L, value);
    sh_push_brief(L, value, terminal);
    if (!is_written_in_lua(L, value, &ar)) return;
    add_lines(L, ar.source, first_of_comment(L, ar.source, ar.linedefined), ar.linedefined - 1);
    if (with_source) add_lines(L, ar.source, ar.linedefined, ar.lastlinedefined);
}
