/* The graphics protocol of kitty, which other terminals speak too: pixels of 24 bits, packed by
 * zlib, in base64, in pieces. https://sw.kovidgoyal.net/kitty/graphics-protocol/ */
#include "io/picture/way.h"

#include "base/context.h"
#include "base/memory.h"
#include "io/zip/zalloc.h"

#include <inttypes.h>

enum {
    CHUNK = 4096,        /* bytes of base64 in a piece, which the protocol allows at most */
    RAW = CHUNK / 4 * 3, /* that come of so many */
    LEVEL = 6,           /* of packing */
    SLICE = 1 << 18      /* bytes that are packed between two looks whether Ctrl-C was pressed */
};

/* Packs all pixels into a block of `room` bytes. */
static nb_status pack(const nb_picture *picture, nb_ctx *ctx, z_stream *stream, uint8_t *to,
                      size_t room)
{
    nb_zalloc_use(stream, ctx);
    if (deflateInit(stream, LEVEL) != Z_OK) return NB_EMEMORY; /* the allocator has said so */
    size_t left = (size_t)(picture->rows * picture->columns) * 3;
    nb_status status = NB_OK;
    int end = Z_OK;
    stream->next_in = picture->pixels;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    while (end == Z_OK && !status) {
        size_t slice = left < SLICE ? left : SLICE;
        stream->avail_in = (uInt)slice;
        left -= slice;
        end = deflate(stream, left > 0 ? Z_NO_FLUSH : Z_FINISH);
        status = nb_poll(ctx);
    }
    deflateEnd(stream);
    if (status || end == Z_STREAM_END) return status;
    return nb_fail(ctx, NB_EIO, "the picture cannot be packed");
}

static void add_base64(nb_text *to, const uint8_t *from, size_t bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char chunk[CHUNK];
    size_t length = 0;
    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t three = (uint32_t)from[i] << 16;
        if (i + 1 < bytes) three |= (uint32_t)from[i + 1] << 8;
        if (i + 2 < bytes) three |= from[i + 2];
        chunk[length++] = letters[three >> 18];
        chunk[length++] = letters[three >> 12 & 63];
        chunk[length++] = i + 1 < bytes ? letters[three >> 6 & 63] : '=';
        chunk[length++] = i + 2 < bytes ? letters[three & 63] : '=';
    }
    nb_text_add_bytes(to, chunk, length);
}

/* C=1: the cursor stays, where a terminal knows that; else it may go on below the window. */
static void add_pieces(const nb_picture *picture, const uint8_t *packed, size_t bytes, nb_text *to)
{
    for (size_t at = 0; at < bytes; at += RAW) {
        size_t here = bytes - at < RAW ? bytes - at : RAW;
        nb_text_add(to, "\033_G");
        if (at == 0)
            nb_text_add(
                to, "a=T,q=2,f=24,o=z,s=%" PRId64 ",v=%" PRId64 ",c=%" PRId64 ",r=%" PRId64 ",C=1,",
                picture->columns, picture->rows, picture->wide, picture->high);
        nb_text_add(to, "m=%d;", at + here < bytes);
        add_base64(to, packed + at, here);
        nb_text_add(to, "\033\\");
    }
}

static nb_status write_kitty(const nb_picture *picture, nb_text *to)
{
    nb_ctx *ctx = to->ctx;
    z_stream stream = {0};
    size_t room = compressBound((uLong)(picture->rows * picture->columns * 3));
    uint8_t *packed = nb_alloc(ctx, room);
    if (!packed) return NB_EMEMORY;
    nb_status status = pack(picture, ctx, &stream, packed, room);
    if (!status) add_pieces(picture, packed, stream.total_out, to);
    nb_free(ctx, packed, room);
    return status;
}

/* To delete a picture that nobody has also ends one whose pieces have not all come. */
const nb_picture_way nb_way_kitty = {
    .name = "kitty",
    .write = write_kitty,
    .mend = "\033\\\033_Ga=d,d=i,i=4294967295,q=2\033\\",
    .uncover = "\033_Ga=d,d=c,q=2\033\\",
};
