/* z = w a + b and ∂C/∂w = mean of a d s, of every neuron of every layer that says so: in networks
 * of all kinds of layers with their options, and in 200 that chance has drawn. */
#include "../nets.h"
#include "../trees.h"

#include "../../support.h"
#include "nn/inspect/why/factors.h"
#include "nn/inspect/why/why.h"

#include <math.h>
#include <stdio.h>

enum { TREES = 200, EXAMPLES = 3, STEPS = 4 };

/* Of the rounding of sums whose parts may be much larger than what is left of them. */
#define ROUNDING 1e-12

static const char *drawn; /* the network under way */

static void holds(bool condition, const char *what)
{
    if (!condition) fail_msg("%s\n%s: %s", drawn, what, ctx->message);
}

/* ---- Examples -------------------------------------------------------------------------------- */

static nb_tensor *numbers(int dims, const int64_t *shape, double low, uint64_t seed)
{
    nb_tensor *flat =
        uniform(ctx, NB_F64, nb_shape_count(dims - 1, shape), shape[dims - 1], low, 1, seed);
    nb_tensor *t = nb_tensor_reshape(ctx, flat, dims, shape);
    nb_tensor_release(ctx, flat);
    return t;
}

static nb_tensor *inputs(const nb_net *net)
{
    const nb_form *form = nb_net_in(net);
    int64_t shape[NB_MAX_DIMS] = {EXAMPLES};
    for (int i = 0; i < form->dims; i++) shape[i + 1] = form->size[i] < 0 ? STEPS : form->size[i];
    nb_tensor *real = numbers(form->dims + 1, shape, -1, 3);
    if (nb_net_in_dtype(net, NB_F64) != NB_I32) return real;
    for (int64_t i = 0; i < nb_tensor_count(real); i++)
        ((double *)nb_tensor_data(real))[i] = (double)(1 + i * i % TREE_WORDS);
    nb_tensor *words = nb_tensor_convert(ctx, real, NB_I32, 1);
    nb_tensor_release(ctx, real);
    return words;
}

/* Between 0 and 1; one 1 in each row among 0, or -1, where the cost wants that. */
static nb_tensor *targets(nb_net *net, nb_tensor *x)
{
    const nb_cost_type *cost = net->cost.type;
    nb_tensor *out = nb_net_forward(ctx, net, x);
    holds(out != NULL, "an output");
    nb_tensor *y = numbers(out->dims, out->shape, 0, 4);
    nb_tensor_release(ctx, out);
    bool signs = cost == nb_costs[NB_COST_hinge];
    bool classes = signs || cost == nb_costs[NB_COST_cross_entropy] ||
                   cost == nb_costs[NB_COST_nll] || cost == nb_costs[NB_COST_kl];
    int64_t width = y->shape[y->dims - 1], count = nb_tensor_count(y);
    double *values = nb_tensor_data(y);
    for (int64_t i = 0; i < count && classes; i++)
        values[i] = i % width == i / width % width ? 1 : signs ? -1 : 0;
    return y;
}

static nb_tensor *lengths_of(const nb_net *net)
{
    if (nb_net_in(net)->size[0] >= 0) return NULL;
    return tensor_of(NB_I32, SHAPE(EXAMPLES), VALUES(STEPS, 3, 4));
}

/* ---- One family ------------------------------------------------------------------------------ */

typedef struct checking {
    const nb_layer *layer;
    int family;
    nb_neurons of;
    nb_tally all, one; /* of all neurons; and of the last alone, its weights too */
    const nb_trace *trace;
} checking;

static double at2(const nb_tensor *t, int64_t i, int64_t j)
{
    return nb_tensor_get(t, (const int64_t[]){i, j});
}

/* Element `at` of what a neuron has of a parameter's tensor. */
static double of_stretch(nb_tensor *param, const nb_stretch *stretch, int64_t at)
{
    nb_tensor *view = nb_stretch_of(ctx, param, stretch);
    nb_tensor *whole = nb_tensor_contiguous(ctx, view);
    double number = ((const double *)nb_tensor_data(whole))[at];
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, whole);
    return number;
}

static int64_t count_of(nb_tensor *param, const nb_stretch *stretch)
{
    nb_tensor *view = nb_stretch_of(ctx, param, stretch);
    int64_t count = nb_tensor_count(view);
    nb_tensor_release(ctx, view);
    return count;
}

/* w a + b at row r of the terms. gru's inner bias bh comes through r, as the state does. */
static double sum_at(const nb_terms *terms, const nb_layer *layer, const nb_stretch *stretch,
                     int stretches, int64_t r, int64_t k)
{
    double z = 0;
    int64_t first = terms->in[0]->shape[1], j = 0;
    for (int s = 0; s < stretches; s++) {
        nb_tensor *param = nb_layer_param(layer, stretch[s].param)->value;
        if (stretch[s].bias) {
            double by = s == 3 ? at2(terms->by[1], r, k) : 1;
            z += by * of_stretch(param, &stretch[s], 0);
            continue;
        }
        for (int64_t i = 0; i < count_of(param, &stretch[s]); i++, j++) {
            int part = j >= first;
            double by = terms->by[part] ? at2(terms->by[part], r, k) : 1;
            z += by * of_stretch(param, &stretch[s], i) * at2(terms->in[part], r, j - part * first);
        }
    }
    return z;
}

