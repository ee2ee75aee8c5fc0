/* The ends of the spectrum of a symmetric matrix of which only products are known, by Lanczos'
 * method with full reorthogonalisation. */
#ifndef NB_LANCZOS_H
#define NB_LANCZOS_H

#include "base/context.h"

/* A symmetric matrix (n x n): out = A v. */
typedef struct nb_operator {
    int64_t n;
    nb_status (*apply)(nb_ctx *ctx, void *self, const double *v, double *out);
    void *self;
    const char *what; /* for who is told how far it is */
} nb_operator;

typedef struct nb_lanczos {
    int64_t count;    /* eigenvalues from each end: 1 … n */
    double *largest;  /* falling */
    double *smallest; /* rising */
    double residual;  /* the most that one of them may be from an eigenvalue of A */
    double asymmetry; /* the most that products were found apart which are equal of a symmetric A */
    int64_t steps;    /* products taken */
    bool settled;     /* the residual is below NB_LANCZOS_NEAR of the largest, without its sign */
} nb_lanczos;

#define NB_LANCZOS_NEAR 1e-6

/* Fills `count` numbers at each end of what the caller has allocated. An eigenvalue that A has
 * several times counts as often. */
nb_status nb_lanczos_run(nb_ctx *ctx, const nb_operator *a, nb_lanczos *out);
/* The most bytes that it takes. */
double nb_lanczos_bytes(int64_t n, int64_t count);

#endif
