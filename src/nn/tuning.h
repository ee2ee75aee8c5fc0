/* How single neurons and weights of a layer learn where that differs from the layer as a whole:
 * what the user set of them. It knows no layer; neurons are counted from 0. */
#ifndef NB_TUNING_H
#define NB_TUNING_H

#include "base/option.h"
#include "tensor/tensor.h"

/* One neuron: its parts of the parameters. */
typedef struct nb_tuned {
    int64_t neuron;
    bool frozen;            /* training leaves them as they are */
    double factor;          /* of the learning rate */
    char name[NB_NAME_MAX]; /* "" for none */
} nb_tuned;

typedef struct nb_mask {
    char name[NB_NAME_MAX]; /* of the parameter */
    nb_tensor *learns;      /* u8, contiguous, of its shape: where 0, the number stays; owned */
} nb_mask;

typedef struct nb_tuning {
    nb_tuned *neuron; /* a list of `neurons`, ascending; the others are as their layer is */
    int64_t neurons, room;
    int64_t awake; /* how many of them are not frozen */
    nb_mask *mask; /* a list of `masks` */
    int masks;
} nb_tuning;

/* Leaves it empty. */
void nb_tuning_free(nb_ctx *ctx, nb_tuning *tuning);
/* Makes `to`, which is empty, hold the same; on failure it holds nothing. */
nb_status nb_tuning_copy(nb_ctx *ctx, nb_tuning *to, const nb_tuning *from);

/* What was set of a neuron, or NULL. */
const nb_tuned *nb_tuning_find(const nb_tuning *tuning, int64_t neuron);
/* Sets it; one that is as `layer`, the others, and has no name leaves the list. */
nb_status nb_tuning_set(nb_ctx *ctx, nb_tuning *tuning, const nb_tuned *as, const nb_tuned *layer);
/* The layer as a whole is frozen or scaled: so is every neuron, and those that have nothing else
 * of their own leave the list. */
void nb_tuning_level(nb_tuning *tuning, const nb_tuned *layer);

/* The mask of a parameter (borrowed), or NULL. */
nb_tensor *nb_tuning_mask(const nb_tuning *tuning, const char *name);
/* Adds one, of a parameter that has none: one more reference. */
nb_status nb_tuning_add_mask(nb_ctx *ctx, nb_tuning *tuning, const char *name, nb_tensor *learns);
/* Exchanges the masks of two. */
void nb_tuning_swap_masks(nb_tuning *a, nb_tuning *b);
void nb_tuning_drop_masks(nb_ctx *ctx, nb_tuning *tuning);

/* Drops what is of neurons from number `neurons` on. */
void nb_tuning_cut(nb_tuning *tuning, int64_t neurons);

#endif
