/* Schedules from strings and functions. */
#include "lua/nn/train/schedule.h"

#include "nn/notation/notation.h"

static nb_status read_word(nb_ctx *ctx, const char *text, nb_schedule *out)
{
    const nb_option option = {.name = "schedule", .kind = NB_CHOSEN, .family = &nb_schedule_family};
    return nb_notation_option(ctx, text, NULL, &option, out);
}

bool nbl_read_schedule(lua_State *L, const char *whose, int at, nb_schedule *out)
{
    *out = (nb_schedule){.type = NULL};
    if (!at) return false;
    if (lua_isfunction(L, at)) return true;
    if (lua_type(L, at) != LUA_TSTRING)
        nbl_error(L,
                  "%s: schedule must be a word such as \"cosine(low=0.1)\", or a function of the "
                  "epoch, not %s",
                  whose, nbl_describe(L, at));
    if (read_word(nbl_ctx(L), lua_tostring(L, at), out) != NB_OK)
        nbl_error(L, "%s: schedule: %s", whose, nbl_ctx(L)->message);
    return false;
}

typedef struct question {
    nbl_push_function *push;
    int64_t epoch;
} question;

static int push_question(lua_State *L, const void *self, const void *data)
{
    const question *asked = data;
    asked->push(L, self);
    lua_pushinteger(L, asked->epoch);
    return 1;
}

nb_status nbl_call_schedule(nb_ctx *ctx, nbl_push_function *push, const void *self, int64_t epoch,
                            double *factor)
{
    const question asked = {push, epoch};
    return nbl_call_number(ctx, push_question, self, &asked, "the schedule", factor);
}
