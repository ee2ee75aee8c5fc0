/* Two growing arrays, one of tensors and one of texts. Names are few, so that finding one walks. */
#include "io/archive.h"

#include "base/arith.h"
#include "io/bytes.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

/* `items` with room for one more than `count`, or NULL and `items` stands. */
static void *grow(nb_ctx *ctx, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) return items;
    size_t wanted, bytes;
    if (!nb_mul_size(*room, 2, &wanted) || !nb_mul_size(wanted + FIRST_ROOM, size, &bytes)) {
        return nb_fail_null(ctx, NB_EMEMORY, "no memory for more than %zu names", count);
    }
    void *grown = nb_resize(ctx, items, *room * size, bytes);
    if (grown) *room = wanted + FIRST_ROOM;
    return grown;
}

nb_status nb_archive_push(nb_ctx *ctx, nb_archive *archive, const char *name, nb_tensor *tensor)
{
    nb_named_tensor *entry =
        grow(ctx, archive->entry, archive->count, &archive->room, sizeof *entry);
    if (!entry) return NB_EMEMORY;
    archive->entry = entry;
    entry += archive->count;
    entry->name = nb_copy_string(ctx, name);
    if (!entry->name) return NB_EMEMORY;
    entry->tensor = nb_tensor_retain(tensor);
    archive->count++;
    return NB_OK;
}

static nb_status push_pair(nb_ctx *ctx, nb_meta **list, size_t *count, size_t *room,
                           const char *key, const char *value)
{
    nb_meta *meta = grow(ctx, *list, *count, room, sizeof *meta);
    if (!meta) return NB_EMEMORY;
    *list = meta;
    meta += *count;
    meta->key = nb_copy_string(ctx, key);
    meta->value = meta->key ? nb_copy_string(ctx, value) : NULL;
    if (!meta->value) {
        nb_free_string(ctx, meta->key);
        return NB_EMEMORY;
    }
    ++*count;
    return NB_OK;
}

nb_status nb_archive_push_meta(nb_ctx *ctx, nb_archive *archive, const char *key, const char *value)
{
    return push_pair(ctx, &archive->meta, &archive->meta_count, &archive->meta_room, key, value);
}

nb_status nb_archive_push_unread(nb_ctx *ctx, nb_archive *archive, const char *name)
{
    if (ctx->status != NB_EFORMAT) return ctx->status;
    return push_pair(ctx, &archive->unread, &archive->unread_count, &archive->unread_room, name,
                     ctx->message);
}

nb_status nb_archive_check_read(nb_ctx *ctx, const nb_archive *archive)
{
    if (archive->unread_count == 0) return NB_OK;
    return nb_fail(ctx, NB_EFORMAT, "%s", archive->unread[0].value);
}

static nb_status check_utf8(nb_ctx *ctx, const char *what, const char *text)
{
    return nb_utf8_is_valid(text) ? NB_OK : nb_fail(ctx, NB_EARG, "%s is not valid UTF-8", what);
}

nb_status nb_archive_check_name(nb_ctx *ctx, const char *name)
{
    nb_status status = check_utf8(ctx, "a tensor's name", name);
    if (status || strcmp(name, NB_ARCHIVE_META) != 0) return status;
    return nb_fail(ctx, NB_EARG, "a tensor cannot be called '%s'", name);
}

nb_status nb_archive_add(nb_ctx *ctx, nb_archive *archive, const char *name, nb_tensor *tensor)
{
    nb_status status = nb_archive_check_name(ctx, name);
    if (status) return status;
    if (nb_archive_find(archive, name)) {
        return nb_fail(ctx, NB_EARG, "there is already a tensor called '%s'", name);
    }
    return nb_archive_push(ctx, archive, name, tensor);
}

nb_status nb_archive_add_meta(nb_ctx *ctx, nb_archive *archive, const char *key, const char *value)
{
    nb_status status = check_utf8(ctx, "the key of a text", key);
    if (!status) status = check_utf8(ctx, "a text", value);
    if (status) return status;
    if (nb_archive_meta(archive, key)) {
        return nb_fail(ctx, NB_EARG, "there is already a text under '%s'", key);
    }
    return nb_archive_push_meta(ctx, archive, key, value);
}

static int by_name(const void *a, const void *b)
{
    const nb_named_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void nb_archive_sort(nb_archive *archive)
{
    if (archive->count > 0) qsort(archive->entry, archive->count, sizeof *archive->entry, by_name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *nb_repeated_name(const char **names, size_t count)
{
    if (count > 0) qsort(names, count, sizeof *names, by_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) return names[i];
    }
    return NULL;
}

nb_tensor *nb_archive_find(const nb_archive *archive, const char *name)
{
    for (size_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->entry[i].name, name) == 0) return archive->entry[i].tensor;
    }
    return NULL;
}

const char *nb_archive_meta(const nb_archive *archive, const char *key)
{
    for (size_t i = 0; i < archive->meta_count; i++) {
        if (strcmp(archive->meta[i].key, key) == 0) return archive->meta[i].value;
    }
    return NULL;
}

static void free_pairs(nb_ctx *ctx, nb_meta *list, size_t count, size_t room)
{
    for (size_t i = 0; i < count; i++) {
        nb_free_string(ctx, list[i].key);
        nb_free_string(ctx, list[i].value);
    }
    nb_free(ctx, list, room * sizeof *list);
}

void nb_archive_free(nb_ctx *ctx, nb_archive *archive)
{
    for (size_t i = 0; i < archive->count; i++) {
        nb_free_string(ctx, archive->entry[i].name);
        nb_tensor_release(ctx, archive->entry[i].tensor);
    }
    free_pairs(ctx, archive->meta, archive->meta_count, archive->meta_room);
    free_pairs(ctx, archive->unread, archive->unread_count, archive->unread_room);
    nb_free(ctx, archive->entry, archive->room * sizeof *archive->entry);
    *archive = (nb_archive){0};
}

nb_tensor *nb_tensor_little_endian(nb_ctx *ctx, nb_tensor *tensor)
{
    if (nb_host_is_little()) return nb_tensor_contiguous(ctx, tensor);
    nb_tensor *packed = nb_tensor_clone(ctx, tensor);
    size_t width = nb_dtype_size(tensor->dtype);
    if (packed) nb_swap_bytes(nb_tensor_data(packed), width, nb_tensor_bytes(packed) / width);
    return packed;
}

size_t nb_tensor_bytes(const nb_tensor *tensor)
{
    return (size_t)nb_tensor_count(tensor) * nb_dtype_size(tensor->dtype);
}
