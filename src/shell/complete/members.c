/* Where completion finds its candidates. */
#include "shell/complete/members.h"

#include "shell/commands.h"
#include "shell/globals.h"

#include <dirent.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16, NOTE_MAX = 120 };

/* ---- The list ---- */

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_name(const char *name, size_t length)
{
    sh_scanner scanner = sh_scan(name, length);
    sh_token token;
    return sh_scan_next(&scanner, &token) && token.kind == SH_NAME && token.length == length;
}

/* Adds the names among the table's keys; for a method only those of functions. */
static void add_keys(lua_State *L, sh_completion *to, int table, bool method, const char *prefix)
{
    table = lua_absindex(L, table);
    lua_pushnil(L);
    for (; lua_next(L, table); lua_pop(L, 1)) {
        size_t length;
        if (lua_type(L, -2) != LUA_TSTRING || (method && !lua_isfunction(L, -1))) continue;
        const char *name = lua_tolstring(L, -2, &length);
        /* What begins with an underscore is only shown to who asks for it. */
        if (!begins(name, prefix) || (*name == '_' && *prefix != '_')) continue;
        if (is_name(name, length)) sh_completion_add(to, name, length, NULL);
    }
}

/* ---- The book of help ---- */

/* Pushes the string in a field of the entry or option at `table`, "" when it is none. An entry
 * unfolds itself when it is asked. */
static const char *push_text(lua_State *L, int table, const char *field)
{
    if (lua_getfield(L, table, field) == LUA_TSTRING) return lua_tostring(L, -1);
    lua_pop(L, 1);
    return lua_pushliteral(L, "");
}

/* Calls `visit` with each entry on the stack's top; its name is given. */
typedef void visit_entry(lua_State *L, void *self, const char *name);

static void each_entry(lua_State *L, visit_entry *visit, void *self)
{
    int top = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    sh_push_book(L);
    int book = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, book, i) == LUA_TTABLE; i++) {
        visit(L, self, push_text(L, book + 1, "name"));
        lua_settop(L, book);
    }
    lua_settop(L, top);
}

typedef struct asked {
    sh_completion *to;
    const char *prefix, *kinds, *type;
    const sh_token *function;
    bool method;
} asked;

static void add_typed(lua_State *L, void *self, const char *name)
{
    const asked *a = self;
    size_t length = strlen(a->type);
    if (!begins(name, a->type) || name[length] != (a->method ? ':' : '.')) return;
    if (!a->method && strcmp(push_text(L, -2, "kind"), "field") != 0) return;
    const char *member = name + length + 1;
    if (begins(member, a->prefix)) sh_completion_add(a->to, member, strlen(member), NULL);
}

static bool has_word(const char *words, const char *word)
{
    const char *found = *word ? strstr(words, word) : NULL;
    return found && strchr(" ", found[strlen(word)]) && (found == words || found[-1] == ' ');
}

static void add_of_kind(lua_State *L, void *self, const char *name)
{
    const asked *a = self;
    const char *kind = push_text(L, -2, "kind");
    if (begins(name, a->prefix) && (!a->kinds || has_word(a->kinds, kind)))
        sh_completion_add(a->to, name, strlen(name), NULL);
}

void sh_list_kinds(lua_State *L, sh_completion *to, const char *kinds, const char *prefix)
{
    asked a = {.to = to, .kinds = kinds, .prefix = prefix};
    each_entry(L, add_of_kind, &a);
}

static void add_topic(lua_State *L, void *self, const char *name)
{
    const asked *a = self;
    const char *last = name + strlen(name);
    (void)L;
    while (last > name && last[-1] != '.' && last[-1] != ':') last--;
    if (begins(name, a->prefix)) sh_completion_add(a->to, name, strlen(name), NULL);
    if (last > name && begins(last, a->prefix)) sh_completion_add(a->to, last, strlen(last), NULL);
}

void sh_list_topics(lua_State *L, sh_completion *to, const char *prefix)
{
    asked a = {.to = to, .prefix = prefix};
    each_entry(L, add_topic, &a);
}

void sh_list_commands(sh_completion *to, const char *prefix)
{
    const char *name;
    for (size_t i = 0; (name = sh_command_name(i)); i++)
        if (begins(name, prefix)) sh_completion_add(to, name, strlen(name), NULL);
}

