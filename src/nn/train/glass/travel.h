/* Going to any step of the record: the frame before it, and steps made again. */
#ifndef NB_TRAVEL_H
#define NB_TRAVEL_H

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

#endif
