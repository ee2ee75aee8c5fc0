/* Words of other tools, and what they are here. One table, which errors and help read, so that who
 * comes from Keras, PyTorch, NumPy, scikit-learn or the book's Python is answered in a line. */
#ifndef NB_FOREIGN_H
#define NB_FOREIGN_H

#include <stddef.h>

typedef enum nb_foreign_kind {
    NB_FOREIGN_OPTION, /* of a function; `here` is our option */
    NB_FOREIGN_WORD,   /* of a family: an activation, a cost; `here` is our word */
    NB_FOREIGN_NAME,   /* a function, method or global; `here` is what is written */
    NB_FOREIGN_FIELD,  /* a field of something of ours, "net.w", or of "any"; `here` is where that
                          stands: one of several may be another field, "h.test", the last is said
                          where none of them is there */
    NB_FOREIGN_SIGN    /* of syntax; `here` is Lua's */
} nb_foreign_kind;

typedef struct nb_foreign {
    nb_foreign_kind kind;
    const char *word;
    const char *here;
    const char *topic; /* the page of help that says more; NULL: none */
} nb_foreign;

/* Entry i, NULL behind the last. */
const nb_foreign *nb_foreign_at(size_t i);
/* What a word of this kind is here, or NULL. */
const nb_foreign *nb_foreign_find(nb_foreign_kind kind, const char *word);

#endif
