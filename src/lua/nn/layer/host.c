/* Handles of functions, the calls into them, and their names. */
#include "lua/nn/layer/host.h"

#include "lua/names.h"
#include "lua/nn/keep.h"
#include "lua/state.h"
#include "nn/notation/notation.h"
#include "tensor/shape.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { FUNCTION = 1, SLOPE, FUNCTION_VALUES = SLOPE };

/* A handle. The core is given the address of `host` or of what stands beside it in the union. */
typedef struct function {
    nb_host_function host;
    char name[NB_NAME_MAX];
    char what[NB_NAME_MAX + 16]; /* "activation swish", for messages */
    bool slope;                  /* the derivative is a function too */
    /* Of the activations that stand under nn.NAME: the core's own, and the rest is not used. */
    const nb_activation_type *built_in;
    union {
        nb_activation_type activation;
        nb_cost_type cost;
    };
} function;

/* ---- Calls from the core ---- */

static void push_value(lua_State *L, const void *self, int which)
{
    nbl_recall(L, self);
    lua_getiuservalue(L, -1, which);
    lua_remove(L, -2);
}

static void push_function(lua_State *L, const void *self)
{
    push_value(L, self, FUNCTION);
}

static void push_slope(lua_State *L, const void *self)
{
    push_value(L, self, SLOPE);
}

static nb_tensor *call_plain(nb_ctx *ctx, const nb_host_function *host, nb_tensor *const *in,
                             int count)
{
    const function *self = (const function *)host;
    return nbl_call_function(ctx, push_function, host, self->what, in, count, false);
}

static nb_tensor *call_cost(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                            const nb_answers *y)
{
    nb_tensor *const in[] = {a, y->y};
    const function *self = (const function *)cost->type->host;
    (void)last;
    return nbl_call_function(ctx, push_function, self, self->what, in, 2, true);
}

/* An activation gives a number for every number. Takes `out` over, which may be NULL. */
static nb_tensor *check_output(nb_ctx *ctx, const function *self, const nb_tensor *z,
                               nb_tensor *out)
{
    char expected[NB_SHAPE_TEXT], got[NB_SHAPE_TEXT];
    if (!out) return NULL;
    if (nb_tensor_same_shape(z, out) && z->dtype == out->dtype) return out;
    nb_fail(ctx, NB_ESHAPE, "%s must give a tensor of the shape and dtype of z, %s %s, not %s %s",
            self->what, nb_shape_text(z->dims, z->shape, expected), nb_dtype_name(z->dtype),
            nb_shape_text(out->dims, out->shape, got), nb_dtype_name(out->dtype));
    nb_tensor_release(ctx, out);
    return NULL;
}

/* a and f'(z) come forward off the tape, and one op joins them on it: z takes δ ⊙ f'(z). */
static nb_tensor *join_slope(nb_ctx *ctx, const function *self, nb_tensor *z, nb_tensor *a)
{
    nb_tensor *slope = nbl_call_function(ctx, push_slope, self, self->what, &z, 1, false);
    slope = check_output(ctx, self, z, slope);
    if (!slope) return NULL;
    nb_call call = {.op = nb_ops[NB_OP_slope_chain], .in = {z, a, slope}, .inputs = 3};
    ctx->recording = true;
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_tensor_release(ctx, slope);
    return out;
}

static nb_tensor *call_with_slope(nb_ctx *ctx, const function *self, nb_tensor *z)
{
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *a = check_output(ctx, self, z, call_plain(ctx, &self->host, &z, 1));
    nb_tensor *out = a;
    if (a && recording) {
        out = join_slope(ctx, self, z, a);
        nb_tensor_release(ctx, a);
    }
    ctx->recording = recording;
    return out;
}

static nb_tensor *call_activation(nb_ctx *ctx, const nb_host_function *host, nb_tensor *const *in,
                                  int count)
{
    const function *self = (const function *)host;
    if (self->slope) return call_with_slope(ctx, self, in[0]);
    return check_output(ctx, self, in[0], call_plain(ctx, host, in, count));
}

/* ---- Making handles ---- */

static int function_tostring(lua_State *L);