static nb_status take(nb_ctx *c, void *self, const nb_terms *terms)
{
    checking *check = self;
    nb_stretch stretch[NB_STRETCHES];
    const nb_sums_type *sums = check->layer->type->sums;
    for (int64_t k = 0; k < check->of.count && terms->own; k++) {
        int stretches = sums->stretches(check->layer, check->family, k, stretch);
        for (int64_t r = 0; r < terms->d->shape[0]; r += 2) {
            double z = sum_at(terms, check->layer, stretch, stretches, r, k);
            holds(fabs(z - at2(terms->z, r, k)) <= ROUNDING * (1 + fabs(z)), "z is w a + b");
        }
    }
    nb_status status = nb_tally_add(c, &check->one, terms, EXAMPLES);
    return status == NB_OK ? nb_tally_add(c, &check->all, terms, EXAMPLES) : status;
}

/* P A D S K X beside |∂C/∂w|, which backpropagation found. */
static void compare(const double factor[NB_FACTOR_ALL], double places, double dw)
{
    double bound = places, product;
    for (int f = 0; f < NB_FACTOR_AGREEMENT; f++) bound *= factor[f];
    product = bound * factor[NB_FACTOR_AGREEMENT];
    holds(fabs(product - dw) <= ROUNDING * bound, "the factors' product is |dw|");
    holds(fabs(factor[NB_FACTOR_SIZE] - dw) <= ROUNDING * bound, "the size is |dw|");
    holds(factor[NB_FACTOR_AGREEMENT] <= 1 + 1e-12, "examples agree at most whole");
}

/* Takes what the words of an embedding do to its table off the gradient of that, `of`: δ of each
 * step, from the row of its word. */
static void take_words_off(const nb_trace_place *place, nb_tensor *of)
{
    nb_tensor *delta = nb_tensor_contiguous(ctx, place->delta);
    int64_t words = nb_tensor_count(place->in), width = of->shape[1];
    const int32_t *word = nb_tensor_data(place->in);
    double *to = nb_tensor_data(of);
    const double *from = nb_tensor_data(delta);
    for (int64_t i = 0; i < words * width; i++)
        to[(word[i / width] - 1) * width + i % width] -= from[i];
    nb_tensor_release(ctx, delta);
}

/* A tied layer's own part of the gradient of a table of words; else that is all its own. */
static void leave_words_out(const nb_trace *trace, const nb_layer *layer)
{
    const nb_param *w = nb_layer_param(layer, "w");
    nb_tensor *of = NULL;
    for (int p = 0; p < trace->places; p++)
        for (int i = 0; w && trace->place[p].layer == layer && i < trace->place[p].grads; i++)
            if (nb_trace_param(&trace->place[p], i) == w) of = trace->place[p].grad[i];
    for (int p = 0; p < trace->places && of; p++) {
        const nb_layer *other = trace->place[p].layer;
        bool words = other->type == nb_layer_types[NB_LAYER_embedding];
        if (words && nb_layer_param(other, "w") == w) take_words_off(&trace->place[p], of);
    }
}

/* The gradient of a parameter, at the layer's first place. */
static nb_tensor *gradient(const checking *check, const char *name)
{
    for (int p = 0; p < check->trace->places; p++) {
        const nb_trace_place *place = &check->trace->place[p];
        for (int i = 0; place->layer == check->layer && i < place->grads; i++)
            if (!strcmp(nb_trace_param(place, i)->name, name)) return place->grad[i];
    }
    return NULL;
}

static void compare_neuron(const checking *check, int64_t k)
{
    nb_stretch stretch[NB_STRETCHES];
    const nb_counts counts = {EXAMPLES, 1};
    double factor[NB_FACTOR_ALL], squares = 0, places = check->all.terms / EXAMPLES;
    int64_t j = 0, last = check->of.count - 1;
    int stretches = check->layer->type->sums->stretches(check->layer, check->family, k, stretch);
    for (int s = 0; s < stretches; s++) {
        nb_tensor *grad = gradient(check, stretch[s].param);
        if (stretch[s].bias) continue;
        for (int64_t i = 0; i < count_of(grad, &stretch[s]); i++, j++) {
            double dw = of_stretch(grad, &stretch[s], i);
            squares += dw * dw;
            if (k != last) continue;
            nb_factors_of(&check->one, &counts, 0, j, factor);
            compare(factor, places, fabs(dw));
        }
    }
    holds(j == check->of.inputs, "a neuron has as many weights as inputs");
    nb_factors_of(&check->all, &counts, k, -1, factor);
    compare(factor, places, sqrt(squares));
}

