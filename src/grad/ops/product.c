/* Products of matrices and vectors: matmul, with batches that broadcast, dot and outer. */
#include "grad/matrices.h"
#include "grad/support.h"

#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- What is multiplied --------------------------------------------------------------------- */

/* One side of a product: the first matrix of a batch, and where the others are. */
typedef struct side {
    const char *data;
    int64_t rows, columns, row, column; /* sizes, and steps to the next of each */
    int batch;                          /* dimensions before those of the matrix */
    const int64_t *size, *step;         /* of these */
    nb_tensor *copy; /* holds the elements where the tensor's strides are of no use, or NULL */
} side;

/* A tensor whose last dimensions are rows and columns; a vector has only one of them. */
static side look_at(const nb_tensor *t, bool has_rows, bool has_columns)
{
    side s = {.data = nb_tensor_data(t), .rows = 1, .columns = 1, .row = 1, .column = 1};
    int at = t->dims;
    if (has_columns) {
        s.columns = t->shape[--at];
        s.column = t->stride[at];
    }
    if (has_rows) {
        s.rows = t->shape[--at];
        s.row = t->stride[at];
    }
    s.batch = at;
    s.size = t->shape;
    s.step = t->stride;
    return s;
}

/* The matrix as the loops take it, whose rows or columns must be contiguous; false where neither
 * are. `turn`: by columns where both ways are open, which suits a single column on the right. */
static bool as_matrix(const side *s, bool turn, nb_matrix *matrix)
{
    bool by_rows = (s->column == 1 || s->columns <= 1) && (s->row >= s->columns || s->rows <= 1);
    bool by_columns = (s->row == 1 || s->rows <= 1) && (s->column >= s->rows || s->columns <= 1);
    matrix->transposed = by_columns && (turn || !by_rows);
    int64_t size = matrix->transposed ? s->rows : s->columns;
    int64_t lines = matrix->transposed ? s->columns : s->rows;
    int64_t ld = lines > 1 ? (matrix->transposed ? s->column : s->row) : size;
    matrix->data = s->data;
    matrix->ld = (size_t)(ld > 0 ? ld : 1);
    return by_rows || by_columns;
}

/* Looks at a tensor, by a copy where its strides are of no use. */
static nb_status take(nb_ctx *ctx, const nb_tensor *t, bool has_rows, bool has_columns, side *s)
{
    nb_matrix ignored;
    *s = look_at(t, has_rows, has_columns);
    if (as_matrix(s, false, &ignored)) return NB_OK;
    nb_tensor *copy = nb_tensor_clone(ctx, t);
    if (!copy) return ctx->status;
    *s = look_at(copy, has_rows, has_columns);
    s->copy = copy;
    return NB_OK;
}

static side turned(side s)
{
    side t = s;
    t.rows = s.columns;
    t.row = s.column;
    t.columns = s.rows;
    t.column = s.row;
    return t;
}

/* A whole batch as one matrix, the rows of each below those of the one before; false where the
 * loops could not take it. */
static bool fold(side *s)
{
    side f = *s;
    nb_matrix ignored;
    for (int d = s->batch - 1; d >= 0; d--) {
        if (s->size[d] == 1) continue;
        if (f.rows == 1) f.row = s->step[d];
        if (s->step[d] != f.rows * f.row) return false;
        f.rows *= s->size[d];
    }
    f.batch = 0;
    if (!as_matrix(&f, false, &ignored)) return false;
    *s = f;
    return true;
}

static bool alone(const side *s)
{
    for (int d = 0; d < s->batch; d++)
        if (s->size[d] != 1) return false;
    return true;
}

/* ---- Multiplying ---------------------------------------------------------------------------- */

/* A product under way: C = alpha A B for every matrix of a batch, C without gaps. */
typedef struct product {
    nb_dtype dtype;
    double alpha;
    side a, b;
    int batch;
    int64_t shape[NB_MAX_DIMS]; /* of the batch, then of C */
} product;

/* The two sides as the loops take them. */
static void see(const product *p, nb_matrix *a, nb_matrix *b)
{
    as_matrix(&p->a, false, a);
    as_matrix(&p->b, p->b.columns == 1, b);
}

