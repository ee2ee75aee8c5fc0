/* What layers give, by hand: blocks, functions of the host that break their word, names, copies. */
#include "nets.h"

#include "../support.h"

#include "nn/learns.h"

#include <math.h>

static double at(const nb_tensor *t, int64_t i, int64_t j)
{
    return nb_tensor_get(t, (const int64_t[]){i, j});
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* The sum of three inputs is what "3 linear init=ones" gives three times. */
static void test_residual(void **state)
{
    static const struct {
        const char *notation;
        double f, x; /* how often the sum and the input itself are in the output */
    } cases[] = {
        {"3 - residual[3 linear init=ones]", 1, 1},
        {"3 - residual[3 linear init=ones | 3 linear init=zeros]", 1, 0},
        {"3 - residual[3 linear init=zeros | 3 linear init=ones]", 1, 0},
        {"3 - residual[3 linear init=ones | ]", 1, 1},
        {"3 - residual[ | 3 linear init=ones]", 1, 1},
        {"3 - residual[residual[3 linear init=zeros] | residual[3 linear init=ones]]", 1, 2},
    };
    (void)state;
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 2);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        nb_net *net = net_of(ctx, cases[c].notation, NB_F64);
        nb_tensor *out = nb_net_forward(ctx, net, x);
        for (int64_t i = 0; i < 4; i++) {
            double sum = at(x, i, 0) + at(x, i, 1) + at(x, i, 2);
            for (int64_t j = 0; j < 3; j++) {
                double wanted = cases[c].f * sum + cases[c].x * at(x, i, j);
                if (!(fabs(at(out, i, j) - wanted) < 1e-14)) fail_msg("%s", cases[c].notation);
            }
        }
        nb_tensor_release(ctx, out);
        nb_net_release(ctx, net);
    }
    nb_tensor_release(ctx, x);
}

/* ---- Functions of the host ------------------------------------------------------------------- */

/* `length` of a dimension from its start, every step-th. */
static nb_tensor *narrow(nb_ctx *c, nb_tensor *x, int dim, int64_t length, int64_t step)
{
    nb_call call = {.op = nb_ops[NB_OP_narrow], .in = {x}, .inputs = 1};
    call.attr.narrow = (struct nb_attr_narrow){dim, 0, length, step};
    return nb_op_call(c, &call);
}

/* The first two examples, however many there are. */
static nb_tensor *two(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self;
    (void)count;
    return narrow(c, in[0], 0, 2, 1);
}

/* The first alone. */
static nb_tensor *one(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self;
    (void)count;
    return narrow(c, in[0], 0, 1, 1);
}

/* Every second step, and two more: of 5 steps 5, of others other numbers. */
static nb_tensor *halves(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self;
    (void)count;
    nb_tensor *part[2] = {narrow(c, in[0], 1, (in[0]->shape[1] + 1) / 2, 2),
                          narrow(c, in[0], 1, 2, 1)};
    nb_tensor *out = part[0] && part[1] ? nb_op_cat(c, part, 2, 1) : NULL;
    for (int i = 0; i < 2; i++) nb_tensor_release(c, part[i]);
    return out;
}

typedef nb_tensor *host_call(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in,
                             int count);

/* A network of 3 inputs, or of steps of 3, with one layer of the host. */
static nb_net *host_net(nb_host_function *function, host_call *call, bool steps)
{
    nb_net *net = empty_net(ctx, 3);
    nb_layer *layer = nb_layer_new(ctx, nb_layer_types[NB_LAYER_fn]);
    assert_non_null(layer);
    if (steps) {
        net->in_dims = 2;
        net->in_size[0] = -1;
        net->in_size[1] = 3;
    }
    *function = (nb_host_function){.call = call};
    layer->host = function;
    add_layer(ctx, net, layer);
    nb_layer_release(ctx, layer);
    return net;
}

