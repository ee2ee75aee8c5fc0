/* What a trainer does and says: its ways, its fields, its text. */
#include "lua/nn/train/glass/walk.h"

#include "lua/names.h"
#include "lua/nn/train/history.h"
#include "lua/nn/train/glass/questions.h"

#include <math.h>
#include <string.h>

int nbl_trainer_go(lua_State *L, nbl_trainer_job *job)
{
    const char *name = nbl_push_name(L);
    nbl_questions_begin(L);
    nbl_trainer_run(L, name, job);
    lua_settop(L, 1);
    return 1;
}

/* ---- History ---- */

/* The history as it is told, borrowed. */
static nb_history told_history(const nbl_trainer *self)
{
    const nb_trainer *t = self->glass->trainer;
    nb_history history = t->history;
    history.converged = nb_optimizer_done(t->optimizer);
    history.resumed = self->glass->resumed;
    history.common = self->training->common;
    history.tested = self->training->tested;
    return history;
}

/* ---- Going ---- */

/* Progress is shown of what goes through epochs; a step is told by what it leaves. */
static nb_status with_shower(nb_ctx *ctx, nbl_trainer *self,
                             nb_status (*go)(nb_ctx *ctx, nb_glass *glass))
{
    const nbl_training *training = self->training;
    const nbl_progress_shower *shower = training->shower;
    nb_status status = go(ctx, self->glass);
    if (training->last.epoch > 0 && shower && shower->done)
        shower->done(shower->self, &training->last, status == NB_OK);
    return status;
}

/* A step that was half done may have been its last. */
static nb_status epoch(nb_ctx *ctx, nbl_trainer_job *job)
{
    if (nb_glass_at(job->trainer->glass) == job->n) return NB_OK;
    return with_shower(ctx, job->trainer, nb_glass_epoch);
}

/* net.history is that of the last run, as of net:train; also of one that was stopped. */
static nb_status leave_history(nb_ctx *ctx, const nbl_trainer *self)
{
    nbl_net *net = self->training->self;
    const nb_history told = told_history(self);
    nb_history copy;
    nb_status status = nb_history_copy(ctx, &copy, &told);
    if (status != NB_OK) return status;
    nb_history_free(ctx, &net->history);
    net->history = copy;
    net->trained = true;
    return NB_OK;
}

static nb_status run(nb_ctx *ctx, nbl_trainer_job *job)
{
    nb_status status = with_shower(ctx, job->trainer, nb_glass_run);
    return status == NB_OK ? leave_history(ctx, job->trainer) : status;
}

static nb_status back(nb_ctx *ctx, nbl_trainer_job *job)
{
    return nb_glass_back(ctx, job->trainer->glass, job->n);
}

static nb_status seek(nb_ctx *ctx, nbl_trainer_job *job)
{
    return nb_glass_seek(ctx, job->trainer->glass, job->n);
}

static nb_status save(nb_ctx *ctx, nbl_trainer_job *job)
{
    return nb_glass_save(ctx, job->trainer->glass, job->path);
}

static int trainer_epoch(lua_State *L)
{
    nbl_trainer_job job = {.trainer = nbl_check_trainer(L, 1), .work = epoch, .n = -1};
    nbl_no_more(L, 1);
    if (nbl_trainer_is_inside(job.trainer))
        job.n = nb_glass_epoch_end(job.trainer->glass, job.trainer->half->half->step.at.epoch);
    return nbl_trainer_go(L, &job);
}

static int trainer_back(lua_State *L)
{
    nbl_trainer_job job = {
        .trainer = nbl_check_trainer(L, 1), .work = back, .half = NBL_IS_DROPPED};
    job.n = nbl_check_count(L, "the number of steps", 0, 1);
    return nbl_trainer_go(L, &job);
}

