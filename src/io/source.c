/* Bytes to read. Two layers: raw bytes (a window over a file, or the memory that was given), and
 * above them the bytes that the reader sees, the same or inflated. Large reads go past the window
 * and inflate straight into the reader's buffer. */
#include "io/source.h"

#define ZLIB_CONST
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    WINDOW = 128 << 10,   /* raw bytes of a file held at a time */
    PIECE = 16 << 20,     /* bytes between two looks at Ctrl-C */
    DEFLATE_MOST = 1032,  /* deflate packs 258 bytes into 2 bits at best */
    INFLATE_HELD = 16,    /* raw bytes that zlib may have taken and not yet used */
    GZIP_WINDOW_BITS = 31 /* zlib: 15 bits of window, plus 16 for gzip's header and trailer */
};

struct nb_source {
    nb_ctx *ctx;
    char *name;
    int fd;          /* -1: memory */
    uint8_t *window; /* of a file; NULL for memory */
    size_t window_size;
    const uint8_t *next; /* raw bytes in hand */
    size_t have;
    uint64_t unread; /* raw bytes of the file behind those */
    uint64_t position;
    bool gzip;
    bool in_member;  /* between a gzip member's header and the end of its trailer */
    bool broken;     /* looking for the end failed; the next read fails the same way */
    bool has_peeked; /* one inflated byte was taken out to look for the end */
    uint8_t peeked;
    z_stream inflater;
};

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Reads up to `bytes` bytes of the file; a file that has shrunk since it was opened just ends. */
static nb_status read_file(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    nb_status status = nb_poll(source->ctx);
    if (status) return status;
    ssize_t n;
    do {
        n = read(source->fd, into, smaller(source->unread, bytes));
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

static nb_status read_plain(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    size_t n = smaller(source->have, bytes);
    if (n > 0) {
        memcpy(into, source->next, n);
        take(source, n);
    }
    *got = n;
    while (*got < bytes && source->unread > 0) {
        nb_status status = read_file(source, into + *got, smaller(PIECE, bytes - *got), &n);
        if (status) return status;
        *got += n;
    }
    return NB_OK;
}

/* zlib gives blocks back without their size, so each carries it in front. */
static void *inflater_alloc(void *ctx, unsigned items, unsigned size)
{
    size_t bytes = (size_t)items * size + NB_ALIGN;
    char *block = nb_alloc(ctx, bytes);
    if (!block) return NULL;
    memcpy(block, &bytes, sizeof bytes);
    return block + NB_ALIGN;
}

static void inflater_free(void *ctx, void *address)
{
    char *block = (char *)address - NB_ALIGN;
    size_t bytes;
    memcpy(&bytes, block, sizeof bytes);
    nb_free(ctx, block, bytes);
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
                       "%s is cut short: its gzip data stop after %" PRIu64 " unpacked bytes",
                       source->name, position);
    default:
        return nb_fail(source->ctx, NB_EFORMAT,
                       "%s is damaged: its gzip data fail after %" PRIu64 " unpacked bytes (%s)",
                       source->name, position,
                       source->inflater.msg ? source->inflater.msg : "unknown reason");
    }
}

/* One call of inflate. Without raw bytes left it may still have output to give; Z_BUF_ERROR says
 * that it has not. */
static nb_status inflate_step(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    z_stream *z = &source->inflater;
    unsigned in = (unsigned)smaller(PIECE, source->have);
    unsigned out = (unsigned)smaller(PIECE, bytes - *got);
    z->next_in = source->next;
    z->avail_in = in;
    z->next_out = into + *got;
    z->avail_out = out;
    int code = inflate(z, Z_NO_FLUSH);
    take(source, in - z->avail_in);
    *got += out - z->avail_out;
    return inflate_outcome(source, code, source->position + *got);
}

/* Fewer than `bytes` bytes with NB_OK: the last member is at its end and its checksum was right. */
static nb_status read_gzip(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    while (*got < bytes) {
        nb_status status = refill(source);
        if (!status) status = nb_poll(source->ctx);
        if (status) return status;
        if (!source->in_member) {
            if (source->have == 0) return NB_OK;
            inflateReset(&source->inflater);
            source->in_member = true;
        }
        status = inflate_step(source, into, bytes, got);
        if (status) return status;
    }
    return NB_OK;
}

