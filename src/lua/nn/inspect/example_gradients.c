/* net:example_gradients: how long the gradient of every example is and how far they agree, as a
 * value that prints itself. */
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "lua/nn/examples.h"
#include "lua/nn/net.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/inspect/examples/gradients.h"

#include <math.h>

enum {
    SHOWN = 5,        /* examples that pull most, and least */
    TABLE_MOST = 12,  /* classes whose cosines are printed */
    NAME_COLUMNS = 12 /* of a class's name beside them */
};

typedef struct gradients_job {
    nb_net *net;
    nbl_examples examples;
    nb_set **set;
    nb_example_gradients found;
    nb_tensor **norms, **order, **cosines, **classes; /* handles, which take them over */
} gradients_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    gradients_job *work = data;
    if (!*work->set) *work->set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!*work->set) return ctx->status;
    nb_status status = nb_example_gradients_find(ctx, work->net, *work->set, &work->found);
    if (status != NB_OK) return status;
    *work->norms = work->found.norms;
    *work->order = work->found.order;
    *work->cosines = work->found.cosines;
    *work->classes = work->found.classes;
    work->found.norms = work->found.order = work->found.cosines = work->found.classes = NULL;
    return NB_OK;
}

/* ---- The text ---- */

static double number_field(lua_State *L, int at, const char *name)
{
    double number = nbl_own_field(L, at, name) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    lua_pop(L, 1);
    return number;
}

/* Pushes entry k of the list `name` of the value at 1, or nil. */
static void push_entry(lua_State *L, const char *name, int k)
{
    nbl_own_field(L, 1, name);
    if (lua_istable(L, -1))
        lua_rawgeti(L, -1, k);
    else
        lua_pushnil(L);
    lua_remove(L, -2);
}

/* " 1,234  '8'  0.56" of entry k of a list, where it has so many. */
static void add_example(lua_State *L, nb_text *text, const char *list, int k)
{
    char shown[NB_SHOWN];
    push_entry(L, list, k);
    if (lua_istable(L, -1)) {
        int at = lua_gettop(L);
        nb_text_add(text, "%8lld", (long long)number_field(L, at, "example"));
        nb_text_add(text, "  %-10.4g", number_field(L, at, "norm"));
        if (nbl_own_field(L, at, "class") != LUA_TNIL)
            nb_text_add(text, "%s", nb_text_shown(luaL_tolstring(L, -1, NULL), shown));
        lua_settop(L, at);
    }
    lua_pop(L, 1);
}

static void add_list(lua_State *L, nb_text *text, const char *title, const char *list)
{
    nb_text_add(text, "\n%s", title);
    for (int k = 1; k <= SHOWN; k++) {
        push_entry(L, list, k);
        bool there = lua_istable(L, -1);
        lua_pop(L, 1);
        if (!there) return;
        nb_text_add(text, "\n");
        add_example(L, text, list, k);
    }
}

static void add_name(lua_State *L, nb_text *text, int64_t k, int width)
{
    char shown[NB_SHOWN];
    push_entry(L, "classes", (int)k);
    nb_text_add(text, "%*.*s", width, width, nb_text_shown(luaL_tolstring(L, -1, NULL), shown));
    lua_pop(L, 2);
}

static void add_cosines(lua_State *L, nb_text *text)
{
    nbl_own_field(L, 1, "cosines");
    nb_tensor *cosines = nbl_test_tensor(L, -1);
    if (cosines && cosines->dims == 2 && cosines->shape[0] <= TABLE_MOST) {
        int64_t k = cosines->shape[0];
        nb_text_add(text, "\ncosines between the classes' mean gradients\n%*s", NAME_COLUMNS, "");
        for (int64_t b = 1; b <= k; b++) add_name(L, text, b, 6);
        for (int64_t a = 0; a < k; a++) {
            nb_text_add(text, "\n");
            add_name(L, text, a + 1, NAME_COLUMNS);
            for (int64_t b = 0; b < k; b++) {
                double value = nb_tensor_get(cosines, (const int64_t[]){a, b});
                if (isnan(value))
                    nb_text_add(text, "     -");
                else
                    nb_text_add(text, "%6.2f", value);
            }
        }
    }
    lua_pop(L, 1);
}

