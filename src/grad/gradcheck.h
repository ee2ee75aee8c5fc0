/* Gradients against central differences, for any function of tensors. What counts as agreement
 * stands here once, for ops and for whole networks (nn/inspect/check/gradcheck.h). */
#ifndef NB_GRADCHECK_H
#define NB_GRADCHECK_H

#include "tensor/tensor.h"

#include <math.h>

/* |g - d| <= NB_CHECK_ABSOLUTE (1 + |C|) + NB_CHECK_RELATIVE max(|g|, |d|), in f64. */
#define NB_CHECK_ABSOLUTE 1e-9
#define NB_CHECK_RELATIVE 1e-6
/* Half the step of a central difference, times max(1, |value|). */
#define NB_CHECK_STEP 1e-6

/* Whether a gradient g and a difference d of a value C agree. NaN agrees with nothing. */
static inline bool nb_check_agrees(double g, double d, double value)
{
    double allowed =
        NB_CHECK_ABSOLUTE * (1 + fabs(value)) + NB_CHECK_RELATIVE * fmax(fabs(g), fabs(d));
    return fabs(g - d) <= allowed;
}

/* A function of `count` tensors, made of ops: a new reference to one of f64, or NULL. It gives the
 * same for the same inputs. */
typedef nb_tensor *nb_checked_fn(nb_ctx *ctx, nb_tensor *const *in, int count, void *arg);

typedef struct nb_gradcheck_report {
    int64_t compared;
    int64_t wrong;   /* beyond the tolerance, NaN included */
    double worst;    /* largest |g - d| / max(1e-3, |g|, |d|); infinity for NaN */
    int input;       /* the rest is about the worst, counted from 0: which input, */
    int64_t element; /* which of its elements in row-major order, */
    int64_t output;  /* and the slope of which element of the output */
    double analytic, numeric;
} nb_gradcheck_report;

/* The whole Jacobian of f: every element of the output by a δ of a single 1, against a difference
 * for every element of every f64 input (NB_MAX_INPUTS at most; the others are held). An input keeps
 * its strides, but no two of its elements may share memory. Its elements are moved one by one and
 * put back; the inputs themselves take no part in a graph. NB_OK says that it was compared;
 * out->wrong, with what outcome. */
nb_status nb_gradcheck_fn(nb_ctx *ctx, nb_checked_fn *f, void *arg, nb_tensor *const *in, int count,
                          nb_gradcheck_report *out);

#endif
