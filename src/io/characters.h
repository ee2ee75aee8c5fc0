/* The characters of a text file: each as its number in the text's own vocabulary, which is what
 * occurs in it, in the order of code points. */
#ifndef NB_CHARACTERS_H
#define NB_CHARACTERS_H

#include "tensor/tensor.h"

/* The most that a vocabulary holds. */
enum { NB_CHARACTERS_MAX = 65536 };

typedef struct nb_characters {
    nb_storage *numbers; /* `count` of them, from 0, of `size` bytes each */
    int64_t count;
    size_t size;    /* 1 where the vocabulary holds 256 at most, else 2 */
    int32_t *point; /* the vocabulary: code points or bytes, ascending */
    int64_t points; /* how many */
} nb_characters;

/* Reads a text, plain or gzip, as UTF-8 or as bytes; fills *out, to be given back with
 * nb_characters_free. The file is gone through twice, so that no more memory is taken than the
 * numbers need, and 3 MB on the way. UTF-8's mark at the begin is passed over; line ends stay as
 * they are. NB_EFORMAT for an empty file, for what is no UTF-8 (with byte and line), for more than
 * NB_CHARACTERS_MAX different characters, and for a file that changes meanwhile; NB_EIO,
 * NB_EINTERRUPT. */
nb_status nb_characters_read(nb_ctx *ctx, const char *path, bool bytes, nb_characters *out);
/* Allowed on one that is empty. */
void nb_characters_free(nb_ctx *ctx, nb_characters *of);

#endif
