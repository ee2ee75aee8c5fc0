/* Zip archives, as .npz files are: members stored or deflated, zip64 where sizes ask for it. Read
 * by the directory at the end, which the members must bear out; written in one pass. What is
 * encrypted, packed in other ways or spread over disks is refused. Names are names: nothing here
 * makes files of them. */
#ifndef NB_ZIP_H
#define NB_ZIP_H

#include "base/text.h"
#include "io/sink.h"
#include "io/source.h"

/* ---- Reading ---- */

typedef struct nb_zip nb_zip;

/* The directory of the archive that the source holds, or NULL with NB_EFORMAT: none, damaged, with
 * members that overlap or reach beyond it, or names that are not UTF-8. The source must outlive it.
 */
nb_zip *nb_zip_open(nb_ctx *ctx, nb_source *source);
void nb_zip_close(nb_zip *zip);
size_t nb_zip_count(const nb_zip *zip);
const char *nb_zip_name(const nb_zip *zip, size_t i);
/* The content of member i, its size and checksum compared with the directory's at the end; NULL
 * with NB_EFORMAT where it cannot be read. Called "x.npz: w.npy" in messages. */
nb_source *nb_zip_member(nb_zip *zip, size_t i);

/* ---- Writing ---- */

typedef struct nb_span {
    const void *data;
    size_t bytes;
} nb_span;

typedef struct nb_zip_writer {
    nb_ctx *ctx;
    nb_sink *sink;
    nb_text directory;
    uint64_t written, count;
    uint64_t large; /* sizes and places from here on are written as zip64; tests set it lower */
} nb_zip_writer;

void nb_zip_begin(nb_zip_writer *zip, nb_ctx *ctx, nb_sink *sink);
/* A member made of spans, deflated or stored. Members carry no time, so that equal contents are
 * equal files. NB_EARG for a name of more than 65,535 bytes; failures of the sink show when it is
 * closed. */
nb_status nb_zip_add(nb_zip_writer *zip, const char *name, const nb_span *spans, size_t count,
                     bool deflated);
/* Writes the directory. */
nb_status nb_zip_end(nb_zip_writer *zip);
/* Gives back what it holds; the sink stays. */
void nb_zip_free(nb_zip_writer *zip);

/* ---- The format's own numbers, for both ---- */

enum {
    NB_ZIP_LOCAL = 0x04034b50,
    NB_ZIP_CENTRAL = 0x02014b50,
    NB_ZIP_END = 0x06054b50,
    NB_ZIP_LARGE_END = 0x06064b50,
    NB_ZIP_LOCATOR = 0x07064b50,
    NB_ZIP_DESCRIPTOR = 0x08074b50,
    NB_ZIP_LOCAL_BYTES = 30, /* of the fixed parts */
    NB_ZIP_CENTRAL_BYTES = 46,
    NB_ZIP_END_BYTES = 22,
    NB_ZIP_LARGE_END_BYTES = 56,
    NB_ZIP_LOCATOR_BYTES = 20,
    NB_ZIP_STORED = 0, /* methods */
    NB_ZIP_DEFLATED = 8,
    NB_ZIP_ENCRYPTED = 1 << 0, /* flags */
    NB_ZIP_DESCRIBED = 1 << 3, /* checksum and sizes stand behind the data */
    NB_ZIP_UTF8 = 1 << 11,
    NB_ZIP_LARGE_FIELD = 1, /* the extra field of zip64 */
    NB_ZIP_16 = 0xffff      /* a field that is too small: see zip64 */
};
#define NB_ZIP_32 ((uint64_t)0xffffffff) /* likewise */

#endif
