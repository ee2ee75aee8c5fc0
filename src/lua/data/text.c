/* data.text: sets from texts. */
#include "lua/data/text.h"

#include "base/arith.h"
#include "lua/data/set.h"
#include "nn/data/text.h"
#include "nn/data/words.h"

#include <stddef.h>
#include <string.h>

enum { STEPS = 64 }; /* where none are told */

/* ---- data.text ---- */

#define AT(field) offsetof(nb_text_options, field)

#define SHARE(part, where)                                                                         \
    {                                                                                              \
        .name = #part, .help = "share of the rows that is set." #part ": " where,                  \
        .range = "a number from 0, below 1", .high = 0.999999, .kind = NB_NUMBER,                  \
        .offset = AT(part)                                                                         \
    }

static const nb_option text_fields[] = {
    {.name = "steps",
     .help = "characters of a row",
     .range = "a whole number from 1",
     .value = STEPS,
     .low = 1,
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = AT(steps)},
    {.name = "stride",
     .help = "from the begin of a row to that of the next; below steps, rows overlap",
     .range = "a whole number from 1",
     .standard = "steps",
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = AT(stride)},
    {.name = "bytes",
     .help = "every byte is a character; else the file is UTF-8",
     .kind = NB_BOOLEAN,
     .offset = AT(bytes)},
    SHARE(valid, "rows before those of test"),
    SHARE(test, "the last rows of the text; set.train is then what is left"),
    NB_OPTIONS_END,
};

typedef struct text_job {
    const char *path;
    nb_text_options options;
    nb_set **out;
} text_job;

static nb_status read_text(nb_ctx *ctx, void *data)
{
    text_job *work = data;
    *work->out = nb_set_read_text(ctx, work->path, &work->options);
    return *work->out ? NB_OK : ctx->status;
}

static int data_text(lua_State *L)
{
    text_job work = {.path = nbl_check_path(L, 1)};
    nb_text_options *options = &work.options;
    nbl_no_more(L, 2);
    nbl_options(L, 2, text_fields, options, false);
    if (options->stride == 0) options->stride = options->steps;
    if (options->valid + options->test >= 1)
        return nbl_error(L, "valid and test leave nothing to learn from: together they are %f",
                         options->valid + options->test);
    work.out = nbl_new_set(L);
    nbl_run(L, read_text, &work);
    return 1;
}

/* ---- Text as numbers ---- */

typedef struct words_job {
    const nb_classes *words;
    const char *text;
    size_t length;
    nb_tensor **out;
} words_job;

static nb_status read_words(nb_ctx *ctx, void *data)
{
    words_job *work = data;
    *work->out = nb_words_read(ctx, work->words, work->text, work->length);
    return *work->out ? NB_OK : ctx->status;
}

/* The string at `at` becomes a tensor. */
static void number_text(lua_State *L, int at, const nb_classes *words)
{
    words_job work = {.words = words};
    work.text = lua_tolstring(L, at, &work.length);
    if (work.length == 0) nbl_error(L, "the text is empty");
    work.out = nbl_new_tensor(L);
    nbl_run(L, read_words, &work);
    lua_replace(L, at);
}

typedef struct stack_job {
    nb_tensor **list, **out;
    int64_t count;
} stack_job;

/* Vectors of one length as the rows of one tensor. */
static nb_status stack_rows(nb_ctx *ctx, void *data)
{
    stack_job *work = data;
    int64_t steps = work->list[0]->shape[0];
    *work->out = nb_tensor_new(ctx, NB_I32, 2, (int64_t[]){work->count, steps});
    if (!*work->out) return ctx->status;
    int32_t *to = nb_tensor_data(*work->out);
    for (int64_t i = 0; i < work->count; i++)
        memcpy(to + i * steps, nb_tensor_data(work->list[i]), (size_t)steps * sizeof *to);
    return NB_OK;
}

/* A table of strings, at `arg`, becomes what is said at nbl_read_text. */
static void number_list(lua_State *L, int arg, const nb_classes *words)
{
    stack_job work = {.count = (int64_t)lua_rawlen(L, arg)};
    bool even = true;
    lua_createtable(L, (int)work.count, 0);
    int all = lua_gettop(L);
    work.list = lua_newuserdatauv(L, (size_t)work.count * sizeof *work.list, 0);
    for (int64_t i = 0; i < work.count; i++) {
        if (lua_rawgeti(L, arg, i + 1) != LUA_TSTRING)
            nbl_error(L, "entry %I of a list of texts must be one, not %s", (lua_Integer)i + 1,
                      nbl_describe(L, -1));
        number_text(L, lua_gettop(L), words);
        work.list[i] = nbl_test_tensor(L, -1);
        even = even && work.list[i]->shape[0] == work.list[0]->shape[0];
        lua_rawseti(L, all, i + 1);
    }
    if (even) {
        work.out = nbl_new_tensor(L);
        nbl_run(L, stack_rows, &work);
        lua_replace(L, all);
    }
    lua_settop(L, all);
    lua_replace(L, arg);
}

