/* NumPy's .npy: the magic, a version, the length of a header, the header (a dictionary as Python
 * writes it) and the elements. Read: versions 1.0 to 3.0, either order of bytes and of dimensions,
 * f4 and f8, u1 and i4 as they are, b1 as u8, f2 as f32, all other whole numbers as i32 where every
 * value fits. What else NumPy writes is refused by name. Written: version 1.0, little-endian,
 * row-major, elements at a multiple of 64. */
#ifndef NB_NPY_H
#define NB_NPY_H

#include "base/text.h"
#include "io/elements.h"
#include "io/kind.h"
#include "io/source.h"
#include "tensor/tensor.h"

enum {
    NB_NPY_HEADER_MAX = 1 << 20 /* bytes of a header that are read; ours have at most some 200 */
};

/* The whole source as a tensor, or NULL with NB_EFORMAT and the place. Column-major files give a
 * view of their elements as they lie. */
nb_tensor *nb_npy_read(nb_ctx *ctx, nb_source *source);
/* The header alone: the elements come next, and are all there. */
nb_status nb_npy_begin(nb_ctx *ctx, nb_source *source, nb_elements *elements);
/* The same, to read on piece by piece: the next `count` elements in the file's order; behind the
 * last the caller looks for the source's end. Or all of them as a tensor, where none was read. */
typedef struct nb_npy {
    nb_source *source;
    nb_elements of;
    const nb_kind *kind;
    size_t done;
    uint64_t end; /* bytes of header and elements */
} nb_npy;
nb_status nb_npy_open(nb_ctx *ctx, nb_source *source, nb_npy *npy);
nb_status nb_npy_next(nb_ctx *ctx, nb_npy *npy, void *into, int64_t count);
nb_tensor *nb_npy_all(nb_ctx *ctx, nb_npy *npy);
/* Adds what stands in front of the elements. */
void nb_npy_write_header(nb_text *text, const nb_tensor *tensor);

#endif
