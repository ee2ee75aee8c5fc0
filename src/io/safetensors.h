/* safetensors: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes. Written
 * with offsets in the order given and the header padded so that data begin at a multiple of 64.
 * Read are the kinds of io/kind.h. */
#ifndef NB_SAFETENSORS_H
#define NB_SAFETENSORS_H

#include "io/archive.h"
#include "io/source.h"

enum {
    NB_ST_HEADER_MAX = 100000000 /* bytes; the format's own limit */
};

/* Fills an empty archive, entries in the header's order. Refused: a header longer than the file,
 * JSON that is not, duplicate names, offsets that overlap, leave holes, reach beyond the file or do
 * not match dtype times shape. On failure the archive stays empty. A tensor of a dtype that cannot
 * be read, of too many dimensions or with a value that does not fit does not spoil the others: the
 * archive says why it is not there; nb_safetensors_load refuses the file then. */
nb_status nb_safetensors_read(nb_ctx *ctx, nb_source *source, nb_archive *archive);
nb_status nb_safetensors_load(nb_ctx *ctx, const char *path, nb_archive *archive);
/* Writes beside the target, syncs, renames: the file is the old one or the new one, never half. */
nb_status nb_safetensors_save(nb_ctx *ctx, const char *path, const nb_archive *archive);

#endif
