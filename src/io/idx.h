/* IDX, the format of MNIST: magic 0 0 type dims, big-endian sizes, then the elements. Types 0x08
 * (u8), 0x0C (i32), 0x0D (f32), 0x0E (f64); 0x09 (i8) and 0x0B (i16) are read into i32. */
#ifndef NB_IDX_H
#define NB_IDX_H

#include "io/elements.h"
#include "io/source.h"
#include "tensor/tensor.h"

/* The whole file as a tensor, or NULL: wrong magic, sizes beyond the file, bytes left over, a gzip
 * cut short; the message names file and place. */
nb_tensor *nb_idx_read(nb_ctx *ctx, nb_source *source);
/* The header alone: the elements come next, as far as the source's size tells. */
nb_status nb_idx_begin(nb_ctx *ctx, nb_source *source, nb_elements *elements);
/* The same, to read on piece by piece: the next `count` elements, as memory has them; behind the
 * last the caller looks for the source's end. */
typedef struct nb_idx {
    nb_source *source;
    nb_elements of;
    size_t width; /* bytes of an element in the file */
    uint64_t end; /* bytes of header and elements */
} nb_idx;
nb_status nb_idx_open(nb_ctx *ctx, nb_source *source, nb_idx *idx);
nb_status nb_idx_next(nb_idx *idx, void *into, int64_t count);
nb_tensor *nb_idx_load(nb_ctx *ctx, const char *path);

#endif
