/* Formats of files that hold tensors: one constant descriptor beside each format's functions, one
 * list of names (formats.def). A file is read by what it begins with, whatever it is called, and
 * written by its extension, which is the format's name. */
#ifndef NB_FORMAT_H
#define NB_FORMAT_H

#include "io/archive.h"
#include "io/source.h"

typedef struct nb_save_options {
    bool compress;
} nb_save_options;

typedef struct nb_format {
    const char *name;    /* "npy"; the extension without its dot */
    const char *help;    /* one line */
    const char *example; /* Lua that runs */
    bool named;          /* holds tensors by name; else one alone, called "" in the archive */
    bool compresses;     /* knows the option */

    /* True when a file that begins like this (NB_PEEK_MAX bytes at most) is one. */
    bool (*begins)(const uint8_t *head, size_t bytes);
    /* Reads the source to its end into an empty archive; on failure the archive may hold a part.
     * Tensors that alone cannot be read are noted there and are no failure. */
    nb_status (*load)(nb_ctx *ctx, nb_source *source, nb_archive *archive);
    /* Writes the whole file or nothing; NULL: it is only read. */
    nb_status (*save)(nb_ctx *ctx, const char *path, const nb_archive *archive,
                      const nb_save_options *options);
} nb_format;

typedef enum nb_format_id {
#define X(name) NB_FORMAT_##name,
#include "io/formats.def"
#undef X
    NB_FORMATS
} nb_format_id;

extern const nb_format *const nb_formats[NB_FORMATS];
const nb_format *nb_format_find(const char *name);
const char *nb_format_name_at(const void *list, size_t i);

/* Fills an empty archive with what a file holds; *format says whether names mean anything. On
 * failure the archive stays empty: NB_EIO, NB_EFORMAT for a damaged file and for one that begins
 * like none of the formats, or holds no tensor that can be read. */
nb_status nb_format_load(nb_ctx *ctx, const char *path, nb_archive *archive,
                         const nb_format **format);
/* Writes an archive in the format that the path's extension names; `named`: its tensors have names,
 * else it holds one that has none. NB_EARG for an extension that is unknown, or a format that is
 * for the other case or cannot do what the options ask. */
nb_status nb_format_save(nb_ctx *ctx, const char *path, const nb_archive *archive, bool named,
                         const nb_save_options *options);

#endif
