/* One walk through a network's layers, for training, evaluation, trace, checks and the search for
 * where a NaN began: the same functions of the layers, told how they run. */
#ifndef NB_WALK_H
#define NB_WALK_H

#include "nn/net/net.h"

/* Figures of buffers that wait until the step has succeeded: a failed step, Ctrl-C, a trace and a
 * check leave the buffers as they are. */
typedef struct nb_staged {
    struct nb_staged_figure {
        nb_param *buffer;
        nb_tensor *value;
    } * figure;
    int count, room;
} nb_staged;

/* What layers remember between calls (recurrent ones, causal attention), by place: a shared layer
 * has one for each of its places. */
typedef struct nb_state {
    nb_tensor **at; /* a list of `places`; NULL: nothing yet */
    int places;
} nb_state;

/* What the examples of a pass are called: positions in the set that they came from, in `order`
 * from `start` on; where that is NULL they stand in their own order from `start`. */
typedef struct nb_numbering {
    const int32_t *order;
    int64_t start;
} nb_numbering;

/* How a pass runs. */
typedef struct nb_mode {
    bool learning;       /* dropout drops, running figures move; else evaluating */
    bool by_batch;       /* norms take the batch's own figures though nothing is learned */
    bool taped;          /* the pass leaves records; says nothing about learning */
    bool by_example;     /* who looks on at the way back wants to know what each example gives to
                            parameters that all have in common (nb_share) */
    uint64_t seed, step; /* of chance: with the place they name every draw */
    int64_t before;      /* examples of the batch that stand before these: a piece of it draws what
                            its examples draw in the whole one */
    /* The examples are of several pieces of the batch, and each gets the bits that it has in a pass
     * of its piece: asked of networks of dense layers alone (nn/train/pieces/together.h). NULL: all
     * are one */
    const struct nb_piled *piled;
    const double *delta; /* what the cost's gradient is multiplied by; NULL: 1 */
    nb_tensor *lengths;  /* i32 (n), contiguous: of padded sequences, bound to the input's
                            free first size; NULL: none is padded */
    nb_tensor *weights;  /* of the examples (n), or of each step (n, T), from 0: the cost is
                            Σ w C_x / Σ w; NULL: they count alike */
    nb_state *state;     /* NULL: every call begins anew */
    nb_staged *staged;   /* NULL: buffers stay as they are */
    int first;           /* the network's layer, from 0, where the pass begins: x is its input.
                            Not where sequences are padded */
    nb_numbering rows;   /* for messages */
    bool trial;          /* what is not finite is no news: nobody looks for where it began */
} nb_mode;

/* A sum z = w a + b inside a layer that is opened: of all neurons of one family (nn/sums.h), at all
 * steps of sequences, tensors (n, T, …), or at one of them, (n, …). Borrowed. */
typedef struct nb_sum {
    int family;
    nb_tensor *in[2]; /* its inputs, side by side: (…, inputs); the second may be NULL */
    nb_tensor
        *by[2]; /* (…, neurons): each neuron sees in[i] times its own number; NULL: as it is */
    nb_tensor *z, *a;   /* (…, neurons); the same tensor where there is no activation */
    nb_runs *runs;      /* that made a; or NULL */
    nb_tensor *lengths; /* of the sequences (n); NULL: none is padded */
    int64_t step;       /* the how manieth from 0, which shorter sequences have not; -1: all */
} nb_sum;

/* Who looks on. z and a of layers with neurons are then made one after the other, with the bits of
 * the fused op. For a layer without neurons z is its output. */
typedef struct nb_observer {
    /* Before all; the walk is that of the whole pass. NULL: nothing. */
    void (*begin)(const nb_walk *walk, void *self);
    /* What comes into a layer, before it runs. NULL: nothing. */
    nb_status (*in)(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *x);
    /* May put another tensor of the shape in z's place. NULL: nothing. */
    nb_status (*z)(nb_walk *walk, void *self, nb_layer *layer, nb_tensor **z);
    /* Where the cost goes on from z, a is made off the tape. NULL: nothing. */
    nb_status (*a)(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *a);
    /* A sum inside the layer `open`: one whose op would hide its gates goes step by step then, by
     * ops, with the numbers of the op but for rounding. */
    nb_status (*sum)(nb_walk *walk, void *self, nb_layer *layer, const nb_sum *sum);
    const nb_layer *open; /* NULL: none is opened */
    void *self;
} nb_observer;

