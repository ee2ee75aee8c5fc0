/* Folding over dimensions: the plan, the pieces, the loops. */
#include "grad/fold.h"

#include "base/arith.h"
#include "base/workers.h"
#include "tensor/shape.h"

#include <string.h>

enum {
    PIECE = 1 << 17,  /* elements that are worth a piece */
    MOST_PIECES = 32, /* of one fold; their parts are joined at the end */
    PARALLEL =
        1 << 18, /* elements from which the workers are asked: below, waking them costs more */
    ENOUGH_COLUMNS = 8, /* fewer are better folded along their rows, unless nothing lies between */
    SHORT_ROW = 16,     /* shorter ones are better folded across */
    EVEN = 16, /* a piece is a multiple of it: the loops take several elements or rows at a time */
    COLUMNS_GRAIN = 256,
    ROW_GRAIN = 4096,  /* elements of the innermost axis that stay in one piece */
    STRETCH = 1 << 20, /* elements between two looks for Ctrl-C within a piece */
    STRETCH_ROWS = 64 /* rows at least, so that a tile of columns is worth its place in the cache */
};

/* ---- The plan ------------------------------------------------------------------------------- */

/* In the order of memory: a larger step is further out; a step of 0, one element for all, furthest.
 */
static bool further_out(const nb_fold_axis *a, const nb_fold_axis *b)
{
    if (a->step == 0 || b->step == 0) return a->step == 0 && b->step != 0;
    return a->step > b->step;
}

/* Adds dimension d where it belongs, counted forwards. `from[i]` is the dimension behind axis i. */
static void add_axis(nb_fold_plan *plan, int d, int *from)
{
    const nb_tensor *x = plan->x;
    nb_fold_axis axis = {x->shape[d], x->stride[d], 0, plan->dims >> d & 1};
    if (axis.step < 0) {
        plan->base += (axis.size - 1) * axis.step * (int64_t)nb_dtype_size(x->dtype);
        axis.step = -axis.step;
    }
    int at = plan->axes++;
    for (; at > 0 && further_out(&axis, &plan->axis[at - 1]); at--) {
        plan->axis[at] = plan->axis[at - 1];
        from[at] = from[at - 1];
    }
    plan->axis[at] = axis;
    from[at] = d;
}

/* Accumulators lie in the order of the axes; those of dimensions that are walked backwards too. */
static void place_accumulators(nb_fold_plan *plan, const int *from)
{
    plan->count = 1;
    for (int i = plan->axes - 1; i >= 0; i--) {
        nb_fold_axis *axis = &plan->axis[i];
        int d = from[i];
        if (axis->goes) continue;
        axis->to = plan->count;
        bool backwards = plan->x->stride[d] < 0;
        plan->stride[d] = backwards ? -axis->to : axis->to;
        if (backwards) plan->offset += (axis->size - 1) * axis->to;
        plan->count *= axis->size;
    }
}

/* Neighbours that step on where the inner one ends become one. */
static void join_axes(nb_fold_plan *plan)
{
    int kept = 0;
    for (int i = 1; i < plan->axes; i++) {
        nb_fold_axis *outer = &plan->axis[kept], inner = plan->axis[i];
        bool joins = outer->goes == inner.goes && outer->step == inner.step * inner.size &&
                     (outer->goes || outer->to == inner.to * inner.size);
        if (joins)
            *outer = (nb_fold_axis){outer->size * inner.size, inner.step, inner.to, inner.goes};
        else
            plan->axis[++kept] = inner;
    }
    if (plan->axes) plan->axes = kept + 1;
}

/* The innermost axis of one kind, moved to the end; one of a single element where there is none. */
static void bring_inside(nb_fold_plan *plan, bool goes)
{
    nb_fold_axis found = {1, 1, goes ? 0 : 1, goes};
    int at = plan->axes - 1;
    while (at >= 0 && plan->axis[at].goes != goes) at--;
    if (at < 0) {
        plan->axis[plan->axes++] = found;
        return;
    }
    found = plan->axis[at];
    memmove(plan->axis + at, plan->axis + at + 1,
            (size_t)(plan->axes - at - 1) * sizeof *plan->axis);
    plan->axis[plan->axes - 1] = found;
}

/* The inner loop: rows of the innermost reduced axis, or columns of the innermost kept one with
 * that axis as their rows. */
static void choose_loop(nb_fold_plan *plan)
{
    bring_inside(plan, false);
    nb_fold_axis column = plan->axis[plan->axes - 1];
    bring_inside(plan, true);
    nb_fold_axis row = plan->axis[plan->axes - 1];
    bool near = column.step < row.step || row.size == 1;
    bool dense = column.step == 1 && row.step == column.size;
    bool enough = column.size >= ENOUGH_COLUMNS || (dense && column.size > 1);
    plan->columns = column.to == 1 && enough && (near || row.size < SHORT_ROW);
    if (plan->columns) bring_inside(plan, false);
}

