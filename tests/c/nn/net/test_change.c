/* Networks from networks: layers appended, replaced and cut, copies, other dtypes, resets. */
#include "../nets.h"

#include "../../support.h"
#include "nn/notation/write.h"

#include <math.h>

/* The item's layer, a reference of the caller's. */
static nb_layer *item_of(const char *item)
{
    nb_layer *layer = nb_notation_parse_layer(ctx, item, NULL);
    if (!layer) fail_msg("%s", ctx->message);
    return layer;
}

static void assert_notation(nb_net *net, const char *notation)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_notation_write(&text, net);
    assert_string_equal(nb_text_get(&text), notation);
    nb_text_free(&text);
}

/* A tensor of this one's shape as the initialiser of that name and the stream of a layer's number
 * begin it. */
static nb_tensor *drawn(const char *init, const nb_tensor *like, uint64_t seed, uint64_t number)
{
    nb_tensor *w = nb_tensor_zeros(ctx, like->dtype, like->dims, like->shape);
    nb_stream stream = nb_stream_make(seed, NB_FOR_INIT, number);
    assert_int_equal(nb_init_fill(ctx, nb_init_of(nb_init_find(init)), w, like->shape[1],
                                  like->shape[0], &stream),
                     NB_OK);
    return w;
}

static void assert_drawn(nb_net *net, const char *path, const char *init, uint64_t seed,
                         uint64_t number)
{
    nb_param *param = layer_at(ctx, net, path)->plan->param;
    nb_tensor *w = drawn(init, param[0].value, seed, number);
    if (!same_bits(ctx, w, param[0].value)) fail_msg("layer %s is not drawn from its stream", path);
    for (int64_t i = 0; i < param[1].count; i++)
        assert_true(nb_tensor_get(param[1].value, &i) == 0);
    nb_tensor_release(ctx, w);
}

/* ---- How a network begins -------------------------------------------------------------------- */

/* Today's bits are those of 0.1.0: layer l, counted from 0 depth first, has stream l of the seed.
 */
static void test_begin(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "6 - 5 relu - 4 - 3 tanh init=orthogonal", NB_F64);
    assert_drawn(net, "1", "he", 1, 0);
    assert_drawn(net, "2", nb_activation_find("sigmoid")->init, 1, 1);
    assert_drawn(net, "3", "orthogonal", 1, 2);
    nb_net_release(ctx, net);
    net = net_of(ctx, "6 - 5 relu - residual[4 relu - 5 relu] - net[3 relu] - 2 relu", NB_F64);
    static const char *const path[] = {"1", "2.1", "2.2", "3.1", "4"};
    static const uint64_t number[] = {0, 2, 3, 5, 6}; /* blocks count too */
    for (int i = 0; i < 5; i++) assert_drawn(net, path[i], "he", 1, number[i]);
    nb_net_release(ctx, net);
}

static void test_reset(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "6 - 5 relu - residual[4 - 5] name=r - 2", NB_F32);
    nb_tensor *first = nb_tensor_clone(ctx, net->values);
    assert_int_equal(nb_net_reset(ctx, net, 2), NB_OK);
    assert_false(same_bits(ctx, first, net->values));
    assert_drawn(net, "1", "he", 2, 0);
    assert_int_equal(net->seed, 2);
    assert_int_equal(nb_tensor_fill(ctx, net->values, 3), NB_OK);
    assert_int_equal(nb_net_reset(ctx, net, 1), NB_OK);
    assert_true(same_bits(ctx, first, net->values));
    nb_tensor_release(ctx, first);
    nb_net_release(ctx, net);
}

/* A nested network begins anew as if it stood alone, and nothing beside it changes. */
static void test_reset_of_nested(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "6 - 5 relu - net[4 relu - 3 relu] - 2", NB_F64);
    nb_net *inner = nb_net_of(layer_at(ctx, net, "2"));
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    int64_t start = inner->values->offset, end = start + nb_net_count(inner);
    assert_int_equal(nb_net_reset(ctx, inner, 9), NB_OK);
    assert_drawn(net, "2.1", "he", 9, 0);
    assert_drawn(net, "2.2", "he", 9, 1);
    for (int64_t i = 0; i < nb_net_count(net); i++) {
        bool same = nb_tensor_get(before, &i) == nb_tensor_get(net->values, &i);
        if (i < start || i >= end) assert_true(same);
    }
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, net);
}

/* ---- Appending, replacing, cutting ----------------------------------------------------------- */

