/* See jacobian.h. */
#include "nn/train/pieces/jacobian.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/processes/peers.h"
#include "nn/train/search/trust.h"

#include <string.h>

/* ---- What one process fails in ends the step in all ------------------------------------------ */

/* Ctrl-C is asked for while this process works by itself. */
static void listen(nb_ctx *ctx, const nb_cut_squares *parts, bool now)
{
    if (ctx->peers) ctx->interrupt = now ? parts->interrupt : NULL;
}

static nb_status share(nb_ctx *ctx, const nb_cut_squares *parts, nb_status status)
{
    listen(ctx, parts, false);
    return nb_peers_share(ctx, NB_PEERS_STEP, parts->step, status);
}

static nb_status residuals(nb_ctx *ctx, void *self, double *r)
{
    const nb_cut_squares *parts = self;
    listen(ctx, parts, true);
    return share(ctx, parts, parts->squares.residuals(ctx, parts->squares.self, r));
}

static nb_status whole_rows(nb_ctx *ctx, void *self, const nb_row_taker *rows)
{
    const nb_cut_squares *parts = self;
    listen(ctx, parts, true);
    return share(ctx, parts, parts->squares.rows(ctx, parts->squares.self, rows));
}

/* ---- Rows of pieces -------------------------------------------------------------------------- */

/* As many rows as a triangle has a piece hands on as they are: those of a triangle would be no
 * fewer, and what stands below as many as came is rounding alone. */
typedef struct folding {
    nb_ctx *ctx;
    const nb_cut_squares *parts;
    const nb_row_taker *to;
    nb_trust trust; /* of the piece under way, where its rows are too many */
    double *own;    /* the rows of own pieces, zeros behind them */
    double *come;   /* those of one piece that have come */
    double *at;     /* of the piece under way, in `own` */
    int64_t held;   /* rows that stand there; -1: they went into the triangle */
    int64_t most;   /* rows of a piece */
    size_t numbers; /* of a piece */
} folding;

static int64_t width_of(const folding *f)
{
    return f->to->places + 1;
}

static size_t own_pieces(const folding *f)
{
    const nb_cut *cut = f->parts->cut;
    return (size_t)(cut->end - cut->first);
}

static nb_status begin(nb_ctx *ctx, folding *f)
{
    nb_status status = nb_trust_new(ctx, &f->trust, f->to->places);
    if (status != NB_OK) return status;
    f->own = nb_alloc_zero(ctx, own_pieces(f), f->numbers * sizeof(double));
    f->come = f->own ? nb_alloc(ctx, f->numbers * sizeof(double)) : NULL;
    return f->come ? NB_OK : ctx->status;
}

static void end(folding *f)
{
    nb_trust_free(f->ctx, &f->trust);
    nb_free(f->ctx, f->own, own_pieces(f) * f->numbers * sizeof(double));
    nb_free(f->ctx, f->come, f->numbers * sizeof(double));
}

/* The rows that are held, into the triangle. */
static nb_status melt(nb_ctx *ctx, folding *f)
{
    int64_t held = f->held, most = f->trust.rows;
    nb_status status = nb_trust_clear(ctx, &f->trust);
    f->held = -1;
    for (int64_t i = 0; i < held && status == NB_OK; i += most)
        status =
            nb_trust_add(ctx, &f->trust, nb_least_i64(held - i, most), f->at + i * width_of(f));
    return status;
}

static bool is_zero(int64_t n, const double *x)
{
    int64_t i = 0;
    while (i < n && x[i] == 0) i++;
    return i == n;
}

/* Holds the rows that have come, without those of padded steps, which are zeros: so pieces hold no
 * more than the whole has. False: they are too many. */
static bool hold(folding *f, int64_t rows)
{
    int64_t width = width_of(f);
    for (int64_t i = 0; i < rows; i++) {
        double *row = f->trust.beside + i * width;
        if (is_zero(width, row)) continue;
        if (f->held == f->most) return false;
        memcpy(f->at + f->held++ * width, row, (size_t)width * sizeof *row);
        memset(row, 0, (size_t)width * sizeof *row);
    }
    return true;
}

static nb_status fold(nb_ctx *ctx, void *self, int64_t rows)
{
    folding *f = self;
    nb_status status = NB_OK;
    if (f->held >= 0) {
        if (hold(f, rows)) return NB_OK;
        status = melt(ctx, f);
    }
    return status == NB_OK ? nb_trust_add(ctx, &f->trust, rows, f->trust.beside) : status;
}