/* The option table is on the stack's top. */
static void add_option(lua_State *L, const asked *a)
{
    static const char needed[] = "must be given"; /* where a default would stand (lua/help.c) */
    char note[NOTE_MAX];
    int option = lua_gettop(L);
    const char *name = push_text(L, option, "name"), *range = push_text(L, option, "range");
    const char *standard = push_text(L, option, "standard");
    if (!*range) range = push_text(L, option, "text");
    const char *between = !*standard ? "" : strcmp(standard, needed) == 0 ? "; " : "; by default ";
    snprintf(note, sizeof note, "%s%s%s", range, between, standard);
    if (*name && begins(name, a->prefix)) sh_completion_add(a->to, name, strlen(name), note);
    lua_settop(L, option);
}

static void add_options(lua_State *L, void *self, const char *name)
{
    const asked *a = self;
    const char *last = name + strlen(name);
    while (last > name && last[-1] != '.' && last[-1] != ':') last--;
    if (!sh_token_is(a->function, last)) return;
    lua_pushliteral(L, "options");
    if (lua_rawget(L, -3) != LUA_TTABLE) return;
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
        add_option(L, a);
        lua_pop(L, 1);
    }
}

void sh_list_options(lua_State *L, sh_completion *to, const sh_token *function, const char *prefix)
{
    asked a = {.to = to, .function = function, .prefix = prefix};
    each_entry(L, add_options, &a);
}

/* ---- Chains ---- */

/* What a step from a type gives where reading it would run code. */
static const struct {
    const char *from; /* NULL: any */
    const char *step; /* "[" for an index */
    const char *to;
} steps[] = {
    {"net", "[", "layer"},      {NULL, "neuron", "neuron"}, {NULL, "trace", "trace"},
    {NULL, "train", "history"}, {NULL, "w", "tensor"},      {NULL, "b", "tensor"},
    {"set", "train", "set"},    {"set", "test", "set"},     {"set", "valid", "set"},
    {"set", "x", "tensor"},     {"set", "y", "tensor"},     {NULL, "digits", "set"},
    {"set", "take", "set"},     {NULL, "net", "net"},
};

static const char *type_behind(const char *from, const char *step, size_t length)
{
    /* What the type itself says comes before what any type says. */
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            bool fits =
                exact ? steps[i].from && from && strcmp(steps[i].from, from) == 0 : !steps[i].from;
            if (fits && strlen(steps[i].step) == length && memcmp(steps[i].step, step, length) == 0)
                return steps[i].to;
        }
    return NULL;
}

/* The book's name of the type of the value at `index`: its metatable's name, shortened. */
static const char *type_of(lua_State *L, int index)
{
    static const char *const book_names[][2] = {{"network", "net"}, {"data set", "set"}};
    if (nbl_test_handle(L, index, &nbl_tensor_kind)) return "tensor";
    if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) return NULL;
    const char *name = lua_tostring(L, -1);
    if (!begins(name, "nabla.")) return NULL;
    name += strlen("nabla.");
    for (size_t i = 0; i < sizeof book_names / sizeof *book_names; i++)
        if (strcmp(book_names[i][0], name) == 0) return book_names[i][1];
    return name;
}

static bool take_value(lua_State *L, sh_member *m)
{
    if (lua_isnil(L, -1)) return false;
    *m = (sh_member){lua_gettop(L), NULL};
    m->type = type_of(L, m->value);
    return true;
}

/* Puts a table behind the value on the stack's top: its metatable's __index, or the methods where
 * that is a function of ours. */
static bool follow_index(lua_State *L)
{
    if (!lua_getmetatable(L, -1)) return false;
    lua_pushliteral(L, "__index");
    if (lua_rawget(L, -2) == LUA_TTABLE) return true;
    lua_pushliteral(L, "methods");
    return lua_rawget(L, -3) == LUA_TTABLE;
}

/* Looks the key on the stack's top up in the member's value, raw. */
static bool look_up(lua_State *L, sh_member *m)
{
    int key = lua_gettop(L);
    luaL_checkstack(L, 3 * CHAIN_MAX + LUA_MINSTACK, NULL);
    lua_pushvalue(L, m->value);
    for (int i = 0; i < CHAIN_MAX; i++) {
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, key);
            if (lua_rawget(L, -2) != LUA_TNIL) return take_value(L, m);
            lua_pop(L, 1);
        }
        if (!follow_index(L)) return false;
    }
    return false;
}

static bool take_type(sh_member *m, const char *type)
{
    *m = (sh_member){0, type};
    return type;
}

bool sh_member_global(lua_State *L, sh_member *m, const sh_token *name)
{
    if (name->kind != SH_NAME) return false;
    sh_push_globals(L);
    lua_pushlstring(L, name->text, name->length);
    lua_rawget(L, -2);
    return take_value(L, m);
}

