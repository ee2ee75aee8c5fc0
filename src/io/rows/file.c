/* See file.h. */
#include "io/rows/file.h"

#include "base/memory.h"
#include "io/bytes.h"
#include "io/idx.h"
#include "io/numpy/npy.h"
#include "io/source.h"
#include "tensor/shape.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* ---- Opening ---- */

static nb_status refuse_packed(nb_ctx *ctx, const char *path)
{
    return nb_fail(ctx, NB_EFORMAT,
                   "%s is packed, so that no row of it can be read by itself; unpack it first "
                   "(gunzip), or leave map out",
                   path);
}

static nb_status check_elements(nb_ctx *ctx, const char *path, const nb_elements *of)
{
    char text[NB_SHAPE_TEXT];
    if (of->dims == 0 || nb_shape_count(of->dims, of->shape) == 0)
        return nb_fail(ctx, NB_EFORMAT, "%s holds no rows: its shape is %s", path,
                       nb_shape_text(of->dims, of->shape, text));
    if (!of->plain)
        return nb_fail(ctx, NB_EFORMAT,
                       "%s has elements that are converted as they are read; u8, i32, f32 and f64 "
                       "can stay in the file: save it as one of these, or leave map out",
                       path);
    if (of->column_major)
        return nb_fail(ctx, NB_EFORMAT,
                       "%s is stored by columns, so that no row lies in one piece; save "
                       "numpy.ascontiguousarray of it, or leave map out",
                       path);
    return NB_OK;
}

/* Reads the header; *begin: where the elements do. */
static nb_status read_header(nb_ctx *ctx, const char *path, uint64_t *begin, nb_elements *of)
{
    uint8_t head[1] = {0};
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return ctx->status;
    nb_status status = NB_OK;
    if (nb_source_peek(source, head, 1) > 0 && nb_source_raw_size(source) == 0)
        status = refuse_packed(ctx, path);
    else
        status = head[0] == 0x93 ? nb_npy_begin(ctx, source, of) : nb_idx_begin(ctx, source, of);
    *begin = nb_source_position(source);
    nb_source_close(source);
    return status == NB_OK ? check_elements(ctx, path, of) : status;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static nb_status open_file(nb_row_file *file, const char *path)
{
    nb_ctx *ctx = file->ctx;
    file->path = nb_copy_string(ctx, path);
    if (!file->path) return NB_EMEMORY;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd >= 0 && fstat(file->fd, &file->about) == 0) return NB_OK;
    return nb_fail(ctx, NB_EIO, "cannot open %s: %s", path, strerror(errno));
}

nb_row_file *nb_row_file_open_at(nb_ctx *ctx, const char *path, const struct stat *about,
                                 uint64_t begin, const nb_elements *of)
{
    nb_row_file *file = nb_alloc_zero(ctx, 1, sizeof *file);
    if (!file) return NULL;
    *file = (nb_row_file){.ctx = ctx, .fd = -1, .begin = begin, .of = *of};
    file->rows = of->shape[0];
    file->row_bytes =
        (size_t)nb_shape_count(of->dims - 1, of->shape + 1) * nb_dtype_size(of->dtype);
    nb_status status = open_file(file, path);
    if (status == NB_OK && !is_same(&file->about, about))
        status = nb_fail(ctx, NB_EIO, "%s changed while it was opened", path);
    if (status == NB_OK) return file;
    nb_row_file_close(file);
    return NULL;
}

nb_row_file *nb_row_file_open(nb_ctx *ctx, const char *path)
{
    nb_elements of;
    uint64_t begin = 0;
    struct stat about;
    if (stat(path, &about) != 0)
        return nb_fail_null(ctx, NB_EIO, "cannot open %s: %s", path, strerror(errno));
    if (read_header(ctx, path, &begin, &of) != NB_OK) return NULL;
    return nb_row_file_open_at(ctx, path, &about, begin, &of);
}

void nb_row_file_close(nb_row_file *file)
{
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    nb_free_string(file->ctx, file->path);
    nb_free(file->ctx, file, sizeof *file);
}

/* ---- Reading ---- */

static uint64_t place_of(const nb_row_file *file, int64_t row)
{
    return file->begin + (uint64_t)row * file->row_bytes;
}

nb_row_outcome nb_row_file_check(const nb_row_file *file)
{
    struct stat now;
    if (fstat(file->fd, &now) != 0) return NB_ROW_FAILED;
    bool there = file->kept || now.st_nlink > 0;
    return there && is_same(&now, &file->about) ? NB_ROW_READ : NB_ROW_CHANGED;
}

nb_row_outcome nb_row_file_read(const nb_row_file *file, int64_t first, size_t count, void *into)
{
    char *at = into;
    size_t left = count * file->row_bytes, width = nb_dtype_size(file->of.dtype);
    uint64_t place = place_of(file, first);
    while (left > 0) {
        ssize_t n = pread(file->fd, at, left, (off_t)place);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return NB_ROW_FAILED;
        if (n == 0) return NB_ROW_SHORT;
        at += n;
        left -= (size_t)n;
        place += (uint64_t)n;
    }
    if (file->of.swapped) nb_swap_bytes(into, width, count * file->row_bytes / width);
    return NB_ROW_READ;
}

nb_status nb_row_file_fail(const nb_row_file *file, nb_row_outcome outcome, int error, int64_t row)
{
    struct stat now;
    if (outcome == NB_ROW_FAILED)
        return nb_fail(file->ctx, NB_EIO, "cannot read row %" PRId64 " of %s: %s", row + 1,
                       file->path, strerror(error));
    if (fstat(file->fd, &now) == 0 && now.st_nlink == 0)
        return nb_fail(file->ctx, NB_EIO,
                       "%s was removed or replaced after it was opened; row %" PRId64
                       " is not read: open it anew",
                       file->path, row + 1);
    uint64_t end = place_of(file, row + 1);
    return nb_fail(file->ctx, NB_EIO,
                   "%s has changed since it was opened: it has %" PRIu64 " bytes and had %" PRIu64
                   "; row %" PRId64 " (up to byte %" PRIu64 ") is not read: open it anew",
                   file->path, (uint64_t)now.st_size, (uint64_t)file->about.st_size, row + 1, end);
}
