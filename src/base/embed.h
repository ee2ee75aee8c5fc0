/* The files that the program carries: the Lua of stdlib/, digits and irises. The table is generated
 * at build time by scripts/embed and stands outside the core, which the C tests link without it. */
#ifndef NB_EMBED_H
#define NB_EMBED_H

#include <stddef.h>
#include <string.h>

typedef struct nb_embedded {
    const char *name; /* as in the source tree: "stdlib/help.lua" */
    const unsigned char *data;
    size_t size;
} nb_embedded;

/* Ends with a NULL name. */
extern const nb_embedded nb_embedded_files[];

/* The file of this name, or NULL. */
static inline const nb_embedded *nb_embedded_find(const char *name)
{
    const nb_embedded *file = nb_embedded_files;
    while (file->name && strcmp(file->name, name) != 0) file++;
    return file->name ? file : NULL;
}

#endif