static int trainer_seek(lua_State *L)
{
    nbl_trainer_job job = {
        .trainer = nbl_check_trainer(L, 1), .work = seek, .half = NBL_IS_DROPPED};
    if (lua_isnoneornil(L, 2))
        return nbl_error(L, "say the number of a step, as in t:seek(100); 0 is the beginning");
    job.n = nbl_check_count(L, "a step's number", 0, 0);
    return nbl_trainer_go(L, &job);
}

static int trainer_save(lua_State *L)
{
    nbl_trainer_job job = {.trainer = nbl_check_trainer(L, 1), .work = save, .half = NBL_STAYS};
    job.path = nbl_check_path(L, 2);
    nbl_no_more(L, 2);
    nbl_trainer_run(L, "trainer:save", &job);
    return 0;
}

/* The trainer at 1 runs to its end, in the name of `whose`. */
static void run_whole(lua_State *L, const char *whose)
{
    nbl_trainer_job job = {.trainer = nbl_check_trainer(L, 1), .work = run};
    nbl_questions_begin(L);
    nbl_trainer_run(L, whose, &job);
}

static int trainer_run(lua_State *L)
{
    const nbl_trainer *self = nbl_check_trainer(L, 1);
    nbl_no_more(L, 1);
    run_whole(L, "trainer:run");
    nbl_questions_say(L, self);
    const nb_history history = told_history(self);
    nbl_push_history(L, &history);
    return 1;
}

static int trainer_run_until(lua_State *L)
{
    nbl_check_trainer(L, 1);
    nbl_questions_wait(L);
    run_whole(L, "trainer:run_until");
    lua_settop(L, 1);
    return 1;
}

/* ---- Fields ---- */

static const nb_option *rate_option(const nb_optimizer *optimizer)
{
    return nb_option_find(optimizer->type->options, "lr");
}

static int push_user_value(lua_State *L, int which)
{
    lua_getiuservalue(L, 1, NBL_TRAINED);
    lua_getiuservalue(L, -1, which);
    return 1;
}

static void push_place(lua_State *L, const nbl_trainer *self)
{
    const nb_reel *reel = &self->glass->reel;
    lua_createtable(L, 0, 8);
    nbl_set_integer(L, "first", nb_glass_first(self->glass));
    nbl_set_integer(L, "last", nb_glass_last(self->glass));
    nbl_set_integer(L, "distance", nb_reel_spacing(reel));
    nbl_set_integer(L, "frames", reel->frames);
    nbl_set_integer(L, "edits", reel->edits);
    nbl_set_integer(L, "bytes", (int64_t)reel->bytes);
    nbl_set_integer(L, "most", (int64_t)reel->most);
    nbl_set_number(L, "share", reel->training > 0 ? reel->copying / reel->training : 0);
}

static bool push_number(lua_State *L, const nbl_trainer *self, const char *key)
{
    const nb_course *at = &self->glass->trainer->course;
    const nb_optimizer *optimizer = self->glass->trainer->optimizer;
    if (strcmp(key, "step_number") == 0)
        lua_pushinteger(L, nb_glass_at(self->glass));
    else if (strcmp(key, "epoch_number") == 0)
        lua_pushinteger(L, at->epoch);
    else if (strcmp(key, "batch_number") == 0)
        lua_pushinteger(L, at->batch);
    else if (strcmp(key, "cost") == 0)
        lua_pushnumber(L, at->batch ? nb_course_cost(at) : NAN);
    else if (strcmp(key, "step_cost") == 0)
        lua_pushnumber(L, at->batch ? at->cost : NAN);
    else if (strcmp(key, "step_lr") == 0 && rate_option(optimizer))
        lua_pushnumber(L, at->batch ? at->rate : NAN);
    else if (strcmp(key, "lr") == 0 && rate_option(optimizer))
        lua_pushnumber(L, optimizer->options.lr);
    else if (strcmp(key, "lr") == 0 || strcmp(key, "step_lr") == 0)
        lua_pushnil(L);
    else
        return false;
    return true;
}

