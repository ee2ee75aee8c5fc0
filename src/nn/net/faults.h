/* Which of the numbers that an op was given made one that it gives not finite: by the marks of
 * those that were not. */
#ifndef NB_FAULTS_H
#define NB_FAULTS_H

#include "grad/tape.h"
#include "nn/net/marks.h"

typedef struct nb_faults {
    nb_ctx *ctx;
    nb_marks *marks;
} nb_faults;

/* The one marked first. */
static inline int32_t nb_earlier(int32_t a, int32_t b)
{
    return a == NB_UNMARKED || (b != NB_UNMARKED && b < a) ? b : a;
}

/* by: of each element of result `which` of a call, row by row, the mark that it has from what went
 * in; NB_UNMARKED where it is finite, or became what it is here. fed: the first mark of what went
 * in, NB_UNMARKED where that was finite. */
nb_status nb_faults_forward(const nb_faults *f, const nb_call *call, int which,
                            const nb_tensor *given, int32_t fed, int32_t *by);

/* Elements of a tensor, in their order. */
typedef struct nb_fault_range {
    int64_t from, count;
} nb_fault_range;

/* What of a tensor that a record's backward reads can be behind element `at` of a gradient. */
nb_fault_range nb_fault_span(const nb_record *record, const nb_tensor *t, const nb_tensor *delta,
                             const nb_tensor *gradient, int64_t at);
/* The first mark there; *odd: something is not finite. */
int32_t nb_fault_there(const nb_faults *f, const nb_tensor *t, nb_fault_range where, bool *odd);
/* Whether a gradient's number can only be by what stands in its place, or its row. */
bool nb_stays_there(const nb_record *record, const nb_tensor *delta, const nb_tensor *gradient);

#endif
