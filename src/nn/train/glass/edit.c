/* Edits: found, kept, done again. */
#include "nn/train/glass/edit.h"

#include "base/memory.h"

#include <string.h>

enum { SPARSE = 4 }; /* a patch of fewer than one number in so many is a list */

nb_edit *nb_edit_new(nb_ctx *ctx, nb_edit_by by)
{
    nb_edit *edit = nb_alloc_zero(ctx, 1, sizeof *edit);
    if (!edit) return NULL;
    edit->by = by;
    edit->bytes = sizeof *edit;
    return edit;
}

static void free_patch(nb_ctx *ctx, nb_patch *patch)
{
    nb_free(ctx, patch->at, patch->at ? (size_t)patch->count * sizeof *patch->at : 0);
    nb_tensor_release(ctx, patch->value);
    *patch = (nb_patch){.count = 0};
}

void nb_edit_free(nb_ctx *ctx, nb_edit *edit)
{
    if (!edit) return;
    for (int i = 0; i < NB_NET_STATE; i++) free_patch(ctx, &edit->net[i]);
    nb_said_release(ctx, edit->said);
    if (edit->optimizer) {
        nb_optimizer_free(ctx, edit->optimizer);
        nb_free(ctx, edit->optimizer, sizeof *edit->optimizer);
    }
    nb_free(ctx, edit, sizeof *edit);
}

bool nb_edit_is_empty(const nb_edit *edit)
{
    bool numbers = false;
    for (int i = 0; i < NB_NET_STATE; i++) numbers = numbers || edit->net[i].count > 0;
    return !numbers && !edit->said && !edit->optioned && !edit->optimizer && edit->by != NB_BY_END;
}

/* ---- Numbers ---- */

static int64_t count_different(const char *a, const char *b, int64_t n, size_t size)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += memcmp(a + (size_t)i * size, b + (size_t)i * size, size) != 0;
    return count;
}

static void list_different(const char *a, const char *b, int64_t n, size_t size, nb_patch *patch)
{
    char *to = nb_tensor_data(patch->value);
    int64_t *at = patch->at;
    for (int64_t i = 0; i < n; i++) {
        if (!memcmp(a + (size_t)i * size, b + (size_t)i * size, size)) continue;
        *at++ = i;
        memcpy(to, b + (size_t)i * size, size);
        to += size;
    }
}

static nb_status keep_list(nb_ctx *ctx, nb_patch *patch, int64_t count, const nb_tensor *before,
                           const nb_tensor *now)
{
    size_t size = nb_dtype_size(now->dtype);
    patch->value = nb_tensor_new(ctx, now->dtype, 1, &count);
    patch->at = patch->value ? nb_alloc(ctx, (size_t)count * sizeof *patch->at) : NULL;
    patch->count = count;
    if (!patch->at) {
        free_patch(ctx, patch);
        return ctx->status;
    }
    list_different(nb_tensor_data(before), nb_tensor_data(now), nb_tensor_count(now), size, patch);
    return NB_OK;
}

nb_status nb_edit_numbers(nb_ctx *ctx, nb_edit *edit, int i, const nb_tensor *before,
                          const nb_tensor *now)
{
    nb_patch *patch = &edit->net[i];
    int64_t n = nb_tensor_count(now), count = n;
    size_t size = nb_dtype_size(now->dtype);
    if (before) count = count_different(nb_tensor_data(before), nb_tensor_data(now), n, size);
    if (count == 0) return NB_OK;
    if (before && count < n / SPARSE) {
        edit->bytes += (size_t)count * (size + sizeof *patch->at);
        return keep_list(ctx, patch, count, before, now);
    }
    patch->value = nb_tensor_clone(ctx, now);
    if (!patch->value) return ctx->status;
    patch->count = n;
    edit->bytes += (size_t)n * size;
    return NB_OK;
}

static void apply_patch(const nb_patch *patch, nb_tensor *to)
{
    if (patch->count == 0) return; /* there may be neither tensor */
    size_t size = nb_dtype_size(to->dtype);
    const char *from = nb_tensor_data(patch->value);
    char *data = nb_tensor_data(to);
    if (!patch->at) memcpy(data, from, (size_t)patch->count * size);
    for (int64_t i = 0; patch->at && i < patch->count; i++)
        memcpy(data + (size_t)patch->at[i] * size, from + (size_t)i * size, size);
    nb_tensor_touch(to, "restore");
}

/* ---- All else ---- */

void nb_edit_layers(nb_edit *edit, nb_said *said)
{
    edit->said = nb_said_retain(said);
    edit->bytes += nb_said_bytes(said);
}

nb_status nb_edit_optimizer(nb_ctx *ctx, nb_edit *edit, const nb_optimizer *optimizer)
{
    nb_optimizer *copy = nb_alloc(ctx, sizeof *copy);
    nb_status status = copy ? nb_optimizer_copy(ctx, copy, optimizer) : ctx->status;
    if (status != NB_OK) {
        nb_free(ctx, copy, sizeof *copy);
        return status;
    }
    edit->optimizer = copy;
    for (int i = 0; i < copy->slots; i++) {
        const nb_tensor *value = copy->slot[i].value;
        edit->bytes += (size_t)nb_tensor_count(value) * nb_dtype_size(value->dtype);
    }
    return NB_OK;
}

static void apply_numbers(const nb_edit *edit, nb_trainer *t)
{
    nb_tensor *state[NB_NET_STATE];
    bool any = false;
    nb_net_state(t->net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        apply_patch(&edit->net[i], state[i]);
        any = any || edit->net[i].count > 0;
    }
    if (any) nb_home_forget(t->net->home);
}

nb_status nb_edit_apply(nb_ctx *ctx, const nb_edit *edit, nb_trainer *t)
{
    nb_saying saying = {.said = NULL};
    nb_optimizer copy = {.slots = 0};
    nb_status status = edit->said ? nb_saying_ready(ctx, &saying, edit->said) : NB_OK;
    if (status == NB_OK && edit->optimizer) status = nb_optimizer_copy(ctx, &copy, edit->optimizer);
    if (status != NB_OK) {
        nb_saying_drop(ctx, &saying);
        return status;
    }
    if (edit->by == NB_BY_END) nb_trainer_take_best(t);
    apply_numbers(edit, t);
    if (edit->said) nb_saying_put(ctx, &saying, t->net);
    if (edit->optioned) t->optimizer->options = edit->options;
    if (edit->optimizer) {
        nb_optimizer_free(ctx, t->optimizer);
        *t->optimizer = copy;
    }
    return NB_OK;
}
