/* Numbers: by one multiplication or division of doubles where that is exact but for its last
 * rounding (Clinger 1990), by whole numbers of 128 bits where those hold both digits and power,
 * else by strtod on digits without a mark, so that no locale matters. */
#include "io/csv/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DIGITS_SHORT = 15, /* all such numbers are doubles */
    DIGITS_FIT = 19,   /* decimal digits that a uint64_t surely holds */
    TEN_FITS = 22,     /* 10^22 is the last power of ten that is a double */
    WIDE_MOST = 19,    /* 10^19 times as many digits is less than 2^128 */
    WIDE_LEAST = -21,  /* 2^127 / 10^21 has more than 55 bits */
    DIGITS_MOST = 800, /* no double and no middle between two has more */
    EXPONENT_MOST = 99999999
};

#define DOUBLE_FITS (UINT64_C(1) << 53) /* whole numbers up to it are doubles */

/* A number on its way: all digits in a row, and the power of ten of the last one. A cell has fewer
 * digits than an int counts. */
typedef struct decimal {
    const char *digits; /* the first that is no leading zero; a mark may stand among them */
    int count;          /* of significant digits */
    uint64_t whole;     /* they as one number, where there are at most DIGITS_FIT */
    int exponent;
} decimal;

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* A row of digits, each of which moves the exponent by `shift`. */
static const char *take_digits(const char *at, decimal *d, int shift)
{
    const char *begin = at;
    uint64_t whole = d->whole;
    if (d->count == 0) {
        while (*at == '0') at++;
        d->digits = at;
    }
    const char *first = at;
    for (; is_digit(*at); at++) whole = whole * 10 + (uint64_t)(*at - '0');
    d->whole = whole;
    d->count += (int)(at - first);
    d->exponent += shift * (int)(at - begin);
    return at;
}

/* The exponent behind e, where digits follow it; else what is no exponent stays. */
static const char *take_exponent(const char *at, decimal *d)
{
    int exponent = 0;
    if (*at != 'e' && *at != 'E') return at; /* it may be the text's last byte */
    const char *digit = at + 1 + (at[1] == '+' || at[1] == '-');
    if (!is_digit(*digit)) return at;
    for (; is_digit(*digit); digit++)
        if (exponent <= EXPONENT_MOST) exponent = exponent * 10 + (*digit - '0');
    d->exponent += at[1] == '-' ? -exponent : exponent;
    return digit;
}

/* The digits without their mark. What is cut off behind the 800th only says that there is no tie,
 * and so does a last digit that is odd. */
static double by_strtod(const decimal *d)
{
    char text[DIGITS_MOST + 24];
    int n = 0, cut = 0;
    const char *at = d->digits;
    for (int seen = 0; seen < d->count; at++) {
        if (!is_digit(*at)) continue;
        if (n < DIGITS_MOST)
            text[n++] = *at;
        else
            cut |= *at != '0';
        seen++;
    }
    if (cut) text[n - 1] = (char)(text[n - 1] | 1);
    snprintf(text + n, sizeof text - (size_t)n, "e%d", d->exponent + d->count - n);
    return strtod(text, NULL);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 whole128;

/* digits · 10^exponent, exponent from WIDE_LEAST to WIDE_MOST. The quotient has more than 55 bits,
 * the last of which also says whether anything was left; so its one rounding is right. */
static double by_whole(uint64_t digits, int exponent)
{
    whole128 power = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--) power *= 10;
    if (exponent >= 0) return (double)(digits * power);
    int zeros = __builtin_clzll(digits);
    whole128 all = (whole128)(digits << zeros) << 64, quotient = all / power;
    quotient |= quotient * power != all;
    return ldexp((double)quotient, -64 - zeros);
}
#endif

static const double ten[TEN_FITS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static double value_of(const decimal *d)
{
    int exponent = d->exponent;
    if (d->count == 0) return 0;
    if (d->count <= DIGITS_FIT && d->whole <= DOUBLE_FITS) {
        if (exponent >= 0 && exponent <= TEN_FITS) return (double)d->whole * ten[exponent];
        if (exponent < 0 && exponent >= -TEN_FITS) return (double)d->whole / ten[-exponent];
    }
#ifdef __SIZEOF_INT128__
    if (d->count <= DIGITS_FIT && exponent <= WIDE_MOST && exponent >= WIDE_LEAST)
        return by_whole(d->whole, exponent);
#endif
    return by_strtod(d);
}

/* inf and infinity. */
static const char *take_word(const char *at, double *value)
{
    *value = INFINITY;
    if (strncasecmp(at, "inf", 3) != 0) return NULL;
    return strncasecmp(at, "infinity", 8) == 0 ? at + 8 : at + 3;
}

/* What most numbers are: few digits, without an exponent; NULL: not so. */
static const char *short_number(const char *at, char mark, double *value, bool *marked)
{
    bool minus = *at == '-';
    const char *begin = at += minus, *fraction;
    uint64_t whole = 0;
    for (; is_digit(*at); at++) whole = whole * 10 + (uint64_t)(*at - '0');
    *marked = *at == mark && at > begin;
    fraction = at += *marked;
    for (; is_digit(*at); at++) whole = whole * 10 + (uint64_t)(*at - '0');
    if (at == begin || at - begin > DIGITS_SHORT || *at == 'e' || *at == 'E') return NULL;
    *value = (double)(int64_t)whole;
    if (at > fraction && *marked) *value /= ten[at - fraction];
    if (minus) *value = -*value;
    return at;
}

const char *nb_csv_number(const char *at, char mark, double *value, bool *marked)
{
    const char *whole = short_number(at, mark, value, marked);
    if (whole) return whole;
    decimal d = {.count = 0};
    bool minus = *at == '-';
    at += minus || *at == '+';
    const char *begin = at, *end = take_digits(at, &d, 0);
    *marked = *end == mark;
    if (*marked) end = take_digits(end + 1, &d, -1);
    if (end == begin + *marked) {
        end = take_word(begin, value);
        *marked = false;
    } else {
        end = take_exponent(end, &d);
        *value = value_of(&d);
    }
    if (minus) *value = -*value;
    return end;
}

/* ---- What is no number ---- */

bool nb_csv_is_missing(const char *text, size_t length)
{
    static const char *const words[] = {"", "?", "-", "NA", "N/A", "NaN", "null"};
    if (length > 4 || (length && !strchr("?-nN", *text))) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && strncasecmp(text, words[i], length) == 0) return true;
    return false;
}

/* How many digits stand there, as many as a date may have. */
static size_t digits_at(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && n < 5 && is_digit(text[n])) n++;
    return n;
}

bool nb_csv_is_date(const char *text, size_t length)
{
    size_t first = digits_at(text, length);
    if (first == 0 || first > 4 || first == length) return false;
    char mark = text[first];
    if (!strchr("-/.:", mark)) return false;
    size_t second = digits_at(text + first + 1, length - first - 1), end = first + 1 + second;
    if (second == 0 || second > 2) return false;
    if (mark == ':') return first <= 2 && second == 2;
    if (end == length) return mark == '-' && first == 4;
    return text[end] == mark && end + 1 < length && is_digit(text[end + 1]);
}
