/* Tasks in copies of the process. An alarm turns a hang into a failure; nothing else here looks at
 * a clock. */
#include "base/processes/crew.h"
#include "base/workers.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HANG_SECONDS = 120, TASKS = 40 };

/* What the tasks are told, and what came back. */
typedef struct field {
    pid_t process;
    int64_t fails; /* the task that fails; -1: none */
    nb_status how;
    bool here_too;
    size_t need;          /* bytes that a task has to find free */
    int64_t dies;         /* the task at which its copy is killed, once; -1: none */
    int64_t waits;        /* the task that waits for the signal that ends its copy; -1: none */
    volatile int *killed; /* in memory that all share */
    int times[TASKS], answers;
    int64_t square[TASKS];
    bool elsewhere; /* an answer came from another process */
} field;

static nb_ctx *ctx;
static int files_before;
static volatile sig_atomic_t interrupted;

/* How many descriptors are open. */
static int open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

static int setup(void **state)
{
    static field f;
    alarm(HANG_SECONDS);
    ctx = nb_ctx_new();
    interrupted = 0;
    files_before = open_files();
    f = (field){.process = getpid(), .fails = -1, .dies = -1, .waits = -1};
    f.killed =
        mmap(NULL, sizeof *f.killed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *state = &f;
    return ctx && f.killed != MAP_FAILED ? 0 : -1;
}

/* No child is left, no descriptor, no memory. */
static int teardown(void **state)
{
    const field *f = *state;
    bool child = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    bool file = open_files() != files_before, memory = ctx->memory.live != 0;
    munmap((void *)(uintptr_t)f->killed, sizeof *f->killed);
    nb_ctx_free(ctx);
    alarm(0);
    if (child || file || memory) print_error("left: %d %d %d\n", child, file, memory);
    return child || file || memory ? -1 : 0;
}

typedef struct reply {
    int64_t square;
    pid_t process;
} reply;

static nb_status work(nb_ctx *c, void *self, int64_t task, void *answer)
{
    const field *f = self;
    bool copy = getpid() != f->process;
    if ((uintptr_t)answer % _Alignof(max_align_t))
        return nb_fail(c, NB_EVALUE, "an answer at %p", answer);
    if (copy && task == f->dies && !*f->killed) {
        *f->killed = 1;
        kill(getpid(), SIGKILL);
    }
    while (copy && task == f->waits) pause();
    if (c->memory.limit - nb_memory_used(&c->memory) < f->need)
        return nb_fail(c, NB_EMEMORY, "task %d", (int)task);
    if (task == f->fails && (copy || f->here_too)) return nb_fail(c, f->how, "task %d", (int)task);
    const reply r = {task * task, getpid()};
    memcpy(answer, &r, sizeof r);
    return NB_OK;
}

static void take(void *self, int64_t task, const void *answer)
{
    field *f = self;
    reply r;
    memcpy(&r, answer, sizeof r);
    f->times[task]++;
    f->answers++;
    f->square[task] = r.square;
    f->elsewhere = f->elsewhere || r.process != f->process;
}

static nb_status run(field *f, int64_t tasks, int threads)
{
    const nb_crew crew = {.tasks = tasks,
                          .what = "squaring",
                          .bytes = sizeof(reply),
                          .work = work,
                          .take = take,
                          .self = f};
    assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
    return nb_crew_run(ctx, &crew);
}

static void check_answers(const field *f, int64_t tasks)
{
    assert_int_equal(f->answers, tasks);
    for (int64_t i = 0; i < tasks; i++) {
        assert_int_equal(f->times[i], 1);
        assert_int_equal(f->square[i], i * i);
    }
}

static void test_each_task_once(void **state)
{
    field *f = *state, fresh = *f;
    static const int64_t sizes[] = {0, 1, 2, 3, TASKS};
    for (int threads = 1; threads <= 4; threads++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            *f = fresh;
            assert_int_equal(run(f, sizes[i], threads), NB_OK);
            check_answers(f, sizes[i]);
            assert_int_equal(f->elsewhere, threads > 1 && sizes[i] > 1);
        }
}

/* Its task is done here, all others once. */
static void test_a_killed_copy(void **state)
{
    field *f = *state;
    f->dies = 5;
    assert_int_equal(run(f, TASKS, 3), NB_OK);
    assert_int_equal(*f->killed, 1);
    check_answers(f, TASKS);
}

static void test_a_failure_ends_all(void **state)
{
    field *f = *state;
    f->fails = 2;
    f->how = NB_EVALUE;
    f->waits = 3;
    assert_int_equal(run(f, TASKS, 2), NB_EVALUE);
    assert_string_equal(ctx->message, "task 2");
}

/* The error object of a function of the host is not here: the task fails once more, or says why it
 * does not. */
static void test_a_callback_fails_here(void **state)
{
    field *f = *state;
    f->fails = 2;
    f->how = NB_ECALLBACK;
    f->here_too = true;
    assert_int_equal(run(f, TASKS, 2), NB_ECALLBACK);
    f->here_too = false;
    assert_int_equal(run(f, TASKS, 2), NB_EARG);
    assert_non_null(strstr(ctx->message, "in one process and not in another"));
    assert_non_null(strstr(ctx->message, "task 2"));
}

/* A third of the memory is needed: of four copies each has a quarter, of two a half. */
static void test_fewer_copies(void **state)
{
    field *f = *state;
    size_t limit = ctx->memory.limit;
    ctx->memory.limit = nb_memory_used(&ctx->memory) + (1 << 20);
    f->need = (1 << 20) / 3;
    assert_int_equal(run(f, TASKS, 4), NB_OK);
    check_answers(f, TASKS);
    assert_true(f->elsewhere);
    ctx->memory.limit = limit;
}

/* Two thirds: each half is too little, the whole is enough; of twice the whole it is not. */
static void test_memory_for_one(void **state)
{
    field *f = *state;
    size_t limit = ctx->memory.limit;
    ctx->memory.limit = nb_memory_used(&ctx->memory) + (1 << 20);
    f->need = (1 << 20) / 3 * 2;
    assert_int_equal(run(f, TASKS, 4), NB_OK);
    check_answers(f, TASKS);
    assert_false(f->elsewhere);
    f->need = 2 << 20;
    assert_int_equal(run(f, TASKS, 4), NB_EMEMORY);
    ctx->memory.limit = limit;
}

static void interrupt(void *self, const char *what, double share)
{
    (void)self;
    (void)what;
    (void)share;
    interrupted = 1;
}

/* Ctrl-C comes with the first answer; a copy that would never end is ended. */
static void test_interrupt(void **state)
{
    field *f = *state;
    const nb_meter meter = {.tell = interrupt};
    ctx->meter = &meter;
    ctx->interrupt = &interrupted;
    f->waits = 3;
    assert_int_equal(run(f, TASKS, 2), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    ctx->meter = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_task_once),        TEST(a_killed_copy), TEST(a_failure_ends_all),
        TEST(a_callback_fails_here), TEST(interrupt),     TEST(fewer_copies),
        TEST(memory_for_one),
    };
    return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
