/* Bytes to read. Two layers: raw bytes (a window over a file, or the memory that was given), and
 * above them the bytes that the reader sees, the same or inflated. Large reads go past the window
 * and inflate straight into the reader's buffer. Files are read at places of our own, so that the
 * parts of a source share its file. */
#include "io/source.h"

#include "base/arith.h"
#include "base/processes/peers.h"
#include "io/zip/zalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WINDOW = 128 << 10,  /* raw bytes of a file held at a time */
    PIECE = 16 << 20,    /* bytes between two looks at Ctrl-C */
    DEFLATE_MOST = 1032, /* deflate packs 258 bytes into 2 bits at best */
    INFLATE_HELD = 16,   /* raw bytes that zlib may have taken and not yet used */
    REASON_MAX = 512     /* bytes of what nb_source_refuse says */
};

typedef enum packing { PLAIN, GZIP, DEFLATE } packing;

static const char *const packing_names[] = {[GZIP] = "gzip", [DEFLATE] = "deflate"};
/* As zlib takes them: 15 bits of window, plus 16 for gzip's header and trailer, negative for
 * neither. */
static const int window_bits[] = {[GZIP] = 31, [DEFLATE] = -15};

struct nb_source {
    nb_ctx *ctx;
    char *name;
    int fd;                /* -1: memory */
    bool lent;             /* the file belongs to the source that this one is a part of */
    const uint8_t *memory; /* NULL: a file */
    uint64_t begin, size;  /* the raw bytes, within the file or the memory */
    uint8_t *window;       /* of a file; NULL for memory */
    size_t window_size;
    const uint8_t *next; /* raw bytes in hand */
    size_t have;
    uint64_t unread; /* raw bytes of the file behind those */
    uint64_t position;
    packing packing;
    bool in_member; /* between a stream's begin and the end of its trailer */
    bool broken;    /* looking for the end failed; the next read fails the same way */
    size_t peeked_count;
    uint8_t peeked[NB_PEEK_MAX]; /* taken out to be looked at, not yet read */
    nb_part part;                /* of a part; else nothing is checked */
    uint32_t crc;                /* of what was read, where it is checked */
    z_stream inflater;
};

/* Reads up to `bytes` bytes of the file; a file that has shrunk since it was opened just ends. */
static nb_status read_file(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    nb_status status = nb_poll(source->ctx);
    if (status) return status;
    ssize_t n;
    off_t place = (off_t)(source->begin + source->size - source->unread);
    do {
        n = pread(source->fd, into, nb_least_size(source->unread, bytes), place);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return nb_fail(source->ctx, NB_EIO, "cannot read %s: %s", source->name, strerror(errno));
    }
    source->unread = n == 0 ? 0 : source->unread - (uint64_t)n;
    *got = (size_t)n;
    return NB_OK;
}

/* Afterwards some raw bytes are in hand, or the raw bytes are at their end. */
static nb_status refill(nb_source *source)
{
    if (source->have > 0 || source->unread == 0) return NB_OK;
    source->next = source->window;
    return read_file(source, source->window, source->window_size, &source->have);
}

static void take(nb_source *source, size_t bytes)
{
    source->next += bytes;
    source->have -= bytes;
}

/* Adds to *got. Small reads go through the window. */
static nb_status read_plain(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    while (*got < bytes && source->have + source->unread > 0) {
        size_t wanted = bytes - *got, n = nb_least_size(source->have, wanted);
        nb_status status = NB_OK;
        if (n > 0) {
            memcpy(into + *got, source->next, n);
            take(source, n);
        } else if (wanted < source->window_size) {
            status = refill(source);
        } else {
            status = read_file(source, into + *got, nb_least_size(PIECE, wanted), &n);
        }
        if (status) return status;
        *got += n;
    }
    return NB_OK;
}

static nb_status inflate_outcome(nb_source *source, int code, uint64_t position)
{
    switch (code) {
    case Z_OK:
        return NB_OK;
    case Z_STREAM_END:
        source->in_member = false;
        return NB_OK;
    case Z_MEM_ERROR:
        return NB_EMEMORY;
    case Z_BUF_ERROR:
        return nb_fail(source->ctx, NB_EFORMAT,
                       "%s is cut short: its %s data stop after %" PRIu64 " unpacked bytes",
                       source->name, packing_names[source->packing], position);
    default:
        return nb_fail(source->ctx, NB_EFORMAT,
                       "%s is damaged: its %s data fail after %" PRIu64 " unpacked bytes (%s)",
                       source->name, packing_names[source->packing], position,
                       source->inflater.msg ? source->inflater.msg : "unknown reason");
    }
}

/* One call of inflate. Without raw bytes left it may still have output to give; Z_BUF_ERROR says
 * that it has not. */
static nb_status inflate_step(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    z_stream *z = &source->inflater;
    unsigned in = (unsigned)nb_least_size(PIECE, source->have);
    unsigned out = (unsigned)nb_least_size(PIECE, bytes - *got);
    z->next_in = source->next;
    z->avail_in = in;
    z->next_out = into + *got;
    z->avail_out = out;
    int code = inflate(z, Z_NO_FLUSH);
    take(source, in - z->avail_in);
    *got += out - z->avail_out;
    return inflate_outcome(source, code, source->position + *got);
}

