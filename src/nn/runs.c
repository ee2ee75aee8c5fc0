/* Runs of equal activations: how they change, and how they are applied. */
#include "nn/runs.h"

#include "base/memory.h"
#include "tensor/shape.h"

#include <string.h>

static size_t runs_bytes(int64_t count)
{
    return sizeof(nb_runs) + (size_t)count * sizeof(nb_run);
}

static bool is_elementwise(nb_activation activation)
{
    return !activation.type->host && !activation.type->whole_layer;
}

/* `count` runs that the op can do, as it reads them; places counted from the first one's. */
static nb_kernel_runs *make_kernels(nb_ctx *ctx, const nb_run *run, int64_t count, int behind)
{
    size_t bytes = sizeof(nb_kernel_runs) + (size_t)count * sizeof(nb_kernel_run);
    nb_kernel_runs *kernels = (nb_kernel_runs *)nb_shared_new(ctx, bytes);
    if (!kernels) return NULL;
    kernels->count = count;
    kernels->behind = behind;
    for (int64_t i = 0; i < count; i++) {
        const nb_activation *f = &run[i].activation;
        kernels->run[i] = (nb_kernel_run){.start = run[i].start - run[0].start,
                                          .count = run[i].count,
                                          .kernel = f->type->kernel,
                                          .p = f->number[0],
                                          .q = f->number[1]};
    }
    return kernels;
}

/* How many of `count` runs, from the first on, the op can do in one call. */
static int64_t count_elementwise(const nb_run *run, int64_t count)
{
    int64_t i = 0;
    while (i < count && is_elementwise(run[i].activation)) i++;
    return i;
}

/* Room for `count` runs with one owner. */
static nb_runs *alloc_runs(nb_ctx *ctx, int64_t count, int behind)
{
    nb_runs *runs = nb_alloc(ctx, runs_bytes(count));
    if (runs) *runs = (nb_runs){.refs = 1, .behind = behind, .count = count};
    return runs;
}

/* Gives filled runs their kernels. Takes them over; NULL when memory ends. */
static nb_runs *finish_runs(nb_ctx *ctx, nb_runs *runs)
{
    if (count_elementwise(runs->run, runs->count) < runs->count) return runs;
    runs->kernels = make_kernels(ctx, runs->run, runs->count, runs->behind);
    if (runs->kernels) return runs;
    nb_runs_release(ctx, runs);
    return NULL;
}

nb_runs *nb_runs_new(nb_ctx *ctx, int64_t neurons, int behind, nb_activation activation)
{
    nb_runs *runs = alloc_runs(ctx, 1, behind);
    if (!runs) return NULL;
    runs->run[0] = (nb_run){.start = 0, .count = neurons, .activation = activation};
    return finish_runs(ctx, runs);
}

nb_runs *nb_runs_retain(nb_runs *runs)
{
    runs->refs++;
    return runs;
}

void nb_runs_release(nb_ctx *ctx, nb_runs *runs)
{
    if (!runs || --runs->refs > 0) return;
    if (runs->kernels) nb_shared_release(ctx, &runs->kernels->head);
    nb_free(ctx, runs, runs_bytes(runs->count));
}

/* Appends a run to `into` (NULL: only counts), which has `count` so far; melts it into an equal
 * neighbour. Returns the new count. */
static int64_t put_run(nb_run *into, int64_t count, nb_run run, nb_activation *last)
{
    if (run.count <= 0) return count;
    bool melts = count > 0 && nb_activation_same(*last, run.activation);
    *last = run.activation;
    if (into && melts) into[count - 1].count += run.count;
    if (into && !melts) into[count] = run;
    return melts ? count : count + 1;
}

/* The part of a run from `from` to before `to`; empty where it has none. */
static nb_run clip(nb_run run, int64_t from, int64_t to)
{
    int64_t start = run.start > from ? run.start : from;
    int64_t end = run.start + run.count < to ? run.start + run.count : to;
    return (nb_run){.start = start, .count = end - start, .activation = run.activation};
}

/* The runs with `changed` laid over them, into `into` (NULL: only counts). */
static int64_t lay_over(const nb_runs *runs, nb_run changed, nb_run *into)
{
    nb_activation last = {.type = NULL};
    int64_t count = 0, end = changed.start + changed.count;
    for (int64_t i = 0; i < runs->count; i++) {
        count = put_run(into, count, clip(runs->run[i], 0, changed.start), &last);
    }
    count = put_run(into, count, changed, &last);
    for (int64_t i = 0; i < runs->count; i++) {
        count = put_run(into, count, clip(runs->run[i], end, INT64_MAX), &last);
    }
    return count;
}

