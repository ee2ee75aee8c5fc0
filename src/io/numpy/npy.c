/* .npy files. The header is read by a parser of its own that knows the one dictionary which may
 * stand there; nothing of it is ever evaluated. */
#include "io/numpy/npy.h"

#include "base/family.h"
#include "io/bytes.h"
#include "io/format.h"
#include "io/kind.h"
#include "io/numpy/npy_header.h"
#include "io/sink.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MAGIC_BYTES = 6,
    START_BYTES = MAGIC_BYTES + 2, /* with the version */
    LENGTH_MAX = 4,
    ALIGN = 64 /* where our own files' elements begin */
};

static const uint8_t magic[MAGIC_BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* ---- Reading ---- */

typedef struct loading {
    nb_ctx *ctx;
    nb_source *source;
    nb_npy_header header;
    const nb_kind *kind;
    size_t count; /* elements */
} loading;

/* What the letters mean that no tensor has, in the words of those who saved them. */
static const char *foreign_name(char letter)
{
    static const struct foreign {
        char letter;
        const char *name;
    } foreign[] = {{'O', "Python objects, which only Python can read"},
                   {'S', "strings"},
                   {'a', "strings"},
                   {'U', "strings"},
                   {'c', "complex numbers"},
                   {'V', "records"},
                   {'M', "dates"},
                   {'m', "spans of time"}};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (foreign[i].letter == letter) return foreign[i].name;
    }
    return NULL;
}

/* The descr is an order of bytes (or none), a letter and a width. */
static nb_status find_descr(loading *l)
{
    const nb_npy_header *h = &l->header;
    const char *descr = h->descr, *file = nb_source_name(l->source);
    if (*descr && strchr("<>|=", *descr)) descr++;
    const char *foreign = h->records ? foreign_name('V') : foreign_name(*descr);
    if (foreign) {
        return nb_fail(l->ctx, NB_EFORMAT,
                       "%s holds %s; save arrays of numbers (dtype float32, say)", file, foreign);
    }
    unsigned width = 0;
    const char *at = *descr ? descr + 1 : descr;
    for (; *at >= '0' && *at <= '9' && width < 100; at++)
        width = width * 10 + (unsigned)(*at - '0');
    l->kind = *at ? NULL : nb_kind_numpy(*descr, width);
    if (l->kind) return NB_OK;
    return nb_fail(l->ctx, NB_EFORMAT,
                   "%s has elements of the kind '%s'; f2, f4, f8, b1, i1 to i8 and u1 to u8 can be "
                   "read",
                   file, h->descr);
}

static bool is_swapped(const nb_npy_header *header)
{
    return header->descr[0] == (nb_host_is_little() ? '>' : '<');
}

/* The version, which says how wide the header's length is: 2 bytes or 4. */
static nb_status read_start(loading *l, int *width)
{
    uint8_t start[START_BYTES];
    nb_status status = nb_source_read(l->source, start, sizeof start, "its magic");
    if (status) return status;
    if (memcmp(start, magic, sizeof magic) != 0) {
        return nb_fail(l->ctx, NB_EFORMAT, "%s is no .npy file: it does not begin with \\x93NUMPY",
                       nb_source_name(l->source));
    }
    unsigned major = start[MAGIC_BYTES], minor = start[MAGIC_BYTES + 1];
    *width = major == 1 ? 2 : LENGTH_MAX;
    if (major >= 1 && major <= 3 && minor == 0) return NB_OK;
    return nb_fail(l->ctx, NB_EFORMAT,
                   "%s is of version %u.%u of .npy; 1.0, 2.0 and 3.0 can be read",
                   nb_source_name(l->source), major, minor);
}

static nb_status read_header_text(loading *l, size_t *bytes, char **text)
{
    int width = 0;
    uint8_t raw[LENGTH_MAX];
    nb_status status = read_start(l, &width);
    if (!status) status = nb_source_read(l->source, raw, (size_t)width, "its header's length");
    if (status) return status;
    uint64_t length = nb_read_little(raw, width), most = nb_source_most(l->source);
    if (most > NB_NPY_HEADER_MAX) most = NB_NPY_HEADER_MAX;
    if (length > most) {
        return nb_fail(l->ctx, NB_EFORMAT,
                       "%s: its header would have %" PRIu64 " bytes; at most %" PRIu64
                       " can follow",
                       nb_source_name(l->source), length, most);
    }
    *bytes = (size_t)length;
    *text = nb_alloc(l->ctx, *bytes);
    return *text ? nb_source_read(l->source, *text, *bytes, "its header") : NB_EMEMORY;
}

