/* Writing zip archives in one pass. Stored members have their checksum and sizes in front; of
 * deflated ones the packed size is known only afterwards, so a descriptor behind the data has it.
 */
#include "io/bytes.h"
#include "io/zip/zalloc.h"
#include "io/zip/zip.h"

#include <string.h>

enum {
    CHUNK = 64 << 10,     /* deflated bytes at a time */
    PIECE = 16 << 20,     /* bytes between two looks at Ctrl-C */
    RAW_WINDOW_BITS = -15 /* zlib: deflate alone, no header and trailer of its own */
};

/* Version 2.0 of the format has deflate, 4.5 zip64. Members are of 1980-01-01, the first day that
 * a zip can name. */
enum { VERSION = 20, VERSION_LARGE = 45, FIRST_DAY = 1 << 5 | 1 };

typedef struct entry {
    const char *name;
    uint64_t offset, packed, size;
    uint32_t crc;
    bool deflated;
    bool large; /* sizes are written in zip64's field */
} entry;

void nb_zip_begin(nb_zip_writer *zip, nb_ctx *ctx, nb_sink *sink)
{
    *zip = (nb_zip_writer){.ctx = ctx, .sink = sink, .large = NB_ZIP_32};
    nb_text_init(&zip->directory, ctx);
}

void nb_zip_free(nb_zip_writer *zip)
{
    nb_text_free(&zip->directory);
}

static void put(nb_text *text, int width, uint64_t value)
{
    uint8_t bytes[8];
    nb_write_little(bytes, width, value);
    nb_text_add_bytes(text, (const char *)bytes, (size_t)width);
}

/* Writes what was put together; NB_EMEMORY where it could not be. */
static nb_status write_text(nb_zip_writer *zip, const nb_text *text)
{
    if (text->failed) return NB_EMEMORY;
    nb_sink_write(zip->sink, nb_text_get(text), text->length);
    zip->written += text->length;
    return NB_OK;
}

static bool is_ascii(const char *name)
{
    while ((unsigned char)*name > 0 && (unsigned char)*name < 0x80) name++;
    return *name == '\0';
}

/* From the needed version to the time: the same in a member's header and in the directory. */
static void put_kind(nb_text *text, const entry *e)
{
    put(text, 2, e->large ? VERSION_LARGE : VERSION);
    put(text, 2,
        (e->deflated ? NB_ZIP_DESCRIBED : 0u) | (is_ascii(e->name) ? 0u : (unsigned)NB_ZIP_UTF8));
    put(text, 2, e->deflated ? NB_ZIP_DEFLATED : NB_ZIP_STORED);
    put(text, 2, 0);
    put(text, 2, FIRST_DAY);
}

/* Checksum, sizes and the length of the name. */
static void put_sizes(nb_text *text, const entry *e)
{
    put(text, 4, e->crc);
    put(text, 4, e->large ? NB_ZIP_32 : e->packed);
    put(text, 4, e->large ? NB_ZIP_32 : e->size);
    put(text, 2, strlen(e->name));
}

static nb_status write_local(nb_zip_writer *zip, const entry *e)
{
    entry known = *e;
    if (e->deflated) known.crc = 0, known.packed = 0, known.size = 0;
    nb_text head;
    nb_text_init(&head, zip->ctx);
    put(&head, 4, NB_ZIP_LOCAL);
    put_kind(&head, &known);
    put_sizes(&head, &known);
    put(&head, 2, e->large ? 20 : 0);
    nb_text_add_bytes(&head, e->name, strlen(e->name));
    if (e->large) {
        put(&head, 2, NB_ZIP_LARGE_FIELD);
        put(&head, 2, 16);
        put(&head, 8, known.size);
        put(&head, 8, known.packed);
    }
    nb_status status = write_text(zip, &head);
    nb_text_free(&head);
    return status;
}

static nb_status write_descriptor(nb_zip_writer *zip, const entry *e)
{
    nb_text text;
    nb_text_init(&text, zip->ctx);
    put(&text, 4, NB_ZIP_DESCRIPTOR);
    put(&text, 4, e->crc);
    put(&text, e->large ? 8 : 4, e->packed);
    put(&text, e->large ? 8 : 4, e->size);
    nb_status status = write_text(zip, &text);
    nb_text_free(&text);
    return status;
}

/* The member's line in the directory. */
static void list_entry(nb_zip_writer *zip, const entry *e)
{
    nb_text *text = &zip->directory;
    bool far = e->offset >= zip->large;
    unsigned field = (e->large ? 16u : 0u) + (far ? 8u : 0u);
    put(text, 4, NB_ZIP_CENTRAL);
    put(text, 2, VERSION_LARGE); /* of the program that wrote it */
    put_kind(text, e);
    put_sizes(text, e);
    put(text, 2, field > 0 ? field + 4 : 0);
    put(text, 6, 0); /* comment, disk, kind of text */
    put(text, 4, 0); /* permissions: none are said */
    put(text, 4, far ? NB_ZIP_32 : e->offset);
    nb_text_add_bytes(text, e->name, strlen(e->name));
    if (field == 0) return;
    put(text, 2, NB_ZIP_LARGE_FIELD);
    put(text, 2, field);
    if (e->large) put(text, 8, e->size);
    if (e->large) put(text, 8, e->packed);
    if (far) put(text, 8, e->offset);
}

