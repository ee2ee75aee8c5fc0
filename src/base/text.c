/* Growing texts, and numbers as people read them. Numbers are laid out here and not by printf,
 * which writes the decimal sign of whatever locale the host has set. */
#include "base/text.h"

#include "base/arith.h"
#include "base/escape.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 128,
    GROUPED_MAX = 32,  /* room for any int64_t with its commas */
    DIGITS_MAX = 17,   /* as many digits tell any two doubles apart */
    FIXED_LOWEST = -4, /* powers of ten written without an exponent: from 0.0001 ... */
    FIXED_HIGHEST = 15 /* ... until every whole number below 2^53 is in */
};

void nb_text_init(nb_text *text, nb_ctx *ctx)
{
    *text = (nb_text){.ctx = ctx};
}

void nb_text_free(nb_text *text)
{
    nb_free(text->ctx, text->data, text->room);
    *text = (nb_text){.ctx = text->ctx};
}

/* Makes room for `more` bytes and the NUL. Doubling keeps the cost of many additions linear. */
static bool reserve(nb_text *text, size_t more)
{
    size_t need;
    if (text->failed) return false;
    if (!nb_add_size(more, 1, &need) || !nb_add_size(need, text->length, &need)) need = SIZE_MAX;
    if (need <= text->room) return true;
    size_t room = text->room ? text->room : FIRST_ROOM;
    while (room < need && room <= SIZE_MAX / 2) room *= 2;
    if (room < need) room = need;
    char *data = nb_resize(text->ctx, text->data, text->room, room);
    text->failed = !data;
    if (!data) return false;
    text->data = data;
    text->room = room;
    text->data[text->length] = '\0';
    return true;
}

void nb_text_add(nb_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length > 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void nb_text_add_bytes(nb_text *text, const char *bytes, size_t length)
{
    if (length == 0 || !reserve(text, length)) return;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

const char *nb_text_get(const nb_text *text)
{
    return text->data ? text->data : "";
}

void nb_text_add_grouped(nb_text *text, int64_t number)
{
    char line[GROUPED_MAX];
    char *at = line + sizeof line;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    int written = 0;
    do {
        if (written > 0 && written % 3 == 0) *--at = ',';
        *--at = (char)('0' + rest % 10);
        rest /= 10;
        written++;
    } while (rest > 0);
    if (number < 0) *--at = '-';
    nb_text_add_bytes(text, at, (size_t)(line + sizeof line - at));
}

void nb_text_add_rounded(nb_text *text, double number, int base, const char *suffix)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    enum { UNITS = sizeof units / sizeof *units };
    int unit = 0;
    for (; number >= base - 0.5 && unit + 1 < UNITS; unit++) number /= base;
    int decimals = unit == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
    const char *name = base == 1024 ? binary[unit] : units[unit];
    nb_text_add(text, "%.*f%s%s%s", decimals, number, *name || *suffix ? " " : "", name, suffix);
}

const char *nb_text_shown(const char *text, char out[NB_SHOWN])
{
    char shown[NB_ESCAPE_MAX];
    size_t n = 0, left = strlen(text);
    while (left > 0) {
        size_t taken = nb_escape(text, left, NB_ESCAPE_WORD, shown), bytes = strlen(shown);
        if (bytes >= NB_SHOWN - n) break;
        memcpy(out + n, shown, bytes);
        n += bytes;
        text += taken;
        left -= taken;
    }
    out[n] = '\0';
    return out;
}

/* Whether the text reads back as the number, in single precision where `narrow`. */
static bool reads_back(const char *line, double number, bool narrow)
{
    double read = strtod(line, NULL);
    return narrow ? (float)read == (float)number : read == number;
}

/* The fewest digits that read back as `number` (finite, not negative), the first one before the
 * point; returns how many. As many as every number of its kind keeps (DBL_DIG) are tried first: if
 * they read back, they are those of the shortest with zeros behind them; not so for subnormal
 * numbers, which keep fewer. */
static int shortest_digits(double number, bool narrow, char digits[DIGITS_MAX], int *exponent)
{
    char line[NB_NUMBER_MAX];
    bool normal = number >= (narrow ? (double)FLT_MIN : DBL_MIN);
    int count = normal ? (narrow ? FLT_DIG : DBL_DIG) : 1;
    for (;; count++) {
        snprintf(line, sizeof line, "%.*e", count - 1, number);
        if (count == DIGITS_MAX || reads_back(line, number, narrow)) break;
    }
    const char *at = line;
    for (int i = 0; i < count; at++) {
        if (*at >= '0' && *at <= '9') digits[i++] = *at;
    }
    *exponent = (int)strtol(at + 1, NULL, 10); /* behind the 'e' */
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}

static char *put(char *at, const char *bytes, int length)
{
    memcpy(at, bytes, (size_t)length);
    return at + length;
}

static char *put_zeros(char *at, int count)
{
    for (; count > 0; count--) *at++ = '0';
    return at;
}

/* Digits with a point behind the first `whole` of them; zeros where they are too few. */
static char *put_fixed(char *at, const char *digits, int count, int whole)
{
    int before = count < whole ? count : whole;
    at = put_zeros(put(at, digits, before), whole - before);
    if (count == before) return at;
    *at++ = '.';
    return put(at, digits + before, count - before);
}

static const char *text_of(double number, bool narrow, char out[NB_NUMBER_MAX])
{
    char digits[DIGITS_MAX];
    char *at = out;
    int exponent;
    if (isnan(number)) return strcpy(out, "nan");
    if (signbit(number)) *at++ = '-';
    if (isinf(number)) {
        strcpy(at, "inf");
        return out;
    }
    int count = shortest_digits(fabs(number), narrow, digits, &exponent);
    if (exponent < FIXED_LOWEST || exponent > FIXED_HIGHEST) {
        at = put_fixed(at, digits, count, 1);
        snprintf(at, (size_t)(out + NB_NUMBER_MAX - at), "e%d", exponent);
        return out;
    }
    if (exponent < 0) {
        at = put_zeros(put(at, "0.", 2), -exponent - 1);
        at = put(at, digits, count);
    } else {
        at = put_fixed(at, digits, count, exponent + 1);
    }
    *at = '\0';
    return out;
}

const char *nb_number_text(double number, char out[NB_NUMBER_MAX])
{
    return text_of(number, false, out);
}

const char *nb_single_text(float number, char out[NB_NUMBER_MAX])
{
    return text_of((double)number, true, out);
}

void nb_text_add_number(nb_text *text, double number)
{
    char line[NB_NUMBER_MAX];
    nb_number_text(number, line);
    nb_text_add_bytes(text, line, strlen(line));
}
