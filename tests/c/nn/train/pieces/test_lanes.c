/* Batch norm over a batch in pieces: outputs, gradients and figures are those of the whole batch,
 * the same bits however many processes share the pieces, and whatever fails ends all. */
#include "../../../base/processes/fake_peers.h"
#include "../../../base/fixture.h"

#include "base/memory.h"
#include "base/random.h"
#include "grad/across.h"
#include "grad/tape.h"
#include "nn/train/pieces/lanes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ROWS = 40, CHANNELS = 3, INNER = 4, PIECES = 8, MOST = ROWS * CHANNELS * INNER };

/* What a batch gives: each row's, each piece's, and what all have alike. */
typedef struct given {
    double y[MOST], dx[MOST];
    double dgain[PIECES][CHANNELS], dshift[PIECES][CHANNELS];
    double mean[CHANNELS], variance[CHANNELS];
    int passes;
} given;

/* A batch, and what happens to a piece of it. */
typedef struct trial {
    nb_dtype dtype;
    int64_t rows;
    bool steps;         /* (n, T, c), padded; else (n, c, inner) */
    int64_t bad, skips; /* the pieces that fail, and that leave the second norm out; -1: none */
    sig_atomic_t pressed;
    int64_t presses; /* the piece that presses Ctrl-C */
    given *to;
} trial;

static int64_t each_of(const trial *t)
{
    (void)t;
    return CHANNELS * INNER;
}

/* Number i of a stream: far from 0, so that means matter. */
static double number(uint64_t what, int64_t i)
{
    return 5 + 3 * sin(0.7 * (double)(i + 1) * (double)(what + 1)) + 1e-3 * (double)(i % 17);
}

static nb_tensor *numbers(nb_ctx *ctx, const trial *t, uint64_t what, int64_t row, int64_t n)
{
    const int64_t space[] = {n, CHANNELS, INNER}, steps[] = {n, INNER, CHANNELS};
    nb_tensor *out = nb_tensor_new(ctx, NB_F64, 3, t->steps ? steps : space);
    for (int64_t i = 0; out && i < n * each_of(t); i++)
        ((double *)nb_tensor_data(out))[i] = number(what, row * each_of(t) + i);
    nb_tensor *own = out ? nb_tensor_convert(ctx, out, t->dtype, 1) : NULL;
    nb_tensor_release(ctx, out);
    return own;
}

static nb_tensor *channels(nb_ctx *ctx, const trial *t, double first)
{
    const int64_t c = CHANNELS;
    nb_tensor *out = nb_tensor_new(ctx, t->dtype, 1, &c);
    for (int64_t i = 0; out && i < c; i++) nb_tensor_set(out, &i, first + 0.5 * (double)i);
    return out;
}

static nb_tensor *lengths(nb_ctx *ctx, int64_t row, int64_t n)
{
    nb_tensor *out = nb_tensor_new(ctx, NB_I32, 1, &n);
    for (int64_t i = 0; out && i < n; i++)
        ((int32_t *)nb_tensor_data(out))[i] = (int32_t)(1 + (row + i) * 7 % INNER);
    return out;
}

static void read(const nb_tensor *from, double *to)
{
    for (int64_t i = 0; i < nb_tensor_count(from); i++)
        to[i] = from->dtype == NB_F64 ? ((double *)nb_tensor_data(from))[i]
                                      : (double)((float *)nb_tensor_data(from))[i];
}

/* One norm more; takes x over. Its figures into the trial's, where `to` says so. */
static nb_tensor *norm(nb_ctx *ctx, const trial *t, nb_tensor *x, nb_tensor *const *in, given *to)
{
    nb_call call = nb_call_make(nb_ops[NB_OP_batch_norm]);
    call.attr.channels.dim = t->steps ? 2 : 1;
    call.in[call.inputs++] = x;
    call.in[call.inputs++] = in[0];
    call.in[call.inputs++] = in[1];
    if (in[2]) call.in[call.inputs++] = in[2];
    nb_tensor *y = x ? nb_op_call(ctx, &call) : NULL;
    if (y && to) read(call.more[0], to->mean);
    if (y && to) read(call.more[1], to->variance);
    for (int i = 0; i < 2 && y; i++) nb_tensor_release(ctx, call.more[i]);
    nb_tensor_release(ctx, x);
    return y;
}

