#include "nn/train/run/parcel.h"

#include "base/arith.h"
#include "nn/train/learn.h"

#include <string.h>

#define NAME "nabla parcel 1"

/* In front of a history's bytes: the struct itself, whose addresses mean nothing. */
typedef struct front {
    char name[sizeof NAME];
    nb_history history;
} front;

/* ---- History --------------------------------------------------------------------------------- */

static size_t flow_bytes(const nb_history *h)
{
    return (size_t)(h->epochs * h->flow.places) * NB_FLOW_FIGURES * sizeof(double);
}

void nb_parcel_add_history(nb_text *to, const nb_history *history)
{
    front f = {.name = NAME, .history = *history};
    const nb_flow *flow = &history->flow;
    nb_text_add_bytes(to, (const char *)&f, sizeof f);
    nb_text_add_bytes(to, (const char *)history->epoch,
                      (size_t)history->epochs * sizeof *history->epoch);
    nb_text_add_bytes(to, (const char *)flow->place, (size_t)flow->places * sizeof *flow->place);
    nb_text_add_bytes(to, (const char *)flow->number, flow_bytes(history));
    if (history->converged) nb_text_add(to, "%s", history->converged);
    nb_text_add_bytes(to, "", 1);
}

/* Bytes that are taken one part after the other. */
typedef struct cursor {
    const char *at;
    size_t left;
    bool fine;
} cursor;

static void take(cursor *c, void *to, int64_t count, size_t size)
{
    size_t bytes = 0;
    c->fine = c->fine && count >= 0 && nb_mul_size((size_t)count, size, &bytes) && bytes <= c->left;
    if (!c->fine || !bytes) return;
    if (to) memcpy(to, c->at, bytes);
    c->at += bytes;
    c->left -= bytes;
}

static nb_status refuse(nb_ctx *ctx)
{
    return nb_fail(ctx, NB_EFORMAT, "these bytes are not what a run left");
}

static nb_status take_flow(nb_ctx *ctx, cursor *c, int places, nb_history *out)
{
    cursor probe = *c;
    take(&probe, NULL, places, sizeof(nb_flow_place));
    if (!probe.fine) return refuse(ctx);
    const nb_flow from = {.places = places, .place = (nb_flow_place *)(uintptr_t)c->at};
    nb_status status = nb_flow_copy(ctx, &out->flow, &from, 0);
    if (status == NB_OK) status = nb_flow_reserve(ctx, &out->flow, out->room);
    if (status != NB_OK) return status;
    *c = probe;
    for (int i = 0; i < places; i++) {
        out->flow.place[i].path[NB_PATH_MAX - 1] = '\0';
        out->flow.place[i].title[NB_FLOW_TITLE - 1] = '\0';
    }
    take(c, out->flow.number, out->epochs * places, NB_FLOW_FIGURES * sizeof(double));
    return c->fine ? NB_OK : refuse(ctx);
}

static nb_status take_epochs(nb_ctx *ctx, cursor *c, int64_t epochs, nb_history *out)
{
    cursor probe = *c;
    take(&probe, NULL, epochs, sizeof(nb_epoch));
    if (!probe.fine) return refuse(ctx);
    if (!epochs) return NB_OK;
    nb_status status = nb_history_reserve(ctx, out, epochs);
    if (status != NB_OK) return status;
    take(c, out->epoch, epochs, sizeof(nb_epoch));
    out->epochs = epochs;
    return NB_OK;
}

nb_status nb_parcel_history(nb_ctx *ctx, const char *bytes, size_t length, nb_history *out)
{
    front f;
    cursor c = {bytes, length, true};
    memset(&f, 0, sizeof f);
    take(&c, &f, 1, sizeof f);
    if (!c.fine || memcmp(f.name, NAME, sizeof NAME) != 0 || f.history.metrics < 0 ||
        f.history.metrics > NB_METRICS_MAX)
        return refuse(ctx);
    int64_t epochs = f.history.epochs;
    int places = f.history.flow.places;
    *out = f.history;
    out->epochs = out->room = 0;
    out->epoch = NULL;
    out->converged = NULL;
    out->flow = (nb_flow){.places = 0};
    for (int i = 0; i < out->metrics; i++) out->metric[i][NB_NAME_MAX - 1] = '\0';
    nb_status status = take_epochs(ctx, &c, epochs, out);
    if (status == NB_OK && places) status = take_flow(ctx, &c, places, out);
    if (status == NB_OK && (!c.left || c.at[c.left - 1])) status = refuse(ctx);
    if (status != NB_OK)
        nb_history_free(ctx, out);
    else if (c.left > 1)
        out->converged = c.at;
    return status;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static size_t bytes_of(const nb_tensor *tensor)
{
    return (size_t)nb_tensor_count(tensor) * nb_dtype_size(tensor->dtype);
}

void nb_parcel_add_numbers(nb_text *to, const nb_net *net)
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++)
        nb_text_add_bytes(to, nb_tensor_data(state[i]), bytes_of(state[i]));
}

nb_status nb_parcel_numbers(nb_ctx *ctx, const char *bytes, size_t length, nb_net *net)
{
    nb_tensor *copy[NB_NET_STATE];
    size_t needed = 0;
    nb_status status = nb_net_keep(ctx, net, copy);
    if (status != NB_OK) return status;
    for (int i = 0; i < NB_NET_STATE; i++) needed += bytes_of(copy[i]);
    if (needed == length) {
        for (int i = 0; i < NB_NET_STATE; i++) {
            memcpy(nb_tensor_data(copy[i]), bytes, bytes_of(copy[i]));
            bytes += bytes_of(copy[i]);
        }
        nb_net_put_back(net, copy);
    } else {
        status = refuse(ctx);
    }
    nb_net_drop(ctx, copy);
    return status;
}
