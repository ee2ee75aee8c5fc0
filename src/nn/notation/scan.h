/* The words of notation: a text cut into tokens, and errors that mark a place in it. */
#ifndef NB_SCAN_H
#define NB_SCAN_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nb_token_kind {
    NB_TOKEN_END,
    NB_TOKEN_SIZE,   /* digits */
    NB_TOKEN_SHAPE,  /* digits x digits …; '*' may stand for digits */
    NB_TOKEN_NUMBER, /* with a point or an exponent, or with points, as paths have */
    NB_TOKEN_NAME,
    NB_TOKEN_RANGE, /* ".." */
    NB_TOKEN_SIGN,  /* one of - : = @ * [ ] | ( ) , */
    NB_TOKEN_OTHER  /* a character that notation does not have */
} nb_token_kind;

typedef struct nb_token {
    nb_token_kind kind;
    const char *at;
    size_t length;
    bool spaced; /* white space stands before it */
} nb_token;

typedef struct nb_scan {
    nb_ctx *ctx;
    const char *text; /* ends in NUL */
    nb_token token;   /* the one to be read */
    bool plain;       /* errors go without the text and the mark */
} nb_scan;

void nb_scan_start(nb_scan *scan, nb_ctx *ctx, const char *text);
/* On to the next token; the end stays the end. */
void nb_scan_next(nb_scan *scan);
/* The token after the one to be read. */
nb_token nb_scan_peek(const nb_scan *scan);
/* True when the token to be read is this sign (or the other kinds' first letter). */
bool nb_scan_at(const nb_scan *scan, char sign);
/* The digits from `at` on as a number, where they end in *end; limit + 1 when it is above `limit`.
 */
int64_t nb_scan_digits(const char *at, int64_t limit, const char **end);

/* The value of a token of digits, with point and exponent; false where no double holds it, and of
 * paths. */
bool nb_scan_number(nb_token token, double *number);

/* NB_EARG: the message, then the text around `token` on a line of its own, then a mark below it.
 * Letters that would not show are replaced. */
nb_status nb_scan_fail(nb_scan *scan, nb_token token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum { NB_QUOTE_MAX = 48 };
/* The token in quotes for a message ('rleu'), cut where it is long, or "the end". Writes into
 * `out`. */
const char *nb_scan_quote(nb_token token, char out[NB_QUOTE_MAX]);

#endif