/* Two norms, one behind the other, and backward from δ. */
static nb_status pass(nb_ctx *ctx, trial *t, int64_t piece, int64_t row, int64_t n, given *to)
{
    nb_tensor *x = numbers(ctx, t, 1, row, n), *delta = numbers(ctx, t, 2, row, n), *y = NULL;
    nb_tensor *in[3] = {channels(ctx, t, 1), channels(ctx, t, -1), NULL};
    bool whole = x && delta && in[0] && in[1];
    if (whole && t->steps) whole = (in[2] = lengths(ctx, row, n)) != NULL;
    for (int i = 0; i < 2 && whole; i++) whole = nb_require_grad(ctx, in[i], true) == NB_OK;
    if (whole) whole = nb_require_grad(ctx, x, true) == NB_OK;
    if (whole) y = norm(ctx, t, nb_tensor_retain(x), in, to);
    if (y && piece == t->bad) {
        nb_fail(ctx, NB_EVALUE, "piece %d is bad", (int)piece);
        nb_tensor_release(ctx, y);
        y = NULL;
    }
    if (piece == t->presses) t->pressed = 1;
    if (y && piece != t->skips) y = norm(ctx, t, y, in, NULL);
    nb_status status =
        y ? nb_backward(ctx, y, &(nb_backward_options){.delta = delta}) : ctx->status;
    if (status == NB_OK && to) {
        read(y, to->y + row * each_of(t));
        read(nb_leaf_grad(nb_leaf_of(x)), to->dx + row * each_of(t));
        read(nb_leaf_grad(nb_leaf_of(in[0])), to->dgain[piece]);
        read(nb_leaf_grad(nb_leaf_of(in[1])), to->dshift[piece]);
        to->passes++;
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, delta);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, in[i]);
    return status;
}

typedef struct lanes_of {
    trial *trial;
    const nb_cut *cut;
} lanes_of;

static nb_status run(nb_ctx *ctx, void *self, int64_t piece, bool ghost)
{
    const lanes_of *l = self;
    int64_t row = nb_cut_start(l->cut, piece), n = nb_cut_start(l->cut, piece + 1) - row;
    static given unseen;
    return pass(ctx, l->trial, piece, row, n, ghost ? &unseen : l->trial->to);
}

static nb_status in_pieces(nb_ctx *ctx, trial *t, int64_t pieces, bool *told)
{
    nb_cut cut = nb_cut_of(ctx, t->rows, pieces);
    lanes_of self = {t, &cut};
    return nb_lanes_run(ctx, &(nb_lanes){.cut = &cut, .step = 3, .run = run, .self = &self}, told);
}

static trial plain(nb_dtype dtype, int64_t rows, bool steps, given *to)
{
    memset(to, 0, sizeof *to);
    return (trial){dtype, rows, steps, .bad = -1, .skips = -1, .presses = -1, .to = to};
}

static bool near(const double *a, const double *b, int64_t n, double within)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= within * (1 + fabs(b[i])))) return false;
    return true;
}

/* Against the whole batch in one, of which the op's own tests say that it is right. */
static void check_whole(nb_ctx *ctx, trial *t, int64_t pieces, double within)
{
    static given whole;
    given *to = t->to;
    bool told = true;
    memset(&whole, 0, sizeof whole);
    t->to = &whole;
    assert_int_equal(pass(ctx, t, 0, 0, t->rows, &whole), NB_OK);
    t->to = to;
    memset(to, 0, sizeof *to);
    assert_int_equal(in_pieces(ctx, t, pieces, &told), NB_OK);
    assert_false(told);
    assert_int_equal(to->passes, pieces < t->rows ? pieces : t->rows);
    assert_true(near(to->y, whole.y, t->rows * each_of(t), within));
    assert_true(near(to->dx, whole.dx, t->rows * each_of(t), within));
    assert_true(near(to->mean, whole.mean, CHANNELS, within));
    assert_true(near(to->variance, whole.variance, CHANNELS, within));
    for (int64_t i = 1; i < pieces; i++)
        for (int k = 0; k < CHANNELS; k++) {
            to->dgain[0][k] += to->dgain[i][k];
            to->dshift[0][k] += to->dshift[i][k];
        }
    assert_true(near(to->dgain[0], whole.dgain[0], CHANNELS, within));
    assert_true(near(to->dshift[0], whole.dshift[0], CHANNELS, within));
}

static void test_whole_batch(void **state)
{
    static given to;
    for (int64_t rows = 2; rows <= ROWS; rows += rows < 10 ? 1 : 10)
        for (int64_t pieces = 1; pieces <= PIECES; pieces++)
            for (int steps = 0; steps < 2; steps++) {
                trial t = plain(NB_F64, rows, steps, &to);
                check_whole(*state, &t, pieces, 1e-11);
                t = plain(NB_F32, rows, steps, &to);
                check_whole(*state, &t, pieces, 2e-4);
            }
}

/* One row in all: no variance, whichever piece has it. */
static void test_one_row(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    bool told;
    trial t = plain(NB_F64, 1, true, &to);
    assert_int_equal(in_pieces(ctx, &t, PIECES, &told), NB_ESHAPE);
    assert_non_null(strstr(ctx->message, "batch_norm needs two values or more"));
    t = plain(NB_F64, 0, true, &to);
    assert_int_equal(in_pieces(ctx, &t, PIECES, &told), NB_OK);
    assert_int_equal(to.passes, 0);
}

/* ---- Several processes ----------------------------------------------------------------------- */

static bool share_pieces(nb_ctx *ctx, void *arg)
{
    trial t = *(trial *)arg;
    bool told;
    if (in_pieces(ctx, &t, PIECES, &told) == NB_OK) return true;
    fprintf(stderr, "%s\n", ctx->message);
    return false;
}

