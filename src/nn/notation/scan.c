/* Takes any bytes: every step looks at one byte before the NUL, and what is not notation's becomes
 * a token of one character for the parser to refuse. */
#include "nn/notation/scan.h"

#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_BEFORE = 48, /* bytes of the text shown before the place of an error … */
    SHOWN_AFTER = 24,  /* … and from it on */
    SHOWN_MAX = 2 * (SHOWN_BEFORE + SHOWN_AFTER)
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at)) at++;
    return at;
}

/* Over one size of a shape, digits or '*', or nothing. */
static const char *skip_size(const char *at)
{
    return *at == '*' ? at + 1 : skip_digits(at);
}

/* Over an 'x' and a size, as often as they come. */
static const char *skip_sizes(const char *at)
{
    while (*at == 'x' && (is_digit(at[1]) || at[1] == '*')) at = skip_size(at + 1);
    return at;
}

/* 12, 1x28x28, *x64, 0.5, 1e-3, and paths, 3.1.2. A point before another point is none: 9..12
 * begins with the size 9. */
static nb_token_kind scan_number(const char **at)
{
    const char *c = skip_size(*at), *sizes = skip_sizes(c);
    nb_token_kind kind = NB_TOKEN_SIZE;
    if (sizes > c) {
        *at = sizes;
        return NB_TOKEN_SHAPE;
    }
    if (*c == '.' && c[1] != '.') {
        kind = NB_TOKEN_NUMBER;
        c = skip_digits(c + 1);
        while (*c == '.' && is_digit(c[1])) c = skip_digits(c + 1);
    }
    if (*c == 'e' && (is_digit(c[1]) || (c[1] == '-' && is_digit(c[2])))) {
        kind = NB_TOKEN_NUMBER;
        c = skip_digits(c + 2);
    }
    *at = c;
    return kind;
}

static nb_token_kind scan_kind(const char **at)
{
    const char *c = *at;
    if (*c == '\0') return NB_TOKEN_END;
    if (is_digit(*c) || (*c == '*' && skip_sizes(c + 1) > c + 1)) return scan_number(at);
    if (is_letter(*c)) {
        while (is_letter(**at) || is_digit(**at)) ++*at;
        return NB_TOKEN_NAME;
    }
    if (*c == '.' && c[1] == '.') {
        *at += 2;
        return NB_TOKEN_RANGE;
    }
    ++*at;
    if (strchr("-:=@*[]|(),", *c)) return NB_TOKEN_SIGN;
    while (nb_is_tail(**at)) ++*at;
    return NB_TOKEN_OTHER;
}

static nb_token scan_token(const char *at)
{
    const char *start = at;
    while (is_space(*start)) start++;
    const char *end = start;
    nb_token_kind kind = scan_kind(&end);
    return (nb_token){
        .kind = kind, .at = start, .length = (size_t)(end - start), .spaced = start > at};
}

void nb_scan_start(nb_scan *scan, nb_ctx *ctx, const char *text)
{
    *scan = (nb_scan){.ctx = ctx, .text = text, .token = scan_token(text)};
}

void nb_scan_next(nb_scan *scan)
{
    scan->token = nb_scan_peek(scan);
}

nb_token nb_scan_peek(const nb_scan *scan)
{
    return scan_token(scan->token.at + scan->token.length);
}

bool nb_scan_at(const nb_scan *scan, char sign)
{
    return scan->token.kind == NB_TOKEN_SIGN && *scan->token.at == sign;
}

int64_t nb_scan_digits(const char *at, int64_t limit, const char **end)
{
    int64_t value = 0;
    for (; is_digit(*at); at++) {
        if (value <= limit) value = value * 10 + (*at - '0');
    }
    *end = at;
    return value <= limit ? value : limit + 1;
}

/* The point is taken out and counted, because strtod looks for that of whatever locale the host has
 * set: 12.5e-3 is read as 125e-4. */
