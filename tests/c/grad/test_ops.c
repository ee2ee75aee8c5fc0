/* Every op of the table: gradients against differences, f32 against f64, views against copies,
 * failing memory. And the checker itself against gradients that are wrong. */
#include "grad/gradcheck.h"

#include "samples.h"

#include "grad/activate.h"

/* ---- Gradients ----------------------------------------------------------------------------------
 */

static nb_tensor *call_sample(nb_ctx *same, nb_tensor *const *in, int count, void *arg)
{
    const sample *s = arg;
    nb_call call = s->call;
    for (int i = 0; i < count; i++) call.in[i] = in[i];
    nb_tensor *out = nb_op_call(same, &call);
    nb_call_drop(same, &call);
    return out;
}

static void check_fn(const char *what, nb_checked_fn *f, void *arg, nb_tensor *const *in, int count)
{
    nb_gradcheck_report r;
    if (nb_gradcheck_fn(ctx, f, arg, in, count, &r) != NB_OK)
        fail_msg("%s: %s", what, ctx->message);
    if (r.wrong)
        fail_msg("%s: %d of %d wrong; element %d of input %d, output %d: %.12g, differences %.12g",
                 what, (int)r.wrong, (int)r.compared, (int)r.element, r.input, (int)r.output,
                 r.analytic, r.numeric);
    bool empty = false;
    for (int i = 0; i < count; i++) empty |= nb_tensor_count(in[i]) == 0;
    if (!empty && !r.compared) fail_msg("%s: nothing was compared", what);
}

static void check_sample(sample *s)
{
    check_fn(s->text, call_sample, s, s->call.in, s->checked);
    if (!s->call.op->options || !nb_option_find(s->call.op->options, "keep")) return;
    s->call.attr.reduce.keep = true;
    check_fn(s->text, call_sample, s, s->call.in, s->checked);
    s->call.attr.reduce.keep = false;
}

/* Samples of all ops, one after the other. */
static void each_sample(void (*visit)(sample *s), bool first_only)
{
    for (int i = 0; i < NB_OPS; i++) {
        const char *at = nb_ops[i]->samples;
        sample s;
        while (next_sample(nb_ops[i], &at, &s)) {
            visit(&s);
            free_sample(&s);
            if (first_only) break;
        }
    }
}

