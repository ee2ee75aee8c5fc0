/* The gradient checker of functions: one backward for each element of the output, two forward
 * passes for each element of the inputs, and a comparison of the two Jacobians. */
#include "grad/gradcheck.h"

#include "grad/tape.h"

#include <string.h>

typedef struct checking {
    nb_ctx *ctx;
    nb_checked_fn *f;
    void *arg;
    int count;
    nb_tensor *in[NB_MAX_INPUTS]; /* aliases of the caller's; leaves where they are checked */
    nb_tensor *value;             /* f(in), contiguous, without a record */
    nb_tensor *jacobian;          /* (elements of value, elements of all checked inputs) */
} checking;

/* The index of row-major element `at`. */
static void unravel(const nb_tensor *t, int64_t at, int64_t *index)
{
    for (int i = t->dims - 1; i >= 0; i--) {
        index[i] = at % t->shape[i];
        at /= t->shape[i];
    }
}

static nb_tensor *call(const checking *c)
{
    nb_tensor *out = c->f(c->ctx, c->in, c->count, c->arg);
    if (!out || out->dtype == NB_F64) return out;
    nb_fail(c->ctx, NB_EARG, "a gradient is checked in f64, not %s", nb_dtype_name(out->dtype));
    nb_tensor_release(c->ctx, out);
    return NULL;
}

static nb_status begin(checking *c, nb_tensor *const *in)
{
    if (c->count < 1 || c->count > NB_MAX_INPUTS)
        return nb_fail(c->ctx, NB_EARG, "a gradient is checked for 1 to %d inputs, not %d",
                       NB_MAX_INPUTS, c->count);
    for (int i = 0; i < c->count; i++) {
        c->in[i] = nb_tensor_alias(c->ctx, in[i]);
        if (!c->in[i]) return c->ctx->status;
        if (in[i]->dtype != NB_F64) continue;
        if (nb_require_grad(c->ctx, c->in[i], true) != NB_OK) return c->ctx->status;
    }
    return NB_OK;
}

static void end(checking *c)
{
    for (int i = 0; i < NB_MAX_INPUTS; i++) nb_tensor_release(c->ctx, c->in[i]);
    nb_tensor_release(c->ctx, c->value);
    nb_tensor_release(c->ctx, c->jacobian);
}

/* One row of the Jacobian from the leaves, which are emptied for the next. What the function does
 * not depend on has no gradient: 0. */
static nb_status take_row(checking *c, int64_t output)
{
    double *row = (double *)nb_tensor_data(c->jacobian) + output * c->jacobian->shape[1];
    for (int i = 0; i < c->count; i++) {
        nb_leaf *leaf = nb_leaf_of(c->in[i]);
        if (!leaf) continue;
        int64_t n = nb_tensor_count(c->in[i]);
        if (leaf->grad && !nb_tensor_same_shape(leaf->grad, c->in[i]))
            return nb_fail(c->ctx, NB_ESHAPE, "the gradient of input %d has another shape", i);
        if (leaf->grad)
            memcpy(row, nb_tensor_data(leaf->grad), (size_t)n * sizeof *row);
        else
            memset(row, 0, (size_t)n * sizeof *row);
        nb_tensor_release(c->ctx, leaf->grad);
        leaf->grad = NULL;
        row += n;
    }
    return NB_OK;
}

/* The gradients of output element `output` by a δ of a single 1. */
static nb_status run_backward(checking *c, nb_tensor *root, int64_t output)
{
    int64_t index[NB_MAX_DIMS];
    nb_tensor *delta = nb_tensor_zeros(c->ctx, NB_F64, root->dims, root->shape);
    if (!delta) return c->ctx->status;
    unravel(delta, output, index);
    nb_tensor_set(delta, index, 1);
    nb_status status = NB_OK;
    if (root->link)
        status = nb_backward(c->ctx, root, &(nb_backward_options){.keep = true, .delta = delta});
    nb_tensor_release(c->ctx, delta);
    return status == NB_OK ? take_row(c, output) : status;
}