static void test_append(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 5 tanh - 3 : mse", NB_F64);
    nb_layer *more[2] = {item_of("6 relu"), item_of("residual[6 relu]")};
    assert_int_equal(nb_tensor_fill(ctx, net->values, 0.25), NB_OK);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    assert_int_equal(nb_net_append(ctx, net, more, 2, 8), NB_OK);
    assert_notation(net, "4 - 5 tanh - 3 sigmoid - 6 relu - residual[6 relu] : mse");
    for (int64_t i = 0; i < nb_tensor_count(before); i++)
        assert_true(nb_tensor_get(net->values, &i) == 0.25);
    assert_drawn(net, "3", "he", 8, 2);
    assert_drawn(net, "4.1", "he", 8, 4);
    assert_int_equal(net->seed, 1);
    assert_ptr_equal(more[1]->owner, net);
    assert_int_equal(nb_net_out(net)->size[0], 6);
    for (int i = 0; i < 2; i++) nb_layer_release(ctx, more[i]);
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, net);
}

/* What fits keeps its values: of the layer behind, whose inputs are others now, the biases. */
static void test_replace(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 5 tanh - 3 relu - 2", NB_F64);
    nb_layer *layer = item_of("7 relu"), *old = nb_layer_retain(net->layer.child[0]);
    assert_int_equal(nb_tensor_fill(ctx, net->values, 0.25), NB_OK);
    assert_int_equal(nb_net_replace(ctx, net, 0, layer, 8), NB_OK);
    assert_ptr_equal(net->layer.child[0], layer);
    assert_int_equal(nb_net_count(net), 4 * 7 + 7 + 7 * 3 + 3 + 3 * 2 + 2);
    assert_drawn(net, "1", "he", 8, 0);
    nb_tensor *w = drawn("he", value_of(net, 1, 0), 8, 1);
    assert_true(same_bits(ctx, w, value_of(net, 1, 0)));
    nb_tensor_release(ctx, w);
    for (int64_t i = 0; i < 3; i++) assert_true(nb_tensor_get(value_of(net, 1, 1), &i) == 0.25);
    for (int64_t i = 0; i < 2; i++) assert_true(nb_tensor_get(value_of(net, 2, 1), &i) == 0.25);
    /* The one that was taken out is free, and comes back with its values. */
    assert_null(old->owner);
    assert_int_equal(nb_net_replace(ctx, net, 0, old, 8), NB_OK);
    assert_null(layer->owner);
    for (int64_t i = 0; i < 5; i++) assert_true(nb_tensor_get(value_of(net, 0, 1), &i) == 0.25);
    assert_true(nb_tensor_get(value_of(net, 0, 0), (const int64_t[]){4, 3}) == 0.25);
    nb_layer_release(ctx, old);
    nb_layer_release(ctx, layer);
    nb_net_release(ctx, net);
}

static void test_cut(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 5 tanh - residual[5] - 3 relu - 2", NB_F64);
    nb_tensor *first = nb_tensor_clone(ctx, value_of(net, 0, 0));
    nb_tensor *third = nb_tensor_clone(ctx, value_of(net, 2, 0));
    assert_int_equal(nb_net_cut(ctx, net, 1, 1, 8), NB_OK);
    assert_notation(net, "4 - 5 tanh - 3 relu - 2 sigmoid : quadratic");
    assert_true(same_bits(ctx, first, value_of(net, 0, 0)));
    assert_true(same_bits(ctx, third, value_of(net, 1, 0)));
    assert_string_equal(net->layer.child[1]->plan->path, "2");
    assert_int_equal(nb_net_cut(ctx, net, 1, 2, 8), NB_OK);
    assert_notation(net, "4 - 5 tanh : quadratic");
    assert_int_equal(nb_net_count(net), 25);
    assert_int_equal(nb_net_cut(ctx, net, 0, 0, 8), NB_EARG);
    assert_failed(NB_EARG, "a network needs at least one layer");
    assert_notation(net, "4 - 5 tanh : quadratic");
    nb_tensor_release(ctx, first);
    nb_tensor_release(ctx, third);
    nb_net_release(ctx, net);
}

