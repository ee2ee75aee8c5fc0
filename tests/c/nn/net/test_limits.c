/* How deep layers stand in one another and how many there may be, on both sides of the limits. */
#include "../nets.h"

#include "../../support.h"

/* `deep` residuals in one another around a layer, whose reference is taken. */
static nb_layer *wrapped(nb_layer *inside, int deep)
{
    for (int i = 0; i < deep; i++) {
        nb_layer *block = nb_layer_new(ctx, nb_layer_find("residual"));
        assert_int_equal(nb_layer_add(ctx, block, inside), NB_OK);
        nb_layer_release(ctx, inside);
        inside = block;
    }
    return inside;
}

/* `deep` residuals in one another around one layer. */
static nb_net *deep_net(int deep)
{
    nb_net *net = empty_net(ctx, 2);
    nb_layer *inside = wrapped(nb_notation_parse_layer(ctx, "2 tanh", NULL), deep);
    add_layer(ctx, net, inside);
    nb_layer_release(ctx, inside);
    return net;
}

static void test_depth(void **state)
{
    (void)state;
    nb_net *net = deep_net(NB_LAYER_DEPTH);
    nb_tensor *x = uniform(ctx, NB_F32, 1, 2, -1, 1, 2), *y = uniform(ctx, NB_F32, 1, 2, 0, 1, 3);
    double cost;
    assert_int_equal(nb_net_build(ctx, net, NB_F32, 1), NB_OK);
    assert_int_equal(net->parts, NB_LAYER_DEPTH + 1);
    assert_int_equal(strlen(net->part[NB_LAYER_DEPTH]->plan->path), 2 * NB_LAYER_DEPTH + 1);
    assert_ptr_equal(layer_at(ctx, net, net->part[NB_LAYER_DEPTH]->plan->path),
                     net->part[NB_LAYER_DEPTH]);
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    nb_layer *deeper = wrapped(nb_notation_parse_layer(ctx, "2", NULL), NB_LAYER_DEPTH + 1);
    assert_int_equal(nb_net_append(ctx, net, &deeper, 1, 1), NB_EARG);
    assert_failed(NB_EARG, "layers stand at most 64 deep in one another");
    assert_int_equal(nb_layer_add(ctx, &net->layer, deeper), NB_EARG);
    assert_failed(NB_EARG, "layers stand at most 64 deep in one another");
    nb_layer_release(ctx, deeper);
    nb_net_release(ctx, net);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

/* NB_LAYER_PLACES at all places, and one more: by sharing, and in a network that grew. */
static void test_places(void **state)
{
    (void)state;
    nb_layer *block = nb_layer_new(ctx, nb_layer_find("residual"));
    nb_layer *row = nb_notation_parse_layer(ctx, "residual[98*[2]]", NULL);
    nb_layer *few = nb_notation_parse_layer(ctx, "residual[97*[2]]", NULL);
    nb_layer *one = nb_notation_parse_layer(ctx, "2", NULL);
    nb_net *net = empty_net(ctx, 2);
    assert_int_equal(nb_layer_add(ctx, block, one), NB_OK);
    for (int i = 0; i < 99; i++) {
        assert_int_equal(nb_layer_add(ctx, block, row), NB_OK);
        assert_int_equal(nb_layer_add(ctx, block, one), NB_OK);
    }
    assert_int_equal(block->places, 2 + 99 * 100); /* itself, one, and 99 times a row and one */
    assert_int_equal(nb_layer_add(ctx, block, row), NB_OK);
    assert_int_equal(block->places, NB_LAYER_PLACES + 1);
    assert_int_equal(block->height, 2);
    assert_int_equal(nb_layer_add(ctx, &net->layer, block), NB_EARG);
    assert_failed(NB_EARG, "a network has room for 10000 layers");
    nb_layer_drop_children(ctx, block, block->children - 1);
    assert_int_equal(block->places, 2 + 99 * 100);
    assert_int_equal(nb_layer_add(ctx, &net->layer, block), NB_OK);
    assert_int_equal(nb_net_build(ctx, net, NB_F32, 1), NB_OK);
    nb_layer *more = nb_notation_parse_layer(ctx, "2", NULL);
    assert_int_equal(nb_net_append(ctx, net, &few, 1, 1), NB_OK);
    assert_int_equal(net->layer.places, NB_LAYER_PLACES + 1);
    assert_int_equal(nb_net_append(ctx, net, &more, 1, 1), NB_EARG);
    assert_failed(NB_EARG, "a network has room for 10000 layers");
    assert_int_equal(net->layer.children, 2);
    assert_int_equal(nb_net_cut(ctx, net, 0, 0, 1), NB_OK);
    assert_int_equal(net->layer.places, 99);
    nb_layer *const made[] = {block, row, few, one, more};
    for (int i = 0; i < 5; i++) nb_layer_release(ctx, made[i]);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(depth),
        TEST(places),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
