/* Norms and products of gradients that are sums of rows.
 *
 * Of one row a bᵀ has the norm ‖a‖ ‖b‖. Of T rows the square is Σ_pq (a_p · a_q)(b_p · b_q), or
 * that of the gradient itself: whichever takes fewer products. What cancels would be lost in the
 * first of f32, which is therefore taken in f64. */
#include "nn/inspect/examples/shares.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/workers.h"
#include "kernel/product.h"

#include <string.h>

/* ---- Taking ---------------------------------------------------------------------------------- */

static nb_status make_room(nb_ctx *ctx, nb_shares *s)
{
    enum { FIRST_ROOM = 16 };
    if (s->given < s->room) return NB_OK;
    size_t room = s->room ? 2 * s->room : FIRST_ROOM, size = sizeof *s->list;
    nb_given *list = nb_resize(ctx, s->list, s->room * size, room * size);
    if (!list) return ctx->status;
    s->list = list;
    s->room = room;
    return NB_OK;
}

/* How many of a parameter's numbers learn. */
static int64_t awake(const nb_shares *s, int64_t start, int64_t count)
{
    int64_t sum = 0;
    if (!s->mask) return count;
    for (int64_t i = start; i < start + count; i++) sum += s->mask[i] != 0;
    return sum;
}

/* Of a parameter of so many numbers; 0: nothing is known of them. */
static int64_t rows_of(const nb_share *share, int64_t count)
{
    if (!share->a) return 0;
    return share->b ? share->b->shape[0] : nb_tensor_count(share->a) / (count ? count : 1);
}

nb_status nb_shares_take(nb_ctx *ctx, void *self, const nb_share *share)
{
    nb_shares *s = self;
    int64_t start = share->leaf->offset - s->offset, count = nb_tensor_count(share->leaf);
    bool own = nb_leaf_of(share->leaf)->home && start >= 0 && start + count <= s->count;
    if (!own || awake(s, start, count) == 0) return NB_OK;
    int64_t rows = rows_of(share, count);
    s->whole = s->whole || rows < s->n || rows % s->n;
    if (s->whole) return nb_fail(ctx, NB_EARG, "an op knows nothing of single examples");
    if (make_room(ctx, s) != NB_OK) return ctx->status;
    nb_given *g = &s->list[s->given];
    *g = (nb_given){.share = *share, .start = start, .rows = rows, .m = count, .k = 1};
    if (share->b) g->k = share->b->shape[1];
    if (share->b) g->m = count / (g->k ? g->k : 1);
    g->share.a = nb_tensor_contiguous(ctx, share->a);
    g->share.b = share->b && g->share.a ? nb_tensor_contiguous(ctx, share->b) : NULL;
    s->given++;
    if (!g->share.a || (share->b && !g->share.b)) return ctx->status;
    return NB_OK;
}

