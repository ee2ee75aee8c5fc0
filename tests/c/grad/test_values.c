/* What the ops give, against the definitions written out element by element with libm: a gradient
 * that agrees with differences says nothing about the function itself. */
#include "values_conv.h"
#include "values_index.h"
#include "values_norm.h"
#include "values_recurrent.h"
#include "values_reduce.h"

/* ---- Definitions ---------------------------------------------------------------------------- */

static double sign_of(double x)
{
    return (x > 0) - (x < 0);
}

static double softplus_of(double x)
{
    return log1p(exp(x));
}

static double sigmoid_of(double x)
{
    return 1 / (1 + exp(-x));
}

static double relu_of(double x)
{
    return x > 0 ? x : 0;
}

static double gelu_of(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2));
}

static double silu_of(double x)
{
    return x * sigmoid_of(x);
}

static double rsqrt_of(double x)
{
    return 1 / sqrt(x);
}

static double neg_of(double x)
{
    return -x;
}

/* The samples use the bounds that the op has by itself. */
static double clamp_of(double x)
{
    return fmin(fmax(x, -1), 1);
}

#define BINARY(name, formula)                                                                      \
    static double name##_of(double a, double b)                                                    \
    {                                                                                              \
        return formula;                                                                            \
    }
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(eq, a == b)
BINARY(ne, a != b)
BINARY(lt, a < b)
BINARY(le, a <= b)
BINARY(gt, a > b)
BINARY(ge, a >= b)

static double where_value(const place *p)
{
    return spread_input(p, 0) != 0 ? spread_input(p, 1) : spread_input(p, 2);
}

/* Softmax keeps its dimension: the sum of the row that the place stands in. */
static double softmax_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t index[NB_MAX_DIMS];
    const nb_dims *named = &p->s->call.attr.dims;
    int dim = named->count ? named->at[0] : x->dims - 1;
    double sum = 0;
    memcpy(index, p->index, sizeof index);
    for (int64_t i = 0; x->dims && i < x->shape[dim]; i++) {
        index[dim] = i;
        sum += exp(nb_tensor_get(x, index));
    }
    return x->dims ? exp(nb_tensor_get(x, p->index)) / sum : 1;
}

static double log_softmax_value(const place *p)
{
    return log(softmax_value(p));
}

/* The row of the table that the place's word names. */
static double embedding_value(const place *p)
{
    const nb_tensor *w = input(p, 0), *x = input(p, 1);
    int64_t features = w->shape[1], word = (int64_t)flat_at(x, p->at / features);
    return flat_at(w, (word - 1) * features + p->at % features);
}

/* Row i, or entry i of a vector, of what stands for a matrix of a batch. */
static double factor(const nb_tensor *t, int batch, const int64_t *of_batch, int64_t i, int64_t j,
                     bool left)
{
    int64_t index[NB_MAX_DIMS];
    if (t->dims == 1) return nb_tensor_get(t, left ? &j : &i);
    for (int d = 0; d < t->dims - 2; d++) {
        int64_t at = of_batch[d + batch - (t->dims - 2)];
        index[d] = t->shape[d] == 1 ? 0 : at;
    }
    index[t->dims - 2] = i;
    index[t->dims - 1] = j;
    return nb_tensor_get(t, index);
}

static double matmul_value(const place *p)
{
    const nb_tensor *a = input(p, 0), *b = input(p, 1);
    int rows = a->dims > 1, columns = b->dims > 1, batch = p->out->dims - rows - columns;
    int64_t i = rows ? p->index[batch] : 0, j = columns ? p->index[batch + rows] : 0;
    double sum = 0;
    for (int64_t k = 0; k < a->shape[a->dims - 1]; k++)
        sum += factor(a, batch, p->index, i, k, true) * factor(b, batch, p->index, k, j, false);
    return sum;
}

static double dense_value(const place *p)
{
    const nb_tensor *x = input(p, 0), *w = input(p, 1);
    int last = x->dims - 1;
    int64_t index[NB_MAX_DIMS], neuron = p->index[last];
    double z = nb_tensor_get(input(p, 2), &neuron);
    memcpy(index, p->index, sizeof index);
    for (int64_t k = 0; k < x->shape[last]; k++) {
        index[last] = k;
        z += nb_tensor_get(x, index) * nb_tensor_get(w, (const int64_t[]){neuron, k});
    }
    return z;
}

