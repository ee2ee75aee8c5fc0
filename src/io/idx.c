/* Reading IDX. The elements are read straight to where they are wanted and turned into the
 * machine's numbers in place. */
#include "io/idx.h"

#include "base/family.h"
#include "io/bytes.h"
#include "io/format.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <string.h>

typedef struct kind {
    uint8_t code;
    uint8_t width; /* bytes in the file */
    nb_dtype dtype;
} kind;

static const kind kinds[] = {
    {0x08, 1, NB_U8},  {0x09, 1, NB_I32}, {0x0B, 2, NB_I32},
    {0x0C, 4, NB_I32}, {0x0D, 4, NB_F32}, {0x0E, 8, NB_F64},
};

static const kind *find_kind(uint8_t code)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].code == code) return &kinds[i];
    }
    return NULL;
}

static nb_status read_magic(nb_ctx *ctx, nb_source *source, nb_idx *idx)
{
    uint8_t magic[4];
    const char *name = nb_source_name(source);
    nb_status status = nb_source_read(source, magic, sizeof magic, "its header");
    if (status) return status;
    if (magic[0] != 0 || magic[1] != 0) {
        return nb_fail(ctx, NB_EFORMAT,
                       "%s is not an IDX file: it begins with bytes %02x %02x, not 00 00", name,
                       magic[0], magic[1]);
    }
    const kind *of = find_kind(magic[2]);
    if (!of) {
        return nb_fail(ctx, NB_EFORMAT,
                       "%s: byte 3 says type %02x; IDX has 08, 09, 0b, 0c, 0d and 0e", name,
                       magic[2]);
    }
    if (magic[3] < 1 || magic[3] > NB_MAX_DIMS) {
        return nb_fail(ctx, NB_EFORMAT, "%s: byte 4 says %d dimensions; 1 to %d can be read", name,
                       magic[3], NB_MAX_DIMS);
    }
    idx->width = of->width;
    idx->of = (nb_elements){.dtype = of->dtype, .dims = magic[3]};
    idx->of.plain = of->width == nb_dtype_size(of->dtype);
    idx->of.swapped = nb_host_is_little() && of->width > 1;
    return NB_OK;
}

static nb_status read_sizes(nb_source *source, nb_elements *of)
{
    uint8_t sizes[4 * NB_MAX_DIMS];
    nb_status status = nb_source_read(source, sizes, 4 * (size_t)of->dims, "its header");
    for (int i = 0; !status && i < of->dims; i++) {
        const uint8_t *at = sizes + 4 * i;
        of->shape[i] = (int64_t)at[0] << 24 | (int64_t)at[1] << 16 | at[2] << 8 | at[3];
    }
    return status;
}

/* Before anything is allocated: can the source hold what the header promises? */
static nb_status check_sizes(nb_ctx *ctx, nb_source *source, nb_idx *idx)
{
    const nb_elements *of = &idx->of;
    char text[NB_SHAPE_TEXT];
    const char *name = nb_source_name(source);
    const char *shape = nb_shape_text(of->dims, of->shape, text);
    int64_t count = nb_shape_count(of->dims, of->shape);
    if (count < 0) {
        return nb_fail(ctx, NB_EFORMAT, "%s: its sizes %s are more than a tensor can have", name,
                       shape);
    }
    uint64_t bytes = (uint64_t)count * idx->width;
    if (bytes > nb_source_most(source)) {
        return nb_fail(ctx, NB_EFORMAT,
                       "%s: its sizes %s need %" PRIu64 " bytes after the header; at most %" PRIu64
                       " can follow",
                       name, shape, bytes, nb_source_most(source));
    }
    idx->end = nb_source_position(source) + bytes;
    return NB_OK;
}

/* Elements of 1 or 2 bytes, at the end of a buffer with room for 4 each, to i32 from its begin on:
 * what is written never overtakes what is still to be read. */
static void widen(uint8_t *data, size_t width, size_t count)
{
    const uint8_t *from = data + (4 - width) * count;
    for (size_t i = 0; i < count; i++, from += width) {
        int32_t value = (int8_t)from[0];
        if (width == 2) value = value * 256 + from[1];
        memcpy(data + 4 * i, &value, sizeof value);
    }
}

nb_status nb_idx_next(nb_idx *idx, void *into, int64_t count)
{
    size_t size = nb_dtype_size(idx->of.dtype), n = (size_t)count, bytes = n * idx->width;
    uint8_t *data = into, *at = data + (n * size - bytes);
    nb_status status =
        nb_source_read_part(idx->source, at, bytes, "its header and elements", idx->end);
    if (status) return status;
    if (idx->width != size)
        widen(data, idx->width, n);
    else if (idx->of.swapped)
        nb_swap_bytes(data, size, n);
    return NB_OK;
}

nb_status nb_idx_open(nb_ctx *ctx, nb_source *source, nb_idx *idx)
{
    *idx = (nb_idx){.source = source};
    nb_status status = read_magic(ctx, source, idx);
    if (!status) status = read_sizes(source, &idx->of);
    return status ? status : check_sizes(ctx, source, idx);
}

nb_status nb_idx_begin(nb_ctx *ctx, nb_source *source, nb_elements *elements)
{
    nb_idx idx;
    nb_status status = nb_idx_open(ctx, source, &idx);
    if (!status) *elements = idx.of;
    return status;
}

nb_tensor *nb_idx_read(nb_ctx *ctx, nb_source *source)
{
    nb_idx idx;
    if (nb_idx_open(ctx, source, &idx)) return NULL;
    nb_tensor *tensor = nb_tensor_new(ctx, idx.of.dtype, idx.of.dims, idx.of.shape);
    if (!tensor) return NULL;
    nb_status status = nb_idx_next(&idx, nb_tensor_data(tensor), nb_tensor_count(tensor));
    if (!status) status = nb_source_check_end(source);
    return nb_tensor_settle(ctx, tensor, status);
}

nb_tensor *nb_idx_load(nb_ctx *ctx, const char *path)
{
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return NULL;
    nb_tensor *tensor = nb_idx_read(ctx, source);
    nb_source_close(source);
    return tensor;
}

/* ---- The format ---- */

static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes >= 4 && head[0] == 0 && head[1] == 0 && find_kind(head[2]) && head[3] >= 1 &&
           head[3] <= NB_MAX_DIMS;
}

static nb_status load(nb_ctx *ctx, nb_source *source, nb_archive *archive)
{
    nb_tensor *tensor = nb_idx_read(ctx, source);
    nb_status status = tensor ? nb_archive_push(ctx, archive, "", tensor) : ctx->status;
    nb_tensor_release(ctx, tensor);
    return status;
}

NB_DESCRIPTOR(nb_format, nb_format_idx) = {
    .name = "idx",
    .help = "One tensor, as MNIST's files have it; read, not written.",
    .example = "print(pcall(tensor.load, \"train-images-idx3-ubyte.gz\"))",
    .begins = begins,
    .load = load,
};
