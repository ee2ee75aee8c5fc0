/* Histories of training. */
#include "nn/train/run/history.h"

#include "base/memory.h"

#include <stddef.h>
#include <string.h>

enum { ROOM_LEAST = 16 }; /* epochs */

const nb_epoch_field nb_epoch_fields[] = {
    {"cost", offsetof(nb_epoch, cost)},
    {"valid", offsetof(nb_epoch, valid_accuracy)},
    {"valid_cost", offsetof(nb_epoch, valid_cost)},
    {"test", offsetof(nb_epoch, accuracy)},
    {"test_cost", offsetof(nb_epoch, test_cost)},
    {"lr", offsetof(nb_epoch, lr)},
    {"elapsed", offsetof(nb_epoch, elapsed)},
    {.name = NULL},
};

void nb_history_free(nb_ctx *ctx, nb_history *history)
{
    nb_free(ctx, history->epoch, (size_t)history->room * sizeof *history->epoch);
    nb_flow_free(ctx, &history->flow);
    *history = (nb_history){.epochs = 0};
}

nb_status nb_history_copy(nb_ctx *ctx, nb_history *to, const nb_history *from)
{
    *to = *from;
    to->room = 0;
    to->epoch = NULL;
    to->epochs = 0;
    nb_status status = nb_flow_copy(ctx, &to->flow, &from->flow, from->epochs);
    if (status != NB_OK || !from->epochs) return status;
    status = nb_history_reserve(ctx, to, from->epochs);
    if (status != NB_OK) {
        nb_history_free(ctx, to);
        return status;
    }
    memcpy(to->epoch, from->epoch, (size_t)from->epochs * sizeof *from->epoch);
    to->epochs = from->epochs;
    return NB_OK;
}

nb_status nb_history_reserve(nb_ctx *ctx, nb_history *history, int64_t count)
{
    size_t size = sizeof *history->epoch;
    int64_t needed = history->epochs + count, room = 2 * history->room;
    if (needed <= history->room) return nb_flow_reserve(ctx, &history->flow, history->room);
    if (room < ROOM_LEAST) room = ROOM_LEAST;
    if (room < needed) room = needed;
    nb_epoch *list =
        nb_resize(ctx, history->epoch, (size_t)history->room * size, (size_t)room * size);
    if (!list) return ctx->status;
    history->epoch = list;
    history->room = room;
    return nb_flow_reserve(ctx, &history->flow, room);
}