/* z of each layer in turn, of at most 8 numbers. */
static double dense_chain_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int last = x->dims - 1;
    int64_t index[NB_MAX_DIMS], count = x->shape[last];
    double a[8], z[8];
    memcpy(index, p->index, sizeof index);
    for (int64_t k = 0; k < count; k++) {
        index[last] = k;
        a[k] = nb_tensor_get(x, index);
    }
    for (int i = 1; i < p->s->call.inputs; i += 2) {
        const nb_tensor *w = input(p, i);
        for (int64_t j = 0; j < w->shape[0]; j++) {
            z[j] = nb_tensor_get(input(p, i + 1), &j);
            for (int64_t k = 0; k < count; k++)
                z[j] += a[k] * nb_tensor_get(w, (const int64_t[]){j, k});
        }
        count = w->shape[0];
        memcpy(a, z, sizeof a);
    }
    return a[p->index[last]];
}

static double same_order_value(const place *p)
{
    return flat_at(input(p, 0), p->at);
}

static double t_value(const place *p)
{
    int dims = p->out->dims;
    int64_t index[NB_MAX_DIMS] = {0};
    memcpy(index, p->index, sizeof index);
    if (dims >= 2) {
        index[dims - 1] = p->index[dims - 2];
        index[dims - 2] = p->index[dims - 1];
    }
    return nb_tensor_get(input(p, 0), index);
}

static double permute_value(const place *p)
{
    int64_t index[NB_MAX_DIMS] = {0};
    for (int i = 0; i < p->out->dims; i++) index[p->s->call.attr.dims.at[i]] = p->index[i];
    return nb_tensor_get(input(p, 0), index);
}

static double expand_value(const place *p)
{
    return spread_input(p, 0);
}

static double narrow_value(const place *p)
{
    int64_t index[NB_MAX_DIMS];
    memcpy(index, p->index, sizeof index);
    index[p->s->call.attr.narrow.dim] += p->s->call.attr.narrow.start;
    return nb_tensor_get(input(p, 0), index);
}

static double select_value(const place *p)
{
    int64_t index[NB_MAX_DIMS], dim = p->s->call.attr.select.dim;
    for (int i = 0, from = 0; i < input(p, 0)->dims; i++)
        index[i] = i == dim ? p->s->call.attr.select.index : p->index[from++];
    return nb_tensor_get(input(p, 0), index);
}

static double dot_value(const place *p)
{
    double sum = 0;
    for (int64_t i = 0; i < input(p, 0)->shape[0]; i++)
        sum += flat_at(input(p, 0), i) * flat_at(input(p, 1), i);
    return sum;
}

static double outer_value(const place *p)
{
    return flat_at(input(p, 0), p->index[0]) * flat_at(input(p, 1), p->index[1]);
}

static double trace_value(const place *p)
{
    const nb_tensor *a = input(p, 0);
    int64_t index[NB_MAX_DIMS], *row = index + a->dims - 2;
    double sum = 0;
    memcpy(index, p->index, sizeof index);
    for (row[0] = 0; row[0] < a->shape[a->dims - 2] && row[0] < a->shape[a->dims - 1]; row[0]++) {
        row[1] = row[0];
        sum += nb_tensor_get(a, index);
    }
    return sum;
}

/* Column minus row: 0 on the diagonal. */
static int64_t beyond(const place *p)
{
    const int64_t *row = p->index + p->out->dims - 2;
    return row[1] - row[0];
}

static double triu_value(const place *p)
{
    return beyond(p) >= p->s->call.attr.diagonal ? nb_tensor_get(input(p, 0), p->index) : 0;
}

static double tril_value(const place *p)
{
    return beyond(p) <= p->s->call.attr.diagonal ? nb_tensor_get(input(p, 0), p->index) : 0;
}

static double cat_value(const place *p)
{
    int64_t index[NB_MAX_DIMS];
    int dim = p->s->call.attr.cat.dim;
    int which = 0;
    memcpy(index, p->index, sizeof index);
    for (; index[dim] >= input(p, which)->shape[dim]; which++)
        index[dim] -= input(p, which)->shape[dim];
    return nb_tensor_get(input(p, which), index);
}