static int trainer_index(lua_State *L)
{
    static const char *const fields[] = {
        "net",  "set", "history", "optimizer", "step_number", "epoch_number", "batch_number",
        "cost", "lr",  "record",  "step_cost", "step_lr",     "stopped",      NULL};
    const nbl_trainer *self = nbl_check_trainer(L, 1);
    if (nbl_push_method(L)) return 1;
    const char *key = nbl_key(L);
    if (push_number(L, self, key)) return 1;
    if (strcmp(key, "net") == 0) return push_user_value(L, NBL_LEARNER);
    if (strcmp(key, "set") == 0) return push_user_value(L, NBL_SET);
    if (strcmp(key, "optimizer") == 0) return push_user_value(L, NBL_OPTIMIZER);
    if (strcmp(key, "record") == 0) return push_place(L, self), 1;
    if (strcmp(key, "stopped") == 0) return nbl_questions_stopped(L);
    if (strcmp(key, "history") != 0) {
        nbl_look_elsewhere(L, "trainer", "a trainer", 2);
        return nbl_unknown_field(L, "a trainer", 2, lua_upvalueindex(NBL_METHODS), fields);
    }
    const nb_history history = told_history(self);
    nbl_push_history(L, &history);
    return 1;
}

/* t.lr = the number at 3: the optimizer's. */
static int set_rate(lua_State *L, nb_optimizer *optimizer)
{
    nb_ctx *ctx = nbl_ctx(L);
    const nb_option *option = rate_option(optimizer);
    nbl_check_seal(L, optimizer);
    if (!option)
        return nbl_error(L, "%s has no lr: it finds how far its steps go", optimizer->type->name);
    if (lua_type(L, 3) != LUA_TNUMBER)
        return nbl_error(L, "lr must be a number above 0, not %s", nbl_describe(L, 3));
    if (nb_option_set(ctx, option, &optimizer->options, lua_tonumber(L, 3)) != NB_OK)
        return nbl_error(L, "%s", ctx->message);
    return 0;
}

static int trainer_newindex(lua_State *L)
{
    nbl_trainer *self = nbl_check_trainer(L, 1);
    const char *key = nbl_key(L);
    if (strcmp(key, "lr") == 0) return set_rate(L, self->glass->trainer->optimizer);
    if (strcmp(key, "step_number") == 0)
        return nbl_error(L, "t:seek(step) and t:back(n) go to another step");
    return nbl_error(L, "of a trainer lr can be set; the optimizer's other options as in "
                        "t.optimizer.momentum = 0.9, the network's fields as in t.net[1].frozen = "
                        "true");
}

/* ---- The text ---- */

/* "step 12 · epoch 1, batch 12 of 144 · cost 0.3456 · lr 3" */
static void add_place(nb_text *text, const nbl_trainer *self)
{
    const nb_trainer *t = self->glass->trainer;
    const nb_course *at = &t->course;
    char path[NB_PATH_MAX];
    nb_text_add(text, "step ");
    nb_text_add_grouped(text, nb_glass_at(self->glass));
    if (at->epoch == 0)
        nb_text_add(text, " · before epoch 1");
    else if (nb_trainer_is_whole(t))
        nb_text_add(text, " · epoch %lld is whole", (long long)at->epoch);
    else
        nb_text_add(text, " · epoch %lld, batch %lld of %lld", (long long)at->epoch,
                    (long long)at->batch, (long long)((at->count + at->size - 1) / at->size));
    if (at->epoch) nb_text_add(text, " · cost %.4g", nb_course_cost(at));
    if (rate_option(t->optimizer)) nb_text_add(text, " · lr %.4g", t->optimizer->options.lr);
    if (nbl_trainer_is_inside(self))
        nb_text_add(text, "\ninside step %lld, %s layer %s", (long long)self->half->step,
                    nb_half_is_back(self->half->half) ? "back at" : "forward at",
                    nb_half_path(self->half->half, path));
}

