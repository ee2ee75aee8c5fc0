/* What the descriptors say that backward reads (reads, crosswise) and what forward saves, against
 * what backward does: over every op of the table, when one of these tensors was changed in place
 * since, backward is an error or gives the gradients of the values as they were. */
#include "samples.h"

/* A call that was recorded and waits for its backward. */
typedef struct waiting {
    nb_call call; /* inputs and further results, owned */
    outcome got;
    nb_dtype dtype;
    bool gaps;
} waiting;

static void drop(waiting *w)
{
    nb_call_drop(ctx, &w->call);
    for (int i = 0; i < w->call.inputs; i++) nb_tensor_release(ctx, w->call.in[i]);
    free_outcome(&w->got);
}

/* The sample forward, gradients flowing through the inputs whose bit is set; false when nothing
 * was recorded. */
static bool start(const sample *s, waiting *w, unsigned needs)
{
    w->call = s->call;
    w->got = (outcome){.out = NULL};
    for (int i = 0; i < s->call.inputs; i++) {
        w->call.in[i] = like(s->call.in[i], w->dtype, w->gaps);
        if (needs >> i & 1 && nb_dtype_computes(w->call.in[i]->dtype))
            assert_int_equal(nb_require_grad(ctx, w->call.in[i], true), NB_OK);
    }
    w->got.out = nb_op_call(ctx, &w->call);
    if (!w->got.out) fail_msg("%s: %s", s->text, ctx->message);
    return w->got.out->link;
}

/* Changes every element as an in-place op does. Indices stay within what they index. */
static void change(nb_tensor *t)
{
    int64_t index[NB_MAX_DIMS] = {0}, count = nb_tensor_count(t);
    double first = count ? nb_tensor_get(t, index) : 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k;
        for (int d = t->dims - 1; d >= 0; rest /= t->shape[d--]) index[d] = rest % t->shape[d];
        double x = nb_tensor_get(t, index);
        nb_tensor_set(t, index, t->dtype == NB_U8 ? x == 0 : t->dtype == NB_I32 ? first : x + 0.5);
    }
    nb_tensor_touch(t, "add_");
}

/* The tensors of a call that a user may change: inputs, the output, further results. */
static nb_tensor *changeable(const waiting *w, int which)
{
    if (which < NB_MAX_INPUTS) return w->call.in[which];
    if (which == NB_MAX_INPUTS) return w->got.out;
    return w->call.more[which - NB_MAX_INPUTS - 1];
}

static void check_change(const sample *s, waiting *w, unsigned needs, int which,
                         const outcome *want)
{
    assert_true(start(s, w, needs));
    nb_tensor *t = changeable(w, which);
    if (t) {
        change(t);
        if (run_back(&w->call, w->gaps, &w->got) != NB_OK)
            assert_failed(NB_EARG, "needs values for its gradient that add_ changed in place");
        else
            for (int i = 0; i < w->call.inputs; i++)
                if (!near(w->got.grad[i], want->grad[i], 0, 0))
                    fail_msg("%s: the gradient of input %d reads tensor %d, changed in place",
                             s->text, i, which);
    }
    drop(w);
}

static void check_needs(const sample *s, unsigned needs, nb_dtype dtype, bool gaps)
{
    waiting plain = {.dtype = dtype, .gaps = gaps}, w = plain;
    bool recorded = start(s, &plain, needs);
    if (recorded) {
        if (run_back(&plain.call, gaps, &plain.got) != NB_OK)
            fail_msg("%s: %s", s->text, ctx->message);
        for (int which = 0; which < NB_MAX_INPUTS + NB_MAX_RESULTS; which++)
            check_change(s, &w, needs, which, &plain.got);
    }
    drop(&plain);
}

/* Catches an op whose backward reads elements that nothing watches, so that a change in place gave
 * a wrong gradient in silence. Which inputs need a gradient decides what is read: all choices. */
static void test_every_op(void **state)
{
    (void)state;
    for (int i = 0; i < NB_OPS; i++) {
        const char *at = nb_ops[i]->samples;
        sample s;
        while (next_sample(nb_ops[i], &at, &s)) {
            for (unsigned needs = 1; nb_ops[i]->backward && needs >> s.checked == 0; needs++)
                for (int gaps = 0; gaps < 2; gaps++)
                    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
                        check_needs(&s, needs, dtype, gaps);
            free_sample(&s);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_op)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
