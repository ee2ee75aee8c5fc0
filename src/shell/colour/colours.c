/* nabla.colours: all is checked before anything is set. */
#include "shell/colour/colours.h"

#include "lua/names.h"
#include "shell/colour/palette.h"

#include <lauxlib.h>
#include <string.h>

static const char takes[] = "a colour, as \"red\", \"bold blue\", \"#5f5fff\" or 98, or false";

/* The number of the style that the key at `key` names. */
static size_t check_name(lua_State *L, int key)
{
    const char *name, *given;
    if (lua_type(L, key) != LUA_TSTRING)
        nbl_error(L, "styles have names, as in {keyword = \"blue\"}; %s is none",
                  nbl_describe(L, key));
    given = lua_tostring(L, key);
    for (size_t i = 0; (name = sh_palette_name_at(NULL, i)); i++)
        if (strcmp(name, given) == 0) return i;
    return (size_t)nbl_unknown_name(L, "style", given, sh_palette_name_at);
}

/* Raises for the first word of the text that no look has, if it is near one that some have. */
static void check_words(lua_State *L, size_t style, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        sh_look none;
        size_t length = strcspn(text, " ");
        const char *word = lua_pushlstring(L, text, length), *near;
        near = sh_look_read(&none, word) ? NULL : nb_nearest(word, sh_look_word_at, NULL);
        if (near && strcmp(near, word) != 0)
            nbl_error(L, "%s: unknown colour '%s'; did you mean '%s'?",
                      sh_palette_name_at(NULL, style), word, near);
        text += length;
    }
}

static sh_look check_look(lua_State *L, size_t style, int value)
{
    sh_look look = {.range = SH_NO_COLOUR};
    if (lua_isboolean(L, value)) return lua_toboolean(L, value) ? sh_palette_standard(style) : look;
    if (lua_isinteger(L, value)) {
        lua_pushvalue(L, value); /* the table's own stays a number */
        if (sh_look_read(&look, lua_tostring(L, -1))) return look;
    } else if (lua_type(L, value) == LUA_TSTRING) {
        const char *text = nbl_check_text(L, value);
        if (text[strspn(text, " ")] && sh_look_read(&look, text)) return look;
        check_words(L, style, text);
    }
    nbl_error(L, "%s must be %s, not %s", sh_palette_name_at(NULL, style), takes,
              nbl_describe(L, value));
    return look;
}

/* Goes through the table at 1; nothing is set unless all of it is right. */
static void take(lua_State *L, bool set)
{
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        int key = lua_gettop(L) - 1;
        size_t style = check_name(L, key);
        sh_look look = check_look(L, style, key + 1);
        if (set) sh_palette_set(style, look);
        lua_settop(L, key);
    }
}

/* A table that sets what is set now. */
static void push_all(lua_State *L)
{
    const char *name;
    char words[SH_LOOK_MAX];
    lua_newtable(L);
    for (size_t i = 0; (name = sh_palette_name_at(NULL, i)); i++) {
        if (*sh_look_words(sh_palette_look(i), words))
            lua_pushstring(L, words);
        else
            lua_pushboolean(L, false);
        lua_setfield(L, -2, name);
    }
}

static int colours(lua_State *L)
{
    nbl_no_more(L, 1);
    if (lua_isnone(L, 1)) {
        push_all(L);
        return 1;
    }
    if (!lua_istable(L, 1))
        return nbl_arg_error(L, 1, "a table, as in nabla.colours{keyword = \"blue\"}");
    take(L, false);
    take(L, true);
    return 0;
}

static const nb_option options[] = {
#define X(style, text, shown, ...)                                                                 \
    {.name = #style, .help = text, .range = "a colour", .standard = shown, .kind = NB_HOST},
#include "shell/colour/styles.def"
#undef X
    NB_OPTIONS_END,
};

static const nbl_entry entries[] = {
    {"colours", colours, "nabla.colours{style = colour, …}",
     "How the prompt shows what is typed. A colour is one of the terminal's (\"red\", \"bright "
     "blue\", \"grey\"), \"#5f5fff\", or a number from 0 to 255; bold, italic, underline and "
     "reverse may stand with it (\"bold blue\") or alone; false is none, true the style's own. The "
     "colours that it begins with can be read on dark and on light. Styles that are not named stay "
     "as they are. Without an argument it gives a table of all that is set. In init.lua it is for "
     "every session; with NO_COLOR nothing has colour.",
     "nabla.colours{keyword = \"bold blue\", string = 28, comment = \"#767676\"}\n"
     "nabla.colours().keyword  → bold blue\n"
     "nabla.colours{unknown = false}  -- nothing is underlined\n"
     "nabla.colours{keyword = true, string = true, comment = true, unknown = true}",
     options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

void sh_colours_open(lua_State *L)
{
    nbl_register(L, "nabla", entries);
}
