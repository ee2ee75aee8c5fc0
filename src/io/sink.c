/* A file that appears whole or not at all. What is no regular file (a terminal, a pipe, /dev/null)
 * has no old content to keep and no name to rename over: it is written directly. So is a descriptor
 * (/dev/stdout), whatever it is open on. */
#include "io/sink.h"

#include "base/hush.h"
#include "base/processes/peers.h"
#include "base/text.h"
#include "io/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    PIECE = 16 << 20, /* bytes between two looks at Ctrl-C */
    MODE_BITS = 0777,
    LINKS_MAX = 40,     /* as many as Linux follows */
    PROC_TYPE = 0x9fa0, /* statfs says so of /proc */
    FIRST_FREE_FD = 3
};

struct nb_sink {
    nb_ctx *ctx;
    char *name;        /* the user's, for messages */
    char *target;      /* the file to replace, links followed; NULL: written directly */
    nb_text temporary; /* empty: none to remove */
    int fd;
    bool is_output; /* standard output itself: what its closed pipe means is the program's matter */
    bool replaces;  /* there is an old file, this: */
    struct stat old; /* whose and with which permissions */
    int error;       /* errno of the first failure; 0: none */
    bool interrupted;
};

static nb_status failed(nb_sink *sink, int error)
{
    return nb_fail(sink->ctx, NB_EIO, "cannot write %s: %s%s", sink->name, strerror(error),
                   sink->replaces ? "; the old file is as it was" : "");
}

/* ---- Written directly ---- */

