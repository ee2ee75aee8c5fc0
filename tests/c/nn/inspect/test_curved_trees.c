/* Curvature of networks that chance has drawn: beside gradients along a direction, and what holds
 * of every spectrum. */
#include "curves.h"

#include "../trees.h"

#include <stdio.h>

enum { TREES = 200, EXAMPLES = 3, PARAMETERS = 150 };

static const char *drawn;

static void holds(bool condition, const char *what)
{
    if (!condition) fail_msg("%s\n%s: %s", drawn, what, ctx->message);
}

typedef struct tree {
    nb_net *net;
    nb_tensor *x, *y;
    nb_curvature c;
    double *v; /* a direction of length 1 */
} tree;

/* The values moved by t along v. */
static void move(const tree *t, double by)
{
    double *values = nb_tensor_data(t->net->values);
    for (int64_t j = 0; j < t->c.count; j++) values[t->c.place[j]] += by * t->v[j];
}

/* vᵀ M v */
static double form(const tree *t, const nb_tensor *m)
{
    double sum = 0;
    for (int64_t i = 0; i < t->c.count; i++)
        for (int64_t j = 0; j < t->c.count; j++) sum += t->v[i] * at(m, i, j) * t->v[j];
    return sum;
}

/* The derivative of C along v where the values are t further. */
static double slope_at(const tree *t, double by)
{
    double cost, sum = 0;
    move(t, by);
    holds(nb_net_backprop(ctx, t->net, t->x, t->y, &cost) == NB_OK, "it has a gradient");
    move(t, -by);
    const double *g = nb_tensor_data(t->net->grads);
    for (int64_t j = 0; j < t->c.count; j++) sum += t->v[j] * g[t->c.place[j]];
    return sum;
}

/* vᵀ H v by four gradients (of order h⁴). */
static double hessian_along(const tree *t, double h)
{
    double near = 8 * (slope_at(t, h) - slope_at(t, -h));
    return (near - slope_at(t, 2 * h) + slope_at(t, -2 * h)) / (12 * h);
}

/* Against the matrix; a kink may lie between the wider ones. */
static void check_hessian(const tree *t)
{
    double wanted = 0, found = form(t, t->c.matrix);
    bool fits = false;
    for (double h = 1e-3; h > 1e-5 && !fits; h /= 10) {
        wanted = hessian_along(t, h);
        fits = fabs(wanted - found) <= 1e-6 * (1 + fabs(wanted)) + t->c.hessian.error;
    }
    if (!fits) fail_msg("%s\nvᵀHv is %.12g, by gradients %.12g", drawn, found, wanted);
}

/* What the cost goes on from: z where it is fused, else a. */
static nb_tensor *outputs_at(const tree *t, double by, bool fused)
{
    nb_result pass;
    move(t, by);
    holds(nb_net_run(ctx, t->net, t->x, fused ? t->y : NULL, NULL, NULL, &pass) == NB_OK,
          "it runs");
    move(t, -by);
    nb_tensor *out = nb_tensor_contiguous(ctx, pass.output);
    nb_result_free(ctx, &pass);
    return out;
}

/* C of outputs out + t d, by the unfused cost. */
static double cost_along(const tree *t, nb_tensor *out, const double *d, double by, bool fused)
{
    const nb_layer *end = nb_layer_end(&t->net->layer);
    nb_tensor *moved = nb_tensor_clone(ctx, out);
    double *to = nb_tensor_data(moved);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) to[i] += by * d[i];
    nb_tensor *a = fused ? nb_runs_apply_in(ctx, end->plan->runs, end->plan->where, moved)
                         : nb_tensor_retain(moved);
    nb_tensor *cost = nb_net_cost_from(ctx, t->net, a, &(nb_answers){t->y, NULL}, NULL);
    holds(cost != NULL, "it has a cost");
    double value = nb_tensor_item(cost);
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, moved);
    return value;
}

/* The second derivative of C where the outputs go straight on, by d. */
static double bend_along(const tree *t, nb_tensor *out, const double *d, double by, bool fused)
{
    double base = cost_along(t, out, d, 0, fused);
    double near = cost_along(t, out, d, by, fused) + cost_along(t, out, d, -by, fused);
    double far = cost_along(t, out, d, 2 * by, fused) + cost_along(t, out, d, -2 * by, fused);
    return (16 * near - far - 30 * base) / (12 * by * by);
}

