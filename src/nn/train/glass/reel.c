/* Lists of frames and edits within a bound. */
#include "nn/train/glass/reel.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

int64_t nb_frame_step(const nb_frame *frame)
{
    return nb_course_updates(&frame->course);
}

int64_t nb_reel_first(const nb_reel *r)
{
    return nb_frame_step(r->frame[0]);
}

/* ---- Lists ---- */

/* Room for one more in a list of pointers. */
static nb_status grow(nb_ctx *ctx, void *list, int64_t count, int64_t *room)
{
    void **held = list, *more;
    int64_t wanted = *room ? 2 * *room : 8;
    if (count < *room) return NB_OK;
    memcpy(&more, held, sizeof more);
    more = nb_resize(ctx, more, (size_t)*room * sizeof more, (size_t)wanted * sizeof more);
    if (!more) return ctx->status;
    memcpy(held, &more, sizeof more);
    *room = wanted;
    return NB_OK;
}

static void drop_frame(nb_ctx *ctx, nb_reel *r, int64_t i)
{
    r->bytes -= nb_frame_free(ctx, r->frame[i]);
    r->frames--;
    memmove(&r->frame[i], &r->frame[i + 1], (size_t)(r->frames - i) * sizeof *r->frame);
}

static void drop_edit(nb_ctx *ctx, nb_reel *r, int64_t i)
{
    r->bytes -= r->edit[i]->bytes;
    nb_edit_free(ctx, r->edit[i]);
    r->edits--;
    memmove(&r->edit[i], &r->edit[i + 1], (size_t)(r->edits - i) * sizeof *r->edit);
}

void nb_reel_free(nb_ctx *ctx, nb_reel *r)
{
    while (r->frames) drop_frame(ctx, r, r->frames - 1);
    while (r->edits) drop_edit(ctx, r, r->edits - 1);
    nb_free(ctx, r->frame, (size_t)r->frame_room * sizeof *r->frame);
    nb_free(ctx, r->edit, (size_t)r->edit_room * sizeof *r->edit);
    nb_free(ctx, r->factor, (size_t)r->factors * sizeof *r->factor);
    *r = (nb_reel){.frames = 0};
}

const nb_frame *nb_reel_nearest(const nb_reel *r, int64_t step)
{
    int64_t low = 0, high = r->frames - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (nb_frame_step(r->frame[middle]) <= step)
            low = middle;
        else
            high = middle - 1;
    }
    return r->frame[low];
}

int64_t nb_reel_edits_from(const nb_reel *r, int64_t step)
{
    int64_t low = 0, high = r->edits;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (r->edit[middle]->step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void nb_reel_cut(nb_ctx *ctx, nb_reel *r, int64_t step, bool ended)
{
    while (r->frames > 1 && nb_frame_step(r->frame[r->frames - 1]) > step)
        drop_frame(ctx, r, r->frames - 1);
    while (r->edits) {
        const nb_edit *last = r->edit[r->edits - 1];
        bool behind = last->step < step || (last->step == step && (ended || !last->ended));
        if (behind) break;
        drop_edit(ctx, r, r->edits - 1);
    }
    r->last = step;
}

void nb_reel_drop_edits(nb_ctx *ctx, nb_reel *r, int64_t count)
{
    for (int64_t i = 0; i < count && r->edits; i++) drop_edit(ctx, r, r->edits - 1);
}

bool nb_reel_join_edits(nb_ctx *ctx, nb_reel *r)
{
    if (r->edits < 2) return false;
    nb_edit *last = r->edit[r->edits - 1], *before = r->edit[r->edits - 2];
    size_t bytes = before->bytes + last->bytes;
    if (!nb_edit_joins(before, last) || nb_edit_join(ctx, before, last) != NB_OK) return false;
    nb_edit_free(ctx, last);
    r->edits--;
    r->bytes += before->bytes;
    r->bytes -= bytes;
    return true;
}

/* ---- The bound ---- */

/* Every second frame goes, but for the first of all. */
static void thin(nb_ctx *ctx, nb_reel *r)
{
    int64_t first = nb_reel_first(r);
    r->distance *= 2;
    for (int64_t i = r->frames - 1; i > 0; i--)
        if ((nb_frame_step(r->frame[i]) - first) % r->distance) drop_frame(ctx, r, i);
}

bool nb_reel_give_way(nb_ctx *ctx, nb_reel *r)
{
    int64_t frames = r->frames;
    while (r->frames > 1 && r->frames == frames) thin(ctx, r);
    return r->frames < frames;
}

/* The record begins at its second frame; that one's own edits are behind it. */
static void forget_oldest(nb_ctx *ctx, nb_reel *r)
{
    drop_frame(ctx, r, 0);
    while (r->edits && r->edit[0]->step < nb_reel_first(r)) drop_edit(ctx, r, 0);
}

static size_t bytes_of_edits(const nb_reel *r)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < r->edits; i++) bytes += r->edit[i]->bytes;
    return bytes;
}

