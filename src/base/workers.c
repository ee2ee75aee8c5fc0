/* A pool of threads that runs one job at a time. A worker joins the open job under the lock, takes
 * pieces from a counter until they run out, and leaves under the lock. The caller takes pieces too,
 * then closes the job and waits for those who joined: a worker that wakes late finds the job closed
 * and delays nobody. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/workers.h"

#include "base/thread.h"
#include "base/tiny.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Looks at a changing word before sleeping on it: some tens of microseconds, about what a sleep and
 * its waking cost. Without, jobs of 20 microseconds in a row are slower on two threads than on one.
 */
enum { SPINS = 1000 };

struct nb_workers {
    pthread_mutex_t lock;
    pthread_cond_t opened; /* a job is open, or the pool ends */
    pthread_cond_t left;   /* the last worker has left the job */
    pid_t owner;           /* a forked child has the struct but not the threads */
    int spins;             /* 0 where there are more threads than processors */
    int asleep;            /* workers that wait for `opened` */
    bool open;             /* workers may join the job */
    bool ending;
    nb_piece *piece; /* the job; stands still while it is open or `active` is not 0 */
    void *arg;
    size_t pieces;
    unsigned tiny;      /* how the caller takes tiny numbers, and so all who take pieces */
    atomic_size_t next; /* the first piece that nobody has taken */
    atomic_uint job;    /* its number; written under the lock, watched without */
    atomic_int active;  /* workers that joined and have not left; the same */
    int count;
    pthread_t threads[];
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_pieces(nb_workers *workers)
{
    size_t piece;
    while ((piece = atomic_fetch_add(&workers->next, 1)) < workers->pieces) {
        workers->piece(workers->arg, piece);
    }
}

/* Waits, with the lock held before and after, for a job other than `seen`; false when the pool
 * ends. */
static bool wait_for_job(nb_workers *workers, unsigned *seen)
{
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->spins && atomic_load(&workers->job) == *seen; i++) relax();
    pthread_mutex_lock(&workers->lock);
    while (!workers->ending && !(workers->open && workers->job != *seen)) {
        workers->asleep++;
        pthread_cond_wait(&workers->opened, &workers->lock);
        workers->asleep--;
    }
    *seen = workers->job;
    return !workers->ending;
}

static void *work(void *arg)
{
    nb_workers *workers = arg;
    unsigned seen = 0;
    pthread_mutex_lock(&workers->lock);
    while (wait_for_job(workers, &seen)) {
        workers->active++;
        pthread_mutex_unlock(&workers->lock);
        nb_tiny_set(workers->tiny);
        take_pieces(workers);
        pthread_mutex_lock(&workers->lock);
        if (--workers->active == 0) pthread_cond_signal(&workers->left);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Starts up to `count` threads, as many as the system gives. */
static void start_threads(nb_workers *workers, int count)
{
    while (workers->count < count &&
           nb_thread_start(&workers->threads[workers->count], work, workers)) {
        workers->count++;
    }
}

/* Not from the context's allocator, like the threads' stacks: when it fails the work goes on
 * without workers, so it must not fail in the place of the work's own requests. */
static nb_workers *start(int count)
{
    nb_workers *workers = calloc(1, sizeof *workers + (size_t)count * sizeof workers->threads[0]);
    if (!workers) return NULL;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->opened, NULL);
    pthread_cond_init(&workers->left, NULL);
    workers->owner = getpid();
    workers->spins = count < nb_processors() ? SPINS : 0;
    start_threads(workers, count);
    return workers;
}

static void open_job(nb_workers *workers, size_t pieces, nb_piece *piece, void *arg)
{
    pthread_mutex_lock(&workers->lock);
    workers->piece = piece;
    workers->arg = arg;
    workers->pieces = pieces;
    workers->tiny = nb_tiny_get();
    workers->next = 0;
    workers->open = true;
    workers->job++;
    size_t wanted = (size_t)workers->asleep < pieces - 1 ? (size_t)workers->asleep : pieces - 1;
    for (size_t i = 0; i < wanted; i++) pthread_cond_signal(&workers->opened);
    pthread_mutex_unlock(&workers->lock);
}

static void close_job(nb_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->open = false;
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->spins && atomic_load(&workers->active) > 0; i++) relax();
    if (atomic_load(&workers->active) == 0) return;
    pthread_mutex_lock(&workers->lock);
    while (workers->active > 0) pthread_cond_wait(&workers->left, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}

/* The context's workers, started if need be; NULL when the caller is alone. */
static nb_workers *ready_workers(nb_ctx *ctx)
{
    if (ctx->threads < 2) return NULL;
    if (!ctx->workers) ctx->workers = start(ctx->threads - 1);
    nb_workers *workers = ctx->workers;
    return workers && workers->count > 0 && workers->owner == getpid() ? workers : NULL;
}

void nb_parallel(nb_ctx *ctx, size_t pieces, nb_piece *piece, void *arg)
{
    nb_workers *workers = pieces > 1 ? ready_workers(ctx) : NULL;
    if (!workers) {
        for (size_t i = 0; i < pieces; i++) piece(arg, i);
        return;
    }
    open_job(workers, pieces, piece, arg);
    take_pieces(workers);
    close_job(workers);
}

nb_status nb_set_threads(nb_ctx *ctx, int64_t threads)
{
    if (threads < 1 || threads > NB_MAX_THREADS) {
        return nb_fail(ctx, NB_EARG, "threads must be a whole number from 1 to %d, not %lld",
                       NB_MAX_THREADS, (long long)threads);
    }
    if (threads == ctx->threads) return NB_OK;
    nb_workers_stop(ctx);
    ctx->threads = (int)threads;
    return NB_OK;
}

static void end_threads(nb_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    workers->job++;
    pthread_cond_broadcast(&workers->opened);
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->count; i++) pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->left);
    pthread_cond_destroy(&workers->opened);
    pthread_mutex_destroy(&workers->lock);
}

/* In a forked child there is nobody to end, and the lock may be held by a thread that is not there.
 */
void nb_workers_stop(nb_ctx *ctx)
{
    nb_workers *workers = ctx->workers;
    if (!workers) return;
    if (workers->owner == getpid()) end_threads(workers);
    free(workers);
    ctx->workers = NULL;
}

int nb_processors(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