struct nb_walk {
    nb_ctx *ctx;
    nb_net *net;
    nb_mode mode;
    const nb_observer *observer;
    int place; /* of the layer under way: depth first, from 0 for the network's first layer */
    const nb_layer *layer; /* that one; NULL before the first and behind the last */
    struct nb_bound {
        int64_t identity; /* of a free size */
        nb_tensor *lengths;
    } * bound; /* a list of `bounds`, owned */
    int bounds;
};

/* What a pass gives, as far as it was asked for: new references. */
typedef struct nb_result {
    nb_tensor *output;  /* the last layer's a, or its z where the cost is fused: the same order of
                           sizes either way */
    nb_tensor *cost;    /* NULL where no targets were given */
    nb_tensor *lengths; /* of the output's steps; NULL: none is padded */
} nb_result;

/* A pass over prepared inputs, and their cost where there are targets (y NULL: none, and output is
 * a). mode NULL: evaluating, without tape. observer may be NULL. */
nb_status nb_net_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                     const nb_observer *observer, nb_result *result);
void nb_result_free(nb_ctx *ctx, nb_result *result);

/* For the layers' forward. Through the children of branch b, one after the other; the last gives
 * z where that is asked. */
nb_tensor *nb_walk_branch(nb_walk *walk, nb_layer *block, int b, nb_tensor *x, nb_output give);
/* Through all layers of a network that are one chain (chain.h) with kernels at its end. */
nb_tensor *nb_walk_chain(nb_walk *walk, nb_layer *net, nb_tensor *x);
/* The same of a network, from its layer `first` on. */
nb_tensor *nb_walk_from(nb_walk *walk, nb_layer *net, int first, nb_tensor *x, nb_output give);
/* A parameter as this pass computes with it (borrowed): without a tape where the layer is frozen
 * and the pass learns. */
nb_tensor *nb_walk_param(const nb_walk *walk, const nb_layer *layer, int i);
/* A layer's b as this pass computes with it, zeros where it has none: one for each neuron. A new
 * reference. */
nb_tensor *nb_walk_biases(const nb_walk *walk, const nb_layer *layer);
/* A layer's w, its own or that of the layer it is tied to, which stays off the tape where either of
 * them rests. */
nb_tensor *nb_walk_weight(const nb_walk *walk, const nb_layer *layer);
/* A buffer's figures as they stand (borrowed): those staged in this pass, else its values. */
nb_tensor *nb_walk_buffer(const nb_walk *walk, const nb_layer *layer, int i);
/* Stages new figures; where the mode stages nothing they are dropped. */
nb_status nb_walk_stage(nb_walk *walk, const nb_layer *layer, int i, nb_tensor *figures);
/* How many steps along the free size `identity` (below 0, of a form) are real, i32 (n), contiguous,
 * each at least 1: borrowed, valid until others are bound; NULL where nothing is padded, as along a
 * fixed size. A layer that mixes steps reads padding as 0 (op mask_steps) or leaves it out; one
 * that makes another free size of it binds the lengths there, in every pass. */
nb_tensor *nb_walk_lengths(const nb_walk *walk, int64_t identity);
nb_status nb_walk_bind_lengths(nb_walk *walk, int64_t identity, nb_tensor *lengths);
/* x (n, T, …) with zeros where a step is padding: a new reference, x itself where nothing is. */
nb_tensor *nb_walk_masked(nb_walk *walk, const nb_form *form, nb_tensor *x);
/* For layers whose type shows its sums itself: whether somebody looks; and here is one. */
bool nb_walk_opens(const nb_walk *walk, const nb_layer *layer);
nb_status nb_walk_show(nb_walk *walk, nb_layer *layer, const nb_sum *sum);
/* Begins with the mode's lengths, which are checked against x; and lets go of all. */
nb_status nb_walk_begin(nb_walk *walk, const nb_tensor *x);
void nb_walk_end(nb_walk *walk);

/* The state of this place: borrowed, or NULL; and a new one, kept. What is remembered is never
 * written to again: streams share it. */
nb_tensor *nb_walk_state(const nb_walk *walk);
nb_status nb_walk_remember(nb_walk *walk, nb_tensor *state);

/* Writes what was staged into the buffers, which cannot fail; or drops it. Both leave it empty. */
void nb_staged_commit(nb_ctx *ctx, nb_staged *staged);
void nb_staged_drop(nb_ctx *ctx, nb_staged *staged);
void nb_state_free(nb_ctx *ctx, nb_state *state);

#endif