static void add_noise(nb_text *text, double noise, bool one)
{
    if (isnan(noise)) {
        nb_text_add(text, " · no noise: %s", one ? "one example" : "all gradients are 0");
        return;
    }
    nb_text_add(text, " · noise %.4g", noise);
    if (!(noise >= 1) || isinf(noise)) return;
    nb_text_add(text, ": a batch of ");
    nb_text_add_grouped(text, (int64_t)(noise + 0.5));
    nb_text_add(text, " has as much noise as signal");
}

static int gradients_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nb_text *text = nbl_new_text(L);
    int64_t count = (int64_t)number_field(L, 1, "count");
    nb_text_add_grouped(text, count);
    nb_text_add(text, count == 1 ? " example" : " examples");
    nb_text_add(text, " · norm of a gradient %.4g … %.4g, median %.4g\n",
                number_field(L, 1, "smallest"), number_field(L, 1, "largest"),
                number_field(L, 1, "median"));
    nb_text_add(text, "norm of their mean %.4g", number_field(L, 1, "mean"));
    add_noise(text, number_field(L, 1, "noise"), count == 1);
    add_list(L, text, "pull most: example, norm, class", "most");
    add_list(L, text, "pull least", "least");
    add_cosines(L, text);
    nbl_push_text(L, text);
    return 1;
}

/* ---- The value ---- */

/* The names of the classes, or NULL. */
static const nb_classes *names_of(const gradients_job *work)
{
    const nb_classes *own = work->net->schema.classes;
    return own ? own : (*work->set)->schema.classes;
}

/* {example, norm, class} of the example at place k of the order. */
static void push_ranked(lua_State *L, const gradients_job *work, int64_t k)
{
    int64_t i = (int64_t)nb_tensor_get(*work->order, &k);
    lua_createtable(L, 0, 3);
    nbl_set_integer(L, "example", i + 1);
    nbl_set_number(L, "norm", nb_tensor_get(*work->norms, &i));
    if (!*work->classes) return;
    nbl_push_class(L, names_of(work), (int64_t)nb_tensor_get(*work->classes, &i));
    lua_setfield(L, -2, "class");
}

/* The first `SHOWN` of the order, or of it turned. */
static void set_list(lua_State *L, const gradients_job *work, const char *name, bool turned)
{
    int64_t count = work->found.count;
    lua_newtable(L);
    for (int64_t k = 0; k < count && k < SHOWN; k++) {
        push_ranked(L, work, turned ? count - 1 - k : k);
        lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, name);
}

static double norm_at(const gradients_job *work, int64_t k)
{
    int64_t i = (int64_t)nb_tensor_get(*work->order, &k);
    return nb_tensor_get(*work->norms, &i);
}

static void set_ranks(lua_State *L, const gradients_job *work)
{
    int64_t n = work->found.count;
    nbl_set_number(L, "smallest", norm_at(work, 0));
    nbl_set_number(L, "largest", norm_at(work, n - 1));
    nbl_set_number(L, "median", (norm_at(work, (n - 1) / 2) + norm_at(work, n / 2)) / 2);
    set_list(L, work, "most", true);
    set_list(L, work, "least", false);
}

/* What the gradients hang on: it moves with every change of a parameter or buffer. */
static int64_t state_of(const nb_net *net)
{
    return (int64_t)net->whole->storage->version + net->figures->storage->version;
}

static void set_classes(lua_State *L, const gradients_job *work)
{
    if (!*work->cosines) return;
    int64_t k = (*work->cosines)->shape[0];
    lua_createtable(L, (int)k, 0);
    for (int64_t i = 1; i <= k; i++) {
        nbl_push_class(L, names_of(work), i);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "classes");
}

static const char *const gradients_lacks[] = {"noise",         "classes",        "cosines",
                                              "most[i].class", "least[i].class", NULL};
static const nbl_result gradients_kind = {.name = "nabla.example gradients",
                                          .whose = "what net:example_gradients gives",
                                          .text = gradients_tostring,
                                          .may_lack = gradients_lacks};