static const luaL_Reg function_meta[] = {{"__tostring", function_tostring}, {NULL, NULL}};
const nbl_kind nbl_activation_kind = {"nabla.activation", FUNCTION_VALUES, function_meta};
static const nbl_kind cost_kind = {"nabla.cost", FUNCTION_VALUES, function_meta};
static const nbl_kind metric_kind = {"nabla.metric", FUNCTION_VALUES, function_meta};
static const nbl_kind layer_function_kind = {"nabla.layer function", FUNCTION_VALUES,
                                             function_meta};

/* The handle at `at`, NULL when it is of none of the three kinds. */
static function *test_function(lua_State *L, int at)
{
    static const nbl_kind *const kinds[] = {&nbl_activation_kind, &cost_kind, &metric_kind,
                                            &layer_function_kind};
    function *self = NULL;
    for (size_t i = 0; !self && i < sizeof kinds / sizeof *kinds; i++)
        self = nbl_test_handle(L, at, kinds[i]);
    return self;
}

static int function_tostring(lua_State *L)
{
    const function *self = test_function(L, 1);
    if (!self) return nbl_arg_error(L, 1, "a function of nabla");
    lua_pushstring(L, self->what);
    return 1;
}

/* What may stand in the place of math.NAME, which takes a number where the network gives a
 * tensor. */
static const char *instead_of(lua_State *L, const char *name, const char *word)
{
    const nb_op *op = nb_op_find(name);
    if (strcmp(word, "activation") == 0 && nb_activation_find(name))
        return lua_pushfstring(L, "; write \"%s\"", name);
    if (op && !op->hidden && !*op->signature)
        return lua_pushfstring(L, "; write function(x) return x:%s() end", name);
    return "; write a function of tensor methods";
}

/* Functions of Lua's math know no tensors: said at once, not when the network runs. */
static void refuse_math(lua_State *L, int arg, const char *word)
{
    int top = lua_gettop(L);
    if (!lua_iscfunction(L, arg)) return;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "math") == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, top + 2); lua_pop(L, 1)) {
            if (!lua_rawequal(L, -1, arg) || lua_type(L, -2) != LUA_TSTRING) continue;
            const char *name = lua_tostring(L, -2);
            nbl_error(L, "math.%s takes a number, and the %s gets a tensor%s", name, word,
                      instead_of(L, name, word));
        }
    lua_settop(L, top);
}

/* Pushes a handle for the function at `arg`. */
static function *new_function(lua_State *L, int arg, const nbl_kind *kind, const char *name)
{
    arg = lua_absindex(L, arg);
    const char *word = strrchr(kind->name, '.') + 1;
    refuse_math(L, arg, word);
    function *self = nbl_new_handle(L, kind, sizeof *self);
    snprintf(self->name, sizeof self->name, "%s", name);
    if (strcmp(name, NBL_NAMELESS) != 0)
        snprintf(self->what, sizeof self->what, "%s %s", word, name);
    else if (kind == &layer_function_kind) /* messages say which layer's */
        snprintf(self->what, sizeof self->what, "its function");
    else
        snprintf(self->what, sizeof self->what, "the function of this %s", word);
    self->host.call = call_plain;
    self->host.id = (uint64_t)(uintptr_t)self;
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, -2, FUNCTION);
    nbl_remember(L);
    return self;
}

static function *new_activation(lua_State *L, int arg, const char *name)
{
    function *self = new_function(L, arg, &nbl_activation_kind, name);
    self->host.call = call_activation;
    self->activation = (nb_activation_type){.name = self->name,
                                            .help = "a function of Lua",
                                            .formula = "f(z)",
                                            .init = "lecun",
                                            .example = "",
                                            .low = NAN,
                                            .high = NAN,
                                            .host = &self->host};
    return self;
}

void nbl_new_built_in(lua_State *L, const nb_activation_type *type)
{
    function *self = nbl_new_handle(L, &nbl_activation_kind, sizeof *self);
    snprintf(self->name, sizeof self->name, "%s", type->name);
    snprintf(self->what, sizeof self->what, "activation %s", type->name);
    self->built_in = type;
}

const nb_activation_type *nbl_test_activation(lua_State *L, int arg)
{
    const function *self = nbl_test_handle(L, arg, &nbl_activation_kind);
    if (!self) return NULL;
    return self->built_in ? self->built_in : &self->activation;
}

/* A function (a, y) → number: a cost, or a metric. */
static function *new_judge(lua_State *L, int arg, const nbl_kind *kind, const char *name)
{
    function *self = new_function(L, arg, kind, name);
    self->cost = (nb_cost_type){.name = self->name,
                                .help = "a function of Lua",
                                .formula = "f(a, y)",
                                .example = "",
                                .of = call_cost,
                                .host = &self->host};
    return self;
}