/* Steps go on past the run's end, where t:run() does not. */
static void add_end(nb_text *text, const nbl_trainer *self)
{
    const nb_trainer *t = self->glass->trainer;
    int64_t epochs = self->glass->options.epochs;
    bool all = t->history.epochs >= epochs;
    if (t->net->values != self->glass->values)
        nb_text_add(text, "\nthe network was built anew, and this run cannot go on");
    if (!all && !nb_trainer_is_done(t)) return;
    if (all)
        nb_text_add(text, "\nthe run of %lld epoch%s is over", (long long)epochs,
                    epochs > 1 ? "s" : "");
    else
        nb_text_add(text, "\n%s",
                    nb_optimizer_done(t->optimizer) ? "converged" : "patience is at its end");
    if (t->best[0] && !t->history.best)
        nb_text_add(text, "; t:run() brings the best epoch back, %lld", (long long)t->course.best);
}

/* Of less training the share of its time says little. */
#define SHARE_AFTER 1.0

/* "record: 0 to 120, whole every 4 · 1.2 MB of 256 MB · 2.1 % of time · 1 change" */
static void add_record(nb_text *text, const nbl_trainer *self)
{
    const nb_reel *reel = &self->glass->reel;
    char bytes[NB_SIZE_TEXT_MAX], most[NB_SIZE_TEXT_MAX];
    nb_text_add(text, "\nrecord: ");
    nb_text_add_grouped(text, nb_glass_first(self->glass));
    nb_text_add(text, " to ");
    nb_text_add_grouped(text, nb_glass_last(self->glass));
    if (nb_reel_spacing(reel) > 1)
        nb_text_add(text, ", whole every %lld", (long long)nb_reel_spacing(reel));
    nb_text_add(text, " · %s of %s", nb_size_text(reel->bytes, bytes),
                nb_size_text(reel->most, most));
    if (reel->training > SHARE_AFTER)
        nb_text_add(text, " · %.1f %% of time", 100 * reel->copying / reel->training);
    if (reel->edits)
        nb_text_add(text, " · %lld change%s", (long long)reel->edits, reel->edits > 1 ? "s" : "");
}

static int trainer_tostring(lua_State *L)
{
    const nbl_trainer *self = nbl_check_trainer(L, 1);
    nb_text *text = nbl_new_text(L);
    add_place(text, self);
    add_end(text, self);
    add_record(text, self);
    nbl_questions_text(L);
    if (*lua_tostring(L, -1)) nb_text_add(text, "\n%s", lua_tostring(L, -1));
    nbl_push_text(L, text);
    return 1;
}

/* ---- Registration ---- */

#define TRAINER                                                                                    \
    "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"                                      \
    "t = net:trainer(digits.train, {lr = 3, seed = 1})\n"

