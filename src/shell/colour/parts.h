/* An input cut into Lua's tokens, each with the bracket or block that it
 * stands in and the one that belongs to it. The text may be unfinished or wrong. */
#ifndef SH_PARTS_H
#define SH_PARTS_H

#include "shell/run/tokens.h"

typedef struct sh_part {
    sh_token token;
    int around;  /* what opens the innermost bracket or block around it, -1: nothing does */
    int other;   /* of what opens and what closes: the part that belongs to it, -1: there is none */
    int locals;  /* how many there were where it opens; known.c counts them */
    bool has_do; /* a loop whose `do` was seen */
} sh_part;

typedef struct sh_parts {
    sh_part *part;
    int count;
    int open; /* what opens the innermost bracket or block at the text's end, -1: nothing does */
} sh_parts;

/* comments: they are parts too. False when memory ends; then there are none. */
bool sh_parts_read(sh_parts *parts, const char *text, size_t length, bool comments);
void sh_parts_free(sh_parts *parts);

/* The part behind and before one, comments left out; NULL: there is none. */
const sh_part *sh_part_next(const sh_parts *parts, int i);
const sh_part *sh_part_before(const sh_parts *parts, int i);
/* Does a statement begin with this name? By what stands before it, which is no expression that it
 * goes on, nor one that waits for it. */
bool sh_part_begins(const sh_parts *parts, int i);
/* False for NULL. */
bool sh_part_is(const sh_part *part, const char *text);

#endif
