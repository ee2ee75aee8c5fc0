/* A batch in slices has the cost and the gradient of one pass: of networks that chance has drawn,
 * with sequences of different lengths, chance of layers, weights of examples and of steps. A
 * failure shows the notation. */
#include "../nets.h"
#include "../trees.h"

#include "../../support.h"
#include "base/workers.h"
#include "nn/train/slices.h"

#include <math.h>

enum {
    TREES = 300,
    SWEPT = 20, /* so many are tried with failing memory: … */
    SMALL = 8,  /* … the first with at most so many places */
    EXAMPLES = 7,
    WEIGHTS = 3 /* none, of examples, of steps */
};

typedef struct tree {
    nb_net *net;
    nb_tensor *x, *y, *lengths, *weights;
    nb_mode mode;
    int64_t size; /* of a slice */
} tree;

static const char *drawn; /* the notation under way */

static void holds(bool condition, const char *what)
{
    if (!condition) fail_msg("%s\n%s: %s", drawn, what, ctx->message);
}

static bool is_free(const nb_form *form)
{
    return form->reading == NB_STEPS && form->size[0] < 0;
}

static nb_tensor *draw_lengths(const tree *t)
{
    const int64_t n = EXAMPLES, most = t->x->shape[1];
    nb_tensor *lengths = nb_tensor_new(ctx, NB_I32, 1, &n);
    for (int64_t i = 0; i < n; i++) nb_tensor_set(lengths, &i, (double)(1 + (i + most - 1) % most));
    return lengths;
}

static nb_tensor *draw_weights(const tree *t, int kind)
{
    const int64_t shape[] = {EXAMPLES, t->y->shape[1]};
    nb_tensor *weights = nb_tensor_new(ctx, NB_F64, kind, shape);
    for (int64_t i = 0; i < nb_tensor_count(weights); i++)
        ((double *)nb_tensor_data(weights))[i] = i < 2 ? 0 : (double)(1 + i % 3) / 2;
    return weights;
}

static void begin_tree(tree *t, uint64_t number, int kind)
{
    nb_stream stream = nb_stream_make(number, NB_FOR_TENSOR, 1);
    *t = (tree){.net = net_of(ctx, drawn, NB_F64), .size = 1 + (int64_t)number % 4};
    double *values = nb_tensor_data(t->net->values);
    for (int64_t i = 0; i < nb_net_count(t->net); i++) values[i] = nb_random_normal(&stream) / 2;
    t->x = tree_inputs(ctx, t->net, EXAMPLES, 11);
    t->y = tree_targets(ctx, t->net, EXAMPLES);
    bool steps = is_free(nb_net_out(t->net));
    if (is_free(nb_net_in(t->net)) && number % 3) t->lengths = draw_lengths(t);
    if (kind && (kind == 1 || steps)) t->weights = draw_weights(t, kind);
    t->mode = (nb_mode){
        .learning = true, .seed = 3, .step = 2, .lengths = t->lengths, .weights = t->weights};
}

static void end_tree(tree *t)
{
    nb_tensor *const all[] = {t->x, t->y, t->lengths, t->weights};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_net_release(ctx, t->net);
    holds(ctx->memory.live == 0, "all memory is given back");
}

/* What works by the batch is not cut. */
static bool can_be_cut(const nb_net *net)
{
    for (int i = 0; i < net->parts; i++)
        if (net->part[i]->type->normalises) return false;
    return true;
}

static nb_status in_slices(nb_ctx *c, nb_net *net, void *arg)
{
    const tree *t = arg;
    const nb_whole whole = {.net = net,
                            .x = t->x,
                            .y = t->y,
                            .lengths = t->lengths,
                            .each = t->weights,
                            .mode = &t->mode};
    double cost;
    return nb_slices_learn(c, &whole, t->size, NULL, &cost);
}

static void check_gradient(tree *t)
{
    double wanted, cost;
    const nb_whole whole = {.net = t->net,
                            .x = t->x,
                            .y = t->y,
                            .lengths = t->lengths,
                            .each = t->weights,
                            .mode = &t->mode};
    holds(nb_net_learn(ctx, t->net, t->x, t->y, &t->mode, NULL, &wanted) == NB_OK, "one pass");
    nb_tensor *once = nb_tensor_clone(ctx, t->net->grads);
    holds(nb_slices_learn(ctx, &whole, t->size, NULL, &cost) == NB_OK, "slices");
    holds(fabs(cost - wanted) <= 1e-12 * (1 + fabs(wanted)), "the cost of one pass");
    for (int64_t i = 0; i < nb_tensor_count(once); i++) {
        double one = nb_tensor_get(once, &i), own = nb_tensor_get(t->net->grads, &i);
        holds(fabs(own - one) <= 1e-11 * (1 + fabs(one)), "the gradient of one pass");
    }
    nb_tensor_release(ctx, once);
}

static void check_threads(tree *t)
{
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    holds(in_slices(ctx, t->net, t) == NB_OK, "slices on one thread");
    nb_tensor *one = nb_tensor_clone(ctx, t->net->grads);
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    holds(in_slices(ctx, t->net, t) == NB_OK, "slices on three threads");
    holds(same_bits(ctx, one, t->net->grads), "threads change no bit");
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    nb_tensor_release(ctx, one);
}

/* Runs a check on every tree that can be cut, and says how many had lengths. */
static int on_trees(void (*check)(tree *t))
{
    static char text[TREE_TEXT_MAX];
    int padded = 0;
    drawn = text;
    for (int i = 0; i < TREES; i++) {
        tree t;
        draw_tree(text, (uint64_t)i);
        begin_tree(&t, (uint64_t)i, i % WEIGHTS);
        if (can_be_cut(t.net)) check(&t);
        padded += can_be_cut(t.net) && t.lengths;
        end_tree(&t);
    }
    return padded;
}

static int swept;

static void check_memory(tree *t)
{
    if (swept == SWEPT || t->net->layer.plan->places > SMALL || t->size > 3) return;
    swept++;
    sweep(ctx, t->net, in_slices, t);
}

static void test_gradients(void **state)
{
    (void)state;
    assert_true(on_trees(check_gradient) > TREES / 10);
}

static void test_threads(void **state)
{
    (void)state;
    on_trees(check_threads);
}

static void test_memory_ends(void **state)
{
    (void)state;
    swept = 0;
    on_trees(check_memory);
    assert_int_equal(swept, SWEPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(gradients), TEST(threads), TEST(memory_ends)};
    return cmocka_run_group_tests_name("slices of trees", tests, NULL, NULL);
}
