/* See convert.h. Two passes over the text: the first learns how many rows there are and of what
 * kind, the second writes them. */
#include "io/csv/convert.h"

#include "base/hash.h"
#include "base/memory.h"
#include "io/cache.h"
#include "io/csv/pass.h"
#include "io/csv/saved.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BLOCK = 256 << 10 }; /* bytes of x that are written at once, or a row */

/* A conversion under way. */
typedef struct converting {
    nb_ctx *ctx;
    const char *path;
    const nb_csv_options *options;
    struct stat about; /* of the text */
    nb_text key;       /* what the file is made of, in a text */
    nb_text folder, name, target;
    size_t name_path,
        name_stamp; /* bytes of the name up to the path's hash, and up to the stamp's */
} converting;

/* ---- Names ---- */

static void add_columns(nb_text *key, const nb_csv_column *columns, size_t count)
{
    nb_text_add(key, "\n%zu", count);
    for (size_t i = 0; i < count; i++) {
        if (columns[i].name)
            nb_text_add(key, " '%zu:%s", strlen(columns[i].name), columns[i].name);
        else
            nb_text_add(key, " %" PRId64, columns[i].number);
    }
}

static void add_options(nb_text *key, const nb_csv_options *o)
{
    nb_text_add(key, "\n%d %d %d %d %d %a %d %d", o->delimiter, o->decimal, o->comment, o->header,
                (int)o->missing, o->fill, (int)o->dtype, o->classes);
    add_columns(key, o->x, o->x_count);
    add_columns(key, o->y, o->y_count);
    nb_text_add(key, "\n%zu", o->name_count);
    for (size_t i = 0; i < o->name_count; i++)
        nb_text_add(key, " '%zu:%s", strlen(o->names[i]), o->names[i]);
}

/* The key, and the file's name: hashes of the path, of size and time, and of all. */
static nb_status name_file(converting *c)
{
    char real[PATH_MAX];
    if (!realpath(c->path, real) || stat(real, &c->about) != 0)
        return nb_fail(c->ctx, NB_EIO, "cannot open %s: %s", c->path, strerror(errno));
    nb_text_add(&c->name, "csv-%016" PRIx64 "-", nb_hash(real, strlen(real)));
    c->name_path = c->name.length;
    nb_text_add(&c->key, "%s", real);
    size_t stamp = c->key.length;
    nb_text_add(&c->key, "\n%" PRIu64 " %" PRId64 ".%09ld", (uint64_t)c->about.st_size,
                (int64_t)c->about.st_mtim.tv_sec, (long)c->about.st_mtim.tv_nsec);
    if (c->key.failed) return NB_EMEMORY;
    nb_text_add(&c->name, "%016" PRIx64 "-", nb_hash(c->key.data + stamp, c->key.length - stamp));
    c->name_stamp = c->name.length;
    add_options(&c->key, c->options);
    if (c->key.failed) return NB_EMEMORY;
    nb_text_add(&c->name, "%016" PRIx64, nb_hash(c->key.data, c->key.length));
    nb_text_add(&c->target, "%s%s", nb_text_get(&c->folder), nb_text_get(&c->name));
    return c->name.failed || c->target.failed ? NB_EMEMORY : NB_OK;
}

/* ---- Writing ---- */

static nb_status check_unchanged(const converting *c)
{
    struct stat now;
    if (stat(c->path, &now) == 0 && now.st_size == c->about.st_size &&
        now.st_ino == c->about.st_ino && now.st_mtim.tv_sec == c->about.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == c->about.st_mtim.tv_nsec)
        return NB_OK;
    return nb_fail(c->ctx, NB_EIO, "%s changed while it was converted", c->path);
}

/* The rows of x in a block, which is written when it is full. */
typedef struct writing {
    nb_sink *sink;
    nb_dtype dtype;
    size_t width, row_bytes, room, rows;
    char *block;
} writing;

static void flush(writing *w)
{
    nb_sink_write(w->sink, w->block, w->rows * w->row_bytes);
    w->rows = 0;
}

static void write_row(writing *w, double *value, const nb_csv_means *means)
{
    for (size_t i = 0; i < w->width && means->missing; i++)
        if (isnan(value[i])) value[i] = means->sum[i];
    nb_csv_store(value, w->width, w->dtype, w->block + w->rows * w->row_bytes);
    if (++w->rows == w->room) flush(w);
}

static nb_status write_rows(const converting *c, writing *w, nb_csv_rows *rows,
                            const nb_csv_pass *pass)
{
    bool more = true;
    int64_t count = 0;
    nb_status status = NB_OK;
    for (;; count++) {
        status = nb_csv_rows_next(rows, &more);
        if (status != NB_OK || !more || count == pass->count) break;
        if (nb_csv_narrowest(rows->value, w->width, w->dtype, c->options->dtype) != w->dtype)
            return nb_fail(c->ctx, NB_EIO, "%s changed while it was converted", c->path);
        write_row(w, rows->value, &pass->means);
    }
    if (status != NB_OK) return status;
    if (more || count != pass->count)
        return nb_fail(c->ctx, NB_EIO, "%s changed while it was converted", c->path);
    flush(w);
    return check_unchanged(c);
}

