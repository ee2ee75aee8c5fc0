/* Ops that write their output over an input (call->into, call->ends): over every op of the table
 * the result is that of the plain call, and what somebody else sees stays as it was. */
#include "grad/support.h"

#include "samples.h"

static nb_tensor *plain_result(const sample *s)
{
    nb_call call = s->call;
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_call_drop(ctx, &call);
    if (!out) fail_msg("%s: %s", s->text, ctx->message);
    return out;
}

static void assert_same(const sample *s, nb_tensor *got, nb_tensor *want)
{
    if (!got) fail_msg("%s: %s", s->text, ctx->message);
    /* Elements that lie otherwise are folded in another order, which shows in the last bits. */
    if (!near(got, want, 1e-14, 0)) fail_msg("%s: over an input it is something else", s->text);
}

/* The sample with inputs of its own, which the call may write over. */
static nb_call own_inputs(const sample *s, bool gaps)
{
    nb_call call = s->call;
    for (int i = 0; i < call.inputs; i++) call.in[i] = like(s->call.in[i], NB_F64, gaps);
    return call;
}

static void release_inputs(nb_call *call)
{
    for (int i = 0; i < call->inputs; i++) nb_tensor_release(ctx, call->in[i]);
}

/* Whether an op is one of those whose in-place form is one pass: element by element. */
static bool goes_over(const nb_op *op)
{
    return op->forward == nb_ops[NB_OP_mul]->forward || op->forward == nb_ops[NB_OP_exp]->forward;
}

/* x:add_(y): the first input is given to be written over. */
static void into_first(const sample *s, nb_tensor *want, bool gaps)
{
    nb_call call = own_inputs(s, gaps);
    call.into = call.in[0];
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_same(s, out, want);
    bool fits = want->dtype == NB_F64 && nb_tensor_same_shape(want, call.in[0]);
    if (fits && goes_over(s->call.op)) assert_ptr_equal(out, call.in[0]);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, out);
    release_inputs(&call);
}

/* All inputs end with the call; `seen`: but somebody else sees them, as a second owner or by a
 * view. */
static void all_end(const sample *s, nb_tensor *want, bool seen)
{
    nb_call call = own_inputs(s, false);
    nb_tensor *other[NB_MAX_INPUTS], *in[NB_MAX_INPUTS];
    for (int i = 0; i < call.inputs; i++) {
        in[i] = call.in[i];
        other[i] = i % 2 ? nb_tensor_alias(ctx, in[i]) : nb_tensor_retain(in[i]);
        if (!seen) nb_tensor_release(ctx, other[i]);
    }
    call.ends = (1u << NB_MAX_INPUTS) - 1;
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_same(s, out, want);
    nb_call_drop(ctx, &call);
    for (int i = 0; i < call.inputs; i++) {
        if (seen && !near(other[i], s->call.in[i], 0, 0))
            fail_msg("%s: an input that somebody sees was written over", s->text);
        if (seen) nb_tensor_release(ctx, other[i]);
        nb_tensor_release(ctx, in[i]);
    }
    nb_tensor_release(ctx, out);
}

/* Catches an op that reads an input again after it has written, one that takes strides of the
 * output for granted, and one that writes where it may not. */
static void test_every_op(void **state)
{
    (void)state;
    for (int i = 0; i < NB_OPS; i++) {
        const char *at = nb_ops[i]->samples;
        sample s;
        while (next_sample(nb_ops[i], &at, &s)) {
            nb_tensor *want = plain_result(&s);
            into_first(&s, want, false);
            into_first(&s, want, true);
            all_end(&s, want, false);
            all_end(&s, want, true);
            nb_tensor_release(ctx, want);
            free_sample(&s);
        }
    }
}

static nb_tensor *target(nb_tensor *into, nb_tensor *a, nb_tensor *b)
{
    nb_call call = {.in = {a, b}, .inputs = 2, .into = into};
    return nb_call_target(&call, into->dtype, into->dims, into->shape);
}

/* Catches an output over elements that another input still has to read in another place, and over
 * elements that are one in memory. */
static void test_overlap(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    nb_tensor *t = nb_tensor_transpose(ctx, x), *row = nb_tensor_select(ctx, x, 0, 0);
    nb_tensor *same = nb_tensor_alias(ctx, x), *wide = nb_tensor_expand(ctx, row, SHAPE(2, 2));
    nb_tensor *single = tensor_of(NB_F32, SHAPE(2, 2), VALUES(0, 0, 0, 0));
    assert_ptr_equal(target(x, x, x), x);
    assert_ptr_equal(target(x, x, same), x);
    assert_ptr_equal(target(x, x, single), x);
    assert_null(target(x, x, t));
    assert_null(target(x, x, row));
    assert_null(target(wide, single, single));
    nb_call call = {.in = {x, single}, .inputs = 2, .into = x};
    assert_null(nb_call_target(&call, NB_F32, x->dims, x->shape));
    assert_null(nb_call_target(&call, NB_F64, 1, x->shape));
    assert_null(nb_call_target(&call, NB_F64, SHAPE(2, 3)));
    call.recording = true;
    assert_null(nb_call_target(&call, NB_F64, x->dims, x->shape));
    nb_tensor *all[] = {x, t, row, same, wide, single};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* What takes part in a gradient is never written over: a leaf with one owner, a recorded result. */
static void test_links(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2), VALUES(1, 2));
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    nb_tensor *y = nb_then1(ctx, NB_OP_neg, nb_tensor_retain(x));
    nb_tensor *z = nb_then2(ctx, NB_OP_mul, nb_tensor_retain(y), y);
    assert_true(nb_tensor_get(x, (const int64_t[]){1}) == 2);
    assert_true(nb_tensor_get(y, (const int64_t[]){1}) == -2);
    assert_true(nb_tensor_get(z, (const int64_t[]){1}) == 4);
    ctx->recording = false;
    nb_tensor *w = nb_then1(ctx, NB_OP_exp, y);
    assert_ptr_not_equal(w, x);
    assert_true(nb_tensor_get(x, (const int64_t[]){0}) == 1);
    ctx->recording = true;
    assert_null(nb_then1(ctx, NB_OP_neg, NULL));
    assert_null(nb_then2(ctx, NB_OP_add, NULL, x));
    nb_tensor *all[] = {x, z, w};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_op), TEST(overlap), TEST(links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
