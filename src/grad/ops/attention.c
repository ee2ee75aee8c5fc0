/* Attention's core (Vaswani et al. 2017): every query's mean of the values, weighted by how well
 * its key fits, head by head.
 *
 * Shapes: q (n, T, k), keys and values (n, S, k), y (n, T, k); a head has k / heads neighbouring
 * features. Where it is causal the last query stands beside the last key, T <= S, and none looks
 * behind its own. lengths, i32 (n): keys from there on are padding, which nobody looks at; where
 * queries and keys are the same steps a query there gives 0. */
#include "grad/support.h"

#include "base/arith.h"
#include "grad/lines.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 32,              /* queries whose probabilities are under way at a time */
    PARALLEL = 1 << 14,      /* probabilities from which on heads go to the workers */
    KEEP_BYTES_MAX = 1 << 25 /* of probabilities that are kept for backward, not made anew */
};

/* A head of an example is a piece. All tensors are contiguous. */
typedef struct core_job {
    const nb_real_kernels *real;
    nb_dtype dtype;
    size_t width;                                         /* bytes of a number */
    int64_t examples, heads, steps, keys, features, size; /* size: features of a head */
    bool causal;
    double scale;           /* 1 / √size */
    const int32_t *lengths; /* or NULL */
    const char *q, *k, *v, *delta;
    char *y, *dq, *dk, *dv;
    char *kept; /* probabilities (n, heads, T, S), or NULL: they stay in a room */
    bool made;  /* … and stand there already */
    nb_rooms rooms;
    const volatile sig_atomic_t *interrupt;
} core_job;

/* One head of one example under way. */
typedef struct head {
    const core_job *job;
    int64_t length;                            /* keys that are no padding */
    size_t at_q, at_k;                         /* bytes to its first query and first key */
    char *kept;                                /* its probabilities, or NULL */
    char *turned_k, *turned_v, *block, *slope; /* in its room */
} head;

static size_t row_bytes(const core_job *job)
{
    return (size_t)job->features * job->width;
}

/* How many keys query i looks at. */
static int64_t seen(const head *h, int64_t i)
{
    const core_job *job = h->job;
    int64_t own = i + job->keys - job->steps, most = job->causal ? own + 1 : job->keys;
    if (job->lengths && job->keys == job->steps && own >= h->length) return 0;
    return nb_least_i64(most, h->length);
}

/* Keys that any of the queries before `end` looks at. */
static int64_t seen_before(const head *h, int64_t end)
{
    const core_job *job = h->job;
    return nb_least_i64(job->causal ? end + job->keys - job->steps : job->keys, h->length);
}

static nb_matrix rows(const core_job *job, const char *at)
{
    return (nb_matrix){at, (size_t)job->features, false};
}

static nb_matrix square(const core_job *job, const char *at, bool transposed)
{
    return (nb_matrix){at, (size_t)job->keys, transposed};
}

/* (keys, size) of a head as (size, keys). */
static void turn(const head *h, const char *from, char *to)
{
    const core_job *job = h->job;
    nb_kernels_get()->copy_matrix(job->width, (size_t)job->size, (size_t)h->length, from, 1,
                                  (ptrdiff_t)job->features, to, (ptrdiff_t)job->keys, 1);
}

static head begin_head(core_job *job, size_t piece, char *room)
{
    int64_t example = (int64_t)piece / job->heads, number = (int64_t)piece % job->heads;
    size_t column = (size_t)(number * job->size) * job->width;
    size_t strip = (size_t)(job->size * job->keys) * job->width;
    head h = {.job = job, .length = job->lengths ? job->lengths[example] : job->keys};
    h.at_q = (size_t)(example * job->steps) * row_bytes(job) + column;
    h.at_k = (size_t)(example * job->keys) * row_bytes(job) + column;
    if (job->kept) h.kept = job->kept + piece * (size_t)(job->steps * job->keys) * job->width;
    h.turned_k = room;
    h.turned_v = room + strip;
    h.block = room + 2 * strip;
    h.slope = h.block + (size_t)(BLOCK * job->keys) * job->width;
    return h;
}

/* Probabilities of queries start … end - 1, row by row with zeros up to seen_before(end): softmax
 * of q kᵀ / √size over the keys that each looks at. */
