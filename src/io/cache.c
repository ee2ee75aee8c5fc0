/* See cache.h. The lock is the folder's own: it needs no file that would be left. */
#include "io/cache.h"

#include "base/context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 20 * 1000000 }; /* nanoseconds between two tries */

static nb_status make_folder(nb_ctx *ctx, const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return NB_OK;
    return nb_fail(
        ctx, NB_EIO,
        "cannot make %s for what is converted: %s; XDG_CACHE_HOME may name another folder", path,
        strerror(errno));
}

nb_status nb_cache_folder(nb_ctx *ctx, nb_text *path)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool given = cache && *cache == '/';
    if (!given && !(home && *home == '/'))
        return nb_fail(ctx, NB_EIO,
                       "there is no folder for what is converted: neither "
                       "XDG_CACHE_HOME nor HOME is the path of one");
    nb_text_add(path, given ? "%s" : "%s/.cache", given ? cache : home);
    nb_status status = path->failed ? NB_EMEMORY : make_folder(ctx, nb_text_get(path));
    nb_text_add(path, "/nabla");
    if (status == NB_OK) status = path->failed ? NB_EMEMORY : make_folder(ctx, nb_text_get(path));
    nb_text_add(path, "/");
    return status == NB_OK && path->failed ? NB_EMEMORY : status;
}

nb_status nb_cache_lock(nb_ctx *ctx, const char *folder, int *lock)
{
    nb_status status = NB_OK;
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return nb_fail(ctx, NB_EIO, "cannot open %s: %s", folder, strerror(errno));
    while (status == NB_OK && flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return NB_OK;
        nanosleep(&(struct timespec){.tv_nsec = WAIT}, NULL);
        status = nb_poll(ctx);
    }
    if (status != NB_OK) nb_cache_unlock(*lock);
    return status;
}

void nb_cache_unlock(int lock)
{
    close(lock);
}

void nb_cache_remove(const char *folder, const char *name, size_t first, size_t keep)
{
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, name, first) == 0 && strncmp(entry->d_name, name, keep) != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}
