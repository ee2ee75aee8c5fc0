/* Who looks on at a backward pass: what each row of a batch gives. */
#include "grad/tape.h"

#include "../support.h"

/* What was told of the leaves w and b, in turn. */
typedef struct seen {
    const nb_tensor *w, *b;
    int products, sums, wholes;
    double a[4], rows[4]; /* of the product: a's and b's numbers */
    bool by_steps;
    nb_status answer;
} seen;

static void copy(double *to, const nb_tensor *from)
{
    for (int64_t i = 0; i < nb_tensor_count(from) && i < 4; i++)
        to[i] = ((const double *)nb_tensor_data(from))[i];
}

static nb_status take(nb_ctx *c, void *self, const nb_share *share)
{
    seen *s = self;
    if (!share->a) s->wholes++;
    if (share->a && share->leaf == s->w && share->b) {
        s->products++;
        copy(s->a, share->a);
        copy(s->rows, share->b);
    }
    if (share->a && share->leaf == s->b && !share->b) s->sums++;
    s->by_steps = share->by_steps;
    return s->answer == NB_OK ? NB_OK : nb_fail(c, s->answer, "enough");
}

/* C = Σ over two rows of w x + b, x = 1 2 / 3 4, one neuron: δ is 1 in both. `scaled`: times w's
 * sum, which an op gives w whole. */
typedef struct line {
    nb_tensor *x, *w, *b, *cost;
} line;

static line begin(bool scaled)
{
    line l = {.x = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              .w = tensor_of(NB_F64, SHAPE(1, 2), VALUES(5, 6)),
              .b = tensor_of(NB_F64, SHAPE(1), VALUES(7))};
    assert_int_equal(nb_require_grad(ctx, l.w, true), NB_OK);
    assert_int_equal(nb_require_grad(ctx, l.b, true), NB_OK);
    ctx->recording = true;
    nb_call call = {.op = nb_ops[NB_OP_dense], .in = {l.x, l.w, l.b}, .inputs = 3};
    nb_tensor *z = nb_op_call(ctx, &call), *sum = scaled ? nb_op1(ctx, NB_OP_sum, l.w) : NULL;
    if (scaled) z = nb_then2(ctx, NB_OP_mul, z, sum);
    l.cost = nb_op1(ctx, NB_OP_sum, z);
    assert_non_null(l.cost);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, sum);
    return l;
}

static void end(line *l)
{
    nb_tensor_release(ctx, l->cost);
    nb_tensor_release(ctx, l->x);
    nb_tensor_release(ctx, l->w);
    nb_tensor_release(ctx, l->b);
}

static nb_status look(const line *l, seen *s, bool alone)
{
    const nb_tape_observer observer = {.share = take, .self = s, .alone = alone};
    const nb_backward_options options = {.observer = &observer};
    s->w = l->w;
    s->b = l->b;
    return nb_backward(ctx, l->cost, &options);
}

/* dC/dw = 1 · (1 2) + 1 · (3 4), dC/db = 1 + 1. */
static void test_rows_are_told(void **state)
{
    (void)state;
    line l = begin(false);
    seen s = {.answer = NB_OK};
    assert_int_equal(look(&l, &s, false), NB_OK);
    assert_int_equal(s.products, 1);
    assert_int_equal(s.sums, 1);
    assert_int_equal(s.wholes, 0);
    assert_false(s.by_steps);
    assert_true(s.a[0] == 1 && s.a[1] == 1);
    for (int i = 0; i < 4; i++) assert_true(s.rows[i] == i + 1);
    const double *dw = nb_tensor_data(nb_leaf_grad(nb_leaf_of(l.w)));
    assert_true(dw[0] == 4 && dw[1] == 6);
    assert_true(nb_tensor_item(nb_leaf_grad(nb_leaf_of(l.b))) == 2);
    end(&l);
}

static void test_alone_nothing_is_written(void **state)
{
    (void)state;
    line l = begin(false);
    seen s = {.answer = NB_OK};
    assert_int_equal(look(&l, &s, true), NB_OK);
    assert_int_equal(s.products + s.sums, 2);
    assert_null(nb_leaf_grad(nb_leaf_of(l.w)));
    assert_null(nb_leaf_grad(nb_leaf_of(l.b)));
    end(&l);
}

/* What an op gives without rows is told too; and who has enough ends the pass before it writes. */
static void test_whole_sums_and_failure(void **state)
{
    (void)state;
    line l = begin(true);
    seen s = {.answer = NB_OK};
    assert_int_equal(look(&l, &s, false), NB_OK);
    assert_int_equal(s.wholes, 1);
    end(&l);
    l = begin(false);
    s = (seen){.answer = NB_EVALUE};
    assert_int_equal(look(&l, &s, false), NB_EVALUE);
    assert_string_equal(ctx->message, "enough");
    assert_null(nb_leaf_grad(nb_leaf_of(l.w)));
    end(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_are_told),
        TEST(alone_nothing_is_written),
        TEST(whole_sums_and_failure),
    };
    return cmocka_run_group_tests_name("observer", tests, NULL, NULL);
}