static char *probabilities(const head *h, int64_t start, int64_t end)
{
    const core_job *job = h->job;
    size_t ld = (size_t)job->keys * job->width, all = (size_t)seen_before(h, end), looks[BLOCK];
    char *p = h->kept ? h->kept + (size_t)start * ld : h->block;
    if (job->made) return p;
    nb_product_piece(job->dtype, (size_t)(end - start), all, (size_t)job->size, job->scale,
                     rows(job, job->q + h->at_q + (size_t)start * row_bytes(job)),
                     square(job, h->turned_k, false), 0, p, (size_t)job->keys);
    for (int64_t i = start; i < end; i++) looks[i - start] = (size_t)seen(h, i);
    job->real->softmax_seen((size_t)(end - start), all, looks, (size_t)job->keys, p);
    return p;
}

/* The next block's end; `start` again where Ctrl-C was pressed. */
static int64_t block_end(const core_job *job, int64_t start)
{
    if (job->interrupt && *job->interrupt) return start;
    return nb_least_i64(start + BLOCK, job->steps);
}

static void core_piece(void *arg, size_t piece)
{
    core_job *job = arg;
    char *room = nb_rooms_take(&job->rooms);
    head h = begin_head(job, piece, room);
    turn(&h, job->k + h.at_k, h.turned_k);
    for (int64_t start = 0, end; (end = block_end(job, start)) > start; start = end) {
        const char *p = probabilities(&h, start, end);
        nb_product_piece(job->dtype, (size_t)(end - start), (size_t)job->size,
                         (size_t)seen_before(&h, end), 1, square(job, p, false),
                         rows(job, job->v + h.at_k), 0,
                         job->y + h.at_q + (size_t)start * row_bytes(job), (size_t)job->features);
    }
    nb_rooms_give(&job->rooms, room);
}

/* What queries start … end - 1 give to the three gradients; the last queries, which see most keys,
 * are the first whose share is there. */
static void block_slope(const head *h, int64_t start, int64_t end)
{
    const core_job *job = h->job;
    size_t n = (size_t)(end - start), all = (size_t)seen_before(h, end), size = (size_t)job->size;
    size_t ld = (size_t)job->keys, wide = (size_t)job->features;
    size_t at = h->at_q + (size_t)start * row_bytes(job);
    double beta = end == job->steps ? 0 : 1;
    const char *p = probabilities(h, start, end);
    nb_product_piece(job->dtype, all, size, n, 1, square(job, p, true), rows(job, job->delta + at),
                     beta, job->dv + h->at_k, wide);
    nb_product_piece(job->dtype, n, all, size, 1, rows(job, job->delta + at),
                     square(job, h->turned_v, false), 0, h->slope, ld);
    for (size_t i = 0; i < n; i++) {
        size_t row = i * ld * job->width;
        job->real->softmax_slope(all, p + row, h->slope + row, h->slope + row, NULL);
    }
    nb_product_piece(job->dtype, n, size, all, job->scale, square(job, h->slope, false),
                     rows(job, job->k + h->at_k), 0, job->dq + at, wide);
    nb_product_piece(job->dtype, all, size, n, job->scale, square(job, h->slope, true),
                     rows(job, job->q + at), beta, job->dk + h->at_k, wide);
}

/* Nothing is asked of keys that no query sees. */
static void clear_unseen(const head *h)
{
    const core_job *job = h->job;
    size_t bytes = (size_t)job->size * job->width;
    for (int64_t i = seen_before(h, job->steps); i < job->keys; i++) {
        memset(job->dk + h->at_k + (size_t)i * row_bytes(job), 0, bytes);
        memset(job->dv + h->at_k + (size_t)i * row_bytes(job), 0, bytes);
    }
}

static void slope_piece(void *arg, size_t piece)
{
    core_job *job = arg;
    char *room = nb_rooms_take(&job->rooms);
    head h = begin_head(job, piece, room);
    if (!job->made) turn(&h, job->k + h.at_k, h.turned_k);
    turn(&h, job->v + h.at_k, h.turned_v);
    clear_unseen(&h);
    int64_t start = (job->steps - 1) / BLOCK * BLOCK;
    for (int64_t end; start >= 0 && (end = block_end(job, start)) > start; start -= BLOCK)
        block_slope(&h, start, end);
    nb_rooms_give(&job->rooms, room);
}