/* Whether at `arg` is a list that begins with text. */
static bool is_list_of_text(lua_State *L, int arg)
{
    if (!lua_istable(L, arg)) return false;
    bool is = lua_rawgeti(L, arg, 1) == LUA_TSTRING;
    lua_pop(L, 1);
    return is;
}

void nbl_read_text(lua_State *L, int arg, const nb_classes *words, const char *what)
{
    bool one = lua_type(L, arg) == LUA_TSTRING, list = !one && is_list_of_text(L, arg);
    if ((!one && !list) || (!words && !what)) return;
    if (!words)
        nbl_error(L,
                  "%s is text, and the network has no vocabulary; it takes over that of a set of "
                  "data.text from which it learns",
                  what);
    if (one)
        number_text(L, arg, words);
    else
        number_list(L, arg, words);
}

/* ---- Numbers as text ---- */

typedef struct decode_job {
    const nb_classes *words;
    nb_tensor *numbers;
    int64_t row; /* of a matrix; -1: all */
    nb_text *text;
} decode_job;

static nb_status decode(nb_ctx *ctx, void *data)
{
    decode_job *work = data;
    nb_tensor *row = work->row < 0 ? nb_tensor_retain(work->numbers)
                                   : nb_tensor_select(ctx, work->numbers, 0, work->row);
    nb_status status = row ? nb_words_write(ctx, work->text, work->words, row) : ctx->status;
    nb_tensor_release(ctx, row);
    return status;
}

static void push_decoded(lua_State *L, decode_job *work)
{
    work->text = nbl_new_text(L);
    nbl_run(L, decode, work);
    nbl_push_text(L, work->text);
    lua_remove(L, -2);
}

int nbl_push_decoded(lua_State *L, const nb_classes *words, const char *whose)
{
    decode_job work = {.words = words, .row = -1};
    if (!words) return nbl_error(L, "%s has no vocabulary: it knows no data.text", whose);
    lua_settop(L, 2);
    work.numbers = nbl_to_tensor(L, 2, NB_F64);
    if (work.numbers->dims > 2)
        return nbl_error(L, "word numbers are a number, a vector or rows, not %d dimensions",
                         work.numbers->dims);
    if (work.numbers->dims < 2) {
        push_decoded(L, &work);
        return 1;
    }
    lua_createtable(L, (int)nb_least_i64(work.numbers->shape[0], NBL_LIST_ROOM), 0);
    for (work.row = 0; work.row < work.numbers->shape[0]; work.row++) {
        push_decoded(L, &work);
        lua_rawseti(L, -2, work.row + 1);
    }
    return 1;
}

static int set_decode(lua_State *L)
{
    return nbl_push_decoded(L, nbl_check_set(L, 1)->schema.words, "the set");
}

/* ---- Registration ---- */

#define TEXT                                                                                       \
    "path = os.tmpname()\nfile = io.open(path, \"w\")\nfile:write((\"to be or not to be, \"):rep(" \
    "40))\nfile:close()\n"

static const nbl_entry entries[] = {
    {"text", data_text, "data.text(path, [{steps = …, …}])",
     "A data set from a text, plain or gzip, for networks that say what comes next: a row of x is "
     "`steps` characters as word numbers, for embedding, and y the class of the character that "
     "follows each of them. The vocabulary, set.classes, is the characters of the text in the "
     "order "
     "of Unicode; a network that learned from the set takes text as x. The text is held once, in a "
     "byte for each character (two where there are more than 256 different ones). Line ends stay "
     "as "
     "they are, UTF-8's mark at the begin is left out, and so is at the end what fills no row.",
     TEXT "set = data.text(path, {steps = 20})\nprint(set)\n"
          "net = nn.net(\"* - embedding 8 8 - gru 16 - 8 softmax : cross_entropy\", {seed = 1})\n"
          "net:train(set, {epochs = 20, batch = 8, optimizer = nn.adam {lr = 0.02}})\n"
          "print(net:evaluate(set))\nos.remove(path)",
     text_fields},
    {.name = NULL},
};

static const nbl_entry set_entries[] = {
    {":decode", set_decode, "set:decode(numbers)",
     "Word or class numbers of a set of data.text as text: of a number, a vector or a list one "
     "text, "
     "of a matrix a table of them, one for each row.",
     TEXT "set = data.text(path, {steps = 20})\nprint(set:decode(set[2].x))\nos.remove(path)",
     NULL},
    {.name = NULL},
};

void nbl_open_text(lua_State *L)
{
    nbl_register(L, "data", entries);
}

void nbl_open_set_text(lua_State *L)
{
    nbl_register(L, "set", set_entries);
}