static void gradient_of(sample *s)
{
    outcome o;
    if (s->call.op->backward) {
        check_sample(s);
        return;
    }
    /* Without a gradient nothing may look as if one flowed. */
    if (s->call.op->refuses) {
        s->checked = s->call.inputs;
        assert_int_equal(run(s, NB_F64, false, &o), NB_EARG);
        assert_failed(NB_EARG, "has no gradient; give it x:detach()");
        s->checked = 0;
    }
    if (run(s, NB_F64, false, &o) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    assert_null(o.out->link);
    free_outcome(&o);
}

/* Catches a wrong derivative of any op, a broadcast input that is not summed back, and a dimension
 * that is counted wrongly. */
static void test_gradients(void **state)
{
    (void)state;
    each_sample(gradient_of, false);
}

/* Catches an op that nobody checks. activate and slope_chain have cases of their own below. */
static void test_all_have_samples(void **state)
{
    (void)state;
    for (int i = 0; i < NB_OPS; i++) {
        const nb_op *op = nb_ops[i];
        bool elsewhere = i == NB_OP_activate || i == NB_OP_slope_chain;
        if (op->backward && !op->samples && !elsewhere) fail_msg("%s has no samples", op->name);
        bool empty = op->samples && (strstr(op->samples, "0x") || strstr(op->samples, "x0") ||
                                     strstr(op->samples, " 0"));
        if (op->samples && !empty) fail_msg("%s has no sample without elements", op->name);
        assert_ptr_equal(nb_op_find(op->name), op);
    }
    assert_null(nb_op_find("no such op"));
}

/* Catches a letter whose field nobody named, so that it would fill the field of another. */
static void test_letters_have_fields(void **state)
{
    (void)state;
    for (int i = 0; i < NB_OPS; i++) {
        const nb_op *op = nb_ops[i];
        size_t letters = op->signature ? strlen(op->signature) : 0;
        assert_true(letters <= NB_MAX_LETTERS);
        for (size_t k = 0; k < letters; k++) {
            assert_true(op->fills[k] < sizeof(nb_attr));
            for (size_t j = 0; j < k; j++) {
                bool inputs = strchr("txm", op->signature[j]) || strchr("txm", op->signature[k]);
                if (!inputs && op->fills[j] == op->fills[k])
                    fail_msg("%s: two letters fill one field", op->name);
            }
        }
    }
}

static void single_like_double(sample *s)
{
    outcome f, d;
    if (run(s, NB_F32, false, &f) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    if (run(s, NB_F64, false, &d) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    if (!near_all(&f, &d, 1.3e-6, 1e-5)) fail_msg("%s: f32 is not near f64", s->text);
    for (int i = 0; i < NB_MAX_INPUTS; i++) {
        if (f.grad[i]) assert_int_equal(f.grad[i]->dtype, NB_F32);
        if (d.grad[i]) assert_int_equal(d.grad[i]->dtype, NB_F64);
    }
    free_outcome(&f);
    free_outcome(&d);
}

/* Catches an f32 loop that differs from the f64 one, and an f32 path that goes through another
 * dtype. */
static void test_f32(void **state)
{
    (void)state;
    each_sample(single_like_double, false);
}

static void view_like_copy(sample *s)
{
    outcome a, b;
    if (run(s, NB_F64, true, &a) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    if (run(s, NB_F64, false, &b) != NB_OK) fail_msg("%s: %s", s->text, ctx->message);
    if (!near_all(&a, &b, 1e-13, 1e-13)) fail_msg("%s: views give something else", s->text);
    free_outcome(&a);
    free_outcome(&b);
}

/* Catches an op that takes an input, or a δ, for contiguous. */
static void test_views(void **state)
{
    (void)state;
    each_sample(view_like_copy, false);
}

/* ---- Ops that need more than a sample -----------------------------------------------------------
 */

enum { NEURONS = 6 };

/* Runs of one function, or of it between a linear and a tanh run. */
static nb_shared *runs_of(nb_unary f, int count)
{
    nb_shared *shared =
        nb_shared_new(ctx, sizeof(nb_kernel_runs) + (size_t)count * sizeof(nb_kernel_run));
    assert_non_null(shared);
    nb_kernel_runs *runs = (nb_kernel_runs *)shared;
    /* Numbers that suit every function that takes some. */
    double p = f == NB_U_clamp ? -1 : 0.5, q = 1;
    runs->count = count;
    if (count == 1) {
        runs->run[0] = (nb_kernel_run){0, NEURONS, f, p, q};
    } else {
        runs->run[0] = (nb_kernel_run){0, 1, NB_U_copy, 0, 0};
        runs->run[1] = (nb_kernel_run){1, 3, f, p, q};
        runs->run[2] = (nb_kernel_run){4, 2, NB_U_tanh, 0, 0};
    }
    return shared;
}

/* A dense layer whose z lies in the domain of f: every z is within 0.22 … 1.38 where that is
 * narrow, and below 0.89 for the arcs, which end at 1. */
static void dense_sample(sample *s, nb_unary f)
{
    static const nb_unary narrow[] = {NB_U_log,   NB_U_log1p, NB_U_sqrt,
                                      NB_U_rsqrt, NB_U_tan,   NB_U_reciprocal};
    nb_op drawn = *nb_ops[NB_OP_dense];
    const char *at = "4x3 6x3 6";
    drawn.low = -1.5;
    drawn.high = 1.5;
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        if (narrow[i] == f) {
            drawn.low = 0.25;
            drawn.high = 0.6;
        }
    if (f == NB_U_asin || f == NB_U_acos) {
        drawn.low = 0.1;
        drawn.high = 0.4;
    }
    assert_true(next_sample(&drawn, &at, s));
    s->call.op = nb_ops[NB_OP_dense];
}

/* dense without activations, then activate. */
static nb_tensor *unfused(nb_ctx *same, nb_tensor *const *in, int count, void *arg)
{
    const sample *s = arg;
    nb_call linear = {.op = nb_ops[NB_OP_dense], .inputs = count};
    for (int i = 0; i < count; i++) linear.in[i] = in[i];
    nb_tensor *z = nb_op_call(same, &linear);
    nb_call activate = {.op = nb_ops[NB_OP_activate], .in = {z}, .inputs = 1, .attr = s->call.attr};
    nb_tensor *a = z ? nb_op_call(same, &activate) : NULL;
    nb_tensor_release(same, z);
    return a;
}

/* A function of the sample's inputs forward and backward. */
static void run_fn(nb_checked_fn *f, const sample *s, outcome *o)
{
    nb_call leaves = {.inputs = s->call.inputs};
    *o = (outcome){.out = NULL};
    for (int i = 0; i < leaves.inputs; i++) {
        leaves.in[i] = nb_tensor_clone(ctx, s->call.in[i]);
        assert_int_equal(nb_require_grad(ctx, leaves.in[i], true), NB_OK);
    }
    o->out = f(ctx, leaves.in, leaves.inputs, (void *)(uintptr_t)s);
    assert_non_null(o->out);
    assert_int_equal(run_back(&leaves, false, o), NB_OK);
    for (int i = 0; i < leaves.inputs; i++) nb_tensor_release(ctx, leaves.in[i]);
}

/* Catches a slope that is wrong, a run that begins or ends one neuron off, and anything in which
 * the fused layer differs from its parts: they give the same bits. */
static void test_dense(void **state)
{
    (void)state;
    for (int f = 0; f < NB_UNARIES; f++)
        for (int count = 1; count <= 3 && nb_unary_needs[f] != NB_NO_SLOPE; count += 2) {
            sample s;
            outcome whole, parts;
            dense_sample(&s, (nb_unary)f);
            s.call.attr.shared = runs_of((nb_unary)f, count);
            snprintf(s.text, sizeof s.text, "dense of %s, runs: %d", nb_unary_names[f], count);
            check_fn(s.text, call_sample, &s, s.call.in, s.call.inputs);
            check_fn(s.text, unfused, &s, s.call.in, s.call.inputs);
            run_fn(call_sample, &s, &whole);
            run_fn(unfused, &s, &parts);
            if (!near_all(&whole, &parts, 0, 0)) fail_msg("%s is not the sum of its parts", s.text);
            free_outcome(&whole);
            free_outcome(&parts);
            nb_shared_release(ctx, s.call.attr.shared);
            free_sample(&s);
        }
}

/* a = z^2 with the derivative 2z brought along, as a function of the host would. */
static nb_tensor *square_by_host(nb_ctx *same, nb_tensor *const *in, int count, void *arg)
{
    (void)arg;
    assert_int_equal(count, 1);
    nb_tensor *z = nb_tensor_alias(same, in[0]); /* without its link: no op records */
    nb_tensor *a = nb_op2(same, NB_OP_mul, z, z), *slope = nb_op2(same, NB_OP_add, z, z);
    nb_call chain = {.op = nb_ops[NB_OP_slope_chain], .in = {in[0], a, slope}, .inputs = 3};
    nb_tensor *out = nb_op_call(same, &chain);
    nb_tensor_release(same, z);
    nb_tensor_release(same, a);
    nb_tensor_release(same, slope);
    return out;
}

static void test_slope_chain(void **state)
{
    (void)state;
    nb_tensor *z = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, -2, 0.5, 3));
    check_fn("slope_chain", square_by_host, NULL, &z, 1);
    nb_tensor_release(ctx, z);
}

/* Catches a gradient that comes back in the dtype of the output. */
static void test_to(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2), VALUES(1, 2));
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {x}, .inputs = 1, .attr.dtype = NB_F32};
    nb_tensor *y = nb_op_call(ctx, &to), *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_int_equal(y->dtype, NB_F32);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    assert_int_equal(nb_leaf_of(x)->grad->dtype, NB_F64);
    for (int64_t i = 0; i < 2; i++) assert_true(nb_tensor_get(nb_leaf_of(x)->grad, &i) == 1);
    to = (nb_call){.op = nb_ops[NB_OP_to], .in = {x}, .inputs = 1, .attr.dtype = NB_U8};
    nb_tensor *stored = nb_op_call(ctx, &to);
    assert_null(stored->link);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, stored);
}