/* NB_EARG where the change would leave softmax to a part of the layer. */
static nb_status check_whole(nb_ctx *ctx, const nb_runs *runs, const nb_run *changed)
{
    if (changed->count == nb_runs_neurons(runs)) return NB_OK;
    const nb_activation_type *has = runs->run[0].activation.type, *asked = changed->activation.type;
    if (asked->whole_layer) {
        return nb_fail(ctx, NB_EARG,
                       "%s belongs to a whole layer, because each of its outputs depends on all "
                       "neurons; one neuron alone cannot have it",
                       asked->name);
    }
    if (has->whole_layer) {
        return nb_fail(ctx, NB_EARG,
                       "the layer's %s belongs to all its neurons together; give the layer another "
                       "activation before one neuron gets %s",
                       has->name, asked->name);
    }
    return NB_OK;
}

nb_runs *nb_runs_with(nb_ctx *ctx, const nb_runs *runs, int64_t start, int64_t count,
                      nb_activation activation)
{
    nb_run changed = {.start = start, .count = count, .activation = activation};
    if (check_whole(ctx, runs, &changed) != NB_OK) return NULL;
    nb_runs *made = alloc_runs(ctx, lay_over(runs, changed, NULL), runs->behind);
    if (!made) return NULL;
    lay_over(runs, changed, made->run);
    return finish_runs(ctx, made);
}

int64_t nb_runs_neurons(const nb_runs *runs)
{
    const nb_run *last = &runs->run[runs->count - 1];
    return last->start + last->count;
}

nb_activation nb_runs_at(const nb_runs *runs, int64_t neuron)
{
    int64_t low = 0, high = runs->count - 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (runs->run[middle].start <= neuron)
            low = middle;
        else
            high = middle - 1;
    }
    return runs->run[low].activation;
}

nb_activation nb_runs_uniform(const nb_runs *runs)
{
    return runs->count == 1 ? runs->run[0].activation : (nb_activation){.type = NULL};
}

/* Boyer and Moore's vote, weighed by the runs' lengths. */
nb_activation nb_runs_main(const nb_runs *runs)
{
    nb_activation leader = runs->run[0].activation;
    int64_t votes = 0;
    for (int64_t i = 0; i < runs->count; i++) {
        const nb_run *run = &runs->run[i];
        if (nb_activation_same(run->activation, leader)) {
            votes += run->count;
        } else if (run->count > votes) {
            leader = run->activation;
            votes = run->count - votes;
        } else {
            votes -= run->count;
        }
    }
    return leader;
}

bool nb_runs_same(const nb_runs *a, const nb_runs *b)
{
    if (a == b) return true;
    if (!a || !b || a->count != b->count) return false;
    for (int64_t i = 0; i < a->count; i++) {
        const nb_run *x = &a->run[i], *y = &b->run[i];
        if (x->start != y->start || x->count != y->count) return false;
        if (!nb_activation_same(x->activation, y->activation)) return false;
    }
    return true;
}

/* ---- Applying them -------------------------------------------------------------------------- */

static nb_tensor *apply_kernels(nb_ctx *ctx, nb_kernel_runs *kernels, nb_tensor *z)
{
    nb_call call = {.op = nb_ops[NB_OP_activate], .in = {z}, .inputs = 1};
    call.attr.shared = &kernels->head;
    return nb_op_call(ctx, &call);
}

/* What a host's function gives must fit where the built-in ones' would. */
static nb_tensor *apply_host(nb_ctx *ctx, const nb_activation_type *f, nb_tensor *z)
{
    char gave[NB_SHAPE_TEXT], wanted[NB_SHAPE_TEXT];
    nb_tensor *a = f->host->call(ctx, f->host, &z, 1);
    if (!a || (nb_tensor_same_shape(a, z) && a->dtype == z->dtype)) return a;
    if (a->dtype != z->dtype) {
        nb_fail(ctx, NB_ESHAPE,
                "activation %s gave %s from %s; make its constants with {dtype = z.dtype}", f->name,
                nb_dtype_name(a->dtype), nb_dtype_name(z->dtype));
    } else {
        nb_fail(ctx, NB_ESHAPE, "activation %s gave %s from %s; it must keep the shape", f->name,
                nb_shape_text(a->dims, a->shape, gave), nb_shape_text(z->dims, z->shape, wanted));
    }
    nb_tensor_release(ctx, a);
    return NULL;
}

