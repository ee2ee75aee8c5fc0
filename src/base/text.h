/* A text that grows. Adding to it never fails at the place: the first failure is remembered in
 * `failed` (the context holds its message), which the reader of the text looks at once, at the
 * end. */
#ifndef NB_TEXT_H
#define NB_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nb_text {
    nb_ctx *ctx;
    char *data;    /* always ends in NUL when not NULL */
    size_t length; /* without the NUL */
    size_t room;   /* bytes behind data */
    bool failed;   /* memory ended; what came after is missing */
} nb_text;

void nb_text_init(nb_text *text, nb_ctx *ctx);
void nb_text_free(nb_text *text);
/* printf's format; the arguments must not point into the text itself. */
void nb_text_add(nb_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nb_text_add_bytes(nb_text *text, const char *bytes, size_t length);
/* The text so far ("" when empty); valid until the next addition. */
const char *nb_text_get(const nb_text *text);
/* "1,797": digits in groups of three. */
void nb_text_add_grouped(nb_text *text, int64_t number);
/* "970", "16.6 k", "2.31 M": three figures, `base` (1000 or 1024) of one unit to the next; with a
 * `suffix` behind the unit: "40.5 KiB". */
void nb_text_add_rounded(nb_text *text, double number, int base, const char *suffix);

/* A file's own words for a message: cut at a whole character, escaped as a word (escape.h). Returns
 * `out`. */
enum { NB_SHOWN = 64 };
const char *nb_text_shown(const char *text, char out[NB_SHOWN]);

/* The fewest digits that, correctly rounded, read back as the same double, in any locale with a
 * point: "30", "0.1", "1e-5", "-0", "inf", "nan". Returns `out`. */
enum { NB_NUMBER_MAX = 32 };
const char *nb_number_text(double number, char out[NB_NUMBER_MAX]);
/* The same of a number in single precision: that reads back as the same float. */
const char *nb_single_text(float number, char out[NB_NUMBER_MAX]);
void nb_text_add_number(nb_text *text, double number);

#endif
