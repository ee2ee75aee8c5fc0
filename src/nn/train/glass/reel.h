/* The record of a run: frames at an even distance, which doubles when the bound of memory is
 * reached, and is wider while frames would take too much of the time; and the edits between them.
 * Where even that does not help (edits fill the bound) the oldest part is forgotten, and the run
 * goes back no further. */
#ifndef NB_REEL_H
#define NB_REEL_H

#include "nn/train/glass/edit.h"
#include "nn/train/glass/frame.h"

/* Bytes of frames and edits, unless the user says; the frame of a large network counts at least
 * NB_REEL_LEAST times. */
#define NB_REEL_BYTES ((size_t)256000000)
enum { NB_REEL_LEAST = 4 };
/* Of the training's time that taking frames may take. */
#define NB_REEL_SHARE 0.02
/* Steps between frames in one of several processes, whose clocks differ: all must have the same
 * frames, for they go back and make steps again together. */
enum { NB_REEL_PACE = 16 };

typedef struct nb_reel {
    nb_frame **frame; /* a list of `frames`, by their steps; the first is where the record begins */
    int64_t frames, frame_room;
    nb_edit **edit; /* a list of `edits`, in their order */
    int64_t edits, edit_room;
    int64_t distance;   /* steps between two frames, as the bound has it: a power of two */
    int64_t pace;       /* likewise as time has it, */
    bool paced;         /* or as it was set; the larger counts */
    size_t bytes, most; /* taken, and the bound */
    double share;
    int64_t last;   /* the furthest step that it knows */
    int64_t epochs; /* entries of the history that it knows */
    double *factor; /* of the rates in epochs 1 …, where the host's function gives them */
    int64_t factors;
    double training, copying; /* seconds in all */
    double copy;              /* what one frame takes, as is reckoned */
    int64_t trained, copied;  /* steps, and frames */
} nb_reel;

void nb_reel_free(nb_ctx *ctx, nb_reel *reel);
/* Updates behind a frame. */
int64_t nb_frame_step(const nb_frame *frame);
/* The first step that it reaches. */
int64_t nb_reel_first(const nb_reel *reel);
/* Begins with a frame, which it takes over, also on failure. */
nb_status nb_reel_open(nb_ctx *ctx, nb_reel *reel, nb_frame *frame);
/* Where memory is short: frames between go, half of them or more; false: there are none. */
bool nb_reel_give_way(nb_ctx *ctx, nb_reel *reel);
/* Whether a frame is to be taken at a step, now that training took so long. */
bool nb_reel_is_due(nb_reel *reel, int64_t step, double training);
/* One was taken in so many seconds. */
void nb_reel_copied(nb_reel *reel, double seconds);
/* Steps between two frames now. */
int64_t nb_reel_spacing(const nb_reel *reel);
/* Adds a frame behind the last one, or an edit; takes it over, also on failure. */
nb_status nb_reel_add_frame(nb_ctx *ctx, nb_reel *reel, nb_frame *frame);
nb_status nb_reel_add_edit(nb_ctx *ctx, nb_reel *reel, nb_edit *edit);
/* Makes the last two edits one, where they are of the same stop; false: they stay two. */
bool nb_reel_join_edits(nb_ctx *ctx, nb_reel *reel);
/* The number of the first edit at or behind a step. */
int64_t nb_reel_edits_from(const nb_reel *reel, int64_t step);
/* The last frame at or before a step. */
const nb_frame *nb_reel_nearest(const nb_reel *reel, int64_t step);
/* Forgets what lies ahead of a step, or at it behind the epoch's end unless `ended`. */
void nb_reel_cut(nb_ctx *ctx, nb_reel *reel, int64_t step, bool ended);
/* Forgets the last so many edits. */
void nb_reel_drop_edits(nb_ctx *ctx, nb_reel *reel, int64_t count);
/* Begins anew at a frame, which it takes over: all before and ahead is forgotten. */
void nb_reel_begin(nb_ctx *ctx, nb_reel *reel, nb_frame *frame);
/* The factor of an epoch, kept or, 0 where it is not known, found. */
nb_status nb_reel_keep_factor(nb_ctx *ctx, nb_reel *reel, int64_t epoch, double factor);
double nb_reel_factor(const nb_reel *reel, int64_t epoch);

#endif
