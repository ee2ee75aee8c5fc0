/* What was typed, over sessions. */
#include "shell/screen/history.h"

#include "shell/screen/paths.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>

enum {
    SLACK = 1000, /* the file is written anew when it holds so many entries more than are kept */
    LOCK_TRIES = 10
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

/* Opens the file for appending and locks it. When another session put a new file in its place
 * meanwhile, that is opened instead. */
static int open_locked(void)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        struct stat ours, now;
        int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file < 0) return -1;
        bool locked = flock(file, LOCK_EX) == 0 && fstat(file, &ours) == 0;
        if (locked && stat(path, &now) == 0 && ours.st_ino == now.st_ino) return file;
        close(file);
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

/* Reads the file into the list; returns how many entries it holds. */
static int read_file(void)
{
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    for (; getline(&line, &room, file) >= 0; count++) {
        unescape(line);
        if (*line) add_history(line);
    }
    free(line);
    fclose(file);
    return count;
}

static bool write_entries(int file)
{
    bool good = true;
    for (size_t i = 0; good && i < sh_history_count(); i++) {
        char *line = escape(sh_history_entry(i));
        size_t length = line ? strlen(line) : 0;
        good = line && write(file, line, length) == (ssize_t)length;
        free(line);
    }
    return good;
}

/* Writes a new file of the entries that are kept. They are read once more under the lock, because
 * another session may have added some. */
static void rewrite(void)
{
    size_t length = strlen(path);
    int lock = open_locked();
    char *name = malloc(length + sizeof ".new");
    if (lock >= 0 && name) {
        memcpy(name, path, length);
        memcpy(name + length, ".new", sizeof ".new");
        clear_history();
        read_file();
        int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        bool good = file >= 0 && write_entries(file);
        if (file >= 0 && close(file) != 0) good = false;
        if (!good || rename(name, path) != 0) unlink(name);
    }
    if (lock >= 0) close(lock);
    free(name);
}

void sh_history_open(void)
{
    using_history();
    stifle_history(SH_HISTORY_MOST);
    path = sh_state_path("history");
    if (path && read_file() > SH_HISTORY_MOST + SLACK) rewrite();
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

size_t sh_history_count(void)
{
    return (size_t)history_length;
}

const char *sh_history_entry(size_t i)
{
    const HIST_ENTRY *entry = history_get(history_base + (int)i);
    return entry ? entry->line : "";
}
