/* data.xor, data.spirals, data.moons. */
#include "lua/data/generate.h"

#include "lua/data/set.h"
#include "nn/data/read/generate.h"

#include <stddef.h>

enum { COUNT = 200 }; /* examples where none are asked for */

#define AT(field) offsetof(made_options, field)

typedef struct made_options {
    double noise, turns;
    int64_t seed; /* -1: not given */
} made_options;

#define NOISE(standard_deviation)                                                                  \
    {                                                                                              \
        .name = "noise", .help = "standard deviation of what is added to each coordinate",         \
        .range = "a number from 0", .value = (standard_deviation), .high = 1e30,                   \
        .kind = NB_NUMBER, .offset = AT(noise)                                                     \
    }
#define SEED                                                                                       \
    {                                                                                              \
        .name = "seed", .help = "of the noise", .range = "a whole number from 0",                  \
        .standard = "from nabla.seed", .value = -1, .high = NB_WHOLE_MAX, .kind = NB_INTEGER,      \
        .offset = AT(seed)                                                                         \
    }

static const nb_option spiral_fields[] = {
    NOISE(0.02),
    {.name = "turns",
     .help = "of an arm",
     .range = "a number above 0",
     .value = 1.5,
     .high = 1e6,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(turns)},
    SEED,
    NB_OPTIONS_END,
};

static const nb_option moon_fields[] = {NOISE(0.1), SEED, NB_OPTIONS_END};

typedef nb_set *generator(nb_ctx *ctx, const nb_generate_options *options);

typedef struct made_job {
    generator *make;
    nb_generate_options options;
    nb_set **out;
} made_job;

static nb_status make(nb_ctx *ctx, void *data)
{
    made_job *work = data;
    *work->out = work->make(ctx, &work->options);
    return *work->out ? NB_OK : ctx->status;
}

/* (n, {…}), (n), ({…}) or nothing. */
static int make_set(lua_State *L, generator *of, const nb_option *fields)
{
    made_options given = {.turns = 1};
    bool told = lua_type(L, 1) == LUA_TNUMBER;
    made_job work = {.make = of,
                     .options.count =
                         told ? nbl_check_integer(L, 1, "the number of examples") : COUNT};
    nbl_no_more(L, 1 + told);
    nbl_options(L, 1 + told, fields, &given, false);
    work.options.noise = given.noise;
    work.options.turns = given.turns;
    work.options.seed =
        given.seed >= 0 ? (uint64_t)given.seed : nbl_check_seed(L, lua_gettop(L) + 1);
    work.out = nbl_new_set(L);
    nbl_run(L, make, &work);
    return 1;
}

static int data_spirals(lua_State *L)
{
    return make_set(L, nb_set_spirals, spiral_fields);
}

static int data_moons(lua_State *L)
{
    return make_set(L, nb_set_moons, moon_fields);
}

static nb_set *of_xor(nb_ctx *ctx, const nb_generate_options *options)
{
    (void)options;
    return nb_set_xor(ctx);
}

static int data_xor(lua_State *L)
{
    made_job work = {.make = of_xor};
    lua_settop(L, 0);
    work.out = nbl_new_set(L);
    nbl_run(L, make, &work);
    return 1;
}

static const nbl_entry entries[] = {
    {"xor", data_xor, "data.xor()",
     "The four points of the unit square: class 1 where their coordinates differ, else 0. No "
     "network without hidden neurons learns it.",
     "set = data.xor()\nnet = nn.net(\"2 - 4 tanh - 2 softmax : cross_entropy\", {seed = 1})\n"
     "net:train(set, {epochs = 300, batch = 4, lr = 0.5})\nprint(net:evaluate(set))",
     NULL},
    {"spirals", data_spirals, "data.spirals([n, {noise, turns, seed}])",
     "n points (200 unless told) of the plane, in turn on two arms of a spiral, half a turn apart: "
     "two classes.",
     "set = data.spirals(400, {seed = 1})\nprint(set)", spiral_fields},
    {"moons", data_moons, "data.moons([n, {noise, seed}])",
     "n points (200 unless told) of the plane, in turn on two half circles that reach into each "
     "other: two classes.",
     "set = data.moons(100, {seed = 1})\nprint(set)", moon_fields},
    {.name = NULL},
};

void nbl_open_generated(lua_State *L)
{
    nbl_register(L, "data", entries);
}
