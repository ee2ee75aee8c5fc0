/* Trainers as handles: a run of training that stops wherever its user likes. */
#ifndef NBL_TRAINER_H
#define NBL_TRAINER_H

#include "lua/nn/train/glass/half.h"
#include "lua/nn/train/training.h"
#include "nn/train/glass/glass.h"

/* User values of a trainer's handle. */
enum {
    NBL_TRAINED = 1,    /* the training's handle */
    NBL_FUNCTIONS_SEEN, /* a set of the functions that the record points into */
    NBL_HALFWAY,        /* the handle of the step that is half done, or was last */
    NBL_QUESTIONS,      /* what is asked of it, a table (questions.c) */
    NBL_TRAINER_VALUES = NBL_QUESTIONS
};

typedef struct nbl_trainer {
    nb_glass *glass; /* NULL until it is made */
    nbl_training *training;
    nb_net *net;    /* borrowed: the glass keeps it */
    uint64_t seen;  /* the glass's sayings when the functions of the layers were last kept */
    nbl_half *half; /* the step that is half done; NULL: none was yet, or it is told of */
} nbl_trainer;

extern const nbl_kind nbl_trainer_kind;

/* The trainer at `arg`, or an error; or NULL. */
nbl_trainer *nbl_check_trainer(lua_State *L, int arg);
nbl_trainer *nbl_test_trainer(lua_State *L, int arg);
/* Whether a step of it is half done. */
bool nbl_trainer_is_inside(const nbl_trainer *trainer);
/* Runs a job that may change the network, the trainer at 1: functions that the record points into
 * are kept, and those that it brought back are the network's again. `data` begins with a pointer to
 * the trainer. */
typedef struct nbl_trainer_job {
    nbl_trainer *trainer;
    nb_status (*work)(nb_ctx *ctx, struct nbl_trainer_job *job);
    int64_t n;
    const char *path;
    nbl_fate half; /* what becomes of a step that is half done, before anything else */
} nbl_trainer_job;
void nbl_trainer_run(lua_State *L, const char *whose, nbl_trainer_job *job);
/* A whole number from `low` at 2, or `standard` where nothing is there; nothing may follow. */
int64_t nbl_check_count(lua_State *L, const char *what, int64_t low, int64_t standard);
/* Pushes the table of methods, for who has more of them. */
void nbl_push_trainer_methods(lua_State *L);

/* net:trainer, into the methods of networks on the stack's top. */
void nbl_open_trainer(lua_State *L);

#endif