/* As many examples come out as went in: looked at when the network is made, and at every pass. */
static void test_host_drops_examples(void **state)
{
    (void)state;
    nb_host_function function;
    nb_net *net = host_net(&function, one, false);
    assert_int_equal(nb_net_build(ctx, net, NB_F64, 1), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "layer 1 gave 1x3 for 2 examples");
    nb_net_release(ctx, net);
    net = host_net(&function, two, false);
    assert_int_equal(nb_net_build(ctx, net, NB_F64, 1), NB_OK);
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 2);
    assert_null(nb_net_forward(ctx, net, x));
    assert_failed(NB_ESHAPE, "layer 1 gave 2x3 where 4x3 was expected");
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
}

/* A free size that only one of the sizes that were tried has left as it was is another. */
static void test_host_changes_steps(void **state)
{
    (void)state;
    nb_host_function function;
    nb_net *net = host_net(&function, halves, true);
    if (nb_net_build(ctx, net, NB_F64, 1) != NB_OK) fail_msg("%s", ctx->message);
    assert_int_equal(nb_net_in(net)->size[0], -1);
    assert_int_equal(nb_net_out(net)->size[0], -2);
    assert_int_equal(nb_net_out(net)->size[1], 3);
    nb_net_release(ctx, net);
}

/* ---- Names and copies ------------------------------------------------------------------------ */

/* The layers of a network are its own, so its brackets hide the names outside. */
static void test_names_in_networks(void **state)
{
    (void)state;
    assert_null(nb_notation_parse(ctx, "3 - 3 name=h - net[3 - @h]", NULL));
    assert_failed(NB_EARG, "as far as its network goes; 'h' is none of them");
    nb_net *net = net_of(ctx, "3 - 3 name=h - residual[3 - @h]", NB_F32);
    nb_layer *h = layer_at(ctx, net, "h");
    assert_ptr_equal(layer_at(ctx, net, "2.2"), h);
    /* It has that name already, which nobody else has. */
    assert_int_equal(nb_net_rename(ctx, h, "h"), NB_OK);
    assert_int_equal(nb_net_rename(ctx, layer_at(ctx, net, "2"), "h"), NB_EARG);
    assert_failed(NB_EARG, "layer 1 (h) has the name h already");
    nb_net_release(ctx, net);
}

/* A copy learns as fast, and is as frozen. */
static void test_copies_learn_alike(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "3 - 3 - residual[3 - 3] - 2", NB_F32);
    nb_layer_scale(layer_at(ctx, net, "2"), 0.25);
    nb_layer_freeze(layer_at(ctx, net, "1"), true);
    nb_net *copy = nb_net_clone(ctx, net, NB_F32);
    assert_true(layer_at(ctx, copy, "1")->head.frozen);
    assert_true(layer_at(ctx, copy, "1")->factor == 1);
    assert_true(layer_at(ctx, copy, "2")->factor == 0.25);
    assert_true(layer_at(ctx, copy, "2.2")->factor == 0.25);
    assert_true(layer_at(ctx, copy, "3")->factor == 1);
    nb_net_release(ctx, net);
    nb_net_release(ctx, copy);
}

/* ---- Counts and ranges ----------------------------------------------------------------------- */

/* A free size is at least 1, and those of one identity are equal. */
static void test_free_sizes(void **state)
{
    (void)state;
    nb_form form = nb_form_input(2, (const int64_t[]){-1, 3});
    assert_true(nb_form_takes(&form, (const int64_t[]){1, 3}));
    assert_false(nb_form_takes(&form, (const int64_t[]){0, 3}));
    assert_false(nb_form_takes(&form, (const int64_t[]){1, 4}));
    form = nb_form_input(3, (const int64_t[]){-1, -1, 3});
    assert_true(nb_form_takes(&form, (const int64_t[]){4, 5, 3}));
    form.size[1] = form.size[0];
    assert_true(nb_form_takes(&form, (const int64_t[]){4, 4, 3}));
    assert_false(nb_form_takes(&form, (const int64_t[]){4, 5, 3}));
}

