/* What numbers met where one came out that is not finite: words for messages. */
#ifndef NB_MET_H
#define NB_MET_H

#include "grad/tape.h"

enum { NB_MET_TEXT = 224 };

typedef struct nb_met {
    char text[NB_MET_TEXT]; /* "exp(800) is inf" */
    /* The number whose place says most, by its tensor and its position there: the one that came
     * out, or, where many became one, the largest of those. */
    const nb_tensor *of;
    int64_t at;
} nb_met;

/* The position, row by row, of a tensor's first element that is NaN or infinite; -1: all are
 * finite. */
int64_t nb_first_odd(const nb_tensor *t);
/* The element at a position, row by row; and as text, with the digits of its dtype. */
double nb_element(const nb_tensor *t, int64_t at);
const char *nb_element_text(const nb_tensor *t, int64_t at, char out[32]);

/* Whether each element of what an op gives comes from those in its place alone, and the position in
 * an input of what a broadcast brings to element `at` of `out`; -1: it is not broadcast to it. */
bool nb_op_is_elementwise(const nb_op *op);
int64_t nb_place_in_input(const nb_tensor *in, const nb_tensor *out, int64_t at);

/* Element `at` of what a call gave, whose inputs are finite. name: what the op is called here. */
void nb_met_forward(const nb_call *call, const nb_tensor *out, int64_t at, const char *name,
                    nb_met *met);
/* Element `at` of the gradient that a record's backward made for input number `input` from a finite
 * δ. */
void nb_met_backward(const nb_record *record, const nb_tensor *delta, const nb_tensor *gradient,
                     int64_t at, const char *name, nb_met *met);
/* Element `at` of aᵀ b, whose value is `sum`; *row: where the largest product stands. */
void nb_met_product(const nb_tensor *a, const nb_tensor *b, int64_t at, double sum, int64_t *row,
                    nb_met *met);

#endif
