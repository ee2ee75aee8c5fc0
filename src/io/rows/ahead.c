/* See ahead.h. Rows are read in the order of the file, in blocks that may hold others between them:
 * a call of the system costs as much as some thousand bytes. From there they go to their places in
 * the order of their use. */
#include "io/rows/ahead.h"

#include "base/memory.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOWS = 2,
    BLOCK = 128 << 10, /* bytes of one read */
    GAP = 8 << 10      /* bytes between two rows that are read with them */
};

/* The caller's, but while it is busy: then the thread reads `row` and `wanted`, and writes `key`,
 * `data` and `ready`. */
typedef struct window {
    bool busy;           /* under the lock: the thread is to read it */
    unsigned turn;       /* likewise: the lower comes first */
    atomic_bool left;    /* nobody wants the rest */
    int32_t *row;        /* as they are wanted */
    uint64_t *key;       /* row and its place in that order, sorted */
    char *data;          /* rows in that order */
    atomic_uchar *ready; /* of each row: it is in `data` */
    size_t wanted;       /* rows for the thread */
    size_t count, taken; /* planned, and taken of them */
} window;

struct nb_ahead {
    pid_t owner; /* a forked child has the struct but not the thread: nothing is planned there */
    const nb_row_file *file;
    size_t room; /* rows of a window */
    window window[WINDOWS];
    char *block;
    int now; /* the window that rows are taken from */
    unsigned turns;
    bool ending; /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t turned; /* a window is busy, or the end has come */
    pthread_t thread;
};

/* ---- The thread ---- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_rows(window *w)
{
    for (size_t i = 0; i < w->wanted; i++) w->key[i] = (uint64_t)w->row[i] << 32 | i;
    qsort(w->key, w->wanted, sizeof *w->key, by_key);
}

static int64_t row_at(const window *w, size_t i)
{
    return (int64_t)(w->key[i] >> 32);
}

/* How many rows from number i on, in the order of the file, come by one read. */
static size_t rows_of_block(const nb_ahead *ahead, const window *w, size_t i)
{
    size_t n = 1, bytes = ahead->file->row_bytes;
    int64_t first = row_at(w, i), most = (int64_t)(BLOCK / bytes), gap = (int64_t)(GAP / bytes);
    while (i + n < w->wanted && row_at(w, i + n) - first < most &&
           row_at(w, i + n) - row_at(w, i + n - 1) <= gap + 1)
        n++;
    return n;
}

/* One read and where it goes. Files that have changed leave rows that are not ready. */
static bool read_block(nb_ahead *ahead, window *w, size_t i, size_t n)
{
    size_t bytes = ahead->file->row_bytes;
    int64_t first = row_at(w, i), last = row_at(w, i + n - 1);
    char *into = n > 1 ? ahead->block : w->data + (w->key[i] & UINT32_MAX) * bytes;
    if (nb_row_file_read(ahead->file, first, (size_t)(last - first) + 1, into) != NB_ROW_READ ||
        nb_row_file_check(ahead->file) != NB_ROW_READ)
        return false;
    for (size_t k = i; k < i + n; k++) {
        size_t place = w->key[k] & UINT32_MAX;
        if (n > 1)
            memcpy(w->data + place * bytes, into + (size_t)(row_at(w, k) - first) * bytes, bytes);
        atomic_store_explicit(&w->ready[place], 1, memory_order_release);
    }
    return true;
}

static void read_window(nb_ahead *ahead, window *w)
{
    size_t n;
    sort_rows(w);
    for (size_t i = 0; i < w->wanted && !atomic_load(&w->left); i += n) {
        n = rows_of_block(ahead, w, i);
        if (!read_block(ahead, w, i, n)) return;
    }
}

static window *find_busy(nb_ahead *ahead)
{
    window *a = &ahead->window[0], *b = &ahead->window[1];
    if (a->busy && b->busy) return a->turn < b->turn ? a : b;
    return a->busy ? a : b->busy ? b : NULL;
}