/* A nested network that is cut out stands alone, with all that stands in it. */
static void test_cut_out_network(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 4 - net[net[3] - 4] - 2", NB_F64);
    nb_net *inner = nb_net_retain(nb_net_of(layer_at(ctx, net, "2")));
    nb_net *innermost = nb_net_of(layer_at(ctx, net, "2.1"));
    nb_tensor *before = nb_tensor_clone(ctx, inner->values);
    assert_int_equal(nb_net_cut(ctx, net, 1, 1, 8), NB_OK);
    assert_null(inner->outer);
    assert_ptr_equal(innermost->outer, inner);
    nb_net_release(ctx, net);
    assert_true(same_bits(ctx, before, inner->values));
    assert_ptr_equal(innermost->outer, inner);
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, inner);
}

/* All that a change could touch. */
typedef struct snapshot {
    nb_tensor *values;
    nb_layer *child[4];
    nb_plan *plan[4];
    int children, parts;
} snapshot;

static snapshot take(nb_net *net)
{
    snapshot s = {.values = nb_tensor_clone(ctx, net->values),
                  .children = net->layer.children,
                  .parts = net->parts};
    for (int i = 0; i < s.children; i++) {
        s.child[i] = net->layer.child[i];
        s.plan[i] = s.child[i]->plan;
    }
    return s;
}

static void assert_unchanged(const snapshot *s, const nb_net *net)
{
    assert_int_equal(net->layer.children, s->children);
    assert_int_equal(net->parts, s->parts);
    assert_true(same_bits(ctx, s->values, net->values));
    for (int i = 0; i < s->children; i++) {
        assert_ptr_equal(net->layer.child[i], s->child[i]);
        assert_ptr_equal(s->child[i]->plan, s->plan[i]);
        assert_ptr_equal(s->child[i]->owner, net);
    }
    assert_int_equal(net->seed, 1);
}

/* Each refusal leaves the network, and what was offered, as they were. */
static void test_failed_changes(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 5 tanh - 3 name=a - 2", NB_F64), *other;
    nb_layer *misfit = item_of("residual[9]"), *twin = item_of("2 name=a");
    other = net_of(ctx, "2 - 2", NB_F64);
    snapshot s = take(net);
    size_t live = ctx->memory.live;
    assert_int_equal(nb_net_append(ctx, net, &misfit, 1, 8), NB_ESHAPE);
    assert_unchanged(&s, net);
    assert_int_equal(nb_net_replace(ctx, net, 1, misfit, 8), NB_ESHAPE);
    assert_unchanged(&s, net);
    assert_int_equal(nb_net_append(ctx, net, &twin, 1, 8), NB_EARG);
    assert_failed(NB_EARG, "layers 2 and 4 have the same name, a");
    assert_unchanged(&s, net);
    assert_int_equal(nb_net_append(ctx, net, other->layer.child, 1, 8), NB_EARG);
    assert_failed(NB_EARG, "layer 4 is part of another network already");
    assert_unchanged(&s, net);
    assert_int_equal(nb_net_cut(ctx, net, 0, 2, 8), NB_EARG);
    assert_unchanged(&s, net);
    assert_int_equal(ctx->memory.live, live);
    assert_true(misfit->refs == 1 && !misfit->owner && !misfit->plan);
    nb_tensor_release(ctx, s.values);
    nb_layer_release(ctx, misfit);
    nb_layer_release(ctx, twin);
    nb_net_release(ctx, other);
    nb_net_release(ctx, net);
}

/* Neither a nested network changes, nor one whose values a live record will read. */
static void test_changes_refused(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - net[3 - 3] - 2", NB_F32), *inner;
    nb_layer *layer = item_of("2");
    const nb_mode mode = {.taped = true};
    nb_result pass;
    inner = nb_net_of(layer_at(ctx, net, "1"));
    assert_int_equal(nb_net_append(ctx, inner, &layer, 1, 8), NB_EARG);
    assert_failed(NB_EARG, "this network is layer 1 of another; change that one, or a clone");
    assert_int_equal(nb_net_cut(ctx, inner, 0, 0, 8), NB_EARG);
    assert_int_equal(nb_net_convert(ctx, inner, NB_F64), NB_EARG);
    nb_tensor *x = uniform(ctx, NB_F32, 2, 4, 0, 1, 1);
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    assert_int_equal(nb_net_run(ctx, net, x, NULL, &mode, NULL, &pass), NB_OK);
    assert_int_equal(nb_net_replace(ctx, net, 1, layer, 8), NB_EARG);
    assert_failed(NB_EARG, "a gradient still needs the network's values");
    assert_int_equal(nb_net_convert(ctx, net, NB_F64), NB_EARG);
    nb_result_free(ctx, &pass);
    assert_int_equal(nb_net_replace(ctx, net, 1, layer, 8), NB_OK);
    nb_tensor_release(ctx, x);
    nb_layer_release(ctx, layer);
    nb_net_release(ctx, net);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Neurons that differ, options, a nested network, a layer shared into a block, a frozen one. */
static const char whole[] = "5 - 5 tanh relu@2 leaky_relu(slope=0.2)@4..5 name=h - net[6 - 5] - "
                            "residual[5 frozen - @h | 5] - 3 softmax : cross_entropy";

static void assert_same_forward(nb_net *a, nb_net *b, double allowed)
{
    nb_tensor *x = uniform(ctx, NB_F64, 7, nb_net_in(a)->size[0], -1, 1, 6);
    nb_tensor *xa = nb_tensor_convert(ctx, x, a->dtype, 1);
    nb_tensor *xb = nb_tensor_convert(ctx, x, b->dtype, 1);
    nb_tensor *one = nb_net_forward(ctx, a, xa), *two = nb_net_forward(ctx, b, xb);
    if (allowed == 0) assert_true(same_bits(ctx, one, two));
    for (int64_t i = 0; i < nb_tensor_count(one); i++) {
        const int64_t at[2] = {i / one->shape[1], i % one->shape[1]};
        assert_true(fabs(nb_tensor_get(one, at) - nb_tensor_get(two, at)) <= allowed);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, xa);
    nb_tensor_release(ctx, xb);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, two);
}

