/* Texts as numbers. One pass learns which characters there are and how many, another numbers them;
 * both walk over blocks of code points. */
#include "io/characters.h"

#include "base/escape.h"
#include "base/memory.h"
#include "io/source.h"

#include <inttypes.h>
#include <string.h>

enum {
    BLOCK = 64 << 10,  /* bytes at a time */
    POINTS = 0x110000, /* code points */
    BYTES = 256,
    FEW = 256, /* so many a byte numbers */
    PASSES = 2
};

typedef struct reading {
    nb_ctx *ctx;
    const char *path;
    bool bytes;
    uint16_t *table; /* by code point: first whether it was seen, then its number */
    char *block;
    int32_t *point; /* BLOCK of them: those of the block */
    int pass;       /* from 0 */
    int64_t done;   /* characters of this pass */
    nb_characters *out;
} reading;

static size_t table_size(const reading *r)
{
    return r->bytes ? BYTES : POINTS;
}

/* ---- Blocks of code points ------------------------------------------------------------------- */

/* Where a pass is in its file. */
typedef struct place {
    nb_source *source;
    size_t have;        /* bytes in the block */
    int64_t byte, line; /* of the block's first byte, from 1 */
} place;

static int64_t lines_in(const char *text, size_t length)
{
    int64_t lines = 0;
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    return lines;
}

static nb_status no_utf8(const reading *r, const place *at, size_t bad)
{
    return nb_fail(r->ctx, NB_EFORMAT,
                   "%s: byte %" PRId64 ", in line %" PRId64
                   ", is no UTF-8 (0x%02X); bytes = true takes every byte for a character",
                   r->path, at->byte + (int64_t)bad, at->line + lines_in(r->block, bad),
                   (unsigned char)r->block[bad]);
}

/* The code points of the block, *count of them, which took *used bytes. What its end may have cut
 * stays for the next one. */
static nb_status decode(const reading *r, const place *at, size_t *used, size_t *count)
{
    size_t i = 0, n = 0;
    const unsigned char *text = (const unsigned char *)r->block;
    while (i < at->have) {
        if (r->bytes || text[i] < 0x80) {
            r->point[n++] = text[i++];
            continue;
        }
        size_t length = nb_utf8_length(r->block + i, at->have - i);
        if (length == 0 && at->have - i < NB_UTF8_MAX) break;
        if (length == 0) return no_utf8(r, at, i);
        r->point[n++] = (int32_t)nb_utf8_point(r->block + i, length);
        i += length;
    }
    *used = i;
    *count = n;
    return NB_OK;
}

/* ---- What is done with them ------------------------------------------------------------------ */

static void see(reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++) r->table[r->point[i]] = 1;
}

static nb_status changed(const reading *r)
{
    return nb_fail(r->ctx, NB_EFORMAT, "%s changed while it was read", r->path);
}

/* Writes the numbers of n more. */
static nb_status number(reading *r, size_t n)
{
    const nb_characters *out = r->out;
    if ((int64_t)n > out->count - r->done) return changed(r);
    uint8_t *few = (uint8_t *)out->numbers->data + r->done;
    uint16_t *many = (uint16_t *)out->numbers->data + r->done;
    for (size_t i = 0; i < n; i++) {
        uint16_t is = r->table[r->point[i]];
        if (out->point[is] != r->point[i]) return changed(r);
        if (out->size == 1)
            few[i] = (uint8_t)is;
        else
            many[i] = is;
    }
    return NB_OK;
}