static void *run(void *arg)
{
    nb_ahead *ahead = arg;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->ending) {
        window *w = find_busy(ahead);
        if (!w) {
            pthread_cond_wait(&ahead->turned, &ahead->lock);
            continue;
        }
        pthread_mutex_unlock(&ahead->lock);
        read_window(ahead, w);
        pthread_mutex_lock(&ahead->lock);
        w->busy = false;
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* ---- Making ---- */

static void free_all(nb_ahead *ahead)
{
    nb_ctx *ctx = ahead->file->ctx;
    for (int i = 0; i < WINDOWS; i++) {
        window *w = &ahead->window[i];
        nb_free(ctx, w->row, ahead->room * sizeof *w->row);
        nb_free(ctx, w->key, ahead->room * sizeof *w->key);
        nb_free(ctx, w->data, ahead->room * ahead->file->row_bytes);
        nb_free(ctx, w->ready, ahead->room * sizeof *w->ready);
    }
    nb_free(ctx, ahead->block, BLOCK);
    pthread_mutex_destroy(&ahead->lock);
    pthread_cond_destroy(&ahead->turned);
    nb_free(ctx, ahead, sizeof *ahead);
}

static bool make_windows(nb_ahead *ahead)
{
    nb_ctx *ctx = ahead->file->ctx;
    bool made = (ahead->block = nb_alloc(ctx, BLOCK));
    for (int i = 0; i < WINDOWS && made; i++) {
        window *w = &ahead->window[i];
        w->row = nb_alloc(ctx, ahead->room * sizeof *w->row);
        w->key = w->row ? nb_alloc(ctx, ahead->room * sizeof *w->key) : NULL;
        w->data = w->key ? nb_alloc(ctx, ahead->room * ahead->file->row_bytes) : NULL;
        w->ready = w->data ? nb_alloc(ctx, ahead->room * sizeof *w->ready) : NULL;
        made = w->ready;
    }
    return made;
}

nb_ahead *nb_ahead_new(const nb_row_file *file)
{
    size_t room = NB_AHEAD_WINDOW / file->row_bytes;
    if ((int64_t)room > file->rows) room = (size_t)file->rows;
    nb_ahead *ahead = room >= NB_AHEAD_LEAST ? nb_alloc_zero(file->ctx, 1, sizeof *ahead) : NULL;
    if (!ahead) return NULL;
    ahead->owner = getpid();
    ahead->file = file;
    ahead->room = room;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->turned, NULL);
    if (make_windows(ahead) && nb_thread_start(&ahead->thread, run, ahead)) return ahead;
    free_all(ahead);
    return NULL;
}

void nb_ahead_free(nb_ahead *ahead)
{
    if (!ahead) return;
    if (ahead->owner != getpid()) {
        free_all(ahead);
        return;
    }
    for (int i = 0; i < WINDOWS; i++) atomic_store(&ahead->window[i].left, true);
    pthread_mutex_lock(&ahead->lock);
    ahead->ending = true;
    pthread_cond_signal(&ahead->turned);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    free_all(ahead);
}

/* ---- Planning ---- */

static void leave(window *w)
{
    atomic_store(&w->left, true);
    w->count = w->taken = 0;
}

/* The window that rows are taken from. */
static window *turn(nb_ahead *ahead)
{
    window *w = &ahead->window[ahead->now];
    if (w->count == 0 || w->taken < w->count) return w;
    leave(w);
    ahead->now = 1 - ahead->now;
    return &ahead->window[ahead->now];
}

int64_t nb_ahead_next(nb_ahead *ahead)
{
    const window *w = turn(ahead);
    return w->taken < w->count ? w->row[w->taken] : -1;
}

size_t nb_ahead_planned(nb_ahead *ahead)
{
    const window *w = turn(ahead);
    return w->count - w->taken + ahead->window[1 - ahead->now].count;
}

/* The window behind what is planned, where nobody has anything to do with it. */
static window *find_empty(nb_ahead *ahead)
{
    window *w = turn(ahead);
    if (ahead->owner != getpid()) return NULL;
    if (w->count > 0) w = &ahead->window[1 - ahead->now];
    if (w->count > 0) return NULL;
    pthread_mutex_lock(&ahead->lock);
    bool busy = w->busy;
    pthread_mutex_unlock(&ahead->lock);
    return busy ? NULL : w;
}

int32_t *nb_ahead_room(nb_ahead *ahead, size_t *room)
{
    const window *w = find_empty(ahead);
    *room = ahead->room;
    return w ? w->row : NULL;
}

void nb_ahead_plan(nb_ahead *ahead, size_t count)
{
    window *w = count > 0 ? find_empty(ahead) : NULL;
    if (!w) return;
    w->count = w->wanted = count;
    w->taken = 0;
    atomic_store(&w->left, false);
    for (size_t i = 0; i < count; i++) atomic_store_explicit(&w->ready[i], 0, memory_order_relaxed);
    pthread_mutex_lock(&ahead->lock);
    w->busy = true;
    w->turn = ahead->turns++;
    pthread_cond_signal(&ahead->turned);
    pthread_mutex_unlock(&ahead->lock);
}

void nb_ahead_forget(nb_ahead *ahead)
{
    for (int i = 0; i < WINDOWS; i++) leave(&ahead->window[i]);
}

const void *nb_ahead_take(nb_ahead *ahead)
{
    window *w = turn(ahead);
    size_t i = w->taken++;
    if (!atomic_load_explicit(&w->ready[i], memory_order_acquire)) return NULL;
    return w->data + i * ahead->file->row_bytes;
}
