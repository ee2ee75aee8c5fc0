/* Texts that are kept between sessions; for stdlib. */
#include "io/state.h"
#include "lua/nbl.h"

typedef struct keeping {
    const char *name, *text; /* no text: it is read */
    size_t bytes;
    nb_text *said; /* what was read, or why that or the writing could not be */
    bool failed;
} keeping;

/* What the system refuses is told: a place that cannot be kept is no error of the user's. */
static nb_status keep(nb_ctx *ctx, void *data)
{
    keeping *work = data;
    nb_text_free(work->said);
    nb_status status = work->text ? nb_state_write(ctx, work->name, work->text, work->bytes)
                                  : nb_state_read(ctx, work->name, work->said);
    work->failed = status == NB_EIO;
    if (!work->failed) return status;
    nb_text_free(work->said);
    nb_text_add(work->said, "%s", ctx->message);
    return work->said->failed ? NB_EMEMORY : NB_OK;
}

int nbl_keep(lua_State *L)
{
    keeping work = {.name = luaL_checkstring(L, 1)};
    if (!lua_isnoneornil(L, 2)) work.text = luaL_checklstring(L, 2, &work.bytes);
    work.said = nbl_new_text(L);
    nbl_run(L, keep, &work);
    if (work.failed) lua_pushnil(L);
    nbl_push_text(L, work.said);
    return work.failed ? 2 : 1;
}
