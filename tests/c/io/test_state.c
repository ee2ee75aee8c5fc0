/* Would catch: a place taken from a relative path, a file that others may read, one that is no file
 * and is waited for, one too large, and an old text that is lost where a new one fails. */
#include "files.h"

#include "io/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The state's folder is the test's; HOME is another one in it. */
static int setup_home(void **state)
{
    int failed = setup(state);
    char home[600];
    snprintf(home, sizeof home, "%s", path_of("home"));
    return failed || setenv("HOME", home, 1) || setenv("XDG_STATE_HOME", path_of("state"), 1);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void assert_path(const char *wanted)
{
    nb_text path;
    nb_text_init(&path, ctx);
    assert_int_equal(nb_state_path(ctx, "name", &path), NB_OK);
    assert_string_equal(nb_text_get(&path), wanted);
    nb_text_free(&path);
}

static void assert_kept(const char *wanted)
{
    nb_text text;
    nb_text_init(&text, ctx);
    assert_int_equal(nb_state_read(ctx, "name", &text), NB_OK);
    assert_string_equal(nb_text_get(&text), wanted);
    nb_text_free(&text);
}

static void assert_unread(const char *words)
{
    nb_text text;
    nb_text_init(&text, ctx);
    assert_int_equal(nb_state_read(ctx, "name", &text), NB_EIO);
    assert_failed(NB_EIO, words);
    nb_text_free(&text);
}

static nb_status keep(const char *text)
{
    return nb_state_write(ctx, "name", text, strlen(text));
}

static void the_place_is_that_of_the_standard(void **state)
{
    (void)state;
    assert_path(path_of("state/nabla/name"));
    assert_int_equal(mode_of(path_of("state/nabla")), 0700);
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_path(path_of("home/.local/state/nabla/name"));
    unsetenv("XDG_STATE_HOME");
    assert_path(path_of("home/.local/state/nabla/name"));
    setenv("HOME", "", 1);
    assert_unread("neither XDG_STATE_HOME nor HOME");
    assert_int_equal(keep("text"), NB_EIO);
}

static void what_is_kept_is_read(void **state)
{
    (void)state;
    assert_kept("");
    assert_int_equal(keep("one\n"), NB_OK);
    assert_kept("one\n");
    assert_int_equal(keep("another"), NB_OK);
    assert_kept("another");
    assert_int_equal(mode_of(path_of("state/nabla/name")), 0600);
}

static void others_lose_their_right_to_it(void **state)
{
    (void)state;
    assert_int_equal(keep("one"), NB_OK);
    assert_int_equal(chmod(path_of("state/nabla/name"), 0644), 0);
    assert_kept("one");
    assert_int_equal(mode_of(path_of("state/nabla/name")), 0600);
    assert_int_equal(chmod(path_of("state/nabla/name"), 0644), 0);
    assert_int_equal(keep("two"), NB_OK);
    assert_int_equal(mode_of(path_of("state/nabla/name")), 0600);
}

static void the_most_that_is_read(void **state)
{
    (void)state;
    char text[NB_STATE_MOST + 2];
    memset(text, 'x', sizeof text);
    text[NB_STATE_MOST + 1] = '\0';
    assert_int_equal(keep(text), NB_OK);
    assert_unread("holds more than 4096 bytes");
    text[NB_STATE_MOST] = '\0';
    assert_int_equal(keep(text), NB_OK);
    assert_kept(text);
}

static void what_is_no_file(void **state)
{
    (void)state;
    assert_kept(""); /* makes the folder */
    assert_int_equal(mkfifo(path_of("state/nabla/name"), 0600), 0);
    assert_unread("cannot read ");
    assert_int_equal(keep("text"), NB_EIO);
    assert_failed(NB_EIO, "cannot write ");
    unlink(path_of("state/nabla/name"));
    assert_int_equal(mkdir(path_of("state/nabla/name"), 0700), 0);
    assert_unread("cannot read ");
    assert_int_equal(keep("text"), NB_EIO);
    /* A file stands where the folder should be: there is nothing to read. */
    setenv("XDG_STATE_HOME", write_file("file", "", 0), 1);
    assert_kept("");
    assert_int_equal(keep("text"), NB_EIO);
    assert_failed(NB_EIO, "Not a directory");
}

static void who_may_not_write(void **state)
{
    (void)state;
    assert_int_equal(keep("old"), NB_OK);
    if (!become_anybody()) skip();
    assert_int_equal(keep("new"), NB_EIO);
    become_root();
    assert_kept("old");
}

static nb_status keep_and_read(void *arg)
{
    nb_text text;
    nb_status status = keep(arg);
    if (status != NB_OK) return status;
    nb_text_init(&text, ctx);
    status = nb_state_read(ctx, "name", &text);
    nb_text_free(&text);
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char text[] = "text";
    assert_int_equal(keep("old"), NB_OK);
    sweep_failing_requests(keep_and_read, text);
    assert_kept("text");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_home, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_place_is_that_of_the_standard),
        TEST(what_is_kept_is_read),
        TEST(others_lose_their_right_to_it),
        TEST(the_most_that_is_read),
        TEST(what_is_no_file),
        TEST(who_may_not_write),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
