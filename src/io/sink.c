/* A file that appears whole or not at all. What is no regular file (a terminal, a pipe, /dev/null)
 * has no old content to keep and no name to rename over: it is written directly. */
#include "io/sink.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE = 16 << 20,   /* bytes between two looks at Ctrl-C */
    NAMES_TRIED = 1000, /* temporary names; each is taken only where a crash left one behind */
    MODE_BITS = 0777
};

struct nb_sink {
    nb_ctx *ctx;
    char *name;        /* the user's, for messages */
    char *target;      /* the file to replace, links followed; NULL: written directly */
    nb_text temporary; /* empty: none to remove */
    int fd;
    bool replaces; /* there is an old file, with these permissions */
    mode_t mode;
    int error; /* errno of the first failure; 0: none */
    bool interrupted;
};

static nb_status failed(nb_sink *sink, int error)
{
    return nb_fail(sink->ctx, NB_EIO, "cannot write %s: %s%s", sink->name, strerror(error),
                   sink->replaces ? "; the old file is as it was" : "");
}

static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A name of its own, not one made from the target's, which may be as long as names can be. */
static nb_status open_temporary(nb_sink *sink)
{
    int directory = (int)directory_length(sink->target);
    for (int i = 0; i < NAMES_TRIED; i++) {
        nb_text_free(&sink->temporary);
        nb_text_add(&sink->temporary, "%.*s.nabla-%ld-%d", directory, sink->target, (long)getpid(),
                    i);
        if (sink->temporary.failed) return NB_EMEMORY;
        sink->fd = open(nb_text_get(&sink->temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                        sink->replaces ? 0600 : 0666);
        if (sink->fd >= 0) return NB_OK;
        if (errno != EEXIST) break;
    }
    int error = errno;
    nb_text_free(&sink->temporary); /* not ours to remove */
    return failed(sink, error);
}

/* Does not wait for a fifo's reader, but for what it reads later. */
static nb_status open_directly(nb_sink *sink)
{
    sink->fd = open(sink->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (sink->fd < 0) return failed(sink, errno);
    int flags = fcntl(sink->fd, F_GETFL);
    if (flags < 0 || fcntl(sink->fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return failed(sink, errno);
    return NB_OK;
}

static nb_status open_beside(nb_sink *sink, const char *target)
{
    sink->target = nb_copy_string(sink->ctx, target);
    return sink->target ? open_temporary(sink) : NB_EMEMORY;
}

/* Renaming needs no right to write the old file, but who took that right away meant it. */
static nb_status open_replacing(nb_sink *sink, mode_t mode)
{
    char resolved[PATH_MAX];
    sink->replaces = true;
    sink->mode = mode & MODE_BITS;
    if (faccessat(AT_FDCWD, sink->name, W_OK, AT_EACCESS) != 0 || !realpath(sink->name, resolved)) {
        return failed(sink, errno);
    }
    return open_beside(sink, resolved);
}

static nb_status open_target(nb_sink *sink)
{
    struct stat about;
    if (stat(sink->name, &about) == 0) {
        if (S_ISDIR(about.st_mode)) return failed(sink, EISDIR);
        return S_ISREG(about.st_mode) ? open_replacing(sink, about.st_mode) : open_directly(sink);
    }
    if (errno != ENOENT) return failed(sink, errno);
    if (lstat(sink->name, &about) == 0) {
        return nb_fail(sink->ctx, NB_EIO, "cannot write %s: it is a link to a file that is gone",
                       sink->name);
    }
    return open_beside(sink, sink->name);
}

nb_sink *nb_sink_open(nb_ctx *ctx, const char *path)
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

void nb_sink_write(nb_sink *sink, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0 && !sink->error && !sink->interrupted) {
        ssize_t n = write(sink->fd, at, bytes < PIECE ? bytes : PIECE);
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
    size_t length = directory_length(temporary->data);
    temporary->data[length > 0 ? length : 1] = '\0';
    int fd = open(temporary->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    nb_text_free(temporary);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int close_fd(nb_sink *sink)
{
    int fd = sink->fd;
    sink->fd = -1;
    return close(fd);
}

/* 0, or the errno of what failed. */
static int settle(nb_sink *sink)
{
    if (!sink->target) return close_fd(sink) == 0 ? 0 : errno;
    if (sink->replaces && fchmod(sink->fd, sink->mode) != 0) return errno;
    if (fsync(sink->fd) != 0 || close_fd(sink) != 0) return errno;
    if (rename(nb_text_get(&sink->temporary), sink->target) != 0) return errno;
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
    if (sink->fd >= 0) close(sink->fd);
    if (sink->temporary.length > 0) unlink(nb_text_get(&sink->temporary));
    nb_text_free(&sink->temporary);
    nb_free_string(ctx, sink->target);
    nb_free_string(ctx, sink->name);
    nb_free(ctx, sink, sizeof *sink);
}
