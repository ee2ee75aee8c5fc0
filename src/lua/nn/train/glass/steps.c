/* t:step: whole steps of a trainer, or one stop by stop. */
#include "lua/nn/train/glass/steps.h"

#include "lua/nn/train/glass/walk.h"

#include <string.h>

/* ---- Whole ---- */

static nb_status step(nb_ctx *ctx, nbl_trainer_job *job)
{
    nbl_training *training = job->trainer->training;
    const nbl_progress_shower *shower = training->shower;
    training->shower = NULL;
    nb_status status = nb_glass_go(ctx, job->trainer->glass, job->n);
    training->shower = shower;
    return status;
}

/* ---- Layer by layer ---- */

static nb_status begin(nb_ctx *ctx, nbl_trainer_job *job)
{
    return nbl_half_begin(ctx, job->trainer->half, job->trainer->glass);
}

static nb_status next(nb_ctx *ctx, nbl_trainer_job *job)
{
    return nbl_half_next(ctx, job->trainer->half);
}

static nb_status nothing(nb_ctx *ctx, nbl_trainer_job *job)
{
    (void)ctx;
    (void)job;
    return NB_OK;
}

/* A new one, that has not begun, is the trainer's. */
static void new_half(lua_State *L, nbl_trainer *self)
{
    nbl_half *half = nbl_new_half(L);
    lua_setiuservalue(L, 1, NBL_HALFWAY);
    self->half = half;
}

/* The last stop makes the update. */
static int step_layer(lua_State *L, nbl_trainer *self)
{
    nbl_trainer_job job = {.trainer = self, .work = next, .half = NBL_STAYS};
    bool inside = nbl_trainer_is_inside(self), last = inside && nb_half_is_last(self->half->half);
    nbl_no_more(L, 2);
    if (!inside) {
        new_half(L, self);
        job.work = begin;
    } else if (last) {
        job.work = nothing;
        job.half = NBL_IS_MADE;
    }
    nbl_trainer_go(L, &job);
    lua_getiuservalue(L, 1, NBL_HALFWAY);
    if (last)
        nbl_push_shown(L, -1);
    else
        nbl_push_half(L, -1);
    return 1;
}

static int trainer_step(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    if (lua_type(L, 2) != LUA_TSTRING && !lua_isnil(L, 2)) {
        int64_t n = nbl_check_count(L, "the number of steps", 1, 1);
        nbl_trainer_job job = {.trainer = self, .work = step, .n = nb_glass_at(self->glass) + n};
        return nbl_trainer_go(L, &job);
    }
    if (lua_isnil(L, 2) || strcmp(lua_tostring(L, 2), "layer") != 0)
        return nbl_error(L,
                         "t:step() makes a step, t:step(10) ten, t:step(\"layer\") goes through "
                         "one layer by layer; %s is none of these",
                         nbl_describe(L, 2));
    return step_layer(L, self);
}

#define TRAINER                                                                                    \
    "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"                                      \
    "t = net:trainer(digits.train, {lr = 3, seed = 1})\n"

static const nbl_entry entries[] = {
    {":step", trainer_step, "t:step([n | \"layer\"])",
     "The next step, or n: a batch is learned from (with accumulate = k, k of them; lbfgs, cg and "
     "lm take the whole set), also past the run's epochs and patience. The last step of an epoch "
     "ends it: valid and test are evaluated. "
     "After t:back steps that were made before are made again, with the same bits. "
     "t:step(\"layer\") stops inside the step: see the page \"inside\".",
     TRAINER "t:step()\nt:step(9)\nt.step_number → 10", NULL},
    {.name = NULL},
};

void nbl_open_trainer_steps(lua_State *L)
{
    nbl_push_trainer_methods(L);
    nbl_register(L, "trainer", entries);
    lua_pop(L, 1);
}
