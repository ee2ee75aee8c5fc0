/* Lines that break between words. */
#ifndef SH_FOLD_H
#define SH_FOLD_H

#include <stddef.h>

/* Takes a piece of a text. */
typedef void sh_take_piece(void *self, const char *text, size_t length);
/* How a text lies: lines wider than `width` columns are broken between words, where a word fits a
 * line at all, and go on behind `indent` blanks. The first line stands behind `column` columns.
 * `cut` stands for what is left out of a line with a mark; NULL: those stay as they are. */
typedef struct sh_lie {
    size_t column, indent, width;
    const char *cut;
} sh_lie;
/* Gives a text on in pieces. A line that begins with a space is laid out already and stays. But
 * where the next one is blanks and a '^', which stand for its letters one by one, the '^' comes
 * below its letter, and of a line that is too wide what stands around that is shown. */
void sh_fold(const char *text, const sh_lie *lie, sh_take_piece *take, void *self);

#endif
