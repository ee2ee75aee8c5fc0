/* What the definitions of the ops stand on: an element of an output, and the elements of the inputs
 * that it is made of. A header alone, as samples.h. */
#ifndef NB_TEST_VALUES_H
#define NB_TEST_VALUES_H

#include "samples.h"

/* ---- Indices -------------------------------------------------------------------------------- */

static inline void unravel(int dims, const int64_t *shape, int64_t at, int64_t *index)
{
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % shape[i];
        at /= shape[i];
    }
}

/* Row-major element i. */
static inline double flat_at(const nb_tensor *t, int64_t i)
{
    int64_t index[NB_MAX_DIMS] = {0};
    unravel(t->dims, t->shape, i, index);
    return nb_tensor_get(t, index);
}

/* The element that broadcasting puts at `index` of `dims` dimensions. */
static inline double spread_at(const nb_tensor *t, int dims, const int64_t *index)
{
    int64_t own[NB_MAX_DIMS] = {0};
    for (int i = 0; i < t->dims; i++) own[i] = t->shape[i] == 1 ? 0 : index[i + dims - t->dims];
    return nb_tensor_get(t, own);
}

/* Where an element of the output stands. */
typedef struct place {
    const sample *s;
    const nb_tensor *out;
    int64_t at; /* row-major */
    int64_t index[NB_MAX_DIMS];
} place;

static inline const nb_tensor *input(const place *p, int i)
{
    return p->s->call.in[i];
}

static inline double spread_input(const place *p, int i)
{
    return spread_at(input(p, i), p->out->dims, p->index);
}

#endif
