/* Over several processes rank 0 keeps the count. Everybody looks after his own copies, and from
 * time to time all meet in a beat: each sends rank 0 what has been answered and how many tasks he
 * wants, rank 0 sends everybody all these answers, in the order of ranks, and tasks. Between beats
 * nobody waits for anybody, and nobody spins beside a copy that computes; a beat is short while
 * answers come fast. */
#include "base/processes/convoy.h"

#include "base/arith.h"
#include "base/clock.h"
#include "base/memory.h"

#include <string.h>

enum {
    LOOK_MS = 50, /* between two looks at Ctrl-C while nothing comes */
    BEAT_MS_LEAST = 2,
    BEAT_MS = 100, /* between two beats */
    AHEAD = 2      /* tasks that a process has for each copy, while many are left */
};

/* In front of an answer's text. */
typedef struct entry {
    int64_t task, length;
    int64_t failed;
} entry;

/* What a process says at a beat; its answers follow. */
typedef struct report {
    nb_head head;
    int64_t room, load; /* of its copies */
} report;

/* What rank 0 says then; all answers follow. */
typedef struct order {
    nb_head head;
    int64_t first, count; /* new tasks for this process */
    int64_t over, ms;     /* all tasks have been answered; until the next beat */
} order;

struct nb_convoy {
    nb_ctx *ctx;
    nb_convoy_plan plan;
    nb_fleet *fleet;
    int64_t answers;
    bool running; /* the others wait for this process */
    uint64_t beats;
    int64_t ms;
    nb_text own;   /* answers since the last beat, as entries */
    nb_text batch; /* those of all at the last one, … */
    size_t at;     /* … and how far they have been given */
    int64_t next;  /* rank 0: the first task that nobody has */
    order *orders; /* rank 0: a list with one for each process */
    report *reports;
};

static void tell(const nb_convoy *c)
{
    if (c->plan.what) nb_tell(c->ctx, c->plan.what, c->answers, c->plan.tasks);
}

/* ---- Alone ----------------------------------------------------------------------------------- */

static nb_status next_alone(nb_convoy *c, nb_fleet_answer *out)
{
    nb_status status = NB_OK;
    while (status == NB_OK && nb_fleet_load(c->fleet) > 0) {
        status = nb_fleet_wait(c->fleet, LOOK_MS, out);
        if (status == NB_OK) status = nb_poll(c->ctx);
        c->answers += out->task >= 0;
        tell(c);
        if (out->task >= 0) break;
    }
    return status;
}

/* ---- What is sent ---------------------------------------------------------------------------- */

static void add_entry(nb_text *to, const nb_fleet_answer *answer)
{
    const entry e = {answer->task, (int64_t)answer->length, answer->failed};
    nb_text_add_bytes(to, (const char *)&e, sizeof e);
    nb_text_add_bytes(to, answer->text, answer->length);
}

static nb_status send_with(nb_convoy *c, int to, const void *front, size_t bytes,
                           const nb_text *more)
{
    nb_status status = nb_peers_send(c->ctx, to, front, bytes);
    if (status != NB_OK || !more->length) return status;
    return nb_peers_send(c->ctx, to, more->data, more->length);
}

/* A front, which may be none, and the answers behind it. */
static nb_status receive_with(nb_convoy *c, int from, void *front, size_t bytes, nb_text *more)
{
    nb_ctx *ctx = c->ctx;
    nb_head *head = front;
    size_t came;
    memset(front, 0, bytes);
    nb_status status = nb_peers_receive(ctx, from, front, bytes, &came, NULL);
    if (status != NB_OK) return status;
    if (came != bytes)
        return nb_fail(ctx, NB_EARG,
                       "process %d makes other calls of training than process %d, which runs a "
                       "sweep",
                       from, ctx->peers->rank);
    if (!head->bytes) return NB_OK;
    char *text = nb_alloc(ctx, head->bytes);
    if (!text) return ctx->status;
    status = nb_peers_receive(ctx, from, text, head->bytes, &came, NULL);
    if (status == NB_OK) nb_text_add_bytes(more, text, came);
    nb_free(ctx, text, head->bytes);
    return status;
}

/* ---- A beat ---------------------------------------------------------------------------------- */

static void begin_report(nb_convoy *c, report *r, const nb_head *head)
{
    *r = (report){.head = *head, .room = nb_fleet_room(c->fleet), .load = nb_fleet_load(c->fleet)};
    r->head.step = c->beats;
    r->head.bytes = head->status == NB_OK ? c->own.length : 0;
}

