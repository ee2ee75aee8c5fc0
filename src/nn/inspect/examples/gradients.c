/* All examples of a set, class by class, so that what a pass adds up is the class's own. */
#include "nn/inspect/examples/gradients.h"

#include "base/arith.h"
#include "base/memory.h"
#include "kernel/kernel.h"
#include "kernel/product.h"
#include "kernel/sort.h"

#include <math.h>
#include <string.h>

enum { STRETCH = 512 }; /* numbers of vectors at a time, which stay in a cache */

static const char telling[] = "gradients of the examples";

typedef struct work {
    nb_ctx *ctx;
    nb_looker looker;
    int32_t *order;  /* all examples, class behind class */
    int64_t *first;  /* of each class in it, and one more behind the last: classes + 1 */
    int64_t classes; /* whose sums are kept apart; 1: of all */
    nb_tensor *sum;  /* of all */
    nb_tensor **own; /* of each class; NULL where there is one */
    double squares;  /* Σ ‖g‖² */
} work;

/* ---- Classes --------------------------------------------------------------------------------- */

/* The class of each example; *out stays NULL where there is none, or one at every step. */
static nb_status read_classes(nb_ctx *ctx, const nb_looker *l, nb_tensor **out)
{
    nb_batch batch;
    const nb_set *set = l->set;
    *out = NULL;
    if (!nb_set_has_classes(l->net, set) || set->y->dims > 0) return NB_OK;
    nb_tensor *room = nb_batch_classes(ctx, set, set->count);
    nb_status status =
        room ? nb_batch_gather(ctx, set, NULL, 0, set->count, 0, NULL, room, &batch) : ctx->status;
    if (status == NB_OK) {
        *out = nb_tensor_convert(ctx, batch.y, NB_F64, 1);
        if (!*out) status = ctx->status;
        nb_batch_free(ctx, &batch);
    }
    nb_tensor_release(ctx, room);
    return status;
}

/* How many classes get a sum of their own. */
static int64_t sums_apart(const work *w, const nb_tensor *classes)
{
    const nb_net *net = w->looker.net;
    int64_t k = nb_set_is_pair(net, w->looker.set) ? 2 : nb_net_units(net);
    double bytes =
        (double)k * (double)nb_tensor_count(net->whole) * (double)nb_dtype_size(net->dtype);
    bool few = k > 1 && k <= NB_GRADIENT_CLASSES && bytes <= NB_GRADIENT_CLASS_BYTES;
    return classes && few ? k : 1;
}

static int64_t class_at(const work *w, const nb_tensor *classes, int64_t i)
{
    return w->classes > 1 ? (int64_t)((const double *)nb_tensor_data(classes))[i] - 1 : 0;
}

/* Counts them, then lists them. */
static nb_status sort_examples(work *w, const nb_tensor *classes)
{
    nb_ctx *ctx = w->ctx;
    int64_t count = w->looker.set->count, k = w->classes, sum = 0;
    w->order = nb_alloc(ctx, (size_t)count * sizeof *w->order);
    w->first = w->order ? nb_alloc_zero(ctx, (size_t)k + 1, sizeof *w->first) : NULL;
    if (!w->first) return ctx->status;
    for (int64_t i = 0; i < count; i++) w->first[class_at(w, classes, i)]++;
    for (int64_t c = 0; c <= k; c++) {
        int64_t own = w->first[c];
        w->first[c] = sum;
        sum += own;
    }
    for (int64_t i = 0; i < count; i++) w->order[w->first[class_at(w, classes, i)]++] = (int32_t)i;
    memmove(w->first + 1, w->first, (size_t)k * sizeof *w->first);
    w->first[0] = 0;
    return NB_OK;
}

/* A class's sum begins as its first pass makes it, or stays zeros. */
static nb_tensor *vector_of(const work *w, int64_t c)
{
    if (w->first[c] == w->first[c + 1]) return nb_looker_vector(w->ctx, &w->looker);
    return nb_tensor_new(w->ctx, w->looker.net->dtype, 1, w->looker.net->whole->shape);
}

static nb_status make_sums(work *w)
{
    nb_ctx *ctx = w->ctx;
    w->sum = nb_looker_vector(ctx, &w->looker);
    if (!w->sum || w->classes < 2) return w->sum ? NB_OK : ctx->status;
    w->own = nb_alloc_zero(ctx, (size_t)w->classes, sizeof *w->own);
    bool whole = w->own;
    for (int64_t c = 0; c < w->classes && whole; c++) whole = (w->own[c] = vector_of(w, c)) != NULL;
    return whole ? NB_OK : ctx->status;
}

static void drop(work *w)
{
    nb_ctx *ctx = w->ctx;
    int64_t count = w->looker.set->count;
    if (w->order) nb_free(ctx, w->order, (size_t)count * sizeof *w->order);
    if (w->first) nb_free(ctx, w->first, ((size_t)w->classes + 1) * sizeof *w->first);
    for (int64_t c = 0; w->own && c < w->classes; c++) nb_tensor_release(ctx, w->own[c]);
    if (w->own) nb_free(ctx, w->own, (size_t)w->classes * sizeof *w->own);
    nb_tensor_release(ctx, w->sum);
    nb_looker_end(ctx, &w->looker);
}

