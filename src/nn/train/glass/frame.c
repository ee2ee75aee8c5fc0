/* Frames: taken, put back, given back. */
#include "nn/train/glass/frame.h"

#include "base/memory.h"

#include <string.h>

static size_t bytes_of(const nb_tensor *t)
{
    return (size_t)nb_tensor_count(t) * nb_dtype_size(t->dtype);
}

/* A copy of `from`, or `like` where its bits are the same; *bytes more where it is a copy. */
static nb_tensor *keep(nb_ctx *ctx, const nb_tensor *from, nb_tensor *like, size_t *bytes)
{
    size_t size = bytes_of(from);
    bool same =
        like && bytes_of(like) == size && !memcmp(nb_tensor_data(like), nb_tensor_data(from), size);
    if (same) return nb_tensor_retain(like);
    *bytes += size;
    return nb_tensor_clone(ctx, from);
}

static nb_status keep_state(nb_ctx *ctx, nb_tensor *const from[NB_NET_STATE],
                            nb_tensor *const like[NB_NET_STATE], nb_tensor *to[NB_NET_STATE],
                            size_t *bytes)
{
    for (int i = 0; i < NB_NET_STATE && from[i]; i++) {
        to[i] = keep(ctx, from[i], like ? like[i] : NULL, bytes);
        if (!to[i]) return ctx->status;
    }
    return NB_OK;
}

static void note_numbers(nb_frame *f, const nb_trainer *t)
{
    f->course = t->course;
    f->factor = t->factor;
    f->factored = t->factored;
    f->epochs = t->history.epochs;
    f->examples = t->history.examples;
    f->took = t->history.best;
}

nb_frame *nb_frame_take(nb_ctx *ctx, const nb_trainer *t, nb_said *said, const nb_frame *like)
{
    nb_tensor *state[NB_NET_STATE];
    nb_frame *f = nb_alloc_zero(ctx, 1, sizeof *f);
    if (!f) return NULL;
    f->bytes = sizeof *f;
    f->said = nb_said_retain(said);
    note_numbers(f, t);
    nb_net_state(t->net, state);
    nb_status status = keep_state(ctx, state, like ? like->net : NULL, f->net, &f->bytes);
    if (status == NB_OK)
        status = keep_state(ctx, t->best, like ? like->best : NULL, f->best, &f->bytes);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &f->optimizer, t->optimizer);
    for (int i = 0; i < f->optimizer.slots; i++) f->bytes += bytes_of(f->optimizer.slot[i].value);
    if (status == NB_OK) return f;
    nb_frame_free(ctx, f);
    return NULL;
}

/* What is shared stays. */
static size_t free_state(nb_ctx *ctx, nb_tensor *state[NB_NET_STATE])
{
    size_t bytes = 0;
    for (int i = 0; i < NB_NET_STATE; i++)
        if (state[i] && state[i]->refs == 1) bytes += bytes_of(state[i]);
    nb_net_drop(ctx, state);
    return bytes;
}

size_t nb_frame_free(nb_ctx *ctx, nb_frame *f)
{
    if (!f) return 0;
    size_t bytes = sizeof *f + free_state(ctx, f->net) + free_state(ctx, f->best);
    for (int i = 0; i < f->optimizer.slots; i++) bytes += bytes_of(f->optimizer.slot[i].value);
    nb_optimizer_free(ctx, &f->optimizer);
    nb_said_release(ctx, f->said);
    nb_free(ctx, f, sizeof *f);
    return bytes;
}

/* ---- Going there ---- */

/* Takes optimizer, best and saying over. */
static void settle(nb_ctx *ctx, nb_trainer *t, const nb_frame *f, nb_optimizer optimizer,
                   nb_tensor *best[NB_NET_STATE], nb_saying *saying)
{
    nb_net_put_back(t->net, f->net);
    nb_saying_put(ctx, saying, t->net);
    nb_net_drop(ctx, t->best);
    memcpy(t->best, best, sizeof t->best);
    nb_optimizer_free(ctx, t->optimizer);
    *t->optimizer = optimizer;
    t->course = f->course;
    t->factor = f->factor;
    t->factored = f->factored;
    t->history.epochs = f->epochs;
    t->history.examples = f->examples;
    t->history.best = f->took;
}

nb_status nb_frame_put(nb_ctx *ctx, nb_trainer *t, const nb_frame *f)
{
    nb_tensor *best[NB_NET_STATE] = {NULL};
    nb_optimizer optimizer;
    nb_saying saying;
    size_t bytes = 0;
    nb_status status = nb_net_check_kept(ctx, t->net, f->net);
    if (status == NB_OK) status = nb_saying_ready(ctx, &saying, f->said);
    if (status != NB_OK) return status;
    status = keep_state(ctx, f->best, NULL, best, &bytes);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &optimizer, &f->optimizer);
    if (status != NB_OK) {
        nb_net_drop(ctx, best);
        nb_saying_drop(ctx, &saying);
        return status;
    }
    settle(ctx, t, f, optimizer, best, &saying);
    return NB_OK;
}

nb_status nb_return_ready(nb_ctx *ctx, nb_return *back, const nb_trainer *t)
{
    *back = (nb_return){.frame = NULL};
    nb_said *said = nb_said_take(ctx, t->net);
    back->frame = said ? nb_frame_take(ctx, t, said, NULL) : NULL;
    nb_status status = back->frame ? nb_saying_ready(ctx, &back->saying, said) : ctx->status;
    nb_said_release(ctx, said);
    if (status != NB_OK) nb_return_drop(ctx, back);
    return status;
}

void nb_return_take(nb_ctx *ctx, nb_return *back, nb_trainer *t)
{
    nb_frame *f = back->frame;
    settle(ctx, t, f, f->optimizer, f->best, &back->saying);
    f->optimizer.slots = 0;
    f->optimizer.slot = NULL;
    memset(f->best, 0, sizeof f->best);
    nb_return_drop(ctx, back);
}

void nb_return_drop(nb_ctx *ctx, nb_return *back)
{
    nb_frame_free(ctx, back->frame);
    nb_saying_drop(ctx, &back->saying);
    back->frame = NULL;
}