/* How many tasks a process wants: some ahead, but not the last ones of all. */
static int64_t wants(const nb_convoy *c, const report *r, int64_t rooms)
{
    bool many = c->plan.tasks - c->next > AHEAD * rooms;
    int64_t free = (many ? AHEAD : 1) * r->room - r->load;
    return free > 0 ? free : 0;
}

/* One task to each in turn while there are any and somebody wants one. */
static void give_tasks(nb_convoy *c)
{
    int ranks = c->ctx->peers->ranks;
    int64_t rooms = 0, left = c->plan.tasks - c->next;
    bool wanted = true;
    for (int r = 0; r < ranks; r++) rooms += c->reports[r].room;
    while (wanted && left > 0) {
        wanted = false;
        for (int r = 0; r < ranks && left > 0; r++) {
            if (c->orders[r].count >= wants(c, &c->reports[r], rooms)) continue;
            c->orders[r].count++;
            left--;
            wanted = true;
        }
    }
    for (int r = 0; r < ranks; r++) {
        c->orders[r].first = c->next;
        c->next += c->orders[r].count;
    }
}

/* Shorter while somebody ran out of work, else longer. */
static int64_t next_pause(const nb_convoy *c)
{
    bool idle = false;
    for (int r = 0; r < c->ctx->peers->ranks; r++)
        idle = idle || c->reports[r].load < c->reports[r].room;
    int64_t ms = idle && c->next < c->plan.tasks ? c->ms / 2 : c->ms + c->ms / 4 + 1;
    return ms < BEAT_MS_LEAST ? BEAT_MS_LEAST : nb_least_i64(ms, BEAT_MS);
}

static int64_t count_entries(const nb_text *batch)
{
    int64_t count = 0;
    entry e;
    for (size_t at = 0; at < batch->length; at += sizeof e + (size_t)e.length, count++)
        memcpy(&e, batch->data + at, sizeof e);
    return count;
}

/* Rank 0: hears everybody and answers everybody, whatever any of them says. */
static nb_status lead(nb_convoy *c, report *own, order *out)
{
    nb_ctx *ctx = c->ctx;
    int ranks = ctx->peers->ranks;
    nb_status status = NB_OK;
    memset(c->orders, 0, (size_t)ranks * sizeof *c->orders);
    c->reports[0] = *own;
    nb_head all = own->head;
    nb_text_add_bytes(&c->batch, nb_text_get(&c->own), own->head.bytes);
    for (int r = 1; r < ranks; r++) {
        report *other = &c->reports[r];
        nb_status came = receive_with(c, r, other, sizeof *other, &c->batch);
        if (came != NB_OK) nb_head_begin(ctx, &other->head, NB_PEERS_SWEEP, c->beats, came);
        nb_head_join(&all, &other->head, NULL);
    }
    if (c->batch.failed && all.status == NB_OK)
        nb_head_begin(ctx, &all, NB_PEERS_SWEEP, c->beats, NB_EMEMORY);
    if (all.status == NB_OK) give_tasks(c);
    int64_t done = c->answers + count_entries(&c->batch), ms = next_pause(c);
    for (int r = ranks - 1; r >= 0; r--) {
        order *o = &c->orders[r];
        o->head = all;
        o->head.bytes = all.status == NB_OK ? c->batch.length : 0;
        o->over = done == c->plan.tasks;
        o->ms = ms;
        if (all.status != NB_OK) nb_text_free(&c->batch);
        if (r > 0 && status == NB_OK) status = send_with(c, r, o, sizeof *o, &c->batch);
    }
    *out = c->orders[0];
    return status;
}

static nb_status follow(nb_convoy *c, report *own, order *out)
{
    nb_text none;
    nb_text_init(&none, c->ctx);
    nb_status status =
        send_with(c, 0, own, sizeof *own, own->head.status == NB_OK ? &c->own : &none);
    return status == NB_OK ? receive_with(c, 0, out, sizeof *out, &c->batch) : status;
}

/* All meet, this process with such a head; what comes of it for all. */
static nb_status meet(nb_convoy *c, const nb_head *head)
{
    report own;
    order out;
    begin_report(c, &own, head);
    nb_text_free(&c->batch);
    c->at = 0;
    nb_status status = c->ctx->peers->rank == 0 ? lead(c, &own, &out) : follow(c, &own, &out);
    if (status == NB_OK) status = nb_head_end(c->ctx, &out.head);
    if (status == NB_OK && c->batch.failed) status = c->ctx->status;
    nb_text_free(&c->own);
    c->beats++;
    c->ms = out.ms;
    if (status == NB_OK) c->running = !out.over;
    return status == NB_OK ? nb_fleet_give(c->fleet, out.first, out.count) : status;
}