static function *new_cost(lua_State *L, int arg, const char *name)
{
    return new_judge(L, arg, &cost_kind, name);
}

const nb_cost_type *nbl_new_metric(lua_State *L, int arg, const char *name)
{
    return &new_judge(L, arg, &metric_kind, name)->cost;
}

const nb_host_function *nbl_new_layer_function(lua_State *L, int arg, const char *name)
{
    return &new_function(L, arg, &layer_function_kind, *name ? name : NBL_NAMELESS)->host;
}

/* ---- Names ---- */

/* Pushes the handle registered under a name, or nil. */
static function *find_registered(lua_State *L, int names, const char *name)
{
    nbl_state_push(L, names);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    return test_function(L, -1);
}

/* What a family of functions is called, where its handles come from and where names are kept. */
typedef struct family {
    const nbl_kind *kind;
    const char *word, *wanted;
    function *(*make)(lua_State *L, int arg, const char *name);
    int names; /* NBL_ACTIVATIONS, NBL_COSTS */
    nb_name_at *built_in;
} family;

/* The handle behind a value that names nothing built in. What had to be found or made replaces the
 * argument. */
static function *to_function(lua_State *L, int arg, const family *f)
{
    arg = lua_absindex(L, arg);
    function *self = nbl_test_handle(L, arg, f->kind);
    if (self) return self;
    if (lua_isfunction(L, arg)) {
        const void *address = lua_topointer(L, arg); /* given twice it has one handle */
        self = nbl_find_of(L, address, f->kind);
        if (!self) self = f->make(L, arg, NBL_NAMELESS);
        nbl_remember_as(L, address);
    } else {
        if (lua_type(L, arg) != LUA_TSTRING)
            nbl_error(L, "%s, not %s", f->wanted, nbl_describe(L, arg));
        const char *name = lua_tostring(L, arg);
        self = find_registered(L, f->names, name);
        if (!self) nbl_unknown_name(L, f->word, name, f->built_in);
    }
    lua_replace(L, arg);
    return self;
}

static const char *name_at(lua_State *L, int arg)
{
    return lua_type(L, arg) == LUA_TSTRING ? nbl_check_text(L, arg) : "";
}

/* A built-in word with options, "leaky_relu(slope=0.2)", is read as notation is. */
static bool has_options(lua_State *L, int arg)
{
    return lua_type(L, arg) == LUA_TSTRING && strpbrk(lua_tostring(L, arg), "( =") != NULL;
}

nb_activation nbl_to_activation(lua_State *L, int arg)
{
    static const family activations = {
        .kind = &nbl_activation_kind,
        .word = "activation",
        .wanted = "an activation is a name, a function or an nn.activation",
        .make = new_activation,
        .names = NBL_ACTIVATIONS,
        .built_in = nb_activation_name_at,
    };
    nb_activation activation = {.type = nb_activation_find(name_at(L, arg))};
    if (has_options(L, arg)) {
        nb_ctx *ctx = nbl_ctx(L);
        if (nb_notation_activation(ctx, lua_tostring(L, arg), NULL, &activation) != NB_OK)
            nbl_error(L, "%s", ctx->message);
        return activation;
    }
    if (!activation.type) {
        to_function(L, arg, &activations);
        activation.type = nbl_test_activation(L, arg);
    }
    return nb_activation_of(activation.type);
}

nb_cost nbl_to_cost(lua_State *L, int arg)
{
    static const family costs = {
        .kind = &cost_kind,
        .word = "cost",
        .wanted = "a cost is a name, a function or an nn.cost",
        .make = new_cost,
        .names = NBL_COSTS,
        .built_in = nb_cost_name_at,
    };
    nb_cost cost = {.type = nb_cost_find(name_at(L, arg))};
    if (has_options(L, arg)) {
        nb_ctx *ctx = nbl_ctx(L);
        if (nb_notation_cost(ctx, lua_tostring(L, arg), NULL, &cost) != NB_OK)
            nbl_error(L, "%s", ctx->message);
        return cost;
    }
    if (!cost.type) cost.type = &to_function(L, arg, &costs)->cost;
    return nb_cost_make(cost.type);
}