static void tell(const reading *r, const place *at)
{
    int64_t done, total;
    nb_source_progress(at->source, &done, &total);
    nb_tell(r->ctx, "reading", r->pass * total + done, PASSES * total);
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* One block more, behind what was left of the one before. */
static nb_status next_block(reading *r, place *at)
{
    size_t got, used = 0, n = 0;
    nb_status status = nb_source_read_some(at->source, r->block + at->have, BLOCK - at->have, &got);
    at->have += got;
    if (status == NB_OK) status = decode(r, at, &used, &n);
    if (status == NB_OK && r->pass == 0) see(r, n);
    if (status == NB_OK && r->pass == 1) status = number(r, n);
    if (status != NB_OK) return status;
    r->done += (int64_t)n;
    at->byte += (int64_t)used;
    at->line += lines_in(r->block, used);
    at->have -= used;
    memmove(r->block, r->block + used, at->have);
    tell(r, at);
    return nb_poll(r->ctx);
}

static nb_status skip_mark(const reading *r, place *at)
{
    char mark[3];
    if (r->bytes || nb_source_peek(at->source, mark, 3) < 3 || memcmp(mark, "\xEF\xBB\xBF", 3) != 0)
        return NB_OK;
    at->byte += 3;
    return nb_source_read(at->source, mark, 3, "its mark");
}

static nb_status run_pass(reading *r, int pass)
{
    place at = {.source = nb_source_open(r->ctx, r->path), .byte = 1, .line = 1};
    if (!at.source) return r->ctx->status;
    r->pass = pass;
    r->done = 0;
    nb_status status = skip_mark(r, &at);
    while (status == NB_OK && !nb_source_at_end(at.source)) status = next_block(r, &at);
    if (status == NB_OK) status = nb_source_read(at.source, NULL, 0, "its end");
    if (status == NB_OK && at.have > 0) status = no_utf8(r, &at, 0);
    nb_source_close(at.source);
    return status;
}

/* ---- The vocabulary -------------------------------------------------------------------------- */

/* What was seen gets its number. */
static nb_status settle_vocabulary(reading *r)
{
    nb_characters *out = r->out;
    size_t size = table_size(r);
    out->count = r->done;
    out->points = 0;
    if (out->count == 0) return nb_fail(r->ctx, NB_EFORMAT, "%s holds no character", r->path);
    int64_t points = 0;
    for (size_t p = 0; p < size; p++) points += r->table[p];
    if (points > NB_CHARACTERS_MAX)
        return nb_fail(r->ctx, NB_EFORMAT,
                       "%s holds %" PRId64 " different characters; a vocabulary has at most %d; "
                       "bytes = true takes every byte for a character",
                       r->path, points, NB_CHARACTERS_MAX);
    out->point = nb_alloc(r->ctx, (size_t)points * sizeof *out->point);
    if (!out->point) return r->ctx->status;
    for (size_t p = 0; p < size; p++) {
        if (!r->table[p]) continue;
        r->table[p] = (uint16_t)out->points;
        out->point[out->points++] = (int32_t)p;
    }
    out->size = points <= FEW ? sizeof(uint8_t) : sizeof(uint16_t);
    out->numbers = nb_storage_new(r->ctx, (size_t)out->count * out->size);
    return out->numbers ? NB_OK : r->ctx->status;
}

static nb_status read_all(reading *r)
{
    nb_status status = run_pass(r, 0);
    if (status == NB_OK) status = settle_vocabulary(r);
    if (status == NB_OK) status = run_pass(r, 1);
    if (status == NB_OK && r->done != r->out->count) status = changed(r);
    return status;
}

nb_status nb_characters_read(nb_ctx *ctx, const char *path, bool bytes, nb_characters *out)
{
    *out = (nb_characters){.count = 0};
    reading r = {.ctx = ctx, .path = path, .bytes = bytes, .out = out};
    r.table = nb_alloc_zero(ctx, table_size(&r), sizeof *r.table);
    r.block = r.table ? nb_alloc(ctx, BLOCK) : NULL;
    r.point = r.block ? nb_alloc(ctx, BLOCK * sizeof *r.point) : NULL;
    nb_status status = r.point ? read_all(&r) : ctx->status;
    nb_free(ctx, r.point, BLOCK * sizeof *r.point);
    nb_free(ctx, r.block, BLOCK);
    nb_free(ctx, r.table, table_size(&r) * sizeof *r.table);
    if (status != NB_OK) nb_characters_free(ctx, out);
    return status;
}

void nb_characters_free(nb_ctx *ctx, nb_characters *of)
{
    nb_storage_release(ctx, of->numbers);
    nb_free(ctx, of->point, (size_t)of->points * sizeof *of->point);
    *of = (nb_characters){.count = 0};
}
