/* Which names of an input are read as globals that the input itself gives no value: not its locals,
 * parameters, loop variables, fields, keys of tables, labels, nor what it assigns or declares as a
 * function, before or behind. It knows Lua's scopes but for this: a local is known in the whole of
 * its own declaration, and one of a `repeat` until the block around that ends. */
#ifndef SH_KNOWN_H
#define SH_KNOWN_H

#include "shell/colour/parts.h"

typedef struct sh_name {
    const char *text;
    size_t length;
    int live;      /* declarations of locals that reach where the walk is */
    bool assigned; /* somewhere in the input */
    int place;     /* whoever looks it up among the globals notes here what was found, from 1 */
} sh_name;

typedef struct sh_names {
    sh_name *name;
    int count;
    int *of; /* for each part the name that it reads as a global; -1: it reads none */
} sh_names;

/* Counts locals in the parts. False when memory ends; then there are none. */
bool sh_names_read(sh_names *names, sh_parts *parts);
void sh_names_free(sh_names *names);

#endif
