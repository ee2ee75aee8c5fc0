/* Data sets from texts: x some characters, y at each of them the character that follows. */
#ifndef NB_DATA_TEXT_H
#define NB_DATA_TEXT_H

#include "nn/data/set.h"

typedef struct nb_text_options {
    int64_t steps;      /* characters of a row, at least 1 */
    int64_t stride;     /* from the begin of one row to that of the next, at least 1 */
    bool bytes;         /* every byte is a character; else the file is UTF-8 */
    double valid, test; /* shares of the rows, kept back at the end of the text; 0: none */
} nb_text_options;

/* Reads one: as nb_characters_read says, which is the memory that it takes. Row i holds the
 * characters from i * stride on; what is left at the end is no row. Words and classes are the
 * text's characters. With shares, the last rows of the text are the set's `test`, those before them
 * `valid`, and `train` is what does not reach into them. The set is called as the file. NB_ESHAPE
 * for a text that is too short; NB_EARG for shares that leave no row. */
nb_set *nb_set_read_text(nb_ctx *ctx, const char *path, const nb_text_options *options);

#endif
