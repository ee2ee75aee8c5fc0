/* Lines that break between words. */
#ifndef SH_FOLD_H
#define SH_FOLD_H

#include <stddef.h>

/* Takes a piece of a text. */
typedef void sh_take_piece(void *self, const char *text, size_t length);
/* Gives a text on in pieces: lines wider than `width` columns are broken between words, where a
 * word fits a line at all; one that begins with a space is laid out already and stays. The first
 * stands behind `column` columns. */
void sh_fold(const char *text, size_t column, size_t width, sh_take_piece *take, void *self);

#endif