static const nbl_entry entries[] = {
    {":epoch", trainer_epoch, "t:epoch()",
     "The rest of the epoch under way, or a new one, also past the run's epochs and patience.",
     TRAINER "t:epoch()\nt.epoch_number → 1", NULL},
    {":run", trainer_run, "t:run()",
     "All epochs that are left, as net:train: with patience the best epoch's parameters come back "
     "at the end, and a checkpoint is written where one is asked for. Gives the history.",
     "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"
     "t = net:trainer(digits.train, {epochs = 2, lr = 3, seed = 1})\nt:step(10)\nprint(t:run())",
     NULL},
    {":run_until", trainer_run_until, "t:run_until(f | \"cost < 0.1\" | …)",
     "Runs until a condition holds, as t:stop_when takes it, at least one step; or to the end of "
     "the run.",
     TRAINER "t:run_until(\"step >= 100\")\nt.step_number → 100", NULL},
    {":back", trainer_back, "t:back([n])",
     "n steps back, or one: network, optimizer, running figures and history are what they were "
     "then, with what had been changed by hand. t:back(0) drops what was changed since the run "
     "stopped here.",
     TRAINER "t:step(60)\nw = net[1].w:clone()\nt:back(50)\nt:step(50)\n"
             "net[1].w:equal(w) → true",
     NULL},
    {":seek", trainer_seek, "t:seek(step)",
     "To a step that the run has been at, back or ahead; 0 is the beginning.",
     TRAINER "t:step(60)\nt:seek(0)\nt:seek(60)\nt.step_number → 60", NULL},
    {":save", trainer_save, "t:save(path)",
     "Writes the run as it stands to a file, from which net:train(set, {resume = path}) and "
     "net:trainer(set, {resume = path}) go on with the same bits; nn.load reads its network.",
     TRAINER "path = os.tmpname()\nt:step(5)\nt:save(path)\n"
             "u = nn.net(\"64 - 30 - 10\"):trainer(digits.train, {lr = 3, resume = path})\n"
             "u.step_number → 5\nos.remove(path)",
     NULL},
    {"net", NULL, "t.net", "The network that learns.", TRAINER "print(t.net)", NULL},
    {"set", NULL, "t.set", "What it learns from.", TRAINER "print(t.set)", NULL},
    {"history", NULL, "t.history",
     "The history of the epochs that are whole, as net:train gives it.",
     TRAINER "t:epoch()\nprint(t.history)", NULL},
    {"optimizer", NULL, "t.optimizer",
     "The optimizer's object, whose options may be set at any stop.",
     TRAINER "t:step(5)\nt.optimizer.momentum = 0.9\nt:step(5)", NULL},
    {"step_number", NULL, "t.step_number", "How many steps lie behind the run.",
     TRAINER "t:step(3)\nt.step_number → 3", NULL},
    {"epoch_number", NULL, "t.epoch_number",
     "The epoch under way, from 1; 0 before the first step.",
     TRAINER "t:step(3)\nt.epoch_number → 1", NULL},
    {"batch_number", NULL, "t.batch_number", "How many batches of the epoch are done.",
     TRAINER "t:step(3)\nt.batch_number → 3", NULL},
    {"cost", NULL, "t.cost", "The mean cost of the epoch's batches so far.",
     TRAINER "t:step(3)\nprint(t.cost)", NULL},
    {"step_cost", NULL, "t.step_cost", "The cost of the last step's examples, before its update.",
     TRAINER "t:step()\nprint(t.step_cost)", NULL},
    {"step_lr", NULL, "t.step_lr",
     "The learning rate of the last step, with what a schedule made of it.",
     TRAINER "t:step()\nt.step_lr → 3.0", NULL},
    {"stopped", NULL, "t.stopped",
     "What stopped the last run: a table that prints itself, .what (\"cost > 2\"), .where in "
     "words, "
     ".step .epoch .batch, of a neuron also .layer .neuron; nil where nothing did. See "
     "t:stop_when.",
     TRAINER "t:run_until(\"step >= 7\")\nprint(t.stopped)\nt.stopped.step → 7", NULL},
    {"lr", NULL, "t.lr",
     "The optimizer's learning rate, which may be set at any stop; a schedule multiplies it.",
     TRAINER "t:step(3)\nt.lr = 1\nt:step(3)", NULL},
    {"record", NULL, "t.record",
     "What is kept of the run, as a table: the steps .first and .last that it can be taken to; the "
     "state is kept at every .distance-th of them (.frames in all), the others are made again from "
     "there; .edits, the changes by hand and by callbacks; .bytes, at most .most; .share, of the "
     "training's time.",
     TRAINER "t:step(100)\nt.record.first → 0", NULL},
    {.name = NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", trainer_newindex},
    {"__tostring", trainer_tostring},
    {NULL, NULL},
};

void nbl_open_trainers(lua_State *L)
{
    nbl_open_kind(L, &nbl_trainer_kind, meta, trainer_index, "trainer", entries);
}
