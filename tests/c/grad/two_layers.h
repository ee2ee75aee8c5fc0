/* Two small layers whose gradients are known, for the tests of where gradients go. A header alone,
 * because every test is one program. */
#ifndef NB_TEST_TWO_LAYERS_H
#define NB_TEST_TWO_LAYERS_H

#include "grad/tape.h"

#include "../support.h"

#include <float.h>
#include <math.h>

static inline double at(const nb_tensor *tensor, int64_t i)
{
    return ((const double *)nb_tensor_data(tensor))[i];
}

static inline double grad_at(const nb_tensor *leaf, int64_t i)
{
    assert_non_null(nb_leaf_grad(nb_leaf_of(leaf)));
    return at(nb_leaf_grad(nb_leaf_of(leaf)), i);
}

/* ---- Parameters ----------------------------------------------------------------------------- */

/* Two layers, 2 -> 2 -> 1, of given parameters; the biases take the tensor path, the weights the
 * product's. The parameters lie in one storage, with a home; the plain ones are leaves of their
 * own. */
enum { PARAMS = 4, NUMBERS = 9 };

static const struct {
    int dims;
    int64_t shape[2], start;
} shapes[PARAMS] = {{2, {2, 2}, 0}, {1, {2}, 4}, {2, {1, 2}, 6}, {1, {1}, 8}};

typedef struct layers {
    nb_tensor *flat, *x, *param[PARAMS], *cost;
    nb_home *home; /* or NULL */
} layers;

static inline nb_tensor *part_of(const nb_tensor *flat, int i)
{
    static const int64_t stride[PARAMS][2] = {{2, 1}, {1}, {2, 1}, {1}};
    nb_tensor *part =
        nb_tensor_view(ctx, flat, shapes[i].dims, shapes[i].shape, stride[i], shapes[i].start);
    assert_non_null(part);
    return part;
}

static inline nb_tensor *dense(nb_tensor *x, nb_tensor *w, nb_tensor *b)
{
    nb_call call = {.op = nb_ops[NB_OP_dense], .in = {x, w, b}, .inputs = 3};
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_non_null(out);
    return out;
}

static inline nb_tensor *cost_of(const layers *l)
{
    nb_tensor *z = dense(l->x, l->param[0], l->param[1]), *a = nb_op1(ctx, NB_OP_tanh, z);
    nb_tensor *out = dense(a, l->param[2], l->param[3]), *square = nb_op2(ctx, NB_OP_mul, out, out);
    nb_tensor *cost = nb_op1(ctx, NB_OP_sum, square);
    nb_tensor *all[] = {z, a, out, square};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    return cost;
}

static inline layers make_layers(bool settled)
{
    layers l = {.x = tensor_of(NB_F64, SHAPE(3, 2), VALUES(1, -1, 0.5, 2, -2, 0.25))};
    l.flat =
        tensor_of(NB_F64, SHAPE(NUMBERS), VALUES(0.5, -0.25, 1, 0.75, 0.1, -0.2, 1.5, -1, 0.3));
    if (settled) l.home = nb_home_new(ctx, NB_F64, NUMBERS);
    for (int i = 0; i < PARAMS; i++) {
        l.param[i] = part_of(l.flat, i);
        assert_int_equal(settled ? nb_require_grad_in(ctx, l.param[i], l.home)
                                 : nb_require_grad(ctx, l.param[i], true),
                         NB_OK);
        nb_leaf_of(l.param[i])->where = "layer 2";
    }
    l.cost = cost_of(&l);
    return l;
}

static inline void free_layers(layers *l)
{
    nb_tensor *all[] = {l->flat, l->x, l->cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    for (int i = 0; i < PARAMS; i++) nb_tensor_release(ctx, l->param[i]);
    nb_home_release(ctx, l->home);
}

/* One pass from a fresh cost of all parameters. */
static inline nb_status pass_over(layers *l, const nb_backward_options *options)
{
    nb_tensor *cost = cost_of(l);
    nb_status status = nb_backward(ctx, cost, options);
    nb_tensor_release(ctx, cost);
    return status;
}

/* One from the sum of parameter i alone, whose gradient is 1 everywhere. */
static inline nb_status pass_over_one(layers *l, int i, const nb_backward_options *options)
{
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, l->param[i]);
    nb_status status = nb_backward(ctx, sum, options);
    nb_tensor_release(ctx, sum);
    return status;
}

/* The options of a pass into one sink. */
#define INTO(...)                                                                                  \
    &(nb_backward_options)                                                                         \
    {                                                                                              \
        .sinks = &(nb_sink){__VA_ARGS__, NULL, NULL, 0, 0}, .sink_count = 1                        \
    }

static inline void check_numbers(const nb_tensor *got, const double *wanted)
{
    for (int64_t k = 0; k < NUMBERS; k++)
        if (!(fabs(at(got, k) - wanted[k]) <= 1e-14 * (1 + fabs(wanted[k]))))
            fail_msg("element %d: %.17g, not %.17g", (int)k, at(got, k), wanted[k]);
}

/* The gradients of the same parameters as leaves of their own, in flat order. */
static inline void plain_gradient(double *out)
{
    layers plain = make_layers(false);
    assert_int_equal(nb_backward(ctx, plain.cost, NULL), NB_OK);
    for (int i = 0; i < PARAMS; i++)
        for (int64_t k = 0; k < nb_tensor_count(plain.param[i]); k++)
            out[shapes[i].start + k] = grad_at(plain.param[i], k);
    free_layers(&plain);
}

#endif
