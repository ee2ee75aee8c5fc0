/* Who looks on while ops are called and records run backward: ctx->witness, for as long as a pass
 * is watched; else NULL, and nothing is paid but the look. Told is every call that the outside
 * makes, not what an op or its backward calls inside. Nothing is written over meanwhile: inputs and
 * δ are as they were before. What a witness fails with, the call or the pass fails with. */
#ifndef NB_WITNESS_H
#define NB_WITNESS_H

#include "grad/tape.h"

typedef struct nb_witness {
    /* Behind a call's forward: `call` has the inputs as the caller gave them, and further results
     * in more; a record that was made hangs on out. NULL: nobody looks. */
    nb_status (*called)(nb_ctx *ctx, void *self, const nb_call *call, nb_tensor *out);
    /* Behind a record's backward, before what it gives is handed on: a gradient for each input, or
     * NULL. */
    nb_status (*returned)(nb_ctx *ctx, void *self, const nb_record *record, nb_tensor *delta,
                          nb_tensor *const *gradient);
    /* What a backward hands on by itself, before that: aᵀ b more for the leaf behind input number
     * `input` (nb_tape_product). */
    nb_status (*product)(nb_ctx *ctx, void *self, const nb_record *record, int input, nb_tensor *a,
                         nb_tensor *b);
    void *self;
    const char *function; /* of the host that is running: "cost mine"; NULL: none */
    int inside;           /* records under way */
    nb_tensor *delta;     /* of the one that is */
} nb_witness;

/* nb_op_call and a record's backward where there is a witness. */
nb_tensor *nb_witness_call(nb_ctx *ctx, nb_call *call);
nb_status nb_witness_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad);
nb_status nb_witness_product(nb_ctx *ctx, const nb_record *record, int input, nb_tensor *a,
                             nb_tensor *b);

#endif
