/* Other processes that run the same script, on this machine or others, and what they say to each
 * other. Who carries the messages is a transport: MPI in a module of its own, sockets in tests.
 *
 * Every message begins with a head, so that who waits for one thing and gets another knows what
 * it got. A collective is a call that all processes make, each with its head, along one pattern;
 * heads that differ in kind, step or digests, or one that tells of a failure, end it on all of
 * them with the same message, of the failure on the lowest rank. No process waits for one that is
 * elsewhere: whoever leaves says so with a collective too, and whoever fails takes part in the
 * collective that comes next and fails there. */
#ifndef NB_PEERS_H
#define NB_PEERS_H

#include "base/context.h"

/* What a process is about. */
typedef enum nb_peers_kind {
    NB_PEERS_LEAVE,   /* its script is over */
    NB_PEERS_BEGIN,   /* a run begins */
    NB_PEERS_STEP,    /* a batch of a run */
    NB_PEERS_SUM,     /* figures of a batch that its pieces need */
    NB_PEERS_MEASURE, /* a set is evaluated within a run */
    NB_PEERS_HOOK,    /* functions of the host have been called */
    NB_PEERS_FILE,    /* rank 0 wrote a file */
    NB_PEERS_SWEEP,   /* runs side by side */
    NB_PEERS_BARRIER, /* a script waits for the others */
    NB_PEERS_END,     /* a run is over */
    NB_PEERS_KINDS
} nb_peers_kind;

enum { NB_PEERS_DIGESTS = 48, NB_PEERS_SAID = 256, NB_PEERS_ANY = -1 };

typedef struct nb_head {
    uint32_t kind;
    int32_t status; /* nb_status of the process, or of all that this head speaks for */
    int32_t rank;   /* whose head it is; of a failure, whose failure */
    int32_t of_all; /* a failure that is between processes, and needs no name of one before it */
    int32_t digests;
    int32_t word;  /* what rank 0 has decided, for all */
    int32_t vague; /* of a failure: another's may say more of where it began */
    int32_t whole; /* of a failure: its message says where in the run it was */
    uint64_t step;
    uint64_t bytes; /* that follow the head in its message */
    uint64_t digest[NB_PEERS_DIGESTS];
    char message[NB_MESSAGE_MAX]; /* of a failure */
} nb_head;

/* What carries messages. They are whole, and in order between two processes. Functions return 0, or
 * -1 with the reason in peers->said. A transport calls nothing of the core. */
typedef struct nb_peers_type {
    const char *name;
    int (*send)(nb_peers *peers, int to, const void *data, size_t bytes);
    /* The next message of `from` (NB_PEERS_ANY: of whoever comes first). *came: its length; what is
     * longer than `room` is dropped behind it. *who: its sender. */
    int (*receive)(nb_peers *peers, int from, void *data, size_t room, size_t *came, int *who);
    /* Both at once, with one other process that does the same. */
    int (*swap)(nb_peers *peers, int with, const void *out, size_t bytes, void *in, size_t room,
                size_t *came);
    void (*abort)(nb_peers *peers, int code); /* ends all processes; may return */
    void (*end)(nb_peers *peers);             /* all have left */
} nb_peers_type;

/* A transport's own struct begins with this one. */
struct nb_peers {
    const nb_peers_type *type;
    int rank, ranks; /* this process, from 0; how many there are */
    int local, here; /* the same of those on this machine */
    bool gone;       /* they have left, and this one too */
    char said[NB_PEERS_SAID];
    /* The last failure that all of them know: as in the context's message, and whose it was. */
    char joint[NB_MESSAGE_MAX];
    int culprit;
    bool whole;      /* that message needs nothing before or behind it */
    uint64_t joints; /* such failures so far */
};

/* ---- Messages: with NB_EIO where the transport fails. ---------------------------------------- */

nb_status nb_peers_send(nb_ctx *ctx, int to, const void *data, size_t bytes);
nb_status nb_peers_receive(nb_ctx *ctx, int from, void *data, size_t room, size_t *came, int *who);
nb_status nb_peers_swap(nb_ctx *ctx, int with, const void *out, size_t bytes, void *in, size_t room,
                        size_t *came);

/* ---- Heads ----------------------------------------------------------------------------------- */

/* A head of this process; with a bad status, the context's message. */
void nb_head_begin(nb_ctx *ctx, nb_head *head, nb_peers_kind kind, uint64_t step, nb_status status);
/* What came of process `with`, `came` bytes: where that is no head of ours it becomes one that says
 * so. */
void nb_head_check(const nb_ctx *ctx, nb_head *head, size_t came, int with);
/* left: what lower ranks say, right: what higher ones do; left becomes what all of them say.
 * `names` are of the digests, in the user's words ("seed"); NULL: none has a name. */
void nb_head_join(nb_head *left, const nb_head *right, const char *const *names);
/* The status that all have; with a bad one, its message is the context's, and the peers' joint
 * failure. */
nb_status nb_head_end(nb_ctx *ctx, const nb_head *head);

/* ---- Collectives without numbers ------------------------------------------------------------- */

/* All say their heads; returns what nb_head_end says of them. Alone (ctx->peers is NULL): the
 * head's status. */
nb_status nb_peers_agree(nb_ctx *ctx, nb_head *head, const char *const *names);
/* The same for a status alone, such as that of a function of the host, or of a file that rank 0
 * wrote. */
nb_status nb_peers_share(nb_ctx *ctx, nb_peers_kind kind, uint64_t step, nb_status status);

/* What rank 0 decides, in *word; that of the others does not count. */
nb_status nb_peers_decide(nb_ctx *ctx, nb_peers_kind kind, uint64_t step, bool *word);
/* For what all processes do and must fail in together: nb_peers_joints before it, this behind it.
 * What failed in a collective has failed everywhere; whoever failed by himself takes part in the
 * one that the others come to next, and says so. */
static inline uint64_t nb_peers_joints(const nb_ctx *ctx)
{
    return ctx->peers ? ctx->peers->joints : 0;
}
nb_status nb_peers_settle(nb_ctx *ctx, uint64_t joints, nb_peers_kind kind, uint64_t step,
                          nb_status status);
/* The failure behind it came from another process, whose message is whole. */
bool nb_peers_were_told(const nb_ctx *ctx, uint64_t joints);

/* True on the one process that speaks and writes files, and where there is but one. */
static inline bool nb_is_first(const nb_ctx *ctx)
{
    return !ctx->peers || ctx->peers->rank == 0;
}

#endif
