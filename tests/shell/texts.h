/* Texts of all kinds of characters, as lists of the model's pieces. */
#ifndef TESTS_SHELL_TEXTS_H
#define TESTS_SHELL_TEXTS_H

#include "model.h"

/* The pieces: those before the first of these numbers are plain letters. */
enum { TEXTS_LETTERS = 10, TEXTS_PIECES = 35 };

extern const model_piece texts_newline;

/* The piece of a number; in a locale without UTF-8 bytes that are not ASCII are no characters. */
const model_piece *texts_piece(int number, bool utf8);
void texts_insert(model_text *text, int at, const model_piece *piece, unsigned char style);
void texts_take_out(model_text *text, int at, int count);
/* Makes the text one of a few ASCII letters, or of a prompt's. */
void texts_set(model_text *text, const char *bytes, unsigned char style);
/* Writes the text's bytes; gives their number, and where the cursor is in them unless it is NULL.
 */
int texts_write(const model_text *text, char *to, int *cursor);

#endif
