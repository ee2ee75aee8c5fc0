/* The step of a run after which something first held: searched among its states, taking it that
 * what held once stays so. The run stands afterwards where it stood, whatever happened. */
#ifndef NB_BISECT_H
#define NB_BISECT_H

#include "nn/train/glass/glass.h"

/* Asked of the network as it stands; it must change nothing. */
typedef nb_status nb_question(nb_ctx *ctx, void *self, bool *holds);

/* Examples of a step that are left out of it in turn, at most: the step is made as often. */
enum { NB_BISECT_EXAMPLES = 512, NB_BISECT_WHY = 96 };

typedef enum nb_finding {
    NB_HELD_NEVER,   /* not where the run stands; with `first`, nowhere */
    NB_HELD_BEFORE,  /* where the record begins, at `step` */
    NB_HELD_BY_HAND, /* since what was changed at the stop behind `step`, not by the step */
    NB_HELD_AFTER    /* since step `step` */
} nb_finding;

typedef struct nb_bisection {
    nb_finding finding;
    int64_t step;
    nb_course course; /* after it */
    int64_t asked;    /* times */
    int32_t *example; /* of the step, by their places in the set from 0, in its order; owned */
    bool *needed;     /* … without this one it would not have held there; owned */
    int64_t examples;
    char untried[NB_BISECT_WHY]; /* why none was left out; empty: each was */
} nb_bisection;

/* Whether every step is made again, and looked at, until it holds (`first`). The step is then made
 * once more without each of its examples in turn: with weight 0, so that the mean is of the others;
 * dropout and batch norms see it still. Where there is nothing else the step is not made. Where it
 * holds only once the epoch that the step ends is evaluated, each is evaluated too. */
nb_status nb_glass_bisect(nb_ctx *ctx, nb_glass *glass, bool first, nb_question *ask, void *self,
                          nb_bisection *out);
void nb_bisection_free(nb_ctx *ctx, nb_bisection *found);

/* The examples of the last step, by their places in the set, from *start of trainer->order on,
 * which must be that of its epoch; their number. */
int64_t nb_trainer_last(const nb_trainer *trainer, int64_t *start);

#endif