/* Zeros behind a gzip stream fill a block of a tape or a disk and mean nothing. */
static nb_status pass_padding(nb_source *source)
{
    nb_status status = NB_OK;
    while (!status && source->have > 0 && *source->next == 0) {
        take(source, 1);
        if (source->have == 0) status = refill(source);
    }
    return status;
}

/* Adds to *got. Fewer than `bytes` bytes with NB_OK: the (last) stream is at its end and, for gzip,
 * its checksum was right. */
static nb_status read_packed(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    while (*got < bytes) {
        nb_status status = refill(source);
        if (!status) status = nb_poll(source->ctx);
        if (status) return status;
        if (!source->in_member) {
            if (source->packing == GZIP && (status = pass_padding(source))) return status;
            if (source->have == 0 || source->packing == DEFLATE) return NB_OK;
            inflateReset(&source->inflater);
            source->in_member = true;
        }
        status = inflate_step(source, into, bytes, got);
        if (status) return status;
    }
    return NB_OK;
}

static nb_status read_on(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    return source->packing == PLAIN ? read_plain(source, into, bytes, got)
                                    : read_packed(source, into, bytes, got);
}

/* Takes the next bytes out, where there are any. */
static nb_status peek(nb_source *source, size_t bytes)
{
    return read_on(source, source->peeked, bytes, &source->peeked_count);
}

static bool looks_like_gzip(const nb_source *source)
{
    const uint8_t *head = source->next;
    return source->have >= 2 && head[0] == 0x1f && head[1] == 0x8b &&
           (source->have == 2 || head[2] == Z_DEFLATED);
}

static nb_status start_packed(nb_source *source, packing how)
{
    nb_zalloc_use(&source->inflater, source->ctx);
    if (inflateInit2(&source->inflater, window_bits[how]) != Z_OK) {
        return nb_fail(source->ctx, NB_EMEMORY, "no memory to unpack %s", source->name);
    }
    source->packing = how;
    source->in_member = true;
    return NB_OK;
}

static nb_status start(nb_source *source)
{
    nb_status status = refill(source);
    if (status || !looks_like_gzip(source)) return status;
    return start_packed(source, GZIP);
}

static nb_source *make(nb_ctx *ctx, const char *name)
{
    nb_source *source = nb_alloc_zero(ctx, 1, sizeof *source);
    if (!source) return NULL;
    source->ctx = ctx;
    source->fd = -1;
    source->name = nb_copy_string(ctx, name);
    if (source->name) return source;
    nb_source_close(source);
    return NULL;
}

/* Points at raw bytes of the file or the memory. */
static nb_status point(nb_source *source, uint64_t begin, uint64_t size)
{
    source->begin = begin;
    source->size = size;
    if (source->memory) {
        source->next = source->memory + begin;
        source->have = (size_t)size;
        return NB_OK;
    }
    source->unread = size;
    source->window_size = nb_least_size(size, WINDOW);
    source->window = nb_alloc(source->ctx, source->window_size);
    return source->window ? NB_OK : NB_EMEMORY;
}

/* Opens without waiting for a fifo's writer, which then is refused as no regular file. */
static nb_status open_file(nb_source *source)
{
    nb_ctx *ctx = source->ctx;
    struct stat about;
    source->fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, &about) != 0) {
        bool early = errno == ENOENT && !nb_is_first(ctx);
        return nb_fail(ctx, NB_EIO, "cannot open %s: %s%s", source->name, strerror(errno),
                       early ? "; what process 0 has just saved others find behind nabla.barrier()"
                             : "");
    }
    if (S_ISDIR(about.st_mode)) {
        return nb_fail(ctx, NB_EIO, "%s is a directory, not a file", source->name);
    }
    if (!S_ISREG(about.st_mode)) {
        return nb_fail(ctx, NB_EIO, "%s is not a regular file", source->name);
    }
    nb_status status = point(source, 0, (uint64_t)about.st_size);
    return status ? status : start(source);
}

nb_source *nb_source_open(nb_ctx *ctx, const char *path)
{
    nb_source *source = make(ctx, path);
    if (!source || open_file(source) == NB_OK) return source;
    nb_source_close(source);
    return NULL;
}

nb_source *nb_source_memory(nb_ctx *ctx, const char *name, const void *data, size_t size)
{
    nb_source *source = make(ctx, name);
    if (!source) return NULL;
    source->memory = data;
    if (point(source, 0, size) == NB_OK && start(source) == NB_OK) return source;
    nb_source_close(source);
    return NULL;
}

nb_source *nb_source_part(nb_source *whole, const char *name, const nb_part *part)
{
    nb_source *source = make(whole->ctx, name);
    if (!source) return NULL;
    source->fd = whole->fd;
    source->lent = true;
    source->memory = whole->memory;
    source->part = *part;
    nb_status status = point(source, whole->begin + part->offset, part->packed);
    if (!status && part->deflated) status = start_packed(source, DEFLATE);
    if (!status) return source;
    nb_source_close(source);
    return NULL;
}

