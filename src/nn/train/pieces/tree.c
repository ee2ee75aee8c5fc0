/* Sums along the tree over the pieces: put together from the left, as soon as both halves of a node
 * are there, so that few blocks are held at once. */
#include "nn/train/pieces/tree.h"

#include "base/processes/peers.h"
#include "base/workers.h"
#include "kernel/kernel.h"

#include <string.h>

enum {
    ALIGNED = 64,       /* bytes, of the data in a block */
    PART = 1 << 15,     /* data of one hand-over between threads */
    PARALLEL = 1 << 17, /* from which the workers are asked */
};

/* ---- Cuts ------------------------------------------------------------------------------------ */

int64_t nb_cut_start(const nb_cut *cut, int64_t i)
{
    return i * cut->rows / cut->pieces;
}

/* The first piece of a process. */
static int64_t first_of(const nb_ctx *ctx, const nb_cut *cut, int rank)
{
    return ctx->peers ? rank * cut->pieces / ctx->peers->ranks : rank * cut->pieces;
}

nb_cut nb_cut_of(const nb_ctx *ctx, int64_t rows, int64_t pieces)
{
    nb_cut cut = {.rows = rows, .pieces = pieces};
    int rank = ctx->peers ? ctx->peers->rank : 0;
    cut.first = first_of(ctx, &cut, rank);
    cut.end = first_of(ctx, &cut, rank + 1);
    return cut;
}

/* Where a node splits. */
static int64_t middle_of(int64_t lo, int64_t hi)
{
    int64_t half = 1;
    while (2 * half < hi - lo) half *= 2;
    return lo + half;
}

int64_t nb_cut_node(const nb_cut *cut, int64_t lo, int64_t end, int64_t rows)
{
    int64_t from = 0, to = cut->pieces;
    while (to - from > 1) {
        bool fits = from == lo && to <= end;
        if (fits && nb_cut_start(cut, to) - nb_cut_start(cut, from) <= rows) break;
        int64_t split = middle_of(from, to);
        if (lo < split)
            to = split;
        else
            from = split;
    }
    return to;
}

/* Whether lo … mid - 1 and mid … hi - 1 are the halves of a node. */
static bool are_halves(int64_t pieces, int64_t lo, int64_t mid, int64_t hi)
{
    int64_t from = 0, to = pieces;
    while (from != lo || to != hi) {
        int64_t split = middle_of(from, to);
        if (to - from <= 1 || (lo < split && hi > split)) return false;
        if (hi <= split)
            to = split;
        else
            from = split;
    }
    return hi - lo > 1 && middle_of(lo, hi) == mid;
}

/* How many nodes, as large as they can be, make the pieces from … to - 1 of the node [lo, hi). */
static int64_t nodes_of(int64_t lo, int64_t hi, int64_t from, int64_t to)
{
    if (hi <= from || to <= lo) return 0;
    if (from <= lo && hi <= to) return 1;
    int64_t mid = middle_of(lo, hi);
    return nodes_of(lo, mid, from, to) + nodes_of(mid, hi, from, to);
}

/* ---- Blocks: a head, lo, hi, the numbers, the data ------------------------------------------- */

static size_t data_at(const nb_tree *t)
{
    size_t used = sizeof(nb_head) + (size_t)(2 + t->numbers) * sizeof(double);
    return (used + ALIGNED - 1) / ALIGNED * ALIGNED;
}

static size_t data_bytes(const nb_tree *t)
{
    return (size_t)t->count * nb_dtype_size(t->dtype);
}

/* Of a block with one node. */
static size_t size_of(const nb_tree *t)
{
    return data_at(t) + data_bytes(t);
}

/* Of a node in a message. */
static size_t load_of(const nb_tree *t)
{
    return size_of(t) - sizeof(nb_head);
}

static char *load_in(const void *block)
{
    return (char *)(uintptr_t)block + sizeof(nb_head);
}

static double *numbers_in(const void *block)
{
    return (double *)(void *)(load_in(block) + 2 * sizeof(int64_t));
}

static void *data_in(const nb_tree *t, const void *block)
{
    return (char *)(uintptr_t)block + data_at(t);
}

static void *data_of(const nb_tree *t, const nb_tree_node *node)
{
    return node->data ? node->data : data_in(t, node->block);
}

static void drop_node(nb_ctx *ctx, nb_tree *t, int i)
{
    if (t->node[i].data != t->own) nb_free(ctx, t->node[i].data, data_bytes(t));
    nb_free(ctx, t->node[i].block, t->node[i].bytes);
    t->nodes--;
    for (; i < t->nodes; i++) t->node[i] = t->node[i + 1];
}

