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

static size_t bytes_of_optimizer(const nb_optimizer *optimizer)
{
    size_t bytes = 0;
    for (int i = 0; optimizer && i < optimizer->slots; i++) {
        const nb_tensor *value = optimizer->slot[i].value;
        bytes += (size_t)nb_tensor_count(value) * nb_dtype_size(value->dtype);
    }
    return bytes;
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
    edit->bytes += bytes_of_optimizer(copy);
    return NB_OK;
}

/* ---- Two as one ---- */

bool nb_edit_joins(const nb_edit *a, const nb_edit *b)
{
    bool by_others = a->by == NB_BY_HAND || a->by == NB_BY_TRAINING;
    return by_others && a->by == b->by && a->step == b->step && a->ended == b->ended;
}

/* Both lists as one, in the order of places; of a place in both what `b` says. */
static int64_t join_lists(const nb_patch *a, const nb_patch *b, nb_patch *to)
{
    size_t size = nb_dtype_size(b->value->dtype);
    const char *from[2] = {nb_tensor_data(a->value), nb_tensor_data(b->value)};
    int64_t count = 0;
    for (int64_t i = 0, j = 0; i < a->count || j < b->count; count++) {
        bool later = j < b->count && (i == a->count || b->at[j] <= a->at[i]);
        int64_t at = later ? b->at[j] : a->at[i];
        if (to) to->at[count] = at;
        if (to)
            memcpy((char *)nb_tensor_data(to->value) + (size_t)count * size,
                   from[later] + (size_t)(later ? j : i) * size, size);
        i += i < a->count && a->at[i] == at;
        j += later;
    }
    return count;
}

static bool are_lists(const nb_patch *a, const nb_patch *b)
{
    return a->count > 0 && b->count > 0 && a->at && b->at;
}

static nb_status new_list(nb_ctx *ctx, const nb_patch *a, const nb_patch *b, nb_patch *to)
{
    int64_t count = join_lists(a, b, NULL);
    to->count = count;
    to->value = nb_tensor_new(ctx, b->value->dtype, 1, &count);
    to->at = to->value ? nb_alloc(ctx, (size_t)count * sizeof *to->at) : NULL;
    if (!to->at) return ctx->status;
    join_lists(a, b, to);
    return NB_OK;
}

static void exchange(nb_patch *a, nb_patch *b)
{
    const nb_patch was = *a;
    *a = *b;
    *b = was;
}

/* `a` becomes what both are; two lists are `joined` by now. */
static void join_patch(nb_patch *a, nb_patch *b, nb_patch *joined)
{
    if (b->count == 0) return;
    if (are_lists(a, b))
        exchange(a, joined);
    else if (a->count == 0 || !b->at)
        exchange(a, b);
    else
        apply_patch(b, a->value);
}

/* What is no number: the later one's, where it says anything. */
static void join_rest(nb_edit *a, nb_edit *b)
{
    nb_said *said = a->said;
    nb_optimizer *optimizer = a->optimizer;
    if (b->said) a->said = b->said, b->said = said;
    if (b->optimizer) a->optimizer = b->optimizer, b->optimizer = optimizer;
    a->optioned = a->optioned || b->optioned;
    a->options = b->options;
}

static size_t bytes_of(const nb_edit *edit)
{
    size_t bytes = sizeof *edit + bytes_of_optimizer(edit->optimizer);
    if (edit->said) bytes += nb_said_bytes(edit->said);
    for (int i = 0; i < NB_NET_STATE; i++) {
        const nb_patch *patch = &edit->net[i];
        if (patch->count == 0) continue;
        bytes += (size_t)patch->count * nb_dtype_size(patch->value->dtype);
        if (patch->at) bytes += (size_t)patch->count * sizeof *patch->at;
    }
    return bytes;
}

nb_status nb_edit_join(nb_ctx *ctx, nb_edit *a, nb_edit *b)
{
    nb_patch joined[NB_NET_STATE] = {{.count = 0}};
    nb_status status = NB_OK;
    for (int i = 0; i < NB_NET_STATE && status == NB_OK; i++)
        if (are_lists(&a->net[i], &b->net[i]))
            status = new_list(ctx, &a->net[i], &b->net[i], &joined[i]);
    for (int i = 0; i < NB_NET_STATE && status == NB_OK; i++)
        join_patch(&a->net[i], &b->net[i], &joined[i]);
    for (int i = 0; i < NB_NET_STATE; i++) free_patch(ctx, &joined[i]);
    if (status != NB_OK) return status;
    join_rest(a, b);
    a->bytes = bytes_of(a);
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