/* ---- The checker --------------------------------------------------------------------------------
 */

enum { RIGHT, WRONG_SIGN, FACTOR_TWO, MISSING_TERM, NO_GRADIENT, NOT_A_NUMBER, ERRORS };

/* y = a b + a */
static nb_tensor *planted_forward(nb_ctx *same, nb_call *call)
{
    nb_tensor *product = nb_op2(same, NB_OP_mul, call->in[0], call->in[1]);
    nb_tensor *out = product ? nb_op2(same, NB_OP_add, product, call->in[0]) : NULL;
    nb_tensor_release(same, product);
    if (!out) return NULL;
    nb_tensor *bare = nb_tensor_alias(same, out);
    nb_tensor_release(same, out);
    return bare;
}

/* da = δ b + δ with an error of op->kernel's kind; db = δ a. */
static nb_status planted_backward(nb_ctx *same, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    static const double factors[ERRORS] = {1, -1, 2, 1, 0, NAN};
    nb_tensor *part = nb_op2(same, NB_OP_mul, delta, record->in[1]);
    nb_tensor *sum = record->op->kernel == MISSING_TERM ? nb_tensor_retain(part)
                                                        : nb_op2(same, NB_OP_add, part, delta);
    grad[0] = nb_op_number(same, NB_OP_mul, sum, factors[record->op->kernel]);
    grad[1] = nb_op2(same, NB_OP_mul, delta, record->in[0]);
    nb_tensor_release(same, part);
    nb_tensor_release(same, sum);
    return NB_OK;
}

