/* What a string in the code is for, by the tokens before it: completion offers it, colours show
 * whether it is known. */
#ifndef SH_STRINGS_H
#define SH_STRINGS_H

#include "shell/colour/parts.h"

typedef enum sh_holds {
    SH_HOLDS_TEXT,   /* or a path */
    SH_HOLDS_MODULE, /* of require */
    SH_HOLDS_TOPIC,  /* of help */
    SH_HOLDS_NET,    /* notation of a network, which begins with its input's shape */
    SH_HOLDS_LAYERS, /* notation of layers */
    SH_HOLDS_KIND    /* a word of one kind: an activation, a cost */
} sh_holds;

enum { SH_TOKENS_BEFORE = 4 };

/* Tokens before a place, the nearest first; empty ones where there are none. */
typedef struct sh_before {
    sh_token last[SH_TOKENS_BEFORE];   /* before the string */
    sh_token around[SH_TOKENS_BEFORE]; /* what opens the bracket around it, and what stands before;
                                          of a table in a table the outer one */
} sh_before;

/* Before part i, which may be the one behind the last. */
sh_before sh_before_part(const sh_parts *parts, int i);

/* *kind is the kind's name in the book of help. */
sh_holds sh_string_holds(const sh_before *before, const char **kind);

#endif
