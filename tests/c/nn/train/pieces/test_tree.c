/* Sums along the tree over pieces: each against the recursion that tree.h states, written out anew
 * over numbers whose sum depends on its order, at any number of pieces, of rows and of processes.
 */
#include "../../../base/processes/fake_peers.h"
#include "nn/train/pieces/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(what)                                                                                \
    if (!(what)) return fprintf(stderr, "rank %d: %s\n", ctx->peers->rank, #what), false

enum { COUNT = 37, NUMBERS = 2, MOST = 33 };

/* Number k of piece i: sizes so far apart that every sum rounds. */
static double number(int64_t piece, int64_t k)
{
    uint64_t mixed = ((uint64_t)piece * 40503u + (uint64_t)k * 9973u + 12345u) * 2654435761u;
    double size = (double)((mixed >> 20) % 2000003) / 7 - 100000;
    return (mixed >> 9) % 5 == 0 ? size * 4096 : size / 512;
}

static bool is_empty(int64_t rows, int64_t pieces, int64_t i)
{
    return i * rows / pieces == (i + 1) * rows / pieces;
}

/* The sum of a node by the words of the header; false where there is nothing in it. */
static bool add_up(int64_t rows, int64_t pieces, int64_t lo, int64_t hi, double numbers[NUMBERS],
                   float data[COUNT])
{
    double more[NUMBERS];
    float other[COUNT];
    int64_t half = 1;
    if (hi - lo == 1) {
        for (int k = 0; k < NUMBERS; k++) numbers[k] = number(lo, k) / 3;
        for (int k = 0; k < COUNT; k++) data[k] = (float)number(lo, k + 7);
        return !is_empty(rows, pieces, lo);
    }
    while (half * 2 < hi - lo) half *= 2;
    bool left = add_up(rows, pieces, lo, lo + half, numbers, data);
    bool right = add_up(rows, pieces, lo + half, hi, more, other);
    for (int k = 0; k < NUMBERS && right; k++) numbers[k] = left ? numbers[k] + more[k] : more[k];
    for (int k = 0; k < COUNT && right; k++) data[k] = left ? data[k] + other[k] : other[k];
    return left || right;
}

static nb_status put_own(nb_ctx *ctx, nb_tree *tree, const nb_cut *cut)
{
    nb_status status = NB_OK;
    for (int64_t i = cut->first; i < cut->end && status == NB_OK; i++) {
        double numbers[NUMBERS];
        float data[COUNT];
        if (nb_cut_start(cut, i) == nb_cut_start(cut, i + 1)) continue;
        for (int k = 0; k < NUMBERS; k++) numbers[k] = number(i, k) / 3;
        for (int k = 0; k < COUNT; k++) data[k] = (float)number(i, k + 7);
        status = nb_tree_put(ctx, tree, i, numbers, data);
    }
    return status;
}

/* All bits of the sum of such pieces. */
static bool sums(nb_ctx *ctx, int64_t rows, int64_t pieces)
{
    double numbers[NUMBERS];
    float data[COUNT];
    nb_head head;
    nb_tree tree;
    const nb_cut cut = nb_cut_of(ctx, rows, pieces);
    bool any = add_up(rows, pieces, 0, pieces, numbers, data);
    nb_tree_begin(&tree, &cut, NUMBERS, NB_F32, COUNT);
    nb_head_begin(ctx, &head, NB_PEERS_STEP, 3, put_own(ctx, &tree, &cut));
    bool same = nb_tree_total(ctx, &tree, &head) == NB_OK;
    const double *got = nb_tree_numbers(&tree);
    same = same && !any == !got;
    same = same && (!any || !memcmp(got, numbers, sizeof numbers));
    same = same && (!any || !memcmp(nb_tree_data(&tree), data, sizeof data));
    nb_tree_free(ctx, &tree);
    if (!same) fprintf(stderr, "%lld rows in %lld pieces\n", (long long)rows, (long long)pieces);
    return same;
}

/* Fewer rows than pieces leave some empty; more leave none. */
static bool all_sums(nb_ctx *ctx, void *arg)
{
    static const int64_t rows[] = {0, 1, 2, 3, 5, 8, 13, 32, 33, 1000};
    (void)arg;
    int ranks = ctx->peers ? ctx->peers->ranks : 1;
    for (int64_t pieces = ranks; pieces <= MOST; pieces++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (!sums(ctx, rows[i], pieces)) return false;
    return sums(ctx, 70, 4096) && sums(ctx, 5000, 1025);
}

static void alone(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    assert_true(all_sums(ctx, NULL));
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void in_several_processes(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 9; ranks++) assert_true(fake_peers_run(ranks, all_sums, NULL));
}

/* The piece that a cut begins is where the last one ended, and processes share all of them. */
static bool cuts_cover(nb_ctx *ctx, void *arg)
{
    (void)arg;
    for (int64_t pieces = ctx->peers->ranks; pieces < 40; pieces++) {
        const nb_cut cut = nb_cut_of(ctx, 101, pieces);
        int64_t ranks = ctx->peers->ranks, rank = ctx->peers->rank;
        CHECK(cut.first == rank * pieces / ranks && cut.end == (rank + 1) * pieces / ranks);
        CHECK(nb_cut_start(&cut, 0) == 0 && nb_cut_start(&cut, pieces) == 101);
        for (int64_t i = 0; i < pieces; i++) CHECK(nb_cut_start(&cut, i) == i * 101 / pieces);
    }
    return true;
}

static void cuts_are_told(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 5; ranks++) assert_true(fake_peers_run(ranks, cuts_cover, NULL));
}

/* One process has failed: all end with its message and no sum, and the next sum is right again. */
static bool one_fails(nb_ctx *ctx, void *arg)
{
    int culprit = *(int *)arg;
    for (int64_t pieces = ctx->peers->ranks; pieces < 20; pieces++) {
        nb_tree tree;
        nb_head head;
        const nb_cut cut = nb_cut_of(ctx, 50, pieces);
        nb_tree_begin(&tree, &cut, NUMBERS, NB_F32, COUNT);
        nb_status status = put_own(ctx, &tree, &cut);
        if (ctx->peers->rank == culprit) status = nb_fail(ctx, NB_EVALUE, "the cost is nan");
        nb_head_begin(ctx, &head, NB_PEERS_STEP, 3, status);
        CHECK(nb_tree_total(ctx, &tree, &head) == NB_EVALUE);
        CHECK(nb_tree_numbers(&tree) == NULL);
        CHECK(strstr(ctx->message, "the cost is nan") != NULL);
        nb_tree_free(ctx, &tree);
        CHECK(sums(ctx, 50, pieces));
    }
    return true;
}

static void a_failure_is_everybodys(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 7; ranks++)
        for (int culprit = 0; culprit < ranks; culprit++)
            assert_true(fake_peers_run(ranks, one_fails, &culprit));
}

