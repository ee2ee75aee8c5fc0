/* One step of a network's learning, and what a network is for those who keep and change it whole:
 * the one place in training that knows how a network holds its numbers. */
#ifndef NB_LEARN_H
#define NB_LEARN_H

#include "base/random.h"
#include "nn/net/backprop.h"
#include "nn/train/optimizer.h"
#include "nn/train/pieces/run.h"

enum { NB_NET_STATE = 2 }; /* flat tensors that a network's state takes: parameters, buffers */

/* What one step learns from. */
typedef struct nb_lesson {
    nb_tensor *x, *y;   /* prepared examples and targets */
    nb_tensor *lengths; /* of padded sequences, else NULL */
    nb_tensor *weights; /* of the examples (n), or of their steps (n, T); NULL: they count alike */
    const nb_whole *whole; /* the examples instead of these, of which mode is filled in; or NULL */
    const nb_cut *cut; /* its pieces, of which the examples are those at hand; NULL: it is one */
    double rate;
    nb_penalty penalty;  /* l1 and l2 are the book's λ / n already */
    uint64_t seed, step; /* of the chance of layers and of functions of the host */
    nb_numbering rows;   /* what the examples are called in messages */
    bool keep_grads;     /* net->grads holds the gradient afterwards */
} nb_lesson;

/* Whether this optimizer can work on the network so; NB_EARG says why not. */
nb_status nb_learn_check(nb_ctx *ctx, const nb_net *net, const nb_optimizer *optimizer,
                         const nb_penalty *penalty);
/* Forward, backward, update; *cost: of the lesson before the update, without the penalty. On any
 * failure parameters and the optimizer's state are as before, and the same call again gives the
 * same bits. Without keep_grads plain gradient descent that clips nothing adds BP3 and BP4 straight
 * into the parameters. */
nb_status nb_learn(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                   double *cost);
/* The same of a lesson that is cut, and how much all of its examples count. In several processes
 * all go the step, or none does: each calls it once. */
nb_status nb_learn_cut(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                       nb_outcome *outcome);

/* What functions of the host draw while a lesson is learnt is a function of its seed and step: the
 * context's chance until nb_chance_back. Pieces have their own. */
nb_chance nb_lesson_chance(nb_ctx *ctx, const nb_lesson *lesson);

/* Whether such a step goes straight into the parameters. */
bool nb_learns_straight(const nb_net *net, const nb_optimizer *optimizer, const nb_lesson *lesson);

/* One step from several lessons, which is that of all their examples in one: Σ weight ∇C / Σ
 * weight. Begins as {0}; belongs to one network until the step or nb_group_drop ends it. */
typedef struct nb_group {
    int64_t lessons;  /* so far */
    double weight;    /* of them */
    nb_staged staged; /* what they moved beside parameters */
    nb_tensor *sum;   /* of lessons that are cut: of their gradients; else NULL */
} nb_group;

/* Adds a lesson that counts `weight`, from 0: its gradient to net->grads, or where it is cut to the
 * group's sum. *cost: its own. On failure the gradients are lost, so the group must be dropped. */
nb_status nb_group_add(nb_ctx *ctx, nb_net *net, nb_group *group, const nb_lesson *lesson,
                       double weight, double *cost);
/* The same of a lesson that is cut, which counts as much as its examples do. */
nb_status nb_group_add_cut(nb_ctx *ctx, nb_net *net, nb_group *group, const nb_lesson *lesson,
                           nb_outcome *outcome);
/* The update; of the lesson, rate and penalty count. Ends the group, also on failure; then
 * parameters and state are as before. For optimizers of one pass: nothing can be evaluated anew. */
nb_status nb_group_step(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, nb_group *group,
                        const nb_lesson *lesson);
void nb_group_drop(nb_ctx *ctx, nb_net *net, nb_group *group);

/* All numbers that learning leaves in a network, as flat tensors (borrowed). */
void nb_net_state(const nb_net *net, nb_tensor *list[NB_NET_STATE]);
/* Copies of them (all or, on failure, none), which can be put back while the network has the same
 * size and dtype (nb_net_check_kept: else NB_EARG). */
nb_status nb_net_keep(nb_ctx *ctx, const nb_net *net, nb_tensor *copy[NB_NET_STATE]);
nb_status nb_net_check_kept(nb_ctx *ctx, const nb_net *net, nb_tensor *const copy[NB_NET_STATE]);
void nb_net_put_back(nb_net *net, nb_tensor *const copy[NB_NET_STATE]);
/* Writes them once more into copies that fit. */
void nb_net_copy(const nb_net *net, nb_tensor *const copy[NB_NET_STATE]);
/* Releases copies; those that there are not yet may be NULL. */
void nb_net_drop(nb_ctx *ctx, nb_tensor *copy[NB_NET_STATE]);

#endif
