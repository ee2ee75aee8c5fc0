/* net:trainer: a run of training that is walked through by hand, forward and back. */
#include "lua/nn/train/glass/trainer.h"

#include "lua/nn/keep.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/net.h"

#include <string.h>

static int trainer_gc(lua_State *L);

static const luaL_Reg life[] = {
    {"__gc", trainer_gc},
    {NULL, NULL},
};
const nbl_kind nbl_trainer_kind = {"nabla.trainer", NBL_TRAINER_VALUES, life};

nbl_trainer *nbl_check_trainer(lua_State *L, int arg)
{
    nbl_trainer *self = nbl_check_handle(L, arg, &nbl_trainer_kind, "a trainer");
    if (!self->glass) nbl_error(L, "this trainer was already released");
    return self;
}

nbl_trainer *nbl_test_trainer(lua_State *L, int arg)
{
    nbl_trainer *self = nbl_test_handle(L, arg, &nbl_trainer_kind);
    return self && self->glass ? self : NULL;
}

bool nbl_trainer_is_inside(const nbl_trainer *self)
{
    return self->half && self->half->half;
}

static int trainer_gc(lua_State *L)
{
    nbl_trainer *self = nbl_check_handle(L, 1, &nbl_trainer_kind, "a trainer");
    nb_glass_free(nbl_ctx(L), self->glass);
    self->glass = NULL;
    return 0;
}

/* ---- What the record points into ---- */

/* Functions of the network as it is now stay as long as the trainer at `at`. */
static void keep_functions(lua_State *L, int at, const nb_net *net)
{
    lua_getiuservalue(L, at, NBL_FUNCTIONS_SEEN);
    nbl_hold_layer(L, lua_gettop(L), &net->layer);
    lua_pop(L, 1);
}

/* The handle of `net`, where there is one, holds the functions of `layer`. */
static void give_to(lua_State *L, const nb_net *net, const nb_layer *layer)
{
    if (!nbl_find(L, net)) return;
    lua_getiuservalue(L, -1, NBL_HELD);
    nbl_hold_layer(L, lua_gettop(L), layer);
    lua_pop(L, 2);
}

/* What the record brought back the network's handle needs, and so do those that it stands in and
 * those that stand in it: any of them may be the last. */
static void give_functions(lua_State *L, const nb_net *net)
{
    for (const nb_net *at = net; at; at = at->outer) give_to(L, at, &net->layer);
    for (int i = 0; i < net->parts; i++) {
        const nb_net *inner = nb_net_of(net->part[i]);
        if (inner) give_to(L, inner, &inner->layer);
    }
}

static int nothing(lua_State *L)
{
    (void)L;
    return 0;
}

static int push_keeping(lua_State *L, const void *self, const void *data)
{
    const nbl_trainer *trainer = self;
    (void)data;
    nbl_recall(L, self);
    keep_functions(L, lua_gettop(L), trainer->net);
    give_functions(L, trainer->net);
    lua_pop(L, 1);
    lua_pushcfunction(L, nothing);
    return 0;
}

static nb_status keep_now(nb_ctx *ctx, void *self)
{
    bool stop;
    return nbl_call_hook(ctx, push_keeping, self, NULL, &stop);
}

/* From inside the core, where the layers say something new. */
static nb_status keep_new(nb_ctx *ctx, nbl_trainer *trainer)
{
    if (!trainer->glass || trainer->seen == trainer->glass->sayings) return NB_OK;
    trainer->seen = trainer->glass->sayings;
    return keep_now(ctx, trainer);
}

/* Nobody is shown the progress of one step. */
static nb_status settle_half(nb_ctx *ctx, const nbl_trainer_job *job)
{
    nbl_training *training = job->trainer->training;
    const nbl_progress_shower *shower = training->shower;
    training->shower = NULL;
    nb_status status = nbl_half_settle(ctx, job->trainer->half, job->half, job->trainer->glass);
    training->shower = shower;
    return status;
}

/* What failed first is told. */
static nb_status run_job(nb_ctx *ctx, void *data)
{
    nbl_trainer_job *job = data;
    bool inside = nbl_trainer_is_inside(job->trainer) && job->half == NBL_IS_MADE;
    nb_status status = settle_half(ctx, job);
    /* Whoever stops the run behind that step stops it there. */
    bool stopped = inside && status == NB_OK && job->trainer->glass->loop.stop;
    if (status == NB_OK && !stopped) status = job->work(ctx, job);
    if (status == NB_OK) return keep_new(ctx, job->trainer);
    char message[NB_MESSAGE_MAX];
    memcpy(message, ctx->message, sizeof message);
    keep_new(ctx, job->trainer);
    memcpy(ctx->message, message, sizeof message);
    return ctx->status = status;
}