bool sh_member_field(lua_State *L, sh_member *m, const sh_token *name)
{
    const char *type = type_behind(m->type, name->text, name->length);
    if (m->value) {
        lua_pushlstring(L, name->text, name->length);
        if (look_up(L, m)) {
            /* What a function gives is known by its name only. */
            if (!m->type && lua_isfunction(L, m->value)) m->type = type;
            return true;
        }
    }
    return take_type(m, type);
}

bool sh_member_index(lua_State *L, sh_member *m, const sh_token *literal)
{
    const char *type = type_behind(m->type, "[", 1);
    if (m->value && literal && literal->kind == SH_NUMBER) {
        lua_pushlstring(L, literal->text, literal->length);
        bool number = lua_stringtonumber(L, lua_tostring(L, -1));
        if (number && look_up(L, m)) return true;
    } else if (m->value && literal && literal->kind == SH_STRING && literal->length >= 2) {
        lua_pushlstring(L, literal->text + 1, literal->length - 2);
        if (look_up(L, m)) return true;
    }
    return take_type(m, type);
}

bool sh_member_call(lua_State *L, sh_member *m)
{
    (void)L;
    return take_type(m, m->type);
}

void sh_list_members(lua_State *L, sh_completion *to, const sh_member *m, bool method,
                     const char *prefix)
{
    if (m->value) {
        luaL_checkstack(L, 3 * CHAIN_MAX + LUA_MINSTACK, NULL);
        lua_pushvalue(L, m->value);
        for (int i = 0; i < CHAIN_MAX; i++) {
            if (lua_istable(L, -1)) add_keys(L, to, -1, method, prefix);
            if (!follow_index(L)) break;
        }
    }
    if (!m->type) return;
    asked a = {.to = to, .type = m->type, .method = method, .prefix = prefix};
    each_entry(L, add_typed, &a);
}

void sh_list_globals(lua_State *L, sh_completion *to, const char *prefix)
{
    sh_push_globals(L);
    add_keys(L, to, -1, false, prefix);
    for (size_t i = 0; *prefix && sh_keyword(i); i++)
        if (begins(sh_keyword(i), prefix))
            sh_completion_add(to, sh_keyword(i), strlen(sh_keyword(i)), NULL);
}

/* ---- Modules ---- */

/* Adds the files of a template's folder that `?` can stand for: "dir/?.lua" with dir/name.lua gives
 * name. */
static void add_folder(sh_completion *to, const char *template, size_t length, const char *prefix)
{
    char folder[4096];
    const char *mark = memchr(template, '?', length), *dot = strrchr(prefix, '.');
    size_t in_packages = dot ? (size_t)(dot + 1 - prefix) : 0;
    if (!mark || (size_t)(mark - template) + in_packages + 2 > sizeof folder) return;
    size_t tail = (size_t)(template + length - mark - 1), base = (size_t)(mark - template);
    memcpy(folder, template, base);
    for (size_t i = 0; i < in_packages; i++) folder[base + i] = prefix[i] == '.' ? '/' : prefix[i];
    folder[base + in_packages] = '\0';
    DIR *entries = opendir(*folder ? folder : ".");
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        size_t name = strlen(entry->d_name);
        bool fits = name > tail && memcmp(entry->d_name + name - tail, mark + 1, tail) == 0;
        if (!fits || !begins(entry->d_name, prefix + in_packages)) continue;
        snprintf(folder, sizeof folder, "%.*s%.*s", (int)in_packages, prefix, (int)(name - tail),
                 entry->d_name);
        if (strcspn(folder + in_packages, ". -") == name - tail)
            sh_completion_add(to, folder, strlen(folder), NULL);
    }
    closedir(entries);
}

static void add_files(lua_State *L, sh_completion *to, const char *field, const char *prefix)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushliteral(L, "package");
    if (lua_rawget(L, -2) != LUA_TTABLE) return;
    for (const char *path = push_text(L, -1, field); *path;) {
        size_t length = strcspn(path, ";");
        add_folder(to, path, length, prefix);
        path += length + (path[length] == ';');
    }
}

void sh_list_modules(lua_State *L, sh_completion *to, const char *prefix)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    add_keys(L, to, -1, false, prefix);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    add_keys(L, to, -1, false, prefix);
    add_files(L, to, "path", prefix);
    add_files(L, to, "cpath", prefix);
}
