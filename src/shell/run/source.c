/* The text behind running code. */
#include "shell/run/source.h"

#include "base/embed.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUTS "nabla.shell.inputs"

/* A longer file shows no source lines. */
enum { FILE_MAX = 4 << 20 };

void sh_source_keep(lua_State *L, int number, const char *text)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, INPUTS);
    lua_pushstring(L, text);
    lua_rawseti(L, -2, number);
    lua_pushnil(L);
    lua_rawseti(L, -2, number - SH_INPUTS_KEPT);
    lua_pop(L, 1);
}

static bool push_input(lua_State *L, int number)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, INPUTS);
    bool kept = lua_rawgeti(L, -1, number) == LUA_TSTRING;
    lua_remove(L, -2);
    if (!kept) lua_pop(L, 1);
    return kept;
}

static bool push_embedded(lua_State *L, const char *name)
{
    const nb_embedded *file = nb_embedded_files;
    while (file->name && strcmp(file->name, name) != 0) file++;
    if (file->name) lua_pushlstring(L, (const char *)file->data, file->size);
    return file->name;
}

/* What is no regular file was read when it ran: a pipe would have to be waited for. */
static FILE *open_file(const char *name)
{
    struct stat about;
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool regular = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    FILE *file = regular ? fdopen(fd, "r") : NULL;
    if (fd >= 0 && !file) close(fd);
    return file;
}

static bool push_file(lua_State *L, const char *name)
{
    /* The buffer is made first: it may raise, and the file would stay open. */
    char *bytes = lua_newuserdatauv(L, FILE_MAX, 0);
    FILE *file = open_file(name);
    size_t length = file ? fread(bytes, 1, FILE_MAX, file) : 0;
    bool whole = file && length < FILE_MAX && !ferror(file);
    if (file) fclose(file);
    if (whole) lua_pushlstring(L, bytes, length);
    lua_remove(L, whole ? -2 : -1);
    return whole;
}

static bool push_text(lua_State *L, const char *source)
{
    int number;
    if (*source == '@') return push_file(L, source + 1);
    if (sscanf(source, SH_INPUT_CHUNK, &number) == 1) return push_input(L, number);
    if (*source == '=') return push_embedded(L, source + 1);
    lua_pushstring(L, source);
    return true;
}

bool sh_source_lines(lua_State *L, const char *source, int first, int last)
{
    if (first < 1 || !push_text(L, source)) return false;
    const char *start = lua_tostring(L, -1);
    for (int i = 1; start && i < first; i++) {
        start = strchr(start, '\n');
        if (start) start++;
    }
    const char *end = start;
    for (int i = first; end && i <= last; i++) {
        end = strchr(i > first ? end + 1 : end, '\n');
    }
    if (start) lua_pushlstring(L, start, end ? (size_t)(end - start) : strlen(start));
    lua_remove(L, start ? -2 : -1);
    return start;
}