/* ---- Norms ----------------------------------------------------------------------------------- */

/* Examples order[start … end - 1], whose gradients become `sum`; of none it stays. */
static nb_status look(work *w, int64_t start, int64_t end, nb_tensor *sum, double *norms)
{
    nb_ctx *ctx = w->ctx;
    int64_t most = nb_looker_share(&w->looker, end - start);
    double *squares = nb_alloc(ctx, (size_t)most * sizeof *squares);
    nb_status status = squares ? NB_OK : ctx->status;
    for (int64_t at = start; at < end && status == NB_OK; at += most) {
        int64_t n = nb_least_i64(end - at, most);
        nb_tell(ctx, telling, at, w->looker.set->count);
        status = nb_looker_norms(ctx, &w->looker, w->order + at, 0, n, squares, at == start, sum);
        for (int64_t i = 0; i < n && status == NB_OK; i++) {
            w->squares += squares[i];
            norms[w->order[at + i]] = sqrt(squares[i]);
        }
    }
    if (squares) nb_free(ctx, squares, (size_t)most * sizeof *squares);
    return status;
}

static nb_status look_at_all(work *w, double *norms)
{
    nb_status status = NB_OK;
    for (int64_t c = 0; c < w->classes && status == NB_OK; c++)
        status = look(w, w->first[c], w->first[c + 1], w->own ? w->own[c] : w->sum, norms);
    return status;
}

/* Numbers that a norm has room for, being f64, and the sum has not. */
static nb_status check_sum(const work *w)
{
    nb_dtype dtype = w->sum->dtype;
    size_t count = (size_t)nb_tensor_count(w->sum);
    if (nb_real(dtype)->finite(count, nb_tensor_data(w->sum))) return NB_OK;
    return nb_fail(w->ctx, NB_EVALUE, "the sum of the examples' gradients is beyond what %s holds",
                   nb_dtype_name(dtype));
}

/* ---- Sums of classes ------------------------------------------------------------------------- */

/* Numbers `at` … of the classes' sums in f64, one class below the other. */
static void gather_stretch(const work *w, int64_t at, size_t n, double *rows)
{
    const nb_net *net = w->looker.net;
    nb_convert_fn *convert = nb_kernels_get()->convert[net->dtype][NB_F64];
    size_t skip = (size_t)(w->looker.offset + at) * nb_dtype_size(net->dtype);
    for (int64_t c = 0; c < w->classes; c++, rows += n)
        convert(n, (const char *)nb_tensor_data(w->own[c]) + skip, 1, rows, 1, 1);
}

/* The sum of all is that of the classes' sums, one class behind the other. */
static void add_stretch(const work *w, int64_t at, size_t n)
{
    nb_dtype dtype = w->sum->dtype;
    size_t skip = (size_t)(w->looker.offset + at) * nb_dtype_size(dtype);
    for (int64_t c = 0; c < w->classes; c++)
        nb_real(dtype)->axpy(n, 1, (const char *)nb_tensor_data(w->own[c]) + skip,
                             (char *)nb_tensor_data(w->sum) + skip);
}

/* Adds them up, and their products with one another; by stretches that stay in a cache. */
static nb_status add_classes(const work *w, double *products)
{
    int64_t count = nb_net_count(w->looker.net);
    size_t k = (size_t)w->classes, bytes = k * STRETCH * sizeof(double);
    double *rows = nb_alloc(w->ctx, bytes);
    if (!rows) return w->ctx->status;
    for (size_t c = 0; c < k; c++) nb_looker_own(&w->looker, w->own[c]);
    for (int64_t at = 0; at < count; at += STRETCH) {
        size_t n = (size_t)nb_least_i64(count - at, STRETCH);
        gather_stretch(w, at, n, rows);
        add_stretch(w, at, n);
        nb_product_piece(NB_F64, k, k, n, 1, (nb_matrix){rows, n, false},
                         (nb_matrix){rows, n, true}, 1, products, k);
    }
    nb_free(w->ctx, rows, bytes);
    return NB_OK;
}

static nb_status find_sum(const work *w, nb_example_gradients *out)
{
    int64_t k = w->classes;
    nb_status status = NB_OK;
    if (k > 1) {
        out->cosines = nb_tensor_zeros(w->ctx, NB_F64, 2, (const int64_t[]){k, k});
        status = out->cosines ? add_classes(w, nb_tensor_data(out->cosines)) : w->ctx->status;
    }
    return status == NB_OK ? check_sum(w) : status;
}

/* ---- What they say --------------------------------------------------------------------------- */

static double dot(const work *w, nb_tensor *a, nb_tensor *b)
{
    const void *x = nb_looker_own(&w->looker, a), *y = nb_looker_own(&w->looker, b);
    return nb_real(a->dtype)->dot((size_t)nb_net_count(w->looker.net), x, 1, y, 1);
}

