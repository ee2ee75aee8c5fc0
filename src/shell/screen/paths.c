/* Where the program's own files are. */
#include "shell/screen/paths.h"

#include "shell/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *join(const char *folder, const char *rest, const char *name)
{
    size_t room = strlen(folder) + strlen(rest) + strlen(name) + 1;
    char *path = malloc(room);
    if (path) snprintf(path, room, "%s%s%s", folder, rest, name);
    return path;
}

/* Under $variable, or under a folder of the home; relative values are ignored, as the standard
 * says. */
static char *place(const char *variable, const char *of_home, const char *name)
{
    const char *set = getenv(variable), *home = getenv("HOME");
    if (set && *set == '/') return join(set, "/" SH_PROGRAM "/", name);
    return home && *home == '/' ? join(home, of_home, name) : NULL;
}

/* Makes the folders above the path's last part that are not there yet. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

char *sh_state_path(const char *name)
{
    char *path = place("XDG_STATE_HOME", "/.local/state/" SH_PROGRAM "/", name);
    if (path) make_folders(path);
    return path;
}

char *sh_config_path(const char *name)
{
    return place("XDG_CONFIG_HOME", "/.config/" SH_PROGRAM "/", name);
}