static nb_status multiply_one(nb_ctx *ctx, const product *p, nb_matrix a, nb_matrix b, char *c)
{
    size_t m = (size_t)p->a.rows, n = (size_t)p->b.columns, k = (size_t)p->a.columns;
    return nb_product(ctx, p->dtype, m, n, k, p->alpha, a, b, 0, c, n ? n : 1);
}

/* The step of a side in dimension d of the batch, in bytes; 0 where it is broadcast. */
static int64_t step_of(const product *p, const side *s, int d)
{
    int own = d - (p->batch - s->batch);
    if (own < 0 || s->size[own] == 1) return 0;
    return s->step[own] * (int64_t)nb_dtype_size(p->dtype);
}

/* Matrix by matrix, like an odometer. */
static nb_status multiply_each(nb_ctx *ctx, const product *p, char *c)
{
    int64_t index[NB_MAX_DIMS] = {0}, step_a[NB_MAX_DIMS], step_b[NB_MAX_DIMS];
    int64_t count = nb_shape_count(p->batch, p->shape);
    int64_t bytes = p->a.rows * p->b.columns * (int64_t)nb_dtype_size(p->dtype);
    nb_matrix a, b;
    nb_status status = NB_OK;
    see(p, &a, &b);
    for (int d = 0; d < p->batch; d++) {
        step_a[d] = step_of(p, &p->a, d);
        step_b[d] = step_of(p, &p->b, d);
    }
    for (int64_t i = 0; i < count && status == NB_OK; i++, c += bytes) {
        if (nb_interrupted(ctx)) return nb_poll(ctx);
        status = multiply_one(ctx, p, a, b, c);
        for (int d = p->batch - 1; d >= 0; d--) {
            a.data = (const char *)a.data + step_a[d];
            b.data = (const char *)b.data + step_b[d];
            if (++index[d] < p->shape[d]) break;
            a.data = (const char *)a.data - index[d] * step_a[d];
            b.data = (const char *)b.data - index[d] * step_b[d];
            index[d] = 0;
        }
    }
    return status;
}

/* One product where the right side is one matrix and the rows of the left ones lie evenly. */
static nb_status multiply(nb_ctx *ctx, product *p, nb_tensor *out)
{
    char *c = nb_tensor_data(out);
    nb_matrix a, b;
    if (nb_tensor_count(out) == 0) return NB_OK;
    if (p->batch > 0 && !(alone(&p->b) && fold(&p->a))) return multiply_each(ctx, p, c);
    see(p, &a, &b);
    return multiply_one(ctx, p, a, b, c);
}

