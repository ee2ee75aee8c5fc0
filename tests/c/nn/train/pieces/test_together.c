/* Pieces in one pass: which go so, and that they have the bits of pieces one by one, whichever ways
 * their products go. */
#include "../../nets.h"

#include "../../../support.h"
#include "base/workers.h"
#include "nn/train/pieces/run.h"
#include "nn/train/pieces/together.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Examples of `width` inputs in pieces. */
typedef struct shape {
    const char *notation;
    int64_t width, rows, pieces;
    bool alone; /* its rows are read another way: it goes piece by piece */
} shape;

#define ENDS " - 10 softmax : cross_entropy"

static const shape shapes[] = {
    /* One row each, two, sizes on both sides of where w is copied (16) and where rows are many. */
    {"40 - 30 tanh" ENDS, 40, 8, .pieces = 8},
    {"40 - 30 tanh" ENDS, 40, 17, .pieces = 8},
    {"40 - 30 tanh" ENDS, 40, 125, .pieces = 8},
    {"70 - 200 relu - 130 tanh" ENDS, 70, 500, .pieces = 8},
    /* The BLAS has some of these products, and products of narrow rows one of them. */
    {"100 - 100 relu" ENDS, 100, 600, .pieces = 8},
    {"20 - 12 tanh - 6 tanh" ENDS, 20, 400, .pieces = 8},
    /* The sums of one piece are deeper than a block. */
    {"300 - 260 relu - 250 relu" ENDS, 300, 1500, .pieces = 6},
    /* More layers than one op takes, odd trees, other costs, a tree that is cut by its rows. */
    {"12 - 9 tanh - 8 relu - 9 gelu - 7 tanh - 6 silu" ENDS, 12, 200, .pieces = 7},
    {"33 - 40 sigmoid - 10 sigmoid : cross_entropy", 33, 100, .pieces = 3},
    {"33 - 40 tanh - 1 exp : poisson", 33, 100, .pieces = 13},
    {"20 - 17 relu" ENDS, 20, 5000, .pieces = 8},
    /* Layers without b, and one that not all pass. */
    {"40 - 30 tanh - 20 bias=false" ENDS, 40, 90, .pieces = 8},
    /* Most of what comes in is 0, so rows of it are added up. */
    {"64 - 32 relu" ENDS, 64, 160, .pieces = 4, .alone = true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* A network and examples for it. */
typedef struct lab {
    nb_net *net;
    nb_mode mode;
    nb_whole whole;
    nb_cut cut;
} lab;

static void begin(lab *l, const shape *s, nb_dtype dtype)
{
    bool counts = strstr(s->notation, "poisson"), both = strstr(s->notation, "10 sigmoid");
    l->net = net_of(ctx, s->notation, dtype);
    l->mode = (nb_mode){.learning = true, .seed = 3, .step = 5};
    l->cut = nb_cut_of(ctx, s->rows, s->pieces);
    l->whole = (nb_whole){.net = l->net, .mode = &l->mode};
    l->whole.x = uniform(ctx, dtype, s->rows, s->width, -1, 1, 11);
    l->whole.y = counts ? uniform(ctx, dtype, s->rows, 1, 0, 3, 13)
                 : both ? uniform(ctx, dtype, s->rows, 10, 0, 1, 13)
                        : classes_in_turn(ctx, s->rows, 10);
    for (int64_t i = 0; s->alone && i < s->rows; i++)
        for (int64_t j = 0; j < s->width; j++)
            if (j != i % s->width) nb_tensor_set(l->whole.x, (const int64_t[]){i, j}, 0);
}

static void end(lab *l)
{
    nb_tensor_release(ctx, l->whole.x);
    nb_tensor_release(ctx, l->whole.y);
    nb_net_release(ctx, l->net);
}

/* The gradient of all pieces, a copy; with single ops they go one by one. */
static nb_tensor *gradient(lab *l, bool apart, int threads, nb_outcome *outcome)
{
    assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
    ctx->apart = apart;
    assert_int_equal(nb_together_can(ctx, &l->whole), !apart);
    assert_int_equal(nb_pieces_learn(ctx, &l->whole, &l->cut, outcome), NB_OK);
    ctx->apart = false;
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
    nb_tensor *copy = nb_tensor_clone(ctx, l->net->grads);
    assert_non_null(copy);
    return copy;
}

/* Whether the largest first node of the tree goes in one pass. */
static bool joins(lab *l)
{
    double cost[16], steepest;
    int64_t hi = nb_cut_node(&l->cut, 0, l->cut.pieces, NB_TOGETHER_ROWS);
    assert_true(hi <= 16 && nb_cut_start(&l->cut, hi) <= NB_TOGETHER_ROWS);
    if (nb_together_learn(ctx, &l->whole, &l->cut, 0, hi, cost, &steepest) != NB_OK) return false;
    const double largest =
        nb_real(l->net->dtype)
            ->magnitude((size_t)nb_net_count(l->net), nb_tensor_data(l->net->grads));
    assert_true(largest > 0 && largest <= steepest);
    return true;
}

static void check(const shape *s, nb_dtype dtype)
{
    lab l;
    nb_outcome one, other;
    begin(&l, s, dtype);
    nb_tensor *apart = gradient(&l, true, 1, &one);
    for (int threads = 1; threads <= 9; threads += threads > 2 ? 6 : 1) {
        nb_tensor *together = gradient(&l, false, threads, &other);
        if (!same_bits(ctx, apart, together)) fail_msg("%s, %d threads", s->notation, threads);
        assert_memory_equal(&one, &other, sizeof one);
        assert_true(
            l.net->home->steepest.size >=
            nb_real(dtype)->magnitude((size_t)nb_net_count(l.net), nb_tensor_data(l.net->grads)));
        nb_tensor_release(ctx, together);
    }
    assert_int_equal(joins(&l), !s->alone);
    nb_tensor_release(ctx, apart);
    end(&l);
}

static void test_bits(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        check(&shapes[i], NB_F32);
        check(&shapes[i], NB_F64);
    }
}

/* ---- Which go so ----------------------------------------------------------------------------- */

static bool can(const char *notation, int64_t width)
{
    const shape s = {notation, width, 32, .pieces = 8};
    lab l;
    begin(&l, &s, NB_F32);
    bool fits = nb_together_can(ctx, &l.whole);
    end(&l);
    return fits;
}

static void test_networks(void **state)
{
    (void)state;
    assert_true(can("6 - 5 tanh" ENDS, 6));
    assert_true(can("6" ENDS, 6));
    assert_false(can("6 - 5 tanh - dropout 0.5" ENDS, 6));
    assert_false(can("6 - 5 tanh - batch_norm" ENDS, 6));
    assert_false(can("6 - 5 tanh frozen" ENDS, 6));
    assert_false(can("6 - residual[6 tanh]" ENDS, 6));
    assert_false(can("6 - 5 tanh - 10 sigmoid : quadratic", 6));
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* The message is that of pieces one by one. */
static void test_not_finite(void **state)
{
    const shape s = {"6 - 5 tanh" ENDS, 6, 32, .pieces = 8};
    char message[NB_MESSAGE_MAX];
    nb_outcome outcome;
    lab l;
    (void)state;
    begin(&l, &s, NB_F32);
    nb_tensor_set(l.whole.x, (const int64_t[]){13, 2}, NAN);
    ctx->apart = true;
    assert_int_equal(nb_pieces_learn(ctx, &l.whole, &l.cut, &outcome), NB_EVALUE);
    strcpy(message, ctx->message);
    ctx->apart = false;
    assert_int_equal(nb_pieces_learn(ctx, &l.whole, &l.cut, &outcome), NB_EVALUE);
    assert_string_equal(ctx->message, message);
    assert_non_null(strstr(message, "14"));
    end(&l);
}

static nb_status learn(nb_ctx *c, nb_net *net, void *arg)
{
    lab *l = arg;
    nb_outcome outcome;
    (void)net;
    return nb_pieces_learn(c, &l->whole, &l->cut, &outcome);
}

static void test_memory(void **state)
{
    const shape s = {"6 - 5 tanh" ENDS, 6, 32, .pieces = 8};
    lab l;
    (void)state;
    begin(&l, &s, NB_F32);
    sweep(ctx, l.net, learn, &l);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_finite, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
