/* net:classify: the class that a network answers, by its name. */
#include "lua/data/schema.h"
#include "lua/nn/examples.h"
#include "lua/nn/net.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/train/answers.h"
#include "tensor/shape.h"

#include <stddef.h>

enum {
    BETWEEN_LOOKS = 1024, /* answers pushed before Ctrl-C is looked for */
    LINES_MOST = 20       /* of a table that prints itself */
};

typedef struct classify_options {
    int64_t top; /* 0: the one class */
} classify_options;

static const nb_option classify_fields[] = {
    {.name = "top",
     .help = "so many classes with their values, the largest first",
     .range = "a whole number from 1",
     .standard = "the name of one",
     .low = 1,
     .high = NB_CLASSES_MAX,
     .kind = NB_INTEGER,
     .offset = offsetof(classify_options, top)},
    NB_OPTIONS_END,
};

typedef struct classify_job {
    nb_net *net;
    nbl_examples examples;
    int64_t top;
    nb_tensor **places, **values; /* (n, 1) nb_answer_places; or both (n, top) */
    bool single;
} classify_job;

static nb_status answer(nb_ctx *ctx, classify_job *work, nb_tensor *out)
{
    if (work->top) return nb_answer_top(ctx, work->net, out, work->top, work->values, work->places);
    *work->places = nb_answer_places(ctx, work->net, out);
    return *work->places ? NB_OK : ctx->status;
}

static nb_status classify(nb_ctx *ctx, void *data)
{
    classify_job *work = data;
    nbl_batch batch;
    nb_result result;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    work->single = batch.single;
    const nb_mode mode = {.lengths = batch.lengths};
    nb_status status = nb_net_run(ctx, work->net, batch.x, NULL, &mode, NULL, &result);
    if (status == NB_OK) {
        status = answer(ctx, work, result.output);
        nb_result_free(ctx, &result);
    }
    nbl_batch_free(ctx, &batch);
    return status;
}

/* ---- What it gives ---- */

/* A class by its place, from 1, or what a single output's targets are, 0 or 1. */
static void push_class(lua_State *L, const nb_net *net, const nb_classes *classes, int64_t place)
{
    if (nb_net_units(net) == 1 && !classes)
        lua_pushinteger(L, place - 1);
    else
        nbl_push_class(L, classes, place);
}

/* The one answer to example i. */
static void push_name(lua_State *L, const classify_job *work, const nb_classes *classes, int64_t i)
{
    int64_t place = (int64_t)nb_tensor_get(*work->places, (const int64_t[]){i, 0});
    push_class(L, work->net, classes, place + (nb_net_units(work->net) == 1));
}

/* "setosa 0.9712", of the entry on the stack's top, which is popped. */
static void add_entry(lua_State *L, nb_text *text)
{
    char shown[NB_SHOWN];
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "name");
        nb_text_add(text, "%s", nb_text_shown(luaL_tolstring(L, -1, NULL), shown));
        lua_getfield(L, -3, "value");
        nb_text_add(text, " %.4g", lua_tonumber(L, -1));
        lua_pop(L, 3);
    }
    lua_pop(L, 1);
}

/* All entries of the table at `at`, one behind the other. */
static void add_entries(lua_State *L, int at, nb_text *text)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, at);
    for (lua_Integer k = 1; k <= count && k <= LINES_MOST; k++) {
        if (k > 1) nb_text_add(text, " · ");
        lua_rawgeti(L, at, k);
        add_entry(L, text);
    }
    if (count > LINES_MOST) nb_text_add(text, " · …");
}

static int entry_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    nb_text *text = nbl_new_text(L);
    lua_pushvalue(L, 1);
    add_entry(L, text);
    nbl_push_text(L, text);
    return 1;
}

static int entries_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    nb_text *text = nbl_new_text(L);
    add_entries(L, 1, text);
    nbl_push_text(L, text);
    return 1;
}

