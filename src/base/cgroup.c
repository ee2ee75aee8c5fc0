/* A limit set on any group above counts too, so the walk goes up to the mount. Inside a container
 * the group's path may be that of the outside: what cannot be read says nothing, and the walk ends
 * at the mount, which is then the container's own group. */
#include "base/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_MAX = 64,          /* longest line that holds a limit */
    GROUP_MAX = PATH_MAX + 64 /* longest line of the list of groups */
};

/* The number in a file; SIZE_MAX when there is no file or it says "max". */
static size_t read_limit(const char *path)
{
    char line[NUMBER_MAX] = "";
    FILE *file = fopen(path, "re");
    if (!file) return SIZE_MAX;
    bool got = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    char *end = line;
    errno = 0;
    unsigned long long limit = strtoull(line, &end, 10);
    bool number = got && end != line && errno == 0;
    return number && limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
}

/* The smallest limit from `path` up to the root of the hierarchy at `mount`/`below`; cuts `path`.
 */
static size_t walk(const char *mount, const char *below, char *path, const char *name)
{
    char file[2 * PATH_MAX];
    size_t smallest = SIZE_MAX;
    for (char *slash = path; slash; *slash = '\0') {
        int length = snprintf(file, sizeof file, "%s%s%s/%s", mount, below, path, name);
        size_t limit = length > 0 && (size_t)length < sizeof file ? read_limit(file) : SIZE_MAX;
        if (limit < smallest) smallest = limit;
        slash = strrchr(path, '/');
        if (!slash) break;
    }
    return smallest;
}

/* Whether `word` is in a list separated by commas. */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* A line is "number:controllers:path"; version 2 names no controllers. */
static size_t limit_of_line(char *line, const char *mount)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return SIZE_MAX;
    *controllers++ = '\0';
    *path++ = '\0';
    if (*controllers == '\0') return walk(mount, "", path, "memory.max");
    if (listed(controllers, "memory")) {
        return walk(mount, "/memory", path, "memory.limit_in_bytes");
    }
    return SIZE_MAX;
}

size_t nb_cgroup_limit(const char *groups, const char *mount)
{
    char line[GROUP_MAX];
    size_t smallest = SIZE_MAX;
    FILE *file = fopen(groups, "re");
    if (!file) return SIZE_MAX;
    while (fgets(line, sizeof line, file)) {
        size_t limit = limit_of_line(line, mount);
        if (limit < smallest) smallest = limit;
    }
    fclose(file);
    return smallest;
}
