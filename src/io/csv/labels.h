/* The different texts of a column, numbered as they are met. */
#ifndef NB_CSV_LABELS_H
#define NB_CSV_LABELS_H

#include "base/names.h"

enum { NB_CSV_LABELS_MAX = 65536 };

typedef struct nb_labels {
    nb_ctx *ctx;
    nb_text packed; /* the texts, a NUL after each */
    int32_t count;
    bool closed;   /* no more are taken */
    size_t *start; /* where each begins in `packed`; `room` of them */
    int32_t room;
    int32_t *slot; /* numbers from 1 by hash; mask + 1 of them; 0: free */
    uint64_t mask;
} nb_labels;

void nb_labels_init(nb_labels *labels, nb_ctx *ctx);
void nb_labels_free(nb_labels *labels);
/* The number of a text, from 0; -1: it is not there. */
int32_t nb_labels_find(const nb_labels *labels, const char *text, size_t length);
/* Takes one more, which is not there. NB_EARG where there are as many as can be. */
nb_status nb_labels_add(nb_labels *labels, const char *text, size_t length);
const char *nb_labels_text(const nb_labels *labels, int32_t number);
/* All of them in order: of their bytes, or of their values where all are numbers; those that were
 * `closed` as they came. place[i]: where number i went. */
nb_names *nb_labels_sort(const nb_labels *labels, int32_t *place);

#endif