/* ---- The op ---------------------------------------------------------------------------------- */

static core_job job_of(const nb_attr *attr, const nb_tensor *q, const nb_tensor *k)
{
    core_job job = {.real = nb_real(q->dtype),
                    .dtype = q->dtype,
                    .width = nb_dtype_size(q->dtype),
                    .examples = q->shape[0],
                    .heads = attr->attention.heads,
                    .steps = q->shape[1],
                    .keys = k->shape[1],
                    .features = q->shape[2],
                    .causal = attr->attention.causal};
    job.size = job.features / job.heads;
    job.scale = 1 / sqrt((double)job.size);
    return job;
}

/* `blocks`: of probabilities in a room. */
static nb_status run_job(nb_ctx *ctx, core_job *job, int blocks, nb_piece *piece)
{
    int64_t pieces = job->examples * job->heads, square = job->steps * job->keys;
    int64_t strips = 2 * job->size + (int64_t)blocks * BLOCK;
    if (pieces == 0 || square == 0) return NB_OK;
    nb_status status =
        nb_rooms_make(ctx, &job->rooms, (size_t)(strips * job->keys) * job->width, pieces);
    if (status != NB_OK) return status;
    job->interrupt = ctx->interrupt;
    status = nb_run_pieces(ctx, (size_t)pieces, pieces * square >= PARALLEL, piece, job);
    nb_rooms_free(ctx, &job->rooms);
    return status;
}

static nb_status misfit(nb_ctx *ctx, const nb_call *call)
{
    char text[3][NB_SHAPE_TEXT];
    const nb_tensor *const *in = (const nb_tensor *const *)call->in;
    for (int i = 0; i < 3; i++) nb_shape_text(in[i]->dims, in[i]->shape, text[i]);
    return nb_fail(ctx, NB_ESHAPE, "attention: queries %s, keys %s, values %s in %lld heads",
                   text[0], text[1], text[2], (long long)call->attr.attention.heads);
}

static nb_status check_shapes(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *q = call->in[0], *k = call->in[1], *v = call->in[2];
    int64_t heads = call->attr.attention.heads;
    bool fits = q->dims == 3 && nb_tensor_same_shape(k, v) && k->dims == 3 &&
                k->shape[0] == q->shape[0] && k->shape[2] == q->shape[2] && heads >= 1 &&
                q->shape[2] % heads == 0;
    if (fits && !(call->attr.attention.causal && k->shape[1] < q->shape[1])) return NB_OK;
    return misfit(ctx, call);
}

/* Memory for probabilities that backward will read; *kept stays NULL where they are too many. */
static nb_status keep(nb_ctx *ctx, nb_call *call, const core_job *job, nb_tensor **kept)
{
    const int64_t shape[4] = {job->examples, job->heads, job->steps, job->keys};
    double bytes = (double)job->examples * (double)job->heads * (double)job->steps *
                   (double)job->keys * (double)job->width;
    *kept = NULL;
    if (!call->recording || bytes > KEEP_BYTES_MAX) return NB_OK;
    *kept = nb_tensor_new(ctx, job->dtype, 4, shape);
    return *kept ? NB_OK : ctx->status;
}

/* Of what the heads write to all of, or, where there are no steps or no keys, nobody. */
static nb_tensor *new_result(nb_ctx *ctx, nb_dtype dtype, bool written, const int64_t *shape)
{
    return written ? nb_tensor_new(ctx, dtype, 3, shape) : nb_tensor_zeros(ctx, dtype, 3, shape);
}

/* saved: the probabilities, where they are kept. */
static nb_tensor *core_of(nb_ctx *ctx, nb_call *call, nb_tensor *const whole[3])
{
    core_job job = job_of(&call->attr, whole[0], whole[1]);
    nb_tensor *kept, *y = new_result(ctx, job.dtype, job.keys > 0, whole[0]->shape);
    if (!y || keep(ctx, call, &job, &kept) != NB_OK) return nb_tensor_settle(ctx, y, ctx->status);
    job.q = nb_tensor_data(whole[0]);
    job.k = nb_tensor_data(whole[1]);
    job.v = nb_tensor_data(whole[2]);
    job.y = nb_tensor_data(y);
    job.lengths = call->inputs > 3 ? nb_tensor_data(call->in[3]) : NULL;
    job.kept = kept ? nb_tensor_data(kept) : NULL;
    call->saved[0] = kept;
    return nb_tensor_settle(ctx, y, run_job(ctx, &job, 1, core_piece));
}

