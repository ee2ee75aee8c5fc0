/* safetensors. Reading goes in stages, and allocates tensors only when everything that the header
 * says of them is right; writing lays the header out first and then streams. */
#include "io/safetensors.h"

#include "base/arith.h"
#include "base/family.h"
#include "io/bytes.h"
#include "io/format.h"
#include "io/json.h"
#include "io/kind.h"
#include "io/sink.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_BYTES = 8, /* the header's length, in front of it */
    DATA_ALIGN = 64   /* where our own files' data begin */
};

static const char *const dtype_names[] = {
    [NB_F32] = "F32", [NB_F64] = "F64", [NB_U8] = "U8", [NB_I32] = "I32"};
_Static_assert(sizeof dtype_names / sizeof *dtype_names == NB_DTYPES, "a name for every dtype");

/* --- Reading --- */

/* A tensor as the header describes it; the texts live in the header's buffer. */
typedef struct slot {
    const char *name;
    const char *dtype_name;
    const nb_kind *kind; /* NULL: none that can be read */
    int dims;            /* NB_MAX_DIMS + 1: more than can be read */
    int64_t shape[NB_MAX_DIMS];
    int offsets; /* 3: more than the two there should be */
    uint64_t offset[2];
    bool has_shape, has_offsets;
    nb_tensor *tensor;
} slot;

typedef struct loading {
    nb_ctx *ctx;
    nb_source *source;
    char *header;
    size_t header_bytes;
    slot *slots;
    size_t count, room;
    slot **order; /* the slots by offset */
    bool has_meta;
    nb_archive archive;
} loading;

static nb_status read_header(loading *l)
{
    uint8_t raw[LENGTH_BYTES];
    nb_status status = nb_source_read(l->source, raw, sizeof raw, "its header's length");
    if (status) return status;
    uint64_t length = nb_read_little(raw, LENGTH_BYTES);
    uint64_t most = nb_source_most(l->source);
    if (length > NB_ST_HEADER_MAX || length > most) {
        return nb_source_refuse(
            l->source,
            "not a safetensors file, or cut short: its header would have %" PRIu64
            " bytes; at most %" PRIu64 " can follow",
            length, most < NB_ST_HEADER_MAX ? most : (uint64_t)NB_ST_HEADER_MAX);
    }
    l->header_bytes = (size_t)length;
    l->header = nb_alloc(l->ctx, l->header_bytes);
    if (!l->header) return NB_EMEMORY;
    return nb_source_read(l->source, l->header, l->header_bytes, "its header");
}

static nb_status read_size(nb_json *json, void *into)
{
    slot *s = into;
    uint64_t size;
    nb_status status = nb_json_natural(json, &size);
    if (status || s->dims > NB_MAX_DIMS) return status;
    if (s->dims < NB_MAX_DIMS) s->shape[s->dims] = size < INT64_MAX ? (int64_t)size : INT64_MAX;
    s->dims++;
    return NB_OK;
}

static nb_status read_offset(nb_json *json, void *into)
{
    slot *s = into;
    uint64_t offset;
    nb_status status = nb_json_natural(json, &offset);
    if (status || s->offsets > 2) return status;
    if (s->offsets < 2) s->offset[s->offsets] = offset;
    s->offsets++;
    return NB_OK;
}

static nb_status read_dtype(nb_json *json, slot *s)
{
    s->dtype_name = nb_json_string(json);
    return s->dtype_name ? NB_OK : NB_EFORMAT;
}

static nb_status read_field(nb_json *json, void *into, const char *key)
{
    slot *s = into;
    char name[NB_SHOWN], field[NB_SHOWN];
    bool dtype = strcmp(key, "dtype") == 0;
    bool shape = strcmp(key, "shape") == 0;
    bool offsets = strcmp(key, "data_offsets") == 0;
    bool again = (dtype && s->dtype_name) || (shape && s->has_shape) || (offsets && s->has_offsets);
    if (again || !(dtype || shape || offsets)) {
        return nb_fail(json->ctx, NB_EFORMAT, "%s: tensor '%s' has %s field '%s'", json->file,
                       nb_text_shown(s->name, name), again ? "twice the" : "the unknown",
                       nb_text_shown(key, field));
    }
    if (dtype) return read_dtype(json, s);
    s->has_shape |= shape;
    s->has_offsets |= offsets;
    return nb_json_array(json, shape ? read_size : read_offset, s);
}

static nb_status check_fields(const loading *l, const slot *s)
{
    char name[NB_SHOWN];
    nb_text_shown(s->name, name);
    const char *missing = !s->dtype_name    ? "dtype"
                          : !s->has_shape   ? "shape"
                          : !s->has_offsets ? "data_offsets"
                                            : NULL;
    if (missing) return nb_source_refuse(l->source, "tensor '%s' has no %s", name, missing);
    if (s->offsets != 2 || s->offset[0] > s->offset[1]) {
        return nb_source_refuse(l->source,
                                "the data_offsets of tensor '%s' are not a begin and an end", name);
    }
    return NB_OK;
}

