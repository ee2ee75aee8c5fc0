/* Kinds of elements in files, .npy's and safetensors', and how they become ours: f4 and f8, u1 and
 * i4 as they are, booleans u8, f2 and bfloat16 f32, all other whole numbers i32 where every value
 * fits. */
#ifndef NB_KIND_H
#define NB_KIND_H

#include "io/source.h"
#include "tensor/tensor.h"

typedef struct nb_kind nb_kind;

/* The kind that .npy writes as a letter and a width, or that safetensors calls by name; NULL: none
 * that can be read. */
const nb_kind *nb_kind_numpy(char letter, unsigned width);
const nb_kind *nb_kind_named(const char *name);
unsigned nb_kind_width(const nb_kind *kind);
nb_dtype nb_kind_dtype(const nb_kind *kind);
/* Whether the file's elements are the dtype's, but for their order of bytes. */
bool nb_kind_is_plain(const nb_kind *kind);

/* Reads `count` elements into a contiguous tensor of the kind's dtype and of as many; swapped:
 * their bytes stand the other way round. `what` as nb_source_read has it. NB_EFORMAT where a value
 * does not fit; the rest of them is then still to come. */
nb_status nb_kind_read(nb_ctx *ctx, nb_source *source, const nb_kind *kind, bool swapped,
                       size_t count, nb_tensor *to, const char *what);
/* The same of `count` elements from number `first` on, which come next, into memory, where all that
 * `what` says ends at byte `end`. */
nb_status nb_kind_next(nb_ctx *ctx, nb_source *source, const nb_kind *kind, bool swapped,
                       size_t first, size_t count, void *to, const char *what, uint64_t end);
/* Passes over bytes that are of no use. */
nb_status nb_kind_skip(nb_ctx *ctx, nb_source *source, uint64_t bytes, const char *what);

#endif