/* One process says a head alone, of another kind, where the others sum. */
static bool one_is_elsewhere(nb_ctx *ctx, void *arg)
{
    int leaver = *(int *)arg;
    const nb_cut cut = nb_cut_of(ctx, 50, 11);
    nb_head head;
    nb_tree tree;
    if (ctx->peers->rank == leaver) {
        CHECK(nb_peers_share(ctx, NB_PEERS_END, 0, NB_OK) == NB_EARG);
        return sums(ctx, 50, 11);
    }
    nb_tree_begin(&tree, &cut, NUMBERS, NB_F32, COUNT);
    nb_head_begin(ctx, &head, NB_PEERS_STEP, 3, put_own(ctx, &tree, &cut));
    CHECK(nb_tree_total(ctx, &tree, &head) == NB_EARG);
    CHECK(strstr(ctx->message, "ends its training") != NULL);
    nb_tree_free(ctx, &tree);
    return sums(ctx, 50, 11);
}

static void who_is_elsewhere_is_told(void **state)
{
    (void)state;
    for (int ranks = 2; ranks <= 7; ranks++)
        for (int leaver = 0; leaver < ranks; leaver += ranks - 1)
            assert_true(fake_peers_run(ranks, one_is_elsewhere, &leaver));
}

/* Numbers alone, of which a piece may give none. */
static bool sum_numbers(nb_ctx *ctx, void *arg)
{
    double wanted[NUMBERS], got[NUMBERS], own[MOST][NUMBERS];
    float data[COUNT];
    const double *part[MOST];
    nb_head head;
    (void)arg;
    const nb_cut cut = nb_cut_of(ctx, 20, MOST);
    for (int64_t i = cut.first; i < cut.end; i++) {
        for (int k = 0; k < NUMBERS; k++) own[i][k] = number(i, k) / 3;
        part[i - cut.first] = is_empty(20, MOST, i) ? NULL : own[i];
    }
    add_up(20, MOST, 0, MOST, wanted, data);
    nb_head_begin(ctx, &head, NB_PEERS_STEP, 0, NB_OK);
    CHECK(nb_tree_sum(ctx, &cut, &head, part, NUMBERS, got) == NB_OK);
    CHECK(memcmp(got, wanted, sizeof got) == 0);
    return true;
}

static void numbers_alone(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 8; ranks++) assert_true(fake_peers_run(ranks, sum_numbers, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(in_several_processes),
        cmocka_unit_test(cuts_are_told),
        cmocka_unit_test(a_failure_is_everybodys),
        cmocka_unit_test(who_is_elsewhere_is_told),
        cmocka_unit_test(numbers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
