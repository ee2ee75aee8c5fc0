/* Texts that somebody else wrote, made fit to be shown. */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

uint32_t nb_utf8_point(const char *text, size_t length)
{
    uint32_t point = (unsigned char)text[0] & (length > 1 ? 0x7fu >> length : 0x7fu);
    for (size_t i = 1; i < length; i++) point = point << 6 | ((unsigned char)text[i] & 0x3f);
    return point;
}

size_t nb_utf8_write(uint32_t point, char out[NB_UTF8_MAX + 1])
{
    static const uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    char *to = out;
    *to++ = (char)(lead[more] | point >> 6 * more);
    for (int i = more - 1; i >= 0; i--) *to++ = (char)(0x80 | (point >> 6 * i & 0x3f));
    *to = '\0';
    return (size_t)(to - out);
}

size_t nb_utf8_length(const char *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80) return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > left) return 0;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    }
    uint32_t point = nb_utf8_point(text, length);
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least[length] || point > 0x10ffff || surrogate ? 0 : length;
}

/* C1, and those of the format characters that reorder a line or break it. */
static bool is_hidden(uint32_t point)
{
    return (point >= 0x80 && point < 0xa0) || point == 0x200e || point == 0x200f ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static const char *short_escape(char c, nb_escaping how)
{
    switch (c) {
    case '\n':
        return how == NB_ESCAPE_LINES ? NULL : "\\n";
    case '\t':
        return how == NB_ESCAPE_LINES ? NULL : "\\t";
    case '\r':
        return "\\r";
    case '"':
        return how == NB_ESCAPE_QUOTED ? "\\\"" : NULL;
    case '\\':
        return how == NB_ESCAPE_QUOTED ? "\\\\" : NULL;
    default:
        return NULL;
    }
}

size_t nb_escape(const char *text, size_t left, nb_escaping how, char out[NB_ESCAPE_MAX])
{
    unsigned char first = (unsigned char)*text;
    size_t length = nb_utf8_length(text, left);
    const char *code = short_escape(*text, how);
    bool stays = how == NB_ESCAPE_LINES && (first == '\n' || first == '\t');
    if (code) {
        strcpy(out, code);
    } else if (length == 0 || first == 0x7f || (first < ' ' && !stays)) {
        snprintf(out, NB_ESCAPE_MAX, "\\%03u", first);
        return 1;
    } else if (length > 1 && is_hidden(nb_utf8_point(text, length))) {
        snprintf(out, NB_ESCAPE_MAX, "\\u{%X}", (unsigned)nb_utf8_point(text, length));
    } else {
        memcpy(out, text, length);
        out[length] = '\0';
    }
    return length;
}

bool nb_is_plain(const char *text, size_t length, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t i = 0; i < length;) {
        size_t bytes = nb_escape(text + i, length - i, how, shown);
        if (strlen(shown) != bytes) return false;
        i += bytes;
    }
    return true;
}

void nb_text_add_escaped(nb_text *text, const char *bytes, size_t length, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t i = 0; i < length;) {
        i += nb_escape(bytes + i, length - i, how, shown);
        nb_text_add_bytes(text, shown, strlen(shown));
    }
}
