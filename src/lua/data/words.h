/* Text where a network or a set has a vocabulary: as word numbers, and back. */
#ifndef NBL_WORDS_H
#define NBL_WORDS_H

#include "lua/nbl.h"
#include "nn/data/classes.h"

/* Text at `arg` becomes word numbers, a tensor; a list of texts a list of them, or where they are
 * equally long one tensor. What is no text stays. words NULL: there is no vocabulary, and text is
 * an error that says so of `what`, or where that is NULL stays too. */
void nbl_read_text(lua_State *L, int arg, const nb_classes *words, const char *what);
/* Pushes the numbers at 2 as text: a number, a vector or a list as one, a matrix as a table of one
 * for each row. words NULL: an error that says who has none. Returns how many values. */
int nbl_push_decoded(lua_State *L, const nb_classes *words, const char *whose);
/* Adds the first of a vector's word numbers to a text, between quotes and escaped. */
void nbl_add_quoted(lua_State *L, const nb_classes *words, nb_tensor *numbers, nb_text *to);

#endif