/* With the variance of n - 1, which is that of what the examples were drawn from. */
static void find_noise(const work *w, nb_example_gradients *out)
{
    double n = (double)out->count, square = dot(w, w->sum, w->sum) / (n * n);
    double variance = (w->squares / n - square) * n / (n - 1);
    out->mean = sqrt(square);
    out->noise = n > 1 && w->squares > 0 ? fmax(variance, 0) / square : NAN;
}

/* From the products of the classes' sums. */
static void find_cosines(const work *w, nb_example_gradients *out)
{
    int64_t k = w->classes;
    if (k < 2) return;
    double *cosine = nb_tensor_data(out->cosines);
    /* One number for a pair, whichever stands first. */
    for (int64_t a = 0; a < k; a++)
        for (int64_t b = 0; b < a; b++) cosine[b * k + a] = cosine[a * k + b];
    for (int64_t a = 0; a < k; a++)
        for (int64_t b = 0; b < k; b++)
            if (a != b) cosine[a * k + b] /= sqrt(cosine[a * k + a]) * sqrt(cosine[b * k + b]);
    for (int64_t a = 0; a < k; a++) cosine[a * k + a] /= cosine[a * k + a];
}

static nb_status sort_norms(nb_ctx *ctx, nb_example_gradients *out)
{
    const nb_order rising = {.dtype = NB_F64, .stop = ctx->interrupt};
    size_t n = (size_t)out->count, bytes = nb_sort_room(NB_F64, n);
    void *room = nb_alloc(ctx, bytes);
    out->order = room ? nb_tensor_new(ctx, NB_I32, 1, &out->count) : NULL;
    if (out->order)
        nb_sort_places(&rising, n, nb_tensor_data(out->norms), 1, nb_tensor_data(out->order), room);
    if (room) nb_free(ctx, room, bytes);
    return out->order ? nb_poll(ctx) : ctx->status;
}

static nb_status find(work *w, nb_example_gradients *out)
{
    nb_ctx *ctx = w->ctx;
    out->count = w->looker.set->count;
    nb_status status = read_classes(ctx, &w->looker, &out->classes);
    if (status != NB_OK) return status;
    w->classes = sums_apart(w, out->classes);
    status = sort_examples(w, out->classes);
    if (status == NB_OK) status = make_sums(w);
    if (status != NB_OK) return status;
    out->norms = nb_tensor_new(ctx, NB_F64, 1, &out->count);
    status = out->norms ? look_at_all(w, nb_tensor_data(out->norms)) : ctx->status;
    if (status == NB_OK) status = find_sum(w, out);
    if (status != NB_OK) return status;
    find_noise(w, out);
    find_cosines(w, out);
    return sort_norms(ctx, out);
}

void nb_example_gradients_free(nb_ctx *ctx, nb_example_gradients *of)
{
    nb_tensor_release(ctx, of->norms);
    nb_tensor_release(ctx, of->order);
    nb_tensor_release(ctx, of->classes);
    nb_tensor_release(ctx, of->cosines);
    *of = (nb_example_gradients){.count = 0};
}

nb_status nb_example_gradients_find(nb_ctx *ctx, nb_net *net, const nb_set *set,
                                    nb_example_gradients *out)
{
    work w = {.ctx = ctx};
    *out = (nb_example_gradients){.count = 0};
    nb_status status = nb_looker_begin(ctx, &w.looker, net, set);
    if (status == NB_OK) status = find(&w, out);
    drop(&w);
    if (status != NB_OK) nb_example_gradients_free(ctx, out);
    return status;
}

/* ---- Rows of the Gram matrix ----------------------------------------------------------------- */

static nb_status fill_row(work *w, int64_t i, double *row)
{
    nb_ctx *ctx = w->ctx;
    int64_t count = w->looker.set->count, most = nb_looker_share(&w->looker, count);
    double square;
    nb_status status = nb_looker_norms(ctx, &w->looker, NULL, i, 1, &square, true, w->sum);
    if (status == NB_OK) nb_looker_own(&w->looker, w->sum);
    for (int64_t at = 0; at < count && status == NB_OK; at += most) {
        nb_tell(ctx, telling, at, count);
        status = nb_looker_dots(ctx, &w->looker, NULL, at, nb_least_i64(count - at, most), w->sum,
                                row + at, NULL);
    }
    return status;
}

nb_tensor *nb_example_gradients_row(nb_ctx *ctx, nb_net *net, const nb_set *set, int64_t i)
{
    work w = {.ctx = ctx};
    nb_tensor *row = NULL;
    nb_status status = nb_looker_begin(ctx, &w.looker, net, set);
    if (status == NB_OK) {
        w.sum = nb_looker_vector(ctx, &w.looker);
        row = w.sum ? nb_tensor_new(ctx, NB_F64, 1, &set->count) : NULL;
        status = row ? fill_row(&w, i, nb_tensor_data(row)) : ctx->status;
    }
    drop(&w);
    return row ? nb_tensor_settle(ctx, row, status) : NULL;
}
