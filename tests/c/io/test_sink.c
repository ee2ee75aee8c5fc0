/* Would catch: an old file lost or half overwritten, temporaries left behind, permissions that
 * change, a link replaced by a file, and targets on which writing hangs. */
#include "files.h"

#include "io/sink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static nb_status write_text(const char *path, const char *text)
{
    nb_sink *sink = nb_sink_open(ctx, path);
    if (!sink) return ctx->status;
    nb_sink_write(sink, text, strlen(text));
    return nb_sink_close(sink);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void refuse(const char *path, const char *words)
{
    assert_int_equal(write_text(path, "new"), NB_EIO);
    assert_failed(NB_EIO, "cannot write ");
    assert_failed(NB_EIO, path);
    assert_failed(NB_EIO, words);
}

static void a_new_file_has_the_mask_of_its_maker(void **state)
{
    (void)state;
    mode_t old = umask(027);
    assert_int_equal(write_text(path_of("new"), "content"), NB_OK);
    umask(old);
    assert_file(path_of("new"), "content", 7);
    assert_int_equal(mode_of(path_of("new")), 0640);
    assert_int_equal(folder_count(), 1);
}

static void an_old_file_stands_until_the_close(void **state)
{
    (void)state;
    const char *path = write_file("f", "old", 3);
    assert_int_equal(chmod(path, 0604), 0);
    nb_sink *sink = nb_sink_open(ctx, path);
    nb_sink_write(sink, "n", 1);
    nb_sink_write(sink, "", 0);
    nb_sink_write(sink, "ew content", 10);
    assert_file(path, "old", 3);
    assert_int_equal(nb_sink_close(sink), NB_OK);
    assert_file(path, "new content", 11);
    assert_int_equal(mode_of(path), 0604);
    assert_int_equal(folder_count(), 1);
}

static void a_dropped_file_leaves_no_trace(void **state)
{
    (void)state;
    const char *path = write_file("f", "old", 3);
    nb_sink *sink = nb_sink_open(ctx, path);
    nb_sink_write(sink, "new", 3);
    nb_sink_drop(sink);
    assert_file(path, "old", 3);
    sink = nb_sink_open(ctx, path_of("never"));
    nb_sink_drop(sink);
    nb_sink_drop(NULL);
    assert_int_equal(folder_count(), 1);
}

static void a_name_without_a_folder(void **state)
{
    (void)state;
    char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(path_of(".")), 0);
    nb_status status = write_text("bare", "content");
    assert_int_equal(chdir(here), 0);
    free(here);
    assert_int_equal(status, NB_OK);
    assert_file(path_of("bare"), "content", 7);
    assert_int_equal(folder_count(), 1);
}

/* A temporary made of the target's name and a suffix would be too long. */
static void the_longest_name(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(write_text(path_of(name), "content"), NB_OK);
    assert_file(path_of(name), "content", 7);
    assert_int_equal(remove(path_of(name)), 0);
}

/* One that this process itself holds, as another save would; the lock is the descriptor's. */
static int hold(const char *path)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void what_a_crash_left_is_removed(void **state)
{
    (void)state;
    char left[64];
    snprintf(left, sizeof left, ".nabla-%ld-0", (long)getpid());
    write_file(left, "left", 4);
    write_file(".nabla-1-77", "left", 4);
    assert_int_equal(write_text(path_of("f"), "content"), NB_OK);
    assert_file(path_of("f"), "content", 7);
    assert_int_equal(folder_count(), 1);
}

static void what_is_held_is_not_taken_for_left(void **state)
{
    (void)state;
    char ours[64];
    snprintf(ours, sizeof ours, ".nabla-%ld-0", (long)getpid());
    int first = hold(write_file(ours, "mine", 4)), other = hold(write_file(".nabla-1-0", "its", 3));
    assert_int_equal(write_text(path_of("f"), "content"), NB_OK);
    assert_file(path_of(ours), "mine", 4);
    assert_file(path_of(".nabla-1-0"), "its", 3);
    assert_int_equal(folder_count(), 3);
    close(first);
    close(other);
    nb_sink *one = nb_sink_open(ctx, path_of("one")), *two = nb_sink_open(ctx, path_of("two"));
    assert_int_equal(folder_count(), 3);
    assert_int_equal(nb_sink_close(two), NB_OK);
    assert_int_equal(nb_sink_close(one), NB_OK);
    assert_int_equal(folder_count(), 3);
}

static void what_only_looks_left_stays(void **state)
{
    (void)state;
    static const char *const names[] = {".nabla-1",   ".nabla-1-",  ".nabla--1",   "nabla-1-1",
                                        ".nabla-1-x", ".nabla-x-1", ".nabla-1-1~", ".nabla-notes"};
    enum { NAMES = sizeof names / sizeof *names };
    for (int i = 0; i < NAMES; i++) write_file(names[i], "mine", 4);
    assert_int_equal(symlink(names[0], path_of(".nabla-1-1")), 0);
    assert_int_equal(mkfifo(path_of(".nabla-1-2"), 0600), 0);
    assert_int_equal(mkdir(path_of(".nabla-1-3"), 0700), 0);
    assert_int_equal(write_text(path_of("f"), "content"), NB_OK);
    assert_int_equal(folder_count(), NAMES + 4);
}