void nb_fold_plan_make(nb_fold_plan *plan, const nb_tensor *x, unsigned dims)
{
    int from[NB_MAX_DIMS];
    *plan = (nb_fold_plan){.x = x, .dims = dims, .base = nb_tensor_data(x)};
    plan->elements = nb_tensor_count(x);
    plan->reduced = 1;
    for (int d = 0; d < x->dims; d++) {
        if (dims >> d & 1) plan->reduced *= x->shape[d];
        if (x->shape[d] != 1) add_axis(plan, d, from);
    }
    place_accumulators(plan, from);
    join_axes(plan);
    choose_loop(plan);
}

/* ---- The loops ------------------------------------------------------------------------------ */

/* One fold: the axis that is cut into pieces, and how. */
typedef struct job {
    const nb_fold_plan *plan;
    nb_fold_row_fn *row;
    nb_fold_columns_fn *columns;
    const double *c;
    double *acc;   /* of piece 0 */
    int64_t part;  /* accumulators between those of two pieces: 0 where they share none */
    int cut;       /* the axis */
    int64_t chunk; /* entries of it in one piece */
    const volatile sig_atomic_t *interrupt;
} job;

/* The odometer over the axes around the inner loop. */
typedef struct place {
    int64_t size[NB_MAX_DIMS + 2], index[NB_MAX_DIMS + 2];
    int64_t x, acc; /* where it stands, in elements and accumulators */
} place;

/* One step on among the first `axes` axes; false behind the last. */
static bool advance(const nb_fold_plan *plan, place *at, int axes)
{
    for (int i = axes - 1; i >= 0; i--) {
        const nb_fold_axis *axis = &plan->axis[i];
        at->x += axis->step;
        at->acc += axis->to;
        if (++at->index[i] < at->size[i]) return true;
        at->x -= at->size[i] * axis->step;
        at->acc -= at->size[i] * axis->to;
        at->index[i] = 0;
    }
    return false;
}

static bool is_stopped(const job *work)
{
    return work->interrupt && *work->interrupt;
}

static void run_row(const job *work, int64_t size, const char *x, const double *c, double *acc)
{
    const nb_fold_plan *plan = work->plan;
    int64_t step = plan->axis[plan->axes - 1].step;
    int64_t bytes = step * (int64_t)nb_dtype_size(plan->x->dtype);
    for (int64_t i = 0; i < size && !is_stopped(work); i += STRETCH) {
        int64_t n = size - i < STRETCH ? size - i : STRETCH;
        work->row((size_t)n, x + i * bytes, (ptrdiff_t)step, c ? *c : 0, acc);
    }
}

/* Rows of the innermost reduced axis, as many as the kept one around it has. */
static void run_rows(const job *work, const int64_t *size, const char *x, const double *c,
                     double *acc)
{
    const nb_fold_axis *around = &work->plan->axis[work->plan->axes - 2];
    int64_t bytes = around->step * (int64_t)nb_dtype_size(work->plan->x->dtype);
    for (int64_t i = 0; i < size[0] && !is_stopped(work); i++) {
        run_row(work, size[1], x, c, acc);
        x += bytes;
        acc += around->to;
        if (c) c += around->to;
    }
}

static void run_columns(const job *work, const int64_t *size, const char *x, const double *c,
                        double *acc)
{
    const nb_fold_plan *plan = work->plan;
    const nb_fold_axis *row = &plan->axis[plan->axes - 2], *column = row + 1;
    int64_t bytes = row->step * (int64_t)nb_dtype_size(plan->x->dtype);
    int64_t most = STRETCH / size[1] > STRETCH_ROWS ? STRETCH / size[1] : STRETCH_ROWS;
    for (int64_t i = 0; i < size[0] && !is_stopped(work); i += most) {
        int64_t n = size[0] - i < most ? size[0] - i : most;
        work->columns((size_t)n, (size_t)size[1], x + i * bytes, (ptrdiff_t)row->step,
                      (ptrdiff_t)column->step, c, acc);
    }
}

static void run_piece(void *arg, size_t piece)
{
    const job *work = arg;
    const nb_fold_plan *plan = work->plan;
    const nb_fold_axis *cut = &plan->axis[work->cut];
    int64_t start = (int64_t)piece * work->chunk;
    place at = {.x = start * cut->step, .acc = start * cut->to + (int64_t)piece * work->part};
    for (int i = 0; i < plan->axes; i++) at.size[i] = plan->axis[i].size;
    if (cut->size - start < work->chunk)
        at.size[work->cut] = cut->size - start;
    else
        at.size[work->cut] = work->chunk;
    int64_t width = (int64_t)nb_dtype_size(plan->x->dtype);
    do {
        const char *x = plan->base + at.x * width;
        int64_t param = at.acc - (int64_t)piece * work->part;
        const double *c = work->c ? work->c + param : NULL;
        if (plan->columns)
            run_columns(work, at.size + plan->axes - 2, x, c, work->acc + at.acc);
        else
            run_rows(work, at.size + plan->axes - 2, x, c, work->acc + at.acc);
    } while (!is_stopped(work) && advance(plan, &at, plan->axes - 2));
}