/* The tensor that holds a product; rows or columns that a vector stood for go. */
static nb_tensor *run(nb_ctx *ctx, product *p, bool has_rows, bool has_columns)
{
    int dims = p->batch;
    if (has_rows) p->shape[dims++] = p->a.rows;
    if (has_columns) p->shape[dims++] = p->b.columns;
    nb_tensor *out = nb_tensor_new(ctx, p->dtype, dims, p->shape);
    if (!out || multiply(ctx, p, out) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* Whether the sides fit; sets the shape of the batch. */
static bool fit(product *p)
{
    return p->a.columns == p->b.rows &&
           nb_shape_broadcast(p->a.batch, p->a.size, p->b.batch, p->b.size, &p->batch, p->shape);
}

/* Which sizes do not meet. */
static nb_tensor *misfit(nb_ctx *ctx, const product *p, const nb_tensor *a, const nb_tensor *b)
{
    char ta[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT], batch_a[NB_SHAPE_TEXT], batch_b[NB_SHAPE_TEXT];
    nb_shape_text(a->dims, a->shape, ta);
    nb_shape_text(b->dims, b->shape, tb);
    if (p->a.columns != p->b.rows)
        return nb_fail_null(ctx, NB_ESHAPE,
                            "matmul: %s and %s do not fit: the first has %lld columns, the second "
                            "%lld rows",
                            ta, tb, (long long)p->a.columns, (long long)p->b.rows);
    return nb_fail_null(ctx, NB_ESHAPE,
                        "matmul: %s and %s do not fit: the batches %s and %s do not broadcast", ta,
                        tb, nb_shape_text(p->a.batch, p->a.size, batch_a),
                        nb_shape_text(p->b.batch, p->b.size, batch_b));
}

nb_tensor *nb_matrix_product(nb_ctx *ctx, double alpha, const nb_tensor *a, const nb_tensor *b)
{
    product p = {.dtype = a->dtype, .alpha = alpha};
    bool has_rows = a->dims > 1, has_columns = b->dims > 1;
    nb_tensor *out = NULL;
    p.a = look_at(a, has_rows, true);
    p.b = look_at(b, true, has_columns);
    if (!fit(&p)) return misfit(ctx, &p, a, b);
    if (take(ctx, a, has_rows, true, &p.a) == NB_OK &&
        take(ctx, b, true, has_columns, &p.b) == NB_OK)
        out = run(ctx, &p, has_rows, has_columns);
    nb_tensor_release(ctx, p.a.copy);
    nb_tensor_release(ctx, p.b.copy);
    return out;
}

/* ---- Vector times vector -------------------------------------------------------------------- */

/* Elements summed before Ctrl-C is looked for: some milliseconds. */
#define DOT_PIECE ((int64_t)1 << 24)

/* In f64. */
static nb_status add_products(nb_ctx *ctx, const nb_tensor *a, const nb_tensor *b, double *sum)
{
    int64_t n = a->shape[0], width = (int64_t)nb_dtype_size(a->dtype);
    const char *pa = nb_tensor_data(a), *pb = nb_tensor_data(b);
    *sum = 0;
    for (int64_t at = 0, part; at < n; at += part) {
        if (at > 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        part = n - at < DOT_PIECE ? n - at : DOT_PIECE;
        *sum += nb_real(a->dtype)->dot((size_t)part, pa + at * a->stride[0] * width,
                                       (ptrdiff_t)a->stride[0], pb + at * b->stride[0] * width,
                                       (ptrdiff_t)b->stride[0]);
    }
    return NB_OK;
}

static nb_tensor *dot_of(nb_ctx *ctx, const char *op, const nb_tensor *a, const nb_tensor *b)
{
    double sum;
    if (a->shape[0] != b->shape[0]) {
        nb_misfit(ctx, op, a, b);
        return NULL;
    }
    if (add_products(ctx, a, b, &sum) != NB_OK) return NULL;
    return nb_tensor_scalar(ctx, a->dtype, sum);
}

/* ---- matmul --------------------------------------------------------------------------------- */

static nb_tensor *forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *a = call->in[0], *b = call->in[1];
    if (a->dims == 0 || b->dims == 0)
        return nb_fail_null(ctx, NB_ESHAPE, "matmul takes vectors and matrices; use * for numbers");
    if (a->dims == 1 && b->dims == 1) return dot_of(ctx, "matmul", a, b);
    return nb_matrix_product(ctx, 1, a, b);
}

/* Whether the tape takes a tensor as a factor of a product to come. */
static bool is_factor(const nb_tensor *t)
{
    return nb_tensor_is_contiguous(t) ||
           (t->dims == 2 && t->stride[0] == 1 && t->stride[1] == t->shape[0]);
}

/* The parts of a gradient for a parameter that is one matrix, as two factors whose first is turned:
 * dB = Aᵀ δ with all rows of a batch, dA = (δᵀ)ᵀ Bᵀ. NULL in both where it takes more than that
 * (or, with the message set, where memory ends). */
static nb_status find_factors(nb_ctx *ctx, const nb_record *record, int input, nb_tensor *delta,
                              nb_tensor **first, nb_tensor **second)
{
    nb_tensor *leaf = record->in[input], *other = record->in[1 - input];
    const int64_t rows[2] = {-1, leaf->shape[0]}, columns[2] = {-1, leaf->shape[leaf->dims - 1]};
    *first = *second = NULL;
    if (!nb_leaf_of(leaf) || leaf->dims != 2 || nb_tensor_count(leaf) == 0) return NB_OK;
    if (nb_tensor_count(delta) == 0 || !is_factor(delta) || !is_factor(other)) return NB_OK;
    if (input == 1) {
        *first = nb_tensor_reshape(ctx, other, 2, rows);
        *second = *first ? nb_tensor_reshape(ctx, delta, 2, columns) : NULL;
    } else if (other->dims <= 2) {
        const int64_t across[2] = {rows[1], -1}, down[2] = {columns[1], -1};
        nb_tensor *d = nb_tensor_reshape(ctx, delta, 2, across);
        nb_tensor *b = d ? nb_tensor_reshape(ctx, other, 2, down) : NULL;
        *first = b ? nb_tensor_transpose(ctx, d) : NULL;
        *second = *first ? nb_tensor_transpose(ctx, b) : NULL;
        nb_tensor_release(ctx, d);
        nb_tensor_release(ctx, b);
    } else {
        return NB_OK;
    }
    return *second ? NB_OK : ctx->status;
}

/* Leaves the gradient to the tape where that can compute it where it belongs. */
static nb_status put_aside(nb_ctx *ctx, nb_record *record, int input, nb_tensor *delta, bool *put)
{
    nb_tensor *first, *second;
    nb_status status = find_factors(ctx, record, input, delta, &first, &second);
    *put = status == NB_OK && second;
    if (*put) status = nb_tape_product(ctx, record, input, first, second);
    nb_tensor_release(ctx, first);
    nb_tensor_release(ctx, second);
    return status;
}

/* A product that has the shape of an input's batch, summed where that was broadcast. */
static nb_tensor *gradient_of(nb_ctx *ctx, product *p, const nb_tensor *in, bool has_rows,
                              bool has_columns)
{
    if (!fit(p)) return nb_fail_null(ctx, NB_ESHAPE, "matmul: a gradient of another shape");
    nb_tensor *g = run(ctx, p, has_rows, has_columns);
    nb_tensor *out = g ? nb_sum_to(ctx, g, in) : NULL;
    nb_tensor_release(ctx, g);
    return out;
}

/* Y = A B: dA = δ Bᵀ, dB = Aᵀ δ, summed over the batch dimensions in which each was broadcast.
 * Where B was one matrix for many, dB is the product of all their rows at once. */
static nb_status gradient(nb_ctx *ctx, const nb_record *record, int input, const nb_tensor *delta,
                          nb_tensor **grad)
{
    const nb_tensor *in = record->in[input], *other = record->in[1 - input];
    bool has_rows = record->in[0]->dims > 1, has_columns = record->in[1]->dims > 1;
    product p = {.dtype = in->dtype, .alpha = 1};
    side d, o = {.copy = NULL}, all_d, all_o;
    nb_status status = take(ctx, delta, has_rows, has_columns, &d);
    if (status == NB_OK)
        status = take(ctx, other, input == 0 || has_rows, input == 1 || has_columns, &o);
    if (status == NB_OK && input == 0) {
        p.a = d;
        p.b = turned(o);
        grad[0] = gradient_of(ctx, &p, in, has_rows, true);
    } else if (status == NB_OK) {
        all_d = d;
        all_o = o;
        bool once = in->dims <= 2 && fold(&all_o) && fold(&all_d);
        p.a = turned(once ? all_o : o);
        p.b = once ? all_d : d;
        grad[1] = gradient_of(ctx, &p, in, true, has_columns);
    }
    nb_tensor_release(ctx, d.copy);
    nb_tensor_release(ctx, o.copy);
    return status == NB_OK && !grad[input] ? ctx->status : status;
}

static nb_status backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_status status = NB_OK;
    for (int i = 0; i < 2 && status == NB_OK; i++) {
        bool put = false;
        if (!record->needs[i]) continue;
        status = put_aside(ctx, record, i, delta, &put);
        if (status == NB_OK && !put) status = gradient(ctx, record, i, delta, grad);
    }
    return status;
}

NB_DEFINE_OP(matmul) = {
    .name = "matmul",
    .signature = "t",
    .usage = "a:matmul(b)",
    .help =
        "The matrix product; vectors count as a row on the left, a column on the right; further "
        "dimensions are batches and broadcast.",
    .example = "tensor{{1, 2}, {3, 4}}:matmul(tensor{1, 1}) → 3 7",
    .promote = 3,
    .adds_up = true,
    .reads = 3,
    .crosswise = true,
    .forward = forward,
    .backward = backward,
    .errors = "2x3 2x4: the first has 3 columns, the second 2 rows; 2x2x3 3x3x2: the batches 2 and "
              "3 do not broadcast; - 3: takes vectors and matrices",
    .samples =
        "2x3 3x4, 3x2t 2x4, 2x3 3x4t, 3 3, 2x3 3, 3 3x2, 2x2x3 3x4, 2x2x3t 3x4, 2x2x3 3, "
        "3 2x3x2, 2x3 2x3x2, 2x1x3 2x3x2, 2x1x2x3 2x3x2, 1x2 2x1, 2x1 1x3, 0x3 3x4, 2x0 0x3, "
        "0 0, 0x2x3 3x4",
    .low = -2,
    .high = 2,
};

/* ---- dot and outer -------------------------------------------------------------------------- */

static nb_status check_vectors(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *a = call->in[0], *b = call->in[1];
    char ta[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    if (a->dims == 1 && b->dims == 1) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s takes two vectors, not %s and %s", call->op->name,
                   nb_shape_text(a->dims, a->shape, ta), nb_shape_text(b->dims, b->shape, tb));
}

static nb_tensor *dot_forward(nb_ctx *ctx, nb_call *call)
{
    if (check_vectors(ctx, call) != NB_OK) return NULL;
    return dot_of(ctx, "dot", call->in[0], call->in[1]);
}

/* y = Σ aᵢ bᵢ: da = δ b, db = δ a */
static nb_status dot_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    for (int i = 0; i < 2; i++) {
        if (!record->needs[i]) continue;
        grad[i] = nb_op2(ctx, NB_OP_mul, delta, record->in[1 - i]);
        if (!grad[i]) return ctx->status;
    }
    return NB_OK;
}