/* Catches a checker that passes everything: one wrong gradient of each kind must fail, at the input
 * that it was planted in, and the right one must not. */
static void test_checker(void **state)
{
    (void)state;
    nb_tensor *in[2] = {tensor_of(NB_F64, SHAPE(2), VALUES(1.5, -0.5)),
                        tensor_of(NB_F64, SHAPE(2), VALUES(0.25, 2))};
    for (int error = RIGHT; error < ERRORS; error++) {
        const nb_op op = {.name = "planted",
                          .kernel = error,
                          .promote = 3,
                          .reads = 3,
                          .forward = planted_forward,
                          .backward = planted_backward};
        sample s = {.call = {.op = &op, .inputs = 2}};
        nb_gradcheck_report r;
        ctx->recording = true;
        assert_int_equal(nb_gradcheck_fn(ctx, call_sample, &s, in, 2, &r), NB_OK);
        assert_true(ctx->recording);
        assert_int_equal(r.compared, 8);
        assert_int_equal(r.wrong, error == RIGHT ? 0 : error == NOT_A_NUMBER ? 4 : 2);
        if (error != RIGHT) assert_int_equal(r.input, 0);
        if (error == WRONG_SIGN) assert_true(fabs(r.analytic + r.numeric) < 1e-6);
        if (error == NOT_A_NUMBER) assert_true(isinf(r.worst));
    }
    const int64_t first = 0;
    assert_true(nb_tensor_get(in[0], &first) == 1.5);
    assert_null(in[0]->link);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, in[i]);
}

/* Both sides of the number of inputs, and an output that cannot be checked. */
static void test_checker_refuses(void **state)
{
    (void)state;
    nb_gradcheck_report r;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(1), VALUES(1)), *in[NB_MAX_INPUTS + 1];
    sample s = {.call = {.op = nb_ops[NB_OP_exp], .inputs = 1}};
    for (int i = 0; i <= NB_MAX_INPUTS; i++) in[i] = x;
    assert_int_equal(nb_gradcheck_fn(ctx, call_sample, &s, in, 0, &r), NB_EARG);
    assert_int_equal(nb_gradcheck_fn(ctx, call_sample, &s, in, NB_MAX_INPUTS + 1, &r), NB_EARG);
    assert_failed(NB_EARG, "1 to 8 inputs, not 9");
    assert_int_equal(nb_gradcheck_fn(ctx, call_sample, &s, in, 1, &r), NB_EARG);
    assert_failed(NB_EARG, "f64, not f32");
    nb_tensor_release(ctx, x);
}

