/* JSON as RFC 8259 has it, of the kinds of value that file headers need: objects, arrays, strings
 * and whole numbers. */
#include "io/json.h"

#include "base/escape.h"

#include <stdio.h>
#include <string.h>

static nb_status refuse(nb_json *json, const char *reason)
{
    return nb_fail(json->ctx, NB_EFORMAT, "%s: byte %zu of %s: %s", json->file, json->at + 1,
                   json->place, reason);
}

static nb_status refuse_next(nb_json *json, const char *expected)
{
    char reason[96];
    unsigned char next = json->at < json->length ? (unsigned char)json->text[json->at] : 0;
    if (json->at >= json->length) {
        snprintf(reason, sizeof reason, "expected %s, not the end", expected);
    } else if (next > 0x20 && next < 0x7f) {
        snprintf(reason, sizeof reason, "expected %s, not '%c'", expected, next);
    } else {
        snprintf(reason, sizeof reason, "expected %s, not the byte %02x", expected, next);
    }
    return refuse(json, reason);
}

static void skip_blanks(nb_json *json)
{
    while (json->at < json->length && json->text[json->at] != '\0' &&
           strchr(" \t\n\r", json->text[json->at])) {
        json->at++;
    }
}

static bool accept(nb_json *json, char c)
{
    skip_blanks(json);
    if (json->at >= json->length || json->text[json->at] != c) return false;
    json->at++;
    return true;
}

bool nb_utf8_is_valid(const char *string)
{
    size_t left = strlen(string);
    while (left > 0) {
        size_t length = nb_utf8_length(string, left);
        if (length == 0) return false;
        string += length;
        left -= length;
    }
    return true;
}

/* The four digits of \uXXXX, `json->at` on the u; afterwards behind them. */
static bool read_unit(nb_json *json, uint32_t *unit)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *unit = 0;
    json->at++;
    for (int i = 0; i < 4; i++, json->at++) {
        char c = json->at < json->length ? json->text[json->at] : '\0';
        const char *found = c ? strchr(digits, c) : NULL;
        if (!found) return false;
        uint32_t value = (uint32_t)(found - digits);
        *unit = *unit << 4 | (value < 16 ? value : value - 6);
    }
    return true;
}

static bool next_is(const nb_json *json, const char *text)
{
    size_t length = strlen(text);
    return json->length - json->at >= length && memcmp(json->text + json->at, text, length) == 0;
}

static nb_status read_code_point(nb_json *json, char **out)
{
    uint32_t point, low;
    if (!read_unit(json, &point)) return refuse_next(json, "a hexadecimal digit");
    if (point == 0) return refuse(json, "a string holds a NUL character");
    if (point >= 0xd800 && point <= 0xdfff) {
        bool paired = point < 0xdc00 && next_is(json, "\\u");
        if (paired) json->at++;
        if (!paired || !read_unit(json, &low) || low < 0xdc00 || low > 0xdfff) {
            return refuse(json, "half of a surrogate pair stands alone");
        }
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    char text[NB_UTF8_MAX + 1];
    size_t length = nb_utf8_write(point, text);
    memcpy(*out, text, length);
    *out += length;
    return NB_OK;
}

/* `json->at` is behind the backslash. */
static nb_status read_escape(nb_json *json, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = json->at < json->length ? json->text[json->at] : '\0';
    if (c == 'u') return read_code_point(json, out);
    const char *found = c ? strchr(letters, c) : NULL;
    if (!found) return refuse_next(json, "one of \" \\ / b f n r t u");
    *(*out)++ = meanings[found - letters];
    json->at++;
    return NB_OK;
}

/* One character as it stands. */
static nb_status read_plain(nb_json *json, char **out)
{
    const char *from = json->text + json->at;
    if ((unsigned char)*from < 0x20) return refuse_next(json, "a character of a string");
    size_t length = nb_utf8_length(from, json->length - json->at);
    if (length == 0) return refuse(json, "a string is not UTF-8");
    memmove(*out, from, length);
    *out += length;
    json->at += length;
    return NB_OK;
}

/* A character never takes more bytes than its escape, and the NUL goes where the closing quote was
 * or before: decoding in place does not reach what is still to be read. */
const char *nb_json_string(nb_json *json)
{
    if (!accept(json, '"')) {
        refuse_next(json, "a string");
        return NULL;
    }
    char *begin = json->text + json->at, *out = begin;
    while (json->at < json->length && json->text[json->at] != '"') {
        bool escaped = json->text[json->at] == '\\';
        if (escaped) json->at++;
        if (escaped ? read_escape(json, &out) : read_plain(json, &out)) return NULL;
    }
    if (json->at >= json->length) {
        refuse_next(json, "a closing quote");
        return NULL;
    }
    json->at++;
    *out = '\0';
    return begin;
}

static bool digit_next(const nb_json *json)
{
    return json->at < json->length && json->text[json->at] >= '0' && json->text[json->at] <= '9';
}

nb_status nb_json_natural(nb_json *json, uint64_t *number)
{
    skip_blanks(json);
    if (!digit_next(json)) return refuse_next(json, "a whole number from 0");
    *number = 0;
    do {
        unsigned digit = (unsigned)(json->text[json->at] - '0');
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number)) {
            return refuse(json, "a number beyond 64 bits");
        }
        json->at++;
    } while (*number > 0 && digit_next(json)); /* after a leading 0 the number is over */
    return NB_OK;
}

nb_status nb_json_object(nb_json *json, nb_json_member *member, void *into)
{
    if (!accept(json, '{')) return refuse_next(json, "'{'");
    if (accept(json, '}')) return NB_OK;
    do {
        const char *key = nb_json_string(json);
        if (!key) return NB_EFORMAT;
        if (!accept(json, ':')) return refuse_next(json, "':'");
        nb_status status = member(json, into, key);
        if (status) return status;
    } while (accept(json, ','));
    return accept(json, '}') ? NB_OK : refuse_next(json, "',' or '}'");
}

nb_status nb_json_array(nb_json *json, nb_json_item *item, void *into)
{
    if (!accept(json, '[')) return refuse_next(json, "'['");
    if (accept(json, ']')) return NB_OK;
    do {
        nb_status status = item(json, into);
        if (status) return status;
    } while (accept(json, ','));
    return accept(json, ']') ? NB_OK : refuse_next(json, "',' or ']'");
}

nb_status nb_json_end(nb_json *json)
{
    skip_blanks(json);
    return json->at == json->length ? NB_OK : refuse_next(json, "nothing but blanks");
}

/* Bytes up to the first that must be escaped, or the end. */
static size_t plain_length(const char *string)
{
    size_t n = 0;
    while ((unsigned char)string[n] >= 0x20 && string[n] != '"' && string[n] != '\\') n++;
    return n;
}

void nb_json_quote(nb_text *text, const char *string)
{
    nb_text_add(text, "\"");
    while (*string) {
        size_t plain = plain_length(string);
        nb_text_add_bytes(text, string, plain);
        string += plain;
        if (*string == '"' || *string == '\\') {
            nb_text_add(text, "\\%c", *string++);
        } else if (*string) {
            nb_text_add(text, "\\u%04x", (unsigned)*string++);
        }
    }
    nb_text_add(text, "\"");
}
