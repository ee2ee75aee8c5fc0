/* Several processes that agree or do not, at every number of them up to nine, and at the ends of a
 * message's room. */
#include "base/processes/peers.h"

#include "fake_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(what)                                                                                \
    if (!(what)) return fprintf(stderr, "rank %d: %s\n", ctx->peers->rank, #what), false

enum { RANKS = 9 };

static const char *const names[] = {"the seed", "the set"};

static bool says(const nb_ctx *ctx, const char *text)
{
    if (strstr(ctx->message, text)) return true;
    fprintf(stderr, "rank %d says: %s\n", ctx->peers->rank, ctx->message);
    return false;
}

static bool all_agree(nb_ctx *ctx, void *arg)
{
    (void)arg;
    for (uint64_t step = 0; step < 20; step++)
        CHECK(nb_peers_share(ctx, NB_PEERS_STEP, step, NB_OK) == NB_OK);
    return true;
}

/* The last one fails; all say so, it in its own words. */
static bool one_fails(nb_ctx *ctx, void *arg)
{
    nb_status status = NB_OK;
    char words[64];
    (void)arg;
    int last = ctx->peers->ranks - 1;
    if (ctx->peers->rank == last) status = nb_fail(ctx, NB_EVALUE, "the cost is NaN");
    CHECK(nb_peers_share(ctx, NB_PEERS_STEP, 7, status) == NB_EVALUE);
    snprintf(words, sizeof words, "process %d: the cost is NaN", last);
    CHECK(says(ctx, ctx->peers->rank == last ? "the cost is NaN" : words));
    CHECK(strcmp(ctx->peers->joint, "the cost is NaN") == 0 && ctx->peers->culprit == last);
    /* And the next collective is whole again. */
    return all_agree(ctx, NULL);
}

/* Two fail: the lower rank's message is everybody's, but a function's error object is only where it
 * was raised. */
static bool two_fail(nb_ctx *ctx, void *arg)
{
    nb_status status = NB_OK;
    (void)arg;
    int rank = ctx->peers->rank, ranks = ctx->peers->ranks;
    if (rank == ranks - 1) status = nb_fail(ctx, NB_ECALLBACK, "second");
    if (rank == ranks / 2) status = nb_fail(ctx, NB_ECALLBACK, "first");
    status = nb_peers_share(ctx, NB_PEERS_STEP, 7, status);
    CHECK(status == (rank == ranks / 2 ? NB_ECALLBACK : NB_EARG));
    CHECK(says(ctx, "first"));
    return true;
}

/* One has ended its script, the others train, each as often as it likes. */
static bool one_leaves(nb_ctx *ctx, void *arg)
{
    bool first = *(bool *)arg;
    int leaver = first ? 0 : ctx->peers->ranks - 1;
    nb_peers_kind kind = ctx->peers->rank == leaver ? NB_PEERS_LEAVE : NB_PEERS_BEGIN;
    for (int i = 0; i < 3 && ctx->peers->ranks > 1; i++) {
        char words[64];
        CHECK(nb_peers_share(ctx, kind, 0, NB_OK) == NB_EARG);
        snprintf(words, sizeof words, "process %d has ended its script", leaver);
        CHECK(says(ctx, words) && says(ctx, "begins to train"));
        CHECK(ctx->peers->culprit != leaver);
    }
    return true;
}

/* One waits at a barrier, the others train. */
static bool barrier_alone(nb_ctx *ctx, void *arg)
{
    (void)arg;
    nb_peers_kind kind = ctx->peers->rank == 0 ? NB_PEERS_BARRIER : NB_PEERS_STEP;
    CHECK(nb_peers_share(ctx, NB_PEERS_BARRIER, 0, NB_OK) == NB_OK);
    if (ctx->peers->ranks == 1) return true;
    CHECK(nb_peers_share(ctx, kind, 0, NB_OK) == NB_EARG);
    CHECK(says(ctx, "process 0 waits at a barrier while process 1 trains"));
    CHECK(says(ctx, "must come to each nabla.barrier()"));
    CHECK(!says(ctx, "calls of training"));
    return true;
}

static bool digests_differ(nb_ctx *ctx, void *arg)
{
    nb_head head;
    char words[96];
    (void)arg;
    int odd = ctx->peers->ranks - 1;
    nb_head_begin(ctx, &head, NB_PEERS_BEGIN, 0, NB_OK);
    head.digests = 2;
    head.digest[0] = 5;
    head.digest[1] = ctx->peers->rank == odd ? 8 : 6;
    nb_status status = nb_peers_agree(ctx, &head, names);
    CHECK(status == (odd ? NB_EARG : NB_OK));
    /* The lower name is whatever the other half is called by. */
    snprintf(words, sizeof words, " and process %d;", odd);
    CHECK(!odd || (says(ctx, "the set differs between process ") && says(ctx, words)));
    return true;
}

static bool steps_differ(nb_ctx *ctx, void *arg)
{
    (void)arg;
    uint64_t step = ctx->peers->rank == 1 ? 12 : 11;
    nb_status status = nb_peers_share(ctx, NB_PEERS_STEP, step, NB_OK);
    CHECK(status == (ctx->peers->ranks > 1 ? NB_EARG : NB_OK));
    CHECK(ctx->peers->ranks < 2 ||
          says(ctx, "process 0 trains at step 11 and process 1 at step 12"));
    return true;
}

/* Messages longer and shorter than the room for them, and large ones both ways at once. */
static bool lengths(nb_ctx *ctx, void *arg)
{
    static char out[300000], in[300000];
    int with = ctx->peers->rank ^ 1;
    size_t came;
    int who;
    (void)arg;
    if (with >= ctx->peers->ranks) return true;
    memset(out, 'a' + ctx->peers->rank, sizeof out);
    CHECK(nb_peers_swap(ctx, with, out, sizeof out, in, 10, &came) == NB_OK);
    CHECK(came == sizeof out && in[9] == 'a' + with && in[10] == 0);
    CHECK(nb_peers_swap(ctx, with, out, sizeof out, in, sizeof in, &came) == NB_OK);
    CHECK(came == sizeof out && in[sizeof in - 1] == 'a' + with);
    CHECK(nb_peers_swap(ctx, with, out, 0, in, sizeof in, &came) == NB_OK && came == 0);
    if (ctx->peers->rank & 1) return nb_peers_send(ctx, with, out, 3) == NB_OK;
    CHECK(nb_peers_receive(ctx, NB_PEERS_ANY, in, sizeof in, &came, &who) == NB_OK);
    CHECK(came == 3 && (who & 1));
    return true;
}

/* A message that is no head is one of somebody else. */
static bool no_head(nb_ctx *ctx, void *arg)
{
    (void)arg;
    if (ctx->peers->ranks != 2) return true;
    if (ctx->peers->rank == 1) {
        size_t came;
        nb_head head;
        return nb_peers_swap(ctx, 0, "?", 1, &head, sizeof head, &came) == NB_OK;
    }
    CHECK(nb_peers_share(ctx, NB_PEERS_STEP, 0, NB_OK) == NB_EARG);
    return says(ctx, "both must run the same nabla");
}

/* Without peers a status stays what it is. */
static bool alone(nb_ctx *ctx, void *arg)
{
    nb_peers *peers = ctx->peers;
    (void)arg;
    ctx->peers = NULL;
    bool fine = nb_peers_share(ctx, NB_PEERS_STEP, 0, NB_EVALUE) == NB_EVALUE && nb_is_first(ctx);
    ctx->peers = peers;
    CHECK(fine && nb_is_first(ctx) == (peers->rank == 0));
    return true;
}

static void run(bool (*body)(nb_ctx *ctx, void *arg), void *arg)
{
    for (int ranks = 1; ranks <= RANKS; ranks++)
        if (!fake_peers_run(ranks, body, arg)) fail_msg("with %d processes", ranks);
}

#define BODY(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        run(name, *state);                                                                         \
    }

BODY(all_agree)
BODY(one_fails)
BODY(two_fail)
BODY(barrier_alone)
BODY(digests_differ)
BODY(steps_differ)
BODY(lengths)
BODY(no_head)
BODY(alone)

static void test_one_leaves(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) run(one_leaves, &(bool){first == 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_agree),      cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_two_fail),       cmocka_unit_test(test_one_leaves),
        cmocka_unit_test(test_digests_differ), cmocka_unit_test(test_steps_differ),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_no_head),
        cmocka_unit_test(test_alone),          cmocka_unit_test(test_barrier_alone),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
