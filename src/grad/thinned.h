/* A batch whose rows are given as their non-zeros. What stands for it among tensors has its shape
 * and no numbers: one NaN, seen everywhere. Dense layers take the non-zeros instead
 * (grad/weights.h); whoever else wants numbers makes them (nb_thinned_numbers).
 *
 * In training w of the layer that reads it may lie input-major at its place, (inputs, neurons), and
 * so do its gradient and what the optimizer keeps of it: `turned`. Nobody but that layer's product
 * and rules that go number by number may look at them then; all others have them brought back
 * first. */
#ifndef NB_THINNED_H
#define NB_THINNED_H

#include "kernel/thin.h"
#include "tensor/tensor.h"

/* Rows of a batch up to which BP4 goes straight to w, one after the other. */
enum { NB_STRAIGHT_ROWS = 64 };

typedef struct nb_thinned {
    nb_thin rows; /* buffers of whoever made them */
    int dims;     /* sizes of one row, of columns in all; 0: a vector */
    int64_t shape[NB_MAX_DIMS];
    bool turned;
    int64_t start, neurons, inputs; /* where w begins among the parameters, and its sizes */
    /* Where w lies instead, while nothing but plain descent moves it: rows of whole vectors, ld
     * apart. NULL: at its place. */
    void *w;
    int64_t ld;
    /* Brings w back: then it is not turned. Cannot fail. NULL: it never is. */
    void (*settle)(void *self);
    void *self;
} nb_thinned;

/* What stands for the rows, of any number of rows; given is borrowed while it lives. */
nb_tensor *nb_thinned_tensor(nb_ctx *ctx, nb_thinned *given);
/* Rows start … start + n - 1 of those whose w is turned at its place, and stays so: they read the
 * same lists. */
nb_thinned nb_thinned_part(const nb_thinned *given, int64_t start, int64_t n);
/* The numbers of such a tensor's storage: the NaN, and whose rows they are. */
typedef struct nb_thinned_data {
    double nan; /* in the dtype */
    nb_thinned *given;
} nb_thinned_data;
/* The rows behind a tensor, or NULL: it has numbers of its own. */
static inline nb_thinned *nb_thinned_of(const nb_tensor *tensor)
{
    const nb_storage *storage = tensor->storage;
    return storage->given ? ((const nb_thinned_data *)storage->data)->given : NULL;
}
/* The tensor as a product reads it: contiguous, or what stands for rows as it is. A new reference.
 */
nb_tensor *nb_thinned_or_contiguous(nb_ctx *ctx, nb_tensor *tensor);
/* The rows with their zeros. */
nb_tensor *nb_thinned_numbers(nb_ctx *ctx, const nb_thinned *given);
/* The place, in the order that is seen, of a number that lies at `place` among the parameters. */
int64_t nb_thinned_place(const nb_thinned *given, int64_t place);
/* |x| of its largest number; infinite where one is NaN or infinite. */
double nb_thinned_magnitude(const nb_thinned *given);

/* Brings w that lies elsewhere to its place, turned as it is; `place` is that. And away again. */
void nb_thinned_home(nb_thinned *given, void *place);
void nb_thinned_away(nb_thinned *given, const void *place, void *w, int64_t ld);

/* An input-major w (columns, m): rows ld apart, of whole vectors where `padded`. */
typedef struct nb_turned_w {
    void *data;
    int64_t m, ld;
    bool padded;
} nb_turned_w;
/* w of a turned layer, whose place is known. */
nb_turned_w nb_thinned_w(const nb_thinned *given, void *place);
/* z (rows, m) += x w and w += alpha xᵀ δ, by the kernels' order. The latter fails where there is no
 * memory for x's transpose, with which large ones go; w is as it was then. */
void nb_thin_forward(nb_ctx *ctx, const nb_thin *x, nb_turned_w w, void *z);
nb_status nb_thin_back(nb_ctx *ctx, const nb_thin *x, double alpha, const void *delta,
                       nb_turned_w w);
/* (rows, columns) from its transpose, both contiguous. */
void nb_turn(nb_dtype dtype, int64_t rows, int64_t columns, const void *from, void *to);

#endif
