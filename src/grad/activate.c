/* Activations run by run, along the dimension of the neurons. */
#include "grad/activate.h"

#include "grad/support.h"

enum { ROUND = 1 << 22 }; /* elements between two looks for Ctrl-C */

/* The rows of a round, of `each` elements; 0: none are left, or Ctrl-C was pressed (*status). */
static int64_t next_rows(nb_ctx *ctx, int64_t done, int64_t rows, int64_t each, nb_status *status)
{
    if (done == rows) return 0;
    int64_t most = each < ROUND ? ROUND / (each + 1) + 1 : 1;
    if (done > 0) *status = nb_poll(ctx);
    if (*status != NB_OK) return 0;
    return rows - done < most ? rows - done : most;
}

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

/* f'(z) along with a. */
static nb_status run_with_slopes(nb_ctx *ctx, nb_unary kernel, const nb_tensor *z, nb_tensor *a,
                                 nb_tensor *slope)
{
    int64_t count = nb_tensor_count(z), width = (int64_t)nb_dtype_size(z->dtype);
    nb_status status = NB_OK;
    for (int64_t at = 0, n; (n = next_rows(ctx, at, count, 1, &status)) > 0; at += n)
        nb_real(z->dtype)->with_slope[kernel]((size_t)n, (char *)nb_tensor_data(z) + at * width,
                                              (char *)nb_tensor_data(a) + at * width,
                                              (char *)nb_tensor_data(slope) + at * width);
    return status;
}

nb_status nb_runs_activate(nb_ctx *ctx, const nb_kernel_runs *runs, int dim, const nb_tensor *z,
                           nb_tensor *a, nb_tensor *slope)
{
    if (slope) return run_with_slopes(ctx, runs->run[0].kernel, z, a, slope);
    int64_t sizes[3], count = nb_tensor_count(z);
    if (runs->count == 1 && count <= ROUND) {
        const nb_kernel_run *run = runs->run;
        nb_real(z->dtype)->unary[run->kernel]((size_t)count, nb_tensor_data(z), 1,
                                              nb_tensor_data(a), 1, run->p, run->q);
        return NB_OK;
    }
    nb_status status = NB_OK;
    const char *from = nb_tensor_data(z);
    char *to = nb_tensor_data(a);
    sizes_of(z, dim, sizes);
    int64_t each = sizes[1] * sizes[2], bytes = each * (int64_t)nb_dtype_size(z->dtype);
    for (int64_t at = 0, n; (n = next_rows(ctx, at, sizes[0], each, &status)) > 0; at += n)
        nb_runs_forward(runs, z->dtype, n, sizes[1], sizes[2], from + at * bytes, to + at * bytes);
    return status;
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
    int64_t sizes[3], count = a ? nb_tensor_count(a) : 0;
    if (a && runs->count == 1 && count <= ROUND) {
        const nb_kernel_run *run = runs->run;
        nb_real(a->dtype)->slope[run->kernel]((size_t)count, z ? nb_tensor_data(z) : NULL,
                                              nb_tensor_data(a), nb_tensor_data(from),
                                              nb_tensor_data(to), run->p, run->q);
        return NB_OK;
    }
    nb_status status = NB_OK;
    sizes_of(a ? a : z, dim, sizes);
    int64_t rows = sizes[0], each = sizes[1] * sizes[2];
    for (int64_t at = 0; (sizes[0] = next_rows(ctx, at, rows, each, &status)) > 0; at += sizes[0]) {
        int64_t skip = at * each * (int64_t)nb_dtype_size(to->dtype);
        const char *at_z = z ? (const char *)nb_tensor_data(z) + skip : NULL;
        const char *da = (const char *)nb_tensor_data(from) + skip;
        char *dz = (char *)nb_tensor_data(to) + skip;
        if (a)
            run_backward(runs, a->dtype, sizes, at_z, (const char *)nb_tensor_data(a) + skip, da,
                         dz);
        else
            nb_real(to->dtype)->chain((size_t)(sizes[0] * each), at_z, da, dz);
    }
    return status;
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
