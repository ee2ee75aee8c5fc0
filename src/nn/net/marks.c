/* Marks by storage, the last one first: what a pass made last is asked for next. */
#include "nn/net/marks.h"

#include "base/memory.h"

int64_t nb_place_in_storage(const nb_tensor *t, int64_t at)
{
    int64_t place = t->offset;
    for (int i = t->dims - 1; i >= 0; i--) {
        place += at % t->shape[i] * t->stride[i];
        at /= t->shape[i];
    }
    return place;
}

void nb_marks_free(nb_ctx *ctx, nb_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        nb_mark *mark = &marks->at[i];
        nb_free(ctx, mark->by, (size_t)mark->count * sizeof *mark->by);
        nb_tensor_release(ctx, mark->tensor);
    }
    nb_free(ctx, marks->at, marks->room * sizeof *marks->at);
    *marks = (nb_marks){.count = 0};
}

static nb_mark *find(const nb_marks *marks, const nb_tensor *t)
{
    for (size_t i = marks->count; i > 0; i--)
        if (marks->at[i - 1].tensor->storage == t->storage) return &marks->at[i - 1];
    return NULL;
}

static nb_status make_room(nb_ctx *ctx, nb_marks *marks)
{
    size_t room = marks->room ? 2 * marks->room : 16, each = sizeof *marks->at;
    if (marks->count < marks->room) return NB_OK;
    nb_mark *at = nb_resize(ctx, marks->at, marks->room * each, room * each);
    if (!at) return ctx->status;
    marks->at = at;
    marks->room = room;
    return NB_OK;
}

/* The entry of a tensor's storage, made where there is none; NULL when memory ends. */
static nb_mark *open(nb_ctx *ctx, nb_marks *marks, nb_tensor *t)
{
    nb_mark *mark = find(marks, t);
    if (mark) return mark;
    if (make_room(ctx, marks) != NB_OK) return NULL;
    int64_t count = (int64_t)(t->storage->bytes / nb_dtype_size(t->dtype));
    int32_t *by = nb_alloc(ctx, (size_t)count * sizeof *by);
    if (!by) return NULL;
    for (int64_t i = 0; i < count; i++) by[i] = NB_UNMARKED;
    mark = &marks->at[marks->count++];
    *mark = (nb_mark){.tensor = nb_tensor_retain(t), .by = by, .count = count};
    return mark;
}

int32_t nb_marks_get(const nb_marks *marks, const nb_tensor *t, int64_t at)
{
    const nb_mark *mark = find(marks, t);
    int64_t place = mark ? nb_place_in_storage(t, at) : 0;
    return mark && place < mark->count ? mark->by[place] : NB_UNMARKED;
}

nb_status nb_marks_set(nb_ctx *ctx, nb_marks *marks, nb_tensor *t, int64_t at, int32_t by)
{
    const nb_mark *mark = open(ctx, marks, t);
    if (!mark) return ctx->status;
    int64_t place = nb_place_in_storage(t, at);
    if (place < mark->count) mark->by[place] = by;
    return NB_OK;
}

nb_status nb_marks_put(nb_ctx *ctx, nb_marks *marks, nb_tensor *t, const int32_t *by)
{
    const nb_mark *mark = by ? open(ctx, marks, t) : find(marks, t);
    int64_t count = mark ? nb_tensor_count(t) : 0;
    if (!mark) return by ? ctx->status : NB_OK;
    for (int64_t i = 0; i < count; i++) {
        int64_t place = nb_place_in_storage(t, i);
        if (place < mark->count) mark->by[place] = by ? by[i] : NB_UNMARKED;
    }
    return NB_OK;
}