static void a_link_is_followed(void **state)
{
    (void)state;
    struct stat about;
    write_file("real", "old", 3);
    assert_int_equal(symlink("real", path_of("link")), 0);
    assert_int_equal(symlink("link", path_of("link2")), 0);
    assert_int_equal(write_text(path_of("link2"), "new"), NB_OK);
    assert_file(path_of("real"), "new", 3);
    assert_int_equal(lstat(path_of("link2"), &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(folder_count(), 3);
}

static void a_link_to_nowhere(void **state)
{
    (void)state;
    assert_int_equal(symlink("gone", path_of("link")), 0);
    refuse(path_of("link"), ": it is a link to a file that is gone");
    assert_int_equal(folder_count(), 1);
}

static void what_cannot_be_written(void **state)
{
    (void)state;
    write_file("file", "x", 1);
    refuse(path_of("missing/f"), ": No such file or directory");
    refuse(path_of("file/below"), ": Not a directory");
    refuse(path_of("."), ": Is a directory");
    refuse("", ": No such file or directory");
    assert_int_equal(folder_count(), 1);
}

/* The folder would let it be replaced; the file itself says no. */
static void a_file_without_permission(void **state)
{
    (void)state;
    const char *path = write_file("f", "old", 3);
    assert_int_equal(chmod(path, 0444), 0);
    if (!become_anybody()) skip();
    nb_status status = write_text(path, "new");
    become_root();
    assert_int_equal(status, NB_EIO);
    assert_failed(NB_EIO, ": Permission denied; the old file is as it was");
    assert_file(path, "old", 3);
    assert_int_equal(folder_count(), 1);
}

/* A limit on the size of files stands for a full disk: write fails in the middle. Its signal would
 * end this process. */
static void a_full_disk(void **state)
{
    (void)state;
    struct rlimit old, tiny;
    static const char data[5000];
    const char *path = write_file("f", "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny = old;
    tiny.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    nb_sink *sink = nb_sink_open(ctx, path);
    nb_sink_write(sink, data, sizeof data);
    nb_sink_write(sink, data, sizeof data);
    nb_status status = nb_sink_close(sink);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, NB_EIO);
    assert_failed(NB_EIO, "cannot write ");
    assert_failed(NB_EIO, ": File too large; the old file is as it was");
    assert_file(path, "old", 3);
    assert_int_equal(folder_count(), 1);
}

/* The last step failing: a folder has taken the name meanwhile. */
static void a_name_that_is_taken_at_the_end(void **state)
{
    (void)state;
    nb_sink *sink = nb_sink_open(ctx, path_of("f"));
    nb_sink_write(sink, "new", 3);
    assert_int_equal(mkdir(path_of("f"), 0700), 0);
    assert_int_equal(nb_sink_close(sink), NB_EIO);
    assert_failed(NB_EIO, ": Is a directory");
    assert_int_equal(folder_count(), 1);
}

static void devices_are_written_directly(void **state)
{
    (void)state;
    struct stat about;
    assert_int_equal(write_text("/dev/null", "content"), NB_OK);
    assert_int_equal(stat("/dev/null", &about), 0);
    assert_true(S_ISCHR(about.st_mode));
    if (stat("/dev/full", &about) != 0) skip();
    assert_int_equal(write_text("/dev/full", "content"), NB_EIO);
    assert_string_equal(ctx->message, "cannot write /dev/full: No space left on device");
}

static void a_fifo(void **state)
{
    (void)state;
    char into[16] = "";
    const char *path = path_of("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(path, ": No such device or address"); /* nobody reads: would hang */
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(write_text(path, "content"), NB_OK);
    assert_int_equal(read(reader, into, sizeof into), 7);
    assert_string_equal(into, "content");
    close(reader);
    assert_int_equal(folder_count(), 1);
}

static void deliver(int signal_number)
{
    (void)signal_number;
    fail_msg("a signal came through");
}

/* Whatever the host does with the signal: it does not come, and what had come before stays. */
static void a_reader_that_goes(void **state)
{
    (void)state;
    sigset_t broken, before;
    const char *path = path_of("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int round = 0; round < 3; round++) {
        void (*old)(int) = signal(SIGPIPE, round == 0 ? SIG_DFL : round == 1 ? SIG_IGN : deliver);
        int reader = open(path, O_RDONLY | O_NONBLOCK);
        nb_sink *sink = nb_sink_open(ctx, path);
        close(reader);
        nb_sink_write(sink, "content", 7);
        assert_int_equal(nb_sink_close(sink), NB_EIO);
        assert_failed(NB_EIO, ": Broken pipe");
        signal(SIGPIPE, old);
    }
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &broken, &before), 0);
    raise(SIGPIPE);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(write_text(path, "content"), NB_OK);
    close(reader);
    assert_int_equal(sigtimedwait(&broken, NULL, &(struct timespec){0}), SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

/* What is open is written on, not replaced: the two names are one file still, and the bytes stand
 * between what was written before and after. */
static void a_descriptor_is_written_through(void **state)
{
    (void)state;
    char by_fd[64], link[64];
    struct stat before, after;
    int fd = open(write_file("f", "", 0), O_WRONLY);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(write(fd, "one ", 4), 4);
    snprintf(by_fd, sizeof by_fd, "/dev/fd/%d", fd);
    assert_int_equal(write_text(by_fd, "two "), NB_OK);
    snprintf(by_fd, sizeof by_fd, "/proc/self/fd/%d", fd);
    assert_int_equal(write_text(by_fd, "three "), NB_OK);
    snprintf(link, sizeof link, "%s", path_of("link"));
    assert_int_equal(symlink(by_fd, link), 0);
    assert_int_equal(write_text(link, "four "), NB_OK);
    assert_int_equal(write(fd, "five", 4), 4);
    assert_file(path_of("f"), "one two three four five", 23);
    assert_int_equal(stat(path_of("f"), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    close(fd);
    refuse(by_fd, ": Bad file descriptor");
    assert_int_equal(folder_count(), 2);
}

static void standard_output_is_written_through(void **state)
{
    (void)state;
    int file = open(write_file("f", "", 0), O_WRONLY), kept;
    fflush(stdout);
    kept = dup(STDOUT_FILENO);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    fputs("before ", stdout); /* waits in its buffer */
    nb_status status = write_text("/dev/stdout", "content");
    fputs(" after", stdout);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(file);
    assert_int_equal(status, NB_OK);
    assert_file(path_of("f"), "before content after", 20);
    assert_int_equal(folder_count(), 1);
}

static void the_old_owner_keeps_the_file(void **state)
{
    (void)state;
    struct stat about;
    enum { OWNER = 12345, GROUP = 12346 };
    const char *path = write_file("f", "old", 3);
    if (chown(path, OWNER, GROUP) != 0) skip();
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(write_text(path, "new"), NB_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_uid, OWNER);
    assert_int_equal(about.st_gid, GROUP);
    assert_int_equal(about.st_mode & 07777, 0664);
}

/* Who may not give the file to its group gives nobody that group's rights. */
static void a_group_that_cannot_be_kept(void **state)
{
    (void)state;
    struct stat about;
    enum { NOBODY = 65534, GROUP = 12346 };
    const char *path = write_file("f", "old", 3);
    if (!become_anybody()) skip();
    become_root();
    if (geteuid() != 0 || chown(path, NOBODY, GROUP) != 0) skip();
    assert_int_equal(chmod(path, 0664), 0);
    assert_true(become_anybody());
    nb_status status = write_text(path, "new");
    become_root();
    assert_int_equal(status, NB_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, about.st_gid == GROUP ? 0664 : 0644);
    assert_int_not_equal(about.st_gid, GROUP);
}

static void another_name_keeps_the_old_content(void **state)
{
    (void)state;
    const char *path = write_file("f", "old", 3);
    assert_int_equal(link(path, path_of("other")), 0);
    assert_int_equal(write_text(path, "new"), NB_OK);
    assert_file(path, "new", 3);
    assert_file(path_of("other"), "old", 3);
}

static void an_interrupt_leaves_the_old_file(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    const char *path = write_file("f", "old", 3);
    nb_sink *sink = nb_sink_open(ctx, path);
    ctx->interrupt = &pressed;
    nb_sink_write(sink, "new", 3);
    assert_int_equal(nb_sink_close(sink), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_failed(NB_EINTERRUPT, "interrupted");
    assert_file(path, "old", 3);
    assert_int_equal(folder_count(), 1);
}

static nb_status write_it(void *path)
{
    nb_status status = write_text(path, "new");
    assert_int_equal(folder_count(), 1);
    if (status) assert_file(path, "old", 3);
    if (!status) write_file("f", "old", 3);
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char path[600];
    strcpy(path, write_file("f", "old", 3));
    sweep_failing_requests(write_it, path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_has_the_mask_of_its_maker),
        TEST(an_old_file_stands_until_the_close),
        TEST(a_dropped_file_leaves_no_trace),
        TEST(a_name_without_a_folder),
        TEST(the_longest_name),
        TEST(what_a_crash_left_is_removed),
        TEST(what_is_held_is_not_taken_for_left),
        TEST(what_only_looks_left_stays),
        TEST(a_link_is_followed),
        TEST(a_link_to_nowhere),
        TEST(what_cannot_be_written),
        TEST(a_file_without_permission),
        TEST(a_full_disk),
        TEST(a_name_that_is_taken_at_the_end),
        TEST(devices_are_written_directly),
        TEST(a_fifo),
        TEST(a_reader_that_goes),
        TEST(a_descriptor_is_written_through),
        TEST(standard_output_is_written_through),
        TEST(the_old_owner_keeps_the_file),
        TEST(a_group_that_cannot_be_kept),
        TEST(another_name_keeps_the_old_content),
        TEST(an_interrupt_leaves_the_old_file),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