/* Why a tensor cannot be read although the file may be whole: NB_OK where it can. */
static nb_status check_kind(const loading *l, const slot *s)
{
    char name[NB_SHOWN], dtype[NB_SHOWN];
    nb_text_shown(s->name, name);
    if (s->dims > NB_MAX_DIMS)
        return nb_source_refuse(l->source, "tensor '%s' has more than %d dimensions", name,
                                NB_MAX_DIMS);
    if (s->kind) return NB_OK;
    return nb_source_refuse(l->source,
                            "tensor '%s' is '%s'; F16, BF16, F32, F64, BOOL, I8 to I64 and U8 to "
                            "U64 can be read",
                            name, nb_text_shown(s->dtype_name, dtype));
}

static nb_status check_extent(const loading *l, const slot *s)
{
    if (!s->kind || s->dims > NB_MAX_DIMS) return NB_OK;
    char name[NB_SHOWN], text[NB_SHAPE_TEXT];
    nb_text_shown(s->name, name);
    nb_shape_text(s->dims, s->shape, text);
    int64_t count = nb_shape_count(s->dims, s->shape);
    if (count < 0)
        return nb_source_refuse(l->source, "tensor '%s' (%s) has more elements than can be", name,
                                text);
    uint64_t bytes = (uint64_t)count * nb_kind_width(s->kind);
    uint64_t given = s->offset[1] - s->offset[0];
    if (bytes == given) return NB_OK;
    return nb_source_refuse(
        l->source, "tensor '%s' (%s, %s) takes %" PRIu64 " bytes; its data_offsets hold %" PRIu64,
        name, text, s->dtype_name, bytes, given);
}

static slot *new_slot(loading *l, const char *name)
{
    if (l->count == l->room) {
        size_t room =
            l->room ? 2 * l->room : 8; /* each took bytes of the header: cannot overflow */
        slot *grown = nb_resize(l->ctx, l->slots, l->room * sizeof *grown, room * sizeof *grown);
        if (!grown) return NULL;
        l->slots = grown;
        l->room = room;
    }
    slot *s = &l->slots[l->count++];
    *s = (slot){.name = name};
    return s;
}

static nb_status read_text(nb_json *json, void *into, const char *key)
{
    loading *l = into;
    const char *value = nb_json_string(json);
    return value ? nb_archive_push_meta(l->ctx, &l->archive, key, value) : NB_EFORMAT;
}

static nb_status read_entry(nb_json *json, void *into, const char *key)
{
    loading *l = into;
    if (strcmp(key, NB_ARCHIVE_META) == 0) {
        if (l->has_meta)
            return nb_source_refuse(l->source,
                                    "its header has twice the name '" NB_ARCHIVE_META "'");
        l->has_meta = true;
        return nb_json_object(json, read_text, l);
    }
    slot *s = new_slot(l, key);
    if (!s) return NB_EMEMORY;
    nb_status status = nb_json_object(json, read_field, s);
    if (!status) status = check_fields(l, s);
    if (status) return status;
    s->kind = nb_kind_named(s->dtype_name);
    return check_extent(l, s);
}

static nb_status parse_header(loading *l)
{
    if (l->header_bytes == 0 || l->header[0] != '{') {
        return nb_source_refuse(l->source, "its header of %zu bytes does not begin with '{'",
                                l->header_bytes);
    }
    nb_json json = {.ctx = l->ctx,
                    .file = nb_source_name(l->source),
                    .place = "its header",
                    .text = l->header,
                    .length = l->header_bytes};
    nb_status status = nb_json_object(&json, read_entry, l);
    return status ? status : nb_json_end(&json);
}

static nb_status check_unique(const loading *l, const char **names, size_t count)
{
    char name[NB_SHOWN];
    const char *twice = nb_repeated_name(names, count);
    if (!twice) return NB_OK;
    return nb_source_refuse(l->source, "its header has twice the name '%s'",
                            nb_text_shown(twice, name));
}

/* By sorting: a header of 100 MB has room for millions of names. */
static nb_status check_names(loading *l)
{
    size_t texts = l->archive.meta_count, total = l->count + texts;
    const char **names = nb_alloc_zero(l->ctx, total, sizeof *names);
    if (!names) return NB_EMEMORY;
    for (size_t i = 0; i < l->count; i++) names[i] = l->slots[i].name;
    for (size_t i = 0; i < texts; i++) names[l->count + i] = l->archive.meta[i].key;
    nb_status status = check_unique(l, names, l->count);
    if (!status) status = check_unique(l, names + l->count, texts);
    nb_free(l->ctx, names, total * sizeof *names);
    return status;
}

