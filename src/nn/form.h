/* The form of one example between two layers: its sizes, of which some may be free until a batch
 * fixes them, and how they are read. */
#ifndef NB_FORM_H
#define NB_FORM_H

#include "tensor/shape.h"

typedef enum nb_reading {
    NB_VECTOR, /* K */
    NB_STEPS,  /* T x features; T alone where the numbers are words that embedding takes */
    NB_SPACE,  /* channels, then one or two extents */
    NB_OPEN    /* sizes that nobody has said how to read */
} nb_reading;

typedef struct nb_form {
    nb_reading reading;
    int dims; /* of one example: a batch has one more */
    /* Below 0: free. Equal numbers are one size: the identity of, say, T. */
    int64_t size[NB_MAX_DIMS];
} nb_form;

/* An input's form: a free first size of at most two is steps, one size a vector, everything else
 * open. Sizes below 0 are free and get identities of their own, -1, -2, … */
nb_form nb_form_input(int dims, const int64_t *size);
nb_form nb_form_vector(int64_t units);
/* The word by which an input says a reading that its sizes alone do not: "steps", "space", or NULL
 * where they do or none is needed. */
const char *nb_form_word(const nb_form *form);
/* The reading that a word means, NB_OPEN for any other. */
nb_reading nb_reading_find(const char *word);
/* Whether so many sizes of an example can be read so: steps have one or two, space two or three. */
bool nb_reading_fits(nb_reading reading, int dims);
/* Same reading and sizes, free ones the same. */
bool nb_form_same(const nb_form *a, const nb_form *b);
bool nb_form_is_free(const nb_form *form);
/* How many identities are in use: the largest. */
int nb_form_frees(const nb_form *form);
/* "64", "*x64". Writes into `text` (NB_SHAPE_TEXT bytes) and returns it. */
const char *nb_form_text(const nb_form *form, char *text);
/* The same of two forms that differ. Where their sizes read the same, each is told with how it is
 * read, "4x9 (channels x places)", or with what else is not the same: "*x4 (another *)". */
void nb_form_texts(const nb_form *a, const nb_form *b, char *a_text, char *b_text);
/* Whether sizes of a tensor fit: equal where they are fixed, the same for the same identity, at
 * least 1. */
bool nb_form_takes(const nb_form *form, const int64_t *sizes);
/* Whether vectors of this many numbers can be read as the form: it has more than one size, all
 * fixed, and holds as many. Pictures come as rows. */
bool nb_form_takes_rows(const nb_form *form, int64_t numbers);
/* The product of the sizes, free ones counted as 1. */
int64_t nb_form_count(const nb_form *form);

/* The dimension of an example that counts neurons: of space the channels, else the last. */
int nb_form_neuron_dim(const nb_form *form);

/* As what a layer takes what comes. */
enum { NB_AS_VECTOR = 1, NB_AS_STEPS = 2, NB_AS_SPACE = 4 };
/* What to write so that an open form is read as one of these: "3x4 could be read either way: put
 * flatten before it for one vector, or write *x4 for steps". text: NB_READINGS_TEXT. */
enum { NB_READINGS_TEXT = NB_SHAPE_TEXT + 160 };
const char *nb_form_readings(const nb_form *form, int as, char *text);

#endif
