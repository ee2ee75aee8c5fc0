/* The activations of a layer as the ops see them: runs of neurons with one function of
 * kernel/unary.def each. A plain structure, so that this floor need not know what an activation is
 * called. Ops whose attr begins with such runs (activate, dense, conv) share what follows. */
#ifndef NB_ACTIVATE_H
#define NB_ACTIVATE_H

#include "grad/op.h"
#include "grad/tape.h"

typedef struct nb_kernel_run {
    int64_t start, count;
    nb_unary kernel;
    double p, q;
} nb_kernel_run;

/* In order, without gaps; attr.shared of these ops. */
typedef struct nb_kernel_runs {
    nb_shared head;
    int behind; /* dimensions behind that of the neurons: 0 of vectors and steps, of space its
                   extents */
    int64_t count;
    nb_kernel_run run[];
} nb_kernel_runs;

/* The runs of a call or record, or NULL. */
static inline const nb_kernel_runs *nb_runs_of(const nb_attr *attr)
{
    return (const nb_kernel_runs *)attr->shared;
}

/* Whether a slope of these runs is computed from z. */
bool nb_runs_need_z(const nb_kernel_runs *runs);
/* a = f(z), both contiguous (n, neurons, inner); they may be the same memory. */
void nb_runs_forward(const nb_kernel_runs *runs, nb_dtype dtype, int64_t n, int64_t neurons,
                     int64_t inner, const void *z, void *a);
/* Whether they give f'(z) along with a: one of a kind for all neurons. */
bool nb_runs_give_slopes(const nb_kernel_runs *runs, nb_dtype dtype);
/* The same of tensors, `dim` their dimension of neurons; f'(z) too where `slope` is not NULL. z may
 * be a, or else slope. */
nb_status nb_runs_activate(nb_ctx *ctx, const nb_kernel_runs *runs, int dim, const nb_tensor *z,
                           nb_tensor *a, nb_tensor *slope);
/* to = from ⊙ f'(z), all contiguous; `to` may be `from`. z is f'(z) where a is NULL, and NULL where
 * no slope needs it. */
nb_status nb_runs_delta(nb_ctx *ctx, const nb_kernel_runs *runs, int dim, const nb_tensor *z,
                        const nb_tensor *a, const nb_tensor *from, nb_tensor *to);
/* Keeps what backward needs of a layer's outputs: saved[0] is a, saved[1] z where a slope needs it.
 */
nb_status nb_keep_outputs(nb_ctx *ctx, nb_call *call, const nb_tensor *z, const nb_tensor *a);
/* The activations of z, contiguous, `dim` its dimension of neurons: where `in_place` nobody else
 * sees it, and a is written over it unless z must stay. Keeps the outputs of a recorded call. Takes
 * the reference to z. */
nb_tensor *nb_activated(nb_ctx *ctx, nb_call *call, nb_tensor *z, int dim, bool in_place);
/* δ at z from δ at a, contiguous: dz = da ⊙ f'(z), BP2's second factor, and BP1's. */
nb_tensor *nb_delta_at_z(nb_ctx *ctx, const nb_record *record, nb_tensor *delta, int dim);

#endif
