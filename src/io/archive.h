/* Named tensors and texts in memory: what a safetensors file holds. */
#ifndef NB_ARCHIVE_H
#define NB_ARCHIVE_H

#include "tensor/tensor.h"

/* The name that safetensors keeps for the texts; no tensor may have it. */
#define NB_ARCHIVE_META "__metadata__"

typedef struct nb_named_tensor {
    char *name;
    nb_tensor *tensor;
} nb_named_tensor;

typedef struct nb_meta {
    char *key;
    char *value;
} nb_meta;

/* What a file holds. Zero it before use. */
typedef struct nb_archive {
    size_t count, room;
    nb_named_tensor *entry;
    size_t meta_count, meta_room;
    nb_meta *meta; /* the header's __metadata__, strings only */
    size_t unread_count, unread_room;
    nb_meta
        *unread; /* the names of tensors that could not be read, and why: "x.npz holds strings" */
} nb_archive;

/* Adds a tensor (retained) or a string under a name (both copied). NB_EARG for a name that is
 * there, a text that is not UTF-8, and a tensor called NB_ARCHIVE_META. */
nb_status nb_archive_add(nb_ctx *ctx, nb_archive *archive, const char *name, nb_tensor *tensor);
nb_status nb_archive_add_meta(nb_ctx *ctx, nb_archive *archive, const char *key, const char *value);
/* The same for a reader that has checked the names itself: searching for each would take the square
 * of their number. */
nb_status nb_archive_push(nb_ctx *ctx, nb_archive *archive, const char *name, nb_tensor *tensor);
nb_status nb_archive_push_meta(nb_ctx *ctx, nb_archive *archive, const char *key,
                               const char *value);
/* Notes the context's message as the reason why a tensor could not be read. NB_OK; the status that
 * was where that says nothing of the tensor, as where memory ended. */
nb_status nb_archive_push_unread(nb_ctx *ctx, nb_archive *archive, const char *name);
/* Fails with the reason of the first tensor that could not be read, where there is one. */
nb_status nb_archive_check_read(nb_ctx *ctx, const nb_archive *archive);
/* NB_EARG for what nb_archive_add refuses as a name, other names apart. */
nb_status nb_archive_check_name(nb_ctx *ctx, const char *name);
/* Puts the tensors in the order of their names' bytes. */
void nb_archive_sort(nb_archive *archive);
/* A name that is there twice, or NULL. Sorts the list. */
const char *nb_repeated_name(const char **names, size_t count);
/* Borrowed, or NULL. */
nb_tensor *nb_archive_find(const nb_archive *archive, const char *name);
const char *nb_archive_meta(const nb_archive *archive, const char *key);
void nb_archive_free(nb_ctx *ctx, nb_archive *archive);

/* A contiguous tensor whose elements lie in memory as these formats have them in files; the tensor
 * itself where it is like that. Its bytes are for writing, not for computing. */
nb_tensor *nb_tensor_little_endian(nb_ctx *ctx, nb_tensor *tensor);
size_t nb_tensor_bytes(const nb_tensor *tensor);

#endif
