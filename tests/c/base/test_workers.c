/* The workers. An alarm turns a hang into a failure; nothing else here looks at a clock. */
#include "base/workers.h"

#include "base/tiny.h"

#include <float.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HANG_SECONDS = 120, MANY = 1000 };

static int setup(void **state)
{
    alarm(HANG_SECONDS);
    *state = nb_ctx_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nb_ctx_free(*state);
    alarm(0);
    return 0;
}

static void count_piece(void *arg, size_t piece)
{
    atomic_int *times = arg;
    atomic_fetch_add(&times[piece], 1);
}

/* Every piece once, at any number of threads and pieces: fewer than, as many as, more than threads.
 */
static void test_each_piece_once(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 17, MANY};
    nb_ctx *ctx = *state;
    for (int threads = 1; threads <= 5; threads++) {
        assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            atomic_int times[MANY + 1] = {0};
            nb_parallel(ctx, sizes[i], count_piece, times);
            for (size_t k = 0; k <= MANY; k++) assert_int_equal(times[k], k < sizes[i]);
        }
    }
}

/* Many short jobs in a row: catches a worker that brings a piece of the last job into the next, and
 * a wake that is lost. The job's own counter lives on the stack only as long as the job. */
static void test_many_jobs(void **state)
{
    nb_ctx *ctx = *state;
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    for (int job = 0; job < 20000; job++) {
        atomic_int times[4] = {0};
        size_t pieces = 2 + (size_t)job % 3;
        nb_parallel(ctx, pieces, count_piece, times);
        for (size_t k = 0; k < 4; k++) assert_int_equal(times[k], k < pieces);
    }
}

static void meet(void *arg, size_t piece)
{
    (void)piece;
    pthread_barrier_wait(arg);
}

/* Four pieces that wait for one another end only when four threads run them. */
static void test_pieces_run_together(void **state)
{
    nb_ctx *ctx = *state;
    pthread_barrier_t barrier;
    assert_int_equal(nb_set_threads(ctx, 4), NB_OK);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 4), 0);
    for (int i = 0; i < 100; i++) nb_parallel(ctx, 4, meet, &barrier);
    pthread_barrier_destroy(&barrier);
}

enum { NUMBERS = 4096, PIECE = 64 };

typedef struct sums {
    float part[NUMBERS / PIECE];
} sums;

static void sum_piece(void *arg, size_t piece)
{
    float sum = 0;
    for (size_t i = piece * PIECE; i < (piece + 1) * PIECE; i++) sum += 1.0f / (float)(i + 1);
    ((sums *)arg)->part[piece] = sum;
}

/* Plain memory written by pieces is seen by the caller, with the same bits at any number of
 * threads. */
static void test_same_bits(void **state)
{
    nb_ctx *ctx = *state;
    sums alone, together;
    for (size_t i = 0; i < NUMBERS / PIECE; i++) sum_piece(&alone, i);
    for (int threads = 1; threads <= 8; threads++) {
        assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
        memset(&together, 0, sizeof together);
        nb_parallel(ctx, NUMBERS / PIECE, sum_piece, &together);
        assert_memory_equal(&alone, &together, sizeof alone);
    }
}

/* Threads start when first needed, end when told, and start again; so do those of two contexts side
 * by side. */
static void test_life(void **state)
{
    nb_ctx *ctx = *state, *other = nb_ctx_new();
    atomic_int times[2] = {0};
    assert_int_equal(nb_set_threads(ctx, 2), NB_OK);
    assert_int_equal(nb_set_threads(other, 3), NB_OK);
    assert_null(ctx->workers);
    nb_parallel(ctx, 1, count_piece, times);
    assert_null(ctx->workers);
    for (int i = 0; i < 3; i++) {
        nb_parallel(ctx, 2, count_piece, times);
        nb_parallel(other, 2, count_piece, times);
        assert_non_null(ctx->workers);
        nb_workers_stop(ctx);
        assert_null(ctx->workers);
        nb_workers_stop(ctx);
    }
    assert_int_equal(times[0], 7);
    assert_int_equal(times[1], 6);
    nb_ctx_free(other);
}

/* Both ends of what may be asked for, and the first numbers beyond them. */
static void test_set_threads(void **state)
{
    nb_ctx *ctx = *state;
    assert_int_equal(nb_set_threads(ctx, NB_MAX_THREADS), NB_OK);
    assert_int_equal(ctx->threads, NB_MAX_THREADS);
    assert_int_equal(nb_set_threads(ctx, NB_MAX_THREADS + 1), NB_EARG);
    assert_int_equal(ctx->threads, NB_MAX_THREADS);
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    assert_int_equal(nb_set_threads(ctx, 0), NB_EARG);
    assert_string_equal(ctx->message, "threads must be a whole number from 1 to 256, not 0");
    assert_int_equal(nb_set_threads(ctx, INT64_C(1) << 32 | 1), NB_EARG);
    assert_int_equal(nb_set_threads(ctx, INT64_MIN), NB_EARG);
    assert_int_equal(ctx->threads, 1);
    assert_true(nb_processors() >= 1);
}