static int lines_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    nb_text *text = nbl_new_text(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer i = 1; i <= count && i <= LINES_MOST; i++) {
        if (i > 1) nb_text_add(text, "\n");
        if (lua_rawgeti(L, 1, i) == LUA_TTABLE) add_entries(L, lua_gettop(L), text);
        lua_pop(L, 1);
    }
    if (count > LINES_MOST) nb_text_add(text, "\n… and %lld more", (long long)(count - LINES_MOST));
    nbl_push_text(L, text);
    return 1;
}

static const char *const answer_lacks[] = {"name", NULL};
static const nbl_result answer_kind = {
    .name = "nabla.answer", .whose = "an answer", .text = entry_tostring, .may_lack = answer_lacks};

static const nbl_result answers_kind = {
    .name = "nabla.answers", .whose = "a list of answers", .text = entries_tostring};

/* The largest of example i: a list of {name, value}. */
static void push_top(lua_State *L, const classify_job *work, const nb_classes *classes, int64_t i)
{
    int64_t count = (*work->places)->shape[1];
    lua_createtable(L, (int)count, 0);
    for (int64_t k = 0; k < count; k++) {
        const int64_t at[] = {i, k};
        lua_createtable(L, 0, 2);
        push_class(L, work->net, classes, (int64_t)nb_tensor_get(*work->places, at));
        lua_setfield(L, -2, "name");
        nbl_set_number(L, "value", nb_tensor_get(*work->values, at));
        nbl_dress(L, &answer_kind);
        lua_rawseti(L, -2, k + 1);
    }
    nbl_dress(L, &answers_kind);
}

static const nbl_result lines_kind = {
    .name = "nabla.answer lines", .whose = "a list of answers", .text = lines_tostring};

static int push_answers(lua_State *L, const classify_job *work, const nb_classes *classes)
{
    void (*push)(lua_State *, const classify_job *, const nb_classes *, int64_t) =
        work->top ? push_top : push_name;
    if (work->single) {
        push(L, work, classes, 0);
        return 1;
    }
    lua_newtable(L);
    for (int64_t i = 0; i < (*work->places)->shape[0]; i++) {
        if (i % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        push(L, work, classes, i);
        lua_rawseti(L, -2, i + 1);
    }
    if (work->top) nbl_dress(L, &lines_kind);
    return 1;
}

/* ---- The call ---- */

static int cannot_classify(lua_State *L, const nb_form *out)
{
    char text[NB_SHAPE_TEXT];
    return nbl_error(L,
                     "net:classify gives one class for an example; this network gives %s; "
                     "net(x):argmax(%d) has the largest %s",
                     nb_form_text(out, text), nb_form_neuron_dim(out) - out->dims,
                     out->reading == NB_SPACE ? "channel at each place" : "of each");
}

static int net_classify(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    classify_options options;
    classify_job work = {.net = self->net};
    if (nb_net_out(self->net)->dims != 1) return cannot_classify(L, nb_net_out(self->net));
    int next = nbl_read_examples(L, 2, self->net, "net:classify", NBL_X, &work.examples);
    nbl_no_more(L, next);
    nbl_options(L, next, classify_fields, &options, false);
    work.top = options.top;
    work.places = nbl_new_tensor(L);
    work.values = nbl_new_tensor(L);
    nbl_net_run(L, self, classify, &work);
    return push_answers(L, &work, nb_answer_classes(self->net, work.examples.set));
}

static const nbl_entry entries[] = {
    {":classify", net_classify, "net:classify(x | set [, {top}])",
     "The name of the class with the largest output, for one example; a table of names for "
     "several. A single output answers for two: above one half (of a logit: above 0) the second "
     "class, or 1 where there are no names, else the first, or 0; as net:evaluate judges it. With "
     "top = 3 the three largest for each example, {name, value} each, also of a single output, "
     "which leaves the first class what is missing to 1.",
     "digits = data.digits()\nnet = nn.net \"64 - 10\"\nprint(net:classify(digits.test[1]))\n"
     "print(net:classify(digits.test[1], {top = 3}))",
     classify_fields},
    {.name = NULL},
};

void nbl_open_classify(lua_State *L)
{
    nbl_register(L, "net", entries);
}
