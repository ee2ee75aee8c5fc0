/* Sums over the pieces of a batch, of which other processes may hold some. They go along one fixed
 * binary tree over the pieces 0 … p - 1, whose node [lo, hi) splits at lo + the largest power of
 * two below hi - lo: left + right. So a sum's bits depend on the number of pieces alone, never on
 * how many processes share them. A piece without rows, or that counts nothing, is skipped: it adds
 * nothing, not even 0.
 *
 * Between processes one message goes each way at every level, along the pattern of heads alone
 * (base/processes/peers.h): a head, and behind it the nodes that a process has summed as far as it
 * can. Where heads differ, or one tells of a failure, no numbers follow, and all end with the same
 * message. */
#ifndef NB_TREE_H
#define NB_TREE_H

#include "tensor/tensor.h"

typedef struct nb_head nb_head;

enum {
    NB_PIECES_MAX = 1 << 16,
    NB_PIECES_SHARED = 8, /* of a run on several processes, unless the user says */
    NB_TREE_NODES = 72    /* that are open at once: two for every level of two ranges */
};

/* How a batch is cut: piece i is rows ⌊i n / p⌋ up to ⌊(i + 1) n / p⌋. Process r of R owns the
 * pieces from ⌊r p / R⌋ up to ⌊(r + 1) p / R⌋. */
typedef struct nb_cut {
    int64_t rows, pieces;
    int64_t first, end; /* this process's own pieces: first … end - 1 */
    int64_t at;         /* the row with which the examples at hand begin */
} nb_cut;

nb_cut nb_cut_of(const nb_ctx *ctx, int64_t rows, int64_t pieces);
/* The first row of piece i; of i = pieces: how many rows there are. */
int64_t nb_cut_start(const nb_cut *cut, int64_t i);
/* The end of the largest node of the tree that begins with piece `lo`, ends by `end` and has at
 * most so many rows, or of that piece itself. */
int64_t nb_cut_node(const nb_cut *cut, int64_t lo, int64_t end, int64_t rows);

/* What is known of the pieces lo … hi - 1: a node of the tree. */
typedef struct nb_tree_node {
    int64_t lo, hi;
    void *block; /* room for a head, and behind it numbers and data as they are sent */
    size_t bytes;
    void *data; /* where they are somewhere else: in a buffer that the tree was lent, or its own */
} nb_tree_node;

/* A sum on its way: every piece gives so many f64 numbers, and data of one dtype. */
typedef struct nb_tree {
    const nb_cut *cut;
    int64_t numbers, count;
    nb_dtype dtype;
    int64_t from, to; /* the pieces that have been put, or are empty: from … to - 1 */
    nb_tree_node node[NB_TREE_NODES]; /* in their order */
    int nodes;
    nb_storage *lent; /* where pieces come to lie, or NULL: they are copied */
    void *own;        /* its data, while the storage has others */
} nb_tree;

/* Holds no memory yet; `cut` must stay. */
void nb_tree_begin(nb_tree *tree, const nb_cut *cut, int64_t numbers, nb_dtype dtype,
                   int64_t count);
/* All pieces' data will lie in this storage, which holds nothing else: where no message is sent a
 * piece is not copied, but the storage given another buffer, until nb_tree_return. What is in it
 * then is the sum, or nothing. */
void nb_tree_lend(const nb_ctx *ctx, nb_tree *tree, nb_storage *storage);
void nb_tree_return(nb_ctx *ctx, nb_tree *tree);
void nb_tree_free(nb_ctx *ctx, nb_tree *tree);
/* Adds an own piece, in rising order; those between are empty. data may be NULL where count is 0.
 */
nb_status nb_tree_put(nb_ctx *ctx, nb_tree *tree, int64_t piece, const double *numbers,
                      const void *data);
/* The same of a node, the pieces lo … hi - 1, whose sum is known. */
nb_status nb_tree_put_node(nb_ctx *ctx, nb_tree *tree, int64_t lo, int64_t hi,
                           const double *numbers, const void *data);
/* Ends the sum: with that of all processes, each of which calls this once with its head. A head
 * with a bad status is that of a process which has failed: what it has put does not count. The
 * status that all have. Without peers `head` says the status alone. */
nb_status nb_tree_total(nb_ctx *ctx, nb_tree *tree, nb_head *head);
/* The sum, until the tree is freed; NULL where every piece was skipped. */
const double *nb_tree_numbers(const nb_tree *tree);
const void *nb_tree_data(const nb_tree *tree);

/* The whole of it for numbers alone: part[i] is that of own piece first + i, or NULL where it adds
 * nothing. */
nb_status nb_tree_sum(nb_ctx *ctx, const nb_cut *cut, nb_head *head, const double *const *part,
                      int64_t n, double *total);

#endif
