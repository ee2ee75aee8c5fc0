/* See names.h. */
#include "base/names.h"

#include "base/memory.h"

#include <string.h>

nb_names *nb_names_new(nb_ctx *ctx, const nb_text *packed, int64_t count)
{
    if (packed->failed) return NULL;
    size_t list = sizeof(nb_names) + (size_t)count * sizeof(char *);
    nb_names *names = nb_alloc(ctx, list + packed->length);
    if (!names) return NULL;
    *names = (nb_names){.refs = 1, .bytes = list + packed->length, .count = count};
    char *at = (char *)names + list;
    if (packed->length > 0) memcpy(at, packed->data, packed->length);
    for (int64_t i = 0; i < count; i++) {
        names->name[i] = at;
        at += strlen(at) + 1;
    }
    return names;
}

nb_names *nb_names_retain(nb_names *names)
{
    if (names) names->refs++;
    return names;
}

void nb_names_release(nb_ctx *ctx, nb_names *names)
{
    if (names && --names->refs == 0) nb_free(ctx, names, names->bytes);
}
