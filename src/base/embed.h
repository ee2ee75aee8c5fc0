/* The files that the program carries: the Lua of stdlib/ and the digits. The table is generated at
 * build time by scripts/embed and stands outside the core, which the C tests link without it. */
#ifndef NB_EMBED_H
#define NB_EMBED_H

#include <stddef.h>

typedef struct nb_embedded {
    const char *name; /* as in the source tree: "stdlib/help.lua" */
    const unsigned char *data;
    size_t size;
} nb_embedded;

/* Ends with a NULL name. */
extern const nb_embedded nb_embedded_files[];

#endif