/* ---- Pieces --------------------------------------------------------------------------------- */

/* Into how many pieces an axis may be cut. */
static int64_t pieces_of(const nb_fold_plan *plan, int i)
{
    bool innermost = i == plan->axes - 1;
    int64_t grain = !innermost ? 1 : plan->columns ? COLUMNS_GRAIN : ROW_GRAIN;
    return plan->axis[i].size / grain;
}

/* Chooses the axis to cut, the outermost that gives enough pieces, for those lie together in
 * memory; a reduced one only where the accumulators of all pieces are few beside the elements.
 * Returns how many pieces there are. By the sizes alone, so that bits do not depend on the number
 * of threads. */
static size_t cut(job *work)
{
    const nb_fold_plan *plan = work->plan;
    int64_t wanted = plan->elements / PIECE, best = 0;
    if (wanted > MOST_PIECES) wanted = MOST_PIECES;
    for (int i = 0; i < plan->axes && (best <= 1 || 2 * best < wanted); i++) {
        int64_t pieces = pieces_of(plan, i);
        if (pieces > wanted) pieces = wanted;
        bool many = plan->axis[i].goes && plan->count > plan->elements / (8 * MOST_PIECES);
        if (many || pieces <= best) continue;
        best = pieces;
        work->cut = i;
    }
    const nb_fold_axis *axis = &plan->axis[work->cut];
    if (best < 1) best = 1;
    work->chunk = (axis->size + best - 1) / best;
    if (work->chunk >= 4 * EVEN) work->chunk = (work->chunk + EVEN - 1) / EVEN * EVEN;
    size_t pieces = (size_t)((axis->size + work->chunk - 1) / work->chunk);
    if (axis->goes && pieces > 1) work->part = plan->count;
    return pieces;
}

static nb_status run_pieces(nb_ctx *ctx, job *work, size_t pieces)
{
    if (pieces <= 1) work->interrupt = NULL;
    if (pieces > 1 && work->plan->elements >= PARALLEL)
        nb_parallel(ctx, pieces, run_piece, work);
    else
        for (size_t i = 0; i < pieces; i++) run_piece(work, i);
    return pieces > 1 ? nb_poll(ctx) : NB_OK;
}

/* The pieces in accumulators of their own, then joined from the first to the last. */
static nb_status run_parts(nb_ctx *ctx, job *work, size_t pieces, const nb_fold_rule *rule,
                           double *acc)
{
    size_t count = (size_t)work->plan->count, bytes;
    if (!nb_mul_size(pieces * count, sizeof(double), &bytes))
        return nb_fail(ctx, NB_EMEMORY, "a reduction to %zu elements is too large", count);
    double *parts = nb_alloc(ctx, bytes);
    if (!parts) return ctx->status;
    for (size_t i = 0; i < pieces * count; i++) parts[i] = rule->start;
    work->acc = parts;
    nb_status status = run_pieces(ctx, work, pieces);
    if (status == NB_OK)
        nb_kernels_get()->folds[NB_F64]->columns[rule->join](pieces, count, parts, (ptrdiff_t)count,
                                                             1, NULL, acc);
    nb_free(ctx, parts, bytes);
    return status;
}

nb_status nb_fold_run(nb_ctx *ctx, const nb_fold_plan *plan, nb_fold fold, const double *c,
                      double *acc)
{
    const nb_fold_kernels *kernels = nb_kernels_get()->folds[plan->x->dtype];
    const nb_fold_rule *rule = &nb_fold_rules[fold];
    nb_status status = NB_OK;
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++) acc[i] = rule->start;
    if (status != NB_OK || plan->elements == 0) return status;
    job work = {.plan = plan,
                .row = kernels->row[fold],
                .columns = kernels->columns[fold],
                .c = c,
                .acc = acc,
                .interrupt = ctx->interrupt};
    size_t pieces = cut(&work);
    if (work.part) return run_parts(ctx, &work, pieces, rule, acc);
    return run_pieces(ctx, &work, pieces);
}

nb_tensor *nb_fold_tensor(nb_ctx *ctx, const nb_fold_plan *plan, const double *acc, nb_dtype dtype,
                          double scale, bool keep)
{
    const nb_tensor *x = plan->x;
    nb_storage storage = {.data = (void *)(uintptr_t)acc, .refs = 1};
    nb_tensor from = {.storage = &storage, .offset = plan->offset, .refs = 1, .dtype = NB_F64};
    for (int d = 0; d < x->dims; d++) {
        bool goes = plan->dims >> d & 1;
        if (goes && !keep) continue;
        from.shape[from.dims] = goes ? 1 : x->shape[d];
        from.stride[from.dims++] = goes ? 0 : plan->stride[d];
    }
    if (dtype != NB_F64 || scale != 1) return nb_tensor_convert(ctx, &from, dtype, scale);
    return nb_tensor_clone(ctx, &from);
}
