/* Lines that break between words. */
#ifndef SH_FOLD_H
#define SH_FOLD_H

#include <stddef.h>

/* Takes a piece of a text. */
typedef void sh_take_piece(void *self, const char *text, size_t length);
/* How a text lies: lines wider than `width` columns are broken between words, where a word fits a
 * line at all, and go on behind `indent` blanks. The first line stands behind `column` columns. */
typedef struct sh_lie {
    size_t column, indent, width;
} sh_lie;
/* Gives a text on in pieces. A line that begins with a space is laid out already and stays. */
void sh_fold(const char *text, const sh_lie *lie, sh_take_piece *take, void *self);

#endif
