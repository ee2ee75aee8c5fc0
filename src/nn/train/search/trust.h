/* The step of a trust region for least squares (Moré 1978): among all steps p of which the scaled
 * length ‖D p‖ is at most the radius, one that makes ‖J p + r‖ least, to a tenth of the radius. */
#ifndef NB_TRUST_H
#define NB_TRUST_H

#include "base/context.h"

/* J = Q R. All numbers are f64. */
typedef struct nb_trust {
    int64_t n; /* parameters */
    double *r; /* (n + 1) x (n + 1), row-major: R, and as its last column Qᵀr of the residuals r, at
                  whose end stands, but for its sign, the length of what no step can reach */
    double *scale;  /* n: D, each above 0 */
    double *damped; /* as r: room for R of [R; √λ D] */
    double *beside; /* n + 1 rows of `rows`: room */
    double *room;   /* 2 n */
    int64_t rows;   /* of J, taken at a time: 1 … */
} nb_trust;

/* Room for n parameters, and R of no row yet. NB_EMEMORY. Here and below NB_EINTERRUPT when Ctrl-C
 * came; what was written then is not to be used. */
nb_status nb_trust_new(nb_ctx *ctx, nb_trust *trust, int64_t n);
void nb_trust_free(nb_ctx *ctx, nb_trust *trust);
/* The bytes that this takes. */
double nb_trust_bytes(int64_t n);

/* R of no row again; and with so many rows more, n + 1 numbers each (of J, and the residual), which
 * are overwritten. At most trust->rows of them. */
nb_status nb_trust_clear(nb_ctx *ctx, nb_trust *trust);
nb_status nb_trust_add(nb_ctx *ctx, nb_trust *trust, int64_t rows, double *row);
/* The lengths of J's columns. */
nb_status nb_trust_norms(nb_ctx *ctx, const nb_trust *trust, double *norm);
/* The largest cosine between the residuals and a column of J, whose lengths are `norm`. */
nb_status nb_trust_cosine(nb_ctx *ctx, const nb_trust *trust, const double *norm, double *cosine);
/* The full step of Gauss and Newton: R p = -Qᵀr. False where R is singular. */
bool nb_trust_full(const nb_trust *trust, double *p);
/* The step within the radius. *lambda: of the last step, from where the search begins, and of this
 * one; 0: it is the full step. */
nb_status nb_trust_step(nb_ctx *ctx, nb_trust *trust, double radius, double *lambda, double *p);
/* ‖J p‖ and ‖D p‖ */
double nb_trust_change(const nb_trust *trust, const double *p);
double nb_trust_length(const nb_trust *trust, const double *p);

#endif
