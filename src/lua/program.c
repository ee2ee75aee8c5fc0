/* Files that another program writes; for stdlib. */
#include "io/process.h"
#include "lua/nbl.h"

#include <string.h>

enum { WORDS_MAX = 8 };

typedef struct writing {
    const char *path;
    const char *argv[WORDS_MAX + 1];
    const char *input;
    size_t input_bytes;
    nb_text *said;
    bool missing, done, told; /* told: `said` is a message of ours */
} writing;

static nb_status write_by(nb_ctx *ctx, writing *work)
{
    nb_sink *sink = nb_sink_open(ctx, work->path);
    if (!sink) return ctx->status;
    nb_process process = {.argv = work->argv,
                          .input = work->input,
                          .input_bytes = work->input_bytes,
                          .output = sink,
                          .said = work->said};
    nb_status status = nb_process_run(ctx, &process);
    work->missing = process.missing;
    work->done = process.done;
    if (status == NB_OK && process.done) return nb_sink_close(sink);
    nb_sink_drop(sink);
    return status;
}

/* What the system refuses is told, for the caller has words of his own around it. */
static nb_status try_write(nb_ctx *ctx, void *data)
{
    writing *work = data;
    nb_text_free(work->said);
    nb_status status = write_by(ctx, work);
    if (status != NB_EIO) return status;
    work->done = false;
    work->told = true;
    nb_text_free(work->said);
    nb_text_add(work->said, "%s", ctx->message);
    return work->said->failed ? NB_EMEMORY : NB_OK;
}

int nbl_write_by(lua_State *L)
{
    writing work = {.path = nbl_check_path(L, 1)};
    work.input = luaL_checklstring(L, 2, &work.input_bytes);
    int words = lua_gettop(L) - 2;
    luaL_argcheck(L, words >= 1 && words <= WORDS_MAX, 3, "a program and its arguments");
    for (int i = 0; i < words; i++) work.argv[i] = luaL_checkstring(L, i + 3);
    work.said = nbl_new_text(L);
    nbl_run(L, try_write, &work);
    if (work.missing)
        lua_pushnil(L);
    else
        lua_pushboolean(L, work.done);
    nbl_push_text(L, work.said);
    lua_pushboolean(L, work.told);
    return 3;
}