static void release_all(nb_ctx *ctx, nb_tensor **list, int count)
{
    for (int i = 0; i < count; i++) nb_tensor_release(ctx, list[i]);
}

static nb_tensor *attention_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *whole[3] = {NULL}, *y = NULL;
    bool fine = check_shapes(ctx, call) == NB_OK;
    for (int i = 0; i < 3 && fine; i++)
        fine = (whole[i] = nb_tensor_contiguous(ctx, call->in[i])) != NULL;
    if (fine) y = core_of(ctx, call, whole);
    release_all(ctx, whole, 3);
    return y;
}

/* With P = softmax(q kᵀ / √size) and y = P v: dv = Pᵀ δ, dP = δ vᵀ,
 * dS = P ⊙ (dP - Σ over keys of P ⊙ dP), dq = dS k / √size, dk = dSᵀ q / √size. */
static nb_status attention_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                    nb_tensor **grad)
{
    nb_tensor *whole[4] = {NULL}, *out[3] = {NULL};
    bool fine = true, written = record->in[0]->shape[1] > 0 && record->in[1]->shape[1] > 0;
    for (int i = 0; i < 4 && fine; i++)
        fine = (whole[i] = nb_tensor_contiguous(ctx, i < 3 ? record->in[i] : delta)) != NULL;
    for (int i = 0; i < 3 && fine; i++)
        fine = (out[i] = new_result(ctx, delta->dtype, written, record->in[i]->shape)) != NULL;
    nb_status status = fine ? NB_OK : ctx->status;
    if (fine) {
        core_job job = job_of(&record->attr, whole[0], whole[1]);
        nb_tensor *kept = record->saved[0];
        job.q = nb_tensor_data(whole[0]);
        job.k = nb_tensor_data(whole[1]);
        job.v = nb_tensor_data(whole[2]);
        job.delta = nb_tensor_data(whole[3]);
        job.dq = nb_tensor_data(out[0]);
        job.dk = nb_tensor_data(out[1]);
        job.dv = nb_tensor_data(out[2]);
        job.lengths = record->inputs > 3 ? nb_tensor_data(record->in[3]) : NULL;
        job.kept = kept ? nb_tensor_data(kept) : NULL;
        job.made = kept != NULL;
        status = run_job(ctx, &job, 2, slope_piece);
    }
    for (int i = 0; i < 3 && status == NB_OK; i++)
        if (record->needs[i]) grad[i] = nb_tensor_retain(out[i]);
    release_all(ctx, whole, 4);
    release_all(ctx, out, 3);
    return status;
}

NB_DEFINE_OP(attention_core) = {
    .name = "attention_core",
    .help = "Attention of queries over keys and values, head by head: softmax(q kᵀ / √size) v.",
    .hidden = true,
    .signature = "cb",
    .fills = {offsetof(nb_attr, attention.heads), offsetof(nb_attr, attention.causal)},
    .promote = 7,
    .reads = 15,
    .attr = {.attention = {.heads = 1}},
    .forward = attention_forward,
    .backward = attention_backward,
    .errors = "2x3 2x3 2x3: queries 2x3; 2x3x4 2x5x4 2x6x4: keys 2x5x4, values 2x6x4; "
              "2x3x4 2x5x4 2x5x4 /3: in 3 heads; 2x3x4 2x2x4 2x2x4 /1 /1: keys 2x2x4",
    .samples = "2x3x4 2x3x4 2x3x4, 1x3x6 1x5x6 1x5x6 /3, 2x5x4 2x5x4 2x5x4 /2 /1, "
               "1x2x3 1x4x3 1x4x3 /1 /1, 0x2x2 0x2x2 0x2x2, 1x0x2 1x0x2 1x0x2",
    .low = -2,
    .high = 2,
};