/* Parameters count where they stand first: h is not the block's, also where it stands in it. */
static void test_shared_counts(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "3 - 3 name=h - residual[@h - 4 - 3] - @h - 2", NB_F32);
    assert_int_equal(nb_layer_count(layer_at(ctx, net, "1")), 12);
    assert_int_equal(nb_layer_count(layer_at(ctx, net, "2")), 3 * 4 + 4 + 4 * 3 + 3);
    assert_int_equal(nb_layer_count(layer_at(ctx, net, "4")), 8);
    assert_int_equal(nb_layer_count(&net->layer), 12 + 31 + 8);
    assert_int_equal(nb_net_count(net), 12 + 31 + 8);
    nb_net_release(ctx, net);
}

/* Activations go to neurons that are there, all of a stretch. */
static void test_stretches(void **state)
{
    static const struct {
        int64_t start, count;
        const char *says; /* NULL: it fits */
    } cases[] = {{3, 2, NULL},    {0, 5, NULL},     {4, 2, "not 6"}, {0, 6, "not 6"},
                 {5, 1, "not 6"}, {-1, 2, "not 0"}, {2, 0, "not 3"}};
    (void)state;
    nb_net *net = net_of(ctx, "3 - 5", NB_F32);
    nb_layer *layer = layer_at(ctx, net, "1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_status status = nb_layer_set_activation(ctx, layer, cases[i].start, cases[i].count,
                                                   activation_called("relu"));
        assert_int_equal(status, cases[i].says ? NB_EARG : NB_OK);
        if (cases[i].says) assert_failed(NB_EARG, cases[i].says);
        assert_int_equal(nb_runs_neurons(layer->plan->runs), 5);
    }
    nb_net_release(ctx, net);
}

/* ---- Options that mean something ------------------------------------------------------------- */

static bool any_changes(const nb_param *before, const nb_param *after, int count)
{
    bool changes = false;
    for (int i = 0; i < count; i++)
        changes = changes || !same_bits(ctx, before[i].value, after[i].value);
    return changes;
}

/* Whether a layer of the type begins otherwise in this network where it is told how. */
static bool init_changes(const nb_layer_type *type, const char *sample)
{
    bool changes = false;
    nb_net *plain = nb_notation_parse(ctx, sample, NULL),
           *told = nb_notation_parse(ctx, sample, NULL);
    assert_int_equal(nb_net_build(ctx, plain, NB_F64, 1), NB_OK);
    for (int i = 0; i < told->layer.children; i++)
        if (told->layer.child[i]->type == type) {
            told->layer.child[i]->head.init = nb_init_of(nb_inits[NB_INIT_constant]);
            told->layer.child[i]->head.init.number[0] = 0.375;
        }
    assert_int_equal(nb_net_build(ctx, told, NB_F64, 1), NB_OK);
    for (int i = 0; i < told->layer.children; i++) {
        const nb_layer *layer = told->layer.child[i], *other = plain->layer.child[i];
        if (layer->type == type && layer->plan->tied == NULL)
            changes |= any_changes(other->plan->param, layer->plan->param, layer->plan->params);
    }
    nb_net_release(ctx, plain);
    nb_net_release(ctx, told);
    return changes;
}

/* init stands in the options of exactly the types that draw a weight; all have name and frozen. */
static void test_init_where_it_means_something(void **state)
{
    (void)state;
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *type = nb_layer_types[i];
        bool changes = false;
        assert_non_null(nb_option_find(type->options, "name"));
        assert_non_null(nb_option_find(type->options, "frozen"));
        if (type->table_only) continue; /* fn: its parameters are the user's */
        char all[2000];
        assert_true(strlen(type->samples) < sizeof all);
        strcpy(all, type->samples);
        for (char *at = all, *end; at; at = end ? end + 2 : NULL) {
            end = strstr(at, "; ");
            if (end) *end = '\0';
            changes |= init_changes(type, at);
        }
        if (changes != (nb_option_find(type->options, "init") != NULL))
            fail_msg("%s: init %s", type->name,
                     changes ? "is no option, but begins its weights" : "changes nothing");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(residual),          TEST(host_drops_examples), TEST(host_changes_steps),
        TEST(names_in_networks), TEST(copies_learn_alike),  TEST(free_sizes),
        TEST(shared_counts),     TEST(stretches),           TEST(init_where_it_means_something),
    };
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
