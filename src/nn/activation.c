/* The activations' descriptors, and the runs in which a layer holds them. The formulas are kernels
 * (kernel/unary.def) and ops; nothing here loops over elements. */
#include "nn/activation.h"

#include "base/family.h"
#include "base/memory.h"
#include "tensor/shape.h"

#include <string.h>

#define X(name) extern const nb_activation nb_activation_##name;
#include "nn/activations.def"
#undef X

const nb_activation *const nb_activations[NB_ACTIVATIONS] = {
#define X(name) &nb_activation_##name,
#include "nn/activations.def"
#undef X
};

NB_DEFINE_FAMILY(nb_activation, nb_activation, nb_activations, NB_ACTIVATIONS)

/* ---- The descriptors ------------------------------------------------------------------------ */

/* Elementwise, by a kernel. */
#define ELEMENTWISE(NAME, KERNEL, ...)                                                             \
    NB_DESCRIPTOR(nb_activation, nb_activation_##NAME) = {                                         \
        .name = #NAME,                                                                             \
        .kernel = NB_U_##KERNEL,                                                                   \
        .example = "net = nn.net \"4 - 3 " #NAME " - 1\"",                                         \
        __VA_ARGS__,                                                                               \
    }

/* On all neurons of a layer together, by an op. */
#define WHOLE_LAYER(NAME, ...)                                                                     \
    NB_DESCRIPTOR(nb_activation, nb_activation_##NAME) = {                                         \
        .name = #NAME,                                                                             \
        .whole_layer = true,                                                                       \
        .op = NB_OP_##NAME,                                                                        \
        .example = "net = nn.net \"4 - 3 " #NAME "\"",                                             \
        __VA_ARGS__,                                                                               \
    }

ELEMENTWISE(sigmoid, sigmoid, .formula = "1 / (1 + e^-z)", .init = "lecun",
            .help = "the book's neuron: from 0 to 1, saturates on both sides");
ELEMENTWISE(tanh, tanh, .formula = "(e^z - e^-z) / (e^z + e^-z)", .init = "lecun",
            .help = "from -1 to 1, saturates on both sides; a sigmoid centred on 0");
ELEMENTWISE(relu, relu, .formula = "max(0, z)", .init = "he",
            .help = "rectified linear unit: never saturates above 0, dead below");
ELEMENTWISE(leaky_relu, leaky_relu, .formula = "z above 0, 0.01 z below", .init = "he", .p = 0.01,
            .help = "relu with a small slope below 0, so that no neuron dies");
ELEMENTWISE(elu, elu, .formula = "z above 0, e^z - 1 below", .init = "he", .p = 1,
            .help = "exponential linear unit (Clevert et al. 2016): a smooth relu down to -1");
ELEMENTWISE(
    selu, selu, .formula = "1.0507 z above 0, 1.7581 (e^z - 1) below", .init = "lecun",
    .help = "scaled elu (Klambauer et al. 2017): keeps mean 0 and variance 1 from layer to layer");
ELEMENTWISE(gelu, gelu, .formula = "z Phi(z), Phi the normal distribution", .init = "he",
            .help = "Gaussian error linear unit (Hendrycks and Gimpel 2016), by erf");
ELEMENTWISE(silu, silu, .formula = "z / (1 + e^-z)", .init = "he",
            .help = "sigmoid linear unit, also called swish: a smooth relu that dips below 0");
ELEMENTWISE(mish, mish, .formula = "z tanh(log(1 + e^z))", .init = "he",
            .help = "Misra 2019: like silu, a little steeper");
ELEMENTWISE(softplus, softplus, .formula = "log(1 + e^z)", .init = "he",
            .help = "a smooth relu, above 0 everywhere; its slope is the sigmoid");
ELEMENTWISE(softsign, softsign, .formula = "z / (1 + |z|)", .init = "glorot",
            .help = "from -1 to 1 like tanh, saturates more slowly");
ELEMENTWISE(hard_sigmoid, hard_sigmoid, .formula = "z/6 + 1/2 held between 0 and 1",
            .init = "lecun", .help = "a sigmoid of three straight lines");
ELEMENTWISE(hard_tanh, hard_tanh, .formula = "z held between -1 and 1", .init = "lecun",
            .help = "a tanh of three straight lines");
ELEMENTWISE(hard_silu, hard_silu, .formula = "z times hard_sigmoid(z)", .init = "he",
            .help = "a cheap silu (Howard et al. 2019, hard swish)");
ELEMENTWISE(relu6, relu6, .formula = "z held between 0 and 6", .init = "he",
            .help = "relu that stops at 6");
