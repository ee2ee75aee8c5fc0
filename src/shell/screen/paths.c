/* Where the program's own files are. */
#include "shell/screen/paths.h"

#include "io/state.h"
#include "shell/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *join(const char *folder, const char *rest, const char *name)
{
    size_t room = strlen(folder) + strlen(rest) + strlen(name) + 1;
    char *path = malloc(room);
    if (path) snprintf(path, room, "%s%s%s", folder, rest, name);
    return path;
}

char *sh_state_path(nb_ctx *ctx, const char *name)
{
    nb_text path;
    nb_text_init(&path, ctx);
    char *copy = nb_state_path(ctx, name, &path) == NB_OK ? join(nb_text_get(&path), "", "") : NULL;
    nb_text_free(&path);
    return copy;
}

/* A relative value of the variable is ignored, as the standard says. */
char *sh_config_path(const char *name)
{
    const char *set = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (set && *set == '/') return join(set, "/" SH_PROGRAM "/", name);
    return home && *home == '/' ? join(home, "/.config/" SH_PROGRAM "/", name) : NULL;
}