static void test_processes(void **state)
{
    static const int ranks[] = {1, 2, 3, 4, 8};
    static const int64_t rows[] = {40, 13, 8, 7, 3, 2};
    static given alone;
    given *to = mmap(NULL, sizeof *to, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(to, MAP_FAILED);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int steps = 0; steps < 2; steps++) {
            bool told;
            trial t = plain(NB_F32, rows[i], steps, &alone);
            assert_int_equal(in_pieces(*state, &t, PIECES, &told), NB_OK);
            for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
                t = plain(NB_F32, rows[i], steps, to);
                assert_true(fake_peers_run(ranks[k], share_pieces, &t));
                alone.passes = to->passes; /* counted by several at once */
                assert_memory_equal(to, &alone, sizeof alone);
            }
        }
    munmap(to, sizeof *to);
}

/* Every process ends with the message of the one whose piece failed, wherever the others were. */
static bool fail_together(nb_ctx *ctx, void *arg)
{
    trial t = *(trial *)arg;
    bool told;
    nb_status status = in_pieces(ctx, &t, PIECES, &told);
    if (!told) status = nb_peers_share(ctx, NB_PEERS_STEP, 3, status);
    bool good = status == NB_EVALUE && strstr(ctx->message, "piece 5 is bad");
    if (!good) fprintf(stderr, "%d: %d %s\n", ctx->peers->rank, status, ctx->message);
    return good && ctx->memory.live == 0;
}

static void test_failing_process(void **state)
{
    static given to;
    (void)state;
    trial t = plain(NB_F32, 13, false, &to);
    t.bad = 5;
    for (int ranks = 1; ranks <= PIECES; ranks++)
        assert_true(fake_peers_run(ranks, fail_together, &t));
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void test_failing_piece(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    bool told;
    for (int64_t bad = 0; bad < PIECES; bad++) {
        trial t = plain(NB_F64, ROWS, false, &to);
        char text[32];
        t.bad = bad;
        snprintf(text, sizeof text, "piece %d is bad", (int)bad);
        assert_int_equal(in_pieces(ctx, &t, PIECES, &told), NB_EVALUE);
        assert_string_equal(ctx->message, text);
        assert_int_equal(to.passes, 0);
        assert_null(ctx->across);
        assert_true(ctx->recording);
    }
}

static void test_other_ways(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    bool told;
    for (int64_t skips = 0; skips < PIECES; skips++) {
        trial t = plain(NB_F64, ROWS, false, &to);
        t.skips = skips;
        assert_int_equal(in_pieces(ctx, &t, PIECES, &told), NB_EARG);
        assert_non_null(strstr(ctx->message, "go different ways through the network"));
    }
}

static void test_interrupt(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    bool told;
    for (int64_t presses = 0; presses < PIECES; presses++) {
        trial t = plain(NB_F64, ROWS, false, &to);
        t.presses = presses;
        ctx->interrupt = &t.pressed;
        assert_int_equal(in_pieces(ctx, &t, PIECES, &told), NB_EINTERRUPT);
        ctx->interrupt = NULL;
    }
}

/* Every request for memory fails once, and from there on. */
static void test_no_memory(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    bool told;
    ctx->memory.pool_cap = 0;
    for (int on = 0; on < 2; on++) {
        nb_status status = NB_EMEMORY;
        int failures = 0;
        for (uint64_t i = 1; status != NB_OK; i++) {
            trial t = plain(NB_F64, 5, true, &to);
            nb_pool_trim(ctx);
            ctx->memory.fail_at = ctx->memory.requests + i;
            ctx->memory.fail_on = on;
            status = in_pieces(ctx, &t, 4, &told);
            ctx->memory.fail_at = 0;
            assert_true(status == NB_OK || status == NB_EMEMORY);
            assert_int_equal(ctx->memory.live, 0);
            failures += status != NB_OK;
        }
        assert_true(failures > 20);
    }
}

/* Of a single piece. */
static nb_status as_it_is(nb_ctx *ctx, void *self, int64_t which, double *sums, int64_t n)
{
    (void)ctx;
    (void)self;
    (void)sums;
    return which / NB_ACROSS_PARTS == 7 && n >= CHANNELS ? NB_OK : NB_EARG;
}

/* What a piece has recorded goes back through its batch, and that is over. */
static void test_gradient_afterwards(void **state)
{
    static given to;
    nb_ctx *ctx = *state;
    trial t = plain(NB_F64, 4, false, &to);
    int64_t ops = 6;
    const nb_across alone = {.sum = as_it_is, .ops = &ops};
    nb_tensor *x = numbers(ctx, &t, 1, 0, 4), *in[3] = {channels(ctx, &t, 1), channels(ctx, &t, 0)};
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    ctx->across = &alone;
    nb_tensor *y = norm(ctx, &t, nb_tensor_retain(x), in, NULL);
    ctx->across = NULL;
    assert_int_equal(ops, 7);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_EARG);
    assert_non_null(strstr(ctx->message, "figures of a batch in pieces"));
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, in[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_piece, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gradient_afterwards, setup, teardown),
    };
    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
