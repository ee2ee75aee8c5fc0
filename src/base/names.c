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

/* ---- For files ------------------------------------------------------------------------------- */

void nb_names_write(nb_text *text, char *const *names, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) nb_text_add(text, "\n");
        for (const char *c = names[i]; *c; c++) {
            if (*c == '\n')
                nb_text_add(text, "\\n");
            else if (*c == '\\')
                nb_text_add(text, "\\\\");
            else
                nb_text_add_bytes(text, c, 1);
        }
    }
}

/* Adds a line decoded, and a NUL; returns its end, or NULL where a '\' stands before what it may
 * not. */
static const char *add_line(nb_text *packed, const char *line)
{
    for (; *line && *line != '\n'; line++) {
        if (*line != '\\') {
            nb_text_add_bytes(packed, line, 1);
            continue;
        }
        line++;
        if (*line != 'n' && *line != '\\') return NULL;
        nb_text_add_bytes(packed, *line == 'n' ? "\n" : "\\", 1);
    }
    nb_text_add_bytes(packed, "", 1);
    return line;
}

nb_names *nb_names_read(nb_ctx *ctx, const char *text, const char *what)
{
    nb_names *names = NULL;
    int64_t count = 0;
    nb_text packed;
    nb_text_init(&packed, ctx);
    do {
        text = add_line(&packed, count ? text + 1 : text);
        count++;
    } while (text && *text);
    if (text)
        names = nb_names_new(ctx, &packed, count);
    else
        nb_fail(ctx, NB_EFORMAT, "%s name %lld has a '\\' before neither n nor '\\'", what,
                (long long)count);
    nb_text_free(&packed);
    return names;
}