/* The dimension of z that counts neurons. */
static int neuron_dim(const nb_runs *runs, const nb_tensor *z)
{
    return z->dims - 1 - runs->behind;
}

static nb_tensor *narrow_neurons(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, int64_t start,
                                 int64_t count)
{
    nb_call call = {.op = nb_ops[NB_OP_narrow], .in = {z}, .inputs = 1};
    call.attr.narrow = (struct nb_attr_narrow){neuron_dim(runs, z), start, count, 1};
    return nb_op_call(ctx, &call);
}

/* A block: runs that one call does, and where it ends. */
static int64_t block_runs(const nb_runs *runs, int64_t first)
{
    int64_t count = count_elementwise(runs->run + first, runs->count - first);
    return count > 0 ? count : 1;
}

/* Memory that ended and Ctrl-C are nobody's fault. */
static bool blames_function(const nb_ctx *ctx)
{
    return ctx->status != NB_EMEMORY && ctx->status != NB_EINTERRUPT;
}

/* Names the neurons of a host's function that failed, where they are not the whole layer. */
static void name_neurons(nb_ctx *ctx, const nb_runs *runs, const nb_run *run)
{
    long long first = run->start + 1, last = run->start + run->count;
    if (!blames_function(ctx) || run->count == nb_runs_neurons(runs)) return;
    if (run->count == 1)
        nb_fail_in(ctx, "neuron %lld", first);
    else
        nb_fail_in(ctx, "neurons %lld to %lld", first, last);
}

/* f of the neurons of runs first … first + count - 1, one block. */
static nb_tensor *apply_block(nb_ctx *ctx, const nb_runs *runs, int64_t first, int64_t count,
                              nb_tensor *z)
{
    const nb_run *run = runs->run + first, *last = run + count - 1;
    int64_t end = last->start + last->count;
    nb_tensor *part = narrow_neurons(ctx, runs, z, run->start, end - run->start);
    if (!part) return NULL;
    nb_tensor *a = NULL;
    if (run->activation.type->host) {
        a = apply_host(ctx, run->activation.type, part);
        if (!a) name_neurons(ctx, runs, run);
    } else {
        nb_kernel_runs *kernels = make_kernels(ctx, run, count, runs->behind);
        if (kernels) {
            a = apply_kernels(ctx, kernels, part);
            nb_shared_release(ctx, &kernels->head);
        }
    }
    nb_tensor_release(ctx, part);
    return a;
}

static void release_all(nb_ctx *ctx, nb_tensor **piece, int64_t count)
{
    for (int64_t i = 0; i < count; i++) nb_tensor_release(ctx, piece[i]);
}

/* Block by block, for runs among which are a host's. */
static nb_tensor *apply_blocks(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z)
{
    size_t bytes = (size_t)runs->count * sizeof(nb_tensor *);
    nb_tensor **piece = nb_alloc(ctx, bytes);
    if (!piece) return NULL;
    int64_t pieces = 0, first = 0;
    while (first < runs->count) {
        int64_t count = block_runs(runs, first);
        piece[pieces] = apply_block(ctx, runs, first, count, z);
        if (!piece[pieces]) break;
        pieces++;
        first += count;
    }
    nb_tensor *a = NULL;
    if (first == runs->count) a = nb_op_cat(ctx, piece, (size_t)pieces, neuron_dim(runs, z));
    release_all(ctx, piece, pieces);
    nb_free(ctx, piece, bytes);
    return a;
}

/* Softmax and its like, over all neurons of a place. */
static nb_tensor *apply_whole(nb_ctx *ctx, const nb_runs *runs, nb_op_id op, nb_tensor *z)
{
    nb_call call = nb_call_make(nb_ops[op]);
    call.in[call.inputs++] = z;
    call.attr.dims = (nb_dims){.count = 1, .at = {neuron_dim(runs, z)}};
    return nb_op_call(ctx, &call);
}

nb_tensor *nb_runs_apply(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z)
{
    const nb_activation_type *all = nb_runs_uniform(runs).type;
    if (runs->kernels) return apply_kernels(ctx, runs->kernels, z);
    if (all && all->whole_layer) return apply_whole(ctx, runs, all->op, z);
    if (all) return apply_host(ctx, all, z);
    return apply_blocks(ctx, runs, z);
}

nb_tensor *nb_runs_apply_in(nb_ctx *ctx, const nb_runs *runs, const char *where, nb_tensor *z)
{
    nb_tensor *a = nb_runs_apply(ctx, runs, z);
    if (!a && blames_function(ctx)) nb_fail_in(ctx, "%s", where);
    return a;
}