static void drop_nodes(nb_ctx *ctx, nb_tree *t)
{
    while (t->nodes) drop_node(ctx, t, t->nodes - 1);
}

void nb_tree_begin(nb_tree *t, const nb_cut *cut, int64_t numbers, nb_dtype dtype, int64_t count)
{
    t->cut = cut;
    t->numbers = numbers;
    t->count = count;
    t->dtype = dtype;
    t->from = t->to = cut->first;
    t->nodes = 0;
    t->lent = NULL;
    t->own = NULL;
}

void nb_tree_lend(const nb_ctx *ctx, nb_tree *t, nb_storage *storage)
{
    if (ctx->peers || storage->bytes != data_bytes(t)) return;
    t->lent = storage;
    t->own = storage->data;
}

void nb_tree_return(nb_ctx *ctx, nb_tree *t)
{
    if (!t->lent) return;
    if (t->lent->data != t->own) nb_free(ctx, t->lent->data, data_bytes(t));
    t->lent->data = t->own;
}

void nb_tree_free(nb_ctx *ctx, nb_tree *t)
{
    nb_tree_return(ctx, t);
    drop_nodes(ctx, t);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

typedef struct adding {
    const nb_tree *tree;
    char *to;
    const char *from;
    bool adds; /* else it copies */
} adding;

static void add_part(void *arg, size_t part)
{
    const adding *job = arg;
    nb_dtype dtype = job->tree->dtype;
    size_t each = nb_dtype_size(dtype), start = part * PART, n = (size_t)job->tree->count - start;
    if (n > PART) n = PART;
    if (job->adds)
        nb_real(dtype)->axpy(n, 1, job->from + start * each, job->to + start * each);
    else
        memcpy(job->to + start * each, job->from + start * each, n * each);
}

static void add_data(nb_ctx *ctx, const nb_tree *t, void *to, const void *from, bool adds)
{
    adding job = {.tree = t, .to = to, .from = from, .adds = adds};
    size_t parts = (size_t)(t->count + PART - 1) / PART;
    if (t->count >= PARALLEL)
        nb_parallel(ctx, parts, add_part, &job);
    else
        for (size_t i = 0; i < parts; i++) add_part(&job, i);
}

/* left += right, which may be in either order: a + b is b + a. */
static void add_to(nb_ctx *ctx, const nb_tree *t, const nb_tree_node *left, const double *numbers,
                   const void *data)
{
    double *own = numbers_in(left->block);
    for (int64_t i = 0; i < t->numbers; i++) own[i] += numbers[i];
    if (t->count) add_data(ctx, t, data_of(t, left), data, true);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

/* The open nodes within lo … hi - 1: their number, and the first of them. */
static int find_nodes(const nb_tree *t, int64_t lo, int64_t hi, int *first)
{
    int n = 0;
    *first = 0;
    for (int i = 0; i < t->nodes; i++)
        if (t->node[i].lo >= lo && t->node[i].hi <= hi && n++ == 0) *first = i;
    return n;
}

/* All that is known of the node [lo, hi) becomes one, where its pieces are all known. */
static void settle(nb_ctx *ctx, nb_tree *t, int64_t lo, int64_t hi)
{
    int first;
    if (hi <= t->from || t->to <= lo) return;
    bool whole = t->from <= lo && hi <= t->to;
    int n = find_nodes(t, lo, hi, &first);
    if (n > 1 || (!whole && hi - lo > 1)) {
        int64_t mid = middle_of(lo, hi);
        settle(ctx, t, lo, mid);
        settle(ctx, t, mid, hi);
        n = find_nodes(t, lo, hi, &first);
    }
    if (!whole || n == 0) return;
    nb_tree_node *node = &t->node[first];
    if (n == 2) {
        add_to(ctx, t, node, numbers_in(node[1].block), data_of(t, &node[1]));
        drop_node(ctx, t, first + 1);
    }
    node->lo = lo;
    node->hi = hi;
}

static void *new_block(nb_ctx *ctx, const nb_tree *t, int64_t nodes, size_t *bytes)
{
    *bytes = sizeof(nb_head) + (size_t)nodes * load_of(t);
    return nb_alloc(ctx, *bytes);
}

/* A node with nothing below it, whose data it takes from the storage that was lent or copies. */
static nb_status make_node(nb_ctx *ctx, const nb_tree *t, const double *numbers, const void *data,
                           nb_tree_node *node)
{
    void *other = t->lent ? nb_alloc(ctx, data_bytes(t)) : NULL;
    if (t->lent && !other) return ctx->status;
    node->bytes = t->lent ? data_at(t) : size_of(t);
    node->block = nb_alloc(ctx, node->bytes);
    if (!node->block) {
        nb_free(ctx, other, data_bytes(t));
        return ctx->status;
    }
    memset(node->block, 0, data_at(t)); /* what fills it up is sent too */
    memcpy(numbers_in(node->block), numbers, (size_t)t->numbers * sizeof *numbers);
    if (t->lent) {
        node->data = t->lent->data;
        t->lent->data = other;
    } else if (t->count) {
        add_data(ctx, t, data_in(t, node->block), data, false);
    }
    return NB_OK;
}

nb_status nb_tree_put(nb_ctx *ctx, nb_tree *t, int64_t piece, const double *numbers,
                      const void *data)
{
    return nb_tree_put_node(ctx, t, piece, piece + 1, numbers, data);
}

nb_status nb_tree_put_node(nb_ctx *ctx, nb_tree *t, int64_t lo, int64_t hi, const double *numbers,
                           const void *data)
{
    nb_tree_node *last = t->nodes ? &t->node[t->nodes - 1] : NULL;
    t->to = lo;
    settle(ctx, t, 0, t->cut->pieces);
    if (last) last = &t->node[t->nodes - 1];
    t->to = hi;
    if (last && are_halves(t->cut->pieces, last->lo, lo, hi) && last->hi == lo) {
        add_to(ctx, t, last, numbers, data);
        last->hi = hi;
    } else {
        nb_tree_node node = {.lo = lo, .hi = hi};
        if (make_node(ctx, t, numbers, data, &node) != NB_OK) return ctx->status;
        t->node[t->nodes++] = node;
    }
    settle(ctx, t, 0, t->cut->pieces);
    return NB_OK;
}

const double *nb_tree_numbers(const nb_tree *t)
{
    return t->nodes ? numbers_in(t->node[0].block) : NULL;
}

const void *nb_tree_data(const nb_tree *t)
{
    return t->nodes ? data_of(t, &t->node[0]) : NULL;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* A message that goes, or comes. */
typedef struct message {
    void *block; /* begins with a head */
    size_t bytes;
    bool own;     /* no node has the block */
    nb_head head; /* where there is no block */
} message;

static void drop_message(nb_ctx *ctx, message *m)
{
    if (m->own && m->block) nb_free(ctx, m->block, m->bytes);
    m->block = NULL;
}

/* A process that has no memory for numbers says so. */
static void fail_head(nb_ctx *ctx, nb_tree *t, nb_head *head)
{
    nb_head_begin(ctx, head, (nb_peers_kind)head->kind, head->step, ctx->status);
    drop_nodes(ctx, t);
}

static void put_bounds(const nb_tree_node *node)
{
    memcpy(load_in(node->block), &node->lo, sizeof node->lo);
    memcpy(load_in(node->block) + sizeof node->lo, &node->hi, sizeof node->hi);
}

/* The head with all nodes behind it: in the block of the one that there is, as a rule. */
static void make_message(nb_ctx *ctx, nb_tree *t, nb_head *head, message *out)
{
    size_t load = load_of(t);
    *out = (message){.block = NULL};
    if (head->status != NB_OK) drop_nodes(ctx, t);
    for (int i = 0; i < t->nodes; i++) put_bounds(&t->node[i]);
    if (t->nodes == 1) {
        out->block = t->node[0].block;
        out->bytes = sizeof *head + load;
    } else if (t->nodes > 1) {
        out->block = new_block(ctx, t, t->nodes, &out->bytes);
        out->own = out->block != NULL;
        if (!out->block) fail_head(ctx, t, head);
        for (int i = 0; i < t->nodes; i++)
            memcpy(load_in(out->block) + (size_t)i * load, load_in(t->node[i].block), load);
    }
    if (!out->block) out->bytes = sizeof *head;
    head->bytes = out->bytes - sizeof *head;
    memcpy(out->block ? out->block : &out->head, head, sizeof *head);
}

static const void *start_of(const message *m)
{
    return m->block ? m->block : (const void *)&m->head;
}

/* Room for what the processes low … high - 1 may have to say, of whom a bad one says only that. */
static void make_room(nb_ctx *ctx, nb_tree *t, int low, int high, nb_head *head, message *in)
{
    int64_t from = first_of(ctx, t->cut, low), to = first_of(ctx, t->cut, high);
    *in = (message){.bytes = sizeof in->head};
    if (head->status != NB_OK) return;
    in->block = new_block(ctx, t, nodes_of(0, t->cut->pieces, from, to), &in->bytes);
    in->own = in->block != NULL;
    if (in->block) return;
    in->bytes = sizeof in->head;
    fail_head(ctx, t, head);
}

static void insert_node(nb_tree *t, const nb_tree_node *node)
{
    int at = t->nodes++;
    for (; at > 0 && t->node[at - 1].lo > node->lo; at--) t->node[at] = t->node[at - 1];
    t->node[at] = *node;
}

/* One node of a message that holds several, as a block of its own. */
static nb_status take_node(nb_ctx *ctx, nb_tree *t, const char *load)
{
    nb_tree_node node = {.data = NULL};
    node.block = new_block(ctx, t, 1, &node.bytes);
    if (!node.block) return ctx->status;
    memcpy(load_in(node.block), load, load_of(t));
    memcpy(&node.lo, load, sizeof node.lo);
    memcpy(&node.hi, load + sizeof node.lo, sizeof node.hi);
    insert_node(t, &node);
    return NB_OK;
}

/* The nodes of the pieces from … to - 1 that came; the block of a single one is taken over. */
static nb_status take_nodes(nb_ctx *ctx, nb_tree *t, message *in, int64_t from, int64_t to)
{
    const nb_head *head = in->block;
    size_t load = load_of(t), n = head->bytes / load;
    nb_status status = NB_OK;
    if (n == 1) {
        nb_tree_node node = {.block = in->block, .bytes = in->bytes};
        memcpy(&node.lo, load_in(in->block), sizeof node.lo);
        memcpy(&node.hi, load_in(in->block) + sizeof node.lo, sizeof node.hi);
        in->own = false;
        insert_node(t, &node);
    }
    for (size_t i = 0; n > 1 && i < n && status == NB_OK; i++)
        status = take_node(ctx, t, load_in(in->block) + i * load);
    if (from < t->from) t->from = from;
    if (to > t->to) t->to = to;
    return status;
}

/* Joins what has come from the processes low … high - 1 into the head and the nodes. */
static void take_message(nb_ctx *ctx, nb_tree *t, nb_head *head, message *in, size_t came, int low,
                         int high)
{
    nb_head theirs;
    memcpy(&theirs, start_of(in), sizeof theirs);
    size_t most = in->block ? in->bytes - sizeof theirs : 0;
    bool fits = theirs.bytes % load_of(t) == 0 && theirs.bytes <= most;
    bool whole = theirs.status == NB_OK && head->status == NB_OK && theirs.kind == head->kind;
    nb_head_check(ctx, &theirs, came, low);
    if (whole && (!fits || came < sizeof theirs + theirs.bytes))
        nb_head_check(ctx, &theirs, 0, low);
    if (low > ctx->peers->rank) {
        nb_head_join(head, &theirs, NULL);
    } else {
        nb_head_join(&theirs, head, NULL);
        *head = theirs;
    }
    if (head->status != NB_OK) {
        drop_nodes(ctx, t);
        return;
    }
    if (take_nodes(ctx, t, in, first_of(ctx, t->cut, low), first_of(ctx, t->cut, high)) == NB_OK)
        settle(ctx, t, 0, t->cut->pieces);
    else
        fail_head(ctx, t, head);
}

/* ---- Between processes ----------------------------------------------------------------------- */

/* With the process whose number differs in one bit, which does the same. */
static nb_status meet(nb_ctx *ctx, nb_tree *t, nb_head *head, int bit)
{
    int with = ctx->peers->rank ^ bit, low = with & ~(bit - 1);
    message out, in;
    size_t came;
    make_room(ctx, t, low, low + bit, head, &in);
    make_message(ctx, t, head, &out);
    nb_status status = nb_peers_swap(ctx, with, start_of(&out), out.bytes,
                                     in.block ? in.block : &in.head, in.bytes, &came);
    drop_message(ctx, &out);
    if (status == NB_OK) take_message(ctx, t, head, &in, came, low, low + bit);
    drop_message(ctx, &in);
    return status;
}

static nb_status send(nb_ctx *ctx, nb_tree *t, nb_head *head, int to)
{
    message out;
    make_message(ctx, t, head, &out);
    nb_status status = nb_peers_send(ctx, to, start_of(&out), out.bytes);
    drop_message(ctx, &out);
    return status;
}

static nb_status receive(nb_ctx *ctx, nb_tree *t, nb_head *head, int low, int high)
{
    message in;
    size_t came;
    make_room(ctx, t, low, high, head, &in);
    nb_status status =
        nb_peers_receive(ctx, low, in.block ? in.block : &in.head, in.bytes, &came, NULL);
    if (status == NB_OK) take_message(ctx, t, head, &in, came, low, high);
    drop_message(ctx, &in);
    return status;
}

/* Up: a process takes what its right neighbours have, and gives all to its left one. */
static nb_status gather(nb_ctx *ctx, nb_tree *t, nb_head *head, int *bit)
{
    int rank = ctx->peers->rank, ranks = ctx->peers->ranks;
    nb_status status = NB_OK;
    for (; *bit < ranks && status == NB_OK; *bit *= 2) {
        if (rank & *bit) return send(ctx, t, head, rank - *bit);
        int low = rank + *bit, high = low + *bit;
        if (low < ranks) status = receive(ctx, t, head, low, high < ranks ? high : ranks);
    }
    return status;
}

/* The sum of all, which comes into the block of a node that there was. */
static nb_status receive_total(nb_ctx *ctx, nb_tree *t, nb_head *head, int from)
{
    message in;
    size_t came;
    head->status = NB_OK;
    while (t->nodes > 1) drop_node(ctx, t, t->nodes - 1);
    if (t->nodes) {
        in = (message){.block = t->node[0].block, .bytes = t->node[0].bytes, .own = true};
        t->nodes = 0;
    } else {
        make_room(ctx, t, 0, ctx->peers->ranks, head, &in);
    }
    nb_status status =
        nb_peers_receive(ctx, from, in.block ? in.block : &in.head, in.bytes, &came, NULL);
    if (status == NB_OK) take_message(ctx, t, head, &in, came, from, ctx->peers->ranks);
    drop_message(ctx, &in);
    return status;
}

/* Down: what process 0 has. */
static nb_status spread(nb_ctx *ctx, nb_tree *t, nb_head *head, int bit)
{
    int rank = ctx->peers->rank, ranks = ctx->peers->ranks;
    nb_status status = rank ? receive_total(ctx, t, head, rank - bit) : NB_OK;
    t->from = 0;
    t->to = t->cut->pieces;
    for (bit /= 2; bit && status == NB_OK; bit /= 2)
        if (rank + bit < ranks) status = send(ctx, t, head, rank + bit);
    return status;
}

static nb_status exchange(nb_ctx *ctx, nb_tree *t, nb_head *head)
{
    int ranks = ctx->peers->ranks, bit = 1;
    nb_status status = NB_OK;
    if ((ranks & (ranks - 1)) == 0) {
        for (; bit < ranks && status == NB_OK; bit *= 2) status = meet(ctx, t, head, bit);
        return status;
    }
    status = gather(ctx, t, head, &bit);
    return status == NB_OK ? spread(ctx, t, head, bit) : status;
}

nb_status nb_tree_total(nb_ctx *ctx, nb_tree *t, nb_head *head)
{
    if (head->status != NB_OK) drop_nodes(ctx, t);
    t->to = t->cut->end;
    settle(ctx, t, 0, t->cut->pieces);
    if (!ctx->peers) return (nb_status)head->status;
    nb_status status = exchange(ctx, t, head);
    if (status == NB_OK) status = nb_head_end(ctx, head);
    if (status != NB_OK) drop_nodes(ctx, t);
    return status;
}

nb_status nb_tree_sum(nb_ctx *ctx, const nb_cut *cut, nb_head *head, const double *const *part,
                      int64_t n, double *total)
{
    nb_tree tree;
    nb_status status = NB_OK;
    nb_tree_begin(&tree, cut, n, NB_F64, 0);
    for (int64_t i = cut->first; i < cut->end && status == NB_OK; i++)
        if (part[i - cut->first]) status = nb_tree_put(ctx, &tree, i, part[i - cut->first], NULL);
    if (status != NB_OK && head->status == NB_OK)
        nb_head_begin(ctx, head, (nb_peers_kind)head->kind, head->step, status);
    status = nb_tree_total(ctx, &tree, head);
    const double *sum = nb_tree_numbers(&tree);
    for (int64_t i = 0; i < n && status == NB_OK; i++) total[i] = sum ? sum[i] : 0;
    nb_tree_free(ctx, &tree);
    return status;
}
