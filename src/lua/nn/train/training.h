/* One training as the user asks for it: what net:train and net:trainer are given, read in one
 * place, and the hooks by which the core reaches the user's functions. */
#ifndef NBL_TRAINING_H
#define NBL_TRAINING_H

#include "lua/nn/examples.h"
#include "lua/nn/part.h"
#include "lua/nn/train/metric.h"
#include "lua/state.h"
#include "nn/train/run/train.h"

/* User values of its handle. */
enum {
    NBL_ON_EPOCH = 1,
    NBL_ON_BATCH,
    NBL_AUGMENT,
    NBL_LEARNER, /* the network's handle */
    NBL_SCHEDULE,
    NBL_OPTIMIZER, /* the optimizer's handle */
    NBL_SET,       /* the data set's, or x; */
    NBL_GIVEN,     /* a list of whatever else the core points into */
    NBL_TRAINING_VALUES = NBL_GIVEN
};

/* A handle, so that the hooks find their functions by its address. */
typedef struct nbl_training {
    nbl_net *self;
    nbl_examples examples;
    nbl_metrics metrics;
    nb_train_options options;
    nb_set *valid, *test; /* or NULL */
    nbl_state *state;
    int64_t tested; /* examples of test, which a callback may finalise */
    int64_t common; /* of them trained on */
    const nbl_progress_shower *shower;
    nb_progress last;
    bool begun;   /* a batch was learned: training cannot be tried again */
    bool lr_told; /* by the user, with the optimizer or without */
    /* Called behind the user's hooks, which may have given the network other functions; or NULL. */
    nb_status (*behind)(nb_ctx *ctx, void *self);
    void *trainer; /* its `self` */
} nbl_training;

/* The options of both. */
extern const nb_option nbl_train_fields[];

/* Reads the call of a method of the network at 1: x and y or a data set from 2 on, then options;
 * nothing may follow. Pushes the training, which holds all that it needs. `whose`: "net:train". */
nbl_training *nbl_read_training(lua_State *L, const char *whose);
/* Its examples as a set (a new reference), those that its test shares with them counted; or NULL.
 */
nb_set *nbl_training_set(nb_ctx *ctx, nbl_training *training);
/* A line of its own for whoever shows progress. */
void nbl_training_say(const nbl_training *training, const char *text);

#endif