void nb_shares_free(nb_ctx *ctx, nb_shares *s)
{
    for (size_t i = 0; i < s->given; i++) {
        nb_tensor_release(ctx, s->list[i].share.a);
        nb_tensor_release(ctx, s->list[i].share.b);
        if (s->list[i].squares)
            nb_free(ctx, s->list[i].squares, (size_t)s->list[i].rows * sizeof(double));
    }
    nb_free(ctx, s->list, s->room * sizeof *s->list);
    s->list = NULL;
    s->given = s->room = 0;
    s->whole = false;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool are_words(const nb_given *g)
{
    return g->share.a->dtype == NB_I32;
}

/* Row t of example i of n, T of each. */
static int64_t row_of(const nb_given *g, int64_t n, int64_t i, int64_t t)
{
    return g->share.by_steps ? t * n + i : i * (g->rows / n) + t;
}

static int64_t example_of(const nb_given *g, int64_t n, int64_t row)
{
    return g->share.by_steps ? row % n : row / (g->rows / n);
}

static const char *row_a(const nb_given *g, int64_t row)
{
    size_t width = nb_dtype_size(g->share.a->dtype) * (size_t)(are_words(g) ? 1 : g->m);
    return (const char *)nb_tensor_data(g->share.a) + (size_t)row * width;
}

static const char *row_b(const nb_given *g, int64_t row)
{
    size_t width = nb_dtype_size(g->share.b->dtype) * (size_t)g->k;
    return (const char *)nb_tensor_data(g->share.b) + (size_t)row * width;
}

/* A word's row of a table (m, k). */
static int64_t word_at(const nb_given *g, int64_t row)
{
    return (int64_t)(*(const int32_t *)(const void *)row_a(g, row) - 1) * g->k;
}

/* ---- Norms ----------------------------------------------------------------------------------- */

/* How the squares of one parameter are found. */
typedef enum way {
    BY_ROW,     /* each example has one row, and all numbers learn */
    BY_PAIRS,   /* of its rows */
    BY_GRADIENT /* itself */
} way;

/* All that one parameter is given. */
typedef struct norm_job {
    const nb_given *given;
    size_t count;
    int64_t n;
    int64_t T; /* rows of an example, of all that is given */
    const nb_real_kernels *real;
    nb_dtype dtype;
    const uint8_t *mask; /* of the parameter, or NULL */
    way how;
    size_t parts, each; /* bytes of a part's room */
    char *room;
    double *squares;
    const double *known; /* by row: the squares of a's rows, or NULL … */
    double *keep;        /* … and then where they go */
    const volatile sig_atomic_t *interrupt;
} norm_job;

static double square(const norm_job *job, int64_t count, const void *row)
{
    return job->real->sum_squares((size_t)count, row, 1);
}

static double row_square(const norm_job *job, int64_t i)
{
    const nb_given *g = job->given;
    double a = 1;
    if (job->known) a = job->known[i];
    if (job->keep) a = job->keep[i] = square(job, g->m, row_a(g, i));
    return g->share.b ? a * square(job, g->k, row_b(g, i)) : a;
}

static bool is_product(const nb_given *g)
{
    return g->share.b && !are_words(g);
}

/* Adds what an example is given to its gradient; a product that is the
 * `first_given` is written instead. */
static void add_rows(const norm_job *job, const nb_given *g, int64_t i, bool first_given,
                     char *gradient)
{
    int64_t T = g->rows / job->n;
    size_t m = (size_t)g->m, k = (size_t)g->k, apart = g->share.by_steps ? (size_t)job->n : 1;
    if (is_product(g)) {
        int64_t first = row_of(g, job->n, i, 0);
        nb_product_piece(
            job->dtype, m, k, (size_t)T, 1, (nb_matrix){row_a(g, first), apart * m, true},
            (nb_matrix){row_b(g, first), apart * k, false}, first_given ? 0 : 1, gradient, k);
        return;
    }
    for (int64_t t = 0; t < T; t++) {
        int64_t row = row_of(g, job->n, i, t);
        if (!g->share.b)
            job->real->axpy(m, 1, row_a(g, row), gradient);
        else
            job->real->axpy(k, 1, row_b(g, row),
                            gradient + (size_t)word_at(g, row) * nb_dtype_size(job->dtype));
    }
}

/* Numbers that do not learn become 0. */
static void rest(nb_dtype dtype, const uint8_t *mask, int64_t count, char *numbers)
{
    size_t size = nb_dtype_size(dtype);
    for (int64_t i = 0; mask && i < count; i++)
        if (!mask[i]) memset(numbers + (size_t)i * size, 0, size);
}

static double gradient_square(const norm_job *job, int64_t i, char *room)
{
    int64_t count = job->given->m * job->given->k;
    if (!is_product(job->given)) memset(room, 0, (size_t)count * nb_dtype_size(job->dtype));
    for (size_t j = 0; j < job->count; j++) add_rows(job, &job->given[j], i, j == 0, room);
    rest(job->dtype, job->mask, count, room);
    return square(job, count, room);
}

/* The rows of an example in f64, one below the other. */
static void gather_rows(const norm_job *job, int64_t i, bool of_b, double *to)
{
    for (size_t j = 0; j < job->count; j++) {
        const nb_given *g = &job->given[j];
        int64_t width = of_b ? g->k : g->m;
        for (int64_t t = 0; t < g->rows / job->n; t++, to += width) {
            int64_t row = row_of(g, job->n, i, t);
            nb_kernels_get()->convert[job->dtype][NB_F64](
                (size_t)width, of_b ? row_b(g, row) : row_a(g, row), 1, to, 1, 1);
        }
    }
}

/* pairs (T, T) of the rows' products with one another. */
static void multiply_rows(int64_t T, int64_t width, const double *rows, double *pairs)
{
    size_t t = (size_t)T, w = (size_t)width;
    nb_product_piece(NB_F64, t, t, w, 1, (nb_matrix){rows, w, false}, (nb_matrix){rows, w, true}, 0,
                     pairs, t);
}

/* The same of words: 1 where they are one. */
static void compare_words(const norm_job *job, int64_t i, double *pairs)
{
    const nb_given *g = job->given;
    for (int64_t p = 0; p < job->T; p++)
        for (int64_t q = 0; q < job->T; q++)
            pairs[p * job->T + q] =
                word_at(g, row_of(g, job->n, i, p)) == word_at(g, row_of(g, job->n, i, q));
}

static double pairs_square(const norm_job *job, int64_t i, char *room)
{
    const nb_given *g = job->given;
    int64_t T = job->T;
    double *first = (double *)(void *)room, *second = first + T * T, *rows = second + T * T;
    if (are_words(g)) {
        compare_words(job, i, first);
    } else {
        gather_rows(job, i, false, rows);
        multiply_rows(T, g->m, rows, first);
    }
    gather_rows(job, i, true, rows);
    multiply_rows(T, g->k, rows, second);
    double sum = nb_real(NB_F64)->dot((size_t)(T * T), first, 1, second, 1);
    return sum > 0 ? sum : sum <= 0 ? 0 : sum; /* NaN stays */
}

static void norm_part(void *arg, size_t part)
{
    const norm_job *job = arg;
    char *room = job->room + part * job->each;
    int64_t first = (int64_t)part * job->n / (int64_t)job->parts;
    int64_t end = ((int64_t)part + 1) * job->n / (int64_t)job->parts;
    for (int64_t i = first; i < end && !(job->interrupt && *job->interrupt); i++)
        job->squares[i] += job->how == BY_ROW     ? row_square(job, i)
                           : job->how == BY_PAIRS ? pairs_square(job, i, room)
                                                  : gradient_square(job, i, room);
}

/* By products: T² (m + k) of pairs, T m k of the gradient, whose numbers are also gone through. */
static way choose(const norm_job *job)
{
    const nb_given *g = job->given;
    double T = (double)job->T, m = are_words(g) ? 1 : (double)g->m, k = (double)g->k;
    bool rows = g->share.b != NULL;
    if (!job->mask && job->count == 1 && job->T == 1) return BY_ROW;
    for (size_t j = 0; j < job->count; j++) {
        rows = rows && job->given[j].share.b && job->given[j].m == g->m;
        if (are_words(&job->given[j]) && job->count > 1) rows = false;
    }
    bool fewer = T * T * (m + k) < ((are_words(g) ? 1 : T) + 2) * (double)g->m * k;
    return !job->mask && rows && fewer ? BY_PAIRS : BY_GRADIENT;
}

static size_t room_of(const norm_job *job)
{
    const nb_given *g = job->given;
    int64_t wider = g->k > g->m || are_words(g) ? g->k : g->m;
    if (job->how == BY_ROW) return 0;
    if (job->how == BY_PAIRS)
        return (size_t)(2 * job->T * job->T + job->T * wider) * sizeof(double);
    size_t bytes = (size_t)(g->m * g->k) * nb_dtype_size(job->dtype);
    return (bytes + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

static nb_status run(nb_ctx *ctx, norm_job *job)
{
    int64_t parts = nb_least_i64(ctx->threads, job->n);
    job->parts = (size_t)(parts > 1 ? parts : 1);
    job->each = room_of(job);
    job->interrupt = ctx->interrupt;
    job->room = nb_alloc(ctx, job->parts * job->each);
    if (!job->room) return ctx->status;
    nb_parallel(ctx, job->parts, norm_part, job);
    nb_free(ctx, job->room, job->parts * job->each);
    return nb_poll(ctx);
}

/* δ of a layer is given to w and b: its rows are squared once. */
static nb_status share_squares(nb_ctx *ctx, nb_shares *s, nb_given *g, norm_job *job)
{
    if (are_words(g)) return NB_OK;
    for (size_t i = 0; i < s->given && !job->known; i++)
        if (s->list[i].share.a == g->share.a) job->known = s->list[i].squares;
    if (job->known) return NB_OK;
    g->squares = nb_alloc(ctx, (size_t)g->rows * sizeof *g->squares);
    job->keep = g->squares;
    return g->squares ? NB_OK : ctx->status;
}

static bool learns_in_part(const nb_shares *s, const nb_given *g)
{
    return awake(s, g->start, g->m * g->k) < g->m * g->k;
}

/* By parameter, what each is given in the order in which it came. */
static void sort(nb_shares *s)
{
    for (size_t i = 1; i < s->given; i++) {
        nb_given g = s->list[i];
        size_t j = i;
        for (; j > 0 && s->list[j - 1].start > g.start; j--) s->list[j] = s->list[j - 1];
        s->list[j] = g;
    }
}

nb_status nb_shares_norms(nb_ctx *ctx, nb_shares *s, double *squares)
{
    nb_status status = NB_OK;
    sort(s);
    for (size_t i = 0, end; i < s->given && status == NB_OK; i = end) {
        nb_given *g = &s->list[i];
        norm_job job = {.given = g, .n = s->n, .real = nb_real(s->dtype), .dtype = s->dtype};
        job.squares = squares;
        if (learns_in_part(s, g)) job.mask = s->mask + g->start;
        for (end = i; end < s->given && s->list[end].start == g->start; end++, job.count++)
            job.T += s->list[end].rows / s->n;
        job.how = choose(&job);
        if (job.how == BY_ROW) status = share_squares(ctx, s, g, &job);
        if (status == NB_OK) status = run(ctx, &job);
    }
    return status;
}

static void clear(void *numbers, int64_t start, int64_t end, size_t size)
{
    memset((char *)numbers + (size_t)start * size, 0, (size_t)(end - start) * size);
}

void nb_shares_clear_others(const nb_shares *s, void *numbers)
{
    size_t size = nb_dtype_size(s->dtype);
    int64_t done = 0;
    for (size_t i = 0; i < s->given; i++) {
        const nb_given *g = &s->list[i];
        if (g->start > done) clear(numbers, done, g->start, size);
        done = g->start + g->m * g->k;
    }
    clear(numbers, done, s->count, size);
}

/* ---- Products -------------------------------------------------------------------------------- */

/* Row by row a · (V b) or (aᵀ V) · b, whose smaller side is multiplied first. */
static nb_status dot_products(nb_ctx *ctx, const nb_shares *s, const nb_given *g, const void *v,
                              double *dots)
{
    bool by_a = g->k <= g->m;
    size_t rows = (size_t)g->rows, m = (size_t)g->m, k = (size_t)g->k, width = by_a ? k : m;
    size_t size = nb_dtype_size(s->dtype), bytes = rows * width * size;
    const nb_matrix from = {by_a ? row_a(g, 0) : row_b(g, 0), by_a ? m : k, false};
    const nb_matrix by = {v, k, !by_a};
    char *room = nb_alloc(ctx, bytes);
    if (!room) return ctx->status;
    nb_status status =
        nb_product(ctx, s->dtype, rows, width, by_a ? m : k, 1, from, by, 0, room, width);
    for (int64_t row = 0; row < g->rows && status == NB_OK; row++)
        dots[example_of(g, s->n, row)] += nb_real(s->dtype)->dot(
            width, room + (size_t)row * width * size, 1, by_a ? row_b(g, row) : row_a(g, row), 1);
    nb_free(ctx, room, bytes);
    return status;
}

static void dot_rows(const nb_shares *s, const nb_given *g, const char *v, double *dots)
{
    size_t width = (size_t)(g->share.b ? g->k : g->m), size = nb_dtype_size(s->dtype);
    for (int64_t row = 0; row < g->rows; row++) {
        const char *from = g->share.b ? row_b(g, row) : row_a(g, row);
        const char *to = g->share.b ? v + (size_t)word_at(g, row) * size : v;
        dots[example_of(g, s->n, row)] += nb_real(s->dtype)->dot(width, from, 1, to, 1);
    }
}

nb_status nb_shares_dots(nb_ctx *ctx, const nb_shares *s, const void *v, double *dots)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < s->given && status == NB_OK; i++) {
        const nb_given *g = &s->list[i];
        const char *at = (const char *)v + (size_t)g->start * nb_dtype_size(s->dtype);
        if (is_product(g))
            status = dot_products(ctx, s, g, at, dots);
        else
            dot_rows(s, g, at, dots);
        if (status == NB_OK) status = nb_poll(ctx);
    }
    return status;
}