void nb_source_close(nb_source *source)
{
    if (!source) return;
    nb_ctx *ctx = source->ctx;
    if (source->packing != PLAIN) inflateEnd(&source->inflater);
    if (source->fd >= 0 && !source->lent) close(source->fd);
    nb_free(ctx, source->window, source->window_size);
    nb_free_string(ctx, source->name);
    nb_free(ctx, source, sizeof *source);
}

static nb_status read_some(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    size_t n = nb_least_size(source->peeked_count, bytes);
    if (n > 0) {
        memcpy(into, source->peeked, n);
        source->peeked_count -= n;
        memmove(source->peeked, source->peeked + n, source->peeked_count);
    }
    *got = n;
    return read_on(source, into, bytes, got);
}

/* At the end of a part: was it what its directory says? */
static nb_status check_part(const nb_source *source)
{
    const nb_part *part = &source->part;
    if (source->have + source->unread > 0) {
        return nb_fail(source->ctx, NB_EFORMAT,
                       "%s is damaged: its deflate data end after %" PRIu64 " of the %" PRIu64
                       " bytes that the directory says",
                       source->name, source->size - source->have - source->unread, part->packed);
    }
    if (source->position != part->size) {
        return nb_fail(source->ctx, NB_EFORMAT,
                       "%s is damaged: it has %" PRIu64 " bytes; the directory says %" PRIu64,
                       source->name, source->position, part->size);
    }
    if (source->crc == part->crc) return NB_OK;
    return nb_fail(source->ctx, NB_EFORMAT,
                   "%s is damaged: its checksum is %08" PRIx32 "; the directory says %08" PRIx32,
                   source->name, source->crc, part->crc);
}

static nb_status look_for_end(nb_source *source)
{
    nb_status status = peek(source, 1);
    if (!status && source->part.checked && source->peeked_count == 0) status = check_part(source);
    source->broken = status != NB_OK;
    return status;
}

nb_status nb_source_read_some(nb_source *source, void *into, size_t bytes, size_t *got)
{
    *got = 0;
    nb_status status = source->broken ? look_for_end(source) : NB_OK;
    if (!status) status = read_some(source, into, bytes, got);
    source->position += *got;
    if (source->part.checked && *got > 0) source->crc = (uint32_t)crc32_z(source->crc, into, *got);
    return status;
}

nb_status nb_source_read_part(nb_source *source, void *into, size_t bytes, const char *what,
                              uint64_t end)
{
    size_t got;
    nb_status status = nb_source_read_some(source, into, bytes, &got);
    if (status || got == bytes) return status;
    return nb_fail(source->ctx, NB_EFORMAT, "%s ends after %" PRIu64 "%s bytes; %s needs %" PRIu64,
                   source->name, source->position, source->packing ? " unpacked" : "", what, end);
}

nb_status nb_source_read(nb_source *source, void *into, size_t bytes, const char *what)
{
    return nb_source_read_part(source, into, bytes, what, source->position + bytes);
}

size_t nb_source_peek(nb_source *source, void *into, size_t bytes)
{
    if (bytes > NB_PEEK_MAX) bytes = NB_PEEK_MAX;
    source->broken = peek(source, bytes) != NB_OK;
    size_t n = nb_least_size(source->peeked_count, bytes);
    memcpy(into, source->peeked, n);
    return n;
}

bool nb_source_at_end(nb_source *source)
{
    look_for_end(source);
    return source->peeked_count == 0;
}

nb_status nb_source_check_end(nb_source *source)
{
    if (nb_source_at_end(source)) return nb_source_read(source, NULL, 0, "its end");
    return nb_fail(source->ctx, NB_EFORMAT,
                   "%s goes on after its %" PRIu64 " bytes of header and elements", source->name,
                   nb_source_position(source));
}

uint64_t nb_source_most(const nb_source *source)
{
    const nb_part *part = &source->part;
    uint64_t raw = source->unread + source->have;
    if (source->packing == PLAIN) return raw + source->peeked_count;
    uint64_t most = raw < UINT64_MAX / DEFLATE_MOST - INFLATE_HELD
                        ? (raw + INFLATE_HELD) * DEFLATE_MOST
                        : UINT64_MAX;
    if (!part->checked) return most;
    uint64_t left = part->size > source->position ? part->size - source->position : 0;
    return left < most ? left : most;
}

uint64_t nb_source_raw_size(const nb_source *source)
{
    return source->packing == PLAIN ? source->size : 0;
}

uint64_t nb_source_position(const nb_source *source)
{
    return source->position;
}

void nb_source_progress(const nb_source *source, int64_t *done, int64_t *total)
{
    *total = source->size > 0 ? (int64_t)source->size : 1;
    *done = (int64_t)(source->size - source->have - source->unread);
}

const char *nb_source_name(const nb_source *source)
{
    return source->name;
}

nb_status nb_source_refuse(const nb_source *source, const char *reason, ...)
{
    char text[REASON_MAX];
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    return nb_fail(source->ctx, NB_EFORMAT, "%s: %s", source->name, text);
}
