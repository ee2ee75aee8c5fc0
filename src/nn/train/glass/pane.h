/* What a run under glass is: a loop over a trainer's steps, and the record of what happened. */
#ifndef NB_PANE_H
#define NB_PANE_H

#include "base/text.h"
#include "nn/train/glass/reel.h"
#include "nn/train/run/loop.h"

/* How the run left things, so that what others change is found. */
typedef struct nb_left {
    uint32_t version[NB_NET_STATE];
    uint64_t lessons;           /* of the network's root */
    int64_t steps, evaluations; /* of the optimizer */
    nb_optimizer_options options;
    uint32_t set, judged; /* versions of the set's rows; of those of valid and test */
} nb_left;

/* Who asks behind every whole step, also where it is made again on the way ahead; not on the way to
 * a step that is sought. */
typedef struct nb_asker {
    nb_status (*after)(nb_ctx *ctx, void *self, bool *stop); /* or NULL */
    /* Told of a step that NaN or infinity kept from being made, with the context's message: whether
     * the run stops there, and it is no error. */
    bool (*failed)(nb_ctx *ctx, void *self);
    void *self;
} nb_asker;

typedef struct nb_glass {
    nb_trainer *trainer;
    nb_loop loop;
    nb_train_options options; /* the loop's: its hooks are ours, which call the user's */
    nb_train_options user;
    nb_asker asker;
    nb_reel reel;
    nb_left left;
    nb_tensor *values; /* the network's flat parameters; others are there once it is built anew */
    nb_said *said;     /* what the layers say, as far as is known: nb_look_says */
    uint64_t sayings;  /* how often that was set, also to what had been said before */
    nb_text parts;     /* the layers when the run began, a line for each */
    nb_tensor *before[NB_NET_STATE]; /* the numbers in front of a callback, where callbacks are
                                        known to change them; or NULL */
    bool wary;
    bool bare;          /* what was changed at the stop where a way ends is left away */
    int64_t before_end; /* the step at which the run's end is left away on a way; 0: none */
    bool again;         /* steps are made again: what functions do now is no edit */
    nb_left told;       /* of what others did the user knows: lessons, steps, versions of then */
    double since;       /* on the clock: when the stretch of steps under way began */
    bool going;         /* it is under way */
    bool resumed;       /* the run goes on from a file */
    int64_t tried;      /* of the last edits: made at this stop, and no step was made with them */
    bool noted;         /* that callbacks change the set's numbers */
} nb_glass;

#endif