/* vᵀ Jᵀ H_L J v, d being J v; a kink of the cost may lie between the wider steps. */
static void check_gauss(const tree *t)
{
    const double h = 1e-3;
    bool fused = nb_net_fused(t->net) != NB_OPS;
    nb_tensor *out = outputs_at(t, 0, fused);
    nb_tensor *p = outputs_at(t, h, fused), *m = outputs_at(t, -h, fused);
    nb_tensor *pp = outputs_at(t, 2 * h, fused), *mm = outputs_at(t, -2 * h, fused);
    double *d = nb_tensor_data(p), size = 0;
    for (int64_t i = 0; i < nb_tensor_count(out); i++) {
        d[i] = (8 * (d[i] - value_at(m, i)) - value_at(pp, i) + value_at(mm, i)) / (12 * h);
        size = fmax(size, fabs(d[i]));
    }
    double base = cost_along(t, out, d, 0, fused), wanted = 0;
    double found = form(t, t->c.gauss_matrix);
    bool fits = false;
    for (double s = 1e-3; s > 1e-5 && !fits; s /= 10) {
        wanted = bend_along(t, out, d, s / fmax(1, size), fused);
        fits = fabs(wanted - found) <=
               1e-5 * (1 + fabs(base)) * fmax(1, size * size) + 1e-5 * fabs(wanted);
    }
    if (!fits) fail_msg("%s\nvᵀGv is %.12g, along the outputs %.12g", drawn, found, wanted);
    nb_tensor *const all[] = {out, p, m, pp, mm};
    for (int i = 0; i < 5; i++) nb_tensor_release(ctx, all[i]);
}

/* Costs that are convex in what they are taken from. */
static bool is_convex(const nb_net *net)
{
    return net->cost.type->squares || nb_net_fused(net) != NB_OPS;
}

static void check_spectra(const tree *t)
{
    const nb_curvature *c = &t->c;
    double trace = 0, sum = 0, sum_of_layers = 0;
    for (int64_t i = 0; i < c->count; i++) {
        trace += at(c->matrix, i, i);
        sum += value_at(c->hessian.values, i);
    }
    for (int l = 0; l < c->layers; l++)
        for (int64_t i = 0; i < c->layer[l].count; i++)
            sum_of_layers += value_at(c->layer[l].hessian.values, i);
    double size =
        1 + fabs(value_at(c->hessian.values, 0)) + fabs(value_at(c->hessian.values, c->count - 1));
    holds(fabs(trace - sum) <= 1e-10 * size * (double)c->count, "the eigenvalues sum to the trace");
    holds(fabs(trace - sum_of_layers) <= 1e-10 * size * (double)c->count, "those of layers too");
    holds(c->hessian.error <= 1e-4 * size, "the Hessian is as good as symmetric");
    holds(!*c->missing, c->missing);
    if (is_convex(t->net))
        holds(value_at(c->gauss.values, c->count - 1) >=
                  -1e-12 * (1 + value_at(c->gauss.values, 0)),
              "Gauss-Newton is positive semidefinite");
}

static int looked_at;

static void check_tree(uint64_t number)
{
    static char text[TREE_TEXT_MAX];
    tree t = {.net = NULL};
    nb_stream stream = nb_stream_make(number, NB_FOR_TENSOR, 1);
    draw_tree(text, number);
    drawn = text;
    t.net = net_of(ctx, text, NB_F64);
    double *values = nb_tensor_data(t.net->values);
    for (int64_t i = 0; i < nb_net_count(t.net); i++) values[i] = nb_random_normal(&stream) / 2;
    if (nb_net_count(t.net) <= PARAMETERS && nb_net_count(t.net) > 0) {
        t.x = tree_inputs(ctx, t.net, EXAMPLES, 11);
        t.y = tree_targets(ctx, t.net, EXAMPLES);
        nb_set *set = nb_set_new(ctx, t.x, 1, t.y, NULL, 0, NULL);
        const nb_curvature_options options = {.matrices = true};
        nb_status status = nb_curvature_find(ctx, t.net, set, NULL, &options, &t.c);
        if (status != NB_OK && strstr(ctx->message, "no parameter learns")) status = NB_OK;
        holds(status == NB_OK, "its curvature is found");
        if (t.c.count && t.c.error.kinks == 0) {
            size_t bytes = (size_t)t.c.count * sizeof *t.v;
            double sum = 0;
            t.v = nb_alloc(ctx, bytes);
            for (int64_t j = 0; j < t.c.count; j++) t.v[j] = nb_random_normal(&stream);
            for (int64_t j = 0; j < t.c.count; j++) sum += t.v[j] * t.v[j];
            for (int64_t j = 0; j < t.c.count; j++) t.v[j] /= sqrt(sum);
            check_spectra(&t);
            check_hessian(&t);
            check_gauss(&t);
            nb_free(ctx, t.v, bytes);
            looked_at++;
        }
        nb_curvature_free(ctx, &t.c);
        nb_set_release(ctx, set);
        nb_tensor_release(ctx, t.x);
        nb_tensor_release(ctx, t.y);
    }
    nb_net_release(ctx, t.net);
    holds(ctx->memory.live == 0, "all memory is given back");
}

static void test_trees(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < TREES; i++) check_tree(i);
    assert_true(looked_at > TREES / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(trees),
    };
    return cmocka_run_group_tests_name("curvature of trees", tests, NULL, NULL);
}