/* The name, with the options that have not their defaults. */
static void push_built_in(lua_State *L, nb_activation activation)
{
    nb_text *text = nbl_new_text(L);
    nb_activation_write(text, activation);
    nbl_push_text(L, text);
    lua_remove(L, -2);
}

void nbl_push_activation(lua_State *L, nb_activation activation)
{
    const nb_activation_type *type = activation.type;
    if (!type->host) {
        push_built_in(L, activation);
        return;
    }
    nbl_recall(L, type->host);
    if (strcmp(type->name, NBL_NAMELESS) == 0) {
        lua_getiuservalue(L, -1, FUNCTION);
        lua_remove(L, -2);
    } else if (find_registered(L, NBL_ACTIVATIONS, type->name) == (const void *)type->host) {
        lua_pop(L, 2);
        lua_pushstring(L, type->name);
    } else {
        lua_pop(L, 1);
    }
}

/* One search of the core, as a message to find_body. */
typedef struct search {
    const char *name;
    int names;
    function *result;
} search;

/* (search, table of what was found) */
static int find_body(lua_State *L)
{
    search *work = nbl_work(L);
    function *self = find_registered(L, work->names, work->name);
    if (!self) return 0;
    nbl_hold(L, 2, -1);
    work->result = self;
    return 0;
}

/* Lua makes a string of the name, which may fail, hence pcall: the core is on the stack. */
static function *find_name(nb_ctx *ctx, nbl_names *names, int which, const char *name)
{
    lua_State *L = names->L;
    search work = {name, which, NULL};
    if (!lua_checkstack(L, 3)) return nb_fail_null(ctx, NB_EMEMORY, "not enough memory");
    nbl_push_work(ctx, find_body, &work);
    lua_pushvalue(L, names->found);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
    return work.result;
}

static const nb_activation_type *resolve_activation(nb_ctx *ctx, void *self, const char *name)
{
    function *found = find_name(ctx, self, NBL_ACTIVATIONS, name);
    return found ? &found->activation : NULL;
}

static const nb_cost_type *resolve_cost(nb_ctx *ctx, void *self, const char *name)
{
    function *found = find_name(ctx, self, NBL_COSTS, name);
    return found ? &found->cost : NULL;
}

void nbl_names_init(nbl_names *names, lua_State *L, int found)
{
    *names = (nbl_names){L, lua_absindex(L, found), {resolve_activation, resolve_cost, names}};
}

/* ---- nn.activation, nn.cost ---- */

typedef struct maker_options {
    const char *name;
    int f, df;
    const char *init;
    double low, high; /* NaN: not given */
} maker_options;

static const nb_option activation_options[] = {
    {.name = "name",
     .help = "the word that notation and files know it by",
     .standard = "none",
     .kind = NB_WORD,
     .offset = offsetof(maker_options, name)},
    {.name = "f",
     .help = "z (a tensor) → a of the same shape, from tensor methods",
     .standard = "must be given",
     .kind = NB_HOST,
     .offset = offsetof(maker_options, f)},
    {.name = "df",
     .help = "z → f'(z); without it the derivative comes from the tape",
     .standard = "the tape's",
     .kind = NB_HOST,
     .offset = offsetof(maker_options, df)},
    {.name = "init",
     .help = "the initialiser that suits it",
     .standard = "lecun",
     .kind = NB_WORD,
     .offset = offsetof(maker_options, init)},
    {.name = "low",
     .help = "what its outputs are never below; without it they are looked at where it matters",
     .standard = "not known",
     .value = NAN,
     .infinite = true,
     .kind = NB_NUMBER,
     .offset = offsetof(maker_options, low)},
    {.name = "high",
     .help = "what they are never above",
     .standard = "not known",
     .value = NAN,
     .infinite = true,
     .kind = NB_NUMBER,
     .offset = offsetof(maker_options, high)},
    NB_OPTIONS_END,
};

static const nb_option cost_options[] = {
    {.name = "name",
     .help = "the word that notation and files know it by",
     .standard = "none",
     .kind = NB_WORD,
     .offset = offsetof(maker_options, name)},
    {.name = "f",
     .help = "(a, y) → a 0-dimensional tensor, the mean over the examples",
     .standard = "must be given",
     .kind = NB_HOST,
     .offset = offsetof(maker_options, f)},
    NB_OPTIONS_END,
};

