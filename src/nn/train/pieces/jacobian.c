/* See jacobian.h. */
#include "nn/train/pieces/jacobian.h"

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

/* ---- Triangles of pieces --------------------------------------------------------------------- */

typedef struct folding {
    nb_ctx *ctx;
    const nb_cut_squares *parts;
    const nb_row_taker *to;
    nb_trust trust;   /* of the piece under way */
    double *own;      /* the triangles of own pieces */
    double *triangle; /* one that has come */
    size_t numbers;   /* of a triangle */
} folding;

static size_t own_bytes(const folding *f)
{
    const nb_cut *cut = f->parts->cut;
    return (size_t)(cut->end - cut->first) * f->numbers * sizeof(double);
}

static nb_status begin(nb_ctx *ctx, folding *f)
{
    nb_status status = nb_trust_new(ctx, &f->trust, f->to->places);
    if (status != NB_OK) return status;
    f->own = nb_alloc(ctx, own_bytes(f));
    f->triangle = f->own ? nb_alloc(ctx, f->numbers * sizeof(double)) : NULL;
    return f->triangle ? NB_OK : ctx->status;
}

static void end(folding *f)
{
    nb_trust_free(f->ctx, &f->trust);
    nb_free(f->ctx, f->own, own_bytes(f));
    nb_free(f->ctx, f->triangle, f->numbers * sizeof(double));
}

static nb_status fold(nb_ctx *ctx, void *self, int64_t rows)
{
    folding *f = self;
    return nb_trust_add(ctx, &f->trust, rows, f->trust.beside);
}

static bool is_empty(const nb_cut *cut, int64_t piece)
{
    return nb_cut_start(cut, piece) == nb_cut_start(cut, piece + 1);
}

/* The triangles of this process's pieces. */
static nb_status fold_own(nb_ctx *ctx, folding *f)
{
    const nb_cut *cut = f->parts->cut;
    const nb_row_taker taker = {
        f->to->place, f->to->places, f->trust.beside, f->trust.rows, fold, f, NULL};
    nb_whole whole = *f->parts->whole;
    nb_status status = NB_OK;
    for (int64_t i = cut->first; i < cut->end && status == NB_OK; i++) {
        if (is_empty(cut, i)) continue;
        nb_trust_clear(&f->trust);
        whole.first = nb_cut_start(cut, i);
        whole.end = nb_cut_start(cut, i + 1);
        status = f->parts->squares.rows(ctx, &whole, &taker);
        double *own = f->own + (size_t)(i - cut->first) * f->numbers;
        memcpy(own, f->trust.r, f->numbers * sizeof *own);
    }
    return status;
}

/* The triangle of a piece from the process that has it, as a sum to which others add nothing. A bad
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
    if (sum) memcpy(f->triangle, sum, f->numbers * sizeof *sum);
    nb_tree_free(ctx, &tree);
    return status;
}

/* Its rows to whoever asked for those of the piece. */
static nb_status hand_on(nb_ctx *ctx, const folding *f)
{
    const nb_row_taker *to = f->to;
    int64_t width = to->places + 1;
    nb_status status = NB_OK;
    for (int64_t i = 0, n; i < width && status == NB_OK; i += n) {
        n = width - i < to->most ? width - i : to->most;
        memcpy(to->room, f->triangle + i * width, (size_t)(n * width) * sizeof *to->room);
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
    size_t width = (size_t)rows->places + 1;
    folding f = {.ctx = ctx, .parts = self, .to = rows, .numbers = width * width};
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
