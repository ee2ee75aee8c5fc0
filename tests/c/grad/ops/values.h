/* What the tests of single ops share: a call on a tensor of given values, what comes out, and its
 * gradient. A header alone, as tests/c/support.h. */
#ifndef NB_TEST_VALUES_H
#define NB_TEST_VALUES_H

#include "../samples.h"

/* A call with the defaults of the op on x; -1: no dimension named, else counted from 0. */
static inline nb_call call_on(nb_op_id op, nb_tensor *x, int dim)
{
    nb_call call = nb_call_make(nb_ops[op]);
    call.in[0] = x;
    call.inputs = 1;
    if (dim >= 0) call.attr.dims = (nb_dims){.count = 1, .at = {dim}};
    return call;
}

/* The elements in row-major order are these; NaN where NaN is wanted. */
static inline void assert_elements(nb_tensor *x, const double *wanted, double tolerance)
{
    assert_non_null(x);
    nb_tensor *flat = nb_tensor_reshape(ctx, x, 1, (const int64_t[]){-1});
    for (int64_t i = 0; i < flat->shape[0]; i++) {
        double got = nb_tensor_get(flat, &i), want = wanted[i];
        bool same = got == want || (isnan(got) && isnan(want));
        if (!same && !(fabs(got - want) <= tolerance * (1 + fabs(want))))
            fail_msg("element %d is %.17g, not %.17g", (int)i, got, want);
    }
    nb_tensor_release(ctx, flat);
}

/* Runs a call and compares its output and, unless NULL, its second result; drops both. */
static inline void check_call(nb_call call, const double *wanted, const double *second)
{
    nb_tensor *out = nb_op_call(ctx, &call);
    if (!out) fail_msg("%s: %s", call.op->name, ctx->message);
    assert_elements(out, wanted, 1e-12);
    if (second) assert_elements(call.more[0], second, 1e-12);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, out);
}

/* The gradient of the sum of the call's output is this. */
static inline void check_gradient(nb_call call, const double *wanted)
{
    nb_tensor *x = call.in[0];
    ctx->recording = true;
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    nb_tensor *out = nb_op_call(ctx, &call), *sum = nb_op1(ctx, NB_OP_sum, out);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    assert_elements(nb_leaf_of(x)->grad, wanted, 1e-6);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, sum);
    assert_int_equal(nb_require_grad(ctx, x, false), NB_OK);
}

/* The call fails and says so. */
static inline void check_fails(nb_call call, nb_status status, const char *words)
{
    assert_null(nb_op_call(ctx, &call));
    assert_failed(status, words);
}

#endif
