/* Messages by MPI. A module of its own, which the program loads when a launcher started it, and
 * whose only name is nb_mpi_open; it calls nothing of the core. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CPU_COUNT */
#endif
#include "base/processes/launcher.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG = 1,
    SPINS = 2000,  /* looks at what is under way before the processor is lent to others */
    PART = 1 << 30 /* bytes: MPI counts in int. A message's last part is shorter. */
};

typedef struct transport {
    nb_peers peers;
    MPI_Comm world; /* a copy of the world's: nobody else's messages come here */
} transport;

static transport only; /* a process has one MPI */

static int judge(nb_peers *peers, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code == MPI_SUCCESS) return 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
    snprintf(peers->said, sizeof peers->said, "%.*s", length, text);
    return -1;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* MPI's own waiting holds the processor; where more processes than cores are on a machine the one
 * that is waited for would not come to it. */
static void rest(unsigned *looks)
{
    if (++*looks > SPINS) sched_yield();
}

static int wait_for(MPI_Request *request)
{
    unsigned looks = 0;
    int done = 0, code = MPI_SUCCESS;
    while (!done && code == MPI_SUCCESS) {
        code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (!done) rest(&looks);
    }
    return code;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* What is taken piece by piece while something else may be under way. */
typedef struct coming {
    int from;
    char *data;
    size_t room, came;
    bool done;
} coming;

/* A part that was announced; what has no room is taken and dropped. */
static int take_part(coming *c, MPI_Message *message, int count)
{
    size_t bytes = (size_t)count;
    char *to = c->came < c->room ? c->data + c->came : NULL, *whole = NULL;
    size_t fits = to ? c->room - c->came : 0;
    MPI_Request request;
    if (bytes > fits && !(whole = malloc(bytes))) return MPI_ERR_NO_MEM;
    int code = MPI_Imrecv(whole ? whole : to, count, MPI_BYTE, message, &request);
    if (code == MPI_SUCCESS) code = wait_for(&request);
    if (whole && to) memcpy(to, whole, fits);
    free(whole);
    c->came += bytes;
    c->done = count < PART;
    return code;
}

/* Looks whether a part has come, and takes it. */
static int look(MPI_Comm world, coming *c)
{
    MPI_Message message;
    MPI_Status status;
    int there = 0, count = 0;
    int code = MPI_Improbe(c->from, TAG, world, &there, &message, &status);
    if (code != MPI_SUCCESS || !there) return code;
    c->from = status.MPI_SOURCE; /* further parts are the same sender's */
    code = MPI_Get_count(&status, MPI_BYTE, &count);
    return code == MPI_SUCCESS ? take_part(c, &message, count) : code;
}

static int receive(nb_peers *peers, int from, void *data, size_t room, size_t *came, int *who)
{
    coming c = {.from = from == NB_PEERS_ANY ? MPI_ANY_SOURCE : from, .data = data, .room = room};
    unsigned looks = 0;
    int code = MPI_SUCCESS;
    while (!c.done && code == MPI_SUCCESS) {
        size_t before = c.came;
        code = look(((transport *)peers)->world, &c);
        if (!c.done && c.came == before) rest(&looks);
    }
    *came = c.came;
    *who = c.from;
    return judge(peers, code);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static int part_of(size_t bytes)
{
    return bytes < (size_t)PART ? (int)bytes : PART;
}

/* Sends, and takes what comes from `c` (NULL: nothing does) while it waits: the other side may not
 * have room for what is sent before it has got rid of its own. */
static int exchange(nb_peers *peers, int to, const void *data, size_t bytes, coming *c)
{
    MPI_Comm world = ((transport *)peers)->world;
    const char *at = data;
    bool more = true;
    int code = MPI_SUCCESS;
    while (more && code == MPI_SUCCESS) {
        MPI_Request request;
        int part = part_of(bytes), sent = 0;
        unsigned looks = 0;
        code = MPI_Isend(at, part, MPI_BYTE, to, TAG, world, &request);
        more = part == PART;
        while (code == MPI_SUCCESS && (!sent || (c && !c->done && !more))) {
            if (!sent) code = MPI_Test(&request, &sent, MPI_STATUS_IGNORE);
            if (code == MPI_SUCCESS && c && !c->done) code = look(world, c);
            rest(&looks);
        }
        at += part;
        bytes -= (size_t)part;
    }
    return judge(peers, code);
}

static int send_to(nb_peers *peers, int to, const void *data, size_t bytes)
{
    return exchange(peers, to, data, bytes, NULL);
}

static int swap(nb_peers *peers, int with, const void *out, size_t bytes, void *in, size_t room,
                size_t *came)
{
    coming c = {.from = with, .data = in, .room = room};
    int result = exchange(peers, with, out, bytes, &c);
    *came = c.came;
    return result;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Of another communicator MPICH waits for the others first. */
static void abort_all(nb_peers *peers, int code)
{
    (void)peers;
    MPI_Abort(MPI_COMM_WORLD, code);
}

static void end(nb_peers *peers)
{
    MPI_Comm_free(&((transport *)peers)->world);
    MPI_Finalize();
}

static const nb_peers_type mpi = {"MPI", send_to, receive, swap, abort_all, end};

/* ---- The beginning --------------------------------------------------------------------------- */

/* Of the processors that this process may use, its part: one that several processes of the machine
 * may use is shared. */
static int own_cores(const cpu_set_t *all, int here, int local)
{
    double own = 0;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        int sharers = 0;
        if (!CPU_ISSET(core, &all[local])) continue;
        for (int i = 0; i < here; i++) sharers += CPU_ISSET(core, &all[i]) != 0;
        own += 1.0 / sharers;
    }
    /* Thirds of a core may add to a little less than one. */
    return own < 1 ? 1 : (int)(own + 1e-6);
}

static int count_cores(MPI_Comm machine, int here, int local, int *cores)
{
    cpu_set_t mine, *all = calloc((size_t)here, sizeof *all);
    CPU_ZERO(&mine);
    if (!all) return MPI_ERR_NO_MEM;
    bool known = sched_getaffinity(0, sizeof mine, &mine) == 0;
    int code =
        MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, all, (int)sizeof mine, MPI_BYTE, machine);
    if (code == MPI_SUCCESS)
        *cores = known ? own_cores(all, here, local) : *cores / here > 1 ? *cores / here : 1;
    free(all);
    return code;
}

static int meet(transport *t, int *cores)
{
    nb_peers *p = &t->peers;
    MPI_Comm machine;
    int code = MPI_Comm_dup(MPI_COMM_WORLD, &t->world);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(t->world, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(t->world, &p->rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(t->world, &p->ranks);
    if (code != MPI_SUCCESS) return code;
    code = MPI_Comm_split_type(t->world, MPI_COMM_TYPE_SHARED, p->rank, MPI_INFO_NULL, &machine);
    if (code != MPI_SUCCESS) return code;
    MPI_Comm_rank(machine, &p->local);
    MPI_Comm_size(machine, &p->here);
    code = count_cores(machine, p->here, p->local, cores);
    MPI_Comm_free(&machine);
    return code;
}

nb_peers_open nb_mpi_open;
nb_peers *nb_mpi_open(const char *version, size_t bytes, int *cores, char said[NB_PEERS_SAID])
{
    int there = 0, level;
    if (strcmp(version, NB_VERSION) != 0) {
        snprintf(said, NB_PEERS_SAID, "it belongs to nabla " NB_VERSION ", not to %s", version);
        return NULL;
    }
    if (bytes != sizeof(nb_peers)) {
        snprintf(said, NB_PEERS_SAID, "it was built from other sources than the program");
        return NULL;
    }
    only.peers.type = &mpi;
    MPI_Initialized(&there);
    int code = there ? MPI_SUCCESS : MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    if (code == MPI_SUCCESS) code = meet(&only, cores);
    if (judge(&only.peers, code) == 0) return &only.peers;
    memcpy(said, only.peers.said, NB_PEERS_SAID);
    return NULL;
}