static double rep_value(const place *p)
{
    int64_t index[NB_MAX_DIMS] = {0};
    const nb_tensor *x = input(p, 0);
    for (int i = 0; i < x->dims; i++) index[i] = p->index[i + p->out->dims - x->dims] % x->shape[i];
    return nb_tensor_get(x, index);
}

static double lerp_value(const place *p)
{
    double x = spread_input(p, 0), y = spread_input(p, 1), w = spread_input(p, 2);
    return (1 - w) * x + w * y;
}

static double examples_of(const nb_tensor *t)
{
    return t->dims ? (double)t->shape[0] : 1;
}

/* What number i of outputs z counts: the weight of its example over the sum of all weights. */
static double share_at(const place *p, int64_t i)
{
    const nb_tensor *z = input(p, 0), *w = p->s->call.inputs > 2 ? input(p, 2) : NULL;
    double total = 0;
    if (!w) return 1 / examples_of(z);
    for (int64_t k = 0; k < nb_tensor_count(w); k++) total += flat_at(w, k);
    return flat_at(w, i / (nb_tensor_count(z) / z->shape[0])) / total;
}

static double half_squared_distance_value(const place *p)
{
    const nb_tensor *a = input(p, 0), *y = input(p, 1);
    double sum = 0;
    for (int64_t i = 0; i < nb_tensor_count(a); i++)
        sum += share_at(p, i) * pow(flat_at(y, i) - flat_at(a, i), 2);
    return sum / 2;
}

static double poisson_likelihood_value(const place *p)
{
    const nb_tensor *z = input(p, 0), *y = input(p, 1);
    double sum = 0;
    for (int64_t i = 0; i < nb_tensor_count(z); i++)
        sum += share_at(p, i) * (exp(flat_at(z, i)) - flat_at(y, i) * flat_at(z, i));
    return sum;
}

/* -Σ y log a + (1 - y) log(1 - a), the book's, of a = sigmoid(z) */
static double sigmoid_cross_entropy_value(const place *p)
{
    const nb_tensor *z = input(p, 0), *y = input(p, 1);
    double sum = 0;
    for (int64_t i = 0; i < nb_tensor_count(z); i++) {
        double a = sigmoid_of(flat_at(z, i)), t = flat_at(y, i);
        sum -= share_at(p, i) * (t * log(a) + (1 - t) * log(1 - a));
    }
    return sum;
}

/* -Σ y log a of a = softmax(z), row by row; class numbers are a 1 at the class. */
static double softmax_cross_entropy_value(const place *p)
{
    const nb_tensor *z = input(p, 0), *y = input(p, 1);
    int64_t n = z->dims ? z->shape[z->dims - 1] : 1, count = nb_tensor_count(z);
    double cost = 0;
    for (int64_t row = 0; row < count; row += n) {
        double sum = 0;
        for (int64_t i = row; i < row + n; i++) sum += exp(flat_at(z, i));
        for (int64_t i = row; i < row + n; i++) {
            double target =
                y->dtype != NB_I32 ? flat_at(y, i) : flat_at(y, row / n) == (double)(i - row + 1);
            if (target != 0) cost -= share_at(p, i) * target * log(exp(flat_at(z, i)) / sum);
        }
    }
    return cost;
}

/* ---- The table ------------------------------------------------------------------------------ */

typedef struct definition {
    nb_op_id op;
    double (*unary)(double);
    double (*binary)(double, double);
    double (*value)(const place *);
} definition;

#define U(name, f)                                                                                 \
    {                                                                                              \
        .op = NB_OP_##name, .unary = f                                                             \
    }
#define B(name, f)                                                                                 \
    {                                                                                              \
        .op = NB_OP_##name, .binary = f                                                            \
    }
#define V(name)                                                                                    \
    {                                                                                              \
        .op = NB_OP_##name, .value = name##_value                                                  \
    }
#define SAME(name)                                                                                 \
    {                                                                                              \
        .op = NB_OP_##name, .value = same_order_value                                              \
    }

