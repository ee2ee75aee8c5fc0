/* Heads, and how they meet. Along the tree over the ranks whose node [lo, hi) splits at lo + (the
 * largest power of two below hi - lo): a rank's neighbour at each level is the one whose number
 * differs in one bit. Where ranks are a power of two both swap, so that all have the whole at the
 * top; else it goes up to rank 0 and comes down. */
#include "base/processes/peers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a process does, said of it. */
static const char *const doing[] = {
    "has ended its script",
    "begins to train",
    "trains",
    "trains by figures of a batch",
    "evaluates while it trains",
    "calls functions",
    "writes a file",
    "runs a sweep",
    "waits at a barrier",
    "ends its training",
};

_Static_assert(sizeof doing / sizeof *doing == NB_PEERS_KINDS, "each kind has words");

/* ---- Messages -------------------------------------------------------------------------------- */

static nb_status judge(nb_ctx *ctx, int result)
{
    if (result == 0) return NB_OK;
    return nb_fail(ctx, NB_EIO, "%s: %s", ctx->peers->type->name, ctx->peers->said);
}

nb_status nb_peers_send(nb_ctx *ctx, int to, const void *data, size_t bytes)
{
    return judge(ctx, ctx->peers->type->send(ctx->peers, to, data, bytes));
}

nb_status nb_peers_receive(nb_ctx *ctx, int from, void *data, size_t room, size_t *came, int *who)
{
    int sender;
    nb_peers *peers = ctx->peers;
    return judge(ctx, peers->type->receive(peers, from, data, room, came, who ? who : &sender));
}

nb_status nb_peers_swap(nb_ctx *ctx, int with, const void *out, size_t bytes, void *in, size_t room,
                        size_t *came)
{
    nb_peers *peers = ctx->peers;
    return judge(ctx, peers->type->swap(peers, with, out, bytes, in, room, came));
}

/* ---- Heads ----------------------------------------------------------------------------------- */

void nb_head_begin(nb_ctx *ctx, nb_head *head, nb_peers_kind kind, uint64_t step, nb_status status)
{
    memset(head, 0, sizeof *head);
    head->kind = kind;
    head->status = (int32_t)status;
    head->rank = ctx->peers ? ctx->peers->rank : 0;
    head->step = step;
    if (status != NB_OK) memcpy(head->message, ctx->message, sizeof head->message);
    if (status == NB_ECALLBACK && nb_interrupted(ctx)) {
        head->status = NB_EINTERRUPT;
        snprintf(head->message, sizeof head->message, NB_INTERRUPTED);
    } else if (status == NB_ECALLBACK && ctx->host_error) {
        ctx->host_error(ctx, head->message, sizeof head->message);
    }
}

static void __attribute__((format(printf, 2, 3))) refuse(nb_head *head, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(head->message, sizeof head->message, format, arguments);
    va_end(arguments);
    head->status = NB_EARG;
    head->of_all = 1;
}

/* The process that is told so in its script is the one that has not left it. */
static void refuse_kinds(nb_head *left, const nb_head *right)
{
    bool barrier = left->kind == NB_PEERS_BARRIER || right->kind == NB_PEERS_BARRIER;
    refuse(left,
           "process %d %s while process %d %s; every process runs the whole script and must %s",
           left->rank, doing[left->kind], right->rank, doing[right->kind],
           barrier ? "come to each nabla.barrier()" : "make the same calls of training");
    if (left->kind == NB_PEERS_LEAVE) left->rank = right->rank;
}

static void compare_digests(nb_head *left, const nb_head *right, const char *const *names)
{
    for (int i = 0; i < left->digests && i < NB_PEERS_DIGESTS; i++)
        if (left->digest[i] != right->digest[i]) {
            refuse(left,
                   "%s differs between process %d and process %d; every process runs the whole "
                   "script and must come to the same, which math.random and clocks do not",
                   names ? names[i] : "what is trained", left->rank, right->rank);
            return;
        }
}

void nb_head_join(nb_head *left, const nb_head *right, const char *const *names)
{
    bool more = left->vague && right->status == left->status && !right->vague;
    if (left->status != NB_OK && !more) return;
    if (right->status != NB_OK)
        memcpy(left, right, sizeof *left);
    else if (left->kind >= NB_PEERS_KINDS || right->kind >= NB_PEERS_KINDS)
        refuse(left, "process %d says what process %d does not know; both must run the same nabla",
               right->rank, left->rank);
    else if (left->kind != right->kind)
        refuse_kinds(left, right);
    else if (left->step != right->step || left->digests != right->digests)
        refuse(left, "process %d %s at step %llu and process %d at step %llu", left->rank,
               doing[left->kind], (unsigned long long)left->step, right->rank,
               (unsigned long long)right->step);
    else
        compare_digests(left, right, names);
}

/* A function of the host failed there, and its error object stayed there. */
static nb_status fail_as(nb_ctx *ctx, const nb_head *head, nb_status status)
{
    const nb_peers *peers = ctx->peers;
    if (head->rank == peers->rank && !head->of_all && status != NB_EINTERRUPT) return status;
    if (head->of_all || status == NB_EINTERRUPT) return nb_fail(ctx, status, "%s", head->message);
    return nb_fail(ctx, status == NB_ECALLBACK ? NB_EARG : status, "process %d: %.*s", head->rank,
                   NB_MESSAGE_MAX - 32, head->message);
}