static void measure(entry *e, const nb_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        e->crc = (uint32_t)crc32_z(e->crc, spans[i].data, spans[i].bytes);
        e->size += spans[i].bytes;
    }
}

/* Deflates what the stream was given, and with `flush` = Z_FINISH ends it. */
static nb_status drain(nb_zip_writer *zip, z_stream *z, uint8_t *chunk, int flush, entry *e)
{
    int code = Z_OK;
    do {
        nb_status status = nb_poll(zip->ctx);
        if (status) return status;
        z->next_out = chunk;
        z->avail_out = CHUNK;
        code = deflate(z, flush);
        size_t bytes = CHUNK - z->avail_out;
        nb_sink_write(zip->sink, chunk, bytes);
        e->packed += bytes;
    } while (z->avail_out == 0 && code == Z_OK);
    return NB_OK;
}

static nb_status deflate_spans(nb_zip_writer *zip, z_stream *z, uint8_t *chunk,
                               const nb_span *spans, size_t count, entry *e)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        z->next_in = spans[i].data;
        for (size_t left = spans[i].bytes; !status && left > 0;) {
            z->avail_in = (uInt)(left < PIECE ? left : PIECE);
            left -= z->avail_in;
            status = drain(zip, z, chunk, Z_NO_FLUSH, e);
        }
    }
    return status ? status : drain(zip, z, chunk, Z_FINISH, e);
}

static nb_status write_deflated(nb_zip_writer *zip, const nb_span *spans, size_t count, entry *e)
{
    z_stream z = {.next_in = NULL};
    uint8_t *chunk = nb_alloc(zip->ctx, CHUNK);
    if (!chunk) return NB_EMEMORY;
    nb_zalloc_use(&z, zip->ctx);
    nb_status status = NB_OK;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW_BITS, 8,
                     Z_DEFAULT_STRATEGY) == Z_OK) {
        status = deflate_spans(zip, &z, chunk, spans, count, e);
        deflateEnd(&z);
    } else {
        status = nb_fail(zip->ctx, NB_EMEMORY, "no memory to pack '%s'", e->name);
    }
    nb_free(zip->ctx, chunk, CHUNK);
    zip->written += e->packed;
    return status ? status : write_descriptor(zip, e);
}

static void write_stored(nb_zip_writer *zip, const nb_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        nb_sink_write(zip->sink, spans[i].data, spans[i].bytes);
        zip->written += spans[i].bytes;
    }
}

nb_status nb_zip_add(nb_zip_writer *zip, const char *name, const nb_span *spans, size_t count,
                     bool deflated)
{
    char shown[NB_SHOWN];
    entry e = {.name = name, .offset = zip->written, .deflated = deflated};
    if (strlen(name) > NB_ZIP_16) {
        return nb_fail(zip->ctx, NB_EARG, "the name '%s…' has %zu bytes; a zip's have at most %d",
                       nb_text_shown(name, shown), strlen(name), NB_ZIP_16);
    }
    measure(&e, spans, count);
    /* What deflate cannot pack grows by less than a thousandth and a few bytes. */
    e.large = e.size + (deflated ? e.size / 1000 + 64 : 0) >= zip->large;
    e.packed = deflated ? 0 : e.size;
    nb_status status = write_local(zip, &e);
    if (status) return status;
    if (deflated)
        status = write_deflated(zip, spans, count, &e);
    else
        write_stored(zip, spans, count);
    list_entry(zip, &e);
    zip->count++;
    return status;
}

/* zip64's end of the directory and where it is. */
static void put_large_end(nb_text *text, const nb_zip_writer *zip, uint64_t begin, uint64_t bytes)
{
    put(text, 4, NB_ZIP_LARGE_END);
    put(text, 8, NB_ZIP_LARGE_END_BYTES - 12);
    put(text, 2, VERSION_LARGE);
    put(text, 2, VERSION_LARGE);
    put(text, 8, 0); /* disks */
    put(text, 8, zip->count);
    put(text, 8, zip->count);
    put(text, 8, bytes);
    put(text, 8, begin);
    put(text, 4, NB_ZIP_LOCATOR);
    put(text, 4, 0);
    put(text, 8, begin + bytes);
    put(text, 4, 1);
}

nb_status nb_zip_end(nb_zip_writer *zip)
{
    uint64_t begin = zip->written, bytes = zip->directory.length;
    bool large = begin >= zip->large || bytes >= zip->large || zip->count >= NB_ZIP_16 ||
                 zip->count >= zip->large;
    uint64_t count = large ? NB_ZIP_16 : zip->count;
    nb_text *text = &zip->directory;
    if (large) put_large_end(text, zip, begin, bytes);
    put(text, 4, NB_ZIP_END);
    put(text, 4, 0); /* disks */
    put(text, 2, count);
    put(text, 2, count);
    put(text, 4, large ? NB_ZIP_32 : bytes);
    put(text, 4, large ? NB_ZIP_32 : begin);
    put(text, 2, 0); /* no comment */
    return write_text(zip, text);
}