/* Takes one inflated byte out, where there is one. */
static nb_status peek(nb_source *source)
{
    if (source->has_peeked) return NB_OK;
    size_t got = 0;
    nb_status status = read_gzip(source, &source->peeked, 1, &got);
    source->has_peeked = got == 1;
    return status;
}

static bool looks_like_gzip(const nb_source *source)
{
    const uint8_t *head = source->next;
    return source->have >= 2 && head[0] == 0x1f && head[1] == 0x8b &&
           (source->have == 2 || head[2] == Z_DEFLATED);
}

static nb_status start(nb_source *source)
{
    nb_status status = refill(source);
    if (status || !looks_like_gzip(source)) return status;
    z_stream *z = &source->inflater;
    z->zalloc = inflater_alloc;
    z->zfree = inflater_free;
    z->opaque = source->ctx;
    if (inflateInit2(z, GZIP_WINDOW_BITS) != Z_OK) {
        return nb_fail(source->ctx, NB_EMEMORY, "no memory to unpack %s", source->name);
    }
    source->gzip = true;
    source->in_member = true;
    return NB_OK;
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

/* Opens without waiting for a fifo's writer, which then is refused as no regular file. */
static nb_status open_file(nb_source *source)
{
    nb_ctx *ctx = source->ctx;
    struct stat about;
    source->fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, &about) != 0) {
        return nb_fail(ctx, NB_EIO, "cannot open %s: %s", source->name, strerror(errno));
    }
    if (S_ISDIR(about.st_mode)) {
        return nb_fail(ctx, NB_EIO, "%s is a directory, not a file", source->name);
    }
    if (!S_ISREG(about.st_mode)) {
        return nb_fail(ctx, NB_EIO, "%s is not a regular file", source->name);
    }
    source->unread = (uint64_t)about.st_size;
    source->window_size = smaller(source->unread, WINDOW);
    source->window = nb_alloc(ctx, source->window_size);
    return source->window ? start(source) : NB_EMEMORY;
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
    source->next = data;
    source->have = size;
    if (start(source) == NB_OK) return source;
    nb_source_close(source);
    return NULL;
}

void nb_source_close(nb_source *source)
{
    if (!source) return;
    nb_ctx *ctx = source->ctx;
    if (source->gzip) inflateEnd(&source->inflater);
    if (source->fd >= 0) close(source->fd);
    nb_free(ctx, source->window, source->window_size);
    nb_free_string(ctx, source->name);
    nb_free(ctx, source, sizeof *source);
}

static nb_status read_some(nb_source *source, uint8_t *into, size_t bytes, size_t *got)
{
    if (!source->gzip) return read_plain(source, into, bytes, got);
    if (source->has_peeked && bytes > 0) {
        into[(*got)++] = source->peeked;
        source->has_peeked = false;
    }
    return read_gzip(source, into, bytes, got);
}

static nb_status look_for_end(nb_source *source)
{
    nb_status status = source->gzip ? peek(source) : refill(source);
    source->broken = status != NB_OK;
    return status;
}

nb_status nb_source_read(nb_source *source, void *into, size_t bytes, const char *what)
{
    uint64_t from = source->position;
    size_t got = 0;
    nb_status status = source->broken ? look_for_end(source) : NB_OK;
    if (!status) status = read_some(source, into, bytes, &got);
    source->position += got;
    if (status || got == bytes) return status;
    return nb_fail(source->ctx, NB_EFORMAT, "%s ends after %" PRIu64 "%s bytes; %s needs %" PRIu64,
                   source->name, source->position, source->gzip ? " unpacked" : "", what,
                   from + bytes);
}

bool nb_source_at_end(nb_source *source)
{
    look_for_end(source);
    return source->gzip ? !source->has_peeked : source->have == 0;
}

uint64_t nb_source_most(const nb_source *source)
{
    uint64_t raw = source->unread + source->have;
    if (!source->gzip) return raw;
    return raw < UINT64_MAX / DEFLATE_MOST - INFLATE_HELD ? (raw + INFLATE_HELD) * DEFLATE_MOST
                                                          : UINT64_MAX;
}

uint64_t nb_source_position(const nb_source *source)
{
    return source->position;
}

const char *nb_source_name(const nb_source *source)
{
    return source->name;
}