static nb_status read_header(loading *l)
{
    size_t bytes = 0;
    char *text = NULL;
    nb_status status = read_header_text(l, &bytes, &text);
    if (!status) {
        status = nb_npy_parse(l->ctx, nb_source_name(l->source), text, bytes, &l->header);
    }
    nb_free(l->ctx, text, bytes);
    return status ? status : find_descr(l);
}

/* Before anything is allocated: can the source hold what the header promises? */
static nb_status check_sizes(loading *l)
{
    char text[NB_SHAPE_TEXT];
    const nb_npy_header *h = &l->header;
    const char *file = nb_source_name(l->source);
    const char *shape = nb_shape_text(h->dims, h->shape, text);
    int64_t count = nb_shape_count(h->dims, h->shape);
    if (count < 0) {
        return nb_fail(l->ctx, NB_EFORMAT, "%s: its shape %s is more than a tensor can have", file,
                       shape);
    }
    l->count = (size_t)count;
    uint64_t bytes = (uint64_t)count * nb_kind_width(l->kind), most = nb_source_most(l->source);
    if (bytes <= most) return NB_OK;
    return nb_fail(l->ctx, NB_EFORMAT,
                   "%s: its shape %s needs %" PRIu64 " bytes after the header; at most %" PRIu64
                   " can follow",
                   file, shape, bytes, most);
}

nb_status nb_npy_open(nb_ctx *ctx, nb_source *source, nb_npy *npy)
{
    loading l = {.ctx = ctx, .source = source};
    nb_status status = read_header(&l);
    if (!status) status = check_sizes(&l);
    if (status) return status;
    *npy = (nb_npy){.source = source, .kind = l.kind};
    npy->end = nb_source_position(source) + l.count * nb_kind_width(l.kind);
    npy->of = (nb_elements){.dtype = nb_kind_dtype(l.kind),
                            .plain = nb_kind_is_plain(l.kind),
                            .swapped = is_swapped(&l.header) && nb_kind_width(l.kind) > 1,
                            .column_major = l.header.column_major && l.header.dims > 1,
                            .dims = l.header.dims};
    memcpy(npy->of.shape, l.header.shape, (size_t)l.header.dims * sizeof *l.header.shape);
    return NB_OK;
}

nb_status nb_npy_begin(nb_ctx *ctx, nb_source *source, nb_elements *elements)
{
    nb_npy npy;
    nb_status status = nb_npy_open(ctx, source, &npy);
    if (!status) *elements = npy.of;
    return status;
}

nb_status nb_npy_next(nb_ctx *ctx, nb_npy *npy, void *into, int64_t count)
{
    nb_status status = nb_kind_next(ctx, npy->source, npy->kind, npy->of.swapped, npy->done,
                                    (size_t)count, into, "its header and elements", npy->end);
    npy->done += (size_t)count;
    return status;
}

/* A column-major array is a row-major one whose dimensions are turned round. */
static void reverse(int dims, int64_t *shape)
{
    for (int i = 0; i < dims / 2; i++) {
        int64_t size = shape[i];
        shape[i] = shape[dims - 1 - i];
        shape[dims - 1 - i] = size;
    }
}

static nb_tensor *turn_round(nb_ctx *ctx, nb_tensor *tensor)
{
    int order[NB_MAX_DIMS];
    for (int i = 0; i < tensor->dims; i++) order[i] = tensor->dims - 1 - i;
    nb_tensor *turned = nb_tensor_permute(ctx, tensor, order);
    nb_tensor_release(ctx, tensor);
    return turned;
}