typedef struct masks {
    pthread_barrier_t barrier;
    pthread_t caller;
    atomic_int open;    /* pieces off the caller's thread where a signal may arrive */
    atomic_int changed; /* pieces on the caller's thread where one may not */
} masks;

static void look_at_mask(void *arg, size_t piece)
{
    masks *m = arg;
    sigset_t set;
    (void)piece;
    pthread_barrier_wait(&m->barrier);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    bool blocked = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) &&
                   sigismember(&set, SIGWINCH) && sigismember(&set, SIGUSR1);
    if (pthread_equal(m->caller, pthread_self())) {
        m->changed += sigismember(&set, SIGINT) != 0;
    } else {
        m->open += !blocked || sigismember(&set, SIGSEGV);
    }
}

/* Ctrl-C is for the thread that called; a fault is for the thread that made it. */
static void test_signals(void **state)
{
    nb_ctx *ctx = *state;
    masks m = {.caller = pthread_self()};
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    assert_int_equal(pthread_barrier_init(&m.barrier, NULL, 3), 0);
    nb_parallel(ctx, 3, look_at_mask, &m);
    pthread_barrier_destroy(&m.barrier);
    assert_int_equal(m.open, 0);
    assert_int_equal(m.changed, 0);
}

/* Forks; the child does a job and stops its workers. True when that went well. */
static bool child_does_pieces(nb_ctx *ctx)
{
    atomic_int times[8] = {0};
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool good = true;
        alarm(HANG_SECONDS);
        nb_parallel(ctx, 8, count_piece, times);
        for (int i = 0; i < 8; i++) good &= times[i] == 1;
        nb_workers_stop(ctx);
        _exit(good && !ctx->workers ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* A child of fork has no threads: it does its pieces itself and stops what is not there. The
 * parent's go on. */
static void test_fork(void **state)
{
    nb_ctx *ctx = *state;
    atomic_int times[8] = {0};
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    nb_parallel(ctx, 8, count_piece, times);
    assert_true(child_does_pieces(ctx));
    nb_parallel(ctx, 8, count_piece, times);
    for (int i = 0; i < 8; i++) assert_int_equal(times[i], 2);
}

typedef struct forking {
    nb_ctx *ctx;
    pthread_t caller;
    pthread_barrier_t barrier;
    bool good;
} forking;

static void fork_in_piece(void *arg, size_t piece)
{
    forking *f = arg;
    (void)piece;
    pthread_barrier_wait(&f->barrier);
    if (pthread_equal(f->caller, pthread_self())) f->good = child_does_pieces(f->ctx);
    pthread_barrier_wait(&f->barrier);
}

/* The harshest moment: a worker is at work, and in the child will be for ever. A child that waited
 * for it would hang. */
static void test_fork_at_work(void **state)
{
    forking f = {.ctx = *state, .caller = pthread_self()};
    assert_int_equal(nb_set_threads(f.ctx, 2), NB_OK);
    assert_int_equal(pthread_barrier_init(&f.barrier, NULL, 2), 0);
    nb_parallel(f.ctx, 2, fork_in_piece, &f);
    pthread_barrier_destroy(&f.barrier);
    assert_true(f.good);
}

enum { HALVERS = 3 };

typedef struct halves {
    pthread_barrier_t all;
    double half[HALVERS];
} halves;

/* Half of the smallest normal number; 0 where such are taken for 0. Each on a thread of its own. */
static void halve_piece(void *arg, size_t piece)
{
    halves *of = arg;
    volatile double smallest = DBL_MIN;
    pthread_barrier_wait(&of->all);
    of->half[piece] = smallest / 2;
}

/* Of three workers, where tiny numbers are skipped or not. */
static halves halve(nb_ctx *ctx, bool skip)
{
    halves of = {.half = {1, 1, 1}};
    unsigned was = skip ? nb_tiny_skip() : nb_tiny_get();
    pthread_barrier_init(&of.all, NULL, HALVERS);
    nb_parallel(ctx, HALVERS, halve_piece, &of);
    pthread_barrier_destroy(&of.all);
    nb_tiny_set(was);
    return of;
}

/* Valgrind knows no such mode, and other processors need none. */
static bool can_skip(void)
{
    volatile double smallest = DBL_MIN, half = 1;
#if defined(__SSE2__)
    unsigned was = _mm_getcsr();
    _mm_setcsr(was | 0x8000);
    half = smallest / 2;
    _mm_setcsr(was);
#endif
    return half == 0;
}

/* A worker takes tiny numbers as who hands it its piece, in every job anew. */
static void test_tiny_numbers(void **state)
{
    nb_ctx *ctx = *state;
    double skipped = can_skip() ? 0 : DBL_MIN / 2;
    assert_int_equal(nb_set_threads(ctx, HALVERS), NB_OK);
    for (int round = 0; round < 20; round++) {
        halves kept = halve(ctx, false), gone = halve(ctx, true);
        for (int i = 0; i < HALVERS; i++) {
            assert_true(kept.half[i] == DBL_MIN / 2);
            assert_true(gone.half[i] == skipped);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_piece_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_jobs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces_run_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tiny_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fork, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fork_at_work, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
