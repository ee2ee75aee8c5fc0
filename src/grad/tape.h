/* The tape: records owned by the outputs they explain, and the one backward loop.
 *
 * What holds throughout. A tensor's link, which it owns, is a record (it came out of an op) or a
 * leaf (a gradient ends there). A record owns its inputs and what it saved, never its output, so
 * the graph lives as long as its last output; release is iterative, a chain of 100,000 ops needs no
 * deep stack. A record's sequence number is higher than those of all records that made its inputs.
 * Every record that will read the elements of a tensor counts as one of its storage's readers and
 * knows the version that it saw: where nobody reads, elements may change in place; where they
 * changed under a reader, backward refuses by name. A backward pass has a number of its own, from
 * the same sequence; record->mark, leaf->pass and home->pass say which pass reached them last, so
 * that nothing has to be reset. Where gradients go is an argument of the pass; no leaf keeps what
 * aims a later one. A pass writes to leaves, homes and sinks only after all that can fail, and
 * releases its records (unless they are kept) only after it has written: one that failed has
 * changed no number and no gradient, and can be tried again. */
#ifndef NB_TAPE_H
#define NB_TAPE_H

#include "grad/home.h"
#include "grad/op.h"

/* Where a gradient ends. With a home, grad is for life the view of its place there; without, a
 * fresh tensor of every pass. */
typedef struct nb_leaf {
    nb_tape_link link;
    nb_tensor *grad;   /* see nb_leaf_grad; without a home NULL before the first pass */
    nb_home *home;     /* or NULL; counted */
    const char *where; /* "layer 2" for messages, or NULL; kept by whoever set it */
    uint64_t pass;     /* the backward pass that reached it last */
} nb_leaf;

typedef struct nb_pass nb_pass;

struct nb_record {
    nb_tape_link link;
    const nb_op *op;
    nb_pass *pass;      /* the backward pass under way, else NULL */
    uint64_t sequence;  /* falls along every path of backward */
    uint64_t mark;      /* the backward pass that reached it last */
    nb_tensor *delta;   /* gradient of the output, while backward runs */
    nb_tensor *watched; /* the same, kept for whoever asked (nb_watch) */
    bool watch;
    bool spent;      /* a backward without keep released it */
    unsigned shared; /* bit i: in this pass who looks on was told of input i */
    nb_attr attr;
    /* Entries from `inputs` on mean nothing, nor do versions of what is not there. */
    int inputs;
    bool needs[NB_MAX_INPUTS];
    nb_tensor *in[NB_MAX_INPUTS];       /* NULL: neither needed nor read */
    uint32_t in_version[NB_MAX_INPUTS]; /* of the storage when recorded */
    nb_shared *kept;                    /* or NULL */
    nb_tensor *saved[NB_MAX_SAVED];     /* or NULL */
    uint32_t saved_version[NB_MAX_SAVED];
};

/* Gives `out` the record of the call that made it; takes over call->saved and kept. */
nb_status nb_record_call(nb_ctx *ctx, nb_call *call, nb_tensor *out);

/* Makes a tensor a leaf: gradients flow to it. It must compute (f32, f64) and have no record. */
nb_status nb_require_grad(nb_ctx *ctx, nb_tensor *tensor, bool require);
/* The same for a parameter whose gradient lives in `home`, where the tensor has the place that it
 * has in its storage. NB_EARG where it is not contiguous, has another dtype or no place there, or
 * takes a gradient already. */
nb_status nb_require_grad_in(nb_ctx *ctx, nb_tensor *tensor, nb_home *home);
/* The gradient at a leaf (borrowed), or NULL where there is none now. */
nb_tensor *nb_leaf_grad(const nb_leaf *leaf);
/* The leaf behind a tensor, or NULL. */
nb_leaf *nb_leaf_of(const nb_tensor *tensor);
nb_record *nb_record_of(const nb_tensor *tensor);

/* Whether a live record will read the elements of a storage, besides those that led to the `count`
 * tensors `but`. */
bool nb_is_read(nb_ctx *ctx, const nb_storage *storage, nb_tensor *const *but, int count);

/* Keeps the gradient of a recorded tensor at the next backward; nb_watched gives it (borrowed). */
void nb_watch(nb_tensor *tensor);
nb_tensor *nb_watched(const nb_tensor *tensor);

/* For the backward loop: whether a record can be used (NB_EARG: spent, or what it needs was changed
 * in place), and giving back all that it holds once it was. */
nb_status nb_record_check(nb_ctx *ctx, const nb_record *record);
void nb_record_spend(nb_ctx *ctx, nb_record *record);

