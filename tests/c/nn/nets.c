/* What the tests of networks share. */
#include "nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

nb_net *net_of(nb_ctx *ctx, const char *notation, nb_dtype dtype)
{
    nb_net *net = nb_notation_parse(ctx, notation, NULL);
    if (!net || nb_net_build(ctx, net, dtype, 1) != NB_OK)
        fail_msg("%s: %s", notation, ctx->message);
    return net;
}

nb_net *empty_net(nb_ctx *ctx, int64_t inputs)
{
    nb_net *net = nb_net_new(ctx);
    assert_non_null(net);
    net->in_dims = 1;
    net->in_size[0] = inputs;
    return net;
}

void add_layer(nb_ctx *ctx, nb_net *net, nb_layer *layer)
{
    assert_int_equal(nb_layer_add(ctx, &net->layer, layer), NB_OK);
}

void add_item(nb_ctx *ctx, nb_net *net, const char *item)
{
    nb_layer *layer = nb_notation_parse_layer(ctx, item, NULL);
    if (!layer) fail_msg("%s", ctx->message);
    add_layer(ctx, net, layer);
    nb_layer_release(ctx, layer);
}

nb_layer *layer_at(nb_ctx *ctx, nb_net *net, const char *path)
{
    nb_layer *layer = nb_net_layer(ctx, net, path);
    if (!layer) fail_msg("%s", ctx->message);
    return layer;
}

nb_param *param_of(const nb_net *net, int l, int i)
{
    return &net->layer.child[l]->plan->param[i];
}

nb_tensor *value_of(const nb_net *net, int l, int i)
{
    return param_of(net, l, i)->value;
}

nb_activation activation_called(const char *name)
{
    const nb_activation_type *type = nb_activation_find(name);
    assert_non_null(type);
    return nb_activation_of(type);
}

nb_tensor *uniform(nb_ctx *ctx, nb_dtype dtype, int64_t rows, int64_t columns, double low,
                   double high, uint64_t seed)
{
    const int64_t shape[2] = {rows, columns};
    nb_stream stream = nb_stream_make(seed, NB_FOR_TENSOR, 77);
    nb_tensor *t = nb_tensor_new(ctx, dtype, 2, shape);
    assert_non_null(t);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            nb_tensor_set(t, (const int64_t[]){i, j}, low + (high - low) * nb_random_unit(&stream));
    return t;
}

nb_tensor *classes_in_turn(nb_ctx *ctx, int64_t rows, int64_t classes)
{
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, 1, &rows);
    assert_non_null(y);
    for (int64_t i = 0; i < rows; i++) nb_tensor_set(y, &i, (double)(i % classes + 1));
    return y;
}

nb_set *random_set_of(nb_ctx *ctx, int64_t rows, int64_t width, int64_t classes, nb_tensor **x)
{
    *x = uniform(ctx, NB_F32, rows, width, 0, 1, 5);
    nb_tensor *y = classes_in_turn(ctx, rows, classes);
    for (int64_t i = 0; i < rows; i++) nb_tensor_set(*x, (const int64_t[]){i, i % classes}, 2);
    nb_set *set = nb_set_new(ctx, *x, 1, y, NULL, 0, NULL);
    nb_tensor_release(ctx, y);
    if (!set) fail_msg("%s", ctx->message);
    return set;
}

nb_set *random_set(nb_ctx *ctx, int64_t rows, int64_t width, int64_t classes)
{
    nb_tensor *x;
    nb_set *set = random_set_of(ctx, rows, width, classes, &x);
    nb_tensor_release(ctx, x);
    return set;
}

bool same_bits(nb_ctx *ctx, nb_tensor *a, nb_tensor *b)
{
    if (a->dtype != b->dtype || !nb_tensor_same_shape(a, b)) return false;
    nb_tensor *plain_a = nb_tensor_contiguous(ctx, a), *plain_b = nb_tensor_contiguous(ctx, b);
    size_t bytes = (size_t)nb_tensor_count(a) * nb_dtype_size(a->dtype);
    bool same = !memcmp(nb_tensor_data(plain_a), nb_tensor_data(plain_b), bytes);
    nb_tensor_release(ctx, plain_a);
    nb_tensor_release(ctx, plain_b);
    return same;
}

/* One try with request number n failing; true when it succeeded. */
static bool try_once(nb_ctx *ctx, nb_net *net, attempt *what, void *arg, uint64_t n, bool on,
                     nb_tensor *before)
{
    size_t live = ctx->memory.live;
    ctx->memory.fail_at = ctx->memory.requests + n;
    ctx->memory.fail_on = on;
    nb_status status = what(ctx, net, arg);
    ctx->memory.fail_at = 0;
    ctx->memory.fail_on = false;
    if (status == NB_OK) return true;
    if (status != NB_EMEMORY) fail_msg("request %d: %s", (int)n, ctx->message);
    assert_int_equal(ctx->memory.live, live);
    assert_true(same_bits(ctx, net->values, before));
    return false;
}

void sweep(nb_ctx *ctx, nb_net *net, attempt *what, void *arg)
{
    enum { TOO_MANY = 100000 };
    size_t cap = ctx->memory.pool_cap;
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    nb_pool_trim(ctx);
    ctx->memory.pool_cap = 0;
    for (int on = 0; on < 2; on++) {
        uint64_t n = 1;
        while (!try_once(ctx, net, what, arg, n, on, before)) assert_true(++n < TOO_MANY);
        /* An operation that asks for nothing would pass without a test. */
        assert_true(n > 1);
        assert_int_equal(nb_tensor_copy(ctx, net->values, before), NB_OK);
    }
    ctx->memory.pool_cap = cap;
    nb_tensor_release(ctx, before);
}
