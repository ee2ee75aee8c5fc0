/* Activations run by run, along the dimension of the neurons. */
#include "grad/activate.h"

#include "grad/pieces.h"
#include "grad/support.h"

enum { FEW = 1 << 14 }; /* elements that are done at once, without a look for Ctrl-C */

bool nb_runs_need_z(const nb_kernel_runs *runs)
{
    for (int64_t i = 0; i < runs->count; i++)
        if (nb_unary_needs[runs->run[i].kernel] == NB_FROM_X) return true;
    return false;
}

bool nb_runs_give_slopes(const nb_kernel_runs *runs, nb_dtype dtype)
{
    return runs->count == 1 && nb_real(dtype)->with_slope[runs->run[0].kernel];
}

void nb_runs_forward(const nb_kernel_runs *runs, nb_dtype dtype, int64_t n, int64_t neurons,
                     int64_t inner, const void *z, void *a)
{
    int64_t width = (int64_t)nb_dtype_size(dtype);
    for (int64_t i = 0; i < runs->count; i++) {
        const nb_kernel_run *run = &runs->run[i];
        nb_unary_fn *f = nb_real(dtype)->unary[run->kernel];
        bool all = run->count == neurons;
        int64_t times = all ? 1 : n, count = (all ? n * neurons : run->count) * inner;
        for (int64_t row = 0; row < times; row++) {
            int64_t at = (row * neurons + run->start) * inner * width;
            f((size_t)count, (const char *)z + at, 1, (char *)a + at, 1, run->p, run->q);
        }
    }
}

/* dz = da ⊙ f'(z), of contiguous tensors. z is NULL where no slope needs it. */
static void run_backward(const nb_kernel_runs *runs, nb_dtype dtype, const int64_t sizes[3],
                         const char *z, const char *a, const char *da, char *dz)
{
    int64_t width = (int64_t)nb_dtype_size(dtype), n = sizes[0], neurons = sizes[1];
    for (int64_t i = 0; i < runs->count; i++) {
        const nb_kernel_run *run = &runs->run[i];
        nb_slope_fn *slope = nb_real(dtype)->slope[run->kernel];
        bool all = run->count == neurons;
        int64_t times = all ? 1 : n, count = (all ? n * neurons : run->count) * sizes[2];
        for (int64_t row = 0; row < times; row++) {
            int64_t at = (row * neurons + run->start) * sizes[2] * width;
            slope((size_t)count, z ? z + at : NULL, a + at, da + at, dz + at, run->p, run->q);
        }
    }
}

/* What a tensor is to its runs: (n, neurons, inner). */
static void sizes_of(const nb_tensor *t, int dim, int64_t sizes[3])
{
    sizes[0] = sizes[2] = 1;
    for (int i = 0; i < dim; i++) sizes[0] *= t->shape[i];
    sizes[1] = t->shape[dim];
    for (int i = dim + 1; i < t->dims; i++) sizes[2] *= t->shape[i];
}

nb_status nb_keep_outputs(nb_ctx *ctx, nb_call *call, const nb_tensor *z, const nb_tensor *a)
{
    call->saved[0] = nb_tensor_alias(ctx, a);
    if (!call->saved[0]) return ctx->status;
    if (!nb_runs_need_z(nb_runs_of(&call->attr))) return NB_OK;
    call->saved[1] = nb_tensor_alias(ctx, z);
    return call->saved[1] ? NB_OK : ctx->status;
}

/* ---- Rows cut into pieces -------------------------------------------------------------------- */

/* An activation under way, forward or back: contiguous tensors, NULL where there is none. A row is
 * one example's, or, where all neurons have one activation, a single number. */
typedef struct running {
    const nb_kernel_runs *runs;
    nb_dtype dtype;
    int64_t neurons, inner;
    const char *z, *a, *da;
    char *to, *slope; /* a or dz; f'(z) */
    nb_pieces pieces;
} running;

/* Rows from `skip` bytes on. */
typedef void some_rows(const running *r, int64_t rows, int64_t skip);

static const char *behind(const char *numbers, int64_t skip)
{
    return numbers ? numbers + skip : NULL;
}

static void some_forward(const running *r, int64_t rows, int64_t skip)
{
    const nb_kernel_run *one = r->runs->count == 1 ? r->runs->run : NULL;
    if (one)
        nb_real(r->dtype)->unary[one->kernel]((size_t)rows, r->z + skip, 1, r->to + skip, 1, one->p,
                                              one->q);
    else
        nb_runs_forward(r->runs, r->dtype, rows, r->neurons, r->inner, r->z + skip, r->to + skip);
}

static void some_with_slopes(const running *r, int64_t rows, int64_t skip)
{
    nb_real(r->dtype)->with_slope[r->runs->run[0].kernel]((size_t)rows, r->z + skip, r->to + skip,
                                                          r->slope + skip);
}

static void some_back(const running *r, int64_t rows, int64_t skip)
{
    const nb_kernel_run *one = r->runs->count == 1 ? r->runs->run : NULL;
    const int64_t sizes[3] = {rows, r->neurons, r->inner};
    const char *z = behind(r->z, skip);
    if (one)
        nb_real(r->dtype)->slope[one->kernel]((size_t)rows, z, r->a + skip, r->da + skip,
                                              r->to + skip, one->p, one->q);
    else
        run_backward(r->runs, r->dtype, sizes, z, r->a + skip, r->da + skip, r->to + skip);
}

