/* See state.h. */
#include "io/state.h"

#include "base/context.h"
#include "io/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the folders above the path's last part that are not there yet. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

nb_status nb_state_path(nb_ctx *ctx, const char *name, nb_text *path)
{
    /* Relative values are ignored, as the standard says. */
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool given = state && *state == '/';
    if (!given && !(home && *home == '/'))
        return nb_fail(ctx, NB_EIO,
                       "there is no folder for what is kept: neither XDG_STATE_HOME nor HOME is "
                       "the path of one");
    nb_text_add(path, given ? "%s/nabla/%s" : "%s/.local/state/nabla/%s", given ? state : home,
                name);
    if (path->failed) return NB_EMEMORY;
    make_folders(path->data);
    return NB_OK;
}

/* The file, or -1 and errno: what is no regular file would give no end of bytes, or none before
 * somebody writes. */
static int open_own(const char *path, int flags)
{
    struct stat about;
    int file = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600), error = EINVAL;
    if (file < 0) return -1;
    if (fstat(file, &about) != 0) {
        error = errno;
    } else if (S_ISREG(about.st_mode)) {
        bool open_to_others = about.st_mode & 077;
        if (!open_to_others || fchmod(file, about.st_mode & 0700) == 0 || errno == EPERM)
            return file;
        error = errno;
    }
    close(file);
    errno = error;
    return -1;
}

static nb_status read_all(nb_ctx *ctx, int file, const char *path, nb_text *into)
{
    char bytes[NB_STATE_MOST + 1];
    size_t length = 0;
    while (length < sizeof bytes) {
        ssize_t n = read(file, bytes + length, sizeof bytes - length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return nb_fail(ctx, NB_EIO, "cannot read %s: %s", path, strerror(errno));
        if (n == 0) break;
        length += (size_t)n;
    }
    if (length > NB_STATE_MOST)
        return nb_fail(ctx, NB_EIO, "%s holds more than %d bytes", path, NB_STATE_MOST);
    nb_text_add_bytes(into, bytes, length);
    return into->failed ? NB_EMEMORY : NB_OK;
}

static nb_status read_path(nb_ctx *ctx, const char *path, nb_text *into)
{
    int file = open_own(path, O_RDONLY);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR)) return NB_OK;
    if (file < 0) return nb_fail(ctx, NB_EIO, "cannot read %s: %s", path, strerror(errno));
    nb_status status = read_all(ctx, file, path, into);
    close(file);
    return status;
}

/* The file is made first, with its permissions, which the sink then keeps. */
static nb_status write_path(nb_ctx *ctx, const char *path, const char *text, size_t bytes)
{
    int file = open_own(path, O_WRONLY | O_CREAT);
    if (file < 0) return nb_fail(ctx, NB_EIO, "cannot write %s: %s", path, strerror(errno));
    close(file);
    nb_sink *sink = nb_sink_open(ctx, path);
    if (!sink) return ctx->status;
    nb_sink_write(sink, text, bytes);
    return nb_sink_close(sink);
}

nb_status nb_state_read(nb_ctx *ctx, const char *name, nb_text *into)
{
    nb_text path;
    nb_text_init(&path, ctx);
    nb_status status = nb_state_path(ctx, name, &path);
    if (status == NB_OK) status = read_path(ctx, nb_text_get(&path), into);
    nb_text_free(&path);
    return status;
}

nb_status nb_state_write(nb_ctx *ctx, const char *name, const char *text, size_t bytes)
{
    nb_text path;
    nb_text_init(&path, ctx);
    nb_status status = nb_state_path(ctx, name, &path);
    if (status == NB_OK) status = write_path(ctx, nb_text_get(&path), text, bytes);
    nb_text_free(&path);
    return status;
}
