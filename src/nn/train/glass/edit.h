/* Edits: what was changed at a stop of a run by somebody else than its steps, kept so that it can
 * be done again. Of numbers those that differ, or all where they are many. */
#ifndef NB_EDIT_H
#define NB_EDIT_H

#include "nn/train/glass/said.h"
#include "nn/train/run/trainer.h"

/* Who did it. */
typedef enum nb_edit_by {
    NB_BY_HAND,     /* the user, at a stop */
    NB_BY_CALLBACK, /* on_batch or on_epoch */
    NB_BY_TRAINING, /* another run, or a step, with the network or the optimizer */
    NB_BY_END       /* the end of a run with patience: the best epoch's parameters came back */
} nb_edit_by;

/* What one flat tensor became. */
typedef struct nb_patch {
    int64_t count;    /* of the numbers that differ; 0: none */
    int64_t *at;      /* a list of their places; NULL: all of the tensor */
    nb_tensor *value; /* one for each */
} nb_patch;

typedef struct nb_edit {
    int64_t step; /* updates behind it */
    bool ended;   /* the epoch had ended by then, where that step was its last */
    nb_edit_by by;
    nb_patch net[NB_NET_STATE];
    nb_said *said; /* what the layers say from then on; NULL: nothing else */
    bool optioned; /* the optimizer's options are now these */
    nb_optimizer_options options;
    nb_optimizer *optimizer; /* by training: its options and state; else NULL */
    size_t bytes;
} nb_edit;

nb_edit *nb_edit_new(nb_ctx *ctx, nb_edit_by by);
/* NULL is allowed. */
void nb_edit_free(nb_ctx *ctx, nb_edit *edit);
bool nb_edit_is_empty(const nb_edit *edit);
/* Says what tensor i of the network's state has become: against `before`; NULL: all of it is new.
 */
nb_status nb_edit_numbers(nb_ctx *ctx, nb_edit *edit, int i, const nb_tensor *before,
                          const nb_tensor *now);
/* Takes a reference to what the layers say. */
void nb_edit_layers(nb_edit *edit, nb_said *said);
/* Copies the optimizer, with its state. */
nb_status nb_edit_optimizer(nb_ctx *ctx, nb_edit *edit, const nb_optimizer *optimizer);
/* Whether two that follow each other can be one: of the same stop, and by the same. */
bool nb_edit_joins(const nb_edit *edit, const nb_edit *next);
/* Makes the first one what both together are; the second keeps what is not needed. On failure
 * nothing has changed. */
nb_status nb_edit_join(nb_ctx *ctx, nb_edit *edit, nb_edit *next);
/* Does it again; on failure nothing has changed. */
nb_status nb_edit_apply(nb_ctx *ctx, const nb_edit *edit, nb_trainer *trainer);

#endif
