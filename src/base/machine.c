/* The kernel's list is lines of "Name:   number kB". */
#include "base/machine.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SPARE_SHARE = 32 };

typedef enum fact { TOTAL, AVAILABLE, SWAP, FACTS } fact;

/* The facts that a file states, in bytes; false where one is missing. */
static bool read_facts(FILE *file, size_t facts[FACTS])
{
    static const char *const names[FACTS] = {"MemTotal", "MemAvailable", "SwapFree"};
    char line[128], name[sizeof line];
    unsigned found = 0;
    size_t kilobytes;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%127[^:]: %zu kB", name, &kilobytes) != 2) continue;
        for (int i = 0; i < FACTS; i++) {
            if (strcmp(name, names[i]) != 0 || kilobytes > SIZE_MAX >> 12) continue;
            facts[i] = kilobytes << 10;
            found |= 1u << i;
        }
    }
    return found == (1u << FACTS) - 1;
}

size_t nb_machine_left(const char *path)
{
    size_t facts[FACTS] = {0};
    FILE *file = fopen(path, "re");
    if (!file) return SIZE_MAX;
    bool known = read_facts(file, facts);
    fclose(file);
    if (!known) return SIZE_MAX;
    size_t left = facts[AVAILABLE] + facts[SWAP], spare = facts[TOTAL] / SPARE_SHARE;
    return left > spare ? left - spare : 0;
}

bool nb_machine_window(int fd, int *columns, int *rows)
{
    struct winsize window;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return false;
    *columns = window.ws_col;
    *rows = window.ws_row;
    return true;
}

enum { CELL_LEAST = 2, CELL_MOST = 200 };

bool nb_is_cell(int wide, int high)
{
    return wide >= CELL_LEAST && wide <= CELL_MOST && high >= CELL_LEAST && high <= CELL_MOST;
}

/* How large each of `count` is at least that lie in so many pixels, where no other has room: xterm
 * counts its border and what is left of a letter too. */
static int least_of(int pixels, int count)
{
    return pixels > 0 ? (pixels - 1) / (count + 1) + 1 : 0;
}

bool nb_machine_cell(int fd, int *wide, int *high)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return false;
    int cell_wide = least_of(size.ws_xpixel, size.ws_col);
    int cell_high = least_of(size.ws_ypixel, size.ws_row);
    if (!nb_is_cell(cell_wide, cell_high)) return false;
    *wide = cell_wide;
    *high = cell_high;
    return true;
}