static nb_status find_jacobian(checking *c)
{
    int64_t shape[2] = {0, 0};
    c->ctx->recording = true;
    nb_tensor *root = call(c);
    if (!root) return c->ctx->status;
    shape[0] = nb_tensor_count(root);
    for (int i = 0; i < c->count; i++)
        if (nb_leaf_of(c->in[i])) shape[1] += nb_tensor_count(c->in[i]);
    c->value = nb_tensor_clone(c->ctx, root);
    c->jacobian = c->value ? nb_tensor_new(c->ctx, NB_F64, 2, shape) : NULL;
    nb_status status = c->jacobian ? NB_OK : c->ctx->status;
    for (int64_t i = 0; i < shape[0] && status == NB_OK; i++) status = run_backward(c, root, i);
    nb_tensor_release(c->ctx, root);
    return status;
}

/* f with one element of an input at another value, as the caller finds it again; contiguous. */
static nb_tensor *value_at(const checking *c, int input, const int64_t *index, double value)
{
    double before = nb_tensor_get(c->in[input], index);
    nb_tensor_set(c->in[input], index, value);
    nb_tensor *out = call(c);
    /* A copy, because a view of the input would show it put back. */
    nb_tensor *plain = out ? nb_tensor_clone(c->ctx, out) : NULL;
    nb_tensor_set(c->in[input], index, before);
    nb_tensor_release(c->ctx, out);
    if (!plain || nb_tensor_same_shape(plain, c->value)) return plain;
    nb_fail(c->ctx, NB_ESHAPE, "the function gives another shape for other values");
    nb_tensor_release(c->ctx, plain);
    return NULL;
}

/* Compares one number; remembers the worst. NaN is worse than anything. */
static void compare(nb_gradcheck_report *out, const nb_gradcheck_report *here, double value)
{
    double g = here->analytic, d = here->numeric;
    double relative = fabs(g - d) / fmax(1e-3, fmax(fabs(g), fabs(d)));
    if (isnan(relative)) relative = INFINITY;
    int64_t compared = out->compared + 1;
    int64_t wrong = out->wrong + !nb_check_agrees(g, d, value);
    if (compared == 1 || relative > out->worst) {
        *out = *here;
        out->worst = relative;
    }
    out->compared = compared;
    out->wrong = wrong;
}

/* Column `column` of the Jacobian, which belongs to one element of an input. */
static nb_status check_column(const checking *c, int input, int64_t element, int64_t column,
                              nb_gradcheck_report *out)
{
    int64_t index[NB_MAX_DIMS];
    unravel(c->in[input], element, index);
    double x = nb_tensor_get(c->in[input], index), step = NB_CHECK_STEP * fmax(1, fabs(x));
    nb_tensor *above = value_at(c, input, index, x + step);
    nb_tensor *below = above ? value_at(c, input, index, x - step) : NULL;
    for (int64_t i = 0; below && i < c->jacobian->shape[0]; i++) {
        const double *high = nb_tensor_data(above), *low = nb_tensor_data(below);
        const double *value = nb_tensor_data(c->value), *g = nb_tensor_data(c->jacobian);
        nb_gradcheck_report here = {.input = input, .element = element, .output = i};
        here.analytic = g[i * c->jacobian->shape[1] + column];
        here.numeric = (high[i] - low[i]) / (2 * step);
        compare(out, &here, value[i]);
    }
    nb_status status = below ? NB_OK : c->ctx->status;
    nb_tensor_release(c->ctx, above);
    nb_tensor_release(c->ctx, below);
    return status;
}

static nb_status check_columns(const checking *c, nb_gradcheck_report *out)
{
    nb_status status = NB_OK;
    int64_t column = 0;
    c->ctx->recording = false;
    for (int i = 0; i < c->count; i++) {
        if (!nb_leaf_of(c->in[i])) continue;
        int64_t n = nb_tensor_count(c->in[i]);
        for (int64_t k = 0; k < n && status == NB_OK; k++)
            status = check_column(c, i, k, column++, out);
    }
    return status;
}

nb_status nb_gradcheck_fn(nb_ctx *ctx, nb_checked_fn *f, void *arg, nb_tensor *const *in, int count,
                          nb_gradcheck_report *out)
{
    checking c = {.ctx = ctx, .f = f, .arg = arg, .count = count};
    bool recording = ctx->recording;
    nb_dtype dtype = ctx->dtype;
    ctx->dtype = NB_F64; /* of constants that the function makes */
    *out = (nb_gradcheck_report){.wrong = 0};
    nb_status status = begin(&c, in);
    if (status == NB_OK) status = find_jacobian(&c);
    if (status == NB_OK) status = check_columns(&c, out);
    ctx->recording = recording;
    ctx->dtype = dtype;
    end(&c);
    return status;
}
