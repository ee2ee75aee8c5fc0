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
    TENS_FIT = 19,     /* 10^19 is the last power of ten that is a uint64_t */
    TEN_FITS = 22,     /* 10^22 is the last power of ten that is a double */
    WIDE_MOST = 19,    /* 10^19 times as many digits is less than 2^128 */
    WIDE_LEAST = -21,  /* 2^127 / 10^21 has more than 55 bits */
    DIGITS_MOST = 800, /* no double and no middle between two has more */
    EXPONENT_MOST = 99999999
};

#define LARGE       1e38                /* and what is less is an f32 */
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

static const double ten[TEN_FITS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t tens[TENS_FIT + 1] = {1,
                                            10,
                                            100,
                                            1000,
                                            10000,
                                            100000,
                                            1000000,
                                            10000000,
                                            100000000,
                                            1000000000,
                                            UINT64_C(10000000000),
                                            UINT64_C(100000000000),
                                            UINT64_C(1000000000000),
                                            UINT64_C(10000000000000),
                                            UINT64_C(100000000000000),
                                            UINT64_C(1000000000000000),
                                            UINT64_C(10000000000000000),
                                            UINT64_C(100000000000000000),
                                            UINT64_C(1000000000000000000),
                                            UINT64_C(10000000000000000000)};

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 whole128;

/* digits / 10^places, places from 1 to TENS_FIT. Both are moved up as far as they go, so that the
 * quotient has 63 bits or 64, the last of which also says whether anything was left. */
static double by_quotient(uint64_t digits, int places)
{
    int up = __builtin_clzll(digits), aside = __builtin_clzll(tens[places]);
    uint64_t power = tens[places] << aside;
    whole128 all = (whole128)(digits << up) << 63;
    uint64_t quotient = (uint64_t)(all / power);
    quotient |= (whole128)quotient * power != all;
    uint64_t bits = (uint64_t)(1023 - 63 - up + aside) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return (double)quotient * scale;
}

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

static double value_of(const decimal *d)
{
    int exponent = d->exponent;
    if (d->count == 0) return 0;
    if (d->count <= DIGITS_FIT && d->whole <= DOUBLE_FITS) {
        if (exponent >= 0 && exponent <= TEN_FITS) return (double)d->whole * ten[exponent];
        if (exponent < 0 && exponent >= -TEN_FITS) return (double)d->whole / ten[-exponent];
    }
#ifdef __SIZEOF_INT128__
    if (d->count <= DIGITS_FIT && exponent < 0 && exponent >= -TENS_FIT)
        return by_quotient(d->whole, -exponent);
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

/* Without a branch, for signs come as they like. */
static double with_sign(double size, bool minus)
{
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits |= (uint64_t)minus << 63;
    memcpy(&size, &bits, sizeof bits);
    return size;
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
    double size = (double)(int64_t)whole;
    if (at > fraction && *marked) size /= ten[at - fraction];
    *value = with_sign(size, minus);
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

/* ---- Numbers in a row ---- */

/* Eight bytes, the first of them lowest. */
static uint64_t bytes_at(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* The digits that eight bytes begin with, as a number; *count: how many they are. The first stand
 * lowest: they are moved up, so that zeros are before them, and put together by pairs and pairs of
 * pairs. */
static uint64_t eight_digits(uint64_t bytes, unsigned *count)
{
    const uint64_t each = UINT64_C(0x0101010101010101), pairs = UINT64_C(0x000000FF000000FF);
    const uint64_t first = 100 + (UINT64_C(1000000) << 32), last = 1 + (UINT64_C(10000) << 32);
    bytes ^= '0' * each;
    uint64_t others = ((bytes + (128 - 10) * each) | bytes) & 128 * each;
    *count = 8;
    if (others) {
        unsigned top = (unsigned)__builtin_ctzll(others); /* of the first that is none */
        *count = top / 8;
        bytes = bytes << 8 << (63 ^ top);
    }
    bytes = bytes * 10 + (bytes >> 8);
    return ((bytes & pairs) * first + (bytes >> 16 & pairs) * last) >> 32;
}

/* Digits and, it may be, the mark and up to seven digits behind it; NULL: it begins with none, or
 * has too many before it. What follows is not looked at. The last digit before the mark is put into
 * its place, so that the eight bytes there are digits. *usual: how many of them the last number
 * had. As many as that are guessed, by a branch that no compiler may see through, so that the next
 * number need not wait until these are counted. */
static const char *plain_number(const char *at, char mark, double *value, unsigned *usual)
{
    bool minus = *at == '-';
    const char *begin = at += minus;
    uint64_t before = 0;
    unsigned count;
    if (!is_digit(*at)) return NULL;
    for (; is_digit(at[1]); at++) before = before * 10 + (uint64_t)(*at - '0');
    if (at - begin > DIGITS_SHORT - 8) return NULL;
    double size;
    if (at[1] != mark) {
        size = (double)(int64_t)(before * 10 + (uint64_t)(*at - '0'));
        count = 0;
    } else {
        uint64_t bytes = (bytes_at(at + 1) & ~UINT64_C(255)) | (unsigned char)*at;
        uint64_t digits = eight_digits(bytes, &count);
        size = (double)(int64_t)(before * tens[count] + digits) / ten[count - 1];
    }
    *value = with_sign(size, minus);
    unsigned off = count ^ *usual;
    __asm__("" : "+r"(off));
    if (off == 0) return at + 1 + *usual;
    *usual = count;
    return at + 1 + count;
}

/* The next digits, up to eight; from the first on that is not 0 they count. */
static unsigned take_eight(const char *at, decimal *d)
{
    unsigned count;
    if (d->whole == 0) d->count = 0, d->digits = at;
    uint64_t digits = eight_digits(bytes_at(at), &count);
    if (d->count + (int)count > DIGITS_FIT) return 0;
    d->whole = d->whole * tens[count] + digits;
    d->count += (int)count;
    return count;
}

/* One with more digits or an exponent; NULL: it has more than DIGITS_FIT, or is as large as no f32
 * may be. */
static const char *long_number(const char *at, char mark, double *value)
{
    decimal d = {.count = 0};
    bool minus = *at == '-';
    const char *begin = at += minus;
    unsigned count;
    while ((count = take_eight(at, &d))) at += count;
    if (is_digit(*at)) return NULL;
    if (*at == mark) {
        begin++;
        for (at++; (count = take_eight(at, &d)); at += count) d.exponent -= (int)count;
    }
    if (at == begin) return NULL;
    at = take_exponent(at, &d);
    *value = with_sign(value_of(&d), minus);
    return fabs(*value) < LARGE ? at : NULL;
}

static const char *pass_blanks(const char *at)
{
    while (*at == ' ') at++;
    return at;
}

size_t nb_csv_numbers(const char **text, char stop, char mark, const int32_t *place, size_t n,
                      double *value)
{
    const char *at = *text, *end;
    unsigned usual = 0;
    size_t i = 0;
    double one;
    if (!mark) mark = '0'; /* behind digits no other stands */
    for (; i < n && place[i] >= 0; i++) {
        end = plain_number(at, mark, &one, &usual);
        if (!end || *end != stop) end = long_number(pass_blanks(at), mark, &one);
        if (!end || *end != stop) break;
        value[place[i]] = one;
        at = end + 1;
    }
    *text = at;
    return i;
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
