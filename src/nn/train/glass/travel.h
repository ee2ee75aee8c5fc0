/* Going to any step of the record: the frame before it, and steps made again. */
#ifndef NB_TRAVEL_H
#define NB_TRAVEL_H

#include "nn/train/glass/frame.h"
#include "nn/train/glass/pane.h"

/* From where the run stands, as it is, or from a frame, where that is nearer or `anew`. The step is
 * one of the record. On failure nothing has changed. */
nb_status nb_travel(nb_ctx *ctx, nb_glass *glass, int64_t step, bool anew);
/* Finds what numbers were changed since the run stopped here, by making the steps before again, and
 * puts all that was changed on record. On failure nothing has changed. */
nb_status nb_travel_compare(nb_ctx *ctx, nb_glass *glass);
/* The factor of the rate in the epoch of the next step, where it is on record: functions that give
 * it are not asked again. */
void nb_travel_recall(nb_glass *glass);

/* Where a way began, to return to. */
typedef struct nb_stay {
    nb_return here;
    nb_said *said;
    nb_left left;
    bool touched; /* what was changed is not on record yet */
    uint64_t lessons;
} nb_stay;

nb_status nb_travel_leave(nb_ctx *ctx, nb_glass *glass, nb_stay *stay);
/* As before, also what was changed and is not on record; cannot fail, and ends the stay. */
void nb_travel_return(nb_ctx *ctx, nb_glass *glass, nb_stay *stay);
/* On such a way: to a step of the record. On failure the run stands anywhere. */
nb_status nb_travel_to(nb_ctx *ctx, nb_glass *glass, int64_t step);
/* … as it stood before the end of a run with patience brought the best parameters back there. */
nb_status nb_travel_before_end(nb_ctx *ctx, nb_glass *glass, int64_t step);
/* Whether they came back at that step. */
bool nb_travel_ends(const nb_glass *glass, int64_t step);
/* Likewise, but without what was changed at the stop there, though with what callbacks changed; and
 * with that too, from there. */
nb_status nb_travel_bare(nb_ctx *ctx, nb_glass *glass, int64_t step);
nb_status nb_travel_rest(nb_ctx *ctx, nb_glass *glass);
/* Whether anything was. */
bool nb_travel_is_changed(const nb_glass *glass, int64_t step);
/* On such a way: to a frame that was taken on it. On failure nothing has changed. */
nb_status nb_travel_put(nb_ctx *ctx, nb_glass *glass, const nb_frame *frame);
/* One step from where the run stands, without what was changed at the stop behind it. */
nb_status nb_travel_step(nb_ctx *ctx, nb_glass *glass);

#endif
