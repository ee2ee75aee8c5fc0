/* Rows that stay in their file: those that training announces are read ahead by a thread, others
 * when they are asked for. */
#include "nn/data/rows/feed.h"

#include "base/memory.h"
#include "io/rows/ahead.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { BLOCK = 256 << 10 }; /* bytes of rows that are read at once where they follow each other */

typedef struct mapped {
    nb_feed head;
    nb_row_file *file;
    nb_ahead *ahead; /* NULL: nothing was announced yet, or it cannot be had */
    bool alone;      /* it cannot be had */
    char *block;     /* `held` rows */
    size_t held;
} mapped;

static void convert(const nb_feed *feed, const nb_scale *scale, size_t n, const void *from,
                    const nb_room *room, int64_t at)
{
    size_t width = (size_t)room->width, bytes = width * nb_dtype_size(room->dtype);
    nb_scale_rows(scale, n, width, from, feed->dtype, (char *)room->data + (size_t)at * bytes,
                  room->dtype);
}

/* How many of the picked rows from number i on follow each other in the file. */
static size_t run_of(const nb_pick *pick, int64_t i, size_t most)
{
    size_t n = 1;
    int64_t first = nb_pick_row(pick, i);
    while (n < most && i + (int64_t)n < pick->n &&
           nb_pick_row(pick, i + (int64_t)n) == first + (int64_t)n)
        n++;
    return n;
}

/* One read of `most` rows at most; *n: those that it gave. */
static nb_status read_run(mapped *m, const nb_pick *pick, const nb_scale *scale,
                          const nb_room *room, int64_t i, size_t most, size_t *n)
{
    *n = run_of(pick, i, most);
    int64_t first = nb_pick_row(pick, i);
    nb_row_outcome outcome = nb_row_file_read(m->file, first, *n, m->block);
    int error = errno;
    if (outcome == NB_ROW_READ) outcome = nb_row_file_check(m->file);
    if (outcome != NB_ROW_READ) return nb_row_file_fail(m->file, outcome, error, first);
    convert(&m->head, scale, *n, m->block, room, i);
    return nb_poll(m->file->ctx);
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    mapped *m = (mapped *)feed;
    nb_status status = NB_OK;
    size_t n;
    (void)ctx;
    for (int64_t i = 0; i < pick->n && status == NB_OK; i += (int64_t)n) {
        bool planned = m->ahead && nb_ahead_next(m->ahead) == nb_pick_row(pick, i);
        const void *row = planned ? nb_ahead_take(m->ahead) : NULL;
        n = 1;
        if (row)
            convert(feed, scale, 1, row, room, i);
        else
            status = read_run(m, pick, scale, room, i, planned ? 1 : m->held, &n);
    }
    return status;
}

/* Plans what follows of the announced rows behind those that are planned. What is planned is a
 * promise that costs nothing to break: `gather` looks at every row's number. */
static void announce(nb_feed *feed, const nb_pick *pick)
{
    mapped *m = (mapped *)feed;
    size_t room;
    int32_t *list;
    if (!m->ahead && !m->alone) m->alone = !(m->ahead = nb_ahead_new(m->file));
    if (m->alone) return;
    int64_t next = nb_ahead_next(m->ahead);
    if (next >= 0 && next != nb_pick_row(pick, 0)) nb_ahead_forget(m->ahead);
    while ((list = nb_ahead_room(m->ahead, &room))) {
        int64_t planned = (int64_t)nb_ahead_planned(m->ahead), count = 0;
        for (; count < (int64_t)room && planned + count < pick->n; count++)
            list[count] = (int32_t)nb_pick_row(pick, planned + count);
        nb_ahead_plan(m->ahead, (size_t)count);
        if (count == 0) return;
    }
}

static void free_mapped(nb_ctx *ctx, nb_feed *feed)
{
    mapped *m = (mapped *)feed;
    nb_ahead_free(m->ahead);
    if (m->block) nb_free(ctx, m->block, m->held * m->file->row_bytes);
    nb_row_file_close(m->file);
    nb_free(ctx, m, sizeof *m);
}

static const nb_feed_type in_file = {.gather = gather, .announce = announce, .free = free_mapped};

nb_feed *nb_feed_of_file(nb_ctx *ctx, nb_row_file *file, const char *what)
{
    if (!file) return NULL;
    if (file->rows > NB_SET_ROWS_MAX) {
        nb_fail(ctx, NB_ESHAPE, "%s: a set has at most %" PRId64 " examples, not %" PRId64, what,
                (int64_t)NB_SET_ROWS_MAX, file->rows);
        nb_row_file_close(file);
        return NULL;
    }
    mapped *m = nb_alloc_zero(ctx, 1, sizeof *m);
    if (!m) {
        nb_row_file_close(file);
        return NULL;
    }
    *m = (mapped){.head = {.refs = 1, .type = &in_file}, .file = file};
    m->head.dtype = file->of.dtype;
    m->head.count = file->rows;
    m->head.dims = file->of.dims - 1;
    memcpy(m->head.shape, file->of.shape + 1, (size_t)m->head.dims * sizeof *m->head.shape);
    m->held = BLOCK / file->row_bytes > 0 ? BLOCK / file->row_bytes : 1;
    m->block = nb_alloc(ctx, m->held * file->row_bytes);
    if (m->block) return &m->head;
    free_mapped(ctx, &m->head);
    return NULL;
}