/* ---- What is refused ------------------------------------------------------------------------- */

/* A call that must fail with a message that contains the text up to the next ';'. */
static void check_refusal(sample *s, const char *text)
{
    char wanted[128];
    nb_tensor *before[NB_MAX_INPUTS];
    nb_call call = s->call;
    text += strspn(text, ": ");
    snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(text, ";"), text);
    for (int i = 0; i < call.inputs; i++) before[i] = nb_tensor_clone(ctx, call.in[i]);
    nb_tensor *out = nb_op_call(ctx, &call);
    if (out) fail_msg("%s is not refused", s->text);
    for (int i = 0; i < NB_MAX_RESULTS - 1; i++) assert_null(call.more[i]);
    if (!strstr(ctx->message, wanted))
        fail_msg("%s: \"%s\" does not contain \"%s\"", s->text, ctx->message, wanted);
    for (int i = 0; i < call.inputs; i++) {
        assert_true(near(before[i], s->call.in[i], 0, 0));
        nb_tensor_release(ctx, before[i]);
    }
}

/* Catches an op that takes what does not fit, and a message that does not say what it was; with it
 * what a refusal leaves behind. Of two tensors that meet there is always a pair that does not fit,
 * but where one of them is an index or any shape is an answer. */
static void test_errors(void **state)
{
    (void)state;
    for (int i = 0; i < NB_OPS; i++) {
        const nb_op *op = nb_ops[i];
        bool meets = op->signature && strchr(op->signature, 't') && !op->hidden;
        bool answers = i == NB_OP_equal || i == NB_OP_outer;
        if (meets && !answers && !op->errors) fail_msg("%s has no errors", op->name);
        for (const char *at = op->errors; at && *at;) {
            sample s;
            assert_true(next_sample(op, &at, &s));
            assert_int_equal(*at, ':');
            check_refusal(&s, at);
            free_sample(&s);
            at += strcspn(at, ";");
            at += strspn(at, "; ");
        }
    }
}

/* ---- Failing memory -----------------------------------------------------------------------------
 */

static nb_status attempt(void *arg)
{
    const sample *s = arg;
    outcome o;
    nb_status status = run(s, NB_F64, false, &o);
    if (status == NB_OK) free_outcome(&o);
    return status;
}

static void memory_of(sample *s)
{
    nb_tensor *before[NB_MAX_INPUTS];
    for (int i = 0; i < s->call.inputs; i++) before[i] = nb_tensor_clone(ctx, s->call.in[i]);
    sweep(attempt, s);
    for (int i = 0; i < s->call.inputs; i++) {
        assert_true(near(before[i], s->call.in[i], 0, 0));
        nb_tensor_release(ctx, before[i]);
    }
}

/* Catches a request whose failure is not seen, and anything that is left behind after one. */
static void test_memory(void **state)
{
    (void)state;
    each_sample(memory_of, false);
}

static nb_status attempt_dense(void *arg)
{
    sample *s = arg;
    nb_status status = attempt(s);
    if (status != NB_OK) return status;
    nb_gradcheck_report r;
    return nb_gradcheck_fn(ctx, unfused, s, s->call.in, s->call.inputs, &r);
}

/* The same for a layer with activations, fused and not, and for the checker. */
static void test_memory_dense(void **state)
{
    (void)state;
    sample s;
    dense_sample(&s, NB_U_gelu);
    s.call.attr.shared = runs_of(NB_U_gelu, 3);
    ctx->recording = true;
    sweep(attempt_dense, &s);
    assert_true(ctx->recording);
    nb_shared_release(ctx, s.call.attr.shared);
    free_sample(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_have_samples),
        TEST(letters_have_fields),
        TEST(errors),
        TEST(gradients),
        TEST(f32),
        TEST(views),
        TEST(dense),
        TEST(slope_chain),
        TEST(to),
        TEST(checker),
        TEST(checker_refuses),
        TEST(memory),
        TEST(memory_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