/* Takes the gradients of one pass: that of a leaf with a home whose elements lie in storage `from`
 * goes to the same place of `into`, as into = alpha * gradient + beta * into, where beta counts for
 * the pass's first contribution to the leaf, 1 for later ones. `into` is flat and contiguous, of
 * the leaf's dtype, and reaches as far as the leaf does (else an error status, and nothing is
 * written). What no leaf reached stays as it is. A leaf without a home, as of a user who looks at
 * the same elements, is no parameter: no sink takes its gradient. Plain gradient descent is a sink
 * from the parameters into themselves, alpha = -lr, beta = 1. Gradients of their own, of which the
 * home knows nothing, are a sink into zeros and views of it. `before` is called once, when all that
 * can fail has not and nothing is written yet: what it does to `into` is what the products are
 * added to. */
typedef struct nb_sink {
    const nb_storage *from;
    nb_tensor *into; /* borrowed */
    double alpha, beta;
    void (*before)(nb_ctx *ctx, void *self); /* or NULL */
    void *self;
    double swell, shift; /* what `before` makes of an element is no larger than swell |element| +
                            shift */
} nb_sink;

/* What a leaf is given, before it is summed over the rows of a batch: its gradient is Σ over the
 * rows of a bᵀ, all of them contiguous. */
typedef struct nb_share {
    nb_tensor *leaf;
    nb_tensor *a;  /* (rows, m); of words NB_I32 (rows, 1), each a row of zeros with a 1 at its
                      number,  from 1. NULL: an op that knows no rows gave the whole sum */
    nb_tensor *b;  /* (rows, k); NULL: 1, the gradient is the sum of a's rows */
    bool by_steps; /* row t n + i is step t of example i; else i T + t, for T rows of each */
} nb_share;

/* Who looks on while a pass runs. On failure the pass ends and has written nothing. */
typedef struct nb_tape_observer {
    nb_status (*share)(nb_ctx *ctx, void *self, const nb_share *share);
    void *self;
    bool alone; /* the gradients of leaves go to nobody else: they are not computed */
} nb_tape_observer;

typedef struct nb_backward_options {
    bool keep;            /* the graph may be used again */
    bool accumulate;      /* leaves without a sink: add to the gradients that are there */
    nb_tensor *delta;     /* gradient of the root; NULL: 1, and the root must hold one number */
    const nb_sink *sinks; /* the first that fits a leaf takes its gradient */
    int sink_count;
    const nb_tensor *only; /* a leaf: the others keep the gradients that they have; NULL: all */
    const nb_tape_observer *observer; /* or NULL */
    bool sinks_only; /* leaves whose gradient no sink takes keep what they have */
} nb_backward_options;

/* The backward pass from `root`. First every δ (BP1, BP2), then, when all are known to be finite,
 * the parameters' gradients (BP3, BP4) go to their sinks, else to their homes, else into tensors of
 * their own: no old weight is needed any more, so a sink may be the weights themselves. A home that
 * is reached then holds this pass's gradient and nothing older: 0 where the pass did not reach,
 * unless it accumulates. What is not finite stays out of homes and of the parameters themselves,
 * also what would become so by the sum, and all is as before (NB_EVALUE names the leaf's `where`);
 * elsewhere it passes. Parameters that moved themselves leave their home stale. NULL options: none.
 */
nb_status nb_backward(nb_ctx *ctx, nb_tensor *root, const nb_backward_options *options);

/* For ops whose parameter gradient is a product (dense, matmul): hands on gradient += A^T B for the
 * leaf behind record input i, to be done after every δ is known. a: (n, rows), b: (n, columns),
 * each contiguous or the transpose of a contiguous tensor; both are retained. The leaf may have any
 * shape: its elements in their order are the product's, row by row. NB_ESHAPE where these are not
 * as many. */
nb_status nb_tape_product(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b);

/* Hands on the gradient of a record's input before its backward returns, which gives none of it
 * then: one of several in an order of their own, or one whose tensor is used again. */
nb_status nb_tape_hand(nb_record *record, int input, nb_tensor *gradient);

/* Whether somebody looks on. An op whose parameters the examples of a batch, the first dimension of
 * its other inputs, have in common tells him then what each of these gives; and whether the op's
 * own sum of that is wanted. */
bool nb_tape_is_observed(const nb_record *record);
bool nb_tape_wants(const nb_record *record, int input);
/* Tells him of the rows whose sum is the gradient of a leaf, a and b as in nb_share; nothing where
 * nobody looks, or the input is no leaf. */
nb_status nb_tape_share(nb_ctx *ctx, nb_record *record, int input, nb_tensor *a, nb_tensor *b);

#endif