static bool is_empty(const nb_cut *cut, int64_t piece)
{
    return nb_cut_start(cut, piece) == nb_cut_start(cut, piece + 1);
}

/* The rows of this process's pieces. */
static nb_status fold_own(nb_ctx *ctx, folding *f)
{
    const nb_cut *cut = f->parts->cut;
    const nb_row_taker taker = {
        f->to->place, f->to->places, f->trust.beside, f->trust.rows, fold, f, NULL};
    nb_whole whole = *f->parts->whole;
    nb_status status = NB_OK;
    for (int64_t i = cut->first; i < cut->end && status == NB_OK; i++) {
        if (is_empty(cut, i)) continue;
        f->at = f->own + (size_t)(i - cut->first) * f->numbers;
        f->held = 0;
        whole.first = nb_cut_start(cut, i);
        whole.end = nb_cut_start(cut, i + 1);
        status = f->parts->squares.rows(ctx, &whole, &taker);
        if (f->held < 0) memcpy(f->at, f->trust.r, f->numbers * sizeof *f->at);
    }
    return status;
}

/* The rows of a piece from the process that has it, as a sum to which others add nothing. A bad
 * status is everybody's then. */
static nb_status fetch(nb_ctx *ctx, folding *f, int64_t piece, nb_status status)
{
    const nb_cut *cut = f->parts->cut;
    nb_tree tree;
    nb_head head;
    nb_tree_begin(&tree, cut, (int64_t)f->numbers, NB_F64, 0);
    if (status == NB_OK && piece >= cut->first && piece < cut->end)
        status = nb_tree_put(ctx, &tree, piece, f->own + (size_t)(piece - cut->first) * f->numbers,
                             NULL);
    nb_head_begin(ctx, &head, NB_PEERS_STEP, f->parts->step, status);
    status = nb_tree_total(ctx, &tree, &head);
    const double *sum = status == NB_OK ? nb_tree_numbers(&tree) : NULL;
    if (sum) memcpy(f->come, sum, f->numbers * sizeof *sum);
    nb_tree_free(ctx, &tree);
    return status;
}

/* They go to whoever asked for those of the piece, without zeros at their end. */
static nb_status hand_on(nb_ctx *ctx, const folding *f)
{
    const nb_row_taker *to = f->to;
    int64_t width = width_of(f), rows = f->most;
    nb_status status = NB_OK;
    while (rows && is_zero(width, f->come + (rows - 1) * width)) rows--;
    for (int64_t i = 0, n; i < rows && status == NB_OK; i += n) {
        n = nb_least_i64(rows - i, to->most);
        memcpy(to->room, f->come + i * width, (size_t)(n * width) * sizeof *to->room);
        status = to->stand(ctx, to->self, n);
    }
    return status;
}

static nb_status fold_all(nb_ctx *ctx, folding *f)
{
    const nb_cut *cut = f->parts->cut;
    listen(ctx, f->parts, true);
    nb_status status = begin(ctx, f);
    if (status == NB_OK) status = fold_own(ctx, f);
    for (int64_t i = 0; i < cut->pieces; i++) {
        if (is_empty(cut, i)) continue;
        listen(ctx, f->parts, false);
        status = fetch(ctx, f, i, status);
        if (status != NB_OK) return status;
        listen(ctx, f->parts, true);
        status = hand_on(ctx, f);
    }
    return share(ctx, f->parts, status);
}

static nb_status cut_rows(nb_ctx *ctx, void *self, const nb_row_taker *rows)
{
    folding f = {.ctx = ctx, .parts = self, .to = rows};
    f.most = nb_least_i64(width_of(&f), f.parts->squares.count);
    f.numbers = (size_t)(f.most * width_of(&f));
    nb_status status = fold_all(ctx, &f);
    listen(ctx, f.parts, false);
    end(&f);
    return status;
}

void nb_squares_cut(nb_ctx *ctx, nb_squares *squares, nb_cut_squares *parts)
{
    bool cut = parts->cut && parts->cut->pieces > 1;
    if (!ctx->peers && !cut) return;
    parts->squares = *squares;
    parts->interrupt = ctx->interrupt;
    squares->residuals = residuals;
    squares->rows = cut ? cut_rows : whole_rows;
    squares->self = parts;
}