static int by_offset(const void *a, const void *b)
{
    const slot *x = *(slot *const *)a, *y = *(slot *const *)b;
    int end = x->offset[0] == y->offset[0];
    return (x->offset[end] > y->offset[end]) - (x->offset[end] < y->offset[end]);
}

/* The tensors tile the data: no overlap, no hole, nothing beyond the file. */
static nb_status check_layout(loading *l)
{
    char name[NB_SHOWN];
    uint64_t reached = 0, most = nb_source_most(l->source);
    l->order = nb_alloc_zero(l->ctx, l->count, sizeof *l->order);
    if (!l->order) return NB_EMEMORY;
    for (size_t i = 0; i < l->count; i++) l->order[i] = &l->slots[i];
    if (l->count > 0) qsort(l->order, l->count, sizeof *l->order, by_offset);
    for (size_t i = 0; i < l->count; i++) {
        const slot *s = l->order[i];
        if (s->offset[0] != reached) {
            return nb_source_refuse(
                l->source, "tensor '%s' begins at byte %" PRIu64 " of the data, %s %" PRIu64,
                nb_text_shown(s->name, name), s->offset[0],
                s->offset[0] < reached ? "inside another that ends at" : "which leaves a hole from",
                reached);
        }
        reached = s->offset[1];
        if (reached <= most) continue;
        return nb_source_refuse(l->source,
                                "tensor '%s' ends at byte %" PRIu64
                                " of the data, of which there are %" PRIu64,
                                nb_text_shown(s->name, name), reached, most);
    }
    return NB_OK;
}

/* Where it cannot be read the reason is noted and its bytes, of which `left` are to come, passed
 * over. */
static nb_status give_up(loading *l, const slot *s, uint64_t left)
{
    nb_status status = nb_archive_push_unread(l->ctx, &l->archive, s->name);
    return status ? status : nb_kind_skip(l->ctx, l->source, left, "its header and data");
}

static nb_status read_tensor(loading *l, slot *s)
{
    uint64_t end = nb_source_position(l->source) + (s->offset[1] - s->offset[0]);
    if (check_kind(l, s) != NB_OK) return give_up(l, s, s->offset[1] - s->offset[0]);
    nb_tensor *tensor = nb_tensor_new(l->ctx, nb_kind_dtype(s->kind), s->dims, s->shape);
    if (!tensor) return l->ctx->status;
    size_t count = (size_t)nb_tensor_count(tensor);
    nb_status status = nb_kind_read(l->ctx, l->source, s->kind, !nb_host_is_little(), count, tensor,
                                    "its header and data");
    if (status == NB_OK)
        s->tensor = tensor;
    else
        nb_tensor_release(l->ctx, tensor);
    return status == NB_EFORMAT ? give_up(l, s, end - nb_source_position(l->source)) : status;
}

static nb_status read_tensors(loading *l)
{
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < l->count; i++) status = read_tensor(l, l->order[i]);
    return status;
}

static nb_status hand_over(loading *l)
{
    if (!nb_source_at_end(l->source)) {
        return nb_source_refuse(l->source,
                                "it goes on after its %" PRIu64 " bytes of header and data",
                                nb_source_position(l->source));
    }
    nb_status status = nb_source_read(l->source, NULL, 0, "its end");
    for (size_t i = 0; !status && i < l->count; i++) {
        const slot *s = &l->slots[i];
        if (s->tensor) status = nb_archive_push(l->ctx, &l->archive, s->name, s->tensor);
    }
    return status;
}

static void finish(loading *l)
{
    for (size_t i = 0; i < l->count; i++) nb_tensor_release(l->ctx, l->slots[i].tensor);
    nb_archive_free(l->ctx, &l->archive);
    nb_free(l->ctx, l->order, l->order ? l->count * sizeof *l->order : 0);
    nb_free(l->ctx, l->slots, l->room * sizeof *l->slots);
    nb_free(l->ctx, l->header, l->header_bytes);
}

nb_status nb_safetensors_read(nb_ctx *ctx, nb_source *source, nb_archive *archive)
{
    static nb_status (*const stages[])(loading *) = {read_header,  parse_header, check_names,
                                                     check_layout, read_tensors, hand_over};
    loading l = {.ctx = ctx, .source = source};
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++) status = stages[i](&l);
    if (!status) {
        *archive = l.archive;
        l.archive = (nb_archive){0};
    }
    finish(&l);
    return status;
}

nb_status nb_safetensors_load(nb_ctx *ctx, const char *path, nb_archive *archive)
{
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return ctx->status;
    nb_status status = nb_safetensors_read(ctx, source, archive);
    if (!status && (status = nb_archive_check_read(ctx, archive))) nb_archive_free(ctx, archive);
    nb_source_close(source);
    return status;
}