/* Activations that were set after building, options, sharing and nesting are all in the copy, and
 * nothing is in both. */
static void test_clone(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, whole, NB_F32);
    assert_int_equal(
        nb_layer_set_activation(ctx, layer_at(ctx, net, "2.1"), 3, 2, activation_called("gelu")),
        NB_OK);
    nb_net *copy = nb_net_clone(ctx, net, NB_F32);
    assert_true(same_bits(ctx, net->values, copy->values));
    assert_same_forward(net, copy, 0);
    assert_ptr_equal(layer_at(ctx, copy, "h"), layer_at(ctx, copy, "3.2"));
    assert_ptr_not_equal(layer_at(ctx, copy, "h"), layer_at(ctx, net, "h"));
    assert_true(nb_runs_same(layer_at(ctx, copy, "2.1")->plan->runs,
                             layer_at(ctx, net, "2.1")->plan->runs));
    assert_true(layer_at(ctx, copy, "3.1")->head.frozen);
    assert_ptr_equal(nb_net_of(layer_at(ctx, copy, "2"))->outer, copy);
    assert_ptr_equal(copy->cost.type, net->cost.type);
    assert_int_equal(copy->seed, net->seed);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    assert_int_equal(nb_tensor_fill(ctx, copy->values, 0), NB_OK);
    assert_int_equal(
        nb_layer_set_activation(ctx, layer_at(ctx, copy, "h"), 0, 5, activation_called("sin")),
        NB_OK);
    assert_true(same_bits(ctx, before, net->values));
    assert_int_equal(layer_at(ctx, net, "h")->plan->runs->count, 4);
    nb_net_release(ctx, net);
    assert_int_equal(nb_net_reset(ctx, copy, 1), NB_OK);
    assert_true(same_bits(ctx, before, copy->values));
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, copy);
}

/* Of a nested network the copy stands alone, with the input that came to it at its place. */
static void test_clone_of_nested(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 5 tanh - net[6 gelu - net[3] - 2] - 1", NB_F64);
    nb_net *inner = nb_net_of(layer_at(ctx, net, "2")), *copy = nb_net_clone(ctx, inner, NB_F64);
    assert_null(copy->outer);
    assert_null(copy->layer.owner);
    assert_int_equal(copy->in_dims, 1);
    assert_int_equal(copy->in_size[0], 5);
    assert_true(same_bits(ctx, copy->values, inner->values));
    assert_ptr_not_equal(copy->values->storage, net->values->storage);
    assert_same_forward(inner, copy, 0);
    nb_net_release(ctx, net);
    assert_notation(copy, "5 - 6 gelu - net[3 sigmoid] - 2 sigmoid : quadratic");
    nb_net_release(ctx, copy);
}

