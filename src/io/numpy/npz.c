/* .npz: a zip archive of .npy files, each called by its tensor's name and ".npy". */
#include "base/family.h"
#include "base/text.h"
#include "io/format.h"
#include "io/numpy/npy.h"
#include "io/zip/zip.h"

#include <stdlib.h>
#include <string.h>

#define SUFFIX ".npy"

static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes >= 4 && head[0] == 'P' && head[1] == 'K' &&
           ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
}

/* ---- Reading ---- */

/* The length of a member's name without its suffix. */
static size_t stem_length(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    bool has = length >= suffix && strcmp(name + length - suffix, SUFFIX) == 0;
    return has ? length - suffix : length;
}

/* The tensor under a member's name without its suffix; NULL: what is wrong with it. */
static nb_status push_as(nb_ctx *ctx, nb_archive *archive, const char *name, size_t length,
                         nb_tensor *tensor)
{
    nb_text stem;
    nb_text_init(&stem, ctx);
    nb_text_add_bytes(&stem, name, length);
    nb_status status = stem.failed ? NB_EMEMORY
                       : tensor    ? nb_archive_push(ctx, archive, nb_text_get(&stem), tensor)
                                   : nb_archive_push_unread(ctx, archive, nb_text_get(&stem));
    nb_text_free(&stem);
    return status;
}

static nb_status read_member(nb_ctx *ctx, nb_zip *zip, size_t i, nb_archive *archive)
{
    const char *name = nb_zip_name(zip, i);
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '/') return NB_OK; /* a folder: nothing is in it */
    nb_source *source = nb_zip_member(zip, i);
    nb_tensor *tensor = source ? nb_npy_read(ctx, source) : NULL;
    nb_source_close(source);
    nb_status status = push_as(ctx, archive, name, stem_length(name), tensor);
    nb_tensor_release(ctx, tensor);
    return status;
}

/* Two members may not become one name. */
static nb_status check_names(nb_ctx *ctx, const char *file, const nb_archive *archive)
{
    char shown[NB_SHOWN];
    const char **names = nb_alloc_zero(ctx, archive->count, sizeof *names);
    if (!names) return NB_EMEMORY;
    for (size_t i = 0; i < archive->count; i++) names[i] = archive->entry[i].name;
    const char *twice = nb_repeated_name(names, archive->count);
    nb_free(ctx, names, archive->count * sizeof *names);
    if (!twice) return NB_OK;
    return nb_fail(ctx, NB_EFORMAT, "%s has twice the name '%s'", file,
                   nb_text_shown(twice, shown));
}

static nb_status load(nb_ctx *ctx, nb_source *source, nb_archive *archive)
{
    const char *file = nb_source_name(source);
    if (nb_source_raw_size(source) == 0 && !nb_source_at_end(source)) {
        return nb_fail(ctx, NB_EFORMAT, "%s is a .npz inside a gzip; unpack it first", file);
    }
    nb_zip *zip = nb_zip_open(ctx, source);
    nb_status status = zip ? NB_OK : ctx->status;
    for (size_t i = 0; !status && i < nb_zip_count(zip); i++) {
        status = read_member(ctx, zip, i, archive);
    }
    if (!status) status = check_names(ctx, file, archive);
    nb_zip_close(zip);
    return status;
}

/* ---- Writing ---- */

static nb_status add_member(nb_zip_writer *zip, const nb_text *name, const nb_text *header,
                            nb_tensor *tensor, bool compress)
{
    if (name->failed || header->failed) return NB_EMEMORY;
    nb_tensor *packed = nb_tensor_little_endian(zip->ctx, tensor);
    if (!packed) return zip->ctx->status;
    const nb_span spans[] = {{nb_text_get(header), header->length},
                             {nb_tensor_data(packed), nb_tensor_bytes(packed)}};
    nb_status status = nb_zip_add(zip, nb_text_get(name), spans, 2, compress);
    nb_tensor_release(zip->ctx, packed);
    return status;
}

static nb_status write_member(nb_zip_writer *zip, const nb_named_tensor *entry, bool compress)
{
    nb_text name, header;
    nb_text_init(&name, zip->ctx);
    nb_text_init(&header, zip->ctx);
    nb_text_add(&name, "%s" SUFFIX, entry->name);
    nb_npy_write_header(&header, entry->tensor);
    nb_status status = add_member(zip, &name, &header, entry->tensor, compress);
    nb_text_free(&name);
    nb_text_free(&header);
    return status;
}

static nb_status save(nb_ctx *ctx, const char *path, const nb_archive *archive,
                      const nb_save_options *options)
{
    nb_zip_writer zip;
    nb_sink *sink = nb_sink_open(ctx, path);
    if (!sink) return ctx->status;
    nb_status status = NB_OK;
    nb_zip_begin(&zip, ctx, sink);
    for (size_t i = 0; !status && i < archive->count; i++) {
        status = write_member(&zip, &archive->entry[i], options->compress);
    }
    if (!status) status = nb_zip_end(&zip);
    nb_zip_free(&zip);
    if (!status) return nb_sink_close(sink);
    nb_sink_drop(sink);
    return status;
}

NB_DESCRIPTOR(nb_format, nb_format_npz) = {
    .name = "npz",
    .help = "Tensors by name, as numpy.savez writes them, and with compress = true as "
            "numpy.savez_compressed does.",
    .example = "path = os.tmpname() .. \".npz\"\n"
               "tensor.save(path, {w = tensor.eye(2), b = tensor.zeros(2)}, {compress = true})\n"
               "print(tensor.load(path).w)\nos.remove(path)",
    .named = true,
    .compresses = true,
    .begins = begins,
    .load = load,
    .save = save,
};