bool nb_scan_number(nb_token token, double *number)
{
    enum { ROOM = 400 }; /* digits of any number that somebody means, and an exponent */
    char digits[ROOM];
    const char *at = token.at, *end = at + token.length;
    size_t used = 0;
    int64_t exponent = 0;
    bool behind = false;
    if (token.length > ROOM / 2) return false;
    for (; at < end && *at != 'e'; at++) {
        if (*at == '.' && behind) return false;
        if (*at == '.') behind = true;
        if (*at == '.') continue;
        digits[used++] = *at;
        exponent -= behind;
    }
    if (at < end) {
        bool negative = at[1] == '-';
        int64_t written = nb_scan_digits(at + 1 + negative, ROOM, &at);
        exponent += negative ? -written : written;
    }
    snprintf(digits + used, sizeof digits - used, "e%lld", (long long)exponent);
    *number = strtod(digits, NULL);
    return isfinite(*number);
}

/* ---- Errors --------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character that begins with `first`; 0 where none does. */
static size_t utf8_length(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Bytes of the character at `c`; 0 where there is none that shows: a control character, or bytes
 * that are no UTF-8. */
static size_t visible(const char *c)
{
    unsigned char first = (unsigned char)*c, second = (unsigned char)c[1];
    size_t length = utf8_length(first);
    if (first < ' ' || first == 0x7F || (first == 0xC2 && second < 0xA0)) return 0;
    for (size_t i = 1; i < length; i++) {
        if (!nb_is_tail(c[i])) return 0;
    }
    return length;
}

/* One column of the text for a line: white space as ' ', what does not show as '?'. Returns the
 * bytes read; appends to out at *used. */
static size_t show_one(const char *c, char *out, size_t *used)
{
    size_t length = visible(c);
    if (length == 0) out[(*used)++] = is_space(*c) ? ' ' : '?';
    for (size_t i = 0; i < length; i++) out[(*used)++] = c[i];
    return length ? length : 1;
}

/* The text from `from` to before `to` (or its end) as it shows; returns its columns. */
static int show(const char *from, const char *to, char *out)
{
    size_t used = 0;
    int columns = 0;
    for (const char *c = from; c < to && *c; columns++) c += show_one(c, out, &used);
    out[used] = '\0';
    return columns;
}

/* Where the excerpt before `place` begins: not within a character. */
static const char *excerpt_start(const char *text, const char *place)
{
    const char *start = place - text > SHOWN_BEFORE ? place - SHOWN_BEFORE : text;
    while (start < place && nb_is_tail(*start)) start++;
    return start;
}

nb_status nb_scan_fail(nb_scan *scan, nb_token token, const char *format, ...)
{
    char message[NB_MESSAGE_MAX / 2], before[SHOWN_MAX], after[SHOWN_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (scan->plain) return nb_fail(scan->ctx, NB_EARG, "%s", message);
    const char *start = excerpt_start(scan->text, token.at);
    const char *end = token.at + strnlen(token.at, SHOWN_AFTER);
    const char *head = start > scan->text ? "…" : "";
    int columns = show(start, token.at, before) + (*head != '\0');
    show(token.at, end, after);
    return nb_fail(scan->ctx, NB_EARG, "%s\n  %s%s%s%s\n  %*s^", message, head, before, after,
                   *end ? "…" : "", columns, "");
}

const char *nb_scan_quote(nb_token token, char out[NB_QUOTE_MAX])
{
    enum { ROOM = NB_QUOTE_MAX - 16 }; /* for the quotes, "…" and the end of a character */
    char shown[NB_QUOTE_MAX - 6];
    if (token.kind == NB_TOKEN_END) return strcpy(out, "the end");
    bool cut = token.length > ROOM;
    show(token.at, token.at + (cut ? ROOM : token.length), shown);
    snprintf(out, NB_QUOTE_MAX, "'%s%s'", shown, cut ? "…" : "");
    return out;
}
