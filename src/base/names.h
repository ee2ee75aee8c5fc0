/* A list of names that several owners share: columns, classes. */
#ifndef NB_NAMES_H
#define NB_NAMES_H

#include "base/text.h"

typedef struct nb_names {
    size_t refs;
    size_t bytes; /* of the one block that holds all of it */
    int64_t count;
    char *name[]; /* strings in the same block */
} nb_names;

/* The `count` strings that stand in `packed` one behind the other, a NUL after each. NULL with
 * NB_EMEMORY, also where the text had no memory. */
nb_names *nb_names_new(nb_ctx *ctx, const nb_text *packed, int64_t count);
/* All names in one text, which is UTF-8: a name a line, '\' and newline within a name written as \\
 * and \n, a byte that is no UTF-8 as \xE9; and back: NULL with NB_EFORMAT for a '\' before anything
 * else, "class name 2 has …" where `what` is "class". */
void nb_names_write(nb_text *text, char *const *names, int64_t count);
nb_names *nb_names_read(nb_ctx *ctx, const char *text, const char *what);
/* One more owner; NULL stays NULL. */
nb_names *nb_names_retain(nb_names *names);
/* NULL is allowed. */
void nb_names_release(nb_ctx *ctx, nb_names *names);

#endif
