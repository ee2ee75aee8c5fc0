/* Reading zip archives. Everything stands or falls with the directory: it must end where its end
 * record begins, its members must lie in front of it one behind the other, and each one's own
 * header must repeat what the directory says. So no byte is read as two members, and what a member
 * can unpack to is bounded by its own bytes. */
#include "io/zip/zip.h"

#include "io/bytes.h"
#include "io/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMMENT_MAX = 65535,
    TAIL_MAX = NB_ZIP_END_BYTES + COMMENT_MAX, /* where the end record can begin */
    FLAGS_REFUSED = NB_ZIP_ENCRYPTED | 1 << 5 | 1 << 6 | 1 << 13 /* patches, ciphers, masks */
};

typedef struct member {
    char *name;
    uint64_t offset; /* of its own header */
    uint64_t limit;  /* where the next thing begins */
    uint64_t packed, size;
    uint32_t crc;
    unsigned flags, method;
} member;

struct nb_zip {
    nb_ctx *ctx;
    nb_source *source;
    const char *file;
    uint64_t size; /* of the file */
    uint64_t directory, directory_bytes, count;
    member *members;
    size_t read; /* members that are there */
};

static bool lies_within(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

static nb_source *plain_part(const nb_zip *zip, uint64_t offset, uint64_t bytes, const char *what)
{
    if (!lies_within(offset, bytes, zip->size)) {
        nb_source_refuse(zip->source, "%s would be at byte %" PRIu64 "; the file has %" PRIu64,
                         what, offset, zip->size);
        return NULL;
    }
    const nb_part part = {.offset = offset, .packed = bytes};
    return nb_source_part(zip->source, zip->file, &part);
}

static nb_status read_at(const nb_zip *zip, uint64_t offset, void *into, size_t bytes,
                         const char *what)
{
    nb_source *part = plain_part(zip, offset, bytes, what);
    if (!part) return zip->ctx->status;
    nb_status status = nb_source_read(part, into, bytes, what);
    nb_source_close(part);
    return status;
}

/* ---- The end of the directory ---- */

/* The last place in the tail where an end record reaches just to the end of the file; -1: none. */
static ptrdiff_t search_end(const uint8_t *tail, size_t bytes)
{
    for (size_t at = bytes - NB_ZIP_END_BYTES + 1; at-- > 0;) {
        const uint8_t *end = tail + at;
        if (nb_read_little(end, 4) != NB_ZIP_END) continue;
        if (nb_read_little(end + 20, 2) == bytes - at - NB_ZIP_END_BYTES) return (ptrdiff_t)at;
    }
    return -1;
}

/* Finds the end record: its bytes and its place. */
static nb_status find_end(const nb_zip *zip, uint8_t end[NB_ZIP_END_BYTES], uint64_t *place)
{
    size_t bytes = zip->size < TAIL_MAX ? (size_t)zip->size : TAIL_MAX;
    if (bytes < NB_ZIP_END_BYTES) {
        return nb_source_refuse(
            zip->source, "not a zip archive, or cut short: it has %zu bytes; an empty one has %d",
            bytes, NB_ZIP_END_BYTES);
    }
    uint8_t *tail = nb_alloc(zip->ctx, bytes);
    if (!tail) return NB_EMEMORY;
    nb_status status = read_at(zip, zip->size - bytes, tail, bytes, "its end");
    ptrdiff_t at = status ? -1 : search_end(tail, bytes);
    if (at >= 0) {
        memcpy(end, tail + at, NB_ZIP_END_BYTES);
        *place = zip->size - bytes + (uint64_t)at;
    } else if (!status) {
        status = nb_source_refuse(
            zip->source, "not a zip archive, or cut short: it has no directory at its end");
    }
    nb_free(zip->ctx, tail, bytes);
    return status;
}

static nb_status check_disks(const nb_zip *zip, uint64_t disk, uint64_t first, uint64_t here,
                             uint64_t all)
{
    if (disk == 0 && first == 0 && here == all) return NB_OK;
    return nb_source_refuse(zip->source,
                            "it is one part of an archive in several; put together it can be read");
}

/* The end record of zip64, where a locator in front of the plain one points to it. *place becomes
 * where it begins. */
static nb_status read_large_end(nb_zip *zip, uint64_t *place)
{
    uint8_t locator[NB_ZIP_LOCATOR_BYTES], end[NB_ZIP_LARGE_END_BYTES];
    if (*place < sizeof locator) return NB_OK;
    uint64_t at = *place - sizeof locator;
    nb_status status = read_at(zip, at, locator, sizeof locator, "its directory's end");
    if (status || nb_read_little(locator, 4) != NB_ZIP_LOCATOR) return status;
    uint64_t begin = nb_read_little(locator + 8, 8);
    status = read_at(zip, begin, end, sizeof end, "its directory's end");
    if (status) return status;
    uint64_t bytes = nb_read_little(end + 4, 8);
    if (nb_read_little(end, 4) != NB_ZIP_LARGE_END || begin > at || at - begin < 12 ||
        bytes != at - begin - 12) {
        return nb_source_refuse(zip->source, "its directory's end at byte %" PRIu64 " is damaged",
                                begin);
    }
    *place = begin;
    zip->count = nb_read_little(end + 32, 8);
    zip->directory_bytes = nb_read_little(end + 40, 8);
    zip->directory = nb_read_little(end + 48, 8);
    return check_disks(zip, nb_read_little(end + 16, 4), nb_read_little(end + 20, 4),
                       nb_read_little(end + 24, 8), zip->count);
}

static nb_status read_end(nb_zip *zip)
{
    uint8_t end[NB_ZIP_END_BYTES];
    uint64_t place = 0;
    nb_status status = find_end(zip, end, &place);
    if (status) return status;
    zip->count = nb_read_little(end + 10, 2);
    zip->directory_bytes = nb_read_little(end + 12, 4);
    zip->directory = nb_read_little(end + 16, 4);
    bool large =
        zip->count == NB_ZIP_16 || zip->directory_bytes == NB_ZIP_32 || zip->directory == NB_ZIP_32;
    status = large ? read_large_end(zip, &place)
                   : check_disks(zip, nb_read_little(end + 4, 2), nb_read_little(end + 6, 2),
                                 nb_read_little(end + 8, 2), zip->count);
    if (status) return status;
    if (!lies_within(zip->directory, zip->directory_bytes, place) ||
        zip->directory + zip->directory_bytes != place) {
        return nb_source_refuse(zip->source,
                                "its directory (%" PRIu64 " bytes from byte %" PRIu64
                                ") does not end at byte %" PRIu64 ", where its end record begins",
                                zip->directory_bytes, zip->directory, place);
    }
    if (zip->count <= zip->directory_bytes / NB_ZIP_CENTRAL_BYTES) return NB_OK;
    return nb_source_refuse(zip->source,
                            "its directory of %" PRIu64 " bytes cannot list %" PRIu64 " members",
                            zip->directory_bytes, zip->count);
}

/* ---- The directory ---- */

/* Takes the next number of a zip64 field where the plain one is too small. */
static bool widen(const uint8_t **at, size_t *left, uint64_t *number)
{
    if (*number != NB_ZIP_32) return true;
    if (*left < 8) return false;
    *number = nb_read_little(*at, 8);
    *at += 8;
    *left -= 8;
    return true;
}

/* Walks the extra fields for that of zip64. False where they are damaged. */
static bool read_extra(const uint8_t *extra, size_t bytes, member *m)
{
    while (bytes >= 4) {
        size_t field = (size_t)nb_read_little(extra + 2, 2);
        if (field > bytes - 4) return false;
        const uint8_t *at = extra + 4;
        size_t left = field;
        if (nb_read_little(extra, 2) == NB_ZIP_LARGE_FIELD) {
            return widen(&at, &left, &m->size) && widen(&at, &left, &m->packed) &&
                   widen(&at, &left, &m->offset);
        }
        extra += 4 + field;
        bytes -= 4 + field;
    }
    return true; /* a few bytes that are no field are common */
}

static nb_status read_name(const nb_zip *zip, nb_source *directory, size_t bytes, member *m)
{
    m->name = nb_alloc(zip->ctx, bytes + 1);
    if (!m->name) return NB_EMEMORY;
    m->name[0] = '\0';
    nb_status status = nb_source_read(directory, m->name, bytes, "its directory");
    size_t length = strnlen(m->name, bytes);
    m->name[status ? 0 : bytes] = '\0';
    if (!status && length == bytes && nb_utf8_is_valid(m->name)) return NB_OK;
    if (!status)
        status =
            nb_source_refuse(zip->source, "the name of member %zu is not UTF-8", zip->read + 1);
    nb_free(zip->ctx, m->name, bytes + 1);
    m->name = NULL;
    return status;
}

/* The extra fields and the comment behind the name. */
static nb_status read_rest(const nb_zip *zip, nb_source *directory, size_t extra, size_t comment,
                           member *m)
{
    char name[NB_SHOWN];
    size_t bytes = extra + comment;
    uint8_t *rest = nb_alloc(zip->ctx, bytes);
    if (!rest) return NB_EMEMORY;
    nb_status status = nb_source_read(directory, rest, bytes, "its directory");
    if (!status && !read_extra(rest, extra, m)) {
        status = nb_source_refuse(zip->source, "the extra fields of '%s' are damaged",
                                  nb_text_shown(m->name, name));
    }
    nb_free(zip->ctx, rest, bytes);
    return status;
}

static nb_status read_member(nb_zip *zip, nb_source *directory)
{
    uint8_t head[NB_ZIP_CENTRAL_BYTES];
    member *m = &zip->members[zip->read];
    nb_status status = nb_source_read(directory, head, sizeof head, "its directory");
    if (status) return status;
    if (nb_read_little(head, 4) != NB_ZIP_CENTRAL) {
        return nb_source_refuse(zip->source, "its directory is damaged at member %zu",
                                zip->read + 1);
    }
    *m = (member){.flags = (unsigned)nb_read_little(head + 8, 2),
                  .method = (unsigned)nb_read_little(head + 10, 2),
                  .crc = (uint32_t)nb_read_little(head + 16, 4),
                  .packed = nb_read_little(head + 20, 4),
                  .size = nb_read_little(head + 24, 4),
                  .offset = nb_read_little(head + 42, 4)};
    status = read_name(zip, directory, (size_t)nb_read_little(head + 28, 2), m);
    if (status) return status;
    zip->read++;
    return read_rest(zip, directory, (size_t)nb_read_little(head + 30, 2),
                     (size_t)nb_read_little(head + 32, 2), m);
}

static nb_status read_members(nb_zip *zip)
{
    zip->members = nb_alloc_zero(zip->ctx, (size_t)zip->count, sizeof *zip->members);
    if (!zip->members) return NB_EMEMORY;
    nb_source *directory = plain_part(zip, zip->directory, zip->directory_bytes, "its directory");
    if (!directory) return zip->ctx->status;
    nb_status status = NB_OK;
    while (!status && zip->read < zip->count) status = read_member(zip, directory);
    if (!status && !nb_source_at_end(directory)) {
        status =
            nb_source_refuse(zip->source, "its directory goes on after its %zu members", zip->read);
    }
    nb_source_close(directory);
    return status;
}

static int by_offset(const void *a, const void *b)
{
    const member *x = *(member *const *)a, *y = *(member *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Gives every member its limit: each must end before the next one begins. */
static nb_status set_limits(nb_zip *zip, member **order)
{
    char name[NB_SHOWN];
    for (size_t i = 0; i < zip->read; i++) order[i] = &zip->members[i];
    if (zip->read > 0) qsort(order, zip->read, sizeof *order, by_offset);
    for (size_t i = 0; i < zip->read; i++) {
        member *m = order[i];
        m->limit = i + 1 < zip->read ? order[i + 1]->offset : zip->directory;
        uint64_t head = NB_ZIP_LOCAL_BYTES + strlen(m->name);
        if (lies_within(m->offset, head, m->limit) &&
            lies_within(m->offset + head, m->packed, m->limit)) {
            continue;
        }
        return nb_source_refuse(zip->source,
                                "'%s' (%" PRIu64 " bytes from byte %" PRIu64
                                ") overlaps what begins at byte %" PRIu64,
                                nb_text_shown(m->name, name), m->packed, m->offset, m->limit);
    }
    return NB_OK;
}

static nb_status check_layout(nb_zip *zip)
{
    member **order = nb_alloc_zero(zip->ctx, zip->read, sizeof(member *));
    if (!order) return NB_EMEMORY;
    nb_status status = set_limits(zip, order);
    nb_free(zip->ctx, order, zip->read * sizeof *order);
    return status;
}

nb_zip *nb_zip_open(nb_ctx *ctx, nb_source *source)
{
    static nb_status (*const stages[])(nb_zip *) = {read_end, read_members, check_layout};
    nb_zip *zip = nb_alloc_zero(ctx, 1, sizeof *zip);
    if (!zip) return NULL;
    *zip = (nb_zip){.ctx = ctx,
                    .source = source,
                    .file = nb_source_name(source),
                    .size = nb_source_raw_size(source)};
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++) status = stages[i](zip);
    if (!status) return zip;
    nb_zip_close(zip);
    return NULL;
}

void nb_zip_close(nb_zip *zip)
{
    if (!zip) return;
    for (size_t i = 0; i < zip->read; i++) nb_free_string(zip->ctx, zip->members[i].name);
    nb_free(zip->ctx, zip->members, zip->members ? (size_t)zip->count * sizeof *zip->members : 0);
    nb_free(zip->ctx, zip, sizeof *zip);
}

size_t nb_zip_count(const nb_zip *zip)
{
    return zip->read;
}

const char *nb_zip_name(const nb_zip *zip, size_t i)
{
    return zip->members[i].name;
}

/* ---- Members ---- */

static const char *method_name(unsigned method)
{
    static const struct known {
        unsigned method;
        const char *name;
    } known[] = {{1, "shrunk"}, {6, "imploded"}, {9, "deflate64"}, {12, "bzip2"},   {14, "lzma"},
                 {93, "zstd"},  {95, "xz"},      {98, "ppmd"},     {99, "ciphered"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].method == method) return known[i].name;
    }
    return "unknown";
}

static nb_status check_method(const nb_zip *zip, const member *m)
{
    char name[NB_SHOWN];
    nb_text_shown(m->name, name);
    if (m->flags & FLAGS_REFUSED) {
        return nb_source_refuse(zip->source, "'%s' is encrypted; save it without a password", name);
    }
    if (m->method != NB_ZIP_STORED && m->method != NB_ZIP_DEFLATED) {
        return nb_source_refuse(zip->source,
                                "'%s' is packed by method %u (%s); stored and deflated can be read",
                                name, m->method, method_name(m->method));
    }
    if (m->method == NB_ZIP_DEFLATED || m->packed == m->size) return NB_OK;
    return nb_source_refuse(zip->source,
                            "'%s' is stored, but the directory says %" PRIu64
                            " bytes of which %" PRIu64 " are there",
                            name, m->size, m->packed);
}

/* The member's own header says the same as the directory, where it says anything. */
static bool agrees(const member *m, const uint8_t *head, const uint8_t *tail, size_t name,
                   size_t extra)
{
    member own = {.packed = nb_read_little(head + 18, 4), .size = nb_read_little(head + 22, 4)};
    if (nb_read_little(head + 8, 2) != m->method || strlen(m->name) != name ||
        memcmp(tail, m->name, name) != 0 || !read_extra(tail + name, extra, &own)) {
        return false;
    }
    if (nb_read_little(head + 6, 2) & NB_ZIP_DESCRIBED) return true;
    return own.packed == m->packed && own.size == m->size && nb_read_little(head + 14, 4) == m->crc;
}

/* *data: where the content begins, once the header in front of it is checked. */
static nb_status read_local(const nb_zip *zip, const member *m, uint64_t *data)
{
    uint8_t head[NB_ZIP_LOCAL_BYTES];
    char shown[NB_SHOWN];
    nb_status status = read_at(zip, m->offset, head, sizeof head, "a member");
    if (status) return status;
    size_t name = (size_t)nb_read_little(head + 26, 2);
    size_t extra = (size_t)nb_read_little(head + 28, 2);
    uint8_t *tail = nb_alloc(zip->ctx, name + extra);
    if (!tail) return NB_EMEMORY;
    *data = m->offset + sizeof head + name + extra;
    bool fits = nb_read_little(head, 4) == NB_ZIP_LOCAL && lies_within(*data, m->packed, m->limit);
    if (fits) status = read_at(zip, m->offset + sizeof head, tail, name + extra, "a member");
    if (!status && !(fits && agrees(m, head, tail, name, extra))) {
        status = nb_source_refuse(
            zip->source, "the header of '%s' at byte %" PRIu64 " is not as the directory says",
            nb_text_shown(m->name, shown), m->offset);
    }
    nb_free(zip->ctx, tail, name + extra);
    return status;
}

nb_source *nb_zip_member(nb_zip *zip, size_t i)
{
    const member *m = &zip->members[i];
    char shown[NB_SHOWN];
    nb_text name;
    nb_part part = {.packed = m->packed,
                    .deflated = m->method == NB_ZIP_DEFLATED,
                    .checked = true,
                    .size = m->size,
                    .crc = m->crc};
    if (check_method(zip, m) || read_local(zip, m, &part.offset)) return NULL;
    nb_text_init(&name, zip->ctx);
    nb_text_add(&name, "%s: %s", zip->file, nb_text_shown(m->name, shown));
    nb_source *source = name.failed ? NULL : nb_source_part(zip->source, nb_text_get(&name), &part);
    nb_text_free(&name);
    return source;
}
