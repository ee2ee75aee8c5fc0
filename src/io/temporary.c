/* Temporaries beside the files that they are to replace. */
#include "io/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".nabla-"
#define DIGITS "0123456789"

enum { NAMES_TRIED = 1000 }; /* each is taken only where locks failed or another host has our PID */

size_t nb_folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* ---- What was left ---- */

static bool is_temporary(const char *name)
{
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) return false;
    name += sizeof PREFIX - 1;
    size_t digits = strspn(name, DIGITS);
    if (digits == 0 || name[digits] != '-') return false;
    name += digits + 1;
    digits = strspn(name, DIGITS);
    return digits > 0 && name[digits] == '\0';
}

/* Whether the name still is that of the open file, which *file is to describe. */
static bool is_named(int fd, int folder, const char *name, struct stat *file)
{
    struct stat named;
    if (fstat(fd, file) != 0 || fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return file->st_ino == named.st_ino && file->st_dev == named.st_dev;
}

/* The name is looked at under the lock: its maker, who holds that until he has renamed the file,
 * may have been done meanwhile. Open for writing because locks on NFS want that. */
static void remove_left(int folder, const char *name)
{
    struct stat file;
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    bool left = flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(fd, folder, name, &file);
    if (left && S_ISREG(file.st_mode) && file.st_uid == geteuid()) unlinkat(folder, name, 0);
    close(fd);
}

static void remove_all_left(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (is_temporary(entry->d_name)) remove_left(dirfd(dir), entry->d_name);
    closedir(dir);
}

/* ---- A new one ---- */

/* False where another process found the file before it was locked, and removes it. */
static bool hold(int fd, const char *path)
{
    struct stat file;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return is_named(fd, AT_FDCWD, path, &file);
    return errno != EWOULDBLOCK;
}

/* A name of its own, not one made from the target's, which may be as long as names can be. */
int nb_temporary_open(const char *target, mode_t mode, nb_text *name)
{
    int folder = (int)nb_folder_length(target);
    nb_text_add(name, "%.*s.", folder, target);
    if (name->failed) return -1;
    remove_all_left(nb_text_get(name));
    for (int i = 0; i < NAMES_TRIED; i++) {
        nb_text_free(name);
        nb_text_add(name, "%.*s" PREFIX "%ld-%d", folder, target, (long)getpid(), i);
        if (name->failed) return -1;
        int fd = open(nb_text_get(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 && hold(fd, nb_text_get(name))) return fd;
        if (fd < 0 && errno != EEXIST) break;
        if (fd >= 0) close(fd);
    }
    int error = errno;
    nb_text_free(name); /* not ours to remove */
    errno = error;
    return -1;
}
