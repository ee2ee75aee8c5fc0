/* Running jobs, and boxes. */
#include "lua/job.h"

#include <stddef.h>
#include <string.h>

#define BOX "nabla.box"

typedef struct box {
    nbl_release *release; /* NULL: released */
    max_align_t value[];
} box;

/* What the user did or the machine lacks is told with the function's name; Ctrl-C and the user's
 * own errors stay as they are. */
static bool wants_name(nb_status status)
{
    return status != NB_ECALLBACK && status != NB_EINTERRUPT;
}

void nbl_run(lua_State *L, const char *whose, nbl_job *job, void *self)
{
    nbl_stay stay;
    int tries = 0;
    bool again = true;
    nbl_enter(L, &stay);
    bool recording = stay.ctx->recording;
    while (again) {
        nb_status status = job(stay.ctx, self);
        stay.ctx->recording = recording;
        if (status != NB_OK && wants_name(status)) nb_fail_in(stay.ctx, "%s", whose);
        again = status != NB_OK && nbl_fail(&stay, &tries);
    }
    nbl_leave(&stay);
}

static int box_gc(lua_State *L)
{
    box *self = luaL_checkudata(L, 1, BOX);
    nbl_release *release = self->release;
    self->release = NULL;
    if (release) release(nbl_ctx(L), self->value);
    return 0;
}

void *nbl_new_box(lua_State *L, size_t bytes, nbl_release *release)
{
    nbl_stress(L);
    box *self = lua_newuserdatauv(L, sizeof *self + bytes, 0);
    memset(self, 0, sizeof *self + bytes);
    self->release = release;
    if (nbl_new_metatable(L, BOX)) {
        lua_pushcfunction(L, box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return self->value;
}

void *nbl_box_value(lua_State *L, int at)
{
    return ((box *)luaL_checkudata(L, at, BOX))->value;
}

void nbl_close_box(lua_State *L, int at)
{
    box *self = luaL_checkudata(L, at, BOX);
    nbl_release *release = self->release;
    self->release = NULL;
    if (release) release(nbl_ctx(L), self->value);
}