/* Frames between give way, and the first where edits fill the bound. */
static void make_room(nb_ctx *ctx, nb_reel *r, size_t bytes)
{
    while (r->bytes + bytes > r->most && r->frames > 1) {
        if (bytes_of_edits(r) > r->most / 2)
            forget_oldest(ctx, r);
        else
            thin(ctx, r);
    }
}

/* ---- The time ---- */

/* One frame that was interrupted, by another process say, is no measure. */
#define DEARER_MOST 1.25
static const int64_t most_pace = (int64_t)1 << 30;

/* The fewest steps between two frames that keep to the share. */
static void set_pace(nb_reel *r, double training)
{
    double each = r->share * training / (double)r->trained;
    while (r->pace < most_pace && r->copy > (double)r->pace * each) r->pace *= 2;
    while (r->pace > 1 && r->copy <= (double)(r->pace / 2) * each) r->pace /= 2;
}

bool nb_reel_is_due(nb_reel *r, int64_t step, double training)
{
    int64_t at = step - nb_reel_first(r);
    if (r->paced) return at % r->distance == 0 && at % r->pace == 0;
    if (at % r->distance || (r->pace > 1 && at % (r->pace / 2))) return false;
    set_pace(r, training);
    return at % r->pace == 0 && !(r->copying + r->copy > r->share * training);
}

void nb_reel_copied(nb_reel *r, double seconds)
{
    r->copying += seconds;
    r->copied++;
    r->copy = r->copied > 1 ? fmin(seconds, DEARER_MOST * r->copy) : seconds;
}

int64_t nb_reel_spacing(const nb_reel *r)
{
    return r->distance > r->pace ? r->distance : r->pace;
}

nb_status nb_reel_add_frame(nb_ctx *ctx, nb_reel *r, nb_frame *frame)
{
    size_t bytes = frame->bytes;
    make_room(ctx, r, bytes);
    int64_t step = nb_frame_step(frame);
    /* By now it may be none of those that are kept. */
    bool kept = !((step - nb_reel_first(r)) % r->distance) && r->bytes + bytes <= r->most;
    nb_status status = kept ? grow(ctx, &r->frame, r->frames, &r->frame_room) : NB_OK;
    if (!kept || status != NB_OK) {
        nb_frame_free(ctx, frame);
        return status;
    }
    r->frame[r->frames++] = frame;
    r->bytes += bytes;
    return NB_OK;
}

nb_status nb_reel_open(nb_ctx *ctx, nb_reel *r, nb_frame *frame)
{
    nb_status status = grow(ctx, &r->frame, r->frames, &r->frame_room);
    if (status != NB_OK) {
        nb_frame_free(ctx, frame);
        return status;
    }
    r->frame[r->frames++] = frame;
    r->bytes += frame->bytes;
    return NB_OK;
}

nb_status nb_reel_add_edit(nb_ctx *ctx, nb_reel *r, nb_edit *edit)
{
    nb_status status = grow(ctx, &r->edit, r->edits, &r->edit_room);
    if (status != NB_OK) {
        nb_edit_free(ctx, edit);
        return status;
    }
    make_room(ctx, r, edit->bytes);
    r->edit[r->edits++] = edit;
    r->bytes += edit->bytes;
    return NB_OK;
}

void nb_reel_begin(nb_ctx *ctx, nb_reel *r, nb_frame *frame)
{
    while (r->frames > 1) drop_frame(ctx, r, r->frames - 1);
    while (r->edits) drop_edit(ctx, r, r->edits - 1);
    r->bytes += frame->bytes - nb_frame_free(ctx, r->frame[0]);
    r->frame[0] = frame;
    r->last = nb_frame_step(frame);
}

/* ---- Factors ---- */

nb_status nb_reel_keep_factor(nb_ctx *ctx, nb_reel *r, int64_t epoch, double factor)
{
    int64_t room = r->factors ? 2 * r->factors : 16;
    if (epoch > room) room = epoch;
    if (epoch > r->factors) {
        size_t size = sizeof *r->factor, old = (size_t)r->factors * size;
        double *list = nb_resize(ctx, r->factor, old, (size_t)room * size);
        if (!list) return ctx->status;
        for (int64_t i = r->factors; i < room; i++) list[i] = NAN;
        r->factor = list;
        r->factors = room;
    }
    r->factor[epoch - 1] = factor;
    return NB_OK;
}

double nb_reel_factor(const nb_reel *r, int64_t epoch)
{
    return epoch > 0 && epoch <= r->factors ? r->factor[epoch - 1] : NAN;
}