ELEMENTWISE(gaussian, gaussian, .formula = "e^(-z^2)", .init = "lecun",
            .help = "a bump: 1 at 0, falls to 0 on both sides");
ELEMENTWISE(sin, sin, .formula = "sin z", .init = "lecun", .help = "a wave; never saturates");
ELEMENTWISE(linear, copy, .formula = "z", .init = "lecun",
            .help = "the neuron's weighted input itself; for regression, and the book's exercise");
ELEMENTWISE(step, step, .formula = "0 below 0, else 1", .init = "lecun",
            .help = "the perceptron; its slope is 0, so nothing below it learns");
ELEMENTWISE(elliot, elliot, .formula = "z / (2 (1 + |z|)) + 1/2", .init = "glorot",
            .help = "a sigmoid without exponential (Elliott 1993)");
WHOLE_LAYER(softmax, .formula = "e^z_j / sum over k of e^z_k", .init = "lecun",
            .help = "probabilities: above 0, sum 1 over the layer; with cross_entropy");
WHOLE_LAYER(log_softmax, .formula = "z_j - log(sum over k of e^z_k)", .init = "lecun",
            .help = "logarithms of softmax's probabilities");

/* ---- Runs ----------------------------------------------------------------------------------- */

static size_t runs_bytes(int64_t count)
{
    return sizeof(nb_runs) + (size_t)count * sizeof(nb_run);
}

static bool is_elementwise(const nb_activation *activation)
{
    return !activation->host && !activation->whole_layer;
}