/* Does not wait for a fifo's reader, but for what it reads later. */
static nb_status open_directly(nb_sink *sink, int flags)
{
    sink->fd = open(sink->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    if (sink->fd < 0) return failed(sink, errno);
    flags = fcntl(sink->fd, F_GETFL);
    if (flags < 0 || fcntl(sink->fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return failed(sink, errno);
    return NB_OK;
}

/* A copy of the descriptor, not the file opened anew: so it goes on where the others who write
 * there are. What they hold back comes first. */
static nb_status open_descriptor(nb_sink *sink, int fd)
{
    sink->is_output = fd == STDOUT_FILENO;
    if (sink->is_output) fflush(stdout);
    sink->fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    return sink->fd < 0 ? failed(sink, errno) : NB_OK;
}

/* The descriptor that an entry of a folder in /proc is, when it is one of this process; else -1. */
static int descriptor_of(const char *folder, const char *entry)
{
    char own[PATH_MAX], *end;
    if (!realpath("/proc/self/fd", own) || strcmp(folder, own) != 0) return -1;
    long fd = strtol(entry, &end, 10);
    return end > entry && *end == '\0' && fd >= 0 && fd <= INT_MAX ? (int)fd : -1;
}

/* Whether a path leads to an entry of /proc, as /dev/stdout does. Those look like links to files
 * and are what is open: replacing such a file would leave who has it open with the old one. */
static bool leads_to_proc(const char *path, int *fd)
{
    char at[PATH_MAX], folder[PATH_MAX], next[PATH_MAX];
    struct statfs about;
    if (snprintf(at, sizeof at, "%s", path) >= (int)sizeof at) return false;
    for (int i = 0; i < LINKS_MAX; i++) {
        size_t length = nb_folder_length(at);
        const char *entry = at + length;
        snprintf(next, sizeof next, "%.*s", (int)length, length > 0 ? at : ".");
        if (!realpath(length > 0 ? next : ".", folder) || statfs(folder, &about) != 0) return false;
        *fd = descriptor_of(folder, entry);
        if (about.f_type == PROC_TYPE) return true;
        ssize_t n = readlink(at, next, sizeof next - 1);
        if (n <= 0) return false;
        next[n] = '\0';
        bool whole = *next == '/';
        n = snprintf(at, sizeof at, "%s%s%s", whole ? "" : folder, whole ? "" : "/", next);
        if (n >= (ssize_t)sizeof at) return false;
    }
    return false;
}

/* ---- Written beside and renamed ---- */

static nb_status open_beside(nb_sink *sink, const char *target)
{
    sink->target = nb_copy_string(sink->ctx, target);
    if (!sink->target) return NB_EMEMORY;
    sink->fd = nb_temporary_open(target, sink->replaces ? 0600 : 0666, &sink->temporary);
    if (sink->temporary.failed) return NB_EMEMORY;
    return sink->fd < 0 ? failed(sink, errno) : NB_OK;
}

/* Renaming needs no right to write the old file, but who took that right away meant it. */
static nb_status open_replacing(nb_sink *sink)
{
    char resolved[PATH_MAX];
    sink->replaces = true;
    if (faccessat(AT_FDCWD, sink->name, W_OK, AT_EACCESS) != 0 || !realpath(sink->name, resolved)) {
        return failed(sink, errno);
    }
    return open_beside(sink, resolved);
}

static nb_status open_target(nb_sink *sink)
{
    struct stat *about = &sink->old;
    int error = stat(sink->name, about) == 0 ? 0 : errno, fd;
    if (leads_to_proc(sink->name, &fd)) {
        if (fd >= 0) return open_descriptor(sink, fd);
        return open_directly(sink, error == 0 && S_ISREG(about->st_mode) ? O_APPEND : 0);
    }
    if (error == 0) {
        if (S_ISDIR(about->st_mode)) return failed(sink, EISDIR);
        return S_ISREG(about->st_mode) ? open_replacing(sink) : open_directly(sink, 0);
    }
    if (error != ENOENT) return failed(sink, error);
    if (lstat(sink->name, about) == 0) {
        return nb_fail(sink->ctx, NB_EIO, "cannot write %s: it is a link to a file that is gone",
                       sink->name);
    }
    return open_beside(sink, sink->name);
}

nb_sink *nb_sink_open(nb_ctx *ctx, const char *path)
{
    return nb_sink_open_here(ctx, nb_is_first(ctx) ? path : "/dev/null");
}

nb_sink *nb_sink_open_here(nb_ctx *ctx, const char *path)
{
    nb_sink *sink = nb_alloc_zero(ctx, 1, sizeof *sink);
    if (!sink) return NULL;
    sink->ctx = ctx;
    sink->fd = -1;
    nb_text_init(&sink->temporary, ctx);
    sink->name = nb_copy_string(ctx, path);
    if (sink->name && open_target(sink) == NB_OK) return sink;
    nb_sink_drop(sink);
    return NULL;
}

static ssize_t write_some(const nb_sink *sink, const void *data, size_t bytes)
{
    nb_hush hush;
    if (!sink->is_output) nb_hush_begin(&hush);
    ssize_t n = write(sink->fd, data, bytes < PIECE ? bytes : PIECE);
    if (!sink->is_output) nb_hush_end(&hush);
    return n;
}

void nb_sink_write(nb_sink *sink, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0 && !sink->error && !sink->interrupted) {
        ssize_t n = write_some(sink, at, bytes);
        if (n >= 0) {
            at += n;
            bytes -= (size_t)n;
        } else if (errno != EINTR) {
            sink->error = errno;
        }
        sink->interrupted = nb_interrupted(sink->ctx);
    }
}

/* The rename itself must reach the disk. Not every file system can do it, and the new file is in
 * place whatever comes of it, so the outcome does not matter. The temporary's name has served; cut
 * behind the last slash, or behind its leading dot, it is the folder's. */
static void sync_directory(nb_text *temporary)
{
    size_t length = nb_folder_length(temporary->data);
    temporary->data[length > 0 ? length : 1] = '\0';
    int fd = open(temporary->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    nb_text_free(temporary);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* The new file has the old one's permissions, and its owner and group where this process may give
 * it to them. What the old group might do is not for another group. 0, or the errno. */
static int keep_rights(const nb_sink *sink)
{
    const struct stat *old = &sink->old;
    mode_t mode = old->st_mode & MODE_BITS;
    struct stat now;
    if (fstat(sink->fd, &now) != 0) return errno;
    if (now.st_gid != old->st_gid && fchown(sink->fd, (uid_t)-1, old->st_gid) != 0)
        mode = (mode & ~(mode_t)070) | (mode & 07) << 3;
    if (fchmod(sink->fd, mode) != 0) return errno;
    bool given = now.st_uid == old->st_uid || fchown(sink->fd, old->st_uid, (gid_t)-1) == 0;
    (void)given;
    return 0;
}

/* 0, or the errno of what failed. The temporary is renamed while its lock is held, or another
 * process might take it for one that was left; nothing is written after fsync, so closing it has
 * nothing to report. */
static int settle(nb_sink *sink)
{
    int fd = sink->fd, error = 0;
    if (!sink->target) {
        sink->fd = -1;
        return close(fd) == 0 ? 0 : errno;
    }
    if (sink->replaces) error = keep_rights(sink);
    if (error) return error;
    if (fsync(fd) != 0 || rename(nb_text_get(&sink->temporary), sink->target) != 0) return errno;
    sync_directory(&sink->temporary);
    return 0;
}

nb_status nb_sink_close(nb_sink *sink)
{
    nb_status status = NB_OK;
    if (sink->interrupted) {
        status = nb_fail(sink->ctx, NB_EINTERRUPT, "interrupted; %s is not written", sink->name);
    } else {
        int error = sink->error ? sink->error : settle(sink);
        if (error) status = failed(sink, error);
    }
    nb_sink_drop(sink);
    return status;
}

void nb_sink_drop(nb_sink *sink)
{
    if (!sink) return;
    nb_ctx *ctx = sink->ctx;
    if (sink->temporary.length > 0) unlink(nb_text_get(&sink->temporary));
    if (sink->fd >= 0) close(sink->fd);
    nb_text_free(&sink->temporary);
    nb_free_string(ctx, sink->target);
    nb_free_string(ctx, sink->name);
    nb_free(ctx, sink, sizeof *sink);
}
