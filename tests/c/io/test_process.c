/* Would catch: a program and this one that wait for each other, signals that end the host, a file
 * that is half written, and words of the program that are lost. */
#include "files.h"

#include "io/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static nb_process made;
static nb_text said;

/* Runs a line of the system's shell on the input; the file "f" becomes what it writes. */
static nb_status run(const char *line, const char *input, size_t bytes)
{
    const char *argv[] = {"sh", "-c", line, NULL};
    nb_text_init(&said, ctx);
    made = (nb_process){.argv = argv, .input = input, .input_bytes = bytes, .said = &said};
    made.output = nb_sink_open(ctx, path_of("f"));
    assert_non_null(made.output);
    nb_status status = nb_process_run(ctx, &made);
    if (status == NB_OK && made.done)
        assert_int_equal(nb_sink_close(made.output), NB_OK);
    else
        nb_sink_drop(made.output);
    return status;
}

static void a_filter(void **state)
{
    (void)state;
    assert_int_equal(run("tr a b; echo word >&2", "banana", 6), NB_OK);
    assert_true(made.done && !made.missing);
    assert_file(path_of("f"), "bbnbnb", 6);
    assert_string_equal(nb_text_get(&said), "word\n");
    nb_text_free(&said);
}

/* More than the pipes hold, both ways at once. */
static void much(void **state)
{
    (void)state;
    enum { BYTES = 3 << 20 };
    char *input = malloc(BYTES);
    assert_non_null(input);
    for (size_t i = 0; i < BYTES; i++) input[i] = (char)(i * 7 >> 3);
    assert_int_equal(run("tee /dev/stderr", input, BYTES), NB_OK);
    assert_true(made.done);
    assert_file(path_of("f"), input, BYTES);
    assert_int_equal(said.length, 16 << 10);
    nb_text_free(&said);
    free(input);
}

static void one_that_ends_early(void **state)
{
    (void)state;
    static const char *const lines[] = {"exit 3", "kill -9 $$", "echo half; exit 1",
                                        "exec < /dev/null; echo half; exit 1"};
    enum { BYTES = 1 << 20 };
    char *input = calloc(1, BYTES);
    write_file("f", "old", 3);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(run(lines[i], input, BYTES), NB_OK);
        assert_false(made.done);
        assert_file(path_of("f"), "old", 3);
        assert_int_equal(folder_count(), 1);
        nb_text_free(&said);
    }
    free(input);
}

static void one_that_is_missing(void **state)
{
    (void)state;
    static const char *const argv[] = {"nabla-has-no-such-program", NULL};
    nb_sink *sink = nb_sink_open(ctx, path_of("f"));
    nb_text_init(&said, ctx);
    made = (nb_process){.argv = argv, .input = "", .output = sink, .said = &said};
    assert_int_equal(nb_process_run(ctx, &made), NB_EIO);
    assert_failed(NB_EIO, "cannot start nabla-has-no-such-program: No such file or directory");
    assert_true(made.missing && !made.done);
    nb_sink_drop(sink);
    assert_int_equal(folder_count(), 0);
}

/* It is ended and waited for: no child is left. */
static void an_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    ctx->interrupt = &pressed;
    assert_int_equal(run("exec cat", "", 0), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(folder_count(), 0);
    nb_text_free(&said);
}

/* What the host ignores, the program does not: else `yes` would go on and complain. */
static void signals_are_usual(void **state)
{
    (void)state;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run("{ yes; echo $? >&2; } | head -1", "", 0), NB_OK);
    signal(SIGPIPE, before);
    assert_file(path_of("f"), "y\n", 2);
    assert_string_equal(nb_text_get(&said), "141\n");
    nb_text_free(&said);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_filter),
        TEST(much),
        TEST(one_that_ends_early),
        TEST(one_that_is_missing),
        TEST(an_interrupt),
        TEST(signals_are_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
