/* See names.h. */
#include "base/names.h"

#include "base/escape.h"
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

/* Writes a character, or a byte that is none; the bytes that it took. */
static size_t write_character(nb_text *text, const char *c, size_t left)
{
    size_t length = nb_utf8_length(c, left);
    if (*c == '\n')
        nb_text_add(text, "\\n");
    else if (*c == '\\')
        nb_text_add(text, "\\\\");
    else if (length == 0)
        nb_text_add(text, "\\x%02X", (unsigned char)*c);
    else
        nb_text_add_bytes(text, c, length);
    return length ? length : 1;
}

void nb_names_write(nb_text *text, char *const *names, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (i > 0) nb_text_add(text, "\n");
        for (size_t at = 0; at < length;) at += write_character(text, names[i] + at, length - at);
    }
}

/* The byte that two digits stand for, as they are written; NUL: none that names hold. */
static char byte_of(const char *two)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *high = two[0] ? strchr(digits, two[0]) : NULL;
    const char *low = high && two[1] ? strchr(digits, two[1]) : NULL;
    return low ? (char)((high - digits) << 4 | (low - digits)) : '\0';
}

/* What stands behind a '\', which *line is moved past; NUL: nothing may. */
static char decode(const char **line)
{
    const char *at = *line;
    char c = *at == 'n' ? '\n' : *at == '\\' ? '\\' : *at == 'x' ? byte_of(at + 1) : '\0';
    if (c) *line += *at == 'x' ? 3 : 1;
    return c;
}

/* Adds a line decoded, and a NUL; returns its end, or NULL where a '\' stands before what it may
 * not. */
static const char *add_line(nb_text *packed, const char *line)
{
    while (*line && *line != '\n') {
        char c = *line++;
        if (c == '\\') c = decode(&line);
        if (!c) return NULL;
        nb_text_add_bytes(packed, &c, 1);
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
        nb_fail(ctx, NB_EFORMAT, "%s name %lld has a '\\' before neither n, x and a byte, nor '\\'",
                what, (long long)count);
    nb_text_free(&packed);
    return names;
}
