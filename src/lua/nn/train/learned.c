#include "lua/nn/train/learned.h"

#include "lua/data/set.h"
#include "lua/nn/part.h"
#include "lua/nn/train/history.h"
#include "nn/data/digest.h"
#include "nn/train/batch.h"
#include "nn/train/run/parcel.h"

/* ---- As strings ---- */

int nbl_learned(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    nb_text *history = nbl_new_text(L);
    nb_parcel_add_history(history, &self->history);
    nbl_push_text(L, history);
    if (!lua_toboolean(L, 2)) return 1;
    nb_text *numbers = nbl_new_text(L);
    nb_parcel_add_numbers(numbers, self->net);
    nbl_push_text(L, numbers);
    lua_remove(L, -2);
    return 2;
}

/* ---- And back ---- */

typedef struct learned_job {
    nbl_net *self;
    const nb_set *set;
    const char *history, *numbers;
    size_t history_length, numbers_length;
    nb_history found; /* in a box, while nobody has it */
} learned_job;

static void release(nb_ctx *ctx, void *value)
{
    nb_history_free(ctx, &((learned_job *)value)->found);
}

static nb_status read_history(nb_ctx *ctx, void *data)
{
    learned_job *work = data;
    return nb_parcel_history(ctx, work->history, work->history_length, &work->found);
}

int nbl_learned_history(lua_State *L)
{
    learned_job *work = nbl_new_box(L, sizeof *work, release);
    work->history = luaL_checklstring(L, 1, &work->history_length);
    nbl_run(L, read_history, work);
    nbl_push_history(L, &work->found);
    return 1;
}

static nb_status learn_again(nb_ctx *ctx, void *data)
{
    learned_job *work = data;
    nb_net *net = work->self->net;
    nb_status status = work->found.room ? NB_OK : read_history(ctx, work);
    if (status == NB_OK) status = nb_net_take_schema(ctx, net, work->set);
    if (status == NB_OK) status = nb_parcel_numbers(ctx, work->numbers, work->numbers_length, net);
    if (status != NB_OK) return status;
    nb_history_free(ctx, &work->self->history);
    work->self->history = work->found;
    work->self->trained = true;
    work->found = (nb_history){.epochs = 0};
    return NB_OK;
}

int nbl_learn_again(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    const nb_set *set = nbl_test_set(L, 2);
    if (!set) return nbl_arg_error(L, 2, "a data set");
    learned_job *work = nbl_new_box(L, sizeof *work, release);
    work->self = self;
    work->set = set;
    work->history = luaL_checklstring(L, 3, &work->history_length);
    work->numbers = luaL_checklstring(L, 4, &work->numbers_length);
    /* Why it converged is told by a text in the string. */
    lua_getiuservalue(L, 1, NBL_KEPT);
    lua_pushvalue(L, 3);
    lua_setfield(L, -2, "learned");
    nbl_net_learn(L, self, "net:train", learn_again, work);
    lua_settop(L, 1);
    return 1;
}

/* ---- What it holds ---- */

typedef struct digest_job {
    const nb_set *set;
    uint64_t digest;
} digest_job;

static nb_status digest_set(nb_ctx *ctx, void *data)
{
    digest_job *work = data;
    return nb_set_digest(ctx, work->set, &work->digest);
}

int nbl_digest(lua_State *L)
{
    digest_job work = {.set = nbl_test_set(L, 1), .digest = NB_DIGEST_EMPTY};
    if (work.set) {
        nbl_run(L, digest_set, &work);
    } else {
        const nb_tensor *values = nbl_check_net(L, 1)->net->values;
        size_t bytes = (size_t)nb_tensor_count(values) * nb_dtype_size(values->dtype);
        work.digest = nb_digest(work.digest, nb_tensor_data(values), bytes);
    }
    lua_pushinteger(L, (lua_Integer)work.digest);
    return 1;
}