static nb_status write_x(const converting *c, nb_sink *sink, const nb_csv_pass *pass)
{
    nb_csv_rows rows;
    writing w = {.sink = sink, .dtype = pass->dtype, .width = pass->rows.columns.x};
    w.row_bytes = w.width * nb_dtype_size(w.dtype);
    w.room = BLOCK / w.row_bytes > 0 ? BLOCK / w.row_bytes : 1;
    w.block = nb_alloc(c->ctx, w.room * w.row_bytes);
    nb_source *source = w.block ? nb_source_open(c->ctx, c->path) : NULL;
    nb_status status =
        source ? nb_csv_rows_open(c->ctx, source, c->options, &rows) : c->ctx->status;
    if (status == NB_OK) {
        status = rows.columns.x == w.width ? write_rows(c, &w, &rows, pass) : check_unchanged(c);
        nb_csv_rows_close(&rows);
    }
    nb_source_close(source);
    nb_free(c->ctx, w.block, w.room * w.row_bytes);
    return status;
}

/* Said before an hour's work, not after it. */
static nb_status check_space(const converting *c, const nb_csv_pass *pass, const nb_table *table)
{
    struct statvfs disk;
    char needed[NB_SIZE_TEXT_MAX], left[NB_SIZE_TEXT_MAX];
    uint64_t bytes = nb_csv_saved_size(nb_text_get(&c->key), table, pass->count,
                                       pass->rows.columns.x, pass->dtype);
    if (statvfs(nb_text_get(&c->folder), &disk) != 0) return NB_OK;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (bytes <= free_bytes) return NB_OK;
    return nb_fail(c->ctx, NB_EIO,
                   "%s takes %s when it is converted; %s has %s left: XDG_CACHE_HOME may name "
                   "another folder",
                   c->path, nb_size_text((size_t)bytes, needed), nb_text_get(&c->folder),
                   nb_size_text((size_t)free_bytes, left));
}

static nb_status write_file(const converting *c, const nb_csv_pass *pass, const nb_table *table)
{
    nb_status status = check_space(c, pass, table);
    nb_sink *sink = status == NB_OK ? nb_sink_open_here(c->ctx, nb_text_get(&c->target)) : NULL;
    if (!sink) return c->ctx->status;
    status = nb_csv_save_head(c->ctx, sink, nb_text_get(&c->key), table, pass->count,
                              pass->rows.columns.x, pass->dtype);
    if (status == NB_OK) status = write_x(c, sink, pass);
    if (status == NB_OK) return nb_sink_close(sink);
    nb_sink_drop(sink);
    return status;
}

static nb_status convert(converting *c)
{
    nb_csv_pass pass;
    nb_table table = {.x = NULL};
    nb_source *source = nb_source_open(c->ctx, c->path);
    if (!source) return c->ctx->status;
    nb_status status = nb_csv_pass_run(c->ctx, source, c->options, NULL, &pass);
    if (status == NB_OK) status = nb_csv_pass_settle(&pass, &table);
    if (status == NB_OK) status = check_unchanged(c);
    if (status == NB_OK) status = write_file(c, &pass, &table);
    nb_table_free(c->ctx, &table);
    nb_csv_pass_free(&pass);
    nb_source_close(source);
    return status;
}

/* ---- All of it ---- */

/* Whoever waited for the folder may find the file made. */
static nb_status make(converting *c, nb_table *table, nb_row_file **x)
{
    int lock;
    const char *target = nb_text_get(&c->target), *key = nb_text_get(&c->key);
    nb_status status = nb_cache_lock(c->ctx, nb_text_get(&c->folder), &lock);
    if (status != NB_OK) return status;
    status = nb_csv_open_saved(c->ctx, target, key, table, x);
    if (status == NB_OK && !*x) {
        unlink(target); /* what is no conversion of ours: a link would be written through */
        status = convert(c);
        if (status == NB_OK) status = nb_csv_open_saved(c->ctx, target, key, table, x);
        if (status == NB_OK && !*x)
            status = nb_fail(c->ctx, NB_EIO, "%s changed as it was written", target);
        if (status == NB_OK)
            nb_cache_remove(nb_text_get(&c->folder), nb_text_get(&c->name), c->name_path,
                            c->name_stamp);
    }
    nb_cache_unlock(lock);
    return status;
}

nb_status nb_csv_convert(nb_ctx *ctx, const char *path, const nb_csv_options *options,
                         nb_table *table, nb_row_file **x)
{
    converting c = {.ctx = ctx, .path = path, .options = options};
    nb_text *texts[] = {&c.key, &c.folder, &c.name, &c.target};
    *x = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) nb_text_init(texts[i], ctx);
    nb_status status = nb_cache_folder(ctx, &c.folder);
    if (status == NB_OK) status = name_file(&c);
    if (status == NB_OK)
        status = nb_csv_open_saved(ctx, nb_text_get(&c.target), nb_text_get(&c.key), table, x);
    if (status == NB_OK && !*x) status = make(&c, table, x);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) nb_text_free(texts[i]);
    return status;
}