nb_status nb_head_end(nb_ctx *ctx, const nb_head *head)
{
    nb_peers *peers = ctx->peers;
    nb_status status = (nb_status)head->status;
    if (status == NB_OK || !peers) return status;
    memcpy(peers->joint, head->message, sizeof peers->joint);
    peers->joint[sizeof peers->joint - 1] = '\0';
    peers->culprit = head->rank;
    peers->whole = head->whole != 0;
    peers->joints++;
    return fail_as(ctx, head, status);
}

/* ---- Collectives ----------------------------------------------------------------------------- */

void nb_head_check(const nb_ctx *ctx, nb_head *head, size_t came, int with)
{
    if (came >= sizeof *head) return;
    memset(head, 0, sizeof *head);
    head->rank = with;
    refuse(head, "process %d says what process %d does not know; both must run the same nabla",
           with, ctx->peers->rank);
}

static nb_status meet(nb_ctx *ctx, nb_head *head, int with, const char *const *names)
{
    nb_head other;
    size_t came;
    nb_status status = nb_peers_swap(ctx, with, head, sizeof *head, &other, sizeof other, &came);
    if (status != NB_OK) return status;
    nb_head_check(ctx, &other, came, with);
    if (with > ctx->peers->rank) {
        nb_head_join(head, &other, names);
    } else {
        nb_head_join(&other, head, names);
        *head = other;
    }
    return NB_OK;
}

static nb_status meet_all(nb_ctx *ctx, nb_head *head, const char *const *names)
{
    nb_status status = NB_OK;
    for (int bit = 1; bit < ctx->peers->ranks && status == NB_OK; bit *= 2)
        status = meet(ctx, head, ctx->peers->rank ^ bit, names);
    return status;
}

/* Upward: a rank takes what its right neighbours have, and gives it to its left one. */
static nb_status gather(nb_ctx *ctx, nb_head *head, int *bit, const char *const *names)
{
    const nb_peers *peers = ctx->peers;
    nb_status status = NB_OK;
    for (; *bit < peers->ranks && status == NB_OK; *bit *= 2) {
        nb_head other;
        size_t came;
        if (peers->rank & *bit) return nb_peers_send(ctx, peers->rank - *bit, head, sizeof *head);
        int with = peers->rank + *bit;
        if (with >= peers->ranks) continue;
        status = nb_peers_receive(ctx, with, &other, sizeof other, &came, NULL);
        if (status != NB_OK) break;
        nb_head_check(ctx, &other, came, with);
        nb_head_join(head, &other, names);
    }
    return status;
}

/* Downward: what rank 0 has. */
static nb_status spread(nb_ctx *ctx, nb_head *head, int bit)
{
    const nb_peers *peers = ctx->peers;
    nb_status status = NB_OK;
    size_t came = sizeof *head;
    if (peers->rank)
        status = nb_peers_receive(ctx, peers->rank - bit, head, sizeof *head, &came, NULL);
    if (status == NB_OK) nb_head_check(ctx, head, came, peers->rank - bit);
    for (bit /= 2; bit && status == NB_OK; bit /= 2)
        if (peers->rank + bit < peers->ranks)
            status = nb_peers_send(ctx, peers->rank + bit, head, sizeof *head);
    return status;
}

nb_status nb_peers_agree(nb_ctx *ctx, nb_head *head, const char *const *names)
{
    int bit = 1;
    nb_status status = NB_OK;
    if (!ctx->peers) return (nb_status)head->status;
    if (ctx->peers->gone)
        return nb_fail(ctx, NB_EIO, "the other processes have ended their scripts");
    int ranks = ctx->peers->ranks;
    if ((ranks & (ranks - 1)) == 0)
        status = meet_all(ctx, head, names);
    else if ((status = gather(ctx, head, &bit, names)) == NB_OK)
        status = spread(ctx, head, bit);
    return status == NB_OK ? nb_head_end(ctx, head) : status;
}

nb_status nb_peers_share(nb_ctx *ctx, nb_peers_kind kind, uint64_t step, nb_status status)
{
    nb_head head;
    if (!ctx->peers) return status;
    nb_head_begin(ctx, &head, kind, step, status);
    return nb_peers_agree(ctx, &head, NULL);
}

/* A head that is joined stays that of the lowest rank. */
nb_status nb_peers_decide(nb_ctx *ctx, nb_peers_kind kind, uint64_t step, bool *word)
{
    nb_head head;
    if (!ctx->peers) return NB_OK;
    nb_head_begin(ctx, &head, kind, step, NB_OK);
    head.word = *word;
    nb_status status = nb_peers_agree(ctx, &head, NULL);
    if (status == NB_OK) *word = head.word != 0;
    return status;
}

nb_status nb_peers_settle(nb_ctx *ctx, uint64_t joints, nb_peers_kind kind, uint64_t step,
                          nb_status status)
{
    nb_head head;
    if (status == NB_OK || !ctx->peers || joints != nb_peers_joints(ctx)) return status;
    nb_head_begin(ctx, &head, kind, step, status);
    head.whole = true;
    return nb_peers_agree(ctx, &head, NULL);
}

bool nb_peers_were_told(const nb_ctx *ctx, uint64_t joints)
{
    const nb_peers *peers = ctx->peers;
    return joints != nb_peers_joints(ctx) && peers->whole && peers->culprit != peers->rank;
}
