/* Kinds of elements: those that are ours already are read in place, others go through a small block
 * and are converted, and checked, there. */
#include "io/kind.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64 << 10 }; /* bytes that are converted at a time */

/* Converts n elements and returns how many could be; *value is the one that could not. */
typedef size_t convert_fn(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX]);

struct nb_kind {
    const char *name; /* in safetensors */
    char letter;      /* in .npy, with the width; 0 where it has none */
    uint8_t width;    /* bytes in the file */
    nb_dtype dtype;
    convert_fn *convert; /* NULL: they are as the file has them */
};

static size_t from_bool(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX])
{
    const uint8_t *x = from;
    uint8_t *y = to;
    (void)value;
    for (size_t i = 0; i < n; i++) y[i] = x[i] != 0;
    return n;
}

/* IEEE 754's binary16: sign, 5 bits of exponent with 15 added, 10 bits of fraction. Moved to where
 * binary32 has them, 127 is taken for what was added, which 2^112 mends, also below the normal
 * numbers; infinity and NaN keep an exponent of ones. */
static float half_value(uint16_t half)
{
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    bool finite = (half & 0x7c00) != 0x7c00;
    float value;
    if (!finite) bits |= 0x7f800000;
    memcpy(&value, &bits, sizeof value);
    if (finite) value *= 0x1p112f;
    return half & 0x8000 ? -value : value;
}

static size_t from_half(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX])
{
    const uint16_t *x = from;
    float *y = to;
    (void)value;
    for (size_t i = 0; i < n; i++) y[i] = half_value(x[i]);
    return n;
}

/* Whole numbers that always fit, and those that may not. */
#define FITTING(name, type)                                                                        \
    static size_t name(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX])            \
    {                                                                                              \
        const type *x = from;                                                                      \
        int32_t *y = to;                                                                           \
        (void)value;                                                                               \
        for (size_t i = 0; i < n; i++) y[i] = x[i];                                                \
        return n;                                                                                  \
    }
#define CHECKED(name, type, too_low, format)                                                       \
    static size_t name(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX])            \
    {                                                                                              \
        const type *x = from;                                                                      \
        int32_t *y = to;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            if (x[i] > INT32_MAX || (too_low)) {                                                   \
                snprintf(value, NB_NUMBER_MAX, "%" format, x[i]);                                  \
                return i;                                                                          \
            }                                                                                      \
            y[i] = (int32_t)x[i];                                                                  \
        }                                                                                          \
        return n;                                                                                  \
    }

FITTING(from_i8, int8_t)
FITTING(from_i16, int16_t)
FITTING(from_u16, uint16_t)
CHECKED(from_u32, uint32_t, false, PRIu32)
CHECKED(from_u64, uint64_t, false, PRIu64)
CHECKED(from_i64, int64_t, x[i] < INT32_MIN, PRId64)

/* The upper half of a binary32. */
static size_t from_brain(const void *from, size_t n, void *to, char value[NB_NUMBER_MAX])
{
    const uint16_t *x = from;
    uint32_t *y = to;
    (void)value;
    for (size_t i = 0; i < n; i++) y[i] = (uint32_t)x[i] << 16;
    return n;
}

static const nb_kind kinds[] = {
    {"F32", 'f', 4, NB_F32, NULL},      {"F64", 'f', 8, NB_F64, NULL},
    {"U8", 'u', 1, NB_U8, NULL},        {"I32", 'i', 4, NB_I32, NULL},
    {"BOOL", 'b', 1, NB_U8, from_bool}, {"F16", 'f', 2, NB_F32, from_half},
    {"BF16", 0, 2, NB_F32, from_brain}, {"I8", 'i', 1, NB_I32, from_i8},
    {"I16", 'i', 2, NB_I32, from_i16},  {"I64", 'i', 8, NB_I32, from_i64},
    {"U16", 'u', 2, NB_I32, from_u16},  {"U32", 'u', 4, NB_I32, from_u32},
    {"U64", 'u', 8, NB_I32, from_u64},
};

const nb_kind *nb_kind_numpy(char letter, unsigned width)
{
    for (size_t i = 0; letter && i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == letter && kinds[i].width == width) return &kinds[i];
    return NULL;
}

const nb_kind *nb_kind_named(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

unsigned nb_kind_width(const nb_kind *kind)
{
    return kind->width;
}

nb_dtype nb_kind_dtype(const nb_kind *kind)
{
    return kind->dtype;
}

bool nb_kind_is_plain(const nb_kind *kind)
{
    return !kind->convert;
}

/* ---- Reading ---- */

static nb_status convert_block(nb_source *source, const nb_kind *kind, const uint8_t *block,
                               size_t first, size_t n, char *to)
{
    char value[NB_NUMBER_MAX];
    size_t done = kind->convert(block, n, to, value);
    if (done == n) return NB_OK;
    return nb_source_refuse(source,
                            "element %zu (in the order of the file) is %s, which i32 cannot hold; "
                            "save it as float64",
                            first + done + 1, value);
}

static nb_status read_converted(nb_ctx *ctx, nb_source *source, const nb_kind *kind, bool swapped,
                                size_t first, size_t count, char *data, const char *what,
                                uint64_t end)
{
    size_t width = kind->width, fits = BLOCK / width, out = nb_dtype_size(kind->dtype);
    uint8_t *block = nb_alloc(ctx, BLOCK);
    nb_status status = block ? NB_OK : NB_EMEMORY;
    for (size_t done = 0; !status && done < count;) {
        size_t n = count - done < fits ? count - done : fits;
        status = nb_source_read_part(source, block, n * width, what, end);
        if (!status && swapped) nb_swap_bytes(block, width, n);
        if (!status)
            status = convert_block(source, kind, block, first + done, n, data + done * out);
        done += n;
    }
    nb_free(ctx, block, BLOCK);
    return status;
}

nb_status nb_kind_next(nb_ctx *ctx, nb_source *source, const nb_kind *kind, bool swapped,
                       size_t first, size_t count, void *to, const char *what, uint64_t end)
{
    if (kind->convert)
        return read_converted(ctx, source, kind, swapped, first, count, to, what, end);
    nb_status status = nb_source_read_part(source, to, count * kind->width, what, end);
    if (!status && swapped) nb_swap_bytes(to, kind->width, count);
    return status;
}

nb_status nb_kind_read(nb_ctx *ctx, nb_source *source, const nb_kind *kind, bool swapped,
                       size_t count, nb_tensor *to, const char *what)
{
    uint64_t end = nb_source_position(source) + count * kind->width;
    return nb_kind_next(ctx, source, kind, swapped, 0, count, nb_tensor_data(to), what, end);
}

nb_status nb_kind_skip(nb_ctx *ctx, nb_source *source, uint64_t bytes, const char *what)
{
    uint8_t *block = nb_alloc(ctx, BLOCK);
    nb_status status = block ? NB_OK : NB_EMEMORY;
    for (; !status && bytes > 0;) {
        size_t n = bytes < BLOCK ? (size_t)bytes : BLOCK;
        status = nb_source_read(source, block, n, what);
        bytes -= n;
    }
    nb_free(ctx, block, BLOCK);
    return status;
}