NB_DEFINE_OP(dot) = {
    .name = "dot",
    .signature = "t",
    .usage = "a:dot(b)",
    .help = "The sum of the products of two vectors' elements.",
    .example = "tensor{1, 2, 3}:dot(tensor{4, 5, 6}) → 32",
    .promote = 3,
    .adds_up = true,
    .reads = 3,
    .forward = dot_forward,
    .backward = dot_backward,
    .errors = "3 2: 3 and 2 do not fit; 2x3 3: two vectors, not 2x3 and 3",
    .samples = "3 3, 1 1, 0 0",
    .low = -2,
    .high = 2,
};

/* A column times a row. */
static nb_tensor *outer_forward(nb_ctx *ctx, nb_call *call)
{
    product p = {.dtype = call->in[0]->dtype, .alpha = 1};
    nb_tensor *out = NULL;
    if (check_vectors(ctx, call) != NB_OK) return NULL;
    if (take(ctx, call->in[0], true, false, &p.a) == NB_OK &&
        take(ctx, call->in[1], false, true, &p.b) == NB_OK)
        out = run(ctx, &p, true, true);
    nb_tensor_release(ctx, p.a.copy);
    nb_tensor_release(ctx, p.b.copy);
    return out;
}

/* Y = a bᵀ: da = δ b, db = δᵀ a */
static nb_status outer_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    if (record->needs[0]) {
        grad[0] = nb_matrix_product(ctx, 1, delta, record->in[1]);
        if (!grad[0]) return ctx->status;
    }
    if (record->needs[1]) grad[1] = nb_matrix_product(ctx, 1, record->in[0], delta);
    return !record->needs[1] || grad[1] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(outer) = {
    .name = "outer",
    .signature = "t",
    .usage = "a:outer(b)",
    .help = "The matrix of all products of an element of a (rows) and one of b (columns).",
    .example = "tensor{1, 2}:outer(tensor{3, 4}) → 3 4 / 6 8",
    .promote = 3,
    .reads = 3,
    .forward = outer_forward,
    .backward = outer_backward,
    .errors = "2x3 3: two vectors, not 2x3 and 3",
    .samples = "2 3, 3 1, 0 3, 3 0",
    .low = -2,
    .high = 2,
};
