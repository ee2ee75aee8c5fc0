/* Sets against networks: what y is for which output, the buffers, and class numbers in place of
 * rows with a 1. */
#include "../nets.h"

#include "nn/train/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

typedef struct bench {
    nb_ctx *ctx;
    nb_net *net;
} bench;

static bench begin(const char *notation)
{
    bench b = {.ctx = nb_ctx_new()};
    b.net = net_of(b.ctx, notation, NB_F32);
    return b;
}

static void end(bench *b)
{
    nb_net_release(b->ctx, b->net);
    assert_int_equal(b->ctx->memory.live, 0);
    nb_ctx_free(b->ctx);
}

/* Six examples of 4 numbers with y of a dtype and shape (6, …), whose elements are 1, 2, 3, 1, … */
static nb_set *set_of(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape, int64_t classes)
{
    nb_tensor *x = uniform(ctx, NB_F32, 6, 4, 0, 1, 1), *y = nb_tensor_new(ctx, dtype, dims, shape);
    nb_tensor *flat = nb_tensor_reshape(ctx, y, 1, (const int64_t[]){-1});
    for (int64_t i = 0; i < flat->shape[0]; i++) nb_tensor_set(flat, &i, (double)(1 + i % 3));
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, classes, NULL);
    assert_non_null(set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, flat);
    return set;
}

static void assert_buffer(bench *b, const nb_set *set, nb_dtype dtype, int dims,
                          const int64_t *shape)
{
    nb_tensor *x, *y;
    assert_int_equal(nb_set_check(b->ctx, b->net, set), NB_OK);
    assert_int_equal(nb_batch_new(b->ctx, b->net, set, shape[0], &x, &y), NB_OK);
    assert_true(x->dtype == NB_F32 && x->dims == 2 && x->shape[0] == shape[0] && x->shape[1] == 4);
    assert_int_equal(y->dtype, dtype);
    assert_int_equal(y->dims, dims);
    assert_memory_equal(y->shape, shape, (size_t)dims * sizeof *shape);
    assert_int_equal(nb_set_gather(b->ctx, set, NULL, 0, shape[0], 0, x, y), NB_OK);
    nb_tensor_release(b->ctx, x);
    nb_tensor_release(b->ctx, y);
}

/* Class numbers for the one cost that takes them, ones and zeros for others, targets for all. */
static void buffers(void **state)
{
    (void)state;
    static const char *const notation[3] = {"4 - 3 softmax : cross_entropy",
                                            "4 - 3 sigmoid : cross_entropy", "4 - 3 softmax"};
    for (int i = 0; i < 3; i++) {
        bench b = begin(notation[i]);
        nb_set *classes = set_of(b.ctx, NB_F32, 1, (const int64_t[]){6}, 0);
        nb_set *targets = set_of(b.ctx, NB_F64, 2, (const int64_t[]){6, 3}, 0);
        assert_int_equal(nb_net_wants_classes(b.net), i == 0);
        assert_buffer(&b, classes, i ? NB_F32 : NB_I32, i ? 2 : 1, (const int64_t[]){5, 3});
        assert_buffer(&b, targets, NB_F32, 2, (const int64_t[]){5, 3});
        nb_set_release(b.ctx, classes);
        nb_set_release(b.ctx, targets);
        end(&b);
    }
    bench b = begin("4 - 1 sigmoid : cross_entropy");
    nb_set *column = set_of(b.ctx, NB_F32, 2, (const int64_t[]){6, 1}, 0);
    assert_buffer(&b, column, NB_F32, 2, (const int64_t[]){5, 1});
    nb_set_release(b.ctx, column);
    end(&b);
}

/* The same output under the shape of two steps: enough for all that looks at shapes alone. */
static void as_steps(nb_net *net)
{
    net->layer.plan->out = (nb_form){.reading = NB_STEPS, .dims = 2, .size = {2, 3}};
}

static void buffers_of_steps(void **state)
{
    (void)state;
    for (int wants = 0; wants < 2; wants++)
        for (int64_t known = 0; known < 2; known++) {
            bench b = begin(wants ? "4 - 6 softmax : cross_entropy" : "4 - 6 : cross_entropy");
            nb_set *set = set_of(b.ctx, NB_F32, 2, (const int64_t[]){6, 2}, 3 * known);
            nb_set *targets = set_of(b.ctx, NB_F32, 3, (const int64_t[]){6, 2, 3}, 0);
            as_steps(b.net);
            assert_buffer(&b, set, wants ? NB_I32 : NB_F32, wants ? 2 : 3,
                          (const int64_t[]){5, 2, 3});
            assert_buffer(&b, targets, NB_F32, 3, (const int64_t[]){5, 2, 3});
            nb_set_release(b.ctx, set);
            nb_set_release(b.ctx, targets);
            end(&b);
        }
}

static void assert_refused(bench *b, nb_set *set, nb_status status, const char *words)
{
    assert_int_equal(nb_set_check(b->ctx, b->net, set), status);
    assert_non_null(strstr(b->ctx->message, words));
    nb_set_release(b->ctx, set);
}