static const definition definitions[] = {
    B(add, add_of),
    B(sub, sub_of),
    B(mul, mul_of),
    B(div, div_of),
    B(pow, pow),
    B(maximum, fmax),
    B(minimum, fmin),
    V(lerp),
    U(neg, neg_of),
    U(abs, fabs),
    U(sign, sign_of),
    U(exp, exp),
    U(expm1, expm1),
    U(log, log),
    U(log1p, log1p),
    U(sqrt, sqrt),
    U(rsqrt, rsqrt_of),
    U(sin, sin),
    U(cos, cos),
    U(tan, tan),
    U(asin, asin),
    U(acos, acos),
    U(atan, atan),
    U(sinh, sinh),
    U(cosh, cosh),
    U(tanh, tanh),
    U(sigmoid, sigmoid_of),
    U(erf, erf),
    U(relu, relu_of),
    U(gelu, gelu_of),
    U(silu, silu_of),
    U(softplus, softplus_of),
    U(floor, floor),
    U(ceil, ceil),
    U(round, nearbyint),
    U(clamp, clamp_of),
    B(eq, eq_of),
    B(ne, ne_of),
    B(lt, lt_of),
    B(le, le_of),
    B(gt, gt_of),
    B(ge, ge_of),
    V(where),
    V(sum),
    V(mean),
    V(prod),
    V(var),
    V(std),
    V(norm),
    V(max),
    V(min),
    V(argmax),
    V(argmin),
    V(logsumexp),
    V(median),
    V(sort),
    V(topk),
    V(cumsum),
    V(cumprod),
    V(histogram),
    V(all),
    V(any),
    V(equal),
    V(allclose),
    U(isnan, isnan_of),
    U(isfinite, isfinite_of),
    V(softmax),
    V(log_softmax),
    V(layer_norm),
    V(conv),
    V(conv_transpose),
    V(max_pool),
    V(avg_pool),
    V(rnn),
    V(lstm),
    V(gru),
    V(batch_norm),
    V(apply_norm),
    V(rescale),
    V(group_norm),
    V(mask_steps),
    V(pack_steps),
    V(matmul),
    V(dot),
    V(outer),
    V(trace),
    V(triu),
    V(tril),
    SAME(reshape),
    V(t),
    V(permute),
    V(expand),
    V(narrow),
    V(select),
    V(index_select),
    V(take),
    V(pick),
    V(gather),
    V(scatter_add),
    V(masked_select),
    V(masked_fill),
    V(nonzero),
    V(diag),
    SAME(squeeze),
    SAME(unsqueeze),
    SAME(flatten),
    SAME(contiguous),
    SAME(clone),
    V(cat),
    V(rep),
    SAME(to),
    V(dense),
    V(dense_chain),
    V(embedding),
    V(attention_core),
    V(half_squared_distance),
    V(softmax_cross_entropy),
    V(sigmoid_cross_entropy),
    V(poisson_likelihood),
};

static double defined(const definition *d, const place *p)
{
    if (d->unary) return d->unary(flat_at(input(p, 0), p->at));
    if (d->binary) return d->binary(spread_input(p, 0), spread_input(p, 1));
    return d->value(p);
}

static void check_values(const definition *d, const sample *s)
{
    outcome o;
    if (run(s, NB_F64, false, &o) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    for (int64_t i = 0; i < nb_tensor_count(o.out); i++) {
        place p = {.s = s, .out = o.out, .at = i};
        unravel(o.out->dims, o.out->shape, i, p.index);
        double got = flat_at(o.out, i), want = defined(d, &p);
        if (!(fabs(got - want) <= 1e-13 + 1e-12 * fabs(want)))
            fail_msg("%s: element %d is %.17g, not %.17g", s->text, (int)i, got, want);
    }
    free_outcome(&o);
}

/* Catches an op that computes something else than its name says, with a gradient to match. */
static void test_definitions(void **state)
{
    (void)state;
    bool seen[NB_OPS] = {false};
    for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++) {
        const nb_op *op = nb_ops[definitions[i].op];
        const char *at = op->samples;
        sample s;
        while (next_sample(op, &at, &s)) {
            check_values(&definitions[i], &s);
            free_sample(&s);
            seen[definitions[i].op] = true;
        }
    }
    /* What these two give is what they are given: kernels (tests/c/kernel), or a function's a. */
    seen[NB_OP_activate] = seen[NB_OP_slope_chain] = true;
    /* What these give is multiplied together again in ops/test_linear.c. */
    for (int i = NB_OP_solve; i <= NB_OP_eigh; i++) seen[i] = true;
    for (int i = 0; i < NB_OPS; i++)
        if (!seen[i]) fail_msg("%s is not defined here", nb_ops[i]->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_definitions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
