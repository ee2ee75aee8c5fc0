/* What was typed, over sessions. */
#include "shell/line/history.h"

#include "io/sink.h"
#include "shell/line/character.h"
#include "shell/screen/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>

enum {
    SLACK = 1000, /* the file is written anew when it holds so many entries more than are kept */
    OPEN_TRIES = 10,
    LOCK_TRIES = 50,
    LOCK_WAIT_NS = 10000000
};

static char *path; /* NULL: no file */

/* ---- Entries as lines ---- */

static char *escape(const char *input)
{
    char *line = malloc(2 * strlen(input) + 2), *to = line;
    if (!line) return NULL;
    for (; *input; input++) {
        bool special = *input == '\n' || *input == '\\';
        if (special) *to++ = '\\';
        *to++ = *input == '\n' ? 'n' : *input;
    }
    *to++ = '\n';
    *to = '\0';
    return line;
}

/* In place; the newline at the end goes. */
static void unescape(char *line)
{
    char *to = line;
    for (; *line && *line != '\n'; line++) {
        if (*line == '\\' && line[1] != '\n' && line[1]) {
            line++;
            *to++ = *line == 'n' ? '\n' : *line;
        } else {
            *to++ = *line;
        }
    }
    *to = '\0';
}

/* ---- The file ---- */

/* The file, or -1: what is no regular file would give no end of entries, or none before somebody
 * writes. What was typed is nobody else's to read. */
static int open_file(int flags, struct stat *about)
{
    int file = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    if (fstat(file, about) == 0 && S_ISREG(about->st_mode)) {
        bool open_to_others = about->st_mode & 077;
        if (!open_to_others || fchmod(file, about->st_mode & 0700) == 0 || errno == EPERM)
            return file;
    }
    close(file);
    return -1;
}

/* Others hold the lock for the time of a write; one that was stopped in it is not waited for. */
static bool lock(int file)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK) return false;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
    }
    return false;
}

/* Opens the file for appending and locks it. When another session put a new file in its place
 * meanwhile, that is opened instead. */
static int open_locked(void)
{
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        struct stat ours, now;
        int file = open_file(O_WRONLY | O_CREAT | O_APPEND, &ours);
        if (file < 0) return -1;
        bool locked = lock(file);
        if (locked && stat(path, &now) == 0 && ours.st_ino == now.st_ino) return file;
        close(file);
        if (!locked) return -1;
    }
    return -1;
}

static void append(const char *input)
{
    char *line = escape(input);
    int file = line ? open_locked() : -1;
    if (file >= 0) {
        size_t length = strlen(line);
        /* Whole or not at all: half an entry would spoil the next one. */
        off_t end = lseek(file, 0, SEEK_END);
        bool whole = write(file, line, length) == (ssize_t)length;
        if (!whole && ftruncate(file, end) != 0) sh_history_close();
        close(file);
    }
    free(line);
}

/* The last of a file that is larger than is read at a start; the line that begins before it goes.
 */
static void skip_old(FILE *file, const struct stat *about, char **line, size_t *room)
{
    if (about->st_size <= SH_HISTORY_BYTES) return;
    if (fseeko(file, about->st_size - SH_HISTORY_BYTES, SEEK_SET) != 0) return;
    if (getline(line, room, file) < 0) rewind(file);
}

/* Reads the file into the list; true when it holds more than should be kept. */
static bool read_file(void)
{
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    struct stat about;
    int fd = open_file(O_RDONLY, &about);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        if (fd >= 0) close(fd);
        return false;
    }
    skip_old(file, &about, &line, &room);
    for (; getline(&line, &room, file) >= 0; count++) {
        unescape(line);
        sh_drop_halves(line);
        if (*line) add_history(line);
    }
    free(line);
    fclose(file);
    return count > SH_HISTORY_MOST + SLACK || about.st_size > SH_HISTORY_BYTES;
}

/* Writes a new file of the entries that are kept. They are read once more under the lock, because
 * another session may have added some. */
static void rewrite(nb_ctx *ctx)
{
    int held = open_locked();
    if (held < 0) return;
    clear_history();
    read_file();
    nb_sink *sink = nb_sink_open(ctx, path);
    bool whole = sink;
    for (size_t i = 0; whole && i < sh_history_count(); i++) {
        char *line = escape(sh_history_entry(i));
        whole = line;
        if (line) nb_sink_write(sink, line, strlen(line));
        free(line);
    }
    /* One that fails leaves the old file, and the next start tries again. */
    if (whole)
        nb_sink_close(sink);
    else
        nb_sink_drop(sink);
    close(held);
}

void sh_history_open(nb_ctx *ctx)
{
    using_history();
    stifle_history(SH_HISTORY_MOST);
    path = sh_state_path(ctx, "history");
    if (path && read_file()) rewrite(ctx);
}

void sh_history_close(void)
{
    free(path);
    path = NULL;
    clear_history();
}

void sh_history_add(const char *input)
{
    size_t count = sh_history_count();
    if (count > 0 && strcmp(sh_history_entry(count - 1), input) == 0) return;
    add_history(input);
    if (path) append(input);
}

/* What an entry carries as its time, which nothing reads here: no file of ours has one, and
 * Readline takes it along where an entry is edited. A failed one has this. */
static const char failed[] = "failed";

/* Without memory for it an entry stays as it was. */
static void mark_entry(HIST_ENTRY *entry, const char *mark)
{
    char *copy = strdup(mark);
    if (!copy) return;
    free(entry->timestamp);
    entry->timestamp = copy;
}

void sh_history_end(const char *input, bool fine)
{
    for (int i = 0; i < history_length; i++) {
        HIST_ENTRY *entry = history_get(history_base + i);
        if (entry && strcmp(entry->line, input) == 0) mark_entry(entry, fine ? "" : failed);
    }
}

bool sh_history_failed(size_t i)
{
    const HIST_ENTRY *entry = history_get(history_base + (int)i);
    return entry && entry->timestamp && strcmp(entry->timestamp, failed) == 0;
}

size_t sh_history_count(void)
{
    return (size_t)history_length;
}

const char *sh_history_entry(size_t i)
{
    const HIST_ENTRY *entry = history_get(history_base + (int)i);
    return entry ? entry->line : "";
}