/* Looks after the own copies until the next beat. */
static nb_status work_on(nb_convoy *c)
{
    double end = nb_clock() + (double)c->ms / 1000, now = nb_clock();
    nb_status status = NB_OK;
    for (; status == NB_OK && now < end; now = nb_clock()) {
        nb_fleet_answer answer;
        status = nb_fleet_wait(c->fleet, (int)((end - now) * 1000) + 1, &answer);
        if (status == NB_OK && answer.task >= 0) add_entry(&c->own, &answer);
        if (status == NB_OK) status = c->own.failed ? NB_EMEMORY : nb_poll(c->ctx);
        tell(c);
    }
    return status;
}

static bool take_entry(nb_convoy *c, nb_fleet_answer *out)
{
    entry e;
    if (c->at + sizeof e > c->batch.length) return false;
    memcpy(&e, c->batch.data + c->at, sizeof e);
    const char *text = c->batch.data + c->at + sizeof e;
    *out = (nb_fleet_answer){e.task, e.failed != 0, text, (size_t)e.length};
    c->at += sizeof e + (size_t)e.length;
    c->answers++;
    return true;
}

static nb_status next_of_all(nb_convoy *c, nb_fleet_answer *out)
{
    nb_status status = NB_OK;
    nb_head head;
    while (!take_entry(c, out) && c->running && status == NB_OK) {
        nb_head_begin(c->ctx, &head, NB_PEERS_SWEEP, c->beats, work_on(c));
        status = meet(c, &head);
        if (status != NB_OK) c->running = false;
    }
    return status;
}

/* ---- From its beginning to its end ----------------------------------------------------------- */

static nb_status prepare(nb_convoy *c)
{
    size_t ranks = c->ctx->peers ? (size_t)c->ctx->peers->ranks : 0;
    c->fleet = nb_fleet_new(c->ctx, c->plan.work, c->plan.self);
    if (!c->fleet) return c->ctx->status;
    if (!ranks) return nb_fleet_give(c->fleet, 0, c->plan.tasks);
    c->orders = nb_alloc_zero(c->ctx, ranks, sizeof *c->orders);
    c->reports = nb_alloc_zero(c->ctx, ranks, sizeof *c->reports);
    return c->orders && c->reports ? NB_OK : NB_EMEMORY;
}

/* All begin the same, or none does. */
static nb_status agree(nb_convoy *c, nb_status status)
{
    nb_head head;
    if (!c->ctx->peers) return status;
    nb_head_begin(c->ctx, &head, NB_PEERS_SWEEP, 0, status);
    if (c->plan.digest) {
        head.digests = NB_PEERS_DIGESTS;
        memcpy(head.digest, c->plan.digest, sizeof head.digest);
    }
    status = nb_peers_agree(c->ctx, &head, c->plan.names);
    c->running = status == NB_OK;
    c->beats = 1;
    return status;
}

nb_convoy *nb_convoy_new(nb_ctx *ctx, const nb_convoy_plan *plan)
{
    nb_convoy *c = nb_alloc_zero(ctx, 1, sizeof *c);
    if (!c) return NULL;
    c->ctx = ctx;
    c->plan = *plan;
    nb_text_init(&c->own, ctx);
    nb_text_init(&c->batch, ctx);
    if (agree(c, prepare(c)) == NB_OK) return c;
    nb_convoy_free(c);
    return NULL;
}

void nb_convoy_free(nb_convoy *c)
{
    if (!c) return;
    nb_ctx *ctx = c->ctx;
    nb_head head;
    if (c->fleet) nb_fleet_end_copies(c->fleet);
    if (c->running && ctx->peers) { /* the others wait */
        nb_fail(ctx, NB_EARG, "it has left a sweep before its end");
        nb_head_begin(ctx, &head, NB_PEERS_SWEEP, c->beats, NB_EARG);
        meet(c, &head);
    }
    size_t ranks = ctx->peers ? (size_t)ctx->peers->ranks : 0;
    nb_free(ctx, c->orders, ranks * sizeof *c->orders);
    nb_free(ctx, c->reports, ranks * sizeof *c->reports);
    nb_fleet_free(c->fleet);
    nb_text_free(&c->own);
    nb_text_free(&c->batch);
    nb_free(ctx, c, sizeof *c);
}

nb_status nb_convoy_next(nb_convoy *c, nb_fleet_answer *out)
{
    *out = (nb_fleet_answer){.task = -1};
    nb_status status = c->ctx->peers ? next_of_all(c, out) : next_alone(c, out);
    bool again = status == NB_EMEMORY && !c->ctx->peers;
    if (status != NB_OK && !again) nb_fleet_end_copies(c->fleet);
    return status;
}
