/* See words.h. */
#include "lua/data/words.h"

#include "base/arith.h"
#include "base/escape.h"
#include "nn/data/words.h"

#include <string.h>

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

/* ---- In brief ---- */

enum { QUOTED = 100 }; /* characters that are shown */

static nb_status decode_some(nb_ctx *ctx, void *data)
{
    decode_job *work = data;
    int64_t most = nb_least_i64(work->numbers->shape[0], QUOTED);
    nb_tensor *some = nb_tensor_narrow(ctx, work->numbers, 0, 0, most, 1);
    nb_status status = some ? nb_words_write(ctx, work->text, work->words, some) : ctx->status;
    nb_tensor_release(ctx, some);
    return status;
}

void nbl_add_quoted(lua_State *L, const nb_classes *words, nb_tensor *numbers, nb_text *to)
{
    decode_job work = {.words = words, .numbers = numbers, .text = nbl_new_text(L)};
    nbl_run(L, decode_some, &work);
    nb_text_add(to, "\"");
    nb_text_add_escaped(to, nb_text_get(work.text), work.text->length, NB_ESCAPE_QUOTED);
    nb_text_add(to, numbers->shape[0] > QUOTED ? "…\"" : "\"");
    lua_pop(L, 1);
}