nb_tensor *nb_npy_all(nb_ctx *ctx, nb_npy *npy)
{
    bool turned = npy->of.column_major;
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, npy->of.shape, sizeof shape);
    if (turned) reverse(npy->of.dims, shape);
    nb_tensor *tensor = nb_tensor_new(ctx, npy->of.dtype, npy->of.dims, shape);
    if (!tensor) return NULL;
    nb_status status = nb_npy_next(ctx, npy, nb_tensor_data(tensor), nb_tensor_count(tensor));
    if (!status) status = nb_source_check_end(npy->source);
    if (!status) return turned ? turn_round(ctx, tensor) : tensor;
    nb_tensor_release(ctx, tensor);
    return NULL;
}

nb_tensor *nb_npy_read(nb_ctx *ctx, nb_source *source)
{
    nb_npy npy;
    return nb_npy_open(ctx, source, &npy) == NB_OK ? nb_npy_all(ctx, &npy) : NULL;
}

/* ---- Writing ---- */

static const char *const descrs[] = {
    [NB_F32] = "<f4", [NB_F64] = "<f8", [NB_U8] = "|u1", [NB_I32] = "<i4"};
_Static_assert(sizeof descrs / sizeof *descrs == NB_DTYPES, "a descr for every dtype");

/* Eight sizes have at most 160 characters: version 1.0, with its 65,535, holds every header. */
static void add_dictionary(nb_text *text, const nb_tensor *tensor)
{
    nb_text_add(text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descrs[tensor->dtype]);
    for (int i = 0; i < tensor->dims; i++) {
        nb_text_add(text, "%s%" PRId64, i > 0 ? ", " : "", tensor->shape[i]);
    }
    nb_text_add(text, tensor->dims == 1 ? ",), }" : "), }");
}

void nb_npy_write_header(nb_text *text, const nb_tensor *tensor)
{
    const uint8_t version[] = {1, 0};
    uint8_t length[2];
    nb_text dictionary;
    nb_text_init(&dictionary, text->ctx);
    add_dictionary(&dictionary, tensor);
    size_t before = START_BYTES + sizeof length;
    while ((before + dictionary.length + 1) % ALIGN != 0 && !dictionary.failed) {
        nb_text_add(&dictionary, " ");
    }
    nb_text_add(&dictionary, "\n");
    nb_write_little(length, sizeof length, dictionary.length);
    nb_text_add_bytes(text, (const char *)magic, sizeof magic);
    nb_text_add_bytes(text, (const char *)version, sizeof version);
    nb_text_add_bytes(text, (const char *)length, sizeof length);
    nb_text_add_bytes(text, nb_text_get(&dictionary), dictionary.length);
    text->failed |= dictionary.failed;
    nb_text_free(&dictionary);
}

/* ---- The format ---- */

static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static nb_status load(nb_ctx *ctx, nb_source *source, nb_archive *archive)
{
    nb_tensor *tensor = nb_npy_read(ctx, source);
    nb_status status = tensor ? nb_archive_push(ctx, archive, "", tensor) : ctx->status;
    nb_tensor_release(ctx, tensor);
    return status;
}

static void write(nb_sink *sink, const nb_text *header, const nb_tensor *packed)
{
    nb_sink_write(sink, nb_text_get(header), header->length);
    nb_sink_write(sink, nb_tensor_data(packed), nb_tensor_bytes(packed));
}

static nb_status save(nb_ctx *ctx, const char *path, const nb_archive *archive,
                      const nb_save_options *options)
{
    nb_tensor *tensor = archive->entry[0].tensor;
    nb_text header;
    (void)options;
    nb_text_init(&header, ctx);
    nb_npy_write_header(&header, tensor);
    nb_tensor *packed = header.failed ? NULL : nb_tensor_little_endian(ctx, tensor);
    nb_sink *sink = packed ? nb_sink_open(ctx, path) : NULL;
    if (sink) write(sink, &header, packed);
    nb_status status = sink ? nb_sink_close(sink) : ctx->status;
    nb_tensor_release(ctx, packed);
    nb_text_free(&header);
    return status;
}

NB_DESCRIPTOR(nb_format, nb_format_npy) = {
    .name = "npy",
    .help = "One tensor, as numpy.save writes it.",
    .example = "path = os.tmpname() .. \".npy\"\ntensor{1, 2, 3}:save(path)\n"
               "print(tensor.load(path))\nos.remove(path)",
    .begins = begins,
    .load = load,
    .save = save,
};