static void check_family(const nb_trace *trace, const nb_layer *layer, int family)
{
    checking check = {.layer = layer, .family = family, .trace = trace};
    check.of = layer->type->sums->family(layer, family);
    int64_t last = check.of.count - 1;
    assert_int_equal(nb_tally_begin(ctx, &check.all, check.of, -1, false), NB_OK);
    assert_int_equal(nb_tally_begin(ctx, &check.one, check.of, last, true), NB_OK);
    holds(nb_terms_each(ctx, trace, layer, family, take, &check) == NB_OK, "terms are found");
    holds(check.all.terms >= EXAMPLES, "a neuron works on every example");
    for (int64_t k = 0; k < check.of.count; k++) compare_neuron(&check, k);
    nb_tally_free(ctx, &check.all);
    nb_tally_free(ctx, &check.one);
}

/* ---- One network ----------------------------------------------------------------------------- */

/* Opened, a layer gives the same as its op. */
static void compare_outputs(const nb_trace *opened, const nb_trace *fused)
{
    nb_tensor *a = nb_tensor_contiguous(ctx, opened->out);
    nb_tensor *b = nb_tensor_contiguous(ctx, fused->out);
    const double *x = nb_tensor_data(a), *y = nb_tensor_data(b);
    for (int64_t i = 0; i < nb_tensor_count(a); i++)
        holds(fabs(x[i] - y[i]) <= ROUNDING * (1 + fabs(y[i])), "what is opened gives the same");
    holds(fabs(opened->cost - fused->cost) <= ROUNDING * (1 + fabs(fused->cost)), "the same cost");
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

static int check_net(const char *notation, uint64_t number)
{
    drawn = notation;
    int families = 0;
    nb_net *net = net_of(ctx, notation, NB_F64);
    nb_stream stream = nb_stream_make(number, NB_FOR_TENSOR, 1);
    double *values = nb_tensor_data(net->values);
    for (int64_t i = 0; i < nb_net_count(net); i++) values[i] = nb_random_normal(&stream) / 2;
    nb_tensor *x = inputs(net), *y = targets(net, x), *lengths = lengths_of(net);
    nb_trace fused = {.cost = 0};
    holds(nb_trace_run(ctx, net, x, y, lengths, &fused) == NB_OK, "a trace");
    for (int p = 0; p < net->parts; p++) {
        if (nb_why_check(ctx, net, net->part[p]) != NB_OK) continue;
        nb_trace trace = {.open = net->part[p]};
        holds(nb_trace_run(ctx, net, x, y, lengths, &trace) == NB_OK, "an opened trace");
        compare_outputs(&trace, &fused);
        leave_words_out(&trace, net->part[p]);
        int count = net->part[p]->type->sums->families(net->part[p]);
        for (int i = 0; i < count; i++) check_family(&trace, net->part[p], i);
        families += count;
        nb_trace_free(ctx, &trace);
    }
    nb_trace_free(ctx, &fused);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, lengths);
    nb_net_release(ctx, net);
    return families;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* What the samples of layers have not. */
static const char *const others[] = {
    "2x5 - conv 4 3 stride=2 padding=2 groups=2 tanh - flatten - 2",
    "2x5x4 - conv 4 2x3 dilation=1x2 padding=1x2 groups=2 tanh - flatten - 2 softmax : mse",
    "4x3x3 - conv_transpose 2 3x2 stride=2x1 padding=1 output_padding=1x0 groups=2 - flatten - 2",
    "*x3 - conv_transpose 4 3 stride=2 - 2",
    "*x3 - conv 4 2 stride=2 - 2",
    "1x4x4 - conv 3 3 softmax - flatten - 2",
    "3 - 3 tanh name=h - @h - @h - 2 sigmoid tanh@2 : mse",
    "3 - 3 tanh name=h - 3 relu@2 tied=h - 2",
    "* - embedding 5 4 name=e - 5 tanh tied=e - 2 : mse",
    "* - embedding 5 5 name=e - 5 tanh name=h tied=e - 5 relu tied=h - lstm 2 : mse",
    "3 - 2 linear - net[3 tanh - 2 softmax] : cross_entropy",
    "*x3 - rnn 3 last relu - 2 : huber",
    "*x3 - lstm 2 layers=2 both last - 2",
};

static void test_kinds(void **state)
{
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(check_net(others[i], i) > 0);
    for (int t = 0; t < NB_LAYERS; t++) {
        const char *at = nb_layer_types[t]->samples;
        while (at && *at) {
            size_t length = strcspn(at, ";");
            snprintf(text, sizeof text, "%.*s", (int)length, at);
            check_net(text, (uint64_t)t);
            at += length + (at[length] ? 2 : 0);
        }
    }
}

static void test_trees(void **state)
{
    static char text[TREE_TEXT_MAX];
    int families = 0;
    (void)state;
    for (uint64_t i = 0; i < TREES; i++) {
        draw_tree(text, i);
        families += check_net(text, i);
    }
    assert_true(families > TREES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kinds),
        TEST(trees),
    };
    return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