/* --- Writing --- */

static void add_texts(nb_text *header, const nb_archive *archive)
{
    if (archive->meta_count == 0) return;
    nb_text_add(header, "\"" NB_ARCHIVE_META "\":");
    for (size_t i = 0; i < archive->meta_count; i++) {
        nb_text_add(header, i == 0 ? "{" : ",");
        nb_json_quote(header, archive->meta[i].key);
        nb_text_add(header, ":");
        nb_json_quote(header, archive->meta[i].value);
    }
    nb_text_add(header, archive->count > 0 ? "}," : "}");
}

static void add_entry(nb_text *header, const nb_named_tensor *entry, size_t begin, size_t end)
{
    const nb_tensor *tensor = entry->tensor;
    nb_json_quote(header, entry->name);
    nb_text_add(header, ":{\"dtype\":\"%s\",\"shape\":[", dtype_names[tensor->dtype]);
    for (int i = 0; i < tensor->dims; i++) {
        nb_text_add(header, "%s%" PRId64, i == 0 ? "" : ",", tensor->shape[i]);
    }
    nb_text_add(header, "],\"data_offsets\":[%zu,%zu]}", begin, end);
}

static nb_status make_header(nb_ctx *ctx, nb_text *header, const nb_archive *archive)
{
    size_t begin = 0, end;
    nb_text_add(header, "{");
    add_texts(header, archive);
    for (size_t i = 0; i < archive->count; i++, begin = end) {
        if (!nb_add_size(begin, nb_tensor_bytes(archive->entry[i].tensor), &end)) {
            return nb_fail(ctx, NB_ESHAPE, "the tensors have more bytes than a file can hold");
        }
        if (i > 0) nb_text_add(header, ",");
        add_entry(header, &archive->entry[i], begin, end);
    }
    nb_text_add(header, "}");
    while ((LENGTH_BYTES + header->length) % DATA_ALIGN != 0 && !header->failed) {
        nb_text_add(header, " ");
    }
    if (header->failed) return NB_EMEMORY;
    if (header->length <= NB_ST_HEADER_MAX) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "names and texts come to a header of %zu bytes; at most %d are allowed",
                   header->length, NB_ST_HEADER_MAX);
}

static void write_header(nb_sink *sink, const nb_text *header)
{
    uint8_t length[LENGTH_BYTES];
    nb_write_little(length, LENGTH_BYTES, header->length);
    nb_sink_write(sink, length, sizeof length);
    nb_sink_write(sink, nb_text_get(header), header->length);
}

static nb_status write_tensor(nb_ctx *ctx, nb_sink *sink, nb_tensor *tensor)
{
    nb_tensor *packed = nb_tensor_little_endian(ctx, tensor);
    if (!packed) return ctx->status;
    nb_sink_write(sink, nb_tensor_data(packed), nb_tensor_bytes(packed));
    nb_tensor_release(ctx, packed);
    return NB_OK;
}

static nb_status write_file(nb_ctx *ctx, const char *path, const nb_archive *archive,
                            const nb_text *header)
{
    nb_status status = NB_OK;
    nb_sink *sink = nb_sink_open(ctx, path);
    if (!sink) return ctx->status;
    write_header(sink, header);
    for (size_t i = 0; !status && i < archive->count; i++) {
        status = write_tensor(ctx, sink, archive->entry[i].tensor);
    }
    if (!status) return nb_sink_close(sink);
    nb_sink_drop(sink);
    return status;
}

nb_status nb_safetensors_save(nb_ctx *ctx, const char *path, const nb_archive *archive)
{
    nb_text header;
    nb_text_init(&header, ctx);
    nb_status status = make_header(ctx, &header, archive);
    if (!status) status = write_file(ctx, path, archive, &header);
    nb_text_free(&header);
    return status;
}

/* --- The format --- */

/* A header's length that is believable, and the header's begin. */
static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes > LENGTH_BYTES && nb_read_little(head, LENGTH_BYTES) <= NB_ST_HEADER_MAX &&
           head[LENGTH_BYTES] == '{';
}

static nb_status save(nb_ctx *ctx, const char *path, const nb_archive *archive,
                      const nb_save_options *options)
{
    (void)options;
    return nb_safetensors_save(ctx, path, archive);
}

NB_DESCRIPTOR(nb_format, nb_format_safetensors) = {
    .name = "safetensors",
    .help = "Tensors by name, without anything that could run. Networks are saved like this, so "
            "that tensor.load reads their parameters.",
    .example = "path = os.tmpname() .. \".safetensors\"\n"
               "tensor.save(path, {w = tensor.eye(2), b = tensor.zeros(2)})\n"
               "print(tensor.load(path).w)\nos.remove(path)",
    .named = true,
    .begins = begins,
    .load = nb_safetensors_read,
    .save = save,
};