/* A copy of a layer begins with the values that the layer has, and a reset draws it anew. */
static void test_copy_of_a_layer(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - residual[4 relu name=a - @a]", NB_F64), *other;
    assert_int_equal(nb_tensor_fill(ctx, net->values, 0.5), NB_OK);
    nb_layer *with = nb_layer_copy(ctx, net->layer.child[0], true);
    nb_layer *without = nb_layer_copy(ctx, net->layer.child[0], false);
    assert_ptr_equal(with->child[0], with->child[1]);
    assert_null(with->plan);
    nb_net_release(ctx, net);
    other = empty_net(ctx, 4);
    add_layer(ctx, other, with);
    add_layer(ctx, other, without);
    assert_int_equal(nb_net_build(ctx, other, NB_F64, 3), NB_OK);
    for (int64_t i = 0; i < 20; i++) assert_true(nb_tensor_get(other->values, &i) == 0.5);
    assert_drawn(other, "2.1", "he", 3, 4);
    assert_int_equal(nb_net_reset(ctx, other, 3), NB_OK);
    assert_drawn(other, "1.1", "he", 3, 1);
    nb_layer_release(ctx, with);
    nb_layer_release(ctx, without);
    nb_net_release(ctx, other);
}

/* f32 and back keeps every bit; the nested network goes along. */
static void test_convert(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, whole, NB_F32), *inner = nb_net_of(layer_at(ctx, net, "2"));
    nb_net *copy = nb_net_clone(ctx, net, NB_F64);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    assert_int_equal(nb_net_convert(ctx, net, NB_F64), NB_OK);
    assert_int_equal(net->dtype, NB_F64);
    assert_int_equal(inner->dtype, NB_F64);
    assert_int_equal(net->grads->dtype, NB_F64);
    assert_ptr_equal(inner->values->storage, net->values->storage);
    assert_true(same_bits(ctx, net->values, copy->values));
    assert_same_forward(net, copy, 0);
    assert_int_equal(nb_net_convert(ctx, net, NB_F32), NB_OK);
    assert_true(same_bits(ctx, before, net->values));
    assert_same_forward(net, copy, 1e-5);
    nb_storage *storage = net->values->storage;
    assert_int_equal(nb_net_convert(ctx, net, NB_F32), NB_OK);
    assert_ptr_equal(net->values->storage, storage);
    nb_tensor_release(ctx, before);
    nb_net_release(ctx, copy);
    nb_net_release(ctx, net);
}

/* ---- When memory ends ------------------------------------------------------------------------ */

static nb_status try_clone(nb_ctx *c, nb_net *net, void *arg)
{
    nb_net *copy = nb_net_clone(c, net, NB_F64);
    (void)arg;
    nb_status status = copy ? NB_OK : c->status;
    nb_net_release(c, copy);
    return status;
}

/* There and back, so that the network ends as it was. */
static nb_status try_changes(nb_ctx *c, nb_net *net, void *layer)
{
    nb_layer *more = layer, *old = nb_layer_retain(net->layer.child[1]);
    int children = net->layer.children;
    nb_status status = nb_net_append(c, net, &more, 1, 8);
    assert_int_equal(net->layer.children, children + (status == NB_OK));
    if (status == NB_OK) {
        status = nb_net_cut(c, net, children, children, 8);
        while (net->layer.children > children) { /* without failures now */
            c->memory.fail_at = 0;
            c->memory.fail_on = false;
            assert_int_equal(nb_net_cut(c, net, children, children, 8), NB_OK);
        }
    }
    assert_ptr_equal(net->layer.child[1], old);
    nb_layer_release(c, old);
    return status;
}

static nb_status try_convert(nb_ctx *c, nb_net *net, void *arg)
{
    (void)arg;
    nb_status status = nb_net_convert(c, net, NB_F64);
    assert_int_equal(net->dtype, status == NB_OK ? NB_F64 : NB_F32);
    if (status != NB_OK) return status;
    c->memory.fail_at = 0;
    c->memory.fail_on = false;
    assert_int_equal(nb_net_convert(c, net, NB_F32), NB_OK);
    return NB_OK;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, whole, NB_F32);
    nb_layer *layer = item_of("residual[3 relu@2 - 3]");
    sweep(ctx, net, try_clone, NULL);
    /* Once before, so that the layer has a plan already, which it keeps. */
    assert_int_equal(try_changes(ctx, net, layer), NB_OK);
    sweep(ctx, net, try_changes, layer);
    sweep(ctx, net, try_convert, NULL);
    nb_layer_release(ctx, layer);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begin),           TEST(reset),       TEST(reset_of_nested), TEST(append),
        TEST(replace),         TEST(cut),         TEST(cut_out_network), TEST(failed_changes),
        TEST(changes_refused), TEST(clone),       TEST(clone_of_nested), TEST(copy_of_a_layer),
        TEST(convert),         TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