static void check_function(lua_State *L, const char *whose, const char *field, int at)
{
    if (!at) nbl_error(L, "%s: %s is missing", whose, field);
    if (!lua_isfunction(L, at))
        nbl_error(L, "%s: %s must be a function, not %s", whose, field, nbl_describe(L, at));
}

void nbl_check_word(lua_State *L, const char *whose, const char *name)
{
    if (!nb_notation_is_name(name))
        nbl_error(L, "%s: a name is a letter, then letters, digits or _, %d at most; not '%s'",
                  whose, NB_NAME_MAX - 1, name);
}

/* Whether any layer has a yes-or-no option of that name. */
static bool is_flag(const char *name)
{
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_option *option = nb_option_find(nb_layer_types[i]->options, name);
        if (option && option->kind == NB_BOOLEAN) return true;
    }
    return false;
}

static void check_name(lua_State *L, const char *whose, const char *name, bool built_in)
{
    if (!name) return;
    nbl_check_word(L, whose, name);
    if (built_in) nbl_error(L, "%s: '%s' is built in; choose another name", whose, name);
    /* In notation words of layers, flags and activations stand in the same places. */
    if (nb_layer_find(name) || is_flag(name))
        nbl_error(L, "%s: '%s' is a word of notation already; choose another name", whose, name);
}

/* Registers the handle on the stack's top, which stays. */
static void register_name(lua_State *L, int names, const char *name)
{
    if (!name) return;
    nbl_state_push(L, names);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static int make_activation(lua_State *L)
{
    maker_options options;
    nbl_options(L, 1, activation_options, &options, false);
    if (options.low > options.high)
        nbl_error(L, "nn.activation: low is above high, %f above %f", options.low, options.high);
    check_function(L, "nn.activation", "f", options.f);
    if (options.df) check_function(L, "nn.activation", "df", options.df);
    check_name(L, "nn.activation", options.name,
               options.name && nb_activation_find(options.name) != NULL);
    const nb_init_type *init = options.init ? nb_init_find(options.init) : NULL;
    if (options.init && !init) nbl_unknown_name(L, "initialiser", options.init, nb_init_name_at);
    function *self = new_activation(L, options.f, options.name ? options.name : NBL_NAMELESS);
    if (init) self->activation.init = init->name;
    self->activation.low = options.low;
    self->activation.high = options.high;
    self->slope = options.df != 0;
    if (self->slope) {
        lua_pushvalue(L, options.df);
        lua_setiuservalue(L, -2, SLOPE);
    }
    register_name(L, NBL_ACTIVATIONS, options.name);
    return 1;
}

static int make_cost(lua_State *L)
{
    maker_options options;
    nbl_options(L, 1, cost_options, &options, false);
    check_function(L, "nn.cost", "f", options.f);
    check_name(L, "nn.cost", options.name, options.name && nb_cost_find(options.name) != NULL);
    new_cost(L, options.f, options.name ? options.name : NBL_NAMELESS);
    register_name(L, NBL_COSTS, options.name);
    return 1;
}

static const nbl_entry entries[] = {
    {.name = "activation",
     .function = make_activation,
     .usage = "nn.activation{name = …, f = …, [df = …], [init = …], [low = …, high = …]}",
     .help = "An activation written in Lua with tensor methods. With a name, notation and files "
             "know it in this session. Without df the tape gives the derivative. low and high say "
             "what its outputs never leave; cross_entropy refuses those that can leave 0 … 1, and "
             "where nobody says so it looks at the outputs of every batch. What it gives is a "
             "function as the built-in ones are: f(z), f.df(z).",
     .example =
         "swish2 = nn.activation{name = \"swish2\", f = function(z) return z * (2 * z):sigmoid() "
         "end}\n"
         "swish2.df(0)  → 0.5\n"
         "nn.net \"4 - 3 swish2 - 2\"",
     .options = activation_options},
    {.name = "cost",
     .function = make_cost,
     .usage = "nn.cost{name = …, f = …}",
     .help = "A cost written in Lua: (a, y) → a 0-dimensional tensor, averaged over the examples, "
             "which net:gradcheck looks at.",
     .example = "nn.cost{name = \"absolute\", f = function(a, y) return (a - y):abs():mean() end}\n"
                "print(nn.net \"4 - 3 - 2 : absolute\")",
     .options = cost_options},
    {.name = NULL},
};

void nbl_open_host(lua_State *L)
{
    nbl_register(L, "nn", entries);
}