/* `count` runs that the op can do, as it reads them; places counted from the first one's. */
static nb_kernel_runs *make_kernels(nb_ctx *ctx, const nb_run *run, int64_t count)
{
    size_t bytes = sizeof(nb_kernel_runs) + (size_t)count * sizeof(nb_kernel_run);
    nb_kernel_runs *kernels = (nb_kernel_runs *)nb_shared_new(ctx, bytes);
    if (!kernels) return NULL;
    kernels->count = count;
    for (int64_t i = 0; i < count; i++) {
        const nb_activation *f = run[i].activation;
        kernels->run[i] = (nb_kernel_run){.start = run[i].start - run[0].start,
                                          .count = run[i].count,
                                          .kernel = f->kernel,
                                          .p = f->p,
                                          .q = f->q};
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
static nb_runs *alloc_runs(nb_ctx *ctx, int64_t count)
{
    nb_runs *runs = nb_alloc(ctx, runs_bytes(count));
    if (runs) *runs = (nb_runs){.refs = 1, .count = count};
    return runs;
}

/* Gives filled runs their kernels. Takes them over; NULL when memory ends. */
static nb_runs *finish_runs(nb_ctx *ctx, nb_runs *runs)
{
    if (count_elementwise(runs->run, runs->count) < runs->count) return runs;
    runs->kernels = make_kernels(ctx, runs->run, runs->count);
    if (runs->kernels) return runs;
    nb_runs_release(ctx, runs);
    return NULL;
}

nb_runs *nb_runs_new(nb_ctx *ctx, int64_t neurons, const nb_activation *activation)
{
    nb_runs *runs = alloc_runs(ctx, 1);
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
static int64_t put_run(nb_run *into, int64_t count, nb_run run, const nb_activation **last)
{
    if (run.count <= 0) return count;
    bool melts = count > 0 && *last == run.activation;
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
    const nb_activation *last = NULL;
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
    const char *has = runs->run[0].activation->name, *asked = changed->activation->name;
    if (changed->activation->whole_layer) {
        return nb_fail(ctx, NB_EARG,
                       "%s belongs to a whole layer, because each of its outputs depends on all "
                       "neurons; one neuron alone cannot have it",
                       asked);
    }
    if (runs->run[0].activation->whole_layer) {
        return nb_fail(ctx, NB_EARG,
                       "the layer's %s belongs to all its neurons together; give the layer another "
                       "activation before one neuron gets %s",
                       has, asked);
    }
    return NB_OK;
}

nb_runs *nb_runs_with(nb_ctx *ctx, const nb_runs *runs, int64_t start, int64_t count,
                      const nb_activation *activation)
{
    nb_run changed = {.start = start, .count = count, .activation = activation};
    if (check_whole(ctx, runs, &changed) != NB_OK) return NULL;
    nb_runs *made = alloc_runs(ctx, lay_over(runs, changed, NULL));
    if (!made) return NULL;
    lay_over(runs, changed, made->run);
    return finish_runs(ctx, made);
}

int64_t nb_runs_neurons(const nb_runs *runs)
{
    const nb_run *last = &runs->run[runs->count - 1];
    return last->start + last->count;
}

const nb_activation *nb_runs_at(const nb_runs *runs, int64_t neuron)
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

const nb_activation *nb_runs_uniform(const nb_runs *runs)
{
    return runs->count == 1 ? runs->run[0].activation : NULL;
}

/* Boyer and Moore's vote, weighed by the runs' lengths. */
const nb_activation *nb_runs_main(const nb_runs *runs)
{
    const nb_activation *leader = runs->run[0].activation;
    int64_t votes = 0;
    for (int64_t i = 0; i < runs->count; i++) {
        const nb_run *run = &runs->run[i];
        if (run->activation == leader) {
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

bool nb_runs_fuse(const nb_runs *runs)
{
    return runs->kernels != NULL;
}

/* ---- Applying them -------------------------------------------------------------------------- */

static nb_tensor *apply_kernels(nb_ctx *ctx, nb_kernel_runs *kernels, nb_tensor *z)
{
    nb_call call = {.op = nb_ops[NB_OP_activate], .in = {z}, .inputs = 1};
    call.attr.shared = &kernels->head;
    return nb_op_call(ctx, &call);
}

/* What a host's function gives must fit where the built-in ones' would. */
static nb_tensor *apply_host(nb_ctx *ctx, const nb_activation *f, nb_tensor *z)
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

static nb_tensor *narrow_columns(nb_ctx *ctx, nb_tensor *z, int64_t start, int64_t count)
{
    nb_call call = {.op = nb_ops[NB_OP_narrow], .in = {z}, .inputs = 1};
    call.attr.narrow = (struct nb_attr_narrow){z->dims - 1, start, count, 1};
    return nb_op_call(ctx, &call);
}

/* A block: runs that one call does, and where it ends. */
static int64_t block_runs(const nb_runs *runs, int64_t first)
{
    int64_t count = count_elementwise(runs->run + first, runs->count - first);
    return count > 0 ? count : 1;
}

/* f of the columns of runs first … first + count - 1, one block. */
static nb_tensor *apply_block(nb_ctx *ctx, const nb_runs *runs, int64_t first, int64_t count,
                              nb_tensor *z)
{
    const nb_run *run = runs->run + first, *last = run + count - 1;
    nb_tensor *part = narrow_columns(ctx, z, run->start, last->start + last->count - run->start);
    if (!part) return NULL;
    nb_tensor *a = NULL;
    if (run->activation->host) {
        a = apply_host(ctx, run->activation, part);
    } else {
        nb_kernel_runs *kernels = make_kernels(ctx, run, count);
        if (kernels) {
            a = apply_kernels(ctx, kernels, part);
            nb_shared_release(ctx, &kernels->head);
        }
    }
    nb_tensor_release(ctx, part);
    return a;
}

/* a and b side by side, at the last dimension. */
static nb_tensor *join(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    nb_call call = {.op = nb_ops[NB_OP_cat], .in = {a, b}, .inputs = 2};
    call.attr.cat.dim = a->dims - 1;
    return nb_op_call(ctx, &call);
}

static void release_all(nb_ctx *ctx, nb_tensor **piece, int64_t count)
{
    for (int64_t i = 0; i < count; i++) nb_tensor_release(ctx, piece[i]);
}

/* Joins neighbours two by two until one piece is left, so that no column is copied more than
 * log2(count) times. Takes the pieces over. */
static nb_tensor *join_all(nb_ctx *ctx, nb_tensor **piece, int64_t count)
{
    for (int64_t gap = 1; gap < count; gap *= 2) {
        for (int64_t i = 0; i + gap < count; i += 2 * gap) {
            nb_tensor *pair = join(ctx, piece[i], piece[i + gap]);
            if (!pair) {
                release_all(ctx, piece, count);
                return NULL;
            }
            nb_tensor_release(ctx, piece[i]);
            nb_tensor_release(ctx, piece[i + gap]);
            piece[i] = pair;
            piece[i + gap] = NULL;
        }
    }
    return piece[0];
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
    if (first == runs->count) {
        a = join_all(ctx, piece, pieces);
    } else {
        release_all(ctx, piece, pieces);
    }
    nb_free(ctx, piece, bytes);
    return a;
}

nb_tensor *nb_runs_apply(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z)
{
    const nb_activation *all = nb_runs_uniform(runs);
    if (runs->kernels) return apply_kernels(ctx, runs->kernels, z);
    if (all && all->whole_layer) return nb_op1(ctx, all->op, z);
    if (all) return apply_host(ctx, all, z);
    return apply_blocks(ctx, runs, z);
}