/* The handles of set, norms and cosines stand at `first`. */
static void push_gradients(lua_State *L, const gradients_job *work, int first)
{
    static const char *const names[] = {"set", "norms", "cosines"};
    const nb_example_gradients *found = &work->found;
    lua_createtable(L, 0, 14);
    nbl_set_integer(L, "count", found->count);
    nbl_set_number(L, "mean", found->mean);
    if (!isnan(found->noise)) nbl_set_number(L, "noise", found->noise);
    nbl_set_integer(L, "state", state_of(work->net));
    set_ranks(L, work);
    set_classes(L, work);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "net");
    for (int i = 0; i < 3; i++) {
        if (i == 2 && !*work->cosines) continue;
        lua_pushvalue(L, first + i);
        lua_setfield(L, -2, names[i]);
    }
    nbl_dress(L, &gradients_kind);
}

static int net_example_gradients(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    gradients_job work = {.net = self->net};
    int next =
        nbl_read_examples(L, 2, self->net, "net:example_gradients", NBL_X_AND_Y, &work.examples);
    nbl_no_more(L, next - 1);
    int first = lua_gettop(L) + 1;
    work.set = nbl_new_set(L);
    work.norms = nbl_new_tensor(L);
    work.cosines = nbl_new_tensor(L);
    work.order = nbl_new_tensor(L);
    work.classes = nbl_new_tensor(L);
    nbl_net_run(L, self, find, &work);
    push_gradients(L, &work, first);
    return 1;
}

/* ---- Rows of the Gram matrix ---- */

typedef struct row_job {
    nb_net *net;
    nb_set *set;
    int64_t example;
    nb_tensor **out;
} row_job;

static nb_status find_row(nb_ctx *ctx, void *data)
{
    row_job *work = data;
    *work->out = nb_example_gradients_row(ctx, work->net, work->set, work->example);
    return *work->out ? NB_OK : ctx->status;
}

static int gradients_row(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    nbl_no_more(L, 2);
    lua_settop(L, 2);
    nbl_own_field(L, 1, "net");
    nbl_own_field(L, 1, "set");
    nbl_own_field(L, 1, "state");
    nbl_net *self = nbl_check_net(L, 3);
    row_job work = {.net = self->net, .set = nbl_check_set(L, 4)};
    if (lua_tointeger(L, 5) != state_of(self->net))
        return nbl_error(L, "the network has changed since; ask net:example_gradients again");
    work.example = nbl_check_index(L, 2, work.set->count, "example");
    work.out = nbl_new_tensor(L);
    nbl_net_run(L, self, find_row, &work);
    return 1;
}

static const nbl_entry methods[] = {
    {":row", gradients_row, "example_gradients:row(i)",
     "The products of example i's gradient with that of every example, a row of the Gram matrix: "
     "positive where a step for i helps the other too. r[i] is its own norm squared; divided by "
     "both norms they are cosines.",
     "digits = data.digits()\nnet = nn.net \"64 - 10\"\n"
     "g = net:example_gradients(digits.train:take(50))\nprint(g:row(3) / (g.norms * g.norms[3]))",
     NULL},
    {.name = NULL},
};

static const nbl_entry entries[] = {
    {":example_gradients", net_example_gradients, "net:example_gradients(set | x, y)",
     "How hard every example pulls: the norm of ∇C_x, its own gradient, whatever batch it is in "
     "(without the 1/n of the cost's mean, and without weights), from one pass over the set; "
     "g:row(i) gives its products with all others. Of what learns: frozen layers and masked "
     "weights take no part; batch_norm goes by its running figures, and nothing is dropped. Prints "
     "itself; fields: .norms, a tensor, .smallest .median .largest of them, .mean, the norm of "
     "their mean ∇C, .noise, tr Σ / ‖∇C‖² with the covariance Σ of the gradients: the size of a "
     "batch whose gradient has as much noise as signal, nil of one example and where all are 0; "
     ".most and .least, lists of {example, norm, class}; of classes .cosines, a tensor of the "
     "cosines between the classes' mean gradients, in the order of .classes.",
     "digits = data.digits()\nnet = nn.net \"64 - 30 - 10\"\n"
     "g = net:example_gradients(digits.test)\nprint(g)",
     NULL},
    {.name = NULL},
};

void nbl_open_example_gradients(lua_State *L)
{
    nbl_register(L, "net", entries);
    nbl_give_methods(L, &gradients_kind, "example_gradients", methods);
}