static void misfits(void **state)
{
    (void)state;
    bench b = begin("4 - 6 softmax : cross_entropy");
    nb_ctx *ctx = b.ctx;
    assert_refused(&b, set_of(ctx, NB_I32, 2, (const int64_t[]){6, 2}, 3), NB_ESHAPE,
                   "the set has 3 classes for each of 2; the network gives 6");
    as_steps(b.net);
    b.net->layer.plan->out.size[1] = 2;
    assert_refused(&b, set_of(ctx, NB_F32, 2, (const int64_t[]){6, 2}, 0), NB_EARG,
                   "y holds class 3 at example 2, step 1; the network has 2 classes");
    assert_refused(&b, set_of(ctx, NB_F32, 2, (const int64_t[]){6, 3}, 0), NB_ESHAPE,
                   "the set's targets are 3; the network gives 2x2");
    assert_refused(&b, set_of(ctx, NB_I32, 2, (const int64_t[]){6, 2}, 3), NB_ESHAPE,
                   "the set has 3 classes for each of 2; the network gives 2x2");
    assert_refused(&b, set_of(ctx, NB_I32, 1, (const int64_t[]){6}, 0), NB_ESHAPE,
                   "the set has 3 classes; the network gives 2x2");
    end(&b);
}

/* Prepared targets: numbers, or ones and zeros, of one example and of several. */
static void targets_of_steps(void **state)
{
    (void)state;
    for (int wants = 0; wants < 2; wants++) {
        bench b = begin(wants ? "4 - 6 softmax : cross_entropy" : "4 - 6 : cross_entropy");
        nb_ctx *ctx = b.ctx;
        as_steps(b.net);
        nb_tensor *flat = classes_in_turn(ctx, 4, 3);
        nb_tensor *steps = nb_tensor_reshape(ctx, flat, 2, (const int64_t[]){2, 2});
        nb_tensor *one = nb_tensor_select(ctx, steps, 0, 1);
        nb_tensor *all = nb_net_targets(ctx, b.net, steps, 2);
        nb_tensor *last = nb_net_targets(ctx, b.net, one, 1);
        assert_true(all->dims == (wants ? 2 : 3) && all->shape[0] == 2 && all->shape[1] == 2);
        assert_true(last->dims == all->dims && last->shape[0] == 1);
        /* 3, 1: the classes of the second example. */
        if (wants) {
            assert_int_equal(all->dtype, NB_I32);
            assert_true(nb_tensor_get(last, (const int64_t[]){0, 0}) == 3);
            assert_true(nb_tensor_get(all, (const int64_t[]){1, 1}) == 1);
        } else {
            assert_true(nb_tensor_get(last, (const int64_t[]){0, 0, 2}) == 1);
            assert_true(nb_tensor_get(all, (const int64_t[]){1, 1, 0}) == 1);
            assert_true(nb_tensor_get(all, (const int64_t[]){1, 1, 2}) == 0);
        }
        assert_null(nb_net_targets(ctx, b.net, steps, 4));
        assert_non_null(strstr(ctx->message, "4x2x3 or a class number for each step"));
        nb_tensor *list[] = {flat, steps, one, all, last};
        for (int i = 0; i < 5; i++) nb_tensor_release(ctx, list[i]);
        end(&b);
    }
}

/* A step of learning from class numbers has the bits of one from ones and zeros. */
static void classes_learn_as_one_hot(void **state)
{
    (void)state;
    for (int dtype = NB_F32; dtype <= NB_F64; dtype++) {
        nb_ctx *ctx = nb_ctx_new();
        nb_net *net = net_of(ctx, "5 - 7 tanh - 3 softmax : cross_entropy", (nb_dtype)dtype);
        nb_tensor *x = uniform(ctx, (nb_dtype)dtype, 13, 5, -1, 1, 1);
        nb_tensor *numbers = classes_in_turn(ctx, 13, 3);
        nb_tensor *hot = nb_tensor_zeros(ctx, (nb_dtype)dtype, 2, (const int64_t[]){13, 3});
        double cost[2];
        for (int64_t i = 0; i < 13; i++) nb_tensor_set(hot, (const int64_t[]){i, i % 3}, 1);
        nb_tensor *y = nb_net_targets(ctx, net, numbers, 13);
        assert_int_equal(y->dtype, NB_I32);
        assert_int_equal(nb_net_backprop(ctx, net, x, hot, &cost[0]), NB_OK);
        nb_tensor *grads = nb_tensor_clone(ctx, net->grads);
        assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost[1]), NB_OK);
        assert_true(cost[0] == cost[1]);
        assert_true(same_bits(ctx, grads, net->grads));
        nb_tensor *list[] = {x, numbers, hot, y, grads};
        for (int i = 0; i < 5; i++) nb_tensor_release(ctx, list[i]);
        nb_net_release(ctx, net);
        nb_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers),
        cmocka_unit_test(buffers_of_steps),
        cmocka_unit_test(misfits),
        cmocka_unit_test(targets_of_steps),
        cmocka_unit_test(classes_learn_as_one_hot),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
