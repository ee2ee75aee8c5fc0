/* Data sets as files. */
#ifndef NB_SAVE_H
#define NB_SAVE_H

#include "io/csv/write.h"
#include "nn/data/set.h"

/* Columns behind those of a set: a network's answers, say. */
typedef struct nb_beside {
    void *self;
    int64_t most; /* examples at a time */
    void (*head)(void *self, nb_csv_writer *to);
    /* The n examples from `start` on are asked for next. */
    nb_status (*prepare)(nb_ctx *ctx, void *self, int64_t start, int64_t n);
    void (*row)(void *self, int64_t i, nb_csv_writer *to); /* of those, from 0 */
} nb_beside;

/* A table of text: a header, then a row for each example, x and behind it y, class numbers by their
 * names; x as set.x shows it, numbers to the last bit. Columns are called as the schema says, else
 * x1, x2, … (one: x) and y. beside may be NULL. NB_ESHAPE for sequences of different lengths and
 * for a y that is a class for every step. The file appears whole or stays what it was. */
nb_status nb_set_save_csv(nb_ctx *ctx, const nb_set *set, const char *path,
                          const nb_beside *beside);
/* Tensors x and, where there is one, y, in the format that the extension names. */
nb_status nb_set_save_tensors(nb_ctx *ctx, const nb_set *set, const char *path);

#endif
