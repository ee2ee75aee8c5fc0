/* Vocabularies: classes whose names are the characters of a text, or its bytes. Word k is the name
 * of class k; a text becomes word numbers and numbers become text. */
#ifndef NB_WORDS_H
#define NB_WORDS_H

#include "nn/data/classes.h"
#include "tensor/tensor.h"

/* The vocabulary of `count` code points, or bytes, in their order. A byte above 127 is a name of
 * one byte, which no character is: so is told what a vocabulary was made of. */
nb_classes *nb_words_new(nb_ctx *ctx, const int32_t *point, int64_t count, bool bytes);
/* A text as word numbers, i32 (characters). NB_EVALUE names the first character that the vocabulary
 * has not, or the byte that is no UTF-8. */
nb_tensor *nb_words_read(nb_ctx *ctx, const nb_classes *words, const char *text, size_t length);
/* Adds the names of word numbers, of any shape and dtype, one behind the other. NB_EVALUE for what
 * is no word number. */
nb_status nb_words_write(nb_ctx *ctx, nb_text *to, const nb_classes *words, nb_tensor *numbers);

/* "65 characters \n !,.ABC…", "201 bytes …": for people. */
void nb_words_describe(nb_text *text, const nb_classes *words);

#endif