/* By slopes, which stand in z's place: all neurons have one activation. */
static void some_by_slopes(const running *r, int64_t rows, int64_t skip)
{
    nb_real(r->dtype)->chain((size_t)rows, r->z + skip, r->da + skip, r->to + skip);
}

static int64_t row_of(const running *r)
{
    return r->runs->count == 1 ? 1 : r->neurons * r->inner;
}

typedef struct task {
    running of;
    some_rows *some;
} task;

static void run_piece(void *arg, size_t piece)
{
    const task *t = arg;
    const nb_pieces *p = &t->of.pieces;
    int64_t start = nb_piece_start(p, piece), rows = nb_piece_end(p, piece) - start;
    if (!nb_pieces_stopped(p))
        t->some(&t->of, rows, start * row_of(&t->of) * (int64_t)nb_dtype_size(t->of.dtype));
}

static nb_status run_rows(nb_ctx *ctx, const running *r, some_rows *some, int64_t examples)
{
    int64_t each = row_of(r), all = examples * r->neurons * r->inner;
    if (all <= FEW) {
        some(r, all / each, 0);
        return NB_OK;
    }
    task t = {*r, some};
    t.of.pieces = nb_pieces_of(all / each, each);
    return nb_pieces_run(ctx, &t.of.pieces, run_piece, &t);
}

nb_status nb_runs_activate(nb_ctx *ctx, const nb_kernel_runs *runs, int dim, const nb_tensor *z,
                           nb_tensor *a, nb_tensor *slope)
{
    int64_t sizes[3];
    sizes_of(z, dim, sizes);
    running r = {.runs = runs,
                 .dtype = z->dtype,
                 .neurons = sizes[1],
                 .inner = sizes[2],
                 .z = nb_tensor_data(z),
                 .to = nb_tensor_data(a),
                 .slope = slope ? nb_tensor_data(slope) : NULL};
    return run_rows(ctx, &r, slope ? some_with_slopes : some_forward, sizes[0]);
}

/* a = f(z), with f'(z) kept in z's place, or beside it where somebody else sees z: saved[1], and
 * saved[0] stays NULL. Takes the reference to z. */
static nb_tensor *activated_with_slopes(nb_ctx *ctx, nb_call *call, nb_tensor *z, bool in_place)
{
    nb_tensor *a = nb_tensor_new(ctx, z->dtype, z->dims, z->shape), *slope = NULL;
    if (a) slope = in_place ? nb_tensor_retain(z) : nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    nb_status status =
        slope ? nb_runs_activate(ctx, nb_runs_of(&call->attr), 0, z, a, slope) : ctx->status;
    call->saved[1] = slope;
    nb_tensor_release(ctx, z);
    return a ? nb_tensor_settle(ctx, a, status) : NULL;
}

nb_tensor *nb_activated(nb_ctx *ctx, nb_call *call, nb_tensor *z, int dim, bool in_place)
{
    const nb_kernel_runs *runs = nb_runs_of(&call->attr);
    if (call->recording && nb_runs_give_slopes(runs, z->dtype))
        return activated_with_slopes(ctx, call, z, in_place);
    bool same = in_place && !(call->recording && nb_runs_need_z(runs));
    nb_tensor *a = same ? nb_tensor_retain(z) : nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (a) {
        nb_status status = nb_runs_activate(ctx, runs, dim, z, a, NULL);
        if (status == NB_OK && call->recording) status = nb_keep_outputs(ctx, call, z, a);
        a = nb_tensor_settle(ctx, a, status);
    }
    nb_tensor_release(ctx, z);
    return a;
}

nb_status nb_runs_delta(nb_ctx *ctx, const nb_kernel_runs *runs, int dim, const nb_tensor *z,
                        const nb_tensor *a, const nb_tensor *from, nb_tensor *to)
{
    int64_t sizes[3];
    sizes_of(a ? a : z, dim, sizes);
    running r = {.runs = runs,
                 .dtype = to->dtype,
                 .neurons = sizes[1],
                 .inner = sizes[2],
                 .z = z ? nb_tensor_data(z) : NULL,
                 .a = a ? nb_tensor_data(a) : NULL,
                 .da = nb_tensor_data(from),
                 .to = nb_tensor_data(to)};
    return run_rows(ctx, &r, a ? some_back : some_by_slopes, sizes[0]);
}

nb_tensor *nb_delta_at_z(nb_ctx *ctx, const nb_record *record, nb_tensor *delta, int dim)
{
    nb_tensor *from, *to;
    if (!record->attr.shared) return nb_tensor_contiguous(ctx, delta);
    if (nb_delta_for_write(ctx, delta, &from, &to) != NB_OK) return NULL;
    nb_status status = nb_runs_delta(ctx, nb_runs_of(&record->attr), dim, record->saved[1],
                                     record->saved[0], from, to);
    nb_tensor_release(ctx, from);
    return nb_tensor_settle(ctx, to, status);
}
