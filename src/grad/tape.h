/* The tape: records owned by the outputs they explain, and the one backward loop.
 *
 * A tensor's link is a record (it came out of an op) or a leaf (a parameter). A record owns its
 * inputs and what it saved, never its output; the graph lives as long as its last output. Release
 * is iterative, so that a chain of 100,000 ops needs no deep stack. */
#ifndef NB_TAPE_H
#define NB_TAPE_H

#include "grad/op.h"

/* Where a parameter's gradient goes: into = alpha * gradient + beta * into, beta counting for the
 * first contribution of a backward pass, 1 for later ones. By default into is a fresh tensor that
 * becomes `grad`. In plain gradient descent into is the parameter itself, alpha = -lr, beta = 1. */
typedef struct nb_leaf {
    nb_tape_link link;
    nb_tensor *grad; /* of the last backward; NULL before the first */
    nb_tensor *into; /* or NULL: the default. Not counted: whoever sets it keeps it alive */
    double alpha, beta;
    const char *where; /* "layer 2" for messages, or NULL; kept by whoever set it */
    uint64_t pass;     /* the backward pass that reached it last */
} nb_leaf;

typedef struct nb_pass nb_pass;

struct nb_record {
    nb_tape_link link;
    const nb_op *op;
    nb_pass *pass;     /* the backward pass under way, else NULL */
    uint64_t sequence; /* falls along every path of backward */
    uint64_t mark;     /* the backward pass that reached it last */
    int inputs;
    nb_tensor *in[NB_MAX_INPUTS];
    bool needs[NB_MAX_INPUTS];
    nb_tensor *saved[NB_MAX_SAVED];
    uint32_t version[NB_MAX_INPUTS + NB_MAX_SAVED]; /* of their storage when recorded */
    nb_attr attr;
    nb_tensor *delta;   /* gradient of the output, while backward runs */
    nb_tensor *watched; /* the same, kept for whoever asked (nb_watch) */
    bool watch;
    bool spent; /* a backward without keep released it */
};

/* Gives `out` the record of the call that made it; takes over call->saved. */
nb_status nb_record_call(nb_ctx *ctx, nb_call *call, nb_tensor *out);

/* Makes a tensor a leaf: gradients flow to it. It must compute (f32, f64) and have no record. */
nb_status nb_require_grad(nb_ctx *ctx, nb_tensor *tensor, bool require);
/* The leaf behind a tensor, or NULL. */
nb_leaf *nb_leaf_of(const nb_tensor *tensor);
nb_record *nb_record_of(const nb_tensor *tensor);

/* Keeps the gradient of a recorded tensor at the next backward; nb_watched gives it (borrowed). */
void nb_watch(nb_tensor *tensor);
nb_tensor *nb_watched(const nb_tensor *tensor);

/* For the backward loop: whether a record can be used (NB_EARG: spent, or what it needs was changed
 * in place), and giving back all that it holds once it was. */
nb_status nb_record_check(nb_ctx *ctx, const nb_record *record);
void nb_record_spend(nb_ctx *ctx, nb_record *record);

typedef struct nb_backward_options {
    bool keep;        /* the graph may be used again */
    bool accumulate;  /* leaves: add to the gradients that are there */
    nb_tensor *delta; /* gradient of the root; NULL: 1, and the root must hold one number */
} nb_backward_options;

/* The backward pass from `root`. First every δ (BP1, BP2), then, when all are known to be finite,
 * the parameters' gradients (BP3, BP4) go where their leaves say: no old weight is needed any more,
 * so they may go into the weights themselves, and a NaN leaves every parameter as it was (NB_EVALUE
 * names the leaf's `where`). NULL options: none. */
nb_status nb_backward(nb_ctx *ctx, nb_tensor *root, const nb_backward_options *options);

/* For ops whose parameter gradient is a product (dense, matmul): hands on gradient += A^T B for the
 * leaf behind record input i, to be done after every δ is known. a: (n, rows), b: (n, columns),
 * each contiguous or the transpose of a contiguous tensor; both are retained. */
nb_status nb_tape_product(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b);

#endif