/* The table of a step that is over by now says so; it may have failed. */
static void close_half(lua_State *L, nbl_trainer *self)
{
    if (!self->half || !self->half->over) return;
    lua_getiuservalue(L, 1, NBL_HALFWAY);
    self->half = NULL;
    nbl_close_half(L, -1);
    lua_pop(L, 1);
}

static void check_others(lua_State *L, nb_net *net)
{
    const nb_net *root = nb_net_root(net);
    if (root->values) nbl_check_others(L, root->values);
}

void nbl_trainer_run(lua_State *L, const char *whose, nbl_trainer_job *job)
{
    nbl_training *training = job->trainer->training;
    training->last.epoch = 0;
    close_half(L, job->trainer);
    keep_functions(L, 1, training->self->net);
    /* A step of its own that is half done holds the network against all others. */
    if (!nbl_trainer_is_inside(job->trainer)) check_others(L, training->self->net);
    if (job->trainer->glass) nbl_state_get(L)->standing = job->trainer;
    nbl_net_derive(L, training->self, whose, run_job, job);
    close_half(L, job->trainer);
}

int64_t nbl_check_count(lua_State *L, const char *what, int64_t low, int64_t standard)
{
    nbl_no_more(L, 2);
    if (lua_isnone(L, 2)) return standard;
    int64_t n = nbl_check_integer(L, 2, what);
    if (n < low)
        nbl_error(L, "%s must be a whole number from %d, not %I", what, (int)low, (LUAI_UACINT)n);
    return n;
}

/* ---- Making one ---- */

static nb_status make(nb_ctx *ctx, nbl_trainer_job *job)
{
    nbl_trainer *self = job->trainer;
    nbl_training *training = self->training;
    const nb_glass_options options = {.train = training->options};
    nb_set *set = nbl_training_set(ctx, training);
    if (!set) return ctx->status;
    self->glass = nb_glass_new(ctx, self->net, set, &options);
    nb_set_release(ctx, set);
    return self->glass ? NB_OK : ctx->status;
}

static int net_trainer(lua_State *L)
{
    nbl_training *training = nbl_read_training(L, "net:trainer");
    nbl_trainer *self = nbl_new_handle(L, &nbl_trainer_kind, sizeof *self);
    self->training = training;
    self->net = training->self->net;
    training->behind = keep_now;
    training->trainer = self;
    nbl_remember(L);
    lua_pushvalue(L, -2);
    lua_setiuservalue(L, -2, NBL_TRAINED);
    lua_newtable(L);
    lua_setiuservalue(L, -2, NBL_FUNCTIONS_SEEN);
    lua_replace(L, 1);
    nbl_trainer_job job = {.trainer = self, .work = make};
    nbl_trainer_run(L, "net:trainer", &job);
    lua_settop(L, 1);
    return 1;
}

/* ---- Registration ---- */

#define TRAINER                                                                                    \
    "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"                                      \
    "t = net:trainer(digits.train, {lr = 3, seed = 1})\n"

static const nbl_entry net_entries[] = {
    {":trainer", net_trainer, "net:trainer(set | x, y, {epochs, batch, lr, …})",
     "A run of training that is walked through by hand: t:step(), t:epoch(), t:run() go forward, "
     "t:back(n) and t:seek(step) anywhere in what there was, with the same bits. Options are those "
     "of net:train, and t:run() does what it does. At every stop all else works, and what it "
     "changes counts from there on. More on the page \"trainer\".",
     TRAINER "t:step(10)\nnet[1]:neuron(7).activation = \"relu\"\nt:epoch()\nt:back(50)\nprint(t)",
     nbl_train_fields},
    {.name = NULL},
};

void nbl_push_trainer_methods(lua_State *L)
{
    luaL_getmetatable(L, nbl_trainer_kind.name);
    lua_getfield(L, -1, "methods");
    lua_remove(L, -2);
}

void nbl_open_trainer(lua_State *L)
{
    nbl_register(L, "net", net_entries);
}
